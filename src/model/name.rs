//! Names of steps and inspections. They become file and folder names, so they hold nothing that
//! could lead elsewhere.

use std::fmt;

use super::quoted;

/// The name of a step or an inspection: not empty, not `.` or `..`, without `/`, `\` and control
/// characters.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ItemName(String);

impl ItemName {
    /// Takes a name.
    ///
    /// # Errors
    /// See [`ItemNameError`].
    pub fn new(name: &str) -> Result<Self, ItemNameError> {
        let found = || name.to_owned();
        if name.is_empty() {
            return Err(ItemNameError::Empty);
        }
        if name.contains(['/', '\\']) || name == "." || name == ".." {
            return Err(ItemNameError::Path { name: found() });
        }
        if name.chars().any(char::is_control) {
            return Err(ItemNameError::Control { name: found() });
        }
        Ok(Self(name.to_owned()))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ItemName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// Why a text cannot name a step or an inspection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ItemNameError {
    /// No text.
    #[error("the name of a step or inspection is empty")]
    Empty,
    /// The name would lead to another folder.
    #[error(
        "{} cannot name a step or inspection, for it would lead to another folder",
        quoted(name)
    )]
    Path {
        /// The name.
        name: String,
    },
    /// The name has control characters in it.
    #[error(
        "{} cannot name a step or inspection, for it has control characters",
        quoted(name)
    )]
    Control {
        /// The name.
        name: String,
    },
}
