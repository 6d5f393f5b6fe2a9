//! Several files for one step and functionary, from several places: which of them is looked at.
//!
//! One that does not count must not stand before one that does, or anybody who can add a file could
//! have a good product refused. Nothing is decided here: what is put first is checked like any file.

use crate::model::{
    Envelope, Evidence, FoundBy, Layout, LinkFile, LinkFileError, Moment, PayloadKind, Step,
};

use super::signed::{self, Signed};
use super::sought::{Sought, sought};

/// Puts the file that counts before others of the same step and functionary, and gives the paths of
/// those that are passed over by that because they do not count. Where two count and differ, neither
/// does; but one that was found under its name counts before those that were found by their content.
pub fn prefer_good(layout: &Envelope, evidence: &mut Evidence, now: Moment) -> Vec<String> {
    let mut passed_over = Vec::new();
    // What is no layout is refused later.
    let Ok(layout) = Layout::from_value(layout.payload()) else {
        return passed_over;
    };
    for step in &layout.steps {
        for sought in sought(&layout, step) {
            let files = evidence.of_mut(&step.name);
            prefer(step, &sought, files, now, &mut passed_over);
        }
        for file in evidence.of_mut(&step.name) {
            if let Ok(envelope) = &file.content
                && envelope.kind() == PayloadKind::Layout
            {
                passed_over.extend(prefer_good(envelope, &mut file.below, now));
            }
        }
    }
    passed_over
}

fn prefer(
    step: &Step,
    sought: &Sought<'_>,
    files: &mut [LinkFile],
    now: Moment,
    passed_over: &mut Vec<String>,
) {
    let named = |file: &LinkFile| file.named == sought.keyid.short();
    let candidates: Vec<usize> = (0..files.len())
        .filter(|at| files.get(*at).is_some_and(named))
        .collect();
    let Some((first, [_, ..])) = candidates.split_first() else {
        return;
    };
    let counts = |at: &usize| {
        files
            .get(*at)
            .is_some_and(|file| is_good(step, sought, file, now))
    };
    let good: Vec<usize> = candidates.iter().copied().filter(counts).collect();
    let is_elsewhere = |at: usize| files.get(at).is_none_or(|file| file.found != FoundBy::Name);
    let Some(chosen) = good.first().copied() else {
        return;
    };
    let other = good
        .iter()
        .skip(1)
        .filter(|at| is_elsewhere(chosen) || !is_elsewhere(**at))
        .filter_map(|at| files.get(*at))
        .find(|other| files.get(chosen).is_none_or(|chosen| differ(chosen, other)))
        .map(|other| other.path.clone());
    let bad = candidates.iter().filter(|at| !good.contains(at));
    let bad = bad.filter_map(|at| files.get(*at).map(|file| file.path.clone()));
    passed_over.extend(bad);
    if let (Some(other), Some(file)) = (other, files.get_mut(chosen)) {
        file.content = Err(LinkFileError::Ambiguous { other });
    }
    if let Some(between) = files.get_mut(*first..=chosen) {
        between.rotate_right(1);
    }
}

/// Whether the file is a layout or a link of the step, and signed by the functionary.
fn is_good(step: &Step, sought: &Sought<'_>, file: &LinkFile, now: Moment) -> bool {
    let (Some(Ok(key)), Ok(envelope)) = (&sought.key, &file.content) else {
        return false;
    };
    let is_of_step = match envelope.kind() {
        PayloadKind::Layout => true,
        PayloadKind::Link => envelope
            .link()
            .is_ok_and(|link| link.name == step.name.as_str()),
        PayloadKind::Other(_) => false,
    };
    let is_signed = || {
        let signed = signed::check(envelope, key.as_ref(), &sought.ids, now);
        matches!(signed, Signed::Good)
    };
    is_of_step && is_signed()
}

/// Whether two envelopes say different things, whoever else has signed them.
fn differ(one: &LinkFile, other: &LinkFile) -> bool {
    match (&one.content, &other.content) {
        (Ok(one), Ok(other)) => match (one.kind(), other.kind()) {
            (PayloadKind::Link, PayloadKind::Link) => one.link() != other.link(),
            _ => one.message() != other.message(),
        },
        _ => true,
    }
}
