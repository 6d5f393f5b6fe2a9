//! A layout that a command was given: an envelope, or the bare value that is signed.

use std::path::Path;

use crate::encoding::{self, Value};
use crate::model::{Complaint, Envelope, Layout, PayloadKind, quoted};
use crate::store;

use super::super::failure::Failure;

/// A layout and where it came from.
#[derive(Debug)]
pub(super) struct Given {
    /// Its path, for people.
    pub(super) document: String,
    /// What is signed, or would be.
    pub(super) layout: Layout,
}

impl Given {
    /// Reads a layout. Whether anybody has signed it is not looked at.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let document = path.to_string_lossy().into_owned();
        let bytes = store::read_file(path).map_err(Failure::failed)?;
        let value = payload(&bytes)
            .map_err(|why| Failure::failed(format!("{}: {why}", quoted(&document))))?;
        let layout = Layout::from_value(&value).map_err(|found| invalid(&document, &found))?;
        Ok(Self { document, layout })
    }
}

fn payload(bytes: &[u8]) -> Result<Value, String> {
    let is_bare = |value: &Value| {
        let kind = value.as_object().and_then(|object| object.get("_type"));
        kind.and_then(Value::as_str) == Some("layout")
    };
    if let Ok(value) = encoding::parse(bytes)
        && is_bare(&value)
    {
        return Ok(value);
    }
    let envelope = Envelope::from_bytes(bytes).map_err(|error| error.to_string())?;
    match envelope.kind() {
        PayloadKind::Layout => Ok(envelope.payload().clone()),
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
