//! A text field: what was typed, scrolled so that the cursor is seen.

use tui_input::Input;

use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;

/// Draws the field and answers where the terminal's cursor belongs.
pub fn field(
    pen: &mut Pen<'_>,
    x: u16,
    y: u16,
    width: u16,
    input: &Input,
    wrong: bool,
) -> (u16, u16) {
    let role = if wrong { Role::FieldWrong } else { Role::Field };
    let blank = " ".repeat(usize::from(width));
    pen.put(x, y, width, &blank, role);
    let room = usize::from(width.saturating_sub(1)).max(1);
    let scroll = input.visual_scroll(room);
    let (mut skipped, mut at) = (0, x);
    for cluster in unicode_segmentation::UnicodeSegmentation::graphemes(input.value(), true) {
        let wide = text::width(cluster);
        if skipped < scroll {
            skipped += wide;
            continue;
        }
        if usize::from(at - x) + wide > usize::from(width) {
            break;
        }
        at = pen.put(at, y, width, cluster, role);
    }
    let cursor = input.visual_cursor().saturating_sub(scroll);
    (x + u16::try_from(cursor).unwrap_or(0).min(width.saturating_sub(1)), y)
}
