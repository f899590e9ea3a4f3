//! The dialog of an order as it is drawn; it shows its keys in itself.

use ratatui::layout::Rect;

use super::plan_text::plan_lines;
use super::state::{Form, OrderDialog, Stage, WordField};
use crate::app::msg::Failure;
use crate::app::state::App;
use crate::domain::invalidation::Verb;
use crate::domain::purge::{Confirmation, Plan};
use crate::screens::running::capital;
use crate::screens::shell::spinner;
use crate::screens::{rename, replace};
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::field::field;
use crate::ui::widgets::hints::hints;
use crate::ui::widgets::popup::{divide, popup};
use crate::ui::{layout, text};

/// Widest dialog.
const WIDTH: u16 = 92;

/// Draws the dialog; answers where the terminal's cursor belongs, if a field has the keys.
pub fn draw(app: &App, pen: &mut Pen<'_>, dialog: &OrderDialog, area: Rect) -> Option<(u16, u16)> {
    let label = text::shown(&dialog.request.label()).into_owned();
    let verb = capital(dialog.request.verb().as_str());
    let title = format!("{verb} {label}");
    match (&dialog.stage, &dialog.form) {
        (Stage::Form, Some(Form::Rename(form))) => rename::view::draw(app, pen, form, &title, area),
        (Stage::Form, Some(Form::Replace(form))) => {
            replace::view::draw(app, pen, form, &title, area)
        }
        (Stage::Form, None) => None,
        (Stage::Planning { since, .. }, _) => {
            let inside = small(app, pen, &title, area, 1);
            let (glyph, waited) = spinner(app, *since);
            let line = format!("{glyph} reading storage and making the plan, {waited}");
            pen.put(inside.x, inside.y, inside.width, &line, Role::Info);
            None
        }
        (Stage::Refused(failure), _) => {
            refused(app, pen, &title, failure, area);
            None
        }
        (Stage::Review { plan, word }, _) => review(app, pen, dialog, plan, word.as_ref(), area),
    }
}

/// A dialog of a few lines; its last line says how to leave.
fn small(app: &App, pen: &mut Pen<'_>, title: &str, area: Rect, lines: u16) -> Rect {
    let area = layout::centred(area, 70, lines + 4);
    let inside = popup(pen, area, title, Role::Title);
    let (rest, keys) = layout::split_bottom(inside, 1);
    hints(pen, keys, &[(app.keymap.shown("dialog.close"), "close; nothing is sent")]);
    rest
}

fn refused(app: &App, pen: &mut Pen<'_>, title: &str, failure: &Failure, area: Rect) {
    let wide = usize::from(area.width.min(70).saturating_sub(4));
    let lines = text::wrap(&failure.headline, wide).len() + text::wrap(&failure.hint, wide).len();
    let inside = small(app, pen, title, area, u16::try_from(lines).unwrap_or(4) + 1);
    failure_lines(pen, inside, failure);
}

/// Headline and next step; answers the rows used.
pub fn failure_lines(pen: &mut Pen<'_>, area: Rect, failure: &Failure) -> u16 {
    let used = pen.paragraph(area, &failure.headline, Role::Bad);
    used + pen.paragraph(layout::split_top(area, used).1, &failure.hint, Role::Text)
}

fn review(
    app: &App,
    pen: &mut Pen<'_>,
    dialog: &OrderDialog,
    plan: &Plan,
    word: Option<&WordField>,
    area: Rect,
) -> Option<(u16, u16)> {
    let width = area.width.min(WIDTH);
    let label_width: u16 = if width >= 60 { 13 } else { 0 };
    let inside_width = usize::from(width.saturating_sub(4 + label_width));
    let mut lines: Vec<(&str, String, Role)> = Vec::new();
    for line in plan_lines(plan) {
        if line.is_url {
            let cut = text::cut_front(&line.text, inside_width, pen.theme.glyphs.cut);
            lines.push((line.label, cut.into_owned(), line.role));
            continue;
        }
        // in the least room the words that decide come first
        let inline = label_width == 0 && !line.label.is_empty() && width >= 24;
        let text =
            if inline { format!("{}: {}", line.label, line.text) } else { line.text.clone() };
        let indent = text.len() - text.trim_start().len();
        for (n, wrapped) in
            text::wrap(&text, inside_width.saturating_sub(indent)).into_iter().enumerate()
        {
            let text = format!("{}{wrapped}", " ".repeat(indent));
            lines.push((if n == 0 { line.label } else { "" }, text, line.role));
        }
    }
    let wanted = u16::try_from(lines.len()).unwrap_or(u16::MAX).saturating_add(7);
    let area = layout::centred(area, width, wanted);
    let title = title(plan);
    let danger = matches!(plan.verb, Verb::Delete) || plan.overwrite;
    let inside = popup(pen, area, &title, if danger { Role::Bad } else { Role::Title });
    let (body, foot) = layout::split_bottom(inside, if area.height >= 9 { 3 } else { 2 });
    let body = if area.height >= 9 { layout::split_bottom(body, 1).0 } else { body };
    divide(pen, area, body.bottom());

    let height = usize::from(body.height);
    let first = dialog.scroll.min(lines.len().saturating_sub(height));
    for (y, (label, text, role)) in (body.top()..body.bottom()).zip(lines.iter().skip(first)) {
        if label_width > 0 {
            pen.put(body.x, y, label_width - 1, label, Role::Dim);
        }
        pen.put(body.x + label_width, y, body.width.saturating_sub(label_width), text, *role);
    }
    let below = lines.len().saturating_sub(first + height);
    if below > 0 {
        let more = format!(" {} more {} ", below, pen.theme.glyphs.down);
        pen.put_right(area.right().saturating_sub(2), body.bottom(), 20, &more, Role::Info);
    }
    confirmation(app, pen, dialog, plan, word, foot)
}

/// `Delete 3 assets from demo`.
fn title(plan: &Plan) -> String {
    let verb = capital(plan.verb.as_str());
    let what = match plan.items.as_slice() {
        [one] => text::shown(&one.key.to_string()).into_owned(),
        many => text::plural(many.len(), "asset"),
    };
    format!("{verb} {what} in {}", text::shown(&plan.cloud_name))
}

fn confirmation(
    app: &App,
    pen: &mut Pen<'_>,
    dialog: &OrderDialog,
    plan: &Plan,
    word: Option<&WordField>,
    area: Rect,
) -> Option<(u16, u16)> {
    let mut cursor = None;
    let verb = plan.verb.as_str();
    if let (needed, Some(word)) = (&plan.confirmation, word) {
        let wanted = match needed {
            Confirmation::Count(count) => format!("Type the number of assets, {count}: "),
            Confirmation::CloudName(name) => {
                format!("Type the name of the cloud, {}: ", text::shown(name))
            }
            Confirmation::Yes => String::new(),
        };
        // what is to be typed is never cut: in little room it is asked for in fewer words, and typed below
        let fits = text::width(&wanted) + 12 <= usize::from(area.width);
        let wanted = match needed.word() {
            Some(needed) if !fits => format!("Type {}: ", text::shown(&needed)),
            _ => wanted,
        };
        let room = usize::from(area.width.saturating_sub(8));
        let below = u16::from(text::width(&wanted) > room && area.height > 2);
        let max = if below > 0 { area.width } else { area.width.saturating_sub(8) };
        let x = pen.put(area.x, area.y, max, &wanted, Role::Strong);
        let (x, y) = if below > 0 { (area.x, area.y + 1) } else { (x, area.y) };
        let width = area.right().saturating_sub(x).min(24);
        cursor = Some(field(pen, x, y, width, &word.field, word.wrong));
        if word.wrong {
            let said = "that is not it";
            let (x, y) = if fits { (x + width + 1, y) } else { (area.x, area.y + 1) };
            pen.put(x, y, area.right().saturating_sub(x), said, Role::Bad);
        }
    } else {
        let key = app.keymap.shown("plan.confirm");
        let parts = [
            ("Press ", Role::Text),
            (key.as_str(), Role::Key),
            (" to ", Role::Text),
            (verb, Role::Strong),
        ];
        pen.parts(area.x, area.y, area.width, &parts);
    }
    let invalidate = if dialog.invalidate { "invalidate: yes" } else { "invalidate: no" };
    let level = match dialog.confidence.unwrap_or(app.env.setup.confidence) {
        crate::domain::confidence::Confidence::Quick => "proof: quick",
        crate::domain::confidence::Confidence::Normal => "proof: normal",
        crate::domain::confidence::Confidence::Strict => "proof: strict",
    };
    let keys = layout::split_bottom(area, 1).1;
    let close = (
        app.keymap.shown("dialog.close"),
        if dialog.form.is_some() {
            "back"
        } else if area.width < 50 && word.is_some() {
            "close" // it is never left out
        } else {
            "close; nothing is sent"
        },
    );
    let confirm = match word {
        Some(_) => (app.keymap.shown("word.confirm"), verb),
        None => (app.keymap.shown("plan.confirm"), verb),
    };
    hints(
        pen,
        keys,
        &[
            confirm,
            close,
            (app.keymap.shown("plan.invalidate"), invalidate),
            (app.keymap.shown("plan.confidence"), level),
        ],
    );
    cursor
}
