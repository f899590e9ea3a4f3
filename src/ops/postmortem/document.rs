//! A document without a format: headings, facts, tables, a curve.

use std::time::Duration;

use crate::domain::snapshot::CurvePoint;
use crate::domain::text::clean;

/// A document, ready to be written in any format.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    pub title: String,
    /// Whether it went well; `None` while nothing has ended.
    pub good: Option<bool>,
    /// The one sentence that matters.
    pub lead: String,
    pub sections: Vec<Section>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Section {
    pub heading: &'static str,
    pub blocks: Vec<Block>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Block {
    Paragraph(Text),
    Facts(Vec<(&'static str, Text)>),
    Table {
        head: Vec<&'static str>,
        rows: Vec<Vec<Text>>,
    },
    /// Cells clear over time.
    Curve(Vec<CurvePoint>),
}

/// Cleaned text in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text {
    pub text: String,
    /// Copied as it stands: an ID, a URL, a command.
    pub code: bool,
}

impl Document {
    /// Its tables with these columns alone, in their order; a table that has none of them stays whole.
    ///
    /// # Errors
    /// The first column that no table has, and those that there are.
    pub fn only(mut self, wanted: &[String]) -> Result<Self, (String, Vec<String>)> {
        let mut known: Vec<String> = Vec::new();
        for head in self.tables().map(|(head, _)| head) {
            known.extend(head.iter().map(|name| column(name)));
        }
        if let Some(odd) = wanted.iter().find(|name| !known.contains(&column(name))) {
            known.sort();
            known.dedup();
            return Err((odd.clone(), known));
        }
        for (head, rows) in self.tables() {
            let at = |name: &String| head.iter().position(|it| column(it) == column(name));
            let picked: Vec<usize> = wanted.iter().filter_map(at).collect();
            if picked.is_empty() {
                continue;
            }
            *head = picked.iter().map(|at| head[*at]).collect();
            for row in rows {
                *row = picked.iter().filter_map(|at| row.get(*at).cloned()).collect();
            }
        }
        Ok(self)
    }

    fn tables(&mut self) -> impl Iterator<Item = (&mut Vec<&'static str>, &mut Vec<Vec<Text>>)> {
        let blocks = self.sections.iter_mut().flat_map(|section| &mut section.blocks);
        blocks.filter_map(|block| match block {
            Block::Table { head, rows } => Some((head, rows)),
            _ => None,
        })
    }
}

/// A heading as it is typed: `cells-clear`.
fn column(heading: &str) -> String {
    heading.trim().to_lowercase().replace(' ', "-")
}

impl Text {
    #[must_use]
    pub fn plain(raw: &str) -> Self {
        Self { text: clean(raw).into_owned(), code: false }
    }

    #[must_use]
    pub fn code(raw: &str) -> Self {
        Self { code: true, ..Self::plain(raw) }
    }
}

impl Section {
    pub(super) const fn new(heading: &'static str, blocks: Vec<Block>) -> Self {
        Self { heading, blocks }
    }
}

impl Block {
    pub(super) fn table<const N: usize>(head: [&'static str; N], rows: Vec<Vec<Text>>) -> Self {
        Self::Table { head: head.to_vec(), rows }
    }

    /// A table, or nothing where it would have no row.
    pub(super) fn some_table<const N: usize>(
        head: [&'static str; N],
        rows: Vec<Vec<Text>>,
    ) -> Vec<Self> {
        if rows.is_empty() { Vec::new() } else { vec![Self::table(head, rows)] }
    }
}

/// `1 call`, `2 calls`.
pub(super) fn count(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// A duration in its two largest units.
pub(super) fn span(time: Duration) -> String {
    let seconds = time.as_secs();
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, 0) => format!("{} ms", time.as_millis()),
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {minutes:02} min"),
    }
}
