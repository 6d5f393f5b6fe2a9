//! Which file has which name. Two files must not have one; one file may be named twice.

use std::path::{Path, PathBuf};

use super::engine::{Recorded, Scan};
use super::order::{Files, Names};
use super::reuse::Kept;
use super::walk::Ground;
use super::{Event, RecordError, RecordErrors, resolve};
use crate::model::{ArtifactPath, Artifacts, DigestSet};

/// A file and the name under which it would be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundFile {
    /// The name.
    pub name: ArtifactPath,
    /// Where it is.
    pub path: PathBuf,
}

/// What was recorded, under its names, and what went wrong.
#[derive(Default)]
pub(super) struct Claims {
    claims: Files,
    names: Names,
    errors: Vec<RecordError>,
}

impl Claims {
    pub(super) fn error(&mut self, error: RecordError) {
        self.errors.push(error);
    }

    /// An artifact that is not a single file: a folder or a commit.
    pub(super) fn single(
        &mut self,
        path: &Path,
        scheme: &'static str,
        digests: Result<(DigestSet, u64), Vec<RecordError>>,
        ground: Ground<'_>,
    ) {
        let lstrip: &[String] = match scheme {
            resolve::OSTREE => &[],
            _ => &ground.options.lstrip,
        };
        let name = match resolve::name(path, scheme, lstrip) {
            Ok(name) => name,
            Err(error) => return self.error(error),
        };
        let (digests, bytes) = match digests {
            Ok((digests, bytes)) => {
                let path = name.as_str();
                ground.observer.event(Event::Hashed { path, bytes });
                (Some(digests), bytes)
            }
            Err(errors) => {
                self.errors.extend(errors);
                (None, 0)
            }
        };
        let source = match scheme {
            resolve::OSTREE => resolve::reference_path(&path.to_string_lossy()),
            _ => PathBuf::from(path),
        };
        let claim = Recorded {
            name: self.names.add(name.as_str()),
            path: Some(source.into()),
            digests,
            bytes,
            state: None,
        };
        self.claims.extend(vec![claim].into(), 0);
    }

    pub(super) fn files(&mut self, scan: Scan) {
        self.errors.extend(scan.errors);
        let texts = self.names.extend(scan.names);
        self.claims.extend(scan.files, texts);
    }

    /// The artifacts, if nothing went wrong, and by what their files may be known again.
    pub(super) fn settle(self) -> Result<(Artifacts, Vec<Kept>), RecordErrors> {
        let mut kept = Vec::new();
        let mut unhashed = Vec::new();
        let (claims, names) = self.sorted()?;
        let (count, bytes) = (claims.len(), names.bytes());
        let named = claims.iter().map(|claim| {
            let digests = match &claim.digests {
                Some(digests) if digests.sha256().is_some() => digests.clone(),
                _ => {
                    unhashed.push(claim.unhashed(&names));
                    DigestSet::default()
                }
            };
            kept.extend(
                claim
                    .state
                    .as_deref()
                    .map(|state| (*state, digests.clone())),
            );
            (names.get(claim.name), digests)
        });
        let artifacts = Artifacts::with_room(count, bytes, named);
        RecordErrors::check(unhashed)?;
        Ok((artifacts, kept))
    }

    /// Where the files are, seen from where the base is.
    pub(super) fn places(self, base: Option<&Path>) -> Result<Vec<FoundFile>, RecordErrors> {
        let (claims, names) = self.sorted()?;
        let place = |claim: &Recorded| {
            let path = claim.path(&names);
            FoundFile {
                path: base.map_or_else(|| path.to_owned(), |base| base.join(path)),
                name: ArtifactPath::claimed(names.get(claim.name)),
            }
        };
        Ok(claims.iter().map(place).collect())
    }

    fn sorted(mut self) -> Result<(Files, Names), RecordErrors> {
        // Mostly they are in order already.
        let name = |claim: &Recorded| self.names.get(claim.name);
        if !(self.claims.iter().map(name)).is_sorted_by(|one, next| one < next) {
            let mut claims = std::mem::take(&mut self.claims).into_vec();
            // Of the same name the first stays first.
            claims.sort_by(|one, other| name(one).cmp(name(other)));
            self.resolve_doubles(&mut claims);
            self.claims = claims.into();
        }
        RecordErrors::check(self.errors)?;
        Ok((self.claims, self.names))
    }

    /// Keeps the first claim of each name.
    fn resolve_doubles(&mut self, claims: &mut Vec<Recorded>) {
        let (errors, names) = (&mut self.errors, &self.names);
        claims.dedup_by(|second, first| {
            let name = names.get(first.name);
            if name != names.get(second.name) {
                return false;
            }
            if first.path(names) != second.path(names) {
                errors.push(collision(name, first.path(names), second.path(names)));
            } else if let (Some(one), Some(other)) = (&first.digests, &second.digests)
                && one != other
            {
                // It was read twice, as roots may be inside each other.
                let path = first.path(names).to_owned();
                errors.push(RecordError::Changed { path });
            }
            true
        });
        // What is wrong with a file that was read twice is said once.
        self.errors.sort_by(RecordError::by_path);
        self.errors
            .dedup_by(|second, first| first.to_string() == second.to_string());
    }
}

impl Recorded {
    /// What is wrong if it has no digest and nobody said why.
    pub(super) fn unhashed(&self, names: &Names) -> RecordError {
        RecordError::Unhashed {
            path: self.path(names).to_owned(),
        }
    }
}

fn collision(name: &str, first: &Path, second: &Path) -> RecordError {
    RecordError::Collision {
        name: ArtifactPath::claimed(name),
        first: first.to_owned(),
        second: second.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_digest_is_an_error_that_names_it() {
        for digests in [None, Some(DigestSet::default())] {
            let mut names = Names::default();
            let mut file = |name, digests| Recorded {
                name: names.add(name),
                path: None,
                digests,
                bytes: 1,
                state: None,
            };
            let mut claims = Claims::default();
            let files = vec![
                file("a", Some(DigestSet::of_sha256([7; 32]))),
                file("b", digests),
            ];
            claims.files(Scan {
                files: files.into(),
                names,
                errors: Vec::new(),
            });
            assert_eq!(
                claims.settle().unwrap_err().to_string(),
                "`b` was found and not hashed, which is a mistake of linkwright"
            );
        }
    }
}
