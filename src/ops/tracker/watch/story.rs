//! What is told of a watch over time: timeline and curve, both bounded.

use super::Watch;
use crate::domain::snapshot::{CurvePoint, TimelineEntry};
use crate::domain::text::clean;
use crate::domain::time::{Moment, Timestamp};

/// Entries kept of the timeline; the first of them is never dropped.
const ENTRIES: usize = 200;
/// Points kept of the curve.
const POINTS: usize = 600;

impl Watch {
    /// Adds a line to the timeline.
    pub fn say(&mut self, at: Timestamp, text: &str) {
        if self.timeline.len() >= ENTRIES {
            self.timeline.remove(1);
        }
        let text = clean(text).into_owned();
        self.timeline.push(TimelineEntry { at, text });
        self.changed = true;
    }

    /// Things that are kept in memory.
    #[cfg(test)]
    pub fn retained(&self) -> usize {
        let told = self.timeline.len() + self.curve.len() + self.regressions.len();
        let unwritten = self.rows.len() + self.events.len() + self.names_changed.len();
        let agendas = self.reference_agendas.values().map(super::Agenda::retained);
        let spots = self.spots.iter();
        let spots = spots
            .map(|spot| spot.agenda.retained() + spot.cells.len() + spot.bodies.len())
            .sum::<usize>();
        let truths = self.references.len() + self.rechecks.len() + self.rechecked.len();
        told + unwritten + agendas.sum::<usize>() + spots + truths + self.caches.len()
    }

    /// Adds the present state to the curve where it differs from the last point.
    pub fn plot(&mut self, now: Moment) {
        let (clear, total) = self.grid.clear_of_total();
        let as_before =
            self.curve.last().is_some_and(|last| (last.clear, last.total) == (clear, total));
        if as_before || total == 0 {
            return;
        }
        self.curve.push(CurvePoint { after: self.elapsed(now), clear, total });
        if self.curve.len() > POINTS {
            thin(&mut self.curve);
        }
    }
}

/// Drops every second point but the first and the last: the shape stays.
fn thin(points: &mut Vec<CurvePoint>) {
    let last = points.len() - 1;
    let mut position = 0;
    points.retain(|_| {
        let keep = position % 2 == 0 || position == last;
        position += 1;
        keep
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_thinned_curve_keeps_its_ends_and_its_order() {
        let point =
            |n: usize| CurvePoint { after: Duration::from_secs(n as u64), clear: n, total: 1000 };
        let mut points = (0..=POINTS).map(point).collect::<Vec<_>>();
        thin(&mut points);
        assert!(points.len() <= POINTS / 2 + 2);
        assert_eq!((points[0].clear, points.last().unwrap().clear), (0, POINTS));
        assert!(points.is_sorted_by_key(|point| point.after));
    }
}
