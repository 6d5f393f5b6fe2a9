//! Files that fit in a batch: read one after the other into one arena, hashed side by side when it is
//! full.
//!
//! In the common case a file costs four system calls: it is opened relative to its folder, read in
//! one piece, asked for its state, and closed. That the state is asked for once and not twice, before
//! and after, needs a reason, as a file that changes while it is read must be refused:
//!
//! 1. What changes the content moves the time of the last change (ctime) to the present, and nobody
//!    can set that time. If it is older than the moment before the file was opened, nothing has
//!    changed since then. Three kinds of change move nothing: a store through a shared mapping into a
//!    page that is dirty already, any such store on tmpfs, and what a long `write` call does after its
//!    beginning. To ask before and after would not show them either.
//! 2. "Older" is by more than [`SETTLED`], as the clock behind that time moves in ticks.
//! 3. That holds if this machine's clock sets the times. So the file system must be one of
//!    [`LOCAL_CLOCKS`], and the clock must not have been set meanwhile: it is compared with the one
//!    that only goes forward.
//! 4. What was read must be as long as the state says, and the state that of a regular file.
//!
//! Whatever is not so is read again by [`hash_file`], which looks before and after.

use std::ffi::CStr;
use std::os::fd::BorrowedFd;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};

use super::engine::Digested;
use super::hash::{Hashed, Links, State, Wanted, normalize};
use super::lanes::{Kernels, Lane, MAX_PADDING, digest_256, digest_512, pad};
use crate::model::{Algorithm, DigestSet};

/// Files from this size on are not read in one piece: 64 KiB.
pub(super) const SMALL: usize = 64 << 10;
/// Bytes of an arena, per thread: more messages than any kernel has lanes, and no more than the
/// caches hold.
const ARENA: usize = 1 << 20;
/// A file's last change must be older than this many nanoseconds: more than a tick of any kernel
/// (10 ms at 100 Hz).
pub(super) const SETTLED: i128 = 20_000_000;
/// File systems whose times are set by the kernel of this machine, by their magic numbers: ext2 to
/// ext4, XFS, Btrfs, tmpfs, overlayfs, F2FS, ZFS, bcachefs.
const LOCAL_CLOCKS: [u64; 8] = [
    0xef53,
    0x5846_5342,
    0x9123_683e,
    0x0102_1994,
    0x794c_7630,
    0xf2f5_2010,
    0x2fc1_2fc1,
    0xca45_1a4e,
];

/// How to open a file, and what may be believed about it.
#[derive(Clone, Copy)]
pub(super) struct Site<'a> {
    pub(super) folder: BorrowedFd<'a>,
    pub(super) name: &'a CStr,
    pub(super) links: Links,
    /// The device whose times this machine sets, if that is known.
    pub(super) local_clock: Option<u64>,
}

impl Site<'_> {
    /// Opened such that a named pipe does not block. Not marking the file as read is what backups
    /// do, and saves writes; it is only permitted to who owns the file.
    fn open(&self, without_mark: &mut bool) -> Result<std::os::fd::OwnedFd, Errno> {
        let mut flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
        if self.links == Links::Refuse {
            flags |= OFlags::NOFOLLOW;
        }
        if *without_mark {
            match rustix::fs::openat(
                self.folder,
                self.name,
                flags | OFlags::NOATIME,
                Mode::empty(),
            ) {
                Err(Errno::PERM) => *without_mark = false,
                opened => return opened,
            }
        }
        rustix::fs::openat(self.folder, self.name, flags, Mode::empty())
    }

    /// What the file system knows about the file, without opening it.
    pub(super) fn state(&self) -> Option<State> {
        let flags = match self.links {
            Links::Refuse => AtFlags::SYMLINK_NOFOLLOW,
            Links::Follow => AtFlags::empty(),
        };
        let stat = rustix::fs::statat(self.folder, self.name, flags).ok()?;
        State::of(&stat)
    }
}

/// Whether the times of what is in an open folder are set here.
pub(super) fn has_local_clock(folder: BorrowedFd<'_>) -> bool {
    let magic = rustix::fs::fstatfs(folder).map(|found| found.f_type);
    magic.is_ok_and(|magic| u64::try_from(magic).is_ok_and(|magic| LOCAL_CLOCKS.contains(&magic)))
}

/// What came of reading a file in one piece.
pub(super) enum Reading {
    /// It is in the batch, and of this size.
    InBatch(u64),
    /// It is not small.
    Large(State),
    /// It must be read with more care. This is what was seen of it, if it could be opened.
    Doubt(Option<State>),
}

/// A content in the arena.
struct Job {
    start: usize,
    length: usize,
    state: State,
    /// Which file of the thread it is.
    index: usize,
    reusable: Option<u64>,
}

/// Contents that are to be hashed together.
pub(super) struct Batch {
    arena: Vec<u8>,
    used: usize,
    jobs: Vec<Job>,
    /// Whether files may be opened without marking them as read.
    without_mark: bool,
}

impl Default for Batch {
    fn default() -> Self {
        Self {
            arena: Vec::new(),
            used: 0,
            jobs: Vec::new(),
            without_mark: true,
        }
    }
}

impl Batch {
    /// Whether there is no room for one more file.
    pub(super) fn is_full(&self) -> bool {
        self.used + SMALL + MAX_PADDING > ARENA
    }

    /// How much is in it, as on the disk.
    pub(super) fn bytes(&self) -> u64 {
        self.jobs.iter().map(|job| job.state.size).sum()
    }

    /// Reads a file to the end of the arena. `index` is what the digests come back with.
    pub(super) fn read(
        &mut self,
        site: Site<'_>,
        index: usize,
        lines: bool,
        reusable: Option<u64>,
    ) -> Reading {
        if self.arena.is_empty() {
            self.arena = vec![0; ARENA];
        }
        let start = self.used;
        let Some(room) = self.arena.get_mut(start..start + SMALL) else {
            return Reading::Doubt(None);
        };
        let (mut length, state) = match read_settled(site, room, &mut self.without_mark) {
            Ok(read) => read,
            Err(other) => return other,
        };
        if lines {
            length = normalize(room.split_at_mut(length).0);
        }
        self.jobs.push(Job {
            start,
            length,
            state,
            index,
            reusable,
        });
        self.used = (start + length + MAX_PADDING).next_multiple_of(64);
        Reading::InBatch(state.size)
    }

    /// Empties the batch.
    pub(super) fn clear(&mut self) {
        self.jobs.clear();
        self.used = 0;
    }

    /// Empties the batch, and gives the digests of what was in it.
    pub(super) fn hash(
        &mut self,
        kernels: &Kernels,
        wanted: Wanted<'_>,
    ) -> impl Iterator<Item = (usize, Digested)> + use<> {
        let jobs = std::mem::take(&mut self.jobs);
        self.used = 0;
        let arena = &mut self.arena;
        let blake3 = wanted.has(&Algorithm::Blake3).then(|| {
            let hash = |job: &Job| blake3::hash(part(arena, job.start, job.start + job.length));
            jobs.iter().map(hash).collect::<Vec<_>>()
        });
        let sha512 = wanted.has(&Algorithm::Sha512).then(|| {
            let ends = padded::<u64>(arena, &jobs);
            let mut lanes: Vec<_> = contents(arena, &jobs, &ends).map(Lane::start).collect();
            kernels.sha512(&mut lanes);
            let digest = |lane: &Lane<'_, _, _>| digest_512(&lane.state);
            lanes.iter().map(digest).collect::<Vec<_>>()
        });
        let ends = padded::<u32>(arena, &jobs);
        let mut lanes: Vec<_> = contents(arena, &jobs, &ends).map(Lane::start).collect();
        kernels.sha256(&mut lanes);
        let of_sha256 = |lane: &Lane<'_, _, _>| DigestSet::of_sha256(digest_256(&lane.state));
        let mut sets: Vec<_> = lanes.iter().map(of_sha256).collect();
        for (set, digest) in sets.iter_mut().zip(sha512.iter().flatten()) {
            set.insert(Algorithm::Sha512, digest);
        }
        for (set, digest) in sets.iter_mut().zip(blake3.iter().flatten()) {
            set.insert(Algorithm::Blake3, digest.as_bytes());
        }
        jobs.into_iter().zip(sets).map(|(job, digests)| {
            let hashed = Hashed {
                digests,
                bytes: job.state.size,
                state: job.state,
            };
            (job.index, hashed.on(job.reusable))
        })
    }
}

/// Pads each content, and gives where its last block ends.
fn padded<W: super::lanes::Word>(arena: &mut [u8], jobs: &[Job]) -> Vec<usize> {
    let pad_one = |job: &Job| {
        let (_, content) = arena.split_at_mut(job.start);
        let total = u64::try_from(job.length).unwrap_or(u64::MAX);
        job.start + pad::<W>(content, job.length, total)
    };
    jobs.iter().map(pad_one).collect()
}

fn contents<'a>(
    arena: &'a [u8],
    jobs: &'a [Job],
    ends: &'a [usize],
) -> impl Iterator<Item = &'a [u8]> {
    jobs.iter()
        .zip(ends)
        .map(|(job, end)| part(arena, job.start, *end))
}

/// Of the arena, with a panic where less of it would be a wrong digest.
#[expect(
    clippy::indexing_slicing,
    reason = "`Batch::read` leaves room for each content and its padding"
)]
fn part(arena: &[u8], start: usize, end: usize) -> &[u8] {
    &arena[start..end]
}

/// Steps 1 to 4 of the text above; on other file systems the state before is compared.
fn read_settled(
    site: Site<'_>,
    room: &mut [u8],
    without_mark: &mut bool,
) -> Result<(usize, State), Reading> {
    let start = Clock::now();
    let doubt = |_: Errno| Reading::Doubt(None);
    let file = site.open(without_mark).map_err(doubt)?;
    let before = match site.local_clock {
        Some(_) => None,
        None => {
            Some(State::of(&rustix::fs::fstat(&file).map_err(doubt)?).ok_or(Reading::Doubt(None))?)
        }
    };
    let capacity = room.len();
    let length = rustix::io::read(&file, room).map_err(doubt)?;
    let stat = rustix::fs::fstat(&file).map_err(doubt)?;
    let state = State::of(&stat).ok_or(Reading::Doubt(None))?;
    if length == capacity {
        return Err(Reading::Large(state));
    }
    let is_unchanged = match before {
        Some(before) => before == state,
        None => {
            site.local_clock == Some(state.device)
                && state.changed + SETTLED < start.present
                && Clock::now().agrees(&start)
        }
    };
    if is_unchanged && u64::try_from(length) == Ok(state.size) {
        return Ok((length, state));
    }
    Err(Reading::Doubt(Some(state)))
}

/// Two clocks at once, in nanoseconds.
struct Clock {
    present: i128,
    /// Only goes forward.
    steady: i128,
}

impl Clock {
    /// As of the last tick, which costs no system call and less than reading the hardware.
    fn now() -> Self {
        let nanoseconds = |clock| {
            let time = clock_gettime(clock);
            i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
        };
        Self {
            present: nanoseconds(ClockId::RealtimeCoarse),
            steady: nanoseconds(ClockId::MonotonicCoarse),
        }
    }

    /// Whether the present has not been set since.
    fn agrees(&self, earlier: &Self) -> bool {
        let passed = self.present - earlier.present;
        let passed_steadily = self.steady - earlier.steady;
        (passed - passed_steadily).abs() < SETTLED / 2
    }
}

/// The present, in nanoseconds since 1970, as of the last tick.
pub(super) fn present() -> i128 {
    Clock::now().present
}
