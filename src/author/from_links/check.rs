//! Whether a layout accepts the links that it was written from, by the engine that verifies.

use crate::encoding::Value;
use crate::model::{Evidence, Form, Moment};
use crate::report::{Severity, Verdict};
use crate::verify::{NoInspections, Request, verify};

use super::super::owner::{AsIfSigned, UnsignableError};

/// Why a layout refuses these links: nothing when it accepts them. Nobody has signed the layout yet, and
/// that does not matter here.
///
/// # Errors
/// The layout cannot be signed for this.
pub fn refusals(
    layout: &Value,
    evidence: &Evidence,
    now: Moment,
) -> Result<Vec<String>, UnsignableError> {
    let signed = AsIfSigned::of(layout, Form::Metablock)?;
    let owners = [signed.owner()];
    let request = Request::new(signed.envelope(), evidence, &owners, now);
    let report = verify(&request, &mut NoInspections).report;
    if report.verdict() == Verdict::Pass {
        return Ok(Vec::new());
    }
    let all = report.items.iter().flat_map(|item| &item.findings);
    let all = all.chain(&report.findings);
    let errors = all.filter(|finding| finding.severity == Severity::Error);
    let mut refusals: Vec<String> = errors.map(|finding| finding.problem.to_string()).collect();
    if refusals.is_empty() {
        refusals.push("it asks for nothing".to_owned());
    }
    Ok(refusals)
}
