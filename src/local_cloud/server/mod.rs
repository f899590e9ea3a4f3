//! HTTP around the world: one listener for the API, one for the origin, one for each edge.
//!
//! Handlers read a request, ask the world under its lock, and write what it said; they decide nothing. Bytes are
//! drawn outside the lock, off the async threads.

mod account;
mod admin;
mod api;
mod attributes;
mod auth;
mod bare;
mod body;
mod control;
mod delivery;
mod download;
mod fetch;
mod folders;
mod headers;
mod limits;
mod listen;
mod listing;
mod multipart;
mod naming;
mod params;
mod pieces;
mod publish;
mod remote;
mod removal;
mod reply;
mod search;
mod single;
mod tokens;
mod trouble;
mod upload;
mod wire;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use axum::Router;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};
use uuid::Uuid;

pub(super) use self::delivery::{Asked, Written};
use self::limits::{Budget, Limits};
use self::listen::Line;
use self::pieces::Pieces;
use self::tokens::DeleteTokens;
use super::clock::{Clock, MachineClock};
use super::content::draw_ahead;
use super::options::{Options, Ready, ReadyEdge, StartError};
use super::scenario::Scenario;
use super::world::{Settings, World};
use crate::domain::account::InvalidationKind;

/// How often the world is moved on while nobody asks anything.
const TICK: Duration = Duration::from_secs(1);
/// How long answers that are on their way may take after the end was asked for.
const GRACE: Duration = Duration::from_secs(3);

/// The cloud that all listeners serve.
pub(super) struct Cloud {
    options: Options,
    settings: Settings,
    clock: Arc<dyn Clock>,
    present: Mutex<Present>,
    ready: RwLock<Ready>,
    limits: Limits,
    /// Bodies on their way, and files in pieces.
    in_flight: Arc<Budget>,
    /// Files that were uploaded.
    stored: Arc<Budget>,
    pieces: Pieces,
    delete_tokens: DeleteTokens,
    requests: std::sync::atomic::AtomicU64,
}

/// The world, and when it began on the clock.
struct Present {
    world: World,
    began: Duration,
    /// What it plays.
    scenario: Option<Scenario>,
}

impl Cloud {
    /// Asks the world something, at the present time.
    fn with<R>(&self, ask: impl FnOnce(&mut World, Duration) -> R) -> R {
        let mut present = self.present();
        let now = self.clock.since_start().saturating_sub(present.began);
        ask(&mut present.world, now)
    }

    fn present(&self) -> MutexGuard<'_, Present> {
        self.present.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins anew, as just started: other storage, cold memory, another instance; with another seed or scenario
    /// where given. Listeners stay, and so does the course of the clock.
    fn reset(&self, seed: Option<u64>, scenario: Option<Scenario>) -> Result<(), StartError> {
        let mut settings = match &scenario {
            Some(scenario) => self.replayed(scenario)?,
            None => self.settings.clone(),
        };
        settings.seed = seed.unwrap_or(settings.seed);
        let mode = settings.mode;
        let began = self.clock.since_start();
        let began_at = self.clock.started_at().as_second().saturating_add_unsigned(began.as_secs());
        let world = World::new(settings, began_at);
        let scenario = scenario.or_else(|| self.options.scenario.clone());
        *self.present() = Present { world, began, scenario };
        self.pieces.clear();
        self.delete_tokens.clear();
        let mut ready = self.ready.write().unwrap_or_else(PoisonError::into_inner);
        ready.instance = Uuid::now_v7().to_string();
        ready.mode = mode;
        Ok(())
    }

    /// What another scenario makes of this cloud, whose edges are what they are.
    fn replayed(&self, scenario: &Scenario) -> Result<Settings, StartError> {
        let edges = self.settings.edges.len();
        if let Some(asked) = scenario.edges.filter(|asked| *asked != edges) {
            return Err(StartError::OtherEdges { asked, edges });
        }
        Options { edges, ..self.options.clone() }.play(scenario)
    }

    /// The scenario that is played.
    fn playing(&self) -> Option<Scenario> {
        self.present().scenario.clone()
    }

    fn ready(&self) -> Ready {
        self.ready.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Scheme and authority of `url` and `secure_url`.
    fn delivery_base(&self) -> String {
        let ready = self.ready.read().unwrap_or_else(PoisonError::into_inner);
        ready.edges.first().map(|edge| edge.url.clone()).unwrap_or_default()
    }

    /// A number that nothing else has.
    fn next_number(&self) -> u64 {
        self.requests.fetch_add(1, std::sync::atomic::Ordering::Relaxed)
    }

    /// An ID for one answer.
    fn request_id(&self) -> String {
        let chance = super::chance::Chance::new(self.settings.seed);
        hex::encode(chance.id("request", &[self.next_number()]))
    }

    /// An ID for what goes on after an answer.
    fn batch_id(&self) -> String {
        let chance = super::chance::Chance::new(self.settings.seed);
        hex::encode(
            [
                chance.id("batch", &[self.next_number(), 0]),
                chance.id("batch", &[self.next_number(), 1]),
            ]
            .concat(),
        )
    }
}

/// A local cloud that is up. Dropping it ends it.
pub struct Running {
    pub ready: Ready,
    shutdown: CancellationToken,
    tasks: JoinSet<()>,
    _guard: DropGuard,
    #[cfg(test)]
    cloud: Arc<Cloud>,
}

impl Running {
    /// Ends the cloud when cancelled.
    #[must_use]
    pub fn shutdown(&self) -> CancellationToken {
        self.shutdown.clone()
    }

    /// Waits until the cloud was told to end and has ended.
    pub async fn join(mut self) {
        self.shutdown.cancelled().await;
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if tokio::time::timeout(GRACE, all).await.is_err() {
            self.tasks.shutdown().await;
        }
    }

    /// Ends the cloud and waits until it has ended.
    pub async fn stop(self) {
        self.shutdown.cancel();
        self.join().await;
    }
}

/// Starts a local cloud on the machine's clock; it is ready when this returns.
///
/// # Errors
/// An option that cannot be, or an address that cannot be listened on.
pub async fn start(options: Options) -> Result<Running, StartError> {
    start_with_clock(options, Arc::new(MachineClock::start())).await
}

/// Starts a local cloud on a clock of the caller's.
///
/// # Errors
/// As [`start`].
pub async fn start_with_clock(
    options: Options,
    clock: Arc<dyn Clock>,
) -> Result<Running, StartError> {
    start_within(options, clock, Limits::default()).await
}

/// Starts a local cloud whose callers may take up so much.
async fn start_within(
    options: Options,
    clock: Arc<dyn Clock>,
    limits: Limits,
) -> Result<Running, StartError> {
    let settings = options.settings()?;
    let lines = Lines::open(&options, &settings).await?;
    let ready = lines.ready(&options, settings.mode);
    let began_at = clock.started_at().as_second();
    let world = {
        let settings = settings.clone();
        let made = tokio::task::spawn_blocking(move || World::new(settings, began_at)).await;
        made.map_err(|_| StartError::World)?
    };
    let scenario = options.scenario.clone();
    let cloud = Arc::new(Cloud {
        options,
        settings,
        clock,
        present: Mutex::new(Present { world, began: Duration::ZERO, scenario }),
        ready: RwLock::new(ready.clone()),
        in_flight: Budget::of(limits.in_flight),
        stored: Budget::of(limits.stored),
        limits,
        pieces: Pieces::default(),
        delete_tokens: DeleteTokens::default(),
        requests: 0.into(),
    });
    let shutdown = CancellationToken::new();
    let mut tasks = JoinSet::new();
    lines.serve(&cloud, &shutdown, &mut tasks);
    tasks.spawn(tick(cloud.clone(), shutdown.clone()));
    // the first listing would otherwise wait for the drawing
    tokio::task::spawn_blocking(draw_ahead);
    let guard = shutdown.clone().drop_guard();
    Ok(Running {
        ready,
        shutdown,
        tasks,
        _guard: guard,
        #[cfg(test)]
        cloud,
    })
}

/// Moves the world on, so that viewers and invalidations do not wait for a request.
async fn tick(cloud: Arc<Cloud>, shutdown: CancellationToken) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    while shutdown.run_until_cancelled(ticks.tick()).await.is_some() {
        cloud.with(World::advance);
    }
}

/// All listeners, bound.
struct Lines {
    api: TcpListener,
    origin: TcpListener,
    edges: Vec<TcpListener>,
    cities: Vec<super::pops::Pop>,
    addresses: Vec<SocketAddr>,
}

impl Lines {
    async fn open(options: &Options, settings: &Settings) -> Result<Self, StartError> {
        let beside = SocketAddr::new(options.listen.ip(), 0);
        let api = bind("API", options.listen).await?;
        let origin = bind("origin", beside).await?;
        let mut edges = Vec::new();
        for pop in &settings.edges {
            edges.push(bind(&format!("edge {}", pop.code), beside).await?);
        }
        let mut addresses = Vec::new();
        for listener in [&api, &origin].into_iter().chain(&edges) {
            let bound = listener.local_addr();
            addresses.push(bound.map_err(|source| StartError::Bind {
                what: "edges".to_owned(),
                address: beside,
                source,
            })?);
        }
        Ok(Self { api, origin, edges, cities: settings.edges.clone(), addresses })
    }

    fn ready(&self, options: &Options, mode: InvalidationKind) -> Ready {
        let url = |at: usize| format!("http://{}", self.addresses[at]);
        let (key, secret) = (&options.api_key, options.api_secret.expose_secret());
        let (api, cloud_name) = (url(0), options.cloud_name.clone());
        Ready {
            cloudinary_url: format!("cloudinary://{key}:{secret}@{cloud_name}?upload_prefix={api}"),
            api,
            cloud_name,
            api_key: key.clone(),
            api_secret: secret.to_owned(),
            mode,
            instance: Uuid::now_v7().to_string(),
            origin: url(1),
            edges: self
                .cities
                .iter()
                .enumerate()
                .map(|(at, pop)| ReadyEdge {
                    pop: pop.code.to_owned(),
                    city: pop.city.to_owned(),
                    url: url(at + 2),
                })
                .collect(),
        }
    }

    fn serve(self, cloud: &Arc<Cloud>, shutdown: &CancellationToken, tasks: &mut JoinSet<()>) {
        let mut spawn = |line: Line, service: Router| {
            tasks.spawn(line.serve(service, shutdown.clone()));
        };
        spawn(Line::open(self.api, cloud.clone()), api::service(cloud.clone()));
        spawn(Line::open(self.origin, cloud.clone()), delivery::origin(cloud.clone()));
        for (edge, listener) in self.edges.into_iter().enumerate() {
            let line = Line::of_edge(listener, cloud.clone(), edge);
            spawn(line, delivery::edge(cloud.clone(), edge));
        }
    }
}

async fn bind(what: &str, address: SocketAddr) -> Result<TcpListener, StartError> {
    let bound = TcpListener::bind(address).await;
    bound.map_err(|source| StartError::Bind { what: what.to_owned(), address, source })
}
