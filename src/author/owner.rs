//! A layout that nobody has signed yet, tried as if its owner had: under the signature of a key that is made for
//! it and forgotten again.

use crate::encoding::{CanonicalError, Value};
use crate::keys::{
    AnyKey, Authority as _, FileKey, KeyIdStyle, KeyKind, PrivateKeyError, SignError, Signer as _,
    generate,
};
use crate::model::{Envelope, Form};
use crate::verify::Owner;

/// Why a layout cannot be tried.
#[derive(Debug, thiserror::Error)]
pub enum UnsignableError {
    /// No key could be made.
    #[error("cannot make a key: {0}")]
    Key(#[from] PrivateKeyError),
    /// The key could not sign.
    #[error("cannot sign the layout: {0}")]
    Sign(#[from] SignError),
    /// The layout has no canonical form.
    #[error("the layout cannot be signed: {0}")]
    Canonical(#[from] CanonicalError),
}

/// A layout as if its owner had signed it.
#[derive(Debug)]
pub struct AsIfSigned {
    envelope: Envelope,
    key: AnyKey,
}

impl AsIfSigned {
    /// Signs a layout.
    ///
    /// # Errors
    /// See [`UnsignableError`].
    pub fn of(layout: &Value, form: Form) -> Result<Self, UnsignableError> {
        let made = generate(KeyKind::Ed25519)?;
        let key = FileKey::from_pem(made.pkcs8_pem.as_bytes(), None)?;
        let mut envelope = Envelope::unsigned(layout.clone(), form)?;
        let signature = key.sign(envelope.message())?;
        envelope.add_signature(&key.public().id(KeyIdStyle::Current), &signature);
        Ok(Self {
            envelope,
            key: made.public.into(),
        })
    }

    /// The layout.
    pub fn envelope(&self) -> &Envelope {
        &self.envelope
    }

    /// Its owner, by whom it is signed.
    pub fn owner(&self) -> Owner<'_> {
        Owner {
            authority: &self.key,
            ids: self.key.ids(),
        }
    }

    /// The layout and its owner's key.
    pub fn into_parts(self) -> (Envelope, AnyKey) {
        (self.envelope, self.key)
    }
}
