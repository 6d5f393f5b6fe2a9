//! The artifact rules (in-toto specification 4.3.3): a queue of artifacts, and rules that take
//! some of them out of it in turn.
//!
//! Each side of a step or inspection starts with a queue of all its artifacts. A rule takes what it
//! is about; DISALLOW refuses what is still there, REQUIRE what is not. What no rule is about is
//! left alone at the end, as the specification has it: a list that shall be complete ends with
//! `DISALLOW *`.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::model::{
    Agreement, ArtifactPath, Artifacts, Bits, DigestSet, ItemName, Link, MatchRule, Pairing,
    Pattern, PatternSet, Prefix, Rule, Rules, Side, escaped, similar,
};
use crate::report::Problem;

use super::fate::{Fate, fate};
use super::near::{Near, around};
use super::params::unfilled;

/// How many artifacts that one rule refuses are explained. Of more, the others are most likely like
/// them.
const EXPLAINED_AT_MOST: usize = 100;

/// For how many of these the links of other steps are searched: each search looks at all artifacts.
const SEARCHED_AT_MOST: usize = 10;

/// Up to how many names patterns are tried one by one: making an automaton of them takes longer.
const FEW_NAMES: usize = 16;

/// How many names are kept that a REQUIRE may have meant.
const SIMILAR_AT_MOST: usize = 3;

/// How many of the artifacts that no rule was about are named.
const UNCHECKED_AT_MOST: usize = 100;

/// The links of other steps.
pub type LinkOf<'a> = dyn Fn(&ItemName) -> Option<&'a Link> + Sync + 'a;

/// What the rules of one side found, in their order, each with the index of its rule; and, last and
/// with no rule, what no rule was about.
pub(super) struct Found {
    pub(super) side: Side,
    pub(super) problems: Vec<(usize, Problem)>,
    pub(super) unchecked: Option<Problem>,
}

/// Applies the rules of both sides to a link; `link_of` gives the links of other steps.
pub(super) fn apply(rules: &Rules, link: &Link, link_of: &LinkOf<'_>) -> Vec<Found> {
    [Side::Materials, Side::Products]
        .into_par_iter()
        .map(|side| apply_side(rules.of(side), side, link, link_of))
        .collect()
}

/// The same for one side.
pub(super) fn apply_side(rules: &[Rule], side: Side, link: &Link, link_of: &LinkOf<'_>) -> Found {
    apply_explaining(rules, side, link, link_of, EXPLAINED_AT_MOST)
}

/// Whether nothing is found that refuses. The same as [`apply`], without explanations.
pub(super) fn hold(rules: &Rules, link: &Link, link_of: &LinkOf<'_>) -> bool {
    [Side::Materials, Side::Products].into_iter().all(|side| {
        let found = apply_explaining(rules.of(side), side, link, link_of, 0);
        found.problems.is_empty()
    })
}

/// `explained` is how many of the artifacts that one rule refuses are explained.
fn apply_explaining(
    rules: &[Rule],
    side: Side,
    link: &Link,
    link_of: &LinkOf<'_>,
    explained: usize,
) -> Found {
    let own = link.side(side);
    let on_names = rules.iter().filter_map(on_names);
    let patterns = if explained == 0 && own.len() <= FEW_NAMES {
        PatternSet::one_by_one(on_names)
    } else {
        PatternSet::new(on_names)
    };
    let other = match side {
        Side::Materials => &link.products,
        Side::Products => &link.materials,
    };
    let mut queue = Queue {
        side,
        link,
        own,
        other,
        matching: patterns.matches(own),
        patterns,
        beside: OnceCell::new(),
        steps: BTreeMap::new(),
        waiting: Bits::all(own.len()),
        explained,
        found: Vec::new(),
    };
    for (index, rule) in rules.iter().enumerate() {
        let before = rules.get(..index).unwrap_or_default();
        queue.apply(index, rule, before, link_of);
    }
    Found {
        side,
        unchecked: queue.unchecked(),
        problems: queue.found,
    }
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
    link: &'a Link,
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
    /// How many of the artifacts that one rule refuses are explained.
    explained: usize,
    found: Vec<(usize, Problem)>,
}

impl<'a> Queue<'a> {
    fn apply(&mut self, index: usize, rule: &'a Rule, before: &'a [Rule], link_of: &LinkOf<'_>) {
        match rule {
            Rule::Allow(pattern) => {
                let taken = self.matching(pattern);
                self.waiting.remove(&taken);
            }
            Rule::Create(pattern) => self.new_on(Side::Products, pattern),
            Rule::Delete(pattern) => self.new_on(Side::Materials, pattern),
            Rule::Disallow(pattern) => self.disallow(pattern, rule, before, link_of),
            Rule::Match(rule) => {
                if let Some(other) = link_of(&rule.from) {
                    self.match_with(index, rule, other.side(rule.side));
                }
            }
            Rule::Modify(pattern) => self.modify(index, pattern),
            Rule::Require(path) => self.require(path, before, link_of),
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

    fn disallow(&mut self, pattern: &Pattern, rule: &Rule, before: &[Rule], link_of: &LinkOf<'_>) {
        let refused = self.matching(pattern);
        let near = Near {
            side: self.side,
            own: self.own,
            other: self.other,
            link_of,
        };
        for (count, at) in refused.iter().enumerate() {
            let explained = count < self.explained;
            let search = count < SEARCHED_AT_MOST;
            let problem = Problem::ArtifactDisallowed {
                side: self.side,
                path: self.own.name(at).unwrap_or_default().to_owned(),
                rule: rule.to_string(),
                near: match explained {
                    true => near.misses(before, at, search),
                    false => Vec::new(),
                },
                again: None,
            };
            self.found.push((before.len(), problem));
        }
        self.waiting.remove(&refused);
    }

    fn require(&mut self, path: &ArtifactPath, before: &[Rule], link_of: &LinkOf<'_>) {
        let name = path.as_str();
        let place = self.own.position(name);
        if place.is_some_and(|at| self.waiting.has(at)) {
            return;
        }
        let taken_by = match fate(before, self.side, self.link, name, link_of) {
            Fate::Taken(by) | Fate::Refused(by) => before.get(by).map(ToString::to_string),
            Fate::Left => None,
        };
        let similar = match place {
            Some(_) => Vec::new(),
            None if self.explained == 0 => Vec::new(),
            None => similar(name, around(self.own, name), SIMILAR_AT_MOST),
        };
        let problem = Problem::ArtifactMissing {
            side: self.side,
            path: name.to_owned(),
            taken_by,
            similar: similar.into_iter().map(str::to_owned).collect(),
            parameter: match place {
                Some(_) => None,
                None => unfilled(name).map(|(_, parameter, _)| parameter.to_owned()),
            },
        };
        self.found.push((before.len(), problem));
    }

    /// What no rule was about.
    fn unchecked(&self) -> Option<Problem> {
        let mut left = self.waiting.iter();
        let named = left.by_ref().take(UNCHECKED_AT_MOST);
        let paths: Vec<String> = named
            .filter_map(|at| self.own.name(at).map(str::to_owned))
            .collect();
        (!paths.is_empty()).then(|| Problem::ArtifactsUnchecked {
            side: self.side,
            count: paths.len() + left.count(),
            paths,
        })
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

/// Compares an artifact with the one that a MATCH rule pairs it with. `None` when the rule is not
/// about it, or there is no such artifact.
pub(super) fn compare(
    rule: &MatchRule,
    own: &Artifacts,
    at: usize,
    there: &Artifacts,
) -> Option<Agreement> {
    agreement(rule, own.name(at)?, own.digests(at)?, there)
}

/// The same for an artifact with its name and digests.
pub(super) fn agreement(
    rule: &MatchRule,
    name: &str,
    digests: &DigestSet,
    there: &Artifacts,
) -> Option<Agreement> {
    let other = there.get(counterpart(rule, name)?.as_ref())?;
    Some(digests.agreement(other))
}

/// The name of the artifact that a MATCH rule pairs one with. `None` when the rule is not about it.
pub(super) fn counterpart<'n>(rule: &MatchRule, name: &'n str) -> Option<Cow<'n, str>> {
    let rest = match &rule.source {
        Some(prefix) => prefix.strip(name)?,
        None => name,
    };
    if !rule.pattern.matches(rest) {
        return None;
    }
    match &rule.destination {
        // A rest that starts at the root is not below any folder.
        Some(_) if rest.starts_with('/') => None,
        Some(prefix) => Some(Prefix::join(prefix, rest).into()),
        None => Some(rest.into()),
    }
}

#[cfg(test)]
mod tests;
