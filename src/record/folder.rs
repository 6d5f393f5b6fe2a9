//! The folders of a walk: how they are opened, what is in them, and how long they stay open.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ffi::{CStr, CString};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{AtFlags, FileType, Mode, OFlags, RawDir};
use rustix::io::Errno;

use super::RecordError;
use super::canonical::read_error;
use super::hash::Links;
use super::walk::MAX_ENTRIES;

/// Bytes of directory entries that are read at once.
const ENTRIES_BUFFER: usize = 32 << 10;

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
    pub(super) entries: Vec<Entry>,
}

pub(super) struct Entry {
    pub(super) name: CString,
    pub(super) kind: FileType,
}

impl Entry {
    /// In the order of the paths that begin with it.
    pub(super) fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let (one, two) = (self.name.as_bytes(), other.name.as_bytes());
        let common = one.len().min(two.len());
        one.get(..common)
            .cmp(&two.get(..common))
            .then_with(|| self.rest_behind(common).cmp(other.rest_behind(common)))
    }

    fn rest_behind(&self, start: usize) -> impl Iterator<Item = &u8> {
        let slash: &[u8] = if self.kind == FileType::Directory {
            b"/"
        } else {
            b""
        };
        self.name.as_bytes().iter().skip(start).chain(slash)
    }
}

impl Folder {
    pub(super) fn open(&self, disk: &Path) -> Result<OwnedFd, Errno> {
        let mut flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        if self.links == Links::Refuse {
            flags |= OFlags::NOFOLLOW;
        }
        match &self.parent {
            Some((parent, name)) => rustix::fs::openat(&parent.handle, name, flags, Mode::empty()),
            None => rustix::fs::open(disk, flags, Mode::empty()),
        }
    }
}

impl Open {
    /// Not every file system says with the name what it is the name of.
    pub(super) fn kind<'p>(
        &self,
        entry: &Entry,
        disk: impl Fn() -> Cow<'p, Path>,
    ) -> Result<FileType, RecordError> {
        if entry.kind != FileType::Unknown {
            return Ok(entry.kind);
        }
        let flags = AtFlags::SYMLINK_NOFOLLOW;
        rustix::fs::statat(&self.handle, &entry.name, flags)
            .map(|stat| FileType::from_raw_mode(stat.st_mode))
            .map_err(|errno| read_error(&disk(), errno.into()))
    }
}

pub(super) fn read_entries(folder: &OwnedFd) -> Result<Vec<Entry>, Errno> {
    let mut buffer = [const { MaybeUninit::uninit() }; ENTRIES_BUFFER];
    let mut entries = Vec::new();
    let mut reading = RawDir::new(folder, &mut buffer);
    while let Some(entry) = reading.next() {
        let entry = entry?;
        let name: &CStr = entry.file_name();
        if name != c"." && name != c".." {
            entries.push(Entry {
                name: name.to_owned(),
                kind: entry.file_type(),
            });
        }
        if entries.len() > MAX_ENTRIES {
            break;
        }
    }
    Ok(entries)
}
