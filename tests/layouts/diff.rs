//! `layout diff`.

use std::fs;

use serde_json::Value;

use crate::support::{Ended, Folder};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");

/// A folder with the demo as `old.layout`, and as `new.layout` with texts in the place of others.
fn folder(changes: &[(&str, &str)]) -> Folder {
    let folder = Folder::new();
    let mut text = fs::read_to_string(format!("{DATA}/demo.layout")).unwrap();
    folder.write("old.layout", &text);
    // Spaces and line ends mean nothing in it.
    for (from, to) in changes {
        assert!(text.contains(from), "{from} in {text}");
        text = text.replace(from, to);
    }
    folder.write("new.layout", &text);
    folder
}

fn diff(folder: &Folder, more: &[&str]) -> Ended {
    let mut words = vec!["layout", "diff", "old.layout", "new.layout"];
    words.extend(more);
    folder.linkwright(&words)
}

#[test]
fn the_same_layout_is_the_same() {
    let folder = folder(&[]);
    let same = diff(&folder, &[]);
    assert_eq!(same.status, Some(0), "{}", same.err);
    assert_eq!(
        same.out(),
        "`old.layout` and `new.layout`: they are the same\n"
    );
    let json: Value = serde_json::from_str(diff(&folder, &["--format", "json"]).out()).unwrap();
    assert_eq!(json["same"], true);
    assert_eq!(json["schema"], "linkwright/layout-diff/v1");
    assert_eq!(json["links"], Value::Null);
}

#[test]
fn what_is_no_layout_cannot_be_compared() {
    let folder = folder(&[]);
    for words in [["old.layout", "none.layout"], ["none.layout", "old.layout"]] {
        let undecided = folder.linkwright(&["layout", "diff", words[0], words[1]]);
        assert_eq!(undecided.status, Some(3), "{}", undecided.err);
    }
    let nowhere = diff(&folder, &["--links", "nowhere"]);
    assert_eq!(nowhere.status, Some(3), "{}", nowhere.err);
}

#[test]
fn both_are_tried_on_the_same_links() {
    let folder = folder(&[("2060-12-31", "2061-12-31"), ("src/*", "src/*.c")]);
    let differ = diff(&folder, &["--links", DATA, "--format", "json"]);
    assert_eq!(differ.status, Some(1), "{}", differ.err);
    let json: Value = serde_json::from_str(differ.out()).unwrap();
    assert_eq!(json["same"], false);
    assert_eq!(json["links"]["old_passes"], true, "{json:#}");
    assert_eq!(json["links"]["new_passes"], false);
    let fates = json["links"]["fates"].as_array().unwrap();
    let fate = |fate: &Value| {
        let word = |name: &str| fate[name].as_str().unwrap_or_default().to_owned();
        (
            fate["allows"] == true,
            word("item"),
            word("artifact"),
            word("code"),
        )
    };
    let refused = |item: &str| {
        let (path, code) = ("src/Makefile".to_owned(), "artifact-disallowed".to_owned());
        (false, item.to_owned(), path, code)
    };
    let fates: Vec<_> = fates.iter().map(fate).collect();
    assert_eq!(fates, [refused("pack"), refused("write")]);
    let human = diff(&folder, &["--links", DATA]);
    assert!(
        human
            .out()
            .contains("now refused, for example `src/Makefile`"),
        "{}",
        human.out()
    );
    assert!(
        human
            .out()
            .contains("passes under the old one and is refused under the new one"),
        "{}",
        human.out()
    );
}

#[test]
fn links_that_are_missing_refuse_under_both() {
    let folder = folder(&[("2060-12-31", "2061-12-31")]);
    fs::create_dir(folder.at("empty")).unwrap();
    let differ = diff(&folder, &["--links", "empty"]);
    assert_eq!(differ.status, Some(1), "{}", differ.err);
    assert!(
        differ
            .out()
            .contains("is refused under the old one and is refused under the new one"),
        "{}",
        differ.out()
    );
    assert!(
        differ
            .out()
            .ends_with("nothing of it is judged differently\n"),
        "{}",
        differ.out()
    );
}

#[test]
fn an_artifact_of_a_step_that_is_not_judged_is_not_called_allowed() {
    // Under the old layout `src/Makefile` is refused; under the new one the step has no valid link.
    let folder = folder(&[("src/*", "src/*.c")]);
    let text = fs::read_to_string(folder.at("new.layout")).unwrap();
    folder.write("old.layout", &text);
    let text = text.replace("\"threshold\": 1", "\"threshold\": 2");
    folder.write("new.layout", text);
    let differ = diff(&folder, &["--links", DATA, "--format", "json"]);
    let json: Value =
        serde_json::from_str(differ.out()).unwrap_or_else(|_| panic!("{}", differ.err));
    let fates = json["links"]["fates"].as_array().unwrap();
    assert_eq!(fates.len(), 2, "{json:#}");
    for fate in fates {
        assert_eq!(fate["code"], "threshold-not-met", "{json:#}");
        assert_eq!(fate["allows"], false, "{json:#}");
    }
}

#[test]
fn names_are_shown_so_that_a_terminal_obeys_none() {
    let folder = folder(&[("src/*", "src/\\u001b[2J*")]);
    for format in ["human", "json"] {
        let differ = diff(&folder, &["--format", format]);
        assert_eq!(differ.status, Some(1), "{}", differ.err);
        assert!(!differ.out().contains('\u{1b}'), "{}", differ.out());
    }
}
