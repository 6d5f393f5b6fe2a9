//! One artifact under a list of rules. The same as [`rules`](super::rules) do for all at once, told so
//! that the rule can be named that decided; the tests hold the two against each other.

use crate::model::{Agreement, DigestSet, Link, Pattern, Rule, Side};

use super::rules::{LinkOf, agreement};

/// What became of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The rule with that index took it.
    Taken(usize),
    /// The DISALLOW with that index refused it.
    Refused(usize),
    /// No rule was about it.
    Left,
}

/// What becomes of the artifact of that name on one side of a link.
pub fn fate(rules: &[Rule], side: Side, link: &Link, name: &str, link_of: &LinkOf<'_>) -> Fate {
    let other = match side {
        Side::Materials => &link.products,
        Side::Products => &link.materials,
    };
    let (own, other) = (link.side(side).get(name), other.get(name));
    let Some(own) = own else {
        return Fate::Left;
    };
    for (index, rule) in rules.iter().enumerate() {
        let alone_on = |about: Side, pattern: &Pattern| {
            about == side && pattern.matches(name) && other.is_none()
        };
        let taken = match rule {
            Rule::Allow(pattern) => pattern.matches(name),
            Rule::Create(pattern) => alone_on(Side::Products, pattern),
            Rule::Delete(pattern) => alone_on(Side::Materials, pattern),
            Rule::Disallow(pattern) if pattern.matches(name) => return Fate::Refused(index),
            Rule::Match(rule) => link_of(&rule.from).is_some_and(|there| {
                agreement(rule, name, own, there.side(rule.side)) == Some(Agreement::Same)
            }),
            Rule::Modify(pattern) => pattern.matches(name) && differs(own, other),
            Rule::Disallow(_) | Rule::Require(_) => false,
        };
        if taken {
            return Fate::Taken(index);
        }
    }
    Fate::Left
}

fn differs(own: &DigestSet, other: Option<&DigestSet>) -> bool {
    other.is_some_and(|other| own.agreement(other) == Agreement::Different)
}
