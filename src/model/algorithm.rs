//! The hash algorithms of digests, and which of them show that artifacts are the same.

use std::fmt;

/// The name of a hash algorithm as metadata files write it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Algorithm {
    /// `sha256`, which every link of ours has.
    Sha256,
    /// `sha512`
    Sha512,
    /// `blake3`
    Blake3,
    /// Any other name. It can be compared, but not computed here.
    Other(String),
}

/// Algorithms whose agreement shows that two artifacts are the same. Everything else (`md5`,
/// `sha1`, names nobody knows) shows nothing.
const STRONG: [&str; 14] = [
    "blake2b",
    "blake2b-256",
    "blake2s",
    "blake3",
    "sha224",
    "sha256",
    "sha384",
    "sha3_224",
    "sha3_256",
    "sha3_384",
    "sha3_512",
    "sha512",
    "sha512_224",
    "sha512_256",
];

impl Algorithm {
    /// The algorithm of that name.
    pub fn from_name(name: &str) -> Self {
        match name {
            "sha256" => Self::Sha256,
            "sha512" => Self::Sha512,
            "blake3" => Self::Blake3,
            _ => Self::Other(name.to_owned()),
        }
    }

    /// The name in metadata files.
    pub fn name(&self) -> &str {
        match self {
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
            Self::Blake3 => "blake3",
            Self::Other(name) => name,
        }
    }

    /// Whether equal digests show that the content is equal.
    pub fn is_strong(&self) -> bool {
        STRONG.contains(&self.name())
    }

    /// Digest length in bytes, where it is known here.
    pub fn length(&self) -> Option<usize> {
        match self {
            Self::Sha256 | Self::Blake3 => Some(32),
            Self::Sha512 => Some(64),
            Self::Other(_) => None,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}
