//! What the fuzz targets do with their input, and what must hold whatever it is. An ordinary test
//! (`tests/properties/corpus.rs`) runs the same functions over the corpus on stable Rust.

#[path = "chain.rs"]
pub(crate) mod chain;
#[path = "oracle.rs"]
pub(crate) mod oracle;

use linkwright::encoding::{self, Value};
use linkwright::keys::{
    Authorities, Certificate, FileKey, KeyId, KeyIdStyle, OpenPgpKey, OpenPgpSignature, PublicKey,
    Signer, Wanted,
};
use linkwright::model::{Envelope, Layout, Link, Pattern, Rule, wanted_links};
use linkwright::record::{Backend, KernelAlone, sha256_of_each};
use linkwright::report::Verdict;
use sha2::{Digest, Sha256, Sha512};

use chain::{Chain, Files};

/// A target: its name, which is that of its corpus too, and its body.
pub(crate) type Target = (&'static str, fn(&[u8]));

/// All targets.
pub(crate) const TARGETS: [Target; 9] = [
    ("canonical", canonical),
    ("pattern", pattern),
    ("rule", rule),
    ("envelope", envelope),
    ("verify", verify),
    ("key", key),
    ("certificate", certificate),
    ("openpgp", openpgp),
    ("kernels", kernels),
];

/// JSON text. What is read can be written in both ways and read again; its canonical form is that
/// of the slow implementation.
pub(crate) fn canonical(data: &[u8]) {
    let lenient = serde_json::from_slice::<serde_json::Value>(data);
    let value = match (encoding::parse(data), lenient) {
        (Ok(value), Err(error)) => {
            // The lenient reader cannot hold every number, and descends less deep.
            let why = error.to_string();
            let known = ["number out of range", "recursion limit exceeded"];
            assert!(known.iter().any(|known| why.starts_with(known)), "{why}");
            value
        }
        (Ok(value), Ok(lenient)) => {
            if let Ok(bytes) = encoding::canonical(&value)
                && fits(&value)
            {
                assert_eq!(
                    String::from_utf8(bytes).unwrap(),
                    oracle::canonical(&lenient)
                );
            }
            value
        }
        (Err(error), Ok(_)) => {
            use encoding::ReadError::{DuplicateKey, TooDeep, TooManyDigits};
            let stricter = matches!(error, DuplicateKey { .. } | TooDeep | TooManyDigits);
            assert!(stricter, "{error}");
            return;
        }
        (Err(_), Err(_)) => return,
    };
    for text in [encoding::compact(&value), encoding::indented(&value)] {
        assert!(text.is_ascii());
        assert_eq!(encoding::parse(text.as_bytes()).unwrap(), value);
    }
    let Ok(bytes) = encoding::canonical(&value) else {
        return;
    };
    // Control characters stand raw in canonical JSON, which is then no JSON.
    if !bytes.iter().any(|byte| *byte < b' ') {
        let again = encoding::parse(&bytes).unwrap();
        assert_eq!(encoding::canonical(&again).unwrap(), bytes);
    }
}

/// Whether all numbers are ones that `serde_json` holds exactly.
fn fits(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) | Value::String(_) => true,
        Value::Number(number) => number.as_i64().is_some() && number.as_text() != "-0",
        Value::Array(items) => items.iter().all(fits),
        Value::Object(members) => members.iter().all(|(_, item)| fits(item)),
    }
}

/// A pattern and a name, with NUL between them.
pub(crate) fn pattern(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (pattern, name) = text.split_once('\0').unwrap_or((&text, ""));
    let matches = Pattern::new(pattern).matches(name);
    if pattern.len() * name.len() < 10_000 {
        assert_eq!(
            matches,
            oracle::fnmatch(pattern, name),
            "{pattern:?} {name:?}"
        );
    }
}

/// A rule: as one line, and as words with NUL between them.
pub(crate) fn rule(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let words: Vec<&str> = text.split('\0').collect();
    for rule in [text.parse::<Rule>(), Rule::from_words(&words)]
        .into_iter()
        .flatten()
    {
        let line = rule.to_string();
        assert!(!line.contains('\n'));
        assert_eq!(line.parse::<Rule>().as_ref(), Ok(&rule), "{line}");
        assert_eq!(Rule::from_words(&rule.words()).as_ref(), Ok(&rule));
    }
}

/// An envelope. Written and read again, it says the same, also with one more signature.
pub(crate) fn envelope(data: &[u8]) {
    let Ok(mut envelope) = Envelope::from_bytes(data) else {
        return;
    };
    same_again(&envelope);
    let id = chain::Person::Mallory.id();
    envelope.add_signature(&id, b"no signature");
    same_again(&envelope);
    if let Ok(link) = Link::from_value(envelope.payload()) {
        assert_eq!(Link::from_value(&link.to_value()).as_ref(), Ok(&link));
    }
    let wanted = wanted_links(envelope.payload());
    if let Ok(layout) = Layout::from_value(envelope.payload()) {
        let asked: usize = layout.steps.iter().map(|step| step.pubkeys.len()).sum();
        // Subkeys come on top.
        assert!(wanted.iter().map(|(_, ids)| ids.len()).sum::<usize>() >= asked);
    }
}

fn same_again(envelope: &Envelope) {
    let again = Envelope::from_bytes(envelope.to_text().as_bytes()).unwrap();
    assert_eq!(again.form(), envelope.form());
    assert_eq!(again.payload(), envelope.payload());
    assert_eq!(again.message(), envelope.message());
    assert_eq!(again.signatures(), envelope.signatures());
}

/// The files of a chain, see [`unbundle`]. Nothing passes that its people have not signed.
pub(crate) fn verify(data: &[u8]) {
    let files = unbundle(data);
    let decision = chain::decide(&files);
    if decision.verdict == Verdict::Pass {
        assert!(Chain::new().stands_in(&files));
        assert_eq!(decision.summary, Some(chain::summary()));
    }
}

/// What stands before the name of each file in a bundle.
const HEADING: &str = "%%% ";

/// Many files as one: before each a line with its name.
pub(crate) fn bundle(files: &Files) -> Vec<u8> {
    let mut bytes = Vec::new();
    for (name, content) in files {
        bytes.extend_from_slice(format!("{HEADING}{name}\n").as_bytes());
        bytes.extend_from_slice(content);
        bytes.push(b'\n');
    }
    bytes
}

/// The files of a bundle. What stands before the first heading is dropped.
pub(crate) fn unbundle(bytes: &[u8]) -> Files {
    let mut files = Files::new();
    let mut current = None;
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        match line.strip_prefix(HEADING.as_bytes()) {
            Some(name) => {
                let name = String::from_utf8_lossy(name.trim_ascii_end()).into_owned();
                current = Some(name.clone());
                files.insert(name, Vec::new());
            }
            None => {
                let content = current.as_ref().and_then(|name| files.get_mut(name));
                if let Some(content) = content {
                    content.extend_from_slice(line);
                }
            }
        }
    }
    files
}

/// A key file, public or private.
pub(crate) fn key(data: &[u8]) {
    if let Ok(key) = PublicKey::from_file_bytes(data) {
        let again = PublicKey::from_pem(key.to_pem().as_bytes()).unwrap();
        let again = again.with_scheme(key.scheme()).unwrap();
        assert_eq!(again, key);
        assert_eq!(again.fingerprint(), key.fingerprint());
        for style in KeyIdStyle::ALL {
            assert_eq!(again.id(style), key.id(style));
            let value = PublicKey::from_value(&key.to_value(style)).unwrap();
            assert_eq!(value, key);
        }
        assert!(key.verify(b"message", &[0; 64]).is_err());
    }
    for password in [None, Some(&b"hunter2"[..])] {
        if let Ok(key) = FileKey::from_pem(data, password) {
            let signature = key.sign(b"message").unwrap();
            assert_eq!(key.public().verify(b"message", &signature), Ok(()));
        }
    }
}

/// PEM certificates. What is read is written back, and no certificate vouches for itself.
pub(crate) fn certificate(data: &[u8]) {
    let Ok(all) = Certificate::all_from_pem(data) else {
        return;
    };
    let root = |certificate: &Certificate| (KeyId::new("root"), certificate.clone());
    for certificate in &all {
        let again = Certificate::from_pem(certificate.to_pem().as_bytes()).unwrap();
        assert_eq!(again, *certificate);
        let alone = Authorities {
            roots: vec![root(certificate)],
            intermediates: all.clone(),
        };
        let now = certificate.not_before();
        assert!(
            alone
                .check(certificate, &Wanted::Anything, &[], now)
                .is_err()
        );
        let others = all.iter().filter(|other| *other != certificate);
        let every = Authorities {
            roots: others.map(root).collect(),
            intermediates: all.clone(),
        };
        // Whether it holds is for the chain; that it can be judged is what is shown.
        drop(every.check(certificate, &Wanted::Anything, &[], now));
    }
}

/// Messages that any kernel is given at once, more than two rounds of the widest.
const MESSAGES: usize = 40;
/// The longest message: some blocks of SHA-512 and a rest.
const LONGEST: usize = 1500;

/// An armored OpenPGP key, or the same without its armor. A key that is read is the same as its key
/// object, and no signature of nothing is one of it.
pub(crate) fn openpgp(data: &[u8]) {
    let base64 = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, data);
    let begin = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\n";
    let armored = format!("{begin}{base64}\n-----END PGP PUBLIC KEY BLOCK-----\n");
    for bytes in [data, armored.as_bytes()] {
        let Ok(key) = OpenPgpKey::from_file_bytes(bytes) else {
            continue;
        };
        let object = key.to_value();
        let again = OpenPgpKey::from_value(&object).unwrap();
        assert_eq!(again.ids(), key.ids());
        assert_eq!(again.fingerprints(), key.fingerprints());
        for keyid in &key.ids() {
            let signature = OpenPgpSignature {
                keyid,
                headers: data,
                signature: data,
            };
            key.check(b"content", signature, 0).unwrap_err();
        }
    }
}

/// Messages beside each other: how many, then of each two bytes for its length and one for where it
/// begins in the rest, over and over. Every kernel says of each of them what `sha2` says.
pub(crate) fn kernels(data: &[u8]) {
    let Some((count, rest)) = data.split_first() else {
        return;
    };
    let count = 1 + usize::from(*count) % MESSAGES;
    let (heads, rest) = rest.split_at(rest.len().min(3 * count));
    let bytes = rest.iter().chain(&[0x80]).cycle().enumerate();
    // No two blocks of it are alike.
    let pool: Vec<u8> = bytes
        .map(|(at, byte)| byte.wrapping_add((at >> 6).to_le_bytes()[0]))
        .take(LONGEST + 256)
        .collect();
    let messages: Vec<&[u8]> = heads
        .as_chunks::<3>()
        .0
        .iter()
        .map(|[low, high, start]| {
            let length = usize::from(u16::from_le_bytes([*low, *high])) % (LONGEST + 1);
            &pool[usize::from(*start)..][..length]
        })
        .collect();
    let sha256: Vec<_> = messages
        .iter()
        .map(|m| Sha256::digest(m).to_vec())
        .collect();
    let sha512: Vec<_> = messages
        .iter()
        .map(|m| Sha512::digest(m).to_vec())
        .collect();
    for kernel in KernelAlone::all() {
        let expected = if kernel.is_sha512() { &sha512 } else { &sha256 };
        assert_eq!(&kernel.digests(&messages), expected, "{kernel:?}");
    }
    for backend in [Backend::Fastest, Backend::Portable] {
        let found = sha256_of_each(backend, &messages);
        assert!(sha256.iter().eq(&found), "{backend:?}");
    }
}
