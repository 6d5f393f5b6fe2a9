//! The conformance set of our own. A case is a folder `<area>/<case>/` with two files: `changes`
//! says in which way its chain differs from a sound one, `expect` what `verify` must say. The runner
//! builds the chain, signs it, runs the binary, and compares the verdict and the whole set of codes.
//!
//! The sound chain: `root.layout`, signed by owner, has the steps `write` (by alice, makes `a`) and
//! `pack` (by bob, takes `a`, makes `b`); their links are in `links/`. The layout holds
//! carol's key too if `changes` names her in a line about it. A line of `changes` is one of:
//!
//! ```text
//! set DOC POINTER JSON      a value of the payload; `-` at the end of the pointer appends
//! remove DOC POINTER
//! certified DOC JSON         its first step is for certificates alone: the constraints, where an
//!                           attribute that is not named takes anything; root and intermediate
//! link DOC STEP             a new document: an empty link; layout DOC: an empty layout
//! copy DOC DOC              a new document like another
//! drop DOC
//! sign DOC KEY…             who signs: NAME, or NAME@legacy for the other key id; nobody for none;
//!                           NAME+CERT… with certificates
//! dsse DOC                  in a DSSE envelope; `payload DOC TEXT`: exactly this text in one
//! replace FILE OLD NEW      after signing
//! raw FILE TEXT             the whole file; `folder FILE`, `symlink FILE TARGET`, `pipe FILE`;
//!                           `lines FILE|LINE|LINE` for several; `move FILE FILE`
//! bundle FILE FILE…         puts files into one: `.tar`, `.tar.gz`, or lines
//! cut FILE LENGTH           leaves only its beginning
//! args WORD…                further arguments of `verify`; `keys FILE…` instead of the owner's
//! ```
//!
//! `$NAME` is a key id, `$NAME8` its beginning, `$NAME.legacy` the other id, `$NAME.key` the key
//! object, `$pem.NAME` a certificate as JSON, `$data` the folder of certificates, `$LINK_A` and
//! `$LINK_B` the two links' paths, `$X` to `$Z` digests, `$ONE` and `$TWO` those
//! of these words. `expect` has the verdict, the codes,
//! `says TEXT` for words of a message, and `absent FILE` or `present FILE` for what a command would
//! leave. What this machine lacks to shut commands in (`inspection-exposed`) is looked at only where a
//! case expects it.

mod chain;
mod release;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Folder, INSPECTING};
pub(crate) use chain::Chain;

/// Codes that no case can produce through the binary, and why.
const UNREACHED: [(&str, &str); 3] = [
    (
        "link-folder-missing",
        "every case has the folder; tests/commands shows it",
    ),
    (
        "inspection-unprotected",
        "depends on what this machine lacks; tests/inspections.rs has it",
    ),
    (
        "product-not-released",
        "the place is taken, or the disk full, only after the files were copied",
    ),
];

/// The intended divergences of `CODES.md` that no case has, and why.
const NOT_SHOWN: [(&str, &str); 0] = [];

fn folders(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = entries.filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cases");
    folders(&root)
        .iter()
        .flat_map(|area| folders(area))
        .collect()
}

/// The name of every case and what it changes, for other tests.
pub(crate) fn all() -> Vec<(String, String)> {
    let cases = cases().into_iter();
    cases
        .map(|case| {
            let changes = fs::read_to_string(case.join("changes")).unwrap();
            (case.display().to_string(), changes)
        })
        .collect()
}

/// What a case expects.
#[derive(Debug, Default, PartialEq, Eq)]
struct Expected {
    verdict: String,
    codes: BTreeSet<String>,
    absent: Vec<String>,
    present: Vec<String>,
    says: Vec<String>,
}

fn expected(case: &Path) -> Expected {
    let mut expected = Expected::default();
    for line in fs::read_to_string(case.join("expect")).unwrap().lines() {
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        match word {
            "pass" | "refuse" | "undecided" => word.clone_into(&mut expected.verdict),
            "absent" => expected.absent.push(rest.to_owned()),
            "present" => expected.present.push(rest.to_owned()),
            "says" => expected.says.push(rest.to_owned()),
            code => assert!(expected.codes.insert(code.to_owned()), "{code} twice"),
        }
    }
    expected
}

/// The codes of all findings, and all their messages.
fn findings(report: &Value) -> (BTreeSet<String>, String) {
    let items = report["items"].as_array().unwrap().iter();
    let all = items
        .chain([report])
        .flat_map(|item| item["findings"].as_array().unwrap());
    let (mut codes, mut messages) = (BTreeSet::new(), String::new());
    for finding in all {
        codes.insert(finding["code"].as_str().unwrap().to_owned());
        messages.push_str(finding["message"].as_str().unwrap());
    }
    (codes, messages)
}

fn run(case: &Path) -> Vec<String> {
    let (expected, folder) = (expected(case), Folder::new());
    let chain = Chain::of(&fs::read_to_string(case.join("changes")).unwrap());
    chain.write(&folder);
    let arguments = chain.arguments();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let inspecting = INSPECTING.read();
    let ended = folder.linkwright(&arguments);
    drop(inspecting);
    let status = match expected.verdict.as_str() {
        "pass" => 0,
        "refuse" => 1,
        _ => 3,
    };
    let said = String::from_utf8_lossy(&ended.out).into_owned();
    let Ok(report) = serde_json::from_slice::<Value>(&ended.out) else {
        return vec![format!("no report: {ended:?}")];
    };
    let (mut codes, messages) = findings(&report);
    if !expected.codes.contains("inspection-exposed") {
        codes.remove("inspection-exposed");
    }
    let mut wrong = Vec::new();
    let unsaid = expected
        .says
        .iter()
        .filter(|text| !messages.contains(*text));
    wrong.extend(unsaid.map(|text| format!("nothing says `{text}`: {messages}")));
    for item in report["items"].as_array().unwrap() {
        let mut findings = item["findings"].as_array().unwrap().iter();
        let erroneous = findings.any(|finding| finding["severity"] == "error");
        let failed = item["status"] == "failed";
        // A sublayout also fails by what was found about its own items.
        if erroneous && !failed || failed && !erroneous && item["kind"] != "sublayout" {
            wrong.push(format!(
                "an item's status does not fit its findings: {item}"
            ));
        }
    }
    if ended.status != Some(status) || report["verdict"] != *expected.verdict {
        wrong.push(format!(
            "expected {}, found {}: {said}",
            expected.verdict, report["verdict"]
        ));
    }
    if codes != expected.codes {
        wrong.push(format!(
            "expected {:?}, found {codes:?}: {said}",
            expected.codes
        ));
    }
    let there = |name: &&String| folder.has(name);
    wrong.extend(
        expected
            .absent
            .iter()
            .filter(there)
            .map(|name| format!("`{name}` was made")),
    );
    let missing = expected.present.iter().filter(|name| !there(name));
    wrong.extend(missing.map(|name| format!("`{name}` was not made")));
    wrong
}

#[test]
fn every_case_gets_its_verdict_for_its_reasons() {
    let cases = cases();
    assert!(cases.len() >= 40, "{} cases", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .flat_map(|case| {
            run(case)
                .into_iter()
                .map(|what| format!("{}: {what}", case.display()))
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_is_produced_by_a_case() {
    let source = include_str!("../../src/report/problem/code.rs");
    let body = source
        .split("fn code(")
        .nth(1)
        .unwrap()
        .split("\n    }")
        .next()
        .unwrap();
    let codes: BTreeSet<&str> = body.split('"').skip(1).step_by(2).collect();
    assert!(codes.len() > 30, "{codes:?}");
    let produced: BTreeSet<String> = cases()
        .iter()
        .flat_map(|case| expected(case).codes)
        .collect();
    for code in codes {
        let excused = UNREACHED.iter().any(|(unreached, _)| *unreached == code);
        assert!(produced.contains(code) != excused, "`{code}`");
    }
}

#[test]
fn every_intended_divergence_is_shown_by_a_case() {
    let said: String = cases()
        .iter()
        .map(|case| fs::read_to_string(case.join("changes")).unwrap())
        .collect();
    for id in "ABCDEFGHIJKLMNRSTUV".chars() {
        let shown = said.contains(&format!("(divergence {id})"));
        let excused = NOT_SHOWN.iter().any(|(excused, _)| excused.starts_with(id));
        assert!(shown != excused, "{id}");
    }
}
