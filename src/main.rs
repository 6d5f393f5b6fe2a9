//! The `linkwright` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    linkwright::cli::main(std::env::args_os())
}
