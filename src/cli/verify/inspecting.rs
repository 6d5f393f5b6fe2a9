//! How inspections run.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::event::Observer;
use crate::exec::sandbox::Limits;
use crate::inspect::{FolderInspector, SandboxUse};
use crate::model::Inspection;
use crate::verify::{Checked, Inspected, InspectionError, Inspector};

/// How long the command of an inspection may run and its folder be recorded unless --inspection-timeout says otherwise.
const INSPECTION_TIMEOUT: u64 = 300;

/// Which variables the commands of inspections get anyway.
const PASSED_ON: [&str; 2] = ["PATH", "LANG"];

/// The options about inspections.
#[derive(Args, Debug)]
pub(super) struct Inspecting {
    /// What to do with the inspections of the layout
    #[arg(long, value_enum, default_value = "run", value_name = "WHAT")]
    inspections: What,
    /// Whether to shut the commands of inspections in, so that they write only into their copy of the
    /// folder, read only that and system folders, and have no network
    #[arg(long, value_enum, default_value = "auto", value_name = "WHETHER")]
    sandbox: Sandboxed,
    /// How many seconds the command of an inspection may run, and each recording of its folder may take
    #[arg(long, value_name = "SECONDS", default_value_t = INSPECTION_TIMEOUT, value_parser = clap::value_parser!(u64).range(1..))]
    inspection_timeout: u64,
    /// How many MiB the commands of inspections may write
    #[arg(long, value_name = "MIB", default_value_t = Limits::DEFAULT.space >> 20, value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    inspection_space: u64,
    /// How many MiB of memory the processes of an inspection may have together
    #[arg(long, value_name = "MIB", default_value_t = Limits::DEFAULT.memory >> 20, value_parser = clap::value_parser!(u64).range(1..=1 << 40))]
    inspection_memory: u64,
    /// How many seconds of processor time the processes of an inspection may use together
    #[arg(long, value_name = "SECONDS", default_value_t = Limits::DEFAULT.processor, value_parser = clap::value_parser!(u64).range(1..))]
    inspection_cpu: u64,
    /// Pass a variable of the environment on to the commands of inspections, which otherwise get
    /// PATH and LANG, and a HOME and TMPDIR of their own
    #[arg(long, value_name = "NAME")]
    inspection_env: Vec<OsString>,
    /// Give leave to run the commands of sublayouts' inspections. Whoever may sign a link for a step
    /// of the layout can then run any command here; everything else is checked as before
    #[arg(long)]
    allow_sublayout_inspections: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum What {
    /// Run them, in a copy of the folder, when everything else has passed
    Run,
    /// Show their commands and run none; without them nothing passes
    List,
    /// Refuse a layout that has any
    Deny,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Sandboxed {
    /// With all that this system has for it; what is lacking is a warning
    Auto,
    /// Refuse where anything is lacking
    Require,
    /// They may do what you may do
    Off,
}

impl Inspecting {
    pub(super) fn sublayouts_too(&self) -> bool {
        self.allow_sublayout_inspections
    }

    /// `outputs` are the files that we write answers to.
    pub(super) fn inspector<'a>(
        &self,
        outputs: Vec<PathBuf>,
        observer: &'a dyn Observer,
    ) -> Box<dyn Inspector + 'a> {
        match self.inspections {
            What::Run => Box::new(self.runs(observer).own_files(outputs)),
            What::List => Box::new(Never(InspectionError::Listed)),
            What::Deny => Box::new(Never(InspectionError::Denied)),
        }
    }

    fn runs<'a>(&self, observer: &'a dyn Observer) -> FolderInspector<'a> {
        let limit = Duration::from_secs(self.inspection_timeout);
        let names = PASSED_ON.map(OsString::from);
        let names = names.iter().chain(&self.inspection_env);
        let variables = names.filter_map(|name| Some((name.clone(), env::var_os(name)?)));
        let inspector = FolderInspector::new(Path::new("."), limit, observer)
            .environment(variables.collect())
            .limits(Limits {
                space: self.inspection_space << 20,
                memory: self.inspection_memory << 20,
                processor: self.inspection_cpu,
            })
            .sandbox(match self.sandbox {
                Sandboxed::Auto => SandboxUse::Auto,
                Sandboxed::Require => SandboxUse::Require,
                Sandboxed::Off => SandboxUse::Off,
            });
        match env::current_exe() {
            Ok(binary) => inspector.launcher(binary),
            // Reported as lacking, or refused where everything is required.
            Err(_) => inspector,
        }
    }
}

/// Runs no command.
struct Never(InspectionError);

impl Inspector for Never {
    fn inspect(
        &mut self,
        _: &Checked<Inspection>,
        _: &[String],
    ) -> Result<Inspected, InspectionError> {
        Err(self.0.clone())
    }
}
