//! Places that other members of the team look from: `allclear track --place NAME`, asked by way of the journal.
//!
//! What is asked and replied are lines of `allclear.probe/1`, as to a host that is reached by ssh, with the same rules for
//! times (`ssh`). URLs that grant access are not asked for: nothing that does is written to a journal.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::JoinSet;

use super::places::provider_of;
use super::ssh::{self, RemoteEnd};
use crate::domain::id::MemberId;
use crate::domain::invalidation::CloudScope;
use crate::domain::place::{Place, PlaceId, Vantage};
use crate::domain::secrets::carries_secret;
use crate::domain::sighting::{Answer, ProbeFailure, Sighting};
use crate::domain::time::Moment;
use crate::ports::clock::Clock;
use crate::ports::errands::Errands;
use crate::ports::places::{Places, PlacesError};
use crate::ports::prober::{Probe, Prober};

/// Replies are looked for this often while some are waited for, and errands by those that look.
const LOOK: Duration = Duration::from_millis(50);
/// A member without errands for a while looks this often.
const IDLE: Duration = Duration::from_millis(250);
/// A place is announced again, so that it stays known as there.
const ANNOUNCE: Duration = Duration::from_secs(4);
/// Beside the time that the probe itself may take.
const WAY: Duration = Duration::from_secs(5);
/// Errands under way at a time.
const UNDER_WAY: usize = 16;

/// What everything here is about.
#[derive(Clone)]
pub struct Team {
    pub errands: Arc<dyn Errands>,
    pub scope: CloudScope,
    pub clock: Arc<dyn Clock>,
}

/// The places of every member that announced one.
pub struct TeamPlaces {
    team: Team,
    /// The edges of a local cloud, which are looked at from there; else each member asks its own resolver.
    edges: Option<Arc<dyn Places>>,
}

impl TeamPlaces {
    #[must_use]
    pub fn new(team: Team, edges: Option<Arc<dyn Places>>) -> Self {
        Self { team, edges }
    }
}

#[async_trait]
impl Places for TeamPlaces {
    /// Those that vanished a moment ago are among them: each probe says so, and none is taken for clear.
    async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError> {
        let Team { errands, scope, clock } = &self.team;
        let announced = errands.announced(scope, clock.wall()).await.unwrap_or_else(|trouble| {
            tracing::warn!(%trouble, "the places of the team are not known");
            Vec::new()
        });
        if announced.is_empty() {
            return Ok(Vec::new());
        }
        let names = announced.iter().map(|(name, _)| name.as_str());
        let Some(edges) = &self.edges else {
            return Ok(names.map(|name| by_its_resolver(name, host)).collect());
        };
        let edges = edges.places(host).await?;
        Ok(names.flat_map(|name| edges.iter().map(move |edge| seen_from(name, edge))).collect())
    }
}

fn by_its_resolver(name: &str, host: &str) -> Place {
    Place {
        id: PlaceId(name.to_owned()),
        pop: None,
        city: None,
        provider: provider_of(host),
        vantage: Vantage::Worker(name.to_owned()),
        address: None,
        tls: true,
        host: host.to_owned(),
    }
}

/// The same address can be another cache from over there: only its own answers tell.
fn seen_from(name: &str, edge: &Place) -> Place {
    Place {
        id: PlaceId(format!("{name}/{}", edge.id)),
        pop: None,
        city: None,
        vantage: Vantage::Worker(name.to_owned()),
        ..edge.clone()
    }
}

/// Asks members of the team to look.
pub struct TeamProber {
    team: Team,
    /// Replies that are waited for, read for all of them at once.
    waiting: Mutex<HashMap<String, Option<String>>>,
    /// When replies were looked for.
    looked: tokio::sync::Mutex<Option<Moment>>,
}

impl TeamProber {
    #[must_use]
    pub fn new(team: Team) -> Self {
        Self { team, waiting: Mutex::default(), looked: tokio::sync::Mutex::default() }
    }

    async fn ask(
        &self,
        probe: &Probe,
        started: Moment,
    ) -> Result<(Moment, Moment, Result<Answer, ProbeFailure>), ProbeFailure> {
        let Team { errands, scope, clock } = &self.team;
        let unable = |detail: String| ProbeFailure::Vantage { detail };
        let Vantage::Worker(name) = &probe.vantage else {
            return Err(unable(format!("{} is no place of a member", probe.vantage)));
        };
        let (path, query) = match probe.path.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (probe.path.as_str(), None),
        };
        if carries_secret(path, query) {
            let detail = "what grants access is not written to the journal".to_owned();
            return Err(ProbeFailure::NotAsked { detail });
        }
        let broken = |trouble| unable(format!("worker {name}: {trouble}"));
        let there = errands.announced(scope, clock.wall()).await.map_err(broken)?;
        if !there.iter().any(|(known, is_there)| known == name && *is_there) {
            return Err(unable(format!("nobody looks from {name} any more")));
        }
        let id = errands.ask(scope, name, &ssh::ask(probe), clock.wall()).await.map_err(broken)?;
        let waited = self.reply(&id, started + probe.timeout + WAY).await;
        let Some(reply) = waited else {
            errands.forget(&id).await.ok(); // it is forgotten by itself else
            return Err(unable(format!("worker {name} did not reply in time")));
        };
        Ok(ssh::told(probe, &reply, &format!("worker {name}"), started, clock.moment()))
    }

    /// The reply to an errand. Whoever looks reads the replies to all that wait, and nobody looks right after another.
    async fn reply(&self, id: &str, until: Moment) -> Option<String> {
        self.waiting().insert(id.to_owned(), None);
        let _waits = Waits { prober: self, id };
        loop {
            tokio::time::sleep(LOOK).await;
            let mut looked = self.looked.lock().await;
            let now = self.team.clock.moment();
            if looked.is_none_or(|at| now.since(at) >= LOOK) {
                let replies = self.team.errands.replies(&self.open()).await;
                *looked = Some(now);
                for (id, reply) in replies.unwrap_or_default() {
                    self.waiting().entry(id).and_modify(|it| *it = Some(reply));
                }
            }
            drop(looked);
            let reply = self.waiting().get(id).cloned().flatten();
            if reply.is_some() || now > until {
                return reply;
            }
        }
    }

    /// Errands without a reply yet.
    fn open(&self) -> Vec<String> {
        let waiting = self.waiting();
        waiting.iter().filter(|(_, reply)| reply.is_none()).map(|(id, _)| id.clone()).collect()
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, HashMap<String, Option<String>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody waits for a reply, until this is dropped.
struct Waits<'a> {
    prober: &'a TeamProber,
    id: &'a str,
}

impl Drop for Waits<'_> {
    fn drop(&mut self) {
        self.prober.waiting().remove(self.id);
    }
}

#[async_trait]
impl Prober for TeamProber {
    async fn probe(&self, probe: &Probe) -> Sighting {
        let clock = &self.team.clock;
        let started = clock.moment();
        let (sent, received, result) = match self.ask(probe, started).await {
            Ok(seen) => seen,
            Err(failure) => (started, clock.moment(), Err(failure)),
        };
        Sighting {
            variant: probe.variant,
            shape: probe.shape,
            sent,
            received,
            at: clock.wall(),
            result,
        }
    }
}

/// Looks from this host on behalf of everybody, as the place `name`.
pub struct Contribution {
    team: Team,
    name: String,
    member: MemberId,
    end: Arc<RemoteEnd>,
}

impl Contribution {
    /// `local`: look at loopback and private addresses as well.
    #[must_use]
    pub fn new(
        team: Team,
        name: String,
        member: MemberId,
        prober: Arc<dyn Prober>,
        local: bool,
    ) -> Self {
        let end = Arc::new(RemoteEnd::new(prober, Arc::clone(&team.clock), local));
        Self { team, name, member, end }
    }

    /// Announces the place; false where another member that is there looks from it.
    ///
    /// # Errors
    /// The journal's.
    pub async fn announce(&self) -> Result<bool, crate::ports::journal::JournalError> {
        let Team { errands, scope, clock } = &self.team;
        errands.announce(scope, &self.name, self.member, clock.wall()).await
    }

    /// Answers until `enough`, then withdraws the place.
    pub async fn serve(&self, enough: impl Future<Output = ()>) {
        tokio::select! {
            () = enough => {}
            () = self.answer() => {}
        }
        let Team { errands, scope, .. } = &self.team;
        if let Err(trouble) = errands.withdraw(scope, &self.name, self.member).await {
            tracing::warn!(%trouble, "the place is not withdrawn; it is found to be gone");
        }
    }

    async fn answer(&self) {
        let Team { errands, scope, clock } = &self.team;
        let mut under_way = JoinSet::new();
        let mut announced = clock.moment();
        loop {
            while under_way.try_join_next().is_some() {}
            if clock.moment().since(announced) >= ANNOUNCE {
                announced = clock.moment();
                if let Err(trouble) = self.announce().await {
                    tracing::warn!(%trouble, "the place is not announced");
                }
            }
            let free = UNDER_WAY.saturating_sub(under_way.len());
            let taken = if free == 0 {
                Vec::new()
            } else {
                let taken = errands.take(scope, &self.name, self.member, free, clock.wall()).await;
                taken.unwrap_or_else(|trouble| {
                    tracing::debug!(%trouble, "no errands");
                    Vec::new()
                })
            };
            let pause = if taken.is_empty() && under_way.is_empty() { IDLE } else { LOOK };
            for errand in taken {
                let (end, errands) = (Arc::clone(&self.end), Arc::clone(errands));
                under_way.spawn(async move {
                    let reply = end.answer_one(&errand.ask).await;
                    if let Err(trouble) = errands.reply(&errand.id, &reply).await {
                        tracing::warn!(%trouble, "a reply is lost");
                    }
                });
            }
            tokio::time::sleep(pause).await;
        }
    }
}
