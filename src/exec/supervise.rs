//! Stands by a running command: passes signals on, keeps the time limit and the shell's job control
//! going, until the command itself has ended.
//!
//! The command's end is looked at without reaping it, so that as long as it is watched its process
//! and group numbers cannot have gone to anybody else.

use std::io;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use duct::Handle;
use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_current_process_group, kill_process,
    kill_process_group, test_kill_process_group, waitid,
};
use signal_hook::consts::{SIGCHLD, SIGCONT, SIGTSTP, SIGTTIN, SIGTTOU};

use super::signals::{ENDING, Signals, hear_of_children};
use super::terminal::Terminal;
use super::{Survivors, TERM_GRACE};
use crate::event::{Event, Observer};

/// How long to wait for being stopped after asking for it. The stop may reach another thread first;
/// and a group that no shell could continue is never stopped at all.
const STOP_SETTLES: Duration = Duration::from_millis(100);

/// A command that stops so soon after it was asked to end is taken to have been stopped at the same time.
const END_SETTLES: Duration = Duration::from_millis(500);

/// How often to look whether a group that must end is gone.
const GONE_CHECK: Duration = Duration::from_millis(20);

/// How long a group that was killed may take to vanish before nobody waits for it any more.
const KILL_SETTLES: Duration = Duration::from_secs(1);

/// One command from its start to its end.
pub(super) struct Supervisor<'a> {
    signals: Signals,
    terminal: Option<Terminal>,
    observer: &'a dyn Observer,
    limit: Limit,
    /// When to continue a command that was stopped while nobody could stop us.
    resume_at: Option<Instant>,
    interrupted: Option<i32>,
    /// When a signal that asks to end was passed on last.
    ending_since: Option<Instant>,
    stopped: bool,
    /// SIGTSTP was passed on, and the command has not been seen to stop since.
    stop_asked: bool,
    survivors: Survivors,
}

/// How a command ended.
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) at: Instant,
    /// Whether its time was up before.
    pub(super) timed_out: bool,
    /// The first signal passed on that asks a process to end.
    pub(super) interrupted: Option<i32>,
}

/// How far the time limit has come.
#[derive(Clone, Copy)]
enum Limit {
    /// The command has until then; for ever if there is no limit.
    Running(Option<Instant>),
    /// SIGTERM was sent; SIGKILL follows then.
    Terminating(Instant),
    /// SIGKILL was sent.
    Killed,
}

enum State {
    Running,
    Stopped(i32),
    Ended,
}

impl<'a> Supervisor<'a> {
    /// For a command that has until `until`.
    pub(super) fn new(
        signals: Signals,
        terminal: Option<Terminal>,
        observer: &'a dyn Observer,
        until: Option<Instant>,
    ) -> Self {
        Self {
            signals,
            terminal,
            observer,
            limit: Limit::Running(until),
            resume_at: None,
            interrupted: None,
            ending_since: None,
            stopped: false,
            stop_asked: false,
            survivors: Survivors::Live,
        }
    }

    /// What becomes of what the command leaves behind.
    pub(super) fn survivors(mut self, survivors: Survivors) -> Self {
        self.survivors = survivors;
        self
    }

    /// Returns when the command has ended and is reaped. On an error it is killed first.
    pub(super) fn stand_by(mut self, handle: &Handle) -> io::Result<Ended> {
        let group = group_of(handle)?;
        self.observer.event(Event::Started {
            process: group.as_raw_nonzero().get().unsigned_abs(),
        });
        if let Some(terminal) = &mut self.terminal {
            terminal.offer(group);
        }
        let watched = hear_of_children().and_then(|()| self.watch(group));
        if let Some(terminal) = &mut self.terminal {
            terminal.take_back();
        }
        if let Err(error) = watched {
            kill(group, Signal::KILL);
            handle.wait()?;
            return Err(error);
        }
        let at = Instant::now();
        if self.survivors == Survivors::End && matches!(self.limit, Limit::Running(_)) {
            // Before the command is reaped, while its number is nobody else's.
            kill_process_group(group, Signal::KILL).unwrap_or_default();
        }
        let status = handle.wait()?.status;
        self.end_group(group)?;
        Ok(Ended {
            status,
            at,
            timed_out: !matches!(self.limit, Limit::Running(_)),
            interrupted: self.interrupted,
        })
    }

    /// Returns when the command has ended; it is still to be reaped.
    fn watch(&mut self, group: Pid) -> io::Result<()> {
        loop {
            let mut until = self.next_deadline();
            let mut stop = match state(group)? {
                State::Running => None,
                State::Stopped(signal) => {
                    until = Some(Instant::now());
                    Some(signal)
                }
                State::Ended => return Ok(()),
            };
            let signals = self.signals.wait(until)?;
            // What was sent to a command that stood still is meant for one that stands still, even
            // if both are heard of at once.
            if stop.is_none()
                && let State::Stopped(signal) = state(group)?
            {
                stop = Some(signal);
            }
            // A shell may have continued the job before we noticed that it stopped.
            if let Some(signal) = stop
                && !signals.contains(&SIGCONT)
            {
                self.on_stop(group, signal);
            }
            for signal in signals {
                self.on_signal(group, signal);
            }
            self.on_time(group, Instant::now());
        }
    }

    /// After a time limit: gives what is left of the command's group the rest of its time to end,
    /// and kills it then, or at once when somebody wants this process to end.
    fn end_group(&mut self, group: Pid) -> io::Result<()> {
        match self.limit {
            Limit::Running(_) => return Ok(()),
            Limit::Terminating(until) => {
                if self.is_gone_before(group, until)? {
                    return Ok(());
                }
                kill(group, Signal::KILL);
            }
            Limit::Killed => {}
        }
        self.is_gone_before(group, Instant::now() + KILL_SETTLES)?;
        Ok(())
    }

    /// Called when the command is reaped: a group without members is gone, and one that has some
    /// keeps its number.
    fn is_gone_before(&mut self, group: Pid, end: Instant) -> io::Result<bool> {
        while test_kill_process_group(group) != Err(Errno::SRCH) {
            let now = Instant::now();
            if now >= end {
                return Ok(false);
            }
            let signals = self.signals.wait(Some(end.min(now + GONE_CHECK)))?;
            if signals.iter().any(|signal| ENDING.contains(signal)) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn next_deadline(&self) -> Option<Instant> {
        let limit = match self.limit {
            Limit::Running(until) => until,
            Limit::Terminating(until) => Some(until),
            Limit::Killed => None,
        };
        limit.into_iter().chain(self.resume_at).min()
    }

    fn on_time(&mut self, group: Pid, now: Instant) {
        if self.resume_at.is_some_and(|at| at <= now) {
            self.resume(group);
        }
        match self.limit {
            Limit::Running(Some(until)) if until <= now => {
                kill(group, Signal::TERM);
                // A stopped process could not obey.
                kill(group, Signal::CONT);
                self.limit = Limit::Terminating(now + TERM_GRACE);
            }
            Limit::Terminating(until) if until <= now => {
                kill(group, Signal::KILL);
                self.limit = Limit::Killed;
            }
            Limit::Running(_) | Limit::Terminating(_) | Limit::Killed => {}
        }
    }

    fn on_signal(&mut self, group: Pid, signal: i32) {
        if signal == SIGCHLD {
            return;
        }
        self.observer.event(Event::Forwarded { signal });
        if signal == SIGCONT {
            return self.resume(group);
        }
        self.stop_asked |= signal == SIGTSTP;
        if let Some(named) = Signal::from_named_raw(signal) {
            kill(group, named);
        }
        if ENDING.contains(&signal) {
            self.interrupted.get_or_insert(signal);
            self.ending_since = Some(Instant::now());
            if self.stopped {
                kill(group, Signal::CONT);
                self.stopped = false;
            }
        }
    }

    /// The command was stopped. With a terminal, so are we, and the whole job with us: the shell
    /// then takes over, and its `fg` or `bg` continues us with SIGCONT. Without one, whoever
    /// stopped the command continues it.
    fn on_stop(&mut self, group: Pid, signal: i32) {
        // It was asked to end and stopped at the same time, and what is stopped does not end.
        let is_ending = |since: Instant| since.elapsed() < END_SETTLES;
        if self.ending_since.is_some_and(is_ending) {
            kill(group, Signal::CONT);
            return;
        }
        self.stopped = true;
        let Some(terminal) = &mut self.terminal else {
            return;
        };
        let asks_for_terminal = signal == SIGTTIN || signal == SIGTTOU;
        if asks_for_terminal && terminal.lend(group) {
            self.stopped = false;
            kill(group, Signal::CONT);
            if self.stop_asked {
                // It was stopped already when this arrived, and SIGCONT has just undone it.
                kill(group, Signal::TSTP);
                self.stop_asked = false;
            }
            return;
        }
        self.stop_asked = false;
        terminal.take_back();
        // Not SIGSTOP, and not SIGTSTP which we handle: this one has its default action, which
        // spares a group that no shell is there to continue. A command started without us would
        // not have stopped there either, so then it goes on.
        if kill_current_process_group(Signal::TTIN).is_ok() && signal == SIGTSTP {
            self.resume_at = Some(Instant::now() + STOP_SETTLES);
        }
    }

    fn resume(&mut self, group: Pid) {
        self.resume_at = None;
        self.stopped = false;
        self.stop_asked = false;
        if let Some(terminal) = &mut self.terminal {
            terminal.resume(group);
        }
        kill(group, Signal::CONT);
    }
}

/// To the whole group; to the command alone if it has left for another group. That neither is
/// there, or is not ours to signal (`sudo`), is no error: there is nothing else to do.
fn kill(group: Pid, signal: Signal) {
    if kill_process_group(group, signal) == Err(Errno::SRCH) {
        kill_process(group, signal).unwrap_or_default();
    }
}

/// The command leads its group, so its number is the group's.
fn group_of(handle: &Handle) -> io::Result<Pid> {
    let first = handle.pids().first().copied();
    first
        .and_then(|process| i32::try_from(process).ok())
        .and_then(Pid::from_raw)
        .ok_or_else(|| io::Error::other("the system gave no process number"))
}

fn state(command: Pid) -> io::Result<State> {
    let peek = WaitIdOptions::EXITED
        | WaitIdOptions::STOPPED
        | WaitIdOptions::NOHANG
        | WaitIdOptions::NOWAIT;
    let Some(status) = waitid(WaitId::Pid(command), peek)? else {
        return Ok(State::Running);
    };
    let Some(signal) = status.stopping_signal() else {
        return Ok(State::Ended);
    };
    // Takes note of the stop, or it would be reported again and again.
    let stops = WaitIdOptions::STOPPED | WaitIdOptions::NOHANG;
    waitid(WaitId::Pid(command), stops)?;
    Ok(State::Stopped(signal))
}
