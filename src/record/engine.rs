//! One pass over the roots: folders are read, and their files opened and hashed, by several threads
//! at once, and what they find is put in order at the end.
//!
//! The work is a tree of [`Task`]s: a root, a folder, or a part of a folder with very many entries. A
//! thread takes the task it made last, so that the folder it just read is still in the caches, and
//! gives the oldest half of its tasks away when others have nothing to do. Each task lists what it
//! found in the order of the names, with a place for what its own tasks find; so no sorting of all
//! paths is needed.
//!
//! Files below [`SMALL`](super::small::SMALL) are hashed by the thread that reads them, in batches
//! ([`super::small`]). Larger ones wait until the folders are read and are hashed biggest first, one
//! in each lane ([`super::middle`]); those that would take longer in a lane than all the rest are hashed
//! alone, which is quicker for them and slower for the whole. The very largest get threads of their own
//! as soon as they are found ([`super::hash`]).
//!
//! Memory is bounded but for the result: each thread has one arena, the buffers of its lanes and a
//! few folders.

use std::borrow::Cow;
use std::mem;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::thread::{self, Builder, Scope};

use super::RecordError;
use super::folder::Visited;
use super::hash::{Hashed, State, Wanted, hash_file};
use super::middle::{self, Middle};
use super::order::{Files, Item, Late, Name, Names, Outcome, Place, in_order};
use super::resolve::{self, Naming};
use super::reuse::Remembering;
use super::small::Batch;
use super::tasks::{Shared, Task, Work, locked};
use super::walk::Ground;
use crate::event::Event;
use crate::model::DigestSet;

/// Threads beyond the processors wait for the disk while others hash. More than twice as many gain
/// a little when nothing is in the page cache, and lose 7 % when everything is.
const THREADS_PER_CORE: usize = 2;
/// Fewer do not keep a disk busy.
const MIN_THREADS: usize = 4;
/// More have no use: what is left is then the disk's limit.
const MAX_THREADS: usize = 32;

/// Files from this size on are not worth waiting until all others are found: 1 GiB, for which one hash
/// function takes most of a second.
const COLOSSAL: u64 = 1 << 30;

/// A root whose files are artifacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RootSpec {
    /// As it is seen from the base, normalised.
    pub(super) path: PathBuf,
    /// What its names are made of.
    pub(super) naming: Naming,
}

/// A file that has a name, and its digests if it could be read.
#[derive(Debug)]
pub(super) struct Recorded {
    pub(super) name: Name,
    /// Where it was found, if the name is not that.
    pub(super) path: Option<Box<Path>>,
    pub(super) digests: Option<DigestSet>,
    pub(super) bytes: u64,
    /// To know the content again by, if that is wanted.
    pub(super) state: Option<Box<State>>,
}

impl Recorded {
    /// Where it was found, as seen from the base.
    pub(super) fn path<'n>(&'n self, names: &'n Names) -> &'n Path {
        match &self.path {
            Some(path) => path,
            None => Path::new(names.get(self.name)),
        }
    }

    pub(super) fn fill(&mut self, digested: Digested, keep: bool) {
        self.digests = Some(digested.digests);
        self.bytes = digested.bytes;
        self.state = digested.state.filter(|_| keep).map(Box::new);
    }
}

/// What a pass is given.
#[derive(Clone, Copy)]
pub(super) struct Pass<'a> {
    pub(super) ground: Ground<'a>,
    pub(super) wanted: Wanted<'a>,
    pub(super) remembering: &'a Remembering<'a>,
    pub(super) effort: Effort,
    /// Whether the files are artifacts, and all of them are found when this pass has gone through its
    /// folders. Otherwise they are parts of one artifact, and another pass follows.
    pub(super) is_last: bool,
}

/// How far a pass goes. A recording goes all the way; where its time goes is seen by going less far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Finds and names the files.
    Find,
    /// Opens, reads and closes them too, and checks that they did not change.
    Read,
    /// Hashes what was read.
    Hash,
}

impl Pass<'_> {
    /// Hashes one file alone, or only reads it.
    pub(super) fn hash_alone(&self, middle: &Middle) -> Result<Digested, RecordError> {
        let observer = self.ground.observer;
        let wanted = (self.effort == Effort::Hash).then_some(self.wanted);
        let hashed = hash_file(&middle.path, middle.links, middle.seen, wanted, observer)?;
        Ok(hashed.on(middle.reusable))
    }

    pub(super) fn tell(&self, event: Event<'_>) {
        self.ground.observer.event(event);
    }

    /// All folders of this pass were gone through.
    pub(super) fn tell_walked(&self) {
        if self.is_last {
            self.tell(Event::Walked);
        }
    }

    /// A file was hashed. Of the parts of an artifact it is told once, for all of them.
    fn tell_hashed(&self, path: &str, bytes: u64) {
        if self.is_last {
            self.tell(Event::Hashed { path, bytes });
        }
    }
}

/// What a pass found.
#[derive(Default)]
pub(super) struct Scan {
    /// Root by root, in the order of the paths.
    pub(super) files: Files,
    /// Their names.
    pub(super) names: Names,
    pub(super) errors: Vec<RecordError>,
}

/// How many threads work if nobody says.
pub(super) fn default_jobs() -> usize {
    (cores() * THREADS_PER_CORE).clamp(MIN_THREADS, MAX_THREADS)
}

/// How many threads can run at the same time.
pub(super) fn cores() -> usize {
    // Asking takes a dozen system calls.
    static CORES: LazyLock<usize> =
        LazyLock::new(|| thread::available_parallelism().map_or(1, usize::from));
    *CORES
}

/// Goes over the roots.
pub(super) fn scan(roots: &[RootSpec], pass: Pass<'_>) -> Scan {
    if roots.is_empty() {
        // Neither threads nor hash functions are asked for.
        pass.tell_walked();
        return Scan::default();
    }
    let shared = Shared::new(roots, pass);
    let workers = thread::scope(|scope| {
        let mut first = Worker::new(0, &shared, scope);
        // Most roots are small, and starting threads takes longer than reading a few files.
        while !shared.is_worth_sharing(first.tasks.len()) && first.step() {}
        let helpers: Vec<_> = if shared.is_finished() {
            Vec::new()
        } else {
            // Where no more threads are to be had, those that are do the work.
            (1..shared.jobs)
                .map_while(|number| {
                    let mut worker = Worker::new(number, &shared, scope);
                    let work = move || {
                        worker.run();
                        mem::take(&mut worker.outcome)
                    };
                    Builder::new().spawn_scoped(scope, work).ok()
                })
                .collect()
        };
        first.run();
        let mut outcomes = vec![mem::take(&mut first.outcome)];
        for helper in helpers {
            match helper.join() {
                Ok(outcome) => outcomes.push(outcome),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        outcomes
    });
    let late = shared
        .late
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    in_order(roots.len(), pass.remembering.keeps(), workers, late)
}

/// What is known about a content.
#[derive(Debug)]
pub(super) struct Digested {
    pub(super) digests: DigestSet,
    pub(super) bytes: u64,
    /// If the file may be known again by it.
    pub(super) state: Option<State>,
}

impl Hashed {
    /// With the state, if the file is on the device that it is known again on.
    pub(super) fn on(self, reusable: Option<u64>) -> Digested {
        Digested {
            digests: self.digests,
            bytes: self.bytes,
            state: Some(self.state).filter(|state| reusable == Some(state.device)),
        }
    }
}

/// A thread of a pass.
pub(super) struct Worker<'scope, 'env> {
    number: usize,
    pub(super) shared: &'env Shared<'env>,
    scope: &'scope Scope<'scope, 'env>,
    tasks: Vec<Task>,
    /// What the task at hand has found so far.
    list: Vec<Item>,
    pub(super) batch: Batch,
    /// Folders that were read.
    pub(super) visited: Vec<Visited>,
    /// Files that are to be read with more care, with the batch.
    doubts: Vec<Middle>,
    /// Bytes of small files that were found and not told of yet.
    found: u64,
    outcome: Outcome,
}

impl Drop for Worker<'_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            let shared = self.shared;
            shared.is_abandoned.store(true, Ordering::Release);
            let _given = locked(&shared.given);
            shared.ready.notify_all();
        }
    }
}

impl<'scope, 'env> Worker<'scope, 'env> {
    fn new(number: usize, shared: &'env Shared<'env>, scope: &'scope Scope<'scope, 'env>) -> Self {
        Self {
            number,
            shared,
            scope,
            tasks: Vec::new(),
            list: Vec::new(),
            batch: Batch::default(),
            visited: Vec::new(),
            doubts: Vec::new(),
            found: 0,
            outcome: Outcome::default(),
        }
    }

    fn run(&mut self) {
        while self.step() {}
        self.ask_again();
        self.hash_batch();
        middle::hash_all(self);
    }

    /// Does one task. `false` if there is none, and will be none.
    fn step(&mut self) -> bool {
        let Some(task) = self.tasks.pop().or_else(|| self.shared.take()) else {
            return false;
        };
        let depth = self.tasks.len();
        self.work(task.work);
        // The one whose name comes first is done next.
        if let Some(tasks) = self.tasks.get_mut(depth..) {
            tasks.reverse();
        }
        let list = mem::take(&mut self.list);
        self.outcome.lists.push((task.list, list));
        self.shared.give(&mut self.tasks);
        self.tell_found();
        self.shared.finished_one();
        true
    }

    /// Something to be done later. What it finds stands here in the list.
    pub(super) fn later(&mut self, work: Work) {
        let list = self.shared.lists.fetch_add(1, Ordering::Relaxed);
        self.shared.pending.fetch_add(1, Ordering::AcqRel);
        self.list.push(Item::Below(list));
        self.tasks.push(Task { list, work });
    }

    pub(super) fn error(&mut self, error: RecordError) {
        self.outcome.errors.push(error);
    }

    /// A place for a file, to be filled with [`Self::fill`].
    pub(super) fn place(&mut self, name: &str, path: Option<Box<Path>>) -> Place {
        let (files, names) = (&mut self.outcome.files, &mut self.outcome.names);
        // By a quarter and not to the double: of the many files that there can be at the end, memory
        // for as many more would be held.
        if files.len() == files.capacity() {
            files.reserve_exact(1024.max(files.len() / 4));
        }
        if names.len() + name.len() > names.capacity() {
            names.reserve_exact(name.len().max(1 << 16).max(names.len() / 4));
        }
        let index = files.len();
        let name = Name::push(name, names, self.number);
        self.outcome.files.push(Recorded {
            name,
            path,
            digests: None,
            bytes: 0,
            state: None,
        });
        match self.list.last_mut() {
            Some(Item::Files { first, count }) if first.index + *count == index => *count += 1,
            _ => {
                let first = Place {
                    worker: self.number,
                    index,
                };
                self.list.push(Item::Files { first, count: 1 });
            }
        }
        Place {
            worker: self.number,
            index,
        }
    }

    /// A file of this thread.
    #[expect(
        clippy::indexing_slicing,
        reason = "`place` gave the index, and files are never taken away"
    )]
    fn file_at(&mut self, index: usize) -> &mut Recorded {
        &mut self.outcome.files[index]
    }

    /// What became of a file of this thread.
    pub(super) fn fill(&mut self, index: usize, digested: Result<Digested, RecordError>) {
        match digested {
            Ok(digested) => {
                let shared = self.shared;
                let name = self.file_at(index).name;
                let path = name.of(&self.outcome.names);
                shared.pass.tell_hashed(path, digested.bytes);
                let keep = shared.pass.remembering.keeps();
                self.file_at(index).fill(digested, keep);
            }
            Err(error) => self.error(error),
        }
    }

    /// What is known already of a file of this thread.
    pub(super) fn fill_known(&mut self, index: usize, digested: Digested) {
        let shared = self.shared;
        let name = self.file_at(index).name;
        let (path, bytes) = (name.of(&self.outcome.names), digested.bytes);
        shared.pass.tell(Event::Reused { path, bytes });
        let keep = shared.pass.remembering.keeps();
        self.file_at(index).fill(digested, keep);
    }

    /// Hashes what is in the batch.
    pub(super) fn hash_batch(&mut self) {
        let shared = self.shared;
        self.tell_found();
        let bytes = self.batch.bytes();
        if shared.pass.effort == Effort::Hash {
            for (index, digested) in self.batch.hash(shared.kernels, shared.pass.wanted) {
                self.fill(index, Ok(digested));
            }
        } else {
            self.batch.clear();
        }
        shared.pass.tell(Event::Read { bytes });
        for doubt in mem::take(&mut self.doubts) {
            match shared.pass.hash_alone(&doubt) {
                Ok(_) if shared.pass.effort != Effort::Hash => {}
                digested => self.fill(doubt.place.index, digested),
            }
        }
    }

    /// Small files of so many bytes are in the batch, or with it.
    pub(super) fn found(&mut self, bytes: u64) {
        self.found += bytes;
    }

    /// Tells of what was found before it is read, and before it is told that nothing more will be.
    fn tell_found(&mut self) {
        if self.found > 0 {
            let bytes = mem::take(&mut self.found);
            self.shared.pass.tell(Event::Found { bytes });
        }
    }

    /// A file of this thread that is not in the batch, although it is small.
    pub(super) fn doubt(&mut self, doubt: Middle) {
        self.found(doubt.size);
        /// They are bounded as the batch is.
        const DOUBTS: usize = 256;
        self.doubts.push(doubt);
        if self.doubts.len() >= DOUBTS {
            self.hash_batch();
        }
    }

    /// What became of a file of any thread.
    pub(super) fn fill_late(&mut self, middle: &Middle, digested: Result<Digested, RecordError>) {
        self.outcome
            .late
            .extend(late(middle, digested, self.shared.pass));
    }

    /// A file that is too large for a batch.
    pub(super) fn large(&mut self, middle: Middle) {
        let shared = self.shared;
        shared.pass.tell(Event::Found { bytes: middle.size });
        let is_colossal = middle.size >= COLOSSAL && shared.jobs > 1;
        if is_colossal && shared.giants.fetch_add(1, Ordering::AcqRel) < cores() {
            let waiting = Arc::new(Mutex::new(Some(middle)));
            let taken = Arc::clone(&waiting);
            let work = move || {
                if let Some(middle) = locked(&taken).take() {
                    let digested = shared.pass.hash_alone(&middle);
                    locked(&shared.late).extend(late(&middle, digested, shared.pass));
                }
            };
            if Builder::new().spawn_scoped(self.scope, work).is_ok() {
                return;
            }
            // No thread is to be had for it: it waits like the others.
            locked(&shared.middles).extend(locked(&waiting).take());
            return;
        }
        locked(&shared.middles).push(middle);
    }

    /// How many files each thread may have side by side if all are to have some.
    pub(super) fn fair_share(&self) -> usize {
        locked(&self.shared.middles)
            .len()
            .div_ceil(self.shared.jobs)
    }

    /// A name for what was found.
    pub(super) fn named<'p>(&mut self, root: usize, path: &'p Path) -> Option<Cow<'p, str>> {
        let naming = self.shared.root(root).naming;
        match resolve::name_as(path, naming, self.shared.pass.ground) {
            Ok(name) => Some(name),
            Err(error) => {
                self.error(error);
                None
            }
        }
    }
}

/// What is to be filled in for a file. What was only read has no digests.
fn late(middle: &Middle, digested: Result<Digested, RecordError>, pass: Pass<'_>) -> Option<Late> {
    if let Ok(Digested { bytes, .. }) = digested {
        if pass.effort != Effort::Hash {
            return None;
        }
        pass.tell_hashed(middle.name.as_str(), bytes);
    }
    Some((middle.place, digested))
}
