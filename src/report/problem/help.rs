//! What a person can do next about what was found.

use std::borrow::Cow;

use crate::keys::ChainError;
use crate::model::{Side, quoted};

use super::Problem;
use super::advice::{self, Short};

impl Problem {
    /// What a person can do next; empty where the message says it all.
    pub fn help(&self) -> Cow<'static, str> {
        if let Self::ArtifactDisallowed {
            path, near, again, ..
        } = self
        {
            advice::disallowed(path, near, again.as_ref()).into()
        } else if let Self::ArtifactMissing {
            parameter: Some(parameter),
            ..
        } = self
        {
            advice::parameter_help(parameter).into()
        } else if let Self::SublayoutRefused {
            cause: Some(cause), ..
        } = self
        {
            cause.help()
        } else if let Some(help) = self.help_about_links() {
            help.into()
        } else {
            let short = self.short().map(|short| short.help().into());
            short.unwrap_or_else(|| Cow::Borrowed(self.fixed_help()))
        }
    }

    /// Whether it is that a step has too few links because there is no file of it at all.
    pub fn is_about_links_nowhere(&self) -> bool {
        let Self::ThresholdNotMet {
            needed,
            able,
            broken,
            looked_for,
            instead,
            ..
        } = self
        else {
            return false;
        };
        let able = able.is_none_or(|able| u64::try_from(able).is_ok_and(|able| able >= *needed));
        able && broken.is_empty() && instead.is_empty() && !looked_for.is_empty()
    }

    /// Takes note that what to do about such a step is told for all steps at once.
    pub fn tell_elsewhere(&mut self) {
        if self.is_about_links_nowhere()
            && let Self::ThresholdNotMet { told, .. } = self
        {
            *told = true;
        }
    }

    /// Whether what to do about it is told for all steps at once, so that one line about it is enough.
    pub fn is_told_elsewhere(&self) -> bool {
        matches!(self, Self::ThresholdNotMet { told: true, .. })
    }

    /// About links that are nowhere, nobody's or at odds, where more is known than that.
    fn help_about_links(&self) -> Option<String> {
        if let Self::LinkFolderMissing { similar, steps, .. } = self {
            (!similar.is_empty() || !steps.is_empty()).then(|| advice::no_links(similar, steps))
        } else if let Self::LinksMissing { steps, .. } = self {
            Some(advice::no_links(&[], steps))
        } else if let Self::LinksDisagree {
            first,
            other,
            vouched: Some(vouched),
            ..
        } = self
        {
            Some(vouched.help(first, other))
        } else if let Self::LinkSignatureMissing {
            keyid,
            found,
            again,
            ..
        } = self
            && found.is_empty()
        {
            let keyid = quoted(keyid.as_str());
            Some(format!(
                "the file is unsigned: have the holder of {keyid} perform the step again: {again}"
            ))
        } else {
            None
        }
    }

    /// What is known of a step with too few links.
    fn short(&self) -> Option<Short<'_>> {
        let Self::ThresholdNotMet {
            needed,
            found,
            able,
            broken,
            looked_for,
            instead,
            again,
            ..
        } = self
        else {
            return None;
        };
        let count = |count: usize| u64::try_from(count).unwrap_or(u64::MAX);
        Some(Short {
            missing: needed.saturating_sub(count(*found)),
            able: able.map(count),
            needed: *needed,
            broken,
            looked_for,
            instead,
            again,
        })
    }

    #[expect(clippy::too_many_lines, reason = "one short text for each variant")]
    fn fixed_help(&self) -> &'static str {
        match self {
            Self::ArtifactDisallowed { .. } | Self::ThresholdNotMet { .. } => "",
            Self::ArtifactMissing {
                taken_by: Some(_), ..
            } => "put REQUIRE before the rules that take the artifact",
            Self::ArtifactMissing { .. } => {
                "perform the step again so that it has the artifact, or correct the name in the layout; REQUIRE takes names, not patterns"
            }
            Self::ArtifactsUnchecked { .. } => {
                "the layout's owner ends the list with `DISALLOW *` behind rules for what may be there"
            }
            Self::CommandFailed { .. } => {
                "look into the link's by-products, and perform the step again so that its command succeeds"
            }
            Self::CertificateConstraintNotMet { .. } => {
                "have the step performed by someone whose certificate says this; only if it is theirs to perform, the layout's owner adds a constraint. There are no patterns: `*` alone takes anything"
            }
            Self::CertificateInvalid { why, .. } => chain_help(why),
            Self::CertificateMalformed { .. } => {
                "perform the step with a certificate that is PEM and of a key that is supported: `linkwright run --signing-key KEY --cert CERTIFICATE`"
            }
            Self::CertificateMissing { .. } => {
                "perform the step with a key that the step authorises, or with a certificate: `linkwright run --signing-key KEY --cert CERTIFICATE`"
            }
            Self::CertificateUnreadable { .. } => "give certificates as PEM (`BEGIN CERTIFICATE`)",
            Self::CommandDiffers { .. } => {
                "this refuses nothing; compare the two commands, and correct the layout or the way the step is run"
            }
            Self::InspectionDenied => {
                "read the layout's inspections; --inspections list shows their commands, and run is the default"
            }
            Self::InspectionExposed { .. } => {
                "this refuses nothing; --sandbox require does not run commands so"
            }
            Self::InspectionFailed { .. } => {
                "see whether all that was delivered is in the folder, under the names that the command uses; if the command is wrong, the layout's owner corrects `run`, and signs again. Run by hand it may succeed: here it had no network, no other environment than --inspection-env gives, and could read system folders and a copy of the folder only"
            }
            Self::InspectionListed { .. } => {
                "without --inspections list it is run, when everything before it has passed"
            }
            Self::InspectionRan { .. } => "",
            Self::InspectionUnprotected { .. } => {
                "verify on a system that has them (Linux 6.2 or newer with Landlock, namespaces and seccomp), or drop --sandbox require"
            }
            Self::InspectionTimeout { .. } => {
                "give it more time with --inspection-timeout, or find out what it waits for"
            }
            Self::KeyExpired { .. } => {
                "sign with a key that is valid; --now sets the clock for an audit of the past, and where the owner of the key has extended it, the layout or the key file needs the key as it is now"
            }
            Self::KeyListedTwice { .. } => {
                "the layout's owner lists the key under one id; a step that shall need two people needs two keys"
            }
            Self::KeyMalformed { .. } | Self::KeyUnsupported { .. } => {
                "the layout's owner replaces the key in the layout; `linkwright key show` prints a key in the form that layouts use"
            }
            Self::KeyUnused { .. } => {
                "the layout's owner takes the key out of `keys`, or adds its id to the `pubkeys` of a step"
            }
            Self::KeyUnknown { .. } => {
                "nothing is wrong with a link by this: the layout's owner adds the key to `keys` of the layout, and signs again; only if its holder shall not perform the step, takes its id out of the step's `pubkeys`"
            }
            Self::KeyUnreadable { absent: true, .. } => {
                "check the path that was given with --key or --gpg-key"
            }
            Self::KeyUnreadable { .. } => {
                "give a public key as PEM (`BEGIN PUBLIC KEY`) or as a key object of a layout; `openssl pkey -in KEY -pubout` makes one from a private key"
            }
            Self::LayoutEmpty => {
                "ask the layout's owner for one that has steps; this one may be a draft"
            }
            Self::LayoutExpired { below: true, .. } => {
                "ask the sublayout's owner, who is the functionary that signed it, for a newer one; --now sets the clock for an audit of the past"
            }
            Self::LayoutExpired { .. } => {
                "ask the layout's owner for a newer layout; --now sets the clock for an audit of the past"
            }
            Self::LayoutExpiresSoon { .. } => "ask the layout's owner for a newer layout in time",
            Self::LayoutExpiryMissing => {
                "the layout's owner adds `expires`, such as \"2030-12-31T23:59:59Z\", and signs again"
            }
            Self::InspectionBlind { .. } => {
                "links that point nowhere, named pipes, sockets and devices are no artifacts; see that none of them is released"
            }
            Self::InspectionUnrecorded { .. } => {
                "look at what the folder has and the command leaves: mend or remove what the message names; where it is only much, --inspection-timeout gives more time"
            }
            Self::LayoutDuplicateKey { .. } | Self::LayoutInvalid { .. } => {
                "the layout's owner corrects the layout and signs again"
            }
            Self::NotALayout { step: Some(_), .. } => {
                "give the signed layout with --layout, and put this file with the other links"
            }
            Self::LayoutPayloadType { .. } | Self::NotALayout { .. } => {
                "give the signed layout with --layout; `linkwright show FILE` tells what a file is"
            }
            Self::LayoutThresholdNotMet { .. } => {
                "have more of its owners sign the layout (`linkwright sign LAYOUT --append --signing-key KEY`); a key counts once, however often it is given or has signed"
            }
            Self::LayoutUnreadable { .. } => {
                "give a readable file with a signed layout in it; a text form (`.layout.toml`) must be signed first: `linkwright layout sign`"
            }
            Self::LinkFolderMissing { .. } | Self::LinksMissing { .. } => {
                "no link of a step was found there: give the folder that has the links with --link-dir"
            }
            Self::LinkAmbiguous { .. } => {
                "find out which of them is of this build, and give --link-dir only the place of that"
            }
            Self::LinkFoundElsewhere { .. } | Self::LinkPassedOver { .. } => "",
            Self::LinkMalformed { .. }
            | Self::LinkPayloadType { .. }
            | Self::LinkUnreadable { .. }
            | Self::MalformedJson { .. } => {
                "get the file again from where it was made, or perform the step again"
            }
            Self::LinkNameMismatch { .. } => {
                "a link stands only for the step it was made for: perform the step under its own name"
            }
            Self::LinkSignatureInvalid { .. } => {
                "the file was changed after it was signed, or signed by another key: get the original, or perform the step again"
            }
            Self::LinkSignatureMissing {
                other_id: Some(_), ..
            } => {
                "sign the link again under the id that the layout has, see --keyid-style, or the layout's owner lists the key under the other id"
            }
            Self::LinkSignatureMissing { .. } => {
                "perform the step with a key that the step authorises; `linkwright key id` tells a key's ids"
            }
            Self::LinksDisagree { differences, .. }
                if differences.iter().any(|one| one.side == Side::Materials) =>
            {
                "the two did not begin with the same files: find out which are right, and have the other perform the step again with them"
            }
            Self::LinksDisagree { .. } => {
                "find out which functionary's result is right, and have the step performed again by the other"
            }
            Self::NotReached { .. } => "mend what failed before it",
            Self::OpenPgpSignatureRefused { .. } => {
                "sign again with gpg as in-toto does, over SHA-256: `in-toto-run --gpg ID` or `in-toto-sign --gpg ID`"
            }
            Self::ParameterMissing { .. } => "give it with --param NAME=VALUE",
            Self::ParameterUnfilled { .. } => {
                "if it is a parameter of the layout, give it with --param NAME=VALUE; if the braces are meant, let this be"
            }
            Self::ProductDiffers { .. } => {
                "do not use the file; get it again from where the step's products are kept"
            }
            Self::ProductMissing {
                elsewhere: None, ..
            } => {
                "give the missing file too; names are compared as the step recorded them, which `linkwright show LINK` tells"
            }
            Self::ProductMissing { .. } => {
                "names are compared as the step recorded them: --product-base and --lstrip-paths fit the names at hand to those"
            }
            Self::ProductNotHashed { .. } => {
                "see that the manifest was made of the files that are released, by somebody you trust"
            }
            Self::ProductNotReleased { .. } => "nothing was released; mend what the message names",
            Self::ProductStepUnknown { .. } => "give the name of a step with --product-of",
            Self::ProductUndeclared { .. } => {
                "name the step whose products are released with --product-of"
            }
            Self::ProductUnexpected { .. } => {
                "take it away, for nobody vouches for it; --allow-extra lets it be there and releases the rest"
            }
            Self::ProductUnreadable { .. } => "mend or remove what the message names",
            Self::SignatureInvalid { .. } => {
                "the layout was changed after it was signed: get the original from its owner"
            }
            Self::SignatureMissing { good, .. } if good.is_empty() => {
                "get the layout from its owner, and check that the key file is the owner's: somebody else may have made this layout to deceive you"
            }
            Self::SignatureMissing { .. } => {
                "every key that is given must have signed: have the holder of this one read the layout and sign it too (`linkwright sign LAYOUT --append --signing-key KEY`); if the key was given by mistake, leave it out"
            }
            Self::SignaturesTooMany { .. } => {
                "nobody needs so many; take the wrong signatures out of the file, or get the original"
            }
            Self::SublayoutInspectionNotAllowed { .. } => {
                "read what it would run (`linkwright show FILE`); if that may be run on this machine, verify again with --allow-sublayout-inspections"
            }
            Self::SublayoutRefused { .. } => "see what was found about the sublayout's own items",
            Self::SublayoutTooDeep { .. } => {
                "a chain of sublayouts that deep is most likely a loop"
            }
            Self::WeakDigest { .. } | Self::WeakRecord { .. } => {
                "perform the steps again with a tool that records sha256; md5, sha1 and unknown algorithms prove nothing"
            }
        }
    }
}

/// What to do about a chain that does not hold.
fn chain_help(error: &ChainError) -> &'static str {
    match error {
        ChainError::Expired { .. } | ChainError::NotYetValid { .. } => {
            "perform the step again with a certificate that is valid when the link is verified; --now sets the clock for an audit of the past"
        }
        ChainError::UnknownIssuer { .. } | ChainError::OtherRoot { .. } => {
            "give certificates that are missing between this one and a root of the layout with --intermediate; a root itself is added by the layout's owner alone"
        }
        ChainError::NoRoots => "the layout's owner adds the root to `rootcas`, and signs again",
        ChainError::IsAuthority
        | ChainError::NotForSignatures
        | ChainError::OtherPurpose { .. }
        | ChainError::Other { .. } => {
            "have a certificate issued that is for signing (key usage `digitalSignature`; extended key usage code signing, or none), and perform the step again"
        }
    }
}
