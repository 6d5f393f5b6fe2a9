//! Both layouts tried on the same links, with the real engine: who has signed the layout is taken for
//! granted, inspections are not run, everything else is as in a verification.

use std::collections::BTreeSet;

use crate::encoding::Value;
use crate::model::{Evidence, Form, Moment, Side};
use crate::report::{Finding, Problem, Report, Severity};
use crate::verify::{NoInspections, Request, verify};

use super::super::owner::AsIfSigned;

/// A layout and the links that were found for it.
#[derive(Debug)]
pub struct Trial<'a> {
    /// Its path, for people.
    pub document: &'a str,
    /// What is signed.
    pub value: &'a Value,
    /// The links.
    pub evidence: &'a Evidence,
}

/// What becomes of the same links under two layouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdicts {
    /// Whether the old layout is content, but for its inspections.
    pub old_passes: bool,
    /// Whether the new one is.
    pub new_passes: bool,
    /// What one of them refuses and the other does not.
    pub fates: Vec<Fate>,
}

/// Something that only one of two layouts refuses.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Fate {
    /// Whether the old one refused it and the new one does not; otherwise it is the other way round.
    pub allows: bool,
    /// The step.
    pub item: Option<String>,
    /// The artifact, if it is about one.
    pub artifact: Option<(Side, String)>,
    /// The finding's code.
    pub code: &'static str,
    /// The finding.
    pub message: String,
}

/// Tries both layouts at the same moment.
///
/// # Errors
/// A layout cannot be put into an envelope.
pub fn try_on(old: &Trial<'_>, new: &Trial<'_>, now: Moment) -> Result<Verdicts, String> {
    let (old, new) = (report(old, now)?, report(new, now)?);
    let (before, after) = (refusals(&old), refusals(&new));
    // The rule that refuses may be another, or stand elsewhere: what matters is what it is about.
    let about = |fate: &Fate| (fate.item.clone(), fate.artifact.clone(), told_apart(fate));
    let only = |these: &BTreeSet<Fate>, others: &BTreeSet<Fate>, there: &Report| -> Vec<Fate> {
        let known: BTreeSet<_> = others.iter().map(about).collect();
        let only = these.iter().filter(|fate| !known.contains(&about(fate)));
        only.filter(|fate| is_judged(there, fate))
            .cloned()
            .collect()
    };
    let gone = only(&before, &after, &new).into_iter();
    let allowed = gone.map(|fate| Fate {
        allows: true,
        ..fate
    });
    Ok(Verdicts {
        old_passes: before.is_empty(),
        new_passes: after.is_empty(),
        fates: allowed.chain(only(&after, &before, &old)).collect(),
    })
}

/// Whether a report could have the same to say: an artifact that is not named was let through only if the
/// rules of its step were applied.
fn is_judged(report: &Report, fate: &Fate) -> bool {
    let (Some(name), Some(_)) = (&fate.item, &fate.artifact) else {
        return true;
    };
    let mut items = report.items.iter().filter(|item| item.name == *name);
    items.any(|item| {
        item.findings.iter().all(|finding| {
            let is_error = finding.severity == Severity::Error;
            let not_reached = matches!(finding.problem, Problem::NotReached { .. });
            !not_reached && (!is_error || finding.problem.artifact().is_some())
        })
    })
}

/// Findings about the same artifact are the same, whatever rule they come from.
fn told_apart(fate: &Fate) -> Option<(&'static str, String)> {
    match fate.artifact {
        Some(_) => None,
        None => Some((fate.code, fate.message.clone())),
    }
}

fn refusals(report: &Report) -> BTreeSet<Fate> {
    let artifact = |problem: &Problem| {
        let (side, path) = problem.artifact()?;
        Some((side, path.to_owned()))
    };
    let fate = |item: Option<&str>, finding: &Finding| Fate {
        allows: false,
        item: item.map(str::to_owned),
        artifact: artifact(&finding.problem),
        code: finding.problem.code(),
        message: finding.problem.headline(),
    };
    let is_error = |finding: &&Finding| finding.severity == Severity::Error;
    let whole = report.findings.iter().filter(is_error);
    let whole = whole.map(|finding| fate(None, finding));
    let items = report.items.iter().flat_map(|item| {
        let findings = item.findings.iter().filter(is_error);
        findings.map(|finding| fate(Some(&item.name), finding))
    });
    let mut refusals: BTreeSet<Fate> = whole.chain(items).collect();
    if refusals.is_empty() && report.items.is_empty() {
        refusals.insert(Fate {
            allows: false,
            item: None,
            artifact: None,
            code: "nothing",
            message: "it verifies nothing".to_owned(),
        });
    }
    refusals
}

/// The report of a layout, signed here and now by a key that is forgotten again.
fn report(trial: &Trial<'_>, now: Moment) -> Result<Report, String> {
    let signed = AsIfSigned::of(trial.value, Form::Metablock).map_err(|error| error.to_string())?;
    let owners = [signed.owner()];
    let request = Request {
        document: trial.document,
        sublayout_inspections: true,
        ..Request::new(signed.envelope(), trial.evidence, &owners, now)
    };
    Ok(verify(&request, &mut NoInspections).report)
}
