//! `layout …`: write, check and understand layouts. One file per command.

mod compile;
mod decompile;
mod diff;
mod from_links;
mod given;
mod graph;
mod keys;
mod links;
mod lint;
mod new;
mod output;
mod rehearsed;
mod renew;
mod show;
mod sign;
mod simulate;
mod text;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use crate::render::Dress;

use super::failure::Failure;
use super::progress::Listener;

/// Write, check and understand layouts
#[derive(Args, Debug)]
pub(crate) struct Layout {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Commands {
    /// Compile the text form of a layout to JSON, not yet signed
    Compile(compile::Compile),
    /// Write the text form of a layout
    Decompile(decompile::Decompile),
    /// Compare two layouts by what they mean: what is now allowed that was not, and what is now refused
    Diff(diff::Diff),
    /// Write the layout that accepts the links of one good run
    FromLinks(from_links::FromLinks),
    /// Draw a layout: steps and inspections in order, who signs, arrows along MATCH rules
    Graph(graph::Graph),
    /// Show which key can do what: alone, or only with others; what it signed; which are unused
    Keys(keys::Keys),
    /// Find what in a layout cannot work, checks nothing, or is most likely not what was meant
    Lint(lint::Lint),
    /// Begin a layout from a template
    New(new::New),
    /// Give a layout another expiry
    Renew(renew::Renew),
    /// Show what a layout asks for: its graph, then keys, steps, rules, inspections
    Show(show::Show),
    /// Compile and sign a layout in one, or sign one that is compiled
    Sign(sign::Sign),
    /// Try tamperings with the evidence of a good run, and tell which ones would pass
    Simulate(Box<simulate::Simulate>),
}

impl Layout {
    pub(crate) fn run(&self, dress: Dress, listener: &Listener) -> Result<ExitCode, Failure> {
        match &self.command {
            Commands::Compile(compile) => compile.run(),
            Commands::Decompile(decompile) => decompile.run(),
            Commands::Diff(diff) => diff.run(),
            Commands::FromLinks(from_links) => from_links.run(),
            Commands::Graph(graph) => graph.run(),
            Commands::Keys(keys) => keys.run(),
            Commands::Lint(lint) => lint.run(dress),
            Commands::New(new) => new.run(),
            Commands::Renew(renew) => renew.run(listener),
            Commands::Show(show) => show.run(),
            Commands::Sign(sign) => sign.run(listener),
            Commands::Simulate(simulate) => simulate.run(),
        }
    }
}
