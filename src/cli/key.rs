//! `key`: makes keys and tells what they are.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use crate::encoding::indented;
use crate::keys::{KeyIdStyle, KeyKind, OpenPgpKey, PublicKey, Signer as _, encrypt, generate};
use crate::model::{Moment, escaped};
use crate::store::{self, StoreError, Writing};

use super::failure::{DONE, Failure, answer};
use super::options::Style;
use super::signing::{Password, load_private};

/// Make a key pair, or tell what a key is
#[derive(Args, Debug)]
pub(crate) struct Key {
    #[command(subcommand)]
    part: Part,
}

#[derive(Debug, Subcommand)]
enum Part {
    /// Make a key pair: FILE (private, mode 0600) and FILE.pub
    Generate(Generate),
    /// Show what a key is, with both its ids
    Show(Show),
    /// Print the id of a key
    Id(Id),
}

#[derive(Args, Debug)]
struct Generate {
    /// Where the private key goes; the public one goes beside it, with `.pub` at its end
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The kind of key
    #[arg(long = "type", short = 't', default_value = KeyKind::Ed25519.name(),
        value_parser = PossibleValuesParser::new(KeyKind::ALL.map(KeyKind::name)))]
    kind: String,
    /// Replace files that are there
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    password: Password,
}

#[derive(Args, Debug)]
struct Show {
    /// Public or private keys: PEM, or key objects of layouts; OpenPGP keys, exported and armored
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// Print the key objects that layouts hold instead
    #[arg(long)]
    json: bool,
    /// The id in the key object: as in-toto 3 makes it (current), or as in-toto 2 and
    /// in-toto-golang (legacy)
    #[arg(long, value_enum, default_value = "current")]
    keyid_style: Style,
    #[command(flatten)]
    password: Password,
}

#[derive(Args, Debug)]
struct Id {
    /// Public or private keys: PEM, or key objects of layouts; OpenPGP keys, exported and armored
    #[arg(value_name = "FILE", required = true)]
    files: Vec<String>,
    /// The id as in-toto 3 makes it (current), or as in-toto 2 and in-toto-golang (legacy)
    #[arg(long, value_enum, default_value = "current")]
    keyid_style: Style,
    #[command(flatten)]
    password: Password,
}

impl Key {
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        match &self.part {
            Part::Generate(generate) => generate.run()?,
            Part::Show(show) => show.run()?,
            Part::Id(id) => id.run()?,
        }
        Ok(ExitCode::from(DONE))
    }
}

impl Generate {
    fn run(&self) -> Result<(), Failure> {
        let kind = KeyKind::from_name(&self.kind)
            .ok_or_else(|| Failure::usage(format!("`{}` is no kind of key", self.kind)))?;
        let mut public_name = self.file.clone().into_os_string();
        public_name.push(".pub");
        let public_path = PathBuf::from(public_name);
        let existing = [&self.file, &public_path];
        if !self.force
            && let Some(path) = existing
                .into_iter()
                .find(|path| path.symlink_metadata().is_ok())
        {
            return Err(exists(path));
        }
        if let Some(path) = existing.into_iter().find(|path| path.is_dir()) {
            return Err(Failure::failed(format!("`{}` is a folder", path.display())));
        }
        let password = self.password.for_new_key()?;
        let generated = generate(kind).map_err(Failure::failed)?;
        let encrypted = match &password {
            Some(password) => {
                Some(encrypt(&generated.pkcs8_pem, password).map_err(Failure::failed)?)
            }
            None => None,
        };
        let private = encrypted.as_deref().unwrap_or(&generated.pkcs8_pem);
        let (secret, open) = if self.force {
            (Writing::Private, Writing::Public)
        } else {
            (Writing::PrivateNew, Writing::PublicNew)
        };
        let write = |path: &Path, text: &str, writing| match store::write_file(
            path,
            text.as_bytes(),
            writing,
        ) {
            Err(StoreError::Exists { .. }) => Err(exists(path)),
            other => other.map_err(Failure::failed),
        };
        write(&self.file, private, secret)?;
        write(&public_path, &generated.public.to_pem(), open)?;
        let told = format!(
            "{}: {} key, private{}\n{}: public\nkey id {}\n",
            self.file.display(),
            kind,
            if password.is_some() {
                ", encrypted"
            } else {
                ", not encrypted"
            },
            public_path.display(),
            generated.public.id(KeyIdStyle::Current)
        );
        answer(told.as_bytes())
    }
}

fn exists(path: &Path) -> Failure {
    Failure::failed(format!("`{}` exists already", path.display()))
        .hint("choose another name, or replace it with --force; what only the old key can sign is lost then")
}

impl Show {
    fn run(&self) -> Result<(), Failure> {
        for file in &self.files {
            if let Some(key) = openpgp(file)? {
                let text = match self.json {
                    true => format!("{}\n", indented(&key.to_value())),
                    false => describe_openpgp(file, &key),
                };
                answer(text.as_bytes())?;
                continue;
            }
            let key = load_any(file, &self.password)?;
            let text = if self.json {
                let value = key.to_value(self.keyid_style.style());
                format!("{}\n", indented(&value))
            } else {
                format!(
                    "{file}\n  type         {}\n  scheme       {}\n  key id       {}\n  legacy id    {}\n",
                    key.keytype(),
                    key.scheme(),
                    key.id(KeyIdStyle::Current),
                    key.id(KeyIdStyle::Legacy)
                )
            };
            answer(text.as_bytes())?;
        }
        Ok(())
    }
}

impl Id {
    fn run(&self) -> Result<(), Failure> {
        for file in &self.files {
            if let Some(key) = openpgp(file)? {
                answer(format!("{}\n", escaped(key.keyid().as_str())).as_bytes())?;
                continue;
            }
            let key = load_any(file, &self.password)?;
            answer(format!("{}\n", key.id(self.keyid_style.style())).as_bytes())?;
        }
        Ok(())
    }
}

/// The OpenPGP key of a file; `None` for a file of something else.
fn openpgp(name: &str) -> Result<Option<OpenPgpKey>, Failure> {
    if name.starts_with("env:") {
        return Ok(None);
    }
    let bytes = store::read_file(Path::new(name)).map_err(Failure::failed)?;
    if !OpenPgpKey::is_file(&bytes) {
        return Ok(None);
    }
    let key = OpenPgpKey::from_file_bytes(&bytes);
    key.map(Some)
        .map_err(|error| Failure::failed(format!("cannot use the key `{name}`: {error}")))
}

fn describe_openpgp(file: &str, key: &OpenPgpKey) -> String {
    let mut text = format!("{file}\n  type         OpenPGP\n");
    let mut title = "key id";
    for (keyid, algorithm, expires) in key.describe() {
        let expires = expires.map(Moment::from_seconds);
        let expires = match expires {
            None => String::new(),
            Some(Some(expires)) => format!(", expires {expires}"),
            Some(None) => ", expires after the year 9999".to_owned(),
        };
        let keyid = escaped(keyid.as_str());
        text.push_str(&format!("  {title:<12} {keyid} {algorithm}{expires}\n"));
        title = "subkey";
    }
    for part in key.left_out() {
        let (keyid, why) = (&part.keyid, part.why);
        text.push_str(&format!(
            "  {:<12} {keyid} does not count: {why}\n",
            "subkey"
        ));
    }
    text
}

/// The public key of a file that holds a public or a private one.
fn load_any(name: &str, password: &Password) -> Result<PublicKey, Failure> {
    if !name.starts_with("env:") {
        let bytes = store::read_file(Path::new(name)).map_err(Failure::failed)?;
        match PublicKey::from_file_bytes(&bytes) {
            Err(crate::keys::KeyError::PrivateKey) => {}
            other => {
                return other.map_err(|error| {
                    Failure::failed(format!("cannot use the key `{name}`: {error}"))
                });
            }
        }
    }
    load_private(name, password).map(|key| key.public().clone())
}
