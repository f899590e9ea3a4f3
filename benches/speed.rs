//! What the console does most, timed in this process: `cargo bench --bench speed [PART]`.
//!
//! Each part runs for about a second after a warm-up; the median of many runs is told. Absolute figures are of one
//! machine: compare two builds on the same one.

use std::hint::black_box;
use std::time::{Duration, Instant};

use allclear::app::action::SortBy;
use allclear::app::keymap::KeyOverrides;
use allclear::app::state::{App, Env, Look, Setup};
use allclear::domain::account::{Account, InvalidationKind};
use allclear::domain::asset::{Asset, AssetKey};
use allclear::domain::asset_rows::{Chunk, RowStore};
use allclear::domain::confidence::Confidence;
use allclear::domain::coverage::{Call, CoverageFacts, coverage};
use allclear::domain::delivery_url::DeliveryUrl;
use allclear::domain::purge::Risk;
use allclear::domain::time::{Moment, Timestamp};
use allclear::runtime::painter::Painter;
use allclear::screens::assets::rows::{Filter, PendingNames, arrange, arrange_within};
use allclear::screens::shell;
use allclear::ui::theme::Depth;
use allclear::ui::theme_file::Themes;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

#[path = "speed/probes.rs"]
mod probes;
#[path = "speed/tracking.rs"]
mod tracking;

const MILLION: u64 = 1_000_000;
const PAGE: u64 = 500;

fn main() {
    // cargo bench passes flags of its own
    let mut words = std::env::args().skip(1).filter(|argument| !argument.starts_with('-'));
    let wanted = words.next();
    if wanted.as_deref() == Some("probes") {
        return probes::probes(&words.collect::<Vec<_>>()); // needs servers: only where it is asked for
    }
    println!("| what | median | each |\n|---|---:|---:|");
    let parts: [(&str, fn()); 8] = [
        ("rows", rows),
        ("frame", frame),
        ("coverage", coverage_of_urls),
        ("headers", headers),
        ("verdicts", tracking::verdicts),
        ("scheduler", tracking::scheduler),
        ("journal", tracking::journal),
        ("small", small_list),
    ];
    for (name, part) in parts {
        if wanted.as_ref().is_none_or(|wanted| name.contains(wanted.as_str())) {
            part();
        }
    }
}

/// Times `work`, which does `each` things, and tells the median.
fn time<T>(what: &str, each: u64, mut work: impl FnMut() -> T) {
    black_box(work());
    let began = Instant::now();
    let mut times = Vec::new();
    while times.len() < 5 || (began.elapsed() < Duration::from_secs(1) && times.len() < 10_000) {
        let at = Instant::now();
        black_box(work());
        times.push(at.elapsed());
    }
    times.sort();
    let median = times[times.len() / 2];
    let nanos = median.as_nanos() / u128::from(each.max(1));
    println!("| {what} | {median:.3?} | {nanos} ns |");
}

fn asset(n: u64) -> Asset {
    let teams = ["marketing", "press", "product", "brand", "social", "store", "docs", "events"];
    let things = ["hero", "banner", "thumb", "logo", "packshot", "icon", "trailer", "map"];
    let pick = |of: &[&'static str; 8], by: u64| of[usize::try_from(n * by % 8).unwrap_or(0)];
    let folder = format!("{}/{}/autumn", pick(&teams, 7), 2019 + n * 13 % 8);
    let title = format!("{}-{n:06}", pick(&things, 5));
    let name = format!("{folder}/{title}");
    let version = 1_600_000_000 + n * 7919 % 180_000_000;
    let url = format!("https://res.cloudinary.com/demo/image/upload/v{version}/{name}.jpg");
    Asset {
        key: AssetKey::image(name.parse().expect("a name that follows the rules")),
        asset_id: Some(format!("{:032x}", u128::from(n) * 0x9e37_79b9_7f4a_7c15)),
        version,
        format: Some("jpg".to_owned()),
        bytes: 20_000 + n * 31 % 4_000_000,
        width: Some(1600),
        height: Some(900),
        etag: None,
        created_at: i64::try_from(version).ok().and_then(|at| Timestamp::from_second(at).ok()),
        asset_folder: Some(folder),
        display_name: Some(title),
        tags: Vec::new(),
        secure_url: Some(url),
        placeholder: false,
    }
}

fn store(count: u64) -> RowStore {
    let mut rows = RowStore::default();
    for first in (0..count).step_by(usize::try_from(PAGE).unwrap_or(500)) {
        let page: Vec<Asset> = (first..first + PAGE.min(count - first)).map(asset).collect();
        rows.push_page(&page);
    }
    rows
}

fn rows() {
    let page: Vec<Asset> = (0..PAGE).map(asset).collect();
    time("a page of 500 is packed", PAGE, || Chunk::of(&page));
    let rows = store(MILLION);
    let bytes: usize = rows.chunks().map(|(_, chunk)| chunk.to_bytes().len()).sum();
    let each = bytes as u64 / MILLION;
    println!("| a million rows | {} MiB | {each} bytes |", bytes >> 20);
    time("a million rows to bytes", MILLION, || {
        rows.chunks().map(|(_, chunk)| chunk.to_bytes().len()).sum::<usize>()
    });
    let packed: Vec<Vec<u8>> = rows.chunks().map(|(_, chunk)| chunk.to_bytes()).collect();
    time("a million rows from bytes", MILLION, || {
        packed.iter().filter_map(|bytes| Chunk::from_bytes(bytes)).count()
    });
    let last = asset(MILLION - 1).key;
    time("the last of a million is found", 1, || rows.find(&last));
    time("36 rows are read", 36, || (500_000..500_036).filter_map(|row| rows.get(row)).count());

    let (server, nothing) = ((SortBy::Server, false), PendingNames::default());
    for typed in
        ["h", "he", "hero", "hero-01", "press 2024", "!press", "'Hero", "~hro01", "nowhere"]
    {
        let filter = Filter::new(typed);
        let found = arrange(&rows, &filter, server, &nothing).len();
        let what = format!("filter `{typed}` over a million ({found} match)");
        time(&what, MILLION, || arrange(&rows, &filter, server, &nothing));
    }
    let view = arrange(&rows, &Filter::new("hero"), server, &nothing);
    let narrower = Filter::new("hero-01");
    let what = format!("`hero` narrowed to `hero-01` ({} looked through)", view.len());
    time(&what, view.len() as u64, || {
        arrange_within(&rows, Some(&view), &narrower, server, &nothing, &|| false)
    });
    for (by, name) in [(SortBy::Name, "name"), (SortBy::Age, "age"), (SortBy::Size, "size")] {
        let what = format!("a million sorted by {name}");
        time(&what, MILLION, || arrange(&rows, &Filter::default(), (by, false), &nothing));
    }
}

/// The console with `count` assets loaded.
fn console(count: u64) -> App {
    let setup = Setup {
        profile: "demo".into(),
        cloud_name: "demo".into(),
        risk: Risk::Local,
        read_only: false,
        loopback: true,
        confidence: Confidence::Quick,
        me: "ann@host".into(),
        banner: None,
    };
    let now = Timestamp::from_second(1_795_000_000).unwrap_or_default();
    let env = Env::new(setup, now, Moment::from_origin(Duration::from_secs(1000)), (120, 36));
    let look = Look { ascii: false, depth: Depth::True };
    let mut app = App::new(env, Themes::built_in(), "default", look, &KeyOverrides::new());
    app.assets.rows = store(count);
    app.assets.view = (0..u32::try_from(count).unwrap_or(0)).collect();
    app
}

fn drawn(app: &App) -> Buffer {
    let mut frame = Buffer::empty(Rect::new(0, 0, 120, 36));
    shell::draw(app, &mut frame);
    frame
}

fn frame() {
    let mut app = console(100_000);
    let mut frame = Buffer::empty(Rect::new(0, 0, 120, 36));
    time("a frame of 120x36 is built", 1, || {
        frame.reset();
        shell::draw(&app, &mut frame).cursor
    });
    let mut steps = |what: &str, cursor: [usize; 2], offset: [usize; 2]| {
        let frames = [0, 1].map(|at| {
            (app.assets.cursor, app.assets.offset) = (cursor[at], offset[at]);
            drawn(&app)
        });
        let mut painter = Painter::new("xterm-256color");
        let (mut at, mut bytes, mut count) = (0, 0, 0_usize);
        time(what, 1, || {
            at = 1 - at;
            let picture = painter.take(&frames[at], &[]);
            let new = painter.paint(picture, None).len();
            if count > 0 {
                bytes += new; // the first is whole
            }
            count += 1;
        });
        println!("| {what}: bytes | {} | |", bytes / count.saturating_sub(1).max(1));
    };
    steps("the cursor moves a row", [10, 11], [0, 0]);
    steps("the list scrolls a row", [500, 501], [471, 472]);
    steps("the list turns a page", [500, 530], [471, 501]);
}

/// A list of the usual size, as it is filtered while typing.
fn small_list() {
    let rows = store(1_000);
    let (server, nothing) = ((SortBy::Server, false), PendingNames::default());
    let filter = Filter::new("hero");
    time("filter `hero` over a thousand", 1_000, || arrange(&rows, &filter, server, &nothing));
}

fn coverage_of_urls() {
    let account = Account {
        cloud_name: "demo".to_owned(),
        invalidation: InvalidationKind::default(),
        bulk_invalidation: None,
        own_hosts: Vec::new(),
        local: None,
    };
    let key = asset(1).key;
    let url = format!(
        "https://res.cloudinary.com/demo/image/upload/w_300,c_fill/v17/{}.jpg",
        key.public_id
    );
    time("a delivery URL is read", 1, || DeliveryUrl::parse(&url, &account));
    let Ok(read) = DeliveryUrl::parse(&url, &account) else { return };
    let facts = CoverageFacts::unchanged(&key, Some(17));
    time("its coverage is told", 1, || coverage(&read, &facts, &account, Call::Explicit));
}

fn headers() {
    let mut headers = hyper::HeaderMap::new();
    for (name, value) in [
        ("age", "412"),
        ("etag", "\"9bb58f26192e4ba00f01e2e7b136bbd8\""),
        ("content-range", "bytes 0-0/52144"),
        ("x-cache", "HIT, MISS"),
        ("x-served-by", "cache-fra-etou8220021-FRA, cache-lhr7330-LHR"),
        (
            "server-timing",
            "cld-fastly;dur=2;cpu=1;start=2026-11-21T12:00:00.000Z;desc=hit,rtt;dur=12",
        ),
        ("cache-control", "public, no-transform, immutable, max-age=2592000"),
        ("vary", "Accept,User-Agent"),
    ] {
        headers.insert(name, hyper::header::HeaderValue::from_static(value));
    }
    let now = Timestamp::from_second(1_795_000_000).unwrap_or_default();
    time("an edge's answer is read", 1, || {
        allclear::adapters::http_prober::read_head(206, &headers, now)
    });
}
