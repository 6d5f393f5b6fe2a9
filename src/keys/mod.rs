//! One key, one signature: public keys that check, private keys that sign, and how metadata names
//! them.
//!
//! [`PublicKey`] comes from PEM or from the key objects of layouts, [`FileKey`] from PEM files.
//! Both take what the in-toto reference takes and refuse the rest by name: a file that holds
//! something else, an algorithm or curve that is not among [`Scheme`], RSA under 2048 bits, a
//! value that does not fit its scheme. [`OpenPgpKey`] is for what `gpg` signed. Bytes come in and go out; no file is opened here.
//!
//! A functionary may be known by a [`Certificate`] instead: who it is for and whether its chain holds is
//! decided here too.
//!
//! A key has several ids, because implementations compute them differently ([`KeyIdStyle`]), and
//! an id is only a claim. Who has signed is therefore counted by [`Fingerprint`].

mod any;
mod asn1;
mod certificate;
mod encrypted;
mod generate;
mod hex;
mod id;
mod openpgp;
mod parse;
mod pem;
mod private;
mod public;
mod scheme;
mod sign;
mod small_order;
#[cfg(test)]
mod tests;

pub use any::AnyKey;
pub use certificate::{
    Authorities, Certificate, CertificateError, ChainError, Constraint, MAX_CERTIFICATES, Mismatch,
    Names, Wanted, Whose,
};
pub use encrypted::{MAX_PBKDF2_ITERATIONS, MAX_SCRYPT_MEMORY, PBKDF2_ITERATIONS};
pub use generate::{Generated, KeyKind, encrypt, generate};
pub use id::{Fingerprint, KeyId, KeyIdStyle};
pub use openpgp::{LeftOut, OpenPgpError, OpenPgpKey, OpenPgpSignature, Refusal};
pub use parse::{KeyError, MAX_RSA_BITS, MIN_RSA_BITS};
pub use pem::PemError;
pub use private::PrivateKeyError;
pub use public::{Invalid, PublicKey};
pub use scheme::Scheme;
pub use sign::{FileKey, SignError, Signer};

/// Someone whose signatures can be checked.
pub trait Authority: std::fmt::Debug {
    /// Whether `signature` is theirs over `message`.
    fn check(&self, message: &[u8], signature: &[u8]) -> bool;

    /// Checks an OpenPGP signature, by the clock `now` in seconds since 1970.
    ///
    /// # Errors
    /// Why it does not count; for whoever has no OpenPGP key, that it is not theirs.
    fn check_openpgp(
        &self,
        _message: &[u8],
        _signature: OpenPgpSignature<'_>,
        _now: u64,
    ) -> Result<(), Refusal> {
        Err(Refusal::OtherKey)
    }

    /// The ids under which their signatures may stand. An id that is missing here costs a
    /// signature, one too many costs nothing: [`Self::check`] decides.
    fn ids(&self) -> Vec<KeyId>;

    /// Who they are, for counting: the same for the same signer under every id.
    fn fingerprint(&self) -> Fingerprint;

    /// Everything that they sign with, where that is more than one key: whoever signs with any of it
    /// is the same.
    fn fingerprints(&self) -> Vec<Fingerprint> {
        vec![self.fingerprint()]
    }
}

impl Authority for PublicKey {
    fn check(&self, message: &[u8], signature: &[u8]) -> bool {
        self.verify(message, signature).is_ok()
    }

    fn ids(&self) -> Vec<KeyId> {
        let mut ids: Vec<KeyId> = self.stated_id().into_iter().cloned().collect();
        for style in KeyIdStyle::ALL {
            let id = self.id(style);
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        ids
    }

    fn fingerprint(&self) -> Fingerprint {
        Self::fingerprint(self)
    }
}
