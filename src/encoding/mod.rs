//! Bytes to values and back: strict JSON reading, canonical JSON, the two ways in which metadata
//! files are written, and the DSSE pre-authentication encoding. Knows nothing of in-toto.
//!
//! What is read here is untrusted. Refused are: bytes that are not UTF-8, anything RFC 8259 does
//! not allow, an object that has a key twice, lone surrogates, nesting beyond [`MAX_DEPTH`], and
//! bytes after the value. Numbers are kept as their text, so that no digit is lost.

mod canonical;
mod cursor;
mod locate;
mod pae;
mod read;
mod stream;
mod write;

pub use canonical::{CanonicalError, canonical, canonical_string};
pub use cursor::{Cursor, Text, Writing};
pub use locate::{Span, locate, locate_all};
pub use pae::{pae, pae_header};
pub use read::{MAX_DEPTH, MAX_DIGITS, ReadError, parse};
pub use stream::{Compacted, accepted_value, append_canonical, compact_in_place};
pub use write::{compact, escaped_string, indented, indented_below};

/// A JSON value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// `null`
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, see [`Number`].
    Number(Number),
    /// A string, unescaped.
    String(String),
    /// An array, in its order.
    Array(Vec<Self>),
    /// An object, see [`Object`].
    Object(Object),
}

impl Value {
    /// The string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Self::String(text) => Some(text),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::Array(_) | Self::Object(_) => None,
        }
    }

    /// The elements, if this is an array.
    pub fn as_array(&self) -> Option<&[Self]> {
        match self {
            Self::Array(items) => Some(items),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Object(_) => {
                None
            }
        }
    }

    /// The object, if this is one.
    pub fn as_object(&self) -> Option<&Object> {
        match self {
            Self::Object(object) => Some(object),
            Self::Null | Self::Bool(_) | Self::Number(_) | Self::String(_) | Self::Array(_) => None,
        }
    }

    /// What kind of value this is, for messages: `a string`, `null`, ….
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::String(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::String(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(Number::from(number))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<Object> for Value {
    fn from(object: Object) -> Self {
        Self::Object(object)
    }
}

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

/// A number as it stands in the JSON text. `-0` is kept; [`canonical`] writes it as `0`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Number(String);

impl Number {
    /// The text of the number, as received.
    pub fn as_text(&self) -> &str {
        &self.0
    }

    /// Whether the number is written without fraction and exponent.
    pub fn is_integer(&self) -> bool {
        !self.0.contains(['.', 'e', 'E'])
    }

    /// The number as an `i64`, if it is an integer that fits.
    pub fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok()
    }
}

impl From<i64> for Number {
    fn from(number: i64) -> Self {
        Self(number.to_string())
    }
}

/// A JSON object: unique keys in ascending order of their UTF-8 bytes, which is the order of
/// their code points and so the order of canonical JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Object(Vec<(String, Value)>);

impl Object {
    /// An object without members.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes members in any order. `Err` names a key that occurs twice.
    ///
    /// # Errors
    /// The first key, in order, that occurs more than once.
    pub fn from_members(mut members: Vec<(String, Value)>) -> Result<Self, String> {
        members.sort_by(|left, right| left.0.cmp(&right.0));
        let twice = members.windows(2).find_map(|pair| match pair {
            [left, right] if left.0 == right.0 => Some(left.0.clone()),
            _ => None,
        });
        match twice {
            Some(key) => Err(key),
            None => Ok(Self(members)),
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Value> {
        let at = self.position(key).ok()?;
        self.0.get(at).map(|(_, value)| value)
    }

    /// Sets the value of a key; replaces the one that is there.
    pub fn set(&mut self, key: &str, value: impl Into<Value>) {
        let value = value.into();
        match self.position(key) {
            Ok(at) => {
                if let Some(member) = self.0.get_mut(at) {
                    member.1 = value;
                }
            }
            Err(at) => self.0.insert(at, (key.to_owned(), value)),
        }
    }

    /// Takes a key out.
    pub fn remove(&mut self, key: &str) -> Option<Value> {
        let at = self.position(key).ok()?;
        Some(self.0.remove(at).1)
    }

    /// The members in ascending order of their keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Value)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// Whether there are no members.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn position(&self, key: &str) -> Result<usize, usize> {
        self.0
            .binary_search_by(|(known, _)| known.as_str().cmp(key))
    }
}

impl FromIterator<(String, Value)> for Object {
    /// The last of several equal keys counts, as in a map.
    fn from_iter<I: IntoIterator<Item = (String, Value)>>(members: I) -> Self {
        let map: std::collections::BTreeMap<_, _> = members.into_iter().collect();
        Self(map.into_iter().collect())
    }
}
