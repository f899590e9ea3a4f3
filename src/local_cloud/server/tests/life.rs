//! Start, rehearsal, reset and end of a local cloud.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Rig, calm, header};
use crate::domain::account::InvalidationKind;
use crate::local_cloud::options::Options;
use crate::local_cloud::scenario::Scenario;
use crate::local_cloud::server::start;

#[tokio::test]
async fn the_ready_line_is_told_again_and_its_urls_work() {
    let rig = Rig::new().await;
    let ready = &rig.cloud.ready;
    let told = rig.local(Method::GET, "edges", Value::Null).await;
    assert_eq!(told, json!(ready));
    assert_eq!(
        ready.cloudinary_url,
        format!(
            "cloudinary://{}:{}@demo?upload_prefix={}",
            ready.api_key, ready.api_secret, ready.api
        )
    );
    let (status, detail) = rig.get("resources/image/upload/press/2026/hero").await;
    assert_eq!(status, 200);
    let url = detail["secure_url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/demo/image/upload/v", ready.edges[0].url)), "{url}");
    let picture = rig.http.get(url).send().await.unwrap();
    assert_eq!(header(&picture, "etag"), format!("\"{}\"", detail["etag"].as_str().unwrap()));
    assert_eq!(header(&picture, "x-cache"), "HIT");
    let bytes = picture.bytes().await.unwrap();
    assert_eq!(json!(bytes.len()), detail["bytes"]);
    assert_eq!(hex::encode(<md5::Md5 as md5::Digest>::digest(&bytes)), detail["etag"]);
    let size = image::load_from_memory(&bytes).unwrap();
    assert_eq!(
        (json!(size.width()), json!(size.height())),
        (detail["width"].clone(), detail["height"].clone())
    );
    let derived: Vec<&str> = detail["derived"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["transformation"].as_str().unwrap())
        .collect();
    assert_eq!(derived, ["c_fill,h_90,w_120", "f_auto,q_auto,w_96"]);
    rig.cloud.stop().await;
}

#[tokio::test]
async fn a_scenario_decides_what_goes_wrong() {
    let text = "propagation = \"1ms..2ms\"\n[[fault]]\nedge = \"FRA\"\nkind = \"stuck\"";
    let scenario = Some(Scenario::parse(text, "x").unwrap());
    let rig = Rig::of(Options { scenario, mode: InvalidationKind::Legacy, ..calm() }).await;
    assert_eq!(rig.cloud.ready.mode, InvalidationKind::Legacy);
    assert_eq!(rig.seen(0, "/demo/image/upload/logo.png").await.status(), 200);
    rig.upload_call("image/destroy", &[("public_id", "logo"), ("invalidate", "true")]).await;
    // time is brought forward instead of waited for
    let clock = rig.local(Method::POST, "clock", json!({"advance": "1h"})).await;
    assert!(clock["now_ms"].as_u64().unwrap() >= 3_600_000);
    assert_eq!(rig.seen(0, "/demo/image/upload/logo.png").await.status(), 200);
    let cleared = rig.seen(1, "/demo/image/upload/logo.png").await;
    assert_eq!(cleared.status(), 404);
    let state =
        rig.local(Method::GET, "state?url=http://x/demo/image/upload/logo.png", Value::Null).await;
    assert_eq!(state["edges"][0]["copies"][0]["status"], 200);
    assert_eq!(state["edges"][1]["copies"][0]["status"], 404);
    let told = rig.local(Method::GET, "invalidations", Value::Null).await;
    let edges = &told["invalidations"][0]["edges"];
    assert!(edges[0]["cleared_at_ms"].is_null() && edges[1]["cleared_at_ms"].is_u64(), "{edges}");
}

#[tokio::test]
async fn a_reset_brings_everything_back_as_another_instance() {
    let rig = Rig::new().await;
    rig.upload_call("image/destroy", &[("public_id", "logo"), ("invalidate", "1")]).await;
    let ready = rig.local(Method::POST, "reset", Value::Null).await;
    assert_ne!(ready["instance"], json!(rig.cloud.ready.instance));
    assert_eq!(ready["edges"], json!(rig.cloud.ready.edges));
    assert_eq!(rig.get("resources/image/upload/logo").await.0, 200);
    assert_eq!(
        rig.local(Method::GET, "invalidations", Value::Null).await["invalidations"],
        json!([])
    );
}

#[tokio::test]
async fn the_control_surface_is_for_this_host_only_and_can_be_switched_off() {
    let rig = Rig::of(Options { control: false, ..calm() }).await;
    let local = |path: &str, host: &str| {
        let url = format!("{}/_local/{path}", rig.cloud.ready.api);
        rig.http.get(url).header("Host", host).send()
    };
    assert_eq!(local("edges", "127.0.0.1").await.unwrap().status(), 200);
    assert_eq!(local("edges", "rebound.example").await.unwrap().status(), 403);
    assert_eq!(local("state", "127.0.0.1").await.unwrap().status(), 404);
    let reset =
        rig.http.post(format!("{}/_local/reset", rig.cloud.ready.api)).send().await.unwrap();
    assert_eq!(reset.status(), 404);
}

#[tokio::test]
async fn it_ends_when_told_to_and_its_ports_are_free_again() {
    let rig = Rig::new().await;
    let api = rig.cloud.ready.api.clone();
    let held_open = rig.seen(0, "/demo/image/upload/logo.png").await;
    rig.cloud.stop().await;
    drop(held_open);
    assert!(rig.http.get(&api).send().await.is_err());
    let address = api.trim_start_matches("http://").parse().unwrap();
    let again = start(Options { listen: address, ..calm() }).await.unwrap();
    assert_eq!(again.ready.api, api);
    let taken = start(Options { listen: address, ..calm() }).await.err().unwrap();
    assert!(
        taken.to_string().starts_with(&format!("cannot listen on {address} for the API")),
        "{taken}"
    );
}
