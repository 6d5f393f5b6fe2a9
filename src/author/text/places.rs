//! Where the parts of a compiled layout stand in its text form.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::encoding::Span;

/// From RFC 6901 pointers into the compiled value to places in the text.
#[derive(Clone, Debug, Default)]
pub struct Places {
    text: Arc<str>,
    spans: BTreeMap<String, Range<usize>>,
}

impl Places {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            spans: BTreeMap::new(),
        }
    }

    pub(super) fn put(&mut self, pointer: impl Into<String>, span: &Range<usize>) {
        self.spans.insert(pointer.into(), span.clone());
    }

    /// Where the value that a pointer names stands, or else the nearest one that it is part of.
    /// `None` for the whole layout, and for what the text form does not say.
    pub fn find(&self, pointer: &str) -> Option<Span> {
        self.range(pointer).map(|range| span(&self.text, &range))
    }

    pub(super) fn range(&self, pointer: &str) -> Option<Range<usize>> {
        let mut pointer = pointer;
        loop {
            if let Some(range) = self.spans.get(pointer) {
                return Some(range.clone());
            }
            (pointer, _) = pointer.rsplit_once('/')?;
        }
    }
}

/// A range of bytes with its lines and columns.
pub(super) fn span(text: &str, range: &Range<usize>) -> Span {
    let (line, column) = line_and_column(text, range.start);
    let (end_line, end_column) = line_and_column(text, range.end);
    Span {
        start: range.start,
        end: range.end,
        line,
        column,
        end_line,
        end_column,
    }
}

fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.bytes().filter(|byte| *byte == b'\n').count() + 1;
    let last = before.rsplit('\n').next().unwrap_or_default();
    (line, last.chars().count() + 1)
}
