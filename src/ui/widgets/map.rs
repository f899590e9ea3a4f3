//! A map of the world with marks on it: coast in fine dots where the terminal has them, marks in whole cells, so that
//! their shape tells what they are.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::Color;
use ratatui::symbols::Marker;
use ratatui::widgets::Widget as _;
use ratatui::widgets::canvas::{Canvas, Map, MapResolution};

use crate::ui::pen::Pen;
use crate::ui::theme::Role;

/// Degrees that are shown: no cache stands nearer to the poles.
const WEST: f64 = -180.0;
const EAST: f64 = 180.0;
const NORTH: f64 = 78.0;
const SOUTH: f64 = -56.0;

/// From this width on the coast is drawn in full.
const IN_FULL: u16 = 70;
/// Smaller maps say nothing.
pub const LEAST: (u16, u16) = (30, 6);

/// Something on the map.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Mark {
    /// Degrees, north positive.
    pub latitude: f64,
    /// Degrees, east positive.
    pub longitude: f64,
    pub glyph: &'static str,
    pub role: Role,
    /// Of several in one cell the highest is seen.
    pub rank: u8,
    /// Under the cursor: always seen.
    pub here: bool,
}

/// Rows that a map of `width` columns wants, so that land keeps its shape.
#[must_use]
pub fn height(width: u16) -> u16 {
    let dots = f64::from(width) * 2.0;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 20 000
    let rows = (dots * (NORTH - SOUTH) / (EAST - WEST) / 4.0 * 1.1).round() as u16;
    rows.max(1)
}

/// Columns that a map of `height` rows wants.
#[must_use]
pub fn width(height_wanted: u16) -> u16 {
    (1..=400).take_while(|width| height(*width) <= height_wanted).last().unwrap_or(1)
}

/// Draws coast and marks.
pub fn world(pen: &mut Pen<'_>, area: Rect, marks: &[Mark]) {
    if area.width < LEAST.0 || area.height < LEAST.1 {
        return;
    }
    coast(pen, area);
    let mut order: Vec<&Mark> = marks.iter().collect();
    order.sort_by_key(|mark| (mark.here, mark.rank));
    for mark in order {
        let (x, y) = cell(area, mark);
        pen.clear(Rect { x, y, width: 1, height: 1 }); // the coast is faint, the mark is not
        pen.put(x, y, 1, mark.glyph, mark.role);
        if mark.here {
            pen.cursor(Rect { x, y, width: 1, height: 1 }, Role::Cursor);
        }
    }
}

fn coast(pen: &mut Pen<'_>, area: Rect) {
    let fine = pen.theme.glyphs.fine;
    let resolution =
        if area.width >= IN_FULL && fine { MapResolution::High } else { MapResolution::Low };
    let mut drawn = Buffer::empty(area);
    Canvas::default()
        .marker(if fine { Marker::Braille } else { Marker::Dot })
        .x_bounds([WEST, EAST])
        .y_bounds([SOUTH, NORTH])
        .paint(|canvas| canvas.draw(&Map { resolution, color: Color::Reset }))
        .render(area, &mut drawn);
    for y in area.top()..area.bottom() {
        for x in area.left()..area.right() {
            let symbol = drawn[(x, y)].symbol();
            if symbol != " " && symbol != "\u{2800}" {
                let symbol = if fine { symbol } else { "." };
                pen.put(x, y, 1, symbol, Role::Border);
            }
        }
    }
}

/// The cell of a mark; what is nearer to a pole than the map goes to its edge.
fn cell(area: Rect, mark: &Mark) -> (u16, u16) {
    let share = |value: f64, from: f64, to: f64| ((value - from) / (to - from)).clamp(0.0, 1.0);
    let at = |share: f64, cells: u16| {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the area
        let at = (share * f64::from(cells)) as u16;
        at.min(cells - 1)
    };
    let x = area.x + at(share(mark.longitude, WEST, EAST), area.width);
    let y = area.y + at(share(mark.latitude, NORTH, SOUTH), area.height);
    (x, y)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pop::locate;
    use crate::ui::Theme;
    use crate::ui::widgets::testing::{picture, picture_in};

    fn mark(pop: &str, glyph: &'static str, here: bool) -> Mark {
        let at = locate(pop).unwrap();
        let (latitude, longitude) = (at.latitude, at.longitude);
        Mark { latitude, longitude, glyph, role: Role::Text, rank: 0, here }
    }

    #[test]
    fn places_are_where_they_are() {
        let marks =
            [("FRA", "●"), ("SYD", "▲"), ("GRU", "◔"), ("NRT", "○"), ("IAD", "×"), ("SIN", "?")];
        let marks: Vec<Mark> =
            marks.into_iter().map(|(pop, glyph)| mark(pop, glyph, false)).collect();
        let seen = picture(72, height(72), |pen, area| world(pen, area, &marks));
        insta::assert_snapshot!(seen);
        let ascii = Theme::plain().with_glyphs(true);
        let marks = [mark("FRA", "o", false), mark("SYD", "!", true)];
        let seen = picture_in(&ascii, 60, height(60), |pen, area| world(pen, area, &marks));
        assert!(seen.is_ascii());
        insta::assert_snapshot!("in_ascii", seen);
    }

    #[test]
    fn the_cursor_is_seen_where_several_are_in_one_cell_and_the_worst_otherwise() {
        let worst = Mark { rank: 9, ..mark("FRA", "▲", false) };
        let seen = |marks: &[Mark]| picture(40, 8, |pen, area| world(pen, area, marks));
        assert!(seen(&[worst, mark("FRA", "●", false)]).contains('▲'));
        let both = seen(&[mark("FRA", "●", true), worst]);
        assert!(both.contains('●') && !both.contains('▲'));
    }

    #[test]
    fn no_mark_leaves_the_map() {
        for (latitude, longitude) in
            [(90.0, 180.0), (-90.0, -180.0), (0.0, 0.0), (f64::NAN, f64::INFINITY)]
        {
            let area = Rect { x: 3, y: 2, width: 40, height: 9 };
            let at = cell(area, &Mark { latitude, longitude, ..mark("FRA", "●", false) });
            assert!(area.contains(at.into()), "{at:?}");
        }
    }

    #[test]
    fn width_and_height_belong_together() {
        for wanted in 6..40 {
            assert!(height(width(wanted)) <= wanted);
        }
        assert!(height(54) <= 12 && height(100) <= 24);
    }
}
