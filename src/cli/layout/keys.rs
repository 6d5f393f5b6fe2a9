//! `layout keys`: which key can do what, and another in its place.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::author::{self, KeyTable, Old, RotateError, rotated, rotated_ids};
use crate::encoding::{Value, indented};
use crate::keys::{AnyKey, KeyId, KeyIdStyle};
use crate::model::{Envelope, Moment, quoted, similar};
use crate::render;
use crate::store::{self, Writing};

use super::super::failure::{DONE, Failure, answer};
use super::diff::gathered;
use super::given::{Given, public_keys};
use super::output::is_stream;
use super::text::{Way, look_at_files, part};

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
        render::key_table(&table, &names(&given), evidence.is_some(), &mut out)
            .map_err(Failure::failed)?;
        answer(&out)?;
        Ok(ExitCode::from(DONE))
    }

    fn rotate(&self, given: &Given, old: &str, new: &str) -> Result<(), Failure> {
        let key = one_key(new)?;
        let names = names(given);
        let named = names.iter().find(|(_, name)| name == old);
        let id = named.map_or(old, |(keyid, _)| keyid.as_str());
        let ids = match rotated_ids(&given.layout, Old::Id(id), &key) {
            Err(RotateError::NotThere { .. }) if Path::new(old).exists() => {
                let old = one_key(old)?;
                rotated_ids(&given.layout, Old::Key(&old), &key)
            }
            ids => ids,
        };
        let ids = ids.map_err(|error| unrotated(&error, given, &names))?;
        let (keyid, object) = object(&key);
        let value = rotated(&given.value, &ids, (&keyid, &object)).map_err(Failure::failed)?;
        let text = match given.is_text() {
            true => self.text_form(given, &names, &ids, Path::new(new), &value)?,
            false => written(given, value.clone())?,
        };
        match &self.output {
            Some(path) if given.is_text() && !is_stream(path) => {
                look_at_files(&text, &value, path)?;
            }
            Some(_) | None => {}
        }
        match &self.output {
            None => answer(text.as_bytes()),
            Some(path) => store::write_file(path, text.as_bytes(), Writing::PublicNew)
                .map_err(Failure::failed),
        }
    }

    /// The text form with the new key's file, if that compiles to what it should.
    fn text_form(
        &self,
        given: &Given,
        names: &[(KeyId, String)],
        ids: &[KeyId],
        new: &Path,
        expected: &Value,
    ) -> Result<String, Failure> {
        let cannot = |why: &str| {
            let document = quoted(&given.document);
            Failure::failed(format!("{document} cannot be changed as text: {why}"))
                .hint("`layout compile` it, and rotate the key in the JSON")
        };
        let named = names.iter().find(|(keyid, _)| ids.contains(keyid));
        let (_, name) = named.ok_or_else(|| cannot("the key has no name in it"))?;
        let path = beside(&self.layout, new)?;
        let text = std::str::from_utf8(&given.bytes).map_err(Failure::failed)?;
        let text = author::text::rotate(text, name, ids, &path).map_err(|why| cannot(&why))?;
        let compiled = super::text::compile(&self.layout, text.as_bytes(), &Way::plain())?;
        for field in ["keys", "steps"] {
            if part(&compiled.value, field) != part(expected, field) {
                return Err(cannot("it names the old key in a way of its own"));
            }
        }
        Ok(text)
    }
}

/// The names that a text form has for keys.
fn names(given: &Given) -> Vec<(KeyId, String)> {
    let name = |keyid: &KeyId| {
        let span = given.places.as_ref()?.find(&format!("/keys/{keyid}"))?;
        let name = given.bytes.get(span.start..span.end)?;
        let name = std::str::from_utf8(name).ok()?;
        Some((keyid.clone(), name.trim_matches(['"', '\'']).to_owned()))
    };
    given.layout.functionaries.keys().filter_map(name).collect()
}

/// The path of a file as a text form names it: from its own folder.
fn beside(layout: &Path, file: &Path) -> Result<String, Failure> {
    let full = |path: &Path| {
        let cannot = |error| {
            Failure::failed(format!(
                "cannot find {}: {error}",
                quoted(&path.to_string_lossy())
            ))
        };
        path.canonicalize().map_err(cannot)
    };
    let (layout, file) = (full(layout)?, full(file)?);
    let folder = layout.parent().unwrap_or(Path::new("/"));
    let mut above = PathBuf::new();
    let mut ancestors = folder.ancestors();
    let relative = ancestors.find_map(|ancestor| {
        let below = file
            .strip_prefix(ancestor)
            .ok()
            .map(|rest| above.join(rest));
        above.push("..");
        below
    });
    let relative = relative.unwrap_or(file);
    let path = relative.to_str().map(str::to_owned);
    path.ok_or_else(|| {
        Failure::failed(format!(
            "{} is not UTF-8",
            quoted(&relative.to_string_lossy())
        ))
    })
}

fn unrotated(error: &RotateError, given: &Given, names: &[(KeyId, String)]) -> Failure {
    let failure = Failure::failed(format!("{}: {error}", quoted(&given.document)));
    match error {
        RotateError::NotThere { old } => {
            let names = names.iter().map(|(_, name)| name.as_str());
            match similar(old, names, 1).first() {
                Some(near) => failure.hint(format!("did you mean {}?", quoted(near))),
                None => failure.hint("`layout keys LAYOUT` shows the keys that are there"),
            }
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
    let cannot =
        |why: String| Failure::failed(format!("cannot use the key {}: {why}", quoted(path)));
    let keys = public_keys(Path::new(path)).map_err(cannot)?;
    match <[AnyKey; 1]>::try_from(keys) {
        Ok([key]) => Ok(key),
        Err(keys) => Err(cannot(format!("expected one key, found {}", keys.len()))),
    }
}
