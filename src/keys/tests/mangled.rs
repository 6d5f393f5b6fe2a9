//! Nothing that can be fed in makes a panic, and nothing mangled becomes a key that differs from
//! what it is written back as.

use proptest::prelude::*;
use proptest::sample::Index;

use super::*;

/// What is done to good bytes.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Remove(Index),
    Insert(Index, u8),
    Cut(Index),
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Set(at, byte)),
        any::<Index>().prop_map(Change::Remove),
        (any::<Index>(), any::<u8>()).prop_map(|(at, byte)| Change::Insert(at, byte)),
        any::<Index>().prop_map(Change::Cut),
    ]
}

fn mangle(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    for change in changes {
        if bytes.is_empty() {
            break;
        }
        match change {
            Change::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Change::Remove(at) => {
                bytes.remove(at.index(bytes.len()));
            }
            Change::Insert(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
            Change::Cut(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
    bytes
}

fn feed_public(bytes: &[u8]) {
    if let Ok(key) = PublicKey::from_file_bytes(bytes) {
        let again = PublicKey::from_pem(key.to_pem().as_bytes()).unwrap();
        assert_eq!(again.fingerprint(), key.fingerprint());
        assert!(!key.check(MESSAGE, b"no signature"));
    }
}

fn feed_private(bytes: &[u8]) {
    for password in [None, Some(PASSWORD)] {
        if let Ok(key) = FileKey::from_pem(bytes, password) {
            let signature = key.sign(MESSAGE).unwrap();
            assert!(key.public().check(MESSAGE, &signature));
        }
    }
}

/// The PEM of a good key with its DER mangled.
fn mangled_der(pem: &str, changes: &[Change]) -> String {
    let block = pem::first_block(pem.as_bytes(), Some("EC PARAMETERS")).unwrap();
    pem::encode(&block.label, &mangle(block.der.to_vec(), changes)).to_string()
}

const LABELS: [&str; 6] = [
    "PUBLIC KEY",
    "RSA PUBLIC KEY",
    "PRIVATE KEY",
    "ENCRYPTED PRIVATE KEY",
    "RSA PRIVATE KEY",
    "EC PRIVATE KEY",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_bytes_are_read_or_refused(bytes: Vec<u8>, label in 0..LABELS.len()) {
        let pem = pem::encode(LABELS[label], &bytes);
        for input in [&bytes[..], pem.as_bytes()] {
            feed_public(input);
            feed_private(input);
        }
    }

    #[test]
    fn mangled_public_keys_are_read_or_refused(
        which: Index,
        changes in prop::collection::vec(change(), 1..4),
    ) {
        let keys = TestKeys::read();
        let vector = which.get(keys.vectors());
        let pem = string(vector, "pem");
        feed_public(&mangle(pem.as_bytes().to_vec(), &changes));
        feed_public(mangled_der(pem, &changes).as_bytes());
        let json: Vec<u8> = AsRef::<[u8]>::as_ref(&encoding::compact(field(vector, "key"))).to_vec();
        feed_public(&mangle(json, &changes));
    }

    #[test]
    fn mangled_private_keys_are_read_or_refused(
        which: Index,
        changes in prop::collection::vec(change(), 1..4),
    ) {
        let keys = TestKeys::read();
        let mut pems = keys.group("private");
        pems.extend(keys.group("other_private"));
        pems.extend(keys.group("encrypted"));
        let (_, pem) = which.get(&pems);
        feed_private(&mangle(pem.as_bytes().to_vec(), &changes));
        feed_private(mangled_der(pem, &changes).as_bytes());
    }
}
