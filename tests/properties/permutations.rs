//! What must not matter to a verdict: order, and what others put beside the evidence.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use linkwright::encoding::{Value, compact, indented, parse};
use linkwright::keys::KeyId;
use linkwright::model::{Envelope, Form, Moment};
use linkwright::report::{Policy, Verdict};
use linkwright::store;
use linkwright::verify::{Owner, Request, verify};

use super::bodies::chain::{
    Chain, Files, LAYOUT, Person, Unpack, decide, decide_for, decide_under,
};

/// The chain, or the chain without one of its files.
fn base() -> impl Strategy<Value = Files> {
    prop::option::of(any::<Index>()).prop_map(|without| {
        let mut files = Chain::new().files;
        if let Some(without) = without {
            let names: Vec<String> = files.keys().cloned().collect();
            files.remove(without.get(&names));
        }
        files
    })
}

/// Changes a list somewhere in a JSON document.
fn reorder(document: &mut serde_json::Value, pointer: &str, by: usize) {
    if let Some(serde_json::Value::Array(items)) = document.pointer_mut(pointer) {
        items.reverse();
        let length = items.len().max(1);
        items.rotate_left(by % length);
    }
}

/// The root layout with some lists in another order, signed again by its owners.
fn reordered_layout(files: &Files, by: usize) -> Option<Vec<u8>> {
    let layout = Envelope::from_bytes(files.get(LAYOUT)?).unwrap();
    let mut payload = serde_json::from_str(&indented(layout.payload())).unwrap();
    for step in 0..3 {
        reorder(&mut payload, &format!("/steps/{step}/pubkeys"), by);
    }
    let payload: Value = parse(payload.to_string().as_bytes()).unwrap();
    let mut layout = Envelope::unsigned(payload, Form::Metablock).unwrap();
    for owner in [Person::Otto, Person::Olga] {
        owner.sign(&mut layout);
    }
    Some(layout.to_text().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(80))]

    #[test]
    fn the_order_of_keys_files_and_signatures_does_not_matter(
        files in base(), by in 0_usize..6, backwards in any::<bool>(),
    ) {
        let before = decide(&files);
        let mut after = files.clone();
        if let Some(layout) = reordered_layout(&files, by) {
            after.insert(LAYOUT.to_owned(), layout);
        }
        for content in after.values_mut() {
            let mut envelope = Envelope::from_bytes(content).unwrap();
            for id in ["00", "no id at all", Person::Mallory.id().as_str()] {
                envelope.add_signature(&KeyId::new(id), &[0; 64]);
            }
            let mut document = serde_json::from_str(&envelope.to_text()).unwrap();
            reorder(&mut document, "/signatures", by);
            *content = serde_json::to_vec_pretty(&document).unwrap();
        }
        let owners = if backwards {
            [Person::Otto, Person::Olga]
        } else {
            [Person::Olga, Person::Otto]
        };
        let after = decide_for(&after, &owners, backwards);
        prop_assert_eq!(after.verdict, before.verdict);
        prop_assert_eq!(after.summary, before.summary);
    }

    /// Nothing of what is said depends on the order in which owners and files are given, or on that of
    /// an object's members.
    #[test]
    fn the_whole_report_depends_on_no_order(files in base()) {
        let before = decide(&files);
        let mut after = files.clone();
        for content in after.values_mut() {
            let document: Value = parse(content).unwrap();
            *content = backwards(&document).into_bytes();
        }
        let after = decide_for(&after, &[Person::Otto, Person::Olga], true);
        prop_assert_eq!(after.verdict, before.verdict);
        prop_assert_eq!(after.said, before.said);
    }

    /// A policy can refuse more, never less; and what it refuses before inspections keeps them from
    /// running.
    #[test]
    fn a_policy_never_passes_what_is_refused_without_it(
        files in base(), strict: bool, code in any::<Index>(), decoy in prop::option::of(any::<Index>()),
    ) {
        let mut files = files;
        if let Some(decoy) = decoy {
            let decoys: Vec<Vec<u8>> = Chain::new().decoys.into_values().collect();
            files.insert(Person::Erin.link("build"), decoy.get(&decoys).clone());
        }
        let codes = linkwright::report::codes();
        let policy = Policy {
            strict,
            denied: [(*code.get(&codes)).to_owned()].into(),
            ..Policy::default()
        };
        let without = decide(&files);
        let with = decide_under(&files, &[Person::Olga, Person::Otto], false, &policy);
        if without.verdict != Verdict::Pass {
            prop_assert_eq!(with.verdict, without.verdict);
        }
        prop_assert!(with.runs <= without.runs);
        if with.verdict != Verdict::Pass {
            prop_assert_eq!(with.runs, 0);
        }
    }

    /// Beside the evidence stands what strangers, or its own people for other ends, have signed;
    /// also under the name of one who may sign and has not.
    #[test]
    fn what_does_not_count_changes_nothing(
        files in base(),
        additions in vec((any::<Index>(), any::<Index>(), any::<bool>()), 1..4),
        garbage in vec(any::<u8>(), 0..20),
    ) {
        let before = decide(&files);
        let chain = Chain::new();
        let erin = Person::Erin.link("build");
        let mut contents: Vec<Vec<u8>> = chain.files.into_values().collect();
        contents.extend(chain.decoys.into_values());
        contents.push(garbage);
        let mut after = files.clone();
        for (content, step, known) in additions {
            let step = step.get(&["fetch", "build", "pack", "unpack", "compile"]);
            let name = if known { erin.clone() } else { Person::Mallory.link(step) };
            after.insert(name, content.get(&contents).clone());
        }
        let after = decide(&after);
        prop_assert_eq!(after.verdict, before.verdict);
        prop_assert_eq!(after.summary, before.summary);
    }

    #[test]
    fn how_a_file_is_written_does_not_matter(files in base(), pretty in any::<bool>()) {
        let before = decide(&files);
        let mut after = files.clone();
        for content in after.values_mut() {
            let document: serde_json::Value = serde_json::from_slice(content).unwrap();
            *content = if pretty {
                serde_json::to_vec_pretty(&document).unwrap()
            } else {
                serde_json::to_vec(&document).unwrap()
            };
        }
        let after = decide(&after);
        prop_assert_eq!(after.verdict, before.verdict);
        prop_assert_eq!(after.summary, before.summary);
    }
}

/// A document with the members of its objects in reverse order.
fn backwards(value: &Value) -> String {
    match value {
        Value::Object(members) => {
            let members: Vec<_> = members.iter().collect();
            let members = members.into_iter().rev();
            let text = |(key, value): (&str, &Value)| {
                format!("{}:{}", compact(&Value::from(key)), backwards(value))
            };
            format!("{{{}}}", members.map(text).collect::<Vec<_>>().join(","))
        }
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(backwards).collect();
            format!("[{}]", items.join(","))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => compact(value),
    }
}

fn from_disk(files: &Files, folder: &Path) -> Verdict {
    for (name, content) in files {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
    let Ok(layout) = store::read_envelope(&folder.join(LAYOUT)) else {
        return Verdict::Undecided;
    };
    let owners = [Person::Olga, Person::Otto].map(|owner| Owner {
        authority: owner.public(),
        ids: vec![owner.id()],
    });
    let evidence = store::read_evidence(&layout, folder);
    let now = Moment::parse("2030-01-01T00:00:00Z").unwrap();
    let request = Request {
        document: LAYOUT,
        ..Request::new(&layout, &evidence, &owners, now)
    };
    verify(&request, &mut Unpack::default()).report.verdict()
}

/// The properties read their files from memory; the store reads the same from a folder.
#[test]
fn the_store_finds_the_same_evidence() {
    let chain = Chain::new();
    let mut cases = vec![chain.files.clone()];
    for name in chain.files.keys() {
        let mut files = chain.files.clone();
        files.remove(name);
        cases.push(files.clone());
        files.insert(name.clone(), b"{".to_vec());
        cases.push(files);
    }
    for files in cases {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(from_disk(&files, folder.path()), decide(&files).verdict);
    }
}
