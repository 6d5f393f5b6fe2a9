//! New keys, and putting a private key under a password.

use std::fmt;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair};
use zeroize::Zeroizing;

use super::private::{PrivateKeyError, Secret, ecdsa};
use super::scheme::Family;
use super::{PublicKey, encrypted, pem};

/// What kind of key to make.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum KeyKind {
    /// Ed25519: small, fast, and the same signature each time.
    #[default]
    Ed25519,
    /// ECDSA on P-256.
    EcdsaP256,
    /// ECDSA on P-384.
    EcdsaP384,
    /// ECDSA on P-521.
    EcdsaP521,
    /// RSA of 3072 bits.
    Rsa3072,
    /// RSA of 4096 bits.
    Rsa4096,
}

impl KeyKind {
    /// Every kind.
    pub const ALL: [Self; 6] = [
        Self::Ed25519,
        Self::EcdsaP256,
        Self::EcdsaP384,
        Self::EcdsaP521,
        Self::Rsa3072,
        Self::Rsa4096,
    ];

    /// The name by which it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ed25519",
            Self::EcdsaP256 => "ecdsa-p256",
            Self::EcdsaP384 => "ecdsa-p384",
            Self::EcdsaP521 => "ecdsa-p521",
            Self::Rsa3072 => "rsa-3072",
            Self::Rsa4096 => "rsa-4096",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

impl fmt::Display for KeyKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A new key.
pub struct Generated {
    /// The private half: a PEM block `PRIVATE KEY`, PKCS#8 version 1, not encrypted. Wiped from
    /// memory when it is dropped.
    pub pkcs8_pem: Zeroizing<String>,
    /// The public half.
    pub public: PublicKey,
}

/// Shows the public half only.
impl fmt::Debug for Generated {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generated")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

const PRIVATE_KEY: &str = "PRIVATE KEY";
const ENCRYPTED_PRIVATE_KEY: &str = "ENCRYPTED PRIVATE KEY";

/// Makes a new key.
///
/// # Errors
/// [`PrivateKeyError::Backend`] if there are no random numbers.
pub fn generate(kind: KeyKind) -> Result<Generated, PrivateKeyError> {
    let (secret, pkcs8_pem) = match kind {
        KeyKind::Ed25519 => {
            let key = Ed25519KeyPair::generate()?;
            // Version 1 has no public half in it; OpenSSL reads no other.
            let pem = pem::encode(PRIVATE_KEY, key.to_pkcs8v1()?.as_ref());
            (Secret::Ed25519(key), pem)
        }
        KeyKind::EcdsaP256 => new_ecdsa(Family::P256)?,
        KeyKind::EcdsaP384 => new_ecdsa(Family::P384)?,
        KeyKind::EcdsaP521 => new_ecdsa(Family::P521)?,
        KeyKind::Rsa3072 => new_rsa(KeySize::Rsa3072)?,
        KeyKind::Rsa4096 => new_rsa(KeySize::Rsa4096)?,
    };
    Ok(Generated {
        pkcs8_pem,
        public: secret.public()?,
    })
}

fn new_ecdsa(family: Family) -> Result<(Secret, Zeroizing<String>), PrivateKeyError> {
    let key = EcdsaKeyPair::generate(ecdsa(family))?;
    let pem = pem::encode(PRIVATE_KEY, key.to_pkcs8v1()?.as_ref());
    Ok((Secret::Ecdsa(key), pem))
}

fn new_rsa(size: KeySize) -> Result<(Secret, Zeroizing<String>), PrivateKeyError> {
    let key = RsaKeyPair::generate(size)?;
    let pkcs8: Pkcs8V1Der<'_> = key.as_der()?;
    let pem = pem::encode(PRIVATE_KEY, pkcs8.as_ref());
    Ok((Secret::Rsa(key), pem))
}

/// Puts a private key (a PEM block `PRIVATE KEY`) under a password: a PEM block
/// `ENCRYPTED PRIVATE KEY`, PBES2 with PBKDF2-HMAC-SHA-256,
/// [`PBKDF2_ITERATIONS`](super::PBKDF2_ITERATIONS) and AES-256-CBC.
///
/// # Errors
/// [`PrivateKeyError::EmptyPassword`], [`PrivateKeyError::Label`] if it is another kind of block,
/// and what is wrong with it otherwise.
pub fn encrypt(pkcs8_pem: &str, password: &[u8]) -> Result<String, PrivateKeyError> {
    let block = pem::first_block(pkcs8_pem.as_bytes(), None)
        .map_err(|source| PrivateKeyError::Pem { source })?;
    if block.label != PRIVATE_KEY {
        return Err(PrivateKeyError::Label { label: block.label });
    }
    let der = encrypted::encrypt(&block.der, password)?;
    Ok(pem::encode(ENCRYPTED_PRIVATE_KEY, &der).to_string())
}
