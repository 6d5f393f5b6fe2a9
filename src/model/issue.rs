//! New links on their way to a file: the bytes to sign, then the file as the reference writes it,
//! both straight from the link.
//!
//! A link of a million artifacts has hundreds of megabytes as JSON. What signing needs must be in
//! memory in one piece; nothing else of that size is. A Metablock is signed over its canonical form,
//! which is let go before the file is written piece by piece; DSSE is signed over the very text that
//! is written.
//!
//! Signing takes as long as making the text of the file, and needs nothing of it. So the two are done
//! at the same time, by whoever writes the file: the signature stands in a [`Metablock`](Form::Metablock)
//! before the link, where room is left for it if its length is known beforehand, and in DSSE behind it.

use std::io::{self, Write};
use std::sync::Arc;
use std::thread::{Builder, JoinHandle};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::encoding::{
    CanonicalError, Object, Value, append_canonical, canonical_string, compact, escaped_string,
    indented_below, pae_header,
};
use crate::keys::KeyId;

use super::hex::hex_digits;
use super::{Artifacts, DigestSet, Form, Link, PAYLOAD_TYPE, hex};

/// How much text is gathered before it is written, in bytes.
const PIECE: usize = 1 << 16;

/// How many bytes base64 takes at once: a multiple of three, so that no piece is padded.
const BASE64_PIECE: usize = 3 << 14;

/// The text of fewer artifacts than this is made when it is needed.
const WORTH_A_THREAD: usize = 1000;

/// How many bytes an artifact has in a link, roughly.
const ARTIFACT_BYTES: usize = 144;

/// The text of a link's materials as they are signed, made while its command runs.
///
/// It lies where the whole message will be, so that it is not copied.
#[derive(Debug)]
pub struct Prepared {
    form: Form,
    materials: Artifacts,
    text: Making,
}

#[derive(Debug)]
enum Making {
    Begun(JoinHandle<Vec<u8>>),
    /// Not worth a thread, or none was to be had.
    Later,
}

impl Prepared {
    /// Begins to make the text.
    pub fn begin(form: Form, materials: &Artifacts) -> Self {
        Self::begin_by(materials.len() >= WORTH_A_THREAD, form, materials)
    }

    fn begin_by(is_thread_wanted: bool, form: Form, materials: &Artifacts) -> Self {
        let shared = materials.clone();
        let make = move || {
            // There may be as many products.
            let mut text = Vec::with_capacity(1024 + 2 * shared.len() * ARTIFACT_BYTES);
            append_side(form, &shared, &mut text);
            text
        };
        let begun = is_thread_wanted.then(|| Builder::new().spawn(make));
        Self {
            form,
            materials: materials.clone(),
            text: match begun {
                Some(Ok(thread)) => Making::Begun(thread),
                Some(Err(_)) | None => Making::Later,
            },
        }
    }

    /// The text, if it is that of these materials in that form.
    fn finish(self, form: Form, materials: &Artifacts) -> Option<Vec<u8>> {
        let Making::Begun(thread) = self.text else {
            return None;
        };
        let text = thread.join().ok()?;
        (self.form == form && self.materials.is_shared_with(materials)).then_some(text)
    }
}

/// The artifacts of one side as they are signed.
fn append_side(form: Form, artifacts: &Artifacts, out: &mut Vec<u8>) {
    match form {
        Form::Metablock => canonical_artifacts(artifacts, out),
        Form::Dsse => compact_artifacts(artifacts, out),
    }
}

/// A link that is about to be signed and written: a head, a body and a tail, one of which holds the
/// signature.
#[derive(Debug)]
pub struct Issue<'l> {
    link: &'l Link,
    /// The message and where the payload starts in it, for DSSE.
    payload: Option<(Arc<Vec<u8>>, usize)>,
    certificate: Option<&'l str>,
}

impl<'l> Issue<'l> {
    /// Makes the bytes that are to be signed. Those of a Metablock are not needed for its file.
    ///
    /// # Errors
    /// The link has a number in it that canonical JSON, which a Metablock needs, cannot write.
    pub fn new(link: &'l Link, form: Form) -> Result<(Self, Arc<Vec<u8>>), CanonicalError> {
        Self::with_materials(link, form, None)
    }

    /// The same, with the text of the materials that was made before.
    ///
    /// # Errors
    /// As of [`new`](Self::new).
    pub fn with_materials(
        link: &'l Link,
        form: Form,
        prepared: Option<Prepared>,
    ) -> Result<(Self, Arc<Vec<u8>>), CanonicalError> {
        let text = prepared
            .and_then(|prepared| prepared.finish(form, &link.materials))
            .unwrap_or_else(|| {
                let artifacts = link.materials.len() + link.products.len();
                let mut text = Vec::with_capacity(1024 + artifacts * ARTIFACT_BYTES);
                append_side(form, &link.materials, &mut text);
                text
            });
        let (message, payload) = match form {
            Form::Metablock => (Arc::new(canonical_link(link, text)?), None),
            Form::Dsse => {
                let mut text = compact_link(link, text);
                let header = pae_header(PAYLOAD_TYPE, text.len()).into_bytes();
                let payload = header.len();
                // Few bytes before many: the text moves up, in its own memory.
                text.splice(0..0, header);
                let message = Arc::new(text);
                (Arc::clone(&message), Some((message, payload)))
            }
        };
        let issue = Self {
            link,
            payload,
            certificate: None,
        };
        Ok((issue, message))
    }

    /// Has the signature carry the PEM certificates of its maker.
    #[must_use]
    pub fn certified(mut self, certificate: Option<&'l str>) -> Self {
        self.certificate = certificate;
        self
    }

    /// Whether the signature stands before the body, in the head; otherwise it is in the tail.
    pub fn is_signed_ahead(&self) -> bool {
        self.payload.is_none()
    }

    /// What the file begins with, with the signature if there is one. As long for any signature of the
    /// same length.
    pub fn head(&self, signed: Option<(&KeyId, &[u8])>) -> Vec<u8> {
        if self.payload.is_some() {
            return b"{\"payload\": \"".to_vec();
        }
        let signed = signed.map(|(keyid, bytes)| (keyid, hex(bytes)));
        let signatures = indented_below(&signatures(signed, self.certificate), 1);
        format!("{{\n \"signatures\": {signatures},\n \"signed\": ").into_bytes()
    }

    /// Writes the larger part of the file.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write_body(&self, out: &mut dyn Write) -> io::Result<()> {
        match &self.payload {
            None => write_signed_part(self.link, out),
            Some((message, start)) => write_base64(message.split_at(*start).1, out),
        }
    }

    /// What the file ends with, with the signature if there is one.
    pub fn tail(&self, signed: Option<(&KeyId, &[u8])>) -> Vec<u8> {
        if self.payload.is_none() {
            return b"\n}".to_vec();
        }
        let signed = signed.map(|(keyid, bytes)| (keyid, STANDARD.encode(bytes)));
        let signatures = compact(&signatures(signed, self.certificate));
        format!("\", \"payloadType\": \"{PAYLOAD_TYPE}\", \"signatures\": {signatures}}}")
            .into_bytes()
    }

    /// Writes the whole file.
    ///
    /// # Errors
    /// What the writer says.
    pub fn write(&self, signed: Option<(&KeyId, &[u8])>, out: &mut dyn Write) -> io::Result<()> {
        out.write_all(&self.head(signed))?;
        self.write_body(out)?;
        out.write_all(&self.tail(signed))
    }
}

/// The list of signatures, none or one.
fn signatures(signed: Option<(&KeyId, String)>, certificate: Option<&str>) -> Value {
    let entry = signed.map(|(keyid, sig)| {
        let mut entry = Object::new();
        entry.set("keyid", keyid.as_str());
        entry.set("sig", sig);
        if let Some(certificate) = certificate {
            entry.set("cert", certificate);
        }
        Value::Object(entry)
    });
    Value::Array(entry.into_iter().collect())
}

/// The canonical form of a link around that of its materials.
fn canonical_link(link: &Link, mut materials: Vec<u8>) -> Result<Vec<u8>, CanonicalError> {
    let mut out = Vec::new();
    out.extend_from_slice(br#"{"_type":"link","byproducts":"#);
    append_canonical(&link.byproducts, &mut out)?;
    out.extend_from_slice(br#","command":["#);
    for (at, word) in link.command.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        canonical_string(word, &mut out);
    }
    out.extend_from_slice(br#"],"environment":"#);
    append_canonical(&link.environment, &mut out)?;
    out.extend_from_slice(br#","materials":"#);
    materials.splice(0..0, out);
    let mut out = materials;
    out.extend_from_slice(br#","name":"#);
    canonical_string(&link.name, &mut out);
    out.extend_from_slice(br#","products":"#);
    canonical_artifacts(&link.products, &mut out);
    out.push(b'}');
    Ok(out)
}

fn canonical_artifacts(artifacts: &Artifacts, out: &mut Vec<u8>) {
    out.push(b'{');
    for (at, (name, digests)) in artifacts.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        canonical_string(name, out);
        out.push(b':');
        canonical_digests(digests, out);
    }
    out.push(b'}');
}

fn canonical_digests(digests: &DigestSet, out: &mut Vec<u8>) {
    if let Some(digest) = digests.only_sha256() {
        out.extend_from_slice(br#"{"sha256":""#);
        out.extend_from_slice(hex32(digest).as_flattened());
        out.extend_from_slice(br#""}"#);
        return;
    }
    out.push(b'{');
    for (at, (algorithm, text)) in in_order(digests).iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        canonical_string(algorithm, out);
        out.push(b':');
        canonical_string(text, out);
    }
    out.push(b'}');
}

fn hex32(digest: &[u8; 32]) -> [[u8; 2]; 32] {
    digest.map(hex_digits)
}

#[expect(
    clippy::expect_used,
    reason = "hexadecimal digits are ASCII; without them a digest would be empty"
)]
fn ascii(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).expect("hexadecimal digits are ASCII")
}

/// The digests as they stand in JSON: ordered by name.
fn in_order(digests: &DigestSet) -> Vec<(String, String)> {
    let mut list: Vec<_> = digests
        .iter()
        .map(|(algorithm, text)| (algorithm.name().to_owned(), text))
        .collect();
    list.sort();
    list
}

/// Writes text in the two ways of the reference: indented below a level, or on one line.
struct Writer<'o> {
    out: &'o mut dyn Write,
    text: String,
    /// The level of the link's own fields; `None` on one line.
    level: Option<usize>,
}

impl Writer<'_> {
    /// The comma before all but the first, and the line or the space before each.
    fn next(&mut self, first: bool, below: usize) {
        match self.level {
            Some(level) => {
                self.text.push_str(if first { "\n" } else { ",\n" });
                (0..level + below).for_each(|_| self.text.push(' '));
            }
            None if first => {}
            None => self.text.push_str(", "),
        }
    }

    fn close(&mut self, empty: bool, below: usize, bracket: char) {
        if !empty && let Some(level) = self.level {
            self.text.push('\n');
            (0..level + below).for_each(|_| self.text.push(' '));
        }
        self.text.push(bracket);
    }

    fn key(&mut self, name: &str) {
        escaped_string(name, &mut self.text);
        self.text.push_str(": ");
    }

    fn tree(&mut self, value: &Value) {
        match self.level {
            Some(level) => self.text.push_str(&indented_below(value, level)),
            None => self.text.push_str(&compact(value)),
        }
    }

    /// The object of a link, with its fields in order, up to the materials themselves.
    fn link_before_materials(&mut self, link: &Link) {
        let command = Value::from(link.command.clone());
        let fields: [(&str, &Value); 4] = [
            ("_type", &Value::from("link")),
            ("byproducts", &Value::Object(link.byproducts.clone())),
            ("command", &command),
            ("environment", &Value::Object(link.environment.clone())),
        ];
        self.text.push('{');
        for (at, (name, value)) in fields.iter().enumerate() {
            self.next(at == 0, 0);
            self.key(name);
            self.tree(value);
        }
        self.next(false, 0);
        self.key("materials");
    }

    /// What comes behind the materials.
    fn link_behind_materials(&mut self, link: &Link) -> io::Result<()> {
        self.next(false, 0);
        self.key("name");
        escaped_string(&link.name, &mut self.text);
        self.next(false, 0);
        self.key("products");
        self.side(&link.products)
    }

    fn side(&mut self, artifacts: &Artifacts) -> io::Result<()> {
        self.text.push('{');
        for (at, (name, digests)) in artifacts.iter().enumerate() {
            self.next(at == 0, 1);
            self.key(name);
            self.digests(digests);
            self.spill(PIECE)?;
        }
        self.close(artifacts.is_empty(), 0, '}');
        Ok(())
    }

    fn digests(&mut self, digests: &DigestSet) {
        self.text.push('{');
        if let Some(digest) = digests.only_sha256() {
            self.next(true, 2);
            self.text.push_str("\"sha256\": \"");
            let digits = hex32(digest);
            self.text.push_str(ascii(digits.as_flattened()));
            self.text.push('"');
        } else {
            for (at, (algorithm, text)) in in_order(digests).iter().enumerate() {
                self.next(at == 0, 2);
                self.key(algorithm);
                escaped_string(text, &mut self.text);
            }
        }
        self.close(digests.is_empty(), 1, '}');
    }

    /// Writes what was gathered, if that is more than so much.
    fn spill(&mut self, most: usize) -> io::Result<()> {
        if self.text.len() > most {
            self.out.write_all(self.text.as_bytes())?;
            self.text.clear();
        }
        Ok(())
    }
}

/// The link as it stands in a Metablock.
fn write_signed_part(link: &Link, out: &mut dyn Write) -> io::Result<()> {
    let mut writer = Writer {
        out,
        text: String::with_capacity(2 * PIECE),
        level: Some(2),
    };
    writer.link_before_materials(link);
    writer.side(&link.materials)?;
    writer.link_behind_materials(link)?;
    writer.text.push_str("\n }");
    writer.spill(0)
}

/// The link on one line, the payload of DSSE, around its materials.
fn compact_link(link: &Link, mut materials: Vec<u8>) -> Vec<u8> {
    let before = on_one_line(|writer| {
        writer.link_before_materials(link);
        Ok(())
    });
    materials.splice(0..0, before);
    let mut writer = Writer {
        out: &mut materials,
        text: String::with_capacity(2 * PIECE),
        level: None,
    };
    let written = writer.link_behind_materials(link).and_then(|()| {
        writer.text.push('}');
        writer.spill(0)
    });
    in_memory(written);
    materials
}

fn compact_artifacts(artifacts: &Artifacts, out: &mut Vec<u8>) {
    let mut writer = Writer {
        out,
        text: String::with_capacity(2 * PIECE),
        level: None,
    };
    in_memory(writer.side(artifacts).and_then(|()| writer.spill(0)));
}

fn on_one_line(write: impl FnOnce(&mut Writer<'_>) -> io::Result<()>) -> Vec<u8> {
    let mut out = Vec::new();
    let mut writer = Writer {
        out: &mut out,
        text: String::new(),
        level: None,
    };
    in_memory(write(&mut writer).and_then(|()| writer.spill(0)));
    out
}

/// Of what was written into memory.
#[expect(
    clippy::expect_used,
    reason = "a `Vec` takes all that is written into it; if not, less would be signed"
)]
fn in_memory(written: io::Result<()>) {
    written.expect("memory takes all that is written into it");
}

fn write_base64(payload: &[u8], out: &mut dyn Write) -> io::Result<()> {
    for piece in payload.chunks(BASE64_PIECE) {
        out.write_all(STANDARD.encode(piece).as_bytes())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
