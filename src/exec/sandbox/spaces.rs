//! Namespaces of the command's own.

use std::fs;
use std::io;

use nix::sched::{CloneFlags, unshare};
use rustix::process::{getgid, getuid};
use rustix::thread::{
    CapabilitySet, capabilities, clear_ambient_capability_set, configure_capability_in_ambient_set,
    remove_capability_from_bounding_set, set_capabilities,
};

use super::start::drops_root;

/// Which namespaces the processes after this one are in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spaces {
    pub(super) user: bool,
    pub(super) process: bool,
    pub(super) mount: bool,
    pub(super) network: bool,
    pub(super) ipc: bool,
}

impl Spaces {
    /// Leaves for as many as the system lets us.
    ///
    /// # Errors
    /// We are in a user namespace now and cannot be anybody in it.
    pub(super) fn leave() -> io::Result<Self> {
        let mut spaces = Self {
            process: unshare(CloneFlags::CLONE_NEWPID).is_ok(),
            ..Self::default()
        };
        // In a user namespace root could become nobody else.
        if !spaces.process && !drops_root() {
            let (user, group) = (getuid().as_raw(), getgid().as_raw());
            if unshare(CloneFlags::CLONE_NEWUSER).is_err() {
                return Ok(spaces);
            }
            spaces.user = true;
            // The same numbers inside as outside, for a program that takes itself for root would try
            // what root may.
            fs::write("/proc/self/setgroups", "deny")?;
            fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
            fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
            spaces.process = unshare(CloneFlags::CLONE_NEWPID).is_ok();
        }
        spaces.mount = unshare(CloneFlags::CLONE_NEWNS).is_ok();
        spaces.network = unshare(CloneFlags::CLONE_NEWNET).is_ok();
        spaces.ipc = unshare(CloneFlags::CLONE_NEWIPC).is_ok();
        if spaces.user {
            keep_capabilities()?;
        }
        Ok(spaces)
    }

    pub(super) fn to_word(self) -> String {
        let letters = [
            (self.user, 'u'),
            (self.process, 'p'),
            (self.mount, 'm'),
            (self.network, 'n'),
            (self.ipc, 'i'),
        ];
        let there = letters.iter().filter(|(there, _)| *there);
        std::iter::once('-')
            .chain(there.map(|(_, letter)| *letter))
            .collect()
    }

    pub(super) fn from_word(word: &str) -> Self {
        Self {
            user: word.contains('u'),
            process: word.contains('p'),
            mount: word.contains('m'),
            network: word.contains('n'),
            ipc: word.contains('i'),
        }
    }
}

/// What may be done in the new user namespace, the inner process may still do after the exec.
fn keep_capabilities() -> io::Result<()> {
    let mut sets = capabilities(None)?;
    sets.inheritable = sets.permitted;
    let all = sets.permitted;
    set_capabilities(None, sets)?;
    for one in all.iter() {
        configure_capability_in_ambient_set(one, true)?;
    }
    Ok(())
}

/// Gives up every capability for whatever this thread starts; needs no leave to do so.
pub(super) fn drop_capabilities() -> io::Result<()> {
    clear_ambient_capability_set()?;
    for one in CapabilitySet::all().iter() {
        // Only who has SETPCAP can, and only such a one has anything to lose by an exec.
        remove_capability_from_bounding_set(one).unwrap_or_default();
    }
    let mut sets = capabilities(None)?;
    sets.inheritable = CapabilitySet::empty();
    Ok(set_capabilities(None, sets)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_read_as_it_was_written() {
        let some = Spaces {
            user: true,
            network: true,
            ..Spaces::default()
        };
        for spaces in [Spaces::default(), some] {
            assert_eq!(Spaces::from_word(&spaces.to_word()), spaces);
        }
    }
}
