//! `verify`: decides, and explains.

mod answers;
mod inspecting;
mod links;
mod policy;
mod product;
pub(super) mod trust;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::model::Moment;
use crate::render::Dress;
use crate::report::{Finding, LayoutSummary, Problem, Report, Verdict};
use crate::store::{self, StoreError};
use crate::verify::{
    Outcome, Owner, Parameters, Request, is_parameter_name, layout_problem, verify,
};

use super::failure::{DONE, FAILED, Failure, Kind, UNDECIDED};
use super::progress::Listener;
use answers::Answers;
use inspecting::Inspecting;
use links::Links;
use policy::PolicyOptions;
use product::ProductOptions;
use trust::{Trust, owner};

/// Decide from a signed layout and links whether the product may be released
///
/// Exit status: 0 passed, 1 refused, 2 wrong usage, 3 could not decide (the layout or a key cannot
/// be read). Inspections of the layout run their commands in a copy of the current folder, after
/// everything else has passed.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// The signed layout
    #[arg(long, short, value_name = "FILE")]
    layout: PathBuf,
    #[command(flatten)]
    trust: Trust,
    #[command(flatten)]
    links: Links,
    /// Fill in a parameter of the layout
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Judge expiry by this clock instead of now (RFC 3339), for audits of the past
    #[arg(long, value_name = "TIME", value_parser = clock)]
    now: Option<Moment>,
    #[command(flatten)]
    inspecting: Inspecting,
    /// Tell the whole life of this artifact: where it came from, who signed for it, and which rule let
    /// it through at each step (repeatable)
    #[arg(long, value_name = "PATH")]
    explain: Vec<String>,
    #[command(flatten)]
    policy: PolicyOptions,
    #[command(flatten)]
    product: ProductOptions,
    #[command(flatten)]
    answers: Answers,
}

pub(super) fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if is_parameter_name(name) => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, with letters, digits, `-` and `_` in the name".to_owned()),
    }
}

/// The parameters that were given, each once: of two values, neither is more likely meant.
pub(super) fn parameters(given: &[(String, String)]) -> Result<Parameters, Failure> {
    let mut parameters = Parameters::new();
    for (name, value) in given {
        if parameters.insert(name.clone(), value.clone()).is_some() {
            return Err(Failure::usage(format!(
                "the parameter `{name}` is given twice"
            )));
        }
    }
    Ok(parameters)
}

pub(super) fn clock(text: &str) -> Result<Moment, String> {
    Moment::parse_rfc3339(text)
        .ok_or_else(|| "expected a time like 2030-12-31T23:59:59Z".to_owned())
}

impl Verify {
    pub(crate) fn run(
        &self,
        now: Moment,
        dress: Dress,
        listener: &Listener,
    ) -> Result<ExitCode, Failure> {
        self.trust.check()?;
        parameters(&self.parameters)?;
        let inputs: Vec<&Path> = self.trust.files().chain([self.layout.as_path()]).collect();
        let outputs = self.answers.outputs(&inputs)?;
        let written: Vec<PathBuf> = outputs.iter().map(|output| output.path.clone()).collect();
        if self.product.releases() {
            // What nobody can be told of is not released.
            for path in &written {
                store::check_place(path)
                    .map_err(|error| Failure::failed(error).meaning(Kind::Undecided))?;
            }
        }
        let chain = self.answers.want_chain(&outputs);
        let outcome = self.decide(self.now.unwrap_or(now), written, chain, listener)?;
        let report = &outcome.report;
        self.answers.tell(report, &outputs, dress)?;
        Ok(ExitCode::from(match report.verdict() {
            Verdict::Pass => DONE,
            Verdict::Refuse => FAILED,
            Verdict::Undecided => UNDECIDED,
        }))
    }

    fn decide(
        &self,
        now: Moment,
        written: Vec<PathBuf>,
        chain: bool,
        listener: &Listener,
    ) -> Result<Outcome, Failure> {
        let document = self.layout.to_string_lossy();
        let (keys, mut problems) = self.trust.load();
        let owners: Vec<Owner<'_>> = keys.iter().map(owner).collect();
        let threshold = match problems.as_slice() {
            [] => self.trust.threshold(&owners)?,
            _ => None,
        };
        let (intermediates, unreadable) = self.trust.intermediates();
        problems.extend(unreadable);
        let layout = match store::read_envelope(&self.layout) {
            Ok(layout) => Some(layout),
            Err(StoreError::Envelope { source, .. }) => {
                problems.push(layout_problem(&source));
                None
            }
            Err(error) => {
                let why = error.to_string();
                problems.push(Problem::LayoutUnreadable { why });
                None
            }
        };
        let (Some(layout), true) = (layout, problems.is_empty()) else {
            return Ok(undecided(&document, now, problems));
        };
        let gathered = self.links.read(&layout, now);
        let at_hand = self.product.read(&layout, &gathered.evidence, listener)?;
        let parameters = parameters(&self.parameters)?;
        let policy = self.policy.policy();
        let request = Request {
            document: &document,
            layout: &layout,
            evidence: &gathered.evidence,
            owners: &owners,
            layout_threshold: threshold,
            intermediates: &intermediates,
            now,
            parameters: &parameters,
            sublayout_inspections: self.inspecting.sublayouts_too(),
            policy: &policy,
            explain: &self.explain,
            chain,
            product: at_hand.as_ref().map(|at_hand| &at_hand.product),
        };
        let mut inspector = self.inspecting.inspector(written, listener);
        let mut outcome = verify(&request, inspector.as_mut());
        outcome.report.layout.clock_set = self.now.is_some();
        self.links.check(&gathered, &mut outcome.report);
        outcome.report.enforce(&policy);
        if let Some(at_hand) = at_hand {
            at_hand.release(&mut outcome, listener);
        }
        Ok(outcome)
    }
}

/// The outcome when the layout or a key cannot be used.
fn undecided(document: &str, now: Moment, problems: Vec<Problem>) -> Outcome {
    let mut report = Report::new(LayoutSummary {
        path: document.to_owned(),
        now: Some(now),
        ..LayoutSummary::default()
    });
    let error = |problem| Finding::error(problem, None);
    report.findings = problems.into_iter().map(error).collect();
    Outcome {
        report,
        summary: None,
        product: Vec::new(),
    }
}
