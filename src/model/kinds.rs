//! Kinds of names: what patterns tell apart.
//!
//! A list of patterns divides all names into finitely many kinds, by which of them match. Patterns are
//! regular, so an example of every kind that has any name can be found, by trying them all on one
//! character after another and going on only from where no name has led before.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use super::pattern::{Class, Token};
use super::{MatchRule, Pattern};

/// How far it is gone on: so many places that names can lead to. A few dozen patterns of usual looks
/// need a few hundred.
const MAX_PLACES: usize = 3_000;

/// How many parts of questions are looked at in all. Usual patterns need a tenth of it.
const MAX_WORK: usize = 4_000_000;

/// Characters that examples are made of where any would do.
const PLAIN: &str = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ._-/";

/// Something that is asked about a name.
#[derive(Clone, Debug)]
pub struct Question(Vec<Part>);

#[derive(Clone, Debug)]
enum Part {
    Token(Token),
    /// What follows does not start with `/`.
    NoSlash,
}

/// An example of each kind of names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds {
    /// The examples, none of them empty.
    pub examples: Vec<String>,
    /// Whether there are no other kinds (but for the empty name's).
    pub is_complete: bool,
}

impl Question {
    /// Does the pattern match?
    pub fn matches(pattern: &Pattern) -> Self {
        Self(pattern.tokens().iter().cloned().map(Part::Token).collect())
    }

    /// Is it this name?
    pub fn is(name: &str) -> Self {
        Self(literal(name).collect())
    }

    /// Is the MATCH rule about it?
    pub fn about(rule: &MatchRule) -> Self {
        let mut parts = Vec::new();
        if let Some(folder) = &rule.source {
            parts.extend(literal(&folder.join("")));
        }
        if rule.source.is_some() || rule.destination.is_some() {
            parts.push(Part::NoSlash);
        }
        parts.extend(Self::matches(&rule.pattern).0);
        Self(parts)
    }

    /// A name of usual looks for which the answer is yes; mostly, at least.
    pub fn example(&self) -> String {
        let part = |part: &Part| match part {
            Part::Token(Token::Literal(character)) => Some(*character),
            Part::Token(Token::One(class)) => PLAIN.chars().find(|plain| class.contains(*plain)),
            Part::Token(Token::Star) => Some('a'),
            Part::NoSlash => None,
        };
        self.0.iter().filter_map(part).collect()
    }
}

fn literal(text: &str) -> impl Iterator<Item = Part> {
    text.chars()
        .map(|character| Part::Token(Token::Literal(character)))
}

impl Kinds {
    /// An example of each kind of names that the questions tell apart. Of `preferred` names each that
    /// is the first of its kind stands for it.
    pub fn of<'n>(questions: &[Question], preferred: impl IntoIterator<Item = &'n str>) -> Self {
        let mut found: BTreeMap<Vec<bool>, String> = BTreeMap::new();
        let mut work = 0;
        for name in preferred.into_iter().filter(|name| !name.is_empty()) {
            let mut place = start(questions);
            for character in name.chars() {
                work += cost(&place);
                if work > MAX_WORK {
                    return Self {
                        examples: found.into_values().collect(),
                        is_complete: false,
                    };
                }
                place = step(questions, &place, character);
            }
            let answers = answers(questions, &place);
            found.entry(answers).or_insert_with(|| name.to_owned());
        }
        let is_complete = search(questions, &mut found, work);
        let mut examples: Vec<String> = found.into_values().collect();
        examples.sort();
        Self {
            examples,
            is_complete,
        }
    }
}

/// Where a name has led: for each question the parts that may come next.
type Reached = Vec<BTreeSet<usize>>;

/// What a step from a place costs.
fn cost(place: &Reached) -> usize {
    place.iter().map(|parts| parts.len() + 1).sum()
}

/// Goes through all places, and says whether there were few enough for that.
fn search(
    questions: &[Question],
    found: &mut BTreeMap<Vec<bool>, String>,
    mut work: usize,
) -> bool {
    let alphabet = alphabet(questions);
    let first = start(questions);
    let mut known: BTreeSet<Reached> = BTreeSet::from([first.clone()]);
    let mut next = VecDeque::from([(first, String::new())]);
    while let Some((place, name)) = next.pop_front() {
        for character in &alphabet {
            work += cost(&place);
            if work > MAX_WORK {
                return false;
            }
            let there = step(questions, &place, *character);
            // The one way in which a new name can be the empty one's kind is to lead elsewhere first.
            let name = || {
                let mut name = name.clone();
                name.push(*character);
                name
            };
            found.entry(answers(questions, &there)).or_insert_with(name);
            if known.contains(&there) {
                continue;
            }
            if known.len() == MAX_PLACES {
                return false;
            }
            known.insert(there.clone());
            next.push_back((there, name()));
        }
    }
    true
}

fn start(questions: &[Question]) -> Reached {
    let one = |question: &Question| question.closed(BTreeSet::from([0]));
    questions.iter().map(one).collect()
}

fn step(questions: &[Question], place: &Reached, character: char) -> Reached {
    let pairs = questions.iter().zip(place);
    let one = |(question, at): (&Question, &BTreeSet<usize>)| question.step(at, character);
    pairs.map(one).collect()
}

fn answers(questions: &[Question], place: &Reached) -> Vec<bool> {
    let pairs = questions.iter().zip(place);
    pairs.map(|(question, at)| question.is_yes(at)).collect()
}

impl Question {
    /// With the parts behind stars, which may take nothing.
    fn closed(&self, mut at: BTreeSet<usize>) -> BTreeSet<usize> {
        let mut open: Vec<usize> = at.iter().copied().collect();
        while let Some(here) = open.pop() {
            if matches!(self.0.get(here), Some(Part::Token(Token::Star))) && at.insert(here + 1) {
                open.push(here + 1);
            }
        }
        at
    }

    fn step(&self, at: &BTreeSet<usize>, character: char) -> BTreeSet<usize> {
        let mut next = BTreeSet::new();
        for here in at {
            match self.0.get(*here) {
                Some(Part::Token(token)) => self.take(token, *here, character, &mut next),
                Some(Part::NoSlash) if character != '/' => {
                    for behind in self.closed(BTreeSet::from([here + 1])) {
                        if let Some(Part::Token(token)) = self.0.get(behind) {
                            self.take(token, behind, character, &mut next);
                        }
                    }
                }
                Some(Part::NoSlash) | None => {}
            }
        }
        self.closed(next)
    }

    fn take(&self, token: &Token, here: usize, character: char, next: &mut BTreeSet<usize>) {
        match token {
            Token::Star => next.insert(here),
            Token::Literal(_) | Token::One(_) if token.takes(character) => next.insert(here + 1),
            Token::Literal(_) | Token::One(_) => false,
        };
    }

    fn is_yes(&self, at: &BTreeSet<usize>) -> bool {
        let end = self.0.len();
        at.contains(&end)
            || at.iter().any(|here| {
                matches!(self.0.get(*here), Some(Part::NoSlash))
                    && self.closed(BTreeSet::from([here + 1])).contains(&end)
            })
    }
}

/// One character of each set that no question tells apart.
fn alphabet(questions: &[Question]) -> Vec<char> {
    let mut starts: BTreeSet<u32> = BTreeSet::from([0]);
    let mut cut = |low: char, high: char| {
        starts.insert(u32::from(low));
        starts.insert(u32::from(high) + 1);
    };
    cut('/', '/');
    for part in questions.iter().flat_map(|question| &question.0) {
        match part {
            Part::Token(Token::Literal(character)) => cut(*character, *character),
            Part::Token(Token::One(class)) => cut_by(class, &mut cut),
            Part::Token(Token::Star) | Part::NoSlash => {}
        }
    }
    let ends = starts
        .iter()
        .skip(1)
        .copied()
        .chain([u32::from(char::MAX) + 1]);
    let representative = |(start, end): (u32, u32)| {
        let plain = PLAIN
            .chars()
            .find(|plain| (start..end).contains(&u32::from(*plain)));
        plain.or_else(|| (start..end).find_map(char::from_u32))
    };
    let pairs = starts.iter().copied().zip(ends);
    let mut alphabet: Vec<char> = pairs.filter_map(representative).collect();
    // Names of usual characters are found first.
    alphabet.sort_by_key(|character| PLAIN.find(*character).unwrap_or(usize::MAX));
    alphabet
}

fn cut_by(class: &Class, cut: &mut impl FnMut(char, char)) {
    for (low, high) in class.ranges() {
        if low <= high {
            cut(*low, *high);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Rule;

    fn asked(patterns: &[&str]) -> Vec<Question> {
        let question = |pattern: &&str| Question::matches(&Pattern::new(pattern));
        patterns.iter().map(question).collect()
    }

    fn about(line: &str) -> Question {
        match line.parse() {
            Ok(Rule::Match(rule)) => Question::about(&rule),
            other => panic!("{other:?}"),
        }
    }

    fn answer(question: &Question, name: &str) -> bool {
        let questions = [question.clone()];
        let mut place = start(&questions);
        for character in name.chars() {
            place = step(&questions, &place, character);
        }
        answers(&questions, &place)[0]
    }

    #[test]
    fn every_combination_that_has_a_name_has_an_example() {
        let kinds = Kinds::of(&asked(&["src/*", "*.c"]), []);
        assert!(kinds.is_complete);
        assert_eq!(kinds.examples.len(), 4, "{kinds:?}");
        let kinds = Kinds::of(&asked(&["src/*", "src/a*"]), []);
        assert_eq!(
            kinds.examples.len(),
            3,
            "nothing is below the narrow one alone: {kinds:?}"
        );
    }

    #[test]
    fn preferred_names_stand_for_their_kind() {
        let kinds = Kinds::of(&asked(&["src/*"]), ["src/main.c", "src/other.c", "README"]);
        assert_eq!(kinds.examples, ["README", "src/main.c"]);
    }

    #[test]
    fn a_rule_with_folders_is_about_what_is_below_them() {
        let question = about("MATCH * IN src WITH PRODUCTS FROM a");
        for (name, expected) in [
            ("src/x", true),
            ("src/", true),
            ("src//x", false),
            ("srcx", false),
        ] {
            assert_eq!(answer(&question, name), expected, "{name}");
        }
        let question = about("MATCH * WITH PRODUCTS IN d FROM a");
        assert!(answer(&question, "x/y") && !answer(&question, "/x"));
        let question = about("MATCH /* WITH PRODUCTS FROM a");
        assert!(answer(&question, "/x"));
    }

    #[test]
    fn too_many_places_are_told() {
        let patterns: Vec<String> = ('a'..='z').map(|c| format!("*{c}*")).collect();
        let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
        assert!(!Kinds::of(&asked(&patterns), []).is_complete);
    }

    proptest! {
        #[test]
        fn a_question_is_answered_as_the_pattern_does(pattern in "[ab/*?!\\[\\]-]{0,6}", name in "[ab/!-]{0,5}") {
            let pattern = Pattern::new(&pattern);
            prop_assert_eq!(answer(&Question::matches(&pattern), &name), pattern.matches(&name));
        }

        #[test]
        fn every_name_is_of_a_kind_that_has_an_example(
            patterns in prop::collection::vec("[ab/*?!\\[\\]-]{0,4}", 0..4),
            name in "[abc/!-]{1,5}",
        ) {
            let patterns: Vec<Pattern> = patterns.iter().map(|text| Pattern::new(text)).collect();
            let questions: Vec<Question> = patterns.iter().map(Question::matches).collect();
            let kinds = Kinds::of(&questions, []);
            prop_assert!(kinds.is_complete);
            let kind = |name: &str| patterns.iter().map(|p| p.matches(name)).collect::<Vec<_>>();
            let known: BTreeSet<Vec<bool>> = kinds.examples.iter().map(|name| kind(name)).collect();
            prop_assert_eq!(known.len(), kinds.examples.len());
            prop_assert!(known.contains(&kind(&name)), "{name:?}: {kinds:?}");
        }
    }
}
