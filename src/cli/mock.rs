//! `mock`: an unsigned dry run.

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

use clap::Args;

use crate::event::{Files, Role};
use crate::exec::{self, Command, MAX_STORED_STREAM, Output};
use crate::model::{Issue, ItemName, Link};
use crate::record::Options;
use crate::store::{self, Writing};

use super::failure::{DONE, FAILED, Failure, complain};
use super::options::EnvelopeForm;
use super::progress::Listener;
use super::run::{Ended, byproducts, command_words, ending, record};

/// Try a step: run its command and write an unsigned link, NAME.link
///
/// Materials and products are everything in the current folder; streams are stored. The link
/// proves nothing, for it is not signed. Exit status: 0 when the link was written, whatever the
/// command returned.
#[derive(Args, Debug)]
pub(crate) struct Mock {
    /// The step that this is
    #[arg(long, short, visible_alias = "step-name", value_name = "STEP")]
    name: String,
    #[command(flatten)]
    form: EnvelopeForm,
    /// The command and its arguments
    #[arg(trailing_var_arg = true, required = true, value_name = "COMMAND")]
    command: Vec<OsString>,
}

impl Mock {
    pub(crate) fn run(&self, listener: &Listener) -> Result<ExitCode, Failure> {
        let name = ItemName::new(&self.name).map_err(Failure::usage)?;
        let words = command_words(&self.command)?;
        store::check_writable(Path::new(".")).map_err(Failure::failed)?;
        let (here, options) = ([".".to_owned()], Options::default());
        let materials = record(&here, Role::Materials, Files::New, &options, listener)?;
        let mut command = Command::new(self.command.clone());
        command.output = Output::Record {
            cap: MAX_STORED_STREAM,
        };
        let finished = exec::run(&command, listener).map_err(Failure::failed)?;
        if let Ended::NotStarted(_, why) = ending(&finished) {
            complain(&format!("error: {why}"));
            return Ok(ExitCode::from(FAILED));
        }
        let link = Link {
            name: name.as_str().to_owned(),
            materials,
            products: record(&here, Role::Products, Files::Again, &options, listener)?,
            command: words,
            byproducts: byproducts(&finished, true),
            ..Link::default()
        };
        let (issue, _) = Issue::new(&link, self.form.form()).map_err(Failure::failed)?;
        let file = format!("{name}.link");
        store::write_file_with(Path::new(&file), Writing::Public, |out| {
            issue.write(None, out)
        })
        .map_err(Failure::failed)?;
        listener.tell(&format!("wrote {file}, not signed"));
        Ok(ExitCode::from(DONE))
    }
}
