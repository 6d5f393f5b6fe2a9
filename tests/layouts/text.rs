//! The text form: what compiles to what, and that nothing is lost on the way there and back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use linkwright::author::text::{Context, compile, decompile};
use linkwright::encoding::{self, Value};
use linkwright::model::{Envelope, Layout, Moment};

use crate::support::{Folder, key, public};

fn no_file(path: &str) -> Result<Vec<u8>, String> {
    Err(format!("there is no file `{path}`"))
}

fn now() -> Moment {
    Moment::parse("2026-01-01T00:00:00Z").unwrap()
}

/// The words of the command of the only step of a text with these lines at its head.
fn command_of(head: &str, given: &[(&str, &str)]) -> Value {
    let step = "[keys]\na = 'a'\n[[step]]\nname = 's'\nkeys = ['a']\n";
    let read_file = |_: &str| Ok(fs::read(public("alice")).unwrap());
    let text = format!(
        "expires = '2030-01-01'\n{head}\n{step}command = ['{{{{a}}}}', 'x{{{{', '}}}}']\nmaterials = []\nproducts = []\n"
    );
    let mut context = Context::new(now(), &read_file);
    let given = given
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    context.parameters = given.collect();
    let compiled = compile(&text, &context).unwrap();
    let steps = compiled.value.as_object().unwrap().get("steps").unwrap();
    let step = steps.as_array().unwrap()[0].as_object().unwrap();
    step.get("expected_command").unwrap().clone()
}

#[test]
fn whoever_fills_in_the_last_parameter_makes_doubled_braces_single() {
    let doubled = Value::from(vec!["{{a}}", "x{{", "}}"]);
    let single = Value::from(vec!["{a}", "x{", "}"]);
    let open = "parameters = { V = '1', W = { required = true } }";
    assert_eq!(command_of("", &[]), doubled);
    assert_eq!(command_of(open, &[]), doubled);
    assert_eq!(command_of(open, &[("W", "2")]), single);
    assert_eq!(command_of("parameters = { V = '1' }", &[]), single);
}

#[test]
fn names_are_of_plain_letters_and_the_character_that_is_none_is_told() {
    let keys = |name: &str| format!("[keys]\n{name} = 'no'\n");
    let rules = |name: &str| format!("[rules]\n{name} = ['DISALLOW *']\n");
    let parameters = |name: &str| format!("[parameters]\n{name} = 'x'\n");
    let tables: [&dyn Fn(&str) -> String; 3] = [&keys, &rules, &parameters];
    for table in tables {
        let helps = |name: &str| -> String {
            let text = format!("expires = '2030-01-01'\n{}", table(name));
            let found = compile(&text, &Context::new(now(), &no_file));
            let found = found.err().unwrap_or_default();
            let helps = found.into_iter().filter_map(|error| error.help);
            helps.collect()
        };
        for (name, character) in [
            ("\"alice \"", "U+0020"),
            ("\"\u{430}lice\"", "U+0430"),
            ("\"a\\u001b\"", "U+001B"),
            ("\"{a}\"", "U+007B"),
            ("\"\"", "empty"),
        ] {
            let helps = helps(name);
            assert!(helps.contains(character), "{name}: {helps}");
            assert!(!helps.contains('\u{1b}'), "{helps}");
        }
        assert!(!helps("a-b_C9").contains("ASCII"));
    }
}

/// The payload of each file below a folder that holds a layout.
fn layouts(folder: &Path, found: &mut Vec<(PathBuf, Value)>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            layouts(&path, found);
            continue;
        }
        let Ok(bytes) = fs::read(&path) else { continue };
        let payload = match Envelope::from_bytes(&bytes) {
            Ok(envelope) => envelope.payload().clone(),
            Err(_) => match encoding::parse(&bytes) {
                Ok(value) => value,
                Err(_) => continue,
            },
        };
        let kind = payload.as_object().and_then(|object| object.get("_type"));
        if kind.and_then(Value::as_str) == Some("layout") {
            found.push((path, payload));
        }
    }
}

#[test]
fn every_layout_of_the_cases_comes_back_as_it_was() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    layouts(&here.join("tests"), &mut found);
    let committed = found.len();
    assert!(committed >= 20, "{committed}");
    let shared = std::env::var_os("LINKWRIGHT_CONFORMANCE").map(PathBuf::from);
    let shared = shared.unwrap_or_else(|| here.join("../shared/conformance/cases"));
    if shared.is_dir() {
        layouts(&shared, &mut found);
        assert!(found.len() > committed);
    }
    let (mut valid, mut wrong) = (0, Vec::new());
    for (path, value) in &found {
        if Layout::from_value(value).is_err() {
            continue;
        }
        valid += 1;
        let text = match decompile(value, &BTreeMap::new()) {
            Ok(text) => text,
            Err(error) => {
                wrong.push(format!("{}: {error}", path.display()));
                continue;
            }
        };
        match compile(&text, &Context::new(now(), &no_file)) {
            Ok(compiled) if compiled.value == *value => {}
            other => wrong.push(format!("{}: {text}\n{:?}", path.display(), other.err())),
        }
    }
    assert!(valid > 15, "{valid} of {}", found.len());
    assert!(
        wrong.is_empty(),
        "{valid} valid, {}: {}",
        wrong.len(),
        wrong.join("\n")
    );
}

const TEXT: &str = r#"# Who makes what.
expires = 2030-06-30 # summer
[keys]
alice = "keys/alice.pub"
[[step]]
name = "write"
keys = ["alice"]
materials = []
products = ["CREATE *"] # all
"#;

fn project() -> Folder {
    let folder = Folder::new();
    folder.write("sub/x.layout.toml", TEXT);
    folder.write("sub/keys/alice.pub", fs::read(public("alice")).unwrap());
    folder
}

#[test]
fn a_text_form_is_compiled_and_signed_in_one() {
    let folder = project();
    let (owner, bob) = (key("owner"), key("bob"));
    for (more, form) in [(&[][..], "signed"), (&["--use-dsse"][..], "payload")] {
        let sign = [
            "layout",
            "sign",
            "sub/x.layout.toml",
            "--signing-key",
            &owner,
            &bob,
        ];
        // The second time over the layout of the first.
        let ended = folder.linkwright(&[&sign, more].concat());
        assert_eq!(ended.status, Some(0), "{}", ended.err);
        assert!(folder.json("sub/x.layout").get(form).is_some());
        let (owner, bob) = (public("owner"), public("bob"));
        let check = ["sign", "--verify", "sub/x.layout", "--key", &owner, &bob];
        assert_eq!(folder.linkwright(&check).status, Some(0));
    }
    let ended = folder.linkwright(&["layout", "sign", "sub/x.layout.toml"]);
    assert_eq!(ended.status, Some(2), "{}", ended.err);
}

#[test]
fn what_is_there_is_replaced_only_when_that_is_said() {
    let folder = project();
    let (owner, form) = (key("owner"), "sub/x.layout.toml");
    let demo = format!("{}/tests/data/demo.layout", env!("CARGO_MANIFEST_DIR"));
    folder.write("sub/x.layout", "precious");
    folder.write("keys/owner", "precious");
    let signed = ["layout", "sign", form, "-k", &owner];
    let precious = ["-o", "keys/owner"];
    for words in [
        signed.to_vec(),
        [&signed[..], &precious].concat(),
        [&["layout", "sign", &demo, "-k", &owner][..], &precious].concat(),
        [&["layout", "compile", form][..], &precious].concat(),
        [&["layout", "decompile", &demo][..], &precious].concat(),
        [
            &["layout", "renew", form, "--expires", "90d"][..],
            &precious,
        ]
        .concat(),
        [
            &["layout", "renew", &demo, "--expires", "90d"][..],
            &precious,
        ]
        .concat(),
    ] {
        let refused = folder.linkwright(&words);
        assert_eq!(refused.status, Some(1), "{words:?}: {}", refused.err);
        for path in ["sub/x.layout", "keys/owner"] {
            assert_eq!(folder.read(path), b"precious", "{words:?}");
        }
    }
    assert_eq!(folder.read(form), TEXT.as_bytes());
    for words in [
        [&signed[..], &["--force"]].concat(),
        [&["layout", "compile", form][..], &precious, &["--force"]].concat(),
    ] {
        let done = folder.linkwright(&words);
        assert_eq!(done.status, Some(0), "{words:?}: {}", done.err);
    }
    assert!(folder.json("sub/x.layout").get("signed").is_some());
    assert!(folder.json("keys/owner").get("signed").is_some());
    // A key is never what --force is about.
    let private = fs::read(&owner).unwrap();
    folder.write("keys/owner", &private);
    for words in [
        [&["layout", "compile", form, "--force"][..], &precious].concat(),
        [&["layout", "decompile", &demo, "--force"][..], &precious].concat(),
        [&["sign", &demo, "-k", &owner][..], &precious].concat(),
    ] {
        let refused = folder.linkwright(&words);
        assert_eq!(refused.status, Some(1), "{words:?}: {}", refused.err);
        assert!(
            refused.err.contains("holds a private key"),
            "{}",
            refused.err
        );
        assert_eq!(folder.read("keys/owner"), private);
    }
}

#[test]
fn a_text_form_is_never_written_over_by_what_is_made_from_it() {
    let folder = project();
    let (owner, form) = (key("owner"), "sub/x.layout.toml");
    let over = ["-o", "sub/../sub/x.layout.toml", "--force"];
    for words in [
        [&["layout", "compile", form][..], &over].concat(),
        [&["layout", "sign", form, "-k", &owner][..], &over].concat(),
    ] {
        let refused = folder.linkwright(&words);
        assert_eq!(refused.status, Some(1), "{words:?}: {}", refused.err);
        assert_eq!(folder.read(form), TEXT.as_bytes());
    }
}

#[test]
fn only_the_name_of_a_text_form_says_where_it_is_signed_to() {
    let folder = project();
    let owner = key("owner");
    folder.write("sub/hello.toml", TEXT);
    let signed = ["layout", "sign", "sub/hello.toml", "-k", &owner];
    let refused = folder.linkwright(&signed);
    assert_eq!(refused.status, Some(2), "{}", refused.err);
    assert!(!folder.has("sub/hello"));
    let done = folder.linkwright(&[&signed[..], &["-o", "hello.layout"]].concat());
    assert_eq!(done.status, Some(0), "{}", done.err);
}

#[test]
fn a_text_form_is_renewed_only_to_where_its_keys_are_found() {
    let folder = project();
    let form = "sub/x.layout.toml";
    let renew = |output: &str| {
        let words = [
            "layout",
            "renew",
            form,
            "--expires",
            "2031-01-01",
            "-o",
            output,
        ];
        folder.linkwright(&words)
    };
    let refused = renew("x.layout.toml");
    assert_eq!(refused.status, Some(1), "{}", refused.err);
    assert!(!folder.has("x.layout.toml"));
    // Another key under the same path is no better.
    folder.write("keys/alice.pub", fs::read(public("bob")).unwrap());
    assert_eq!(renew("x.layout.toml").status, Some(1));
    folder.write("keys/alice.pub", fs::read(public("alice")).unwrap());
    for output in ["sub/y.layout.toml", "x.layout.toml", form] {
        let renewed = renew(output);
        assert_eq!(renewed.status, Some(0), "{output}: {}", renewed.err);
        assert_ne!(folder.read(output), TEXT.as_bytes());
    }
}

#[test]
fn nothing_is_written_of_a_text_form_with_an_error() {
    let folder = project();
    folder.write("sub/x.layout.toml", TEXT.replace("products", "prodcts"));
    let owner = key("owner");
    let sign = [
        "layout",
        "sign",
        "sub/x.layout.toml",
        "--signing-key",
        &owner,
    ];
    let ended = folder.linkwright(&sign);
    assert_eq!(ended.status, Some(1));
    let expected =
        "sub/x.layout.toml:9:1: the step `write` has no field `prodcts`\n  |\n9 | prodcts = ";
    assert!(ended.err.contains(expected), "{}", ended.err);
    assert!(!folder.has("sub/x.layout"));
}

#[test]
fn a_renewed_text_form_keeps_its_comments() {
    let folder = project();
    let renew = |more: &[&str]| {
        let words = [
            "layout",
            "renew",
            "sub/x.layout.toml",
            "--expires",
            "2031-01-01",
        ];
        folder.linkwright(&[&words, more].concat())
    };
    let owner = key("owner");
    assert_eq!(renew(&["--signing-key", &owner]).status, Some(2));
    let ended = renew(&[]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let text = String::from_utf8(folder.read("sub/x.layout.toml")).unwrap();
    assert_eq!(text, TEXT.replace("2030-06-30", "\"2031-01-01T23:59:59Z\""));
}

#[test]
fn a_renewed_layout_loses_signatures_that_no_longer_hold() {
    let folder = project();
    let owner = key("owner");
    let signing = ["--signing-key", &owner];
    let sign = [&["layout", "sign", "sub/x.layout.toml"][..], &signing].concat();
    assert_eq!(folder.linkwright(&sign).status, Some(0));
    let renew = ["layout", "renew", "sub/x.layout", "--expires", "2031-01-01"];
    let check = [
        "sign",
        "--verify",
        "sub/x.layout",
        "--key",
        &public("owner"),
    ]
    .map(str::to_owned);
    let check: Vec<&str> = check.iter().map(String::as_str).collect();
    let ended = folder.linkwright(&renew);
    assert_eq!(ended.status, Some(0));
    assert!(ended.err.contains("is not signed now"), "{}", ended.err);
    assert_eq!(
        folder.json("sub/x.layout")["signatures"]
            .as_array()
            .unwrap()
            .len(),
        0
    );
    assert_eq!(
        folder.json("sub/x.layout")["signed"]["expires"],
        "2031-01-01T23:59:59Z"
    );
    assert_eq!(folder.linkwright(&check).status, Some(1));
    assert_eq!(
        folder.linkwright(&[&renew[..], &signing].concat()).status,
        Some(0)
    );
    assert_eq!(folder.linkwright(&check).status, Some(0));
    let past = ["layout", "renew", "sub/x.layout", "--expires", "2001-01-01"];
    assert_eq!(folder.linkwright(&past).status, Some(2));
}

#[test]
fn what_is_decompiled_can_be_signed_again() {
    let folder = project();
    let demo = format!("{}/tests/data/demo.layout", env!("CARGO_MANIFEST_DIR"));
    let ended = folder.linkwright(&["layout", "decompile", &demo, "-o", "again.layout.toml"]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let ended = folder.linkwright(&["layout", "compile", "again.layout.toml", "-o", "again.json"]);
    assert_eq!(ended.status, Some(0), "{}", ended.err);
    let before: serde_json::Value = serde_json::from_slice(&fs::read(demo).unwrap()).unwrap();
    assert_eq!(folder.json("again.json")["signed"], before["signed"]);
    let ended = folder.linkwright(&["layout", "compile", "again.json"]);
    assert_eq!(ended.status, Some(1), "JSON is compiled already");
}

/// As a JSON document, in which a date is a string.
fn as_json(text: &str) -> serde_json::Value {
    use serde_json::Value as Json;
    fn table(table: &dyn toml_edit::TableLike) -> Json {
        let entries = table
            .iter()
            .map(|(name, item)| (name.to_owned(), item_of(item)));
        Json::Object(entries.collect())
    }
    fn item_of(item: &toml_edit::Item) -> Json {
        if let Some(tables) = item.as_array_of_tables() {
            return tables.iter().map(|one| table(one)).collect();
        }
        if let Some(found) = item.as_table_like() {
            return table(found);
        }
        value(item.as_value().unwrap())
    }
    fn value(from: &toml_edit::Value) -> Json {
        match from {
            toml_edit::Value::String(text) => Json::from(text.value().as_str()),
            toml_edit::Value::Integer(number) => Json::from(*number.value()),
            toml_edit::Value::Float(number) => Json::from(*number.value()),
            toml_edit::Value::Boolean(it) => Json::from(*it.value()),
            toml_edit::Value::Datetime(moment) => Json::from(moment.value().to_string()),
            toml_edit::Value::Array(items) => items.iter().map(value).collect(),
            toml_edit::Value::InlineTable(found) => table(found),
        }
    }
    table(toml_edit::Document::parse(text).unwrap().as_table())
}

#[test]
fn every_text_form_keeps_to_the_schema_for_editors() {
    let printed = Folder::new().linkwright(&["man", "layout", "--schema"]);
    let schema: serde_json::Value = serde_json::from_str(printed.out()).unwrap();
    jsonschema::draft202012::meta::validate(&schema).unwrap();
    let schema = jsonschema::draft202012::new(&schema).unwrap();
    let mut texts = vec![("the text above".to_owned(), TEXT.to_owned())];
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    layouts(&here.join("tests"), &mut found);
    for (path, value) in found {
        if let Ok(text) = decompile(&value, &BTreeMap::new()) {
            texts.push((path.display().to_string(), text));
        }
    }
    for entry in fs::read_dir(here.join("layouts")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.display().to_string();
        if name.ends_with(".layout.toml") {
            texts.push((name, fs::read_to_string(&path).unwrap()));
        }
    }
    assert!(texts.len() > 20);
    for (name, text) in texts {
        let document = as_json(&text);
        let wrong: Vec<String> = schema
            .iter_errors(&document)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{name}: {wrong:#?}\n{text}");
    }
    for (from, to) in [
        ("products", "prodcts"),
        ("CREATE *", "CRATE *"),
        ("[\"alice\"]", "\"alice\""),
        ("name =", "json ="),
        ("2030-06-30", "\"soon\""),
    ] {
        assert!(
            !schema.is_valid(&as_json(&TEXT.replacen(from, to, 1))),
            "{to}"
        );
    }
}
