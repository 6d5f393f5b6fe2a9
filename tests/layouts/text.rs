//! The text form: what compiles to what, and that nothing is lost on the way there and back.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use linkwright::author::text::{Context, compile, decompile};
use linkwright::encoding::{self, Value};
use linkwright::model::{Envelope, Layout, Moment};

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
