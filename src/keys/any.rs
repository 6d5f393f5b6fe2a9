//! A key of either kind that metadata has.

use super::openpgp::{OpenPgpKey, OpenPgpSignature, Refusal};
use super::{Authority, Fingerprint, KeyError, KeyId, PublicKey};
use crate::encoding::Value;

/// A key of either kind that metadata has.
#[derive(Clone, Debug)]
pub enum AnyKey {
    /// One that signs with its own algorithm alone.
    Plain(PublicKey),
    /// One of OpenPGP, with its subkeys.
    OpenPgp(Box<OpenPgpKey>),
}

impl AnyKey {
    /// Reads the key object of a layout.
    ///
    /// # Errors
    /// As [`PublicKey::from_value`] and [`OpenPgpKey::from_value`].
    pub fn from_value(value: &Value) -> Result<Self, KeyError> {
        match value.as_object() {
            Some(object) if OpenPgpKey::is_object(object) => {
                Ok(OpenPgpKey::from_value(value)?.into())
            }
            _ => Ok(PublicKey::from_value(value)?.into()),
        }
    }
}

impl From<PublicKey> for AnyKey {
    fn from(key: PublicKey) -> Self {
        Self::Plain(key)
    }
}

impl From<OpenPgpKey> for AnyKey {
    fn from(key: OpenPgpKey) -> Self {
        Self::OpenPgp(Box::new(key))
    }
}

impl Authority for AnyKey {
    fn check(&self, message: &[u8], signature: &[u8]) -> bool {
        match self {
            Self::Plain(key) => key.check(message, signature),
            // Its signatures have headers, without which they mean nothing.
            Self::OpenPgp(_) => false,
        }
    }

    fn check_openpgp(
        &self,
        message: &[u8],
        signature: OpenPgpSignature<'_>,
        now: u64,
    ) -> Result<(), Refusal> {
        match self {
            Self::Plain(key) => key.check_openpgp(message, signature, now),
            Self::OpenPgp(key) => key.check(message, signature, now),
        }
    }

    fn ids(&self) -> Vec<KeyId> {
        match self {
            Self::Plain(key) => Authority::ids(key),
            Self::OpenPgp(key) => key.ids(),
        }
    }

    fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Plain(key) => key.fingerprint(),
            Self::OpenPgp(key) => key.fingerprint(),
        }
    }

    fn fingerprints(&self) -> Vec<Fingerprint> {
        match self {
            Self::Plain(key) => vec![key.fingerprint()],
            Self::OpenPgp(key) => key.fingerprints(),
        }
    }
}
