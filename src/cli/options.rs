//! Options that several commands share, and what they mean.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::{env, fs};

use clap::{Args, ValueEnum};

use crate::keys::KeyIdStyle;
use crate::model::{Algorithm, Form, quoted};
use crate::record::{Backend, Excludes, Options};

use super::failure::Failure;

/// What to record, and under which names.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Recording {
    /// Leave out what these patterns match, instead of `*.link*`, `.git`, `*.pyc` and `*~`
    /// (gitignore syntax)
    #[arg(long, short = 'e', value_name = "PATTERN", num_args = 1..)]
    exclude: Option<Vec<String>>,
    /// Read exclude patterns from a file, one a line; together with those of --exclude they replace
    /// the ones above
    #[arg(long, value_name = "FILE")]
    exclude_from: Vec<PathBuf>,
    /// Take paths relative to this folder, and record them so
    #[arg(long, value_name = "FOLDER")]
    base_path: Option<PathBuf>,
    /// Take the first of these prefixes that fits off each recorded path
    #[arg(long, value_name = "PREFIX", num_args = 1..)]
    lstrip_paths: Vec<String>,
    /// Hash text as if its lines ended in LF, whatever they end in
    #[arg(long)]
    normalize_line_endings: bool,
    /// Follow symbolic links to folders
    #[arg(long)]
    follow_symlink_dirs: bool,
    /// Read through symbolic links that lead out of the folder being recorded
    #[arg(long)]
    allow_outside_links: bool,
    /// Digests to record; sha256 is always among them
    #[arg(
        long,
        value_name = "ALGORITHM",
        value_enum,
        value_delimiter = ',',
        default_value = "sha256"
    )]
    hash: Vec<Hash>,
    /// How many threads read and hash, at most 1024 (twice the processors, from 4 to 32, unless
    /// given)
    #[arg(long, value_name = "N", value_parser = jobs)]
    jobs: Option<NonZeroUsize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Hash {
    Sha256,
    Sha512,
    Blake3,
}

impl Recording {
    pub(crate) fn options(&self) -> Result<Options, Failure> {
        let mut patterns = self.exclude.clone().unwrap_or_default();
        for path in &self.exclude_from {
            let text = fs::read_to_string(path).map_err(|error| {
                Failure::failed(format!(
                    "cannot read exclude patterns from `{}`: {error}",
                    path.display()
                ))
            })?;
            patterns.extend(text.lines().map(str::to_owned));
        }
        let given = self.exclude.is_some() || !self.exclude_from.is_empty();
        let excludes = if given {
            Excludes::compile(&patterns).map_err(Failure::failed)?
        } else {
            Excludes::reference_defaults()
        };
        let algorithm = |hash: &Hash| match hash {
            Hash::Sha256 => Algorithm::Sha256,
            Hash::Sha512 => Algorithm::Sha512,
            Hash::Blake3 => Algorithm::Blake3,
        };
        Ok(Options {
            excludes,
            base_path: self.base_path.clone(),
            lstrip: self.lstrip_paths.clone(),
            normalize_line_endings: self.normalize_line_endings,
            // The reference follows them always.
            follow_symlink_dirs: self.follow_symlink_dirs || super::called_as_reference(),
            allow_outside_links: self.allow_outside_links,
            algorithms: self.hash.iter().map(algorithm).collect(),
            jobs: self.jobs,
            backend: backend()?,
            ..Options::default()
        })
    }
}

/// More threads have no use on any machine, and take memory.
const MAX_JOBS: usize = 1024;

fn jobs(text: &str) -> Result<NonZeroUsize, String> {
    match text.parse::<NonZeroUsize>() {
        Ok(jobs) if jobs.get() <= MAX_JOBS => Ok(jobs),
        Ok(_) | Err(_) => Err(format!("expected a number from 1 to {MAX_JOBS}")),
    }
}

const BACKEND: &str = "LINKWRIGHT_HASH_BACKEND";

/// `LINKWRIGHT_HASH_BACKEND=portable` switches the vectorised hash functions off. An unknown word may
/// have meant the same, so it is not ignored.
pub(crate) fn backend() -> Result<Backend, Failure> {
    let Some(word) = env::var_os(BACKEND) else {
        return Ok(Backend::Fastest);
    };
    match word.to_str() {
        Some("" | "fastest") => Ok(Backend::Fastest),
        Some("portable") => Ok(Backend::Portable),
        _ => Err(Failure::failed(format!(
            "the variable `{BACKEND}` is {}, expected `portable` or `fastest`",
            quoted(&word.to_string_lossy())
        ))),
    }
}

/// The two ways to make a key's id.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Style {
    /// As in-toto 3 makes them
    #[default]
    Current,
    /// As in-toto up to 2 and in-toto-golang make them
    Legacy,
}

impl Style {
    pub(crate) fn style(self) -> KeyIdStyle {
        match self {
            Self::Current => KeyIdStyle::Current,
            Self::Legacy => KeyIdStyle::Legacy,
        }
    }
}

/// Which envelope to write.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct EnvelopeForm {
    /// Write a DSSE envelope instead of a Metablock
    #[arg(long)]
    use_dsse: bool,
}

impl EnvelopeForm {
    pub(crate) fn form(self) -> Form {
        if self.use_dsse {
            Form::Dsse
        } else {
            Form::Metablock
        }
    }
}
