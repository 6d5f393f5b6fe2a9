//! `--stats`: what was recorded, how long it took, and with what.

use std::num::NonZeroUsize;
use std::time::Instant;

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::record::{self, Backend, Options};

use super::bar::Counted;
use super::failure::complain;
use super::progress::Listener;

/// How to tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum StatsFormat {
    /// For people
    Human,
    /// For programs: one JSON object on a line of its own
    Json,
}

pub(crate) const MATERIALS: &str = "materials";
pub(crate) const PRODUCTS: &str = "products";

/// Of how many files the digests were taken over, and what of the rest was hashed.
pub(crate) fn reuse(recorded: Counted) -> String {
    let hashed = recorded.files.saturating_sub(recorded.reused);
    let bytes = recorded.bytes.saturating_sub(recorded.reused_bytes);
    format!(
        "{} reused, {hashed} hashed ({bytes} bytes)",
        recorded.reused
    )
}

/// Collects the parts of a run.
#[derive(Debug)]
pub(crate) struct Stats {
    format: Option<StatsFormat>,
    backend: Backend,
    /// How many threads were asked for, if somebody did.
    jobs: Option<NonZeroUsize>,
    since: Instant,
    recorded: Counted,
    /// Whether digests may be taken over.
    reuses: bool,
    phases: Vec<Phase>,
}

/// One part: files and bytes are recorded in it, reused digests included.
#[derive(Debug)]
struct Phase {
    name: &'static str,
    seconds: f64,
    recorded: Counted,
}

impl Stats {
    pub(crate) fn begin(format: Option<StatsFormat>, options: &Options, reuses: bool) -> Self {
        Self {
            format,
            backend: options.backend,
            jobs: options.jobs,
            since: Instant::now(),
            recorded: Counted::default(),
            reuses,
            phases: Vec::new(),
        }
    }

    /// A part is over.
    pub(crate) fn phase(&mut self, name: &'static str, listener: &Listener) {
        let recorded = listener.recorded();
        self.phases.push(Phase {
            name,
            seconds: self.since.elapsed().as_secs_f64(),
            recorded: recorded.since(self.recorded),
        });
        self.recorded = recorded;
        self.since = Instant::now();
    }

    /// Tells, if somebody asked.
    pub(crate) fn tell(&self) {
        let threads = || self.jobs.map_or_else(record::default_jobs, Into::into);
        match self.format {
            None => {}
            Some(StatsFormat::Human) => {
                for Phase {
                    name,
                    seconds,
                    recorded,
                } in &self.phases
                {
                    let (files, bytes) = (recorded.files, recorded.bytes);
                    let reused = match *name {
                        PRODUCTS if self.reuses => format!(", {}", reuse(*recorded)),
                        _ => String::new(),
                    };
                    complain(&format!(
                        "{name:<9} {seconds:>9.3} s {files:>9} files {bytes:>14} bytes{reused}"
                    ));
                }
                let backend = record::backend_name(self.backend);
                complain(&format!("{backend}, {} threads", threads()));
            }
            Some(StatsFormat::Json) => {
                let phase = |phase: &Phase| {
                    let told = json!({
                        "seconds": phase.seconds, "files": phase.recorded.files,
                        "bytes": phase.recorded.bytes, "reused": phase.recorded.reused,
                        "reused_bytes": phase.recorded.reused_bytes,
                    });
                    (phase.name.to_owned(), told)
                };
                let phases: Map<String, Value> = self.phases.iter().map(phase).collect();
                let told = json!({
                    "schema": "linkwright/stats/v1", "phases": phases,
                    "backend": record::backend_name(self.backend), "threads": threads(),
                });
                super::failure::line(&told.to_string());
            }
        }
    }
}
