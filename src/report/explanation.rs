//! The life of one artifact through a chain: where it came from, who signed for it, and which rule
//! let it through where.

use std::fmt;

use crate::keys::KeyId;
use crate::model::{DigestSet, Side, quoted};

use super::{ItemKind, Other};

/// What there is to tell of one artifact.
#[derive(Debug)]
pub struct Explanation {
    /// Its name, as it was asked for.
    pub path: String,
    /// Where it occurs, in the order of the items; also under the other names that MATCH rules pair
    /// it with.
    pub stages: Vec<Stage>,
    /// When it occurs nowhere: names that may have been meant.
    pub similar: Vec<String>,
}

/// An artifact on one side of one step or inspection.
#[derive(Debug)]
pub struct Stage {
    /// Whether a step or an inspection.
    pub kind: ItemKind,
    /// Its name, as that of its item.
    pub item: String,
    /// Material or product.
    pub side: Side,
    /// Its name there.
    pub path: String,
    /// Its digests there.
    pub digests: DigestSet,
    /// Whose links vouch for it. Nobody's for an inspection, which was run here.
    pub signed_by: Vec<KeyId>,
    /// What the rules made of it.
    pub passage: Passage,
}

/// What rules make of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Passage {
    /// A rule let it through.
    Taken {
        /// The rule.
        rule: String,
        /// For MATCH: what it is the same as.
        same_as: Option<Other>,
    },
    /// A rule refused it.
    Refused {
        /// The rule.
        rule: String,
    },
    /// No rule was about it, so it got through.
    Left,
    /// The rules were not applied, because a link is missing that they compare with.
    NotReached,
}

impl fmt::Display for Passage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken { rule, same_as } => {
                write!(formatter, "{} lets it through", quoted(rule))?;
                match same_as {
                    Some(other) => write!(formatter, ", as {other}"),
                    None => Ok(()),
                }
            }
            Self::Refused { rule } => write!(formatter, "{} refuses it", quoted(rule)),
            Self::Left => formatter.write_str("no rule is about it, so it was not checked"),
            Self::NotReached => formatter.write_str("the rules could not be applied"),
        }
    }
}
