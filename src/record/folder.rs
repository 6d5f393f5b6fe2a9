//! The folders of a walk: how they are opened, what is in them, and how long they stay open.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{CString, OsStr};
use std::ops::Range;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;

use super::RecordError;
use super::canonical::read_error;
use super::hash::Links;
use super::listing::{Entries, Entry, Listing, Seen};

/// What is known about a root that is a folder.
pub(super) struct Root {
    pub(super) index: usize,
    /// What links may lead to.
    pub(super) canonical: PathBuf,
    pub(super) entries: AtomicUsize,
    /// How often each folder was entered, by device and inode, where links may be followed.
    pub(super) visits: Mutex<BTreeMap<(u64, u64), usize>>,
}

impl Root {
    /// How often the folder was entered, this time included.
    pub(super) fn visit(&self, folder: (u64, u64)) -> usize {
        let mut visits = self.visits.lock().unwrap_or_else(PoisonError::into_inner);
        let count = visits.entry(folder).or_insert(0);
        *count += 1;
        *count
    }
}

/// A folder that is to be read.
pub(super) struct Folder {
    pub(super) root: Arc<Root>,
    pub(super) path: PathBuf,
    /// What it is in, and its name there; otherwise it is opened by its path.
    pub(super) parent: Option<(Arc<Open>, CString)>,
    /// Whether it is reached through a link.
    pub(super) links: Links,
    /// Device and inode of the root and of the folders on the way. Empty if links to folders are
    /// not followed, as then there are no loops.
    pub(super) above: Vec<(u64, u64)>,
    /// The path without links, if somebody wants to know.
    pub(super) canonical: Option<PathBuf>,
}

/// A folder that is open.
pub(super) struct Open {
    pub(super) root: Arc<Root>,
    pub(super) path: PathBuf,
    pub(super) handle: OwnedFd,
    pub(super) lineage: Vec<(u64, u64)>,
    pub(super) canonical: Option<PathBuf>,
    /// See [`Site::local_clock`].
    pub(super) local_clock: Option<u64>,
    /// What is recorded of it.
    pub(super) listing: Arc<Listing>,
    /// The device, if digests of its files may be taken over or kept.
    pub(super) reusable: Option<u64>,
    /// Of how many open folders this is one.
    pub(super) count: Arc<AtomicUsize>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.count.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Some of the entries of a folder.
pub(super) struct Part {
    pub(super) folder: Arc<Open>,
    pub(super) entries: Arc<Entries>,
    pub(super) range: Range<usize>,
}

impl Folder {
    pub(super) fn open(&self, disk: &Path) -> Result<OwnedFd, Errno> {
        let flags = folder_flags(self.links);
        match &self.parent {
            Some((parent, name)) => rustix::fs::openat(&parent.handle, name, flags, Mode::empty()),
            None => rustix::fs::open(disk, flags, Mode::empty()),
        }
    }
}

/// Not every file system says with the name what it is the name of.
pub(super) fn kind<'p>(
    folder: BorrowedFd<'_>,
    entry: Entry<'_>,
    disk: impl Fn() -> Cow<'p, Path>,
) -> Result<FileType, RecordError> {
    if entry.kind != FileType::Unknown {
        return Ok(entry.kind);
    }
    rustix::fs::statat(folder, entry.name, AtFlags::SYMLINK_NOFOLLOW)
        .map(|stat| FileType::from_raw_mode(stat.st_mode))
        .map_err(|errno| read_error(&disk(), errno.into()))
}

/// A folder whose entries were read, to be asked once more at the end.
#[derive(Debug)]
pub(super) struct Visited {
    pub(super) path: PathBuf,
    pub(super) links: Links,
    pub(super) canonical: Option<PathBuf>,
    pub(super) seen: Seen,
    pub(super) listing: Arc<Listing>,
}

impl Visited {
    /// Whether it is untouched, as far as that can be told without reading it again.
    pub(super) fn is_untouched(&self, disk: &Path) -> bool {
        let flags = match self.links {
            Links::Refuse => AtFlags::SYMLINK_NOFOLLOW,
            Links::Follow => AtFlags::empty(),
        };
        rustix::fs::statat(CWD, disk, flags).is_ok_and(|stat| self.seen.is_still(&stat))
    }

    /// Opens it again, if it is the same.
    pub(super) fn reopen(&self, disk: &Path) -> Option<OwnedFd> {
        let opened = rustix::fs::open(disk, folder_flags(self.links), Mode::empty());
        opened.ok().filter(|handle| self.seen.is_same(handle))
    }
}

fn folder_flags(links: Links) -> OFlags {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    match links {
        Links::Refuse => flags | OFlags::NOFOLLOW,
        Links::Follow => flags,
    }
}

/// The paths of a folder's entries, in one buffer. Below `.` the path is the name alone.
pub(super) struct Paths {
    path: Vec<u8>,
    start: usize,
}

impl Paths {
    pub(super) fn below(folder: &Path) -> Self {
        let path = match folder == Path::new(".") {
            true => Vec::new(),
            false => folder.join("").into_os_string().into_vec(),
        };
        let start = path.len();
        Self { path, start }
    }

    pub(super) fn of(&mut self, entry: Entry<'_>) -> &Path {
        self.path.truncate(self.start);
        self.path.extend_from_slice(entry.name.to_bytes());
        Path::new(OsStr::from_bytes(&self.path))
    }
}
