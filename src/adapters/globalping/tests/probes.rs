//! What is asked, of whom, how often, and what it costs.

use serde_json::json;

use super::mock::{Canned, serving};
use super::*;
use crate::domain::sighting::CacheStatus;

#[tokio::test(start_paused = true)]
async fn a_probe_is_one_measurement_of_one_location() {
    let (prober, world) = usual();
    let probe = Probe {
        variant: AcceptVariant::Avif,
        path: "/demo/image/upload/f_auto/v7/shoe.jpg?x=1&y=%26".to_owned(),
        ..probe_from("frankfurt")
    };
    let seen = prober.probe(&probe).await;
    let answer = seen.result.unwrap();
    assert_eq!((answer.status, answer.age, answer.total_length), (206, Some(12), Some(184_233)));
    assert_eq!((answer.cache, answer.pop.as_deref()), (CacheStatus::Hit, Some("FRA")));
    assert_eq!(answer.peer, Some("203.0.114.7".parse().unwrap()));
    assert_eq!((seen.variant, seen.shape), (AcceptVariant::Avif, ProbeShape::OneByte));
    let took = seen.received.since(seen.sent);
    assert!((1..4).contains(&took.as_secs()), "{took:?}");
    assert_eq!(
        lock(&world).created(),
        [json!({
            "type": "http", "target": "res.cloudinary.com", "timeout": 10, "inProgressUpdates": false,
            "locations": [{ "magic": "frankfurt", "limit": 1 }],
            "measurementOptions": { "protocol": "HTTPS", "ipVersion": 4, "request": {
                "method": "GET", "path": "/demo/image/upload/f_auto/v7/shoe.jpg", "query": "x=1&y=%26",
                "headers": { "Accept-Encoding": "identity", "Accept": "image/avif,image/webp",
                    "Range": "bytes=0-0" } } },
        })]
    );
}

#[tokio::test(start_paused = true)]
async fn a_plain_get_has_neither_range_nor_accept_and_http_is_http() {
    let (prober, world) = usual();
    let shape = ProbeShape::HeadersOnly;
    prober.probe(&Probe { shape, tls: false, ..probe_from("tokyo") }).await.result.unwrap();
    let created = lock(&world).created();
    let options = &created[0]["measurementOptions"];
    assert_eq!(options["protocol"], "HTTP");
    assert_eq!(options["request"]["headers"], json!({ "Accept-Encoding": "identity" }));
}

#[tokio::test(start_paused = true)]
async fn a_pinned_address_is_the_target_and_must_be_the_one_that_answers() {
    let (prober, world) = usual();
    let at = |address: &str| Probe {
        address: Some(address.parse().unwrap()),
        ..probe_from("frankfurt")
    };
    assert_eq!(prober.probe(&at("203.0.114.7:443")).await.result.unwrap().status, 206);
    let created = lock(&world).created();
    assert_eq!(created[0]["target"], "203.0.114.7");
    assert_eq!(created[0]["measurementOptions"]["request"]["host"], "res.cloudinary.com");
    let other = prober.probe(&at("203.0.114.8:443")).await.result;
    assert_eq!(other, Err(ProbeFailure::WrongPeer { peer: "203.0.114.7".to_owned() }));
    for (address, why) in [("203.0.114.7:8443", "usual ports"), ("10.0.0.1:443", "not a public")] {
        let refused = words(prober.probe(&at(address)).await.result);
        assert!(refused.contains(why), "{refused}");
    }
    assert_eq!(lock(&world).created().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn polling_is_polite_and_asks_for_changes_only() {
    let mut world = World::new();
    world.takes = Duration::from_secs(9);
    let (network, world) = network(world, options());
    assert_eq!(tag(&look(&network.prober(), "tokyo").await), Some("9f1c"));
    let world = lock(&world);
    assert_eq!(world.rude, 0);
    assert!(world.not_modified > 10, "{}", world.not_modified);
    let reads: Vec<Duration> =
        world.log.iter().filter(|l| l.line.contains("/m000")).map(|l| l.at).collect();
    assert!(reads.windows(2).all(|pair| pair[1] >= pair[0] + Duration::from_millis(500)));
}

#[tokio::test(start_paused = true)]
async fn the_same_probe_is_asked_again() {
    let (prober, world) = usual();
    look(&prober, "frankfurt").await.unwrap();
    look(&prober, "tokyo").await.unwrap();
    lock(&world).probes[0].sees = serving("new", "FRA");
    let again = look(&prober, "frankfurt").await;
    assert_eq!(tag(&again), Some("new"));
    look(&prober, "frankfurt").await.unwrap();
    let asked: Vec<_> =
        lock(&world).created().iter().map(|body| body["locations"].to_string()).collect();
    let magic = |of: &str| format!(r#"[{{"magic":"{of}","limit":1}}]"#);
    let expected = [magic("frankfurt"), magic("tokyo"), r#""m000""#.into(), r#""m002""#.into()];
    assert_eq!(asked, expected);
}

#[tokio::test(start_paused = true)]
async fn first_probes_of_one_location_share_one_probe() {
    let (prober, world) = usual();
    let asked: Vec<Probe> = (0..5)
        .map(|n| Probe { path: format!("/demo/image/upload/{n}.jpg"), ..probe_from("frankfurt") })
        .collect();
    let seen = futures_util::future::join_all(asked.iter().map(|probe| prober.probe(probe))).await;
    assert!(seen.iter().all(|seen| seen.result.is_ok()));
    let world = lock(&world);
    let by_text = world.created().iter().filter(|body| body["locations"].is_array()).count();
    assert_eq!((by_text, world.created().len()), (1, 5));
    assert_eq!(world.log.iter().filter(|l| l.line == "GET /v1/limits").count(), 1);
}

/// Its measurement has expired, or it went offline: another probe of the location looks, and every cell is told.
#[rstest::rstest]
#[case::expired(true)]
#[case::offline(false)]
#[tokio::test(start_paused = true)]
async fn another_probe_ends_every_run_of_its_place_once(#[case] expired: bool) {
    let (prober, world) = usual();
    let (one, two) =
        (probe_from("frankfurt"), Probe { path: "/b.jpg".into(), ..probe_from("frankfurt") });
    for probe in [&one, &two] {
        prober.probe(probe).await.result.unwrap();
    }
    lock(&world).probes[0].online = false;
    if expired {
        lock(&world).expire();
    } else {
        let gone = words(prober.probe(&one).await.result);
        assert!(gone.contains("Frankfurt, DE (Alpha Net) is offline"), "{gone}");
    }
    let told = words(prober.probe(&one).await.result);
    assert!(told.contains("from Frankfurt, DE (Beta Net) now"), "{told}");
    let before = lock(&world).created().len();
    let told = words(prober.probe(&two).await.result);
    assert!(told.contains("and not from Frankfurt, DE (Alpha Net)"), "{told}");
    assert_eq!(lock(&world).created().len(), before, "the second cell is told without a test");
    for probe in [&one, &two] {
        prober.probe(probe).await.result.unwrap();
    }
    let new = Probe { path: "/c.jpg".to_owned(), ..one };
    prober.probe(&new).await.result.unwrap();
    look(&prober, "tokyo").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn the_quota_is_learned_shown_and_kept() {
    let mut world = World::new();
    (world.limit, world.used) = (6, 2);
    let (network, world) = network(world, GlobalpingOptions { reserve: 2, ..options() });
    assert_eq!(network.quota().now(), None);
    let prober = network.prober();
    look(&prober, "tokyo").await.unwrap();
    let now = network.quota().now().unwrap();
    assert_eq!((now.limit, now.remaining, now.kept, now.spent), (6, 3, 2, 1));
    assert_eq!(now.to_string(), "Globalping: 3 of 6 tests left, resets in 60 min, 2 kept back");
    look(&prober, "tokyo").await.unwrap();
    let calls = lock(&world).log.len();
    for _ in 0..3 {
        let spent = look(&prober, "tokyo").await;
        assert!(matches!(spent, Err(ProbeFailure::NotAsked { .. })));
        let said = words(spent);
        assert!(
            said.starts_with(
                "2 of 6 Globalping tests are left and 2 of them are kept back; more in"
            ),
            "{said}"
        );
    }
    assert_eq!(lock(&world).log.len(), calls, "nothing is sent while nothing may be spent");
    tokio::time::sleep(Duration::from_secs(3600)).await;
    look(&prober, "tokyo").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn concurrent_probes_do_not_spend_the_reserve() {
    let mut world = World::new();
    world.limit = 10;
    let (network, world) = network(world, GlobalpingOptions { reserve: 4, ..options() });
    let prober = network.prober();
    let many = (0..20).map(|_| look(&prober, "tokyo"));
    let seen = futures_util::future::join_all(many).await;
    assert_eq!(seen.iter().filter(|seen| seen.is_ok()).count(), 6);
    assert_eq!(lock(&world).used, 6);
}

#[tokio::test(start_paused = true)]
async fn a_run_spends_no_more_than_it_may() {
    let (network, world) =
        network(World::new(), GlobalpingOptions { tests_per_run: Some(2), ..options() });
    let prober = network.prober();
    look(&prober, "tokyo").await.unwrap();
    look(&prober, "tokyo").await.unwrap();
    assert_eq!(words(look(&prober, "tokyo").await), "all 2 Globalping tests of this run are spent");
    assert_eq!(lock(&world).used, 2);
    assert!(network.quota().now().unwrap().to_string().ends_with("2 of 2 of this run spent"));
}

#[rstest::rstest]
#[case::kept(false, 2, 3)]
#[case::spent(true, 4, 1)]
#[tokio::test(start_paused = true)]
async fn credits_are_spent_only_when_they_may(
    #[case] spend_credits: bool,
    #[case] fine: usize,
    #[case] left: u64,
) {
    let mut world = World::new();
    (world.limit, world.credits) = (2, 3);
    let (network, world) =
        network(world, GlobalpingOptions { reserve: 0, spend_credits, ..options() });
    let prober = network.prober();
    let mut seen = 0;
    for _ in 0..4 {
        seen += usize::from(look(&prober, "tokyo").await.is_ok());
    }
    assert_eq!((seen, lock(&world).credits), (fine, left));
}

/// The server says that all is spent though it told otherwise before: an office shares the address.
#[tokio::test(start_paused = true)]
async fn others_may_spend_the_same_quota() {
    let (prober, world) = usual();
    look(&prober, "tokyo").await.unwrap();
    lock(&world).used = 250;
    let spent = look(&prober, "tokyo").await;
    assert!(matches!(spent, Err(ProbeFailure::NotAsked { .. })));
    assert!(words(spent).contains("all tests of this hour are spent"));
    let calls = lock(&world).log.len();
    let again = words(look(&prober, "tokyo").await);
    assert!(again.contains("asked again in 60 min"), "{again}");
    assert_eq!(lock(&world).log.len(), calls);
    tokio::time::sleep(Duration::from_secs(3600)).await;
    look(&prober, "tokyo").await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_to_wait_is_kept() {
    let (prober, world) = usual();
    let refusal =
        json!({ "error": { "type": "too_many_requests", "message": "Too many requests." } });
    lock(&world).on_create.push_back(Canned::json(429, &refusal).with("retry-after", "40"));
    let said = words(look(&prober, "tokyo").await);
    assert_eq!(said, "Globalping asks to wait; asked again in 40 s");
    tokio::time::sleep(Duration::from_secs(20)).await;
    assert_eq!(words(look(&prober, "tokyo").await), "Globalping asks to wait; asked again in 20 s");
    assert_eq!(lock(&world).created().len(), 1);
    tokio::time::sleep(Duration::from_secs(20)).await;
    look(&prober, "tokyo").await.unwrap();
}

#[rstest::rstest]
#[case::signed("res.cloudinary.com", "/demo/image/upload/s--AbCd1234--/a.jpg")]
#[case::private("res.cloudinary.com", "/demo/image/private/a.jpg")]
#[case::authenticated("media.acme.com", "/image/authenticated/a.jpg")]
#[case::token("res.cloudinary.com", "/demo/image/upload/a.jpg?__cld_token__=x")]
#[case::loopback("127.0.0.1", "/demo/image/upload/a.jpg")]
#[case::private_network("10.0.0.1", "/demo/image/upload/a.jpg")]
#[case::local_name("media.local", "/demo/image/upload/a.jpg")]
#[case::other_path("res.cloudinary.com", "/demo/image/upload/a b.jpg")]
#[case::too_long("res.cloudinary.com", &"/a".repeat(9000))]
#[tokio::test(start_paused = true)]
async fn what_a_third_party_must_not_see_is_not_sent(#[case] host: &str, #[case] path: &str) {
    let (prober, world) = usual();
    let probe = Probe { host: host.to_owned(), path: path.to_owned(), ..probe_from("tokyo") };
    let refused = prober.probe(&probe).await.result.unwrap_err();
    assert!(
        matches!(&refused, ProbeFailure::NotAsked { detail } if detail.starts_with("not asked of Globalping: "))
    );
    assert!(lock(&world).log.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_probe_of_another_vantage_is_not_taken() {
    let (prober, world) = usual();
    let probe = Probe { vantage: Vantage::Here, ..probe_from("tokyo") };
    assert!(matches!(prober.probe(&probe).await.result, Err(ProbeFailure::NotAsked { .. })));
    assert!(lock(&world).log.is_empty());
}
