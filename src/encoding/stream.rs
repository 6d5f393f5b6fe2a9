//! Canonical JSON of a large value without a tree of it: the received text is checked in one pass
//! and compacted in another, where it stands.
//!
//! The canonical form of a value is never longer than any other writing of it: white space goes, an
//! escape becomes shorter or stays. So no second buffer is needed, and the received bytes do not
//! stay beside it. That holds for text that [`Cursor`] has accepted: there the keys are in order and
//! the numbers stay as they are. Text that already is canonical is not touched at all.

use std::ops::Range;

use memchr::memchr2;

use super::cursor::{Cursor, Writing, unescape};
use super::{Object, Value, canonical};

/// Where the canonical form of a value is in a text, and what else was found there.
#[derive(Debug)]
pub struct Compacted {
    /// The text that has the canonical form in it.
    pub text: String,
    /// Where.
    pub range: Range<usize>,
}

/// Makes the canonical form of the value that stands at `range`, in place; what stood around it
/// is gone. The range must be one that a [`Cursor`] passed over with [`Cursor::value`]; `canonical`
/// is what it said about it. `None` does not happen to such a text.
pub fn compact_in_place(text: String, range: Range<usize>, canonical: bool) -> Option<Compacted> {
    if canonical {
        return Some(Compacted { text, range });
    }
    let mut writer = Compactor {
        bytes: text.into_bytes(),
        read: range.start,
        end: range.end,
        written: 0,
    };
    while writer.read < writer.end {
        writer.token()?;
    }
    let Compactor {
        mut bytes, written, ..
    } = writer;
    bytes.truncate(written);
    bytes.shrink_to_fit();
    let text = String::from_utf8(bytes).ok()?;
    Some(Compacted {
        range: 0..text.len(),
        text,
    })
}

struct Compactor {
    bytes: Vec<u8>,
    read: usize,
    end: usize,
    /// Never beyond `read`.
    written: usize,
}

impl Compactor {
    fn token(&mut self) -> Option<()> {
        match *self.bytes.get(self.read)? {
            b' ' | b'\n' | b'\r' | b'\t' => self.read += 1,
            b'"' => self.string()?,
            other => {
                *self.bytes.get_mut(self.written)? = other;
                self.read += 1;
                self.written += 1;
            }
        }
        Some(())
    }

    fn string(&mut self) -> Option<()> {
        // From the quote on, which is copied with what follows it.
        let mut plain = 1;
        loop {
            let from = self.bytes.get(self.read + plain..self.end)?;
            let length = plain + memchr2(b'"', b'\\', from)?;
            let quote = self.bytes.get(self.read + length) == Some(&b'"');
            self.keep(length + usize::from(quote));
            if quote {
                return Some(());
            }
            let (character, length) = unescape(self.bytes.get(self.read + 1..self.end)?)?;
            self.read += 1 + length;
            if matches!(character, '"' | '\\') {
                self.put("\\")?;
            }
            self.put(character.encode_utf8(&mut [0; 4]))?;
            plain = 0;
        }
    }

    /// Moves so many bytes as they are.
    fn keep(&mut self, length: usize) {
        if self.written != self.read {
            self.bytes
                .copy_within(self.read..self.read + length, self.written);
        }
        self.read += length;
        self.written += length;
    }

    fn put(&mut self, text: &str) -> Option<()> {
        let end = self.written + text.len();
        self.bytes
            .get_mut(self.written..end)?
            .copy_from_slice(text.as_bytes());
        self.written = end;
        Some(())
    }
}

/// The canonical form of a JSON text by the quick way: `None` where that does not know the text.
#[cfg(test)]
fn canonical_text(text: &str) -> Option<String> {
    let mut cursor = Cursor::new(text, Writing::Json);
    cursor.space();
    let start = cursor.position();
    cursor.watch();
    cursor.value()?;
    let (range, canonical) = (start..cursor.position(), cursor.is_canonical());
    cursor.end()?;
    let compacted = compact_in_place(text.to_owned(), range, canonical)?;
    Some(compacted.text.get(compacted.range)?.to_owned())
}

/// The value that a text has which a [`Cursor`] has accepted before; `null` for any other text,
/// which is no layout and no link.
pub fn accepted_value(text: &str, writing: Writing) -> Value {
    let mut cursor = Cursor::new(text, writing);
    cursor.space();
    cursor.tree().unwrap_or(Value::Null)
}

/// Appends the canonical form of an object, for those who write the rest of a document themselves.
///
/// # Errors
/// As [`canonical`].
pub fn append_canonical(object: &Object, out: &mut Vec<u8>) -> Result<(), super::CanonicalError> {
    // Objects that are written so are small: what a command left behind, what was said of it.
    out.extend(canonical(&Value::Object(object.clone()))?);
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::encoding::{Number, compact, indented, parse};

    /// Values of every kind, with names that are awkward to write.
    fn values() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i64>().prop_map(Value::from),
            "[-]?[0-9]{1,3}([.][0-9])?".prop_map(|text| Value::Number(Number(text))),
            texts().prop_map(Value::String),
        ];
        leaf.prop_recursive(4, 32, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
                prop::collection::vec((texts(), inner), 0..5)
                    .prop_map(|members| Value::Object(members.into_iter().collect())),
            ]
        })
    }

    fn texts() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-c\"\\\\/]{0,4}",
            "[ -~\u{0}-\u{1f}é\u{1F600}\u{7f}]{0,6}",
            any::<String>()
        ]
    }

    /// What the quick way says must be what the tree says; and for what the reference writes, it
    /// must not give up but for numbers.
    fn judge(text: &str) -> Result<(), TestCaseError> {
        let Some(quick) = canonical_text(text) else {
            return Ok(());
        };
        let value = parse(text.as_bytes());
        prop_assert!(value.is_ok(), "{text:?} is refused by the tree");
        let value = value.unwrap();
        prop_assert_eq!(quick.clone().into_bytes(), canonical(&value).unwrap());
        prop_assert_eq!(accepted_value(text, Writing::Json), value.clone());
        prop_assert_eq!(accepted_value(&quick, Writing::Canonical), value);
        Ok(())
    }

    proptest! {
        #[test]
        fn the_quick_way_says_what_the_tree_says(value in values()) {
            let (wide, narrow) = (indented(&value), compact(&value));
            judge(&wide)?;
            judge(&narrow)?;
            let plain = |text: &str| !text.contains(['.', '-', '0']);
            if canonical(&value).is_ok() && plain(&narrow) && narrow.len() < 200 {
                let short = narrow.split(|c: char| !c.is_ascii_digit()).all(|n| n.len() < 18);
                prop_assert!(!short || canonical_text(&wide).is_some(), "{}", wide);
            }
        }

        #[test]
        fn damaged_text_is_never_read_otherwise(
            value in values(), at in any::<prop::sample::Index>(), byte in "[\\[\\]{},:\"\\\\0-9a-f. \n-]",
        ) {
            let text: Vec<char> = indented(&value).chars().collect();
            let at = at.index(text.len());
            let before: String = text[..at].iter().collect();
            let after: String = text[at + 1..].iter().collect();
            judge(&format!("{before}{byte}{after}"))?;
            judge(&format!("{before}{after}"))?;
            judge(&before)?;
        }

        #[test]
        fn a_canonical_text_is_left_as_it_is(value in values()) {
            if let Ok(bytes) = canonical(&value) {
                let text = String::from_utf8(bytes).unwrap();
                if let Some(again) = canonical_text(&text) {
                    prop_assert_eq!(again, text);
                }
            }
        }
    }

    #[test]
    fn what_is_unusual_is_left_to_the_tree() {
        for text in [
            r#"{"b":1,"a":2}"#,
            r#"{"a":1,"a":2}"#,
            r#"{"a":1,"\u0061":2}"#,
            "-0",
            "1.0",
            "1e2",
            "01",
            "1234567890123456789",
            "\"\\ud800\"",
            "\"\\udc00\"",
            "\"\\ud800\\u0041\"",
            "\"\\x\"",
            "\"\n\"",
            "[1,]",
            "[1 2]",
            "1 2",
            "",
            "tru",
            "{\"a\"}",
        ] {
            assert_eq!(canonical_text(text), None, "{text}");
        }
        let nested = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        assert!(canonical_text(&nested(super::super::MAX_DEPTH)).is_some());
        assert!(canonical_text(&nested(super::super::MAX_DEPTH + 1)).is_none());
    }
}
