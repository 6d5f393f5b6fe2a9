//! The chain as a drawing (SVG): items from top to bottom, beside them what flows from one to another.
//!
//! Narrow on purpose, so that it can be read on a phone: flows between neighbours run straight down,
//! the others through lanes on the right.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::report::{Chain, ChainLink, Flow, Item, ItemKind, Report, Status};

use super::super::words::{self, markup, plural};

const WIDTH: usize = 340;
const HEIGHT: usize = 74;
const GAP: usize = 46;
/// Between a lane and the next.
const LANE: usize = 34;
/// How far items of a sublayout are set in.
const INDENT: usize = 18;
/// How many levels are set in; what is deeper stands below them.
const INDENTED_AT_MOST: usize = 6;
/// How many characters of a name fit into its box.
const NAME_FITS: usize = 26;

/// What flows from one item to another, by any rules.
struct Edge<'a> {
    from: usize,
    to: usize,
    flows: Vec<&'a Flow>,
}

/// Draws the chain.
pub(super) fn graph(report: &Report, chain: &Chain, out: &mut dyn Write) -> io::Result<()> {
    let edges = edges(chain);
    let far: Vec<&Edge<'_>> = edges.iter().filter(|edge| !edge.is_near()).collect();
    let lanes = lanes(&far);
    let most = lanes.iter().max().map_or(0, |lane| lane + 1);
    let width = WIDTH + most * LANE + if most > 0 { 6 } else { 0 };
    let count = report.items.len();
    let height = count * (HEIGHT + GAP) - GAP;
    writeln!(
        out,
        r#"<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="The chain: {}">"#,
        plural(count, "item")
    )?;
    let links: BTreeMap<usize, &ChainLink> =
        chain.links.iter().map(|link| (link.item, link)).collect();
    for (edge, lane) in far.into_iter().zip(lanes) {
        edge.draw_far(lane, report, out)?;
    }
    for edge in edges.iter().filter(|edge| edge.is_near()) {
        edge.draw_near(report, out)?;
    }
    for (index, item) in report.items.iter().enumerate() {
        node(index, item, links.get(&index).copied(), out)?;
    }
    writeln!(out, "</svg>")
}

fn edges(chain: &Chain) -> Vec<Edge<'_>> {
    let mut edges: BTreeMap<(usize, usize), Vec<&Flow>> = BTreeMap::new();
    for flow in chain.flows.iter().filter(|flow| flow.from != flow.to) {
        edges.entry((flow.from, flow.to)).or_default().push(flow);
    }
    let edge = |((from, to), flows)| Edge { from, to, flows };
    edges.into_iter().map(edge).collect()
}

/// The lane of each edge, so that none lies over another: the first that is free all along.
fn lanes(edges: &[&Edge<'_>]) -> Vec<usize> {
    let mut taken: Vec<Vec<(usize, usize)>> = Vec::new();
    let mut lanes = Vec::new();
    for edge in edges {
        let (top, bottom) = (edge.from.min(edge.to), edge.from.max(edge.to));
        let free = |spans: &Vec<(usize, usize)>| {
            spans
                .iter()
                .all(|(start, end)| bottom < *start || top > *end)
        };
        let lane = taken.iter().position(free).unwrap_or_else(|| {
            taken.push(Vec::new());
            taken.len() - 1
        });
        if let Some(spans) = taken.get_mut(lane) {
            spans.push((top, bottom));
        }
        lanes.push(lane);
    }
    lanes
}

fn top(index: usize) -> usize {
    index * (HEIGHT + GAP)
}

fn left(item: &Item) -> usize {
    let depth = item.name.matches('/').count();
    depth.min(INDENTED_AT_MOST) * INDENT
}

impl Edge<'_> {
    fn is_near(&self) -> bool {
        self.to == self.from + 1
    }

    fn sum(&self, of: fn(&Flow) -> usize) -> usize {
        self.flows.iter().map(|flow| of(flow)).sum()
    }

    /// How it looks: broken where digests differ and the rules were not content, or where nothing
    /// came through to an item that needs it.
    fn look(&self, report: &Report) -> &'static str {
        let status = report.items.get(self.to).map(|item| item.status);
        let content = status == Some(Status::Passed);
        let (same, different) = (self.sum(|flow| flow.same), self.sum(|flow| flow.different));
        match (content, same, different) {
            (false, _, 1..) => "broken",
            (false, 0, 0) => "broken none",
            (true, 0, _) => "none",
            _ => "flow",
        }
    }

    fn words(&self) -> String {
        let mut words: Vec<String> = self
            .flows
            .iter()
            .filter(|flow| flow.same > 0)
            .map(|flow| counted(flow.same, flow.to_side.noun()))
            .collect();
        match self.sum(|flow| flow.different) {
            0 if words.is_empty() => words.push("nothing".to_owned()),
            0 => {}
            different => words.push(format!("{} changed", short(different))),
        }
        words.join(", ")
    }

    fn draw_near(&self, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let (x, start) = (38, top(self.from) + HEIGHT);
        let end = start + GAP;
        writeln!(
            out,
            r#"<g class="{}"><path class="edge" d="M{x} {start}V{}"/><path class="tip" d="M{} {}l5 8l5 -8z"/><text class="small" x="{}" y="{}">{}</text></g>"#,
            self.look(report),
            end - 7,
            x - 5,
            end - 8,
            x + 14,
            start + GAP / 2 + 4,
            markup(&self.words())
        )
    }

    fn draw_far(&self, lane: usize, report: &Report, out: &mut dyn Write) -> io::Result<()> {
        let x = WIDTH + 20 + lane * LANE;
        // Leaving and coming in at different heights of a box.
        let (start, end) = (top(self.from) + HEIGHT * 2 / 3, top(self.to) + HEIGHT / 3);
        let (bend, back) = if end > start { (10, "") } else { (10, "-") };
        let forth = if back.is_empty() { "" } else { "-" };
        let last = if back.is_empty() {
            end - bend
        } else {
            end + bend
        };
        let middle = start.midpoint(end);
        let count = self.sum(|flow| flow.same);
        write!(
            out,
            r#"<g class="{}"><title>{}</title><path class="edge" d="M{WIDTH} {start}H{}q{bend} 0 {bend} {forth}{bend}V{last}q0 {forth}{bend} -{bend} {forth}{bend}H{}"/>"#,
            self.look(report),
            markup(&self.title(report)),
            x - bend,
            WIDTH + 8
        )?;
        writeln!(
            out,
            r#"<path class="tip" d="M{WIDTH} {end}l8 -5v10z"/><rect class="pill" x="{}" y="{}" width="30" height="18" rx="9"/><text class="small" x="{x}" y="{}" text-anchor="middle">{}</text></g>"#,
            x.saturating_sub(15),
            middle.saturating_sub(9),
            middle + 4,
            short(count)
        )
    }

    fn title(&self, report: &Report) -> String {
        let name = |index: usize| {
            let item = report.items.get(index);
            item.map_or("", |item| item.name.as_str())
        };
        format!("{} to {}: {}", name(self.from), name(self.to), self.words())
    }
}

fn counted(count: usize, noun: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{} {noun}{s}", short(count))
}

/// A count in at most four characters.
fn short(count: usize) -> String {
    match count {
        0..=9_999 => count.to_string(),
        10_000..=999_999 => format!("{}k", count / 1000),
        _ => format!("{}M", count / 1_000_000),
    }
}

fn node(
    index: usize,
    item: &Item,
    link: Option<&ChainLink>,
    out: &mut dyn Write,
) -> io::Result<()> {
    let (x, y) = (left(item), top(index));
    let state = match item.status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::NotReached => "not reached",
    };
    writeln!(
        out,
        r##"<a href="#item-{index}" class="{}"><title>{}</title><rect class="box" x="{x}.5" y="{y}.5" width="{}" height="{}" rx="8"/><rect class="bar" x="{x}" y="{y}" width="6" height="{HEIGHT}" rx="3"/>"##,
        words::status(item.status),
        markup(&format!("{} {}", words::kind(item.kind), item.name)),
        WIDTH - x - 1,
        HEIGHT - 1
    )?;
    let mut name: String = item.name.chars().take(NAME_FITS).collect();
    if name.len() < item.name.len() {
        name.push('…');
    }
    writeln!(
        out,
        r#"<text class="name" x="{}" y="{}">{}</text><text class="state" x="{}" y="{}" text-anchor="end">{state}</text>"#,
        x + 18,
        y + 24,
        markup(&name),
        WIDTH - 12,
        y + 24
    )?;
    writeln!(
        out,
        r#"<text class="small" x="{}" y="{}">{}</text><text class="small" x="{}" y="{}">{}</text></a>"#,
        x + 18,
        y + 43,
        markup(&signers(item)),
        x + 18,
        y + 61,
        markup(&amounts(link))
    )
}

fn signers(item: &Item) -> String {
    let counted = item.links.iter().filter(|link| link.why_not.is_none());
    let ids: Vec<&str> = counted.map(|link| link.keyid.short()).collect();
    match ids.as_slice() {
        [] if item.kind == ItemKind::Step => "no link that counts".to_owned(),
        [] => words::kind(item.kind).to_owned(),
        [one] => format!("signed by {one}"),
        [one, other] => format!("signed by {one} and {other}"),
        [one, rest @ ..] => format!("signed by {one} and {} others", rest.len()),
    }
}

fn amounts(link: Option<&ChainLink>) -> String {
    match link {
        None => String::new(),
        Some(link) if !link.performed => "nothing that could be used".to_owned(),
        Some(link) => format!(
            "{} → {}",
            plural(link.materials.len(), "material"),
            plural(link.products.len(), "product")
        ),
    }
}
