//! SARIF 2.1.0 (OASIS standard), for code scanning: each finding a result at its line of the layout.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};

use crate::report::{LintCode, LintFinding, Severity};

use super::super::json::write_ascii_safe;
use super::super::sarif::{SCHEMA, hashed, region, uri};
use super::super::words;
use super::{Linted, Unreadable, sentence};

/// Writes what was found about all layouts, and which could not be judged: the run is no success then,
/// whatever there are results of.
///
/// # Errors
/// The writer's.
pub fn lint_sarif(
    all: &[Linted],
    unreadable: &[Unreadable],
    out: &mut dyn Write,
) -> io::Result<()> {
    let findings = || {
        all.iter()
            .flat_map(|linted| linted.findings().map(move |one| (linted, one)))
    };
    let rules: BTreeMap<LintCode, Value> = findings()
        .map(|(_, (_, one))| (one.code, rule(one)))
        .collect();
    let numbers: BTreeMap<LintCode, usize> = rules.keys().copied().zip(0..).collect();
    let results: Vec<Value> = findings()
        .map(|(linted, one)| result(linted, one, numbers.get(&one.1.code).copied()))
        .collect();
    let refused = findings().any(|(_, (_, one))| one.severity == Severity::Error);
    let document = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "linkwright",
                "version": env!("CARGO_PKG_VERSION"),
                "rules": rules.values().collect::<Vec<_>>(),
            }},
            "columnKind": "unicodeCodePoints",
            "invocations": [invocation(unreadable, refused)],
            "results": results,
        }],
    });
    write_ascii_safe(&document, out)
}

fn invocation(unreadable: &[Unreadable], refused: bool) -> Value {
    let notifications: Vec<Value> = unreadable
        .iter()
        .map(|one| {
            json!({
                "level": "error",
                "message": {"text": one.why},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": uri(&one.path)}}}],
            })
        })
        .collect();
    let exit_code = match (unreadable, refused) {
        ([], false) => 0,
        ([], true) => 1,
        _ => 3,
    };
    json!({
        "executionSuccessful": unreadable.is_empty(),
        "exitCode": exit_code,
        "toolExecutionNotifications": notifications,
    })
}

fn rule(one: &LintFinding) -> Value {
    json!({
        "id": one.code.name(),
        "shortDescription": {"text": one.code.meaning()},
        "help": {"text": one.help},
        "defaultConfiguration": {"level": words::severity(one.severity)},
        "properties": {"tags": ["supply-chain", "in-toto"]},
    })
}

fn result(linted: &Linted, (at, one): (usize, &LintFinding), number: Option<usize>) -> Value {
    let document = &linted.lint.document;
    let mut physical = json!({"artifactLocation": {"uri": uri(document)}});
    if let Some(span) = linted.span((at, one))
        && let Some(physical) = physical.as_object_mut()
    {
        physical.insert("region".to_owned(), region(span));
    }
    let fingerprint = hashed(&[one.code.name(), &one.pointer, &one.message]);
    json!({
        "ruleId": one.code.name(),
        "ruleIndex": number,
        "level": words::severity(one.severity),
        "message": {"text": sentence(one)},
        "locations": [{
            "physicalLocation": physical,
            "logicalLocations": [{"fullyQualifiedName": one.pointer, "kind": "value"}],
        }],
        "partialFingerprints": {"linkwright/v1": fingerprint},
        "properties": {"help": one.help},
    })
}
