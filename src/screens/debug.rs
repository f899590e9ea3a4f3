//! The debug overlay: what the console concluded about the terminal, what it asked last, what frames cost.

use ratatui::layout::Rect;

use crate::app::state::App;
use crate::ports::journal::Reach;
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::theme_file::AUTO;
use crate::ui::widgets::popup::popup;
use crate::ui::{layout, text};

/// Draws the overlay; it holds no secret, so that it can be sent to somebody.
pub fn draw(app: &App, pen: &mut Pen<'_>, area: Rect) {
    let area = layout::centred(area, 90, area.height.saturating_sub(2).max(area.height.min(8)));
    let title = format!("allclear {}", env!("CARGO_PKG_VERSION"));
    let inside = popup(pen, area, &title, Role::Title);
    let debug = &app.debug;
    let (width, height) = app.env.size;
    let mut facts = vec![
        ("size", format!("{width}x{height}")),
        (
            "frames",
            format!(
                "{} drawn, the last in {} \u{b5}s, {} bytes",
                debug.frames,
                debug.frame_cost.as_micros(),
                debug.frame_bytes
            ),
        ),
        (
            "messages",
            format!(
                "{}, {} loaded, {} known",
                debug.messages,
                text::plural(app.assets.rows.len(), "asset"),
                if app.tracked.len() == 1 {
                    "1 watch".to_owned()
                } else {
                    format!("{} watches", app.tracked.len())
                }
            ),
        ),
    ];
    facts.push(("theme", theme(app)));
    match &app.board.reach {
        Reach::Here => {}
        Reach::Reached { delay } => {
            facts.push(("server", format!("the journal's answers after {} ms", delay.as_millis())));
        }
        Reach::Gone { detail } => {
            facts.push(("server", format!("the journal's is gone: {}", text::shown(detail))));
        }
    }
    facts.extend(debug.about.iter().map(|(name, value)| (*name, value.clone())));
    let mut y = inside.y;
    for (name, value) in &facts {
        if y >= inside.bottom() {
            return;
        }
        pen.put(inside.x, y, 10, name, Role::Dim);
        pen.put(inside.x + 11, y, inside.width.saturating_sub(11), value, Role::Text);
        y += 1;
    }
    if y + 2 < inside.bottom() {
        pen.put(inside.x, y + 1, inside.width, "Asked last, newest first", Role::Heading);
        y += 2;
    }
    for (y, asked) in (y..inside.bottom()).zip(debug.asked.iter().rev()) {
        let took = match asked.took {
            Some(took) => format!("{} ms", took.as_millis()),
            None => "no answer yet".to_owned(),
        };
        let at = asked.at.strftime("%H:%M:%S").to_string();
        let x = pen.put(inside.x, y, 10, &at, Role::Dim) + 3;
        let x = pen.put(x, y, 24, asked.what, Role::Text).max(x + 24);
        pen.put(x + 1, y, inside.right().saturating_sub(x + 1), &took, Role::Dim);
    }
}

/// Which theme is shown, and what says so; the terminal may answer long after the start.
fn theme(app: &App) -> String {
    let name = text::shown(&app.theme.name);
    if !app.follows_ground() {
        return format!("{name}, as chosen");
    }
    let name = if name == AUTO { name } else { format!("{name}, {AUTO}").into() };
    match app.ground {
        Some(ground) => format!("{name}: the terminal said {ground:?}").to_lowercase(),
        None => format!("{name}: the terminal has not said light or dark"),
    }
}
