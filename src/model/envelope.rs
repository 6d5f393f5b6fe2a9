//! Envelopes: a payload and signatures over it, still untrusted.
//!
//! Two forms are in use. A *Metablock* (in-toto specification 4.1) has its payload as a JSON value
//! under `signed`; signatures cover the canonical JSON of that value as it was received, never of
//! something written anew, so that fields we do not know are covered too. *DSSE* has the payload as
//! base64; signatures cover the bytes in it.
//!
//! An envelope keeps the bytes that signatures cover, and nothing else of the payload: where these
//! can be read again, the payload is made of them when it is asked for. How it is read quickly is in
//! [`received`](super::received).

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::encoding::{
    self, CanonicalError, Object, ReadError, Value, Writing, canonical, compact, indented,
};
use crate::keys::KeyId;

use super::signature::{from_base64, signatures};
use super::{Complaint, Link, Signature, hex, quoted, received};

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
    /// The document as received, unknown fields included; without the payload where that can be
    /// made of the message.
    around: Object,
    kind: PayloadKind,
    body: Body,
    signatures: Vec<Signature>,
}

#[derive(Clone, Debug)]
enum Body {
    /// The payload is a part of the message and was accepted by [`received`].
    Text(Received, OnceLock<Value>),
    /// The exact way, for whatever is unusual.
    Tree { payload: Value, message: Vec<u8> },
}

/// A message and where the payload stands in it.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) text: Arc<String>,
    pub(super) message: Range<usize>,
    pub(super) payload: Range<usize>,
    pub(super) writing: Writing,
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
        Self::from_vec(bytes.to_vec())
    }

    /// The same for bytes that are not needed any more: the message can take their place.
    ///
    /// # Errors
    /// See [`EnvelopeError`].
    pub fn from_vec(bytes: Vec<u8>) -> Result<Self, EnvelopeError> {
        received::read(bytes).unwrap_or_else(|bytes| Self::from_tree(&bytes))
    }

    /// The exact way.
    pub(super) fn from_tree(bytes: &[u8]) -> Result<Self, EnvelopeError> {
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

    fn metablock(mut document: Object) -> Result<Self, EnvelopeError> {
        let payload = match document.remove("signed") {
            Some(payload @ Value::Object(_)) => payload,
            other => {
                let kind = other.as_ref().map_or("nothing", Value::kind);
                let text = format!("expected an object in the field `signed`, found {kind}");
                return Err(EnvelopeError::Form(text));
            }
        };
        let message = canonical(&payload).map_err(EnvelopeError::Canonical)?;
        let body = Body::Tree { payload, message };
        Self::new(Form::Metablock, document, body)
    }

    fn dsse(document: Object) -> Result<Self, EnvelopeError> {
        check_payload_type(document.get("payloadType"))?;
        let text = document.get("payload").and_then(Value::as_str);
        let bytes = text.and_then(from_base64).ok_or_else(|| {
            EnvelopeError::Form("the field `payload` is not base64 text".to_owned())
        })?;
        let message = encoding::pae(PAYLOAD_TYPE, &bytes);
        signatures(&document, Form::Dsse)?;
        let payload = encoding::parse(&bytes).map_err(EnvelopeError::PayloadJson)?;
        Self::new(Form::Dsse, document, Body::Tree { payload, message })
    }

    fn new(form: Form, around: Object, body: Body) -> Result<Self, EnvelopeError> {
        Ok(Self {
            form,
            signatures: signatures(&around, form)?,
            kind: body.kind(),
            around,
            body,
        })
    }

    /// An envelope whose payload was accepted where it stands.
    pub(super) fn of_received(
        form: Form,
        around: Object,
        received: Received,
    ) -> Result<Self, EnvelopeError> {
        Self::new(form, around, Body::Text(received, OnceLock::new()))
    }

    /// A new envelope without signatures.
    ///
    /// # Errors
    /// The payload has no canonical form, which a Metablock needs.
    pub fn unsigned(payload: Value, form: Form) -> Result<Self, CanonicalError> {
        let mut around = Object::new();
        around.set("signatures", Value::Array(Vec::new()));
        let message = match form {
            Form::Metablock => canonical(&payload)?,
            Form::Dsse => {
                around.set("payloadType", PAYLOAD_TYPE);
                encoding::pae(PAYLOAD_TYPE, compact(&payload).as_bytes())
            }
        };
        let body = Body::Tree { payload, message };
        Ok(Self {
            form,
            around,
            kind: body.kind(),
            body,
            signatures: Vec::new(),
        })
    }

    /// Which form it has.
    pub fn form(&self) -> Form {
        self.form
    }

    /// The payload, as received. Where it stands in the message, the tree is made when it is first
    /// asked for.
    pub fn payload(&self) -> &Value {
        match &self.body {
            Body::Tree { payload, .. } => payload,
            Body::Text(received, payload) => payload.get_or_init(|| {
                encoding::accepted_value(received.payload_text(), received.writing)
            }),
        }
    }

    /// The payload as a link. Its artifacts share the memory of the message where that can be.
    ///
    /// # Errors
    /// As [`Link::from_value`].
    pub fn link(&self) -> Result<Link, Vec<Complaint>> {
        let quick = match &self.body {
            Body::Tree { .. } => None,
            Body::Text(received, _) => {
                let Range { start, end } = received.payload;
                Link::from_text(&received.text, start, end, received.writing)
            }
        };
        quick.map_or_else(|| Link::from_value(self.payload()), Ok)
    }

    /// What the payload says it is.
    pub fn kind(&self) -> PayloadKind {
        self.kind.clone()
    }

    /// The bytes that signatures cover.
    pub fn message(&self) -> &[u8] {
        match &self.body {
            Body::Tree { message, .. } => message,
            Body::Text(received, _) => {
                let text = received.text.get(received.message.clone());
                text.unwrap_or_default().as_bytes()
            }
        }
    }

    /// The signatures in their order.
    pub fn signatures(&self) -> &[Signature] {
        &self.signatures
    }

    /// Takes all signatures away.
    pub fn clear_signatures(&mut self) {
        self.signatures.clear();
        self.around.set("signatures", Value::Array(Vec::new()));
    }

    /// Adds a signature; one under the same key id is replaced in its place.
    pub fn add_signature(&mut self, keyid: &KeyId, bytes: &[u8]) {
        self.add_certified(keyid, bytes, None);
    }

    /// The same with the PEM certificates of its maker.
    pub fn add_certified(&mut self, keyid: &KeyId, bytes: &[u8], certificate: Option<&str>) {
        let mut entry = Object::new();
        entry.set("keyid", keyid.as_str());
        entry.set(
            "sig",
            match self.form {
                Form::Metablock => hex(bytes),
                Form::Dsse => STANDARD.encode(bytes),
            },
        );
        if let Some(certificate) = certificate {
            entry.set("cert", certificate);
        }
        let signature = Signature {
            keyid: Some(keyid.clone()),
            bytes: Some(bytes.to_vec()),
            certificate: certificate.map(str::to_owned),
            openpgp: None,
        };
        let mut entries = match self.around.remove("signatures") {
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
        self.around.set("signatures", Value::Array(entries));
    }

    /// The file as the reference writes it; unknown fields stay.
    pub fn to_text(&self) -> String {
        let mut document = self.around.clone();
        match self.form {
            Form::Metablock => {
                document.set("signed", self.payload().clone());
                indented(&Value::Object(document))
            }
            Form::Dsse => {
                if document.get("payload").is_none() {
                    document.set("payload", STANDARD.encode(self.dsse_payload()));
                }
                compact(&Value::Object(document))
            }
        }
    }

    /// The payload behind the header of the message, which says how long it is.
    fn dsse_payload(&self) -> &[u8] {
        let message = self.message();
        let mut parts = message.splitn(5, |byte| *byte == b' ');
        parts.nth(4).unwrap_or_default()
    }
}

impl Body {
    fn kind(&self) -> PayloadKind {
        let kind = match self {
            Self::Tree { payload, .. } => {
                let kind = payload.as_object().and_then(|object| object.get("_type"));
                kind.and_then(Value::as_str).map(str::to_owned)
            }
            Self::Text(received, _) => received::type_of(received.payload_text(), received.writing),
        };
        match kind.as_deref() {
            Some("link") => PayloadKind::Link,
            Some("layout") => PayloadKind::Layout,
            _ => PayloadKind::Other(kind),
        }
    }
}

impl Received {
    fn payload_text(&self) -> &str {
        self.text.get(self.payload.clone()).unwrap_or_default()
    }
}

/// In-toto metadata has one payload type.
pub(super) fn check_payload_type(found: Option<&Value>) -> Result<(), EnvelopeError> {
    match found {
        Some(Value::String(found)) if found == PAYLOAD_TYPE => Ok(()),
        Some(Value::String(found)) => Err(EnvelopeError::PayloadType {
            found: found.clone(),
        }),
        other => {
            let kind = other.map_or("nothing", Value::kind);
            let text = format!("expected a string in the field `payloadType`, found {kind}");
            Err(EnvelopeError::Form(text))
        }
    }
}

#[cfg(test)]
mod tests;
