//! What the processes of a shut-in command use, as `/proc` tells it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use rustix::io::Errno;
use rustix::param::clock_ticks_per_second;
use rustix::process::Pid;

/// All processes below this one, ended ones that nobody has asked for included, at one moment.
pub(super) struct Processes {
    below: Vec<Process>,
    /// Of processes that ended and were asked for here.
    reaped: u64,
}

/// One process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Process {
    number: i32,
    parent: i32,
    /// Processor time, and that of its children that it has asked for.
    ticks: u64,
    /// The latter alone.
    reaped: u64,
    /// Whether its first thread has ended. The others go on without it.
    headless: bool,
    /// How many threads it has, an ended one that is the last included.
    threads: u64,
}

/// How many bytes of memory a process has.
#[derive(Clone, Copy, Debug, Default)]
struct Memory {
    own: u64,
    shared: u64,
}

/// What files without a name hold.
pub(super) struct Nameless {
    /// In bytes, as far as it can be seen.
    pub(super) held: u64,
    /// Whether there are some whose size cannot be seen.
    pub(super) hidden: bool,
}

impl Processes {
    /// Whether there is a `/proc` to ask, and one that hides no process from us.
    pub(super) fn can_be_seen() -> bool {
        own().is_some() && fs::read(proc_path(1, "stat")).is_ok()
    }

    pub(super) fn look() -> Self {
        let Some(own) = own() else {
            return Self {
                below: Vec::new(),
                reaped: 0,
            };
        };
        let all: Vec<Process> = numbers("/proc").filter_map(process).collect();
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
        let rough = self.sum(Process::rough);
        // Memory can be held that is mapped and not to be seen as such.
        let mapped = if shared > most / 2 {
            self.mapped_shared().min(shared)
        } else {
            0
        };
        let all = rough.own.saturating_add(rough.shared);
        let all = all.saturating_add(mapped);
        if all <= most {
            return all;
        }
        // What a process shares with those that it has forked was counted for each of them.
        let exact = self.sum(Process::exact);
        exact.own.saturating_add(exact.shared.max(mapped))
    }

    fn sum(&self, of: impl Fn(&Process) -> Memory) -> Memory {
        let each = self.below.iter().map(of);
        each.fold(Memory::default(), |sum, one| Memory {
            own: sum.own.saturating_add(one.own),
            shared: sum.shared.saturating_add(one.shared),
        })
    }

    /// How long all mappings of shared memory without a name are, each piece of it once. Of a process
    /// that does not show them, all that it has mapped counts.
    fn mapped_shared(&self) -> u64 {
        let mut pieces: BTreeMap<String, u64> = BTreeMap::new();
        let mut unseen = 0_u64;
        for process in &self.below {
            let Ok(maps) = process.read("maps") else {
                let mapped = kibibytes(&process.read("status").unwrap_or_default(), &["VmSize:"]);
                unseen = unseen.saturating_add(mapped);
                continue;
            };
            for (inode, length) in maps.lines().filter_map(shared_piece) {
                let most = pieces.entry(inode.to_owned()).or_default();
                *most = length.max(*most);
            }
        }
        pieces.values().copied().fold(unseen, u64::saturating_add)
    }

    /// What files below `base` hold that have no name any more, and are still open or mapped.
    pub(super) fn nameless(&self, base: &Path) -> Nameless {
        let mut seen = BTreeSet::new();
        let (mut held, mut hidden) = (0_u64, false);
        let Ok(disk) = fs::metadata(base).map(|metadata| metadata.dev()) else {
            return Nameless { held, hidden: true };
        };
        for process in &self.below {
            let mut one = |metadata: &Metadata| {
                let nameless =
                    metadata.is_file() && metadata.nlink() == 0 && metadata.dev() == disk;
                if nameless && seen.insert(metadata.ino()) {
                    held = held.saturating_add(size(metadata));
                }
            };
            hidden |= process.hides(process.open_files(&mut one));
        }
        let base = base.to_string_lossy();
        for process in &self.below {
            let maps = process.read("maps");
            hidden |= maps.iter().flat_map(|maps| maps.lines()).any(|line| {
                let is_deleted = line.ends_with(" (deleted)") && line.contains(&*base);
                is_deleted && !inode(line).is_some_and(|inode| seen.contains(&inode))
            });
            hidden |= process.hides(maps.map(|_| ()));
        }
        Nameless { held, hidden }
    }
}

impl Process {
    /// Nobody has asked for it yet, and it has nothing any more.
    fn is_over(&self) -> bool {
        self.headless && self.threads <= 1
    }

    /// Whether what could not be seen of it is there nevertheless. What has ended has nothing, and is
    /// not shown to everybody.
    fn hides(&self, seen: io::Result<()>) -> bool {
        let fails = seen.is_err_and(|error| !is_gone(&error));
        fails && process(self.number).is_some_and(|now| !now.is_over())
    }

    /// A file about it. What its name or the name of a file is made of is no matter.
    fn read(&self, file: &str) -> io::Result<String> {
        let mut path = proc_path(self.number, file);
        if self.headless {
            // The thread that has ended shows nothing of what the others have.
            let mut threads = numbers(&proc_path(self.number, "task"));
            if let Some(other) = threads.find(|thread| *thread != self.number) {
                path = proc_path(self.number, &format!("task/{other}/{file}"));
            }
        }
        let bytes = fs::read(path)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// What everybody may see.
    fn rough(&self) -> Memory {
        let text = self.read("status").unwrap_or_default();
        Memory {
            own: kibibytes(&text, &["RssAnon:", "VmSwap:"]),
            shared: kibibytes(&text, &["RssShmem:"]),
        }
    }

    /// What it has of what it shares with others is its part of it, if the system tells us: a process
    /// can forbid that, and be it by the mode of its program.
    fn exact(&self) -> Memory {
        const OWN: &str = "Pss_Anon:";
        match self.read("smaps_rollup") {
            Ok(text) if text.contains(OWN) => Memory {
                own: kibibytes(&text, &[OWN, "SwapPss:"]),
                shared: kibibytes(&text, &["Pss_Shmem:"]),
            },
            _ => self.rough(),
        }
    }

    /// Goes through all that its threads have open: each can have files of its own. An error if some
    /// cannot be seen.
    fn open_files(&self, one: &mut impl FnMut(&Metadata)) -> io::Result<()> {
        let mut seen = Ok(());
        for thread in numbers(&proc_path(self.number, "task")) {
            if self.headless && thread == self.number {
                continue;
            }
            let folder = proc_path(self.number, &format!("task/{thread}/fd"));
            let files = match fs::read_dir(folder) {
                Ok(files) => files,
                Err(error) if is_gone(&error) => continue,
                Err(error) => {
                    seen = Err(error);
                    continue;
                }
            };
            for file in files {
                // The entry is a link, and what it leads to is asked for.
                match file.and_then(|file| fs::metadata(file.path())) {
                    Ok(metadata) => one(&metadata),
                    Err(error) if is_gone(&error) => {}
                    Err(error) => seen = Err(error),
                }
            }
        }
        seen
    }
}

/// Whether there is nothing any more that could be seen.
fn is_gone(error: &io::Error) -> bool {
    let gone = [Errno::NOENT, Errno::SRCH].map(|errno| Some(errno.raw_os_error()));
    gone.contains(&error.raw_os_error())
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

/// Of processes or threads.
fn numbers(folder: &str) -> impl Iterator<Item = i32> + use<> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn proc_path(number: i32, file: &str) -> String {
    format!("/proc/{number}/{file}")
}

/// `None` if it is gone.
fn process(number: i32) -> Option<Process> {
    let stat = fs::read(proc_path(number, "stat")).ok()?;
    parse_stat(number, &String::from_utf8_lossy(&stat))
}

/// The line is `PID (NAME) STATE PARENT …`, and the name may hold anything; the 12th to 15th words
/// behind it are ticks as user and as system, its own and its children's, the 18th is how many threads.
fn parse_stat(number: i32, line: &str) -> Option<Process> {
    let (_, rest) = line.rsplit_once(") ")?;
    let words: Vec<&str> = rest.split(' ').collect();
    let word = |at: usize| words.get(at)?.parse::<u64>().ok();
    let reaped = word(13)?.saturating_add(word(14)?);
    Some(Process {
        number,
        parent: words.get(1)?.parse().ok()?,
        ticks: word(11)?.saturating_add(word(12)?).saturating_add(reaped),
        reaped,
        headless: matches!(*words.first()?, "Z" | "X" | "x"),
        threads: word(17)?,
    })
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
        let expected = Process {
            number: 7,
            parent: 3,
            ticks: 56 + 78,
            reaped: 78,
            headless: false,
            threads: 1,
        };
        assert_eq!(parse_stat(7, line), Some(expected));
        assert_eq!(parse_stat(7, "7 (a"), None);
    }

    #[test]
    fn only_those_below_are_counted() {
        let process = |(number, parent)| Process {
            number,
            parent,
            ticks: 1,
            reaped: 0,
            headless: false,
            threads: 1,
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
