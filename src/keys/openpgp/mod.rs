//! OpenPGP keys and signatures as in-toto stores them, to be checked and never to be made.
//!
//! A signature in metadata is `{"keyid", "other_headers", "signature"}`. It covers the content, the
//! headers, and a trailer with their length (RFC 9580, 5.2.4); what else an OpenPGP signature has is
//! not there. The key comes in a layout as an object of its own form, or as an exported file
//! (`gpg --export --armor`); nothing is asked of a keyring.
//!
//! Refused are: keys that are not of version 4, and other algorithms than RSA, DSA and Ed25519;
//! revoked keys; subkeys that may not sign; signatures that are not over a plain document, name
//! another key or algorithm, are over SHA-1 or MD5, or have expired; and signatures by a key that has
//! expired by the verification's clock.
//!
//! A subkey from a layout's object has the expiry that stands there and no other, as in the
//! reference; a subkey from an exported file falls with its main key.

mod armor;
mod certificate;
mod error;
mod headers;
mod material;
mod object;
mod packets;
mod reader;
#[cfg(test)]
mod tests;

use aws_lc_rs::digest::Context;

pub use error::OpenPgpError;

use self::headers::{Hash, Headers};
use self::material::Material;
use super::{Fingerprint, KeyError, KeyId, hex};
use crate::encoding::{self, Object, Value};

/// The type of a signature over a document, byte for byte (RFC 9580, 5.2.1.1).
const BINARY_DOCUMENT: u8 = 0x00;

/// An OpenPGP key: the main key and its subkeys, any of which may have signed.
#[derive(Clone, Debug)]
pub struct OpenPgpKey {
    main: Part,
    subkeys: Vec<Part>,
    left_out: Vec<LeftOut>,
}

/// A main key or a subkey.
#[derive(Clone, Debug)]
struct Part {
    keyid: KeyId,
    material: Material,
    /// Seconds since 1970.
    created: Option<u64>,
    /// Seconds since 1970; `None` for a key that does not expire.
    expires: Option<u64>,
    may_sign: bool,
}

/// A subkey of an exported key that does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// Its id.
    pub keyid: KeyId,
    /// Why it does not count.
    pub why: &'static str,
}

/// A signature as it stands in metadata.
#[derive(Clone, Copy, Debug)]
pub struct OpenPgpSignature<'a> {
    /// The id of the key that is said to have made it.
    pub keyid: &'a KeyId,
    /// What the signature says about itself.
    pub headers: &'a [u8],
    /// Its numbers.
    pub signature: &'a [u8],
}

/// Why a signature does not count.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Refusal {
    /// Its headers are not those of a signature that could count.
    #[error(transparent)]
    Headers(OpenPgpError),
    /// It names another key or algorithm than that under whose id it stands.
    #[error("it says that another key made it")]
    OtherKey,
    /// It is of another type than one over a document.
    #[error("it is not a signature over a document")]
    OtherKind,
    /// The key may not sign.
    #[error("the key is not for signing")]
    NotForSigning,
    /// The key or the signature has expired.
    #[error("it has expired")]
    Expired {
        /// When, in seconds since 1970.
        at: u64,
    },
    /// It does not verify.
    #[error("the signature does not verify")]
    Invalid,
}

impl OpenPgpKey {
    /// Whether the key object of a layout is one of an OpenPGP key.
    pub fn is_object(object: &Object) -> bool {
        object::is_object(object)
    }

    /// Reads the key object of a layout.
    ///
    /// # Errors
    /// [`KeyError::Field`], [`KeyError::Unsupported`], and what is wrong with the numbers.
    pub fn from_value(value: &Value) -> Result<Self, KeyError> {
        match value.as_object() {
            Some(object) => object::read(object),
            None => Err(KeyError::Field {
                field: "",
                expected: "an object",
                found: value.kind(),
            }),
        }
    }

    /// Reads one exported key. See [`OpenPgpError`] for what is refused.
    ///
    /// # Errors
    /// See [`OpenPgpError`].
    pub fn from_armored(bytes: &[u8]) -> Result<Self, OpenPgpError> {
        let (limit, found) = (certificate::MAX_BYTES, bytes.len());
        if found > limit {
            return Err(OpenPgpError::TooLarge { limit, found });
        }
        certificate::read(&armor::decode(bytes)?)
    }

    /// Reads a file: an exported key, or the key object of a layout as JSON.
    ///
    /// # Errors
    /// As [`Self::from_armored`] and [`Self::from_value`]; also [`KeyError::Json`].
    pub fn from_file_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Ok(Self::from_armored(bytes)?);
        }
        let value = encoding::parse(bytes).map_err(|error| KeyError::Json {
            source: std::sync::Arc::new(error),
        })?;
        Self::from_value(&value)
    }

    /// Whether a file holds something of OpenPGP, however good it is: an armored block, or the key
    /// object of a layout.
    pub fn is_file(bytes: &[u8]) -> bool {
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return armor::is_armored(bytes);
        }
        let value = encoding::parse(bytes).ok();
        let object = value.as_ref().and_then(Value::as_object);
        object.is_some_and(object::is_object)
    }

    /// The id of the main key: its fingerprint.
    pub fn keyid(&self) -> &KeyId {
        &self.main.keyid
    }

    /// The ids under which signatures may stand: that of the main key, then those of the subkeys.
    pub fn ids(&self) -> Vec<KeyId> {
        self.parts().map(|part| part.keyid.clone()).collect()
    }

    /// The same key with one of its parts alone: for whoever trusts a subkey and not the rest.
    pub fn only(&self, keyid: &KeyId) -> Option<Self> {
        let part = self.parts().find(|part| part.keyid == *keyid)?;
        Some(Self {
            main: part.clone(),
            subkeys: Vec::new(),
            left_out: Vec::new(),
        })
    }

    /// The key and its subkeys: ids, algorithms, and when they expire in seconds since 1970.
    pub fn describe(&self) -> Vec<(&KeyId, &'static str, Option<u64>)> {
        let name = |part: &Part| match part.material {
            Material::Rsa { .. } => "rsa",
            Material::Dsa { .. } => "dsa",
            Material::Ed25519 { .. } => "ed25519",
        };
        self.parts()
            .map(|part| (&part.keyid, name(part), part.expires))
            .collect()
    }

    /// The subkeys of an exported key that do not count.
    pub fn left_out(&self) -> &[LeftOut] {
        &self.left_out
    }

    /// The key object of a layout.
    pub fn to_value(&self) -> Value {
        object::write(self)
    }

    /// What the main key is made of: who this is, for counting.
    pub fn fingerprint(&self) -> Fingerprint {
        self.main.material.fingerprint()
    }

    /// What the main key and the subkeys are made of. Whoever signs with any of them is the same.
    pub fn fingerprints(&self) -> Vec<Fingerprint> {
        self.parts()
            .map(|part| part.material.fingerprint())
            .collect()
    }

    /// Checks a signature over `content` by the clock `now`, in seconds since 1970.
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn check(
        &self,
        content: &[u8],
        signature: OpenPgpSignature<'_>,
        now: u64,
    ) -> Result<(), Refusal> {
        let part = self.parts().find(|part| part.keyid == *signature.keyid);
        let part = part.ok_or(Refusal::OtherKey)?;
        let headers = Headers::from_bytes(signature.headers).map_err(Refusal::Headers)?;
        part.admits(&headers)?;
        let digest = {
            let mut context = Context::new(headers.hash.algorithm());
            context.update(content);
            context.update(headers.bytes);
            context.update(&headers.trailer().map_err(Refusal::Headers)?);
            context.finish()
        };
        let made = part.material.signature_of_metadata(signature.signature);
        if !made.is_some_and(|made| part.material.has_made(&made, headers.hash, &digest)) {
            return Err(Refusal::Invalid);
        }
        if !part.may_sign {
            return Err(Refusal::NotForSigning);
        }
        // What is said about a time is only true once the signature is.
        let ends = headers.said.expires();
        match part.expires.into_iter().chain(ends).min() {
            Some(at) if at <= now => Err(Refusal::Expired { at }),
            _ => Ok(()),
        }
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.main).chain(&self.subkeys)
    }
}

impl Part {
    /// Whether headers are those of a signature that this key could have made over a document.
    fn admits(&self, headers: &Headers<'_>) -> Result<(), Refusal> {
        if headers.kind != BINARY_DOCUMENT {
            return Err(Refusal::OtherKind);
        }
        if headers.hash == Hash::Sha1 {
            return Err(Refusal::Headers(OpenPgpError::WeakHash));
        }
        let named = hex::decode(self.keyid.as_str());
        let ours = named.is_some_and(|fingerprint| headers.said.claims(&fingerprint));
        if !ours || !self.material.is_of(headers.algorithm) {
            return Err(Refusal::OtherKey);
        }
        Ok(())
    }
}
