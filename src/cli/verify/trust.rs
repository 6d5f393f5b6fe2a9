//! Who must have signed the layout.

use std::fs;
use std::io::ErrorKind;
use std::num::NonZeroUsize;
use std::path::Path;

use clap::Args;

use crate::keys::{AnyKey, Authority as _, Certificate, KeyId, KeyIdStyle, OpenPgpKey, PublicKey};
use crate::report::Problem;
use crate::store;
use crate::verify::{Owner, distinct_owners};

use super::super::failure::Failure;
use super::super::signing::no_keyring;

/// The options about the layout's owners.
#[derive(Args, Debug)]
pub(super) struct Trust {
    /// Public keys that must all have signed the layout: PEM, or key objects of layouts
    #[arg(long = "key", short = 'k', alias = "verification-keys", alias = "layout-keys", value_name = "FILE", num_args = 1.., required_unless_present_any = ["gpg", "gpg_keys"])]
    keys: Vec<String>,
    /// Certificates that may stand between a functionary's and a root of the layout (PEM, several in a
    /// file). They add no trust of their own
    #[arg(long = "intermediate", short = 'i', alias = "intermediate-certs", value_name = "FILE", num_args = 1..)]
    intermediates: Vec<String>,
    /// OpenPGP keys that must all have signed the layout too, each with the main key or a subkey:
    /// files that `gpg --export --armor ID` wrote, or key objects of layouts
    #[arg(long = "gpg-key", value_name = "FILE", num_args = 1..)]
    gpg_keys: Vec<String>,
    /// So many distinct keys of those given are enough for the layout, instead of all. Whoever holds so
    /// many of them then decides what is released; a key counts once, whatever its ids
    #[arg(long, value_name = "M")]
    layout_threshold: Option<NonZeroUsize>,
    /// Not supported
    #[arg(long, short, hide = true, num_args = 1.., value_name = "ID")]
    gpg: Vec<String>,
    /// Not supported
    #[arg(long, hide = true, value_name = "FOLDER")]
    gpg_home: Option<std::path::PathBuf>,
}

impl Trust {
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.gpg.is_empty() && self.gpg_home.is_none() {
            return Ok(());
        }
        Err(no_keyring())
    }

    /// How many owners are enough, if not all of them are needed.
    pub(super) fn threshold(&self, owners: &[Owner<'_>]) -> Result<Option<NonZeroUsize>, Failure> {
        let given = distinct_owners(owners);
        match self.layout_threshold {
            Some(needed) if needed.get() > given => Err(Failure::usage(format!(
                "--layout-threshold {needed} is more than the distinct keys given, which are {given}"
            ))),
            threshold => Ok(threshold),
        }
    }

    /// The files that hold keys and certificates.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        let plain = self.keys.iter().chain(&self.gpg_keys);
        plain.chain(&self.intermediates).map(Path::new)
    }

    /// The keys, and what is wrong with those that are none.
    pub(super) fn load(&self) -> (Vec<AnyKey>, Vec<Problem>) {
        let (mut keys, mut problems) = (Vec::new(), Vec::new());
        let plain = self.keys.iter().map(|path| (path, load_plain(path)));
        let openpgp = self.gpg_keys.iter().map(|path| (path, load_openpgp(path)));
        for (path, loaded) in plain.chain(openpgp) {
            match loaded {
                Ok(found) => keys.extend(found),
                Err(why) => {
                    let absent = is_absent(path);
                    problems.push(Problem::KeyUnreadable {
                        key: path.clone(),
                        why: match absent {
                            true => "there is no such file".to_owned(),
                            false => why,
                        },
                        absent,
                    });
                }
            }
        }
        (keys, problems)
    }

    /// The certificates, and what is wrong with those that are none.
    pub(super) fn intermediates(&self) -> (Vec<Certificate>, Vec<Problem>) {
        let (mut certificates, mut problems) = (Vec::new(), Vec::new());
        for file in &self.intermediates {
            let read = store::read_file(Path::new(file)).map_err(|error| error.to_string());
            let found = read.and_then(|bytes| {
                Certificate::all_from_pem(&bytes).map_err(|error| error.to_string())
            });
            match found {
                Ok(found) => certificates.extend(found),
                Err(why) => problems.push(Problem::CertificateUnreadable {
                    file: file.clone(),
                    why,
                }),
            }
        }
        (certificates, problems)
    }
}

/// A key signs under either of its ids, or under the one that its key object states; an OpenPGP key
/// under its own and those of its subkeys.
pub(in crate::cli) fn owner(key: &AnyKey) -> Owner<'_> {
    let ids = match key {
        AnyKey::Plain(plain) => {
            let mut ids: Vec<KeyId> = plain.stated_id().cloned().into_iter().collect();
            ids.extend([KeyIdStyle::Current, KeyIdStyle::Legacy].map(|style| plain.id(style)));
            ids
        }
        AnyKey::OpenPgp(_) => key.ids(),
    };
    Owner {
        authority: key,
        ids,
    }
}

fn is_absent(path: &str) -> bool {
    fs::metadata(path).is_err_and(|error| error.kind() == ErrorKind::NotFound)
}

pub(in crate::cli) fn load_plain(path: &str) -> Result<Vec<AnyKey>, String> {
    let bytes = store::read_file(Path::new(path)).map_err(|error| error.to_string())?;
    let keys = PublicKey::all_from_file_bytes(&bytes).map_err(|error| error.to_string())?;
    Ok(keys.into_iter().map(AnyKey::from).collect())
}

pub(in crate::cli) fn load_openpgp(path: &str) -> Result<Vec<AnyKey>, String> {
    let bytes = store::read_file(Path::new(path)).map_err(|error| error.to_string())?;
    let key = OpenPgpKey::from_file_bytes(&bytes).map_err(|error| error.to_string())?;
    Ok(vec![key.into()])
}
