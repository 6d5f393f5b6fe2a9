//! What lies in the folder where a link is missing: files of the step that are named for somebody
//! else. None of them counts; this only tells what they are.

use crate::keys::{AnyKey, Authority as _, KeyId};
use crate::model::{Envelope, ItemName, Layout, LinkFile, Moment, Step};
use crate::report::{Instead, Otherwise};

use super::signed;

/// How many files are told about.
const FILES_AT_MOST: usize = 10;

/// The files of a step that are named for none of its functionaries.
pub(super) fn instead(
    layout: &Layout,
    step: &Step,
    files: &[LinkFile],
    now: Moment,
) -> Vec<Instead> {
    let named = |file: &&LinkFile| step.pubkeys.iter().any(|id| id.short() == file.named);
    let others = files.iter().filter(|file| !named(file));
    let tell = |file: &LinkFile| Instead {
        path: file.path.clone(),
        what: match &file.content {
            Ok(envelope) => otherwise(layout, step, envelope, now),
            Err(error) => Otherwise::Unusable {
                why: error.to_string(),
            },
        },
    };
    let mut others: Vec<&LinkFile> = others.collect();
    others.sort_by(|one, two| one.path.cmp(&two.path));
    others.into_iter().take(FILES_AT_MOST).map(tell).collect()
}

fn otherwise(layout: &Layout, step: &Step, envelope: &Envelope, now: Moment) -> Otherwise {
    let signatures = envelope.signatures().iter();
    let ids: Vec<&KeyId> = signatures
        .filter_map(|known| known.keyid.as_ref())
        .collect();
    if ids.is_empty() {
        return Otherwise::Unsigned;
    }
    let authorised = |keyid: &&KeyId| step.pubkeys.contains(*keyid);
    let functionaries = layout.functionaries.iter();
    for (keyid, functionary) in functionaries.clone().filter(|(id, _)| authorised(id)) {
        let other = functionary.key.as_ref().ok();
        let known = std::slice::from_ref(&functionary.keyid);
        if let Some(found) = other.and_then(|key| other_id(key, known, envelope, now)) {
            let authorised = keyid.clone();
            return Otherwise::OtherId { authorised, found };
        }
    }
    for (keyid, _) in functionaries {
        if ids.contains(&keyid) {
            return Otherwise::OtherFunctionary {
                keyid: keyid.clone(),
                steps: steps_of(layout, keyid),
            };
        }
    }
    Otherwise::Stranger {
        keyids: signed::ids_found(envelope),
    }
}

/// The other id of a functionary's key under which an envelope has its good signature.
pub(super) fn other_id(
    key: &AnyKey,
    known: &[KeyId],
    envelope: &Envelope,
    now: Moment,
) -> Option<KeyId> {
    let mut others = key.ids().into_iter().filter(|id| !known.contains(id));
    others.find(|id| {
        let signed = signed::check(envelope, key, std::slice::from_ref(id), now);
        matches!(signed, signed::Signed::Good)
    })
}

fn steps_of(layout: &Layout, keyid: &KeyId) -> Vec<ItemName> {
    let steps = layout.steps.iter();
    let theirs = steps.filter(|step| step.pubkeys.contains(keyid));
    theirs.map(|step| step.name.clone()).collect()
}
