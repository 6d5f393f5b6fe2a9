//! How the links of one step differ.

use crate::model::{ItemName, Side, quoted};

use super::{Again, DigestPair};

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

/// What an earlier step says of two links that differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// That step, which passed.
    pub by: ItemName,
    /// What it made.
    pub path: String,
    /// Whether the first link has it so; else the other has.
    pub first_agrees: bool,
    /// The step of the two links.
    pub again: Again,
}

impl Vouched {
    /// For people, as a line.
    fn line(&self, first: &str, other: &str) -> String {
        let (right, wrong) = self.order(first, other);
        format!(
            "{} has {} as {} recorded it, {} does not",
            quoted(right),
            quoted(&self.path),
            quoted(self.by.as_str()),
            quoted(wrong)
        )
    }

    /// What to do next.
    pub(super) fn help(&self, first: &str, other: &str) -> String {
        let (_, wrong) = self.order(first, other);
        format!(
            "have whoever made {} perform the step again with {} as {} recorded it: {}",
            quoted(wrong),
            quoted(&self.path),
            quoted(self.by.as_str()),
            self.again
        )
    }

    fn order<'t>(&self, first: &'t str, other: &'t str) -> (&'t str, &'t str) {
        match self.first_agrees {
            true => (first, other),
            false => (other, first),
        }
    }
}

/// How the links `first` and `other` differ, and what is known of that.
pub(super) fn differing(
    (first, other): (&str, &str),
    list: &[Difference],
    more: usize,
    vouched: Option<&Vouched>,
) -> Vec<String> {
    let mut lines = shown(list, more);
    lines.extend(vouched.map(|vouched| vouched.line(first, other)));
    lines
}

/// How two links differ, one line for each artifact that is named.
fn shown(list: &[Difference], more: usize) -> Vec<String> {
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
