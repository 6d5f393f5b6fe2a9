//! `layout …`: write, check and understand layouts. One file per command.

mod from_links;
mod given;
mod new;
mod show;

use std::process::ExitCode;

use clap::{Args, Subcommand};

use super::failure::Failure;

/// Write, check and understand layouts
#[derive(Args, Debug)]
pub(crate) struct Layout {
    #[command(subcommand)]
    command: Commands,
}

#[derive(Debug, Subcommand)]
enum Commands {
    FromLinks(from_links::FromLinks),
    New(new::New),
    Show(show::Show),
}

impl Layout {
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        match &self.command {
            Commands::FromLinks(from_links) => from_links.run(),
            Commands::New(new) => new.run(),
            Commands::Show(show) => show.run(),
        }
    }
}
