//! A band across the screen that says how a watch ended; it cannot be missed.

use ratatui::layout::Rect;

use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;

/// Rows that the band wants for `sentence` in `width` columns, at most 5.
#[must_use]
pub fn height(sentence: &str, width: u16) -> u16 {
    let lines = text::wrap(sentence, usize::from(width.saturating_sub(4))).len();
    u16::try_from(lines).unwrap_or(3).min(3) + 2
}

/// Title in capitals and the sentence below it, on a painted ground.
pub fn band(pen: &mut Pen<'_>, area: Rect, glyph: &str, title: &str, sentence: &str, role: Role) {
    pen.clear(area);
    pen.tint(area, role);
    let width = area.width.saturating_sub(4);
    let spare = area.height >= 4;
    let top = area.y + u16::from(spare && area.height > height(sentence, area.width));
    pen.put(area.x + 2, top, width, &format!("{glyph} {}", title.to_uppercase()), role);
    let lines =
        Rect { x: area.x + 2, y: top + 1, width, height: area.bottom().saturating_sub(top + 1) };
    pen.paragraph(lines, sentence, role);
}
