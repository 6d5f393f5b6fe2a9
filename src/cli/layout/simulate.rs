//! `layout simulate`: what could somebody who tampers with the evidence do, and still pass?

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use crate::author::AsIfSigned;
use crate::author::simulate::{
    Plan, Rehearsal, ResignError, Resigned, SimulateError, TRIED_AT_MOST, simulate,
};
use crate::encoding::Value;
use crate::keys::{AnyKey, Certificate};
use crate::model::{Envelope, Form, Moment, quoted};
use crate::render::{self, Dress};
use crate::report::{Report, Simulation, Tally, Verdict};
use crate::store::{self, Writing};
use crate::verify::{Baseline, Owner, Parameters, Request, prefer_good, substitute};

use super::super::failure::{DONE, FAILED, Failure, Kind, UNDECIDED, answer, complain};
use super::super::verify::trust::{load_openpgp, load_plain, owner};
use super::super::verify::{clock, parameter, parameters};
use super::given::Given;
use super::links::gather;
use super::rehearsed;
use super::text::Way;

/// Try tamperings with the evidence of a good run, and tell which ones would pass
///
/// Files are changed, added, removed and renamed between and within steps; link files are withheld,
/// damaged and replaced; each functionary's key, and each pair of them, signs whatever it can. The
/// evidence must pass as it is. Inspections are not run: what only they would find counts as
/// unprotected.
///
/// Exit status: 0 done, 1 less was refused than --min-refused asks for, or the evidence does not pass
/// as it is, 2 wrong usage, 3 could not decide.
#[derive(Args, Debug)]
pub(super) struct Simulate {
    /// The layout. One that nobody has signed yet is taken as if its owner had
    #[arg(value_name = "LAYOUT")]
    layout: PathBuf,
    /// A folder with the links of a good run, or a bundle of them. May be given several times
    #[arg(
        long = "links",
        short = 'd',
        alias = "link-dir",
        value_name = "PATH",
        default_value = "."
    )]
    links: Vec<PathBuf>,
    /// Public keys that must all have signed the layout: PEM, or key objects of layouts
    #[arg(long = "key", short = 'k', value_name = "FILE", num_args = 1..)]
    keys: Vec<String>,
    /// OpenPGP keys that must all have signed the layout too
    #[arg(long = "gpg-key", value_name = "FILE", num_args = 1..)]
    gpg_keys: Vec<String>,
    /// Certificates that may stand between a functionary's and a root of the layout (PEM)
    #[arg(long = "intermediate", short = 'i', value_name = "FILE", num_args = 1..)]
    intermediates: Vec<String>,
    /// Fill in a parameter of the layout
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Judge expiry by this clock instead of now (RFC 3339)
    #[arg(long, value_name = "TIME", value_parser = clock)]
    now: Option<Moment>,
    /// How to write the answer to standard output
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Write the answer to this file too; its name decides the form (.json, .html, .txt), else --format
    #[arg(long, value_name = "FILE")]
    output: Vec<PathBuf>,
    /// Fail when a smaller share of the tamperings that need no key is refused
    #[arg(long, value_name = "PERCENT", value_parser = percent)]
    min_refused: Option<f64>,
    /// Try at most so many tamperings of each kind; of more an even sample is taken
    #[arg(long, value_name = "N", default_value_t = TRIED_AT_MOST)]
    limit: NonZeroUsize,
    #[command(flatten)]
    written: rehearsed::Written,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For programs
    Json,
    /// One page with a matrix of artifacts and steps
    Html,
}

/// The exit status that a wanted share of refusals comes to. Nothing tried shows nothing.
fn enough(overall: Tally, wanted: f64) -> u8 {
    let Some(percent) = overall.percent() else {
        complain("no tampering without a key could be tried, so --min-refused cannot be judged");
        return UNDECIDED;
    };
    if percent >= wanted {
        return DONE;
    }
    complain(&format!(
        "{} of the tamperings without a key are refused, less than the {wanted} % of --min-refused",
        overall.share()
    ));
    FAILED
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.trim_end_matches('%').parse().ok();
    number
        .filter(|number| (0.0..=100.0).contains(number))
        .ok_or_else(|| "expected a number from 0 to 100".to_owned())
}

/// What is simulated on.
struct Chain {
    baseline: Baseline,
    resigned: Resigned,
    signed: bool,
}

impl Simulate {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        self.written.check()?;
        let plain = Way::plain();
        let way = Way {
            now: self.now.unwrap_or(plain.now),
            parameters: parameters(&self.parameters)?,
            ..plain
        };
        let given = Given::read_by(&self.layout, &way);
        let given = given.map_err(|failure| failure.meaning(Kind::Undecided))?;
        let now = way.now;
        let chain = match self.chain(&given, now)? {
            Ok(chain) => chain,
            Err(report) => return refused(&report),
        };
        let plan = Plan {
            document: &given.document,
            signed: chain.signed,
            now,
            tried_at_most: self.limit.get(),
        };
        let rehearsal = simulate(&chain.baseline, &chain.resigned, &plan).map_err(failure)?;
        self.tell(&rehearsal)?;
        self.written.write(&rehearsal, &chain.resigned)?;
        let status = self.min_refused.map_or(DONE, |wanted| {
            enough(rehearsal.simulation.overall(), wanted)
        });
        Ok(ExitCode::from(status))
    }

    /// The evidence taken apart, or the report when it does not pass.
    fn chain(&self, given: &Given, now: Moment) -> Result<Result<Chain, Box<Report>>, Failure> {
        let filled_in: Parameters = match given.is_text() {
            // They were filled in when it was compiled.
            true => Parameters::new(),
            false => parameters(&self.parameters)?,
        };
        let (envelope, keys) = self.trusted(given)?;
        let mut evidence = gather(&envelope, &self.links)?;
        prefer_good(&envelope, &mut evidence, now);
        let owners: Vec<Owner<'_>> = keys.iter().map(owner).collect();
        let intermediates = self.intermediates()?;
        let request = Request {
            document: &given.document,
            intermediates: &intermediates,
            parameters: &filled_in,
            // None is run, so that there is nothing to ask leave for.
            sublayout_inspections: true,
            ..Request::new(&envelope, &evidence, &owners, now)
        };
        let baseline = match Baseline::of(&request) {
            Ok(baseline) => baseline,
            Err(report) => return Ok(Err(report)),
        };
        let payload = self.filled_in(&given.value, &filled_in)?;
        let resigned = Resigned::new(&payload, envelope.form(), &baseline);
        Ok(Ok(Chain {
            resigned: resigned.map_err(Failure::failed)?,
            baseline,
            signed: given.envelope.is_some(),
        }))
    }

    fn filled_in(&self, payload: &Value, parameters: &Parameters) -> Result<Value, Failure> {
        substitute(payload, parameters).map_err(|problems| {
            let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
            Failure::failed(problems.join("; "))
        })
    }

    /// The layout under its owner's signature. What is not signed is signed by a new key.
    fn trusted(&self, given: &Given) -> Result<(Envelope, Vec<AnyKey>), Failure> {
        let keys = self.keys()?;
        match (&given.envelope, keys.is_empty()) {
            (Some(envelope), false) => Ok((envelope.clone(), keys)),
            (Some(_), true) => Err(Failure::usage(format!(
                "{} is signed, so --key must say by whom",
                quoted(&given.document)
            ))),
            (None, false) => Err(Failure::usage(format!(
                "{} is not signed, so there is nothing for --key to check",
                quoted(&given.document)
            ))),
            (None, true) => {
                let signed = AsIfSigned::of(&given.value, Form::Metablock);
                let (envelope, key) = signed.map_err(Failure::failed)?.into_parts();
                Ok((envelope, vec![key]))
            }
        }
    }

    fn keys(&self) -> Result<Vec<AnyKey>, Failure> {
        let plain = self.keys.iter().map(|path| (path, load_plain(path)));
        let openpgp = self.gpg_keys.iter().map(|path| (path, load_openpgp(path)));
        let mut keys = Vec::new();
        for (path, loaded) in plain.chain(openpgp) {
            let unreadable = |why: String| {
                Failure::failed(format!("{}: {why}", quoted(path))).meaning(Kind::Undecided)
            };
            keys.extend(loaded.map_err(unreadable)?);
        }
        Ok(keys)
    }

    fn intermediates(&self) -> Result<Vec<Certificate>, Failure> {
        let mut certificates = Vec::new();
        for file in &self.intermediates {
            let bytes = store::read_file(Path::new(file)).map_err(Failure::failed)?;
            let found = Certificate::all_from_pem(&bytes);
            certificates.extend(found.map_err(|why| {
                Failure::failed(format!("{}: {why}", quoted(file))).meaning(Kind::Undecided)
            })?);
        }
        Ok(certificates)
    }

    fn tell(&self, rehearsal: &Rehearsal<'_>) -> Result<(), Failure> {
        let simulation = &rehearsal.simulation;
        answer(&rendered(simulation, self.format)?)?;
        for path in &self.output {
            let bytes = rendered(simulation, Format::of(path).unwrap_or(self.format))?;
            store::write_file(path, &bytes, Writing::Public).map_err(Failure::failed)?;
        }
        Ok(())
    }
}

impl Format {
    fn of(path: &Path) -> Option<Self> {
        match path.extension()?.to_str()? {
            "json" => Some(Self::Json),
            "html" | "htm" => Some(Self::Html),
            "txt" => Some(Self::Human),
            _ => None,
        }
    }
}

fn rendered(simulation: &Simulation, format: Format) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match format {
        Format::Human => render::simulation_human(simulation, &mut bytes),
        Format::Json => render::simulation_json(simulation, &mut bytes),
        Format::Html => render::simulation_html(simulation, &mut bytes),
    }
    .map_err(Failure::failed)?;
    Ok(bytes)
}

/// The untampered evidence does not pass: what is wrong with it, as `verify` says it.
fn refused(report: &Report) -> Result<ExitCode, Failure> {
    let mut bytes = Vec::new();
    let dress = Dress {
        color: false,
        verbose: false,
    };
    render::human(report, dress, &mut bytes).map_err(Failure::failed)?;
    answer(&bytes)?;
    complain("the evidence does not pass as it is, so there is nothing to simulate");
    Ok(ExitCode::from(match report.verdict() {
        Verdict::Undecided => UNDECIDED,
        Verdict::Pass | Verdict::Refuse => FAILED,
    }))
}

pub(super) fn failure(error: SimulateError) -> Failure {
    let kind = match error {
        SimulateError::Resign(ResignError::Lost(_))
        | SimulateError::NotRepeated
        | SimulateError::Disagreement { .. } => Kind::Undecided,
        SimulateError::Resign(_) => Kind::Failed,
    };
    Failure::failed(error).meaning(kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_tried_is_not_enough_for_any_share() {
        assert_eq!(enough(Tally::default(), 0.0), UNDECIDED);
        assert_eq!(enough(Tally::default(), 100.0), UNDECIDED);
        let half = Tally {
            tried: 2,
            refused: 1,
        };
        assert_eq!(enough(half, 50.0), DONE);
        assert_eq!(enough(half, 50.1), FAILED);
    }
}
