//! Chains made by `tests/certificates/make`.

use std::path::Path;

use super::*;
use crate::keys::{KeyId, KeyIdStyle};

const NOW: &str = "2030-01-01T00:00:00Z";

fn file(name: &str) -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/certificates");
    std::fs::read(folder.join(format!("{name}.pem"))).unwrap()
}

fn certificate(name: &str) -> Certificate {
    Certificate::from_pem(&file(name)).unwrap()
}

fn authorities() -> Authorities {
    let root = |name: &str| (KeyId::new(name), certificate(name));
    Authorities {
        roots: ["root", "rsa-root", "short-root", "expired-root", "p256"]
            .map(root)
            .into(),
        intermediates: [
            "intermediate",
            "p384-intermediate",
            "ed25519-intermediate",
            "below-short",
            "expired-intermediate",
            "no-issuer",
            "narrow",
            "server-only",
            "p256",
        ]
        .map(certificate)
        .into(),
    }
}

fn check_at(name: &str, wanted: &Wanted, now: &str) -> Result<(), ChainError> {
    authorities().check(&certificate(name), wanted, &[], now.parse().unwrap())
}

fn check(name: &str) -> Result<(), ChainError> {
    check_at(name, &Wanted::Anything, NOW)
}

#[test]
fn every_kind_of_key_and_purpose_has_a_chain() {
    for name in [
        "alice",
        "ecdsa",
        "rsa",
        "p384",
        "p256",
        "of-root",
        "of-short-root",
        "of-ed25519",
        "without-names",
        "without-usage",
        "code-signing",
        "server-auth",
        "both-auths",
        "any-purpose",
    ] {
        assert_eq!(check(name), Ok(()), "{name}");
    }
}

#[test]
fn the_names_are_read_as_they_stand() {
    let alice = certificate("alice");
    let list = |value: &str| vec![value.to_owned()];
    let expected = Names {
        common_names: list("write"),
        organizations: list("example"),
        dns_names: list("write.example.com"),
        emails: list("write@example.com"),
        uris: list("spiffe://example.com/write"),
    };
    assert_eq!(*alice.names(), expected);
    assert_eq!(certificate("name-twice").names().uris.len(), 2);
    assert_eq!(alice.subject(), "CN=write,O=example");
    assert_eq!(alice.not_after().to_string(), "2120-01-01T00:00:00Z");
}

#[test]
fn the_key_is_the_one_that_it_is_about() {
    let pem = include_bytes!("../../../tests/data/test-only-alice.pem.pub");
    let key = PublicKey::from_pem(pem).unwrap();
    let alice = certificate("alice");
    assert_eq!(alice.key().unwrap(), &key);
    assert_eq!(alice.key().unwrap().fingerprint(), key.fingerprint());
    let style = KeyIdStyle::Legacy;
    assert_eq!(alice.key().unwrap().id(style), key.id(style));
}

#[test]
fn what_has_no_chain_to_a_root_is_refused() {
    for name in ["of-other-root", "of-no-issuer", "of-functionary"] {
        let error = check(name).unwrap_err();
        assert!(
            matches!(error, ChainError::UnknownIssuer { .. }),
            "{name}: {error:?}"
        );
    }
    let nobody = Authorities::default();
    let now = NOW.parse().unwrap();
    let result = nobody.check(&certificate("alice"), &Wanted::Anything, &[], now);
    assert_eq!(result, Err(ChainError::NoRoots));
}

#[test]
fn an_intermediate_is_needed_and_trusted_by_nothing_but_its_chain() {
    let mut few = authorities();
    let kept = few.intermediates.clone();
    few.intermediates.clear();
    let (now, alice) = (NOW.parse().unwrap(), certificate("alice"));
    let missing = few.check(&alice, &Wanted::Anything, &[], now);
    assert!(matches!(missing, Err(ChainError::UnknownIssuer { .. })));
    assert_eq!(few.check(&alice, &Wanted::Anything, &kept, now), Ok(()));
    let strange = [certificate("other-root")];
    let other = certificate("of-other-root");
    assert!(few.check(&other, &Wanted::Anything, &strange, now).is_err());
}

#[test]
fn every_certificate_of_the_chain_must_be_valid_now() {
    let whose = |name: &str, now: &str| match check_at(name, &Wanted::Anything, now) {
        Err(ChainError::Expired { whose, .. }) => ("expired", whose),
        Err(ChainError::NotYetValid { whose, .. }) => ("early", whose),
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(whose("expired", NOW), ("expired", Whose::Own));
    assert_eq!(whose("not-yet", NOW), ("early", Whose::Own));
    assert_eq!(
        whose("of-expired-intermediate", NOW),
        ("expired", Whose::Intermediate)
    );
    assert_eq!(whose("of-expired-root", NOW), ("expired", Whose::Root));
    assert_eq!(
        check_at("expired", &Wanted::Anything, "2023-12-31T23:59:59Z"),
        Ok(())
    );
    assert_eq!(
        check_at("expired", &Wanted::Anything, "2024-01-01T00:00:00Z"),
        Ok(()),
        "the last second is one of them"
    );
    assert_eq!(
        whose("expired", "2024-01-01T00:00:01Z"),
        ("expired", Whose::Own)
    );
    assert_eq!(
        whose("alice", "1960-01-01T00:00:00Z"),
        ("early", Whose::Own)
    );
}

#[test]
fn what_is_for_something_else_is_refused() {
    let expected = [
        ("authority", ChainError::IsAuthority),
        ("encipherment", ChainError::NotForSignatures),
        (
            "client-auth",
            ChainError::OtherPurpose {
                found: vec!["1.3.6.1.5.5.7.3.2".to_owned()],
            },
        ),
    ];
    for (name, error) in expected {
        assert_eq!(check(name), Err(error), "{name}");
    }
    let error = check("of-server-only").unwrap_err();
    let purpose = matches!(error, ChainError::OtherPurpose { .. });
    assert!(purpose, "one purpose must hold along the chain: {error:?}");
}

#[test]
fn limits_that_authorities_have_are_kept() {
    for (name, expected) in [
        ("of-below-short", webpki::Error::PathLenConstraintViolated),
        ("of-narrow", webpki::Error::NameConstraintViolation),
        ("critical", webpki::Error::UnsupportedCriticalExtension),
    ] {
        match Certificate::from_pem(&file(name)) {
            Ok(_) => assert_eq!(
                check(name),
                Err(ChainError::Other { source: expected }),
                "{name}"
            ),
            Err(CertificateError::Profile { source }) => assert_eq!(source, expected, "{name}"),
            Err(error) => panic!("{name}: {error}"),
        }
    }
}

#[test]
fn the_root_that_counts_is_the_one_that_the_chain_ends_in() {
    let roots = |ids: &[&str]| Wanted::new(ids.iter().map(ToString::to_string).collect());
    assert_eq!(check_at("alice", &roots(&["root"]), NOW), Ok(()));
    assert_eq!(
        check_at("alice", &roots(&["rsa-root", "root"]), NOW),
        Ok(())
    );
    for wanted in [&["rsa-root"][..], &[], &[""], &["roo*"]] {
        let found = "root".to_owned();
        assert_eq!(
            check_at("alice", &roots(wanted), NOW),
            Err(ChainError::OtherRoot { found }),
            "{wanted:?}"
        );
    }
}

#[test]
fn a_root_has_every_id_under_which_it_stands() {
    let mut twice = authorities();
    let second = (KeyId::new("second"), certificate("root"));
    twice.roots.push(second);
    for id in ["root", "second"] {
        let wanted = Wanted::new(vec![id.to_owned()]);
        let result = twice.check(&certificate("alice"), &wanted, &[], NOW.parse().unwrap());
        assert_eq!(result, Ok(()), "{id}");
    }
}

#[test]
fn pem_is_strict() {
    assert_eq!(
        Certificate::all_from_pem(&file("intermediates"))
            .unwrap()
            .len(),
        2
    );
    let one = Certificate::from_pem(&file("intermediates"));
    assert!(matches!(one, Err(CertificateError::NotOne { count: 2 })));
    let text = file("alice");
    let alice = certificate("alice");
    assert_eq!(alice.to_pem().as_bytes(), text);
    let key = include_bytes!("../../../tests/data/test-only-alice.pem.pub");
    let mixed = Certificate::all_from_pem(&[&text[..], key].concat());
    assert!(matches!(mixed, Err(CertificateError::Label { .. })));
    assert!(matches!(
        Certificate::all_from_pem(b"no certificate"),
        Err(CertificateError::Pem { .. })
    ));
    let many = text.repeat(MAX_CERTIFICATES + 1);
    assert!(matches!(
        Certificate::all_from_pem(&many),
        Err(CertificateError::TooMany { .. })
    ));
}

#[test]
fn no_damaged_certificate_panics_or_keeps_its_chain() {
    let block = pem::first_block(&file("alice"), None).unwrap();
    let authorities = authorities();
    let now = NOW.parse().unwrap();
    for at in 0..block.der.len() {
        let mut der = block.der.to_vec();
        der[at] ^= 1;
        if let Ok(damaged) = Certificate::from_der(&der) {
            let result = authorities.check(&damaged, &Wanted::Anything, &[], now);
            assert!(result.is_err(), "byte {at}");
        }
        assert!(Certificate::from_der(&block.der[..at]).is_err());
    }
    let longer = [&block.der[..], &[0]].concat();
    assert!(Certificate::from_der(&longer).is_err());
}
