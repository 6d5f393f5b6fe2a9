//! How the links of one step differ.

use crate::model::{Side, quoted};

use super::DigestPair;

/// How one artifact differs between two links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Material or product.
    pub side: Side,
    /// Its name.
    pub path: String,
    /// In which way.
    pub how: DifferenceKind,
}

/// Ways in which an artifact can differ between two links.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DifferenceKind {
    /// Only the first link has it.
    OnlyInFirst,
    /// Only the other link has it.
    OnlyInOther,
    /// Both have it, with different digests.
    Digests(DigestPair),
    /// Both have it, with digests of other algorithms, which cannot be compared.
    Algorithms,
}

/// How two links differ, one line for each artifact that is named.
pub(super) fn shown(list: &[Difference], more: usize) -> Vec<String> {
    let one = |difference: &Difference| {
        let what = format!("{} {}", difference.side.noun(), quoted(&difference.path));
        match &difference.how {
            DifferenceKind::OnlyInFirst => format!("{what} only in the first"),
            DifferenceKind::OnlyInOther => format!("{what} only in the second"),
            DifferenceKind::Digests(pair) => {
                let (first, second) = pair.shown();
                let algorithm = quoted(&pair.algorithm);
                format!(
                    "{what} has the {algorithm} digest {first} in the first, {second} in the second"
                )
            }
            DifferenceKind::Algorithms => format!("{what} has digests of other algorithms in each"),
        }
    };
    let mut lines: Vec<String> = list.iter().map(one).collect();
    if more > 0 {
        lines.push(format!("and {more} more"));
    }
    lines
}
