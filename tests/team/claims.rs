//! Claims that break in the middle: nothing is claimed twice, and nothing is lost.

use std::time::Duration;

use super::cluster::Cluster;
use super::jobs::{Order, carried_out, cloud, until_job};
use super::way::{Cut, Way};
use super::{Worker, member, run};
use crate::support::home::Home;

const ASSETS: usize = 900;

/// Every asset was purged; none more often than there were calls of it in doubt.
fn is_exact(said: &[serde_json::Value], books: &std::collections::BTreeMap<String, usize>) {
    let items = said.iter().filter(|event| event["event"] == "item").collect::<Vec<_>>();
    let in_doubt = |item: &&&serde_json::Value| item["message"].is_string();
    let doubts = items.iter().filter(in_doubt).count();
    let again = books.values().map(|times| times - 1).sum::<usize>();
    assert_eq!(books.len(), ASSETS, "no item was lost");
    assert!(again <= doubts, "{again} sent twice, {doubts} were in doubt");
    println!("team: {ASSETS} items, {doubts} in doubt, {again} sent once more");
}

#[test]
fn claims_whose_commit_is_cut_off_are_neither_lost_nor_made_twice() {
    let Some(cluster) = Cluster::start() else { return };
    let (cloud, ids) = cloud(ASSETS);
    let url = cluster.fresh();
    let cuts = [Cut::Before, Cut::After, Cut::Before, Cut::After];
    let way = Way::with_cuts(cluster.address(), &cuts);
    let cut = url.replace(&cluster.address().to_string(), &way.address.to_string());
    let (near, far) = (member(&cloud, &url), member(&cloud, &cut));
    run(&near, &["pending"]).expect(0); // makes the schema
    let worker = Worker::start(&far);
    let order = Order::start(&near, &ids);
    let said = order.ends();
    assert!(way.to_come() <= 2, "{} claims were never made", way.to_come());
    let (books, _) = carried_out(&cloud);
    is_exact(&said, &books);
    let items = said.iter().filter(|event| event["event"] == "item");
    assert!(items.clone().all(|item| item["state"] == "accepted"));
    assert_eq!(items.count(), ASSETS);
    worker.stop();
}

#[test]
fn a_database_that_dies_in_the_middle_of_a_claim_loses_no_item() {
    let Some(mut cluster) = Cluster::start() else { return };
    let (cloud, ids) = cloud(ASSETS);
    let url = cluster.fresh();
    let way = Way::with_cuts(cluster.address(), &[Cut::Held]);
    let cut = url.replace(&cluster.address().to_string(), &way.address.to_string());
    let (near, far): ((Home, String), _) = (member(&cloud, &url), member(&cloud, &cut));
    run(&near, &["pending"]).expect(0); // makes the schema
    let worker = Worker::start(&far);
    let _order = Order::start(&near, &ids);
    let since = std::time::Instant::now();
    while way.to_come() > 0 {
        assert!(since.elapsed() < Duration::from_secs(120), "nobody claims anything there");
        std::thread::sleep(Duration::from_millis(5));
    }
    cluster.kill();
    cluster.revive();
    // whoever is there goes on with it, the worker where its console gave up
    let over = until_job(&near, "it goes on", |job| job["state"] == "done");
    assert_eq!(over["items"]["accepted"], ASSETS, "{over}");
    let (books, times) = carried_out(&cloud);
    assert_eq!(books.len(), ASSETS, "no item was lost");
    let again = books.values().map(|times| times - 1).sum::<usize>();
    assert!(again <= super::jobs::CAP, "{again} were sent twice: more than were under way");
    println!("team: {ASSETS} items, {} calls, {again} sent once more", times.len());
    worker.stop();
}
