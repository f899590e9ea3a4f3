//! History and headers of an asset as they are drawn.

use ratatui::layout::Rect;

use crate::app::state::App;
use crate::app::update::outcome_words;
use crate::domain::sighting::CacheStatus;
use crate::ops::engine::Look;
use crate::screens::shell::{clock, spinner};
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::verdict::face_of;
use crate::ui::{layout, text};

/// What was done to the asset, newest first.
pub fn history(app: &App, pen: &mut Pen<'_>, area: Rect, cursor: Option<usize>) {
    let rows = app.assets.history.as_ref().and_then(|history| history.rows.as_ref());
    let rows = match rows {
        None => {
            pen.paragraph(area, "reading the journal", Role::Info);
            return;
        }
        Some(Err(failure)) => {
            pen.paragraph(area, &failure.headline, Role::Bad);
            return;
        }
        Some(Ok(rows)) if rows.is_empty() => {
            let line = "no order of this journal was about this asset; what was done without the journal is not known here";
            pen.paragraph(area, line, Role::Dim);
            return;
        }
        Some(Ok(rows)) => rows,
    };
    let first = layout::window(cursor.unwrap_or(0), rows.len(), usize::from(area.height / 2));
    let mut y = area.y;
    for (at, row) in rows.iter().enumerate().skip(first) {
        if y + 1 >= area.bottom() {
            break;
        }
        let when = row.operation.at.strftime("%Y-%m-%d %H:%M").to_string();
        let x = pen.put(area.x + 2, y, area.width.saturating_sub(2), &when, Role::Dim) + 1;
        let room = |x: u16| area.right().saturating_sub(x);
        let x = pen.put(x, y, room(x), row.operation.verb.as_str(), Role::Strong) + 1;
        let x = pen.put(x, y, room(x), &text::shown(&row.by), Role::Text) + 1;
        let (word, role) = match &row.ended {
            Some(ending) => (outcome_words(ending.outcome), Role::Info),
            None if row.invalidation.is_some() => ("pending", Role::Warning),
            None => ("", Role::Dim),
        };
        pen.put(x, y, room(x), word, role);
        let command = format!("$ {}", text::shown(&row.operation.command_line));
        pen.put(area.x + 4, y + 1, area.width.saturating_sub(4), &command, Role::Dim);
        if cursor == Some(at) {
            pen.cursor(Rect { y, height: 1, ..area }, Role::Cursor);
        }
        y += 2;
    }
}

/// What every place answered to one look.
pub fn headers(app: &App, pen: &mut Pen<'_>, area: Rect, cursor: Option<usize>) {
    let key = app.keymap.shown("details.look");
    let Some(look) = &app.assets.look else {
        let line = format!(
            "{key} asks every place once for the URL under the cursor and shows what the caches answer; nothing is changed"
        );
        pen.paragraph(area, &line, Role::Dim);
        return;
    };
    let url = text::shown(&look.url);
    let url = text::cut_front(&url, usize::from(area.width), pen.theme.glyphs.cut);
    let end = pen.put(area.x, area.y, area.width, &url, Role::Accent);
    pen.link(area.x, area.y, end, &look.url);
    let rest = layout::split_top(area, 1).1;
    let (at, looked) = match &look.result {
        None => {
            let (glyph, waited) = spinner(app, look.since);
            pen.paragraph(rest, &format!("{glyph} asking every place, {waited}"), Role::Info);
            return;
        }
        Some((_, Err(failure))) => {
            let used = pen.paragraph(rest, &failure.headline, Role::Bad);
            pen.paragraph(layout::split_top(rest, used).1, &failure.hint, Role::Text);
            return;
        }
        Some((at, Ok(looked))) => (at, looked),
    };
    let line = format!(
        "{} at {} UTC, {key} looks again",
        text::plural(looked.looks.len(), "place"),
        clock(*at)
    );
    pen.put(rest.x, rest.y, rest.width, &line, Role::Dim);
    let rest = layout::split_top(rest, 1).1;
    let each = if rest.width >= 60 { 2 } else { 3 };
    let fits = usize::from(rest.height / each).max(1);
    let first = layout::window(cursor.unwrap_or(0), looked.looks.len(), fits);
    let mut y = rest.y;
    for (at, look) in looked.looks.iter().enumerate().skip(first) {
        if y >= rest.bottom() {
            break;
        }
        one_look(pen, Rect { y, height: each.min(rest.bottom() - y), ..rest }, look);
        if cursor == Some(at) {
            pen.cursor(Rect { y, height: 1, ..rest }, Role::Cursor);
        }
        y += each;
    }
}

fn one_look(pen: &mut Pen<'_>, area: Rect, look: &Look) {
    let face = face_of(look.judgement.verdict, pen.theme.glyphs);
    let city = look.place.city.as_deref().unwrap_or("");
    let name = format!("{} {}", text::shown(&look.place.id.0), text::shown(city));
    let x = pen.put(area.x + 2, area.y, area.width.saturating_sub(2), &name, Role::Strong) + 1;
    let word = format!("{} {}", face.glyph, face.word);
    let x = pen.put(x, area.y, area.right().saturating_sub(x), &word, face.role);
    let why = format!(": {}", text::shown(&look.judgement.reason.to_string()));
    pen.put(x, area.y, area.right().saturating_sub(x), &why, Role::Text);
    let facts = match &look.sighting.result {
        Err(failure) => vec![text::shown(&failure.to_string()).into_owned()],
        Ok(answer) => {
            let mut facts = vec![format!("status {}", answer.status)];
            if answer.cache != CacheStatus::Unknown {
                facts.push(format!("cache {}", answer.cache.as_str().replace('_', " ")));
            }
            facts.extend(answer.age.map(|age| format!("Age {age}")));
            facts.extend(
                answer.etag.as_ref().map(|etag| format!("ETag {}", text::shown(&etag.tag))),
            );
            facts.extend(
                answer
                    .last_modified
                    .as_ref()
                    .map(|at| format!("Last-Modified {}", text::shown(at))),
            );
            facts.extend(answer.total_length.map(text::bytes));
            facts.extend(
                answer.error.as_ref().map(|error| format!("x-cld-error {}", text::shown(error))),
            );
            facts.extend(answer.peer.map(|peer| format!("from {peer}")));
            facts
        }
    };
    let below = layout::split_top(area, 1).1;
    let below = Rect { x: below.x + 4, width: below.width.saturating_sub(4), ..below };
    let separator = format!(" {} ", pen.theme.glyphs.separator);
    let lines = text::flow(&facts, &separator, usize::from(below.width));
    for (y, line) in (below.top()..below.bottom()).zip(lines) {
        pen.put(below.x, y, below.width, &line, Role::Dim);
    }
}
