//! How much a shut-in command may use, over all its processes.
//!
//! The kernel limits single processes (`setrlimit`): what one process may have, all may have together,
//! so these are the same figures. What all have together, the inner process watches (`watch`).

use std::ffi::{OsStr, OsString};

#[cfg(target_os = "linux")]
use std::io;
#[cfg(target_os = "linux")]
use std::time::Duration;

#[cfg(target_os = "linux")]
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// How many processes the command may have at once. A shell script with a pipeline has ten, a
/// parallel build hundreds; a fork bomb has this many within a moment.
pub const PROCESS_LIMIT: usize = 1024;

/// How many tasks, threads included, the system lets the command have. It is watched for fewer
/// processes, so that other commands of the user nobody, which count with it, do not come to feel this.
#[cfg(target_os = "linux")]
const TASK_LIMIT: u64 = 4 * PROCESS_LIMIT as u64;

/// How much more processor time the kernel lets a single process have than is watched for: 30
/// seconds. The process that watches has the same limit, and uses some itself.
#[cfg(target_os = "linux")]
const PROCESSOR_SLACK: Duration = Duration::from_secs(30);

/// How much a command may use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many bytes its folders may grow by.
    pub space: u64,
    /// How many bytes of memory its processes may have together.
    pub memory: u64,
    /// How many seconds of processor time its processes may use together.
    pub processor: u64,
}

impl Limits {
    /// 4 GiB on the disk: an unpacked product fits, and most disks bear it. 4 GiB of memory, as a large
    /// compilation takes. 1200 seconds of processor time: four processors for five minutes.
    pub const DEFAULT: Self = Self {
        space: 4 << 30,
        memory: 4 << 30,
        processor: 1200,
    };

    /// As one argument.
    pub(super) fn to_word(self) -> OsString {
        let Self {
            space,
            memory,
            processor,
        } = self;
        format!("{space}:{memory}:{processor}").into()
    }

    #[cfg_attr(
        not(target_os = "linux"),
        expect(dead_code, reason = "only the processes of the sandbox read it")
    )]
    pub(super) fn from_word(word: &OsStr) -> Option<Self> {
        let mut numbers = word.to_str()?.split(':').map(|number| number.parse().ok());
        let mut next = || numbers.next().flatten();
        Some(Self {
            space: next()?,
            memory: next()?,
            processor: next()?,
        })
    }

    /// In words, for the report.
    #[cfg(target_os = "linux")]
    pub(super) fn told(&self) -> String {
        let seconds = match self.processor {
            1 => "second",
            _ => "seconds",
        };
        format!(
            "at most {} MiB of memory, {} {seconds} of processor time, {PROCESS_LIMIT} processes, {} MiB on the disk",
            self.memory >> 20,
            self.processor,
            self.space >> 20
        )
    }

    /// Limits this process and what it starts. `tasks`: whether their number too, which counts the
    /// other processes of the same user.
    ///
    /// # Errors
    /// The system refuses.
    #[cfg(target_os = "linux")]
    pub(super) fn set(&self, tasks: bool) -> io::Result<()> {
        lower(Resource::Core, 0)?;
        lower(Resource::Fsize, self.space)?;
        // What is mapped for writing and not shared. Not all addresses: some runtimes reserve a
        // thousand times of what they will ever use.
        lower(Resource::Data, self.memory)?;
        // Grows by being used, and is not counted with the others.
        lower(Resource::Stack, self.memory)?;
        let seconds = self.processor.saturating_add(PROCESSOR_SLACK.as_secs());
        lower(Resource::Cpu, seconds)?;
        if tasks {
            lower(Resource::Nproc, TASK_LIMIT)?;
        }
        Ok(())
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// Lowers a limit for good; one that is lower already stays.
#[cfg(target_os = "linux")]
fn lower(resource: Resource, most: u64) -> io::Result<()> {
    let now = getrlimit(resource);
    let least = |limit: Option<u64>| Some(limit.map_or(most, |limit| limit.min(most)));
    let limits = Rlimit {
        current: least(now.current),
        maximum: least(now.maximum),
    };
    Ok(setrlimit(resource, limits)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_read_as_it_was_written() {
        let limits = Limits {
            space: 1,
            memory: u64::MAX,
            processor: 0,
        };
        assert_eq!(Limits::from_word(&limits.to_word()), Some(limits));
        for word in ["", "1:2", "1:2:x", "-1:2:3"] {
            assert_eq!(Limits::from_word(OsStr::new(word)), None, "{word}");
        }
    }
}
