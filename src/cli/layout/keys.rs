//! `layout keys`: which key can do what, and another in its place.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::author::{KeyTable, Old, RotateError, rotated, rotated_ids};
use crate::encoding::{Value, indented};
use crate::keys::{AnyKey, KeyId, KeyIdStyle, OpenPgpKey, PublicKey};
use crate::model::{Envelope, Moment, quoted};
use crate::render;
use crate::store::{self, Writing};

use super::super::failure::{DONE, Failure, answer};
use super::diff::gathered;
use super::given::Given;

/// Show which key can do what: alone, or only with others; what it signed; which are unused
///
/// The same key under two ids is one signer. With --rotate, the layout is written with another key in
/// the place of one, everywhere; what was signed must be signed again.
#[derive(Args, Debug)]
pub(super) struct Keys {
    /// The layout, signed or not
    #[arg(value_name = "LAYOUT")]
    layout: PathBuf,
    /// A folder or bundle with links: say which key signed which; may be given several times
    #[arg(long, short = 'd', value_name = "PATH", conflicts_with = "rotate")]
    links: Vec<PathBuf>,
    /// Put the public key of the file NEW in the place of OLD: an id or its beginning, the key's file,
    /// or its name in the text form
    #[arg(long, num_args = 2, value_names = ["OLD", "NEW"])]
    rotate: Vec<String>,
    /// Write the changed layout to a file instead of standard output; never replaces one
    #[arg(long, short, value_name = "FILE", requires = "rotate")]
    output: Option<PathBuf>,
}

impl Keys {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let given = Given::read(&self.layout)?;
        if let [old, new] = self.rotate.as_slice() {
            self.rotate(&given, old, new)?;
            return Ok(ExitCode::from(DONE));
        }
        let evidence = match self.links.as_slice() {
            [] => None,
            places => Some(gathered(&given, places)?),
        };
        let now = Moment::from_timestamp(jiff::Timestamp::now());
        let table = KeyTable::of(&given.layout, evidence.as_ref(), now);
        let mut out = Vec::new();
        render::key_table(&table, evidence.is_some(), &mut out).map_err(Failure::failed)?;
        answer(&out)?;
        Ok(ExitCode::from(DONE))
    }

    fn rotate(&self, given: &Given, old: &str, new: &str) -> Result<(), Failure> {
        let new = one_key(new)?;
        let ids = rotated_ids(&given.layout, Old::Id(old), &new);
        let ids = match ids {
            Err(RotateError::NotThere { .. }) if Path::new(old).exists() => {
                let old = one_key(old)?;
                rotated_ids(&given.layout, Old::Key(&old), &new)
            }
            ids => ids,
        };
        let ids = ids.map_err(|error| unrotated(&error, given))?;
        let (keyid, object) = object(&new);
        let value = rotated(&given.value, &ids, (&keyid, &object)).map_err(Failure::failed)?;
        let text = written(given, value)?;
        match &self.output {
            None => answer(text.as_bytes()),
            Some(path) => store::write_file(path, text.as_bytes(), Writing::PublicNew)
                .map_err(Failure::failed),
        }
    }
}

fn unrotated(error: &RotateError, given: &Given) -> Failure {
    let failure = Failure::failed(format!("{}: {error}", quoted(&given.document)));
    match error {
        RotateError::NotThere { .. } => {
            failure.hint("`layout keys LAYOUT` shows the keys that are there")
        }
        RotateError::Ambiguous { .. } => failure.hint("give more of the id"),
        RotateError::AlreadyThere { .. } | RotateError::NoLayout(_) => failure,
    }
}

/// The id under which a layout lists a key, and its object there.
fn object(key: &AnyKey) -> (KeyId, Value) {
    match key {
        AnyKey::Plain(plain) => {
            let style = KeyIdStyle::Current;
            (plain.id(style), plain.to_value(style))
        }
        AnyKey::OpenPgp(openpgp) => (openpgp.keyid().clone(), openpgp.to_value()),
    }
}

/// In the envelope in which it came, without signatures, or bare.
fn written(given: &Given, value: Value) -> Result<String, Failure> {
    match &given.envelope {
        None => Ok(format!("{}\n", indented(&value))),
        Some(envelope) => {
            let envelope = Envelope::unsigned(value, envelope.form()).map_err(Failure::failed)?;
            Ok(envelope.to_text())
        }
    }
}

/// The one public key of a file.
fn one_key(path: &str) -> Result<AnyKey, Failure> {
    let bytes = store::read_file(Path::new(path)).map_err(Failure::failed)?;
    let cannot =
        |why: String| Failure::failed(format!("cannot use the key {}: {why}", quoted(path)));
    if OpenPgpKey::is_file(&bytes) {
        let key = OpenPgpKey::from_file_bytes(&bytes);
        return key
            .map(AnyKey::from)
            .map_err(|error| cannot(error.to_string()));
    }
    let keys = PublicKey::all_from_file_bytes(&bytes).map_err(|error| cannot(error.to_string()))?;
    match <[PublicKey; 1]>::try_from(keys) {
        Ok([key]) => Ok(key.into()),
        Err(keys) => Err(cannot(format!("expected one key, found {}", keys.len()))),
    }
}
