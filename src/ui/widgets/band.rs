//! A band across the screen that says how a watch ended; it cannot be missed.

use ratatui::layout::Rect;

use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;

/// Rows that the band wants for `sentence` in `width` columns, at most 6: a blank one above and below.
#[must_use]
pub fn height(sentence: &str, width: u16) -> u16 {
    let lines = text::wrap(sentence, usize::from(width.saturating_sub(4))).len();
    u16::try_from(lines).unwrap_or(3).min(3) + 3
}

/// Title in capitals with a note at its right, and the sentence below, on a painted ground.
pub fn band(pen: &mut Pen<'_>, area: Rect, title: &str, note: &str, sentence: &str, role: Role) {
    pen.clear(area);
    pen.tint(area, role);
    let width = area.width.saturating_sub(4);
    let wanted = height(sentence, area.width);
    let top = area.y + u16::from(area.height >= wanted);
    let x = pen.put(area.x + 2, top, width, &title.to_uppercase(), role);
    let room = area.right().saturating_sub(x + 4);
    if text::width(note) <= usize::from(room) {
        pen.put_right(area.right().saturating_sub(2), top, room, note, role);
    }
    let most = usize::from(area.bottom().saturating_sub(top + 1));
    let cut = pen.theme.glyphs.cut;
    let lines = text::wrap_at_most(sentence, usize::from(width), most, cut);
    for (y, line) in (top + 1..area.bottom()).zip(lines) {
        pen.put(area.x + 2, y, width, &line, role);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::testing::picture;

    #[test]
    fn the_band_grows_with_its_sentence() {
        let sentence = "24 of 24 caches reached, 3 sightings each, quiet 30 s";
        assert_eq!((height(sentence, 80), height(sentence, 40)), (4, 5));
        insta::assert_snapshot!(picture(40, 5, |pen, area| {
            band(pen, area, "● all clear", "after 42 s", sentence, Role::AllClear);
        }), @r"

          ● ALL CLEAR               after 42 s
          24 of 24 caches reached, 3 sightings
          each, quiet 30 s
        ");
    }
}
