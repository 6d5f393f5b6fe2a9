//! What is in a folder: its entries, all names in one buffer, and whether the folder still is what it
//! was when they were read.
//!
//! A file that is renamed within the tree while that is gone through could be met twice, or never. Such
//! a renaming changes the folders that it takes the file out of and puts it into. So when all folders have
//! been read, each is asked once more: if its times moved, or are too young to tell, it is read again, and
//! what is recorded of it must have the same names as before. That another file has taken the place of
//! one is no matter: either was there at its time.

use std::ffi::CStr;
use std::hash::{BuildHasher as _, Hash as _, Hasher as _, RandomState};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{FileType, RawDir};
use rustix::io::Errno;

use super::small::{SETTLED, has_local_clock, present};
use super::walk::MAX_ENTRIES;

/// Bytes of directory entries that are read at once.
const ENTRIES_BUFFER: usize = 32 << 10;

/// The entries of a folder, sorted as the paths that begin with them.
#[derive(Default)]
pub(super) struct Entries {
    /// The names, each with a NUL behind it.
    names: Vec<u8>,
    entries: Vec<Raw>,
}

struct Raw {
    start: usize,
    /// Where its NUL is.
    end: usize,
    kind: FileType,
}

/// One entry.
#[derive(Clone, Copy)]
pub(super) struct Entry<'e> {
    pub(super) name: &'e CStr,
    pub(super) kind: FileType,
}

impl Entries {
    /// Reads them all, `.` and `..` left out.
    pub(super) fn read(folder: BorrowedFd<'_>) -> Result<Self, Errno> {
        let mut buffer = [const { MaybeUninit::uninit() }; ENTRIES_BUFFER];
        let mut found = Self::default();
        let mut reading = RawDir::new(folder, &mut buffer);
        while let Some(entry) = reading.next() {
            let entry = entry?;
            let name: &CStr = entry.file_name();
            if name != c"." && name != c".." {
                let start = found.names.len();
                found.names.extend_from_slice(name.to_bytes_with_nul());
                found.entries.push(Raw {
                    start,
                    end: found.names.len() - 1,
                    kind: entry.file_type(),
                });
            }
            if found.entries.len() > MAX_ENTRIES {
                break;
            }
        }
        let names = &found.names;
        let compare = |one: &Raw, other: &Raw| one.compare(other, names);
        found.entries.sort_unstable_by(compare);
        Ok(found)
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// Those at some places.
    pub(super) fn some(&self, range: std::ops::Range<usize>) -> impl Iterator<Item = Entry<'_>> {
        let entries = self.entries.get(range).unwrap_or_default();
        entries.iter().map(|raw| raw.entry(&self.names))
    }
}

impl Raw {
    #[expect(
        clippy::indexing_slicing,
        reason = "`Entries::read` made it together with its name"
    )]
    fn name<'e>(&self, names: &'e [u8]) -> &'e [u8] {
        &names[self.start..self.end]
    }

    #[expect(
        clippy::indexing_slicing,
        clippy::expect_used,
        reason = "`Entries::read` took the name with its NUL from a `CStr`; another would be a wrong path"
    )]
    fn entry<'e>(&self, names: &'e [u8]) -> Entry<'e> {
        let name = &names[self.start..=self.end];
        Entry {
            name: CStr::from_bytes_with_nul(name).expect("it came with its NUL and no other"),
            kind: self.kind,
        }
    }

    /// In the order of the paths that begin with it.
    fn compare(&self, other: &Self, names: &[u8]) -> std::cmp::Ordering {
        let (one, two) = (self.name(names), other.name(names));
        let common = one.len().min(two.len());
        one.get(..common)
            .cmp(&two.get(..common))
            .then_with(|| self.rest(one, common).cmp(other.rest(two, common)))
    }

    fn rest<'e>(&self, name: &'e [u8], start: usize) -> impl Iterator<Item = &'e u8> {
        let slash: &[u8] = match self.kind == FileType::Directory {
            true => b"/",
            false => b"",
        };
        name.iter().skip(start).chain(slash)
    }
}

/// Different in each process, so that nobody can choose names whose numbers add up alike.
static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// What is recorded of a folder, as one number: the sum of one for each entry, so that the order in which
/// threads come to them does not matter.
#[derive(Debug, Default)]
pub(super) struct Listing(AtomicU64);

impl Listing {
    /// An entry and what it is. Of what is neither file, folder nor link nothing is recorded.
    pub(super) fn note(&self, entry: Entry<'_>, kind: FileType) {
        if !(kind.is_file() || kind.is_dir() || kind.is_symlink()) {
            return;
        }
        let mut hasher = KEYS.build_hasher();
        entry.name.to_bytes().hash(&mut hasher);
        kind.as_raw_mode().hash(&mut hasher);
        self.0.fetch_add(hasher.finish(), Ordering::Relaxed);
    }
}

impl PartialEq for Listing {
    fn eq(&self, other: &Self) -> bool {
        self.0.load(Ordering::Relaxed) == other.0.load(Ordering::Relaxed)
    }
}

/// By what a folder is seen to be as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Seen {
    device: u64,
    inode: u64,
    modified: (i64, u64),
    changed: (i64, u64),
    /// The times are set by this machine and were old enough to move with the next change.
    is_settled: bool,
}

impl Seen {
    /// Before the entries of an open folder are read.
    pub(super) fn before(folder: BorrowedFd<'_>, above: Option<u64>) -> Result<Self, Errno> {
        let stat = rustix::fs::fstat(folder)?;
        let mut seen = Self::of(&stat);
        let changed = i128::from(seen.changed.0) * 1_000_000_000 + i128::from(seen.changed.1);
        seen.is_settled =
            seen.local_clock(folder, above).is_some() && changed + SETTLED < present();
        Ok(seen)
    }

    /// The device, if its times are set by this machine: as those of the folder above, where it is the
    /// same device.
    pub(super) fn local_clock(&self, folder: BorrowedFd<'_>, above: Option<u64>) -> Option<u64> {
        match above {
            Some(device) if device == self.device => above,
            _ => has_local_clock(folder).then_some(self.device),
        }
    }

    fn of(stat: &rustix::fs::Stat) -> Self {
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            modified: (stat.st_mtime, stat.st_mtime_nsec),
            changed: (stat.st_ctime, stat.st_ctime_nsec),
            is_settled: false,
        }
    }

    /// Device and inode.
    pub(super) fn identity(&self) -> (u64, u64) {
        (self.device, self.inode)
    }

    /// Whether nothing in the folder can have changed since.
    pub(super) fn is_still(&self, stat: &rustix::fs::Stat) -> bool {
        let now = Self {
            is_settled: true,
            ..Self::of(stat)
        };
        *self == now
    }

    /// Whether it is the same folder, whatever is in it.
    pub(super) fn is_same(&self, folder: impl AsFd) -> bool {
        rustix::fs::fstat(folder).is_ok_and(|stat| Self::of(&stat).identity() == self.identity())
    }
}
