//! `layout simulate` through the binary.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::{Ended, Folder, LINKWRIGHT, finish, public};

const DATA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data");
const NOW: &str = "2030-01-01T00:00:00Z";

fn linkwright(words: &[&str]) -> Ended {
    let child = Command::new(LINKWRIGHT)
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    finish(child.unwrap())
}

/// Simulates on the demo of the tests, with these options.
fn simulate(options: &[&str]) -> Ended {
    let (layout, key) = (format!("{DATA}/demo.layout"), public("owner"));
    let words = ["layout", "simulate", &layout, "--links", DATA, "--now", NOW];
    linkwright(&[&words[..], &["--key", &key], options].concat())
}

fn json(ended: &Ended) -> Value {
    serde_json::from_str(ended.out()).unwrap()
}

#[test]
fn the_answer_for_programs_has_the_figure_and_the_holes() {
    let ended = simulate(&["--format", "json"]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let answer = json(&ended);
    assert_eq!(answer["schema"], "linkwright/simulation/v1");
    let schema = include_str!("../../src/manual/simulation.schema.json");
    let schema = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let wrong: Vec<String> = schema
        .iter_errors(&answer)
        .map(|it| it.to_string())
        .collect();
    assert_eq!(wrong, [""; 0]);
    let (tried, refused) = (&answer["overall"]["tried"], &answer["overall"]["refused"]);
    assert!(refused.as_u64().unwrap() > 0 && tried.as_u64() > refused.as_u64());
    // What `pack` makes can be changed while it is made, and `src` is handed on as it was not.
    let has = |path: &str, place: &str, step: &str| {
        let artifacts = answer["artifacts"].as_array().unwrap();
        let holes = artifacts.iter().filter(|it| it["path"] == path);
        let mut holes = holes.flat_map(|it| it["holes"].as_array().unwrap());
        holes.any(|it| it["where"] == place && it["step"] == step)
    };
    assert!(has("out.tar", "within", "pack"), "{answer:#}");
    assert!(!has("src/main.c", "between", "nowhere"));
    assert!(answer["confirmed"].as_u64().unwrap() > 0);
}

#[test]
fn the_same_chain_gives_the_same_answer() {
    let (one, two) = (
        simulate(&["--format", "json"]),
        simulate(&["--format", "json"]),
    );
    assert_eq!(one.out(), two.out());
}

#[test]
fn less_refused_than_was_asked_for_fails() {
    assert_eq!(simulate(&["--min-refused", "1"]).status, Some(0));
    let ended = simulate(&["--min-refused", "100"]);
    assert_eq!(ended.status, Some(1));
    assert!(ended.err.contains("less than the 100 %"), "{}", ended.err);
    assert_eq!(simulate(&["--min-refused", "101"]).status, Some(2));
}

#[test]
fn to_try_nothing_is_no_way_to_have_all_refused() {
    let ended = simulate(&["--limit", "0", "--min-refused", "100"]);
    assert_eq!(ended.status, Some(2), "{}", ended.err);
}

#[test]
fn a_folder_that_is_there_is_refused_before_anything_is_tried() {
    let folder = Folder::new();
    let there = folder.path().display().to_string();
    let ended = simulate(&["--write", &there]);
    assert_eq!(ended.status, Some(1), "{}", ended.err);
    assert_eq!(ended.out(), "");
}

#[test]
fn evidence_that_does_not_pass_is_told_as_verify_tells_it() {
    let (layout, key, nothing) = (
        format!("{DATA}/demo.layout"),
        public("owner"),
        Folder::new(),
    );
    let links = nothing.path().to_str().unwrap();
    let words = [
        "layout", "simulate", &layout, "--links", links, "--now", NOW,
    ];
    let ended = linkwright(&[&words[..], &["--key", &key]].concat());
    assert_eq!(ended.status, Some(1));
    assert!(ended.out().contains("threshold-not-met"), "{}", ended.out());
    assert!(ended.err.contains("nothing to simulate"));
    let stranger = public("alice");
    let ended = linkwright(&[&words[..], &["--key", &stranger]].concat());
    assert_eq!(ended.status, Some(1), "{}", ended.out());
    let words = ["layout", "simulate", &key, "--links", DATA, "--key", &key];
    assert_eq!(linkwright(&words).status, Some(3));
}

#[test]
fn who_signed_must_be_said_and_what_is_not_signed_is_taken_as_if() {
    let layout = format!("{DATA}/demo.layout");
    let words = ["layout", "simulate", &layout, "--links", DATA, "--now", NOW];
    assert_eq!(linkwright(&words).status, Some(2));
    let folder = Folder::new();
    let signed: Value = serde_json::from_slice(&fs::read(&layout).unwrap()).unwrap();
    let bare = folder.at("bare.json");
    fs::write(&bare, signed["signed"].to_string()).unwrap();
    let words = [
        "layout",
        "simulate",
        bare.to_str().unwrap(),
        "--links",
        DATA,
        "--now",
        NOW,
    ];
    let ended = linkwright(&words);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    assert!(ended.out().contains("nobody has signed the layout"));
}

#[test]
fn what_is_written_is_judged_alike_by_verify() {
    let folder = Folder::new();
    let written = folder.at("written");
    let into = written.to_str().unwrap();
    let ended = simulate(&["--write", into, "--sample", "30"]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let index = fs::read(written.join("index.json")).unwrap();
    let index: Vec<Value> = serde_json::from_slice(&index).unwrap();
    let (layout, key) = (format!("{into}/root.layout"), format!("{into}/owner.pub"));
    let mut counts = [0, 0];
    for entry in &index {
        let links = format!("{into}/{}", entry["folder"].as_str().unwrap());
        let words = ["verify", "--layout", &layout, "--key", &key, "--now", NOW];
        let ended = linkwright(&[&words[..], &["--link-dir", &links]].concat());
        let passes = entry["verdict"] == "passes";
        assert_eq!(
            ended.status,
            Some(i32::from(!passes)),
            "{entry}: {}",
            ended.out()
        );
        counts[usize::from(passes)] += 1;
    }
    assert!(counts[0] > 10 && counts[1] > 0, "{counts:?}");
    let again = simulate(&["--write", into]);
    assert_eq!(again.status, Some(1), "nothing is written over");
}

#[test]
fn the_page_fetches_nothing() {
    let folder = Folder::new();
    let page = folder.at("holes.html");
    let ended = simulate(&["--output", page.to_str().unwrap()]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let text = fs::read_to_string(&page).unwrap();
    assert!(text.starts_with("<!doctype html>") && text.ends_with("</html>\n"));
    assert!(text.contains("default-src 'none'; style-src 'sha256-"));
    for word in ["<script", "http://", "https://", "url(", "@import", "src="] {
        assert!(!text.contains(word), "{word}");
    }
    assert!(text.contains("out.tar"));
}
