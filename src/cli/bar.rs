//! The bar on a terminal while files are recorded: how many files and bytes by now, how fast, and how
//! long it still takes once it is known how much there is.
//!
//! A thread looks at [`Counters`] a few times a second; who records only counts. Nothing is drawn
//! before [`PATIENCE`] is over, to what is no terminal, to a terminal of which `TERM` says nothing or
//! `dumb`, or while another job is in front. There are no colours, and the cursor stays visible.
//!
//! Signals that end this process take effect after the line was cleared; they are held back only
//! while a bar is to be seen.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use indicatif::{
    HumanBytes, HumanCount, HumanDuration, ProgressBar, ProgressDrawTarget, ProgressStyle,
};
use rustix::process::getpgrp;
use rustix::stdio::stderr;
use rustix::termios::tcgetpgrp;

use crate::event::Role;
use crate::exec::HeldSignals;

/// What is over sooner shows nothing.
const PATIENCE: Duration = Duration::from_millis(500);
/// How often to draw. A signal waits no longer than this for a clean line.
const TICK: Duration = Duration::from_millis(125);
/// The bar has ten places, so that with all the rest it fits in 80 columns.
const WITH_BAR: &str = "{prefix} [{bar:10}] {wide_msg}";
const WITHOUT_BAR: &str = "{prefix} {wide_msg}";

/// What was done since the program began. Each is right, but not all at the same moment.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    /// Files that were recorded, and their sizes.
    pub(crate) files: AtomicU64,
    pub(crate) bytes: AtomicU64,
    /// Files of these whose digests were taken over.
    pub(crate) reused: AtomicU64,
    pub(crate) reused_bytes: AtomicU64,
    /// Bytes that are to be read, and those of them that were.
    pub(crate) found: AtomicU64,
    pub(crate) read: AtomicU64,
    /// Nothing more will be found in this recording.
    pub(crate) is_walked: AtomicBool,
}

/// What the counters say at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counted {
    pub(crate) files: u64,
    pub(crate) bytes: u64,
    pub(crate) reused: u64,
    /// Their bytes.
    pub(crate) reused_bytes: u64,
    pub(crate) read: u64,
    found: u64,
}

impl Counters {
    pub(crate) fn now(&self) -> Counted {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        Counted {
            files: read(&self.files),
            bytes: read(&self.bytes),
            reused: read(&self.reused),
            reused_bytes: read(&self.reused_bytes),
            read: read(&self.read),
            found: read(&self.found),
        }
    }
}

impl Counted {
    /// What was done after `before`.
    pub(crate) fn since(self, before: Self) -> Self {
        Self {
            files: self.files.saturating_sub(before.files),
            bytes: self.bytes.saturating_sub(before.bytes),
            reused: self.reused.saturating_sub(before.reused),
            reused_bytes: self.reused_bytes.saturating_sub(before.reused_bytes),
            read: self.read.saturating_sub(before.read),
            found: self.found.saturating_sub(before.found),
        }
    }
}

/// One recording.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) role: Role,
    pub(crate) counters: Arc<Counters>,
    /// What had been done when it began.
    pub(crate) before: Counted,
    /// How many bytes the same files were a while ago.
    pub(crate) expected: Option<u64>,
}

/// How far a recording is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Progress {
    files: u64,
    read: u64,
    total: Total,
}

/// How much there is to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Total {
    /// Folders are still gone through.
    Unknown,
    /// As much as before, if nothing has changed.
    About(u64),
    Exact(u64),
}

impl Recording {
    fn progress(&self) -> Progress {
        let is_walked = self.counters.is_walked.load(Ordering::Relaxed);
        let done = self.counters.now().since(self.before);
        // A file that changes meanwhile is read twice.
        let found = done.found.max(done.read);
        let total = match self.expected {
            _ if is_walked => Total::Exact(found),
            Some(expected) if expected >= found => Total::About(expected),
            Some(_) | None => Total::Unknown,
        };
        Progress {
            files: done.files,
            read: done.read,
            total,
        }
    }
}

/// A bar that is drawn, or will be if the recording lasts.
#[derive(Debug)]
pub(crate) struct Bar {
    line: ProgressBar,
    /// Dropped when the recording is over.
    over: Sender<()>,
    thread: JoinHandle<()>,
}

impl Bar {
    /// `None` where nobody would see it.
    pub(crate) fn begin(recording: Recording) -> Option<Self> {
        if ProgressDrawTarget::stderr().is_hidden() {
            return None;
        }
        let line = ProgressBar::hidden().with_prefix(match recording.role {
            Role::Materials => "materials",
            Role::Products => "products",
        });
        let (over, is_over) = channel();
        let thread = thread::Builder::new();
        let thread = thread.spawn({
            let line = line.clone();
            move || draw(&line, &recording, &is_over)
        });
        let thread = thread.ok()?;
        Some(Self { line, over, thread })
    }

    /// Does something else with the terminal.
    pub(crate) fn aside(&self, work: impl FnOnce()) {
        self.line.suspend(work);
    }

    /// The line is clean afterwards.
    pub(crate) fn end(self) {
        drop(self.over);
        // If it panicked there is no bar, which is all that is lost.
        drop(self.thread.join());
    }
}

fn draw(line: &ProgressBar, recording: &Recording, over: &Receiver<()>) {
    if is_over(over, PATIENCE) {
        return;
    }
    let Ok(held) = HeldSignals::take() else {
        return;
    };
    // Hidden yet: so that the first that is seen has a text.
    show(line, recording.progress());
    loop {
        // Behind another job the line is not ours, neither to draw nor to clear.
        match (is_in_front(), line.is_hidden()) {
            (true, true) => line.set_draw_target(ProgressDrawTarget::stderr()),
            (false, false) => line.set_draw_target(ProgressDrawTarget::hidden()),
            (true, false) | (false, true) => {}
        }
        show(line, recording.progress());
        if is_over(over, TICK) || held.has_come() {
            break;
        }
    }
    line.finish_and_clear();
}

fn is_over(over: &Receiver<()>, wait: Duration) -> bool {
    over.recv_timeout(wait) != Err(RecvTimeoutError::Timeout)
}

/// Whether no other job has the terminal. Of a terminal that is not the session's own, nobody says.
fn is_in_front() -> bool {
    tcgetpgrp(stderr()).map_or(true, |front| front == getpgrp())
}

fn show(line: &ProgressBar, progress: Progress) {
    let (style, length) = match progress.total {
        Total::Unknown => (WITHOUT_BAR, None),
        Total::About(total) | Total::Exact(total) => (WITH_BAR, Some(total)),
    };
    // The templates are right, as a test shows.
    if let Ok(style) = ProgressStyle::with_template(style) {
        line.set_style(style.progress_chars("=> "));
    }
    line.update(|state| {
        state.set_pos(progress.read);
        if let Some(length) = length {
            state.set_len(length);
        }
    });
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate for people, and never negative"
    )]
    let rate = line.per_sec() as u64;
    line.set_message(told(progress, rate, line.eta()));
}

fn told(progress: Progress, rate: u64, left: Duration) -> String {
    let files = HumanCount(progress.files);
    let read = HumanBytes(progress.read);
    let total = match progress.total {
        Total::Unknown => String::new(),
        Total::About(total) => format!("/~{}", HumanBytes(total)),
        Total::Exact(total) => format!("/{}", HumanBytes(total)),
    };
    let mut told = format!("{files} files, {read}{total}");
    if rate > 0 {
        told += &format!(", {}/s", HumanBytes(rate));
        if progress.total != Total::Unknown {
            told += &format!(", {:#} left", HumanDuration(left));
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use indicatif::{InMemoryTerm, TermLike as _};

    use super::*;

    const GIB: u64 = 1 << 30;

    fn recording(expected: Option<u64>) -> Recording {
        let counters = Counters::default();
        counters.files.store(7, Ordering::Relaxed);
        counters.found.store(50, Ordering::Relaxed);
        counters.read.store(50, Ordering::Relaxed);
        let before = counters.now();
        Recording {
            role: Role::Materials,
            counters: Arc::new(counters),
            before,
            expected,
        }
    }

    fn did(recording: &Recording, found: u64, read: u64) -> Total {
        recording.counters.found.fetch_add(found, Ordering::Relaxed);
        recording.counters.read.fetch_add(read, Ordering::Relaxed);
        recording.progress().total
    }

    fn walked(recording: &Recording) {
        recording.counters.is_walked.store(true, Ordering::Relaxed);
    }

    #[test]
    fn how_much_there_is_is_known_when_all_folders_were_read() {
        let recording = recording(None);
        assert_eq!(did(&recording, 100, 10), Total::Unknown);
        walked(&recording);
        assert_eq!(did(&recording, 0, 10), Total::Exact(100));
        assert_eq!(recording.progress().read, 20);
        // Some of it was read twice.
        assert_eq!(did(&recording, 0, 90), Total::Exact(110));
    }

    #[test]
    fn the_recording_before_says_about_how_much_there_is_until_there_is_more() {
        let recording = recording(Some(100));
        assert_eq!(did(&recording, 40, 40), Total::About(100));
        assert_eq!(did(&recording, 70, 40), Total::Unknown);
        walked(&recording);
        assert_eq!(did(&recording, 0, 0), Total::Exact(110));
    }

    #[test]
    fn time_left_is_told_only_of_what_is_known() {
        let of = |total, rate| {
            let progress = Progress {
                files: 123_456,
                read: 3 * GIB,
                total,
            };
            told(progress, rate, Duration::from_secs(10))
        };
        assert_eq!(
            of(Total::Unknown, GIB),
            "123,456 files, 3.00 GiB, 1.00 GiB/s"
        );
        assert_eq!(
            of(Total::About(13 * GIB), GIB),
            "123,456 files, 3.00 GiB/~13.00 GiB, 1.00 GiB/s, 10s left"
        );
        assert_eq!(
            of(Total::Exact(13 * GIB), GIB),
            "123,456 files, 3.00 GiB/13.00 GiB, 1.00 GiB/s, 10s left"
        );
        assert_eq!(
            of(Total::Exact(13 * GIB), 0),
            "123,456 files, 3.00 GiB/13.00 GiB"
        );
    }

    fn on(terminal: &InMemoryTerm) -> ProgressBar {
        let target = ProgressDrawTarget::term_like(Box::new(terminal.clone()));
        ProgressBar::with_draw_target(None, target).with_prefix("materials")
    }

    const HALF: Progress = Progress {
        files: 12,
        read: GIB,
        total: Total::Exact(2 * GIB),
    };

    #[test]
    fn the_line_shows_name_bar_and_text_and_is_gone_afterwards() {
        let terminal = InMemoryTerm::new(10, 80);
        let line = on(&terminal);
        let total = Total::Unknown;
        show(&line, Progress { total, ..HALF });
        let shown = terminal.contents();
        assert!(
            shown.starts_with("materials 12 files, 1.00 GiB"),
            "{shown:?}"
        );
        show(&line, HALF);
        let shown = terminal.contents();
        let expected = "materials [=====>    ] 12 files, 1.00 GiB/2.00 GiB";
        assert!(shown.starts_with(expected), "{shown:?}");
        assert_eq!(shown.lines().count(), 1);
        line.finish_and_clear();
        assert_eq!(terminal.contents(), "");
    }

    #[test]
    fn what_is_said_meanwhile_stands_above_the_line() {
        let terminal = InMemoryTerm::new(10, 80);
        let line = on(&terminal);
        show(&line, HALF);
        line.suspend(|| terminal.write_line("linkwright: note").unwrap());
        let shown = terminal.contents();
        assert!(
            shown.starts_with("linkwright: note\nmaterials ["),
            "{shown:?}"
        );
        line.finish_and_clear();
        assert_eq!(terminal.contents(), "linkwright: note");
    }

    #[test]
    fn a_narrow_terminal_gets_one_line() {
        for width in [24, 40, 79] {
            let terminal = InMemoryTerm::new(10, width);
            let line = on(&terminal);
            show(&line, HALF);
            show(&line, HALF);
            assert_eq!(terminal.contents().lines().count(), 1, "{width}");
            line.finish_and_clear();
            assert_eq!(terminal.contents(), "");
        }
    }
}
