//! What is wrong with a text form: all of it, each with its place.

use std::fmt;
use std::ops::Range;

use crate::encoding::Span;
use crate::model::{quoted, similar};

use super::places::span;
use super::tree::{Entry, Node, Spanned};

/// How many bytes of a value help repeats.
const REPEATED_AT_MOST: usize = 60;

/// How many errors are told. What is behind them is most likely their consequence.
const ERRORS_AT_MOST: usize = 100;

/// How many similar names are worth telling.
const SIMILAR_AT_MOST: usize = 2;

/// What stands in names besides ASCII letters and digits.
const NAME_MARKS: [char; 3] = ['_', '-', '.'];

/// Whether a text can name a key or a list of rules.
pub(super) fn is_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || NAME_MARKS.contains(&c);
    !name.is_empty() && name.chars().all(fits)
}

/// Something in a text form that has not the form it must have, or that should be known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextError {
    /// What is wrong, untrusted text in it escaped.
    pub message: String,
    /// What to do next.
    pub help: Option<String>,
    /// The word that it is about; `None` when it is about the whole text.
    pub span: Option<Span>,
}

impl fmt::Display for TextError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(span) = &self.span {
            write!(formatter, "line {}, column {}: ", span.line, span.column)?;
        }
        formatter.write_str(&self.message)
    }
}

/// Collects errors, and the readers of single values, which return `None` when they had to complain.
#[derive(Debug)]
pub(super) struct Errors<'t> {
    pub(super) text: &'t str,
    pub(super) found: Vec<TextError>,
    /// What is no error and should be known.
    pub(super) notes: Vec<TextError>,
}

impl<'t> Errors<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self {
            text,
            found: Vec::new(),
            notes: Vec::new(),
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.found.len() >= ERRORS_AT_MOST
    }

    pub(super) fn add(&mut self, at: &Range<usize>, message: impl Into<String>) {
        self.put(Some(at), message.into(), None);
    }

    pub(super) fn add_with_help(
        &mut self,
        at: &Range<usize>,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.put(Some(at), message.into(), Some(help.into()));
    }

    /// Complains of a name in which something else stands than ASCII letters, digits and these marks: two
    /// names that look the same would not be the same.
    pub(super) fn check_name(&mut self, entry: &Entry, what: &str) {
        if !is_name(&entry.name) {
            self.bad_name(entry, what, &NAME_MARKS);
        }
    }

    pub(super) fn bad_name(&mut self, entry: &Entry, what: &str, marks: &[char]) {
        let message = format!("{} cannot name {what}", quoted(&entry.name));
        let fits = |c: &char| c.is_ascii_alphanumeric() || marks.contains(c);
        let found = match entry.name.chars().find(|c| !fits(c)) {
            Some(odd) => format!(
                "{} (U+{:04X}) stands in it",
                quoted(&odd.to_string()),
                u32::from(odd)
            ),
            None => "it is empty".to_owned(),
        };
        let marks: Vec<String> = marks.iter().map(|mark| format!("`{mark}`")).collect();
        let help = format!(
            "{found}; names are of ASCII letters, digits, {}",
            marks.join(", ")
        );
        self.add_with_help(&entry.key, message, help);
    }

    pub(super) fn put(&mut self, at: Option<&Range<usize>>, message: String, help: Option<String>) {
        // Before the place is counted: a text can be made of nothing but errors.
        if self.is_full() {
            return;
        }
        let error = TextError {
            message,
            help,
            span: at.map(|at| span(self.text, at)),
        };
        if !self.found.contains(&error) {
            self.found.push(error);
        }
    }

    pub(super) fn note(
        &mut self,
        at: &Range<usize>,
        message: impl Into<String>,
        help: Option<&str>,
    ) {
        if self.notes.len() < ERRORS_AT_MOST {
            self.notes.push(TextError {
                message: message.into(),
                help: help.map(str::to_owned),
                span: Some(span(self.text, at)),
            });
        }
    }

    fn expected(&mut self, found: &Spanned, expected: &str, help: Option<String>) {
        let message = format!("expected {expected}, found {}", found.node.kind());
        self.put(Some(&found.span), message, help);
    }

    pub(super) fn text_of<'a>(&mut self, value: &'a Spanned) -> Option<&'a str> {
        let text = value.node.as_text();
        if text.is_none() {
            self.expected(value, "a string", None);
        }
        text
    }

    /// The elements; none if it is no list.
    pub(super) fn list<'a>(&mut self, value: &'a Spanned) -> &'a [Spanned] {
        if let Node::List(items) = &value.node {
            return items;
        }
        let written = self.text.get(value.span.clone());
        let is_short =
            |written: &&str| written.len() <= REPEATED_AT_MOST && !written.contains('\n');
        let written = written.filter(|_| value.node.as_text().is_some());
        let help = written
            .filter(is_short)
            .map(|written| format!("write `[{written}]`"));
        self.expected(value, "a list", help);
        &[]
    }

    pub(super) fn table<'a>(&mut self, value: &'a Spanned) -> Option<&'a [Entry]> {
        let entries = value.node.as_table();
        if entries.is_none() {
            self.expected(value, "a table", None);
        }
        entries
    }

    /// A name that is not known: the nearest ones are told, or which there are.
    pub(super) fn unknown<'a>(
        &mut self,
        at: &Range<usize>,
        message: String,
        name: &str,
        known: impl IntoIterator<Item = &'a str>,
    ) {
        if self.is_full() {
            return;
        }
        let known: Vec<&str> = known.into_iter().collect();
        let near = similar(name, known.iter().copied(), SIMILAR_AT_MOST);
        let list = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| quoted(name).to_string()).collect();
            names.join(", ")
        };
        let help = if !near.is_empty() {
            Some(format!("did you mean {}?", list(&near)))
        } else if known.is_empty() || known.len() > 20 {
            None
        } else {
            Some(format!("there are {}", list(&known)))
        };
        self.put(Some(at), message, help);
    }

    /// The exact place of a word inside of a value, if the value has it as it stands.
    pub(super) fn place_of(&self, word: &str, within: &Range<usize>) -> Range<usize> {
        let written = self.text.get(within.clone()).unwrap_or_default();
        match written.find(word) {
            Some(at) if !word.is_empty() => {
                let start = within.start + at;
                start..start + word.len()
            }
            _ => within.clone(),
        }
    }

    /// The same for a word that stands at the end.
    pub(super) fn last_place_of(&self, word: &str, within: &Range<usize>) -> Range<usize> {
        let written = self.text.get(within.clone()).unwrap_or_default();
        match written.rfind(word) {
            Some(at) if !word.is_empty() => {
                let start = within.start + at;
                start..start + word.len()
            }
            _ => within.clone(),
        }
    }
}

/// The fields of a table, each of them known.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    /// What the table is, for messages.
    pub(super) what: String,
    /// Where it stands.
    pub(super) span: Range<usize>,
    entries: &'a [Entry],
    known: &'static [&'static str],
}

/// Names that fields have elsewhere, and here.
const ELSEWHERE: [(&str, &str); 17] = [
    ("steps", "step"),
    ("inspect", "inspection"),
    ("inspections", "inspection"),
    ("key", "keys"),
    ("pubkeys", "keys"),
    ("functionaries", "keys"),
    ("rootcas", "roots"),
    ("intermediatecas", "intermediates"),
    ("expected_command", "command"),
    ("cmd", "command"),
    ("command", "run"),
    ("expected_materials", "materials"),
    ("expected_products", "products"),
    ("cert_constraints", "constraints"),
    ("params", "parameters"),
    ("expiry", "expires"),
    ("extra", "json"),
];

impl<'a> Fields<'a> {
    /// Takes a table, and complains of every field that is not among the known ones.
    pub(super) fn of(
        what: &str,
        value: &'a Spanned,
        known: &'static [&'static str],
        errors: &mut Errors<'_>,
    ) -> Option<Self> {
        let entries = errors.table(value)?;
        for entry in entries {
            if known.contains(&entry.name.as_str()) {
                continue;
            }
            let message = format!("{what} has no field {}", quoted(&entry.name));
            let elsewhere = ELSEWHERE
                .iter()
                .find(|(name, here)| *name == entry.name && known.contains(here));
            match elsewhere {
                Some((_, here)) => {
                    errors.add_with_help(&entry.key, message, format!("here it is `{here}`"));
                }
                None => errors.unknown(&entry.key, message, &entry.name, known.iter().copied()),
            }
        }
        Some(Self {
            what: what.to_owned(),
            span: value.span.clone(),
            entries,
            known,
        })
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Entry> {
        self.entries.iter().find(|entry| entry.name == name)
    }

    /// Whether a field that is not known was most likely meant to be this one.
    pub(super) fn has_misspelt(&self, name: &str) -> bool {
        let mut unknown = self.entries.iter().map(|entry| entry.name.as_str());
        unknown.any(|entry| {
            let elsewhere = ELSEWHERE.contains(&(entry, name));
            !self.known.contains(&entry) && (elsewhere || similar(entry, [name], 1) == [name])
        })
    }

    pub(super) fn value(&self, name: &str) -> Option<&'a Spanned> {
        self.get(name).map(|entry| &entry.value)
    }
}
