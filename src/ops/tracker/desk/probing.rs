//! Sends what is due, within the limits, each watch and place in its turn.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;

use super::jobs::{Done, Of, Probed};
use super::{Desk, PendingBaseline};
use crate::domain::place::{LimitKey, Place};
use crate::domain::sighting::{Answer, ProbeFailure, Sighting};
use crate::domain::time::Moment;
use crate::ops::context::Context;
use crate::ops::tracker::watch::Errand;
use crate::ports::prober::Probe;

/// A prober that keeps to its own limit never meets this one.
const GRACE: Duration = Duration::from_secs(5);
/// Looks at old copies begin no later than this: they are extra, and an order waits.
const LONGEST_BASELINE: Duration = Duration::from_secs(20);
const LONGEST_LOCAL_BASELINE: Duration = Duration::from_secs(3);

/// Whom a request goes to, as the limits count.
#[derive(Debug, Clone)]
pub(super) struct Whom {
    address: LimitKey,
    provider: String,
}

impl Whom {
    pub(super) fn at(place: &Place) -> Self {
        Self { address: place.limit_key(), provider: place.provider.clone() }
    }
}

impl Desk {
    /// Whether a request may leave now.
    pub(super) fn lets_in(&self, whom: &Whom, now: Moment) -> bool {
        self.gate.opens_at(&whom.address, &whom.provider).is_some_and(|at| at <= now)
    }

    /// Sends a request that the limits let in; `done` says whose answer it is.
    pub(super) fn ask(
        &mut self,
        whom: Whom,
        probe: Probe,
        now: Moment,
        done: impl FnOnce(Whom, Sighting) -> Done + Send + 'static,
    ) {
        self.gate.enter(&whom.address, &whom.provider, now);
        let context = Arc::clone(&self.context);
        self.jobs.spawn(async move {
            let sighting = look(&context, &probe).await;
            done(whom, sighting)
        });
    }

    /// A request has ended. Whoever asked to be left alone is, whether anybody still waits for the answer or not.
    pub(super) fn came_back(&mut self, whom: &Whom, sighting: &Sighting, now: Moment) {
        let Whom { address, provider } = whom;
        self.gate.leave(address, provider);
        match &sighting.result {
            Ok(Answer { status: 429 | 503, retry_after, .. }) => {
                let mut chance = self.chance.fork();
                self.gate.back_off(address, provider, *retry_after, now, &mut chance);
            }
            Ok(_) => self.gate.welcome(address),
            Err(_) => {}
        }
    }

    /// Sends every request that is due and may leave.
    pub(super) fn pump(&mut self) {
        if self.trouble.is_some() || self.tracked.is_empty() {
            return; // what is seen could not be journaled
        }
        let count = self.tracked.len();
        self.turn = (self.turn + 1) % count;
        let now = self.now();
        loop {
            let mut sent = false;
            for offset in 0..count {
                sent |= self.pump_watch((self.turn + offset) % count, now);
            }
            if !sent {
                return;
            }
        }
    }

    /// At most one request to each place of a watch, beginning after the one that was asked last: where a provider's
    /// limit holds all up, each has its turn.
    fn pump_watch(&mut self, index: usize, now: Moment) -> bool {
        let mut sent = false;
        let places = self.tracked[index].watch.spots.len();
        let first = self.tracked[index].next_place;
        for place in (0..places).map(|offset| (first + offset) % places) {
            let watch = &mut self.tracked[index].watch;
            if watch.due_at(place).is_none_or(|due| due > now) {
                continue;
            }
            let whom = Whom::at(&watch.spots[place].place);
            if !self.lets_in(&whom, now) {
                continue;
            }
            let random = self.chance.u64(..);
            let tracked = &mut self.tracked[index];
            let Some(errand) = tracked.watch.next_errand(place, now, random) else { continue };
            tracked.next_place = place + 1;
            let of = tracked.of();
            self.send(of, whom, errand, now);
            sent = true;
        }
        sent
    }

    fn send(&mut self, of: Of, whom: Whom, errand: Errand, now: Moment) {
        let Errand { place, work, probe } = errand;
        self.ask(whom, probe, now, move |whom, sighting| {
            Done::Probe(Box::new(Probed { of, place, whom, work, sighting }))
        });
    }

    /// When the next request may leave.
    pub(super) fn next_request(&mut self) -> Option<Moment> {
        let mut next: Option<Moment> = None;
        for tracked in &mut self.tracked {
            for place in 0..tracked.watch.spots.len() {
                let Some(due) = tracked.watch.due_at(place) else { continue };
                let to = &tracked.watch.spots[place].place;
                let Some(opens) = self.gate.opens_at(&to.limit_key(), &to.provider) else {
                    continue;
                };
                let at = due.max(opens);
                next = Some(next.map_or(at, |next| next.min(at)));
            }
        }
        next
    }

    /// Begins the looks at old copies that an order waits for, and lets its calls leave when they have ended.
    pub(super) fn end_baselines(&mut self) {
        let now = self.now();
        let longest =
            if self.context.policy.loopback { LONGEST_LOCAL_BASELINE } else { LONGEST_BASELINE };
        for mut pending in std::mem::take(&mut self.baselines) {
            if now.since(pending.since) > longest
                && let Some(tracked) = self.find(pending.id)
            {
                tracked.watch.shorten_baseline();
                pending.started = true;
            }
            if self.baseline_is_over(&mut pending, now) {
                if let Some(tracked) = self.find(pending.id) {
                    tracked.watch.drop_baseline();
                }
                pending.done.send(()).ok();
            } else {
                self.baselines.push(pending);
            }
        }
    }

    fn baseline_is_over(&mut self, pending: &mut PendingBaseline, now: Moment) -> bool {
        let Some(tracked) = self.find(pending.id) else { return true };
        let watch = &mut tracked.watch;
        if watch.urls.is_empty() || (!watch.places_known && watch.places_trouble.is_some()) {
            return true;
        }
        if !watch.places_known && !pending.started {
            return false;
        }
        if !std::mem::replace(&mut pending.started, true) {
            watch.start_baseline(&pending.existing);
        }
        watch.baseline_has_ended(now)
    }
}

/// One probe, that ends in any case: in time, and with a failure where the prober breaks.
async fn look(context: &Context, probe: &Probe) -> Sighting {
    let sent = context.clock.moment();
    let probing = AssertUnwindSafe(context.prober.probe(probe)).catch_unwind();
    let failure = match tokio::time::timeout(probe.timeout + GRACE, probing).await {
        Ok(Ok(sighting)) => return sighting,
        Ok(Err(_)) => ProbeFailure::Broken { detail: "the prober broke".to_owned() },
        Err(_) => ProbeFailure::TimedOut,
    };
    Sighting {
        variant: probe.variant,
        shape: probe.shape,
        sent,
        received: context.clock.moment(),
        at: context.clock.wall(),
        result: Err(failure),
    }
}
