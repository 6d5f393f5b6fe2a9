//! Layouts that others wrote: the reference's demo, in-toto-golang's, and all that are among the cases here.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use super::{Beside, id, linted, object, shown};
use crate::support::Folder;

/// The shape of the demo of in-toto: clone, update-version, package, and untar.
pub(super) fn reference() -> Value {
    let rule = |line: &str| -> Value { line.split(' ').collect() };
    let rules = |lines: &[&str]| -> Value { lines.iter().map(|line| rule(line)).collect() };
    let step = |name: &str, who: &str, command: &str, materials: &[&str], products: &[&str]| {
        json!({
            "_type": "step",
            "name": name,
            "expected_command": command.split_whitespace().collect::<Vec<_>>(),
            "pubkeys": [id(who)],
            "threshold": 1,
            "expected_materials": rules(materials),
            "expected_products": rules(products),
        })
    };
    let beside = [
        "ALLOW .keep",
        "ALLOW alice.pub",
        "ALLOW root.layout",
        "ALLOW *.link",
        "DISALLOW *",
    ];
    let mut before = vec!["MATCH demo-project.tar.gz WITH PRODUCTS FROM package"];
    before.extend(beside);
    let mut after = vec![
        "MATCH demo-project/foo.py WITH PRODUCTS FROM update-version",
        "ALLOW demo-project/.git/*",
        "ALLOW demo-project.tar.gz",
    ];
    after.extend(beside);
    json!({
        "_type": "layout",
        "expires": "2031-01-01T00:00:00Z",
        "readme": "",
        "keys": {id("bob"): object("bob"), id("carol"): object("carol")},
        "steps": [
            step(
                "clone",
                "bob",
                "git clone https://github.com/in-toto/demo-project.git",
                &[],
                &["CREATE demo-project/foo.py", "DISALLOW *"],
            ),
            step(
                "update-version",
                "bob",
                "",
                &["MATCH demo-project/* WITH PRODUCTS FROM clone", "DISALLOW *"],
                &["MODIFY demo-project/foo.py", "DISALLOW *"],
            ),
            step(
                "package",
                "carol",
                "tar --exclude .git -zcvf demo-project.tar.gz demo-project",
                &["MATCH demo-project/* WITH PRODUCTS FROM update-version", "DISALLOW *"],
                &["CREATE demo-project.tar.gz", "DISALLOW *"],
            ),
        ],
        "inspect": [{
            "_type": "inspection",
            "name": "untar",
            "run": ["tar", "xzf", "demo-project.tar.gz"],
            "expected_materials": rules(&before),
            "expected_products": rules(&after),
        }],
    })
}

#[test]
fn of_the_reference_s_demo_only_the_open_list_is_said() {
    let found = linted(&reference(), &Beside::default());
    assert_eq!(
        shown(&found.findings),
        ["warning list-empty /steps/0/expected_materials"]
    );
}

fn layouts(folder: &Path, found: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            layouts(&path, found);
        } else if path
            .extension()
            .is_some_and(|extension| extension == "layout")
        {
            found.push(path.to_string_lossy().into_owned());
        }
    }
}

#[test]
fn every_layout_among_the_tests_is_read_over() {
    let mut all = Vec::new();
    layouts(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"),
        &mut all,
    );
    assert!(all.len() >= 2, "{all:?}");
    for path in all {
        let ended = Folder::new().linkwright(&["layout", "lint", &path, "--format", "json"]);
        assert!(
            matches!(ended.status, Some(0 | 1 | 3)),
            "{path}: {}",
            ended.err
        );
        let answer: Value = serde_json::from_slice(&ended.out).unwrap();
        let read = answer["layouts"].as_array().unwrap().len();
        assert_eq!(read == 0, ended.status == Some(3), "{path}");
    }
}
