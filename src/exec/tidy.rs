//! Tidying up before a signal ends this process.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::HeldSignals;

/// How long a signal may wait for the tidying to begin.
const TICK: Duration = Duration::from_millis(50);

/// While this lives, SIGHUP, SIGINT, SIGQUIT and SIGTERM end this process only after something was
/// done. What comes while a command runs is for the command.
#[derive(Debug)]
pub struct Tidy {
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Tidy {
    /// Holds the signals back from now on.
    ///
    /// # Errors
    /// The system does not let handlers be installed, or a thread be started.
    pub fn before_the_end(action: impl FnOnce() + Send + 'static) -> io::Result<Self> {
        let held = HeldSignals::take()?;
        let (over, is_over) = mpsc::channel::<()>();
        let watch = move || {
            while is_over.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if held.has_come_for_us() {
                    action();
                    break;
                }
            }
            drop(held);
        };
        let thread = thread::Builder::new().spawn(watch)?;
        Ok(Self {
            over: Some(over),
            thread: Some(thread),
        })
    }
}

impl Drop for Tidy {
    fn drop(&mut self) {
        self.over = None;
        if let Some(thread) = self.thread.take() {
            // If it panicked nothing is held back any more.
            drop(thread.join());
        }
    }
}
