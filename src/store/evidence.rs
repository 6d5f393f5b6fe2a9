//! The evidence of a verification: the link files that a layout asks for, read beforehand.

use std::io;
use std::path::Path;

use rayon::prelude::*;

use crate::model::{Envelope, Evidence, LinkFile, LinkFileError, PayloadKind, wanted_links};

use super::{StoreError, link_file_name, read_envelope};

/// How deep sublayouts may be nested. The deepest chain anyone has shown has three.
pub const MAX_SUBLAYOUT_DEPTH: usize = 8;

/// How many sublayouts one verification follows. Each can ask for many links, so this is the limit
/// that keeps a malicious functionary from keeping a verifier busy.
pub const MAX_SUBLAYOUTS: usize = 64;

/// How many link files one verification reads, those of sublayouts included: a layout that asks
/// for more is most likely a trap.
pub const MAX_LINK_FILES: usize = 10_000;

/// Reads the link files that a layout asks for from a folder, and for each layout among them the
/// ones that it asks for from its own folder, `STEP.KEYID8` beside it. The files of one layout are
/// read side by side; what comes out does not depend on that.
pub fn read_evidence(layout: &Envelope, folder: &Path) -> Evidence {
    let mut budget = Budget {
        files: MAX_LINK_FILES,
        sublayouts: MAX_SUBLAYOUTS,
    };
    read_below(layout, folder, 0, &mut budget)
}

/// How much may still be read.
struct Budget {
    files: usize,
    sublayouts: usize,
}

fn read_below(layout: &Envelope, folder: &Path, depth: usize, budget: &mut Budget) -> Evidence {
    let mut evidence = Evidence::default();
    let wanted = wanted_links(layout.payload());
    // Files of sublayouts count too, and may use up what is left before all of these are looked at:
    // then some of them were read in vain.
    let read: Vec<Option<LinkContent>> = wanted
        .par_iter()
        .take(budget.files)
        .map(|(step, keyid)| read_link(&folder.join(link_file_name(step.as_str(), keyid))))
        .collect();
    let mut read = read.into_iter();
    for (step, keyid) in wanted {
        let content = if let Some(less) = budget.files.checked_sub(1) {
            budget.files = less;
            read.next().flatten()
        } else {
            Some(Err(LinkFileError::TooMany {
                limit: MAX_LINK_FILES,
            }))
        };
        let mut below = Evidence::default();
        let content = match content {
            None => continue,
            Some(Ok(envelope)) if envelope.kind() == PayloadKind::Layout => {
                if budget.sublayouts == 0 {
                    Err(LinkFileError::TooManySublayouts {
                        limit: MAX_SUBLAYOUTS,
                    })
                } else if depth < MAX_SUBLAYOUT_DEPTH {
                    budget.sublayouts -= 1;
                    let inner = folder.join(format!("{step}.{}", keyid.short()));
                    below = read_below(&envelope, &inner, depth + 1, budget);
                    Ok(envelope)
                } else {
                    Err(LinkFileError::NestedTooDeep {
                        limit: MAX_SUBLAYOUT_DEPTH,
                    })
                }
            }
            Some(content) => content,
        };
        let path = folder.join(link_file_name(step.as_str(), &keyid));
        let file = LinkFile {
            path: path.to_string_lossy().into_owned(),
            content,
            below,
        };
        evidence.insert(step, keyid, file);
    }
    evidence
}

type LinkContent = Result<Envelope, LinkFileError>;

/// `None` when there is no such file.
fn read_link(path: &Path) -> Option<LinkContent> {
    Some(match read_envelope(path) {
        Ok(envelope) => Ok(envelope),
        Err(StoreError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            return None;
        }
        Err(StoreError::Envelope { source, .. }) => Err(LinkFileError::Envelope(source)),
        Err(error) => Err(LinkFileError::Unreadable(error.to_string())),
    })
}
