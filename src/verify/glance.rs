//! What takes time about link files, their signatures and their content, looked at for all files of a
//! layout side by side. What comes of it is a value for each; nothing is decided here.

use rayon::prelude::*;

use crate::keys::AnyKey;
use crate::model::{Envelope, Evidence, Layout, Link, LinkFile, Moment, PayloadKind, Step, quoted};
use crate::report::{Again, Problem};

use super::instead::other_id;
use super::signed::{self, Signed, TRIED_SIGNATURES};
use super::sought::{Sought, sought};

/// What a file says of itself, before it is known whether it counts.
pub(super) struct Glance {
    pub(super) signature: Option<Problem>,
    /// `None` when it is a layout.
    pub(super) link: Option<Result<Link, Vec<Problem>>>,
}

impl Glance {
    /// Whether the file holds a link or a layout, for this step or another, signed by whomever.
    pub(super) fn is_link(&self) -> bool {
        let misnamed =
            |problems: &[Problem]| matches!(problems, [Problem::LinkNameMismatch { .. }]);
        match &self.link {
            None | Some(Ok(_)) => true,
            Some(Err(problems)) => misnamed(problems),
        }
    }
}

/// Looks at the files of all steps and functionaries, in the order of [`sought`]. `None` stands for a file that
/// is not there or cannot be checked.
pub(super) fn glances(layout: &Layout, evidence: &Evidence, now: Moment) -> Vec<Option<Glance>> {
    let steps = layout.steps.iter();
    let wanted: Vec<_> = steps
        .flat_map(|step| sought(layout, step).into_iter().map(move |one| (step, one)))
        .collect();
    wanted
        .par_iter()
        .map(|(step, sought)| glance(step, sought, evidence, now))
        .collect()
}

fn glance(step: &Step, sought: &Sought<'_>, evidence: &Evidence, now: Moment) -> Option<Glance> {
    let key = sought.key.as_ref()?.as_ref().ok()?;
    let file = evidence.get(&step.name, &sought.keyid)?;
    let envelope = file.content.as_ref().ok()?;
    let (signature, link) = rayon::join(
        || signature_problem(step, file, envelope, key, sought, now),
        || match envelope.kind() {
            PayloadKind::Layout => None,
            PayloadKind::Link | PayloadKind::Other(_) => Some(read_link(file, envelope, step)),
        },
    );
    Some(Glance { signature, link })
}

/// The same for a file that nobody had a glance at.
pub(super) fn holds_link(file: &LinkFile) -> bool {
    file.content
        .as_ref()
        .is_ok_and(|envelope| match envelope.kind() {
            PayloadKind::Link => envelope.link().is_ok(),
            PayloadKind::Layout => true,
            PayloadKind::Other(_) => false,
        })
}

fn signature_problem(
    step: &Step,
    file: &LinkFile,
    envelope: &Envelope,
    key: &AnyKey,
    sought: &Sought<'_>,
    now: Moment,
) -> Option<Problem> {
    let keyid = sought.ids.first().unwrap_or(&sought.keyid).clone();
    let link = file.path.clone();
    match signed::check(envelope, key, &sought.ids, now) {
        Signed::Good => None,
        Signed::Wrong(Some(why)) => Some(signed::refusal(Some(&link), keyid, &why)),
        Signed::Wrong(None) => Some(Problem::LinkSignatureInvalid { link, keyid }),
        Signed::TooMany => Some(Problem::SignaturesTooMany {
            document: quoted(&link).to_string(),
            keyid,
            limit: TRIED_SIGNATURES,
        }),
        Signed::Missing => Some(Problem::LinkSignatureMissing {
            link,
            keyid,
            found: signed::ids_found(envelope),
            other_id: other_id(key, &sought.ids, envelope, now),
            again: Again::of(step),
        }),
    }
}

pub(super) fn read_link(
    file: &LinkFile,
    envelope: &Envelope,
    step: &Step,
) -> Result<Link, Vec<Problem>> {
    let malformed = |why: String| Problem::LinkMalformed {
        link: file.path.clone(),
        why,
    };
    if envelope.kind() != PayloadKind::Link {
        let why = "its `_type` is neither `link` nor `layout`".to_owned();
        return Err(vec![malformed(why)]);
    }
    let link = envelope.link().map_err(|complaints| {
        let complaints = complaints.iter().map(ToString::to_string);
        complaints.map(malformed).collect::<Vec<_>>()
    })?;
    if link.name != step.name.as_str() {
        return Err(vec![Problem::LinkNameMismatch {
            link: file.path.clone(),
            expected: step.name.clone(),
            found: link.name,
        }]);
    }
    Ok(link)
}
