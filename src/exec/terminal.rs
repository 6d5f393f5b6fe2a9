//! The controlling terminal, lent to the command and taken back.
//!
//! The command runs in a process group of its own, and a terminal listens to one group at a time.
//! When this process leads its group and no pipe connects it to others, a shell started it as a job
//! of its own: the terminal is lent at once, and Ctrl-C, Ctrl-\ and Ctrl-Z go straight to the
//! command, once. Otherwise the group has other members (a pipeline, a script, make) that must keep
//! the terminal: it is lent only when the command asks for it, which the system reports by stopping
//! the command, and until then what the terminal sends to our group is passed on.
//!
//! Limit: between the command's start and the loan, which is a few microseconds, a command sees
//! itself in the background. Reading then only delays it; one that ignores SIGTTIN gets an error.

use rustix::fd::OwnedFd;
use rustix::fs::{FileType, Mode, OFlags, fstat, open};
use rustix::process::{Pid, getpgrp, getpid, test_kill_process_group};
use rustix::stdio::{stderr, stdin, stdout};
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use super::signals::without_terminal_stop;

/// The terminal of this process.
pub(super) struct Terminal {
    device: OwnedFd,
    ours: Pid,
    /// Nobody else in our group needs the terminal.
    alone: bool,
    /// The command's group, while it has the terminal from us.
    lent: Option<Pid>,
}

impl Terminal {
    /// The controlling terminal, if there is one.
    pub(super) fn open() -> Option<Self> {
        let flags = OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC;
        let device = open("/dev/tty", flags, Mode::empty()).ok()?;
        let ours = getpgrp();
        let alone = ours == getpid() && !connected_by_pipes();
        Some(Self {
            device,
            ours,
            alone,
            lent: None,
        })
    }

    /// Lends the terminal to a command that has just been started, if nobody else needs it.
    pub(super) fn offer(&mut self, group: Pid) {
        if self.alone {
            self.lend(group);
        }
    }

    /// Lends the terminal again after a stop, if the command may have it without asking.
    pub(super) fn resume(&mut self, group: Pid) {
        if self.alone || self.lent.is_some() {
            self.lend(group);
        }
    }

    /// Lends the terminal if it is ours to lend. True if the command has it then.
    pub(super) fn lend(&mut self, group: Pid) -> bool {
        let holder = tcgetpgrp(&self.device).ok();
        let has = holder == Some(group) || (holder == Some(self.ours) && self.set(group));
        self.lent = has.then_some(group);
        has
    }

    /// Takes the terminal back if it is with the command, or with a group the command made and that
    /// is gone. Anybody else who has it by now got it from the shell.
    pub(super) fn take_back(&mut self) {
        let Some(group) = self.lent else { return };
        let Ok(holder) = tcgetpgrp(&self.device) else {
            return;
        };
        if holder == group || test_kill_process_group(holder).is_err() {
            self.set(self.ours);
        }
    }

    fn set(&self, group: Pid) -> bool {
        without_terminal_stop(|| tcsetpgrp(&self.device, group)).is_ok_and(|set| set.is_ok())
    }
}

/// Whether a standard stream is a pipe or a socket, as in a shell's pipeline.
fn connected_by_pipes() -> bool {
    [stdin(), stdout(), stderr()].into_iter().any(|stream| {
        fstat(stream).is_ok_and(|status| {
            let kind = FileType::from_raw_mode(status.st_mode);
            matches!(kind, FileType::Fifo | FileType::Socket)
        })
    })
}
