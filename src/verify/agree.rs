//! When several functionaries performed a step, their links must say the same; what all of them say
//! then stands for the step. And what a sublayout amounts to, seen from outside.
//!
//! Links may have different digests of one artifact. Only a digest that *every* link has stands for
//! the step: one that some of them left out was vouched for by fewer people than the threshold asks
//! for, and could be matched with something that the others never saw.

use crate::model::{Agreement, Artifacts, ItemName, Link, Pairing, Side, quoted};
use crate::report::{Difference, DifferenceKind, DigestPair, Problem};

/// How many differences between two links are named before the rest is counted.
const NAMED_DIFFERENCES: usize = 10;

/// The link that stands for a step of which these are the links, given with their paths; or
/// everything about which two of them disagree.
pub(super) fn settle(links: &[(&str, &Link)]) -> Result<Link, Vec<Problem>> {
    let mut problems = disagreements(links);
    let Some(((path, first), others)) = links.split_first() else {
        return Err(problems);
    };
    let mut link = (*first).clone();
    for (_, other) in others {
        link.materials.keep_common(&other.materials);
        link.products.keep_common(&other.products);
    }
    if problems.is_empty() && !others.is_empty() {
        for side in [Side::Materials, Side::Products] {
            let weak = link
                .side(side)
                .iter()
                .filter(|(_, digests)| !digests.has_strong());
            problems.extend(weak.map(|(artifact, _)| Problem::WeakDigest {
                side,
                path: artifact.to_string(),
                with: format!("all links of the step, beginning with {}", quoted(path)),
            }));
        }
    }
    if problems.is_empty() {
        Ok(link)
    } else {
        Err(problems)
    }
}

/// Compares every two links.
fn disagreements(links: &[(&str, &Link)]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut rest = links;
    while let Some(((first_path, first), others)) = rest.split_first() {
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
                    vouched: None,
                });
            }
        }
        rest = others;
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
    let mut differs = |path: Option<&str>, how| {
        differences.push(Difference {
            side,
            path: path.unwrap_or_default().to_owned(),
            how,
        });
    };
    let mut only_in_other = Vec::new();
    first.pair(other, |pairing| match pairing {
        Pairing::First(at) => differs(first.name(at), DifferenceKind::OnlyInFirst),
        Pairing::Second(at) => only_in_other.push(at),
        Pairing::Both(_, _, Agreement::Same) => {}
        Pairing::Both(at, there, Agreement::Different | Agreement::NothingShared) => {
            let digests = first.digests(at).zip(other.digests(there));
            let pair = digests.and_then(|(one, two)| DigestPair::differing(one, two));
            differs(
                first.name(at),
                pair.map_or(DifferenceKind::Algorithms, DifferenceKind::Digests),
            );
        }
        Pairing::Both(at, _, Agreement::TooWeak) => problems.push(Problem::WeakDigest {
            side,
            path: first.name(at).unwrap_or_default().to_owned(),
            with: quoted(other_path).to_string(),
        }),
    });
    for at in only_in_other {
        differs(other.name(at), DifferenceKind::OnlyInOther);
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
    use crate::model::{Algorithm, ArtifactPath, DigestSet};

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
            .map(|d| (d.path.as_str(), d.how.clone()))
            .collect();
        let digests = DigestPair {
            algorithm: "sha256".to_owned(),
            first: "01".repeat(32),
            second: "02".repeat(32),
        };
        assert_eq!(
            how,
            [
                ("a", DifferenceKind::Digests(digests)),
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
    fn a_single_link_stands_for_itself() {
        let link = link(&[("a", 1)]);
        assert_eq!(settle(&[("one", &link)]), Ok(link.clone()));
        assert!(settle(&[]).is_err());
    }

    fn one_product(digests: &[(&str, u8)]) -> Link {
        let mut set = DigestSet::default();
        for (algorithm, byte) in digests {
            let length = if *algorithm == "sha512" { 64 } else { 32 };
            set.insert(Algorithm::from_name(algorithm), &vec![*byte; length]);
        }
        let mut link = link(&[]);
        link.products.insert(ArtifactPath::claimed("a"), set);
        link
    }

    #[test]
    fn a_digest_that_not_all_have_does_not_stand() {
        let (one, two) = (
            one_product(&[("sha256", 1), ("sha512", 6)]),
            one_product(&[("sha256", 1)]),
        );
        for links in [[("1", &one), ("2", &two)], [("2", &two), ("1", &one)]] {
            assert_eq!(settle(&links).unwrap().products, two.products);
        }
    }

    #[test]
    fn every_two_links_must_agree_whatever_the_order() {
        let plain = one_product(&[("sha256", 1)]);
        let (left, right) = (
            one_product(&[("sha256", 1), ("sha512", 1)]),
            one_product(&[("sha256", 1), ("sha512", 2)]),
        );
        assert!(settle(&[("p", &plain), ("l", &left), ("r", &right)]).is_err());
        let bridge = one_product(&[("sha256", 1), ("sha512", 1)]);
        let other = one_product(&[("sha512", 1)]);
        for links in [[&bridge, &plain, &other], [&plain, &other, &bridge]] {
            let links: Vec<_> = links.into_iter().map(|link| ("x", link)).collect();
            assert!(settle(&links).is_err());
        }
    }

    #[test]
    fn what_every_two_share_must_be_shared_by_all() {
        let one = one_product(&[("sha256", 1), ("sha512", 1)]);
        let two = one_product(&[("sha256", 1), ("blake3", 1)]);
        let three = one_product(&[("sha512", 1), ("blake3", 1)]);
        let problems = settle(&[("1", &one), ("2", &two), ("3", &three)]).unwrap_err();
        assert!(matches!(problems[..], [Problem::WeakDigest { .. }]));
    }
}
