//! A public key that is ready to check signatures.

use std::fmt;

use aws_lc_rs::digest::{SHA512, digest};
use aws_lc_rs::signature::{
    ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPssSaltLength, RsaPublicKeyComponents,
};

use super::parse::KeyError;
use super::scheme::Family;
use super::{Fingerprint, KeyId, KeyIdStyle, Scheme, asn1, hex, id, pem};
use crate::encoding::{Object, Value};

/// A signature that is not one of this key over this message. There is nothing more to say:
/// a forged, a damaged and a misplaced signature look alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the signature does not verify")]
pub struct Invalid;

/// A public key and the scheme it is used under.
#[derive(Clone)]
pub struct PublicKey {
    scheme: Scheme,
    material: Material,
    /// DER `SubjectPublicKeyInfo`: named curve, uncompressed point, PKCS#1 for RSA.
    spki: Box<[u8]>,
    received: Option<Received>,
}

/// What a key object said, in its own words.
#[derive(Clone)]
pub(super) struct Received {
    pub(super) keyid: Option<KeyId>,
    pub(super) keytype: String,
    pub(super) public: String,
}

#[derive(Clone)]
pub(super) enum Material {
    Rsa(RsaPublicKeyComponents<Box<[u8]>>),
    Other(ParsedPublicKey),
}

impl PublicKey {
    pub(super) fn new(family: Family, material: Material, spki: &[u8]) -> Self {
        Self {
            scheme: family.default_scheme(),
            material,
            spki: spki.into(),
            received: None,
        }
    }

    pub(super) fn received_as(mut self, received: Received) -> Self {
        self.received = Some(received);
        self
    }

    /// Names the key as the metadata around its object does, unless the object itself has an id.
    pub(super) fn named(mut self, keyid: &str) -> Self {
        if let Some(received) = &mut self.received {
            received.keyid.get_or_insert_with(|| KeyId::new(keyid));
        }
        self
    }

    /// The scheme under which signatures are checked.
    pub fn scheme(&self) -> Scheme {
        self.scheme
    }

    /// The type in key objects: as it was received, else `rsa`, `ecdsa`, `ed25519` or `ml-dsa`.
    pub fn keytype(&self) -> &str {
        match &self.received {
            Some(received) => &received.keytype,
            None => self.scheme.family().keytype(),
        }
    }

    /// The same key under another scheme: RSA has several.
    ///
    /// # Errors
    /// [`KeyError::SchemeMismatch`] if the scheme is for keys of another kind.
    pub fn with_scheme(mut self, scheme: Scheme) -> Result<Self, KeyError> {
        let family = self.scheme.family();
        if scheme.family() != family {
            return Err(KeyError::SchemeMismatch {
                scheme: scheme.name(),
                found: family.name(),
            });
        }
        self.scheme = scheme;
        Ok(self)
    }

    /// The id that a key of this kind is given, computed anew: an id that came with the key does
    /// not change it.
    pub fn id(&self, style: KeyIdStyle) -> KeyId {
        let keytype = self.scheme.family().keytype();
        id::compute(style, keytype, self.scheme.name(), &self.normal_text())
    }

    /// The id that came with the key object, if it was one.
    pub fn stated_id(&self) -> Option<&KeyId> {
        self.received.as_ref()?.keyid.as_ref()
    }

    /// What the key is made of. The scheme, the id and the text form make no difference.
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.spki)
    }

    /// How long the modulus is, for a key of RSA.
    pub fn rsa_bits(&self) -> Option<usize> {
        match &self.material {
            Material::Rsa(key) => Some(asn1::bits(&key.n)),
            Material::Other(_) => None,
        }
    }

    /// The key as DER `SubjectPublicKeyInfo`.
    pub(super) fn spki(&self) -> &[u8] {
        &self.spki
    }

    /// The key as a `PUBLIC KEY` block (`SubjectPublicKeyInfo`), with a final newline.
    pub fn to_pem(&self) -> String {
        pem::encode("PUBLIC KEY", &self.spki).to_string()
    }

    /// The key object of a layout, in a form that in-toto and in-toto-golang both take: with
    /// `keyid_hash_algorithms`, without which in-toto-golang fails to verify the layout, and
    /// without `private`. A key that came as an object keeps the words it came with; the id is
    /// that of the style.
    pub fn to_value(&self, style: KeyIdStyle) -> Value {
        let public = match (&self.received, style) {
            (Some(received), _) => received.public.clone(),
            (None, KeyIdStyle::Current) => self.normal_text(),
            (None, KeyIdStyle::Legacy) => self.normal_text().trim_end().to_owned(),
        };
        let mut keyval = Object::new();
        keyval.set("public", public);
        let mut object = Object::new();
        object.set("keyid", self.id(style).as_str());
        object.set("keyid_hash_algorithms", id::hash_algorithms());
        object.set("keytype", self.keytype());
        object.set("keyval", keyval);
        object.set("scheme", self.scheme.name());
        Value::Object(object)
    }

    /// The public value as in-toto 3 writes it: hex for Ed25519, else PEM.
    fn normal_text(&self) -> String {
        match (&self.material, self.scheme.family()) {
            (Material::Other(_), Family::Ed25519) => {
                // The 32 bytes of the point end the structure (RFC 8410, 4).
                let raw = self.spki.last_chunk::<32>();
                raw.map(|raw| hex::encode(raw)).unwrap_or_default()
            }
            _ => self.to_pem(),
        }
    }

    /// Checks that `signature` is one of this key over `message`, under the scheme of the key.
    ///
    /// RSA-PSS signatures may have a salt of any length, as in the reference. ECDSA signatures
    /// are DER, with high or low S.
    ///
    /// # Errors
    /// [`Invalid`]
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Invalid> {
        let valid = match &self.material {
            Material::Rsa(components) => verify_rsa(components, self.scheme, message, signature),
            Material::Other(key) => {
                let signed = signed_bytes(self.scheme, message);
                key.verify_sig(signed.as_deref().unwrap_or(message), signature)
                    .is_ok()
            }
        };
        if valid { Ok(()) } else { Err(Invalid) }
    }
}

/// Equal are keys of the same material under the same scheme; ids and text forms do not count.
impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.scheme == other.scheme && self.spki == other.spki
    }
}

impl Eq for PublicKey {}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PublicKey")
            .field("scheme", &self.scheme)
            .field("stated_id", &self.stated_id())
            .field("fingerprint", &self.fingerprint())
            .finish_non_exhaustive()
    }
}

/// What is signed in place of the message, where a scheme has it so: ML-DSA keys sign a hash
/// behind a version (TAP 21).
pub(super) fn signed_bytes(scheme: Scheme, message: &[u8]) -> Option<Vec<u8>> {
    match scheme.family() {
        Family::MlDsa44 | Family::MlDsa65 | Family::MlDsa87 => {
            let hash = digest(&SHA512, message);
            Some([b"tuf\x01", hash.as_ref()].concat())
        }
        Family::Ed25519 | Family::P256 | Family::P384 | Family::P521 | Family::Rsa => None,
    }
}

fn verify_rsa(
    key: &RsaPublicKeyComponents<Box<[u8]>>,
    scheme: Scheme,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let (parameters, hash_length): (fn() -> RsaParameters, usize) = match scheme {
        Scheme::RsaPssSha256 => (|| RSA_PSS_2048_8192_SHA256, 32),
        Scheme::RsaPssSha384 => (|| RSA_PSS_2048_8192_SHA384, 48),
        Scheme::RsaPssSha512 => (|| RSA_PSS_2048_8192_SHA512, 64),
        Scheme::RsaPkcs1Sha256 => (|| RSA_PKCS1_2048_8192_SHA256, 0),
        Scheme::RsaPkcs1Sha384 => (|| RSA_PKCS1_2048_8192_SHA384, 0),
        Scheme::RsaPkcs1Sha512 => (|| RSA_PKCS1_2048_8192_SHA512, 0),
        Scheme::Ed25519
        | Scheme::EcdsaP256
        | Scheme::EcdsaP384
        | Scheme::EcdsaP521
        | Scheme::MlDsa44
        | Scheme::MlDsa65
        | Scheme::MlDsa87 => return false,
    };
    if key.verify(&parameters(), message, signature).is_ok() {
        return true;
    }
    hash_length > 0 && verify_any_salt(key, parameters, hash_length, message, signature)
}

/// RSA-PSS where the salt is not as long as the hash. A signature does not say how long its salt
/// is, and the backend wants to be told, so the lengths are tried; those in use come first
/// (the longest that fits, as in Go's default, and none). A signature that verifies under no
/// length costs as many public operations as there are lengths: 222 for 2048 bits and SHA-256.
/// What is accepted is what RFC 8017 (9.1.2) accepts under some salt length, no more.
fn verify_any_salt(
    key: &RsaPublicKeyComponents<Box<[u8]>>,
    parameters: fn() -> RsaParameters,
    hash_length: usize,
    message: &[u8],
    signature: &[u8],
) -> bool {
    let bits = asn1::bits(&key.n);
    if signature.len() != bits.div_ceil(8) {
        return false;
    }
    let encoded_length = bits.saturating_sub(1).div_ceil(8);
    let Some(longest) = encoded_length.checked_sub(hash_length + 2) else {
        return false;
    };
    let Ok(longest) = u16::try_from(longest) else {
        return false;
    };
    std::iter::once(longest).chain(0..longest).any(|length| {
        let salt = RsaPssSaltLength::Custom(length);
        let parameters = parameters().with_pss_salt_length(salt);
        key.verify(&parameters, message, signature).is_ok()
    })
}
