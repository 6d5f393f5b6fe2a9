//! The chain for who wants to show it: what stands for each step and inspection, and what MATCH rules
//! compare between them. Made after everything was decided, and only when asked for.
//!
//! A flow counts every artifact of which a MATCH rule finds the same, or another, in the other step,
//! whichever rule took it in the end: it shows what is the same, not what was decided.

use std::collections::BTreeMap;

use crate::model::{
    Agreement, Artifacts, Bits, Inspection, ItemName, Link, MatchRule, Rule, Rules, Side, Step,
};
use crate::report::{Chain, ChainLink, ChainRule, Flow, ItemKind};

use super::{Engine, Node, rules};

/// A step or an inspection, for that matters little here.
struct Part<'a> {
    kind: ItemKind,
    name: &'a ItemName,
    rules: &'a Rules,
    pointer: &'a str,
}

impl<'a> Part<'a> {
    fn step(step: &'a Step) -> Self {
        Self {
            kind: ItemKind::Step,
            name: &step.name,
            rules: &step.rules,
            pointer: &step.pointer,
        }
    }

    fn inspection(inspection: &'a Inspection) -> Self {
        Self {
            kind: ItemKind::Inspection,
            name: &inspection.name,
            rules: &inspection.rules,
            pointer: &inspection.pointer,
        }
    }
}

impl Engine<'_> {
    /// Fills in the report's chain.
    pub(super) fn show_chain(&mut self) {
        let items = self.report.items.iter().enumerate();
        let numbers: BTreeMap<(bool, &str), usize> = items
            .filter(|(_, item)| !matches!(item.kind, ItemKind::Sublayout | ItemKind::Product))
            .map(|(at, item)| ((item.kind == ItemKind::Step, item.name.as_str()), at))
            .collect();
        let mut chain = Chain::default();
        for node in &self.nodes {
            let number = |kind: ItemKind, name: &ItemName| {
                let name = format!("{}{name}", node.label);
                numbers
                    .get(&(kind == ItemKind::Step, name.as_str()))
                    .copied()
            };
            let steps = node.layout.steps.iter().map(Part::step);
            let inspections = node.layout.inspections.iter().map(Part::inspection);
            for part in steps.chain(inspections) {
                let Some(item) = number(part.kind, part.name) else {
                    continue;
                };
                let link = node.link_of(part.kind, part.name);
                chain.links.push(shown(node, &part, item, link));
                let from = |name: &ItemName| {
                    let kinds = [ItemKind::Step, ItemKind::Inspection];
                    kinds
                        .into_iter()
                        .find_map(|kind| Some((number(kind, name)?, node.link_of(kind, name))))
                };
                chain.flows.extend(flows(&part, item, link, &from));
            }
        }
        chain.links.sort_by_key(|link| link.item);
        chain.flows.sort_by_key(|flow| (flow.to, flow.from));
        self.report.chain = Some(chain);
    }
}

impl Node {
    fn link_of(&self, kind: ItemKind, name: &ItemName) -> Option<&Link> {
        match kind {
            ItemKind::Step | ItemKind::Inspection => self.links.get(name),
            ItemKind::Sublayout | ItemKind::Product => None,
        }
    }
}

fn shown(node: &Node, part: &Part<'_>, item: usize, link: Option<&Link>) -> ChainLink {
    let sides = [Side::Materials, Side::Products].into_iter();
    let rules = sides.flat_map(|side| {
        let rules = part.rules.of(side).iter().enumerate();
        rules.map(move |(index, rule)| ChainRule {
            side,
            pointer: format!(
                "{}{}/{}/{index}",
                node.base,
                part.pointer,
                side.rules_field()
            ),
            text: rule.to_string(),
        })
    });
    let link_or_nothing = link.cloned().unwrap_or_default();
    ChainLink {
        item,
        performed: link.is_some(),
        command: link_or_nothing.command,
        materials: link_or_nothing.materials,
        products: link_or_nothing.products,
        rules: rules.collect(),
    }
}

/// The item that a MATCH rule names, and its link, if it has one.
type Source<'a> = Option<(usize, Option<&'a Link>)>;

/// What the MATCH rules of one item compare with each other item.
fn flows<'a>(
    part: &Part<'a>,
    item: usize,
    link: Option<&Link>,
    from: &dyn Fn(&ItemName) -> Source<'a>,
) -> Vec<Flow> {
    let mut flows = Vec::new();
    for side in [Side::Materials, Side::Products] {
        let mut matching: BTreeMap<(&ItemName, Side), Vec<&MatchRule>> = BTreeMap::new();
        for rule in part.rules.of(side) {
            if let Rule::Match(rule) = rule {
                let same = matching.entry((&rule.from, rule.side));
                same.or_default().push(rule);
            }
        }
        for ((name, from_side), alike) in matching {
            let Some((from, other)) = from(name) else {
                continue;
            };
            let (same, different) = match (link, other) {
                (Some(link), Some(other)) => {
                    counted(&alike, link.side(side), other.side(from_side))
                }
                _ => (0, 0),
            };
            flows.push(Flow {
                from,
                from_side,
                to: item,
                to_side: side,
                same,
                different,
            });
        }
    }
    flows
}

/// How many artifacts are the same on both sides, and how many are there and differ.
fn counted(matching: &[&MatchRule], own: &Artifacts, there: &Artifacts) -> (usize, usize) {
    let (mut same, mut different) = (Bits::none(own.len()), Bits::none(own.len()));
    for at in 0..own.len() {
        for rule in matching {
            match rules::compare(rule, own, at, there) {
                Some(Agreement::Same) => same.set(at),
                Some(Agreement::Different) => different.set(at),
                Some(Agreement::TooWeak | Agreement::NothingShared) | None => {}
            }
        }
    }
    different.remove(&same);
    (same.iter().count(), different.iter().count())
}
