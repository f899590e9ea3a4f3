//! The brake: how long nothing is sent after the cloud asked for less or did not answer, and how far the window opens
//! again.

use std::time::Duration;

use super::call::Wait;
use crate::domain::job::JobWait;
use crate::domain::text::clean;
use crate::domain::time::Timestamp;

/// First pause; each further one is twice as long.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(60);
/// An hourly quota that does not say when it is over.
const HOURLY: Duration = Duration::from_secs(3700);

/// Nothing is sent until it is over.
#[derive(Debug, Default)]
pub(super) struct Brake {
    pulled: u32,
    /// Good answers since.
    good: u32,
    until: Option<JobWait>,
}

impl Brake {
    /// The cloud asked for less, or did not answer.
    pub fn pull(&mut self, wait: &Wait, now: Timestamp) {
        if self.wait(now).is_none() {
            self.pulled = (self.pulled + 1).min(8);
        }
        self.good = 0;
        let pause = FIRST.saturating_mul(1 << (self.pulled - 1).min(6)).min(LONGEST);
        let pause = wait.asked.map_or(pause, |asked| asked.clamp(FIRST, HOURLY));
        // full jitter would be impatient where the cloud says how long
        let pause =
            if wait.asked.is_some() { pause } else { pause.mul_f64(0.5 + fastrand::f64() / 2.0) };
        let until = now + pause;
        if self.until.as_ref().is_none_or(|known| known.until < until) {
            let because = clean(&wait.because).into_owned();
            self.until = Some(JobWait { until, because });
        }
    }

    /// Another process was asked for less, or got no answer.
    pub fn heed(&mut self, wait: &JobWait) {
        if self.until.as_ref().is_none_or(|known| known.until < wait.until) {
            self.pulled = (self.pulled + 1).min(8);
            self.good = 0;
            self.until = Some(wait.clone());
        }
    }

    /// A good answer.
    pub fn release(&mut self) {
        self.good += 1;
        if self.good >= 30 && self.pulled > 0 {
            (self.pulled, self.good) = (self.pulled - 1, 0);
        }
    }

    /// What is waited for.
    pub fn wait(&self, now: Timestamp) -> Option<JobWait> {
        self.until.clone().filter(|wait| wait.until > now)
    }

    /// Calls in flight at once while the cloud is under strain: half as many for each time that it asked for less.
    pub fn narrowed(&self, most: usize) -> usize {
        (most >> self.pulled.min(6)).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::time::from_millis;

    fn overload(asked: Option<u64>) -> Wait {
        Wait {
            asked: asked.map(Duration::from_secs),
            because: "too many".to_owned(),
            is_overload: true,
            is_quota: false,
        }
    }

    #[test]
    fn what_the_cloud_asks_for_is_kept_to() {
        let (mut brake, now) = (Brake::default(), from_millis(0));
        brake.pull(&overload(Some(40)), now);
        assert_eq!(brake.wait(now).unwrap().until, now + Duration::from_secs(40));
        assert_eq!(brake.wait(now + Duration::from_secs(40)), None);
    }

    #[test]
    fn what_another_process_was_told_counts_here_as_well() {
        let (mut brake, now) = (Brake::default(), from_millis(0));
        let wait = |seconds| JobWait {
            until: now + Duration::from_secs(seconds),
            because: "too many".to_owned(),
        };
        brake.heed(&wait(9));
        assert_eq!((brake.wait(now), brake.narrowed(32)), (Some(wait(9)), 16));
        brake.heed(&wait(9));
        brake.heed(&wait(5));
        assert_eq!((brake.wait(now), brake.narrowed(32)), (Some(wait(9)), 16), "no news");
    }

    #[test]
    fn pauses_grow_once_for_each_burst_and_the_window_narrows() {
        let (mut brake, mut now) = (Brake::default(), from_millis(0));
        for burst in 0..4_u32 {
            for _ in 0..30 {
                brake.pull(&overload(None), now); // the whole window is refused at once
            }
            let pause =
                Duration::try_from(brake.wait(now).unwrap().until.duration_since(now)).unwrap();
            let most = FIRST * 2_u32.pow(burst);
            assert!(most / 2 <= pause && pause <= most, "{pause:?} after burst {burst}");
            assert_eq!(brake.narrowed(32), 32 >> (burst + 1));
            now += pause;
        }
        (0..120).for_each(|_| brake.release());
        assert_eq!(brake.narrowed(32), 32, "good answers open it again");
    }
}
