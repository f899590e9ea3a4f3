//! The command line as it is drawn: the field at the bottom, completions above it.

use ratatui::layout::Rect;

use crate::app::command_line::CommandLine;
use crate::ui::layout;
use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets::field::field;

/// Most completions on screen.
const ROWS: usize = 8;

/// Draws the command line; answers where the terminal's cursor belongs.
pub fn draw(pen: &mut Pen<'_>, line: &CommandLine, area: Rect) -> Option<(u16, u16)> {
    let body = layout::shell(area).body;
    let listed = line.choices.len().min(ROWS).min(usize::from(body.height.saturating_sub(2)));
    let rows = u16::try_from(listed).unwrap_or(0);
    let extra = u16::from(line.problem.is_some());
    let (above, bottom) = layout::split_bottom(body, rows + extra + 2);
    pen.clear(bottom);
    pen.rule(Rect { height: 1, ..bottom });
    let list = Rect { y: bottom.y + 1, height: rows, ..bottom };
    let first = layout::window(line.chosen.unwrap_or(0), line.choices.len(), listed);
    let wide = line.choices.iter().map(|choice| text::width(&choice.shown)).max().unwrap_or(0);
    let wide = u16::try_from(wide).unwrap_or(40).min(area.width / 2).max(1);
    for (y, (at, choice)) in
        (list.top()..list.bottom()).zip(line.choices.iter().enumerate().skip(first))
    {
        let here = line.chosen == Some(at);
        if here {
            pen.put(list.x + 1, y, 1, pen.theme.glyphs.cursor, Role::Accent);
        }
        pen.put(
            list.x + 3,
            y,
            wide,
            &choice.shown,
            if choice.changes { Role::Warning } else { Role::Accent },
        );
        let x = list.x + 5 + wide;
        pen.put(x, y, area.right().saturating_sub(x + 1), &choice.help, Role::Dim);
        if here {
            pen.cursor(Rect { y, height: 1, ..list }, Role::Cursor);
        }
    }
    if let Some(problem) = &line.problem {
        pen.put(bottom.x + 1, list.bottom(), bottom.width.saturating_sub(2), problem, Role::Bad);
    }
    let y = bottom.bottom().saturating_sub(1).max(above.y);
    let x = pen.put(bottom.x, y, 1, ":", Role::Key);
    Some(field(pen, x, y, bottom.width.saturating_sub(2), &line.field, line.problem.is_some()))
}
