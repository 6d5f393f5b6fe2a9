//! The decision: may this product be released?
//!
//! [`verify`] is a pure function of the evidence, the keys, the clock and the parameters, with one
//! hole: the [`Inspector`], which runs the commands of inspections. Signatures, links and rules are
//! checked on all cores; the report does not depend on how many there are. It never stops at the first
//! failure; what cannot be judged because of another failure is reported as not reached. The
//! procedure (in-toto specification 5.2, in the reference's order but for step 7):
//!
//! 1. Every given key has signed the layout; or as many distinct ones of them as are asked for.
//! 2. Parameters are filled in, and the layout has the form it must have.
//! 3. The layout has an expiry, and it lies in the future; the layout asks for something.
//! 4. Each step has enough links, validly signed by distinct functionaries that it authorises, by their
//!    keys or by certificates that meet a constraint, and carrying its name. A layout in the place of a link is verified by steps 1 to 6 in turn, with
//!    that functionary as its owner, and then stands as the link it amounts to.
//! 5. The links of a step agree with each other. Another command than expected is a warning.
//! 6. The rules of each step hold.
//!    If the final product is at hand, it is what the link of its step says.
//! 7. Only when nothing in the whole tree of layouts refused: inspections run, first those of
//!    sublayouts, if there is leave to run them, then those of the layout.
//! 8. The rules of each inspection hold.
//! 9. The layout amounts to a link of its own, the summary.

mod agree;
mod alone;
mod baseline;
mod certified;
mod chain;
mod explain;
mod fate;
mod glance;
mod idle;
mod instead;
mod near;
mod params;
mod prefer;
mod product;
mod rules;
mod ruling;
mod signed;
mod sought;
mod steps;
mod vouch;
mod warnings;

use std::collections::BTreeMap;
use std::num::NonZeroUsize;

pub use alone::{Judged, compared_with, judge};
pub use baseline::{Baseline, Counted, Edit, Effect, Mutant, Performed, Person, Slot, Stand};
pub use fate::{Fate, fate};
pub use idle::NoInspections;
pub use params::{Parameters, asked_for, has_parameter, is_parameter_name, substitute};
pub use prefer::prefer_good;
pub use product::Product;
pub use rules::LinkOf;
pub use signed::{Checked, Owner, People, distinct_owners};

use crate::keys::Certificate;
use crate::model::{
    Envelope, EnvelopeError, Evidence, Inspection, ItemName, Layout, Link, Moment, PayloadKind,
};
use crate::report::{
    Finding, Item, ItemKind, LayoutSummary, Place, Policy, Problem, Report, Status, Threshold,
    Unreached, Verdict,
};

/// What is to be verified, against what.
#[derive(Debug)]
pub struct Request<'a> {
    /// The layout's path, for people.
    pub document: &'a str,
    /// The layout.
    pub layout: &'a Envelope,
    /// The link files.
    pub evidence: &'a Evidence,
    /// Everyone who must have signed the layout.
    pub owners: &'a [Owner<'a>],
    /// How many distinct ones of the owners are enough; every one of them if `None`.
    pub layout_threshold: Option<NonZeroUsize>,
    /// Certificates that may stand between a functionary's and a root of the layout. None of them is
    /// trusted by being here.
    pub intermediates: &'a [Certificate],
    /// The clock.
    pub now: Moment,
    /// Parameters for the root layout.
    pub parameters: &'a Parameters,
    /// Whether there is leave to run the inspections of sublayouts.
    pub sublayout_inspections: bool,
    /// Which warnings refuse.
    pub policy: &'a Policy,
    /// Names of artifacts whose lives are told.
    pub explain: &'a [String],
    /// Whether the report shall have the chain itself, with every artifact.
    pub chain: bool,
    /// The final product, if it is at hand.
    pub product: Option<&'a Product<'a>>,
}

impl<'a> Request<'a> {
    /// For a layout as it is: no parameters and no intermediate certificates, no warning refuses, all owners
    /// must have signed, and sublayouts may not run inspections.
    pub fn new(
        layout: &'a Envelope,
        evidence: &'a Evidence,
        owners: &'a [Owner<'a>],
        now: Moment,
    ) -> Self {
        Self {
            document: "the layout",
            layout,
            evidence,
            owners,
            layout_threshold: None,
            intermediates: &[],
            now,
            parameters: &NO_PARAMETERS,
            sublayout_inspections: false,
            policy: Policy::LENIENT,
            explain: &[],
            chain: false,
            product: None,
        }
    }
}

static NO_PARAMETERS: Parameters = Parameters::new();

/// A verification's result.
#[derive(Debug)]
pub struct Outcome {
    /// All that was found.
    pub report: Report,
    /// What the layout amounts to, when it passed.
    pub summary: Option<Link>,
    /// The names of the files at hand that are the final product, when it passed.
    pub product: Vec<String>,
}

/// Runs the command of an inspection and records what was there before and after.
pub trait Inspector {
    /// Runs one inspection. `evidence` are the paths of the link files that were looked for, found
    /// and are links, whether they count or not. They are left out of what is recorded; nothing
    /// else may be, least of all a file that only has the name of a link.
    ///
    /// # Errors
    /// The command did not end as it must, or something could not be recorded.
    fn inspect(
        &mut self,
        inspection: &Checked<Inspection>,
        evidence: &[String],
    ) -> Result<Inspected, InspectionError>;

    /// How the last command ran, whatever it came to; `None` if none was run, or nobody knows.
    fn ran(&self) -> Option<Ran> {
        None
    }
}

/// How a command ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ran {
    /// What kept it from doing harm.
    pub held: Vec<String>,
    /// What could have, and did not.
    pub lacking: Vec<String>,
    /// What it printed, as far as that was kept; one text for each stream that has any.
    pub said: Vec<String>,
}

/// What an inspection came to.
#[derive(Debug)]
pub struct Inspected {
    /// What was there before and after its command.
    pub link: Link,
    /// Entries of the folder that are neither files nor folders, which no rule sees.
    pub unseen: Vec<String>,
}

/// Why an inspection gave nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectionError {
    /// It failed.
    #[error("{why}")]
    Failed {
        /// In which way.
        why: String,
    },
    /// What is in its folder cannot be recorded.
    #[error("{why}")]
    Unrecorded {
        /// What stands in the way.
        why: String,
    },
    /// It is not to be run.
    #[error("no inspections are to be run")]
    Denied,
    /// It was only to be looked at.
    #[error("it was not run")]
    Listed,
    /// It is not to be run without all protections.
    #[error("not all protections are there")]
    Unprotected {
        /// Those that are not.
        lacking: Vec<String>,
    },
    /// It took too long.
    #[error("the command ran longer than {seconds} seconds")]
    TimedOut {
        /// The limit.
        seconds: u64,
    },
}

/// Decides. See the module's text for the procedure.
pub fn verify(request: &Request<'_>, inspector: &mut dyn Inspector) -> Outcome {
    let mut engine = Engine::new(request);
    if engine.holds_layout() {
        let root = engine.root();
        engine.product(root);
        engine.inspections(inspector);
    }
    engine.finish()
}

/// The finding for a file given as layout that is no envelope.
pub fn layout_problem(error: &EnvelopeError) -> Problem {
    match error {
        EnvelopeError::PayloadType { found } => Problem::LayoutPayloadType {
            found: found.clone(),
        },
        duplicate if duplicate.is_duplicate_key() => Problem::LayoutDuplicateKey {
            why: duplicate.to_string(),
        },
        EnvelopeError::Json(_)
        | EnvelopeError::PayloadJson(_)
        | EnvelopeError::Form(_)
        | EnvelopeError::Canonical(_) => Problem::LayoutUnreadable {
            why: error.to_string(),
        },
    }
}

/// One layout of the tree, on its way in.
struct Source<'a> {
    document: &'a str,
    envelope: &'a Envelope,
    evidence: &'a Evidence,
    owners: &'a [Owner<'a>],
    threshold: Option<NonZeroUsize>,
    parameters: &'a Parameters,
    /// What stands before the names of its items.
    label: String,
    /// The item of a sublayout; `None` for the root.
    item: Option<usize>,
}

/// One layout of the tree whose steps have been checked.
struct Node {
    layout: Checked<Layout>,
    people: People,
    links: BTreeMap<ItemName, Link>,
    document: String,
    base: &'static str,
    label: String,
}

impl Node {
    fn place(&self, pointer: &str) -> Option<Place> {
        Some(Place {
            document: self.document.clone(),
            pointer: format!("{}{pointer}", self.base),
        })
    }
}

struct Engine<'a> {
    request: &'a Request<'a>,
    report: Report,
    /// Sublayouts before the layouts that they are part of.
    nodes: Vec<Node>,
    /// The paths of the link files that were read and are links or layouts.
    evidence: Vec<String>,
    /// The names of the files at hand that are the final product.
    product: Vec<String>,
    /// The links of the root's steps that count, each by itself, if they are to be kept.
    kept: Option<BTreeMap<ItemName, Vec<baseline::Kept>>>,
}

impl<'a> Engine<'a> {
    fn new(request: &'a Request<'a>) -> Self {
        Self {
            request,
            report: Report::new(LayoutSummary {
                path: request.document.to_owned(),
                threshold: request.layout_threshold.map(|needed| Threshold {
                    needed: needed.get(),
                    given: distinct_owners(request.owners),
                }),
                now: Some(request.now),
                sublayout_inspections: request.sublayout_inspections,
                parameters: request.parameters.clone(),
                ..LayoutSummary::default()
            }),
            nodes: Vec::new(),
            evidence: Vec::new(),
            product: Vec::new(),
            kept: None,
        }
    }

    /// Whether what was given as the layout is one.
    fn holds_layout(&mut self) -> bool {
        let layout = self.request.layout;
        let (found, step) = match layout.kind() {
            PayloadKind::Layout => return true,
            PayloadKind::Link => {
                let step = layout.link().ok().map(|link| link.name);
                (Some("link".to_owned()), step)
            }
            PayloadKind::Other(found) => (found, None),
        };
        self.note(None, Problem::NotALayout { found, step }, None);
        false
    }

    /// Steps 1 to 6 for the whole tree of layouts. Gives the index of the root's node.
    fn root(&mut self) -> Option<usize> {
        let request = self.request;
        self.layout(&Source {
            document: request.document,
            envelope: request.layout,
            evidence: request.evidence,
            owners: request.owners,
            threshold: request.layout_threshold,
            parameters: request.parameters,
            label: String::new(),
            item: None,
        })
    }

    /// Steps 1 to 6 for one layout. Gives its index in `nodes`, or `None` when there is nothing
    /// that could be trusted.
    fn layout(&mut self, source: &Source<'_>) -> Option<usize> {
        let base = match source.envelope.form() {
            crate::model::Form::Metablock => "/signed",
            crate::model::Form::Dsse => "",
        };
        let read = |envelope: &Envelope| read_layout(envelope, source.parameters);
        let (owners, now) = (source.owners, self.request.now);
        let threshold = source.threshold;
        let checked = signed::check_layout(source.envelope, owners, threshold, now, read);
        let signed::Owned {
            layout,
            signed_by,
            unneeded,
        } = match checked {
            Ok(owned) => owned,
            Err(problems) => {
                for problem in problems {
                    let place = problem_place(&problem, source.document, base);
                    self.note(source.item, problem, place);
                }
                return None;
            }
        };
        if source.item.is_none() {
            self.report.layout.expires = layout.expires;
            self.report.layout.signed_by = signed_by;
        }
        for problem in unneeded {
            self.warn(source.item, problem, None);
        }
        let mut node = Node {
            people: People::of(&layout),
            layout,
            links: BTreeMap::new(),
            document: source.document.to_owned(),
            base,
            label: source.label.clone(),
        };
        self.validity(&node, source.item);
        let layout = node.layout.clone();
        let mut glances = glance::glances(&layout, source.evidence, self.request.now).into_iter();
        let items: Vec<usize> = layout
            .steps
            .iter()
            .map(|step| self.step(&mut node, step, source.evidence, &mut glances))
            .collect();
        self.step_rules(&node, &items);
        self.nodes.push(node);
        self.nodes.len().checked_sub(1)
    }

    /// Step 3.
    fn validity(&mut self, node: &Node, item: Option<usize>) {
        let now = self.request.now;
        match node.layout.expires {
            None => self.note(item, Problem::LayoutExpiryMissing, node.place("")),
            Some(expired) if expired <= now => {
                let below = item.is_some();
                let problem = Problem::LayoutExpired {
                    expired,
                    now,
                    below,
                };
                self.note(item, problem, node.place("/expires"));
            }
            Some(_) => {}
        }
        if node.layout.steps.is_empty() && node.layout.inspections.is_empty() {
            self.note(item, Problem::LayoutEmpty, node.place(""));
        }
        self.layout_warnings(node, item);
    }

    /// Steps 7 and 8. A command that fails ends it, and so do rules that refuse, as soon as everything
    /// they compare with is there: what comes after is not reached.
    fn inspections(&mut self, inspector: &mut dyn Inspector) {
        for mut node in std::mem::take(&mut self.nodes) {
            self.report.enforce(self.request.policy);
            let evidence = self.evidence.clone();
            let released = node.layout.release_inspections(&self.report);
            let first = self.report.items.len();
            for inspection in &node.layout.inspections {
                let name = format!("{}{}", node.label, inspection.name);
                self.report
                    .items
                    .push(Item::new(ItemKind::Inspection, name));
            }
            let mut links = node.links.clone();
            let mut open: Vec<usize> = Vec::new();
            for (at, inspection) in released.iter().enumerate() {
                let inspected = inspector.inspect(inspection, &evidence);
                self.ran(first + at, inspector.ran());
                match inspected {
                    Ok(inspected) => {
                        links.insert(inspection.name.clone(), inspected.link);
                        self.blind(first + at, inspected.unseen);
                        open.push(at);
                        open.retain(|at| !self.judged(&node, first, *at, &links));
                    }
                    Err(InspectionError::Listed) => self.listed(first + at, inspection),
                    Err(error) => {
                        let place = node.place(&format!("{}/run", inspection.pointer));
                        self.note(Some(first + at), inspection_problem(error), place);
                        break;
                    }
                }
                self.report.enforce(self.request.policy);
                if self.report.has_errors() {
                    break;
                }
            }
            for at in 0..node.layout.inspections.len() {
                self.not_reached(first + at);
            }
            node.links = links;
            self.nodes.push(node);
        }
    }

    /// Step 8 for one inspection that was run, unless it compares with one that was not.
    fn judged(
        &mut self,
        node: &Node,
        first: usize,
        at: usize,
        links: &BTreeMap<ItemName, Link>,
    ) -> bool {
        let link_of = |name: &ItemName| links.get(name);
        let inspection = node.layout.inspections.get(at);
        let Some((inspection, link)) =
            inspection.and_then(|inspection| Some((inspection, link_of(&inspection.name)?)))
        else {
            return false;
        };
        match ruling::Ruling::new(&inspection.rules, link, &link_of) {
            ruling::Ruling::Missing(_) => false,
            found @ ruling::Ruling::Found(_) => {
                self.ruled(node, first + at, &inspection.pointer, found);
                true
            }
        }
    }

    /// What is to be known of a command that was run.
    fn ran(&mut self, item: usize, ran: Option<Ran>) {
        let (Some(item), Some(ran)) = (self.report.items.get_mut(item), ran) else {
            return;
        };
        let (held, said, lacking) = (ran.held, ran.said, ran.lacking);
        let problem = Problem::InspectionRan { held, said };
        item.findings.push(Finding::note(problem));
        if !lacking.is_empty() {
            let problem = Problem::InspectionExposed { lacking };
            item.findings.push(Finding::warning(problem, None));
        }
    }

    fn listed(&mut self, item: usize, inspection: &Inspection) {
        let command = inspection.run.clone();
        if let Some(item) = self.report.items.get_mut(item) {
            let problem = Problem::InspectionListed { command };
            item.findings.push(Finding::note(problem));
        }
    }

    /// A rule cannot refuse what it does not see; people can.
    fn blind(&mut self, item: usize, paths: Vec<String>) {
        if let Some(item) = self.report.items.get_mut(item)
            && !paths.is_empty()
        {
            let count = paths.len();
            let problem = Problem::InspectionBlind { count, paths };
            item.findings.push(Finding::warning(problem, None));
        }
    }

    fn not_reached(&mut self, item: usize) {
        let Some(item) = self.report.items.get_mut(item) else {
            return;
        };
        if item.status != Status::NotReached {
            return;
        }
        let found = |finding: &Finding| finding.problem.code();
        let why = if item
            .findings
            .iter()
            .any(|it| found(it) == "inspection-listed")
        {
            return;
        } else if item.findings.iter().any(|it| found(it) == "inspection-ran") {
            Unreached::InspectionNotRun
        } else {
            Unreached::SomethingFailed
        };
        item.findings
            .push(Finding::note(Problem::NotReached { why }));
    }

    /// Takes note of something that refuses, about an item or about the whole.
    fn note(&mut self, item: Option<usize>, problem: Problem, place: Option<Place>) {
        match item.and_then(|item| self.report.items.get_mut(item)) {
            Some(item) => item.fail(problem, place),
            None => self.report.findings.push(Finding::error(problem, place)),
        }
    }

    /// Step 9.
    fn finish(mut self) -> Outcome {
        self.report.enforce(self.request.policy);
        self.explain();
        if self.request.chain {
            self.show_chain();
        }
        let passed = self.report.verdict() == Verdict::Pass;
        let summary = self.nodes.last().filter(|_| passed).and_then(|root| {
            let names = root.layout.steps.iter().map(|step| &step.name);
            agree::summary("", names, |name| root.links.get(name))
        });
        Outcome {
            report: self.report,
            summary,
            product: if passed { self.product } else { Vec::new() },
        }
    }
}

fn inspection_problem(error: InspectionError) -> Problem {
    match error {
        InspectionError::Failed { why } => Problem::InspectionFailed { why },
        InspectionError::Unrecorded { why } => Problem::InspectionUnrecorded { why },
        InspectionError::TimedOut { seconds } => Problem::InspectionTimeout { seconds },
        InspectionError::Unprotected { lacking } => Problem::InspectionUnprotected { lacking },
        InspectionError::Denied => Problem::InspectionDenied,
        InspectionError::Listed => Problem::InspectionFailed {
            why: "it was not run".to_owned(),
        },
    }
}

/// Step 2.
fn read_layout(envelope: &Envelope, parameters: &Parameters) -> Result<Layout, Vec<Problem>> {
    let invalid = |complaints: Vec<crate::model::Complaint>| {
        let problem = |complaint| Problem::LayoutInvalid { complaint };
        complaints.into_iter().map(problem).collect::<Vec<_>>()
    };
    let payload = substitute(envelope.payload(), parameters)?;
    Layout::from_value(&payload).map_err(invalid)
}

fn problem_place(problem: &Problem, document: &str, base: &str) -> Option<Place> {
    let Problem::LayoutInvalid { complaint } = problem else {
        return None;
    };
    Some(Place {
        document: document.to_owned(),
        pointer: format!("{base}{}", complaint.pointer),
    })
}
