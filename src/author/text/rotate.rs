//! Another key in the place of one in a text form, and nothing else changed in it.

use toml_edit::{Array, DocumentMut, Item, Value as Toml};

use crate::keys::KeyId;
use crate::model::quoted;

/// The text with the key of a name read from another file. Every other byte stays, comments included, but
/// where a step names the key by one of its `old` ids: there its name comes to stand.
///
/// # Errors
/// The text is no TOML or has no such name among its keys. Text in it is escaped.
pub fn rotate(text: &str, name: &str, old: &[KeyId], path: &str) -> Result<String, String> {
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| {
        format!("the text is no TOML: {}", quoted(error.message().trim()))
    })?;
    let keys = document.get_mut("keys");
    let keys = keys.and_then(Item::as_table_like_mut);
    let Some(entry) = keys.and_then(|keys| keys.get_mut(name)) else {
        return Err(format!("the text form has no key {}", quoted(name)));
    };
    let mut new = Toml::from(path);
    if let Item::Value(old) = entry {
        *new.decor_mut() = old.decor().clone();
    }
    *entry = Item::Value(new);
    let steps = document.get_mut("step");
    let steps = steps.and_then(Item::as_array_of_tables_mut);
    for step in steps.into_iter().flat_map(|steps| steps.iter_mut()) {
        if let Some(keys) = step.get_mut("keys").and_then(Item::as_array_mut) {
            by_name(keys, name, old);
        }
    }
    Ok(document.to_string())
}

/// Names the key by its name instead of by an old id, and once.
fn by_name(keys: &mut Array, name: &str, old: &[KeyId]) {
    let is_old = |value: &Toml| {
        let text = value.as_str();
        text.is_some_and(|text| old.iter().any(|old| old.as_str() == text))
    };
    let mut is_named = keys.iter().any(|value| value.as_str() == Some(name));
    keys.retain(|value| {
        let is_double = is_named && is_old(value);
        is_named |= is_old(value);
        !is_double
    });
    for value in keys.iter_mut().filter(|value| is_old(value)) {
        let mut new = Toml::from(name);
        *new.decor_mut() = value.decor().clone();
        *value = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# first\n[keys] # whose\nalice = 'a.pub'  # hers\nbob = 'b.pub'\n\n[[step]]\nname = 'one'\nkeys = [ 'alice', 'bob' ] # both\n\n[[step]]\nname = 'two'\nkeys = ['aa', 'alice', 'a2', 'bob']\n\n[[step]]\nname = 'three'\nkeys = ['a2', 'aa']\n";

    #[test]
    fn the_name_stays_and_what_was_an_id_becomes_it() {
        let old = [KeyId::new("aa"), KeyId::new("a2")];
        let rotated = rotate(TEXT, "alice", &old, "new.pub").unwrap();
        let expected = TEXT
            .replace("'a.pub'", "\"new.pub\"")
            .replace("['aa', 'alice', 'a2', 'bob']", "['alice', 'bob']")
            .replace("['a2', 'aa']", "[\"alice\"]");
        let spaces = |text: &str| {
            text.replace("[ 'alice', 'bob' ]", "['alice','bob']")
                .replace(' ', "")
        };
        assert_eq!(spaces(&rotated), spaces(&expected));
        assert!(rotated.starts_with("# first\n[keys] # whose\nalice = \"new.pub\"  # hers\n"));
    }

    #[test]
    fn a_name_that_is_not_there_is_refused() {
        assert!(rotate(TEXT, "carol", &[], "new.pub").is_err());
        assert!(rotate("keys = ", "alice", &[], "new.pub").is_err());
        assert!(rotate("", "alice", &[], "new.pub").is_err());
    }
}
