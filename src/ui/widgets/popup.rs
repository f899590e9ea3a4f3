//! The frame of a dialog.

use ratatui::layout::Rect;

use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;

/// Empties `area`, frames it with `title` and answers the inside; on the smallest terminals without a frame.
pub fn popup(pen: &mut Pen<'_>, area: Rect, title: &str, role: Role) -> Rect {
    pen.clear(area);
    if area.width < 12 || area.height < 5 {
        pen.put(area.x, area.y, area.width, title, role);
        return Rect {
            y: area.y + 1.min(area.height),
            height: area.height.saturating_sub(1),
            ..area
        };
    }
    let glyphs = pen.theme.glyphs;
    let inside = usize::from(area.width) - 2;
    let (right, bottom) = (area.right() - 1, area.bottom() - 1);
    let line = glyphs.line.repeat(inside);
    for (y, from, to) in [(area.y, 0, 1), (bottom, 2, 3)] {
        pen.put(area.x, y, 1, glyphs.corners[from], Role::Border);
        pen.put(area.x + 1, y, area.width - 2, &line, Role::Border);
        pen.put(right, y, 1, glyphs.corners[to], Role::Border);
    }
    for y in area.y + 1..bottom {
        pen.put(area.x, y, 1, glyphs.upright, Role::Border);
        pen.put(right, y, 1, glyphs.upright, Role::Border);
    }
    let room = area.width.saturating_sub(6);
    let shown = text::cut(title, usize::from(room), glyphs.cut);
    let wide = u16::try_from(text::width(&shown)).unwrap_or(room) + 2;
    pen.clear(Rect { x: area.x + 2, y: area.y, width: wide, height: 1 }); // not as faint as the frame
    pen.put(area.x + 2, area.y, room + 2, &format!(" {shown} "), role);
    Rect { x: area.x + 2, y: area.y + 1, width: area.width - 4, height: area.height - 2 }
}

/// A line through the frame at `y`, between two parts of a dialog.
pub fn divide(pen: &mut Pen<'_>, area: Rect, y: u16) {
    if area.width < 12 || y <= area.y || y >= area.bottom() {
        return;
    }
    let glyphs = pen.theme.glyphs;
    pen.put(area.x, y, 1, glyphs.tees[0], Role::Border);
    let line = glyphs.line.repeat(usize::from(area.width) - 2);
    pen.put(area.x + 1, y, area.width - 2, &line, Role::Border);
    pen.put(area.right() - 1, y, 1, glyphs.tees[1], Role::Border);
}
