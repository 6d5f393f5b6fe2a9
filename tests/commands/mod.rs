//! The command line as files (`*.trycmd`): what is typed, what is answered, with which status. Each
//! file has a copy of `tests/data` as its folder. `TRYCMD=overwrite cargo test command_line` writes
//! what is answered now into them; read the difference before committing it. trycmd shows `\` as `/`.

mod bad_input;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::support::{CI, LINKWRIGHT};

const REFERENCE_TOOLS: [&str; 6] = [
    "in-toto-run",
    "in-toto-record",
    "in-toto-sign",
    "in-toto-verify",
    "in-toto-mock",
    "in-toto-match-products",
];

/// The binary under the names of the reference's tools, and under its own.
pub(crate) fn named_tools() -> PathBuf {
    let folder =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("tools-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    for name in REFERENCE_TOOLS.iter().chain(&["linkwright"]) {
        symlink(LINKWRIGHT, folder.join(name)).unwrap();
    }
    folder
}

#[test]
fn the_command_line_answers_as_written_down() {
    let tools = named_tools();
    let cases = trycmd::TestCases::new();
    for name in REFERENCE_TOOLS {
        cases.register_bin(name, tools.join(name));
    }
    for name in ["sh", "test", "stat", "grep", "sed", "rm"] {
        cases.register_bin(name, Path::new("/bin").join(name));
    }
    let path = std::env::var("PATH").unwrap();
    cases.env("PATH", format!("{}:{path}", tools.display()));
    cases.env("LC_ALL", "C");
    for name in CI {
        cases.env(name, "");
    }
    cases.case("tests/commands/*.trycmd");
    cases.run();
    fs::remove_dir_all(tools).unwrap();
}
