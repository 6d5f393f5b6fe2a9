//! Metadata files on disk: found by the reference's names, read within limits, written whole or not
//! at all.
//!
//! Only regular files are read, so that a named pipe or a device cannot hold a verification up; a
//! file beyond [`MAX_METADATA_BYTES`] is refused unread. What is written goes to a temporary file
//! beside its place and is renamed; a reader never sees half of it, and a symbolic link that stands
//! there is replaced, not followed.

mod bundle;
mod discover;
mod evidence;
mod manifest;
mod new_file;
mod stage;

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use crate::keys::KeyId;
use crate::model::{Envelope, EnvelopeError, quoted};

pub use bundle::{MAX_BUNDLE_BYTES, MAX_BUNDLE_ENTRIES};
pub use discover::{MAX_DISCOVERY_BYTES, MAX_DISCOVERY_DEPTH, MAX_DISCOVERY_ENTRIES};
pub use evidence::{
    Gathered, MAX_LINK_FILES, MAX_OTHER_LINK_FILES, MAX_REMARKS, MAX_SUBLAYOUT_DEPTH,
    MAX_SUBLAYOUTS, Remark, gather_evidence, read_evidence,
};
pub use manifest::{MAX_MANIFEST_BYTES, ManifestComplaint, ManifestError, read_manifest};
pub use new_file::{NewFile, write_file_with};
pub use stage::{Stage, StageError, inside};

/// How large a metadata file may be, in bytes. A link of a million artifacts has a third of that.
pub const MAX_METADATA_BYTES: u64 = 1 << 30;

/// How long a key or password through a pipe may be, in bytes. An RSA key of 8192 bits has less
/// than 7,000.
pub const MAX_SECRET_BYTES: u64 = 1 << 20;

/// Why a file could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Opening or reading failed.
    #[error("cannot read {}: {source}", quoted(path))]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A folder, a named pipe, a device, a socket.
    #[error("{} is {found}, expected a file", quoted(path))]
    NotAFile {
        /// The path.
        path: String,
        /// What stands there.
        found: &'static str,
    },
    /// Beyond [`MAX_METADATA_BYTES`] or [`MAX_SECRET_BYTES`].
    #[error(
        "{} has {bytes} bytes, more than the {limit} that such a file may have",
        quoted(path)
    )]
    TooLarge {
        /// The file.
        path: String,
        /// Its size.
        bytes: u64,
        /// How large it may be.
        limit: u64,
    },
    /// No envelope.
    #[error("{}: {source}", quoted(path))]
    Envelope {
        /// The file.
        path: String,
        /// What is wrong with it.
        source: EnvelopeError,
    },
    /// What is not secret is not written over what is: nobody means that, and a key cannot be made again.
    #[error("{} holds a private key, which would be lost", quoted(path))]
    PrivateKey {
        /// The file.
        path: String,
    },
    /// Writing failed.
    #[error("cannot write {}: {source}", quoted(path))]
    Write {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// The file is there already.
    #[error("{} exists already", quoted(path))]
    Exists {
        /// The file.
        path: String,
    },
}

/// The name under which a link is stored: `STEP.KEYID8.link`.
pub fn link_file_name(step: &str, keyid: &KeyId) -> String {
    format!("{step}.{}.link", keyid.short())
}

/// The name of a link between `record start` and `record stop`: `.STEP.KEYID8.link-unfinished`.
pub fn unfinished_file_name(step: &str, keyid: &KeyId) -> String {
    format!(".{step}.{}.link-unfinished", keyid.short())
}

/// Reads a regular file within the limit.
///
/// # Errors
/// It is absent, unreadable, no regular file, or too large.
pub fn read_file(path: &Path) -> Result<Vec<u8>, StoreError> {
    let (mut file, length) = open_file(path)?;
    let shown = || path.to_string_lossy().into_owned();
    let failed = |source| StoreError::Read {
        path: shown(),
        source,
    };
    // One byte more than there is: reading to the end then needs no more room to see it.
    let mut bytes = Vec::new();
    let expected = usize::try_from(length).unwrap_or(usize::MAX);
    if bytes.try_reserve_exact(expected.saturating_add(1)).is_err() {
        return Err(failed(io::ErrorKind::OutOfMemory.into()));
    }
    let mut limited = (&mut file).take(MAX_METADATA_BYTES + 1);
    limited.read_to_end(&mut bytes).map_err(failed)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= MAX_METADATA_BYTES => Ok(bytes),
        _ => Err(StoreError::TooLarge {
            path: shown(),
            bytes: MAX_METADATA_BYTES + 1,
            limit: MAX_METADATA_BYTES,
        }),
    }
}

/// Opens a regular file within the limit, and gives its length.
fn open_file(path: &Path) -> Result<(File, u64), StoreError> {
    let shown = || path.to_string_lossy().into_owned();
    let failed = |source| StoreError::Read {
        path: shown(),
        source,
    };
    // Not blocking: opening a named pipe would wait for a writer.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(nonblocking)
        .open(path)
        .map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        let found = if metadata.is_dir() {
            "a folder"
        } else {
            "no regular file"
        };
        return Err(StoreError::NotAFile {
            path: shown(),
            found,
        });
    }
    if metadata.len() > MAX_METADATA_BYTES {
        return Err(StoreError::TooLarge {
            path: shown(),
            bytes: metadata.len(),
            limit: MAX_METADATA_BYTES,
        });
    }
    Ok((file, metadata.len()))
}

/// Reads a key or a password. Unlike metadata these may come through a pipe that this process was
/// given (`/dev/stdin`, `/dev/fd/3`), which is waited for.
///
/// # Errors
/// As [`read_file`]; more than [`MAX_SECRET_BYTES`] through a pipe.
pub fn read_secret(path: &Path) -> Result<Vec<u8>, StoreError> {
    let given = path == Path::new("/dev/stdin")
        || path.starts_with("/dev/fd")
        || path.starts_with("/proc/self/fd");
    if !given {
        return read_file(path);
    }
    let shown = || path.to_string_lossy().into_owned();
    let failed = |source| StoreError::Read {
        path: shown(),
        source,
    };
    let mut bytes = Vec::new();
    let pipe = File::open(path).map_err(failed)?;
    let mut limited = pipe.take(MAX_SECRET_BYTES + 1);
    limited.read_to_end(&mut bytes).map_err(failed)?;
    match u64::try_from(bytes.len()) {
        Ok(length) if length <= MAX_SECRET_BYTES => Ok(bytes),
        _ => Err(StoreError::TooLarge {
            path: shown(),
            bytes: MAX_SECRET_BYTES + 1,
            limit: MAX_SECRET_BYTES,
        }),
    }
}

/// Reads an envelope.
///
/// # Errors
/// The file cannot be read, or is no envelope.
pub fn read_envelope(path: &Path) -> Result<Envelope, StoreError> {
    let bytes = read_file(path)?;
    Envelope::from_vec(bytes).map_err(|source| StoreError::Envelope {
        path: path.to_string_lossy().into_owned(),
        source,
    })
}

/// Who may read a new file, and whether one that is there may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// As the umask says; replaces.
    Public,
    /// As the umask says; never replaces.
    PublicNew,
    /// Only its owner (mode 0600); replaces.
    Private,
    /// Only its owner (mode 0600); never replaces.
    PrivateNew,
}

/// Writes a file whole or not at all.
///
/// # Errors
/// The folder is not writable, the disk is full, or the file is there and must not be replaced.
pub fn write_file(path: &Path, bytes: &[u8], writing: Writing) -> Result<(), StoreError> {
    write_file_with(path, writing, |out| out.write_all(bytes))
}

/// Tries whether files can be written into a folder, and leaves nothing behind.
///
/// # Errors
/// They cannot.
pub fn check_writable(folder: &Path) -> Result<(), StoreError> {
    let tried = tempfile::Builder::new()
        .prefix(".linkwright-")
        .tempfile_in(folder);
    tried.map(drop).map_err(|source| StoreError::Write {
        path: folder.to_string_lossy().into_owned(),
        source: without_temporary_name(&source),
    })
}

/// Tries whether a file can be written at a path, as far as that can be told before.
///
/// # Errors
/// It cannot.
pub fn check_place(path: &Path) -> Result<(), StoreError> {
    if new_file::is_stream(path) {
        return Ok(());
    }
    check_writable(&folder_of(path))
}

/// Removes a file.
///
/// # Errors
/// It cannot be removed.
pub fn remove_file(path: &Path) -> Result<(), StoreError> {
    std::fs::remove_file(path).map_err(|source| StoreError::Write {
        path: path.to_string_lossy().into_owned(),
        source,
    })
}

/// The files in a folder whose names start and end so, sorted.
///
/// # Errors
/// The folder cannot be read.
pub fn find_files(folder: &Path, start: &str, end: &str) -> Result<Vec<PathBuf>, StoreError> {
    let failed = |source| StoreError::Read {
        path: folder.to_string_lossy().into_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(start) && name.ends_with(end) {
            found.push(entry.path());
        }
    }
    found.sort();
    Ok(found)
}

/// The crate for temporary files adds their names, which mean nothing to a reader.
fn without_temporary_name(error: &io::Error) -> io::Error {
    let text = error.to_string();
    let what = text.split(" at path ").next().unwrap_or_default();
    io::Error::new(error.kind(), what.to_owned())
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => PathBuf::from("."),
        Some(parent) => parent.to_owned(),
        None => PathBuf::from("."),
    }
}

#[cfg(test)]
mod tests;
