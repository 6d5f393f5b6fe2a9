//! The one JSON reader. `serde_json` scans; what it would let through in silence (equal keys, lost
//! digits) is refused or kept here.
//!
//! Each container is scanned once for itself and once for every container around it, so that the
//! text of every number can be kept; [`MAX_DEPTH`] bounds that, and is checked first.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{Number, Object, Value};

/// How deep arrays and objects may nest. In-toto metadata needs fewer than ten levels; the
/// reference stops near a thousand, by accident of its language.
pub const MAX_DEPTH: usize = 128;

/// How many digits an integer may have: the reference's own limit. A fraction is held to it as a
/// whole.
pub const MAX_DIGITS: usize = 4300;

/// How many characters are shown of what looks like a page and not like JSON.
const SHOWN_OF_MARKUP: usize = 32;

/// Why bytes are not a JSON value that can be used. Lines and columns count from 1, columns in bytes.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// Not UTF-8.
    #[error("the text is not UTF-8 (byte {at})")]
    NotUtf8 {
        /// Offset of the first bad byte.
        at: usize,
    },
    /// Not JSON.
    #[error("the text is not JSON: {what} at line {line} column {column}")]
    NotJson {
        /// What the scanner found.
        what: String,
        /// Where.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// A key stands twice in one object; readers disagree about which counts.
    #[error("the key `{}` occurs twice in one object, again at line {line} column {column}", key.escape_debug())]
    DuplicateKey {
        /// The key.
        key: String,
        /// Where its second value stands.
        line: usize,
        /// Where in the line.
        column: usize,
    },
    /// Nested beyond [`MAX_DEPTH`].
    #[error("the text is nested more than {MAX_DEPTH} levels deep")]
    TooDeep,
    /// An integer beyond [`MAX_DIGITS`].
    #[error("a number has more than {MAX_DIGITS} digits")]
    TooManyDigits,
}

/// Reads one JSON value and nothing after it.
///
/// # Errors
/// See [`ReadError`].
pub fn parse(bytes: &[u8]) -> Result<Value, ReadError> {
    let text = std::str::from_utf8(bytes).map_err(|error| ReadError::NotUtf8 {
        at: error.valid_up_to(),
    })?;
    if nested_too_deep(text) {
        return Err(ReadError::TooDeep);
    }
    let reader = Reader { text };
    let raw: &RawValue = reader.scan(text)?;
    reader.value(raw.get())
}

/// Whether more than [`MAX_DEPTH`] brackets are open at once. One pass, before anything descends.
pub(super) fn nested_too_deep(text: &str) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for byte in text.bytes() {
        match (in_string, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_string = !in_string,
            (false, b'[' | b'{') => depth += 1,
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return true;
        }
    }
    false
}

/// Reads the parts of one text, and knows where in it they stand.
struct Reader<'a> {
    text: &'a str,
}

impl<'a> Reader<'a> {
    fn value(&self, part: &'a str) -> Result<Value, ReadError> {
        Ok(match part.as_bytes().first() {
            Some(b'{') => Value::Object(self.object(part)?),
            Some(b'[') => {
                let items: Vec<&RawValue> = self.scan(part)?;
                let items = items.iter().map(|item| self.value(item.get()));
                Value::Array(items.collect::<Result<_, _>>()?)
            }
            Some(b'"') => Value::String(self.scan(part)?),
            Some(b't' | b'f') => Value::Bool(self.scan(part)?),
            Some(b'n') => Value::Null,
            Some(_) | None if part.trim_start_matches('-').len() > MAX_DIGITS => {
                return Err(ReadError::TooManyDigits);
            }
            Some(_) | None => Value::Number(Number(part.to_owned())),
        })
    }

    fn object(&self, part: &'a str) -> Result<Object, ReadError> {
        let Members(raw) = self.scan(part)?;
        let mut members = Vec::with_capacity(raw.len());
        for (key, item) in &raw {
            members.push((key.clone().into_owned(), self.value(item.get())?));
        }
        Object::from_members(members).map_err(|key| {
            let again = raw.iter().filter(|(known, _)| *known == key).nth(1);
            let (line, column) = self.place(again.map_or(part, |(_, item)| item.get()), 0);
            ReadError::DuplicateKey { key, line, column }
        })
    }

    /// Lets `serde_json` read a part of the text.
    fn scan<T: Deserialize<'a>>(&self, part: &'a str) -> Result<T, ReadError> {
        serde_json::from_str(part).map_err(|error| {
            let before = part
                .split_inclusive('\n')
                .take(error.line().saturating_sub(1));
            let offset = before.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
            let (line, column) = self.place(part, offset);
            let what = self.found(&error);
            ReadError::NotJson { what, line, column }
        })
    }

    /// What is wrong, in words that people use of files.
    fn found(&self, error: &serde_json::Error) -> String {
        let text = self.text.trim_start();
        if text.is_empty() {
            return "there is nothing in it".to_owned();
        }
        if error.is_eof() {
            return "it is cut off, it ends".to_owned();
        }
        if text.starts_with('<') {
            let start: String = text.chars().take(SHOWN_OF_MARKUP).collect();
            return format!(
                "it looks like HTML or XML, it begins with `{}…`",
                start.escape_debug()
            );
        }
        let what = error.to_string();
        what.split(" at line ")
            .next()
            .unwrap_or_default()
            .to_owned()
    }

    /// Line and column of a byte of a part of the text.
    fn place(&self, part: &str, offset: usize) -> (usize, usize) {
        let at = (part.as_ptr().addr())
            .saturating_sub(self.text.as_ptr().addr())
            .saturating_add(offset);
        let before = self
            .text
            .as_bytes()
            .get(..at)
            .unwrap_or(self.text.as_bytes());
        let lines = before.split(|byte| *byte == b'\n');
        let (count, last) = lines.fold((0, 0), |(count, _), line| (count + 1, line.len()));
        (count, last + 1)
    }
}

/// The members of one object in the order of the text, equal keys kept.
pub(super) struct Members<'a>(pub(super) Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MembersVisitor)
    }
}

struct MembersVisitor;

impl<'de> Visitor<'de> for MembersVisitor {
    type Value = Members<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Vec::new();
        while let Some(Key(key)) = map.next_key()? {
            members.push((key, map.next_value()?));
        }
        Ok(Members(members))
    }
}

/// An object's key, borrowed where the text has no escapes in it.
struct Key<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Key<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(KeyVisitor)
    }
}

struct KeyVisitor;

impl<'de> Visitor<'de> for KeyVisitor {
    type Value = Key<'de>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Key<'de>, E> {
        Ok(Key(Cow::Owned(text.to_owned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_keys_are_refused_at_any_depth_and_however_escaped() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"x":{"a":1,"\u0061":2}}]"#] {
            let found = parse(text.as_bytes());
            assert!(matches!(found, Err(ReadError::DuplicateKey { key, .. }) if key == "a"));
        }
    }

    #[test]
    fn numbers_keep_their_text() {
        for text in ["0", "-0", "18446744073709551616", "1.50", "1e400"] {
            assert_eq!(
                parse(text.as_bytes()).unwrap(),
                Value::Number(Number(text.into()))
            );
        }
    }

    #[test]
    fn an_object_that_looks_like_a_scanners_number_stays_an_object() {
        let value = parse(br#"{"$serde_json::private::Number":"1"}"#).unwrap();
        assert!(value.as_object().is_some());
        let value = parse(br#"{"$serde_json::private::RawValue":"1"}"#).unwrap();
        assert!(value.as_object().is_some());
    }

    #[test]
    fn what_json_does_not_allow_is_refused() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "+1",
            ".5",
            "1.",
            "NaN",
            "Infinity",
            "tru",
            "\"\\ud800\"",
            "\"\\ud800\\u0041\"",
            "\"\n\"",
            "1 2",
            "{} x",
            "'a'",
            "\u{feff}{}",
            "// x\n1",
        ] {
            assert!(
                matches!(parse(text.as_bytes()), Err(ReadError::NotJson { .. })),
                "{text:?}"
            );
        }
        assert!(matches!(
            parse(b"\"\xff\""),
            Err(ReadError::NotUtf8 { at: 1 })
        ));
    }

    #[test]
    fn the_place_counts_from_the_beginning_of_the_whole_text() {
        let place = |text: &str| match parse(text.as_bytes()) {
            Err(
                ReadError::NotJson { line, column, .. }
                | ReadError::DuplicateKey { line, column, .. },
            ) => (line, column),
            other => panic!("{other:?}"),
        };
        assert_eq!(place("{\n \"a\": tru }"), (2, 10));
        assert_eq!(place("[\n [\"x\",\n  \"\\ud800\"]]").0, 3);
        assert_eq!(place("{\"a\": {\"b\": 1,\n \"b\": 2}}"), (2, 7));
    }

    #[test]
    fn nesting_and_digits_are_limited() {
        let nested = |levels: usize| [vec![b'['; levels], vec![b']'; levels]].concat();
        assert!(parse(&nested(MAX_DEPTH)).is_ok());
        assert!(matches!(
            parse(&nested(MAX_DEPTH + 1)),
            Err(ReadError::TooDeep)
        ));
        assert!(matches!(parse(&nested(1_000_000)), Err(ReadError::TooDeep)));
        let text = format!("\"{}\\\"{}\"", "[".repeat(1000), "{".repeat(1000));
        assert!(parse(text.as_bytes()).is_ok());
        assert!(parse("9".repeat(MAX_DIGITS).as_bytes()).is_ok());
        assert!(parse(format!("-{}", "9".repeat(MAX_DIGITS)).as_bytes()).is_ok());
        assert!(matches!(
            parse("9".repeat(MAX_DIGITS + 1).as_bytes()),
            Err(ReadError::TooManyDigits)
        ));
    }
}
