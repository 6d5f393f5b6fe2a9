//! Digests that are taken over from an earlier pass of the same process, for files that did not
//! change in between. Only who asks for it gets it.
//!
//! A file is known again by its device, inode, size and the times of its last change (mtime and ctime,
//! in nanoseconds). Nobody can set ctime, so that a write shows. But for one kind: a store through a
//! shared memory mapping moves the times only when it makes a clean page dirty. Into a page that is
//! dirty already, stores go unseen (measured: 1000 of 1000 on ext4 with Linux 6.18). Therefore
//!
//! 1. before anything on a file system is read in the earlier pass, all of it is written to the disk
//!    (`syncfs`): then its pages are clean, and the next store moves the times;
//! 2. a digest is only kept of a file whose times are older than the beginning of that by
//!    [`SETTLED`]: nothing dirtied a page of it since;
//! 3. and only on ext4, XFS and Btrfs, where this was looked into. A tmpfs never cleans its pages;
//!    of network file systems the times are somebody else's;
//! 4. and only while the file system is mounted as it was.
//!
//! Whoever can do one of these things can still hide a change: set the clock of this machine
//! (`CAP_SYS_TIME`), write to the disk below the file system, load a kernel module, or keep one single
//! `write` call to the file going from before the first pass until after it (such as by paging its
//! source slowly), as its ctime is set when it begins. What such a change hides is that a product is
//! not what the material was; the link then states the earlier digest.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::os::fd::BorrowedFd;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use rustix::fs::{AtFlags, Mode, OFlags, StatxFlags};

use super::Options;
use super::engine::Digested;
use super::hash::State;
use super::small::{SETTLED, present};
use crate::model::{Algorithm, DigestSet};

/// Where stores through a mapping are seen once the pages are clean: ext4, XFS, Btrfs.
const KNOWN: [u64; 3] = [0xef53, 0x5846_5342, 0x9123_683e];

/// A file as it was when it had these digests.
pub(super) type Kept = (State, DigestSet);

/// By device and inode. To find a file in a sorted list would take as long as all else that is done
/// for it.
#[expect(
    clippy::disallowed_types,
    reason = "files are looked up in it, nothing goes through it in order"
)]
type Files = std::collections::HashMap<(u64, u64), Kept>;

/// What one pass knows for a later one.
#[derive(Debug, Default)]
pub struct Memory {
    files: Files,
    /// Devices, and the mounts through which they were seen.
    mounts: BTreeSet<(u64, u64)>,
    algorithms: BTreeSet<Algorithm>,
    normalized: bool,
}

impl Memory {
    /// How many files would be known again.
    pub fn len(&self) -> usize {
        self.files.len()
    }

    /// Whether no file would be known again.
    pub fn is_empty(&self) -> bool {
        self.files.is_empty()
    }
}

#[cfg(test)]
impl Memory {
    /// So that a test sees what is taken over.
    pub(super) fn replace_digests(&mut self, digests: &DigestSet) {
        for kept in self.files.values_mut() {
            kept.1 = digests.clone();
        }
    }
}

/// What a pass keeps, and what it may take over.
#[derive(Default)]
pub(super) struct Remembering<'a> {
    keep: bool,
    from: Option<&'a Memory>,
    /// Devices and mounts, and when they began to be written to the disk; `None` if that is of no use.
    synced: Mutex<BTreeMap<(u64, u64), Option<i128>>>,
}

impl<'a> Remembering<'a> {
    pub(super) fn keeping() -> Self {
        Self {
            keep: true,
            ..Self::default()
        }
    }

    /// Nothing is taken over if other digests are wanted now.
    pub(super) fn from(memory: &'a Memory, options: &Options) -> Self {
        let is_alike = memory.algorithms == options.algorithms
            && memory.normalized == options.normalize_line_endings;
        Self {
            from: is_alike.then_some(memory),
            ..Self::default()
        }
    }

    pub(super) fn keeps(&self) -> bool {
        self.keep
    }

    /// Before the files of a folder are read: the device they are on, if they may be known again.
    pub(super) fn enter(&self, folder: BorrowedFd<'_>) -> Option<u64> {
        if !self.keep && self.from.is_none() {
            return None;
        }
        let mount = mount(folder)?;
        let is_usable = match self.from {
            Some(memory) => memory.mounts.contains(&mount),
            None => self
                .synced
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(mount)
                .or_insert_with(|| sync(folder))
                .is_some(),
        };
        is_usable.then_some(mount.0)
    }

    /// The same for a file that is named alone.
    pub(super) fn enter_parent(&self, file: &Path) -> Option<u64> {
        if !self.keep && self.from.is_none() {
            return None;
        }
        let real = std::fs::canonicalize(file).ok()?;
        let parent = real
            .parent()
            .map_or(Cow::Borrowed(Path::new("/")), Cow::Borrowed);
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
        let parent = rustix::fs::open(parent.as_ref(), flags, Mode::empty()).ok()?;
        self.enter(std::os::fd::AsFd::as_fd(&parent))
    }

    /// The digests of a file that is as it was.
    pub(super) fn look_up(
        &self,
        device: Option<u64>,
        state: impl FnOnce() -> Option<State>,
    ) -> Option<Digested> {
        let (memory, device) = (self.from?, device?);
        let state = state()?;
        let (earlier, digests) = memory.files.get(&state.identity())?;
        (state.device == device && *earlier == state).then(|| Digested {
            digests: digests.clone(),
            bytes: state.size,
            state: Some(state),
        })
    }

    /// What is worth keeping of a pass.
    pub(super) fn memory(self, files: Vec<Kept>, options: &Options) -> Memory {
        let synced = self
            .synced
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        let mut since: BTreeMap<u64, i128> = BTreeMap::new();
        let mut mounts = BTreeSet::new();
        for ((device, mount), start) in synced {
            if let Some(start) = start {
                mounts.insert((device, mount));
                // Seen through two mounts, it was written twice: the first time counts.
                let first = since.entry(device).or_insert(start);
                *first = start.min(*first);
            }
        }
        let is_settled = |state: &State| {
            let last = state.modified.max(state.changed);
            since
                .get(&state.device)
                .is_some_and(|start| last + SETTLED < *start)
        };
        let settled = files.into_iter().filter(|(state, _)| is_settled(state));
        // Not reserved for all: of what was just written none is settled.
        let files: Files = settled.map(|kept| (kept.0.identity(), kept)).collect();
        Memory {
            files,
            mounts,
            algorithms: options.algorithms.clone(),
            normalized: options.normalize_line_endings,
        }
    }
}

/// The device of a folder and the number of its mount, which no other mount has or will have.
fn mount(folder: BorrowedFd<'_>) -> Option<(u64, u64)> {
    /// `STATX_MNT_ID_UNIQUE`, since Linux 6.8.
    const UNIQUE: StatxFlags = StatxFlags::from_bits_retain(0x4000);
    let flags = AtFlags::EMPTY_PATH;
    let statx = rustix::fs::statx(folder, c"", flags, UNIQUE).ok()?;
    if statx.stx_mask & UNIQUE.bits() == 0 {
        return None;
    }
    let device = rustix::fs::makedev(statx.stx_dev_major, statx.stx_dev_minor);
    Some((device, statx.stx_mnt_id))
}

/// Step 1: when it began, if this is a file system where that helps.
fn sync(folder: BorrowedFd<'_>) -> Option<i128> {
    let magic = rustix::fs::fstatfs(folder).ok()?.f_type;
    if !KNOWN.contains(&u64::try_from(magic).ok()?) {
        return None;
    }
    let start = present();
    rustix::fs::syncfs(folder).ok()?;
    Some(start)
}
