//! Whole verifications of damaged evidence.
//!
//! The oracle: nobody can sign for the people of the chain, and every signature of it is needed. So
//! files pass exactly if every statement of the chain is still there under its signature, whatever
//! else was done to them, and then they amount to what they always did. Insiders, who can sign, get
//! what they sign; for them only that nothing panics and that every outcome is consistent.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;

use linkwright::encoding::{Object, Value, compact, indented, parse};
use linkwright::keys::Signer as _;
use linkwright::model::{Envelope, Form, PayloadKind};
use linkwright::report::Verdict;

use super::bodies::chain::{self, Chain, Files, LAYOUT, Person, decide};
use super::json;

/// What is done to the files.
#[derive(Clone, Debug)]
enum Mutation {
    /// Bytes of a file are cut out and others put in.
    Splice {
        file: Index,
        at: Index,
        cut: usize,
        put: Vec<u8>,
    },
    /// One bit of a file is turned over.
    Flip { file: Index, at: Index, bit: u8 },
    /// A file ends early.
    Truncate { file: Index, at: Index },
    /// A file is gone.
    Remove { file: Index },
    /// A file, or a decoy, stands under another name.
    Copy { from: Index, to: Index },
    /// Two files change names.
    Swap { one: Index, two: Index },
    /// A file is written anew, with one value in it changed.
    Edit {
        file: Index,
        at: Index,
        edit: Edit,
        resign: Option<Forgery>,
    },
    /// A key of an object is there twice.
    Twice {
        file: Index,
        key: Index,
        value: Value,
    },
}

/// What is done to one value.
#[derive(Clone, Debug)]
enum Edit {
    Replace(Value),
    Remove,
    Rename(String),
    Repeat,
    Wrap,
}

/// A signature that does not count.
#[derive(Clone, Copy, Debug)]
enum Forgery {
    /// Of a stranger, under her own id.
    Stranger,
    /// Of a stranger, under the id of whoever should have signed.
    Pretender,
    /// Of the stranger behind the one that was there.
    Both,
}

fn edit() -> impl Strategy<Value = Edit> {
    let word = prop::sample::select(vec![
        "*",
        "DISALLOW",
        "ALLOW",
        "MATCH",
        "fetch",
        "build",
        "link",
        "layout",
        "src/main.c",
        "",
        "2020-01-01T00:00:00Z",
        "2050-01-01T00:00:00Z",
        "name",
        "_type",
        "threshold",
        "pubkeys",
    ]);
    let number = prop::sample::select(vec![0_i64, 1, 2, 3, -1, i64::MAX]);
    prop_oneof![
        3 => word.clone().prop_map(|word| Edit::Replace(Value::from(word))),
        2 => number.prop_map(|number| Edit::Replace(Value::from(number))),
        2 => json::value().prop_map(Edit::Replace),
        2 => Just(Edit::Remove),
        1 => word.prop_map(|word| Edit::Rename(word.to_owned())),
        1 => Just(Edit::Repeat),
        1 => Just(Edit::Wrap),
    ]
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let index = any::<Index>;
    let put = prop_oneof![
        vec(any::<u8>(), 0..4),
        Just(b" ".to_vec()),
        Just(b"\n".to_vec()),
        Just(b"[]".to_vec()),
        Just(b"null".to_vec()),
        Just(b"0".to_vec()),
    ];
    let forgery = prop::option::of(prop_oneof![
        Just(Forgery::Stranger),
        Just(Forgery::Pretender),
        Just(Forgery::Both),
    ]);
    prop_oneof![
        2 => (index(), index(), 0_usize..3, put)
            .prop_map(|(file, at, cut, put)| Mutation::Splice { file, at, cut, put }),
        2 => (index(), index(), 0_u8..8)
            .prop_map(|(file, at, bit)| Mutation::Flip { file, at, bit }),
        1 => (index(), index()).prop_map(|(file, at)| Mutation::Truncate { file, at }),
        1 => index().prop_map(|file| Mutation::Remove { file }),
        3 => (index(), index()).prop_map(|(from, to)| Mutation::Copy { from, to }),
        1 => (index(), index()).prop_map(|(one, two)| Mutation::Swap { one, two }),
        4 => (index(), index(), edit(), forgery)
            .prop_map(|(file, at, edit, resign)| Mutation::Edit { file, at, edit, resign }),
        1 => (index(), index(), json::value())
            .prop_map(|(file, key, value)| Mutation::Twice { file, key, value }),
    ]
}

impl Mutation {
    fn apply(self, chain: &Chain, files: &mut Files) {
        let names = chain.wanted();
        match self {
            Self::Splice { file, at, cut, put } => change(files, file.get(&names), |bytes| {
                let at = at.index(bytes.len() + 1);
                let end = (at + cut).min(bytes.len());
                bytes.splice(at..end, put);
            }),
            Self::Flip { file, at, bit } => change(files, file.get(&names), |bytes| {
                if !bytes.is_empty() {
                    let at = at.index(bytes.len());
                    bytes[at] ^= 1 << bit;
                }
            }),
            Self::Truncate { file, at } => change(files, file.get(&names), |bytes| {
                bytes.truncate(at.index(bytes.len() + 1));
            }),
            Self::Remove { file } => {
                files.remove(file.get(&names));
            }
            Self::Copy { from, to } => {
                let mut sources = files.clone();
                sources.extend(chain.decoys.clone());
                let sources: Vec<Vec<u8>> = sources.into_values().collect();
                files.insert(to.get(&names).clone(), from.get(&sources).clone());
            }
            Self::Swap { one, two } => {
                let (one, two) = (one.get(&names), two.get(&names));
                let (left, right) = (files.remove(one), files.remove(two));
                files.extend(right.map(|right| (one.clone(), right)));
                files.extend(left.map(|left| (two.clone(), left)));
            }
            Self::Edit {
                file,
                at,
                edit,
                resign,
            } => {
                change(files, file.get(&names), |bytes| {
                    if let Some(forged) = forge(bytes, at, &edit, resign) {
                        *bytes = forged;
                    }
                });
            }
            Self::Twice { file, key, value } => {
                let key = key.get(&["signed", "signatures", "payload", "payloadType", "x"]);
                change(files, file.get(&names), |bytes| {
                    let member = format!("{{\"{key}\":{},", compact(&value));
                    bytes.splice(0..bytes.len().min(1), member.into_bytes());
                });
            }
        }
    }
}

fn change(files: &mut Files, name: &String, how: impl FnOnce(&mut Vec<u8>)) {
    if let Some(bytes) = files.get_mut(name) {
        how(bytes);
    }
}

/// The file with one value changed: of the whole document, or of the payload and then signed by
/// somebody else.
fn forge(bytes: &[u8], at: Index, edit: &Edit, resign: Option<Forgery>) -> Option<Vec<u8>> {
    let Some(resign) = resign else {
        let document = edited(&parse(bytes).ok()?, at, edit);
        return Some(indented(&document).into_bytes());
    };
    let before = Envelope::from_bytes(bytes).ok()?;
    let mut after = Envelope::unsigned(edited(before.payload(), at, edit), before.form()).ok()?;
    let signature = Person::Mallory.key().sign(after.message()).ok()?;
    for known in before.signatures() {
        let (Some(keyid), Some(bytes)) = (&known.keyid, &known.bytes) else {
            continue;
        };
        match resign {
            Forgery::Stranger => {}
            Forgery::Pretender => after.add_signature(keyid, &signature),
            Forgery::Both => after.add_signature(keyid, bytes),
        }
    }
    if let Forgery::Stranger | Forgery::Both = resign {
        after.add_signature(&Person::Mallory.id(), &signature);
    }
    Some(after.to_text().into_bytes())
}

/// The value with one of the values in it changed.
fn edited(value: &Value, at: Index, edit: &Edit) -> Value {
    let mut left = at.index(count(value));
    edit_at(value, &mut left, edit).unwrap_or(Value::Null)
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(items) => items.iter().map(count).sum::<usize>(),
        Value::Object(members) => members.iter().map(|(_, item)| count(item)).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}

/// Counts `left` down from value to value; `None` takes the value out.
fn edit_at(value: &Value, left: &mut usize, edit: &Edit) -> Option<Value> {
    let here = *left == 0;
    *left = left.wrapping_sub(1);
    if here {
        return match edit {
            Edit::Replace(new) => Some(new.clone()),
            Edit::Remove => None,
            Edit::Wrap => Some(Value::Array(vec![value.clone()])),
            Edit::Rename(_) | Edit::Repeat => Some(value.clone()),
        };
    }
    Some(match value {
        Value::Array(items) => {
            let mut out = Vec::new();
            for item in items {
                let here = *left == 0;
                let new = edit_at(item, left, edit);
                if here && matches!(edit, Edit::Repeat) {
                    out.extend(new.clone());
                }
                out.extend(new);
            }
            Value::Array(out)
        }
        Value::Object(members) => {
            let mut out = Object::new();
            for (key, item) in members.iter() {
                let here = *left == 0;
                let Some(new) = edit_at(item, left, edit) else {
                    continue;
                };
                match edit {
                    Edit::Rename(name) if here => out.set(name, new),
                    Edit::Repeat if here => {
                        out.set(&format!("{key}2"), new.clone());
                        out.set(key, new);
                    }
                    Edit::Replace(_)
                    | Edit::Remove
                    | Edit::Wrap
                    | Edit::Rename(_)
                    | Edit::Repeat => out.set(key, new),
                }
            }
            Value::Object(out)
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => value.clone(),
    })
}

/// Files pass exactly if all statements are there.
fn assert_judged(chain: &Chain, files: &Files) {
    let decision = decide(files);
    let stands = chain.stands_in(files);
    if decision.verdict == Verdict::Pass {
        assert!(stands, "passed without its evidence");
        assert_eq!(decision.summary, Some(chain::summary()));
        assert_eq!(decision.runs, 1);
    } else {
        let readable = chain.is_readable(files);
        assert!(!stands || !readable, "refused with all its evidence");
        let may = chain.may_be_inspected(files);
        assert!(
            decision.runs == 0 || may,
            "a command ran without all evidence"
        );
    }
}

#[test]
fn the_chain_passes() {
    let chain = Chain::new();
    assert_judged(&chain, &chain.files);
    assert_eq!(decide(&chain.files).verdict, Verdict::Pass);
}

#[test]
fn each_file_is_needed() {
    let chain = Chain::new();
    for name in chain.files.keys() {
        let mut files = chain.files.clone();
        files.remove(name);
        assert_ne!(decide(&files).verdict, Verdict::Pass, "without {name}");
    }
}

#[test]
fn each_owner_is_needed_and_a_stranger_is_none() {
    let chain = Chain::new();
    let verdict = |owners: &[Person]| chain::decide_for(&chain.files, owners, false).verdict;
    assert_eq!(verdict(&[Person::Olga]), Verdict::Pass);
    for owners in [
        &[][..],
        &[Person::Mallory],
        &[Person::Olga, Person::Mallory],
        &[Person::Alice],
    ] {
        assert_ne!(verdict(owners), Verdict::Pass, "{owners:?}");
    }
}

#[test]
fn no_decoy_stands_for_any_file() {
    let chain = Chain::new();
    for (decoy, content) in &chain.decoys {
        for name in chain.files.keys() {
            let mut files = chain.files.clone();
            files.insert(name.clone(), content.clone());
            assert_ne!(decide(&files).verdict, Verdict::Pass, "{decoy} as {name}");
        }
    }
}

/// Of what was signed, no single byte can change. Every 31st is tried, to save time.
#[test]
fn every_byte_is_signed_or_does_not_matter() {
    let chain = Chain::new();
    for name in chain.files.keys() {
        for at in (0..chain.files[name].len()).step_by(31) {
            let mut files = chain.files.clone();
            files.get_mut(name).unwrap()[at] ^= 1;
            assert_judged(&chain, &files);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn damaged_evidence_passes_only_with_every_statement_in_it(
        mutations in vec(mutation(), 1..4),
    ) {
        let chain = Chain::new();
        let mut files = chain.files.clone();
        for mutation in mutations {
            mutation.apply(&chain, &mut files);
        }
        assert_judged(&chain, &files);
    }
}

/// Signs whatever is in a file, as those do whose file it is.
fn resigned(chain: &Chain, name: &str, payload: Value, form: Form) -> Option<Vec<u8>> {
    let mut envelope = Envelope::unsigned(payload, form).ok()?;
    for statement in chain
        .statements
        .iter()
        .filter(|statement| statement.file == name)
    {
        statement.by.sign(&mut envelope);
    }
    Some(envelope.to_text().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(250))]

    /// Where a layout changes, or a link, by the hand of those who may. `decide` checks that the
    /// outcome is consistent, and that it can be shown.
    #[test]
    fn what_insiders_write_never_panics(
        edits in vec((any::<Index>(), any::<Index>(), edit(), any::<bool>()), 1..4),
    ) {
        let chain = Chain::new();
        let names: Vec<String> = chain.files.keys().cloned().collect();
        let mut files = chain.files.clone();
        let root = LAYOUT.to_owned();
        for (file, at, edit, layout) in edits {
            let name = if layout { &root } else { file.get(&names) };
            change(&mut files, name, |bytes| {
                let Ok(envelope) = Envelope::from_bytes(bytes) else {
                    return;
                };
                let payload = edited(envelope.payload(), at, &edit);
                if let Some(new) = resigned(&chain, name, payload, envelope.form()) {
                    *bytes = new;
                }
            });
        }
        decide(&files);
    }

    #[test]
    fn no_evidence_never_passes(
        edits in vec((any::<Index>(), edit()), 0..3),
    ) {
        let chain = Chain::new();
        let mut payload = Envelope::from_bytes(&chain.files[LAYOUT]).unwrap().payload().clone();
        for (at, edit) in edits {
            payload = edited(&payload, at, &edit);
        }
        let steps = payload.as_object().and_then(|layout| layout.get("steps"));
        let asks = steps.and_then(Value::as_array).is_some_and(|steps| !steps.is_empty());
        prop_assume!(asks);
        let Some(layout) = resigned(&chain, LAYOUT, payload, Form::Dsse) else {
            return Ok(());
        };
        let decision = decide(&BTreeMap::from([(LAYOUT.to_owned(), layout)]));
        prop_assert_ne!(decision.verdict, Verdict::Pass);
        prop_assert_eq!(decision.runs, 0);
    }
}

#[test]
fn a_link_in_the_place_of_the_layout_is_no_layout() {
    let chain = Chain::new();
    for (name, content) in &chain.files {
        if Envelope::from_bytes(content).unwrap().kind() == PayloadKind::Link {
            let mut files = chain.files.clone();
            files.insert(LAYOUT.to_owned(), content.clone());
            assert_eq!(decide(&files).verdict, Verdict::Undecided, "{name}");
        }
    }
}
