//! Where the links are.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::model::{Envelope, Evidence, FoundBy, Moment, similar};
use crate::report::{Finding, Item, ItemKind, Problem, Report, Severity, Verdict};
use crate::store::{self, Gathered, Remark};
use crate::verify::prefer_good;

/// How many entries of a folder are looked at for one that was meant.
const ENTRIES_AT_MOST: usize = 1000;

/// How many such folders are named.
const MEANT_AT_MOST: usize = 3;

/// The options about links.
#[derive(Args, Debug)]
pub(super) struct Links {
    /// A folder with links, named STEP.KEYID8.link, or a bundle of links: JSON lines or a tar archive,
    /// plain or gzip. May be given several times [default: .]
    #[arg(long, short = 'd', value_name = "PATH")]
    link_dir: Vec<PathBuf>,
    /// Look through these folders and all below them for links under other names too. They are told by
    /// their content, count only as they would under their own names, and are reported
    #[arg(long)]
    discover: bool,
}

impl Links {
    pub(super) fn read(&self, layout: &Envelope, now: Moment) -> Gathered {
        let mut gathered = store::gather_evidence(layout, &self.places(), self.discover);
        for path in prefer_good(layout, &mut gathered.evidence, now) {
            gathered.remarks.push(Remark {
                path,
                why: "it does not count, and another file of its step and key does".to_owned(),
                is_gap: false,
            });
        }
        gathered
    }

    /// Says what was found elsewhere and what was passed over. A wrong folder would look like missing
    /// links.
    pub(super) fn check(&self, gathered: &Gathered, report: &mut Report) {
        let mut found = BTreeSet::new();
        found_elsewhere(&gathered.evidence, &mut found);
        for item in &mut report.items {
            let counted = item.links.iter().filter(|link| link.why_not.is_none());
            let notes = counted.filter(|link| found.contains(link.path.as_str()));
            item.findings.extend(notes.map(|link| Finding {
                severity: Severity::Note,
                problem: Problem::LinkFoundElsewhere {
                    link: link.path.clone(),
                },
                place: None,
            }));
        }
        let refused = report.verdict() == Verdict::Refuse;
        for Remark { path, why, is_gap } in gathered.remarks.iter().cloned() {
            let link = path;
            let (severity, problem) = match (is_gap, refused) {
                (false, _) => (Severity::Note, Problem::LinkPassedOver { link, why }),
                (true, true) => (Severity::Error, Problem::LinkUnreadable { link, why }),
                (true, false) => (Severity::Warning, Problem::LinkUnreadable { link, why }),
            };
            report.findings.push(Finding {
                severity,
                problem,
                place: None,
            });
        }
        if refused {
            self.check_places(report);
        }
    }

    /// Where links are looked for.
    fn places(&self) -> Vec<PathBuf> {
        match self.link_dir.as_slice() {
            [] => vec![PathBuf::from(".")],
            given => given.to_vec(),
        }
    }

    /// Says which places are not there, and if no step has a link, says so once and first.
    fn check_places(&self, report: &mut Report) {
        let steps = without_any(report);
        let (there, absent): (Vec<PathBuf>, Vec<PathBuf>) =
            self.places().into_iter().partition(|place| place.exists());
        let shown = |place: &PathBuf| place.to_string_lossy().into_owned();
        let mut problems = Vec::new();
        if !steps.is_empty() && !there.is_empty() {
            problems.push(Problem::LinksMissing {
                places: there.iter().map(shown).collect(),
                given: !self.link_dir.is_empty(),
                steps: steps.clone(),
            });
        }
        problems.extend(absent.iter().map(|folder| Problem::LinkFolderMissing {
            folder: shown(folder),
            similar: meant(folder),
            steps: match there.as_slice() {
                [] => steps.clone(),
                _ => Vec::new(),
            },
        }));
        let findings = problems
            .into_iter()
            .map(|problem| Finding::error(problem, None));
        report.findings.splice(0..0, findings);
    }
}

/// All steps, if none of them has any file that could be its link. What to do about them is told at
/// once then.
fn without_any(report: &mut Report) -> Vec<String> {
    let steps = || {
        report
            .items
            .iter()
            .filter(|item| item.kind == ItemKind::Step)
    };
    let has_none = |item: &Item| {
        let none = |finding: &Finding| finding.problem.is_about_links_nowhere();
        item.links.is_empty() && item.findings.iter().any(none)
    };
    if !steps().all(has_none) {
        return Vec::new();
    }
    let names = steps().map(|item| item.name.clone()).collect();
    for item in &mut report.items {
        for finding in &mut item.findings {
            finding.problem.tell_elsewhere();
        }
    }
    names
}

/// Folders beside one that is not there, with a name like its or with links in them.
fn meant(folder: &Path) -> Vec<String> {
    let (Some(name), parent) = (folder.file_name(), folder.parent()) else {
        return Vec::new();
    };
    let parent = parent.filter(|parent| !parent.as_os_str().is_empty());
    let entries = fs::read_dir(parent.unwrap_or(Path::new("."))).into_iter();
    let beside = entries.flatten().take(ENTRIES_AT_MOST).flatten();
    let beside = beside.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = beside
        .filter_map(|entry| entry.file_name().into_string().ok())
        .collect();
    names.sort();
    let path = |name: &str| parent.map_or_else(|| PathBuf::from(name), |parent| parent.join(name));
    let wanted = name.to_string_lossy();
    let alike = similar(&wanted, names.iter().map(String::as_str), MEANT_AT_MOST);
    let with_links = || {
        names
            .iter()
            .map(String::as_str)
            .filter(|name| has_links(&path(name)))
    };
    let found: Vec<&str> = match alike.is_empty() {
        true => with_links().take(MEANT_AT_MOST).collect(),
        false => alike,
    };
    let shown = |name: &str| path(name).to_string_lossy().into_owned();
    found.into_iter().map(shown).collect()
}

fn has_links(folder: &Path) -> bool {
    let entries = fs::read_dir(folder).into_iter();
    let mut entries = entries.flatten().take(ENTRIES_AT_MOST).flatten();
    entries.any(|entry| entry.path().extension().is_some_and(|end| end == "link"))
}

/// The paths of what was found by its content, those of sublayouts included.
fn found_elsewhere<'e>(evidence: &'e Evidence, found: &mut BTreeSet<&'e str>) {
    for file in evidence.iter() {
        if file.found != FoundBy::Name {
            found.insert(&file.path);
        }
        found_elsewhere(&file.below, found);
    }
}
