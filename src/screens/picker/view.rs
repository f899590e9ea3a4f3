//! A picker as it is drawn.

use ratatui::layout::Rect;

use super::state::{Picker, PickerKind};
use crate::app::commands::Scope;
use crate::app::state::App;
use crate::screens::footer;
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::field::field;
use crate::ui::widgets::hints::hints;
use crate::ui::widgets::popup::popup;
use crate::ui::widgets::verdict::legend;
use crate::ui::{layout, text};

/// Draws the picker; answers where the terminal's cursor belongs.
pub fn draw(app: &App, pen: &mut Pen<'_>, picker: &Picker, area: Rect) -> Option<(u16, u16)> {
    let matches = picker.matches();
    let rows = u16::try_from(picker.choices.len()).unwrap_or(u16::MAX).min(16);
    let sample = u16::from(picker.kind == PickerKind::Theme) * 2;
    let area = layout::centred(area, 76, rows.saturating_add(6 + sample));
    let inside = popup(pen, area, &picker.kind.title(&app.keymap), Role::Title);
    let x = pen.put(inside.x, inside.y, 1, "/", Role::Key);
    let cursor =
        field(pen, x, inside.y, inside.width.saturating_sub(1).min(30), &picker.field, false);
    let (list, keys) = layout::split_bottom(layout::split_top(inside, 1).1, 1);
    let list = if list.height > 6 { layout::split_top(list, 1).1 } else { list };
    let (list, below) = layout::split_bottom(list, if list.height > 6 { sample } else { 0 });
    let tree = picker.is_tree();
    let named: Vec<String> =
        matches.iter().map(|choice| label(picker, &choice.name, tree)).collect();
    let widest = named.iter().map(|name| text::width(name)).max();
    let wide = u16::try_from(widest.unwrap_or(0)).unwrap_or(30).clamp(8, list.width.max(9) / 2);
    let first = layout::window(picker.cursor, matches.len(), usize::from(list.height));
    for (y, (at, choice)) in (list.top()..list.bottom()).zip(matches.iter().enumerate().skip(first))
    {
        let now = choice.name == picker.before;
        pen.put(list.x + 2, y, wide, &named[at], if now { Role::Strong } else { Role::Text });
        let x = list.x + 4 + wide;
        let about = text::shown(&choice.about);
        let x = pen.put(x, y, list.right().saturating_sub(x), &about, Role::Dim);
        if now && x + 6 < list.right() {
            pen.put_right(list.right(), y, 5, "now", Role::Dim);
        }
        if at == picker.cursor {
            pen.cursor(Rect { y, height: 1, ..list }, Role::Cursor);
            pen.put(list.x, y, 1, pen.theme.glyphs.cursor, Role::Text);
        }
    }
    if matches.is_empty() {
        pen.put(list.x, list.y, list.width, "nothing matches", Role::Dim);
    }
    if below.height > 1 {
        let mut x = below.x;
        for (part, role) in legend(pen.theme.glyphs) {
            let room = below.right().saturating_sub(x);
            if usize::from(room) < text::width(part.trim_end()) {
                break;
            }
            x = pen.put(x, below.y + 1, room, &part, role);
        }
    }
    if picker.kind == PickerKind::Folder && app.folders.is_reading() {
        let x = inside.x + inside.width.min(34);
        let room = inside.right().saturating_sub(x);
        pen.put_right(inside.right(), inside.y, room, "asking the server", Role::Info);
    }
    hints(pen, keys, &footer::offered(app, Scope::Picker));
    Some(cursor)
}

/// A choice as it is listed; in a tree by its last part, moved to the right, with a sign where there is more in it.
fn label(picker: &Picker, name: &str, tree: bool) -> String {
    if name.is_empty() {
        return "/".to_owned();
    }
    if !tree {
        return text::shown(name).into_owned();
    }
    let sign = match (picker.has_folders(name), picker.open.contains(name)) {
        (true, false) => '+',
        (true, true) => '-',
        (false, _) => ' ',
    };
    let inner = name.strip_suffix('/').unwrap_or(name);
    let last = inner.rsplit('/').next().unwrap_or(inner);
    format!("{}{sign} {}/", "  ".repeat(Picker::depth(inner)), text::shown(last))
}
