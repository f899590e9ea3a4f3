//! The Pending screen as it is drawn.

use std::time::Duration;

use ratatui::layout::Rect;

use super::state::Show;
use crate::app::action::{Screen, SortBy};
use crate::app::state::{App, Tracked};
use crate::app::update::outcome_words;
use crate::domain::invalidation::Outcome;
use crate::domain::snapshot::{Phase, PlaceState, WatchSnapshot};
use crate::domain::time::Timestamp;
use crate::screens::arrangement::{no_match, order_words};
use crate::screens::watch::view::counted;
use crate::ui::layout::Column;
use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;
use crate::ui::widgets::bar::stripe;
use crate::ui::widgets::listing;

const COLUMNS: [Column; 8] = [
    Column { title: "STATE", width: 11, grows: false, right: false, priority: 1 },
    Column { title: "ORDER", width: 7, grows: false, right: false, priority: 5 },
    Column { title: "ASSETS", width: 12, grows: true, right: false, priority: 0 },
    Column { title: "CELLS", width: 9, grows: false, right: true, priority: 3 },
    Column { title: "", width: 8, grows: false, right: false, priority: 7 },
    Column { title: "SLOWEST", width: 9, grows: false, right: false, priority: 4 },
    Column { title: "AGE", width: 6, grows: false, right: true, priority: 2 },
    Column { title: "WHO", width: 14, grows: false, right: false, priority: 6 },
];

const ASSETS: usize = 2;
/// What the columns can be sorted by.
const SORTS: [SortBy; 8] = [
    SortBy::State,
    SortBy::Order,
    SortBy::Name,
    SortBy::Size,
    SortBy::Done,
    SortBy::Done,
    SortBy::Age,
    SortBy::Who,
];

/// Where things are in the body of the screen.
#[must_use]
pub fn areas(body: Rect) -> listing::Areas {
    listing::areas(body, 4)
}

fn columns(width: u16) -> [Column; 8] {
    let mut columns = COLUMNS;
    if width >= 60 {
        columns[ASSETS].width = 26; // names come first: others leave before these are cut
    }
    columns
}

/// What a click on the headings above `rows` sorts by.
#[must_use]
pub fn heading_at(rows: Rect, x: u16) -> Option<SortBy> {
    listing::heading_at(&columns(rows.width), rows, x).map(|at| SORTS[at])
}

/// Draws open invalidations, then those that ended; answers where the terminal's cursor belongs, if the filter has the
/// keys.
pub fn draw(app: &App, pen: &mut Pen<'_>, body: Rect) -> Option<(u16, u16)> {
    let areas = areas(body);
    let cursor = status(app, pen, areas.status);
    let shown = app.pending.shown(&app.tracked);
    if shown.is_empty() {
        let key = app.keymap.shown("pending.show");
        let line = match (app.tracked.is_empty(), app.pending.show) {
            (true, _) => {
                let [assets, purge, delete] =
                    ["go.assets", "order.purge", "order.delete"].map(|id| app.keymap.shown(id));
                format!(
                    "nothing was invalidated yet: {assets} lists the assets, {purge} purges one, {delete} deletes it"
                )
            }
            _ if !app.pending.list.filter.is_empty() => no_match(app),
            (_, Show::Open) => format!("nothing is pending; {key} shows what has ended"),
            _ => format!("nothing has ended yet; {key} shows what is pending"),
        };
        listing::nothing(pen, areas.list, &line, Role::Dim);
        return cursor;
    }
    let columns = columns(body.width);
    let heads = listing::Heads { columns: &columns, sorted: app.pending.list.sorted(&SORTS) };
    let at = app.pending.position(&app.tracked);
    listing::rows(pen, areas.list, heads, (&shown, at), |pen, tracked, column, area| {
        cell(app, pen, tracked, column, area)
    });
    if let (Some(area), Some(tracked)) = (areas.told, shown.get(at)) {
        tell(pen, area, tracked);
    }
    cursor
}

/// The row under the cursor in a sentence or two.
fn tell(pen: &mut Pen<'_>, area: Rect, tracked: &Tracked) {
    let area = listing::below(pen, area);
    let (state, role) = state_of(tracked, pen.theme.glyphs);
    let x = pen.put(area.x, area.y, area.width, &state, role) + 2;
    let sentence = match (&tracked.ended, tracked.snapshot.as_deref()) {
        (Some(ending), _) => text::shown(&ending.sentence).into_owned(),
        (None, Some(shown)) => text::shown(&shown.sentence).into_owned(),
        (None, None) => "no picture of it has been published yet".to_owned(),
    };
    pen.put(x, area.y, area.right().saturating_sub(x), &sentence, Role::Text);
    let mut facts = vec![tracked.started_at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()];
    facts.push(text::shown(&tracked.by).into_owned());
    facts.extend(tracked.tracked_by.as_ref().map(|by| format!("tracked by {}", text::shown(by))));
    if let Some(shown) = tracked.snapshot.as_deref() {
        facts.push(shown.confidence.as_str().to_owned());
        if !shown.not_covered.is_empty() {
            facts.push(format!("{} not covered", text::plural(shown.not_covered.len(), "URL")));
        }
        if !shown.regressions.is_empty() {
            facts.push(text::plural(shown.regressions.len(), "regression"));
        }
        facts.extend(shown.note.as_ref().map(|note| format!("note: {}", text::shown(note))));
    }
    let separator = format!(" {} ", pen.theme.glyphs.separator);
    pen.put(area.x, area.y + 1, area.width, &facts.join(&separator), Role::Dim);
}

fn status(app: &App, pen: &mut Pen<'_>, area: Rect) -> Option<(u16, u16)> {
    if area.height == 0 {
        return None;
    }
    let list = &app.pending.list;
    let (x, cursor) = list.filter_line(pen, (area.x, area.y, area.width));
    let open = app.open().count();
    let stuck = app.open().filter(|tracked| is_stuck(tracked)).count();
    let ended = app.tracked.len() - open;
    let listed = match app.pending.show {
        Show::All => "",
        Show::Open => "only what is pending: ",
        Show::Ended => "history: ",
    };
    let mut parts = vec![(listed.to_owned(), Role::Accent)];
    if !list.filter.is_empty() {
        let matches = text::len(app.pending.shown(&app.tracked).len());
        parts.push((format!("{matches} match of "), Role::Text));
    }
    parts.push((format!("{open} pending"), Role::Strong));
    if stuck > 0 {
        parts.push((format!(", {stuck} stuck"), Role::Outdated));
    }
    if ended > 0 {
        let below = if app.pending.show == Show::All { " below" } else { "" };
        parts.push((format!(", {ended} ended{below}"), Role::Dim));
    }
    if let Some(order) = order_words(list, Screen::Pending) {
        parts.push((format!("  {order}"), Role::Dim));
    }
    if let Some(trouble) = &app.board.trouble {
        parts.push((format!("  the journal: {}", text::shown(trouble)), Role::Bad));
    } else if let Some(failure) = &app.journal_failure {
        parts.push((format!("  {}", failure.headline), Role::Bad));
    }
    let parts: Vec<_> = parts.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    pen.parts(x, area.y, area.right().saturating_sub(x), &parts);
    cursor
}

fn is_stuck(tracked: &Tracked) -> bool {
    tracked.snapshot.as_ref().is_some_and(|snapshot| snapshot.stuck)
}

/// What stands in a column.
fn cell(
    app: &App,
    pen: &mut Pen<'_>,
    tracked: &Tracked,
    column: usize,
    area: Rect,
) -> (String, Role) {
    let shown = tracked.snapshot.as_deref();
    let cells = shown.map(counted);
    let faded = if tracked.ended.is_some() { Role::Dim } else { Role::Text };
    let word = match column {
        0 => return state_of(tracked, pen.theme.glyphs),
        1 => tracked.verb.as_str().to_owned(),
        2 => text::shown(&tracked.label).into_owned(),
        3 => cells.map_or_else(String::new, |(clear, total)| format!("{clear}/{total}")),
        5 => shown.and_then(slowest).unwrap_or_default(),
        6 => age(tracked, app.shown_now()),
        7 => return (text::shown(&tracked.by).into_owned(), Role::Dim),
        _ => {
            if let (Some((clear, total)), None) = (cells, &tracked.ended) {
                stripe(pen, area.x, area.y, area.width, clear, total);
            }
            String::new()
        }
    };
    (word, faded)
}

/// Glyph and word of where an invalidation stands.
#[must_use]
pub fn state_of(tracked: &Tracked, glyphs: &crate::ui::theme::Glyphs) -> (String, Role) {
    if let Some(ending) = &tracked.ended {
        return match ending.outcome {
            Outcome::AllClear => (format!("{} all clear", glyphs.cleared), Role::Cleared),
            Outcome::ClearExcept => (format!("{} except", glyphs.same), Role::Same),
            Outcome::SampledClear => (format!("{} sampled", glyphs.same), Role::Same),
            Outcome::GaveUp | Outcome::Blind | Outcome::Failed => {
                (format!("{} {}", glyphs.outdated, outcome_words(ending.outcome)), Role::Outdated)
            }
            Outcome::Superseded | Outcome::CloudGone | Outcome::Abandoned => {
                (format!("{} {}", glyphs.left_out, outcome_words(ending.outcome)), Role::Dim)
            }
        };
    }
    match tracked.snapshot.as_deref() {
        Some(shown) if shown.stuck => (format!("{} stuck", glyphs.outdated), Role::Outdated),
        Some(shown) => (format!("{} {}", glyphs.unseen, phase_word(shown.phase)), Role::Info),
        None => (format!("{} pending", glyphs.unseen), Role::Info),
    }
}

/// What a watch is doing, in a word or two.
#[must_use]
pub const fn phase_word(phase: Phase) -> &'static str {
    match phase {
        Phase::Executing => "sending",
        Phase::HoldingBack => "holding",
        Phase::ReadingStorage => "storage",
        Phase::Probing => "probing",
        Phase::Quiet => "quiet",
        Phase::Ended => "ended",
    }
}

/// The place that is furthest from clear.
#[must_use]
pub fn slowest(shown: &WatchSnapshot) -> Option<String> {
    let behind = shown
        .places
        .iter()
        .filter(|place| place.state == PlaceState::Answering && place.clear < place.cells);
    let worst = behind.max_by_key(|place| place.cells - place.clear)?;
    Some(text::shown(&worst.id.0).into_owned())
}

fn age(tracked: &Tracked, now: Timestamp) -> String {
    let until = tracked.ended.as_ref().map_or(now, |ending| ending.at);
    let spent = until.duration_since(tracked.started_at);
    text::age(Duration::try_from(spent).unwrap_or_default())
}
