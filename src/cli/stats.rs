//! `--stats`: what was recorded, how long it took, and with what.

use std::time::Instant;

use clap::ValueEnum;
use serde_json::{Map, Value, json};

use crate::record::{self, Options};

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

/// Collects the parts of a run.
#[derive(Debug)]
pub(crate) struct Stats {
    format: Option<StatsFormat>,
    backend: String,
    threads: usize,
    since: Instant,
    recorded: (u64, u64),
    phases: Vec<Phase>,
}

/// One part: files and bytes are recorded in it, reused digests included.
#[derive(Debug)]
struct Phase {
    name: &'static str,
    seconds: f64,
    files: u64,
    bytes: u64,
}

impl Stats {
    pub(crate) fn begin(format: Option<StatsFormat>, options: &Options) -> Self {
        Self {
            format,
            backend: record::backend_name(options.backend),
            threads: options.jobs.map_or_else(record::default_jobs, Into::into),
            since: Instant::now(),
            recorded: (0, 0),
            phases: Vec::new(),
        }
    }

    /// A part is over.
    pub(crate) fn phase(&mut self, name: &'static str, listener: &Listener) {
        let recorded = listener.recorded();
        self.phases.push(Phase {
            name,
            seconds: self.since.elapsed().as_secs_f64(),
            files: recorded.0.saturating_sub(self.recorded.0),
            bytes: recorded.1.saturating_sub(self.recorded.1),
        });
        self.recorded = recorded;
        self.since = Instant::now();
    }

    /// Tells, if somebody asked.
    pub(crate) fn tell(&self) {
        match self.format {
            None => {}
            Some(StatsFormat::Human) => {
                for phase in &self.phases {
                    complain(&format!(
                        "{:<9} {:>9.3} s {:>9} files {:>14} bytes",
                        phase.name, phase.seconds, phase.files, phase.bytes
                    ));
                }
                complain(&format!("{}, {} threads", self.backend, self.threads));
            }
            Some(StatsFormat::Json) => {
                let phase = |phase: &Phase| {
                    let told = json!({
                        "seconds": phase.seconds, "files": phase.files, "bytes": phase.bytes,
                    });
                    (phase.name.to_owned(), told)
                };
                let phases: Map<String, Value> = self.phases.iter().map(phase).collect();
                let told = json!({
                    "schema": "linkwright/stats/v1", "phases": phases,
                    "backend": self.backend, "threads": self.threads,
                });
                super::failure::line(&told.to_string());
            }
        }
    }
}
