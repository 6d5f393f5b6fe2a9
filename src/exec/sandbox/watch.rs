//! Stands by a shut-in command until it has ended, or has to.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::statvfs;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, getpid, kill_process, pidfd_open, wait,
};

use super::PROCESS_LIMIT;
use super::account::Ending;
use super::inner::Setup;

/// How often processes are counted and the disk is asked how much is left.
const LOOK: Duration = Duration::from_millis(50);

/// How often, at least, the private folder is gone through, even if the disk seems to have lost
/// little: somebody else may have freed as much.
const WALK: Duration = Duration::from_secs(5);

/// How many times its own duration lies between two walks through the private folder.
const REST: u32 = 10;

/// How long processes that were left behind are hunted where no namespace ends them: 5 seconds.
const HUNT: Duration = Duration::from_secs(5);

/// How many ended children are taken note of before processes are counted again. A fork bomb makes them
/// as fast as they go.
const REAPED_AT_ONCE: usize = 256;

/// How many bytes count for a file or folder beside its content, so that a million empty ones are no
/// way around the limit.
const ENTRY_COST: u64 = 1024;

/// What a folder holds, and how much room the disk around it has.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    held: u64,
    free: u64,
}

impl Usage {
    pub(super) fn of(base: &Path) -> Self {
        Self {
            held: held(base),
            free: free(base),
        }
    }
}

/// Returns when the command has ended or must be ended; what it started may still run.
pub(super) fn stand_by(child: Pid, setup: &Setup, before: &Usage) -> Ending {
    let handle = pidfd_open(child, PidfdFlags::empty()).ok();
    let mut next_walk = Instant::now() + WALK;
    loop {
        if let Some(ending) = reap(child) {
            return ending;
        }
        match &handle {
            Some(handle) => {
                let mut source = [PollFd::new(handle, PollFlags::IN)];
                // An interruption only makes the next look come early.
                poll(&mut source, Some(&timespec(LOOK))).unwrap_or_default();
            }
            None => thread::sleep(LOOK),
        }
        if let Some(ending) = reap(child) {
            return ending;
        }
        if count() > PROCESS_LIMIT {
            return Ending::Crowded;
        }
        let lost = before.free.saturating_sub(free(&setup.base));
        let now = Instant::now();
        if now >= next_walk || lost > setup.space / 2 {
            let open = held_open(&setup.base);
            if held(&setup.base).saturating_add(open) > before.held.saturating_add(setup.space) {
                return Ending::Full;
            }
            let took = now.elapsed();
            next_walk = Instant::now() + WALK;
            if lost > setup.space / 2 {
                thread::sleep((took * REST).min(WALK));
            }
        }
    }
}

/// Takes note of children that have ended. The ending of this one, if it is among them.
fn reap(child: Pid) -> Option<Ending> {
    for _ in 0..REAPED_AT_ONCE {
        let Ok(Some((pid, status))) = wait(WaitOptions::NOHANG) else {
            break;
        };
        if pid == child {
            return Some(ending_of(status));
        }
    }
    None
}

fn ending_of(status: WaitStatus) -> Ending {
    match (status.exit_status(), status.terminating_signal()) {
        (Some(code), _) => Ending::Exited(code),
        (None, Some(signal)) => Ending::Signaled(signal),
        (None, None) => Ending::Failed("the system does not say how it ended".to_owned()),
    }
}

/// Kills what the command has left behind. Orphans come to us, so what is killed makes the next
/// ones visible.
pub(super) fn end_descendants() {
    let end = Instant::now() + HUNT;
    while Instant::now() < end {
        let left = descendants();
        if left.is_empty() {
            return;
        }
        for process in left {
            // It may be gone already.
            kill_process(process, Signal::KILL).unwrap_or_default();
        }
        while let Ok(Some(_)) = wait(WaitOptions::NOHANG) {}
        thread::sleep(Duration::from_millis(1));
    }
}

/// How many processes the command has. While many come and go, some are always orphans between two
/// parents, so what can be counted without asking for parents is.
fn count() -> usize {
    if getpid().is_init() {
        processes().count().saturating_sub(1)
    } else {
        descendants().len()
    }
}

/// All processes below this one, ended ones that nobody has asked for included.
fn descendants() -> Vec<Pid> {
    let mut children: BTreeMap<i32, Vec<i32>> = BTreeMap::new();
    for process in processes() {
        if let Some(parent) = parent(process) {
            children.entry(parent).or_default().push(process);
        }
    }
    let mut found = Vec::new();
    let mut left = vec![getpid().as_raw_nonzero().get()];
    while let Some(one) = left.pop() {
        let below = children.remove(&one).unwrap_or_default();
        found.extend(below.iter().copied().filter_map(Pid::from_raw));
        left.extend(below);
    }
    found
}

fn processes() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// `None` if it is gone. The line is `PID (NAME) STATE PARENT …`, and the name may hold anything.
fn parent(process: i32) -> Option<i32> {
    let stat = fs::read(format!("/proc/{process}/stat")).ok()?;
    let stat = String::from_utf8_lossy(&stat);
    let (_, rest) = stat.rsplit_once(") ")?;
    rest.split(' ').nth(1)?.parse().ok()
}

fn free(base: &Path) -> u64 {
    statvfs(base).map_or(0, |disk| disk.f_bfree.saturating_mul(disk.f_frsize))
}

/// What a folder holds, in bytes on the disk. What cannot be read counts as nothing: the command
/// may have closed it, but then cannot fill it either without being noticed by `free`.
fn held(folder: &Path) -> u64 {
    let mut sum = 0_u64;
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            sum = sum.saturating_add(size(&metadata));
            if metadata.is_dir() {
                left.push(entry.path());
            }
        }
    }
    sum
}

/// What files hold that have no name any more and are still open.
fn held_open(base: &Path) -> u64 {
    let Ok(disk) = fs::metadata(base).map(|metadata| metadata.dev()) else {
        return 0;
    };
    let mut seen = BTreeSet::new();
    let mut sum = 0_u64;
    for process in descendants() {
        let files = fs::read_dir(format!("/proc/{}/fd", process.as_raw_nonzero()));
        for file in files.into_iter().flatten().flatten() {
            // The entry is a link, and what it leads to is asked for.
            let Ok(metadata) = fs::metadata(file.path()) else {
                continue;
            };
            let nameless = metadata.is_file() && metadata.nlink() == 0 && metadata.dev() == disk;
            if nameless && seen.insert(metadata.ino()) {
                sum = sum.saturating_add(size(&metadata));
            }
        }
    }
    sum
}

/// Blocks are of 512 bytes, whatever the disk's are.
fn size(metadata: &Metadata) -> u64 {
    let content = metadata.blocks().saturating_mul(512);
    content.saturating_add(ENTRY_COST)
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}
