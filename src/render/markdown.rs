//! Markdown as GitHub reads it, for a job's summary and for comments.
//!
//! Names and messages come from outside: whatever could be markup, a link, a mention or HTML stands
//! in a code span, in which nothing is markup.

use std::io::{self, Write};

use crate::model::{escaped, printable};
use crate::report::{Finding, Item, Report, Severity, Status, Verdict};

use super::words;

/// Writes the report.
///
/// # Errors
/// The writer's.
pub fn markdown(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    head(report, out)?;
    table(report, out)?;
    section(&report.findings, "The whole", out)?;
    for item in &report.items {
        section(&item.findings, &title(item), out)?;
    }
    Ok(())
}

/// Writes what fits into a job's summary: everything, or when that is more than `limit` bytes, the
/// answer and its counts.
///
/// # Errors
/// The writer's.
pub fn markdown_within(report: &Report, limit: usize, out: &mut dyn Write) -> io::Result<()> {
    let mut whole = Vec::new();
    markdown(report, &mut whole)?;
    if whole.len() <= limit {
        return out.write_all(&whole);
    }
    head(report, out)?;
    writeln!(
        out,
        "What was found is too much for a summary: `--output markdown=FILE` has all of it."
    )
}

fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let (mark, answer) = match report.verdict() {
        Verdict::Pass => ("✅", "Passed"),
        Verdict::Refuse => ("❌", "Refused"),
        Verdict::Undecided => ("❔", "Undecided"),
    };
    writeln!(out, "## {mark} {answer}: supply chain verification\n")?;
    write!(out, "Layout {}", code(&report.layout.path))?;
    if let Some(expires) = report.layout.expires {
        write!(out, ", expires {expires}")?;
    }
    for keyid in &report.layout.signed_by {
        write!(out, ", signed by {}", code(keyid.short()))?;
    }
    if let Some(now) = report.layout.now {
        write!(out, ", verified as of {now}")?;
    }
    writeln!(out, ": {}.\n", words::tally(report))?;
    let conditions = report.layout.conditions();
    for condition in &conditions {
        writeln!(out, "- ℹ️ {}", prose(condition))?;
    }
    if !conditions.is_empty() {
        writeln!(out)?;
    }
    Ok(())
}

fn table(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    if report.items.is_empty() {
        return Ok(());
    }
    writeln!(out, "| | item | signed by | found |")?;
    writeln!(out, "| --- | --- | --- | --- |")?;
    for item in &report.items {
        let signers = item.links.iter().filter(|link| link.why_not.is_none());
        let signers: Vec<String> = signers.map(|link| code(link.keyid.short())).collect();
        let found = item.findings.len();
        writeln!(
            out,
            "| {} | {} | {} | {} |",
            match item.status {
                Status::Passed => "✅ passed",
                Status::Failed => "❌ failed",
                Status::NotReached => "⏸️ not reached",
            },
            title(item).replace('|', "\\|"),
            signers.join(", "),
            if found == 0 {
                String::new()
            } else {
                found.to_string()
            },
        )?;
    }
    writeln!(out)
}

fn title(item: &Item) -> String {
    format!("{} {}", words::kind(item.kind), code(&item.name))
}

fn section(findings: &[Finding], title: &str, out: &mut dyn Write) -> io::Result<()> {
    if findings.is_empty() {
        return Ok(());
    }
    writeln!(out, "### {title}\n")?;
    for group in words::groups(findings) {
        for finding in group {
            let mark = match finding.severity {
                Severity::Error => "❌",
                Severity::Warning => "⚠️",
                Severity::Note => "ℹ️",
            };
            let message = prose(&finding.problem.to_string());
            writeln!(out, "- {mark} **{}**: {message}", finding.problem.code())?;
        }
        let Some(first) = group.first() else {
            continue;
        };
        if let Some(place) = &first.place {
            writeln!(
                out,
                "  - at {} {}",
                code(&place.document),
                code(&place.pointer)
            )?;
        }
        let mut helps: Vec<_> = group.iter().map(|finding| finding.problem.help()).collect();
        helps.dedup();
        for help in helps.iter().filter(|help| !help.is_empty()) {
            writeln!(out, "  - help: {}", prose(help))?;
        }
    }
    writeln!(out)
}

/// A text in which everything stands for itself.
fn code(text: &str) -> String {
    let text = escaped(text).to_string();
    if text.is_empty() {
        return String::new();
    }
    // Without the spaces a blank at one end could be taken for padding.
    if text.starts_with(' ') || text.ends_with(' ') {
        format!("` {text} `")
    } else {
        format!("`{text}`")
    }
}

/// A message: what it quotes stands in code spans already, the rest is plain words or becomes code
/// too.
fn prose(message: &str) -> String {
    let message = printable(message).replace('\n', "; ");
    if message.matches('`').count() % 2 == 1 {
        return code(&message);
    }
    let mut shown = String::with_capacity(message.len());
    for (index, part) in message.split('`').enumerate() {
        match (index % 2, is_plain(part)) {
            (0, true) => shown.push_str(part),
            _ => shown.push_str(&code_as_is(part)),
        }
    }
    shown
}

/// In a code span as it stands; it holds no backtick.
fn code_as_is(part: &str) -> String {
    let pad = if part.trim() == part { "" } else { " " };
    if part.is_empty() {
        String::new()
    } else {
        format!("`{pad}{part}{pad}`")
    }
}

/// Whether a part of a sentence holds nothing that could be markup, a link or a mention.
fn is_plain(part: &str) -> bool {
    let plain =
        |character: char| character.is_alphanumeric() || " ,.;:()'\"/…=-".contains(character);
    let colon_in_a_word = part
        .split(':')
        .skip(1)
        .any(|behind| behind.chars().next().is_some_and(|next| next != ' '));
    part.chars().all(plain) && !colon_in_a_word && !part.to_lowercase().contains("www.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_from_outside_is_markup() {
        for (message, shown) in [
            ("the product `a|b` is not", "the product `a|b` is not"),
            ("see <img src=x> or @me", "`see <img src=x> or @me`"),
            ("https://e.example [a](b)", "`https://e.example [a](b)`"),
            ("www.e.example", "`www.e.example`"),
            ("an odd ` one", "`an odd \\u{60} one`"),
            ("two\nlines", "two; lines"),
            ("``", ""),
        ] {
            assert_eq!(prose(message), shown);
        }
        assert_eq!(code("a`b\u{1b}|"), "`a\\u{60}b\\u{1b}|`");
        assert_eq!(code(" a"), "`  a `");
    }
}
