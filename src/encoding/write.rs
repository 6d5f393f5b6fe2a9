//! The two ways in which the reference writes JSON files: Python's `json.dumps` with sorted keys
//! and ASCII only, either indented by one space (Metablock) or on one line (DSSE).
//!
//! Numbers are written as they were received.

use super::Value;

/// Indented by one space a level, `": "` and `,` + line end as separators, no final line end.
pub fn indented(value: &Value) -> String {
    let mut out = String::new();
    Style { indent: true }.value(value, 0, &mut out);
    out
}

/// The same for a value that stands so many levels deep in a document.
pub fn indented_below(value: &Value, depth: usize) -> String {
    let mut out = String::new();
    Style { indent: true }.value(value, depth, &mut out);
    out
}

/// One line, `", "` and `": "` as separators.
pub fn compact(value: &Value) -> String {
    let mut out = String::new();
    Style { indent: false }.value(value, 0, &mut out);
    out
}

struct Style {
    indent: bool,
}

impl Style {
    fn value(&self, value: &Value, depth: usize, out: &mut String) {
        match value {
            Value::Null => out.push_str("null"),
            Value::Bool(true) => out.push_str("true"),
            Value::Bool(false) => out.push_str("false"),
            Value::Number(number) => out.push_str(number.as_text()),
            Value::String(text) => escaped_string(text, out),
            Value::Array(items) => {
                out.push('[');
                for (at, item) in items.iter().enumerate() {
                    self.before_item(at, depth + 1, out);
                    self.value(item, depth + 1, out);
                }
                self.close(items.is_empty(), ']', depth, out);
            }
            Value::Object(object) => {
                out.push('{');
                for (at, (key, item)) in object.iter().enumerate() {
                    self.before_item(at, depth + 1, out);
                    escaped_string(key, out);
                    out.push_str(": ");
                    self.value(item, depth + 1, out);
                }
                self.close(object.is_empty(), '}', depth, out);
            }
        }
    }

    fn before_item(&self, at: usize, depth: usize, out: &mut String) {
        match (self.indent, at) {
            (true, 0) => line(depth, out),
            (true, _) => {
                out.push(',');
                line(depth, out);
            }
            (false, 0) => {}
            (false, _) => out.push_str(", "),
        }
    }

    fn close(&self, empty: bool, bracket: char, depth: usize, out: &mut String) {
        if self.indent && !empty {
            line(depth, out);
        }
        out.push(bracket);
    }
}

fn line(depth: usize, out: &mut String) {
    out.push('\n');
    for _ in 0..depth {
        out.push(' ');
    }
}

/// Appends a string, quotes included, as both ways write it.
pub fn escaped_string(text: &str, out: &mut String) {
    out.push('"');
    if text
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\')
    {
        out.push_str(text);
    } else {
        escape(text, out);
    }
    out.push('"');
}

fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            ' '..='~' => out.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    out.push_str(&format!("\\u{unit:04x}"));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::parse;

    #[test]
    fn del_is_escaped_in_a_text_that_has_nothing_else_to_escape() {
        assert_eq!(compact(&Value::from("a\u{7f}")), "\"a\\u007f\"");
    }

    #[test]
    fn as_the_reference_writes_files() {
        let value = parse(
            "{\"b\":[1,{\"x\":null}],\"a\":\"é\u{1F600}\\u0001/\u{7f}\\n\",\"c\":{},\"d\":[]}"
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(
            indented(&value),
            "{\n \"a\": \"\\u00e9\\ud83d\\ude00\\u0001/\\u007f\\n\",\n \"b\": [\n  1,\n  {\n   \"x\": null\n  }\n ],\n \"c\": {},\n \"d\": []\n}"
        );
        assert_eq!(
            compact(&value),
            "{\"a\": \"\\u00e9\\ud83d\\ude00\\u0001/\\u007f\\n\", \"b\": [1, {\"x\": null}], \"c\": {}, \"d\": []}"
        );
    }
}
