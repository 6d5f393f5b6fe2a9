//! Whether a mutant passes: the links reduced to what it touches, under the same rules.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::model::{ArtifactPath, Artifacts, DigestSet, ItemName, Link, MatchRule, Rule, Side};

use super::super::{agree, rules};
use super::{Baseline, Counted, Edit, Effect, Mutant, Performed, Slot, Stand};

/// A step and the name of an artifact, on whichever side.
type Touched<'n> = (usize, Cow<'n, str>);

impl<'b> Mutant<'b> {
    /// Of several edits of one artifact in one link the first counts.
    pub fn new(stands: Vec<&'b Stand>, mut edits: Vec<Edit>) -> Self {
        edits.sort_by(|one, other| one.place().cmp(&other.place()));
        Self { stands, edits }
    }

    /// The edits, in the order of steps, sides and names.
    pub fn edits(&self) -> &[Edit] {
        &self.edits
    }

    /// The edit of an artifact in one of the links of a step.
    fn edit(&self, step: usize, side: Side, name: &str, slot: usize) -> Option<&Edit> {
        let wanted = (step, side, name);
        let first = self.edits.partition_point(|edit| edit.place() < wanted);
        let mut edits = self.edits.get(first..)?.iter();
        let mut edits = edits.by_ref().take_while(|edit| edit.place() == wanted);
        edits.find(|edit| edit.only.is_none_or(|only| only == slot))
    }

    fn stand(&self, step: usize) -> Option<&'b Stand> {
        self.stands.iter().find(|stand| stand.step == step).copied()
    }
}

impl Edit {
    fn place(&self) -> (usize, Side, &str) {
        (self.step, self.side, self.name.as_str())
    }
}

impl Baseline {
    /// Whether a mutant would pass.
    pub fn judge(&self, mutant: &Mutant<'_>) -> Effect {
        if mutant.stands.iter().any(|stand| !stand.enough) {
            return Effect::Refused;
        }
        let changed = changed(mutant);
        let own = self.touched(&changed);
        let all = self.with_counterparts(&own);
        let Some(slices) = self.slices(&all, mutant) else {
            return Effect::Refused;
        };
        let is_same = |&(step, side, name): &(usize, Side, &str)| {
            let before = self.steps.get(step).map(|it| it.link.side(side));
            let after = slices.get(&step).map(|link| link.side(side));
            before.and_then(|side| side.get(name)) == after.and_then(|side| side.get(name))
        };
        if changed.iter().all(is_same) {
            return Effect::Same;
        }
        let nothing = Link::default();
        let link_of = |name: &ItemName| {
            let number = self.numbers.get(name)?;
            Some(slices.get(number).unwrap_or(&nothing))
        };
        let holds = own.chunk_by(|one, other| one.0 == other.0).all(|names| {
            let Some((step, _)) = names.first() else {
                return true;
            };
            let (Some(slice), Some(asked)) = (slices.get(step), self.layout.steps.get(*step))
            else {
                return false;
            };
            rules::hold(&asked.rules, &reduced(slice, names), &link_of)
        });
        match holds {
            true => Effect::Passes,
            false => Effect::Refused,
        }
    }

    /// The artifacts that rules may judge otherwise than before, sorted.
    fn touched<'n>(&'n self, changed: &[(usize, Side, &'n str)]) -> Vec<Touched<'n>> {
        let mut own: Vec<Touched<'n>> = Vec::new();
        for (step, side, name) in changed {
            own.push((*step, Cow::Borrowed(name)));
            for used in self.uses.get(&(*step, *side)).into_iter().flatten() {
                let own_name = counterpart_of(&used.rule, name);
                own.extend(own_name.map(|name| (used.step, name)));
                if used.rule.source.is_some() || used.rule.destination.is_some() {
                    let names = self.backslashed.get(used.step).into_iter().flatten();
                    own.extend(names.map(|name| (used.step, Cow::from(name.as_str()))));
                }
            }
        }
        own.sort_unstable();
        own.dedup();
        let mut steps: Vec<usize> = own.iter().map(|(step, _)| *step).collect();
        steps.dedup();
        for step in steps {
            let asked = self.layout.steps.get(step);
            let rules = asked.into_iter().flat_map(|it| {
                let both = it.rules.materials.iter().chain(&it.rules.products);
                both.filter_map(|rule| match rule {
                    Rule::Require(path) => Some(path.as_str()),
                    Rule::Allow(_)
                    | Rule::Create(_)
                    | Rule::Delete(_)
                    | Rule::Disallow(_)
                    | Rule::Match(_)
                    | Rule::Modify(_) => None,
                })
            });
            own.extend(rules.map(|name| (step, Cow::Borrowed(name))));
        }
        own.sort_unstable();
        own.dedup();
        own
    }

    /// The same with all that MATCH rules compare them with.
    fn with_counterparts<'n>(&'n self, own: &[Touched<'n>]) -> Vec<Touched<'n>> {
        let mut all = own.to_vec();
        for (step, name) in own {
            let Some(asked) = self.layout.steps.get(*step) else {
                continue;
            };
            for rule in asked.rules.materials.iter().chain(&asked.rules.products) {
                if let Rule::Match(rule) = rule
                    && let Some(from) = self.numbers.get(&rule.from)
                    && let Some(there) = rules::counterpart(rule, name)
                {
                    all.push((*from, Cow::Owned(there.into_owned())));
                }
            }
        }
        all.sort_unstable();
        all.dedup();
        all
    }

    /// For each step what its links come to, reduced to some artifacts. `None` when they disagree.
    fn slices(&self, names: &[Touched<'_>], mutant: &Mutant<'_>) -> Option<BTreeMap<usize, Link>> {
        let of_steps = names.chunk_by(|one, other| one.0 == other.0);
        of_steps
            .map(|names| {
                let (step, _) = names.first()?;
                let performed = self.steps.get(*step)?;
                let links = self.slots(*step, mutant).into_iter().enumerate();
                let links: Option<Vec<Link>> = links
                    .map(|(at, slot)| {
                        let link = &performed.counted.get(slot.like)?.link;
                        let side = |side: Side| {
                            let of = |(_, name): &Touched<'_>| {
                                let digests = match mutant.edit(*step, side, name, at) {
                                    Some(edit) => edit.to.as_ref(),
                                    None => link.side(side).get(name),
                                };
                                Some((ArtifactPath::claimed(name), digests?.clone()))
                            };
                            names.iter().filter_map(of).collect()
                        };
                        Some(Link {
                            materials: side(Side::Materials),
                            products: side(Side::Products),
                            ..Link::default()
                        })
                    })
                    .collect();
                let links = links?;
                let links: Vec<(&str, &Link)> = links.iter().map(|link| ("", link)).collect();
                Some((*step, agree::settle(&links).ok()?))
            })
            .collect()
    }

    /// The links of a step in the evidence of a mutant.
    fn slots(&self, step: usize, mutant: &Mutant<'_>) -> Vec<Slot> {
        if let Some(stand) = mutant.stand(step) {
            return stand.slots.clone();
        }
        let counted = self.steps.get(step).into_iter().flat_map(|it| &it.counted);
        let slot = |(like, counted): (usize, &Counted)| Slot {
            by: counted.by,
            like,
        };
        counted.enumerate().map(slot).collect()
    }

    /// The whole links of a mutant, each with who signs it, for every step. `None` when one of them is
    /// like none that was there.
    pub fn links(&self, mutant: &Mutant<'_>) -> Option<Vec<Vec<(usize, Link)>>> {
        let of_step = |(step, performed): (usize, &Performed)| {
            let slots = self.slots(step, mutant).into_iter().enumerate();
            let link = |(at, slot): (usize, Slot)| {
                let mut link = performed.counted.get(slot.like)?.link.clone();
                link.materials = edited(&link.materials, mutant, step, Side::Materials, at);
                link.products = edited(&link.products, mutant, step, Side::Products, at);
                Some((slot.by, link))
            };
            slots.map(link).collect()
        };
        self.steps.iter().enumerate().map(of_step).collect()
    }
}

/// The name that a MATCH rule pairs with that one there, but for names with `\`.
fn counterpart_of<'n>(rule: &MatchRule, there: &'n str) -> Option<Cow<'n, str>> {
    let rest = match &rule.destination {
        Some(prefix) => prefix.strip(there)?,
        None => there,
    };
    Some(match &rule.source {
        Some(prefix) => Cow::Owned(prefix.join(rest)),
        None => Cow::Borrowed(rest),
    })
}

/// What is not as it was, sorted.
fn changed<'m>(mutant: &'m Mutant<'_>) -> Vec<(usize, Side, &'m str)> {
    let edits = mutant.edits.iter().map(Edit::place);
    let stands = mutant.stands.iter().flat_map(|stand| {
        let differs = stand.differs.iter();
        differs.map(|(side, name)| (stand.step, *side, name.as_str()))
    });
    let mut changed: Vec<_> = edits.chain(stands).collect();
    changed.sort_unstable();
    changed.dedup();
    changed
}

fn reduced(link: &Link, names: &[Touched<'_>]) -> Link {
    let side = |side: Side| {
        let all = link.side(side);
        let of =
            |(_, name): &Touched<'_>| Some((ArtifactPath::claimed(name), all.get(name)?.clone()));
        names.iter().filter_map(of).collect()
    };
    Link {
        materials: side(Side::Materials),
        products: side(Side::Products),
        ..Link::default()
    }
}

/// One side of a link with its edits.
fn edited(
    artifacts: &Artifacts,
    mutant: &Mutant<'_>,
    step: usize,
    side: Side,
    slot: usize,
) -> Artifacts {
    let here = |edit: &&Edit| {
        (edit.step, edit.side) == (step, side) && edit.only.is_none_or(|only| only == slot)
    };
    let mut edits: BTreeMap<&str, Option<&DigestSet>> = BTreeMap::new();
    for edit in mutant.edits.iter().filter(here) {
        edits.entry(&edit.name).or_insert(edit.to.as_ref());
    }
    if edits.is_empty() {
        return artifacts.clone();
    }
    let kept = artifacts
        .iter()
        .filter(|(name, _)| !edits.contains_key(name));
    let new = edits.iter().filter_map(|(name, to)| Some((*name, (*to)?)));
    kept.chain(new)
        .map(|(name, digests)| (ArtifactPath::claimed(name), digests.clone()))
        .collect()
}
