//! What people are told while something works, on stderr.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use crate::event::{Event, Observer};
use crate::model::escaped;

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
    files: AtomicU64,
    bytes: AtomicU64,
}

impl Listener {
    pub(crate) fn new(verbosity: Verbosity) -> Self {
        Self {
            verbosity,
            skipped: AtomicUsize::new(0),
            files: AtomicU64::new(0),
            bytes: AtomicU64::new(0),
        }
    }

    /// How many files and bytes were recorded so far.
    pub(crate) fn recorded(&self) -> (u64, u64) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        (read(&self.files), read(&self.bytes))
    }

    /// Tells what was done, to those who asked.
    pub(crate) fn tell(&self, text: &str) {
        if self.verbosity >= Verbosity::Verbose {
            complain(text);
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
}

impl Observer for Listener {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Skipped { path, why } => {
                self.skipped.fetch_add(1, Ordering::Relaxed);
                let path = path.to_string_lossy();
                self.tell(&format!("not recorded: `{}`: {why}", escaped(&path)));
            }
            Event::Forwarded { signal } => self.tell(&format!("passed signal {signal} on")),
            Event::Hashed { bytes, .. } => {
                self.files.fetch_add(1, Ordering::Relaxed);
                self.bytes.fetch_add(bytes, Ordering::Relaxed);
            }
            Event::Excluded { .. } | Event::Started { .. } => {}
        }
    }
}
