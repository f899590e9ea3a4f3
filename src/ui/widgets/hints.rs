//! Keys and what they do, on one line, as many as fit.

use ratatui::layout::Rect;

use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;

/// Draws the hints that fit, the most useful first; none is cut in the middle.
pub fn hints(pen: &mut Pen<'_>, area: Rect, hints: &[(String, &str)]) {
    let mut x = area.x;
    for (key, word) in hints {
        let wide = text::width(key) + 1 + text::width(word);
        let gap = if x == area.x { 0 } else { 2 };
        let needed = u16::try_from(wide).unwrap_or(u16::MAX).saturating_add(gap);
        if needed > area.right().saturating_sub(x) {
            continue;
        }
        x = pen.put(x + gap, area.y, area.right() - x, key, Role::Key);
        x = pen.put(x + 1, area.y, area.right().saturating_sub(x + 1), word, Role::Hint);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::testing::picture;

    #[test]
    fn hints_that_do_not_fit_are_left_out_whole() {
        let all: Vec<_> = [("enter", "open"), ("space", "mark"), ("?", "help")]
            .map(|(k, w)| (k.to_owned(), w))
            .into();
        insta::assert_snapshot!(picture(20, 1, |pen, area| hints(pen, area, &all)), @"enter open  ? help");
    }
}
