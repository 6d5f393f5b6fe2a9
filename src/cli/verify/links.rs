//! Where the links are.

use std::collections::BTreeSet;
use std::path::PathBuf;

use clap::Args;

use crate::model::{Envelope, Evidence, FoundBy, Moment};
use crate::report::{Finding, Problem, Report, Severity, Verdict};
use crate::store::{self, Gathered, Remark};
use crate::verify::prefer_good;

/// The options about links.
#[derive(Args, Debug)]
pub(super) struct Links {
    /// A folder with links, named STEP.KEYID8.link, or a bundle of links: JSON lines or a tar archive,
    /// plain or gzip. May be given several times
    #[arg(long, short = 'd', value_name = "PATH", default_value = ".")]
    link_dir: Vec<PathBuf>,
    /// Look through these folders and all below them for links under other names too. They are told by
    /// their content, count only as they would under their own names, and are reported
    #[arg(long)]
    discover: bool,
}

impl Links {
    pub(super) fn read(&self, layout: &Envelope, now: Moment) -> Gathered {
        let mut gathered = store::gather_evidence(layout, &self.link_dir, self.discover);
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
        let is_absent = |folder: &&PathBuf| refused && !folder.exists();
        for folder in self.link_dir.iter().filter(is_absent) {
            let folder = folder.to_string_lossy().into_owned();
            let problem = Problem::LinkFolderMissing { folder };
            report.findings.push(Finding::error(problem, None));
        }
    }
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
