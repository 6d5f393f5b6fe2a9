//! Steps 6 and 8 of the procedure: what the rules of a step or inspection say becomes what the
//! report says of it.

use rayon::prelude::*;

use crate::model::{ItemName, Link, Rules, Step};
use crate::report::{Again, Finding, ItemKind, Problem, Severity, Status, Unreached};

use super::{Engine, Node, rules};

/// What the rules of a step or inspection say.
pub(super) enum Ruling {
    /// They compare with the link of a step that has none.
    Missing(ItemName),
    /// All that they found.
    Found(Vec<rules::Found>),
}

impl Ruling {
    pub(super) fn new(rules: &Rules, link: &Link, link_of: &rules::LinkOf<'_>) -> Self {
        let mut all = rules.materials.iter().chain(&rules.products);
        let missing = all.find_map(|rule| rule.source().filter(|from| link_of(from).is_none()));
        match missing {
            Some(from) => Self::Missing(from.clone()),
            None => Self::Found(rules::apply(rules, link, link_of)),
        }
    }

    /// What a step has recorded is mended by performing it again.
    fn of_step(mut self, step: &Step) -> Self {
        if let Self::Found(found) = &mut self {
            let problems = found.iter_mut().flat_map(|side| &mut side.problems);
            for (_, problem) in problems {
                if let Problem::ArtifactDisallowed { again, .. } = problem {
                    *again = Some(Again::of(step));
                }
            }
        }
        self
    }
}

impl Engine<'_> {
    /// Step 6. The steps are judged side by side; what is found is written down in their order.
    pub(super) fn step_rules(&mut self, node: &Node, items: &[usize]) {
        let link_of = |name: &ItemName| node.links.get(name);
        let judge = |step: &Step| {
            let link = node.links.get(&step.name)?;
            Some(Ruling::new(&step.rules, link, &link_of))
        };
        let rulings: Vec<Option<Ruling>> = node.layout.steps.par_iter().map(judge).collect();
        for ((step, item), ruling) in node.layout.steps.iter().zip(items).zip(rulings) {
            if let Some(ruling) = ruling {
                let ruling = ruling.of_step(step);
                self.ruled(node, *item, &step.pointer, ruling);
            }
        }
        self.vouch(node, items);
    }

    /// Why no link stands for a step.
    fn without_link(&self, node: &Node, step: &ItemName) -> Unreached {
        let (name, step) = (format!("{}{step}", node.label), step.clone());
        let mut steps = self.report.items.iter();
        let item = steps.find(|item| item.kind == ItemKind::Step && item.name == name);
        let disagree = |finding: &Finding| {
            let problem = &finding.problem;
            matches!(
                problem,
                Problem::LinksDisagree { .. } | Problem::WeakDigest { .. }
            )
        };
        match item.is_some_and(|item| item.findings.iter().any(disagree)) {
            true => Unreached::LinksDisagree { step },
            false => Unreached::NoLink { step },
        }
    }

    /// Writes down what the rules of one step or inspection found.
    pub(super) fn ruled(&mut self, node: &Node, item: usize, pointer: &str, ruling: Ruling) {
        let why = |from| self.without_link(node, from);
        let ruling = match ruling {
            Ruling::Missing(from) => Err(why(&from)),
            Ruling::Found(found) => Ok(found),
        };
        let Some(item) = self.report.items.get_mut(item) else {
            return;
        };
        match ruling {
            Err(why) => {
                item.findings.push(Finding {
                    severity: Severity::Note,
                    problem: Problem::NotReached { why },
                    place: node.place(pointer),
                });
            }
            Ok(found) => {
                // A sublayout that was refused beside enough good links has failed the step already.
                item.status = if item.has_errors() {
                    Status::Failed
                } else {
                    Status::Passed
                };
                for side in found {
                    let list = format!("{pointer}/{}", side.side.rules_field());
                    for (index, problem) in side.problems {
                        item.fail(problem, node.place(&format!("{list}/{index}")));
                    }
                    let warning = |problem| Finding::warning(problem, node.place(&list));
                    item.findings.extend(side.unchecked.map(warning));
                }
            }
        }
    }
}
