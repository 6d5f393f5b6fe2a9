//! Writing TOML: strings and keys with nothing in them that a terminal obeys, and lines with the comments
//! that belong above them.

use std::collections::BTreeMap;

use crate::encoding::{Object, Value};
use crate::model::is_unprintable;

/// A string on one line.
pub(super) fn string(text: &str) -> String {
    let bare = |c: char| !is_unprintable(c) && c != '\'';
    if text.contains(['"', '\\']) && text.chars().all(bare) {
        return format!("'{text}'");
    }
    let mut written = String::from("\"");
    for character in text.chars() {
        match character {
            '\n' => written.push_str("\\n"),
            _ => written.push_str(&escaped(character)),
        }
    }
    written.push('"');
    written
}

/// A text of several lines as they are.
pub(super) fn lines(text: &str) -> String {
    if !text.contains('\n') {
        return string(text);
    }
    let mut written = String::from("\"\"\"\n");
    for character in text.chars() {
        match character {
            '\n' => written.push('\n'),
            _ => written.push_str(&escaped(character)),
        }
    }
    written.push_str("\"\"\"");
    written
}

fn escaped(character: char) -> String {
    match character {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        '\t' => "\\t".to_owned(),
        '\r' => "\\r".to_owned(),
        _ if is_unprintable(character) => {
            let code = u32::from(character);
            if code <= 0xffff {
                format!("\\u{code:04X}")
            } else {
                format!("\\U{code:08X}")
            }
        }
        _ => character.to_string(),
    }
}

/// A key, in quotes where it has to be.
pub(super) fn key(name: &str) -> String {
    let bare = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if !name.is_empty() && name.bytes().all(bare) {
        name.to_owned()
    } else {
        string(name)
    }
}

/// A JSON value on one line; `None` when TOML has no such value.
pub(super) fn value(from: &Value) -> Option<String> {
    Some(match from {
        Value::Null => return None,
        Value::Bool(value) => value.to_string(),
        Value::Number(number) => {
            let whole = number.as_i64()?;
            // Another way to write the same number would be lost.
            (whole.to_string() == number.as_text()).then(|| whole.to_string())?
        }
        Value::String(text) => string(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(value).collect::<Option<_>>()?;
            format!("[{}]", items.join(", "))
        }
        Value::Object(object) => table(object)?,
    })
}

fn table(object: &Object) -> Option<String> {
    if object.is_empty() {
        return Some("{}".to_owned());
    }
    let member = |(name, item)| Some(format!("{} = {}", key(name), value(item)?));
    let members: Vec<String> = object.iter().map(member).collect::<Option<_>>()?;
    Some(format!("{{ {} }}", members.join(", ")))
}

/// The lines of a text form. Each may say what it is about.
#[derive(Debug, Default)]
pub(super) struct Text(Vec<Line>);

#[derive(Debug)]
struct Line {
    pointer: Option<String>,
    text: String,
}

impl Text {
    pub(super) fn push(&mut self, text: impl Into<String>) {
        self.0.push(Line {
            pointer: None,
            text: text.into(),
        });
    }

    /// A line about what a pointer names.
    pub(super) fn about(&mut self, pointer: impl Into<String>, text: impl Into<String>) {
        self.0.push(Line {
            pointer: Some(pointer.into()),
            text: text.into(),
        });
    }

    pub(super) fn append(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The whole text, with each comment above the line of its pointer, or of what that is part of; at the
    /// head if there is neither.
    pub(super) fn with_comments(&self, comments: &BTreeMap<String, Vec<String>>) -> String {
        let mut above: BTreeMap<usize, Vec<String>> = BTreeMap::new();
        let mut head = Vec::new();
        for (pointer, lines) in comments {
            let lines = lines.iter().flat_map(|line| line.split('\n')).map(comment);
            match self.line_of(pointer) {
                Some(at) => above.entry(at).or_default().extend(lines),
                None => head.extend(lines),
            }
        }
        let mut written = String::new();
        if !head.is_empty() {
            head.push(String::new());
        }
        for line in head {
            written.push_str(&line);
            written.push('\n');
        }
        for (at, line) in self.0.iter().enumerate() {
            let indent: String = line.text.chars().take_while(|c| *c == ' ').collect();
            for comment in above.remove(&at).unwrap_or_default() {
                written.push_str(&format!("{indent}{comment}\n"));
            }
            written.push_str(&line.text);
            written.push('\n');
        }
        written
    }

    fn line_of(&self, pointer: &str) -> Option<usize> {
        let mut pointer = pointer;
        loop {
            let about = |line: &Line| line.pointer.as_deref() == Some(pointer);
            if let Some(at) = self.0.iter().position(about) {
                return Some(at);
            }
            (pointer, _) = pointer.rsplit_once('/')?;
        }
    }
}

fn comment(line: &str) -> String {
    let shown = |character: char| {
        if is_unprintable(character) {
            char::REPLACEMENT_CHARACTER
        } else {
            character
        }
    };
    let line: String = line.trim_end().chars().map(shown).collect();
    if line.is_empty() {
        "#".to_owned()
    } else {
        format!("# {line}")
    }
}
