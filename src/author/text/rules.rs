//! Rule lists and the named ones of `[rules]`.
//!
//! A rule is one line (`"MATCH src/* WITH PRODUCTS FROM clone"`), a list of its exact words, or
//! `"@name"` for all rules of a named list. Refused: names of no list, lists that hold themselves.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use crate::encoding::Value;
use crate::model::{Rule, RuleError, quoted, similar};

use super::error::Errors;
use super::parameters::Parameters;
use super::tree::{Entry, Node, Spanned};

/// How many rules all lists together may have, those of named lists counted wherever they stand: a few
/// lines could otherwise stand for more rules than there is memory.
const RULES_AT_MOST: usize = 100_000;

/// What `@` stands for in front of a name.
const SET: char = '@';

const KEYWORDS: [&str; 7] = [
    "ALLOW", "CREATE", "DELETE", "DISALLOW", "MATCH", "MODIFY", "REQUIRE",
];

/// A rule as the layout has it, and where it stands.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) words: Value,
    pub(super) rule: Rule,
    pub(super) span: Range<usize>,
}

/// The named lists.
#[derive(Debug, Default)]
pub(super) struct Sets<'a> {
    entries: &'a [Entry],
    by_name: BTreeMap<&'a str, &'a Entry>,
    /// Those that are read; `None` while one is being read.
    read: BTreeMap<&'a str, Option<Vec<Written>>>,
    used: BTreeSet<&'a str>,
    /// How many rules were read.
    count: usize,
}

impl<'a> Sets<'a> {
    pub(super) fn read(
        table: Option<&'a Spanned>,
        parameters: &mut Parameters<'_>,
        errors: &mut Errors<'_>,
    ) -> Self {
        let entries = table.and_then(|table| errors.table(table)).unwrap_or(&[]);
        let mut sets = Self {
            entries,
            by_name: entries
                .iter()
                .map(|entry| (entry.name.as_str(), entry))
                .collect(),
            ..Self::default()
        };
        for entry in entries {
            errors.check_name(entry, "a list of rules");
            sets.load(entry, parameters, errors);
        }
        // What one holds is no use of it as long as nobody uses that one.
        sets.used.clear();
        sets
    }

    fn load(&mut self, entry: &'a Entry, parameters: &mut Parameters<'_>, errors: &mut Errors<'_>) {
        if self.read.contains_key(entry.name.as_str()) {
            return;
        }
        self.read.insert(&entry.name, None);
        let rules = self.list(&entry.value, parameters, errors);
        self.read.insert(&entry.name, Some(rules));
    }

    /// The rules of a list, named ones in their place.
    pub(super) fn list(
        &mut self,
        list: &'a Spanned,
        parameters: &mut Parameters<'_>,
        errors: &mut Errors<'_>,
    ) -> Vec<Written> {
        let mut rules = Vec::new();
        for item in errors.list(list) {
            let before = rules.len();
            if let Node::Text(text) = &item.node
                && let Some(name) = text.strip_prefix(SET)
            {
                rules.extend(self.named(name, item, parameters, errors));
            } else {
                rules.extend(read_rule(item, parameters, errors));
            }
            self.count += rules.len() - before;
            if self.count > RULES_AT_MOST {
                let message = format!("there are more than {RULES_AT_MOST} rules in all lists");
                errors.put(None, message, None);
                return Vec::new();
            }
        }
        rules
    }

    fn named(
        &mut self,
        name: &str,
        item: &Spanned,
        parameters: &mut Parameters<'_>,
        errors: &mut Errors<'_>,
    ) -> Vec<Written> {
        let entries = self.entries;
        let at = errors.place_of(name, &item.span);
        let Some(entry) = self.by_name.get(name).copied() else {
            let message = format!("there are no rules named {}", quoted(name));
            let known = entries.iter().map(|entry| entry.name.as_str());
            errors.unknown(&at, message, name, known);
            return Vec::new();
        };
        self.used.insert(&entry.name);
        self.load(entry, parameters, errors);
        match self.read.get(entry.name.as_str()) {
            Some(Some(rules)) => rules.clone(),
            _ => {
                let message = format!("the rules named {} hold themselves", quoted(name));
                errors.add(&at, message);
                Vec::new()
            }
        }
    }

    /// Tells of named lists that stand nowhere: they protect nothing.
    pub(super) fn tell_unused(&self, errors: &mut Errors<'_>) {
        let mut used = self.used.clone();
        let mut open: Vec<&str> = used.iter().copied().collect();
        while let Some(name) = open.pop() {
            let entry = self.by_name.get(name);
            let Some(Node::List(items)) = entry.map(|entry| &entry.value.node) else {
                continue;
            };
            for item in items {
                if let Node::Text(text) = &item.node
                    && let Some(name) = text.strip_prefix(SET)
                    && used.insert(name)
                {
                    open.push(name);
                }
            }
        }
        for entry in self.entries {
            if !used.contains(entry.name.as_str()) {
                let message = format!(
                    "no step and no inspection has the rules named {}",
                    quoted(&entry.name)
                );
                let help = format!("write \"@{}\" into a list of rules", entry.name);
                errors.note(&entry.key, message, Some(&help));
            }
        }
    }
}

fn read_rule(
    item: &Spanned,
    parameters: &mut Parameters<'_>,
    errors: &mut Errors<'_>,
) -> Option<Written> {
    let exact = matches!(item.node, Node::List(_));
    let before = errors.found.len();
    let words = if exact {
        let items = errors.list(item).iter();
        items
            .map(|word| errors.text_of(word).map(str::to_owned))
            .collect::<Option<Vec<_>>>()?
    } else {
        let line = errors.text_of(item)?;
        Rule::line_words(line)
            .map_err(|error| errors.add(&item.span, error.to_string()))
            .ok()?
    };
    let words: Vec<String> = words
        .iter()
        .map(|word| parameters.fill(word, &item.span, errors))
        .collect();
    if errors.found.len() > before {
        return None;
    }
    let rule = match Rule::from_words(&words) {
        Ok(rule) => rule,
        Err(error) => {
            complain(&error, item, errors);
            return None;
        }
    };
    let words = if exact {
        Value::from(words)
    } else {
        Value::from(rule.words())
    };
    Some(Written {
        words,
        rule,
        span: item.span.clone(),
    })
}

/// The words that a MATCH rule is made of besides names.
const MATCH_WORDS: [&str; 5] = ["WITH", "PRODUCTS", "MATERIALS", "IN", "FROM"];

/// What is missing from a MATCH rule: a word that is only almost there, or is not there at all.
fn missing_from_match(found: &str) -> Option<(String, Option<String>)> {
    let words: Vec<String> = found.split(' ').map(str::to_ascii_uppercase).collect();
    let has = |wanted: &str| words.iter().any(|word| word == wanted);
    // Behind FROM is a name.
    let before_step = |word: &&str| !word.eq_ignore_ascii_case("FROM");
    let mut words_before = found.split(' ').skip(2).take_while(before_step);
    let slip = words_before.find_map(|word| {
        let upper = word.to_ascii_uppercase();
        let near = *similar(&upper, MATCH_WORDS, 1).first()?;
        let is_slip = upper.len() > 2 && !MATCH_WORDS.contains(&upper.as_str()) && !has(near);
        is_slip.then(|| (format!("did you mean `{near}`?"), Some(word.to_owned())))
    });
    let side = has("PRODUCTS") || has("MATERIALS");
    let absent = match (has("WITH"), side, has("FROM")) {
        (false, ..) => "`WITH` is missing from it",
        (_, false, _) => "`PRODUCTS` or `MATERIALS` is missing from it, behind `WITH`",
        (.., false) => "`FROM` is missing from it, with the name of a step behind",
        (true, true, true) => return slip,
    };
    Some(slip.unwrap_or_else(|| (absent.to_owned(), None)))
}

/// The word that makes a rule none, underlined.
fn complain(error: &RuleError, item: &Spanned, errors: &mut Errors<'_>) {
    if let RuleError::UnknownKeyword { word } = error {
        let upper = word.to_ascii_uppercase();
        let near = similar(&upper, KEYWORDS, 1);
        let at = errors.place_of(word, &item.span);
        let help = near.first().map(|near| format!("did you mean `{near}`?"));
        errors.put(Some(&at), error.to_string(), help);
        return;
    }
    let (help, slip) = match error {
        RuleError::MatchForm { found } => missing_from_match(found).unzip(),
        RuleError::WordCount { found: 2.., .. } => {
            let help = "a name with a space in it is put into quotes: \"DISALLOW 'a b'\"";
            (Some(help.to_owned()), None)
        }
        RuleError::Empty
        | RuleError::UnknownKeyword { .. }
        | RuleError::WordCount { .. }
        | RuleError::Name(_)
        | RuleError::Quoting { .. } => (None, None),
    };
    let at = match slip.flatten() {
        Some(word) => errors.place_of(&word, &item.span),
        None => item.span.clone(),
    };
    errors.put(Some(&at), error.to_string(), help);
}
