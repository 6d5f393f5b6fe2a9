//! Tampered evidence on the disk, really signed by new keys, for other programs to judge.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::author::simulate::{Rehearsal, Resigned};
use crate::encoding::{Object, Value, indented};
use crate::model::quoted;
use crate::render;
use crate::store::{self, Writing};

use super::super::failure::{Failure, complain};
use super::simulate::failure;

/// How many holes are written out.
const HOLES_AT_MOST: usize = 1_000;

/// What is written out.
#[derive(Args, Debug)]
pub(super) struct Written {
    /// Write the tampered evidence of each hole (at most 1000) into a new folder: links signed by new
    /// keys, and a copy of the layout, without inspections, that has these keys
    #[arg(long, value_name = "DIR")]
    write: Option<PathBuf>,
    /// With --write: also so many of the tamperings that were refused
    #[arg(long, value_name = "N", default_value_t = 0, requires = "write")]
    sample: usize,
}

impl Written {
    /// Refuses a folder that is there, before anything else takes its time.
    pub(super) fn check(&self) -> Result<(), Failure> {
        match &self.write {
            Some(folder) if folder.exists() => {
                let shown = folder.to_string_lossy();
                let message = format!("{} exists, and nothing is written over", quoted(&shown));
                Err(Failure::failed(message).hint("name a folder that is not there yet"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn write(
        &self,
        rehearsal: &Rehearsal<'_>,
        resigned: &Resigned,
    ) -> Result<(), Failure> {
        let Some(folder) = &self.write else {
            return Ok(());
        };
        self.check()?;
        let holes = rehearsal.simulation.holes().count();
        if holes > HOLES_AT_MOST {
            complain(&format!(
                "note: of {holes} tamperings that pass an even sample of {HOLES_AT_MOST} is written"
            ));
        }
        let mut index = Vec::new();
        for (number, attempt) in rehearsal
            .to_write(HOLES_AT_MOST, self.sample)
            .into_iter()
            .enumerate()
        {
            let (told, files) = rehearsal
                .files(attempt)
                .map_err(|why| failure(why.into()))?;
            let verdict = if told.passes { "passes" } else { "refused" };
            let name = format!("{verdict}-{:04}", number + 1);
            make(&folder.join(&name))?;
            for (file, text) in files {
                put(&folder.join(&name).join(file), &text)?;
            }
            let mut entry = Object::new();
            entry.set("folder", name.as_str());
            entry.set("verdict", verdict);
            entry.set("tampering", render::tampering(&rehearsal.simulation, told));
            index.push(Value::Object(entry));
        }
        make(folder)?;
        put(&folder.join("root.layout"), &resigned.layout().to_text())?;
        put(&folder.join("owner.pub"), &resigned.owner_public().to_pem())?;
        put(&folder.join("index.json"), &indented(&Value::Array(index)))
    }
}

fn make(folder: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let shown = folder.to_string_lossy();
        Failure::failed(format!("cannot make {}: {error}", quoted(&shown)))
    })
}

fn put(path: &Path, text: &str) -> Result<(), Failure> {
    store::write_file(path, text.as_bytes(), Writing::Public).map_err(Failure::failed)
}
