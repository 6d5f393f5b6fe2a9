//! What the slow parts say while they work. Nothing but `render` and `cli` speaks to people; the
//! others send an [`Event`] and go on.

use std::path::Path;

/// Something that happened. Borrowed, so that sending costs nothing when nobody listens.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Event<'a> {
    /// Files are recorded, from now on until [`Event::Recorded`].
    Recording {
        /// What they are recorded as.
        role: Role,
        /// Whether they were recorded before.
        files: Files,
    },
    /// Contents were found that are read and hashed later: a large file, or small ones.
    Found {
        /// How much there is to read.
        bytes: u64,
    },
    /// Some of what was found is read and hashed.
    Read {
        /// How much: a file, many files, or a piece of one.
        bytes: u64,
    },
    /// All folders were gone through: nothing more will be found in this recording.
    Walked,
    /// [`Event::Recording`] is over, well or not.
    Recorded,
    /// The digests of a file were taken over from the recording before.
    Reused {
        /// The name under which it is recorded.
        path: &'a str,
        /// Its size.
        bytes: u64,
    },
    /// A file was hashed.
    Hashed {
        /// The name under which it is recorded.
        path: &'a str,
        /// Its size.
        bytes: u64,
    },
    /// A file is not recorded because an exclude pattern names it or a folder above it.
    Excluded {
        /// The file or folder.
        path: &'a Path,
    },
    /// An entry is not recorded because it is neither file nor folder (a socket, a device, a named
    /// pipe) or a symbolic link that points nowhere.
    Skipped {
        /// The entry.
        path: &'a Path,
        /// Why, in a few words.
        why: &'static str,
    },
    /// A command runs now.
    Started {
        /// Its process id.
        process: u32,
    },
    /// A signal sent to this process was passed on to the command.
    Forwarded {
        /// The signal's number.
        signal: i32,
    },
}

/// What files are recorded as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// What a step starts from.
    Materials,
    /// What it leaves.
    Products,
}

/// Whether files were recorded before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Files {
    /// Nothing is known of them.
    New,
    /// They are those of the recording before, as far as these have not changed.
    Again,
}

/// Tells of a recording while it lasts, and of its end even if it panics.
pub(crate) fn recording<T>(
    observer: &dyn Observer,
    role: Role,
    files: Files,
    record: impl FnOnce() -> T,
) -> T {
    struct End<'o>(&'o dyn Observer);
    impl Drop for End<'_> {
        fn drop(&mut self) {
            self.0.event(Event::Recorded);
        }
    }
    observer.event(Event::Recording { role, files });
    let _end = End(observer);
    record()
}

/// Who listens. Called from several threads.
pub trait Observer: Sync {
    /// Takes note of an event. Must not block for long.
    fn event(&self, event: Event<'_>);

    /// Whether a recording shall be given up, which is then an error. Asked often, from several threads;
    /// once it is so, it stays so.
    fn gives_up(&self) -> bool {
        false
    }
}

/// Nobody listens.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Observer for Silent {
    fn event(&self, _event: Event<'_>) {}
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Mutex;

    use super::*;

    struct Ear(Mutex<Vec<String>>);

    impl Observer for Ear {
        fn event(&self, event: Event<'_>) {
            self.0.lock().unwrap().push(format!("{event:?}"));
        }
    }

    #[test]
    fn the_end_of_a_recording_is_told_even_if_it_panics() {
        let ear = Ear(Mutex::default());
        let panics = || recording(&ear, Role::Products, Files::New, || panic!("enough"));
        assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
        let heard = ear.0.into_inner().unwrap();
        assert_eq!(heard.len(), 2, "{heard:?}");
        assert_eq!(heard[1], "Recorded");
    }
}
