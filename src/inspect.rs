//! Runs the commands of inspections: the one effect that a verification has.
//!
//! A command runs in the working folder, without standard input, as a process group of its own and
//! within a time limit. The folder is recorded before and after it; nothing in it is hidden but the
//! links that were looked for as evidence, each by its exact path.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::encoding::Object;
use crate::event::{Event, Files, Observer, Role, recording};
use crate::exec::{self, Captured, Command, Finished, Outcome, Output, Stdin, TerminalUse};
use crate::model::{Artifacts, Inspection, Link, printable, quoted};
use crate::record::{self, Excludes, Options};
use crate::verify::{Checked, Inspected, InspectionError, Inspector};

/// How many bytes of what an inspection prints are kept of each stream, for the message when it
/// fails.
const KEPT_OUTPUT: u64 = 64 * 1024;

/// How many lines of its output the message of a failed inspection shows.
const SHOWN_LINES: usize = 3;

/// Runs inspections in one folder.
pub struct FolderInspector<'a> {
    folder: PathBuf,
    limit: Duration,
    observer: &'a dyn Observer,
}

impl std::fmt::Debug for FolderInspector<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("FolderInspector")
            .field("folder", &self.folder)
            .field("limit", &self.limit)
            .finish_non_exhaustive()
    }
}

impl<'a> FolderInspector<'a> {
    /// Inspections run in this folder, each at most for the limit.
    pub fn new(folder: &Path, limit: Duration, observer: &'a dyn Observer) -> Self {
        Self {
            folder: folder.to_owned(),
            limit,
            observer,
        }
    }

    /// Records the folder; what is neither file nor folder in it goes into `unseen`.
    fn record(
        &self,
        role: Role,
        evidence: &[String],
        unseen: &Unseen<'_>,
    ) -> Result<Artifacts, InspectionError> {
        let options = Options {
            excludes: Excludes::none(),
            exact_excludes: evidence.iter().map(PathBuf::from).collect(),
            base_path: Some(self.folder.clone()),
            // A link must not hide a file from the rules.
            follow_symlink_dirs: true,
            allow_outside_links: true,
            ..Options::default()
        };
        let files = match role {
            Role::Materials => Files::New,
            Role::Products => Files::Again,
        };
        let recorded = recording(self.observer, role, files, || {
            record::record(&[".".to_owned()], &options, unseen)
        });
        recorded.map_err(|errors| InspectionError::Unrecorded {
            why: printable(&errors.to_string()).replace('\n', "; "),
        })
    }

    fn execute(&self, run: &[String]) -> Result<Finished, InspectionError> {
        let mut command = Command::new(run.iter().map(OsString::from).collect());
        command.folder = Some(self.folder.clone());
        command.stdin = Stdin::Null;
        command.output = Output::Capture { cap: KEPT_OUTPUT };
        command.time_limit = Some(self.limit);
        command.terminal = TerminalUse::Keep;
        exec::run(&command, self.observer).map_err(|error| failed(error.to_string()))
    }
}

impl Inspector for FolderInspector<'_> {
    fn inspect(
        &mut self,
        inspection: &Checked<Inspection>,
        evidence: &[String],
    ) -> Result<Inspected, InspectionError> {
        if inspection.run.is_empty() {
            return Err(failed("it has no command"));
        }
        let unseen = Unseen {
            observer: self.observer,
            paths: Mutex::default(),
        };
        let materials = self.record(Role::Materials, evidence, &unseen)?;
        let finished = self.execute(&inspection.run)?;
        succeeded(&finished)?;
        let products = self.record(Role::Products, evidence, &unseen)?;
        let mut byproducts = Object::new();
        byproducts.set("return-value", 0);
        let link = Link {
            name: inspection.name.as_str().to_owned(),
            materials,
            products,
            command: inspection.run.clone(),
            byproducts,
            environment: Object::new(),
        };
        let unseen = unseen
            .paths
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        Ok(Inspected {
            link,
            unseen: unseen.into_iter().collect(),
        })
    }
}

/// Remembers what is not recorded.
struct Unseen<'a> {
    observer: &'a dyn Observer,
    paths: Mutex<BTreeSet<String>>,
}

impl Observer for Unseen<'_> {
    fn event(&self, event: Event<'_>) {
        if let Event::Skipped { path, .. } = event {
            let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
            paths.insert(path.to_string_lossy().into_owned());
        }
        self.observer.event(event);
    }
}

fn succeeded(finished: &Finished) -> Result<(), InspectionError> {
    let ending = match &finished.outcome {
        Outcome::Exited { code: 0 } => return Ok(()),
        Outcome::Exited { code } => format!("its command returned {code}"),
        Outcome::Signaled { signal } => format!("its command was killed by signal {signal}"),
        Outcome::NotStarted(error) => printable(&error.to_string()).replace('\n', "; "),
        Outcome::TimedOut { limit } => {
            let seconds = limit.as_secs();
            return Err(InspectionError::TimedOut { seconds });
        }
    };
    Err(failed(format!(
        "{ending}{}",
        said(&finished.stderr)
            .or_else(|| said(&finished.stdout))
            .unwrap_or_default()
    )))
}

/// The last lines of a stream, on one line.
fn said(stream: &Captured) -> Option<String> {
    let text = String::from_utf8_lossy(&stream.bytes);
    let lines: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    let last = lines.get(lines.len().saturating_sub(SHOWN_LINES)..)?;
    (!last.is_empty()).then(|| format!("; it said {}", quoted(&last.join(" / "))))
}

fn failed(why: impl Into<String>) -> InspectionError {
    InspectionError::Failed { why: why.into() }
}
