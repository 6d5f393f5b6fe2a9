//! Functionaries whom the layout knows by certificates (ITE-7): links that count because the
//! certificate in their signature comes from one of the layout's roots and meets a constraint of the step.

use std::collections::BTreeSet;

use jiff::Timestamp;
use rayon::prelude::*;

use crate::keys::{Certificate, ChainError, Constraint, KeyId, Mismatch, PublicKey, Wanted};
use crate::model::{Envelope, Evidence, Link, LinkFile, PayloadKind, Signature, Step};
use crate::report::{Item, LinkUse, Place, Problem};

use super::baseline::Kept;
use super::glance::{holds_link, read_link};
use super::steps::{Gathered, link_problem};
use super::{Engine, Node};

/// How many signatures with certificates are tried in one file. A link has one; judging chains costs time.
const TRIED_CERTIFICATES: usize = 4;

/// How many certificates may come with a signature. Chains have two or three.
const LONGEST_CHAIN: usize = 16;

/// A sublayout brings its own owners, and its files are looked for by their keys.
const NO_SUBLAYOUT: &str =
    "a layout in the place of a link is taken only from a functionary whose key the layout lists";

/// What came of looking at one file for certificates.
struct Certified<'e> {
    file: &'e LinkFile,
    /// The id that its signature states.
    keyid: KeyId,
    /// Whether it holds a link, for this step or another, signed by whomever.
    is_link: bool,
    /// Its link and the key of its maker's certificate, if it counts.
    link: Option<(Link, PublicKey)>,
    problems: Vec<(Problem, Option<Place>)>,
}

impl Engine<'_> {
    /// Looks at the files of a step that count by no key.
    pub(super) fn by_certificates<'e>(
        &mut self,
        node: &Node,
        step: &Step,
        evidence: &'e Evidence,
        item: &mut Item,
        gathered: &mut Gathered<'e>,
    ) {
        if step.constraints.is_empty() {
            return;
        }
        let (intermediates, now) = (self.request.intermediates, self.request.now.into());
        let by_key: BTreeSet<&str> = gathered.links.iter().map(|(path, _)| *path).collect();
        let files = evidence.of(&step.name).iter();
        let files: Vec<&LinkFile> = files
            .filter(|file| !by_key.contains(file.path.as_str()))
            .collect();
        if files.is_empty() {
            let name = format!("{}.????????.link", step.name);
            gathered.looked_for.push(name);
        }
        let look = |file: &'e LinkFile| {
            let looking = Looking {
                node,
                step,
                file,
                intermediates,
                now,
            };
            looking.look()
        };
        let looks: Vec<Certified<'e>> = files.into_par_iter().map(look).collect();
        for look in looks {
            self.looked_at(item, &look);
            if let Some((link, key)) = look.link {
                gathered.signers.add(&key, &node.people);
                if self.kept.is_some() {
                    gathered.kept.push(Kept::new(look.file, key.into(), &link));
                }
                gathered.links.push((look.file.path.as_str(), link));
            }
            gathered.problems.extend(look.problems);
        }
    }

    /// Takes note of a file, perhaps once more: what counts in the end counts.
    fn looked_at(&mut self, item: &mut Item, look: &Certified<'_>) {
        let path = &look.file.path;
        if look.is_link {
            self.is_evidence(look.file, look.link.is_some());
        }
        let problem = look.problems.first();
        let link = LinkUse {
            path: path.clone(),
            keyid: look.keyid.clone(),
            why_not: problem.map(|(problem, _)| problem.to_string()),
        };
        match item.links.iter_mut().find(|before| before.path == *path) {
            Some(before) if look.link.is_some() => *before = link,
            Some(_) => {}
            None => item.links.push(link),
        }
    }
}

/// One file on its way to a functionary.
struct Looking<'a, 'e> {
    node: &'a Node,
    step: &'a Step,
    file: &'e LinkFile,
    intermediates: &'a [Certificate],
    now: Timestamp,
}

impl<'e> Looking<'_, 'e> {
    fn look(&self) -> Certified<'e> {
        let file = self.file;
        let mut found = Certified {
            file,
            keyid: KeyId::new(file.named.as_str()),
            is_link: holds_link(file),
            link: None,
            problems: Vec::new(),
        };
        let envelope = match &file.content {
            Ok(envelope) => envelope,
            Err(error) => {
                let problem = link_problem(&file.path, error);
                found.problems.push((problem, None));
                return found;
            }
        };
        let key = self.key(envelope, &mut found);
        let link = match envelope.kind() {
            PayloadKind::Layout => {
                let (link, why) = (file.path.clone(), NO_SUBLAYOUT.to_owned());
                Err(vec![Problem::LinkMalformed { link, why }])
            }
            PayloadKind::Link | PayloadKind::Other(_) => read_link(file, envelope, self.step),
        };
        match (link, key) {
            (Ok(link), Some(key)) => {
                // What is wrong with further signatures does not matter.
                found.problems.clear();
                found.link = Some((link, key));
            }
            (Ok(_), None) => {}
            (Err(problems), _) => {
                let problems = problems.into_iter().map(|problem| (problem, None));
                found.problems.extend(problems);
            }
        }
        found
    }

    /// The key of the first certificate that is authorised and whose signature is good.
    fn key(&self, envelope: &Envelope, found: &mut Certified<'_>) -> Option<PublicKey> {
        let signatures = envelope.signatures().iter();
        if let Some(keyid) = signatures.clone().find_map(|it| it.keyid.as_ref()) {
            found.keyid = keyid.clone();
        }
        let carrying = signatures.filter_map(|it| Some((it, it.certificate.as_deref()?)));
        let mut any = false;
        for (signature, text) in carrying.take(TRIED_CERTIFICATES) {
            any = true;
            match self.signer(envelope, signature, text) {
                Ok(key) => {
                    if let Some(keyid) = &signature.keyid {
                        found.keyid = keyid.clone();
                    }
                    return Some(key);
                }
                Err(problems) => found.problems.extend(problems),
            }
        }
        if !any {
            let problem = Problem::CertificateMissing {
                link: self.file.path.clone(),
                keyid: found.keyid.clone(),
            };
            found.problems.push((problem, None));
        }
        None
    }

    fn signer(
        &self,
        envelope: &Envelope,
        signature: &Signature,
        text: &str,
    ) -> Result<PublicKey, Vec<(Problem, Option<Place>)>> {
        let path = &self.file.path;
        let unusable = |why: String| {
            let link = path.clone();
            vec![(Problem::CertificateMalformed { link, why }, None)]
        };
        let all = Certificate::all_from_pem(text.as_bytes())
            .map_err(|error| unusable(error.to_string()))?;
        if all.len() > LONGEST_CHAIN {
            let count = all.len();
            let why = format!("it comes with {count} certificates, more than {LONGEST_CHAIN}");
            return Err(unusable(why));
        }
        let mut all = all.into_iter();
        let certificate = all.next().ok_or_else(|| unusable(String::new()))?;
        let key = certificate
            .key()
            .map_err(|error| unusable(error.to_string()))?;
        let bytes = signature.bytes.as_deref().unwrap_or_default();
        if key.verify(envelope.message(), bytes).is_err() {
            let problem = Problem::LinkSignatureInvalid {
                link: self.file.path.clone(),
                keyid: signature.keyid.clone().unwrap_or_else(|| KeyId::new("")),
            };
            return Err(vec![(problem, None)]);
        }
        let given = self.intermediates.iter().cloned();
        let intermediates: Vec<Certificate> = all.chain(given).collect();
        let chain = |wanted: &Wanted| {
            let authorities = &self.node.layout.authorities;
            authorities.check(&certificate, wanted, &intermediates, self.now)
        };
        chain(&Wanted::Anything).map_err(|why| {
            let problem = Problem::CertificateInvalid {
                link: path.clone(),
                certificate: certificate.subject().to_owned(),
                why,
            };
            vec![(problem, None)]
        })?;
        self.meets_a_constraint(&certificate, chain)?;
        Ok(key.clone())
    }

    fn meets_a_constraint(
        &self,
        certificate: &Certificate,
        chain: impl Fn(&Wanted) -> Result<(), ChainError>,
    ) -> Result<(), Vec<(Problem, Option<Place>)>> {
        let mut problems = Vec::new();
        for (at, constraint) in self.step.constraints.iter().enumerate() {
            let mismatches = mismatches(constraint, certificate, &chain);
            if mismatches.is_empty() {
                return Ok(());
            }
            let problem = Problem::CertificateConstraintNotMet {
                link: self.file.path.clone(),
                certificate: certificate.subject().to_owned(),
                mismatches,
            };
            let pointer = format!("{}/cert_constraints/{at}", self.step.pointer);
            problems.push((problem, self.node.place(&pointer)));
        }
        Err(problems)
    }
}

/// Everything about a certificate, and the root that it comes from, that is not as a constraint asks.
fn mismatches(
    constraint: &Constraint,
    certificate: &Certificate,
    chain: impl Fn(&Wanted) -> Result<(), ChainError>,
) -> Vec<Mismatch> {
    let mut mismatches = constraint.mismatches(certificate);
    if let (Err(error), Wanted::Exactly(expected)) = (chain(&constraint.roots), &constraint.roots) {
        let found = if let ChainError::OtherRoot { found } = error {
            found
        } else {
            error.to_string()
        };
        mismatches.push(Mismatch {
            attribute: "roots",
            expected: expected.clone(),
            found: vec![found],
        });
    }
    mismatches
}
