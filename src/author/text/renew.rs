//! Changing the expiry of a text form, and nothing else in it.

use toml_edit::{DocumentMut, Item, Value as Toml};

use crate::model::{Moment, quoted};

use super::expiry::{expiry, is_span};

/// The text with another expiry; every other byte stays, comments included. Where the text has a span,
/// such as `90d`, the new one is written as it is given, else the moment that it means from now.
///
/// # Errors
/// The text is no TOML or has no `expires`, or the new expiry is none. Text in it is escaped.
pub fn renew(text: &str, wanted: &str, now: Moment) -> Result<String, String> {
    let moment = expiry(wanted, now)?;
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        format!("the text is no TOML: {}", quoted(error.message().trim()))
    })?;
    let Some(Item::Value(old)) = document.get_mut("expires") else {
        return Err("the text form has no field `expires`".to_owned());
    };
    let counted = old.as_str().is_some_and(is_span);
    let mut new = if counted {
        Toml::from(wanted)
    } else {
        Toml::from(moment.to_string())
    };
    *new.decor_mut() = old.decor().clone();
    *old = new;
    Ok(document.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# first\n\nexpires = %  # soon\n[keys] # none\n";

    fn renewed(from: &str, wanted: &str) -> Result<String, String> {
        let now = Moment::parse("2026-01-01T00:00:00Z").unwrap();
        renew(&TEXT.replace('%', from), wanted, now)
    }

    #[test]
    fn nothing_else_changes() {
        for (from, wanted, expected) in [
            ("'90d'", "180d", "\"180d\""),
            ("\"2026-02-01\"", "10d", "\"2026-01-11T00:00:00Z\""),
            ("2026-02-01", "2027-01-01", "\"2027-01-01T23:59:59Z\""),
            ("'90d'", "2027-01-01", "\"2027-01-01\""),
        ] {
            assert_eq!(renewed(from, wanted).unwrap(), TEXT.replace('%', expected));
        }
    }

    #[test]
    fn what_is_no_expiry_changes_nothing() {
        let now = Moment::parse("2026-01-01T00:00:00Z").unwrap();
        assert!(renewed("'90d'", "soon").is_err());
        assert!(renew("readme = 'x'\n", "90d", now).is_err());
        assert!(renew("expires = ", "90d", now).is_err());
    }
}
