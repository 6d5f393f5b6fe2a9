//! What is tried on artifacts, and what each of these tamperings makes of the links.
//!
//! Whatever has another content gets digests that are nowhere in the chain. A step that is honest
//! records what it finds: so a tampering goes on through all later steps that would see it. What a
//! step makes is left as it was; that is the best case for an attacker, who chooses what to change.

use crate::model::{Artifacts, DigestSet, Side};
use crate::report::{Act, Attacker};
use crate::verify::{Baseline, Edit, Effect, Mutant, Slot, Stand};

use super::flow::{Additions, Flow, Sight};
use super::insiders::Insiders;
use super::{ResignError, Seed, Tried, is_chosen};

/// What is done to artifacts that are there.
pub(super) const ON_ARTIFACTS: [Act; 3] = [Act::Change, Act::Remove, Act::Rename];

/// The digest of what an attacker brings in.
const BROUGHT_IN: [u8; 32] = [0x5a; 32];

/// All that can be tried on artifacts.
#[derive(Debug)]
pub(super) struct Attacks<'b> {
    pub(super) baseline: &'b Baseline,
    flow: Flow<'b>,
    /// For each step what could be added to it.
    added: Vec<Added>,
    /// For each step the links that an attacker lets through who can reach one functionary's work.
    alone: Vec<Stand>,
    insiders: Insiders,
}

/// Names that are new to a step.
#[derive(Debug)]
struct Added {
    materials: Additions,
    products: Additions,
}

impl Added {
    fn of(&self, side: Side) -> &Additions {
        match side {
            Side::Materials => &self.materials,
            Side::Products => &self.products,
        }
    }
}

impl<'b> Attacks<'b> {
    pub(super) fn new(baseline: &'b Baseline) -> Self {
        let steps = 0..baseline.steps().len();
        let flow = Flow::of(baseline);
        let added = steps.clone().map(|step| Added {
            materials: flow.additions(step, Side::Materials),
            products: flow.additions(step, Side::Products),
        });
        Self {
            baseline,
            added: added.collect(),
            flow,
            alone: steps.map(|step| alone(baseline, step)).collect(),
            insiders: Insiders::of(baseline),
        }
    }

    pub(super) fn flow(&self) -> &Flow<'b> {
        &self.flow
    }

    pub(super) fn insiders(&self) -> &Insiders {
        &self.insiders
    }

    /// The disk changes before a step starts: at most so many of all that is tried, and how many are
    /// left out.
    pub(super) fn between(&self, limit: usize) -> (Vec<Seed>, usize) {
        let steps = 0..self.baseline.steps().len();
        let places: Vec<_> = steps.map(|step| (Attacker::Between, step)).collect();
        self.chosen(&places, Side::Materials, limit)
    }

    /// The same for the disk while a step is performed.
    pub(super) fn within(&self, limit: usize) -> (Vec<Seed>, usize) {
        let steps = 0..self.baseline.steps().len();
        let places: Vec<_> = steps.map(|step| (Attacker::Within, step)).collect();
        self.chosen(&places, Side::Products, limit)
    }

    /// Of all that is tried at these steps an even sample, and how many are left out. Only what is
    /// chosen takes memory.
    pub(super) fn chosen(
        &self,
        places: &[(Attacker, usize)],
        side: Side,
        limit: usize,
    ) -> (Vec<Seed>, usize) {
        let added = |step: usize| self.added.get(step).map(|of| of.of(side));
        let all = || {
            places.iter().flat_map(|(attacker, step)| {
                let there = self.flow.side(*step, side);
                let names = there.into_iter().flat_map(Artifacts::keys);
                let acts = names.flat_map(|name| ON_ARTIFACTS.map(|act| (act, name)));
                let added = added(*step).into_iter().flat_map(|it| &it.names);
                let added = added.map(|name| (Act::Add, name.as_str()));
                acts.chain(added)
                    .map(|(act, name)| (*attacker, *step, act, name))
            })
        };
        let count = all().count();
        let seeds: Vec<Seed> = all()
            .enumerate()
            .filter(|(at, _)| is_chosen(*at, count, limit))
            .map(|(_, (attacker, step, act, name))| Seed {
                attacker,
                step,
                act,
                to: name.to_owned(),
            })
            .collect();
        let nameless = places.iter().filter_map(|(_, step)| added(*step));
        let nameless: usize = nameless.map(|it| it.nameless).sum();
        let left_out = count - seeds.len() + nameless;
        (seeds, left_out)
    }

    /// Tries one tampering in all its variants.
    pub(super) fn attempt(&self, seed: &Seed) -> Result<Tried, ResignError> {
        let mut tried = None;
        for variant in self.insiders.variants(seed) {
            let Some(mutant) = self.mutant(seed, variant)? else {
                continue;
            };
            match self.baseline.judge(&mutant) {
                judged @ Effect::Passes => return Ok(Tried { judged, variant }),
                judged @ Effect::Refused => tried = Some(Tried { judged, variant }),
                judged @ Effect::Same => tried = tried.or(Some(Tried { judged, variant })),
            }
        }
        tried.ok_or(ResignError::Lost("it was tried in no variant"))
    }

    /// The evidence after a tampering; `None` where there is none of that variant.
    pub(super) fn mutant(
        &self,
        seed: &Seed,
        variant: usize,
    ) -> Result<Option<Mutant<'_>>, ResignError> {
        match seed.attacker {
            Attacker::Between => {
                let sights = self.sights(seed, Side::Materials)?;
                let edits = self.edits(&sights, seed.act, None)?;
                Ok(Some(Mutant::new(Vec::new(), edits)))
            }
            Attacker::Within => {
                let sights = self.sights(seed, Side::Products)?;
                let edits = self.edits(&sights, seed.act, Some(seed.step))?;
                let alone = self.alone.get(seed.step);
                let alone = alone.ok_or(ResignError::Lost("there is no such step"))?;
                Ok(Some(Mutant::new(vec![alone], edits)))
            }
            Attacker::Links => Ok(None),
            Attacker::Key(_) | Attacker::Keys(..) => self.insider(seed, variant),
        }
    }

    /// Where a tampering is seen that starts on that side of its step: somewhere.
    pub(super) fn sights<'s>(
        &self,
        seed: &'s Seed,
        side: Side,
    ) -> Result<Vec<Sight<'s>>, ResignError> {
        let sights = if seed.act == Act::Add {
            self.flow.planted(seed.step, side, &seed.to)
        } else {
            self.flow.carried(seed.step, side, &seed.to)
        };
        match sights.is_empty() {
            true => Err(ResignError::Lost("its artifact is not there")),
            false => Ok(sights),
        }
    }

    /// What that is in the links. Within a step one functionary's work is reached.
    pub(super) fn edits(
        &self,
        sights: &[Sight<'_>],
        act: Act,
        within: Option<usize>,
    ) -> Result<Vec<Edit>, ResignError> {
        let mut edits = Vec::new();
        for (step, side, name) in sights {
            let before = self.flow.side(*step, *side).and_then(|side| side.get(name));
            let only = (within == Some(*step)).then_some(0);
            let edit = |name: String, to: Option<DigestSet>| Edit {
                step: *step,
                side: *side,
                name,
                to,
                only,
            };
            match act {
                Act::Change => {
                    let before = before.ok_or(ResignError::Lost("its artifact is not there"))?;
                    edits.push(edit(name.to_string(), Some(other(before)?)));
                }
                Act::Add => {
                    let new = DigestSet::of_sha256(BROUGHT_IN);
                    edits.push(edit(name.to_string(), Some(new)));
                }
                Act::Rename => {
                    edits.push(edit(name.to_string(), None));
                    edits.push(edit(self.flow.beside(name), before.cloned()));
                }
                Act::Remove => edits.push(edit(name.to_string(), None)),
                // These are about link files.
                Act::Withhold
                | Act::CutOff
                | Act::Unsigned
                | Act::Stranger
                | Act::Altered
                | Act::OtherStep(_)
                | Act::OtherMaker(_)
                | Act::OtherRun
                | Act::SameMaterials
                | Act::AllSameMaterials => {
                    return Err(ResignError::Lost("it is none of artifacts"));
                }
            }
        }
        Ok(edits)
    }
}

/// The links of a step when one functionary's work was reached: of the others no more than the
/// threshold asks for come through.
fn alone(baseline: &Baseline, step: usize) -> Stand {
    let asked = baseline.layout().steps.get(step);
    let threshold = asked.map_or(1, |step| {
        usize::try_from(step.threshold).unwrap_or(usize::MAX)
    });
    let performed = baseline.steps().get(step);
    let mut slots: Vec<Slot> = Vec::new();
    let counted = performed.into_iter().flat_map(|it| &it.counted);
    for (like, counted) in counted.enumerate() {
        let known = slots.iter().any(|slot| slot.by == counted.by);
        if !known && slots.len() < threshold {
            let by = counted.by;
            slots.push(Slot { by, like });
        }
    }
    baseline.stand(step, slots)
}

/// Digests of the same algorithms that are those of nothing in the chain: every digit the other way
/// round.
pub(super) fn other(digests: &DigestSet) -> Result<DigestSet, ResignError> {
    let mut others = DigestSet::default();
    for (algorithm, text) in digests.iter() {
        let turned: String = text.chars().map(turned).collect();
        let added = others.add_text(algorithm.name(), &turned);
        if added.is_err() {
            return Err(ResignError::Lost("a digest has no other of its kind"));
        }
    }
    Ok(match others.is_empty() {
        true => DigestSet::of_sha256(BROUGHT_IN),
        false => others,
    })
}

fn turned(digit: char) -> char {
    let value = digit.to_digit(16).unwrap_or(0);
    char::from_digit(15 - value, 16).unwrap_or('0')
}
