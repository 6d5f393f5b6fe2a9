//! `[keys]`, `[roots]` and `[intermediates]`: names for key objects of the layout.
//!
//! A key is the path of a file (PEM, a certificate, an OpenPGP export, a key object as JSON) or the key
//! object itself. Refused: keys that cannot be used, private ones, one key under two names.

use std::collections::BTreeMap;

use crate::encoding::{self, Object, Value};
use crate::keys::{AnyKey, Certificate, Fingerprint, KeyIdStyle, OpenPgpKey, PublicKey};
use crate::model::quoted;

use super::error::Errors;
use super::json::{self, below};
use super::places::Places;
use super::tree::{Entry, Node, Spanned};
use super::{Context, MAX_KEYS};

/// The names of one table and the ids that they stand for.
#[derive(Debug, Default)]
pub(super) struct Names<'a> {
    /// Name, id, the other ids under which its key may sign.
    pub(super) known: Vec<Named<'a>>,
    /// What each word means: names, and ids that are no names.
    words: BTreeMap<String, String>,
    /// The object of the layout, by ids.
    pub(super) object: Object,
}

#[derive(Debug)]
pub(super) struct Named<'a> {
    pub(super) entry: &'a Entry,
    pub(super) keyid: String,
    /// Ids of subkeys.
    pub(super) others: Vec<String>,
}

impl Names<'_> {
    /// The id that a name stands for, or that is one of these ids.
    pub(super) fn id(&self, word: &str) -> Option<&str> {
        self.words.get(word).map(String::as_str)
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.known.iter().map(|named| named.entry.name.as_str())
    }
}

/// Reads `[keys]`.
pub(super) fn functionaries<'a>(
    table: Option<&'a Spanned>,
    context: &Context<'_>,
    places: &mut Places,
    errors: &mut Errors<'_>,
) -> Names<'a> {
    let mut seen: BTreeMap<Fingerprint, &str> = BTreeMap::new();
    let mut read = |entry: &'a Entry, errors: &mut Errors<'_>| {
        errors.check_name(entry, "a key");
        let found = match entry.value.node.as_text() {
            Some(path) => from_file(path, context),
            None => object_of(&entry.value, errors)?.and_key(),
        };
        let found = found.map_err(|why| errors.add(&entry.value.span, why));
        let (object, key, note) = found.ok()?;
        if let Some(note) = note {
            errors.note(&entry.value.span, note, None);
        }
        let keyid = text(&object, "keyid")?.to_owned();
        if keyid.is_empty() || !keyid.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            let message = format!("the key id {} is not hexadecimal", quoted(&keyid));
            errors.add(&entry.value.span, message);
            return None;
        }
        if let Some(first) = first_with(&key, &entry.name, &mut seen) {
            let message = format!("this is the same key as {}", quoted(first));
            errors.add_with_help(
                &entry.value.span,
                message,
                "whoever has it counts once, so give it one name",
            );
            return None;
        }
        let others = match &key {
            AnyKey::Plain(_) => Vec::new(),
            AnyKey::OpenPgp(key) => key.ids(),
        };
        let others = others.iter().map(|id| id.as_str().to_owned());
        let others = others.filter(|id| *id != keyid).collect();
        Some((object, keyid, others))
    };
    table_of(table, "keys", places, errors, &mut read)
}

/// The name of another key that shares something with this one, subkeys included.
fn first_with<'a>(
    key: &AnyKey,
    name: &'a str,
    seen: &mut BTreeMap<Fingerprint, &'a str>,
) -> Option<&'a str> {
    let fingerprints = match key {
        AnyKey::Plain(key) => vec![key.fingerprint()],
        AnyKey::OpenPgp(key) => key.fingerprints(),
    };
    let found = fingerprints.iter().find_map(|one| seen.get(one).copied());
    seen.extend(fingerprints.into_iter().map(|one| (one, name)));
    found
}

/// Reads `[roots]` or `[intermediates]` into the field of the layout.
pub(super) fn authorities<'a>(
    table: Option<&'a Spanned>,
    field: &str,
    context: &Context<'_>,
    places: &mut Places,
    errors: &mut Errors<'_>,
) -> Names<'a> {
    let mut read = |entry: &'a Entry, errors: &mut Errors<'_>| {
        let object = match entry.value.node.as_text() {
            Some(path) => certificate(path, context)
                .map_err(|why| errors.add(&entry.value.span, why))
                .ok()?,
            None => object_of(&entry.value, errors)?.0,
        };
        let keyid = text(&object, "keyid").unwrap_or(&entry.name).to_owned();
        if entry.name == "*" || entry.name.is_empty() {
            let message = format!(
                "{} cannot name a root: constraints have it for all, or none",
                quoted(&entry.name)
            );
            errors.add(&entry.key, message);
        }
        Some((object, keyid, Vec::new()))
    };
    table_of(table, field, places, errors, &mut read)
}

type Read = (Object, String, Vec<String>);

fn table_of<'a>(
    table: Option<&'a Spanned>,
    field: &str,
    places: &mut Places,
    errors: &mut Errors<'_>,
    read: &mut dyn FnMut(&'a Entry, &mut Errors<'_>) -> Option<Read>,
) -> Names<'a> {
    let mut names = Names::default();
    let entries = table.and_then(|table| errors.table(table)).unwrap_or(&[]);
    if entries.len() > MAX_KEYS {
        errors.put(None, format!("there are more than {MAX_KEYS} keys"), None);
        return names;
    }
    for entry in entries {
        let Some((object, keyid, others)) = read(entry, errors) else {
            // Its name is known all the same, or every use of it would be an error, too.
            names.known.push(Named {
                entry,
                keyid: String::new(),
                others: Vec::new(),
            });
            continue;
        };
        if names.object.get(&keyid).is_some() {
            let message = format!("the key id {} stands twice", quoted(&keyid));
            errors.add(&entry.value.span, message);
        }
        let pointer = below(&format!("/{field}"), &keyid);
        places.put(&pointer, &entry.key);
        if matches!(entry.value.node, Node::Table(_)) {
            json::place(&entry.value, &pointer, places);
        }
        names.object.set(&keyid, object);
        names.known.push(Named {
            entry,
            keyid,
            others,
        });
    }
    index(&mut names, errors);
    names
}

/// Names go before ids, and no name is the id of another key.
fn index(names: &mut Names<'_>, errors: &mut Errors<'_>) {
    for named in &names.known {
        for id in std::iter::once(&named.keyid).chain(&named.others) {
            names.words.insert(id.clone(), id.clone());
        }
    }
    for named in &names.known {
        let before = names
            .words
            .insert(named.entry.name.clone(), named.keyid.clone());
        if before.is_some_and(|id| id != named.keyid && !named.others.contains(&id)) {
            let message = format!("{} is the id of another key", quoted(&named.entry.name));
            errors.add(&named.entry.key, message);
        }
    }
}

/// A key object that stands in the text.
#[derive(Debug)]
struct KeyObject(Object);

fn object_of(value: &Spanned, errors: &mut Errors<'_>) -> Option<KeyObject> {
    if !matches!(value.node, Node::Table(_)) {
        let message = format!(
            "expected the path of a key or a key object, found {}",
            value.node.kind()
        );
        errors.add(&value.span, message);
        return None;
    }
    let Value::Object(object) = json::value(value, errors)? else {
        return None;
    };
    Some(KeyObject(object))
}

impl KeyObject {
    /// With an id, and the key that it describes.
    fn and_key(self) -> Result<Found, String> {
        let Self(mut object) = self;
        let key = AnyKey::from_value(&Value::Object(object.clone()))
            .map_err(|error| error.to_string())?;
        let private = object.get("keyval").and_then(Value::as_object);
        let private = private.and_then(|keyval| keyval.get("private"));
        if private.is_some_and(|private| private.as_str() != Some("")) {
            return Err(
                "the key object holds a private key, which a layout would publish".to_owned(),
            );
        }
        if object.get("keyid").is_none()
            && let AnyKey::Plain(key) = &key
        {
            object.set("keyid", key.id(KeyIdStyle::Current).as_str());
        }
        Ok((object, key, None))
    }
}

/// A key object, its key, and what should be known about it.
type Found = (Object, AnyKey, Option<&'static str>);

/// The key in a file.
fn from_file(path: &str, context: &Context<'_>) -> Result<Found, String> {
    let bytes = (context.read_file)(path)?;
    let failed =
        |why: &dyn std::fmt::Display| format!("cannot use the key {}: {why}", quoted(path));
    if bytes.trim_ascii_start().starts_with(b"{") {
        let value = encoding::parse(&bytes).map_err(|error| failed(&error))?;
        let found = only_key(value).ok_or_else(|| failed(&"expected one key object"))?;
        return KeyObject(found).and_key().map_err(|why| failed(&why));
    }
    let object = |value: Value| {
        let Value::Object(object) = value else {
            return Err(failed(&"it has no object"));
        };
        Ok(object)
    };
    let made = |key: &PublicKey| object(key.to_value(context.keyid_style));
    if OpenPgpKey::is_file(&bytes) {
        let key = OpenPgpKey::from_armored(&bytes).map_err(|error| failed(&error))?;
        return Ok((object(key.to_value())?, key.into(), None));
    }
    if let Ok(certificate) = Certificate::from_pem(&bytes) {
        let key = certificate.key().map_err(|error| failed(error))?.clone();
        let note = "of the certificate only its key is taken: neither its names nor its validity will be looked at";
        return Ok((made(&key)?, key.into(), Some(note)));
    }
    let keys = PublicKey::all_from_file_bytes(&bytes).map_err(|error| failed(&error))?;
    match keys.as_slice() {
        [key] => Ok((made(key)?, key.clone().into(), None)),
        _ => Err(failed(&"there is more than one key in it")),
    }
}

/// A key object, or the only one under its id.
fn only_key(value: Value) -> Option<Object> {
    let Value::Object(object) = value else {
        return None;
    };
    if ["keytype", "keyval", "method"]
        .iter()
        .any(|field| object.get(field).is_some())
    {
        return Some(object);
    }
    let mut members = object.iter();
    let (Some((keyid, Value::Object(key))), None) = (members.next(), members.next()) else {
        return None;
    };
    let mut key = key.clone();
    if key.get("keyid").is_none() {
        key.set("keyid", keyid);
    }
    Some(key)
}

/// The object of a certificate in a file, as in-toto-golang has it in `rootcas`.
fn certificate(path: &str, context: &Context<'_>) -> Result<Object, String> {
    let bytes = (context.read_file)(path)?;
    let failed =
        |why: &dyn std::fmt::Display| format!("cannot use the certificate {}: {why}", quoted(path));
    let certificates = Certificate::all_from_pem(&bytes).map_err(|error| failed(&error))?;
    let [certificate] = certificates.as_slice() else {
        return Err(failed(&"there is more than one in the file"));
    };
    let key = certificate.key().map_err(|error| failed(error))?;
    let Value::Object(mut object) = key.to_value(KeyIdStyle::Legacy) else {
        return Err(failed(&"its key has no object"));
    };
    let mut keyval = match object.remove("keyval") {
        Some(Value::Object(keyval)) => keyval,
        _ => Object::new(),
    };
    keyval.set("certificate", certificate.to_pem());
    object.set("keyval", keyval);
    Ok(object)
}

fn text<'a>(object: &'a Object, field: &str) -> Option<&'a str> {
    object.get(field).and_then(Value::as_str)
}
