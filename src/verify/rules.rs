//! The artifact rules (in-toto specification 4.3.3): a queue of artifacts, and rules that take
//! some of them out of it in turn.
//!
//! Each side of a step or inspection starts with a queue of all its artifacts. A rule takes what it
//! is about; DISALLOW refuses what is still there, REQUIRE what is not. What no rule is about is
//! left alone at the end, as the specification has it: a list that shall be complete ends with
//! `DISALLOW *`.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::model::{
    Agreement, ArtifactPath, Artifacts, Bits, ItemName, Link, MatchRule, Pairing, Pattern,
    PatternSet, Prefix, Rule, Rules, Side, escaped, quoted,
};
use crate::report::Problem;

/// How many artifacts that one rule refuses are explained. Of more, the others are most likely like
/// them.
const EXPLAINED_AT_MOST: usize = 100;

/// The links of other steps.
pub(super) type LinkOf<'a> = dyn Fn(&ItemName) -> Option<&'a Link> + Sync + 'a;

/// Applies the rules of both sides to a link; `link_of` gives the links of other steps. Every
/// problem comes with the side and the index of the rule that found it, in the order of the rules.
pub(super) fn apply(
    rules: &Rules,
    link: &Link,
    link_of: &LinkOf<'_>,
) -> Vec<(Side, usize, Problem)> {
    let found: Vec<Vec<_>> = [Side::Materials, Side::Products]
        .into_par_iter()
        .map(|side| {
            let found = apply_side(rules.of(side), side, link, link_of);
            let found = found.into_iter();
            found
                .map(|(index, problem)| (side, index, problem))
                .collect()
        })
        .collect();
    found.concat()
}

fn apply_side(
    rules: &[Rule],
    side: Side,
    link: &Link,
    link_of: &LinkOf<'_>,
) -> Vec<(usize, Problem)> {
    let own = link.side(side);
    let patterns = PatternSet::new(rules.iter().filter_map(on_names));
    let mut queue = Queue {
        side,
        own,
        other: match side {
            Side::Materials => &link.products,
            Side::Products => &link.materials,
        },
        matching: patterns.matches(own),
        patterns,
        beside: OnceCell::new(),
        steps: BTreeMap::new(),
        waiting: Bits::all(own.len()),
        found: Vec::new(),
    };
    for (index, rule) in rules.iter().enumerate() {
        let before = rules.get(..index).unwrap_or_default();
        let near = |at| near_misses(before, at, own, link_of);
        queue.apply(index, rule, link_of, &near);
    }
    queue.found
}

/// The pattern of a rule, when it is matched with whole names.
fn on_names(rule: &Rule) -> Option<&Pattern> {
    match rule {
        Rule::Allow(pattern)
        | Rule::Create(pattern)
        | Rule::Delete(pattern)
        | Rule::Disallow(pattern)
        | Rule::Modify(pattern) => Some(pattern),
        Rule::Match(rule) => rule.source.is_none().then_some(&rule.pattern),
        Rule::Require(_) => None,
    }
}

/// How the artifacts of a side compare with others of the same names.
struct Compared {
    /// There is one.
    paired: Bits,
    same: Bits,
    different: Bits,
    /// Nothing strong is shared.
    weak: Bits,
}

impl Compared {
    fn new(own: &Artifacts, other: &Artifacts) -> Self {
        let none = || Bits::none(own.len());
        let (mut paired, mut same, mut different, mut weak) = (none(), none(), none(), none());
        own.pair(other, |pairing| {
            let Pairing::Both(at, _, agreement) = pairing else {
                return;
            };
            paired.set(at);
            match agreement {
                Agreement::Same => same.set(at),
                Agreement::Different => different.set(at),
                Agreement::TooWeak => weak.set(at),
                Agreement::NothingShared => {}
            }
        });
        Self {
            paired,
            same,
            different,
            weak,
        }
    }
}

/// One side of a link under its rules. Artifacts are known by their place in the order of names.
struct Queue<'a> {
    side: Side,
    own: &'a Artifacts,
    /// The other side of the same link.
    other: &'a Artifacts,
    patterns: PatternSet<'a>,
    /// What each of the patterns matches.
    matching: Vec<Bits>,
    /// Compared with the other side, once a rule asks.
    beside: OnceCell<Compared>,
    /// Compared with sides of other steps, each once.
    steps: BTreeMap<(&'a ItemName, Side), Compared>,
    /// What no rule has taken yet.
    waiting: Bits,
    found: Vec<(usize, Problem)>,
}

impl<'a> Queue<'a> {
    fn apply(
        &mut self,
        index: usize,
        rule: &'a Rule,
        link_of: &LinkOf<'_>,
        near: &dyn Fn(usize) -> Vec<String>,
    ) {
        match rule {
            Rule::Allow(pattern) => {
                let taken = self.matching(pattern);
                self.waiting.remove(&taken);
            }
            Rule::Create(pattern) => self.new_on(Side::Products, pattern),
            Rule::Delete(pattern) => self.new_on(Side::Materials, pattern),
            Rule::Disallow(pattern) => self.disallow(index, pattern, rule, near),
            Rule::Match(rule) => {
                if let Some(other) = link_of(&rule.from) {
                    self.match_with(index, rule, other.side(rule.side));
                }
            }
            Rule::Modify(pattern) => self.modify(index, pattern),
            Rule::Require(path) => self.require(index, path),
        }
    }

    /// What still waits and matches.
    fn matching(&self, pattern: &Pattern) -> Bits {
        let number = self.patterns.number(pattern);
        let matching = number.and_then(|number| self.matching.get(number));
        matching.map_or_else(|| Bits::none(self.own.len()), |bits| self.waiting.and(bits))
    }

    fn beside(&self) -> &Compared {
        self.beside
            .get_or_init(|| Compared::new(self.own, self.other))
    }

    /// CREATE and DELETE: takes what only that side has.
    fn new_on(&mut self, side: Side, pattern: &Pattern) {
        if side == self.side {
            let mut taken = self.matching(pattern);
            taken.remove(&self.beside().paired);
            self.waiting.remove(&taken);
        }
    }

    fn modify(&mut self, index: usize, pattern: &Pattern) {
        let matching = self.matching(pattern);
        let beside = self.beside();
        let (taken, weak) = (matching.and(&beside.different), matching.and(&beside.weak));
        self.weak(index, weak.iter(), || "its other side".to_owned());
        self.waiting.remove(&taken);
    }

    fn disallow(
        &mut self,
        index: usize,
        pattern: &Pattern,
        rule: &Rule,
        near: &dyn Fn(usize) -> Vec<String>,
    ) {
        let refused = self.matching(pattern);
        for (count, at) in refused.iter().enumerate() {
            let explained = count < EXPLAINED_AT_MOST;
            let problem = Problem::ArtifactDisallowed {
                side: self.side,
                path: self.own.name(at).unwrap_or_default().to_owned(),
                rule: rule.to_string(),
                near: if explained { near(at) } else { Vec::new() },
            };
            self.found.push((index, problem));
        }
        self.waiting.remove(&refused);
    }

    fn require(&mut self, index: usize, path: &ArtifactPath) {
        let place = self.own.position(path.as_str());
        if !place.is_some_and(|at| self.waiting.has(at)) {
            let problem = Problem::ArtifactMissing {
                side: self.side,
                path: path.to_string(),
                taken_before: place.is_some(),
            };
            self.found.push((index, problem));
        }
    }

    fn match_with(&mut self, index: usize, rule: &'a MatchRule, there: &Artifacts) {
        let (taken, weak) = if rule.source.is_none() && rule.destination.is_none() {
            let matching = self.matching(&rule.pattern);
            let own = self.own;
            let compared = self.steps.entry((&rule.from, rule.side));
            let compared = compared.or_insert_with(|| Compared::new(own, there));
            (matching.and(&compared.same), matching.and(&compared.weak))
        } else {
            self.match_below(rule, there)
        };
        self.weak(index, weak.iter(), || {
            let from = escaped(rule.from.as_str());
            format!("the {} of step `{from}`", rule.side.noun())
        });
        self.waiting.remove(&taken);
    }

    /// MATCH with prefixes: what is the same, and what cannot be compared.
    fn match_below(&self, rule: &MatchRule, there: &Artifacts) -> (Bits, Bits) {
        let (mut same, mut weak) = (Bits::none(self.own.len()), Bits::none(self.own.len()));
        let candidates = match rule.source {
            // The names themselves are matched, which was done.
            None => self.matching(&rule.pattern),
            Some(_) => self.waiting.clone(),
        };
        for at in candidates.iter() {
            match compare(rule, self.own, at, there) {
                Some(Agreement::Same) => same.set(at),
                Some(Agreement::TooWeak) => weak.set(at),
                Some(Agreement::Different | Agreement::NothingShared) | None => {}
            }
        }
        (same, weak)
    }

    fn weak(
        &mut self,
        index: usize,
        places: impl Iterator<Item = usize>,
        with: impl Fn() -> String,
    ) {
        for at in places {
            let problem = Problem::WeakDigest {
                side: self.side,
                path: self.own.name(at).unwrap_or_default().to_owned(),
                with: with(),
            };
            self.found.push((index, problem));
        }
    }
}

/// The MATCH rules that were about an artifact and did not take it, and why.
fn near_misses(rules: &[Rule], at: usize, own: &Artifacts, link_of: &LinkOf<'_>) -> Vec<String> {
    let mut reasons = Vec::new();
    for rule in rules {
        let Rule::Match(matching) = rule else {
            continue;
        };
        let Some(other) = link_of(&matching.from) else {
            continue;
        };
        let why = match compare(matching, own, at, other.side(matching.side)) {
            Some(Agreement::Different) => "has another digest",
            Some(Agreement::NothingShared) => "has digests of other algorithms only",
            Some(Agreement::Same | Agreement::TooWeak) | None => continue,
        };
        reasons.push(format!(
            "{} does not, for the {} there {why}",
            quoted(&rule.to_string()),
            matching.side.noun()
        ));
    }
    reasons
}

/// Compares an artifact with the one that a MATCH rule pairs it with. `None` when the rule is not
/// about it, or there is no such artifact.
fn compare(rule: &MatchRule, own: &Artifacts, at: usize, there: &Artifacts) -> Option<Agreement> {
    let name = own.name(at)?;
    let rest = match &rule.source {
        Some(prefix) => prefix.strip(name)?,
        None => name,
    };
    if !rule.pattern.matches(rest) {
        return None;
    }
    let digests = match &rule.destination {
        // A rest that starts at the root is not below any folder.
        Some(_) if rest.starts_with('/') => return None,
        Some(prefix) => there.get(Prefix::join(prefix, rest).as_str())?,
        None => there.get(rest)?,
    };
    Some(own.digests(at)?.agreement(digests))
}

#[cfg(test)]
mod tests;
