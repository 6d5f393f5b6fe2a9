//! The stable code of everything that can be found, and which of it leaves the answer open.

use super::Problem;

impl Problem {
    /// The stable code. Never renamed.
    #[expect(clippy::too_many_lines, reason = "one word for each variant")]
    pub fn code(&self) -> &'static str {
        match self {
            Self::ArtifactDisallowed { .. } => "artifact-disallowed",
            Self::ArtifactMissing { .. } => "artifact-missing",
            Self::ArtifactsUnchecked { .. } => "artifacts-unchecked",
            Self::CertificateConstraintNotMet { .. } => "certificate-constraint-not-met",
            Self::CertificateInvalid { .. } | Self::CertificateMalformed { .. } => {
                "certificate-invalid"
            }
            Self::CertificateMissing { .. } => "certificate-missing",
            Self::CertificateUnreadable { .. } => "certificate-unreadable",
            Self::CommandDiffers { .. } => "command-differs",
            Self::CommandFailed { .. } => "command-failed",
            Self::InspectionFailed { .. } | Self::InspectionUnrecorded { .. } => {
                "inspection-failed"
            }
            Self::InspectionBlind { .. } => "inspection-blind",
            Self::InspectionDenied => "inspection-denied",
            Self::InspectionExposed { .. } => "inspection-exposed",
            Self::InspectionListed { .. } => "inspection-listed",
            Self::InspectionRan { .. } => "inspection-ran",
            Self::InspectionTimeout { .. } => "inspection-timeout",
            Self::InspectionUnprotected { .. } => "inspection-unprotected",
            Self::KeyExpired { .. } => "key-expired",
            Self::KeyListedTwice { .. } => "key-listed-twice",
            Self::KeyMalformed { .. } => "key-malformed",
            Self::KeyUnknown { .. } => "key-unknown",
            Self::KeyUnreadable { .. } => "key-unreadable",
            Self::KeyUnsupported { .. } => "key-unsupported",
            Self::KeyUnused { .. } => "key-unused",
            Self::LayoutEmpty => "layout-empty",
            Self::LayoutExpired { .. } => "layout-expired",
            Self::LayoutExpiresSoon { .. } => "layout-expires-soon",
            Self::LayoutExpiryMissing => "layout-expiry-missing",
            Self::LayoutInvalid { .. } => "layout-invalid",
            Self::LayoutThresholdNotMet { .. } => "layout-threshold-not-met",
            Self::LayoutUnreadable { .. } => "layout-unreadable",
            Self::LinkFolderMissing { .. } => "link-folder-missing",
            Self::LinkAmbiguous { .. } => "link-ambiguous",
            Self::LinkFoundElsewhere { .. } => "link-found-elsewhere",
            Self::LinkMalformed { .. } => "link-malformed",
            Self::LinkNameMismatch { .. } => "link-name-mismatch",
            Self::LinkPassedOver { .. } => "link-passed-over",
            Self::LinkSignatureInvalid { .. } => "link-signature-invalid",
            Self::LinkSignatureMissing { .. } => "link-signature-missing",
            Self::LinkUnreadable { .. } => "link-unreadable",
            Self::LinksDisagree { .. } => "links-disagree",
            Self::LinksMissing { .. } => "links-missing",
            Self::LayoutDuplicateKey { .. } | Self::MalformedJson { .. } => "malformed-json",
            Self::NotALayout { .. } => "not-a-layout",
            Self::NotReached { .. } => "not-reached",
            Self::OpenPgpSignatureRefused { .. } => "openpgp-signature-refused",
            Self::ParameterMissing { .. } => "parameter-missing",
            Self::ParameterUnfilled { .. } => "parameter-unfilled",
            Self::ProductDiffers { .. } => "product-differs",
            Self::ProductMissing { .. } => "product-missing",
            Self::ProductNotHashed { .. } => "product-not-hashed",
            Self::ProductNotReleased { .. } => "product-not-released",
            Self::ProductStepUnknown { .. } => "product-step-unknown",
            Self::ProductUndeclared { .. } => "product-undeclared",
            Self::ProductUnexpected { .. } => "product-unexpected",
            Self::ProductUnreadable { .. } => "product-unreadable",
            Self::SignatureInvalid { .. } => "signature-invalid",
            Self::SignatureMissing { .. } => "signature-missing",
            Self::SignaturesTooMany { .. } => "too-many-signatures",
            Self::SublayoutInspectionNotAllowed { .. } => "sublayout-inspection-not-allowed",
            Self::SublayoutRefused { .. } => "sublayout-refused",
            Self::SublayoutTooDeep { .. } => "sublayout-too-deep",
            Self::ThresholdNotMet { .. } => "threshold-not-met",
            Self::WeakDigest { .. } => "weak-digest",
            Self::WeakRecord { .. } => "weak-record",
            Self::LayoutPayloadType { .. } | Self::LinkPayloadType { .. } => "wrong-payload-type",
        }
    }

    /// Whether anybody who can add a file or a signature to what is verified could have caused this. As a
    /// warning it is about something that nobody needs.
    pub(in crate::report) fn anybody_could_cause(&self) -> bool {
        matches!(
            self,
            Self::CertificateConstraintNotMet { .. }
                | Self::CertificateInvalid { .. }
                | Self::CertificateMalformed { .. }
                | Self::CertificateMissing { .. }
                | Self::KeyExpired { .. }
                | Self::LinkAmbiguous { .. }
                | Self::LinkMalformed { .. }
                | Self::LinkNameMismatch { .. }
                | Self::LinkPayloadType { .. }
                | Self::LinkSignatureInvalid { .. }
                | Self::LinkSignatureMissing { .. }
                | Self::LinkUnreadable { .. }
                | Self::MalformedJson { .. }
                | Self::OpenPgpSignatureRefused { .. }
                | Self::SignatureInvalid { .. }
                | Self::SignaturesTooMany { .. }
                | Self::SublayoutTooDeep { .. }
        )
    }

    /// Whether nothing could be judged because of this, which is neither a pass nor a refusal.
    pub fn leaves_undecided(&self) -> bool {
        matches!(
            self,
            Self::CertificateUnreadable { .. }
                | Self::KeyUnreadable { .. }
                | Self::LayoutPayloadType { .. }
                | Self::LayoutUnreadable { .. }
                | Self::NotALayout { .. }
                | Self::ProductNotReleased { .. }
                | Self::ProductUnreadable { .. }
        )
    }
}
