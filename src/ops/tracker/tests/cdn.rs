//! A small CDN in memory in front of a [`FakeCloud`]: edges with caches, delays and faults of their own. Reads the
//! cloud's calls to know what was invalidated, and when it looked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use md5::{Digest, Md5};

use crate::domain::sighting::{
    AcceptVariant, Answer, CacheStatus, Etag, ProbeFailure, ProbeShape, Sighting,
};
use crate::domain::time::Moment;
use crate::ops::testing::{FakeCloud, PausedClock, image};
use crate::ports::clock::Clock;
use crate::ports::prober::{Probe, Prober};

/// How an edge behaves.
#[derive(Debug, Clone, Default)]
pub struct Habit {
    /// How long an invalidation takes to arrive.
    pub delay: Duration,
    /// Invalidations never arrive.
    pub stuck: bool,
    /// Nothing answers.
    pub dead: bool,
    /// Requests are never answered.
    pub hangs: bool,
    /// Every answer takes this long.
    pub slow: Duration,
    /// It takes the old copy back this long after the start, once.
    pub falls_back_after: Option<Duration>,
    /// Misses are filled from a shield.
    pub shield: bool,
    /// Invalidations that do not reach what is kept aside: by the shield, the stale node, for the fall-back.
    pub deaf: usize,
    /// Entity tags are weak, or none are sent.
    pub weak: bool,
    pub no_tags: bool,
    /// `Age` is sent.
    pub ages: bool,
    /// One of two nodes behind the address never drops anything.
    pub stale_node: bool,
    /// The first answers are 503.
    pub overloaded: u32,
    /// A URL is one copy under whatever version.
    pub ignores_versions: bool,
}

#[derive(Debug, Default)]
struct Edge {
    habit: Habit,
    copies: HashMap<(String, AcceptVariant), Copy>,
    /// What the stale node, the shield and a fall-back serve.
    old: HashMap<(String, AcceptVariant), Copy>,
    arriving: Vec<(Moment, String)>,
    asked: u32,
    /// How often each copy was asked for: the nodes take turns.
    turns: HashMap<(String, AcceptVariant), u32>,
}

#[derive(Debug, Clone)]
struct Copy {
    answer: Answer,
    since: Moment,
}

#[derive(Debug, Default)]
struct State {
    edges: Vec<Edge>,
    /// Calls of the cloud that were read.
    read: usize,
    probes: Vec<(Moment, u16, String, ProbeShape)>,
    /// Storage as delivery sees it: what a lagging one still delivers.
    lagging: HashMap<String, Answer>,
    /// The same for single paths.
    lagging_paths: HashMap<String, Answer>,
}

#[derive(Debug)]
pub struct Cdn {
    cloud: Arc<FakeCloud>,
    clock: PausedClock,
    state: Mutex<State>,
}

/// Stories begin this long after the clock's origin, so that there can be old copies.
pub const START: Duration = Duration::from_secs(1_000);

/// Port of the first edge, as `FakePlaces::local` has it.
const FIRST_PORT: u16 = 9001;

impl Cdn {
    pub fn new(cloud: Arc<FakeCloud>, clock: PausedClock, habits: &[Habit]) -> Arc<Self> {
        let edge = |habit: &Habit| Edge { habit: habit.clone(), ..Edge::default() };
        let edges = habits.iter().map(edge).collect();
        Arc::new(Self { cloud, clock, state: Mutex::new(State { edges, ..State::default() }) })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn change(&self, edge: usize, change: impl FnOnce(&mut Habit)) {
        change(&mut self.state().edges[edge].habit);
    }

    /// Every edge holds these paths now, as viewers would have it.
    pub fn warm(&self, paths: &[&str]) {
        let now = self.clock.moment();
        let mut state = self.state();
        for path in paths {
            for variant in AcceptVariant::ALL {
                let answer = self.origin(path, variant);
                // what is not there was asked for just now, else it would have expired
                let age = if answer.status == 200 { 400 } else { 0 };
                let since = now - Duration::from_secs(age);
                let copy = Copy { answer, since };
                for edge in &mut state.edges {
                    edge.copies.insert(((*path).to_owned(), variant), copy.clone());
                    edge.old.insert(((*path).to_owned(), variant), copy.clone());
                }
            }
        }
    }

    /// Delivery goes on with what it delivers now under this public ID.
    pub fn lag(&self, public_id: &str) {
        let path = format!("/demo/image/upload/{public_id}.jpg");
        let answer = self.origin(&path, AcceptVariant::None);
        self.state().lagging.insert(public_id.to_owned(), answer);
    }

    /// Delivery goes on with what it delivers now under this path, whatever the version.
    pub fn lag_path(&self, path: &str) {
        let answer = self.origin(path, AcceptVariant::None);
        self.state().lagging_paths.insert(path.to_owned(), answer);
    }

    pub fn catch_up(&self) {
        let mut state = self.state();
        state.lagging.clear();
        state.lagging_paths.clear();
    }

    /// Requests so far to an edge, or to all.
    pub fn probes(&self, edge: Option<usize>) -> usize {
        let port = edge.map(|edge| FIRST_PORT + u16::try_from(edge).unwrap());
        self.state().probes.iter().filter(|probe| port.is_none_or(|port| probe.1 == port)).count()
    }

    /// Requests for a path that is a cached key, not a reference read, with their times.
    pub fn looks(&self, path: &str) -> Vec<(Moment, ProbeShape)> {
        let state = self.state();
        let looks = state.probes.iter().filter(|probe| probe.2 == path);
        looks.map(|probe| (probe.0, probe.3)).collect()
    }

    /// When each edge was asked for what, in order.
    pub fn asked(&self, edge: usize) -> Vec<(Duration, String)> {
        let port = FIRST_PORT + u16::try_from(edge).unwrap();
        let state = self.state();
        let probes = state.probes.iter().filter(|probe| probe.1 == port);
        probes.map(|probe| (probe.0.since_origin(), probe.2.clone())).collect()
    }

    /// Whether an edge would serve something now, and what tag.
    pub fn serves(&self, edge: usize, path: &str) -> (u16, Option<String>) {
        self.arrive();
        let state = self.state();
        let copy = state.edges[edge].copies.get(&(path.to_owned(), AcceptVariant::None));
        let answer =
            copy.map_or_else(|| self.origin(path, AcceptVariant::None), |copy| copy.answer.clone());
        (answer.status, answer.etag.map(|etag| etag.tag))
    }

    /// What storage delivers for a path, past all caches.
    fn origin(&self, path: &str, variant: AcceptVariant) -> Answer {
        let rest = path.strip_prefix("/demo/image/upload/").unwrap_or(path);
        let (mut transformation, mut id) = (String::new(), Vec::new());
        for segment in rest.split('/') {
            let is_version = segment
                .strip_prefix('v')
                .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|b| b.is_ascii_digit()));
            if segment.contains('_') && id.is_empty() {
                segment.clone_into(&mut transformation);
            } else if !(is_version && id.is_empty()) {
                id.push(segment);
            }
        }
        let id = id.join("/");
        let id = id.strip_suffix(".jpg").unwrap_or(&id);
        let Some(asset) = self.cloud.asset(&image(id)) else {
            let error = Some(format!("Resource not found - {id}"));
            return Answer { status: 404, error, total_length: Some(0), ..Answer::default() };
        };
        let automatic = transformation.contains("f_auto");
        let body = if transformation.is_empty() {
            asset.etag.clone().unwrap_or_default()
        } else {
            let of = if automatic { variant.as_str() } else { "" };
            let seed = format!("{:?} {transformation} {of}", asset.etag);
            hex::encode(Md5::digest(seed))
        };
        Answer {
            status: 200,
            body_hash: Some(format!("hash of {body}")),
            etag: Some(Etag { weak: false, tag: body }),
            total_length: Some(asset.bytes),
            varies_by_accept: automatic,
            ..Answer::default()
        }
    }

    /// Invalidations that were ordered since arrive in time.
    fn arrive(&self) {
        let calls = self.cloud.changes();
        let now = self.clock.moment();
        let mut state = self.state();
        let fresh = calls.get(state.read..).unwrap_or_default().to_vec();
        state.read = calls.len();
        for call in &fresh {
            let words = call.split(' ').collect::<Vec<_>>();
            let invalidates = words.contains(&"invalidate");
            let Some(id) = words.get(1).filter(|_| invalidates) else { continue };
            for edge in &mut state.edges {
                if edge.habit.deaf > 0 {
                    edge.habit.deaf -= 1;
                } else {
                    edge.old.retain(|(path, _), _| !is_of(path, id));
                }
                if !edge.habit.stuck {
                    edge.arriving.push((now + edge.habit.delay, (*id).to_owned()));
                }
            }
        }
        for edge in &mut state.edges {
            edge.arrive(now);
        }
    }

    fn answer(&self, probe: &Probe, now: Moment) -> Result<Answer, ProbeFailure> {
        let index = usize::from(probe.address.unwrap().port() - FIRST_PORT);
        let behind = {
            let state = self.state();
            let of_name = state.lagging.iter().find(|(id, _)| is_of(&probe.path, id));
            let of_path = state.lagging_paths.get(&without_version(&probe.path));
            of_name.map(|(_, answer)| answer).or(of_path).cloned()
        };
        let origin = behind.unwrap_or_else(|| self.origin(&probe.path, probe.variant));
        let mut state = self.state();
        state.probes.push((now, probe.address.unwrap().port(), probe.path.clone(), probe.shape));
        let edge = state.edges.get_mut(index).ok_or(ProbeFailure::Refused)?;
        if edge.habit.dead {
            return Err(ProbeFailure::Refused);
        }
        edge.asked += 1;
        if edge.asked <= edge.habit.overloaded {
            return Ok(Answer { status: 503, ..Answer::default() });
        }
        let mut answer = edge.serve(probe, origin, now);
        if probe.shape == ProbeShape::OneByte && answer.status == 200 {
            answer.status = 206;
        }
        if probe.shape != ProbeShape::Body {
            answer.body_hash = None;
        }
        Ok(answer)
    }
}

impl Edge {
    fn arrive(&mut self, now: Moment) {
        let (here, later) =
            std::mem::take(&mut self.arriving).into_iter().partition(|p| p.0 <= now);
        self.arriving = later;
        let here: Vec<(Moment, String)> = here;
        for (_, id) in here {
            self.copies.retain(|(path, _), _| !is_of(path, &id));
        }
        if let Some(after) = self.habit.falls_back_after
            && now.since_origin() >= START + after
        {
            self.habit.falls_back_after = None;
            self.copies.extend(self.old.clone());
        }
    }

    fn serve(&mut self, probe: &Probe, origin: Answer, now: Moment) -> Answer {
        let path = if self.habit.ignores_versions {
            without_version(&probe.path)
        } else {
            probe.path.clone()
        };
        let key = (path, probe.variant);
        let turn = self.turns.entry(key.clone()).or_default();
        *turn += 1;
        let stale_turn = self.habit.stale_node && turn.is_multiple_of(2);
        let copy = if stale_turn { self.old.get(&key) } else { self.copies.get(&key) };
        let fresh = copy.filter(|copy| {
            let age = now.since(copy.since);
            copy.answer.status == 200 || age < Duration::from_secs(60)
        });
        let (copy, cache) = if let Some(copy) = fresh {
            (copy.clone(), CacheStatus::Hit)
        } else {
            let shield = self.old.get(&key).filter(|_| self.habit.shield);
            let copy = shield.cloned().unwrap_or(Copy { answer: origin, since: now });
            self.copies.insert(key, copy.clone());
            (copy, CacheStatus::Miss)
        };
        let age = self.habit.ages.then(|| now.since(copy.since).as_secs());
        let mut answer = Answer { age, cache, ..copy.answer };
        if self.habit.no_tags {
            answer.etag = None;
        } else if let Some(etag) = answer.etag.as_mut().filter(|_| self.habit.weak) {
            etag.weak = true;
        }
        answer
    }
}

fn without_version(path: &str) -> String {
    let is_version = |segment: &&str| {
        let digits = segment.strip_prefix('v').unwrap_or_default();
        !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    path.split('/').filter(|segment| !is_version(segment)).collect::<Vec<_>>().join("/")
}

fn is_of(path: &str, id: &str) -> bool {
    path.ends_with(&format!("/{id}.jpg"))
}

#[async_trait]
impl Prober for Cdn {
    async fn probe(&self, probe: &Probe) -> Sighting {
        self.arrive();
        let sent = self.clock.moment();
        let index = usize::from(probe.address.unwrap().port() - FIRST_PORT);
        let habit =
            self.state().edges.get(index).map(|edge| edge.habit.clone()).unwrap_or_default();
        let result = if habit.hangs {
            tokio::time::sleep(probe.timeout).await;
            Err(ProbeFailure::TimedOut)
        } else {
            tokio::time::sleep(habit.slow.max(Duration::from_millis(3))).await;
            self.answer(probe, sent)
        };
        Sighting {
            variant: probe.variant,
            shape: probe.shape,
            sent,
            received: self.clock.moment(),
            at: self.clock.wall(),
            result,
        }
    }
}
