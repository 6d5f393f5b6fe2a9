//! Signals sent to this process while a command runs: which are taken, and how they wait in line.
//!
//! A handler only notes the signal; the loop in `supervise` passes it on. While no command runs the
//! same handlers do what the system would have done, so a signal before or after a command ends
//! this process as if nothing had been installed. [`HeldSignals`] holds those that end a process back
//! for somebody who has to leave the terminal clean.
//!
//! A signal that was ignored when this process began stays ignored and untouched, and so the
//! command inherits it ignored: `nohup` and a shell's background jobs rely on that. Where the
//! system has no `/proc/self/status` to ask, every signal counts as not ignored.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use nix::sys::signal::{SigSet, SigmaskHow, Signal as Number};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::io::{Errno, read, retry_on_intr};
use signal_hook::SigId;
use signal_hook::consts::{
    SIGALRM, SIGCHLD, SIGCONT, SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGTSTP, SIGUSR1, SIGUSR2,
    SIGWINCH,
};
use signal_hook::flag::{register, register_conditional_default};
use signal_hook::iterator::backend::SignalDelivery;
use signal_hook::iterator::exfiltrator::SignalOnly;
use signal_hook::low_level::{emulate_default_handler, unregister};

/// The signals that ask a process to end.
pub(super) const ENDING: [i32; 4] = [SIGHUP, SIGINT, SIGQUIT, SIGTERM];

/// The others that are taken and passed on.
const OTHERS: [i32; 6] = [SIGALRM, SIGUSR1, SIGUSR2, SIGWINCH, SIGCONT, SIGTSTP];

/// Whether the handlers shall do what the system would: true while no command runs.
static IDLE: AtomicBool = AtomicBool::new(true);

/// The same for the handlers of [`ENDING`]: true while no command runs and nobody holds them back.
static ENDING_IDLE: AtomicBool = AtomicBool::new(true);

static TAKERS: Mutex<Takers> = Mutex::new(Takers {
    handles_ending: false,
    handles_others: false,
    commands: 0,
    holders: 0,
    notes: Vec::new(),
    owed: None,
});

/// Who wants signals, and which handlers that obey [`IDLE`] and [`ENDING_IDLE`] are installed.
struct Takers {
    handles_ending: bool,
    handles_others: bool,
    /// Commands that run.
    commands: usize,
    /// [`HeldSignals`] that there are.
    holders: usize,
    /// What their handlers leave behind.
    notes: Vec<Arc<AtomicBool>>,
    /// A signal that came to a holder that is gone, while others were there.
    owed: Option<i32>,
}

impl Takers {
    /// Whether a signal has come that waits for a holder.
    fn are_to_end(&self) -> bool {
        let has_come = |note: &Arc<AtomicBool>| note.load(Ordering::SeqCst);
        self.owed.is_some() || self.notes.iter().any(has_come)
    }

    fn settle(&self) {
        IDLE.store(self.commands == 0, Ordering::SeqCst);
        ENDING_IDLE.store(self.commands + self.holders == 0, Ordering::SeqCst);
    }

    fn handle_ending(&mut self) -> io::Result<()> {
        if !self.handles_ending {
            install(&ENDING, &ENDING_IDLE)?;
            self.handles_ending = true;
        }
        Ok(())
    }

    fn handle_all(&mut self) -> io::Result<()> {
        self.handle_ending()?;
        if !self.handles_others {
            install(&OTHERS, &IDLE)?;
            self.handles_others = true;
        }
        Ok(())
    }
}

/// Installs handlers that do what the system would while `idle` is true.
fn install(signals: &[i32], idle: &'static AtomicBool) -> io::Result<()> {
    for signal in not_ignored(signals) {
        register_conditional_default(signal, idle)?;
    }
    Ok(())
}

/// The signals that arrive from [`Signals::take`] on, until it is dropped.
pub(super) struct Signals {
    waiting: SignalDelivery<UnixStream, SignalOnly>,
}

impl Signals {
    /// Takes the signals. Call before the command is started, so that none can end this process and
    /// leave the command behind.
    ///
    /// # Errors
    /// The system does not let handlers be installed, or a signal has come already that is to end this
    /// process: the command would never hear of it.
    pub(super) fn take() -> io::Result<Self> {
        let mut takers = takers();
        takers.handle_all()?;
        // SIGCHLD is taken in any case: were it still ignored, as some callers leave it, the system
        // would throw the command's status away.
        let taken = not_ignored(&ENDING).chain(not_ignored(&OTHERS));
        let waiting = delivery(taken.chain([SIGCHLD]))?;
        if takers.are_to_end() {
            return Err(ended_by_signal());
        }
        takers.commands += 1;
        takers.settle();
        Ok(Self { waiting })
    }

    /// Waits until signals have arrived or the time has come, and returns those that have, each
    /// number once. SIGCONT comes last: where it meets the stop it ends, the order is known.
    pub(super) fn wait(&mut self, until: Option<Instant>) -> io::Result<Vec<i32>> {
        let left = until.map(|until| until.saturating_duration_since(Instant::now()));
        let mut source = [PollFd::new(self.waiting.get_read(), PollFlags::IN)];
        match poll(&mut source, left.map(timespec).as_ref()) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        let mut arrived: Vec<i32> = self.waiting.pending().collect();
        arrived.sort_by_key(|signal| *signal == SIGCONT);
        Ok(arrived)
    }
}

impl Drop for Signals {
    fn drop(&mut self) {
        let mut takers = takers();
        takers.commands = takers.commands.saturating_sub(1);
        takers.settle();
    }
}

/// The signals that ask a process to end, held back so that it can tidy up first.
#[expect(
    missing_debug_implementations,
    reason = "there is nothing to see in it"
)]
pub struct HeldSignals {
    notes: Vec<Note>,
}

/// What a handler leaves behind. It is read after the handler is gone.
struct Note {
    signal: i32,
    has_come: Arc<AtomicBool>,
    handler: SigId,
}

impl Note {
    fn of(signal: i32) -> io::Result<Self> {
        let has_come = Arc::new(AtomicBool::new(false));
        let handler = register(signal, Arc::clone(&has_come))?;
        Ok(Self {
            signal,
            has_come,
            handler,
        })
    }
}

impl Drop for Note {
    fn drop(&mut self) {
        unregister(self.handler);
    }
}

impl HeldSignals {
    /// Holds SIGHUP, SIGINT, SIGQUIT and SIGTERM back until it is dropped. One that was ignored
    /// when this process began stays ignored.
    ///
    /// # Errors
    /// The system does not let handlers be installed.
    pub fn take() -> io::Result<Self> {
        let mut takers = takers();
        takers.handle_ending()?;
        let notes = not_ignored(&ENDING).map(Note::of);
        let notes: Vec<Note> = notes.collect::<io::Result<_>>()?;
        let added = notes.iter().map(|note| Arc::clone(&note.has_come));
        takers.notes.extend(added);
        takers.holders += 1;
        takers.settle();
        Ok(Self { notes })
    }

    /// Whether one has come. It takes effect when this is dropped; do that soon.
    pub fn has_come(&self) -> bool {
        let has_come = |note: &Note| note.has_come.load(Ordering::SeqCst);
        self.notes.iter().any(has_come) || takers().owed.is_some()
    }

    /// Whether one has come and no command runs that has to end first.
    pub(super) fn may_end_us(&self) -> bool {
        self.has_come() && takers().commands == 0
    }
}

impl Drop for HeldSignals {
    /// 1. A signal that comes from now on finds the handlers idle and takes effect at once.
    /// 2. One that came before may still be on its way, in another thread: between the handler that
    ///    was not idle and the one that takes the note. Taking a handler away waits for all that run.
    /// 3. Then all notes are there.
    fn drop(&mut self) {
        {
            let mut takers = takers();
            takers.holders = takers.holders.saturating_sub(1);
            takers.settle();
        }
        let mut came = None;
        let mut gone: Vec<Arc<AtomicBool>> = Vec::new();
        for note in self.notes.drain(..) {
            let (signal, has_come) = (note.signal, Arc::clone(&note.has_come));
            drop(note);
            if has_come.load(Ordering::SeqCst) {
                came = Some(signal);
            }
            gone.push(has_come);
        }
        let mut takers = takers();
        let is_gone = |note: &Arc<AtomicBool>| gone.iter().any(|one| Arc::ptr_eq(one, note));
        takers.notes.retain(|note| !is_gone(note));
        let Some(signal) = came.or(takers.owed) else {
            return;
        };
        // Another holder decides, and it may be one that began after the signal; else a command that
        // runs, which has got it too.
        takers.owed = (takers.holders > 0).then_some(signal);
        if takers.holders + takers.commands == 0 {
            drop(takers);
            drop(emulate_default_handler(signal));
        }
    }
}

/// What is said where a signal that has come does not let something begin. The process ends before anybody
/// reads it.
pub(super) fn ended_by_signal() -> io::Error {
    io::Error::new(io::ErrorKind::Interrupted, "a signal ends this process")
}

fn delivery(
    signals: impl IntoIterator<Item = i32>,
) -> io::Result<SignalDelivery<UnixStream, SignalOnly>> {
    let (reader, writer) = UnixStream::pair()?;
    SignalDelivery::with_pipe(reader, writer, SignalOnly, signals)
}

/// Lets this thread hear of its command's end even if the caller of this process blocked SIGCHLD.
/// Call after the start: the command inherits the signals blocked as they came.
pub(super) fn hear_of_children() -> io::Result<()> {
    Ok(set_of(Number::SIGCHLD).thread_unblock()?)
}

/// Runs `action` on this thread as if SIGTTOU did not exist. The system then lets a background
/// process change and write to the terminal.
pub(super) fn without_terminal_stop<T>(action: impl FnOnce() -> T) -> io::Result<T> {
    let before = set_of(Number::SIGTTOU).thread_swap_mask(SigmaskHow::SIG_BLOCK)?;
    let result = action();
    before.thread_set_mask()?;
    Ok(result)
}

fn set_of(signal: Number) -> SigSet {
    let mut set = SigSet::empty();
    set.add(signal);
    set
}

/// For `poll`, which takes no more than this on some systems.
fn timespec(time: Duration) -> Timespec {
    const LONGEST: i64 = 24 * 60 * 60;
    Timespec {
        tv_sec: i64::try_from(time.as_secs()).map_or(LONGEST, |seconds| seconds.min(LONGEST)),
        tv_nsec: time.subsec_nanos().into(),
    }
}

fn takers() -> MutexGuard<'static, Takers> {
    TAKERS.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_ignored(signals: &[i32]) -> impl Iterator<Item = i32> {
    let ignored = ignored_at_first();
    signals
        .iter()
        .copied()
        .filter(move |signal| !ignored.contains(signal))
}

/// The signals ignored before the first handler was installed.
fn ignored_at_first() -> &'static [i32] {
    static IGNORED: OnceLock<Vec<i32>> = OnceLock::new();
    IGNORED.get_or_init(|| ignored_in(&own_status().unwrap_or_default()))
}

fn own_status() -> Result<String, Errno> {
    let file = open(
        "/proc/self/status",
        OFlags::RDONLY | OFlags::CLOEXEC,
        Mode::empty(),
    )?;
    let mut text = Vec::new();
    let mut part = [0; 4096];
    loop {
        let count = retry_on_intr(|| read(&file, &mut part))?;
        match part.get(..count) {
            None | Some([]) => return Ok(String::from_utf8_lossy(&text).into_owned()),
            Some(bytes) => text.extend_from_slice(bytes),
        }
    }
}

/// The line is `SigIgn:` and a hexadecimal mask in which bit n-1 stands for signal n.
fn ignored_in(status: &str) -> Vec<i32> {
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .unwrap_or(0);
    (1..=64)
        .filter(|signal| mask >> (signal - 1) & 1 == 1)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ignored_signals_are_read_from_the_status_mask() {
        let status = "Name:\tx\nSigIgn:\t0000000000001003\nSigCgt:\t0000000000000004\n";
        assert_eq!(ignored_in(status), [1, 2, 13]);
        assert!(ignored_in("Name:\tx\n").is_empty());
    }
}
