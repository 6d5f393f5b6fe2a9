//! Runs the commands of inspections: the one effect that a verification has.
//!
//! All commands of a verification run in one private copy of the working folder (`private`), one after
//! the other: each sees what those before it left, and the caller's folder stays as it is. They get
//! few environment variables, a home and a temporary folder of their own, no standard input, a session
//! of their own, and a time limit; with [`SandboxUse::Auto`] they are shut in by
//! [`crate::exec::sandbox`]. The copy is recorded before and after each; nothing in it
//! is hidden but the links that were looked for as evidence, each by its exact path and while it is as it was.
//! What a command leaves is read with our rights, so a link that leads out of the copy is refused.

mod copy;
mod imprint;
mod private;

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::encoding::Object;
use crate::event::{Event, Files, Observer, Role, recording};
use crate::exec::sandbox::{self, Account, Ending, Limits, PROCESS_LIMIT, Sandbox};
use crate::exec::{
    self, Alarm, Captured, Command, Environment, Finished, Outcome, Output, Stdin, Survivors,
    TerminalUse,
};
use crate::model::{Artifacts, Inspection, Link, counted, printable, quoted};
use crate::record::{self, Excludes, Options, RecordError};
use crate::verify::{Checked, Inspected, InspectionError, Inspector, Ran};
use private::Private;

/// How many bytes of what an inspection prints are kept of each stream, for the report.
const KEPT_OUTPUT: u64 = 64 * 1024;

/// How many lines of its output the message of a failed inspection shows.
const SHOWN_LINES: usize = 3;

/// How many characters of each stream the report of an inspection that did not fail shows.
const SHOWN_CHARACTERS: usize = 1000;

/// Where programs are looked for unless the caller says otherwise.
const DEFAULT_PATH: &str = "/usr/local/bin:/usr/bin:/bin";

/// Whether commands are shut in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SandboxUse {
    /// With every protection that the system has; what is lacking is reported.
    #[default]
    Auto,
    /// With every protection there is, or not at all.
    Require,
    /// No. The copy of the folder, the environment and the time limit are as ever.
    Off,
}

/// Runs inspections in a copy of one folder.
pub struct FolderInspector<'a> {
    folder: PathBuf,
    limit: Duration,
    observer: &'a dyn Observer,
    sandbox: SandboxUse,
    launcher: Option<PathBuf>,
    environment: Vec<(OsString, OsString)>,
    limits: Limits,
    own: Vec<PathBuf>,
    private: Option<Private>,
    ran: Option<Ran>,
    told: Told,
}

/// What the observer heard of as left out.
type Told = Arc<Mutex<BTreeSet<PathBuf>>>;

impl std::fmt::Debug for FolderInspector<'_> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("FolderInspector")
            .field("folder", &self.folder)
            .field("limit", &self.limit)
            .field("sandbox", &self.sandbox)
            .finish_non_exhaustive()
    }
}

impl<'a> FolderInspector<'a> {
    /// Inspections see a copy of this folder, and each runs at most for the limit. Nothing shuts
    /// their commands in before [`launcher`](Self::launcher) was called.
    pub fn new(folder: &Path, limit: Duration, observer: &'a dyn Observer) -> Self {
        Self {
            folder: folder.to_owned(),
            limit,
            observer,
            sandbox: SandboxUse::default(),
            launcher: None,
            environment: vec![("PATH".into(), DEFAULT_PATH.into())],
            limits: Limits::DEFAULT,
            own: Vec::new(),
            private: None,
            ran: None,
            told: Told::default(),
        }
    }

    /// The `linkwright` binary, or another one that hands its arguments to [`cli::main`]: the processes
    /// that shut a command in are made of it.
    ///
    /// [`cli::main`]: crate::cli::main
    #[must_use]
    pub fn launcher(mut self, binary: PathBuf) -> Self {
        self.launcher = Some(binary);
        self
    }

    /// Whether commands are shut in.
    #[must_use]
    pub fn sandbox(mut self, sandbox: SandboxUse) -> Self {
        self.sandbox = sandbox;
        self
    }

    /// The variables that commands get beside `HOME` and `TMPDIR`, instead of a `PATH` of system
    /// folders alone.
    #[must_use]
    pub fn environment(mut self, variables: Vec<(OsString, OsString)>) -> Self {
        self.environment = variables;
        self
    }

    /// How much each command may use, where it is shut in, instead of [`Limits::DEFAULT`].
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Files that we write ourselves, such as the answer of the verification before, which the rules
    /// do not see.
    #[must_use]
    pub fn own_files(mut self, paths: Vec<PathBuf>) -> Self {
        self.own = paths;
        self
    }

    /// The copy of the folder, made when it is first asked for.
    fn private(&mut self, evidence: &[String]) -> Result<&Private, InspectionError> {
        let private = match self.private.take() {
            Some(private) => private,
            None => {
                let nobody = self.shuts_in() && sandbox::drops_root();
                let owner = nobody.then_some(sandbox::NOBODY);
                let evidence = evidence.iter().map(Path::new);
                let known = evidence.chain(self.own.iter().map(PathBuf::as_path));
                Private::copy_of(&self.folder, known, owner)
                    .map_err(|error| unrecorded(&error.to_string()))?
            }
        };
        Ok(self.private.insert(private))
    }

    fn shuts_in(&self) -> bool {
        self.sandbox != SandboxUse::Off && self.launcher.is_some() && cfg!(target_os = "linux")
    }

    /// Records the copy, for as long as a command may run; what is neither file nor folder in it goes
    /// into `unseen`.
    fn record(
        &self,
        private: &Private,
        role: Role,
        unseen: &Unseen<'_>,
    ) -> Result<Artifacts, InspectionError> {
        let unseen = &Limited {
            observer: unseen,
            alarm: Alarm::after(self.limit),
        };
        if !private.is_in_place() {
            return Err(unrecorded("another one is in the place of its folder"));
        }
        let options = Options {
            excludes: Excludes::none(),
            exact_excludes: private.evidence(),
            base_path: Some(private.work()),
            // A link must not hide a file from the rules.
            follow_symlink_dirs: true,
            // Nor show what is not there to whoever gets the folder, with rights that the command has not.
            allow_outside_links: false,
            ..Options::default()
        };
        let files = match role {
            Role::Materials => Files::New,
            Role::Products => Files::Again,
        };
        let recorded = recording(self.observer, role, files, || {
            record::record(&[".".to_owned()], &options, unseen)
        });
        recorded.map_err(|errors| {
            let why = |error: &RecordError| why_unrecorded(error, self.limit);
            let whys: Vec<String> = errors.iter().map(why).collect();
            unrecorded(&whys.join("\n"))
        })
    }

    /// Runs a command in the copy. Says what protected us from it in `ran`.
    fn execute(&mut self, private: &Private, run: &[String]) -> Result<(), InspectionError> {
        let mut variables = self.environment.clone();
        for (name, folder) in [("HOME", "home"), ("TMPDIR", "tmp")] {
            variables.push((name.into(), private.base().join(folder).into()));
        }
        match self.launcher.clone().filter(|_| self.shuts_in()) {
            Some(launcher) => {
                let sandbox = Sandbox {
                    launcher,
                    base: private.base().to_owned(),
                    limits: self.limits,
                    insist: self.sandbox == SandboxUse::Require,
                };
                self.execute_shut_in(&sandbox, run, variables)
            }
            None if self.sandbox == SandboxUse::Require => Err(InspectionError::Unprotected {
                lacking: vec![self.why_open().to_owned()],
            }),
            None => {
                let mut command = Command::new(in_folder(run, &private.work()));
                command.folder = Some(private.work());
                command.environment = Environment::Only(variables);
                let finished = self.finish(command)?;
                let lacking = vec![self.why_open().to_owned()];
                self.ran = Some(Ran {
                    held: Vec::new(),
                    lacking,
                    said: said_all(&finished),
                });
                let ending = ending(&finished)?;
                succeeded(ending, &finished, &self.limits)
            }
        }
    }

    fn why_open(&self) -> &'static str {
        if self.sandbox == SandboxUse::Off {
            "the sandbox is switched off"
        } else if self.launcher.is_none() && cfg!(target_os = "linux") {
            "no binary to shut it in was given"
        } else {
            "this system has no sandbox that is known here"
        }
    }

    fn execute_shut_in(
        &mut self,
        sandbox: &Sandbox,
        run: &[String],
        variables: Vec<(OsString, OsString)>,
    ) -> Result<(), InspectionError> {
        let unknown = |error: std::io::Error| failed(format!("its sandbox is not known: {error}"));
        sandbox.clear().map_err(unknown)?;
        let finished = self.finish(sandbox.command(run, variables))?;
        let Account {
            held,
            lacking,
            ending: told,
        } = sandbox.account().map_err(unknown)?;
        if told == Some(Ending::Declined) {
            return Err(InspectionError::Unprotected { lacking });
        }
        self.ran = Some(Ran {
            held,
            lacking,
            said: said_all(&finished),
        });
        // A time limit and a command that was killed before it could be watched say so here.
        let ending = match (ending(&finished)?, told) {
            (Ending::Exited(_), Some(told)) => told,
            (Ending::Exited(_), None) => Ending::Failed("nobody saw how it ended".to_owned()),
            (other, _) => other,
        };
        succeeded(ending, &finished, &sandbox.limits)
    }

    fn finish(&self, mut command: Command) -> Result<Finished, InspectionError> {
        command.stdin = Stdin::Null;
        command.output = Output::Capture { cap: KEPT_OUTPUT };
        command.time_limit = Some(self.limit);
        command.terminal = TerminalUse::Keep;
        command.survivors = Survivors::End;
        exec::run(&command, self.observer).map_err(|error| failed(error.to_string()))
    }

    fn in_private(
        &mut self,
        private: &Private,
        inspection: &Checked<Inspection>,
    ) -> Result<Inspected, InspectionError> {
        let unseen = Unseen {
            observer: self.observer,
            work: private.work(),
            told: Arc::clone(&self.told),
            paths: Mutex::new(private.left_out().clone()),
        };
        let materials = self.record(private, Role::Materials, &unseen)?;
        self.execute(private, &inspection.run)?;
        let products = self.record(private, Role::Products, &unseen)?;
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

impl Inspector for FolderInspector<'_> {
    fn inspect(
        &mut self,
        inspection: &Checked<Inspection>,
        evidence: &[String],
    ) -> Result<Inspected, InspectionError> {
        self.ran = None;
        if inspection.run.is_empty() {
            return Err(failed("it has no command"));
        }
        self.private(evidence)?;
        let Some(private) = self.private.take() else {
            return Err(failed("it has no folder"));
        };
        let inspected = self.in_private(&private, inspection);
        self.private = Some(private);
        inspected
    }

    fn ran(&self) -> Option<Ran> {
        self.ran.clone()
    }
}

/// A program that is named by a path is the one in the copy of the folder.
fn in_folder(run: &[String], folder: &Path) -> Vec<OsString> {
    let mut words: Vec<OsString> = run.iter().map(OsString::from).collect();
    if let Some(program) = words.first_mut()
        && run.first().is_some_and(|first| first.contains('/'))
    {
        *program = folder.join(&*program).into();
    }
    words
}

/// Remembers what is not recorded.
struct Unseen<'a> {
    observer: &'a dyn Observer,
    work: PathBuf,
    told: Told,
    paths: Mutex<BTreeSet<String>>,
}

impl Observer for Unseen<'_> {
    fn event(&self, event: Event<'_>) {
        if let Event::Skipped { path, .. } = event {
            let mut paths = self.paths.lock().unwrap_or_else(PoisonError::into_inner);
            let shown = path.strip_prefix(&self.work).unwrap_or(path);
            paths.insert(shown.to_string_lossy().into_owned());
            // It is met before and after each command.
            let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
            if !told.insert(path.to_owned()) {
                return;
            }
        }
        self.observer.event(event);
    }
}

/// Gives a recording up in time. What a command leaves can take for ever: files with holes that are
/// larger than any disk.
struct Limited<'a> {
    observer: &'a dyn Observer,
    alarm: Alarm,
}

impl Observer for Limited<'_> {
    fn event(&self, event: Event<'_>) {
        self.observer.event(event);
    }

    fn gives_up(&self) -> bool {
        self.alarm.has_rung() || self.observer.gives_up()
    }
}

/// How the process that we started ended.
fn ending(finished: &Finished) -> Result<Ending, InspectionError> {
    Ok(match &finished.outcome {
        Outcome::Exited { code } => Ending::Exited(i32::from(*code)),
        Outcome::Signaled { signal } => Ending::Signaled(*signal),
        Outcome::NotStarted(error) => Ending::Failed(error.to_string()),
        Outcome::TimedOut { limit } => {
            let seconds = limit.as_secs();
            return Err(InspectionError::TimedOut { seconds });
        }
    })
}

fn succeeded(ending: Ending, finished: &Finished, limits: &Limits) -> Result<(), InspectionError> {
    let ending = match ending {
        Ending::Exited(0) => return Ok(()),
        Ending::Exited(code) => format!("its command returned {code}"),
        Ending::Signaled(signal) => format!("its command was killed by signal {signal}"),
        Ending::Crowded => {
            format!("its command was ended because it had more than {PROCESS_LIMIT} processes")
        }
        Ending::Full => format!(
            "its command was ended because it wrote more than {} MiB (--inspection-space)",
            limits.space >> 20
        ),
        Ending::Heavy => format!(
            "its command was ended because it took more than {} MiB of memory (--inspection-memory)",
            limits.memory >> 20
        ),
        Ending::Busy => format!(
            "its command was ended because it used more than {} second{} of processor time (--inspection-cpu)",
            limits.processor,
            if limits.processor == 1 { "" } else { "s" }
        ),
        Ending::Declined => "its command was not started".to_owned(),
        Ending::Failed(why) => printable(&why).replace('\n', "; "),
    };
    Err(failed(format!(
        "{ending}{}",
        said(&finished.stderr)
            .or_else(|| said(&finished.stdout))
            .unwrap_or_default()
    )))
}

/// The beginning of what was printed, of both streams.
fn said_all(finished: &Finished) -> Vec<String> {
    let streams = [&finished.stdout, &finished.stderr];
    let texts = streams.map(|stream| String::from_utf8_lossy(&stream.bytes).into_owned());
    let shown = texts.iter().map(|text| text.trim_end());
    shown
        .filter(|text| !text.is_empty())
        .map(|text| match text.char_indices().nth(SHOWN_CHARACTERS) {
            Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
            None => text.to_owned(),
        })
        .collect()
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

/// Of links that lead out in other words than for the links of a step: no option lets them.
fn why_unrecorded(error: &RecordError, limit: Duration) -> String {
    if let RecordError::GivenUp = error {
        let limit = counted(limit.as_secs(), "second");
        return format!("it cannot be read within {limit} (--inspection-timeout)");
    }
    if let RecordError::Outside { link, target } = error {
        let (link, target) = (link.to_string_lossy(), target.to_string_lossy());
        return format!(
            "the symbolic link {} leads to {}, out of the inspection's folder",
            quoted(&link),
            quoted(&target)
        );
    }
    error.to_string()
}

fn unrecorded(why: &str) -> InspectionError {
    InspectionError::Unrecorded {
        why: printable(why).replace('\n', "; "),
    }
}
