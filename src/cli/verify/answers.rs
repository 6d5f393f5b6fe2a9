//! In which forms the answer is given, and where it goes.

use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use crate::model::quoted;
use crate::render::{self, Dress, Sources};
use crate::report::Report;
use crate::store::{self, Writing};

use super::super::failure::{Failure, Kind, answer};

/// The options about answers.
#[derive(Args, Debug)]
pub(super) struct Answers {
    /// How to write the answer to standard output
    #[arg(long, value_enum, default_value = "human")]
    format: Format,
    /// Write the answer to a file too, in the format of --format or in the one named
    #[arg(long, value_name = "[FORMAT=]FILE")]
    output: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
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

impl Answers {
    /// Where to write which answer. `inputs` are the files that are being judged: an answer never goes
    /// there.
    pub(super) fn outputs(&self, inputs: &[&Path]) -> Result<Vec<(Format, PathBuf)>, Failure> {
        let one = |text: &String| {
            let (format, path) = match text.split_once('=') {
                Some((name, path)) => (Format::named(name)?, PathBuf::from(path)),
                None => (self.format, PathBuf::from(text)),
            };
            check_output(&path, inputs)?;
            Ok((format, path))
        };
        self.output.iter().map(one).collect()
    }

    /// Gives the answer.
    pub(super) fn tell(
        &self,
        report: &Report,
        outputs: &[(Format, PathBuf)],
        dress: Dress,
    ) -> Result<(), Failure> {
        let undecided = |failure: Failure| failure.meaning(Kind::Undecided);
        answer(&render(report, self.format, dress)?).map_err(undecided)?;
        let plain = Dress {
            color: false,
            ..dress
        };
        for (format, path) in outputs {
            let bytes = render(report, *format, plain)?;
            store::write_file(path, &bytes, Writing::Public)
                .map_err(|error| undecided(Failure::failed(error)))?;
        }
        Ok(())
    }
}

fn check_output(path: &Path, inputs: &[&Path]) -> Result<(), Failure> {
    let shown = path.display();
    if path == Path::new("-") {
        let message = "standard output has the answer already; --format says in which form";
        return Err(Failure::usage(message));
    }
    let target = path.canonicalize().ok();
    let mut inputs = inputs.iter();
    if target.is_some() && inputs.any(|input| input.canonicalize().ok() == target) {
        return Err(Failure::usage(format!(
            "`{shown}` is what is being verified, so no answer can go there"
        )));
    }
    Ok(())
}

fn render(report: &Report, format: Format, dress: Dress) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    match format {
        Format::Human => {
            let read = |document: &str| store::read_file(Path::new(document)).ok();
            let sources = Sources::of(report, read);
            render::human_with(report, &sources, dress, &mut bytes)
        }
        Format::Json => render::json(report, &mut bytes),
    }
    .map_err(Failure::failed)?;
    Ok(bytes)
}
