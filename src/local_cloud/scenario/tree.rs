//! A scenario as it is written: values with the lines they stand in, from TOML or from JSON.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A value, and where it is written.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// From 1; 0 where there are no lines.
    pub line: usize,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Text(String),
    Integer(i64),
    Number(f64),
    Switch(bool),
    List(Vec<Node>),
    Table(Table),
    /// Something that no key takes, by its name.
    Other(&'static str),
}

/// Keys in the order they are written, each with its line.
pub type Table = Vec<(String, usize, Node)>;

impl Value {
    /// What it is, for people.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a text",
            Self::Integer(_) => "a whole number",
            Self::Number(_) => "a number",
            Self::Switch(_) => "true or false",
            Self::List(_) => "a list",
            Self::Table(_) => "a table",
            Self::Other(kind) => kind,
        }
    }
}

/// Lines of a text, by position.
struct Lines<'t>(&'t str);

impl Lines<'_> {
    fn of(&self, at: usize) -> usize {
        let at = self.0.floor_char_boundary(at.min(self.0.len()));
        self.0[..at].matches('\n').count() + 1
    }
}

/// Reads TOML.
///
/// # Errors
/// Line and message of what is no TOML.
pub fn of_toml(text: &str) -> Result<Table, (usize, String)> {
    let lines = Lines(text);
    match DeTable::parse(text) {
        Ok(table) => Ok(table_of(table.get_ref(), &lines)),
        Err(error) => {
            let line = error.span().map_or(1, |span| lines.of(span.start));
            Err((line, error.message().replace('\n', " ")))
        }
    }
}

fn table_of(table: &DeTable<'_>, lines: &Lines<'_>) -> Table {
    let mut rows: Vec<_> = table.iter().collect();
    rows.sort_by_key(|(key, _)| key.span().start);
    let row = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let name: &std::borrow::Cow<'_, str> = key.get_ref();
        (name.to_string(), lines.of(key.span().start), node_of(value, lines))
    };
    rows.into_iter().map(row).collect()
}

fn node_of(value: &Spanned<DeValue<'_>>, lines: &Lines<'_>) -> Node {
    let read = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Other("a number beyond all bounds"), Value::Integer),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or(Value::Other("a number beyond all bounds"), Value::Number),
        DeValue::Boolean(switch) => Value::Switch(*switch),
        DeValue::Datetime(_) => Value::Other("a date"),
        DeValue::Array(list) => Value::List(list.iter().map(|one| node_of(one, lines)).collect()),
        DeValue::Table(table) => Value::Table(table_of(table, lines)),
    };
    Node { line: lines.of(value.span().start), value: read }
}

/// Takes JSON over; it has no lines.
pub fn of_json(json: &serde_json::Value) -> Node {
    let value = match json {
        serde_json::Value::Null => Value::Other("nothing"),
        serde_json::Value::Bool(switch) => Value::Switch(*switch),
        serde_json::Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(integer), _) => Value::Integer(integer),
            (None, Some(float)) => Value::Number(float),
            (None, None) => Value::Other("a number beyond all bounds"),
        },
        serde_json::Value::String(text) => Value::Text(text.clone()),
        serde_json::Value::Array(list) => Value::List(list.iter().map(of_json).collect()),
        serde_json::Value::Object(object) => {
            let row = |(key, value): (&String, _)| (key.clone(), 0, of_json(value));
            Value::Table(object.iter().map(row).collect())
        }
    };
    Node { line: 0, value }
}
