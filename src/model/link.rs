//! Links (in-toto specification 4.4): what one performance of a step had, did and made.

use crate::encoding::{Object, Value};

use super::field::{At, Complaint, Complaints, pointer_token};
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
    let mut artifacts = Artifacts::new();
    for (path, digests) in complaints.object(&side).into_iter().flat_map(Object::iter) {
        match DigestSet::from_value(digests) {
            Ok(digests) => {
                artifacts.insert(ArtifactPath::claimed(path), digests);
            }
            Err(error) => {
                let pointer = format!("{}/{}", side.pointer, pointer_token(path));
                complaints.add(&pointer, error.to_string());
            }
        }
    }
    artifacts
}

fn artifacts_value(artifacts: &Artifacts) -> Value {
    let members = artifacts
        .iter()
        .map(|(path, digests)| (path.as_str().to_owned(), digests.to_value()));
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
        }
    }
}
