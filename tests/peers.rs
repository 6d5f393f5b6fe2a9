//! The `in-toto` crate 0.4.0, an implementation of its own, as a reader of what we make: it
//! parses our Metablock links and verifies their signatures. And where it is known to differ from
//! us, one case each: what it lets pass and we refuse, what it refuses or dies of.
//!
//! What it cannot read at all is DSSE, layouts as in-toto 3 writes them, and ECDSA keys.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use in_toto::crypto::{PrivateKey, PublicKey, SignatureScheme};
use in_toto::models::{Metablock, MetadataWrapper};
use in_toto::verifylib::in_toto_verify;
use serde_json::{Value, json};

use linkwright::encoding::parse;
use linkwright::keys::{FileKey, KeyId, KeyIdStyle, Signer};
use linkwright::model::{Envelope, Form, Moment};
use linkwright::report::Verdict;
use linkwright::store::{link_file_name, read_evidence};
use linkwright::verify::{Owner, Request, verify};

use crate::properties::bodies::chain::{Person, Unpack};

const KEYS: &str = include_str!("../src/keys/testdata/test-keys.json");

fn digest(byte: u8) -> Value {
    json!({"sha256": format!("{byte:02x}").repeat(32)})
}

fn link(name: &str, materials: Value, products: Value) -> Value {
    let mut link = json!({
        "_type": "link",
        "name": name,
        "command": ["make", name],
        "byproducts": {"return-value": 0, "stdout": "a \"quoted\" \\ line", "stderr": ""},
        "environment": {},
    });
    link["materials"] = materials;
    link["products"] = products;
    link
}

/// Signs a payload and gives the file.
fn sign(payload: &Value, form: Form, key: &FileKey, keyid: &KeyId) -> String {
    let payload = parse(payload.to_string().as_bytes()).unwrap();
    let mut envelope = Envelope::unsigned(payload, form).unwrap();
    let signature = key.sign(envelope.message()).unwrap();
    envelope.add_signature(keyid, &signature);
    envelope.to_text()
}

fn raw(person: Person) -> Vec<u8> {
    let value = person.public().to_value(KeyIdStyle::Current);
    let value: Value = serde_json::from_str(&linkwright::encoding::compact(&value)).unwrap();
    let hex = value
        .pointer("/keyval/public")
        .and_then(Value::as_str)
        .unwrap();
    let pairs = hex.as_bytes().chunks(2);
    let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    pairs.map(byte).collect()
}

fn their_key(person: Person) -> PublicKey {
    PublicKey::from_ed25519(raw(person)).unwrap()
}

/// A private key of the tests of `keys`.
fn stored_key(name: &str) -> FileKey {
    let keys: Value = serde_json::from_str(KEYS).unwrap();
    let pem = keys
        .pointer(&format!("/private/{name}"))
        .and_then(Value::as_str);
    FileKey::from_pem(pem.unwrap().as_bytes(), None).unwrap()
}

fn ordinary_link() -> Value {
    let materials = json!({"src/main.c": digest(1), "foo": digest(2), "foo bar": digest(3)});
    link(
        "build",
        materials,
        json!({"out/é": digest(4), "e\u{301}/\"q\"\\": digest(5)}),
    )
}

#[test]
fn it_reads_and_verifies_our_ed25519_links() {
    let key = their_key(Person::Alice);
    assert_eq!(
        json!(key.key_id()),
        json!(Person::Alice.id().as_str()),
        "the key id is the same"
    );
    let text = sign(
        &ordinary_link(),
        Form::Metablock,
        &Person::Alice.key(),
        &Person::Alice.id(),
    );
    let block: Metablock = serde_json::from_str(&text).unwrap();
    let MetadataWrapper::Link(read) = block.verify(1, [&key]).unwrap() else {
        panic!("no link");
    };
    assert_eq!(
        (
            read.name.as_str(),
            read.materials.len(),
            read.products.len()
        ),
        ("build", 3, 2)
    );
    assert!(block.verify(1, [&their_key(Person::Mallory)]).is_err());
    let tampered: Metablock = serde_json::from_str(&text.replace("main.c", "evil.c")).unwrap();
    assert!(tampered.verify(1, [&key]).is_err());
}

/// It computes key ids of RSA keys as in-toto before 3 did.
#[test]
fn it_reads_and_verifies_our_rsa_links_under_the_legacy_id() {
    let key = stored_key("rsa");
    let pem = key.public().to_pem();
    let theirs = PublicKey::from_pem_spki(&pem, SignatureScheme::RsaSsaPssSha256).unwrap();
    let legacy = key.public().id(KeyIdStyle::Legacy);
    assert_eq!(json!(theirs.key_id()), json!(legacy.as_str()));
    let text = sign(&ordinary_link(), Form::Metablock, &key, &legacy);
    let block: Metablock = serde_json::from_str(&text).unwrap();
    assert!(block.verify(1, [&theirs]).is_ok());
    let tampered: Metablock = serde_json::from_str(&text.replace("main.c", "evil.c")).unwrap();
    assert!(tampered.verify(1, [&theirs]).is_err());

    let current = sign(
        &ordinary_link(),
        Form::Metablock,
        &key,
        &key.public().id(KeyIdStyle::Current),
    );
    let block: Metablock = serde_json::from_str(&current).unwrap();
    assert!(
        block.verify(1, [&theirs]).is_err(),
        "today's id is unknown to it"
    );
}

/// It signs the text that its JSON library escapes, where canonical JSON has raw characters.
#[test]
fn it_cannot_verify_names_with_control_characters() {
    for name in ["a\tb", "a\u{1}b", "a\\nb"] {
        let payload = link("build", json!({}), json!({name: digest(1)}));
        let text = sign(
            &payload,
            Form::Metablock,
            &Person::Alice.key(),
            &Person::Alice.id(),
        );
        let ours = Envelope::from_bytes(text.as_bytes()).unwrap();
        let signature = ours.signatures().first().and_then(|one| one.bytes.clone());
        let key = Person::Alice.public();
        assert_eq!(key.verify(ours.message(), &signature.unwrap()), Ok(()));
        let block: Metablock = serde_json::from_str(&text).unwrap();
        assert!(
            block.verify(1, [&their_key(Person::Alice)]).is_err(),
            "{name:?}"
        );
    }
}

#[test]
fn it_cannot_read_dsse_nor_blake3() {
    let (key, id) = (Person::Alice.key(), Person::Alice.id());
    let dsse = sign(&ordinary_link(), Form::Dsse, &key, &id);
    assert!(serde_json::from_str::<Metablock>(&dsse).is_err());
    let products = json!({"a": {"blake3": "00".repeat(32), "sha256": "00".repeat(32)}});
    let blake3 = sign(
        &link("build", json!({}), products),
        Form::Metablock,
        &key,
        &id,
    );
    assert!(serde_json::from_str::<Metablock>(&blake3).is_err());
}

#[test]
fn it_dies_of_keys_that_we_read() {
    let keys: Value = serde_json::from_str(KEYS).unwrap();
    let pem = keys
        .pointer("/private/ed25519")
        .and_then(Value::as_str)
        .unwrap();
    // The 48 bytes of a PKCS#8 of version 1, as OpenSSL writes it, in base64.
    let text: String = pem.lines().filter(|line| !line.starts_with('-')).collect();
    let der = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, text).unwrap();
    assert!(FileKey::from_pem(pem.as_bytes(), None).is_ok());
    assert!(
        catch_unwind(|| PrivateKey::from_pkcs8(&der, SignatureScheme::Ed25519).is_ok()).is_err()
    );
    // What is no PEM is refused by name here, and ends the process there.
    assert!(linkwright::keys::PublicKey::from_pem(b"no pem").is_err());
    let scheme = SignatureScheme::RsaSsaPssSha256;
    assert!(catch_unwind(|| PublicKey::from_pem_spki("no pem", scheme).is_ok()).is_err());
}

/// How it ends there.
#[derive(Debug, PartialEq, Eq)]
enum Theirs {
    Passes,
    Refuses,
    Dies,
}

fn step(name: &str, by: &[Person], threshold: u8, materials: Value, products: Value) -> Value {
    let ids: Vec<String> = by.iter().map(|person| person.id().to_string()).collect();
    let mut step = json!({
        "_type": "step",
        "name": name,
        "pubkeys": ids,
        "threshold": threshold,
        "expected_command": [],
    });
    step["expected_materials"] = materials;
    step["expected_products"] = products;
    step
}

/// A layout of these steps, which knows the keys of Alice, Bob and Carl, signed by Olga.
fn layout(steps: &[Value]) -> String {
    let mut keys = serde_json::Map::new();
    for person in [Person::Alice, Person::Bob, Person::Carl] {
        let id = person.id().to_string();
        let public: String = raw(person)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        // Layouts verify there only if their keys have an empty `private`.
        let key = json!({
            "keyid": id,
            "keytype": "ed25519",
            "scheme": "ed25519",
            "keyval": {"private": "", "public": public},
        });
        keys.insert(id, key);
    }
    let layout = json!({
        "_type": "layout",
        "expires": "2040-01-01T00:00:00Z",
        "readme": "",
        "keys": keys,
        "steps": steps,
        "inspect": [],
    });
    sign(
        &layout,
        Form::Metablock,
        &Person::Olga.key(),
        &Person::Olga.id(),
    )
}

fn theirs(layout: &str, folder: &Path) -> Theirs {
    let block: Metablock = serde_json::from_str(layout).unwrap();
    let path = folder.to_str().unwrap();
    let key = their_key(Person::Olga);
    let keys = [(key.key_id().clone(), key)].into();
    let verified = AssertUnwindSafe(|| in_toto_verify(&block, keys, path, None));
    match catch_unwind(verified) {
        Ok(Ok(_)) => Theirs::Passes,
        Ok(Err(_)) => Theirs::Refuses,
        Err(_) => Theirs::Dies,
    }
}

fn ours(layout: &str, folder: &Path) -> Verdict {
    let envelope = Envelope::from_bytes(layout.as_bytes()).unwrap();
    let evidence = read_evidence(&envelope, folder);
    let owners = [Owner {
        authority: Person::Olga.public(),
        ids: vec![Person::Olga.id()],
    }];
    let now = Moment::parse("2030-01-01T00:00:00Z").unwrap();
    let request = Request {
        document: "root.layout",
        ..Request::new(&envelope, &evidence, &owners, now)
    };
    verify(&request, &mut Unpack::default()).report.verdict()
}

/// Verifies a layout of these steps with these links here and there.
fn both(steps: &[Value], links: &[(Person, Value)]) -> (Verdict, Theirs) {
    let folder = tempfile::tempdir().unwrap();
    for (person, link) in links {
        let name = link["name"].as_str().unwrap();
        let file = folder.path().join(link_file_name(name, &person.id()));
        let text = sign(link, Form::Metablock, &person.key(), &person.id());
        fs::write(file, text).unwrap();
    }
    let layout = layout(steps);
    (ours(&layout, folder.path()), theirs(&layout, folder.path()))
}

const PASS_HERE_AND_THERE: (Verdict, Theirs) = (Verdict::Pass, Theirs::Passes);
const ONLY_THEY_PASS: (Verdict, Theirs) = (Verdict::Refuse, Theirs::Passes);

/// Otherwise the cases below would show nothing.
#[test]
fn both_pass_what_is_right_and_refuse_what_is_wrong() {
    let steps = [
        step(
            "a",
            &[Person::Alice],
            1,
            json!([]),
            json!([["CREATE", "foo"], ["DISALLOW", "*"]]),
        ),
        step(
            "b",
            &[Person::Bob],
            1,
            json!([
                ["MATCH", "foo", "WITH", "PRODUCTS", "FROM", "a"],
                ["DISALLOW", "*"]
            ]),
            json!([]),
        ),
    ];
    let first = || {
        (
            Person::Alice,
            link("a", json!({}), json!({"foo": digest(1)})),
        )
    };
    let second = |byte| {
        (
            Person::Bob,
            link("b", json!({"foo": digest(byte)}), json!({})),
        )
    };
    assert_eq!(both(&steps, &[first(), second(1)]), PASS_HERE_AND_THERE);
    assert_eq!(
        both(&steps, &[first(), second(2)]),
        (Verdict::Refuse, Theirs::Refuses)
    );
    assert_eq!(both(&steps, &[first()]), (Verdict::Refuse, Theirs::Refuses));
}

/// It drops the answer of the pattern, so that MATCH takes every artifact.
#[test]
fn only_it_passes_an_artifact_beside_the_pattern_of_match() {
    let rules = json!([
        ["MATCH", "foo", "WITH", "PRODUCTS", "FROM", "a"],
        ["DISALLOW", "*"]
    ]);
    let steps = [
        step("a", &[Person::Alice], 1, json!([]), json!([])),
        step("b", &[Person::Bob], 1, rules, json!([])),
    ];
    let files = json!({"foo": digest(1), "bar": digest(2)});
    let links = [
        (Person::Alice, link("a", json!({}), files.clone())),
        (Person::Bob, link("b", files, json!({}))),
    ];
    assert_eq!(both(&steps, &links), ONLY_THEY_PASS);
}

/// Where the prefix of MATCH does not fit, it takes the whole name.
#[test]
fn only_it_passes_an_artifact_outside_the_folder_of_match() {
    let rules = json!([
        ["MATCH", "*", "IN", "src", "WITH", "PRODUCTS", "FROM", "a"],
        ["DISALLOW", "*"]
    ]);
    let steps = [
        step("a", &[Person::Alice], 1, json!([]), json!([])),
        step("b", &[Person::Bob], 1, rules, json!([])),
    ];
    let links = [
        (
            Person::Alice,
            link("a", json!({}), json!({"evil": digest(1)})),
        ),
        (
            Person::Bob,
            link("b", json!({"evil": digest(1)}), json!({})),
        ),
    ];
    assert_eq!(both(&steps, &links), ONLY_THEY_PASS);
}

/// It asks who is in `keys` of the layout, never who is in `pubkeys` of the step.
#[test]
fn only_it_passes_a_functionary_whom_the_step_does_not_authorise() {
    let made = || link("a", json!({}), json!({"foo": digest(1)}));
    let alone = [step("a", &[Person::Alice], 1, json!([]), json!([]))];
    assert_eq!(both(&alone, &[(Person::Carl, made())]), ONLY_THEY_PASS);
    let two = [step(
        "a",
        &[Person::Alice, Person::Bob],
        2,
        json!([]),
        json!([]),
    )];
    let links = [(Person::Alice, made()), (Person::Carl, made())];
    assert_eq!(both(&two, &links), ONLY_THEY_PASS);
    let links = [(Person::Alice, made()), (Person::Bob, made())];
    assert_eq!(both(&two, &links), PASS_HERE_AND_THERE);
}

/// A pattern that its library cannot read matches nothing there, so DISALLOW forbids nothing.
#[test]
fn only_it_passes_what_a_pattern_it_cannot_read_disallows() {
    for (pattern, name) in [
        ("foo**", "foobar"),
        ("*.evil***", "a.evil"),
        ("[abc", "[abc"),
        ("[]", "[]"),
    ] {
        let steps = [step(
            "a",
            &[Person::Alice],
            1,
            json!([]),
            json!([["DISALLOW", pattern]]),
        )];
        let links = [(
            Person::Alice,
            link("a", json!({}), json!({name: digest(1)})),
        )];
        assert_eq!(both(&steps, &links), ONLY_THEY_PASS, "{pattern}");
        let links = [(
            Person::Alice,
            link("a", json!({}), json!({"other": digest(1)})),
        )];
        assert_eq!(both(&steps, &links), PASS_HERE_AND_THERE, "{pattern}");
    }
}

/// It looks for the normalised name among the names as they stand.
#[test]
fn it_dies_of_a_name_that_begins_with_a_dot_and_a_slash() {
    let steps = [step(
        "a",
        &[Person::Alice],
        1,
        json!([]),
        json!([["MODIFY", "./foo"]]),
    )];
    let made = link(
        "a",
        json!({"./foo": digest(1)}),
        json!({"./foo": digest(2)}),
    );
    assert_eq!(
        both(&steps, &[(Person::Alice, made)]),
        (Verdict::Pass, Theirs::Dies)
    );
}
