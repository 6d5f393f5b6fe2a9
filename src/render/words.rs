//! The words that several formats have in common, and findings in the groups in which people read
//! them.

use std::collections::BTreeSet;

use crate::model::{counted, printable};
use crate::report::{Finding, Item, ItemKind, Report, Severity, Status, Verdict};

/// The verdict as programs read it.
pub(super) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "pass",
        Verdict::Refuse => "refuse",
        Verdict::Undecided => "undecided",
    }
}

/// The verdict as people read it.
pub(super) fn answer(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "passed",
        Verdict::Refuse => "refused",
        Verdict::Undecided => "undecided",
    }
}

/// The kind of an item.
pub(super) fn kind(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Step => "step",
        ItemKind::Inspection => "inspection",
        ItemKind::Sublayout => "sublayout",
        ItemKind::Product => "product",
    }
}

/// The status of an item as programs read it.
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::NotReached => "not-reached",
    }
}

/// How much a finding weighs.
pub(super) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    }
}

/// All findings with the item that they are about, those of no single item first.
pub(super) fn findings(report: &Report) -> impl Iterator<Item = (Option<&Item>, &Finding)> {
    let whole = report.findings.iter().map(|finding| (None, finding));
    let items = report.items.iter().flat_map(|item| {
        let findings = item.findings.iter();
        findings.map(move |finding| (Some(item), finding))
    });
    whole.chain(items)
}

/// Findings that follow each other and differ only in what they name: same code, weight and place.
pub(super) fn groups(findings: &[Finding]) -> impl Iterator<Item = &[Finding]> {
    findings.chunk_by(|one, other| {
        one.problem.code() == other.problem.code()
            && one.severity == other.severity
            && one.place == other.place
    })
}

/// The places of findings in their document.
pub(super) fn pointers<'a>(findings: impl Iterator<Item = &'a Finding>) -> BTreeSet<&'a str> {
    let places = findings.filter_map(|finding| finding.place.as_ref());
    places.map(|place| place.pointer.as_str()).collect()
}

/// How many findings of a weight there are.
pub(super) fn count(report: &Report, severity: Severity) -> usize {
    let findings = report.all_findings();
    findings
        .filter(|finding| finding.severity == severity)
        .count()
}

/// How many errors and warnings there are, in words.
pub(super) fn tally(report: &Report) -> String {
    let errors = count(report, Severity::Error);
    let warnings = count(report, Severity::Warning);
    match (errors, warnings) {
        (0, 0) if report.verdict() == Verdict::Pass => "no errors, no warnings".to_owned(),
        (0, 0) => "nothing was shown".to_owned(),
        (errors, 0) => counted(errors, "error"),
        (0, warnings) => counted(warnings, "warning"),
        (errors, warnings) => format!(
            "{}, {}",
            counted(errors, "error"),
            counted(warnings, "warning")
        ),
    }
}

/// What a code means, as the manual has it.
pub(super) fn meaning(code: &str) -> Option<&'static str> {
    include_str!("../manual/codes.md").lines().find_map(|line| {
        let rest = line.strip_prefix("| `")?.strip_prefix(code)?;
        rest.strip_prefix("` | ")?.strip_suffix(" |")
    })
}

/// Text for elements and attributes of XML and HTML alike. Characters that XML cannot hold come out as
/// visible escapes.
pub(super) fn markup(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in printable(text).chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push_str("&#10;"),
            '\u{fffe}' | '\u{ffff}' => {
                escaped.push_str(&format!("\\u{{{:x}}}", u32::from(character)));
            }
            _ => escaped.push(character),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_shown() {
        assert_eq!(
            markup("a\u{1b}\u{0}\u{fffe}<b a=\"'\">&\n]]>"),
            "a\\u{1b}\\0\\u{fffe}&lt;b a=&quot;&#39;&quot;&gt;&amp;&#10;]]&gt;"
        );
    }
}
