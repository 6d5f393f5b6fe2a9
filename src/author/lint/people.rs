//! Who may do what: whether a step can be performed at all, and whether one person alone can do
//! everything.
//!
//! People are known by their keys, and counted by what the keys are made of, as `verify` counts them
//! ([`People`]): an OpenPGP key and its subkeys are one signer.

use std::collections::{BTreeMap, BTreeSet};

use crate::keys::{AnyKey, Authority as _, Fingerprint, KeyId};
use crate::model::{Layout, Step, quoted, quoted_list};
use crate::report::LintCode;
use crate::verify::People;

use super::Subject;
use super::findings::Findings;
use super::reading::{Item, Reading};

/// How many steps a message names.
const NAMED_AT_MOST: usize = 5;

/// A signer that may be counted for a step.
type Signers = BTreeMap<Fingerprint, KeyId>;

pub(super) fn look(reading: &Reading<'_>, subject: &Subject<'_>, found: &mut Findings) {
    let Some(layout) = &reading.layout else {
        return;
    };
    let known = Known::new(layout);
    let by_place: BTreeMap<&str, &Step> = layout
        .steps
        .iter()
        .map(|step| (step.pointer.as_str(), step))
        .collect();
    let mut alone: BTreeMap<Fingerprint, (KeyId, usize)> = BTreeMap::new();
    let mut all: Vec<(&Item<'_>, Signers)> = Vec::new();
    for item in reading.steps() {
        let signers = known.signers(item, found);
        if let Some(step) = by_place.get(item.pointer.as_str()) {
            performable(item, step, &signers, reading, found);
            if step.threshold == 1 {
                for (print, keyid) in &signers {
                    alone.entry(*print).or_insert_with(|| (keyid.clone(), 0)).1 += 1;
                }
            }
        }
        all.push((item, signers));
    }
    // Of a single step somebody must be able to do everything.
    if reading.steps().len() > 1 {
        for (keyid, count) in alone.values() {
            if *count == reading.steps().len() {
                alone_everywhere(keyid, *count, found);
            }
        }
    }
    owners(subject, &known, &all, found);
}

/// The keys of a layout under every id by which a step may name them.
struct Known<'a> {
    layout: &'a Layout,
    subkeys: BTreeMap<KeyId, Fingerprint>,
    people: People,
}

impl<'a> Known<'a> {
    fn new(layout: &'a Layout) -> Self {
        let mut subkeys = BTreeMap::new();
        for functionary in layout.functionaries.values() {
            if let Ok(AnyKey::OpenPgp(key)) = &functionary.key {
                for keyid in key.ids() {
                    if let Some(part) = key.only(&keyid) {
                        subkeys.entry(keyid).or_insert_with(|| part.fingerprint());
                    }
                }
            }
        }
        Self {
            layout,
            subkeys,
            people: People::of(layout),
        }
    }

    /// The signers of a step, by what their keys are made of; and a finding for each id without a key.
    fn signers(&self, item: &Item<'_>, found: &mut Findings) -> Signers {
        let mut signers = Signers::new();
        for (index, text) in item.texts("pubkeys") {
            let keyid = KeyId::new(text);
            let print = match self.layout.functionaries.get(&keyid) {
                Some(functionary) => match &functionary.key {
                    Ok(key) => Some(key.fingerprint()),
                    // What is wrong with it is said where it stands.
                    Err(_) => None,
                },
                None => {
                    let part = self.subkeys.get(&keyid).copied();
                    if part.is_none() {
                        missing(&format!("{}/pubkeys/{index}", item.pointer), text, found);
                    }
                    part
                }
            };
            if let Some(print) = print {
                signers.entry(self.people.person(print)).or_insert(keyid);
            }
        }
        signers
    }
}

fn missing(at: &str, keyid: &str, found: &mut Findings) {
    let message = format!(
        "the layout has no key {}, so nobody can sign for it",
        quoted(KeyId::new(keyid).short())
    );
    let help = "add the key to `keys` under this id, or take the id out";
    found.error(LintCode::KeyMissing, at, message, help);
}

fn performable(
    item: &Item<'_>,
    step: &Step,
    signers: &Signers,
    reading: &Reading<'_>,
    found: &mut Findings,
) {
    // Constraints that could not be read are complained about; who could meet them is not known.
    let constrained = item.object.get("cert_constraints").is_some();
    if step.pubkeys.is_empty() && step.constraints.is_empty() {
        let complained = format!("{}/", item.pointer);
        let mut complaints = reading.complaints.iter();
        if !complaints.any(|one| one.pointer.starts_with(&complained)) {
            let message =
                "the step names neither keys nor constraints, so nobody may perform it".to_owned();
            let help = "name the keys of its functionaries in `pubkeys`";
            found.error(
                LintCode::StepWithoutFunctionary,
                &format!("{}/pubkeys", item.pointer),
                message,
                help,
            );
        }
        return;
    }
    if constrained && (!step.constraints.is_empty() || !reading.complaints.is_empty()) {
        return;
    }
    let count = u64::try_from(signers.len()).unwrap_or(u64::MAX);
    if step.threshold > count {
        let ids = step.pubkeys.len();
        let same = if ids > signers.len() {
            format!(" ({ids} ids, of which some have no key of their own)")
        } else {
            String::new()
        };
        let message = format!(
            "{} of its functionaries must perform the step, and there are {count} distinct keys that can{same}",
            step.threshold
        );
        let help = "lower `threshold`, or add the keys of more people";
        let at = match item.object.get("threshold") {
            Some(_) => format!("{}/threshold", item.pointer),
            None => format!("{}/pubkeys", item.pointer),
        };
        found.error(LintCode::ThresholdUnreachable, &at, message, help);
    }
}

fn alone_everywhere(keyid: &KeyId, count: usize, found: &mut Findings) {
    let message = format!(
        "the key {} alone is enough for each of the {count} steps: whoever has it can make up a whole run",
        quoted(keyid.short())
    );
    let help =
        "let somebody else perform one of the steps, or ask for two people there (`threshold`)";
    found.warn(LintCode::KeyAloneEverywhere, "/steps", message, help);
}

/// The owners of the layout, by their keys if these are at hand, else by the ids under which it is signed.
fn owners(
    subject: &Subject<'_>,
    known: &Known<'_>,
    steps: &[(&Item<'_>, Signers)],
    found: &mut Findings,
) {
    let mut prints: BTreeMap<Fingerprint, KeyId> = BTreeMap::new();
    for key in subject.owners {
        if let Some(keyid) = key.ids().into_iter().next() {
            // Any part of an owner's key may perform a step.
            for print in key.fingerprints() {
                prints
                    .entry(known.people.person(print))
                    .or_insert_with(|| keyid.clone());
            }
        }
    }
    let ids: BTreeSet<&KeyId> = subject.signed_by.iter().collect();
    for functionary in known.layout.functionaries.values() {
        if let Ok(key) = &functionary.key
            && let Some(keyid) = key.ids().into_iter().find(|id| ids.contains(id))
        {
            prints
                .entry(known.people.person(key.fingerprint()))
                .or_insert(keyid);
        }
    }
    for (print, keyid) in prints {
        let of_step = |(item, signers): &(&Item<'_>, Signers)| {
            let named = || item.name.unwrap_or_default().to_owned();
            signers.contains_key(&print).then(named)
        };
        let performed: Vec<String> = steps.iter().filter_map(of_step).collect();
        if !performed.is_empty() {
            let message = format!(
                "the layout is signed with the key {}, which also performs {}: whoever writes the rules should not be who is held to them",
                quoted(keyid.short()),
                quoted_list(&performed, NAMED_AT_MOST)
            );
            let help = "sign the layout with a key that is used for nothing else";
            found.warn(LintCode::OwnerIsFunctionary, "/steps", message, help);
        }
    }
}
