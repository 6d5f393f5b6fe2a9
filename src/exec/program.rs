//! Which file a command's first word means, and why a command could not be started.
//!
//! The search is done here and not by `execvp`, for two reasons. `execvp` of some C libraries hands
//! a file the kernel refuses (no `#!` line, a foreign format) to `/bin/sh`; here such a file is
//! [`StartError::NotExecutable`] everywhere. And a relative program is meant in the folder of this
//! process, not in the one the command is to run in.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf, absolute};

use rustix::fs::{Access, access};
use rustix::io::Errno;
use thiserror::Error;

use super::{Command, Environment};

/// Where programs are looked for when the environment has no `PATH`, as the C library does.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Why nothing was run. Customary exit statuses are 127 for the first two and 126 for
/// [`NotExecutable`](Self::NotExecutable); the others are this program's own failure.
#[derive(Debug, Error)]
pub enum StartError {
    /// There is no such file, nor one of that name in any folder of `PATH`.
    #[error("`{}` was not found", program.display())]
    NotFound {
        /// The first word of the command.
        program: OsString,
    },
    /// The file is there, but the interpreter its `#!` line (or its ELF header) names is not.
    #[error("the interpreter that `{}` asks for was not found", program.display())]
    NoInterpreter {
        /// The first word of the command.
        program: OsString,
    },
    /// There is such a file and the system refuses to execute it: no permission, a folder, an
    /// unknown format, or more arguments than it takes.
    #[error("`{}` cannot be executed", program.display())]
    NotExecutable {
        /// The first word of the command.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },
    /// The folder the command was to run in cannot be entered.
    #[error("`{}` cannot run in the folder `{}`", program.display(), folder.display())]
    Folder {
        /// The first word of the command.
        program: OsString,
        /// The folder asked for.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The system could not start any process now, or an argument holds a NUL byte.
    #[error("`{}` could not be started", program.display())]
    Other {
        /// The first word of the command.
        program: OsString,
        /// What the system said.
        source: io::Error,
    },
}

/// The file to execute for the command's first word: as it stands when it has a slash, otherwise
/// the first executable file of that name along the `PATH` the command will see. Made absolute when
/// the command runs in another folder, without following links (a program may look at its name).
pub(super) fn find(program: &OsStr, command: &Command) -> Result<PathBuf, StartError> {
    let found = if program.as_bytes().contains(&b'/') {
        PathBuf::from(program)
    } else {
        search(program, &search_path(&command.environment))?
    };
    if command.folder.is_none() || found.is_absolute() {
        return Ok(found);
    }
    absolute(&found).map_err(|source| StartError::Other {
        program: program.to_owned(),
        source,
    })
}

fn search_path(environment: &Environment) -> OsString {
    let path = match environment {
        Environment::Inherit => std::env::var_os("PATH"),
        Environment::Only(variables) => variables
            .iter()
            .rev()
            .find(|(name, _)| name == "PATH")
            .map(|(_, value)| value.clone()),
    };
    path.unwrap_or_else(|| DEFAULT_PATH.into())
}

fn search(program: &OsStr, path: &OsStr) -> Result<PathBuf, StartError> {
    let mut refused = false;
    // An empty word would be found as the folder itself.
    let folders = path
        .as_bytes()
        .split(|byte| *byte == b':')
        .filter(|_| !program.is_empty());
    for folder in folders {
        let folder = if folder.is_empty() { b"." } else { folder };
        let file = Path::new(OsStr::from_bytes(folder)).join(program);
        match access(&file, Access::EXEC_OK) {
            Ok(()) if file.is_file() => return Ok(file),
            Ok(()) | Err(Errno::ACCESS) => refused = true,
            Err(_) => {}
        }
    }
    let program = program.to_owned();
    Err(if refused {
        StartError::NotExecutable {
            program,
            source: Errno::ACCESS.into(),
        }
    } else {
        StartError::NotFound { program }
    })
}

/// Sorts the error of a failed start. `file` is what was to be executed.
pub(super) fn why(
    source: io::Error,
    program: &OsStr,
    file: &Path,
    folder: Option<&Path>,
) -> StartError {
    let program = program.to_owned();
    if let Some(folder) = folder
        && let Err(refusal) = access(folder.join("."), Access::EXEC_OK)
    {
        return StartError::Folder {
            program,
            folder: folder.to_owned(),
            source: refusal.into(),
        };
    }
    match Errno::from_io_error(&source) {
        Some(Errno::NOENT) if file.exists() => StartError::NoInterpreter { program },
        Some(Errno::NOENT) => StartError::NotFound { program },
        Some(
            Errno::ACCESS
            | Errno::PERM
            | Errno::NOEXEC
            | Errno::ISDIR
            | Errno::NOTDIR
            | Errno::LOOP
            | Errno::NAMETOOLONG
            | Errno::TXTBSY
            | Errno::TOOBIG
            | Errno::INVAL,
        ) => StartError::NotExecutable { program, source },
        _ => StartError::Other { program, source },
    }
}
