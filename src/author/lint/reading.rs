//! A layout read as far as it can be, with the place of everything.

use std::collections::BTreeMap;

use crate::encoding::{Object, Value};
use crate::model::{Complaint, ItemName, Layout, MatchRule, Pattern, Prefix, Rule, Side, quoted};
use crate::verify::has_parameter;

/// A layout as far as it can be read.
#[derive(Debug)]
pub(super) struct Reading<'a> {
    pub(super) value: &'a Value,
    /// What the model can read of it.
    pub(super) layout: Option<Layout>,
    /// What the model cannot read.
    pub(super) complaints: Vec<Complaint>,
    /// The steps, then the inspections, each in its order.
    pub(super) items: Vec<Item<'a>>,
    /// How many of them are steps.
    pub(super) steps: usize,
    names: BTreeMap<&'a str, usize>,
}

/// A step or an inspection.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub(super) is_step: bool,
    pub(super) pointer: String,
    pub(super) name: Option<&'a str>,
    pub(super) object: &'a Object,
    pub(super) materials: List,
    pub(super) products: List,
}

/// A list of rules.
#[derive(Debug)]
pub(super) struct List {
    pub(super) side: Side,
    pub(super) pointer: String,
    /// Those that are rules.
    pub(super) rules: Vec<Placed>,
    /// Whether all of them are.
    pub(super) is_whole: bool,
}

/// A rule and where it stands.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) pointer: String,
    pub(super) rule: Rule,
    /// What its names match, the prefix of a MATCH included; `None` for a REQUIRE.
    pub(super) names: Option<Pattern>,
    /// Whether there is a parameter in it, so that it may mean something else when that is filled in.
    pub(super) is_open: bool,
}

impl<'a> Reading<'a> {
    pub(super) fn new(value: &'a Value) -> Self {
        let (layout, complaints) = Layout::sketch(value);
        let items = |field: &str| -> Vec<Item<'a>> {
            let list = member(value, field).and_then(Value::as_array);
            let list = list.unwrap_or_default().iter().enumerate();
            list.filter_map(|(index, item)| Item::new(field, index, item.as_object()?))
                .collect()
        };
        let mut all = items("steps");
        let steps = all.len();
        all.extend(items("inspect"));
        let mut names = BTreeMap::new();
        for (at, item) in all.iter().enumerate() {
            if let Some(name) = item.name {
                names.entry(name).or_insert(at);
            }
        }
        Self {
            value,
            layout,
            complaints,
            items: all,
            steps,
            names,
        }
    }

    pub(super) fn steps(&self) -> &[Item<'a>] {
        self.items.get(..self.steps).unwrap_or_default()
    }

    pub(super) fn inspections(&self) -> &[Item<'a>] {
        self.items.get(self.steps..).unwrap_or_default()
    }

    /// The place of the step or inspection of that name among the items.
    pub(super) fn position(&self, name: &ItemName) -> Option<usize> {
        self.names.get(name.as_str()).copied()
    }

    /// The step or inspection in which a pointer leads, for people.
    pub(super) fn about(&self, pointer: &str) -> Option<String> {
        let mut tokens = pointer.split('/').skip(1);
        let (field, index) = (tokens.next()?, tokens.next()?);
        let start = format!("/{field}/{index}");
        let all = match field {
            "steps" => self.steps(),
            "inspect" => self.inspections(),
            _ => return None,
        };
        // Most often the index is the place.
        let guess = index.parse().ok().and_then(|at: usize| all.get(at));
        let item = guess.filter(|item| item.pointer == start);
        let item = item.or_else(|| all.iter().find(|item| item.pointer == start));
        item.map(Item::label)
    }
}

impl<'a> Item<'a> {
    fn new(field: &str, index: usize, object: &'a Object) -> Option<Self> {
        let pointer = format!("/{field}/{index}");
        Some(Self {
            is_step: field == "steps",
            name: object.get("name").and_then(Value::as_str),
            materials: List::new(&pointer, object, Side::Materials),
            products: List::new(&pointer, object, Side::Products),
            object,
            pointer,
        })
    }

    pub(super) fn lists(&self) -> [&List; 2] {
        [&self.materials, &self.products]
    }

    /// ``step `build` ``
    pub(super) fn label(&self) -> String {
        let kind = if self.is_step { "step" } else { "inspection" };
        match self.name {
            Some(name) => format!("{kind} {}", quoted(name)),
            None => format!("{kind} without a name"),
        }
    }

    /// The strings of a list, each with its index.
    pub(super) fn texts(&self, field: &str) -> Vec<(usize, &'a str)> {
        let list = self.object.get(field).and_then(Value::as_array);
        let texts = list.unwrap_or_default().iter().enumerate();
        texts
            .filter_map(|(index, text)| Some((index, text.as_str()?)))
            .collect()
    }
}

impl List {
    fn new(item: &str, object: &Object, side: Side) -> Self {
        let pointer = format!("{item}/{}", side.rules_field());
        let value = object.get(side.rules_field());
        let list = value.and_then(Value::as_array).unwrap_or_default();
        let rules: Vec<Placed> = list
            .iter()
            .enumerate()
            .filter_map(|(index, rule)| Placed::new(format!("{pointer}/{index}"), rule))
            .collect();
        Self {
            side,
            is_whole: rules.len() == list.len()
                && value.is_none_or(|value| value.as_array().is_some()),
            pointer,
            rules,
        }
    }

    /// Whether a rule refuses everything that none before it took.
    pub(super) fn is_closed(&self) -> bool {
        let closes = |placed: &Placed| matches!(&placed.rule, Rule::Disallow(pattern) if pattern.is_everything());
        self.rules.iter().any(closes)
    }

    /// Whether no artifact at all can be there.
    pub(super) fn takes_nothing(&self) -> bool {
        let first = self.rules.iter().find(|placed| placed.names.is_some());
        first.is_some_and(
            |placed| matches!(&placed.rule, Rule::Disallow(pattern) if pattern.is_everything()),
        )
    }
}

impl Placed {
    fn new(pointer: String, value: &Value) -> Option<Self> {
        let words = value.as_array()?.iter().map(Value::as_str);
        let words: Vec<&str> = words.collect::<Option<_>>()?;
        let rule = Rule::from_words(&words).ok()?;
        let names = match &rule {
            Rule::Match(rule) => Some(names_of_match(rule)),
            Rule::Require(_) => None,
            Rule::Allow(pattern)
            | Rule::Create(pattern)
            | Rule::Delete(pattern)
            | Rule::Disallow(pattern)
            | Rule::Modify(pattern) => Some(pattern.clone()),
        };
        Some(Self {
            is_open: rule.words().iter().any(|word| has_parameter(word)),
            pointer,
            rule,
            names,
        })
    }
}

/// The pattern of a rule, a MATCH's without its prefix.
pub(super) fn pattern(rule: &Rule) -> Option<&Pattern> {
    match rule {
        Rule::Allow(pattern)
        | Rule::Create(pattern)
        | Rule::Delete(pattern)
        | Rule::Disallow(pattern)
        | Rule::Modify(pattern) => Some(pattern),
        Rule::Match(rule) => Some(&rule.pattern),
        Rule::Require(_) => None,
    }
}

/// What a MATCH can be about: the pattern below the prefix.
fn names_of_match(rule: &MatchRule) -> Pattern {
    below(rule.source.as_ref(), &rule.pattern)
}

/// A pattern below a folder that is meant literally.
pub(super) fn below(prefix: Option<&Prefix>, pattern: &Pattern) -> Pattern {
    let Some(prefix) = prefix else {
        return pattern.clone();
    };
    let mut text = String::new();
    for character in prefix.join("").chars() {
        match character {
            '*' | '?' | '[' => text.extend(['[', character, ']']),
            _ => text.push(character),
        }
    }
    text.push_str(pattern.as_str());
    Pattern::new(&text)
}

pub(super) fn member<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value.as_object()?.get(name)
}

/// One token of a pointer.
pub(super) fn token(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_is_literal() {
        let names = below(Prefix::new("a[*?/b").as_ref(), &Pattern::new("*.c"));
        assert!(names.matches("a[*?/b/x.c"));
        assert!(!names.matches("a[xy/b/x.c"));
    }

    #[test]
    fn parameters_are_found() {
        for text in ["{A}", "x-{a-b_1}.tar", "{{A}"] {
            assert!(has_parameter(text), "{text}");
        }
        for text in ["", "{a,b}", "{}", "{A", "A}"] {
            assert!(!has_parameter(text), "{text}");
        }
    }
}
