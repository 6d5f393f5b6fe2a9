//! The command's start: from a thread that gives everything up, so that the command has no more,
//! while the process that watches it keeps what it needs.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process;
use std::thread;

use rustix::process::{Pid, geteuid};
use rustix::thread::{CapabilitySet, capabilities};

use super::NOBODY;
use super::account::Ledger;
use super::barriers::{WHOLE, guard_calls, guard_files};
use super::inner::Setup;
use super::processes::Processes;
use super::spaces::{Spaces, drop_capabilities};
use crate::exec::{self, program};

/// Whether root's command gets the identity of nobody: root's that may change it.
pub(super) fn drops_root() -> bool {
    let needed = CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::CHOWN;
    geteuid().is_root() && capabilities(None).is_ok_and(|sets| sets.effective.contains(needed))
}

/// The same, asked behind the namespaces.
fn becomes_nobody(spaces: Spaces) -> bool {
    !spaces.user && drops_root()
}

/// Starts the command; `None` when it is not to be started without all protections.
pub(super) fn start(
    setup: &Setup,
    spaces: Spaces,
    quiet_mounts: Result<(), String>,
    ledger: &mut Ledger,
) -> Result<Option<Pid>, String> {
    // Elsewhere the other processes of the same user would count, too.
    let tasks = spaces.user || becomes_nobody(spaces);
    let limited = setup.limits.set(tasks);
    limited.map_err(|error| format!("limits cannot be set: {error}"))?;
    thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let complete = give_up(setup, spaces, quiet_mounts, ledger)?;
            if setup.insist && !complete {
                return Ok(None);
            }
            spawn(&setup.argv, spaces).map(Some)
        });
        thread
            .join()
            .unwrap_or_else(|_| Err("the thread that starts the command has panicked".to_owned()))
    })
}

/// Puts the barriers up around this thread, and writes down which. Whether none is lacking.
fn give_up(
    setup: &Setup,
    spaces: Spaces,
    quiet_mounts: Result<(), String>,
    ledger: &mut Ledger,
) -> Result<bool, String> {
    let unwritten = |error: io::Error| format!("the account cannot be written: {error}");
    let seen = Processes::can_be_seen();
    drop_capabilities().map_err(|error| format!("capabilities cannot be dropped: {error}"))?;
    let mut complete = true;
    let mut note = |kind: Result<String, String>| {
        complete &= kind.is_ok();
        match kind {
            Ok(held) => ledger.held(&held),
            Err(lacking) => ledger.lacking(&lacking),
        }
        .map_err(unwritten)
    };
    note(files(&setup.base))?;
    note(match quiet_mounts {
        Ok(()) => Ok("everything else is mounted read-only".to_owned()),
        // Of what belongs to root, nobody can change nothing.
        Err(_) if becomes_nobody(spaces) => Ok("its user owns no file".to_owned()),
        Err(why) => Err(format!(
            "modes, owners and times of files outside are not protected ({why})"
        )),
    })?;
    note(match guard_calls() {
        Ok(()) => Ok("no sockets (seccomp)".to_owned()),
        Err(error) => Err(format!("sockets are not refused (seccomp: {error})")),
    })?;
    if spaces.network {
        note(Ok("a network of its own without interfaces".to_owned()))?;
    }
    note(if spaces.process {
        Ok("a process namespace of its own".to_owned())
    } else {
        Err("processes that it leaves behind are only looked for (no process namespace)".to_owned())
    })?;
    if becomes_nobody(spaces) {
        note(Ok("as the user nobody".to_owned()))?;
    }
    note(if seen {
        Ok(setup.limits.told())
    } else {
        Err("what its processes use together is not limited (/proc does not show them)".to_owned())
    })?;
    Ok(complete)
}

fn files(base: &Path) -> Result<String, String> {
    match guard_files(base) {
        Ok(Some(version)) if version >= WHOLE => {
            Ok(format!("files are guarded by Landlock (version {version})"))
        }
        Ok(Some(version)) => Err(format!(
            "files are not guarded against truncation (Landlock of version {version})"
        )),
        Ok(None) => Err("files are not guarded (this kernel has no Landlock)".to_owned()),
        Err(error) => Err(format!("files are not guarded (Landlock: {error})")),
    }
}

fn spawn(argv: &[OsString], spaces: Spaces) -> Result<Pid, String> {
    let name = argv.first().ok_or("the command is empty")?;
    let asked = exec::Command::new(argv.to_vec());
    let file = program::find(name, &asked).map_err(|error| told(&error))?;
    let mut command = process::Command::new(&file);
    command.arg0(name).args(argv.iter().skip(1));
    if becomes_nobody(spaces) {
        // Supplementary groups go with it.
        command.gid(NOBODY).uid(NOBODY);
    }
    let child = command
        .spawn()
        .map_err(|source| told(&program::why(source, name, &file, None)))?;
    i32::try_from(child.id())
        .ok()
        .and_then(Pid::from_raw)
        .ok_or_else(|| "the system gave no process number".to_owned())
}

/// An error with its cause, on one line.
fn told(error: &exec::StartError) -> String {
    match std::error::Error::source(error) {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
