//! One child process, wrapped so that neither it nor the caller notices.
//!
//! [`run`] starts a command, stands by until it has ended and says how: [`Outcome`].
//!
//! - **Streams and terminal.** With [`Output::Inherit`] the command has our own stdin, stdout and
//!   stderr. With the other two it writes into pipes that are always drained. The terminal is lent
//!   to it and job control works (`terminal`).
//! - **Signals.** The command leads a process group of its own. SIGHUP, SIGINT, SIGQUIT, SIGTERM,
//!   SIGALRM, SIGUSR1, SIGUSR2, SIGWINCH, SIGTSTP and SIGCONT sent to this process are passed on to that
//!   group, from before the command starts until it has ended; then they mean this process again.
//!   A command that ignores them is waited for. Each further signal is passed on in the same way and
//!   none is ever made stronger: who wants more sends SIGKILL to the command's group.
//! - **Time limit.** The group gets SIGTERM (and SIGCONT), after [`TERM_GRACE`] SIGKILL. Nothing of
//!   the group is left when [`run`] returns, except what the system cannot end.
//! - **Survivors.** A process the command leaves behind is let live, as daemons are meant to, unless
//!   [`Survivors::End`] is asked for. If it holds a captured stream, reading ends [`STREAM_GRACE`] after
//!   the command did.
//!
//! Refused: handing a file without `#!` to a shell; looking a relative program up in the folder the
//! command is to run in.
//!
//! Limits: when this process is killed with SIGKILL the command goes on, since asking the system to
//! end it with us takes code between fork and exec, which is unsafe. A process that leaves the
//! group (`setsid`) is reached neither by signals nor by the time limit. SIGPIPE has its default
//! action in the command, even if the caller ignores it.

mod alarm;
mod program;
pub mod sandbox;
mod signals;
mod streams;
mod supervise;
mod terminal;
#[cfg(test)]
mod tests;
mod tidy;

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::event::Observer;
pub use alarm::Alarm;
pub use program::StartError;
pub use signals::HeldSignals;
use signals::Signals;
pub use streams::Captured;
use streams::{Streams, Writers};
use supervise::Supervisor;
use terminal::Terminal;
pub use tidy::{Tidy, Undisturbed, open_up};

/// How many bytes of each stream are stored unless the caller says otherwise: 1 MiB. They go into
/// signed metadata, which is held in memory as a whole and read by people.
pub const MAX_STORED_STREAM: u64 = 1024 * 1024;

/// How long a captured stream is read on after the command itself has ended, in total: 2 seconds.
/// Only a surviving process can use it, since what the command wrote is in the pipe by then.
pub const STREAM_GRACE: Duration = Duration::from_secs(2);

/// How long a command may take to end after the SIGTERM of the time limit: 5 seconds.
pub const TERM_GRACE: Duration = Duration::from_secs(5);

/// What to run.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program and its arguments. A program with a slash is a file, seen from this process's
    /// folder; another one is looked up along the `PATH` the command will see.
    pub argv: Vec<OsString>,
    /// The folder to run in, if not ours.
    pub folder: Option<PathBuf>,
    /// The command's environment.
    pub environment: Environment,
    /// What the command reads.
    pub stdin: Stdin,
    /// Where its stdout and stderr go.
    pub output: Output,
    /// How long it may run; for ever if `None`.
    pub time_limit: Option<Duration>,
    /// Whether it may have the terminal.
    pub terminal: TerminalUse,
    /// What becomes of what it leaves behind.
    pub survivors: Survivors,
}

impl Command {
    /// A command as a shell would run it: everything inherited, no time limit.
    #[must_use]
    pub fn new(argv: Vec<OsString>) -> Self {
        Self {
            argv,
            folder: None,
            environment: Environment::Inherit,
            stdin: Stdin::Inherit,
            output: Output::Inherit,
            time_limit: None,
            terminal: TerminalUse::Share,
            survivors: Survivors::Live,
        }
    }
}

/// A command's environment.
#[derive(Clone, Debug)]
pub enum Environment {
    /// Ours.
    Inherit,
    /// These variables and no others; the last of two with one name counts.
    Only(Vec<(OsString, OsString)>),
}

/// What a command reads from stdin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stdin {
    /// What we would.
    Inherit,
    /// Nothing: the null device.
    Null,
}

/// Where a command's stdout and stderr go. `cap` is a number of bytes for each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// To ours, untouched; nothing is captured.
    Inherit,
    /// To ours as they arrive, and the first `cap` bytes are stored. The command sees pipes.
    Record {
        /// Bytes stored of each stream.
        cap: u64,
    },
    /// Nowhere; the first `cap` bytes are stored. The command sees pipes.
    Capture {
        /// Bytes stored of each stream.
        cap: u64,
    },
}

/// Whether a command may have the terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TerminalUse {
    /// It has the terminal's foreground when we have it to lend, and is a job of the shell with us.
    Share,
    /// It stays in the background. One that reads from the terminal is stopped by the system, until
    /// its time limit if it has one.
    Keep,
}

/// What becomes of the processes that a command leaves behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survivors {
    /// They go on.
    Live,
    /// Those of its group are killed. One that has left the group (`setsid`) is not reached.
    End,
}

/// How a command ended.
#[derive(Debug)]
pub enum Outcome {
    /// Nothing was run.
    NotStarted(StartError),
    /// It ended by itself.
    Exited {
        /// Its status.
        code: u8,
    },
    /// A signal ended it.
    Signaled {
        /// The signal's number.
        signal: i32,
    },
    /// It did not end in time, and was made to.
    TimedOut {
        /// The time it had.
        limit: Duration,
    },
}

/// A command that is over.
#[derive(Debug)]
pub struct Finished {
    /// How it ended.
    pub outcome: Outcome,
    /// What it wrote to stdout, if that was captured.
    pub stdout: Captured,
    /// What it wrote to stderr, if that was captured.
    pub stderr: Captured,
    /// The first SIGHUP, SIGINT, SIGQUIT or SIGTERM that was passed on to it, whatever it made of
    /// it. One that the terminal sent straight to the command is not seen here.
    pub interrupted: Option<i32>,
    /// From its start to its end.
    pub duration: Duration,
}

/// Why nothing can be said about a command. It is not running any more.
#[derive(Debug, Error)]
pub enum ExecError {
    /// There is no first word.
    #[error("the command is empty")]
    Empty,
    /// No pipes or threads for its streams, or no handlers for signals; it was not started.
    #[error("could not prepare to run `{}`", program.display())]
    Prepare {
        /// The first word of the command.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },
    /// The system would not say how it ended; what was left of it was killed.
    #[error("could not wait for `{}`", program.display())]
    Wait {
        /// The first word of the command.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },
    /// Its output could not be read.
    #[error("could not read the output of `{}`", program.display())]
    Read {
        /// The first word of the command.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },
}

/// Runs one command to its end.
///
/// Sends [`Event::Started`], and [`Event::Forwarded`] for each signal passed on. May be called from
/// several threads at once; signals then go to all commands that run.
///
/// # Errors
///
/// When nothing can be said about the command: see [`ExecError`]. A command that cannot be started,
/// fails, or is killed is an [`Outcome`].
///
/// [`Event::Started`]: crate::event::Event::Started
/// [`Event::Forwarded`]: crate::event::Event::Forwarded
pub fn run(command: &Command, observer: &dyn Observer) -> Result<Finished, ExecError> {
    let program = command.argv.first().ok_or(ExecError::Empty)?.as_os_str();
    let file = match program::find(program, command) {
        Ok(file) => file,
        Err(error) => return Ok(not_started(error)),
    };
    let prepare = |source| ExecError::Prepare {
        program: program.to_owned(),
        source,
    };
    let (streams, writers) = open_streams(command.output).map_err(prepare)?;
    let terminal = match command.terminal {
        TerminalUse::Share => Terminal::open(),
        TerminalUse::Keep => None,
    };
    // Before the start: no signal may end this process and leave the command behind.
    let signals = Signals::take().map_err(prepare)?;
    let begin = Instant::now();
    let handle = match start(command, program, &file, writers) {
        Ok(handle) => handle,
        Err(source) => {
            let folder = command.folder.as_deref();
            return Ok(not_started(program::why(source, program, &file, folder)));
        }
    };
    let limit = command.time_limit;
    let until = limit.and_then(|limit| begin.checked_add(limit));
    let ended = Supervisor::new(signals, terminal, observer, until)
        .survivors(command.survivors)
        .stand_by(&handle)
        .map_err(|source| ExecError::Wait {
            program: program.to_owned(),
            source,
        })?;
    // The supervisor and its handlers are gone: from here on signals mean this process.
    let (stdout, stderr) = match streams.map(|streams| streams.finish(STREAM_GRACE)) {
        None => (Captured::default(), Captured::default()),
        Some(captured) => captured.map_err(|source| ExecError::Read {
            program: program.to_owned(),
            source,
        })?,
    };
    Ok(Finished {
        outcome: outcome(ended.status, limit.filter(|_| ended.timed_out)),
        stdout,
        stderr,
        interrupted: ended.interrupted,
        duration: ended.at.saturating_duration_since(begin),
    })
}

fn open_streams(output: Output) -> io::Result<(Option<Streams>, Option<Writers>)> {
    let (cap, pass_on) = match output {
        Output::Inherit => return Ok((None, None)),
        Output::Record { cap } => (cap, true),
        Output::Capture { cap } => (cap, false),
    };
    let (streams, writers) = Streams::open(cap, pass_on)?;
    Ok((Some(streams), Some(writers)))
}

/// Starts the command as the leader of a new process group. Our ends of its pipes are closed on
/// return, or reading them would never end.
fn start(
    command: &Command,
    program: &OsStr,
    file: &Path,
    writers: Option<Writers>,
) -> io::Result<duct::Handle> {
    let name = program.to_owned();
    let mut expression = duct::cmd(file.as_os_str(), command.argv.iter().skip(1))
        .unchecked()
        .before_spawn(move |command| {
            // The program sees the name it was called by, not where it was found.
            command.arg0(&name).process_group(0);
            Ok(())
        });
    if let Some(folder) = &command.folder {
        expression = expression.dir(folder);
    }
    if let Environment::Only(variables) = &command.environment {
        expression = expression.full_env(variables.iter().cloned());
    }
    if command.stdin == Stdin::Null {
        expression = expression.stdin_null();
    }
    if let Some(writers) = writers {
        expression = expression
            .stdout_file(writers.stdout)
            .stderr_file(writers.stderr);
    }
    expression.start()
}

fn outcome(status: ExitStatus, exceeded: Option<Duration>) -> Outcome {
    if let Some(limit) = exceeded {
        return Outcome::TimedOut { limit };
    }
    match status.code().and_then(|code| u8::try_from(code).ok()) {
        Some(code) => Outcome::Exited { code },
        None => Outcome::Signaled {
            signal: status.signal().unwrap_or_default(),
        },
    }
}

fn not_started(error: StartError) -> Finished {
    Finished {
        outcome: Outcome::NotStarted(error),
        stdout: Captured::default(),
        stderr: Captured::default(),
        interrupted: None,
        duration: Duration::ZERO,
    }
}
