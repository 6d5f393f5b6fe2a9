//! From the value that is signed to a text form of it.

use std::collections::{BTreeMap, BTreeSet};

use crate::encoding::{Object, Value, compact};
use crate::keys::{AnyKey, Fingerprint};
use crate::model::{Complaint, Layout, Moment, Rule};

use super::error::is_name;
use super::items::{INSPECTION_DROPPABLE, INSPECTION_WORDS, STEP_DROPPABLE, STEP_WORDS};
use super::json::{Word, below};
use super::parameters::names_in;
use super::write::{self, Text};
use super::{Context, compile};

/// Why a value has no text form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecompileError {
    /// It is no layout.
    #[error("it is no valid layout: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    NoLayout(Vec<Complaint>),
    /// The text would not compile to the same layout again.
    #[error("it cannot be written as text that means the same: {0}")]
    Different(String),
}

/// Writes the text form of a layout, with comment lines above what a pointer names (`""` for the head of
/// the text). Keys are named by the start of their ids.
///
/// The text compiles to exactly this value, which is tried before it is given out.
///
/// # Errors
/// See [`DecompileError`].
pub fn decompile(
    value: &Value,
    comments: &BTreeMap<String, Vec<String>>,
) -> Result<String, DecompileError> {
    decompile_named(value, comments, &BTreeMap::new())
}

/// The same with names for keys, by their ids. A name that cannot be used is not.
///
/// # Errors
/// See [`DecompileError`].
pub fn decompile_named(
    value: &Value,
    comments: &BTreeMap<String, Vec<String>>,
    names: &BTreeMap<String, String>,
) -> Result<String, DecompileError> {
    Layout::from_value(value).map_err(DecompileError::NoLayout)?;
    let invalid = |message: &str| {
        DecompileError::NoLayout(vec![Complaint {
            pointer: "/_type".to_owned(),
            message: message.to_owned(),
        }])
    };
    let object = value.as_object().ok_or_else(|| invalid("no object"))?;
    if object.get("_type").and_then(Value::as_str) != Some("layout") {
        return Err(invalid("expected the type `layout`"));
    }
    let text = Writer::new(object, names)
        .layout(object)
        .with_comments(comments);
    check(&text, value)?;
    Ok(text)
}

/// Nothing is given out that means something else.
fn check(text: &str, value: &Value) -> Result<(), DecompileError> {
    let no_files = |path: &str| Err(format!("there is no file {path}"));
    let context = Context::new(
        Moment::from_timestamp(jiff::Timestamp::UNIX_EPOCH),
        &no_files,
    );
    match compile(text, &context) {
        Ok(compiled) if compiled.value == *value => Ok(()),
        Ok(_) => Err(DecompileError::Different(
            "another value comes out".to_owned(),
        )),
        Err(errors) => {
            let first = errors.first().map(ToString::to_string);
            Err(DecompileError::Different(first.unwrap_or_default()))
        }
    }
}

/// The lines of one field, and which elements of a list they are about.
type Lines = Vec<(Option<usize>, String)>;

fn line(text: String) -> Lines {
    vec![(None, text)]
}

/// The words of one table, and what is left for `json` and `without`.
struct Table<'v> {
    object: &'v Object,
    lines: Vec<(Option<String>, String)>,
    pointer: String,
    json: Object,
}

impl<'v> Table<'v> {
    fn new(object: &'v Object, pointer: &str) -> Self {
        Self {
            object,
            lines: Vec::new(),
            pointer: pointer.to_owned(),
            json: Object::new(),
        }
    }

    /// Writes a field by its word if that says the same; else it is left for `json`.
    fn word(&mut self, field: &str, word: &str, write: impl FnOnce(&'v Value) -> Option<Lines>) {
        let Some(value) = self.object.get(field) else {
            return;
        };
        let Some(lines) = write(value) else {
            self.json.set(field, value.clone());
            return;
        };
        let pointer = below(&self.pointer, field);
        for (at, (element, text)) in lines.into_iter().enumerate() {
            let about = match (at, element) {
                (0, _) => Some(pointer.clone()),
                (_, Some(element)) => Some(format!("{pointer}/{element}")),
                (_, None) => None,
            };
            let text = if at == 0 {
                format!("{word} = {text}")
            } else {
                text
            };
            self.lines.push((about, text));
        }
    }

    /// The last lines: what has no words, and what is not there.
    fn rest(&mut self, words: &[Word], droppable: &[&str], own_type: &str) {
        for (name, value) in self.object.iter() {
            let own_type = name == "_type" && value.as_str() == Some(own_type);
            if !own_type && !words.iter().any(|(field, _)| *field == name) {
                self.json.set(name, value.clone());
            }
        }
        if !self.json.is_empty() {
            let json = write::string(&compact(&Value::Object(self.json.clone())));
            self.lines.push((None, format!("json = {json}")));
        }
        let absent = droppable
            .iter()
            .filter(|name| self.object.get(name).is_none());
        let absent: Vec<String> = absent.map(|name| write::string(name)).collect();
        if !absent.is_empty() {
            self.lines
                .push((None, format!("without = [{}]", absent.join(", "))));
        }
    }

    fn put(self, text: &mut Text) {
        for (about, lines) in self.lines {
            let mut about = about;
            for line in lines.split('\n') {
                match about.take() {
                    Some(pointer) => text.about(pointer, line),
                    None => text.push(line),
                }
            }
        }
    }
}

/// Names for the ids of a table, and how its objects are written; `None` if the words do not say the same.
type Named<'v> = Option<BTreeMap<&'v str, (String, String)>>;

struct Writer<'v> {
    keys: Named<'v>,
    /// Ids that may be named besides those with names.
    other_ids: BTreeSet<String>,
    roots: Named<'v>,
    intermediates: Named<'v>,
    /// What looks like a parameter.
    parameters: BTreeSet<String>,
}

impl<'v> Writer<'v> {
    fn new(layout: &'v Object, names: &BTreeMap<String, String>) -> Self {
        let objects = |field: &str| layout.get(field).and_then(Value::as_object);
        let keys = objects("keys").and_then(|keys| named_keys(keys, names));
        let mut other_ids = BTreeSet::new();
        for (keyid, object) in objects("keys").into_iter().flat_map(Object::iter) {
            match &keys {
                // Without names they stand for themselves.
                None => {
                    other_ids.insert(keyid.to_owned());
                }
                Some(_) => {
                    if let Ok(AnyKey::OpenPgp(key)) = AnyKey::from_value(object) {
                        other_ids.extend(key.ids().iter().map(|id| id.as_str().to_owned()));
                    }
                }
            }
        }
        let authorities = |field: &str| objects(field).and_then(named_authorities);
        Self {
            keys,
            other_ids,
            roots: authorities("rootcas"),
            intermediates: authorities("intermediatecas"),
            parameters: BTreeSet::new(),
        }
    }

    fn layout(mut self, layout: &'v Object) -> Text {
        let mut items = Text::default();
        for (field, header) in [("steps", "[[step]]"), ("inspect", "[[inspection]]")] {
            let list = layout.get(field).and_then(Value::as_array);
            for (at, item) in list.unwrap_or_default().iter().enumerate() {
                if let Value::Object(object) = item {
                    let pointer = format!("/{field}/{at}");
                    items.push("");
                    items.about(&pointer, header);
                    self.item(object, field, &pointer).put(&mut items);
                }
            }
        }
        let mut text = Text::default();
        let mut head = Table::new(layout, "");
        head.word("expires", "expires", |value| {
            let expires = value
                .as_str()
                .filter(|text| Moment::parse(text).is_some())?;
            Some(line(write::string(expires)))
        });
        head.word("readme", "readme", |value| {
            Some(line(write::lines(value.as_str()?)))
        });
        for (field, names) in [
            ("keys", &self.keys),
            ("rootcas", &self.roots),
            ("intermediatecas", &self.intermediates),
        ] {
            if names.is_none() {
                head.word(field, field, |_| None);
            }
        }
        head.rest(&super::WORDS, &super::DROPPABLE, "layout");
        head.put(&mut text);
        if !self.parameters.is_empty() {
            text.push("");
            text.push("[parameters]");
            for name in &self.parameters {
                text.push(format!("{} = {{ required = true }}", write::key(name)));
            }
        }
        for (field, header, names) in [
            ("keys", "[keys]", &self.keys),
            ("rootcas", "[roots]", &self.roots),
            ("intermediatecas", "[intermediates]", &self.intermediates),
        ] {
            put_names(field, header, names, &mut text);
        }
        text.append(items);
        text
    }

    fn item(&mut self, object: &'v Object, field: &str, pointer: &str) -> Table<'v> {
        let mut table = Table::new(object, pointer);
        table.word("name", "name", |name| {
            Some(line(write::string(name.as_str()?)))
        });
        if field == "steps" {
            self.step(object, &mut table);
        } else {
            table.word("run", "run", |run| {
                let words = run.as_array().filter(|words| !words.is_empty());
                words.and_then(|_| self.command(run)).map(line)
            });
        }
        table.word("expected_materials", "materials", |rules| self.rules(rules));
        table.word("expected_products", "products", |rules| self.rules(rules));
        if field == "steps" {
            table.rest(&STEP_WORDS, &STEP_DROPPABLE, "step");
        } else {
            table.rest(&INSPECTION_WORDS, &INSPECTION_DROPPABLE, "inspection");
        }
        table
    }

    fn step(&mut self, object: &'v Object, table: &mut Table<'v>) {
        let is_empty = |value: &Value| value.as_array().is_some_and(<[Value]>::is_empty);
        if !object.get("expected_command").is_some_and(is_empty) {
            table.word("expected_command", "command", |command| {
                self.command(command).map(line)
            });
        }
        let constraints = object.get("cert_constraints");
        let constrained = constraints.is_some_and(|list| !is_empty(list));
        table.word("pubkeys", "keys", |keys| {
            self.pubkeys(keys, constrained).map(line)
        });
        table.word("threshold", "threshold", |threshold| {
            write::value(threshold)
                .filter(|text| !text.starts_with(['-', '0', '"', '[', '{', 't', 'f']))
                .map(line)
        });
        table.word("cert_constraints", "constraints", |list| {
            self.constraints(list)
        });
    }

    fn pubkeys(&self, keys: &Value, constrained: bool) -> Option<String> {
        let mut ids: Vec<&str> = Vec::new();
        let mut names = Vec::new();
        for item in keys.as_array()? {
            let id = item.as_str()?;
            if ids.contains(&id) {
                return None;
            }
            ids.push(id);
            let named = self.keys.as_ref().and_then(|keys| keys.get(id));
            names.push(match named {
                Some((name, _)) => write::string(name),
                None => self.other_ids.get(id).map(|id| write::string(id))?,
            });
        }
        (constrained || !ids.is_empty()).then(|| format!("[{}]", names.join(", ")))
    }

    fn command(&mut self, command: &Value) -> Option<String> {
        let words: Vec<&str> = command
            .as_array()?
            .iter()
            .map(Value::as_str)
            .collect::<Option<_>>()?;
        let words: Vec<String> = words.iter().map(|word| self.string(word)).collect();
        Some(format!("[{}]", words.join(", ")))
    }

    fn rules(&mut self, rules: &Value) -> Option<Lines> {
        let rules = rules.as_array()?;
        let written: Vec<String> = rules
            .iter()
            .map(|rule| self.rule(rule))
            .collect::<Option<_>>()?;
        match written.as_slice() {
            [] => Some(line("[]".to_owned())),
            [only] if only.len() < 60 => Some(line(format!("[{only}]"))),
            _ => {
                let mut lines = line("[".to_owned());
                let each = written.into_iter().enumerate();
                lines.extend(each.map(|(at, rule)| (Some(at), format!("    {rule},"))));
                lines.push((None, "]".to_owned()));
                Some(lines)
            }
        }
    }

    /// On one line, or as a list where that would change a word.
    fn rule(&mut self, rule: &Value) -> Option<String> {
        let words: Vec<&str> = rule
            .as_array()?
            .iter()
            .map(Value::as_str)
            .collect::<Option<_>>()?;
        let read = Rule::from_words(&words).ok()?;
        if read.words() == words {
            for word in &words {
                self.note_parameters(word);
            }
            return Some(write::string(&read.to_string()));
        }
        let words: Vec<String> = words.iter().map(|word| self.string(word)).collect();
        Some(format!("[{}]", words.join(", ")))
    }

    fn string(&mut self, word: &str) -> String {
        self.note_parameters(word);
        write::string(word)
    }

    fn note_parameters(&mut self, word: &str) {
        let names = names_in(word).into_iter().map(str::to_owned);
        self.parameters.extend(names);
    }

    fn constraints(&self, list: &Value) -> Option<Lines> {
        let list = list.as_array()?;
        let written: Vec<String> = list
            .iter()
            .map(|item| self.constraint(item))
            .collect::<Option<_>>()?;
        if written.is_empty() {
            return Some(line("[]".to_owned()));
        }
        let mut lines = line("[".to_owned());
        let each = written.into_iter().enumerate();
        lines.extend(each.map(|(at, item)| (Some(at), format!("    {item},"))));
        lines.push((None, "]".to_owned()));
        Some(lines)
    }

    fn constraint(&self, item: &Value) -> Option<String> {
        let mut object = item.as_object()?.clone();
        if let Some(roots) = object.get("roots") {
            let mut names = Vec::new();
            for id in roots.as_array()? {
                let id = id.as_str()?;
                let named = self.roots.as_ref().and_then(|roots| roots.get(id));
                match named {
                    _ if id == "*" || id.is_empty() => names.push(Value::from(id)),
                    Some((name, _)) => names.push(Value::from(name.as_str())),
                    None => return None,
                }
            }
            object.set("roots", Value::Array(names));
        }
        write::value(&Value::Object(object))
    }
}

fn put_names(field: &str, header: &str, names: &Named<'_>, text: &mut Text) {
    let Some(names) = names else {
        return;
    };
    if field == "keys" && names.is_empty() {
        return;
    }
    text.push("");
    text.about(format!("/{field}"), header);
    for (id, (name, object)) in names {
        let pointer = below(&format!("/{field}"), id);
        text.about(pointer, format!("{} = {object}", write::key(name)));
    }
}

/// How many characters of an id make a name.
const SHORT: usize = 8;

/// A name for each id, none of which is another's id.
fn choose<'v>(ids: &[&'v str], wanted: &BTreeMap<String, String>) -> BTreeMap<&'v str, String> {
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut chosen = BTreeMap::new();
    for id in ids {
        let free = |name: &str| !name.is_empty() && !taken.contains(name) && !ids.contains(&name);
        let short = id.get(..SHORT).filter(|short| free(short));
        let name = wanted
            .get(*id)
            .map(String::as_str)
            .filter(|name| free(name) && is_name(name));
        let name = name.or(short).unwrap_or(id).to_owned();
        taken.insert(name.clone());
        chosen.insert(*id, name);
    }
    chosen
}

fn named_keys<'v>(keys: &'v Object, wanted: &BTreeMap<String, String>) -> Named<'v> {
    let ids: Vec<&str> = keys.iter().map(|(id, _)| id).collect();
    let names = choose(&ids, wanted);
    let mut seen = BTreeSet::new();
    let mut found = BTreeMap::new();
    for (id, value) in keys.iter() {
        let object = value.as_object()?;
        let stated = object.get("keyid").and_then(Value::as_str);
        let hexadecimal = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        let key = AnyKey::from_value(value).ok()?;
        let private = object
            .get("keyval")
            .and_then(Value::as_object)?
            .get("private");
        let public = private.is_none_or(|private| private.as_str() == Some(""));
        let fingerprints = match &key {
            AnyKey::Plain(key) => vec![key.fingerprint()],
            AnyKey::OpenPgp(key) => key.fingerprints(),
        };
        // The subkeys of one key may be of the same material; no two keys may.
        let own: BTreeSet<Fingerprint> = fingerprints.into_iter().collect();
        if stated != Some(id) || !hexadecimal || !public || !seen.is_disjoint(&own) {
            return None;
        }
        seen.extend(own);
        found.insert(id, (names.get(id)?.clone(), write::value(value)?));
    }
    Some(found)
}

fn named_authorities(authorities: &Object) -> Named<'_> {
    let ids: Vec<&str> = authorities.iter().map(|(id, _)| id).collect();
    let names = choose(&ids, &BTreeMap::new());
    let mut found = BTreeMap::new();
    for (id, value) in authorities.iter() {
        let stated = value.as_object()?.get("keyid").and_then(Value::as_str);
        let name = match stated {
            Some(stated) if stated == id => names.get(id)?.clone(),
            Some(_) => return None,
            None => id.to_owned(),
        };
        if name == "*" || name.is_empty() {
            return None;
        }
        found.insert(id, (name, write::value(value)?));
    }
    Some(found)
}
