//! What could make a compiled layout weaker than its author meant: each is refused, or told.

use std::collections::BTreeMap;
use std::fs;

use linkwright::author::text::{Compiled, Context, TextError, compile};
use linkwright::model::Moment;

use crate::support::{key, public};

const GOOD: &str = r#"expires = "90d"
[parameters]
VERSION = "1"
[keys]
alice = "alice"
bob = "bob"
[rules]
sources = ["CREATE src/*", "DISALLOW *"]
[[step]]
name = "write"
command = ["edit", "{VERSION}"]
keys = ["alice", "bob"]
threshold = 2
materials = []
products = ["@sources"]
[[inspection]]
name = "look"
run = "test -f x"
materials = ["MATCH * WITH PRODUCTS FROM write", "DISALLOW *"]
products = []
"#;

fn file(name: &str) -> Result<Vec<u8>, String> {
    let path = match name {
        "alice" | "bob" => public(name),
        "private" => key("alice"),
        "certificate" => format!(
            "{}/tests/certificates/carol.pem",
            env!("CARGO_MANIFEST_DIR")
        ),
        "two" => {
            return Ok([fs::read(public("alice")), fs::read(public("bob"))]
                .map(Result::unwrap)
                .concat());
        }
        _ => return Err("there is no such file".to_owned()),
    };
    fs::read(path).map_err(|error| error.to_string())
}

fn read(text: &str) -> Result<Compiled, Vec<TextError>> {
    let now = Moment::parse("2026-01-01T00:00:00Z").unwrap();
    compile(text, &Context::new(now, &file))
}

/// The good text with one place changed: everything that is said, with the words underlined.
fn changed(from: &str, to: &str) -> (bool, Vec<(String, String)>) {
    assert!(GOOD.contains(from), "{from}");
    let text = GOOD.replacen(from, to, 1);
    let (good, said) = match read(&text) {
        Ok(compiled) => (true, compiled.notes),
        Err(errors) => (false, errors),
    };
    let word = |error: &TextError| {
        let span = error.span.as_ref();
        span.map(|span| text[span.start..span.end].to_owned())
            .unwrap_or_default()
    };
    let shown = |error: &TextError| {
        let help = error.help.clone().unwrap_or_default();
        (word(error), format!("{} {help}", error.message))
    };
    (good, said.iter().map(shown).collect())
}

#[test]
fn the_good_text_compiles_and_nothing_is_said() {
    let compiled = read(GOOD).unwrap_or_else(|errors| panic!("{errors:?}"));
    assert_eq!(compiled.notes, []);
    assert_eq!(compiled.layout.steps[0].threshold, 2);
    assert_eq!(compiled.layout.steps[0].rules.products.len(), 2);
    assert_eq!(compiled.layout.steps[0].expected_command, ["edit", "1"]);
    assert_eq!(
        compiled.layout.expires.unwrap().to_string(),
        "2026-04-01T00:00:00Z"
    );
}

/// From, to, the word underlined, a part of what is said.
const REFUSED: [(&str, &str, &str, &str); 50] = [
    ("expires = \"90d\"\n", "", "", "`expires` is missing"),
    ("expires", "expire", "expire", "`expires`"),
    (
        "\"90d\"",
        "2030-01-01T00:00:00",
        "2030-01-01T00:00:00",
        "time zone",
    ),
    ("\"90d\"", "90", "90", "expected a date"),
    ("[[step]]", "[[steps]]", "steps", "`step`"),
    (
        "[[step]]\nname = \"write\"",
        "[step]\nname = \"x\"\n[step]\nname = \"write\"",
        "step",
        "`[[step]]`, with two brackets",
    ),
    ("[rules]", "[rule]", "rule", "`rules`"),
    (
        "products = [\"@",
        "prodcts = [\"@",
        "prodcts",
        "did you mean `products`?",
    ),
    (
        "products = [\"@sources\"]\n",
        "",
        "[[step]]",
        "`products` is missing",
    ),
    ("materials = []\n", "", "[[step]]", "`materials` is missing"),
    (
        "products = []\n",
        "",
        "[[inspection]]",
        "`products` is missing",
    ),
    (
        "materials = []",
        "expected_materials = []",
        "expected_materials",
        "`materials`",
    ),
    (
        "[\"@sources\"]",
        "\"@sources\"",
        "\"@sources\"",
        "expected a list",
    ),
    ("@sources", "@source", "source", "`sources`"),
    (
        "[\"@sources\"]",
        "\"@sources\"",
        "\"@sources\"",
        "write `[\"@sources\"]`",
    ),
    (
        "WITH PRODUCTS FROM",
        "WITH PRODUCT FROM",
        "PRODUCT",
        "did you mean `PRODUCTS`?",
    ),
    (
        "MATCH * WITH PRODUCTS",
        "MATCH * PRODUCTS",
        "\"MATCH * PRODUCTS FROM write\"",
        "`WITH` is missing",
    ),
    (
        "PRODUCTS FROM write",
        "PRODUCTS write",
        "\"MATCH * WITH PRODUCTS write\"",
        "`FROM` is missing",
    ),
    (
        "\"CREATE src/*\"",
        "\"CREATE my src\"",
        "\"CREATE my src\"",
        "put into quotes",
    ),
    (
        "\"DISALLOW *\"]\n[[step",
        "\"DISALOW *\"]\n[[step",
        "DISALOW",
        "`DISALLOW`",
    ),
    (
        "\"CREATE src/*\"",
        "\"CREATE src/* DISALLOW *\"",
        "\"CREATE src/* DISALLOW *\"",
        "exactly one word",
    ),
    (
        "\"CREATE src/*\"",
        "\"@sources\"",
        "sources",
        "hold themselves",
    ),
    ("FROM write", "FROM wriite", "wriite", "`write`"),
    (
        "FROM write",
        "FROM",
        "\"MATCH * WITH PRODUCTS FROM\"",
        "MATCH pattern",
    ),
    (
        "CREATE src/*",
        "CREATE {VERSON}/*",
        "{VERSON}",
        "`{VERSION}`",
    ),
    ("VERSION = \"1\"", "VERSION = \"{x}\"", "\"{x}\"", "brace"),
    (
        "VERSION = \"1\"",
        "VERSION = { required = false }",
        "{ required = false }",
        "required",
    ),
    ("threshold = 2", "threshold = 0", "0", "at least 1"),
    ("threshold = 2", "threshold = -1", "-1", "at least 1"),
    ("threshold = 2", "threshold = \"2\"", "\"2\"", "at least 1"),
    ("threshold = 2", "threshold = 2.0", "2.0", "at least 1"),
    ("threshold", "treshold", "treshold", "`threshold`"),
    (
        "threshold = 2",
        "threshold = 2\nthreshold = 1",
        "threshold",
        "duplicate",
    ),
    ("[\"alice\", \"bob\"]", "[]", "[]", "nobody"),
    (
        "[\"alice\", \"bob\"]",
        "[]\nconstraints = []",
        "[]",
        "nobody",
    ),
    (
        "keys = [\"alice\", \"bob\"]\n",
        "",
        "[[step]]",
        "`keys` is missing",
    ),
    (
        "[\"alice\", \"bob\"]",
        "[\"alice\", \"alice\"]",
        "\"alice\"",
        "already",
    ),
    (
        "[\"alice\", \"bob\"]",
        "[\"alice\", \"bov\"]",
        "\"bov\"",
        "`bob`",
    ),
    (
        "bob = \"bob\"",
        "bob = \"alice\"",
        "\"alice\"",
        "the same key as `alice`",
    ),
    (
        "bob = \"bob\"",
        "bob = \"private\"",
        "\"private\"",
        "private key",
    ),
    (
        "bob = \"bob\"",
        "bob = \"two\"",
        "\"two\"",
        "more than one key",
    ),
    (
        "bob = \"bob\"",
        "bob = \"absent\"",
        "\"absent\"",
        "no such file",
    ),
    (
        "bob = \"bob\"",
        "bob = { keyid = \"00\" }",
        "{ keyid = \"00\" }",
        "keytype",
    ),
    (
        "name = \"look\"",
        "name = \"write\"",
        "\"write\"",
        "more than one",
    ),
    (
        "name = \"look\"",
        "name = \"../x\"",
        "\"../x\"",
        "another folder",
    ),
    ("\"test -f x\"", "\"test -f x || true\"", "|", "sh -c"),
    ("\"test -f x\"", "[]", "[]", "empty"),
    (
        "threshold = 2",
        "json = '{\"threshold\": 2, \"threshold\": 1}'",
        "'{\"threshold\": 2, \"threshold\": 1}'",
        "threshold",
    ),
    (
        "threshold = 2",
        "threshold = 2\njson = '{\"threshold\": 1}'",
        "'{\"threshold\": 1}'",
        "twice",
    ),
    (
        "threshold = 2",
        "threshold = 2\nwithout = [\"threshold\"]",
        "\"threshold\"",
        "left out and said",
    ),
];

#[test]
fn what_would_be_weaker_is_refused_under_its_word() {
    let mut passed = Vec::new();
    for (from, to, word, part) in REFUSED {
        let (good, said) = changed(from, to);
        let found = said
            .iter()
            .any(|(at, text)| at == word && text.contains(part));
        if good || !found {
            passed.push((to, said));
        }
    }
    assert!(passed.is_empty(), "{passed:#?}");
}

#[test]
fn what_may_be_meant_is_told() {
    for (from, to, word, part) in [
        (
            "[\"@sources\"]",
            "[\"ALLOW *\"]",
            "sources",
            "no step and no inspection",
        ),
        (
            "[\"alice\", \"bob\"]\nthreshold = 2",
            "[\"alice\"]",
            "bob",
            "no step is for the key `bob`",
        ),
        (
            "\"{VERSION}\"",
            "\"x\"",
            "VERSION",
            "no rule and no command",
        ),
        ("VERSION = \"1\"", "VERSION = \"*\"", "\"*\"", "a pattern"),
        ("threshold = 2", "threshold = 3", "3", "it never passes"),
        ("\"90d\"", "2020-01-01", "2020-01-01", "has expired"),
        (
            "bob = \"bob\"",
            "bob = \"certificate\"",
            "\"certificate\"",
            "neither its names nor its validity",
        ),
        (
            "threshold = 2",
            "threshold = 2\njson = '{\"expected_material\": []}'",
            "'{\"expected_material\": []}'",
            "`expected_materials`",
        ),
    ] {
        let (good, said) = changed(from, to);
        let found = said
            .iter()
            .any(|(at, text)| at == word && text.contains(part));
        assert!(good && found, "{to}: {good} {said:#?}");
    }
}

#[test]
fn a_misspelt_constraint_is_refused() {
    let constraint = "constraints = [{ common_name = \"x\", uri = [\"y\"] }]";
    let (good, said) = changed("threshold = 2", &format!("threshold = 2\n{constraint}"));
    assert!(
        !good && said[0].0 == "uri" && said[0].1.contains("`uris`"),
        "{said:?}"
    );
    let constraint = "constraints = [{ roots = [\"rot\"] }]";
    let (good, said) = changed("threshold = 2", &format!("threshold = 2\n{constraint}"));
    assert!(!good && said[0].1.contains("no root `rot`"), "{said:?}");
}

#[test]
fn everything_wrong_is_told_at_once_in_the_order_of_the_text() {
    let text = GOOD
        .replace("90d", "90x")
        .replace("CREATE", "CRATE")
        .replace("= 2", "= 0");
    let errors = read(&text).unwrap_err();
    let lines: Vec<usize> = errors
        .iter()
        .map(|error| error.span.unwrap().line)
        .collect();
    assert_eq!(lines, [1, 8, 13]);
    assert_eq!(errors[1].span.unwrap().column, 13);
}

#[test]
fn nothing_a_terminal_obeys_is_in_a_message() {
    for hostile in ["\\u001b[2J", "\\u0000", "\u{9b}", "\u{202e}", "`"] {
        let text = GOOD
            .replace("\"90d\"", &format!("\"{hostile}\""))
            .replace("threshold", &format!("\"{hostile}\""))
            .replace("\"alice\", ", &format!("\"{hostile}\", "))
            .replace("FROM write", &format!("FROM x{hostile}"))
            .replace("CREATE", hostile)
            .replace("= \"bob\"", &format!("= \"{hostile}\""));
        let errors = read(&text).unwrap_err();
        assert!(errors.len() > 4, "{errors:#?}");
        for error in errors {
            let all = format!("{error} {:?}", error.help);
            assert!(
                !all.contains(|c: char| c.is_control() || c == '\u{202e}'),
                "{all:?}"
            );
        }
    }
}

#[test]
fn much_is_refused_before_it_costs() {
    let deep = format!("x = {}", "[".repeat(100_000));
    let dotted = format!("{}a = 1", "a.".repeat(100_000));
    let long = "#".repeat(5 << 20);
    let wrong: String = (0..50_000).map(|at| format!("x{at} = 1\n")).collect();
    let mut sets = String::from("expires = '1d'\n[rules]\na0 = [\"ALLOW a\", \"ALLOW b\"]\n");
    for at in 1..40 {
        sets.push_str(&format!("a{at} = [\"@a{0}\", \"@a{0}\"]\n", at - 1));
    }
    for (text, part) in [
        (deep, "recurs"),
        (dotted, "recurs"),
        (long, "bytes"),
        (wrong, "no field"),
        (sets, "more than 100000 rules"),
    ] {
        let errors = read(&text).unwrap_err();
        assert!(errors.len() <= 100);
        assert!(
            errors.iter().any(|error| error.message.contains(part)),
            "{:?}",
            errors[0]
        );
    }
}

#[test]
fn parameters_are_words_of_rules_never_rules() {
    let now = Moment::parse("2026-01-01T00:00:00Z").unwrap();
    let mut context = Context::new(now, &file);
    context.parameters = BTreeMap::from([("VERSION".to_owned(), "x y\" ALLOW *".to_owned())]);
    let text = GOOD.replace("CREATE src/*", "CREATE {VERSION}");
    let compiled = compile(&text, &context).unwrap_or_else(|errors| panic!("{errors:?}"));
    let rule = &compiled.layout.steps[0].rules.products[0];
    assert_eq!(rule.words(), ["CREATE", "x y\" ALLOW *"]);
    context.parameters = BTreeMap::from([("VERSON".to_owned(), "1".to_owned())]);
    let errors = compile(GOOD, &context).unwrap_err();
    assert!(
        errors[0].message.contains("no parameter `VERSON`"),
        "{errors:?}"
    );
}
