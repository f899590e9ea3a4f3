//! Opening the console on a journal with years of a team in it, against an empty one.

use std::time::{Duration, Instant};

use super::cluster::Cluster;
use super::{is_long, member, run};
use crate::pty::terminal::Terminal;
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

const PENDING: u32 = 10_000;

/// Ended orders, and pending ones that somebody else tracks, of the cloud that the journal knows already. Each pending
/// one has the picture of a real one.
fn fill(cluster: &Cluster, database: &str, ended: u32) {
    let all = ended + PENDING;
    let id = |kind: &str| format!("lpad(to_hex(i), 8, '0') || '-{kind}-7000-8000-000000000000'");
    let (operation, invalidation) = (id("0000"), id("1111"));
    let texts = [
        "INSERT INTO member (id, user_name, host, pid, realm, started_at, seen_at) \
         VALUES ('01890000-0000-7000-8000-000000000000', 'eve', 'dc-9', 1, 'elsewhere', 0, 9000000000000)"
            .to_owned(),
        format!(
            "INSERT INTO operation (id, cloud, member, verb, ordered_at, command_line, invalidate, label, items) \
             SELECT {operation}, (SELECT cloud FROM operation LIMIT 1), '01890000-0000-7000-8000-000000000000', 'purge', \
             1790000000000 + i, 'purge', 1, 'press/' || i, 1 FROM generate_series(1, {all}) AS i"
        ),
        format!(
            "INSERT INTO invalidation (id, operation, terms, not_covered, holder, lease_until, outcome, ended_at, sentence) \
             SELECT {invalidation}, {operation}, '{{}}', '[]', \
             CASE WHEN i <= {PENDING} THEN '01890000-0000-7000-8000-000000000000' END, \
             CASE WHEN i <= {PENDING} THEN 9000000000000 ELSE 0 END, CASE WHEN i > {PENDING} THEN 'all_clear' END, \
             CASE WHEN i > {PENDING} THEN 1790000000000 + i END, CASE WHEN i > {PENDING} THEN 'all clear' END \
             FROM generate_series(1, {all}) AS i"
        ),
        format!(
            "INSERT INTO snapshot (invalidation, taken_at, picture) SELECT {invalidation}, 1790000000000 + i, \
             (SELECT picture FROM snapshot LIMIT 1) FROM generate_series(1, {PENDING}) AS i"
        ),
        format!(
            "INSERT INTO job (operation, terms, wish, lease_until, fencing, run_since, settled_before, ended_at) \
             SELECT {operation}, '{{\"api_path\":\"explicit\",\"overwrite\":false,\"resumable\":true}}', 'run', 0, 1, i, 0, \
             1790000000000 + i FROM generate_series(1, {all}) AS i"
        ),
        "ANALYZE".to_owned(),
    ];
    for text in texts {
        cluster.ask(database, &format!("SET search_path TO allclear; {text}"));
    }
}

/// How long the console takes until it shows assets, and until it tells of all that is pending beside them.
fn opens((home, journal): &(Home, String), pending: u32) -> (Duration, Duration) {
    let environment = [("CLOUDINARY_URL", home.cloudinary_url.as_str())];
    let began = Instant::now();
    let terminal =
        Terminal::start(120, 40, &["--journal", journal], &environment, home.folder.path());
    terminal.wait_for("press/2026/hero");
    let shown = began.elapsed();
    if pending > 0 {
        terminal.wait_for(&format!("Pending {pending}"));
    }
    (shown, began.elapsed())
}

/// The shortest of some: what a machine adds that has more to do is left out.
fn shortest(times: usize, take: impl Fn() -> (Duration, Duration)) -> (Duration, Duration) {
    (0..times).map(|_| take()).min().expect("some")
}

#[test]
fn years_of_a_team_make_no_console_slower_to_open() {
    let Some(cluster) = Cluster::start() else { return };
    let cloud = CloudProcess::start(&["--assets", "30", "--edges", "2"]);
    let [empty, full] = [(); 2].map(|()| member(&cloud, &cluster.fresh()));
    for journal in [&empty, &full] {
        run(journal, &["purge", "press/2026/hero", "--yes"]).expect(0);
    }
    let ended = if is_long() { 1_000_000 } else { 50_000 };
    let database = full.1.rsplit('/').next().and_then(|it| it.split('?').next()).expect("a name");
    fill(&cluster, database, ended);
    let listed = |member: &(Home, String)| {
        let began = Instant::now();
        let ran = run(member, &["pending", "--json"]).expect(0);
        (began.elapsed(), ran.json()["invalidations"].as_array().map_or(0, Vec::len))
    };
    let (none, many) = (listed(&empty), listed(&full));
    assert_eq!((none.1, many.1), (0, PENDING as usize));
    let times = if is_long() { 5 } else { 3 };
    let (before, _) = shortest(times, || opens(&empty, 0));
    let (after, told) = shortest(times, || opens(&full, PENDING));
    let ratio = after.as_secs_f64() / before.as_secs_f64();
    println!(
        "team: the console opens in {after:.2?} with {ended} ended and {PENDING} pending, in {before:.2?} without: {ratio:.2}; \
         all that is pending is told after {told:.2?}, `pending --json` in {:.2?} and {:.2?}",
        many.0, none.0
    );
    assert!(ratio < 2.0, "{ratio}: within twice its time on an empty journal");
}
