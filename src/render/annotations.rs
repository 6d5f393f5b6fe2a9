//! What a CI's log is told: what was found as annotations of a GitHub run, workflow commands, one a line.
//!
//! GitHub shows ten of each kind for a step, so there are no more here, and the last one says how
//! many there are: the answer itself has them all. And the sections of a GitLab log.

use std::io::{self, Write};

use crate::model::{counted, printable};
use crate::report::{Finding, Report, Severity, Verdict};

use super::{Places, words};

/// How many annotations of one kind GitHub shows for a step.
const SHOWN_AT_MOST: usize = 10;

/// Writes the report's errors and warnings.
///
/// # Errors
/// The writer's.
pub fn annotations(report: &Report, places: &Places, out: &mut dyn Write) -> io::Result<()> {
    for severity in [Severity::Error, Severity::Warning] {
        let lists = report.items.iter().map(|item| &item.findings);
        let groups: Vec<&[Finding]> = [&report.findings]
            .into_iter()
            .chain(lists)
            .flat_map(|findings| words::groups(findings))
            .filter(|group| group.iter().any(|finding| finding.severity == severity))
            .collect();
        let (shown, rest) = groups.split_at(groups.len().min(SHOWN_AT_MOST));
        let rest: usize = rest.iter().map(|group| group.len()).sum();
        for (number, group) in shown.iter().enumerate() {
            let last = number + 1 == shown.len();
            let more = if last { rest } else { 0 };
            command(severity, group, more, report, places, out)?;
        }
    }
    Ok(())
}

fn command(
    severity: Severity,
    group: &[Finding],
    rest: usize,
    report: &Report,
    places: &Places,
    out: &mut dyn Write,
) -> io::Result<()> {
    let Some(first) = group.first() else {
        return Ok(());
    };
    let place = first.place.as_ref();
    let document = place.map_or(&report.layout.path, |place| &place.document);
    write!(
        out,
        "::{} title={},file={}",
        words::severity(severity),
        property(first.problem.code()),
        property(document)
    )?;
    if let Some(span) = place.and_then(|place| places.span(place)) {
        write!(out, ",line={},endLine={}", span.line, span.end_line)?;
        if span.line == span.end_line {
            write!(out, ",col={},endColumn={}", span.column, span.end_column)?;
        }
    }
    let mut message = printable(&first.problem.to_string());
    if group.len() > 1 {
        message.push_str(&format!("\nand {} more like this", group.len() - 1));
    }
    let help = first.problem.help();
    if !help.is_empty() {
        message.push_str(&format!("\nhelp: {help}"));
    }
    if rest > 0 {
        let found = counted(rest, words::severity(severity));
        message.push_str(&format!("\n{found} more in the report"));
    }
    writeln!(out, "::{}", data(&message))
}

/// The message of a workflow command.
fn data(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// A property of a workflow command.
fn property(text: &str) -> String {
    data(&printable(text))
        .replace(':', "%3A")
        .replace(',', "%2C")
}

/// What opens a section of a GitLab log, at so many seconds since 1970: folded when there is nothing
/// to do.
pub fn section_start(report: &Report, seconds: u64) -> String {
    let folded = if report.verdict() == Verdict::Pass {
        "[collapsed=true]"
    } else {
        ""
    };
    format!(
        "section_start:{seconds}:linkwright_verify{folded}\r\u{1b}[0Klinkwright verify: {}\n",
        words::answer(report.verdict())
    )
}

/// What closes it.
pub fn section_end(seconds: u64) -> String {
    format!("section_end:{seconds}:linkwright_verify\r\u{1b}[0K\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{LayoutSummary, Problem};

    fn shown(report: &Report) -> String {
        let mut out = Vec::new();
        annotations(report, &Places::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    fn unreadable(key: &str) -> Finding {
        let problem = Problem::KeyUnreadable {
            key: key.to_owned(),
            why: "100%\r\n::error::x".to_owned(),
            absent: false,
        };
        Finding::error(problem, None)
    }

    #[test]
    fn no_text_ends_its_command() {
        let mut report = Report::new(LayoutSummary {
            path: "a,b:c%".to_owned(),
            ..LayoutSummary::default()
        });
        report.findings.push(unreadable("k"));
        let text = shown(&report);
        assert_eq!(text.lines().count(), 1, "{text}");
        assert!(text.starts_with(
            "::error title=key-unreadable,file=a%2Cb%3Ac%25::cannot read the key `k`: 100%25\\r%0A\\u{3a}:error::x"
        ), "{text}");
    }

    #[test]
    fn beyond_what_is_shown_they_are_counted() {
        let mut report = Report::new(LayoutSummary::default());
        let mut item = crate::report::Item::new(crate::report::ItemKind::Step, "s".to_owned());
        for number in 0..30 {
            let place = crate::report::Place {
                document: "d".to_owned(),
                pointer: format!("/{number}"),
            };
            item.fail(Problem::LayoutEmpty, Some(place));
        }
        report.items.push(item);
        let text = shown(&report);
        assert_eq!(text.lines().count(), SHOWN_AT_MOST);
        assert!(
            text.ends_with("%0A20 errors more in the report\n"),
            "{text}"
        );
    }
}
