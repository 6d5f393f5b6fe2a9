//! The rules against cases, and against a second engine that takes one artifact after another.

use proptest::prelude::*;

use super::*;

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
        .flat_map(|side| side.problems)
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
        let applied = apply(&rules, &link, &link_of);
        let of_side = |side: &Found| {
            let (which, problems) = (side.side, side.problems.iter());
            let one = |(index, problem): &(usize, Problem)| {
                (which, *index, problem.code(), path(problem))
            };
            problems.map(one).collect::<Vec<_>>()
        };
        let found: Vec<_> = applied.iter().flat_map(of_side).collect();
        let expected: Vec<_> = [Side::Materials, Side::Products]
            .into_iter()
            .flat_map(|side| {
                let found = plainly(rules.of(side), side, &link, &link_of);
                found.into_iter().map(move |(index, code, path)| (side, index, code, path))
            })
            .collect();
        prop_assert_eq!(found, expected);
        for side in &applied {
            each_fate_is_that_of_all(&rules, side, &link, &link_of)?;
        }
    }
}

/// The artifacts one by one come to what all at once came to.
fn each_fate_is_that_of_all(
    rules: &Rules,
    applied: &Found,
    link: &Link,
    link_of: &LinkOf<'_>,
) -> Result<(), TestCaseError> {
    let side = applied.side;
    let refused = |name: &str| {
        applied
            .problems
            .iter()
            .find(|(_, problem)| {
                matches!(problem, Problem::ArtifactDisallowed { path, .. } if path == name)
            })
            .map(|(index, _)| *index)
    };
    let unchecked = match &applied.unchecked {
        Some(Problem::ArtifactsUnchecked { paths, count, .. }) => {
            prop_assert_eq!(paths.len(), *count);
            paths.as_slice()
        }
        other => {
            prop_assert!(other.is_none());
            &[]
        }
    };
    for name in link.side(side).keys() {
        let fate = fate(rules.of(side), side, link, name, link_of);
        prop_assert_eq!(
            refused(name),
            match fate {
                Fate::Refused(by) => Some(by),
                Fate::Taken(_) | Fate::Left => None,
            }
        );
        let left = unchecked.iter().any(|left| left == name);
        prop_assert_eq!(left, fate == Fate::Left);
    }
    Ok(())
}

/// Why the product `path` is refused behind these rules.
fn near(rules: &[&str], path: &str, link: &Link, other: &Link) -> Vec<String> {
    let mut all: Vec<Rule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    all.push("DISALLOW *".parse().unwrap());
    let rules = Rules {
        products: all,
        ..Rules::default()
    };
    let link_of = |name: &ItemName| (name.as_str() == "o").then_some(other);
    let found = apply(&rules, link, &link_of);
    let problems = found.into_iter().flat_map(|side| side.problems);
    let why = |(_, problem): (usize, Problem)| {
        if let Problem::ArtifactDisallowed {
            path: refused,
            near,
            ..
        } = problem
        {
            (refused == path).then_some(near)
        } else {
            None
        }
    };
    let near = problems.filter_map(why).next().unwrap_or_default();
    near.iter().map(ToString::to_string).collect()
}

#[test]
fn another_digest_elsewhere_is_told_with_both() {
    let (mine, other) = (link(&[], &[("a", 1)]), link(&[], &[("a", 2)]));
    assert_eq!(
        near(&["MATCH a WITH PRODUCTS FROM o"], "a", &mine, &other),
        [
            "`MATCH a WITH PRODUCTS FROM o` does not: the product `a` of `o` has the `sha256` \
          digest 020202020202…, this one 010101010101…"
        ]
    );
}

#[test]
fn the_prefixes_that_would_do_are_named_only_if_they_do() {
    let mine = link(&[], &[("dist/a/x.so", 1), ("b", 2), ("c/y", 3)]);
    let other = link(
        &[],
        &[("out/a/x.so", 1), ("out/renamed", 2), ("y", 3), ("z/y", 3)],
    );
    let would = |rule, path| near(&[rule], path, &mine, &other).join("");
    let said = would("MATCH *.so WITH PRODUCTS FROM o", "dist/a/x.so");
    assert!(
        said.ends_with("`MATCH *.so IN dist WITH PRODUCTS IN out FROM o` would take it"),
        "{said}"
    );
    let said = would("MATCH dist/* WITH PRODUCTS FROM o", "dist/a/x.so");
    assert!(said.ends_with("`MATCH * IN dist WITH PRODUCTS IN out FROM o` would take it"));
    let said = would("MATCH b WITH PRODUCTS FROM o", "b");
    assert!(
        said.ends_with("the same content is the product `out/renamed` of `o`"),
        "{said}"
    );
    let said = would("MATCH * IN c WITH PRODUCTS IN d FROM o", "c/y");
    assert!(
        said.contains("the same content is the product `y` of `o`"),
        "{said}"
    );
}

#[test]
fn a_rule_for_another_name_is_not_nearly_about_this_one() {
    let (mine, other) = (link(&[], &[("src/a.c", 1)]), link(&[], &[("src/a.c", 1)]));
    let said = |rule| near(&[rule], "src/a.c", &mine, &other);
    assert_eq!(said("MATCH build.sh WITH PRODUCTS FROM o"), [""; 0]);
    let said = said("MATCH source/* WITH PRODUCTS FROM o");
    let end = "its pattern does not match, though the same content is the product `src/a.c` of `o`";
    assert!(said[0].ends_with(end), "{said:?}");
}

#[test]
fn names_that_may_have_been_meant_are_named() {
    let (mine, other) = (
        link(&[], &[("main.c", 1)]),
        link(&[], &[("mian.c", 2), ("q", 3)]),
    );
    let said = near(&["MATCH * WITH PRODUCTS FROM o"], "main.c", &mine, &other);
    assert!(
        said[0].ends_with("`o` has no product `main.c`, but `mian.c`"),
        "{said:?}"
    );
    let rules: Rules = Rules {
        products: vec![
            "REQUIRE mian.c".parse().unwrap(),
            "REQUIRE zzz".parse().unwrap(),
        ],
        ..Rules::default()
    };
    let found = apply(&rules, &mine, &|_: &ItemName| None);
    let said: Vec<String> = found[1]
        .problems
        .iter()
        .map(|(_, problem)| problem.to_string())
        .collect();
    assert!(
        said[0].ends_with("it is not there, though `main.c` is"),
        "{said:?}"
    );
    assert!(said[1].ends_with("it is not there"), "{said:?}");
}

#[test]
fn each_kind_of_rule_says_why_it_did_not_take() {
    let mine = link(
        &[("a", 1), ("b", 1)],
        &[("a", 1), ("b", 2), ("N/x", 1), ("./s", 1)],
    );
    let none = Link::default();
    let said = |rule, path| near(&[rule], path, &mine, &none).join("");
    for (rule, path, end) in [
        ("CREATE *", "a", "it is a material too, the same"),
        ("CREATE *", "b", "it is a material too, with another digest"),
        (
            "DELETE *",
            "N/x",
            "it takes materials only, and stands among the rules for the other side",
        ),
        ("MODIFY *", "a", "its digest is the same on both sides"),
        ("MODIFY *", "N/x", "it is no material"),
        ("ALLOW N", "N/x", "`ALLOW N/*` would take it"),
        ("ALLOW N/", "N/x", "`ALLOW N/*` would take it"),
        ("ALLOW s", "./s", "`ALLOW ./s` would take it"),
        ("CREATE ./N/*", "N/x", "`CREATE N/*` would take it"),
        ("ALLOW N/**/x", "N/x", "`ALLOW N/x` would take it"),
        (
            "ALLOW n/*",
            "N/x",
            "its pattern differs from the name in upper and lower case",
        ),
        (
            "ALLOW N/xy",
            "N/x",
            "its name is another, though much like this one",
        ),
        ("ALLOW q*", "N/x", ""),
        ("DISALLOW q", "N/x", ""),
    ] {
        let said = said(rule, path);
        assert!(
            said.ends_with(end) && said.is_empty() == end.is_empty(),
            "{rule} {path}: {said}"
        );
    }
}

#[test]
fn what_took_a_required_artifact_is_named() {
    let mine = link(&[], &[("a", 1)]);
    let rules = Rules {
        products: ["ALLOW *", "REQUIRE a"]
            .iter()
            .map(|rule| rule.parse().unwrap())
            .collect(),
        ..Rules::default()
    };
    let found = apply(&rules, &mine, &|_: &ItemName| None);
    assert!(matches!(
        &found[1].problems[..],
        [(1, Problem::ArtifactMissing { taken_by: Some(rule), .. })] if rule == "ALLOW *"
    ));
}

#[test]
fn what_no_rule_is_about_is_counted_and_the_first_named() {
    let names: Vec<String> = (0..150).map(|n| format!("{n:03}")).collect();
    let many: Vec<_> = names.iter().map(|name| (name.as_str(), 1)).collect();
    let found = apply(&Rules::default(), &link(&[], &many), &|_: &ItemName| None);
    assert!(matches!(
        &found[1].unchecked,
        Some(Problem::ArtifactsUnchecked { count: 150, paths, .. }) if paths.len() == 100
    ));
    assert_eq!(found[0].unchecked, None);
}
