//! The disk as it is: which files are there, under which names they are recorded, and their digests.
//!
//! The names, the excludes and the digests are those of the reference (in-toto 3.1.0), so that links
//! made here and there agree. Where the reference looks away, this refuses and names the path: a root
//! that is not there, a folder or file that cannot be read, a file that changes while it is read, two
//! files that would share one name, a name that is not Unicode, a link that leads out of its root.
//!
//! Only files are artifacts. Empty folders, sockets, devices, named pipes and links that point nowhere
//! are not; the observer hears of them. Links to files are read through and recorded under their own
//! name. Links to folders are followed only with [`Options::follow_symlink_dirs`].
//!
//! Nothing but the files below the roots is touched, and nothing is written. A file that is written
//! to while it is read, without a change of its size and within one tick of the file system's clock,
//! cannot be told from one that was not.

mod error;
mod exclude;
mod glob;
mod hash;
mod resolve;
mod walk;

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::event::{Event, Observer};
use crate::model::{Algorithm, ArtifactPath, Artifacts, DigestSet};

pub use error::{MAX_ERRORS, RecordError, RecordErrors};
pub use exclude::{ExcludeError, Excludes};
pub use walk::{MAX_ENTRIES, MAX_VISITS};

use hash::{Hashed, Wanted, hash_file};
use resolve::Root;
use walk::{Found, Ground, walk};

/// How to record.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is left out, by patterns.
    pub excludes: Excludes,
    /// Single files that are left out, by their path. A file elsewhere with the same name or content,
    /// or a link to one of these, is recorded.
    pub exact_excludes: BTreeSet<PathBuf>,
    /// The folder that plain roots, `file:` and `ostree:` are relative to, and from which their names
    /// are taken; without it the working directory. `dir:` does not heed it.
    pub base_path: Option<PathBuf>,
    /// Texts that are removed at the beginning of names, of each name only the first that fits. They
    /// are compared character by character, so `src` makes `/x` of `src/x`.
    pub lstrip: Vec<String>,
    /// Hash files as if each of their lines ended in a line feed: CR LF and single CR count as one.
    pub normalize_line_endings: bool,
    /// Which digests to record. SHA-256 is always among them, and `dir:` has only that.
    pub algorithms: BTreeSet<Algorithm>,
    /// Enter folders through symbolic links.
    pub follow_symlink_dirs: bool,
    /// Read through symbolic links that lead out of the root they were found in. What is recorded
    /// then also depends on files that the root's name does not show.
    pub allow_outside_links: bool,
}

impl Default for Options {
    /// The reference's excludes, SHA-256, and nothing that weakens a check.
    fn default() -> Self {
        Self {
            excludes: Excludes::reference_defaults(),
            exact_excludes: BTreeSet::new(),
            base_path: None,
            lstrip: Vec::new(),
            normalize_line_endings: false,
            algorithms: BTreeSet::from([Algorithm::Sha256]),
            follow_symlink_dirs: false,
            allow_outside_links: false,
        }
    }
}

/// Records the files below the roots: paths, or URIs of the schemes `file:`, `dir:` (a folder as one
/// artifact) and `ostree:` (a commit). Naming a file twice is the same as naming it once.
///
/// # Errors
/// Everything that is wrong, in the order of the paths; see [`RecordError`].
pub fn record(
    roots: &[String],
    options: &Options,
    observer: &dyn Observer,
) -> Result<Artifacts, RecordErrors> {
    RecordErrors::check(refused_options(options))?;
    let exact_excludes = walk::with_canonical_parents(&options.exact_excludes);
    let base = options.base_path.as_deref();
    let ground = Ground {
        base: base.filter(|base| !base.as_os_str().is_empty()),
        options,
        exact_excludes: &exact_excludes,
        observer,
    };
    let mut claims = Claims::default();
    for root in roots {
        claims.root(root, ground);
    }
    let hashed: Vec<_> = claims
        .sources
        .into_par_iter()
        .map(|(name, source)| digests(name, &source, ground))
        .collect();
    let mut errors = claims.errors;
    let mut artifacts = Vec::new();
    for result in hashed {
        match result {
            Ok(named) => artifacts.push(named),
            Err(found) => errors.extend(found),
        }
    }
    RecordErrors::check(errors).map(|()| artifacts.into_iter().collect())
}

/// What is wrong before anything is read.
fn refused_options(options: &Options) -> Vec<RecordError> {
    let mut errors = Vec::new();
    let mut earlier: Vec<&String> = Vec::new();
    for second in &options.lstrip {
        let alike = |first: &&&String| {
            first.starts_with(second.as_str()) || second.starts_with(first.as_str())
        };
        errors.extend(
            earlier
                .iter()
                .find(alike)
                .map(|first| RecordError::Prefixes {
                    first: (*first).clone(),
                    second: second.clone(),
                }),
        );
        earlier.push(second);
    }
    for algorithm in &options.algorithms {
        if let Algorithm::Other(name) = algorithm {
            errors.push(RecordError::Algorithm { name: name.clone() });
        }
    }
    if let Some(base) = &options.base_path
        && !base.as_os_str().is_empty()
        && !base.is_dir()
    {
        errors.push(RecordError::NotAFolder { path: base.clone() });
    }
    errors
}

/// Where the content of an artifact is.
#[derive(Debug)]
enum Source {
    /// One file.
    File(Found),
    /// A whole folder.
    Folder(PathBuf),
    /// An ostree commit, through the file that refers to it.
    Commit(PathBuf),
}

impl Source {
    /// What tells two sources apart.
    fn path(&self) -> &Path {
        match self {
            Self::File(found) => &found.path,
            Self::Folder(path) | Self::Commit(path) => path,
        }
    }
}

/// Which source has which name.
#[derive(Default)]
struct Claims {
    sources: BTreeMap<ArtifactPath, Source>,
    errors: Vec<RecordError>,
}

impl Claims {
    fn root(&mut self, root: &str, ground: Ground<'_>) {
        let lstrip = &ground.options.lstrip;
        match Root::parse(root) {
            Root::Files { path, scheme } => {
                let (found, errors) = if path.contains('\0') {
                    (Vec::new(), vec![resolve::name_has_nul(&path)])
                } else {
                    walk(Path::new(&path), ground)
                };
                self.errors.extend(errors);
                for found in found {
                    let name = resolve::name(&found.path, scheme, lstrip);
                    self.claim(name, Source::File(found));
                }
            }
            Root::Folder { path } => {
                let name = resolve::name(Path::new(path), resolve::DIR, lstrip);
                self.claim(name, Source::Folder(PathBuf::from(path)));
            }
            Root::Commit { reference } => {
                let path = resolve::reference_path(reference);
                let name = resolve::name(Path::new(reference), resolve::OSTREE, &[]);
                self.claim(name, Source::Commit(path));
            }
        }
    }

    fn claim(&mut self, name: Result<ArtifactPath, RecordError>, source: Source) {
        let name = match name {
            Ok(name) => name,
            Err(error) => return self.errors.push(error),
        };
        match self.sources.entry(name) {
            Entry::Vacant(entry) => drop(entry.insert(source)),
            Entry::Occupied(entry) if entry.get().path() == source.path() => {}
            Entry::Occupied(entry) => self.errors.push(RecordError::Collision {
                name: entry.key().clone(),
                first: entry.get().path().to_owned(),
                second: source.path().to_owned(),
            }),
        }
    }
}

type Named = (ArtifactPath, DigestSet);

fn digests(
    name: ArtifactPath,
    source: &Source,
    ground: Ground<'_>,
) -> Result<Named, Vec<RecordError>> {
    let Hashed { digests, bytes } = match source {
        Source::File(found) => file_digests(found, ground).map_err(|error| vec![error])?,
        Source::Folder(path) => resolve::folder_digests(path, ground)?,
        Source::Commit(path) => {
            resolve::commit_digests(path, ground).map_err(|error| vec![error])?
        }
    };
    let path = &name;
    ground.observer.event(Event::Hashed { path, bytes });
    Ok((name, digests))
}

fn file_digests(found: &Found, ground: Ground<'_>) -> Result<Hashed, RecordError> {
    let wanted = Wanted {
        algorithms: &ground.options.algorithms,
        normalize_line_endings: ground.options.normalize_line_endings,
    };
    match &found.target {
        Some(target) => hash_file(target, found.links, wanted),
        None => hash_file(&ground.disk(&found.path), found.links, wanted),
    }
}

#[cfg(test)]
mod tests;
