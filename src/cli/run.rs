//! `run`: wraps one command, records what went in and what came out, signs a link that says so.
//!
//! Everything that can fail is tried before the command starts: the key is opened, the materials
//! are recorded, the folder for the link is tried. After that the command's status is ours.

use std::env;
use std::error::Error;
use std::ffi::OsString;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::thread::{self, ScopedJoinHandle};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;
use signal_hook::consts::SIGINT;

use crate::encoding::Object;
use crate::event::{Files, Role, recording};
use crate::exec::{
    self, Captured, Command, Environment, ExecError, Finished, MAX_STORED_STREAM, Outcome, Output,
    StartError,
};
use crate::keys::{FileKey, SignError, Signer as _};
use crate::model::{Artifacts, Form, Issue, ItemName, Link, Prepared};
use crate::record::{self, Memory, Options};
use crate::store::{self, Writing};

use super::failure::{
    Failure, Kind, NO_EVIDENCE, NOT_EXECUTABLE, NOT_FOUND, NOT_STARTED, SIGNAL_BASE, TIMED_OUT,
    complain,
};
use super::options::{EnvelopeForm, Recording};
use super::progress::Listener;
use super::signing::{ReadySigner, SigningKey};
use super::stats::{self, Stats, StatsFormat};

/// Wrap one command and sign a link about it
///
/// The command runs as if it were called directly: streams, terminal, signals and exit status pass
/// through. Exit status: the command's own; 128+n when signal n killed it; 124 when it ran longer
/// than --run-timeout; 125 when something failed before it was started; 126 when it cannot be
/// executed; 127 when it was not found; 121 when it succeeded and its evidence could not be written, or its output not passed on.
#[derive(Args, Debug)]
pub(crate) struct Run {
    /// The step that this is, as the layout names it
    #[arg(long, short = 'n', visible_alias = "name", value_name = "STEP")]
    step_name: String,
    #[command(flatten)]
    signing: SigningKey,
    /// Files and folders that the command starts from
    #[arg(long, short, value_name = "PATH", num_args = 1..)]
    materials: Vec<String>,
    /// Files and folders that the command leaves
    #[arg(long, short, value_name = "PATH", num_args = 1..)]
    products: Vec<String>,
    #[command(flatten)]
    recording: Recording,
    #[command(flatten)]
    form: EnvelopeForm,
    /// Write the link into this folder
    #[arg(
        long,
        short = 'd',
        value_name = "FOLDER",
        default_value = ".",
        hide_default_value = true
    )]
    metadata_directory: PathBuf,
    /// Store what the command prints in the link too, up to 1 MiB of each stream
    #[arg(long, short = 's')]
    record_streams: bool,
    /// Run no command: the step is done by hand, or by something else
    #[arg(long, short = 'x')]
    no_command: bool,
    /// End the command after this many seconds (no limit unless given)
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..))]
    run_timeout: Option<u64>,
    /// Take the digests of products that did not change since they were materials, instead of
    /// hashing them again. The link says so in its environment. A file is known again by its device,
    /// inode, size and times, on ext4, XFS and Btrfs only, and what is on these file systems is
    /// written to the disk first. Who can set this machine's clock, write to the disk below the file
    /// system, or keep a single write to a file going all the time could hide that a product changed;
    /// everything else shows in the times
    #[arg(long)]
    reuse_digests: bool,
    /// Tell on stderr how many files and bytes were hashed, how long each part took, and with what
    #[arg(long, value_name = "FORMAT", value_enum, num_args = 0..=1, require_equals = true, default_missing_value = "human")]
    stats: Option<StatsFormat>,
    /// Write no link when the command fails
    #[arg(long)]
    no_link_on_failure: bool,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Run {
    pub(crate) fn run(&self, listener: &Listener) -> Result<ExitCode, Failure> {
        let before = |failure: Failure| failure.meaning(Kind::NotStarted);
        if self.command.is_empty() && !self.no_command {
            return Err(Failure::usage("there is no command to run")
                .hint("put it after `--`, or say --no-command for a step without one"));
        }
        let name = ItemName::new(&self.step_name).map_err(Failure::usage)?;
        let command = command_words(&self.command)?;
        let signer = self.signing.load().map_err(before)?;
        store::check_writable(&self.metadata_directory)
            .map_err(|error| before(Failure::failed(error)))?;
        let options = self.recording.options().map_err(before)?;
        if listener.is_verbose() {
            // Trying what hashes here takes a while.
            let backend = record::backend_name(options.backend);
            listener.tell(&format!("hashing with {backend}"));
        }
        let mut stats = Stats::begin(self.stats, &options, self.reuse_digests);
        let (materials, memory) = self.materials(&options, listener).map_err(before)?;
        stats.phase(stats::MATERIALS, listener);
        let prepared = Prepared::begin(self.form.form(), &materials);
        let mut link = Link {
            name: name.as_str().to_owned(),
            materials,
            ..Link::default()
        };
        if memory.is_some() {
            link.environment.set("reuse-digests", true);
        }
        let ended = if self.no_command {
            Ran::default()
        } else {
            link.command = command;
            match self.execute(&mut link, listener)? {
                Ended::NotStarted(status, why) => {
                    complain(&format!("error: {why}"));
                    return Ok(ExitCode::from(status));
                }
                Ended::With(ran) => ran,
            }
        };
        stats.phase("command", listener);
        if ended.command_failed && self.no_link_on_failure {
            self.warn_of_older_link(&link, &signer);
        } else if let Err(failure) = self
            .products(&mut link, &options, memory.as_ref(), listener)
            .map(|()| stats.phase(stats::PRODUCTS, listener))
            .and_then(|()| self.evidence(&link, prepared, &signer, listener))
            .map(|()| stats.phase("link", listener))
        {
            failure.report("run");
            if ended.status == 0 {
                return Ok(ExitCode::from(NO_EVIDENCE));
            }
        }
        stats.tell();
        Ok(ended.finish())
    }

    /// The materials, and what to remember of them if digests shall be reused.
    fn materials(
        &self,
        options: &Options,
        listener: &Listener,
    ) -> Result<(Artifacts, Option<Memory>), Failure> {
        if !self.reuse_digests {
            let materials = record(
                &self.materials,
                Role::Materials,
                Files::New,
                options,
                listener,
            )?;
            return Ok((materials, None));
        }
        note_excluded(&self.materials, options);
        let recorded = recording(listener, Role::Materials, Files::New, || {
            record::record_remembering(&self.materials, options, listener)
        });
        let (materials, memory) = recorded.map_err(Failure::failed)?;
        Ok((materials, Some(memory)))
    }

    fn products(
        &self,
        link: &mut Link,
        options: &Options,
        memory: Option<&Memory>,
        listener: &Listener,
    ) -> Result<(), Failure> {
        let Some(memory) = memory else {
            let files = match self.products == self.materials {
                true => Files::Again,
                false => Files::New,
            };
            link.products = record(&self.products, Role::Products, files, options, listener)?;
            return Ok(());
        };
        note_excluded(&self.products, options);
        let before = listener.recorded();
        let recorded = recording(listener, Role::Products, Files::New, || {
            record::record_reusing(&self.products, options, listener, memory)
        });
        link.products = recorded.map_err(Failure::failed)?;
        listener.tell(&format!(
            "digests of products: {}",
            stats::reuse(listener.recorded().since(before))
        ));
        Ok(())
    }

    /// The link of an earlier run would go on telling of a success.
    fn warn_of_older_link(&self, link: &Link, signer: &ReadySigner) {
        let file = store::link_file_name(&link.name, &signer.keyid);
        let path = self.metadata_directory.join(file);
        if path.exists() {
            complain(&format!(
                "warning: `{}` is of an earlier run",
                path.display()
            ));
        }
    }

    fn execute(&self, link: &mut Link, listener: &Listener) -> Result<Ended, Failure> {
        hide_memory();
        let mut command = Command::new(self.command.clone());
        command.environment = without(&self.signing.secret_variables());
        command.time_limit = self.run_timeout.map(Duration::from_secs);
        if self.record_streams {
            command.output = Output::Record {
                cap: MAX_STORED_STREAM,
            };
        }
        let finished = exec::run(&command, listener).map_err(|error| {
            let kind = match error {
                ExecError::Empty | ExecError::Prepare { .. } => Kind::NotStarted,
                ExecError::Wait { .. } | ExecError::Read { .. } => Kind::NoEvidence,
            };
            Failure::failed(with_source(&error)).meaning(kind)
        })?;
        link.byproducts = byproducts(&finished, self.record_streams);
        Ok(ending(&finished))
    }

    /// What comes last: signature and file.
    fn evidence(
        &self,
        link: &Link,
        prepared: Prepared,
        signer: &ReadySigner,
        listener: &Listener,
    ) -> Result<(), Failure> {
        let file = store::link_file_name(&link.name, &signer.keyid);
        let path = self.metadata_directory.join(file);
        let told = format!(
            "wrote {} ({} materials, {} products)",
            path.display(),
            link.materials.len(),
            link.products.len()
        );
        write_prepared(&path, link, self.form.form(), Some(prepared), signer)?;
        listener.tell(&told);
        Ok(())
    }
}

/// Keeps the command, which runs as the same user, from looking into this process: there is the key in
/// its memory, and the variables that it began with. Nothing keeps root from that. Where the system
/// cannot do it, what is left is that the variables are not in the command's own environment.
fn hide_memory() {
    #[cfg(target_os = "linux")]
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable)
        .unwrap_or_default();
}

/// Our environment without some variables.
fn without(names: &[&str]) -> Environment {
    if names.is_empty() {
        return Environment::Inherit;
    }
    let kept = |(name, _): &(OsString, OsString)| !names.iter().any(|secret| name == secret);
    Environment::Only(env::vars_os().filter(kept).collect())
}

/// Signs a link and writes it: both at the same time, where the place of the signature in the file is
/// known before it is made.
pub(crate) fn write_signed(
    path: &Path,
    link: &Link,
    form: Form,
    signer: &ReadySigner,
) -> Result<(), Failure> {
    write_prepared(path, link, form, None, signer)
}

/// The same, with what was made while the command ran.
fn write_prepared(
    path: &Path,
    link: &Link,
    form: Form,
    prepared: Option<Prepared>,
    signer: &ReadySigner,
) -> Result<(), Failure> {
    let (issue, message) = Issue::with_materials(link, form, prepared).map_err(Failure::failed)?;
    let issue = issue.certified(signer.certificate.as_deref());
    let length = match issue.is_signed_ahead() {
        true => signer.key.signature_length(),
        false => Some(0),
    };
    let mut refused = None;
    let written = thread::scope(|scope| {
        let mut signing = Signing::begin(scope, &signer.key, message);
        let mut signature = || signing.end(&mut refused);
        store::write_file_with(path, Writing::Public, |out| {
            let Some(length) = length.filter(|_| out.can_begin_anew()) else {
                return issue.write(Some((&signer.keyid, &signature()?)), out);
            };
            let head = issue.head(Some((&signer.keyid, &vec![0; length])));
            out.write_all(&head)?;
            issue.write_body(out)?;
            let signature = signature()?;
            let signed = Some((&signer.keyid, signature.as_slice()));
            out.write_all(&issue.tail(signed))?;
            out.begin_anew(&head, &issue.head(signed))
        })
    });
    match refused {
        Some(error) => Err(Failure::failed(error)),
        None => written.map_err(Failure::failed),
    }
}

/// A signature that a thread makes, or that was made at once.
enum Signing<'scope> {
    Begun(ScopedJoinHandle<'scope, Result<Vec<u8>, SignError>>),
    Done(Result<Vec<u8>, SignError>),
    /// It was given away.
    Over,
}

impl<'scope> Signing<'scope> {
    fn begin(
        scope: &'scope thread::Scope<'scope, '_>,
        key: &'scope FileKey,
        message: Arc<Vec<u8>>,
    ) -> Self {
        /// Messages below this many bytes are not worth a thread.
        const SMALL: usize = 1 << 17;
        if message.len() < SMALL {
            return Self::Done(key.sign(&message));
        }
        let kept = Arc::clone(&message);
        match thread::Builder::new().spawn_scoped(scope, move || key.sign(&message)) {
            Ok(begun) => {
                // The thread lets the message go as soon as it is signed.
                drop(kept);
                Self::Begun(begun)
            }
            Err(_no_thread) => Self::Done(key.sign(&kept)),
        }
    }

    /// The signature. Why there is none goes into `refused`.
    fn end(&mut self, refused: &mut Option<SignError>) -> io::Result<Vec<u8>> {
        let done = match std::mem::replace(self, Self::Over) {
            Self::Begun(thread) => match thread.join() {
                Ok(done) => done,
                Err(panic) => std::panic::resume_unwind(panic),
            },
            Self::Done(done) => done,
            Self::Over => return Err(io::Error::other("the signature was given away before")),
        };
        done.map_err(|error| {
            *refused = Some(error.clone());
            io::Error::other(error)
        })
    }
}

/// Records.
pub(crate) fn record(
    paths: &[String],
    role: Role,
    files: Files,
    options: &Options,
    listener: &Listener,
) -> Result<Artifacts, Failure> {
    note_excluded(paths, options);
    recording(listener, role, files, || {
        record::record(paths, options, listener)
    })
    .map_err(Failure::failed)
}

/// A path that was named and is left out all the same may be a surprise.
fn note_excluded(paths: &[String], options: &Options) {
    for path in paths {
        let plain = path.strip_prefix("file:").unwrap_or(path);
        if options.excludes.matches(Path::new(plain)) {
            complain(&format!(
                "note: `{path}` is left out, for an exclude pattern matches it"
            ));
        }
    }
}

/// The command for the link, where every word must be text.
pub(crate) fn command_words(command: &[OsString]) -> Result<Vec<String>, Failure> {
    let word = |word: &OsString| {
        word.to_str().map(str::to_owned).ok_or_else(|| {
            let shown = word.to_string_lossy();
            Failure::usage(format!(
                "the word `{shown}` of the command is not UTF-8, so no link can hold it"
            ))
        })
    };
    command.iter().map(word).collect()
}

/// How a command ended, in terms of our exit status.
pub(crate) enum Ended {
    /// It did not start; why.
    NotStarted(u8, String),
    /// It ran.
    With(Ran),
}

/// What is left to do when a command has run.
#[derive(Debug, Default)]
pub(crate) struct Ran {
    status: u8,
    /// Whether the command itself returned something else than 0.
    command_failed: bool,
    /// Ctrl-C at a terminal ended it.
    interrupted_by_hand: bool,
}

impl Ran {
    /// Ends as the command did. A shell that runs a script or a loop takes a Ctrl-C for its own
    /// only when its child was killed by it; so we are, after all is written.
    fn finish(&self) -> ExitCode {
        if self.interrupted_by_hand {
            drop(signal_hook::low_level::emulate_default_handler(SIGINT));
        }
        ExitCode::from(self.status)
    }
}

pub(crate) fn ending(finished: &Finished) -> Ended {
    let mut ran = Ran::default();
    match &finished.outcome {
        Outcome::NotStarted(error) => {
            let status = match error {
                StartError::NotFound { .. } | StartError::NoInterpreter { .. } => NOT_FOUND,
                StartError::NotExecutable { .. } => NOT_EXECUTABLE,
                StartError::Folder { .. } | StartError::Other { .. } => NOT_STARTED,
            };
            return Ended::NotStarted(status, with_source(error));
        }
        Outcome::Exited { code } => ran.status = *code,
        Outcome::Signaled { signal } => {
            ran.status = SIGNAL_BASE.saturating_add(u8::try_from(*signal).unwrap_or(0));
            ran.interrupted_by_hand = *signal == SIGINT && io::stdin().is_terminal();
        }
        Outcome::TimedOut { limit } => {
            let seconds = limit.as_secs();
            complain(&format!(
                "the command was ended, for it ran longer than {seconds} s"
            ));
            ran.status = TIMED_OUT;
        }
    }
    ran.command_failed = ran.status != 0;
    for (name, stream) in [("stdout", &finished.stdout), ("stderr", &finished.stderr)] {
        if let Some(error) = &stream.refused
            && error.kind() != io::ErrorKind::BrokenPipe
        {
            complain(&format!(
                "error: the command's {name} could not be passed on: {error}"
            ));
            if ran.status == 0 {
                ran.status = NO_EVIDENCE;
            }
        }
        if stream.detached {
            complain(&format!(
                "note: a process that the command left behind still writes to {name}, which is recorded and passed on no longer"
            ));
        }
    }
    Ended::With(ran)
}

/// An error and what the system said.
fn with_source(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// `return-value` (minus the signal's number for a command that one killed), `stdout`, `stderr` as
/// in the reference. Streams that were stored add `stream-cap`; one that is longer adds its length
/// as `stdout-bytes`, one that is not UTF-8 is base64 and adds `stdout-encoding`.
pub(crate) fn byproducts(finished: &Finished, streams: bool) -> Object {
    let mut byproducts = Object::new();
    let value = match &finished.outcome {
        Outcome::Exited { code } => i64::from(*code),
        Outcome::Signaled { signal } => -i64::from(*signal),
        Outcome::TimedOut { limit } => {
            byproducts.set(
                "timed-out-after-seconds",
                i64::try_from(limit.as_secs()).unwrap_or(i64::MAX),
            );
            i64::from(TIMED_OUT)
        }
        Outcome::NotStarted(_) => i64::from(NOT_FOUND),
    };
    byproducts.set("return-value", value);
    for (name, stream) in [("stdout", &finished.stdout), ("stderr", &finished.stderr)] {
        byproducts.set(name, "");
        if streams {
            store_stream(name, stream, &mut byproducts);
        }
    }
    if streams {
        byproducts.set(
            "stream-cap",
            i64::try_from(MAX_STORED_STREAM).unwrap_or(i64::MAX),
        );
    }
    byproducts
}

fn store_stream(name: &str, stream: &Captured, byproducts: &mut Object) {
    let mut bytes = stream.bytes.as_slice();
    if stream.cut
        && let Err(error) = std::str::from_utf8(bytes)
        && error.error_len().is_none()
    {
        // The cap fell into the middle of a character.
        bytes = bytes.get(..error.valid_up_to()).unwrap_or_default();
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => byproducts.set(name, text),
        Err(_) => {
            byproducts.set(name, STANDARD.encode(bytes));
            byproducts.set(&format!("{name}-encoding"), "base64");
        }
    }
    if stream.detached {
        byproducts.set(&format!("{name}-detached"), true);
    }
    if stream.cut {
        let total = i64::try_from(stream.total).unwrap_or(i64::MAX);
        byproducts.set(&format!("{name}-bytes"), total);
    }
}
