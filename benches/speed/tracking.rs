//! What the tracker does all the time: verdicts, the limits and the agenda of its scheduler, and batches for the journal.

use std::net::SocketAddr;
use std::time::Duration;

use allclear::adapters::journal::{Processes, SqlJournal};
use allclear::domain::confidence::Confidence;
use allclear::domain::id::{InvalidationId, ItemId, MemberId, OperationId};
use allclear::domain::invalidation::{
    CloudScope, Invalidation, Item, ItemState, Member, Operation, PurgeAgain, Verb, WatchTerms,
    WatchedName,
};
use allclear::domain::judge::{AgeTrust, Facts, judge};
use allclear::domain::place::{LimitKey, PlaceId};
use allclear::domain::sighting::{AcceptVariant, Answer, Etag, ProbeShape, Sighting};
use allclear::domain::time::{Moment, Timestamp};
use allclear::domain::verdict::{Content, Expectation, Judgement, Reason, Stored, Verdict};
use allclear::ops::tracker::schedule::{Agenda, Gate, Limits};
use allclear::ports::journal::{Intent, Journal, Lease, News, SightingRow};

use crate::{asset, time};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + seconds).unwrap_or_default()
}

fn moment(millis: u64) -> Moment {
    Moment::from_origin(Duration::from_millis(1_000_000 + millis))
}

fn content(tag: &str) -> Content {
    Content { etag: Some(tag.to_owned()), bytes: Some(52_144), ..Content::default() }
}

fn sighting(age: Option<u64>, tag: &str) -> Sighting {
    let etag = Some(Etag { weak: false, tag: tag.to_owned() });
    let answer = Answer { status: 206, age, etag, total_length: Some(52_144), ..Answer::default() };
    Sighting {
        variant: AcceptVariant::None,
        shape: ProbeShape::OneByte,
        sent: moment(0),
        received: moment(42),
        at: at(0),
        result: Ok(answer),
    }
}

pub fn verdicts() {
    let (old, new) = (content("9bb58f26192e4ba00f01e2e7b136bbd8"), content("0cc175b9c0f1b6a8"));
    let earlier: Vec<Content> = (0..20).map(|n| content(&format!("{n:032x}"))).collect();
    let facts = Facts {
        expectation: Expectation::Refetched,
        public_id: "press/2026/hero",
        derived: false,
        old: Some(&old),
        new: Some(&old),
        stored: None,
        earlier: &earlier,
        since_sent: Some(Duration::from_secs(38)),
        since_changed: Some(Duration::from_secs(37)),
        age: AgeTrust::Believed,
        known_age: None,
        doubt: Duration::ZERO,
        reference: None,
        body: None,
        only_watching: false,
    };
    let purged = sighting(Some(412), "9bb58f26192e4ba00f01e2e7b136bbd8");
    time("a verdict after a purge, by age", 1, || judge(&purged, &facts));
    let replaced = Facts { expectation: Expectation::New, new: Some(&new), ..facts };
    let shown = sighting(Some(3), "0cc175b9c0f1b6a8");
    time("a verdict after a replace, by tag", 1, || judge(&shown, &replaced));
}

pub fn scheduler() {
    const CELLS: usize = 10_000;
    let mut agenda = Agenda::default();
    let spread = |slot: usize| u64::try_from(slot * 7_919 % 60_000).unwrap_or(0);
    (0..CELLS).for_each(|slot| agenda.set(slot, Some(moment(spread(slot)))));
    let mut now = 0;
    time("the next of 10,000 looks is taken and set again", 1, || {
        let Some((due, slot)) = agenda.first() else { return };
        agenda.take(due);
        now += 6;
        agenda.set(slot, Some(moment(now + 60_000)));
    });
    let address = |n: u16| LimitKey::Address(SocketAddr::from(([192, 0, 2, 1], n)));
    let addresses: Vec<_> = (1..=60).map(address).collect();
    let mut gate = Gate::new(Limits::new(false));
    let mut turn = 0;
    time("a request is let through by the limits of 60 addresses", 1, || {
        turn += 1;
        let address = &addresses[turn % addresses.len()];
        let now = moment(u64::try_from(turn).unwrap_or(0) * 20);
        let opens = gate.opens_at(address, "fastly");
        gate.enter(address, "fastly", now);
        gate.leave(address, "fastly");
        gate.welcome(address);
        opens
    });
}

/// A purge of one asset, as it is journaled before its call leaves.
fn intent(member: &Member, n: u64) -> Intent {
    let operation = Operation {
        id: OperationId::new(),
        verb: Verb::Purge,
        scope: CloudScope {
            cloud_name: "demo".to_owned(),
            api: "https://api.cloudinary.com".to_owned(),
            instance: None,
        },
        member: member.id,
        at: at(0),
        command_line: "allclear purge …".to_owned(),
        note: None,
        invalidate: true,
    };
    let item = Item {
        id: ItemId::new(),
        operation: operation.id,
        key: asset(n).key,
        to: None,
        state: ItemState::Intended,
        sent_at: None,
        message: None,
    };
    let name = WatchedName {
        item: item.id,
        key: item.key.clone(),
        must_live: false,
        old: Some(Stored::Holds(content("old"))),
        new: None,
        changed_at: None,
        superseded: false,
    };
    let terms = WatchTerms {
        confidence: Confidence::Normal,
        hold_back: Duration::from_secs(5),
        give_up_after: Duration::from_secs(3600),
        stuck_after: Duration::from_secs(600),
        loopback: false,
        sampled_of: None,
        sampled_urls: None,
        budget: None,
        purge_again: PurgeAgain::Auto,
        api_path: None,
        excluded: Vec::new(),
    };
    let invalidation = Invalidation {
        id: InvalidationId::new(),
        operation: operation.clone(),
        terms,
        names: vec![name],
        urls: Vec::new(),
        items: vec![item.clone()],
        not_covered: Vec::new(),
        ended: None,
    };
    Intent { operation, items: vec![item], invalidation: Some(invalidation), job: None }
}

/// `count` sightings of 60 places, as a flush writes them.
fn batch(count: usize, round: i64) -> Vec<SightingRow> {
    let row = |n: usize| {
        let mut seen = sighting(Some(3), "0cc175b9c0f1b6a8");
        seen.at = at(round);
        SightingRow {
            place: PlaceId(format!("here/{:03}", n % 60)),
            url: format!("https://res.cloudinary.com/demo/image/upload/v17/a{}.jpg", n / 60),
            sighting: seen,
            judgement: Judgement { verdict: Verdict::Cleared, reason: Reason::EqualsNew },
        }
    };
    (0..count).map(row).collect()
}

/// On disk, with everything synced that has to be.
pub fn journal() {
    let home = tempfile::tempdir().expect("a folder");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let path = home.path().join("journal.db");
    let path = path.to_string_lossy();
    let opening = SqlJournal::open(&path, Processes::of_this_host());
    let journal = runtime.block_on(opening).expect("a journal");
    let member = Member {
        id: MemberId::new(),
        user: "ann".to_owned(),
        host: "host".to_owned(),
        pid: std::process::id(),
        started_at: at(0),
        ssh_client: None,
    };
    runtime.block_on(journal.join(&member, at(0))).expect("joined");
    let mut n = 0;
    time("an intent is journaled, synced", 1, || {
        n += 1;
        runtime.block_on(journal.record(&intent(&member, n)))
    });
    let lease = {
        let watched = intent(&member, 0);
        runtime.block_on(journal.record(&watched)).expect("recorded");
        let id = watched.invalidation.map(|it| it.id).expect("one is watched");
        let acquired = journal.acquire(id, member.id, at(1), Duration::from_secs(3600));
        runtime.block_on(acquired).expect("asked").expect("free")
    };
    let mut round = 1;
    let mut save = |what: &str, count: usize| {
        time(what, u64::try_from(count).unwrap_or(1), || {
            round += 1;
            let rows = batch(count, round);
            runtime.block_on(saved(&journal, lease, &rows))
        });
    };
    save("a batch of 60 sightings is journaled", 60);
    save("a batch of 600 sightings is journaled", 600);
    let scope = intent(&member, 0).operation.scope;
    time("the open invalidations are read", n, || runtime.block_on(journal.open(Some(&scope))));
}

async fn saved(journal: &SqlJournal, lease: Lease, rows: &[SightingRow]) -> bool {
    journal.save_one(News { sightings: rows, ..News::under(lease) }).await.is_ok()
}
