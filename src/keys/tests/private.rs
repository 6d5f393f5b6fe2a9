//! Private keys: what is read, what is refused, and what is made.

use super::*;

fn refusal(pem: &str, password: Option<&[u8]>) -> PrivateKeyError {
    FileKey::from_pem(pem.as_bytes(), password).unwrap_err()
}

#[test]
fn every_form_of_a_private_key_is_the_same_key() {
    let keys = TestKeys::read();
    for (name, _) in keys.group("private") {
        let family = name.split(' ').next().unwrap();
        let key = keys.private(name);
        assert_eq!(key.public(), keys.private(family).public(), "{name}");
    }
}

#[test]
fn ed25519_pkcs8_of_both_versions_is_read() {
    use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
    let pair = Ed25519KeyPair::generate().unwrap();
    for der in [pair.to_pkcs8().unwrap(), pair.to_pkcs8v1().unwrap()] {
        let pem = pem::encode("PRIVATE KEY", der.as_ref());
        let key = FileKey::from_pem(pem.as_bytes(), None).unwrap();
        let value = key.public().to_value(KeyIdStyle::Current);
        let public = string(field(&value, "keyval"), "public");
        assert_eq!(public, hex::encode(pair.public_key().as_ref()));
    }
}

#[test]
fn encrypted_keys_of_openssl_and_cryptography_open_with_their_password() {
    let keys = TestKeys::read();
    let encrypted = keys.group("encrypted");
    assert_eq!(encrypted.len(), 9);
    for (name, pem) in encrypted {
        let family = if name == "rsa" { "rsa" } else { "ed25519" };
        let key = FileKey::from_pem(pem.as_bytes(), Some(PASSWORD)).unwrap();
        assert_eq!(key.public(), &keys.public(family), "{name}");
    }
}

#[test]
fn a_missing_wrong_or_needless_password_is_told_apart() {
    let keys = TestKeys::read();
    for name in ["aes-256-cbc hmacWithSHA256", "scrypt"] {
        let pem = keys.one("encrypted", name);
        assert!(matches!(refusal(pem, None), PrivateKeyError::NeedsPassword));
        for wrong in [&b"wrong"[..], b"", b"test password\n"] {
            let error = refusal(pem, Some(wrong));
            assert!(matches!(error, PrivateKeyError::WrongPassword), "{error}");
        }
    }
    let plain = keys.one("private", "p256");
    let error = refusal(plain, Some(PASSWORD));
    assert!(matches!(error, PrivateKeyError::PasswordNotNeeded));
}

#[test]
fn a_wrong_password_is_wrong_even_if_the_padding_is_right() {
    // One wrong password in 256 leaves padding that looks right.
    let keys = TestKeys::read();
    let pem = keys.one("encrypted", "aes-256-cbc hmacWithSHA256");
    for number in 0..600 {
        let error = refusal(pem, Some(format!("wrong {number}").as_bytes()));
        assert!(matches!(error, PrivateKeyError::WrongPassword), "{error}");
    }
}

#[test]
fn old_encryption_is_refused_with_the_way_out() {
    let keys = TestKeys::read();
    for (name, pem) in keys.group("refused_encryption") {
        let error = refusal(pem, Some(PASSWORD));
        let PrivateKeyError::UnsupportedEncryption { algorithm } = &error else {
            panic!("{name}: {error}");
        };
        assert!(!algorithm.starts_with("1."), "{name}: {algorithm}");
        assert!(
            error
                .to_string()
                .contains("openssl pkcs8 -topk8 -v2 aes-256-cbc")
        );
    }
}

#[test]
fn keys_that_cannot_sign_are_refused_by_name() {
    let keys = TestKeys::read();
    for (name, pem) in keys.group("other_private") {
        let error = refusal(pem, None);
        let PrivateKeyError::Key(inner) = &error else {
            panic!("{name}: {error}");
        };
        let named = match name {
            "secp256k1" | "secp256k1 sec1" | "p224" => {
                matches!(inner, KeyError::UnsupportedCurve { .. })
            }
            "rsa1024" | "rsa1024 pkcs1" => matches!(inner, KeyError::WeakRsa { bits: 1024 }),
            _ => matches!(inner, KeyError::UnsupportedAlgorithm { .. }),
        };
        assert!(named, "{name}: {error}");
    }
}

#[test]
fn what_is_no_private_key_is_refused_by_name() {
    let keys = TestKeys::read();
    let text = |name| {
        keys.0
            .as_object()
            .unwrap()
            .get(name)
            .unwrap()
            .as_str()
            .unwrap()
    };
    let error = refusal(text("openssh"), None);
    assert!(matches!(error, PrivateKeyError::OpenSsh));
    let error = refusal(text("certificate"), None);
    assert!(matches!(error, PrivateKeyError::Key(KeyError::Certificate)));
    let error = refusal(&keys.public("rsa").to_pem(), None);
    assert!(matches!(error, PrivateKeyError::PublicKey));
    let error = refusal("no key", None);
    assert!(matches!(
        error,
        PrivateKeyError::Pem {
            source: PemError::Missing
        }
    ));
    let garbage = pem::encode("PRIVATE KEY", &[0x30, 0x00]);
    assert!(matches!(
        refusal(&garbage, None),
        PrivateKeyError::Der { .. }
    ));
}

#[test]
fn a_sec1_key_that_names_no_curve_is_refused() {
    let der = [&[0x30, 0x25, 2, 1, 1, 4, 0x20][..], &[7; 32]].concat();
    let error = refusal(&pem::encode("EC PRIVATE KEY", &der), None);
    assert!(matches!(error, PrivateKeyError::NoCurve), "{error}");
}

#[test]
fn new_keys_sign_and_are_read_back() {
    for kind in KeyKind::ALL {
        let new = generate(kind).unwrap();
        let key = FileKey::from_pem(new.pkcs8_pem.as_bytes(), None).unwrap();
        assert_eq!(key.public(), &new.public, "{kind}");
        let signature = key.sign(MESSAGE).unwrap();
        assert_eq!(new.public.verify(MESSAGE, &signature), Ok(()), "{kind}");
        assert_eq!(KeyKind::from_name(kind.name()), Some(kind));
    }
}

#[test]
fn a_key_under_a_password_opens_with_it_and_not_without() {
    let new = generate(KeyKind::default()).unwrap();
    let pem = encrypt(&new.pkcs8_pem, PASSWORD).unwrap();
    let key = FileKey::from_pem(pem.as_bytes(), Some(PASSWORD)).unwrap();
    assert_eq!(key.public(), &new.public);
    assert!(matches!(
        refusal(&pem, None),
        PrivateKeyError::NeedsPassword
    ));
    assert!(matches!(
        refusal(&pem, Some(b"other")),
        PrivateKeyError::WrongPassword
    ));
    assert_ne!(
        encrypt(&new.pkcs8_pem, PASSWORD).unwrap(),
        pem,
        "salt and iv are new each time"
    );
    let empty = encrypt(&new.pkcs8_pem, b"").unwrap_err();
    assert!(matches!(empty, PrivateKeyError::EmptyPassword));
    let twice = encrypt(&pem, PASSWORD).unwrap_err();
    assert!(matches!(twice, PrivateKeyError::Label { .. }));
}

#[test]
fn secrets_are_not_shown() {
    let new = generate(KeyKind::Ed25519).unwrap();
    let key = FileKey::from_pem(new.pkcs8_pem.as_bytes(), None).unwrap();
    let line = new.pkcs8_pem.lines().nth(1).unwrap();
    for shown in [format!("{new:?}"), format!("{key:?}")] {
        assert!(
            !shown.contains(line) && shown.contains("Fingerprint"),
            "{shown}"
        );
    }
}
