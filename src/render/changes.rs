//! The differences between two layouts, for people and for programs.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::author::{Change, Effect, Fate, Shift, Verdicts};
use crate::model::{quoted, quoted_list};

use super::json::write_ascii_safe;

/// The name and version of the JSON answer.
pub const DIFF_SCHEMA: &str = "linkwright/layout-diff/v1";

/// How many examples are named before they are only counted.
const EXAMPLES: usize = 4;

/// Two layouts and how they differ.
#[derive(Debug)]
pub struct Comparison<'a> {
    /// The old layout's path.
    pub old: &'a str,
    /// The new layout's path.
    pub new: &'a str,
    /// Every difference.
    pub changes: &'a [Change],
    /// What becomes of links, if some were given.
    pub verdicts: Option<&'a Verdicts>,
}

/// For people.
///
/// # Errors
/// Those of the writer.
pub fn diff_human(comparison: &Comparison<'_>, out: &mut dyn Write) -> io::Result<()> {
    let Comparison {
        old,
        new,
        changes,
        verdicts,
    } = comparison;
    writeln!(
        out,
        "{} and {}: {}",
        quoted(old),
        quoted(new),
        summary(changes)
    )?;
    let mut last = None;
    for change in *changes {
        if last != Some(&change.item) {
            match &change.item {
                None => writeln!(out, "the layout")?,
                Some(item) => writeln!(out, "{}", quoted(item))?,
            }
            last = Some(&change.item);
        }
        writeln!(out, "  {} {}", label(change.effect), change.message)?;
        for line in &change.removed {
            writeln!(out, "            - {line}")?;
        }
        for line in &change.added {
            writeln!(out, "            + {line}")?;
        }
        for shift in &change.shifts {
            write_shift(shift, out)?;
        }
    }
    match verdicts {
        Some(verdicts) => write_verdicts(verdicts, out),
        None => Ok(()),
    }
}

/// What a change means, in a column of its own.
fn label(effect: Effect) -> &'static str {
    match effect {
        Effect::Allows => "allows: ",
        Effect::Refuses => "refuses:",
        Effect::Both => "both:   ",
        Effect::Warns => "warns:  ",
        Effect::Nothing => "text:   ",
        Effect::Unknown => "unknown:",
    }
}

fn summary(changes: &[Change]) -> &'static str {
    let any = |of: &[Effect]| changes.iter().any(|change| of.contains(&change.effect));
    let allows = any(&[Effect::Allows, Effect::Both]);
    let refuses = any(&[Effect::Refuses, Effect::Both]);
    let unknown = any(&[Effect::Unknown]);
    match (allows, refuses) {
        _ if changes.is_empty() => "they are the same",
        (true, true) => "the new one allows and refuses other things than the old one",
        (true, false) if unknown => "the new one allows more; not everything could be tried",
        (true, false) => "the new one allows more, and refuses nothing else",
        (false, true) if unknown => "the new one refuses more; not everything could be tried",
        (false, true) => "the new one refuses more, and allows nothing else",
        (false, false) if unknown => "they differ, and not everything could be tried",
        (false, false) => "they differ, but allow and refuse the same",
    }
}

fn write_shift(shift: &Shift, out: &mut dyn Write) -> io::Result<()> {
    let what = if shift.allows {
        "now allowed"
    } else {
        "now refused"
    };
    writeln!(
        out,
        "            {what}, for example {}",
        quoted_list(&shift.examples, EXAMPLES)
    )?;
    for (at, when) in shift.when.iter().enumerate() {
        let word = if at == 0 { "when" } else { "or" };
        writeln!(out, "              {word} {when}")?;
    }
    writeln!(
        out,
        "              before {}, now {}",
        shift.before, shift.now
    )
}

fn write_verdicts(verdicts: &Verdicts, out: &mut dyn Write) -> io::Result<()> {
    let word = |passes| if passes { "passes" } else { "is refused" };
    writeln!(
        out,
        "the links, as if both layouts were signed, without inspections"
    )?;
    writeln!(
        out,
        "  what was recorded {} under the old one and {} under the new one",
        word(verdicts.old_passes),
        word(verdicts.new_passes)
    )?;
    for fate in &verdicts.fates {
        let label = if fate.allows { "allows: " } else { "refuses:" };
        let item = fate
            .item
            .as_ref()
            .map_or(String::new(), |item| format!("{}: ", quoted(item)));
        writeln!(out, "  {label} {item}{}", fate.message)?;
    }
    if verdicts.fates.is_empty() {
        writeln!(out, "  nothing of it is judged differently")?;
    }
    Ok(())
}

/// For programs.
///
/// # Errors
/// Those of the writer.
pub fn diff_json(comparison: &Comparison<'_>, out: &mut dyn Write) -> io::Result<()> {
    let document = json!({
        "schema": DIFF_SCHEMA,
        "old": comparison.old,
        "new": comparison.new,
        "same": comparison.changes.is_empty(),
        "changes": comparison.changes.iter().map(change).collect::<Vec<_>>(),
        "links": comparison.verdicts.map(links),
    });
    write_ascii_safe(&document, out)
}

fn change(change: &Change) -> Value {
    json!({
        "code": change.code,
        "effect": change.effect.name(),
        "item": change.item,
        "message": change.message,
        "removed": change.removed,
        "added": change.added,
        "shifts": change.shifts.iter().map(shift).collect::<Vec<_>>(),
    })
}

fn shift(shift: &Shift) -> Value {
    json!({
        "allows": shift.allows,
        "examples": shift.examples,
        "when": shift.when,
        "before": shift.before,
        "now": shift.now,
    })
}

fn links(verdicts: &Verdicts) -> Value {
    json!({
        "old_passes": verdicts.old_passes,
        "new_passes": verdicts.new_passes,
        "fates": verdicts.fates.iter().map(fate).collect::<Vec<_>>(),
    })
}

fn fate(fate: &Fate) -> Value {
    json!({
        "allows": fate.allows,
        "item": fate.item,
        "side": fate.artifact.as_ref().map(|(side, _)| side.noun()),
        "artifact": fate.artifact.as_ref().map(|(_, path)| path),
        "code": fate.code,
        "message": fate.message,
    })
}
