//! Tests left of this hour, and the promise to leave some of them.
//!
//! The network counts by the hour and tells with every test what is left; between two answers we count ourselves.
//! A request whose fate is unknown counts as a test spent.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::error::GlobalpingError;
use super::transport::Reply;
use super::wire::Limits;
use crate::domain::time::Moment;
use crate::ports::clock::Clock;

/// Pause after a refusal for load that names none.
const DEFAULT_PAUSE: Duration = Duration::from_secs(30);
/// Pause after a refusal because all tests are spent, where nothing tells when there are new ones.
const UNTOLD_RESET: Duration = Duration::from_secs(300);
/// Length of the network's hour.
const WINDOW: Duration = Duration::from_secs(3600);
/// Two resets this close together are the same one: the network tells whole seconds.
const SAME_RESET: Duration = Duration::from_secs(5);

/// What all probes of a profile share.
pub struct Quota {
    clock: Arc<dyn Clock>,
    reserve: u32,
    tests_per_run: Option<u32>,
    spend_credits: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    told: Option<Told>,
    /// `None`: not told, or no account.
    credits: Option<u64>,
    /// Tests asked for and not answered yet.
    in_flight: u32,
    /// Tests of this process.
    spent: u32,
    /// Nothing is asked before this moment, and why.
    closed: Option<(Moment, &'static str)>,
}

#[derive(Debug, Clone, Copy)]
struct Told {
    limit: u32,
    remaining: u32,
    /// `None`: the hour begins with the next test.
    reset: Option<Moment>,
}

/// The quota as it is now; [`fmt::Display`] says it in one line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuotaNow {
    pub limit: u32,
    pub remaining: u32,
    /// Of these, tests that are left to others.
    pub kept: u32,
    /// Time until all of `limit` are there again.
    pub resets_in: Option<Duration>,
    pub credits: Option<u64>,
    /// Tests of this process, and how many it may spend.
    pub spent: u32,
    pub per_run: Option<u32>,
}

impl QuotaNow {
    /// Nothing is asked before there are new tests.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        let used_up = match self.per_run {
            Some(per_run) => self.spent >= per_run,
            None => false,
        };
        self.remaining <= self.kept || used_up
    }
}

impl fmt::Display for QuotaNow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Globalping: {} of {} tests left", self.remaining, self.limit)?;
        if let Some(resets_in) = self.resets_in {
            write!(f, ", resets in {}", about(resets_in))?;
        }
        if self.kept > 0 {
            write!(f, ", {} kept back", self.kept)?;
        }
        if let Some(per_run) = self.per_run {
            write!(f, ", {} of {per_run} of this run spent", self.spent)?;
        }
        match self.credits {
            Some(credits) if credits > 0 => write!(f, ", {credits} credits"),
            _ => Ok(()),
        }
    }
}

/// Seconds up to a minute and a half, then minutes; never less than what it stands for.
pub(super) fn about(time: Duration) -> String {
    let seconds = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    if seconds <= 90 { format!("{seconds} s") } else { format!("{} min", seconds.div_ceil(60)) }
}

impl Quota {
    pub(super) fn new(
        clock: Arc<dyn Clock>,
        reserve: u32,
        tests_per_run: Option<u32>,
        spend_credits: bool,
    ) -> Self {
        Self { clock, reserve, tests_per_run, spend_credits, state: Mutex::default() }
    }

    /// As far as it was told; `None` before the first answer.
    #[must_use]
    pub fn now(&self) -> Option<QuotaNow> {
        let now = self.clock.moment();
        let state = self.state();
        let told = state.told(now)?;
        Some(QuotaNow {
            limit: told.limit,
            remaining: told.remaining,
            kept: self.reserve.min(told.remaining),
            resets_in: told.reset.map(|reset| reset.since(now)),
            credits: state.credits,
            spent: state.spent,
            per_run: self.tests_per_run,
        })
    }

    /// Whether the network has told what is left.
    pub(super) fn is_told(&self) -> bool {
        self.state().told.is_some()
    }

    /// The right to ask for one test.
    ///
    /// # Errors
    /// [`GlobalpingError::Spent`], in words and without any request, until there are tests again.
    pub(super) fn take(self: &Arc<Self>) -> Result<Ticket, GlobalpingError> {
        let now = self.clock.moment();
        let mut state = self.state();
        if let Some(detail) = self.refusal(&mut state, now) {
            return Err(GlobalpingError::Spent { detail });
        }
        state.in_flight += 1;
        Ok(Ticket { quota: Arc::clone(self), fate: Fate::NotSent })
    }

    fn refusal(&self, state: &mut State, now: Moment) -> Option<String> {
        if let Some((until, why)) = state.closed {
            if until > now {
                return Some(format!(
                    "Globalping {why}; asked again in {}",
                    about(until.since(now))
                ));
            }
            state.closed = None;
        }
        if let Some(per_run) = self.tests_per_run
            && state.spent + state.in_flight >= per_run
        {
            return Some(format!("all {per_run} Globalping tests of this run are spent"));
        }
        let told = state.told(now)?;
        let free = told.remaining.saturating_sub(self.reserve);
        let credits = if self.spend_credits { state.credits.unwrap_or(0) } else { 0 };
        if u64::from(free) + credits > u64::from(state.in_flight) {
            return None;
        }
        let again = match told.reset {
            Some(reset) => format!("more in {}", about(reset.since(now))),
            None => "more within the hour".to_owned(),
        };
        Some(match self.reserve.min(told.remaining) {
            0 => format!("all {} Globalping tests of this hour are spent; {again}", told.limit),
            kept => format!(
                "{} of {} Globalping tests are left and {kept} of them are kept back; {again}",
                told.remaining, told.limit
            ),
        })
    }

    /// Takes in what an answer tells of the tests left (`X-RateLimit-*`, `X-Credits-Remaining`).
    pub(super) fn hear(&self, reply: &Reply) {
        let number = |name: &str| reply.text(name).and_then(|text| text.parse::<u64>().ok());
        let small = |name: &str| number(name).map(|n| u32::try_from(n).unwrap_or(u32::MAX));
        let now = self.clock.moment();
        let mut state = self.state();
        if let Some(credits) = number("x-credits-remaining") {
            state.credits = Some(credits);
        }
        if let (Some(limit), Some(remaining)) =
            (small("x-ratelimit-limit"), small("x-ratelimit-remaining"))
        {
            state.hear(now, limit, remaining, number("x-ratelimit-reset").unwrap_or(0));
        }
    }

    /// Takes in `GET /v1/limits`.
    pub(super) fn hear_limits(&self, limits: &Limits) {
        let now = self.clock.moment();
        let mut state = self.state();
        let create = &limits.rate_limit.measurements.create;
        state.hear(now, create.limit, create.remaining, create.reset);
        if let Some(credits) = &limits.credits {
            state.credits = Some(credits.remaining);
        }
    }

    /// The network refused for load: nothing is asked until it may be.
    pub(super) fn close(&self, why: &'static str, retry_after: Option<Duration>, all_spent: bool) {
        let now = self.clock.moment();
        let mut state = self.state();
        let reset = state.told.and_then(|told| told.reset).map(|reset| reset.since(now));
        let default = if all_spent { UNTOLD_RESET } else { DEFAULT_PAUSE };
        let pause = retry_after
            .or(reset.filter(|reset| all_spent && !reset.is_zero()))
            .unwrap_or(default)
            .clamp(Duration::from_secs(1), WINDOW);
        let until = now + pause;
        if all_spent && let Some(told) = &mut state.told {
            told.remaining = 0;
            told.reset.get_or_insert(until); // or nothing would ever be left again
        }
        if state.closed.is_none_or(|(closed, _)| closed < until) {
            state.closed = Some((until, why));
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// What is left now: after the reset all of it.
    fn told(&self, now: Moment) -> Option<Told> {
        let told = self.told?;
        match told.reset {
            Some(reset) if reset <= now => {
                Some(Told { remaining: told.limit, reset: None, ..told })
            }
            _ => Some(told),
        }
    }

    /// Answers overtake each other: within one hour the smaller count is the later one.
    fn hear(&mut self, now: Moment, limit: u32, remaining: u32, reset: u64) {
        let reset = match Duration::from_secs(reset).min(WINDOW) {
            Duration::ZERO if remaining < limit => Some(now + WINDOW), // begun, and not told when
            Duration::ZERO => None,
            within => Some(now + within),
        };
        let same_hour = |told: &Told| match (told.reset, reset) {
            (Some(told), Some(heard)) => heard.since(told).max(told.since(heard)) <= SAME_RESET,
            _ => false,
        };
        let remaining = match self.told(now) {
            Some(told) if told.limit == limit && same_hour(&told) => remaining.min(told.remaining),
            _ => remaining,
        };
        self.told = Some(Told { limit, remaining: remaining.min(limit), reset });
    }
}

/// The right to ask for one test; given back when dropped.
pub(super) struct Ticket {
    quota: Arc<Quota>,
    fate: Fate,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// Nothing was sent, or what was sent was refused.
    NotSent,
    /// Sent, and no answer yet.
    Sent,
    /// Spent, and the answer told what is left.
    Counted,
    /// Spent, and nothing told what is left.
    Uncounted,
}

impl Ticket {
    /// From here on the test may be spent.
    pub(super) fn sent(&mut self) {
        self.fate = Fate::Sent;
    }

    /// The answer is in: whether a test was made of it.
    pub(super) fn answered(&mut self, reply: &Reply, spent: bool) {
        let tells = reply.text("x-ratelimit-remaining").is_some();
        self.quota.hear(reply);
        self.fate = match (spent, tells) {
            (false, _) => Fate::NotSent,
            (true, true) => Fate::Counted,
            (true, false) => Fate::Uncounted,
        };
    }

    /// The request never left.
    pub(super) fn unsent(&mut self) {
        self.fate = Fate::NotSent;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let now = self.quota.clock.moment();
        let mut state = self.quota.state();
        state.in_flight = state.in_flight.saturating_sub(1);
        if self.fate == Fate::NotSent {
            return;
        }
        state.spent = state.spent.saturating_add(1);
        if matches!(self.fate, Fate::Sent | Fate::Uncounted)
            && let Some(told) = state.told(now)
        {
            let remaining = told.remaining.saturating_sub(1);
            // the first test of an hour begins it
            let reset = Some(told.reset.unwrap_or(now + WINDOW));
            state.told = Some(Told { remaining, reset, ..told });
        }
    }
}
