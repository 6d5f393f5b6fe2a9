//! The gallery in `examples/refusals`: what `verify` says of each broken chain. Each folder has a
//! `command`, and in `output.txt` what it answers and its exit status.
//! `REFUSALS=overwrite cargo test --test main refusals` writes what is answered now.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::support::{LINKWRIGHT, finish};

/// As many kinds of broken chains there are at least.
const AT_LEAST: usize = 25;

#[test]
fn refusals_are_explained_as_written_down() {
    let gallery = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/refusals");
    let overwrite = std::env::var_os("REFUSALS").is_some_and(|value| value == "overwrite");
    let mut folders: Vec<PathBuf> = fs::read_dir(&gallery)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.join("command").exists())
        .collect();
    folders.sort();
    assert!(folders.len() >= AT_LEAST, "{} are here", folders.len());
    let mut differ = Vec::new();
    for folder in folders {
        let (answer, status) = try_out(&folder);
        assert!(
            matches!(status, 1 | 3),
            "{} ended with {status}",
            folder.display()
        );
        let kept = folder.join("output.txt");
        if overwrite {
            fs::write(&kept, &answer).unwrap();
        } else if fs::read_to_string(&kept).unwrap_or_default() != answer {
            differ.push(format!("{}:\n{answer}", folder.display()));
        }
    }
    assert!(differ.is_empty(), "{}", differ.join("\n"));
}

/// Runs the folder's command in a copy of it.
fn try_out(folder: &Path) -> (String, i32) {
    let scratch = tempfile::tempdir().unwrap();
    copy(folder, scratch.path());
    let binaries = Path::new(LINKWRIGHT).parent().unwrap();
    let path = std::env::var("PATH").unwrap();
    let child = Command::new("sh")
        .arg("command")
        .current_dir(scratch.path())
        .env("PATH", format!("{}:{path}", binaries.display()))
        .env("LC_ALL", "C")
        .env_remove("GITHUB_ACTIONS")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let ended = finish(child);
    let status = ended.status.unwrap();
    let answer = format!("{}{}exit status: {status}\n", ended.out(), ended.err);
    (without_the_machine(&answer), status)
}

/// Without what depends on the protections that this machine has for inspections.
fn without_the_machine(answer: &str) -> String {
    let lines = answer
        .lines()
        .filter(|line| !line.contains("note[inspection-ran]"));
    lines.map(|line| format!("{line}\n")).collect()
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            fs::create_dir(&target).unwrap();
            copy(&entry.path(), &target);
        } else if entry.file_name() != "output.txt" {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
