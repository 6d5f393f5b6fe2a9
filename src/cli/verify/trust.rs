//! Who must have signed the layout.

use std::path::Path;

use clap::Args;

use crate::keys::{Certificate, KeyId, KeyIdStyle, PublicKey};
use crate::report::Problem;
use crate::store;
use crate::verify::Owner;

use super::super::failure::Failure;

/// The options about the layout's owners.
#[derive(Args, Debug)]
pub(super) struct Trust {
    /// Public keys that must all have signed the layout: PEM, or key objects of layouts
    #[arg(long = "key", short = 'k', alias = "verification-keys", alias = "layout-keys", value_name = "FILE", num_args = 1.., required_unless_present = "gpg")]
    keys: Vec<String>,
    /// Certificates that may stand between a functionary's and a root of the layout (PEM, several in a
    /// file). They add no trust of their own
    #[arg(long = "intermediate", short = 'i', alias = "intermediate-certs", value_name = "FILE", num_args = 1..)]
    intermediates: Vec<String>,
    /// Not supported
    #[arg(long, short, hide = true, num_args = 1.., value_name = "ID")]
    gpg: Vec<String>,
    /// Not supported
    #[arg(long, hide = true, value_name = "FOLDER")]
    gpg_home: Option<std::path::PathBuf>,
}

impl Trust {
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.gpg.is_empty() {
            return Ok(());
        }
        Err(
            Failure::usage("layouts signed with OpenPGP keys are not supported")
                .hint("give the public key of a layout's owner with --key"),
        )
    }

    /// The files that hold keys and certificates.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.keys.iter().chain(&self.intermediates).map(Path::new)
    }

    /// The keys, and what is wrong with those that are none.
    pub(super) fn load(&self) -> (Vec<PublicKey>, Vec<Problem>) {
        load_keys(&self.keys)
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

/// A key signs under either of its ids, or under the one that its key object states.
pub(super) fn owner(key: &PublicKey) -> Owner<'_> {
    let mut ids: Vec<KeyId> = key.stated_id().cloned().into_iter().collect();
    ids.extend([KeyIdStyle::Current, KeyIdStyle::Legacy].map(|style| key.id(style)));
    Owner {
        authority: key,
        ids,
    }
}

fn load_keys(paths: &[String]) -> (Vec<PublicKey>, Vec<Problem>) {
    let (mut keys, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        let unreadable = |why: String| Problem::KeyUnreadable {
            key: path.clone(),
            why,
        };
        match store::read_file(Path::new(path)) {
            Ok(bytes) => match PublicKey::all_from_file_bytes(&bytes) {
                Ok(found) => keys.extend(found),
                Err(error) => problems.push(unreadable(error.to_string())),
            },
            Err(error) => problems.push(unreadable(error.to_string())),
        }
    }
    (keys, problems)
}
