//! The names of artifacts.
//!
//! A link may name its artifacts in any way; the rules compare names as they stand, character by
//! character. What *we* record is stricter: a recorded name is valid Unicode without control
//! character NUL, with `/` as the only separator.

use std::borrow::Borrow;
use std::fmt;

/// The name of an artifact, as it stands in a link.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ArtifactPath(Box<str>);

impl ArtifactPath {
    /// A name that a link claims. Any text will do: what it may be is for the rules to say.
    pub fn claimed(name: &str) -> Self {
        Self(name.into())
    }

    /// A name under which a file of this machine is recorded: `\` becomes `/`, as in the reference,
    /// on every system. Two files whose names become equal by that must not both be recorded.
    ///
    /// # Errors
    /// The name is empty or has a NUL in it.
    pub fn recorded(name: &str) -> Result<Self, NameError> {
        if name.contains('\0') {
            return Err(NameError::Nul);
        }
        if name.is_empty() {
            return Err(NameError::Empty);
        }
        Ok(Self(match name.contains('\\') {
            true => name.replace('\\', "/").into_boxed_str(),
            false => name.into(),
        }))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl AsRef<str> for ArtifactPath {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ArtifactPath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ArtifactPath {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a file name cannot become the name of an artifact.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Nothing is left of it.
    #[error("nothing is left of its name")]
    Empty,
    /// NUL ends a name for most programs that would read it.
    #[error("the name holds a NUL character")]
    Nul,
}
