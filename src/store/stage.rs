//! Files on their way to where they are released: copied into a private folder, judged there, and
//! put in their place under one rename.
//!
//! What is hashed is the copy, in a folder that only its owner can enter (mode 0700), and what is
//! released is that copy: nobody who can change the files as they were handed in can change what was
//! judged. Copies stand under numbers until the end; no name from outside becomes a path before it is
//! known to stay inside. A stage that is dropped leaves nothing behind.

use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Read as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, RenameFlags};
use rustix::io::Errno;
use tempfile::TempDir;

use crate::model::quoted;

use super::folder_of;

/// Where the numbered copies are.
const COPIES: &str = "copies";
/// What is put in its place at the end.
const WHOLE: &str = "whole";
/// The permissions that a copy keeps: those of its owner, group and others, and no set-uid bit.
const KEPT_MODE: u32 = 0o777;
/// What the owner of a copy may do whatever the file allowed: read it, to hash it.
const OWN_MODE: u32 = 0o400;

/// Why files could not be taken or released.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The place is taken.
    #[error("{} exists already", quoted(path))]
    Exists {
        /// The place.
        path: String,
    },
    /// The private folder cannot be made or written to.
    #[error("cannot write into {}: {source}", quoted(path))]
    Write {
        /// Where.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A file cannot be read.
    #[error("cannot read {}: {source}", quoted(path))]
    Read {
        /// The file.
        path: String,
        /// What the system said.
        source: io::Error,
    },
    /// A named pipe, a device, a socket, a folder.
    #[error("{} is no regular file", quoted(path))]
    NotAFile {
        /// The path.
        path: String,
    },
    /// A link leads out of what was named.
    #[error("{} leads out of the paths that were given", quoted(path))]
    Outside {
        /// The path.
        path: String,
    },
    /// A name that is no path below a folder.
    #[error(
        "the name {} does not stay inside a folder, so it cannot be released into one",
        quoted(name)
    )]
    Name {
        /// The name.
        name: String,
    },
    /// Two names that are one here, or a file where a folder would have to be.
    #[error("{} cannot be released beside the others: {source}", quoted(name))]
    Place {
        /// The name.
        name: String,
        /// What the system said.
        source: io::Error,
    },
}

/// A private folder with copies.
#[derive(Debug)]
pub struct Stage {
    folder: TempDir,
    target: PathBuf,
    copies: usize,
}

impl Stage {
    /// Makes the private folder beside the place where everything is to be released, which must be
    /// free.
    ///
    /// # Errors
    /// The place is taken, or nothing can be written beside it.
    pub fn beside(target: &Path) -> Result<Self, StageError> {
        check_free(target)?;
        let around = folder_of(target);
        let failed = |source| write_error(&around, &source);
        let folder = tempfile::Builder::new()
            .prefix(".linkwright-")
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&around)
            .map_err(failed)?;
        DirBuilder::new()
            .mode(0o700)
            .create(folder.path().join(COPIES))
            .map_err(failed)?;
        Ok(Self {
            folder,
            target: target.to_owned(),
            copies: 0,
        })
    }

    /// The private folder, for who has to remove it when this process ends.
    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Where the copies are, under their numbers.
    pub fn copies(&self) -> PathBuf {
        self.folder.path().join(COPIES)
    }

    /// Copies a file and gives the name of its copy. It must be a regular file at or below one of the
    /// roots, which are canonical paths.
    ///
    /// # Errors
    /// It is not, or it cannot be read, or the copy cannot be written.
    pub fn take(&mut self, path: &Path, roots: &[PathBuf]) -> Result<String, StageError> {
        let shown = || path.to_string_lossy().into_owned();
        let read_error = |source| StageError::Read {
            path: shown(),
            source,
        };
        let real = path.canonicalize().map_err(read_error)?;
        if !roots.iter().any(|root| real.starts_with(root)) {
            return Err(StageError::Outside { path: shown() });
        }
        let file = open_without_links(&real).map_err(read_error)?;
        let metadata = file.metadata().map_err(read_error)?;
        if !metadata.is_file() {
            return Err(StageError::NotAFile { path: shown() });
        }
        let name = self.copies.to_string();
        self.copies += 1;
        let copy = self.copies().join(&name);
        let failed = |source: io::Error| write_error(&copy, &source);
        let mode = metadata.permissions().mode() & KEPT_MODE | OWN_MODE;
        let mut out = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&copy)
            .map_err(failed)?;
        // A file that grows as fast as it is copied would keep this going for ever.
        io::copy(&mut file.take(metadata.len()), &mut out).map_err(failed)?;
        Ok(name)
    }

    /// Puts the copies in their place, each under its name, all at once. Copies that are not among
    /// them are not released.
    ///
    /// # Errors
    /// A name leads out of the folder, two names cannot stand side by side, the place was taken
    /// meanwhile, or the disk is full. Nothing is released then.
    pub fn release<'a>(
        self,
        files: impl IntoIterator<Item = (&'a str, &'a str)>,
    ) -> Result<(), StageError> {
        let whole = self.folder.path().join(WHOLE);
        let failed = |source: io::Error| write_error(&self.target, &source);
        std::fs::create_dir(&whole).map_err(failed)?;
        for (name, copy) in files {
            let place = whole.join(inside(name)?);
            let refused = |source| StageError::Place {
                name: name.to_owned(),
                source,
            };
            std::fs::create_dir_all(folder_of(&place)).map_err(refused)?;
            // Nobody else can come in between: the folder is private.
            if place.symlink_metadata().is_ok() {
                return Err(refused(io::ErrorKind::AlreadyExists.into()));
            }
            std::fs::rename(self.copies().join(copy), &place).map_err(refused)?;
        }
        let opened = File::open(&whole).map_err(failed)?;
        rustix::fs::syncfs(&opened).map_err(|errno| failed(errno.into()))?;
        put(&whole, &self.target)
    }
}

/// The name as a path that stays inside whatever folder it is put into.
///
/// # Errors
/// It is absolute, or has a part that is empty, `.` or `..`.
pub fn inside(name: &str) -> Result<&Path, StageError> {
    let path = Path::new(name);
    let plain = path
        .components()
        .all(|part| matches!(part, Component::Normal(_)));
    // `components` passes over `//` and `/.`, which would make two names of one.
    let exact = name.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if plain && exact && !name.contains('\0') {
        Ok(path)
    } else {
        Err(StageError::Name {
            name: name.to_owned(),
        })
    }
}

fn put(whole: &Path, target: &Path) -> Result<(), StageError> {
    match rustix::fs::renameat_with(CWD, whole, CWD, target, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(exists(target)),
        // Not every file system can do it at once. Of what could come in between, only an empty
        // folder is replaced.
        Err(Errno::INVAL | Errno::NOSYS) => {
            check_free(target)?;
            std::fs::rename(whole, target).map_err(|source| write_error(target, &source))
        }
        Err(errno) => Err(write_error(target, &errno.into())),
    }
}

fn check_free(target: &Path) -> Result<(), StageError> {
    match target.symlink_metadata() {
        Ok(_) => Err(exists(target)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(source) => Err(write_error(target, &source)),
    }
}

/// Opens what a canonical path leads to. A link that was put there since is not followed, and a named
/// pipe does not block.
fn open_without_links(real: &Path) -> io::Result<File> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOCTTY;
    #[cfg(target_os = "linux")]
    match rustix::fs::openat2(
        CWD,
        real,
        flags,
        Mode::empty(),
        rustix::fs::ResolveFlags::NO_SYMLINKS | rustix::fs::ResolveFlags::NO_MAGICLINKS,
    ) {
        // A system or a sandbox that does not have it.
        Err(Errno::NOSYS | Errno::PERM) => {}
        opened => return Ok(File::from(opened?)),
    }
    Ok(File::from(rustix::fs::open(
        real,
        flags | OFlags::NOFOLLOW,
        Mode::empty(),
    )?))
}

fn exists(target: &Path) -> StageError {
    StageError::Exists {
        path: target.to_string_lossy().into_owned(),
    }
}

fn write_error(path: &Path, source: &io::Error) -> StageError {
    StageError::Write {
        path: path.to_string_lossy().into_owned(),
        source: super::without_temporary_name(source),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use super::*;

    /// A folder with `in/` in it, and the canonical path of that.
    fn folder() -> (TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("in")).unwrap();
        let root = folder.path().join("in").canonicalize().unwrap();
        (folder, root)
    }

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_taken_is_released_under_its_names_with_its_modes() {
        let (folder, root) = folder();
        fs::write(root.join("a"), "1").unwrap();
        fs::write(root.join("tool"), "2").unwrap();
        fs::set_permissions(root.join("tool"), Permissions::from_mode(0o4755)).unwrap();
        let target = folder.path().join("out");
        let mut stage = Stage::beside(&target).unwrap();
        let mode = stage.path().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        let roots = [root.clone()];
        let a = stage.take(&root.join("a"), &roots).unwrap();
        let tool = stage.take(&root.join("tool"), &roots).unwrap();
        let extra = stage.take(&root.join("a"), &roots).unwrap();
        fs::write(root.join("a"), "changed since").unwrap();
        assert_ne!(a, extra);
        let files = [("x/y/a", a.as_str()), ("tool", tool.as_str())];
        stage.release(files).unwrap();
        assert_eq!(names(folder.path()), ["in", "out"]);
        assert_eq!(names(&target), ["tool", "x"]);
        assert_eq!(fs::read(target.join("x/y/a")).unwrap(), b"1");
        let mode = target.join("tool").metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o4100, 0o100, "run by its owner, as itself");
    }

    #[test]
    fn only_regular_files_below_the_roots_are_taken() {
        let (folder, root) = folder();
        fs::write(folder.path().join("secret"), "s").unwrap();
        symlink("../secret", root.join("out")).unwrap();
        symlink("here", root.join("link")).unwrap();
        fs::write(root.join("here"), "h").unwrap();
        rustix::fs::mkfifoat(CWD, root.join("pipe"), Mode::RUSR | Mode::WUSR).unwrap();
        symlink("/dev/zero", root.join("device")).unwrap();
        let mut stage = Stage::beside(&folder.path().join("new")).unwrap();
        let mut take = |name: &str| stage.take(&root.join(name), std::slice::from_ref(&root));
        assert!(take("link").is_ok());
        assert!(matches!(take("out"), Err(StageError::Outside { .. })));
        assert!(matches!(take("device"), Err(StageError::Outside { .. })));
        assert!(matches!(take("pipe"), Err(StageError::NotAFile { .. })));
        assert!(matches!(take("none"), Err(StageError::Read { .. })));
        assert!(take("../in").is_err(), "a folder");
    }

    #[test]
    fn a_link_put_in_the_place_of_a_canonical_path_is_not_followed() {
        let (folder, root) = folder();
        fs::create_dir(folder.path().join("else")).unwrap();
        fs::write(folder.path().join("else/f"), "secret").unwrap();
        fs::create_dir(root.join("d")).unwrap();
        fs::write(root.join("d/f"), "f").unwrap();
        let real = root.join("d/f");
        assert!(open_without_links(&real).is_ok());
        fs::remove_file(&real).unwrap();
        symlink(folder.path().join("else/f"), &real).unwrap();
        assert!(open_without_links(&real).is_err());
        fs::remove_file(&real).unwrap();
        fs::remove_dir(root.join("d")).unwrap();
        symlink(folder.path().join("else"), root.join("d")).unwrap();
        if cfg!(target_os = "linux") {
            assert!(open_without_links(&real).is_err());
        }
    }

    #[test]
    fn names_that_lead_elsewhere_are_not_released() {
        for name in [
            "",
            ".",
            "..",
            "/etc/x",
            "a/../../x",
            "a/..",
            "a//b",
            "./a",
            "a/",
            "a\0b",
        ] {
            assert!(
                matches!(inside(name), Err(StageError::Name { .. })),
                "{name:?}"
            );
            let (folder, root) = folder();
            fs::write(root.join("a"), "1").unwrap();
            let target = folder.path().join("out");
            let mut stage = Stage::beside(&target).unwrap();
            let copy = stage
                .take(&root.join("a"), std::slice::from_ref(&root))
                .unwrap();
            assert!(stage.release([(name, copy.as_str())]).is_err(), "{name:?}");
            assert_eq!(names(folder.path()), ["in"], "{name:?}");
        }
        for name in ["a", "a/b", "...", "a b", "-rf", "a\nb", ".hidden", "a\\b"] {
            assert!(inside(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn names_that_cannot_stand_side_by_side_release_nothing() {
        for pair in [["a", "a"], ["a", "a/b"], ["a/b", "a"]] {
            let (folder, root) = folder();
            fs::write(root.join("f"), "1").unwrap();
            let mut stage = Stage::beside(&folder.path().join("out")).unwrap();
            let copies = [(); 2].map(|()| {
                stage
                    .take(&root.join("f"), std::slice::from_ref(&root))
                    .unwrap()
            });
            let files = pair.iter().zip(&copies);
            let released = stage.release(files.map(|(name, copy)| (*name, copy.as_str())));
            assert!(
                matches!(released, Err(StageError::Place { .. })),
                "{pair:?}"
            );
            assert_eq!(names(folder.path()), ["in"], "{pair:?}");
        }
    }

    #[test]
    fn a_place_that_is_taken_stays_as_it_is() {
        let (folder, _) = folder();
        symlink("nowhere", folder.path().join("broken")).unwrap();
        for name in ["in", "broken"] {
            let refused = Stage::beside(&folder.path().join(name));
            assert!(matches!(refused, Err(StageError::Exists { .. })), "{name}");
        }
        let target = folder.path().join("out");
        let stage = Stage::beside(&target).unwrap();
        fs::create_dir(&target).unwrap();
        let refused = stage.release([]);
        assert!(
            matches!(refused, Err(StageError::Exists { .. })),
            "taken meanwhile"
        );
        assert_eq!(names(folder.path()), ["broken", "in", "out"]);
    }
}
