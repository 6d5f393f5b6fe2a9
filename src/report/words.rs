//! The parts of which messages about findings are made.

use std::fmt;

use crate::keys::{KeyId, Mismatch};
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

/// What a signature stands on: a link, or the layout.
pub(super) fn signed(link: Option<&str>) -> String {
    match link {
        Some(link) => quoted(link).to_string(),
        None => "the layout".to_owned(),
    }
}

/// A list of keys behind some words; nothing where there is none.
pub(super) fn listed(words: &str, keys: &[KeyId]) -> String {
    let keys: Vec<&str> = keys.iter().map(KeyId::as_str).collect();
    match keys.as_slice() {
        [] => String::new(),
        keys => format!("{words} {}", quoted_list(keys, NAMED_AT_MOST)),
    }
}

/// How a certificate differs from a constraint. What is said of roots may be a reason, not an id.
pub(super) fn list_mismatches(mismatches: &[Mismatch]) -> String {
    let values = |values: &[String]| match values {
        [] => "none".to_owned(),
        values => quoted_list(values, NAMED_AT_MOST),
    };
    let one = |mismatch: &Mismatch| {
        let Mismatch {
            attribute,
            expected,
            found,
        } = mismatch;
        let (expected, found) = (values(expected), values(found));
        format!("expected in `{attribute}` {expected}, found {found}")
    };
    mismatches.iter().map(one).collect::<Vec<_>>().join("; ")
}
