//! A command that may harm nothing: shut in by the kernel, as far as this kernel does it.
//!
//! What code between fork and exec would do, which is unsafe, two processes of our own binary do:
//! it is started again with [`WORD`] as its first argument, shuts itself in, and starts the command.
//!
//! 1. The *outer* process leaves for namespaces of its own (`spaces`): for processes, mounts, network
//!    and IPC. An ordinary user needs a user namespace for that.
//! 2. The *inner* process is the first one in there. It makes every mount read-only but the private
//!    folder (`mounts`), and starts the command from a thread that has given up all capabilities,
//!    root's identity (`start`), and by Landlock and seccomp (`barriers`) files and sockets.
//! 3. The inner process stands by (`watch`): it ends the command when that has too many processes, uses
//!    too much memory or processor time, or takes too much space (`limits`). When the command ends, so
//!    does everything it left behind.
//!
//! Either of them ends when its parent does; where there is no namespace for processes, not before it has
//! looked for what the command has left. What was in force, and how the command ended, the inner
//! process writes into a file that the command cannot reach: [`Account`].

mod account;
#[cfg(target_os = "linux")]
mod barriers;
#[cfg(target_os = "linux")]
mod inner;
mod limits;
#[cfg(target_os = "linux")]
mod mounts;
#[cfg(target_os = "linux")]
mod processes;
#[cfg(target_os = "linux")]
mod spaces;
#[cfg(target_os = "linux")]
mod start;
#[cfg(target_os = "linux")]
mod watch;

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::{Command, Environment};
pub use account::{Account, Ending};
pub use limits::{Limits, PROCESS_LIMIT};

/// The first argument that makes the binary one of the two processes. No part of the command line.
pub const WORD: &str = "__inspect-sandbox";

/// What programs need to run: themselves, libraries, settings that everybody may read. Nothing of
/// `/home`, `/root`, `/run`, `/var`, `/mnt`, `/srv` or `/tmp`.
const READABLE: [&str; 13] = [
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/etc",
    "/opt",
    "/nix/store",
    "/gnu/store",
    "/proc",
    "/sys",
];

/// How many bytes of an account are read: 64 KiB. It has a dozen lines.
const ACCOUNT_LIMIT: u64 = 64 * 1024;

/// The user and the group that nobody is: what the command becomes when root verifies.
pub const NOBODY: u32 = 65534;

/// What a shut-in command may do.
#[derive(Clone, Debug)]
pub struct Sandbox {
    /// The binary that takes [`WORD`].
    pub launcher: PathBuf,
    /// An absolute folder without links in its path, for one command at a time: it has the folders
    /// `work`, where the command runs, `home` and `tmp`. The command can write nowhere else.
    pub base: PathBuf,
    /// How much it may use.
    pub limits: Limits,
    /// Whether the command is not to be started when any protection is lacking.
    pub insist: bool,
}

impl Sandbox {
    /// The command that runs `argv` shut in, with these variables. Of the folders in its `PATH`
    /// only those are left that it can look into.
    pub fn command(&self, argv: &[String], variables: Vec<(OsString, OsString)>) -> Command {
        let mut words: Vec<OsString> = vec![
            self.launcher.clone().into(),
            WORD.into(),
            "outer".into(),
            self.base.clone().into(),
            self.limits.to_word(),
            if self.insist { "insist" } else { "auto" }.into(),
        ];
        words.extend(argv.iter().map(OsString::from));
        let mut command = Command::new(words);
        command.folder = Some(self.base.join("work"));
        let reached = |(name, value): (OsString, OsString)| {
            let value = if name == "PATH" {
                reachable(&value)
            } else {
                value
            };
            (name, value)
        };
        command.environment = Environment::Only(variables.into_iter().map(reached).collect());
        command
    }

    /// What the inner process wrote down. To be asked once its command is over.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn account(&self) -> io::Result<Account> {
        let mut text = Vec::new();
        match File::open(account_path(&self.base)) {
            Ok(file) => file.take(ACCOUNT_LIMIT).read_to_end(&mut text)?,
            // The binary was killed before it began.
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            Err(error) => return Err(error),
        };
        Ok(Account::parse(&String::from_utf8_lossy(&text)))
    }

    /// Makes ready for the next command.
    ///
    /// # Errors
    /// The account of the one before cannot be removed.
    pub fn clear(&self) -> io::Result<()> {
        match std::fs::remove_file(account_path(&self.base)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }
}

/// The folders of a search path that a shut-in command can look into.
fn reachable(path: &OsStr) -> OsString {
    let folders = std::env::split_paths(path).filter(|folder| {
        folder.canonicalize().is_ok_and(|folder| {
            let mut readable = READABLE.iter();
            readable.any(|below| folder.starts_with(below))
        })
    });
    std::env::join_paths(folders).unwrap_or_default()
}

fn account_path(base: &Path) -> PathBuf {
    base.join("account")
}

/// Whether the command gets another user than ours: root's commands do.
pub fn drops_root() -> bool {
    #[cfg(target_os = "linux")]
    return start::drops_root();
    #[cfg(not(target_os = "linux"))]
    false
}

/// What the two processes do, with the arguments after [`WORD`]. Returns their exit status, which
/// says nothing: the account does.
pub fn main(arguments: &[OsString]) -> u8 {
    #[cfg(target_os = "linux")]
    return inner::main(arguments);
    #[cfg(not(target_os = "linux"))]
    {
        let _: &[OsString] = arguments;
        1
    }
}
