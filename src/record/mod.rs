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
//! to while it is read is read again or refused, but for changes that keep its size and move none of
//! its times, which nobody can see:
//! - within one tick of the file system's clock, where the times are compared before and after;
//! - a store through a shared memory mapping into a page that is dirty already, and any on tmpfs,
//!   which has no clean pages;
//! - what one `write` call that began before the file was read puts there while it goes on, as the
//!   times are set when it begins.

mod again;
mod canonical;
mod claims;
mod engine;
mod error;
mod exclude;
mod folder;
mod glob;
mod hash;
mod kernel;
mod lanes;
mod listing;
mod middle;
mod order;
mod resolve;
mod reuse;
mod small;
mod tasks;
mod walk;

use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use crate::event::{Event, Observer};
use crate::model::{Algorithm, ArtifactPath, Artifacts, NameError};

pub use claims::FoundFile;
#[doc(hidden)]
pub use engine::Effort;
pub use error::{MAX_ERRORS, RecordError, RecordErrors};
pub use exclude::{ExcludeError, Excludes};
pub use kernel::is_made_up;
pub use lanes::{Backend, backend_name};
#[doc(hidden)]
pub use lanes::{KernelAlone, sha256_of_each};
pub use reuse::Memory;
pub use walk::{MAX_ENTRIES, MAX_VISITS};

use claims::Claims;
use engine::{Pass, RootSpec, Scan, scan};
use resolve::{Naming, Root};
use reuse::Remembering;
use walk::Ground;

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
    /// How many threads read and hash; without it as many as [`default_jobs`] says.
    pub jobs: Option<NonZeroUsize>,
    /// Which code computes SHA-256 and SHA-512. It makes no difference to the result.
    pub backend: Backend,
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
            jobs: None,
            backend: Backend::Fastest,
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
    pass(roots, options, observer, &Remembering::default()).map(|recorded| recorded.0)
}

/// Records, and remembers the digests for [`record_reusing`]. Before anything is read, the file
/// systems that the files are on are written to the disk, which can take a while.
///
/// # Errors
/// As of [`record`].
pub fn record_remembering(
    roots: &[String],
    options: &Options,
    observer: &dyn Observer,
) -> Result<(Artifacts, Memory), RecordErrors> {
    let remembering = Remembering::keeping();
    let (artifacts, kept) = pass(roots, options, observer, &remembering)?;
    Ok((artifacts, remembering.memory(kept, options)))
}

/// Records, and takes the digests of files that did not change since from an earlier recording of
/// this process. What somebody with which power could hide by that stands in `record/reuse.rs`: a
/// product that is not what the material was. Without doubt that a file is the same, it is hashed.
///
/// # Errors
/// As of [`record`].
pub fn record_reusing(
    roots: &[String],
    options: &Options,
    observer: &dyn Observer,
    memory: &Memory,
) -> Result<Artifacts, RecordErrors> {
    let remembering = Remembering::from(memory, options);
    pass(roots, options, observer, &remembering).map(|recorded| recorded.0)
}

/// Finds the files below the roots and names them as [`record`] would, without opening any. `dir:` and
/// `ostree:`, which are no files, are refused.
///
/// # Errors
/// As of [`record`].
pub fn find(
    roots: &[String],
    options: &Options,
    observer: &dyn Observer,
) -> Result<Vec<FoundFile>, RecordErrors> {
    let remembering = Remembering::default();
    let claims = gather(roots, options, observer, &remembering, Effort::Find)?;
    claims.places(options.base_path.as_deref())
}

/// The name under which a path would be recorded. The disk is not asked.
///
/// # Errors
/// It cannot be recorded.
pub fn name_of(path: &str, lstrip: &[String]) -> Result<ArtifactPath, NameError> {
    match Root::parse(path) {
        Root::Files { .. } if path.is_empty() => Err(NameError::Empty),
        Root::Files { path, .. } if path.contains('\0') => Err(NameError::Nul),
        Root::Files { path, scheme } => resolve::name_of_text(&path, scheme, lstrip),
        Root::Folder { path } => resolve::name_of_text(path, resolve::DIR, lstrip),
        Root::Commit { reference } => resolve::name_of_text(reference, resolve::OSTREE, &[]),
    }
}

/// How many threads read and hash if [`Options::jobs`] does not say: twice as many as there are
/// processors, at least 4 and at most 32.
pub fn default_jobs() -> usize {
    engine::default_jobs()
}

/// For benches: goes over the files of a folder as far as it is told, and gives how many there are. What
/// it finds out is dropped.
///
/// # Errors
/// As of [`record`].
#[doc(hidden)]
pub fn go_over(folder: &Path, options: &Options, effort: Effort) -> Result<usize, RecordErrors> {
    let found = gone_over(folder, options, effort);
    RecordErrors::check(found.errors)?;
    Ok(found.files.len())
}

fn gone_over(folder: &Path, options: &Options, effort: Effort) -> Scan {
    let exact_excludes = BTreeSet::new();
    let ground = Ground {
        base: Some(folder),
        options,
        exact_excludes: &exact_excludes,
        observer: &crate::event::Silent,
    };
    let root = RootSpec {
        path: PathBuf::from("."),
        naming: Naming::Files { scheme: "" },
    };
    let pass = Pass {
        ground,
        wanted: ground.wanted(),
        remembering: &Remembering::default(),
        effort,
        is_last: true,
    };
    scan(&[root], pass)
}

fn pass(
    roots: &[String],
    options: &Options,
    observer: &dyn Observer,
    remembering: &Remembering<'_>,
) -> Result<(Artifacts, Vec<reuse::Kept>), RecordErrors> {
    gather(roots, options, observer, remembering, Effort::Hash)?.settle()
}

fn gather(
    roots: &[String],
    options: &Options,
    observer: &dyn Observer,
    remembering: &Remembering<'_>,
    effort: Effort,
) -> Result<Claims, RecordErrors> {
    RecordErrors::check(refused_options(options))?;
    let exact_excludes = canonical::with_canonical_parents(&options.exact_excludes);
    let base = options.base_path.as_deref();
    let ground = Ground {
        base: base.filter(|base| !base.as_os_str().is_empty()),
        options,
        exact_excludes: &exact_excludes,
        observer,
    };
    let mut claims = Claims::default();
    let mut files = Vec::new();
    for root in roots {
        match Root::parse(root) {
            // Mostly a variable that is not set; the whole working folder is not what was meant.
            Root::Files { .. } if root.is_empty() => claims.error(RecordError::EmptyRoot),
            Root::Files { path, .. } if path.contains('\0') => {
                claims.error(resolve::name_has_nul(&path));
            }
            Root::Files { path, scheme } => {
                let spec = RootSpec {
                    path: PathBuf::from(path),
                    naming: Naming::Files { scheme },
                };
                if !files.contains(&spec) {
                    files.push(spec);
                }
            }
            Root::Folder { .. } | Root::Commit { .. } if effort == Effort::Find => {
                let path = PathBuf::from(root);
                claims.error(RecordError::NotFiles { path });
            }
            Root::Folder { path } => {
                let digests = resolve::folder_digests(Path::new(path), ground);
                claims.single(Path::new(path), resolve::DIR, digests, ground);
            }
            Root::Commit { reference } => {
                let path = resolve::reference_path(reference);
                let digests = resolve::commit_digests(&path, ground).map_err(|error| vec![error]);
                let digests = digests.map(|hashed| (hashed.digests, hashed.bytes));
                claims.single(Path::new(reference), resolve::OSTREE, digests, ground);
            }
        }
    }
    let found = scan(
        &files,
        Pass {
            ground,
            wanted: ground.wanted(),
            remembering,
            effort,
            is_last: true,
        },
    );
    claims.files(found);
    // What was read up to there is a part, and its errors may come of that.
    match observer.gives_up() {
        true => RecordErrors::check(vec![RecordError::GivenUp]).map(|()| claims),
        false => Ok(claims),
    }
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

#[cfg(test)]
mod tests;
