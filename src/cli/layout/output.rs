//! Where the commands for layouts write: never over a file of which nobody said so.
//!
//! What is there is refused without `--force`, and what the output was made from, or a private key, even with
//! it. A layout may be signed again over the one that was signed before.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use crate::model::{Layout, quoted};
use crate::store::{self, StoreError, Writing};

use super::super::failure::{Failure, answer};
use super::given::payload;

/// What may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replace {
    Nothing,
    /// A layout in its envelope.
    Layout,
    Anything,
}

impl Replace {
    /// What the option `--force` says.
    pub(super) fn by(force: bool) -> Self {
        match force {
            true => Self::Anything,
            false => Self::Nothing,
        }
    }
}

/// Writes what was made from the file `source`, to another file or else to standard output.
pub(super) fn write(
    output: Option<&Path>,
    text: &str,
    source: &Path,
    replace: Replace,
) -> Result<(), Failure> {
    let Some(path) = output else {
        return answer(text.as_bytes());
    };
    if is_stream(path) {
        return store::write_file(path, text.as_bytes(), Writing::Public).map_err(Failure::failed);
    }
    if is_same(path, source) {
        return Err(Failure::failed(format!(
            "{} is what the output is made from, and would be lost",
            quoted(&path.to_string_lossy())
        ))
        .hint("choose another name with --output"));
    }
    let writing = match replace {
        Replace::Nothing => Writing::PublicNew,
        Replace::Layout if path.symlink_metadata().is_err() => Writing::PublicNew,
        Replace::Layout if !is_layout(path) => return Err(exists(path)),
        Replace::Layout | Replace::Anything => Writing::Public,
    };
    match store::write_file(path, text.as_bytes(), writing) {
        Err(StoreError::Exists { .. }) => Err(exists(path)),
        other => other.map_err(Failure::failed),
    }
}

/// What is said of a file that is there.
pub(super) fn exists(path: &Path) -> Failure {
    Failure::failed(format!(
        "{} exists already",
        quoted(&path.to_string_lossy())
    ))
    .hint("choose another name with --output, or replace it with --force")
}

/// Whether both are the same file, by whatever names.
pub(super) fn is_same(one: &Path, other: &Path) -> bool {
    let place = |path: &Path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.dev(), metadata.ino()))
    };
    place(one).is_some_and(|found| place(other) == Some(found))
}

/// Whether it takes what is written and keeps nothing: a pipe, a terminal, standard output by its name.
pub(super) fn is_stream(path: &Path) -> bool {
    let named = ["/dev/stdout", "/dev/stderr", "/dev/fd", "/proc/self/fd"];
    let special = |metadata: fs::Metadata| !metadata.is_file() && !metadata.is_dir();
    named.iter().any(|stream| path.starts_with(stream)) || path.metadata().is_ok_and(special)
}

/// Whether a file holds a layout in its envelope.
fn is_layout(path: &Path) -> bool {
    let found = store::read_file(path)
        .ok()
        .and_then(|bytes| payload(&bytes).ok());
    found.is_some_and(|(value, envelope)| envelope.is_some() && Layout::from_value(&value).is_ok())
}
