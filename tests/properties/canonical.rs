//! Canonical JSON: an inverse where there is one, and three other implementations.

use olpc_cjson::CanonicalFormatter;
use proptest::prelude::*;
use serde::Serialize as _;

use linkwright::encoding::{Object, Value, canonical, compact, parse};
use linkwright::model::hex;

use super::bodies::oracle;
use super::json;

/// What securesystemslib 1.6.0 says: lines `[JSON text, hex]`, null where it refuses.
const REFERENCE: &str = include_str!("../data/canonical.jsonl");

fn elsewhere(value: &Value) -> serde_json::Value {
    serde_json::from_str(&compact(value)).unwrap()
}

fn olpc(value: &serde_json::Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    let formatter = CanonicalFormatter::new();
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    value.serialize(&mut serializer).unwrap();
    bytes
}

fn olpc_of(json: &str) -> String {
    String::from_utf8(olpc(&serde_json::from_str(json).unwrap())).unwrap()
}

fn ours(json: &str) -> String {
    String::from_utf8(canonical(&parse(json.as_bytes()).unwrap()).unwrap()).unwrap()
}

/// Text without control characters, which canonical JSON has raw and JSON forbids.
fn printable() -> BoxedStrategy<String> {
    json::text()
        .prop_map(|text| text.replace(|c: char| c < ' ', "x"))
        .boxed()
}

/// Text on which OLPC's order and ours cannot differ: no character before `#`, no escapes, nothing
/// that normalises.
fn tame() -> BoxedStrategy<String> {
    "[#-\\[\\]-~äß€\u{ffff}\u{10000}😀]{0,5}".boxed()
}

proptest! {
    #[test]
    fn the_canonical_form_reads_back_and_is_its_own_canonical_form(
        value in json::value_of(printable())
    ) {
        let bytes = canonical(&value).unwrap();
        let back = parse(&bytes).unwrap();
        prop_assert_eq!(&back, &value);
        prop_assert_eq!(canonical(&back).unwrap(), bytes);
    }

    #[test]
    fn the_slow_implementation_agrees(value in json::value()) {
        let bytes = canonical(&value).unwrap();
        prop_assert_eq!(String::from_utf8(bytes).unwrap(), oracle::canonical(&elsewhere(&value)));
    }

    #[test]
    fn different_values_have_different_forms(one in json::value(), two in json::value()) {
        prop_assert_eq!(canonical(&one).unwrap() == canonical(&two).unwrap(), one == two);
    }

    #[test]
    fn the_order_in_which_keys_come_does_not_matter(
        members in proptest::collection::btree_map(json::text(), any::<i64>(), 0..8),
        seed in any::<prop::sample::Selector>(),
    ) {
        let sorted: Vec<(String, Value)> =
            members.into_iter().map(|(key, number)| (key, Value::from(number))).collect();
        let mut mixed = sorted.clone();
        mixed.reverse();
        if let Some(first) = seed.try_select(0..mixed.len()) {
            mixed.rotate_left(first);
        }
        let one = Value::Object(Object::from_members(sorted).unwrap());
        let two = Value::Object(Object::from_members(mixed).unwrap());
        prop_assert_eq!(canonical(&one).unwrap(), canonical(&two).unwrap());
    }

    #[test]
    fn olpc_agrees_where_it_can(value in json::value_of(tame())) {
        let bytes = canonical(&value).unwrap();
        let theirs = olpc(&elsewhere(&value));
        prop_assert_eq!(String::from_utf8(bytes).unwrap(), String::from_utf8(theirs).unwrap());
    }
}

#[test]
fn the_reference_agrees_byte_for_byte() {
    let mut rows = 0;
    for line in REFERENCE.lines() {
        let row = parse(line.as_bytes()).unwrap();
        let [Value::String(text), expected] = row.as_array().unwrap() else {
            panic!("{line}");
        };
        let found = canonical(&parse(text.as_bytes()).unwrap()).ok();
        assert_eq!(
            found.map(|bytes| hex(&bytes)).as_deref(),
            expected.as_str(),
            "{text}"
        );
        rows += 1;
    }
    assert!(rows >= 300);
}

/// Each line is a reason not to sign what `olpc-cjson` makes: JSON, its form, ours, which is the
/// reference's.
#[test]
fn where_olpc_differs_from_the_reference() {
    for (json, theirs, reference) in [
        // It sorts keys with their closing quote.
        (
            r#"{"foo":1,"foo bar":2}"#,
            r#"{"foo bar":2,"foo":1}"#,
            r#"{"foo":1,"foo bar":2}"#,
        ),
        (
            r#"{"a":1,"a!":2}"#,
            r#"{"a!":2,"a":1}"#,
            r#"{"a":1,"a!":2}"#,
        ),
        // It sorts keys with their escapes.
        (
            r#"{"a\"":1,"a#":2}"#,
            r#"{"a#":2,"a\"":1}"#,
            r#"{"a\"":1,"a#":2}"#,
        ),
        // It normalises.
        ("\"e\u{301}\"", "\"é\"", "\"e\u{301}\""),
        ("\"\u{212b}\"", "\"Å\"", "\"\u{212b}\""),
        // Two keys that are equal after that become one.
        (
            "{\"e\u{301}\":1,\"é\":2}",
            "{\"é\":2}",
            "{\"e\u{301}\":1,\"é\":2}",
        ),
    ] {
        assert_eq!(olpc_of(json), theirs, "{json}");
        assert_eq!(ours(json), reference, "{json}");
    }
    for json in ["-0", "18446744073709551616"] {
        let value: serde_json::Value = serde_json::from_str(json).unwrap();
        let mut out = Vec::new();
        let formatter = CanonicalFormatter::new();
        let mut serializer = serde_json::Serializer::with_formatter(&mut out, formatter);
        assert!(value.serialize(&mut serializer).is_err(), "{json}");
        assert_eq!(ours(json), json.replace('-', ""));
    }
}
