//! The field of a rename as it is drawn.

use ratatui::layout::Rect;

use super::RenameForm;
use crate::app::state::App;
use crate::screens::order::view::failure_lines;
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::field::field;
use crate::ui::widgets::hints::hints;
use crate::ui::widgets::popup::popup;
use crate::ui::{layout, text};

/// Draws the dialog; answers where the terminal's cursor belongs.
pub fn draw(
    app: &App,
    pen: &mut Pen<'_>,
    form: &RenameForm,
    title: &str,
    area: Rect,
) -> Option<(u16, u16)> {
    let area = layout::centred(area, 76, 10);
    let inside = popup(pen, area, title, Role::Title);
    let (body, keys) = layout::split_bottom(inside, 1);
    let wrong = form.problem.is_some() && form.field.value() != form.from;
    pen.put(body.x, body.y, body.width, "new name", Role::Dim);
    let cursor = field(pen, body.x, body.y + 1, body.width, &form.field, wrong);
    let rest = layout::split_top(body, 2).1;
    let used = match (&form.failure, &form.problem) {
        (Some(failure), _) => failure_lines(pen, rest, failure),
        (None, Some(problem)) => {
            pen.paragraph(rest, problem, if wrong { Role::Bad } else { Role::Dim })
        }
        (None, None) => pen.paragraph(rest, "the plan comes next; nothing is sent yet", Role::Dim),
    };
    let rest = layout::split_top(rest, used).1;
    let overwrite = if form.overwrite {
        Some(("what the new name holds will be overwritten", Role::Warning))
    } else if form.target_exists {
        Some(("the new name is taken: overwrite it, or type another", Role::Text))
    } else {
        None
    };
    if let Some((line, role)) = overwrite {
        pen.put(rest.x, rest.y, rest.width, &text::cut(line, usize::from(rest.width), ""), role);
    }
    let toggle = if form.overwrite { "overwrite: yes" } else { "overwrite: no" };
    hints(
        pen,
        keys,
        &[
            (app.keymap.shown("form.submit"), "show the plan"),
            (app.keymap.shown("dialog.close"), "close"),
            (app.keymap.shown("form.overwrite"), toggle),
        ],
    );
    Some(cursor)
}
