//! The keys of the layout, whoever has them.

use std::collections::{BTreeMap, BTreeSet};

use crate::encoding::{Object, Value};
use crate::keys::{AnyKey, Authority as _, Fingerprint, KeyError, KeyId, MIN_RSA_BITS};
use crate::model::{Functionary, Moment, quoted};
use crate::report::{LintCode, Severity};

use super::findings::Findings;
use super::reading::{Reading, member, token};

/// From how many bits on an RSA key is good beyond 2030 (NIST SP 800-57, 112 bits of security end then).
const LASTING_RSA_BITS: usize = 3072;

/// Words in the scheme of a key that stand for something broken.
const BROKEN: [&str; 4] = ["md5", "sha1", "sha-1", "dsa-fips"];

pub(super) fn look(reading: &Reading<'_>, now: Moment, found: &mut Findings) {
    let Some(layout) = &reading.layout else {
        return;
    };
    let used = used(reading);
    let objects = member(reading.value, "keys").and_then(Value::as_object);
    let mut seen: BTreeMap<Fingerprint, &KeyId> = BTreeMap::new();
    for (listed, functionary) in &layout.functionaries {
        let at = format!("/keys/{}", token(listed.as_str()));
        let is_used = is_used(listed, functionary, &used);
        if !is_used {
            unused(&at, listed, found);
        }
        match &functionary.key {
            Err(error) => unusable(&at, listed, error, is_used, found),
            Ok(key) => {
                match seen.get(&key.fingerprint()) {
                    Some(other) => twice(&at, listed, other, found),
                    None => drop(seen.insert(key.fingerprint(), listed)),
                }
                strength(&at, listed, key, objects, found);
                expired(&at, listed, key, now, found);
            }
        }
    }
}

/// The key ids that steps name.
fn used<'a>(reading: &Reading<'a>) -> BTreeSet<&'a str> {
    let steps = reading.steps().iter();
    let ids = steps.flat_map(|step| step.texts("pubkeys"));
    ids.map(|(_, id)| id).collect()
}

fn is_used(listed: &KeyId, functionary: &Functionary, used: &BTreeSet<&str>) -> bool {
    let subkeys = match &functionary.key {
        Ok(AnyKey::OpenPgp(key)) => key.ids(),
        Ok(AnyKey::Plain(_)) | Err(_) => Vec::new(),
    };
    used.contains(listed.as_str()) || subkeys.iter().any(|id| used.contains(id.as_str()))
}

fn unused(at: &str, keyid: &KeyId, found: &mut Findings) {
    let message = format!(
        "no step names the key {}: whoever has it can do nothing with it",
        quoted(keyid.short())
    );
    let help = "take the key out, or name it in `pubkeys` of a step";
    found.warn(LintCode::KeyUnused, at, message, help);
}

fn unusable(at: &str, keyid: &KeyId, error: &KeyError, used: bool, found: &mut Findings) {
    let severity = if used {
        Severity::Error
    } else {
        Severity::Warning
    };
    let (code, help) = match is_weak(error) {
        true => (
            LintCode::KeyWeak,
            "make a new key, such as with `linkwright key generate`",
        ),
        false => (
            LintCode::KeyUnusable,
            "put a key of Ed25519, ECDSA, RSA or ML-DSA there, as `linkwright key show` writes it",
        ),
    };
    let message = format!(
        "the key {} cannot be used, so no link that it signs counts: {error}",
        quoted(keyid.short())
    );
    found.add(severity, code, at, message, help);
}

fn is_weak(error: &KeyError) -> bool {
    if let KeyError::Malformed { source, .. } = error {
        return is_weak(source);
    }
    matches!(error, KeyError::WeakRsa { .. })
}

fn twice(at: &str, keyid: &KeyId, other: &KeyId, found: &mut Findings) {
    let message = format!(
        "{} is the same key as {}: whoever has it counts once here, and perhaps twice elsewhere",
        quoted(keyid.short()),
        quoted(other.short())
    );
    let help = "keep one of the two ids, and name that in the steps";
    found.warn(LintCode::KeyTwice, at, message, help);
}

fn strength(at: &str, keyid: &KeyId, key: &AnyKey, keys: Option<&Object>, found: &mut Findings) {
    let object = keys.and_then(|keys| keys.get(keyid.as_str()));
    let words = ["scheme", "method"].map(|field| {
        let word = object
            .and_then(|key| member(key, field))
            .and_then(Value::as_str);
        word.unwrap_or_default()
    });
    let id = quoted(keyid.short()).to_string();
    if let Some(word) = words
        .iter()
        .find(|word| BROKEN.iter().any(|broken| word.contains(broken)))
    {
        let message = format!(
            "the key {id} signs with {}, which nobody should use any more",
            quoted(word)
        );
        let help = "make a new key of Ed25519, such as with `linkwright key generate`";
        found.warn(LintCode::KeyWeak, at, message, help);
    }
    let bits = match key {
        AnyKey::Plain(key) => key.rsa_bits(),
        AnyKey::OpenPgp(_) => object.and_then(openpgp_rsa_bits),
    };
    match bits {
        Some(bits) if bits < MIN_RSA_BITS => {
            let message = format!("the RSA key {id} has {bits} bits, which can be broken");
            let help = "make a new key, such as with `linkwright key generate`";
            found.error(LintCode::KeyWeak, at, message, help);
        }
        Some(bits) if bits < LASTING_RSA_BITS => {
            let message =
                format!("the RSA key {id} has {bits} bits, which are thought to last until 2030");
            let help = "for what must hold longer, make a key of Ed25519, or of RSA with 3072 bits";
            found.note(LintCode::KeyWeak, at, message, help);
        }
        _ => {}
    }
}

/// The length of the modulus, which stands there in hexadecimal digits.
fn openpgp_rsa_bits(key: &Value) -> Option<usize> {
    let public = member(member(key, "keyval")?, "public")?;
    let digits = member(public, "n")?.as_str()?.trim_start_matches('0');
    let first = digits.chars().next()?.to_digit(16)?;
    let bits = u32::BITS - first.leading_zeros();
    Some((digits.len() - 1) * 4 + usize::try_from(bits).ok()?)
}

/// An OpenPGP key of which no part is valid any more.
fn expired(at: &str, keyid: &KeyId, key: &AnyKey, now: Moment, found: &mut Findings) {
    let AnyKey::OpenPgp(key) = key else {
        return;
    };
    let parts = key.describe();
    let over = |end: &Option<u64>| end.is_some_and(|end| end <= now.seconds());
    if !parts.iter().all(|(_, _, end)| over(end)) {
        return;
    }
    let last = parts.iter().filter_map(|(_, _, end)| *end).max();
    let when = last.and_then(Moment::from_seconds);
    let when = when.map_or_else(String::new, |when| format!(" at {when}"));
    let message = format!(
        "the OpenPGP key {} expired{when}: nothing that it signs now counts",
        quoted(keyid.short())
    );
    let help = "let its owner extend it, and put the exported key there again";
    found.error(LintCode::KeyExpired, at, message, help);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keys::Scheme;

    #[test]
    fn no_scheme_of_ours_is_called_broken() {
        for scheme in Scheme::ALL {
            assert!(!BROKEN.iter().any(|broken| scheme.name().contains(broken)));
        }
    }
}
