//! The little of ASN.1 that has to be looked at before a key is handed to the backend: which
//! algorithm it is for, and how long an RSA modulus is.

use pkcs8::der::asn1::{AnyRef, ObjectIdentifier, OctetStringRef, UintRef};
use pkcs8::der::{self, Decode, Header, Reader, SliceReader, Tag, Tagged};
use pkcs8::spki::AlgorithmIdentifierRef;

use super::scheme::Family;

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");

/// What is known by its identifier and supported.
const FAMILIES: [(ObjectIdentifier, Family); 5] = [
    (RSA, Family::Rsa),
    (ObjectIdentifier::new_unwrap("1.3.101.112"), Family::Ed25519),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"),
        Family::MlDsa44,
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"),
        Family::MlDsa65,
    ),
    (
        ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"),
        Family::MlDsa87,
    ),
];

const CURVES: [(ObjectIdentifier, Family); 3] = [
    (
        ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7"),
        Family::P256,
    ),
    (ObjectIdentifier::new_unwrap("1.3.132.0.34"), Family::P384),
    (ObjectIdentifier::new_unwrap("1.3.132.0.35"), Family::P521),
];

/// What is refused, and can be named better than by numbers.
const REFUSED: [(&str, &str); 17] = [
    ("1.2.840.113549.1.1.10", "RSA restricted to PSS"),
    ("1.2.840.10040.4.1", "DSA"),
    ("1.3.101.110", "X25519"),
    ("1.3.101.111", "X448"),
    ("1.3.101.113", "Ed448"),
    ("1.3.132.0.10", "secp256k1"),
    ("1.3.132.0.33", "P-224"),
    ("1.2.840.10045.3.1.1", "P-192"),
    ("1.3.36.3.3.2.8.1.1.7", "brainpoolP256r1"),
    ("1.3.36.3.3.2.8.1.1.11", "brainpoolP384r1"),
    ("1.3.36.3.3.2.8.1.1.13", "brainpoolP512r1"),
    ("1.2.840.113549.1.5.3", "PBES1 with MD5 and DES"),
    ("1.2.840.113549.1.5.10", "PBES1 with SHA-1 and DES"),
    ("1.2.840.113549.1.12.1.3", "PKCS#12 with triple DES"),
    ("1.2.840.113549.1.12.1.6", "PKCS#12 with RC2"),
    ("1.2.840.113549.3.7", "triple DES"),
    ("1.3.14.3.2.7", "DES"),
];

/// Why an algorithm is not one that is supported.
#[derive(Debug)]
pub(super) enum Unknown {
    Algorithm(String),
    Curve(String),
    /// The curve is spelled out in numbers; which one it is has to be found out.
    ExplicitCurve,
}

/// A name for what an identifier stands for.
pub(super) fn name_of(oid: ObjectIdentifier) -> String {
    let dotted = oid.to_string();
    REFUSED
        .iter()
        .find(|(known, _)| *known == dotted)
        .map_or(dotted, |(_, name)| (*name).to_owned())
}

/// Which keys an algorithm identifier is for.
pub(super) fn family_of(algorithm: &AlgorithmIdentifierRef<'_>) -> Result<Family, Unknown> {
    if algorithm.oid != EC {
        return FAMILIES
            .iter()
            .find(|(oid, _)| *oid == algorithm.oid)
            .map(|(_, family)| *family)
            .ok_or_else(|| Unknown::Algorithm(name_of(algorithm.oid)));
    }
    match algorithm.parameters_oid() {
        Ok(oid) => curve_of(oid),
        Err(_) => Err(Unknown::ExplicitCurve),
    }
}

fn curve_of(oid: ObjectIdentifier) -> Result<Family, Unknown> {
    CURVES
        .iter()
        .find(|(known, _)| *known == oid)
        .map(|(_, family)| *family)
        .ok_or_else(|| Unknown::Curve(name_of(oid)))
}

/// The modulus and the exponent of an `RSAPublicKey` (RFC 8017, A.1.1), without leading zeros.
pub(super) fn rsa_public(der: &[u8]) -> der::Result<(Vec<u8>, Vec<u8>)> {
    let mut reader = SliceReader::new(der)?;
    let mut fields = contents(&mut reader)?;
    let modulus = UintRef::decode(&mut fields)?.as_bytes().to_vec();
    let exponent = UintRef::decode(&mut fields)?.as_bytes().to_vec();
    Ok((modulus, exponent))
}

/// How many bits the modulus of an `RSAPrivateKey` (RFC 8017, A.1.2) has.
pub(super) fn rsa_private_bits(der: &[u8]) -> der::Result<usize> {
    let mut reader = SliceReader::new(der)?;
    let mut fields = contents(&mut reader)?;
    UintRef::decode(&mut fields)?;
    Ok(bits(UintRef::decode(&mut fields)?.as_bytes()))
}

/// How many bits a big-endian number has.
pub(super) fn bits(number: &[u8]) -> usize {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros).map_or(0, |first| {
        (number.len() - zeros) * 8 - first.leading_zeros() as usize
    })
}

/// The algorithm and the key of a `PrivateKeyInfo` or `OneAsymmetricKey` (RFC 5958).
pub(super) fn private_key_info(der: &[u8]) -> der::Result<(AlgorithmIdentifierRef<'_>, &[u8])> {
    let mut reader = SliceReader::new(der)?;
    let mut fields = contents(&mut reader)?;
    UintRef::decode(&mut fields)?;
    let algorithm = AlgorithmIdentifierRef::decode(&mut fields)?;
    let key = <&OctetStringRef>::decode(&mut fields)?;
    Ok((algorithm, key.as_bytes()))
}

/// By what an `EncryptedPrivateKeyInfo` (RFC 5958) is encrypted.
pub(super) fn encryption_scheme(der: &[u8]) -> der::Result<ObjectIdentifier> {
    let mut reader = SliceReader::new(der)?;
    let mut fields = contents(&mut reader)?;
    Ok(AlgorithmIdentifierRef::decode(&mut fields)?.oid)
}

/// The curve that an `ECPrivateKey` (RFC 5915) names; it need not name one.
pub(super) fn sec1_curve(der: &[u8]) -> der::Result<Option<Result<Family, Unknown>>> {
    let mut reader = SliceReader::new(der)?;
    let mut fields = contents(&mut reader)?;
    UintRef::decode(&mut fields)?;
    <&OctetStringRef>::decode(&mut fields)?;
    if fields.is_finished() {
        return Ok(None);
    }
    let tagged = AnyRef::decode(&mut fields)?;
    if tagged.tag() != PARAMETERS {
        return Ok(None);
    }
    let mut inside = SliceReader::new(tagged.value())?;
    Ok(Some(match ObjectIdentifier::decode(&mut inside) {
        Ok(oid) => curve_of(oid),
        Err(_) => Err(Unknown::ExplicitCurve),
    }))
}

const PARAMETERS: Tag = Tag::ContextSpecific {
    constructed: true,
    number: der::TagNumber(0),
};

/// What stands in a sequence, which must be all there is.
fn contents<'a>(reader: &mut SliceReader<'a>) -> der::Result<SliceReader<'a>> {
    let header = Header::decode(reader)?;
    header.tag().assert_eq(Tag::Sequence)?;
    let inside = reader.read_slice(header.length())?;
    if reader.is_finished() {
        SliceReader::new(inside)
    } else {
        Err(Tag::Sequence.length_error().into())
    }
}
