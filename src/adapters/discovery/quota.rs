//! How often resolvers are asked: few dozen questions a minute, all of them together.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::time::Moment;

const MINUTE: Duration = Duration::from_secs(60);

/// The questions of the last minute.
pub(super) struct Quota {
    limit: usize,
    asked: Mutex<VecDeque<Moment>>,
}

impl Quota {
    pub fn new(limit: usize) -> Self {
        Self { limit, asked: Mutex::default() }
    }

    pub const fn limit(&self) -> usize {
        self.limit
    }

    /// Takes one question out of it, if one is left.
    pub fn take(&self, now: Moment) -> bool {
        let mut asked = self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        while asked.front().is_some_and(|at| now.since(*at) >= MINUTE) {
            asked.pop_front();
        }
        let left = asked.len() < self.limit;
        if left {
            asked.push_back(now);
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_has_so_many_questions() {
        let at = |s| Moment::from_origin(Duration::from_secs(s));
        let quota = Quota::new(2);
        let taken = [100, 130, 159, 160, 189, 190].map(|s| quota.take(at(s)));
        assert_eq!(taken, [true, true, false, true, false, true]);
    }
}
