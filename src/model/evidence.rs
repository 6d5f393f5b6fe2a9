//! All evidence of one verification, read beforehand: the link files that a layout asks for, and
//! for each sublayout among them the ones it asks for in turn. Nothing here is trusted.

use std::collections::BTreeMap;

use crate::keys::KeyId;

use super::{Envelope, EnvelopeError, ItemName};

/// The link files of one layout, under the step and the key id for which they were looked for.
/// A pair without an entry has no file.
#[derive(Debug, Default)]
pub struct Evidence {
    links: BTreeMap<(ItemName, KeyId), LinkFile>,
}

/// One link file.
#[derive(Debug)]
pub struct LinkFile {
    /// Its path, for people.
    pub path: String,
    /// What is in it.
    pub content: Result<Envelope, LinkFileError>,
    /// When it is a layout: the link files below its own folder.
    pub below: Evidence,
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
    /// Adds the file found for a step and a key id.
    pub fn insert(&mut self, step: ItemName, keyid: KeyId, file: LinkFile) {
        self.links.insert((step, keyid), file);
    }

    /// The file found for a step and a key id.
    pub fn get(&self, step: &ItemName, keyid: &KeyId) -> Option<&LinkFile> {
        self.links.get(&(step.clone(), keyid.clone()))
    }
}
