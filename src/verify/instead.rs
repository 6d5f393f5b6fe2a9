//! What lies in the folder where a link is missing: files of the step that are named for somebody
//! else. None of them counts; this only tells what they are.

use crate::keys::{AnyKey, Authority as _, KeyId};
use crate::model::{Envelope, ItemName, Layout, LinkFile, Moment, PayloadKind, Step};
use crate::report::{Instead, Otherwise};

use super::signed::{self, Signed};
use super::sought::{Sought, sought};

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
    let sought = sought(layout, step);
    if let Some(found) = sought
        .iter()
        .find_map(|one| by_functionary(step, one, envelope, now))
    {
        return found;
    }
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

/// What a file is that stands under the key of a functionary of the step.
fn by_functionary(
    step: &Step,
    sought: &Sought<'_>,
    envelope: &Envelope,
    now: Moment,
) -> Option<Otherwise> {
    let Some(Ok(key)) = &sought.key else {
        return None;
    };
    let keyid = sought.keyid.clone();
    match signed::check(envelope, key.as_ref(), &sought.ids, now) {
        Signed::Good => Some(match link_of_another_step(step, envelope) {
            Some(step) => Otherwise::OtherStep { step },
            None => Otherwise::Misnamed {
                name: format!("{}.{}.link", step.name, keyid.short()),
                keyid,
            },
        }),
        Signed::Wrong(_) | Signed::TooMany => Some(Otherwise::WrongSignature { keyid }),
        Signed::Missing => None,
    }
}

/// The step that a link names, if that is another.
fn link_of_another_step(step: &Step, envelope: &Envelope) -> Option<String> {
    let is_link = envelope.kind() == PayloadKind::Link;
    let link = is_link.then(|| envelope.link().ok()).flatten()?;
    (link.name != step.name.as_str()).then_some(link.name)
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
        matches!(signed, Signed::Good)
    })
}

fn steps_of(layout: &Layout, keyid: &KeyId) -> Vec<ItemName> {
    let steps = layout.steps.iter();
    let theirs = steps.filter(|step| step.pubkeys.contains(keyid));
    theirs.map(|step| step.name.clone()).collect()
}
