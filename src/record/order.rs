//! What the threads of a pass found, put in order: each task has a list, in which other lists have
//! their place.

use super::RecordError;
use super::engine::{Digested, Recorded, Scan};

/// A name among those of a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Name {
    /// In the text of which thread it is.
    text: usize,
    start: usize,
    length: usize,
}

/// The names that a pass has found: one text for each thread, as there may be millions of them.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<String>);

impl Names {
    /// A name by itself.
    pub(super) fn add(&mut self, name: &str) -> Name {
        let text = self.0.len();
        self.0.push(name.to_owned());
        Name {
            text,
            start: 0,
            length: name.len(),
        }
    }

    /// The text of a name of these. Another name's would be a wrong statement.
    #[expect(
        clippy::indexing_slicing,
        reason = "each name was made together with its text"
    )]
    pub(super) fn get(&self, name: Name) -> &str {
        name.of(&self.0[name.text])
    }

    /// Takes other names in. Gives by how much the numbers of their texts have grown.
    pub(super) fn extend(&mut self, others: Self) -> usize {
        let before = self.0.len();
        self.0.extend(others.0);
        before
    }

    /// How many bytes they have together.
    pub(super) fn bytes(&self) -> usize {
        self.0.iter().map(String::len).sum()
    }
}

impl Name {
    /// Puts a name at the end of the text of a thread.
    pub(super) fn push(name: &str, text: &mut String, worker: usize) -> Self {
        let start = text.len();
        text.push_str(name);
        Self {
            text: worker,
            start,
            length: name.len(),
        }
    }

    /// The name itself, in the text that it was put into.
    #[expect(clippy::string_slice, reason = "`push` made it together with its text")]
    pub(super) fn of(self, text: &str) -> &str {
        &text[self.start..self.start + self.length]
    }

    /// The name after its text was moved behind so many others.
    pub(super) fn behind(self, texts: usize) -> Self {
        Self {
            text: self.text + texts,
            ..self
        }
    }
}

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

/// Files in an order that is not that in which they lie in memory: threads have recorded them, and there
/// may be millions. So they stay where they are.
#[derive(Debug, Default)]
pub(super) struct Files {
    lots: Vec<Vec<Recorded>>,
    /// In which order they come: the place of the first of some, and how many.
    runs: Vec<(Place, usize)>,
}

impl From<Vec<Recorded>> for Files {
    fn from(files: Vec<Recorded>) -> Self {
        let first = Place {
            worker: 0,
            index: 0,
        };
        Self {
            runs: vec![(first, files.len())],
            lots: vec![files],
        }
    }
}

impl Files {
    pub(super) fn len(&self) -> usize {
        self.runs.iter().map(|(_, count)| count).sum()
    }

    /// Each file once, in their order.
    #[expect(
        clippy::indexing_slicing,
        reason = "a run is made of files that are there; less of it would be a shorter list"
    )]
    pub(super) fn iter(&self) -> impl Iterator<Item = &Recorded> {
        let run = |(first, count): &(Place, usize)| {
            &self.lots[first.worker][first.index..first.index + count]
        };
        self.runs.iter().flat_map(run)
    }

    /// The same in one list.
    #[expect(
        clippy::indexing_slicing,
        clippy::expect_used,
        reason = "as of `iter`; a file that two runs had would be a shorter list"
    )]
    pub(super) fn into_vec(self) -> Vec<Recorded> {
        let mut files = Vec::with_capacity(self.len());
        let as_option = |lot: Vec<Recorded>| lot.into_iter().map(Some).collect();
        let mut lots: Vec<Vec<Option<Recorded>>> = self.lots.into_iter().map(as_option).collect();
        for (first, count) in self.runs {
            let run = &mut lots[first.worker][first.index..first.index + count];
            files.extend(
                run.iter_mut()
                    .map(|file| file.take().expect("a file is in one run")),
            );
        }
        files
    }

    /// Puts others behind these, whose names lie behind so many texts now.
    pub(super) fn extend(&mut self, mut others: Self, texts: usize) {
        let before = self.lots.len();
        if texts > 0 {
            for file in others.lots.iter_mut().flatten() {
                file.name = file.name.behind(texts);
            }
        }
        self.lots.extend(others.lots);
        let behind = |(place, count): (Place, usize)| {
            let worker = place.worker + before;
            (Place { worker, ..place }, count)
        };
        self.runs.extend(others.runs.into_iter().map(behind));
    }
}

/// What a thread found.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) files: Vec<Recorded>,
    /// The names of the files.
    pub(super) names: String,
    pub(super) lists: Vec<(usize, Vec<Item>)>,
    pub(super) late: Vec<Late>,
    pub(super) errors: Vec<RecordError>,
}

/// Puts the lists into each other. Nothing that was found may be missing from the result, so that what
/// cannot be is a panic and not a shorter list.
#[expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "each list number was given to one task, each place to one file, and all threads ended well"
)]
pub(super) fn in_order(roots: usize, keep: bool, outcomes: Vec<Outcome>, late: Vec<Late>) -> Scan {
    let mut scan = Scan::default();
    let mut files = Vec::with_capacity(outcomes.len());
    let mut lists: Vec<Option<Vec<Item>>> = Vec::new();
    let mut all_late = late;
    for outcome in outcomes {
        for (number, list) in outcome.lists {
            if lists.len() <= number {
                lists.resize_with(number + 1, || None);
            }
            lists[number] = Some(list);
        }
        files.push(outcome.files);
        scan.names.0.push(outcome.names);
        all_late.extend(outcome.late);
        scan.errors.extend(outcome.errors);
    }
    for (place, digested) in all_late {
        let file: &mut Recorded = &mut files[place.worker][place.index];
        match digested {
            Ok(digested) => file.fill(digested, keep),
            Err(error) => scan.errors.push(error),
        }
    }
    let total: usize = files.iter().map(Vec::len).sum();
    let mut open: Vec<_> = (0..roots).rev().map(Item::Below).collect();
    while let Some(item) = open.pop() {
        match item {
            Item::Below(list) => {
                let list = lists[list].take().expect("each task ends with its list");
                open.extend(list.into_iter().rev());
            }
            Item::Files { first, count } => scan.files.runs.push((first, count)),
        }
    }
    assert_eq!(scan.files.len(), total, "each file is in one list");
    scan.files.lots = files;
    scan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DigestSet;

    /// A thread that found one file, in the list of the only root.
    fn outcome() -> Outcome {
        let mut names = String::new();
        Outcome {
            files: vec![Recorded {
                name: Name::push("a", &mut names, 0),
                path: None,
                digests: None,
                bytes: 0,
                state: None,
            }],
            names,
            lists: vec![(
                0,
                vec![Item::Files {
                    first: FIRST,
                    count: 1,
                }],
            )],
            ..Outcome::default()
        }
    }

    const FIRST: Place = Place {
        worker: 0,
        index: 0,
    };

    fn late(place: Place) -> Late {
        let digested = Digested {
            digests: DigestSet::of_sha256([7; 32]),
            bytes: 1,
            state: None,
        };
        (place, Ok(digested))
    }

    #[test]
    fn names_stay_what_they_are_when_others_come_before_them() {
        let mut names = Names::default();
        let first = names.add("first");
        let mut text = String::new();
        let second = Name::push("second", &mut text, 0);
        let third = Name::push("third", &mut text, 0);
        let texts = names.extend(Names(vec![text]));
        assert_eq!(names.get(first), "first");
        assert_eq!(names.get(second.behind(texts)), "second");
        assert_eq!(names.get(third.behind(texts)), "third");
        assert_eq!(names.bytes(), 16);
    }

    #[test]
    fn digests_that_come_late_find_their_file() {
        let scan = in_order(1, false, vec![outcome()], vec![late(FIRST)]);
        let files = scan.files.into_vec();
        assert_eq!(files[0].digests, Some(DigestSet::of_sha256([7; 32])));
    }

    #[test]
    #[should_panic(expected = "index out of bounds")]
    fn a_digest_of_no_file_is_not_dropped() {
        let place = Place {
            worker: 0,
            index: 1,
        };
        in_order(1, false, vec![outcome()], vec![late(place)]);
    }

    #[test]
    #[should_panic(expected = "each task ends with its list")]
    fn a_list_that_nobody_made_is_not_taken_for_empty() {
        let mut outcome = outcome();
        outcome.lists[0].1.push(Item::Below(1));
        outcome.lists.push((2, Vec::new()));
        in_order(1, false, vec![outcome], Vec::new());
    }

    #[test]
    #[should_panic(expected = "each file is in one list")]
    fn a_file_in_no_list_is_not_dropped() {
        let mut outcome = outcome();
        outcome.lists[0].1.clear();
        in_order(1, false, vec![outcome], Vec::new());
    }
}
