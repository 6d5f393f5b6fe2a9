//! `match-products`: are these files the products of that link?

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::event::{Files, Role};
use crate::model::{Agreement, Link, PayloadKind, escaped};
use crate::record::{Excludes, Options};
use crate::store;

use super::failure::{DONE, FAILED, Failure, Kind, answer};
use super::progress::Listener;
use super::run::record;

/// Compare files with the products of a link
///
/// The link's signature is not checked: that is for `verify`. Exit status: 0 the same, 1 different,
/// 2 wrong usage, 3 something cannot be read.
#[derive(Args, Debug)]
pub(crate) struct MatchProducts {
    /// The link
    #[arg(long, short, value_name = "FILE")]
    link: PathBuf,
    /// Files and folders to compare (the current folder unless given)
    #[arg(long, short, value_name = "PATH", num_args = 1..)]
    paths: Vec<String>,
    /// Leave out what these patterns match, instead of `*.link*`, `.git`, `*.pyc` and `*~`
    #[arg(long, short, value_name = "PATTERN", num_args = 1..)]
    exclude: Option<Vec<String>>,
    /// Take the first of these prefixes that fits off each path
    #[arg(long, value_name = "PREFIX", num_args = 1..)]
    lstrip_paths: Vec<String>,
}

impl MatchProducts {
    pub(crate) fn run(&self, listener: &Listener) -> Result<ExitCode, Failure> {
        let differences = self
            .differences(listener)
            .map_err(|failure| failure.meaning(Kind::Undecided))?;
        answer(differences.concat().as_bytes())?;
        Ok(ExitCode::from(if differences.is_empty() {
            DONE
        } else {
            FAILED
        }))
    }

    fn differences(&self, listener: &Listener) -> Result<Vec<String>, Failure> {
        let link = self.read_link()?;
        let excludes = match &self.exclude {
            Some(patterns) => Excludes::compile(patterns).map_err(Failure::failed)?,
            None => Excludes::reference_defaults(),
        };
        let options = Options {
            excludes,
            lstrip: self.lstrip_paths.clone(),
            ..Options::default()
        };
        let here = vec![".".to_owned()];
        let paths = if self.paths.is_empty() {
            &here
        } else {
            &self.paths
        };
        let files = record(paths, Role::Products, Files::New, &options, listener)?;
        let mut lines = Vec::new();
        for (path, digests) in link.products.iter() {
            let shown = escaped(path);
            match files.get(path).map(|file| file.agreement(digests)) {
                None => lines.push(format!("Only in products: {shown}\n")),
                Some(Agreement::Same) => {}
                Some(Agreement::Different) => lines.push(format!("Hashes differ: {shown}\n")),
                Some(Agreement::NothingShared | Agreement::TooWeak) => {
                    lines.push(format!(
                        "Cannot be compared (the link has no sha256): {shown}\n"
                    ));
                }
            }
        }
        for path in files
            .keys()
            .filter(|path| !link.products.contains_key(path))
        {
            lines.push(format!("Not in products: {}\n", escaped(path)));
        }
        Ok(lines)
    }

    fn read_link(&self) -> Result<Link, Failure> {
        let envelope = store::read_envelope(&self.link).map_err(Failure::failed)?;
        let no_link =
            |why: &str| Failure::failed(format!("`{}` is no link{why}", self.link.display()));
        if envelope.kind() != PayloadKind::Link {
            return Err(no_link(""));
        }
        envelope.link().map_err(|complaints| {
            let complaint = complaints
                .first()
                .map(ToString::to_string)
                .unwrap_or_default();
            no_link(&format!(": {complaint}"))
        })
    }
}
