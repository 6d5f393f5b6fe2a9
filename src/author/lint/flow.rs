//! Whether artifacts are held to each other from step to step: where materials come from, and who looks at
//! products.

use std::collections::BTreeMap;

use crate::model::{Pattern, Rule, Side, quoted};
use crate::report::{LintCode, Severity};

use super::findings::Findings;
use super::reading::{Item, Placed, Reading, below};

/// How many pairs of rules are compared for one step. Beyond, only that is said.
const COMPARED_AT_MOST: usize = 100_000;

pub(super) fn look(reading: &Reading<'_>, found: &mut Findings) {
    let compared = compared(reading);
    for (at, item) in reading.steps().iter().enumerate() {
        if at > 0 {
            materials(reading, at, item, found);
        }
        let is_last = at + 1 == reading.steps;
        let with = compared.get(&at).map(Vec::as_slice).unwrap_or_default();
        products(item, with, is_last, found);
    }
}

/// What others compare with the products of each item: the names, and whether they are certain.
fn compared(reading: &Reading<'_>) -> BTreeMap<usize, Vec<(Pattern, bool)>> {
    let mut compared: BTreeMap<usize, Vec<(Pattern, bool)>> = BTreeMap::new();
    for (at, item) in reading.items.iter().enumerate() {
        let rules = item.lists().into_iter().flat_map(|list| &list.rules);
        for placed in rules {
            if let Rule::Match(rule) = &placed.rule
                && rule.side == Side::Products
                && let Some(other) = reading.position(&rule.from)
                && other != at
            {
                let names = below(rule.destination.as_ref(), &rule.pattern);
                compared
                    .entry(other)
                    .or_default()
                    .push((names, placed.is_open));
            }
        }
    }
    compared
}

fn materials(reading: &Reading<'_>, at: usize, item: &Item<'_>, found: &mut Findings) {
    let from_earlier = |placed: &Placed| {
        let from = placed.rule.source().and_then(|from| reading.position(from));
        from.is_some_and(|from| from < at)
    };
    let connected = item.materials.rules.iter().any(from_earlier);
    for placed in &item.materials.rules {
        let (severity, does) = match &placed.rule {
            // That has a code of its own.
            Rule::Allow(pattern) if pattern.is_everything() => continue,
            Rule::Allow(_) if connected => (Severity::Note, "lets materials through"),
            Rule::Allow(_) => (Severity::Warning, "lets materials through"),
            Rule::Modify(_) => (
                Severity::Warning,
                "lets materials through that the step changes",
            ),
            Rule::Delete(_) => (
                Severity::Warning,
                "lets materials through that the step deletes",
            ),
            Rule::Create(_) | Rule::Disallow(_) | Rule::Match(_) | Rule::Require(_) => continue,
        };
        let message = format!(
            "it {does} that no earlier step is asked about: nobody says where they come from"
        );
        let help = "MATCH them with the products of the step that they come from";
        found.add(
            severity,
            LintCode::MaterialsUnexplained,
            &placed.pointer,
            message,
            help,
        );
    }
}

fn products(item: &Item<'_>, with: &[(Pattern, bool)], is_last: bool, found: &mut Findings) {
    let list = &item.products;
    if list.rules.is_empty() || list.takes_nothing() {
        return;
    }
    if with.is_empty() {
        let (severity, message, help) = if is_last {
            let message = "no inspection compares with the products of the last step: the layout alone says nothing about the files at hand";
            let help = "verify with --product, or add an inspection that MATCHes with them";
            (Severity::Note, message, help)
        } else {
            let message = "no later step and no inspection compares with these products: they can be exchanged behind the step, and nobody sees it";
            let help = "MATCH them in the step that uses them, or in an inspection";
            (Severity::Warning, message, help)
        };
        return found.add(
            severity,
            LintCode::ProductsUnprotected,
            &list.pointer,
            message.to_owned(),
            help,
        );
    }
    if list.rules.len().saturating_mul(with.len()) > COMPARED_AT_MOST {
        let why = "with so many rules it is not known which of the products others compare with";
        return found.incomplete(&list.pointer, why);
    }
    for placed in &list.rules {
        let (Rule::Allow(_) | Rule::Create(_) | Rule::Modify(_), Some(names)) =
            (&placed.rule, &placed.names)
        else {
            continue;
        };
        let may_meet =
            |(other, open): &(Pattern, bool)| *open || placed.is_open || other.meets(names);
        if !with.iter().any(may_meet) {
            let message = format!(
                "no later step and no inspection compares with the products {}: they can be exchanged behind the step, and nobody sees it",
                quoted(names.as_str())
            );
            let help = "MATCH them where they are used, or in an inspection, if they matter";
            found.note(
                LintCode::ProductsUnprotected,
                &placed.pointer,
                message,
                help,
            );
        }
    }
}
