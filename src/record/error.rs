//! What keeps files from being recorded. Every variant names its paths, escaped so that a name that
//! is no text can still be found.

use std::cmp::Ordering;
use std::fmt;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::model::{ArtifactPath, NameError};

/// How many errors are kept. More do not help a reader; how many more there were is kept too.
pub const MAX_ERRORS: usize = 100;

/// Why something could not be recorded.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// A root without a name.
    #[error("a path is empty; the working directory is `.`")]
    EmptyRoot,
    /// A root is not there, or is a link that points nowhere.
    #[error("`{path}` does not exist", path = Shown(path))]
    Missing {
        /// The root.
        path: PathBuf,
    },
    /// A file, or what the system knows about it, cannot be read.
    #[error("cannot read `{path}`: {source}", path = Shown(path))]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A folder cannot be read, so nobody knows what is in it.
    #[error("cannot read the folder `{path}`: {source}", path = Shown(path))]
    ReadFolder {
        /// The folder.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Neither a file nor a folder, but named as a root or put in a file's place meanwhile.
    #[error("`{path}` is neither a file nor a folder", path = Shown(path))]
    Special {
        /// The entry.
        path: PathBuf,
    },
    /// `dir:` and the base path want a folder.
    #[error("`{path}` is not a folder", path = Shown(path))]
    NotAFolder {
        /// What is not a folder.
        path: PathBuf,
    },
    /// `dir:` and `ostree:` where files are wanted.
    #[error("`{path}` stands for no files", path = Shown(path))]
    NotFiles {
        /// The root.
        path: PathBuf,
    },
    /// The file was written to, twice while it was read.
    #[error("`{path}` changes while it is read", path = Shown(path))]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// Files came into the folder or left it while it was gone through, so that one could be missing
    /// or be met twice.
    #[error("the entries of `{path}` change while it is recorded", path = Shown(path))]
    FolderChanged {
        /// The folder.
        path: PathBuf,
    },
    /// Whoever listened gave it up, so that not everything was read.
    #[error("the recording was given up before its end")]
    GivenUp,
    /// The file was found, and then neither hashed nor refused. This does not happen; if it did, the
    /// artifact would be one without a digest.
    #[error("`{path}` was found and not hashed, which is a mistake of linkwright", path = Shown(path))]
    Unhashed {
        /// The file.
        path: PathBuf,
    },
    /// A link's metadata is Unicode text, this name is not.
    #[error("the name `{path}` is not valid UTF-8", path = Shown(path))]
    NotUnicode {
        /// The file.
        path: PathBuf,
    },
    /// The name cannot be recorded.
    #[error("`{path}` cannot be recorded: {source}", path = Shown(path))]
    Name {
        /// The file.
        path: PathBuf,
        /// Why.
        source: NameError,
    },
    /// Inside `dir:` names stand on lines of their own.
    #[error(
        "the name `{path}` has a line feed in it, which the digest of a `dir:` artifact cannot tell from two names",
        path = Shown(path)
    )]
    LineFeed {
        /// The file.
        path: PathBuf,
    },
    /// Two files would be recorded under one name.
    #[error(
        "`{first}` and `{second}` would both be recorded as `{name}`",
        first = Shown(first), second = Shown(second), name = name.as_str().escape_debug()
    )]
    Collision {
        /// The name.
        name: ArtifactPath,
        /// The file that came first.
        first: PathBuf,
        /// The other file.
        second: PathBuf,
    },
    /// A symbolic link leads out of its root.
    #[error(
        "the link `{link}` leads to `{target}`, outside of the folder that is recorded; --allow-outside-links reads through it",
        link = Shown(link), target = Shown(target)
    )]
    Outside {
        /// The link.
        link: PathBuf,
        /// Where it leads.
        target: PathBuf,
    },
    /// A folder is inside itself, through links.
    #[error("`{path}` is the folder `{ancestor}` above it once more", path = Shown(path), ancestor = Shown(ancestor))]
    Loop {
        /// The folder where it is found again.
        path: PathBuf,
        /// Where it was first.
        ancestor: PathBuf,
    },
    /// More ways than [`MAX_VISITS`](super::MAX_VISITS) lead to one folder.
    #[error("more than {limit} links lead to the folder `{path}`", path = Shown(path), limit = super::MAX_VISITS)]
    TooManyWays {
        /// One of the ways.
        path: PathBuf,
    },
    /// More entries than [`MAX_ENTRIES`](super::MAX_ENTRIES).
    #[error("there are more than {limit} entries below `{path}`", path = Shown(path))]
    TooMany {
        /// The root.
        path: PathBuf,
        /// The limit.
        limit: usize,
    },
    /// Of two prefixes to strip one begins with the other, so that their order would decide.
    #[error(
        "the prefixes to strip `{first}` and `{second}` begin alike",
        first = first.escape_debug(), second = second.escape_debug()
    )]
    Prefixes {
        /// One prefix.
        first: String,
        /// The other.
        second: String,
    },
    /// An algorithm that is not computed here.
    #[error("the digest algorithm `{name}` is not known here, expected sha256, sha512 or blake3", name = name.escape_debug())]
    Algorithm {
        /// Its name.
        name: String,
    },
    /// An ostree ref file holds something else than a commit.
    #[error("the ref file `{path}` does not hold the 64 hexadecimal digits of a commit", path = Shown(path))]
    Reference {
        /// The ref file.
        path: PathBuf,
    },
}

impl RecordError {
    /// The order in which errors are reported.
    pub(super) fn by_path(&self, other: &Self) -> Ordering {
        self.path().cmp(other.path())
    }

    /// What the errors are sorted by.
    fn path(&self) -> &Path {
        match self {
            Self::Missing { path }
            | Self::Read { path, .. }
            | Self::ReadFolder { path, .. }
            | Self::Special { path }
            | Self::NotAFolder { path }
            | Self::NotFiles { path }
            | Self::Changed { path }
            | Self::FolderChanged { path }
            | Self::Unhashed { path }
            | Self::NotUnicode { path }
            | Self::Name { path, .. }
            | Self::LineFeed { path }
            | Self::Collision { first: path, .. }
            | Self::Outside { link: path, .. }
            | Self::Loop { path, .. }
            | Self::TooMany { path, .. }
            | Self::TooManyWays { path }
            | Self::Reference { path } => path,
            Self::EmptyRoot | Self::GivenUp => Path::new(""),
            Self::Prefixes { first, .. } => Path::new(first),
            Self::Algorithm { name } => Path::new(name),
        }
    }
}

/// Everything that kept a recording from being complete: at least one error, in the order of the
/// paths.
#[derive(Debug)]
pub struct RecordErrors {
    pub(super) errors: Vec<RecordError>,
    omitted: usize,
}

impl RecordErrors {
    /// `Ok` if there are no errors.
    pub(super) fn check(mut errors: Vec<RecordError>) -> Result<(), Self> {
        if errors.is_empty() {
            return Ok(());
        }
        errors.sort_by(RecordError::by_path);
        let omitted = errors.len().saturating_sub(MAX_ERRORS);
        errors.truncate(MAX_ERRORS);
        Err(Self { errors, omitted })
    }

    /// The errors, at most [`MAX_ERRORS`].
    pub fn iter(&self) -> impl Iterator<Item = &RecordError> {
        self.errors.iter()
    }

    /// How many more there were.
    pub fn omitted(&self) -> usize {
        self.omitted
    }
}

impl fmt::Display for RecordErrors {
    /// One line for each error.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, error) in self.errors.iter().enumerate() {
            let separator = if index == 0 { "" } else { "\n" };
            write!(formatter, "{separator}{error}")?;
        }
        if self.omitted > 0 {
            write!(formatter, "\nand {} more", self.omitted)?;
        }
        Ok(())
    }
}

impl std::error::Error for RecordErrors {}

/// A path as text on one line: control characters escaped, and bytes that are no text as `\xff`.
struct Shown<'a>(&'a Path);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.as_os_str().as_bytes().utf8_chunks() {
            write!(formatter, "{}", chunk.valid().escape_debug())?;
            for byte in chunk.invalid() {
                write!(formatter, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}
