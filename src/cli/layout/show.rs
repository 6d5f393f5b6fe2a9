//! `layout show`: what a layout asks for, readable.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::model::quoted;

use super::super::failure::{DONE, Failure, answer};
use super::super::show;
use super::given::Given;

/// Show what a layout asks for: keys, steps, rules, inspections
///
/// Signatures are not checked: that is for `verify` and `sign --verify`.
#[derive(Args, Debug)]
pub(super) struct Show {
    /// The layout, signed or not
    #[arg(value_name = "LAYOUT")]
    layout: PathBuf,
}

impl Show {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let given = Given::read(&self.layout)?;
        let text = format!(
            "{}:\n{}",
            quoted(&given.document),
            show::layout(&given.layout)
        );
        answer(text.as_bytes())?;
        Ok(ExitCode::from(DONE))
    }
}
