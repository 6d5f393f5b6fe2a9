//! Whether a layout accepts the links that it was written from, by the engine that verifies.

use crate::encoding::{CanonicalError, Value};
use crate::keys::{Authority, Fingerprint, KeyId};
use crate::model::{Envelope, Evidence, Form, Moment};
use crate::report::{Policy, Severity, Verdict};
use crate::verify::{NoInspections, Owner, Parameters, Request, verify};

/// Why a layout refuses these links: nothing when it accepts them. Nobody has signed the layout yet, and
/// that does not matter here; `anybody` stands for its owner.
///
/// # Errors
/// The layout has no canonical form.
pub fn refusals(
    layout: &Value,
    anybody: Fingerprint,
    evidence: &Evidence,
    now: Moment,
) -> Result<Vec<String>, CanonicalError> {
    let anyone = Anyone(anybody);
    let keyid = KeyId::new("00");
    let mut envelope = Envelope::unsigned(layout.clone(), Form::Metablock)?;
    envelope.add_signature(&keyid, b"anyone");
    let owner = Owner {
        authority: &anyone,
        ids: vec![keyid],
    };
    let request = Request {
        document: "the layout",
        layout: &envelope,
        evidence,
        owners: &[owner],
        layout_threshold: None,
        intermediates: &[],
        now,
        parameters: &Parameters::new(),
        sublayout_inspections: false,
        policy: &Policy::default(),
        explain: &[],
        chain: false,
        product: None,
    };
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

/// Stands for the owner of a layout that is not signed yet. Never used for links.
#[derive(Debug)]
struct Anyone(Fingerprint);

impl Authority for Anyone {
    fn check(&self, _message: &[u8], _signature: &[u8]) -> bool {
        true
    }

    fn ids(&self) -> Vec<KeyId> {
        vec![KeyId::new("00")]
    }

    fn fingerprint(&self) -> Fingerprint {
        self.0
    }
}
