//! What went wrong, for people, and the exit status that says so. All of it is decided here.

use std::fmt::Display;
use std::io::{self, Write as _};
use std::process::ExitCode;

use crate::model::printable;

/// A failure on its way to the user.
#[derive(Debug)]
pub(crate) struct Failure {
    kind: Kind,
    message: String,
    hints: Vec<String>,
}

/// Which exit status a failure asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The command line makes no sense: 2, or 125 for `run`.
    Usage,
    /// What was asked for could not be done: 1.
    Failed,
    /// What was to be judged could not be read: 3.
    Undecided,
    /// `run`, after its command was started: 121.
    NoEvidence,
    /// `run`, before its command was started: 125.
    NotStarted,
}

impl Failure {
    pub(crate) fn usage(message: impl Display) -> Self {
        Self::new(Kind::Usage, message)
    }

    pub(crate) fn failed(message: impl Display) -> Self {
        Self::new(Kind::Failed, message)
    }

    fn new(kind: Kind, message: impl Display) -> Self {
        Self {
            kind,
            message: message.to_string(),
            hints: Vec::new(),
        }
    }

    /// The same failure with another meaning for the exit status. Usage stays usage.
    pub(crate) fn meaning(mut self, kind: Kind) -> Self {
        if self.kind != Kind::Usage {
            self.kind = kind;
        }
        self
    }

    /// Adds what the user can do next.
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// What went wrong, for answers that programs read.
    pub(crate) fn message(&self) -> &str {
        &self.message
    }

    /// Tells the user.
    pub(crate) fn tell(&self) {
        complain(&format!("error: {}", self.message));
        for hint in &self.hints {
            complain(&format!("help: {hint}"));
        }
    }

    /// Tells the user, and gives the exit status.
    pub(crate) fn report(&self, command: &str) -> ExitCode {
        self.tell();
        ExitCode::from(match (self.kind, command) {
            (Kind::Usage, "run") | (Kind::NotStarted, _) => NOT_STARTED,
            (Kind::Usage, _) => USAGE,
            (Kind::NoEvidence, _) => NO_EVIDENCE,
            (Kind::Failed, _) => FAILED,
            (Kind::Undecided, _) => UNDECIDED,
        })
    }
}

/// Done, passed.
pub(crate) const DONE: u8 = 0;
/// Refused, or not done.
pub(crate) const FAILED: u8 = 1;
/// Wrong usage.
pub(crate) const USAGE: u8 = 2;
/// Could not decide.
pub(crate) const UNDECIDED: u8 = 3;
/// `run`: the command succeeded, and its evidence could not be written or its output not passed on.
pub(crate) const NO_EVIDENCE: u8 = 121;
/// `run`: the command ran longer than `--run-timeout` (as timeout(1)).
pub(crate) const TIMED_OUT: u8 = 124;
/// `run`: a failure of ours before the command was started (as env(1)).
pub(crate) const NOT_STARTED: u8 = 125;
/// `run`: the command cannot be executed.
pub(crate) const NOT_EXECUTABLE: u8 = 126;
/// `run`: the command was not found.
pub(crate) const NOT_FOUND: u8 = 127;
/// `run`: added to the number of the signal that killed the command.
pub(crate) const SIGNAL_BASE: u8 = 128;

/// Says something to people. When stderr is closed there is nobody to tell.
pub(crate) fn complain(text: &str) {
    drop(writeln!(
        io::stderr().lock(),
        "linkwright: {}",
        printable(text)
    ));
}

/// Writes a line to stderr, for programs.
pub(crate) fn line(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}

/// Writes to stderr what is to stand there as it is: whoever made it has escaped it.
pub(crate) fn say_unchanged(text: &str) {
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// Writes an answer to stdout. A closed pipe changes no exit status: the reader had enough.
pub(crate) fn answer(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    match out.write_all(bytes).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(Failure::failed(format!(
            "cannot write to standard output: {error}"
        ))),
        Ok(()) | Err(_) => Ok(()),
    }
}
