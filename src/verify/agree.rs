//! When several functionaries performed a step, their links must say the same; one of them then
//! stands for the step. And what a sublayout amounts to, seen from outside.

use crate::model::{Agreement, ArtifactPath, Artifacts, ItemName, Link, Side};
use crate::report::{Difference, DifferenceKind, Problem};

/// How many differences between two links are named before the rest is counted.
const NAMED_DIFFERENCES: usize = 10;

/// Compares the links of one step, given with their paths, with the first of them.
pub(super) fn disagreements(links: &[(&str, &Link)]) -> Vec<Problem> {
    let Some(((first_path, first), others)) = links.split_first() else {
        return Vec::new();
    };
    let mut problems = Vec::new();
    for (path, other) in others {
        let mut differences = Vec::new();
        for side in [Side::Materials, Side::Products] {
            let (left, right) = (first.side(side), other.side(side));
            compare(side, left, right, path, &mut differences, &mut problems);
        }
        let more = differences.len().saturating_sub(NAMED_DIFFERENCES);
        if !differences.is_empty() {
            differences.truncate(NAMED_DIFFERENCES);
            problems.push(Problem::LinksDisagree {
                first: (*first_path).to_owned(),
                other: (*path).to_owned(),
                differences,
                more,
            });
        }
    }
    problems
}

fn compare(
    side: Side,
    first: &Artifacts,
    other: &Artifacts,
    other_path: &str,
    differences: &mut Vec<Difference>,
    problems: &mut Vec<Problem>,
) {
    let mut differs = |path: &ArtifactPath, how| {
        differences.push(Difference {
            side,
            path: path.to_string(),
            how,
        });
    };
    for (path, digests) in first {
        match other.get(path).map(|there| digests.agreement(there)) {
            None => differs(path, DifferenceKind::OnlyInFirst),
            Some(Agreement::Same) => {}
            Some(Agreement::Different | Agreement::NothingShared) => {
                differs(path, DifferenceKind::Digests);
            }
            Some(Agreement::TooWeak) => problems.push(Problem::WeakDigest {
                side,
                path: path.to_string(),
                with: format!("`{}`", crate::model::escaped(other_path)),
            }),
        }
    }
    for path in other.keys().filter(|path| !first.contains_key(*path)) {
        differs(path, DifferenceKind::OnlyInOther);
    }
}

/// The link that a whole layout amounts to: the materials of its first step, the products, command
/// and by-products of its last. `None` when one of the two has no link.
pub(super) fn summary<'a>(
    name: &str,
    steps: impl DoubleEndedIterator<Item = &'a ItemName> + Clone,
    link_of: impl Fn(&ItemName) -> Option<&'a Link>,
) -> Option<Link> {
    let mut steps = steps;
    let (first, last) = match (steps.next(), steps.next_back()) {
        (Some(first), Some(last)) => (link_of(first)?, link_of(last)?),
        (Some(only), None) => (link_of(only)?, link_of(only)?),
        // A layout of inspections alone has neither materials nor products.
        (None, _) => {
            return Some(Link {
                name: name.to_owned(),
                ..Link::default()
            });
        }
    };
    Some(Link {
        name: name.to_owned(),
        materials: first.materials.clone(),
        products: last.products.clone(),
        command: last.command.clone(),
        byproducts: last.byproducts.clone(),
        environment: last.environment.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Algorithm, DigestSet};

    fn link(products: &[(&str, u8)]) -> Link {
        let digest = |byte: &u8| DigestSet::of_sha256([*byte; 32]);
        Link {
            products: products
                .iter()
                .map(|(path, byte)| (ArtifactPath::claimed(path), digest(byte)))
                .collect(),
            ..Link::default()
        }
    }

    #[test]
    fn every_difference_is_named_up_to_a_limit() {
        let (one, two) = (link(&[("a", 1), ("b", 1)]), link(&[("a", 2), ("c", 1)]));
        let problems = disagreements(&[("one", &one), ("two", &two)]);
        let [
            Problem::LinksDisagree {
                differences,
                more: 0,
                ..
            },
        ] = problems.as_slice()
        else {
            panic!("{problems:?}");
        };
        let how: Vec<_> = differences
            .iter()
            .map(|d| (d.path.as_str(), d.how))
            .collect();
        assert_eq!(
            how,
            [
                ("a", DifferenceKind::Digests),
                ("b", DifferenceKind::OnlyInFirst),
                ("c", DifferenceKind::OnlyInOther)
            ]
        );
        let names: Vec<String> = (0..25).map(|n| n.to_string()).collect();
        let many: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
        let problems = disagreements(&[("one", &link(&many)), ("two", &link(&[]))]);
        assert!(matches!(
            problems[..],
            [Problem::LinksDisagree { more: 15, .. }]
        ));
    }

    #[test]
    fn equal_but_weak_digests_are_no_agreement() {
        let mut weak = link(&[]);
        let mut digests = DigestSet::default();
        digests.insert(Algorithm::from_name("md5"), &[0; 16]);
        weak.products.insert(ArtifactPath::claimed("a"), digests);
        assert!(matches!(
            disagreements(&[("one", &weak), ("two", &weak)])[..],
            [Problem::WeakDigest { .. }]
        ));
    }

    #[test]
    fn a_single_link_agrees_with_itself() {
        assert_eq!(disagreements(&[("one", &link(&[("a", 1)]))]), []);
    }
}
