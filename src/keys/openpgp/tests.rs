//! Against keys and signatures that `gpg` made (`testdata/openpgp/make`), and against mangled ones.

use super::*;
use crate::keys::PublicKey;

const MESSAGE: &[u8] = b"linkwright test message";

/// Two days after the keys were made, when they signed.
const THEN: u64 = 1_577_836_800 + 2 * DAY;
const DAY: u64 = 86_400;

/// What stands in `testdata/openpgp/NAME.asc`.
fn armored(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/keys/testdata/openpgp");
    std::fs::read(format!("{folder}/{name}.asc")).unwrap()
}

fn key(name: &str) -> OpenPgpKey {
    OpenPgpKey::from_armored(&armored(name)).unwrap()
}

fn refused(name: &str) -> String {
    OpenPgpKey::from_armored(&armored(name))
        .unwrap_err()
        .to_string()
}

/// What `signatures.json` says of a key.
fn noted(name: &str) -> Object {
    let all = encoding::parse(include_bytes!("../testdata/openpgp/signatures.json")).unwrap();
    let one = all.as_object().unwrap().get(name).unwrap();
    one.as_object().unwrap().clone()
}

/// A signature that has been taken apart.
#[derive(Clone)]
struct Taken {
    keyid: KeyId,
    headers: Vec<u8>,
    signature: Vec<u8>,
}

impl Taken {
    fn by(&self, key: &OpenPgpKey, now: u64) -> Result<(), Refusal> {
        self.over(MESSAGE, key, now)
    }

    fn over(&self, content: &[u8], key: &OpenPgpKey, now: u64) -> Result<(), Refusal> {
        let signature = OpenPgpSignature {
            keyid: &self.keyid,
            headers: &self.headers,
            signature: &self.signature,
        };
        key.check(content, signature, now)
    }
}

fn signatures_of(name: &str, list: &str) -> Vec<Taken> {
    let noted = noted(name);
    let list = noted.get(list).and_then(Value::as_array).unwrap();
    let taken = |entry: &Value| {
        let text = |name: &str| {
            entry
                .as_object()
                .unwrap()
                .get(name)
                .unwrap()
                .as_str()
                .unwrap()
        };
        Taken {
            keyid: KeyId::new(text("keyid")),
            headers: hex::decode(text("other_headers")).unwrap(),
            signature: hex::decode(text("signature")).unwrap(),
        }
    };
    list.iter().map(taken).collect()
}

fn signatures(name: &str) -> Vec<Taken> {
    signatures_of(name, "signatures")
}

#[test]
fn what_gpg_signed_is_good_and_nothing_else() {
    for name in [
        "rsa",
        "ed25519",
        "dsa",
        "dsa3072",
        "sha1",
        "certify",
        "subkey-revoked",
    ] {
        let key = key(name);
        let signatures = signatures(name);
        assert!(!signatures.is_empty());
        for taken in signatures {
            taken.by(&key, THEN).unwrap();
            let other = taken.over(b"another message", &key, THEN);
            assert!(matches!(other, Err(Refusal::Invalid)), "{name}");
            let nobody = Taken {
                keyid: KeyId::new("00"),
                ..taken
            };
            assert!(matches!(nobody.by(&key, THEN), Err(Refusal::OtherKey)));
        }
    }
}

#[test]
fn ids_are_the_fingerprints_that_gpg_tells() {
    for name in [
        "rsa",
        "ed25519",
        "dsa",
        "sha1",
        "certify",
        "expiring",
        "user-revoked",
    ] {
        let noted = noted(name);
        let told = noted.get("ids").and_then(Value::as_array).unwrap();
        let told: Vec<&str> = told.iter().filter_map(Value::as_str).collect();
        let key = key(name);
        let left_out = key.left_out().iter().map(|part| part.keyid.clone());
        let mut found: Vec<KeyId> = key.ids().into_iter().chain(left_out).collect();
        found.sort();
        let mut told: Vec<KeyId> = told.into_iter().map(KeyId::new).collect();
        told.sort();
        assert_eq!(found, told);
    }
}

#[test]
fn the_object_is_that_of_the_reference() {
    for name in ["rsa", "sha1", "dsa", "dsa3072"] {
        let mut theirs = noted(name)
            .get("object")
            .unwrap()
            .as_object()
            .unwrap()
            .clone();
        let key = key(name);
        // Which has encryption keys among those that may sign.
        if let Some(Value::Object(mut subkeys)) = theirs.remove("subkeys") {
            for part in key.left_out() {
                subkeys.remove(part.keyid.as_str());
            }
            theirs.set("subkeys", subkeys);
        }
        assert_eq!(key.to_value(), Value::Object(theirs), "{name}");
    }
}

#[test]
fn an_object_reads_back_as_the_same_key() {
    for name in ["rsa", "ed25519", "dsa", "expiring"] {
        let file = key(name);
        let object = OpenPgpKey::from_value(&file.to_value()).unwrap();
        assert_eq!(object.ids(), file.ids());
        assert_eq!(object.describe(), file.describe());
        assert_eq!(object.fingerprints(), file.fingerprints());
        let text = encoding::compact(&file.to_value());
        let read = OpenPgpKey::from_file_bytes(text.as_bytes()).unwrap();
        assert_eq!(read.to_value(), file.to_value());
    }
}

#[test]
fn a_key_that_has_expired_refuses_what_it_signed() {
    let key = key("expiring");
    let day = |days: u64| THEN + days * DAY;
    let ends: Vec<Option<u64>> = key.describe().into_iter().map(|part| part.2).collect();
    let start = THEN - 2 * DAY;
    // The last would be good for longer, and falls with the main key.
    let expected = [start + 100 * DAY, start + 60 + 50 * DAY, start + 100 * DAY];
    assert_eq!(ends, expected.map(Some));
    let [main, short, long] = <[Taken; 3]>::try_from(signatures("expiring")).ok().unwrap();
    for (taken, good_for) in [(&main, 97), (&short, 47), (&long, 97)] {
        taken.by(&key, day(good_for)).unwrap();
        let late = taken.by(&key, day(good_for + 2));
        assert!(matches!(late, Err(Refusal::Expired { .. })));
    }
    let at_once = main.by(&key, start + 100 * DAY);
    assert!(matches!(at_once, Err(Refusal::Expired { at }) if at == start + 100 * DAY));
    let forged = main.over(b"another message", &key, day(200));
    assert!(
        matches!(forged, Err(Refusal::Invalid)),
        "no word about times"
    );
}

#[test]
fn the_newest_self_signature_tells_the_expiry() {
    let ends = key("extended").describe()[0].2;
    // gpg counts from the day of the change.
    assert_eq!(ends, Some(THEN - 2 * DAY + 301 * DAY));
}

#[test]
fn what_may_not_sign_is_left_out() {
    for (name, why) in [
        ("rsa", "it is not for signing"),
        ("ed25519", "it is not for signing"),
        ("subkey-revoked", "it was revoked"),
    ] {
        let key = key(name);
        let reasons: Vec<&str> = key.left_out().iter().map(|part| part.why).collect();
        assert_eq!(reasons, [why], "{name}");
    }
    let key = key("certify");
    assert!(!key.main.may_sign);
    assert!(key.subkeys[0].may_sign);
}

#[test]
fn keys_that_cannot_be_used_are_refused_by_name() {
    for (name, expected) in [
        ("revoked", "revoked"),
        ("p256", "ECDSA"),
        ("rsa1024", "2048"),
    ] {
        let found = refused(name);
        assert!(found.contains(expected), "{name}: {found}");
    }
}

#[test]
fn other_hashes_of_sha2_are_good_and_sha1_is_not() {
    let key = key("rsa");
    let sha512 = signatures_of("rsa", "sha512");
    sha512[0].by(&key, THEN).unwrap();
    let sha1 = signatures_of("rsa", "sha1");
    assert!(matches!(
        sha1[0].by(&key, THEN),
        Err(Refusal::Headers(OpenPgpError::WeakHash))
    ));
}

#[test]
fn no_mangled_signature_is_good() {
    for name in ["rsa", "ed25519", "dsa"] {
        let key = key(name);
        let good = signatures(name).remove(0);
        let flips = |bytes: &[u8]| {
            let bits = (0..bytes.len()).map(|at| (at, 1 << (at % 8)));
            let flip = |(at, bit): (usize, u8)| {
                let mut mangled = bytes.to_vec();
                mangled[at] ^= bit;
                mangled
            };
            let cut = (0..bytes.len()).map(|length| bytes[..length].to_vec());
            bits.map(flip).chain(cut).collect::<Vec<_>>()
        };
        for headers in flips(&good.headers) {
            let mangled = Taken {
                headers,
                ..good.clone()
            };
            assert!(mangled.by(&key, THEN).is_err());
        }
        for signature in flips(&good.signature)
            .into_iter()
            .step_by(if name == "dsa" { 31 } else { 1 })
        {
            let mangled = Taken {
                signature,
                ..good.clone()
            };
            assert!(mangled.by(&key, THEN).is_err());
        }
    }
}

/// Everything that a key lets pass, and until when.
fn admitted(key: &OpenPgpKey) -> Vec<(KeyId, bool, Option<u64>)> {
    key.parts()
        .map(|part| (part.keyid.clone(), part.may_sign, part.expires))
        .collect()
}

#[test]
fn no_mangled_key_admits_more() {
    for name in [
        "ed25519",
        "expiring",
        "revoked",
        "subkey-revoked",
        "certify",
    ] {
        let bytes = armor::decode(&armored(name)).unwrap();
        let good = certificate::read(&bytes)
            .map(|key| admitted(&key))
            .unwrap_or_default();
        for at in 0..bytes.len() {
            let mut mangled = bytes.clone();
            mangled[at] ^= 1 << (at % 8);
            if let Ok(key) = certificate::read(&mangled) {
                let found = admitted(&key);
                let known = found.iter().all(|part| good.contains(part));
                assert!(known, "{name} {at}: {found:?}");
            }
        }
        for length in 0..bytes.len() {
            if let Ok(key) = certificate::read(&bytes[..length]) {
                assert!(admitted(&key).iter().all(|part| good.contains(part)));
            }
        }
    }
}

#[test]
fn another_subkey_cannot_be_adopted() {
    // The main key of one, with the subkey of another and its binding.
    let (one, other) = (
        armor::decode(&armored("certify")).unwrap(),
        armor::decode(&armored("ed25519")).unwrap(),
    );
    let subkey = packets::packets(&other).unwrap();
    let at = subkey
        .iter()
        .position(|packet| packet.tag == packets::PUBLIC_SUBKEY)
        .unwrap();
    let mut joined = one;
    for packet in &subkey[at..at + 2] {
        joined.extend([0xC0 | packet.tag, 255]);
        joined.extend(u32::try_from(packet.body.len()).unwrap().to_be_bytes());
        joined.extend(packet.body);
    }
    let key = certificate::read(&joined).unwrap();
    assert_eq!(key.subkeys.len(), 1);
    assert!(key.left_out()[0].why.contains("has not signed"));
}

#[test]
fn a_key_is_the_same_person_in_another_form() {
    let key = key("rsa");
    let Material::Rsa { key: plain, .. } = &key.main.material else {
        panic!("an RSA key");
    };
    let plain = PublicKey::from_pem(plain.to_pem().as_bytes()).unwrap();
    assert_eq!(plain.fingerprint(), key.fingerprint());
    assert_eq!(key.fingerprints().len(), 2);
}

#[test]
fn objects_with_something_missing_name_the_field() {
    let good = key("rsa").to_value().as_object().unwrap().clone();
    for field in ["method", "keyid", "keyval"] {
        let mut object = good.clone();
        object.remove(field);
        let error = OpenPgpKey::from_value(&object.into()).unwrap_err();
        assert!(matches!(error, KeyError::Field { field: found, .. } if found == field));
    }
    for (field, value) in [
        ("type", Value::from("dsa")),
        ("creation_time", Value::from("then")),
        ("validity_period", Value::from(-1)),
        ("subkeys", Value::from(7)),
    ] {
        let mut object = good.clone();
        object.set(field, value);
        let error = OpenPgpKey::from_value(&object.into()).unwrap_err();
        assert!(matches!(error, KeyError::Field { field: found, .. } if found == field));
    }
    let mut object = good.clone();
    object.remove("creation_time");
    object.set("validity_period", 10);
    assert!(OpenPgpKey::from_value(&object.into()).is_err());
    let mut object = good;
    object.set("method", "pgp+elgamal");
    assert!(
        OpenPgpKey::from_value(&object.into())
            .unwrap_err()
            .is_unsupported()
    );
}

#[test]
fn a_dsa_key_whose_numbers_do_not_fit_is_refused() {
    let good = key("dsa").to_value().as_object().unwrap().clone();
    let public = good
        .get("keyval")
        .unwrap()
        .as_object()
        .unwrap()
        .get("public")
        .unwrap();
    for (name, value) in [
        ("g", "01"),
        ("y", "01"),
        ("y", "02"),
        ("q", "03"),
        ("p", "07"),
        ("g", ""),
        ("y", ""),
    ] {
        let mut public = public.as_object().unwrap().clone();
        public.set(name, value);
        let mut keyval = Object::new();
        keyval.set("public", public);
        let mut object = good.clone();
        object.set("keyval", keyval);
        assert!(
            OpenPgpKey::from_value(&object.into()).is_err(),
            "{name} {value}"
        );
    }
}
