//! The text form of layouts: TOML that a person writes, and the value that is signed.
//!
//! [`compile`] makes the value of a text, [`decompile`] a text of a value, and the one is the inverse of
//! the other for every layout. What the text form has no words for, fields that are not known here
//! among them, stands in it as JSON text (`json = '…'`), so nothing is lost; what it says by itself and a
//! layout has not is named in `without = […]`.
//!
//! Refused, each with its place: fields that are not known, names of nothing, lists of rules and keys
//! that are missing (an empty list has to be written), words that are no rule.

mod command;
mod decompile;
mod error;
mod expiry;
mod items;
mod json;
mod keys;
mod parameters;
mod places;
mod renew;
mod rotate;
mod rules;
mod tree;
mod write;

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;

use crate::encoding::{Object, Value};
use crate::keys::KeyIdStyle;
use crate::model::{Layout, Moment};

use error::{Errors, Fields};
use json::{Rest, Word};
use parameters::Parameters;
use rules::Sets;
use tree::{Node, Spanned};

pub use decompile::{DecompileError, decompile, decompile_named};
pub use error::TextError;
pub use expiry::{expiry, is_span};
pub use places::Places;
pub use renew::renew;
pub use rotate::rotate;

/// How many keys one table may have.
const MAX_KEYS: usize = 10_000;

/// What a text form is compiled with.
pub struct Context<'a> {
    /// From when spans of time count.
    pub now: Moment,
    /// Values of parameters, which go before those of the text.
    pub parameters: BTreeMap<String, String>,
    /// How the ids of keys are made that come from files without one.
    pub keyid_style: KeyIdStyle,
    /// Gives the bytes of a file that the text names, or says why not.
    pub read_file: &'a dyn Fn(&str) -> Result<Vec<u8>, String>,
}

impl<'a> Context<'a> {
    /// Without parameters, and with key ids as in-toto 3 makes them.
    pub fn new(now: Moment, read_file: &'a dyn Fn(&str) -> Result<Vec<u8>, String>) -> Self {
        Self {
            now,
            parameters: BTreeMap::new(),
            keyid_style: KeyIdStyle::Current,
            read_file,
        }
    }
}

impl fmt::Debug for Context<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Context")
            .field("now", &self.now)
            .field("parameters", &self.parameters)
            .field("keyid_style", &self.keyid_style)
            .finish_non_exhaustive()
    }
}

/// A text form that was compiled.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// What is signed.
    pub value: Value,
    /// The same, read.
    pub layout: Layout,
    /// Where its parts stand in the text.
    pub places: Places,
    /// What is no error and should be known: what was declared and is not used, an expiry that has passed.
    pub notes: Vec<TextError>,
}

const FIELDS: [&str; 11] = [
    "readme",
    "expires",
    "parameters",
    "keys",
    "roots",
    "intermediates",
    "rules",
    "step",
    "inspection",
    "json",
    "without",
];

/// Fields of the layout and the words for them.
const WORDS: [Word; 7] = [
    ("readme", "readme"),
    ("expires", "expires"),
    ("keys", "keys"),
    ("rootcas", "roots"),
    ("intermediatecas", "intermediates"),
    ("steps", "step"),
    ("inspect", "inspection"),
];

/// Fields of the layout that may be left out.
const DROPPABLE: [&str; 3] = ["readme", "expires", "keys"];

/// Compiles a text form.
///
/// # Errors
/// Everything that is wrong with it, at most a hundred, in the order of the text.
pub fn compile(text: &str, context: &Context<'_>) -> Result<Compiled, Vec<TextError>> {
    let mut errors = Errors::new(text);
    let root = match tree::parse(text) {
        Ok(root) => root,
        Err(error) => {
            let message = crate::model::printable(&error.message);
            let help = error.span.as_ref().and_then(|at| two_brackets(text, at));
            errors.put(error.span.as_ref(), message, help);
            return Err(errors.found);
        }
    };
    let mut places = Places::new(text);
    let value = layout(&root, context, &mut places, &mut errors);
    let layout = value
        .as_ref()
        .filter(|_| errors.found.is_empty())
        .map(Layout::from_value);
    let complaints = match (value, layout) {
        (Some(value), Some(Ok(layout))) => {
            let notes = errors.notes;
            return Ok(Compiled {
                value,
                layout,
                places,
                notes,
            });
        }
        (_, Some(Err(complaints))) => complaints,
        (_, None | Some(Ok(_))) => Vec::new(),
    };
    for complaint in complaints {
        let at = places.range(&complaint.pointer);
        errors.put(at.as_ref(), complaint.message, None);
    }
    let place = |error: &TextError| error.span.map_or(0, |span| span.start);
    errors.found.sort_by_key(place);
    Err(errors.found)
}

fn layout(
    root: &Spanned,
    context: &Context<'_>,
    places: &mut Places,
    errors: &mut Errors<'_>,
) -> Option<Value> {
    let fields = Fields::of("a layout", root, &FIELDS, errors)?;
    let fixed = ["_type", "steps", "inspect"];
    let rest = Rest::read(&fields, &WORDS, &DROPPABLE, &fixed, errors);
    let mut object = Object::new();
    object.set("_type", "layout");
    object.set("readme", readme(&fields, places, errors));
    if let Some(expires) = expires(&fields, &rest, context, places, errors) {
        object.set("expires", expires.to_string());
    }
    let table = fields.value("parameters");
    let mut parameters = Parameters::read(table, &context.parameters, errors);
    let functionaries = keys::functionaries(fields.value("keys"), context, places, errors);
    object.set("keys", functionaries.object.clone());
    let mut roots = keys::Names::default();
    for (word, field) in [("roots", "rootcas"), ("intermediates", "intermediatecas")] {
        if let Some(entry) = fields.get(word) {
            places.put(format!("/{field}"), &entry.key);
            let names = keys::authorities(Some(&entry.value), field, context, places, errors);
            object.set(field, names.object.clone());
            if word == "roots" {
                roots = names;
            }
        }
    }
    let rules = fields.value("rules");
    let mut sets = Sets::read(rules, &mut parameters, errors);
    let mut items = items::Reader {
        parameters: &mut parameters,
        sets: &mut sets,
        functionaries: &functionaries,
        roots: &roots,
        also_keys: rest.json.get("keys").and_then(Value::as_object),
        used: std::collections::BTreeSet::new(),
        places,
        errors,
    };
    let (steps, inspections) = items.read(&fields);
    let used = items.used;
    if steps.as_array().is_some_and(<[Value]>::is_empty) {
        let message =
            "there is no `[[step]]`: the layout asks for no evidence of how anything was made";
        errors.note(&(0..0), message, None);
    }
    object.set("steps", steps);
    object.set("inspect", inspections);
    parameters.tell_unused(errors);
    sets.tell_unused(errors);
    for named in &functionaries.known {
        if !used.contains(&named.keyid) && !named.others.iter().any(|id| used.contains(id)) {
            let name = crate::model::quoted(&named.entry.name);
            errors.note(
                &named.entry.key,
                format!("no step is for the key {name}"),
                None,
            );
        }
    }
    Some(Value::Object(rest.finish(object, "", &fields, places)))
}

fn readme(fields: &Fields<'_>, places: &mut Places, errors: &mut Errors<'_>) -> String {
    let Some(entry) = fields.get("readme") else {
        return String::new();
    };
    places.put("/readme", &entry.value.span);
    let text = errors.text_of(&entry.value);
    text.unwrap_or_default().to_owned()
}

/// What is said of a second `[step]`, which is no table of TOML's a second time.
fn two_brackets(text: &str, at: &Range<usize>) -> Option<String> {
    let begin = text.get(..at.start)?.rfind('\n').map_or(0, |end| end + 1);
    let line = text.get(begin..)?.lines().next()?.trim();
    let item = line.strip_prefix('[')?.strip_suffix(']')?;
    let is_item = matches!(item, "step" | "inspection");
    is_item.then(|| format!("each of several is headed `[[{item}]]`, with two brackets"))
}

fn expires(
    fields: &Fields<'_>,
    rest: &Rest,
    context: &Context<'_>,
    places: &mut Places,
    errors: &mut Errors<'_>,
) -> Option<Moment> {
    let Some(entry) = fields.get("expires") else {
        if !rest.covers("expires") {
            let message = "the field `expires` is missing".to_owned();
            let help = "say how long the layout is good, such as `expires = \"90d\"`".to_owned();
            errors.put(None, message, Some(help));
        }
        return None;
    };
    places.put("/expires", &entry.value.span);
    let text = match &entry.value.node {
        Node::Moment(text) | Node::Text(text) => text,
        Node::Integer(_) | Node::Float | Node::Bool(_) | Node::List(_) | Node::Table(_) => {
            let message = "expected a date, a moment, or a span such as \"90d\"";
            errors.add(&entry.value.span, message);
            return None;
        }
    };
    let found = expiry(text, context.now);
    match found {
        Ok(moment) => {
            if moment <= context.now {
                let message = format!("the layout has expired, at {moment}");
                errors.note(&entry.value.span, message, None);
            }
            Some(moment)
        }
        Err(why) => {
            errors.add(&entry.value.span, why);
            None
        }
    }
}
