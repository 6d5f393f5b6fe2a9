//! Where paths lead: canonical paths, the targets of links, and which of the system's errors say that
//! there is nothing.

use std::collections::BTreeSet;
use std::fs::{self, Metadata};
use std::io;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::RecordError;

/// The folder that an empty path stands for.
pub(super) fn or_dot(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

/// `None` if the link points nowhere.
pub(super) fn target_metadata(link: &Path) -> Result<Option<Metadata>, RecordError> {
    match fs::metadata(link) {
        Ok(metadata) => Ok(Some(metadata)),
        Err(source) if is_absence(&source) => Ok(None),
        Err(source) => Err(read_error(link, source)),
    }
}

/// Whether an error says that there is nothing: no entry, a file where a folder would have to be,
/// or links that only lead to each other.
fn is_absence(error: &io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::NOENT | Errno::NOTDIR | Errno::LOOP)
    )
}

pub(super) fn canonical(path: &Path) -> Result<PathBuf, RecordError> {
    fs::canonicalize(path).map_err(|source| read_error(path, source))
}

pub(super) fn absent_or_unreadable(path: &Path, source: io::Error) -> RecordError {
    if is_absence(&source) {
        return RecordError::Missing {
            path: path.to_owned(),
        };
    }
    read_error(path, source)
}

pub(super) fn read_error(path: &Path, source: io::Error) -> RecordError {
    RecordError::Read {
        path: path.to_owned(),
        source,
    }
}

/// Paths with canonical parents, so that they can be compared with canonical ones. A parent that is
/// not there holds nothing to leave out.
pub(super) fn with_canonical_parents(paths: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
    let canonical = |path: &PathBuf| {
        let parent = fs::canonicalize(or_dot(path.parent()?)).ok()?;
        Some(parent.join(path.file_name()?))
    };
    paths
        .iter()
        .map(|path| canonical(path).unwrap_or_else(|| path.clone()))
        .collect()
}
