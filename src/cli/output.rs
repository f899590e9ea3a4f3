//! Where words and data go: standard output for data, standard error for words; text tables and JSON lines.
//!
//! A reader that went away (`allclear ls | head`) is no error: writing then yields [`Gone`], which ends the
//! command quietly.

use std::io::{self, IsTerminal, Write};
use std::sync::Mutex;

use serde::Serialize;
use serde_json::{Map, Value};
use unicode_width::UnicodeWidthStr;

use super::failure::Failure;
use crate::domain::text::clean;

/// Nobody reads our standard output any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gone;

/// How to write, settled once from the flags and the streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // four independent facts
pub struct Style {
    pub json: bool,
    pub quiet: bool,
    pub color: bool,
    pub ascii: bool,
}

/// Standard output and standard error of one command.
pub struct Output {
    pub style: Style,
    /// Standard error is a terminal: progress may rewrite its line.
    pub live: bool,
    /// Schema of every JSON object: `allclear.<command>/1`.
    schema: String,
    /// Columns of a progress line that stands on the terminal and must be wiped before anything else.
    standing: Mutex<bool>,
}

impl Output {
    #[must_use]
    pub fn new(command: &str, style: Style) -> Self {
        Self {
            style,
            live: io::stderr().is_terminal(),
            schema: format!("allclear.{command}/1"),
            standing: Mutex::new(false),
        }
    }

    /// A line of data on standard output.
    ///
    /// # Errors
    /// [`Gone`] when nobody reads it.
    pub fn line(&self, text: &str) -> Result<(), Gone> {
        self.wipe();
        let mut out = io::stdout().lock();
        written(
            out.write_all(self.plain(text).as_bytes())
                .and_then(|()| out.write_all(b"\n"))
                .and_then(|()| out.flush()),
        )
    }

    /// One JSON object on a line of its own, its schema first.
    ///
    /// # Errors
    /// [`Gone`] when nobody reads it.
    pub fn json(&self, fields: Value) -> Result<(), Gone> {
        self.wipe();
        let mut out = io::stdout().lock();
        written(writeln!(out, "{}", self.object(fields)).and_then(|()| out.flush()))
    }

    /// Begins one JSON object, its schema first, that ends with a list whose items come one after another.
    ///
    /// # Errors
    /// [`Gone`] when nobody reads it.
    pub fn json_list(&self, fields: Value, list: &str) -> Result<JsonList, Gone> {
        self.wipe();
        let mut head = self.object(fields).to_string();
        head.pop(); // the object goes on
        written(write!(io::stdout().lock(), "{head},{}:[", Value::from(list)))?;
        Ok(JsonList { is_empty: true })
    }

    /// The fields with the schema before them.
    pub fn object(&self, fields: Value) -> Value {
        let mut object = Map::new();
        object.insert("schema".to_owned(), Value::String(self.schema.clone()));
        if let Value::Object(fields) = fields {
            object.extend(fields);
        }
        Value::Object(object)
    }

    /// One line of a stream of events.
    ///
    /// # Errors
    /// [`Gone`] when nobody reads it.
    pub fn event(&self, event: &str, fields: Value) -> Result<(), Gone> {
        let mut object = Map::new();
        object.insert("event".to_owned(), Value::String(event.to_owned()));
        if let Value::Object(fields) = fields {
            object.extend(fields);
        }
        self.json(Value::Object(object))
    }

    /// A table: rows without borders, the first column left, numbers right.
    ///
    /// # Errors
    /// [`Gone`] when nobody reads it.
    pub fn table(&self, table: &Table) -> Result<(), Gone> {
        self.wipe();
        let text = table.text();
        let mut out = io::stdout().lock();
        written(out.write_all(self.plain(&text).as_bytes()).and_then(|()| out.flush()))
    }

    /// A remark on standard error, unless quiet. Failures to write are of no use to anybody.
    pub fn say(&self, text: &str) {
        if !self.style.quiet {
            self.warn(text);
        }
    }

    /// A line on standard error, even when quiet.
    pub fn warn(&self, text: &str) {
        self.wipe();
        let _ = writeln!(io::stderr().lock(), "{}", self.plain(text));
    }

    /// Part of a line on standard output, for what is typed behind it.
    ///
    /// # Errors
    /// [`Gone`] when nobody reads it.
    pub fn prompt(&self, text: &str) -> Result<(), Gone> {
        let mut out = io::stdout().lock();
        written(out.write_all(self.plain(text).as_bytes()).and_then(|()| out.flush()))
    }

    /// Part of a line on standard error, for a question.
    pub fn ask(&self, text: &str) {
        self.wipe();
        let mut err = io::stderr().lock();
        let _ = write!(err, "{}", self.plain(text)).and_then(|()| err.flush());
    }

    /// The progress line: rewritten in place on a terminal, a line of its own elsewhere; nothing when quiet.
    pub fn progress(&self, text: &str) {
        if self.style.quiet {
            return;
        }
        let text = self.plain(text);
        let mut err = io::stderr().lock();
        if self.live {
            let width = columns(rustix::stdio::stderr()).unwrap_or(80).saturating_sub(1);
            let _ = write!(err, "\r\x1b[K{}", cut(&text, width)).and_then(|()| err.flush());
            *self.standing() = true;
        } else {
            let _ = writeln!(err, "{text}");
        }
    }

    /// Takes a standing progress line away.
    pub fn wipe(&self) {
        let mut standing = self.standing();
        if std::mem::take(&mut *standing) {
            let mut err = io::stderr().lock();
            let _ = write!(err, "\r\x1b[K").and_then(|()| err.flush());
        }
    }

    /// `text` in the role's colour, where colours are wanted.
    #[must_use]
    pub fn paint(&self, role: Role, text: &str) -> String {
        if self.style.color {
            format!("\x1b[{}m{text}\x1b[0m", role.code())
        } else {
            text.to_owned()
        }
    }

    /// Without special characters of ours, where ASCII is asked for; names of assets stay as they are.
    fn plain<'a>(&self, text: &'a str) -> std::borrow::Cow<'a, str> {
        if !self.style.ascii || !text.contains(['→', '…', '·', '●', '▲', '–']) {
            return text.into();
        }
        let plain = text.replace('→', "->").replace('…', "...").replace(['·', '–'], "-");
        plain.replace('●', "*").replace('▲', "!").into()
    }

    fn standing(&self) -> std::sync::MutexGuard<'_, bool> {
        self.standing.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// What a piece of text means; colour only repeats it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Good,
    Bad,
    Doubt,
    Strong,
}

impl Role {
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "32",
            Self::Bad => "31",
            Self::Doubt => "33",
            Self::Strong => "1",
        }
    }
}

/// A broken pipe is a reader that had enough; any other failure of standard output ends us as quietly, because
/// there is nowhere left to say it.
fn written(result: io::Result<()>) -> Result<(), Gone> {
    result.map_err(|_| Gone)
}

/// Width of the terminal behind `stream`, if it is one.
pub fn columns(stream: impl std::os::fd::AsFd) -> Option<usize> {
    rustix::termios::tcgetwinsize(stream)
        .ok()
        .map(|size| usize::from(size.ws_col))
        .filter(|w| *w > 0)
}

/// The first `width` columns of `text`.
fn cut(text: &str, width: usize) -> &str {
    use unicode_segmentation::UnicodeSegmentation as _;
    let mut used = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        used += grapheme.width();
        if used > width {
            return &text[..at];
        }
    }
    text
}

/// Which side of its column a cell stands on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Left,
    Right,
}

/// The list of a JSON object that is being written.
pub struct JsonList {
    is_empty: bool,
}

impl JsonList {
    /// The next items, out before this returns.
    ///
    /// # Errors
    /// [`Gone`] when nobody reads them.
    pub fn items<T: Serialize>(&mut self, items: impl Iterator<Item = T>) -> Result<(), Gone> {
        let mut text = Vec::new();
        for item in items {
            if !self.is_empty {
                text.push(b',');
            }
            self.is_empty = false;
            written(serde_json::to_writer(&mut text, &item).map_err(io::Error::from))?;
        }
        let mut out = io::stdout().lock();
        written(out.write_all(&text).and_then(|()| out.flush()))
    }

    /// Ends the list and the object, with what is known by now.
    ///
    /// # Errors
    /// [`Gone`] when nobody reads them.
    pub fn end(self, fields: &[(&str, Value)]) -> Result<(), Gone> {
        drop(self); // nothing comes behind it
        let mut out = io::stdout().lock();
        let mut end = || -> io::Result<()> {
            write!(out, "]")?;
            for (name, value) in fields {
                write!(out, ",{}:{value}", Value::from(*name))?;
            }
            writeln!(out, "}}")?;
            out.flush()
        };
        written(end())
    }
}

/// A text table; every cell is cleaned when it comes in.
#[derive(Debug, Clone, Default)]
pub struct Table {
    sides: Vec<Side>,
    names: Vec<String>,
    /// Whether the names are shown.
    header: bool,
    rows: Vec<Vec<String>>,
    /// Lines below a row, by its number.
    below: Vec<(usize, String)>,
    /// Of columns that are written already.
    widths: Vec<usize>,
}

impl Table {
    /// A table with these columns; the header is left out on request.
    #[must_use]
    pub fn new(columns: &[(&str, Side)], header: bool) -> Self {
        Self {
            sides: columns.iter().map(|(_, side)| *side).collect(),
            names: columns.iter().map(|(name, _)| (*name).to_owned()).collect(),
            header,
            rows: Vec::new(),
            below: Vec::new(),
            widths: Vec::new(),
        }
    }

    /// What is in it was written: the next rows go below, no column narrower than it was.
    pub fn go_on(&mut self) {
        self.widths = self.widths_now();
        self.header &= self.rows.is_empty();
        self.rows.clear();
        self.below.clear();
    }

    fn widths_now(&self) -> Vec<usize> {
        let widest = |column: usize| {
            let lines = self.header.then_some(&self.names).into_iter().chain(&self.rows);
            lines.filter_map(|row| row.get(column)).map(|cell| cell.width()).max().unwrap_or(0)
        };
        let before = |column: usize| self.widths.get(column).copied().unwrap_or(0);
        (0..self.sides.len()).map(|column| widest(column).max(before(column))).collect()
    }

    pub fn row<Cell: AsRef<str>>(&mut self, cells: impl IntoIterator<Item = Cell>) {
        self.rows.push(cells.into_iter().map(|cell| clean(cell.as_ref()).into_owned()).collect());
    }

    /// A line of its own below the last row, indented; it may be as long as it is.
    pub fn below(&mut self, text: &str) {
        self.below.push((self.rows.len(), format!("  {}", clean(text))));
    }

    /// The table with these columns alone, in this order: headings in small letters, with `-` for spaces. All of them
    /// where none is asked for.
    ///
    /// # Errors
    /// A column that the table does not have, with those that it has.
    pub fn only(mut self, wanted: &[String]) -> Result<Self, Failure> {
        if wanted.is_empty() {
            return Ok(self);
        }
        let known: Vec<String> =
            self.names.iter().map(|name| name.to_lowercase().replace(' ', "-")).collect();
        let mut picked = Vec::new();
        for name in wanted {
            let at = known.iter().position(|known| known == name.trim());
            picked.push(at.ok_or_else(|| {
                Failure::usage(
                    format!("no column `{}`", clean(name)),
                    format!("there are {}", known.join(", ")),
                )
            })?);
        }
        let pick = |cells: &[String]| -> Vec<String> {
            picked.iter().map(|at| cells.get(*at).cloned().unwrap_or_default()).collect()
        };
        self.sides = picked.iter().map(|at| self.sides[*at]).collect();
        self.names = pick(&self.names);
        self.rows = self.rows.iter().map(|row| pick(row)).collect();
        Ok(self)
    }

    /// Columns of the widest row.
    #[must_use]
    pub fn width(&self) -> usize {
        let rows = Self { below: Vec::new(), ..self.clone() }.text();
        rows.lines().map(UnicodeWidthStr::width).max().unwrap_or(0)
    }

    /// All lines, each ended; an empty table is no line at all.
    #[must_use]
    pub fn text(&self) -> String {
        if self.rows.is_empty() {
            return String::new();
        }
        let lines = || self.header.then_some(&self.names).into_iter().chain(&self.rows);
        let widths = self.widths_now();
        let mut text = String::new();
        let headers = usize::from(self.header);
        for (number, row) in lines().enumerate() {
            let mut line = String::new();
            for (at, ((cell, width), side)) in row.iter().zip(&widths).zip(&self.sides).enumerate()
            {
                line.push_str(if at == 0 { "" } else { "  " });
                let pad = " ".repeat(width.saturating_sub(cell.width()));
                match side {
                    Side::Left => line.extend([cell.as_str(), &pad]),
                    Side::Right => line.extend([pad.as_str(), cell]),
                }
            }
            text.push_str(line.trim_end());
            text.push('\n');
            for (_, line) in self.below.iter().filter(|(of, _)| of + headers == number + 1) {
                text.push_str(line);
                text.push('\n');
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_no_borders_and_no_trailing_space() {
        let mut table = Table::new(&[("ID", Side::Left), ("BYTES", Side::Right)], true);
        table.row(["press/été", "12"]);
        table.row(["a\u{1b}[2J", "123456"]);
        insta::assert_snapshot!(table.text(), @r"
        ID          BYTES
        press/été      12
        a�[2J      123456
        ");
        assert_eq!(Table::new(&[("ID", Side::Left)], true).text(), "");
        table.go_on();
        table.row(["of the next page", "1"]);
        assert_eq!(table.text(), "of the next page       1\n");
        table.go_on();
        table.row(["press", "1"]);
        assert_eq!(table.text(), "press                  1\n");
    }

    #[test]
    fn columns_are_chosen_by_their_headings() {
        let mut table = Table::new(&[("ID", Side::Left), ("RUN BY", Side::Left)], true);
        table.row(["a", "ann"]);
        let wanted = |names: &[&str]| -> Vec<String> {
            names.iter().map(|name| (*name).to_owned()).collect()
        };
        let chosen = table.clone().only(&wanted(&["run-by", "id", "id"])).unwrap();
        assert_eq!(chosen.text(), "RUN BY  ID  ID\nann     a   a\n");
        assert_eq!(table.clone().only(&[]).unwrap().text(), table.text());
        let why = table.only(&wanted(&["what"])).unwrap_err();
        assert!(
            matches!(&why, Failure::Usage { message, .. } if message == "no column `what`"),
            "{why:?}"
        );
    }

    #[test]
    fn a_progress_line_is_cut_between_graphemes() {
        assert_eq!(cut("été 漢字", 6), "été 漢");
        assert_eq!(cut("short", 80), "short");
    }
}
