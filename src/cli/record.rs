//! `record`: evidence for a step of several commands, or one done by hand.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::event::{Files, Role};
use crate::keys::Signer as _;
use crate::model::{Envelope, ItemName, Link, PayloadKind};
use crate::store;

use super::failure::{DONE, Failure};
use super::options::{EnvelopeForm, Recording};
use super::progress::Listener;
use super::run::{record, write_signed};
use super::signing::{ReadySigner, SigningKey};

/// Record a step of several commands, or one done by hand
///
/// `record start` records the materials; then the step is done; `record stop` records the products
/// and writes the link.
#[derive(Args, Debug)]
pub(crate) struct Record {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Record the materials into a signed file of the current folder
    Start(Start),
    /// Record the products, write the link, remove the file of `record start`
    Stop(Stop),
}

#[derive(Args, Debug)]
struct Start {
    #[command(flatten)]
    common: Common,
    /// Files and folders that the step starts from
    #[arg(long, short, value_name = "PATH", num_args = 1..)]
    materials: Vec<String>,
}

#[derive(Args, Debug)]
struct Stop {
    #[command(flatten)]
    common: Common,
    /// Files and folders that the step leaves
    #[arg(long, short, value_name = "PATH", num_args = 1..)]
    products: Vec<String>,
    /// Write the link into this folder
    #[arg(
        long,
        short = 'd',
        value_name = "FOLDER",
        default_value = ".",
        hide_default_value = true
    )]
    metadata_directory: PathBuf,
}

#[derive(Args, Debug)]
struct Common {
    /// The step that this is, as the layout names it
    #[arg(long, short = 'n', visible_alias = "name", value_name = "STEP")]
    step_name: String,
    #[command(flatten)]
    signing: SigningKey,
    #[command(flatten)]
    recording: Recording,
    /// The form of `record start` is kept by `record stop`
    #[command(flatten)]
    form: EnvelopeForm,
}

impl Record {
    pub(crate) fn run(&self, listener: &Listener) -> Result<ExitCode, Failure> {
        match &self.part {
            Part::Start(start) => start.run(listener)?,
            Part::Stop(stop) => stop.run(listener)?,
        }
        Ok(ExitCode::from(DONE))
    }
}

impl Start {
    fn run(&self, listener: &Listener) -> Result<(), Failure> {
        let (name, signer) = self.common.name_and_signer()?;
        store::check_writable(Path::new(".")).map_err(Failure::failed)?;
        let options = self.common.recording.options()?;
        let link = Link {
            materials: record(
                &self.materials,
                Role::Materials,
                Files::New,
                &options,
                listener,
            )?,
            name,
            ..Link::default()
        };
        let path = PathBuf::from(store::unfinished_file_name(&link.name, &signer.keyid));
        write_signed(&path, &link, self.common.form.form(), &signer)?;
        listener.tell(&format!(
            "wrote {} ({} materials)",
            path.display(),
            link.materials.len()
        ));
        Ok(())
    }
}

impl Stop {
    fn run(&self, listener: &Listener) -> Result<(), Failure> {
        let (name, signer) = self.common.name_and_signer()?;
        let unfinished = PathBuf::from(store::unfinished_file_name(&name, &signer.keyid));
        let started = store::read_envelope(&unfinished).map_err(|error| {
            Failure::failed(error).hint("`record start` with the same step name and key writes this file into the current folder")
        })?;
        let mut link = started_link(&started, &name, &signer, &unfinished)?;
        let form = started.form();
        drop(started);
        let options = self.common.recording.options()?;
        store::check_writable(&self.metadata_directory).map_err(Failure::failed)?;
        link.products = record(
            &self.products,
            Role::Products,
            Files::New,
            &options,
            listener,
        )?;
        let path = self
            .metadata_directory
            .join(store::link_file_name(&name, &signer.keyid));
        write_signed(&path, &link, form, &signer)?;
        store::remove_file(&unfinished).map_err(Failure::failed)?;
        listener.tell(&format!(
            "wrote {} ({} products)",
            path.display(),
            link.products.len()
        ));
        Ok(())
    }
}

impl Common {
    fn name_and_signer(&self) -> Result<(String, ReadySigner), Failure> {
        let name = ItemName::new(&self.step_name).map_err(Failure::usage)?;
        Ok((name.as_str().to_owned(), self.signing.load()?))
    }
}

/// The link of `record start`, if it is ours and as we wrote it.
fn started_link(
    started: &Envelope,
    name: &str,
    signer: &ReadySigner,
    path: &Path,
) -> Result<Link, Failure> {
    let ours = |signature: &crate::model::Signature| {
        let bytes = signature.bytes.as_deref().unwrap_or_default();
        signature.keyid.as_ref() == Some(&signer.keyid)
            && signer.key.public().verify(started.message(), bytes).is_ok()
    };
    if !started.signatures().iter().any(ours) {
        let message = format!(
            "`{}` was changed after `record start`, or signed by another key",
            path.display()
        );
        return Err(Failure::failed(message).hint("begin the step again with `record start`"));
    }
    if started.kind() != PayloadKind::Link {
        return Err(Failure::failed(format!(
            "`{}` holds no link",
            path.display()
        )));
    }
    let link = started.link().map_err(|complaints| {
        let complaint = complaints
            .first()
            .map(ToString::to_string)
            .unwrap_or_default();
        Failure::failed(format!("`{}` holds no link: {complaint}", path.display()))
    })?;
    if link.name != name
        || !link.products.is_empty()
        || !link.command.is_empty()
        || !link.byproducts.is_empty()
    {
        let message = format!(
            "`{}` is not what `record start` wrote for this step",
            path.display()
        );
        return Err(Failure::failed(message).hint("begin the step again with `record start`"));
    }
    Ok(link)
}
