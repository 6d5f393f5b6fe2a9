//! Canonical JSON exactly as securesystemslib signs it (`encode_canonical`).
//!
//! No white space; object keys in the order of their code points; only `"` and `\` escaped, every
//! other character raw, control characters included; no Unicode normalisation; integers only. This
//! is the OLPC canonical JSON but for the things that other implementations add to it, and
//! therefore written here: with those a signature over a directory that has `foo` beside `foo bar`
//! would not verify elsewhere.

use memchr::memchr2;

use super::{Number, Value};

/// Why a value has no canonical form.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CanonicalError {
    /// Canonical JSON has no fractions and no exponents.
    #[error("`{text}` is no integer, and canonical JSON has no other numbers")]
    Fraction {
        /// The number as it was received.
        text: String,
    },
}

/// The canonical form of a value.
///
/// # Errors
/// The value holds a number that is not written as an integer.
pub fn canonical(value: &Value) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::new();
    write(value, &mut out)?;
    Ok(out)
}

fn write(value: &Value, out: &mut Vec<u8>) -> Result<(), CanonicalError> {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(true) => out.extend_from_slice(b"true"),
        Value::Bool(false) => out.extend_from_slice(b"false"),
        Value::Number(number) => out.extend_from_slice(integer(number)?.as_bytes()),
        Value::String(text) => canonical_string(text, out),
        Value::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out)?;
            }
            out.push(b']');
        }
        Value::Object(object) => {
            out.push(b'{');
            for (at, (key, item)) in object.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                canonical_string(key, out);
                out.push(b':');
                write(item, out)?;
            }
            out.push(b'}');
        }
    }
    Ok(())
}

/// Appends a string, quotes included.
pub fn canonical_string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some((plain, tail)) =
        memchr2(b'"', b'\\', rest).and_then(|at| rest.split_at_checked(at))
    {
        out.extend_from_slice(plain);
        out.push(b'\\');
        out.extend(tail.first());
        rest = tail.get(1..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

fn integer(number: &Number) -> Result<&str, CanonicalError> {
    if !number.is_integer() {
        let text = number.as_text().to_owned();
        return Err(CanonicalError::Fraction { text });
    }
    // Python reads `-0` as the integer 0.
    Ok(match number.as_text() {
        "-0" => "0",
        text => text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::parse;

    fn canonical_text(json: &str) -> String {
        String::from_utf8(canonical(&parse(json.as_bytes()).unwrap()).unwrap()).unwrap()
    }

    #[test]
    fn keys_sort_by_their_raw_code_points() {
        assert_eq!(
            canonical_text(r#"{"foo bar":2,"foo":1,"a\"":3,"a#":4,"\uffff":5,"\ud800\udc00":6}"#),
            "{\"a\\\"\":3,\"a#\":4,\"foo\":1,\"foo bar\":2,\"\u{ffff}\":5,\"\u{10000}\":6}"
        );
    }

    #[test]
    fn only_quote_and_backslash_are_escaped() {
        assert_eq!(
            canonical_text(r#"["\"\\\/\b\f\n\r\t\u0000\u007f\u2028e\u0301"]"#),
            "[\"\\\"\\\\/\u{8}\u{c}\n\r\t\0\u{7f}\u{2028}e\u{301}\"]"
        );
    }

    #[test]
    fn integers_keep_every_digit() {
        let digits = "123456789012345678901234567890";
        assert_eq!(canonical_text(digits), digits);
        assert_eq!(canonical_text("-0"), "0");
    }

    #[test]
    fn fractions_and_exponents_are_refused() {
        for text in ["1.0", "1e2", "-0.0", "1E400"] {
            let value = parse(text.as_bytes()).unwrap();
            assert_eq!(
                canonical(&value),
                Err(CanonicalError::Fraction { text: text.into() })
            );
        }
    }
}
