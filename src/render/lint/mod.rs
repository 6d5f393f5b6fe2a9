//! What lint found about layouts, for people and for programs. No decisions are made here.

mod human;
mod json;
mod sarif;

use std::collections::{BTreeMap, BTreeSet};

use crate::encoding::Span;
use crate::model::counted;
use crate::report::{Lint, LintFinding, Severity};

use super::sources::{Source, named, underlined};

pub use human::lint_human;
pub use json::{LINT_SCHEMA, lint_json};
pub use sarif::lint_sarif;

/// A layout about which nothing, or not everything, can be said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// The layout's path, as given.
    pub path: String,
    /// Why.
    pub why: String,
}

/// What was found about one layout, with the lines in which it stands.
#[derive(Debug)]
pub struct Linted {
    /// What was found.
    pub lint: Lint,
    source: Source,
    /// Whether the lines are those of the file. The payload of DSSE has none there.
    is_file: bool,
    /// Where findings without a pointer stand, by their order: a text that says nothing yet has none.
    own: Vec<Option<Span>>,
}

impl Linted {
    /// With the lines of `text`, in which `find` knows the places of pointers; `is_file` says whether
    /// the text is that of the file.
    pub fn new(
        lint: Lint,
        text: String,
        is_file: bool,
        find: impl FnOnce(&str, &BTreeSet<String>) -> BTreeMap<String, Span>,
    ) -> Self {
        let mut wanted = BTreeSet::new();
        for finding in &lint.findings {
            for pointer in upwards(&finding.pointer) {
                wanted.insert(named(pointer));
                wanted.insert(pointer.to_owned());
            }
        }
        let spans = find(&text, &wanted);
        Self {
            lint,
            source: Source { text, spans },
            is_file,
            own: Vec::new(),
        }
    }

    /// What is wrong with a text that is no layout yet, in which each finding stands where `own` says.
    pub fn of_text(lint: Lint, text: String, own: Vec<Option<Span>>) -> Self {
        let spans = BTreeMap::new();
        Self {
            lint,
            source: Source { text, spans },
            is_file: true,
            own,
        }
    }

    /// The findings, each with its number.
    fn findings(&self) -> impl Iterator<Item = (usize, &LintFinding)> {
        self.lint.findings.iter().enumerate()
    }

    /// Where a finding stands in the file, or what is around it; the whole document says nothing.
    fn span(&self, (number, finding): (usize, &LintFinding)) -> Option<Span> {
        if let Some(own) = self.own.get(number) {
            return *own;
        }
        let mut pointers = upwards(&finding.pointer).filter(|pointer| !pointer.is_empty());
        let span = pointers.find_map(|pointer| self.source.spans.get(pointer));
        span.copied().filter(|_| self.is_file)
    }

    fn snippet(&self, (number, finding): (usize, &LintFinding), color: bool) -> Vec<String> {
        if let Some(own) = self.own.get(number) {
            let span = own.as_ref();
            return span.map_or_else(Vec::new, |span| underlined(&self.source.text, span, color));
        }
        let pointers = upwards(&finding.pointer).filter(|pointer| !pointer.is_empty());
        pointers
            .map(|pointer| self.source.snippet(pointer, color))
            .find(|lines| !lines.is_empty())
            .unwrap_or_default()
    }
}

/// A pointer and those of everything around what it names.
fn upwards(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(pointer), |pointer| {
        pointer.rsplit_once('/').map(|(around, _)| around)
    })
}

/// The message with what it is about.
fn sentence(finding: &LintFinding) -> String {
    match &finding.item {
        Some(item) => format!("{item}: {}", finding.message),
        None => finding.message.clone(),
    }
}

/// How many findings there are, in words.
fn tally(lint: &Lint) -> String {
    let kinds = [
        (Severity::Error, "error"),
        (Severity::Warning, "warning"),
        (Severity::Note, "note"),
    ];
    let counts = kinds.map(|(severity, noun)| (lint.count(severity), noun));
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, noun)| counted(count, noun))
        .collect();
    match parts.as_slice() {
        [] => "nothing found".to_owned(),
        parts => parts.join(", "),
    }
}
