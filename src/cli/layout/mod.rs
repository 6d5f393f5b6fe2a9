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
enum Commands {
    Compile(compile::Compile),
    Decompile(decompile::Decompile),
    Diff(diff::Diff),
    FromLinks(from_links::FromLinks),
    Graph(graph::Graph),
    Keys(keys::Keys),
    Lint(lint::Lint),
    New(new::New),
    Renew(renew::Renew),
    Show(show::Show),
    Sign(sign::Sign),
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
