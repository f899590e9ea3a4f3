//! What is not covered, and what happened: lists beside the matrix and views of their own.

use ratatui::layout::Rect;

use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::Timestamp;
use crate::screens::shell::clock;
use crate::ui::pen::Pen;
use crate::ui::theme::Role;
use crate::ui::widgets::curve;
use crate::ui::{layout, text};

/// Beside the matrix of a wide terminal: curve, timeline, what is not covered.
pub fn beside(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot) {
    pen.put(area.x, area.y, area.width, "Curve", Role::Heading);
    let (top, rest) = layout::split_top(layout::split_top(area, 1).1, 5);
    curve::curve(pen, top, &shown.curve);
    let wanted = u16::try_from(shown.not_covered.len() * 3 + 1).unwrap_or(u16::MAX);
    let share = if shown.not_covered.is_empty() { 0 } else { wanted.min(rest.height / 2) };
    let (middle, bottom) = layout::split_bottom(rest, share);
    pen.put(middle.x, middle.y + 1, middle.width, "Timeline", Role::Heading);
    timeline(pen, layout::split_top(middle, 2).1, shown, 0);
    if share > 0 {
        let title = format!("Not covered ({})", shown.not_covered.len());
        pen.put(bottom.x, bottom.y, bottom.width, &title, Role::Heading);
        not_covered(pen, layout::split_top(bottom, 1).1, shown, 0);
    }
}

/// URLs that the invalidation does not reach, each with the reason and what to do, from the `first` on.
pub fn not_covered(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, first: usize) {
    if shown.not_covered.is_empty() {
        pen.put(area.x, area.y, area.width, "the invalidation reaches every known URL", Role::Dim);
        return;
    }
    let mut y = area.y;
    let glyph = pen.theme.glyphs.left_out;
    for url in shown.not_covered.iter().skip(first) {
        if y >= area.bottom() {
            break;
        }
        let x = pen.put(area.x, y, 1, glyph, Role::Outdated) + 1;
        let room = area.right().saturating_sub(x);
        let shown_url = text::shown(&url.url);
        let shown_url = text::cut_front(&shown_url, usize::from(room), pen.theme.glyphs.cut);
        let end = pen.put(x, y, room, &shown_url, Role::Text);
        pen.link(x, y, end, &url.url);
        y += 1;
        let why = format!("{}: {}", url.reason.replace('_', " "), text::shown(&url.next_step));
        let rest = Rect { x, y, width: room, height: 2.min(area.bottom().saturating_sub(y)) };
        y += pen.paragraph(rest, &text::shown(&why), Role::Dim);
    }
}

/// What happened with regressions among it, newest last; `back` lines before the end.
pub fn timeline(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, back: usize) {
    let mut lines: Vec<(Timestamp, String, bool)> = Vec::new();
    for regression in &shown.regressions {
        let (place, why) = (text::shown(&regression.place.0), text::shown(&regression.why));
        lines.push((regression.at, format!("{place} fell back: {why}"), true));
    }
    let entries = shown.timeline.iter();
    lines.extend(entries.map(|entry| (entry.at, text::shown(&entry.text).into_owned(), false)));
    lines.sort_by_key(|(at, ..)| *at);
    if lines.is_empty() {
        pen.put(area.x, area.y, area.width, "nothing has happened yet", Role::Dim);
        return;
    }
    let wide = area.width >= 50;
    let told = area.x + if wide { 21 } else { 10 };
    let room = |fell_back: bool| area.right().saturating_sub(told + 2 * u16::from(fell_back));
    let parts: Vec<Vec<String>> = lines
        .iter()
        .map(|(_, what, fell_back)| text::wrap(what, usize::from(room(*fell_back))))
        .collect();
    let shown_lines = seen(&parts, usize::from(area.height), back);
    let mut y = area.y;
    for ((at, _, fell_back), parts) in lines[shown_lines.clone()].iter().zip(&parts[shown_lines]) {
        for (n, part) in parts.iter().enumerate() {
            if y >= area.bottom() {
                return;
            }
            if n == 0 {
                let x = pen.put(area.x, y, area.width, &clock(*at), Role::Dim) + 2;
                if wide {
                    pen.put_right(x + 9, y, 9, &after(shown, *at), Role::Dim);
                }
            }
            let mut x = told;
            let role = if *fell_back { Role::Outdated } else { Role::Text };
            if *fell_back {
                let glyph = if n == 0 { pen.theme.glyphs.outdated } else { " " };
                x = pen.put(x, y, 1, glyph, role).max(told + 1) + 1;
            }
            pen.put(x, y, area.right().saturating_sub(x), part, role);
            y += 1;
        }
    }
}

/// Which entries are seen where each takes several lines: up to `back` from the newest, or more where there is room below.
fn seen(parts: &[Vec<String>], height: usize, back: usize) -> std::ops::Range<usize> {
    let mut end = parts.len().saturating_sub(back).max(1);
    let (mut first, mut used) = (end, 0);
    while first > 0 && used + parts[first - 1].len().max(1) <= height {
        first -= 1;
        used += parts[first].len().max(1);
    }
    while end < parts.len() && used < height {
        used += parts[end].len().max(1);
        end += 1;
    }
    first.min(end.saturating_sub(1))..end
}

/// `+12 s` since the order.
fn after(shown: &WatchSnapshot, at: Timestamp) -> String {
    let since = std::time::Duration::try_from(at.duration_since(shown.started_at));
    format!("+{}", text::age(since.unwrap_or_default()))
}
