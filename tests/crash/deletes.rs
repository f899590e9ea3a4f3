//! Deletes: no name is deleted twice, however often the process dies.

use std::collections::BTreeMap;
use std::time::Duration;

use super::middleman::{Manners, Middleman, Stage};
use super::purge::Seen;
use super::{Dice, finish, journal, start, until};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

const ASSETS: usize = 700;
const KILLS: usize = 20;

#[test]
fn hundreds_of_deletes_are_each_carried_out_once() {
    let assets = ASSETS.to_string();
    let cloud = CloudProcess::with_control("", &["--assets", &assets, "--edges", "1"]);
    let direct = Home::new(cloud.url());
    let list = ["ls", "--limit", "100000", "--columns", "id", "--no-header"];
    let listed = direct.run(&list).expect(0).stdout;
    let ids = listed.lines().map(|line| line.trim().to_owned()).take(ASSETS).collect::<Vec<_>>();
    let count = ids.len().to_string();

    let middleman = Middleman::before(cloud.api());
    let home = Home::new(&middleman.url(cloud.url()));
    let file = home.file("ids.txt", ids.join("\n").as_bytes());
    let order = [
        "rm",
        "--from",
        &file,
        "--confirm",
        &count,
        "--no-invalidate",
        "--api",
        "upload",
        "--quiet",
    ];
    let (mut dice, mut seen, mut job) = (Dice(0xdead_2026), Seen::default(), String::new());
    for kill in 0..KILLS {
        let after = Duration::from_millis(10 + dice.below(20));
        middleman.behave(Manners { after, ..Manners::default() });
        let mut child = if kill == 0 {
            start(&home, &order)
        } else {
            start(&home, &["jobs", "resume", &job, "--quiet"])
        };
        let wanted = 3 + usize::try_from(dice.below(10)).expect("small");
        let alive = until(&mut child, || middleman.reached(Stage::Delivered) >= wanted);
        assert!(alive, "kill {kill} came too late: the job was done");
        let came_upon = middleman.kill(&mut child);
        if job.is_empty() {
            let jobs = finish(&home, &["jobs", "--json"]).expect(0).json();
            job = jobs["jobs"][0]["operation"].as_str().expect("an ID").to_owned();
        }
        seen.take(&middleman, &came_upon, &journal::states(home.folder.path()));
    }
    middleman.behave(Manners::default());
    finish(&home, &["jobs", "resume", &job]).expect(0);
    println!(
        "crash: {KILLS} kills of deletes, {} with a call in flight, {} between an accepted answer and its record",
        seen.with_call_in_flight, seen.between_answer_and_record
    );
    assert!(seen.with_call_in_flight >= KILLS / 2, "{}", seen.with_call_in_flight);

    let mut carried_out = BTreeMap::<String, usize>::new();
    for call in middleman.books().calls.iter().filter(|call| call.done) {
        assert_eq!(call.action, "destroy");
        *carried_out.entry(call.public_id.clone()).or_default() += 1;
    }
    assert_eq!(carried_out.len(), ids.len(), "none is lost");
    assert!(carried_out.values().all(|times| *times == 1), "none is deleted twice");
    let refused = middleman.books().calls.iter().filter(|call| !call.done).count();
    assert_eq!(refused, 0, "storage was asked first, so no name was deleted that was gone");
    let states = journal::states(home.folder.path());
    assert!(states.values().all(|state| state == "accepted"), "{states:?}");
    assert_eq!(direct.run(&list).expect(0).stdout.trim(), "", "storage holds none of them");
}
