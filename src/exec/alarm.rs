//! A moment after which something is to be over.

use std::time::{Duration, Instant};

/// Rings some time after it was set, and from then on.
#[derive(Clone, Copy, Debug)]
pub struct Alarm {
    /// `None` for a moment that this machine's clock never reaches.
    at: Option<Instant>,
}

impl Alarm {
    /// One that rings after so long.
    pub fn after(time: Duration) -> Self {
        Self {
            at: Instant::now().checked_add(time),
        }
    }

    /// Whether it has rung.
    pub fn has_rung(&self) -> bool {
        self.at.is_some_and(|at| at <= Instant::now())
    }
}
