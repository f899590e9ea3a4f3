//! The help as it is drawn.

use ratatui::layout::Rect;

use super::state::{HelpRow, HelpState};
use crate::app::state::App;
use crate::ui::layout;
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::field::field;
use crate::ui::widgets::popup::popup;

/// Draws the help; answers where the terminal's cursor belongs.
pub fn draw(app: &App, pen: &mut Pen<'_>, help: &HelpState, area: Rect) -> Option<(u16, u16)> {
    let rows = help.rows(&app.keymap);
    let height = area.height.saturating_sub(2).max(area.height.min(6));
    let area = layout::centred(area, 96, height);
    let title = format!("Help: type to search, {} runs", app.keymap.shown("help.run"));
    let inside = popup(pen, area, &title, Role::Title);
    let x = pen.put(inside.x, inside.y, 1, "/", Role::Key);
    let cursor =
        field(pen, x, inside.y, inside.width.saturating_sub(1).min(30), &help.field, false);
    let list = layout::split_top(inside, if inside.height < 10 { 1 } else { 2 }).1;
    // what is cut in its line is told in full below
    let below = match list.height {
        5..=8 if list.width < 60 => 2,
        0..=8 => 0,
        _ => 3,
    };
    let (list, told) = layout::split_bottom(list, below);
    if let Some(row) = rows.get(help.cursor).filter(|_| told.height > 0) {
        let ruled = u16::from(told.height > 2);
        if ruled > 0 {
            pen.rule(told);
        }
        pen.paragraph(layout::split_top(told, ruled).1, row.command.help, Role::Text);
    }
    let lines = lines(&rows);
    let at = lines.iter().position(|line| matches!(line, Line::Row(at) if *at == help.cursor));
    let first = layout::window(at.unwrap_or(0), lines.len(), usize::from(list.height));
    for (y, line) in (list.top()..list.bottom()).zip(lines.iter().skip(first)) {
        match line {
            Line::Gap => {}
            Line::Title(title) => {
                pen.put(list.x, y, list.width, title, Role::Heading);
            }
            Line::Row(at) => {
                draw_row(app, pen, Rect { y, height: 1, ..list }, &rows[*at], *at == help.cursor);
            }
        }
    }
    if rows.is_empty() {
        pen.put(list.x, list.y, list.width, "no command matches", Role::Dim);
    }
    Some(cursor)
}

enum Line {
    Gap,
    Title(&'static str),
    Row(usize),
}

fn lines(rows: &[HelpRow]) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut scope = None;
    for (at, row) in rows.iter().enumerate() {
        if scope != Some(row.command.scope) {
            if scope.is_some() {
                lines.push(Line::Gap);
            }
            scope = Some(row.command.scope);
            lines.push(Line::Title(row.command.scope.title()));
        }
        lines.push(Line::Row(at));
    }
    lines
}

fn draw_row(app: &App, pen: &mut Pen<'_>, area: Rect, row: &HelpRow, here: bool) {
    let keys: Vec<_> = app.keymap.keys(row.command.id).iter().map(ToString::to_string).collect();
    let verbs: Vec<_> = row.command.verbs.iter().map(|verb| format!(":{verb}")).collect();
    let narrow = area.width < 60;
    pen.put(area.x + 2, area.y, if narrow { 9 } else { 14 }, &keys.join(" "), Role::Key);
    let mut x = area.x + if narrow { 12 } else { 17 };
    if !narrow {
        pen.put(x, area.y, 14, &verbs.join(" "), Role::Accent);
        x += 15;
    }
    let role = if row.runs { Role::Text } else { Role::Dim };
    pen.put(x, area.y, area.right().saturating_sub(x), row.command.help, role);
    if here {
        pen.put(area.x, area.y, 1, pen.theme.glyphs.cursor, Role::Accent);
        pen.cursor(area, Role::Cursor);
    }
}
