//! Patterns: what Python's `fnmatch` says, from a table and from a slow matcher.

use proptest::prelude::*;

use linkwright::encoding::{Value, parse};
use linkwright::model::Pattern;

use super::bodies::oracle;

/// What Python 3.11 says: lines `[pattern, [names that match], [names that do not]]`.
const REFERENCE: &str = include_str!("../data/patterns.jsonl");

/// Few characters, so that patterns and names meet; all that means something in a class.
fn pattern() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[*?a-cz/.\\\\é\n]",
        3 => "\\[[!\\]]?[a-cz!^&~|é\\\\\\[-]{0,6}\\]",
        1 => "[\\[\\]!^-]",
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

fn name() -> impl Strategy<Value = String> {
    "[a-cz/.!^&~|é\\\\\\[\\]\n-]{0,5}"
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn the_slow_matcher_agrees(pattern in pattern(), name in name()) {
        prop_assert_eq!(Pattern::new(&pattern).matches(&name), oracle::fnmatch(&pattern, &name));
    }

    #[test]
    fn the_slow_matcher_agrees_on_any_text(pattern in "\\PC{0,8}", name in "\\PC{0,4}") {
        prop_assert_eq!(Pattern::new(&pattern).matches(&name), oracle::fnmatch(&pattern, &name));
    }

    #[test]
    fn text_without_special_characters_matches_itself_alone(text in "[^*?\\[]{0,6}", other in name()) {
        let pattern = Pattern::new(&text);
        prop_assert!(pattern.matches(&text));
        prop_assert_eq!(pattern.matches(&other), text == other);
    }

    #[test]
    fn a_star_behind_a_prefix_takes_all_that_begins_with_it(prefix in "[^*?\\[]{0,4}", rest in ".{0,4}") {
        let pattern = Pattern::new(&format!("{prefix}*"));
        let name = prefix + &rest;
        prop_assert!(pattern.matches(&name));
    }
}

#[test]
fn python_agrees() {
    let mut questions = 0;
    for line in REFERENCE.lines() {
        let row = parse(line.as_bytes()).unwrap();
        let [Value::String(pattern), takes, refuses] = row.as_array().unwrap() else {
            panic!("{line}");
        };
        let compiled = Pattern::new(pattern);
        for (names, expected) in [(takes, true), (refuses, false)] {
            for name in names.as_array().unwrap() {
                let name = name.as_str().unwrap();
                assert_eq!(compiled.matches(name), expected, "{pattern:?} {name:?}");
                assert_eq!(
                    oracle::fnmatch(pattern, name),
                    expected,
                    "{pattern:?} {name:?}"
                );
                questions += 1;
            }
        }
    }
    assert!(questions >= 2000);
}
