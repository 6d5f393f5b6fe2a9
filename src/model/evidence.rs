//! All evidence of one verification, read beforehand: the link files that a layout asks for, and
//! for each sublayout among them the ones it asks for in turn. Nothing here is trusted.

use std::collections::BTreeMap;

use crate::keys::KeyId;

use super::{Envelope, EnvelopeError, ItemName, quoted};

/// The link files of one layout, by the steps that their names speak of. A step without an entry
/// has none.
#[derive(Debug, Default)]
pub struct Evidence {
    steps: BTreeMap<ItemName, Vec<LinkFile>>,
}

/// One link file.
#[derive(Debug)]
pub struct LinkFile {
    /// Its path, for people.
    pub path: String,
    /// The beginning of a key id, as it stands in its name: `KEYID8` of `STEP.KEYID8.link`.
    pub named: String,
    /// How it was found.
    pub found: FoundBy,
    /// What is in it.
    pub content: Result<Envelope, LinkFileError>,
    /// When it is a layout, named for a functionary of the step: the link files below its own folder.
    pub below: Evidence,
}

/// How a link file was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FoundBy {
    /// By its name.
    Name,
    /// By its content: it is a file of its own, with another name or in another place.
    Content,
    /// In a bundle, by its content. Its path is no file's, and a file that has it is another one.
    Bundle,
}

/// Why a link file gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum LinkFileError {
    /// It cannot be read.
    #[error("{0}")]
    Unreadable(String),
    /// It is no envelope.
    #[error(transparent)]
    Envelope(EnvelopeError),
    /// Two valid links of one functionary, and nothing that says which counts.
    #[error(
        "{} is another valid link of the same step and functionary",
        quoted(other)
    )]
    Ambiguous {
        /// The other one.
        other: String,
    },
    /// Sublayouts within sublayouts beyond the limit.
    #[error("sublayouts are nested more than {limit} deep")]
    NestedTooDeep {
        /// How deep they may be nested.
        limit: usize,
    },
    /// Sublayouts beyond the limit.
    #[error("there are more than {limit} sublayouts")]
    TooManySublayouts {
        /// How many there may be.
        limit: usize,
    },
    /// Link files, those of sublayouts included, beyond the limit.
    #[error("there are more than {limit} link files")]
    TooMany {
        /// How many there may be.
        limit: usize,
    },
}

impl Evidence {
    /// Adds a file of a step.
    pub fn insert(&mut self, step: ItemName, file: LinkFile) {
        self.steps.entry(step).or_default().push(file);
    }

    /// All files of a step, those that are named for its functionaries first.
    pub fn of(&self, step: &ItemName) -> &[LinkFile] {
        self.steps.get(step).map(Vec::as_slice).unwrap_or_default()
    }

    /// The first file of a step that is named for a key.
    pub fn get(&self, step: &ItemName, keyid: &KeyId) -> Option<&LinkFile> {
        let mut files = self.of(step).iter();
        files.find(|file| file.named == keyid.short())
    }

    /// The same files, to put them into another order.
    pub fn of_mut(&mut self, step: &ItemName) -> &mut [LinkFile] {
        let files = self.steps.get_mut(step);
        files.map(Vec::as_mut_slice).unwrap_or_default()
    }

    /// Every file of every step.
    pub fn iter(&self) -> impl Iterator<Item = &LinkFile> {
        self.steps.values().flatten()
    }
}
