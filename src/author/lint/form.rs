//! The form: fields that nobody reads, names that cannot be, and what the model complains about.

use std::collections::BTreeMap;

use crate::encoding::{Object, Value};
use crate::model::{ItemName, ItemNameError, Rule, quoted, similar};
use crate::report::LintCode;

use super::findings::Findings;
use super::reading::{Item, Reading, member, token};

/// The fields of a layout.
const LAYOUT: [&str; 8] = [
    "_type",
    "expires",
    "inspect",
    "intermediatecas",
    "keys",
    "readme",
    "rootcas",
    "steps",
];

/// The fields of a step.
const STEP: [&str; 8] = [
    "_type",
    "cert_constraints",
    "expected_command",
    "expected_materials",
    "expected_products",
    "name",
    "pubkeys",
    "threshold",
];

/// The fields of an inspection.
const INSPECTION: [&str; 5] = [
    "_type",
    "expected_materials",
    "expected_products",
    "name",
    "run",
];

/// The fields of a key object, those of OpenPGP keys included.
const KEY: [&str; 12] = [
    "creation_time",
    "hashes",
    "keyid",
    "keyid_hash_algorithms",
    "keytype",
    "keyval",
    "method",
    "scheme",
    "subkeys",
    "type",
    "validity_period",
    "certificate",
];

/// Other words for fields, as other formats and the text form have them.
const OTHER_WORDS: [(&str, &str); 7] = [
    ("command", "expected_command"),
    ("constraints", "cert_constraints"),
    ("inspections", "inspect"),
    ("keys", "pubkeys"),
    ("materials", "expected_materials"),
    ("products", "expected_products"),
    ("roots", "rootcas"),
];

/// What says more exactly what the model complains about, too.
const SAID_BETTER: [LintCode; 3] = [
    LintCode::MatchFromUnknown,
    LintCode::NameInvalid,
    LintCode::NameTwice,
];

pub(super) fn look(reading: &Reading<'_>, found: &mut Findings) {
    if let Some(layout) = reading.value.as_object() {
        fields("", layout, &LAYOUT, "a layout", found);
    }
    for item in &reading.items {
        let (known, what): (&[&str], &str) = if item.is_step {
            (&STEP, "a step")
        } else {
            (&INSPECTION, "an inspection")
        };
        fields(&item.pointer, item.object, known, what, found);
    }
    for field in ["keys", "rootcas", "intermediatecas"] {
        let keys = member(reading.value, field).and_then(Value::as_object);
        for (keyid, key) in keys.iter().flat_map(|keys| keys.iter()) {
            if let Some(key) = key.as_object() {
                let pointer = format!("/{field}/{}", token(keyid));
                fields(&pointer, key, &KEY, "a key", found);
            }
        }
    }
    names(reading, found);
    emptiness(reading, found);
}

fn fields(pointer: &str, object: &Object, known: &[&str], what: &str, found: &mut Findings) {
    for (name, _) in object.iter().filter(|(name, _)| !known.contains(name)) {
        let at = format!("{pointer}/{}", token(name));
        let mut others = OTHER_WORDS.iter();
        let other = others.find(|(word, field)| word == &name && known.contains(field));
        let meant = similar(name, known.iter().copied(), 1);
        if let Some(meant) = other.map(|other| &other.1).or(meant.first()) {
            let message = format!(
                "{what} has no field {}: what stands there is read by nobody, as if it were not written",
                quoted(name)
            );
            let help = format!("if {} is meant, write that", quoted(meant));
            found.error(LintCode::FieldMisspelt, &at, message, &help);
        } else {
            let message = format!(
                "{what} has no field {}: it is read by nobody, and with it in a Metablock in-toto takes the signature for wrong",
                quoted(name)
            );
            let help = "take the field out; free text belongs into `readme`";
            found.warn(LintCode::FieldUnknown, &at, message, help);
        }
    }
}

fn names(reading: &Reading<'_>, found: &mut Findings) {
    let mut first: BTreeMap<&str, &Item<'_>> = BTreeMap::new();
    for item in &reading.items {
        let Some(name) = item.name else {
            continue;
        };
        let at = format!("{}/name", item.pointer);
        match ItemName::new(name) {
            Err(error) => invalid_name(&at, &error, found),
            Ok(_) if is_awkward(name) => {
                let message = format!(
                    "{} names files, `NAME.KEYID.link`, and has characters that a shell does not leave alone",
                    quoted(name)
                );
                let help = "name it with letters, digits, `-`, `_` and `.` alone, a letter first";
                found.note(LintCode::NameAwkward, &at, message, help);
            }
            Ok(_) => {}
        }
        if let Some(other) = first.get(name) {
            let message = format!(
                "{} stands for {} already, so no MATCH and no link can say which is meant",
                quoted(name),
                if other.is_step {
                    "a step"
                } else {
                    "an inspection"
                }
            );
            found.error(LintCode::NameTwice, &at, message, "rename one of them");
        } else {
            first.insert(name, item);
        }
    }
}

fn invalid_name(at: &str, error: &ItemNameError, found: &mut Findings) {
    let help = "links are files named after their step: write a name without `/`, `\\` and control characters";
    found.error(LintCode::NameInvalid, at, error.to_string(), help);
}

fn is_awkward(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || "-_.+@:=,".contains(c);
    name.starts_with(['-', '.']) || !name.chars().all(plain)
}

fn emptiness(reading: &Reading<'_>, found: &mut Findings) {
    let is_list =
        |field: &str| member(reading.value, field).is_some_and(|it| it.as_array().is_some());
    if !is_list("steps") || !is_list("inspect") {
        return;
    }
    let count = |field: &str| {
        let list = member(reading.value, field).and_then(Value::as_array);
        list.unwrap_or_default().len()
    };
    match (count("steps"), count("inspect")) {
        (0, 0) => {
            let message = "the layout has no steps and no inspections: it asks for nothing, and `verify` refuses it";
            let help = "add the steps that must have happened";
            found.error(LintCode::LayoutEmpty, "", message.to_owned(), help);
        }
        (0, _) => {
            let message = "the layout has no steps: nobody signs for anything, and its inspections look only at what lies there";
            let help = "add the steps whose products the inspections look at, and MATCH with them";
            found.warn(
                LintCode::LayoutWithoutSteps,
                "/steps",
                message.to_owned(),
                help,
            );
        }
        _ => {}
    }
}

/// What the model complains about and no finding says more exactly.
pub(super) fn complain(reading: &Reading<'_>, found: &mut Findings) {
    let mut said = found.places(&SAID_BETTER);
    // About MATCH rules that can be read, `sources` knows better: the step that one refers to may be there
    // and malformed.
    let lists = reading.items.iter().flat_map(Item::lists);
    let rules = lists.flat_map(|list| &list.rules);
    let matches = rules.filter(|placed| matches!(placed.rule, Rule::Match(_)));
    said.extend(matches.map(|placed| placed.pointer.clone()));
    for complaint in &reading.complaints {
        if !said.contains(complaint.pointer.as_str()) {
            let help = "no implementation can use the layout before that is mended";
            let message = complaint.message.clone();
            found.error(LintCode::LayoutInvalid, &complaint.pointer, message, help);
        }
    }
}
