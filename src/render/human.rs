//! For people: one line an item, under it what was found, at the end the answer.
//!
//! Of many findings with the same code at the same place the first few are shown and the rest is
//! counted; the JSON form has them all.

use std::io::{self, Write};

use super::sources::{Sources, middle_out};
use crate::keys::KeyId;
use crate::model::{counted, escaped, printable, quoted, quoted_list};
use crate::report::{
    Explanation, Finding, Item, ItemKind, Passage, Report, Severity, Status, Verdict,
};

/// How many findings with one code at one place are shown before the rest is counted.
const SHOWN_AT_MOST: usize = 10;

/// For how many of these it is told what explains them further: the others are most likely like them.
const DETAILED_AT_MOST: usize = 3;

/// How the text is dressed.
#[derive(Clone, Copy, Debug)]
pub struct Dress {
    /// Whether to colour what matters (ANSI escapes).
    pub color: bool,
    /// Whether to show the links of items that passed, too.
    pub verbose: bool,
}

/// Writes the report.
///
/// # Errors
/// The writer's.
pub fn human(report: &Report, dress: Dress, out: &mut dyn Write) -> io::Result<()> {
    human_with(report, &Sources::default(), dress, out)
}

/// The same with the lines of the documents that findings are about.
///
/// # Errors
/// The writer's.
pub fn human_with(
    report: &Report,
    sources: &Sources,
    dress: Dress,
    out: &mut dyn Write,
) -> io::Result<()> {
    head(report, out)?;
    // What is about the whole first: it may be the cause of the rest.
    findings(&report.findings, "  ", sources, dress, out)?;
    for item in &report.items {
        item_line(item, dress, out)?;
        links(item, dress, out)?;
        findings(&item.findings, "    ", sources, dress, out)?;
    }
    for explanation in &report.explanations {
        life(explanation, dress, out)?;
    }
    answer(report, dress, out)
}

fn head(report: &Report, out: &mut dyn Write) -> io::Result<()> {
    let layout = &report.layout;
    write!(out, "layout {}", quoted(&layout.path))?;
    if let Some(expires) = layout.expires {
        write!(out, ", expires {expires}")?;
    }
    writeln!(out)?;
    for keyid in &layout.signed_by {
        writeln!(out, "  signed by {}", escaped(keyid.as_str()))?;
    }
    for condition in layout.conditions() {
        writeln!(out, "  note: {}", printable(&condition))?;
    }
    Ok(())
}

fn item_line(item: &Item, dress: Dress, out: &mut dyn Write) -> io::Result<()> {
    let kind = kind_word(item.kind);
    let status = match item.status {
        Status::Passed => dress.paint("passed", GREEN),
        Status::Failed => dress.paint("FAILED", RED),
        Status::NotReached => dress.paint("not reached", YELLOW),
    };
    writeln!(out, "  {kind} {}: {status}", quoted(&item.name))
}

fn links(item: &Item, dress: Dress, out: &mut dyn Write) -> io::Result<()> {
    if !dress.verbose && item.status == Status::Passed {
        return Ok(());
    }
    for link in &item.links {
        let counts = if link.why_not.is_none() {
            "counts"
        } else {
            "does not count"
        };
        writeln!(out, "    link {} {counts}", quoted(&link.path))?;
    }
    Ok(())
}

fn findings(
    list: &[Finding],
    indent: &str,
    sources: &Sources,
    dress: Dress,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut rest = list;
    while let Some(first) = rest.first() {
        let alike = |finding: &&Finding| {
            finding.problem.code() == first.problem.code() && finding.place == first.place
        };
        let count = rest.iter().take_while(alike).count();
        let (group, behind) = rest.split_at_checked(count).unwrap_or((rest, &[]));
        let one_help = group
            .iter()
            .take(SHOWN_AT_MOST)
            .all(|other| other.problem.help() == first.problem.help());
        for (at, shown) in group.iter().take(SHOWN_AT_MOST).enumerate() {
            finding(shown, indent, dress, out)?;
            if at < DETAILED_AT_MOST || dress.verbose {
                details(shown, indent, out)?;
            }
            let next = group.get(at + 1).filter(|_| at + 1 < SHOWN_AT_MOST);
            let again = next.is_some_and(|next| next.problem.help() == shown.problem.help());
            if !one_help && !again {
                help(shown, indent, out)?;
            }
        }
        if let Some(more) = count.checked_sub(SHOWN_AT_MOST)
            && more > 0
        {
            writeln!(
                out,
                "{indent}  … and {more} more like these (--format json has them all)"
            )?;
        }
        if first.problem.is_told_elsewhere() && !dress.verbose {
            rest = behind;
            continue;
        }
        if let Some(place) = &first.place {
            writeln!(
                out,
                "{indent}  at: {} {}",
                quoted(&place.document),
                escaped(&place.pointer)
            )?;
            if first.severity != Severity::Note {
                for line in sources.snippet(place, dress.color) {
                    writeln!(out, "{indent}  {line}")?;
                }
            }
        }
        if one_help {
            help(first, indent, out)?;
        }
        rest = behind;
    }
    Ok(())
}

fn help(finding: &Finding, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    let help = finding.problem.help();
    if finding.severity != Severity::Note && !help.is_empty() {
        writeln!(out, "{indent}  help: {}", printable(&help))?;
    }
    Ok(())
}

fn finding(finding: &Finding, indent: &str, dress: Dress, out: &mut dyn Write) -> io::Result<()> {
    let word = match finding.severity {
        Severity::Error => dress.paint("error", RED),
        Severity::Warning => dress.paint("warning", YELLOW),
        Severity::Note => "note".to_owned(),
    };
    let message = one_line(&finding.problem.headline());
    writeln!(out, "{indent}{word}[{}]: {message}", finding.problem.code())
}

fn details(finding: &Finding, indent: &str, out: &mut dyn Write) -> io::Result<()> {
    for detail in finding.problem.details() {
        writeln!(out, "{indent}  - {}", one_line(&detail))?;
    }
    Ok(())
}

pub(super) fn one_line(text: &str) -> String {
    narrowed(&printable(text).replace('\n', "; "))
}

/// How many characters a name in a message may have before its middle is left out. The path of a link
/// in the deepest sublayout is shorter, unless steps have very long names.
const NAME_AT_MOST: usize = 500;

/// A message without the middles of very long names, which stand between backticks.
fn narrowed(message: &str) -> String {
    let part = |(at, text): (usize, &str)| {
        let name = at % 2 == 1 && !text.contains(' ');
        match name {
            true => middle_out(text, NAME_AT_MOST),
            false => text.to_owned(),
        }
    };
    let parts: Vec<String> = message.split('`').enumerate().map(part).collect();
    parts.join("`")
}

/// How many digits of a digest are shown.
const DIGITS_SHOWN: usize = 16;

/// Where an artifact came from and went to, one stage a line with what the rules made of it below.
fn life(explanation: &Explanation, dress: Dress, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "artifact {}", quoted(&explanation.path))?;
    if explanation.stages.is_empty() {
        let similar = match explanation.similar.as_slice() {
            [] => String::new(),
            names => format!("; there is {}", quoted_list(names, names.len())),
        };
        return writeln!(out, "  no link that counts has it{similar}");
    }
    for stage in &explanation.stages {
        let (kind, noun) = (kind_word(stage.kind), stage.side.noun());
        let name = match stage.path == explanation.path {
            true => String::new(),
            false => format!(" as {}", quoted(&stage.path)),
        };
        write!(out, "  {noun} of {kind} {}{name}", quoted(&stage.item))?;
        let digest = stage.digests.iter().next();
        let digest = digest.map(|(algorithm, digest)| {
            let start: String = digest.chars().take(DIGITS_SHOWN).collect();
            format!("{} {start}…", quoted(algorithm.name()))
        });
        writeln!(
            out,
            ", {}",
            digest.unwrap_or_else(|| "without a digest".to_owned())
        )?;
        let ids: Vec<&str> = stage.signed_by.iter().map(KeyId::as_str).collect();
        if !ids.is_empty() {
            writeln!(
                out,
                "    signed for by {}",
                quoted_list(&ids, SHOWN_AT_MOST)
            )?;
        }
        let passage = stage.passage.to_string();
        let passage = match stage.passage {
            Passage::Taken { .. } => passage,
            Passage::Refused { .. } => dress.paint(&passage, RED),
            Passage::Left | Passage::NotReached => dress.paint(&passage, YELLOW),
        };
        writeln!(out, "    {passage}")?;
    }
    Ok(())
}

fn kind_word(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Step => "step",
        ItemKind::Inspection => "inspection",
        ItemKind::Sublayout => "sublayout",
        ItemKind::Product => "product of",
    }
}

fn answer(report: &Report, dress: Dress, out: &mut dyn Write) -> io::Result<()> {
    let count = |severity| {
        let findings = report.all_findings();
        findings
            .filter(|finding| finding.severity == severity)
            .count()
    };
    let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
    let found = match (errors, warnings) {
        (0, 0) => String::new(),
        (errors, 0) => format!(": {}", counted(errors, "error")),
        (0, warnings) => format!(": {}", counted(warnings, "warning")),
        (errors, warnings) => {
            format!(
                ": {}, {}",
                counted(errors, "error"),
                counted(warnings, "warning")
            )
        }
    };
    let answer = match report.verdict() {
        Verdict::Pass => dress.paint("PASSED", GREEN),
        Verdict::Refuse => dress.paint("REFUSED", RED),
        Verdict::Undecided => dress.paint("UNDECIDED", YELLOW),
    };
    writeln!(out, "{answer}{found}")
}

pub(super) const RED: &str = "1;31";
pub(super) const GREEN: &str = "1;32";
pub(super) const YELLOW: &str = "1;33";

impl Dress {
    pub(super) fn paint(self, text: &str, color: &str) -> String {
        if self.color {
            format!("\u{1b}[{color}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Side;
    use crate::report::{LayoutSummary, Miss, NearMiss, Place, Problem};

    fn shown(report: &Report) -> String {
        let dress = Dress {
            color: false,
            verbose: false,
        };
        let mut out = Vec::new();
        human(report, dress, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_shown_is_refused() {
        let report = Report::new(LayoutSummary::default());
        assert!(shown(&report).ends_with("\nREFUSED\n"));
    }

    #[test]
    fn very_long_names_lose_their_middle() {
        let long = format!("`{}b`", "a".repeat(3000));
        let said = narrowed(&format!("x {long} `c d` y"));
        assert!(
            said.chars().count() < 530 && said.ends_with("ab` `c d` y"),
            "{said}"
        );
    }

    #[test]
    fn many_alike_are_counted() {
        let mut report = Report::new(LayoutSummary::default());
        let mut item = Item::new(ItemKind::Step, "s".to_owned());
        let place = Place {
            document: "d".to_owned(),
            pointer: "/p".to_owned(),
        };
        for number in 0..1000 {
            let problem = Problem::ArtifactDisallowed {
                side: Side::Products,
                path: number.to_string(),
                rule: "DISALLOW *".to_owned(),
                near: vec![NearMiss {
                    rule: "ALLOW x".to_owned(),
                    why: Miss::Case,
                }],
                again: None,
            };
            item.fail(problem, Some(place.clone()));
        }
        report.items.push(item);
        let text = shown(&report);
        assert!(text.contains("… and 990 more like these"));
        assert!(text.lines().count() < 20);
        assert_eq!(text.matches("`ALLOW x` does not").count(), 3);
        assert!(text.ends_with("REFUSED: 1000 errors\n"));
    }
}
