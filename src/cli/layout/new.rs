//! `layout new`: a template with keys and names filled in, and the commands that perform its steps.
//!
//! What is not given as an option is asked for on a terminal; without one it is wrong usage, all of it
//! named at once. A private key where a public one belongs is refused before anything is written.

use std::collections::BTreeMap;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Component, Path, PathBuf, absolute};
use std::process::ExitCode;

use clap::Args;

use crate::author::{
    Answers, Blank, Filled, KeyFile, TEMPLATES, Template, TemplateError, check_parameter, text,
};
use crate::keys::{KeyIdStyle, OpenPgpKey, PublicKey};
use crate::model::{Moment, command_line, escaped, printable, quoted};
use crate::store::{self, StoreError, Writing};

use super::super::failure::{DONE, Failure, answer, complain};
use super::output::exists;

/// Begin a layout from a template
///
/// Writes the template with its comments, your keys and names filled in, as a layout in the text form,
/// and prints the command that performs each step. What is not given is asked for when there is a
/// terminal. The keys need not be there yet.
#[derive(Args, Debug)]
pub(super) struct New {
    /// The template: one of those that --list shows
    #[arg(long, short, value_name = "NAME", required_unless_present = "list")]
    template: Option<String>,
    /// Show the templates, and which keys and parameters each needs
    #[arg(long)]
    list: bool,
    /// The public key of a functionary
    #[arg(long = "key", value_name = "WHO=FILE")]
    keys: Vec<String>,
    /// A name that the template needs; ASCII letters, digits and `._-+/:@=,%~`
    #[arg(long = "param", value_name = "NAME=VALUE")]
    parameters: Vec<String>,
    /// When the layout expires: a span such as 90d, or a date
    #[arg(long, value_name = "WHEN", value_parser = expiry)]
    expires: Option<String>,
    /// Write the layout to this file instead of `NAME.layout.toml`
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

impl New {
    pub(super) fn run(&self) -> Result<ExitCode, Failure> {
        if self.list {
            return self.show_templates();
        }
        let name = self.template.as_deref().unwrap_or_default();
        let template = Template::find(name).ok_or_else(|| unknown(name))?;
        let output = match &self.output {
            Some(output) => output.clone(),
            None => PathBuf::from(format!("{name}.layout.toml")),
        };
        if !self.force && output.symlink_metadata().is_ok() {
            return Err(exists(&output));
        }
        let (keys, parameters) = self.answers(template)?;
        look_at_keys(&keys)?;
        let answers = Answers {
            keys: keys
                .iter()
                .map(|(who, path)| Ok((who.clone(), key_file(path, &output)?)))
                .collect::<Result<_, Failure>>()?,
            parameters,
            expires: self.expires.clone(),
        };
        let filled = template
            .fill(&answers)
            .map_err(|wrong| refused(template, &wrong))?;
        self.write(&output, &filled)?;
        answer(next(&output, &filled).as_bytes())?;
        Ok(ExitCode::from(DONE))
    }

    fn show_templates(&self) -> Result<ExitCode, Failure> {
        let wanted = |template: &&Template| match &self.template {
            Some(name) => template.name == name,
            None => true,
        };
        let mut text = String::new();
        for template in TEMPLATES.iter().filter(wanted) {
            text.push_str(&format!("{}: {}\n", template.name, template.purpose()));
            for (option, blanks) in [("key", template.keys()), ("param", template.parameters())] {
                for blank in blanks {
                    let shown = format!("--{option} {}={}", blank.name, blank.example);
                    text.push_str(&format!("    {shown}\n        {}\n", blank.about));
                }
            }
        }
        if text.is_empty() {
            return Err(unknown(self.template.as_deref().unwrap_or_default()));
        }
        answer(text.as_bytes())?;
        Ok(ExitCode::from(DONE))
    }

    /// What was given, and what somebody at the terminal says about the rest.
    fn answers(&self, template: &Template) -> Result<(Named, Named), Failure> {
        let mut keys = named("key", &self.keys)?;
        let mut parameters = named("param", &self.parameters)?;
        if io::stdin().is_terminal() && io::stderr().is_terminal() {
            ask(&template.keys(), &mut keys, |_, _| Ok(()))?;
            ask(&template.parameters(), &mut parameters, check_parameter)?;
        }
        Ok((keys, parameters))
    }

    fn write(&self, output: &Path, filled: &Filled) -> Result<(), Failure> {
        let writing = match self.force {
            true => Writing::Public,
            false => Writing::PublicNew,
        };
        match store::write_file(output, filled.text.as_bytes(), writing) {
            Err(StoreError::Exists { .. }) => Err(exists(output)),
            other => other.map_err(Failure::failed),
        }
    }
}

/// Only looked at here: in the layout it stays as it is written, and a span counts from signing.
fn expiry(text: &str) -> Result<String, String> {
    let now = Moment::from_timestamp(jiff::Timestamp::now());
    let moment = text::expiry(text, now)?;
    match moment > now {
        true => Ok(text.to_owned()),
        false => Err(format!("{moment} has passed")),
    }
}

type Named = BTreeMap<String, String>;

/// `NAME=VALUE`, each name once.
fn named(option: &str, given: &[String]) -> Result<Named, Failure> {
    let mut named = Named::new();
    for pair in given {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Failure::usage(format!(
                "expected --{option} NAME=VALUE, found {}",
                quoted(pair)
            )));
        };
        if named.insert(name.to_owned(), value.to_owned()).is_some() {
            return Err(Failure::usage(format!(
                "--{option} {} is given twice",
                quoted(name)
            )));
        }
    }
    Ok(named)
}

/// Asks for what is not known yet, until it is fit. An empty line takes the example.
fn ask(
    blanks: &[Blank],
    known: &mut Named,
    check: impl Fn(&str, &str) -> Result<(), TemplateError>,
) -> Result<(), Failure> {
    for blank in blanks {
        while !known.contains_key(blank.name) {
            let question = format!("{} ({}) [{}]: ", blank.about, blank.name, blank.example);
            let mut stderr = io::stderr();
            (stderr
                .write_all(question.as_bytes())
                .and_then(|()| stderr.flush()))
            .map_err(|error| Failure::failed(format!("cannot ask: {error}")))?;
            let mut line = String::new();
            let length = io::stdin()
                .read_line(&mut line)
                .map_err(|error| Failure::failed(format!("cannot read the answer: {error}")))?;
            if length == 0 {
                return Err(Failure::failed("there was no answer"));
            }
            let value = match line.trim() {
                "" => blank.example,
                value => value,
            };
            match check(blank.name, value) {
                Ok(()) => drop(known.insert(blank.name.to_owned(), value.to_owned())),
                Err(wrong) => complain(&wrong.to_string()),
            }
        }
    }
    Ok(())
}

fn unknown(name: &str) -> Failure {
    let names: Vec<&str> = TEMPLATES.iter().map(|template| template.name).collect();
    Failure::usage(format!("there is no template {}", quoted(name)))
        .hint(format!("there are {}", names.join(", ")))
}

/// All that is wrong; for what is missing, the option that gives it.
fn refused(template: &Template, wrong: &[TemplateError]) -> Failure {
    let said: Vec<String> = wrong.iter().map(ToString::to_string).collect();
    let mut failure = Failure::usage(said.join("; "));
    let options = [
        ("key", "FILE", template.keys()),
        ("param", "VALUE", template.parameters()),
    ];
    for (option, value, blanks) in options {
        for blank in blanks {
            let missing = |error: &TemplateError| matches!(error, TemplateError::Missing { name, .. } if name == blank.name);
            if wrong.iter().any(missing) {
                let option = format!("--{option} {}={value}", blank.name);
                failure = failure.hint(format!("give {option}: {}", blank.about));
            }
        }
    }
    failure
}

/// Whether the key files that are there hold public keys, each another.
fn look_at_keys(keys: &Named) -> Result<(), Failure> {
    let mut seen: BTreeMap<String, &str> = BTreeMap::new();
    for (who, path) in keys {
        let identity = match Path::new(path).symlink_metadata() {
            Ok(_) => key_id(path)?,
            Err(_) => {
                complain(&format!(
                    "note: {} is not there yet; `linkwright key generate` makes keys",
                    quoted(path)
                ));
                path.clone()
            }
        };
        if let Some(other) = seen.insert(identity, who) {
            return Err(Failure::failed(format!(
                "{} and {} would have the same key: whoever has it could do the steps of both",
                quoted(other),
                quoted(who)
            ))
            .hint("give each another key; if one person is meant to do both, name the same key in `keys` of both steps afterwards"));
        }
    }
    Ok(())
}

fn key_id(path: &str) -> Result<String, Failure> {
    let bytes = store::read_file(Path::new(path)).map_err(Failure::failed)?;
    if OpenPgpKey::is_file(&bytes) {
        let key = OpenPgpKey::from_file_bytes(&bytes);
        return key
            .map(|key| key.keyid().as_str().to_owned())
            .map_err(|error| unfit(path, &error));
    }
    PublicKey::from_file_bytes(&bytes)
        .map(|key| key.id(KeyIdStyle::Current).as_str().to_owned())
        .map_err(|error| unfit(path, &error))
}

fn unfit(path: &str, error: &impl ToString) -> Failure {
    let error = error.to_string();
    Failure::failed(format!("cannot use the key {}: {error}", quoted(path)))
}

/// Where a key is, for the layout and for commands.
fn key_file(path: &str, output: &Path) -> Result<KeyFile, Failure> {
    let private = match path.strip_suffix(".pub") {
        Some(private) => private.to_owned(),
        None => format!("PRIVATE-KEY-OF-{path}"),
    };
    Ok(KeyFile {
        public: beside(path, output)?,
        private,
    })
}

/// A path as one that is relative to the folder of `output`.
fn beside(path: &str, output: &Path) -> Result<String, Failure> {
    let folder = output.parent().unwrap_or(Path::new(""));
    if Path::new(path).is_absolute() {
        return Ok(path.to_owned());
    }
    let down = |part: Component<'_>| matches!(part, Component::Normal(_));
    if folder.components().all(down) {
        return Ok(format!(
            "{}{path}",
            "../".repeat(folder.components().count())
        ));
    }
    let path = absolute(path)
        .map_err(|error| Failure::failed(format!("cannot find {}: {error}", quoted(path))))?;
    path.into_os_string().into_string().map_err(|path| {
        Failure::failed(format!("{} is not UTF-8", quoted(&path.to_string_lossy())))
    })
}

/// What to do with the layout: the commands of its steps for a shell, the rest as comments.
fn next(output: &Path, filled: &Filled) -> String {
    let output = output.to_string_lossy();
    let mut text = format!(
        "# {} is written. Its steps, each by whoever has the key:\nmkdir -p links\n",
        escaped(&output)
    );
    for performance in &filled.performances {
        let (step, key) = (&performance.step, &performance.key);
        let command = &performance.command;
        text.push_str(&format!("\n# {step}, by {key}\n{command}\n"));
    }
    let signed = command_line(&[
        "linkwright",
        "layout",
        "sign",
        &output,
        "--signing-key",
        "owner",
        "--output",
        "root.layout",
    ]);
    text.push_str(&format!(
        "\n# Whoever answers for the layout signs it:\n# {signed}\n\
         # Whoever gets the product verifies, in a folder that holds the product and nothing else:\n\
         # linkwright verify --layout ../root.layout --key ../owner.pub --link-dir ../links\n"
    ));
    printable(&text)
}
