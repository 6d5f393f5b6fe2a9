//! What the processes of a shut-in command use, as `/proc` tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::param::clock_ticks_per_second;
use rustix::process::Pid;

/// All processes below this one, ended ones that nobody has asked for included, at one moment.
pub(super) struct Processes {
    below: Vec<Process>,
    /// Of processes that ended and were asked for here.
    reaped: u64,
}

/// One process.
#[derive(Clone, Copy, Debug)]
struct Process {
    number: i32,
    parent: i32,
    /// Processor time, and that of its children that it has asked for.
    ticks: u64,
    /// The latter alone.
    reaped: u64,
}

/// What files without a name hold.
pub(super) struct Nameless {
    /// In bytes, as far as it can be seen.
    pub(super) held: u64,
    /// Whether there are some whose size cannot be seen.
    pub(super) hidden: bool,
}

impl Processes {
    /// Whether there is a `/proc` to ask.
    pub(super) fn can_be_seen() -> bool {
        own().is_some()
    }

    pub(super) fn look() -> Self {
        let Some(own) = own() else {
            return Self {
                below: Vec::new(),
                reaped: 0,
            };
        };
        let all: Vec<Process> = numbers().filter_map(process).collect();
        let ours = all.iter().find(|process| process.number == own);
        let reaped = ours.map_or(0, |process| process.reaped);
        // While many come and go, some are always orphans between two parents. The first process of a
        // namespace need not ask for parents.
        let below = if own == 1 {
            let others = all.into_iter().filter(|process| process.number != own);
            others.collect()
        } else {
            descendants(own, all)
        };
        Self { below, reaped }
    }

    pub(super) fn count(&self) -> usize {
        self.below.len()
    }

    /// Their numbers. They mean something to the system only in the namespace that `/proc` is of.
    pub(super) fn numbers(&self) -> impl Iterator<Item = Pid> {
        let numbers = self.below.iter().map(|process| process.number);
        numbers.filter_map(Pid::from_raw)
    }

    /// How many seconds of processor time they and those before them have used. What no parent asked
    /// for is forgotten when it has ended.
    pub(super) fn processor(&self) -> u64 {
        let ticks = self.below.iter().map(|process| process.ticks);
        let sum = ticks.fold(self.reaped, u64::saturating_add);
        sum / clock_ticks_per_second().max(1)
    }

    /// How many bytes of memory they have together, beside what they share with files; exact only
    /// where it is more than `most`. `shared`: by how much the memory that the whole system shares
    /// has grown meanwhile.
    pub(super) fn memory(&self, most: u64, shared: u64) -> u64 {
        let rough = self.sum("status", &["RssAnon:", "RssShmem:", "VmSwap:"]);
        // Memory can be held that is mapped and not to be seen as such.
        let mapped = if shared > most / 2 {
            self.mapped_shared().min(shared)
        } else {
            0
        };
        let rough = rough.saturating_add(mapped);
        if rough <= most {
            return rough;
        }
        // What a process shares with those that it has forked was counted for each of them.
        let exact = self.sum("smaps_rollup", &["Pss_Anon:", "SwapPss:"]);
        let seen_shared = self.sum("smaps_rollup", &["Pss_Shmem:"]);
        match exact.saturating_add(seen_shared) {
            // A system that does not tell.
            0 => rough,
            _ => exact.saturating_add(seen_shared.max(mapped)),
        }
    }

    /// The sum of these lines, which are in KiB, over a file of each process.
    fn sum(&self, file: &str, names: &[&str]) -> u64 {
        let text = |process: &Process| fs::read_to_string(proc_path(process.number, file)).ok();
        let texts = self.below.iter().filter_map(text);
        texts.fold(0, |sum, text| sum.saturating_add(kibibytes(&text, names)))
    }

    /// How long all mappings of shared memory without a name are, each piece of it once.
    fn mapped_shared(&self) -> u64 {
        let mut pieces: BTreeMap<String, u64> = BTreeMap::new();
        for process in &self.below {
            let maps = fs::read_to_string(proc_path(process.number, "maps")).unwrap_or_default();
            for (inode, length) in maps.lines().filter_map(shared_piece) {
                let most = pieces.entry(inode.to_owned()).or_default();
                *most = length.max(*most);
            }
        }
        pieces.values().copied().fold(0, u64::saturating_add)
    }

    /// What files below `base` hold that have no name any more, and are still open or mapped.
    pub(super) fn nameless(&self, base: &Path) -> Nameless {
        let mut seen = BTreeSet::new();
        let (mut held, mut hidden) = (0_u64, false);
        let Ok(disk) = fs::metadata(base).map(|metadata| metadata.dev()) else {
            return Nameless { held, hidden };
        };
        for process in &self.below {
            let files = fs::read_dir(proc_path(process.number, "fd"));
            for file in files.into_iter().flatten().flatten() {
                // The entry is a link, and what it leads to is asked for.
                let Ok(metadata) = fs::metadata(file.path()) else {
                    continue;
                };
                let nameless =
                    metadata.is_file() && metadata.nlink() == 0 && metadata.dev() == disk;
                if nameless && seen.insert(metadata.ino()) {
                    held = held.saturating_add(size(&metadata));
                }
            }
        }
        let base = base.to_string_lossy();
        for process in &self.below {
            let maps = fs::read(proc_path(process.number, "maps")).unwrap_or_default();
            let maps = String::from_utf8_lossy(&maps);
            hidden |= maps.lines().any(|line| {
                let is_deleted = line.ends_with(" (deleted)") && line.contains(&*base);
                is_deleted && !inode(line).is_some_and(|inode| seen.contains(&inode))
            });
        }
        Nameless { held, hidden }
    }
}

/// How much memory the whole system shares, in bytes, files in memory included.
pub(super) fn shared_memory() -> u64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    kibibytes(&text, &["Shmem:"])
}

/// How many bytes a file or folder takes, and how many count for it beside its content: a million empty
/// ones are no way around the limit. Blocks are of 512 bytes, whatever the disk's are.
pub(super) fn size(metadata: &Metadata) -> u64 {
    const ENTRY_COST: u64 = 1024;
    let content = metadata.blocks().saturating_mul(512);
    content.saturating_add(ENTRY_COST)
}

/// The number of this process in `/proc`, which may be that of another namespace than ours.
fn own() -> Option<i32> {
    fs::read_link("/proc/self").ok()?.to_str()?.parse().ok()
}

fn numbers() -> impl Iterator<Item = i32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn proc_path(number: i32, file: &str) -> String {
    format!("/proc/{number}/{file}")
}

/// `None` if it is gone.
fn process(number: i32) -> Option<Process> {
    let stat = fs::read(proc_path(number, "stat")).ok()?;
    let (parent, own, reaped) = parse_stat(&String::from_utf8_lossy(&stat))?;
    Some(Process {
        number,
        parent,
        ticks: own.saturating_add(reaped),
        reaped,
    })
}

/// Parent, own ticks, those of children. The line is `PID (NAME) STATE PARENT …`, and the name may
/// hold anything; the 12th to 15th numbers behind it are ticks as user and as system.
fn parse_stat(line: &str) -> Option<(i32, u64, u64)> {
    let (_, rest) = line.rsplit_once(") ")?;
    let words: Vec<&str> = rest.split(' ').collect();
    let number = |at: usize| words.get(at)?.parse::<u64>().ok();
    let parent = words.get(1)?.parse().ok()?;
    let own = number(11)?.saturating_add(number(12)?);
    Some((parent, own, number(13)?.saturating_add(number(14)?)))
}

fn descendants(own: i32, all: Vec<Process>) -> Vec<Process> {
    let mut children: BTreeMap<i32, Vec<Process>> = BTreeMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(process);
    }
    let mut found = Vec::new();
    let mut left = vec![own];
    while let Some(one) = left.pop() {
        let below = children.remove(&one).unwrap_or_default();
        left.extend(below.iter().map(|process| process.number));
        found.extend(below);
    }
    found
}

/// The sum of the lines that begin with these names, in bytes.
fn kibibytes(text: &str, names: &[&str]) -> u64 {
    let lines = text.lines().filter_map(|line| {
        let rest = names.iter().find_map(|name| line.strip_prefix(name))?;
        rest.split_whitespace().next()?.parse::<u64>().ok()
    });
    lines.fold(0, u64::saturating_add).saturating_mul(1024)
}

/// Of a line of `maps`, `FROM-TO MODE OFFSET DEVICE INODE PATH`: inode and length, if it is shared memory
/// without a file.
fn shared_piece(line: &str) -> Option<(&str, u64)> {
    if !line.ends_with("/dev/zero (deleted)") {
        return None;
    }
    let mut words = line.split_whitespace();
    let (from, to) = words.next()?.split_once('-')?;
    let (from, to) = (hexadecimal(from)?, hexadecimal(to)?);
    Some((words.nth(3)?, to.saturating_sub(from)))
}

fn inode(line: &str) -> Option<u64> {
    line.split_whitespace().nth(4)?.parse().ok()
}

fn hexadecimal(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_process_may_hold_anything() {
        let line = "7 (a) R 1 (b) S 3 7 7 0 -1 0 1 2 3 4 50 6 70 8 20 0 1 0 9";
        assert_eq!(parse_stat(line), Some((3, 56, 78)));
        assert_eq!(parse_stat("7 (a"), None);
    }

    #[test]
    fn only_those_below_are_counted() {
        let process = |(number, parent)| Process {
            number,
            parent,
            ticks: 1,
            reaped: 0,
        };
        let all = [(1, 0), (2, 1), (3, 2), (4, 3), (5, 1)].map(process);
        let mut found: Vec<i32> = descendants(2, all.to_vec())
            .iter()
            .map(|process| process.number)
            .collect();
        found.sort_unstable();
        assert_eq!(found, [3, 4]);
    }

    #[test]
    fn shared_memory_is_told_from_files() {
        let line = "7f00-7f10 rw-s 00000000 00:01 1035   /dev/zero (deleted)";
        assert_eq!(shared_piece(line), Some(("1035", 16)));
        assert_eq!(inode(line), Some(1035));
        assert_eq!(shared_piece("7f00-7f10 rw-p 00000000 00:00 0"), None);
    }

    #[test]
    fn named_lines_are_added_up() {
        let text = "Rss:  5 kB\nPss_Anon:   3 kB\nSwapPss: 1 kB\nPss:  9 kB\n";
        assert_eq!(kibibytes(text, &["Pss_Anon:", "SwapPss:"]), 4096);
    }
}
