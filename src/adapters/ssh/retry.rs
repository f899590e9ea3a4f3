//! When a host that was lost is tried again.

use std::time::Duration;

use tokio::time::Instant;

/// A connection that lasted this long and answered was a good one: the next pause is the first again.
const GOOD: Duration = Duration::from_secs(10);

/// Pauses that double, with the reason of the last loss.
#[derive(Debug)]
pub(super) struct Retry {
    first: Duration,
    longest: Duration,
    pause: Duration,
    lost: Option<Lost>,
}

#[derive(Debug)]
struct Lost {
    reason: String,
    again: Instant,
}

impl Retry {
    pub fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, pause: first, lost: None }
    }

    /// Why nothing is tried now, if so.
    pub fn closed(&self) -> Option<String> {
        let lost = self.lost.as_ref()?;
        let left = lost.again.checked_duration_since(Instant::now()).filter(|it| !it.is_zero())?;
        Some(format!("{}; tried again in {} s", lost.reason, left.as_secs() + 1))
    }

    /// A connection ended for this reason.
    pub fn after(&mut self, reason: String, lasted: Duration, answered: bool) {
        if answered && lasted >= GOOD {
            self.pause = self.first;
        }
        let jitter = self.pause.mul_f64(fastrand::f64() * 0.2);
        self.lost = Some(Lost { reason, again: Instant::now() + self.pause + jitter });
        self.pause = (self.pause * 2).min(self.longest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn pauses_double_until_a_connection_was_good() {
        let second = Duration::from_secs(1);
        let mut retry = Retry::new(second, 3 * second);
        assert_eq!(retry.closed(), None);
        let mut pauses = Vec::new();
        for lasted in [0, 0, 0, 60, 0] {
            retry.after("gone".to_owned(), lasted * second, true);
            assert!(retry.closed().unwrap().starts_with("gone; tried again in "));
            let started = Instant::now();
            while retry.closed().is_some() {
                tokio::time::sleep(second / 10).await;
            }
            pauses.push(started.elapsed().as_secs());
        }
        assert_eq!(pauses, [1, 2, 3, 1, 2]);
    }
}
