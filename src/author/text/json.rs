//! TOML values as JSON values, and the two words for what the text form has no words for:
//! `json = '…'`, fields of the layout as JSON text, and `without = […]`, fields that are left out.

use std::collections::BTreeSet;

use crate::encoding::{self, Object, Value};
use crate::model::{quoted, similar};

use super::error::{Errors, Fields};
use super::places::Places;
use super::tree::{Node, Spanned};

/// A value as JSON has it. Dates and numbers with fractions are none of JSON's, or have no one form.
pub(super) fn value(from: &Spanned, errors: &mut Errors<'_>) -> Option<Value> {
    Some(match &from.node {
        Node::Text(text) => Value::from(text.as_str()),
        Node::Integer(number) => Value::from(*number),
        Node::Bool(value) => Value::from(*value),
        Node::Float | Node::Moment(_) => {
            errors.add(
                &from.span,
                format!("{} cannot stand here", from.node.kind()),
            );
            return None;
        }
        Node::List(items) => {
            let items = items.iter().map(|item| value(item, errors));
            Value::Array(items.collect::<Option<_>>()?)
        }
        Node::Table(entries) => {
            let mut object = Object::new();
            for entry in entries {
                object.set(&entry.name, value(&entry.value, errors)?);
            }
            Value::Object(object)
        }
    })
}

/// The same, with the place of every part.
pub(super) fn place(from: &Spanned, pointer: &str, places: &mut Places) {
    places.put(pointer, &from.span);
    match &from.node {
        Node::List(items) => {
            for (at, item) in items.iter().enumerate() {
                place(item, &format!("{pointer}/{at}"), places);
            }
        }
        Node::Table(entries) => {
            for entry in entries {
                place(&entry.value, &below(pointer, &entry.name), places);
            }
        }
        Node::Text(_) | Node::Integer(_) | Node::Float | Node::Bool(_) | Node::Moment(_) => {}
    }
}

/// The pointer to a member of what a pointer names.
pub(super) fn below(pointer: &str, name: &str) -> String {
    format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"))
}

/// What an object of the layout is made of besides the words of the text form.
#[derive(Debug)]
pub(super) struct Rest {
    /// Fields as they stand in `json`.
    pub(super) json: Object,
    /// Fields that are left out.
    without: BTreeSet<String>,
}

/// A field of the layout and the word that the text form has for it.
pub(super) type Word = (&'static str, &'static str);

impl Rest {
    /// Reads `json` and `without` of a table. `words` are the fields of the layout that have words of their
    /// own, `droppable` those that may be left out, `fixed` those that are nobody's to say.
    pub(super) fn read(
        fields: &Fields<'_>,
        words: &[Word],
        droppable: &[&str],
        fixed: &[&str],
        errors: &mut Errors<'_>,
    ) -> Self {
        let json = fields.value("json").and_then(|json| {
            let object = read_json(json, errors)?;
            for (name, _) in object.iter() {
                let word = words.iter().find(|(field, _)| *field == name);
                if fixed.contains(&name) {
                    errors.add(
                        &json.span,
                        format!("{} cannot be said in `json`", quoted(name)),
                    );
                } else if word.is_none() && name != "_type" {
                    let near = similar(name, words.iter().map(|(field, _)| *field), 1);
                    if let Some(near) = near.first() {
                        let message = format!(
                            "{} in `json` asks for nothing; did you mean {}?",
                            quoted(name),
                            quoted(near)
                        );
                        errors.note(&json.span, message, None);
                    }
                } else if let Some((_, word)) = word.filter(|(_, word)| fields.get(word).is_some())
                {
                    let message =
                        format!("{} is said twice, in `json` and by `{word}`", quoted(name));
                    errors.add(&json.span, message);
                }
            }
            Some(object)
        });
        let json = json.unwrap_or_default();
        let mut without = BTreeSet::new();
        let names = fields.value("without").map(|list| errors.list(list));
        for item in names.unwrap_or_default() {
            let Some(name) = errors.text_of(item) else {
                continue;
            };
            let word = words.iter().find(|(field, _)| *field == name);
            if !droppable.contains(&name) {
                let message = format!("{} cannot be left out", quoted(name));
                errors.unknown(&item.span, message, name, droppable.iter().copied());
            } else if json.get(name).is_some()
                || word.is_some_and(|(_, word)| fields.get(word).is_some())
            {
                errors.add(
                    &item.span,
                    format!("{} is left out and said, too", quoted(name)),
                );
            }
            without.insert(name.to_owned());
        }
        Self { json, without }
    }

    /// Whether the words of the text form say nothing of a field, so that its word may be missing.
    pub(super) fn covers(&self, field: &str) -> bool {
        self.without.contains(field) || self.json.get(field).is_some()
    }

    /// Puts the rest into the object that was made of words.
    pub(super) fn finish(
        self,
        mut object: Object,
        pointer: &str,
        fields: &Fields<'_>,
        places: &mut Places,
    ) -> Object {
        for name in &self.without {
            object.remove(name);
        }
        for (name, value) in self.json.iter() {
            object.set(name, value.clone());
            if let Some(json) = fields.value("json") {
                places.put(below(pointer, name), &json.span);
            }
        }
        object
    }
}

fn read_json(json: &Spanned, errors: &mut Errors<'_>) -> Option<Object> {
    let text = errors.text_of(json)?;
    match encoding::parse(text.as_bytes()) {
        Ok(Value::Object(object)) => Some(object),
        Ok(other) => {
            let message = format!("expected a JSON object, found {}", other.kind());
            errors.add(&json.span, message);
            None
        }
        Err(error) => {
            errors.add(&json.span, error.to_string());
            None
        }
    }
}
