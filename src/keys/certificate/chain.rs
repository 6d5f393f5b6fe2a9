//! From a certificate to a root: who says that it is a functionary's (RFC 5280, 6).
//!
//! `rustls-webpki` builds the path, within limits, and checks signatures, validity, name constraints, path
//! lengths and usages. It takes a root's certificate for nothing more than a name and a key; that a root is
//! valid now, is an authority, may issue certificates and how long its paths may be is checked here.

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, TrustAnchor, UnixTime};
use webpki::{
    EndEntityCert, ExtendedKeyUsageValidator, KeyPurposeIdIter, KeyUsage,
    RequiredEkuNotFoundContext, VerifiedPath,
};

use super::{Certificate, Wanted};
use crate::keys::KeyId;

/// The roots and intermediates that a layout lists.
#[derive(Clone, Debug, Default)]
pub struct Authorities {
    /// The roots under their ids. One that stands under two ids has both.
    pub roots: Vec<(KeyId, Certificate)>,
    /// What may stand between a certificate and a root. None of them is trusted by being here.
    pub intermediates: Vec<Certificate>,
}

/// Which certificate of a chain something is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// The functionary's own.
    Own,
    /// One between it and the root.
    Intermediate,
    /// The root.
    Root,
}

/// Why a certificate shows nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// A certificate of the chain has expired.
    #[error("{} expired at {at}, and it is {now}", whose.phrase())]
    Expired {
        /// Which.
        whose: Whose,
        /// The last second in which it was valid.
        at: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// A certificate of the chain is not valid yet.
    #[error("{} is not valid before {from}, and it is {now}", whose.phrase())]
    NotYetValid {
        /// Which.
        whose: Whose,
        /// The first second in which it will be valid.
        from: Timestamp,
        /// The clock.
        now: Timestamp,
    },
    /// No path leads to a root.
    #[error("it was issued by `{issuer}`, and no chain of known certificates leads from there to a root of the layout", issuer = issuer.escape_debug())]
    UnknownIssuer {
        /// Who issued it, in its own words.
        issuer: String,
    },
    /// The layout lists no roots.
    #[error("the layout lists no roots that it could come from")]
    NoRoots,
    /// The chain ends in a root that the constraint does not name.
    #[error("it comes from the root `{found}`, which the constraint does not name", found = found.escape_debug())]
    OtherRoot {
        /// The id of that root.
        found: String,
    },
    /// It is a certificate authority's.
    #[error("it is the certificate of a certificate authority, which is no functionary")]
    IsAuthority,
    /// Its key usage does not include `digitalSignature`.
    #[error("its key usage does not include digital signatures")]
    NotForSignatures,
    /// Its extended key usage, or one above it, is for something else.
    #[error("its extended key usage or one above it is for something else: expected code signing, server authentication or any, found {}", found.join(", "))]
    OtherPurpose {
        /// Object identifiers of what it is for.
        found: Vec<String>,
    },
    /// Everything else that RFC 5280 asks for.
    #[error("its chain does not hold: {source}")]
    Other {
        /// In which way.
        source: webpki::Error,
    },
}

impl Whose {
    fn phrase(self) -> &'static str {
        match self {
            Self::Own => "it",
            Self::Intermediate => "a certificate in its chain",
            Self::Root => "the root of its chain",
        }
    }
}

/// What a certificate may be for when it has an extended key usage: object identifiers as DER and as numbers.
const CODE_SIGNING: Purpose = Purpose(&[0x2b, 6, 1, 5, 5, 7, 3, 3], [1, 3, 6, 1, 5, 5, 7, 3, 3]);
const SERVER_AUTH: Purpose = Purpose(&[0x2b, 6, 1, 5, 5, 7, 3, 1], [1, 3, 6, 1, 5, 5, 7, 3, 1]);
const ANY_PURPOSE: [usize; 5] = [2, 5, 29, 37, 0];

#[derive(Clone, Copy)]
struct Purpose(&'static [u8], [usize; 9]);

impl ExtendedKeyUsageValidator for Purpose {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), webpki::Error> {
        let mut present = Vec::new();
        for purpose in purposes {
            present.push(purpose?.to_decoded_oid());
        }
        let fits = |found: &Vec<usize>| *found == self.1 || *found == ANY_PURPOSE;
        if present.is_empty() || present.iter().any(fits) {
            return Ok(());
        }
        let required = KeyUsage::required_if_present(self.0);
        let context = RequiredEkuNotFoundContext { required, present };
        Err(webpki::Error::RequiredEkuNotFoundContext(context))
    }
}

impl Authorities {
    /// Judges the chain of a functionary's certificate, which must end in a root whose id is among `wanted`. `more`
    /// intermediates may come from outside the layout.
    ///
    /// # Errors
    /// See [`ChainError`].
    pub fn check(
        &self,
        certificate: &Certificate,
        wanted: &Wanted,
        more: &[Certificate],
        now: Timestamp,
    ) -> Result<(), ChainError> {
        certificate.check_own(now)?;
        if self.roots.is_empty() {
            return Err(ChainError::NoRoots);
        }
        let intermediates: Vec<CertificateDer<'_>> = self
            .intermediates
            .iter()
            .chain(more)
            .filter(|intermediate| intermediate.may_issue())
            .map(|intermediate| borrowed(&intermediate.der))
            .collect();
        let path = |fits: &dyn Fn(&(KeyId, Certificate)) -> bool| {
            let roots: Vec<&(KeyId, Certificate)> = self
                .roots
                .iter()
                .filter(|root| root.1.may_issue() && fits(root))
                .collect();
            root_of(certificate, &roots, &intermediates, now)
        };
        let is_wanted = |id: &KeyId| wanted.takes_any_of([id.as_str()]);
        let valid =
            |(_, root): &(KeyId, Certificate)| check_validity(root, Whose::Root, now).is_ok();
        let Err(error) = path(&|root| valid(root) && is_wanted(&root.0)) else {
            return Ok(());
        };
        // It is refused. What follows only finds out what would have been missing.
        if let Ok((id, _)) = path(&valid) {
            let found = id.as_str().to_owned();
            return Err(ChainError::OtherRoot { found });
        }
        if let Ok((_, root)) = path(&|_| true) {
            check_validity(root, Whose::Root, now)?;
        }
        Err(explained(error, certificate, now))
    }
}

impl Certificate {
    /// What can be said of a functionary's certificate without its chain.
    ///
    /// # Errors
    /// It is not valid now, a certificate authority's, or not for signatures.
    pub fn check_own(&self, now: Timestamp) -> Result<(), ChainError> {
        check_validity(self, Whose::Own, now)?;
        if self.authority {
            return Err(ChainError::IsAuthority);
        }
        match self.usage {
            Some(usage) if !usage.digital_signature() => Err(ChainError::NotForSignatures),
            Some(_) | None => Ok(()),
        }
    }
}

fn check_validity(
    certificate: &Certificate,
    whose: Whose,
    now: Timestamp,
) -> Result<(), ChainError> {
    let (from, at) = (certificate.not_before, certificate.not_after);
    if now < from {
        return Err(ChainError::NotYetValid { whose, from, now });
    }
    if now > at {
        return Err(ChainError::Expired { whose, at, now });
    }
    Ok(())
}

fn borrowed<'a>(der: &'a CertificateDer<'static>) -> CertificateDer<'a> {
    CertificateDer::from(der.as_ref())
}

/// The root in which a chain of the certificate ends that is good for one of the purposes from end to end.
fn root_of<'a>(
    certificate: &Certificate,
    roots: &[&'a (KeyId, Certificate)],
    intermediates: &[CertificateDer<'_>],
    now: Timestamp,
) -> Result<&'a (KeyId, Certificate), webpki::Error> {
    let seconds =
        u64::try_from(now.as_second()).map_err(|_before_1970| webpki::Error::BadDerTime)?;
    let time = UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    let anchors = roots
        .iter()
        .map(|(_, root)| webpki::anchor_from_trusted_cert(&root.der))
        .collect::<Result<Vec<TrustAnchor<'_>>, _>>()?;
    let root_behind = |path: &VerifiedPath<'_>| {
        let mut pairs = anchors.iter().zip(roots);
        pairs
            .find(|(anchor, _)| std::ptr::eq(*anchor, path.anchor()))
            .map(|(_, root)| *root)
            .ok_or(webpki::Error::UnknownIssuer)
    };
    let short_enough = |path: &VerifiedPath<'_>| {
        let (_, root) = root_behind(path)?;
        let length = path.intermediate_certificates().count();
        match root.path_length {
            Some(limit) if length > usize::from(limit) => {
                Err(webpki::Error::PathLenConstraintViolated)
            }
            Some(_) | None => Ok(()),
        }
    };
    let leaf = EndEntityCert::try_from(&certificate.der)?;
    let for_purpose = |purpose: Purpose| {
        let path = leaf.verify_for_usage(
            webpki::ALL_VERIFICATION_ALGS,
            &anchors,
            intermediates,
            time,
            purpose,
            None,
            Some(&short_enough),
        )?;
        root_behind(&path)
    };
    for_purpose(CODE_SIGNING).or_else(|first| {
        for_purpose(SERVER_AUTH).map_err(|second| {
            let purpose = matches!(second, webpki::Error::RequiredEkuNotFoundContext(_));
            if purpose { first } else { second }
        })
    })
}

fn explained(error: webpki::Error, certificate: &Certificate, now: Timestamp) -> ChainError {
    let whose = Whose::Intermediate;
    let moment = |time: UnixTime| {
        let seconds = i64::try_from(time.as_secs()).unwrap_or(i64::MAX);
        Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
    };
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the list of the other crate grows; what is not named here is passed on"
    )]
    match error {
        webpki::Error::CertExpired { not_after, .. } => ChainError::Expired {
            whose,
            at: moment(not_after),
            now,
        },
        webpki::Error::CertNotValidYet { not_before, .. } => ChainError::NotYetValid {
            whose,
            from: moment(not_before),
            now,
        },
        webpki::Error::UnknownIssuer => ChainError::UnknownIssuer {
            issuer: certificate.issuer.clone(),
        },
        webpki::Error::RequiredEkuNotFoundContext(context) => ChainError::OtherPurpose {
            found: context.present.iter().map(|oid| dotted(oid)).collect(),
        },
        source => ChainError::Other { source },
    }
}

fn dotted(oid: &[usize]) -> String {
    let numbers: Vec<String> = oid.iter().map(ToString::to_string).collect();
    numbers.join(".")
}
