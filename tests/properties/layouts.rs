//! Layouts and their text form: what is decompiled compiles to the same value, whatever it holds, and no
//! text, however broken, does more than be refused.

use std::collections::BTreeMap;
use std::fs;

use proptest::collection::vec;
use proptest::option::of;
use proptest::prelude::*;
use proptest::sample::{Index, select};

use linkwright::author::text::{Context, compile, decompile};
use linkwright::encoding::{Object, Value};
use linkwright::keys::{Certificate, KeyIdStyle, PublicKey};
use linkwright::model::{Layout, Moment};

use super::json;
use crate::support::public;

fn no_file(path: &str) -> Result<Vec<u8>, String> {
    Err(format!("there is no file {path}"))
}

fn now() -> Moment {
    Moment::parse("2026-01-01T00:00:00Z").unwrap()
}

/// Keys of the committed test data as objects, under either id.
fn key_objects() -> Vec<Value> {
    let read = |name: &str| PublicKey::from_pem(&fs::read(public(name)).unwrap()).unwrap();
    let keys = ["alice", "bob", "ecdsa"].map(read);
    let styles = [KeyIdStyle::Current, KeyIdStyle::Legacy];
    let each = keys
        .iter()
        .flat_map(|key| styles.map(|style| key.to_value(style)));
    each.collect()
}

fn ids() -> Vec<String> {
    let id = |key: &Value| {
        let id = key.as_object().unwrap().get("keyid").unwrap();
        id.as_str().unwrap().to_owned()
    };
    key_objects().iter().map(id).collect()
}

fn root_object() -> Value {
    let path = format!("{}/tests/certificates/root.pem", env!("CARGO_MANIFEST_DIR"));
    let certificate = Certificate::from_pem(&fs::read(path).unwrap()).unwrap();
    let mut keyval = Object::new();
    keyval.set("certificate", certificate.to_pem());
    let mut object = Object::new();
    object.set("keyval", keyval);
    Value::Object(object)
}

/// Text with what the text form could stumble over.
fn word() -> impl Strategy<Value = String> {
    let pieces = select(vec![
        "a",
        "*",
        "{x}",
        "{{x}}",
        "{",
        "}",
        "@a",
        "\"",
        "'''",
        "\"\"\"",
        "\\",
        "#",
        " ",
        "\n",
        "\r\n",
        "\t",
        "\u{1b}[2J",
        "\u{9b}",
        "\u{202e}",
        "é",
        "😀",
        "/",
        "$HOME",
        "{VERSION}",
        "",
        "[",
        "]",
        "=",
    ]);
    prop_oneof![
        2 => vec(pieces, 0..4).prop_map(|pieces| pieces.concat()),
        1 => json::text(),
    ]
}

const NAMES: [&str; 4] = ["write", "build {x}", "@pack", "prüfen"];

fn rule() -> impl Strategy<Value = Value> {
    let keyword = select(vec![
        "ALLOW", "allow", "CREATE", "DELETE", "Disallow", "MODIFY", "REQUIRE",
    ]);
    let one = (keyword, word()).prop_map(|(keyword, word)| vec![keyword.to_owned(), word]);
    let prefix = || of(word());
    let side = select(vec!["MATERIALS", "PRODUCTS", "products"]);
    let from = select(vec![NAMES[0], NAMES[1]]);
    let matched = (word(), prefix(), side, prefix(), from).prop_map(
        |(pattern, source, side, destination, from)| {
            let mut words = vec!["MATCH".to_owned(), pattern];
            words.extend(
                source
                    .into_iter()
                    .flat_map(|prefix| ["IN".to_owned(), prefix]),
            );
            words.extend(["WITH".to_owned(), side.to_owned()]);
            words.extend(
                destination
                    .into_iter()
                    .flat_map(|prefix| ["in".to_owned(), prefix]),
            );
            words.extend(["FROM".to_owned(), from.to_owned()]);
            words
        },
    );
    prop_oneof![one, matched].prop_map(Value::from)
}

fn rules() -> impl Strategy<Value = Value> {
    vec(rule(), 0..4).prop_map(Value::Array)
}

fn words() -> impl Strategy<Value = Value> {
    vec(word(), 0..4).prop_map(Value::from)
}

fn whole(number: &str) -> Value {
    linkwright::encoding::parse(number.as_bytes()).unwrap()
}

fn pubkeys() -> impl Strategy<Value = Value> {
    let mut known = ids();
    known.push("abcdef".to_owned());
    vec(select(known), 0..4).prop_map(Value::from)
}

fn constraints() -> impl Strategy<Value = Value> {
    let list = || vec(prop_oneof![Just("*".to_owned()), word()], 0..3).prop_map(Value::from);
    let roots = vec(select(vec!["*", "", "root", "other"]), 0..3).prop_map(Value::from);
    let roots = prop_oneof![roots, Just(Value::Null)];
    let one =
        (of(list()), of(list()), of(roots), of(word())).prop_map(|(emails, uris, roots, name)| {
            let name = name.map(Value::from);
            object([
                ("emails", emails),
                ("uris", uris),
                ("roots", roots),
                ("common_name", name),
            ])
        });
    prop_oneof![vec(one, 0..3).prop_map(Value::Array), Just(Value::Null)]
}

fn object<const N: usize>(fields: [(&str, Option<Value>); N]) -> Value {
    let fields = fields.into_iter();
    let there = fields.filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(there.collect())
}

/// Fields that nobody knows, which stay.
fn also() -> impl Strategy<Value = Option<(String, Value)>> {
    of((
        select(vec!["x-also", "expected_material", "json", "é\"'"]),
        json::value(),
    ))
    .prop_map(|also| also.map(|(name, value)| (name.to_owned(), value)))
}

fn with(value: Value, also: Option<(String, Value)>) -> Value {
    let Value::Object(mut object) = value else {
        return value;
    };
    if let Some((name, value)) = also {
        object.set(&name, value);
    }
    Value::Object(object)
}

/// A type that is there, absent, or something else.
fn type_of(name: &'static str) -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        4 => Just(Some(Value::from(name))),
        1 => Just(None),
        1 => Just(Some(Value::from("odd"))),
    ]
}

fn step(name: &'static str) -> impl Strategy<Value = Value> {
    let threshold = select(vec!["1", "2", "18446744073709551615"]).prop_map(whole);
    (
        type_of("step"),
        of(words()),
        of(pubkeys()),
        of(threshold),
        of(rules()),
        of(rules()),
        of(constraints()),
        also(),
    )
        .prop_map(
            move |(kind, command, keys, threshold, materials, products, certs, also)| {
                let fields = [
                    ("_type", kind),
                    ("name", Some(Value::from(name))),
                    ("expected_command", command),
                    ("pubkeys", keys),
                    ("threshold", threshold),
                    ("expected_materials", materials),
                    ("expected_products", products),
                    ("cert_constraints", certs),
                ];
                with(object(fields), also)
            },
        )
}

fn inspection(name: &'static str) -> impl Strategy<Value = Value> {
    (
        type_of("inspection"),
        of(words()),
        of(rules()),
        of(rules()),
        also(),
    )
        .prop_map(move |(kind, run, materials, products, also)| {
            let fields = [
                ("_type", kind),
                ("name", Some(Value::from(name))),
                ("run", run),
                ("expected_materials", materials),
                ("expected_products", products),
            ];
            with(object(fields), also)
        })
}

/// Keys as they should be, one under two ids, under the id of another, without an id, no keys at all.
fn keys() -> impl Strategy<Value = Value> {
    let good = select(key_objects()).prop_map(|key| {
        let id = key
            .as_object()
            .unwrap()
            .get("keyid")
            .unwrap()
            .as_str()
            .unwrap()
            .to_owned();
        (id, key)
    });
    let odd = (select(ids()), select(key_objects()), any::<bool>()).prop_map(|(id, key, drop)| {
        let mut key = key.as_object().unwrap().clone();
        if drop {
            key.remove("keyid");
        }
        key.set("x-more", Value::Null);
        (id, Value::Object(key))
    });
    let none = json::value().prop_map(|value| {
        // A key id that is there has to be a string.
        let value = if value.as_object().is_some() {
            Value::Null
        } else {
            value
        };
        ("00".to_owned(), value)
    });
    vec(prop_oneof![12 => good, 1 => odd, 1 => none], 0..4)
        .prop_map(|keys| Value::Object(keys.into_iter().collect()))
}

fn roots() -> impl Strategy<Value = Value> {
    let ids = select(vec!["root", "other", "*", "", "a\u{1b}b"]);
    let one = (ids, any::<bool>()).prop_map(|(id, stated)| {
        let mut root = root_object().as_object().unwrap().clone();
        if stated {
            root.set("keyid", id);
        }
        (id.to_owned(), Value::Object(root))
    });
    vec(one, 0..3).prop_map(|roots| Value::Object(roots.into_iter().collect()))
}

fn layout() -> impl Strategy<Value = Value> {
    let expires = prop_oneof![
        4 => Just(Value::from("2030-12-31T23:59:59Z")),
        1 => Just(Value::Null),
        1 => Just(Value::from("")),
    ];
    (
        of(word()),
        of(expires),
        of(keys()),
        of(roots()),
        of(roots()),
        (step(NAMES[0]), step(NAMES[1]), of(step(NAMES[2]))),
        of(inspection(NAMES[3])),
        also(),
    )
        .prop_map(
            |(readme, expires, keys, roots, more, steps, inspection, also)| {
                let steps = [Some(steps.0), Some(steps.1), steps.2];
                let fields = [
                    ("_type", Some(Value::from("layout"))),
                    ("readme", readme.map(Value::from)),
                    ("expires", expires),
                    ("keys", keys),
                    ("rootcas", roots),
                    ("intermediatecas", more),
                    (
                        "steps",
                        Some(Value::Array(steps.into_iter().flatten().collect())),
                    ),
                    (
                        "inspect",
                        Some(Value::Array(inspection.into_iter().collect())),
                    ),
                ];
                with(object(fields), also)
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_decompiled_layout_compiles_to_itself(value in layout(), comment in word()) {
        let valid = Layout::from_value(&value);
        prop_assume!(valid.is_ok());
        let comments: BTreeMap<String, Vec<String>> = ["", "/steps/0/expected_products/1", "/keys"]
            .into_iter()
            .map(|pointer| (pointer.to_owned(), vec![comment.clone()]))
            .collect();
        let text = decompile(&value, &comments);
        prop_assert!(text.is_ok(), "{:?}", text);
        let text = text.unwrap();
        let hostile = |c: char| c != '\n' && (c.is_control() || c == '\u{202e}');
        prop_assert!(!text.contains(hostile), "{}", text);
        let compiled = compile(&text, &Context::new(now(), &no_file));
        prop_assert!(compiled.is_ok(), "{}\n{:?}", text, compiled.err());
        prop_assert_eq!(compiled.unwrap().value, value, "{}", text);
    }

    #[test]
    fn what_is_broken_is_refused_or_means_what_it_says(
        value in layout(), at in any::<Index>(), length in 0..6_usize, instead in word(),
    ) {
        prop_assume!(Layout::from_value(&value).is_ok());
        let text = decompile(&value, &BTreeMap::new()).unwrap();
        let characters: Vec<char> = text.chars().collect();
        let start = at.index(characters.len());
        let end = (start + length).min(characters.len());
        let parts = [&characters[..start], &instead.chars().collect::<Vec<_>>(), &characters[end..]];
        let broken: String = parts.concat().into_iter().collect();
        match compile(&broken, &Context::new(now(), &no_file)) {
            Ok(compiled) => {
                let again = decompile(&compiled.value, &BTreeMap::new()).unwrap();
                let again = compile(&again, &Context::new(now(), &no_file)).unwrap();
                prop_assert_eq!(again.value, compiled.value);
            }
            Err(errors) => {
                prop_assert!(!errors.is_empty());
                for error in errors {
                    prop_assert!(!error.message.chars().any(char::is_control), "{:?}", error);
                    if let Some(span) = error.span {
                        prop_assert!(broken.get(span.start..span.end).is_some(), "{:?}", error);
                    }
                }
            }
        }
    }
}
