//! One scan of one tree as a whole process, to be timed beside other programs by `scripts/bench`.
//!
//!     tree DIR            record the files below DIR with SHA-256
//!
//! `cargo bench` calls it with `--bench` and without a folder: then there is nothing to do.

use std::process::ExitCode;

use linkwright::event::Silent;
use linkwright::record::{Excludes, Options, record};

fn main() -> ExitCode {
    let folder = std::env::args().skip(1).find(|word| !word.starts_with("--"));
    let Some(folder) = folder else {
        return ExitCode::SUCCESS;
    };
    let options = Options {
        base_path: Some(folder.into()),
        excludes: Excludes::none(),
        ..Options::default()
    };
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
