//! Which link files a step asks for, and whose signature each of them must carry.
//!
//! A functionary with an OpenPGP key may sign with any of its subkeys, and the file is then named for
//! the subkey. A step may also authorise a subkey alone: then that subkey, and no other part of the
//! key it belongs to.

use std::borrow::Cow;

use crate::keys::{AnyKey, KeyError, KeyId};
use crate::model::{Layout, Step};

/// One link file that may be there.
#[derive(Debug)]
pub(super) struct Sought<'a> {
    /// For which key it is named.
    pub(super) keyid: KeyId,
    /// The key that must have signed it; `None` when the layout does not hold it.
    pub(super) key: Option<Result<Cow<'a, AnyKey>, &'a KeyError>>,
    /// The ids under which the signature may stand.
    pub(super) ids: Vec<KeyId>,
    /// Whether this is another name for the file of a functionary that comes before it.
    pub(super) other_name: bool,
}

/// The files of a step, in the order of its functionaries.
pub(super) fn sought<'a>(layout: &'a Layout, step: &Step) -> Vec<Sought<'a>> {
    let mut all: Vec<Sought<'a>> = Vec::new();
    for keyid in &step.pubkeys {
        let one = authorised(layout, keyid);
        let subkeys = match &one.key {
            Some(Ok(key)) if layout.functionaries.contains_key(keyid) => subkeys(key),
            _ => Vec::new(),
        };
        let others: Vec<Sought<'a>> = subkeys
            .into_iter()
            .map(|subkey| Sought {
                keyid: subkey,
                key: one.key.clone(),
                ids: one.ids.clone(),
                other_name: true,
            })
            .collect();
        for sought in std::iter::once(one).chain(others) {
            if !all.iter().any(|known| known.keyid == sought.keyid) {
                all.push(sought);
            }
        }
    }
    all
}

fn authorised<'a>(layout: &'a Layout, keyid: &KeyId) -> Sought<'a> {
    let (key, ids) = match layout.functionaries.get(keyid) {
        Some(functionary) => {
            let ids = match &functionary.key {
                Ok(AnyKey::OpenPgp(key)) => key.ids(),
                Ok(AnyKey::Plain(_)) | Err(_) => vec![functionary.keyid.clone()],
            };
            (Some(functionary.key.as_ref().map(Cow::Borrowed)), ids)
        }
        None => {
            let alone = subkey_alone(layout, keyid);
            (alone.map(|key| Ok(Cow::Owned(key))), vec![keyid.clone()])
        }
    };
    Sought {
        keyid: keyid.clone(),
        key,
        ids,
        other_name: false,
    }
}

fn subkeys(key: &AnyKey) -> Vec<KeyId> {
    match key {
        AnyKey::OpenPgp(key) => key.ids().split_off(1),
        AnyKey::Plain(_) => Vec::new(),
    }
}

/// A subkey of a key that the layout holds.
fn subkey_alone(layout: &Layout, keyid: &KeyId) -> Option<AnyKey> {
    layout
        .functionaries
        .values()
        .find_map(|functionary| match functionary.key.as_ref().ok()? {
            AnyKey::OpenPgp(key) => key.only(keyid).map(AnyKey::from),
            AnyKey::Plain(_) => None,
        })
}
