//! Where the parts of a compiled layout stand in its text form.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use crate::encoding::Span;

/// From RFC 6901 pointers into the compiled value to places in the text.
#[derive(Clone, Debug, Default)]
pub struct Places {
    text: Arc<str>,
    /// Where each line begins: places of a text with many lines are asked for one by one.
    lines: Vec<usize>,
    spans: BTreeMap<String, Range<usize>>,
}

impl Places {
    pub(super) fn new(text: &str) -> Self {
        Self {
            text: text.into(),
            lines: line_starts(text),
            spans: BTreeMap::new(),
        }
    }

    pub(super) fn put(&mut self, pointer: impl Into<String>, span: &Range<usize>) {
        self.spans.insert(pointer.into(), span.clone());
    }

    /// Where the value that a pointer names stands, or else the nearest one that it is part of.
    /// `None` for the whole layout, and for what the text form does not say.
    pub fn find(&self, pointer: &str) -> Option<Span> {
        self.range(pointer)
            .map(|range| span_in(&self.text, &self.lines, &range))
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
    span_in(text, &line_starts(text), range)
}

fn line_starts(text: &str) -> Vec<usize> {
    let behind = text.match_indices('\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(behind).collect()
}

fn span_in(text: &str, lines: &[usize], range: &Range<usize>) -> Span {
    let (line, column) = line_and_column(text, lines, range.start);
    let (end_line, end_column) = line_and_column(text, lines, range.end);
    Span {
        start: range.start,
        end: range.end,
        line,
        column,
        end_line,
        end_column,
    }
}

fn line_and_column(text: &str, lines: &[usize], at: usize) -> (usize, usize) {
    let line = lines.partition_point(|start| *start <= at);
    let start = lines.get(line.wrapping_sub(1)).copied().unwrap_or(0);
    let before = text.get(start..at).unwrap_or_default();
    (line, before.chars().count() + 1)
}
