//! Many patterns at once: which names of a list match which pattern.
//!
//! `*`, plain names and `start*` are answered by the order of the names. All other patterns run
//! together as one automaton, 64 in each, that is built while it runs. Names are in order, so most
//! begin as the one before did, and the automaton goes on from where they part. A set of patterns
//! whose automaton would need more memory than the limits allow is matched pattern by pattern.

use std::collections::BTreeMap;

use rayon::prelude::*;
use regex_automata::hybrid::LazyStateID;
use regex_automata::hybrid::dfa::{Cache, DFA};
use regex_automata::nfa::thompson;
use regex_automata::util::start;
use regex_automata::{Anchored, MatchKind};
use regex_syntax::hir::Hir;

use super::pattern::Shape;
use super::{Artifacts, Pattern};

/// How many patterns run in one automaton: with more, states that tell them all apart multiply.
const PATTERNS_EACH: usize = 64;

/// How large the automaton of one set may become before it is built, in bytes. Sixty ordinary
/// patterns need a tenth of it.
const NFA_BYTES: usize = 4 << 20;

/// How much memory the states that were built may take, per thread, in bytes.
const CACHE_BYTES: usize = 8 << 20;

/// How often the states may be thrown away because the memory is full before the automaton is
/// given up for what is left: each time they are built anew.
const CACHE_CLEARS: usize = 8;

/// How many names a thread takes at once, a multiple of 64: each time it starts with no states.
const NAMES_EACH: usize = 1 << 15;

/// One bit for each artifact of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bits(Vec<u64>);

impl Bits {
    /// So many bits, all clear.
    pub fn none(length: usize) -> Self {
        Self(vec![0; length.div_ceil(64)])
    }

    /// So many bits, all set.
    pub fn all(length: usize) -> Self {
        let mut words = vec![u64::MAX; length.div_ceil(64)];
        if let (Some(last), 1..) = (words.last_mut(), length % 64) {
            *last = (1 << (length % 64)) - 1;
        }
        Self(words)
    }

    /// Sets a bit; one beyond the end is left alone.
    pub fn set(&mut self, at: usize) {
        if let Some(word) = self.0.get_mut(at / 64) {
            *word |= 1 << (at % 64);
        }
    }

    /// Whether a bit is set.
    pub fn has(&self, at: usize) -> bool {
        self.0
            .get(at / 64)
            .is_some_and(|word| word >> (at % 64) & 1 == 1)
    }

    /// Clears the bits that are set there.
    pub fn remove(&mut self, other: &Self) {
        for (word, other) in self.0.iter_mut().zip(&other.0) {
            *word &= !other;
        }
    }

    /// The bits that are set in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let words = self.0.iter().zip(&other.0);
        Self(words.map(|(word, other)| word & other).collect())
    }

    /// The places of the bits that are set, ascending.
    pub fn iter(&self) -> impl Iterator<Item = usize> {
        let bits = |(at, word): (usize, &u64)| {
            let mut left = *word;
            std::iter::from_fn(move || {
                let bit = (left != 0).then(|| left.trailing_zeros())?;
                left &= left - 1;
                Some(at * 64 + usize::try_from(bit).ok()?)
            })
        };
        self.0.iter().enumerate().flat_map(bits)
    }
}

/// Patterns that are matched together.
#[derive(Debug)]
pub struct PatternSet<'p> {
    patterns: Vec<&'p Pattern>,
    numbers: BTreeMap<&'p str, usize>,
    /// Those that the order of the names does not answer, in groups.
    groups: Vec<Group>,
}

#[derive(Debug)]
struct Group {
    numbers: Vec<usize>,
    /// `None` when it would be too large.
    automaton: Option<DFA>,
}

impl<'p> PatternSet<'p> {
    /// Takes patterns; equal ones count once.
    pub fn new(all: impl IntoIterator<Item = &'p Pattern>) -> Self {
        Self::grouped(all, automaton)
    }

    /// The same for a few names only: the patterns are tried one by one.
    pub fn one_by_one(all: impl IntoIterator<Item = &'p Pattern>) -> Self {
        Self::grouped(all, |_| None)
    }

    fn grouped(
        all: impl IntoIterator<Item = &'p Pattern>,
        automaton: impl Fn(&[&Pattern]) -> Option<DFA>,
    ) -> Self {
        let (mut patterns, mut numbers) = (Vec::new(), BTreeMap::new());
        for pattern in all {
            numbers.entry(pattern.as_str()).or_insert_with(|| {
                patterns.push(pattern);
                patterns.len() - 1
            });
        }
        let shaped = patterns.iter().enumerate();
        let hard: Vec<usize> = shaped
            .filter(|(_, pattern)| pattern.shape() == Shape::Other)
            .map(|(number, _)| number)
            .collect();
        let groups = hard.chunks(PATTERNS_EACH).map(|numbers| {
            let of = numbers.iter().filter_map(|number| patterns.get(*number));
            let of: Vec<&Pattern> = of.copied().collect();
            Group {
                numbers: numbers.to_vec(),
                automaton: automaton(&of),
            }
        });
        Self {
            groups: groups.collect(),
            patterns,
            numbers,
        }
    }

    /// The number of a pattern, which is its index in what [`Self::matches`] gives.
    pub fn number(&self, pattern: &Pattern) -> Option<usize> {
        self.numbers.get(pattern.as_str()).copied()
    }

    /// For each pattern, by its number, the names that match.
    pub fn matches(&self, artifacts: &Artifacts) -> Vec<Bits> {
        let length = artifacts.len();
        let mut columns: Vec<Bits> = self
            .patterns
            .iter()
            .map(|pattern| match pattern.shape() {
                Shape::Everything => Bits::all(length),
                Shape::Exactly(name) => marked(length, artifacts.position(&name)),
                Shape::StartingWith(start) => marked(length, artifacts.starting_with(&start)),
                Shape::Other => Bits(Vec::new()),
            })
            .collect();
        for group in &self.groups {
            let parts: Vec<Vec<Bits>> = (0..length.div_ceil(NAMES_EACH))
                .into_par_iter()
                .map(|part| self.part(group, artifacts, part * NAMES_EACH))
                .collect();
            for part in parts {
                for (number, bits) in group.numbers.iter().zip(part) {
                    if let Some(column) = columns.get_mut(*number) {
                        column.0.extend(bits.0);
                    }
                }
            }
        }
        columns
    }

    /// What the patterns of a group match among the names from one on.
    fn part(&self, group: &Group, artifacts: &Artifacts, from: usize) -> Vec<Bits> {
        let names = NAMES_EACH.min(artifacts.len() - from);
        let mut columns = vec![Bits::none(names); group.numbers.len()];
        let mut runner = group.automaton.as_ref().map(Runner::new);
        for at in 0..names {
            let name = artifacts.name(from + at).unwrap_or_default();
            let done = runner.as_mut().and_then(|runner| {
                runner.matches(name, |pattern| {
                    if let Some(column) = columns.get_mut(pattern) {
                        column.set(at);
                    }
                })
            });
            if done.is_some() {
                continue;
            }
            runner = None;
            for (number, column) in group.numbers.iter().zip(&mut columns) {
                let pattern = self.patterns.get(*number);
                if pattern.is_some_and(|pattern| pattern.matches(name)) {
                    column.set(at);
                }
            }
        }
        columns
    }
}

fn marked(length: usize, places: impl IntoIterator<Item = usize>) -> Bits {
    let mut bits = Bits::none(length);
    places.into_iter().for_each(|at| bits.set(at));
    bits
}

fn automaton(patterns: &[&Pattern]) -> Option<DFA> {
    let trees: Vec<Hir> = patterns.iter().map(|pattern| pattern.tree()).collect();
    // Names are valid UTF-8, so that `*` can take bytes: what follows it starts a character.
    let limits = thompson::Config::new()
        .utf8(false)
        .nfa_size_limit(Some(NFA_BYTES));
    let nfa = thompson::Compiler::new()
        .configure(limits)
        .build_many_from_hir(&trees)
        .ok()?;
    let config = DFA::config()
        .match_kind(MatchKind::All)
        .cache_capacity(CACHE_BYTES)
        .minimum_cache_clear_count(Some(CACHE_CLEARS));
    DFA::builder().configure(config).build_from_nfa(nfa).ok()
}

/// One automaton on its way through names.
struct Runner<'d> {
    automaton: &'d DFA,
    cache: Cache,
    /// The states behind each byte of the name before, the start first.
    states: Vec<LazyStateID>,
    name: Vec<u8>,
    clears: usize,
}

impl<'d> Runner<'d> {
    fn new(automaton: &'d DFA) -> Self {
        let mut runner = Self {
            automaton,
            cache: automaton.create_cache(),
            states: Vec::new(),
            name: Vec::new(),
            clears: 0,
        };
        runner.restart();
        runner
    }

    /// Begins anew; without a state when even that is beyond the limits.
    fn restart(&mut self) {
        let config = start::Config::new().anchored(Anchored::Yes);
        self.name.clear();
        self.states.clear();
        let start = self.automaton.start_state(&mut self.cache, &config);
        self.clears = self.cache.clear_count();
        self.states.extend(start.ok());
    }

    /// Calls `found` with the index of each pattern that the whole name matches. `None` when the
    /// automaton is given up.
    fn matches(&mut self, name: &str, mut found: impl FnMut(usize)) -> Option<()> {
        let name = name.as_bytes();
        let shared = name.iter().zip(&self.name);
        let shared = shared.take_while(|(left, right)| left == right).count();
        self.name.truncate(shared);
        self.states.truncate(shared + 1);
        let mut state = *self.states.last()?;
        for byte in name.get(shared..).unwrap_or_default() {
            state = self
                .automaton
                .next_state(&mut self.cache, state, *byte)
                .ok()?;
            self.states.push(state);
        }
        self.name
            .extend_from_slice(name.get(shared..).unwrap_or_default());
        // A state says what matched before its last byte, so there is one more step to take.
        let last = self.automaton.next_eoi_state(&mut self.cache, state).ok()?;
        if last.is_match() {
            for index in 0..self.automaton.match_len(&self.cache, last) {
                found(
                    self.automaton
                        .match_pattern(&self.cache, last, index)
                        .as_usize(),
                );
            }
        }
        // States that were thrown away meanwhile have lost their names.
        if self.cache.clear_count() != self.clears {
            self.restart();
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{ArtifactPath, DigestSet};

    fn judge(patterns: &[String], names: &[String]) -> Result<(), TestCaseError> {
        let patterns: Vec<Pattern> = patterns.iter().map(|text| Pattern::new(text)).collect();
        let digest = |name: &String| (ArtifactPath::claimed(name), DigestSet::default());
        let artifacts: Artifacts = names.iter().map(digest).collect();
        let set = PatternSet::new(&patterns);
        let columns = set.matches(&artifacts);
        for pattern in &patterns {
            let column = &columns[set.number(pattern).unwrap()];
            let plain: Vec<bool> = artifacts.keys().map(|name| pattern.matches(name)).collect();
            let quick: Vec<bool> = (0..artifacts.len()).map(|at| column.has(at)).collect();
            prop_assert_eq!(quick, plain, "{}", pattern);
            prop_assert!(column.iter().all(|at| at < artifacts.len()));
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn together_they_match_what_each_matches(
            patterns in prop::collection::vec("[ab*?\\[\\]!\\-/é😀\n]{0,7}", 0..90),
            names in prop::collection::vec("[ab!\\-/é😀\n\\[\\]]{0,6}", 0..90),
        ) {
            judge(&patterns, &names)?;
        }

        #[test]
        fn of_any_text(
            patterns in prop::collection::vec(any::<String>(), 0..6),
            stars in prop::collection::vec(".{0,2}[*?].{0,2}\\[.{0,4}\\].{0,2}", 0..6),
            names in prop::collection::vec(any::<String>(), 0..12),
        ) {
            let names = [names.as_slice(), patterns.as_slice(), stars.as_slice()].concat();
            judge(&[patterns, stars].concat(), &names)?;
        }
    }

    #[test]
    fn odd_classes_are_those_of_the_plain_matcher() {
        let classes = [
            "[!x]", "[^x]", "[]a]", "[!]a]", "[z-a]", "[!z-a]", "[z-a!]", "[z-a!-c]", "[a-b-d]",
            "[--0]", "[é-ü]", "[!a-c]x", "*[z-a]*", "*[!z-a]", "?*?", "*é", "*?é*",
        ];
        let names: Vec<String> = ('!'..='~')
            .chain("éöü😀\n".chars())
            .flat_map(|c| {
                [
                    c.to_string(),
                    format!("{c}x"),
                    format!("é{c}"),
                    format!("é{c}é"),
                ]
            })
            .chain([String::new()])
            .collect();
        judge(&classes.map(str::to_owned), &names).unwrap();
    }

    #[test]
    fn many_names_are_put_together_again() {
        let names: Vec<String> = (0..NAMES_EACH + 100)
            .map(|n| format!("d{}/f{n}", n % 7))
            .collect();
        judge(
            &["*/f*0", "d3/*", "*7?", "d1/f1"].map(str::to_owned),
            &names,
        )
        .unwrap();
    }

    #[test]
    fn where_the_automaton_would_be_too_large_each_is_tried() {
        let wide = format!("*{}", "?".repeat(40));
        let exploding: Vec<String> = (0..40)
            .map(|n| format!("*{}*{}*{wide}", "ab".repeat(n % 9), "ba".repeat(n)))
            .collect();
        let mut names = Vec::new();
        let mut seed: u32 = 1;
        for length in 0..600 {
            let name = (0..length % 97).map(|_| {
                seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if seed >> 30 & 1 == 0 { 'a' } else { 'b' }
            });
            names.push(name.collect::<String>());
        }
        judge(&exploding, &names).unwrap();
    }
}
