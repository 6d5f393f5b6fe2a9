//! The chain as a drawing: items from top to bottom, beside them what flows from one to another. Narrow
//! on purpose, so that it can be read on a phone.

use std::collections::BTreeMap;
use std::io::{self, Write};

use crate::model::counted;
use crate::report::{Chain, ChainLink, Flow, Item, ItemKind, Report, Status};

use super::super::graph::{Drawing, Line, Shape};
use super::super::words;

/// How wide a box is.
const WIDTH: usize = 340;

/// What flows from one item to another, by any rules.
struct Edge<'a> {
    from: usize,
    to: usize,
    flows: Vec<&'a Flow>,
}

/// Draws the chain.
pub(super) fn graph(report: &Report, chain: &Chain, out: &mut dyn Write) -> io::Result<()> {
    let links: BTreeMap<usize, &ChainLink> =
        chain.links.iter().map(|link| (link.item, link)).collect();
    let items = report.items.iter().enumerate();
    let drawing = Drawing {
        width: WIDTH,
        boxes: items
            .map(|(at, item)| shape(at, item, links.get(&at).copied()))
            .collect(),
        arrows: edges(chain).iter().map(|edge| edge.line(report)).collect(),
    };
    let (width, height) = drawing.size();
    writeln!(
        out,
        r#"<svg viewBox="0 0 {width} {height}" width="{width}" height="{height}" role="img" aria-label="The chain: {}">"#,
        counted(report.items.len(), "item")
    )?;
    drawing.write(out)?;
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

impl Edge<'_> {
    fn line(&self, report: &Report) -> Line {
        Line {
            from: self.from,
            to: self.to,
            class: self.look(report),
            words: self.words(),
            pill: Some(short(self.sum(|flow| flow.same))),
            title: self.title(report),
        }
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
            .map(|flow| counted_short(flow.same, flow.to_side.noun()))
            .collect();
        match self.sum(|flow| flow.different) {
            0 if words.is_empty() => words.push("nothing".to_owned()),
            0 => {}
            different => words.push(format!("{} changed", short(different))),
        }
        words.join(", ")
    }

    fn title(&self, report: &Report) -> String {
        let name = |index: usize| {
            let item = report.items.get(index);
            item.map_or("", |item| item.name.as_str())
        };
        format!("{} to {}: {}", name(self.from), name(self.to), self.words())
    }
}

fn counted_short(count: usize, noun: &str) -> String {
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

fn shape(at: usize, item: &Item, link: Option<&ChainLink>) -> Shape {
    let state = match item.status {
        Status::Passed => "passed",
        Status::Failed => "failed",
        Status::NotReached => "not reached",
    };
    Shape {
        class: words::status(item.status),
        href: Some(format!("#item-{at}")),
        title: format!("{} {}", words::kind(item.kind), item.name),
        level: item.name.matches('/').count(),
        name: item.name.clone(),
        corner: state.to_owned(),
        lines: vec![signers(item), amounts(link)],
    }
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
            counted(link.materials.len(), "material"),
            counted(link.products.len(), "product")
        ),
    }
}
