//! `layout renew`: another expiry, and nothing else changed.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;

use crate::author::text::{self, expiry};
use crate::encoding::Value;
use crate::model::{Envelope, Form, Moment, quoted};
use crate::store::{self, Writing};

use super::super::failure::{DONE, Failure, complain};
use super::super::options::Style;
use super::super::progress::Listener;
use super::given::Given;
use super::output::{self, Replace, is_same, is_stream};
use super::sign::{Signing, resolved};
use super::text::look_at_files;

/// Give a layout another expiry
///
/// Of a text form only the expiry is changed, and comments stay; sign it again with `layout sign`. A layout
/// in JSON loses its signatures, which no longer hold, and is signed anew with --signing-key.
#[derive(Args, Debug)]
pub(super) struct Renew {
    /// The layout: its text form, or JSON
    #[arg(value_name = "LAYOUT")]
    layout: PathBuf,
    /// When it will expire: a span from now (`90d`, `12w`, `6m`, `1y`), a date, or a moment like
    /// `2030-12-31T23:59:59Z`
    #[arg(long, value_name = "WHEN")]
    expires: String,
    #[command(flatten)]
    signing: Signing,
    /// Make the ids of the signing keys as in-toto 3 does (current), or as in-toto 2 and in-toto-golang
    /// (legacy)
    #[arg(long, value_enum)]
    keyid_style: Option<Style>,
    /// Write to this file instead of changing the layout in place
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long, requires = "output")]
    force: bool,
}

impl Renew {
    pub(super) fn run(&self, listener: &Listener) -> Result<ExitCode, Failure> {
        let now = Moment::from_timestamp(jiff::Timestamp::now());
        let expires = expiry(&self.expires, now).map_err(Failure::usage)?;
        if expires <= now {
            return Err(Failure::usage(format!("{expires} has passed")));
        }
        let given = Given::read(&self.layout)?;
        let elsewhere = self.output.as_deref();
        let elsewhere = elsewhere.filter(|output| !is_same(output, &self.layout));
        let signatures = given.envelope.as_ref().map(|one| one.signatures().len());
        let unsigned = signatures.filter(|_| !self.signing.is_given());
        let text = if given.is_text() {
            let text = self.text_form(&given, now)?;
            if let Some(output) = elsewhere.filter(|output| !is_stream(output)) {
                look_at_files(&text, &given.value, output)?;
            }
            text
        } else {
            self.json(given, expires)?
        };
        let output = elsewhere.map_or_else(|| resolved(&self.layout), Path::to_owned);
        match elsewhere {
            Some(_) => output::write(Some(&output), &text, &self.layout, Replace::by(self.force))?,
            None => store::write_file(&output, text.as_bytes(), Writing::Public)
                .map_err(Failure::failed)?,
        }
        listener.tell(&format!(
            "wrote {}, which expires at {expires}",
            quoted(&output.to_string_lossy())
        ));
        if let Some(signatures) = unsigned {
            tell_unsigned(&output, signatures);
        }
        Ok(ExitCode::from(DONE))
    }

    fn text_form(&self, given: &Given, now: Moment) -> Result<String, Failure> {
        if self.signing.is_given() {
            return Err(Failure::usage("a text form has no signatures")
                .hint("renew it without --signing-key, then sign it with `layout sign`"));
        }
        let text = std::str::from_utf8(&given.bytes).map_err(Failure::failed)?;
        text::renew(text, &self.expires, now).map_err(Failure::failed)
    }

    fn json(&self, given: Given, expires: Moment) -> Result<String, Failure> {
        let Value::Object(mut layout) = given.value else {
            return Err(Failure::failed("the layout is no object"));
        };
        layout.set("expires", expires.to_string());
        let form = given
            .envelope
            .as_ref()
            .map_or(Form::Metablock, Envelope::form);
        let mut envelope =
            Envelope::unsigned(Value::Object(layout), form).map_err(Failure::failed)?;
        self.signing.sign(&mut envelope, self.keyid_style)?;
        Ok(envelope.to_text())
    }
}

/// An envelope that came with signatures has none any more: nothing passes with it as it is.
fn tell_unsigned(output: &Path, signatures: usize) {
    let gone = match signatures {
        0 => return,
        1 => "its signature no longer holds and was",
        _ => "its signatures no longer hold and were",
    };
    complain(&format!(
        "note: {} is not signed now: {gone} taken out; sign it with `layout sign`",
        quoted(&output.to_string_lossy())
    ));
}
