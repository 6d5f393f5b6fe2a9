//! The numbers that a key is made of, and checking a signature against them.
//!
//! RSA and Ed25519 are for aws-lc-rs, DSA is for the crate `dsa`. Nothing else is supported: no
//! other curve, and no key that is shorter than what is accepted elsewhere.

use aws_lc_rs::digest::Digest;
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaParameters,
};
use dsa::signature::hazmat::PrehashVerifier as _;
use dsa::{BoxedUint, Components, VerifyingKey};

use super::OpenPgpError;
use super::headers::Hash;
use super::reader::Reader;
use crate::keys::{Fingerprint, KeyError, PublicKey, asn1, parse};

/// Lengths of p and q, in bits, that are accepted (FIPS 186-4, 4.2, without the shortest).
const DSA_SIZES: [(usize, usize); 3] = [(2048, 224), (2048, 256), (3072, 256)];

/// How many bytes the longest number of a DSA key has.
const LONGEST: usize = 3072 / 8;

/// `1.3.6.1.4.1.11591.15.1`, the one curve of the algorithm 22 (RFC 9580, 9.2).
const ED25519_CURVE: [u8; 9] = [0x2B, 0x06, 0x01, 0x04, 0x01, 0xDA, 0x47, 0x0F, 0x01];

/// What stands before a point in its native form.
const NATIVE_POINT: u8 = 0x40;

/// A key's numbers.
#[derive(Clone, Debug)]
pub(super) enum Material {
    Rsa {
        key: Box<PublicKey>,
        n: Vec<u8>,
        e: Vec<u8>,
    },
    Dsa {
        key: Box<VerifyingKey>,
        numbers: DsaNumbers,
    },
    Ed25519 {
        key: Box<PublicKey>,
        point: Vec<u8>,
    },
}

/// The numbers of a DSA key, as they came.
#[derive(Clone, Debug)]
pub(super) struct DsaNumbers {
    pub(super) p: Vec<u8>,
    pub(super) q: Vec<u8>,
    pub(super) g: Vec<u8>,
    pub(super) y: Vec<u8>,
}

/// The numbers of a signature.
#[derive(Clone, Debug)]
pub(super) enum Made {
    Rsa(Vec<u8>),
    Dsa(dsa::Signature),
    Ed25519(Vec<u8>),
}

impl Material {
    /// Reads what stands in a key packet behind the algorithm.
    pub(super) fn read(algorithm: u8, reader: &mut Reader<'_>) -> Result<Self, OpenPgpError> {
        let material = match algorithm {
            1 | 3 => Self::rsa(reader.number()?, reader.number()?),
            17 => {
                let mut number = || reader.number().map(<[u8]>::to_vec);
                let numbers = DsaNumbers {
                    p: number()?,
                    q: number()?,
                    g: number()?,
                    y: number()?,
                };
                return Self::dsa(numbers);
            }
            22 => {
                let length = usize::from(reader.byte()?);
                if reader.bytes(length)? != ED25519_CURVE {
                    return Err(OpenPgpError::Algorithm {
                        name: "EdDSA on another curve than Ed25519",
                    });
                }
                match reader.number()?.split_first() {
                    Some((&NATIVE_POINT, point)) => Self::ed25519(point),
                    _ => return Err(OpenPgpError::Number),
                }
            }
            _ => {
                return Err(OpenPgpError::Algorithm {
                    name: algorithm_name(algorithm),
                });
            }
        };
        material.map_err(|source| OpenPgpError::Material {
            source: Box::new(source),
        })
    }

    pub(super) fn rsa(n: &[u8], e: &[u8]) -> Result<Self, KeyError> {
        Ok(Self::Rsa {
            key: Box::new(parse::rsa_key_of(n, e)?),
            n: n.to_vec(),
            e: e.to_vec(),
        })
    }

    pub(super) fn ed25519(point: &[u8]) -> Result<Self, KeyError> {
        Ok(Self::Ed25519 {
            key: Box::new(parse::ed25519_key_of(point)?),
            point: point.to_vec(),
        })
    }

    pub(super) fn dsa(numbers: DsaNumbers) -> Result<Self, OpenPgpError> {
        let (p, q) = (asn1::bits(&numbers.p), asn1::bits(&numbers.q));
        if !DSA_SIZES.contains(&(p, q)) {
            return Err(OpenPgpError::DsaSize { p, q });
        }
        let key = dsa_key(&numbers).ok_or(OpenPgpError::DsaRejected)?;
        Ok(Self::Dsa {
            key: Box::new(key),
            numbers,
        })
    }

    /// Whether the algorithm that a signature names is that of this key.
    pub(super) fn is_of(&self, algorithm: u8) -> bool {
        match self {
            Self::Rsa { .. } => matches!(algorithm, 1 | 3),
            Self::Dsa { .. } => algorithm == 17,
            Self::Ed25519 { .. } => algorithm == 22,
        }
    }

    /// The signature at the end of a signature packet.
    pub(super) fn signature(&self, reader: &mut Reader<'_>) -> Result<Made, OpenPgpError> {
        let made = match self {
            Self::Rsa { .. } => Made::Rsa(reader.number()?.to_vec()),
            Self::Dsa { .. } => {
                let (r, s) = (reader.number()?, reader.number()?);
                let number = BoxedUint::from_be_slice_vartime;
                let made = dsa::Signature::from_components(number(r), number(s));
                Made::Dsa(made.ok_or(OpenPgpError::Number)?)
            }
            Self::Ed25519 { .. } => {
                let mut made = padded(reader.number()?, 32).ok_or(OpenPgpError::Number)?;
                made.extend(padded(reader.number()?, 32).ok_or(OpenPgpError::Number)?);
                Made::Ed25519(made)
            }
        };
        reader.end()?;
        Ok(made)
    }

    /// The signature as metadata has it: RSA the number, DSA the DER structure, Ed25519 R and S.
    pub(super) fn signature_of_metadata(&self, bytes: &[u8]) -> Option<Made> {
        match self {
            Self::Rsa { .. } => Some(Made::Rsa(bytes.to_vec())),
            Self::Dsa { .. } => dsa::Signature::try_from(bytes).ok().map(Made::Dsa),
            Self::Ed25519 { .. } => Some(Made::Ed25519(bytes.to_vec())),
        }
    }

    /// Whether a signature over a digest is one of this key.
    pub(super) fn has_made(&self, made: &Made, hash: Hash, digest: &Digest) -> bool {
        match (self, made) {
            (Self::Rsa { key, n, .. }, Made::Rsa(made)) => {
                let length = asn1::bits(n).div_ceil(8);
                let parsed = ParsedPublicKey::new(rsa_parameters(hash), key.spki());
                match (parsed, padded(made, length)) {
                    (Ok(key), Some(made)) => key.verify_digest_sig(digest, &made).is_ok(),
                    _ => false,
                }
            }
            (Self::Dsa { key, .. }, Made::Dsa(made)) => {
                key.verify_prehash(digest.as_ref(), made).is_ok()
            }
            // The digest is the message (RFC 9580, 5.2.4).
            (Self::Ed25519 { key, .. }, Made::Ed25519(made)) => {
                key.verify(digest.as_ref(), made).is_ok()
            }
            (Self::Rsa { .. } | Self::Dsa { .. } | Self::Ed25519 { .. }, _) => false,
        }
    }

    /// Who this is, for counting. RSA and Ed25519 keys are the same people as in any other form.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        match self {
            Self::Rsa { key, .. } | Self::Ed25519 { key, .. } => key.fingerprint(),
            Self::Dsa { numbers, .. } => {
                let DsaNumbers { p, q, g, y } = numbers;
                let mut text = b"dsa".to_vec();
                for number in [p, q, g, y] {
                    // Each of one size, so that two keys cannot run into the same text.
                    text.extend(
                        stripped(number)
                            .and_then(|it| padded(&it, LONGEST))
                            .unwrap_or_default(),
                    );
                }
                Fingerprint::of(&text)
            }
        }
    }
}

/// A number without leading zeros, or with as many as make it so long.
fn padded(number: &[u8], length: usize) -> Option<Vec<u8>> {
    let zeros = length.checked_sub(number.len())?;
    let mut padded = vec![0; zeros];
    padded.extend(number);
    Some(padded)
}

fn rsa_parameters(hash: Hash) -> &'static RsaParameters {
    match hash {
        Hash::Sha1 => &RSA_PKCS1_2048_8192_SHA1_FOR_LEGACY_USE_ONLY,
        Hash::Sha256 => &RSA_PKCS1_2048_8192_SHA256,
        Hash::Sha384 => &RSA_PKCS1_2048_8192_SHA384,
        Hash::Sha512 => &RSA_PKCS1_2048_8192_SHA512,
    }
}

fn stripped(number: &[u8]) -> Option<Vec<u8>> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).map(<[u8]>::to_vec)
}

/// A key whose generator and public value have the order q, and are smaller than p. The crate sees
/// to the public value's order alone, so the generator takes its place once.
fn dsa_key(numbers: &DsaNumbers) -> Option<VerifyingKey> {
    let (p, q) = (stripped(&numbers.p)?, stripped(&numbers.q)?);
    let below_p = |number: &[u8]| {
        let number = padded(&stripped(number)?, p.len())?;
        (number < p).then(|| BoxedUint::from_be_slice_vartime(&number))
    };
    let (g, y) = (below_p(&numbers.g)?, below_p(&numbers.y)?);
    let number = BoxedUint::from_be_slice_vartime;
    let components = Components::from_components(number(&p), number(&q), g.clone()).ok()?;
    let with = |value| VerifyingKey::from_components(components.clone(), value).ok();
    with(g).and_then(|_generator| with(y))
}

/// What a message calls an algorithm that is not supported (RFC 9580, 9.1).
fn algorithm_name(algorithm: u8) -> &'static str {
    match algorithm {
        2 => "RSA for encryption alone",
        16 | 20 => "Elgamal",
        18 => "ECDH",
        19 => "ECDSA",
        25 => "X25519",
        26 => "X448",
        27 => "Ed25519 in its form of 2024",
        28 => "Ed448",
        _ => "an unknown algorithm",
    }
}
