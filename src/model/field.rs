//! Reading fields out of JSON values with an account of everything that is wrong, not only the
//! first thing. A complaint says where (RFC 6901 pointer) and what.

use std::fmt;

use crate::encoding::{Object, Value};

use super::quoted;

/// Something in a document that has not the form it must have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    /// RFC 6901 pointer from the root of the payload.
    pub pointer: String,
    /// What is wrong, untrusted text in it escaped.
    pub message: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.pointer.as_str() {
            "" => write!(formatter, "{}", self.message),
            pointer => write!(formatter, "{}: {}", quoted(pointer), self.message),
        }
    }
}

/// A value and where it stands.
#[derive(Clone, Debug)]
pub(super) struct At<'a> {
    pub(super) value: &'a Value,
    pub(super) pointer: String,
}

/// Collects complaints; the readers return `None` or an empty value when they had to complain.
#[derive(Debug, Default)]
pub(super) struct Complaints(pub(super) Vec<Complaint>);

impl Complaints {
    pub(super) fn add(&mut self, pointer: &str, message: impl Into<String>) {
        self.0.push(Complaint {
            pointer: pointer.to_owned(),
            message: message.into(),
        });
    }

    fn expected(&mut self, at: &At<'_>, expected: &str) {
        let message = format!("expected {expected}, found {}", at.value.kind());
        self.add(&at.pointer, message);
    }

    pub(super) fn object<'a>(&mut self, at: &At<'a>) -> Option<&'a Object> {
        let object = at.value.as_object();
        if object.is_none() {
            self.expected(at, "an object");
        }
        object
    }

    pub(super) fn text<'a>(&mut self, at: &At<'a>) -> Option<&'a str> {
        let text = at.value.as_str();
        if text.is_none() {
            self.expected(at, "a string");
        }
        text
    }

    /// The elements of a list, each with its place.
    pub(super) fn list<'a>(&mut self, at: &At<'a>) -> Vec<At<'a>> {
        let Some(items) = at.value.as_array() else {
            self.expected(at, "a list");
            return Vec::new();
        };
        let place = |(index, value)| At {
            value,
            pointer: format!("{}/{index}", at.pointer),
        };
        items.iter().enumerate().map(place).collect()
    }

    pub(super) fn texts(&mut self, at: &At<'_>) -> Vec<String> {
        let items = self.list(at);
        items
            .iter()
            .filter_map(|item| self.text(item).map(str::to_owned))
            .collect()
    }
}

impl<'a> At<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            value,
            pointer: String::new(),
        }
    }

    /// The field of an object, `None` when it is absent.
    pub(super) fn field(&self, object: &'a Object, name: &str) -> Option<Self> {
        object.get(name).map(|value| Self {
            value,
            pointer: format!("{}/{}", self.pointer, pointer_token(name)),
        })
    }
}

/// One token of an RFC 6901 pointer.
pub(super) fn pointer_token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
