//! Where findings stand in the files that people edit.
//!
//! A report knows places by pointers. The bytes come from whoever can read files; what is not found
//! in them, such as the payload of a DSSE envelope, which is no text of its file, has no lines.

use std::collections::{BTreeMap, BTreeSet};

use crate::encoding::{Span, locate_all};
use crate::report::{Place, Report};

/// Lines and columns of a report's places.
#[derive(Clone, Debug, Default)]
pub struct Places {
    spans: BTreeMap<String, BTreeMap<String, Span>>,
}

impl Places {
    /// Looks up all places of a report; `read` gives the bytes of a document.
    pub fn of(report: &Report, read: impl Fn(&str) -> Option<Vec<u8>>) -> Self {
        let mut wanted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for place in report
            .all_findings()
            .filter_map(|finding| finding.place.as_ref())
        {
            // The pointer to all of a DSSE payload would name the envelope around it.
            if !place.pointer.is_empty() {
                let pointers = wanted.entry(&place.document).or_default();
                pointers.insert(&place.pointer);
            }
        }
        let mut spans = BTreeMap::new();
        for (document, pointers) in wanted {
            if let Some(bytes) = read(document) {
                let found = locate_all(&bytes, pointers).into_iter();
                let found = found.map(|(pointer, span)| (pointer.to_owned(), span));
                spans.insert(document.to_owned(), found.collect());
            }
        }
        Self { spans }
    }

    /// Where a place stands in its document, if that is known.
    pub fn span(&self, place: &Place) -> Option<Span> {
        let document = self.spans.get(&place.document)?;
        document.get(&place.pointer).copied()
    }
}
