//! Steps 4 and 5 of the procedure: from the link files of a step to the one link that stands for
//! it.
//!
//! What takes time about a file is looked at beforehand, in [`glance`](super::glance). What that means
//! is decided here, file by file.

use crate::keys::{AnyKey, KeyError, KeyId};
use crate::model::{
    Envelope, EnvelopeError, Evidence, FoundBy, Link, LinkFile, LinkFileError, Step,
};
use crate::report::{
    Again, Finding, Instead, Item, ItemKind, LinkUse, Place, Problem, Severity, Status,
};

use super::baseline::Kept;
use super::glance::{self, Glance};
use super::params::Parameters;
use super::signed::{Owner, Signers};
use super::sought::{Sought, sought};
use super::{Engine, Node, Source, agree, instead, warnings};

/// What is there for a step.
#[derive(Default)]
pub(super) struct Gathered<'a> {
    /// The links that count, with their paths.
    pub(super) links: Vec<(&'a str, Link)>,
    pub(super) signers: Signers,
    /// How many distinct functionaries there are, if they are known by their keys alone.
    able: Option<usize>,
    pub(super) problems: Vec<(Problem, Option<Place>)>,
    /// File names that are not there.
    pub(super) looked_for: Vec<String>,
    /// The links that count with the keys of their makers, if they are to be kept.
    pub(super) kept: Vec<Kept>,
}

/// What came of looking for the link of one functionary.
struct Look<'a> {
    file: Option<&'a LinkFile>,
    link: Option<(Link, &'a AnyKey)>,
    problems: Vec<Problem>,
}

impl Engine<'_> {
    /// Checks the links of a step and gives the index of its item. When they are as they must be,
    /// the link that stands for the step is in the node afterwards.
    pub(super) fn step(
        &mut self,
        node: &mut Node,
        step: &Step,
        evidence: &Evidence,
        glances: &mut impl Iterator<Item = Option<Glance>>,
    ) -> usize {
        let index = self.report.items.len();
        let name = format!("{}{}", node.label, step.name);
        self.report
            .items
            .push(Item::new(ItemKind::Step, name.clone()));
        let mut item = Item::new(ItemKind::Step, name);
        let layout = node.layout.clone();
        let mut gathered = Gathered::default();
        let all = sought(&layout, step);
        gathered.able = able(node, step, &all);
        for sought in &all {
            let keyid = &sought.keyid;
            let glance = glances.next().flatten();
            let is_link = glance.as_ref().map(Glance::is_link);
            let look = self.look(node, step, sought, evidence, glance);
            match (look.file, look.link) {
                (Some(file), Some((link, key))) => {
                    gathered.signers.add(key, &node.people);
                    if self.kept.is_some() {
                        gathered.kept.push(Kept::new(file, key.clone(), &link));
                    }
                    gathered.links.push((file.path.as_str(), link));
                }
                (Some(_), None) => {}
                (None, _) if sought.other_name => {}
                (None, _) => {
                    let name = format!("{}.{}.link", step.name, keyid.short());
                    gathered.looked_for.push(name);
                }
            }
            if let Some(file) = look.file {
                if is_link.unwrap_or_else(|| glance::holds_link(file)) {
                    self.is_evidence(file, look.problems.is_empty());
                }
                item.links.push(LinkUse {
                    path: file.path.clone(),
                    keyid: keyid.clone(),
                    why_not: look.problems.first().map(ToString::to_string),
                });
            }
            // What is wrong with a key is said once.
            if look.file.is_some() || !sought.other_name {
                let placed = look.problems.into_iter().map(|problem| (problem, None));
                gathered.problems.extend(placed);
            }
        }
        self.by_certificates(node, step, evidence, &mut item, &mut gathered);
        if let (Some(kept), true) = (&mut self.kept, node.label.is_empty()) {
            kept.insert(step.name.clone(), std::mem::take(&mut gathered.kept));
        }
        let now = self.request.now;
        let instead = || instead::instead(&layout, step, evidence.of(&step.name), now);
        conclude(node, step, gathered, &mut item, instead);
        if let Some(slot) = self.report.items.get_mut(index) {
            *slot = item;
        }
        index
    }

    /// Takes note of a file that is a link. What was only found by its content is evidence if it counts,
    /// and what is in a bundle hides no file.
    pub(super) fn is_evidence(&mut self, file: &LinkFile, counts: bool) {
        let is_evidence = match file.found {
            FoundBy::Name => true,
            FoundBy::Content => counts,
            FoundBy::Bundle => false,
        };
        if is_evidence {
            self.evidence.push(file.path.clone());
        }
    }

    /// Looks for the link of one functionary. It counts when there are no problems.
    fn look<'e>(
        &mut self,
        node: &Node,
        step: &Step,
        sought: &'e Sought<'_>,
        evidence: &'e Evidence,
        glance: Option<Glance>,
    ) -> Look<'e> {
        let keyid = &sought.keyid;
        let file = evidence.get(&step.name, keyid);
        let mut look = Look {
            file,
            link: None,
            problems: Vec::new(),
        };
        let Some(key) = &sought.key else {
            let keyid = keyid.clone();
            look.problems.push(Problem::KeyUnknown { keyid });
            return look;
        };
        let key = match key {
            Ok(key) => key.as_ref(),
            Err(error) => {
                look.problems.push(key_problem(keyid, error));
                return look;
            }
        };
        let Some(file) = file else {
            return look;
        };
        let envelope = match &file.content {
            Ok(envelope) => envelope,
            Err(error) => {
                look.problems.push(link_problem(&file.path, error));
                return look;
            }
        };
        // There is a glance at every file that comes as far as here.
        let Some(glance) = glance else {
            return look;
        };
        look.problems.extend(glance.signature);
        let found = match glance.link {
            Some(link) => link,
            None if look.problems.is_empty() => {
                self.sublayout(node, step, sought, key, file, envelope)
            }
            None => return look,
        };
        match found {
            Ok(link) if look.problems.is_empty() => look.link = Some((link, key)),
            Ok(_) => {}
            Err(problems) => look.problems.extend(problems),
        }
        look
    }

    /// A layout in the place of a link: verifies it and gives the link that it amounts to.
    fn sublayout(
        &mut self,
        node: &Node,
        step: &Step,
        sought: &Sought<'_>,
        key: &AnyKey,
        file: &LinkFile,
        envelope: &Envelope,
    ) -> Result<Link, Vec<Problem>> {
        let name = format!("{}{}.{}", node.label, step.name, sought.keyid.short());
        let item = self.report.items.len();
        self.report
            .items
            .push(Item::new(ItemKind::Sublayout, name.clone()));
        let owner = Owner {
            authority: key,
            ids: sought.ids.clone(),
        };
        let source = Source {
            document: &file.path,
            envelope,
            evidence: &file.below,
            owners: &[owner],
            threshold: None,
            parameters: &Parameters::new(),
            label: format!("{name}/"),
            item: Some(item),
        };
        let below = self.layout(&source);
        let below = below.ok_or_else(|| self.refused(file, item))?;
        self.report.enforce(self.request.policy);
        self.inspection_leave(below, item);
        let items = self.report.items.get_mut(item..).unwrap_or_default();
        let clean = !items.iter().any(Item::has_errors);
        if let Some(item) = items.first_mut()
            && item.status == Status::NotReached
        {
            item.status = if clean {
                Status::Passed
            } else {
                Status::Failed
            };
        }
        let below = self.nodes.get(below).filter(|_| clean);
        let summary = below.and_then(|below| {
            let names = below.layout.steps.iter().map(|step| &step.name);
            agree::summary(step.name.as_str(), names, |name| below.links.get(name))
        });
        summary.ok_or_else(|| self.refused(file, item))
    }

    /// A sublayout that does not verify, whose item is at that place and has its own behind it.
    fn refused(&self, file: &LinkFile, item: usize) -> Vec<Problem> {
        let items = self.report.items.get(item..).unwrap_or_default();
        let findings = items.iter().flat_map(|item| &item.findings);
        let mut errors = findings.filter(|finding| finding.severity == Severity::Error);
        let cause = errors.next().map(|finding| {
            if let Problem::SublayoutRefused {
                cause: Some(cause), ..
            } = &finding.problem
            {
                return cause.clone();
            }
            Box::new(finding.problem.clone())
        });
        vec![Problem::SublayoutRefused {
            link: file.path.clone(),
            cause,
        }]
    }

    /// A sublayout's commands never run without leave.
    fn inspection_leave(&mut self, node: usize, item: usize) {
        let Some(node) = self.nodes.get(node) else {
            return;
        };
        let inspections: Vec<_> = node
            .layout
            .inspections
            .iter()
            .map(|look| look.name.clone())
            .collect();
        if !inspections.is_empty() && !self.request.sublayout_inspections {
            let place = node.place("/inspect");
            let problem = Problem::SublayoutInspectionNotAllowed { inspections };
            self.note(Some(item), problem, place);
        }
    }
}

/// How many distinct functionaries a step has. A key that is not there or cannot be used stands for
/// somebody.
fn able(node: &Node, step: &Step, sought: &[Sought<'_>]) -> Option<usize> {
    if !step.constraints.is_empty() {
        return None;
    }
    let (mut signers, mut others) = (Signers::default(), 0);
    for one in sought.iter().filter(|one| !one.other_name) {
        match &one.key {
            Some(Ok(key)) => signers.add(key.as_ref(), &node.people),
            Some(Err(_)) | None => others += 1,
        }
    }
    Some(signers.count() + others)
}

/// Whether what is there is enough. If it is, the link that stands for the step goes into the node.
fn conclude(
    node: &mut Node,
    step: &Step,
    gathered: Gathered<'_>,
    item: &mut Item,
    instead: impl FnOnce() -> Vec<Instead>,
) {
    let Gathered {
        links,
        signers,
        able,
        problems,
        looked_for,
        kept: _,
    } = gathered;
    let found = signers.count();
    let enough = signers.reach(step.threshold);
    let finding = |(problem, place)| weigh(problem, place, enough);
    item.findings.extend(problems.into_iter().map(finding));
    if enough {
        if let Some(link) = settle(node, step, &links, item) {
            node.links.insert(step.name.clone(), link);
        }
    } else {
        let problem = Problem::ThresholdNotMet {
            needed: step.threshold,
            found,
            links: links.len(),
            able,
            broken: item
                .links
                .iter()
                .filter(|link| link.why_not.is_some())
                .map(|link| link.path.clone())
                .collect(),
            looked_for,
            instead: instead(),
            again: Again::of(step),
            told: false,
        };
        item.fail(problem, node.place(&step.pointer));
    }
}

/// What one functionary broke does not matter where others are enough; but a layout that was validly
/// signed and does not verify is no accident.
fn weigh(problem: Problem, place: Option<Place>, enough: bool) -> Finding {
    let refused = matches!(problem, Problem::SublayoutRefused { .. });
    Finding {
        severity: if enough && !refused {
            Severity::Warning
        } else {
            Severity::Error
        },
        problem,
        place,
    }
}

/// Step 5: the links agree, and what they have in common stands for the step.
fn settle(node: &Node, step: &Step, links: &[(&str, Link)], item: &mut Item) -> Option<Link> {
    let borrowed: Vec<(&str, &Link)> = links.iter().map(|(path, link)| (*path, link)).collect();
    let settled = agree::settle(&borrowed);
    for (path, link) in borrowed {
        if !step.expected_command.is_empty() && link.command != step.expected_command {
            let problem = Problem::CommandDiffers {
                expected: step.expected_command.clone(),
                found: link.command.clone(),
                link: path.to_owned(),
            };
            let place = node.place(&format!("{}/expected_command", step.pointer));
            item.findings.push(Finding::warning(problem, place));
        }
        for problem in warnings::link_warnings(path, link) {
            item.findings.push(Finding::warning(problem, None));
        }
    }
    match settled {
        Ok(link) => {
            for problem in warnings::record_warnings(&link) {
                let place = node.place(&step.pointer);
                item.findings.push(Finding::warning(problem, place));
            }
            Some(link)
        }
        Err(problems) => {
            for problem in problems {
                item.fail(problem, node.place(&step.pointer));
            }
            None
        }
    }
}

pub(super) fn link_problem(path: &str, error: &LinkFileError) -> Problem {
    let link = path.to_owned();
    let why = error.to_string();
    match error {
        LinkFileError::Unreadable(_) => Problem::LinkUnreadable { link, why },
        LinkFileError::Ambiguous { other } => Problem::LinkAmbiguous {
            link,
            other: other.clone(),
        },
        LinkFileError::NestedTooDeep { .. }
        | LinkFileError::TooMany { .. }
        | LinkFileError::TooManySublayouts { .. } => Problem::SublayoutTooDeep { link, why },
        LinkFileError::Envelope(EnvelopeError::PayloadType { found }) => Problem::LinkPayloadType {
            link,
            found: found.clone(),
        },
        LinkFileError::Envelope(EnvelopeError::Json(_) | EnvelopeError::PayloadJson(_)) => {
            Problem::MalformedJson {
                document: link,
                why,
            }
        }
        LinkFileError::Envelope(EnvelopeError::Form(_) | EnvelopeError::Canonical(_)) => {
            Problem::LinkMalformed { link, why }
        }
    }
}

fn key_problem(keyid: &KeyId, error: &KeyError) -> Problem {
    let (keyid, why) = (keyid.clone(), error.to_string());
    if error.is_unsupported() {
        Problem::KeyUnsupported { keyid, why }
    } else {
        Problem::KeyMalformed { keyid, why }
    }
}
