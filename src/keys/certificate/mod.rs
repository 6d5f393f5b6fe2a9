//! X.509 certificates of functionaries (ITE-7), as in-toto-golang reads and writes them.
//!
//! A [`Certificate`] is parsed once and strictly (RFC 5280: version 3, DER, no extension twice),
//! by two readers that must both take it: `x509-cert` for what it says, `rustls-webpki` for what its
//! chain is judged by. [`Authorities`] are the roots and intermediates of a layout, and judge the chain of
//! a certificate; a [`Constraint`] says what a functionary's certificate must say.

mod chain;
mod constraint;
mod names;
#[cfg(test)]
mod tests;

use std::fmt;

use jiff::Timestamp;
use rustls_pki_types::CertificateDer;
use webpki::EndEntityCert;
use x509_cert::der::{self, Decode as _, Encode as _};
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::time::Time;

use super::pem::{self, PemError};
use super::{KeyError, PublicKey};

pub use chain::{Authorities, ChainError, Whose};
pub use constraint::{Constraint, Mismatch, Wanted};
pub use names::Names;

/// How many certificates a file or a list in a layout may have. A chain has a handful.
pub const MAX_CERTIFICATES: usize = 256;

/// Why something is not a certificate that can be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CertificateError {
    /// No PEM block that can be read.
    #[error("not a PEM file: {source}")]
    Pem {
        /// What is wrong with it.
        source: PemError,
    },
    /// A PEM block of something else.
    #[error("expected a PEM block `CERTIFICATE`, found `{label}`", label = label.escape_debug())]
    Label {
        /// What stands in its first line.
        label: String,
    },
    /// Several certificates where one belongs.
    #[error("expected one certificate, found {count}")]
    NotOne {
        /// How many there are.
        count: usize,
    },
    /// More than [`MAX_CERTIFICATES`].
    #[error("there are {count} certificates, more than the {MAX_CERTIFICATES} that may be")]
    TooMany {
        /// How many there are.
        count: usize,
    },
    /// Not the DER structure of a certificate.
    #[error("the certificate is not well formed: {source}")]
    Der {
        /// What is wrong, and where.
        source: der::Error,
    },
    /// A structure that is not in the profile (RFC 5280).
    #[error("the certificate cannot be used: {source}")]
    Profile {
        /// What is wrong.
        source: webpki::Error,
    },
    /// A name in a text encoding that cannot be read.
    #[error("the certificate has a name in an encoding that is not supported")]
    NameEncoding,
}

/// A certificate: who is said to have a key, and for what.
#[derive(Clone)]
pub struct Certificate {
    der: CertificateDer<'static>,
    key: Result<PublicKey, KeyError>,
    names: Names,
    subject: String,
    issuer: String,
    not_before: Timestamp,
    not_after: Timestamp,
    authority: bool,
    path_length: Option<u8>,
    usage: Option<KeyUsage>,
}

impl Certificate {
    /// Reads the one certificate of a PEM text.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn from_pem(bytes: &[u8]) -> Result<Self, CertificateError> {
        let mut all = Self::all_from_pem(bytes)?;
        match (all.pop(), all.len()) {
            (Some(certificate), 0) => Ok(certificate),
            (_, others) => Err(CertificateError::NotOne { count: others + 1 }),
        }
    }

    /// Reads all certificates of a PEM text, which may hold nothing else.
    ///
    /// # Errors
    /// See [`CertificateError`]; also when there is none.
    pub fn all_from_pem(bytes: &[u8]) -> Result<Vec<Self>, CertificateError> {
        let starts = pem::block_starts(bytes);
        if starts.is_empty() {
            let source = PemError::Missing;
            return Err(CertificateError::Pem { source });
        }
        if starts.len() > MAX_CERTIFICATES {
            let count = starts.len();
            return Err(CertificateError::TooMany { count });
        }
        let one = |start: &usize| {
            let block = pem::first_block(bytes.get(*start..).unwrap_or_default(), None)
                .map_err(|source| CertificateError::Pem { source })?;
            match block.label.as_str() {
                "CERTIFICATE" => Self::from_der(&block.der),
                _ => Err(CertificateError::Label { label: block.label }),
            }
        };
        starts.iter().map(one).collect()
    }

    /// Reads a DER certificate.
    ///
    /// # Errors
    /// See [`CertificateError`].
    pub fn from_der(bytes: &[u8]) -> Result<Self, CertificateError> {
        let der = CertificateDer::from(bytes.to_vec());
        EndEntityCert::try_from(&der).map_err(|source| CertificateError::Profile { source })?;
        let malformed = |source| CertificateError::Der { source };
        let parsed = x509_cert::Certificate::from_der(bytes).map_err(malformed)?;
        let body = parsed.tbs_certificate();
        let basic = body
            .get_extension::<BasicConstraints>()
            .map_err(malformed)?;
        let usage = body.get_extension::<KeyUsage>().map_err(malformed)?;
        let spki = body.subject_public_key_info().to_der().map_err(malformed)?;
        let validity = body.validity();
        Ok(Self {
            key: PublicKey::from_spki(&spki),
            names: Names::read(body)?,
            subject: body.subject().to_string(),
            issuer: body.issuer().to_string(),
            not_before: timestamp(validity.not_before),
            not_after: timestamp(validity.not_after),
            authority: basic.as_ref().is_some_and(|(_, basic)| basic.ca),
            path_length: basic.and_then(|(_, basic)| basic.path_len_constraint),
            usage: usage.map(|(_, usage)| usage),
            der,
        })
    }

    /// The key that it is about, under the scheme that in-toto-golang uses for it; or why the key cannot
    /// be used, which matters only when it has to check a signature.
    ///
    /// # Errors
    /// See [`KeyError`].
    pub fn key(&self) -> Result<&PublicKey, &KeyError> {
        self.key.as_ref()
    }

    /// What it says about its owner.
    pub fn names(&self) -> &Names {
        &self.names
    }

    /// Its subject (RFC 4514), for people; where that is empty, the first other name.
    pub fn subject(&self) -> &str {
        let names = [&self.names.uris, &self.names.dns_names, &self.names.emails];
        let first = || names.into_iter().flatten().next();
        match self.subject.as_str() {
            "" => first().map_or("", String::as_str),
            subject => subject,
        }
    }

    /// The first second in which it is valid.
    pub fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// The last second in which it is valid.
    pub fn not_after(&self) -> Timestamp {
        self.not_after
    }

    /// The certificate as a PEM block with a final newline.
    pub fn to_pem(&self) -> String {
        pem::encode("CERTIFICATE", &self.der).to_string()
    }

    /// Whether it may sign other certificates (RFC 5280, 4.2.1.3 and 4.2.1.9).
    fn may_issue(&self) -> bool {
        self.authority && self.usage.is_none_or(|usage| usage.key_cert_sign())
    }
}

/// Certificates say seconds since 1970; what is beyond the clock's range is the end of it.
fn timestamp(time: Time) -> Timestamp {
    i64::try_from(time.to_unix_duration().as_secs())
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::MAX)
}

/// Equal are certificates with the same bytes.
impl PartialEq for Certificate {
    fn eq(&self, other: &Self) -> bool {
        self.der == other.der
    }
}

impl Eq for Certificate {}

impl fmt::Debug for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Certificate")
            .field("subject", &self.subject)
            .field("issuer", &self.issuer)
            .field("names", &self.names)
            .finish_non_exhaustive()
    }
}
