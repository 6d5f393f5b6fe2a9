//! Generated JSON, and the strict reader beside `serde_json`'s.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;

use linkwright::encoding::{Object, Value, compact, indented, parse};

use super::bodies;

/// Characters on which canonical JSON and the rules of file names depend, and any others.
pub(super) fn text() -> impl Strategy<Value = String> {
    let awkward = prop::sample::select(
        "\"\\/ !#[]aAbz~{0\t\n\u{0}\u{1f}\u{7f}\u{85}é\u{301}\u{2028}\u{ffff}\u{10000}😀"
            .chars()
            .collect::<Vec<_>>(),
    );
    vec(prop_oneof![4 => awkward, 1 => any::<char>()], 0..6)
        .prop_map(|characters| characters.into_iter().collect())
}

/// Values with whole numbers of at most 64 bits.
pub(super) fn value() -> impl Strategy<Value = Value> {
    value_of(text().boxed())
}

/// The same, with these texts as strings and keys.
pub(super) fn value_of(text: BoxedStrategy<String>) -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        text.clone().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, move |inner| {
        prop_oneof![
            vec(inner.clone(), 0..5).prop_map(Value::Array),
            btree_map(text.clone(), inner, 0..6)
                .prop_map(|members| Value::Object(members.into_iter().collect::<Object>())),
        ]
    })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(value in value()) {
        prop_assert_eq!(&parse(compact(&value).as_bytes()).unwrap(), &value);
        prop_assert_eq!(&parse(indented(&value).as_bytes()).unwrap(), &value);
    }

    #[test]
    fn what_is_written_reads_the_same_elsewhere(value in value()) {
        let elsewhere: serde_json::Value = serde_json::from_str(&indented(&value)).unwrap();
        let back = parse(elsewhere.to_string().as_bytes()).unwrap();
        prop_assert_eq!(back, value);
    }

    /// Wherever the two readers differ, ours is the stricter one, and for a reason that is listed
    /// in the body of the fuzz target.
    #[test]
    fn damaged_text_is_read_as_elsewhere_or_refused(
        value in value(),
        at in any::<prop::sample::Index>(),
        damage in prop::sample::select(vec![
            &b""[..], b",", b":", b"\"", b"}", b"[1]", b"0", b"-", b"e9", b".5", b"\\", b"\\ud800",
            b"\"a\":1,\"a\":2,", b"\xff", b"\n", b"\x00", b"nul",
        ]),
        cut in 0_usize..4,
    ) {
        let mut text = compact(&value).into_bytes();
        let at = at.index(text.len());
        let end = (at + cut).min(text.len());
        text.splice(at..end, damage.iter().copied());
        bodies::canonical(&text);
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in vec(any::<u8>(), 0..64)) {
        bodies::canonical(&bytes);
    }
}

#[test]
fn the_limits_are_the_only_refusals_of_valid_text() {
    for text in [
        r#"{"a":1,"a":2}"#.to_owned(),
        "9".repeat(4301),
        format!("{}{}", "[".repeat(129), "]".repeat(129)),
    ] {
        assert!(parse(text.as_bytes()).is_err());
        bodies::canonical(text.as_bytes());
    }
    for text in [
        "9".repeat(4300),
        format!("{}{}", "[".repeat(128), "]".repeat(128)),
    ] {
        assert!(parse(text.as_bytes()).is_ok());
        bodies::canonical(text.as_bytes());
    }
}
