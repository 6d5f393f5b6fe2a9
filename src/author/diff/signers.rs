//! Who may sign, before and now: by what the keys are, not by their ids.

use std::collections::{BTreeMap, BTreeSet};

use crate::keys::{AnyKey, Certificate, Fingerprint, KeyId};
use crate::model::{Layout, Step, asked_of, quoted, quoted_list};

use super::{Change, Effect};

/// A key of a step: known by what it is and how it signs, subkeys included.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Known {
    Key(Vec<Fingerprint>, String),
    /// A subkey alone, of a key that the layout has.
    Subkey(KeyId),
    /// None that could be used.
    Id(KeyId),
}

fn known(key: &AnyKey) -> Known {
    match key {
        AnyKey::Plain(key) => Known::Key(vec![key.fingerprint()], key.scheme().to_string()),
        AnyKey::OpenPgp(key) => Known::Key(key.fingerprints(), "OpenPGP".to_owned()),
    }
}

/// The keys of a step, each with the ids under which it stands there.
fn keys(layout: &Layout, step: &Step) -> BTreeMap<Known, BTreeSet<KeyId>> {
    let mut keys: BTreeMap<Known, BTreeSet<KeyId>> = BTreeMap::new();
    for keyid in &step.pubkeys {
        let functionary = layout.functionaries.get(keyid);
        let known = match functionary.map(|functionary| &functionary.key) {
            Some(Ok(key)) => known(key),
            None if is_subkey(layout, keyid) => Known::Subkey(keyid.clone()),
            Some(Err(_)) | None => Known::Id(keyid.clone()),
        };
        keys.entry(known).or_default().insert(keyid.clone());
    }
    keys
}

fn is_subkey(layout: &Layout, keyid: &KeyId) -> bool {
    let mut all = layout.functionaries.values();
    all.any(|functionary| match &functionary.key {
        Ok(AnyKey::OpenPgp(key)) => key.ids().contains(keyid),
        Ok(AnyKey::Plain(_)) | Err(_) => false,
    })
}

/// The layout's own list of keys: what no step has to do with, and under which ids signatures are made.
pub(super) fn listed(old: &Layout, new: &Layout, changes: &mut Vec<Change>) {
    let used = |layout: &Layout, keyid: &KeyId| {
        let mut steps = layout.steps.iter();
        steps.any(|step| step.pubkeys.contains(keyid))
    };
    for (keyid, was) in &old.functionaries {
        match new.functionaries.get(keyid) {
            None if !used(old, keyid) => {
                let message = format!("the key {}, of no step, is gone", quoted(keyid.as_str()));
                changes.push(Change::new("key-unlisted", Effect::Nothing, message));
            }
            Some(is) if is.keyid != was.keyid => {
                let message = format!(
                    "signatures of the key {} are looked for under {}, before under {}",
                    quoted(keyid.as_str()),
                    quoted(is.keyid.as_str()),
                    quoted(was.keyid.as_str())
                );
                changes.push(Change::new("key-stated-id", Effect::Both, message));
            }
            Some(_) | None => {}
        }
    }
    for keyid in new.functionaries.keys() {
        if !old.functionaries.contains_key(keyid) && !used(new, keyid) {
            let message = format!("the key {} is new, and of no step", quoted(keyid.as_str()));
            changes.push(Change::new("key-listed", Effect::Nothing, message));
        }
    }
}

/// Keys, threshold and constraints of a step.
pub(super) fn step(
    (old_layout, old): (&Layout, &Step),
    (new_layout, new): (&Layout, &Step),
    changes: &mut Vec<Change>,
) {
    let (before, now) = (keys(old_layout, old), keys(new_layout, new));
    let ids = |ids: &BTreeSet<KeyId>| quoted_list(&ids.iter().collect::<Vec<_>>(), ids.len());
    let shown = |known: &Known, all: &BTreeSet<KeyId>| match known {
        Known::Key(_, scheme) => format!("{} ({scheme})", ids(all)),
        Known::Subkey(_) => format!("{} (a subkey of OpenPGP)", ids(all)),
        Known::Id(_) => ids(all),
    };
    for (known, lost) in &before {
        if let Some(kept) = now.get(known) {
            let (was, is) = (ends(old_layout, lost), ends(new_layout, kept));
            validity(&was, &is, &shown(known, kept), new, changes);
        }
    }
    for (known, lost) in &before {
        match now.get(known) {
            None => {
                let message = format!("the key {} may no longer sign", shown(known, lost));
                changes.push(Change::new("key-lost", Effect::Refuses, message).of(&new.name));
            }
            Some(kept) if kept != lost => {
                let message = format!(
                    "the same key stands under {} now, before under {}: its links are looked for under that name",
                    ids(kept),
                    ids(lost)
                );
                changes.push(Change::new("key-renamed", Effect::Both, message).of(&new.name));
            }
            Some(_) => {}
        }
    }
    for (known, gained) in &now {
        if !before.contains_key(known) {
            let usable = !matches!(known, Known::Id(_));
            let (effect, message) = match usable {
                true => (
                    Effect::Allows,
                    format!("the key {} may sign, too", shown(known, gained)),
                ),
                false => (
                    Effect::Nothing,
                    format!(
                        "the key {} is named, but the layout has no key of it that could be used",
                        ids(gained)
                    ),
                ),
            };
            changes.push(Change::new("key-gained", effect, message).of(&new.name));
        }
    }
    threshold(old, new, changes);
    constraints(old, new, changes);
}

/// When the parts of OpenPGP keys expire, in seconds since 1970; `None` for never.
fn ends(layout: &Layout, ids: &BTreeSet<KeyId>) -> BTreeMap<KeyId, Option<u64>> {
    let functionaries = ids.iter().filter_map(|id| layout.functionaries.get(id));
    let keys = functionaries.filter_map(|one| match &one.key {
        Ok(AnyKey::OpenPgp(key)) => Some(key.describe()),
        Ok(AnyKey::Plain(_)) | Err(_) => None,
    });
    keys.flatten()
        .map(|(id, _, ends)| (id.clone(), ends))
        .collect()
}

/// The same key, valid for longer or for less long.
fn validity(
    was: &BTreeMap<KeyId, Option<u64>>,
    is: &BTreeMap<KeyId, Option<u64>>,
    shown: &str,
    step: &Step,
    changes: &mut Vec<Change>,
) {
    let both = is
        .iter()
        .filter_map(|(id, ends)| Some((was.get(id)?, ends)));
    let (mut longer, mut shorter) = (false, false);
    for (was, is) in both {
        // Never is after every end.
        let (was, is) = (was.unwrap_or(u64::MAX), is.unwrap_or(u64::MAX));
        longer |= is > was;
        shorter |= is < was;
    }
    let (effect, how) = match (longer, shorter) {
        (false, false) => return,
        (true, false) => (Effect::Allows, "later, or never"),
        (false, true) => (Effect::Refuses, "earlier"),
        (true, true) => (Effect::Both, "at other times"),
    };
    let message = format!("the key {shown} expires {how}");
    changes.push(Change::new("key-validity", effect, message).of(&step.name));
}

fn threshold(old: &Step, new: &Step, changes: &mut Vec<Change>) {
    let (was, is) = (old.threshold, new.threshold);
    if is < was {
        let message = format!("{is} must sign, before {was}");
        changes.push(Change::new("threshold-lowered", Effect::Allows, message).of(&new.name));
    } else if is > was {
        let message = format!("{is} must sign, before {was}");
        changes.push(Change::new("threshold-raised", Effect::Refuses, message).of(&new.name));
    }
}

fn constraints(old: &Step, new: &Step, changes: &mut Vec<Change>) {
    for constraint in &old.constraints {
        if !new.constraints.contains(constraint) {
            let message = format!("may no longer sign: who has {}", asked_of(constraint));
            changes.push(Change::new("constraint-lost", Effect::Refuses, message).of(&new.name));
        }
    }
    for constraint in &new.constraints {
        if !old.constraints.contains(constraint) {
            let message = format!("may sign, too: who has {}", asked_of(constraint));
            changes.push(Change::new("constraint-gained", Effect::Allows, message).of(&new.name));
        }
    }
}

/// Roots and intermediates, by their certificates.
pub(super) fn authorities(old: &Layout, new: &Layout, changes: &mut Vec<Change>) {
    let roots = |layout: &Layout| -> BTreeMap<String, String> {
        let shown = |(keyid, root): &(KeyId, Certificate)| {
            let (id, subject) = (quoted(keyid.as_str()), quoted(root.subject()));
            (
                format!("{keyid} {}", root.to_pem()),
                format!("{id} {subject}"),
            )
        };
        layout.authorities.roots.iter().map(shown).collect()
    };
    let intermediates = |layout: &Layout| -> BTreeMap<String, String> {
        let shown = |one: &Certificate| (one.to_pem(), quoted(one.subject()).to_string());
        layout.authorities.intermediates.iter().map(shown).collect()
    };
    let mut compare = |was: BTreeMap<String, String>,
                       is: BTreeMap<String, String>,
                       codes: [&'static str; 2],
                       noun: &str| {
        for (_, shown) in was.iter().filter(|(one, _)| !is.contains_key(*one)) {
            let message = format!("the {noun} {shown} is gone, with all that it certified");
            changes.push(Change::new(codes[0], Effect::Refuses, message));
        }
        for (_, shown) in is.iter().filter(|(one, _)| !was.contains_key(*one)) {
            let message = format!("the {noun} {shown} is new: whom it certifies may come in");
            changes.push(Change::new(codes[1], Effect::Allows, message));
        }
    };
    compare(roots(old), roots(new), ["root-lost", "root-gained"], "root");
    compare(
        intermediates(old),
        intermediates(new),
        ["intermediate-lost", "intermediate-gained"],
        "intermediate certificate",
    );
}
