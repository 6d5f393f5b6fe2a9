//! The lines of layouts that findings are about, underlined.
//!
//! A DSSE payload has no lines in its file, so it is shown as it would be written with some. Nothing
//! of a document comes out that a terminal obeys.

use std::collections::{BTreeMap, BTreeSet};

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

use crate::encoding::{Span, indented, locate_all};
use crate::model::{Envelope, Form, is_unprintable};
use crate::report::{Place, Report};

/// How many lines are underlined. Of something longer, its name is.
const LINES_AT_MOST: usize = 6;

/// How many characters a line may have. A longer one is most likely the whole document, and only
/// what is underlined is shown of it.
const LINE_AT_MOST: usize = 160;

/// How wide a snippet may be, in columns.
const WIDTH: usize = 120;

/// The documents that a report's findings are about.
#[derive(Debug, Default)]
pub struct Sources(BTreeMap<String, Source>);

/// The text of a document, and where values stand in it by their pointers.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) text: String,
    pub(super) spans: BTreeMap<String, Span>,
}

impl Sources {
    /// Reads what the findings of a report are about; `read` gives the bytes of a document.
    pub fn of(report: &Report, read: impl Fn(&str) -> Option<Vec<u8>>) -> Self {
        let mut wanted: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
        let places = report
            .all_findings()
            .filter_map(|finding| finding.place.as_ref());
        for place in places {
            let pointers = wanted.entry(&place.document).or_default();
            if pointers.insert(place.pointer.clone()) {
                pointers.insert(named(&place.pointer));
            }
        }
        let mut sources = BTreeMap::new();
        for (document, pointers) in wanted {
            if let Some(text) = read(document).and_then(|bytes| text(bytes, &pointers)) {
                let found = locate_all(text.as_bytes(), pointers.iter().map(String::as_str));
                let found = found.into_iter();
                let spans = found
                    .map(|(pointer, span)| (pointer.to_owned(), span))
                    .collect();
                sources.insert(document.to_owned(), Source { text, spans });
            }
        }
        Self(sources)
    }

    /// The lines of a place, underlined; empty where they are not known.
    pub(super) fn snippet(&self, place: &Place, color: bool) -> Vec<String> {
        let Some(source) = self.0.get(&place.document) else {
            return Vec::new();
        };
        source.snippet(&place.pointer, color)
    }
}

impl Source {
    /// The lines of a value, underlined, or of the name in it; empty where they are not known.
    pub(super) fn snippet(&self, pointer: &str, color: bool) -> Vec<String> {
        let short = |span: &&Span| span.end_line - span.line < LINES_AT_MOST;
        let span = self.spans.get(pointer).filter(short);
        let Some(span) = span.or_else(|| self.spans.get(&named(pointer))) else {
            return Vec::new();
        };
        self.underlined(span, color)
    }

    fn underlined(&self, span: &Span, color: bool) -> Vec<String> {
        underlined(&self.text, span, color)
    }
}

/// The lines of a text in which a span stands, which is underlined.
pub fn underlined(text: &str, span: &Span, color: bool) -> Vec<String> {
    let start = text.get(..span.start).unwrap_or_default();
    let value = text.get(span.start..span.end).unwrap_or_default();
    let end = text.get(span.end..).unwrap_or_default();
    let before = start.rsplit('\n').next().unwrap_or_default();
    let behind = end.split('\n').next().unwrap_or_default();
    let long = |text: &str| text.chars().nth(LINE_AT_MOST).is_some();
    let (before, value, behind) = if long(&format!("{before}{value}{behind}")) {
        (String::new(), shortened(value), String::new())
    } else {
        (clean(before), clean(value), clean(behind))
    };
    let range = before.len()..before.len() + value.len();
    let snippet = Snippet::source(format!("{before}{value}{behind}"))
        .line_start(span.line)
        .annotation(AnnotationKind::Primary.span(range));
    let renderer = if color {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let group = Group::with_level(Level::ERROR).element(snippet);
    let shown = renderer.term_width(WIDTH).render(&[group]);
    let lines = shown.lines().filter(|line| !line.trim().is_empty());
    lines.map(|line| line.trim_end().to_owned()).collect()
}

/// Where something that is too long to be underlined has its name.
pub(super) fn named(pointer: &str) -> String {
    format!("{pointer}/name")
}

/// The text that the pointers are about.
fn text(bytes: Vec<u8>, pointers: &BTreeSet<String>) -> Option<String> {
    let signed = |pointer: &String| pointer.starts_with("/signed");
    if !pointers.iter().any(signed) {
        let envelope = Envelope::from_bytes(&bytes).ok()?;
        if envelope.form() == Form::Dsse {
            return Some(indented(envelope.payload()));
        }
    }
    String::from_utf8(bytes).ok()
}

/// A text on as many lines, in which nothing is left that a terminal obeys, or a CI (`##[…]`).
fn clean(text: &str) -> String {
    let shown = |character| match character {
        '\n' => '\n',
        '\t' | '\r' => ' ',
        _ if is_unprintable(character) => char::REPLACEMENT_CHARACTER,
        _ => character,
    };
    let shown: String = text.chars().map(shown).collect();
    shown.replace("##", "#\u{fffd}")
}

/// The text on one line, its middle left out if it is long.
fn shortened(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    middle_out(&clean(&words.join(" ")), LINE_AT_MOST / 2)
}

/// A text without its middle if it has more than so many characters.
pub(super) fn middle_out(text: &str, most: usize) -> String {
    let count = text.chars().count();
    if count <= most {
        return text.to_owned();
    }
    let kept = most / 2;
    let start: String = text.chars().take(kept).collect();
    let end: String = text.chars().skip(count - kept).collect();
    format!("{start}…{end}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Finding, LayoutSummary, Problem};

    fn shown(document: &str, pointer: &str) -> String {
        let place = Place {
            document: "d".to_owned(),
            pointer: pointer.to_owned(),
        };
        let mut report = Report::new(LayoutSummary::default());
        let finding = Finding::error(Problem::LayoutEmpty, Some(place.clone()));
        report.findings.push(finding);
        let sources = Sources::of(&report, |_| Some(document.as_bytes().to_vec()));
        sources.snippet(&place, false).join("\n")
    }

    #[test]
    fn the_line_is_underlined() {
        let text = "{\"signed\": {\n  \"a\": 1,\n  \"b\": \"é\u{202e}\u{9b}x\"\n}}";
        let said = shown(text, "/signed/b");
        assert!(
            said.contains("3 |   \"b\": \"é\u{fffd}\u{fffd}x\""),
            "{said}"
        );
        assert!(said.ends_with("|        ^^^^^^"), "{said}");
    }

    #[test]
    fn a_long_value_is_known_by_its_name() {
        let list = "1,\n".repeat(20);
        let text = format!("{{\"signed\": {{\"s\": {{\n\"l\": [{list}1],\n\"name\": \"x\"}}}}}}");
        let said = shown(&text, "/signed/s");
        assert!(
            said.contains("\"name\": \"x\"") && !said.contains("\"l\""),
            "{said}"
        );
        assert_eq!(shown(&text, "/signed/s/l"), "");
        assert_eq!(shown(&text, "/signed/q"), "");
        assert_eq!(shown("{", "/signed/q"), "");
    }

    #[test]
    fn of_one_endless_line_only_the_value_is_shown() {
        let much = "x".repeat(10_000);
        let text = format!("{{\"signed\":{{\"a\":\"{much}\",\"b\":[\"ALLOW\",\"y\"]}}}}");
        let said = shown(&text, "/signed/b");
        assert!(said.contains("1 | [\"ALLOW\",\"y\"]"), "{said}");
        let said = shown(&text, "/signed/a");
        assert!(
            said.lines().all(|line| line.chars().count() < WIDTH),
            "{said}"
        );
    }

    #[test]
    fn a_dsse_payload_is_shown_as_it_would_be_written() {
        use base64::Engine as _;
        let payload =
            base64::engine::general_purpose::STANDARD.encode(r#"{"_type":"layout","a":[1]}"#);
        let text = format!(
            r#"{{"payload":"{payload}","payloadType":"{}","signatures":[]}}"#,
            crate::model::PAYLOAD_TYPE
        );
        let said = shown(&text, "/_type");
        assert!(said.contains("\"_type\": \"layout\""), "{said}");
    }
}
