//! The answer of `verify` in the forms and at the places that were asked for. None of it changes
//! what was decided: a refusal stays a refusal, and an answer that could not be given is no pass.

use std::env;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{Args, ValueEnum};

use crate::ci::Ci;
use crate::model::quoted;
use crate::render::{self, Dress, Places, Sources};
use crate::report::{Report, Verdict};
use crate::store::{self, Writing};

use super::super::failure::{Failure, Kind, answer, complain, say_unchanged};

/// How large the summary of a job may be: GitHub refuses what is larger, in bytes.
const SUMMARY_LIMIT: usize = 1 << 20;

/// In which forms the answer is given, and where.
#[derive(Args, Debug)]
pub(super) struct Answers {
    /// How to write the answer to standard output
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Write the answer to a file too; may be given several times. Without FORMAT the file's name
    /// decides (.json, .sarif, .xml, .md, .html, .txt; code-quality.json), else --format
    #[arg(long, value_name = "[FORMAT=]FILE")]
    output: Vec<String>,
    /// Tell a CI what was found in its own way: annotations and a job summary on GitHub, a section in
    /// the log of GitLab. Never changes the exit status
    #[arg(long, value_enum, default_value = "auto", value_name = "WHEN")]
    annotations: When,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs
    Json,
    /// SARIF 2.1.0, for code scanning
    Sarif,
    /// JUnit XML, for test reports
    Junit,
    /// For a job's summary or a comment
    Markdown,
    /// One page with the chain as a graph
    Html,
    /// JSON for GitLab's Code Quality, in a merge request
    CodeQuality,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum When {
    /// When the environment names a CI that is known
    Auto,
    /// Those of GitHub everywhere
    Always,
    Never,
}

impl Format {
    fn named(name: &str) -> Result<Self, Failure> {
        Self::from_str(name, false).map_err(|_unknown| {
            let names: Vec<String> = Self::value_variants()
                .iter()
                .filter_map(ValueEnum::to_possible_value)
                .map(|value| value.get_name().to_owned())
                .collect();
            let names = names.join(", ");
            Failure::usage(format!(
                "{} is no format, expected one of {names}",
                quoted(name)
            ))
        })
    }

    fn guessed(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_ascii_lowercase();
        let ends = |end: &str| name.ends_with(end);
        let is_quality = name.contains("code-quality") || name.contains("codequality");
        Some(if is_quality && ends(".json") {
            Self::CodeQuality
        } else if ends(".sarif") || ends(".sarif.json") {
            Self::Sarif
        } else if ends(".json") {
            Self::Json
        } else if ends(".xml") {
            Self::Junit
        } else if ends(".md") {
            Self::Markdown
        } else if ends(".html") || ends(".htm") {
            Self::Html
        } else if ends(".txt") {
            Self::Human
        } else {
            return None;
        })
    }
}

/// A file that an answer goes to.
#[derive(Debug)]
pub(super) struct Output {
    format: Format,
    pub(super) path: PathBuf,
}

impl Answers {
    /// The files that answers go to: none of them is one of the `inputs`, and none stands twice.
    pub(super) fn outputs(&self, inputs: &[&Path]) -> Result<Vec<Output>, Failure> {
        let mut outputs: Vec<Output> = Vec::new();
        for text in &self.output {
            let (format, path) = match text.split_once('=') {
                Some((name, path)) => (Format::named(name)?, PathBuf::from(path)),
                None => {
                    let path = PathBuf::from(text);
                    (Format::guessed(&path).unwrap_or(self.format), path)
                }
            };
            if path == Path::new("-") {
                let message = "standard output has the answer already; --format says in which form";
                return Err(Failure::usage(message));
            }
            if inputs.iter().any(|input| same_file(&path, input)) {
                return Err(Failure::usage(taken(&path)));
            }
            if outputs.iter().any(|other| other.path == path) {
                let shown = path.to_string_lossy();
                let message = format!("two answers cannot go to {}", quoted(&shown));
                return Err(Failure::usage(message));
            }
            outputs.push(Output { format, path });
        }
        Ok(outputs)
    }

    /// Whether a form is asked for that shows the whole chain.
    pub(super) fn want_chain(&self, outputs: &[Output]) -> bool {
        let mut formats = outputs.iter().map(|output| output.format);
        let shows = |format| matches!(format, Format::Html | Format::Junit);
        shows(self.format) || formats.any(shows)
    }

    /// Gives all answers.
    pub(super) fn tell(
        &self,
        report: &Report,
        outputs: &[Output],
        dress: Dress,
    ) -> Result<(), Failure> {
        let ci = self.ci();
        let mut formats = outputs.iter().map(|output| output.format);
        let with_lines = |format| matches!(format, Format::Sarif | Format::CodeQuality);
        let lines = matches!(ci, Some(Ci::GitHub { .. }))
            || with_lines(self.format)
            || formats.any(with_lines);
        let places = if lines {
            Places::of(report, |document| {
                store::read_file(Path::new(document)).ok()
            })
        } else {
            Places::default()
        };
        let mut failures = Vec::new();
        let section = (ci == Some(Ci::GitLab) && self.format == Format::Human).then(now);
        if let Some(now) = section {
            say_unchanged(&render::section_start(report, now));
        }
        let said = rendered(report, self.format, &places, dress).and_then(|bytes| answer(&bytes));
        failures.extend(said.err());
        if section.is_some() {
            say_unchanged(&render::section_end(now()));
        }
        if let Some(Ci::GitHub { summary }) = &ci {
            annotate(report, &places, summary.as_deref());
        }
        for output in outputs {
            failures.extend(write(output, report, &places, dress).err());
        }
        // Every failure is told; the last one ends it.
        let Some(last) = failures.pop() else {
            return Ok(());
        };
        for failure in failures {
            failure.tell();
        }
        Err(last.meaning(match report.verdict() {
            Verdict::Refuse => Kind::Failed,
            Verdict::Pass | Verdict::Undecided => Kind::Undecided,
        }))
    }

    /// The CI that is to be told.
    fn ci(&self) -> Option<Ci> {
        let ci = Ci::detect(|name| env::var_os(name));
        match self.annotations {
            When::Never => None,
            When::Auto => ci,
            When::Always => Some(ci.unwrap_or(Ci::GitHub { summary: None })),
        }
    }
}

fn write(output: &Output, report: &Report, places: &Places, dress: Dress) -> Result<(), Failure> {
    let links = report.items.iter().flat_map(|item| &item.links);
    if links
        .map(|link| Path::new(&link.path))
        .any(|link| same_file(&output.path, link))
    {
        return Err(Failure::failed(taken(&output.path)));
    }
    let plain = Dress {
        color: false,
        ..dress
    };
    let bytes = rendered(report, output.format, places, plain)?;
    store::write_file(&output.path, &bytes, Writing::Public).map_err(Failure::failed)
}

fn rendered(
    report: &Report,
    format: Format,
    places: &Places,
    dress: Dress,
) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match format {
        Format::Human => {
            let read = |document: &str| store::read_file(Path::new(document)).ok();
            let sources = Sources::of(report, read);
            render::human_with(report, &sources, dress, &mut bytes)
        }
        Format::Json => render::json(report, &mut bytes),
        Format::Sarif => render::sarif(report, places, &mut bytes),
        Format::Junit => render::junit(report, &mut bytes),
        Format::Markdown => render::markdown(report, &mut bytes),
        Format::Html => render::html(report, &mut bytes),
        Format::CodeQuality => render::code_quality(report, places, &mut bytes),
    }
    .map_err(Failure::failed)?;
    Ok(bytes)
}

/// An answer never goes where something that is being judged stands.
fn same_file(path: &Path, input: &Path) -> bool {
    let target = path.canonicalize().ok();
    target.is_some() && input.canonicalize().ok() == target
}

fn taken(path: &Path) -> String {
    let shown = path.to_string_lossy();
    format!(
        "{} is what is being verified, so no answer can go there",
        quoted(&shown)
    )
}

/// Annotations go to stderr, which GitHub reads as well as stdout: the answer stays what it is. What
/// cannot be told to GitHub is no failure of the verification.
fn annotate(report: &Report, places: &Places, summary: Option<&Path>) {
    let mut lines = Vec::new();
    if render::annotations(report, places, &mut lines).is_ok() {
        say_unchanged(&String::from_utf8_lossy(&lines));
    }
    if let Some(path) = summary
        && let Err(error) = append_summary(report, path)
    {
        let shown = path.to_string_lossy();
        complain(&format!(
            "warning: cannot append the summary to {}: {error}",
            quoted(&shown)
        ));
    }
}

fn append_summary(report: &Report, path: &Path) -> io::Result<()> {
    // Not blocking: opening a named pipe would wait for a reader.
    let nonblocking = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let mut options = OpenOptions::new();
    options.append(true).create(true).custom_flags(nonblocking);
    let mut file = options.open(path)?;
    let before = usize::try_from(file.metadata()?.len()).unwrap_or(usize::MAX);
    let mut text = Vec::new();
    let limit = SUMMARY_LIMIT.saturating_sub(before);
    render::markdown_within(report, limit, &mut text)?;
    file.write_all(&text)
}

/// Seconds since 1970, which GitLab wants to know of a section.
fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| since.as_secs())
}
