//! What people are told while something works, on stderr.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::event::{Event, Files, Observer, Role};
use crate::model::escaped;

use super::bar::{Bar, Counted, Counters, Recording};
use super::failure::complain;

/// How much to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Verbosity {
    /// Errors only.
    Quiet,
    /// What may be a surprise.
    Normal,
    /// What was done.
    Verbose,
}

/// Listens to the slow parts and tells people.
#[derive(Debug)]
pub(crate) struct Listener {
    verbosity: Verbosity,
    skipped: AtomicUsize,
    counters: Arc<Counters>,
    recording: Mutex<Recordings>,
}

/// The recording at hand, and what the one before came to.
#[derive(Debug, Default)]
struct Recordings {
    bar: Option<Bar>,
    /// What had been done when the last one began.
    before: Counted,
    /// What the last one read, once it is over.
    read: u64,
}

impl Listener {
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        Self {
            verbosity,
            skipped: AtomicUsize::new(0),
            counters: Arc::default(),
            recording: Mutex::default(),
        }
    }

    /// What was recorded so far.
    pub(crate) fn recorded(&self) -> Counted {
        self.counters.now()
    }

    /// Whether [`tell`](Self::tell) says anything.
    pub(crate) fn is_verbose(&self) -> bool {
        self.verbosity >= Verbosity::Verbose
    }

    /// Tells what was done, to those who asked.
    pub(crate) fn tell(&self, text: &str) {
        if self.is_verbose() {
            match &self.recordings().bar {
                Some(bar) => bar.aside(|| complain(text)),
                None => complain(text),
            }
        }
    }

    /// Tells how much was passed over, if it was not named one by one.
    pub(crate) fn close(&self) {
        let skipped = self.skipped.load(Ordering::Relaxed);
        if self.verbosity == Verbosity::Normal && skipped > 0 {
            complain(&format!(
                "note: {skipped} entries that are no plain files are not recorded; -v names them"
            ));
        }
    }

    fn begin(&self, role: Role, files: Files) {
        let mut recordings = self.recordings();
        self.counters.is_walked.store(false, Ordering::Relaxed);
        recordings.before = self.counters.now();
        if self.verbosity > Verbosity::Quiet {
            recordings.bar = Bar::begin(Recording {
                role,
                counters: Arc::clone(&self.counters),
                before: recordings.before,
                expected: (files == Files::Again).then_some(recordings.read),
            });
        }
    }

    fn end(&self) {
        let mut recordings = self.recordings();
        recordings.read = self.counters.now().since(recordings.before).read;
        if let Some(bar) = recordings.bar.take() {
            bar.end();
        }
    }

    fn recordings(&self) -> MutexGuard<'_, Recordings> {
        self.recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Observer for Listener {
    fn event(&self, event: Event<'_>) {
        let counters = &*self.counters;
        match event {
            Event::Recording { role, files } => self.begin(role, files),
            Event::Recorded => self.end(),
            Event::Found { bytes } => {
                counters.found.fetch_add(bytes, Ordering::Relaxed);
            }
            Event::Read { bytes } => {
                counters.read.fetch_add(bytes, Ordering::Relaxed);
            }
            Event::Walked => counters.is_walked.store(true, Ordering::Relaxed),
            Event::Hashed { bytes, .. } => {
                counters.files.fetch_add(1, Ordering::Relaxed);
                counters.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            Event::Reused { bytes, .. } => {
                counters.files.fetch_add(1, Ordering::Relaxed);
                counters.reused.fetch_add(1, Ordering::Relaxed);
                counters.reused_bytes.fetch_add(bytes, Ordering::Relaxed);
                counters.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            Event::Skipped { path, why } => {
                self.skipped.fetch_add(1, Ordering::Relaxed);
                let path = path.to_string_lossy();
                self.tell(&format!("not recorded: `{}`: {why}", escaped(&path)));
            }
            Event::Forwarded { signal } => self.tell(&format!("passed signal {signal} on")),
            Event::Excluded { .. } | Event::Started { .. } => {}
        }
    }
}
