//! Links (in-toto specification 4.4): what one performance of a step had, did and made.
//!
//! A link is read in two ways: from its text, quickly, and from a tree, which knows how to complain.
//! The quick way gives up over anything that is not as it must be.

use std::sync::Arc;

use crate::encoding::{Cursor, Object, Text, Value, Writing};

use super::artifacts::Builder;
use super::field::{At, Complaint, Complaints, pointer_token};
use super::hex::sha256_bytes;
use super::{ArtifactPath, Artifacts, DigestSet, Side};

/// A link.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Link {
    /// The step that was performed.
    pub name: String,
    /// What was there before.
    pub materials: Artifacts,
    /// What was there after.
    pub products: Artifacts,
    /// The command that was run; empty when a person did the step.
    pub command: Vec<String>,
    /// `return-value`, `stdout`, `stderr`, and what other tools add.
    pub byproducts: Object,
    /// What the functionary chose to tell of the environment.
    pub environment: Object,
}

impl Link {
    /// Reads the payload of an envelope. Fields but `name` may be absent; unknown ones are left
    /// alone.
    ///
    /// # Errors
    /// Everything that has not the form it must have.
    pub fn from_value(payload: &Value) -> Result<Self, Vec<Complaint>> {
        let mut complaints = Complaints::default();
        let link = read(payload, &mut complaints);
        match link {
            Some(link) if complaints.0.is_empty() => Ok(link),
            _ => Err(complaints.0),
        }
    }

    /// Reads the payload from the part of a text that starts at `start` and was accepted by a
    /// [`Cursor`] before. The names of the artifacts share the text. `None` when anything has not
    /// the form it must have: [`Self::from_value`] then says what.
    pub(super) fn from_text(
        text: &Arc<String>,
        start: usize,
        end: usize,
        writing: Writing,
    ) -> Option<Self> {
        let mut cursor = Cursor::new(text.get(start..end)?, writing);
        let mut link = Self::default();
        let mut named = false;
        cursor.space();
        cursor.object(|cursor, key| {
            match key.decoded().as_ref() {
                "name" => {
                    link.name = cursor.string()?.decoded().into_owned();
                    named = true;
                }
                "materials" => link.materials = quick_artifacts(cursor, text, start)?,
                "products" => link.products = quick_artifacts(cursor, text, start)?,
                "command" => cursor.array(|cursor| {
                    link.command.push(cursor.string()?.decoded().into_owned());
                    Some(())
                })?,
                "byproducts" => link.byproducts = quick_object(cursor)?,
                "environment" => link.environment = quick_object(cursor)?,
                _ => cursor.value()?,
            }
            Some(())
        })?;
        cursor.end()?;
        named.then_some(link)
    }

    /// The artifacts of one side.
    pub fn side(&self, side: Side) -> &Artifacts {
        match side {
            Side::Materials => &self.materials,
            Side::Products => &self.products,
        }
    }

    /// The payload as the reference writes it.
    pub fn to_value(&self) -> Value {
        let mut object = Object::new();
        object.set("_type", "link");
        object.set("name", self.name.as_str());
        object.set("materials", artifacts_value(&self.materials));
        object.set("products", artifacts_value(&self.products));
        object.set("command", self.command.clone());
        object.set("byproducts", self.byproducts.clone());
        object.set("environment", self.environment.clone());
        Value::Object(object)
    }
}

fn quick_object(cursor: &mut Cursor<'_>) -> Option<Object> {
    match cursor.tree()? {
        Value::Object(object) => Some(object),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) | Value::Array(_) => {
            None
        }
    }
}

fn quick_artifacts(cursor: &mut Cursor<'_>, text: &Arc<String>, base: usize) -> Option<Artifacts> {
    let mut artifacts = Builder::sharing(text, base);
    cursor.object(|cursor, name| {
        artifacts.push(name, quick_digests(cursor)?);
        Some(())
    })?;
    Some(artifacts.finish())
}

fn quick_digests(cursor: &mut Cursor<'_>) -> Option<DigestSet> {
    let mut several: Vec<(Text<'_>, Text<'_>)> = Vec::new();
    let mut sha256 = None;
    cursor.object(|cursor, algorithm| {
        let text = cursor.string()?;
        match (algorithm.verbatim(), text.verbatim()) {
            (Some(("sha256", _)), Some((hex, _))) if several.is_empty() => {
                sha256 = Some((sha256_bytes(hex)?, algorithm, text));
            }
            _ => several.push((algorithm, text)),
        }
        Some(())
    })?;
    if let (Some((digest, ..)), true) = (sha256, several.is_empty()) {
        return Some(DigestSet::of_sha256(digest));
    }
    several.extend(sha256.map(|(_, algorithm, text)| (algorithm, text)));
    let decoded: Vec<_> = several
        .iter()
        .map(|(algorithm, text)| (algorithm.decoded(), text.decoded()))
        .collect();
    let members = decoded
        .iter()
        .map(|(algorithm, text)| (algorithm.as_ref(), Some(text.as_ref())));
    DigestSet::from_texts(members).ok()
}

fn read(payload: &Value, complaints: &mut Complaints) -> Option<Link> {
    let at = At::root(payload);
    let object = complaints.object(&at)?;
    let name = match at.field(object, "name") {
        Some(name) => complaints.text(&name).unwrap_or_default().to_owned(),
        None => {
            complaints.add("", "the field `name` is missing");
            String::new()
        }
    };
    let command = match at.field(object, "command") {
        Some(command) => complaints.texts(&command),
        None => Vec::new(),
    };
    let mut free = |field: &str| match at.field(object, field) {
        Some(value) => complaints.object(&value).cloned().unwrap_or_default(),
        None => Object::new(),
    };
    let byproducts = free("byproducts");
    let environment = free("environment");
    Some(Link {
        name,
        materials: artifacts(&at, object, "materials", complaints),
        products: artifacts(&at, object, "products", complaints),
        command,
        byproducts,
        environment,
    })
}

fn artifacts(at: &At<'_>, object: &Object, name: &str, complaints: &mut Complaints) -> Artifacts {
    let Some(side) = at.field(object, name) else {
        return Artifacts::new();
    };
    let mut artifacts = Vec::new();
    for (path, digests) in complaints.object(&side).into_iter().flat_map(Object::iter) {
        match DigestSet::from_value(digests) {
            Ok(digests) => artifacts.push((ArtifactPath::claimed(path), digests)),
            Err(error) => {
                let pointer = format!("{}/{}", side.pointer, pointer_token(path));
                complaints.add(&pointer, error.to_string());
            }
        }
    }
    artifacts.into_iter().collect()
}

fn artifacts_value(artifacts: &Artifacts) -> Value {
    let members = artifacts
        .iter()
        .map(|(path, digests)| (path.to_owned(), digests.to_value()));
    Value::Object(members.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::parse;

    #[test]
    fn reading_and_writing_are_inverse() {
        let digest = "ab".repeat(32);
        let json = format!(
            r#"{{"_type":"link","name":"s","materials":{{"a":{{"sha256":"{digest}"}}}},"products":{{"~/b":{{}}}},
            "command":["x",""],"byproducts":{{"return-value":0}},"environment":{{}}}}"#
        );
        let value = parse(json.as_bytes()).unwrap();
        assert_eq!(Link::from_value(&value).unwrap().to_value(), value);
    }

    fn quick(text: &str) -> Option<Link> {
        let text = Arc::new(format!("before{text}"));
        Link::from_text(&text, 6, text.len(), Writing::Json)
    }

    #[test]
    fn the_quick_way_reads_what_the_tree_reads() {
        let (digest, long) = ("aB".repeat(32), "0c".repeat(64));
        let materials = format!(
            r#"{{"a":{{"sha256":"{digest}"}},"b\\\n\u00e9":{{"blake3":"{digest}","sha256":"{digest}","sha512":"{long}"}},"c":{{}}}}"#
        );
        let sides =
            format!(r#""materials":{materials},"name":"s\"","products":{{"a":{{"md5":"abc"}}}}"#);
        for json in [
            r#"{"name":"s"}"#.to_owned(),
            format!(
                r#"{{"_type":"link","byproducts":{{"x":[1,{{}}]}},"command":["a\tb",""],"environment":{{}},{sides},"zz":[null]}}"#
            ),
            format!("{{{sides}}}").replace(',', " , \n"),
        ] {
            let link = Link::from_value(&parse(json.as_bytes()).unwrap()).unwrap();
            assert_eq!(quick(&json).unwrap(), link, "{json}");
        }
    }

    #[test]
    fn wrong_types_are_named() {
        for (json, pointer) in [
            (r#"{"materials":{}}"#, "name"),
            (r#"{"name":null}"#, "/name"),
            (r#"{"name":"s","materials":[]}"#, "/materials"),
            (r#"{"name":"s","products":{"a/b":"x"}}"#, "/products/a~1b"),
            (
                r#"{"name":"s","products":{"a":{"sha256":"zz"}}}"#,
                "/products/a",
            ),
            (r#"{"name":"s","command":"make"}"#, "/command"),
            (r#"{"name":"s","command":["make",1]}"#, "/command/1"),
            (r#"{"name":"s","byproducts":null}"#, "/byproducts"),
            (r#"{"name":"s","environment":null}"#, "/environment"),
            ("[]", "object"),
        ] {
            let found = Link::from_value(&parse(json.as_bytes()).unwrap()).unwrap_err();
            assert!(found[0].to_string().contains(pointer), "{json}: {found:?}");
            assert_eq!(quick(json), None, "{json}");
        }
    }
}
