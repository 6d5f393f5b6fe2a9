//! What a certificate says about its owner: the five attributes that constraints are about.

use x509_cert::TbsCertificate;
use x509_cert::attr::AttributeValue;
use x509_cert::der::asn1::{
    BmpString, Ia5StringRef, ObjectIdentifier, PrintableStringRef, TeletexStringRef, Utf8StringRef,
};
use x509_cert::der::{Tag, Tagged as _};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

use super::CertificateError;

const COMMON_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.3");
const ORGANIZATION: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.4.10");

/// The names in a certificate, in its order and as they stand there. Addresses, directory names and other
/// kinds of alternative names are nothing that a constraint could ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// `commonName` of the subject; more than one in unusual certificates.
    pub common_names: Vec<String>,
    /// `organizationName` of the subject.
    pub organizations: Vec<String>,
    /// `dNSName` among the alternative names.
    pub dns_names: Vec<String>,
    /// `rfc822Name` among the alternative names.
    pub emails: Vec<String>,
    /// `uniformResourceIdentifier` among the alternative names, where SPIFFE has its identities.
    pub uris: Vec<String>,
}

impl Names {
    pub(super) fn read(body: &TbsCertificate) -> Result<Self, CertificateError> {
        let mut names = Self::default();
        for attribute in body.subject().iter() {
            let list = match attribute.oid {
                COMMON_NAME => &mut names.common_names,
                ORGANIZATION => &mut names.organizations,
                _ => continue,
            };
            list.push(text(&attribute.value).ok_or(CertificateError::NameEncoding)?);
        }
        let alternatives = body
            .get_extension::<SubjectAltName>()
            .map_err(|source| CertificateError::Der { source })?;
        let Some((_, SubjectAltName(alternatives))) = alternatives else {
            return Ok(names);
        };
        for alternative in alternatives {
            match alternative {
                GeneralName::DnsName(name) => names.dns_names.push(name.to_string()),
                GeneralName::Rfc822Name(name) => names.emails.push(name.to_string()),
                GeneralName::UniformResourceIdentifier(name) => names.uris.push(name.to_string()),
                GeneralName::OtherName(_)
                | GeneralName::DirectoryName(_)
                | GeneralName::EdiPartyName(_)
                | GeneralName::IpAddress(_)
                | GeneralName::RegisteredId(_) => {}
            }
        }
        Ok(names)
    }
}

/// A text of one of the kinds that names have (RFC 5280, 4.1.2.4).
fn text(value: &AttributeValue) -> Option<String> {
    let owned = |text: &str| text.to_owned();
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "ASN.1 has dozens of types that are no texts of names"
    )]
    match value.tag() {
        Tag::Utf8String => value
            .decode_as::<Utf8StringRef<'_>>()
            .ok()
            .map(|t| owned(t.as_str())),
        Tag::PrintableString => value
            .decode_as::<PrintableStringRef<'_>>()
            .ok()
            .map(|t| owned(t.as_str())),
        Tag::Ia5String => value
            .decode_as::<Ia5StringRef<'_>>()
            .ok()
            .map(|t| owned(t.as_str())),
        Tag::TeletexString => value
            .decode_as::<TeletexStringRef<'_>>()
            .ok()
            .map(|t| owned(t.as_str())),
        Tag::BmpString => value.decode_as::<BmpString>().ok().map(|t| t.to_string()),
        _ => None,
    }
}
