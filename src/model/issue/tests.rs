//! New links are written as the tree writer writes them.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::model::{Algorithm, ArtifactPath, Envelope};

/// No case waits on purpose for longer; only a hang does.
const HANG: Duration = Duration::from_secs(120);

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-c/.]{0,9}", "[ -~\u{0}-\u{1f}é😀]{0,6}", any::<String>()]
}

fn digests() -> impl Strategy<Value = DigestSet> {
    let only = any::<[u8; 32]>().prop_map(DigestSet::of_sha256);
    let several =
        (any::<[u8; 32]>(), any::<bool>(), "[a-z\"é]{1,4}").prop_map(|(digest, with, name)| {
            let mut set = DigestSet::default();
            set.insert(Algorithm::Blake3, &digest);
            set.insert(Algorithm::Sha512, &[7; 64]);
            set.insert(Algorithm::from_name(&name), &digest);
            if with {
                set.insert(Algorithm::Sha256, &digest);
            }
            set
        });
    prop_oneof![4 => only, 1 => several, 1 => Just(DigestSet::default())]
}

fn side() -> impl Strategy<Value = Artifacts> {
    prop::collection::vec((text(), digests()), 0..6).prop_map(|side| {
        side.into_iter()
            .map(|(name, digests)| (ArtifactPath::claimed(&name), digests))
            .collect()
    })
}

fn objects() -> impl Strategy<Value = Object> {
    let value = prop_oneof![
        any::<i64>().prop_map(Value::from),
        text().prop_map(Value::from),
        prop::collection::vec(text(), 0..3).prop_map(Value::from),
        Just(Value::Object(Object::new())),
    ];
    prop::collection::vec((text(), value), 0..4).prop_map(|members| members.into_iter().collect())
}

fn links() -> impl Strategy<Value = Link> {
    let command = prop::collection::vec(text(), 0..4);
    (text(), side(), side(), command, objects(), objects()).prop_map(
        |(name, materials, products, command, byproducts, environment)| Link {
            name,
            materials,
            products,
            command,
            byproducts,
            environment,
        },
    )
}

/// The file of a link, made by a thread and without one.
fn file(link: &Link, form: Form, signed: Option<(&KeyId, &[u8])>) -> String {
    let issue = Issue::new(link, form).unwrap();
    let mut file = Vec::new();
    std::thread::scope(|scope| {
        // Both ways, whatever the size.
        let begun = issue.begin_by(Builder::new(), scope);
        assert!(begun.ahead.is_some());
        begun.write(signed, &mut file).unwrap();
    });
    let mut alone = Vec::new();
    std::thread::scope(|scope| {
        let issue = Issue::new(link, form).unwrap();
        let begun = issue.begin_by(no_thread(), scope);
        assert!(begun.ahead.is_none());
        begun.write(signed, &mut alone).unwrap();
    });
    assert_eq!(alone, file);
    String::from_utf8(file).unwrap()
}

/// For a thread that no system can start: its stack is larger than all addresses.
fn no_thread() -> Builder {
    Builder::new().stack_size(1 << 50)
}

proptest! {
    #[test]
    fn the_files_are_those_of_the_tree_writer(link in links(), signature in any::<Option<[u8; 9]>>()) {
        for form in [Form::Metablock, Form::Dsse] {
            let mut tree = Envelope::unsigned(link.to_value(), form).unwrap();
            let issue = Issue::new(&link, form).unwrap();
            prop_assert_eq!(issue.message(), tree.message());
            let keyid = KeyId::new("ab\"c");
            if let Some(signature) = &signature {
                tree.add_signature(&keyid, signature);
            }
            let signed = signature.as_ref().map(|signature| (&keyid, signature.as_slice()));
            prop_assert_eq!(file(&link, form, signed), tree.to_text());
        }
    }
}

#[test]
fn long_links_are_written_in_pieces_that_fit_together() {
    let artifacts: Artifacts = (0..4000)
        .map(|n| {
            (
                ArtifactPath::claimed(&format!("{n:04}")),
                DigestSet::of_sha256([7; 32]),
            )
        })
        .collect();
    let link = Link {
        materials: artifacts.clone(),
        products: artifacts,
        ..Link::default()
    };
    for form in [Form::Metablock, Form::Dsse] {
        let tree = Envelope::unsigned(link.to_value(), form).unwrap();
        assert_eq!(file(&link, form, None), tree.to_text());
    }
}

/// More pieces than are made ahead.
fn huge_link() -> Link {
    let name = "x".repeat(PIECE);
    let artifact = |n| {
        let name = ArtifactPath::claimed(&format!("{n:04}{name}"));
        (name, DigestSet::of_sha256([7; 32]))
    };
    Link {
        materials: (0..AHEAD + 100).map(artifact).collect(),
        ..Link::default()
    }
}

#[test]
fn a_link_that_is_not_signed_after_all_leaves_no_thread_waiting() {
    // In a thread that nobody waits for, as it would wait for ever.
    let (sender, done) = sync_channel(1);
    std::thread::spawn(move || {
        let link = huge_link();
        let issue = Issue::new(&link, Form::Metablock).unwrap();
        std::thread::scope(|scope| {
            let begun = issue.begin(scope);
            assert!(begun.ahead.is_some());
            drop(begun);
        });
        sender.send(()).unwrap();
    });
    done.recv_timeout(HANG).unwrap();
}

#[test]
fn a_small_link_takes_no_thread() {
    let link = Link::default();
    for form in [Form::Metablock, Form::Dsse] {
        let issue = Issue::new(&link, form).unwrap();
        std::thread::scope(|scope| assert!(issue.begin(scope).ahead.is_none()));
    }
}

#[test]
fn a_file_is_not_complete_without_the_end_of_its_body() {
    let link = Link::default();
    for form in [Form::Metablock, Form::Dsse] {
        let (sender, pieces) = sync_channel(1);
        sender.send(Some(b"{}".as_slice().into())).unwrap();
        drop(sender);
        let issue = Issue::new(&link, form).unwrap();
        let begun = Begun {
            issue,
            ahead: Some(pieces),
        };
        let error = begun.write(None, &mut Vec::new()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
