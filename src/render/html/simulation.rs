//! The same page about a simulation: the figures, and a matrix of artifacts and places.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::model::counted;
use crate::report::{Act, Attacker, Means, Simulation};

use super::super::simulation::{done, key, means, pairs, powers, remarks, tampering};
use super::super::words::markup;
use super::{STYLE, digest, prose};

const MATRIX: &str = include_str!("matrix.css");

/// How many artifacts have a row of their own; those with holes come first.
const ROWS_AT_MOST: usize = 2_000;

/// How many names stand in a list before the rest is counted.
const NAMED_AT_MOST: usize = 20;

/// Writes the simulation.
///
/// # Errors
/// The writer's.
pub fn simulation_html(simulation: &Simulation, out: &mut dyn Write) -> io::Result<()> {
    let style = format!("{STYLE}{MATRIX}");
    let overall = simulation.overall();
    let class = if overall.tried > 0 && overall.refused == overall.tried {
        "pass"
    } else {
        "undecided"
    };
    write!(
        out,
        r#"<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<title>What would get through: {}</title>
<style>{style}</style>
</head>
<body class="{class}">
<header><p class="kicker">What would get through</p><h1>{} refused</h1><p class="tally">{} of {} tamperings that need no functionary's key</p><dl class="facts"><dt>Layout</dt><dd class="mono">{}</dd><dt>As of</dt><dd>{}</dd></dl></header>
<main>
"#,
        digest(&style),
        markup(&simulation.layout),
        overall.share(),
        overall.refused,
        overall.tried,
        markup(&simulation.layout),
        simulation.now,
    )?;
    figures(simulation, out)?;
    matrix(simulation, out)?;
    additions(simulation, out)?;
    files(simulation, out)?;
    keys(simulation, out)?;
    writeln!(out, "<section><h2>To know</h2><ul class=\"plain\">")?;
    for remark in remarks(simulation) {
        writeln!(out, "<li>{}</li>", prose(&remark))?;
    }
    writeln!(
        out,
        "</ul></section></main>\n<footer>Each tampering was tried by itself. What nobody thought of was not tried. This page was made by linkwright {} and is no evidence itself.</footer>\n</body>\n</html>",
        env!("CARGO_PKG_VERSION")
    )
}

fn figures(simulation: &Simulation, out: &mut dyn Write) -> io::Result<()> {
    writeln!(
        out,
        "<section><h2>Figures</h2><table><thead><tr><th>What an attacker has</th><th>Refused</th><th>Tried</th><th>Share</th></tr></thead><tbody>"
    )?;
    for kind in Means::ALL {
        let tally = simulation.tally(kind);
        let share = tally.share();
        writeln!(
            out,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{share}</td></tr>",
            means(kind),
            tally.refused,
            tally.tried
        )?;
    }
    writeln!(out, "</tbody></table></section>")
}

/// What was tried on an artifact in one place: what passed, out of how much.
#[derive(Default)]
struct Cell {
    tried: usize,
    passed: Vec<Act>,
}

type Row = BTreeMap<(usize, Attacker), Cell>;

fn matrix(simulation: &Simulation, out: &mut dyn Write) -> io::Result<()> {
    let mut rows: BTreeMap<&str, Row> = BTreeMap::new();
    for attempt in &simulation.attempts {
        if matches!(attempt.attacker, Attacker::Between | Attacker::Within)
            && attempt.act != Act::Add
        {
            let row = rows.entry(&attempt.to).or_default();
            let cell = row.entry((attempt.step, attempt.attacker)).or_default();
            cell.tried += 1;
            cell.passed.extend(attempt.passes.then_some(attempt.act));
        }
    }
    let mut rows: Vec<(&str, Row)> = rows.into_iter().collect();
    rows.sort_by_key(|(_, row)| row.values().all(|cell| cell.passed.is_empty()));
    let hidden = rows.len().saturating_sub(ROWS_AT_MOST);
    writeln!(
        out,
        r#"<section><h2>Artifacts</h2><p class="soft">C: can be changed, R: removed, N: renamed. ✓: all of it is refused. Empty: not recorded there.</p><div class="wide"><table class="matrix"><thead><tr><th>Artifact</th>"#
    )?;
    for step in &simulation.steps {
        let name = markup(step.name.as_str());
        writeln!(out, "<th>before<br>{name}</th><th>within<br>{name}</th>")?;
    }
    writeln!(out, "</tr></thead><tbody>")?;
    for (name, row) in rows.iter().take(ROWS_AT_MOST) {
        write!(out, r#"<tr><th class="mono">{}</th>"#, markup(name))?;
        for step in 0..simulation.steps.len() {
            for attacker in [Attacker::Between, Attacker::Within] {
                cell(row.get(&(step, attacker)), out)?;
            }
        }
        writeln!(out, "</tr>")?;
    }
    writeln!(out, "</tbody></table></div>")?;
    if hidden > 0 {
        writeln!(
            out,
            "<p>and {}, most of them without holes</p>",
            counted(hidden, "more artifact")
        )?;
    }
    writeln!(out, "</section>")
}

fn cell(cell: Option<&Cell>, out: &mut dyn Write) -> io::Result<()> {
    let Some(cell) = cell else {
        return write!(out, "<td></td>");
    };
    if cell.passed.is_empty() {
        return write!(out, r#"<td class="yes">✓</td>"#);
    }
    let letters: String = cell.passed.iter().map(|act| letter(*act)).collect();
    let words: Vec<&str> = cell.passed.iter().map(|act| done(*act)).collect();
    write!(
        out,
        r#"<td class="no" title="can be {}">{letters}</td>"#,
        words.join(", ")
    )
}

fn letter(act: Act) -> &'static str {
    match act {
        Act::Change => "C",
        Act::Remove => "R",
        Act::Rename => "N",
        Act::Add
        | Act::Withhold
        | Act::CutOff
        | Act::Unsigned
        | Act::Stranger
        | Act::Altered
        | Act::OtherStep(_)
        | Act::OtherMaker(_)
        | Act::OtherRun
        | Act::SameMaterials
        | Act::AllSameMaterials => "",
    }
}

fn additions(simulation: &Simulation, out: &mut dyn Write) -> io::Result<()> {
    let added = simulation.holes().filter(|it| {
        it.act == Act::Add && matches!(it.attacker, Attacker::Between | Attacker::Within)
    });
    list(
        "Files that could be added",
        added.map(|it| tampering(simulation, it)),
        out,
    )
}

fn files(simulation: &Simulation, out: &mut dyn Write) -> io::Result<()> {
    let files = simulation
        .holes()
        .filter(|it| it.attacker == Attacker::Links);
    list("Link files", files.map(|it| tampering(simulation, it)), out)
}

fn list(
    title: &str,
    sentences: impl Iterator<Item = String>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let sentences: Vec<String> = sentences.collect();
    if sentences.is_empty() {
        return Ok(());
    }
    writeln!(out, "<section><h2>{title}</h2><ul class=\"plain\">")?;
    for sentence in sentences.iter().take(ROWS_AT_MOST) {
        writeln!(out, "<li>{}</li>", prose(sentence))?;
    }
    if let more @ 1.. = sentences.len().saturating_sub(ROWS_AT_MOST) {
        writeln!(out, "<li>and {more} more</li>")?;
    }
    writeln!(out, "</ul></section>")
}

fn keys(simulation: &Simulation, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "<section><h2>Keys</h2>")?;
    for index in 0..simulation.keys.len() {
        let title = format!("Whoever has the key {} can change", key(simulation, index));
        powers_of(simulation, Attacker::Key(index), &title, out)?;
    }
    for (one, two) in pairs(simulation) {
        let (first, second) = (key(simulation, one), key(simulation, two));
        let title = format!("Only with both keys {first} and {second}");
        powers_of(simulation, Attacker::Keys(one, two), &title, out)?;
    }
    writeln!(out, "</section>")
}

fn powers_of(
    simulation: &Simulation,
    attacker: Attacker,
    title: &str,
    out: &mut dyn Write,
) -> io::Result<()> {
    writeln!(out, "<h3>{}</h3><ul class=\"plain\">", prose(title))?;
    let powers = powers(simulation, attacker);
    if powers.is_empty() {
        writeln!(out, "<li>nothing alone</li>")?;
    }
    for ((step, act), names) in powers {
        let shown = names.iter().take(NAMED_AT_MOST);
        let shown: Vec<String> = shown
            .map(|name| format!("<code>{}</code>", markup(name)))
            .collect();
        let more = match names.len().saturating_sub(NAMED_AT_MOST) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        writeln!(
            out,
            "<li>products of <code>{}</code>, {}: {}{more}</li>",
            markup(simulation.step(step)),
            done(act),
            shown.join(" ")
        )?;
    }
    writeln!(out, "</ul>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::KeyId;
    use crate::model::{ItemName, Moment};
    use crate::report::{Attempt, SimulatedKey, SimulatedStep};

    const HOSTILE: &str = "<script>alert(1)</script>\u{1b}[31m\"'&";

    fn simulation() -> Simulation {
        let attempt = |attacker, act| Attempt {
            attacker,
            step: 0,
            after: None,
            act,
            to: HOSTILE.to_owned(),
            passes: true,
            inspections: Vec::new(),
        };
        Simulation {
            layout: HOSTILE.to_owned(),
            signed: false,
            now: Moment::parse("2030-01-01T00:00:00Z").unwrap(),
            steps: vec![SimulatedStep {
                name: ItemName::new("<b>").unwrap(),
                threshold: 1,
                links: 1,
                sublayout: true,
            }],
            keys: vec![SimulatedKey {
                id: KeyId::new("<i>0000000"),
                steps: vec![0],
                certified: true,
            }],
            attempts: vec![
                attempt(Attacker::Between, Act::Change),
                attempt(Attacker::Within, Act::Add),
                attempt(Attacker::Links, Act::OtherStep(0)),
                attempt(Attacker::Key(0), Act::Remove),
                attempt(Attacker::Keys(0, 0), Act::Rename),
            ],
            uncounted: BTreeMap::new(),
            inspections: Vec::new(),
            confirmed: 0,
        }
    }

    #[test]
    fn nothing_from_outside_is_markup_or_moves_a_terminal() {
        let (mut page, mut human, mut json) = (Vec::new(), Vec::new(), Vec::new());
        simulation_html(&simulation(), &mut page).unwrap();
        super::super::super::simulation_human(&simulation(), &mut human).unwrap();
        super::super::super::simulation_json(&simulation(), &mut json).unwrap();
        let page = String::from_utf8(page).unwrap();
        for markup in ["<script", "<i>", "<b>", "\u{1b}"] {
            assert!(!page.contains(markup), "{markup:?}");
        }
        for text in [human, json] {
            assert!(!text.contains(&0x1b));
        }
        assert!(page.contains("&lt;script&gt;"));
    }
}
