//! OpenPGP keys as the key objects of layouts, in the words of securesystemslib:
//! `{"method", "type", "keyid", "creation_time", "validity_period", "keyval": {"public"}, "subkeys"}`.
//!
//! The object says neither what a subkey is for nor who bound it to its key: whoever signs the layout
//! vouches for all of it.

use super::material::{DsaNumbers, Material};
use super::{OpenPgpError, OpenPgpKey, Part};
use crate::encoding::{Object, Value};
use crate::keys::{KeyError, KeyId, hex};

const RSA: &str = "pgp+rsa-pkcsv1.5";
const DSA: &str = "pgp+dsa-fips-180-2";
const EDDSA: &str = "pgp+eddsa-ed25519";

/// How many subkeys a key may have.
const MAX_SUBKEYS: usize = 100;

/// Whether an object describes an OpenPGP key in this form.
pub(super) fn is_object(object: &Object) -> bool {
    object.get("keytype").is_none()
        && (object.get("method").is_some() || object.get("type").is_some())
}

pub(super) fn read(object: &Object) -> Result<OpenPgpKey, KeyError> {
    let main = read_part(object)?;
    let mut key = OpenPgpKey {
        main,
        subkeys: Vec::new(),
        left_out: Vec::new(),
    };
    let subkeys = match object.get("subkeys") {
        None => return Ok(key),
        Some(Value::Object(subkeys)) => subkeys,
        Some(other) => return Err(wrong("subkeys", "an object", Some(other))),
    };
    if subkeys.iter().len() > MAX_SUBKEYS {
        return Err(OpenPgpError::TooManySubkeys { limit: MAX_SUBKEYS }.into());
    }
    for (name, subkey) in subkeys.iter() {
        let Some(subkey) = subkey.as_object() else {
            return Err(wrong("subkeys", "objects", Some(subkey)));
        };
        let part = read_part(subkey)?;
        if part.keyid.as_str() != name {
            return Err(OpenPgpError::SubkeyName {
                name: name.to_owned(),
            }
            .into());
        }
        key.subkeys.push(part);
    }
    Ok(key)
}

fn read_part(object: &Object) -> Result<Part, KeyError> {
    let method = text(object, "method", "method")?;
    let keyval = object.get("keyval");
    let keyval = keyval
        .and_then(Value::as_object)
        .ok_or_else(|| wrong("keyval", "an object", keyval))?;
    let public = keyval.get("public");
    let public = public
        .and_then(Value::as_object)
        .ok_or_else(|| wrong("keyval.public", "an object", public))?;
    let (kind, material) = match method {
        RSA => {
            let n = number(public, "n", "keyval.public.n")?;
            (
                "rsa",
                Material::rsa(&n, &number(public, "e", "keyval.public.e")?)?,
            )
        }
        DSA => {
            let numbers = DsaNumbers {
                p: number(public, "p", "keyval.public.p")?,
                q: number(public, "q", "keyval.public.q")?,
                g: number(public, "g", "keyval.public.g")?,
                y: number(public, "y", "keyval.public.y")?,
            };
            ("dsa", Material::dsa(numbers)?)
        }
        EDDSA => {
            let point = number(public, "q", "keyval.public.q")?;
            ("eddsa", Material::ed25519(&point)?)
        }
        _ => {
            return Err(KeyError::Unsupported {
                keytype: object
                    .get("type")
                    .and_then(Value::as_str)
                    .unwrap_or_default()
                    .to_owned(),
                scheme: method.to_owned(),
            });
        }
    };
    if object
        .get("type")
        .is_some_and(|found| found.as_str() != Some(kind))
    {
        return Err(wrong("type", "the type of the method", object.get("type")));
    }
    let created = seconds(object, "creation_time")?;
    Ok(Part {
        keyid: KeyId::new(text(object, "keyid", "keyid")?),
        material,
        created,
        expires: expires(created, seconds(object, "validity_period")?)?,
        may_sign: true,
    })
}

/// A key that is valid for no time at all is valid for ever (RFC 9580, 5.2.3.13).
fn expires(created: Option<u64>, valid: Option<u64>) -> Result<Option<u64>, KeyError> {
    match (created, valid) {
        (_, None | Some(0)) => Ok(None),
        (Some(created), Some(valid)) => Ok(Some(created.saturating_add(valid))),
        (None, Some(_)) => Err(wrong("creation_time", "a number", None)),
    }
}

fn wrong(field: &'static str, expected: &'static str, found: Option<&Value>) -> KeyError {
    KeyError::Field {
        field,
        expected,
        found: found.map_or("nothing", Value::kind),
    }
}

fn text<'a>(object: &'a Object, key: &str, field: &'static str) -> Result<&'a str, KeyError> {
    let value = object.get(key);
    let text = value.and_then(Value::as_str);
    text.ok_or_else(|| wrong(field, "a string", value))
}

fn number(object: &Object, key: &str, field: &'static str) -> Result<Vec<u8>, KeyError> {
    let digits = text(object, key, field)?;
    hex::decode(digits).ok_or_else(|| wrong(field, "hexadecimal digits", object.get(key)))
}

fn seconds(object: &Object, field: &'static str) -> Result<Option<u64>, KeyError> {
    let Some(value) = object.get(field) else {
        return Ok(None);
    };
    let number = match value {
        Value::Number(number) => number.as_text().parse().ok(),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    };
    match number {
        Some(seconds) => Ok(Some(seconds)),
        None => Err(wrong(field, "a number of seconds", Some(value))),
    }
}

/// The object as securesystemslib writes it. Only what may sign is in it; a subkey that falls with
/// its main key expires with it.
pub(super) fn write(key: &OpenPgpKey) -> Value {
    let mut object = write_part(&key.main);
    if !key.subkeys.is_empty() {
        let mut subkeys = Object::new();
        for subkey in &key.subkeys {
            subkeys.set(subkey.keyid.as_str(), write_part(subkey));
        }
        object.set("subkeys", subkeys);
    }
    Value::Object(object)
}

fn write_part(part: &Part) -> Object {
    let mut public = Object::new();
    let mut set = |name: &str, number: &[u8]| public.set(name, hex::encode(number));
    let (method, kind) = match &part.material {
        Material::Rsa { n, e, .. } => {
            set("e", e);
            set("n", n);
            (RSA, "rsa")
        }
        Material::Dsa { numbers, .. } => {
            set("g", &numbers.g);
            set("p", &numbers.p);
            set("q", &numbers.q);
            set("y", &numbers.y);
            (DSA, "dsa")
        }
        Material::Ed25519 { point, .. } => {
            set("q", point);
            (EDDSA, "eddsa")
        }
    };
    let mut keyval = Object::new();
    keyval.set("private", "");
    keyval.set("public", public);
    let mut object = Object::new();
    if let Some(created) = part.created {
        object.set("creation_time", whole(created));
    }
    object.set("hashes", vec![Value::from("pgp+SHA2")]);
    object.set("keyid", part.keyid.as_str());
    object.set("keyval", keyval);
    object.set("method", method);
    object.set("type", kind);
    if let (Some(created), Some(expires)) = (part.created, part.expires) {
        // Not 0, which would be for ever.
        let valid = expires.saturating_sub(created).max(1);
        object.set("validity_period", whole(valid));
    }
    object
}

fn whole(seconds: u64) -> i64 {
    i64::try_from(seconds).unwrap_or(i64::MAX)
}
