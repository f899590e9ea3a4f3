//! In which order matches come, and where a page of them ended.

use std::cmp::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::fields::{Field, Nature, Searched};

/// Fields that one question sorts by, at most.
pub const MOST_SORTS: usize = 10;

/// What is sorted by.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum SortValue<'a> {
    Nothing,
    Number(f64),
    Text(&'a str),
}

/// A field to sort by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sort {
    field: Field,
    highest_first: bool,
}

impl Sort {
    /// Sorting by the field of that name; none where nothing can be sorted by it.
    #[must_use]
    pub fn by(name: &str, highest_first: bool) -> Option<Self> {
        let field = Field::named(name);
        let sortable = match &field {
            Field::PublicId
            | Field::Filename
            | Field::DisplayName
            | Field::AssetFolder
            | Field::ResourceType
            | Field::Type
            | Field::Format
            | Field::Status
            | Field::AccessMode
            | Field::Score => true,
            other => matches!(
                other.nature(),
                Nature::Number | Nature::Size | Nature::Ratio | Nature::Time
            ),
        };
        sortable.then_some(Self { field, highest_first })
    }

    /// Sorting of folders by the field of that name.
    #[must_use]
    pub fn of_folders_by(name: &str, highest_first: bool) -> Option<Self> {
        let field = Field::named(name);
        let sortable = matches!(field, Field::Name | Field::Path | Field::CreatedAt);
        sortable.then_some(Self { field, highest_first })
    }

    /// What has nothing in the field comes last, whichever the direction.
    fn decide(&self, a: SortValue<'_>, b: SortValue<'_>) -> Ordering {
        let order = match (a, b) {
            (SortValue::Number(a), SortValue::Number(b)) => a.total_cmp(&b),
            (SortValue::Text(a), SortValue::Text(b)) => a.cmp(b),
            (a, b) => return rank_of_kind(a).cmp(&rank_of_kind(b)),
        };
        if self.highest_first { order.reverse() } else { order }
    }
}

const fn rank_of_kind(value: SortValue<'_>) -> u8 {
    match value {
        SortValue::Number(_) => 0,
        SortValue::Text(_) => 1,
        SortValue::Nothing => 2,
    }
}

/// Which of two comes first: as asked, then the higher tie (for assets: the newest).
pub fn compare<S: Searched>(sorts: &[Sort], a: &S, b: &S) -> Ordering {
    let asked = sorts.iter().map(|by| by.decide(a.sort_value(&by.field), b.sort_value(&by.field)));
    first_of(asked).then_with(|| b.tie().cmp(&a.tie()))
}

fn first_of(mut orders: impl Iterator<Item = Ordering>) -> Ordering {
    orders.find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
}

/// The place of one match among all that there may ever be: what it is sorted by.
#[derive(Debug, Clone, PartialEq)]
pub struct Rank {
    values: Vec<Owned>,
    tie: (i64, u64),
}

#[derive(Debug, Clone, PartialEq)]
enum Owned {
    Nothing,
    Number(f64),
    Text(String),
}

impl Owned {
    const fn borrowed(&self) -> SortValue<'_> {
        match self {
            Self::Nothing => SortValue::Nothing,
            Self::Number(number) => SortValue::Number(*number),
            Self::Text(text) => SortValue::Text(text.as_str()),
        }
    }
}

impl Rank {
    #[must_use]
    pub fn of<S: Searched>(sorts: &[Sort], subject: &S) -> Self {
        let values = sorts.iter().map(|by| match subject.sort_value(&by.field) {
            SortValue::Nothing => Owned::Nothing,
            SortValue::Number(number) => Owned::Number(number),
            SortValue::Text(text) => Owned::Text(text.to_owned()),
        });
        Self { values: values.collect(), tie: subject.tie() }
    }

    /// Whether `subject` comes after this place.
    #[must_use]
    pub fn is_before<S: Searched>(&self, sorts: &[Sort], subject: &S) -> bool {
        let asked = sorts
            .iter()
            .zip(&self.values)
            .map(|(by, own)| by.decide(own.borrowed(), subject.sort_value(&by.field)));
        first_of(asked).then_with(|| subject.tie().cmp(&self.tie)).is_lt()
    }
}

/// Where a page ended, and of which question.
///
/// It names what the last match was sorted by, not how many there were before it: what comes and goes meanwhile
/// moves nothing into or out of the pages to come. Relative times go on counting from when the first page was asked
/// for.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// Fingerprint of the question.
    pub of: u64,
    /// UNIX seconds.
    pub asked_at: i64,
    pub rank: Rank,
}

impl Position {
    /// A cursor: text that nobody should read.
    #[must_use]
    pub fn to_cursor(&self) -> String {
        let values = self.rank.values.iter().map(|value| match value {
            Owned::Nothing => "-".to_owned(),
            Owned::Number(number) => format!("n{:x}", number.to_bits()),
            Owned::Text(text) => format!("t{text}"),
        });
        let head = [
            format!("{:x}", self.of),
            self.asked_at.to_string(),
            self.rank.tie.0.to_string(),
            self.rank.tie.1.to_string(),
        ];
        let parts: Vec<String> = head.into_iter().chain(values).collect();
        URL_SAFE_NO_PAD.encode(serde_json::Value::from(parts).to_string())
    }

    /// Reads a cursor.
    #[must_use]
    pub fn from_cursor(text: &str) -> Option<Self> {
        let plain = URL_SAFE_NO_PAD.decode(text).ok()?;
        let parts: Vec<String> = serde_json::from_slice(&plain).ok()?;
        let (head, values) = parts.split_first_chunk::<4>()?;
        let values = values.iter().map(|value| {
            Some(match value.split_at_checked(1)? {
                ("-", "") => Owned::Nothing,
                ("n", bits) => Owned::Number(f64::from_bits(u64::from_str_radix(bits, 16).ok()?)),
                ("t", text) => Owned::Text(text.to_owned()),
                _ => return None,
            })
        });
        Some(Self {
            of: u64::from_str_radix(&head[0], 16).ok()?,
            asked_at: head[1].parse().ok()?,
            rank: Rank {
                values: values.collect::<Option<_>>()?,
                tie: (head[2].parse().ok()?, head[3].parse().ok()?),
            },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_are_read_as_they_were_written() {
        let position = Position {
            of: 0xfeed,
            asked_at: -7,
            rank: Rank {
                values: vec![
                    Owned::Nothing,
                    Owned::Number(16.0 / 9.0),
                    Owned::Text("été \"1\"/n\\".into()),
                ],
                tie: (1_800_000_000, u64::MAX),
            },
        };
        let cursor = position.to_cursor();
        assert!(
            cursor.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b)),
            "{cursor}"
        );
        assert_eq!(Position::from_cursor(&cursor), Some(position));
        for bad in ["", "x", "e30", "WyJ4Il0", &cursor[1..]] {
            assert_eq!(Position::from_cursor(bad), None, "{bad}");
        }
    }

    #[test]
    fn only_what_has_an_order_is_sorted_by() {
        for name in ["created_at", "public_id", "bytes", "aspect_ratio", "score", "last_updated"] {
            assert!(Sort::by(name, true).is_some(), "{name}");
        }
        for name in ["tags", "context.alt", "etag", "name", "nonsense", ""] {
            assert_eq!(Sort::by(name, true), None, "{name}");
        }
    }
}
