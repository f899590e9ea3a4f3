//! Client, prober and places against the local cloud: both ends are written apart, so here they must agree.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::cloudinary::{ClientOptions, CloudinaryClient};
use super::http_prober::HttpProber;
use super::places::{LoopbackPlaces, fetch_local_edges};
use super::system_clock::SystemClock;
use crate::config::{Env, Flags, resolve};
use crate::domain::asset::{Asset, AssetKey, DeliveryType, ResourceType};
use crate::domain::place::Place;
use crate::domain::public_id::PublicId;
use crate::domain::sighting::{AcceptVariant, Answer, CacheStatus, ProbeShape};
use crate::local_cloud::{Options, Propagation, Running, start};
use crate::ports::cloud::{
    Cloud, CloudError, Destroyed, ListQuery, RenameCall, ReplaceCall, Restored,
};
use crate::ports::places::Places as _;
use crate::ports::prober::{Probe, Prober as _};

/// A small cloud without viewers, and a client for it by way of its own `CLOUDINARY_URL`.
async fn cloud(options: Options) -> (Running, CloudinaryClient) {
    let quick = Propagation { min: Duration::ZERO, max: Duration::from_millis(50) };
    let options = Options { traffic: 0.0, propagation: quick, edges: 3, ..options };
    let running = start(options).await.unwrap();
    let client = client_for(&running.ready.cloudinary_url);
    (running, client)
}

fn client_for(cloudinary_url: &str) -> CloudinaryClient {
    let home = tempfile::tempdir().unwrap();
    let env =
        Env::of([("CLOUDINARY_URL", cloudinary_url), ("HOME", home.path().to_str().unwrap())]);
    let resolved = resolve(&Flags::default(), &env).unwrap();
    CloudinaryClient::new(resolved.credentials, &resolved.api_prefix, ClientOptions::default())
        .unwrap()
}

async fn images(client: &CloudinaryClient, limit: u16) -> Vec<AssetKey> {
    let all = ListQuery::Resources {
        resource_type: ResourceType::Image,
        delivery_type: DeliveryType::Upload,
        prefix: None,
    };
    let page = client.list(&all, limit, None).await.unwrap();
    page.assets.into_iter().map(|asset| asset.key).collect()
}

fn key(id: &str) -> AssetKey {
    AssetKey::image(PublicId::from_cloud(id).unwrap())
}

async fn look(place: &Place, path: &str, shape: ProbeShape) -> Answer {
    let probe = Probe {
        vantage: place.vantage.clone(),
        address: place.address,
        tls: place.tls,
        host: place.host.clone(),
        path: path.to_owned(),
        variant: AcceptVariant::None,
        shape,
        timeout: Duration::from_secs(10),
    };
    HttpProber::new(Arc::new(SystemClock)).probe(&probe).await.result.unwrap()
}

/// Path and query of a delivery URL.
fn path_of(url: &str) -> String {
    reqwest::Url::parse(url).unwrap().path().to_owned()
}

/// Looks until the edge shows what is expected, for ten seconds.
async fn until(place: &Place, path: &str, expected: impl Fn(&Answer) -> bool) -> Answer {
    let started = Instant::now();
    loop {
        let answer = look(place, path, ProbeShape::OneByte).await;
        if expected(&answer) {
            return answer;
        }
        assert!(started.elapsed() < Duration::from_secs(10), "still {answer:?}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn an_asset_is_listed_told_of_renamed_replaced_purged_and_destroyed() {
    let (_running, client) = cloud(Options { assets: 40, ..Options::default() }).await;
    client.ping().await.unwrap();
    let quota = client.quota().expect("every Admin reply tells the quota");
    assert!(quota.remaining < quota.limit && quota.reset_at.is_some());

    let old = images(&client, 500).await.remove(0);
    let stored = client.stat(&old).await.unwrap().unwrap();
    let detail = client.detail(&old).await.unwrap();
    assert_eq!(
        (&stored.key, stored.version, stored.bytes),
        (&old, detail.asset.version, detail.asset.bytes)
    );
    assert!(stored.etag.is_some() && stored.etag == detail.asset.etag);

    let new = key("renamed/\u{e9}t\u{e9} (2026)");
    let call =
        RenameCall { from: old.clone(), to: new.clone(), overwrite: false, invalidate: true };
    let renamed = client.rename(&call).await.unwrap();
    assert_eq!((&renamed.key, &renamed.asset_id), (&new, &stored.asset_id));
    assert_eq!(client.stat(&old).await, Ok(None));
    assert!(matches!(client.rename(&call).await, Err(CloudError::NotFound { .. })));
    let taken = images(&client, 500).await.into_iter().find(|it| *it != new).unwrap();
    let onto = RenameCall { from: new.clone(), to: taken, overwrite: false, invalidate: true };
    assert!(matches!(client.rename(&onto).await, Err(CloudError::Conflict { .. })));

    let file = tempfile::NamedTempFile::with_suffix(".png").unwrap();
    image::RgbImage::from_pixel(7, 5, image::Rgb([9, 9, 9])).save(file.path()).unwrap();
    let bytes = file.as_file().metadata().unwrap().len();
    let call = ReplaceCall { key: new.clone(), file: file.path().to_owned(), invalidate: true };
    let replaced = client.replace(&call).await.unwrap();
    assert_eq!((&replaced.key, replaced.bytes, replaced.width), (&new, bytes, Some(7)));
    assert!(replaced.etag != stored.etag);
    assert_eq!(client.invalidate(&new).await.unwrap().etag, replaced.etag);

    assert_eq!(client.destroy(&new, true).await, Ok(Destroyed::Ok));
    assert_eq!(client.destroy(&new, true).await, Ok(Destroyed::NotFound));
    assert_eq!(client.stat(&new).await, Ok(None));
    assert!(matches!(client.detail(&new).await, Err(CloudError::NotFound { .. })));
}

#[tokio::test]
async fn folders_are_a_tree_and_have_what_is_filed_in_them() {
    let (_running, client) = cloud(Options { assets: 20, ..Options::default() }).await;
    let root = client.folders("").await.unwrap();
    assert!(
        root.contains(&"press".to_owned()) && root.iter().all(|it| !it.contains('/')),
        "{root:?}"
    );
    let below = client.folders("press").await.unwrap();
    assert!(below.contains(&"press/2026".to_owned()), "{below:?}");
    let filed = ListQuery::Folder { folder: "press/2026".to_owned() };
    let page = client.list(&filed, 500, None).await.unwrap();
    let folder = |asset: &Asset| asset.asset_folder.as_deref() == Some("press/2026");
    assert!(!page.assets.is_empty() && page.assets.iter().all(folder), "{page:?}");
}

#[tokio::test]
async fn pages_tags_and_searches_go_on_to_the_end() {
    let (_running, client) = cloud(Options { assets: 70, ..Options::default() }).await;
    let search = ListQuery::Search { expression: "resource_type:image".to_owned() };
    let all = ListQuery::Resources {
        resource_type: ResourceType::Image,
        delivery_type: DeliveryType::Upload,
        prefix: None,
    };
    let mut tagged = None;
    for query in [&all, &search] {
        let (mut seen, mut cursor) = (std::collections::BTreeSet::new(), None);
        loop {
            let page = client.list(query, 20, cursor.as_deref()).await.unwrap();
            assert!(page.assets.len() <= 20);
            tagged = tagged.or(page.assets.iter().find_map(|asset| asset.tags.first().cloned()));
            for asset in page.assets {
                assert!(seen.insert(asset.key.clone()), "{} twice", asset.key);
            }
            cursor = page.next_cursor;
            if cursor.is_none() {
                break;
            }
        }
        assert!(seen.len() > 20, "{query:?}: {}", seen.len());
    }
    let tag = tagged.expect("seeded assets have tags");
    let query = ListQuery::Tag { resource_type: ResourceType::Image, tag: tag.clone() };
    let page = client.list(&query, 500, None).await.unwrap();
    assert!(!page.assets.is_empty() && page.assets.iter().all(|asset| asset.tags.contains(&tag)));
    let odd = ListQuery::Search { expression: "tags:*x".to_owned() };
    assert!(matches!(client.list(&odd, 10, None).await, Err(CloudError::Refused { .. })));
}

#[tokio::test]
async fn bulk_deletes_and_restores_answer_for_every_name() {
    let (_running, client) =
        cloud(Options { assets: 30, backups: true, ..Options::default() }).await;
    let victims: Vec<String> =
        images(&client, 2).await.into_iter().map(|key| key.public_id.to_string()).collect();
    let (image, upload) = (ResourceType::Image, DeliveryType::Upload);
    let names = [victims[0].clone(), "nobody".to_owned(), victims[1].clone()];
    let deleted = client.delete_many(image, upload, &names, true).await.unwrap();
    let told: Vec<bool> = deleted.deleted.iter().map(|(_, deleted)| *deleted).collect();
    assert_eq!((told, deleted.next_cursor), (vec![true, false, true], None));
    assert_eq!(client.stat(&key(&victims[0])).await, Ok(None));
    assert!(client.detail(&key(&victims[0])).await.unwrap().asset.placeholder);
    let restored = client.restore(image, upload, &names).await.unwrap();
    assert!(matches!(restored[0].1, Restored::Ok(_)), "{restored:?}");
    assert!(matches!(restored[1].1, Restored::NoBackup | Restored::Failed { .. }), "{restored:?}");
    assert!(client.stat(&key(&victims[1])).await.unwrap().is_some());
}

#[tokio::test]
async fn refusals_are_told_apart() {
    let (running, client) =
        cloud(Options { assets: 5, admin_quota: 1, ..Options::default() }).await;
    let ready = &running.ready;
    let mut wrong = client_for(&ready.cloudinary_url.replace(&ready.api_secret, "wrong"));
    for error in [wrong.ping().await.unwrap_err(), wrong.stat(&key("a")).await.unwrap_err()] {
        assert!(matches!(error, CloudError::Unauthorized { .. }), "{error}");
        assert!(!error.to_string().contains("wrong"), "{error}");
    }
    wrong = client_for(&ready.cloudinary_url.replace("@demo", "@other"));
    assert!(matches!(wrong.ping().await, Err(CloudError::Unauthorized { .. })));
    client.ping().await.ok();
    let error = loop {
        match client.ping().await {
            Ok(()) => {}
            Err(error) => break error,
        }
    };
    assert!(
        matches!(error, CloudError::RateLimited { limit: 1, retry_at: Some(_), .. }),
        "{error}"
    );
    assert_eq!(client.quota().unwrap().remaining, 0);
    assert_eq!(client.stat(&key("nobody")).await, Ok(None), "the Upload API is not counted");
}

#[tokio::test]
async fn every_algorithm_of_signatures_is_accepted() {
    let (running, _) = cloud(Options { assets: 1, ..Options::default() }).await;
    for algorithm in ["sha1", "sha256"] {
        let url = format!("{}&signature_algorithm={algorithm}", running.ready.cloudinary_url);
        assert_eq!(client_for(&url).stat(&key("a&b")).await, Ok(None), "{algorithm}");
    }
}

#[tokio::test]
async fn probes_see_every_edge_let_go() {
    let (running, client) = cloud(Options { assets: 12, ..Options::default() }).await;
    let ready = fetch_local_edges(&running.ready.api).await.unwrap().unwrap();
    assert_eq!((ready.edges.len(), ready.mode), (3, running.ready.mode));
    assert_eq!(ready.instance, running.ready.instance);
    let places = LoopbackPlaces::new(&running.ready.api, &ready).places("any").await.unwrap();
    let victim = images(&client, 1).await.remove(0);
    let stored = client.stat(&victim).await.unwrap().unwrap();
    let path = path_of(stored.secure_url.as_deref().unwrap());
    for place in &places {
        let first = look(place, &path, ProbeShape::OneByte).await;
        let second = look(place, &path, ProbeShape::HeadersOnly).await;
        let third = look(place, &path, ProbeShape::Body).await;
        assert_eq!((first.status, second.status, third.status), (206, 200, 200));
        for answer in [&first, &second, &third] {
            let tag = answer.etag.as_ref().map(|etag| etag.tag.clone());
            assert_eq!((tag, answer.total_length), (stored.etag.clone(), Some(stored.bytes)));
        }
        assert_eq!(second.cache, CacheStatus::Hit, "{second:?}");
        assert!(third.body_hash.is_some());
        assert!(first.pop.is_none_or(|pop| Some(pop) == place.pop));
    }
    client.destroy(&victim, true).await.unwrap();
    for place in &places {
        let gone = until(place, &path, |answer| answer.status == 404).await;
        let error = gone.error.expect("the reason is told");
        assert_eq!(error, format!("Resource not found - {}", victim.public_id));
    }
}
