//! What a problem is about, and what is behind it, for programs: typed, where the message is for people.

use crate::keys::{KeyId, Mismatch};
use crate::model::Side;

use super::super::{Difference, Instead, NearMiss, Unreached};
use super::Problem;

/// What is behind a problem.
#[derive(Clone, Copy, Debug)]
pub enum Cause<'a> {
    /// The rules that were about the artifact and did not take it.
    NearMisses(&'a [NearMiss]),
    /// How two links differ.
    Differences {
        /// In these artifacts.
        list: &'a [Difference],
        /// And in so many others.
        more: usize,
    },
    /// What there is of the links of a step.
    Links {
        /// So many are needed.
        needed: u64,
        /// So many are there, of distinct functionaries.
        found: usize,
        /// Files of functionaries that do not count.
        broken: &'a [String],
        /// Files that are not there.
        looked_for: &'a [String],
        /// Files of the step that are named for nobody who may perform it.
        instead: &'a [Instead],
    },
    /// Who has signed the layout, of those who should have.
    Owners {
        /// These.
        good: &'a [KeyId],
    },
    /// How a certificate differs from a constraint.
    Mismatches(&'a [Mismatch]),
    /// What refuses a sublayout.
    Sublayout(&'a Problem),
    /// What stood in the way.
    Unreached(&'a Unreached),
    /// A rule that took the artifact before.
    TakenBefore(&'a str),
}

impl Problem {
    /// What is behind it, where that is more than its message says in a few words.
    pub fn cause(&self) -> Option<Cause<'_>> {
        if let Self::ArtifactDisallowed { near, .. } = self {
            Some(Cause::NearMisses(near))
        } else if let Self::ArtifactMissing {
            taken_by: Some(rule),
            ..
        } = self
        {
            Some(Cause::TakenBefore(rule))
        } else if let Self::LinksDisagree {
            differences, more, ..
        } = self
        {
            let (list, more) = (differences.as_slice(), *more);
            Some(Cause::Differences { list, more })
        } else if let Self::ThresholdNotMet {
            needed,
            found,
            broken,
            looked_for,
            instead,
            ..
        } = self
        {
            Some(Cause::Links {
                needed: *needed,
                found: *found,
                broken,
                looked_for,
                instead,
            })
        } else if let Self::CertificateConstraintNotMet { mismatches, .. } = self {
            Some(Cause::Mismatches(mismatches))
        } else if let Self::SignatureMissing { good, .. }
        | Self::LayoutThresholdNotMet { good, .. } = self
        {
            Some(Cause::Owners { good })
        } else if let Self::SublayoutRefused { cause, .. } = self {
            cause.as_deref().map(Cause::Sublayout)
        } else if let Self::NotReached { why } = self {
            Some(Cause::Unreached(why))
        } else {
            None
        }
    }

    /// The artifact that it is about.
    pub fn artifact(&self) -> Option<(Side, &str)> {
        if let Self::ArtifactDisallowed { side, path, .. }
        | Self::ArtifactMissing { side, path, .. }
        | Self::WeakDigest { side, path, .. } = self
        {
            return Some((*side, path));
        }
        let (Self::ProductDiffers { path, .. }
        | Self::ProductMissing { path, .. }
        | Self::ProductUnexpected { path, .. }) = self
        else {
            return None;
        };
        Some((Side::Products, path))
    }

    /// The rule that refuses.
    pub fn rule(&self) -> Option<&str> {
        let Self::ArtifactDisallowed { rule, .. } = self else {
            return None;
        };
        Some(rule)
    }

    /// The link file that it is about.
    pub fn link(&self) -> Option<&str> {
        let (Self::CertificateConstraintNotMet { link, .. }
        | Self::CertificateInvalid { link, .. }
        | Self::CertificateMalformed { link, .. }
        | Self::CertificateMissing { link, .. }
        | Self::CommandDiffers { link, .. }
        | Self::CommandFailed { link, .. }
        | Self::KeyExpired {
            link: Some(link), ..
        }
        | Self::LinkAmbiguous { link, .. }
        | Self::LinkFoundElsewhere { link }
        | Self::LinkMalformed { link, .. }
        | Self::LinkNameMismatch { link, .. }
        | Self::LinkPassedOver { link, .. }
        | Self::LinkPayloadType { link, .. }
        | Self::LinkSignatureInvalid { link, .. }
        | Self::LinkSignatureMissing { link, .. }
        | Self::LinkUnreadable { link, .. }
        | Self::LinksDisagree { first: link, .. }
        | Self::MalformedJson { document: link, .. }
        | Self::OpenPgpSignatureRefused {
            link: Some(link), ..
        }
        | Self::SublayoutRefused { link, .. }
        | Self::SublayoutTooDeep { link, .. }) = self
        else {
            return None;
        };
        Some(link)
    }

    /// The key that it is about.
    pub fn keyid(&self) -> Option<&KeyId> {
        let (Self::CertificateMissing { keyid, .. }
        | Self::KeyExpired { keyid, .. }
        | Self::KeyMalformed { keyid, .. }
        | Self::KeyUnknown { keyid }
        | Self::KeyUnsupported { keyid, .. }
        | Self::KeyUnused { keyid }
        | Self::LinkSignatureInvalid { keyid, .. }
        | Self::LinkSignatureMissing { keyid, .. }
        | Self::OpenPgpSignatureRefused { keyid, .. }
        | Self::SignatureInvalid { keyid }
        | Self::SignatureMissing { keyid, .. }
        | Self::SignaturesTooMany { keyid, .. }) = self
        else {
            return None;
        };
        Some(keyid)
    }
}
