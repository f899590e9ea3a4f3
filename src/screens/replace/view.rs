//! The field of a replace as it is drawn.

use ratatui::layout::Rect;

use super::ReplaceForm;
use crate::app::state::App;
use crate::screens::order::view::failure_lines;
use crate::ui::layout;
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::field::field;
use crate::ui::widgets::hints::hints;
use crate::ui::widgets::popup::popup;

/// Draws the dialog; answers where the terminal's cursor belongs.
pub fn draw(
    app: &App,
    pen: &mut Pen<'_>,
    form: &ReplaceForm,
    title: &str,
    area: Rect,
) -> Option<(u16, u16)> {
    let area = layout::centred(area, 76, 9);
    let inside = popup(pen, area, title, Role::Title);
    let (body, keys) = layout::split_bottom(inside, 1);
    pen.put(body.x, body.y, body.width, "file that takes its place", Role::Dim);
    let cursor = field(pen, body.x, body.y + 1, body.width, &form.field, false);
    let rest = layout::split_top(body, 2).1;
    match (&form.failure, &form.problem) {
        (Some(failure), _) => failure_lines(pen, rest, failure),
        (None, Some(problem)) => pen.paragraph(rest, problem, Role::Dim),
        (None, None) => pen.paragraph(rest, "the plan comes next; nothing is sent yet", Role::Dim),
    };
    hints(
        pen,
        keys,
        &[
            (app.keymap.shown("form.submit"), "show the plan"),
            (app.keymap.shown("dialog.close"), "close"),
        ],
    );
    Some(cursor)
}
