//! The artifact rules (in-toto specification 4.3.3): a queue of artifacts, and rules that take
//! some of them out of it in turn.
//!
//! Each side of a step or inspection starts with a queue of all its artifacts. A rule takes what it
//! is about; DISALLOW refuses what is still there, REQUIRE what is not. What no rule is about is
//! left alone at the end, as the specification has it: a list that shall be complete ends with
//! `DISALLOW *`.

use crate::model::{
    Agreement, ArtifactPath, Artifacts, ItemName, Link, MatchRule, Pattern, Prefix, Rule, Side,
    escaped, quoted,
};
use crate::report::Problem;

/// How many artifacts that one rule refuses are explained. Of more, the others are most likely like
/// them.
const EXPLAINED_AT_MOST: usize = 100;

/// Applies a rule list to one side of a link. `link_of` gives the links of other steps. Every
/// problem comes with the index of the rule that found it.
pub(super) fn apply<'a>(
    rules: &[Rule],
    side: Side,
    link: &Link,
    link_of: &dyn Fn(&ItemName) -> Option<&'a Link>,
) -> Vec<(usize, Problem)> {
    let mut queue = Queue {
        side,
        link,
        waiting: link.side(side).keys().collect(),
        found: Vec::new(),
    };
    for (index, rule) in rules.iter().enumerate() {
        let before = rules.get(..index).unwrap_or_default();
        let near = |path: &ArtifactPath| near_misses(before, path, link.side(side), link_of);
        queue.apply(index, rule, link_of, &near);
    }
    queue.found
}

struct Queue<'a> {
    side: Side,
    link: &'a Link,
    /// What no rule has taken yet, in order.
    waiting: Vec<&'a ArtifactPath>,
    found: Vec<(usize, Problem)>,
}

impl Queue<'_> {
    fn apply<'b>(
        &mut self,
        index: usize,
        rule: &Rule,
        link_of: &dyn Fn(&ItemName) -> Option<&'b Link>,
        near: &dyn Fn(&ArtifactPath) -> Vec<String>,
    ) {
        match rule {
            Rule::Allow(pattern) => self.take(pattern, |_| true),
            Rule::Create(pattern) => self.create(pattern),
            Rule::Delete(pattern) => self.delete(pattern),
            Rule::Disallow(pattern) => self.disallow(index, pattern, rule, near),
            Rule::Match(rule) => {
                if let Some(other) = link_of(&rule.from) {
                    self.match_with(index, rule, other);
                }
            }
            Rule::Modify(pattern) => self.modify(index, pattern),
            Rule::Require(path) => self.require(index, path),
        }
    }

    /// Takes what matches the pattern and passes the test.
    fn take(&mut self, pattern: &Pattern, test: impl Fn(&ArtifactPath) -> bool) {
        self.waiting
            .retain(|path| !(pattern.matches(path.as_str()) && test(path)));
    }

    fn create(&mut self, pattern: &Pattern) {
        let link = self.link;
        self.take(pattern, |path| {
            link.products.contains_key(path) && !link.materials.contains_key(path)
        });
    }

    fn delete(&mut self, pattern: &Pattern) {
        let link = self.link;
        self.take(pattern, |path| {
            link.materials.contains_key(path) && !link.products.contains_key(path)
        });
    }

    fn modify(&mut self, index: usize, pattern: &Pattern) {
        let (link, side) = (self.link, self.side);
        let mut weak = Vec::new();
        self.waiting.retain(|path| {
            if !pattern.matches(path.as_str()) {
                return true;
            }
            let (Some(before), Some(after)) = (link.materials.get(*path), link.products.get(*path))
            else {
                return true;
            };
            match before.agreement(after) {
                Agreement::Different => false,
                Agreement::Same | Agreement::NothingShared => true,
                Agreement::TooWeak => {
                    weak.push(weak_digest(side, path, "its other side"));
                    true
                }
            }
        });
        self.found
            .extend(weak.into_iter().map(|problem| (index, problem)));
    }

    fn disallow(
        &mut self,
        index: usize,
        pattern: &Pattern,
        rule: &Rule,
        near: &dyn Fn(&ArtifactPath) -> Vec<String>,
    ) {
        let (side, rule) = (self.side, rule.to_string());
        let (refused, waiting) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|path| pattern.matches(path.as_str()));
        self.waiting = waiting;
        let refused: Vec<&ArtifactPath> = refused;
        let refused: Vec<Problem> = refused
            .into_iter()
            .enumerate()
            .map(|(at, path)| Problem::ArtifactDisallowed {
                side,
                path: path.to_string(),
                rule: rule.clone(),
                near: if at < EXPLAINED_AT_MOST {
                    near(path)
                } else {
                    Vec::new()
                },
            })
            .collect();
        self.found
            .extend(refused.into_iter().map(|problem| (index, problem)));
    }

    fn require(&mut self, index: usize, path: &ArtifactPath) {
        if self.waiting.binary_search(&path).is_err() {
            let problem = Problem::ArtifactMissing {
                side: self.side,
                path: path.to_string(),
                taken_before: self.link.side(self.side).contains_key(path),
            };
            self.found.push((index, problem));
        }
    }

    fn match_with(&mut self, index: usize, rule: &MatchRule, other: &Link) {
        let (side, own, there) = (self.side, self.link.side(self.side), other.side(rule.side));
        let mut weak = Vec::new();
        self.waiting
            .retain(|path| match compare(rule, path, own, there) {
                Some(Agreement::Same) => false,
                Some(Agreement::TooWeak) => {
                    let with = format!(
                        "the {} of step `{}`",
                        rule.side.noun(),
                        escaped(rule.from.as_str())
                    );
                    weak.push(weak_digest(side, path, &with));
                    true
                }
                Some(Agreement::Different | Agreement::NothingShared) | None => true,
            });
        self.found
            .extend(weak.into_iter().map(|problem| (index, problem)));
    }
}

/// The MATCH rules that were about an artifact and did not take it, and why.
fn near_misses<'b>(
    rules: &[Rule],
    path: &ArtifactPath,
    own: &Artifacts,
    link_of: &dyn Fn(&ItemName) -> Option<&'b Link>,
) -> Vec<String> {
    let mut reasons = Vec::new();
    for rule in rules {
        let Rule::Match(matching) = rule else {
            continue;
        };
        let Some(other) = link_of(&matching.from) else {
            continue;
        };
        let why = match compare(matching, path, own, other.side(matching.side)) {
            Some(Agreement::Different) => "has another digest",
            Some(Agreement::NothingShared) => "has digests of other algorithms only",
            Some(Agreement::Same | Agreement::TooWeak) | None => continue,
        };
        reasons.push(format!(
            "{} does not, for the {} there {why}",
            quoted(&rule.to_string()),
            matching.side.noun()
        ));
    }
    reasons
}

/// Compares an artifact with the one that a MATCH rule pairs it with. `None` when the rule is not
/// about it, or there is no such artifact.
fn compare(
    rule: &MatchRule,
    path: &ArtifactPath,
    own: &Artifacts,
    there: &Artifacts,
) -> Option<Agreement> {
    let name = path.as_str();
    let rest = match &rule.source {
        Some(prefix) => prefix.strip(name)?,
        None => name,
    };
    if !rule.pattern.matches(rest) {
        return None;
    }
    let digests = match &rule.destination {
        // A rest that starts at the root is not below any folder.
        Some(_) if rest.starts_with('/') => return None,
        Some(prefix) => there.get(Prefix::join(prefix, rest).as_str())?,
        None => there.get(rest)?,
    };
    Some(own.get(path)?.agreement(digests))
}

fn weak_digest(side: Side, path: &ArtifactPath, with: &str) -> Problem {
    Problem::WeakDigest {
        side,
        path: path.to_string(),
        with: with.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::DigestSet;

    fn artifacts(list: &[(&str, u8)]) -> Artifacts {
        let one = |(path, byte): &(&str, u8)| {
            (
                ArtifactPath::claimed(path),
                DigestSet::of_sha256([*byte; 32]),
            )
        };
        list.iter().map(one).collect()
    }

    fn link(materials: &[(&str, u8)], products: &[(&str, u8)]) -> Link {
        Link {
            materials: artifacts(materials),
            products: artifacts(products),
            ..Link::default()
        }
    }

    /// Codes and paths that the rules for products find, with `other` as the link of step `o`.
    fn products(rules: &[&str], link: &Link, other: &Link) -> Vec<String> {
        let rules: Vec<Rule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        let link_of = |name: &ItemName| (name.as_str() == "o").then_some(other);
        let found = apply(&rules, Side::Products, link, &link_of);
        found
            .into_iter()
            .map(|(index, problem)| format!("{index} {}", problem.code()))
            .collect()
    }

    #[test]
    fn each_artifact_is_taken_once() {
        let link = link(&[("b", 1)], &[("a", 1), ("b", 2)]);
        let none = Link::default();
        assert_eq!(
            products(&["CREATE a", "MODIFY b", "DISALLOW *"], &link, &none),
            [""; 0]
        );
        assert_eq!(
            products(&["CREATE *", "DISALLOW *"], &link, &none),
            ["1 artifact-disallowed"]
        );
        assert_eq!(products(&["DELETE *", "DISALLOW *"], &link, &none).len(), 2);
        assert_eq!(
            products(
                &["ALLOW a", "REQUIRE a", "REQUIRE b", "REQUIRE *"],
                &link,
                &none
            ),
            ["1 artifact-missing", "3 artifact-missing"]
        );
    }

    #[test]
    fn all_that_is_disallowed_is_named() {
        let link = link(&[], &[("a", 1), ("b", 1), ("c", 1)]);
        let found = products(
            &["DISALLOW a", "DISALLOW *", "DISALLOW *"],
            &link,
            &Link::default(),
        );
        assert_eq!(
            found,
            [
                "0 artifact-disallowed",
                "1 artifact-disallowed",
                "1 artifact-disallowed"
            ]
        );
    }

    #[test]
    fn match_compares_under_its_prefixes() {
        let mine = link(&[], &[("s/a", 1), ("s/b", 1), ("a", 1), ("s//c", 1)]);
        let other = link(&[("d/a", 1), ("d/b", 2), ("s/b", 1), ("/c", 1)], &[]);
        let left = |rule: &str| products(&[rule, "DISALLOW *"], &mine, &other).len();
        assert_eq!(left("MATCH * IN s WITH MATERIALS IN d FROM o"), 3);
        assert_eq!(left("MATCH * WITH MATERIALS FROM o"), 3);
        assert_eq!(left("MATCH * WITH MATERIALS IN d/ FROM o"), 3);
        assert_eq!(
            left("MATCH * IN s WITH MATERIALS FROM o"),
            4,
            "a rest from the root is nowhere"
        );
        assert_eq!(left("MATCH * WITH PRODUCTS FROM o"), 4);
    }

    #[test]
    fn comparing_without_strong_digests_is_a_finding() {
        let mut mine = link(&[], &[]);
        mine.products
            .insert(ArtifactPath::claimed("a"), DigestSet::default());
        mine.materials = mine.products.clone();
        assert_eq!(
            products(&["MATCH a WITH PRODUCTS FROM o"], &mine, &mine.clone()),
            ["0 weak-digest"]
        );
        assert_eq!(
            products(&["MODIFY a"], &mine, &mine.clone()),
            ["0 weak-digest"]
        );
        assert_eq!(
            products(&["ALLOW a", "DISALLOW *"], &mine, &mine.clone()),
            [""; 0]
        );
    }
}
