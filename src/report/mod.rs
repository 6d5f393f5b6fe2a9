//! What a verification found: data only.
//!
//! A [`Report`] has one [`Item`] for each step, inspection and sublayout, with all that was found
//! about it. Every [`Problem`] knows its stable code, its one-line message and what to do next;
//! renderers only lay them out.

mod again;
mod chain;
mod difference;
mod explanation;
mod instead;
mod lint;
mod near;
mod policy;
mod problem;
mod simulation;
mod unreached;
mod words;

pub use again::Again;
pub use chain::{Chain, ChainLink, ChainRule, Flow};
pub use difference::{Difference, DifferenceKind, Vouched};
pub use explanation::{Explanation, Passage, Stage};
pub use instead::{Instead, Otherwise};
pub use lint::{Lint, LintCode, LintFinding, LintPolicy};
pub use near::{DigestPair, Miss, NearMiss, Other};
pub use policy::{Policy, codes};
pub use problem::{Cause, Problem};
pub use simulation::{
    Act, Attacker, Attempt, IdleInspection, Means, SimulatedKey, SimulatedStep, Simulation, Tally,
    Uncounted,
};
pub use unreached::Unreached;

use std::collections::BTreeMap;

use crate::keys::KeyId;
use crate::model::{Moment, quoted};

/// The result of a verification.
#[derive(Debug)]
pub struct Report {
    /// The layout that was verified against.
    pub layout: LayoutSummary,
    /// Steps, sublayouts and inspections in the layout's order, a sublayout and its own items
    /// right behind the step that they stand for.
    pub items: Vec<Item>,
    /// What belongs to no single item.
    pub findings: Vec<Finding>,
    /// The lives of artifacts that somebody asked about.
    pub explanations: Vec<Explanation>,
    /// The artifacts and how they went through the chain, when that was asked for.
    pub chain: Option<Chain>,
}

/// What is known of the layout.
#[derive(Debug, Default)]
pub struct LayoutSummary {
    /// Its path, as given.
    pub path: String,
    /// When it expires.
    pub expires: Option<Moment>,
    /// Whose signatures on it were asked for and are good.
    pub signed_by: Vec<KeyId>,
    /// How many signatures were enough, where not every key that was given had to sign.
    pub threshold: Option<Threshold>,
    /// The clock by which expiry was judged.
    pub now: Option<Moment>,
    /// Whether that clock was set by whoever asked.
    pub clock_set: bool,
    /// Whether there was leave to run the inspections of sublayouts.
    pub sublayout_inspections: bool,
    /// The parameters that were filled in.
    pub parameters: BTreeMap<String, String>,
}

/// How many of several signatures are enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threshold {
    /// So many.
    pub needed: usize,
    /// Of so many distinct keys.
    pub given: usize,
}

impl LayoutSummary {
    /// On what the answer depends that is in no file: a sentence each, escaped.
    pub fn conditions(&self) -> Vec<String> {
        let mut conditions = Vec::new();
        if let Some(now) = self.now.filter(|_| self.clock_set) {
            conditions.push(format!("the clock was set to {now} by --now"));
        }
        if let Some(Threshold { needed, given }) = self.threshold
            && needed < given
        {
            conditions.push(format!(
                "only {needed} of the {given} given keys had to sign the layout, instead of all, by --layout-threshold"
            ));
        }
        if self.sublayout_inspections {
            let leave = "there was leave to run the commands of sublayouts";
            conditions.push(leave.to_owned());
        }
        for (name, value) in &self.parameters {
            let (name, value) = (quoted(name), quoted(value));
            conditions.push(format!("the parameter {name} was {value}"));
        }
        conditions
    }
}

/// The answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Everything that the layout asks for is shown.
    Pass,
    /// Something that the layout asks for is not shown.
    Refuse,
    /// What must be judged could not be read.
    Undecided,
}

/// A step, an inspection or a sublayout.
#[derive(Debug)]
pub struct Item {
    /// Which of them.
    pub kind: ItemKind,
    /// Its name; below a sublayout, with the path to it: `step.KEYID8/inner`.
    pub name: String,
    /// How it went.
    pub status: Status,
    /// The link files that were looked at, for a step.
    pub links: Vec<LinkUse>,
    /// What was found.
    pub findings: Vec<Finding>,
}

/// Kinds of items.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ItemKind {
    /// A step.
    Step,
    /// An inspection.
    Inspection,
    /// A layout that stands in the place of a step's link.
    Sublayout,
    /// The final product at hand, under the name of the step whose products it must be.
    Product,
}

/// How an item went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// All that is asked of it is shown.
    Passed,
    /// Something that is asked of it is not shown.
    Failed,
    /// It could not be checked, because something before it failed.
    NotReached,
}

/// A link file and what became of it.
#[derive(Clone, Debug)]
pub struct LinkUse {
    /// Its path.
    pub path: String,
    /// The key id for which it was looked at.
    pub keyid: KeyId,
    /// `None` when it counts for the threshold, else why it does not.
    pub why_not: Option<String>,
}

/// Something that was found.
#[derive(Clone, Debug)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// What.
    pub problem: Problem,
    /// Where, if it has a place in a document.
    pub place: Option<Place>,
}

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Only to know.
    Note,
    /// Refuses nothing, but should be looked at.
    Warning,
    /// Refuses.
    Error,
}

/// A place in a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The document's name.
    pub document: String,
    /// RFC 6901 pointer from the document's root; for DSSE, from the root of the decoded payload.
    pub pointer: String,
}

impl Report {
    /// An empty report, which refuses until something is shown.
    pub fn new(layout: LayoutSummary) -> Self {
        Self {
            layout,
            items: Vec::new(),
            findings: Vec::new(),
            explanations: Vec::new(),
            chain: None,
        }
    }

    /// Pass only if there are items, all of them passed, and nothing that refuses was found.
    /// Nothing found is not enough.
    pub fn verdict(&self) -> Verdict {
        if self
            .all_findings()
            .any(|finding| finding.problem.leaves_undecided())
        {
            return Verdict::Undecided;
        }
        let all_passed = self.items.iter().all(|item| item.status == Status::Passed);
        if !self.items.is_empty() && all_passed && !self.has_errors() {
            Verdict::Pass
        } else {
            Verdict::Refuse
        }
    }

    /// Whether anything that refuses was found.
    pub fn has_errors(&self) -> bool {
        self.all_findings()
            .any(|finding| finding.severity == Severity::Error)
    }

    /// All findings, those of no single item first.
    pub fn all_findings(&self) -> impl Iterator<Item = &Finding> {
        let of_items = self.items.iter().flat_map(|item| &item.findings);
        self.findings.iter().chain(of_items)
    }
}

impl Item {
    /// An item about which nothing is known yet.
    pub fn new(kind: ItemKind, name: String) -> Self {
        Self {
            kind,
            name,
            status: Status::NotReached,
            links: Vec::new(),
            findings: Vec::new(),
        }
    }

    /// Takes note of something that refuses.
    pub fn fail(&mut self, problem: Problem, place: Option<Place>) {
        self.status = Status::Failed;
        self.findings.push(Finding::error(problem, place));
    }

    /// Whether anything that refuses was found about this item.
    pub fn has_errors(&self) -> bool {
        let mut findings = self.findings.iter();
        findings.any(|finding| finding.severity == Severity::Error)
    }
}

impl Finding {
    /// A finding that refuses.
    pub fn error(problem: Problem, place: Option<Place>) -> Self {
        Self {
            severity: Severity::Error,
            problem,
            place,
        }
    }

    /// A finding that is only to be known, and has no place.
    pub fn note(problem: Problem) -> Self {
        Self {
            severity: Severity::Note,
            problem,
            place: None,
        }
    }

    /// A finding that refuses nothing.
    pub fn warning(problem: Problem, place: Option<Place>) -> Self {
        Self {
            severity: Severity::Warning,
            problem,
            place,
        }
    }
}
