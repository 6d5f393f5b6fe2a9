//! The parts of which messages about findings are made.

use std::borrow::Cow;
use std::fmt;

use crate::model::{ItemName, command_line, quoted, quoted_list};

use super::{Difference, DifferenceKind};

/// How many of several things a message names before it only counts.
pub(super) const NAMED_AT_MOST: usize = 5;

/// What comes behind a headline, each part after a `;`.
pub(super) fn behind<T: fmt::Display>(details: &[T]) -> String {
    details.iter().map(|detail| format!("; {detail}")).collect()
}

/// Names that may have been meant.
pub(super) fn but(similar: &[String]) -> String {
    match similar {
        [] => String::new(),
        names => format!(", though {} is", quoted_list(names, NAMED_AT_MOST)),
    }
}

/// `1 product`, `2 products`.
pub(super) fn counted(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {noun}{s}")
}

/// The first few of `count` things.
pub(super) fn named(names: &[String], count: usize) -> String {
    let shown: Vec<&String> = names.iter().take(NAMED_AT_MOST).collect();
    let list = quoted_list(&shown, NAMED_AT_MOST);
    match count.saturating_sub(shown.len()) {
        0 => list,
        more => format!("{list}, and {more} more"),
    }
}

pub(super) fn found_instead(found: &[String]) -> String {
    match found {
        [] => ", it has no signatures".to_owned(),
        ids => format!(", found {}", quoted_list(ids, NAMED_AT_MOST)),
    }
}

/// How two links differ, one line for each artifact that is named.
pub(super) fn differences(list: &[Difference], more: usize) -> Vec<String> {
    let one = |difference: &Difference| {
        let what = format!("{} {}", difference.side.noun(), quoted(&difference.path));
        match &difference.how {
            DifferenceKind::OnlyInFirst => format!("{what} only in the first"),
            DifferenceKind::OnlyInOther => format!("{what} only in the second"),
            DifferenceKind::Digests(pair) => {
                let (first, second) = pair.shown();
                let algorithm = quoted(&pair.algorithm);
                format!(
                    "{what} has the {algorithm} digest {first} in the first, {second} in the second"
                )
            }
            DifferenceKind::Algorithms => format!("{what} has digests of other algorithms in each"),
        }
    };
    let mut lines: Vec<String> = list.iter().map(one).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}

/// What to do about missing links; where none is missing, the findings about those that are there
/// say more.
pub(super) fn threshold_help(
    step: &ItemName,
    looked_for: &[String],
    command: &[String],
) -> Cow<'static, str> {
    if looked_for.is_empty() {
        return Cow::Borrowed(
            "see the findings about the step's keys and links; the step needs more functionaries",
        );
    }
    let step = command_line(&[step.as_str()]);
    let command = match command {
        [] => "COMMAND".to_owned(),
        words => command_line(words),
    };
    Cow::Owned(format!(
        "put the missing links into the folder given with --link-dir, or have a functionary perform the step: `linkwright run --step-name {step} --signing-key KEY --materials PATH… --products PATH… -- {command}`"
    ))
}
