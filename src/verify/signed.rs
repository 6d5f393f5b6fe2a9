//! Who has signed what. Everything that counts signers is here, and [`Checked`] is what comes out:
//! only this file can make one, so a function that takes a `Checked` value knows that the
//! signatures on it were good.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::ops::Deref;

use crate::keys::{Authority, Fingerprint, KeyId, OpenPgpSignature, Refusal};
use crate::model::{Envelope, Inspection, Layout, Moment, Signature};
use crate::report::{Problem, Report};

/// Something from an envelope whose signatures were checked.
#[derive(Clone, Debug)]
pub struct Checked<T>(T);

impl<T> Deref for Checked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl Checked<Layout> {
    /// The inspections, once nothing that refuses was found in the whole tree of layouts: only
    /// then may a command run.
    pub(super) fn release_inspections(&self, report: &Report) -> Vec<Checked<Inspection>> {
        if report.has_errors() {
            return Vec::new();
        }
        self.0.inspections.iter().cloned().map(Checked).collect()
    }
}

/// How many signatures under one authority's ids are tried. One is enough; checking costs time, and
/// a file can be full of them.
pub(super) const TRIED_SIGNATURES: usize = 16;

/// What the signatures under one authority's ids say.
#[derive(Clone, Debug)]
pub(super) enum Signed {
    /// At least one of them is good.
    Good,
    /// There are some, and none is good. For one of OpenPGP that does not count for another reason
    /// than its numbers, the reason.
    Wrong(Option<Refusal>),
    /// There are more than [`TRIED_SIGNATURES`], and none of the first so many is good.
    TooMany,
    /// There is none.
    Missing,
}

/// Looks for a good signature under any of the authority's ids. Several signatures under one id
/// count once, and one good one is enough. `now` is for keys that expire.
pub(super) fn check(
    envelope: &Envelope,
    authority: &dyn Authority,
    ids: &[KeyId],
    now: Moment,
) -> Signed {
    let ours = |signature: &&Signature| {
        let keyid = signature.keyid.as_ref();
        keyid.is_some_and(|keyid| ids.contains(keyid))
    };
    let mut wrong = None;
    for (count, signature) in envelope.signatures().iter().filter(ours).enumerate() {
        if count == TRIED_SIGNATURES {
            return Signed::TooMany;
        }
        match check_one(envelope, authority, signature, now) {
            Ok(()) => return Signed::Good,
            Err(why) => {
                wrong.get_or_insert(why);
            }
        }
    }
    wrong.map_or(Signed::Missing, Signed::Wrong)
}

/// `Err` has the reason where there is more to say than that the signature is wrong.
fn check_one(
    envelope: &Envelope,
    authority: &dyn Authority,
    signature: &Signature,
    now: Moment,
) -> Result<(), Option<Refusal>> {
    let (Some(bytes), Some(keyid)) = (&signature.bytes, &signature.keyid) else {
        return Err(None);
    };
    match &signature.openpgp {
        None if authority.check(envelope.message(), bytes) => Ok(()),
        None => Err(None),
        Some(headers) => {
            let signature = OpenPgpSignature {
                keyid,
                headers,
                signature: bytes,
            };
            let checked = authority.check_openpgp(envelope.message(), signature, now.seconds());
            checked.map_err(|why| Some(why).filter(|why| !matches!(why, Refusal::Invalid)))
        }
    }
}

/// The ids of all signatures, for messages.
pub(super) fn ids_found(envelope: &Envelope) -> Vec<String> {
    let ids = envelope.signatures().iter().map(|signature| {
        let keyid = signature.keyid.as_ref();
        keyid.map_or("(none)", KeyId::as_str).to_owned()
    });
    ids.collect()
}

/// An owner of a layout: a key and the ids under which it may have signed.
#[derive(Clone, Debug)]
pub struct Owner<'a> {
    /// Checks the signature.
    pub authority: &'a dyn Authority,
    /// The ids to look for.
    pub ids: Vec<KeyId>,
}

/// How many people these owners are: the same key given twice, or under another id, is one.
pub fn distinct_owners(owners: &[Owner<'_>]) -> usize {
    let people = People::of_owners(owners);
    let mut signers = Signers::default();
    for owner in owners {
        signers.add(owner.authority, &people);
    }
    signers.count()
}

/// A layout that enough of its owners have signed.
#[derive(Debug)]
pub(super) struct Owned {
    pub(super) layout: Checked<Layout>,
    /// The owners whose signatures are good, each by the first of its ids.
    pub(super) signed_by: Vec<KeyId>,
    /// What is wrong with signatures of owners who were not needed.
    pub(super) unneeded: Vec<Problem>,
}

/// Checks that *every* owner has signed or, with a threshold, so many distinct ones of them, and reads
/// the layout with `read`. No owners: nothing is checked, so nothing is given out.
pub(super) fn check_layout(
    envelope: &Envelope,
    owners: &[Owner<'_>],
    threshold: Option<NonZeroUsize>,
    now: Moment,
    read: impl FnOnce(&Envelope) -> Result<Layout, Vec<Problem>>,
) -> Result<Owned, Vec<Problem>> {
    if owners.is_empty() {
        return Err(vec![Problem::KeyUnreadable {
            key: String::new(),
            why: "no key was given".to_owned(),
            absent: false,
        }]);
    }
    let people = People::of_owners(owners);
    let mut signers = Signers::default();
    let (mut good, mut missing, mut wrong) = (BTreeSet::new(), Vec::new(), Vec::new());
    for owner in owners {
        let keyid = owner.ids.first().cloned().unwrap_or_else(|| KeyId::new(""));
        match check(envelope, owner.authority, &owner.ids, now) {
            Signed::Good => {
                signers.add(owner.authority, &people);
                good.insert(keyid);
            }
            Signed::Wrong(Some(why)) => wrong.push(refusal(None, keyid, &why)),
            Signed::Wrong(None) => wrong.push(Problem::SignatureInvalid { keyid }),
            Signed::TooMany => wrong.push(Problem::SignaturesTooMany {
                document: "the layout".to_owned(),
                keyid,
                limit: TRIED_SIGNATURES,
            }),
            Signed::Missing => missing.push(keyid),
        }
    }
    let good: Vec<KeyId> = good.into_iter().collect();
    let enough = match threshold {
        None => missing.is_empty() && wrong.is_empty(),
        Some(needed) => signers.count() >= needed.get(),
    };
    if enough {
        return read(envelope).map(|layout| Owned {
            layout: Checked(layout),
            signed_by: good,
            unneeded: wrong,
        });
    }
    match threshold {
        None => wrong.extend(missing.into_iter().map(|keyid| Problem::SignatureMissing {
            keyid,
            good: good.clone(),
            found: ids_found(envelope),
        })),
        Some(needed) => wrong.push(Problem::LayoutThresholdNotMet {
            needed: needed.get(),
            found: signers.count(),
            good,
            missing,
        }),
    }
    Err(wrong)
}

/// What there is to say about a signature that does not count, but for its numbers. `link` is `None`
/// for the layout.
pub(super) fn refusal(link: Option<&str>, keyid: KeyId, why: &Refusal) -> Problem {
    let link = link.map(str::to_owned);
    match why {
        Refusal::Expired { at } => Problem::KeyExpired {
            link,
            keyid,
            expired: Moment::from_seconds(*at),
        },
        Refusal::Headers(_)
        | Refusal::OtherKey
        | Refusal::OtherKind
        | Refusal::NotForSigning
        | Refusal::Invalid => Problem::OpenPgpSignatureRefused {
            link,
            keyid,
            why: why.to_string(),
        },
    }
}

/// Who is the same person, of those whom a layout knows: the main key and the subkeys of an OpenPGP
/// key are, under whatever ids the layout lists them.
#[derive(Debug, Default)]
pub struct People {
    /// For each part of an OpenPGP key the one part that stands for the person.
    parts: BTreeMap<Fingerprint, Fingerprint>,
}

impl People {
    /// Those whose keys a layout has.
    pub fn of(layout: &Layout) -> Self {
        let mut people = Self::default();
        for functionary in layout.functionaries.values() {
            if let Ok(key) = &functionary.key {
                people.know(&key.fingerprints());
            }
        }
        people
    }

    fn of_owners(owners: &[Owner<'_>]) -> Self {
        let mut people = Self::default();
        for owner in owners {
            people.know(&owner.authority.fingerprints());
        }
        people
    }

    /// Takes note that all of these are one person, with everybody that any of them was before.
    fn know(&mut self, parts: &[Fingerprint]) {
        let before: BTreeSet<Fingerprint> = parts.iter().map(|part| self.person(*part)).collect();
        let Some(one) = before.first().copied() else {
            return;
        };
        for person in self.parts.values_mut() {
            if before.contains(person) {
                *person = one;
            }
        }
        self.parts.extend(parts.iter().map(|part| (*part, one)));
    }

    /// Who has a key made of this: the same for all parts of one person's keys.
    pub fn person(&self, part: Fingerprint) -> Fingerprint {
        self.parts.get(&part).copied().unwrap_or(part)
    }
}

/// Counts people: distinct key material, whatever the ids.
#[derive(Debug, Default)]
pub(super) struct Signers(BTreeSet<Fingerprint>);

impl Signers {
    pub(super) fn add(&mut self, authority: &dyn Authority, people: &People) {
        self.0.insert(people.person(authority.fingerprint()));
    }

    pub(super) fn count(&self) -> usize {
        self.0.len()
    }

    /// Whether they are as many as a step asks for.
    pub(super) fn reach(&self, threshold: u64) -> bool {
        u64::try_from(self.count()).is_ok_and(|count| count >= threshold)
    }
}
