//! `layout compile`: from the text form of a layout to the one that is signed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::model::{Envelope, quoted};

use super::super::failure::{DONE, Failure};
use super::super::options::{EnvelopeForm, Style};
use super::super::verify::{parameter, parameters};
use super::given::Given;
use super::output::{self, Replace};
use super::text::Way;

/// How a text form is made a layout.
#[derive(Args, Clone, Debug, Default)]
pub(super) struct Compiling {
    /// Fill in a parameter of the text form, instead of the value that stands there
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Make the ids of keys as in-toto 3 does (current), or as in-toto 2 and in-toto-golang (legacy)
    #[arg(long, value_enum)]
    keyid_style: Option<Style>,
}

impl Compiling {
    pub(super) fn style(&self) -> Option<Style> {
        self.keyid_style
    }

    fn way(&self) -> Result<Way, Failure> {
        Ok(Way {
            keyid_style: self.keyid_style.unwrap_or_default().style(),
            parameters: parameters(&self.parameters)?,
            ..Way::plain()
        })
    }

    /// Reads a layout. JSON has no parameters to fill in: what was asked for would not be done.
    pub(super) fn read(&self, path: &Path) -> Result<Given, Failure> {
        let given = Given::read_by(path, &self.way()?)?;
        if !given.is_text() && !self.parameters.is_empty() {
            return Err(Failure::usage(format!(
                "{} is no text form, so --param fills nothing in",
                quoted(&given.document)
            ))
            .hint("parameters of a layout in JSON are filled in by `verify --param`"));
        }
        Ok(given)
    }
}

/// Compile the text form of a layout to JSON, not yet signed
///
/// What is wrong with it is told all at once, each with its line. Paths of keys are relative to the
/// file. `layout sign` compiles and signs in one; `sign` and in-toto-sign sign what this writes.
#[derive(Args, Debug)]
pub(super) struct Compile {
    /// The text form
    #[arg(value_name = "LAYOUT")]
    layout: PathBuf,
    #[command(flatten)]
    compiling: Compiling,
    #[command(flatten)]
    form: EnvelopeForm,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "output")]
    force: bool,
}

impl Compile {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let given = self.compiling.read(&self.layout)?;
        if !given.is_text() {
            return Err(Failure::failed(format!(
                "{} is JSON, which is compiled already",
                quoted(&given.document)
            ))
            .hint("`layout decompile` writes its text form, `layout sign` signs it"));
        }
        let envelope =
            Envelope::unsigned(given.value, self.form.form()).map_err(Failure::failed)?;
        let text = format!("{}\n", envelope.to_text());
        let replace = Replace::by(self.force);
        output::write(self.output.as_deref(), &text, &self.layout, replace)?;
        Ok(ExitCode::from(DONE))
    }
}
