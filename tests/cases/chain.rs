//! Builds and signs the chain of a case. Signatures come from the library's keys; envelopes are put
//! together here, so that a case can have any bytes in them.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::os::unix::fs::symlink;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use linkwright::encoding::{canonical, indented, pae, parse};
use linkwright::keys::{FileKey, KeyId, KeyIdStyle, Signer as _};
use linkwright::model::{PAYLOAD_TYPE, hex};
use rustix::fs::{CWD, Mode, mkfifoat};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Folder, key, public};

const CERTIFICATES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/certificates");

fn certificate(name: &str) -> String {
    std::fs::read_to_string(format!("{CERTIFICATES}/{name}.pem")).unwrap()
}

const NAMES: [&str; 4] = ["owner", "alice", "bob", "carol"];

/// One signed document on its way.
#[derive(Clone, Debug)]
struct Document {
    payload: Value,
    signers: Vec<String>,
    dsse: bool,
    /// The payload's text, where it is not what `payload` would give.
    text: Option<String>,
}

/// A layout, its links, and what is done to their files afterwards.
#[derive(Debug)]
pub(crate) struct Chain {
    documents: BTreeMap<String, Document>,
    files: Vec<Vec<String>>,
    arguments: Vec<String>,
    keys: Vec<String>,
}

fn signer(name: &str) -> (FileKey, KeyId) {
    let (name, style) = match name.strip_suffix("@legacy") {
        Some(name) => (name, KeyIdStyle::Legacy),
        None => (name, KeyIdStyle::Current),
    };
    let key = FileKey::from_pem(&std::fs::read(key(name)).unwrap(), None).unwrap();
    let id = key.public().id(style);
    (key, id)
}

/// The names that stand for something in a line, longer ones before those that they begin with.
fn names() -> Vec<(String, String)> {
    let mut names = Vec::new();
    for name in NAMES {
        let (key, id) = signer(name);
        let legacy = key.public().id(KeyIdStyle::Legacy);
        names.push((format!("${name}.legacy8"), legacy.short().to_owned()));
        names.push((format!("${name}.legacy"), legacy.as_str().to_owned()));
        let object = key.public().to_value(KeyIdStyle::Current);
        names.push((
            format!("${name}.key"),
            indented(&object).replace(['\n', ' '], ""),
        ));
        names.push((format!("${name}8"), id.short().to_owned()));
        if name == "alice" {
            names.push((
                "$LINK_A".to_owned(),
                format!("links/write.{}.link", id.short()),
            ));
        } else if name == "bob" {
            names.push((
                "$LINK_B".to_owned(),
                format!("links/pack.{}.link", id.short()),
            ));
        }
        names.push((format!("${name}"), id.as_str().to_owned()));
    }
    names.push(("$data".to_owned(), CERTIFICATES.to_owned()));
    for (name, digit) in [("$X", "1"), ("$Y", "2"), ("$Z", "3")] {
        names.push((name.to_owned(), digit.repeat(64)));
    }
    for (name, text) in [("$ONE", "one"), ("$TWO", "two")] {
        let digest = hex(&Sha256::digest(text));
        names.push((name.to_owned(), digest));
    }
    names
}

/// What stands for certificates is filled in.
fn with_certificates(text: &str) -> String {
    let mut parts = text.split("$pem.");
    let mut filled = parts.next().unwrap().to_owned();
    for part in parts {
        let end = part.find(|c: char| !c.is_alphanumeric() && c != '-');
        let (name, rest) = part.split_at(end.unwrap_or(part.len()));
        filled += &format!("{}{rest}", Value::from(certificate(name)));
    }
    filled
}

fn link(name: &str) -> Value {
    json!({"_type": "link", "name": name, "materials": {}, "products": {}, "command": [],
        "byproducts": {}, "environment": {}})
}

fn layout() -> Value {
    json!({"_type": "layout", "expires": "2060-01-01T00:00:00Z", "readme": "", "keys": {},
        "steps": [], "inspect": []})
}

fn step(name: &str, keyid: &str, materials: &Value, products: &Value) -> Value {
    json!({"_type": "step", "name": name, "expected_command": [], "threshold": 1,
        "pubkeys": [keyid], "expected_materials": materials, "expected_products": products})
}

impl Chain {
    pub(crate) fn of(changes: &str) -> Self {
        let names = names();
        let fill = |text: &str| {
            let text = &with_certificates(text);
            let replace =
                |text: String, (name, value): &(String, String)| text.replace(name, value);
            names.iter().fold(text.to_owned(), replace)
        };
        let mut chain = Self {
            documents: BTreeMap::new(),
            files: Vec::new(),
            arguments: Vec::new(),
            keys: vec![public("owner")],
        };
        // A key that no step asks for would be worth a warning.
        let asked = |line: &str| line.contains("root.layout") && line.contains("$carol");
        let people: &[&str] = match changes.lines().any(asked) {
            true => &["alice", "bob", "carol"],
            false => &["alice", "bob"],
        };
        chain.sound(people, &fill);
        for line in changes
            .lines()
            .filter(|line| !line.starts_with('#') && !line.is_empty())
        {
            chain.change(&fill(line));
        }
        chain
    }

    fn sound(&mut self, people: &[&str], fill: &dyn Fn(&str) -> String) {
        let (alice, bob) = (fill("$alice"), fill("$bob"));
        let mut root = layout();
        for name in people {
            let object = serde_json::from_str(&fill(&format!("${name}.key"))).unwrap();
            root["keys"][fill(&format!("${name}"))] = object;
        }
        root["steps"] = json!([
            step(
                "write",
                &alice,
                &json!([["DISALLOW", "*"]]),
                &json!([["CREATE", "a"], ["DISALLOW", "*"]])
            ),
            step(
                "pack",
                &bob,
                &json!([
                    ["MATCH", "a", "WITH", "PRODUCTS", "FROM", "write"],
                    ["DISALLOW", "*"]
                ]),
                &json!([["CREATE", "b"], ["ALLOW", "a"], ["DISALLOW", "*"]])
            ),
        ]);
        self.add("root.layout", root, "owner");
        let (x, y) = (fill("$X"), fill("$Y"));
        let mut write = link("write");
        write["products"] = json!({"a": {"sha256": x}});
        self.add(&fill("$LINK_A"), write, "alice");
        let mut pack = link("pack");
        pack["materials"] = json!({"a": {"sha256": x}});
        pack["products"] = json!({"a": {"sha256": x}, "b": {"sha256": y}});
        self.add(&fill("$LINK_B"), pack, "bob");
    }

    fn add(&mut self, path: &str, payload: Value, signer: &str) {
        let document = Document {
            payload,
            signers: vec![signer.to_owned()],
            dsse: false,
            text: None,
        };
        self.documents.insert(path.to_owned(), document);
    }

    fn document(&mut self, path: &str) -> &mut Document {
        let document = self.documents.get_mut(path);
        document.unwrap_or_else(|| panic!("no document {path}"))
    }

    fn change(&mut self, line: &str) {
        let (verb, rest) = line.split_once(' ').unwrap();
        let (path, rest) = rest.split_once(' ').unwrap_or((rest, ""));
        let words = || {
            rest.split(' ')
                .filter(|word| !word.is_empty())
                .map(str::to_owned)
        };
        match verb {
            "set" => {
                let (pointer, value) = rest.split_once(' ').unwrap();
                let value =
                    serde_json::from_str(value).unwrap_or_else(|error| panic!("{line}: {error}"));
                set(&mut self.document(path).payload, pointer, Some(value));
            }
            "remove" => set(&mut self.document(path).payload, rest, None),
            "certified" => certified(&mut self.document(path).payload, rest),
            "link" => self.add(path, link(rest), "alice"),
            "layout" => self.add(path, layout(), "alice"),
            "copy" => {
                let copied = self.document(path).clone();
                self.documents.insert(rest.to_owned(), copied);
            }
            "drop" => drop(self.documents.remove(path).unwrap()),
            "sign" => self.document(path).signers = words().collect(),
            "dsse" => self.document(path).dsse = true,
            "payload" => {
                let document = self.document(path);
                (document.dsse, document.text) = (true, Some(rest.to_owned()));
            }
            "args" => self
                .arguments
                .extend([path.to_owned()].into_iter().chain(words())),
            "keys" => self.keys = [path.to_owned()].into_iter().chain(words()).collect(),
            _ => {
                let mut file = vec![verb.to_owned(), path.to_owned()];
                file.extend(rest.splitn(2, ' ').map(str::to_owned));
                self.files.push(file);
            }
        }
    }

    pub(crate) fn arguments(&self) -> Vec<String> {
        let mut arguments: Vec<String> = "verify -l root.layout -d links --format json"
            .split(' ')
            .map(str::to_owned)
            .collect();
        arguments.push("-k".to_owned());
        arguments.extend(self.keys.iter().map(|path| match path.strip_prefix('@') {
            Some(name) => public(name),
            None => path.clone(),
        }));
        arguments.extend(self.arguments.iter().cloned());
        arguments
    }

    pub(crate) fn write(&self, folder: &Folder) {
        std::fs::create_dir(folder.at("links")).unwrap();
        for (path, document) in &self.documents {
            folder.write(path, document.envelope());
        }
        for file in &self.files {
            let words: Vec<&str> = file.iter().map(String::as_str).collect();
            match words[..] {
                ["replace", path, old, new] => {
                    let text = String::from_utf8(folder.read(path)).unwrap();
                    assert!(text.contains(old), "{path} has no {old}: {text}");
                    folder.write(path, text.replacen(old, new, 1));
                }
                ["raw", path, ref text @ ..] => {
                    remove(folder, path);
                    folder.write(path, text.join(" "));
                }
                ["lines", path, ref rest @ ..] => {
                    let text = [&[path], rest].concat().join(" ");
                    let (path, lines) = text.split_once('|').unwrap();
                    folder.write(path, format!("{}\n", lines.replace('|', "\n")));
                }
                ["move", from, to] => {
                    folder.write(to, folder.read(from));
                    remove(folder, from);
                }
                ["cut", path, length] => {
                    let whole = folder.read(path);
                    folder.write(path, &whole[..length.parse().unwrap()]);
                }
                ["bundle", path, ref members @ ..] => bundle(folder, path, &members.join(" ")),
                ["folder", path, ..] => {
                    remove(folder, path);
                    std::fs::create_dir(folder.at(path)).unwrap();
                }
                ["symlink", path, target] => symlink(target, folder.at(path)).unwrap(),
                ["pipe", path, ..] => {
                    mkfifoat(CWD, folder.at(path), Mode::RUSR | Mode::WUSR).unwrap();
                }
                _ => panic!("{words:?}"),
            }
        }
    }
}

/// Puts files into a bundle, under their paths, and takes them away.
fn bundle(folder: &Folder, path: &str, members: &str) {
    let mut lines = Vec::new();
    let mut archive = tar::Builder::new(Vec::new());
    for member in members.split(' ') {
        let content = folder.read(member);
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        archive
            .append_data(&mut header, member, content.as_slice())
            .unwrap();
        lines.extend([content.as_slice(), b"\n"].concat());
        remove(folder, member);
    }
    let archive = archive.into_inner().unwrap();
    if path.ends_with(".gz") {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&archive).unwrap();
        folder.write(path, gzip.finish().unwrap());
    } else if path.ends_with(".tar") {
        folder.write(path, archive);
    } else {
        folder.write(path, lines);
    }
}

fn remove(folder: &Folder, path: &str) {
    if folder.has(path) {
        std::fs::remove_file(folder.at(path)).unwrap();
    }
}

fn set(payload: &mut Value, pointer: &str, value: Option<Value>) {
    let (parent, last) = pointer.rsplit_once('/').unwrap();
    let parent = payload.pointer_mut(parent);
    match (parent.unwrap_or_else(|| panic!("{pointer}")), value) {
        (Value::Object(object), Some(value)) => drop(object.insert(last.to_owned(), value)),
        (Value::Object(object), None) => drop(object.remove(last).unwrap()),
        (Value::Array(array), Some(value)) if last == "-" => array.push(value),
        (Value::Array(array), Some(value)) => array[last.parse::<usize>().unwrap()] = value,
        (Value::Array(array), None) => drop(array.remove(last.parse().unwrap())),
        (other, _) => panic!("{pointer}: {other}"),
    }
}

fn certified(layout: &mut Value, constraints: &str) {
    let object = |name: &str| json!({"keyval": {"certificate": certificate(name)}});
    layout["rootcas"] = json!({"root": object("root")});
    layout["intermediatecas"] = json!({"intermediate": object("intermediate")});
    let mut constraints: Vec<Value> = serde_json::from_str(constraints).unwrap();
    for constraint in &mut constraints {
        let named = std::mem::take(constraint);
        *constraint = json!({"common_name": "*", "dns_names": ["*"], "emails": ["*"],
            "organizations": ["*"], "roots": ["*"], "uris": ["*"]});
        for (name, value) in named.as_object().unwrap() {
            constraint[name] = value.clone();
        }
    }
    layout["steps"][0]["cert_constraints"] = Value::from(constraints);
    layout["steps"][0]["pubkeys"] = json!([]);
}

impl Document {
    fn envelope(&self) -> String {
        let text = self
            .text
            .clone()
            .unwrap_or_else(|| self.payload.to_string());
        let message = if self.dsse {
            pae(PAYLOAD_TYPE, text.as_bytes())
        } else {
            canonical(&parse(text.as_bytes()).unwrap()).unwrap()
        };
        let signers = self.signers.iter().filter(|name| *name != "nobody");
        let signatures: Vec<Value> = signers
            .map(|name| {
                let mut words = name.split('+');
                let (key, id) = signer(words.next().unwrap());
                let bytes = key.sign(&message).unwrap();
                let hex = || bytes.iter().map(|byte| format!("{byte:02x}")).collect();
                let sig = if self.dsse {
                    STANDARD.encode(&bytes)
                } else {
                    hex()
                };
                let mut entry = json!({"keyid": id.as_str(), "sig": sig});
                let certificates: String = words.map(certificate).collect();
                if !certificates.is_empty() {
                    entry["cert"] = Value::from(certificates);
                }
                entry
            })
            .collect();
        let signatures = Value::from(signatures);
        if self.dsse {
            let payload = STANDARD.encode(text.as_bytes());
            format!(
                r#"{{"payload":"{payload}","payloadType":"{PAYLOAD_TYPE}","signatures":{signatures}}}"#
            )
        } else {
            format!(r#"{{"signed":{text},"signatures":{signatures}}}"#)
        }
    }
}
