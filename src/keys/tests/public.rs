//! Public keys: what is read, what is refused, and by which ids they go.

use super::*;
use crate::encoding::Object;

#[test]
fn ids_are_those_of_securesystemslib_in_both_styles() {
    let keys = TestKeys::read();
    for vector in keys.vectors() {
        let from_value = PublicKey::from_value(field(vector, "key")).unwrap();
        let from_pem = PublicKey::from_pem(string(vector, "pem").as_bytes()).unwrap();
        let from_pem = from_pem.with_scheme(from_value.scheme()).unwrap();
        for key in [from_value, from_pem] {
            let (current, legacy) = (key.id(KeyIdStyle::Current), key.id(KeyIdStyle::Legacy));
            assert_eq!(current.as_str(), string(vector, "current"));
            assert_eq!(legacy.as_str(), string(vector, "legacy"));
        }
    }
}

#[test]
fn ids_of_published_keys_are_the_published_ones() {
    // Test keys of in-toto: one of each kind.
    let rsa = PublicKey::from_pem(include_bytes!("../testdata/in-toto-rsa.pub")).unwrap();
    assert_eq!(rsa.id(KeyIdStyle::Current).short(), "2f685fa7");
    assert_eq!(rsa.id(KeyIdStyle::Legacy).short(), "afcd3882");
    let ed25519 = PublicKey::from_pem(include_bytes!("../testdata/in-toto-ed25519.pub")).unwrap();
    assert_eq!(ed25519.id(KeyIdStyle::Current).short(), "c6d8bf2e");
    assert_eq!(ed25519.id(KeyIdStyle::Legacy).short(), "80003b25");
    let ecdsa = PublicKey::from_pem(include_bytes!("../testdata/in-toto-ecdsa.pub")).unwrap();
    assert_eq!(ecdsa.id(KeyIdStyle::Current).short(), "50d7e110");
    assert_eq!(ecdsa.id(KeyIdStyle::Legacy).short(), "640b8aaa");
}

#[test]
fn every_form_of_a_key_is_the_same_key() {
    let keys = TestKeys::read();
    for (name, form) in field(&keys.0, "same").as_object().unwrap().iter() {
        let key = PublicKey::from_pem(string(form, "pem").as_bytes()).unwrap();
        let normal = keys.public(string(form, "family"));
        assert_eq!(key.fingerprint(), normal.fingerprint(), "{name}");
        assert_eq!(key.to_pem(), normal.to_pem(), "{name}");
        let style = KeyIdStyle::Current;
        assert_eq!(key.id(style), normal.id(style), "{name}");
    }
}

#[test]
fn scheme_and_id_do_not_change_the_fingerprint() {
    let keys = TestKeys::read();
    let rsa: Vec<_> = keys
        .vectors()
        .iter()
        .filter(|vector| string(vector, "family") == "rsa")
        .map(|vector| PublicKey::from_value(field(vector, "key")).unwrap())
        .collect();
    assert_eq!(rsa.len(), 6);
    let fingerprint = rsa[0].fingerprint();
    assert!(rsa.iter().all(|key| key.fingerprint() == fingerprint));
    assert_ne!(keys.public("p256").fingerprint(), fingerprint);
}

#[test]
fn text_forms_that_editors_and_mail_make_are_read() {
    let keys = TestKeys::read();
    let key = keys.public("p256");
    let pem = key.to_pem();
    let two = pem.clone() + &keys.public("ed25519").to_pem();
    for text in [
        pem.replace('\n', "\r\n"),
        pem.trim_end().to_owned(),
        format!("some words\n{pem}other words"),
        two,
    ] {
        let read = PublicKey::from_pem(text.as_bytes()).unwrap();
        assert_eq!(read, key);
    }
}

fn refusal(pem: &str) -> KeyError {
    PublicKey::from_pem(pem.as_bytes()).unwrap_err()
}

#[test]
fn keys_outside_the_supported_algorithms_are_refused_by_name() {
    let keys = TestKeys::read();
    for (name, pem) in keys.group("other_public") {
        let error = refusal(pem);
        let named = match name {
            "secp256k1" => {
                matches!(&error, KeyError::UnsupportedCurve { curve } if curve == "secp256k1")
            }
            "p224" => matches!(&error, KeyError::UnsupportedCurve { curve } if curve == "P-224"),
            "ed448" => {
                matches!(&error, KeyError::UnsupportedAlgorithm { algorithm } if algorithm == "Ed448")
            }
            "dsa" => {
                matches!(&error, KeyError::UnsupportedAlgorithm { algorithm } if algorithm == "DSA")
            }
            "x25519" => {
                matches!(&error, KeyError::UnsupportedAlgorithm { algorithm } if algorithm == "X25519")
            }
            "rsassa-pss" => matches!(&error, KeyError::UnsupportedAlgorithm { .. }),
            "rsa1024" => matches!(error, KeyError::WeakRsa { bits: 1024 }),
            other => panic!("no expectation for {other}"),
        };
        assert!(named, "{name}: {error}");
    }
}

#[test]
fn what_is_no_public_key_is_refused_by_name() {
    let keys = TestKeys::read();
    for (name, pem) in keys.group("private") {
        if name.ends_with("parameters") {
            assert!(matches!(refusal(pem), KeyError::Label { .. }));
        } else {
            assert!(matches!(refusal(pem), KeyError::PrivateKey), "{name}");
        }
    }
    let text = |name| {
        keys.0
            .as_object()
            .unwrap()
            .get(name)
            .unwrap()
            .as_str()
            .unwrap()
    };
    assert!(matches!(refusal(text("openssh")), KeyError::PrivateKey));
    assert!(matches!(
        refusal(text("certificate")),
        KeyError::Certificate
    ));
    assert!(matches!(
        refusal("ssh-ed25519 AAAA test"),
        KeyError::OpenSsh
    ));
    let missing = refusal("this is not a key");
    assert!(matches!(
        missing,
        KeyError::Pem {
            source: PemError::Missing
        }
    ));
    let garbage = "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n";
    assert!(matches!(refusal(garbage), KeyError::Der { .. }));
}

#[test]
fn a_point_off_its_curve_is_refused() {
    let keys = TestKeys::read();
    let pem = keys.public("p256").to_pem();
    let block = pem::first_block(pem.as_bytes(), None).unwrap();
    let mut der = block.der.to_vec();
    *der.last_mut().unwrap() ^= 1;
    let error = refusal(&pem::encode("PUBLIC KEY", &der));
    assert!(matches!(error, KeyError::Rejected { family: "P-256" }));
}

/// The key object of a family, changed.
fn object(family: &str, change: impl FnOnce(&mut Object)) -> Value {
    let key = TestKeys::read().public(family);
    let Value::Object(mut object) = key.to_value(KeyIdStyle::Current) else {
        panic!("a key is an object");
    };
    change(&mut object);
    Value::Object(object)
}

fn keyval(public: impl Into<Value>) -> Object {
    let mut keyval = Object::new();
    keyval.set("public", public);
    keyval
}

#[test]
fn key_objects_are_written_in_the_form_that_in_toto_and_go_both_take() {
    let keys = TestKeys::read();
    for family in ["ed25519", "p384", "rsa", "mldsa65"] {
        let key = keys.public(family);
        for style in KeyIdStyle::ALL {
            let value = key.to_value(style);
            let fields: Vec<_> = value
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, _)| name)
                .collect();
            let expected = [
                "keyid",
                "keyid_hash_algorithms",
                "keytype",
                "keyval",
                "scheme",
            ];
            assert_eq!(fields, expected);
            assert_eq!(string(&value, "keyid"), key.id(style).as_str());
            let newline = string(field(&value, "keyval"), "public").ends_with('\n');
            assert_eq!(newline, family != "ed25519" && style == KeyIdStyle::Current);
            assert_eq!(PublicKey::from_value(&value).unwrap(), key);
        }
    }
}

#[test]
fn a_received_key_object_keeps_its_words() {
    let value = object("p256", |object| {
        let public = TestKeys::read()
            .public("p256")
            .to_pem()
            .replace('\n', "\r\n");
        object.set("keyval", keyval(public));
        object.set("keytype", "ecdsa-sha2-nistp256");
        object.set("keyid", "whatever it says");
    });
    let key = PublicKey::from_value(&value).unwrap();
    assert_eq!(key.keytype(), "ecdsa-sha2-nistp256");
    assert_eq!(key.stated_id().unwrap().as_str(), "whatever it says");
    let written = key.to_value(KeyIdStyle::Current);
    assert_eq!(field(&written, "keyval"), field(&value, "keyval"));
    assert_eq!(string(&written, "keytype"), "ecdsa-sha2-nistp256");
    let plain = TestKeys::read().public("p256");
    assert_eq!(key.id(KeyIdStyle::Current), plain.id(KeyIdStyle::Current));
    let ids = key.ids();
    assert_eq!(ids.len(), 3);
    assert_eq!(ids[0].as_str(), "whatever it says");
}

#[test]
fn the_private_field_of_a_key_object_does_not_matter() {
    for private in ["", "secret"] {
        let value = object("ed25519", |object| {
            let mut keyval = keyval(string(
                field(&Value::Object(object.clone()), "keyval"),
                "public",
            ));
            keyval.set("private", private);
            object.set("keyval", keyval);
        });
        let key = PublicKey::from_value(&value).unwrap();
        assert_eq!(key, TestKeys::read().public("ed25519"));
        let written = key.to_value(KeyIdStyle::Current);
        assert!(
            field(&written, "keyval")
                .as_object()
                .unwrap()
                .get("private")
                .is_none()
        );
    }
}

#[test]
fn ed25519_values_are_hex_of_either_case() {
    let value = object("ed25519", |object| {
        let public =
            string(field(&Value::Object(object.clone()), "keyval"), "public").to_uppercase();
        object.set("keyval", keyval(public));
    });
    let key = PublicKey::from_value(&value).unwrap();
    let plain = TestKeys::read().public("ed25519");
    assert_eq!(key.id(KeyIdStyle::Current), plain.id(KeyIdStyle::Current));
}

#[test]
fn unknown_types_and_schemes_are_unsupported_by_name() {
    for (keytype, scheme) in [
        ("rsa", "rsassa-pss-sha224"),
        ("rsa", "ed25519"),
        ("ecdsa-sha2-nistp384", "ecdsa-sha2-nistp256"),
        ("rsa-pkcs1v15-sha256", "rsa-pkcs1v15-sha256"),
        ("ml-dsa", "ml-dsa-65/2"),
        ("", ""),
    ] {
        let value = object("rsa", |object| {
            object.set("keytype", keytype);
            object.set("scheme", scheme);
        });
        let error = PublicKey::from_value(&value).unwrap_err();
        assert!(
            matches!(&error, KeyError::Unsupported { keytype: t, scheme: s } if t == keytype && s == scheme),
            "{error}"
        );
    }
}

#[test]
fn a_value_that_is_no_key_for_its_scheme_is_malformed() {
    let keys = TestKeys::read();
    let hex = keys.public("ed25519").to_value(KeyIdStyle::Current);
    let hex = string(field(&hex, "keyval"), "public");
    let cases = [
        ("ed25519", keys.public("ed25519").to_pem()),
        ("ed25519", hex.chars().skip(2).collect()),
        ("ed25519", format!("{hex}00")),
        ("ed25519", hex.replace(|c: char| c.is_ascii_digit(), "g")),
        ("rsa", "garbage".to_owned()),
        ("rsa", String::new()),
        ("rsa", keys.public("p256").to_pem()),
        ("rsa", keys.one("private", "rsa").to_owned()),
        ("rsa", keys.one("other_public", "rsa1024").to_owned()),
        ("p384", keys.public("p256").to_pem()),
        ("p256", keys.one("other_public", "secp256k1").to_owned()),
        ("mldsa44", keys.public("mldsa65").to_pem()),
    ];
    for (family, public) in cases {
        let value = object(family, |object| object.set("keyval", keyval(public)));
        let error = PublicKey::from_value(&value).unwrap_err();
        assert!(
            matches!(error, KeyError::Malformed { .. }),
            "{family}: {error}"
        );
    }
}

#[test]
fn missing_fields_and_fields_of_the_wrong_kind_are_named() {
    for name in ["keytype", "scheme", "keyval"] {
        let missing = object("rsa", |object| {
            object.remove(name);
        });
        let wrong = object("rsa", |object| object.set(name, true));
        for (value, kind) in [(missing, "nothing"), (wrong, "a boolean")] {
            let error = PublicKey::from_value(&value).unwrap_err();
            assert!(
                matches!(error, KeyError::Field { field, found, .. } if field == name && found == kind),
                "{error}"
            );
        }
    }
    let wrong_id = object("rsa", |object| object.set("keyid", 1));
    assert!(PublicKey::from_value(&wrong_id).is_err());
    let no_public = object("rsa", |object| object.set("keyval", Object::new()));
    let error = PublicKey::from_value(&no_public).unwrap_err();
    assert!(matches!(
        error,
        KeyError::Field {
            field: "keyval.public",
            ..
        }
    ));
}

#[test]
fn open_pgp_key_objects_are_told_apart() {
    for text in [
        r#"{"type": "rsa", "method": "pgp+rsa-pkcsv1.5", "keyval": {}}"#,
        r#"{"keytype": "rsa", "scheme": "pgp+rsa-pkcsv1.5", "keyval": {}}"#,
    ] {
        let value = encoding::parse(text.as_bytes()).unwrap();
        let error = PublicKey::from_value(&value).unwrap_err();
        assert!(matches!(error, KeyError::OpenPgp));
    }
}

#[test]
fn key_files_are_pem_or_json_with_one_key() {
    let key = TestKeys::read().public("p521");
    let json = |value: &Value| encoding::compact(value);
    let object = key.to_value(KeyIdStyle::Legacy);
    let mut without_id = object.as_object().unwrap().clone();
    without_id.remove("keyid");
    let mut map = Object::new();
    map.set("some id", without_id);
    let named = PublicKey::from_file_bytes(json(&map.clone().into()).as_ref()).unwrap();
    assert_eq!(named, key);
    assert_eq!(named.stated_id().unwrap().as_str(), "some id");
    assert_eq!(
        PublicKey::from_file_bytes(json(&object).as_ref()).unwrap(),
        key
    );
    assert_eq!(
        PublicKey::from_file_bytes(key.to_pem().as_bytes()).unwrap(),
        key
    );
    map.set("second", object);
    for (value, expected) in [(map, 2), (Object::new(), 0)] {
        let error = PublicKey::from_file_bytes(json(&value.into()).as_ref()).unwrap_err();
        assert!(matches!(error, KeyError::NotOneKey { count } if count == expected));
    }
    let error = PublicKey::from_file_bytes(b"{\"keytype\": 1, \"keytype\": 2}").unwrap_err();
    assert!(matches!(error, KeyError::Json { .. }));
}

#[test]
fn a_scheme_of_another_kind_does_not_fit() {
    let keys = TestKeys::read();
    for (family, scheme) in [("rsa", Scheme::Ed25519), ("p256", Scheme::EcdsaP384)] {
        let error = keys.public(family).with_scheme(scheme).unwrap_err();
        assert!(matches!(error, KeyError::SchemeMismatch { .. }));
    }
}
