//! `layout graph`: a layout as a picture.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::author::Graph as Drawn;
use crate::render;

use super::super::failure::{DONE, Failure, answer};
use super::given::Given;

/// Draw a layout: steps and inspections in order, who signs, arrows along MATCH rules
///
/// An arrow leads from the item whose artifacts are looked for to the item with the rule. Nothing else
/// is needed to look at the SVG; DOT is for Graphviz, Mermaid for pages that draw it.
#[derive(Args, Debug)]
pub(super) struct Graph {
    /// The layout, signed or not
    #[arg(value_name = "LAYOUT")]
    layout: PathBuf,
    /// What to write to standard output
    #[arg(long, value_enum, default_value = "svg")]
    format: Format,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// A picture for browsers and documents, on light and dark ground
    Svg,
    /// For Graphviz
    Dot,
    /// For Mermaid, as GitHub and GitLab draw it
    Mermaid,
}

impl Graph {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let given = Given::read(&self.layout)?;
        let graph = Drawn::of(&given.layout);
        let mut out = Vec::new();
        let written = match self.format {
            Format::Svg => render::svg(&graph, &mut out),
            Format::Dot => render::dot(&graph, &mut out),
            Format::Mermaid => render::mermaid(&graph, &mut out),
        };
        written.map_err(Failure::failed)?;
        answer(&out)?;
        Ok(ExitCode::from(DONE))
    }
}
