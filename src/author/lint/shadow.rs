//! Rules for which nothing is left, or whose verdict a later one undoes.
//!
//! One pattern covers another where that is certain ([`Pattern::covers`]). With a parameter in one of
//! them it is certain only of the same text, and of `*`.

use std::collections::BTreeMap;

use crate::model::{Pattern, Rule, Side, quoted};
use crate::report::LintCode;

use super::findings::Findings;
use super::reading::{List, Placed, Reading};

/// Against how many rules with wildcards each rule of a list is held. More are not written by people; a
/// longer list is said to have been looked at in part only.
const COMPARED_AT_MOST: usize = 500;

pub(super) fn look(reading: &Reading<'_>, found: &mut Findings) {
    for item in &reading.items {
        for list in item.lists() {
            list_rules(list, found);
        }
    }
}

fn list_rules(list: &List, found: &mut Findings) {
    if list.rules.len() > COMPARED_AT_MOST {
        found.incomplete(
            &list.pointer,
            "with so many rules not every one is held against all others",
        );
    }
    let mut earlier = Earlier::default();
    for (at, placed) in list.rules.iter().enumerate() {
        let wrong_side = match (&placed.rule, list.side) {
            (Rule::Create(_), Side::Materials) => Some(("CREATE", "products")),
            (Rule::Delete(_), Side::Products) => Some(("DELETE", "materials")),
            _ => None,
        };
        if let Some((keyword, other)) = wrong_side {
            let message = format!(
                "{keyword} takes only {other}, so among the {}s it takes nothing",
                list.side.noun()
            );
            let help = "put the rule into the other list, or take it out";
            found.warn(LintCode::RuleOnWrongSide, &placed.pointer, message, help);
            continue;
        }
        if let Rule::Require(path) = &placed.rule {
            if !require(path.as_str(), placed, &earlier, list.side, found) {
                let behind = list.rules.get(at + 1..).unwrap_or_default();
                refused(path.as_str(), placed, behind, list.side, found);
            }
            continue;
        }
        match earlier.shadowing(placed) {
            Some(by) => shadowed(placed, by, found),
            None => earlier.add(placed),
        }
        if let Rule::Allow(_) = &placed.rule {
            undone(placed, &earlier, found);
        }
    }
}

/// The rules of a list so far that are not shadowed themselves.
#[derive(Default)]
struct Earlier<'l> {
    /// Those with wildcards.
    wide: Vec<&'l Placed>,
    /// All, by the text of their names.
    exact: BTreeMap<&'l str, Vec<&'l Placed>>,
    /// All, in their order.
    all: Vec<&'l Placed>,
}

impl<'l> Earlier<'l> {
    fn add(&mut self, placed: &'l Placed) {
        let Some(names) = &placed.names else {
            return;
        };
        if names.only_name().is_none() {
            self.wide.push(placed);
        }
        self.exact.entry(names.as_str()).or_default().push(placed);
        self.all.push(placed);
    }

    /// A rule after which nothing is left for this one.
    fn shadowing(&self, later: &Placed) -> Option<&'l Placed> {
        let names = later.names.as_ref()?;
        let same = self.exact.get(names.as_str()).into_iter().flatten();
        let wide = self.wide.iter().take(COMPARED_AT_MOST);
        let mut all = same.chain(wide);
        all.find(|earlier| leaves_nothing(earlier, later)).copied()
    }
}

fn leaves_nothing(earlier: &Placed, later: &Placed) -> bool {
    match (&earlier.rule, &later.rule) {
        (Rule::Allow(_) | Rule::Disallow(_), _)
        | (Rule::Create(_), Rule::Create(_))
        | (Rule::Delete(_), Rule::Delete(_))
        | (Rule::Modify(_), Rule::Modify(_)) => covers(earlier, later),
        (Rule::Match(one), Rule::Match(other)) => {
            (&one.from, one.side, &one.source, &one.destination)
                == (&other.from, other.side, &other.source, &other.destination)
                && covers(earlier, later)
        }
        _ => false,
    }
}

fn covers(one: &Placed, other: &Placed) -> bool {
    let (Some(names), Some(others)) = (&one.names, &other.names) else {
        return false;
    };
    match one.is_open || other.is_open {
        true => names.as_str() == others.as_str() || names.is_everything(),
        false => names.covers(others),
    }
}

fn shadowed(placed: &Placed, by: &Placed, found: &mut Findings) {
    let rule = by.rule.to_string();
    let by_rule = quoted(&rule);
    match (&by.rule, &placed.rule) {
        (Rule::Allow(_), Rule::Disallow(_)) => {
            let message = format!(
                "it refuses nothing: {by_rule} before it has let through all that it is about"
            );
            let help = "put the DISALLOW before the ALLOW, or make the ALLOW narrower";
            found.error(
                LintCode::DisallowWithoutEffect,
                &placed.pointer,
                message,
                help,
            );
        }
        (Rule::Disallow(_), Rule::Disallow(_)) => {
            let message =
                format!("it refuses nothing that {by_rule} before it has not refused already");
            found.note(
                LintCode::RuleShadowed,
                &placed.pointer,
                message,
                "take the rule out",
            );
        }
        (Rule::Allow(_), Rule::Match(_)) => {
            let message = format!(
                "it compares nothing: {by_rule} before it has let through all that it is about"
            );
            let help = "put the MATCH before the ALLOW";
            found.warn(LintCode::RuleShadowed, &placed.pointer, message, help);
        }
        (Rule::Disallow(_), _) => {
            let message =
                format!("it takes nothing: {by_rule} before it refuses all that it is about");
            let help = "put the rule before the DISALLOW";
            found.warn(LintCode::RuleShadowed, &placed.pointer, message, help);
        }
        _ => {
            let message = format!("it takes nothing: {by_rule} before it takes all that it could");
            let help = "take the rule out, or put it before the other";
            found.warn(LintCode::RuleShadowed, &placed.pointer, message, help);
        }
    }
}

/// A rule takes what is as it should be; an ALLOW behind it, with no DISALLOW between, lets the rest through.
fn undone(allow: &Placed, earlier: &Earlier<'_>, found: &mut Findings) {
    let mut refused: Vec<(&Pattern, bool)> = Vec::new();
    for placed in earlier.all.iter().rev().take(COMPARED_AT_MOST) {
        match &placed.rule {
            Rule::Disallow(pattern) => refused.push((pattern, placed.is_open)),
            Rule::Create(_) | Rule::Delete(_) | Rule::Match(_) | Rule::Modify(_) => {
                let is_refused = |names: &Pattern| {
                    let mut refused = refused.iter();
                    refused.any(|(pattern, open)| *open || placed.is_open || pattern.meets(names))
                };
                let names = placed.names.as_ref();
                if covers(allow, placed) && !names.is_some_and(is_refused) {
                    let rule = allow.rule.to_string();
                    let message = format!(
                        "it makes no difference: what it does not take, {} behind it lets through",
                        quoted(&rule)
                    );
                    let help =
                        "put a DISALLOW of the same pattern between them, or take the ALLOW out";
                    found.warn(LintCode::RuleWithoutEffect, &placed.pointer, message, help);
                }
            }
            Rule::Allow(_) | Rule::Require(_) => {}
        }
    }
}

/// What must be there and is refused by the first rule behind that is about it.
fn refused(name: &str, placed: &Placed, behind: &[Placed], side: Side, found: &mut Findings) {
    let about = |one: &&Placed| {
        let names = one.names.as_ref();
        names.is_some_and(|names| one.is_open || names.matches(name))
    };
    let first = behind.iter().take(COMPARED_AT_MOST).find(about);
    let Some(by) = first.filter(|by| matches!(by.rule, Rule::Disallow(_))) else {
        return;
    };
    if placed.is_open || by.is_open {
        return;
    }
    let message = format!(
        "it refuses always: the {} {} must be there, and {} behind it refuses it, for no rule between them takes it",
        side.noun(),
        quoted(name),
        quoted(&by.rule.to_string())
    );
    let help = "put a rule that takes it between them, such as MATCH or CREATE";
    found.error(
        LintCode::RequireThenDisallowed,
        &placed.pointer,
        message,
        help,
    );
}

/// Whether a rule before takes what must still be there.
fn require(
    name: &str,
    placed: &Placed,
    earlier: &Earlier<'_>,
    side: Side,
    found: &mut Findings,
) -> bool {
    let takes = |one: &&&Placed| {
        let same = one
            .names
            .as_ref()
            .is_some_and(|names| names.as_str() == name);
        match placed.is_open || one.is_open {
            true => same || one.names.as_ref().is_some_and(Pattern::is_everything),
            false => one.names.as_ref().is_some_and(|names| names.matches(name)),
        }
    };
    let same = earlier.exact.get(name).into_iter().flatten();
    let wide = earlier.wide.iter().take(COMPARED_AT_MOST);
    let takers: Vec<&Placed> = same.chain(wide).filter(takes).copied().collect();
    let certain = |one: &&&Placed| matches!(one.rule, Rule::Allow(_) | Rule::Disallow(_));
    let Some(by) = takers.iter().find(certain).or(takers.first()) else {
        return false;
    };
    let rule = by.rule.to_string();
    let help = "put REQUIRE first in the list: it takes nothing itself";
    if certain(&by) {
        let message = format!(
            "it refuses always: the {} {} is gone after {} before it, and REQUIRE asks that it is still there",
            side.noun(),
            quoted(name),
            quoted(&rule)
        );
        found.error(LintCode::RequireAfterTaken, &placed.pointer, message, help);
    } else {
        let message = format!(
            "it refuses whenever {} before it takes {}: REQUIRE asks that no rule took it yet",
            quoted(&rule),
            quoted(name)
        );
        found.warn(LintCode::RequireAfterTaken, &placed.pointer, message, help);
    }
    true
}
