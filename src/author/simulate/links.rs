//! What is tried on link files, and every attempt as files that are really signed. All of this is
//! judged by the whole procedure.

use rayon::prelude::*;

use crate::model::{Agreement, Link, Side};
use crate::report::{Act, Attacker, Attempt, Means, Verdict};
use crate::verify::{Baseline, Mutant, NoInspections, Owner, Request, Slot, verify};

use super::attacks::other;
use super::resigned::{CUT_OFF, Signed};
use super::{CONFIRMED_AT_MOST, Plan, Rehearsal, ResignError, Seed, SimulateError, sampled};

/// What a link file says of itself: its name, and its text.
pub type File = (String, String);

impl Rehearsal<'_> {
    /// The untampered evidence, signed anew.
    fn untampered(&self) -> Result<Vec<Signed>, ResignError> {
        let mut files = Vec::new();
        for (step, performed) in self.attacks.baseline.steps().iter().enumerate() {
            for counted in &performed.counted {
                files.push(Signed {
                    step,
                    named: counted.by,
                    envelope: Some(self.resigned.signed(&counted.link, counted.by)?),
                });
            }
        }
        Ok(files)
    }

    pub(super) fn try_link_files(&mut self, plan: &Plan<'_>) -> Result<(), SimulateError> {
        let files = self.untampered()?;
        if !self.passes(&files, plan)? {
            return Err(SimulateError::NotRepeated);
        }
        let seeds = link_seeds(self.attacks.baseline);
        let all = seeds.len();
        let seeds = sampled(seeds, plan.tried_at_most);
        let left_out = all - seeds.len();
        let judged: Vec<Option<bool>> = seeds
            .par_iter()
            .map(|(at, seed)| self.judged(&files, *at, seed, plan))
            .collect::<Result<_, _>>()?;
        let mut same = 0;
        for ((at, seed), passes) in seeds.into_iter().zip(judged) {
            match passes {
                Some(passes) => self.record(seed, passes, at)?,
                None => same += 1,
            }
        }
        let uncounted = self.uncounted(Means::Links);
        uncounted.same += same;
        uncounted.left_out += left_out;
        Ok(())
    }

    /// Whether one tampering passes; `None` when it left the meaning as it was.
    fn judged(
        &self,
        files: &[Signed],
        at: usize,
        seed: &Seed,
        plan: &Plan<'_>,
    ) -> Result<Option<bool>, ResignError> {
        let Some(tampered) = self.tampered(files, at, seed.act)? else {
            return Ok(None);
        };
        if !self.passes(&tampered, plan)? {
            return Ok(Some(false));
        }
        let replaced = matches!(
            seed.act,
            Act::OtherRun | Act::SameMaterials | Act::AllSameMaterials
        );
        Ok((replaced || !self.is_idle(files, at)).then_some(true))
    }

    /// Whether a step would stand as before without one of its files.
    fn is_idle(&self, files: &[Signed], at: usize) -> bool {
        let Some(step) = files.get(at).map(|file| file.step) else {
            return false;
        };
        let first = files.iter().take_while(|file| file.step != step).count();
        let counted = self.attacks.baseline.steps().get(step);
        let counted = counted.into_iter().flat_map(|it| &it.counted).enumerate();
        let others = counted.filter(|(like, _)| first + like != at);
        let slots = others.map(|(like, counted)| Slot {
            by: counted.by,
            like,
        });
        let stand = self.attacks.baseline.stand(step, slots.collect());
        stand.is_same()
    }

    /// The files after a tampering with the one at that place. `None` when it cannot be done.
    fn tampered(
        &self,
        files: &[Signed],
        at: usize,
        act: Act,
    ) -> Result<Option<Vec<Signed>>, ResignError> {
        let resigned = self.resigned;
        let (Some(file), Some(link)) = (files.get(at), self.link(at)) else {
            return Err(ResignError::Lost("there is no such link"));
        };
        let mut tampered = files.to_vec();
        let envelope = match act {
            Act::Withhold => {
                tampered.remove(at);
                return Ok(Some(tampered));
            }
            Act::CutOff => None,
            Act::Unsigned => Some(resigned.unsigned(link)?),
            Act::Stranger => Some(resigned.by_stranger(link)?),
            Act::Altered => {
                let mut changed = link.clone();
                changed.command.push("tampered".to_owned());
                let was = file.envelope.as_ref();
                let was = was.ok_or(ResignError::Lost("there is no link to alter"))?;
                Some(resigned.altered(&changed, was)?)
            }
            Act::OtherStep(source) | Act::OtherMaker(source) => {
                let own = matches!(act, Act::OtherStep(_));
                let from = files
                    .iter()
                    .find(|other| other.step == source && (other.named == file.named) == own);
                let from = from.ok_or(ResignError::Lost("there is no link to take"))?;
                from.envelope.clone()
            }
            Act::OtherRun | Act::SameMaterials => {
                let Some(link) = of_other_run(link, act == Act::SameMaterials)? else {
                    return Ok(None);
                };
                Some(resigned.signed(&link, file.named)?)
            }
            Act::AllSameMaterials => {
                for (at, one) in tampered.iter_mut().enumerate() {
                    if one.step == file.step {
                        let link = self.link(at);
                        let link = link.ok_or(ResignError::Lost("there is no such link"))?;
                        let Some(link) = of_other_run(link, true)? else {
                            return Ok(None);
                        };
                        one.envelope = Some(resigned.signed(&link, one.named)?);
                    }
                }
                return Ok(Some(tampered));
            }
            Act::Change | Act::Add | Act::Remove | Act::Rename => {
                return Err(ResignError::Lost("it is none of link files"));
            }
        };
        if let Some(place) = tampered.get_mut(at) {
            place.envelope = envelope;
        }
        Ok(Some(tampered))
    }

    /// The link that was there in a file.
    fn link(&self, at: usize) -> Option<&Link> {
        let steps = self.attacks.baseline.steps().iter();
        let mut counted = steps.flat_map(|step| &step.counted);
        counted.nth(at).map(|counted| &counted.link)
    }

    /// The verdict of the whole procedure.
    fn passes(&self, files: &[Signed], plan: &Plan<'_>) -> Result<bool, ResignError> {
        let evidence = self.resigned.evidence(files)?;
        let key = self.resigned.owner();
        let owner = Owner {
            ids: crate::keys::Authority::ids(&key),
            authority: &key,
        };
        let owners = [owner];
        let request = Request {
            document: plan.document,
            ..Request::new(self.resigned.layout(), &evidence, &owners, plan.now)
        };
        let report = verify(&request, &mut NoInspections).report;
        Ok(report.verdict() == Verdict::Pass)
    }

    /// Whether a mutant passes the whole procedure.
    #[cfg(test)]
    pub(super) fn judged_wholly(
        &self,
        mutant: &Mutant<'_>,
        plan: &Plan<'_>,
    ) -> Result<bool, ResignError> {
        self.passes(&self.signed_mutant(mutant)?, plan)
    }

    /// Takes a sample of the quick verdicts by the whole procedure, too.
    pub(super) fn confirm(&mut self, plan: &Plan<'_>) -> Result<(), SimulateError> {
        let attempts = 0..self.simulation.attempts.len();
        let half = CONFIRMED_AT_MOST / 2;
        let of = |passes: bool| {
            let quick = attempts.clone().filter(|index| {
                let attempt = self.simulation.attempts.get(*index);
                attempt.is_some_and(|it| it.attacker != Attacker::Links && it.passes == passes)
            });
            sampled(quick.collect(), half)
        };
        let chosen = [of(true), of(false)].concat();
        let differing: Vec<Option<usize>> = chosen
            .par_iter()
            .map(|index| {
                let (attempt, files) = self.signed(*index)?;
                Ok((self.passes(&files, plan)? != attempt.passes).then_some(*index))
            })
            .collect::<Result<_, ResignError>>()?;
        if let Some(attempt) = differing.into_iter().flatten().next() {
            let attempt = self.simulation.attempts.get(attempt);
            let what = attempt.map_or_else(String::new, |it| format!("{it:?}"));
            return Err(SimulateError::Disagreement { what });
        }
        self.simulation.confirmed = chosen.len();
        Ok(())
    }

    /// An attempt and its files, signed. One that is not there is not confirmed by that.
    fn signed(&self, index: usize) -> Result<(&Attempt, Vec<Signed>), ResignError> {
        let (Some(attempt), Some(variant)) = (
            self.simulation.attempts.get(index),
            self.variants.get(index),
        ) else {
            return Err(ResignError::Lost("there is no such attempt"));
        };
        let again = "what was tried cannot be done again";
        let files = if attempt.attacker == Attacker::Links {
            self.tampered(&self.untampered()?, *variant, attempt.act)?
        } else {
            let mutant = self.attacks.mutant(&seed(attempt), *variant)?;
            let mutant = mutant.ok_or(ResignError::Lost(again))?;
            Some(self.signed_mutant(&mutant)?)
        };
        Ok((attempt, files.ok_or(ResignError::Lost(again))?))
    }

    fn signed_mutant(&self, mutant: &Mutant<'_>) -> Result<Vec<Signed>, ResignError> {
        let links = self.attacks.baseline.links(mutant);
        let links = links.ok_or(ResignError::Lost("it has links that are like none"))?;
        let mut files = Vec::new();
        for (step, links) in links.iter().enumerate() {
            for (named, link) in links {
                files.push(Signed {
                    step,
                    named: *named,
                    envelope: Some(self.resigned.signed(link, *named)?),
                });
            }
        }
        Ok(files)
    }

    /// An attempt and its files as they would be written: names and contents.
    ///
    /// # Errors
    /// See [`ResignError`].
    pub fn files(&self, index: usize) -> Result<(&Attempt, Vec<File>), ResignError> {
        let text = |file: &Signed| {
            let envelope = file.envelope.as_ref();
            let text = envelope.map_or_else(|| CUT_OFF.to_owned(), crate::model::Envelope::to_text);
            Ok((self.resigned.file_name(file)?, text))
        };
        let (attempt, files) = self.signed(index)?;
        let files: Result<_, ResignError> = files.iter().map(text).collect();
        Ok((attempt, files?))
    }

    /// Which attempts to write out: those that passed, and an even sample of those that were refused.
    pub fn to_write(&self, holes: usize, refused: usize) -> Vec<usize> {
        let attempts = self.simulation.attempts.iter().enumerate();
        let of = |passes: bool| {
            let all = attempts.clone().filter(|(_, it)| it.passes == passes);
            all.map(|(index, _)| index).collect::<Vec<usize>>()
        };
        [sampled(of(true), holes), sampled(of(false), refused)].concat()
    }
}

fn seed(attempt: &Attempt) -> Seed {
    Seed {
        attacker: attempt.attacker,
        step: attempt.step,
        act: attempt.act,
        to: attempt.to.clone(),
    }
}

/// What is tried on each file, with the file's place.
fn link_seeds(baseline: &Baseline) -> Vec<(usize, Seed)> {
    let mut seeds = Vec::new();
    let mut at = 0;
    for (step, performed) in baseline.steps().iter().enumerate() {
        for (index, counted) in performed.counted.iter().enumerate() {
            let mut acts = vec![
                Act::Withhold,
                Act::CutOff,
                Act::Unsigned,
                Act::Stranger,
                Act::Altered,
                Act::OtherRun,
                Act::SameMaterials,
            ];
            if index == 0 && performed.counted.len() > 1 {
                acts.push(Act::AllSameMaterials);
            }
            for (source, other) in baseline.steps().iter().enumerate() {
                let mut makers = other.counted.iter().map(|counted| counted.by);
                if source != step && makers.clone().any(|by| by == counted.by) {
                    acts.push(Act::OtherStep(source));
                }
                if makers.any(|by| by != counted.by) {
                    acts.push(Act::OtherMaker(source));
                }
            }
            seeds.extend(acts.into_iter().map(|act| {
                let seed = Seed {
                    attacker: Attacker::Links,
                    step,
                    act,
                    to: counted.path.clone(),
                };
                (at, seed)
            }));
            at += 1;
        }
    }
    seeds
}

/// The same step in another run. `None` when nothing would be different.
fn of_other_run(link: &Link, same_materials: bool) -> Result<Option<Link>, ResignError> {
    let mut run = link.clone();
    let mut differs = false;
    for side in [Side::Materials, Side::Products] {
        if side == Side::Materials && same_materials {
            continue;
        }
        let artifacts = link.side(side).iter().map(|(name, digests)| {
            let material = link.materials.get(name);
            let carried = same_materials
                && material.is_some_and(|it| it.agreement(digests) == Agreement::Same);
            let digests = match carried {
                true => digests.clone(),
                false => {
                    differs = true;
                    other(digests)?
                }
            };
            Ok((crate::model::ArtifactPath::claimed(name), digests))
        });
        let artifacts = artifacts.collect::<Result<_, ResignError>>()?;
        match side {
            Side::Materials => run.materials = artifacts,
            Side::Products => run.products = artifacts,
        }
    }
    Ok(differs.then_some(run))
}
