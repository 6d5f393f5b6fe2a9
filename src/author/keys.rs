//! The keys of a layout: who each of them is, what it can do, and its replacement by another.
//!
//! Keys are told apart by what they are. The same key under two ids is one signer, as in a
//! verification, and so are an OpenPGP key and its subkeys.

use std::collections::{BTreeMap, BTreeSet};

use crate::encoding::{Object, Value};
use crate::keys::{AnyKey, Authority as _, Fingerprint, KeyId, OpenPgpSignature};
use crate::model::{Envelope, Evidence, ItemName, Layout, Moment, PayloadKind, Step, quoted};
use crate::verify::People;

/// How many signatures of one link are looked at.
const TRIED_SIGNATURES: usize = 64;

/// A key of a layout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyUse {
    /// The ids under which the layout lists it or a step authorises it; mostly one.
    pub ids: Vec<KeyId>,
    /// Its scheme, or why it cannot be used.
    pub kind: Result<String, String>,
    /// What it can do, or could if it could be used, in the order of the steps.
    pub powers: Vec<Power>,
    /// The paths of the links that it has signed.
    pub signed: Vec<String>,
}

/// What a key can do in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Power {
    /// The step.
    pub step: ItemName,
    /// How many others must sign, too.
    pub others: u64,
    /// How many others could, by keys that can be used.
    pub could: usize,
    /// Whether people with certificates could, too.
    pub certificates: bool,
}

impl Power {
    /// Whether the key is enough by itself.
    pub fn is_alone(&self) -> bool {
        self.others == 0
    }

    /// Whether enough others could sign.
    pub fn is_possible(&self) -> bool {
        self.certificates || u64::try_from(self.could).is_ok_and(|could| could >= self.others)
    }
}

/// Everything that is known of the keys of a layout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyTable {
    /// The keys that a step authorises, in the order of the steps, and then those that none does.
    pub keys: Vec<KeyUse>,
    /// The paths of links that no key of the layout has signed.
    pub strangers: Vec<String>,
}

impl KeyTable {
    /// Of a layout, and of links that were found for it.
    pub fn of(layout: &Layout, evidence: Option<&Evidence>, now: Moment) -> Self {
        let mut people = people(layout);
        for step in &layout.steps {
            let named = step.pubkeys.iter();
            let named: BTreeSet<usize> =
                named.filter_map(|keyid| position(&people, keyid)).collect();
            let is_usable = |at: &&usize| people.get(**at).is_some_and(|one| one.key.kind.is_ok());
            let usable = named.iter().filter(is_usable).count();
            for at in named {
                if let Some(person) = people.get_mut(at) {
                    // Without itself.
                    let could = usable - usize::from(person.key.kind.is_ok());
                    person.key.powers.push(power(step, could));
                }
            }
        }
        let mut strangers = Vec::new();
        if let Some(evidence) = evidence {
            strangers = signed(&mut people, evidence, now);
        }
        let mut keys: Vec<KeyUse> = people.into_iter().map(|person| person.key).collect();
        keys.sort_by_key(|key| key.powers.is_empty());
        Self { keys, strangers }
    }
}

fn power(step: &Step, could: usize) -> Power {
    Power {
        step: step.name.clone(),
        others: step.threshold.saturating_sub(1),
        could,
        certificates: !step.constraints.is_empty(),
    }
}

/// One signer with all that belongs to it.
struct Person<'a> {
    key: KeyUse,
    /// Every id under which a signature may stand.
    all_ids: BTreeSet<KeyId>,
    /// What stands for the person; nothing where no key can be used.
    who: Option<Fingerprint>,
    objects: Vec<&'a AnyKey>,
}

fn position(people: &[Person<'_>], keyid: &KeyId) -> Option<usize> {
    let listed = people
        .iter()
        .position(|person| person.key.ids.contains(keyid));
    listed.or_else(|| {
        people
            .iter()
            .position(|person| person.all_ids.contains(keyid))
    })
}

/// All signers: those whom steps name first.
fn people(layout: &Layout) -> Vec<Person<'_>> {
    let everybody = People::of(layout);
    let mut people: Vec<Person<'_>> = Vec::new();
    let named = layout.steps.iter().flat_map(|step| &step.pubkeys);
    for keyid in named.chain(layout.functionaries.keys()) {
        if people.iter().any(|person| person.key.ids.contains(keyid)) {
            continue;
        }
        let functionary = layout.functionaries.get(keyid);
        let Some(functionary) = functionary else {
            unlisted(layout, &everybody, keyid, &mut people);
            continue;
        };
        let (who, kind) = match &functionary.key {
            Ok(key) => (Some(everybody.person(key.fingerprint())), Ok(kind(key))),
            Err(error) => (None, Err(error.to_string())),
        };
        let known = people
            .iter_mut()
            .find(|person| who.is_some() && person.who == who);
        let person = match known {
            Some(person) => person,
            None => {
                people.push(person(kind));
                let Some(person) = people.last_mut() else {
                    continue;
                };
                person
            }
        };
        person.key.ids.push(keyid.clone());
        person
            .all_ids
            .extend([keyid.clone(), functionary.keyid.clone()]);
        if let Ok(key) = &functionary.key {
            person.all_ids.extend(key.ids());
            person.objects.push(key);
        }
        person.who = who;
    }
    people
}

/// An id that the layout does not list: of a subkey, or of nobody.
fn unlisted<'a>(
    layout: &'a Layout,
    everybody: &People,
    keyid: &KeyId,
    people: &mut Vec<Person<'a>>,
) {
    let mut owners = layout
        .functionaries
        .iter()
        .filter_map(|(listed, functionary)| {
            let key = functionary.key.as_ref().ok()?;
            let is_part = matches!(key, AnyKey::OpenPgp(_)) && key.ids().contains(keyid);
            is_part.then_some((listed, key))
        });
    let Some((listed, key)) = owners.next() else {
        let mut nobody = person(Err("the layout does not hold it".to_owned()));
        nobody.key.ids.push(keyid.clone());
        people.push(nobody);
        return;
    };
    let who = Some(everybody.person(key.fingerprint()));
    let known = people.iter_mut().find(|person| person.who == who);
    if let Some(known) = known {
        known.key.ids.push(keyid.clone());
        return;
    }
    let mut owner = person(Ok(kind(key)));
    owner.key.ids.extend([listed.clone(), keyid.clone()]);
    owner.all_ids = key.ids().into_iter().collect();
    owner.who = who;
    owner.objects.push(key);
    people.push(owner);
}

fn person<'a>(kind: Result<String, String>) -> Person<'a> {
    Person {
        key: KeyUse {
            ids: Vec::new(),
            kind,
            powers: Vec::new(),
            signed: Vec::new(),
        },
        all_ids: BTreeSet::new(),
        who: None,
        objects: Vec::new(),
    }
}

fn kind(key: &AnyKey) -> String {
    match key {
        AnyKey::Plain(key) => key.scheme().to_string(),
        AnyKey::OpenPgp(_) => "OpenPGP".to_owned(),
    }
}

/// Writes down who signed which link, and gives the paths of those that nobody of the layout did.
fn signed(people: &mut [Person<'_>], evidence: &Evidence, now: Moment) -> Vec<String> {
    let files = evidence.iter().filter_map(|file| {
        let envelope = file.content.as_ref().ok()?;
        Some((file.path.clone(), envelope))
    });
    let files: BTreeMap<String, &Envelope> = files.collect();
    let mut strangers = Vec::new();
    for (path, envelope) in files {
        let mut by_nobody = true;
        for person in &mut *people {
            if has_signed(person, envelope, now) {
                person.key.signed.push(path.clone());
                by_nobody = false;
            }
        }
        if by_nobody && envelope.kind() == PayloadKind::Link {
            strangers.push(path);
        }
    }
    strangers
}

fn has_signed(person: &Person<'_>, envelope: &Envelope, now: Moment) -> bool {
    let signatures = envelope.signatures().iter().take(TRIED_SIGNATURES);
    signatures.into_iter().any(|signature| {
        let (Some(bytes), Some(keyid)) = (&signature.bytes, &signature.keyid) else {
            return false;
        };
        let message = envelope.message();
        person.all_ids.contains(keyid)
            && person.objects.iter().any(|key| match &signature.openpgp {
                None => key.check(message, bytes),
                Some(headers) => {
                    let signature = OpenPgpSignature {
                        keyid,
                        headers,
                        signature: bytes,
                    };
                    key.check_openpgp(message, signature, now.seconds()).is_ok()
                }
            })
    })
}

/// Why a key cannot take the place of another.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RotateError {
    /// The old one is not there.
    #[error("the layout has no key {}", quoted(old))]
    NotThere {
        /// As it was asked for.
        old: String,
    },
    /// More than one key could be meant.
    #[error("{} could be any of {}", quoted(old), crate::model::quoted_list(ids, ids.len()))]
    Ambiguous {
        /// As it was asked for.
        old: String,
        /// Those that it could be.
        ids: Vec<KeyId>,
    },
    /// The new one is there already.
    #[error("the layout has the new key already, under {}", quoted(keyid.as_str()))]
    AlreadyThere {
        /// Its id.
        keyid: KeyId,
    },
    /// The value is no layout.
    #[error("it is no layout: {0}")]
    NoLayout(&'static str),
}

/// What a key is to be replaced.
#[derive(Clone, Copy, Debug)]
pub enum Old<'a> {
    /// The one with this id, or whose id alone begins so.
    Id(&'a str),
    /// This one.
    Key(&'a AnyKey),
}

/// The ids under which a layout knows a key, every one of them; and that it does not know another.
///
/// # Errors
/// The old key is not there, or the new one is.
pub fn rotated_ids(layout: &Layout, old: Old<'_>, new: &AnyKey) -> Result<Vec<KeyId>, RotateError> {
    let everybody = People::of(layout);
    let has = |person: &Person<'_>, key: &AnyKey| {
        let mut parts = key.fingerprints().into_iter();
        parts.any(|part| person.who == Some(everybody.person(part)))
    };
    let people = people(layout);
    let there = people.iter().find(|person| {
        let ids = new.ids();
        has(person, new) || person.key.ids.iter().any(|id| ids.contains(id))
    });
    if let Some(keyid) = there.and_then(|person| person.key.ids.first()) {
        let keyid = keyid.clone();
        return Err(RotateError::AlreadyThere { keyid });
    }
    let meant: Vec<&Person<'_>> = people
        .iter()
        .filter(|person| match old {
            Old::Id(id) => {
                let mut ids = person.key.ids.iter();
                !id.is_empty() && ids.any(|known| known.as_str().starts_with(id))
            }
            Old::Key(key) => has(person, key),
        })
        .collect();
    let asked = match old {
        Old::Id(id) => id.to_owned(),
        Old::Key(key) => key.ids().first().map_or(String::new(), ToString::to_string),
    };
    match meant.as_slice() {
        [] => Err(RotateError::NotThere { old: asked }),
        [one] => Ok(one.key.ids.clone()),
        several => Err(RotateError::Ambiguous {
            old: asked,
            ids: several
                .iter()
                .filter_map(|person| person.key.ids.first().cloned())
                .collect(),
        }),
    }
}

/// The layout with a new key wherever one of these ids is: in the list of keys, and in every step. `new`
/// is the key's id and its object.
///
/// # Errors
/// The value is no layout.
pub fn rotated(
    value: &Value,
    old: &[KeyId],
    (keyid, object): (&KeyId, &Value),
) -> Result<Value, RotateError> {
    let Value::Object(layout) = value else {
        return Err(RotateError::NoLayout("it is no object"));
    };
    let mut layout = layout.clone();
    let is_old = |id: &str| old.iter().any(|old| old.as_str() == id);
    let mut keys = Object::new();
    let listed = layout.get("keys").and_then(Value::as_object);
    for (id, key) in listed.into_iter().flat_map(Object::iter) {
        match is_old(id) {
            true => keys.set(keyid.as_str(), object.clone()),
            false => keys.set(id, key.clone()),
        }
    }
    layout.set("keys", keys);
    let steps = layout.get("steps").and_then(Value::as_array);
    let steps = steps.ok_or(RotateError::NoLayout("it has no steps"))?;
    let step = |step: &Value| match step {
        Value::Object(step) => Value::Object(rotated_step(step, &is_old, keyid)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            step.clone()
        }
    };
    let steps: Vec<Value> = steps.iter().map(step).collect();
    layout.set("steps", steps);
    Ok(Value::Object(layout))
}

fn rotated_step(step: &Object, is_old: &dyn Fn(&str) -> bool, keyid: &KeyId) -> Object {
    let mut step = step.clone();
    let Some(pubkeys) = step.get("pubkeys").and_then(Value::as_array) else {
        return step;
    };
    let mut ids: Vec<Value> = Vec::new();
    for id in pubkeys {
        let id = match id.as_str() {
            Some(text) if is_old(text) => Value::from(keyid.as_str()),
            _ => id.clone(),
        };
        // Two ids of one key become one.
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    step.set("pubkeys", ids);
    step
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::parse;

    const ALICE: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    const BOB: &str = "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c";
    const CAROL: &str = "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025";

    fn object(id: &str, public: &str) -> String {
        format!(
            r#"{{"keytype":"ed25519","scheme":"ed25519","keyid":"{id}","keyval":{{"public":"{public}"}}}}"#
        )
    }

    /// Alice under two ids, Bob, and Carol, whom no step knows.
    fn value() -> Value {
        let keys: Vec<String> = [("aa", ALICE), ("a2", ALICE), ("bb", BOB), ("cc", CAROL)]
            .iter()
            .map(|(id, public)| format!(r#""{id}":{}"#, object(id, public)))
            .collect();
        let json = format!(
            r#"{{"_type":"layout","keys":{{{}}},"inspect":[],"steps":[
                {{"name":"one","pubkeys":["aa"]}},
                {{"name":"two","pubkeys":["aa","a2","bb"],"threshold":2}},
                {{"name":"three","pubkeys":["aa","a2"],"threshold":2}},
                {{"name":"four","pubkeys":["dd"]}}]}}"#,
            keys.join(",")
        );
        parse(json.as_bytes()).unwrap()
    }

    fn layout(value: &Value) -> Layout {
        Layout::from_value(value).unwrap()
    }

    fn key(id: &str, public: &str) -> AnyKey {
        AnyKey::from_value(&parse(object(id, public).as_bytes()).unwrap()).unwrap()
    }

    fn table() -> KeyTable {
        KeyTable::of(&layout(&value()), None, Moment::from_seconds(0).unwrap())
    }

    #[test]
    fn the_same_key_under_two_ids_is_one_signer() {
        let table = table();
        let ids: Vec<Vec<&str>> = table
            .keys
            .iter()
            .map(|key| key.ids.iter().map(KeyId::as_str).collect())
            .collect();
        assert_eq!(ids, [vec!["aa", "a2"], vec!["bb"], vec!["dd"], vec!["cc"]]);
        let alice = &table.keys[0];
        assert!(alice.powers[0].is_alone());
        assert_eq!((alice.powers[1].others, alice.powers[1].could), (1, 1));
        assert!(alice.powers[1].is_possible());
        assert!(!alice.powers[2].is_possible(), "she is not two");
    }

    #[test]
    fn a_key_that_no_step_authorises_and_one_that_is_not_there_are_told() {
        let table = table();
        assert!(table.keys[3].powers.is_empty());
        assert!(table.keys[2].kind.is_err());
    }

    fn rotate(old: Old<'_>, new: &AnyKey) -> Result<Value, RotateError> {
        let value = value();
        let ids = rotated_ids(&layout(&value), old, new)?;
        let object = parse(br#"{"new":"key"}"#).unwrap();
        rotated(&value, &ids, (&KeyId::new("ee"), &object))
    }

    const DAVE: &str = "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf";

    #[test]
    fn the_new_key_stands_wherever_the_old_one_did_under_any_id() {
        let alice = key("zz", ALICE);
        for old in [Old::Id("aa"), Old::Id("a2"), Old::Id("a"), Old::Key(&alice)] {
            let value = rotate(old, &key("ee", DAVE)).unwrap();
            let text = crate::encoding::compact(&value);
            assert!(!text.contains("\"aa\"") && !text.contains("\"a2\"") && !text.contains(ALICE));
            assert!(text.contains(r#""pubkeys": ["ee", "bb"]"#), "{text}");
            assert_eq!(text.matches(r#"{"new": "key"}"#).count(), 1, "{text}");
        }
    }

    #[test]
    fn what_is_not_there_cannot_go_and_what_is_there_cannot_come() {
        let dave = key("ee", DAVE);
        let refused = |old: Old<'_>, new: &AnyKey| rotate(old, new).unwrap_err();
        assert!(matches!(
            refused(Old::Id("ab"), &dave),
            RotateError::NotThere { .. }
        ));
        assert!(matches!(
            refused(Old::Id(""), &dave),
            RotateError::NotThere { .. }
        ));
        assert!(matches!(
            refused(Old::Key(&dave), &dave),
            RotateError::NotThere { .. }
        ));
        for there in [
            key("bb", BOB),
            key("zz", BOB),
            key("aa", ALICE),
            key("cc", DAVE),
        ] {
            let error = refused(Old::Id("aa"), &there);
            assert!(matches!(error, RotateError::AlreadyThere { .. }), "{error}");
        }
    }

    #[test]
    fn the_beginning_of_several_ids_names_none_of_them() {
        let mut value = value();
        let Value::Object(object) = &mut value else {
            panic!("an object");
        };
        let mut keys = Object::new();
        for (id, public) in [("b1", ALICE), ("b2", BOB)] {
            keys.set(id, parse(self::object(id, public).as_bytes()).unwrap());
        }
        object.set("keys", keys);
        object.set("steps", Vec::<Value>::new());
        let ids = rotated_ids(&layout(&value), Old::Id("b"), &key("ee", DAVE));
        assert!(matches!(ids, Err(RotateError::Ambiguous { .. })));
        let ids = rotated_ids(&layout(&value), Old::Id("b1"), &key("ee", DAVE));
        assert_eq!(ids, Ok(vec![KeyId::new("b1")]));
    }
}
