//! Stolen keys: what one of them can sign, and two of them together.
//!
//! Whoever has the keys of as many functionaries as a step asks for holds the step: its link says what
//! they like. They need not tell what they did; steps that others perform are honest and record what
//! they find. So the products of a step that is held are tampered with in four variants: they alone;
//! with the step's materials, as if it had come so; and, where several steps are held, on all their
//! sides and on all their products. A tampering passes when one variant does.

use std::collections::BTreeMap;

use crate::model::{Artifacts, Side};
use crate::report::{Act, Attacker, Attempt};
use crate::verify::{Baseline, Mutant, Slot, Stand};

use super::attacks::{Attacks, ON_ARTIFACTS};
use super::flow::Sight;
use super::{PAIRS_AT_MOST, ResignError, Seed};

/// The variants, by their numbers.
const PRODUCTS: usize = 0;
const BOTH_SIDES: usize = 1;
const ALL_SIDES: usize = 2;
const ALL_PRODUCTS: usize = 3;

/// Who holds which steps.
#[derive(Debug)]
pub(super) struct Insiders {
    /// By the keys that are held, the steps with the links that these sign.
    held: BTreeMap<Attacker, BTreeMap<usize, Stand>>,
    left_out: Vec<(usize, usize)>,
}

impl Insiders {
    pub(super) fn of(baseline: &Baseline) -> Self {
        let people = 0..baseline.people().len();
        let mut insiders = Self {
            held: BTreeMap::new(),
            left_out: Vec::new(),
        };
        for one in people.clone() {
            insiders.hold(baseline, Attacker::Key(one), &[one]);
        }
        let mut pairs = 0;
        for one in people.clone() {
            for two in one + 1..people.end {
                pairs += 1;
                if pairs > PAIRS_AT_MOST {
                    insiders.left_out.push((one, two));
                } else {
                    insiders.hold(baseline, Attacker::Keys(one, two), &[one, two]);
                }
            }
        }
        insiders
    }

    fn hold(&mut self, baseline: &Baseline, attacker: Attacker, people: &[usize]) {
        let mut held = BTreeMap::new();
        for (index, step) in baseline.layout().steps.iter().enumerate() {
            let threshold = usize::try_from(step.threshold).unwrap_or(usize::MAX);
            let may = people.iter().copied().filter(|person| {
                let person = baseline.people().get(*person);
                person.is_some_and(|person| person.steps.contains(&index))
            });
            let slots: Vec<Slot> = may
                .map(|by| slot(baseline, index, by))
                .take(threshold)
                .collect();
            if slots.len() == threshold {
                held.insert(index, baseline.stand(index, slots));
            }
        }
        self.held.insert(attacker, held);
    }

    /// The steps that somebody holds.
    pub(super) fn steps(&self, attacker: Attacker) -> Vec<usize> {
        let held = self.held.get(&attacker);
        held.into_iter().flat_map(BTreeMap::keys).copied().collect()
    }

    /// The variants of a tampering that are tried.
    pub(super) fn variants(&self, seed: &Seed) -> Vec<usize> {
        let several = self
            .held
            .get(&seed.attacker)
            .is_some_and(|held| held.len() > 1);
        match seed.attacker {
            Attacker::Between | Attacker::Within | Attacker::Links => vec![0],
            Attacker::Key(_) | Attacker::Keys(..) if several => {
                vec![PRODUCTS, BOTH_SIDES, ALL_SIDES, ALL_PRODUCTS]
            }
            Attacker::Key(_) | Attacker::Keys(..) => vec![PRODUCTS, BOTH_SIDES],
        }
    }
}

/// The link of a step that somebody signs: like their own, if there is one.
fn slot(baseline: &Baseline, step: usize, by: usize) -> Slot {
    let performed = baseline.steps().get(step);
    let own = performed.and_then(|it| it.counted.iter().position(|counted| counted.by == by));
    Slot {
        by,
        like: own.unwrap_or(0),
    }
}

/// Two keys, each by itself.
fn each(attacker: Attacker) -> Option<[Attacker; 2]> {
    match attacker {
        Attacker::Keys(one, two) => Some([Attacker::Key(one), Attacker::Key(two)]),
        Attacker::Between | Attacker::Within | Attacker::Links | Attacker::Key(_) => None,
    }
}

impl Attacks<'_> {
    /// What each key may do alone: at most so much, and how much is left out.
    pub(super) fn one_key(&self, limit: usize) -> (Vec<Seed>, usize) {
        let keys = (0..self.baseline.people().len()).map(Attacker::Key);
        let places: Vec<(Attacker, usize)> = keys
            .flat_map(|key| {
                let steps = self.insiders().steps(key).into_iter();
                steps.map(move |step| (key, step))
            })
            .collect();
        self.chosen(&places, Side::Products, limit)
    }

    /// What two keys may do together that none of them can do alone.
    pub(super) fn two_keys(
        &self,
        alone: &[&Attempt],
        limit: usize,
    ) -> Result<(Vec<Seed>, usize), ResignError> {
        let mut steps_alone: BTreeMap<(Attacker, Act, &str), Vec<usize>> = BTreeMap::new();
        for hole in alone {
            let what = (hole.attacker, hole.act, hole.to.as_str());
            steps_alone.entry(what).or_default().push(hole.step);
        }
        let mut places: Vec<(Attacker, usize)> = Vec::new();
        for attacker in self.insiders().held.keys() {
            let Some([one, two]) = each(*attacker) else {
                continue;
            };
            let mut apart = self.insiders().steps(one);
            apart.extend(self.insiders().steps(two));
            let steps = self.insiders().steps(*attacker).into_iter();
            let together = steps.filter(|step| !apart.contains(step) || apart.len() > 1);
            places.extend(together.map(|step| (*attacker, step)));
        }
        let (chosen, left_out) = self.chosen(&places, Side::Products, limit);
        let mut seeds = Vec::new();
        for seed in chosen {
            let keys = each(seed.attacker).into_iter().flatten();
            let holes = keys.filter_map(|key| steps_alone.get(&(key, seed.act, seed.to.as_str())));
            let mut known = false;
            for from in holes.flatten() {
                known = known || self.comes_from(&seed, *from)?;
            }
            if !known {
                seeds.push(seed);
            }
        }
        Ok((seeds, left_out + self.pairs_left_out()))
    }

    /// How much the pairs may do that are not tried.
    fn pairs_left_out(&self) -> usize {
        let of_pair = |(one, two): &(usize, usize)| {
            let mut steps = self.insiders().steps(Attacker::Key(*one));
            steps.extend(self.insiders().steps(Attacker::Key(*two)));
            let products = |step: usize| {
                let side = self.flow().side(step, Side::Products);
                side.map_or(0, Artifacts::len)
            };
            ON_ARTIFACTS.len() * steps.into_iter().map(products).sum::<usize>()
        };
        self.insiders().left_out.iter().map(of_pair).sum()
    }

    /// Whether the same, done at that step, is seen among the products where it is tried.
    fn comes_from(&self, seed: &Seed, from: usize) -> Result<bool, ResignError> {
        let there = Seed {
            step: from,
            ..seed.clone()
        };
        let sights = self.sights(&there, Side::Products)?;
        let mut sights = sights.iter();
        Ok(sights.any(|(step, side, _)| (*step, *side) == (seed.step, Side::Products)))
    }

    /// The evidence after something that somebody with keys did.
    pub(super) fn insider(
        &self,
        seed: &Seed,
        variant: usize,
    ) -> Result<Option<Mutant<'_>>, ResignError> {
        let held = self.insiders().held.get(&seed.attacker);
        let held = held.ok_or(ResignError::Lost("there are no such keys"))?;
        let stand = held.get(&seed.step);
        let mut stands = vec![stand.ok_or(ResignError::Lost("the step is not held"))?];
        let mut sights = self.sights(seed, Side::Products)?;
        match variant {
            PRODUCTS => {}
            BOTH_SIDES => match self.also(seed, seed.step, Side::Materials) {
                Some(also) => sights.extend(also),
                None => return Ok(None),
            },
            _ => {
                let before = sights.len();
                for (step, stand) in held {
                    if *step != seed.step {
                        stands.push(stand);
                    }
                    for side in [Side::Materials, Side::Products] {
                        if side == Side::Products || variant == ALL_SIDES {
                            let also = self.also(seed, *step, side).unwrap_or_default();
                            sights.extend(also);
                        }
                    }
                }
                if sights.len() == before {
                    return Ok(None);
                }
            }
        }
        sights.sort_unstable();
        sights.dedup();
        let edits = self.edits(&sights, seed.act, None)?;
        Ok(Some(Mutant::new(stands, edits)))
    }

    /// The same tampering on another side that is held, and where it is seen from there.
    fn also<'s>(&self, seed: &'s Seed, step: usize, side: Side) -> Option<Vec<Sight<'s>>> {
        let there = self.flow().side(step, side)?;
        let name = seed.to.as_str();
        let has = there.contains_key(name);
        if seed.act == Act::Add {
            return (!has && (side == Side::Materials || step == seed.step))
                .then(|| vec![(step, side, name.into())]);
        }
        if !has {
            return None;
        }
        Some(match side {
            Side::Materials => vec![(step, side, name.into())],
            Side::Products => self.flow().carried(step, side, name),
        })
    }
}
