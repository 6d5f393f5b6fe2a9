//! A file that appears whole or not at all.
//!
//! It is made without a name, where the file system can do that, so that nothing is left of it whenever
//! this process ends; elsewhere under a temporary name beside its place. A symbolic link that stands in
//! its place is replaced, not followed. Only what is never made again, a new key, is also on the disk
//! before it has its name; anything else may be lost or empty after a loss of power.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read as _, Write};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, CWD, Mode, OFlags};
use tempfile::NamedTempFile;

use super::{MAX_SECRET_BYTES, StoreError, Writing, folder_of, without_temporary_name};

/// How the names begin under which files are made before they have their own.
const PREFIX: &str = ".linkwright-";

/// A file that is being written, or a stream that takes its place.
#[derive(Debug)]
pub struct NewFile<'f> {
    file: &'f mut File,
    is_stream: bool,
}

impl NewFile<'_> {
    /// Whether [`begin_anew`](Self::begin_anew) can be used: not with what is sent on at once.
    pub fn can_begin_anew(&self) -> bool {
        !self.is_stream
    }

    /// Puts something else in the place of what was written first.
    ///
    /// # Errors
    /// The two are not of the same length, and what the system says.
    pub fn begin_anew(&mut self, old: &[u8], new: &[u8]) -> io::Result<()> {
        if self.is_stream || old.len() != new.len() {
            let message = "its beginning has another length than was expected";
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        self.file.write_all_at(new, 0)
    }
}

impl Write for NewFile<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a file whole or not at all, piece by piece.
///
/// # Errors
/// As [`write_file`](super::write_file), and what `write` says.
pub fn write_file_with(
    path: &Path,
    writing: Writing,
    write: impl FnOnce(&mut NewFile<'_>) -> io::Result<()>,
) -> Result<(), StoreError> {
    let failed = |source| StoreError::Write {
        path: path.to_string_lossy().into_owned(),
        source: without_temporary_name(&source),
    };
    if writing == Writing::Public && is_stream(path) {
        let opened = OpenOptions::new().write(true).open(path);
        return opened
            .and_then(|mut file| {
                write(&mut NewFile {
                    file: &mut file,
                    is_stream: true,
                })
            })
            .map_err(failed);
    }
    if writing == Writing::Public && holds_private_key(path).map_err(failed)? {
        return Err(StoreError::PrivateKey {
            path: path.to_string_lossy().into_owned(),
        });
    }
    let mode = match writing {
        Writing::Public | Writing::PublicNew => 0o666,
        Writing::Private | Writing::PrivateNew => 0o600,
    };
    let mut made = Made::new(&folder_of(path), mode).map_err(failed)?;
    write(&mut NewFile {
        file: made.file(),
        is_stream: false,
    })
    .map_err(failed)?;
    if writing == Writing::Public
        && let Ok(metadata) = path.metadata()
    {
        // A file that is replaced stays as readable as it was.
        let permissions = metadata.permissions();
        made.file().set_permissions(permissions).map_err(failed)?;
    }
    match writing {
        Writing::Public | Writing::Private => made.replace(path).map_err(failed),
        Writing::PublicNew | Writing::PrivateNew => {
            made.file().sync_all().map_err(failed)?;
            made.create(path).map_err(|error| {
                if error.kind() == io::ErrorKind::AlreadyExists {
                    return StoreError::Exists {
                        path: path.to_string_lossy().into_owned(),
                    };
                }
                failed(error)
            })
        }
    }
}

/// Whether a file has one in it, as PEM. What cannot be read may be one, which is an error.
fn holds_private_key(path: &Path) -> io::Result<bool> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    const KIND: &[u8] = b"PRIVATE KEY";
    let length = match path.metadata() {
        Ok(metadata) if metadata.is_file() => metadata.len(),
        _ => return Ok(false),
    };
    if length > MAX_SECRET_BYTES {
        return Ok(false);
    }
    let mut bytes = Vec::new();
    let file = File::open(path)?;
    file.take(MAX_SECRET_BYTES).read_to_end(&mut bytes)?;
    let mut lines = bytes.split(|byte| *byte == b'\n');
    Ok(lines
        .any(|line| line.starts_with(BEGIN) && line.windows(KIND.len()).any(|part| part == KIND)))
}

/// A file that has not its name yet.
enum Made {
    /// And no other.
    Nameless {
        file: File,
        folder: PathBuf,
    },
    Temporary(NamedTempFile),
}

impl Made {
    fn new(folder: &Path, mode: u32) -> io::Result<Self> {
        let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
        if let Ok(file) = rustix::fs::openat(CWD, folder, flags, Mode::from_raw_mode(mode)) {
            let nameless = Self::Nameless {
                file: file.into(),
                folder: folder.to_owned(),
            };
            // Where it is to be named from.
            if nameless.handle().is_some_and(|handle| handle.exists()) {
                return Ok(nameless);
            }
        }
        tempfile::Builder::new()
            .prefix(PREFIX)
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder)
            .map(Self::Temporary)
    }

    fn file(&mut self) -> &mut File {
        match self {
            Self::Nameless { file, .. } => file,
            Self::Temporary(file) => file.as_file_mut(),
        }
    }

    fn handle(&self) -> Option<PathBuf> {
        match self {
            Self::Nameless { file, .. } => {
                Some(format!("/proc/self/fd/{}", file.as_raw_fd()).into())
            }
            Self::Temporary(_) => None,
        }
    }

    /// Gives it a name that nothing has.
    fn link(&self, name: &Path) -> io::Result<()> {
        let handle = self.handle().ok_or(io::ErrorKind::Unsupported)?;
        rustix::fs::linkat(CWD, handle, CWD, name, AtFlags::SYMLINK_FOLLOW)?;
        Ok(())
    }

    fn replace(self, path: &Path) -> io::Result<()> {
        match self {
            // Only a rename replaces, and that needs a name to begin with.
            Self::Nameless { ref folder, .. } => tempfile::Builder::new()
                .prefix(PREFIX)
                .make_in(folder, |name| self.link(name))?
                .persist(path)
                .map(drop)
                .map_err(|error| error.error),
            Self::Temporary(file) => file.persist(path).map(drop).map_err(|error| error.error),
        }
    }

    fn create(self, path: &Path) -> io::Result<()> {
        match self {
            Self::Nameless { .. } => self.link(path),
            Self::Temporary(file) => {
                file.persist_noclobber(path).map_err(|error| error.error)?;
                Ok(())
            }
        }
    }
}

/// Whether a path leads to something that is written to and not replaced: a device, a named pipe,
/// `/dev/stdout`.
pub(super) fn is_stream(path: &Path) -> bool {
    let special = |metadata: std::fs::Metadata| !metadata.is_file() && !metadata.is_dir();
    path.starts_with("/dev") || path.starts_with("/proc") || path.metadata().is_ok_and(special)
}
