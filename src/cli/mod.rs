//! Arguments to one library call, its result to one renderer, the verdict to an exit status.
//!
//! Called under the name of one of the reference's tools (`in-toto-run`, …) the binary behaves as
//! the matching subcommand and takes the reference's command lines, abbreviated options included.

mod bar;
mod failure;
mod key;
mod layout;
mod match_products;
mod mock;
mod options;
mod progress;
mod record;
mod reference;
mod run;
mod show;
mod sign;
mod signing;
mod stats;
mod verify;

use std::ffi::OsString;
use std::io::IsTerminal as _;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::{env, io};

use clap::error::ErrorKind;
use clap::{Args, CommandFactory as _, Parser, Subcommand, ValueEnum};

use crate::exec::sandbox;
use crate::model::{Moment, printable};
use crate::render::Dress;

use failure::{DONE, Failure, NOT_STARTED, USAGE, answer, complain, say_unchanged};
use progress::{Listener, Verbosity};
use reference::Tool;

/// Wrap build steps into signed links, and decide from a signed layout whether the product may be
/// released
#[derive(Debug, Parser)]
#[command(
    name = "linkwright",
    version,
    disable_help_subcommand = true,
    max_term_width = 100
)]
struct Cli {
    #[command(flatten)]
    speech: Speech,
    #[command(subcommand)]
    command: Subcommands,
}

#[derive(Args, Clone, Debug)]
struct Speech {
    /// Say more on stderr
    #[arg(
        long,
        short,
        global = true,
        conflicts_with = "quiet",
        display_order = 900
    )]
    verbose: bool,
    /// Say nothing on stderr but errors
    #[arg(long, short, global = true, display_order = 900)]
    quiet: bool,
    /// Colour what is for people
    #[arg(
        long,
        global = true,
        value_enum,
        default_value = "auto",
        value_name = "WHEN"
    )]
    color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

// To put together the options of all commands takes longer than to start the program. What is said here
// of a command stands in the list of them, before its own options are known.
#[derive(Debug, Subcommand)]
#[command(defer = true)]
enum Subcommands {
    /// Wrap one command and sign a link about it
    Run(run::Run),
    /// Record a step of several commands, or one done by hand
    Record(record::Record),
    /// Decide from a signed layout and links whether the product may be released
    Verify(verify::Verify),
    /// Sign a layout or a link, add a signature, or check signatures
    Sign(sign::Sign),
    /// Make a key pair, or tell what a key is
    Key(key::Key),
    /// Write, check and understand layouts
    Layout(layout::Layout),
    /// Show layouts and links: who signed what, which artifacts, which rules
    Show(show::Show),
    /// Compare files with the products of a link
    MatchProducts(match_products::MatchProducts),
    /// Try a step: run its command and write an unsigned link, NAME.link
    Mock(mock::Mock),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page of a command, or of linkwright itself
    Man {
        /// The command
        command: Option<String>,
        /// The JSON Schema of the command's answer with `--format json` instead; of `layout`, that of the
        /// text form
        #[arg(long, requires = "command")]
        schema: bool,
    },
}

static CALLED_AS_REFERENCE: OnceLock<bool> = OnceLock::new();

/// Whether the binary was called under the name of one of the reference's tools.
fn called_as_reference() -> bool {
    CALLED_AS_REFERENCE.get().copied().unwrap_or(false)
}

/// The whole program: takes the arguments, the first being the name it was called under.
pub fn main(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if let [_, word, rest @ ..] = arguments.as_slice()
        && word == sandbox::WORD
    {
        return ExitCode::from(sandbox::main(rest));
    }
    let tool = Tool::called(arguments.first().map(OsString::as_os_str));
    CALLED_AS_REFERENCE.get_or_init(|| tool.is_some());
    let parsed = match tool {
        Some(tool) => (tool.command().try_get_matches_from(&arguments))
            .and_then(|matches| tool.parsed(&matches))
            .map(|(command, speech)| Cli { speech, command }),
        None => Cli::try_parse_from(&arguments),
    };
    match parsed {
        Ok(cli) => cli.run(),
        Err(error) => usage(&error, &arguments, tool == Some(Tool::Run)),
    }
}

/// Whether the first word that is no option is `run`.
fn names_run(arguments: &[OsString]) -> bool {
    let mut words = arguments.iter().skip(1);
    while let Some(word) = words.next() {
        if word == "--color" {
            words.next();
        } else if !word.as_encoded_bytes().starts_with(b"-") {
            return word == "run";
        }
    }
    false
}

/// Help and version go to stdout and are a success, everything else is wrong usage.
fn usage(error: &clap::Error, arguments: &[OsString], is_run: bool) -> ExitCode {
    let is_asked_for = matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion
    );
    if is_asked_for {
        match error.print() {
            Ok(()) => return ExitCode::from(DONE),
            // The reader had enough.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return ExitCode::from(DONE),
            Err(error) => complain(&format!("cannot write to standard output: {error}")),
        }
    } else {
        say_unchanged(&told(error, arguments, io::stderr().is_terminal()));
    }
    let is_run = is_run || names_run(arguments);
    ExitCode::from(if is_run { NOT_STARTED } else { USAGE })
}

/// What was wrong, in colours on a terminal. Arguments stand in it as they are: if a terminal would obey
/// one of them, it is told without colours.
fn told(error: &clap::Error, arguments: &[OsString], on_terminal: bool) -> String {
    let is_printable = |argument: &OsString| {
        let argument = argument.to_string_lossy();
        printable(&argument) == argument
    };
    let message = error.render();
    if on_terminal && arguments.iter().all(is_printable) {
        message.ansi().to_string()
    } else {
        printable(&message.to_string())
    }
}

impl Cli {
    fn run(&self) -> ExitCode {
        let verbosity = match (self.speech.quiet, self.speech.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, false) => Verbosity::Normal,
            (false, true) => Verbosity::Verbose,
        };
        let listener = Listener::new(verbosity);
        let dress = Dress {
            color: self.speech.color.wanted(),
            verbose: self.speech.verbose,
        };
        let (name, done) = match &self.command {
            Subcommands::Run(run) => ("run", run.run(&listener)),
            Subcommands::Record(record) => ("record", record.run(&listener)),
            Subcommands::Verify(verify) => {
                let now = Moment::from_timestamp(jiff::Timestamp::now());
                ("verify", verify.run(now, dress, &listener))
            }
            Subcommands::Sign(sign) => {
                let now = Moment::from_timestamp(jiff::Timestamp::now());
                ("sign", sign.run(now, &listener))
            }
            Subcommands::Key(key) => ("key", key.run()),
            Subcommands::Layout(layout) => ("layout", layout.run(dress, &listener)),
            Subcommands::Show(show) => ("show", show.run()),
            Subcommands::MatchProducts(products) => ("match-products", products.run(&listener)),
            Subcommands::Mock(mock) => ("mock", mock.run(&listener)),
            Subcommands::Completions { shell } => ("completions", completions(*shell)),
            Subcommands::Man { command, schema } => {
                let done = if *schema {
                    self::schema(command.as_deref())
                } else {
                    manual_page(command.as_deref())
                };
                ("man", done)
            }
        };
        listener.close();
        done.unwrap_or_else(|failure| failure.report(name))
    }
}

impl Color {
    fn wanted(self) -> bool {
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => {
                let forbidden = env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                io::stdout().is_terminal() && !forbidden
            }
        }
    }
}

fn completions(shell: clap_complete::Shell) -> Result<ExitCode, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "linkwright", &mut script);
    answer(&script)?;
    Ok(ExitCode::from(DONE))
}

fn schema(name: Option<&str>) -> Result<ExitCode, Failure> {
    let schema: &[u8] = match name {
        Some("verify") => include_bytes!("../manual/verify.schema.json"),
        Some("layout") => include_bytes!("../manual/layout.schema.json"),
        Some("simulate") => include_bytes!("../manual/simulation.schema.json"),
        Some(_) | None => {
            let message = "there are schemas of the answers of `verify` and `layout simulate`, and of \
                           the text form of layouts";
            let hint = "ask for `verify`, `simulate` or `layout`";
            return Err(Failure::usage(message).hint(hint));
        }
    };
    answer(schema)?;
    Ok(ExitCode::from(DONE))
}

/// A command by its name; one of another command's as the manual names it, `layout-sign`.
fn found<'c>(command: &'c clap::Command, name: &str) -> Option<&'c clap::Command> {
    let below = |above: &'c clap::Command| {
        let rest = name.strip_prefix(above.get_name())?.strip_prefix('-')?;
        found(above, rest)
    };
    let own = command.find_subcommand(name);
    own.or_else(|| command.get_subcommands().find_map(below))
}

fn manual_page(name: Option<&str>) -> Result<ExitCode, Failure> {
    let mut command = Cli::command();
    command.build();
    let command = match name {
        None => command,
        Some(name) => found(&command, name)
            .cloned()
            .ok_or_else(|| Failure::usage(format!("there is no command `{name}`")))?,
    };
    let mut page = Vec::new();
    clap_mangen::Man::new(command)
        .render(&mut page)
        .map_err(Failure::failed)?;
    answer(&page)?;
    Ok(ExitCode::from(DONE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_argument_gives_orders_to_the_terminal_that_is_told_of_it() {
        for (argument, is_coloured) in [("--foo", true), ("--\u{1b}[31mfoo\u{7}", false)] {
            let arguments = ["linkwright", argument].map(OsString::from);
            let error = Cli::try_parse_from(&arguments).unwrap_err();
            let told = told(&error, &arguments, true);
            assert!(told.contains("foo"), "{told:?}");
            assert_eq!(told.contains('\u{1b}'), is_coloured, "{told:?}");
            assert!(!told.contains('\u{7}'), "{told:?}");
        }
    }

    #[test]
    fn a_list_of_commands_says_of_each_what_the_command_says_of_itself() {
        let said = |command: &clap::Command| -> Vec<String> {
            let said = |one: &clap::Command| {
                format!(
                    "{}: {}",
                    one.get_name(),
                    one.get_about().unwrap_or_default()
                )
            };
            command.get_subcommands().map(said).collect()
        };
        let layout = clap::Command::new("layout").disable_help_subcommand(true);
        let layout = layout::Layout::augment_args(layout);
        for mut command in [Cli::command(), layout] {
            let listed = said(&command);
            command.build();
            assert_eq!(listed, said(&command));
        }
    }
}
