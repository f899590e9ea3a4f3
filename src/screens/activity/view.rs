//! The Activity screen as it is drawn.

use ratatui::layout::Rect;

use crate::app::action::{Screen, SortBy};
use crate::app::state::App;
use crate::app::update::outcome_words;
use crate::domain::invalidation::{Outcome, Verb};
use crate::domain::job::ActRow;
use crate::domain::time::Timestamp;
use crate::ports::journal::ActivityRow;
use crate::screens::arrangement::{no_match, order_words};
use crate::ui::layout::Column;
use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::{Glyphs, Role};
use crate::ui::widgets::listing;

const ASSETS: usize = 3;
const OUTCOME: usize = 5;
const COLUMNS: [Column; 6] = [
    Column { title: "WHEN (UTC)", width: 12, grows: false, right: false, priority: 1 },
    Column { title: "WHO", width: 14, grows: false, right: false, priority: 4 },
    Column { title: "ORDER", width: 7, grows: false, right: false, priority: 3 },
    Column { title: "ASSETS", width: 12, grows: true, right: false, priority: 0 },
    Column { title: "CALLS", width: 8, grows: false, right: true, priority: 5 },
    Column { title: "OUTCOME", width: 14, grows: false, right: false, priority: 2 },
];

/// What the columns can be sorted by.
const SORTS: [SortBy; 6] =
    [SortBy::Age, SortBy::Who, SortBy::Order, SortBy::Name, SortBy::Size, SortBy::State];

/// Where things are in the body of the screen.
#[must_use]
pub fn areas(body: Rect) -> listing::Areas {
    listing::areas(body, 5)
}

fn columns(width: u16) -> [Column; 6] {
    let mut columns = COLUMNS;
    if width >= 60 {
        columns[ASSETS].width = 22; // names come first: others leave before these are cut
    } else {
        (columns[0].width, columns[ASSETS].width, columns[OUTCOME].width) = (5, 10, 11);
        columns[0].title = "UTC";
    }
    columns
}

/// What a click on the headings above `rows` sorts by.
#[must_use]
pub fn heading_at(rows: Rect, x: u16) -> Option<SortBy> {
    listing::heading_at(&columns(rows.width), rows, x).map(|at| SORTS[at])
}

/// Draws the trail; answers where the terminal's cursor belongs, if the filter has the keys.
pub fn draw(app: &App, pen: &mut Pen<'_>, body: Rect) -> Option<(u16, u16)> {
    let areas = areas(body);
    let cursor = status(app, pen, areas.status);
    let rows = app.activity.shown();
    if rows.is_empty() {
        let no_match = no_match(app);
        let (line, role) = match &app.activity.failure {
            Some(failure) => (failure.headline.as_str(), Role::Bad),
            None if !app.activity.is_read => ("reading the journal", Role::Info),
            None if app.activity.rows.is_empty() => ("nothing was ordered yet", Role::Dim),
            None => (no_match.as_str(), Role::Dim),
        };
        listing::nothing(pen, areas.list, line, role);
        return cursor;
    }
    let columns = columns(body.width);
    let heads = listing::Heads { columns: &columns, sorted: app.activity.list.sorted(&SORTS) };
    let at = app.activity.position();
    listing::rows(pen, areas.list, heads, (&rows, at), |pen, row, column, area| {
        cell(app, pen, row, column, area.width)
    });
    if let (Some(area), Some(row)) = (areas.told, rows.get(at)) {
        tell(app, pen, area, row);
    }
    cursor
}

fn status(app: &App, pen: &mut Pen<'_>, area: Rect) -> Option<(u16, u16)> {
    if area.height == 0 {
        return None;
    }
    let state = &app.activity;
    let (x, cursor) = state.list.filter_line(pen, (area.x, area.y, area.width));
    let all = text::plural(state.rows.len(), "order");
    let order = order_words(&state.list, Screen::Activity);
    let counted = if state.list.filter.is_empty() {
        format!("{all}, {}", order.as_deref().unwrap_or("newest first"))
    } else {
        let order = order.map(|order| format!(", {order}")).unwrap_or_default();
        format!("{} of {all}{order}", text::len(state.shown().len()))
    };
    let x = pen.put(x, area.y, area.right().saturating_sub(x), &counted, Role::Text);
    if let (Some(last), None) = (state.acts_of(None).next(), &state.failure) {
        let line = format!("profile: {}", done(last, app.env.now));
        pen.put(x + 2, area.y, area.right().saturating_sub(x + 2), &line, Role::Dim);
    }
    if let (Some(failure), false) = (&state.failure, state.rows.is_empty()) {
        pen.put(x + 2, area.y, area.right().saturating_sub(x + 2), &failure.headline, Role::Bad);
    }
    cursor
}

/// What stands in a column.
fn cell(app: &App, pen: &Pen<'_>, row: &ActivityRow, column: usize, width: u16) -> (String, Role) {
    match column {
        0 => (when(row.operation.at, app.env.now, width), Role::Dim),
        1 => (text::shown(&row.by).into_owned(), Role::Text),
        2 => (row.operation.verb.as_str().to_owned(), Role::Strong),
        ASSETS => (text::shown(&row.label).into_owned(), Role::Text),
        4 => (calls(row), if row.failed > 0 { Role::Warning } else { Role::Text }),
        _ => outcome(row, pen.theme.glyphs),
    }
}

/// The row under the cursor in full: outcome, note, command line.
fn tell(app: &App, pen: &mut Pen<'_>, area: Rect, row: &ActivityRow) {
    let area = listing::below(pen, area);
    let operation = &row.operation;
    let (word, role) = outcome(row, pen.theme.glyphs);
    let label = text::shown(&row.label);
    let x = pen.put(area.x, area.y, area.width, &word, role) + 2;
    let sentence = row.ended.as_ref().map_or_else(
        || format!("{} {label}: {}", operation.verb.as_str(), accepted(row)),
        |ending| text::shown(&ending.sentence).into_owned(),
    );
    pen.put(x, area.y, area.right().saturating_sub(x), &sentence, Role::Text);
    let mut facts = vec![operation.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()];
    facts.push(text::shown(&row.by).into_owned());
    if !operation.invalidate && operation.verb != Verb::Watch {
        facts.push("caches left alone".to_owned());
    }
    if let Some(note) = &operation.note {
        facts.push(format!("note: {}", text::shown(note)));
    }
    let separator = format!(" {} ", pen.theme.glyphs.separator);
    pen.put(area.x, area.y + 1, area.width, &facts.join(&separator), Role::Dim);
    let key = app.keymap.shown("app.copy");
    let hint = format!("{key} copies");
    let hinted = u16::try_from(text::width(&hint)).unwrap_or(0);
    let room = area.width.saturating_sub(hinted + 4);
    let x = pen.put(area.x, area.y + 2, 2, "$ ", Role::Dim);
    let command = text::shown(&operation.command_line);
    pen.put(x, area.y + 2, room, &command, Role::Accent);
    pen.put_right(area.right(), area.y + 2, hinted, &hint, Role::Hint);
    let acts = app.activity.acts_of(Some(operation.id)).map(|act| done(act, app.env.now));
    let acts = acts.collect::<Vec<_>>();
    if !acts.is_empty() && area.height > 3 {
        pen.put(area.x, area.y + 3, area.width, &acts.join(&separator), Role::Text);
    }
}

/// What somebody did to a job or a profile: `pause by ann@desk 12:00:05`.
fn done(act: &ActRow, now: Timestamp) -> String {
    let kind = act.kind.as_str().replace('_', " ");
    format!("{kind} by {} {}", text::shown(&act.by), when(act.at, now, u16::MAX))
}

/// The time of day, with the date where it was another day; in little room the day alone.
fn when(at: Timestamp, now: Timestamp, width: u16) -> String {
    let day = |time: Timestamp| time.strftime("%F").to_string();
    let format = match (day(at) == day(now), width >= 12) {
        (true, true) => "%H:%M:%S",
        (true, false) => "%H:%M",
        (false, true) => "%b %d %H:%M",
        (false, false) => "%m-%d",
    };
    at.strftime(format).to_string()
}

fn calls(row: &ActivityRow) -> String {
    match row.operation.verb {
        Verb::Watch => String::new(),
        _ => format!("{}/{}", row.accepted, row.items),
    }
}

fn accepted(row: &ActivityRow) -> String {
    let failed = if row.failed > 0 { format!(", {} failed", row.failed) } else { String::new() };
    format!("{} of {} accepted{failed}", row.accepted, text::plural(row.items, "call"))
}

/// How it ended, in glyph and word.
fn outcome(row: &ActivityRow, glyphs: &Glyphs) -> (String, Role) {
    if let Some(ending) = &row.ended {
        return match ending.outcome {
            Outcome::AllClear => (format!("{} all clear", glyphs.cleared), Role::Cleared),
            Outcome::ClearExcept => (format!("{} clear except", glyphs.part), Role::Same),
            Outcome::SampledClear => (format!("{} sampled", glyphs.part), Role::Same),
            Outcome::Superseded | Outcome::CloudGone | Outcome::Abandoned => {
                (format!("{} {}", glyphs.left_out, outcome_words(ending.outcome)), Role::Dim)
            }
            Outcome::GaveUp | Outcome::Blind | Outcome::Failed => {
                (format!("{} {}", glyphs.outdated, outcome_words(ending.outcome)), Role::Outdated)
            }
        };
    }
    if row.failed > 0 {
        return (format!("{} {} failed", glyphs.outdated, row.failed), Role::Outdated);
    }
    match row.invalidation {
        Some(_) => (format!("{} pending", glyphs.unseen), Role::Info),
        None if row.accepted == row.items => (format!("{} done", glyphs.cleared), Role::Text),
        None => (format!("{} {}/{}", glyphs.part, row.accepted, row.items), Role::Warning),
    }
}
