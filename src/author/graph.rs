//! A layout as a graph: steps and inspections in their order, and what MATCH rules compare between
//! them. An arrow goes from the item whose artifacts are looked for to the item that has the rules,
//! as the artifacts do.

use std::collections::BTreeMap;

use crate::keys::KeyId;
use crate::model::{ItemName, Layout, MatchRule, Rule, Rules, Side};

/// A layout's items and the arrows between them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    /// Steps, then inspections, each in the layout's order.
    pub items: Vec<Node>,
    /// Each pair of items at most once, in the order of their places.
    pub arrows: Vec<Arrow>,
}

/// A step or inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Its name.
    pub name: String,
    /// Who may sign, and how many must; `None` for an inspection.
    pub signers: Option<Signers>,
    /// The command that is expected of a step, or run by an inspection.
    pub command: Vec<String>,
}

/// Who may perform a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signers {
    /// How many must.
    pub threshold: u64,
    /// By their keys.
    pub keys: Vec<KeyId>,
    /// How many constraints on certificates there are; one of them is enough.
    pub constraints: usize,
}

/// What the MATCH rules of one item compare with another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Arrow {
    /// The item whose artifacts are looked for.
    pub from: usize,
    /// The item that has the rules.
    pub to: usize,
    /// The rules, those for materials first.
    pub rules: Vec<Compared>,
}

/// A MATCH rule as an arrow has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// About which side of the item that has it.
    pub side: Side,
    /// With which side of the other item.
    pub with: Side,
    /// The names it is about: its pattern, below its source folder if it has one.
    pub names: String,
    /// The folder in which the other item has them, if the rule names one.
    pub below: Option<String>,
}

impl Graph {
    /// The graph of a layout. A MATCH that refers to nothing has no arrow.
    pub fn of(layout: &Layout) -> Self {
        let steps = layout.steps.iter().map(|step| Node {
            name: step.name.as_str().to_owned(),
            signers: Some(Signers {
                threshold: step.threshold,
                keys: step.pubkeys.clone(),
                constraints: step.constraints.len(),
            }),
            command: step.expected_command.clone(),
        });
        let inspections = layout.inspections.iter().map(|inspection| Node {
            name: inspection.name.as_str().to_owned(),
            signers: None,
            command: inspection.run.clone(),
        });
        Self {
            items: steps.chain(inspections).collect(),
            arrows: arrows(layout),
        }
    }
}

/// Names and rules of all items in the order of [`Graph::items`].
fn parts(layout: &Layout) -> impl Iterator<Item = (&ItemName, &Rules)> {
    let steps = layout.steps.iter().map(|step| (&step.name, &step.rules));
    let inspections = layout.inspections.iter();
    steps.chain(inspections.map(|inspection| (&inspection.name, &inspection.rules)))
}

fn arrows(layout: &Layout) -> Vec<Arrow> {
    let places: BTreeMap<&ItemName, usize> = parts(layout)
        .enumerate()
        .map(|(at, (name, _))| (name, at))
        .collect();
    let mut arrows: BTreeMap<(usize, usize), Vec<Compared>> = BTreeMap::new();
    for (to, (_, rules)) in parts(layout).enumerate() {
        for side in [Side::Materials, Side::Products] {
            for rule in rules.of(side) {
                if let Rule::Match(rule) = rule
                    && let Some(from) = places.get(&rule.from)
                {
                    let rules = arrows.entry((*from, to)).or_default();
                    rules.push(compared(side, rule));
                }
            }
        }
    }
    let arrow = |((from, to), rules)| Arrow { from, to, rules };
    arrows.into_iter().map(arrow).collect()
}

fn compared(side: Side, rule: &MatchRule) -> Compared {
    let names = match &rule.source {
        Some(folder) => folder.join(rule.pattern.as_str()),
        None => rule.pattern.as_str().to_owned(),
    };
    let destination = rule.destination.as_ref();
    Compared {
        side,
        with: rule.side,
        names,
        below: destination.map(|folder| folder.as_str().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::parse;

    fn graph(steps: &str, inspect: &str) -> Graph {
        let json = format!(r#"{{"_type":"layout","steps":[{steps}],"inspect":[{inspect}]}}"#);
        Graph::of(&Layout::from_value(&parse(json.as_bytes()).unwrap()).unwrap())
    }

    #[test]
    fn arrows_go_the_way_of_the_artifacts() {
        let graph = graph(
            r#"{"name":"a"},
               {"name":"b","expected_materials":[["MATCH","*","IN","s","WITH","PRODUCTS","IN","d","FROM","a"]],
                "expected_products":[["MATCH","x","WITH","MATERIALS","FROM","a"]]}"#,
            r#"{"name":"c","run":["sh"],"expected_products":[["MATCH","*","WITH","PRODUCTS","FROM","b"]]}"#,
        );
        let arrows: Vec<_> = graph.arrows.iter().map(|a| (a.from, a.to)).collect();
        assert_eq!(arrows, [(0, 1), (1, 2)]);
        let rules = &graph.arrows[0].rules;
        assert_eq!(rules[0].names, "s/*");
        assert_eq!(rules[0].below.as_deref(), Some("d"));
        assert_eq!(
            (rules[1].side, rules[1].with),
            (Side::Products, Side::Materials)
        );
        assert!(graph.items[2].signers.is_none());
    }

    #[test]
    fn a_step_may_compare_with_a_later_one_and_with_itself() {
        let graph = graph(
            r#"{"name":"a","expected_materials":[["MATCH","*","WITH","PRODUCTS","FROM","b"]]},
               {"name":"b","expected_products":[["MATCH","*","WITH","MATERIALS","FROM","b"]]}"#,
            "",
        );
        let arrows: Vec<_> = graph.arrows.iter().map(|a| (a.from, a.to)).collect();
        assert_eq!(arrows, [(1, 0), (1, 1)]);
    }
}
