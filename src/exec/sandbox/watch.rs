//! Stands by a shut-in command until it has ended, or has to.

use std::fs;
use std::io;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::fs::statvfs;
use rustix::io::Errno;
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitOptions, WaitStatus, kill_process, pidfd_open, wait,
};

use super::account::Ending;
use super::inner::Setup;
use super::limits::PROCESS_LIMIT;
use super::processes::{Processes, shared_memory, size};

/// How often processes are looked at and the disk is asked how much is left.
const LOOK: Duration = Duration::from_millis(50);

/// How many times its own duration lies between two looks.
const LOOK_REST: u32 = 4;

/// How often, at least, the private folder is gone through, even if the disk seems to have lost
/// little: somebody else may have freed as much.
const WALK: Duration = Duration::from_secs(5);

/// How many times its own duration lies between two walks through the private folder.
const WALK_REST: u32 = 10;

/// How long processes that were left behind are hunted where no namespace ends them: 20 seconds.
const HUNT: Duration = Duration::from_secs(20);

/// How many ended children are taken note of before processes are counted again. A fork bomb makes them
/// as fast as they go.
const REAPED_AT_ONCE: usize = 256;

/// What there was before the command began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// What its folder held.
    held: u64,
    /// What the disk around it had left, if it says so.
    free: Option<u64>,
    /// How much memory the system shared.
    shared: u64,
}

impl Before {
    pub(super) fn of(base: &Path) -> Self {
        Self {
            held: held(base).0,
            free: free(base),
            shared: shared_memory(),
        }
    }
}

/// Returns when the command has ended or must be ended; what it started may still run.
pub(super) fn stand_by(child: Pid, setup: &Setup, before: &Before) -> Ending {
    let handle = pidfd_open(child, PidfdFlags::empty()).ok();
    let mut disk = Disk::new(setup, before);
    let mut rest = LOOK;
    loop {
        if let Some(ending) = reap(child) {
            return ending;
        }
        pause(handle.as_ref(), rest);
        if let Some(ending) = reap(child) {
            return ending;
        }
        let begin = Instant::now();
        let processes = Processes::look();
        if let Some(ending) = excess(&processes, setup, before) {
            return ending;
        }
        rest = LOOK.max((begin.elapsed() * LOOK_REST).min(WALK));
        if disk.is_full(&processes) {
            return Ending::Full;
        }
    }
}

/// Waits until the command ends, at most for `rest`.
fn pause(handle: Option<&OwnedFd>, rest: Duration) {
    match handle {
        Some(handle) => {
            let mut source = [PollFd::new(handle, PollFlags::IN)];
            // An interruption only makes the next look come early.
            poll(&mut source, Some(&timespec(rest))).unwrap_or_default();
        }
        None => thread::sleep(rest),
    }
}

/// What the command has too much of, apart from the disk.
fn excess(processes: &Processes, setup: &Setup, before: &Before) -> Option<Ending> {
    let limits = &setup.limits;
    let shared = shared_memory().saturating_sub(before.shared);
    if processes.count() > PROCESS_LIMIT {
        Some(Ending::Crowded)
    } else if processes.processor() > limits.processor {
        Some(Ending::Busy)
    } else if processes.memory(limits.memory, shared) > limits.memory {
        Some(Ending::Heavy)
    } else {
        None
    }
}

/// The private folder, which is gone through again and again.
struct Disk<'a> {
    base: &'a Path,
    space: u64,
    before: &'a Before,
    /// When to go through it next: if the disk has lost much, and if not.
    soon: Instant,
    late: Instant,
}

impl<'a> Disk<'a> {
    fn new(setup: &'a Setup, before: &'a Before) -> Self {
        let now = Instant::now();
        Self {
            base: &setup.base,
            space: setup.limits.space,
            before,
            soon: now,
            late: now + WALK,
        }
    }

    fn is_full(&mut self, processes: &Processes) -> bool {
        // A disk that does not say how much it has left may have lost anything.
        let lost = match (self.before.free, free(self.base)) {
            (Some(before), Some(now)) => before.saturating_sub(now),
            (None, _) | (_, None) => u64::MAX,
        };
        let begin = Instant::now();
        let next = if lost > self.space / 2 {
            self.soon
        } else {
            self.late
        };
        if begin < next {
            return false;
        }
        let nameless = processes.nameless(self.base);
        let (held, closed) = held(self.base);
        let grown = held.saturating_sub(self.before.held);
        let end = Instant::now();
        self.soon = end + ((end - begin) * WALK_REST).min(WALK);
        self.late = end + WALK;
        // What cannot be seen is taken to be what the disk has lost.
        let hidden = (nameless.hidden || closed) && lost > self.space;
        hidden || grown.saturating_add(nameless.held) > self.space
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

/// Kills what the command has left behind, until the system says that nothing is left. Orphans come to
/// us, so what is killed makes the next ones visible.
///
/// # Errors
/// Something is still there.
pub(super) fn end_descendants() -> io::Result<()> {
    let kill = || {
        for process in Processes::look().numbers() {
            // It may be gone already.
            kill_process(process, Signal::KILL).unwrap_or_default();
        }
    };
    hunt(HUNT, kill, nobody_is_left)
}

/// What is not seen may be there all the same: only who asks the system for children knows.
fn hunt(time: Duration, kill: impl Fn(), is_over: impl Fn() -> bool) -> io::Result<()> {
    let end = Instant::now() + time;
    loop {
        kill();
        if is_over() {
            return Ok(());
        }
        if Instant::now() >= end {
            let why = "what it has left behind cannot be ended";
            return Err(io::Error::other(why));
        }
        thread::sleep(Duration::from_millis(1));
    }
}

/// Whether we have no children any more, after those that have ended were asked for.
fn nobody_is_left() -> bool {
    for _ in 0..REAPED_AT_ONCE {
        match wait(WaitOptions::NOHANG) {
            Ok(Some(_)) => {}
            Ok(None) => return false,
            Err(error) => return error == Errno::CHILD,
        }
    }
    false
}

fn free(base: &Path) -> Option<u64> {
    let disk = statvfs(base).ok()?;
    Some(disk.f_bfree.saturating_mul(disk.f_frsize))
}

/// What a folder holds, in bytes on the disk, and whether there are parts that cannot be seen: the
/// command may have closed them.
fn held(folder: &Path) -> (u64, bool) {
    let (mut sum, mut hidden) = (0_u64, false);
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        let entries = match fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                hidden |= error.kind() != io::ErrorKind::NotFound;
                continue;
            }
        };
        for entry in entries {
            match entry.and_then(|entry| Ok((entry.metadata()?, entry.path()))) {
                Ok((metadata, path)) => {
                    sum = sum.saturating_add(size(&metadata));
                    if metadata.is_dir() {
                        left.push(path);
                    }
                }
                Err(error) => hidden |= error.kind() != io::ErrorKind::NotFound,
            }
        }
    }
    (sum, hidden)
}

fn timespec(time: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: time.subsec_nanos().into(),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn the_hunt_goes_on_until_nothing_is_left() {
        let rounds = Cell::new(0);
        let kill = || rounds.set(rounds.get() + 1);
        hunt(HUNT, kill, || rounds.get() == 3).unwrap();
        assert_eq!(rounds.get(), 3);
    }

    #[test]
    fn a_hunt_that_leaves_something_has_failed() {
        hunt(Duration::ZERO, || (), || false).unwrap_err();
    }
}
