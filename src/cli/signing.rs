//! From what a user names to a key that signs or checks.

use std::env::{self, VarError};
use std::fmt::Display;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::keys::{
    Certificate, FileKey, KeyId, OpenPgpKey, PrivateKeyError, PublicKey, Signer as _,
};
use crate::store;

use super::failure::{Failure, complain};
use super::options::Style;

/// The key that signs, and how to open it.
#[derive(Args, Clone, Debug)]
pub(crate) struct SigningKey {
    /// Sign with this private key: a PEM file (PKCS#8, PKCS#1, SEC1), or `env:NAME` for PEM in an
    /// environment variable. That is taken out of the command's environment; only a command that runs as
    /// root could still find it
    #[arg(long, value_name = "KEY", required_unless_present = "gpg")]
    signing_key: Option<String>,
    #[command(flatten)]
    password: Password,
    #[command(flatten)]
    certified: Certified,
    /// Make the key's id as in-toto 3 does (current), or as in-toto 2 and in-toto-golang (legacy), which
    /// links with a certificate have
    #[arg(long, value_enum)]
    keyid_style: Option<Style>,
    /// OpenPGP signing is not supported; named so that the reference's command lines get an answer
    #[arg(long, short, hide = true, num_args = 0..=1, value_name = "ID")]
    gpg: Option<Option<String>>,
    /// See --gpg
    #[arg(long, hide = true, value_name = "FOLDER")]
    gpg_home: Option<PathBuf>,
}

/// The certificate of the functionary that signs.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Certified {
    /// Put this certificate (PEM) into the link, for layouts that know functionaries by certificates. It
    /// must be of the signing key and valid now
    #[arg(long, short = 'c', value_name = "FILE")]
    cert: Option<PathBuf>,
    /// Put these certificates into the link too, which lead from the other to a root (PEM, several in a
    /// file)
    #[arg(long, value_name = "FILE", requires = "cert")]
    intermediate: Vec<PathBuf>,
}

impl Certified {
    pub(crate) fn is_given(&self) -> bool {
        self.cert.is_some()
    }

    /// The style of the key's id: in-toto-golang looks for links with certificates under its own.
    fn style(&self, given: Option<Style>) -> Result<Style, Failure> {
        match (&self.cert, given) {
            (None, given) => Ok(given.unwrap_or(Style::Current)),
            (Some(_), None | Some(Style::Legacy)) => Ok(Style::Legacy),
            (Some(_), Some(Style::Current)) => Err(Failure::usage(
                "a link with a certificate has a key id of the style legacy, under which in-toto-golang looks for it",
            )),
        }
    }

    /// The certificates for the signature, the functionary's own first. One that no verifier takes is
    /// refused before any work is done.
    fn text(&self, key: &PublicKey) -> Result<Option<String>, Failure> {
        let Some(path) = &self.cert else {
            return Ok(None);
        };
        let shown = path.display();
        let failed = |why: &dyn Display| {
            Failure::failed(format!("cannot use the certificate `{shown}`: {why}"))
        };
        let mut all = read_certificates(path)?.into_iter();
        let Some(own) = all.next() else {
            return Ok(None);
        };
        let of = own.key().map_err(|error| failed(error))?;
        if of.fingerprint() != key.fingerprint() {
            return Err(failed(&"it is of another key than the signing key"));
        }
        own.check_own(jiff::Timestamp::now())
            .map_err(|error| failed(&error))?;
        let mut text = own.to_pem();
        text.extend(all.map(|certificate| certificate.to_pem()));
        for path in &self.intermediate {
            let more = read_certificates(path)?;
            text.extend(more.iter().map(Certificate::to_pem));
        }
        Ok(Some(text))
    }
}

fn read_certificates(path: &Path) -> Result<Vec<Certificate>, Failure> {
    let bytes = store::read_file(path).map_err(Failure::failed)?;
    Certificate::all_from_pem(&bytes).map_err(|error| {
        let shown = path.display();
        Failure::failed(format!("cannot use the certificate `{shown}`: {error}"))
    })
}

/// Where the password of a private key comes from.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Password {
    /// Ask for the private key's password. (As a value it is taken only under the names of the
    /// reference's tools, for every user of the machine can see it.)
    #[arg(long, short = 'P', num_args = 0..=1, require_equals = true, hide_possible_values = true, value_name = "PASSWORD")]
    password: Option<Option<String>>,
    /// Read the private key's password from the first line of a file, or with `env:NAME` from an
    /// environment variable
    #[arg(long, value_name = "FILE", conflicts_with = "password")]
    password_file: Option<String>,
}

/// A key that is ready to sign under its id.
#[derive(Debug)]
pub(crate) struct ReadySigner {
    pub(crate) key: FileKey,
    pub(crate) keyid: KeyId,
    /// PEM certificates that go with its signature.
    pub(crate) certificate: Option<String>,
}

impl SigningKey {
    /// The environment variables that hold secrets, which are nothing for the command.
    pub(crate) fn secret_variables(&self) -> Vec<&str> {
        [&self.signing_key, &self.password.password_file]
            .into_iter()
            .filter_map(|name| name.as_deref()?.strip_prefix("env:"))
            .collect()
    }

    pub(crate) fn load(&self) -> Result<ReadySigner, Failure> {
        let Some(name) = &self.signing_key else {
            return Err(no_gpg());
        };
        if self.gpg.is_some() {
            return Err(no_gpg());
        }
        load_signer(name, &self.password, &self.certified, self.keyid_style)
    }
}

pub(crate) fn no_gpg() -> Failure {
    Failure::usage("signing with OpenPGP keys is not supported")
        .hint("give a PEM key with --signing-key; `linkwright key generate` makes one")
}

/// Nothing is asked of a keyring: it belongs to whoever runs this, and nothing says which of its keys
/// should be trusted.
pub(crate) fn no_keyring() -> Failure {
    Failure::usage("OpenPGP keys are not taken from a keyring").hint(
        "export the key with `gpg --export --armor ID >KEY.asc`, and give that file with --gpg-key",
    )
}

pub(crate) fn load_signer(
    name: &str,
    password: &Password,
    certified: &Certified,
    style: Option<Style>,
) -> Result<ReadySigner, Failure> {
    let style = certified.style(style)?;
    let key = load_private(name, password)?;
    let keyid = key.public().id(style.style());
    let certificate = certified.text(key.public())?;
    Ok(ReadySigner {
        key,
        keyid,
        certificate,
    })
}

/// Loads a private key; asks for its password where it has one and a person is there to ask.
pub(crate) fn load_private(name: &str, password: &Password) -> Result<FileKey, Failure> {
    let pem = read_key(name)?;
    let given = password.get(name)?;
    let failed = |error: PrivateKeyError| {
        let failure = Failure::failed(format!("cannot use the signing key `{name}`: {error}"));
        if matches!(error, PrivateKeyError::NeedsPassword) {
            return failure.hint(
                "give its password with --password-file FILE, --password-file env:NAME, or -P to be asked",
            );
        }
        failure
    };
    match FileKey::from_pem(&pem, given.as_deref()) {
        Err(PrivateKeyError::NeedsPassword) if std::io::stdin().is_terminal() => {
            let typed = ask(&format!("Password for {name}: "))?;
            FileKey::from_pem(&pem, Some(&typed)).map_err(failed)
        }
        other => other.map_err(failed),
    }
}

/// The bytes of a key file, or of `env:NAME`.
fn read_key(name: &str) -> Result<Vec<u8>, Failure> {
    match name.strip_prefix("env:") {
        Some(variable) => from_environment(variable).map(String::into_bytes),
        None => store::read_secret(Path::new(name)).map_err(Failure::failed),
    }
}

fn from_environment(variable: &str) -> Result<String, Failure> {
    // Not the error's own text: it shows the value, which is a secret.
    env::var(variable).map_err(|error| {
        let why = match error {
            VarError::NotPresent => "is not set",
            VarError::NotUnicode(_) => "is not UTF-8",
        };
        Failure::failed(format!("the environment variable `{variable}` {why}"))
    })
}

/// Loads the public keys of a file: PEM blocks or a key object of a layout.
pub(crate) fn load_public(path: &str) -> Result<Vec<PublicKey>, Failure> {
    let bytes = store::read_file(Path::new(path)).map_err(Failure::failed)?;
    PublicKey::all_from_file_bytes(&bytes)
        .map_err(|error| Failure::failed(format!("cannot use the key `{path}`: {error}")))
}

/// Loads the OpenPGP key of a file: armored, or a key object of a layout.
pub(crate) fn load_openpgp(path: &str) -> Result<OpenPgpKey, Failure> {
    let bytes = store::read_file(Path::new(path)).map_err(Failure::failed)?;
    OpenPgpKey::from_file_bytes(&bytes)
        .map_err(|error| Failure::failed(format!("cannot use the key `{path}`: {error}")))
}

impl Password {
    /// The password that was given, if one was.
    fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Failure> {
        if let Some(source) = &self.password_file {
            return password_from(source).map(Some);
        }
        match &self.password {
            None => Ok(None),
            Some(None) => ask(&format!("Password for {key}: ")).map(Some),
            Some(Some(typed)) => {
                if !super::called_as_reference() {
                    return Err(Failure::usage("a password on the command line can be seen by every user of this machine")
                        .hint("use -P alone to be asked, --password-file FILE, or --password-file env:NAME"));
                }
                complain(
                    "warning: a password on the command line can be seen by every user of this machine",
                );
                Ok(Some(typed.clone().into_bytes()))
            }
        }
    }

    /// A password for a new key: the one that was given, asked for twice when it is typed.
    pub(crate) fn for_new_key(&self) -> Result<Option<Vec<u8>>, Failure> {
        match &self.password {
            Some(None) => {
                let first = ask("Password for the new key: ")?;
                if ask("The same again: ")? != first {
                    return Err(Failure::failed("the two passwords differ"));
                }
                Ok(Some(first))
            }
            Some(Some(_)) | None => self.get("the new key"),
        }
    }

    /// The same source, but asking when nothing else was said (the reference's `--prompt`).
    pub(crate) fn or_ask(&self, ask: bool) -> Self {
        match ask {
            true if self.password.is_none() && self.password_file.is_none() => Self {
                password: Some(None),
                password_file: None,
            },
            _ => self.clone(),
        }
    }
}

fn password_from(source: &str) -> Result<Vec<u8>, Failure> {
    if let Some(variable) = source.strip_prefix("env:") {
        return from_environment(variable).map(String::into_bytes);
    }
    let bytes = store::read_secret(Path::new(source)).map_err(Failure::failed)?;
    let line = bytes
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    Ok(line.strip_suffix(b"\r").unwrap_or(line).to_vec())
}

fn ask(prompt: &str) -> Result<Vec<u8>, Failure> {
    rpassword::prompt_password(prompt)
        .map(String::into_bytes)
        .map_err(|error| Failure::failed(format!("cannot ask for the password: {error}")))
}
