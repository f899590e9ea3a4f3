//! What runs beside the task: probes, readings of storage, finding places, repeated purges. Each is bounded and
//! comes back as a [`Done`].

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use tokio::sync::oneshot;
use tokio::task::JoinError;

use super::late::LateProbe;
use super::probing::Whom;
use super::{Desk, Tracked};
use crate::domain::id::InvalidationId;
use crate::domain::place::Place;
use crate::domain::sighting::Sighting;
use crate::domain::text::clean;
use crate::domain::time::Moment;
use crate::domain::verdict::{Expectation, Stored};
use crate::ops::error::OpError;
use crate::ops::plan::stored;
use crate::ops::tracker::watch::{StatErrand, Work};
use crate::ports::cloud::CloudError;
use crate::ports::places::PlacesError;

/// Readings of storage in flight at once.
pub(super) const STATS: usize = 8;
/// Repeated purges in flight at once.
const CALLS: usize = 8;
/// Places are looked for again this often: those that join late are seen.
const ATLAS_FRESH: Duration = Duration::from_secs(60);
/// How often it is looked whether places are to be looked for.
const SEARCH: Duration = Duration::from_secs(1);
/// Waits between failed searches for places, in seconds.
const SEARCH_AGAIN: [u64; 5] = [1, 2, 5, 10, 15];

/// What came back.
pub(super) enum Done {
    Probe(Box<Probed>),
    Late(Box<LateProbe>),
    Stat { of: Of, errand: StatErrand, asked: Moment, answer: Result<Stored, String> },
    Places { host: String, found: Result<Vec<Place>, PlacesError> },
    SentAgain { of: Of, at: Moment, answers: Answers, done: oneshot::Sender<Result<(), OpError>> },
}

/// What each name's repeated purge was answered.
type Answers = Vec<(usize, Result<Stored, CloudError>)>;

/// A probe that has ended.
pub(super) struct Probed {
    pub of: Of,
    pub place: usize,
    pub whom: Whom,
    pub work: Work,
    pub sighting: Sighting,
}

/// Which watch an answer is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Of {
    pub id: InvalidationId,
    pub epoch: u64,
}

/// The places of one host.
#[derive(Default)]
pub(super) struct Atlas {
    places: Vec<Place>,
    found: Option<Moment>,
    failures: u32,
    busy: bool,
    /// Not searched again before this.
    again: Moment,
}

impl Desk {
    /// Takes in one answer and all that are there already.
    pub(super) fn take_all(&mut self, first: Result<Done, JoinError>) {
        self.take(first);
        while let Some(next) = self.jobs.try_join_next() {
            self.take(next);
        }
    }

    fn take(&mut self, done: Result<Done, JoinError>) {
        match done {
            Ok(Done::Probe(probed)) => self.take_sighting(&probed),
            Ok(Done::Late(probed)) => self.take_late(&probed),
            Ok(Done::Stat { of, errand, asked, answer }) => {
                self.stats_in_flight = self.stats_in_flight.saturating_sub(1);
                let (now, wall) = (self.now(), self.wall());
                if let Some(tracked) = self.of(of) {
                    tracked.watch.take_stat(&errand, answer, asked, now, wall);
                }
            }
            Ok(Done::Places { host, found }) => self.take_places(&host, found),
            Ok(Done::SentAgain { of, at, answers, done }) => {
                self.take_sent_again(of, at, answers, done);
            }
            // its place stays busy and its watch cannot end: that is the safe side of a defect
            Err(error) => tracing::error!(%error, "a job of the tracker broke"),
        }
    }

    pub(super) fn of(&mut self, of: Of) -> Option<&mut Tracked> {
        self.find(of.id).filter(|tracked| tracked.epoch == of.epoch)
    }

    fn take_sighting(&mut self, probed: &Probed) {
        let Probed { of, place, whom, work, sighting } = probed;
        let (now, wall, mut chance) = (self.now(), self.wall(), self.chance.fork());
        self.came_back(whom, sighting, now);
        if let Some(tracked) = self.of(*of) {
            tracked.watch.take(*place, *work, sighting, now, wall, &mut chance);
        }
    }

    /// Asks storage about names of a watch, as far as readings may be in flight.
    pub(super) fn ask_storage(&mut self, index: usize, now: Moment) {
        let free = STATS.saturating_sub(self.stats_in_flight);
        let tracked = &mut self.tracked[index];
        let of = tracked.of();
        for errand in tracked.watch.due_stats(now, free) {
            self.stats_in_flight += 1;
            let context = Arc::clone(&self.context);
            self.jobs.spawn(async move {
                let asked = context.clock.moment();
                let answer = context.cloud.stat(&errand.key).await;
                let answer = answer
                    .map(|asset| stored(asset.as_ref()))
                    .map_err(|error| clean(&error.to_string()).into_owned());
                Done::Stat { of, errand, asked, answer }
            });
        }
    }

    /// Looks for the places of every host that some watch needs, unless they are known well enough.
    pub(super) fn find_places(&mut self) {
        let now = self.now();
        if self.search_due.is_some_and(|due| now < due) {
            return;
        }
        self.search_due = Some(now + SEARCH);
        let mut wanted = Vec::new();
        let hosts = self.tracked.iter().flat_map(|tracked| &tracked.watch.hosts);
        for host in hosts.chain(self.hosts_of_vigils()) {
            let known = self.atlas.get(host);
            if known.is_none_or(|atlas| atlas.is_due(now)) && !wanted.contains(host) {
                wanted.push(host.clone());
            }
        }
        for host in wanted {
            self.atlas.entry(host.clone()).or_default().busy = true;
            let context = Arc::clone(&self.context);
            self.jobs.spawn(async move {
                let found = context.places.places(&host).await;
                Done::Places { host, found }
            });
        }
    }

    fn take_places(&mut self, host: &str, found: Result<Vec<Place>, PlacesError>) {
        let now = self.now();
        let atlas = self.atlas.entry(host.to_owned()).or_default();
        atlas.busy = false;
        match found {
            Ok(places) => {
                (atlas.places, atlas.found, atlas.failures) = (places, Some(now), 0);
                let places = atlas.places.clone();
                self.show_vigils(host, &places, now);
                for index in 0..self.tracked.len() {
                    self.show_places(index);
                }
            }
            Err(error) => {
                let wait = SEARCH_AGAIN[(atlas.failures as usize).min(SEARCH_AGAIN.len() - 1)];
                atlas.failures += 1;
                atlas.again = now + Duration::from_secs(wait);
                let why = clean(&error.to_string()).into_owned();
                for tracked in &mut self.tracked {
                    if tracked.watch.hosts.iter().any(|needed| needed == host) {
                        tracked.watch.no_places(why.clone(), now);
                    }
                }
            }
        }
    }

    /// Shows a watch the places that are known of its hosts.
    pub(super) fn show_places(&mut self, index: usize) {
        let now = self.now();
        let watch = &mut self.tracked[index].watch;
        for host in watch.hosts.clone() {
            if let Some(atlas) = self.atlas.get(&host).filter(|atlas| atlas.found.is_some()) {
                watch.take_places(&host, &atlas.places, now, &mut self.chance);
            }
        }
    }

    /// Sends the invalidation of a watch again, for every name that takes part.
    pub(super) fn send_again(&mut self, index: usize, done: oneshot::Sender<Result<(), OpError>>) {
        let tracked = &self.tracked[index];
        let of = tracked.of();
        let names = tracked.watch.live_names();
        let calls = names.into_iter().map(|name| {
            let watched = &tracked.watch.names[name].watched;
            (name, watched.key.clone(), watched.expectation() == Some(Expectation::Gone))
        });
        let calls = calls.collect::<Vec<_>>();
        let context = Arc::clone(&self.context);
        self.jobs.spawn(async move {
            let at = context.clock.moment();
            let context = &context;
            let call = |(name, key, gone)| async move {
                let cloud = &context.cloud;
                let told = if gone {
                    cloud.destroy(&key, true).await.map(|_| Stored::Empty)
                } else {
                    cloud.invalidate(&key).await.map(|asset| stored(Some(&asset)))
                };
                (name, told)
            };
            let answers = stream::iter(calls).map(call).buffer_unordered(CALLS).collect().await;
            Done::SentAgain { of, at, answers, done }
        });
    }

    fn take_sent_again(
        &mut self,
        of: Of,
        at: Moment,
        answers: Answers,
        done: oneshot::Sender<Result<(), OpError>>,
    ) {
        let (now, wall) = (self.now(), self.wall());
        let mut failed = None;
        let mut accepted = Vec::new();
        for (name, answer) in answers {
            match answer {
                Ok(told) => accepted.push((name, Some(told))),
                // it may have been carried out: storage is asked, and S counts from it
                Err(error) if error.is_in_doubt() => {
                    accepted.push((name, None));
                    failed = failed.or(Some(error));
                }
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        if let Some(tracked) = self.of(of) {
            tracked.watch.purging_again = false;
            if let Some(error) = &failed {
                tracked.watch.say(wall, &format!("sending the invalidation again: {error}"));
            }
            tracked.watch.sent_again(&accepted, at, now, wall);
        }
        done.send(failed.map_or(Ok(()), |error| Err(error.into()))).ok();
    }
}

impl Atlas {
    /// Whether the places are to be looked for.
    fn is_due(&self, now: Moment) -> bool {
        let fresh = self.found.is_some_and(|at| now.since(at) < ATLAS_FRESH);
        !fresh && !self.busy && self.again <= now
    }
}

impl Tracked {
    pub(super) fn of(&self) -> Of {
        Of { id: self.watch.id(), epoch: self.epoch }
    }
}
