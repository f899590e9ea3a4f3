//! Search expressions: `tags=press AND (format:jpg OR bytes>100k) AND NOT public_id:press/*`.

use std::fmt;

use super::fields::{self, Value, value_of};
use crate::domain::time::Timestamp;
use crate::local_cloud::world::asset::StoredAsset;

/// Depth of parentheses and `NOT` that is followed.
const DEEPEST: usize = 64;
/// Longest expression that is read.
const LONGEST: usize = 16 * 1024;

/// An expression that was read.
#[derive(Debug, Clone, PartialEq)]
pub enum Expression {
    Everything,
    All(Vec<Expression>),
    Any(Vec<Expression>),
    Not(Box<Expression>),
    Term(Term),
}

/// One condition on one field, or on the usual ones.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    field: Option<String>,
    test: Test,
}

#[derive(Debug, Clone, PartialEq)]
enum Test {
    /// Its words occur, in that order.
    Words(String),
    Equals(String),
    Begins(String),
    /// The field has any value.
    Present,
    Number {
        low: Option<Limit>,
        high: Option<Limit>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Limit {
    at: f64,
    included: bool,
}

/// An expression that cannot be read, with where and what: the service's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryError {
    /// Characters, from 1.
    pub position: usize,
    pub rest: String,
}

impl fmt::Display for QueryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Query Error (at position {}) '{}'", self.position, self.rest)
    }
}

impl std::error::Error for QueryError {}

impl Expression {
    /// Reads `text`; `unix_now` is what relative times (`1d`) count back from. Empty text is everything.
    ///
    /// # Errors
    /// Where the first thing stands that is not understood.
    pub fn parse(text: &str, unix_now: i64) -> Result<Self, QueryError> {
        let mut reader = Reader { text, at: 0, depth: 0, unix_now };
        if text.len() > LONGEST {
            return Err(reader.error_at(LONGEST));
        }
        if matches!(text.trim(), "" | "*" | "*:*") {
            return Ok(Self::Everything);
        }
        let expression = reader.any()?;
        reader.blanks();
        if reader.rest().is_empty() { Ok(expression) } else { Err(reader.error()) }
    }

    /// Whether `asset` matches.
    #[must_use]
    pub fn holds(&self, asset: &StoredAsset) -> bool {
        match self {
            Self::Everything => true,
            Self::All(parts) => parts.iter().all(|part| part.holds(asset)),
            Self::Any(parts) => parts.iter().any(|part| part.holds(asset)),
            Self::Not(part) => !part.holds(asset),
            Self::Term(term) => term.holds(asset),
        }
    }
}

impl Term {
    fn holds(&self, asset: &StoredAsset) -> bool {
        const USUAL: [&str; 4] = ["public_id", "display_name", "asset_folder", "tags"];
        match &self.field {
            Some(field) => self.test.holds(field, &value_of(field, asset)),
            None => USUAL.iter().any(|field| self.test.holds(field, &value_of(field, asset))),
        }
    }
}

impl Test {
    fn holds(&self, field: &str, value: &Value<'_>) -> bool {
        match (self, value) {
            (_, Value::Nothing) => false,
            (Self::Present, Value::Texts(texts)) => texts.iter().any(|text| !text.is_empty()),
            (Self::Present, _) => true,
            (Self::Number { low, high }, Value::Number(_) | Value::Time(_)) => {
                let number = match value {
                    Value::Number(number) => *number,
                    Value::Time(seconds) => *seconds as f64,
                    _ => return false,
                };
                low.is_none_or(|low| number > low.at || (low.included && number >= low.at))
                    && high
                        .is_none_or(|high| number < high.at || (high.included && number <= high.at))
            }
            (Self::Equals(wanted), Value::Texts(texts)) => texts.iter().any(|text| text == wanted),
            (Self::Words(wanted), Value::Texts(texts)) => {
                let is_word =
                    matches!(field, "resource_type" | "type" | "format" | "status" | "etag");
                texts.iter().any(|text| {
                    if is_word {
                        text.eq_ignore_ascii_case(wanted)
                    } else {
                        has_words(text, wanted)
                    }
                })
            }
            (Self::Begins(start), Value::Texts(texts)) => {
                let start = start.to_lowercase();
                texts.iter().any(|text| {
                    let text = text.to_lowercase();
                    text.starts_with(&start) || words(&text).any(|word| word.starts_with(&start))
                })
            }
            _ => false,
        }
    }
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty())
}

/// Whether the words of `wanted` occur in `text` one after the other, in any case.
fn has_words(text: &str, wanted: &str) -> bool {
    let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
    let (text, wanted): (Vec<_>, Vec<_>) = (words(&text).collect(), words(&wanted).collect());
    !wanted.is_empty() && text.windows(wanted.len()).any(|part| part == wanted)
}

/// Characters that mean something unless they are escaped.
const SPECIAL: &str = r#"!(){}[]*^~?:\=&><""#;

struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
    unix_now: i64,
}

impl<'a> Reader<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn error(&self) -> QueryError {
        self.error_at(self.at)
    }

    fn error_at(&self, at: usize) -> QueryError {
        let at = self.text.floor_char_boundary(at);
        let (before, rest) = self.text.split_at(at);
        QueryError { position: before.chars().count() + 1, rest: rest.chars().take(40).collect() }
    }

    fn blanks(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn take(&mut self, what: &str) -> bool {
        let found = self.rest().starts_with(what);
        self.at += if found { what.len() } else { 0 };
        found
    }

    /// Takes an operator in capitals that stands alone.
    fn operator(&mut self, word: &str) -> bool {
        self.blanks();
        let stands_alone = self.rest().strip_prefix(word).is_some_and(|after| {
            after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || c == '(')
        });
        self.at += if stands_alone { word.len() } else { 0 };
        stands_alone
    }

    fn any(&mut self) -> Result<Expression, QueryError> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error());
        }
        let mut parts = vec![self.all()?];
        while self.operator("OR") {
            parts.push(self.all()?);
        }
        self.depth -= 1;
        Ok(one_or(parts, Expression::Any))
    }

    /// Conditions side by side count as joined by `AND`.
    fn all(&mut self) -> Result<Expression, QueryError> {
        let mut parts = vec![self.not()?];
        loop {
            let joined = self.operator("AND");
            self.blanks();
            let ends = self.rest().is_empty() || self.rest().starts_with(')');
            if !joined && (ends || self.is_or()) {
                return Ok(one_or(parts, Expression::All));
            }
            parts.push(self.not()?);
        }
    }

    fn is_or(&mut self) -> bool {
        let start = self.at;
        let found = self.operator("OR");
        self.at = start;
        found
    }

    fn not(&mut self) -> Result<Expression, QueryError> {
        if !self.operator("NOT") {
            return self.primary();
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.error());
        }
        let inner = self.not()?;
        self.depth -= 1;
        Ok(Expression::Not(Box::new(inner)))
    }

    fn primary(&mut self) -> Result<Expression, QueryError> {
        self.blanks();
        if self.take("(") {
            let inner = self.any()?;
            self.blanks();
            return if self.take(")") { Ok(inner) } else { Err(self.error()) };
        }
        self.term().map(Expression::Term)
    }

    fn term(&mut self) -> Result<Term, QueryError> {
        let start = self.at;
        let name_ends =
            self.rest().find(|c: char| !(c.is_ascii_alphanumeric() || "_.".contains(c)));
        let name = &self.rest()[..name_ends.unwrap_or(self.rest().len())];
        let after = &self.rest()[name.len()..];
        if name.is_empty() || !after.starts_with([':', '=', '>', '<']) {
            let (text, begins) = self.value()?;
            if !begins && matches!(text.as_str(), "AND" | "OR" | "TO") {
                return Err(self.error_at(start));
            }
            let condition = if begins { Test::Begins(text) } else { Test::Words(text) };
            return Ok(Term { field: None, test: condition });
        }
        self.at += name.len();
        let test = self.test(name)?;
        Ok(Term { field: Some(name.to_owned()), test })
    }

    fn test(&mut self, field: &str) -> Result<Test, QueryError> {
        let operator = [">=", "<=", ">", "<", ":", "="].into_iter().find(|one| self.take(one));
        let operator = operator.ok_or_else(|| self.error())?;
        let counts = fields::is_number(field) || fields::is_time(field);
        if matches!(operator, ":" | "=") && self.rest().starts_with(['[', '{']) {
            return if counts { self.range(field) } else { Err(self.error()) };
        }
        let start = self.at;
        if operator == ":" && self.rest().starts_with('*') {
            let alone = self.rest()[1..].starts_with(|c: char| c.is_whitespace() || c == ')');
            if alone || self.rest().len() == 1 {
                self.at += 1;
                return Ok(Test::Present);
            }
        }
        let (text, begins) = self.value()?;
        if !counts {
            return match operator {
                ":" | "=" if begins => Ok(Test::Begins(text)),
                ":" => Ok(Test::Words(text)),
                "=" => Ok(Test::Equals(text)),
                _ => Err(self.error_at(start)),
            };
        }
        let (from, to) = self.span(field, &text).ok_or_else(|| self.error_at(start))?;
        let limit = |at, included| Some(Limit { at, included });
        let (low, high) = match operator {
            ">" => (limit(from, false), None),
            ">=" => (limit(from, true), None),
            "<" => (None, limit(from, false)),
            "<=" => (None, limit(to, true)),
            _ => (limit(from, true), limit(to, true)),
        };
        Ok(Test::Number { low, high })
    }

    fn range(&mut self, field: &str) -> Result<Test, QueryError> {
        let low_included = self.rest().starts_with('[');
        self.at += 1;
        let low = self.bound(field)?;
        if !self.operator("TO") {
            return Err(self.error());
        }
        let high = self.bound(field)?;
        self.blanks();
        let high_included = self.rest().starts_with(']');
        if !self.take("]") && !self.take("}") {
            return Err(self.error());
        }
        Ok(Test::Number {
            low: low.map(|(from, _)| Limit { at: from, included: low_included }),
            high: high.map(|(from, to)| Limit {
                at: if high_included { to } else { from },
                included: high_included,
            }),
        })
    }

    fn bound(&mut self, field: &str) -> Result<Option<(f64, f64)>, QueryError> {
        self.blanks();
        if self.take("*") {
            return Ok(None);
        }
        let start = self.at;
        let (text, _) = self.value()?;
        self.span(field, &text).map(Some).ok_or_else(|| self.error_at(start))
    }

    /// A value in quotes or bare, and whether a `*` follows it.
    fn value(&mut self) -> Result<(String, bool), QueryError> {
        let quoted = self.take("\"");
        let start = self.at;
        let mut text = String::new();
        let mut chars = self.rest().char_indices();
        let mut end = None;
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next() {
                    Some((_, escaped)) => text.push(escaped),
                    None => return Err(self.error_at(start + at)),
                },
                '"' if quoted => {
                    end = Some(at);
                    break;
                }
                _ if quoted => text.push(c),
                _ if c.is_whitespace() || SPECIAL.contains(c) => {
                    end = Some(at);
                    break;
                }
                _ => text.push(c),
            }
        }
        if quoted && end.is_none() {
            return Err(self.error_at(start - 1));
        }
        self.at = start + end.unwrap_or(self.text.len() - start) + usize::from(quoted);
        if text.is_empty() && !quoted {
            return Err(self.error());
        }
        let begins = self.take("*");
        let ends_here = self.rest().is_empty()
            || self.rest().starts_with(|c: char| c.is_whitespace() || ")]}".contains(c));
        if ends_here { Ok((text, begins)) } else { Err(self.error()) }
    }

    /// The numbers that a text stands for, from and to: a day is a span of seconds.
    fn span(&self, field: &str, text: &str) -> Option<(f64, f64)> {
        if fields::is_time(field) {
            let (from, to) = self.time(text)?;
            return Some((from as f64, to as f64));
        }
        let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
        let unit = match text[digits.len()..].to_ascii_lowercase().as_str() {
            "" | "b" => 1.0,
            "k" | "kb" => 1024.0,
            "m" | "mb" => 1024.0 * 1024.0,
            "g" | "gb" => 1024.0 * 1024.0 * 1024.0,
            _ => return None,
        };
        let number = digits.parse::<f64>().ok().filter(|number| number.is_finite())? * unit;
        Some((number, number))
    }

    fn time(&self, text: &str) -> Option<(i64, i64)> {
        if let Ok(at) = text.parse::<Timestamp>() {
            return Some((at.as_second(), at.as_second()));
        }
        if let Ok(day) = text.parse::<jiff::civil::Date>() {
            let from = day.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp().as_second();
            return Some((from, from + 86_399));
        }
        let unit = match text.chars().next_back()? {
            's' => 1,
            'h' => 3600,
            'd' => 86_400,
            'w' => 7 * 86_400,
            'm' => 30 * 86_400,
            'y' => 365 * 86_400,
            _ => return None,
        };
        let count: i64 = text[..text.len() - 1].parse().ok().filter(|count| *count >= 0)?;
        let at = self.unix_now.saturating_sub(count.saturating_mul(unit));
        Some((at, at))
    }
}

fn one_or(mut parts: Vec<Expression>, many: fn(Vec<Expression>) -> Expression) -> Expression {
    if parts.len() == 1 { parts.remove(0) } else { many(parts) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local_cloud::chance::Chance;
    use crate::local_cloud::world::demo;

    const NOW: i64 = 1_800_000_000;

    fn count(expression: &str) -> usize {
        let assets = demo::library(Chance::new(1), 200, NOW, false);
        let expression = Expression::parse(expression, NOW).unwrap();
        assets.filter(|asset| expression.holds(asset)).count()
    }

    #[test]
    fn expressions_find_what_they_say() {
        assert_eq!(count(""), 200);
        assert_eq!(count("public_id=press/2026/hero"), 1);
        assert_eq!(count("public_id=\"press/2026/team photo\""), 1);
        assert_eq!(count(r"public_id=press/2026/team\ photo"), 1);
        assert_eq!(count("public_id:hero"), 2);
        assert_eq!(count("hero AND tags=2025"), 1);
        assert_eq!(count("filename:her*"), 2);
        assert_eq!(count("tags=press AND NOT tags:press"), 0);
        assert_eq!(count("tags=nothing OR public_id=logo"), 1);
        assert_eq!(count("(tags=brand OR tags=legal) AND format=webp"), 1);
        assert_eq!(count("resource_type:video") + count("NOT resource_type:video"), 200);
        assert_eq!(count("bytes>0 AND width:[1 TO *]") + count("NOT width:[1 TO *]"), 200);
        assert_eq!(count("bytes>1g"), 0);
        assert_eq!(count("uploaded_at>9000d"), 200);
        assert_eq!(count("created_at<2001-01-01"), 0);
        assert_eq!(count("folder:press/*"), 0, "a dynamic cloud has no `folder`");
        assert_eq!(count("asset_folder:press/*"), count("public_id:press/*"));
        assert_eq!(count("nonsense:1"), 0);
        assert!(count("tags:*") > 100);
    }

    #[test]
    fn what_is_not_understood_is_refused_with_its_position() {
        let refused = |text: &str| Expression::parse(text, NOW).unwrap_err().to_string();
        assert_eq!(refused("*hero"), "Query Error (at position 1) '*hero'");
        assert_eq!(refused("tags=a AND"), "Query Error (at position 11) ''");
        assert_eq!(refused("(tags=a"), "Query Error (at position 8) ''");
        assert_eq!(refused("tags=a)"), "Query Error (at position 7) ')'");
        assert_eq!(refused("tags=\"a"), "Query Error (at position 6) '\"a'");
        assert_eq!(refused("bytes>many"), "Query Error (at position 7) 'many'");
        assert_eq!(refused("width:[1 TO"), "Query Error (at position 12) ''");
        assert_eq!(refused("hero~2"), "Query Error (at position 5) '~2'");
        assert_eq!(refused("a:b*c"), "Query Error (at position 5) 'c'");
        assert_eq!(refused("AND"), "Query Error (at position 1) 'AND'");
        assert!(refused(&"(".repeat(500)).starts_with("Query Error"));
        assert!(refused(&"NOT ".repeat(500)).starts_with("Query Error"));
    }
}
