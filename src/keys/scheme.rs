//! The signature schemes, by the names that metadata has for them.
//!
//! These are the schemes of securesystemslib. What is not here (SHA-224, secp256k1, Ed448, DSA) is
//! refused by name where it is met.

use std::fmt;

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P384_SHA384_ASN1, ECDSA_P521_SHA512_ASN1, ED25519, ML_DSA_44,
    ML_DSA_65, ML_DSA_87, VerificationAlgorithm,
};

/// How a signature is made and checked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scheme {
    /// `ed25519`: the pure scheme of RFC 8032.
    Ed25519,
    /// `ecdsa-sha2-nistp256`: DER signatures over SHA-256.
    EcdsaP256,
    /// `ecdsa-sha2-nistp384`: DER signatures over SHA-384.
    EcdsaP384,
    /// `ecdsa-sha2-nistp521`: DER signatures over SHA-512.
    EcdsaP521,
    /// `rsassa-pss-sha256`, MGF1 with the same hash.
    RsaPssSha256,
    /// `rsassa-pss-sha384`, MGF1 with the same hash.
    RsaPssSha384,
    /// `rsassa-pss-sha512`, MGF1 with the same hash.
    RsaPssSha512,
    /// `rsa-pkcs1v15-sha256`
    RsaPkcs1Sha256,
    /// `rsa-pkcs1v15-sha384`
    RsaPkcs1Sha384,
    /// `rsa-pkcs1v15-sha512`
    RsaPkcs1Sha512,
    /// `ml-dsa-44/1`: TAP 21, version 1.
    MlDsa44,
    /// `ml-dsa-65/1`: TAP 21, version 1.
    MlDsa65,
    /// `ml-dsa-87/1`: TAP 21, version 1.
    MlDsa87,
}

impl Scheme {
    /// Every scheme.
    pub const ALL: [Self; 13] = [
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::EcdsaP521,
        Self::RsaPssSha256,
        Self::RsaPssSha384,
        Self::RsaPssSha512,
        Self::RsaPkcs1Sha256,
        Self::RsaPkcs1Sha384,
        Self::RsaPkcs1Sha512,
        Self::MlDsa44,
        Self::MlDsa65,
        Self::MlDsa87,
    ];

    /// The name in metadata.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
            Self::EcdsaP384 => "ecdsa-sha2-nistp384",
            Self::EcdsaP521 => "ecdsa-sha2-nistp521",
            Self::RsaPssSha256 => "rsassa-pss-sha256",
            Self::RsaPssSha384 => "rsassa-pss-sha384",
            Self::RsaPssSha512 => "rsassa-pss-sha512",
            Self::RsaPkcs1Sha256 => "rsa-pkcs1v15-sha256",
            Self::RsaPkcs1Sha384 => "rsa-pkcs1v15-sha384",
            Self::RsaPkcs1Sha512 => "rsa-pkcs1v15-sha512",
            Self::MlDsa44 => "ml-dsa-44/1",
            Self::MlDsa65 => "ml-dsa-65/1",
            Self::MlDsa87 => "ml-dsa-87/1",
        }
    }

    /// The scheme of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == name)
    }

    /// The scheme that a key object means by its type and scheme. An ECDSA key may have the name
    /// of its scheme for a type, as it had before there was the type `ecdsa`.
    pub(super) fn from_type_and_name(keytype: &str, name: &str) -> Option<Self> {
        let scheme = Self::from_name(name)?;
        let family = scheme.family();
        (keytype == family.keytype() || (family.keytype() == "ecdsa" && keytype == name))
            .then_some(scheme)
    }

    pub(super) fn family(self) -> Family {
        match self {
            Self::Ed25519 => Family::Ed25519,
            Self::EcdsaP256 => Family::P256,
            Self::EcdsaP384 => Family::P384,
            Self::EcdsaP521 => Family::P521,
            Self::RsaPssSha256
            | Self::RsaPssSha384
            | Self::RsaPssSha512
            | Self::RsaPkcs1Sha256
            | Self::RsaPkcs1Sha384
            | Self::RsaPkcs1Sha512 => Family::Rsa,
            Self::MlDsa44 => Family::MlDsa44,
            Self::MlDsa65 => Family::MlDsa65,
            Self::MlDsa87 => Family::MlDsa87,
        }
    }
}

impl fmt::Display for Scheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a key is made of; a scheme fits one of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Ed25519,
    P256,
    P384,
    P521,
    Rsa,
    MlDsa44,
    MlDsa65,
    MlDsa87,
}

impl Family {
    /// The curves of ECDSA.
    pub(super) const CURVES: [Self; 3] = [Self::P256, Self::P384, Self::P521];

    /// The type in key objects.
    pub(super) fn keytype(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::P256 | Self::P384 | Self::P521 => "ecdsa",
            Self::Rsa => "rsa",
            Self::MlDsa44 | Self::MlDsa65 | Self::MlDsa87 => "ml-dsa",
        }
    }

    /// What a message calls it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "Ed25519",
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::P521 => "P-521",
            Self::Rsa => "RSA",
            Self::MlDsa44 => "ML-DSA-44",
            Self::MlDsa65 => "ML-DSA-65",
            Self::MlDsa87 => "ML-DSA-87",
        }
    }

    /// The scheme of a key that comes without one.
    pub(super) fn default_scheme(self) -> Scheme {
        match self {
            Self::Ed25519 => Scheme::Ed25519,
            Self::P256 => Scheme::EcdsaP256,
            Self::P384 => Scheme::EcdsaP384,
            Self::P521 => Scheme::EcdsaP521,
            Self::Rsa => Scheme::RsaPssSha256,
            Self::MlDsa44 => Scheme::MlDsa44,
            Self::MlDsa65 => Scheme::MlDsa65,
            Self::MlDsa87 => Scheme::MlDsa87,
        }
    }

    /// How signatures are checked, where the key alone says so: not for RSA.
    pub(super) fn verification(self) -> Option<&'static dyn VerificationAlgorithm> {
        match self {
            Self::Ed25519 => Some(&ED25519),
            Self::P256 => Some(&ECDSA_P256_SHA256_ASN1),
            Self::P384 => Some(&ECDSA_P384_SHA384_ASN1),
            Self::P521 => Some(&ECDSA_P521_SHA512_ASN1),
            Self::Rsa => None,
            Self::MlDsa44 => Some(&ML_DSA_44),
            Self::MlDsa65 => Some(&ML_DSA_65),
            Self::MlDsa87 => Some(&ML_DSA_87),
        }
    }
}
