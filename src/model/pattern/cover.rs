//! How two patterns stand to each other, as far as that is certain.
//!
//! [`Pattern::covers`] says yes only if every name that the other pattern matches is matched by this
//! one; [`Pattern::meets`] says no only if there is no name that both match. Where classes are too
//! odd to tell, and for patterns longer than [`COMPARED_AT_MOST`], the careful answer is given.

use super::{Class, Pattern, Token};

/// How many pairs of tokens are compared at most. Patterns of people have some dozens of tokens.
const COMPARED_AT_MOST: usize = 1 << 16;

impl Pattern {
    /// Whether this pattern certainly matches every name that the other one matches.
    pub fn covers(&self, other: &Self) -> bool {
        if self.tokens.len().saturating_mul(other.tokens.len()) > COMPARED_AT_MOST {
            return self.tokens == other.tokens;
        }
        let (mut own, mut rest) = (self.tokens.as_slice(), other.tokens.as_slice());
        // As in `matches`: the other pattern's tokens are read like the characters of a name, of
        // which only a star of this one takes a star.
        let mut retry: Option<(&[Token], &[Token])> = None;
        loop {
            match (own.split_first(), rest.split_first()) {
                (Some((Token::Star, behind)), _) => {
                    own = behind;
                    retry = Some((behind, rest));
                    continue;
                }
                (Some((one, behind)), Some((next, after))) if one.contains(next) => {
                    (own, rest) = (behind, after);
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            let Some((behind, [_, from @ ..])) = retry else {
                return false;
            };
            retry = Some((behind, from));
            (own, rest) = (behind, from);
        }
    }

    /// Whether there may be a name that both patterns match.
    pub fn meets(&self, other: &Self) -> bool {
        let (own, others) = (self.tokens.as_slice(), other.tokens.as_slice());
        if own.len().saturating_mul(others.len()) > COMPARED_AT_MOST {
            return true;
        }
        if differ(own.iter(), others.iter()) || differ(own.iter().rev(), others.iter().rev()) {
            return false;
        }
        // What the ends from some place on have in common, place by place from behind: `below` is for
        // the token after this one.
        let mut below: Vec<bool> = Vec::new();
        for at in (0..=own.len()).rev() {
            let mut row = vec![false; others.len() + 1];
            for place in (0..=others.len()).rev() {
                let is = |row: &[bool], place: usize| row.get(place).copied().unwrap_or(false);
                let shared = match (own.get(at), others.get(place)) {
                    (None, None) => true,
                    (Some(Token::Star), _) => is(&below, place) || is(&row, place + 1),
                    (own, Some(Token::Star)) => {
                        is(&row, place + 1) || own.is_some() && is(&below, place)
                    }
                    (Some(one), Some(two)) => one.overlaps(two) && is(&below, place + 1),
                    (None, Some(_)) | (Some(_), None) => false,
                };
                if let Some(cell) = row.get_mut(place) {
                    *cell = shared;
                }
            }
            below = row;
        }
        below.first().copied().unwrap_or(false)
    }

    /// Whether every name of an artifact matches, that is, every one but maybe the empty one: `*`, `?*`.
    pub fn is_everything(&self) -> bool {
        let one = |token: &&Token| matches!(token, Token::One(class) if class.is_any());
        let ones = self.tokens.iter().filter(one).count();
        let stars = self.tokens.iter().filter(|token| **token == Token::Star);
        let stars = stars.count();
        stars > 0 && ones <= 1 && ones + stars == self.tokens.len()
    }

    /// The only name that matches, if there is only one.
    pub fn only_name(&self) -> Option<String> {
        let literal = |token: &Token| match token {
            Token::Literal(character) => Some(*character),
            Token::One(_) | Token::Star => None,
        };
        self.tokens.iter().map(literal).collect()
    }

    /// Whether certainly no name of an artifact matches: only the empty one would, or a class has no
    /// members.
    pub fn is_nothing(&self) -> bool {
        let empty = |token: &Token| matches!(token, Token::One(class) if class.is_empty());
        self.tokens.is_empty() || self.tokens.iter().any(empty)
    }
}

/// Whether the characters with which both begin are not the same.
fn differ<'t>(
    own: impl Iterator<Item = &'t Token>,
    others: impl Iterator<Item = &'t Token>,
) -> bool {
    for pair in own.zip(others) {
        let (Token::Literal(one), Token::Literal(two)) = pair else {
            return false;
        };
        if one != two {
            return true;
        }
    }
    false
}

impl Token {
    /// Whether every character that the other takes is taken. For a star, which takes none or many,
    /// that is never so.
    fn contains(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::One(class), Self::One(other)) => class.includes(other),
            (Self::Literal(_) | Self::One(_), Self::Literal(character)) => self.takes(*character),
            (Self::Literal(_), Self::One(_)) | (Self::Star, _) | (_, Self::Star) => false,
        }
    }

    /// Whether there may be a character that both take.
    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Literal(character), token) | (token, Self::Literal(character)) => {
                token.takes(*character)
            }
            (Self::One(class), Self::One(other)) => !class.is_empty() && !other.is_empty(),
            (Self::Star, _) | (_, Self::Star) => true,
        }
    }
}

impl Class {
    /// Whether every character is a member.
    fn is_any(&self) -> bool {
        self.negated && self.ranges.iter().all(|(low, high)| low > high)
    }

    fn is_empty(&self) -> bool {
        !self.negated && self.ranges.iter().all(|(low, high)| low > high)
    }

    /// Whether every member of the other one is certainly a member.
    fn includes(&self, other: &Self) -> bool {
        let within = |(low, high): &(char, char), list: &[(char, char)]| {
            list.iter()
                .any(|(least, most)| least <= low && high <= most)
        };
        let apart = |(low, high): &(char, char), list: &[(char, char)]| {
            list.iter().all(|(least, most)| most < low || high < least)
        };
        let real = |range: &&(char, char)| range.0 <= range.1;
        let mut theirs = other.ranges.iter().filter(real);
        let mut ours = self.ranges.iter().filter(real);
        match (self.negated, other.negated) {
            (false, false) => theirs.all(|range| within(range, &self.ranges)),
            (true, false) => theirs.all(|range| apart(range, &self.ranges)),
            (true, true) => ours.all(|range| within(range, &other.ranges)),
            (false, true) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn covers(one: &str, two: &str) -> bool {
        Pattern::new(one).covers(&Pattern::new(two))
    }

    fn meets(one: &str, two: &str) -> bool {
        let (one, two) = (Pattern::new(one), Pattern::new(two));
        assert_eq!(one.meets(&two), two.meets(&one));
        one.meets(&two)
    }

    #[test]
    fn what_is_covered() {
        for (one, two) in [
            ("*", ""),
            ("*", "[!a]*?"),
            ("src/*", "src/*"),
            ("src/*", "src/a/*.c"),
            ("*.c", "src/*.c"),
            ("a?c", "a[b-x]c"),
            ("[a-z]", "[b-d]"),
            ("[!a]", "b"),
            ("[!a]", "[!ab]"),
            ("*a*b*", "xaybz"),
            ("*", "**"),
        ] {
            assert!(covers(one, two), "{one} {two}");
        }
        for (one, two) in [
            ("src/*", "src"),
            ("?", "*"),
            ("src/*", "*"),
            ("a", "?"),
            ("[b-d]", "[a-z]"),
            ("*.c", "src/*"),
            ("?*", "*"),
            ("[a]", "[!b]"),
        ] {
            assert!(!covers(one, two), "{one} {two}");
        }
    }

    #[test]
    fn what_takes_every_name() {
        for text in ["*", "**", "?*", "*?", "*?*", "[!z-a]*"] {
            assert!(Pattern::new(text).is_everything(), "{text}");
        }
        for text in ["", "?", "??*", "[!a]*", "a*", "*?*?", "*."] {
            assert!(!Pattern::new(text).is_everything(), "{text}");
        }
    }

    #[test]
    fn what_has_names_in_common() {
        for (one, two) in [
            ("*.c", "src/*"),
            ("a*", "*a"),
            ("?", "[x]"),
            ("*", ""),
            ("ab*", "a*b"),
        ] {
            assert!(meets(one, two), "{one} {two}");
        }
        for (one, two) in [
            ("a*", "b*"),
            ("*.c", "*.h"),
            ("ab", "abc"),
            ("?", "ab"),
            ("[z-a]", "?"),
        ] {
            assert!(!meets(one, two), "{one} {two}");
        }
    }

    #[test]
    fn long_patterns_get_the_careful_answer() {
        let (long, other) = ("a*".repeat(10_000), "b*".repeat(10_000));
        assert!(meets(&long, &other) && !covers(&long, &other) && covers(&long, &long));
    }

    proptest! {
        #[test]
        fn both_agree_with_the_names(one in "[ab*?/\\[\\]!-]{0,6}", two in "[ab*?/\\[\\]!-]{0,6}", name in "[ab/\\[!-]{0,5}") {
            let (one, two) = (Pattern::new(&one), Pattern::new(&two));
            if one.covers(&two) && two.matches(&name) {
                prop_assert!(one.matches(&name));
            }
            if one.matches(&name) && two.matches(&name) {
                prop_assert!(one.meets(&two) && two.meets(&one));
            }
            if one.is_nothing() {
                prop_assert!(name.is_empty() || !one.matches(&name));
            }
        }
    }
}
