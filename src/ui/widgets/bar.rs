//! A progress bar with its numbers beside it.

use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;

/// `████░░░░  6/24  25 %` in `width` columns.
pub fn bar(pen: &mut Pen<'_>, x: u16, y: u16, width: u16, done: usize, total: usize) {
    let percent = (done * 100).checked_div(total).unwrap_or(0);
    let (done_text, total_text) = (text::len(done), text::len(total));
    let digits = total_text.len();
    let numbers = format!("  {done_text:>digits$}/{total_text}  {percent:>3} %"); // the bar keeps its length
    let wide = u16::try_from(text::width(&numbers)).unwrap_or(width);
    let room = width.saturating_sub(wide);
    if room >= 4 {
        stripe(pen, x, y, room, done, total);
    }
    if room >= 4 {
        pen.put(x + room, y, wide, &numbers, Role::Strong);
    } else {
        pen.put(x, y, width, &format!("{done_text}/{total_text}  {percent} %"), Role::Strong);
    }
}

/// The bar alone. It is full only when everything is done, and shows something as soon as anything is.
pub fn stripe(pen: &mut Pen<'_>, x: u16, y: u16, width: u16, done: usize, total: usize) {
    let cells = usize::from(width);
    let filled = match (done * cells).checked_div(total).unwrap_or(0) {
        0 if done > 0 => 1,
        full if full == cells && done < total => cells.saturating_sub(1),
        n => n.min(cells),
    };
    let glyphs = pen.theme.glyphs;
    let at = pen.put(x, y, width, &glyphs.bar_done.repeat(filled), Role::BarDone);
    pen.put(at, y, x + width - at, &glyphs.bar_rest.repeat(cells - filled), Role::BarRest);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ui::widgets::testing::picture;

    #[test]
    fn the_bar_is_full_only_when_all_is_done() {
        insta::assert_snapshot!(picture(32, 4, |pen, area| {
            bar(pen, 0, 0, area.width, 0, 24);
            bar(pen, 0, 1, area.width, 23, 24);
            bar(pen, 0, 2, area.width, 24, 24);
            bar(pen, 0, 3, 12, 1, 2400);
        }), @r"
        ░░░░░░░░░░░░░░░░░░   0/24    0 %
        █████████████████░  23/24   95 %
        ██████████████████  24/24  100 %
        1/2 400  0 %
        ");
    }
}
