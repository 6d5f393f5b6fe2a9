//! Parameter substitution, as the reference does it with Python's `str.format`: in the words of
//! rules and commands of the root layout, nowhere else, and only when parameters are given.
//!
//! `{name}` stands for the parameter's value, taken literally; `{{` and `}}` for single braces.
//! Everything else that `str.format` would do with braces (attributes, conversions, format
//! specifications, positions) is refused.

use std::collections::BTreeMap;

use crate::encoding::{Object, Value};
use crate::model::{Complaint, quoted};
use crate::report::Problem;

/// Names and values of parameters.
pub type Parameters = BTreeMap<String, String>;

/// Whether a text can name a parameter: letters, digits, `_` and `-` of ASCII, at least one.
pub fn is_parameter_name(name: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    !name.is_empty() && name.bytes().all(allowed)
}

/// Whether a text has `{name}` in it, for which something else may be filled in.
pub fn has_parameter(text: &str) -> bool {
    text.split('{').skip(1).any(|rest| {
        let name = rest.split_once('}').map(|(name, _)| name);
        name.is_some_and(is_parameter_name)
    })
}

/// What looks like a parameter in a text in which they should have been filled in, with what is before
/// and behind it. `${NAME}` is something of a shell.
pub(super) fn unfilled(text: &str) -> Option<(&str, &str, &str)> {
    let mut parts = text.match_indices('{').filter_map(|(at, _)| {
        let (before, brace) = text.split_at_checked(at)?;
        let inside = brace.strip_prefix('{')?;
        let end = inside.find(|c: char| !is_parameter_name(c.encode_utf8(&mut [0; 4])))?;
        let (name, behind) = inside.split_at_checked(end)?;
        Some((before, name, behind.strip_prefix('}')?))
    });
    parts.find(|(before, name, _)| is_parameter_name(name) && !before.ends_with('$'))
}

/// The parameters that the rules and commands of a layout ask for, each with the pointer of the first
/// text that does. Without values for them these texts mean what they say, braces and all. In a command
/// `${NAME}` is something of a shell.
pub fn asked_for(payload: &Value) -> BTreeMap<String, String> {
    let mut asked = BTreeMap::new();
    for (list, fields) in PLACES {
        let items = payload
            .as_object()
            .and_then(|layout| layout.get(list)?.as_array());
        for (index, item) in items.unwrap_or_default().iter().enumerate() {
            for field in fields {
                let value = item.as_object().and_then(|item| item.get(field));
                let is_command = matches!(*field, "expected_command" | "run");
                if let Some(value) = value {
                    asked_in(
                        value,
                        &format!("/{list}/{index}/{field}"),
                        is_command,
                        &mut asked,
                    );
                }
            }
        }
    }
    asked
}

fn asked_in(value: &Value, pointer: &str, is_command: bool, asked: &mut BTreeMap<String, String>) {
    // Rules are lists in a list, and nothing is deeper.
    for (at, item) in value.as_array().unwrap_or_default().iter().enumerate() {
        let pointer = format!("{pointer}/{at}");
        named(item, &pointer, is_command, asked);
        for (place, word) in item.as_array().unwrap_or_default().iter().enumerate() {
            named(word, &format!("{pointer}/{place}"), is_command, asked);
        }
    }
}

/// The parameters of one text: a name between braces that are not doubled.
fn named(word: &Value, pointer: &str, is_command: bool, asked: &mut BTreeMap<String, String>) {
    let Some(text) = word.as_str() else {
        return;
    };
    let mut before = "";
    for part in text.split_inclusive('{') {
        let opened = before.chars().rev().take_while(|one| *one == '{').count();
        let start = before.trim_end_matches('{');
        let is_shell = is_command && opened == 1 && start.ends_with('$');
        let name = part.split_once('}').map(|(name, _)| name);
        if let Some(name) = name.filter(|name| is_parameter_name(name))
            && opened % 2 == 1
            && !is_shell
        {
            let first = asked.entry(name.to_owned());
            first.or_insert_with(|| pointer.to_owned());
        }
        before = text.get(..before.len() + part.len()).unwrap_or_default();
    }
}

/// The payload of a layout with its parameters filled in.
///
/// # Errors
/// Parameters that were not given, and braces that are none.
pub fn substitute(payload: &Value, given: &Parameters) -> Result<Value, Vec<Problem>> {
    if given.is_empty() {
        return Ok(payload.clone());
    }
    let mut filler = Filler {
        given,
        problems: Vec::new(),
    };
    let filled = filler.layout(payload);
    if filler.problems.is_empty() {
        Ok(filled)
    } else {
        Err(filler.problems)
    }
}

const PLACES: [(&str, &[&str]); 2] = [
    (
        "steps",
        &[
            "expected_command",
            "expected_materials",
            "expected_products",
        ],
    ),
    (
        "inspect",
        &["run", "expected_materials", "expected_products"],
    ),
];

struct Filler<'a> {
    given: &'a Parameters,
    problems: Vec<Problem>,
}

impl Filler<'_> {
    fn layout(&mut self, payload: &Value) -> Value {
        let mut payload = payload.clone();
        let Value::Object(layout) = &mut payload else {
            return payload;
        };
        for (list, fields) in PLACES {
            let Some(Value::Array(mut items)) = layout.get(list).cloned() else {
                continue;
            };
            for (index, item) in items.iter_mut().enumerate() {
                if let Value::Object(item) = item {
                    self.fields(item, fields, &format!("/{list}/{index}"));
                }
            }
            layout.set(list, Value::Array(items));
        }
        payload
    }

    fn fields(&mut self, item: &mut Object, fields: &[&str], pointer: &str) {
        for field in fields {
            if let Some(value) = item.get(field).cloned() {
                item.set(field, self.words(value, &format!("{pointer}/{field}")));
            }
        }
    }

    fn words(&mut self, value: Value, pointer: &str) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(&text, pointer)),
            Value::Array(items) => {
                let items = items.into_iter().enumerate();
                Value::Array(
                    items
                        .map(|(at, item)| self.words(item, &format!("{pointer}/{at}")))
                        .collect(),
                )
            }
            other @ (Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) => other,
        }
    }

    fn text(&mut self, text: &str, pointer: &str) -> String {
        let mut filled = String::new();
        let mut rest = text;
        while let Some((before, brace)) = rest
            .find(['{', '}'])
            .and_then(|at| rest.split_at_checked(at))
        {
            filled.push_str(before);
            let doubled = ["{{", "}}"]
                .iter()
                .find_map(|pair| brace.strip_prefix(pair));
            if let Some(behind) = doubled {
                filled.extend(brace.chars().next());
                rest = behind;
                continue;
            }
            let name = brace
                .strip_prefix('{')
                .and_then(|inside| inside.split_once('}'));
            match name {
                Some((name, behind)) if is_parameter_name(name) => {
                    match self.given.get(name) {
                        Some(value) => filled.push_str(value),
                        None => self.problems.push(Problem::ParameterMissing {
                            name: name.to_owned(),
                        }),
                    }
                    rest = behind;
                }
                _ => {
                    self.complain(text, pointer);
                    return filled;
                }
            }
        }
        filled.push_str(rest);
        filled
    }

    fn complain(&mut self, text: &str, pointer: &str) {
        let message = format!(
            "{} has a brace that is neither doubled nor part of a parameter like `{{name}}`",
            quoted(text)
        );
        let complaint = Complaint {
            pointer: pointer.to_owned(),
            message,
        };
        self.problems.push(Problem::LayoutInvalid { complaint });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fill(text: &str) -> Result<String, Vec<Problem>> {
        let given = Parameters::from([
            ("a".to_owned(), "{b}".to_owned()),
            ("x-1".to_owned(), String::new()),
        ]);
        let mut filler = Filler {
            given: &given,
            problems: Vec::new(),
        };
        let filled = filler.text(text, "");
        if filler.problems.is_empty() {
            Ok(filled)
        } else {
            Err(filler.problems)
        }
    }

    #[test]
    fn a_value_is_not_expanded_again() {
        assert_eq!(fill("<{a}{x-1}{a}>").unwrap(), "<{b}{b}>");
        assert_eq!(fill("{{a}} {{{a}}}").unwrap(), "{a} {{b}}");
    }

    #[test]
    fn what_is_not_given_is_named() {
        assert_eq!(
            fill("{c}"),
            Err(vec![Problem::ParameterMissing { name: "c".into() }])
        );
    }

    #[test]
    fn what_was_not_filled_in_is_found() {
        assert_eq!(unfilled("app-{V}.tar"), Some(("app-", "V", ".tar")));
        assert_eq!(unfilled("{}{a b}{c}"), Some(("{}{a b}", "c", "")));
        for text in ["", "app", "${HOME}", "{", "{a", "a}"] {
            assert_eq!(unfilled(text), None, "{text}");
        }
    }

    #[test]
    fn what_a_layout_asks_for_is_found() {
        let layout = br#"{"readme":"{R}","steps":[{"name":"{N}","expected_command":["{C}","${HOME}","${{D}"],
            "expected_materials":[["ALLOW","{{X}}"],["ALLOW","a{{{A}}}{B}"],["ALLOW","{a b}{}{"]],
            "expected_products":[["ALLOW","${S}/{A}"],"{T}"]}],"inspect":[{"run":["sh","{E}"]}]}"#;
        let asked = asked_for(&crate::encoding::parse(layout).unwrap());
        let asked: Vec<(&str, &str)> = asked
            .iter()
            .map(|(n, p)| (n.as_str(), p.as_str()))
            .collect();
        assert_eq!(
            asked,
            [
                ("A", "/steps/0/expected_materials/1/1"),
                ("B", "/steps/0/expected_materials/1/1"),
                ("C", "/steps/0/expected_command/0"),
                ("E", "/inspect/0/run/1"),
                ("S", "/steps/0/expected_products/0/1"),
                ("T", "/steps/0/expected_products/1"),
            ]
        );
    }

    #[test]
    fn pythons_other_formatting_is_refused() {
        for text in [
            "{", "}", "{}", "{0", "{a.x}", "{a!r}", "{a:>5}", "{a[0]}", "{ a}", "a}b",
        ] {
            let problems = fill(text).unwrap_err();
            assert!(
                matches!(problems[..], [Problem::LayoutInvalid { .. }]),
                "{text}"
            );
        }
    }
}
