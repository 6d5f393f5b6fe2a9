//! `[[step]]` and `[[inspection]]`.

use std::collections::{BTreeMap, BTreeSet};

use crate::encoding::{Object, Value};
use crate::model::{ItemName, command_line, counted, quoted};

use super::command::{self, CommandError};
use super::error::{Errors, Fields};
use super::json::{self, Rest, Word};
use super::keys::Names;
use super::parameters::Parameters;
use super::places::Places;
use super::rules::{Sets, Written};
use super::tree::{Entry, Node, Spanned};

const STEP: [&str; 9] = [
    "name",
    "command",
    "keys",
    "threshold",
    "constraints",
    "materials",
    "products",
    "json",
    "without",
];

pub(super) const STEP_WORDS: [Word; 7] = [
    ("name", "name"),
    ("expected_command", "command"),
    ("pubkeys", "keys"),
    ("threshold", "threshold"),
    ("cert_constraints", "constraints"),
    ("expected_materials", "materials"),
    ("expected_products", "products"),
];

pub(super) const STEP_DROPPABLE: [&str; 6] = [
    "_type",
    "expected_command",
    "pubkeys",
    "threshold",
    "expected_materials",
    "expected_products",
];

const INSPECTION: [&str; 6] = ["name", "run", "materials", "products", "json", "without"];

pub(super) const INSPECTION_WORDS: [Word; 4] = [
    ("name", "name"),
    ("run", "run"),
    ("expected_materials", "materials"),
    ("expected_products", "products"),
];

pub(super) const INSPECTION_DROPPABLE: [&str; 4] =
    ["_type", "run", "expected_materials", "expected_products"];

/// The fields of a certificate constraint, in the words of ITE-7.
const CONSTRAINT: [&str; 6] = [
    "common_name",
    "dns_names",
    "emails",
    "organizations",
    "roots",
    "uris",
];

/// What steps and inspections are read with.
pub(super) struct Reader<'r, 'a, 't> {
    pub(super) parameters: &'r mut Parameters<'a>,
    pub(super) sets: &'r mut Sets<'a>,
    pub(super) functionaries: &'r Names<'a>,
    pub(super) roots: &'r Names<'a>,
    /// Keys that stand in the layout's `json`.
    pub(super) also_keys: Option<&'r Object>,
    /// Key ids that a step has.
    pub(super) used: BTreeSet<String>,
    pub(super) places: &'r mut Places,
    pub(super) errors: &'r mut Errors<'t>,
}

/// Which of the two an item is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Step,
    Inspection,
}

/// Whether certificates may sign a step, too. They may be anybody's.
fn is_constrained(fields: &Fields<'_>, rest: &Rest) -> bool {
    let constraints = fields.value("constraints");
    constraints.is_some_and(|list| !is_empty_list(list)) || rest.covers("cert_constraints")
}

fn is_empty_list(list: &Spanned) -> bool {
    matches!(&list.node, Node::List(items) if items.is_empty())
}

impl<'a> Reader<'_, 'a, '_> {
    /// The steps and the inspections of the layout.
    pub(super) fn read(&mut self, fields: &Fields<'a>) -> (Value, Value) {
        let mut items = |word: &str| {
            let list = fields.value(word);
            list.map_or(&[][..], |list| self.errors.list(list))
        };
        let (steps, inspections) = (items("step"), items("inspection"));
        let names = |items: &'a [Spanned]| items.iter().filter_map(name_of);
        let step_names: BTreeSet<&str> = names(steps).collect();
        let mut all = step_names.clone();
        all.extend(names(inspections));
        self.check_twice(steps.iter().chain(inspections));
        let mut made = Vec::new();
        for (at, step) in steps.iter().enumerate() {
            made.extend(self.step(step, &format!("/steps/{at}"), &step_names));
        }
        let mut looked = Vec::new();
        for (at, inspection) in inspections.iter().enumerate() {
            looked.extend(self.inspection(inspection, &format!("/inspect/{at}"), &all));
        }
        (Value::Array(made), Value::Array(looked))
    }

    fn check_twice(&mut self, items: impl Iterator<Item = &'a Spanned>) {
        let mut seen: BTreeMap<&str, &Entry> = BTreeMap::new();
        for item in items {
            let (Some(name), Some(entry)) = (name_of(item), field(item, "name")) else {
                continue;
            };
            if let Some(first) = seen.insert(name, entry)
                && !self.errors.is_full()
            {
                let message = format!(
                    "the name {} stands for more than one step or inspection",
                    quoted(name)
                );
                let before = self.errors.text.get(..first.value.span.start);
                let line = before.unwrap_or_default().matches('\n').count() + 1;
                let help = format!("it stands in line {line} too");
                self.errors.add_with_help(&entry.value.span, message, help);
            }
        }
    }

    fn step(&mut self, item: &'a Spanned, pointer: &str, known: &BTreeSet<&str>) -> Option<Value> {
        let what = described("step", item);
        let fields = Fields::of(&what, item, &STEP, self.errors)?;
        self.places.put(pointer, &head(item));
        let rest = Rest::read(&fields, &STEP_WORDS, &STEP_DROPPABLE, &[], self.errors);
        let mut object = Object::new();
        object.set("_type", "step");
        self.name(&fields, &rest, pointer, &mut object);
        let command = self.command(&fields, "command", &format!("{pointer}/expected_command"));
        object.set("expected_command", command.unwrap_or_default());
        let constrained = is_constrained(&fields, &rest);
        self.keys(&fields, &rest, pointer, constrained, &mut object);
        if let Some(threshold) = self.threshold(&fields, pointer) {
            if !constrained {
                self.tell_unreachable(&fields, threshold, &object);
            }
            object.set("threshold", threshold);
        }
        if let Some(entry) = fields.get("constraints") {
            let constraints = self.constraints(&entry.value, pointer);
            object.set("cert_constraints", Value::Array(constraints));
        }
        self.rules(&fields, &rest, pointer, known, Kind::Step, &mut object);
        let object = rest.finish(object, pointer, &fields, self.places);
        Some(Value::Object(object))
    }

    fn inspection(
        &mut self,
        item: &'a Spanned,
        pointer: &str,
        known: &BTreeSet<&str>,
    ) -> Option<Value> {
        let what = described("inspection", item);
        let fields = Fields::of(&what, item, &INSPECTION, self.errors)?;
        self.places.put(pointer, &head(item));
        let rest = Rest::read(
            &fields,
            &INSPECTION_WORDS,
            &INSPECTION_DROPPABLE,
            &[],
            self.errors,
        );
        let mut object = Object::new();
        object.set("_type", "inspection");
        self.name(&fields, &rest, pointer, &mut object);
        let run = self.command(&fields, "run", &format!("{pointer}/run"));
        if run.is_none() && !rest.covers("run") {
            self.missing(&fields, "run", "say what is run");
        }
        if let Some(entry) = fields.get("run")
            && run.as_ref().is_some_and(Vec::is_empty)
        {
            let message = "the command is empty, and inspects nothing";
            self.errors.add(&entry.value.span, message);
        }
        object.set("run", run.unwrap_or_default());
        self.rules(
            &fields,
            &rest,
            pointer,
            known,
            Kind::Inspection,
            &mut object,
        );
        let object = rest.finish(object, pointer, &fields, self.places);
        Some(Value::Object(object))
    }

    fn missing(&mut self, fields: &Fields<'_>, word: &str, help: &str) {
        if fields.has_misspelt(word) {
            return;
        }
        let message = format!("the field `{word}` is missing from {}", fields.what);
        let at = first_line(self.errors.text, &fields.span);
        self.errors.add_with_help(&at, message, help);
    }

    fn name(&mut self, fields: &Fields<'a>, rest: &Rest, pointer: &str, object: &mut Object) {
        let Some(entry) = fields.get("name") else {
            if !rest.covers("name") {
                self.missing(fields, "name", "links are found by it");
            }
            return;
        };
        self.places
            .put(format!("{pointer}/name"), &entry.value.span);
        if let Some(text) = self.errors.text_of(&entry.value) {
            if let Err(error) = ItemName::new(text) {
                self.errors.add(&entry.value.span, error.to_string());
            }
            object.set("name", text);
        }
    }

    /// `None` when the field is absent.
    fn command(&mut self, fields: &Fields<'a>, word: &str, pointer: &str) -> Option<Vec<Value>> {
        let entry = fields.get(word)?;
        let at = &entry.value.span;
        self.places.put(pointer, at);
        if let Node::Text(text) = &entry.value.node {
            let words = match command::words(text) {
                Ok(words) => words,
                Err(error) => {
                    self.no_command(&error, text, &entry.value);
                    return Some(Vec::new());
                }
            };
            let fill = |word: &String| Value::from(self.parameters.fill(word, at, self.errors));
            return Some(words.iter().map(fill).collect());
        }
        let mut words = Vec::new();
        for (index, item) in self.errors.list(&entry.value).iter().enumerate() {
            self.places.put(format!("{pointer}/{index}"), &item.span);
            if let Some(word) = self.errors.text_of(item) {
                let word = self.parameters.fill(word, &item.span, self.errors);
                words.push(Value::from(word));
            }
        }
        Some(words)
    }

    fn no_command(&mut self, error: &CommandError, text: &str, value: &Spanned) {
        match error {
            CommandError::Unclosed => {
                let message = "a quote in the command does not end";
                self.errors.add(&value.span, message);
            }
            CommandError::Shell(character) => {
                let word = character.to_string();
                let at = self.errors.place_of(&word, &value.span);
                let message =
                    format!("no shell reads the command, for which `{word}` would mean something");
                let shell = command_line(&["sh", "-c", text]);
                let help = format!(
                    "quote it if it is a part of a word; for a shell, write the words of {}",
                    quoted(&shell)
                );
                self.errors.add_with_help(&at, message, help);
            }
        }
    }

    fn keys(
        &mut self,
        fields: &Fields<'a>,
        rest: &Rest,
        pointer: &str,
        constrained: bool,
        object: &mut Object,
    ) {
        let mut ids: BTreeSet<String> = BTreeSet::new();
        let mut listed: Vec<Value> = Vec::new();
        if let Some(entry) = fields.get("keys") {
            self.places
                .put(format!("{pointer}/pubkeys"), &entry.value.span);
            let list = self.errors.list(&entry.value);
            for (index, item) in list.iter().enumerate() {
                self.places
                    .put(format!("{pointer}/pubkeys/{index}"), &item.span);
                if let Some(id) = self.key_id(item) {
                    listed.push(Value::from(id.as_str()));
                    if !ids.insert(id) {
                        let message = "this key stands in the list already";
                        self.errors.add(&item.span, message);
                    }
                }
            }
            if is_empty_list(&entry.value) && !constrained {
                let message = "nobody may perform the step: the list is empty";
                let help = "name keys of `[keys]`, or give `constraints` for certificates";
                self.errors.add_with_help(&entry.value.span, message, help);
            }
        } else if !constrained && !rest.covers("pubkeys") {
            self.missing(
                fields,
                "keys",
                "name the keys, of `[keys]`, of those who may perform it",
            );
        }
        object.set("pubkeys", Value::Array(listed));
    }

    /// The id of a key that is named; nothing when there was a complaint, here or about the key itself.
    fn key_id(&mut self, item: &Spanned) -> Option<String> {
        let word = self.errors.text_of(item)?;
        let also = self.also_keys.is_some_and(|keys| keys.get(word).is_some());
        let Some(id) = self.functionaries.id(word).or(also.then_some(word)) else {
            let message = format!("there is no key {}", quoted(word));
            let known = self.functionaries.names();
            self.errors.unknown(&item.span, message, word, known);
            return None;
        };
        self.used.insert(id.to_owned());
        (!id.is_empty()).then(|| id.to_owned())
    }

    fn threshold(&mut self, fields: &Fields<'a>, pointer: &str) -> Option<i64> {
        let Some(entry) = fields.get("threshold") else {
            return Some(1);
        };
        self.places
            .put(format!("{pointer}/threshold"), &entry.value.span);
        if let Node::Integer(number) = entry.value.node
            && number >= 1
        {
            return Some(number);
        }
        let message = "a threshold is a whole number of at least 1, without quotes";
        self.errors.add(&entry.value.span, message);
        None
    }

    /// Tells of a threshold that the keys cannot reach, where nobody else may sign.
    fn tell_unreachable(&mut self, fields: &Fields<'a>, threshold: i64, step: &Object) {
        let keys = step.get("pubkeys").and_then(Value::as_array);
        let keys = keys.map_or(0, <[Value]>::len);
        let Some(entry) = fields.get("threshold") else {
            return;
        };
        let is_reachable = i64::try_from(keys).is_ok_and(|keys| keys >= threshold);
        if keys > 0 && !is_reachable {
            let message = format!(
                "{threshold} distinct functionaries are needed, and the step has {}: it never passes",
                counted(keys, "key")
            );
            self.errors.note(&entry.value.span, message, None);
        }
    }

    fn constraints(&mut self, list: &'a Spanned, pointer: &str) -> Vec<Value> {
        let pointer = format!("{pointer}/cert_constraints");
        self.places.put(&pointer, &list.span);
        let mut constraints = Vec::new();
        for (index, item) in self.errors.list(list).iter().enumerate() {
            json::place(item, &format!("{pointer}/{index}"), self.places);
            let Some(fields) = Fields::of("a constraint", item, &CONSTRAINT, self.errors) else {
                continue;
            };
            let Some(Value::Object(mut object)) = json::value(item, self.errors) else {
                continue;
            };
            if let Some(entry) = fields.get("roots") {
                let ids: Vec<Value> = (self.errors.list(&entry.value).iter())
                    .filter_map(|item| self.root(item))
                    .map(Value::from)
                    .collect();
                object.set("roots", Value::Array(ids));
            }
            constraints.push(Value::Object(object));
        }
        constraints
    }

    /// The id of a root that is named. `*` stands for all, the empty text for none.
    fn root(&mut self, item: &Spanned) -> Option<String> {
        let word = self.errors.text_of(item)?;
        if word == "*" || word.is_empty() {
            return Some(word.to_owned());
        }
        if let Some(id) = self.roots.id(word) {
            return Some(id.to_owned());
        }
        let message = format!("there is no root {}", quoted(word));
        let known = self.roots.names();
        self.errors.unknown(&item.span, message, word, known);
        None
    }

    fn rules(
        &mut self,
        fields: &Fields<'a>,
        rest: &Rest,
        pointer: &str,
        known: &BTreeSet<&str>,
        kind: Kind,
        object: &mut Object,
    ) {
        for (word, field) in [
            ("materials", "expected_materials"),
            ("products", "expected_products"),
        ] {
            let mut rules = Vec::new();
            if let Some(entry) = fields.get(word) {
                let pointer = format!("{pointer}/{field}");
                self.places.put(&pointer, &entry.value.span);
                let list = self.sets.list(&entry.value, self.parameters, self.errors);
                for (index, rule) in list.into_iter().enumerate() {
                    self.places.put(format!("{pointer}/{index}"), &rule.span);
                    self.check_source(&rule, known, kind);
                    rules.push(rule.words);
                }
            } else if !rest.covers(field) {
                let help = format!("write `{word} = []` if there may be any, or else its rules");
                self.missing(fields, word, &help);
            }
            object.set(field, Value::Array(rules));
        }
    }

    fn check_source(&mut self, rule: &Written, known: &BTreeSet<&str>, kind: Kind) {
        let Some(from) = rule.rule.source().map(ItemName::as_str) else {
            return;
        };
        if known.contains(from) {
            return;
        }
        let what = match kind {
            Kind::Step => "step",
            Kind::Inspection => "step or inspection",
        };
        let message = format!("there is no {what} {}", quoted(from));
        let at = self.errors.last_place_of(from, &rule.span);
        self.errors
            .unknown(&at, message, from, known.iter().copied());
    }
}

fn field<'a>(item: &'a Spanned, name: &str) -> Option<&'a Entry> {
    let entries = item.node.as_table()?;
    entries.iter().find(|entry| entry.name == name)
}

fn name_of(item: &Spanned) -> Option<&str> {
    field(item, "name")?.value.node.as_text()
}

fn described(what: &str, item: &Spanned) -> String {
    match name_of(item) {
        Some(name) => format!("the {what} {}", quoted(name)),
        None => format!("the {what}"),
    }
}

/// What stands for an item: its name, or else its first line.
fn head(item: &Spanned) -> std::ops::Range<usize> {
    field(item, "name").map_or_else(|| item.span.clone(), |entry| entry.value.span.clone())
}

fn first_line(text: &str, span: &std::ops::Range<usize>) -> std::ops::Range<usize> {
    let written = text.get(span.clone()).unwrap_or_default();
    let line = written.lines().next().unwrap_or_default();
    span.start..span.start + line.len()
}
