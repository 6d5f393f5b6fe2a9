//! `layout show`: what a layout asks for, readable.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::author::Graph;
use crate::model::quoted;
use crate::render;

use super::super::failure::{DONE, Failure, answer};
use super::super::show;
use super::given::Given;

/// How wide the graph is where nobody says.
const WIDTH: usize = 100;

/// Show what a layout asks for: its graph, then keys, steps, rules, inspections
///
/// In the graph, `●` is a step and `◆` an inspection; an arrow leads from the item whose artifacts are
/// looked for to the item with the MATCH rule. Signatures are not checked: that is for `verify` and
/// `sign --verify`.
#[derive(Args, Debug)]
pub(super) struct Show {
    /// The layout, signed or not
    #[arg(value_name = "LAYOUT")]
    layout: PathBuf,
    /// How many columns the graph may take (those of the terminal unless given)
    #[arg(long, value_name = "COLUMNS")]
    width: Option<usize>,
}

impl Show {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let given = Given::read(&self.layout)?;
        let width = self.width.or_else(columns).unwrap_or(WIDTH);
        let text = format!(
            "{}:\n\n{}\n{}",
            quoted(&given.document),
            render::terminal(&Graph::of(&given.layout), width),
            show::layout(&given.layout)
        );
        answer(text.as_bytes())?;
        Ok(ExitCode::from(DONE))
    }
}

/// How wide the terminal is, by `COLUMNS` or by itself.
fn columns() -> Option<usize> {
    let said = env::var("COLUMNS").ok().and_then(|text| text.parse().ok());
    said.filter(|columns| *columns > 0).or_else(|| {
        let size = rustix::termios::tcgetwinsize(io::stdout()).ok()?;
        (size.ws_col > 0).then(|| usize::from(size.ws_col))
    })
}
