//! How soon "clear" follows the last cache that lets go, and what that costs in requests: our schedule beside a naive
//! poller and a round-robin poller, all under the same rule, in simulated time. `benches/lag` prints the table.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;

use super::*;
use crate::domain::account::Account;
use crate::domain::coverage::Coverage;
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::id::OperationId;
use crate::domain::invalidation::{
    Invalidation, Item, Operation, PurgeAgain, Verb, WatchTerms, WatchedUrl,
};
use crate::domain::judge::{AgeTrust, Facts, judge};
use crate::domain::place::{Place, Vantage};
use crate::domain::propagation::{CellRef, Look, Propagation};
use crate::domain::purge::Risk;
use crate::domain::sighting::{AcceptVariant, Answer, CacheStatus, Etag, ProbeFailure, Sighting};
use crate::domain::time::Moment;
use crate::domain::usual::Usual;
use crate::domain::verdict::Content;
use crate::ops::Policy;
use crate::ops::plan::content_of;
use crate::ops::testing::StillJournal;
use crate::ops::tracker::schedule::{Gate, Limits};
use crate::ports::clock::Clock;
use crate::ports::journal::{Intent, Journal};
use crate::ports::prober::{Probe, Prober};

/// Caches in the world: when each lets go of each copy, by the books.
pub(super) struct Edges {
    clock: PausedClock,
    called: Moment,
    /// By place and URL, after the call.
    lets_go: Vec<Vec<Duration>>,
    old: Vec<Content>,
    new: Vec<Content>,
    asked: AtomicU64,
    /// Of those: reads past the caches, which prove what storage holds.
    proofs: AtomicU64,
    /// Of a thousand answers, how many are lost.
    pub(super) lost: AtomicU64,
    /// Shortest and longest way to a cache and back, in milliseconds.
    way: (u64, u64),
    /// Place, leaving and return of every probe.
    pub(super) log: std::sync::Mutex<Vec<(usize, Moment, Moment)>>,
}

/// No probe before this, whoever polls.
const HOLD_BACK: Duration = Duration::from_secs(5);
const FIRST_PORT: u16 = 20_000;
const PROVIDERS: [&str; 3] = ["fastly", "akamai", "cloudfront"];

/// When each place lets go: half of them within 20 s, one of twenty after more than a minute; URLs of one place one
/// after another.
pub(super) fn propagation_of(
    urls: usize,
    places: usize,
    chance: &mut fastrand::Rng,
) -> Vec<Vec<Duration>> {
    let mut place = || {
        let normal = (0..12).map(|_| chance.f64()).sum::<f64>() - 6.0;
        let at = (20.0 * (0.8 * normal).exp()).clamp(1.0, 240.0);
        (0..urls).map(|_| Duration::from_secs_f64(at + 2.0 * chance.f64())).collect()
    };
    (0..places).map(|_| place()).collect()
}

pub(super) fn last(lets_go: &[Vec<Duration>]) -> Duration {
    lets_go.iter().flatten().max().copied().unwrap_or_default()
}

impl Edges {
    fn answer(&self, place: usize, url: usize, at: Moment) -> Answer {
        let is_old = at.since(self.called) < self.lets_go[place][url];
        let content = if is_old { &self.old[url] } else { &self.new[url] };
        Answer {
            status: 206,
            etag: content.etag.clone().map(|tag| Etag { weak: false, tag }),
            total_length: content.bytes,
            cache: CacheStatus::Hit,
            ..Answer::default()
        }
    }

    /// One look, as a poller of its own makes it.
    fn look(&self, place: usize, url: usize, at: Moment, way: Duration) -> Look {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let sighting = Sighting {
            variant: AcceptVariant::None,
            shape: crate::domain::sighting::ProbeShape::OneByte,
            sent: at,
            received: at + way,
            at: Timestamp::UNIX_EPOCH,
            result: Ok(self.answer(place, url, at)),
        };
        let facts = Facts {
            expectation: Expectation::New,
            public_id: "lag",
            derived: false,
            old: Some(&self.old[url]),
            new: Some(&self.new[url]),
            stored: None,
            earlier: &[],
            since_sent: Some(at.since(self.called)),
            since_changed: Some(at.since(self.called)),
            age: AgeTrust::Unproven,
            known_age: None,
            doubt: Duration::ZERO,
            reference: None,
            body: None,
            only_watching: false,
        };
        let verdict = judge(&sighting, &facts).verdict;
        Look {
            verdict,
            answered: true,
            says_nothing: false,
            same_copy: false,
            sent: at,
            received: at + way,
        }
    }
}

/// Shortest and longest way to a cache and back, in milliseconds.
const WAY: (u64, u64) = (20, 180);

fn way(chance: &mut fastrand::Rng) -> Duration {
    Duration::from_millis(chance.u64(WAY.0..WAY.1))
}

#[async_trait]
impl Prober for Edges {
    async fn probe(&self, probe: &Probe) -> Sighting {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let sent = self.clock.moment();
        let place = usize::from(probe.address.unwrap().port() - FIRST_PORT);
        let name = probe.path.rsplit('/').next().unwrap().trim_end_matches(".jpg");
        let url: usize = name.parse().unwrap();
        let past_the_caches = probe.path.contains("/v");
        self.proofs.fetch_add(u64::from(past_the_caches), Ordering::Relaxed);
        let at = if past_the_caches { sent + Duration::from_secs(9_999) } else { sent };
        let mut answer = self.answer(place, url, at);
        if past_the_caches {
            answer.cache = CacheStatus::Miss; // a hit would be no proof
        }
        let is_lost = fastrand::u64(..1_000) < self.lost.load(Ordering::Relaxed);
        let way = Duration::from_millis(fastrand::u64(self.way.0..self.way.1));
        tokio::time::sleep(if is_lost { probe.timeout } else { way }).await;
        self.log.lock().unwrap().push((place, sent, self.clock.moment()));
        Sighting {
            variant: probe.variant,
            shape: probe.shape,
            sent,
            received: self.clock.moment(),
            at: self.clock.wall(),
            result: if is_lost { Err(ProbeFailure::TimedOut) } else { Ok(answer) },
        }
    }
}

fn places_of(count: usize) -> Vec<Place> {
    let place = |index: usize| {
        let port = FIRST_PORT + u16::try_from(index).unwrap();
        Place {
            id: PlaceId(format!("P{index:02}")),
            pop: None,
            city: None,
            provider: PROVIDERS[index % PROVIDERS.len()].to_owned(),
            vantage: Vantage::Here,
            address: Some(([192, 0, 2, 1], port).into()),
            tls: true,
            host: "res.cloudinary.com".to_owned(),
        }
    };
    (0..count).map(place).collect()
}

/// What a run showed.
#[derive(Debug, Clone, Copy)]
struct Run {
    lag: Duration,
    asked: u64,
    proofs: u64,
}

/// A grid that begins when storage is known, as all three do.
fn grid(urls: usize, places: usize, now: Moment) -> Propagation {
    let mut grid = Propagation::new(Confidence::Normal.rule());
    for _ in 0..places {
        grid.add_place(false, false, now);
    }
    for url in 0..urls {
        grid.add_url(url, false, now);
        grid.open_url(url, false, now);
    }
    grid
}

fn cell(place: usize, url: usize) -> CellRef {
    CellRef { place, url, variant: AcceptVariant::None }
}

fn edges(lets_go: Vec<Vec<Duration>>, called: Moment, clock: PausedClock) -> Edges {
    let urls = lets_go[0].len();
    let contents = |what: &str| {
        let content = |url| Content {
            etag: Some(format!("{what} {url}")),
            bytes: Some(512),
            ..Content::default()
        };
        (0..urls).map(content).collect()
    };
    Edges {
        clock,
        called,
        lets_go,
        old: contents("old"),
        new: contents("new"),
        asked: AtomicU64::new(0),
        proofs: AtomicU64::new(0),
        lost: AtomicU64::new(0),
        way: WAY,
        log: std::sync::Mutex::default(),
    }
}

/// Every cell each second, no limits.
fn naive(lets_go: &[Vec<Duration>], clock: &PausedClock, seed: u64) -> Run {
    let mut chance = fastrand::Rng::with_seed(seed);
    let (urls, places) = (lets_go[0].len(), lets_go.len());
    let called = Moment::default();
    let edges = edges(lets_go.to_vec(), called, clock.clone());
    let mut grid = grid(urls, places, called);
    let all = (0..places).flat_map(|place| (0..urls).map(move |url| (place, url)));
    let mut cells: Vec<_> = all.map(|at| (Duration::from_secs_f64(chance.f64()), at)).collect();
    cells.sort_unstable();
    for second in HOLD_BACK.as_secs().. {
        for (phase, (place, url)) in &cells {
            let at = called + Duration::from_secs(second) + *phase;
            let look = edges.look(*place, *url, at, way(&mut chance));
            grid.observe(cell(*place, *url), look);
            if grid.quiet(look.received).is_some_and(|quiet| quiet.done) {
                let lag = look.received.since(called + last(lets_go));
                return Run { lag, asked: edges.asked.load(Ordering::Relaxed), proofs: 0 };
            }
        }
    }
    unreachable!("every copy goes")
}

/// Every place its cells one after another, as fast as our limits let it.
fn round_robin(lets_go: &[Vec<Duration>], clock: &PausedClock, seed: u64) -> Run {
    const TICK: Duration = Duration::from_millis(10);
    let mut chance = fastrand::Rng::with_seed(seed);
    let (urls, places) = (lets_go[0].len(), places_of(lets_go.len()));
    let called = Moment::default();
    let edges = edges(lets_go.to_vec(), called, clock.clone());
    let mut grid = grid(urls, places.len(), called);
    let mut gate = Gate::new(Limits::new(false));
    let mut next = vec![0; places.len()];
    let mut flying: Vec<Option<(usize, Look)>> = vec![None; places.len()];
    let mut now = called + HOLD_BACK;
    for tick in 0.. {
        for turn in 0..places.len() {
            // whoever comes first must not always be the same
            let index = (turn + tick) % places.len();
            let place = &places[index];
            if let Some((url, look)) = flying[index]
                && look.received <= now
            {
                gate.leave(&place.limit_key(), &place.provider);
                grid.observe(cell(index, url), look);
                flying[index] = None;
                if grid.quiet(now).is_some_and(|quiet| quiet.done) {
                    let lag = now.since(called + last(lets_go));
                    return Run { lag, asked: edges.asked.load(Ordering::Relaxed), proofs: 0 };
                }
            }
            if gate.opens_at(&place.limit_key(), &place.provider).is_some_and(|at| at <= now) {
                gate.enter(&place.limit_key(), &place.provider, now);
                let url = next[index];
                next[index] = (url + 1) % urls;
                flying[index] = Some((url, edges.look(index, url, now, way(&mut chance))));
            }
        }
        now = now + TICK;
    }
    unreachable!("every copy goes")
}

/// The real tracker, and a replacement that it watches.
pub(super) struct Ours {
    pub edges: Arc<Edges>,
    pub tracker: Tracker,
    pub id: InvalidationId,
}

pub(super) async fn watching(
    lets_go: &[Vec<Duration>],
    usual: Usual,
    seed: u64,
    way: (u64, u64),
    providers: usize,
) -> Ours {
    fastrand::seed(seed);
    let (urls, places) = (lets_go[0].len(), lets_go.len());
    let names: Vec<_> = (0..urls).map(|url| image(&format!("lag/{url}"))).collect();
    let cloud = FakeCloud::new();
    let before: Vec<_> = names.iter().map(|key| content_of(&cloud.put(key))).collect();
    let after: Vec<_> = names.iter().map(|key| content_of(&cloud.put(key))).collect();
    let context = testing::context(Arc::clone(&cloud)).await;
    let clock = PausedClock::start();
    let mut edges = edges(lets_go.to_vec(), clock.moment(), clock.clone());
    (edges.old, edges.new, edges.way) = (before.clone(), after, way);
    let edges = Arc::new(edges);
    let journal = StillJournal::forgetful(usual).await;
    journal.join(&context.member, clock.wall()).await.unwrap();
    let mut caches = places_of(places);
    for (index, place) in caches.iter_mut().enumerate() {
        PROVIDERS[index % providers].clone_into(&mut place.provider);
    }
    let context = Arc::new(Context {
        prober: Arc::clone(&edges) as Arc<dyn Prober>,
        places: Arc::new(FakePlaces(caches)),
        clock: Arc::new(clock),
        journal: Arc::new(journal),
        policy: Policy::new("lag", Risk::Test, false),
        ..context
    });
    let intent = accepted(&context, &names, &before);
    let id = intent.invalidation.as_ref().unwrap().id;
    context.journal.record(&intent).await.unwrap();
    let chance = fastrand::Rng::with_seed(seed);
    let tracker = Tracker::start_with(Arc::clone(&context), chance, Doctrine::default());
    tracker.take_up(id).await.unwrap();
    Ours { edges, tracker, id }
}

async fn ours(lets_go: &[Vec<Duration>], usual: Usual, seed: u64) -> Run {
    let Ours { edges, tracker, id } = watching(lets_go, usual, seed, WAY, PROVIDERS.len()).await;
    let ended = tracker.outcome(id).await.unwrap();
    assert_eq!(outcome_of(&ended), Outcome::AllClear, "{}", ended.sentence);
    tracker.shutdown().await;
    Run {
        lag: ended.elapsed().saturating_sub(last(lets_go)),
        asked: edges.asked.load(Ordering::Relaxed),
        proofs: edges.proofs.load(Ordering::Relaxed),
    }
}

/// A replacement of every asset that was accepted just now.
fn accepted(context: &Context, names: &[AssetKey], before: &[Content]) -> Intent {
    let now = context.clock.wall();
    let operation = Operation {
        id: OperationId::new(),
        verb: Verb::Replace,
        scope: context.scope.clone(),
        member: context.member.id,
        at: now,
        command_line: "allclear replace".to_owned(),
        note: None,
        invalidate: true,
    };
    let accepted = |key: &AssetKey| Item {
        state: ItemState::Accepted,
        sent_at: Some(now),
        ..testing::item(&operation, key)
    };
    let items: Vec<_> = names.iter().map(accepted).collect();
    let name = |(item, old): (&Item, &Content)| WatchedName {
        item: item.id,
        key: item.key.clone(),
        must_live: false,
        old: Some(Stored::Holds(old.clone())),
        new: None,
        changed_at: None,
        superseded: false,
    };
    let account = Account::named("demo");
    let url = |item: &Item| WatchedUrl {
        url: DeliveryUrl::original(&account, &item.key, Some("jpg")),
        coverage: Coverage::Covered,
        item: item.id,
        key: item.key.clone(),
        derived: false,
        old: None,
    };
    let invalidation = Invalidation {
        id: InvalidationId::new(),
        operation: operation.clone(),
        terms: WatchTerms {
            confidence: Confidence::Normal,
            hold_back: HOLD_BACK,
            give_up_after: Duration::from_secs(7_200),
            stuck_after: Duration::from_secs(600),
            loopback: false,
            sampled_of: None,
            sampled_urls: None,
            budget: None,
            purge_again: PurgeAgain::Offer,
            api_path: None,
            excluded: Vec::new(),
        },
        names: items.iter().zip(before).map(name).collect(),
        urls: items.iter().map(url).collect(),
        items: items.clone(),
        not_covered: Vec::new(),
        ended: None,
    };
    Intent { operation, items, invalidation: Some(invalidation), job: None }
}

/// Twenty earlier watches in the same world.
fn history(places: usize) -> Usual {
    let mut chance = fastrand::Rng::with_seed(4711);
    let watch = |chance: &mut fastrand::Rng| {
        let of_place = |urls: &Vec<Duration>| urls.iter().max().copied();
        propagation_of(1, places, chance).iter().filter_map(of_place).collect()
    };
    let watches: Vec<Vec<Duration>> = (0..20).map(|_| watch(&mut chance)).collect();
    Usual::of(&watches)
}

fn seconds(run: &Run) -> f64 {
    run.lag.as_secs_f64()
}

/// Median and 95th of a hundred.
fn spread(mut values: Vec<f64>) -> (f64, f64) {
    values.sort_unstable_by(f64::total_cmp);
    let at = |share: usize| values[(values.len() * share / 100).min(values.len() - 1)];
    (at(50), at(95))
}

struct Row {
    lag: (f64, f64),
    asked: f64,
    proofs: f64,
}

fn row(runs: &[Run]) -> Row {
    let median = |count: fn(&Run) -> u64| {
        spread(runs.iter().map(|run| f64::from(u32::try_from(count(run)).unwrap())).collect()).0
    };
    Row {
        lag: spread(runs.iter().map(seconds).collect()),
        asked: median(|run| run.asked),
        proofs: median(|run| run.proofs),
    }
}

/// Naive, round-robin, ours without and with history.
async fn compare(urls: usize, places: usize, seeds: u64) -> [Row; 4] {
    let clock = PausedClock::start();
    let mut runs: [Vec<Run>; 4] = [const { Vec::new() }; 4];
    for seed in 0..seeds {
        let lets_go = propagation_of(urls, places, &mut fastrand::Rng::with_seed(1_000 + seed));
        runs[0].push(naive(&lets_go, &clock, seed));
        runs[1].push(round_robin(&lets_go, &clock, seed));
        runs[2].push(ours(&lets_go, Usual::default(), seed).await);
        runs[3].push(ours(&lets_go, history(places), seed).await);
    }
    runs.map(|runs| row(&runs))
}

#[tokio::test(start_paused = true)]
async fn a_tenth_of_the_requests_at_hardly_any_more_lag() {
    let [naive, round_robin, ours, learned] = compare(50, 12, 1).await;
    for row in [&ours, &learned] {
        assert!(row.asked <= naive.asked / 10.0, "{} of {}", row.asked, naive.asked);
        assert!(row.lag.0 <= 1.5 * round_robin.lag.0, "{:?} {:?}", row.lag, round_robin.lag);
    }
}

/// The whole curve; `benches/lag` runs it.
#[tokio::test(start_paused = true)]
#[ignore = "a benchmark: minutes of work; run benches/lag"]
async fn the_whole_curve() {
    const NAMES: [&str; 4] = ["naive", "round robin", "allclear", "allclear, learned"];
    let told = std::env::var("ALLCLEAR_LAG_SEEDS").ok().and_then(|seeds| seeds.parse().ok());
    println!(
        "| URLs x places | poller | lag, median s | lag, p95 s | of round robin | requests | of them proofs | of naive |"
    );
    println!("|---|---|---:|---:|---:|---:|---:|---:|");
    for urls in [1, 10, 50] {
        for places in [1, 12, 60] {
            let seeds = told.unwrap_or(if urls * places <= 120 { 21 } else { 5 });
            let rows = compare(urls, places, seeds).await;
            for (name, row) in NAMES.iter().zip(&rows) {
                println!(
                    "| {urls} x {places} | {name} | {:.1} | {:.1} | {:.2} | {:.0} | {:.0} | 1/{:.1} |",
                    row.lag.0,
                    row.lag.1,
                    row.lag.0 / rows[1].lag.0,
                    row.asked,
                    row.proofs,
                    rows[0].asked / row.asked
                );
            }
        }
    }
}
