//! Which warnings refuse: `--strict`, `--deny`, `--allow-warning`, `--expected-command`.

use clap::{Args, ValueEnum};

use crate::model::{quoted, similar};
use crate::report::{self, Policy};

/// The code that `--expected-command` is about.
const EXPECTED_COMMAND: &str = "command-differs";

#[derive(Args, Debug)]
pub(super) struct PolicyOptions {
    /// Refuse on every warning, too, but for those about link files and signatures that nobody needs:
    /// anybody could add one. --deny CODE refuses on these as well
    #[arg(long)]
    strict: bool,
    /// Refuse on warnings with this code, too (repeatable)
    #[arg(long, value_name = "CODE", value_parser = code)]
    deny: Vec<String>,
    /// Under --strict, refuse nothing because of warnings with this code (repeatable)
    #[arg(long, value_name = "CODE", value_parser = code, requires = "strict")]
    allow_warning: Vec<String>,
    /// Whether a link with another command than its step expects refuses, or is only worth a warning
    #[arg(long, value_enum, value_name = "HOW")]
    expected_command: Option<ExpectedCommand>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ExpectedCommand {
    /// It refuses
    Enforce,
    /// It is only worth a warning, even under --strict
    Warn,
}

impl PolicyOptions {
    pub(super) fn policy(&self) -> Policy {
        let mut policy = Policy {
            strict: self.strict,
            denied: self.deny.iter().cloned().collect(),
            allowed: self.allow_warning.iter().cloned().collect(),
        };
        let code = EXPECTED_COMMAND.to_owned();
        match self.expected_command {
            Some(ExpectedCommand::Enforce) => drop(policy.denied.insert(code)),
            Some(ExpectedCommand::Warn) => drop(policy.allowed.insert(code)),
            None => {}
        }
        policy
    }
}

/// One of the codes that findings have.
fn code(text: &str) -> Result<String, String> {
    let codes = report::codes();
    if codes.contains(&text) {
        return Ok(text.to_owned());
    }
    let hint = match similar(text, codes, 1).as_slice() {
        [nearest, ..] => format!(", did you mean {}?", quoted(nearest)),
        [] => String::new(),
    };
    Err(format!("no finding has this code{hint}"))
}
