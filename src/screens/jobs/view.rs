//! The Jobs screen as it is drawn.

use ratatui::layout::Rect;

use crate::app::action::{Screen, SortBy};
use crate::app::state::App;
use crate::domain::job::{JobRow, JobState};
use crate::screens::arrangement::{no_match, order_words};
use crate::ui::layout::Column;
use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::{Glyphs, Role};
use crate::ui::widgets::bar::stripe;
use crate::ui::widgets::listing;

/// Below this width states are said in short words.
const NARROW: u16 = 60;
const ASSETS: usize = 2;
const CALLS: usize = 3;
const COLUMNS: [Column; 8] = [
    Column { title: "STATE", width: 13, grows: false, right: false, priority: 1 },
    Column { title: "ORDER", width: 7, grows: false, right: false, priority: 4 },
    Column { title: "ASSETS", width: 12, grows: true, right: false, priority: 0 },
    Column { title: "CALLS", width: 11, grows: false, right: true, priority: 2 },
    Column { title: "", width: 10, grows: false, right: false, priority: 6 },
    Column { title: "RATE", width: 6, grows: false, right: true, priority: 5 },
    Column { title: "LEFT", width: 12, grows: false, right: true, priority: 3 },
    Column { title: "WHO", width: 14, grows: false, right: false, priority: 7 },
];

/// What the columns can be sorted by.
const SORTS: [SortBy; 8] = [
    SortBy::State,
    SortBy::Order,
    SortBy::Name,
    SortBy::Size,
    SortBy::Done,
    SortBy::Server,
    SortBy::Age,
    SortBy::Who,
];

/// Where things are in the body of the screen.
#[must_use]
pub fn areas(body: Rect) -> listing::Areas {
    listing::areas(body, (body.height / 3).clamp(6, 12))
}

fn columns(width: u16) -> [Column; 8] {
    let mut columns = COLUMNS;
    if width < NARROW {
        (columns[0].width, columns[ASSETS].width, columns[CALLS].width) = (8, 10, 7);
    } else {
        columns[ASSETS].width = 22; // names come first: others leave before these are cut
    }
    columns
}

/// What a click on the headings above `rows` sorts by.
#[must_use]
pub fn heading_at(rows: Rect, x: u16) -> Option<SortBy> {
    listing::heading_at(&columns(rows.width), rows, x).map(|at| SORTS[at])
}

/// Draws jobs that are not over, then those that are; answers where the terminal's cursor belongs, if the filter has the
/// keys.
pub fn draw(app: &App, pen: &mut Pen<'_>, body: Rect) -> Option<(u16, u16)> {
    let areas = areas(body);
    let cursor = status(app, pen, areas.status);
    let state = &app.job_list;
    let rows = state.shown();
    if rows.is_empty() {
        let no_match = no_match(app);
        let (line, role) = match &state.failure {
            Some(failure) => (failure.headline.as_str(), Role::Bad),
            None if !state.is_read => ("reading the journal", Role::Info),
            None if !state.rows.is_empty() => (no_match.as_str(), Role::Dim),
            None => ("no order has made calls yet", Role::Dim),
        };
        listing::nothing(pen, areas.list, line, role);
        return cursor;
    }
    let narrow = body.width < NARROW;
    let columns = columns(body.width);
    let heads = listing::Heads { columns: &columns, sorted: state.list.sorted(&SORTS) };
    let at = state.position();
    listing::rows(pen, areas.list, heads, (&rows, at), |pen, job, column, area| {
        cell(app, pen, job, (column, narrow), area)
    });
    if let (Some(area), Some(job)) = (areas.told, rows.get(at)) {
        tell(app, pen, area, job);
    }
    cursor
}

fn status(app: &App, pen: &mut Pen<'_>, area: Rect) -> Option<(u16, u16)> {
    if area.height == 0 {
        return None;
    }
    let state = &app.job_list;
    let (x, cursor) = state.list.filter_line(pen, (area.x, area.y, area.width));
    let live = state.live().count();
    let over = state.rows.len() - live;
    let mut parts = Vec::new();
    if !state.list.filter.is_empty() {
        parts.push((format!("{} match of ", text::len(state.shown().len())), Role::Text));
    }
    parts.push((format!("{live} under way"), Role::Strong));
    if over > 0 {
        parts.push((format!(", {over} over"), Role::Dim));
    }
    if state.held() > 0 {
        let key = app.keymap.shown("jobs.resume-all");
        parts.push((format!("  {} held: {key} lets them go on", state.held()), Role::Warning));
    } else if live > 0 {
        let key = app.keymap.shown("jobs.hold-all");
        parts.push((format!("  {key} holds all at once"), Role::Hint));
    }
    if let Some(order) = order_words(&state.list, Screen::Jobs) {
        parts.push((format!("  {order}"), Role::Dim));
    }
    if let Some(failure) = state.failure.as_ref().filter(|_| !state.rows.is_empty()) {
        parts.push((format!("  {}", failure.headline), Role::Bad));
    }
    let parts: Vec<_> = parts.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    pen.parts(x, area.y, area.right().saturating_sub(x), &parts);
    cursor
}

/// What stands in a column.
fn cell(
    app: &App,
    pen: &mut Pen<'_>,
    job: &JobRow,
    (column, narrow): (usize, bool),
    area: Rect,
) -> (String, Role) {
    let counts = &job.counts;
    let faded = if job.state.is_over() { Role::Dim } else { Role::Text };
    let word = match column {
        0 => {
            let (state, role) = state_of(job, pen.theme.glyphs);
            return (if narrow { short(&state) } else { state }, role);
        }
        1 => job.operation.verb.as_str().to_owned(),
        ASSETS => text::shown(&job.label).into_owned(),
        CALLS => format!("{}/{}", text::len(counts.settled()), text::len(counts.total())),
        4 => {
            if !job.state.is_over() {
                stripe(pen, area.x, area.y, area.width, counts.settled(), counts.total());
            }
            String::new()
        }
        5 => job.rate(app.shown_now()).map_or_else(String::new, |rate| format!("{rate:.1}/s")),
        6 => left(app, job),
        _ => return (text::shown(&job.by).into_owned(), Role::Dim),
    };
    (word, faded)
}

/// Time left, or how much was not done.
fn left(app: &App, job: &JobRow) -> String {
    match job.eta(app.shown_now()) {
        Some(eta) => text::elapsed(eta),
        None if job.counts.not_done() > 0 && job.state.is_over() => {
            format!("{} not done", text::len(job.counts.not_done()))
        }
        None => String::new(),
    }
}

/// Glyph and word of how a job stands.
#[must_use]
pub fn state_of(job: &JobRow, glyphs: &Glyphs) -> (String, Role) {
    let (glyph, role) = match job.state {
        JobState::Running if job.wait.is_some() => {
            return (format!("{} quota", glyphs.hollow), Role::Warning);
        }
        JobState::Running => (glyphs.arrow, Role::Info),
        JobState::Waiting => (glyphs.unseen, Role::Warning),
        JobState::Paused | JobState::Held => (glyphs.hollow, Role::Warning),
        JobState::Interrupted => (glyphs.outdated, Role::Outdated),
        JobState::Cancelling | JobState::Cancelled => (glyphs.left_out, Role::Dim),
        JobState::Done if job.counts.not_done() > 0 => {
            return (format!("{} not all", glyphs.part), Role::Warning);
        }
        JobState::Done => (glyphs.cleared, Role::Good),
    };
    (format!("{glyph} {}", job.state.as_str()), role)
}

/// A state for narrow terminals: its glyph, and a word of at most six letters.
fn short(state: &str) -> String {
    let (glyph, word) = state.split_once(' ').unwrap_or(("", state));
    let word = match word {
        "running" => "runs",
        "waiting" => "waits",
        "interrupted" => "lost",
        "cancelling" => "stops",
        "cancelled" => "off",
        "not all" => "partly",
        other => other,
    };
    format!("{glyph} {word}")
}

/// The job under the cursor in full: who and why, then what was not done and why.
fn tell(app: &App, pen: &mut Pen<'_>, area: Rect, job: &JobRow) {
    let area = listing::below(pen, area);
    let counts = &job.counts;
    let mut parts = vec![format!("{} accepted", text::len(counts.accepted))];
    let others = [
        (counts.sent, "in flight"),
        (counts.intended, "not sent yet"),
        (counts.not_found, "not found"),
        (counts.failed, "failed"),
        (counts.skipped, "skipped"),
        (counts.refused, "refused before"),
    ];
    parts.extend(
        others
            .into_iter()
            .filter(|(count, _)| *count > 0)
            .map(|(count, word)| format!("{} {word}", text::len(count))),
    );
    pen.put(area.x, area.y, area.width, &parts.join(", "), Role::Strong);
    let separator = format!(" {} ", pen.theme.glyphs.separator);
    let mut facts = vec![job.operation.at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()];
    facts.push(text::shown(&job.by).into_owned());
    facts.extend(job.run_by.as_ref().map(|by| format!("run by {}", text::shown(by))));
    if let Some(by) = &job.wished_by {
        facts.push(format!("{} by {}", job.wish.as_str(), text::shown(by)));
    }
    facts.extend(job.operation.note.as_ref().map(|note| format!("note: {}", text::shown(note))));
    pen.put(area.x, area.y + 1, area.width, &facts.join(&separator), Role::Dim);
    let mut y = area.y + 2;
    let waiting = job.wait.as_ref().map(|wait| {
        let until = wait.until.strftime("%H:%M:%S");
        format!("next call at {until}: {}", text::shown(&wait.because))
    });
    let delay = job.not_before.filter(|_| job.state == JobState::Waiting);
    let delay = delay.map(|at| format!("nothing is sent before {}", at.strftime("%H:%M:%S")));
    let hint = match job.state {
        JobState::Interrupted if job.resumable => {
            let key = app.keymap.shown("jobs.pause");
            Some(format!("its process is gone; {key} goes on with it here"))
        }
        _ if job.state.is_over() && counts.not_done() > 0 => {
            Some(format!("{} tries again what was not done", app.keymap.shown("jobs.retry")))
        }
        _ => None,
    };
    for line in waiting.into_iter().chain(delay).chain(hint) {
        pen.put(area.x, y, area.width, &line, Role::Warning);
        y += 1;
    }
    let rest = Rect { y, height: area.bottom().saturating_sub(y), ..area };
    not_done(app, pen, rest, job);
}

fn not_done(app: &App, pen: &mut Pen<'_>, area: Rect, job: &JobRow) {
    let state = &app.job_list;
    let known = state.items.as_ref().filter(|(of, ..)| *of == job.operation.id);
    let items = match known {
        Some((.., Ok(items))) => items,
        Some((.., Err(failure))) => {
            pen.put(area.x, area.y, area.width, &failure.headline, Role::Bad);
            return;
        }
        None => return,
    };
    let more = items.len().saturating_sub(usize::from(area.height));
    for (y, item) in (area.top()..area.bottom()).zip(items.iter()) {
        if more > 0 && y + 1 == area.bottom() {
            let line = format!("and {} more", text::len(more + 1));
            pen.put(area.x + 2, y, area.width, &line, Role::Dim);
            return;
        }
        let x = pen.put(area.x, y, 1, pen.theme.glyphs.outdated, Role::Bad) + 1;
        let label = text::shown(&item.key.to_string()).into_owned();
        let x = pen.put(x, y, area.width / 2, &label, Role::Strong) + 2;
        let why = item.message.as_deref().map_or_else(
            || item.state.as_str().replace('_', " "),
            |why| format!("{}: {}", item.state.as_str().replace('_', " "), text::shown(why)),
        );
        pen.put(x, y, area.right().saturating_sub(x), &why, Role::Text);
    }
}
