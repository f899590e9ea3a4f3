//! The propagation curve of a watch with its milestones, and when each place let go.

use std::time::Duration;

use ratatui::layout::Rect;

use super::map_tab::standing;
use super::pace::{self, Paces};
use super::state::WatchState;
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::verdict::Verdict;
use crate::ui::pen::Pen;
use crate::ui::theme::{Glyphs, Role};
use crate::ui::widgets::curve::{chart, reached};
use crate::ui::widgets::matrix::place_label;
use crate::ui::{layout, text};

/// Rows of the chart at most.
const CHART: u16 = 14;

/// Chart, milestones, the rate of requests, and a bar a place.
pub fn draw(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, at: &WatchState, rates: &Paces) {
    let places = u16::try_from(shown.places.len()).unwrap_or(u16::MAX);
    let spare = area.height.saturating_sub(places.saturating_add(3));
    let high = spare.clamp(area.height.min(6), CHART.max(area.height / 2)).min(area.height);
    let (top, rest) = layout::split_top(area, high);
    chart(pen, top, &shown.curve);
    if rest.height == 0 {
        return;
    }
    pen.put(rest.x, rest.y, rest.width, &milestones(shown, rest.width), Role::Text);
    let rest = layout::split_top(rest, 1).1;
    let line = u16::from(rest.height > 4);
    pace::draw(pen, layout::split_top(rest, line).0, shown, rates);
    let rest = layout::split_top(rest, line + u16::from(rest.height > places + 1)).1;
    bars(pen, rest, shown, at.place);
}

/// `first 3 s · half 5 s · 90 % 8 s · all 12 s`, with the count where it is not all.
fn milestones(shown: &WatchSnapshot, width: u16) -> String {
    let marks = [("first cell", 0.0), ("half", 0.5), ("90 %", 0.9), ("all", 1.0)];
    let known: Vec<String> = marks
        .into_iter()
        .filter_map(|(word, share)| {
            let after = reached(&shown.curve, share)?;
            Some(format!("{word} after {}", text::measured(after)))
        })
        .collect();
    let last = shown.curve.last().map_or((0, 0), |point| (point.clear, point.total));
    let now = format!("{}/{} cells clear", last.0, last.1);
    let line = std::iter::once(now.clone()).chain(known).collect::<Vec<_>>().join(", ");
    if text::width(&line) <= usize::from(width) { line } else { now }
}

/// Age of the oldest outdated copy at a place, where it tells one.
fn oldest(shown: &WatchSnapshot, place: usize) -> Option<Duration> {
    let cells = (0..shown.urls.len()).filter_map(|url| shown.cell(place, url));
    let outdated = cells.filter(|cell| cell.verdict == Some(Verdict::Outdated));
    outdated.filter_map(|cell| cell.age).max().map(Duration::from_secs)
}

/// When a place was clear, or how far it is and how old what it still serves.
fn note(shown: &WatchSnapshot, position: usize, glyphs: &Glyphs) -> String {
    let place = &shown.places[position];
    if let Some(after) = place.cleared_after {
        return format!("clear after {}", text::measured(after));
    }
    let word = standing(shown, position, glyphs).word;
    let old = oldest(shown, position)
        .map_or_else(String::new, |age| format!(", a copy {} old", text::age(age)));
    format!("{word}, {}/{}{old}", place.clear, place.cells)
}

/// A line a place: how long it took, as a bar on the same time as the longest.
fn bars(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, at: usize) {
    let longest = shown.elapsed().max(Duration::from_secs(1));
    let labels = shown.places.iter().map(|place| text::width(&place_label(place))).max();
    let wide = u16::try_from(labels.unwrap_or(0)).unwrap_or(20).clamp(3, 20).min(area.width / 3);
    let first = layout::window(at, shown.places.len(), usize::from(area.height));
    let places = shown.places.iter().enumerate().skip(first).take(usize::from(area.height));
    let notes: Vec<String> =
        places.clone().map(|(position, _)| note(shown, position, pen.theme.glyphs)).collect();
    // the longest leaves room for its stripe: all are on one scale
    let widest = notes.iter().map(|note| text::width(note)).max();
    let widest = u16::try_from(widest.unwrap_or(0)).unwrap_or(0);
    for ((y, (position, place)), note) in (area.top()..area.bottom()).zip(places).zip(&notes) {
        let standing = standing(shown, position, pen.theme.glyphs);
        let x = pen.put(area.x + 2, y, 1, standing.glyph, standing.role) + 1;
        pen.put(x, y, wide, &place_label(place), Role::Text);
        let room = area.right().saturating_sub(x + wide + 1);
        let stripe = room.saturating_sub(widest + 2);
        let share = place.cleared_after.unwrap_or(longest).as_secs_f64() / longest.as_secs_f64();
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // within the stripe
        let cells = ((share.clamp(0.0, 1.0) * f64::from(stripe)).round() as usize).max(1);
        let (glyph, role) = if place.cleared_after.is_some() {
            (pen.theme.glyphs.bar_done, Role::BarDone)
        } else {
            (pen.theme.glyphs.bar_rest, Role::BarRest)
        };
        let from = x + wide + 1;
        let to = if stripe >= 4 {
            pen.put(from, y, stripe, &glyph.repeat(cells), role) + 1
        } else {
            from
        };
        pen.put(to, y, area.right().saturating_sub(to), note, Role::Dim);
        if position == at {
            pen.put(area.x, y, 1, pen.theme.glyphs.cursor, Role::Accent);
        }
    }
}
