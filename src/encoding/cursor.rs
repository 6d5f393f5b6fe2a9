//! A strict reader that moves over JSON text once and builds nothing.
//!
//! It is the quick way beside [`parse`](super::parse), for metadata of millions of artifacts: who
//! reads with it takes slices of the text. It knows less than RFC 8259 on purpose. Objects must have
//! their keys in ascending order, so that no key can stand twice; numbers are integers of at most
//! 18 digits, and not `-0`. What it does not know it answers with `None`, whether that
//! is an error or only unusual: the caller then reads the whole with `parse`, which decides. What it
//! accepts, `parse` accepts, and they see the same in it; the tests hold both against each other.
//!
//! It reads two writings: JSON, and the canonical form of [`canonical`](super::canonical), in which
//! only `"` and `\` are escaped and everything else in a string stands for itself.

use std::borrow::Cow;

use memchr::memchr2;

use super::{MAX_DEPTH, Number, Object, Value};

/// How many digits a number may have here: every integer of so many fits 64 bits.
pub(super) const QUICK_DIGITS: usize = 18;

/// How strings are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// As RFC 8259 has it.
    Json,
    /// As canonical JSON has it.
    Canonical,
}

/// A place in a text.
#[derive(Clone, Debug)]
pub struct Cursor<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    writing: Writing,
    /// Whether all that was read so far is written as canonical JSON.
    canonical: bool,
}

/// A string in a text, between its quotes.
#[derive(Clone, Copy, Debug)]
pub struct Text<'t> {
    raw: &'t str,
    start: usize,
    escaped: bool,
}

impl<'t> Text<'t> {
    /// The string without its escapes.
    pub fn decoded(&self) -> Cow<'t, str> {
        if !self.escaped {
            return Cow::Borrowed(self.raw);
        }
        let mut text = String::with_capacity(self.raw.len());
        let mut rest = self.raw;
        while let Some((plain, escape)) = rest.split_once('\\') {
            text.push_str(plain);
            let Some((character, length)) = unescape(escape.as_bytes()) else {
                break;
            };
            text.push(character);
            rest = escape.get(length..).unwrap_or_default();
        }
        text.push_str(rest);
        Cow::Owned(text)
    }

    /// The string and where it starts, if it stands in the text as it is.
    pub fn verbatim(&self) -> Option<(&'t str, usize)> {
        (!self.escaped).then_some((self.raw, self.start))
    }

    fn is_before(&self, other: &Self) -> bool {
        if self.escaped || other.escaped {
            self.decoded() < other.decoded()
        } else {
            self.raw < other.raw
        }
    }
}

impl<'t> Cursor<'t> {
    /// At the start of a text.
    pub fn new(text: &'t str, writing: Writing) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
            writing,
            canonical: true,
        }
    }

    /// How many bytes were read.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Begins to watch whether what is read is written canonically.
    pub fn watch(&mut self) {
        self.canonical = true;
    }

    /// Whether what was read since [`Self::watch`] is canonical JSON as it stands.
    pub fn is_canonical(&self) -> bool {
        self.canonical
    }

    /// Passes over white space.
    pub fn space(&mut self) {
        let rest = self.rest();
        let space = |byte: &u8| matches!(byte, b' ' | b'\n' | b'\r' | b'\t');
        let length = rest.iter().position(|byte| !space(byte));
        let length = length.unwrap_or(rest.len());
        self.canonical &= length == 0;
        self.at += length;
    }

    /// The end of the text: nothing but white space is left.
    pub fn end(&mut self) -> Option<()> {
        self.space();
        self.rest().is_empty().then_some(())
    }

    /// The next byte, not passed.
    pub fn peek(&self) -> Option<u8> {
        self.rest().first().copied()
    }

    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.rest()
            .starts_with(word.as_bytes())
            .then(|| self.at += word.len())
    }

    /// A string.
    pub fn string(&mut self) -> Option<Text<'t>> {
        self.take(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            let rest = self.rest();
            let length = memchr2(b'"', b'\\', rest)?;
            let (plain, tail) = rest.split_at_checked(length)?;
            if self.writing == Writing::Json && has_control(plain) {
                return None;
            }
            self.at += length + 1;
            let (first, escape) = tail.split_first()?;
            if *first == b'"' {
                let raw = self.text.get(start..self.at - 1)?;
                return Some(Text {
                    raw,
                    start,
                    escaped,
                });
            }
            escaped = true;
            let known = matches!(escape.first(), Some(b'"' | b'\\'));
            if !known && self.writing == Writing::Canonical {
                return None;
            }
            self.canonical &= known;
            let (_, length) = unescape(escape)?;
            self.at += length;
        }
    }

    /// An object whose keys ascend: `each` is called behind the colon of every member and reads its
    /// value.
    pub fn object(
        &mut self,
        mut each: impl FnMut(&mut Self, Text<'t>) -> Option<()>,
    ) -> Option<()> {
        let mut before: Option<Text<'t>> = None;
        self.members(|cursor, key| {
            if before.is_some_and(|before| !before.is_before(&key)) {
                return None;
            }
            before = Some(key);
            each(cursor, key)
        })
    }

    /// An object whose keys may stand in any order, and twice: for the caller to look after.
    pub fn members(
        &mut self,
        mut each: impl FnMut(&mut Self, Text<'t>) -> Option<()>,
    ) -> Option<()> {
        self.listed(b'{', b'}', |cursor| {
            let key = cursor.string()?;
            cursor.space();
            cursor.take(b':')?;
            cursor.space();
            each(cursor, key)
        })
    }

    /// An array; `each` reads an element.
    pub fn array(&mut self, each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        self.listed(b'[', b']', each)
    }

    fn listed(
        &mut self,
        open: u8,
        close: u8,
        mut each: impl FnMut(&mut Self) -> Option<()>,
    ) -> Option<()> {
        self.take(open)?;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return None;
        }
        self.space();
        if self.take(close).is_none() {
            loop {
                each(self)?;
                self.space();
                if self.take(b',').is_none() {
                    break;
                }
                self.space();
            }
            self.take(close)?;
        }
        self.depth -= 1;
        Some(())
    }

    /// Passes over one value of any kind.
    pub fn value(&mut self) -> Option<()> {
        match self.peek()? {
            b'{' => self.object(|cursor, _| cursor.value()),
            b'[' => self.array(Self::value),
            b'"' => self.string().map(drop),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.integer().map(drop),
        }
    }

    /// One value as a tree.
    pub fn tree(&mut self) -> Option<Value> {
        Some(match self.peek()? {
            b'{' => {
                let mut members = Vec::new();
                self.object(|cursor, key| {
                    members.push((key.decoded().into_owned(), cursor.tree()?));
                    Some(())
                })?;
                Value::Object(Object::from_members(members).ok()?)
            }
            b'[' => {
                let mut items = Vec::new();
                self.array(|cursor| {
                    items.push(cursor.tree()?);
                    Some(())
                })?;
                Value::Array(items)
            }
            b'"' => Value::String(self.string()?.decoded().into_owned()),
            b't' => self.word("true").map(|()| Value::Bool(true))?,
            b'f' => self.word("false").map(|()| Value::Bool(false))?,
            b'n' => self.word("null").map(|()| Value::Null)?,
            _ => Value::Number(Number(self.integer()?.to_owned())),
        })
    }

    /// An integer. What follows it is for the caller: no value ends in the middle of a number.
    fn integer(&mut self) -> Option<&'t str> {
        let rest = self.rest();
        let sign = usize::from(rest.first() == Some(&b'-'));
        let digits = rest.get(sign..)?;
        let length = digits.iter().position(|byte| !byte.is_ascii_digit());
        let length = length.unwrap_or(digits.len());
        let zero = digits.first() == Some(&b'0');
        if length == 0 || length > QUICK_DIGITS || (zero && (length > 1 || sign > 0)) {
            return None;
        }
        let start = self.at;
        self.at += sign + length;
        self.text.get(start..self.at)
    }
}

/// Control characters end no string in RFC 8259 and must be escaped.
fn has_control(bytes: &[u8]) -> bool {
    // Without a branch for each byte: the compiler then compares many at once.
    bytes
        .iter()
        .fold(false, |found, byte| found | (*byte < b' '))
}

/// The character that an escape stands for, and how many bytes it has behind its `\`.
pub(super) fn unescape(escape: &[u8]) -> Option<(char, usize)> {
    let character = match escape.first()? {
        byte @ (b'"' | b'\\' | b'/') => char::from(*byte),
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'u' => return unescape_unicode(escape),
        _ => return None,
    };
    Some((character, 1))
}

/// `uHHHH`, or two of them where the first is the high half of a pair.
fn unescape_unicode(escape: &[u8]) -> Option<(char, usize)> {
    let unit = |at: usize| {
        let digits = escape.get(at..at + 4)?;
        digits.iter().try_fold(0, |unit: u32, digit| {
            Some(unit << 4 | char::from(*digit).to_digit(16)?)
        })
    };
    let high = unit(1)?;
    if !(0xd800..0xdc00).contains(&high) {
        // `from_u32` refuses the low half of a pair that stands alone.
        return Some((char::from_u32(high)?, 5));
    }
    let low = unit(7).filter(|low| (0xdc00..0xe000).contains(low))?;
    let paired = escape.get(5..7)? == b"\\u";
    let character = char::from_u32(0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00))?;
    paired.then_some((character, 11))
}
