//! Where a content is seen, from one step on: what an attacker changes on the disk is what every
//! honest step after that records.
//!
//! A name on the disk is followed through the materials and products of the steps in their order, as
//! long as its content stays what it was. A product that was no material of its step was made by the
//! step, even if it is the same as one of an earlier step: whoever builds twice relies on that. Where a MATCH rule of a later step compares materials in one
//! folder with artifacts in another, the file was copied, and is followed there too.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::model::{Agreement, Artifacts, DigestSet, MatchRule, Pattern, Rule, Side};
use crate::verify::Baseline;

/// One artifact on one side of a step.
pub(super) type Sight<'n> = (usize, Side, Cow<'n, str>);

/// The artifacts of a chain, and the folders they are in.
#[derive(Debug)]
pub(super) struct Flow<'b> {
    pub(super) baseline: &'b Baseline,
    /// Of each step the folders of its materials and of its products.
    folders: Vec<[BTreeSet<&'b str>; 2]>,
    /// MATCH rules over materials that lead from one folder to another: step, origin, rule.
    copies: Vec<(usize, usize, &'b MatchRule)>,
    /// A word that no name has in it.
    word: String,
}

const WORD: &str = "tampered";

/// What could be added on one side of a step.
#[derive(Debug, Default)]
pub(super) struct Additions {
    /// Names that nobody had there.
    pub(super) names: Vec<String>,
    /// How many patterns there are for which no name was found.
    pub(super) nameless: usize,
}

impl<'b> Flow<'b> {
    pub(super) fn of(baseline: &'b Baseline) -> Self {
        let steps = baseline.steps();
        let names = || {
            let links = steps.iter().map(|step| &step.link);
            links.flat_map(|link| link.materials.keys().chain(link.products.keys()))
        };
        let mut word = WORD.to_owned();
        while names().any(|name| name.contains(&word)) {
            word.push('-');
        }
        let of = |side: &'b Artifacts| side.keys().map(folder).collect();
        let folders = steps
            .iter()
            .map(|step| [of(&step.link.materials), of(&step.link.products)]);
        Self {
            folders: folders.collect(),
            copies: copies(baseline),
            baseline,
            word,
        }
    }

    /// The artifacts of one side of a step.
    pub(super) fn side(&self, step: usize, side: Side) -> Option<&'b Artifacts> {
        Some(self.baseline.steps().get(step)?.link.side(side))
    }

    /// Everywhere that the content of an artifact is seen, from that side of that step on.
    pub(super) fn carried<'n>(&self, step: usize, side: Side, name: &'n str) -> Vec<Sight<'n>> {
        let digests = self.side(step, side).and_then(|side| side.get(name));
        let Some(digests) = digests else {
            return Vec::new();
        };
        let mut sights: Vec<Sight<'n>> = Vec::new();
        let mut starts: Vec<Sight<'n>> = vec![(step, side, name.into())];
        while let Some(start) = starts.pop() {
            if sights.contains(&start) {
                continue;
            }
            let first = std::iter::once((start.0, start.1));
            for (step, side) in first.chain(self.behind(start.0, start.1)) {
                let sight = (step, side, start.2.clone());
                let before = (step, Side::Materials, start.2.clone());
                // Another product of a later step was made by that step.
                let brought =
                    step == start.0 || side == Side::Materials || sights.contains(&before);
                match self.is_there(digests, &sight) {
                    Some(true) if brought => {
                        let copies = self.copied(step, side, &start.2).into_iter();
                        let copies = copies.map(|(to, name)| (to, Side::Materials, name.into()));
                        starts.extend(
                            copies.filter(|copy| self.is_there(digests, copy) == Some(true)),
                        );
                        if !sights.contains(&sight) {
                            sights.push(sight);
                        }
                    }
                    Some(_) => break,
                    None => {}
                }
            }
        }
        sights
    }

    /// Whether an artifact has that content there; `None` when it is not there.
    fn is_there(&self, digests: &DigestSet, (step, side, name): &Sight<'_>) -> Option<bool> {
        let there = self.side(*step, *side)?.get(name)?;
        Some(match digests.agreement(there) {
            Agreement::Same | Agreement::TooWeak => true,
            Agreement::Different | Agreement::NothingShared => false,
        })
    }

    /// Everywhere that a new artifact would be seen, from that side of that step on: where others of
    /// its folder are.
    pub(super) fn planted<'n>(&self, step: usize, side: Side, name: &'n str) -> Vec<Sight<'n>> {
        let mut sights: Vec<Sight<'n>> = vec![(step, side, name.into())];
        let mut at = 0;
        while let Some(sight) = sights.get(at).cloned() {
            at += 1;
            if at == 1 {
                self.lie_about(&sight, &mut sights);
            }
            for (to, name) in self.copied(sight.0, sight.1, &sight.2) {
                let known = sights.iter().any(|it| it.0 == to && it.2 == name);
                if !known && self.has_folder(to, Side::Materials, folder(&name)) {
                    let copy: Sight<'n> = (to, Side::Materials, name.into());
                    sights.push(copy.clone());
                    self.lie_about(&copy, &mut sights);
                }
            }
        }
        sights
    }

    /// A new file stays where it is, and is recorded where its folder is: among the products of a step
    /// only if it was among its materials.
    fn lie_about<'n>(&self, (step, side, name): &Sight<'n>, sights: &mut Vec<Sight<'n>>) {
        for (later, side) in self.behind(*step, *side) {
            let before = (later, Side::Materials, name.clone());
            let brought = side == Side::Materials || sights.contains(&before);
            if brought && self.has_folder(later, side, folder(name)) {
                sights.push((later, side, name.clone()));
            }
        }
    }

    /// The sides of steps behind one of them, in their order.
    fn behind(&self, step: usize, side: Side) -> impl Iterator<Item = (usize, Side)> + use<> {
        let later = step + 1..self.folders.len();
        let own = (side == Side::Materials).then_some((step, Side::Products));
        own.into_iter()
            .chain(later.flat_map(|step| [(step, Side::Materials), (step, Side::Products)]))
    }

    /// Where a later step has a copy of an artifact.
    fn copied(&self, step: usize, side: Side, name: &str) -> Vec<(usize, String)> {
        let rules = self.copies.iter();
        let rules =
            rules.filter(|(to, from, rule)| *from == step && *to > step && rule.side == side);
        let copy = |(to, _, rule): &(usize, usize, &MatchRule)| {
            let rest = match &rule.destination {
                Some(prefix) => prefix.strip(name)?,
                None => name,
            };
            let copy = match &rule.source {
                Some(prefix) => prefix.join(rest),
                None => rest.to_owned(),
            };
            (copy != name).then_some((*to, copy))
        };
        rules.filter_map(copy).collect()
    }

    fn has_folder(&self, step: usize, side: Side, folder: &str) -> bool {
        let Some([materials, products]) = self.folders.get(step) else {
            return false;
        };
        match side {
            Side::Materials => materials.contains(folder),
            Side::Products => products.contains(folder),
        }
    }

    /// The last step before one that saw a name, or what was copied to it.
    pub(super) fn last_seen(&self, before: usize, name: &str) -> Option<usize> {
        let saw = |step: &usize| {
            let sides = [Side::Materials, Side::Products];
            sides.into_iter().any(|side| {
                let side = self.side(*step, side);
                side.is_some_and(|side| side.contains_key(name))
            })
        };
        let copied = || {
            let mut copies = self.copies.iter().filter(|(to, ..)| *to == before);
            let from = copies.find(|(_, from, rule)| self.is_copy(*from, rule, name));
            from.map(|(_, from, _)| *from)
        };
        (0..before).rev().find(saw).or_else(copied)
    }

    /// Whether a rule pairs a name with an artifact that is there.
    fn is_copy(&self, from: usize, rule: &MatchRule, name: &str) -> bool {
        let rest = match &rule.source {
            Some(prefix) => prefix.strip(name),
            None => Some(name),
        };
        let there = rest.filter(|rest| rule.pattern.matches(rest)).map(|rest| {
            let prefix = rule.destination.as_ref();
            prefix.map_or_else(|| rest.to_owned(), |prefix| prefix.join(rest))
        });
        let side = self.side(from, rule.side);
        there.is_some_and(|there| side.is_some_and(|side| side.contains_key(&there)))
    }

    /// A new name beside another one, with its ending.
    pub(super) fn beside(&self, name: &str) -> String {
        let folder = folder(name);
        let file = name.get(folder.len()..).unwrap_or_default();
        let file = file.trim_start_matches('/');
        let ending = file.find('.').and_then(|at| file.get(at..)).unwrap_or("");
        let slash = if name.len() > file.len() { "/" } else { "" };
        format!("{folder}{slash}{}{ending}", self.word)
    }

    /// A name that a pattern matches.
    pub(super) fn example(&self, pattern: &Pattern) -> Option<String> {
        let mut name = String::new();
        let mut characters = pattern.as_str().chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '*' => {
                    while characters.next_if_eq(&'*').is_some() {}
                    name.push_str(&self.word);
                }
                '?' => name.push('x'),
                '[' => {
                    name.extend(characters.next());
                    characters.by_ref().find(|character| *character == ']');
                }
                _ => name.push(character),
            }
        }
        pattern.matches(&name).then_some(name)
    }

    /// Names that nobody had there, and that somebody might bring in: one beside each group of
    /// artifacts with the same folder and ending, and one for each pattern of the step's rules.
    pub(super) fn additions(&self, step: usize, side: Side) -> Additions {
        let mut nameless = 0;
        let Some(there) = self.side(step, side) else {
            return Additions::default();
        };
        let mut names: BTreeSet<String> = there.keys().map(|name| self.beside(name)).collect();
        let asked = self.baseline.layout().steps.get(step);
        let rules = asked.into_iter().flat_map(|step| step.rules.of(side));
        for rule in rules {
            let name = match rule {
                Rule::Allow(pattern)
                | Rule::Create(pattern)
                | Rule::Delete(pattern)
                | Rule::Disallow(pattern)
                | Rule::Modify(pattern) => self.example(pattern),
                Rule::Match(rule) => self.example(&rule.pattern).map(|name| match &rule.source {
                    Some(prefix) => prefix.join(&name),
                    None => name,
                }),
                Rule::Require(path) => Some(path.as_str().to_owned()),
            };
            nameless += usize::from(name.is_none());
            names.extend(name);
        }
        let new = names.into_iter().filter(|name| !name.is_empty());
        Additions {
            names: new.filter(|name| !there.contains_key(name)).collect(),
            nameless,
        }
    }
}

fn folder(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

fn copies(baseline: &Baseline) -> Vec<(usize, usize, &MatchRule)> {
    let mut copies = Vec::new();
    for (index, step) in baseline.layout().steps.iter().enumerate() {
        for rule in &step.rules.materials {
            if let Rule::Match(rule) = rule
                && (rule.source.is_some() || rule.destination.is_some())
                && let Some(from) = baseline.number(&rule.from)
            {
                copies.push((index, from, rule));
            }
        }
    }
    copies
}
