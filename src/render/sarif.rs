//! SARIF 2.1.0 (OASIS standard), for code scanning and for viewers.
//!
//! Every finding is a result. A result has the lines of the layout where they are known, and always
//! the pointer and the item as logical locations. Findings without a place stand at the layout's
//! file, for services drop results that stand nowhere. The rules are the codes that occur; a
//! fingerprint is made of what a finding says, without the clock, so that it stays from run to run.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::encoding::Span;
use crate::model::hex;
use crate::report::{Finding, Item, Place, Report, Verdict};

use super::json::write_ascii_safe;
use super::{Places, words};

/// The schema that the document follows.
pub(super) const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// Writes the report.
///
/// # Errors
/// The writer's.
pub fn sarif(report: &Report, places: &Places, out: &mut dyn Write) -> io::Result<()> {
    let rules = rules(report);
    let numbers: BTreeMap<&str, usize> = rules.keys().copied().zip(0..).collect();
    let verdict = report.verdict();
    let results: Vec<Value> = words::findings(report)
        .map(|(item, finding)| result(report, item, finding, &numbers, places))
        .collect();
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
            "invocations": [{
                "executionSuccessful": verdict != Verdict::Undecided,
                "exitCode": match verdict {
                    Verdict::Pass => 0,
                    Verdict::Refuse => 1,
                    Verdict::Undecided => 3,
                },
                "exitCodeDescription": words::answer(verdict),
            }],
            "results": results,
            "properties": {
                "verdict": words::verdict(verdict),
                "conditions": report.layout.conditions(),
            },
        }],
    });
    write_ascii_safe(&document, out)
}

/// The codes that occur. A rule's help is that of its first finding; where others have another, the
/// results carry it.
fn rules(report: &Report) -> BTreeMap<&'static str, Value> {
    let mut rules = BTreeMap::new();
    for finding in report.all_findings() {
        let code = finding.problem.code();
        rules.entry(code).or_insert_with(|| {
            let meaning = words::meaning(code).unwrap_or(code);
            let help = finding.problem.help();
            let help = if help.is_empty() { meaning } else { &*help };
            json!({
                "id": code,
                "shortDescription": {"text": meaning},
                "help": {"text": help},
                "defaultConfiguration": {"level": words::severity(finding.severity)},
                "properties": {"tags": ["supply-chain", "in-toto"]},
            })
        });
    }
    rules
}

fn result(
    report: &Report,
    item: Option<&Item>,
    finding: &Finding,
    numbers: &BTreeMap<&str, usize>,
    places: &Places,
) -> Value {
    let code = finding.problem.code();
    json!({
        "ruleId": code,
        "ruleIndex": numbers.get(code),
        "level": words::severity(finding.severity),
        "message": {"text": finding.problem.to_string()},
        "locations": [location(report, item, finding.place.as_ref(), places)],
        "partialFingerprints": {"linkwright/v1": fingerprint(report, item, finding)},
        "properties": {"help": finding.problem.help()},
    })
}

fn location(report: &Report, item: Option<&Item>, place: Option<&Place>, places: &Places) -> Value {
    let document = place.map_or(report.layout.path.as_str(), |place| &place.document);
    let mut physical = json!({"artifactLocation": {"uri": uri(document)}});
    if let Some(span) = place.and_then(|place| places.span(place))
        && let Some(physical) = physical.as_object_mut()
    {
        physical.insert("region".to_owned(), region(span));
    }
    let mut logical = Vec::new();
    if let Some(item) = item {
        logical.push(json!({"name": item.name, "kind": words::kind(item.kind)}));
    }
    if let Some(place) = place {
        logical.push(json!({"fullyQualifiedName": place.pointer, "kind": "value"}));
    }
    let mut location = json!({"physicalLocation": physical});
    if let Some(location) = location.as_object_mut()
        && !logical.is_empty()
    {
        location.insert("logicalLocations".to_owned(), Value::Array(logical));
    }
    location
}

/// Lines and columns.
pub(super) fn region(span: Span) -> Value {
    json!({
        "startLine": span.line,
        "startColumn": span.column,
        "endLine": span.end_line,
        "endColumn": span.end_column,
    })
}

/// The hash over the parts of a fingerprint.
pub(super) fn hashed(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update(part.len().to_be_bytes());
        hash.update(part);
    }
    hex(&hash.finalize())
}

/// What makes a finding the same in the next run: its code, what it is about, and its message
/// without the clock.
pub(super) fn fingerprint(report: &Report, item: Option<&Item>, finding: &Finding) -> String {
    let mut message = finding.problem.to_string();
    if let Some(now) = report.layout.now {
        message = message.replace(&now.to_string(), "");
    }
    let place = finding.place.as_ref();
    let parts = [
        finding.problem.code(),
        item.map_or("", |item| words::kind(item.kind)),
        item.map_or("", |item| &item.name),
        place.map_or("", |place| &place.pointer),
        &message,
    ];
    hashed(&parts)
}

/// A path as a URI reference: relative stays relative, everything unusual is percent-encoded.
pub(super) fn uri(path: &str) -> String {
    let mut uri = String::new();
    if path.starts_with('/') {
        uri.push_str("file://");
    }
    let path = path.strip_prefix("./").unwrap_or(path);
    for byte in path.bytes() {
        match byte {
            b'/' | b'-' | b'_' | b'.' | b'~' => uri.push(char::from(byte)),
            _ if byte.is_ascii_alphanumeric() => uri.push(char::from(byte)),
            _ => uri.push_str(&format!("%{byte:02X}")),
        }
    }
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_uris() {
        assert_eq!(uri("./a b/é%.layout"), "a%20b/%C3%A9%25.layout");
        assert_eq!(uri("/x:y"), "file:///x%3Ay");
        assert_eq!(uri("https://e"), "https%3A//e");
    }
}
