//! What MATCH rules compare with.

use crate::model::{MatchRule, Pattern, Rule, Side, quoted, similar};
use crate::report::LintCode;

use super::findings::Findings;
use super::reading::{Item, List, Placed, Reading, below};

/// How many rules of the other step are looked through. In a longer list there is most likely one; that
/// it was not looked for is said.
const LOOKED_THROUGH: usize = 1000;

pub(super) fn look(reading: &Reading<'_>, found: &mut Findings) {
    for (at, item) in reading.items.iter().enumerate() {
        for list in item.lists() {
            for placed in &list.rules {
                if let Rule::Match(rule) = &placed.rule {
                    source(reading, (at, item), list.side, placed, rule, found);
                }
            }
        }
    }
}

fn source(
    reading: &Reading<'_>,
    (at, item): (usize, &Item<'_>),
    side: Side,
    placed: &Placed,
    rule: &MatchRule,
    found: &mut Findings,
) {
    let position = reading.position(&rule.from);
    let seen = position.filter(|other| !item.is_step || *other < reading.steps);
    let Some(other) = seen else {
        return unknown(reading, item, placed, rule, position.is_some(), found);
    };
    let from = quoted(rule.from.as_str());
    if other > at {
        let message = format!(
            "it compares with {from}, which comes later: what is made there cannot be here already"
        );
        let help =
            "MATCH with an earlier step, or put the steps into the order in which they happen";
        found.warn(LintCode::MatchFromLater, &placed.pointer, message, help);
    } else if other == at && side == rule.side && rule.source == rule.destination {
        let message = "it compares the list with itself, so it takes everything that its pattern matches, as ALLOW does";
        let help = "MATCH with an earlier step; for what a step leaves as it was, MATCH the products with its own materials";
        found.warn(
            LintCode::MatchWithItself,
            &placed.pointer,
            message.to_owned(),
            help,
        );
    }
    let Some(list) = reading.items.get(other).map(|item| of(item, rule.side)) else {
        return;
    };
    let wanted = below(rule.destination.as_ref(), &rule.pattern);
    if list.rules.len() > LOOKED_THROUGH {
        let why =
            "the list that it compares with has so many rules that they were not looked through";
        return found.incomplete(&placed.pointer, why);
    }
    if !placed.is_open && !rule.pattern.is_nothing() && cannot_have(list, &wanted) {
        let message = format!(
            "it takes nothing: the rules of {from} let no {} through that {} could match",
            rule.side.noun(),
            quoted(wanted.as_str())
        );
        let help = "compare the names in both lists, and the prefixes after IN";
        found.warn(
            LintCode::MatchWithoutCounterpart,
            &placed.pointer,
            message,
            help,
        );
    }
}

pub(super) fn of<'i>(item: &'i Item<'_>, side: Side) -> &'i List {
    match side {
        Side::Materials => &item.materials,
        Side::Products => &item.products,
    }
}

fn unknown(
    reading: &Reading<'_>,
    item: &Item<'_>,
    placed: &Placed,
    rule: &MatchRule,
    is_inspection: bool,
    found: &mut Findings,
) {
    let name = rule.from.as_str();
    let (message, help) = if is_inspection {
        let message = format!(
            "it compares with the inspection {}, which runs only after all steps are judged",
            quoted(name)
        );
        (
            message,
            "MATCH with a step; an inspection can compare with both".to_owned(),
        )
    } else {
        let seen = if item.is_step {
            reading.steps()
        } else {
            &reading.items
        };
        let names = seen.iter().filter_map(|item| item.name);
        let help = match similar(name, names, 1).as_slice() {
            [nearest] => format!("perhaps {} is meant", quoted(nearest)),
            _ => "name a step of this layout after FROM".to_owned(),
        };
        (
            format!(
                "it compares with {}, and there is no such step",
                quoted(name)
            ),
            help,
        )
    };
    found.error(LintCode::MatchFromUnknown, &placed.pointer, message, &help);
}

/// Whether the rules of a list certainly let no artifact through whose name the pattern matches.
fn cannot_have(list: &List, wanted: &Pattern) -> bool {
    if !list.is_whole {
        return false;
    }
    for placed in &list.rules {
        match (&placed.rule, &placed.names) {
            (Rule::Disallow(pattern), _) if pattern.is_everything() => return true,
            (Rule::Disallow(_) | Rule::Require(_), _) | (_, None) => {}
            (_, Some(names)) if placed.is_open || names.meets(wanted) => return false,
            _ => {}
        }
    }
    false
}
