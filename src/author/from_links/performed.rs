//! The steps that the links are of: who performed each, and the one link that stands for it.

use std::collections::{BTreeMap, BTreeSet};

use crate::encoding::Value;
use crate::keys::{Fingerprint, KeyId};
use crate::model::{Agreement, Artifacts, ItemName, Link, Pairing, Side};

use super::{FromLinksError, Recorded};

/// A step as it was performed.
#[derive(Debug)]
pub(super) struct Performed {
    pub(super) name: ItemName,
    /// What all links have in common.
    pub(super) link: Link,
    /// `None` when the links tell of different commands.
    pub(super) command: Option<Vec<String>>,
    /// The keys of those who performed it, under the ids by which the layout knows them.
    pub(super) keys: BTreeMap<KeyId, Value>,
    /// How many people these are.
    pub(super) people: usize,
    /// With what its command ended, where that is not 0.
    pub(super) ended: Option<String>,
}

/// The steps, in the order of their names.
pub(super) fn steps(links: &[Recorded]) -> Result<Vec<Performed>, Vec<FromLinksError>> {
    let mut errors = Vec::new();
    let mut by_name: BTreeMap<ItemName, Vec<&Recorded>> = BTreeMap::new();
    for recorded in links {
        match ItemName::new(&recorded.link.name) {
            Ok(name) => by_name.entry(name).or_default().push(recorded),
            Err(source) => errors.push(FromLinksError::StepName {
                path: recorded.path.clone(),
                source,
            }),
        }
    }
    let mut steps = Vec::new();
    for (name, mut links) in by_name {
        links.sort_by(|one, other| one.path.cmp(&other.path));
        match settled(&links) {
            Ok(link) => steps.push(performed(name, link, &links)),
            Err(error) => errors.push(error),
        }
    }
    if steps.is_empty() && errors.is_empty() {
        errors.push(FromLinksError::NoLinks);
    }
    match errors.is_empty() {
        true => Ok(steps),
        false => Err(errors),
    }
}

fn performed(name: ItemName, link: Link, links: &[&Recorded]) -> Performed {
    let people: BTreeSet<Fingerprint> = links.iter().map(|one| one.signer.fingerprint).collect();
    let keys = links
        .iter()
        .map(|one| (one.signer.keyid.clone(), one.signer.object.clone()));
    let same_command = links.iter().all(|one| one.link.command == link.command);
    Performed {
        name,
        command: same_command.then(|| link.command.clone()),
        keys: keys.collect(),
        people: people.len(),
        ended: links.iter().find_map(|one| ended(&one.link)),
        link,
    }
}

/// The return value of a command that failed.
fn ended(link: &Link) -> Option<String> {
    let Some(Value::Number(number)) = link.byproducts.get("return-value") else {
        return None;
    };
    (number.as_i64() != Some(0)).then(|| number.as_text().to_owned())
}

/// What all links of a step have in common, when they agree.
fn settled(links: &[&Recorded]) -> Result<Link, FromLinksError> {
    let Some((first, others)) = links.split_first() else {
        return Err(FromLinksError::NoLinks);
    };
    let mut link = first.link.clone();
    let mut rest = links;
    while let Some((one, behind)) = rest.split_first() {
        for other in behind {
            agree(one, other)?;
        }
        rest = behind;
    }
    for other in others {
        link.materials.keep_common(&other.link.materials);
        link.products.keep_common(&other.link.products);
    }
    for side in [Side::Materials, Side::Products] {
        let mut weak = link.side(side).iter().filter(|(_, set)| !set.has_strong());
        if let Some((artifact, _)) = weak.next() {
            return Err(FromLinksError::Weak {
                path: first.path.clone(),
                side,
                artifact: artifact.to_owned(),
            });
        }
    }
    Ok(link)
}

fn agree(one: &Recorded, other: &Recorded) -> Result<(), FromLinksError> {
    for side in [Side::Materials, Side::Products] {
        if let Some(artifact) = difference(one.link.side(side), other.link.side(side)) {
            return Err(FromLinksError::Disagree {
                step: one.link.name.clone(),
                first: one.path.clone(),
                other: other.path.clone(),
                side,
                artifact,
            });
        }
    }
    Ok(())
}

/// The first artifact about which two links do not agree.
fn difference(one: &Artifacts, other: &Artifacts) -> Option<String> {
    let mut found = None;
    one.pair(other, |pairing| {
        if found.is_some() {
            return;
        }
        found = match pairing {
            Pairing::First(at) => one.name(at),
            Pairing::Second(at) => other.name(at),
            Pairing::Both(_, _, Agreement::Same) => None,
            Pairing::Both(at, ..) => one.name(at),
        };
    });
    found.map(str::to_owned)
}
