//! Bundles: many links in one file. JSON lines with an envelope each, or a tar archive; either may be
//! compressed with gzip. What a file is shows in its first bytes, not in its name.
//!
//! Everything is read in memory and within limits, and nothing is unpacked to the disk. Names of an
//! archive are only labels: one that leads elsewhere is passed over, as are links and devices.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use flate2::bufread::MultiGzDecoder;
use rayon::prelude::*;

use crate::model::{Envelope, EnvelopeError, FoundBy};

use super::evidence::Remark;
use super::{StoreError, read_file};

/// How many entries a bundle may have, those that are no links included.
pub const MAX_BUNDLE_ENTRIES: usize = 10_000;

/// How many bytes a bundle may have when it is not compressed, and how many its entries may have
/// together: as much as one metadata file.
pub const MAX_BUNDLE_BYTES: u64 = super::MAX_METADATA_BYTES;

const GZIP: &[u8] = &[0x1f, 0x8b];
/// Where a tar archive says that it is one.
const TAR_MAGIC: (usize, &[u8]) = (257, b"ustar");

/// Why a bundle cannot be read.
#[derive(Debug, thiserror::Error)]
pub(super) enum BundleError {
    /// The file cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The archive is damaged.
    #[error("the archive is damaged: {0}")]
    Archive(io::Error),
    /// Beyond [`MAX_BUNDLE_ENTRIES`].
    #[error("it has more than {MAX_BUNDLE_ENTRIES} entries")]
    TooMany,
    /// Beyond [`MAX_BUNDLE_BYTES`].
    #[error("it unpacks to more than {MAX_BUNDLE_BYTES} bytes")]
    TooLarge,
    /// Nothing in it is an envelope.
    #[error("it holds no links")]
    NoLinks,
}

/// A bundle, read.
#[derive(Debug)]
pub(super) struct Bundle {
    pub(super) entries: Vec<BundleEntry>,
}

/// An envelope of a bundle.
#[derive(Debug)]
pub(super) struct BundleEntry {
    /// Bundle and place in it, for people.
    pub(super) shown: String,
    /// The folder it is in, as seen from the bundle.
    pub(super) folder: PathBuf,
    /// Its name in that folder; empty for a line.
    pub(super) name: String,
    pub(super) found: FoundBy,
    pub(super) envelope: Envelope,
}

/// What a file turned out to be.
enum Content {
    /// One envelope; whether that is all of the file.
    Single(Envelope, FoundBy),
    /// Many, perhaps.
    Pieces(Vec<Piece>),
}

/// Bytes that may be an envelope.
struct Piece {
    shown: String,
    folder: PathBuf,
    name: String,
    bytes: Vec<u8>,
}

impl Bundle {
    /// Reads a file that is said to be one.
    pub(super) fn read(path: &Path, remarks: &mut Vec<Remark>) -> Result<Self, BundleError> {
        let mut left = MAX_BUNDLE_BYTES;
        let bundle = Self::within(path, &mut left, remarks)?;
        if bundle.entries.is_empty() {
            return Err(BundleError::NoLinks);
        }
        Ok(bundle)
    }

    /// Reads a file that may be one and may be anything else. It may unpack to `left` bytes, of which
    /// what was used is taken. Without remarks on what does not want to be a link.
    pub(super) fn discovered(
        path: &Path,
        left: &mut u64,
        remarks: &mut Vec<Remark>,
    ) -> Result<Self, BundleError> {
        let mut about = Vec::new();
        let bundle = Self::within(path, left, &mut about)?;
        if !bundle.entries.is_empty() {
            let wants_to_be = |remark: &Remark| {
                let path = Path::new(&remark.path);
                path.extension().is_some_and(|end| end == "link") || remark.path.contains(".jsonl:")
            };
            for Remark { path, why, .. } in about.into_iter().filter(wants_to_be) {
                Remark::add(remarks, path, why);
            }
        }
        Ok(bundle)
    }

    fn within(path: &Path, left: &mut u64, remarks: &mut Vec<Remark>) -> Result<Self, BundleError> {
        let shown = path.to_string_lossy().into_owned();
        let entries = match content(path, &shown, left, remarks)? {
            Content::Single(envelope, found) => {
                let name = path.file_name();
                vec![BundleEntry {
                    shown,
                    folder: PathBuf::new(),
                    name: name
                        .map(|name| name.to_string_lossy().into_owned())
                        .unwrap_or_default(),
                    found,
                    envelope,
                }]
            }
            Content::Pieces(pieces) => read_pieces(pieces, remarks),
        };
        Ok(Self { entries })
    }
}

fn content(
    path: &Path,
    shown: &str,
    left: &mut u64,
    remarks: &mut Vec<Remark>,
) -> Result<Content, BundleError> {
    let mut bytes = read_file(path)?;
    let mut found = FoundBy::Content;
    if bytes.starts_with(GZIP) {
        bytes = unzipped(&bytes, MAX_BUNDLE_BYTES.min(*left))?;
        let length = u64::try_from(bytes.len()).unwrap_or(u64::MAX);
        *left = left.saturating_sub(length);
        // Not all of the file shows in what it unpacks to.
        found = FoundBy::Bundle;
    }
    if is_tar(&bytes) {
        return Ok(Content::Pieces(pieces_of_tar(&bytes, shown, remarks)?));
    }
    Ok(match Envelope::from_bytes(&bytes) {
        Ok(envelope) => Content::Single(envelope, found),
        Err(_) => Content::Pieces(lines(&bytes, shown)?),
    })
}

fn is_tar(bytes: &[u8]) -> bool {
    let (start, magic) = TAR_MAGIC;
    bytes.get(start..start + magic.len()) == Some(magic)
}

/// Whether a file that begins so may be an archive or compressed.
pub(super) fn begins_like_an_archive(head: &[u8]) -> bool {
    head.starts_with(GZIP) || is_tar(head)
}

/// The envelopes of JSON lines, and remarks about lines that are none.
pub(super) fn read_lines(
    bytes: &[u8],
    shown: &str,
    remarks: &mut Vec<Remark>,
) -> Result<Vec<BundleEntry>, BundleError> {
    Ok(read_pieces(lines(bytes, shown)?, remarks))
}

fn read_pieces(pieces: Vec<Piece>, remarks: &mut Vec<Remark>) -> Vec<BundleEntry> {
    let read = |piece: Piece| -> Result<BundleEntry, (String, EnvelopeError)> {
        match Envelope::from_vec(piece.bytes) {
            Ok(envelope) => Ok(BundleEntry {
                shown: piece.shown,
                folder: piece.folder,
                name: piece.name,
                found: FoundBy::Bundle,
                envelope,
            }),
            Err(error) => Err((piece.shown, error)),
        }
    };
    let read: Vec<_> = pieces.into_par_iter().map(read).collect();
    let mut entries = Vec::new();
    for piece in read {
        match piece {
            Ok(entry) => entries.push(entry),
            Err((path, error)) => Remark::add(remarks, path, error.to_string()),
        }
    }
    entries
}

fn unzipped(bytes: &[u8], limit: u64) -> Result<Vec<u8>, BundleError> {
    let mut unzipped = Vec::new();
    let mut limited = MultiGzDecoder::new(bytes).take(limit + 1);
    limited
        .read_to_end(&mut unzipped)
        .map_err(BundleError::Archive)?;
    match u64::try_from(unzipped.len()) {
        Ok(length) if length <= limit => Ok(unzipped),
        _ => Err(BundleError::TooLarge),
    }
}

fn lines(bytes: &[u8], shown: &str) -> Result<Vec<Piece>, BundleError> {
    let mut pieces = Vec::new();
    for (at, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        if line.trim_ascii().is_empty() {
            continue;
        }
        if pieces.len() >= MAX_BUNDLE_ENTRIES {
            return Err(BundleError::TooMany);
        }
        pieces.push(Piece {
            shown: format!("{shown}:{}", at + 1),
            folder: PathBuf::new(),
            name: String::new(),
            bytes: line.to_vec(),
        });
    }
    Ok(pieces)
}

fn pieces_of_tar(
    bytes: &[u8],
    shown: &str,
    remarks: &mut Vec<Remark>,
) -> Result<Vec<Piece>, BundleError> {
    let damaged = BundleError::Archive;
    let mut pieces = Vec::new();
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut left = MAX_BUNDLE_BYTES;
    for (count, entry) in tar::Archive::new(bytes)
        .entries()
        .map_err(damaged)?
        .enumerate()
    {
        let entry = entry.map_err(damaged)?;
        if count >= MAX_BUNDLE_ENTRIES {
            return Err(BundleError::TooMany);
        }
        let kind = entry.header().entry_type();
        if kind.is_dir() || kind.is_pax_global_extensions() {
            continue;
        }
        let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
        // Of two entries with one name neither stands for the other.
        let times = seen.entry(name.clone()).or_default();
        *times += 1;
        let label = match *times {
            1 => format!("{shown}!{name}"),
            times => format!("{shown}!{name} ({times})"),
        };
        if !kind.is_file() {
            Remark::add(remarks, label, "it is no regular file".to_owned());
            continue;
        }
        let Some((folder, name)) = place(&name) else {
            Remark::add(remarks, label, "its name leads elsewhere".to_owned());
            continue;
        };
        // An entry can be larger than what stands for it in the archive.
        let mut content = Vec::new();
        entry
            .take(left + 1)
            .read_to_end(&mut content)
            .map_err(damaged)?;
        let length = u64::try_from(content.len()).unwrap_or(u64::MAX);
        left = left.checked_sub(length).ok_or(BundleError::TooLarge)?;
        if name.ends_with(".jsonl") {
            pieces.extend(lines(&content, &label)?);
        } else if begins_like_json(&content) {
            pieces.push(Piece {
                shown: label,
                folder,
                name,
                bytes: content,
            });
        }
    }
    Ok(pieces)
}

/// Folder and name of an entry that stays inside.
fn place(name: &str) -> Option<(PathBuf, String)> {
    let mut folder = PathBuf::new();
    for part in Path::new(name).components() {
        match part {
            Component::CurDir => {}
            Component::Normal(part) => folder.push(part),
            Component::ParentDir | Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    let name = folder.file_name()?.to_str()?.to_owned();
    folder.pop();
    Some((folder, name))
}

/// Whether an object may follow.
pub(super) fn begins_like_json(bytes: &[u8]) -> bool {
    bytes.trim_ascii_start().first() == Some(&b'{')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::io::Write as _;

    use super::*;

    const LINK: &str = r#"{"signatures":[],"signed":{"_type":"link","name":"a"}}"#;

    fn read(bytes: &[u8]) -> (Result<Bundle, BundleError>, Vec<Remark>) {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        let mut remarks = Vec::new();
        let bundle = Bundle::read(file.path(), &mut remarks);
        (bundle, remarks)
    }

    fn tar(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (name, content) in entries {
            let mut header = tar::Header::new_ustar();
            // As an attacker would: the builder refuses some names.
            let field = &mut header.as_old_mut().name;
            field[..name.len()].copy_from_slice(name.as_bytes());
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            builder.append(&header, *content).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn places(bundle: &Bundle) -> Vec<String> {
        let place = |entry: &BundleEntry| entry.folder.join(&entry.name).display().to_string();
        bundle.entries.iter().map(place).collect()
    }

    #[test]
    fn lines_archives_and_single_links_are_bundles_compressed_or_not() {
        let archive = tar(&[
            ("./x/a.link", LINK.as_bytes()),
            ("README", b"no link"),
            ("b.jsonl", format!("{LINK}\n\n{LINK}").as_bytes()),
        ]);
        let pretty = LINK.replace(',', ",\n");
        for (bytes, count) in [
            (format!("{LINK}\n{LINK}\n\n{LINK}").as_bytes(), 3),
            (pretty.as_bytes(), 1),
            (archive.as_slice(), 3),
        ] {
            for bytes in [bytes.to_vec(), gzip(bytes)] {
                let (bundle, remarks) = read(&bytes);
                assert_eq!(bundle.unwrap().entries.len(), count);
                assert!(remarks.is_empty(), "{remarks:?}");
            }
        }
        let (bundle, _) = read(&archive);
        assert_eq!(places(&bundle.unwrap()), ["x/a.link", "", ""]);
    }

    #[test]
    fn what_is_malformed_does_not_keep_the_rest_from_being_read() {
        let (bundle, remarks) = read(format!("{{\n{LINK}\n[]\n").as_bytes());
        assert_eq!(bundle.unwrap().entries.len(), 1);
        assert_eq!(remarks.len(), 2);
        let broken = tar(&[("a.link", b"{"), ("b.link", LINK.as_bytes())]);
        let (bundle, remarks) = read(&broken);
        assert_eq!(places(&bundle.unwrap()), ["b.link"]);
        assert_eq!(remarks.len(), 1);
    }

    #[test]
    fn entries_that_lead_elsewhere_or_are_no_files_are_passed_over() {
        let mut builder = tar::Builder::new(tar(&[
            ("../a.link", LINK.as_bytes()),
            ("/etc/a.link", LINK.as_bytes()),
            ("x/../../a.link", LINK.as_bytes()),
            ("good.link", LINK.as_bytes()),
        ]));
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Symlink);
        header.set_size(0);
        builder
            .append_link(&mut header, "s.link", "/etc/passwd")
            .unwrap();
        let bytes = builder.into_inner().unwrap();
        // The end of the first archive stands before what was appended to it.
        let (bundle, remarks) = read(&without_ends(&bytes));
        assert_eq!(places(&bundle.unwrap()), ["good.link"]);
        assert_eq!(remarks.len(), 4, "{remarks:?}");
    }

    #[test]
    fn entries_of_one_name_are_told_apart() {
        let (bundle, _) = read(&tar(&[("a.link", LINK.as_bytes()); 3]));
        let bundle = bundle.unwrap();
        let shown: BTreeSet<&str> = bundle
            .entries
            .iter()
            .map(|entry| entry.shown.as_str())
            .collect();
        assert_eq!(shown.len(), 3, "{shown:?}");
    }

    /// An archive without blocks of zeros.
    fn without_ends(bytes: &[u8]) -> Vec<u8> {
        let blocks = bytes
            .chunks(512)
            .filter(|block| block.iter().any(|byte| *byte != 0));
        blocks.flatten().copied().collect()
    }

    #[test]
    fn limits_are_errors() {
        let many = format!("{LINK}\n").repeat(MAX_BUNDLE_ENTRIES + 1);
        assert!(matches!(read(many.as_bytes()).0, Err(BundleError::TooMany)));
        let bomb = gzip(&[b' '; 100_000]);
        assert!(bomb.len() < 1000);
        assert!(unzipped(&bomb, 100_000).is_ok());
        let refused = unzipped(&bomb, 99_999);
        assert!(matches!(refused, Err(BundleError::TooLarge)));
        assert!(matches!(read(b"").0, Err(BundleError::NoLinks)));
        assert!(matches!(
            read(b"\x1f\x8bnot").0,
            Err(BundleError::Archive(_))
        ));
    }

    #[test]
    fn no_damage_of_an_archive_is_more_than_an_error() {
        let archive = tar(&[("a.link", LINK.as_bytes()), ("x/b.link", LINK.as_bytes())]);
        for at in 0..archive.len().min(2048) {
            for value in [0, b'9', 0x80, 0xff] {
                let mut damaged = archive.clone();
                damaged[at] = value;
                if let Ok(bundle) = pieces_of_tar(&damaged, "x", &mut Vec::new()) {
                    assert!(bundle.len() <= 2);
                }
            }
        }
    }
}
