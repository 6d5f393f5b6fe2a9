//! New links are written as the tree writer writes them.

use proptest::prelude::*;

use super::*;
use crate::model::{Algorithm, ArtifactPath, Envelope};

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

/// The file of a link.
fn file(link: &Link, form: Form, signed: Option<(&KeyId, &[u8])>) -> String {
    let (issue, _) = Issue::new(link, form).unwrap();
    let mut file = Vec::new();
    issue.write(signed, &mut file).unwrap();
    // Another signature of the same length leaves everything where it is.
    if let Some((keyid, signature)) = signed {
        let other = vec![0; signature.len()];
        let placeholder = issue.head(Some((keyid, &other)));
        assert_eq!(placeholder.len(), issue.head(signed).len());
        assert_eq!(
            issue.is_signed_ahead(),
            issue.tail(None) == issue.tail(signed)
        );
    }
    String::from_utf8(file).unwrap()
}

#[test]
fn what_was_made_of_other_materials_is_not_used() {
    let side = |name: &str| -> Artifacts {
        let artifact = (ArtifactPath::claimed(name), DigestSet::of_sha256([7; 32]));
        [artifact].into_iter().collect()
    };
    let link = Link {
        materials: side("a"),
        ..Link::default()
    };
    for form in [Form::Metablock, Form::Dsse] {
        let expected = Issue::new(&link, form).unwrap().1;
        for (other, materials) in [
            (form, side("b")),
            (Form::Metablock, link.materials.clone()),
            (Form::Dsse, link.materials.clone()),
        ] {
            for in_thread in [true, false] {
                let prepared = Some(Prepared::begin_by(in_thread, other, &materials));
                let made = Issue::with_materials(&link, form, prepared).unwrap().1;
                assert_eq!(made, expected);
            }
        }
    }
}

proptest! {
    #[test]
    fn the_files_are_those_of_the_tree_writer(link in links(), signature in any::<Option<[u8; 9]>>()) {
        for form in [Form::Metablock, Form::Dsse] {
            let mut tree = Envelope::unsigned(link.to_value(), form).unwrap();
            let (_, message) = Issue::new(&link, form).unwrap();
            prop_assert_eq!(message.as_slice(), tree.message());
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
