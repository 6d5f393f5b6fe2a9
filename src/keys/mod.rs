//! One key, one signature.
use crate::encoding::Value;
/// stub
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyId(String);
#[allow(missing_docs)]
impl KeyId {
    pub fn new(s: impl Into<String>) -> Self {
        Self(s.into())
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
    pub fn short(&self) -> &str {
        &self.0
    }
}
impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
/// stub
#[derive(Clone, Debug, thiserror::Error)]
#[error("x")]
#[allow(missing_docs)]
pub enum KeyError {
    Unsupported { keytype: String, scheme: String },
    Malformed,
    OpenPgp,
}
/// stub
#[derive(Clone, Debug)]
pub struct PublicKey;
/// stub
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fingerprint;
#[allow(missing_docs)]
impl PublicKey {
    pub fn from_value(_: &Value) -> Result<Self, KeyError> {
        Err(KeyError::Malformed)
    }
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint
    }
    pub fn ids(&self) -> Vec<KeyId> {
        vec![]
    }
    pub fn check(&self, _m: &[u8], _s: &[u8]) -> bool {
        false
    }
}

#[allow(missing_docs)]
impl KeyError {
    pub fn is_unsupported(&self) -> bool {
        true
    }
}
#[allow(missing_docs)]
pub trait Authority: std::fmt::Debug {
    fn check(&self, _m: &[u8], _s: &[u8]) -> bool;
    fn fingerprint(&self) -> Fingerprint;
}
impl Authority for PublicKey {
    fn check(&self, _m: &[u8], _s: &[u8]) -> bool {
        false
    }
    fn fingerprint(&self) -> Fingerprint {
        Fingerprint
    }
}
