//! Who signed a link, of those whose keys were given. A link has only ids of keys, and an id is a claim:
//! what counts is that the key verifies the signature.

use crate::encoding::Value;
use crate::keys::{AnyKey, Authority as _, Fingerprint, KeyId, KeyIdStyle, OpenPgpSignature};
use crate::model::{Envelope, Moment, Signature, quoted};

/// How many signatures of one link are tried.
const TRIED_SIGNATURES: usize = 16;

/// Who signed a link.
#[derive(Clone, Debug)]
pub struct Signer {
    /// The id under which the layout knows them.
    pub keyid: KeyId,
    /// The id under which they signed: that of the key, or of a subkey.
    pub signed_as: KeyId,
    /// The key object for the layout.
    pub object: Value,
    /// Who they are, for counting.
    pub fingerprint: Fingerprint,
}

/// Why it is not known who signed a link.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignerError {
    /// None of the given keys has one of these ids.
    #[error("it is signed by {}, whose key was not given", ids(keyids))]
    Unknown {
        /// The ids that the link names.
        keyids: Vec<KeyId>,
    },
    /// There is no signature at all.
    #[error("nobody has signed it")]
    Unsigned,
    /// The key was given, and it did not make the signature.
    #[error("the signature of {} on it is wrong: {why}", quoted(keyid.as_str()))]
    Wrong {
        /// The id.
        keyid: KeyId,
        /// What is wrong.
        why: String,
    },
}

fn ids(keyids: &[KeyId]) -> String {
    let shown: Vec<String> = keyids
        .iter()
        .map(|id| quoted(id.as_str()).to_string())
        .collect();
    shown.join(", ")
}

/// Who of `keys` signed a link, by the clock `now`, which matters for keys that expire. If there are
/// several, the one whose id begins as the link's file is named; a wrong signature beside a good one
/// does not matter.
///
/// # Errors
/// See [`SignerError`].
pub fn signer(
    envelope: &Envelope,
    named: &str,
    keys: &[AnyKey],
    now: Moment,
) -> Result<Signer, SignerError> {
    let signatures = envelope.signatures().iter().take(TRIED_SIGNATURES);
    let (mut good, mut wrong, mut unknown) = (Vec::new(), None, Vec::new());
    for signature in signatures {
        let Some(keyid) = &signature.keyid else {
            continue;
        };
        let mut candidates = keys
            .iter()
            .filter(|key| key.ids().contains(keyid))
            .peekable();
        if candidates.peek().is_none() {
            unknown.push(keyid.clone());
        }
        for key in candidates {
            match check(envelope, key, keyid, signature, now) {
                Ok(()) => good.push(by(key, keyid)),
                Err(why) => {
                    let keyid = keyid.clone();
                    wrong.get_or_insert(SignerError::Wrong { keyid, why });
                }
            }
        }
    }
    let as_named = good
        .iter()
        .position(|one: &Signer| one.signed_as.short() == named);
    match (good.into_iter().nth(as_named.unwrap_or(0)), wrong) {
        (Some(signer), _) => Ok(signer),
        (None, Some(wrong)) => Err(wrong),
        (None, None) if unknown.is_empty() => Err(SignerError::Unsigned),
        (None, None) => Err(SignerError::Unknown { keyids: unknown }),
    }
}

fn check(
    envelope: &Envelope,
    key: &AnyKey,
    keyid: &KeyId,
    signature: &Signature,
    now: Moment,
) -> Result<(), String> {
    let invalid = || "it does not verify".to_owned();
    let bytes = signature.bytes.as_deref().ok_or_else(invalid)?;
    match &signature.openpgp {
        None if key.check(envelope.message(), bytes) => Ok(()),
        None => Err(invalid()),
        Some(headers) => {
            let signature = OpenPgpSignature {
                keyid,
                headers,
                signature: bytes,
            };
            let checked = key.check_openpgp(envelope.message(), signature, now.seconds());
            checked.map_err(|why| why.to_string())
        }
    }
}

fn by(key: &AnyKey, signed_as: &KeyId) -> Signer {
    let (keyid, object) = match key {
        AnyKey::OpenPgp(key) => (key.keyid().clone(), key.to_value()),
        AnyKey::Plain(key) => {
            let legacy = key.id(KeyIdStyle::Legacy) == *signed_as;
            let style = match legacy {
                true => KeyIdStyle::Legacy,
                false => KeyIdStyle::Current,
            };
            let mut object = key.to_value(style);
            if let Value::Object(object) = &mut object {
                // It may be known under an id of its own.
                object.set("keyid", signed_as.as_str());
            }
            (signed_as.clone(), object)
        }
    };
    Signer {
        keyid,
        signed_as: signed_as.clone(),
        object,
        fingerprint: key.fingerprint(),
    }
}
