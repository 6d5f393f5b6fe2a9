//! The parts of which messages about findings are made.

use std::fmt;

use crate::model::{quoted, quoted_list};

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

/// A parameter as it stands in a layout.
pub(super) fn braced(parameter: &str) -> String {
    quoted(&format!("{{{parameter}}}")).to_string()
}
