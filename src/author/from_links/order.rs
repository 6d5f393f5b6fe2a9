//! The order of steps, as far as the flow of artifacts tells it.
//!
//! A step that uses what another made comes after it. A step that uses what another changed later
//! comes before that one, unless the first says otherwise. What neither decides stands in the order
//! of names, and is told.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Agreement, DigestSet, Pairing, quoted};

use super::explain::{EMPTY_SHA256, file_name};
use super::performed::Performed;

/// How many makers of one artifact are kept.
const MAKERS_AT_MOST: usize = 16;

/// The steps in order.
#[derive(Debug)]
pub(super) struct Ordered {
    pub(super) steps: Vec<Performed>,
    /// What was guessed, by the place of a step.
    pub(super) notes: BTreeMap<usize, Vec<String>>,
}

/// Puts steps, which come in the order of their names, into order.
pub(super) fn order(steps: Vec<Performed>) -> Ordered {
    let flow = Flow::of(&steps);
    let mut waiting: BTreeSet<usize> = (0..steps.len()).collect();
    let mut placed: Vec<usize> = Vec::new();
    let mut notes: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    while !waiting.is_empty() {
        let ready = |weights: &Weights, step: usize| {
            !waiting
                .iter()
                .any(|before| weights.contains_key(&(*before, step)))
        };
        let free: Vec<usize> = waiting
            .iter()
            .copied()
            .filter(|step| ready(&flow.made, *step))
            .collect();
        let unread = free
            .iter()
            .copied()
            .find(|step| ready(&flow.changed, *step));
        let next = unread.or_else(|| free.first().copied());
        let Some(next) = next.or_else(|| flow.least_bound(&waiting)) else {
            break;
        };
        let note = match (free.is_empty(), placed.last()) {
            (true, _) => Some(flow.circle(next, &waiting, &steps)),
            (false, Some(last)) if !flow.has(*last, next) => Some(undecided(*last, &steps)),
            (false, _) => None,
        };
        notes.entry(placed.len()).or_default().extend(note);
        placed.push(next);
        waiting.remove(&next);
    }
    let mut steps: Vec<Option<Performed>> = steps.into_iter().map(Some).collect();
    let taken = placed
        .into_iter()
        .filter_map(|at| steps.get_mut(at).and_then(Option::take));
    Ordered {
        steps: taken.collect(),
        notes,
    }
}

fn undecided(before: usize, steps: &[Performed]) -> String {
    let name = steps.get(before).map_or("", |step| step.name.as_str());
    format!(
        "the links do not tell whether this step comes after {}",
        quoted(name)
    )
}

/// Between two steps, the earlier first: how many artifacts say so.
type Weights = BTreeMap<(usize, usize), usize>;

struct Flow {
    /// The later uses what the earlier made.
    made: Weights,
    /// The later changed what the earlier used.
    changed: Weights,
}

impl Flow {
    fn of(steps: &[Performed]) -> Self {
        let makers = Makers::of(steps);
        let (mut made, mut changed) = (Weights::new(), Weights::new());
        for (at, step) in steps.iter().enumerate() {
            for (name, digests) in step.link.materials.iter() {
                let mut known = false;
                for maker in makers.of_name(name) {
                    let there = steps.get(maker);
                    let there = there.and_then(|step| step.link.products.get(name));
                    if same(there, digests) {
                        known = true;
                        if maker != at {
                            *made.entry((maker, at)).or_default() += 1;
                        }
                    }
                }
                let elsewhere: &[(usize, &str)] = match known {
                    true => &[],
                    false => makers.of_content(digests),
                };
                for (maker, there) in elsewhere {
                    if *maker != at && file_name(there) == file_name(name) {
                        *made.entry((*maker, at)).or_default() += 1;
                    }
                }
                for maker in makers.of_name(name).filter(|maker| *maker != at) {
                    let before = steps.get(maker);
                    let before = before.and_then(|step| step.link.materials.get(name));
                    if same(before, digests) {
                        *changed.entry((at, maker)).or_default() += 1;
                    }
                }
            }
        }
        Self { made, changed }
    }

    fn has(&self, before: usize, after: usize) -> bool {
        let pair = (before, after);
        self.made.contains_key(&pair) || self.changed.contains_key(&pair)
    }

    /// Of steps that all use what others of them made, the one of which that is least true.
    fn least_bound(&self, waiting: &BTreeSet<usize>) -> Option<usize> {
        let weight = |step: &usize| -> usize {
            let before = waiting
                .iter()
                .filter_map(|from| self.made.get(&(*from, *step)));
            before.sum()
        };
        waiting
            .iter()
            .copied()
            .min_by_key(|step| (weight(step), *step))
    }

    fn circle(&self, step: usize, waiting: &BTreeSet<usize>, steps: &[Performed]) -> String {
        let before = waiting
            .iter()
            .filter(|from| self.made.contains_key(&(**from, step)))
            .filter_map(|from| steps.get(*from));
        let names: Vec<String> = before
            .map(|step| quoted(step.name.as_str()).to_string())
            .collect();
        format!(
            "a circle: this step uses what {} made, which use in turn what comes of it; that it stands first is a guess",
            names.join(", ")
        )
    }
}

fn same(there: Option<&DigestSet>, here: &DigestSet) -> bool {
    there.is_some_and(|there| there.agreement(here) == Agreement::Same)
}

/// Who made what: created or changed it.
struct Makers<'a> {
    names: BTreeMap<&'a str, Vec<usize>>,
    contents: BTreeMap<&'a [u8; 32], Vec<(usize, &'a str)>>,
}

impl<'a> Makers<'a> {
    fn of(steps: &'a [Performed]) -> Self {
        let mut makers = Self {
            names: BTreeMap::new(),
            contents: BTreeMap::new(),
        };
        for (at, step) in steps.iter().enumerate() {
            let (materials, products) = (&step.link.materials, &step.link.products);
            materials.pair(products, |pairing| {
                let (Pairing::Second(there) | Pairing::Both(_, there, Agreement::Different)) =
                    pairing
                else {
                    return;
                };
                if let (Some(name), Some(digests)) = (products.name(there), products.digests(there))
                {
                    makers.add(at, name, digests);
                }
            });
        }
        makers
    }

    fn add(&mut self, step: usize, name: &'a str, digests: &'a DigestSet) {
        let known = self.names.entry(name).or_default();
        if known.len() < MAKERS_AT_MOST {
            known.push(step);
        }
        if let Some(content) = digests.sha256().filter(|content| **content != EMPTY_SHA256) {
            let known = self.contents.entry(content).or_default();
            if known.len() < MAKERS_AT_MOST {
                known.push((step, name));
            }
        }
    }

    fn of_name(&self, name: &str) -> impl Iterator<Item = usize> {
        self.names.get(name).into_iter().flatten().copied()
    }

    fn of_content(&self, digests: &DigestSet) -> &[(usize, &'a str)] {
        let content = digests
            .sha256()
            .and_then(|digest| self.contents.get(digest));
        content.map(Vec::as_slice).unwrap_or_default()
    }
}
