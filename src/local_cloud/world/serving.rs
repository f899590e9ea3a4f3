//! Requests at edges: which node answers, from its copy or from what is behind it.

use std::sync::Arc;
use std::time::Duration;

use super::cache::{Fetched, Gone, Through};
use super::fault::FaultKind;
use super::network::{NodeBy, Place};
use super::origin::Answer;
use super::story::{What, Why};
use super::trouble::{Conditions, Victim};
use super::{CacheState, Event, Response, Served, ShieldSeen, World};
use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::chance::hash_text;

/// Whoever suffers one of these at an edge gets nothing from its cache.
const SHUT: [FaultKind; 4] =
    [FaultKind::Dead, FaultKind::Unavailable, FaultKind::Throttled, FaultKind::Hang];

/// What a cache has to say.
struct Looked {
    answer: Arc<Answer>,
    age: Duration,
    state: CacheState,
    hits: u64,
    through: Option<Through>,
    /// How long it is kept from now on.
    left: Duration,
}

impl World {
    /// Whether connections to this edge are reset now.
    pub fn is_dead(&mut self, edge: usize, now: Duration) -> bool {
        self.advance(now);
        let victim = self.victim(self.network.number(Place::Edge { edge, node: 0 }));
        self.faults.is_shut(victim, &[FaultKind::Dead], self.now)
    }

    /// Somebody asks an edge for `path` (with query), on a connection of its own.
    pub fn request(
        &mut self,
        edge: usize,
        path: &str,
        accept: AcceptVariant,
        now: Duration,
    ) -> Response {
        self.request_on(edge, None, path, accept, now)
    }

    /// Somebody asks an edge for `path` (with query) on the connection of that number.
    pub fn request_on(
        &mut self,
        edge: usize,
        connection: Option<u64>,
        path: &str,
        accept: AcceptVariant,
        now: Duration,
    ) -> Response {
        self.advance(now);
        let node = self.node(edge, connection);
        let cache = self.network.number(Place::Edge { edge, node });
        let victim = self.victim(cache);
        let suffered = self.faults.request(victim, self.now);
        if suffered.reset {
            return Response::Reset;
        }
        if let Some(hang) = suffered.hang {
            return Response::Hang(hang);
        }
        if let Some((status, retry_after)) = suffered.refused {
            return Response::Refused { status, retry_after, delay: suffered.delay };
        }
        let looked = self.look_up(edge, cache, path, accept);
        Response::Served(Served {
            answer: looked.answer,
            age: looked.age,
            state: looked.state,
            hits: looked.hits,
            delay: suffered.delay,
            ageless: suffered.ageless,
            node,
            shield: looked.through.map(|through| ShieldSeen {
                pop: self.network.shields()[through.shield].pop,
                state: through.state,
                hits: through.hits,
            }),
            etag: suffered.etag,
            ahead: suffered.ahead,
            body: suffered.body,
        })
    }

    /// Somebody asks storage for `path` (with query), past all edges.
    pub fn origin(&mut self, path: &str, accept: AcceptVariant, now: Duration) -> Answer {
        self.advance(now);
        self.answer(path, accept)
    }

    /// What somebody suffers who asks the first node of an edge for something that it does not cache.
    pub(super) fn conditions_at(&mut self, edge: usize) -> Conditions {
        let cache = self.network.number(Place::Edge { edge, node: 0 });
        let victim = self.victim(cache);
        self.faults.request(victim, self.now)
    }

    /// Whether every node of an edge has an answer of its own.
    pub(super) fn holds(&mut self, edge: usize, path: &str, accept: AcceptVariant) -> bool {
        let now = self.now;
        self.network
            .nodes(edge)
            .all(|cache| self.network.cache_mut(cache).find(path, accept, now).is_some())
    }

    /// The cache of that number as a victim of faults.
    pub(super) fn victim(&self, cache: usize) -> Victim<'static> {
        Victim::Cache(self.network.places()[cache], self.network.code(cache))
    }

    fn node(&mut self, edge: usize, connection: Option<u64>) -> usize {
        self.requests[edge] += 1;
        let nodes = self.network.edges()[edge].nodes();
        if nodes < 2 {
            return 0;
        }
        let ordinal = match (self.settings.network.node_by, connection) {
            (NodeBy::Connection, Some(connection)) => connection,
            _ => self.requests[edge],
        };
        self.any_node(edge, "node", ordinal)
    }

    fn any_node(&self, edge: usize, topic: &str, ordinal: u64) -> usize {
        let nodes = self.network.edges()[edge].nodes() as u64;
        let numbers = [hash_text(self.network.edges()[edge].pop.code), ordinal];
        usize::try_from(self.chance.below(nodes, topic, &numbers)).unwrap_or(0)
    }

    /// What the cache answers, with what is behind it where it has no copy.
    fn look_up(&mut self, edge: usize, cache: usize, path: &str, accept: AcceptVariant) -> Looked {
        if let Some(found) = self.find(cache, path, accept) {
            return found;
        }
        let path: Arc<str> = path.into();
        let fetched = self.fetch(self.network.edges()[edge].shield, &path, accept);
        let looked = Looked {
            answer: fetched.answer.clone(),
            age: fetched.age,
            state: CacheState::Miss,
            hits: 0,
            through: fetched.through,
            left: Duration::ZERO,
        };
        self.keep(cache, &path, fetched, accept);
        looked
    }

    fn find(&mut self, cache: usize, path: &str, accept: AcceptVariant) -> Option<Looked> {
        let now = self.now;
        let copy = self.network.cache_mut(cache).find(path, accept, now)?;
        let state = match copy.stale {
            _ if copy.put_back => CacheState::Miss,
            Some(_) => CacheState::Stale,
            None => CacheState::Hit,
        };
        copy.put_back = false;
        copy.hits += 1;
        let looked = Looked {
            answer: copy.answer.clone(),
            age: copy.age(now),
            state,
            hits: copy.hits,
            through: copy.through,
            left: copy.stored_at.saturating_add(copy.kept_for).saturating_sub(now),
        };
        let first = copy.stale.as_mut().filter(|stale| !stale.revalidating);
        let asked = first.map(|stale| {
            stale.revalidating = true;
            stale.after
        });
        if let Some(after) = asked {
            let there = Event::Revalidated { cache, path: path.into(), accept };
            self.appoint(now + after, there);
        }
        Some(looked)
    }

    /// What is behind an edge: its shield, or storage.
    fn fetch(&mut self, shield: Option<usize>, path: &Arc<str>, accept: AcceptVariant) -> Fetched {
        let Some(shield) = shield else {
            return Fetched::from_storage(Arc::new(self.answer(path, accept)));
        };
        let cache = self.network.number(Place::Shield(shield));
        if let Some(found) = self.find(cache, path, accept) {
            let through = Through { shield, state: found.state, hits: found.hits };
            return Fetched {
                answer: found.answer,
                age: found.age,
                kept_for: Some(found.left),
                through: Some(through),
            };
        }
        let fetched = Fetched::from_storage(Arc::new(self.answer(path, accept)));
        self.keep(cache, path, fetched.clone(), accept);
        let through = Through { shield, state: CacheState::Miss, hits: 0 };
        Fetched { through: Some(through), ..fetched }
    }

    /// Stores what a cache has fetched.
    fn keep(&mut self, cache: usize, path: &Arc<str>, fetched: Fetched, accept: AcceptVariant) {
        let from_copy = fetched.through.filter(|through| through.state != CacheState::Miss);
        if let Some(through) = from_copy
            && self.is_outdated(&fetched.answer)
        {
            self.refilled(cache, path, &fetched, through.shield);
        }
        let now = self.now;
        let gone = self.network.cache_mut(cache).store(path, fetched, accept, now);
        self.left(cache, gone, Why::Replaced);
    }

    /// Takes note of copies that are in a cache no more.
    pub(super) fn left(&mut self, cache: usize, gone: Gone, why: Why) {
        let place = self.network.places()[cache];
        for (path, copy) in gone {
            if let Some(stale) = copy.stale {
                self.note_arrival(stale.invalidation, cache, |arrival, now| {
                    arrival.stale = arrival.stale.saturating_sub(1);
                    if arrival.stale == 0 {
                        arrival.cleared_at = Some(now);
                    }
                });
            }
            if copy.is_fresh(self.now) {
                let left = What::Left { path, variant: copy.variant, why };
                self.story.tell(self.now, place, left);
            }
        }
    }

    /// The successor of a stale copy is there.
    pub(super) fn revalidated(&mut self, cache: usize, path: &Arc<str>, accept: AcceptVariant) {
        let now = self.now;
        let found = self.network.cache_mut(cache).find(path, accept, now);
        if found.is_none_or(|copy| copy.stale.is_none()) {
            return;
        }
        let shield = match self.network.places()[cache] {
            Place::Edge { edge, .. } => self.network.edges()[edge].shield,
            Place::Shield(_) | Place::Api => None,
        };
        let fetched = self.fetch(shield, path, accept);
        self.keep(cache, path, fetched, accept);
    }

    /// A viewer looks at a page.
    pub(super) fn view(&mut self) {
        let Some(view) = self.viewers.look(self.network.edges().len()) else { return };
        let node = self.any_node(view.edge, "viewer's node", view.number);
        let cache = self.network.number(Place::Edge { edge: view.edge, node });
        if self.faults.is_shut(self.victim(cache), &SHUT, self.now) {
            return;
        }
        let looked = self.look_up(view.edge, cache, &view.path, view.accept);
        self.viewers.found(&view.path, looked.answer.status < 400, self.now);
    }

    fn answer(&mut self, path: &str, accept: AcceptVariant) -> Answer {
        self.answer_at(self.unix_now(), path, accept)
    }

    /// Makes the derived asset that a path stands for.
    pub(super) fn derive(&mut self, path: &str) {
        self.answer(path, AcceptVariant::None);
    }

    /// What storage answers at a time; a derived asset that is made then is dated then.
    pub(super) fn answer_at(&mut self, unix_now: i64, path: &str, accept: AcceptVariant) -> Answer {
        let origin = self.settings.origin(self.chance, unix_now);
        origin.answer(&mut self.storage, path, accept)
    }
}
