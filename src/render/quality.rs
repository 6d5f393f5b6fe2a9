//! A Code Quality report as GitLab reads it, which shows what was found in a merge request.
//!
//! An array with an entry for each finding, at its line of the layout where that is known. GitLab has
//! nothing that would say a verdict: whatever is no pass has at least one `blocker` here, and a pass
//! none.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::model::{hex, printable};
use crate::report::{Finding, Item, Report, Severity, Verdict};

use super::json::write_ascii_safe;
use super::sarif::fingerprint;
use super::{Places, words};

/// Writes the report.
///
/// # Errors
/// The writer's.
pub fn code_quality(report: &Report, places: &Places, out: &mut dyn Write) -> io::Result<()> {
    let mut entries: Vec<Value> = words::findings(report)
        .map(|(item, finding)| entry(report, item, finding, places))
        .collect();
    if report.verdict() != Verdict::Pass && !report.has_errors() {
        entries.push(json!({
            "description": format!("{}: not everything was checked", words::answer(report.verdict())),
            "check_name": "verdict",
            "fingerprint": hex(report.layout.path.as_bytes()),
            "severity": "blocker",
            "location": {"path": path(&report.layout.path), "lines": {"begin": 1}},
        }));
    }
    write_ascii_safe(&Value::Array(entries), out)
}

fn entry(report: &Report, item: Option<&Item>, finding: &Finding, places: &Places) -> Value {
    let place = finding.place.as_ref();
    let document = place.map_or(report.layout.path.as_str(), |place| &place.document);
    let span = place.and_then(|place| places.span(place));
    let about = item.map_or_else(String::new, |item| {
        format!("{} {}: ", words::kind(item.kind), item.name)
    });
    json!({
        "description": format!("{}{}", printable(&about), finding.problem),
        "check_name": finding.problem.code(),
        "fingerprint": fingerprint(report, item, finding),
        "severity": match finding.severity {
            Severity::Error => "blocker",
            Severity::Warning => "minor",
            Severity::Note => "info",
        },
        "location": {
            "path": path(document),
            "lines": {"begin": span.map_or(1, |span| span.line)},
        },
    })
}

/// Paths are compared with those of the repository.
fn path(path: &str) -> &str {
    path.strip_prefix("./").unwrap_or(path)
}
