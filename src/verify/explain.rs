//! The life of an artifact that somebody asks about, told from the links that stand for the steps.
//! This decides nothing; it runs when everything is decided.

use std::collections::BTreeSet;

use crate::keys::KeyId;
use crate::model::{Agreement, ItemName, Link, MatchRule, Prefix, Rule, Rules, Side, similar};
use crate::report::{Explanation, ItemKind, Other, Passage, Stage};

use super::fate::{Fate, fate};
use super::near::around;
use super::rules::{agreement, counterpart};
use super::{Engine, Node};

/// Under how many names an artifact is followed.
const NAMES_AT_MOST: usize = 32;

/// How many names are told that may have been meant.
const SIMILAR_AT_MOST: usize = 5;

const SIDES: [Side; 2] = [Side::Materials, Side::Products];

/// A step or an inspection and its link.
struct Part<'n> {
    node: &'n Node,
    kind: ItemKind,
    name: &'n ItemName,
    rules: &'n Rules,
    link: &'n Link,
}

impl Engine<'_> {
    /// Tells of every artifact that was asked about.
    pub(super) fn explain(&mut self) {
        let tell = |path: &String| self.explanation(path);
        self.report.explanations = self.request.explain.iter().map(tell).collect();
    }

    fn explanation(&self, path: &str) -> Explanation {
        let mut stages: Vec<(usize, Stage)> = Vec::new();
        for node in &self.nodes {
            let parts = parts(node);
            for name in names(&parts, path) {
                for part in &parts {
                    let found = SIDES.into_iter();
                    stages.extend(found.filter_map(|side| self.stage(part, side, &name)));
                }
            }
        }
        // Materials come before products of the same item, and first of all the name asked for.
        stages.sort_by(|(one_at, one), (two_at, two)| {
            let key = |at: usize, stage: &Stage| (at, stage.side, stage.path != path);
            key(*one_at, one)
                .cmp(&key(*two_at, two))
                .then_with(|| one.path.cmp(&two.path))
        });
        let stages: Vec<Stage> = stages.into_iter().map(|(_, stage)| stage).collect();
        let similar = match stages.is_empty() {
            true => self.names_meant(path),
            false => Vec::new(),
        };
        Explanation {
            path: path.to_owned(),
            stages,
            similar,
        }
    }

    fn stage(&self, part: &Part<'_>, side: Side, name: &str) -> Option<(usize, Stage)> {
        let digests = part.link.side(side).get(name)?;
        let item_name = format!("{}{}", part.node.label, part.name);
        let mut items = self.report.items.iter().enumerate();
        let (index, item) =
            items.find(|(_, item)| item.kind == part.kind && item.name == item_name)?;
        let counted = item.links.iter().filter(|link| link.why_not.is_none());
        let signed_by: Vec<KeyId> = counted.map(|link| link.keyid.clone()).collect();
        let stage = Stage {
            kind: part.kind,
            item: item_name,
            side,
            path: name.to_owned(),
            digests: digests.clone(),
            signed_by,
            passage: passage(part, side, name),
        };
        Some((index, stage))
    }

    /// Names like one that no link has.
    fn names_meant(&self, path: &str) -> Vec<String> {
        let below = format!("/{path}");
        let mut names = BTreeSet::new();
        let mut near = BTreeSet::new();
        for node in &self.nodes {
            for part in parts(node) {
                for side in SIDES {
                    let artifacts = part.link.side(side);
                    let ends = artifacts.keys().filter(|name| name.ends_with(&below));
                    names.extend(ends.take(SIMILAR_AT_MOST).map(str::to_owned));
                    let like = similar(path, around(artifacts, path), SIMILAR_AT_MOST);
                    near.extend(like.into_iter().map(str::to_owned));
                }
            }
        }
        let near = similar(path, near.iter().map(String::as_str), SIMILAR_AT_MOST);
        let near = near.into_iter().map(str::to_owned);
        names
            .into_iter()
            .chain(near)
            .take(SIMILAR_AT_MOST)
            .collect()
    }
}

/// The steps and inspections of a layout that have links.
fn parts(node: &Node) -> Vec<Part<'_>> {
    let part = |kind, name, rules| {
        Some(Part {
            node,
            kind,
            name,
            rules,
            link: node.links.get(name)?,
        })
    };
    let steps = node.layout.steps.iter();
    let steps = steps.filter_map(|step| part(ItemKind::Step, &step.name, &step.rules));
    let looks = node.layout.inspections.iter();
    let looks = looks.filter_map(|look| part(ItemKind::Inspection, &look.name, &look.rules));
    steps.chain(looks).collect()
}

/// What the rules of a part make of its artifact.
fn passage(part: &Part<'_>, side: Side, name: &str) -> Passage {
    let links = &part.node.links;
    let all = part.rules.materials.iter().chain(&part.rules.products);
    let mut sources = all.filter_map(Rule::source);
    if sources.any(|from| !links.contains_key(from)) {
        return Passage::NotReached;
    }
    let rules = part.rules.of(side);
    let link_of = |name: &ItemName| links.get(name);
    match fate(rules, side, part.link, name, &link_of) {
        Fate::Left => Passage::Left,
        Fate::Refused(by) => Passage::Refused {
            rule: rules.get(by).map(ToString::to_string).unwrap_or_default(),
        },
        Fate::Taken(by) => Passage::Taken {
            rule: rules.get(by).map(ToString::to_string).unwrap_or_default(),
            same_as: rules.get(by).and_then(|rule| same_as(rule, name)),
        },
    }
}

/// What a MATCH takes an artifact for.
fn same_as(rule: &Rule, name: &str) -> Option<Other> {
    let Rule::Match(rule) = rule else {
        return None;
    };
    Some(Other {
        from: rule.from.clone(),
        side: rule.side,
        path: counterpart(rule, name)?.into_owned(),
    })
}

/// The name and all others under which MATCH rules of the layout find the same artifact.
fn names(parts: &[Part<'_>], path: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::from([path.to_owned()]);
    let mut waiting = vec![path.to_owned()];
    while let Some(name) = waiting.pop() {
        for part in parts {
            for side in SIDES {
                for rule in part.rules.of(side) {
                    let Rule::Match(rule) = rule else {
                        continue;
                    };
                    for other in [
                        paired(part, side, rule, &name),
                        pairing(part, side, rule, &name),
                    ]
                    .into_iter()
                    .flatten()
                    {
                        if names.len() < NAMES_AT_MOST && names.insert(other.clone()) {
                            waiting.push(other);
                        }
                    }
                }
            }
        }
    }
    names
}

/// The name of the artifact elsewhere that the rule takes this one for.
fn paired(part: &Part<'_>, side: Side, rule: &MatchRule, name: &str) -> Option<String> {
    let there = part.node.links.get(&rule.from)?.side(rule.side);
    let digests = part.link.side(side).get(name)?;
    let same = agreement(rule, name, digests, there) == Some(Agreement::Same);
    same.then(|| counterpart(rule, name).map(std::borrow::Cow::into_owned))?
}

/// The name of the artifact here that the rule takes for the one of that name elsewhere.
fn pairing(part: &Part<'_>, side: Side, rule: &MatchRule, name: &str) -> Option<String> {
    let rest = match &rule.destination {
        Some(prefix) => prefix.strip(name)?,
        None => name,
    };
    let here = match &rule.source {
        Some(prefix) => Prefix::join(prefix, rest),
        None => rest.to_owned(),
    };
    (paired(part, side, rule, &here)? == name).then_some(here)
}
