//! The command lines of the reference's tools.
//!
//! Called under the name of one of them, the binary takes exactly its options, so that each can be
//! abbreviated as there. What only linkwright has is out of reach then.

use std::ffi::OsStr;
use std::path::Path;

use clap::{Arg, ArgMatches, Args, Command, FromArgMatches as _};

use super::{Speech, Subcommands, match_products, mock, record, run, sign, verify};

/// One of the reference's tools.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tool {
    Run,
    Record,
    Sign,
    Verify,
    Mock,
    MatchProducts,
}

const TOOLS: [Tool; 6] = [
    Tool::Run,
    Tool::Record,
    Tool::Sign,
    Tool::Verify,
    Tool::Mock,
    Tool::MatchProducts,
];

/// What every tool has.
const COMMON: [&str; 4] = ["help", "quiet", "verbose", "version"];

/// What stands before the names of options that the reference does not have. None of its own
/// begins so.
const OUT_OF_REACH: &str = "zz-";

impl Tool {
    /// The tool of that name, which may have folders before it.
    pub(super) fn called(name: Option<&OsStr>) -> Option<Self> {
        let name = Path::new(name?).file_name()?;
        TOOLS.into_iter().find(|tool| name == tool.name())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Run => "in-toto-run",
            Self::Record => "in-toto-record",
            Self::Sign => "in-toto-sign",
            Self::Verify => "in-toto-verify",
            Self::Mock => "in-toto-mock",
            Self::MatchProducts => "in-toto-match-products",
        }
    }

    /// The long names of its options.
    fn options(self) -> &'static [&'static str] {
        match self {
            Self::Run => &[
                "base-path",
                "exclude",
                "gpg",
                "gpg-home",
                "lstrip-paths",
                "materials",
                "metadata-directory",
                "no-command",
                "password",
                "products",
                "record-streams",
                "run-timeout",
                "signing-key",
                "step-name",
                "use-dsse",
            ],
            Self::Record => &[
                "base-path",
                "exclude",
                "gpg",
                "gpg-home",
                "lstrip-paths",
                "materials",
                "metadata-directory",
                "password",
                "products",
                "signing-key",
                "step-name",
                "use-dsse",
            ],
            Self::Sign => &[
                "append", "file", "gpg", "gpg-home", "key", "output", "prompt", "verify",
            ],
            Self::Verify => &[
                "gpg",
                "gpg-home",
                "inspection-timeout",
                "layout",
                "link-dir",
                "verification-keys",
            ],
            Self::Mock => &["name", "use-dsse"],
            Self::MatchProducts => &["exclude", "link", "lstrip-paths", "paths"],
        }
    }

    /// Its command line.
    pub(super) fn command(self) -> Command {
        let command = Command::new(self.name()).version(env!("CARGO_PKG_VERSION"));
        let command = match self {
            Self::Run => run::Run::augment_args(command),
            Self::Record => record::Record::augment_args(command),
            Self::Sign => sign::Sign::augment_args(command),
            Self::Verify => verify::Verify::augment_args(command),
            Self::Mock => mock::Mock::augment_args(command),
            Self::MatchProducts => match_products::MatchProducts::augment_args(command),
        };
        let command = self.only_its_options(Speech::augment_args(command));
        command.infer_long_args(true)
    }

    fn only_its_options(self, command: Command) -> Command {
        command
            .mut_args(|option| self.adapt(option))
            .mut_subcommands(|part| self.only_its_options(part).infer_long_args(true))
    }

    /// An option under its name in the reference, or out of reach.
    fn adapt(self, option: Arg) -> Arg {
        let known = |name: &&str| self.options().contains(name) || COMMON.contains(name);
        let Some(long) = option.get_long() else {
            return option;
        };
        let aliases = option.get_all_aliases().unwrap_or_default();
        let name = std::iter::once(long)
            .chain(aliases)
            .find(known)
            .map(str::to_owned);
        let option = option.alias(None::<&str>).visible_alias(None::<&str>);
        match name {
            Some(name) => option.long(name).require_equals(false),
            None => {
                let long = format!("{OUT_OF_REACH}{}", option.get_id());
                option.long(long).hide(true)
            }
        }
    }

    /// The subcommand and the manner of speaking that a command line means.
    pub(super) fn parsed(self, matches: &ArgMatches) -> Result<(Subcommands, Speech), clap::Error> {
        let command = match self {
            Self::Run => Subcommands::Run(run::Run::from_arg_matches(matches)?),
            Self::Record => Subcommands::Record(record::Record::from_arg_matches(matches)?),
            Self::Sign => Subcommands::Sign(sign::Sign::from_arg_matches(matches)?),
            Self::Verify => Subcommands::Verify(verify::Verify::from_arg_matches(matches)?),
            Self::Mock => Subcommands::Mock(mock::Mock::from_arg_matches(matches)?),
            Self::MatchProducts => Subcommands::MatchProducts(
                match_products::MatchProducts::from_arg_matches(matches)?,
            ),
        };
        Ok((command, Speech::from_arg_matches(matches)?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tool_has_the_references_options_and_can_abbreviate_them() {
        for tool in TOOLS {
            let mut command = tool.command();
            command.build();
            let mut options: Vec<String> = Vec::new();
            let parts: Vec<Command> = command.get_subcommands().cloned().collect();
            for part in parts.iter().chain([&command]) {
                options.extend(
                    part.get_arguments()
                        .filter_map(Arg::get_long)
                        .map(str::to_owned),
                );
            }
            for name in tool.options() {
                assert!(
                    options.iter().any(|option| option == name),
                    "{tool:?} --{name}"
                );
            }
            let foreign = |option: &&String| {
                !tool.options().contains(&option.as_str())
                    && !COMMON.contains(&option.as_str())
                    && !option.starts_with(OUT_OF_REACH)
            };
            assert_eq!(options.iter().find(foreign), None, "{tool:?}");
            command.debug_assert();
        }
    }
}
