//! A list of rules outside of a verification: what it says of one artifact. The rules are applied as
//! they are in a verification; nothing that is said here decides about a release.

use std::borrow::Cow;

use crate::model::{Link, MatchRule, Rule, Side};

use super::fate::{Fate, fate};
use super::rules::{LinkOf, apply_side, counterpart};

/// What a list of rules says of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Judged {
    /// Whether it refuses, because of this artifact or because it is not there.
    pub refuses: bool,
    /// The rule that decided; `None` when no rule was about it.
    pub by: Option<usize>,
}

/// Applies the rules of one side to a link, and says what they make of one artifact of it.
pub fn judge(rules: &[Rule], side: Side, link: &Link, name: &str, link_of: &LinkOf<'_>) -> Judged {
    let found = apply_side(rules, side, link, link_of);
    let mut problems = found.problems.iter();
    if let Some((index, _)) =
        problems.find(|(_, problem)| problem.artifact().is_some_and(|(_, path)| path == name))
    {
        return Judged {
            refuses: true,
            by: Some(*index),
        };
    }
    let by = match fate(rules, side, link, name, link_of) {
        Fate::Taken(index) | Fate::Refused(index) => Some(index),
        Fate::Left => None,
    };
    Judged { refuses: false, by }
}

/// The name of the artifact that a MATCH rule compares one with; `None` when the rule is not about it.
pub fn compared_with(rule: &MatchRule, name: &str) -> Option<String> {
    counterpart(rule, name).map(Cow::into_owned)
}
