//! TOML as a tree in which every word has its place. Nesting is limited by the parser, to 80 levels, dotted
//! keys included.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike, Value as Toml};

/// How many bytes a text form may have.
pub(super) const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A value and where it stands in the text.
#[derive(Clone, Debug)]
pub(super) struct Spanned {
    pub(super) span: Range<usize>,
    pub(super) node: Node,
}

#[derive(Clone, Debug)]
pub(super) enum Node {
    Text(String),
    Integer(i64),
    Float,
    Bool(bool),
    /// A date, a time, or both, as RFC 3339 has them.
    Moment(String),
    List(Vec<Spanned>),
    Table(Vec<Entry>),
}

/// A key of a table and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    pub(super) key: Range<usize>,
    pub(super) value: Spanned,
}

impl Node {
    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self {
            return Some(text);
        }
        None
    }

    pub(super) fn as_table(&self) -> Option<&[Entry]> {
        if let Self::Table(entries) = self {
            return Some(entries);
        }
        None
    }

    /// What it is, for messages.
    pub(super) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Integer(_) | Self::Float => "a number",
            Self::Bool(_) => "a boolean",
            Self::Moment(_) => "a date or time",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
        }
    }
}

/// What is no TOML, and where.
#[derive(Debug)]
pub(super) struct NotToml {
    pub(super) message: String,
    pub(super) span: Option<Range<usize>>,
}

/// Reads a document.
pub(super) fn parse(text: &str) -> Result<Spanned, NotToml> {
    let refused = |message: String, span| NotToml { message, span };
    if text.len() > MAX_BYTES {
        let message = format!("the text has more than {MAX_BYTES} bytes");
        return Err(refused(message, None));
    }
    let document = Document::parse(text)
        .map_err(|error| refused(error.message().trim().to_owned(), error.span()))?;
    Ok(Spanned {
        span: 0..text.len(),
        node: Node::Table(entries(document.as_table())),
    })
}

fn entries(table: &dyn TableLike) -> Vec<Entry> {
    let mut found = Vec::new();
    for (name, item) in table.iter() {
        let key = table.key(name).and_then(toml_edit::Key::span);
        let Some(mut value) = item_of(item) else {
            continue;
        };
        let key = key.unwrap_or_else(|| value.span.clone());
        if value.span.is_empty() {
            value.span = key.clone();
        }
        found.push(Entry {
            name: name.to_owned(),
            key,
            value,
        });
    }
    found.sort_by_key(|entry| entry.key.start);
    found
}

/// Tables that only dotted keys or the headers of others make have no place of their own.
fn item_of(item: &Item) -> Option<Spanned> {
    let span = item.span().unwrap_or_default();
    Some(match item {
        Item::None => return None,
        Item::Value(value) => value_of(value),
        Item::Table(table) => Spanned {
            span,
            node: Node::Table(entries(table)),
        },
        Item::ArrayOfTables(tables) => {
            let table = |table: &toml_edit::Table| Spanned {
                span: table.span().unwrap_or_default(),
                node: Node::Table(entries(table)),
            };
            Spanned {
                span,
                node: Node::List(tables.iter().map(table).collect()),
            }
        }
    })
}

fn value_of(value: &Toml) -> Spanned {
    let node = match value {
        Toml::String(text) => Node::Text(text.value().clone()),
        Toml::Integer(number) => Node::Integer(*number.value()),
        Toml::Float(_) => Node::Float,
        Toml::Boolean(value) => Node::Bool(*value.value()),
        Toml::Datetime(moment) => Node::Moment(moment.value().to_string()),
        Toml::Array(items) => Node::List(items.iter().map(value_of).collect()),
        Toml::InlineTable(table) => Node::Table(entries(table)),
    };
    Spanned {
        span: value.span().unwrap_or_default(),
        node,
    }
}
