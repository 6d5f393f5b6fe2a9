//! `verify`: decides, and explains.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::inspect::FolderInspector;
use crate::keys::{KeyId, KeyIdStyle, PublicKey};
use crate::model::{Moment, quoted};
use crate::render::{self, Dress};
use crate::report::{Finding, LayoutSummary, Problem, Report, Verdict};
use crate::store::{self, StoreError, Writing};
use crate::verify::{
    Outcome, Owner, Parameters, Request, is_parameter_name, layout_problem, verify,
};

use super::failure::{DONE, FAILED, Failure, Kind, UNDECIDED, answer};
use super::progress::Listener;

/// How long the command of an inspection may run unless --inspection-timeout says otherwise.
const INSPECTION_TIMEOUT: u64 = 300;

/// Decide from a signed layout and links whether the product may be released
///
/// Exit status: 0 passed, 1 refused, 2 wrong usage, 3 could not decide (the layout or a key cannot
/// be read). Inspections of the layout run their commands in the current folder, after everything
/// else has passed.
#[derive(Args, Debug)]
pub(crate) struct Verify {
    /// The signed layout
    #[arg(long, short, value_name = "FILE")]
    layout: PathBuf,
    /// Public keys that must all have signed the layout: PEM, or key objects of layouts
    #[arg(long = "key", short = 'k', alias = "verification-keys", alias = "layout-keys", value_name = "FILE", num_args = 1.., required_unless_present = "gpg")]
    keys: Vec<String>,
    /// The folder with the links
    #[arg(long, short = 'd', value_name = "FOLDER", default_value = ".")]
    link_dir: PathBuf,
    /// Fill in a parameter of the layout
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Judge expiry by this clock instead of now (RFC 3339), for audits of the past
    #[arg(long, value_name = "TIME", value_parser = clock)]
    now: Option<Moment>,
    /// How many seconds the command of an inspection may run
    #[arg(long, value_name = "SECONDS", default_value_t = INSPECTION_TIMEOUT, value_parser = clap::value_parser!(u64).range(1..))]
    inspection_timeout: u64,
    /// Give leave to run the commands of sublayouts' inspections. Whoever may sign a link for a step
    /// of the layout can then run any command here; everything else is checked as before
    #[arg(long)]
    allow_sublayout_inspections: bool,
    /// How to write the answer to standard output
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Write the answer to a file too, in the format of --format or in the one named
    #[arg(long, value_name = "[FORMAT=]FILE")]
    output: Vec<String>,
    /// Not supported
    #[arg(long, short, hide = true, num_args = 1.., value_name = "ID")]
    gpg: Vec<String>,
    /// Not supported
    #[arg(long, hide = true, value_name = "FOLDER")]
    gpg_home: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs
    Json,
}

impl Format {
    fn named(name: &str) -> Result<Self, Failure> {
        match name {
            "human" => Ok(Self::Human),
            "json" => Ok(Self::Json),
            _ => Err(Failure::usage(format!(
                "{} is no format, expected human or json",
                quoted(name)
            ))),
        }
    }
}

fn parameter(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if is_parameter_name(name) => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE, with letters, digits, `-` and `_` in the name".to_owned()),
    }
}

fn clock(text: &str) -> Result<Moment, String> {
    Moment::parse_rfc3339(text)
        .ok_or_else(|| "expected a time like 2030-12-31T23:59:59Z".to_owned())
}

impl Verify {
    pub(crate) fn run(
        &self,
        now: Moment,
        dress: Dress,
        listener: &Listener,
    ) -> Result<ExitCode, Failure> {
        if !self.gpg.is_empty() {
            return Err(
                Failure::usage("layouts signed with OpenPGP keys are not supported")
                    .hint("give the public key of a layout's owner with --key"),
            );
        }
        let outputs = self.outputs()?;
        self.check_parameters()?;
        let outcome = self.decide(self.now.unwrap_or(now), listener);
        let report = &outcome.report;
        answer(&render(report, self.format, dress)?)
            .map_err(|failure| failure.meaning(Kind::Undecided))?;
        for (format, path) in outputs {
            let bytes = render(
                report,
                format,
                Dress {
                    color: false,
                    ..dress
                },
            )?;
            store::write_file(&path, &bytes, Writing::Public)
                .map_err(|error| Failure::failed(error).meaning(Kind::Undecided))?;
        }
        Ok(ExitCode::from(match report.verdict() {
            Verdict::Pass => DONE,
            Verdict::Refuse => FAILED,
            Verdict::Undecided => UNDECIDED,
        }))
    }

    fn outputs(&self) -> Result<Vec<(Format, PathBuf)>, Failure> {
        let one = |text: &String| {
            let (format, path) = match text.split_once('=') {
                Some((name, path)) => (Format::named(name)?, PathBuf::from(path)),
                None => (self.format, PathBuf::from(text)),
            };
            self.check_output(&path)?;
            Ok((format, path))
        };
        self.output.iter().map(one).collect()
    }

    /// An answer never goes where something that is being judged stands.
    fn check_output(&self, path: &Path) -> Result<(), Failure> {
        let shown = path.display();
        if path == Path::new("-") {
            let message = "standard output has the answer already; --format says in which form";
            return Err(Failure::usage(message));
        }
        let inputs = self
            .keys
            .iter()
            .map(Path::new)
            .chain([self.layout.as_path()]);
        let target = path.canonicalize().ok();
        if target.is_some()
            && inputs
                .into_iter()
                .any(|input| input.canonicalize().ok() == target)
        {
            return Err(Failure::usage(format!(
                "`{shown}` is what is being verified, so no answer can go there"
            )));
        }
        Ok(())
    }

    fn check_parameters(&self) -> Result<(), Failure> {
        let mut names = BTreeSet::new();
        match self.parameters.iter().find(|(name, _)| !names.insert(name)) {
            Some((name, _)) => Err(Failure::usage(format!(
                "the parameter `{name}` is given twice"
            ))),
            None => Ok(()),
        }
    }

    fn decide(&self, now: Moment, listener: &Listener) -> Outcome {
        let document = self.layout.to_string_lossy();
        let (keys, mut problems) = load_keys(&self.keys);
        let layout = match store::read_envelope(&self.layout) {
            Ok(layout) => Some(layout),
            Err(StoreError::Envelope { source, .. }) => {
                problems.push(layout_problem(&source));
                None
            }
            Err(error) => {
                let why = error.to_string();
                problems.push(Problem::LayoutUnreadable { why });
                None
            }
        };
        let (Some(layout), true) = (layout, problems.is_empty()) else {
            return undecided(&document, now, problems);
        };
        let owners: Vec<Owner<'_>> = keys.iter().map(owner).collect();
        let evidence = store::read_evidence(&layout, &self.link_dir);
        let parameters: Parameters = self.parameters.iter().cloned().collect();
        let request = Request {
            document: &document,
            layout: &layout,
            evidence: &evidence,
            owners: &owners,
            now,
            parameters: &parameters,
            sublayout_inspections: self.allow_sublayout_inspections,
        };
        let limit = Duration::from_secs(self.inspection_timeout);
        let mut inspector = FolderInspector::new(Path::new("."), limit, listener);
        let mut outcome = verify(&request, &mut inspector);
        self.check_link_dir(&mut outcome.report);
        outcome
    }

    /// A wrong folder would look like missing links.
    fn check_link_dir(&self, report: &mut Report) {
        if report.verdict() == Verdict::Refuse && !self.link_dir.is_dir() {
            let problem = Problem::LinkUnreadable {
                link: self.link_dir.to_string_lossy().into_owned(),
                why: "there is no such folder for the links".to_owned(),
            };
            report.findings.push(Finding::error(problem, None));
        }
    }
}

/// A key signs under either of its ids, or under the one that its key object states.
fn owner(key: &PublicKey) -> Owner<'_> {
    let mut ids: Vec<KeyId> = key.stated_id().cloned().into_iter().collect();
    ids.extend([KeyIdStyle::Current, KeyIdStyle::Legacy].map(|style| key.id(style)));
    Owner {
        authority: key,
        ids,
    }
}

fn load_keys(paths: &[String]) -> (Vec<PublicKey>, Vec<Problem>) {
    let (mut keys, mut problems) = (Vec::new(), Vec::new());
    for path in paths {
        let unreadable = |why: String| Problem::KeyUnreadable {
            key: path.clone(),
            why,
        };
        match store::read_file(Path::new(path)) {
            Ok(bytes) => match PublicKey::all_from_file_bytes(&bytes) {
                Ok(found) => keys.extend(found),
                Err(error) => problems.push(unreadable(error.to_string())),
            },
            Err(error) => problems.push(unreadable(error.to_string())),
        }
    }
    (keys, problems)
}

/// The outcome when the layout or a key cannot be used.
fn undecided(document: &str, now: Moment, problems: Vec<Problem>) -> Outcome {
    let mut report = Report::new(LayoutSummary {
        path: document.to_owned(),
        now: Some(now),
        ..LayoutSummary::default()
    });
    let error = |problem| Finding::error(problem, None);
    report.findings = problems.into_iter().map(error).collect();
    Outcome {
        report,
        summary: None,
    }
}

fn render(report: &Report, format: Format, dress: Dress) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match format {
        Format::Human => render::human(report, dress, &mut bytes),
        Format::Json => render::json(report, &mut bytes),
    }
    .map_err(Failure::failed)?;
    Ok(bytes)
}
