//! Where a value stands in the bytes of a document: from RFC 6901 pointers to lines and columns.
//!
//! The model carries no places. Who wants to show a line looks for it here, in the bytes as they
//! were received; what cannot be found, because the document is another or an object has the key
//! twice, has no place.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::read::{Members, nested_too_deep};

/// Where a value stands. The end is behind its last byte.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Offset of the first byte.
    pub start: usize,
    /// Offset behind the last byte.
    pub end: usize,
    /// The line of the first byte, from 1.
    pub line: usize,
    /// The column of the first byte in characters, from 1.
    pub column: usize,
    /// The line of the end, from 1.
    pub end_line: usize,
    /// The column of the end in characters, from 1.
    pub end_column: usize,
}

/// Finds the value that a pointer names.
pub fn locate(bytes: &[u8], pointer: &str) -> Option<Span> {
    locate_all(bytes, [pointer]).remove(pointer)
}

/// Finds the values that many pointers name, reading the document once for all of them. Those that
/// name nothing are absent.
pub fn locate_all<'p>(
    bytes: &[u8],
    pointers: impl IntoIterator<Item = &'p str>,
) -> BTreeMap<&'p str, Span> {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return BTreeMap::new();
    };
    if nested_too_deep(text) {
        return BTreeMap::new();
    }
    let mut wanted = Wanted::default();
    for pointer in pointers {
        wanted.add(pointer);
    }
    let Ok(root) = serde_json::from_str::<&RawValue>(text) else {
        return BTreeMap::new();
    };
    let mut found = Vec::new();
    wanted.find(text, root.get(), &mut found);
    spans(text, found)
}

/// Pointers as a tree of their tokens.
#[derive(Default)]
struct Wanted<'p> {
    here: Option<&'p str>,
    below: BTreeMap<String, Self>,
}

impl<'p> Wanted<'p> {
    fn add(&mut self, pointer: &'p str) {
        let Some(tokens) = pointer.strip_prefix('/') else {
            if pointer.is_empty() {
                self.here = Some(pointer);
            }
            return;
        };
        let mut node = self;
        for token in tokens.split('/') {
            let key = token.replace("~1", "/").replace("~0", "~");
            node = node.below.entry(key).or_default();
        }
        node.here = Some(pointer);
    }

    /// Descends into one value; `part` is a slice of `text`.
    fn find(&self, text: &str, part: &str, found: &mut Vec<(&'p str, usize, usize)>) {
        let start = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        found.extend(
            self.here
                .map(|pointer| (pointer, start, start + part.len())),
        );
        if self.below.is_empty() {
            return;
        }
        if part.starts_with('{') {
            let Ok(Members(members)) = serde_json::from_str(part) else {
                return;
            };
            let mut values: BTreeMap<&str, Option<&str>> = BTreeMap::new();
            for (key, value) in &members {
                let once = values.entry(key).and_modify(|value| *value = None);
                once.or_insert(Some(value.get()));
            }
            for (key, below) in &self.below {
                if let Some(Some(value)) = values.get(key.as_str()) {
                    below.find(text, value, found);
                }
            }
        } else if part.starts_with('[') {
            let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(part) else {
                return;
            };
            for (key, below) in &self.below {
                if let Some(item) = index(key).and_then(|index| items.get(index)) {
                    below.find(text, item.get(), found);
                }
            }
        }
    }
}

/// An array's index: digits without a leading zero.
fn index(token: &str) -> Option<usize> {
    let digits = token.bytes().all(|byte| byte.is_ascii_digit());
    let plain = digits && (token == "0" || !token.starts_with('0'));
    plain.then(|| token.parse().ok()).flatten()
}

/// Adds lines and columns, in one pass over the text.
fn spans<'p>(text: &str, found: Vec<(&'p str, usize, usize)>) -> BTreeMap<&'p str, Span> {
    let mut offsets: Vec<usize> = found
        .iter()
        .flat_map(|(_, start, end)| [*start, *end])
        .collect();
    offsets.sort_unstable();
    offsets.dedup();
    let mut places = BTreeMap::new();
    let (mut line, mut column, mut at) = (1, 1, 0);
    for offset in offsets {
        for character in text.get(at..offset).unwrap_or_default().chars() {
            (line, column) = match character {
                '\n' => (line + 1, 1),
                _ => (line, column + 1),
            };
        }
        at = offset;
        places.insert(offset, (line, column));
    }
    let span = |(pointer, start, end)| {
        let (line, column) = *places.get(&start)?;
        let (end_line, end_column) = *places.get(&end)?;
        let span = Span {
            start,
            end,
            line,
            column,
            end_line,
            end_column,
        };
        Some((pointer, span))
    };
    found.into_iter().filter_map(span).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str =
        "{\n  \"é\": [1, {\"a/b\": \"x\"}],\n  \"m~n\": {\"k\": 1, \"k\": 2},\n  \"z\": 0\n}\n";

    fn found(pointer: &str) -> Option<(&'static str, usize, usize)> {
        let span = locate(TEXT.as_bytes(), pointer)?;
        Some((TEXT.get(span.start..span.end)?, span.line, span.column))
    }

    #[test]
    fn values_are_found_where_they_stand() {
        assert_eq!(found("/é/0"), Some(("1", 2, 9)));
        assert_eq!(found("/é/1/a~1b"), Some(("\"x\"", 2, 20)));
        assert_eq!(
            found("/m~0n"),
            Some(("{\"k\": 1, \"k\": 2}", 3, 10)),
            "`~0` is `~`"
        );
        assert_eq!(found("/z"), Some(("0", 4, 8)));
        let whole = locate(TEXT.as_bytes(), "").unwrap();
        assert_eq!((whole.line, whole.end_line, whole.end_column), (1, 5, 2));
    }

    #[test]
    fn what_is_not_there_or_there_twice_has_no_place() {
        for pointer in ["/q", "/é/2", "/é/01", "/é/+1", "/z/0", "/m~0n/k", "z", "/"] {
            assert_eq!(found(pointer), None, "{pointer}");
        }
        assert_eq!(locate(b"{\"a\": ", "/a"), None);
        assert_eq!(locate(b"\xff", ""), None);
        let deep = "[".repeat(100_000);
        assert_eq!(locate(deep.as_bytes(), "/0"), None);
    }

    #[test]
    fn many_are_found_as_each_alone() {
        let pointers = ["/z", "/é/1/a~1b", "/é", "", "/nothing"];
        let all = locate_all(TEXT.as_bytes(), pointers);
        assert_eq!(all.len(), 4);
        for pointer in pointers {
            assert_eq!(all.get(pointer).copied(), locate(TEXT.as_bytes(), pointer));
        }
    }
}
