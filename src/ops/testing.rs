//! Fakes for unit tests of the use cases: storage in memory, time that is tokio's, a journal in memory.
//!
//! With `#[tokio::test(start_paused = true)]` time passes only while nothing else is to be done. The journal runs on
//! a thread of its own, which tokio cannot see, so [`StillJournal`] holds the clock during its calls.

use std::collections::{BTreeMap, VecDeque};
use std::future::Future;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use md5::{Digest, Md5};

use super::context::{Context, Policy};
use crate::adapters::journal::{Processes, SqlJournal};
use crate::domain::account::Account;
use crate::domain::asset::{
    Asset, AssetDetail, AssetKey, BackupVersion, DeliveryType, DerivedAsset, ResourceType,
};
use crate::domain::id::{InvalidationId, ItemId, MemberId, OperationId};
use crate::domain::invalidation::{
    CloudScope, Ending, Invalidation, Item, ItemState, Member, Operation, WatchTerms, WatchedName,
    WatchedUrl,
};
use crate::domain::place::{Place, PlaceId};
use crate::domain::purge::Risk;
use crate::domain::sighting::{ProbeFailure, Sighting};
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::time::{Moment, Timestamp, from_millis};
use crate::domain::verdict::Content;
use crate::ports::clock::Clock;
use crate::ports::cloud::{
    BulkDeleted, Cloud, CloudError, Destroyed, ListQuery, Page, Quota, RenameCall, ReplaceCall,
    Restored,
};
use crate::ports::journal::{
    ActivityRow, Intent, InvalidationRow, Journal, JournalError, Lease, SightingRow,
};
use crate::ports::places::{Places, PlacesError};
use crate::ports::prober::{Probe, Prober};

/// 2026-11-21T12:00:00Z: wall time at the start of every test.
pub const BASE_MILLIS: i64 = 1_795_262_400_000;

/// UNIX seconds of the first upload in a [`FakeCloud`]; each change of a file is one second later.
pub const BASE_VERSION: u64 = 1_795_000_000;

/// The public ID `raw` as an uploaded image.
///
/// # Panics
/// When `raw` is no public ID.
pub fn image(raw: &str) -> AssetKey {
    AssetKey::image(raw.parse().expect("a valid public ID"))
}

/// A context over a [`FakeCloud`], [`PausedClock`], [`FakePlaces`] with two edges, a journal in memory and a prober
/// that reaches nothing. Its fields are public: `Context { prober, ..context }` replaces one.
///
/// # Panics
/// When the journal cannot be made.
pub async fn context(cloud: Arc<FakeCloud>) -> Context {
    let clock = PausedClock::start();
    let journal = StillJournal::in_memory().await;
    let member = member("ops", 4242);
    journal.join(&member, clock.wall()).await.expect("a journal in memory takes everything");
    Context {
        account: Account::named(cloud.cloud_name()),
        scope: scope(&cloud),
        cloud,
        journal: Arc::new(journal),
        prober: Arc::new(DeadProber(clock.clone())),
        places: Arc::new(FakePlaces::local(&["FRA", "SIN"])),
        clock: Arc::new(clock),
        member,
        policy: Policy::new("test", Risk::Local, true),
    }
}

pub fn member(user: &str, pid: u32) -> Member {
    Member {
        id: MemberId::new(),
        user: user.to_owned(),
        host: "desk".to_owned(),
        pid,
        started_at: from_millis(BASE_MILLIS),
    }
}

pub fn scope(cloud: &FakeCloud) -> CloudScope {
    CloudScope {
        cloud_name: cloud.cloud_name().to_owned(),
        api: cloud.api().to_owned(),
        instance: Some("instance-1".to_owned()),
    }
}

/// Both clocks follow tokio's, which tests may pause: the wall starts at [`BASE_MILLIS`].
#[derive(Debug, Clone)]
pub struct PausedClock {
    origin: tokio::time::Instant,
}

impl PausedClock {
    pub fn start() -> Self {
        Self { origin: tokio::time::Instant::now() }
    }
}

impl Clock for PausedClock {
    fn wall(&self) -> Timestamp {
        from_millis(BASE_MILLIS) + self.moment().since_origin()
    }

    fn moment(&self) -> Moment {
        Moment::from_origin(self.origin.elapsed())
    }
}

/// The same places for every host.
#[derive(Debug, Clone, Default)]
pub struct FakePlaces(pub Vec<Place>);

impl FakePlaces {
    /// One edge on loopback for each PoP, from port 9001 on; nothing listens there.
    pub fn local(pops: &[&str]) -> Self {
        let place = |(port, pop): (u16, &&str)| Place {
            id: PlaceId((*pop).to_owned()),
            pop: Some((*pop).to_owned()),
            city: None,
            provider: "local".to_owned(),
            vantage: "here".to_owned(),
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
            tls: false,
            host: format!("127.0.0.1:{port}"),
        };
        Self((9001..).zip(pops).map(place).collect())
    }
}

#[async_trait]
impl Places for FakePlaces {
    async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError> {
        if self.0.is_empty() {
            let detail = "no such host".to_owned();
            return Err(PlacesError::Unresolved { host: host.to_owned(), detail });
        }
        Ok(self.0.clone())
    }
}

/// A prober whose every probe is refused.
pub struct DeadProber(pub PausedClock);

#[async_trait]
impl Prober for DeadProber {
    async fn probe(&self, probe: &Probe) -> Sighting {
        Sighting {
            variant: probe.variant,
            shape: probe.shape,
            sent: self.0.moment(),
            received: self.0.moment(),
            at: self.0.wall(),
            result: Err(ProbeFailure::Refused),
        }
    }
}

/// What happens to a call instead of the usual.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Script {
    /// Nothing is carried out, and this is the answer.
    Refuse(CloudError),
    /// It is carried out, and this is all the caller sees.
    Lose(CloudError),
    /// It is carried out after this long.
    Delay(Duration),
    /// Nothing is carried out and no answer ever comes.
    Hang,
}

impl Script {
    /// Carried out, but the answer is lost.
    pub fn lose() -> Self {
        Self::Lose(timed_out())
    }

    /// Lost on the way: the caller cannot tell it from [`Script::lose`].
    pub fn drop() -> Self {
        Self::Refuse(timed_out())
    }
}

fn timed_out() -> CloudError {
    CloudError::TimedOut { api: FakeCloud::API.to_owned(), after: Duration::from_secs(60) }
}

/// Storage in memory behind the port of the cloud. Changes at once, keeps every call, fails as scripted.
#[derive(Debug)]
pub struct FakeCloud {
    name: String,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    assets: BTreeMap<AssetKey, Asset>,
    derived: BTreeMap<AssetKey, Vec<DerivedAsset>>,
    backups: BTreeMap<AssetKey, Asset>,
    uploads: u64,
    calls: Vec<String>,
    scripts: VecDeque<(String, Script)>,
    quota: Option<Quota>,
}

impl FakeCloud {
    pub const API: &'static str = "https://api.fake.test";

    /// An empty cloud named `demo`.
    pub fn new() -> Arc<Self> {
        Arc::new(Self { name: "demo".to_owned(), state: Mutex::default() })
    }

    /// A cloud that holds these public IDs as images.
    pub fn with(public_ids: &[&str]) -> Arc<Self> {
        let cloud = Self::new();
        for public_id in public_ids {
            cloud.put(&image(public_id));
        }
        cloud
    }

    /// Uploads new content under `key`, as another person might; returns what storage holds then.
    pub fn put(&self, key: &AssetKey) -> Asset {
        let mut state = self.state();
        let body = format!("{key} {}", state.uploads);
        state.upload(key, body.as_bytes())
    }

    /// Takes `key` away, as another person might; a backup is kept.
    pub fn take(&self, key: &AssetKey) -> Option<Asset> {
        self.state().remove(key)
    }

    /// What storage holds under `key`.
    pub fn asset(&self, key: &AssetKey) -> Option<Asset> {
        self.state().assets.get(key).cloned()
    }

    /// Adds a derived copy of `key`.
    pub fn derive(&self, key: &AssetKey, transformation: &str) {
        let mut state = self.state();
        let version = state.assets.get(key).map_or(1, |asset| asset.version);
        let copy = DerivedAsset {
            id: hex::encode(Md5::digest(format!("{key} {transformation}"))),
            transformation: transformation.to_owned(),
            format: Some("jpg".to_owned()),
            bytes: 512,
            secure_url: format!(
                "https://res.cloudinary.com/{}/{}/{}/{transformation}/v{version}/{}.jpg",
                self.name, key.resource_type, key.delivery_type, key.public_id
            ),
        };
        state.derived.entry(key.clone()).or_default().push(copy);
    }

    pub fn set_quota(&self, limit: u32, remaining: u32) {
        self.state().quota = Some(Quota { limit, remaining, reset_at: None });
    }

    /// The next call of this verb (`rename destroy replace invalidate restore delete_many list detail stat ping
    /// invalidate_by_urls`) goes as scripted; scripts of one verb queue.
    pub fn script(&self, verb: &str, script: Script) {
        self.state().scripts.push_back((verb.to_owned(), script));
    }

    /// Every call so far, e.g. `destroy press/hero invalidate`.
    pub fn calls(&self) -> Vec<String> {
        self.state().calls.clone()
    }

    /// The calls so far that changed, or might have changed, something.
    pub fn changes(&self) -> Vec<String> {
        let reads = ["ping", "list", "detail", "stat"];
        let mut calls = self.calls();
        calls.retain(|call| !reads.iter().any(|read| call.starts_with(read)));
        calls
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call and carries it out as scripted.
    async fn call<T>(
        &self,
        verb: &str,
        words: String,
        carry_out: impl FnOnce(&mut State) -> Result<T, CloudError> + Send,
    ) -> Result<T, CloudError> {
        let script = {
            let mut state = self.state();
            state.calls.push(format!("{verb} {words}").trim_end().to_owned());
            let scripted = state.scripts.iter().position(|(of, _)| of == verb);
            scripted.and_then(|at| state.scripts.remove(at)).map(|(_, script)| script)
        };
        match script {
            None => carry_out(&mut self.state()),
            Some(Script::Refuse(error)) => Err(error),
            Some(Script::Lose(error)) => carry_out(&mut self.state()).and(Err(error)),
            Some(Script::Delay(wait)) => {
                tokio::time::sleep(wait).await;
                carry_out(&mut self.state())
            }
            Some(Script::Hang) => std::future::pending().await,
        }
    }

    fn missing(&self, key: &AssetKey) -> CloudError {
        CloudError::NotFound { cloud: self.name.clone(), asset: key.to_string() }
    }
}

impl State {
    fn upload(&mut self, key: &AssetKey, body: &[u8]) -> Asset {
        self.uploads += 1;
        let version = BASE_VERSION + self.uploads;
        let before = self.assets.get(key);
        let asset = Asset {
            key: key.clone(),
            asset_id: before
                .and_then(|asset| asset.asset_id.clone())
                .or_else(|| Some(format!("{:032x}", self.uploads))),
            version,
            format: (key.resource_type != ResourceType::Raw).then(|| "jpg".to_owned()),
            bytes: 1000 + body.len() as u64,
            width: Some(800),
            height: Some(600),
            etag: Some(hex::encode(Md5::digest(body))),
            created_at: Some(from_millis(i64::try_from(version).unwrap_or_default() * 1000)),
            asset_folder: None,
            display_name: None,
            tags: Vec::new(),
            secure_url: None,
            placeholder: false,
        };
        if let Some(before) = self.assets.insert(key.clone(), asset.clone()) {
            self.backups.insert(key.clone(), before);
        }
        asset
    }

    fn remove(&mut self, key: &AssetKey) -> Option<Asset> {
        self.derived.remove(key);
        let asset = self.assets.remove(key)?;
        self.backups.insert(key.clone(), asset.clone());
        Some(asset)
    }
}

#[async_trait]
impl Cloud for FakeCloud {
    fn cloud_name(&self) -> &str {
        &self.name
    }

    fn api(&self) -> &str {
        Self::API
    }

    fn quota(&self) -> Option<Quota> {
        self.state().quota
    }

    async fn ping(&self) -> Result<(), CloudError> {
        self.call("ping", String::new(), |_| Ok(())).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<Page, CloudError> {
        let fits = |asset: &Asset| match query {
            ListQuery::Resources { resource_type, delivery_type, prefix } => {
                asset.key.resource_type == *resource_type
                    && asset.key.delivery_type == *delivery_type
                    && prefix
                        .as_deref()
                        .is_none_or(|prefix| asset.key.public_id.as_str().starts_with(prefix))
            }
            ListQuery::Tag { resource_type, tag } => {
                asset.key.resource_type == *resource_type && asset.tags.contains(tag)
            }
            // Good enough for tests: the expression is part of the name.
            ListQuery::Search { expression } => asset.key.public_id.as_str().contains(expression),
        };
        let from: usize = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or_default();
        self.call("list", cursor.unwrap_or_default().to_owned(), |state| {
            let all: Vec<&Asset> = state.assets.values().filter(|asset| fits(asset)).collect();
            let to = all.len().min(from + usize::from(limit));
            Ok(Page {
                assets: all[from.min(to)..to].iter().map(|asset| (*asset).clone()).collect(),
                next_cursor: (to < all.len()).then(|| to.to_string()),
                total: matches!(query, ListQuery::Search { .. }).then_some(all.len() as u64),
            })
        })
        .await
    }

    async fn detail(&self, key: &AssetKey) -> Result<AssetDetail, CloudError> {
        self.call("detail", key.to_string(), |state| {
            let asset = state.assets.get(key).cloned().ok_or_else(|| self.missing(key))?;
            let versions = state.backups.get(key).map(|backup| BackupVersion {
                version_id: format!("{:032x}", backup.version),
                version: backup.version,
                bytes: backup.bytes,
                restorable: true,
            });
            Ok(AssetDetail {
                asset,
                derived: state.derived.get(key).cloned().unwrap_or_default(),
                derived_truncated: false,
                versions: versions.into_iter().collect(),
            })
        })
        .await
    }

    async fn stat(&self, key: &AssetKey) -> Result<Option<Asset>, CloudError> {
        self.call("stat", key.to_string(), |state| Ok(state.assets.get(key).cloned())).await
    }

    async fn rename(&self, call: &RenameCall) -> Result<Asset, CloudError> {
        let RenameCall { from, to, overwrite, invalidate } = call;
        let words = format!(
            "{from} {to}{}{}",
            said(*overwrite, "overwrite"),
            said(*invalidate, "invalidate")
        );
        self.call("rename", words, |state| {
            if state.assets.contains_key(to) && !overwrite {
                return Err(CloudError::Conflict {
                    message: format!("to_public_id({}) already exists", to.public_id),
                });
            }
            let derived = state.derived.remove(from);
            let mut asset = state.assets.remove(from).ok_or_else(|| self.missing(from))?;
            asset.key = to.clone();
            state.assets.insert(to.clone(), asset.clone());
            state.derived.remove(to);
            state.derived.extend(derived.map(|derived| (to.clone(), derived)));
            Ok(asset)
        })
        .await
    }

    async fn destroy(&self, key: &AssetKey, invalidate: bool) -> Result<Destroyed, CloudError> {
        self.call("destroy", format!("{key}{}", said(invalidate, "invalidate")), |state| {
            Ok(state.remove(key).map_or(Destroyed::NotFound, |_| Destroyed::Ok))
        })
        .await
    }

    async fn replace(&self, call: &ReplaceCall) -> Result<Asset, CloudError> {
        let body = std::fs::read(&call.file).map_err(|error| CloudError::File {
            path: call.file.display().to_string(),
            detail: error.to_string(),
        })?;
        self.call(
            "replace",
            format!("{}{}", call.key, said(call.invalidate, "invalidate")),
            |state| Ok(state.upload(&call.key, &body)),
        )
        .await
    }

    async fn invalidate(&self, key: &AssetKey) -> Result<Asset, CloudError> {
        self.call("invalidate", key.to_string(), |state| {
            state.assets.get(key).cloned().ok_or_else(|| self.missing(key))
        })
        .await
    }

    async fn restore(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
    ) -> Result<Vec<(String, Restored)>, CloudError> {
        self.call("restore", public_ids.join(" "), |state| {
            let restored = |public_id: &String| {
                let public_id = public_id.clone();
                let Ok(parsed) = public_id.parse() else {
                    return (public_id, Restored::NoBackup);
                };
                let key = AssetKey { resource_type, delivery_type, public_id: parsed };
                let Some(asset) = state.backups.remove(&key) else {
                    return (public_id, Restored::NoBackup);
                };
                state.assets.insert(key, asset.clone());
                (public_id, Restored::Ok(Box::new(asset)))
            };
            Ok(public_ids.iter().map(restored).collect())
        })
        .await
    }

    async fn delete_many(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
        invalidate: bool,
    ) -> Result<BulkDeleted, CloudError> {
        let words = format!("{}{}", public_ids.join(" "), said(invalidate, "invalidate"));
        self.call("delete_many", words, |state| {
            let deleted = |public_id: &String| {
                let key = |public_id| AssetKey { resource_type, delivery_type, public_id };
                let found = public_id.parse().is_ok_and(|id| state.remove(&key(id)).is_some());
                (public_id.clone(), found)
            };
            Ok(BulkDeleted { deleted: public_ids.iter().map(deleted).collect(), next_cursor: None })
        })
        .await
    }

    async fn invalidate_by_urls(&self, urls: &[String]) -> Result<String, CloudError> {
        self.call("invalidate_by_urls", urls.join(" "), |_| Ok("ok".to_owned())).await
    }
}

/// Words of a call, after its subject.
fn said(yes: bool, word: &str) -> String {
    if yes { format!(" {word}") } else { String::new() }
}

/// A journal during whose calls paused time stands still.
#[derive(Debug, Clone)]
pub struct StillJournal(pub Arc<SqlJournal>);

impl StillJournal {
    /// A new journal in memory, to which every process is alive.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn in_memory() -> Self {
        let processes = Processes::new("test", |_| true);
        let opened = still(SqlJournal::in_memory(processes)).await;
        Self(Arc::new(opened.expect("a journal in memory needs nothing")))
    }
}

/// Waits for `call`; tokio's paused time does not run away meanwhile, since it waits for blocking tasks.
pub async fn still<T>(call: impl Future<Output = T>) -> T {
    let (done, wait) = std::sync::mpsc::channel::<()>();
    let holding = tokio::task::spawn_blocking(move || wait.recv());
    let answer = call.await;
    drop(done);
    holding.await.ok();
    answer
}

#[async_trait]
impl Journal for StillJournal {
    fn location(&self) -> String {
        self.0.location()
    }

    async fn join(&self, member: &Member, now: Timestamp) -> Result<(), JournalError> {
        still(self.0.join(member, now)).await
    }

    async fn record(&self, intent: &Intent) -> Result<(), JournalError> {
        still(self.0.record(intent)).await
    }

    async fn watch(
        &self,
        invalidation: InvalidationId,
        names: &[WatchedName],
        urls: &[WatchedUrl],
    ) -> Result<(), JournalError> {
        still(self.0.watch(invalidation, names, urls)).await
    }

    async fn mark_sent(&self, items: &[ItemId], at: Timestamp) -> Result<(), JournalError> {
        still(self.0.mark_sent(items, at)).await
    }

    async fn settle(
        &self,
        outcomes: &[(ItemId, ItemState, Option<String>)],
    ) -> Result<(), JournalError> {
        still(self.0.settle(outcomes)).await
    }

    async fn unsettled(
        &self,
        scope: &CloudScope,
        silent_since: Timestamp,
    ) -> Result<Vec<(Operation, Item)>, JournalError> {
        still(self.0.unsettled(scope, silent_since)).await
    }

    async fn acquire(
        &self,
        invalidation: InvalidationId,
        holder: MemberId,
        now: Timestamp,
        ttl: Duration,
    ) -> Result<Option<Lease>, JournalError> {
        still(self.0.acquire(invalidation, holder, now, ttl)).await
    }

    async fn renew(&self, lease: Lease, now: Timestamp, ttl: Duration) -> Result<(), JournalError> {
        still(self.0.renew(lease, now, ttl)).await
    }

    async fn release(&self, lease: Lease) -> Result<(), JournalError> {
        still(self.0.release(lease)).await
    }

    async fn invalidation(&self, id: InvalidationId) -> Result<Invalidation, JournalError> {
        still(self.0.invalidation(id)).await
    }

    async fn find(&self, prefix: &str) -> Result<InvalidationId, JournalError> {
        still(self.0.find(prefix)).await
    }

    async fn open(&self, scope: Option<&CloudScope>) -> Result<Vec<InvalidationRow>, JournalError> {
        still(self.0.open(scope)).await
    }

    async fn ended(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<InvalidationRow>, JournalError> {
        still(self.0.ended(scope, limit)).await
    }

    async fn activity(
        &self,
        scope: Option<&CloudScope>,
        limit: u32,
    ) -> Result<Vec<ActivityRow>, JournalError> {
        still(self.0.activity(scope, limit)).await
    }

    async fn save_name(&self, lease: Lease, name: &WatchedName) -> Result<(), JournalError> {
        still(self.0.save_name(lease, name)).await
    }

    async fn save_terms(&self, lease: Lease, terms: &WatchTerms) -> Result<(), JournalError> {
        still(self.0.save_terms(lease, terms)).await
    }

    async fn save_sightings(&self, lease: Lease, rows: &[SightingRow]) -> Result<(), JournalError> {
        still(self.0.save_sightings(lease, rows)).await
    }

    async fn save_snapshot(
        &self,
        lease: Lease,
        snapshot: &WatchSnapshot,
    ) -> Result<(), JournalError> {
        still(self.0.save_snapshot(lease, snapshot)).await
    }

    async fn end(
        &self,
        lease: Lease,
        ending: &Ending,
        last: &WatchSnapshot,
    ) -> Result<(), JournalError> {
        still(self.0.end(lease, ending, last)).await
    }

    async fn reopen(&self, id: InvalidationId) -> Result<(), JournalError> {
        still(self.0.reopen(id)).await
    }

    async fn earlier_contents(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
    ) -> Result<Vec<Content>, JournalError> {
        still(self.0.earlier_contents(scope, key)).await
    }

    async fn newer_operation(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
        than: OperationId,
    ) -> Result<Option<Operation>, JournalError> {
        still(self.0.newer_operation(scope, key, since, than)).await
    }

    async fn recently_gone(
        &self,
        scope: &CloudScope,
        key: &AssetKey,
        since: Timestamp,
    ) -> Result<bool, JournalError> {
        still(self.0.recently_gone(scope, key, since)).await
    }

    async fn end_of_gone_clouds(
        &self,
        api: &str,
        running: Option<&str>,
        now: Timestamp,
    ) -> Result<u64, JournalError> {
        still(self.0.end_of_gone_clouds(api, running, now)).await
    }
}

/// An item of `operation`, not sent.
pub fn item(operation: &Operation, key: &AssetKey) -> Item {
    Item {
        id: ItemId::new(),
        operation: operation.id,
        key: key.clone(),
        to: None,
        state: ItemState::Intended,
        sent_at: None,
        message: None,
    }
}

mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn paused_time_stands_still_while_the_journal_works() {
        let context = context(FakeCloud::with(&["press/hero"])).await;
        let before = context.clock.wall();
        for _ in 0..20 {
            assert_eq!(context.journal.open(Some(&context.scope)).await.unwrap(), []);
        }
        assert_eq!(context.clock.wall(), before);
        tokio::time::sleep(Duration::from_secs(90)).await;
        assert_eq!(context.clock.wall().duration_since(before).as_secs(), 90);
    }

    #[tokio::test(start_paused = true)]
    async fn the_cloud_fails_as_scripted_and_keeps_what_was_asked() {
        let cloud = FakeCloud::with(&["a", "b"]);
        cloud.script("destroy", Script::lose());
        cloud.script("destroy", Script::drop());
        assert!(cloud.destroy(&image("a"), true).await.unwrap_err().is_in_doubt());
        assert!(cloud.destroy(&image("b"), true).await.unwrap_err().is_in_doubt());
        assert_eq!((cloud.asset(&image("a")), cloud.asset(&image("b")).is_some()), (None, true));
        assert_eq!(cloud.destroy(&image("a"), true).await, Ok(Destroyed::NotFound));
        assert_eq!(
            cloud.changes(),
            ["destroy a invalidate", "destroy b invalidate", "destroy a invalidate"]
        );
    }
}
