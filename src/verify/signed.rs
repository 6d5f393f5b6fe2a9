//! Who has signed what. Everything that counts signers is here, and [`Checked`] is what comes out:
//! only this file can make one, so a function that takes a `Checked` value knows that the
//! signatures on it were good.

use std::collections::BTreeSet;
use std::ops::Deref;

use crate::keys::{Authority, Fingerprint, KeyId};
use crate::model::{Envelope, Inspection, Layout, Signature};
use crate::report::{Problem, Report};

/// Something from an envelope whose signatures were checked.
#[derive(Clone, Debug)]
pub struct Checked<T>(T);

impl<T> Deref for Checked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl Checked<Layout> {
    /// The inspections, once nothing that refuses was found in the whole tree of layouts: only
    /// then may a command run.
    pub(super) fn release_inspections(&self, report: &Report) -> Vec<Checked<Inspection>> {
        if report.has_errors() {
            return Vec::new();
        }
        self.0.inspections.iter().cloned().map(Checked).collect()
    }
}

/// How many signatures under one authority's ids are tried. One is enough; checking costs time, and
/// a file can be full of them.
pub(super) const TRIED_SIGNATURES: usize = 16;

/// What the signatures under one authority's ids say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signed {
    /// At least one of them is good.
    Good,
    /// There are some, and none of the first [`TRIED_SIGNATURES`] is good.
    Wrong,
    /// There is none.
    Missing,
}

/// Looks for a good signature under any of the authority's ids. Several signatures under one id
/// count once, and one good one is enough.
pub(super) fn check(envelope: &Envelope, authority: &dyn Authority, ids: &[KeyId]) -> Signed {
    let ours = |signature: &&Signature| {
        let keyid = signature.keyid.as_ref();
        keyid.is_some_and(|keyid| ids.contains(keyid))
    };
    let good = |signature: &Signature| {
        let bytes = signature.bytes.as_deref();
        bytes.is_some_and(|bytes| authority.check(envelope.message(), bytes))
    };
    let mut seen = false;
    for signature in envelope
        .signatures()
        .iter()
        .filter(ours)
        .take(TRIED_SIGNATURES)
    {
        if good(signature) {
            return Signed::Good;
        }
        seen = true;
    }
    if seen { Signed::Wrong } else { Signed::Missing }
}

/// The ids of all signatures, for messages.
pub(super) fn ids_found(envelope: &Envelope) -> Vec<String> {
    let ids = envelope.signatures().iter().map(|signature| {
        let keyid = signature.keyid.as_ref();
        keyid.map_or("(none)", KeyId::as_str).to_owned()
    });
    ids.collect()
}

/// An owner of a layout: a key and the ids under which it may have signed.
#[derive(Clone, Debug)]
pub struct Owner<'a> {
    /// Checks the signature.
    pub authority: &'a dyn Authority,
    /// The ids to look for.
    pub ids: Vec<KeyId>,
}

/// Checks that *every* owner has signed, and reads the layout with `read`. No owners: nothing is
/// checked, so nothing is given out.
pub(super) fn check_layout(
    envelope: &Envelope,
    owners: &[Owner<'_>],
    read: impl FnOnce(&Envelope) -> Result<Layout, Vec<Problem>>,
) -> Result<Checked<Layout>, Vec<Problem>> {
    let mut problems = Vec::new();
    for owner in owners {
        let keyid = owner.ids.first().cloned().unwrap_or_else(|| KeyId::new(""));
        match check(envelope, owner.authority, &owner.ids) {
            Signed::Good => {}
            Signed::Wrong => problems.push(Problem::SignatureInvalid { keyid }),
            Signed::Missing => problems.push(Problem::SignatureMissing {
                keyid,
                found: ids_found(envelope),
            }),
        }
    }
    if owners.is_empty() {
        problems.push(Problem::KeyUnreadable {
            key: String::new(),
            why: "no key was given".to_owned(),
        });
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    read(envelope).map(Checked)
}

/// Counts people: distinct key material, whatever the ids.
#[derive(Debug, Default)]
pub(super) struct Signers(BTreeSet<Fingerprint>);

impl Signers {
    pub(super) fn add(&mut self, authority: &dyn Authority) {
        self.0.insert(authority.fingerprint());
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
}
