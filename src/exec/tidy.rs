//! Tidying up before a signal ends this process.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::HeldSignals;
use super::signals::ended_by_signal;

/// How long a signal may wait for the tidying to begin.
const TICK: Duration = Duration::from_millis(50);

/// How often a folder is tried to be removed: another thread may still be writing where it was.
const REMOVALS: usize = 20;

/// What a folder's name ends with while it is removed.
const REMOVED: &str = ".removed";

/// While this lives, SIGHUP, SIGINT, SIGQUIT and SIGTERM end this process only after a folder was
/// removed. One that comes while a command runs goes to that too, and ends this process when the
/// command is over, whatever it made of it.
#[derive(Debug)]
pub struct Tidy {
    folder: Arc<Mutex<Folder>>,
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The one folder.
#[derive(Debug)]
enum Folder {
    Unmade,
    Made(PathBuf),
    /// A signal has come: what was made is removed, and nothing is made any more.
    Over,
}

impl Tidy {
    /// Holds the signals back from now on; [`undisturbed`](Self::undisturbed) says what for.
    ///
    /// # Errors
    /// The system does not let handlers be installed, or a thread be started.
    pub fn begin() -> io::Result<Self> {
        let held = HeldSignals::take()?;
        let folder = Arc::new(Mutex::new(Folder::Unmade));
        let (over, is_over) = mpsc::channel::<()>();
        let named = Arc::clone(&folder);
        let watch = move || {
            while is_over.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) && !held.may_end_us()
            {
            }
            if held.may_end_us() {
                let mut folder = locked(&named);
                if let Folder::Made(folder) = &*folder {
                    remove(folder);
                }
                *folder = Folder::Over;
            }
            drop(held);
        };
        let thread = thread::Builder::new().spawn(watch)?;
        Ok(Self {
            folder,
            over: Some(over),
            thread: Some(thread),
        })
    }

    /// Nothing is removed while what this gives lives, and no signal ends this process: to make the folder,
    /// or to take something out of it as a whole.
    ///
    /// # Errors
    /// A signal has come.
    pub fn undisturbed(&self) -> io::Result<Undisturbed<'_>> {
        let folder = locked(&self.folder);
        match *folder {
            Folder::Unmade | Folder::Made(_) => Ok(Undisturbed(folder)),
            Folder::Over => Err(ended_by_signal()),
        }
    }
}

fn locked(folder: &Mutex<Folder>) -> MutexGuard<'_, Folder> {
    folder.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The folder is left alone.
#[derive(Debug)]
pub struct Undisturbed<'t>(MutexGuard<'t, Folder>);

impl Undisturbed<'_> {
    /// The folder is there, and is what a signal has removed from now on.
    pub fn made(mut self, path: &Path) {
        *self.0 = Folder::Made(path.to_owned());
    }
}

impl Drop for Tidy {
    fn drop(&mut self) {
        self.over = None;
        if let Some(thread) = self.thread.take() {
            // If it panicked nothing is held back any more.
            drop(thread.join());
        }
    }
}

/// Removes a folder into which another thread may be putting files. Under another name first: where
/// they would go there is nothing then.
fn remove(folder: &Path) {
    let mut away = folder.as_os_str().to_owned();
    away.push(REMOVED);
    let away = Path::new(&away);
    let folder = match fs::rename(folder, away) {
        Ok(()) => away,
        Err(_) => folder,
    };
    for _ in 0..REMOVALS {
        open_up(folder);
        if fs::remove_dir_all(folder).is_ok() {
            break;
        }
    }
}

/// Lets every folder below be emptied, whatever a command did to its mode.
pub fn open_up(folder: &Path) {
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        // What cannot be changed stays, and so does the folder; the temporary folder is no place to
        // fail a verification for.
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap_or_default();
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push(entry.path());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    #[test]
    fn a_folder_is_removed_although_files_go_on_being_put_into_it() {
        let around = tempfile::tempdir().unwrap();
        for turn in 0..20 {
            let folder = around.path().join(turn.to_string());
            fs::create_dir(&folder).unwrap();
            let is_over = AtomicBool::new(false);
            thread::scope(|scope| {
                scope.spawn(|| {
                    for name in 0.. {
                        if is_over.load(Ordering::Relaxed) {
                            break;
                        }
                        fs::write(folder.join(name.to_string()), "").unwrap_or_default();
                    }
                });
                while fs::read_dir(&folder).unwrap().count() < 100 {}
                remove(&folder);
                is_over.store(true, Ordering::Relaxed);
            });
            assert_eq!(fs::read_dir(around.path()).unwrap().count(), 0, "{turn}");
        }
    }
}
