//! What the threads of a pass share: the tasks that one of them gave away, the large files that wait,
//! and how they learn that nothing is left to do.

use std::collections::BinaryHeap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};

use super::engine::{Pass, RootSpec, cores, default_jobs};
use super::folder::{Folder, Part};
use super::hash::GIANT;
use super::lanes::Kernels;
use super::middle::Middle;
use super::order::Late;

/// A piece of work, and the place of its list among the others.
pub(super) struct Task {
    pub(super) list: usize,
    pub(super) work: Work,
}

pub(super) enum Work {
    /// A root, by its index.
    Root(usize),
    Folder(Folder),
    Part(Part),
}

/// What all threads of a pass see.
pub(super) struct Shared<'a> {
    pub(super) pass: Pass<'a>,
    roots: &'a [RootSpec],
    pub(super) kernels: &'static Kernels,
    pub(super) jobs: usize,
    /// Tasks that are not finished, wherever they are.
    pub(super) pending: AtomicUsize,
    /// A thread panicked: nobody waits for what it had to do.
    pub(super) is_abandoned: AtomicBool,
    pub(super) lists: AtomicUsize,
    /// Folders that are open only for what is below them.
    pub(super) open_folders: Arc<AtomicUsize>,
    /// Giants that have a thread.
    pub(super) giants: AtomicUsize,
    pub(super) given: Mutex<Vec<Task>>,
    pub(super) ready: Condvar,
    pub(super) middles: Mutex<BinaryHeap<Middle>>,
    /// From which size on a file that waits is hashed alone.
    alone: OnceLock<u64>,
    pub(super) late: Mutex<Vec<Late>>,
}

impl<'a> Shared<'a> {
    pub(super) fn new(roots: &'a [RootSpec], pass: Pass<'a>) -> Self {
        let work = |list| Task {
            list,
            work: Work::Root(list),
        };
        let options = pass.ground.options;
        Self {
            pass,
            roots,
            kernels: Kernels::of(options.backend),
            jobs: options.jobs.map_or_else(default_jobs, usize::from),
            pending: AtomicUsize::new(roots.len()),
            is_abandoned: AtomicBool::new(false),
            lists: AtomicUsize::new(roots.len()),
            open_folders: Arc::new(AtomicUsize::new(0)),
            giants: AtomicUsize::new(0),
            given: Mutex::new((0..roots.len()).rev().map(work).collect()),
            ready: Condvar::new(),
            middles: Mutex::new(BinaryHeap::new()),
            alone: OnceLock::new(),
            late: Mutex::new(Vec::new()),
        }
    }

    /// One of the roots, by its index.
    #[expect(
        clippy::indexing_slicing,
        reason = "tasks begin with the indexes of these roots"
    )]
    pub(super) fn root(&self, index: usize) -> &'a RootSpec {
        &self.roots[index]
    }

    pub(super) fn is_worth_sharing(&self, own: usize) -> bool {
        /// Roots are often single files.
        const ROOTS: usize = 64;
        own > 1 || locked(&self.given).len() > ROOTS || locked(&self.middles).len() > 1
    }

    pub(super) fn is_finished(&self) -> bool {
        self.pending.load(Ordering::Acquire) == 0 && locked(&self.middles).len() < 2
    }

    /// A task that another thread gave away; waits for one. `None` if all are finished.
    pub(super) fn take(&self) -> Option<Task> {
        let mut given = locked(&self.given);
        loop {
            if self.is_abandoned.load(Ordering::Acquire) {
                return None;
            }
            if let Some(task) = given.pop() {
                return Some(task);
            }
            if self.pending.load(Ordering::Acquire) == 0 {
                return None;
            }
            given = self
                .ready
                .wait(given)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives the oldest half of these tasks away if others may soon have nothing to do. The oldest
    /// are the ones with the most below them.
    pub(super) fn give(&self, tasks: &mut Vec<Task>) {
        if self.jobs == 1 || tasks.len() < 2 {
            return;
        }
        let mut given = locked(&self.given);
        if given.len() < 2 * self.jobs {
            given.extend(tasks.drain(..tasks.len() / 2));
            self.ready.notify_all();
        }
    }

    pub(super) fn finished_one(&self) {
        if self.pending.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.pass.tell_walked();
            // Whoever waits has looked at `pending` under this lock.
            let _given = locked(&self.given);
            self.ready.notify_all();
        }
    }

    /// From which size on a file is hashed alone, of those that wait when all are found. In one of so
    /// many lanes it would take longer than all of them do in all lanes of all processors.
    pub(super) fn alone_from(&self, lanes: usize) -> u64 {
        *self.alone.get_or_init(|| {
            let all: u64 = locked(&self.middles).iter().map(|file| file.size).sum();
            let lanes = u64::try_from(lanes * cores().min(self.jobs)).unwrap_or(u64::MAX);
            (all / lanes.max(1)).max(GIANT)
        })
    }

    /// The largest file that waits.
    pub(super) fn next_middle(&self) -> Option<Middle> {
        locked(&self.middles).pop()
    }
}

/// A thread that panicked did so outside of these locks; the panic is passed on at the end.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
