//! How inspections run.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use crate::event::Observer;
use crate::inspect::FolderInspector;

/// How long the command of an inspection may run unless --inspection-timeout says otherwise.
const INSPECTION_TIMEOUT: u64 = 300;

/// The options about inspections.
#[derive(Args, Debug)]
pub(super) struct Inspecting {
    /// How many seconds the command of an inspection may run
    #[arg(long, value_name = "SECONDS", default_value_t = INSPECTION_TIMEOUT, value_parser = clap::value_parser!(u64).range(1..))]
    inspection_timeout: u64,
    /// Give leave to run the commands of sublayouts' inspections. Whoever may sign a link for a step
    /// of the layout can then run any command here; everything else is checked as before
    #[arg(long)]
    allow_sublayout_inspections: bool,
}

impl Inspecting {
    pub(super) fn sublayouts_too(&self) -> bool {
        self.allow_sublayout_inspections
    }

    pub(super) fn inspector<'a>(&self, observer: &'a dyn Observer) -> FolderInspector<'a> {
        let limit = Duration::from_secs(self.inspection_timeout);
        FolderInspector::new(Path::new("."), limit, observer)
    }
}
