//! `sign`: signs a layout or link that exists, adds a signature, or checks signatures.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::keys::{KeyIdStyle, OpenPgpKey, OpenPgpSignature, PublicKey, Signer as _};
use crate::model::{Envelope, ItemName, Moment, PayloadKind, escaped};
use crate::store::{self, Writing};

use super::failure::{DONE, FAILED, Failure, Kind, answer, complain};
use super::options::Style;
use super::progress::Listener;
use super::signing::{
    Certified, Password, ReadySigner, load_openpgp, load_public, load_signer, no_gpg, no_keyring,
};

/// Sign a layout or a link, add a signature, or check signatures
///
/// Signatures that are there are replaced unless --append is given. A layout is written back to its
/// file, a link to `NAME.KEYID.link` in the current folder; --output names another file. Fields
/// that linkwright does not know are kept. Exit status with --verify: 0 every key has a good
/// signature, 1 not, 3 something cannot be read.
#[derive(Args, Debug)]
#[command(override_usage = "linkwright sign [OPTIONS] <FILE> --signing-key <KEY>...")]
pub(crate) struct Sign {
    /// The layout or link
    #[arg(value_name = "FILE", required_unless_present = "file_option")]
    file: Option<PathBuf>,
    /// The same as FILE, as the reference names it
    #[arg(
        long = "file",
        short = 'f',
        value_name = "FILE",
        id = "file_option",
        conflicts_with = "file"
    )]
    file_option: Option<PathBuf>,
    /// Private keys to sign with: PEM files or `env:NAME`; with --verify, public keys
    #[arg(long = "signing-key", short = 'k', visible_alias = "key", value_name = "KEY", num_args = 1.., required_unless_present_any = ["gpg", "gpg_keys"])]
    keys: Vec<String>,
    /// With --verify, OpenPGP keys that must have signed: files that `gpg --export --armor ID` wrote,
    /// or key objects of layouts
    #[arg(long = "gpg-key", value_name = "FILE", num_args = 1.., requires = "verify")]
    gpg_keys: Vec<String>,
    #[command(flatten)]
    password: Password,
    /// Ask for a password, which opens all the keys
    #[arg(long, short)]
    prompt: bool,
    #[command(flatten)]
    certified: Certified,
    /// Make key ids as in-toto 3 does (current), or as in-toto 2 and in-toto-golang (legacy), which links
    /// with a certificate have
    #[arg(long, value_enum)]
    keyid_style: Option<Style>,
    /// Keep the signatures that are there
    #[arg(long, short)]
    append: bool,
    /// Check that each key has signed, and write nothing
    #[arg(long, conflicts_with_all = ["append", "output", "cert"])]
    verify: bool,
    /// Write to this file
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Not supported
    #[arg(long, short, hide = true, num_args = 0.., value_name = "ID")]
    gpg: Option<Vec<String>>,
    /// Not supported
    #[arg(long, hide = true, value_name = "FOLDER")]
    gpg_home: Option<PathBuf>,
}

impl Sign {
    pub(crate) fn run(&self, now: Moment, listener: &Listener) -> Result<ExitCode, Failure> {
        if self.gpg.is_some() {
            return Err(if self.verify { no_keyring() } else { no_gpg() });
        }
        let Some(path) = self.file.as_ref().or(self.file_option.as_ref()) else {
            return Err(Failure::usage("there is no file to sign"));
        };
        if self.verify {
            return self
                .check(path, now)
                .map_err(|failure| failure.meaning(Kind::Undecided));
        }
        let mut envelope = store::read_envelope(path).map_err(|error| {
            let failure = Failure::failed(error);
            match path.extension() {
                Some(ending) if ending == "toml" => failure.hint(
                    "a layout's text form is compiled and signed by `linkwright layout sign`",
                ),
                _ => failure,
            }
        })?;
        let link = link_name(&envelope, path)?;
        if link.is_some() && (self.append || self.keys.len() > 1) {
            return Err(Failure::usage(
                "a link has one signature, for its file name carries the key's id",
            )
            .hint("sign with one key and without --append"));
        }
        if link.is_none() && self.certified.is_given() {
            return Err(Failure::usage(
                "layouts are signed with keys alone; a certificate is for a link",
            ));
        }
        let password = self.password.or_ask(self.prompt);
        let signers = self
            .keys
            .iter()
            .map(|key| load_signer(key, &password, &self.certified, self.keyid_style))
            .collect::<Result<Vec<ReadySigner>, _>>()?;
        if !self.append {
            envelope.clear_signatures();
        }
        for signer in &signers {
            let signature = signer
                .key
                .sign(envelope.message())
                .map_err(Failure::failed)?;
            envelope.add_certified(&signer.keyid, &signature, signer.certificate.as_deref());
        }
        let output = match (&self.output, link, signers.first()) {
            (Some(output), _, _) => output.clone(),
            (None, Some(name), Some(signer)) => {
                PathBuf::from(store::link_file_name(&name, &signer.keyid))
            }
            // In place: what a symbolic link leads to is signed, not the link replaced.
            (None, _, _) => path.canonicalize().unwrap_or_else(|_| path.clone()),
        };
        store::write_file(&output, envelope.to_text().as_bytes(), Writing::Public)
            .map_err(Failure::failed)?;
        listener.tell(&format!("wrote {}", output.display()));
        Ok(ExitCode::from(DONE))
    }

    fn check(&self, path: &Path, now: Moment) -> Result<ExitCode, Failure> {
        let envelope = store::read_envelope(path).map_err(Failure::failed)?;
        let mut checked: Vec<(&str, bool)> = Vec::new();
        for name in &self.keys {
            let keys = load_public(name)?;
            checked.push((name, keys.iter().all(|key| has_signed(&envelope, key))));
        }
        for name in &self.gpg_keys {
            let key = load_openpgp(name)?;
            checked.push((name, has_signed_openpgp(&envelope, &key, now)));
        }
        let mut status = DONE;
        for (name, good) in checked {
            if good {
                answer(format!("good signature under {}\n", escaped(name)).as_bytes())?;
            } else {
                complain(&format!("error: there is no good signature under `{name}`"));
                status = FAILED;
            }
        }
        Ok(ExitCode::from(status))
    }
}

fn has_signed(envelope: &Envelope, key: &PublicKey) -> bool {
    let mut ids = vec![key.id(KeyIdStyle::Current), key.id(KeyIdStyle::Legacy)];
    ids.extend(key.stated_id().cloned());
    envelope.signatures().iter().any(|signature| {
        let named = signature
            .keyid
            .as_ref()
            .is_some_and(|keyid| ids.contains(keyid));
        let bytes = signature.bytes.as_deref().unwrap_or_default();
        named && signature.openpgp.is_none() && key.verify(envelope.message(), bytes).is_ok()
    })
}

fn has_signed_openpgp(envelope: &Envelope, key: &OpenPgpKey, now: Moment) -> bool {
    envelope.signatures().iter().any(|signature| {
        let (Some(keyid), Some(bytes), Some(headers)) =
            (&signature.keyid, &signature.bytes, &signature.openpgp)
        else {
            return false;
        };
        let signature = OpenPgpSignature {
            keyid,
            headers,
            signature: bytes,
        };
        let checked = key.check(envelope.message(), signature, now.seconds());
        checked.is_ok()
    })
}

/// The name of the link in an envelope; `None` when it is a layout.
fn link_name(envelope: &Envelope, path: &Path) -> Result<Option<String>, Failure> {
    match envelope.kind() {
        PayloadKind::Layout => Ok(None),
        PayloadKind::Link => match envelope.link() {
            Ok(link) => match ItemName::new(&link.name) {
                Ok(name) => Ok(Some(name.as_str().to_owned())),
                Err(error) => Err(Failure::failed(format!("`{}`: {error}", path.display()))),
            },
            Err(complaints) => {
                let complaint = complaints
                    .first()
                    .map(ToString::to_string)
                    .unwrap_or_default();
                Err(Failure::failed(format!(
                    "`{}` is no link: {complaint}",
                    path.display()
                )))
            }
        },
        PayloadKind::Other(_) => Err(Failure::failed(format!(
            "`{}` holds neither a layout nor a link",
            path.display()
        ))),
    }
}
