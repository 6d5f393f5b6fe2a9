//! What a simulation of tampering found: data only.
//!
//! Every [`Attempt`] is one tampering and what became of it. Those that left the meaning of the
//! evidence as it was are counted and not kept.

use std::collections::BTreeMap;

use crate::keys::KeyId;
use crate::model::{ItemName, Moment};

/// The result of a simulation.
#[derive(Clone, Debug)]
pub struct Simulation {
    /// The layout's path, as given.
    pub layout: String,
    /// Whether somebody has signed the layout, and that was checked.
    pub signed: bool,
    /// The clock by which the untampered evidence was judged.
    pub now: Moment,
    /// The steps in the layout's order.
    pub steps: Vec<SimulatedStep>,
    /// The functionaries.
    pub keys: Vec<SimulatedKey>,
    /// What was tried.
    pub attempts: Vec<Attempt>,
    /// What was not counted.
    pub uncounted: BTreeMap<Means, Uncounted>,
    /// Inspections, none of which was run.
    pub inspections: Vec<IdleInspection>,
    /// How many of the verdicts were also taken by the whole procedure, over signed files.
    pub confirmed: usize,
}

/// A step of the layout.
#[derive(Clone, Debug)]
pub struct SimulatedStep {
    /// Its name.
    pub name: ItemName,
    /// How many functionaries it asks for.
    pub threshold: u64,
    /// How many links of it count.
    pub links: usize,
    /// Whether a layout stood in the place of a link.
    pub sublayout: bool,
}

/// A functionary.
#[derive(Clone, Debug)]
pub struct SimulatedKey {
    /// The id under which the layout names it first.
    pub id: KeyId,
    /// The steps that it may perform, by index.
    pub steps: Vec<usize>,
    /// Whether it is known by a certificate.
    pub certified: bool,
}

/// An inspection that was not run.
#[derive(Clone, Debug)]
pub struct IdleInspection {
    /// Its name.
    pub name: ItemName,
}

/// One tampering.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// What the attacker has.
    pub attacker: Attacker,
    /// The index of the step at which it happens, or before which.
    pub step: usize,
    /// Between two steps: the index of the one that saw the artifact last, if any did.
    pub after: Option<usize>,
    /// What is done.
    pub act: Act,
    /// To which artifact, or to which link file.
    pub to: String,
    /// Whether the evidence still passes.
    pub passes: bool,
    /// The indexes of the inspections that look at what is touched.
    pub inspections: Vec<usize>,
}

/// What an attacker has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Attacker {
    /// The files between two steps.
    Between,
    /// The files while a step is performed.
    Within,
    /// The link files.
    Links,
    /// A functionary's key, by index.
    Key(usize),
    /// The keys of two functionaries, and only what neither of them can do alone.
    Keys(usize, usize),
}

/// Kinds of attackers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Means {
    /// The files between two steps.
    Between,
    /// The files while a step is performed.
    Within,
    /// The link files.
    Links,
    /// One key.
    OneKey,
    /// Two keys.
    TwoKeys,
}

/// What is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Act {
    /// An artifact gets another content.
    Change,
    /// There is one more artifact.
    Add,
    /// An artifact is gone.
    Remove,
    /// An artifact has another name.
    Rename,
    /// A link file is gone.
    Withhold,
    /// A link file is cut off in the middle.
    CutOff,
    /// A link has no signature.
    Unsigned,
    /// A link is signed by somebody whom the layout does not know.
    Stranger,
    /// A link is changed behind its signature.
    Altered,
    /// The same functionary's link of another step, by its index, stands in the place.
    OtherStep(usize),
    /// Another functionary's link, of the step with that index, stands in the place.
    OtherMaker(usize),
    /// A link of another run stands in the place, of which everything was different.
    OtherRun,
    /// A link of another run from the same materials stands in the place.
    SameMaterials,
    /// All links of the step are those of another run from the same materials.
    AllSameMaterials,
}

/// What was not counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Uncounted {
    /// It left the meaning of the evidence as it was.
    pub same: usize,
    /// There were more than are tried.
    pub left_out: usize,
}

/// How many were tried.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// All that were tried and changed the meaning.
    pub tried: usize,
    /// Those that were refused.
    pub refused: usize,
}

impl Attacker {
    /// Its kind.
    pub fn means(self) -> Means {
        match self {
            Self::Between => Means::Between,
            Self::Within => Means::Within,
            Self::Links => Means::Links,
            Self::Key(_) => Means::OneKey,
            Self::Keys(..) => Means::TwoKeys,
        }
    }
}

impl Means {
    /// Every kind.
    pub const ALL: [Self; 5] = [
        Self::Between,
        Self::Within,
        Self::Links,
        Self::OneKey,
        Self::TwoKeys,
    ];

    /// The name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Between => "between",
            Self::Within => "within",
            Self::Links => "links",
            Self::OneKey => "one-key",
            Self::TwoKeys => "two-keys",
        }
    }

    /// Whether it needs no functionary's key, and so belongs to the overall figure.
    pub fn is_keyless(self) -> bool {
        matches!(self, Self::Between | Self::Within | Self::Links)
    }
}

impl Act {
    /// The name for programs.
    pub fn name(self) -> &'static str {
        match self {
            Self::Change => "change",
            Self::Add => "add",
            Self::Remove => "remove",
            Self::Rename => "rename",
            Self::Withhold => "withhold",
            Self::CutOff => "cut-off",
            Self::Unsigned => "unsigned",
            Self::Stranger => "stranger",
            Self::Altered => "altered",
            Self::OtherStep(_) => "other-step",
            Self::OtherMaker(_) => "other-maker",
            Self::OtherRun => "other-run",
            Self::SameMaterials => "same-materials",
            Self::AllSameMaterials => "all-same-materials",
        }
    }

    /// The index of the step whose link is brought in.
    pub fn source(self) -> Option<usize> {
        match self {
            Self::OtherStep(step) | Self::OtherMaker(step) => Some(step),
            Self::Change
            | Self::Add
            | Self::Remove
            | Self::Rename
            | Self::Withhold
            | Self::CutOff
            | Self::Unsigned
            | Self::Stranger
            | Self::Altered
            | Self::OtherRun
            | Self::SameMaterials
            | Self::AllSameMaterials => None,
        }
    }
}

impl Tally {
    /// The share of those that were refused, in percent; `None` when nothing was tried.
    pub fn percent(self) -> Option<f64> {
        let number = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        (self.tried > 0).then(|| 100.0 * number(self.refused) / number(self.tried))
    }

    /// The percentage with one decimal, rounded down: 100.0 only when all were refused, and a dash
    /// when nothing was tried.
    pub fn share(self) -> String {
        match (self.refused * 1000).checked_div(self.tried) {
            Some(tenths) => format!("{}.{} %", tenths / 10, tenths % 10),
            None => "–".to_owned(),
        }
    }
}

impl Simulation {
    /// How many attempts of a kind there were.
    pub fn tally(&self, means: Means) -> Tally {
        self.count(|attempt| attempt.attacker.means() == means)
    }

    /// The overall figure: all that needs no functionary's key.
    pub fn overall(&self) -> Tally {
        self.count(|attempt| attempt.attacker.means().is_keyless())
    }

    fn count(&self, which: impl Fn(&Attempt) -> bool) -> Tally {
        let mut tally = Tally::default();
        for attempt in self.attempts.iter().filter(|attempt| which(attempt)) {
            tally.tried += 1;
            tally.refused += usize::from(!attempt.passes);
        }
        tally
    }

    /// The attempts that passed.
    pub fn holes(&self) -> impl Iterator<Item = &Attempt> {
        self.attempts.iter().filter(|attempt| attempt.passes)
    }

    /// The inspections that look at what an attempt touches: they may catch it.
    pub fn lookers<'a>(&'a self, attempt: &'a Attempt) -> impl Iterator<Item = &'a str> {
        let indexes = attempt.inspections.iter();
        let inspections = indexes.filter_map(|index| self.inspections.get(*index));
        inspections.map(|inspection| inspection.name.as_str())
    }

    /// The name of a step.
    pub fn step(&self, index: usize) -> &str {
        self.steps.get(index).map_or("?", |step| step.name.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_tried_is_no_share_at_all() {
        let tally = Tally::default();
        assert_eq!(tally.percent(), None);
        assert_eq!(tally.share(), "–");
    }

    #[test]
    fn a_share_is_whole_only_when_all_were_refused() {
        let tally = Tally {
            tried: 3000,
            refused: 2999,
        };
        assert_eq!(tally.share(), "99.9 %");
        assert!(tally.percent().unwrap() < 100.0);
    }
}
