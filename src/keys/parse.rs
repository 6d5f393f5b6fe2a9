//! Public keys from what they come in: PEM files, and the key objects of layouts.
//!
//! Refused, each by name: private keys and certificates, curves and algorithms outside
//! [`Scheme`](super::Scheme), RSA moduli that are not between 2048 and 8192 bits long, key objects whose
//! value does not fit their scheme, and OpenPGP key objects, which are not for this module.

use std::sync::Arc;

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rsa;
use aws_lc_rs::signature::{ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents};
use pkcs8::der::{self, Decode};
use pkcs8::spki::SubjectPublicKeyInfoRef;

use super::asn1::{self, Unknown};
use super::pem::{self, Block, PemError};
use super::public::{Material, Received};
use super::scheme::{Family, Scheme};
use super::small_order::is_small_order;
use super::{KeyId, OpenPgpError, OpenPgpKey, PublicKey, hex};
use crate::encoding::{self, Object, ReadError, Value};

/// The shortest RSA modulus that is accepted, in bits (NIST SP 800-131A).
pub const MIN_RSA_BITS: usize = 2048;

/// The longest RSA modulus that is accepted, in bits: what the backend computes with.
pub const MAX_RSA_BITS: usize = 8192;

/// Why something is not a public key that can be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum KeyError {
    /// No PEM block that can be read.
    #[error("not a PEM file: {source}")]
    Pem {
        /// What is wrong with it.
        source: PemError,
    },
    /// A file that starts as JSON and is not.
    #[error("not a JSON key object: {source}")]
    Json {
        /// What is wrong with it.
        source: Arc<ReadError>,
    },
    /// A JSON file that holds no key or several.
    #[error("expected one key object, found {count}")]
    NotOneKey {
        /// How many there are.
        count: usize,
    },
    /// A private key where a public one belongs.
    #[error(
        "this is a private key; what is needed here is the public one, which `openssl pkey -pubout` writes"
    )]
    PrivateKey,
    /// A certificate: it names a key, but says more than that it may sign.
    #[error(
        "this is a certificate; what is needed here is its public key, which `openssl x509 -pubkey -noout` writes"
    )]
    Certificate,
    /// A key in the format of OpenSSH.
    #[error(
        "this is an OpenSSH key; `ssh-keygen -e -m PKCS8 -f KEY` writes those of RSA and ECDSA in the form that is needed here"
    )]
    OpenSsh,
    /// A PEM block of something else.
    #[error("expected a PEM block `PUBLIC KEY`, found `{label}`", label = label.escape_debug())]
    Label {
        /// What stands in its first line.
        label: String,
    },
    /// Not the DER structure of a public key.
    #[error("the public key is not well formed: {source}")]
    Der {
        /// What is wrong, and where.
        source: der::Error,
    },
    /// Well formed, but no key: a point that is not on its curve, an even modulus.
    #[error("the value is not a public key of {family}")]
    Rejected {
        /// What it should be a key of.
        family: &'static str,
    },
    /// A key of an algorithm that is not supported.
    #[error("{algorithm} keys are not supported")]
    UnsupportedAlgorithm {
        /// Its name, or its object identifier.
        algorithm: String,
    },
    /// An elliptic curve that is not supported.
    #[error("the curve {curve} is not supported; P-256, P-384 and P-521 are")]
    UnsupportedCurve {
        /// Its name, or its object identifier.
        curve: String,
    },
    /// An RSA key that is too short to be trusted.
    #[error("an RSA key needs at least {MIN_RSA_BITS} bits, found {bits}")]
    WeakRsa {
        /// The length of the modulus.
        bits: usize,
    },
    /// An Ed25519 key under which signatures need no private key.
    #[error("an Ed25519 key of small order, under which anybody can sign")]
    SmallOrder,
    /// An RSA key that is too long to compute with.
    #[error("an RSA key has at most {MAX_RSA_BITS} bits, found {bits}")]
    HugeRsa {
        /// The length of the modulus.
        bits: usize,
    },
    /// The key is of one kind and the scheme for another.
    #[error("the scheme `{scheme}` does not fit a key of {found}")]
    SchemeMismatch {
        /// The scheme.
        scheme: &'static str,
        /// What the key is.
        found: &'static str,
    },
    /// A field of a key object is missing or of the wrong kind.
    #[error("expected {expected} in the field `{field}` of the key, found {found}")]
    Field {
        /// The field.
        field: &'static str,
        /// What should be there.
        expected: &'static str,
        /// What is there.
        found: &'static str,
    },
    /// The public value of an Ed25519 key object is not what it should be.
    #[error("the public value of an Ed25519 key is 64 hexadecimal digits")]
    NotHex,
    /// A key object of a type or under a scheme that is not supported.
    #[error(
        "keys of type `{keytype}` under the scheme `{scheme}` are not supported",
        keytype = keytype.escape_debug(),
        scheme = scheme.escape_debug()
    )]
    Unsupported {
        /// The type.
        keytype: String,
        /// The scheme.
        scheme: String,
    },
    /// A key object whose type and scheme are supported, and whose value is no such key.
    #[error("the public value of the `{scheme}` key cannot be used: {source}")]
    Malformed {
        /// The scheme.
        scheme: &'static str,
        /// What is wrong with the value.
        source: Box<Self>,
    },
    /// An OpenPGP key where another belongs, or one in the words of another.
    #[error("this is an OpenPGP key; as a file it is given with --gpg-key")]
    OpenPgp,
    /// An OpenPGP key that cannot be used.
    #[error(transparent)]
    OpenPgpKey(#[from] OpenPgpError),
}

impl KeyError {
    /// Whether the key may well be good, and only of a kind that is not supported here.
    pub fn is_unsupported(&self) -> bool {
        match self {
            Self::Unsupported { .. }
            | Self::UnsupportedAlgorithm { .. }
            | Self::UnsupportedCurve { .. }
            | Self::OpenPgp
            | Self::OpenPgpKey(OpenPgpError::Algorithm { .. } | OpenPgpError::KeyVersion { .. }) => {
                true
            }
            Self::Pem { .. }
            | Self::Json { .. }
            | Self::NotOneKey { .. }
            | Self::PrivateKey
            | Self::Certificate
            | Self::OpenSsh
            | Self::Label { .. }
            | Self::Der { .. }
            | Self::Rejected { .. }
            | Self::WeakRsa { .. }
            | Self::HugeRsa { .. }
            | Self::SmallOrder
            | Self::SchemeMismatch { .. }
            | Self::Field { .. }
            | Self::NotHex
            | Self::OpenPgpKey(_)
            | Self::Malformed { .. } => false,
        }
    }
}

impl PublicKey {
    /// Reads a key from PEM: the first block, `PUBLIC KEY` (`SubjectPublicKeyInfo`) or
    /// `RSA PUBLIC KEY` (PKCS#1). The scheme is `rsassa-pss-sha256` for RSA, else the only one
    /// that fits. Compressed points and spelled-out curves come out in the normal form.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn from_pem(bytes: &[u8]) -> Result<Self, KeyError> {
        if [&b"ssh-"[..], b"ecdsa-sha2-"]
            .iter()
            .any(|start| bytes.trim_ascii_start().starts_with(start))
        {
            return Err(KeyError::OpenSsh);
        }
        if OpenPgpKey::is_file(bytes) {
            return Err(KeyError::OpenPgp);
        }
        let block = pem::first_block(bytes, None).map_err(|source| KeyError::Pem { source })?;
        match block.label.as_str() {
            "PUBLIC KEY" => Self::from_spki(&block.der),
            "RSA PUBLIC KEY" => rsa_key(&block.der),
            _ => Err(wrong_label(block)),
        }
    }

    /// Reads the key object of a layout:
    /// `{"keyid", "keytype", "scheme", "keyval": {"public"}}`. Other fields do not matter; a
    /// private value that stands in it is not looked at.
    ///
    /// # Errors
    /// [`KeyError::OpenPgp`], [`KeyError::Field`], [`KeyError::Unsupported`] by type and scheme,
    /// and [`KeyError::Malformed`] for all that can be wrong with the value.
    pub fn from_value(value: &Value) -> Result<Self, KeyError> {
        let object = value.as_object().ok_or(KeyError::Field {
            field: "",
            expected: "an object",
            found: value.kind(),
        })?;
        if is_open_pgp(object) {
            return Err(KeyError::OpenPgp);
        }
        let keytype = text(object, "keytype", "keytype")?;
        let name = text(object, "scheme", "scheme")?;
        let keyid = match object.get("keyid") {
            None => None,
            Some(_) => Some(KeyId::new(text(object, "keyid", "keyid")?)),
        };
        let scheme =
            Scheme::from_type_and_name(keytype, name).ok_or_else(|| KeyError::Unsupported {
                keytype: keytype.to_owned(),
                scheme: name.to_owned(),
            })?;
        let keyval = object.get("keyval");
        let keyval = keyval.and_then(Value::as_object).ok_or(KeyError::Field {
            field: "keyval",
            expected: "an object",
            found: keyval.map_or("nothing", Value::kind),
        })?;
        let public = text(keyval, "public", "keyval.public")?;
        let key = public_value(scheme, public).map_err(|error| KeyError::Malformed {
            scheme: scheme.name(),
            source: Box::new(error),
        })?;
        Ok(key.received_as(Received {
            keyid,
            keytype: keytype.to_owned(),
            public: public.to_owned(),
        }))
    }

    /// Reads all keys of a file that may hold several PEM blocks, each as [`Self::from_file_bytes`].
    ///
    /// # Errors
    /// As [`Self::from_file_bytes`], if there is no key or one of them cannot be used.
    pub fn all_from_file_bytes(bytes: &[u8]) -> Result<Vec<Self>, KeyError> {
        let blocks = pem::block_starts(bytes);
        if bytes.trim_ascii_start().starts_with(b"{") || blocks.len() < 2 {
            return Ok(vec![Self::from_file_bytes(bytes)?]);
        }
        let block = |start: &usize| Self::from_pem(bytes.get(*start..).unwrap_or_default());
        blocks.iter().map(block).collect()
    }

    /// Reads a key file: PEM, a JSON key object, or a JSON object with one key object in it under
    /// its id.
    ///
    /// # Errors
    /// As [`Self::from_pem`] and [`Self::from_value`]; also [`KeyError::Json`] and
    /// [`KeyError::NotOneKey`].
    pub fn from_file_bytes(bytes: &[u8]) -> Result<Self, KeyError> {
        if !bytes.trim_ascii_start().starts_with(b"{") {
            return Self::from_pem(bytes);
        }
        let value = encoding::parse(bytes).map_err(|error| KeyError::Json {
            source: Arc::new(error),
        })?;
        let Some(object) = value.as_object() else {
            return Self::from_value(&value);
        };
        let is_key = ["keytype", "keyval", "method"]
            .iter()
            .any(|field| object.get(field).is_some());
        if is_key {
            return Self::from_value(&value);
        }
        let mut members = object.iter();
        let count = members.len();
        match (members.next(), count) {
            (Some((keyid, key)), 1) => Ok(Self::from_value(key)?.named(keyid)),
            _ => Err(KeyError::NotOneKey { count }),
        }
    }

    /// Reads a DER `SubjectPublicKeyInfo`.
    pub(super) fn from_spki(spki: &[u8]) -> Result<Self, KeyError> {
        let info =
            SubjectPublicKeyInfoRef::from_der(spki).map_err(|source| KeyError::Der { source })?;
        let family = match asn1::family_of(&info.algorithm) {
            Ok(family) => family,
            Err(Unknown::Algorithm(algorithm)) => {
                return Err(KeyError::UnsupportedAlgorithm { algorithm });
            }
            Err(Unknown::Curve(curve)) => return Err(KeyError::UnsupportedCurve { curve }),
            Err(Unknown::ExplicitCurve) => explicit_curve(spki)?,
        };
        match family {
            Family::Rsa => rsa_key(spki),
            // From the point alone the backend makes the one normal structure, whatever form
            // the point and its curve came in.
            Family::P256 | Family::P384 | Family::P521 => {
                other_key(family, info.subject_public_key.raw_bytes())
            }
            Family::Ed25519 | Family::MlDsa44 | Family::MlDsa65 | Family::MlDsa87 => {
                other_key(family, spki)
            }
        }
    }
}

/// OpenPGP keys have a form and a vocabulary of their own in metadata.
fn is_open_pgp(object: &Object) -> bool {
    let scheme = object.get("scheme").and_then(Value::as_str);
    let old_form = object.get("keytype").is_none()
        && (object.get("method").is_some() || object.get("type").is_some());
    old_form || scheme.is_some_and(|scheme| scheme.starts_with("pgp+"))
}

fn text<'a>(object: &'a Object, key: &str, field: &'static str) -> Result<&'a str, KeyError> {
    let value = object.get(key);
    value.and_then(Value::as_str).ok_or(KeyError::Field {
        field,
        expected: "a string",
        found: value.map_or("nothing", Value::kind),
    })
}

/// The public value of a key object, which must be a key for the scheme.
fn public_value(scheme: Scheme, public: &str) -> Result<PublicKey, KeyError> {
    let key = if scheme == Scheme::Ed25519 {
        let raw = hex::decode(public).filter(|raw| raw.len() == 32);
        let raw = raw.ok_or(KeyError::NotHex)?;
        other_key(Family::Ed25519, &raw)?
    } else {
        PublicKey::from_pem(public.as_bytes())?
    };
    key.with_scheme(scheme)
}

fn wrong_label(block: Block) -> KeyError {
    let label = block.label;
    if label.ends_with("PRIVATE KEY") {
        KeyError::PrivateKey
    } else if label.ends_with("CERTIFICATE") {
        KeyError::Certificate
    } else if label.starts_with("SSH2 ") {
        KeyError::OpenSsh
    } else {
        KeyError::Label { label }
    }
}

/// The curve of a key that spells it out in numbers instead of naming it.
fn explicit_curve(spki: &[u8]) -> Result<Family, KeyError> {
    Family::CURVES
        .into_iter()
        .find(|curve| {
            let algorithm = curve.verification();
            algorithm.is_some_and(|algorithm| ParsedPublicKey::new(algorithm, spki).is_ok())
        })
        .ok_or_else(|| KeyError::UnsupportedCurve {
            curve: "that is spelled out in the key".to_owned(),
        })
}

fn other_key(family: Family, bytes: &[u8]) -> Result<PublicKey, KeyError> {
    let rejected = KeyError::Rejected {
        family: family.name(),
    };
    let key = family
        .verification()
        .and_then(|algorithm| ParsedPublicKey::new(algorithm, bytes).ok());
    let Some(key) = key else {
        return Err(rejected);
    };
    match AsDer::<PublicKeyX509Der<'_>>::as_der(&key) {
        // The point is the last thing in it (RFC 8410, section 4).
        Ok(spki) if family == Family::Ed25519 && is_small_order(spki.as_ref()) => {
            Err(KeyError::SmallOrder)
        }
        Ok(spki) => Ok(PublicKey::new(family, Material::Other(key), spki.as_ref())),
        Err(_) => Err(rejected),
    }
}

/// An Ed25519 key from its 32 bytes.
pub(super) fn ed25519_key_of(point: &[u8]) -> Result<PublicKey, KeyError> {
    if point.len() == 32 {
        other_key(Family::Ed25519, point)
    } else {
        Err(KeyError::NotHex)
    }
}

/// An RSA key from its numbers, which may have leading zeros.
pub(super) fn rsa_key_of(modulus: &[u8], exponent: &[u8]) -> Result<PublicKey, KeyError> {
    let stripped = |number: &[u8]| {
        let zeros = number.iter().take_while(|byte| **byte == 0).count();
        number.get(zeros..).unwrap_or_default().to_vec()
    };
    let (n, e) = (stripped(modulus), stripped(exponent));
    let rejected = || KeyError::Rejected {
        family: Family::Rsa.name(),
    };
    check_rsa_length(&n)?;
    let key = RsaPublicKeyComponents { n, e }
        .to_parsed_public_key(&RSA_PKCS1_2048_8192_SHA256)
        .map_err(|_rejected| rejected())?;
    let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(&key).map_err(|_error| rejected())?;
    // Once more through the one way in, which refuses what is no key.
    rsa_key(spki.as_ref())
}

fn check_rsa_length(modulus: &[u8]) -> Result<(), KeyError> {
    match asn1::bits(modulus) {
        bits if bits < MIN_RSA_BITS => Err(KeyError::WeakRsa { bits }),
        bits if bits > MAX_RSA_BITS => Err(KeyError::HugeRsa { bits }),
        _ => Ok(()),
    }
}

/// An RSA key from PKCS#1 or `SubjectPublicKeyInfo`.
fn rsa_key(der: &[u8]) -> Result<PublicKey, KeyError> {
    let rejected = || KeyError::Rejected {
        family: Family::Rsa.name(),
    };
    let key = rsa::PublicKey::from_der(der).map_err(|_rejected| rejected())?;
    let (modulus, exponent) =
        asn1::rsa_public(key.as_ref()).map_err(|source| KeyError::Der { source })?;
    check_rsa_length(&modulus)?;
    let components = RsaPublicKeyComponents {
        n: modulus.into_boxed_slice(),
        e: exponent.into_boxed_slice(),
    };
    let spki = AsDer::<PublicKeyX509Der<'_>>::as_der(&key).map_err(|_error| rejected())?;
    Ok(PublicKey::new(
        Family::Rsa,
        Material::Rsa(components),
        spki.as_ref(),
    ))
}
