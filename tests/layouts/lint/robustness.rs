//! Nothing crashes it, and what it says has a place and words.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use linkwright::author::lint::{Subject, lint};
use linkwright::model::{Envelope, Pattern, Rule};
use linkwright::report::LintCode;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Beside, linted, now, sound};

/// Words that mean something in layouts.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "*",
        "",
        "src/*",
        "a",
        "b",
        "s",
        "t",
        "ALLOW",
        "CREATE",
        "DELETE",
        "DISALLOW",
        "MATCH",
        "MODIFY",
        "REQUIRE",
        "WITH",
        "PRODUCTS",
        "MATERIALS",
        "IN",
        "FROM",
        "{A}",
        "[a",
        "a/",
        "00",
        "c0ffee",
        "sh",
        "-c",
        "env",
        "2030-12-31T23:59:59Z",
        "\u{1b}[0m",
        "é",
    ];
    proptest::sample::select(words.to_vec()).prop_map(str::to_owned)
}

fn name() -> impl Strategy<Value = String> {
    let names = [
        "_type",
        "steps",
        "inspect",
        "keys",
        "expires",
        "readme",
        "name",
        "pubkeys",
        "threshold",
        "run",
        "expected_materials",
        "expected_products",
        "expected_command",
        "expected_product",
        "rootcas",
        "cert_constraints",
        "roots",
        "keyval",
        "public",
        "keytype",
        "scheme",
        "keyid",
        "a/b~",
        "00",
    ];
    proptest::sample::select(names.to_vec()).prop_map(str::to_owned)
}

fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        word().prop_map(Value::from),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::vec((name(), inner), 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
}

fn rule() -> impl Strategy<Value = Value> {
    let one = prop_oneof![
        Just("ALLOW"),
        Just("CREATE"),
        Just("DELETE"),
        Just("DISALLOW"),
        Just("MODIFY"),
        Just("REQUIRE")
    ];
    let pattern = "[ab*?/\\[\\]{}!^.-]{0,5}";
    prop_oneof![
        (one, pattern).prop_map(|(keyword, pattern)| json!([keyword, pattern])),
        (pattern, word()).prop_map(|(pattern, from)| json!([
            "MATCH", pattern, "WITH", "PRODUCTS", "FROM", from
        ])),
        proptest::collection::vec(word(), 0..5).prop_map(Value::from),
    ]
}

fn layout() -> impl Strategy<Value = Value> {
    let rules = || proptest::collection::vec(rule(), 0..5);
    let step = (word(), rules(), rules(), anything()).prop_map(|(name, materials, products, keys)| {
        json!({"name": name, "expected_materials": materials, "expected_products": products, "pubkeys": keys})
    });
    let inspection = (word(), rules(), proptest::collection::vec(word(), 0..3)).prop_map(
        |(name, products, run)| json!({"name": name, "expected_products": products, "run": run}),
    );
    let steps = proptest::collection::vec(prop_oneof![4 => step, 1 => anything()], 0..4);
    let looks = proptest::collection::vec(inspection, 0..2);
    (steps, looks, anything(), word()).prop_map(|(steps, looks, keys, expires)| {
        json!({"_type": "layout", "steps": steps, "inspect": looks, "keys": keys, "expires": expires})
    })
}

fn check(value: &Value) -> Result<(), TestCaseError> {
    let found = linted(value, &Beside::default());
    for one in &found.findings {
        prop_assert!(!one.message.is_empty() && !one.help.is_empty());
        prop_assert!(one.pointer.is_empty() || one.pointer.starts_with('/'));
        prop_assert!(!one.message.contains('\u{1b}'), "{}", one.message);
        let parts = format!("{}{}", one.message, one.help);
        prop_assert!(
            !parts.contains("{}") || value.to_string().contains("{}"),
            "{parts}"
        );
    }
    Ok(())
}

proptest! {
    #[test]
    fn nothing_crashes_it(value in prop_oneof![anything(), layout()]) {
        check(&value)?;
    }

    /// A rule that is said to be shadowed takes nothing, whatever the artifacts.
    #[test]
    fn what_is_said_to_be_shadowed_takes_nothing(rules in proptest::collection::vec(rule(), 1..6), names in proptest::collection::vec("[ab/.-]{0,4}", 1..12)) {
        let mut layout = sound();
        layout["steps"][0]["expected_products"] = Value::from(rules);
        let list: Vec<Rule> = layout["steps"][0]["expected_products"].as_array().unwrap().iter().filter_map(|rule| {
            let words: Vec<&str> = rule.as_array()?.iter().filter_map(Value::as_str).collect();
            Rule::from_words(&words).ok()
        }).collect();
        let found = linted(&layout, &Beside::default());
        if list.len() != layout["steps"][0]["expected_products"].as_array().unwrap().len() {
            return Ok(());
        }
        for one in &found.findings {
            let Some(index) = one.pointer.strip_prefix("/steps/0/expected_products/").and_then(|at| at.parse::<usize>().ok()) else {
                continue;
            };
            let shadowed = matches!(one.code, LintCode::RuleShadowed | LintCode::DisallowWithoutEffect);
            if !shadowed || layout["steps"][0]["expected_products"][index].to_string().contains('{') {
                continue;
            }
            for name in &names {
                let before = list.iter().take(index);
                let gone = before.clone().any(|rule| unconditional(rule, name));
                let same_kind = before.clone().any(|rule| same(rule, &list[index], name));
                prop_assert!(!about(&list[index], name) || gone || same_kind, "{name:?} {} {list:?}", list[index]);
            }
        }
    }
}

fn pattern(rule: &Rule) -> Option<&Pattern> {
    match rule {
        Rule::Allow(pattern) | Rule::Create(pattern) | Rule::Delete(pattern) => Some(pattern),
        Rule::Disallow(pattern) | Rule::Modify(pattern) => Some(pattern),
        Rule::Match(rule) => Some(&rule.pattern),
        Rule::Require(_) => None,
    }
}

fn about(rule: &Rule, name: &str) -> bool {
    pattern(rule).is_some_and(|pattern| pattern.matches(name))
}

fn unconditional(rule: &Rule, name: &str) -> bool {
    matches!(rule, Rule::Allow(_) | Rule::Disallow(_)) && about(rule, name)
}

fn same(one: &Rule, other: &Rule, name: &str) -> bool {
    let kind = std::mem::discriminant(one) == std::mem::discriminant(other);
    kind && one.source() == other.source() && about(one, name)
}

#[test]
fn a_thousand_steps_of_a_hundred_rules_are_read_over() {
    let steps: Vec<Value> = (0..1000)
        .map(|step| {
            let products: Vec<Value> = (0..99).map(|file| json!(["CREATE", format!("s{step}/f{file}.o")])).collect();
            let from = |file: usize| {
                let before = step - 1;
                json!(["MATCH", format!("s{before}/f{file}.o"), "WITH", "PRODUCTS", "FROM", format!("step-{before}")])
            };
            let materials: Vec<Value> = if step == 0 { Vec::new() } else { (0..99).map(from).collect() };
            let close = |mut rules: Vec<Value>| {
                rules.push(json!(["DISALLOW", "*"]));
                rules
            };
            json!({"name": format!("step-{step}"), "pubkeys": [super::id(if step % 2 == 0 { "alice" } else { "bob" })],
                "expected_materials": close(materials), "expected_products": close(products)})
        })
        .collect();
    let mut layout = sound();
    layout["steps"] = Value::from(steps);
    layout["inspect"] = json!([]);
    let found = linted(&layout, &Beside::default());
    let codes: BTreeSet<&str> = found.findings.iter().map(|one| one.code.name()).collect();
    assert_eq!(
        codes,
        BTreeSet::from(["products-unprotected"]),
        "of the last step"
    );
}

/// What is among the fuzz targets' inputs.
#[test]
fn the_corpus_is_read_over() {
    let mut count = 0;
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(bytes) = fs::read(&path)
                && let Ok(envelope) = Envelope::from_bytes(&bytes)
            {
                count += 1;
                let found = lint(&Subject {
                    document: "x",
                    value: envelope.payload(),
                    now: now(),
                    signed_by: &[],
                    owners: &[],
                    evidence: None,
                });
                assert!(found.findings.iter().all(|one| !one.message.is_empty()));
            }
        }
    }
    assert!(count > 0);
}
