//! Things to put into a journal.

use std::time::Duration;

use crate::domain::account::Account;
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::confidence::Confidence;
use crate::domain::coverage::{Coverage, CoverageReason};
use crate::domain::delivery_url::{DeliveryHost, DeliveryUrl};
use crate::domain::id::{InvalidationId, ItemId, MemberId, OperationId};
use crate::domain::invalidation::{
    CloudScope, Ending, Invalidation, Item, ItemState, Member, NotCovered, Operation, Outcome,
    PurgeAgain, Verb, WatchTerms, WatchedName, WatchedUrl,
};
use crate::domain::place::PlaceId;
use crate::domain::propagation::MissChance;
use crate::domain::sighting::{AcceptVariant, Answer, ProbeShape, Sighting};
use crate::domain::snapshot::{Calls, Phase, PlaceRow, PlaceState, WatchSnapshot};
use crate::domain::time::{Moment, Timestamp, from_millis};
use crate::domain::verdict::{Content, Judgement, Reason, Stored, Verdict};
use crate::ports::journal::{Intent, Journal, Lease, News, SightingRow};

pub const TTL: Duration = Duration::from_secs(10);

/// `seconds` after an arbitrary start.
pub fn at(seconds: i64) -> Timestamp {
    from_millis(1_795_000_000_000 + seconds * 1000)
}

pub fn key(public_id: &str) -> AssetKey {
    AssetKey::image(public_id.parse().unwrap())
}

pub fn scope() -> CloudScope {
    CloudScope {
        cloud_name: "acme".into(),
        api: "https://api.cloudinary.com".into(),
        instance: None,
    }
}

pub fn local_scope(instance: &str) -> CloudScope {
    CloudScope {
        cloud_name: "demo".into(),
        api: "http://127.0.0.1:4000".into(),
        instance: Some(instance.into()),
    }
}

pub fn member(user: &str, pid: u32) -> Member {
    Member {
        id: MemberId::new(),
        user: user.into(),
        host: "desk".into(),
        pid,
        started_at: at(-60),
        ssh_client: Some("192.0.2.7".into()),
    }
}

pub async fn joined(journal: &dyn Journal, user: &str, pid: u32) -> Member {
    let member = member(user, pid);
    journal.join(&member, at(0)).await.unwrap();
    member
}

pub fn operation(verb: Verb, member: &Member, ordered: Timestamp) -> Operation {
    Operation {
        id: OperationId::new(),
        verb,
        scope: scope(),
        member: member.id,
        at: ordered,
        command_line: format!("allclear {} …", verb.as_str()),
        note: Some("INC-1204".into()),
        invalidate: true,
    }
}

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

pub fn content(etag: &str) -> Content {
    Content { etag: Some(etag.into()), bytes: Some(1234), version: Some(7), ..Content::default() }
}

pub fn name(item: &Item) -> WatchedName {
    WatchedName {
        item: item.id,
        key: item.key.clone(),
        must_live: false,
        old: Some(Stored::Holds(content("old"))),
        new: None,
        changed_at: None,
        superseded: false,
    }
}

pub fn url(item: &Item, version: Option<u64>) -> WatchedUrl {
    let mut url = DeliveryUrl::original(&Account::named("acme"), &item.key, Some("jpg"));
    url.transformations = vec!["c_scale,w_300".into()];
    url.version = version;
    WatchedUrl {
        url,
        coverage: Coverage::Covered,
        item: item.id,
        key: item.key.clone(),
        derived: true,
        old: Some(content("derived")),
    }
}

/// An intent over `public_ids` with one name and two URLs for each.
pub fn intent(verb: Verb, member: &Member, ordered: Timestamp, public_ids: &[&str]) -> Intent {
    let operation = operation(verb, member, ordered);
    let items: Vec<Item> = public_ids.iter().map(|id| item(&operation, &key(id))).collect();
    let invalidation = Invalidation {
        id: InvalidationId::new(),
        operation: operation.clone(),
        terms: terms(),
        names: items.iter().map(name).collect(),
        urls: items.iter().flat_map(|item| [url(item, None), url(item, Some(1))]).collect(),
        items: items.clone(),
        not_covered: vec![NotCovered {
            url: "https://res.cloudinary.com/acme/image/upload/v7/a.jpg".into(),
            reason: "versioned".into(),
            next_step: "use the versioned URL".into(),
        }],
        ended: None,
    };
    Intent { operation, items, invalidation: Some(invalidation), job: None }
}

/// The kinds of thing an operation can hold, in one intent.
pub fn rich_intent(member: &Member) -> Intent {
    let mut intent = intent(Verb::Rename, member, at(1), &["press/été 2026", "b"]);
    intent.operation.scope = local_scope("run-1");
    intent.operation.note = None;
    let raw = AssetKey {
        resource_type: ResourceType::Raw,
        delivery_type: DeliveryType::Authenticated,
        public_id: "c.pdf".parse().unwrap(),
    };
    intent.items[0].to = Some(raw);
    intent.items[1].message = Some("a remark".into());
    let invalidation = intent.invalidation.as_mut().unwrap();
    invalidation.operation = intent.operation.clone();
    invalidation.items = intent.items.clone();
    invalidation.names[0].old = Some(Stored::Empty);
    invalidation.names[1].old = None;
    invalidation.names[1].must_live = true;
    invalidation.urls[0].coverage = Coverage::NotCovered(CoverageReason::Versioned);
    invalidation.urls[1].url.host =
        DeliveryHost::Custom { host: "img.acme.test".into(), cloud_in_path: false };
    invalidation.urls[1].old = None;
    intent
}

pub fn terms() -> WatchTerms {
    WatchTerms {
        confidence: Confidence::Normal,
        hold_back: Duration::from_secs(5),
        give_up_after: Duration::from_secs(3600),
        stuck_after: Duration::from_secs(600),
        loopback: false,
        sampled_of: Some(5000),
        sampled_urls: Some(1000),
        budget: Some(1200),
        purge_again: PurgeAgain::Auto,
        api_path: None,
        excluded: vec!["FRA".into()],
    }
}

/// Records a purge of one asset; returns it.
pub async fn recorded(
    journal: &dyn Journal,
    member: &Member,
    ordered: Timestamp,
    public_id: &str,
) -> Invalidation {
    let intent = intent(Verb::Purge, member, ordered, &[public_id]);
    journal.record(&intent).await.unwrap();
    intent.invalidation.unwrap()
}

pub fn ending(outcome: Outcome, ended: Timestamp) -> Ending {
    Ending { outcome, at: ended, sentence: "24 of 24 caches reached".into() }
}

pub fn snapshot(of: &Invalidation, taken_at: Timestamp) -> WatchSnapshot {
    WatchSnapshot {
        id: of.id,
        verb: of.operation.verb,
        scope: of.operation.scope.clone(),
        label: of.label(),
        by: "ana@desk".into(),
        note: None,
        started_at: of.operation.at,
        taken_at,
        confidence: Confidence::Normal,
        phase: Phase::Probing,
        calls: Calls { total: 1, accepted: 1, ..Calls::default() },
        places: Vec::new(),
        urls: Vec::new(),
        cells: Vec::new(),
        not_covered: of.not_covered.clone(),
        regressions: Vec::new(),
        timeline: Vec::new(),
        curve: Vec::new(),
        stuck: false,
        interrupted: false,
        requests_spent: 12,
        requests_budget: 60,
        requests_most: None,
        sentence: "looking".into(),
        ended: None,
        offer: None,
        purged_again: Vec::new(),
        miss_chance: MissChance { low: 0.0625, high: 0.125 },
    }
}

pub fn place_row(place: &str, let_go_after: Option<Duration>) -> PlaceRow {
    PlaceRow {
        id: PlaceId(place.into()),
        pop: None,
        city: None,
        state: PlaceState::Answering,
        clear: 1,
        cells: 1,
        last_rtt: None,
        cleared_after: let_go_after,
        let_go_after,
        saw_old: true,
    }
}

pub fn sighting(place: &str, seen: Timestamp, verdict: Verdict) -> SightingRow {
    SightingRow {
        place: PlaceId(place.into()),
        url: "https://res.cloudinary.com/acme/image/upload/a.jpg".into(),
        sighting: Sighting {
            variant: AcceptVariant::None,
            shape: ProbeShape::OneByte,
            sent: Moment::from_origin(Duration::from_millis(1000)),
            received: Moment::from_origin(Duration::from_millis(1042)),
            at: seen,
            result: Ok(Answer { status: 206, age: Some(12), ..Answer::default() }),
        },
        judgement: Judgement { verdict, reason: Reason::EqualsNew },
    }
}

/// Sightings that a tracker writes.
pub fn seen(lease: Lease, sightings: &[SightingRow]) -> News<'_> {
    News { sightings, ..News::under(lease) }
}

/// What storage was read as.
pub fn learnt(lease: Lease, names: &[WatchedName]) -> News<'_> {
    News { names, ..News::under(lease) }
}

/// Terms that changed.
pub fn agreed(lease: Lease, terms: &WatchTerms) -> News<'_> {
    News { terms: Some(terms), ..News::under(lease) }
}
