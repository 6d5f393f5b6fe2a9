//! `layout from-links`: a layout from the links of one good run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::author::from_links::{
    Breadth, Recorded, Signer, SignerError, Wishes, Written, refusals, signer, write,
};
use crate::author::text::{decompile_named, expiry};
use crate::encoding::indented;
use crate::keys::{AnyKey, Authority as _, KeyId};
use crate::model::{
    Envelope, Evidence, FoundBy, ItemName, LinkFile, Moment, PayloadKind, escaped, quoted,
};
use crate::store::{self, MAX_LINK_FILES, Writing};

use super::super::failure::{DONE, Failure, answer, complain};
use super::given::public_keys;

/// Write the layout that accepts the links of one good run
///
/// Reads all files of the folder whose names end in `.link`, checks who signed them, and writes the
/// tightest layout that accepts them, in the text form. What had to be guessed is said in comments. The
/// layout is not signed: read it, change it, then sign it with `layout sign`.
#[derive(Args, Debug)]
pub(super) struct FromLinks {
    /// The folder with the links
    #[arg(value_name = "DIR")]
    folder: PathBuf,
    /// The public keys of those who signed the links: PEM, key objects of layouts, or what
    /// `gpg --export --armor ID` wrote. Links have only ids of keys
    #[arg(long = "key", short = 'k', alias = "verification-keys", value_name = "FILE", num_args = 1.., required = true)]
    keys: Vec<PathBuf>,
    /// Leave links out that none of these keys signed. Without it such a link is an error
    #[arg(long)]
    leave_out_unknown: bool,
    /// Take names as they were, as far as they are few (the default)
    #[arg(long, conflicts_with = "general")]
    tight: bool,
    /// Leave open what is likely to change: folders are taken as a whole, versions and hashes in names
    /// may be others
    #[arg(long)]
    general: bool,
    /// When the layout expires: a span from now (`90d`, `12w`, `6m`, `1y`), a date, or a moment like
    /// `2030-12-31T23:59:59Z`
    #[arg(long, value_name = "WHEN", default_value = "90d")]
    expires: String,
    /// A text for whoever reads the layout
    #[arg(long, value_name = "TEXT", default_value = "")]
    readme: String,
    /// Write the text form, or the JSON that is signed, without the comments, which go to stderr
    #[arg(long, value_enum, default_value_t = Format::Toml)]
    format: Format,
    /// Write to this file, which must not be there yet, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Toml,
    Json,
}

/// What key files' names end in.
const ENDINGS: [&str; 5] = [".pub", ".pem", ".asc", ".gpg", ".json"];

/// A link file and who signed it.
struct Found {
    path: String,
    envelope: Envelope,
    signer: Signer,
}

impl FromLinks {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        let now = Moment::from_timestamp(jiff::Timestamp::now());
        let wishes = Wishes {
            breadth: match self.general && !self.tight {
                true => Breadth::General,
                false => Breadth::Tight,
            },
            expires: self.expires_at(now)?.to_string(),
            readme: self.readme.clone(),
        };
        let keys = self.read_keys()?;
        let found = self.read_links(&keys, now)?;
        tell_of_unused(&keys, &found);
        let recorded = recorded(&found)?;
        let written = write(&recorded, &wishes).map_err(|errors| all_of(&errors))?;
        let names = names(&keys, &found);
        accepts(&written, found, now)?;
        self.give(&written, &names)
    }

    fn expires_at(&self, now: Moment) -> Result<Moment, Failure> {
        let expires = expiry(&self.expires, now).map_err(Failure::usage)?;
        if expires <= now {
            return Err(Failure::usage(format!("{expires} has passed")));
        }
        Ok(expires)
    }

    fn read_keys(&self) -> Result<Vec<(String, AnyKey)>, Failure> {
        let mut keys = Vec::new();
        for path in &self.keys {
            let shown = path.to_string_lossy().into_owned();
            let read = public_keys(path).map_err(|why| {
                Failure::failed(format!("cannot use the key {}: {why}", quoted(&shown)))
            })?;
            keys.extend(read.into_iter().map(|key| (shown.clone(), key)));
        }
        Ok(keys)
    }

    fn read_links(&self, keys: &[(String, AnyKey)], now: Moment) -> Result<Vec<Found>, Failure> {
        let files = store::find_files(&self.folder, "", ".link").map_err(Failure::failed)?;
        let keys: Vec<AnyKey> = keys.iter().map(|(_, key)| key.clone()).collect();
        if files.len() > MAX_LINK_FILES {
            return Err(Failure::failed(format!(
                "{} has {} links, more than the {MAX_LINK_FILES} that one layout may ask for",
                quoted(&self.folder.to_string_lossy()),
                files.len()
            )));
        }
        let (mut found, mut wrong, mut unknown) = (Vec::new(), Vec::new(), false);
        for file in files {
            match read_link(&file, &keys, now) {
                Ok(link) => found.push(link),
                Err((why, is_unknown)) if is_unknown && self.leave_out_unknown => {
                    complain(&format!("left out: {why}"));
                }
                Err((why, is_unknown)) => {
                    wrong.push(why);
                    unknown |= is_unknown;
                }
            }
        }
        if wrong.is_empty() && found.is_empty() {
            let folder = self.folder.to_string_lossy();
            return Err(Failure::failed(format!(
                "no links to write a layout from in {}",
                quoted(&folder)
            ))
            .hint("links are files named STEP.KEYID8.link, as `linkwright run` writes them"));
        }
        if wrong.is_empty() {
            return Ok(found);
        }
        let failure = Failure::failed(wrong.join("\n"));
        Err(match unknown {
            true => failure.hint(
                "give the public keys of their signers with --key, or leave such links out with --leave-out-unknown",
            ),
            false => failure,
        })
    }

    fn give(
        &self,
        written: &Written,
        names: &BTreeMap<String, String>,
    ) -> Result<ExitCode, Failure> {
        let text = match self.format {
            Format::Toml => decompile_named(&written.value, &written.comments, names)
                .map_err(Failure::failed)?,
            Format::Json => {
                for (pointer, lines) in &written.comments {
                    for line in lines {
                        let place = if pointer.is_empty() {
                            "layout"
                        } else {
                            pointer
                        };
                        complain(&format!("note: {}: {line}", escaped(place)));
                    }
                }
                let mut text = indented(&written.value);
                text.push('\n');
                text
            }
        };
        match &self.output {
            None => answer(text.as_bytes())?,
            Some(path) => store::write_file(path, text.as_bytes(), Writing::PublicNew)
                .map_err(Failure::failed)?,
        }
        Ok(ExitCode::from(DONE))
    }
}

/// Names for keys, by their ids in the layout: those of their files, if each is one key's.
fn names(keys: &[(String, AnyKey)], found: &[Found]) -> BTreeMap<String, String> {
    let mut names: BTreeMap<String, String> = BTreeMap::new();
    for (path, key) in keys {
        let file = Path::new(path)
            .file_name()
            .unwrap_or_default()
            .to_string_lossy();
        let mut name = file.as_ref();
        while let Some(shorter) = ENDINGS.iter().find_map(|ending| name.strip_suffix(ending)) {
            name = shorter;
        }
        let person = key.fingerprint();
        let signers = found.iter().filter(|one| one.signer.fingerprint == person);
        for keyid in signers.map(|one| one.signer.keyid.as_str()) {
            let taken = names.iter().any(|(id, known)| id != keyid && known == name);
            if !taken && !name.is_empty() {
                names.insert(keyid.to_owned(), name.to_owned());
            }
        }
    }
    names
}

/// Reads a link and finds out who signed it; or says what is wrong with it, and whether that is only that
/// no key was given for it.
fn read_link(path: &Path, keys: &[AnyKey], now: Moment) -> Result<Found, (String, bool)> {
    let shown = path.to_string_lossy().into_owned();
    let envelope = store::read_envelope(path).map_err(|error| (error.to_string(), false))?;
    if envelope.kind() != PayloadKind::Link {
        let what = match envelope.kind() {
            PayloadKind::Layout => "a layout, and what is below a sublayout is not read",
            PayloadKind::Link | PayloadKind::Other(_) => "no link",
        };
        return Err((format!("{} is {what}", quoted(&shown)), false));
    }
    let named = shown
        .strip_suffix(".link")
        .and_then(|rest| rest.rsplit('.').next());
    match signer(&envelope, named.unwrap_or_default(), keys, now) {
        Ok(signer) => Ok(Found {
            path: shown,
            envelope,
            signer,
        }),
        Err(error) => {
            let unknown = matches!(error, SignerError::Unknown { .. } | SignerError::Unsigned);
            Err((format!("{}: {error}", quoted(&shown)), unknown))
        }
    }
}

fn tell_of_unused(keys: &[(String, AnyKey)], found: &[Found]) {
    for (path, key) in keys {
        let person = key.fingerprint();
        if !found.iter().any(|one| one.signer.fingerprint == person) {
            complain(&format!(
                "note: the key {} signed none of the links",
                quoted(path)
            ));
        }
    }
}

fn recorded(found: &[Found]) -> Result<Vec<Recorded>, Failure> {
    let mut recorded = Vec::new();
    for one in found {
        let link = one.envelope.link().map_err(|complaints| {
            let why: Vec<String> = complaints.iter().map(ToString::to_string).collect();
            Failure::failed(format!("{}: {}", quoted(&one.path), why.join("; ")))
        })?;
        let expected = store::link_file_name(&link.name, &one.signer.signed_as);
        if Path::new(&one.path).file_name() != Some(expected.as_ref()) {
            complain(&format!(
                "note: `verify` looks for {} under the name {}",
                quoted(&one.path),
                quoted(&expected)
            ));
        }
        recorded.push(Recorded {
            path: one.path.clone(),
            link,
            signer: one.signer.clone(),
        });
    }
    Ok(recorded)
}

fn all_of(errors: &[impl ToString]) -> Failure {
    let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Failure::failed(errors.join("\n"))
}

/// No layout is given out that refuses the links it was written from.
fn accepts(written: &Written, found: Vec<Found>, now: Moment) -> Result<(), Failure> {
    if found.is_empty() {
        return Err(Failure::failed("there are no links"));
    }
    let mut evidence = Evidence::default();
    for one in found {
        let name = one
            .envelope
            .link()
            .ok()
            .and_then(|link| ItemName::new(&link.name).ok());
        let name = name.ok_or_else(|| {
            let path = quoted(&one.path);
            Failure::failed(format!("{path} is the link of no step that has a name"))
        })?;
        let keyid: &KeyId = &one.signer.signed_as;
        evidence.insert(
            name,
            LinkFile {
                path: one.path,
                named: keyid.short().to_owned(),
                found: FoundBy::Name,
                content: Ok(one.envelope),
                below: Evidence::default(),
            },
        );
    }
    let refused = refusals(&written.value, &evidence, now).map_err(Failure::failed)?;
    if refused.is_empty() {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "no layout was found that accepts these links: {}",
        refused.join("; ")
    )))
}
