//! The evidence of a verification: the link files that a layout asks for, read beforehand.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::keys::KeyId;
use crate::model::{
    Envelope, Evidence, ItemName, LinkFile, LinkFileError, PayloadKind, wanted_links,
};

use super::{StoreError, link_file_name, read_envelope};

/// How deep sublayouts may be nested. The deepest chain anyone has shown has three.
pub const MAX_SUBLAYOUT_DEPTH: usize = 8;

/// How many sublayouts one verification follows. Each can ask for many links, so this is the limit
/// that keeps a malicious functionary from keeping a verifier busy.
pub const MAX_SUBLAYOUTS: usize = 64;

/// How many characters of a key id stand in the name of a link file.
const KEYID_SHOWN: usize = 8;

/// How many link files one verification reads, those of sublayouts included: a layout that asks
/// for more is most likely a trap.
pub const MAX_LINK_FILES: usize = 10_000;

/// How many files are read for one layout beside those that are named for functionaries of its steps.
pub const MAX_OTHER_LINK_FILES: usize = 256;

/// Reads the link files that a layout asks for from a folder, `STEP.KEYID8.link`, and for each layout
/// among them the ones that it asks for from its own folder, `STEP.KEYID8` beside it. Files of its
/// steps that are named for other keys are read too, after these; sublayouts among them are not
/// followed. The files of one layout are read side by side; what comes out does not depend on that.
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

/// A file that may be there.
struct Sought {
    step: ItemName,
    /// What stands for the key in its name.
    named: String,
    path: PathBuf,
}

fn read_below(layout: &Envelope, folder: &Path, depth: usize, budget: &mut Budget) -> Evidence {
    let mut evidence = Evidence::default();
    let wanted = wanted_links(layout.payload());
    let sought = named_for_functionaries(&wanted, folder);
    for (sought, content) in read_all(sought) {
        let Some(content) = content else {
            continue;
        };
        let content = match budget.files.checked_sub(1) {
            Some(less) => {
                budget.files = less;
                content
            }
            None => Err(LinkFileError::TooMany {
                limit: MAX_LINK_FILES,
            }),
        };
        let inner = folder.join(format!("{}.{}", sought.step, sought.named));
        let (content, below) = follow(content, &inner, depth, budget);
        evidence.insert(
            sought.step,
            link_file(sought.named, &sought.path, content, below),
        );
    }
    let mut others = named_for_others(&wanted, folder);
    others.truncate(MAX_OTHER_LINK_FILES.min(budget.files));
    for (sought, content) in read_all(others) {
        if let Some(content) = content {
            budget.files -= 1;
            let below = Evidence::default();
            evidence.insert(
                sought.step,
                link_file(sought.named, &sought.path, content, below),
            );
        }
    }
    evidence
}

/// A sublayout, and what is below it.
fn follow(
    content: LinkContent,
    inner: &Path,
    depth: usize,
    budget: &mut Budget,
) -> (LinkContent, Evidence) {
    let none = Evidence::default();
    let envelope = match content {
        Ok(envelope) if envelope.kind() == PayloadKind::Layout => envelope,
        content => return (content, none),
    };
    if budget.sublayouts == 0 {
        let limit = MAX_SUBLAYOUTS;
        return (Err(LinkFileError::TooManySublayouts { limit }), none);
    }
    if depth >= MAX_SUBLAYOUT_DEPTH {
        let limit = MAX_SUBLAYOUT_DEPTH;
        return (Err(LinkFileError::NestedTooDeep { limit }), none);
    }
    budget.sublayouts -= 1;
    let below = read_below(&envelope, inner, depth + 1, budget);
    (Ok(envelope), below)
}

fn named_for_functionaries(wanted: &[(ItemName, Vec<KeyId>)], folder: &Path) -> Vec<Sought> {
    let mut seen = BTreeSet::new();
    let mut sought = Vec::new();
    for (step, keyids) in wanted {
        for keyid in keyids {
            if seen.insert((step, keyid.short())) {
                sought.push(Sought {
                    step: step.clone(),
                    named: keyid.short().to_owned(),
                    path: folder.join(link_file_name(step.as_str(), keyid)),
                });
            }
        }
    }
    sought
}

/// Files in the folder that are named for a step and for no functionary of it, in the order of their
/// names. Where the folder cannot be listed, there are none.
fn named_for_others(wanted: &[(ItemName, Vec<KeyId>)], folder: &Path) -> Vec<Sought> {
    let steps: BTreeMap<&str, &(ItemName, Vec<KeyId>)> = wanted
        .iter()
        .map(|wanted| (wanted.0.as_str(), wanted))
        .collect();
    let other = |name: &str| {
        let (step, named) = name.strip_suffix(".link")?.rsplit_once('.')?;
        let (step, keyids) = steps.get(step)?;
        let is_key = named.len() == KEYID_SHOWN && named.bytes().all(|b| b.is_ascii_hexdigit());
        let is_functionary = keyids.iter().any(|keyid| keyid.short() == named);
        (is_key && !is_functionary).then(|| Sought {
            step: step.clone(),
            named: named.to_owned(),
            path: folder.join(name),
        })
    };
    let listed = folder.read_dir().into_iter().flatten().flatten();
    let mut found: Vec<Sought> = listed
        .filter_map(|entry| other(entry.file_name().to_str()?))
        .collect();
    found.sort_by(|one, two| one.path.cmp(&two.path));
    found
}

fn read_all(sought: Vec<Sought>) -> Vec<(Sought, Option<LinkContent>)> {
    let one = |sought: Sought| {
        let content = read_link(&sought.path);
        (sought, content)
    };
    sought.into_par_iter().map(one).collect()
}

fn link_file(named: String, path: &Path, content: LinkContent, below: Evidence) -> LinkFile {
    LinkFile {
        path: path.to_string_lossy().into_owned(),
        named,
        content,
        below,
    }
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
