//! `show`: any metadata file, readable.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::encoding::{Value, indented};
use crate::keys::{AnyKey, Certificate, OpenPgpKey};
use crate::model::{
    Artifacts, Envelope, Form, Inspection, Layout, Link, PayloadKind, Rules, Side, Step, asked_of,
    command_line, escaped, quoted, quoted_list,
};
use crate::store;

use super::failure::{DONE, Failure, answer};

/// How many certificates of a signature are named before they are only counted.
const SUBJECTS: usize = 4;

/// Show layouts and links: who signed what, which artifacts, which rules
///
/// Signatures are not checked: that is for `verify` and `sign --verify`.
#[derive(Args, Debug)]
pub(crate) struct Show {
    /// Layouts and links, Metablock or DSSE
    #[arg(value_name = "FILE", required = true)]
    files: Vec<PathBuf>,
    /// Print the payload as JSON instead
    #[arg(long)]
    payload: bool,
}

impl Show {
    pub(crate) fn run(&self) -> Result<ExitCode, Failure> {
        for file in &self.files {
            let envelope = store::read_envelope(file).map_err(Failure::failed)?;
            let text = if self.payload {
                format!("{}\n", indented(envelope.payload()))
            } else {
                described(file, &envelope)?
            };
            answer(text.as_bytes())?;
        }
        Ok(ExitCode::from(DONE))
    }
}

fn described(file: &Path, envelope: &Envelope) -> Result<String, Failure> {
    let mut text = String::new();
    let form = match envelope.form() {
        Form::Metablock => "Metablock",
        Form::Dsse => "DSSE",
    };
    let name = file.to_string_lossy();
    let invalid = |complaints: Vec<crate::model::Complaint>| {
        let complaints: Vec<String> = complaints.iter().map(ToString::to_string).collect();
        Failure::failed(format!(
            "{} is not valid: {}",
            quoted(&name),
            complaints.join("; ")
        ))
    };
    let body = match envelope.kind() {
        PayloadKind::Link => link(&envelope.link().map_err(invalid)?),
        PayloadKind::Layout => layout(&Layout::from_value(envelope.payload()).map_err(invalid)?),
        PayloadKind::Other(kind) => format!(
            "  of type {}, which linkwright does not know\n",
            quoted(kind.as_deref().unwrap_or("(none)"))
        ),
    };
    let kind = match envelope.kind() {
        PayloadKind::Link => "link",
        PayloadKind::Layout => "layout",
        PayloadKind::Other(_) => "document",
    };
    add(
        &mut text,
        format_args!(
            "{}: {kind}, {form}, signatures not checked\n",
            quoted(&name)
        ),
    );
    for signature in envelope.signatures() {
        let keyid = signature
            .keyid
            .as_ref()
            .map_or("(no key id)", |keyid| keyid.as_str());
        let form = if signature.openpgp.is_some() {
            " (OpenPGP)"
        } else {
            ""
        };
        let by = signature.certificate.as_deref().map(certified);
        let by = by.unwrap_or_default();
        add(
            &mut text,
            format_args!("  signed under {}{form}{by}\n", escaped(keyid)),
        );
    }
    if envelope.signatures().is_empty() {
        text.push_str("  not signed\n");
    }
    text.push_str(&body);
    Ok(text)
}

/// Whose certificates came with a signature.
fn certified(text: &str) -> String {
    match Certificate::all_from_pem(text.as_bytes()) {
        Ok(all) => {
            let subjects: Vec<&str> = all.iter().map(Certificate::subject).collect();
            format!(" by the certificate {}", quoted_list(&subjects, SUBJECTS))
        }
        Err(error) => format!(" by a certificate that cannot be used: {error}"),
    }
}

fn add(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    text.push_str(&arguments.to_string());
}

fn link(link: &Link) -> String {
    let mut text = format!("  step {}\n", quoted(&link.name));
    match link.command.as_slice() {
        [] => text.push_str("  no command\n"),
        command => add(
            &mut text,
            format_args!("  command {}\n", escaped(&command_line(command))),
        ),
    }
    for (name, value) in link.byproducts.iter() {
        match value {
            Value::String(stream) if stream.is_empty() => {}
            Value::String(stream) => {
                add(
                    &mut text,
                    format_args!("  {} {}\n", escaped(name), quoted(stream)),
                );
            }
            other @ (Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::Array(_)
            | Value::Object(_)) => add(
                &mut text,
                format_args!(
                    "  {} {}\n",
                    escaped(name),
                    escaped(&crate::encoding::compact(other))
                ),
            ),
        }
    }
    artifacts(&mut text, "materials", &link.materials);
    artifacts(&mut text, "products", &link.products);
    text
}

fn artifacts(text: &mut String, what: &str, artifacts: &Artifacts) {
    add(text, format_args!("  {what}: {}\n", artifacts.len()));
    for (path, digests) in artifacts.iter() {
        let digests: Vec<String> = digests
            .iter()
            .map(|(algorithm, digest)| format!("{}:{digest}", escaped(algorithm.name())))
            .collect();
        add(
            text,
            format_args!("    {} {}\n", escaped(path), digests.join(" ")),
        );
    }
}

/// What a layout asks for.
pub(super) fn layout(layout: &Layout) -> String {
    let mut text = match layout.expires {
        Some(expires) => format!("  expires {expires}\n"),
        None => "  no expiry\n".to_owned(),
    };
    if !layout.readme.is_empty() {
        add(
            &mut text,
            format_args!("  readme {}\n", quoted(&layout.readme)),
        );
    }
    for (keyid, functionary) in &layout.functionaries {
        let kind = match &functionary.key {
            Ok(AnyKey::Plain(key)) => key.scheme().to_string(),
            Ok(AnyKey::OpenPgp(key)) => openpgp_kind(key),
            Err(error) => format!("cannot be used: {error}"),
        };
        add(
            &mut text,
            format_args!("  key {} {}\n", escaped(keyid.as_str()), escaped(&kind)),
        );
    }
    for (keyid, root) in &layout.authorities.roots {
        let (keyid, subject) = (escaped(keyid.as_str()), quoted(root.subject()));
        add(&mut text, format_args!("  root {keyid} {subject}\n"));
    }
    for step in &layout.steps {
        describe_step(&mut text, step);
    }
    for inspection in &layout.inspections {
        describe_inspection(&mut text, inspection);
    }
    text
}

fn openpgp_kind(key: &OpenPgpKey) -> String {
    let algorithm = key.describe().first().map_or("", |part| part.1);
    match key.ids().len() {
        0 | 1 => format!("OpenPGP {algorithm}"),
        2 => format!("OpenPGP {algorithm}, with a subkey"),
        ids => format!("OpenPGP {algorithm}, with {} subkeys", ids - 1),
    }
}

fn describe_step(text: &mut String, step: &Step) {
    add(
        text,
        format_args!("  step {}\n", quoted(step.name.as_str())),
    );
    add(text, format_args!("    threshold {} of\n", step.threshold));
    for keyid in &step.pubkeys {
        add(text, format_args!("      {}\n", escaped(keyid.as_str())));
    }
    for constraint in &step.constraints {
        add(text, format_args!("      {}\n", asked_of(constraint)));
    }
    if !step.expected_command.is_empty() {
        let command = command_line(&step.expected_command);
        add(
            text,
            format_args!("    expected command {}\n", escaped(&command)),
        );
    }
    describe_rules(text, &step.rules);
}

fn describe_inspection(text: &mut String, inspection: &Inspection) {
    add(
        text,
        format_args!("  inspection {}\n", quoted(inspection.name.as_str())),
    );
    let command = command_line(&inspection.run);
    add(text, format_args!("    runs {}\n", escaped(&command)));
    describe_rules(text, &inspection.rules);
}

fn describe_rules(text: &mut String, rules: &Rules) {
    for (what, side) in [("materials", Side::Materials), ("products", Side::Products)] {
        for rule in rules.of(side) {
            add(
                text,
                format_args!("    {what}: {}\n", escaped(&rule.to_string())),
            );
        }
    }
}
