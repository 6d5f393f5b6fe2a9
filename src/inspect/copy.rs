//! Copies a folder so that nothing that is done to the copy reaches the original.
//!
//! Contents share their blocks with the original where the file system can do that (a reflink) and are
//! copied otherwise; holes stay holes. Never by a hard link, through which one could write. Modes
//! (without set-user-ID and its like) and times of files are kept, owners are not.
//!
//! Symbolic links that stay in the folder stay links. One that leads to a file or folder outside is
//! refused: nobody gave that to the command or into the report, and left out it would be out of the rules'
//! sight. Named pipes, sockets, devices, links to them and into `/proc` and `/sys`, and evidence that is a
//! link out of the folder are left out and named.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File, FileTimes, Metadata, Permissions};
use std::io::{self, Read as _, Seek as _};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, fchown, lchown, symlink};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{Mode, OFlags, SeekFrom, ioctl_ficlone, open, seek};
use rustix::io::Errno;
use thiserror::Error;

use super::imprint::Imprint;
use crate::record::is_made_up;

/// How many bytes are copied at most, apart from those that share their blocks: 64 GiB. More is hardly
/// a product.
const COPY_LIMIT: u64 = 64 << 30;

/// How many entries are copied at most: 10 million.
const ENTRY_LIMIT: u64 = 10_000_000;

/// Why a folder cannot be copied.
#[derive(Debug, Error)]
pub(super) enum CopyError {
    /// The original.
    #[error("cannot read `{}` to copy it: {source}", path.display())]
    Read { path: PathBuf, source: io::Error },
    /// The copy.
    #[error("cannot make the copy `{}`: {source}", path.display())]
    Write { path: PathBuf, source: io::Error },
    /// A link to what is not in the folder.
    #[error(
        "the symbolic link `{}` leads to `{}`, out of the folder; replace it by what it leads to",
        link.display(), target.display()
    )]
    Outside { link: PathBuf, target: PathBuf },
    /// Too much.
    #[error("the folder has more than {COPY_LIMIT} bytes or {ENTRY_LIMIT} entries to copy")]
    TooMuch,
}

/// What is known of a copy.
#[derive(Debug, Default)]
pub(super) struct Copied {
    /// Where evidence stands in it, and what is there.
    pub(super) evidence: BTreeMap<PathBuf, Imprint>,
    /// What is no file and no folder, by its path in the folder.
    pub(super) left_out: BTreeSet<String>,
}

/// One copy on its way.
pub(super) struct Copier {
    root: PathBuf,
    target: PathBuf,
    evidence: BTreeSet<PathBuf>,
    owner: Option<u32>,
    shares_blocks: bool,
    bytes: u64,
    entries: u64,
    copied: Copied,
}

/// A folder to copy, and where it goes.
struct Folder {
    source: PathBuf,
    target: PathBuf,
}

impl Copier {
    /// Into the empty folder `target`, an absolute path without links. So are those of `evidence`.
    pub(super) fn new(
        folder: &Path,
        target: &Path,
        evidence: BTreeSet<PathBuf>,
        owner: Option<u32>,
    ) -> Result<Self, CopyError> {
        let root = fs::canonicalize(folder).map_err(|source| unread(folder, source))?;
        Ok(Self {
            root,
            target: target.to_owned(),
            evidence,
            owner,
            shares_blocks: true,
            bytes: 0,
            entries: 0,
            copied: Copied::default(),
        })
    }

    pub(super) fn copy(mut self) -> Result<Copied, CopyError> {
        let mut left = vec![Folder {
            source: self.root.clone(),
            target: self.target.clone(),
        }];
        while let Some(folder) = left.pop() {
            let unreadable = |source| unread(&folder.source, source);
            for entry in fs::read_dir(&folder.source).map_err(unreadable)? {
                let name = entry.map_err(unreadable)?.file_name();
                self.entries += 1;
                if self.entries > ENTRY_LIMIT {
                    return Err(CopyError::TooMuch);
                }
                left.extend(self.entry(&folder, Path::new(&name))?);
            }
        }
        Ok(self.copied)
    }

    /// Copies what has no entries of its own; a folder is made and given back.
    fn entry(&mut self, folder: &Folder, name: &Path) -> Result<Option<Folder>, CopyError> {
        let (source, target) = (folder.source.join(name), folder.target.join(name));
        let metadata = source
            .symlink_metadata()
            .map_err(|error| unread(&source, error))?;
        if metadata.is_symlink() {
            self.link(&source, &target)?;
            return Ok(None);
        }
        if metadata.is_dir() {
            self.make_folder(&target, &metadata)?;
            return Ok(Some(Folder { source, target }));
        }
        if metadata.is_file() {
            self.file(&source, &target)?;
            if self.evidence.contains(&source) {
                let imprint = Imprint::of(&target).map_err(|error| unread(&target, error))?;
                self.copied.evidence.insert(target, imprint);
            }
        } else {
            self.leave_out(&target);
        }
        Ok(None)
    }

    fn leave_out(&mut self, target: &Path) {
        let shown = target.strip_prefix(&self.target).unwrap_or(target);
        let shown = shown.to_string_lossy().into_owned();
        self.copied.left_out.insert(shown);
    }

    fn link(&mut self, source: &Path, target: &Path) -> Result<(), CopyError> {
        let text = fs::read_link(source).map_err(|error| unread(source, error))?;
        let Ok(led_to) = fs::canonicalize(source) else {
            // It leads nowhere, and shall not begin to lead somewhere in the copy.
            return self.make_link(target, &text);
        };
        match led_to.strip_prefix(&self.root) {
            Ok(_) if stays(&text, target, &self.target) => self.make_link(target, &text),
            Ok(inside) => self.make_link(target, &self.target.join(inside)),
            Err(_) => {
                let metadata = fs::metadata(&led_to).map_err(|error| unread(source, error))?;
                let is_plain = metadata.is_file() || metadata.is_dir();
                if is_plain && !is_made_up(&metadata) && !self.evidence.contains(source) {
                    return Err(CopyError::Outside {
                        link: source.to_owned(),
                        target: led_to,
                    });
                }
                self.leave_out(target);
                Ok(())
            }
        }
    }

    fn make_folder(&self, target: &Path, metadata: &Metadata) -> Result<(), CopyError> {
        let unmade = |error| unwritten(target, error);
        // We still have to write into it.
        let mode = metadata.permissions().mode() & 0o777 | 0o700;
        fs::DirBuilder::new()
            .mode(mode)
            .create(target)
            .map_err(unmade)?;
        fs::set_permissions(target, Permissions::from_mode(mode)).map_err(unmade)?;
        self.give(target)
    }

    fn make_link(&self, target: &Path, text: &Path) -> Result<(), CopyError> {
        symlink(text, target).map_err(|error| unwritten(target, error))?;
        self.give(target)
    }

    fn give(&self, target: &Path) -> Result<(), CopyError> {
        match self.owner {
            None => Ok(()),
            owner => lchown(target, owner, owner).map_err(|error| unwritten(target, error)),
        }
    }

    fn file(&mut self, source: &Path, target: &Path) -> Result<(), CopyError> {
        let unreadable = |error| unread(source, error);
        // Without waiting, should it have become a named pipe by now.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK | OFlags::NOFOLLOW;
        let mut from = open(source, flags, Mode::empty())
            .map(File::from)
            .map_err(|error| unreadable(error.into()))?;
        let metadata = from.metadata().map_err(unreadable)?;
        let unmade = |error| unwritten(target, error);
        let mut to = File::create_new(target).map_err(unmade)?;
        if !(self.shares_blocks && ioctl_ficlone(&to, &from).is_ok()) {
            // One refusal is the file system's answer for all, as a rule.
            self.shares_blocks = false;
            self.contents(&mut from, &mut to, source, target)?;
            to.set_len(metadata.len()).map_err(unmade)?;
        }
        if let Ok(time) = metadata.modified() {
            to.set_times(FileTimes::new().set_modified(time))
                .map_err(unmade)?;
        }
        if self.owner.is_some() {
            fchown(&to, self.owner, self.owner).map_err(unmade)?;
        }
        // Root could write whatever the mode, and whoever stands for it shall.
        let writable = if self.owner.is_some() { 0o600 } else { 0 };
        let mode = metadata.permissions().mode() & 0o777 | writable;
        to.set_permissions(Permissions::from_mode(mode))
            .map_err(unmade)
    }

    /// Copies what is not a hole.
    fn contents(
        &mut self,
        from: &mut File,
        to: &mut File,
        source: &Path,
        target: &Path,
    ) -> Result<(), CopyError> {
        let unreadable = |error: Errno| unread(source, error.into());
        let mut at = 0;
        loop {
            let begin = match seek(&*from, SeekFrom::Data(at)) {
                Ok(begin) => begin,
                // Behind the last content.
                Err(Errno::NXIO) => return Ok(()),
                // A file system that knows no holes.
                Err(Errno::INVAL) => at,
                Err(error) => return Err(unreadable(error)),
            };
            let end = seek(&*from, SeekFrom::Hole(begin)).unwrap_or(u64::MAX);
            let most = COPY_LIMIT.saturating_sub(self.bytes).saturating_add(1);
            let length = end.saturating_sub(begin).min(most);
            let unseekable = |error| unread(source, error);
            from.seek(io::SeekFrom::Start(begin)).map_err(unseekable)?;
            to.seek(io::SeekFrom::Start(begin))
                .map_err(|error| unwritten(target, error))?;
            // Which of the two refused does not show.
            let count =
                io::copy(&mut from.take(length), to).map_err(|error| unwritten(target, error))?;
            self.bytes = self.bytes.saturating_add(count);
            if self.bytes > COPY_LIMIT {
                return Err(CopyError::TooMuch);
            }
            if count == 0 {
                return Ok(());
            }
            at = begin.saturating_add(count);
        }
    }
}

/// Whether a link with this text at `place` cannot leave `top`, going by the text alone.
fn stays(text: &Path, place: &Path, top: &Path) -> bool {
    let above = place
        .parent()
        .and_then(|folder| folder.strip_prefix(top).ok());
    let mut depth = above.map_or(0, |above| above.components().count());
    for part in text.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => match depth.checked_sub(1) {
                Some(less) => depth = less,
                None => return false,
            },
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

fn unread(path: &Path, source: io::Error) -> CopyError {
    let path = path.to_owned();
    CopyError::Read { path, source }
}

fn unwritten(path: &Path, source: io::Error) -> CopyError {
    let path = path.to_owned();
    CopyError::Write { path, source }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    fn copied(from: &Path, to: &Path) -> Result<Copied, CopyError> {
        let to = fs::canonicalize(to).unwrap();
        Copier::new(from, &to, BTreeSet::new(), None)?.copy()
    }

    #[test]
    fn nothing_done_to_the_copy_reaches_the_original() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        fs::create_dir(from.path().join("d")).unwrap();
        fs::write(from.path().join("d/f"), "one").unwrap();
        fs::hard_link(from.path().join("d/f"), from.path().join("g")).unwrap();
        fs::set_permissions(from.path().join("g"), Permissions::from_mode(0o6755)).unwrap();
        copied(from.path(), to.path()).unwrap();
        for name in ["d/f", "g"] {
            let copy = to.path().join(name);
            assert_eq!(fs::metadata(&copy).unwrap().mode() & 0o7777, 0o755);
            assert_eq!(fs::read_to_string(&copy).unwrap(), "one");
            fs::write(&copy, "two").unwrap();
            assert_eq!(fs::read_to_string(from.path().join(name)).unwrap(), "one");
        }
    }

    #[test]
    fn holes_stay_holes() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let large = File::create(from.path().join("large")).unwrap();
        large.set_len(1 << 40).unwrap();
        rustix::io::pwrite(&large, b"x", 1 << 30).unwrap();
        copied(from.path(), to.path()).unwrap();
        let metadata = fs::metadata(to.path().join("large")).unwrap();
        assert_eq!(metadata.len(), 1 << 40);
        assert!(metadata.blocks() < 1000, "{metadata:?}");
        let mut byte = [0];
        let copy = File::open(to.path().join("large")).unwrap();
        rustix::io::pread(&copy, &mut byte, 1 << 30).unwrap();
        assert_eq!(&byte, b"x");
    }

    #[test]
    fn links_stay_links_and_none_leads_out_of_the_folder() {
        let (outside, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let from = outside.path().join("from");
        fs::create_dir_all(from.join("d")).unwrap();
        fs::create_dir(outside.path().join("more")).unwrap();
        for name in ["secret", "more/f", "from/d/f"] {
            fs::write(outside.path().join(name), name).unwrap();
        }
        let links = [
            ("d/inside", "../d/f".to_owned()),
            ("d/up", "..".to_owned()),
            ("whole", from.join("d").display().to_string()),
            ("nowhere", "../nothing".to_owned()),
        ];
        for (name, text) in &links {
            symlink(text, from.join(name)).unwrap();
        }
        copied(&from, to.path()).unwrap();
        for (name, _) in &links {
            let metadata = to.path().join(name).symlink_metadata().unwrap();
            assert!(metadata.is_symlink(), "{name}");
        }
        let whole = fs::canonicalize(to.path().join("whole")).unwrap();
        assert_eq!(whole, fs::canonicalize(to.path().join("d")).unwrap());
        for text in ["../secret", "../more", "d/../../secret", "/"] {
            symlink(text, from.join("out")).unwrap();
            symlink("out", from.join("d/chained")).unwrap();
            let again = tempfile::tempdir().unwrap();
            let refused = copied(&from, again.path()).unwrap_err();
            assert!(matches!(refused, CopyError::Outside { .. }), "{refused}");
            fs::remove_file(from.join("out")).unwrap();
            fs::remove_file(from.join("d/chained")).unwrap();
        }
    }

    #[test]
    fn what_is_no_file_is_named() {
        let (from, to) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let socket = from.path().join("socket");
        let _listener = std::os::unix::net::UnixListener::bind(socket).unwrap();
        let copied = copied(from.path(), to.path()).unwrap();
        assert_eq!(copied.left_out, BTreeSet::from(["socket".to_owned()]));
        assert_eq!(fs::read_dir(to.path()).unwrap().count(), 0);
    }
}
