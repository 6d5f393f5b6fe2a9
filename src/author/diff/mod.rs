//! Two layouts: what the new one allows that the old one did not, and what it refuses that the old one
//! allowed.
//!
//! Most differences say by themselves which way they go. Of rules that differ, the artifacts are found
//! that are judged differently ([`Shifts`]); where there are none, only their text differs. Keys are
//! compared by what they are, not by their ids. A difference between the two values that are signed shows
//! in some change even if it means nothing to a verification. Whether the whole layout lets something
//! through is not said: each list is judged by itself.

mod evidence;
mod rules;
mod signers;

use std::collections::{BTreeMap, BTreeSet};

use crate::encoding::{Object, Value};
use crate::model::{
    Inspection, ItemName, Layout, Rule, Side, Step, command_line, escaped, quoted, quoted_list,
};

pub use evidence::{Fate, Trial, Verdicts, try_on};
pub use rules::{Shift, Shifts};

use rules::Lists;

/// What a difference means for a release.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    /// Something is allowed that was refused.
    Allows,
    /// Something is refused that was allowed.
    Refuses,
    /// Both.
    Both,
    /// A warning comes or goes.
    Warns,
    /// Nothing is judged differently.
    Nothing,
    /// Not everything could be tried: nothing was found that is judged differently.
    Unknown,
}

impl Effect {
    /// As programs read it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allows => "allows",
            Self::Refuses => "refuses",
            Self::Both => "both",
            Self::Warns => "warns",
            Self::Nothing => "nothing",
            Self::Unknown => "unknown",
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which, for programs; never renamed.
    pub code: &'static str,
    /// What it means.
    pub effect: Effect,
    /// The step or inspection it is about.
    pub item: Option<String>,
    /// What is different, as a line for people.
    pub message: String,
    /// Lines that were taken away.
    pub removed: Vec<String>,
    /// Lines that were added.
    pub added: Vec<String>,
    /// What rules judge differently.
    pub shifts: Vec<Shift>,
}

impl Change {
    fn new(code: &'static str, effect: Effect, message: impl Into<String>) -> Self {
        Self {
            code,
            effect,
            item: None,
            message: message.into(),
            removed: Vec::new(),
            added: Vec::new(),
            shifts: Vec::new(),
        }
    }

    fn of(mut self, item: &ItemName) -> Self {
        self.item = Some(item.as_str().to_owned());
        self
    }

    fn lines(mut self, removed: Vec<String>, added: Vec<String>) -> Self {
        (self.removed, self.added) = (removed, added);
        self
    }
}

/// One of the two layouts.
#[derive(Clone, Copy, Debug)]
pub struct Version<'a> {
    /// What is signed.
    pub value: &'a Value,
    /// The same, read.
    pub layout: &'a Layout,
}

/// All differences, those of the whole first, then item by item. `recorded` are names of artifacts that
/// examples are taken from first.
pub fn diff(old: Version<'_>, new: Version<'_>, recorded: &BTreeSet<String>) -> Vec<Change> {
    let mut changes = Vec::new();
    expiry(old.layout, new.layout, &mut changes);
    if old.layout.readme != new.layout.readme {
        let message = "the readme is another";
        changes.push(Change::new("readme", Effect::Nothing, message));
    }
    signers::listed(old.layout, new.layout, &mut changes);
    signers::authorities(old.layout, new.layout, &mut changes);
    order(old.layout, new.layout, &mut changes);
    steps(old.layout, new.layout, recorded, &mut changes);
    inspections(old.layout, new.layout, recorded, &mut changes);
    rest(old, new, &mut changes);
    changes
}

fn expiry(old: &Layout, new: &Layout, changes: &mut Vec<Change>) {
    let change = match (old.expires, new.expires) {
        (None, None) => return,
        (Some(old), None) => Change::new(
            "expiry-removed",
            Effect::Refuses,
            format!("the expiry {old} is gone; a layout without one is refused"),
        ),
        (None, Some(new)) => Change::new(
            "expiry-added",
            Effect::Allows,
            format!("it expires {new}; without an expiry it was refused"),
        ),
        (Some(old), Some(new)) if old < new => Change::new(
            "expiry-later",
            Effect::Allows,
            format!("it expires later: {new}, before {old}"),
        ),
        (Some(old), Some(new)) if old > new => Change::new(
            "expiry-earlier",
            Effect::Refuses,
            format!("it expires earlier: {new}, before {old}"),
        ),
        (Some(_), Some(_)) => return,
    };
    changes.push(change);
}

/// The order of steps means something for the final product and for a layout that is a step of
/// another; that of inspections for what they find.
fn order(old: &Layout, new: &Layout, changes: &mut Vec<Change>) {
    let names =
        |steps: &[Step]| -> Vec<ItemName> { steps.iter().map(|step| step.name.clone()).collect() };
    let looks = |all: &[Inspection]| -> Vec<ItemName> {
        all.iter()
            .map(|inspection| inspection.name.clone())
            .collect()
    };
    let (before, now) = (names(&old.steps), names(&new.steps));
    if let Some((removed, added)) = reordered(&before, &now) {
        let message = "the steps stand in another order";
        changes
            .push(Change::new("steps-reordered", Effect::Nothing, message).lines(removed, added));
    }
    if before.last() != now.last() {
        let named = |name: Option<&ItemName>| {
            name.map_or("none".to_owned(), |name| quoted(name.as_str()).to_string())
        };
        let message = format!(
            "the final product is that of the last step, which is {} and was {}",
            named(now.last()),
            named(before.last())
        );
        changes.push(Change::new("final-product", Effect::Both, message));
    }
    if before.first() != now.first() && !before.is_empty() && !now.is_empty() {
        let message = "another step is the first: as a step of another layout, its materials count";
        changes.push(Change::new("first-materials", Effect::Both, message));
    }
    let (before, now) = (looks(&old.inspections), looks(&new.inspections));
    if let Some((removed, added)) = reordered(&before, &now) {
        let message =
            "the inspections run in another order, and each finds what those before it left";
        changes.push(
            Change::new("inspections-reordered", Effect::Both, message).lines(removed, added),
        );
    }
}

/// Names that both have, when they stand in another order.
fn reordered(old: &[ItemName], new: &[ItemName]) -> Option<(Vec<String>, Vec<String>)> {
    let common = |list: &[ItemName], other: &[ItemName]| -> Vec<String> {
        let both = list.iter().filter(|name| other.contains(name));
        both.map(|name| escaped(name.as_str()).to_string())
            .collect()
    };
    let (before, now) = (common(old, new), common(new, old));
    (before != now).then(|| (vec![before.join(", ")], vec![now.join(", ")]))
}

fn steps(old: &Layout, new: &Layout, recorded: &BTreeSet<String>, changes: &mut Vec<Change>) {
    let find = |layout: &'_ Layout, name: &ItemName| {
        layout.steps.iter().position(|step| step.name == *name)
    };
    for step in &old.steps {
        if find(new, &step.name).is_none() {
            let message = "the step is gone: nobody has to have performed it";
            changes.push(Change::new("step-removed", Effect::Allows, message).of(&step.name));
        }
    }
    for step in &new.steps {
        let before = find(old, &step.name).and_then(|at| old.steps.get(at));
        let Some(before) = before else {
            let message = "the step is new: without its links nothing passes";
            changes.push(Change::new("step-added", Effect::Refuses, message).of(&step.name));
            continue;
        };
        signers::step((old, before), (new, step), changes);
        if before.expected_command != step.expected_command {
            let message = "another command is expected; one that differs is worth a warning";
            changes.push(
                Change::new("expected-command", Effect::Warns, message)
                    .of(&step.name)
                    .lines(
                        command(&before.expected_command),
                        command(&step.expected_command),
                    ),
            );
        }
        let (was, is) = (&before.rules, &step.rules);
        for side in [Side::Materials, Side::Products] {
            lists(
                &step.name,
                side,
                was.of(side),
                is.of(side),
                recorded,
                changes,
            );
        }
    }
}

fn inspections(old: &Layout, new: &Layout, recorded: &BTreeSet<String>, changes: &mut Vec<Change>) {
    let find = |layout: &Layout, name: &ItemName| {
        let mut all = layout.inspections.iter();
        all.position(|inspection| inspection.name == *name)
    };
    for inspection in &old.inspections {
        if find(new, &inspection.name).is_none() {
            changes.push(inspection_removed(old, &inspection.name));
        }
    }
    for inspection in &new.inspections {
        let before = find(old, &inspection.name).and_then(|at| old.inspections.get(at));
        let Some(before) = before else {
            changes.push(inspection_added(new, &inspection.name));
            continue;
        };
        if before.run != inspection.run {
            let message = "it runs another command, which may find anything";
            changes.push(
                Change::new("inspection-run", Effect::Both, message)
                    .of(&inspection.name)
                    .lines(command(&before.run), command(&inspection.run)),
            );
        }
        let (was, is) = (&before.rules, &inspection.rules);
        for side in [Side::Materials, Side::Products] {
            lists(
                &inspection.name,
                side,
                was.of(side),
                is.of(side),
                recorded,
                changes,
            );
        }
    }
}

fn inspection_removed(old: &Layout, name: &ItemName) -> Change {
    let (effect, message) = match is_last(old, name) {
        true => (
            Effect::Allows,
            "the inspection is gone: nothing it looked at is looked at",
        ),
        false => (
            Effect::Both,
            "the inspection is gone: nothing it looked at is looked at, and those behind it find what it would have changed or taken away",
        ),
    };
    Change::new("inspection-removed", effect, message).of(name)
}

fn inspection_added(new: &Layout, name: &ItemName) -> Change {
    let (effect, message) = match is_last(new, name) {
        true => (
            Effect::Refuses,
            "the inspection is new: what it finds can refuse",
        ),
        false => (
            Effect::Both,
            "the inspection is new: what it finds can refuse, and what its command changes or takes away, those behind it no longer find",
        ),
    };
    Change::new("inspection-added", effect, message).of(name)
}

/// Whether no other inspection finds what this one left.
fn is_last(layout: &Layout, name: &ItemName) -> bool {
    let last = layout.inspections.last();
    last.is_some_and(|last| last.name == *name)
}

fn command(words: &[String]) -> Vec<String> {
    match words {
        [] => Vec::new(),
        words => vec![command_line(words)],
    }
}

/// The rules of one side.
fn lists(
    item: &ItemName,
    side: Side,
    old: &[Rule],
    new: &[Rule],
    recorded: &BTreeSet<String>,
    changes: &mut Vec<Change>,
) {
    if old == new {
        return;
    }
    let lists = Lists {
        item,
        side,
        old,
        new,
    };
    let shifts = lists.shifts(recorded.iter().map(String::as_str));
    let allows = shifts.all.iter().any(|shift| shift.allows);
    let refuses = shifts.all.iter().any(|shift| !shift.allows);
    let (effect, found) = match (allows, refuses, shifts.is_complete) {
        (true, true, _) => (Effect::Both, ""),
        (true, false, true) => (Effect::Allows, ""),
        (false, true, true) => (Effect::Refuses, ""),
        (true, false, false) => (Effect::Allows, "; what is told here may not be all"),
        (false, true, false) => (Effect::Refuses, "; what is told here may not be all"),
        (false, false, true) => (Effect::Nothing, ", and no artifact is judged differently"),
        (false, false, false) => (
            Effect::Unknown,
            "; no artifact was found that is judged differently, but not all could be tried, or parameters are not filled in",
        ),
    };
    let (code, noun) = match side {
        Side::Materials => ("material-rules", "materials"),
        Side::Products => ("product-rules", "products"),
    };
    let (removed, added) = line_changes(old, new);
    let mut change = Change::new(
        code,
        effect,
        format!("the rules for {noun} are others{found}"),
    )
    .of(item)
    .lines(removed, added);
    change.shifts = shifts.all;
    changes.push(change);
}

/// How many pairs of rules are compared to find those that two lists have in common: more would take too
/// much memory.
const PAIRS_AT_MOST: usize = 4_000_000;

/// Which rules went and which came, in their order: what stands in both lists in the same order is left
/// out. Of very long lists only a common beginning and end are left out.
fn line_changes(old: &[Rule], new: &[Rule]) -> (Vec<String>, Vec<String>) {
    let forwards = old.iter().zip(new);
    let begin = forwards.take_while(|(one, other)| one == other).count();
    let (old, new) = (
        old.get(begin..).unwrap_or(&[]),
        new.get(begin..).unwrap_or(&[]),
    );
    let backwards = old.iter().rev().zip(new.iter().rev());
    let end = backwards.take_while(|(one, other)| one == other).count();
    let (old, new) = (
        old.get(..old.len() - end).unwrap_or(&[]),
        new.get(..new.len() - end).unwrap_or(&[]),
    );
    if old.len().saturating_mul(new.len()) > PAIRS_AT_MOST {
        let lines = |rules: &[Rule]| rules.iter().map(rules::line).collect();
        return (lines(old), lines(new));
    }
    // How many rules the rest of both lists has in common, in order, from each pair of places on.
    let mut common = vec![vec![0_usize; new.len() + 1]; old.len() + 1];
    let at = |table: &[Vec<usize>], i: usize, j: usize| {
        table
            .get(i)
            .and_then(|row| row.get(j))
            .copied()
            .unwrap_or(0)
    };
    for (i, one) in old.iter().enumerate().rev() {
        for (j, other) in new.iter().enumerate().rev() {
            let most = match one == other {
                true => at(&common, i + 1, j + 1) + 1,
                false => at(&common, i + 1, j).max(at(&common, i, j + 1)),
            };
            if let Some(cell) = common.get_mut(i).and_then(|row| row.get_mut(j)) {
                *cell = most;
            }
        }
    }
    let (mut removed, mut added, mut i, mut j) = (Vec::new(), Vec::new(), 0, 0);
    loop {
        match (old.get(i), new.get(j)) {
            (Some(one), Some(other)) if one == other => (i, j) = (i + 1, j + 1),
            (Some(one), other)
                if other.is_none() || at(&common, i + 1, j) >= at(&common, i, j + 1) =>
            {
                removed.push(rules::line(one));
                i += 1;
            }
            (_, Some(other)) => {
                added.push(rules::line(other));
                j += 1;
            }
            (_, None) => return (removed, added),
        }
    }
}

/// How many fields are named that differ without meaning.
const NAMED: usize = 10;

/// Fields that differ and of which nothing was told: ones that are not known, and the known written in
/// another way.
fn rest(old: Version<'_>, new: Version<'_>, changes: &mut Vec<Change>) {
    if old.value == new.value {
        return;
    }
    let fields = |value: &Value| -> BTreeMap<String, Value> {
        let members = value.as_object().into_iter().flat_map(Object::iter);
        members
            .map(|(name, value)| (name.to_owned(), value.clone()))
            .collect()
    };
    let (before, now) = (fields(old.value), fields(new.value));
    let names: BTreeSet<&String> = before.keys().chain(now.keys()).collect();
    let named: Vec<&String> = names
        .into_iter()
        .filter(|name| before.get(*name) != now.get(*name))
        .filter(|name| !is_told(name, old.layout, new.layout, changes))
        .collect();
    if named.is_empty() && !changes.is_empty() {
        return;
    }
    let named = quoted_list(&named, NAMED);
    let message = format!("written in another way, which means nothing to a verification: {named}");
    changes.push(Change::new("text", Effect::Nothing, message));
}

/// Whether something was told that lies in a field of the layout.
fn is_told(field: &str, old: &Layout, new: &Layout, changes: &[Change]) -> bool {
    let layouts = [old, new];
    let is_step = |name: &str| {
        let mut steps = layouts.iter().flat_map(|layout| &layout.steps);
        steps.any(|step| step.name.as_str() == name)
    };
    changes.iter().any(|change| {
        let item = change.item.as_deref();
        match field {
            "expires" => change.code.starts_with("expiry"),
            "readme" => change.code == "readme",
            "keys" => change.code.starts_with("key-"),
            "rootcas" => change.code.starts_with("root-"),
            "intermediatecas" => change.code.starts_with("intermediate-"),
            "steps" => change.code == "steps-reordered" || item.is_some_and(is_step),
            "inspect" => {
                change.code == "inspections-reordered" || item.is_some_and(|item| !is_step(item))
            }
            _ => false,
        }
    })
}

#[cfg(test)]
mod tests;
