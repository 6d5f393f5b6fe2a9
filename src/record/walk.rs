//! Which files are below a root, in order: the one place where excludes, symbolic links and special
//! files are decided. Nothing is opened here but folders.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::fs::{self, DirEntry, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::io::Errno;

use super::hash::Links;
use super::{Options, RecordError};
use crate::event::{Event, Observer};

/// How many entries may be below a root. Links between folders can make a small tree look
/// exponentially large; the largest source trees have a few million files.
pub const MAX_ENTRIES: usize = 20_000_000;

/// How often one folder may be entered through different links. Thirty folders with two links each
/// to the next make a billion ways.
pub const MAX_VISITS: usize = 1000;

const LINK_TO_FOLDER: &str = "a symbolic link to a folder, entered only with --follow-symlink-dirs";
const BROKEN_LINK: &str = "a symbolic link that points nowhere";
const SPECIAL: &str = "neither a file nor a folder";

/// Where a root is, and what applies there.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    /// What paths are relative to; `None` for the working directory.
    pub(super) base: Option<&'a Path>,
    pub(super) options: &'a Options,
    /// The parents of these are canonical.
    pub(super) exact_excludes: &'a BTreeSet<PathBuf>,
    pub(super) observer: &'a dyn Observer,
}

impl Ground<'_> {
    /// Where a path is on the disk.
    pub(super) fn disk<'p>(&self, path: &'p Path) -> Cow<'p, Path> {
        match self.base {
            Some(base) => Cow::Owned(base.join(path)),
            None => Cow::Borrowed(path),
        }
    }
}

/// A file to record.
#[derive(Debug)]
pub(super) struct Found {
    /// Its path, normalised, as seen from the base.
    pub(super) path: PathBuf,
    /// Where to read it if that is not at its path: the target of a link, already checked.
    pub(super) target: Option<PathBuf>,
    /// What to do if a link is found there.
    pub(super) links: Links,
}

/// The files below `root`, a normalised path, in the order of their paths, and what went wrong.
pub(super) fn walk(root: &Path, ground: Ground<'_>) -> (Vec<Found>, Vec<RecordError>) {
    let mut walk = Walk {
        ground,
        canonical_root: PathBuf::new(),
        entries: 0,
        visits: BTreeMap::new(),
        folders: Vec::new(),
        found: Vec::new(),
        errors: Vec::new(),
    };
    if let Err(error) = walk.root(root) {
        walk.errors.push(error);
    }
    while let Some(folder) = walk.folders.pop() {
        if let Err(error) = walk.folder(&folder) {
            walk.errors.push(error);
        }
        if walk.entries > MAX_ENTRIES {
            walk.errors.push(RecordError::TooMany {
                path: ground.disk(root).into_owned(),
                limit: MAX_ENTRIES,
            });
            break;
        }
    }
    (walk.found, walk.errors)
}

struct Walk<'a> {
    ground: Ground<'a>,
    /// What links may lead to.
    canonical_root: PathBuf,
    entries: usize,
    /// How often each folder was entered, by device and inode.
    visits: BTreeMap<(u64, u64), usize>,
    /// Still to be read, the next one last.
    folders: Vec<Folder>,
    found: Vec<Found>,
    errors: Vec<RecordError>,
}

struct Folder {
    path: PathBuf,
    /// Device and inode of the root, of the folders on the way and of this one. Empty if links to
    /// folders are not followed, as then there are no loops.
    lineage: Vec<(u64, u64)>,
}

impl Walk<'_> {
    /// A root is read through, whatever links it goes through: it was named.
    fn root(&mut self, path: &Path) -> Result<(), RecordError> {
        let disk = self.ground.disk(path);
        if self.ground.options.excludes.matches(path) {
            self.excluded(&disk);
            return Ok(());
        }
        let metadata = fs::metadata(&disk).map_err(|source| absent_or_unreadable(&disk, source))?;
        if metadata.is_dir() {
            self.canonical_root = canonical(&disk)?;
            return self.enter(path.to_owned(), &[]);
        }
        if !metadata.is_file() {
            return Err(RecordError::Special {
                path: disk.into_owned(),
            });
        }
        if self.is_exactly_excluded(self.canonical_parent(&disk)?.as_deref(), &disk) {
            self.excluded(&disk);
        } else {
            self.found.push(Found {
                path: path.to_owned(),
                target: None,
                links: Links::Follow,
            });
        }
        Ok(())
    }

    fn enter(&mut self, path: PathBuf, above: &[(u64, u64)]) -> Result<(), RecordError> {
        let mut lineage = above.to_vec();
        if self.ground.options.follow_symlink_dirs {
            let disk = self.ground.disk(&path);
            let metadata = fs::metadata(&disk).map_err(|source| read_error(&disk, source))?;
            let identity = (metadata.dev(), metadata.ino());
            if let Some(index) = above.iter().position(|folder| *folder == identity) {
                let levels = above.len().saturating_sub(index);
                let ancestor = path.ancestors().nth(levels).unwrap_or(Path::new(""));
                return Err(RecordError::Loop {
                    ancestor: self.ground.disk(or_dot(ancestor)).into_owned(),
                    path: disk.into_owned(),
                });
            }
            lineage.push(identity);
            let visits = self.visits.entry(identity).or_insert(0_usize);
            *visits += 1;
            if *visits > MAX_VISITS {
                return Err(RecordError::TooManyWays {
                    path: disk.into_owned(),
                });
            }
        }
        self.folders.push(Folder { path, lineage });
        Ok(())
    }

    fn folder(&mut self, folder: &Folder) -> Result<(), RecordError> {
        let disk = self.ground.disk(&folder.path);
        let unreadable = |source| RecordError::ReadFolder {
            path: disk.clone().into_owned(),
            source,
        };
        let mut entries = Vec::new();
        for entry in fs::read_dir(&disk).map_err(unreadable)? {
            entries.push(entry.map_err(unreadable)?);
            self.entries = self.entries.saturating_add(1);
            if self.entries > MAX_ENTRIES {
                return Ok(());
            }
        }
        entries.sort_by_cached_key(DirEntry::file_name);
        let parent = if self.ground.exact_excludes.is_empty() {
            None
        } else {
            Some(canonical(&disk)?)
        };
        let depth = self.folders.len();
        for entry in &entries {
            if let Err(error) = self.entry(folder, parent.as_deref(), entry) {
                self.errors.push(error);
            }
        }
        // The last one is read next.
        if let Some(folders) = self.folders.get_mut(depth..) {
            folders.reverse();
        }
        Ok(())
    }

    fn entry(
        &mut self,
        folder: &Folder,
        canonical_parent: Option<&Path>,
        entry: &DirEntry,
    ) -> Result<(), RecordError> {
        let path = child(&folder.path, entry);
        let disk = self.ground.disk(&path).into_owned();
        if self.ground.options.excludes.matches(&path) {
            self.excluded(&disk);
            return Ok(());
        }
        let kind = entry
            .file_type()
            .map_err(|source| read_error(&disk, source))?;
        if kind.is_dir() {
            return self.enter(path, &folder.lineage);
        }
        if self.is_exactly_excluded(canonical_parent, &disk) {
            self.excluded(&disk);
        } else if kind.is_file() {
            self.found.push(Found {
                path,
                target: None,
                links: Links::Refuse,
            });
        } else if kind.is_symlink() {
            return self.link(folder, path, &disk);
        } else {
            self.skipped(&disk, SPECIAL);
        }
        Ok(())
    }

    fn link(&mut self, folder: &Folder, path: PathBuf, disk: &Path) -> Result<(), RecordError> {
        let Some(metadata) = target_metadata(disk)? else {
            self.skipped(disk, BROKEN_LINK);
            return Ok(());
        };
        if metadata.is_dir() {
            if !self.ground.options.follow_symlink_dirs {
                self.skipped(disk, LINK_TO_FOLDER);
                return Ok(());
            }
            self.checked_target(disk)?;
            return self.enter(path, &folder.lineage);
        }
        if !metadata.is_file() {
            self.skipped(disk, SPECIAL);
            return Ok(());
        }
        let target = self.checked_target(disk)?;
        // What was checked is what is read.
        let links = match target {
            Some(_) => Links::Refuse,
            None => Links::Follow,
        };
        self.found.push(Found {
            path,
            target,
            links,
        });
        Ok(())
    }

    /// Where a link leads, if it must stay inside the root.
    fn checked_target(&self, disk: &Path) -> Result<Option<PathBuf>, RecordError> {
        if self.ground.options.allow_outside_links {
            return Ok(None);
        }
        let target = canonical(disk)?;
        if target.starts_with(&self.canonical_root) {
            return Ok(Some(target));
        }
        Err(RecordError::Outside {
            link: disk.to_owned(),
            target,
        })
    }

    fn canonical_parent(&self, disk: &Path) -> Result<Option<PathBuf>, RecordError> {
        match disk.parent() {
            Some(parent) if !self.ground.exact_excludes.is_empty() => {
                canonical(or_dot(parent)).map(Some)
            }
            _ => Ok(None),
        }
    }

    fn is_exactly_excluded(&self, canonical_parent: Option<&Path>, disk: &Path) -> bool {
        match (canonical_parent, disk.file_name()) {
            (Some(parent), Some(name)) => self.ground.exact_excludes.contains(&parent.join(name)),
            _ => false,
        }
    }

    fn excluded(&self, path: &Path) {
        self.ground.observer.event(Event::Excluded { path });
    }

    fn skipped(&self, path: &Path, why: &'static str) {
        self.ground.observer.event(Event::Skipped { path, why });
    }
}

/// The path of an entry; below `.` it is the name alone.
fn child(folder: &Path, entry: &DirEntry) -> PathBuf {
    if folder == Path::new(".") {
        PathBuf::from(entry.file_name())
    } else {
        folder.join(entry.file_name())
    }
}

/// The folder that an empty path stands for.
fn or_dot(path: &Path) -> &Path {
    if path.as_os_str().is_empty() {
        Path::new(".")
    } else {
        path
    }
}

/// `None` if the link points nowhere.
fn target_metadata(link: &Path) -> Result<Option<Metadata>, RecordError> {
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

fn canonical(path: &Path) -> Result<PathBuf, RecordError> {
    fs::canonicalize(path).map_err(|source| read_error(path, source))
}

fn absent_or_unreadable(path: &Path, source: io::Error) -> RecordError {
    if is_absence(&source) {
        return RecordError::Missing {
            path: path.to_owned(),
        };
    }
    read_error(path, source)
}

fn read_error(path: &Path, source: io::Error) -> RecordError {
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
