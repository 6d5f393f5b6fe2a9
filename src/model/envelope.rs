//! Envelopes: a payload and signatures over it, still untrusted.
//!
//! Two forms are in use. A *Metablock* (in-toto specification 4.1) has its payload as a JSON value
//! under `signed`; signatures cover the canonical JSON of that value as it was received, never of
//! something written anew, so that fields we do not know are covered too. *DSSE* has the payload as
//! base64; signatures cover the bytes in it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

use crate::encoding::{
    self, CanonicalError, Object, ReadError, Value, canonical, compact, indented,
};
use crate::keys::KeyId;

use super::{hex, quoted};

/// The payload type of in-toto metadata in DSSE (links and layouts alike).
pub const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// The two forms of envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `{"signed": …, "signatures": […]}`
    Metablock,
    /// `{"payloadType": …, "payload": …, "signatures": […]}`
    Dsse,
}

/// An envelope.
#[derive(Clone, Debug)]
pub struct Envelope {
    form: Form,
    /// The document as received, unknown fields included.
    document: Object,
    payload: Value,
    message: Vec<u8>,
    signatures: Vec<Signature>,
}

/// One signature of an envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The id of the key that is said to have made it.
    pub keyid: Option<KeyId>,
    /// The signature itself; `None` when it is absent or not written as the form asks.
    pub bytes: Option<Vec<u8>>,
    /// Whether this is an OpenPGP signature as in-toto stores them.
    pub openpgp: bool,
}

/// What an envelope's payload says it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayloadKind {
    /// `"_type": "link"`
    Link,
    /// `"_type": "layout"`
    Layout,
    /// Something else, with its name if it has one.
    Other(Option<String>),
}

/// Why bytes are no envelope that can be used.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// The file is not JSON as it must be.
    #[error(transparent)]
    Json(ReadError),
    /// The DSSE payload is not JSON as it must be.
    #[error("the payload cannot be read: {0}")]
    PayloadJson(ReadError),
    /// JSON, but no envelope.
    #[error("{0}")]
    Form(String),
    /// A DSSE envelope of something else.
    #[error("expected the payload type `{PAYLOAD_TYPE}`, found {}", quoted(found))]
    PayloadType {
        /// The payload type.
        found: String,
    },
    /// The signed value has no canonical form.
    #[error(transparent)]
    Canonical(CanonicalError),
}

impl EnvelopeError {
    /// Whether an object has a key twice: readers disagree about what such a document says.
    pub fn is_duplicate_key(&self) -> bool {
        matches!(
            self,
            Self::Json(ReadError::DuplicateKey { .. })
                | Self::PayloadJson(ReadError::DuplicateKey { .. })
        )
    }
}

impl Envelope {
    /// Reads an envelope. Where a file has both a `payload` and a `signed`, the payload counts.
    ///
    /// # Errors
    /// See [`EnvelopeError`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, EnvelopeError> {
        let value = encoding::parse(bytes).map_err(EnvelopeError::Json)?;
        let Value::Object(document) = value else {
            let text = format!("expected an object with signatures, found {}", value.kind());
            return Err(EnvelopeError::Form(text));
        };
        if document.get("payload").is_some() {
            Self::dsse(document)
        } else if document.get("signed").is_some() {
            Self::metablock(document)
        } else {
            let text = "expected an envelope with a field `signed` (Metablock) or `payload` (DSSE)";
            Err(EnvelopeError::Form(text.to_owned()))
        }
    }

    fn metablock(document: Object) -> Result<Self, EnvelopeError> {
        let payload = match document.get("signed") {
            Some(payload @ Value::Object(_)) => payload.clone(),
            other => {
                let kind = other.map_or("nothing", Value::kind);
                let text = format!("expected an object in the field `signed`, found {kind}");
                return Err(EnvelopeError::Form(text));
            }
        };
        Ok(Self {
            form: Form::Metablock,
            message: canonical(&payload).map_err(EnvelopeError::Canonical)?,
            signatures: signatures(&document, Form::Metablock)?,
            document,
            payload,
        })
    }

    fn dsse(document: Object) -> Result<Self, EnvelopeError> {
        let found = match document.get("payloadType") {
            Some(Value::String(found)) => found.clone(),
            other => {
                let kind = other.map_or("nothing", Value::kind);
                let text = format!("expected a string in the field `payloadType`, found {kind}");
                return Err(EnvelopeError::Form(text));
            }
        };
        if found != PAYLOAD_TYPE {
            return Err(EnvelopeError::PayloadType { found });
        }
        let text = document.get("payload").and_then(Value::as_str);
        let bytes = text.and_then(from_base64).ok_or_else(|| {
            EnvelopeError::Form("the field `payload` is not base64 text".to_owned())
        })?;
        Ok(Self {
            form: Form::Dsse,
            message: encoding::pae(PAYLOAD_TYPE, &bytes),
            signatures: signatures(&document, Form::Dsse)?,
            payload: encoding::parse(&bytes).map_err(EnvelopeError::PayloadJson)?,
            document,
        })
    }

    /// A new envelope without signatures.
    ///
    /// # Errors
    /// The payload has no canonical form, which a Metablock needs.
    pub fn unsigned(payload: Value, form: Form) -> Result<Self, CanonicalError> {
        let mut document = Object::new();
        document.set("signatures", Value::Array(Vec::new()));
        let message = match form {
            Form::Metablock => {
                let message = canonical(&payload)?;
                document.set("signed", payload.clone());
                message
            }
            Form::Dsse => {
                let text = compact(&payload);
                document.set("payloadType", PAYLOAD_TYPE);
                document.set("payload", STANDARD.encode(&text));
                encoding::pae(PAYLOAD_TYPE, text.as_bytes())
            }
        };
        Ok(Self {
            form,
            document,
            payload,
            message,
            signatures: Vec::new(),
        })
    }

    /// Which form it has.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The payload, as received.
    pub fn payload(&self) -> &Value {
        &self.payload
    }

    /// What the payload says it is.
    pub fn kind(&self) -> PayloadKind {
        let kind = self
            .payload
            .as_object()
            .and_then(|payload| payload.get("_type"));
        match kind.and_then(Value::as_str) {
            Some("link") => PayloadKind::Link,
            Some("layout") => PayloadKind::Layout,
            other => PayloadKind::Other(other.map(str::to_owned)),
        }
    }

    /// The bytes that signatures cover.
    pub fn message(&self) -> &[u8] {
        &self.message
    }

    /// The signatures in their order.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Takes all signatures away.
    pub fn clear_signatures(&mut self) {
        self.signatures.clear();
        self.document.set("signatures", Value::Array(Vec::new()));
    }

    /// Adds a signature; one under the same key id is replaced in its place.
    pub fn add_signature(&mut self, keyid: &KeyId, bytes: &[u8]) {
        let mut entry = Object::new();
        entry.set("keyid", keyid.as_str());
        entry.set(
            "sig",
            match self.form {
                Form::Metablock => hex(bytes),
                Form::Dsse => STANDARD.encode(bytes),
            },
        );
        let signature = Signature {
            keyid: Some(keyid.clone()),
            bytes: Some(bytes.to_vec()),
            openpgp: false,
        };
        let mut entries = match self.document.remove("signatures") {
            Some(Value::Array(entries)) => entries,
            _ => Vec::new(),
        };
        let same = |known: &Signature| known.keyid.as_ref() == Some(keyid);
        let at = self
            .signatures
            .iter()
            .position(same)
            .unwrap_or(entries.len());
        if at < entries.len() {
            entries.remove(at);
            self.signatures.remove(at);
        }
        entries.insert(at, Value::Object(entry));
        self.signatures.insert(at, signature);
        self.document.set("signatures", Value::Array(entries));
    }

    /// The file as the reference writes it; unknown fields stay.
    pub fn to_text(&self) -> String {
        let document = Value::Object(self.document.clone());
        match self.form {
            Form::Metablock => indented(&document),
            Form::Dsse => compact(&document),
        }
    }
}

fn signatures(document: &Object, form: Form) -> Result<Vec<Signature>, EnvelopeError> {
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
    Signature {
        keyid: text("keyid").map(KeyId::new),
        bytes: text("sig").and_then(|sig| match form {
            Form::Metablock => from_hex(sig),
            Form::Dsse => from_base64(sig),
        }),
        openpgp: entry.get("other_headers").is_some(),
    }
}

/// Standard or URL-safe alphabet, padded, without white space (DSSE protocol, "Verification").
fn from_base64(text: &str) -> Option<Vec<u8>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_payload_counts_where_both_stand() {
        let text = format!(
            r#"{{"payloadType":"{PAYLOAD_TYPE}","payload":"e30=","signed":{{"_type":"link"}},"signatures":[]}}"#
        );
        let envelope = Envelope::from_bytes(text.as_bytes()).unwrap();
        assert_eq!(envelope.form(), Form::Dsse);
        assert_eq!(envelope.kind(), PayloadKind::Other(None));
        assert_eq!(
            envelope.message(),
            b"DSSEv1 28 application/vnd.in-toto+json 2 {}"
        );
    }

    #[test]
    fn what_is_no_envelope_is_refused() {
        for text in [
            "{}",
            "[]",
            "7",
            r#"{"signed":null,"signatures":[]}"#,
            r#"{"signed":{}}"#,
            r#"{"signed":{},"signatures":{}}"#,
            r#"{"signed":{},"signatures":[7]}"#,
            r#"{"signed":{"a":1.5},"signatures":[]}"#,
            r#"{"payload":"e30=","signatures":[]}"#,
            r#"{"payload":"e30=","payloadType":"x","signatures":[]}"#,
            r#"{"payload":"e3 0=","payloadType":"application/vnd.in-toto+json","signatures":[]}"#,
            r#"{"payload":"e30","payloadType":"application/vnd.in-toto+json","signatures":[]}"#,
            r#"{"payload":"e30=","payloadType":"application/vnd.in-toto+json"}"#,
        ] {
            assert!(Envelope::from_bytes(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn a_signature_in_the_wrong_writing_has_no_bytes() {
        let text = r#"{"signed":{},"signatures":[{"keyid":"a","sig":"0G"},{"sig":"aBC"},{"keyid":"b","sig":"aB0f"}]}"#;
        let envelope = Envelope::from_bytes(text.as_bytes()).unwrap();
        let bytes: Vec<_> = envelope
            .signatures()
            .iter()
            .map(|s| s.bytes.clone())
            .collect();
        assert_eq!(bytes, [None, None, Some(vec![0xab, 0x0f])]);
    }

    #[test]
    fn signing_keeps_unknown_fields_and_replaces_its_own_signature() {
        let text = r#"{"signed":{"_type":"layout","rootcas":{}},"x":1,"signatures":[{"keyid":"a","sig":"00","cert":"c"},{"keyid":"b","sig":"00"}]}"#;
        let mut envelope = Envelope::from_bytes(text.as_bytes()).unwrap();
        envelope.add_signature(&KeyId::new("b"), &[1]);
        envelope.add_signature(&KeyId::new("c"), &[2]);
        let again = Envelope::from_bytes(envelope.to_text().as_bytes()).unwrap();
        assert_eq!(again.message(), envelope.message());
        assert_eq!(again.signatures(), envelope.signatures());
        assert!(
            again.to_text().contains("\"cert\": \"c\"") && again.to_text().contains("\"x\": 1")
        );
        let sigs: Vec<_> = again
            .signatures()
            .iter()
            .map(|s| s.bytes.clone().unwrap())
            .collect();
        assert_eq!(sigs, [vec![0], vec![1], vec![2]]);
    }

    #[test]
    fn a_new_dsse_payload_is_written_as_the_reference_does() {
        let payload = encoding::parse("{\"b\":\"é\",\"a\":[1]}".as_bytes()).unwrap();
        let envelope = Envelope::unsigned(payload, Form::Dsse).unwrap();
        assert_eq!(
            envelope.message(),
            br#"DSSEv1 28 application/vnd.in-toto+json 25 {"a": [1], "b": "\u00e9"}"#
        );
    }
}
