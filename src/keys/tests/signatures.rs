//! Which signatures verify.

use super::*;

#[test]
fn signatures_of_securesystemslib_verify_under_every_scheme() {
    let keys = TestKeys::read();
    let mut schemes = Vec::new();
    for vector in keys.vectors() {
        let key = PublicKey::from_value(field(vector, "key")).unwrap();
        let signature = unhex(string(vector, "signature"));
        assert_eq!(key.verify(MESSAGE, &signature), Ok(()), "{}", key.scheme());
        assert_eq!(key.verify(b"another message", &signature), Err(Invalid));
        schemes.push(key.scheme());
    }
    schemes.sort_unstable();
    assert_eq!(schemes, Scheme::ALL);
}

#[test]
fn a_signature_verifies_under_no_other_scheme() {
    let keys = TestKeys::read();
    for vector in keys.vectors() {
        let key = PublicKey::from_value(field(vector, "key")).unwrap();
        let signature = unhex(string(vector, "signature"));
        for scheme in Scheme::ALL {
            if scheme != key.scheme()
                && let Ok(other) = key.clone().with_scheme(scheme)
            {
                assert!(other.verify(MESSAGE, &signature).is_err(), "{scheme}");
            }
        }
    }
}

#[test]
fn a_changed_bit_or_length_does_not_verify() {
    let keys = TestKeys::read();
    for vector in keys.vectors() {
        let key = PublicKey::from_value(field(vector, "key")).unwrap();
        let signature = unhex(string(vector, "signature"));
        let middle = signature.len() / 2;
        let mut changed = signature.clone();
        changed[middle] ^= 1;
        let longer = [&signature[..], &[0]].concat();
        let shorter = &signature[..signature.len() - 1];
        for bad in [&changed[..], &longer, shorter, &[]] {
            assert!(key.verify(MESSAGE, bad).is_err(), "{}", key.scheme());
        }
    }
}

#[test]
fn rsa_pss_verifies_with_a_salt_of_any_length() {
    let keys = TestKeys::read();
    let salts = keys.group("salts");
    assert_eq!(salts.len(), 14);
    for (name, signature) in salts {
        let scheme = Scheme::from_name(name.split(' ').next().unwrap()).unwrap();
        let key = keys.public("rsa").with_scheme(scheme).unwrap();
        let signature = unhex(signature);
        assert_eq!(key.verify(MESSAGE, &signature), Ok(()), "{name}");
        assert_eq!(key.verify(b"another", &signature), Err(Invalid), "{name}");
    }
}

#[test]
fn rsa_pss_with_another_hash_in_its_mask_does_not_verify() {
    let keys = TestKeys::read();
    for (name, signature) in keys.group("bad_pss") {
        let verified = keys.public("rsa").verify(MESSAGE, &unhex(signature));
        assert_eq!(verified, Err(Invalid), "{name}");
    }
}

#[test]
fn ecdsa_takes_high_and_low_s_and_der_only() {
    let keys = TestKeys::read();
    let key = keys.public("p256");
    for (name, signature) in keys.group("ecdsa") {
        let good = ["high", "low"].contains(&name);
        assert_eq!(key.check(MESSAGE, &unhex(signature)), good, "{name}");
    }
}

#[test]
fn what_a_private_key_signs_its_public_key_verifies() {
    let keys = TestKeys::read();
    for (name, pem) in keys.group("private") {
        let key = FileKey::from_pem(pem.as_bytes(), None).unwrap();
        let public = PublicKey::from_pem(key.public().to_pem().as_bytes()).unwrap();
        assert_eq!(&public, key.public(), "{name}");
        let signature = key.sign(MESSAGE).unwrap();
        assert_eq!(public.verify(MESSAGE, &signature), Ok(()), "{name}");
    }
}

#[test]
fn rsa_signs_under_each_of_its_schemes() {
    let keys = TestKeys::read();
    for scheme in Scheme::ALL {
        let Ok(key) = keys.private("rsa").with_scheme(scheme) else {
            continue;
        };
        let signature = key.sign(MESSAGE).unwrap();
        assert_eq!(key.public().scheme(), scheme);
        assert_eq!(key.public().verify(MESSAGE, &signature), Ok(()), "{scheme}");
    }
}
