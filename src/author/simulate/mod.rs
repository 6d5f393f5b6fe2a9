//! What could somebody do who tampers with the evidence of a chain, and still pass?
//!
//! Starts from evidence that passes, taken apart as a [`Baseline`], and tries one tampering after
//! another on it, each by itself. Files are changed, added, removed and renamed between two steps and
//! within a step; link files are withheld, damaged, and replaced by others; a key signs what it can
//! sign, and two keys together what neither of them can alone. What is tried, and why that is what an
//! attacker would do, is told in [`manual::simulation`](crate::manual::simulation).
//!
//! The verdicts are those of [`verify`](crate::verify): of [`Baseline::judge`] for artifacts, with only
//! what a mutant touches judged anew, and of the whole procedure for link files, signed by new keys. A
//! sample of the quick verdicts is also taken by the whole procedure; that they differ is an error.

mod attacks;
mod flow;
mod insiders;
mod links;
mod resigned;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

use rayon::prelude::*;

use crate::keys::KeyId;
use crate::model::{Artifacts, MatchRule, Moment, Rule};
use crate::report::{
    Attacker, Attempt, IdleInspection, Means, SimulatedKey, SimulatedStep, Simulation, Uncounted,
};
use crate::verify::{Baseline, Effect};

use attacks::Attacks;
pub use links::File;
pub use resigned::{ResignError, Resigned};

/// How many tamperings of one kind are tried unless something else is asked for. Of more an even
/// sample is taken, and what was left out is told.
pub const TRIED_AT_MOST: NonZeroUsize = match NonZeroUsize::new(50_000) {
    Some(many) => many,
    None => NonZeroUsize::MIN,
};

/// Of how many pairs of keys is tried what they can do together.
pub const PAIRS_AT_MOST: usize = 200;

/// How many of the quick verdicts are also taken by the whole procedure.
pub const CONFIRMED_AT_MOST: usize = 64;

/// What to try, on what.
#[derive(Debug)]
pub struct Plan<'a> {
    /// The layout's path, for people.
    pub document: &'a str,
    /// Whether somebody has signed the layout, and that was checked.
    pub signed: bool,
    /// The clock.
    pub now: Moment,
    /// How many tamperings of one kind are tried.
    pub tried_at_most: usize,
}

/// Why there is no simulation.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// New keys could not be made, or could not sign.
    #[error(transparent)]
    Resign(#[from] ResignError),
    /// With new keys the evidence does not pass.
    #[error("the evidence passes, but not after it was signed anew with other keys")]
    NotRepeated,
    /// The quick verdict is not that of the whole procedure.
    #[error(
        "the quick verdict about one tampering differs from that of the whole procedure: {what}"
    )]
    Disagreement {
        /// Which.
        what: String,
    },
}

/// A simulation with all it takes to repeat each attempt.
#[derive(Debug)]
pub struct Rehearsal<'b> {
    /// What was found.
    pub simulation: Simulation,
    attacks: Attacks<'b>,
    resigned: &'b Resigned,
    /// In which variant an attempt passed; parallel to the attempts.
    variants: Vec<usize>,
    /// What each inspection compares with.
    compares: Vec<Vec<Comparison<'b>>>,
}

/// A MATCH rule of an inspection.
#[derive(Debug)]
struct Comparison<'b> {
    /// The step it compares with.
    step: usize,
    rule: &'b MatchRule,
    /// The list it is in.
    list: &'b [Rule],
}

impl Comparison<'_> {
    /// Whether an artifact of the step can be refused because of the rule: the list is about it, and
    /// refuses what does not match.
    fn can_refuse(&self, name: &str) -> bool {
        let Some(own) = self.rule.own_name(name) else {
            return false;
        };
        let decides = self.list.iter().find_map(|rule| match rule {
            Rule::Disallow(pattern) => pattern.matches(&own).then_some(true),
            Rule::Allow(pattern)
            | Rule::Create(pattern)
            | Rule::Delete(pattern)
            | Rule::Modify(pattern) => pattern.matches(&own).then_some(false),
            Rule::Match(_) | Rule::Require(_) => None,
        });
        decides == Some(true)
    }
}

/// A tampering that is to be tried.
#[derive(Clone, Debug)]
struct Seed {
    attacker: Attacker,
    step: usize,
    act: crate::report::Act,
    to: String,
}

/// What came of it.
struct Tried {
    judged: Effect,
    variant: usize,
}

/// Tries everything.
///
/// # Errors
/// See [`SimulateError`].
pub fn simulate<'b>(
    baseline: &'b Baseline,
    resigned: &'b Resigned,
    plan: &Plan<'_>,
) -> Result<Rehearsal<'b>, SimulateError> {
    let attacks = Attacks::new(baseline);
    let mut rehearsal = Rehearsal {
        simulation: outline(baseline, plan),
        attacks,
        resigned,
        variants: Vec::new(),
        compares: compares(baseline),
    };
    rehearsal.try_link_files(plan)?;
    let limit = plan.tried_at_most;
    rehearsal.try_all(Means::Between, rehearsal.attacks.between(limit))?;
    rehearsal.try_all(Means::Within, rehearsal.attacks.within(limit))?;
    rehearsal.try_all(Means::OneKey, rehearsal.attacks.one_key(limit))?;
    let alone: Vec<&Attempt> = rehearsal.simulation.holes().collect();
    let pairs = rehearsal.attacks.two_keys(&alone, limit)?;
    rehearsal.try_all(Means::TwoKeys, pairs)?;
    rehearsal.confirm(plan)?;
    Ok(rehearsal)
}

impl Rehearsal<'_> {
    fn try_all(
        &mut self,
        means: Means,
        (seeds, left_out): (Vec<Seed>, usize),
    ) -> Result<(), ResignError> {
        let tried: Vec<Tried> = seeds
            .par_iter()
            .map(|seed| self.attacks.attempt(seed))
            .collect::<Result<_, _>>()?;
        let mut same = 0;
        for (seed, tried) in seeds.into_iter().zip(tried) {
            if tried.judged == Effect::Same {
                same += 1;
                continue;
            }
            let passes = tried.judged == Effect::Passes;
            self.record(seed, passes, tried.variant)?;
        }
        let uncounted = self.uncounted(means);
        uncounted.same += same;
        uncounted.left_out += left_out;
        Ok(())
    }

    fn uncounted(&mut self, means: Means) -> &mut Uncounted {
        self.simulation.uncounted.entry(means).or_default()
    }

    fn record(&mut self, seed: Seed, passes: bool, variant: usize) -> Result<(), ResignError> {
        let inspections = match passes {
            true => self.lookers(&seed, variant)?,
            false => Vec::new(),
        };
        let after = match seed.attacker {
            Attacker::Between => self.attacks.flow().last_seen(seed.step, &seed.to),
            Attacker::Within | Attacker::Links | Attacker::Key(_) | Attacker::Keys(..) => None,
        };
        self.variants.push(variant);
        self.simulation.attempts.push(Attempt {
            attacker: seed.attacker,
            step: seed.step,
            after,
            act: seed.act,
            to: seed.to,
            passes,
            inspections,
        });
        Ok(())
    }

    /// The inspections that compare with something that was touched.
    fn lookers(&self, seed: &Seed, variant: usize) -> Result<Vec<usize>, ResignError> {
        let mutant = self.attacks.mutant(seed, variant)?;
        let sees = |compared: &Comparison<'_>| match &mutant {
            Some(mutant) => mutant.edits().iter().any(|edit| {
                let is_there = (edit.step, edit.side) == (compared.step, compared.rule.side);
                is_there && compared.can_refuse(&edit.name)
            }),
            // All of the link.
            None => {
                let there = self.attacks.flow().side(compared.step, compared.rule.side);
                let mut there = there.into_iter().flat_map(Artifacts::iter);
                compared.step == seed.step
                    && there.any(|(name, _)| compared.can_refuse(name.as_ref()))
            }
        };
        let inspections = self.compares.iter().enumerate();
        let looking = inspections.filter(|(_, compares)| compares.iter().any(sees));
        Ok(looking.map(|(index, _)| index).collect())
    }
}

/// An even sample, in the same order.
fn sampled<T>(all: Vec<T>, limit: usize) -> Vec<T> {
    let count = all.len();
    let numbered = all.into_iter().enumerate();
    let chosen = numbered.filter(|(at, _)| is_chosen(*at, count, limit));
    chosen.map(|(_, one)| one).collect()
}

/// Whether something stands in an even sample of so many.
fn is_chosen(at: usize, count: usize, limit: usize) -> bool {
    let before = |at: usize| at.saturating_mul(limit) / count.max(1);
    count <= limit || before(at + 1) > before(at)
}

/// What each inspection compares with.
fn compares(baseline: &Baseline) -> Vec<Vec<Comparison<'_>>> {
    let inspections = baseline.layout().inspections.iter();
    let compared = inspections.map(|inspection| {
        let lists = [&inspection.rules.materials, &inspection.rules.products];
        let rules = lists
            .into_iter()
            .flat_map(|list| list.iter().map(move |rule| (list, rule)));
        let compared = rules.filter_map(|(list, rule)| match rule {
            Rule::Match(rule) => Some(Comparison {
                step: baseline.number(&rule.from)?,
                rule,
                list,
            }),
            Rule::Allow(_)
            | Rule::Create(_)
            | Rule::Delete(_)
            | Rule::Disallow(_)
            | Rule::Modify(_)
            | Rule::Require(_) => None,
        });
        compared.collect()
    });
    compared.collect()
}

/// All but the attempts.
fn outline(baseline: &Baseline, plan: &Plan<'_>) -> Simulation {
    let layout = baseline.layout();
    let steps = layout.steps.iter().zip(baseline.steps());
    let steps = steps.map(|(step, performed)| SimulatedStep {
        name: step.name.clone(),
        threshold: step.threshold,
        links: performed.counted.len(),
        sublayout: performed.counted.iter().any(|counted| counted.sublayout),
    });
    let keys = baseline.people().iter().map(|person| SimulatedKey {
        id: person
            .ids
            .first()
            .cloned()
            .unwrap_or_else(|| KeyId::new("")),
        steps: person.steps.clone(),
        certified: person.certified,
    });
    let inspections = layout.inspections.iter();
    let inspections = inspections.map(|inspection| IdleInspection {
        name: inspection.name.clone(),
    });
    Simulation {
        layout: plan.document.to_owned(),
        signed: plan.signed,
        now: plan.now,
        steps: steps.collect(),
        keys: keys.collect(),
        attempts: Vec::new(),
        uncounted: BTreeMap::new(),
        inspections: inspections.collect(),
        confirmed: 0,
    }
}
