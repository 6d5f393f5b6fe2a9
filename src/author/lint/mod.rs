//! Reading a layout over: what in it cannot work, checks nothing, or is most likely not what was
//! meant. Pure: the clock and the evidence are given.
//!
//! A layout that has not the form it must have is read as far as that goes. Each family of findings
//! has a file of its own; each finding says why it matters and what to do about it. Whatever is said
//! to be an error is certain, but for a field that is nearly a known one: that is judged by its likeness, and
//! refuses, for a restriction under a wrong name restricts nothing. Where two readings are possible, nothing
//! is said.

mod certificates;
mod evidence;
mod expiry;
mod findings;
mod flow;
mod foreign;
mod form;
mod inspections;
mod keys;
mod lists;
mod parameters;
mod people;
mod reading;
mod shadow;
mod sources;

use crate::encoding::Value;
use crate::keys::{AnyKey, KeyId};
use crate::model::{Evidence, Moment};
use crate::report::Lint;

use findings::Findings;
use reading::Reading;

/// A layout, and what else is known.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The layout's path, for people.
    pub document: &'a str,
    /// What is signed, or would be.
    pub value: &'a Value,
    /// The clock.
    pub now: Moment,
    /// The ids under which it is signed.
    pub signed_by: &'a [KeyId],
    /// The keys of those who sign it, if they are at hand.
    pub owners: &'a [AnyKey],
    /// Links of a good run, to hold the layout against.
    pub evidence: Option<&'a Evidence>,
}

/// Everything that is to be said about a layout, in the order of the document.
pub fn lint(subject: &Subject<'_>) -> Lint {
    let reading = Reading::new(subject.value);
    let mut found = Findings::default();
    form::look(&reading, &mut found);
    expiry::look(&reading, subject.now, &mut found);
    keys::look(&reading, subject.now, &mut found);
    people::look(&reading, subject, &mut found);
    certificates::look(&reading, subject.now, &mut found);
    sources::look(&reading, &mut found);
    lists::look(&reading, &mut found);
    parameters::look(&reading, &mut found);
    shadow::look(&reading, &mut found);
    foreign::look(&reading, &mut found);
    flow::look(&reading, &mut found);
    inspections::look(&reading, &mut found);
    if let Some(evidence) = subject.evidence {
        evidence::look(&reading, evidence, &mut found);
    }
    // Last: what was said more exactly is not said again.
    form::complain(&reading, &mut found);
    Lint {
        document: subject.document.to_owned(),
        expires: reading.layout.as_ref().and_then(|layout| layout.expires),
        findings: found.finish(&reading),
    }
}
