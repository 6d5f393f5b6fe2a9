//! Artifact rules (in-toto specification 4.3.3).
//!
//! Metadata holds a rule as a list of words, [`Rule::from_words`]; people read and write it on one
//! line, where [`Rule`]'s `Display` and `FromStr` are inverse. Keywords are read in either case.

use std::fmt;
use std::str::FromStr;

use super::{ArtifactPath, ItemName, Pattern, quoted};

/// One rule of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// `ALLOW pattern`: takes what matches.
    Allow(Pattern),
    /// `CREATE pattern`: takes products that were no materials.
    Create(Pattern),
    /// `DELETE pattern`: takes materials that are no products.
    Delete(Pattern),
    /// `DISALLOW pattern`: refuses what matches and was not taken before.
    Disallow(Pattern),
    /// `MATCH …`: takes what another step has too.
    Match(MatchRule),
    /// `MODIFY pattern`: takes what is material and product with different digests.
    Modify(Pattern),
    /// `REQUIRE name`: refuses when that artifact is not there or was taken before.
    Require(ArtifactPath),
}

/// `MATCH pattern [IN source] WITH MATERIALS|PRODUCTS [IN destination] FROM step`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MatchRule {
    /// Matched against the name without the source prefix.
    pub pattern: Pattern,
    /// Folder of this step's artifacts.
    pub source: Option<Prefix>,
    /// Which side of the other step.
    pub side: Side,
    /// Folder of the other step's artifacts.
    pub destination: Option<Prefix>,
    /// The other step, or, in an inspection, the other step or inspection.
    pub from: ItemName,
}

/// The two sides of a step or inspection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// What was there before the command.
    Materials,
    /// What was there after the command.
    Products,
}

impl Side {
    /// The name of the rule list in a layout.
    pub fn rules_field(self) -> &'static str {
        match self {
            Self::Materials => "expected_materials",
            Self::Products => "expected_products",
        }
    }

    /// One artifact of this side, for messages.
    pub fn noun(self) -> &'static str {
        match self {
            Self::Materials => "material",
            Self::Products => "product",
        }
    }

    fn keyword(self) -> &'static str {
        match self {
            Self::Materials => "MATERIALS",
            Self::Products => "PRODUCTS",
        }
    }
}

/// A literal folder prefix in a MATCH rule: neither a pattern nor normalised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prefix {
    written: String,
    folder: String,
}

impl Prefix {
    /// `None` for the empty text, which stands for no prefix.
    pub fn new(written: &str) -> Option<Self> {
        if written.is_empty() {
            return None;
        }
        let slash = if written.ends_with('/') { "" } else { "/" };
        Some(Self {
            written: written.to_owned(),
            folder: format!("{written}{slash}").replace('\\', "/"),
        })
    }

    /// The name below this folder; `None` when it is not below. A rest that starts with `/` is
    /// below nothing: two readings of it would be possible.
    pub fn strip<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&self.folder)
            .filter(|rest| !rest.starts_with('/'))
    }

    /// The full name of something below this folder.
    pub fn join(&self, rest: &str) -> String {
        format!("{}{}", self.folder, rest.replace('\\', "/"))
    }

    /// The prefix as the rule has it.
    pub fn as_str(&self) -> &str {
        &self.written
    }
}

/// Why words are no rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// No words.
    #[error("the rule is empty")]
    Empty,
    /// The first word is none of the seven keywords.
    #[error(
        "{} is no rule, expected one of ALLOW, CREATE, DELETE, DISALLOW, MATCH, MODIFY, REQUIRE",
        quoted(word)
    )]
    UnknownKeyword {
        /// The word.
        word: String,
    },
    /// A keyword other than MATCH with more or fewer than one argument.
    #[error("{keyword} takes exactly one word after it, found {found}")]
    WordCount {
        /// The keyword.
        keyword: String,
        /// How many words follow it.
        found: usize,
    },
    /// MATCH with its words in another order.
    #[error(
        "expected `MATCH pattern [IN prefix] WITH MATERIALS|PRODUCTS [IN prefix] FROM step`, found {}",
        quoted(found)
    )]
    MatchForm {
        /// The words.
        found: String,
    },
    /// The step that MATCH refers to has no possible name.
    #[error(transparent)]
    Name(#[from] super::ItemNameError),
    /// A quoted word on a line does not end or has an unknown escape.
    #[error(
        "the quoted word at {} is not closed or has an unknown escape",
        quoted(rest)
    )]
    Quoting {
        /// The rest of the line from the quote on.
        rest: String,
    },
}

impl Rule {
    /// A rule from the list of words that layouts hold.
    ///
    /// # Errors
    /// See [`RuleError`].
    pub fn from_words<S: AsRef<str>>(words: &[S]) -> Result<Self, RuleError> {
        let words: Vec<&str> = words.iter().map(AsRef::as_ref).collect();
        let (keyword, arguments) = words.split_first().ok_or(RuleError::Empty)?;
        let upper = keyword.to_ascii_uppercase();
        if upper == "MATCH" {
            return MatchRule::from_arguments(arguments)?
                .map(Self::Match)
                .ok_or_else(|| RuleError::MatchForm {
                    found: words.join(" "),
                });
        }
        let make = match upper.as_str() {
            "ALLOW" => Self::Allow,
            "CREATE" => Self::Create,
            "DELETE" => Self::Delete,
            "DISALLOW" => Self::Disallow,
            "MODIFY" => Self::Modify,
            "REQUIRE" => |pattern: Pattern| Self::Require(ArtifactPath::claimed(pattern.as_str())),
            _ => {
                return Err(RuleError::UnknownKeyword {
                    word: (*keyword).to_owned(),
                });
            }
        };
        match arguments {
            [argument] => Ok(make(Pattern::new(argument))),
            _ => Err(RuleError::WordCount {
                keyword: upper,
                found: arguments.len(),
            }),
        }
    }

    /// The step or inspection that the rule compares with, if it is a MATCH.
    pub fn source(&self) -> Option<&ItemName> {
        match self {
            Self::Match(rule) => Some(&rule.from),
            Self::Allow(_)
            | Self::Create(_)
            | Self::Delete(_)
            | Self::Disallow(_)
            | Self::Modify(_)
            | Self::Require(_) => None,
        }
    }

    /// The words, keywords in upper case.
    pub fn words(&self) -> Vec<&str> {
        match self {
            Self::Allow(pattern) => vec!["ALLOW", pattern.as_str()],
            Self::Create(pattern) => vec!["CREATE", pattern.as_str()],
            Self::Delete(pattern) => vec!["DELETE", pattern.as_str()],
            Self::Disallow(pattern) => vec!["DISALLOW", pattern.as_str()],
            Self::Match(rule) => rule.words(),
            Self::Modify(pattern) => vec!["MODIFY", pattern.as_str()],
            Self::Require(path) => vec!["REQUIRE", path.as_str()],
        }
    }
}

impl MatchRule {
    /// `Ok(None)` when the words do not stand as they should.
    fn from_arguments(arguments: &[&str]) -> Result<Option<Self>, RuleError> {
        let [pattern, rest @ ..] = arguments else {
            return Ok(None);
        };
        let (source, rest) = optional_prefix(rest);
        let [with, side, rest @ ..] = rest else {
            return Ok(None);
        };
        let (destination, rest) = optional_prefix(rest);
        let [from, step] = rest else {
            return Ok(None);
        };
        let side = match side.to_ascii_uppercase().as_str() {
            "MATERIALS" => Side::Materials,
            "PRODUCTS" => Side::Products,
            _ => return Ok(None),
        };
        if !with.eq_ignore_ascii_case("WITH") || !from.eq_ignore_ascii_case("FROM") {
            return Ok(None);
        }
        Ok(Some(Self {
            pattern: Pattern::new(pattern),
            source,
            side,
            destination,
            from: ItemName::new(step)?,
        }))
    }

    /// The name of what the rule would compare with an artifact of the other step that has this name.
    pub fn own_name(&self, name: &str) -> Option<String> {
        let rest = match &self.destination {
            Some(prefix) => prefix.strip(name)?,
            None => name,
        };
        let own = self
            .source
            .as_ref()
            .map_or_else(|| rest.to_owned(), |prefix| prefix.join(rest));
        self.pattern.matches(rest).then_some(own)
    }

    fn words(&self) -> Vec<&str> {
        let mut words = vec!["MATCH", self.pattern.as_str()];
        if let Some(prefix) = &self.source {
            words.extend(["IN", prefix.as_str()]);
        }
        words.extend(["WITH", self.side.keyword()]);
        if let Some(prefix) = &self.destination {
            words.extend(["IN", prefix.as_str()]);
        }
        words.extend(["FROM", self.from.as_str()]);
        words
    }
}

fn optional_prefix<'a, 'b>(words: &'a [&'b str]) -> (Option<Prefix>, &'a [&'b str]) {
    match words {
        [keyword, prefix, rest @ ..] if keyword.eq_ignore_ascii_case("IN") => {
            (Prefix::new(prefix), rest)
        }
        _ => (None, words),
    }
}

/// One line: words between single spaces. A word that is empty, or has white space, a control
/// character or `"` in it, stands between quotes, with `\"`, `\\` and `\u{…}` as its only escapes.
impl fmt::Display for Rule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, word) in self.words().into_iter().enumerate() {
            if at > 0 {
                formatter.write_str(" ")?;
            }
            write_word(word, formatter)?;
        }
        Ok(())
    }
}

fn write_word(word: &str, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
    let plain = |c: char| !c.is_whitespace() && !c.is_control() && c != '"';
    if !word.is_empty() && word.chars().all(plain) {
        return formatter.write_str(word);
    }
    formatter.write_str("\"")?;
    for character in word.chars() {
        match character {
            '"' | '\\' => write!(formatter, "\\{character}")?,
            _ if character.is_control() => write!(formatter, "{}", character.escape_unicode())?,
            _ => write!(formatter, "{character}")?,
        }
    }
    formatter.write_str("\"")
}

impl FromStr for Rule {
    type Err = RuleError;

    fn from_str(line: &str) -> Result<Self, RuleError> {
        Self::from_words(&Self::line_words(line)?)
    }
}

impl Rule {
    /// The words of a rule that stands on one line, whether or not they make a rule.
    ///
    /// # Errors
    /// [`RuleError::Quoting`]
    pub fn line_words(line: &str) -> Result<Vec<String>, RuleError> {
        let mut words = Vec::new();
        let mut rest = line.trim_start();
        while !rest.is_empty() {
            let (word, behind) = match rest.strip_prefix('"') {
                Some(quoted) => quoted_word(quoted).ok_or_else(|| RuleError::Quoting {
                    rest: rest.to_owned(),
                })?,
                None => {
                    let (word, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                    (word.to_owned(), behind)
                }
            };
            words.push(word);
            rest = behind.trim_start();
        }
        Ok(words)
    }
}

/// The word up to the closing quote and what is behind it.
fn quoted_word(quoted: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut characters = quoted.chars();
    loop {
        match characters.next()? {
            '"' => {
                let rest = characters.as_str();
                let separated = rest.is_empty() || rest.starts_with(char::is_whitespace);
                return separated.then_some((word, rest));
            }
            '\\' => match characters.next()? {
                escaped @ ('"' | '\\') => word.push(escaped),
                'u' => {
                    let (code, behind) = characters.as_str().strip_prefix('{')?.split_once('}')?;
                    if !code.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                        return None;
                    }
                    word.push(char::from_u32(u32::from_str_radix(code, 16).ok()?)?);
                    characters = behind.chars();
                }
                _ => return None,
            },
            character => word.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(line: &str) -> Result<Rule, RuleError> {
        Rule::from_words(&line.split(' ').collect::<Vec<_>>())
    }

    #[test]
    fn keywords_are_read_in_either_case() {
        assert_eq!(rule("allow *"), rule("ALLOW *"));
        assert_eq!(
            rule("match a in s with Products iN d from x"),
            rule("MATCH a IN s WITH PRODUCTS IN d FROM x")
        );
    }

    #[test]
    fn words_out_of_place_are_refused() {
        for line in [
            "",
            "ALLOW",
            "ALLOW a b",
            "PERMIT a",
            "MATCH",
            "MATCH a",
            "MATCH a WITH PRODUCTS",
            "MATCH a FROM x WITH PRODUCTS",
            "MATCH a IN WITH PRODUCTS FROM x",
            "MATCH a WITH THINGS FROM x",
            "MATCH a WITH PRODUCTS FROM x y",
            "MATCH a IN s IN t WITH PRODUCTS FROM x",
            "MATCH a WITH PRODUCTS FROM ../x",
        ] {
            assert!(rule(line).is_err(), "{line}");
        }
        assert_eq!(Rule::from_words::<&str>(&[]), Err(RuleError::Empty));
    }

    #[test]
    fn a_prefix_may_be_named_like_a_keyword() {
        let words = [
            "MATCH",
            "IN",
            "IN",
            "WITH",
            "WITH",
            "MATERIALS",
            "FROM",
            "FROM",
        ];
        let Ok(Rule::Match(rule)) = Rule::from_words(&words) else {
            panic!("a rule");
        };
        assert_eq!(rule.pattern.as_str(), "IN");
        assert_eq!(rule.source.unwrap().as_str(), "WITH");
        assert_eq!(rule.from.as_str(), "FROM");
    }

    #[test]
    fn prefixes_are_folders_and_literal() {
        let prefix = Prefix::new("src").unwrap();
        assert_eq!(prefix.strip("src/a"), Some("a"));
        for outside in ["srca", "./src/a", "src", "src//a", "a/src/b"] {
            assert_eq!(prefix.strip(outside), None, "{outside}");
        }
        assert_eq!(Prefix::new("src/").unwrap().strip("src/a/b"), Some("a/b"));
        assert_eq!(Prefix::new("a\\b").unwrap().join("c"), "a/b/c");
        assert_eq!(Prefix::new(""), None);
    }

    #[test]
    fn a_line_and_its_rule_are_inverse_for_awkward_words() {
        for word in [
            "",
            " ",
            "a b",
            "\"",
            "\\",
            "a\"b\\",
            "\n",
            "\u{202e}x",
            "é",
            "'",
            "#",
        ] {
            let rule = Rule::Allow(Pattern::new(word));
            assert_eq!(rule.to_string().parse(), Ok(rule), "{word:?}");
        }
        assert!("ALLOW \"a".parse::<Rule>().is_err());
        assert!("ALLOW \"a\"b".parse::<Rule>().is_err());
        assert!("ALLOW \"\\n\"".parse::<Rule>().is_err());
        assert!("ALLOW \"\\u{+41}\"".parse::<Rule>().is_err());
    }
}
