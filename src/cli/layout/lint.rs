//! `layout lint`: what in a layout cannot work, checks nothing, or is most likely not what was meant.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};
use jiff::Timestamp;

use crate::author::lint;
use crate::author::text::TextError;
use crate::encoding::{Span, Value, indented, locate_all};
use crate::keys::{AnyKey, KeyId};
use crate::model::{Envelope, Evidence, Form, Moment, quoted, similar};
use crate::render::{self, Dress, Linted, Unreadable};
use crate::report::{self, LintCode, LintFinding, LintPolicy, Severity};
use crate::store;

use super::super::failure::{DONE, FAILED, Failure, Kind, UNDECIDED, answer};
use super::given::{payload, public_keys};
use super::links::gather;
use super::text::{Way, attempt, is_text};

/// What `--deny` takes beside codes.
const WARNINGS: &str = "warnings";

/// Find what in a layout cannot work, checks nothing, or is most likely not what was meant
///
/// Each finding has a code, a reason, and what to do about it. Errors refuse; warnings and notes only
/// with --deny. Exit status: 0 nothing refuses, 1 something does, 2 wrong usage, 3 a layout or links
/// cannot be read, or a text form does not compile. Signatures are not checked: that is for `verify` and `sign --verify`.
#[derive(Args, Debug)]
pub(super) struct Lint {
    /// Layouts, signed or not, as JSON or in the text form
    #[arg(value_name = "LAYOUT", required = true)]
    layouts: Vec<PathBuf>,
    /// Links of a good run: a folder or a bundle. Rules that took nothing, artifacts that nothing
    /// checks, other commands and keys that never signed are found then, too (repeatable)
    #[arg(long, short = 'd', value_name = "PATH")]
    links: Vec<PathBuf>,
    /// Key of somebody who signs the layout, if it is not signed yet: one file each time, for what
    /// stands behind it is a layout (repeatable)
    #[arg(long = "key", short = 'k', value_name = "FILE")]
    keys: Vec<PathBuf>,
    /// Judge expiry by this clock instead of now (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = clock)]
    now: Option<Moment>,
    /// How to write the answer
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Refuse on findings with this code, whatever they weigh, or on all `warnings` (repeatable)
    #[arg(long, value_name = "CODE", value_parser = denied)]
    deny: Vec<Denied>,
    /// Only note findings with this code, even errors (repeatable)
    #[arg(long, value_name = "CODE", value_parser = code)]
    allow: Vec<LintCode>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Denied {
    Warnings,
    Code(LintCode),
}

fn clock(text: &str) -> Result<Moment, String> {
    Moment::parse_rfc3339(text)
        .ok_or_else(|| "expected a time like 2030-12-31T23:59:59Z".to_owned())
}

fn denied(text: &str) -> Result<Denied, String> {
    match text {
        WARNINGS => Ok(Denied::Warnings),
        _ => code(text).map(Denied::Code),
    }
}

fn code(text: &str) -> Result<LintCode, String> {
    LintCode::from_name(text).ok_or_else(|| {
        let names = LintCode::ALL.iter().map(|code| code.name());
        match similar(text, names, 1).as_slice() {
            [nearest] => format!(
                "no finding has this code, did you mean {}?",
                quoted(nearest)
            ),
            _ => "no finding has this code".to_owned(),
        }
    })
}

impl Lint {
    pub(super) fn run(&self, dress: Dress) -> Result<ExitCode, Failure> {
        let owners = self.owners()?;
        let policy = self.policy()?;
        let now = self
            .now
            .unwrap_or_else(|| Moment::from_timestamp(Timestamp::now()));
        let (mut all, mut unreadable) = (Vec::new(), Vec::new());
        for path in &self.layouts {
            match self.one(path, now, &owners, &policy) {
                Ok((linted, uncompiled)) => {
                    all.push(linted);
                    unreadable.extend(uncompiled);
                }
                Err(failure) => {
                    failure.tell();
                    unreadable.push(Unreadable {
                        path: path.to_string_lossy().into_owned(),
                        why: failure.message().to_owned(),
                    });
                }
            }
        }
        let mut bytes = Vec::new();
        match self.format {
            Format::Human => render::lint_human(&all, dress, &mut bytes),
            Format::Json => render::lint_json(&all, &unreadable, &mut bytes),
            Format::Sarif => render::lint_sarif(&all, &unreadable, &mut bytes),
        }
        .map_err(Failure::failed)?;
        answer(&bytes).map_err(|failure| failure.meaning(Kind::Undecided))?;
        let refused = all
            .iter()
            .any(|linted| linted.lint.count(Severity::Error) > 0);
        Ok(ExitCode::from(match (unreadable.is_empty(), refused) {
            (false, _) => UNDECIDED,
            (true, true) => FAILED,
            (true, false) => DONE,
        }))
    }

    fn policy(&self) -> Result<LintPolicy, Failure> {
        let codes = self.deny.iter().filter_map(|denied| match denied {
            Denied::Warnings => None,
            Denied::Code(code) => Some(*code),
        });
        let policy = LintPolicy {
            warnings: self.deny.contains(&Denied::Warnings),
            denied: codes.collect(),
            allowed: self.allow.iter().copied().collect(),
        };
        match policy.denied.intersection(&policy.allowed).next() {
            Some(code) => Err(Failure::usage(format!(
                "`{code}` cannot be denied and allowed at once"
            ))),
            None => Ok(policy),
        }
    }

    fn owners(&self) -> Result<Vec<AnyKey>, Failure> {
        let mut owners = Vec::new();
        for path in &self.keys {
            let keys = public_keys(path).map_err(|why| {
                let shown = path.to_string_lossy();
                Failure::failed(format!("{}: {why}", quoted(&shown))).meaning(Kind::Undecided)
            })?;
            owners.extend(keys);
        }
        Ok(owners)
    }

    /// What there is to say about one layout; and about a text form that does not compile, that nothing
    /// else of it was looked at.
    fn one(
        &self,
        path: &Path,
        now: Moment,
        owners: &[AnyKey],
        policy: &LintPolicy,
    ) -> Result<(Linted, Option<Unreadable>), Failure> {
        let document = path.to_string_lossy().into_owned();
        let bytes = store::read_file(path).map_err(Failure::failed)?;
        if is_text(path, &bytes) {
            let text = String::from_utf8(bytes).map_err(|_not_utf8| {
                Failure::failed(format!("{} is not UTF-8", quoted(&document)))
            })?;
            return self.text_form(path, text, now, owners, policy);
        }
        let (value, envelope) = payload(&bytes)
            .map_err(|why| Failure::failed(format!("{}: {why}", quoted(&document))))?;
        let signatures = envelope.iter().flat_map(Envelope::signatures);
        let signed_by: Vec<KeyId> = signatures.filter_map(|one| one.keyid.clone()).collect();
        let evidence = self.evidence(&value, &document)?;
        let mut lint = lint::lint(&lint::Subject {
            document: &document,
            value: &value,
            now,
            signed_by: &signed_by,
            owners,
            evidence: evidence.as_ref(),
        });
        lint.enforce(policy);
        let file = || String::from_utf8_lossy(&bytes).into_owned();
        let (text, is_file, prefix) = match envelope.map(|envelope| envelope.form()) {
            Some(Form::Dsse) => (indented(&value), false, ""),
            Some(Form::Metablock) => (file(), true, "/signed"),
            None => (file(), true, ""),
        };
        let linted = Linted::new(lint, text, is_file, |text, pointers| {
            spans(text, prefix, pointers)
        });
        Ok((linted, None))
    }

    /// A text form: of one that cannot be compiled, what is wrong with it.
    fn text_form(
        &self,
        path: &Path,
        text: String,
        now: Moment,
        owners: &[AnyKey],
        policy: &LintPolicy,
    ) -> Result<(Linted, Option<Unreadable>), Failure> {
        let document = path.to_string_lossy().into_owned();
        let way = Way {
            now,
            ..Way::plain()
        };
        let compiled = match attempt(path, &text, &way) {
            Ok(compiled) => compiled,
            Err(errors) => {
                let unreadable = Unreadable {
                    path: document.clone(),
                    why: "it does not compile, so nothing else of it was looked at".to_owned(),
                };
                let linted = uncompiled(document, text, &errors, policy);
                return Ok((linted, Some(unreadable)));
            }
        };
        let evidence = self.evidence(&compiled.value, &document)?;
        let mut lint = lint::lint(&lint::Subject {
            document: &document,
            value: &compiled.value,
            now,
            signed_by: &[],
            owners,
            evidence: evidence.as_ref(),
        });
        lint.enforce(policy);
        let find = |pointer: &String| Some((pointer.clone(), compiled.places.find(pointer)?));
        let linted = Linted::new(lint, text, true, |_, pointers| {
            let found: BTreeMap<String, Span> = pointers.iter().filter_map(find).collect();
            // What has no place of its own is found as what is around it, which says nothing more.
            let around = |pointer: &str| {
                pointer
                    .rsplit_once('/')
                    .and_then(|(above, _)| found.get(above))
            };
            let own = |one: &(&String, &Span)| around(one.0) != Some(one.1);
            let own = found.iter().filter(own);
            own.map(|(pointer, span)| (pointer.clone(), *span))
                .collect()
        });
        Ok((linted, None))
    }

    fn evidence(&self, layout: &Value, document: &str) -> Result<Option<Evidence>, Failure> {
        if self.links.is_empty() {
            return Ok(None);
        }
        // Who signed it makes no difference to which links it asks for.
        let envelope = Envelope::unsigned(layout.clone(), Form::Metablock)
            .map_err(|why| Failure::failed(format!("{}: {why}", quoted(document))))?;
        gather(&envelope, &self.links).map(Some)
    }
}

/// What keeps a text form from being a layout.
fn uncompiled(document: String, text: String, errors: &[TextError], policy: &LintPolicy) -> Linted {
    let finding = |error: &TextError| LintFinding {
        code: LintCode::LayoutInvalid,
        severity: Severity::Error,
        message: error.message.clone(),
        help: error.help.clone().unwrap_or_default(),
        pointer: String::new(),
        item: None,
    };
    let mut lint = report::Lint {
        document,
        expires: None,
        findings: errors.iter().map(finding).collect(),
    };
    lint.enforce(policy);
    let own = errors.iter().map(|error| error.span).collect();
    Linted::of_text(lint, text, own)
}

/// Where values stand in a text whose pointers all begin with a prefix.
fn spans(text: &str, prefix: &str, pointers: &BTreeSet<String>) -> BTreeMap<String, Span> {
    let whole: Vec<String> = pointers
        .iter()
        .map(|one| format!("{prefix}{one}"))
        .collect();
    let found = locate_all(text.as_bytes(), whole.iter().map(String::as_str));
    found
        .into_iter()
        .filter_map(|(pointer, span)| Some((pointer.strip_prefix(prefix)?.to_owned(), span)))
        .collect()
}
