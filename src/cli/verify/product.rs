//! `verify --product`: the final product at hand, and its release.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use clap::Args;

use crate::event::{Event, Files, Observer, Role, recording};
use crate::exec::Tidy;
use crate::model::{Algorithm, Artifacts, Envelope, Evidence, quoted, wanted_links};
use crate::record::{self, Excludes, FoundFile, Options, RecordError, RecordErrors};
use crate::report::{Finding, Problem, Verdict};
use crate::store::{self, MAX_MANIFEST_BYTES, Stage};
use crate::verify::{Outcome, Product};

use super::super::failure::{Failure, Kind};
use super::super::progress::Listener;

/// The final product at hand.
#[derive(Args, Debug)]
pub(super) struct ProductOptions {
    /// Files and folders that must be exactly the products of the layout's last step, by name and
    /// digest: nothing missing, nothing more
    #[arg(long, value_name = "PATH", num_args = 1.., group = "at_hand")]
    product: Vec<String>,
    /// The same for all that is in a folder, with names relative to it
    #[arg(long, value_name = "FOLDER", group = "at_hand")]
    product_dir: Option<PathBuf>,
    /// The same for the names and digests in a file that sha256sum, sha512sum or b3sum has written
    /// (`blake3=FILE` for b3sum without --tag; `-` for standard input). No file is read then
    #[arg(long, value_name = "[ALGORITHM=]FILE", group = "at_hand")]
    digest_manifest: Option<String>,
    /// The step whose products they must be, instead of the last
    #[arg(long, value_name = "STEP", requires = "at_hand")]
    product_of: Option<String>,
    /// Take product paths relative to this folder, and name them so
    #[arg(long, value_name = "FOLDER", requires = "product")]
    product_base: Option<PathBuf>,
    /// Take the first of these prefixes that fits off each product's path
    #[arg(long, value_name = "PREFIX", num_args = 1.., requires = "at_hand")]
    lstrip_paths: Vec<String>,
    /// Let there be files beside the product. Nobody vouches for them; what the step has made must
    /// still all be there, unchanged
    #[arg(long, requires = "at_hand")]
    allow_extra: bool,
    /// If everything passes, release the product into this folder, which must not exist: copies that
    /// were made before they were hashed, so that nothing can be exchanged after the check
    #[arg(
        long,
        value_name = "FOLDER",
        requires = "at_hand",
        conflicts_with = "digest_manifest"
    )]
    copy_to: Option<PathBuf>,
}

/// The product, read and on its way.
#[derive(Debug)]
pub(super) struct AtHand<'a> {
    pub(super) product: Product<'a>,
    release: Option<Release>,
}

/// Copies that wait for the verdict. Fields go in this order: the signals are held back longest.
#[derive(Debug)]
struct Release {
    stage: Stage,
    /// By the names under which they are released.
    copies: BTreeMap<String, String>,
    tidy: Tidy,
}

impl ProductOptions {
    /// Whether files are released when everything passes.
    pub(super) fn releases(&self) -> bool {
        self.copy_to.is_some()
    }

    /// Reads what is at hand, if something was given.
    pub(super) fn read(
        &self,
        layout: &Envelope,
        evidence: &Evidence,
        listener: &Listener,
    ) -> Result<Option<AtHand<'_>>, Failure> {
        let of = self.product_of.as_deref();
        let unseen = Unseen {
            observer: listener,
            paths: Mutex::default(),
        };
        let options = Options {
            // What is hidden here would be released unseen.
            excludes: Excludes::none(),
            follow_symlink_dirs: true,
            base_path: self
                .product_dir
                .clone()
                .or_else(|| self.product_base.clone()),
            lstrip: self.lstrip_paths.clone(),
            algorithms: algorithms(layout, evidence, of),
            ..Options::default()
        };
        let mut release = None;
        let files = if let Some(manifest) = &self.digest_manifest {
            self.manifest(manifest).map_err(|why| vec![why])
        } else if self.product.is_empty() && self.product_dir.is_none() {
            return Ok(None);
        } else if let Some(target) = &self.copy_to {
            let mut begun = Release::beside(target)?;
            let files = begun.record(&self.roots(), &options, &unseen);
            release = Some(begun);
            files
        } else {
            let found = record::find(&self.roots(), &options, &unseen);
            let checked = found.map_err(|errors| whys(&errors)).and_then(|found| {
                let mut paths = found.iter().map(|file| &file.path);
                paths.try_for_each(|path| check_name(path).map_err(|why| vec![why]))
            });
            checked.and_then(|()| record_files(&self.roots(), &options, &unseen))
        };
        let unseen = unseen
            .paths
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(Some(AtHand {
            product: Product {
                of,
                files,
                unseen: unseen.into_iter().collect(),
                manifest: self.digest_manifest.clone(),
                allow_extra: self.allow_extra,
            },
            release,
        }))
    }

    fn roots(&self) -> Vec<String> {
        match self.product_dir {
            Some(_) => vec![".".to_owned()],
            None => self.product.clone(),
        }
    }

    fn manifest(&self, given: &str) -> Result<Artifacts, String> {
        let (algorithm, path) = match given.split_once('=') {
            Some((name @ ("sha256" | "sha512" | "blake3"), path)) => {
                (Some(Algorithm::from_name(name)), path)
            }
            _ => (None, given),
        };
        let bytes = if path == "-" {
            let mut bytes = Vec::new();
            let mut limited = std::io::stdin().lock().take(MAX_MANIFEST_BYTES + 1);
            limited
                .read_to_end(&mut bytes)
                .map_err(|error| error.to_string())?;
            bytes
        } else {
            store::read_file(Path::new(path)).map_err(|error| error.to_string())?
        };
        if !u64::try_from(bytes.len()).is_ok_and(|length| length <= MAX_MANIFEST_BYTES) {
            return Err(format!(
                "the digest manifest has more than {MAX_MANIFEST_BYTES} bytes"
            ));
        }
        let other = RefCell::new(Ok(()));
        let named = |name: &str| {
            let mut other = other.borrow_mut();
            if other.is_ok() {
                *other = check_name(Path::new(name));
            }
            record::name_of(name, &self.lstrip_paths)
        };
        let files = store::read_manifest(&bytes, algorithm.as_ref(), named)
            .map_err(|error| format!("the digest manifest, {error}"))?;
        other.into_inner().map(|()| files)
    }
}

impl AtHand<'_> {
    /// Puts the product in its place if everything passed, and says so in the report if it cannot.
    pub(super) fn release(self, outcome: &mut Outcome, listener: &Listener) {
        let Some(release) = self.release else {
            return;
        };
        if outcome.report.verdict() != Verdict::Pass {
            return;
        }
        // In this order: the signals are held back longest.
        let Release {
            tidy,
            stage,
            copies,
        } = release;
        let names = outcome.product.iter();
        let files: Option<Vec<(&str, &str)>> = names
            .map(|name| Some((name.as_str(), copies.get(name)?.as_str())))
            .collect();
        let released = match (files, tidy.undisturbed()) {
            // A signal waits: what is released is never a part.
            (Some(files), Ok(_undisturbed)) if !files.is_empty() => {
                let count = files.len();
                stage
                    .release(files)
                    .map(|()| count)
                    .map_err(|error| error.to_string())
            }
            (_, Err(error)) => Err(error.to_string()),
            _ => Err("not all of it was copied".to_owned()),
        };
        match released {
            Ok(count) => listener.tell(&format!("released {count} files")),
            Err(why) => {
                let problem = Problem::ProductNotReleased { why };
                outcome.report.findings.push(Finding::error(problem, None));
            }
        }
    }
}

impl Release {
    fn beside(target: &Path) -> Result<Self, Failure> {
        let undecided = |failure: Failure| failure.meaning(Kind::Undecided);
        let tidy = Tidy::begin().map_err(|error| undecided(Failure::failed(error)))?;
        let undisturbed = tidy
            .undisturbed()
            .map_err(|error| undecided(Failure::failed(error)))?;
        let stage = Stage::beside(target).map_err(|error| undecided(Failure::failed(error)))?;
        undisturbed.made(stage.path());
        Ok(Self {
            stage,
            copies: BTreeMap::new(),
            tidy,
        })
    }

    /// Copies the files and records the copies.
    fn record(
        &mut self,
        roots: &[String],
        options: &Options,
        unseen: &Unseen<'_>,
    ) -> Result<Artifacts, Vec<String>> {
        let found = record::find(roots, options, unseen).map_err(|errors| whys(&errors))?;
        let canonical = roots.iter().map(|root| {
            let root = root.strip_prefix("file:").unwrap_or(root);
            let base = options.base_path.as_deref().unwrap_or(Path::new(""));
            base.join(root).canonicalize()
        });
        let canonical: Vec<PathBuf> = canonical
            .collect::<Result<_, _>>()
            .map_err(|error| vec![error.to_string()])?;
        let mut names = BTreeMap::new();
        for FoundFile { name, path } in found {
            check_name(&path).map_err(|why| vec![why])?;
            let one = |error: store::StageError| vec![error.to_string()];
            store::inside(name.as_str()).map_err(one)?;
            let copy = self.stage.take(&path, &canonical).map_err(one)?;
            self.copies.insert(name.as_str().to_owned(), copy.clone());
            names.insert(copy, name);
        }
        let copies = Options {
            base_path: Some(self.stage.copies()),
            lstrip: Vec::new(),
            ..options.clone()
        };
        let recorded = record_files(&[".".to_owned()], &copies, unseen)?;
        let named = recorded
            .iter()
            .filter_map(|(copy, digests)| Some((names.remove(copy)?, digests.clone())));
        Ok(named.collect())
    }
}

/// A backslash is recorded as a slash, as the reference does; here it would be another file's name.
fn check_name(path: &Path) -> Result<(), String> {
    let path = path.to_string_lossy();
    if path.contains('\\') {
        let why = format!(
            "the name of {} has a backslash, which artifacts have as a slash",
            quoted(&path)
        );
        return Err(why);
    }
    Ok(())
}

fn record_files(
    roots: &[String],
    options: &Options,
    observer: &dyn Observer,
) -> Result<Artifacts, Vec<String>> {
    recording(observer, Role::Products, Files::New, || {
        record::record(roots, options, observer)
    })
    .map_err(|errors| whys(&errors))
}

fn whys(errors: &RecordErrors) -> Vec<String> {
    let why = |error: &RecordError| {
        if let RecordError::Outside { link, .. } = error {
            // There is no option here that reads through it.
            let link = link.to_string_lossy();
            return format!("the link {} leads out of the folder", quoted(&link));
        }
        error.to_string()
    };
    let mut whys: Vec<String> = errors.iter().map(why).collect();
    if errors.omitted() > 0 {
        whys.push(format!("and {} more", errors.omitted()));
    }
    whys
}

/// The digests by which the links of a step tell its products. What nobody has signed can be among
/// them; it only costs time.
fn algorithms(layout: &Envelope, evidence: &Evidence, of: Option<&str>) -> BTreeSet<Algorithm> {
    let wanted = wanted_links(layout.payload());
    let mut steps = wanted.iter().map(|(step, _)| step);
    let step = match of {
        Some(name) => steps.find(|step| step.as_str() == name),
        None => steps.next_back(),
    };
    let mut algorithms = BTreeSet::from([Algorithm::Sha256]);
    let files = step.map(|step| evidence.of(step)).unwrap_or_default();
    for envelope in files.iter().filter_map(|file| file.content.as_ref().ok()) {
        let Ok(link) = envelope.link() else {
            continue;
        };
        let others = link
            .products
            .iter()
            .filter(|(_, digests)| digests.sha256().is_none());
        for (_, digests) in others {
            let known = |algorithm: &Algorithm| !matches!(algorithm, Algorithm::Other(_));
            algorithms.extend(digests.iter().map(|(algorithm, _)| algorithm).filter(known));
        }
    }
    algorithms
}

/// Remembers what is neither a file nor a folder.
struct Unseen<'a> {
    observer: &'a dyn Observer,
    paths: Mutex<BTreeSet<String>>,
}

impl Observer for Unseen<'_> {
    fn event(&self, event: Event<'_>) {
        if let Event::Skipped { path, .. } = event {
            // It is told of in the report.
            let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
            paths.insert(path.to_string_lossy().into_owned());
        } else {
            self.observer.event(event);
        }
    }
}
