//! How fast a job goes: items settled in a second, the time that the rest takes, and how long a call takes.

use std::collections::VecDeque;
use std::time::Duration;

use crate::domain::job;
use crate::domain::time::Moment;

/// The pace is told this often, and is that of the last seconds.
const TOLD: Duration = Duration::from_secs(1);
const REMEMBERED: usize = 15;

/// Counts what was settled.
#[derive(Debug)]
pub(super) struct Meter {
    /// Settled so far at the ends of the last seconds.
    seen: VecDeque<(Moment, usize)>,
    next: Moment,
    /// Moving averages.
    call: Duration,
    write: Duration,
}

impl Meter {
    pub fn start(now: Moment, done: usize) -> Self {
        Self {
            seen: [(now, done)].into(),
            next: now + TOLD,
            call: Duration::ZERO,
            write: Duration::ZERO,
        }
    }

    /// A call took so long.
    pub fn call(&mut self, took: Duration) {
        self.call = smoothed(self.call, took);
    }

    /// A write took so long.
    pub fn write(&mut self, took: Duration) {
        self.write = smoothed(self.write, took);
    }

    pub const fn call_time(&self) -> Duration {
        self.call
    }

    pub const fn write_time(&self) -> Duration {
        self.write
    }

    pub const fn next(&self) -> Moment {
        self.next
    }

    /// Rate and time left, once a second.
    pub fn due(&mut self, now: Moment, done: usize, total: usize) -> Option<(f64, Duration)> {
        if now < self.next {
            return None;
        }
        self.next = now + TOLD;
        let (since, before) = *self.seen.front()?;
        self.seen.push_back((now, done));
        if self.seen.len() > REMEMBERED {
            self.seen.pop_front();
        }
        let rate = job::rate(done.saturating_sub(before), now.since(since))?;
        Some((rate, job::eta(total.saturating_sub(done), rate)))
    }
}

fn smoothed(average: Duration, took: Duration) -> Duration {
    if average.is_zero() { took } else { (average * 7 + took) / 8 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pace_is_that_of_the_last_seconds() {
        let start = Moment::default();
        let mut meter = Meter::start(start, 100);
        assert_eq!(meter.due(start, 100, 1_000), None);
        let mut told = None;
        for second in 1..=60_usize {
            let done = 100 + if second < 40 { second } else { 40 + (second - 40) * 30 };
            told = meter.due(start + Duration::from_secs(second as u64), done, 1_000);
        }
        assert_eq!(told, Some((30.0, job::eta(260, 30.0))));
    }
}
