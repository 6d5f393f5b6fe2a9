//! `layout lint`: a case for each code, silence where nothing is wrong, and no crash over anything.

mod cases;
mod command;
mod demo;
mod robustness;
mod text;

use linkwright::author::lint::{Subject, lint};
use linkwright::encoding::{Value as Tree, parse};
use linkwright::keys::{AnyKey, KeyId, KeyIdStyle, PublicKey};
use linkwright::model::{Evidence, Moment};
use linkwright::report::{Lint, LintFinding, Severity};
use serde_json::{Value, json};

use crate::support::public;

/// The clock of all cases.
const NOW: &str = "2030-09-01T12:00:00Z";

fn now() -> Moment {
    Moment::parse(NOW).unwrap()
}

fn tree(value: &Value) -> Tree {
    parse(value.to_string().as_bytes()).unwrap()
}

fn key(name: &str) -> PublicKey {
    let bytes = std::fs::read(public(name)).unwrap();
    PublicKey::all_from_file_bytes(&bytes).unwrap().remove(0)
}

fn id(name: &str) -> String {
    key(name).id(KeyIdStyle::Current).as_str().to_owned()
}

/// The key as it stands in a layout.
fn object(name: &str) -> Value {
    let value = key(name).to_value(KeyIdStyle::Current);
    serde_json::from_str(&linkwright::encoding::compact(&value)).unwrap()
}

/// A layout about which there is nothing to say.
fn sound() -> Value {
    let rule = |line: &str| -> Value { line.split(' ').collect() };
    let rules = |lines: &[&str]| -> Value { lines.iter().map(|line| rule(line)).collect() };
    json!({
        "_type": "layout",
        "expires": "2031-01-01T00:00:00Z",
        "readme": "",
        "keys": {id("alice"): object("alice"), id("bob"): object("bob")},
        "steps": [
            {
                "_type": "step",
                "name": "write",
                "expected_command": [],
                "pubkeys": [id("alice")],
                "threshold": 1,
                "expected_materials": rules(&["DISALLOW *"]),
                "expected_products": rules(&["REQUIRE src/main.c", "CREATE src/*", "DISALLOW *"]),
            },
            {
                "_type": "step",
                "name": "pack",
                "expected_command": ["tar", "cf", "app.tar", "src"],
                "pubkeys": [id("bob")],
                "threshold": 1,
                "expected_materials": rules(&["MATCH src/* WITH PRODUCTS FROM write", "DISALLOW *"]),
                "expected_products": rules(&[
                    "MATCH src/* WITH MATERIALS FROM pack",
                    "CREATE app.tar",
                    "DISALLOW *",
                ]),
            },
        ],
        "inspect": [{
            "_type": "inspection",
            "name": "untar",
            "run": ["tar", "xf", "app.tar"],
            "expected_materials": rules(&["MATCH app.tar WITH PRODUCTS FROM pack", "DISALLOW *"]),
            "expected_products": rules(&[
                "MATCH app.tar WITH PRODUCTS FROM pack",
                "MATCH src/* WITH PRODUCTS FROM write",
                "DISALLOW *",
            ]),
        }],
    })
}

/// What else is known in a case.
#[derive(Default)]
struct Beside<'a> {
    signed_by: Vec<KeyId>,
    owners: Vec<AnyKey>,
    evidence: Option<&'a Evidence>,
}

fn linted(layout: &Value, beside: &Beside<'_>) -> Lint {
    lint(&Subject {
        document: "root.layout",
        value: &tree(layout),
        now: now(),
        signed_by: &beside.signed_by,
        owners: &beside.owners,
        evidence: beside.evidence,
    })
}

fn shown(findings: &[LintFinding]) -> Vec<String> {
    let line = |one: &LintFinding| {
        let weight = match one.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Note => "note",
        };
        format!("{weight} {} {}", one.code, one.pointer)
    };
    findings.iter().map(line).collect()
}
