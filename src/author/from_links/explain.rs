//! Where each artifact of a step comes from: what the rules say of it.
//!
//! A digest that can be pinned is pinned: to what an earlier step had, or to the other side of the
//! same step; under the same name first, then, by content, under the same name in another folder. Only
//! the rest is changed, gone, new, or without any explanation.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use crate::model::{Agreement, Artifacts, DigestSet, Prefix, Side};

use super::names::likeness;
use super::performed::Performed;

/// SHA-256 of nothing. Empty files are everywhere; that two are equal says nothing of their origin.
pub(super) const EMPTY_SHA256: [u8; 32] = [
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
];

/// How many pairs of folders one list of rules speaks of.
const MOVES_AT_MOST: usize = 8;

/// How many artifacts of the same content are looked at.
const TWINS_AT_MOST: usize = 16;

/// What a rule says of artifacts, in the order in which rules say it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Claim {
    /// It is what another side has.
    Match(Origin),
    /// Changed.
    Modify,
    /// Gone.
    Delete,
    /// New.
    Create,
    /// There.
    Allow,
}

/// Where something was before.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Origin {
    /// The place of the step; the latest come first.
    pub(super) step: Reverse<usize>,
    /// Products before materials.
    pub(super) side: Reverse<Side>,
    /// In which folder it is here and was there; empty for no folder.
    pub(super) here: String,
    pub(super) there: String,
}

/// Artifacts of which the same is said, in the order of their names.
pub(super) type Groups<'a> = BTreeMap<Claim, Vec<&'a str>>;

/// What is said of all artifacts of one side.
#[derive(Debug, Default)]
pub(super) struct Explained<'a> {
    pub(super) groups: Groups<'a>,
    /// How many lay in another folder before, which is not said because its name changes.
    pub(super) let_go: usize,
}

/// Says of each artifact of one side of a step where it comes from. `steps` are in order. When versions
/// and hashes are left `open`, nothing is said of folders with these in their names: a rule can only name
/// one of them.
pub(super) fn explain(steps: &[Performed], at: usize, side: Side, open: bool) -> Explained<'_> {
    let mut explained = Explained::default();
    let Some(step) = steps.get(at) else {
        return explained;
    };
    let case = Case {
        steps,
        at,
        side,
        open,
    };
    let groups = &mut explained.groups;
    let mut rest = Vec::new();
    for (name, digests) in step.link.side(side).iter() {
        match case.by_name(name, digests) {
            Some(origin) => groups.entry(Claim::Match(origin)).or_default().push(name),
            None => rest.push((name, digests)),
        }
    }
    let (rest, let_go) = case.moved(rest, groups);
    let beside = match side {
        Side::Materials => &step.link.products,
        Side::Products => &step.link.materials,
    };
    // Where a step records nothing on both sides, that a material is no product does not mean that it
    // is gone.
    let mut materials = step.link.materials.keys();
    let goes_on = materials.any(|name| step.link.products.contains_key(name));
    for (name, digests) in rest {
        let claim = match beside.get(name).map(|there| there.agreement(digests)) {
            Some(Agreement::Same) => Claim::Match(case.own(beside_of(side), "", "")),
            Some(Agreement::Different) => Claim::Modify,
            Some(Agreement::NothingShared | Agreement::TooWeak) => Claim::Allow,
            None if side == Side::Products => Claim::Create,
            None if goes_on => Claim::Delete,
            None => Claim::Allow,
        };
        groups.entry(claim).or_default().push(name);
    }
    explained.let_go = let_go;
    explained
}

fn beside_of(side: Side) -> Side {
    match side {
        Side::Materials => Side::Products,
        Side::Products => Side::Materials,
    }
}

/// The last part of a path.
pub(super) fn file_name(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path)
}

#[derive(Clone, Copy)]
struct Case<'a> {
    steps: &'a [Performed],
    at: usize,
    side: Side,
    open: bool,
}

impl<'a> Case<'a> {
    fn own(self, side: Side, here: &str, there: &str) -> Origin {
        origin(self.at, side, here, there)
    }

    /// Where something may come from, the likeliest first: from the materials of the step itself, from
    /// the last that had it as a product, from the first that had it as a material.
    fn sources(self) -> impl Iterator<Item = (usize, Side, &'a Artifacts)> {
        let own = (self.side == Side::Products).then_some((self.at, Side::Materials));
        let products = (0..self.at).rev().map(|step| (step, Side::Products));
        let materials = (0..self.at).map(|step| (step, Side::Materials));
        let all = own.into_iter().chain(products).chain(materials);
        all.filter_map(move |(step, side)| {
            let artifacts = self.steps.get(step)?.link.side(side);
            Some((step, side, artifacts))
        })
    }

    fn by_name(self, name: &str, digests: &DigestSet) -> Option<Origin> {
        let mut sources = self.sources();
        let found = sources.find(|(.., artifacts)| is(artifacts, name, digests));
        found.map(|(step, side, _)| origin(step, side, "", ""))
    }

    /// Finds out which of these lay in another folder before, and gives back the others; and how many of
    /// these did in one of which nothing is to be said.
    fn moved(
        self,
        mut open: Vec<(&'a str, &'a DigestSet)>,
        groups: &mut Groups<'a>,
    ) -> (Vec<(&'a str, &'a DigestSet)>, usize) {
        // Names that the reference and we read differently below a folder stay where they are.
        let odd = |name: &str| name.contains("//") || name.contains('\\');
        let own = self
            .steps
            .get(self.at)
            .map(|step| step.link.side(self.side));
        if open.is_empty() || own.is_none_or(|own| own.keys().any(odd)) {
            return (open, 0);
        }
        let twins = self.twins(&open);
        let mut let_go = 0;
        for _ in 0..MOVES_AT_MOST {
            let mut votes: BTreeMap<Origin, usize> = BTreeMap::new();
            let_go = 0;
            for (name, digests) in &open {
                let found = digests.sha256().and_then(|content| twins.get(content));
                let mut changes = false;
                for (step, side, there) in found.into_iter().flatten() {
                    let Some((here, there)) = folders(name, there) else {
                        continue;
                    };
                    if self.open && (likeness(here).is_some() || likeness(there).is_some()) {
                        changes = true;
                        continue;
                    }
                    *votes.entry(origin(*step, *side, here, there)).or_default() += 1;
                }
                let_go += usize::from(changes);
            }
            let best = votes
                .into_iter()
                .max_by(|one, other| one.1.cmp(&other.1).then(other.0.cmp(&one.0)));
            let Some((best, _)) = best else {
                break;
            };
            let taken: Vec<(&str, &DigestSet)>;
            (taken, open) = open
                .into_iter()
                .partition(|(name, digests)| self.holds(&best, name, digests));
            if taken.is_empty() {
                break;
            }
            let names = taken.into_iter().map(|(name, _)| name);
            groups.entry(Claim::Match(best)).or_default().extend(names);
        }
        (open, let_go)
    }

    /// What has the same content as one of these, where it may come from.
    fn twins(
        self,
        open: &[(&str, &'a DigestSet)],
    ) -> BTreeMap<&'a [u8; 32], Vec<(usize, Side, &'a str)>> {
        let contents = open.iter().filter_map(|(_, digests)| digests.sha256());
        let sought: BTreeSet<&[u8; 32]> = contents
            .filter(|content| **content != EMPTY_SHA256)
            .collect();
        let mut twins: BTreeMap<&[u8; 32], Vec<_>> = BTreeMap::new();
        for (step, side, artifacts) in self.sources() {
            for (name, digests) in artifacts.iter() {
                let Some(content) = digests.sha256().filter(|content| sought.contains(content))
                else {
                    continue;
                };
                let known = twins.entry(content).or_default();
                if known.len() < TWINS_AT_MOST && !name.contains("//") && !name.contains('\\') {
                    known.push((step, side, name));
                }
            }
        }
        twins
    }

    fn holds(self, origin: &Origin, name: &str, digests: &DigestSet) -> bool {
        let Some(rest) = inside(&origin.here, name) else {
            return false;
        };
        let there = self.steps.get(origin.step.0);
        let there = there.map(|step| step.link.side(origin.side.0));
        there.is_some_and(|there| {
            !rest.starts_with('/') && is(there, &joined(&origin.there, rest), digests)
        })
    }
}

fn is(artifacts: &Artifacts, name: &str, digests: &DigestSet) -> bool {
    let there = artifacts.get(name);
    there.is_some_and(|there| there.agreement(digests) == Agreement::Same)
}

fn origin(step: usize, side: Side, here: &str, there: &str) -> Origin {
    Origin {
        step: Reverse(step),
        side: Reverse(side),
        here: here.to_owned(),
        there: there.to_owned(),
    }
}

/// What a name is below a folder, as the rules read it.
pub(super) fn inside<'n>(folder: &str, name: &'n str) -> Option<&'n str> {
    match Prefix::new(folder) {
        Some(prefix) => prefix.strip(name),
        None => Some(name),
    }
}

/// The name of something below a folder, as the rules read it.
pub(super) fn joined(folder: &str, rest: &str) -> String {
    Prefix::new(folder).map_or_else(|| rest.to_owned(), |prefix| prefix.join(rest))
}

/// The folders in which two paths are the same; `None` when not even the last part is.
fn folders<'n>(one: &'n str, other: &'n str) -> Option<(&'n str, &'n str)> {
    if one == other || file_name(one) != file_name(other) {
        return None;
    }
    let (mut here, mut there) = (one, other);
    loop {
        let (above, last) = here.rsplit_once('/').unwrap_or(("", here));
        let (above_there, last_there) = there.rsplit_once('/').unwrap_or(("", there));
        if last != last_there || here.is_empty() || there.is_empty() {
            return (here != there).then_some((here, there));
        }
        (here, there) = (above, above_there);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_two_paths_end_in_is_taken_off() {
        for (one, other, expected) in [
            ("dist/hello", "hello", Some(("dist", ""))),
            ("hello", "build/out/hello", Some(("", "build/out"))),
            ("a/src/x/y.c", "b/src/x/y.c", Some(("a", "b"))),
            ("v2/a", "v1/a", Some(("v2", "v1"))),
            ("/opt/hello", "hello", Some(("/opt", ""))),
            ("a/b", "a/b", None),
            ("a/b", "a/c", None),
        ] {
            assert_eq!(folders(one, other), expected, "{one} {other}");
        }
    }

    #[test]
    fn the_digest_of_nothing_is_known() {
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"");
        assert_eq!(digest.as_ref(), EMPTY_SHA256);
    }
}
