//! A layout that a command was given: its text form, an envelope, or the bare value that is signed.

use std::path::Path;

use crate::author::text::Places;
use crate::encoding::{self, Value};
use crate::keys::{AnyKey, OpenPgpKey, PublicKey};
use crate::model::{Complaint, Envelope, Layout, PayloadKind, quoted};
use crate::store;

use super::super::failure::Failure;
use super::text::{self, Way};

/// A layout and where it came from.
#[derive(Debug)]
pub(super) struct Given {
    /// Its path, for people.
    pub(super) document: String,
    /// The file.
    pub(super) bytes: Vec<u8>,
    /// The envelope around it, if there is one.
    pub(super) envelope: Option<Envelope>,
    /// What is signed, or would be.
    pub(super) value: Value,
    /// The same, read.
    pub(super) layout: Layout,
    /// Where its parts stand, if it is a text form.
    pub(super) places: Option<Places>,
}

impl Given {
    /// Reads a layout. Whether anybody has signed it is not looked at.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        Self::read_by(path, &Way::plain())
    }

    /// The same with a say in how a text form is compiled.
    pub(super) fn read_by(path: &Path, way: &Way) -> Result<Self, Failure> {
        let document = path.to_string_lossy().into_owned();
        let bytes = store::read_file(path).map_err(Failure::failed)?;
        if text::is_text(path, &bytes) {
            let compiled = text::compile(path, &bytes, way)?;
            text::tell_notes(path, &bytes, &compiled);
            return Ok(Self {
                document,
                bytes,
                envelope: None,
                value: compiled.value,
                layout: compiled.layout,
                places: Some(compiled.places),
            });
        }
        let (value, envelope) = payload(&bytes)
            .map_err(|why| Failure::failed(format!("{}: {why}", quoted(&document))))?;
        let layout = Layout::from_value(&value).map_err(|found| invalid(&document, &found))?;
        Ok(Self {
            document,
            bytes,
            envelope,
            value,
            layout,
            places: None,
        })
    }

    /// Whether it is a text form.
    pub(super) fn is_text(&self) -> bool {
        self.places.is_some()
    }
}

/// What is signed, or would be, and the envelope around it if there is one.
pub(super) fn payload(bytes: &[u8]) -> Result<(Value, Option<Envelope>), String> {
    let is_bare = |value: &Value| {
        let kind = value.as_object().and_then(|object| object.get("_type"));
        kind.and_then(Value::as_str) == Some("layout")
    };
    if let Ok(value) = encoding::parse(bytes)
        && is_bare(&value)
    {
        return Ok((value, None));
    }
    let envelope = Envelope::from_bytes(bytes).map_err(|error| error.to_string())?;
    match envelope.kind() {
        PayloadKind::Layout => Ok((envelope.payload().clone(), Some(envelope))),
        PayloadKind::Link => Err("this is a link, expected a layout".to_owned()),
        PayloadKind::Other(kind) => Err(format!(
            "expected a layout, found metadata of type {}",
            quoted(kind.as_deref().unwrap_or("(none)"))
        )),
    }
}

fn invalid(document: &str, complaints: &[Complaint]) -> Failure {
    let complaints: Vec<String> = complaints.iter().map(ToString::to_string).collect();
    Failure::failed(format!(
        "{} is not valid: {}",
        quoted(document),
        complaints.join("; ")
    ))
}

/// The public keys of a file: PEM, a certificate, key objects of layouts, or one that gpg exported.
pub(super) fn public_keys(path: &Path) -> Result<Vec<AnyKey>, String> {
    let bytes = store::read_file(path).map_err(|error| error.to_string())?;
    if OpenPgpKey::is_file(&bytes) {
        let key = OpenPgpKey::from_file_bytes(&bytes).map_err(|error| error.to_string())?;
        return Ok(vec![key.into()]);
    }
    let keys = PublicKey::all_from_file_bytes(&bytes).map_err(|error| error.to_string())?;
    Ok(keys.into_iter().map(AnyKey::from).collect())
}
