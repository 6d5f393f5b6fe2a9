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
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (effort, folder) = match words[..] {
        ["--bench"] => return ExitCode::SUCCESS,
        ["--no-hash", folder] => (Effort::Read, folder),
        [folder] if !folder.starts_with("--") => (Effort::Hash, folder),
        _ => {
            eprintln!("expected a folder, and perhaps --no-hash before it");
            return ExitCode::FAILURE;
        }
    };
    let options = Options {
        base_path: Some(folder.into()),
        excludes: Excludes::none(),
        ..Options::default()
    };
    let files = match effort {
        Effort::Hash => record(&[".".to_owned()], &options, &Silent).map(|found| found.len()),
        Effort::Find | Effort::Read => go_over(folder.as_ref(), &options, effort),
    };
    match files {
        Ok(files) => {
            println!("{files} files");
            ExitCode::SUCCESS
        }
        Err(errors) => {
            eprintln!("{errors}");
            ExitCode::FAILURE
        }
    }
}
