//! Files that change at random times while they are recorded, over and over. For each file it is known
//! which contents it had, and when: a digest must be of one that it had while it was recorded.
//!
//! Two seconds of it are a test like any other. For longer, and to see the counts:
//!
//! ```text
//! LINKWRIGHT_STRESS_SECONDS=180 cargo test --lib files_that_change -- --nocapture
//! ```

use std::fs::File;
use std::io::Write;
use std::sync::atomic::AtomicBool;
use std::thread;
use std::time::{Duration, Instant};

use super::*;

const FILES: usize = 20;
/// In batches, just below and above what fits there, and larger than what is read at once.
const SIZES: [usize; 5] = [96, 4_800, 60_000, 70_000, 400_000];
/// Contents are made of these, and no two of them are the same. Files begin and end with a whole one,
/// so none lies across two pages: what is appended is there as a whole or not at all.
const UNIT: usize = 16;
const CHANGERS: usize = 2;
/// Recordings that there are at least, however slow the machine is.
const RECORDINGS: usize = 20;
/// Recordings of these in which no file was refused.
const COMPLETE: usize = 3;
/// What has not been seen in so many recordings is not going to be, and more are only made if somebody
/// asked for more time.
const MAX_RECORDINGS: usize = 5_000;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Truncated,
    Emptied,
    Grown,
    Replaced,
    Rewritten,
    Deleted,
}

const KINDS: [Kind; 6] = [
    Kind::Truncated,
    Kind::Emptied,
    Kind::Grown,
    Kind::Replaced,
    Kind::Rewritten,
    Kind::Deleted,
];

/// What a file was from one change to the next; without a digest it was not there.
struct Version {
    /// What made it so; the first was made by nothing.
    by: Option<Kind>,
    digest: Option<[u8; 32]>,
    /// Just before the change that made it.
    from: Instant,
    /// Just after the change that ended it.
    until: Option<Instant>,
}

impl Version {
    fn of(by: Option<Kind>, content: Option<&[u8]>) -> Self {
        Self {
            by,
            digest: content.map(|content| sha2::Sha256::digest(content).into()),
            from: Instant::now(),
            until: None,
        }
    }
}

/// What became of a file that was changed while it was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    /// An error that names it.
    Refused,
    /// The digest of what it was before the recording began.
    Old,
    /// The digest of what it became meanwhile.
    New,
    /// It was not there, and is not recorded.
    Absent,
    /// There is no digest of it, as another file was refused.
    Beside,
}

/// How often each kind of change had each outcome.
#[derive(Default)]
struct Counts(BTreeMap<(Kind, Outcome), usize>);

impl Counts {
    fn of(&self, kind: Kind, outcomes: &[Outcome]) -> usize {
        let of = |outcome: &Outcome| self.0.get(&(kind, *outcome)).copied().unwrap_or_default();
        outcomes.iter().map(of).sum()
    }

    /// Whether a kind of change was refused or not there, and, if it leaves a file, was hashed as well.
    fn is_seen(&self, kind: Kind) -> bool {
        use Outcome::{New, Old};
        let is_hashed = kind == Kind::Deleted || self.of(kind, &[Old, New]) > 0;
        self.attempts(kind) > 0 && is_hashed
    }

    /// Changes of a kind of which something can be said.
    fn attempts(&self, kind: Kind) -> usize {
        use Outcome::{Absent, New, Old, Refused};
        self.of(kind, &[Refused, Old, New, Absent])
    }
}

impl std::fmt::Display for Counts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use Outcome::{Absent, Beside, New, Old, Refused};
        writeln!(
            f,
            "change     attempts  refused      old      new   absent   (beside)"
        )?;
        for kind in KINDS {
            let kind_name = format!("{kind:?}").to_lowercase();
            write!(f, "{kind_name:10} {:8}", self.attempts(kind))?;
            for outcome in [Refused, Old, New, Absent] {
                write!(f, " {:8}", self.of(kind, &[outcome]))?;
            }
            writeln!(f, " {:10}", self.of(kind, &[Beside]))?;
        }
        Ok(())
    }
}

/// A file, by those that change it and by the one that judges.
struct Changing {
    path: PathBuf,
    /// Where what replaces it is made.
    next: PathBuf,
    size: usize,
    versions: Mutex<Vec<Version>>,
}

/// Different content at every call: `units` of it.
struct Source(u128);

impl Source {
    fn content(&mut self, units: usize) -> Vec<u8> {
        let units = (0..units).flat_map(|_| {
            self.0 += 1;
            self.0.to_be_bytes()
        });
        units.collect()
    }
}

impl Changing {
    /// Makes one change to a file that has `content` now. Its version is known before it can be seen.
    fn change(&self, content: &mut Option<Vec<u8>>, kind: Kind, source: &mut Source) {
        let (kind, new) = self.after(kind, content.take(), source);
        let version = Version::of(Some(kind), new.as_deref());
        self.versions.lock().unwrap().push(version);
        self.apply(kind, new.as_deref().unwrap_or_default());
        let now = Instant::now();
        let mut versions = self.versions.lock().unwrap();
        let last_but_one = versions.len() - 2;
        versions[last_but_one].until = Some(now);
        *content = new;
    }

    /// What a change makes of a content. If it is none for this file, the file is replaced.
    fn after(
        &self,
        kind: Kind,
        old: Option<Vec<u8>>,
        source: &mut Source,
    ) -> (Kind, Option<Vec<u8>>) {
        let new = match (kind, old) {
            (Kind::Deleted, _) => None,
            (Kind::Truncated, Some(old)) => Some(old[..old.len() / 2 / UNIT * UNIT].to_vec()),
            (Kind::Emptied, Some(_)) => Some(Vec::new()),
            (Kind::Grown, Some(old)) => Some([old, source.content(1)].concat()),
            // In place only what is so short that it is done as soon as its time is set. While one
            // long call of `write` goes on, neither this nor anything else tells old from new.
            (Kind::Rewritten, Some(old)) if old.len() == SIZES[0] => {
                Some(source.content(SIZES[0] / UNIT))
            }
            _ => return (Kind::Replaced, Some(source.content(self.size / UNIT))),
        };
        (kind, new)
    }

    fn apply(&self, kind: Kind, new: &[u8]) {
        let open = || File::options().write(true).open(&self.path).unwrap();
        match kind {
            Kind::Truncated | Kind::Emptied => open().set_len(new.len() as u64).unwrap(),
            Kind::Grown => {
                let mut file = File::options().append(true).open(&self.path).unwrap();
                file.write_all(&new[new.len() - UNIT..]).unwrap();
            }
            Kind::Replaced => {
                fs::write(&self.next, new).unwrap();
                fs::rename(&self.next, &self.path).unwrap();
            }
            Kind::Rewritten => open().write_all(new).unwrap(),
            // Perhaps it is not there.
            Kind::Deleted => drop(fs::remove_file(&self.path)),
        }
    }

    /// Forgets what was over before this moment.
    fn forget(&self, start: Instant) {
        let is_over = |version: &Version| version.until.is_some_and(|until| until < start);
        self.versions
            .lock()
            .unwrap()
            .retain(|version| !is_over(version));
    }

    /// Whether it was not there for a while, of what is not forgotten.
    fn was_absent(&self) -> bool {
        let versions = self.versions.lock().unwrap();
        versions.iter().any(|version| version.digest.is_none())
    }

    /// Counts each change from `start` on, which must have been forgotten up to there, to now.
    /// `found` is `None` if there is no answer about the file.
    fn judge(&self, start: Instant, found: Option<Found>, counts: &mut Counts) {
        let end = Instant::now();
        let versions = self.versions.lock().unwrap();
        let seen: Vec<&Version> = versions
            .iter()
            .take_while(|version| version.from <= end)
            .collect();
        let name = self.path.display();
        let outcome = match found {
            None => Outcome::Beside,
            Some(Found::Error) => {
                assert!(
                    seen.len() > 1,
                    "{name} was refused, and nobody had changed it"
                );
                Outcome::Refused
            }
            Some(Found::Digest(digest)) => {
                let version = seen.iter().find(|version| version.digest == digest);
                let Some(version) = version else {
                    panic!("{name} was not {digest:?} while it was recorded");
                };
                match digest {
                    None => Outcome::Absent,
                    Some(_) if version.from < start => Outcome::Old,
                    Some(_) => Outcome::New,
                }
            }
        };
        // The first may have come before, and what it took the place of is forgotten then.
        for kind in seen.iter().skip(1).filter_map(|version| version.by) {
            *counts.0.entry((kind, outcome)).or_default() += 1;
        }
    }
}

/// What a recording says of a file.
#[derive(Clone, Copy)]
enum Found {
    Error,
    Digest(Option<[u8; 32]>),
}

fn files(tree: &Tree) -> Vec<Changing> {
    let mut source = Source(0);
    let file = |index: usize| {
        let size = SIZES[index % SIZES.len()];
        let content = source.content(size / UNIT);
        tree.file(format!("files/f{index:02}"), &content);
        Changing {
            path: tree.0.path().join(format!("files/f{index:02}")),
            next: tree.0.path().join(format!("next/f{index:02}")),
            size,
            versions: Mutex::new(vec![Version::of(None, Some(&content))]),
        }
    };
    (0..FILES).map(file).collect()
}

/// Changes every file of which it is the turn until it is done.
fn keep_changing(turn: usize, files: &[Changing], done: &AtomicBool) {
    let mut random = 1 + turn as u64;
    let mut source = Source((1 + turn as u128) << 100);
    let own: Vec<&Changing> = files.iter().skip(turn).step_by(CHANGERS).collect();
    let read = |file: &&Changing| Some(fs::read(&file.path).unwrap());
    let mut contents: Vec<_> = own.iter().map(read).collect();
    let mut next = |below: usize| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        usize::try_from(random >> 33).unwrap() % below
    };
    while !done.load(Ordering::Relaxed) {
        let index = next(own.len());
        // What is cut or deleted must be made new, too.
        let kind = KINDS
            .get(next(KINDS.len() + 3))
            .copied()
            .unwrap_or(Kind::Replaced);
        own[index].change(&mut contents[index], kind, &mut source);
        thread::sleep(Duration::from_micros(100 << next(8)));
    }
}

/// Whether no file was refused.
fn record_and_judge(
    tree: &Tree,
    files: &[Changing],
    backend: Backend,
    counts: &mut Counts,
) -> bool {
    let options = Options {
        backend,
        jobs: NonZeroUsize::new(2),
        ..tree.options()
    };
    let start = Instant::now();
    for file in files {
        file.forget(start);
    }
    match record(&strings(&["files"]), &options, &Silent) {
        Ok(artifacts) => {
            for (index, file) in files.iter().enumerate() {
                let digests = artifacts.get(&format!("files/f{index:02}"));
                let digest = digests.map(|digests| *digests.sha256().unwrap());
                file.judge(start, Some(Found::Digest(digest)), counts);
            }
            true
        }
        Err(errors) => {
            let mut named = BTreeSet::new();
            let mut is_listed_otherwise = false;
            for error in errors.iter() {
                if let RecordError::FolderChanged { path } = error {
                    assert!(path.ends_with("files"), "{error}");
                    is_listed_otherwise = true;
                    continue;
                }
                let (RecordError::Changed { path } | RecordError::Read { path, .. }) = error else {
                    panic!("{error}");
                };
                named.insert(path.clone());
            }
            for file in files {
                let found = named.remove(&file.path).then_some(Found::Error);
                file.judge(start, found, counts);
            }
            assert!(
                !is_listed_otherwise || files.iter().any(Changing::was_absent),
                "no file came or went"
            );
            assert!(named.is_empty(), "{named:?}");
            false
        }
    }
}

#[test]
#[expect(clippy::print_stderr, reason = "the counts are for people")]
fn files_that_change_while_they_are_read_have_a_right_digest_or_an_error() {
    let seconds = std::env::var("LINKWRIGHT_STRESS_SECONDS");
    let seconds = seconds.map_or(2, |seconds| seconds.parse().unwrap());
    let tree = Tree::new(&["next/x"]);
    let files = files(&tree);
    let done = AtomicBool::new(false);
    let mut counts = Counts::default();
    let (mut recordings, mut complete) = (0, 0);
    thread::scope(|scope| {
        for turn in 0..CHANGERS {
            let (files, done) = (&files, &done);
            scope.spawn(move || keep_changing(turn, files, done));
        }
        let judged = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let start = Instant::now();
            let is_seen = |counts: &Counts| KINDS.iter().all(|kind| counts.is_seen(*kind));
            while start.elapsed() < Duration::from_secs(seconds)
                || recordings < RECORDINGS
                || complete < COMPLETE
                || !is_seen(&counts)
            {
                let backends = [Backend::Fastest, Backend::Portable];
                let backend = backends[recordings % 2];
                let is_complete = record_and_judge(&tree, &files, backend, &mut counts);
                complete += usize::from(is_complete);
                recordings += 1;
                assert!(
                    recordings < MAX_RECORDINGS || (complete >= COMPLETE && is_seen(&counts)),
                    "{complete} of {recordings} recordings were complete:\n{counts}"
                );
            }
        }));
        done.store(true, Ordering::Relaxed);
        if let Err(panic) = judged {
            std::panic::resume_unwind(panic);
        }
    });
    eprintln!(
        "{recordings} recordings, {complete} complete; of their files that changed meanwhile:\n{counts}"
    );
}

#[test]
fn a_digest_that_the_file_had_at_another_time_only_is_noticed() {
    let tree = Tree::new(&["next/x"]);
    let file = files(&tree).swap_remove(0);
    let mut content = Some(fs::read(&file.path).unwrap());
    let old: [u8; 32] = sha2::Sha256::digest(content.as_ref().unwrap()).into();
    file.change(&mut content, Kind::Grown, &mut Source(1 << 100));
    let new: [u8; 32] = sha2::Sha256::digest(content.as_ref().unwrap()).into();
    let start = Instant::now();
    file.forget(start);
    let judge = |found| {
        let judged = || file.judge(start, Some(found), &mut Counts::default());
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(judged)).is_ok()
    };
    assert!(judge(Found::Digest(Some(new))));
    assert!(!judge(Found::Digest(Some(old))));
    assert!(!judge(Found::Digest(None)));
    assert!(!judge(Found::Error));
}
