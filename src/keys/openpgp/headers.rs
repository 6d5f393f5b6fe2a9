//! The part of a signature that says what it is (RFC 9580, 5.2.3): version, type, algorithms, and
//! subpackets that the signature covers. It comes from whoever made the signature, or mangled it:
//! only version 4 is read, every length must fit, nothing may follow, nothing may be said twice, and
//! a critical subpacket that is not understood refuses the signature.

use aws_lc_rs::digest::{self, Algorithm};

use super::reader::Reader;
use super::{OpenPgpError, packets};

/// The one version that metadata has; 6 hashes another way.
const VERSION: u8 = 4;

const CREATED: u8 = 2;
const EXPIRES_AFTER: u8 = 3;
const KEY_EXPIRES_AFTER: u8 = 9;
const ISSUER: u8 = 16;
const KEY_FLAGS: u8 = 27;
const EMBEDDED: u8 = 32;
const ISSUER_FINGERPRINT: u8 = 33;

/// Preferences and the like, which say nothing about whether a signature is good.
const HARMLESS: [u8; 10] = [4, 7, 11, 12, 21, 22, 23, 25, 30, 34];

/// A hash that signatures are made over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    /// For what a key says about itself, as all keys from before 2020 do; never for metadata.
    Sha1,
    Sha256,
    Sha384,
    Sha512,
}

impl Hash {
    fn from_id(id: u8) -> Result<Self, OpenPgpError> {
        match id {
            2 => Ok(Self::Sha1),
            8 => Ok(Self::Sha256),
            9 => Ok(Self::Sha384),
            10 => Ok(Self::Sha512),
            1 | 3 => Err(OpenPgpError::WeakHash),
            _ => Err(OpenPgpError::UnknownHash { id }),
        }
    }

    pub(super) fn algorithm(self) -> &'static Algorithm {
        match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
            Self::Sha384 => &digest::SHA384,
            Self::Sha512 => &digest::SHA512,
        }
    }
}

/// What a signature says that it is.
#[derive(Clone, Debug)]
pub(super) struct Headers<'a> {
    pub(super) kind: u8,
    pub(super) algorithm: u8,
    pub(super) hash: Hash,
    pub(super) said: Said<'a>,
    /// These headers as they are hashed.
    pub(super) bytes: &'a [u8],
}

/// What the subpackets of a signature say.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Said<'a> {
    /// When the signature was made, in seconds since 1970.
    pub(super) created: Option<u32>,
    /// After how many seconds the signature loses its worth.
    pub(super) expires_after: Option<u32>,
    /// After how many seconds from its creation the key loses its worth.
    pub(super) key_expires_after: Option<u32>,
    /// What the key may be used for; the first byte.
    pub(super) key_flags: Option<u8>,
    /// The end of the fingerprint of the key that signed.
    pub(super) issuer: Option<&'a [u8]>,
    /// The fingerprint of the key that signed.
    pub(super) issuer_fingerprint: Option<&'a [u8]>,
    /// A signature packet within.
    pub(super) embedded: Option<&'a [u8]>,
}

impl<'a> Headers<'a> {
    /// Reads headers that are all there is, as metadata has them.
    pub(super) fn from_bytes(bytes: &'a [u8]) -> Result<Self, OpenPgpError> {
        let mut reader = Reader::new(bytes);
        let headers = Self::read(&mut reader)?;
        reader.end()?;
        Ok(headers)
    }

    /// Reads the headers at the start of a signature packet.
    pub(super) fn read(reader: &mut Reader<'a>) -> Result<Self, OpenPgpError> {
        let start = *reader;
        let version = reader.byte()?;
        if version != VERSION {
            return Err(OpenPgpError::SignatureVersion { version });
        }
        let (kind, algorithm) = (reader.byte()?, reader.byte()?);
        let hash = reader.byte()?;
        let length = reader.two()?;
        let said = Said::read(reader.bytes(length)?)?;
        let mut whole = start;
        Ok(Self {
            kind,
            algorithm,
            hash: Hash::from_id(hash)?,
            said,
            bytes: whole.bytes(start.left() - reader.left())?,
        })
    }

    /// What is hashed behind the headers (RFC 9580, 5.2.4).
    pub(super) fn trailer(&self) -> Result<[u8; 6], OpenPgpError> {
        let length = u32::try_from(self.bytes.len()).map_err(|_too_large| OpenPgpError::Short)?;
        let [a, b, c, d] = length.to_be_bytes();
        Ok([VERSION, 0xFF, a, b, c, d])
    }
}

impl<'a> Said<'a> {
    pub(super) fn read(subpackets: &'a [u8]) -> Result<Self, OpenPgpError> {
        let (mut reader, mut said) = (Reader::new(subpackets), Self::default());
        while !reader.is_empty() {
            let length = packets::length(&mut reader, 254)?;
            let mut body = Reader::new(reader.bytes(length)?);
            let kind = body.byte()?;
            said.take(kind & 0x7F, kind & 0x80 != 0, body)?;
        }
        Ok(said)
    }

    fn take(&mut self, kind: u8, critical: bool, mut body: Reader<'a>) -> Result<(), OpenPgpError> {
        let twice = match kind {
            CREATED => self.created.replace(body.four()?).is_some(),
            EXPIRES_AFTER => self.expires_after.replace(body.four()?).is_some(),
            KEY_EXPIRES_AFTER => self.key_expires_after.replace(body.four()?).is_some(),
            KEY_FLAGS => {
                // The flags that matter here are in the first byte; none of them may be set.
                let flags = body.rest().first().copied().unwrap_or_default();
                self.key_flags.replace(flags).is_some()
            }
            ISSUER => self.issuer.replace(body.bytes(8)?).is_some(),
            ISSUER_FINGERPRINT => {
                let version = body.byte()?;
                if version != VERSION {
                    return Err(OpenPgpError::KeyVersion { version });
                }
                self.issuer_fingerprint.replace(body.bytes(20)?).is_some()
            }
            EMBEDDED => self.embedded.replace(body.rest()).is_some(),
            kind if critical && !HARMLESS.contains(&kind) => {
                return Err(OpenPgpError::Critical { kind });
            }
            _ => {
                body.rest();
                false
            }
        };
        if twice {
            return Err(OpenPgpError::SaidTwice { kind });
        }
        body.end()
    }

    /// The same, with what the signature does not cover added where that may stand there: who
    /// signed, and a signature within.
    pub(super) fn or_uncovered(self, uncovered: &Self) -> Self {
        Self {
            issuer: self.issuer.or(uncovered.issuer),
            issuer_fingerprint: self.issuer_fingerprint.or(uncovered.issuer_fingerprint),
            embedded: self.embedded.or(uncovered.embedded),
            ..self
        }
    }

    /// When the signature loses its worth, in seconds since 1970; no seconds at all mean never.
    pub(super) fn expires(&self) -> Option<u64> {
        let after = self.expires_after.filter(|seconds| *seconds != 0)?;
        // Without a beginning there is no end that could be told.
        Some(u64::from(self.created.unwrap_or(0)) + u64::from(after))
    }

    /// Whether the signature claims to be by the key of a fingerprint; one that names nobody does.
    pub(super) fn claims(&self, fingerprint: &[u8]) -> bool {
        match (self.issuer_fingerprint, self.issuer) {
            (Some(claimed), _) => claimed == fingerprint,
            (None, Some(end)) => fingerprint.ends_with(end),
            (None, None) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::hex;

    const GOOD: &str = "04000108001d162104c5a0abe6ec19d0d65f85e2c39be9df5131d924e905026b01f7a0";

    #[test]
    fn headers_of_metadata_are_read() {
        let bytes = hex::decode(GOOD).unwrap();
        let headers = Headers::from_bytes(&bytes).unwrap();
        assert_eq!((headers.kind, headers.algorithm), (0, 1));
        assert_eq!(headers.hash, Hash::Sha256);
        assert_eq!(headers.said.created, Some(0x6b01_f7a0));
        assert_eq!(headers.bytes, bytes);
        assert_eq!(headers.trailer().unwrap(), [4, 0xFF, 0, 0, 0, 35]);
    }

    #[test]
    fn headers_that_are_cut_or_lengthened_are_refused() {
        let bytes = hex::decode(GOOD).unwrap();
        for length in 0..bytes.len() {
            assert!(Headers::from_bytes(&bytes[..length]).is_err(), "{length}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(matches!(
            Headers::from_bytes(&longer),
            Err(OpenPgpError::Trailing)
        ));
    }

    #[test]
    fn what_is_weak_unknown_or_said_twice_is_refused() {
        for (text, expected) in [
            ("030001080000", "version 3"),
            ("040001010000", "MD5"),
            ("0400010b0000", "hash 11"),
            ("0400010800050502000000", "ends"),
            ("04000108000c050200000001050200000001", "twice"),
            ("04000108000705026b01f7a0ff", "ends"),
            ("040001080003029400", "critical"),
        ] {
            let bytes = hex::decode(text).unwrap();
            let error = Headers::from_bytes(&bytes).unwrap_err().to_string();
            assert!(error.contains(expected), "{text}: {error}");
        }
    }
}
