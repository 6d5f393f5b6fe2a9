//! Rules: words, the line that people read, and back.

use proptest::collection::vec;
use proptest::prelude::*;

use linkwright::model::Rule;

use super::{bodies, json};

fn word() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => json::text(),
        1 => "[a-z*./]{1,6}",
        1 => prop::sample::select(vec!["IN", "WITH", "FROM", "MATCH", "PRODUCTS", "", "\"", "\\u{41}"])
            .prop_map(str::to_owned),
        1 => prop::sample::select(vec!["\u{a0}", "\u{85}", "\u{2028}", "\u{200b}", "\u{feff}x"])
            .prop_map(str::to_owned),
    ]
}

fn keyword(text: &'static str) -> impl Strategy<Value = String> {
    prop_oneof![Just(text.to_owned()), Just(text.to_lowercase())]
}

fn prefix() -> impl Strategy<Value = Vec<String>> {
    prop_oneof![
        Just(Vec::new()),
        (keyword("IN"), word()).prop_map(|(keyword, prefix)| vec![keyword, prefix]),
    ]
}

/// The words of a rule that is one.
fn words() -> impl Strategy<Value = Vec<String>> {
    let simple = prop::sample::select(vec![
        "ALLOW", "CREATE", "DELETE", "DISALLOW", "MODIFY", "REQUIRE", "allow", "Require",
    ]);
    let simple = (simple, word()).prop_map(|(keyword, word)| vec![keyword.to_owned(), word]);
    let side = prop_oneof![keyword("MATERIALS"), keyword("PRODUCTS")];
    let step = "[^/\\\\\\pC.]{1,6}";
    let ends = (
        keyword("MATCH"),
        word(),
        keyword("WITH"),
        side,
        keyword("FROM"),
        step,
    );
    let matching = (ends, prefix(), prefix()).prop_map(
        |((keyword, pattern, with, side, from, step), source, destination)| {
            let parts = [
                vec![keyword, pattern],
                source,
                vec![with, side],
                destination,
                vec![from, step],
            ];
            parts.concat()
        },
    );
    prop_oneof![simple, matching]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn a_rule_and_its_line_are_inverse(words in words()) {
        let rule = Rule::from_words(&words).unwrap();
        let line = rule.to_string();
        prop_assert_eq!(line.parse::<Rule>(), Ok(rule.clone()), "{}", line);
        prop_assert_eq!(line.lines().count(), 1);
    }

    #[test]
    fn a_rule_and_its_words_are_inverse(words in words()) {
        let rule = Rule::from_words(&words).unwrap();
        let again = Rule::from_words(&rule.words()).unwrap();
        prop_assert_eq!(again.words(), rule.words());
        // Nothing but the case of keywords and an empty prefix is lost.
        prop_assert_eq!(rule.words()[1], words[1].as_str());
        prop_assert_eq!(rule.words().last().copied(), words.last().map(String::as_str));
    }

    #[test]
    fn any_words_are_a_rule_or_refused(words in vec(word(), 0..11)) {
        if let Ok(rule) = Rule::from_words(&words) {
            prop_assert_eq!(rule.to_string().parse::<Rule>(), Ok(rule));
        }
    }

    #[test]
    fn a_word_put_in_or_taken_out_is_refused_or_another_rule(
        words in words(),
        at in any::<prop::sample::Index>(),
        extra in prop::option::of(word()),
    ) {
        let rule = Rule::from_words(&words).unwrap();
        let mut changed = words.clone();
        let at = at.index(changed.len());
        match extra {
            Some(extra) => changed.insert(at, extra),
            None => {
                changed.remove(at);
            }
        }
        prop_assert!(Rule::from_words(&changed).is_err() || Rule::from_words(&changed) != Ok(rule));
    }

    #[test]
    fn any_line_is_a_rule_or_refused(line in "(ALLOW|match|\"MATCH\") ?\\PC{0,20}") {
        bodies::rule(line.as_bytes());
    }
}
