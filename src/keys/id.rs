//! Key ids: how a signature says whose it is.
//!
//! An id is a hash over a description of the key, and implementations describe keys differently,
//! so one key has several ids. An id is therefore a name to find a key by and never an identity:
//! signers are told apart by [`Fingerprint`].

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};

use super::hex;
use crate::encoding::{Object, Value, canonical};

/// The id of a key, as text in metadata. Any text: foreign metadata may say what it likes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(String);

/// How many characters of an id stand in the file name of a link.
const SHORT_LENGTH: usize = 8;

impl KeyId {
    /// Takes an id as it stands.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The whole id.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The first 8 characters, as in the names of link files; fewer if there are no more.
    pub fn short(&self) -> &str {
        let end = self.0.char_indices().nth(SHORT_LENGTH);
        end.and_then(|(at, _)| self.0.get(..at)).unwrap_or(&self.0)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AsRef<str> for KeyId {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// How the id of a key is computed: always SHA-256 over the canonical JSON of a description.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyIdStyle {
    /// As in-toto 3: type, scheme and public value, the PEM text with its final newline.
    #[default]
    Current,
    /// As in-toto before 3 and in-toto-golang: also `keyid_hash_algorithms`, the PEM text without
    /// final newline, and `ecdsa-sha2-nistp256` as the scheme of every elliptic curve.
    Legacy,
}

impl KeyIdStyle {
    /// Every style.
    pub const ALL: [Self; 2] = [Self::Current, Self::Legacy];
}

/// The scheme that legacy ids claim for every elliptic curve.
const LEGACY_ECDSA: &str = "ecdsa-sha2-nistp256";

/// The id of a key with this type, scheme and public value (hex, or PEM with final newline).
pub(super) fn compute(style: KeyIdStyle, keytype: &str, scheme: &str, public: &str) -> KeyId {
    let legacy = style == KeyIdStyle::Legacy;
    let (scheme, public) = match style {
        KeyIdStyle::Current => (scheme, public),
        KeyIdStyle::Legacy if keytype == "ecdsa" => (LEGACY_ECDSA, public.trim_end()),
        KeyIdStyle::Legacy => (scheme, public.trim_end()),
    };
    let mut keyval = Object::new();
    keyval.set("public", public);
    let mut description = Object::new();
    description.set("keytype", keytype);
    description.set("scheme", scheme);
    description.set("keyval", keyval);
    if legacy {
        description.set("keyid_hash_algorithms", hash_algorithms());
    }
    #[expect(
        clippy::expect_used,
        reason = "only fractions have no canonical form, and there is no number here"
    )]
    let bytes = canonical(&Value::Object(description)).expect("an object of strings");
    KeyId(hex::encode(digest(&SHA256, &bytes).as_ref()))
}

/// What `keyid_hash_algorithms` always holds.
pub(super) fn hash_algorithms() -> Vec<Value> {
    vec![Value::from("sha256"), Value::from("sha512")]
}

/// What a key is made of, whatever its id, scheme and text form: the one thing by which signers
/// are counted. Two keys have the same fingerprint exactly if they are the same key.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a DER `SubjectPublicKeyInfo` in its one normal form.
    pub(super) fn of(spki: &[u8]) -> Self {
        let mut bytes = [0; 32];
        for (to, from) in bytes.iter_mut().zip(digest(&SHA256, spki).as_ref()) {
            *to = *from;
        }
        Self(bytes)
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({})", hex::encode(&self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_short_form_has_8_characters_of_any_width() {
        assert_eq!(KeyId::new("0123456789").short(), "01234567");
        assert_eq!(KeyId::new("äöüäöüäöü").short(), "äöüäöüäö");
        assert_eq!(KeyId::new("01234567").short(), "01234567");
        assert_eq!(KeyId::new("ab").short(), "ab");
        assert_eq!(KeyId::new("").short(), "");
    }
}
