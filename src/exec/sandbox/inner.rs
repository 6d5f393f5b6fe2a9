//! The two processes.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::fd::RawFd;
use std::path::PathBuf;
use std::process;
use std::thread;
use std::time::Duration;

use nix::unistd::close;
use rustix::process::{
    DumpableBehavior, Signal, getpid, set_child_subreaper, set_dumpable_behavior,
    set_parent_process_death_signal, setsid,
};

use super::account::{Ending, Ledger};
use super::limits::Limits;
use super::spaces::Spaces;
use super::{WORD, mounts, start, watch};
use crate::exec::HeldSignals;

/// The highest that can be asked for.
const FIRST_TO_GO: &str = "1000";

/// How often the outer process looks whether the inner one has ended.
const TICK: Duration = Duration::from_millis(20);

/// How many files are taken to be open where the system does not tell which.
const MOST_INHERITED: RawFd = 65536;

/// What the processes are told.
pub(super) struct Setup {
    pub(super) base: PathBuf,
    pub(super) limits: Limits,
    pub(super) insist: bool,
    pub(super) argv: Vec<OsString>,
}

pub(super) fn main(arguments: &[OsString]) -> u8 {
    let Some((stage, setup)) = parse(arguments) else {
        return 2;
    };
    if stage.is_none() {
        close_inherited();
    }
    let done = set_parent_process_death_signal(Some(Signal::KILL))
        .map_err(|error| error.to_string())
        .and_then(|()| match stage {
            None => outer(&setup, arguments).map_err(|error| error.to_string()),
            Some(spaces) => inner(&setup, spaces),
        });
    let Err(why) = done else {
        return 0;
    };
    // Without an ending it has failed, too.
    if let Ok(mut ledger) = Ledger::open(&setup.base) {
        ledger.ending(&Ending::Failed(why)).unwrap_or_default();
    }
    1
}

/// Closes what whoever started the verification has left open, for the command would inherit it: a file,
/// a socket, a terminal. Nothing of ours is open yet.
fn close_inherited() {
    let number = |entry: fs::DirEntry| entry.file_name().to_str()?.parse().ok();
    let listed: Vec<RawFd> = match fs::read_dir("/proc/self/fd") {
        Ok(entries) => entries.flatten().filter_map(number).collect(),
        Err(_) => (0..MOST_INHERITED).collect(),
    };
    for file in listed.into_iter().filter(|file| *file > 2) {
        // The one that the folder was read through is closed already.
        close(file).unwrap_or_default();
    }
}

/// `outer` or `inner:NAMESPACES`, the folder, the limits, `insist` or `auto`, the command.
fn parse(arguments: &[OsString]) -> Option<(Option<Spaces>, Setup)> {
    let [stage, base, limits, insist, argv @ ..] = arguments else {
        return None;
    };
    let stage = match stage.to_str()? {
        "outer" => None,
        word => Some(Spaces::from_word(word.strip_prefix("inner:")?)),
    };
    let setup = Setup {
        base: PathBuf::from(base),
        limits: Limits::from_word(limits)?,
        insist: insist == OsStr::new("insist"),
        argv: argv.to_vec(),
    };
    Some((stage, setup))
}

/// Leaves for other namespaces and starts the inner process there.
fn outer(setup: &Setup, arguments: &[OsString]) -> io::Result<()> {
    // Where memory runs out, the system shall end this command before anything else. What it does not
    // let us ask for, other limits replace.
    fs::write("/proc/self/oom_score_adj", FIRST_TO_GO).unwrap_or_default();
    let spaces = Spaces::leave()?;
    let mut command = process::Command::new(std::env::current_exe()?);
    command
        .arg(WORD)
        .arg(format!("inner:{}", spaces.to_word()))
        .args(arguments.iter().skip(1))
        .current_dir(&setup.base);
    let status = if spaces.process {
        command.status()?
    } else {
        hunted(command)?
    };
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other("the process that watches it has failed"))
    }
}

/// Runs the inner process where no namespace ends what its command has started. However the inner process
/// ends, and whatever ends this one but SIGKILL, what is left is looked for and killed before.
fn hunted(mut command: process::Command) -> io::Result<process::ExitStatus> {
    let held = HeldSignals::take()?;
    set_parent_process_death_signal(Some(Signal::TERM))?;
    set_child_subreaper(Some(getpid()))?;
    let mut inner = command.spawn()?;
    let status = watched(&mut inner, &held);
    watch::end_descendants()?;
    status
}

fn watched(inner: &mut process::Child, held: &HeldSignals) -> io::Result<process::ExitStatus> {
    loop {
        if let Some(status) = inner.try_wait()? {
            return Ok(status);
        }
        if held.has_come() {
            inner.kill()?;
            return inner.wait();
        }
        thread::sleep(TICK);
    }
}

fn inner(setup: &Setup, spaces: Spaces) -> Result<(), String> {
    // What cannot be had of these, other barriers replace.
    setsid().map(|_| ()).unwrap_or_default();
    set_dumpable_behavior(DumpableBehavior::NotDumpable).unwrap_or_default();
    if !spaces.process {
        set_child_subreaper(Some(getpid())).map_err(|error| error.to_string())?;
    }
    let quiet_mounts = shut_mounts(setup, spaces);
    // Through the private folder's own mount, for the others cannot be written to.
    std::env::set_current_dir(setup.base.join("work")).map_err(|error| error.to_string())?;
    // Not before: a mount with a file that is open for writing does not become read-only.
    let mut ledger = Ledger::open(&setup.base).map_err(|error| error.to_string())?;
    let before = watch::Before::of(&setup.base);
    let ending = match start::start(setup, spaces, quiet_mounts, &mut ledger)? {
        None => Ending::Declined,
        Some(child) => watch::stand_by(child, setup, &before),
    };
    let ending = match ended(spaces) {
        Ok(()) => ending,
        Err(error) => Ending::Failed(error.to_string()),
    };
    ledger.ending(&ending).map_err(|error| error.to_string())
}

/// Ends what the command has left, where no namespace does.
fn ended(spaces: Spaces) -> io::Result<()> {
    if spaces.process {
        Ok(())
    } else {
        watch::end_descendants()
    }
}

/// Why it was not possible, if it was not.
fn shut_mounts(setup: &Setup, spaces: Spaces) -> Result<(), String> {
    if !spaces.mount {
        return Err("no mount namespace".to_owned());
    }
    mounts::separate().map_err(|error| format!("mounts cannot be separated: {error}"))?;
    if spaces.process {
        // In some containers parts of /proc are covered, and the system does not let us uncover them.
        drop(mounts::own_processes());
    }
    mounts::read_only_but(&setup.base).map_err(|error| format!("mounts stay writable: {error}"))
}
