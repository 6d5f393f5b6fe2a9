//! Digest manifests: the files that `sha256sum`, `sha512sum`, `b3sum` and their `--tag` write.
//!
//! A line is `DIGEST  NAME`, `DIGEST *NAME` or `ALGORITHM (NAME) = DIGEST`. In a line that begins with
//! `\`, a backslash, a line feed and a carriage return of the name are written `\\`, `\n` and `\r`.
//! Everything else is refused with its line, comments and empty lines included: a line that is passed
//! over would be a file that nobody looked at. The tools do not name the algorithm in the first two
//! forms, so a digest of 64 digits is taken for SHA-256 unless the caller says otherwise.

use std::collections::BTreeMap;

use crate::model::{Algorithm, ArtifactPath, Artifacts, DigestError, DigestSet, NameError, quoted};

/// How large a manifest may be, in bytes: a million files with names of 180 characters.
pub const MAX_MANIFEST_BYTES: u64 = 256 << 20;

/// Why a manifest cannot be used.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {complaint}")]
pub struct ManifestError {
    /// Which line, counted from 1.
    pub line: usize,
    /// What is wrong with it.
    pub complaint: ManifestComplaint,
}

/// What can be wrong with a line.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ManifestComplaint {
    /// The bytes are no text.
    #[error("it is not UTF-8: {0}")]
    NotUnicode(std::str::Utf8Error),
    /// None of the forms.
    #[error("expected `DIGEST  NAME`, `DIGEST *NAME` or `ALGORITHM (NAME) = DIGEST`")]
    Form,
    /// A backslash in an escaped name that stands for nothing.
    #[error("the name has a `\\` that is neither `\\\\`, `\\n` nor `\\r`")]
    Escape,
    /// A line that ends as on Windows, or a name that ought to be escaped.
    #[error("it ends in a carriage return; lines end in a line feed alone")]
    CarriageReturn,
    /// An algorithm that proves nothing, or that is unknown.
    #[error(
        "the algorithm {} is not taken, expected SHA256, SHA512 or BLAKE3",
        quoted(found)
    )]
    Algorithm {
        /// Its name.
        found: String,
    },
    /// A digest that no algorithm gives.
    #[error("the digest has {found} digits, expected 64 (SHA-256, BLAKE3) or 128 (SHA-512)")]
    Length {
        /// How many it has.
        found: usize,
    },
    /// The digest is not one of its algorithm.
    #[error(transparent)]
    Digest(DigestError),
    /// The name cannot be one of an artifact.
    #[error(transparent)]
    Name(NameError),
    /// Two lines say different things.
    #[error("{} has another {algorithm} digest before", quoted(name))]
    Contradiction {
        /// Whose digest.
        name: String,
        /// Of which algorithm.
        algorithm: Algorithm,
    },
}

/// Reads a manifest. `untagged` is the algorithm of digests of its length that do not name theirs.
/// Each name goes through `named` before it is taken.
///
/// # Errors
/// The first line that is not as it must be.
pub fn read_manifest(
    bytes: &[u8],
    untagged: Option<&Algorithm>,
    named: impl Fn(&str) -> Result<ArtifactPath, NameError>,
) -> Result<Artifacts, ManifestError> {
    let mut files: BTreeMap<String, DigestSet> = BTreeMap::new();
    let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
    let lines = (!bytes.is_empty()).then(|| bytes.split(|byte| *byte == b'\n'));
    for (at, line) in lines.into_iter().flatten().enumerate() {
        let error = |complaint| ManifestError {
            line: at + 1,
            complaint,
        };
        let line = Line::read(line, untagged).map_err(error)?;
        let name = named(&line.name).map_err(|source| error(ManifestComplaint::Name(source)))?;
        let known = files.entry(name.as_str().to_owned()).or_default();
        line.add_to(known).map_err(error)?;
    }
    let named = |(name, digests): (String, DigestSet)| (ArtifactPath::claimed(&name), digests);
    Ok(files.into_iter().map(named).collect())
}

/// One line.
struct Line {
    name: String,
    algorithm: Algorithm,
    digest: String,
}

impl Line {
    fn read(bytes: &[u8], untagged: Option<&Algorithm>) -> Result<Self, ManifestComplaint> {
        let line = std::str::from_utf8(bytes).map_err(ManifestComplaint::NotUnicode)?;
        if line.ends_with('\r') {
            return Err(ManifestComplaint::CarriageReturn);
        }
        let (line, is_escaped) = match line.strip_prefix('\\') {
            Some(line) => (line, true),
            None => (line, false),
        };
        let (name, algorithm, digest) = match tagged(line) {
            Some(found) => found?,
            None => plain(line, untagged)?,
        };
        Ok(Self {
            name: if is_escaped {
                unescaped(name)?
            } else {
                name.to_owned()
            },
            algorithm,
            digest: digest.to_ascii_lowercase(),
        })
    }

    fn add_to(self, known: &mut DigestSet) -> Result<(), ManifestComplaint> {
        let mut before = known.iter().filter(|(known, _)| *known == self.algorithm);
        if let Some((_, digest)) = before.next() {
            return if digest == self.digest {
                Ok(())
            } else {
                Err(ManifestComplaint::Contradiction {
                    name: self.name,
                    algorithm: self.algorithm,
                })
            };
        }
        drop(before);
        known
            .add_text(self.algorithm.name(), &self.digest)
            .map_err(ManifestComplaint::Digest)
    }
}

type Parts<'a> = (&'a str, Algorithm, &'a str);

/// `ALGORITHM (NAME) = DIGEST`; `None` when it has not that form at all. A name may have `) = ` in it,
/// a digest cannot.
fn tagged(line: &str) -> Option<Result<Parts<'_>, ManifestComplaint>> {
    let (tag, rest) = line.split_once(" (")?;
    let (name, digest) = rest.rsplit_once(") = ")?;
    let is_tag = |character: char| character.is_ascii_alphanumeric() || character == '-';
    if !tag.chars().all(is_tag) || !is_hexadecimal(digest) {
        return None;
    }
    let algorithm = match tag {
        "SHA256" => Algorithm::Sha256,
        "SHA512" => Algorithm::Sha512,
        "BLAKE3" => Algorithm::Blake3,
        _ => {
            let found = tag.to_owned();
            return Some(Err(ManifestComplaint::Algorithm { found }));
        }
    };
    Some(Ok((name, algorithm, digest)))
}

/// `DIGEST  NAME` and `DIGEST *NAME`.
fn plain<'a>(line: &'a str, untagged: Option<&Algorithm>) -> Result<Parts<'a>, ManifestComplaint> {
    let (digest, rest) = line.split_once(' ').ok_or(ManifestComplaint::Form)?;
    let name = rest
        .strip_prefix([' ', '*'])
        .ok_or(ManifestComplaint::Form)?;
    if !is_hexadecimal(digest) {
        return Err(ManifestComplaint::Form);
    }
    let given = untagged
        .filter(|algorithm| algorithm.length().map(|length| 2 * length) == Some(digest.len()));
    let algorithm = match (given, digest.len()) {
        (Some(algorithm), _) => algorithm.clone(),
        (None, 64) => Algorithm::Sha256,
        (None, 128) => Algorithm::Sha512,
        (None, found) => return Err(ManifestComplaint::Length { found }),
    };
    Ok((name, algorithm, digest))
}

fn is_hexadecimal(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn unescaped(name: &str) -> Result<String, ManifestComplaint> {
    let mut plain = String::with_capacity(name.len());
    let mut characters = name.chars();
    while let Some(character) = characters.next() {
        plain.push(match character {
            '\\' => match characters.next() {
                Some('\\') => '\\',
                Some('n') => '\n',
                Some('r') => '\r',
                _ => return Err(ManifestComplaint::Escape),
            },
            other => other,
        });
    }
    Ok(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Artifacts, ManifestError> {
        read_manifest(text.as_bytes(), None, ArtifactPath::recorded)
    }

    fn names(text: &str) -> Vec<String> {
        let read = read(text).unwrap_or_else(|error| panic!("{text:?}: {error}"));
        read.keys().map(str::to_owned).collect()
    }

    fn refused(text: &str) -> ManifestError {
        read(text).unwrap_err()
    }

    fn hex(digit: char, length: usize) -> String {
        digit.to_string().repeat(length)
    }

    #[test]
    fn every_form_that_the_tools_write_is_read() {
        let (short, long) = (hex('a', 64), hex('b', 128));
        assert_eq!(names(""), Vec::<String>::new());
        assert_eq!(names(&format!("{short}  a b\n{short} *c\n")), ["a b", "c"]);
        assert_eq!(names(&format!("{short}  *c")), ["*c"]);
        assert_eq!(
            names(&format!("SHA256 (x) = {short}\nSHA512 (x) = {long}")),
            ["x"]
        );
        assert_eq!(names(&format!("BLAKE3 (a) = (b) = {short}")), ["a) = (b"]);
        assert_eq!(names(&format!("\\{short}  a\\nb\\rd\\\\c")), ["a\nb\rd/c"]);
        assert_eq!(names(&format!("\\SHA256 (a\\nb) = {short}")), ["a\nb"]);
        assert_eq!(names(&format!("{short}  a\\nb")), ["a/nb"]);
        let both = read(&format!("SHA256 (x) = {short}\nSHA512 (x) = {long}")).unwrap();
        assert_eq!(both.get("x").unwrap().iter().count(), 2);
    }

    #[test]
    fn what_is_not_as_it_must_be_is_refused_with_its_line() {
        let (good, digest) = (format!("{}  a\n", hex('a', 64)), hex('c', 64));
        for (line, complaint) in [
            (String::new(), ManifestComplaint::Form),
            ("# comment".to_owned(), ManifestComplaint::Form),
            (digest.clone(), ManifestComplaint::Form),
            (format!("{digest} a"), ManifestComplaint::Form),
            (format!(" {digest}  a"), ManifestComplaint::Form),
            (format!("{}  a", hex('g', 64)), ManifestComplaint::Form),
            (format!("{digest}  a\r"), ManifestComplaint::CarriageReturn),
            (format!("\\{digest}  a\\t"), ManifestComplaint::Escape),
            (format!("\\{digest}  a\\"), ManifestComplaint::Escape),
            (
                format!("{}  a", hex('c', 32)),
                ManifestComplaint::Length { found: 32 },
            ),
            (
                format!("MD5 (a) = {}", hex('c', 32)),
                ManifestComplaint::Algorithm {
                    found: "MD5".to_owned(),
                },
            ),
            (
                format!("{digest}  "),
                ManifestComplaint::Name(NameError::Empty),
            ),
            (
                format!("{digest}  a\0"),
                ManifestComplaint::Name(NameError::Nul),
            ),
        ] {
            // An empty line at the end of a text is none.
            let error = refused(&format!("{good}{line}\n{good}"));
            assert_eq!(error, ManifestError { line: 2, complaint }, "{line:?}");
        }
        let odd = format!("SHA256 (a) = {}", hex('c', 62));
        assert!(matches!(
            refused(&odd).complaint,
            ManifestComplaint::Digest(_)
        ));
        let error = read_manifest(b"\xff", None, ArtifactPath::recorded).unwrap_err();
        assert!(matches!(error.complaint, ManifestComplaint::NotUnicode(_)));
    }

    #[test]
    fn a_name_may_stand_twice_only_if_it_is_the_same() {
        let (one, other) = (hex('a', 64), hex('b', 64));
        assert_eq!(
            names(&format!("{one}  a\n{}  a", one.to_uppercase())),
            ["a"]
        );
        for text in [
            format!("{one}  a\n{other}  a"),
            format!("{one}  a\nSHA256 (a) = {other}"),
            format!("{one}  x/a\n\\{other}  x\\\\a"),
        ] {
            let error = refused(&text);
            assert_eq!(error.line, 2);
            assert!(matches!(
                error.complaint,
                ManifestComplaint::Contradiction { .. }
            ));
        }
    }

    #[test]
    fn digests_that_do_not_name_their_algorithm_are_of_the_one_that_was_said() {
        let text = format!("{}  a", hex('a', 64));
        let read = read_manifest(
            text.as_bytes(),
            Some(&Algorithm::Blake3),
            ArtifactPath::recorded,
        )
        .unwrap();
        let digests = read.get("a").unwrap();
        let algorithms: Vec<Algorithm> = digests.iter().map(|(algorithm, _)| algorithm).collect();
        assert_eq!(algorithms, [Algorithm::Blake3]);
    }
}
