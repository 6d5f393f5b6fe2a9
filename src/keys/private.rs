//! Private keys from PEM files.
//!
//! Refused, each by name and with the way out where there is one: a password that is missing,
//! wrong or not needed, encryption that predates PBES2, OpenSSH's own format, and every key that
//! the public side refuses too.

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::error::{KeyRejected, Unspecified};
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair, ML_DSA_44_SIGNING,
    ML_DSA_65_SIGNING, ML_DSA_87_SIGNING, PqdsaKeyPair, PqdsaSigningAlgorithm, RsaKeyPair,
};
use pkcs8::der;

use super::asn1::{self, Unknown};
use super::parse::{KeyError, MAX_RSA_BITS, MIN_RSA_BITS};
use super::pem::{self, Block, PemError};
use super::scheme::Family;
use super::{PublicKey, encrypted};

/// Why something is not a private key that can be used.
#[derive(Debug, thiserror::Error)]
pub enum PrivateKeyError {
    /// No PEM block that can be read.
    #[error("not a PEM file: {source}")]
    Pem {
        /// What is wrong with it.
        source: PemError,
    },
    /// A public key where a private one belongs.
    #[error("this is a public key; what is needed here is the private one")]
    PublicKey,
    /// A PEM block of something else.
    #[error("expected a PEM block `PRIVATE KEY`, found `{label}`", label = label.escape_debug())]
    Label {
        /// What stands in its first line.
        label: String,
    },
    /// A key in the format of OpenSSH.
    #[error(
        "this is an OpenSSH key; `ssh-keygen -p -m PKCS8 -f KEY` rewrites those of RSA and ECDSA"
    )]
    OpenSsh,
    /// The key is encrypted and no password was given.
    #[error("the private key is encrypted, and no password was given")]
    NeedsPassword,
    /// The password does not open the key.
    #[error("the password does not open the private key")]
    WrongPassword,
    /// A password for a key that is not encrypted: one of the two is not what it is taken for.
    #[error("a password was given, but the private key is not encrypted")]
    PasswordNotNeeded,
    /// A key may not be encrypted with no password.
    #[error("the password is empty")]
    EmptyPassword,
    /// Encryption by a scheme that is too old, or not known.
    #[error(
        "the private key is encrypted with {algorithm}, which is not supported; `openssl pkcs8 -topk8 -v2 aes-256-cbc -in OLD -out NEW` rewrites it"
    )]
    UnsupportedEncryption {
        /// Its name, or its object identifier.
        algorithm: String,
    },
    /// The key derivation is for a key that the cipher does not take.
    #[error(
        "the cipher of the private key takes keys of {expected} bytes, and it states another length"
    )]
    KeyLength {
        /// What the cipher takes.
        expected: usize,
    },
    /// More or fewer iterations of PBKDF2 than can be.
    #[error(
        "the private key asks for {count} iterations of PBKDF2; between 1 and {max} are supported",
        max = encrypted::MAX_PBKDF2_ITERATIONS
    )]
    Iterations {
        /// How many.
        count: u32,
    },
    /// Parameters of scrypt that are wrong or ask for too much.
    #[error(
        "the private key asks for scrypt with N={cost}, r={block_size}, p={parallelization}, which is not supported"
    )]
    Scrypt {
        /// N
        cost: u64,
        /// r
        block_size: u16,
        /// p
        parallelization: u16,
    },
    /// Not the DER structure of a private key.
    #[error("the private key is not well formed: {source}")]
    Der {
        /// What is wrong, and where.
        source: der::Error,
    },
    /// Well formed, but no key.
    #[error("the value is not a private key of {family}: {source}")]
    Rejected {
        /// What it should be a key of.
        family: &'static str,
        /// What the backend says.
        source: KeyRejected,
    },
    /// A key that names no curve.
    #[error("the private key does not say on which curve it is")]
    NoCurve,
    /// A key of a kind that is refused for public keys too.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The backend could not make random numbers or a key.
    #[error("the cryptographic backend failed")]
    Backend,
}

impl From<Unspecified> for PrivateKeyError {
    fn from(_error: Unspecified) -> Self {
        Self::Backend
    }
}

/// The secret half of a key.
pub(super) enum Secret {
    Ed25519(Ed25519KeyPair),
    Ecdsa(EcdsaKeyPair),
    Rsa(RsaKeyPair),
    MlDsa(PqdsaKeyPair),
}

impl Secret {
    /// Reads the first PEM block, but for the curve parameters that `openssl ecparam` puts first.
    pub(super) fn from_pem(pem: &[u8], password: Option<&[u8]>) -> Result<Self, PrivateKeyError> {
        let block = pem::first_block(pem, Some("EC PARAMETERS"))
            .map_err(|source| PrivateKeyError::Pem { source })?;
        if block.label == "ENCRYPTED PRIVATE KEY" {
            let password = password.ok_or(PrivateKeyError::NeedsPassword)?;
            return Self::from_pkcs8(&encrypted::decrypt(&block.der, password)?);
        }
        if block.encrypted_by_header {
            return Err(PrivateKeyError::UnsupportedEncryption {
                algorithm: "the traditional PEM format".to_owned(),
            });
        }
        let secret = Self::from_plain(block)?;
        match password {
            None => Ok(secret),
            Some(_) => Err(PrivateKeyError::PasswordNotNeeded),
        }
    }

    fn from_plain(block: Block) -> Result<Self, PrivateKeyError> {
        match block.label.as_str() {
            "PRIVATE KEY" => Self::from_pkcs8(&block.der),
            "RSA PRIVATE KEY" => {
                check_rsa_length(&block.der)?;
                let key = RsaKeyPair::from_der(&block.der);
                key.map(Self::Rsa).map_err(rejected(Family::Rsa))
            }
            "EC PRIVATE KEY" => Self::from_sec1(&block.der),
            "OPENSSH PRIVATE KEY" => Err(PrivateKeyError::OpenSsh),
            "DSA PRIVATE KEY" => Err(KeyError::UnsupportedAlgorithm {
                algorithm: "DSA".to_owned(),
            }
            .into()),
            "PUBLIC KEY" | "RSA PUBLIC KEY" => Err(PrivateKeyError::PublicKey),
            "CERTIFICATE" => Err(KeyError::Certificate.into()),
            _ => Err(PrivateKeyError::Label { label: block.label }),
        }
    }

    fn from_pkcs8(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let (algorithm, key) =
            asn1::private_key_info(der).map_err(|source| PrivateKeyError::Der { source })?;
        let family = asn1::family_of(&algorithm).map_err(unknown)?;
        let secret = match family {
            Family::Ed25519 => Ed25519KeyPair::from_pkcs8(der).map(Self::Ed25519),
            Family::Rsa => {
                check_rsa_length(key)?;
                RsaKeyPair::from_pkcs8(der).map(Self::Rsa)
            }
            Family::P256 | Family::P384 | Family::P521 => {
                EcdsaKeyPair::from_pkcs8(ecdsa(family), der).map(Self::Ecdsa)
            }
            Family::MlDsa44 | Family::MlDsa65 | Family::MlDsa87 => {
                PqdsaKeyPair::from_pkcs8(ml_dsa(family), der).map(Self::MlDsa)
            }
        };
        secret.map_err(rejected(family))
    }

    fn from_sec1(der: &[u8]) -> Result<Self, PrivateKeyError> {
        let curve = asn1::sec1_curve(der).map_err(|source| PrivateKeyError::Der { source })?;
        let family = curve.ok_or(PrivateKeyError::NoCurve)?.map_err(unknown)?;
        let key = EcdsaKeyPair::from_private_key_der(ecdsa(family), der);
        key.map(Self::Ecdsa).map_err(rejected(family))
    }

    /// The public half.
    pub(super) fn public(&self) -> Result<PublicKey, PrivateKeyError> {
        let spki: PublicKeyX509Der<'_> = match self {
            Self::Ed25519(key) => key.public_key().as_der()?,
            Self::Ecdsa(key) => key.public_key().as_der()?,
            Self::Rsa(key) => key.public_key().as_der()?,
            Self::MlDsa(key) => key.public_key().as_der()?,
        };
        Ok(PublicKey::from_spki(spki.as_ref())?)
    }
}

fn unknown(unknown: Unknown) -> PrivateKeyError {
    match unknown {
        Unknown::Algorithm(algorithm) => KeyError::UnsupportedAlgorithm { algorithm },
        Unknown::Curve(curve) => KeyError::UnsupportedCurve { curve },
        Unknown::ExplicitCurve => KeyError::UnsupportedCurve {
            curve: "that is spelled out in the key".to_owned(),
        },
    }
    .into()
}

fn rejected(family: Family) -> impl FnOnce(KeyRejected) -> PrivateKeyError {
    move |source| PrivateKeyError::Rejected {
        family: family.name(),
        source,
    }
}

fn check_rsa_length(der: &[u8]) -> Result<(), PrivateKeyError> {
    let bits = asn1::rsa_private_bits(der).map_err(|source| PrivateKeyError::Der { source })?;
    if bits < MIN_RSA_BITS {
        Err(KeyError::WeakRsa { bits }.into())
    } else if bits > MAX_RSA_BITS {
        Err(KeyError::HugeRsa { bits }.into())
    } else {
        Ok(())
    }
}

/// How keys of a curve sign; P-256 stands for what is no curve, and rejects its keys.
pub(super) fn ecdsa(family: Family) -> &'static EcdsaSigningAlgorithm {
    match family {
        Family::P384 => &ECDSA_P384_SHA384_ASN1_SIGNING,
        Family::P521 => &ECDSA_P521_SHA512_ASN1_SIGNING,
        Family::P256
        | Family::Ed25519
        | Family::Rsa
        | Family::MlDsa44
        | Family::MlDsa65
        | Family::MlDsa87 => &ECDSA_P256_SHA256_ASN1_SIGNING,
    }
}

fn ml_dsa(family: Family) -> &'static PqdsaSigningAlgorithm {
    match family {
        Family::MlDsa44 => &ML_DSA_44_SIGNING,
        Family::MlDsa87 => &ML_DSA_87_SIGNING,
        Family::MlDsa65
        | Family::Ed25519
        | Family::P256
        | Family::P384
        | Family::P521
        | Family::Rsa => &ML_DSA_65_SIGNING,
    }
}
