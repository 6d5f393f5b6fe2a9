//! `layout diff`: what a new layout allows and refuses that the old one did not.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::author::{Trial, Verdicts, Version, diff, try_on};
use crate::model::{Envelope, Evidence, Form, Moment};
use crate::render::{Comparison, diff_human, diff_json};

use super::super::failure::{DONE, FAILED, Failure, Kind, answer};
use super::given::Given;
use super::links::gather;

/// Compare two layouts by what they mean: what is now allowed that was not, and what is now refused
///
/// Of rules that differ, artifacts are found that the two lists judge differently, by applying both
/// lists to an example of every kind; where there are none, only the text differs. What is told of a
/// list is about that list: whether the whole layout lets something through depends on the others,
/// too. With --links, both layouts are tried on the same links.
///
/// As of diff(1), the exit status is 0 when the two are the same and 1 when they differ in anything; it
/// is 3 when one cannot be read.
#[derive(Args, Debug)]
pub(super) struct Diff {
    /// The old layout, signed or not
    #[arg(value_name = "OLD")]
    old: PathBuf,
    /// The new layout, signed or not
    #[arg(value_name = "NEW")]
    new: PathBuf,
    /// A folder or bundle of links to try both on, and to take examples from; may be given several times
    #[arg(long, short = 'd', value_name = "PATH")]
    links: Vec<PathBuf>,
    /// How to write the answer
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

impl Diff {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let same = self
            .compare()
            .map_err(|failure| failure.meaning(Kind::Undecided))?;
        Ok(ExitCode::from(if same { DONE } else { FAILED }))
    }

    /// Whether they are the same.
    fn compare(&self) -> Result<bool, Failure> {
        let (old, new) = (Given::read(&self.old)?, Given::read(&self.new)?);
        let mut recorded = BTreeSet::new();
        let mut verdicts = None;
        if !self.links.is_empty() {
            let before = gathered(&old, &self.links)?;
            let after = gathered(&new, &self.links)?;
            names(&before, &mut recorded);
            names(&after, &mut recorded);
            verdicts = Some(tried((&old, &before), (&new, &after))?);
        }
        let changes = diff(version(&old), version(&new), &recorded);
        let comparison = Comparison {
            old: &old.document,
            new: &new.document,
            changes: &changes,
            verdicts: verdicts.as_ref(),
        };
        let mut out = Vec::new();
        let written = match self.format {
            Format::Human => diff_human(&comparison, &mut out),
            Format::Json => diff_json(&comparison, &mut out),
        };
        written.map_err(Failure::failed)?;
        answer(&out)?;
        Ok(changes.is_empty())
    }
}

fn version(given: &Given) -> Version<'_> {
    Version {
        value: &given.value,
        layout: &given.layout,
    }
}

fn tried(old: (&Given, &Evidence), new: (&Given, &Evidence)) -> Result<Verdicts, Failure> {
    let trial = |(given, evidence)| {
        let given: &Given = given;
        Trial {
            document: &given.document,
            value: &given.value,
            evidence,
        }
    };
    let now = Moment::from_timestamp(jiff::Timestamp::now());
    try_on(&trial(old), &trial(new), now).map_err(Failure::failed)
}

/// The links that a layout asks for, from some places.
pub(super) fn gathered(given: &Given, places: &[PathBuf]) -> Result<Evidence, Failure> {
    let layout = Envelope::unsigned(given.value.clone(), Form::Metablock);
    let layout = layout.map_err(Failure::failed)?;
    gather(&layout, places)
}

/// The names of all artifacts in links, those of sublayouts included.
fn names(evidence: &Evidence, names: &mut BTreeSet<String>) {
    for file in evidence.iter() {
        self::names(&file.below, names);
        let link = file.content.as_ref().ok().and_then(|file| file.link().ok());
        if let Some(link) = link {
            let all = link.materials.keys().chain(link.products.keys());
            names.extend(all.map(str::to_owned));
        }
    }
}
