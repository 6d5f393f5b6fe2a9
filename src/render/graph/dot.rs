//! A layout for Graphviz.

use std::io::{self, Write};

use crate::author::Graph;
use crate::model::printable;

use super::{command, rules, signers, threshold};

/// Writes a layout in the DOT language.
///
/// # Errors
/// Those of the writer.
pub fn dot(graph: &Graph, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "digraph layout {{")?;
    writeln!(out, "  rankdir=TB;")?;
    writeln!(out, "  node [shape=box, fontname=\"sans-serif\"];")?;
    writeln!(out, "  edge [fontname=\"sans-serif\", fontsize=10];")?;
    for (at, item) in graph.items.iter().enumerate() {
        let mut lines = vec![item.name.clone(), threshold(item)];
        if item.signers.is_some() {
            lines.push(signers(item));
        }
        lines.extend(command(item));
        let style = match item.signers {
            Some(_) => "",
            None => ", style=dashed",
        };
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        writeln!(out, "  n{at} [label={}{style}];", quoted(&lines))?;
    }
    for arrow in &graph.arrows {
        let lines = [rules(arrow)];
        writeln!(
            out,
            "  n{} -> n{} [label={}];",
            arrow.from,
            arrow.to,
            quoted(&lines.each_ref().map(String::as_str))
        )?;
    }
    writeln!(out, "}}")
}

/// A label of several lines as a quoted string. In labels `\` begins an escape, and `&` an entity of
/// HTML.
fn quoted(lines: &[&str]) -> String {
    let mut quoted = String::from("\"");
    for (at, line) in lines.iter().enumerate() {
        if at > 0 {
            quoted.push_str("\\n");
        }
        for character in printable(line).chars() {
            match character {
                '"' => quoted.push_str("\\\""),
                '\\' => quoted.push_str("\\\\"),
                '&' => quoted.push_str("&amp;"),
                '\n' => quoted.push_str("\\\\n"),
                _ => quoted.push(character),
            }
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::graph::tests::{chain, hostile};

    fn written(graph: &Graph) -> String {
        let mut out = Vec::new();
        dot(graph, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn labels_end_where_they_should() {
        assert_eq!(
            quoted(&["a\"b\\", "c\n\u{1b}&lt;"]),
            r#""a\"b\\\nc\\n\\u{1b}&amp;lt;""#
        );
    }

    /// What stands outside of quoted strings.
    fn outside(text: &str) -> String {
        let (mut outside, mut inside, mut characters) = (String::new(), false, text.chars());
        while let Some(character) = characters.next() {
            match character {
                '"' => inside = !inside,
                '\\' if inside => drop(characters.next()),
                _ if !inside => outside.push(character),
                _ => {}
            }
        }
        assert!(!inside, "a quotation does not end");
        outside
    }

    #[test]
    fn hostile_names_stay_inside_of_their_quotations() {
        let text = written(&hostile());
        let lengths = |text: &str| outside(text).lines().count();
        assert_eq!(
            lengths(&text),
            text.lines().count(),
            "no line end in a label"
        );
        let plain = written(&chain(hostile().items.len()));
        assert_eq!(outside(&text), outside(&plain), "only labels differ");
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{0}']));
    }
}
