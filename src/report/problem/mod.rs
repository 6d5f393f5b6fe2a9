//! Everything that can be found, each with its message. Its stable code and what to do next are in
//! files of their own.

mod advice;
mod code;
mod details;
mod help;
mod subject;

pub use subject::Cause;

use crate::keys::{ChainError, KeyId, Mismatch};
use crate::model::{
    Complaint, ItemName, Moment, PAYLOAD_TYPE, Side, command_line, counted, quoted, quoted_list,
};

use super::difference::differing;
use super::words::{
    NAMED_AT_MOST, behind, braced, but, found_instead, list_mismatches, listed, named, signed,
};
use super::{Again, Difference, Instead, NearMiss, Unreached, Vouched};

/// One kind of thing that can be found, with what a reader needs to know of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[expect(
    missing_docs,
    reason = "the message of each variant says what its fields are"
)]
pub enum Problem {
    /// A DISALLOW rule met an artifact that no earlier rule took.
    #[error("the {} {} is not allowed: no rule before {} takes it{}", side.noun(), quoted(path), quoted(rule), behind(near))]
    ArtifactDisallowed {
        side: Side,
        path: String,
        rule: String,
        near: Vec<NearMiss>,
        /// The step, where it is one that has the artifact.
        again: Option<Again>,
    },
    /// A REQUIRE rule names an artifact that is not there or was taken before.
    #[error("the {} {} is required, but {}{}", side.noun(), quoted(path), match taken_by {
        Some(rule) => format!("{} has taken it before", quoted(rule)),
        None => format!("it is not there{}", but(similar)),
    }, match parameter {
        Some(name) => format!("; {} in it looks like a parameter that was not filled in", braced(name)),
        None => String::new(),
    })]
    ArtifactMissing {
        side: Side,
        path: String,
        taken_by: Option<String>,
        similar: Vec<String>,
        /// What looks like the name of a parameter in the name, if it is not there.
        parameter: Option<String>,
    },
    /// No rule was about some artifacts, and no DISALLOW ends the list.
    #[error("{} {} by no rule, for the list does not end with `DISALLOW *`: {}",
        counted(*count, side.noun()), if *count == 1 { "was checked" } else { "were checked" },
        named(paths, *count))]
    ArtifactsUnchecked {
        side: Side,
        count: usize,
        paths: Vec<String>,
    },
    /// The certificate of a link is not as a constraint of the step asks.
    #[error(
        "the certificate {} of {} does not meet the constraint: {}",
        quoted(certificate),
        quoted(link),
        list_mismatches(mismatches)
    )]
    CertificateConstraintNotMet {
        link: String,
        certificate: String,
        mismatches: Vec<Mismatch>,
    },
    /// The chain of a link's certificate does not hold.
    #[error(
        "the certificate {} of {} cannot be relied on: {why}",
        quoted(certificate),
        quoted(link)
    )]
    CertificateInvalid {
        link: String,
        certificate: String,
        why: ChainError,
    },
    /// The certificate of a link is none that could be judged.
    #[error("the certificate of {} cannot be used: {why}", quoted(link))]
    CertificateMalformed { link: String, why: String },
    /// A link is signed by nobody whom the step authorises, and has no certificate.
    #[error("{} is signed under the key {}, which the step does not authorise, and carries no certificate", quoted(link), quoted(keyid.as_str()))]
    CertificateMissing { link: String, keyid: KeyId },
    /// A file of intermediate certificates cannot be read.
    #[error("cannot read the certificate {}: {why}", quoted(file))]
    CertificateUnreadable { file: String, why: String },
    /// A link's command is not the expected one.
    #[error(
        "expected the command `{}`, found `{}` in {}",
        command_line(expected),
        command_line(found),
        quoted(link)
    )]
    CommandDiffers {
        expected: Vec<String>,
        found: Vec<String>,
        link: String,
    },
    /// The command of a step did not end well.
    #[error("the command of {} returned {status}", quoted(link))]
    CommandFailed { link: String, status: i64 },
    /// Inspections are not to be run.
    #[error("the layout has this inspection, and --inspections deny was given")]
    InspectionDenied,
    /// The command of an inspection ran without all protections.
    #[error("the inspection's command was not shut in as it should be: {}", lacking.join("; "))]
    InspectionExposed { lacking: Vec<String> },
    /// The command of an inspection did not end as it must.
    #[error("the inspection failed: {why}")]
    InspectionFailed { why: String },
    /// What an inspection did not record, because it is neither file nor folder.
    #[error(
        "{count} entries of the folder are no plain files, so no rule sees them: {}",
        quoted_list(paths, NAMED_AT_MOST)
    )]
    InspectionBlind { count: usize, paths: Vec<String> },
    /// An inspection that was only to be looked at.
    #[error("it would run `{}`", command_line(command))]
    InspectionListed { command: Vec<String> },
    /// How the command of an inspection ran.
    #[error("its command ran in a copy of the folder; {}{}", match held.as_slice() {
            [] => "nothing else kept it from doing harm".to_owned(),
            held => held.join("; "),
        },
        said.iter().map(|text| format!("; it printed {}", quoted(text))).collect::<String>())]
    InspectionRan {
        held: Vec<String>,
        said: Vec<String>,
    },
    /// Not all protections are there, and the command of an inspection does not run without.
    #[error("the inspection's command was not run, for it cannot be shut in: {}", lacking.join("; "))]
    InspectionUnprotected { lacking: Vec<String> },
    /// The folder of an inspection cannot be recorded.
    #[error("the inspection's folder cannot be recorded: {why}")]
    InspectionUnrecorded { why: String },
    /// The command of an inspection took too long.
    #[error("the inspection's command ran longer than {}", counted(*seconds, "second"))]
    InspectionTimeout { seconds: u64 },
    /// The key that signed has expired, or the signature.
    #[error("{} is signed under the key {}, which has expired{}", signed(link.as_deref()), quoted(keyid.as_str()),
        expired.map(|expired| format!(" at {expired}")).unwrap_or_default())]
    KeyExpired {
        link: Option<String>,
        keyid: KeyId,
        expired: Option<Moment>,
    },
    /// A key stands in the layout under several ids.
    #[error(
        "{} of the layout are one key, so whoever holds it counts once",
        listed("the keys", keyids)
    )]
    KeyListedTwice { keyids: Vec<KeyId> },
    /// A key that a step needs is malformed.
    #[error("the key {} cannot be used: {why}", quoted(keyid.as_str()))]
    KeyMalformed { keyid: KeyId, why: String },
    /// A step authorises a key that the layout does not hold.
    #[error("the step authorises the key {}, which the layout does not hold", quoted(keyid.as_str()))]
    KeyUnknown { keyid: KeyId },
    /// A verification key cannot be read.
    #[error("cannot read the key {}: {why}", quoted(key))]
    KeyUnreadable {
        key: String,
        why: String,
        /// Whether there is no such file.
        absent: bool,
    },
    /// A key of the layout that no step authorises.
    #[error("no step authorises the key {} of the layout", quoted(keyid.as_str()))]
    KeyUnused { keyid: KeyId },
    /// A key that a step needs is of a kind that is not supported.
    #[error("the key {} is not supported: {why}", quoted(keyid.as_str()))]
    KeyUnsupported { keyid: KeyId, why: String },
    /// Neither steps nor inspections.
    #[error("the layout has neither steps nor inspections, so it verifies nothing")]
    LayoutEmpty,
    /// The layout has expired.
    #[error("the {} expired at {expired}, and it is {now}", if *below { "sublayout" } else { "layout" })]
    LayoutExpired {
        expired: Moment,
        now: Moment,
        /// Whether it is a sublayout.
        below: bool,
    },
    /// The layout expires soon.
    #[error("the layout expires at {expires}, in less than {days} days")]
    LayoutExpiresSoon { expires: Moment, days: i32 },
    /// An object of the layout has a key twice.
    #[error("cannot read the layout: {why}")]
    LayoutDuplicateKey { why: String },
    /// The layout has no expiry.
    #[error("the layout has no expiry")]
    LayoutExpiryMissing,
    /// The layout breaks the format.
    #[error("the layout is not valid: {complaint}")]
    LayoutInvalid { complaint: Complaint },
    /// The layout's envelope is one of something else.
    #[error(
        "expected a layout with the payload type `{PAYLOAD_TYPE}`, found {}",
        quoted(found)
    )]
    LayoutPayloadType { found: String },
    /// Too few of the given keys have signed the layout.
    #[error(
        "the layout needs the signatures of {needed} distinct keys of those given, found {found}{}{}",
        listed("; good under", good),
        listed("; none under", missing)
    )]
    LayoutThresholdNotMet {
        needed: usize,
        found: usize,
        good: Vec<KeyId>,
        missing: Vec<KeyId>,
    },
    /// The layout cannot be read.
    #[error("cannot read the layout: {why}")]
    LayoutUnreadable { why: String },
    /// The folder for the links is not there.
    #[error("there is no folder {} for the links{}", quoted(folder), match steps.as_slice() {
        [] => "",
        _ => ", so no step has any",
    })]
    LinkFolderMissing {
        folder: String,
        /// Folders that may have been meant.
        similar: Vec<String>,
        /// All steps in their order, if none has a link.
        steps: Vec<String>,
    },
    /// Two valid links of one step and functionary say different things.
    #[error(
        "{} and {} are valid links of the same step and functionary and differ",
        quoted(link),
        quoted(other)
    )]
    LinkAmbiguous { link: String, other: String },
    /// A link was not where its name would be.
    #[error("{} was found by its content, not by its name", quoted(link))]
    LinkFoundElsewhere { link: String },
    /// A link file holds JSON that is no link.
    #[error("{} is no link: {why}", quoted(link))]
    LinkMalformed { link: String, why: String },
    /// A link carries another name than its step.
    #[error("{} is a link of {}, expected one of {}", quoted(link), quoted(found), quoted(expected.as_str()))]
    LinkNameMismatch {
        link: String,
        expected: ItemName,
        found: String,
    },
    /// A link's envelope is one of something else.
    #[error(
        "expected {} to have the payload type `{PAYLOAD_TYPE}`, found {}",
        quoted(link),
        quoted(found)
    )]
    LinkPayloadType { link: String, found: String },
    /// A link's signature under its functionary's key is wrong.
    #[error("the signature of {} under the key {} is wrong", quoted(link), quoted(keyid.as_str()))]
    LinkSignatureInvalid { link: String, keyid: KeyId },
    /// A link has no signature under its functionary's key.
    #[error("{} is not signed under the key {}{}", quoted(link), quoted(keyid.as_str()), match other_id {
        Some(id) => format!(", but under {}, another id of the same key", quoted(id.as_str())),
        None => found_instead(found),
    })]
    LinkSignatureMissing {
        link: String,
        keyid: KeyId,
        found: Vec<String>,
        /// The key's other id, if it has signed under that.
        other_id: Option<KeyId>,
        again: Again,
    },
    /// Something beside the links is none.
    #[error("{} was passed over: {why}", quoted(link))]
    LinkPassedOver { link: String, why: String },
    /// A link file exists and cannot be read.
    #[error("cannot read {}: {why}", quoted(link))]
    LinkUnreadable { link: String, why: String },
    /// Valid links of one step differ.
    #[error("{} and {} differ{}", quoted(first), quoted(other), behind(&differing((first, other), differences, *more, vouched.as_ref())))]
    LinksDisagree {
        first: String,
        other: String,
        differences: Vec<Difference>,
        more: usize,
        /// What an earlier step says of it.
        vouched: Option<Vouched>,
    },
    /// No step has a link.
    #[error("no step has a link: {} looked for in {}{}", if steps.len() == 1 { "it was" } else { "they were" },
        quoted_list(places, NAMED_AT_MOST),
        if *given { ", as given with --link-dir" } else { ", the current folder, for no --link-dir was given" })]
    LinksMissing {
        /// Where they were looked for.
        places: Vec<String>,
        /// Whether that was said with --link-dir.
        given: bool,
        /// All steps, in their order.
        steps: Vec<String>,
    },
    /// Not JSON, or an object has a key twice.
    #[error("cannot read {}: {why}", quoted(document))]
    MalformedJson { document: String, why: String },
    /// The document given as layout is something else.
    #[error("the document given as layout is {}", match (step, found) {
        (Some(step), _) => format!("the link of the step {}", quoted(step)),
        (None, Some(found)) => format!("of type {}", quoted(found)),
        (None, None) => "no in-toto metadata, it has no `_type`".to_owned(),
    })]
    NotALayout {
        found: Option<String>,
        /// Of which step it is a link, if it is one.
        step: Option<String>,
    },
    /// Not checked, because of something else.
    #[error("not checked: {why}")]
    NotReached { why: Unreached },
    /// An OpenPGP signature that does not count, whatever its numbers are.
    #[error("the OpenPGP signature of {} under the key {} does not count: {why}", signed(link.as_deref()), quoted(keyid.as_str()))]
    OpenPgpSignatureRefused {
        link: Option<String>,
        keyid: KeyId,
        why: String,
    },
    /// The layout uses a parameter that was not given.
    #[error("the layout uses the parameter {}, which was not given", quoted(name))]
    ParameterMissing { name: String },
    /// No parameter was given, and a rule or a command of the layout has what looks like one.
    #[error(
        "no parameters were given, so `{{{name}}}` in the layout stands for exactly these characters, braces and all"
    )]
    ParameterUnfilled { name: String },
    /// A product at hand has other digests than the link of its step.
    #[error("the file {} is another than {} made: expected {expected}, found {found}", quoted(path), quoted(step.as_str()))]
    ProductDiffers {
        step: ItemName,
        path: String,
        expected: String,
        found: String,
    },
    /// A product of the step is not at hand.
    #[error("the product {} of {} is not there{}", quoted(path), quoted(step.as_str()), match elsewhere {
        Some(found) => format!("; the same content is there as {}", quoted(found)),
        None => String::new(),
    })]
    ProductMissing {
        step: ItemName,
        path: String,
        elsewhere: Option<String>,
    },
    /// The digests were taken from a manifest.
    #[error(
        "no file was read: the digests at hand are those of the manifest {}",
        quoted(manifest)
    )]
    ProductNotHashed { manifest: String },
    /// The files were right and could not be put in their place.
    #[error("the product could not be released: {why}")]
    ProductNotReleased { why: String },
    /// A step is named that the layout does not have.
    #[error(
        "the layout has no step {}, whose products the files must be",
        quoted(step)
    )]
    ProductStepUnknown { step: String },
    /// Nothing says what the product is.
    #[error("{}, so no file can be the final product", match step {
        Some(step) => format!("the step {} has no products", quoted(step.as_str())),
        None => "the layout has no steps".to_owned(),
    })]
    ProductUndeclared { step: Option<ItemName> },
    /// Something is at hand that is no product of the step.
    #[error("{} is there and is no product of {}", quoted(path), quoted(step.as_str()))]
    ProductUnexpected { step: ItemName, path: String },
    /// What is at hand cannot be read.
    #[error("the product at hand cannot be read: {why}")]
    ProductUnreadable { why: String },
    /// A signature of the layout is wrong.
    #[error("the layout's signature under the key {} is wrong", quoted(keyid.as_str()))]
    SignatureInvalid { keyid: KeyId },
    /// The layout is not signed under a given key.
    #[error("the layout is not signed under the key {}{}", quoted(keyid.as_str()), match good.as_slice() {
        [] => found_instead(found),
        good => listed(", only under", good),
    })]
    SignatureMissing {
        keyid: KeyId,
        /// The other given keys whose signatures are good.
        good: Vec<KeyId>,
        /// All ids under which it is signed.
        found: Vec<String>,
    },
    /// More signatures stand under one key id than are tried, and the first ones are wrong.
    #[error("{document} has more than {limit} signatures under the key {}, and the first {limit} are wrong", quoted(keyid.as_str()))]
    SignaturesTooMany {
        /// What is signed, as it stands in the message.
        document: String,
        keyid: KeyId,
        limit: usize,
    },
    /// A sublayout wants to run commands.
    #[error("the sublayout wants to run commands here, in {}",
        quoted_list(&inspections.iter().map(ItemName::as_str).collect::<Vec<_>>(), NAMED_AT_MOST))]
    SublayoutInspectionNotAllowed { inspections: Vec<ItemName> },
    /// A sublayout in the place of a link does not verify.
    #[error("the sublayout {} does not verify{}", quoted(link), match cause {
        Some(cause) => format!(": {}", cause.headline()),
        None => String::new(),
    })]
    SublayoutRefused {
        link: String,
        /// The first thing that refuses in it, or in the sublayout where that is.
        cause: Option<Box<Self>>,
    },
    /// Sublayouts within sublayouts beyond the limit.
    #[error("{} is not followed: {why}", quoted(link))]
    SublayoutTooDeep { link: String, why: String },
    /// Too few valid links.
    #[error("{needed} valid {}{} {} needed, found {found}{}{}{}{}",
        if *needed == 1 { "link" } else { "links" },
        if *told { "" } else { " from distinct authorised functionaries" }, if *needed == 1 { "is" } else { "are" },
        if links > found { format!(" (in {links} links, for a key under two ids is one functionary)") } else { String::new() },
        match broken.as_slice() {
            [] => String::new(),
            [one] => format!("; {} does not count, as said above", quoted(one)),
            files => format!("; {} do not count, as said above", quoted_list(files, NAMED_AT_MOST)),
        },
        match looked_for.as_slice() {
            [] => String::new(),
            files => format!("; there is no {}", quoted_list(files, NAMED_AT_MOST)),
        }, behind(instead))]
    ThresholdNotMet {
        needed: u64,
        /// Distinct functionaries.
        found: usize,
        /// Valid links.
        links: usize,
        /// How many distinct functionaries there are, if they are known by their keys alone.
        able: Option<usize>,
        /// Link files of functionaries that do not count.
        broken: Vec<String>,
        looked_for: Vec<String>,
        /// Other files of the step.
        instead: Vec<Instead>,
        again: Again,
        /// Whether what to do about it is told for all steps at once.
        told: bool,
    },
    /// Artifacts were recorded with digests that show nothing.
    #[error("{} without a strong digest, so nothing can be compared with {}: {}",
        counted(*count, side.noun()), if *count == 1 { "it" } else { "them" }, named(paths, *count))]
    WeakRecord {
        side: Side,
        count: usize,
        paths: Vec<String>,
    },
    /// A comparison depends on digests that show nothing.
    #[error("the {} {} has no strong digest in common with {with}, so they cannot be compared", side.noun(), quoted(path))]
    WeakDigest {
        side: Side,
        path: String,
        with: String,
    },
}
