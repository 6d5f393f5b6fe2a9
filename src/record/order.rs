//! What the threads of a pass found, put in order: each task has a list, in which other lists have
//! their place.

use std::mem;

use super::RecordError;
use super::engine::{Digested, Recorded, Scan};

/// A file among those that a thread recorded.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) worker: usize,
    pub(super) index: usize,
}

/// An entry of a list.
#[derive(Debug)]
pub(super) enum Item {
    /// Files that one thread recorded one after the other.
    Files { first: Place, count: usize },
    /// Everything in another list.
    Below(usize),
}

/// What a file's digests are, and where they belong.
pub(super) type Late = (Place, Result<Digested, RecordError>);

/// What a thread found.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) files: Vec<Recorded>,
    pub(super) lists: Vec<(usize, Vec<Item>)>,
    pub(super) late: Vec<Late>,
    pub(super) errors: Vec<RecordError>,
}

/// Puts the lists into each other.
pub(super) fn in_order(roots: usize, keep: bool, outcomes: Vec<Outcome>, late: Vec<Late>) -> Scan {
    let mut scan = Scan::default();
    let mut files = Vec::with_capacity(outcomes.len());
    let mut lists: Vec<Vec<Item>> = Vec::new();
    let mut all_late = late;
    for outcome in outcomes {
        for (number, list) in outcome.lists {
            if lists.len() <= number {
                lists.resize_with(number + 1, Vec::new);
            }
            if let Some(place) = lists.get_mut(number) {
                *place = list;
            }
        }
        files.push(outcome.files);
        all_late.extend(outcome.late);
        scan.errors.extend(outcome.errors);
    }
    for (place, digested) in all_late {
        let file = files
            .get_mut(place.worker)
            .and_then(|files| files.get_mut(place.index));
        match (digested, file) {
            (Ok(digested), Some(file)) => file.fill(digested, keep),
            (Ok(_), None) => {}
            (Err(error), _) => scan.errors.push(error),
        }
    }
    scan.files.reserve(files.iter().map(Vec::len).sum());
    let mut files: Vec<Vec<Option<Recorded>>> = files
        .into_iter()
        .map(|files| files.into_iter().map(Some).collect())
        .collect();
    let mut open: Vec<_> = (0..roots).rev().map(Item::Below).collect();
    while let Some(item) = open.pop() {
        match item {
            Item::Below(list) => {
                let list = lists.get_mut(list).map(mem::take).unwrap_or_default();
                open.extend(list.into_iter().rev());
            }
            Item::Files { first, count } => {
                let range = first.index..first.index + count;
                let files = files
                    .get_mut(first.worker)
                    .and_then(|files| files.get_mut(range))
                    .unwrap_or_default();
                scan.files.extend(files.iter_mut().filter_map(Option::take));
            }
        }
    }
    scan
}
