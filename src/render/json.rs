//! For programs: one JSON document with everything, versioned by its `schema`.
//!
//! ```json
//! {"schema": "linkwright/verify/v1", "verdict": "pass|refuse|undecided",
//!  "layout": {"path": "…", "expires": "…", "signed_by": ["KEYID"], "now": "…", "clock_set": false,
//!             "sublayout_inspections": false, "parameters": {"NAME": "VALUE"},
//!             "threshold": {"needed": 1, "given": 2}, "conditions": ["…"]},
//!  "items": [{"kind": "step|inspection|sublayout|product", "name": "…",
//!             "status": "passed|failed|not-reached",
//!             "links": [{"path": "…", "keyid": "…", "counted": true, "why_not": null}],
//!             "findings": […]}],
//!  "findings": [{"code": "…", "severity": "error|warning|note", "message": "…", "help": "…",
//!                "place": {"document": "…", "pointer": "…"}, "artifact": {"side": "…", "path": "…"},
//!                "rule": "…", "link": "…", "keyid": "…", "cause": {"kind": "…", …}}],
//!  "explanations": [{"path": "…", "similar": ["…"],
//!                    "stages": [{"kind": "step|inspection", "item": "…", "side": "material|product",
//!                                "path": "…", "digests": {"sha256": "…"}, "signed_by": ["KEYID"],
//!                                "outcome": "taken|refused|left|not-reached", "rule": "…",
//!                                "same_as": {"item": "…", "side": "…", "path": "…"}}]}]}
//! ```
//!
//! `place` is null where a finding has none, and so are `artifact`, `rule`, `link`, `keyid` and `cause`,
//! whose kinds the schema describes. Fields may be added within a version, never changed.

use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::keys::KeyId;
use crate::model::is_unprintable;
use crate::report::{Explanation, Finding, Item, LinkUse, Passage, Report, Stage};

use super::{causes, words};

/// The version of the document.
pub const SCHEMA: &str = "linkwright/verify/v1";

/// Writes the report.
///
/// # Errors
/// The writer's.
pub fn json(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let layout = &report.layout;
    let document = json!({
        "schema": SCHEMA,
        "verdict": words::verdict(report.verdict()),
        "layout": {
            "path": layout.path,
            "expires": layout.expires.map(|expires| expires.to_string()),
            "signed_by": layout.signed_by.iter().map(KeyId::as_str).collect::<Vec<_>>(),
            "now": layout.now.map(|now| now.to_string()),
            "clock_set": layout.clock_set,
            "sublayout_inspections": layout.sublayout_inspections,
            "parameters": layout.parameters,
            "threshold": layout.threshold.map(|threshold| json!({
                "needed": threshold.needed,
                "given": threshold.given,
            })),
            "conditions": layout.conditions(),
        },
        "items": report.items.iter().map(item).collect::<Vec<_>>(),
        "findings": findings(&report.findings),
        "explanations": report.explanations.iter().map(explanation).collect::<Vec<_>>(),
    });
    write_ascii_safe(&document, out)
}

/// Writes a document for programs so that a terminal obeys nothing in it.
pub(super) fn write_ascii_safe(document: &Value, out: &mut dyn Write) -> io::Result<()> {
    let text = serde_json::to_string_pretty(document)?;
    let mut safe = String::with_capacity(text.len());
    // Outside ASCII, such characters can stand in strings only, where an escape means the same.
    for character in text.chars() {
        if character > '~' && is_unprintable(character) {
            for unit in character.encode_utf16(&mut [0; 2]) {
                safe.push_str(&format!("\\u{unit:04x}"));
            }
        } else {
            safe.push(character);
        }
    }
    safe.push('\n');
    out.write_all(safe.as_bytes())
}

fn item(item: &Item) -> Value {
    json!({
        "kind": words::kind(item.kind),
        "name": item.name,
        "status": words::status(item.status),
        "links": item.links.iter().map(link).collect::<Vec<_>>(),
        "findings": findings(&item.findings),
    })
}

fn link(link: &LinkUse) -> Value {
    json!({
        "path": link.path,
        "keyid": link.keyid.as_str(),
        "counted": link.why_not.is_none(),
        "why_not": link.why_not,
    })
}

fn explanation(explanation: &Explanation) -> Value {
    json!({
        "path": explanation.path,
        "similar": explanation.similar,
        "stages": explanation.stages.iter().map(stage).collect::<Vec<_>>(),
    })
}

fn stage(stage: &Stage) -> Value {
    let digests = stage.digests.iter();
    let digests = digests.map(|(algorithm, digest)| (algorithm.name().to_owned(), json!(digest)));
    let (outcome, rule, same_as) = match &stage.passage {
        Passage::Taken { rule, same_as } => ("taken", Some(rule), same_as.as_ref()),
        Passage::Refused { rule } => ("refused", Some(rule), None),
        Passage::Left => ("left", None, None),
        Passage::NotReached => ("not-reached", None, None),
    };
    json!({
        "kind": words::kind(stage.kind),
        "item": stage.item,
        "side": stage.side.noun(),
        "path": stage.path,
        "digests": digests.collect::<Map<_, _>>(),
        "signed_by": stage.signed_by.iter().map(KeyId::as_str).collect::<Vec<_>>(),
        "outcome": outcome,
        "rule": rule,
        "same_as": same_as.map(|other| json!({
            "item": other.from.as_str(),
            "side": other.side.noun(),
            "path": other.path,
        })),
    })
}

fn findings(findings: &[Finding]) -> Vec<Value> {
    findings.iter().map(finding).collect()
}

fn finding(finding: &Finding) -> Value {
    json!({
        "code": finding.problem.code(),
        "severity": words::severity(finding.severity),
        "message": finding.problem.to_string(),
        "help": finding.problem.help(),
        "place": finding.place.as_ref().map(|place| json!({
            "document": place.document,
            "pointer": place.pointer,
        })),
        "artifact": finding.problem.artifact().map(|(side, path)| json!({
            "side": side.noun(),
            "path": path,
        })),
        "rule": finding.problem.rule(),
        "link": finding.problem.link(),
        "keyid": finding.problem.keyid().map(KeyId::as_str),
        "cause": finding.problem.cause().map(causes::cause),
    })
}
