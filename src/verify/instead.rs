//! What lies in the folder where a link is missing: files of the step that are named for somebody
//! else. None of them counts; this only tells what they are.

use crate::keys::{Authority as _, KeyId};
use crate::model::{Envelope, Functionary, ItemName, Layout, LinkFile, Step};
use crate::report::{Instead, Otherwise};

use super::signed;

/// How many files are told about.
const FILES_AT_MOST: usize = 10;

/// The files of a step that are named for none of its functionaries.
pub(super) fn instead(layout: &Layout, step: &Step, files: &[LinkFile]) -> Vec<Instead> {
    let named = |file: &&LinkFile| step.pubkeys.iter().any(|id| id.short() == file.named);
    let others = files.iter().filter(|file| !named(file));
    let tell = |file: &LinkFile| Instead {
        path: file.path.clone(),
        what: match &file.content {
            Ok(envelope) => otherwise(layout, step, envelope),
            Err(error) => Otherwise::Unusable {
                why: error.to_string(),
            },
        },
    };
    let mut others: Vec<&LinkFile> = others.collect();
    others.sort_by(|one, two| one.path.cmp(&two.path));
    others.into_iter().take(FILES_AT_MOST).map(tell).collect()
}

fn otherwise(layout: &Layout, step: &Step, envelope: &Envelope) -> Otherwise {
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
        if let Some(found) = other_id(functionary, envelope) {
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
pub(super) fn other_id(functionary: &Functionary, envelope: &Envelope) -> Option<KeyId> {
    let key = functionary.key.as_ref().ok()?;
    let others = key.ids().into_iter().filter(|id| *id != functionary.keyid);
    others
        .into_iter()
        .find(|id| signed::check(envelope, key, std::slice::from_ref(id)) == signed::Signed::Good)
}

fn steps_of(layout: &Layout, keyid: &KeyId) -> Vec<ItemName> {
    let steps = layout.steps.iter();
    let theirs = steps.filter(|step| step.pubkeys.contains(keyid));
    theirs.map(|step| step.name.clone()).collect()
}
