//! The Watch screen as it is drawn.

use std::time::Duration;

use ratatui::layout::Rect;

use super::state::{Tab, WatchState};
use super::{cells, curve_tab, lists, map_tab};
use crate::app::state::{App, Tracked};
use crate::app::update::outcome_words;
use crate::domain::invalidation::Outcome;
use crate::domain::snapshot::{Offer, Phase, PlaceState, WatchSnapshot};
use crate::screens::pending::view::phase_word;
use crate::screens::running::capital;
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::{band, bar};
use crate::ui::{layout, text};

/// From this size on, curve, timeline and what is not covered stand beside the matrix.
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
    let tabbed = u16::from(rest.height >= 4);
    if tabbed > 0 {
        tabs(pen, rest, shown, app.watch.tab);
    }
    let rest = layout::split_top(rest, tabbed).1;
    let at = clamped(&app.watch, shown);
    match at.tab {
        Tab::Matrix if body.width >= BESIDE.0 && body.height >= BESIDE.1 => {
            let wide = (rest.width * 2 / 5).clamp(44, 60);
            let left = Rect { width: rest.width - wide - 3, ..rest };
            let right = Rect { x: left.right() + 3, width: wide, ..rest };
            for y in rest.top()..rest.bottom() {
                pen.put(left.right() + 1, y, 1, pen.theme.glyphs.upright, Role::Border);
            }
            cells::draw(app, pen, left, shown, &at);
            lists::beside(pen, right, shown);
        }
        Tab::Matrix => cells::draw(app, pen, rest, shown, &at),
        Tab::Map => map_tab::draw(pen, rest, shown, &at),
        Tab::Curve => curve_tab::draw(pen, rest, shown, &at, &app.paces),
        Tab::Timeline => lists::timeline(pen, rest, shown, at.line),
        Tab::NotCovered => lists::not_covered(pen, rest, shown, at.line),
    }
}

/// The views by number, this one marked.
fn tabs(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, at: Tab) {
    let narrow = area.width < 56;
    let mut x = pen.put(area.x, area.y, 1, pen.theme.glyphs.line, Role::Border);
    for tab in Tab::ALL {
        let count = match tab {
            Tab::NotCovered => shown.not_covered.len(),
            Tab::Timeline => shown.regressions.len(),
            Tab::Matrix | Tab::Map | Tab::Curve => 0,
        };
        let mark = if tab == Tab::Timeline { pen.theme.glyphs.outdated } else { "" };
        let count = if count > 0 { format!(" {mark}{count}") } else { String::new() };
        let role = if tab == at { Role::TabActive } else { Role::Tab };
        let title = format!("{}{count}", if narrow { tab.short() } else { tab.title() });
        x = pen.put(x + 1, area.y, area.right().saturating_sub(x + 1), &title, role) + 1;
    }
    pen.rule(Rect { x, width: area.right().saturating_sub(x), height: 1, ..area });
}

/// The cursor within what the snapshot holds.
fn clamped(state: &WatchState, shown: &WatchSnapshot) -> WatchState {
    WatchState {
        place: state.place.min(shown.places.len().saturating_sub(1)),
        url: state.url.min(shown.urls.len().saturating_sub(1)),
        ..state.clone()
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
    let until = tracked.ended.as_ref().map_or(app.shown_now(), |ending| ending.at);
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
    let mut used = if most == 1 && text::width(&sentence) > usize::from(area.width) {
        // the bar below has the count
        let rest = sentence.split_once(" cells clear; ").map_or(&*sentence, |(_, rest)| rest);
        pen.put(area.x, area.y, area.width, rest, Role::Text);
        1
    } else {
        pen.paragraph(layout::split_top(area, most).0, &sentence, Role::Text)
    };
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
