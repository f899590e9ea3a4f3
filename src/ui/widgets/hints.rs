//! Keys and what they do, on one line, as many as fit.

use ratatui::layout::Rect;

use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;

/// Draws the hints that fit, the most useful first; none is cut in the middle, and help is always among them.
pub fn hints(pen: &mut Pen<'_>, area: Rect, hints: &[(String, &str)]) {
    let wide = |at: usize| text::width(&hints[at].0) + 1 + text::width(hints[at].1);
    let help = hints.iter().position(|(_, word)| *word == "help");
    let mut room = usize::from(area.width) + GAP;
    let mut chosen = Vec::new();
    for at in help.into_iter().chain((0..hints.len()).filter(|at| Some(*at) != help)) {
        if wide(at) + GAP <= room {
            room -= wide(at) + GAP;
            chosen.push(at);
        }
    }
    chosen.sort_unstable();
    let mut x = area.x;
    for at in chosen {
        let (key, word) = &hints[at];
        x = pen.put(x, area.y, area.right().saturating_sub(x), key, Role::Key) + 1;
        x = pen.put(x, area.y, area.right().saturating_sub(x), word, Role::Hint) + 2;
    }
}

/// Columns between two hints.
const GAP: usize = 2;

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
