//! The console without a terminal: keys in, effects and frames out, answers made up.
#![allow(clippy::missing_panics_doc)] // they are for tests

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use super::assets::rows::tests::image;
use super::shell;
use crate::app::effect::{Effect, TaskId};
use crate::app::key::Key;
use crate::app::keymap::KeyOverrides;
use crate::app::msg::{Input, Msg};
use crate::app::state::{App, Env, Look, Setup};
use crate::app::update::update;
use crate::domain::asset::{Asset, AssetDetail, AssetKey, DerivedAsset};
use crate::domain::confidence::Confidence;
use crate::domain::id::{InvalidationId, MemberId, OperationId};
use crate::domain::invalidation::{CloudScope, Ending, NotCovered, Operation, Outcome, Verb};
use crate::domain::job::{JobCounts, JobRow, JobState};
use crate::domain::place::PlaceId;
use crate::domain::propagation::MissChance;
use crate::domain::purge::{ApiPath, Backup, Confirmation, Plan, PlannedItem, Risk};
use crate::domain::sighting::{AcceptVariant, Answer, CacheStatus, Etag, ProbeShape};
use crate::domain::snapshot::{
    Calls, Cell, CurvePoint, Phase, PlaceRow, PlaceState, TimelineEntry, UrlRow, WatchSnapshot,
};
use crate::domain::time::{Moment, Timestamp};
use crate::domain::verdict::{Expectation, Judgement, Reason, Verdict};
use crate::ops::engine::{Shown, ShownUrl};
use crate::ops::tracker::Board;
use crate::ports::cloud::Page;
use crate::ports::journal::{ActivityRow, Evidence, SightingRun};
use crate::ui::theme::Depth;
use crate::ui::theme_file::Themes;
use crate::ui::widgets::testing::text_of;

/// The moment at which every test begins.
pub fn noon() -> Timestamp {
    "2026-11-21T12:00:00Z".parse().unwrap()
}

/// A console and a clock that moves by hand.
pub struct Console {
    pub app: App,
}

impl Console {
    /// On a local cloud, nothing read yet; the first effects are dropped.
    pub fn new(width: u16, height: u16) -> Self {
        Self::with(width, height, |_| ())
    }

    pub fn with(width: u16, height: u16, change: impl FnOnce(&mut Setup)) -> Self {
        let mut setup = Setup {
            profile: "demo".into(),
            cloud_name: "demo".into(),
            risk: Risk::Local,
            read_only: false,
            loopback: true,
            confidence: Confidence::Quick,
            me: "ann@host".into(),
            banner: None,
        };
        change(&mut setup);
        let env = Env::new(
            setup,
            noon(),
            Moment::from_origin(Duration::from_secs(1000)),
            (width, height),
        );
        let look = Look { ascii: false, depth: Depth::True };
        let mut app = App::new(env, Themes::built_in(), "default", look, &KeyOverrides::new());
        app.start();
        Self { app }
    }

    /// With a first page of assets.
    pub fn with_assets(width: u16, height: u16) -> Self {
        let mut console = Self::new(width, height);
        console.listed(press_assets(), None);
        console
    }

    /// Answers the listing that is under way.
    pub fn listed(&mut self, assets: Vec<Asset>, next_cursor: Option<&str>) -> Vec<Effect> {
        let task = self.app.assets.loading.as_ref().unwrap().task;
        let page = Page { assets, next_cursor: next_cursor.map(str::to_owned), total: None };
        self.tell(Msg::Listed { task, result: Ok(page) })
    }

    /// One message; a frame follows, as in the loop.
    pub fn tell(&mut self, msg: Msg) -> Vec<Effect> {
        let effects = update(&mut self.app, msg);
        self.app.drawn();
        effects
    }

    /// Keys by name with a frame and half a second after each: `"j space r"`.
    pub fn press(&mut self, keys: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for name in keys.split(' ') {
            self.wait(Duration::from_millis(500));
            let key: Key = name.parse().unwrap();
            effects.extend(self.tell(Msg::Input(vec![Input::Key(key)])));
        }
        effects
    }

    /// Letters one after the other, as fingers type them.
    pub fn write(&mut self, text: &str) -> Vec<Effect> {
        let mut effects = Vec::new();
        for c in text.chars() {
            self.wait(Duration::from_millis(80));
            effects.extend(self.tell(Msg::Input(vec![Input::Key(Key::char(c))])));
        }
        effects
    }

    /// Everything at once and without a frame between, as a line that stalled delivers it.
    pub fn burst(&mut self, inputs: Vec<Input>) -> Vec<Effect> {
        let effects = update(&mut self.app, Msg::Input(inputs));
        self.app.drawn();
        effects
    }

    pub fn paste(&mut self, text: &str) -> Vec<Effect> {
        self.burst(vec![Input::Paste(text.to_owned())])
    }

    pub fn wait(&mut self, time: Duration) {
        self.app.env.moment = self.app.env.moment + time;
        self.app.env.now += time;
    }

    /// What is on screen.
    pub fn frame(&self) -> String {
        let (width, height) = self.app.env.size;
        self.frame_at(width, height)
    }

    pub fn frame_at(&self, width: u16, height: u16) -> String {
        let mut frame = Buffer::empty(Rect::new(0, 0, width, height));
        shell::draw(&self.app, &mut frame);
        text_of(&frame)
    }

    /// The console with a board of these watches.
    pub fn board(&mut self, watches: Vec<WatchSnapshot>) -> Vec<Effect> {
        let watches = watches.into_iter().map(Arc::new).collect();
        self.tell(Msg::Board(Arc::new(Board { watches, ..Board::default() })))
    }
}

/// The task of the only plan among `effects`.
pub fn plan_task(effects: &[Effect]) -> TaskId {
    effects
        .iter()
        .find_map(|effect| match effect {
            Effect::Plan { task, .. } => Some(*task),
            _ => None,
        })
        .expect("a plan was asked for")
}

pub fn key(id: &str) -> AssetKey {
    AssetKey::image(id.parse().unwrap())
}

/// Thirty assets, newest first.
pub fn press_assets() -> Vec<Asset> {
    let now = u64::try_from(noon().as_second()).unwrap();
    let names =
        ["press/2026/hero", "press/2026/team photo", "shop/sofa-grün", "写真/商品-1", "logo"];
    (0..30)
        .map(|n: u64| {
            let name = match names.get(usize::try_from(n).unwrap()) {
                Some(name) => (*name).to_owned(),
                None => format!("catalog/item-{n:04}"),
            };
            image(&name, now - 90 * n * n * n - 40, 37_000 * (n + 1) * (n % 7 + 1))
        })
        .collect()
}

/// Details with every kind of entry.
pub fn shown(id: &str) -> Shown {
    let mut asset = image(id, 1_795_000_000, 1_234_567);
    asset.etag = Some("9f86d081884c7d659a2feaa0c55ad015".into());
    let base = "http://127.0.0.1:4101/demo/image/upload";
    let url = |path: &str, coverage, why: &str, next: &str| ShownUrl {
        url: format!("{base}/{path}"),
        transformation: String::new(),
        coverage,
        reason: String::new(),
        why: why.into(),
        next_step: next.into(),
    };
    Shown {
        detail: AssetDetail {
            asset,
            derived: vec![DerivedAsset {
                id: "d1".into(),
                transformation: "c_scale,w_300".into(),
                format: Some("jpg".into()),
                bytes: 20_480,
                secure_url: format!("{base}/c_scale,w_300/{id}.jpg"),
            }],
            derived_truncated: false,
            versions: vec![],
        },
        urls: vec![
            url(&format!("{id}.jpg"), "covered", "", ""),
            url(&format!("c_scale,w_300/{id}.jpg"), "covered", "", ""),
            url(
                &format!("s--AbCdEfGh--/{id}.jpg"),
                "uncertain",
                "signed URLs may be kept",
                "check it with `allclear probe`",
            ),
        ],
        notes: vec!["browsers keep their own copies: try a private window".into()],
    }
}

pub fn plan(verb: Verb, ids: &[&str], confirmation: Confirmation) -> Plan {
    let api_path = match verb {
        Verb::Rename => ApiPath::Rename,
        Verb::Purge => ApiPath::Explicit,
        _ => ApiPath::Destroy,
    };
    Plan {
        verb,
        cloud_name: "demo".into(),
        items: ids
            .iter()
            .map(|id| PlannedItem {
                key: key(id),
                to: (verb == Verb::Rename).then(|| key(&format!("{id}-new"))),
                old: None,
                bytes: 1_200_000,
                derived: Some(2),
                backup: Backup::None,
            })
            .collect(),
        api_path,
        why: api_path.why().into(),
        overwrite: false,
        invalidate: true,
        file: None,
        upload_calls: ids.len(),
        admin_calls: 1,
        quota_left: Some(497),
        paced_until: None,
        watched: Vec::new(),
        not_covered: vec![NotCovered {
            url: "http://127.0.0.1:4101/demo/image/upload/s--AbCdEfGh--/press/2026/hero.jpg".into(),
            reason: "signed".into(),
            next_step: "ask support to purge it: the text is in the details".into(),
        }],
        by_url: Vec::new(),
        duplicates: 0,
        left_out: Vec::new(),
        seen_by: Vec::new(),
        delay: Duration::ZERO,
        refused: Vec::new(),
        places: 6,
        requests: 120,
        budget: 1_200,
        stuck_after: Duration::from_secs(600),
        execution: Duration::from_millis(400),
        verification: Duration::from_secs(12),
        confidence: Confidence::Quick,
        sampled_of: None,
        sampled_urls: None,
        notes: vec!["a cached 404 may outlive the name for a minute".into()],
        confirmation,
    }
}

const PLACES: [(&str, &str); 6] = [
    ("FRA", "Frankfurt"),
    ("IAD", "Ashburn"),
    ("SIN", "Singapore"),
    ("GRU", "São Paulo"),
    ("SYD", "Sydney"),
    ("NRT", "Tokyo"),
];

/// A watch of one deleted asset with four URLs at six places, of which the first `clear` cells are clear.
pub fn watch(clear: usize) -> WatchSnapshot {
    let urls = ["original", "v1795000000", "w_300", "c_fill,w_64"];
    let secs = |n| noon() + Duration::from_secs(n);
    let cell = |at: usize| {
        let is_clear = at < clear;
        let unseen = at >= 20;
        Cell {
            counted: !unseen,
            clear: is_clear,
            verdict: match (is_clear, unseen) {
                (true, _) => Some(Verdict::Cleared),
                (_, true) => None,
                _ => Some(if at == 13 { Verdict::Unknown } else { Verdict::Outdated }),
            },
            variants: 1,
            reason: "still_served".into(),
            why: if is_clear {
                "not found, as storage says".into()
            } else {
                "still serves a copy although storage is empty".into()
            },
            run: u32::from(is_clear),
            k: 1,
            sightings: if unseen { 0 } else { 4 },
            ever_outdated: !is_clear,
            cache: if is_clear { CacheStatus::Negative } else { CacheStatus::Hit },
            age: (!is_clear).then_some(412),
            status: Some(if is_clear { 404 } else { 206 }),
            etag: (!is_clear).then(|| "9f86d081884c7d65".to_owned()),
            seen_at: (!unseen).then(|| secs(7)),
            ..Cell::default()
        }
    };
    let cells: Vec<Cell> = (0..PLACES.len() * urls.len()).map(cell).collect();
    let places = PLACES
        .iter()
        .enumerate()
        .map(|(at, (id, city))| {
            let own = &cells[at * urls.len()..(at + 1) * urls.len()];
            let clear = own.iter().filter(|cell| cell.clear).count();
            PlaceRow {
                id: PlaceId((*id).into()),
                pop: Some((*id).into()),
                city: Some((*city).into()),
                state: if at == 5 && clear == 0 {
                    PlaceState::Waiting
                } else {
                    PlaceState::Answering
                },
                clear,
                cells: urls.len(),
                last_rtt: None,
                cleared_after: (clear == urls.len()).then(|| Duration::from_secs(3 + at as u64)),
                let_go_after: None,
                saw_old: true,
            }
        })
        .collect();
    WatchSnapshot {
        id: InvalidationId(uuid::Uuid::from_u128(0x0191_0000_0000_7000_8000_0000_0000_0001)),
        verb: Verb::Delete,
        scope: CloudScope {
            cloud_name: "demo".into(),
            api: "http://127.0.0.1:4000".into(),
            instance: Some("one".into()),
        },
        label: "press/2026/hero".into(),
        by: "ann@host".into(),
        note: None,
        started_at: noon(),
        taken_at: secs(8),
        confidence: Confidence::Quick,
        phase: Phase::Probing,
        calls: Calls { total: 1, accepted: 1, not_found: 0, failed: 0 },
        places,
        urls: urls
            .iter()
            .map(|short| UrlRow {
                url: format!("http://127.0.0.1:4101/demo/image/upload/{short}/press/2026/hero.jpg"),
                short: (*short).into(),
                asset: "press/2026/hero".into(),
                covered: *short != "c_fill,w_64",
                expectation: Some(Expectation::Gone),
            })
            .collect(),
        cells,
        not_covered: vec![NotCovered {
            url: "http://127.0.0.1:4101/demo/image/upload/s--AbCdEfGh--/press/2026/hero.jpg".into(),
            reason: "signed".into(),
            next_step: "ask support to purge it".into(),
        }],
        regressions: Vec::new(),
        timeline: vec![
            TimelineEntry { at: noon(), text: "delete sent".into() },
            TimelineEntry { at: secs(1), text: "storage is empty".into() },
            TimelineEntry { at: secs(3), text: "FRA is clear".into() },
        ],
        curve: (0..8)
            .map(|n| CurvePoint {
                after: Duration::from_secs(n),
                clear: clear * usize::try_from(n).unwrap() / 7,
                total: 20,
            })
            .collect(),
        stuck: false,
        interrupted: false,
        requests_spent: 84,
        requests_budget: 120,
        requests_most: None,
        sentence: format!("{clear} of 20 cells are clear; SIN is the slowest"),
        ended: None,
        offer: None,
        purged_again: Vec::new(),
        miss_chance: MissChance { low: 0.001, high: 0.03 },
    }
}

/// The same, ended.
pub fn ended(outcome: Outcome, sentence: &str) -> WatchSnapshot {
    let clear = outcome == Outcome::AllClear;
    let mut snapshot = watch(if clear { 24 } else { 9 });
    if clear {
        for cell in &mut snapshot.cells {
            cell.counted = true;
            cell.sightings = 4;
            cell.seen_at = Some(noon() + Duration::from_secs(7));
        }
    }
    snapshot.phase = Phase::Ended;
    snapshot.sentence = sentence.into();
    let at = noon() + Duration::from_secs(18);
    snapshot.ended = Some(Ending { outcome, at, sentence: sentence.into() });
    snapshot
}

/// Two runs of one cell: the old copy four times, then gone.
pub fn sighting_runs(place: &PlaceId, url: &str) -> Vec<SightingRun> {
    let seen = |verdict, reason, answer: Answer| Evidence {
        shape: ProbeShape::OneByte,
        took: Duration::from_millis(12),
        judgement: Judgement { verdict, reason },
        result: Ok(answer),
    };
    let old = |age| {
        seen(
            Verdict::Outdated,
            Reason::StillServed,
            Answer {
                status: 206,
                etag: Some(Etag { weak: false, tag: "9f86d081884c7d659a2feaa0c55ad015".into() }),
                age: Some(age),
                total_length: Some(37_000),
                cache: CacheStatus::Hit,
                pop: Some("IAD".into()),
                ..Answer::default()
            },
        )
    };
    let gone = seen(
        Verdict::Cleared,
        Reason::NotFound,
        Answer { status: 404, cache: CacheStatus::Miss, ..Answer::default() },
    );
    let run = |run, sightings, from, to, first: Evidence, last: Evidence| SightingRun {
        place: place.clone(),
        url: url.to_owned(),
        variant: AcceptVariant::None,
        run,
        sightings,
        first_at: noon() + Duration::from_secs(from),
        last_at: noon() + Duration::from_secs(to),
        first,
        last,
    };
    vec![run(0, 4, 1, 4, old(408), old(411)), run(1, 1, 6, 6, gone.clone(), gone)]
}

/// Three orders, newest first.
pub fn activity() -> Vec<ActivityRow> {
    let operation = |n: u128, verb, secs, command: &str| Operation {
        id: OperationId(uuid::Uuid::from_u128(n)),
        verb,
        scope: watch(0).scope,
        member: MemberId(uuid::Uuid::from_u128(1)),
        at: noon() - Duration::from_secs(secs),
        command_line: command.into(),
        note: (n == 2).then(|| "ticket 4711".to_owned()),
        invalidate: true,
    };
    let row = |operation: Operation, by: &str, label: &str, items, failed| ActivityRow {
        operation,
        by: by.into(),
        from: None,
        label: label.into(),
        items,
        accepted: items - failed,
        failed,
        invalidation: None,
        ended: None,
    };
    let ending = |outcome, sentence: &str| {
        Some(Ending { outcome, at: noon(), sentence: sentence.to_owned() })
    };
    let mut newest = row(
        operation(1, Verb::Delete, 40, "allclear rm press/2026/hero"),
        "ann@host",
        "press/2026/hero",
        1,
        0,
    );
    newest.invalidation = Some(watch(0).id);
    let mut renamed = row(
        operation(
            2,
            Verb::Rename,
            4_000,
            "allclear rename shop/sofa shop/couch --note 'ticket 4711'",
        ),
        "bob@bastion",
        "shop/sofa",
        1,
        0,
    );
    renamed.ended = ending(Outcome::AllClear, "all clear: 8 of 8 caches reached");
    renamed.invalidation = Some(InvalidationId(uuid::Uuid::from_u128(9)));
    let purge = operation(3, Verb::Purge, 90_000, "allclear purge --prefix catalog/");
    let purged = row(purge, "ann@host", "catalog/item-0001 and 39 more", 40, 2);
    vec![newest, renamed, purged]
}

/// Three jobs: one under way, one interrupted, one over with failures.
pub fn job_rows() -> Vec<JobRow> {
    let mut rows: Vec<JobRow> = activity()
        .into_iter()
        .map(|row| JobRow {
            operation: row.operation,
            by: row.by,
            from: None,
            label: row.label,
            state: JobState::Done,
            wish: crate::domain::job::Wish::Run,
            wished_by: None,
            wished_at: None,
            counts: JobCounts {
                accepted: row.accepted,
                failed: row.failed,
                ..JobCounts::default()
            },
            run_by: None,
            resumable: true,
            not_before: None,
            wait: None,
            stopped: None,
            run_since: noon() - Duration::from_secs(20),
            settled_before: 0,
            started_at: None,
            ended_at: None,
            invalidation: row.invalidation,
        })
        .collect();
    rows[0].state = JobState::Running;
    rows[0].run_by = Some("ann@host 4711".into());
    rows[0].counts = JobCounts { accepted: 100, sent: 4, intended: 96, ..JobCounts::default() };
    rows[1].state = JobState::Interrupted;
    rows[1].counts = JobCounts { accepted: 2, intended: 10, ..JobCounts::default() };
    rows
}

/// Renames by old name, for jobs.
pub fn no_renames() -> BTreeMap<AssetKey, AssetKey> {
    BTreeMap::new()
}
