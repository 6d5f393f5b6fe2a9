//! Which files are below a root: the one place where excludes, symbolic links and special files are
//! decided. What is left out is not opened.
//!
//! Folders are opened relative to the folder they are in and read in large pieces. Their entries are
//! taken in the order that their paths have in the end: the name of a folder as if it ended in `/`.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::ffi::{CString, OsStr};
use std::fs;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use rustix::fs::{CWD, FileType};
use rustix::io::Errno;

use super::canonical::{absent_or_unreadable, canonical, or_dot, read_error, target_metadata};
use super::engine::{Effort, Worker};
use super::folder::{self, Folder, Open, Part, Paths, Root, Visited};
use super::hash::{Links, Wanted};
use super::kernel::is_made_up;
use super::listing::{Entries, Entry, Seen};
use super::middle::Middle;
use super::small::{Reading, Site};
use super::tasks::Work;
use super::{Options, RecordError};
use crate::event::{Event, Observer};
use crate::model::ArtifactPath;

/// How many entries may be below a root. Links between folders can make a small tree look
/// exponentially large; the largest source trees have a few million files.
pub const MAX_ENTRIES: usize = 20_000_000;

/// How often one folder may be entered through different links. Thirty folders with two links each
/// to the next make a billion ways.
pub const MAX_VISITS: usize = 1000;

/// A folder with more entries than this is divided, so that several threads work on it.
const PART: usize = 512;
/// Folders that are kept open for those below them, over all threads. The system's limit for open
/// files is often 1024. Those below others are opened by their whole path.
const MAX_OPEN_FOLDERS: usize = 256;

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

impl<'a> Ground<'a> {
    /// What is to be known about each content.
    pub(super) fn wanted(&self) -> Wanted<'a> {
        Wanted {
            algorithms: &self.options.algorithms,
            normalize_line_endings: self.options.normalize_line_endings,
        }
    }

    /// Where a path is on the disk.
    pub(super) fn disk<'p>(&self, path: &'p Path) -> Cow<'p, Path> {
        match self.base {
            Some(base) => Cow::Owned(base.join(path)),
            None => Cow::Borrowed(path),
        }
    }
}

/// A file to record.
struct Found<'p> {
    root: usize,
    /// Its path, normalised, as seen from the base.
    path: &'p Path,
    /// Where to read it if that is not at its path: the target of a link, already checked.
    target: Option<PathBuf>,
    /// What to do if a link is found there.
    links: Links,
}

impl Worker<'_, '_> {
    pub(super) fn work(&mut self, work: Work) {
        let done = match work {
            Work::Root(index) => self.root(index),
            Work::Folder(folder) => self.folder(folder),
            Work::Part(part) => {
                self.part(&part.folder, part.entries.some(part.range));
                Ok(())
            }
        };
        if let Err(error) = done {
            self.error(error);
        }
    }

    /// A root is read through, whatever links it goes through: it was named.
    fn root(&mut self, index: usize) -> Result<(), RecordError> {
        let pass = self.shared.pass;
        let path = self.shared.root(index).path.as_path();
        let disk = pass.ground.disk(path);
        if pass.ground.options.excludes.matches(path) {
            self.excluded(&disk);
            return Ok(());
        }
        let metadata = fs::metadata(&disk).map_err(|source| absent_or_unreadable(&disk, source))?;
        if metadata.is_dir() {
            let canonical = canonical(&disk)?;
            let root = Arc::new(Root {
                index,
                canonical: canonical.clone(),
                entries: AtomicUsize::new(0),
                visits: Mutex::default(),
            });
            return self.folder(Folder {
                root,
                path: path.to_owned(),
                parent: None,
                links: Links::Follow,
                above: Vec::new(),
                canonical: self.wants_canonical().then_some(canonical),
            });
        }
        if !metadata.is_file() {
            return Err(RecordError::Special {
                path: disk.into_owned(),
            });
        }
        if self.is_exactly_excluded(self.canonical_parent(&disk)?.as_deref(), &disk) {
            self.excluded(&disk);
            return Ok(());
        }
        let reusable = pass.remembering.enter_parent(&disk);
        let found = Found {
            root: index,
            path,
            target: None,
            links: Links::Follow,
        };
        self.file_by_path(&found, reusable);
        Ok(())
    }

    fn folder(&mut self, folder: Folder) -> Result<(), RecordError> {
        let ground = self.shared.pass.ground;
        let root = Arc::clone(&folder.root);
        let disk = ground.disk(&folder.path).into_owned();
        let unreadable = |errno: Errno| RecordError::ReadFolder {
            path: disk.clone(),
            source: errno.into(),
        };
        let is_given_up = ground.observer.gives_up();
        if is_given_up || root.entries.load(Ordering::Relaxed) > MAX_ENTRIES {
            return Ok(());
        }
        let handle = folder.open(&disk).map_err(unreadable)?;
        let lineage = self.lineage(&folder, &handle, &disk)?;
        let above = folder
            .parent
            .as_ref()
            .and_then(|parent| parent.0.local_clock);
        let seen = Seen::before(handle.as_fd(), above).map_err(unreadable)?;
        let entries = Entries::read(handle.as_fd()).map_err(unreadable)?;
        let before = root.entries.fetch_add(entries.len(), Ordering::Relaxed);
        if before + entries.len() > MAX_ENTRIES {
            // Said once, by the thread that goes over the limit.
            if before <= MAX_ENTRIES {
                let path = &self.shared.root(root.index).path;
                return Err(RecordError::TooMany {
                    path: ground.disk(path).into_owned(),
                    limit: MAX_ENTRIES,
                });
            }
            return Ok(());
        }
        let visited = Visited {
            path: folder.path.clone(),
            links: folder.links,
            canonical: folder.canonical.clone(),
            seen,
            listing: Arc::default(),
        };
        let count = Arc::clone(&self.shared.open_folders);
        count.fetch_add(1, Ordering::Relaxed);
        let open = Arc::new(Open {
            root,
            count,
            local_clock: seen.local_clock(handle.as_fd(), above),
            listing: Arc::clone(&visited.listing),
            reusable: self.shared.pass.remembering.enter(handle.as_fd()),
            handle,
            lineage,
            canonical: folder.canonical,
            path: folder.path,
        });
        self.visited.push(visited);
        self.entries(&open, entries);
        Ok(())
    }

    /// Goes through the entries of a folder, or leaves them in parts for whoever has time.
    fn entries(&mut self, folder: &Arc<Open>, entries: Entries) {
        if entries.len() <= 2 * PART {
            return self.part(folder, entries.some(0..entries.len()));
        }
        let entries = Arc::new(entries);
        for start in (0..entries.len()).step_by(PART) {
            let part = Part {
                folder: Arc::clone(folder),
                range: start..entries.len().min(start + PART),
                entries: Arc::clone(&entries),
            };
            self.later(Work::Part(part));
        }
    }

    /// The folders on the way to this one and itself, if links may lead in circles.
    fn lineage(
        &self,
        folder: &Folder,
        handle: &OwnedFd,
        disk: &Path,
    ) -> Result<Vec<(u64, u64)>, RecordError> {
        let ground = self.shared.pass.ground;
        let mut lineage = folder.above.clone();
        if ground.options.follow_symlink_dirs {
            let stat = rustix::fs::fstat(handle).map_err(|errno| read_error(disk, errno.into()))?;
            let identity = (stat.st_dev, stat.st_ino);
            if let Some(index) = lineage.iter().position(|above| *above == identity) {
                let levels = lineage.len().saturating_sub(index);
                let ancestor = folder.path.ancestors().nth(levels).unwrap_or(Path::new(""));
                return Err(RecordError::Loop {
                    ancestor: ground.disk(or_dot(ancestor)).into_owned(),
                    path: disk.to_owned(),
                });
            }
            if folder.root.visit(identity) > MAX_VISITS {
                return Err(RecordError::TooManyWays {
                    path: disk.to_owned(),
                });
            }
            lineage.push(identity);
        }
        Ok(lineage)
    }

    fn part<'e>(&mut self, folder: &Arc<Open>, entries: impl Iterator<Item = Entry<'e>>) {
        let mut paths = Paths::below(&folder.path);
        let observer = self.shared.pass.ground.observer;
        for entry in entries.take_while(|_| !observer.gives_up()) {
            if let Err(error) = self.entry(folder, paths.of(entry), entry) {
                self.error(error);
            }
        }
    }

    /// What an entry is; `None` if it is left out.
    pub(super) fn kind(
        &self,
        folder: BorrowedFd<'_>,
        canonical: Option<&Path>,
        path: &Path,
        entry: Entry<'_>,
    ) -> Result<Option<FileType>, RecordError> {
        let ground = self.shared.pass.ground;
        if ground.options.excludes.matches(path) {
            return Ok(None);
        }
        let kind = folder::kind(folder, entry, || ground.disk(path))?;
        let is_excluded = kind != FileType::Directory
            && canonical.is_some()
            && self.is_exactly_excluded(canonical, path);
        Ok((!is_excluded).then_some(kind))
    }

    fn entry(
        &mut self,
        folder: &Arc<Open>,
        path: &Path,
        entry: Entry<'_>,
    ) -> Result<(), RecordError> {
        let ground = self.shared.pass.ground;
        let handle = folder.handle.as_fd();
        let Some(kind) = self.kind(handle, folder.canonical.as_deref(), path, entry)? else {
            self.excluded(&ground.disk(path));
            return Ok(());
        };
        folder.listing.note(entry, kind);
        match kind {
            FileType::Directory => {
                let canonical = folder.canonical.as_ref();
                let name = OsStr::from_bytes(entry.name.to_bytes());
                let canonical = canonical.map(|canonical| canonical.join(name));
                self.enter(folder, path, entry, Links::Refuse, canonical);
            }
            FileType::RegularFile => {
                let found = Found {
                    root: folder.root.index,
                    path,
                    target: None,
                    links: Links::Refuse,
                };
                let site = Site {
                    folder: folder.handle.as_fd(),
                    name: entry.name,
                    links: Links::Refuse,
                    local_clock: folder.local_clock,
                };
                self.file(&found, site, folder.reusable);
            }
            FileType::Symlink => return self.link(folder, path, entry),
            FileType::Fifo
            | FileType::Socket
            | FileType::CharacterDevice
            | FileType::BlockDevice
            | FileType::Unknown => self.skipped(&ground.disk(path), SPECIAL),
        }
        Ok(())
    }

    fn link(
        &mut self,
        folder: &Arc<Open>,
        path: &Path,
        entry: Entry<'_>,
    ) -> Result<(), RecordError> {
        let ground = self.shared.pass.ground;
        let disk = ground.disk(path);
        let Some(metadata) = target_metadata(&disk)? else {
            self.skipped(&disk, BROKEN_LINK);
            return Ok(());
        };
        if metadata.is_dir() {
            if !ground.options.follow_symlink_dirs {
                self.skipped(&disk, LINK_TO_FOLDER);
                return Ok(());
            }
            self.checked_target(folder, &disk)?;
            if is_made_up(&metadata) {
                self.skipped(&disk, SPECIAL);
                return Ok(());
            }
            let canonical = match self.wants_canonical() {
                true => Some(canonical(&disk)?),
                false => None,
            };
            self.enter(folder, path, entry, Links::Follow, canonical);
            return Ok(());
        }
        if !metadata.is_file() {
            self.skipped(&disk, SPECIAL);
            return Ok(());
        }
        let target = self.checked_target(folder, &disk)?;
        if is_made_up(&metadata) {
            self.skipped(&disk, SPECIAL);
            return Ok(());
        }
        // What was checked is what is read.
        let links = match target {
            Some(_) => Links::Refuse,
            None => Links::Follow,
        };
        let found = Found {
            root: folder.root.index,
            path,
            target,
            links,
        };
        self.file_by_path(&found, folder.reusable);
        Ok(())
    }

    fn enter(
        &mut self,
        folder: &Arc<Open>,
        path: &Path,
        entry: Entry<'_>,
        links: Links,
        canonical: Option<PathBuf>,
    ) {
        let is_kept = folder.count.load(Ordering::Relaxed) <= MAX_OPEN_FOLDERS;
        self.later(Work::Folder(Folder {
            root: Arc::clone(&folder.root),
            path: path.to_owned(),
            parent: is_kept.then(|| (Arc::clone(folder), entry.name.to_owned())),
            links,
            above: folder.lineage.clone(),
            canonical,
        }));
    }

    /// Where a link leads, if it must stay inside the root.
    fn checked_target(&self, folder: &Open, disk: &Path) -> Result<Option<PathBuf>, RecordError> {
        if self.shared.pass.ground.options.allow_outside_links {
            return Ok(None);
        }
        let target = canonical(disk)?;
        if target.starts_with(&folder.root.canonical) {
            return Ok(Some(target));
        }
        Err(RecordError::Outside {
            link: disk.to_owned(),
            target,
        })
    }

    /// A file that is not opened relative to its folder.
    fn file_by_path(&mut self, found: &Found<'_>, reusable: Option<u64>) {
        let ground = self.shared.pass.ground;
        let disk = match &found.target {
            Some(target) => target.clone(),
            None => ground.disk(found.path).into_owned(),
        };
        // No path that was found has a NUL in it; of those that were named it has been said.
        let name = CString::new(disk.into_os_string().into_encoded_bytes()).unwrap_or_default();
        let site = Site {
            folder: CWD,
            name: &name,
            links: found.links,
            local_clock: None,
        };
        self.file(found, site, reusable);
    }

    fn file(&mut self, found: &Found<'_>, site: Site<'_>, reusable: Option<u64>) {
        let shared = self.shared;
        let Some(name) = self.named(found.root, found.path) else {
            return;
        };
        let is_name = name.as_bytes() == found.path.as_os_str().as_bytes();
        let place = self.place(&name, (!is_name).then(|| found.path.into()));
        if shared.pass.effort == Effort::Find {
            return;
        }
        let remembered = shared.pass.remembering.look_up(reusable, || site.state());
        if let Some(digested) = remembered {
            return self.fill_known(place.index, digested);
        }
        if self.batch.is_full() {
            self.hash_batch();
        }
        let lines = shared.pass.wanted.normalize_line_endings;
        let (state, is_large) = match self.batch.read(site, place.index, lines, reusable) {
            Reading::InBatch(size) => return self.found(size),
            Reading::Large(state) => (Some(state), true),
            Reading::Doubt(state) => (state, false),
        };
        let disk = |found: &Found<'_>| shared.pass.ground.disk(found.path).into_owned();
        let name = ArtifactPath::claimed(&name);
        let middle = Middle {
            place,
            name,
            path: found.target.clone().unwrap_or_else(|| disk(found)),
            links: found.links,
            size: state.map_or(0, |state| state.size),
            seen: state.map(|state| state.identity()),
            reusable,
        };
        if is_large {
            self.large(middle);
        } else {
            self.doubt(middle);
        }
    }

    fn wants_canonical(&self) -> bool {
        !self.shared.pass.ground.exact_excludes.is_empty()
    }

    fn canonical_parent(&self, disk: &Path) -> Result<Option<PathBuf>, RecordError> {
        match disk.parent() {
            Some(parent) if self.wants_canonical() => canonical(or_dot(parent)).map(Some),
            _ => Ok(None),
        }
    }

    fn is_exactly_excluded(&self, canonical_parent: Option<&Path>, path: &Path) -> bool {
        let excluded = self.shared.pass.ground.exact_excludes;
        match (canonical_parent, path.file_name()) {
            (Some(parent), Some(name)) => excluded.contains(&parent.join(name)),
            _ => false,
        }
    }

    fn excluded(&self, path: &Path) {
        let observer = self.shared.pass.ground.observer;
        observer.event(Event::Excluded { path });
    }

    fn skipped(&self, path: &Path, why: &'static str) {
        let observer = self.shared.pass.ground.observer;
        observer.event(Event::Skipped { path, why });
    }
}
