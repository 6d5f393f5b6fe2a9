//! Templates: layouts of common pipelines, with keys and names to fill in.
//!
//! A template is a layout in the text form like any other (the files in `layouts/`). What is to be
//! filled in are the values in its tables `[keys]` and `[parameters]` and its expiry, each on a line
//! of its own, and the command that performs a step, which stands above the step as a comment after
//! `#   $ `. Nothing that is filled in gets anywhere else: values become TOML strings and words of a
//! shell. Refused are parameters that a rule could read as a pattern or a command as an option.

use std::collections::BTreeMap;

use crate::model::{command_line, is_unprintable, quoted};

/// How a line begins that is part of a command.
const COMMAND: &str = "#   $ ";

/// What a parameter may hold beside ASCII letters and digits. No `*`, `?` or `[`, which would widen a
/// rule, no braces, spaces or quotes.
const PARAMETER: &str = "._-+/:@=,%~";

/// No name or address is longer.
const MAX_PARAMETER: usize = 512;

/// A layout to begin with.
#[derive(Clone, Copy, Debug)]
pub struct Template {
    /// Its name.
    pub name: &'static str,
    /// The file, as it is in `layouts/`.
    pub text: &'static str,
}

macro_rules! templates {
    ($($name:literal),+ $(,)?) => {
        [$(Template {
            name: $name,
            text: include_str!(concat!("../../layouts/", $name, ".layout.toml")),
        }),+]
    };
}

/// All templates, by name.
pub static TEMPLATES: [Template; 8] = templates![
    "cargo",
    "docker",
    "kubectl",
    "make",
    "npm",
    "pipeline",
    "python-wheel",
    "release-tarball",
];

/// Something to be filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blank {
    /// The name of the key or parameter.
    pub name: &'static str,
    /// What it is.
    pub about: String,
    /// What the template has in its place.
    pub example: &'static str,
}

/// Where a functionary's key is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyFile {
    /// The public key, as the layout names it: relative to the layout's own folder.
    pub public: String,
    /// The private key, as commands name it.
    pub private: String,
}

/// What is filled in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answers {
    /// The keys, all of [`Template::keys`].
    pub keys: BTreeMap<String, KeyFile>,
    /// The parameters, all of [`Template::parameters`].
    pub parameters: BTreeMap<String, String>,
    /// When the layout expires, if not when the template says.
    pub expires: Option<String>,
}

/// A template with everything filled in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The layout in the text form.
    pub text: String,
    /// What performs the steps, in their order; a step that several must perform is there as often.
    pub performances: Vec<Performance>,
}

/// One functionary's part in a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Performance {
    /// The step.
    pub step: String,
    /// The functionary, as the layout names the key.
    pub key: String,
    /// The command for a shell, perhaps on several lines.
    pub command: String,
}

/// Why a template cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A key or parameter was not given.
    #[error("the {kind} {} is not given", quoted(name))]
    Missing {
        /// `key` or `parameter`.
        kind: &'static str,
        /// Its name.
        name: String,
    },
    /// The template has no such key or parameter.
    #[error("the template has no {kind} {}", quoted(name))]
    Unknown {
        /// `key` or `parameter`.
        kind: &'static str,
        /// The name that was given.
        name: String,
    },
    /// A parameter is empty or too long, or begins with `-`.
    #[error(
        "the value of {} must have 1 to {MAX_PARAMETER} characters and not begin with `-`",
        quoted(name)
    )]
    Form {
        /// Its name.
        name: String,
    },
    /// A parameter holds a character that could mean something else to a rule or a shell.
    #[error("the value {} of {} has {} in it, expected ASCII letters, digits and `{PARAMETER}`", quoted(value), quoted(name), quoted(&found.to_string()))]
    Character {
        /// Its name.
        name: String,
        /// Its value.
        value: String,
        /// The first such character.
        found: char,
    },
}

/// Checks the value of a parameter.
///
/// # Errors
/// See [`TemplateError`].
pub fn check_parameter(name: &str, value: &str) -> Result<(), TemplateError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || PARAMETER.contains(c);
    if let Some(found) = value.chars().find(|c| !allowed(*c)) {
        return Err(TemplateError::Character {
            name: name.to_owned(),
            value: value.to_owned(),
            found,
        });
    }
    if value.is_empty() || value.len() > MAX_PARAMETER || value.starts_with('-') {
        return Err(TemplateError::Form {
            name: name.to_owned(),
        });
    }
    Ok(())
}

impl Template {
    /// The template of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        TEMPLATES.iter().find(|template| template.name == name)
    }

    /// What it is for, in one line.
    pub fn purpose(&self) -> &'static str {
        let first = self.text.lines().next().unwrap_or_default();
        first.trim_start_matches(['#', ' '])
    }

    /// The keys of the functionaries.
    pub fn keys(&self) -> Vec<Blank> {
        self.blanks("[keys]")
    }

    /// The names that differ from project to project.
    pub fn parameters(&self) -> Vec<Blank> {
        self.blanks("[parameters]")
    }

    fn blanks(&self, table: &str) -> Vec<Blank> {
        let mut blanks = Vec::new();
        let mut about: Vec<&str> = Vec::new();
        let lines = self.text.lines().skip_while(|line| *line != table).skip(1);
        for line in lines.take_while(|line| !line.starts_with('[')) {
            if let Some(comment) = line.strip_prefix("# ") {
                about.push(comment);
            } else if let Some((name, value)) = line.split_once(" = ") {
                blanks.push(Blank {
                    name,
                    about: about.join(" "),
                    example: value.trim_matches('"'),
                });
                about.clear();
            }
        }
        blanks
    }

    /// Fills everything in.
    ///
    /// # Errors
    /// All that is missing, superfluous or not fit, each by name.
    pub fn fill(&self, answers: &Answers) -> Result<Filled, Vec<TemplateError>> {
        let wrong = self.wrong(answers);
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut text = String::with_capacity(self.text.len());
        let mut performances: Vec<Performance> = Vec::new();
        let mut table = "";
        for line in self.text.lines() {
            if line.starts_with('[') {
                table = line;
            }
            let Some(words) = line.strip_prefix(COMMAND) else {
                text.push_str(&answers.line(table, line));
                text.push('\n');
                continue;
            };
            let command = answers.command(words);
            text.push_str(&format!("{COMMAND}{command}\n"));
            match performances.last_mut() {
                Some(begun) if begun.command.ends_with('\\') => {
                    begun.command.push('\n');
                    begun.command.push_str(&command);
                }
                _ => performances.push(Performance::new(words, command)),
            }
        }
        Ok(Filled { text, performances })
    }

    fn wrong(&self, answers: &Answers) -> Vec<TemplateError> {
        let mut wrong = Vec::new();
        compare("key", &self.keys(), &answers.keys, &mut wrong);
        let parameters = &answers.parameters;
        compare("parameter", &self.parameters(), parameters, &mut wrong);
        for (name, value) in parameters {
            wrong.extend(check_parameter(name, value).err());
        }
        wrong
    }
}

fn compare<T>(
    kind: &'static str,
    blanks: &[Blank],
    given: &BTreeMap<String, T>,
    wrong: &mut Vec<TemplateError>,
) {
    for blank in blanks {
        if !given.contains_key(blank.name) {
            wrong.push(TemplateError::Missing {
                kind,
                name: blank.name.to_owned(),
            });
        }
    }
    for name in given.keys() {
        if !blanks.iter().any(|blank| blank.name == name) {
            wrong.push(TemplateError::Unknown {
                kind,
                name: name.clone(),
            });
        }
    }
}

impl Answers {
    /// A line of the layout itself.
    fn line(&self, table: &str, line: &str) -> String {
        let value = line.split_once(" = ").and_then(|(name, _)| {
            let value = match (table, name) {
                ("", "expires") => self.expires.as_ref(),
                ("[keys]", _) => self.keys.get(name).map(|key| &key.public),
                ("[parameters]", _) => self.parameters.get(name),
                _ => None,
            };
            value.map(|value| format!("{name} = {}", toml_string(value)))
        });
        value.unwrap_or_else(|| line.to_owned())
    }

    /// A line of a command, so that a shell reads each word as it is here.
    fn command(&self, line: &str) -> String {
        let indent = line.len() - line.trim_start().len();
        let words: Vec<String> = line
            .split_whitespace()
            .map(|word| self.word(word))
            .collect();
        format!("{}{}", " ".repeat(indent), words.join(" "))
    }

    fn word(&self, word: &str) -> String {
        if word == "\\" {
            return word.to_owned();
        }
        let mut filled = word.to_owned();
        for (name, value) in &self.parameters {
            filled = filled.replace(&format!("{{{name}}}"), value);
        }
        // The only thing here that may hold a brace, so it comes last.
        let key = word
            .strip_prefix('{')
            .and_then(|word| word.strip_suffix('}'));
        if let Some(key) = key.and_then(|key| self.keys.get(key)) {
            filled.clone_from(&key.private);
        }
        command_line(&[filled])
    }
}

impl Performance {
    /// From the first line of a command, as the template has it and filled in.
    fn new(template: &str, command: String) -> Self {
        let after = |option: &str| {
            let mut words = template
                .split_whitespace()
                .skip_while(|word| *word != option);
            words
                .nth(1)
                .unwrap_or_default()
                .trim_matches(['{', '}'])
                .to_owned()
        };
        Self {
            step: after("--step-name"),
            key: after("--signing-key"),
            command,
        }
    }
}

/// A basic string of TOML.
fn toml_string(value: &str) -> String {
    let mut string = String::from("\"");
    for character in value.chars() {
        match character {
            '"' | '\\' => string.extend(['\\', character]),
            _ if is_unprintable(character) => {
                string.push_str(&format!("\\U{:08X}", u32::from(character)));
            }
            _ => string.push(character),
        }
    }
    string.push('"');
    string
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn answers(template: &Template) -> Answers {
        let keys = template.keys().into_iter().map(|blank| {
            let key = KeyFile {
                public: blank.example.to_owned(),
                private: blank.example.trim_end_matches(".pub").to_owned(),
            };
            (blank.name.to_owned(), key)
        });
        let parameters = template.parameters().into_iter();
        Answers {
            keys: keys.collect(),
            parameters: parameters
                .map(|blank| (blank.name.to_owned(), blank.example.to_owned()))
                .collect(),
            expires: None,
        }
    }

    #[test]
    fn examples_filled_in_are_the_template_itself() {
        for template in &TEMPLATES {
            let filled = template.fill(&answers(template)).unwrap();
            let same = |line: &&str| !line.starts_with(COMMAND);
            let lines: Vec<&str> = filled.text.lines().filter(same).collect();
            let expected: Vec<&str> = template.text.lines().filter(same).collect();
            assert_eq!(lines, expected, "{}", template.name);
            assert!(!template.keys().is_empty() && !template.parameters().is_empty());
            for blank in template.keys().into_iter().chain(template.parameters()) {
                assert!(!blank.about.is_empty(), "{}: {blank:?}", template.name);
            }
        }
    }

    #[test]
    fn every_command_is_complete_and_every_key_used() {
        for template in &TEMPLATES {
            let performances = template.fill(&answers(template)).unwrap().performances;
            let mut used = BTreeSet::new();
            for performance in &performances {
                let begin = format!(
                    "linkwright run --step-name {} --signing-key keys/{} ",
                    performance.step, performance.key
                );
                assert!(performance.command.starts_with(&begin), "{performance:?}");
                assert!(!performance.command.contains(['{', '}']), "{performance:?}");
                used.insert(performance.key.as_str());
            }
            let keys: BTreeSet<&str> = template.keys().iter().map(|blank| blank.name).collect();
            assert_eq!(used, keys, "{}", template.name);
        }
    }

    #[test]
    fn hostile_paths_stay_strings_of_toml_and_words_of_a_shell() {
        let template = Template::find("make").unwrap();
        let mut answers = answers(template);
        let hostile = "k\"\n[[step]]\u{202e} '; rm -rf {NAME} $(id)\\";
        for key in answers.keys.values_mut() {
            hostile.clone_into(&mut key.public);
            hostile.clone_into(&mut key.private);
        }
        answers.expires = Some("1d\"\nreadme = \"x".to_owned());
        let filled = template.fill(&answers).unwrap();
        assert_eq!(filled.text.lines().count(), template.text.lines().count());
        assert!(
            filled.text.contains(
                r#"builder = "k\"\U0000000A[[step]]\U0000202E '; rm -rf {NAME} $(id)\\""#
            )
        );
        assert!(
            filled
                .text
                .contains(r#"expires = "1d\"\U0000000Areadme = \"x""#)
        );
        let word = command_line(&[hostile]);
        let commands: Vec<&str> = filled
            .text
            .lines()
            .filter(|line| line.contains("--signing-key"))
            .collect();
        assert_eq!(commands.len(), 3);
        assert!(
            commands.iter().all(|command| command.contains(&word)),
            "{commands:?}"
        );
    }

    #[test]
    fn parameters_that_mean_something_else_are_refused() {
        let template = Template::find("make").unwrap();
        for value in [
            "", "*", "a b", "-C", "a\nb", "[a]", "{X}", "a\"", "$(id)", "a?", "\u{e4}",
        ] {
            let mut answers = answers(template);
            answers
                .parameters
                .insert("NAME".to_owned(), value.to_owned());
            let wrong = template.fill(&answers).unwrap_err();
            assert!(
                matches!(
                    wrong.as_slice(),
                    [TemplateError::Form { .. } | TemplateError::Character { .. }]
                ),
                "{value:?}: {wrong:?}"
            );
        }
    }

    #[test]
    fn everything_missing_and_superfluous_is_said_at_once() {
        let template = Template::find("make").unwrap();
        let mut answers = answers(template);
        answers.keys.remove("cloner");
        answers.parameters.clear();
        answers
            .parameters
            .insert("VERSION".to_owned(), "1".to_owned());
        let wrong = template.fill(&answers).unwrap_err();
        let said: Vec<String> = wrong.iter().map(ToString::to_string).collect();
        assert_eq!(
            said,
            [
                "the key `cloner` is not given",
                "the parameter `NAME` is not given",
                "the parameter `REPOSITORY` is not given",
                "the template has no parameter `VERSION`",
            ]
        );
    }
}
