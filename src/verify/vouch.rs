//! Where the links of a step differ: which of them has an artifact as an earlier step made it. This
//! decides nothing; it tells people where to begin.

use crate::model::{ItemName, Link, Step};
use crate::report::{Again, Difference, DifferenceKind, Problem, Status, Vouched};

use super::{Engine, Node};

impl Engine<'_> {
    /// Asks the earlier steps that passed about the links that differ.
    pub(super) fn vouch(&mut self, node: &Node, items: &[usize]) {
        let mut earlier: Vec<(&ItemName, &Link)> = Vec::new();
        for (step, item) in node.layout.steps.iter().zip(items) {
            let Some(item) = self.report.items.get_mut(*item) else {
                continue;
            };
            for finding in &mut item.findings {
                if let Problem::LinksDisagree {
                    differences,
                    vouched,
                    ..
                } = &mut finding.problem
                {
                    *vouched = asked(step, differences, &earlier);
                }
            }
            if item.status == Status::Passed {
                earlier.extend(node.links.get_key_value(&step.name));
            }
        }
    }
}

/// `None` where nobody says anything, or they say different things.
fn asked(
    step: &Step,
    differences: &[Difference],
    earlier: &[(&ItemName, &Link)],
) -> Option<Vouched> {
    let mut all = differences
        .iter()
        .flat_map(|difference| says(step, difference, earlier));
    let first = all.next()?;
    let agrees = |other: Vouched| other.first_agrees == first.first_agrees;
    all.all(agrees).then_some(first)
}

/// What earlier steps say of one artifact, the last of them first.
fn says(step: &Step, difference: &Difference, earlier: &[(&ItemName, &Link)]) -> Vec<Vouched> {
    let DifferenceKind::Digests(pair) = &difference.how else {
        return Vec::new();
    };
    let of_one = |(by, link): &(&ItemName, &Link)| {
        let mut digests = link.products.get(&difference.path)?.iter();
        let (_, digest) = digests.find(|(algorithm, _)| algorithm.name() == pair.algorithm)?;
        let first_agrees = digest == pair.first;
        (first_agrees || digest == pair.second).then(|| Vouched {
            by: (*by).clone(),
            path: difference.path.clone(),
            first_agrees,
            again: Again::of(step),
        })
    };
    earlier.iter().rev().filter_map(of_one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ArtifactPath, DigestSet, Rules, Side};
    use crate::report::DigestPair;

    fn made(byte: u8) -> Link {
        let product = (ArtifactPath::claimed("a"), DigestSet::of_sha256([byte; 32]));
        Link {
            products: [product].into_iter().collect(),
            ..Link::default()
        }
    }

    #[test]
    fn only_earlier_steps_that_agree_with_each_other_vouch() {
        let name = |name: &str| ItemName::new(name).unwrap();
        let step = Step {
            name: name("s"),
            expected_command: Vec::new(),
            pubkeys: Vec::new(),
            constraints: Vec::new(),
            threshold: 2,
            rules: Rules::default(),
            pointer: String::new(),
        };
        let pair = DigestPair {
            algorithm: "sha256".to_owned(),
            first: "01".repeat(32),
            second: "02".repeat(32),
        };
        let differences = [Difference {
            side: Side::Materials,
            path: "a".to_owned(),
            how: DifferenceKind::Digests(pair),
        }];
        let (p, q) = (name("p"), name("q"));
        let says = |links: &[(&ItemName, &Link)]| {
            asked(&step, &differences, links).map(|vouched| (vouched.by, vouched.first_agrees))
        };
        let (one, two, three) = (made(1), made(2), made(3));
        assert_eq!(says(&[(&p, &two)]), Some((p.clone(), false)));
        assert_eq!(says(&[(&p, &one), (&q, &three)]), Some((p.clone(), true)));
        assert_eq!(says(&[(&p, &one), (&q, &two)]), None);
        assert_eq!(says(&[(&q, &three)]), None);
    }
}
