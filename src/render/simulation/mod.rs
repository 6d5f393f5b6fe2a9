//! What a simulation of tampering found, in its forms, and the words that these have in common.

mod human;
mod json;

use std::collections::BTreeMap;

use crate::model::quoted;
use crate::report::{Act, Attacker, Attempt, Means, Simulation};

pub use human::simulation_human;
pub use json::{SIMULATION_SCHEMA, simulation_json};

/// One tampering as a sentence without its end.
pub fn tampering(simulation: &Simulation, attempt: &Attempt) -> String {
    let to = quoted(&attempt.to);
    let step = quoted(simulation.step(attempt.step));
    match attempt.attacker {
        Attacker::Links => link_file(simulation, attempt),
        Attacker::Between | Attacker::Within => {
            let place = place(simulation, attempt);
            format!("{to} is {} {place}", done(attempt.act))
        }
        Attacker::Key(key) => format!(
            "whoever has the key {} has the product {to} of {step} {}",
            self::key(simulation, key),
            done(attempt.act)
        ),
        Attacker::Keys(one, two) => format!(
            "whoever has the keys {} and {} has the product {to} of {step} {}",
            key(simulation, one),
            key(simulation, two),
            done(attempt.act)
        ),
    }
}

fn link_file(simulation: &Simulation, attempt: &Attempt) -> String {
    let to = quoted(&attempt.to);
    let step = quoted(simulation.step(attempt.step));
    let source = attempt.act.source();
    let source = source.map_or_else(String::new, |it| quoted(simulation.step(it)).to_string());
    match attempt.act {
        Act::Withhold => format!("{to} is withheld"),
        Act::CutOff => format!("{to} is cut off"),
        Act::Unsigned => format!("{to} has no signature"),
        Act::Stranger => format!("{to} is signed by a stranger"),
        Act::Altered => format!("{to} is changed behind its signature"),
        Act::OtherStep(_) => format!("the same functionary's link of {source} stands for {to}"),
        Act::OtherMaker(_) => format!("another functionary's link of {source} stands for {to}"),
        Act::OtherRun => format!("a link of quite another run stands for {to}"),
        Act::SameMaterials => {
            format!("a link of another run from the same materials stands for {to}")
        }
        Act::AllSameMaterials => {
            format!("the links of another run from the same materials stand for all of {step}")
        }
        Act::Change | Act::Add | Act::Remove | Act::Rename => {
            format!("{to} is {}", done(attempt.act))
        }
    }
}

/// Where an attempt on artifacts takes place.
pub(super) fn place(simulation: &Simulation, attempt: &Attempt) -> String {
    let step = quoted(simulation.step(attempt.step));
    match (attempt.attacker, attempt.after) {
        (Attacker::Between, Some(after)) => {
            format!("between {} and {step}", quoted(simulation.step(after)))
        }
        (Attacker::Between, None) => format!("before {step}"),
        _ => format!("within {step}"),
    }
}

/// What was done, as a participle.
pub(super) fn done(act: Act) -> &'static str {
    match act {
        Act::Change => "changed",
        Act::Add => "added",
        Act::Remove => "removed",
        Act::Rename => "renamed",
        Act::Withhold => "withheld",
        Act::CutOff => "cut off",
        Act::Unsigned => "without a signature",
        Act::Stranger => "signed by a stranger",
        Act::Altered => "changed behind its signature",
        Act::OtherStep(_)
        | Act::OtherMaker(_)
        | Act::OtherRun
        | Act::SameMaterials
        | Act::AllSameMaterials => "replaced",
    }
}

/// A functionary's key, by the start of its id.
pub(super) fn key(simulation: &Simulation, index: usize) -> String {
    let key = simulation.keys.get(index);
    key.map_or_else(String::new, |key| quoted(key.id.short()).to_string())
}

/// A kind of attackers, for people.
pub(super) fn means(means: Means) -> &'static str {
    match means {
        Means::Between => "between steps",
        Means::Within => "within a step",
        Means::Links => "link files",
        Means::OneKey => "with one key",
        Means::TwoKeys => "only with two keys",
    }
}

/// A hole in the protection of an artifact: where, what can be done, and which inspections look.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Hole {
    pub(super) step: usize,
    pub(super) attacker: Attacker,
    pub(super) after: Option<usize>,
    pub(super) acts: Vec<Act>,
    pub(super) inspections: Vec<usize>,
}

/// The holes of each artifact that has any. What could be added is not among them.
pub(super) fn artifacts(simulation: &Simulation) -> BTreeMap<&str, Vec<Hole>> {
    let mut artifacts: BTreeMap<&str, Vec<Hole>> = BTreeMap::new();
    let on_files = simulation.holes().filter(|attempt| {
        matches!(attempt.attacker, Attacker::Between | Attacker::Within) && attempt.act != Act::Add
    });
    for attempt in on_files {
        let holes = artifacts.entry(&attempt.to).or_default();
        add(holes, attempt);
    }
    for holes in artifacts.values_mut() {
        holes.sort_unstable();
    }
    artifacts
}

/// The same for what could be added.
pub(super) fn additions(simulation: &Simulation) -> BTreeMap<&str, Vec<Hole>> {
    let mut additions: BTreeMap<&str, Vec<Hole>> = BTreeMap::new();
    let on_files = simulation.holes().filter(|attempt| {
        matches!(attempt.attacker, Attacker::Between | Attacker::Within) && attempt.act == Act::Add
    });
    for attempt in on_files {
        add(additions.entry(&attempt.to).or_default(), attempt);
    }
    for holes in additions.values_mut() {
        holes.sort_unstable();
    }
    additions
}

fn add(holes: &mut Vec<Hole>, attempt: &Attempt) {
    let known = holes.iter_mut().find(|hole| {
        (hole.step, hole.attacker, hole.after) == (attempt.step, attempt.attacker, attempt.after)
    });
    match known {
        Some(hole) => {
            hole.acts.push(attempt.act);
            hole.acts.sort_unstable();
            hole.inspections.extend(&attempt.inspections);
            hole.inspections.sort_unstable();
            hole.inspections.dedup();
        }
        None => holes.push(Hole {
            step: attempt.step,
            attacker: attempt.attacker,
            after: attempt.after,
            acts: vec![attempt.act],
            inspections: attempt.inspections.clone(),
        }),
    }
}

/// What somebody with keys can do: for each step and act the names of products.
pub(super) type Powers<'a> = BTreeMap<(usize, Act), Vec<&'a str>>;

/// What whoever has these keys can do.
pub(super) fn powers(simulation: &Simulation, attacker: Attacker) -> Powers<'_> {
    let mut powers = Powers::new();
    for attempt in simulation.holes().filter(|it| it.attacker == attacker) {
        let names = powers.entry((attempt.step, attempt.act)).or_default();
        names.push(attempt.to.as_str());
    }
    powers
}

/// The pairs of keys that can do together what neither of them can alone.
pub(super) fn pairs(simulation: &Simulation) -> Vec<(usize, usize)> {
    let mut pairs: Vec<(usize, usize)> = simulation
        .holes()
        .filter_map(|attempt| match attempt.attacker {
            Attacker::Keys(one, two) => Some((one, two)),
            Attacker::Between | Attacker::Within | Attacker::Links | Attacker::Key(_) => None,
        })
        .collect();
    pairs.sort_unstable();
    pairs.dedup();
    pairs
}

/// What of the simulation is not as a reader may think: a sentence each.
pub(super) fn remarks(simulation: &Simulation) -> Vec<String> {
    let mut remarks = Vec::new();
    if !simulation.signed {
        remarks.push("nobody has signed the layout: it is taken as if its owner had".to_owned());
    }
    for inspection in &simulation.inspections {
        remarks.push(format!(
            "the inspection {} is not run: what only it would find counts as unprotected",
            quoted(inspection.name.as_str())
        ));
    }
    for step in simulation.steps.iter().filter(|step| step.sublayout) {
        remarks.push(format!(
            "{} was performed by a layout of its own, which is taken as the one link that it amounts \
             to: what could be done inside it is not tried",
            quoted(step.name.as_str())
        ));
    }
    if simulation.keys.iter().any(|key| key.certified) {
        let known = "of functionaries who are known by certificates only the steps are counted that \
                     they performed";
        remarks.push(known.to_owned());
    }
    for (kind, uncounted) in &simulation.uncounted {
        if uncounted.left_out > 0 {
            remarks.push(format!(
                "{}: {} more were left out: an even sample is tried of more than --limit, and for \
                 some patterns no name was found",
                means(*kind),
                uncounted.left_out
            ));
        }
    }
    remarks.push(format!(
        "{} of the verdicts were also taken by the whole procedure of `verify`, over signed files, and \
         are the same",
        simulation.confirmed
    ));
    remarks
}
