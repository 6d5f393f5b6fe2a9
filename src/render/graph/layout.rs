//! A layout as a picture of its own (SVG). It needs nothing but itself, runs nothing, and is read on
//! light and dark ground alike.

use std::io::{self, Write};

use crate::author::{Arrow, Graph, Node};
use crate::model::counted;

use super::super::words::markup;
use super::{Drawing, Line, Shape, command, rules, signers, threshold};

/// How wide a box is.
const WIDTH: usize = 440;
/// What is left free on all sides.
const MARGIN: usize = 16;
/// How many arrows that come from elsewhere are told in a box before they are only counted.
const TOLD: usize = 4;

/// Plain properties, no variables: more viewers know them.
const STYLE: &str = "
text{font-family:system-ui,-apple-system,'Segoe UI','DejaVu Sans',sans-serif;font-size:12px;fill:#5d6570}
.paper{fill:#fbfaf8}
.box,.pill{fill:#fff;stroke:#dedbd4}
.inspection .box{stroke-dasharray:5 4}
.name{font-size:15px;font-weight:600;fill:#1d2126}
.corner{fill:#1d2126}
.edge{fill:none;stroke:#5d6570;stroke-width:1.6}
.tip{fill:#5d6570}
.step .bar{fill:#2b5c9e}
.inspection .bar{fill:#8f6100}
@media (prefers-color-scheme:dark){
text{fill:#9aa3ad}
.paper{fill:#15181c}
.box,.pill{fill:#1c2025;stroke:#343a42}
.name,.corner{fill:#e6e8ea}
.edge{stroke:#9aa3ad}
.tip{fill:#9aa3ad}
.step .bar{fill:#86b4ee}
.inspection .bar{fill:#dfb355}
}
";

/// Draws a layout.
///
/// # Errors
/// Those of the writer.
pub fn svg(graph: &Graph, out: &mut dyn Write) -> io::Result<()> {
    let drawing = Drawing {
        width: WIDTH,
        boxes: graph
            .items
            .iter()
            .enumerate()
            .map(|(at, item)| shape(graph, at, item))
            .collect(),
        arrows: graph
            .arrows
            .iter()
            .map(|arrow| line(graph, arrow))
            .collect(),
    };
    let (width, height) = drawing.size();
    let (width, height) = (width + 2 * MARGIN, height + 2 * MARGIN);
    writeln!(
        out,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="-{MARGIN} -{MARGIN} {width} {height}" width="{width}" height="{height}" role="img" aria-label="{}">"#,
        markup(&label(graph))
    )?;
    writeln!(out, "<style>{STYLE}</style>")?;
    writeln!(
        out,
        r#"<rect class="paper" x="-{MARGIN}" y="-{MARGIN}" width="{width}" height="{height}"/>"#
    )?;
    drawing.write(out)?;
    writeln!(out, "</svg>")
}

fn label(graph: &Graph) -> String {
    let steps = graph.items.iter().filter(|item| item.signers.is_some());
    let steps = steps.count();
    let inspections = graph.items.len() - steps;
    format!(
        "A layout of {} and {}",
        counted(steps, "step"),
        counted(inspections, "inspection")
    )
}

fn shape(graph: &Graph, at: usize, item: &Node) -> Shape {
    let class = match item.signers {
        Some(_) => "step",
        None => "inspection",
    };
    let mut lines = Vec::new();
    if item.signers.is_some() {
        lines.push(signers(item));
    }
    lines.extend(command(item).map(|command| format!("$ {command}")));
    let far = |arrow: &&Arrow| arrow.to == at && arrow.to != arrow.from + 1;
    let all: Vec<&Arrow> = graph.arrows.iter().filter(far).collect();
    lines.extend(all.iter().take(TOLD).map(|arrow| {
        let from = graph.items.get(arrow.from);
        let from = from.map_or("", |item| item.name.as_str());
        format!("← {from}: {}", rules(arrow))
    }));
    if all.len() > TOLD {
        lines.push(format!("← and from {} more", all.len() - TOLD));
    }
    Shape {
        class,
        href: None,
        title: format!("{class} {}", item.name),
        level: 0,
        name: item.name.clone(),
        corner: threshold(item),
        lines,
    }
}

fn line(graph: &Graph, arrow: &Arrow) -> Line {
    let name = |at: usize| graph.items.get(at).map_or("", |item| item.name.as_str());
    let words = rules(arrow);
    Line {
        from: arrow.from,
        to: arrow.to,
        class: "flow",
        title: format!("{} to {}: {words}", name(arrow.from), name(arrow.to)),
        words,
        pill: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::graph::tests::{HOSTILE, chain, hostile};

    fn drawn(graph: &Graph) -> String {
        let mut out = Vec::new();
        svg(graph, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn it_is_xml_with_a_box_for_each_item_and_a_path_for_each_arrow() {
        for steps in [0, 1, 5, 40] {
            let graph = chain(steps);
            let text = drawn(&graph);
            let xml = roxmltree::Document::parse(&text).unwrap();
            let of = |class: &str| {
                let all = xml.descendants();
                all.filter(|node| node.attribute("class") == Some(class))
                    .count()
            };
            assert_eq!(of("box"), steps);
            assert_eq!(of("edge"), graph.arrows.len());
        }
    }

    #[test]
    fn hostile_names_are_text_and_nothing_else() {
        let text = drawn(&hostile());
        let xml = roxmltree::Document::parse(&text).unwrap();
        let known = ["svg", "style", "rect", "g", "title", "path", "text"];
        for node in xml.descendants().filter(roxmltree::Node::is_element) {
            assert!(known.contains(&node.tag_name().name()), "{node:?}");
            let handler = |name: &str| name.starts_with("on") || name.ends_with("href");
            assert!(!node.attributes().any(|attribute| handler(attribute.name())));
        }
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{0}']));
        let titles: Vec<&str> = xml
            .descendants()
            .filter(|node| node.has_tag_name("title"))
            .filter_map(|node| node.text())
            .collect();
        assert!(titles.contains(&format!("step {}", HOSTILE[1]).as_str()));
    }

    #[test]
    fn everything_lies_inside_of_the_picture() {
        let graph = chain(40);
        let text = drawn(&graph);
        let xml = roxmltree::Document::parse(&text).unwrap();
        let number = |node: roxmltree::Node<'_, '_>, name: &str| -> f64 {
            node.attribute(name).unwrap().parse().unwrap()
        };
        let margin = f64::from(u32::try_from(MARGIN).unwrap());
        let (width, height) = (
            number(xml.root_element(), "width") - margin,
            number(xml.root_element(), "height") - margin,
        );
        for rect in xml
            .descendants()
            .filter(|node| node.has_tag_name("rect"))
            .skip(1)
        {
            assert!(number(rect, "x") + number(rect, "width") <= width);
            assert!(number(rect, "y") + number(rect, "height") <= height);
        }
    }
}
