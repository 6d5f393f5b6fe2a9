//! The pattern of a rule: Python's `fnmatch` on POSIX, case-sensitive, over code points
//! (in-toto specification 4.3.3 leaves the kind of pattern open; the reference settled it).
//!
//! `*` matches any characters, `/` and line ends included; `?` exactly one; `[…]` one of a class,
//! `[!…]` one outside it. Nothing escapes. A class that is never closed is literal text, and an
//! odd class means exactly what Python's translation to a regular expression makes of it.

mod cover;

use std::fmt;

use regex_syntax::hir::{Class as HirClass, ClassUnicode, ClassUnicodeRange, Dot, Hir, Repetition};

/// A pattern, compiled once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    tokens: Vec<Token>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// This character.
    Literal(char),
    /// One character that passes the test.
    One(Class),
    /// Any number of any characters.
    Star,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
}

impl Class {
    const fn any() -> Self {
        Self {
            negated: true,
            ranges: Vec::new(),
        }
    }

    fn tree(&self) -> ClassUnicode {
        let ordered = self.ranges.iter().filter(|(low, high)| low <= high);
        let range = |(low, high): &(char, char)| ClassUnicodeRange::new(*low, *high);
        let mut class = ClassUnicode::new(ordered.map(range));
        if self.negated {
            class.negate();
        }
        class
    }

    /// The ranges inside, or, of a negated class, outside of it.
    pub(super) fn ranges(&self) -> &[(char, char)] {
        &self.ranges
    }

    pub(super) fn contains(&self, character: char) -> bool {
        let inside = self
            .ranges
            .iter()
            .any(|(low, high)| (*low..=*high).contains(&character));
        inside != self.negated
    }
}

impl Pattern {
    /// Compiles a pattern. Every text is one.
    pub fn new(text: &str) -> Self {
        let characters: Vec<char> = text.chars().collect();
        let mut tokens = Vec::new();
        let mut rest = characters.as_slice();
        while let Some((first, after)) = rest.split_first() {
            rest = after;
            match first {
                '*' if tokens.last() == Some(&Token::Star) => {}
                '*' => tokens.push(Token::Star),
                '?' => tokens.push(Token::One(Class::any())),
                '[' => match class_end(after) {
                    Some((inside, behind)) => {
                        tokens.push(Token::One(class(inside)));
                        rest = behind;
                    }
                    None => tokens.push(Token::Literal('[')),
                },
                _ => tokens.push(Token::Literal(*first)),
            }
        }
        Self {
            text: text.to_owned(),
            tokens,
        }
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether the whole name matches.
    pub fn matches(&self, name: &str) -> bool {
        let (mut tokens, mut rest) = (self.tokens.as_slice(), name.chars());
        // Where to go on when the last star has to take one more character. An earlier star never
        // needs to take more: what follows it was matched as early as possible.
        let mut retry: Option<(&[Token], std::str::Chars<'_>)> = None;
        loop {
            match tokens.split_first() {
                Some((Token::Star, behind)) => {
                    tokens = behind;
                    retry = Some((behind, rest.clone()));
                    continue;
                }
                Some((token, behind))
                    if rest.clone().next().is_some_and(|next| token.takes(next)) =>
                {
                    rest.next();
                    tokens = behind;
                    continue;
                }
                Some(_) => {}
                None if rest.as_str().is_empty() => return true,
                None => {}
            }
            let Some((behind, from)) = &mut retry else {
                return false;
            };
            if from.next().is_none() {
                return false;
            }
            tokens = behind;
            rest = from.clone();
        }
    }
}

/// What a pattern is about, where that can be seen in an ordered list of names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `*`
    Everything,
    /// This name.
    Exactly(String),
    /// Names that start so, `start*`.
    StartingWith(String),
    /// Names must be looked at one by one.
    Other,
}

impl Pattern {
    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    pub(super) fn shape(&self) -> Shape {
        let (literal, last) = match self.tokens.split_last() {
            Some((Token::Star, before)) => (before, true),
            _ => (self.tokens.as_slice(), false),
        };
        let mut text = String::new();
        for token in literal {
            let Token::Literal(character) = token else {
                return Shape::Other;
            };
            text.push(*character);
        }
        match (last, text.is_empty()) {
            (true, true) => Shape::Everything,
            (true, false) => Shape::StartingWith(text),
            (false, _) => Shape::Exactly(text),
        }
    }

    /// The pattern as a syntax tree that matches the same names from start to end.
    pub(super) fn tree(&self) -> Hir {
        let tree = |token: &Token| match token {
            Token::Literal(character) => Hir::literal(character.to_string().into_bytes()),
            Token::One(class) => Hir::class(HirClass::Unicode(class.tree())),
            Token::Star => Hir::repetition(Repetition {
                min: 0,
                max: None,
                greedy: true,
                sub: Box::new(Hir::dot(Dot::AnyByte)),
            }),
        };
        Hir::concat(self.tokens.iter().map(tree).collect())
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}

impl Token {
    pub(super) fn takes(&self, character: char) -> bool {
        match self {
            Self::Literal(literal) => *literal == character,
            Self::One(class) => class.contains(character),
            Self::Star => false,
        }
    }
}

/// Splits what follows a `[` into the inside of the class and what is behind its `]`; `None` when
/// the class is never closed. A `]` at the very start, or after a `!` there, is a member.
fn class_end(after: &[char]) -> Option<(&[char], &[char])> {
    let negated = usize::from(after.first() == Some(&'!'));
    let skipped = negated + usize::from(after.get(negated) == Some(&']'));
    let length = after.get(skipped..)?.iter().position(|c| *c == ']')?;
    let (inside, behind) = after.split_at_checked(skipped + length)?;
    Some((inside, behind.get(1..)?))
}

/// A class as Python understands it. Python cuts the inside into chunks at the hyphens that make
/// ranges, drops the ends of ranges that run backwards, and only then looks at the first character
/// for a `!`; so `[z-a]` never matches and `[!z-a]` and even `[z-a!]` match everything.
fn class(inside: &[char]) -> Class {
    let mut chunks = chunks(inside);
    for at in (1..chunks.len()).rev() {
        let backwards = match (chunks.get(at - 1), chunks.get(at)) {
            (Some(left), Some(right)) => left.last() > right.first(),
            _ => false,
        };
        if backwards {
            let right = chunks.remove(at);
            if let Some(left) = chunks.get_mut(at - 1) {
                left.pop();
                left.extend(right.into_iter().skip(1));
            }
        }
    }
    let mut parts: Vec<Part> = Vec::new();
    for (at, chunk) in chunks.into_iter().enumerate() {
        if at > 0 {
            parts.push(Part::RangeHyphen);
        }
        parts.extend(chunk.into_iter().map(Part::Character));
    }
    let negated = parts.first() == Some(&Part::Character('!'));
    Class {
        negated,
        ranges: ranges(parts.get(usize::from(negated)..).unwrap_or_default()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Character(char),
    RangeHyphen,
}

/// The chunks between hyphens that make ranges: a hyphen does not at the very start, after a
/// leading `!`, at the end, or directly behind the end of a range.
fn chunks(inside: &[char]) -> Vec<Vec<char>> {
    let mut chunks: Vec<Vec<char>> = Vec::new();
    let mut start = 0;
    let mut from = if inside.first() == Some(&'!') { 2 } else { 1 };
    while let Some(tail) = inside.get(from..)
        && let Some(offset) = tail.iter().position(|c| *c == '-')
    {
        let hyphen = from + offset;
        chunks.push(inside.get(start..hyphen).unwrap_or_default().to_vec());
        start = hyphen + 1;
        from = hyphen + 3;
    }
    let last = inside.get(start..).unwrap_or_default().to_vec();
    match chunks.last_mut() {
        Some(previous) if last.is_empty() => previous.push('-'),
        _ => chunks.push(last),
    }
    chunks
}

fn ranges(mut parts: &[Part]) -> Vec<(char, char)> {
    let mut ranges = Vec::new();
    loop {
        match parts {
            [
                Part::Character(low),
                Part::RangeHyphen,
                Part::Character(high),
                rest @ ..,
            ] => {
                ranges.push((*low, *high));
                parts = rest;
            }
            [Part::Character(single), rest @ ..] => {
                ranges.push((*single, *single));
                parts = rest;
            }
            // Only where the start of the range was taken for the sign of negation.
            [Part::RangeHyphen, rest @ ..] => {
                ranges.push(('-', '-'));
                parts = rest;
            }
            [] => return ranges,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Pattern::new(pattern).matches(name)
    }

    #[test]
    fn star_crosses_everything() {
        for name in ["", "a", "a/b", ".a", "a\nb", "😀"] {
            assert!(matches("*", name) && matches("**", name), "{name:?}");
        }
        assert!(matches("a*b*c", "a/xbbyc") && !matches("a*b*c", "acb"));
        assert!(matches("*.c", ".c") && !matches("*.c", "x.cc"));
        assert!(matches("a*ab", "aaab") && matches("*ab*ab", "abxabab"));
    }

    #[test]
    fn question_mark_takes_one_code_point() {
        assert!(matches("?", "😀") && matches("?", "/") && matches("?", "\n"));
        assert!(!matches("?", "e\u{301}") && !matches("?", ""));
    }

    #[test]
    fn nothing_escapes_and_braces_are_literal() {
        assert!(matches(r"a\*", r"a\zz") && !matches(r"a\*", "a*"));
        assert!(matches("{a,b}", "{a,b}") && !matches("{a,b}", "a"));
        assert!(matches("a.c+$^", "a.c+$^") && !matches("a.c", "abc"));
    }

    /// Pattern, names it takes, names it does not: measured with Python 3.11.
    const CLASSES: [(&str, &[&str], &[&str]); 27] = [
        ("[!x]", &["y", "/", "\n"], &["x", "", "yy"]),
        ("[^x]", &["^", "x"], &["y"]),
        ("[]a]", &["]", "a"], &["[", "b"]),
        ("[!]a]", &["b"], &["]", "a"]),
        ("[z-a]", &[], &["z", "a", "-", "m"]),
        ("[!z-a]", &["z", "-", "!"], &[""]),
        ("[z-a!]", &["z", "!", "q"], &[""]),
        ("[z-a!-c]", &["z", "a", "!", "b"], &["-", "c"]),
        ("[z-a-c]", &["-", "c"], &["z", "a", "b"]),
        ("[b-a-c]", &["-", "c"], &["a", "b"]),
        ("[a-b-d]", &["a", "b", "-", "d"], &["c"]),
        ("[a-]", &["a", "-"], &["b"]),
        ("[-a]", &["-", "a"], &["b"]),
        ("[--0]", &["-", ".", "/", "0"], &["1", ","]),
        (r"[a\-z]", &["a", "\\", "]", "z", "b"], &["-", "["]),
        ("[[]", &["["], &["]"]),
        ("[a&&b]", &["a", "&", "b"], &["c"]),
        ("[a||b~~]", &["a", "|", "b", "~"], &["c"]),
        ("[!-x]", &["a"], &["-", "x"]),
        ("[", &["["], &["", "[["]),
        ("[a", &["[a"], &["a"]),
        ("[]", &["[]"], &["", "]"]),
        ("[!]", &["[!]"], &["!", "a"]),
        ("foo[", &["foo["], &["foo"]),
        ("[é-ü]", &["é", "ö", "ü"], &["e", "z"]),
        ("[a-c-e]", &["a", "c", "-", "e"], &["d"]),
        ("[!a-c]x", &["dx", "-x"], &["ax", "x"]),
    ];

    #[test]
    fn classes_mean_what_python_makes_of_them() {
        for (pattern, takes, refuses) in CLASSES {
            for name in takes {
                assert!(matches(pattern, name), "{pattern} takes {name:?}");
            }
            for name in refuses {
                assert!(!matches(pattern, name), "{pattern} refuses {name:?}");
            }
        }
    }

    #[test]
    fn many_stars_stay_quick() {
        let pattern = "a*".repeat(200) + "b";
        assert!(!matches(&pattern, &"a".repeat(20_000)));
    }
}
