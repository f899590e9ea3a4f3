//! A tracker that is killed again and again: somebody else goes on within seconds, with everything that was written.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::cluster::Cluster;
use super::{Worker, is_long, member, run, signal};
use crate::support::cloud::CloudProcess;
use crate::support::http;

/// Takeover takes no longer where nothing else wants the machine.
const WITHIN: Duration = Duration::from_secs(5);
/// Purges reach no cache until this is over: however long the kills take, there is nothing to be clear about.
const KEPT: &str = "[[fault]]\nid = \"kept\"\nedge = \"*\"\nkind = \"stuck\"\n";

#[test]
fn a_tracker_that_is_killed_again_and_again_loses_nothing() {
    let Some(cluster) = Cluster::start() else { return };
    let kills = if is_long() { 50 } else { 8 };
    let flags = ["--assets", "30", "--edges", "2", "--propagation", "0s..100ms"];
    let cloud = CloudProcess::with_control(KEPT, &flags);
    let journal = cluster.fresh();
    let database = journal.rsplit('/').next().and_then(|it| it.split('?').next()).expect("a name");
    let ana = member(&cloud, &journal);
    let hosts = [(); 2].map(|()| member(&cloud, &journal));
    run(&ana, &["pending"]).expect(0); // makes the schema
    let mut holder = Worker::start(&hosts[0]);
    run(&ana, &["purge", "press/2026/hero", "--yes", "--no-wait"]).expect(0);
    holder.until("taken_up");
    let written = || {
        let sum = "SELECT COALESCE(SUM(sightings), 0) FROM allclear.sighting";
        cluster.ask(database, sum).parse::<u64>().expect("a number")
    };
    let (mut seen, mut longest, mut late) = (0, Duration::ZERO, 0);
    for kill in 0..kills {
        let mut next = Worker::start(&hosts[(kill + 1) % 2]);
        // it has looked at least once more than whoever was killed before
        let since = Instant::now();
        while written() <= seen && since.elapsed() < Duration::from_secs(30) {
            std::thread::sleep(Duration::from_millis(50));
        }
        seen = written();
        signal(&holder.child, Signal::KILL);
        holder.child.wait().expect("our own child");
        let died = Instant::now();
        assert!(written() >= seen, "what was written stays");
        next.until("taken_up");
        longest = longest.max(died.elapsed());
        late += usize::from(died.elapsed() > WITHIN);
        assert!(written() >= seen, "{seen} sightings were written at kill {kill}");
        assert_eq!(
            run(&ana, &["pending", "--json"]).json()["invalidations"].as_array().map(Vec::len),
            Some(1),
            "no all clear while caches hold the old copy"
        );
        holder = next;
    }
    let api = cloud.api().trim_start_matches("http://");
    let over = http::ask(api, "DELETE", "/_local/fault/kept", &[("Host", api)], "");
    assert_eq!(over.expect("the cloud answers").status, 200, "purges arrive now");
    let ended = holder.until("ended");
    assert!(ended["message"].as_str().is_some_and(|it| it.starts_with("all_clear")), "{ended}");
    let told = http::get(&format!("{}/_local/invalidations", cloud.api()));
    let told: Value = serde_json::from_slice(&told.body).expect("JSON");
    assert!(told["invalidations"][0]["cleared_at_ms"].is_u64(), "the caches are clear: {told}");
    assert_eq!(holder.stop()["held"], 0);
    println!(
        "team: tracker killed {kills} times, taken over within {longest:.1?}, {late} later than {WITHIN:?}"
    );
    assert!(
        longest < 2 * WITHIN,
        "{longest:?}: a loaded machine takes its time, but not that long"
    );
}
