//! `run`: wraps one command, records what went in and what came out, signs a link that says so.
//!
//! Everything that can fail is tried before the command starts: the key is opened, the materials
//! are recorded, the folder for the link is tried. After that the command's status is ours.

use std::error::Error;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use clap::Args;

use crate::encoding::Object;
use crate::exec::{
    self, Captured, Command, Finished, MAX_STORED_STREAM, Outcome, Output, StartError,
};
use crate::keys::Signer as _;
use crate::model::{Artifacts, Envelope, Form, ItemName, Link};
use crate::record::{self, Options};
use crate::store::{self, Writing};

use super::failure::{
    Failure, Kind, NO_EVIDENCE, NOT_EXECUTABLE, NOT_FOUND, NOT_STARTED, SIGNAL_BASE, TIMED_OUT,
    complain,
};
use super::options::{EnvelopeForm, Recording};
use super::progress::Listener;
use super::signing::{ReadySigner, SigningKey};

/// Wrap one command and sign a link about it
///
/// The command runs as if it were called directly: streams, terminal, signals and exit status pass
/// through. Exit status: the command's own; 128+n when signal n killed it; 124 when it ran longer
/// than --run-timeout; 125 when something failed before it was started; 126 when it cannot be
/// executed; 127 when it was not found; 121 when it succeeded and its evidence could not be written.
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
        let materials = record(&self.materials, &options, listener).map_err(before)?;
        let mut link = Link {
            name: name.as_str().to_owned(),
            materials,
            ..Link::default()
        };
        let mut status = 0;
        if !self.no_command {
            link.command = command;
            let finished = self.execute(listener).map_err(before)?;
            match exit_status(&finished) {
                Ended::NotStarted(status, why) => {
                    complain(&format!("error: {why}"));
                    return Ok(ExitCode::from(status));
                }
                Ended::With(ended) => status = ended,
            }
            link.byproducts = byproducts(&finished, self.record_streams);
        }
        if status != 0 && self.no_link_on_failure {
            return Ok(ExitCode::from(status));
        }
        if let Err(failure) = self.evidence(link, &options, &signer, listener) {
            failure.report("run");
            return Ok(ExitCode::from(if status == 0 {
                NO_EVIDENCE
            } else {
                status
            }));
        }
        Ok(ExitCode::from(status))
    }

    fn execute(&self, listener: &Listener) -> Result<Finished, Failure> {
        let mut command = Command::new(self.command.clone());
        command.time_limit = self.run_timeout.map(Duration::from_secs);
        if self.record_streams {
            command.output = Output::Record {
                cap: MAX_STORED_STREAM,
            };
        }
        exec::run(&command, listener).map_err(|error| Failure::failed(with_source(&error)))
    }

    /// What comes after the command: products, signature, file.
    fn evidence(
        &self,
        mut link: Link,
        options: &Options,
        signer: &ReadySigner,
        listener: &Listener,
    ) -> Result<(), Failure> {
        link.products = record(&self.products, options, listener)?;
        let file = store::link_file_name(&link.name, &signer.keyid);
        let path = self.metadata_directory.join(file);
        let told = format!(
            "wrote {} ({} materials, {} products)",
            path.display(),
            link.materials.len(),
            link.products.len()
        );
        let envelope = sign(&link, self.form.form(), signer)?;
        store::write_file(&path, envelope.to_text().as_bytes(), Writing::Public)
            .map_err(Failure::failed)?;
        listener.tell(&told);
        Ok(())
    }
}

/// The envelope of a link with one signature on it.
pub(crate) fn sign(link: &Link, form: Form, signer: &ReadySigner) -> Result<Envelope, Failure> {
    let mut envelope = Envelope::unsigned(link.to_value(), form).map_err(Failure::failed)?;
    let signature = signer
        .key
        .sign(envelope.message())
        .map_err(Failure::failed)?;
    envelope.add_signature(&signer.keyid, &signature);
    Ok(envelope)
}

pub(crate) fn record(
    paths: &[String],
    options: &Options,
    listener: &Listener,
) -> Result<Artifacts, Failure> {
    record::record(paths, options, listener).map_err(Failure::failed)
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
    With(u8),
}

/// An error and what the system said.
fn with_source(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

pub(crate) fn exit_status(finished: &Finished) -> Ended {
    match &finished.outcome {
        Outcome::NotStarted(error) => {
            let status = match error {
                StartError::NotFound { .. } | StartError::NoInterpreter { .. } => NOT_FOUND,
                StartError::NotExecutable { .. } => NOT_EXECUTABLE,
                StartError::Folder { .. } | StartError::Other { .. } => NOT_STARTED,
            };
            Ended::NotStarted(status, with_source(error))
        }
        Outcome::Exited { code } => Ended::With(*code),
        Outcome::Signaled { signal } => {
            Ended::With(SIGNAL_BASE.saturating_add(u8::try_from(*signal).unwrap_or(0)))
        }
        Outcome::TimedOut { limit } => {
            complain(&format!(
                "the command was ended, for it ran longer than {} s",
                limit.as_secs()
            ));
            Ended::With(TIMED_OUT)
        }
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
    if stream.cut {
        let total = i64::try_from(stream.total).unwrap_or(i64::MAX);
        byproducts.set(&format!("{name}-bytes"), total);
    }
}
