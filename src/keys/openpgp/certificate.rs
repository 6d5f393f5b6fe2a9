//! A key as `gpg --export --armor` writes it (RFC 9580, 10.1): the main key, what it says about
//! itself, and its subkeys.
//!
//! Whoever gives the file vouches for the main key; what the main key signed tells the rest, so each
//! such signature is checked, and one that is wrong refuses the whole key. Signatures of others are
//! not looked at. A subkey counts when the main key bound it, it may sign, and it has signed in turn
//! that it belongs there: else somebody's key could be adopted, and what that person signed with it.
//!
//! A revocation refuses the key whoever made it: the key of a designated revoker is not in the file.
//! SHA-1 is good enough for what a key says about itself, as in `GnuPG`: keys from before 2020 have
//! nothing else, and finding two texts under one such signature takes the owner's help.

use aws_lc_rs::digest::{Context, Digest, SHA1_FOR_LEGACY_USE_ONLY, digest};

use super::headers::{Headers, Said};
use super::material::Material;
use super::packets::{self, Packet};
use super::reader::Reader;
use super::{LeftOut, OpenPgpError, OpenPgpKey, Part};
use crate::keys::{KeyId, hex};

/// How long a key may be, in bytes. One with photographs and a thousand certifications is shorter.
pub(super) const MAX_BYTES: usize = 1 << 21;

/// Signature types (RFC 9580, 5.2.1).
const CERTIFICATIONS: std::ops::RangeInclusive<u8> = 0x10..=0x13;
const SUBKEY_BINDING: u8 = 0x18;
const MAIN_KEY_BINDING: u8 = 0x19;
const DIRECT_KEY: u8 = 0x1F;
const KEY_REVOCATION: u8 = 0x20;
const SUBKEY_REVOCATION: u8 = 0x28;
const CERTIFICATION_REVOCATION: u8 = 0x30;

/// Which certifications of others the owner has seen; says nothing about the key.
const ATTESTATION: u8 = 0x16;

/// The flag of a key that may sign data (RFC 9580, 5.2.3.29).
const MAY_SIGN: u8 = 0x02;

/// A part of a key with the signatures that stand behind it.
struct Component<'a> {
    packet: Packet<'a>,
    signatures: Vec<&'a [u8]>,
}

/// The packet of a main key or subkey.
struct KeyPacket<'a> {
    body: &'a [u8],
    created: u64,
    material: Result<Material, OpenPgpError>,
    fingerprint: Vec<u8>,
}

/// Something that a signature of the main key said, and when.
type Newest<'a> = Option<(u32, Said<'a>)>;

/// What a key says about itself in several places, of which the strictest counts.
#[derive(Clone, Copy, Debug)]
struct Terms {
    may_sign: bool,
    expires: Option<u64>,
}

pub(super) fn read(bytes: &[u8]) -> Result<OpenPgpKey, OpenPgpError> {
    let packets = packets::packets(bytes)?;
    let components = components(&packets)?;
    let (first, rest) = components.split_first().ok_or(OpenPgpError::NoBlock)?;
    let main = KeyPacket::read(first.packet.body)?;
    let material = main.material.clone()?;
    let key = Main {
        packet: &main,
        material: &material,
    };
    let terms = key.about_itself(first, rest)?;
    let mut whole = OpenPgpKey {
        main: main.part(&material, terms),
        subkeys: Vec::new(),
        left_out: Vec::new(),
    };
    for component in rest {
        if component.packet.tag == packets::PUBLIC_SUBKEY {
            key.subkey(component, &mut whole)?;
        }
    }
    Ok(whole)
}

/// Puts every signature to what it stands behind.
fn components<'a>(packets: &[Packet<'a>]) -> Result<Vec<Component<'a>>, OpenPgpError> {
    let mut components: Vec<Component<'a>> = Vec::new();
    for packet in packets {
        match (packet.tag, components.last_mut()) {
            (packets::SECRET_KEY | packets::SECRET_SUBKEY, _) => return Err(OpenPgpError::Private),
            (packets::TRUST | packets::PADDING, _) => {}
            (packets::MARKER, _) if packet.body == b"PGP" => {}
            (packets::SIGNATURE, Some(component)) => component.signatures.push(packet.body),
            (packets::PUBLIC_KEY, Some(_)) => return Err(OpenPgpError::SeveralKeys),
            (packets::PUBLIC_KEY, None)
            | (packets::USER_ID | packets::USER_ATTRIBUTE | packets::PUBLIC_SUBKEY, Some(_)) => {
                components.push(Component {
                    packet: *packet,
                    signatures: Vec::new(),
                });
            }
            (packets::FIRST_UNCRITICAL.., _) => {}
            (tag, _) => return Err(OpenPgpError::PacketOrder { tag }),
        }
    }
    Ok(components)
}

impl<'a> KeyPacket<'a> {
    fn read(body: &'a [u8]) -> Result<Self, OpenPgpError> {
        let mut reader = Reader::new(body);
        let version = reader.byte()?;
        if version != 4 {
            return Err(OpenPgpError::KeyVersion { version });
        }
        let created = u64::from(reader.four()?);
        let algorithm = reader.byte()?;
        let material = Material::read(algorithm, &mut reader);
        if material.is_ok() {
            reader.end()?;
        }
        let mut fingerprinted = key_header(body)?.to_vec();
        fingerprinted.extend(body);
        Ok(Self {
            body,
            created,
            material,
            fingerprint: digest(&SHA1_FOR_LEGACY_USE_ONLY, &fingerprinted)
                .as_ref()
                .to_vec(),
        })
    }

    fn keyid(&self) -> KeyId {
        KeyId::new(hex::encode(&self.fingerprint))
    }

    fn part(&self, material: &Material, terms: Terms) -> Part {
        Part {
            keyid: self.keyid(),
            material: material.clone(),
            created: Some(self.created),
            expires: terms.expires,
            may_sign: terms.may_sign,
        }
    }

    /// What a signature says about this key. One that has expired itself no longer says that this
    /// is a key.
    fn terms(&self, said: &Said<'_>) -> Terms {
        // No seconds at all mean for ever (RFC 9580, 5.2.3.13).
        let valid = said.key_expires_after.filter(|seconds| *seconds != 0);
        let ends = valid.map(|seconds| self.created + u64::from(seconds));
        Terms {
            // A key that does not say what it is for may do what it can.
            may_sign: said.key_flags.is_none_or(|flags| flags & MAY_SIGN != 0),
            expires: sooner(ends, said.expires()),
        }
    }
}

impl Terms {
    fn and(self, other: Self) -> Self {
        Self {
            may_sign: self.may_sign && other.may_sign,
            expires: sooner(self.expires, other.expires),
        }
    }
}

/// The sooner end of two, where there is one.
fn sooner(one: Option<u64>, other: Option<u64>) -> Option<u64> {
    one.into_iter().chain(other).min()
}

/// What stands before a key where it is hashed (RFC 9580, 5.2.4).
fn key_header(body: &[u8]) -> Result<[u8; 3], OpenPgpError> {
    let length = u16::try_from(body.len()).map_err(|_too_large| OpenPgpError::Short)?;
    let [high, low] = length.to_be_bytes();
    Ok([0x99, high, low])
}

/// What stands before a user id or attribute where it is hashed.
fn user_header(packet: Packet<'_>) -> Result<[u8; 5], OpenPgpError> {
    let kind = if packet.tag == packets::USER_ID {
        0xB4
    } else {
        0xD1
    };
    let length = u32::try_from(packet.body.len()).map_err(|_too_large| OpenPgpError::Short)?;
    let [a, b, c, d] = length.to_be_bytes();
    Ok([kind, a, b, c, d])
}

/// A signature packet whose headers were read.
struct Signature<'a> {
    headers: Headers<'a>,
    said: Said<'a>,
    /// The first two bytes of the digest, and the numbers.
    rest: Reader<'a>,
}

impl<'a> Signature<'a> {
    fn read(body: &'a [u8]) -> Result<Self, OpenPgpError> {
        let mut reader = Reader::new(body);
        let headers = Headers::read(&mut reader)?;
        let length = reader.two()?;
        let uncovered = Said::read(reader.bytes(length)?)?;
        let said = headers.said.or_uncovered(&uncovered);
        Ok(Self {
            headers,
            said,
            rest: reader,
        })
    }

    /// Whether the signature is one of a key over these parts.
    fn is_by(&self, key: &Material, parts: &[&[u8]]) -> bool {
        let mut rest = self.rest;
        let (Ok(start), Ok(digest)) = (rest.bytes(2), self.digest(parts)) else {
            return false;
        };
        let made = key.signature(&mut rest);
        key.is_of(self.headers.algorithm)
            && digest.as_ref().starts_with(start)
            && made.is_ok_and(|made| key.has_made(&made, self.headers.hash, &digest))
    }

    fn digest(&self, parts: &[&[u8]]) -> Result<Digest, OpenPgpError> {
        let mut context = Context::new(self.headers.hash.algorithm());
        for part in parts {
            context.update(part);
        }
        context.update(self.headers.bytes);
        context.update(&self.headers.trailer()?);
        Ok(context.finish())
    }
}

/// The main key, which signs all the rest.
struct Main<'a> {
    packet: &'a KeyPacket<'a>,
    material: &'a Material,
}

impl Main<'_> {
    /// What the newest signatures of the key about itself say: that on the key alone, and that on
    /// its user ids.
    fn about_itself(
        &self,
        first: &Component<'_>,
        rest: &[Component<'_>],
    ) -> Result<Terms, OpenPgpError> {
        let header = key_header(self.packet.body)?;
        let key = [&header, self.packet.body];
        self.only_kinds(first, |kind| matches!(kind, DIRECT_KEY | KEY_REVOCATION))?;
        if self.any(first, |kind| kind == KEY_REVOCATION) {
            return Err(OpenPgpError::Revoked);
        }
        let direct = self.newest(first, &key, |kind| kind == DIRECT_KEY)?;
        let mut newest = None;
        for user in rest {
            if user.packet.tag == packets::PUBLIC_SUBKEY {
                continue;
            }
            self.only_kinds(user, |kind| {
                CERTIFICATIONS.contains(&kind)
                    || matches!(kind, ATTESTATION | CERTIFICATION_REVOCATION)
            })?;
            let header = user_header(user.packet)?;
            let parts = [key.as_slice(), &[header.as_slice(), user.packet.body]].concat();
            let certified = self.newest(user, &parts, |kind| CERTIFICATIONS.contains(&kind))?;
            let revoked = self.newest(user, &parts, |kind| kind == CERTIFICATION_REVOCATION)?;
            if revoked.is_none() {
                newest = later(newest, certified);
            }
        }
        let said = direct.into_iter().chain(newest);
        let terms = said.map(|(_, said)| self.packet.terms(&said));
        terms
            .reduce(Terms::and)
            .ok_or(OpenPgpError::NoSelfSignature)
    }

    /// The main key's signatures that stand here must be of a kind that belongs here: one that was
    /// turned into something else could have been a revocation.
    fn only_kinds(
        &self,
        component: &Component<'_>,
        belongs: impl Fn(u8) -> bool,
    ) -> Result<(), OpenPgpError> {
        let misplaced = |body: &&[u8]| {
            let claims = match Signature::read(body) {
                Ok(signature) => signature.said.claims(&self.packet.fingerprint),
                Err(_) => mentions(body, &self.packet.fingerprint),
            };
            claims && !body.get(1).is_some_and(|kind| belongs(*kind))
        };
        match component.signatures.iter().any(misplaced) {
            true => Err(OpenPgpError::SelfSignature),
            false => Ok(()),
        }
    }

    /// Whether a signature stands there that may be of such a kind, whoever made it.
    fn any(&self, component: &Component<'_>, is_kind: impl Fn(u8) -> bool) -> bool {
        let kind = |body: &&[u8]| match body {
            // Version 3 has a length before the type.
            [3, _, kind, ..] | [_, kind, ..] => Some(*kind),
            _ => None,
        };
        let mut kinds = component.signatures.iter().filter_map(kind);
        kinds.any(is_kind)
    }

    /// What the newest of the main key's signatures of a kind says. Those that claim to be by it
    /// must be.
    fn newest<'c>(
        &self,
        component: &Component<'c>,
        parts: &[&[u8]],
        is_kind: impl Fn(u8) -> bool,
    ) -> Result<Newest<'c>, OpenPgpError> {
        let mut newest = None;
        for body in &component.signatures {
            if !self.any_of(body, &is_kind) {
                continue;
            }
            // Of others there may be anything.
            let Ok(signature) = Signature::read(body) else {
                if mentions(body, &self.packet.fingerprint) {
                    return Err(OpenPgpError::SelfSignature);
                }
                continue;
            };
            if !signature.said.claims(&self.packet.fingerprint) {
                continue;
            }
            match signature.headers.said.created {
                Some(made) if signature.is_by(self.material, parts) => {
                    newest = later(newest, Some((made, signature.said)));
                }
                _ => return Err(OpenPgpError::SelfSignature),
            }
        }
        Ok(newest)
    }

    fn any_of(&self, body: &[u8], is_kind: &impl Fn(u8) -> bool) -> bool {
        body.get(1).is_some_and(|kind| is_kind(*kind))
    }

    /// Adds a subkey, or the reason why it does not count.
    fn subkey(
        &self,
        component: &Component<'_>,
        whole: &mut OpenPgpKey,
    ) -> Result<(), OpenPgpError> {
        let packet = KeyPacket::read(component.packet.body)?;
        self.only_kinds(component, |kind| {
            matches!(kind, SUBKEY_BINDING | SUBKEY_REVOCATION)
        })?;
        let mut leave_out = |why: &'static str| {
            let keyid = packet.keyid();
            whole.left_out.push(LeftOut { keyid, why });
            Ok(())
        };
        if self.any(component, |kind| kind == SUBKEY_REVOCATION) {
            return leave_out("it was revoked");
        }
        let main_header = key_header(self.packet.body)?;
        let header = key_header(packet.body)?;
        let parts = [&main_header, self.packet.body, &header, packet.body];
        let bound = self.newest(component, &parts, |kind| kind == SUBKEY_BINDING)?;
        let Some((_, said)) = bound else {
            return leave_out("the main key has not signed that it is one of its subkeys");
        };
        let mut terms = packet.terms(&said);
        if !terms.may_sign {
            return leave_out("it is not for signing");
        }
        let Ok(material) = &packet.material else {
            return leave_out("it is of a kind that is not supported");
        };
        let vouched = said.embedded.is_some_and(|embedded| {
            Signature::read(embedded).is_ok_and(|signature| {
                signature.headers.kind == MAIN_KEY_BINDING && signature.is_by(material, &parts)
            })
        });
        if !vouched {
            return leave_out("it has not signed that it belongs to the main key");
        }
        // A subkey falls with its main key.
        terms.expires = sooner(terms.expires, whole.main.expires);
        whole.subkeys.push(packet.part(material, terms));
        Ok(())
    }
}

/// Whether something that cannot be read as a signature names the key.
fn mentions(body: &[u8], fingerprint: &[u8]) -> bool {
    let end = fingerprint.last_chunk::<8>().map(<[u8; 8]>::as_slice);
    end.is_some_and(|end| body.windows(end.len()).any(|window| window == end))
}

/// The later of two; where both are of the same second, the one under which the key ends sooner.
fn later<'a>(one: Newest<'a>, other: Newest<'a>) -> Newest<'a> {
    let rank = |(made, said): &(u32, Said<'a>)| {
        let ends = said.key_expires_after.filter(|seconds| *seconds != 0);
        (*made, std::cmp::Reverse(ends.unwrap_or(u32::MAX)))
    };
    match (one, other) {
        (Some(one), Some(other)) => Some(if rank(&other) > rank(&one) {
            other
        } else {
            one
        }),
        (one, other) => one.or(other),
    }
}
