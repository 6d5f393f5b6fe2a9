//! Against keys and signatures that securesystemslib, pyca/cryptography and OpenSSL made
//! (`testdata/test-keys.json`), and against mangled ones.

mod mangled;
mod private;
mod public;
mod signatures;

use super::*;
use crate::encoding::{self, Value};

const MESSAGE: &[u8] = b"linkwright test message";
const PASSWORD: &[u8] = b"test password";

/// The file of test keys. Every private key in it is public.
struct TestKeys(Value);

impl TestKeys {
    fn read() -> Self {
        Self(encoding::parse(include_bytes!("../testdata/test-keys.json")).unwrap())
    }

    /// The strings of a group by their names.
    fn group(&self, name: &str) -> Vec<(&str, &str)> {
        let group = field(&self.0, name).as_object().unwrap();
        group
            .iter()
            .map(|(key, value)| (key, value.as_str().unwrap()))
            .collect()
    }

    fn one(&self, group: &str, name: &str) -> &str {
        field(field(&self.0, group), name).as_str().unwrap()
    }

    fn vectors(&self) -> &[Value] {
        field(&self.0, "vectors").as_array().unwrap()
    }

    /// The public key of a family, from its private one.
    fn public(&self, family: &str) -> PublicKey {
        self.private(family).public().clone()
    }

    fn private(&self, name: &str) -> FileKey {
        FileKey::from_pem(self.one("private", name).as_bytes(), None).unwrap()
    }
}

fn field<'a>(value: &'a Value, name: &str) -> &'a Value {
    value.as_object().unwrap().get(name).unwrap()
}

fn string<'a>(value: &'a Value, name: &str) -> &'a str {
    field(value, name).as_str().unwrap()
}

fn unhex(text: &str) -> Vec<u8> {
    hex::decode(text).unwrap()
}
