//! Text forms of layouts as files: compiling one with the keys that stand beside it, and telling what is
//! wrong with it, line by line.

use std::collections::BTreeMap;
use std::path::Path;

use crate::author::text::{self, Compiled, Context, TextError};
use crate::encoding::Value;
use crate::keys::KeyIdStyle;
use crate::model::{Moment, printable, quoted};
use crate::render::underlined;
use crate::store;

use super::super::failure::{Failure, complain};

/// Fields of a layout that its text form may have from files.
const FROM_FILES: [&str; 3] = ["keys", "rootcas", "intermediatecas"];

/// How a text form is compiled.
#[derive(Clone, Debug)]
pub(super) struct Way {
    pub(super) now: Moment,
    pub(super) parameters: BTreeMap<String, String>,
    pub(super) keyid_style: KeyIdStyle,
}

impl Way {
    /// By the clock, without parameters.
    pub(super) fn plain() -> Self {
        Self {
            now: Moment::from_timestamp(jiff::Timestamp::now()),
            parameters: BTreeMap::new(),
            keyid_style: KeyIdStyle::default(),
        }
    }
}

/// Whether a file holds a text form: by its name, or because it starts as no JSON does.
pub(super) fn is_text(path: &Path, bytes: &[u8]) -> bool {
    let named = path.extension().is_some_and(|ending| ending == "toml");
    let json = bytes
        .trim_ascii_start()
        .first()
        .is_none_or(|byte| b"{[\"".contains(byte));
    named || (!json && std::str::from_utf8(bytes).is_ok())
}

/// Compiles the text form in a file. The paths of keys are relative to its folder.
pub(super) fn compile(path: &Path, bytes: &[u8], way: &Way) -> Result<Compiled, Failure> {
    let document = path.to_string_lossy();
    let text = std::str::from_utf8(bytes)
        .map_err(|error| Failure::failed(format!("{} is not UTF-8: {error}", quoted(&document))))?;
    attempt(path, text, way).map_err(|errors| wrong(&document, text, &errors))
}

/// The same, with all errors for whoever shows them otherwise.
pub(super) fn attempt(path: &Path, text: &str, way: &Way) -> Result<Compiled, Vec<TextError>> {
    let folder = path.parent().unwrap_or(Path::new(""));
    let read_file = |name: &str| {
        let bytes = store::read_file(&folder.join(name));
        bytes.map_err(|error| error.to_string())
    };
    let context = Context {
        now: way.now,
        parameters: way.parameters.clone(),
        keyid_style: way.keyid_style,
        read_file: &read_file,
    };
    text::compile(text, &context)
}

/// A field of a layout.
pub(super) fn part(layout: &Value, field: &str) -> Option<Value> {
    let layout = layout.as_object();
    layout.and_then(|layout| layout.get(field)).cloned()
}

/// Whether a text form names the same keys and certificates from where it is to be written, for their
/// paths are relative to it.
pub(super) fn look_at_files(text: &str, expected: &Value, output: &Path) -> Result<(), Failure> {
    let there = attempt(output, text, &Way::plain());
    let same = |field: &&str| {
        let there = there.as_ref().map(|there| part(&there.value, field));
        there.is_ok_and(|there| there == part(expected, field))
    };
    if FROM_FILES.iter().all(same) {
        return Ok(());
    }
    Err(Failure::failed(format!(
        "the keys of the text form would not be found from {}: their paths are relative to it",
        quoted(&output.to_string_lossy())
    ))
    .hint("write it into the folder in which it is, or put the keys beside the new one first"))
}

/// Says what should be known about a text form that compiles.
pub(super) fn tell_notes(path: &Path, bytes: &[u8], compiled: &Compiled) {
    let text = std::str::from_utf8(bytes).unwrap_or_default();
    let document = path.to_string_lossy();
    for note in &compiled.notes {
        complain(&format!("warning: {}", shown(&document, text, note)));
    }
}

/// All errors, each with its line underlined.
fn wrong(document: &str, text: &str, errors: &[TextError]) -> Failure {
    let errors: Vec<String> = errors
        .iter()
        .map(|error| shown(document, text, error))
        .collect();
    let count = match errors.len() {
        1 => "1 error".to_owned(),
        count => format!("{count} errors"),
    };
    Failure::failed(format!(
        "{} is no valid layout, {count}:\n{}",
        quoted(document),
        errors.join("\n")
    ))
}

fn shown(document: &str, text: &str, error: &TextError) -> String {
    let mut shown = match &error.span {
        Some(span) => format!("{}:{}:{}: ", printable(document), span.line, span.column),
        None => format!("{}: ", printable(document)),
    };
    shown.push_str(&error.message);
    for line in error
        .span
        .iter()
        .flat_map(|span| underlined(text, span, false))
    {
        shown.push_str(&format!("\n{line}"));
    }
    if let Some(help) = &error.help {
        shown.push_str(&format!("\n  help: {help}"));
    }
    shown
}
