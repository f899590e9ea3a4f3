//! Reading tables: every mistake is noted with its line and key, and with what was probably meant.

use std::cell::RefCell;
use std::time::Duration;

use super::keys::{Key, Takes, find};
use super::tree::{Node, Table, Value};
use crate::local_cloud::pops::{self, POPS};
use crate::local_cloud::span::{Propagation, duration, signed_seconds};
use crate::local_cloud::world::fault::{Begin, Codes};

/// One mistake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    /// From 1; 0 where there are no lines.
    pub line: usize,
    /// e.g. `fault[1].kind`; empty where the text itself cannot be read.
    pub key: String,
    pub message: String,
}

/// All mistakes of a text.
#[derive(Debug, Default)]
pub struct Mistakes(RefCell<Vec<Mistake>>);

impl Mistakes {
    pub fn note(&self, line: usize, key: impl Into<String>, message: impl Into<String>) {
        self.0.borrow_mut().push(Mistake { line, key: key.into(), message: message.into() });
    }

    /// In the order of the lines.
    pub fn sorted(self) -> Vec<Mistake> {
        let mut all = self.0.into_inner();
        all.sort_by_key(|mistake| mistake.line);
        all
    }
}

/// A table that is being read.
pub struct Section<'t> {
    /// Keys that lead to it, e.g. `fault[1]`; empty at the top.
    pub path: String,
    pub line: usize,
    pub table: &'t Table,
    pub keys: &'static [Key],
    pub mistakes: &'t Mistakes,
}

impl<'t> Section<'t> {
    /// The value of a key, and its line.
    pub fn get(&self, name: &str) -> Option<(&'t Node, usize)> {
        self.table.iter().find(|(key, ..)| key == name).map(|(_, line, node)| (node, *line))
    }

    pub fn has(&self, name: &str) -> bool {
        self.get(name).is_some()
    }

    pub fn key(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub fn wrong(&self, name: &str, message: impl Into<String>) {
        let line = self.get(name).map_or(self.line, |(_, line)| line);
        self.mistakes.note(line, self.key(name), message);
    }

    /// Notes keys that the table does not know.
    pub fn check_names(&self) {
        for (name, ..) in self.table {
            if find(self.keys, name).is_none() {
                let meant = nearest(name, self.keys.iter().map(|key| key.name));
                self.wrong(name, format!("there is no such key{}", suggestion(meant)));
            }
        }
    }

    /// The value of a key that takes a text of a form.
    fn parsed<T>(
        &self,
        name: &str,
        form: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Option<T> {
        let (node, _) = self.get(name)?;
        let Value::Text(text) = &node.value else {
            self.wrong(name, format!("takes {form}, not {}", node.value.kind()));
            return None;
        };
        read(text).map_err(|message| self.wrong(name, message)).ok()
    }

    pub fn text(&self, name: &str) -> Option<String> {
        self.parsed(name, "a text", |text| Ok(text.to_owned()))
    }

    pub fn duration(&self, name: &str) -> Option<Duration> {
        let read = |text: &str| duration(text).map_err(|error| error.to_string());
        self.parsed(name, "a duration such as \"20s\"", read)
    }

    pub fn signed_seconds(&self, name: &str) -> Option<i64> {
        let read = |text: &str| signed_seconds(text).map_err(|error| error.to_string());
        self.parsed(name, "a duration such as \"-5m\"", read)
    }

    pub fn range(&self, name: &str) -> Option<Propagation> {
        let read = |text: &str| {
            text.parse().map_err(|error: crate::local_cloud::span::BadSpan| error.to_string())
        };
        self.parsed(name, "a range such as \"2s..20s\"", read)
    }

    pub fn begin(&self, name: &str) -> Option<Begin> {
        self.parsed(name, "a duration such as \"5s\", or \"start+5s\"", |text| {
            let begin = match text.strip_prefix("start") {
                Some("") => Ok(Begin::Start(Duration::ZERO)),
                Some(rest) if rest.starts_with('+') => duration(&rest[1..]).map(Begin::Start),
                _ => duration(text).map(Begin::FirstInvalidation),
            };
            begin.map_err(|error| error.to_string())
        })
    }

    /// One of the words that the key takes.
    pub fn word(&self, name: &str) -> Option<String> {
        let words = match find(self.keys, name).map(|key| key.takes) {
            Some(Takes::Words(words)) => words,
            _ => &[],
        };
        self.parsed(name, &format!("one of {}", words.join(", ")), |text| {
            if words.contains(&text) {
                return Ok(text.to_owned());
            }
            let meant = nearest(text, words.iter().copied());
            Err(format!("`{text}` is none of {}{}", words.join(", "), suggestion(meant)))
        })
    }

    /// A whole number within the bounds of the key.
    pub fn integer<T: TryFrom<i64>>(&self, name: &str) -> Option<T> {
        let (node, _) = self.get(name)?;
        let (from, to) = match find(self.keys, name).map(|key| key.takes) {
            Some(Takes::Integer(from, to)) => (from, to),
            _ => (i64::MIN, i64::MAX),
        };
        match &node.value {
            Value::Integer(number) if (from..=to).contains(number) => T::try_from(*number).ok(),
            Value::Integer(number) if to == i64::MAX => {
                self.wrong(name, format!("takes a whole number from {from} on, not {number}"));
                None
            }
            Value::Integer(number) => {
                self.wrong(name, format!("takes a whole number from {from} to {to}, not {number}"));
                None
            }
            other => {
                self.wrong(name, format!("takes a whole number, not {}", other.kind()));
                None
            }
        }
    }

    /// A number within the bounds of the key.
    pub fn number(&self, name: &str) -> Option<f64> {
        let (node, _) = self.get(name)?;
        let (from, to) = match find(self.keys, name).map(|key| key.takes) {
            Some(Takes::Number(from, to)) => (from, to),
            _ => (f64::MIN, f64::MAX),
        };
        let number = match &node.value {
            Value::Integer(number) => *number as f64,
            Value::Number(number) => *number,
            other => {
                self.wrong(name, format!("takes a number, not {}", other.kind()));
                return None;
            }
        };
        if (from..=to).contains(&number) {
            return Some(number);
        }
        self.wrong(name, format!("takes a number from {from} to {to}, not {number}"));
        None
    }

    pub fn switch(&self, name: &str) -> Option<bool> {
        let (node, _) = self.get(name)?;
        if let Value::Switch(switch) = node.value {
            return Some(switch);
        }
        self.wrong(name, format!("takes true or false, not {}", node.value.kind()));
        None
    }

    /// One code of a `PoP`.
    pub fn code(&self, name: &str) -> Option<String> {
        self.parsed(name, "the code of a PoP such as \"SIN\"", code)
    }

    /// One code of a `PoP`, several, or all of them.
    pub fn codes(&self, name: &str) -> Option<Codes> {
        let (node, _) = self.get(name)?;
        let form = "takes a code of a PoP such as \"SIN\", a list of them, or \"*\"";
        let list = match &node.value {
            Value::Text(text) if text == "*" || text == "all" => return Some(Codes::All),
            Value::Text(_) => std::slice::from_ref(node),
            Value::List(list) if list.is_empty() => {
                self.wrong(name, format!("{form}, not an empty list"));
                return None;
            }
            Value::List(list) => list,
            other => {
                self.wrong(name, format!("{form}, not {}", other.kind()));
                return None;
            }
        };
        let mut codes = Vec::new();
        for one in list {
            let read = match &one.value {
                Value::Text(text) => code(text),
                other => Err(format!("{form}, not {} in the list", other.kind())),
            };
            match read {
                Ok(code) => codes.push(code),
                Err(message) => {
                    self.mistakes.note(one.line.max(self.line), self.key(name), message);
                    return None;
                }
            }
        }
        Some(Codes::These(codes))
    }

    /// The table of a key.
    pub fn section(&self, name: &str, keys: &'static [Key]) -> Option<Section<'t>> {
        let (node, line) = self.get(name)?;
        self.as_section(node, self.key(name), line, keys)
    }

    /// The tables of a key.
    pub fn sections(&self, name: &str, keys: &'static [Key]) -> Vec<Section<'t>> {
        let Some((node, line)) = self.get(name) else { return Vec::new() };
        let Value::List(list) = &node.value else {
            self.wrong(
                name,
                format!("takes tables, each written `[[{name}]]`, not {}", node.value.kind()),
            );
            return Vec::new();
        };
        let section = |(at, node): (usize, &'t Node)| {
            let line = if node.line == 0 { line } else { node.line };
            self.as_section(node, format!("{}[{at}]", self.key(name)), line, keys)
        };
        list.iter().enumerate().filter_map(section).collect()
    }

    fn as_section(
        &self,
        node: &'t Node,
        path: String,
        line: usize,
        keys: &'static [Key],
    ) -> Option<Section<'t>> {
        if let Value::Table(table) = &node.value {
            return Some(Section { path, line, table, keys, mistakes: self.mistakes });
        }
        self.mistakes.note(line, path, format!("takes a table, not {}", node.value.kind()));
        None
    }
}

/// A code of a `PoP`, in capitals.
pub fn code(text: &str) -> Result<String, String> {
    let code = text.to_ascii_uppercase();
    if pops::find(&code).is_some() {
        return Ok(code);
    }
    let meant = nearest(&code, POPS.iter().map(|pop| pop.code));
    Err(format!("`{text}` is no code of a PoP, such as SIN{}", suggestion(meant)))
}

/// What to add to a message.
pub fn suggestion(meant: Option<&str>) -> String {
    meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default()
}

/// The candidate that `typed` is a slip of, if one is near.
pub fn nearest<'c>(typed: &str, candidates: impl Iterator<Item = &'c str>) -> Option<&'c str> {
    let typed = typed.to_lowercase().replace('-', "_");
    let most = (typed.chars().count() / 3).clamp(1, 3);
    let far = |candidate: &str| distance(&typed, &candidate.to_lowercase().replace('-', "_"));
    let ranked = candidates.map(|candidate| (far(candidate), candidate));
    ranked.filter(|(far, _)| *far <= most).min_by_key(|(far, _)| *far).map(|(_, near)| near)
}

/// Letters to be changed, added, left out or swapped with their neighbour.
fn distance(one: &str, two: &str) -> usize {
    let (one, two): (Vec<char>, Vec<char>) = (one.chars().collect(), two.chars().collect());
    let mut rows = vec![vec![0; two.len() + 1]; one.len() + 1];
    for (at, row) in rows.iter_mut().enumerate() {
        row[0] = at;
    }
    rows[0] = (0..=two.len()).collect();
    for a in 1..=one.len() {
        for b in 1..=two.len() {
            let same = usize::from(one[a - 1] != two[b - 1]);
            let mut least =
                (rows[a - 1][b] + 1).min(rows[a][b - 1] + 1).min(rows[a - 1][b - 1] + same);
            if a > 1 && b > 1 && one[a - 1] == two[b - 2] && one[a - 2] == two[b - 1] {
                least = least.min(rows[a - 2][b - 2] + 1);
            }
            rows[a][b] = least;
        }
    }
    rows[one.len()][two.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_recognised_and_other_words_are_not() {
        let words = ["propagation", "seed", "stuck", "weak-etag"];
        let near = |typed: &str| nearest(typed, words.iter().copied());
        assert_eq!(near("sead"), Some("seed"));
        assert_eq!(near("sede"), Some("seed"));
        assert_eq!(near("propogation"), Some("propagation"));
        assert_eq!(near("weak_etag"), Some("weak-etag"));
        assert_eq!(near("tired"), None);
    }
}
