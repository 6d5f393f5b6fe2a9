//! A session of its own on a terminal of its own: `setsid --ctty` (util-linux) makes the session,
//! for what must happen between fork and exec cannot be written without `unsafe`.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::fs::OFlags;
use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::LocalModes;

use super::{pid_of, state_and_parent, wait_for};

/// A terminal, and what runs in its session.
#[derive(Debug)]
pub(crate) struct Terminal {
    master: File,
    leader: Child,
    text: Arc<Mutex<Vec<u8>>>,
    reader: JoinHandle<()>,
    at: usize,
}

impl Terminal {
    pub(crate) fn open(folder: &Path, argv: &[&str]) -> Self {
        Self::of_kind("dumb", folder, argv)
    }

    /// A terminal of the kind that this value of `TERM` means.
    pub(crate) fn of_kind(kind: &str, folder: &Path, argv: &[&str]) -> Self {
        let master =
            openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&master).unwrap();
        unlockpt(&master).unwrap();
        let name = ptsname(&master, Vec::new()).unwrap();
        let slave = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(OFlags::NOCTTY.bits().cast_signed())
            .open(name.to_str().unwrap())
            .unwrap();
        let master = File::from(master);
        let leader = Command::new("setsid")
            .arg("--ctty")
            .args(argv)
            .current_dir(folder)
            .env("PS1", "PROMPT> ")
            .env("TERM", kind)
            .env("HISTFILE", "/dev/null")
            .stdin(slave.try_clone().unwrap())
            .stdout(slave.try_clone().unwrap())
            .stderr(slave)
            .spawn()
            .unwrap();
        let text = Arc::new(Mutex::new(Vec::new()));
        let (shared, mut reader) = (Arc::clone(&text), master.try_clone().unwrap());
        let reader = thread::spawn(move || {
            let mut buffer = [0; 4096];
            // The last program that has the terminal open ends this with an error.
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                shared.lock().unwrap().extend(&buffer[..count]);
            }
        });
        Self {
            master,
            leader,
            text,
            reader,
            at: 0,
        }
    }

    /// A shell with job control.
    pub(crate) fn shell(folder: &Path) -> Self {
        let mut terminal = Self::open(folder, &["bash", "--norc", "--noprofile", "-i"]);
        terminal.line("bind 'set enable-bracketed-paste off' 2>/dev/null; echo rea''dy");
        terminal.expect("ready\r\n");
        terminal.expect("PROMPT> ");
        terminal
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text.lock().unwrap()).into_owned()
    }

    /// Everything, once the session has ended and nobody has the terminal open.
    pub(crate) fn whole_text(&self) -> String {
        wait_for("the last of the text", || {
            self.reader.is_finished().then_some(())
        });
        self.text()
    }

    /// Waits for this in what came after the last that was waited for.
    pub(crate) fn expect(&mut self, wanted: &str) {
        let (at, text) = (self.at, Arc::clone(&self.text));
        self.at = wait_for(&format!("{wanted:?} on the terminal"), || {
            let text = text.lock().unwrap();
            let found = text[at..]
                .windows(wanted.len())
                .position(|window| window == wanted.as_bytes())?;
            Some(at + found + wanted.len())
        });
    }

    pub(crate) fn send(&mut self, keys: &[u8]) {
        self.master.write_all(keys).unwrap();
    }

    pub(crate) fn line(&mut self, text: &str) {
        self.send(format!("{text}\n").as_bytes());
    }

    pub(crate) fn leader(&self) -> Pid {
        pid_of(&self.leader)
    }

    /// Waits until the session's leader has given the terminal to a job.
    pub(crate) fn job_is_in_front(&self) {
        let leader = self.leader();
        wait_for("a job in the foreground", || {
            let front = rustix::termios::tcgetpgrp(&self.master).ok()?;
            (front != leader).then_some(())
        });
    }

    /// Waits until the command of a wrapper that the session's leader started has the terminal and
    /// runs. A key before that would stop what is only about to be continued, and be lost.
    pub(crate) fn command_runs_in_front(&self) {
        let leader = self.leader();
        wait_for("a command in the foreground", || {
            let front = rustix::termios::tcgetpgrp(&self.master).ok()?;
            let (state, parent) = state_and_parent(front.as_raw_nonzero().get())?;
            let is_command = front != leader && parent != leader.as_raw_nonzero().get();
            (is_command && state != 'T').then_some(())
        });
    }

    /// Waits until what is typed is no longer shown.
    pub(crate) fn echo_is_off(&self) {
        wait_for("no echo", || {
            let modes = rustix::termios::tcgetattr(&self.master).ok()?;
            (!modes.local_modes.contains(LocalModes::ECHO)).then_some(())
        });
    }

    /// Exit status of the session's leader, as a shell would say it.
    pub(crate) fn end(&mut self) -> Option<i32> {
        let status = wait_for("the end of the session", || self.leader.try_wait().unwrap());
        status.code().or_else(|| Some(128 + status.signal()?))
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // Closing the terminal hangs up on what is left; the leader goes for sure.
        if let Ok(None) = self.leader.try_wait() {
            kill_process(self.leader(), Signal::KILL).unwrap();
            self.leader.wait().unwrap();
        }
    }
}
