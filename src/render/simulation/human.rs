//! For people: the figures first, then what is not protected, artifact by artifact and key by key.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::model::quoted;
use crate::report::{Act, Attacker, Means, Simulation, Tally};

use super::{
    Hole, Powers, additions, artifacts, done, key, means, pairs, place, powers, remarks, tampering,
};

/// How many names stand on a line before the rest is counted.
const NAMED_AT_MOST: usize = 3;

/// How many pairs of keys are told about before the rest is counted.
const PAIRS_TOLD: usize = 20;

/// Writes the simulation.
///
/// # Errors
/// The writer's.
pub fn simulation_human(simulation: &Simulation, out: &mut dyn Write) -> io::Result<()> {
    figures(simulation, out)?;
    let holes = artifacts(simulation);
    if !holes.is_empty() {
        writeln!(out, "\nArtifacts")?;
        groups(simulation, &holes, out)?;
    }
    let new = additions(simulation);
    if !new.is_empty() {
        writeln!(out, "\nFiles that could be added")?;
        groups(simulation, &new, out)?;
    }
    let files: Vec<_> = simulation
        .holes()
        .filter(|it| it.attacker == Attacker::Links)
        .collect();
    if !files.is_empty() {
        writeln!(out, "\nLink files")?;
        for attempt in files {
            let looked = looked(simulation, &attempt.inspections);
            writeln!(out, "  passes: {}{looked}", tampering(simulation, attempt))?;
        }
    }
    keys(simulation, out)?;
    writeln!(out, "\nTo know")?;
    for remark in remarks(simulation) {
        writeln!(out, "  {remark}")?;
    }
    Ok(())
}

fn figures(simulation: &Simulation, out: &mut dyn Write) -> io::Result<()> {
    let overall = simulation.overall();
    writeln!(
        out,
        "{}: {} refused of the tamperings that need no functionary's key: {} of {}",
        quoted(&simulation.layout),
        overall.share(),
        overall.refused,
        overall.tried
    )?;
    for kind in Means::ALL {
        let tally @ Tally { tried, refused } = simulation.tally(kind);
        let share = tally.share();
        let same = simulation.uncounted.get(&kind).map_or(0, |it| it.same);
        let same = match same {
            0 => String::new(),
            count => format!("; {count} changed nothing"),
        };
        writeln!(
            out,
            "  {:<20}{share:>8} refused, {refused} of {tried}{same}",
            means(kind)
        )?;
    }
    Ok(())
}

/// Artifacts with the same holes stand together.
fn groups(
    simulation: &Simulation,
    holes: &BTreeMap<&str, Vec<Hole>>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let mut groups: BTreeMap<&Vec<Hole>, Vec<&str>> = BTreeMap::new();
    for (name, holes) in holes {
        groups.entry(holes).or_default().push(name);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by(|one, other| one.1.cmp(&other.1));
    for (holes, names) in groups {
        writeln!(out, "  {}", some(&names))?;
        for hole in holes {
            let looked = looked(simulation, &hole.inspections);
            writeln!(
                out,
                "    unprotected {}: can be {}{looked}",
                hole.place(simulation),
                acts(&hole.acts)
            )?;
        }
    }
    Ok(())
}

impl Hole {
    /// Where it is.
    pub(in crate::render) fn place(&self, simulation: &Simulation) -> String {
        let attempt = crate::report::Attempt {
            attacker: self.attacker,
            step: self.step,
            after: self.after,
            act: Act::Change,
            to: String::new(),
            passes: true,
            inspections: Vec::new(),
        };
        place(simulation, &attempt)
    }
}

fn looked(simulation: &Simulation, inspections: &[usize]) -> String {
    let names = inspections
        .iter()
        .filter_map(|index| simulation.inspections.get(*index));
    let names: Vec<String> = names
        .map(|inspection| quoted(inspection.name.as_str()).to_string())
        .collect();
    match names.is_empty() {
        true => String::new(),
        false => format!(" (the inspection {} compares with it)", names.join(", ")),
    }
}

fn acts(acts: &[Act]) -> String {
    let words: Vec<&str> = acts.iter().map(|act| done(*act)).collect();
    words.join(", ")
}

fn some(names: &[&str]) -> String {
    let shown: Vec<String> = names
        .iter()
        .take(NAMED_AT_MOST)
        .map(|name| quoted(name).to_string())
        .collect();
    let more = names.len().saturating_sub(NAMED_AT_MOST);
    match more {
        0 => shown.join(", "),
        _ => format!("{} and {more} more", shown.join(", ")),
    }
}

fn keys(simulation: &Simulation, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "\nKeys")?;
    for index in 0..simulation.keys.len() {
        let can = powers(simulation, Attacker::Key(index));
        let key = key(simulation, index);
        if can.is_empty() {
            writeln!(out, "  whoever has the key {key} can change nothing alone")?;
        } else {
            writeln!(out, "  whoever has the key {key} can change:")?;
            power(simulation, &can, out)?;
        }
    }
    let pairs = pairs(simulation);
    for (one, two) in pairs.iter().take(PAIRS_TOLD) {
        let (first, second) = (key(simulation, *one), key(simulation, *two));
        writeln!(out, "  only with both keys {first} and {second}:")?;
        power(
            simulation,
            &powers(simulation, Attacker::Keys(*one, *two)),
            out,
        )?;
    }
    match pairs.len().saturating_sub(PAIRS_TOLD) {
        0 => Ok(()),
        more => writeln!(out, "  and {more} more pairs, which --format json names"),
    }
}

fn power(simulation: &Simulation, can: &Powers<'_>, out: &mut dyn Write) -> io::Result<()> {
    for ((step, act), names) in can {
        let step = quoted(simulation.step(*step));
        writeln!(
            out,
            "    products of {step} can be {}: {}",
            done(*act),
            some(names)
        )?;
    }
    Ok(())
}
