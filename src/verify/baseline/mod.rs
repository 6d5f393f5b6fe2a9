//! Evidence that passed, taken apart, so that tampered copies of it can be judged quickly.
//!
//! [`Baseline::judge`] says whether a [`Mutant`] would still pass. Nothing about rules, agreement or
//! thresholds is decided here: links are reduced to the artifacts that a mutant touches, and these
//! go through the same `agree`, `rules` and counter of signers as in a whole verification. That
//! is enough because the fate of an artifact depends on its own digests, on those of the same name
//! on the other side, and on those of its counterparts under MATCH rules, and because everything
//! that is not touched passed before. [`Baseline::links`] gives the whole links of a mutant, so that
//! they can be signed and given to [`verify`](super::verify), which stays the judge.

mod judge;

use std::collections::BTreeMap;

use crate::keys::{AnyKey, Authority as _, Fingerprint, KeyId};
use crate::model::{
    DigestSet, Envelope, ItemName, Layout, Link, LinkFile, MatchRule, Pairing, PayloadKind, Rule,
    Side,
};
use crate::report::{Report, Status};

use super::signed::{Checked, People, Signers};
use super::sought::sought;
use super::{Engine, NoInspections, Request, agree};

/// A link that counts and the key of its maker.
pub(super) struct Kept {
    path: String,
    key: AnyKey,
    link: Link,
    sublayout: bool,
}

impl Kept {
    pub(super) fn new(file: &LinkFile, key: AnyKey, link: &Link) -> Self {
        let kind = file.content.as_ref().map(Envelope::kind);
        Self {
            path: file.path.clone(),
            key,
            link: link.clone(),
            sublayout: matches!(kind, Ok(PayloadKind::Layout)),
        }
    }
}

/// Somebody who may perform steps.
#[derive(Debug)]
pub struct Person {
    /// The ids under which steps name them.
    pub ids: Vec<KeyId>,
    /// The key.
    pub key: AnyKey,
    /// The steps that they may perform, as far as is known: of somebody who is known by a
    /// certificate, those that they performed.
    pub steps: Vec<usize>,
    /// Whether they are known by a certificate.
    pub certified: bool,
}

/// A link that counts.
#[derive(Debug)]
pub struct Counted {
    /// The path of its file.
    pub path: String,
    /// Who made it, by the index in [`Baseline::people`].
    pub by: usize,
    /// The link; for a sublayout the one that it amounts to.
    pub link: Link,
    /// Whether a layout stood in its place.
    pub sublayout: bool,
}

/// A step with its links.
#[derive(Debug)]
pub struct Performed {
    /// The links that count.
    pub counted: Vec<Counted>,
    /// The link that stands for the step.
    pub link: Link,
}

/// Evidence that passed, inspections aside.
#[derive(Debug)]
pub struct Baseline {
    layout: Checked<Layout>,
    people: Vec<Person>,
    same: People,
    steps: Vec<Performed>,
    numbers: BTreeMap<ItemName, usize>,
    /// For each step, by the side of it that they compare with, the MATCH rules that do.
    uses: BTreeMap<(usize, Side), Vec<Use>>,
    /// Names with `\` in them, which prefixes turn into `/`, of each step.
    backslashed: Vec<Vec<String>>,
}

/// A MATCH rule of a step.
#[derive(Debug)]
struct Use {
    step: usize,
    rule: MatchRule,
}

/// A link in the evidence of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// Who signs it.
    pub by: usize,
    /// Of which of the links that count it is a copy, but for the edits.
    pub like: usize,
}

/// Other links for a step than those that were there.
#[derive(Debug)]
pub struct Stand {
    step: usize,
    slots: Vec<Slot>,
    enough: bool,
    /// Where what they come to differs from what stood before.
    differs: Vec<(Side, String)>,
}

/// A change of one artifact in links of a step.
#[derive(Clone, Debug)]
pub struct Edit {
    /// The step.
    pub step: usize,
    /// The side.
    pub side: Side,
    /// The artifact's name.
    pub name: String,
    /// Its digests; `None` when it is taken away.
    pub to: Option<DigestSet>,
    /// In which of the step's links; `None` for all.
    pub only: Option<usize>,
}

/// Tampered evidence: other links for some steps, and changes in these or in those that were there.
#[derive(Debug)]
pub struct Mutant<'b> {
    stands: Vec<&'b Stand>,
    edits: Vec<Edit>,
}

/// What became of a mutant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// For every step the same stands as before: nothing was tampered with.
    Same,
    /// It passes.
    Passes,
    /// It is refused.
    Refused,
}

impl Stand {
    /// Whether the links are enough, and come to what stood before.
    pub fn is_same(&self) -> bool {
        self.enough && self.differs.is_empty()
    }
}

impl Baseline {
    /// Takes evidence apart that passes: steps 1 to 6 of the procedure hold for the whole tree of
    /// layouts. Inspections are not run.
    ///
    /// # Errors
    /// The report, when it does not pass.
    pub fn of(request: &Request<'_>) -> Result<Self, Box<Report>> {
        let mut engine = Engine::new(request);
        engine.kept = Some(BTreeMap::new());
        let root = match engine.holds_layout() {
            true => engine.root(),
            false => None,
        };
        engine.report.enforce(request.policy);
        let items = engine.report.items.iter();
        let shown = items.clone().all(|item| item.status == Status::Passed);
        let passed = shown && items.len() > 0 && !engine.report.has_errors();
        let kept = engine.kept.take().unwrap_or_default();
        let is_whole = |index: &usize| {
            engine.nodes.get(*index).is_some_and(|node| {
                let mut steps = node.layout.steps.iter().map(|step| &step.name);
                steps.all(|name| node.links.contains_key(name) && kept.contains_key(name))
            })
        };
        match root.filter(|index| passed && is_whole(index)) {
            Some(index) => {
                let node = engine.nodes.swap_remove(index);
                Ok(Self::new(node.layout, node.people, node.links, kept))
            }
            None => {
                engine.inspections(&mut NoInspections);
                Err(Box::new(engine.finish().report))
            }
        }
    }

    fn new(
        layout: Checked<Layout>,
        same: People,
        mut links: BTreeMap<ItemName, Link>,
        mut kept: BTreeMap<ItemName, Vec<Kept>>,
    ) -> Self {
        let mut known = Known::of(&layout, &same);
        let mut steps = Vec::new();
        for (index, step) in layout.steps.iter().enumerate() {
            let kept = kept.remove(&step.name).unwrap_or_default();
            let counted = kept.into_iter().map(|kept| Counted {
                by: known.maker(same.person(kept.key.fingerprint()), kept.key, index),
                path: kept.path,
                link: kept.link,
                sublayout: kept.sublayout,
            });
            steps.push(Performed {
                counted: counted.collect(),
                link: links.remove(&step.name).unwrap_or_default(),
            });
        }
        let names = layout.steps.iter().map(|step| step.name.clone());
        let numbers: BTreeMap<ItemName, usize> = names.zip(0..).collect();
        let backslashed = steps.iter().map(|step| backslashed(&step.link)).collect();
        Self {
            people: known.people,
            uses: uses(&layout, &numbers),
            layout,
            same,
            steps,
            numbers,
            backslashed,
        }
    }

    /// The layout, with its parameters filled in.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Everyone who may perform steps.
    pub fn people(&self) -> &[Person] {
        &self.people
    }

    /// The steps in the layout's order.
    pub fn steps(&self) -> &[Performed] {
        &self.steps
    }

    /// The number of a step.
    pub fn number(&self, step: &ItemName) -> Option<usize> {
        self.numbers.get(step).copied()
    }

    /// What other links would come to for a step. Those of people who may not perform it are no
    /// links of it.
    pub fn stand(&self, step: usize, mut slots: Vec<Slot>) -> Stand {
        let mut signers = Signers::default();
        slots.retain(|slot| {
            let person = self.people.get(slot.by);
            let may = person.filter(|person| person.steps.contains(&step));
            if let Some(person) = may {
                signers.add(&person.key, &self.same);
            }
            may.is_some()
        });
        let threshold = self.layout.steps.get(step).map(|step| step.threshold);
        let enough = threshold.is_some_and(|threshold| signers.reach(threshold));
        let performed = self.steps.get(step);
        let differs = performed.map_or_else(Vec::new, |performed| {
            let like = slots.iter();
            let like = like.filter_map(|slot| performed.counted.get(slot.like));
            let links: Vec<(&str, &Link)> = like.map(|it| ("", &it.link)).collect();
            match agree::settle(&links) {
                Ok(settled) => differences(&settled, &performed.link),
                // Edits may remove what they disagree about: all of it is looked at with them.
                Err(_) => all_names(&links),
            }
        });
        let there = |slot: &Slot| performed.is_some_and(|it| it.counted.len() > slot.like);
        Stand {
            step,
            enough: enough && slots.iter().all(there),
            slots,
            differs,
        }
    }
}

/// Everyone of a layout, while they are collected.
struct Known {
    people: Vec<Person>,
    numbers: BTreeMap<Fingerprint, usize>,
}

impl Known {
    fn of(layout: &Layout, same: &People) -> Self {
        let mut known = Self {
            people: Vec::new(),
            numbers: BTreeMap::new(),
        };
        for (index, step) in layout.steps.iter().enumerate() {
            for sought in sought(layout, step) {
                if let Some(Ok(key)) = sought.key {
                    let print = same.person(key.fingerprint());
                    let number = known.number(print, key.into_owned(), false);
                    if let Some(person) = known.people.get_mut(number) {
                        if !person.ids.contains(&sought.keyid) {
                            person.ids.push(sought.keyid);
                        }
                        person.may(index);
                    }
                }
            }
        }
        known
    }

    fn number(&mut self, print: Fingerprint, key: AnyKey, certified: bool) -> usize {
        *self.numbers.entry(print).or_insert_with(|| {
            self.people.push(Person {
                ids: if certified { key.ids() } else { Vec::new() },
                key,
                steps: Vec::new(),
                certified,
            });
            self.people.len() - 1
        })
    }

    fn maker(&mut self, print: Fingerprint, key: AnyKey, step: usize) -> usize {
        let number = self.number(print, key, true);
        if let Some(person) = self.people.get_mut(number) {
            person.may(step);
        }
        number
    }
}

impl Person {
    fn may(&mut self, step: usize) {
        if !self.steps.contains(&step) {
            self.steps.push(step);
        }
    }
}

fn uses(layout: &Layout, numbers: &BTreeMap<ItemName, usize>) -> BTreeMap<(usize, Side), Vec<Use>> {
    let mut uses: BTreeMap<(usize, Side), Vec<Use>> = BTreeMap::new();
    for (index, step) in layout.steps.iter().enumerate() {
        for rule in step.rules.materials.iter().chain(&step.rules.products) {
            if let Rule::Match(rule) = rule
                && let Some(from) = numbers.get(&rule.from)
            {
                let (step, rule) = (index, rule.clone());
                let of_side = uses.entry((*from, rule.side)).or_default();
                of_side.push(Use { step, rule });
            }
        }
    }
    uses
}

fn backslashed(link: &Link) -> Vec<String> {
    let names = link.materials.keys().chain(link.products.keys());
    let names = names.filter(|name| name.contains('\\'));
    names.map(str::to_owned).collect()
}

fn all_names(links: &[(&str, &Link)]) -> Vec<(Side, String)> {
    let sides = [Side::Materials, Side::Products].into_iter();
    let names = sides.flat_map(|side| {
        let names = links
            .iter()
            .flat_map(move |(_, link)| link.side(side).keys());
        names.map(move |name| (side, name.to_owned()))
    });
    names.collect()
}

fn differences(one: &Link, other: &Link) -> Vec<(Side, String)> {
    let mut found = Vec::new();
    for side in [Side::Materials, Side::Products] {
        let (left, right) = (one.side(side), other.side(side));
        left.pair(right, |pairing| {
            let name = match pairing {
                Pairing::First(at) => left.name(at),
                Pairing::Second(at) => right.name(at),
                Pairing::Both(at, there, _) if left.digests(at) != right.digests(there) => {
                    left.name(at)
                }
                Pairing::Both(..) => None,
            };
            found.extend(name.map(|name| (side, name.to_owned())));
        });
    }
    found
}
