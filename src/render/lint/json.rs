//! For programs: one JSON document, versioned by its `schema`.
//!
//! ```json
//! {"schema": "linkwright/lint/v1",
//!  "layouts": [{"path": "…", "expires": "…", "errors": 0, "warnings": 1, "notes": 0,
//!               "findings": [{"code": "…", "severity": "error|warning|note", "item": "…",
//!                             "message": "…", "help": "…",
//!                             "place": {"pointer": "…", "line": 1, "column": 1, "end_line": 1,
//!                                       "end_column": 2}}]}],
//!  "unreadable": [{"path": "…", "why": "…"}]}
//! ```
//!
//! What is `unreadable` was not judged, or not all of it, so no finding there says nothing. The pointer leads into the value that is signed. Lines are null where the file has none, as for DSSE.
//! Fields may be added within a version, never changed.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::report::{LintFinding, Severity};

use super::super::json::write_ascii_safe;
use super::super::words;
use super::{Linted, Unreadable};

/// The version of the document.
pub const LINT_SCHEMA: &str = "linkwright/lint/v1";

/// Writes what was found about all layouts, and which could not be judged.
///
/// # Errors
/// The writer's.
pub fn lint_json(all: &[Linted], unreadable: &[Unreadable], out: &mut dyn Write) -> io::Result<()> {
    let layouts: Vec<Value> = all.iter().map(layout).collect();
    let unreadable: Vec<Value> = unreadable
        .iter()
        .map(|one| json!({"path": one.path, "why": one.why}))
        .collect();
    let document = json!({"schema": LINT_SCHEMA, "layouts": layouts, "unreadable": unreadable});
    write_ascii_safe(&document, out)
}

fn layout(linted: &Linted) -> Value {
    let lint = &linted.lint;
    let findings = linted.findings().map(|one| finding(linted, one));
    json!({
        "path": lint.document,
        "expires": lint.expires.map(|expires| expires.to_string()),
        "errors": lint.count(Severity::Error),
        "warnings": lint.count(Severity::Warning),
        "notes": lint.count(Severity::Note),
        "findings": findings.collect::<Vec<_>>(),
    })
}

fn finding(linted: &Linted, (number, one): (usize, &LintFinding)) -> Value {
    let span = linted.span((number, one));
    json!({
        "code": one.code.name(),
        "severity": words::severity(one.severity),
        "item": one.item,
        "message": one.message,
        "help": one.help,
        "place": {
            "pointer": one.pointer,
            "line": span.map(|span| span.line),
            "column": span.map(|span| span.column),
            "end_line": span.map(|span| span.end_line),
            "end_column": span.map(|span| span.end_column),
        },
    })
}
