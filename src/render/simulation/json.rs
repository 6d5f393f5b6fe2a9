//! For programs: one JSON document with everything that passes, versioned by its `schema`.
//!
//! ```json
//! {"schema": "linkwright/simulation/v1", "layout": {"path": "…", "signed": true}, "now": "…",
//!  "overall": {"tried": 0, "refused": 0, "percent": 100.0},
//!  "kinds": {"between": {"tried": 0, "refused": 0, "same": 0, "left_out": 0}, "within": …, "links": …,
//!            "one-key": …, "two-keys": …},
//!  "steps": [{"name": "…", "threshold": 1, "links": 1, "sublayout": false}],
//!  "artifacts": [{"path": "…", "holes": [{"where": "between|within", "after": "STEP or null",
//!                 "step": "…", "acts": ["change|remove|rename"], "inspections": ["…"]}]}],
//!  "additions": [the same with "acts": ["add"]],
//!  "links": [{"file": "…", "step": "…", "act": "…", "source": "STEP or null", "message": "…"}],
//!  "keys": [{"keyid": "…", "steps": ["…"], "can": [{"step": "…", "act": "…", "products": ["…"]}]}],
//!  "pairs": [{"keyids": ["…", "…"], "can": […]}],
//!  "inspections": [{"name": "…", "run": false}], "confirmed": 0, "remarks": ["…"]}
//! ```
//!
//! Fields may be added within a version, never changed.

use std::collections::BTreeMap;
use std::io::{self, Write};

use serde_json::{Map, Value, json};

use crate::report::{Act, Attacker, Means, Simulation};

use super::super::json::write_ascii_safe;
use super::{Hole, additions, artifacts, pairs, powers, remarks, tampering};

/// The version of the document.
pub const SIMULATION_SCHEMA: &str = "linkwright/simulation/v1";

/// Writes the simulation.
///
/// # Errors
/// The writer's.
pub fn simulation_json(simulation: &Simulation, out: &mut dyn Write) -> io::Result<()> {
    let overall = simulation.overall();
    let step = |index: usize| simulation.step(index).to_owned();
    let document = json!({
        "schema": SIMULATION_SCHEMA,
        "layout": {"path": simulation.layout, "signed": simulation.signed},
        "now": simulation.now.to_string(),
        "overall": {
            "tried": overall.tried,
            "refused": overall.refused,
            "percent": overall.percent(),
        },
        "kinds": kinds(simulation),
        "steps": simulation.steps.iter().map(|step| json!({
            "name": step.name.as_str(),
            "threshold": step.threshold,
            "links": step.links,
            "sublayout": step.sublayout,
        })).collect::<Vec<_>>(),
        "artifacts": holes(simulation, &artifacts(simulation)),
        "additions": holes(simulation, &additions(simulation)),
        "links": simulation.holes().filter(|it| it.attacker == Attacker::Links).map(|it| json!({
            "file": it.to,
            "step": step(it.step),
            "act": it.act.name(),
            "source": it.act.source().map(step),
            "message": tampering(simulation, it),
        })).collect::<Vec<_>>(),
        "keys": simulation.keys.iter().enumerate().map(|(index, key)| json!({
            "keyid": key.id.as_str(),
            "steps": key.steps.iter().map(|index| step(*index)).collect::<Vec<_>>(),
            "can": can(simulation, Attacker::Key(index)),
        })).collect::<Vec<_>>(),
        "pairs": pairs(simulation).into_iter().map(|(one, two)| json!({
            "keyids": [keyid(simulation, one), keyid(simulation, two)],
            "can": can(simulation, Attacker::Keys(one, two)),
        })).collect::<Vec<_>>(),
        "inspections": simulation.inspections.iter().map(|it| json!({
            "name": it.name.as_str(),
            "run": false,
        })).collect::<Vec<_>>(),
        "confirmed": simulation.confirmed,
        "remarks": remarks(simulation),
    });
    write_ascii_safe(&document, out)
}

fn kinds(simulation: &Simulation) -> Value {
    let kind = |means: Means| {
        let tally = simulation.tally(means);
        let uncounted = simulation
            .uncounted
            .get(&means)
            .copied()
            .unwrap_or_default();
        let value = json!({
            "tried": tally.tried,
            "refused": tally.refused,
            "same": uncounted.same,
            "left_out": uncounted.left_out,
        });
        (means.name().to_owned(), value)
    };
    Value::Object(Means::ALL.into_iter().map(kind).collect::<Map<_, _>>())
}

fn holes(simulation: &Simulation, artifacts: &BTreeMap<&str, Vec<Hole>>) -> Value {
    let hole = |hole: &Hole| {
        let inspections = hole
            .inspections
            .iter()
            .filter_map(|index| simulation.inspections.get(*index));
        json!({
            "where": hole.attacker.means().name(),
            "after": hole.after.map(|step| simulation.step(step)),
            "step": simulation.step(hole.step),
            "acts": hole.acts.iter().map(|act| act.name()).collect::<Vec<_>>(),
            "inspections": inspections.map(|it| it.name.as_str()).collect::<Vec<_>>(),
        })
    };
    let artifact = |(path, holes): (&&str, &Vec<Hole>)| json!({"path": path, "holes": holes.iter().map(hole).collect::<Vec<_>>()});
    Value::Array(artifacts.iter().map(artifact).collect())
}

fn keyid(simulation: &Simulation, index: usize) -> &str {
    simulation.keys.get(index).map_or("", |key| key.id.as_str())
}

fn can(simulation: &Simulation, attacker: Attacker) -> Value {
    let powers = powers(simulation, attacker);
    let power = |((step, act), names): (&(usize, Act), &Vec<&str>)| json!({"step": simulation.step(*step), "act": act.name(), "products": names});
    Value::Array(powers.iter().map(power).collect())
}
