//! For people: each finding with the line of the layout that it is about.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::model::{escaped, quoted};
use crate::report::{LintCode, LintFinding, Severity};

use super::super::human::{Dress, RED, YELLOW, one_line};
use super::{Linted, sentence, tally};

/// How many findings with one code are shown of a layout before the rest is counted.
const SHOWN_AT_MOST: usize = 10;

/// Writes what was found about each layout.
///
/// # Errors
/// The writer's.
pub fn lint_human(all: &[Linted], dress: Dress, out: &mut dyn Write) -> io::Result<()> {
    for linted in all {
        write!(out, "layout {}", quoted(&linted.lint.document))?;
        if let Some(expires) = linted.lint.expires {
            write!(out, ", expires {expires}")?;
        }
        writeln!(out)?;
        findings(linted, dress, out)?;
        writeln!(out, "{}", tally(&linted.lint))?;
    }
    Ok(())
}

fn findings(linted: &Linted, dress: Dress, out: &mut dyn Write) -> io::Result<()> {
    let mut counts: BTreeMap<LintCode, usize> = BTreeMap::new();
    for (number, one) in linted.findings() {
        let count = counts.entry(one.code).or_default();
        *count += 1;
        if *count <= SHOWN_AT_MOST || dress.verbose {
            finding(linted, (number, one), dress, out)?;
        }
    }
    for (code, count) in counts {
        if count > SHOWN_AT_MOST && !dress.verbose {
            let more = count - SHOWN_AT_MOST;
            writeln!(
                out,
                "  … and {more} more [{code}] (--verbose or --format json has them all)"
            )?;
        }
    }
    Ok(())
}

fn finding(
    linted: &Linted,
    (number, one): (usize, &LintFinding),
    dress: Dress,
    out: &mut dyn Write,
) -> io::Result<()> {
    let word = match one.severity {
        Severity::Error => dress.paint("error", RED),
        Severity::Warning => dress.paint("warning", YELLOW),
        Severity::Note => "note".to_owned(),
    };
    writeln!(out, "  {word}[{}]: {}", one.code, one_line(&sentence(one)))?;
    if !one.pointer.is_empty() {
        writeln!(out, "    at: {}", escaped(&one.pointer))?;
    }
    for line in linted.snippet((number, one), dress.color) {
        writeln!(out, "    {line}")?;
    }
    if !one.help.is_empty() {
        writeln!(out, "    help: {}", one_line(&one.help))?;
    }
    Ok(())
}
