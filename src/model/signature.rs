//! The signatures of an envelope as they are written in it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::encoding::{Object, Value};
use crate::keys::KeyId;

use super::{EnvelopeError, Form};

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The id of the key that is said to have made it.
    pub keyid: Option<KeyId>,
    /// The signature itself; `None` when it is absent or not written as the form asks.
    pub bytes: Option<Vec<u8>>,
    /// PEM certificates that came with it: that of its maker, then any between that and a root.
    pub certificate: Option<String>,
    /// For an OpenPGP signature as in-toto stores them: its headers, empty where they are not
    /// written as they must be. Only a Metablock can have one.
    pub openpgp: Option<Vec<u8>>,
}

/// The signatures of a document, in their order.
pub(super) fn signatures(document: &Object, form: Form) -> Result<Vec<Signature>, EnvelopeError> {
    let Some(Value::Array(entries)) = document.get("signatures") else {
        let text = "expected a list in the field `signatures`";
        return Err(EnvelopeError::Form(text.to_owned()));
    };
    entries
        .iter()
        .map(|entry| match entry {
            Value::Object(entry) => Ok(signature(entry, form)),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => {
                let text = format!("expected an object as a signature, found {}", entry.kind());
                Err(EnvelopeError::Form(text))
            }
        })
        .collect()
}

fn signature(entry: &Object, form: Form) -> Signature {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    let is_openpgp = form == Form::Metablock
        && ["signature", "other_headers"]
            .iter()
            .all(|name| entry.get(name).is_some());
    let headers = || text("other_headers").and_then(from_hex);
    Signature {
        keyid: text("keyid").map(KeyId::new),
        bytes: match form {
            Form::Metablock if is_openpgp => text("signature").and_then(from_hex),
            Form::Metablock => text("sig").and_then(from_hex),
            Form::Dsse => text("sig").and_then(from_base64),
        },
        certificate: text("cert")
            .filter(|cert| !cert.is_empty())
            .map(str::to_owned),
        openpgp: is_openpgp.then(|| headers().unwrap_or_default()),
    }
}

/// Standard or URL-safe alphabet, padded, without white space (DSSE protocol, "Verification").
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    STANDARD
        .decode(text)
        .or_else(|_| URL_SAFE.decode(text))
        .ok()
}

/// Hexadecimal digits of either case.
fn from_hex(text: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    let digit = |byte: u8| char::from(byte).to_digit(16);
    let byte = |[high, low]: &[u8; 2]| u8::try_from(digit(*high)? << 4 | digit(*low)?).ok();
    rest.is_empty().then(|| pairs.iter().map(byte).collect())?
}
