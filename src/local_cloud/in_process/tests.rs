use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::adapters::http_prober::{HttpProber, read_head};
use crate::domain::place::{Place, Vantage};
use crate::domain::sighting::{AcceptVariant, ProbeFailure, ProbeShape, Sighting};
use crate::domain::time::from_millis;
use crate::local_cloud::world::Settings;
use crate::local_cloud::world::fault::{Fault, FaultKind};
use crate::local_cloud::{Options, start};
use crate::ports::clock::Clock as _;
use crate::ports::cloud::{Cloud as _, Destroyed, ListQuery};
use crate::ports::places::Places as _;
use crate::ports::prober::{Probe, Prober as _};

const BEGAN: i64 = 1_795_262_400;

fn settings() -> Settings {
    let options = Options { assets: 3, edges: 3, traffic: 0.0, ..Options::default() };
    options.settings().unwrap()
}

fn cloud(settings: Settings, travel: Travel) -> Arc<InProcess> {
    let clock = SimulatedClock::starting_at(from_millis(BEGAN * 1000));
    InProcess::start(settings, travel, clock, BEGAN, read_head)
}

fn probe(place: &Place, path: &str, shape: ProbeShape) -> Probe {
    Probe {
        vantage: Vantage::Here,
        address: place.address,
        tls: place.tls,
        host: place.host.clone(),
        path: path.to_owned(),
        variant: AcceptVariant::None,
        shape,
        timeout: Duration::from_secs(5),
    }
}

async fn look(cloud: &InProcess, at: usize, path: &str) -> Sighting {
    let places = cloud.places("res.cloudinary.com").await.unwrap();
    cloud.probe(&probe(&places[at], path, ProbeShape::OneByte)).await
}

/// Key and path of some warm asset.
fn warm(cloud: &InProcess) -> (crate::domain::asset::AssetKey, String) {
    cloud.with(|world, _| {
        let asset = world.storage().iter().next().unwrap().clone();
        (asset.key.clone(), world.original_path(&asset))
    })
}

#[tokio::test(start_paused = true)]
async fn a_destroyed_asset_is_served_until_its_invalidation_arrives() {
    let cloud = cloud(settings(), Travel::default());
    let (key, path) = warm(&cloud);
    assert_eq!(look(&cloud, 0, &path).await.result.unwrap().status, 206);
    assert_eq!(cloud.destroy(&key, true).await, Ok(Destroyed::Ok));
    assert_eq!(cloud.stat(&key).await, Ok(None));
    let old = look(&cloud, 0, &path).await.result.unwrap();
    assert_eq!((old.status, old.pop.as_deref()), (206, Some("FRA")));
    assert!(cloud.with(|world, now| world.truth(&path, now))[0].is_outdated());
    tokio::time::sleep(Duration::from_secs(60)).await;
    let gone = look(&cloud, 0, &path).await.result.unwrap();
    assert_eq!(gone.status, 404);
    assert_eq!(gone.error, Some(format!("Resource not found - {}", key.public_id)));
    assert!(!cloud.with(|world, now| world.truth(&path, now))[0].is_outdated());
}

#[tokio::test]
async fn it_answers_as_the_real_server_does() {
    let settings = settings();
    let here = cloud(settings, Travel { loopback: true, ..Travel::default() });
    let options = Options { assets: 3, edges: 3, traffic: 0.0, ..Options::default() };
    let there = start(options).await.unwrap();
    let clock = here.clock().clone();
    let prober = HttpProber::new(Arc::new(clock));
    let (key, path) = warm(&here);
    // versions tell when each world began
    let version = path.split('/').find(|part| part.starts_with("v1")).unwrap().to_owned();
    let path = path.replace(&version, "v1");
    let derived = path.replace("/upload/", "/upload/c_fill,h_90,w_120/");
    let missing = format!("/demo/image/upload/no/{}", key.public_id);
    for (edge, place) in here.places("res.cloudinary.com").await.unwrap().iter().enumerate() {
        for path in [&path, &derived, &missing] {
            for shape in [ProbeShape::OneByte, ProbeShape::HeadersOnly, ProbeShape::Body] {
                let address = there.ready.edges[edge].url.strip_prefix("http://").unwrap();
                let probe = probe(place, path, shape);
                let other = Probe { address: Some(address.parse().unwrap()), ..probe.clone() };
                let mut one = here.probe(&probe).await.result.unwrap();
                let mut two = prober.probe(&other).await.result.unwrap();
                assert_eq!(one.peer, two.peer);
                // each world began at a time of its own
                for answer in [&mut one, &mut two] {
                    (answer.date, answer.last_modified) = (None, None);
                    (answer.created, answer.age) = (None, answer.age.map(|_| 0));
                }
                if shape == ProbeShape::Body && one.total_length.is_none() {
                    one.total_length = two.total_length; // of an empty body the client counts
                }
                assert_eq!(one, two, "{path} {shape:?}");
            }
        }
    }
    there.stop().await;
}

#[tokio::test(start_paused = true)]
async fn answers_get_lost_and_edges_fail() {
    let travel = Travel { lost_probes: 0.5, lost_calls: 1.0, ..Travel::default() };
    let mut settings = settings();
    settings.faults.push(Fault::at_edge("SIN", FaultKind::Dead));
    settings.faults.push(Fault::at_edge("IAD", FaultKind::Throttled));
    let cloud = cloud(settings, travel);
    let (key, path) = warm(&cloud);
    let mut lost = 0;
    for _ in 0..40 {
        match look(&cloud, 0, &path).await.result {
            Ok(answer) => assert_eq!(answer.status, 206),
            Err(why) => {
                assert_eq!(why, ProbeFailure::TimedOut);
                lost += 1;
            }
        }
    }
    assert!((8..32).contains(&lost), "{lost}");
    loop {
        match look(&cloud, 1, &path).await.result {
            Err(ProbeFailure::TimedOut) => {}
            Err(ProbeFailure::Broken { .. }) => break,
            other => panic!("{other:?}"),
        }
    }
    loop {
        match look(&cloud, 2, &path).await.result {
            Err(ProbeFailure::TimedOut) => {}
            Ok(answer) => {
                break assert_eq!((answer.status, answer.retry_after.is_some()), (429, true));
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(cloud.destroy(&key, true).await.unwrap_err().is_in_doubt());
    let gone = cloud.with(|world, _| world.storage().get(&key).is_none());
    assert!(gone, "it was carried out");
}

#[tokio::test(start_paused = true)]
async fn the_machine_sleeps_and_the_world_goes_on() {
    let cloud = cloud(settings(), Travel::default());
    let (key, path) = warm(&cloud);
    cloud.destroy(&key, true).await.unwrap();
    let clock = cloud.clock().clone();
    let (wall, moment) = (clock.wall(), clock.moment());
    clock.suspend(Duration::from_mins(5));
    assert_eq!(clock.moment().since(moment), Duration::from_mins(5));
    assert_eq!(clock.wall().duration_since(wall).as_secs(), 300);
    assert_eq!(look(&cloud, 2, &path).await.result.unwrap().status, 404);
    clock.set_ahead(-300_000);
    assert!(clock.wall() < wall + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn listings_go_from_page_to_page() {
    let cloud = cloud(settings(), Travel { addresses: 2, ..Travel::default() });
    let query = ListQuery::Search { expression: String::new() };
    let first = cloud.list(&query, 2, None).await.unwrap();
    let second = cloud.list(&query, 2, first.next_cursor.as_deref()).await.unwrap();
    assert_eq!((first.assets.len(), second.assets.len(), second.next_cursor), (2, 1, None));
    assert_eq!(first.total, Some(3));
    assert!(cloud.quota().unwrap().remaining < cloud.quota().unwrap().limit);
    let places = cloud.places("media.example").await.unwrap();
    assert_eq!(places.len(), 6);
    assert_eq!(places[1].id.0, "FRA@198.18.1.2:443");
    assert_eq!(cloud.edge_at(places[5].address.unwrap()), Some(2));
}
