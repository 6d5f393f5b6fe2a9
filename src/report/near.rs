//! Rules that nearly took an artifact, and why they did not.

use std::fmt;

use crate::model::{DigestSet, ItemName, Side, quoted, quoted_list};

use super::words::braced;

/// How many names are shown of those that may have been meant.
const NAMED_AT_MOST: usize = 3;

/// How many digits of a digest are shown, unless two look alike in so many.
const DIGITS_SHOWN: usize = 12;

/// A rule that was about an artifact and did not take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NearMiss {
    /// The rule, as a line.
    pub rule: String,
    /// Why not.
    pub why: Miss,
}

/// Why a rule did not take an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Miss {
    /// MATCH: the other side has it with another digest.
    OtherDigest {
        /// The artifact there.
        there: Other,
        /// Its digest here and there.
        digests: DigestPair,
        /// Whether it was the same before the step, which changed it.
        changed_here: bool,
    },
    /// MATCH, MODIFY: the digests are of different algorithms, so nothing can be said.
    NothingShared {
        /// The artifact there.
        there: Other,
    },
    /// MATCH: the same content is there, under a name that the rule does not look at.
    Elsewhere {
        /// The artifact there.
        there: Other,
        /// Whether the pattern matches the name at all.
        matches: bool,
        /// The rule that would take it, if there is one that differs in its prefixes only.
        would: Option<String>,
    },
    /// MATCH: there is no such artifact.
    NotThere {
        /// The one that was looked for.
        there: Other,
        /// Names there that are much like it.
        similar: Vec<String>,
    },
    /// CREATE and DELETE: the artifact is on the other side too.
    OnBothSides {
        /// The other side.
        other: Side,
        /// Whether it is the same there.
        same: bool,
    },
    /// MODIFY: it is the same on both sides.
    Unchanged,
    /// MODIFY: the other side has no such artifact.
    OnOneSide {
        /// The other side.
        other: Side,
    },
    /// CREATE among the rules for materials, DELETE among those for products: they take nothing.
    WrongSide {
        /// What the rule is about.
        about: Side,
    },
    /// The pattern does not match, and nearly does.
    Pattern {
        /// The rule that would take it.
        would: String,
    },
    /// The pattern would match if something in it that looks like a parameter were filled in.
    Unfilled {
        /// The parameter's name.
        parameter: String,
    },
    /// The pattern matches but for upper and lower case.
    Case,
    /// The pattern is a name that is much like this one.
    SimilarName,
}

/// An artifact of another step or inspection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Other {
    /// Whose.
    pub from: ItemName,
    /// Material or product.
    pub side: Side,
    /// Its name there.
    pub path: String,
}

/// Two digests of one algorithm that differ, or whatever else there is to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DigestPair {
    /// The algorithm.
    pub algorithm: String,
    /// The digest on the one side, hexadecimal.
    pub first: String,
    /// The digest on the other.
    pub second: String,
}

impl DigestPair {
    /// The first algorithm about which two sets disagree; `None` when there is none.
    pub fn differing(first: &DigestSet, second: &DigestSet) -> Option<Self> {
        first.iter().find_map(|(algorithm, one)| {
            let mut others = second.iter();
            let (_, two) = others.find(|(known, two)| *known == algorithm && *two != one)?;
            Some(Self {
                algorithm: algorithm.name().to_owned(),
                first: one,
                second: two,
            })
        })
    }

    /// Both digests for people: their beginnings, or all of them where these are alike.
    pub fn shown(&self) -> (String, String) {
        let start = |digest: &str| digest.chars().take(DIGITS_SHOWN).collect::<String>();
        let (first, second) = (start(&self.first), start(&self.second));
        if first == second {
            return (self.first.clone(), self.second.clone());
        }
        let dots = |start: String, whole: &str| match start.len() < whole.len() {
            true => format!("{start}…"),
            false => start,
        };
        (dots(first, &self.first), dots(second, &self.second))
    }
}

impl fmt::Display for Other {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (noun, path) = (self.side.noun(), quoted(&self.path));
        write!(
            formatter,
            "the {noun} {path} of {}",
            quoted(self.from.as_str())
        )
    }
}

impl fmt::Display for NearMiss {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} does not: {}", quoted(&self.rule), self.why)
    }
}

impl fmt::Display for Miss {
    #[expect(clippy::too_many_lines, reason = "one short text for each variant")]
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::OtherDigest {
                there,
                digests,
                changed_here,
            } => {
                let (here, other) = digests.shown();
                let algorithm = quoted(&digests.algorithm);
                write!(
                    formatter,
                    "{there} has the {algorithm} digest {other}, this one {here}"
                )?;
                match changed_here {
                    true => formatter.write_str(", for this step itself changed it"),
                    false => Ok(()),
                }
            }
            Self::NothingShared { there } => {
                write!(formatter, "{there} has digests of other algorithms only")
            }
            Self::Elsewhere {
                there,
                matches,
                would,
            } => {
                if !matches {
                    formatter.write_str("its pattern does not match, though ")?;
                }
                write!(formatter, "the same content is {there}")?;
                match would {
                    Some(rule) => write!(formatter, ", {} would take it", quoted(rule)),
                    None => Ok(()),
                }
            }
            Self::NotThere { there, similar } => {
                let side = there.side.noun();
                let (path, from) = (quoted(&there.path), quoted(there.from.as_str()));
                write!(formatter, "{from} has no {side} {path}")?;
                match similar.as_slice() {
                    [] => Ok(()),
                    names => write!(formatter, ", but {}", quoted_list(names, NAMED_AT_MOST)),
                }
            }
            Self::OnBothSides { other, same } => {
                let how = if *same {
                    "the same"
                } else {
                    "with another digest"
                };
                write!(formatter, "it is a {} too, {how}", other.noun())
            }
            Self::Unchanged => formatter.write_str("its digest is the same on both sides"),
            Self::OnOneSide { other } => write!(formatter, "it is no {}", other.noun()),
            Self::WrongSide { about } => {
                write!(
                    formatter,
                    "it takes {}s only, and stands among the rules for the other side",
                    about.noun()
                )
            }
            Self::Pattern { would } => write!(
                formatter,
                "its pattern does not match, {} would take it",
                quoted(would)
            ),
            Self::Unfilled { parameter } => write!(
                formatter,
                "{} in its pattern looks like a parameter that was not filled in",
                braced(parameter)
            ),
            Self::Case => {
                formatter.write_str("its pattern differs from the name in upper and lower case")
            }
            Self::SimilarName => {
                formatter.write_str("its name is another, though much like this one")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_that_begin_alike_are_shown_whole() {
        let pair = |first: &str, second: &str| DigestPair {
            algorithm: "sha256".to_owned(),
            first: first.to_owned(),
            second: second.to_owned(),
        };
        let shown = |first, second| pair(first, second).shown();
        let (one, two) = ("1".repeat(64), "2".repeat(64));
        let short = |digit: &str| format!("{}…", digit.repeat(12));
        assert_eq!(shown(&one, &two), (short("1"), short("2")));
        let alike = format!("{}2", "1".repeat(63));
        assert_eq!(shown(&one, &alike), (one.clone(), alike.clone()));
    }
}
