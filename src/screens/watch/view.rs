//! The Watch screen as it is drawn.

use std::time::Duration;

use ratatui::layout::Rect;

use super::state::{Panel, WatchState};
use crate::app::state::{App, Tracked};
use crate::app::update::outcome_words;
use crate::domain::invalidation::Outcome;
use crate::domain::snapshot::{Cell, Offer, Phase, PlaceState, WatchSnapshot};
use crate::screens::pending::view::phase_word;
use crate::screens::running::capital;
use crate::screens::shell::clock;
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::matrix::{matrix, place_label};
use crate::ui::widgets::verdict::{face, legend};
use crate::ui::widgets::{band, bar, curve};
use crate::ui::{layout, text};

/// From this size on, timeline and curve stand beside the matrix.
const BESIDE: (u16, u16) = (118, 22);

/// Draws the watch.
pub fn draw(app: &App, pen: &mut Pen<'_>, body: Rect) {
    let area = layout::inset(body, 1);
    let tracked = app.watch.id.and_then(|id| app.tracked.iter().find(|row| row.id == id));
    let Some(tracked) = tracked else {
        let text = if app.watch.id.is_some() {
            "waiting for the first picture of this watch"
        } else {
            "nothing is watched yet: rename, delete, replace or purge an asset, or `:watch URL`"
        };
        pen.paragraph(area, text, Role::Dim);
        return;
    };
    let Some(shown) = tracked.snapshot.as_deref() else {
        title(app, pen, area, tracked, None);
        let text = "the journal has it; whoever tracks it has not published a picture yet";
        pen.paragraph(layout::split_top(area, 1).1, text, Role::Dim);
        return;
    };
    title(app, pen, area, tracked, Some(shown));
    let rest = layout::split_top(area, 1).1;
    let used = state(app, pen, rest, shown);
    let gap = u16::from(body.height >= 18 && shown.ended.is_none());
    let rest = layout::split_top(rest, used + gap).1;
    if body.width >= BESIDE.0 && body.height >= BESIDE.1 {
        let wide = (rest.width * 2 / 5).clamp(44, 60);
        let left = Rect { width: rest.width - wide - 3, ..rest };
        let right = Rect { x: left.right() + 3, width: wide, ..rest };
        for y in rest.top()..rest.bottom() {
            pen.put(left.right() + 1, y, 1, pen.theme.glyphs.upright, Role::Border);
        }
        cells(app, pen, left, shown, &[app.watch.panel]);
        beside(pen, right, shown);
    } else {
        cells(app, pen, rest, shown, &[app.watch.panel]);
    }
}

/// Verb and asset; who, how long, how much proof.
fn title(
    app: &App,
    pen: &mut Pen<'_>,
    area: Rect,
    tracked: &Tracked,
    shown: Option<&WatchSnapshot>,
) {
    let separator = format!(" {} ", pen.theme.glyphs.separator);
    let mut facts = vec![text::shown(&tracked.by).into_owned()];
    let until = tracked.ended.as_ref().map_or(app.env.now, |ending| ending.at);
    let spent = Duration::try_from(until.duration_since(tracked.started_at)).unwrap_or_default();
    facts.push(text::elapsed(spent));
    if let Some(shown) = shown {
        facts.push(shown.confidence.as_str().to_owned());
    }
    if let Some(other) = tracked.tracked_by.as_ref().filter(|by| **by != app.env.setup.me) {
        facts.push(format!("tracked by {}", text::shown(other)));
    }
    let mut facts_text = facts.join(&separator);
    while facts.len() > 1 && text::width(&facts_text) > usize::from(area.width / 2) {
        facts.pop();
        facts_text = facts.join(&separator);
    }
    let right = if area.width >= 50 {
        pen.put_right(area.right(), area.y, area.width / 2, &facts_text, Role::Dim)
    } else {
        area.right()
    };
    let verb = format!("{} ", capital(tracked.verb.as_str()));
    let x = pen.put(area.x, area.y, right.saturating_sub(area.x + 1), &verb, Role::Strong);
    let x =
        pen.put(x, area.y, right.saturating_sub(x + 1), &text::shown(&tracked.label), Role::Title);
    if let Some(note) = shown.and_then(|shown| shown.note.as_ref()) {
        pen.put(x + 1, area.y, right.saturating_sub(x + 2), &text::shown(note), Role::Dim);
    }
}

/// The sentence and the bar, or the band at the end; answers the rows used.
fn state(app: &App, pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot) -> u16 {
    if let Some(ending) = &shown.ended {
        return ended(pen, area, shown, ending.outcome, &ending.sentence);
    }
    let (clear, total) = counted(shown);
    let sentence = text::shown(&shown.sentence);
    let most = if area.height >= 12 { 2 } else { 1 };
    let mut used = pen.paragraph(layout::split_top(area, most).0, &sentence, Role::Text);
    let y = area.y + used;
    let phase = phase_sentence(shown.phase);
    let beside = u16::try_from(text::width(phase)).unwrap_or(0) + 3;
    let room = if area.width >= beside + 36 { area.width - beside } else { area.width };
    let width = room.min(76);
    bar::bar(pen, area.x, y, width, clear, total);
    if room < area.width {
        pen.put(area.x + width + 3, y, beside - 3, phase, Role::Info);
    }
    let x = area.x + width + beside + 3;
    if area.right() > x + 36 {
        let most = shown.requests_most.map(|most| format!(", at most {}", text::count(most)));
        let spent = format!(
            "{} of about {} requests{}",
            text::count(shown.requests_spent),
            text::count(shown.requests_budget),
            most.filter(|_| area.right() > x + 66).unwrap_or_default()
        );
        pen.put_right(area.right(), y, area.right() - x, &spent, Role::Dim);
    }
    used += 1;
    let words = remarks(app, shown);
    if !words.is_empty() && area.height >= 8 {
        let parts: Vec<_> = words.iter().map(|(text, role)| (text.as_str(), *role)).collect();
        pen.parts(area.x, area.y + used, area.width, &parts);
        used += 1;
    }
    used
}

/// Cells clear and cells in all, variants counted, of the places that have answered.
#[must_use]
pub fn counted(shown: &WatchSnapshot) -> (usize, usize) {
    let answering = shown.places.iter().filter(|place| place.state == PlaceState::Answering);
    answering.fold((0, 0), |(clear, total), place| (clear + place.clear, total + place.cells))
}

/// Stuck, regressions, refused calls, interruptions and offers: in a few words each.
fn remarks(app: &App, shown: &WatchSnapshot) -> Vec<(String, Role)> {
    let glyphs = app.theme.glyphs;
    let mut words = Vec::new();
    if shown.stuck {
        words.push((format!("{} stuck  ", glyphs.outdated), Role::Outdated));
    }
    if !shown.regressions.is_empty() {
        let count = text::plural(shown.regressions.len(), "regression");
        words.push((format!("{} {count}  ", glyphs.outdated), Role::Outdated));
    }
    if shown.calls.failed + shown.calls.not_found > 0 {
        let calls = shown.calls;
        let what =
            format!("{} of {} calls not accepted  ", calls.failed + calls.not_found, calls.total);
        words.push((what, Role::Warning));
    }
    if shown.interrupted {
        words.push(("interrupted: runs began again  ".to_owned(), Role::Warning));
    }
    if let Some(Offer::PurgeAgain { .. }) = &shown.offer {
        let key = app.keymap.shown("watch.again");
        words.push((format!("{key} sends it again"), Role::Warning));
    }
    words
}

const fn phase_sentence(phase: Phase) -> &'static str {
    match phase {
        Phase::Executing => "sending the calls",
        Phase::HoldingBack => "holding back",
        Phase::ReadingStorage => "waiting for storage",
        Phase::Probing => "probing the caches",
        Phase::Quiet => "clear so far; looking on",
        Phase::Ended => phase_word(Phase::Ended),
    }
}

fn ended(
    pen: &mut Pen<'_>,
    area: Rect,
    shown: &WatchSnapshot,
    outcome: Outcome,
    sentence: &str,
) -> u16 {
    let glyphs = pen.theme.glyphs;
    let (glyph, role) = match outcome {
        Outcome::AllClear => (glyphs.cleared, Role::AllClear),
        Outcome::ClearExcept | Outcome::SampledClear => (glyphs.same, Role::Ended),
        _ => (glyphs.outdated, Role::Ended),
    };
    let sentence = text::shown(sentence);
    let took = format!("after {}", text::elapsed(shown.elapsed()));
    let title = format!("{glyph} {}", outcome_words(outcome));
    let wanted = band::height(&sentence, area.width);
    let height = if area.height >= 14 { wanted } else { (wanted - 2).min(area.height / 2).max(1) };
    let (place, _) = layout::split_top(area, height);
    band::band(pen, place, &title, &took, &sentence, role);
    height
}

/// Matrix, legend and the panel below.
fn cells(app: &App, pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, panels: &[Panel]) {
    let state = clamped(&app.watch, shown);
    let places = u16::try_from(shown.places.len()).unwrap_or(u16::MAX);
    let panel_height = match area.height {
        0..=6 => 0,
        7..=9 => 2,
        10..=13 => 5,
        _ => 6,
    };
    let legend = u16::from(area.height >= 10);
    let spare = area.height.saturating_sub(panel_height + legend);
    let rows = places.saturating_add(1).min(spare).max(2);
    let (top, rest) = layout::split_top(area, rows);
    matrix(pen, top, shown, (state.place, state.url));
    if legend > 0 {
        draw_legend(pen, rest);
    }
    let gap = u16::from(spare > rows);
    let rest = layout::split_top(rest, legend + gap).1;
    let Some(which) = panels.first().filter(|_| panel_height > 0) else { return };
    // Where the terminal is tall, every URL has a line of its own.
    let urls = u16::try_from(shown.urls.len()).unwrap_or(u16::MAX).saturating_add(2);
    if rest.height >= urls.saturating_add(7) {
        let (above, below) = layout::split_top(rest, 7);
        panel(pen, above, shown, *which, &state);
        url_lines(pen, below, shown, &state);
    } else {
        panel(pen, rest, shown, *which, &state);
    }
}

fn draw_legend(pen: &mut Pen<'_>, area: Rect) {
    let mut x = area.x;
    for (part, role) in legend(pen.theme.glyphs) {
        if usize::from(area.right().saturating_sub(x)) < text::width(part.trim_end()) {
            break;
        }
        x = pen.put(x, area.y, area.right().saturating_sub(x), &part, role);
    }
}

/// The columns of the matrix by number: how many places are clear, what each must show, and its URL.
fn url_lines(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, at: &WatchState) {
    pen.put(area.x, area.y, area.width, "URLs", Role::Heading);
    let rest = layout::split_top(area, 1).1;
    for (y, (column, url)) in (rest.top()..rest.bottom()).zip(shown.urls.iter().enumerate()) {
        let cells = (0..shown.places.len()).filter_map(|place| shown.cell(place, column));
        let counted: Vec<_> = cells.filter(|cell| cell.counted).collect();
        let clear = counted.iter().filter(|cell| cell.clear).count();
        let role = if clear == counted.len() && clear > 0 { Role::Cleared } else { Role::Dim };
        let number = if column == at.url { Role::Accent } else { Role::Dim };
        pen.put_right(rest.x + 3, y, 3, &(column + 1).to_string(), number);
        pen.put_right(rest.x + 9, y, 5, &format!("{clear}/{}", counted.len()), role);
        let x = pen.put(rest.x + 11, y, 3, if url.covered { "" } else { "~ " }, Role::Unknown);
        let room = rest.right().saturating_sub(x);
        let shown_url = text::shown(&url.url);
        let cut = text::cut_front(&shown_url, usize::from(room), pen.theme.glyphs.cut);
        pen.put(x, y, room, &cut, Role::Text);
    }
}

/// The cursor within what the snapshot holds.
fn clamped(state: &WatchState, shown: &WatchSnapshot) -> WatchState {
    WatchState {
        place: state.place.min(shown.places.len().saturating_sub(1)),
        url: state.url.min(shown.urls.len().saturating_sub(1)),
        ..state.clone()
    }
}

fn panel(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, which: Panel, at: &WatchState) {
    if area.height == 0 {
        return;
    }
    if area.height >= 4 {
        let mut x = pen.put(area.x, area.y, 1, pen.theme.glyphs.line, Role::Border);
        for panel in Panel::ALL {
            let count = match panel {
                Panel::NotCovered => shown.not_covered.len(),
                Panel::Timeline => shown.regressions.len(),
                Panel::Evidence | Panel::Curve => 0,
            };
            let count = if count > 0 { format!(" {count}") } else { String::new() };
            let role = if panel == which { Role::TabActive } else { Role::Tab };
            let title = format!("{}{count}", panel.title());
            x = pen.put(x + 1, area.y, area.right().saturating_sub(x + 1), &title, role) + 1;
        }
        pen.rule(Rect { x, width: area.right().saturating_sub(x), height: 1, ..area });
    }
    let rest = if area.height >= 4 { layout::split_top(area, 1).1 } else { area };
    match which {
        Panel::Evidence => evidence(pen, rest, shown, at),
        Panel::NotCovered => not_covered(pen, rest, shown),
        Panel::Timeline => timeline(pen, rest, shown),
        Panel::Curve => curve::curve(pen, rest, &shown.curve),
    }
}

/// Beside the matrix of a wide terminal: curve, timeline, what is not covered.
fn beside(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot) {
    pen.put(area.x, area.y, area.width, "Curve", Role::Heading);
    let (top, rest) = layout::split_top(layout::split_top(area, 1).1, 5);
    curve::curve(pen, top, &shown.curve);
    let wanted = u16::try_from(shown.not_covered.len() * 3 + 1).unwrap_or(u16::MAX);
    let share = if shown.not_covered.is_empty() { 0 } else { wanted.min(rest.height / 2) };
    let (middle, bottom) = layout::split_bottom(rest, share);
    pen.put(middle.x, middle.y + 1, middle.width, "Timeline", Role::Heading);
    timeline(pen, layout::split_top(middle, 2).1, shown);
    if share > 0 {
        let title = format!("Not covered ({})", shown.not_covered.len());
        pen.put(bottom.x, bottom.y, bottom.width, &title, Role::Heading);
        not_covered(pen, layout::split_top(bottom, 1).1, shown);
    }
}

/// Why the cell under the cursor was judged as it was.
fn evidence(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, at: &WatchState) {
    let (Some(place), Some(url), Some(cell)) =
        (shown.places.get(at.place), shown.urls.get(at.url), shown.cell(at.place, at.url))
    else {
        pen.put(area.x, area.y, area.width, "no cell is under the cursor", Role::Dim);
        return;
    };
    let face = face(cell, place.state, pen.theme.glyphs);
    let mut y = area.y;
    let verdict = cell.verdict.map_or("not seen yet", crate::domain::verdict::Verdict::as_str);
    let head = format!("{} {verdict}", face.glyph);
    let why =
        if cell.why.is_empty() { String::new() } else { format!(": {}", text::shown(&cell.why)) };
    let place_name = format!("{}  ", place_label(place));
    let parts = [
        (place_name.as_str(), Role::Strong),
        (head.as_str(), face.role),
        (why.as_str(), Role::Text),
    ];
    let whole: String = parts.iter().map(|(text, _)| *text).collect();
    if text::width(&whole) <= usize::from(area.width) || area.height < 4 {
        pen.parts(area.x, y, area.width, &parts);
        y += 1;
    } else {
        pen.parts(area.x, y, area.width, &parts[..2]);
        let rest = Rect { y: y + 1, height: 2.min(area.bottom().saturating_sub(y + 1)), ..area };
        y += 1 + pen.paragraph(rest, &text::shown(&cell.why), Role::Text);
    }
    let lines = [
        (numbers(pen, cell), Role::Dim),
        (
            text::cut_front(&text::shown(&url.url), usize::from(area.width), pen.theme.glyphs.cut)
                .into_owned(),
            Role::Accent,
        ),
        (expected(shown, at), Role::Dim),
    ];
    for (line, role) in lines {
        if y >= area.bottom() || line.is_empty() {
            continue;
        }
        pen.put(area.x, y, area.width, &line, role);
        y += 1;
    }
}

fn numbers(pen: &Pen<'_>, cell: &Cell) -> String {
    let mut facts = Vec::new();
    if let Some(status) = cell.status {
        facts.push(format!("status {status}"));
    }
    if cell.sightings > 0 {
        facts.push(format!("cache {}", cell.cache.as_str().replace('_', " ")));
    }
    if let Some(age) = cell.age {
        facts.push(format!("age {age} s"));
    }
    if let Some(etag) = &cell.etag {
        facts.push(format!("etag {}", text::cut(&text::shown(etag), 10, pen.theme.glyphs.cut)));
    }
    if cell.sightings > 0 {
        facts.push(format!("run {}, needs {}", cell.run, cell.k));
        facts.push(text::plural(usize::try_from(cell.sightings).unwrap_or(0), "sighting"));
    }
    if let Some(at) = cell.seen_at {
        facts.push(format!("seen {}", clock(at)));
    }
    facts.join(&format!(" {} ", pen.theme.glyphs.separator))
}

fn expected(shown: &WatchSnapshot, at: &WatchState) -> String {
    let Some(url) = shown.urls.get(at.url) else { return String::new() };
    let wanted = match url.expectation {
        Some(expectation) => format!("clear when {}", expectation_words(expectation)),
        None => "what it must show is read from storage first".to_owned(),
    };
    let doubt = if url.covered { "" } else { "; whether the invalidation reaches it is uncertain" };
    let cell = shown.cell(at.place, at.url);
    let variants = match cell {
        Some(cell) if cell.variants > 1 => {
            format!("; {} of {} variants is the worst", cell.variant.as_str(), cell.variants)
        }
        _ => String::new(),
    };
    let history = match cell {
        Some(cell) if cell.regressed => "; was clear and fell back",
        Some(cell) if cell.ever_outdated => "; was seen with the old copy",
        _ => "",
    };
    format!("{wanted}{doubt}{variants}{history}")
}

const fn expectation_words(expectation: crate::domain::verdict::Expectation) -> &'static str {
    match expectation {
        crate::domain::verdict::Expectation::Gone => "it is gone",
        crate::domain::verdict::Expectation::New => "it shows the new content",
        crate::domain::verdict::Expectation::Refetched => "it was fetched again after the purge",
        crate::domain::verdict::Expectation::Live => "it shows what storage holds",
    }
}

fn not_covered(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot) {
    if shown.not_covered.is_empty() {
        pen.put(area.x, area.y, area.width, "the invalidation reaches every known URL", Role::Dim);
        return;
    }
    let mut y = area.y;
    let glyph = pen.theme.glyphs.left_out;
    for url in &shown.not_covered {
        if y >= area.bottom() {
            break;
        }
        let x = pen.put(area.x, y, 1, glyph, Role::Outdated) + 1;
        let room = area.right().saturating_sub(x);
        let shown_url = text::shown(&url.url);
        let shown_url = text::cut_front(&shown_url, usize::from(room), pen.theme.glyphs.cut);
        pen.put(x, y, room, &shown_url, Role::Text);
        y += 1;
        let why = format!("{}: {}", url.reason.replace('_', " "), text::shown(&url.next_step));
        let rest = Rect { x, y, width: room, height: 2.min(area.bottom().saturating_sub(y)) };
        y += pen.paragraph(rest, &text::shown(&why), Role::Dim);
    }
}

/// Regressions first, then what happened, newest last.
fn timeline(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot) {
    let mut lines: Vec<(String, String, Role)> = Vec::new();
    for regression in &shown.regressions {
        let what = format!(
            "{} fell back: {}",
            text::shown(&regression.place.0),
            text::shown(&regression.why)
        );
        lines.push((clock(regression.at), what, Role::Outdated));
    }
    let kept = usize::from(area.height).saturating_sub(lines.len());
    let skipped = shown.timeline.len().saturating_sub(kept);
    for entry in shown.timeline.iter().skip(skipped) {
        lines.push((clock(entry.at), text::shown(&entry.text).into_owned(), Role::Text));
    }
    if lines.is_empty() {
        pen.put(area.x, area.y, area.width, "nothing has happened yet", Role::Dim);
    }
    for (y, (at, what, role)) in (area.top()..area.bottom()).zip(&lines) {
        let x = pen.put(area.x, y, area.width, at, Role::Dim) + 2;
        pen.put(x, y, area.right().saturating_sub(x), what, *role);
    }
}
