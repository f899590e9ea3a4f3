//! A list in columns: headings, the rows around the cursor, and the row under it told in full below. Pending, Jobs and
//! Activity are such lists.

use ratatui::layout::Rect;

use crate::ui::layout::{self, Column, ListAreas, fit, window};
use crate::ui::pen::Pen;
use crate::ui::theme::Role;

/// From this height on the row under the cursor is told in full below the list.
const TOLD: u16 = 14;

/// The areas of such a screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Areas {
    pub status: Rect,
    pub list: ListAreas,
    /// For the row under the cursor; nothing where there is little room.
    pub told: Option<Rect>,
}

/// Divides the body of a screen; `told` lines are for the row under the cursor.
#[must_use]
pub fn areas(body: Rect, told: u16) -> Areas {
    let told = if body.height >= TOLD { told } else { 0 };
    let (list, below) = layout::split_bottom(body, told);
    let list = layout::list(list);
    Areas { status: layout::inset(list.status, 1), list, told: (told > 0).then_some(below) }
}

/// Columns, and the one that rows are sorted by: its number, and whether it is the other way round.
#[derive(Debug, Clone, Copy)]
pub struct Heads<'a> {
    pub columns: &'a [Column],
    pub sorted: Option<(usize, bool)>,
}

/// Widths of the columns that fit into a list: the cursor before the first one, a space at the end.
fn widths(columns: &[Column], width: u16) -> Vec<Option<u16>> {
    fit(columns, width.saturating_sub(4))
}

/// Whether a list with these rows has headings above them.
#[must_use]
pub const fn has_headings(rows: Rect, body: Rect) -> bool {
    rows.y >= body.y + 2
}

/// The column in whose heading `x` is.
#[must_use]
pub fn heading_at(columns: &[Column], rows: Rect, x: u16) -> Option<usize> {
    let mut from = rows.x + 3;
    for (at, width) in widths(columns, rows.width).into_iter().enumerate() {
        let Some(width) = width else { continue };
        if (from..from + width + 2).contains(&x) {
            return Some(at);
        }
        from += width + 2;
    }
    None
}

/// Draws headings and rows. `cell` answers what stands in a column of a row; it may draw there itself.
pub fn rows<T>(
    pen: &mut Pen<'_>,
    areas: ListAreas,
    heads: Heads<'_>,
    (rows, at): (&[T], usize),
    mut cell: impl FnMut(&mut Pen<'_>, &T, usize, Rect) -> (String, Role),
) {
    let columns = heads.columns;
    let widths = widths(columns, areas.rows.width);
    let shown = |y: u16| {
        let mut x = areas.rows.x + 3;
        let area = move |width: &Option<u16>| {
            let width = (*width)?;
            let area = Rect { x, y, width, height: 1 };
            x += width + 2;
            Some(area)
        };
        columns.iter().zip(widths.iter().map(area).collect::<Vec<_>>()).enumerate()
    };
    if areas.headings.height > 0 {
        for (number, (column, area)) in shown(areas.headings.y) {
            let Some(area) = area else { continue };
            let title = match heads.sorted {
                Some((at, reverse)) if at == number => {
                    let glyphs = pen.theme.glyphs;
                    format!("{} {}", column.title, if reverse { glyphs.up } else { glyphs.down })
                }
                _ => column.title.to_owned(),
            };
            put(pen, area, column, &title, Role::Heading);
        }
    }
    let first = window(at, rows.len(), usize::from(areas.rows.height));
    for (y, (position, row)) in
        (areas.rows.top()..areas.rows.bottom()).zip(rows.iter().enumerate().skip(first))
    {
        for (number, (column, area)) in shown(y) {
            if let Some(area) = area {
                let (word, role) = cell(pen, row, number, area);
                put(pen, area, column, &word, role);
            }
        }
        if position == at {
            let line = Rect { y, height: 1, ..areas.rows };
            pen.cursor(Rect { width: line.width.saturating_sub(1), ..line }, Role::Cursor);
            pen.put(line.x + 1, y, 1, pen.theme.glyphs.cursor, Role::Text);
        }
    }
}

fn put(pen: &mut Pen<'_>, area: Rect, column: &Column, word: &str, role: Role) {
    if column.right {
        pen.put_right(area.right(), area.y, area.width, word, role);
    } else {
        pen.put(area.x, area.y, area.width, word, role);
    }
}

/// What stands where no row is.
pub fn nothing(pen: &mut Pen<'_>, areas: ListAreas, line: &str, role: Role) {
    pen.paragraph(layout::inset(areas.rows, 2), line, role);
}

/// The line that divides list and row under the cursor; answers the area below it.
pub fn below(pen: &mut Pen<'_>, area: Rect) -> Rect {
    pen.rule(Rect { height: 1, ..area });
    layout::inset(layout::split_top(area, 1).1, 1)
}

/// Where the cursor of a list is: it belongs to a thing, so that no row jumps under it.
#[must_use]
pub fn position<I: PartialEq>(at: Option<I>, mut shown: impl Iterator<Item = I>) -> usize {
    at.and_then(|id| shown.position(|other| other == id)).unwrap_or(0)
}
