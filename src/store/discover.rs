//! Looks for links in a folder and all folders below it, whatever their names. A file is taken for
//! what it holds; nothing is known yet of who signed it.
//!
//! Links to files and folders are not followed, and folders whose names begin with a dot are not
//! entered. Only files that begin like a JSON object, a tar archive or gzip are read. Archives are read one
//! after the other, for each may take a gigabyte of memory.

use std::collections::BTreeSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use crate::model::{Envelope, EnvelopeError, FoundBy};

use super::bundle::{Bundle, BundleEntry, begins_like_an_archive, begins_like_json, read_lines};
use super::evidence::Remark;
use super::{open_file, read_file};

/// How many files and folders are looked at.
pub const MAX_DISCOVERY_ENTRIES: usize = 100_000;

/// How deep folders are entered.
pub const MAX_DISCOVERY_DEPTH: usize = 16;

/// How many bytes the files may have together that are read, and how many all archives may unpack to: a
/// few of the largest links.
pub const MAX_DISCOVERY_BYTES: u64 = 4 << 30;

/// How much of a file tells whether it may be JSON or an archive.
const HEAD: u64 = 512;

/// What was found below a folder.
#[derive(Debug, Default)]
pub(super) struct Discovered {
    /// Envelopes in files of their own and in lines.
    pub(super) entries: Vec<BundleEntry>,
    /// Archives and compressed files that hold any.
    pub(super) bundles: Vec<Bundle>,
}

/// Everything below a folder that is an envelope, by its path. Folders of these names are left out.
/// Archives may unpack to `unpacked` bytes, of which what was used is taken.
pub(super) fn discover(
    root: &Path,
    left_out: &BTreeSet<String>,
    unpacked: &mut u64,
    remarks: &mut Vec<Remark>,
) -> Discovered {
    let (archives, files): (Vec<Candidate>, Vec<Candidate>) = candidates(root, left_out, remarks)
        .into_iter()
        .partition(|candidate| candidate.is_archive);
    let read = |file: Candidate| {
        let mut remarks = Vec::new();
        let entries = entries_of(&file.path, &mut remarks);
        (entries, remarks)
    };
    let read: Vec<_> = files.into_par_iter().map(read).collect();
    let mut found = Discovered::default();
    for (entries, about) in read {
        found.entries.extend(entries);
        for Remark { path, why, .. } in about {
            Remark::add(remarks, path, why);
        }
    }
    for Candidate { path, .. } in archives {
        match Bundle::discovered(&path, unpacked, remarks) {
            Ok(bundle) if bundle.entries.is_empty() => {}
            Ok(bundle) => found.bundles.push(bundle),
            // Most archives hold no links; one that cannot be read is no reason to refuse.
            Err(error) => {
                let path = path.to_string_lossy().into_owned();
                Remark::add(remarks, path, error.to_string());
            }
        }
    }
    found
}

/// A file that may hold envelopes.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    path: PathBuf,
    is_archive: bool,
}

fn entries_of(path: &Path, remarks: &mut Vec<Remark>) -> Vec<BundleEntry> {
    let shown = path.to_string_lossy().into_owned();
    let Ok(bytes) = read_file(path) else {
        return Vec::new();
    };
    let is_lines = path.extension().is_some_and(|end| end == "jsonl");
    match Envelope::from_bytes(&bytes) {
        Ok(envelope) => vec![BundleEntry {
            shown,
            folder: path.parent().map(Path::to_owned).unwrap_or_default(),
            name: path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned())
                .unwrap_or_default(),
            found: FoundBy::Content,
            envelope,
        }],
        Err(_) if is_lines => match read_lines(&bytes, &shown, remarks) {
            Ok(entries) => entries,
            Err(error) => {
                Remark::add(remarks, shown, error.to_string());
                Vec::new()
            }
        },
        Err(error) => {
            // Most JSON is no link and does not want to be one.
            if path.extension().is_some_and(|end| end == "link") {
                remark_about(&shown, &error, remarks);
            }
            Vec::new()
        }
    }
}

fn remark_about(shown: &str, error: &EnvelopeError, remarks: &mut Vec<Remark>) {
    Remark::add(remarks, shown.to_owned(), error.to_string());
}

/// The files that may be envelopes, in the order of their paths.
fn candidates(
    root: &Path,
    left_out: &BTreeSet<String>,
    remarks: &mut Vec<Remark>,
) -> Vec<Candidate> {
    let (mut files, mut bytes, mut seen) = (Vec::new(), 0_u64, 0);
    let mut folders = vec![(root.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        let mut entries: Vec<_> = folder.read_dir().into_iter().flatten().flatten().collect();
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            seen += 1;
            if seen > MAX_DISCOVERY_ENTRIES || bytes > MAX_DISCOVERY_BYTES {
                let why = format!(
                    "what comes behind was not looked at: there are more than {MAX_DISCOVERY_ENTRIES} entries or {MAX_DISCOVERY_BYTES} bytes"
                );
                Remark::place(remarks, &entry.path(), why);
                files.sort();
                return files;
            }
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if kind.is_dir() && !name.starts_with('.') && !left_out.contains(name.as_ref()) {
                if depth < MAX_DISCOVERY_DEPTH {
                    folders.push((entry.path(), depth + 1));
                } else {
                    let why = format!("folders deeper than {MAX_DISCOVERY_DEPTH} are not entered");
                    Remark::place(remarks, &entry.path(), why);
                }
            } else if kind.is_file()
                && let Some((candidate, length)) = candidate(entry.path())
            {
                bytes = bytes.saturating_add(length);
                files.push(candidate);
            }
        }
    }
    files.sort();
    files
}

/// The file, and how long it is, if it begins like something to be read.
fn candidate(path: PathBuf) -> Option<(Candidate, u64)> {
    let (file, length) = open_file(&path).ok()?;
    let mut head = Vec::new();
    file.take(HEAD).read_to_end(&mut head).ok()?;
    let is_archive = begins_like_an_archive(&head);
    let candidate = Candidate { path, is_archive };
    (is_archive || begins_like_json(&head)).then_some((candidate, length))
}
