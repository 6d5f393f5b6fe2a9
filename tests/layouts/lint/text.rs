//! The text form: its own lines are underlined; of one that is no layout it is said why; and the templates
//! are examples of what there is nothing to say about.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::NOW;
use crate::support::{Ended, Folder, public};

/// The test keys that a template's keys are taken from.
const KEYS: [&str; 5] = ["alice", "bob", "carol", "ecdsa", "owner"];

const TEXT: &str = r#"expires = "2031-01-01T00:00:00Z"

[keys]
alice = "keys/alice.pub"

[[step]]
name = "write"
keys = ["alice"]
materials = []
products = [
    "CREATE src/*",
    "CREATE src/main.c",
    "DISALLOW *",
]
"#;

fn folder(text: &str) -> Folder {
    let folder = Folder::new();
    folder.write("keys/alice.pub", fs::read(public("alice")).unwrap());
    folder.write("a.layout.toml", text);
    folder
}

fn lint(folder: &Folder, arguments: &[&str]) -> Ended {
    let mut all = vec!["layout", "lint", "a.layout.toml", "--now", NOW];
    all.extend(arguments);
    folder.linkwright(&all)
}

#[test]
fn the_line_of_the_text_form_is_underlined() {
    let folder = folder(TEXT);
    let ended = lint(&folder, &[]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let said = ended.out();
    assert!(said.contains("warning[list-empty]: step `write`"), "{said}");
    assert!(said.contains("9 | materials = []"), "{said}");
    assert!(said.contains("warning[rule-shadowed]"), "{said}");
    assert!(said.contains("12 |     \"CREATE src/main.c\""), "{said}");
    let ended = lint(&folder, &["--format", "json"]);
    let answer: Value = serde_json::from_slice(&ended.out).unwrap();
    let findings = answer["layouts"][0]["findings"].as_array().unwrap();
    let empty = findings
        .iter()
        .find(|one| one["code"] == "list-empty")
        .unwrap();
    assert_eq!(empty["place"]["line"], 9, "{empty}");
    assert_eq!(empty["place"]["pointer"], "/steps/0/expected_materials");
}

#[test]
fn parameters_are_given_once_and_only_to_what_has_them() {
    let folder = folder(TEXT);
    let ended = folder.linkwright(&["layout", "compile", "a.layout.toml", "-o", "a.json"]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let param = ["--param", "V=1"];
    let key = public("alice").replace(".pem.pub", ".pem");
    for words in [
        &["layout", "sign", "a.json", "-k", &key][..],
        &["layout", "compile", "a.json"],
    ] {
        let ended = folder.linkwright(&[words, &param].concat());
        assert_eq!(ended.status, Some(2), "{words:?}: {}", ended.err);
        assert!(ended.err.contains("no text form"), "{}", ended.err);
    }
    for command in ["compile", "simulate"] {
        let words = ["layout", command, "a.layout.toml", "--param", "V=2"];
        let ended = folder.linkwright(&[&words[..], &param].concat());
        assert_eq!(ended.status, Some(2), "{command}: {}", ended.err);
        assert!(ended.err.contains("given twice"), "{}", ended.err);
    }
}

#[test]
fn a_text_form_that_is_no_layout_is_told_with_its_lines() {
    let folder = folder(&TEXT.replace("DISALLOW *", "DISALLOV *"));
    // Nothing else of it was looked at, whatever is allowed.
    let allowed = ["--allow", "layout-invalid"];
    for arguments in [&[][..], &allowed] {
        let ended = lint(&folder, arguments);
        assert_eq!(ended.status, Some(3), "{arguments:?}: {}", ended.err);
    }
    let ended = lint(&folder, &[]);
    let said = ended.out();
    assert!(said.contains("error[layout-invalid]"), "{said}");
    assert!(said.contains("13 |     \"DISALLOV *\""), "{said}");
    let ended = lint(&folder, &["--format", "json"]);
    let answer: Value = serde_json::from_slice(&ended.out).unwrap();
    let first = &answer["layouts"][0]["findings"][0];
    assert_eq!(
        (&first["place"]["line"], ended.status),
        (&Value::from(13), Some(3))
    );
    assert_eq!(answer["unreadable"][0]["path"], "a.layout.toml");
}

/// The text of a template's `[keys]` table.
fn keys(text: &str) -> Vec<String> {
    let table = text.split("\n[keys]\n").nth(1).unwrap();
    let table = table.split("\n[").next().unwrap();
    let path = |line: &str| line.split('"').nth(1).map(str::to_owned);
    let lines = table.lines().filter(|line| !line.starts_with('#'));
    lines.filter_map(path).collect()
}

#[test]
fn of_the_templates_nothing_is_said() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("layouts");
    let mut count = 0;
    for entry in fs::read_dir(templates).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".layout.toml") {
            continue;
        }
        count += 1;
        let text = fs::read_to_string(&path).unwrap();
        let folder = folder(&text);
        let paths = keys(&text);
        assert!(
            !paths.is_empty() && paths.len() <= KEYS.len(),
            "{}",
            path.display()
        );
        for (path, key) in paths.iter().zip(KEYS) {
            folder.write(path, fs::read(public(key)).unwrap());
        }
        let ended = lint(&folder, &["--deny", "warnings"]);
        let said = format!("{}: {}{}", path.display(), ended.out(), ended.err);
        assert_eq!(ended.status, Some(0), "{said}");
    }
    assert!(count >= 8, "{count}");
}
