//! One purge of 2,000 assets, its process killed a hundred times.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::middleman::{Manners, Middleman, Stage};
use super::{Dice, finish, journal, start, until};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;
use crate::support::http;

const ASSETS: usize = 2_000;
const KILLS: usize = 100;

#[test]
fn a_purge_of_two_thousand_survives_a_hundred_kills() {
    let begun = Instant::now();
    let assets = ASSETS.to_string();
    // some of a cloud's assets are no images
    let flags = ["--assets", "2200", "--edges", "1", "--propagation", "0s..100ms"];
    let cloud = CloudProcess::with_control("", &flags);
    let direct = Home::new(cloud.url());
    let list = ["ls", "--limit", "100000", "--columns", "id", "--no-header"];
    let listed = direct.run(&list).expect(0).stdout;
    let ids = listed.lines().map(|line| line.trim().to_owned()).collect::<Vec<_>>();
    let ids = ids.into_iter().take(ASSETS).collect::<Vec<_>>();
    assert_eq!(ids.len(), ASSETS);

    let middleman = Middleman::before(cloud.api());
    let home = Home::new(&middleman.url(cloud.url()));
    let file = home.file("ids.txt", ids.join("\n").as_bytes());
    let order = [
        "purge",
        "--from",
        &file,
        "--confirm",
        &assets,
        "--verify",
        "sample",
        "--no-wait",
        "--quiet",
    ];

    let mut dice = Dice(0x5eed_2026);
    let mut seen = Seen::default();
    let mut job = String::new();
    for kill in 0..KILLS {
        // answers take their time, so that calls are in flight; every third kill comes right upon an answer
        let after = Duration::from_millis(10 + dice.below(25));
        middleman.behave(Manners { after, ..Manners::default() });
        let mut child = if kill == 0 {
            start(&home, &order)
        } else {
            start(&home, &["jobs", "resume", &job, "--no-wait", "--quiet"])
        };
        let wanted = 8 + usize::try_from(dice.below(22)).expect("small");
        let alive = until(&mut child, || middleman.reached(Stage::Delivered) >= wanted);
        assert!(alive, "kill {kill} came too late: the job was done");
        if kill % 3 != 0 {
            std::thread::sleep(Duration::from_micros(dice.below(30_000)));
        }
        let came_upon = middleman.kill(&mut child);
        if job.is_empty() {
            let jobs = direct_jobs(&home);
            job = jobs["jobs"][0]["operation"].as_str().expect("an ID").to_owned();
            assert_eq!(jobs["jobs"][0]["state"], "interrupted", "{jobs}");
        }
        seen.take(&middleman, &came_upon, &journal::states(home.folder.path()));
    }
    middleman.behave(Manners::default());
    finish(&home, &["jobs", "resume", &job, "--no-wait"]).expect(0);

    let Seen { with_call_in_flight, between_answer_and_record, .. } = seen;
    println!(
        "crash: {KILLS} kills, {with_call_in_flight} with a call in flight, {between_answer_and_record} between an \
         accepted answer and its record, in {:.0?}",
        begun.elapsed()
    );
    assert!(with_call_in_flight >= 80, "{with_call_in_flight}");
    assert!(between_answer_and_record >= 20, "{between_answer_and_record}");

    // the journal: every item has its outcome
    let states = journal::states(home.folder.path());
    assert_eq!(states.len(), ASSETS);
    assert!(states.values().all(|state| state == "accepted"), "{states:?}");
    let jobs = direct_jobs(&home);
    assert_eq!(jobs["jobs"][0]["state"], "done");
    assert_eq!(jobs["jobs"][0]["items"]["accepted"], ASSETS);
    assert_eq!(jobs["jobs"].as_array().map(Vec::len), Some(1), "one order, however often it died");

    // the cloud's own books: no item lost, and as many invalidations as calls were passed on
    let mut carried_out = BTreeMap::<String, usize>::new();
    let told = http::get(&format!("{}/_local/invalidations", cloud.api()));
    let told: Value = serde_json::from_slice(&told.body).expect("JSON");
    for one in told["invalidations"].as_array().expect("invalidations") {
        let id = one["asset"]["public_id"].as_str().expect("an asset").to_owned();
        *carried_out.entry(id).or_default() += 1;
    }
    let wanted = ids.iter().cloned().collect::<BTreeSet<_>>();
    assert_eq!(carried_out.keys().cloned().collect::<BTreeSet<_>>(), wanted);
    let mut asked = BTreeMap::<String, usize>::new();
    for call in &middleman.books().calls {
        assert!(call.done, "{call:?}");
        *asked.entry(call.public_id.clone()).or_default() += 1;
    }
    assert_eq!(carried_out, asked);
    // once for each item, and once more for each death that left it in doubt: never more
    for (id, times) in &carried_out {
        let doubts = seen.in_doubt.get(id).copied().unwrap_or_default();
        assert!(
            *times <= 1 + doubts,
            "{id} was purged {times} times and was in doubt {doubts} times"
        );
    }
    assert!(begun.elapsed() < Duration::from_secs(480));
}

fn direct_jobs(home: &Home) -> Value {
    finish(home, &["jobs", "--json"]).expect(0).json()
}

/// What kills have shown so far.
#[derive(Default)]
pub struct Seen {
    pub with_call_in_flight: usize,
    pub between_answer_and_record: usize,
    /// How often an item was left sent without an outcome.
    pub in_doubt: BTreeMap<String, usize>,
    /// Settled at an earlier death, and how many calls had been made until then.
    settled: BTreeMap<String, usize>,
}

impl Seen {
    /// Checks what the journal says after a death against what was asked of the cloud.
    pub fn take(
        &mut self,
        middleman: &Middleman,
        kill: &super::middleman::Kill,
        states: &BTreeMap<String, String>,
    ) {
        let books = middleman.books();
        let mut calls = BTreeMap::<&str, usize>::new();
        for call in &books.calls {
            *calls.entry(&call.public_id).or_default() += 1;
        }
        for (id, state) in states {
            let made = calls.get(id.as_str()).copied().unwrap_or_default();
            match state.as_str() {
                "intended" => assert_eq!(made, 0, "{id} was sent before its mark was written"),
                "sent" => *self.in_doubt.entry(id.clone()).or_default() += 1,
                _ => {
                    assert!(made > 0, "{id} is {state} and nobody asked the cloud");
                    let before = *self.settled.entry(id.clone()).or_insert(made);
                    assert_eq!(before, made, "{id} was settled, and sent again");
                }
            }
        }
        for id in self.settled.keys() {
            let now = states[id].as_str();
            assert!(!matches!(now, "intended" | "sent"), "{id} was settled and is {now}");
        }
        let sent = |id: &String| states.get(id).is_some_and(|state| state == "sent");
        self.with_call_in_flight += usize::from(!kill.in_flight.is_empty());
        self.between_answer_and_record += usize::from(kill.delivered.iter().any(sent));
    }
}
