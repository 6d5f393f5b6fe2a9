//! What was found in the place of a missing link.

use std::fmt;

use crate::keys::KeyId;
use crate::model::{ItemName, quoted, quoted_list};

/// How many of several ids or steps are named.
const NAMED_AT_MOST: usize = 3;

/// A link file of a step that does not stand for any of its functionaries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instead {
    /// Its path.
    pub path: String,
    /// What is the matter with it.
    pub what: Otherwise,
}

/// What a link file is, if not what was looked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// It cannot be used at all.
    Unusable {
        /// For this reason, escaped.
        why: String,
    },
    /// Nobody has signed it.
    Unsigned,
    /// A functionary of the step has signed it, under another id of the same key.
    OtherId {
        /// The id that the step authorises.
        authorised: KeyId,
        /// The one under which it is signed.
        found: KeyId,
    },
    /// A functionary of the step has signed it, and it does not have the name of a link of theirs.
    Misnamed {
        /// The functionary.
        keyid: KeyId,
        /// The name that it must have.
        name: String,
    },
    /// A functionary of the step has signed it, and it is a link of another step.
    OtherStep {
        /// That step.
        step: String,
    },
    /// It stands under a functionary of the step, whose signature is wrong.
    WrongSignature {
        /// The functionary.
        keyid: KeyId,
    },
    /// Someone else has signed it, whom the layout knows.
    OtherFunctionary {
        /// The key.
        keyid: KeyId,
        /// The steps for which the layout authorises it.
        steps: Vec<ItemName>,
    },
    /// The layout knows none of those who have signed it.
    Stranger {
        /// The ids under which it is signed.
        keyids: Vec<String>,
    },
}

impl fmt::Display for Instead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, what } = self;
        write!(formatter, "{} does not count: {what}", quoted(path))
    }
}

impl fmt::Display for Otherwise {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unusable { why } => formatter.write_str(why),
            Self::Unsigned => formatter.write_str("nobody has signed it"),
            Self::OtherId { authorised, found } => write!(
                formatter,
                "it is signed under {}, another id of the key that the step authorises as {}",
                quoted(found.as_str()),
                quoted(authorised.as_str())
            ),
            Self::Misnamed { keyid, name } => write!(
                formatter,
                "it is signed by the functionary {}, whose link must have the name {}",
                quoted(keyid.as_str()),
                quoted(name)
            ),
            Self::OtherStep { step } => write!(formatter, "it is a link of {}", quoted(step)),
            Self::WrongSignature { keyid } => write!(
                formatter,
                "its signature under the functionary's key {} is wrong",
                quoted(keyid.as_str())
            ),
            Self::OtherFunctionary { keyid, steps } => {
                let steps: Vec<&str> = steps.iter().map(ItemName::as_str).collect();
                let keyid = quoted(keyid.as_str());
                match steps.as_slice() {
                    [] => write!(
                        formatter,
                        "it is signed under {keyid}, whom no step authorises"
                    ),
                    steps => {
                        let steps = quoted_list(steps, NAMED_AT_MOST);
                        write!(
                            formatter,
                            "it is signed under {keyid}, who may only perform {steps}"
                        )
                    }
                }
            }
            Self::Stranger { keyids } => {
                let keyids = quoted_list(keyids, NAMED_AT_MOST);
                write!(
                    formatter,
                    "it is signed under {keyids}, whom the layout does not know"
                )
            }
        }
    }
}
