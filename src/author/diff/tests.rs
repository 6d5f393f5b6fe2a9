//! One case per kind of difference, and the rules held against evidence made at random.

use proptest::prelude::*;

use super::*;
use crate::encoding::parse;
use crate::model::{ArtifactPath, Artifacts, DigestSet, Link};
use crate::verify::judge;

const ALICE: &str = r#"{"keytype":"ed25519","scheme":"ed25519","keyid":"aa","keyval":{"public":"d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"}}"#;
const BOB: &str = r#"{"keytype":"ed25519","scheme":"ed25519","keyid":"bb","keyval":{"public":"3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c"}}"#;

/// A layout of two steps and an inspection, with parts that a case replaces.
const PARTS: [(&str, &str); 11] = [
    ("EXPIRES", r#""2030-01-01T00:00:00Z""#),
    ("README", r#""""#),
    ("KEYS", r#""aa":ALICE,"bb":BOB"#),
    ("PUBKEYS", r#"["aa","bb"]"#),
    ("THRESHOLD", "1"),
    ("COMMAND", r#"["make"]"#),
    (
        "MATERIALS",
        r#"[["MATCH","src/*","WITH","PRODUCTS","FROM","clone"],["DISALLOW","*"]]"#,
    ),
    ("PRODUCTS", r#"[["CREATE","out"],["DISALLOW","*"]]"#),
    ("MORE", ""),
    ("RUN", r#"["true"]"#),
    ("OTHER", r#""""#),
];

fn value(parts: &[(&str, &str)]) -> Value {
    let mut json =
        r#"{"_type":"layout","expires":$EXPIRES,"readme":$README,"x":$OTHER,"keys":{$KEYS},
        "steps":[{"name":"clone","pubkeys":["aa"],"threshold":1,"expected_command":[],
            "expected_materials":[],"expected_products":[["ALLOW","*"]]},
          {"name":"build","pubkeys":$PUBKEYS,"threshold":$THRESHOLD,"expected_command":$COMMAND,
            "expected_materials":$MATERIALS,"expected_products":$PRODUCTS}$MORE],
        "inspect":[{"name":"look","run":$RUN,"expected_materials":[],"expected_products":[]}]}"#
            .to_owned();
    for (name, usual) in PARTS {
        let part = parts.iter().find(|part| part.0 == name);
        json = json.replace(&format!("${name}"), part.map_or(usual, |part| part.1));
    }
    let json = json.replace("ALICE", ALICE).replace("BOB", BOB);
    parse(json.as_bytes()).unwrap_or_else(|error| panic!("{error}: {json}"))
}

fn between(old: &Value, new: &Value) -> Vec<Change> {
    let (before, after) = (
        Layout::from_value(old).unwrap(),
        Layout::from_value(new).unwrap(),
    );
    let version = |value, layout| Version { value, layout };
    diff(
        version(old, &before),
        version(new, &after),
        &BTreeSet::new(),
    )
}

/// A code and what it means.
type Told = (&'static str, Effect);

/// What it comes to when one part is another, there and back.
fn changed(part: &str, text: &str) -> (Vec<Told>, Vec<Told>) {
    let (usual, other) = (value(&[]), value(&[(part, text)]));
    let codes = |changes: Vec<Change>| changes.iter().map(|one| (one.code, one.effect)).collect();
    (
        codes(between(&usual, &other)),
        codes(between(&other, &usual)),
    )
}

#[test]
fn every_kind_of_difference_is_told_with_what_it_means() {
    use Effect::{Allows, Both, Nothing, Refuses, Warns};
    let cases = [
        (
            "EXPIRES",
            r#""2031-01-01T00:00:00Z""#,
            ("expiry-later", Allows),
            ("expiry-earlier", Refuses),
        ),
        (
            "EXPIRES",
            "null",
            ("expiry-removed", Refuses),
            ("expiry-added", Allows),
        ),
        ("README", r#""x""#, ("readme", Nothing), ("readme", Nothing)),
        ("OTHER", r#""x""#, ("text", Nothing), ("text", Nothing)),
        (
            "PUBKEYS",
            r#"["aa"]"#,
            ("key-lost", Refuses),
            ("key-gained", Allows),
        ),
        (
            "THRESHOLD",
            "2",
            ("threshold-raised", Refuses),
            ("threshold-lowered", Allows),
        ),
        (
            "COMMAND",
            r#"["cmake"]"#,
            ("expected-command", Warns),
            ("expected-command", Warns),
        ),
        (
            "MATERIALS",
            r#"[["ALLOW","*"]]"#,
            ("material-rules", Allows),
            ("material-rules", Refuses),
        ),
        (
            "PRODUCTS",
            r#"[["CREATE","other"],["DISALLOW","*"]]"#,
            ("product-rules", Both),
            ("product-rules", Both),
        ),
        (
            "RUN",
            r#"["false"]"#,
            ("inspection-run", Both),
            ("inspection-run", Both),
        ),
    ];
    for (part, text, there, back) in cases {
        assert_eq!(
            changed(part, text),
            (vec![there], vec![back]),
            "{part} {text}"
        );
    }
}

#[test]
fn a_step_that_comes_or_goes_is_told_and_so_is_the_product_that_it_makes() {
    let more = r#",{"name":"pack","pubkeys":["bb"]}"#;
    let (there, back) = changed("MORE", more);
    assert_eq!(
        there,
        [
            ("final-product", Effect::Both),
            ("step-added", Effect::Refuses)
        ]
    );
    assert_eq!(
        back,
        [
            ("final-product", Effect::Both),
            ("step-removed", Effect::Allows)
        ]
    );
}

#[test]
fn steps_and_inspections_in_another_order_are_told() {
    let step = |name: &str| format!(r#"{{"name":"{name}"}}"#);
    let look = |name: &str| format!(r#"{{"name":"{name}","run":["true"]}}"#);
    let layout = |steps: &[&str], looks: &[&str]| {
        let steps: Vec<String> = steps.iter().map(|name| step(name)).collect();
        let looks: Vec<String> = looks.iter().map(|name| look(name)).collect();
        let json = format!(
            r#"{{"_type":"layout","steps":[{}],"inspect":[{}]}}"#,
            steps.join(","),
            looks.join(",")
        );
        parse(json.as_bytes()).unwrap()
    };
    let codes = |old: &Value, new: &Value| -> Vec<&str> {
        between(old, new).iter().map(|change| change.code).collect()
    };
    let usual = layout(&["a", "b", "c", "d"], &["x", "y"]);
    assert_eq!(
        codes(&usual, &layout(&["a", "c", "b", "d"], &["x", "y"])),
        ["steps-reordered"]
    );
    let ends = layout(&["d", "b", "c", "a"], &["x", "y"]);
    assert_eq!(
        codes(&usual, &ends),
        ["steps-reordered", "final-product", "first-materials"]
    );
    let looks = layout(&["a", "b", "c", "d"], &["y", "x"]);
    assert_eq!(codes(&usual, &looks), ["inspections-reordered"]);
    let fewer = layout(&["a", "b", "c", "d"], &["x"]);
    assert_eq!(codes(&usual, &fewer), ["inspection-removed"]);
    assert_eq!(codes(&fewer, &usual), ["inspection-added"]);
}

#[test]
fn keys_are_compared_by_what_they_are() {
    let other_id = ALICE.replace("\"aa\"", "\"a2\"");
    let keys = format!(r#""a2":{other_id},"bb":BOB,"aa":ALICE"#);
    let renamed = value(&[("KEYS", &keys), ("PUBKEYS", r#"["a2","bb"]"#)]);
    let codes: Vec<&str> = between(&value(&[]), &renamed)
        .iter()
        .map(|one| one.code)
        .collect();
    assert_eq!(codes, ["key-renamed"]);
    // Another key under the same id.
    let swapped = value(&[("KEYS", r#""aa":ALICE,"bb":ALICE"#)]);
    let changes = between(&value(&[]), &swapped);
    let codes: BTreeSet<&str> = changes.iter().map(|one| one.code).collect();
    assert!(codes.contains("key-lost"), "{changes:#?}");
    // One that no step uses.
    let unused = value(&[("PUBKEYS", r#"["aa"]"#), ("KEYS", r#""aa":ALICE"#)]);
    let listed = value(&[("PUBKEYS", r#"["aa"]"#)]);
    assert_eq!(between(&unused, &listed)[0].code, "key-listed");
    assert_eq!(between(&listed, &unused)[0].code, "key-unlisted");
    // One that the layout does not have adds nobody.
    let nobody = value(&[("PUBKEYS", r#"["aa","bb","cc"]"#)]);
    let changes = between(&value(&[]), &nobody);
    assert_eq!(
        (changes[0].code, changes[0].effect),
        ("key-gained", Effect::Nothing)
    );
}

#[test]
fn a_certificate_constraint_that_comes_lets_others_in() {
    let constrained = r#"["aa","bb"],"cert_constraints":[{"common_name":"x","dns_names":["*"],"emails":["*"],"organizations":["*"],"roots":["*"],"uris":["*"]}]"#;
    let (there, back) = changed("PUBKEYS", constrained);
    assert_eq!(there, [("constraint-gained", Effect::Allows)]);
    assert_eq!(back, [("constraint-lost", Effect::Refuses)]);
}

#[test]
fn rules_that_say_the_same_in_other_words_differ_in_their_text_alone() {
    let cases = [
        (
            "PRODUCTS",
            r#"[["ALLOW","nothing-such"],["CREATE","out"],["DISALLOW","*"]]"#,
            false,
        ),
        (
            "PRODUCTS",
            r#"[["CREATE","out"],["CREATE","out"],["DISALLOW","*"]]"#,
            true,
        ),
        (
            "PRODUCTS",
            r#"[["CREATE","ou[t]"],["DISALLOW","*"],["DISALLOW","a*"]]"#,
            true,
        ),
        (
            "PRODUCTS",
            r#"[["DELETE","*"],["CREATE","out"],["DISALLOW","*"]]"#,
            true,
        ),
    ];
    for (part, text, is_same) in cases {
        let (there, _) = changed(part, text);
        assert_eq!(there[0].1 == Effect::Nothing, is_same, "{text}: {there:?}");
    }
}

#[test]
fn an_example_says_what_decided_and_when() {
    let new = value(&[("MATERIALS", r#"[["ALLOW","src/*"],["DISALLOW","*"]]"#)]);
    let changes = between(&value(&[]), &new);
    let [Change { shifts, .. }] = changes.as_slice() else {
        panic!("{changes:#?}");
    };
    let [shift] = shifts.as_slice() else {
        panic!("{shifts:#?}");
    };
    assert!(shift.allows);
    assert_eq!(shift.examples, ["src/a"]);
    assert_eq!(
        shift.when,
        ["it is not the same as the product of that name of `clone`"]
    );
    assert_eq!(shift.before, "refused by `DISALLOW *`");
    assert_eq!(shift.now, "taken by `ALLOW src/*`");
}

#[test]
fn a_requirement_that_comes_refuses_what_is_missing() {
    let text = r#"[["REQUIRE","out"],["CREATE","out"],["DISALLOW","*"]]"#;
    let changes = between(&value(&[]), &value(&[("PRODUCTS", text)]));
    let shift = &changes[0].shifts[0];
    assert_eq!(
        (shift.allows, shift.when.as_slice()),
        (false, &["it is not there".to_owned()][..])
    );
}

#[test]
fn recorded_names_are_examples_before_others() {
    let new = value(&[("MATERIALS", r#"[["ALLOW","src/*"],["DISALLOW","*"]]"#)]);
    let old = value(&[]);
    let (before, after) = (
        Layout::from_value(&old).unwrap(),
        Layout::from_value(&new).unwrap(),
    );
    let recorded = BTreeSet::from(["README".to_owned(), "src/main.c".to_owned()]);
    let version = |value, layout| Version { value, layout };
    let changes = diff(version(&old, &before), version(&new, &after), &recorded);
    assert_eq!(changes[0].shifts[0].examples, ["src/main.c"]);
}

fn rule() -> impl Strategy<Value = Rule> {
    let pattern = "[ab/*?]{1,3}";
    let one = (
        prop_oneof!["ALLOW", "CREATE", "DELETE", "DISALLOW", "MODIFY", "REQUIRE"],
        pattern,
    )
        .prop_map(|(word, pattern)| format!("{word} {pattern}"));
    let prefix = || prop_oneof![Just(""), Just("IN a "), Just("IN b/ ")];
    let side = prop_oneof!["MATERIALS", "PRODUCTS"];
    let from = prop_oneof!["other", "own"];
    let matching = (pattern, prefix(), side, prefix(), from).prop_map(
        |(pattern, source, side, below, from)| {
            format!("MATCH {pattern} {source}WITH {side} {below}FROM {from}")
        },
    );
    prop_oneof![one, matching].prop_map(|line| line.parse().unwrap())
}

fn artifacts() -> impl Strategy<Value = Artifacts> {
    let one = ("[ab/]{1,3}", 1_u8..3).prop_map(|(name, byte)| {
        (
            ArtifactPath::claimed(&name),
            DigestSet::of_sha256([byte; 32]),
        )
    });
    prop::collection::vec(one, 0..6).prop_map(|all| all.into_iter().collect())
}

fn link() -> impl Strategy<Value = Link> {
    (artifacts(), artifacts()).prop_map(|(materials, products)| Link {
        materials,
        products,
        ..Link::default()
    })
}

proptest! {
    #[test]
    fn whatever_two_lists_judge_differently_is_told(
        old in prop::collection::vec(rule(), 0..4),
        new in prop::collection::vec(rule(), 0..4),
        own in link(),
        other in link(),
        is_products: bool,
    ) {
        let item = ItemName::new("own").unwrap();
        let side = if is_products { Side::Products } else { Side::Materials };
        let shifts = Lists { item: &item, side, old: &old, new: &new }.shifts([].into_iter());
        let links = BTreeMap::from([(ItemName::new("own").unwrap(), &own), (ItemName::new("other").unwrap(), &other)]);
        let link_of = |name: &ItemName| links.get(name).copied();
        let is_required = |rule: &&Rule| matches!(rule, Rule::Require(_));
        let required = old.iter().chain(&new).filter(is_required);
        let required = required.filter_map(|rule| rule.words().get(1).copied());
        let names: BTreeSet<&str> = own.side(side).keys().chain(required).collect();
        for name in names {
            let before = judge(&old, side, &own, name, &link_of).refuses;
            let after = judge(&new, side, &own, name, &link_of).refuses;
            if before != after {
                let told = shifts.all.iter().any(|shift| shift.allows == before);
                prop_assert!(told || !shifts.is_complete, "{name}: {shifts:#?}");
            }
        }
        prop_assert!(shifts.is_complete);
    }

    #[test]
    fn a_list_does_not_differ_from_itself(rules in prop::collection::vec(rule(), 0..5)) {
        let item = ItemName::new("own").unwrap();
        let lists = Lists { item: &item, side: Side::Products, old: &rules, new: &rules };
        prop_assert_eq!(lists.shifts([].into_iter()).all, Vec::new());
        let doubled: Vec<Rule> = rules.iter().filter(|rule| !matches!(rule, Rule::Require(_))).cloned().collect();
        let twice: Vec<Rule> = doubled.iter().chain(&doubled).cloned().collect();
        let lists = Lists { item: &item, side: Side::Products, old: &doubled, new: &twice };
        prop_assert_eq!(lists.shifts([].into_iter()).all, Vec::new());
    }

    #[test]
    fn any_two_layouts_are_compared_and_one_with_itself_is_the_same(
        old in prop::collection::vec(rule(), 0..4),
        new in prop::collection::vec(rule(), 0..4),
        names in prop::collection::vec("[\\PC]{1,3}", 2),
    ) {
        let layout = |rules: &[Rule], name: &str| {
            let words: Vec<Value> = rules
                .iter()
                .filter(|rule| rule.source().is_none())
                .map(|rule| Value::from(rule.words().into_iter().map(Value::from).collect::<Vec<_>>()))
                .collect();
            let mut step = Object::new();
            step.set("name", name);
            step.set("expected_products", words);
            let mut layout = Object::new();
            layout.set("steps", vec![Value::Object(step)]);
            layout.set("inspect", Vec::<Value>::new());
            Value::Object(layout)
        };
        let (old, new) = (layout(&old, &names[0]), layout(&new, &names[1]));
        if let (Ok(before), Ok(after)) = (Layout::from_value(&old), Layout::from_value(&new)) {
            let version = |value, layout| Version { value, layout };
            let changes = diff(version(&old, &before), version(&new, &after), &BTreeSet::new());
            prop_assert_eq!(changes.is_empty(), old == new);
            let none = diff(version(&old, &before), version(&old, &before), &BTreeSet::new());
            prop_assert_eq!(none, Vec::new());
        }
    }
}

#[test]
fn of_very_long_lists_only_what_is_between_is_told() {
    let list = |numbers: std::ops::Range<usize>, middle: &str| -> Vec<Rule> {
        let mut words: Vec<String> = numbers.map(|number| number.to_string()).collect();
        words.insert(words.len() / 2, middle.to_owned());
        let rule = |word: &String| Rule::from_words(&["ALLOW", word]).unwrap();
        words.iter().map(rule).collect()
    };
    let (removed, added) = line_changes(&list(0..100_000, "old"), &list(0..100_000, "new"));
    assert_eq!(
        (removed, added),
        (vec!["ALLOW old".to_owned()], vec!["ALLOW new".to_owned()])
    );
    let (removed, added) = line_changes(&list(0..3_000, "x"), &list(3_000..6_000, "y"));
    assert_eq!((removed.len(), added.len()), (3_001, 3_001));
}

#[test]
fn an_inspection_before_another_one_can_do_both() {
    let inspection = |name: &str| {
        format!(
            r#"{{"_type":"inspection","name":"{name}","run":["true"],"expected_materials":[],"expected_products":[]}}"#
        )
    };
    let layout = |names: &[&str]| {
        let inspections: Vec<String> = names.iter().map(|name| inspection(name)).collect();
        let text = format!(
            r#"{{"_type":"layout","expires":"2030-01-01T00:00:00Z","readme":"","keys":{{}},"steps":[],"inspect":[{}]}}"#,
            inspections.join(",")
        );
        Layout::from_value(&parse(text.as_bytes()).unwrap()).unwrap()
    };
    let effects = |old: &[&str], new: &[&str]| -> Vec<(&'static str, Effect)> {
        let mut changes = Vec::new();
        inspections(&layout(old), &layout(new), &BTreeSet::new(), &mut changes);
        changes.iter().map(|one| (one.code, one.effect)).collect()
    };
    let (one, two) = (["check"], ["clean", "check"]);
    assert_eq!(effects(&one, &two), [("inspection-added", Effect::Both)]);
    assert_eq!(effects(&two, &one), [("inspection-removed", Effect::Both)]);
    let behind = ["check", "look"];
    assert_eq!(
        effects(&one, &behind),
        [("inspection-added", Effect::Refuses)]
    );
    assert_eq!(
        effects(&behind, &one),
        [("inspection-removed", Effect::Allows)]
    );
}
