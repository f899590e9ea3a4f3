//! How the lists of Pending, Jobs and Activity are arranged: what they are sorted by, and what of them is shown. The list
//! of assets has its own, as it sorts millions off the loop; these hold what one journal page holds.

use tui_input::Input;

use super::assets::rows::Filter;
use crate::app::action::{Screen, SortBy};
use crate::app::state::App;
use crate::ui::pen::Pen;
use crate::ui::theme::{Glyphs, Role};
use crate::ui::widgets::field::field;
use crate::ui::{text, theme::UNICODE};

/// Sorting, filter, and the filter's field while it has the keys.
#[derive(Debug, Clone, Default)]
pub struct Arrangement {
    /// Column, and whether it is the other way round.
    pub sort: (SortBy, bool),
    pub filter: Filter,
    pub field: Option<Input>,
}

/// What rows are sorted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum SortKey {
    Number(i64),
    Word(String),
    /// They stay as they are.
    Same,
}

impl SortKey {
    /// Larger ones first.
    #[must_use]
    pub fn descending(number: usize) -> Self {
        Self::Number(-i64::try_from(number).unwrap_or(i64::MAX))
    }
}

impl Arrangement {
    /// By this column; the same one again turns it round.
    pub fn sort_by(&mut self, by: SortBy) {
        self.sort = (by, self.sort.0 == by && !self.sort.1);
    }

    /// Opens the field of the filter.
    pub fn open_field(&mut self) {
        self.field = Some(Input::new(self.filter.text().to_owned()));
    }

    /// Filters by what was typed so far.
    pub fn set_filter(&mut self, text: &str) {
        self.filter = Filter::new(text);
    }

    /// Leaves the innermost thing that is open; whether there was one.
    pub fn back(&mut self) -> bool {
        let open = self.field.take().is_some() || !self.filter.is_empty();
        self.filter = Filter::default();
        open
    }

    /// The rows that match, in the order asked for. Equal ones stay as they came.
    pub fn rows<'a, T>(
        &self,
        rows: impl Iterator<Item = &'a T>,
        words: impl Fn(&T) -> String,
        key: impl Fn(&T, SortBy) -> SortKey,
    ) -> Vec<&'a T> {
        let mut rows: Vec<&T> =
            rows.filter(|row| self.filter.is_empty() || self.filter.matches(&words(row))).collect();
        let (by, reverse) = self.sort;
        if by != SortBy::Server {
            rows.sort_by_cached_key(|row| key(row, by));
        }
        if reverse {
            rows.reverse();
        }
        rows
    }

    /// The column that is sorted by, among those that stand for `columns`, and whether it is the other way round.
    #[must_use]
    pub fn sorted(&self, columns: &[SortBy]) -> Option<(usize, bool)> {
        let (by, reverse) = self.sort;
        let at = columns.iter().position(|column| *column == by && by != SortBy::Server)?;
        Some((at, reverse))
    }

    /// Draws the filter or its field; answers where the next word goes, and where the terminal's cursor belongs.
    pub fn filter_line(
        &self,
        pen: &mut Pen<'_>,
        (x, y, width): (u16, u16, u16),
    ) -> (u16, Option<(u16, u16)>) {
        if let Some(input) = &self.field {
            let x = pen.put(x, y, 1, "/", Role::Key);
            let wide = (width / 3).clamp(6, 30);
            let cursor = field(pen, x, y, wide, input, false);
            return (x + wide + 2, Some(cursor));
        }
        if self.filter.is_empty() {
            return (x, None);
        }
        let shown = format!("/{}", text::shown(self.filter.text()));
        (pen.put(x, y, width / 2, &shown, Role::Match) + 2, None)
    }
}

/// The word of a state without its glyph.
#[must_use]
pub fn word_of(state: impl Fn(&Glyphs) -> (String, Role)) -> String {
    let (shown, _) = state(&UNICODE);
    shown.split_once(' ').map_or(shown.clone(), |(_, word)| word.to_owned())
}

/// What stands where the filter leaves no row.
#[must_use]
pub fn no_match(app: &App) -> String {
    format!("nothing that is loaded matches; {} drops the filter", app.keymap.shown("app.back"))
}

/// What the status line says of another order than the usual one.
#[must_use]
pub fn order_words(arrangement: &Arrangement, screen: Screen) -> Option<String> {
    let (by, reverse) = arrangement.sort;
    match (by, reverse) {
        (SortBy::Server, false) => None,
        (SortBy::Server, true) => Some("the other way round".to_owned()),
        _ if !SortBy::of(screen).contains(&by) => None,
        _ => Some(format!("by {}{}", by.as_str(), if reverse { ", reversed" } else { "" })),
    }
}
