//! `layout decompile`: the text form of a layout that exists.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::author::text;
use crate::model::quoted;

use super::super::failure::{DONE, Failure};
use super::given::Given;
use super::output::{self, Replace};

/// Write the text form of a layout
///
/// It compiles to exactly the same layout, fields that linkwright does not know included. Signatures are
/// not part of it: a layout that was compiled again has to be signed again.
#[derive(Args, Debug)]
pub(super) struct Decompile {
    /// The layout, signed or not
    #[arg(value_name = "LAYOUT")]
    layout: PathBuf,
    /// Write to this file instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "output")]
    force: bool,
}

impl Decompile {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let given = Given::read(&self.layout)?;
        let text = text::decompile(&given.value, &BTreeMap::new())
            .map_err(|error| Failure::failed(format!("{}: {error}", quoted(&given.document))))?;
        let replace = Replace::by(self.force);
        output::write(self.output.as_deref(), &text, &self.layout, replace)?;
        Ok(ExitCode::from(DONE))
    }
}
