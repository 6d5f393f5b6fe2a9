//! The folder that the commands of inspections get: a copy of the caller's, and a home and a place for
//! temporary files beside it. Whatever they do, the caller's own files stay as they are.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::exec::{Tidy, open_up};

use super::copy::{Copied, Copier, CopyError};

/// One private folder. Removed when it is dropped, or before a signal ends this process. Fields go in
/// this order: the signals are held back longest.
#[derive(Debug)]
pub(super) struct Private {
    /// Removes it; what the command made so that it cannot be removed is made otherwise before.
    holder: TempDir,
    base: PathBuf,
    /// Device and inode of [`work`](Self::work).
    identity: (u64, u64),
    copied: Copied,
    _tidy: Tidy,
}

impl Private {
    /// Copies the folder. What is copied belongs to `owner`, if it is to be somebody else's. Of the
    /// paths of evidence, those that are in the folder are known by name afterwards.
    pub(super) fn copy_of<'a>(
        folder: &Path,
        evidence: impl Iterator<Item = &'a Path>,
        owner: Option<u32>,
    ) -> Result<Self, CopyError> {
        let unmade = |source: io::Error| CopyError::Write {
            path: std::path::absolute("inspection").unwrap_or_default(),
            source,
        };
        let tidy = Tidy::begin().map_err(unmade)?;
        let undisturbed = tidy.undisturbed().map_err(unmade)?;
        let holder = TempDir::with_prefix("linkwright-inspection-").map_err(unmade)?;
        undisturbed.made(holder.path());
        let base = fs::canonicalize(holder.path()).map_err(unmade)?;
        let made = |path: &Path, done: io::Result<()>| {
            done.map_err(|source| CopyError::Write {
                path: path.to_owned(),
                source,
            })
        };
        for name in ["work", "home", "tmp"] {
            let path = base.join(name);
            made(&path, fs::create_dir(&path))?;
            made(
                &path,
                fs::set_permissions(&path, Permissions::from_mode(0o700)),
            )?;
            if owner.is_some() {
                made(&path, chown(&path, owner, owner))?;
            }
        }
        if owner.is_some() {
            // Whoever is not us goes through it, and sees no name in it.
            made(
                &base,
                fs::set_permissions(&base, Permissions::from_mode(0o711)),
            )?;
        }
        let known = evidence.filter_map(whole);
        let copier = Copier::new(folder, &base.join("work"), known.collect(), owner)?;
        let copied = copier.copy()?;
        let identity = fs::symlink_metadata(base.join("work")).map_err(unmade)?;
        let identity = (identity.dev(), identity.ino());
        Ok(Self {
            holder,
            base,
            identity,
            copied,
            _tidy: tidy,
        })
    }

    pub(super) fn base(&self) -> &Path {
        &self.base
    }

    pub(super) fn work(&self) -> PathBuf {
        self.base.join("work")
    }

    /// Whether [`work`](Self::work) is still the folder that was made, and not a link, say.
    pub(super) fn is_in_place(&self) -> bool {
        fs::symlink_metadata(self.work())
            .is_ok_and(|found| (found.dev(), found.ino()) == self.identity)
    }

    /// The evidence that lies in [`work`](Self::work) as it was copied. What a command put in its
    /// place is nothing that was verified.
    pub(super) fn evidence(&self) -> BTreeSet<PathBuf> {
        let evidence = self.copied.evidence.iter();
        evidence
            .filter(|(path, imprint)| imprint.is_still_of(path))
            .map(|(path, _)| path.clone())
            .collect()
    }

    /// What was not copied because it is neither file nor folder.
    pub(super) fn left_out(&self) -> &BTreeSet<String> {
        &self.copied.left_out
    }
}

/// The path without links in its folder's path.
fn whole(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    Some(fs::canonicalize(folder).ok()?.join(path.file_name()?))
}

impl Drop for Private {
    fn drop(&mut self) {
        open_up(self.holder.path());
    }
}
