//! The Pending screen as it is drawn.

use std::time::Duration;

use ratatui::layout::Rect;

use super::state::Show;
use crate::app::state::{App, Tracked};
use crate::app::update::outcome_words;
use crate::domain::invalidation::Outcome;
use crate::domain::snapshot::{Phase, PlaceState, WatchSnapshot};
use crate::domain::time::Timestamp;
use crate::screens::watch::view::counted;
use crate::ui::layout::{Column, fit, window};
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::bar::stripe;
use crate::ui::{layout, text};

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

/// From this height on the row under the cursor is told in full below the list.
const TOLD: u16 = 14;

/// Draws open invalidations, then those that ended.
pub fn draw(app: &App, pen: &mut Pen<'_>, body: Rect) {
    let told = if body.height >= TOLD { 4 } else { 0 };
    let (list, below) = layout::split_bottom(body, told);
    let areas = layout::list(list);
    status(app, pen, layout::inset(areas.status, 1));
    let shown: Vec<&Tracked> = app.pending.shown(&app.tracked).collect();
    if shown.is_empty() {
        let area = layout::inset(areas.rows, 2);
        let key = app.keymap.shown("pending.show");
        let line = match (app.tracked.is_empty(), app.pending.show) {
            (true, _) => "nothing was invalidated yet".to_owned(),
            (_, Show::Open) => format!("nothing is pending; {key} shows what has ended"),
            _ => format!("nothing has ended yet; {key} shows what is pending"),
        };
        pen.paragraph(area, &line, Role::Dim);
        return;
    }
    let mut columns = COLUMNS;
    if body.width >= 60 {
        columns[ASSETS].width = 26; // names come first: others leave before these are cut
    }
    let widths = fit(&columns, body.width.saturating_sub(4));
    if areas.headings.height > 0 {
        let mut x = body.x + 3;
        for (column, width) in COLUMNS.iter().zip(&widths) {
            let Some(width) = *width else { continue };
            if column.right {
                pen.put_right(x + width, areas.headings.y, width, column.title, Role::Heading);
            } else {
                pen.put(x, areas.headings.y, width, column.title, Role::Heading);
            }
            x += width + 2;
        }
    }
    let at = app.pending.position(&app.tracked);
    let first = window(at, shown.len(), usize::from(areas.rows.height));
    for (y, (position, tracked)) in
        (areas.rows.top()..areas.rows.bottom()).zip(shown.iter().enumerate().skip(first))
    {
        row(app, pen, Rect { y, height: 1, ..areas.rows }, &widths, tracked, position == at);
    }
    if let Some(tracked) = shown.get(at).filter(|_| told > 0) {
        tell(pen, below, tracked);
    }
}

/// The row under the cursor in a sentence or two.
fn tell(pen: &mut Pen<'_>, area: Rect, tracked: &Tracked) {
    pen.rule(Rect { height: 1, ..area });
    let area = layout::inset(layout::split_top(area, 1).1, 1);
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

fn status(app: &App, pen: &mut Pen<'_>, area: Rect) {
    if area.height == 0 {
        return;
    }
    let open = app.open().count();
    let stuck = app.open().filter(|tracked| is_stuck(tracked)).count();
    let ended = app.tracked.len() - open;
    let listed = match app.pending.show {
        Show::All => "",
        Show::Open => "only what is pending: ",
        Show::Ended => "history: ",
    };
    let mut parts = vec![(listed.to_owned(), Role::Accent)];
    parts.push((format!("{open} pending"), Role::Strong));
    if stuck > 0 {
        parts.push((format!(", {stuck} stuck"), Role::Outdated));
    }
    if ended > 0 {
        let below = if app.pending.show == Show::All { " below" } else { "" };
        parts.push((format!(", {ended} ended{below}"), Role::Dim));
    }
    if let Some(trouble) = &app.board.trouble {
        parts.push((format!("  the journal: {}", text::shown(trouble)), Role::Bad));
    } else if let Some(failure) = &app.journal_failure {
        parts.push((format!("  {}", failure.headline), Role::Bad));
    }
    let parts: Vec<_> = parts.iter().map(|(text, role)| (text.as_str(), *role)).collect();
    pen.parts(area.x, area.y, area.width, &parts);
}

fn is_stuck(tracked: &Tracked) -> bool {
    tracked.snapshot.as_ref().is_some_and(|snapshot| snapshot.stuck)
}

fn row(
    app: &App,
    pen: &mut Pen<'_>,
    area: Rect,
    widths: &[Option<u16>],
    tracked: &Tracked,
    here: bool,
) {
    let glyphs = pen.theme.glyphs;
    let (state, role) = state_of(tracked, glyphs);
    let shown = tracked.snapshot.as_deref();
    let cells = shown.map(counted);
    let faded = if tracked.ended.is_some() { Role::Dim } else { Role::Text };
    let mut x = area.x + 3;
    for (at, (column, width)) in COLUMNS.iter().zip(widths).enumerate() {
        let Some(width) = *width else { continue };
        let (word, role) = match at {
            0 => (state.clone(), role),
            1 => (tracked.verb.as_str().to_owned(), faded),
            2 => (text::shown(&tracked.label).into_owned(), faded),
            3 => {
                (cells.map_or_else(String::new, |(clear, total)| format!("{clear}/{total}")), faded)
            }
            5 => (shown.and_then(slowest).unwrap_or_default(), faded),
            6 => (age(tracked, app.env.now), faded),
            7 => (who(tracked), Role::Dim),
            _ => {
                if let (Some((clear, total)), None) = (cells, &tracked.ended) {
                    stripe(pen, x, area.y, width, clear, total);
                }
                (String::new(), faded)
            }
        };
        if column.right {
            pen.put_right(x + width, area.y, width, &word, role);
        } else {
            pen.put(x, area.y, width, &word, role);
        }
        x += width + 2;
    }
    if here {
        pen.tint(Rect { width: area.width.saturating_sub(1), ..area }, Role::Cursor);
        pen.put(area.x + 1, area.y, 1, glyphs.cursor, Role::Text);
    }
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

fn who(tracked: &Tracked) -> String {
    text::shown(&tracked.by).into_owned()
}
