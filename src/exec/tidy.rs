//! Tidying up before a signal ends this process.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, OnceLock};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::HeldSignals;

/// How long a signal may wait for the tidying to begin.
const TICK: Duration = Duration::from_millis(50);

/// How often a folder is tried to be removed: another thread may still be putting files into it.
const REMOVALS: usize = 20;

/// While this lives, SIGHUP, SIGINT, SIGQUIT and SIGTERM end this process only after a folder was
/// removed. One that comes while a command runs goes to that too, and ends this process when the
/// command is over, whatever it made of it.
#[derive(Debug)]
pub struct Tidy {
    folder: Arc<OnceLock<PathBuf>>,
    over: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Tidy {
    /// Holds the signals back from now on; [`removes`](Self::removes) says what for.
    ///
    /// # Errors
    /// The system does not let handlers be installed, or a thread be started.
    pub fn begin() -> io::Result<Self> {
        let held = HeldSignals::take()?;
        let folder: Arc<OnceLock<PathBuf>> = Arc::default();
        let (over, is_over) = mpsc::channel::<()>();
        let named = Arc::clone(&folder);
        let watch = move || {
            while is_over.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                if held.may_end_us() {
                    if let Some(folder) = named.get() {
                        remove(folder);
                    }
                    break;
                }
            }
            drop(held);
        };
        let thread = thread::Builder::new().spawn(watch)?;
        Ok(Self {
            folder,
            over: Some(over),
            thread: Some(thread),
        })
    }

    /// Names the folder, once.
    pub fn removes(&self, folder: &Path) {
        // A second one would be a fault of ours, and the first one stays.
        self.folder.set(folder.to_owned()).unwrap_or_default();
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

fn remove(folder: &Path) {
    for _ in 0..REMOVALS {
        open_up(folder);
        if fs::remove_dir_all(folder).is_ok() {
            break;
        }
    }
}

/// Lets every folder below be emptied, whatever a command did to its mode.
pub fn open_up(folder: &Path) {
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        // What cannot be changed stays, and so does the folder; the temporary folder is no place to
        // fail a verification for.
        fs::set_permissions(&folder, Permissions::from_mode(0o700)).unwrap_or_default();
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                left.push(entry.path());
            }
        }
    }
}
