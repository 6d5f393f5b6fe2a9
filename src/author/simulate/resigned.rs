//! A copy of a layout in which every functionary and the owner has a new key, so that tampered
//! evidence can really be signed: for the whole procedure of `verify`, and for other programs on the disk.
//!
//! Steps, thresholds and rules stay as they are. Inspections are left out, for they are not run;
//! functionaries who are known by certificates become functionaries with keys of the steps that they
//! performed; the links of sublayouts are the links that these amount to.

use crate::encoding::{Object, Value};
use crate::keys::{
    AnyKey, FileKey, KeyError, KeyId, KeyIdStyle, KeyKind, PrivateKeyError, PublicKey, SignError,
    Signer as _, generate,
};
use crate::model::{Envelope, EnvelopeError, Evidence, Form, FoundBy, ItemName, Link, LinkFile};
use crate::verify::Baseline;

/// Why evidence could not be signed anew.
#[derive(Debug, thiserror::Error)]
pub enum ResignError {
    /// No key could be made.
    #[error("cannot make a key: {0}")]
    Key(#[from] PrivateKeyError),
    /// A key could not sign.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The public half is not what it should be.
    #[error(transparent)]
    Public(#[from] KeyError),
    /// What was made cannot be read again.
    #[error("cannot read what was signed: {0}")]
    Envelope(#[from] EnvelopeError),
    /// A part of it is not there. To go on would be to count what was never tried.
    #[error("a tampering is lost: {0}")]
    Lost(&'static str),
    /// A payload has no canonical form.
    #[error("{0}")]
    Canonical(#[from] crate::encoding::CanonicalError),
}

/// Somebody with a new key.
#[derive(Debug)]
pub(super) struct Signatory {
    key: FileKey,
    pub(super) id: KeyId,
}

/// The copy of a layout, and everyone's new keys.
#[derive(Debug)]
pub struct Resigned {
    layout: Envelope,
    owner: Signatory,
    people: Vec<Signatory>,
    stranger: Signatory,
    steps: Vec<ItemName>,
    form: Form,
}

/// A link file of the copy.
#[derive(Clone, Debug)]
pub(super) struct Signed {
    pub(super) step: usize,
    /// For whom it is named.
    pub(super) named: usize,
    /// `None` for a file that is cut off.
    pub(super) envelope: Option<Envelope>,
}

impl Signatory {
    fn new() -> Result<Self, ResignError> {
        let made = generate(KeyKind::Ed25519)?;
        let key = FileKey::from_pem(made.pkcs8_pem.as_bytes(), None)?;
        let id = key.public().id(KeyIdStyle::Current);
        Ok(Self { key, id })
    }
}

impl Resigned {
    /// Makes the copy of a layout from its payload, parameters filled in.
    ///
    /// # Errors
    /// See [`ResignError`].
    pub fn new(payload: &Value, form: Form, baseline: &Baseline) -> Result<Self, ResignError> {
        let people = baseline.people().iter().map(|_| Signatory::new());
        let people: Vec<Signatory> = people.collect::<Result<_, _>>()?;
        let owner = Signatory::new()?;
        let mut layout = Envelope::unsigned(rekeyed(payload, baseline, &people), form)?;
        let signature = owner.key.sign(layout.message())?;
        layout.add_signature(&owner.id, &signature);
        let steps = baseline.layout().steps.iter();
        Ok(Self {
            layout,
            owner,
            people,
            stranger: Signatory::new()?,
            steps: steps.map(|step| step.name.clone()).collect(),
            form,
        })
    }

    /// The layout, signed.
    pub fn layout(&self) -> &Envelope {
        &self.layout
    }

    /// The owner's key.
    pub fn owner(&self) -> AnyKey {
        AnyKey::from(self.owner.key.public().clone())
    }

    /// The owner's public key, as a PEM block.
    pub fn owner_public(&self) -> &PublicKey {
        self.owner.key.public()
    }

    /// Signs a link for somebody.
    pub(super) fn signed(&self, link: &Link, by: usize) -> Result<Envelope, ResignError> {
        let mut envelope = Envelope::unsigned(link.to_value(), self.form)?;
        add(&mut envelope, self.person(by)?)?;
        reread(&envelope)
    }

    /// The same without a signature.
    pub(super) fn unsigned(&self, link: &Link) -> Result<Envelope, ResignError> {
        reread(&Envelope::unsigned(link.to_value(), self.form)?)
    }

    /// The same signed by somebody whom the layout does not know.
    pub(super) fn by_stranger(&self, link: &Link) -> Result<Envelope, ResignError> {
        let mut envelope = Envelope::unsigned(link.to_value(), self.form)?;
        add(&mut envelope, &self.stranger)?;
        reread(&envelope)
    }

    /// A link under the signature of another one.
    pub(super) fn altered(&self, link: &Link, was: &Envelope) -> Result<Envelope, ResignError> {
        let mut envelope = Envelope::unsigned(link.to_value(), self.form)?;
        for known in was.signatures() {
            if let (Some(keyid), Some(bytes)) = (&known.keyid, &known.bytes) {
                envelope.add_signature(keyid, bytes);
            }
        }
        reread(&envelope)
    }

    /// The file name of a link.
    pub(super) fn file_name(&self, file: &Signed) -> Result<String, ResignError> {
        let (step, by) = (self.step(file.step)?, self.person(file.named)?);
        Ok(format!("{step}.{}.link", by.id.short()))
    }

    fn step(&self, index: usize) -> Result<&ItemName, ResignError> {
        let step = self.steps.get(index);
        step.ok_or(ResignError::Lost("there is no such step"))
    }

    fn person(&self, index: usize) -> Result<&Signatory, ResignError> {
        let person = self.people.get(index);
        person.ok_or(ResignError::Lost("there is no such functionary"))
    }

    /// The files as the evidence of a verification.
    pub(super) fn evidence(&self, files: &[Signed]) -> Result<Evidence, ResignError> {
        let mut evidence = Evidence::default();
        for file in files {
            let (step, by) = (self.step(file.step)?, self.person(file.named)?);
            let content = match &file.envelope {
                Some(envelope) => Ok(envelope.clone()),
                None => Envelope::from_bytes(CUT_OFF.as_bytes())
                    .map_err(crate::model::LinkFileError::Envelope),
            };
            let file = LinkFile {
                path: self.file_name(file)?,
                named: by.id.short().to_owned(),
                found: FoundBy::Name,
                content,
                below: Evidence::default(),
            };
            evidence.insert(step.clone(), file);
        }
        Ok(evidence)
    }
}

/// What is left of a file that was cut off.
pub(super) const CUT_OFF: &str = "{\"signatures\": [";

fn add(envelope: &mut Envelope, signatory: &Signatory) -> Result<(), ResignError> {
    let signature = signatory.key.sign(envelope.message())?;
    envelope.add_signature(&signatory.id, &signature);
    Ok(())
}

/// The envelope as a reader of its file has it.
fn reread(envelope: &Envelope) -> Result<Envelope, ResignError> {
    Ok(Envelope::from_bytes(envelope.to_text().as_bytes())?)
}

fn rekeyed(payload: &Value, baseline: &Baseline, people: &[Signatory]) -> Value {
    let mut layout = match payload {
        Value::Object(layout) => layout.clone(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            Object::new()
        }
    };
    let keys = people.iter().map(|signatory| {
        let key = signatory.key.public().to_value(KeyIdStyle::Current);
        (signatory.id.as_str().to_owned(), key)
    });
    layout.set("keys", Value::Object(keys.collect()));
    for certificates in ["rootcas", "intermediatecas"] {
        layout.remove(certificates);
    }
    layout.set("inspect", Value::Array(Vec::new()));
    if let Some(Value::Array(mut steps)) = layout.remove("steps") {
        for (index, step) in steps.iter_mut().enumerate() {
            if let Value::Object(step) = step {
                let may = baseline.people().iter().zip(people);
                let may = may.filter(|(person, _)| person.steps.contains(&index));
                let ids = may.map(|(_, signatory)| Value::from(signatory.id.as_str()));
                step.set("pubkeys", Value::Array(ids.collect()));
                step.remove("cert_constraints");
            }
        }
        layout.set("steps", Value::Array(steps));
    }
    Value::Object(layout)
}
