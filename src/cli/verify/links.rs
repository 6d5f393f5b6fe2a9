//! Where the links are.

use std::path::PathBuf;

use clap::Args;

use crate::model::{Envelope, Evidence};
use crate::report::{Finding, Problem, Report, Verdict};
use crate::store;

/// The options about links.
#[derive(Args, Debug)]
pub(super) struct Links {
    /// The folder with the links
    #[arg(long, short = 'd', value_name = "FOLDER", default_value = ".")]
    link_dir: PathBuf,
}

impl Links {
    pub(super) fn read(&self, layout: &Envelope) -> Evidence {
        store::read_evidence(layout, &self.link_dir)
    }

    /// A wrong folder would look like missing links.
    pub(super) fn check(&self, report: &mut Report) {
        if report.verdict() == Verdict::Refuse && !self.link_dir.is_dir() {
            let folder = self.link_dir.to_string_lossy().into_owned();
            let problem = Problem::LinkFolderMissing { folder };
            report.findings.push(Finding::error(problem, None));
        }
    }
}
