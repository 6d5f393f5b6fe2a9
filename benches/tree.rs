//! One scan of one tree as a whole process, to be timed beside other programs by `scripts/bench`.
//!
//!     tree DIR              record the files below DIR with SHA-256
//!     tree --no-hash DIR    find, open, read and close them in the same way
//!
//! `cargo bench` calls it with `--bench` and without a folder: then there is nothing to do.

use std::process::ExitCode;

use linkwright::event::Silent;
use linkwright::record::{Effort, Excludes, Options, go_over, record};

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "its answer")]
fn main() -> ExitCode {
    let (switches, folders): (Vec<_>, Vec<_>) = std::env::args()
        .skip(1)
        .partition(|word| word.starts_with("--"));
    let Some(folder) = folders.first() else {
        return ExitCode::SUCCESS;
    };
    let options = Options {
        base_path: Some(folder.into()),
        excludes: Excludes::none(),
        ..Options::default()
    };
    if switches.iter().any(|switch| switch == "--no-hash") {
        println!("{} files", go_over(folder.as_ref(), &options, Effort::Read));
        return ExitCode::SUCCESS;
    }
    match record(&[".".to_owned()], &options, &Silent) {
        Ok(artifacts) => {
            println!("{} files", artifacts.len());
            ExitCode::SUCCESS
        }
        Err(errors) => {
            eprintln!("{errors}");
            ExitCode::FAILURE
        }
    }
}
