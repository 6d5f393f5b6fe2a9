//! Making signatures: with a private key from a file, or with whatever else implements
//! [`Signer`].

use std::fmt;

use aws_lc_rs::error::Unspecified;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    PqdsaKeyPair, RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_SHA256,
    RSA_PSS_SHA384, RSA_PSS_SHA512, RsaEncoding, RsaKeyPair,
};

use super::parse::KeyError;
use super::private::{PrivateKeyError, Secret};
use super::public::signed_bytes;
use super::{PublicKey, Scheme};

/// Why a signature could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// The backend refused.
    #[error("the key could not sign under the scheme `{scheme}`")]
    Backend {
        /// The scheme.
        scheme: Scheme,
    },
}

/// Something that signs for one public key.
pub trait Signer {
    /// The key that its signatures verify under.
    fn public(&self) -> &PublicKey;

    /// A signature over the message, under the scheme of the public key.
    ///
    /// # Errors
    /// See [`SignError`].
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError>;

    /// How many bytes every signature of this key has; `None` if they differ.
    fn signature_length(&self) -> Option<usize>;
}

/// A private key that was read from a file.
pub struct FileKey {
    secret: Secret,
    public: PublicKey,
}

impl FileKey {
    /// Reads a private key from PEM: PKCS#8, also encrypted, PKCS#1 (`RSA PRIVATE KEY`) and SEC1
    /// (`EC PRIVATE KEY`). The scheme is the default one of the key, as for
    /// [`PublicKey::from_pem`].
    ///
    /// # Errors
    /// See [`PrivateKeyError`].
    pub fn from_pem(pem: &[u8], password: Option<&[u8]>) -> Result<Self, PrivateKeyError> {
        let secret = Secret::from_pem(pem, password)?;
        let public = secret.public()?;
        Ok(Self { secret, public })
    }

    /// The same key under another scheme: RSA has several.
    ///
    /// # Errors
    /// [`KeyError::SchemeMismatch`] if the scheme is for keys of another kind.
    pub fn with_scheme(self, scheme: Scheme) -> Result<Self, KeyError> {
        Ok(Self {
            secret: self.secret,
            public: self.public.with_scheme(scheme)?,
        })
    }
}

impl Signer for FileKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, SignError> {
        let scheme = self.public.scheme();
        let signature = match &self.secret {
            Secret::Ed25519(key) => key
                .try_sign(message)
                .map(|signature| signature.as_ref().to_vec()),
            Secret::Ecdsa(key) => key
                .sign(&SystemRandom::new(), message)
                .map(|signature| signature.as_ref().to_vec()),
            Secret::Rsa(key) => sign_rsa(key, scheme, message),
            Secret::MlDsa(key) => {
                let signed = signed_bytes(scheme, message);
                sign_ml_dsa(key, signed.as_deref().unwrap_or(message))
            }
        };
        signature.map_err(|Unspecified| SignError::Backend { scheme })
    }

    fn signature_length(&self) -> Option<usize> {
        match &self.secret {
            // RFC 8032, section 5.1.6.
            Secret::Ed25519(_) => Some(64),
            // DER leaves out leading zeros.
            Secret::Ecdsa(_) => None,
            Secret::Rsa(key) => Some(key.public_modulus_len()),
            Secret::MlDsa(key) => Some(key.algorithm().signature_len()),
        }
    }
}

/// Shows the public half only.
impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileKey")
            .field("public", &self.public)
            .finish_non_exhaustive()
    }
}

/// PSS signatures get a salt as long as their hash.
fn sign_rsa(key: &RsaKeyPair, scheme: Scheme, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let encoding: &'static dyn RsaEncoding = match scheme {
        Scheme::RsaPssSha256 => &RSA_PSS_SHA256,
        Scheme::RsaPssSha384 => &RSA_PSS_SHA384,
        Scheme::RsaPssSha512 => &RSA_PSS_SHA512,
        Scheme::RsaPkcs1Sha256 => &RSA_PKCS1_SHA256,
        Scheme::RsaPkcs1Sha384 => &RSA_PKCS1_SHA384,
        Scheme::RsaPkcs1Sha512 => &RSA_PKCS1_SHA512,
        Scheme::Ed25519
        | Scheme::EcdsaP256
        | Scheme::EcdsaP384
        | Scheme::EcdsaP521
        | Scheme::MlDsa44
        | Scheme::MlDsa65
        | Scheme::MlDsa87 => return Err(Unspecified),
    };
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(encoding, &SystemRandom::new(), message, &mut signature)?;
    Ok(signature)
}

fn sign_ml_dsa(key: &PqdsaKeyPair, signed: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let mut signature = vec![0; key.algorithm().signature_len()];
    let length = key.sign(signed, &mut signature)?;
    signature.truncate(length);
    Ok(signature)
}
