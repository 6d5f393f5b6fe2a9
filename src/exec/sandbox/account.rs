//! What the inner process tells whoever started it, one line each.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;

use super::account_path;

/// How a shut-in command went.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The protections that were in force, each in a few words.
    pub held: Vec<String>,
    /// Those that were not, and why.
    pub lacking: Vec<String>,
    /// How it ended; `None` when nobody could say.
    pub ending: Option<Ending>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By itself.
    Exited(i32),
    /// By a signal.
    Signaled(i32),
    /// It was ended because it had too many processes.
    Crowded,
    /// It was ended because it took too much space.
    Full,
    /// It was ended because it took too much memory.
    Heavy,
    /// It was ended because it used too much processor time.
    Busy,
    /// It was not started, because some protection was lacking.
    Declined,
    /// It could not be started, or not be watched.
    Failed(String),
}

impl Account {
    /// Lines that mean nothing, such as the beginning of one, are left out.
    pub(super) fn parse(text: &str) -> Self {
        let mut account = Self::default();
        // A line that is not whole was not meant yet.
        for line in text.split_inclusive('\n') {
            let Some(line) = line.strip_suffix('\n') else {
                break;
            };
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let ending = match word {
                "held" => {
                    account.held.push(rest.to_owned());
                    continue;
                }
                "lacking" => {
                    account.lacking.push(rest.to_owned());
                    continue;
                }
                "exited" => rest.parse().ok().map(Ending::Exited),
                "signaled" => rest.parse().ok().map(Ending::Signaled),
                "crowded" => Some(Ending::Crowded),
                "full" => Some(Ending::Full),
                "heavy" => Some(Ending::Heavy),
                "busy" => Some(Ending::Busy),
                "declined" => Some(Ending::Declined),
                "failed" => Some(Ending::Failed(rest.to_owned())),
                _ => None,
            };
            account.ending = match (account.ending, ending) {
                // What was well is not, if afterwards something went wrong.
                (Some(Ending::Exited(0)), Some(Ending::Failed(why))) => Some(Ending::Failed(why)),
                (first, later) => first.or(later),
            };
        }
        account
    }
}

/// The file in which it is written.
pub(super) struct Ledger(pub(super) File);

impl Ledger {
    pub(super) fn open(base: &Path) -> io::Result<Self> {
        let path = account_path(base);
        let opened = File::options().create(true).append(true).open(path)?;
        Ok(Self(opened))
    }

    pub(super) fn held(&mut self, what: &str) -> io::Result<()> {
        self.line("held", what)
    }

    pub(super) fn lacking(&mut self, what: &str) -> io::Result<()> {
        self.line("lacking", what)
    }

    pub(super) fn ending(&mut self, ending: &Ending) -> io::Result<()> {
        match ending {
            Ending::Exited(code) => self.line("exited", &code.to_string()),
            Ending::Signaled(signal) => self.line("signaled", &signal.to_string()),
            Ending::Crowded => self.line("crowded", ""),
            Ending::Full => self.line("full", ""),
            Ending::Heavy => self.line("heavy", ""),
            Ending::Busy => self.line("busy", ""),
            Ending::Declined => self.line("declined", ""),
            Ending::Failed(why) => self.line("failed", why),
        }
    }

    fn line(&mut self, word: &str, rest: &str) -> io::Result<()> {
        let rest = rest.replace('\n', " ");
        self.0.write_all(format!("{word} {rest}\n").as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let mut ledger = Ledger(tempfile::tempfile().unwrap());
        ledger.held("Landlock").unwrap();
        ledger.lacking("a\nb").unwrap();
        ledger.ending(&Ending::Exited(3)).unwrap();
        let mut text = String::new();
        io::Seek::rewind(&mut ledger.0).unwrap();
        io::Read::read_to_string(&mut ledger.0, &mut text).unwrap();
        let expected = Account {
            held: vec!["Landlock".to_owned()],
            lacking: vec!["a b".to_owned()],
            ending: Some(Ending::Exited(3)),
        };
        assert_eq!(Account::parse(&text), expected);
    }

    #[test]
    fn the_first_ending_counts_and_half_a_line_says_nothing() {
        assert_eq!(Account::parse("").ending, None);
        assert_eq!(Account::parse("exited 0").ending, None);
        assert_eq!(Account::parse("exited x\n").ending, None);
        let twice = Account::parse("full \nexited 0\n");
        assert_eq!(twice.ending, Some(Ending::Full));
        let failed = Account::parse("exited 0\nfailed x\n");
        assert_eq!(failed.ending, Some(Ending::Failed("x".to_owned())));
    }
}
