//! A layout for Mermaid, as the pages of GitHub and GitLab draw it.

use std::io::{self, Write};

use crate::author::Graph;
use crate::model::printable;

use super::{command, rules, signers, threshold};

/// Writes a layout as a flowchart.
///
/// # Errors
/// Those of the writer.
pub fn mermaid(graph: &Graph, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "flowchart TB")?;
    for (at, item) in graph.items.iter().enumerate() {
        let mut lines = vec![item.name.clone(), threshold(item)];
        if item.signers.is_some() {
            lines.push(signers(item));
        }
        lines.extend(command(item));
        let lines: Vec<String> = lines.iter().map(|line| entities(line)).collect();
        let (open, close) = match item.signers {
            Some(_) => ("[", "]"),
            None => ("([", "])"),
        };
        writeln!(out, "  n{at}{open}\"{}\"{close}", lines.join("<br/>"))?;
    }
    for arrow in &graph.arrows {
        let label = entities(&rules(arrow));
        writeln!(out, "  n{} -->|\"{label}\"| n{}", arrow.from, arrow.to)?;
    }
    Ok(())
}

/// Text of a label. Mermaid reads HTML and Markdown in it; everything but letters, digits, spaces and
/// a few signs becomes an entity, which it has by number as `#35;`.
fn entities(text: &str) -> String {
    let mut entities = String::new();
    for character in printable(text).chars() {
        match character {
            ' ' | '.' | ',' | '/' | ':' | '-' => entities.push(character),
            _ if character.is_alphanumeric() => entities.push(character),
            _ => entities.push_str(&format!("#{};", u32::from(character))),
        }
    }
    // Dashes at the start of a line would be a list.
    match entities.strip_prefix('-') {
        Some(rest) => format!("#45;{rest}"),
        None => entities,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::graph::tests::{chain, hostile};

    fn written(graph: &Graph) -> String {
        let mut out = Vec::new();
        mermaid(graph, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_mermaid_reads_as_more_than_text_becomes_entities() {
        assert_eq!(entities("a/b-c.d*"), "a/b-c.d#42;");
        assert_eq!(entities("\"#`<_&"), "#34;#35;#96;#60;#95;#38;");
        assert_eq!(entities("- x\n"), "#45; x#10;");
    }

    /// The text without what stands between quotes.
    fn outside(text: &str) -> String {
        text.split('"').step_by(2).collect()
    }

    #[test]
    fn hostile_names_stay_inside_of_their_quotations() {
        let text = written(&hostile());
        let plain = written(&chain(hostile().items.len()));
        assert_eq!(outside(&text), outside(&plain), "only labels differ");
        let tags = text.matches('<').count();
        assert_eq!(tags, text.matches("<br/>").count(), "no tags but ours");
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{0}']));
    }
}
