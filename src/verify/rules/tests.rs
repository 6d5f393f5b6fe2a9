//! The rules against cases, and against a second engine that takes one artifact after another.

use proptest::prelude::*;

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
    let rules = Rules {
        products: rules.iter().map(|rule| rule.parse().unwrap()).collect(),
        ..Rules::default()
    };
    let link_of = |name: &ItemName| (name.as_str() == "o").then_some(other);
    let found = apply(&rules, link, &link_of);
    found
        .into_iter()
        .map(|(_, index, problem)| format!("{index} {}", problem.code()))
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

/// The rules as the specification tells them, with nothing clever: the names that wait, and for each
/// rule a look at every one of them.
fn plainly(
    rules: &[Rule],
    side: Side,
    link: &Link,
    link_of: &LinkOf<'_>,
) -> Vec<(usize, &'static str, String)> {
    let own = link.side(side);
    let mut waiting: Vec<&str> = own.keys().collect();
    let mut found = Vec::new();
    for (index, rule) in rules.iter().enumerate() {
        if let Rule::Require(path) = rule {
            if !waiting.contains(&path.as_str()) {
                found.push((index, "artifact-missing", path.to_string()));
            }
            continue;
        }
        waiting.retain(|name| {
            let matches = |pattern: &Pattern| pattern.matches(name);
            let beside = || {
                link.materials
                    .get(name)?
                    .agreement(link.products.get(name)?)
                    .into()
            };
            let (taken, code) = match rule {
                Rule::Allow(pattern) => (matches(pattern), None),
                Rule::Create(pattern) => {
                    (matches(pattern) && !link.materials.contains_key(name), None)
                }
                Rule::Delete(pattern) => {
                    (matches(pattern) && !link.products.contains_key(name), None)
                }
                Rule::Disallow(pattern) => (
                    matches(pattern),
                    matches(pattern).then_some("artifact-disallowed"),
                ),
                Rule::Modify(pattern) if matches(pattern) => {
                    let agreement: Option<Agreement> = beside();
                    let weak = agreement == Some(Agreement::TooWeak);
                    let taken = agreement == Some(Agreement::Different);
                    (taken, weak.then_some("weak-digest"))
                }
                Rule::Match(rule) => {
                    let agreement = link_of(&rule.from)
                        .and_then(|other| matched(rule, name, own, other.side(rule.side)));
                    let weak = agreement == Some(Agreement::TooWeak);
                    let taken = agreement == Some(Agreement::Same);
                    (taken, weak.then_some("weak-digest"))
                }
                Rule::Modify(_) | Rule::Require(_) => (false, None),
            };
            found.extend(code.map(|code| (index, code, (*name).to_owned())));
            !taken
        });
    }
    found
}

fn matched(rule: &MatchRule, name: &str, own: &Artifacts, there: &Artifacts) -> Option<Agreement> {
    let rest = match &rule.source {
        Some(prefix) => prefix.strip(name)?,
        None => name,
    };
    if !rule.pattern.matches(rest) {
        return None;
    }
    let digests = match &rule.destination {
        Some(_) if rest.starts_with('/') => return None,
        Some(prefix) => there.get(&prefix.join(rest))?,
        None => there.get(rest)?,
    };
    Some(own.get(name)?.agreement(digests))
}

fn sides() -> impl Strategy<Value = Artifacts> {
    let digests = prop_oneof![
        6 => (0_u8..2).prop_map(|byte| DigestSet::of_sha256([byte; 32])),
        1 => Just(DigestSet::default()),
    ];
    prop::collection::vec(("(d/|e/|/)?[ab/]{0,3}", digests), 0..14).prop_map(|list| {
        let list = list.into_iter();
        list.map(|(name, digests)| (ArtifactPath::claimed(&name), digests))
            .collect()
    })
}

fn links() -> impl Strategy<Value = Link> {
    (sides(), sides()).prop_map(|(materials, products)| Link {
        materials,
        products,
        ..Link::default()
    })
}

fn rule_lists() -> impl Strategy<Value = Vec<Rule>> {
    let pattern = "(\\*|d/\\*|[ab?*/]{1,4}|\\*[ab]|[ab]|d/[ab])";
    let plain = (
        prop_oneof![
            Just("ALLOW"),
            Just("CREATE"),
            Just("DELETE"),
            Just("MODIFY"),
            Just("DISALLOW"),
            Just("REQUIRE")
        ],
        pattern,
    )
        .prop_map(|(word, pattern)| vec![word.to_owned(), pattern]);
    let prefix = prop_oneof![2 => Just(""), 1 => Just("d"), 1 => Just("e/")];
    let side = prop_oneof![Just("MATERIALS"), Just("PRODUCTS")];
    let from = prop_oneof![3 => Just("o"), 1 => Just("p"), 1 => Just("none")];
    let matching = (pattern, prefix.clone(), side, prefix, from).prop_map(
        |(pattern, source, side, destination, from)| {
            let mut words = vec!["MATCH".to_owned(), pattern];
            if !source.is_empty() {
                words.extend(["IN".to_owned(), source.to_owned()]);
            }
            words.extend(["WITH".to_owned(), side.to_owned()]);
            if !destination.is_empty() {
                words.extend(["IN".to_owned(), destination.to_owned()]);
            }
            words.extend(["FROM".to_owned(), from.to_owned()]);
            words
        },
    );
    let rule = prop_oneof![plain, matching].prop_map(|words| Rule::from_words(&words).unwrap());
    prop::collection::vec(rule, 0..9)
}

proptest! {
    #[test]
    fn the_rules_do_what_they_say(
        materials in rule_lists(), products in rule_lists(),
        link in links(), other in links(), third in links(),
    ) {
        let link_of = |name: &ItemName| match name.as_str() {
            "o" => Some(&other),
            "p" => Some(&third),
            _ => None,
        };
        let rules = Rules { materials, products };
        let path = |problem: &Problem| {
            let (Problem::ArtifactDisallowed { path, .. }
            | Problem::ArtifactMissing { path, .. }
            | Problem::WeakDigest { path, .. }) = problem
            else {
                panic!("{problem:?}");
            };
            path.clone()
        };
        let found: Vec<_> = apply(&rules, &link, &link_of)
            .iter()
            .map(|(side, index, problem)| (*side, *index, problem.code(), path(problem)))
            .collect();
        let expected: Vec<_> = [Side::Materials, Side::Products]
            .into_iter()
            .flat_map(|side| {
                let found = plainly(rules.of(side), side, &link, &link_of);
                found.into_iter().map(move |(index, code, path)| (side, index, code, path))
            })
            .collect();
        prop_assert_eq!(found, expected);
    }
}
