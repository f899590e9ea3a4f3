//! How many requests watches make: the rate of each over time, as this console saw it.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use ratatui::layout::Rect;

use crate::domain::id::InvalidationId;
use crate::domain::snapshot::WatchSnapshot;
use crate::ui::pen::Pen;
use crate::ui::text;
use crate::ui::theme::Role;

/// Samples kept of one watch; a longer one keeps every second of the older.
const KEPT: usize = 240;
/// Watches kept, the newest.
const WATCHES: usize = 64;
/// Samples are at least this far apart.
const APART: Duration = Duration::from_secs(1);
/// What "now" is about.
const LATELY: Duration = Duration::from_secs(10);

/// Time since the order, requests made until then.
type Sample = (Duration, u64);

/// Samples of the watches that were on the board.
#[derive(Debug, Clone, Default)]
pub struct Paces(BTreeMap<InvalidationId, VecDeque<Sample>>);

impl Paces {
    /// Takes a sample, where the last one is long enough ago.
    pub fn note(&mut self, shown: &WatchSnapshot) {
        let sample = (shown.elapsed(), shown.requests_spent);
        let samples = self.0.entry(shown.id).or_default();
        match samples.back() {
            Some((at, _)) if sample.0 < *at + APART => return,
            _ => samples.push_back(sample),
        }
        if samples.len() > KEPT {
            let mut at = 0;
            samples.retain(|_| {
                at += 1;
                at % 2 == 1
            });
        }
        while self.0.len() > WATCHES {
            self.0.pop_first(); // ids are in the order of time
        }
    }

    /// Requests a second of late.
    #[must_use]
    pub fn lately(&self, id: InvalidationId) -> Option<f64> {
        let samples = self.0.get(&id)?;
        let end = samples.back()?.0;
        rate(samples, end.saturating_sub(LATELY).max(samples.front()?.0), end)
    }

    /// Requests a second in each of `columns` equal parts of the time that was seen; none before there are two samples.
    #[must_use]
    pub fn bars(&self, id: InvalidationId, columns: u16) -> Vec<f64> {
        let Some(samples) = self.0.get(&id) else { return Vec::new() };
        let (Some((begin, _)), Some((end, _))) = (samples.front(), samples.back()) else {
            return Vec::new();
        };
        let seen = end.saturating_sub(*begin);
        let at = |column: u16| *begin + seen.mul_f64(f64::from(column) / f64::from(columns.max(1)));
        (0..columns).filter_map(|column| rate(samples, at(column), at(column + 1))).collect()
    }
}

/// Requests a second from `begin` to `end`, with as many in each moment between two samples.
fn rate(samples: &VecDeque<Sample>, begin: Duration, end: Duration) -> Option<f64> {
    let spent = spent_at(samples, end)? - spent_at(samples, begin)?;
    let over = end.saturating_sub(begin).as_secs_f64();
    (over > 0.0).then(|| (spent / over).max(0.0))
}

fn spent_at(samples: &VecDeque<Sample>, at: Duration) -> Option<f64> {
    let after = samples.partition_point(|(sampled, _)| *sampled < at);
    let (later, more) = *samples.get(after.min(samples.len().checked_sub(1)?))?;
    let Some((earlier, fewer)) = after.checked_sub(1).and_then(|before| samples.get(before)) else {
        return Some(more as f64);
    };
    let between = later.saturating_sub(*earlier).as_secs_f64();
    let share =
        if between > 0.0 { at.saturating_sub(*earlier).as_secs_f64() / between } else { 1.0 };
    let (more, fewer) = (more as f64, *fewer as f64);
    Some(fewer + (more - fewer) * share.min(1.0))
}

/// One line: the rate over time, as high as its highest, and in numbers.
pub fn draw(pen: &mut Pen<'_>, area: Rect, shown: &WatchSnapshot, paces: &Paces) {
    if area.height == 0 {
        return;
    }
    let x = pen.put(area.x, area.y, area.width, "requests", Role::Dim) + 1;
    let words = words(shown, paces.lately(shown.id));
    let wide = u16::try_from(text::width(&words)).unwrap_or(u16::MAX);
    let room = area.right().saturating_sub(x).saturating_sub(wide).saturating_sub(2).min(40);
    let bars = if room >= 8 { paces.bars(shown.id, room) } else { Vec::new() };
    let most = bars.iter().copied().fold(0.0, f64::max);
    let steps = pen.theme.glyphs.steps;
    let mut at = x;
    for bar in &bars {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // 0 to 8
        let step = if most > 0.0 { (bar / most * 8.0).ceil() as usize } else { 0 };
        at = pen.put(at, area.y, 1, steps[step.min(8)], Role::Info).max(at + 1);
    }
    let x = if bars.is_empty() { x } else { at + 1 };
    pen.put(x, area.y, area.right().saturating_sub(x), &words, Role::Text);
}

fn words(shown: &WatchSnapshot, lately: Option<f64>) -> String {
    let spent = text::count(shown.requests_spent);
    if shown.ended.is_some() {
        let average = shown.requests_spent as f64 / shown.elapsed().as_secs_f64().max(1.0);
        return format!("{spent}, {average:.1} a second on average");
    }
    let of = format!("{spent} of about {}", text::count(shown.requests_budget));
    match lately {
        Some(rate) => format!("{rate:.1} a second, {of}"),
        None => of,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::screens::testing::watch;
    use crate::ui::widgets::testing::picture;

    /// A watch after `secs` with so many requests.
    fn after(secs: i64, spent: u64) -> WatchSnapshot {
        let mut shown = watch(3);
        shown.taken_at = shown.started_at + jiff::SignedDuration::from_secs(secs);
        shown.requests_spent = spent;
        shown
    }

    #[test]
    fn the_rate_is_that_of_late_and_its_line_has_the_number_beside_it() {
        let mut paces = Paces::default();
        let line = |paces: &Paces, shown: &WatchSnapshot| {
            picture(60, 1, |pen, area| draw(pen, area, shown, paces))
        };
        insta::assert_snapshot!(line(&paces, &after(0, 0)), @"requests 0 of about 120");
        for (secs, spent) in [(0, 0), (1, 40), (2, 60), (3, 61), (4, 61), (20, 81), (30, 101)] {
            paces.note(&after(secs, spent));
        }
        let shown = after(30, 101);
        assert_eq!(paces.lately(shown.id), Some(2.0));
        insta::assert_snapshot!(line(&paces, &shown), @"requests █▂▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁▁ 2.0 a second, 101 of about 120");
        let bars = paces.bars(shown.id, 30);
        assert_eq!((bars[0], bars[1], bars[3]), (40.0, 20.0, 0.0));
        assert!(bars.iter().all(|bar| *bar >= 0.0), "{bars:?}");
    }

    #[test]
    fn a_watch_of_days_keeps_its_bounds() {
        let mut paces = Paces::default();
        for secs in 0..200_000 {
            paces.note(&after(secs, secs.unsigned_abs()));
        }
        let shown = after(200_000, 200_000);
        assert!(paces.0[&shown.id].len() <= KEPT);
        assert_eq!(paces.lately(shown.id), Some(1.0));
        for _ in 0..100 {
            let mut other = watch(3);
            other.id = InvalidationId::new();
            paces.note(&other);
        }
        assert_eq!(paces.0.len(), WATCHES);
    }
}
