//! `layout sign`: compiles a text form and signs it in one, or signs a layout that is JSON.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::keys::Signer as _;
use crate::model::{Envelope, Form, quoted};
use crate::store::{self, Writing};

use super::super::failure::{DONE, Failure};
use super::super::options::{EnvelopeForm, Style};
use super::super::progress::Listener;
use super::super::signing::{Certified, Password, ReadySigner, load_signer};
use super::compile::Compiling;
use super::given::Given;
use super::output::{self, Replace, is_same};

/// What names of text forms end in.
const ENDING: &str = ".layout.toml";

/// Compile and sign a layout in one, or sign one that is compiled
///
/// The text form `x.layout.toml` is signed to `x.layout`, a layout in JSON in its own file, unless
/// --output names another. Signatures that are there are replaced: `sign --append` adds one. Of other files
/// that are there none is replaced without --force, but for a layout that `x.layout` holds already.
#[derive(Args, Debug)]
pub(super) struct Sign {
    /// The layout: its text form, or JSON
    #[arg(value_name = "LAYOUT")]
    layout: PathBuf,
    #[command(flatten)]
    signing: Signing,
    #[command(flatten)]
    compiling: Compiling,
    #[command(flatten)]
    form: EnvelopeForm,
    /// Write to this file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

/// The keys of the owners.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Signing {
    /// Sign with this private key: a PEM file, or `env:NAME` for PEM in an environment variable; several
    /// for a layout of several owners
    #[arg(long = "signing-key", short = 'k', visible_alias = "key", value_name = "KEY", num_args = 1..)]
    keys: Vec<String>,
    #[command(flatten)]
    password: Password,
}

impl Signing {
    pub(super) fn is_given(&self) -> bool {
        !self.keys.is_empty()
    }

    /// Signs with each key.
    pub(super) fn sign(
        &self,
        envelope: &mut Envelope,
        style: Option<Style>,
    ) -> Result<(), Failure> {
        let load = |key: &String| load_signer(key, &self.password, &Certified::default(), style);
        let signers: Vec<ReadySigner> = self.keys.iter().map(load).collect::<Result<_, _>>()?;
        for signer in &signers {
            let signature = signer
                .key
                .sign(envelope.message())
                .map_err(Failure::failed)?;
            envelope.add_signature(&signer.keyid, &signature);
        }
        Ok(())
    }
}

impl Sign {
    pub(super) fn run(&self, listener: &Listener) -> Result<ExitCode, Failure> {
        if !self.signing.is_given() {
            return Err(Failure::usage("there is no key to sign with")
                .hint("give the owner's private key with --signing-key"));
        }
        let given = self.compiling.read(&self.layout)?;
        let in_place = !given.is_text()
            && (self.output.as_deref()).is_none_or(|output| is_same(output, &self.layout));
        let replace = match self.output {
            None if !self.force => Replace::Layout,
            _ => Replace::by(self.force),
        };
        let output = match &self.output {
            _ if in_place => resolved(&self.layout),
            Some(output) => output.clone(),
            None => own_output(&self.layout)?,
        };
        let mut envelope = self.envelope(given)?;
        self.signing.sign(&mut envelope, self.compiling.style())?;
        let text = envelope.to_text();
        match in_place {
            true => store::write_file(&output, text.as_bytes(), Writing::Public)
                .map_err(Failure::failed)?,
            false => output::write(Some(&output), &text, &self.layout, replace)?,
        }
        listener.tell(&format!("wrote {}", quoted(&output.to_string_lossy())));
        Ok(ExitCode::from(DONE))
    }

    /// Without signatures. An envelope that is there keeps its form, and fields that are not known.
    fn envelope(&self, given: Given) -> Result<Envelope, Failure> {
        match given.envelope {
            Some(mut envelope) => {
                if self.form.form() == Form::Dsse && envelope.form() != Form::Dsse {
                    return Envelope::unsigned(given.value, Form::Dsse).map_err(Failure::failed);
                }
                envelope.clear_signatures();
                Ok(envelope)
            }
            None => Envelope::unsigned(given.value, self.form.form()).map_err(Failure::failed),
        }
    }
}

/// What a symbolic link leads to is changed, not the link replaced.
pub(super) fn resolved(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// Where a text form is signed to that nothing was said about.
fn own_output(path: &Path) -> Result<PathBuf, Failure> {
    if path.to_string_lossy().ends_with(ENDING) {
        return Ok(path.with_extension(""));
    }
    Err(Failure::usage(format!(
        "the name of the text form does not end in `{ENDING}`"
    ))
    .hint("say with --output where to write the signed layout"))
}
