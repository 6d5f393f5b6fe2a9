//! From a root as it was named to the names of artifacts: schemes, normalisation, prefixes; and the
//! artifacts that are not single files. `dir:` makes a whole folder one artifact, `ostree:` a commit.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::RecordError;
use super::engine::{Effort, Pass, Recorded, RootSpec, Scan, scan};
use super::hash::{Content, Hashed, Links, Wanted, hash_file, open};
use super::order::Names;
use super::reuse::Remembering;
use super::walk::Ground;
use crate::event::Silent;
use crate::model::{Algorithm, ArtifactPath, DigestSet, NameError, hex};

/// A plain file, named with its scheme. The name keeps it.
pub(super) const FILE: &str = "file:";
/// A folder as one artifact.
pub(super) const DIR: &str = "dir:";
/// An ostree ref.
pub(super) const OSTREE: &str = "ostree:";

/// Bytes of a ref file that are read; 64 digits and a line feed are expected.
const MAX_REFERENCE: u64 = 256;

/// A root, parsed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Root<'a> {
    /// The files below a normalised path. Their names begin with the scheme that was given, if any.
    Files { path: String, scheme: &'static str },
    /// The folder as it was named.
    Folder { path: &'a str },
    /// An ostree ref.
    Commit { reference: &'a str },
}

impl<'a> Root<'a> {
    /// Every text is a root: with an unknown scheme it is a path.
    pub(super) fn parse(root: &'a str) -> Self {
        if let Some(path) = root.strip_prefix(DIR) {
            return Self::Folder { path };
        }
        if let Some(reference) = root.strip_prefix(OSTREE) {
            return Self::Commit { reference };
        }
        let (path, scheme) = match root.strip_prefix(FILE) {
            Some(path) => (path, FILE),
            None => (root, ""),
        };
        Self::Files {
            path: normalized(path),
            scheme,
        }
    }
}

/// The path without `.`, empty parts and `a/..`, by its text alone; Python's `os.path.normpath`.
/// Exactly two slashes in front are kept, as POSIX lets them mean something else.
fn normalized(path: &str) -> String {
    let rest = path.trim_start_matches('/');
    let slashes = match path.len().saturating_sub(rest.len()) {
        0 => "",
        2 => "//",
        _ => "/",
    };
    let mut parts: Vec<&str> = Vec::new();
    for part in rest.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => drop(parts.pop()),
            ".." if !slashes.is_empty() => {}
            _ => parts.push(part),
        }
    }
    let normalized = format!("{slashes}{}", parts.join("/"));
    if normalized.is_empty() {
        ".".to_owned()
    } else {
        normalized
    }
}

/// The name of what is at `path`: separators are `/`, the first prefix of `lstrip` that fits is
/// gone, and the scheme stands in front.
pub(super) fn name(
    path: &Path,
    scheme: &str,
    lstrip: &[String],
) -> Result<ArtifactPath, RecordError> {
    let text = path.to_str().ok_or_else(|| RecordError::NotUnicode {
        path: path.to_owned(),
    })?;
    name_of_text(text, scheme, lstrip).map_err(|source| RecordError::Name {
        path: path.to_owned(),
        source,
    })
}

/// The same for a path that is text.
pub(super) fn name_of_text(
    path: &str,
    scheme: &str,
    lstrip: &[String],
) -> Result<ArtifactPath, NameError> {
    let whole = ArtifactPath::recorded(path)?;
    let stripped = lstrip
        .iter()
        .find_map(|prefix| whole.as_str().strip_prefix(prefix.as_str()));
    match (stripped, scheme) {
        (None, "") => Ok(whole),
        (stripped, scheme) => {
            let rest = stripped.unwrap_or(whole.as_str());
            ArtifactPath::recorded(&format!("{scheme}{rest}"))
        }
    }
}

/// What the names of a root's files are made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// A scheme, and the path without a prefix.
    Files { scheme: &'static str },
    /// The path alone, which stands on a line of its own.
    Listed,
}

/// The name of a file below a root. Mostly it is its path as it stands.
pub(super) fn name_as<'p>(
    path: &'p Path,
    naming: Naming,
    ground: Ground<'_>,
) -> Result<Cow<'p, str>, RecordError> {
    let owned = |name: ArtifactPath| Cow::Owned(name.as_str().to_owned());
    match naming {
        Naming::Files { scheme: "" } if ground.options.lstrip.is_empty() => match path.to_str() {
            Some(text)
                if !text.is_empty() && memchr::memchr2(b'\\', 0, text.as_bytes()).is_none() =>
            {
                Ok(Cow::Borrowed(text))
            }
            _ => name(path, "", &[]).map(owned),
        },
        Naming::Files { scheme } => name(path, scheme, &ground.options.lstrip).map(owned),
        Naming::Listed => {
            let name = name(path, "", &[])?;
            if name.as_str().contains('\n') {
                let path = ground.disk(path).into_owned();
                return Err(RecordError::LineFeed { path });
            }
            Ok(owned(name))
        }
    }
}

/// No file has such a name, and the system would not say why.
pub(super) fn name_has_nul(path: &str) -> RecordError {
    RecordError::Name {
        path: PathBuf::from(path),
        source: NameError::Nul,
    }
}

/// The SHA-256 of what `sha256sum` prints for the files in the folder, sorted by name: lines of
/// digest, two spaces, name. Excludes and line endings apply to the files; the base path and other
/// algorithms do not.
pub(super) fn folder_digests(
    path: &Path,
    ground: Ground<'_>,
) -> Result<(DigestSet, u64), Vec<RecordError>> {
    if !path.is_dir() {
        return Err(vec![RecordError::NotAFolder {
            path: path.to_owned(),
        }]);
    }
    let ground = Ground {
        base: Some(path),
        ..ground
    };
    let algorithms = BTreeSet::from([Algorithm::Sha256]);
    let root = RootSpec {
        path: PathBuf::from("."),
        naming: Naming::Listed,
    };
    let pass = Pass {
        ground,
        wanted: Wanted {
            algorithms: &algorithms,
            ..ground.wanted()
        },
        remembering: &Remembering::default(),
        effort: Effort::Hash,
        is_last: false,
    };
    let Scan {
        files,
        names,
        mut errors,
    } = scan(&[root], pass);
    let mut files = files.into_vec();
    let name = |file: &Recorded| names.get(file.name);
    files.sort_by(|left, right| name(left).cmp(name(right)));
    let disk = |file: &Recorded| ground.disk(file.path(&names)).into_owned();
    for pair in files.windows(2) {
        if let [first, second] = pair
            && name(first) == name(second)
        {
            errors.push(RecordError::Collision {
                name: ArtifactPath::claimed(name(first)),
                first: disk(first),
                second: disk(second),
            });
        }
    }
    if errors.is_empty() {
        folder_digest(&files, &names).map_err(|error| vec![error])
    } else {
        Err(errors)
    }
}

/// The digests and the bytes of the files.
fn folder_digest(files: &[Recorded], names: &Names) -> Result<(DigestSet, u64), RecordError> {
    let algorithms = BTreeSet::from([Algorithm::Sha256]);
    let mut content = Content::new(Wanted {
        algorithms: &algorithms,
        normalize_line_endings: false,
    });
    let mut bytes = 0_u64;
    for file in files {
        let digest = file.digests.as_ref().and_then(DigestSet::sha256);
        let digest = digest.ok_or_else(|| file.unhashed(names))?;
        content.update(hex(digest).as_bytes());
        content.update(b"  ");
        content.update(names.get(file.name).as_bytes());
        content.update(b"\n");
        bytes = bytes.saturating_add(file.bytes);
    }
    Ok((content.finish(), bytes))
}

/// Where a repository keeps a ref.
pub(super) fn reference_path(reference: &str) -> PathBuf {
    Path::new("refs/heads").join(reference)
}

/// The digests of the commit object that the file at `reference` holds the digits of.
pub(super) fn commit_digests(reference: &Path, ground: Ground<'_>) -> Result<Hashed, RecordError> {
    let path = ground.disk(reference);
    let mut text = String::new();
    open(&path, Links::Follow, None)?
        .take(MAX_REFERENCE)
        .read_to_string(&mut text)
        .map_err(|source| RecordError::Read {
            path: path.clone().into_owned(),
            source,
        })?;
    let digits = text.trim_matches('\n');
    let is_commit = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    let (folder, rest) = digits
        .split_at_checked(2)
        .filter(|_| is_commit)
        .ok_or_else(|| RecordError::Reference {
            path: path.clone().into_owned(),
        })?;
    let object = format!("objects/{folder}/{rest}.commit");
    let wanted = Wanted {
        algorithms: &ground.options.algorithms,
        normalize_line_endings: false,
    };
    hash_file(
        &ground.disk(Path::new(&object)),
        Links::Follow,
        None,
        Some(wanted),
        &Silent,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_normalised_as_python_does() {
        for (path, expected) in [
            ("", "."),
            (".", "."),
            ("./a", "a"),
            ("a/", "a"),
            ("a//b", "a/b"),
            ("d/../a", "a"),
            ("a/..", "."),
            ("a/../..", ".."),
            ("../x", "../x"),
            ("../../x/../y", "../../y"),
            ("/", "/"),
            ("//", "//"),
            ("///", "/"),
            ("//x", "//x"),
            ("///x", "/x"),
            ("/..", "/"),
            ("/../a/./b", "/a/b"),
            ("//../a", "//a"),
            ("a\\..\\b", "a\\..\\b"),
            ("...", "..."),
        ] {
            assert_eq!(normalized(path), expected, "{path}");
        }
    }

    #[test]
    fn a_folder_has_no_digest_if_one_of_its_files_has_none() {
        let mut names = Names::default();
        let file = Recorded {
            name: names.add("a"),
            path: None,
            digests: None,
            bytes: 1,
            state: None,
        };
        let error = folder_digest(&[file], &names).unwrap_err();
        assert!(matches!(error, RecordError::Unhashed { .. }), "{error}");
    }

    #[test]
    fn an_unknown_scheme_is_a_path() {
        for root in ["foo:a", "FILE:a", "C:\\x", "dira:"] {
            let path = root.to_owned();
            assert_eq!(Root::parse(root), Root::Files { path, scheme: "" });
        }
        let path = "file:a".to_owned();
        let scheme = FILE;
        assert_eq!(Root::parse("file:file:a"), Root::Files { path, scheme });
        assert_eq!(Root::parse("dir:./d/"), Root::Folder { path: "./d/" });
    }

    #[test]
    fn of_the_prefixes_the_first_that_fits_is_stripped_as_text() {
        let lstrip = ["src/".to_owned(), "b".to_owned(), "whole".to_owned()];
        for (path, scheme, expected) in [
            ("src/a", "", "a"),
            ("src\\a", "", "a"),
            ("bin/a", "", "in/a"),
            ("src/src/a", "", "src/a"),
            ("x/src/a", "", "x/src/a"),
            ("src/a", FILE, "file:a"),
            ("src/a", DIR, "dir:a"),
        ] {
            let found = name(Path::new(path), scheme, &lstrip).unwrap();
            assert_eq!(found.as_str(), expected, "{path}");
        }
        assert!(
            name(Path::new("whole"), "", &lstrip).is_err(),
            "nothing is left of it"
        );
    }
}
