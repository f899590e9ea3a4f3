//! Playing one story: the real plan, the real execution and the real tracker, over a cloud in this process.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::books::{self, Held, Vouched};
use super::journal::MemoryJournal;
use super::story::{Deed, Event, Story};
use crate::adapters::http_prober::read_head;
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, MemberId};
use crate::domain::invalidation::{CloudScope, Invalidation, Member, Outcome};
use crate::domain::propagation::MissChance;
use crate::domain::purge::{Order, OrderTerms, Risk, Selection};
use crate::domain::sighting::AcceptVariant;
use crate::domain::snapshot::{Offer, WatchSnapshot};
use crate::domain::time::from_millis;
use crate::local_cloud::content::{Content, Format, Shape};
use crate::local_cloud::in_process::{InProcess, SimulatedClock};
use crate::local_cloud::world::World;
use crate::local_cloud::world::changes::{Attributes, Rename, Upload};
use crate::ops::context::{Context, Policy};
use crate::ops::tracker::{Doctrine, Tracker};
use crate::ops::{execute, plan};
use crate::ports::clock::Clock as _;

/// 2026-11-21T12:00:00Z: the world's time at the start of every story.
const BEGAN: i64 = 1_795_262_400;
/// A watch that has not ended so long after it should have given up never will.
const PATIENCE: Duration = Duration::from_secs(6 * 3600);
/// How long after an ending somebody looks once more: a first refusal that was cached then has expired.
const SHORTLY: Duration = Duration::from_secs(70);

/// How one watch of a story ended, and what the books said of it.
#[derive(Debug, Clone)]
pub struct Told {
    pub outcome: Outcome,
    /// Since the world began.
    pub at: Duration,
    pub ordered_at: Duration,
    /// Outdated copies that were there at that moment.
    pub held: Vec<Held>,
    /// What a viewer was still shown shortly after.
    pub shown: Vec<String>,
    /// When the last outdated copy had left; `None` where one was there.
    pub cleared_at: Option<Duration>,
    /// A copy outlived the latest purge, whatever its bytes.
    pub outlived: bool,
    pub miss_chance: MissChance,
    pub cells: usize,
    pub sentence: String,
    pub picture: String,
    vouched: Vouched,
}

impl Told {
    /// Whether it says that caches let go.
    pub fn is_clear(&self) -> bool {
        matches!(self.outcome, Outcome::AllClear | Outcome::ClearExcept | Outcome::SampledClear)
    }

    /// An all clear while an old copy was there that somebody could have known of.
    pub fn is_false(&self) -> bool {
        self.is_clear() && (self.held.iter().any(|held| !held.behind_us) || !self.shown.is_empty())
    }

    /// An old copy that came behind our back.
    pub fn is_overtaken(&self) -> bool {
        self.is_clear() && !self.is_false() && !self.held.is_empty()
    }
}

/// What became of a story.
#[derive(Debug, Clone, Default)]
pub struct Played {
    pub told: Vec<Told>,
    /// When something last hindered or changed what is watched.
    pub stirred_at: Duration,
    pub probes: u64,
    /// What truly happened, for a replay.
    pub books: Vec<String>,
}

/// What is noted of a story while it is played.
#[derive(Default)]
struct Notes {
    told: Vec<(InvalidationId, Told)>,
    /// When somebody else changed storage.
    changed: Vec<Duration>,
    stirred_at: Duration,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn content(mark: u64) -> Content {
    let style = u8::try_from(mark % 7).unwrap_or(0);
    Content::picture(Shape { format: Format::Png, width: 2, height: 2, style }, mark)
}

fn key(id: &str) -> AssetKey {
    AssetKey::image(id.parse().expect("a valid public ID"))
}

/// Everything that the parts of a story share.
struct Stage {
    story: Story,
    cloud: Arc<InProcess>,
    context: Arc<Context>,
    tracker: Tracker,
    notes: Arc<Mutex<Notes>>,
    /// Pictures to replace others with.
    files: Vec<PathBuf>,
}

/// Plays `story` as the tracker would with `doctrine`; `files` are pictures to upload. `aloud` keeps the books.
pub async fn play(story: Story, doctrine: Doctrine, files: Vec<PathBuf>, aloud: bool) -> Played {
    let clock = SimulatedClock::starting_at(from_millis(BEGAN * 1000));
    clock.set_ahead(story.ahead);
    let cloud =
        InProcess::start(story.settings.clone(), story.travel, clock.clone(), BEGAN, read_head);
    let notes = Arc::new(Mutex::new(Notes::default()));
    prepare(&story, &cloud).await;
    let journal = journal(&story, &cloud, &notes);
    let context = Arc::new(context(&story, &cloud, journal));
    let chance = fastrand::Rng::with_seed(story.seed);
    let tracker = Tracker::start_with(Arc::clone(&context), chance, doctrine);
    let stage = Arc::new(Stage { story, cloud, context, tracker, notes, files });
    let ordered_at = stage.cloud.clock().passed();
    let events = tokio::spawn(Arc::clone(&stage).happen());
    let operator = tokio::spawn(Arc::clone(&stage).operate());
    let first = stage.order(stage.story.deed).await;
    let second = events.await.unwrap_or_default();
    for id in first.into_iter().chain(second) {
        let ended = tokio::time::timeout(PATIENCE, stage.tracker.outcome(id)).await;
        assert!(ended.is_ok(), "a watch of {:?} never ended", stage.story.seed);
    }
    operator.abort();
    stage.tracker.shutdown().await;
    stage.close(ordered_at, aloud).await
}

fn context(story: &Story, cloud: &Arc<InProcess>, journal: MemoryJournal) -> Context {
    let mut account = cloud.account();
    account.invalidation = story.known_mode;
    Context {
        account,
        scope: CloudScope {
            cloud_name: story.settings.cloud_name.clone(),
            api: "https://api.in-process.test".to_owned(),
            instance: None,
        },
        cloud: Arc::clone(cloud) as _,
        prober: Arc::clone(cloud) as _,
        places: Arc::clone(cloud) as _,
        clock: Arc::new(cloud.clock().clone()),
        journal: Arc::new(journal),
        member: Member {
            id: MemberId::new(),
            user: "ops".to_owned(),
            host: "desk".to_owned(),
            pid: 1,
            started_at: cloud.clock().wall(),
            ssh_client: None,
        },
        policy: Policy {
            confidence: story.level,
            give_up_after: story.give_up_after,
            ..Policy::new("simulation", Risk::Test, story.loopback)
        },
    }
}

/// A journal that has the books looked into at the moment of every ending.
fn journal(story: &Story, cloud: &Arc<InProcess>, notes: &Arc<Mutex<Notes>>) -> MemoryJournal {
    let (story, cloud, notes) = (story.clone(), Arc::clone(cloud), Arc::clone(notes));
    MemoryJournal::telling(Box::new(move |invalidation: &Invalidation, last: &WatchSnapshot| {
        let Some(ending) = &last.ended else { return };
        let vouched = Vouched::of(invalidation, last, &story);
        let mut notes = lock(&notes);
        let told = Told {
            outcome: ending.outcome,
            at: cloud.clock().passed(),
            ordered_at: Duration::ZERO,
            held: books::held(&cloud, &vouched, &notes.changed, story.level),
            shown: Vec::new(),
            cleared_at: books::cleared_at(&cloud, &vouched),
            outlived: books::outlived(&cloud, &vouched),
            miss_chance: last.miss_chance,
            cells: last.clear_of_total().1,
            sentence: ending.sentence.clone(),
            picture: picture(last),
            vouched,
        };
        notes.told.push((last.id, told));
    }))
}

fn picture(last: &WatchSnapshot) -> String {
    let timeline = last.timeline.iter().map(|entry| format!("  {} {}", entry.at, entry.text));
    let cells = last.cells.iter().enumerate().filter(|(_, cell)| cell.counted).map(|(at, cell)| {
        let (place, url) = (at / last.urls.len(), at % last.urls.len());
        format!(
            "  {} {} {:?}: {:?} {} run {} of {}, seen {} times, last {:?}",
            last.places[place].id,
            last.urls[url].url,
            cell.variant,
            cell.verdict,
            cell.why,
            cell.run,
            cell.k,
            cell.sightings,
            cell.seen_at
        )
    });
    timeline.chain(cells).collect::<Vec<_>>().join("\n")
}

/// Storage and caches before the order.
async fn prepare(story: &Story, cloud: &InProcess) {
    let mark = story.seed << 8;
    let upload = |world: &mut World, now, id: &str, mark| {
        let upload = Upload {
            key: key(id),
            content: content(mark),
            original_filename: None,
            attributes: Attributes::default(),
            overwrite: true,
            invalidate: false,
            backup: false,
        };
        world.upload(upload, now).asset
    };
    if story.negative {
        cloud.with(|world, now| {
            for path in paths(world, story, story.to, None) {
                ask_everywhere(world, &path, now);
            }
            for path in paths(world, story, story.ids[0], None).iter().skip(1) {
                ask_everywhere(world, path, now);
            }
        });
        tokio::time::advance(Duration::from_secs(1)).await;
    }
    cloud.with(|world, now| {
        let warm = |world: &mut World, id: &'static str, mark| {
            let asset = upload(world, now, id, mark);
            for path in paths(world, story, id, Some(asset.version)) {
                ask_everywhere(world, &path, now);
            }
        };
        for (at, id) in story.ids.iter().enumerate() {
            warm(world, id, mark + at as u64);
        }
        if story.deed == (Deed::Rename { overwrite: true }) {
            warm(world, story.to, mark + 9);
        }
    });
    let before = story.replaced_before.unwrap_or_default();
    tokio::time::advance(story.warm_for.saturating_sub(before)).await;
    if story.replaced_before.is_some() {
        cloud.with(|world, now| upload(world, now, story.ids[0], mark + 5));
        tokio::time::advance(before).await;
    }
}

/// Paths under which an asset is delivered: without a version, with `v1` where SDKs write that, with its own.
fn paths(world: &World, story: &Story, id: &str, version: Option<u64>) -> Vec<String> {
    let plain = world.url_of(&key(id), Some("png"));
    let chains = story.chains.iter().map(|chain| plain.clone().with_transformation(chain));
    let all = std::iter::once(plain.clone()).chain(chains);
    all.flat_map(|url| {
        let versioned = version.map(|version| url.clone().with_version(version));
        let forced = url.clone().with_forced_version();
        versioned.into_iter().chain([url, forced]).map(|url| url.path()).collect::<Vec<_>>()
    })
    .collect()
}

/// Viewers of all kinds come by at every node of every edge.
fn ask_everywhere(world: &mut World, path: &str, now: Duration) {
    let automatic = path.contains("f_auto");
    let classes = AcceptVariant::ALL.into_iter().take(if automatic { 3 } else { 1 });
    let nodes = world.settings().network.nodes;
    let tries = if nodes > 1 { 40 } else { 1 };
    for accept in classes {
        for edge in 0..world.settings().edges.len() {
            for connection in 0..tries {
                world.request_on(edge, Some(1 << 40 | connection), path, accept, now);
            }
        }
    }
}

impl Stage {
    fn file(&self, which: u64) -> PathBuf {
        let count = self.files.len() as u64;
        let at = usize::try_from((self.story.seed + which) % count).unwrap_or(0);
        self.files[at].clone()
    }

    fn order_of(&self, deed: Deed, which: u64) -> Order {
        let keys = || Selection::Keys(self.story.ids.iter().map(|id| key(id)).collect());
        match deed {
            Deed::Delete => Order::Delete { what: keys() },
            Deed::Purge => Order::Purge { what: keys() },
            Deed::Replace => Order::Replace { key: key(self.story.ids[0]), file: self.file(which) },
            Deed::Rename { overwrite } => {
                Order::Rename { from: key(self.story.ids[0]), to: key(self.story.to), overwrite }
            }
        }
    }

    /// Plans and executes; `None` where nothing could be ordered, e.g. because the asset is gone.
    async fn order(&self, deed: Deed) -> Option<InvalidationId> {
        let order = self.order_of(deed, 0);
        let terms = OrderTerms { confidence: Some(self.story.level), ..OrderTerms::default() };
        let mut planned = plan::plan(&self.context, &order, &terms).await;
        for _ in 0..20 {
            if planned.is_ok() {
                break;
            }
            tokio::time::sleep(Duration::from_secs(5)).await; // an operator tries again
            planned = plan::plan(&self.context, &order, &terms).await;
        }
        let planned = planned.ok()?;
        let (events, mut heard) = mpsc::channel(64);
        heard.close();
        let cancel = CancellationToken::new();
        let executed = execute::execute(
            &self.context,
            &self.tracker,
            &planned,
            &terms,
            None,
            &events,
            &cancel,
        );
        let id = executed.await.ok()?.invalidation;
        self.stir();
        id
    }

    fn stir(&self) {
        let now = self.cloud.clock().passed();
        lock(&self.notes).stirred_at = now;
    }

    /// Whatever happens besides; returns what we ordered.
    async fn happen(self: Arc<Self>) -> Vec<InvalidationId> {
        let (mut ours, mut last) = (Vec::new(), Duration::ZERO);
        for (at, event) in self.story.events.clone() {
            tokio::time::sleep(at.saturating_sub(std::mem::replace(&mut last, at))).await;
            match event {
                Event::Suspend(nap) => self.cloud.clock().suspend(nap),
                Event::Wall(ahead) => self.cloud.clock().set_ahead(ahead),
                Event::Colleague(deed, invalidate) => self.interfere(deed, invalidate),
                Event::Ours(deed) => ours.extend(self.order(deed).await),
            }
            self.stir();
        }
        ours
    }

    /// Somebody else changes the asset, wherever it is now.
    fn interfere(&self, deed: Deed, invalidate: bool) {
        let from = key(self.story.ids[0]);
        let now = self.cloud.with(|world, now| {
            match deed {
                Deed::Delete => {
                    world.destroy(&from, invalidate, now);
                }
                Deed::Purge => {
                    world.explicit(&from, Attributes::default(), invalidate, now).ok();
                }
                Deed::Rename { overwrite } => {
                    let to = key(self.story.to);
                    world.rename(&Rename { from, to, overwrite, invalidate }, now).ok();
                }
                Deed::Replace => {
                    let upload = Upload {
                        key: from,
                        content: content((self.story.seed << 8) | 0x80 | (now.as_secs() % 100)),
                        original_filename: None,
                        attributes: Attributes::default(),
                        overwrite: true,
                        invalidate,
                        backup: false,
                    };
                    world.upload(upload, now);
                }
            }
            now
        });
        lock(&self.notes).changed.push(now);
    }

    /// The operator, who follows every offer.
    async fn operate(self: Arc<Self>) {
        if !self.story.purges_again {
            return;
        }
        let offered = |watch: &Arc<WatchSnapshot>| {
            matches!(watch.offer, Some(Offer::PurgeAgain { .. })).then_some(watch.id)
        };
        loop {
            tokio::time::sleep(Duration::from_secs(3)).await; // looks now and then
            let id = self.tracker.board().borrow().watches.iter().find_map(offered);
            if let Some(id) = id {
                tokio::time::sleep(Duration::from_secs(6)).await;
                self.tracker.purge_again(id).await.ok();
                self.stir();
            }
        }
    }

    /// Looks once more shortly after, and sums up.
    async fn close(&self, ordered_at: Duration, aloud: bool) -> Played {
        let ended = lock(&self.notes).told.iter().map(|(_, told)| told.at).max();
        let ended = ended.unwrap_or_default();
        tokio::time::sleep(SHORTLY).await;
        let mut notes = std::mem::take(&mut *lock(&self.notes));
        for (_, told) in &mut notes.told {
            told.ordered_at = ordered_at;
            let moved = notes.changed.iter().any(|at| *at >= told.at) || told.at < ended;
            if told.is_clear() && told.held.is_empty() && !moved {
                told.shown = books::shown_to_viewers(&self.cloud, &told.vouched, told.at);
            }
        }
        let books = if aloud { self.books() } else { Vec::new() };
        Played {
            told: notes.told.into_iter().map(|(_, told)| told).collect(),
            stirred_at: notes.stirred_at,
            probes: self.cloud.diary(|diary| diary.probes()),
            books,
        }
    }

    fn books(&self) -> Vec<String> {
        self.cloud.with(|world, _| {
            let entries = world.story().entries();
            entries
                .map(|entry| {
                    format!("{:>9.3} {:?} {:?}", entry.at.as_secs_f64(), entry.place, entry.what)
                })
                .collect()
        })
    }
}
