//! The rules of one side of a step, from what is known of its artifacts, each with what is to be said
//! about it.
//!
//! Rules take artifacts in turn. What pins a digest comes first; what does not is kept from matching
//! anything that was pinned, or a change to that would be taken for something that is allowed.

use std::collections::BTreeSet;

use crate::model::{Side, escaped};

use super::Breadth;
use super::explain::{Claim, Explained, Groups, Origin, explain, inside};
use super::families::{Extent, Families, Family, Kind, Manner, families, others};
use super::names::literal;
use super::performed::Performed;

/// How many names of one list are required, when it shall be tight.
const REQUIRED_AT_MOST: usize = 32;

/// How many patterns one thing is said with, when it shall be tight, and when not.
const NARROW_AT_MOST: usize = 24;
const WIDE_AT_MOST: usize = 12;

/// A rule and what is to be said about it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) words: Vec<String>,
    pub(super) comments: Vec<String>,
}

/// The rules for one side of a step. `steps` are in order.
pub(super) fn rules(steps: &[Performed], at: usize, side: Side, breadth: Breadth) -> Vec<Line> {
    let Some(step) = steps.get(at) else {
        return Vec::new();
    };
    let case = Case {
        steps,
        step,
        at,
        side,
        breadth,
    };
    let open = breadth == Breadth::General;
    let Explained { groups, let_go } = explain(steps, at, side, open);
    let mut made = BTreeSet::new();
    let mut lines = Vec::new();
    for (claim, names) in &groups {
        let found = case.families(claim, names);
        if matches!(claim, Claim::Create | Claim::Modify) {
            let names = found.list.iter().filter(|one| one.kind == Kind::Name);
            made.extend(names.map(|one| one.pattern.clone()));
        }
        lines.extend(case.lines(claim, &found));
    }
    let (mut all, note) = case.required(&groups, &made);
    all.extend(lines);
    let mut comments: Vec<String> = note.into_iter().collect();
    if let_go > 0 {
        comments.push(format!(
            "{let_go} of these lay in another folder before, with a version or hash in its name or in that of the new one: MATCH cannot leave that open, so nothing holds their content"
        ));
    }
    all.push(Line {
        words: ["DISALLOW", "*"].map(str::to_owned).to_vec(),
        comments,
    });
    all
}

struct Case<'a> {
    steps: &'a [Performed],
    step: &'a Performed,
    at: usize,
    side: Side,
    breadth: Breadth,
}

impl<'a> Case<'a> {
    /// The patterns for what is said of these names.
    fn families(&self, claim: &Claim, names: &[&'a str]) -> Families {
        match claim {
            Claim::Match(origin) if self.vouches_for_itself(claim) => {
                // What only the other side has must not come to be taken from this one.
                let all = self.step.link.side(self.side).keys();
                let all: BTreeSet<&str> = all
                    .chain(self.step.link.side(origin.side.0).keys())
                    .collect();
                self.unpinned(all.into_iter(), names)
            }
            Claim::Match(origin) => self.pinned(origin, names),
            Claim::Modify | Claim::Delete | Claim::Create | Claim::Allow => {
                self.unpinned(self.step.link.side(self.side).keys(), names)
            }
        }
    }

    /// Whether it holds materials against what the same step has after it. The products are held against
    /// these materials, so nothing but their names keeps others from being added on both sides.
    fn vouches_for_itself(&self, claim: &Claim) -> bool {
        let own = |origin: &Origin| origin.step.0 == self.at;
        self.side == Side::Materials && matches!(claim, Claim::Match(origin) if own(origin))
    }

    /// Patterns of rules that hold no content: the names themselves, as long as these are few.
    fn unpinned(&self, all: impl Iterator<Item = &'a str>, names: &[&'a str]) -> Families {
        let open = self.breadth == Breadth::General;
        let avoid = others(all, names);
        let extent = match open {
            true => Extent::Wide(WIDE_AT_MOST),
            false => Extent::Narrow(NARROW_AT_MOST),
        };
        families(names, &avoid, Manner { extent, open })
    }

    /// Patterns of rules that hold the content against what was before.
    fn pinned(&self, origin: &Origin, names: &[&'a str]) -> Families {
        let open = self.breadth == Breadth::General;
        let here = names.iter().filter_map(|name| inside(&origin.here, name));
        let here: Vec<&str> = here.collect();
        let there = self.steps.get(origin.step.0);
        let there = there.map(|step| step.link.side(origin.side.0).keys());
        let there = there.into_iter().flatten();
        // What the other side has and this rule is not about: another version of it may be here.
        let avoid = others(there.filter_map(|name| inside(&origin.there, name)), &here);
        let extent = Extent::Few;
        families(&here, &avoid, Manner { extent, open })
    }

    fn lines(&self, claim: &Claim, found: &Families) -> Vec<Line> {
        let pinned = matches!(claim, Claim::Match(_)) && !self.vouches_for_itself(claim);
        let mut lines: Vec<Line> = found
            .list
            .iter()
            .map(|family| Line {
                words: self.words(claim, &family.pattern),
                comments: about_family(pinned, family),
            })
            .collect();
        if let Some(first) = lines.first_mut() {
            let mut comments: Vec<String> = self.about(claim).into_iter().collect();
            if found.beyond > 0 {
                comments.push(format!(
                    "too much lies side by side to keep apart: {} of what is something else match too{}",
                    found.beyond,
                    match pinned {
                        true => "",
                        false => ", so that a change to them passes here",
                    }
                ));
            }
            comments.append(&mut first.comments);
            first.comments = comments;
        }
        lines
    }

    fn words(&self, claim: &Claim, pattern: &str) -> Vec<String> {
        let Claim::Match(origin) = claim else {
            return vec![keyword(claim).to_owned(), pattern.to_owned()];
        };
        let from = self.steps.get(origin.step.0);
        let from = from.map_or("", |step| step.name.as_str());
        let side = match origin.side.0 {
            Side::Materials => "MATERIALS",
            Side::Products => "PRODUCTS",
        };
        let mut words = vec!["MATCH", pattern];
        if !origin.here.is_empty() {
            words.extend(["IN", &origin.here]);
        }
        words.extend(["WITH", side]);
        if !origin.there.is_empty() {
            words.extend(["IN", &origin.there]);
        }
        words.extend(["FROM", from]);
        words.into_iter().map(str::to_owned).collect()
    }

    /// What was concluded, where that is not plain from the rule.
    fn about(&self, claim: &Claim) -> Option<String> {
        let text = match (claim, self.side) {
            (Claim::Match(origin), _) if origin.here != origin.there => {
                return Some(self.about_move(origin));
            }
            (Claim::Match(_), _) if self.vouches_for_itself(claim) => {
                "no earlier step explains these, and they leave the step as they came: whoever can put them there decides what they are"
            }
            (Claim::Match(origin), _) if origin.side.0 == Side::Materials => {
                match origin.step.0 == self.at {
                    true => "as they came",
                    false => "no step made these; they are what an earlier step had too",
                }
            }
            (Claim::Match(_) | Claim::Create, _) | (Claim::Modify, Side::Products) => return None,
            (Claim::Modify, Side::Materials) => {
                "no earlier step explains these; the step changes them"
            }
            (Claim::Delete, _) => "no earlier step explains these; they are gone after the step",
            (Claim::Allow, Side::Materials) => {
                "no step explains where these come from: whoever can put them there decides what they are"
            }
            (Claim::Allow, Side::Products) => {
                "their digests cannot be compared with those before: nothing holds them"
            }
        };
        Some(text.to_owned())
    }

    fn about_move(&self, origin: &Origin) -> String {
        let folder = |folder: &str| match folder {
            "" => "at the top".to_owned(),
            folder => format!("in `{}`", escaped(folder)),
        };
        format!(
            "found by content: what is {} here was {} there",
            folder(&origin.here),
            folder(&origin.there)
        )
    }

    /// What must not be missing, and what is to be said where that is not all.
    fn required(
        &self,
        groups: &Groups<'a>,
        made: &BTreeSet<String>,
    ) -> (Vec<Line>, Option<String>) {
        let all: usize = groups.values().map(Vec::len).sum();
        let everything = self.breadth == Breadth::Tight && all <= REQUIRED_AT_MOST;
        let is_made = |claim: &Claim| matches!(claim, Claim::Create | Claim::Modify);
        let names: BTreeSet<&str> = groups
            .iter()
            .filter(|(claim, _)| everything || (is_made(claim) && made.len() <= REQUIRED_AT_MOST))
            .flat_map(|(_, names)| names)
            .copied()
            .filter(|name| everything || made.contains(&literal(name)))
            .collect();
        let left = all - names.len();
        let note = (self.breadth == Breadth::Tight && left > 0).then(|| {
            format!("{left} names are too many to REQUIRE each: that one of them is missing passes")
        });
        let line = |name: &str| Line {
            words: vec!["REQUIRE".to_owned(), name.to_owned()],
            comments: Vec::new(),
        };
        (names.into_iter().map(line).collect(), note)
    }
}

fn keyword(claim: &Claim) -> &'static str {
    match claim {
        Claim::Match(_) => "MATCH",
        Claim::Modify => "MODIFY",
        Claim::Delete => "DELETE",
        Claim::Create => "CREATE",
        Claim::Allow => "ALLOW",
    }
}

/// What one pattern stands for, where it is not a name.
fn about_family(pinned: bool, family: &Family) -> Vec<String> {
    let text = match family.kind {
        Kind::Name => return Vec::new(),
        Kind::Likeness => "the version or hash in the name is left open".to_owned(),
        Kind::Ending | Kind::Folder if pinned => return Vec::new(),
        Kind::Ending | Kind::Folder => {
            let s = if family.names == 1 { "" } else { "s" };
            format!(
                "taken together: {} name{s}, so that others can be added",
                family.names
            )
        }
    };
    vec![text]
}
