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
    assert_eq!(folder.linkwright(&renew).status, Some(0));
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
