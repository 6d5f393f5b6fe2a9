//! `[parameters]`: words that are filled in when the layout is compiled, or only when it is verified.
//!
//! `{NAME}` stands for a parameter in commands and rules, a doubled brace for one, as for `verify --param`.
//! Whoever fills in the last parameter makes doubled braces single ones: this, when none is left to the
//! verification. Without parameters nothing is filled in, and braces stay as they are. A `{NAME}` that is
//! not declared is refused: misspelt, it would protect nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::model::quoted;
use crate::verify::is_parameter_name;

use super::error::{Errors, Fields};
use super::tree::{Entry, Node, Spanned};

/// The bytes of a doubled brace.
const DOUBLED: usize = 2;

/// The parameters of a text form.
#[derive(Debug, Default)]
pub(super) struct Parameters<'a> {
    /// A value, or `None` for what stays in the compiled layout.
    values: BTreeMap<&'a str, Option<String>>,
    entries: &'a [Entry],
    used: BTreeSet<String>,
    /// Whether there are some, and none is left to the verification.
    all_filled: bool,
}

impl<'a> Parameters<'a> {
    pub(super) fn read(
        table: Option<&'a Spanned>,
        given: &BTreeMap<String, String>,
        errors: &mut Errors<'_>,
    ) -> Self {
        let entries = table.and_then(|table| errors.table(table)).unwrap_or(&[]);
        let mut values = BTreeMap::new();
        for entry in entries {
            if !is_parameter_name(&entry.name) {
                errors.bad_name(entry, "a parameter", &['_', '-']);
            }
            let own = own_value(&entry.value, errors);
            let value = given.get(&entry.name).cloned().or(own);
            if value
                .as_ref()
                .is_some_and(|value| value.contains(['{', '}']))
            {
                let message = format!(
                    "the value of the parameter {} has a brace",
                    quoted(&entry.name)
                );
                errors.add(&entry.value.span, message);
            }
            if value
                .as_ref()
                .is_some_and(|value| value.contains(['*', '?', '[']))
            {
                let message = format!(
                    "the value of the parameter {} is a pattern in a rule, and matches more than itself",
                    quoted(&entry.name)
                );
                errors.note(&entry.value.span, message, None);
            }
            values.insert(entry.name.as_str(), value);
        }
        for name in given.keys() {
            if !values.contains_key(name.as_str()) {
                let message = format!("there is no parameter {} in the layout", quoted(name));
                let at = table.map_or(0..0, |table| table.span.clone());
                errors.unknown(&at, message, name, values.keys().copied());
            }
        }
        let all_filled = !values.is_empty() && values.values().all(Option::is_some);
        Self {
            values,
            all_filled,
            entries,
            used: BTreeSet::new(),
        }
    }

    /// A word with its parameters filled in.
    pub(super) fn fill(
        &mut self,
        word: &str,
        at: &Range<usize>,
        errors: &mut Errors<'_>,
    ) -> String {
        let mut filled = String::new();
        let mut rest = word;
        while let Some((before, brace)) = rest
            .find(['{', '}'])
            .and_then(|at| rest.split_at_checked(at))
        {
            filled.push_str(before);
            let (piece, name) = piece(brace);
            match name.map(|name| (name, self.values.get(name))) {
                Some((name, Some(value))) => {
                    self.used.insert(name.to_owned());
                    filled.push_str(value.as_deref().unwrap_or(piece));
                }
                Some((name, None)) => {
                    self.undeclared(name, &errors.place_of(piece, at), errors);
                }
                None if self.all_filled && piece.len() == DOUBLED => {
                    filled.push_str(piece.get(1..).unwrap_or_default());
                }
                None => filled.push_str(piece),
            }
            rest = brace.get(piece.len()..).unwrap_or_default();
        }
        filled.push_str(rest);
        filled
    }

    fn undeclared(&self, name: &str, at: &Range<usize>, errors: &mut Errors<'_>) {
        let message = format!("there is no parameter {}", quoted(name));
        let near = crate::model::similar(name, self.values.keys().copied(), 1);
        let help = match near.first() {
            Some(near) => format!("did you mean {}?", quoted(&format!("{{{near}}}"))),
            None => format!(
                "declare it under `[parameters]`: `{name} = \"value\"`, or `{name} = {{ required = true }}` for what stays as it is until `verify --param`"
            ),
        };
        errors.add_with_help(at, message, help);
    }

    /// Tells of what is declared and stands nowhere.
    pub(super) fn tell_unused(&self, errors: &mut Errors<'_>) {
        for entry in self.entries {
            if !self.used.contains(&entry.name) {
                let message = format!(
                    "the parameter {} stands in no rule and no command",
                    quoted(&entry.name)
                );
                errors.note(&entry.key, message, None);
            }
        }
    }
}

/// Whether a text holds something that is read as a parameter, and the names of these.
pub(super) fn names_in(text: &str) -> Vec<&str> {
    let mut names = Vec::new();
    let mut rest = text;
    while let Some((_, brace)) = rest
        .find(['{', '}'])
        .and_then(|at| rest.split_at_checked(at))
    {
        let (piece, name) = piece(brace);
        names.extend(name);
        rest = brace.get(piece.len()..).unwrap_or_default();
    }
    names
}

/// What a text that starts with a brace starts with: doubled braces, a parameter with its name, or the
/// brace alone.
fn piece(brace: &str) -> (&str, Option<&str>) {
    if brace.starts_with("{{") || brace.starts_with("}}") {
        return (brace.get(..DOUBLED).unwrap_or_default(), None);
    }
    let inside = brace
        .strip_prefix('{')
        .and_then(|inside| inside.split_once('}'));
    match inside {
        Some((name, _)) if is_parameter_name(name) => {
            (brace.get(..name.len() + 2).unwrap_or_default(), Some(name))
        }
        _ => (brace.get(..1).unwrap_or_default(), None),
    }
}

/// `None` when the value is given at the verification, or there was a complaint.
fn own_value(value: &Spanned, errors: &mut Errors<'_>) -> Option<String> {
    match &value.node {
        Node::Text(text) => Some(text.clone()),
        Node::Table(_) => {
            let fields = Fields::of("a parameter", value, &["required"], errors)?;
            match fields.value("required").map(|value| &value.node) {
                Some(Node::Bool(true)) => {}
                _ => errors.add(
                    &value.span,
                    "a parameter is a string, or `{ required = true }`",
                ),
            }
            None
        }
        Node::Integer(_) | Node::Float | Node::Bool(_) | Node::Moment(_) | Node::List(_) => {
            errors.add_with_help(
                &value.span,
                format!("expected a string, found {}", value.node.kind()),
                "put it in quotes",
            );
            None
        }
    }
}
