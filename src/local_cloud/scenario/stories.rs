//! The scenarios that come with the program, each played with the same script: does it tell what it promises, and
//! does it tell the same twice?

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use super::*;
use crate::domain::asset::AssetKey;
use crate::local_cloud::Options;
use crate::local_cloud::world::trouble::{BodyFate, EtagStyle};
use crate::local_cloud::world::{CacheState, Response, Served, World};

const BEGAN: i64 = 1_800_000_000;
/// When the asset is deleted, and when it is purged again.
const DELETED: u64 = 10;
const AGAIN: u64 = 100;
const END: u64 = 180;

fn files() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    files
}

fn load(name: &str) -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/scenarios/{name}.toml"));
    Scenario::load(&file).unwrap_or_else(|error| panic!("{error}"))
}

/// One look at an edge.
struct Look {
    at: u64,
    edge: &'static str,
    path: usize,
    accept: AcceptVariant,
    response: Response,
}

impl Look {
    fn served(&self) -> Option<&Served> {
        match &self.response {
            Response::Served(served) => Some(served),
            _ => None,
        }
    }

    /// Serves what should be gone.
    fn is_old(&self) -> bool {
        self.served().is_some_and(|served| served.answer.status == 200)
    }
}

/// A scenario played with the script.
struct Play {
    world: World,
    looks: Vec<Look>,
    /// What the first invalidation had come to before the second.
    broken: Vec<String>,
}

impl Play {
    fn of(scenario: &Scenario, seed: Option<u64>) -> Self {
        let said = if seed.is_some() { vec!["assets", "seed"] } else { vec!["assets"] };
        let seed = seed.unwrap_or(1);
        let options = Options {
            scenario: Some(scenario.clone()),
            assets: 60,
            seed,
            said,
            ..Options::default()
        };
        let world = World::new(options.settings().unwrap(), BEGAN);
        let mut play = Self { world, looks: Vec::new(), broken: Vec::new() };
        play.act(scenario.expect.as_ref());
        play
    }

    fn act(&mut self, expect: Option<&Expect>) {
        let hero = AssetKey::image("press/2026/hero".parse().unwrap());
        let version = self.world.storage().get(&hero).unwrap().version;
        let base = "/demo/image/upload";
        let paths = [
            format!("{base}/v{version}/press/2026/hero.jpg"),
            format!("{base}/v1/press/2026/hero.jpg"),
            format!("{base}/c_fill,h_90,w_120/v{version}/press/2026/hero.jpg"),
            format!("{base}/f_auto,q_auto,w_96/v{version}/press/2026/hero.jpg"),
        ];
        for second in 0..END {
            let now = secs(second);
            match second {
                DELETED => assert!(self.world.destroy(&hero, true, now)),
                AGAIN => {
                    self.world.advance(now);
                    self.broken = expect.map(|it| it.broken(&self.world)).unwrap_or_default();
                    assert!(!self.world.destroy(&hero, true, now));
                }
                _ => {}
            }
            for edge in 0..self.world.network().edges().len() {
                for (at, path) in paths.iter().enumerate() {
                    let variants: &[_] =
                        if at == 3 { &AcceptVariant::ALL } else { &[AcceptVariant::None] };
                    for accept in variants {
                        let response = self.world.request(edge, path, *accept, now);
                        let edge = self.world.network().edges()[edge].pop.code;
                        self.looks.push(Look {
                            at: second,
                            edge,
                            path: at,
                            accept: *accept,
                            response,
                        });
                    }
                }
            }
        }
    }

    /// Everything that can be seen from outside, and everything that truly happened.
    fn trace(&self) -> String {
        let mut text = String::new();
        for look in &self.looks {
            let Look { at, edge, path, accept, .. } = look;
            write!(text, "{at} {edge} {path} {} ", accept.as_str()).unwrap();
            match &look.response {
                Response::Served(served) => {
                    let content = served.answer.content.as_ref();
                    let etag = content.map_or("-", |content| content.etag());
                    let Served { age, state, hits, delay, node, shield, body, .. } = served;
                    let status = served.answer.status;
                    writeln!(text, "{status} {etag} {age:?} {state:?} {hits} {delay:?} {node} {shield:?} {body:?}")
                        .unwrap();
                }
                other => writeln!(text, "{other:?}").unwrap(),
            }
        }
        for invalidation in self.world.invalidations() {
            writeln!(text, "{invalidation:?}").unwrap();
        }
        for entry in self.world.story().entries() {
            writeln!(text, "{entry:?}").unwrap();
        }
        text
    }

    fn looks_at<'p>(&'p self, edge: &'p str) -> impl Iterator<Item = &'p Look> {
        self.looks.iter().filter(move |look| look.edge == edge)
    }

    /// Seconds in which some look at `edge` served what should be gone, after the delete.
    fn old_at(&self, edge: &str) -> Vec<u64> {
        let mut seconds: Vec<u64> = self
            .looks_at(edge)
            .filter(|look| look.at > DELETED && look.is_old())
            .map(|look| look.at)
            .collect();
        seconds.dedup();
        seconds
    }

    fn count(&self, edge: &str, what: impl Fn(&Look) -> bool) -> usize {
        self.looks_at(edge).filter(|look| what(look)).count()
    }
}

const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[test]
fn every_scenario_tells_what_it_is_and_how_it_ends() {
    let files = files();
    assert!(files.len() >= 18, "{}", files.len());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let name = file.display();
        let scenario =
            Scenario::parse(&text, "x").unwrap_or_else(|error| panic!("{name}: {error}"));
        assert!(scenario.title.is_some(), "{name} has no title");
        let mut lines = text.lines();
        assert_eq!(lines.next(), Some("#:schema ../../docs/scenario.schema.json"), "{name}");
        let comment: Vec<&str> = lines.take_while(|line| line.starts_with('#')).collect();
        for part in ["# See: ", "Ends: "] {
            assert!(comment.iter().any(|line| line.contains(part)), "{name} says no {part}");
        }
    }
}

#[test]
fn every_scenario_keeps_what_it_promises_and_tells_the_same_twice() {
    for file in files() {
        let scenario = Scenario::load(&file).unwrap();
        let name = file.display();
        let (one, two) = (Play::of(&scenario, None), Play::of(&scenario, None));
        assert_eq!(one.broken, Vec::<String>::new(), "{name}");
        let (first, second) = (one.trace(), two.trace());
        if let Some((a, b)) = first.lines().zip(second.lines()).find(|(a, b)| a != b) {
            panic!("{name}\n{a}\n{b}");
        }
        assert_eq!(first.len(), second.len(), "{name}");
        let other = Play::of(&scenario, Some(4711)).trace();
        assert_ne!(first, other, "{name}: another seed tells another story");
    }
}

#[test]
fn stuck_edges_are_clear_when_they_are_released() {
    let play = Play::of(&load("stuck-edge"), None);
    assert_eq!(play.old_at("SIN").len() as u64, END - 1 - DELETED, "to the end");
    let play = Play::of(&load("stuck-then-released"), None);
    assert_eq!(play.old_at("NRT").last(), Some(&(DELETED + 19)));
    assert!(play.old_at("FRA").last().is_none_or(|at| *at <= DELETED + 3));
}

#[test]
fn dead_edges_reset_for_as_long_as_they_are_dead() {
    let reset = |look: &Look| matches!(look.response, Response::Reset);
    let play = Play::of(&load("dead-edge"), None);
    assert_eq!(play.count("IAD", reset), play.count("IAD", |_| true));
    assert_eq!(play.count("FRA", reset), 0);
    let play = Play::of(&load("dead-while-clearing"), None);
    let dead: Vec<u64> =
        play.looks_at("IAD").filter(|look| reset(look)).map(|look| look.at).collect();
    assert_eq!((dead.first(), dead.last()), (Some(&12), Some(&26)));
    assert!(play.old_at("IAD").iter().all(|at| *at < 12), "it cleared while nobody could see it");
    let play = Play::of(&load("all-dead"), None);
    assert!(play.looks.iter().all(reset));
}

#[test]
fn purges_get_lost_or_come_late_as_often_as_they_should() {
    let play = Play::of(&load("lost-purge"), None);
    assert_eq!(play.old_at("GRU").last().map(|at| *at <= AGAIN + 2), Some(true));
    assert!(play.old_at("GRU").contains(&(AGAIN - 1)), "until it is purged again");
    let play = Play::of(&load("lossy-network"), None);
    let (first, second) = (play.world.invalidations().next(), play.world.invalidations().nth(1));
    let lost = |one: Option<&_>| {
        let one: &crate::local_cloud::world::purge::Invalidation = one.unwrap();
        one.arrivals.iter().filter(|arrival| arrival.lost).count()
    };
    assert!((1..=5).contains(&lost(first)), "{}", lost(first));
    assert_eq!(lost(second), 0, "the minute is over");
    let play = Play::of(&load("late-purges"), None);
    let arrivals = &play.world.invalidations().next().unwrap().arrivals;
    let took = arrivals.iter().map(|arrival| arrival.due.saturating_sub(secs(DELETED)));
    let late = took.filter(|took| *took > secs(40)).count();
    assert!((1..=6).contains(&late), "{late}");
    assert!(arrivals.iter().all(|arrival| arrival.cleared_at.is_some()));
    let play = Play::of(&load("slow-edge"), None);
    assert!(play.old_at("SYD").contains(&(DELETED + 30)));
    let delay = |look: &Look| {
        look.served().is_some_and(|served| served.delay == Duration::from_millis(700))
    };
    assert_eq!(play.count("SYD", delay), play.count("SYD", |_| true));
}

#[test]
fn old_copies_come_back_once_and_are_gone_after_another_purge() {
    for (name, edge, after) in [("regress", "FRA", 4), ("late-resurrection", "LHR", 45)] {
        let play = Play::of(&load(name), None);
        let old = play.old_at(edge);
        let cache = play.world.network().edges().iter().position(|one| one.pop.code == edge);
        let arrival = play.world.invalidations().next().unwrap().arrivals[cache.unwrap()];
        let gap = arrival.regressed_at.unwrap().saturating_sub(arrival.cleared_at.unwrap());
        assert_eq!(gap, secs(after), "{name}");
        assert!(old.contains(&(AGAIN - 1)) && *old.last().unwrap() <= AGAIN + 2, "{name} {old:?}");
    }
}

#[test]
fn shields_refill_edges_with_the_old_copy_until_they_are_cleared_themselves() {
    let play = Play::of(&load("shield-refill"), None);
    for edge in play.world.network().edges() {
        let refills = play.looks_at(edge.pop.code).filter(|look| {
            look.at > DELETED && look.is_old() && look.served().unwrap().state == CacheState::Miss
        });
        let refills: Vec<&Look> = refills.collect();
        assert!(!refills.is_empty(), "{}", edge.pop.code);
        for refill in refills {
            let served = refill.served().unwrap();
            assert!(served.age > secs(refill.at), "as old as the shield's copy");
            assert_eq!(served.shield.map(|shield| shield.pop.code), Some("IAD"));
        }
        assert!(play.old_at(edge.pop.code).contains(&(AGAIN - 1)), "it is kept");
        // at the second purge the shield is clear already
        assert!(*play.old_at(edge.pop.code).last().unwrap() <= AGAIN + 1);
    }
    let play = Play::of(&load("two-shields"), None);
    let kept = |edge: &str| play.old_at(edge).contains(&(AGAIN - 1));
    let edges = ["FRA", "SIN", "IAD", "NRT", "GRU", "SYD", "LHR", "SFO"];
    assert_eq!(edges.map(kept), [false, true, false, true, false, true, false, true]);
}

#[test]
fn a_soft_purge_serves_the_old_copy_once_more_and_says_what_it_knows() {
    let play = Play::of(&load("soft-purge"), None);
    let stale: Vec<&Look> = play
        .looks_at("FRA")
        .filter(|look| look.served().is_some_and(|served| served.state == CacheState::Stale))
        .collect();
    assert_eq!(stale.iter().filter(|look| look.at < AGAIN).count(), 6, "each copy once");
    for look in stale.iter().filter(|look| look.at < AGAIN) {
        let served = look.served().unwrap();
        assert!(served.answer.status == 200 && served.age > secs(look.at));
    }
}

#[test]
fn one_node_or_one_variant_may_stay_old() {
    let play = Play::of(&load("stale-node"), None);
    let late: Vec<&Look> = play.looks_at("SIN").filter(|look| look.at > 50).collect();
    for look in &late {
        let served = look.served().unwrap();
        assert_eq!(look.is_old(), served.node == 2, "the third node, and no other");
    }
    let old = late.iter().filter(|look| look.is_old()).count();
    assert!((late.len() / 6..late.len() / 3).contains(&old), "{old} of {}", late.len());

    let play = Play::of(&load("surviving-variant"), None);
    for look in play.looks_at("NRT").filter(|look| look.at > 20) {
        let survives = look.path == 3 && look.accept == AcceptVariant::Webp;
        assert_eq!(look.is_old(), survives, "{} {} {:?}", look.at, look.path, look.accept);
    }
}

#[test]
fn headers_are_missing_or_odd_where_they_should_be() {
    let all = |play: &Play, edge: &str, what: &dyn Fn(&Served) -> bool| {
        play.looks_at(edge).all(|look| look.served().is_some_and(what))
    };
    let play = Play::of(&load("no-age"), None);
    assert!(play.looks.iter().all(|look| look.served().unwrap().ageless));
    let play = Play::of(&load("no-validators"), None);
    assert!(all(&play, "FRA", &|served| served.ageless && served.etag == EtagStyle::None));
    assert!(all(&play, "SIN", &|served| !served.ageless && served.etag == EtagStyle::Strong));
    let play = Play::of(&load("odd-etags"), None);
    assert!(all(&play, "FRA", &|served| served.etag == EtagStyle::Weak));
    assert!(all(&play, "LHR", &|served| served.etag == EtagStyle::OfNode));
    let play = Play::of(&load("clock-skew"), None);
    assert!(all(&play, "SYD", &|served| served.ahead == -300));
    assert!(all(&play, "FRA", &|served| served.ahead == 300));
}

#[test]
fn refusals_and_broken_answers_come_as_often_as_they_should() {
    let play = Play::of(&load("rate-limits"), None);
    let throttled = |look: &Look| {
        matches!(look.response, Response::Refused { status: 429, retry_after: Some(5), .. })
    };
    for look in play.looks_at("SIN") {
        let burst = (DELETED + 1..DELETED + 11).contains(&look.at)
            || (AGAIN + 1..AGAIN + 11).contains(&look.at);
        assert_eq!(throttled(look), burst, "{}", look.at);
    }
    let refused =
        play.count("GRU", |look| matches!(look.response, Response::Refused { status: 503, .. }));
    let asked = play.count("GRU", |look| {
        (DELETED + 1..DELETED + 21).contains(&look.at) || (AGAIN + 1..AGAIN + 21).contains(&look.at)
    });
    assert!((asked / 4..asked / 2).contains(&refused), "{refused} of {asked}");

    let play = Play::of(&load("broken-bodies"), None);
    for (edge, fate) in [("NRT", BodyFate::Cut), ("LHR", BodyFate::Truncated)] {
        let broken = play.count(edge, |look| look.served().is_some_and(|one| one.body == fate));
        let all = play.count(edge, |_| true);
        assert!((all / 3..all / 2).contains(&broken), "{edge}: {broken} of {all}");
    }
    assert_eq!(play.count("SFO", |look| matches!(look.response, Response::Hang(_))), 5);
}
