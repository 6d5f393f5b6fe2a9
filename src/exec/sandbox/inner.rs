//! The two processes.

use std::ffi::{OsStr, OsString};
use std::io;
use std::path::PathBuf;
use std::process;

use rustix::process::{
    DumpableBehavior, Signal, getpid, set_child_subreaper, set_dumpable_behavior,
    set_parent_process_death_signal, setsid,
};

use super::account::{Ending, Ledger};
use super::spaces::Spaces;
use super::{WORD, mounts, start, watch};

/// What the processes are told.
pub(super) struct Setup {
    pub(super) base: PathBuf,
    pub(super) space: u64,
    pub(super) insist: bool,
    pub(super) argv: Vec<OsString>,
}

pub(super) fn main(arguments: &[OsString]) -> u8 {
    let Some((stage, setup)) = parse(arguments) else {
        return 2;
    };
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

/// `outer` or `inner:NAMESPACES`, the folder, the space, `insist` or `auto`, the command.
fn parse(arguments: &[OsString]) -> Option<(Option<Spaces>, Setup)> {
    let [stage, base, space, insist, argv @ ..] = arguments else {
        return None;
    };
    let stage = match stage.to_str()? {
        "outer" => None,
        word => Some(Spaces::from_word(word.strip_prefix("inner:")?)),
    };
    let setup = Setup {
        base: PathBuf::from(base),
        space: space.to_str()?.parse().ok()?,
        insist: insist == OsStr::new("insist"),
        argv: argv.to_vec(),
    };
    Some((stage, setup))
}

/// Leaves for other namespaces and starts the inner process there.
fn outer(setup: &Setup, arguments: &[OsString]) -> io::Result<()> {
    let spaces = Spaces::leave()?;
    let status = process::Command::new(std::env::current_exe()?)
        .arg(WORD)
        .arg(format!("inner:{}", spaces.to_word()))
        .args(arguments.iter().skip(1))
        .current_dir(&setup.base)
        .status()?;
    if status.success() {
        Ok(())
    } else {
        Err(io::Error::other("the process that watches it has failed"))
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
    let before = watch::Usage::of(&setup.base);
    let ending = match start::start(setup, spaces, quiet_mounts, &mut ledger)? {
        None => Ending::Declined,
        Some(child) => watch::stand_by(child, setup, &before),
    };
    if !spaces.process {
        watch::end_descendants();
    }
    ledger.ending(&ending).map_err(|error| error.to_string())
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
