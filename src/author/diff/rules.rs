//! Two lists of rules for one side of an item: which artifacts they judge differently.
//!
//! What a list says of an artifact depends on its name, on whether the other side of the item has it
//! too, and on what the items that MATCH rules name have in its place. Names fall into finitely many
//! [`Kinds`], and so do the rest: so an example of each is made, and both lists are applied to it, as a
//! verification would. When all were tried, what is told is exact, for each list by itself; whether
//! the whole layout lets something through depends on the other lists, too.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::{
    ArtifactPath, Artifacts, DigestSet, ItemName, Kinds, Link, Pattern, Question, Rule, Side,
    escaped, quoted,
};
use crate::verify::{Judged, compared_with, has_parameter, judge};

/// How many comparisons with other items are combined with each other. Beyond, each is tried alone.
const COMBINED_AT_MOST: usize = 5;

/// How many ways in which an artifact can be are told before they are only counted.
const TOLD: usize = 3;

/// What two lists of rules judge differently.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shifts {
    /// Each with examples.
    pub all: Vec<Shift>,
    /// Whether there is nothing else, that is, whether everything was tried.
    pub is_complete: bool,
}

/// Artifacts that are judged differently, all in the same way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// Whether they were refused and are now let through; otherwise it is the other way round.
    pub allows: bool,
    /// Names, one for each kind; those that are recorded or stand in the rules come first.
    pub examples: Vec<String>,
    /// In which cases: one of these. Empty when it is in any case.
    pub when: Vec<String>,
    /// What decided under the old list and what does under the new one, as lines for people.
    pub before: String,
    /// See `before`.
    pub now: String,
}

/// The two lists and what they are about.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lists<'a> {
    pub(super) item: &'a ItemName,
    pub(super) side: Side,
    pub(super) old: &'a [Rule],
    pub(super) new: &'a [Rule],
}

/// How an artifact can be, as far as rules look at it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Case {
    is_there: bool,
    /// The other side of the same item.
    beside: Beside,
    /// For each comparison whether the other item has the same.
    same: Vec<bool>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Beside {
    Absent,
    Same,
    Other,
}

/// An artifact of another item with which a MATCH rule compares.
type There<'a> = (&'a ItemName, Side, String);

impl Lists<'_> {
    /// What is judged differently. Examples are taken from `known` names where there are some.
    pub(super) fn shifts<'n>(&self, known: impl Iterator<Item = &'n str>) -> Shifts {
        if self.old == self.new {
            return Shifts {
                all: Vec::new(),
                is_complete: true,
            };
        }
        let questions = self.questions();
        let made: Vec<String> = questions.iter().map(Question::example).collect();
        let known: Vec<&str> = known.collect();
        let preferred = known.into_iter().chain(made.iter().map(String::as_str));
        let kinds = Kinds::of(&questions, preferred);
        // What is filled in for a parameter may make something else of a rule.
        let is_open = |rule: &Rule| rule.words().iter().any(|word| has_parameter(word));
        let mut is_complete = kinds.is_complete && !self.rules().any(is_open);
        let mut found: BTreeMap<Told, Vec<String>> = BTreeMap::new();
        for name in &kinds.examples {
            is_complete &= self.of_name(name, &mut found);
        }
        let shift = |(told, examples): (Told, Vec<String>)| Shift {
            allows: told.allows,
            examples,
            when: told.when,
            before: told.before,
            now: told.now,
        };
        let mut all: Vec<Shift> = found.into_iter().map(shift).collect();
        all.sort_by_key(|shift| !shift.allows);
        Shifts { all, is_complete }
    }

    fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.old.iter().chain(self.new)
    }

    /// What the rules tell apart, each once.
    fn questions(&self) -> Vec<Question> {
        let mut seen = BTreeSet::new();
        let mut questions = Vec::new();
        for rule in self.rules() {
            // The keyword makes no difference but for MATCH.
            let (key, question) = match rule {
                Rule::Allow(pattern)
                | Rule::Create(pattern)
                | Rule::Delete(pattern)
                | Rule::Disallow(pattern)
                | Rule::Modify(pattern) => (format!("P{pattern}"), Question::matches(pattern)),
                Rule::Match(rule) => {
                    let folder = rule.source.as_ref().map(|folder| folder.join(""));
                    let below = rule.destination.is_some() || folder.is_some();
                    let key = match below {
                        true => format!("M{folder:?} {}", rule.pattern),
                        false => format!("P{}", rule.pattern),
                    };
                    (key, Question::about(rule))
                }
                Rule::Require(path) => (format!("R{path}"), Question::is(path.as_str())),
            };
            if seen.insert(key) {
                questions.push(question);
            }
        }
        // Behind a folder's name it is read as `/`.
        let moves = |rule: &Rule| matches!(rule, Rule::Match(rule) if rule.destination.is_some());
        if self.rules().any(moves) {
            questions.push(Question::matches(&Pattern::new("*\\*")));
        }
        questions
    }

    /// Everything that is judged differently of artifacts of a name, and whether all was tried.
    fn of_name(&self, name: &str, found: &mut BTreeMap<Told, Vec<String>>) -> bool {
        let theres = self.theres(name);
        let (cases, all_tried) = self.cases(name, theres.len());
        let mut differing: BTreeMap<(bool, String, String), BTreeSet<Case>> = BTreeMap::new();
        for case in &cases {
            let link = self.link(name, case, &theres);
            let others = links(case, &theres);
            let link_of = |item: &ItemName| match item == self.item {
                true => Some(&link),
                false => others.get(item),
            };
            let old = judge(self.old, self.side, &link, name, &link_of);
            let new = judge(self.new, self.side, &link, name, &link_of);
            if old.refuses != new.refuses {
                let key = (old.refuses, why(self.old, old), why(self.new, new));
                differing.entry(key).or_default().insert(case.clone());
            }
        }
        for ((allows, before, now), differing) in differing {
            let when = self.when(name, &differing, &cases, &theres);
            let told = Told {
                allows,
                before,
                now,
                when,
            };
            found.entry(told).or_default().push(name.to_owned());
        }
        all_tried
    }

    /// What MATCH rules compare an artifact of this name with, each once. Where that is on the same
    /// item and is the artifact itself, or its other side, it is nothing of its own.
    fn theres(&self, name: &str) -> Vec<There<'_>> {
        let mut theres: Vec<There<'_>> = Vec::new();
        for rule in self.rules() {
            if let Rule::Match(rule) = rule
                && let Some(other) = compared_with(rule, name)
            {
                let there = (&rule.from, rule.side, other);
                let itself = rule.from == *self.item && there.2 == name;
                if !itself && !theres.contains(&there) {
                    theres.push(there);
                }
            }
        }
        theres
    }

    /// How an artifact of this name can be, and whether that is all.
    fn cases(&self, name: &str, theres: usize) -> (Vec<Case>, bool) {
        let asks = |rule: &Rule| match rule {
            Rule::Create(_) | Rule::Delete(_) | Rule::Modify(_) => true,
            Rule::Match(rule) => rule.from == *self.item,
            Rule::Allow(_) | Rule::Disallow(_) | Rule::Require(_) => false,
        };
        let besides = match self.rules().any(asks) {
            true => vec![Beside::Absent, Beside::Same, Beside::Other],
            false => vec![Beside::Absent],
        };
        let all = theres <= COMBINED_AT_MOST;
        let combined: Vec<Vec<bool>> = if all {
            let bits = |number: usize| (0..theres).map(|bit| number >> bit & 1 == 1).collect();
            (0..1_usize << theres).map(bits).collect()
        } else {
            let alone = |one: usize| (0..theres).map(|at| at == one).collect();
            let (none, every) = (vec![false; theres], vec![true; theres]);
            [none, every]
                .into_iter()
                .chain((0..theres).map(alone))
                .collect()
        };
        let mut cases = Vec::new();
        for beside in besides {
            cases.extend(combined.iter().map(|same| Case {
                is_there: true,
                beside,
                same: same.clone(),
            }));
        }
        let required = |rule: &Rule| matches!(rule, Rule::Require(path) if path.as_str() == name);
        if self.rules().any(required) {
            cases.push(Case {
                is_there: false,
                beside: Beside::Absent,
                same: vec![false; theres],
            });
        }
        (cases, all)
    }

    /// The item's own link in a case.
    fn link(&self, name: &str, case: &Case, theres: &[There<'_>]) -> Link {
        let (mut own, mut beside) = (Artifacts::new(), Artifacts::new());
        if case.is_there {
            own.insert(ArtifactPath::claimed(name), same());
        }
        match case.beside {
            Beside::Absent => {}
            Beside::Same => drop(beside.insert(ArtifactPath::claimed(name), same())),
            Beside::Other => drop(beside.insert(ArtifactPath::claimed(name), other())),
        }
        for ((item, side, there), is_same) in theres.iter().zip(&case.same) {
            if *item == self.item && *is_same {
                let list = if *side == self.side {
                    &mut own
                } else {
                    &mut beside
                };
                list.insert(ArtifactPath::claimed(there), same());
            }
        }
        let (materials, products) = match self.side {
            Side::Materials => (own, beside),
            Side::Products => (beside, own),
        };
        Link {
            name: self.item.as_str().to_owned(),
            materials,
            products,
            ..Link::default()
        }
    }

    /// The cases in words, without what makes no difference.
    fn when(
        &self,
        name: &str,
        differing: &BTreeSet<Case>,
        all: &[Case],
        theres: &[There<'_>],
    ) -> Vec<String> {
        if differing.len() == all.len() {
            return Vec::new();
        }
        let has = |case: &Case| !all.contains(case) || differing.contains(case);
        let beside_matters = differing.iter().any(|case| {
            let all = [Beside::Absent, Beside::Same, Beside::Other];
            !all.into_iter().all(|beside| {
                has(&Case {
                    beside,
                    ..case.clone()
                })
            })
        });
        let matters: Vec<bool> = (0..theres.len())
            .map(|at| differing.iter().any(|case| !has(&flipped(case, at))))
            .collect();
        let there_matters = differing.iter().any(|case| {
            let is_there = !case.is_there;
            !has(&Case {
                is_there,
                ..case.clone()
            })
        }) || differing.iter().any(|case| !case.is_there);
        let mut words: Vec<String> = Vec::new();
        for case in differing {
            let mut parts: Vec<String> = Vec::new();
            if !case.is_there {
                parts.push("it is not there".to_owned());
            } else {
                if there_matters && !beside_matters && !matters.contains(&true) {
                    parts.push("it is there".to_owned());
                }
                if beside_matters {
                    parts.push(beside_words(self.side, case.beside).to_owned());
                }
                let compared = theres.iter().zip(&case.same).zip(&matters);
                parts.extend(
                    compared
                        .filter(|(_, matters)| **matters)
                        .map(|((there, same), _)| there_words(name, there, *same)),
                );
            }
            let words_of_case = parts.join(" and ");
            if !words.contains(&words_of_case) {
                words.push(words_of_case);
            }
        }
        if words.len() > TOLD {
            let more = words.len() - TOLD;
            words.truncate(TOLD);
            words.push(format!("in {more} more cases"));
        }
        words
    }
}

/// What is told of artifacts that are judged differently.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    allows: bool,
    before: String,
    now: String,
    when: Vec<String>,
}

fn flipped(case: &Case, at: usize) -> Case {
    let mut flipped = case.clone();
    if let Some(same) = flipped.same.get_mut(at) {
        *same = !*same;
    }
    flipped
}

/// The links of the other items in a case. What is not the same is something else, which is to a MATCH
/// as if it were not there.
fn links(case: &Case, theres: &[There<'_>]) -> BTreeMap<ItemName, Link> {
    let mut links: BTreeMap<ItemName, Link> = BTreeMap::new();
    for ((item, side, there), is_same) in theres.iter().zip(&case.same) {
        let link = links.entry((*item).clone()).or_default();
        let list = match side {
            Side::Materials => &mut link.materials,
            Side::Products => &mut link.products,
        };
        let digests = if *is_same { same() } else { other() };
        list.insert(ArtifactPath::claimed(there), digests);
    }
    links
}

fn same() -> DigestSet {
    DigestSet::of_sha256([1; 32])
}

fn other() -> DigestSet {
    DigestSet::of_sha256([2; 32])
}

fn why(rules: &[Rule], judged: Judged) -> String {
    let rule = judged.by.and_then(|by| rules.get(by));
    let rule = rule.map(|rule| quoted(&rule.to_string()).to_string());
    match (judged.refuses, rule) {
        (true, Some(rule)) => format!("refused by {rule}"),
        (true, None) => "refused".to_owned(),
        (false, Some(rule)) => format!("taken by {rule}"),
        (false, None) => "let through, for no rule is about it".to_owned(),
    }
}

fn beside_words(side: Side, beside: Beside) -> &'static str {
    match (side, beside) {
        (Side::Products, Beside::Absent) => "it was not there before",
        (Side::Products, Beside::Same) => "it was there before, unchanged",
        (Side::Products, Beside::Other) => "it was there before and is changed",
        (Side::Materials, Beside::Absent) => "it is gone afterwards",
        (Side::Materials, Beside::Same) => "it is there afterwards, unchanged",
        (Side::Materials, Beside::Other) => "it is there afterwards and is changed",
    }
}

fn there_words(name: &str, (item, side, there): &There<'_>, same: bool) -> String {
    let (noun, item) = (side.noun(), quoted(item.as_str()));
    let not = if same { "" } else { "not " };
    match there == name {
        true => format!("it is {not}the same as the {noun} of that name of {item}"),
        false => format!(
            "it is {not}the same as the {noun} {} of {item}",
            quoted(there)
        ),
    }
}

/// A rule for people.
pub(super) fn line(rule: &Rule) -> String {
    escaped(&rule.to_string()).to_string()
}
