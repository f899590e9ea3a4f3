//! 200 checks an hour, some of them left to others; the API tells no count, so we keep our own.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::domain::time::Moment;

/// Checks of ours within any hour. Fastly allows 200; the rest is for whoever shares the token.
const CHECKS: usize = 180;
const HOUR: Duration = Duration::from_secs(3600);

/// When the last checks were made.
#[derive(Debug, Default)]
pub(super) struct Pace(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    made: VecDeque<Moment>,
    closed_until: Moment,
}

impl Pace {
    /// The right to one check, which counts from now on.
    ///
    /// # Errors
    /// The time until there is one.
    pub(super) fn take(&self, now: Moment) -> Result<(), Duration> {
        let mut state = self.state(now);
        if state.closed_until > now {
            return Err(state.closed_until.since(now));
        }
        match state.made.front() {
            Some(first) if state.made.len() >= CHECKS => Err((*first + HOUR).since(now)),
            _ => {
                state.made.push_back(now);
                Ok(())
            }
        }
    }

    /// Fastly asked to wait.
    pub(super) fn close(&self, until: Moment) {
        let mut state = self.state(until);
        state.closed_until = state.closed_until.max(until);
    }

    pub(super) fn left(&self, now: Moment) -> usize {
        let state = self.state(now);
        if state.closed_until > now { 0 } else { CHECKS - state.made.len().min(CHECKS) }
    }

    /// Without checks that are an hour old.
    fn state(&self, now: Moment) -> MutexGuard<'_, State> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while state.made.front().is_some_and(|made| *made + HOUR <= now) {
            state.made.pop_front();
        }
        state
    }
}
