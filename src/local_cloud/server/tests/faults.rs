//! Faults as clients meet them, over HTTP.

use std::io::{Read as _, Write as _};
use std::time::{Duration, Instant};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{Rig, calm, header, told};
use crate::local_cloud::options::Options;
use crate::local_cloud::scenario::Scenario;

const LOGO: &str = "/demo/image/upload/logo.png";

async fn playing(text: &str) -> Rig {
    let scenario = Scenario::parse(text, "x.toml").unwrap();
    Rig::of(Options { scenario: Some(scenario), ..calm() }).await
}

fn fault(place: &str, rest: &str) -> String {
    format!("[[fault]]\n{place}\n{rest}\n")
}

/// Everything that comes over a connection until it ends, and whether it was reset.
fn read_raw(base: &str, path: &str) -> (Vec<u8>, bool) {
    let address = base.trim_start_matches("http://");
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\n\r\n").unwrap();
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        match stream.read(&mut piece) {
            Ok(0) => return (bytes, false),
            Ok(count) => bytes.extend_from_slice(&piece[..count]),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => {
                return (bytes, true);
            }
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_break_off_with_and_without_a_reset() {
    let text = fault("edge = \"FRA\"", "kind = \"cut\"")
        + &fault("edge = \"SIN\"", "kind = \"truncated\"");
    let rig = playing(&text).await;
    for (edge, reset) in [(0, true), (1, false)] {
        let (bytes, was_reset) = read_raw(&rig.cloud.ready.edges[edge].url, LOGO);
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let length = text.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.unwrap().trim().parse().unwrap();
        let head = bytes.windows(4).position(|four| four == b"\r\n\r\n").unwrap() + 4;
        assert!(text.starts_with("http/1.1 200"), "{text}");
        assert_eq!(bytes.len() - head, length / 2, "half of what it promised");
        assert_eq!(was_reset, reset, "edge {edge}");
        assert!(rig.seen(edge, LOGO).await.bytes().await.is_err());
    }
    assert!(!rig.seen(2, LOGO).await.bytes().await.unwrap().is_empty());
    // a head has no body that could break off
    let head = rig.http.head(rig.edge(1, LOGO)).send().await.unwrap();
    assert_eq!(head.status(), 200);
}

#[tokio::test]
async fn headers_tell_of_nodes_clocks_and_odd_validators() {
    let text = "edges = 4\n[edge.FRA]\nnodes = 4\n".to_owned()
        + &fault("edge = \"NRT\"", "kind = \"skew\"\nby = \"-5m\"")
        + &fault("edge = \"SIN\"", "kind = \"weak-etag\"")
        + &fault("edge = \"FRA\"", "kind = \"node-etag\"")
        + &fault("edge = \"IAD\"", "kind = \"etagless\"");
    let rig = playing(&text).await;
    let (_, detail) = rig.get("resources/image/upload/logo").await;
    let etag = detail["etag"].as_str().unwrap();

    // each connection goes to a node of its own choice, and stays there
    let mut nodes = std::collections::BTreeMap::new();
    for _ in 0..60 {
        let one = Client::builder().no_proxy().build().unwrap();
        let first = one.get(rig.edge(0, LOGO)).send().await.unwrap();
        let name = header(&first, "x-served-by").to_owned();
        let tag = header(&first, "etag").to_owned();
        drop(first.bytes().await);
        let second = one.get(rig.edge(0, LOGO)).send().await.unwrap();
        assert_eq!(header(&second, "x-served-by"), name);
        assert_eq!(nodes.entry(name).or_insert_with(|| tag.clone()), &tag);
    }
    assert_eq!(nodes.len(), 4, "{nodes:?}");
    let tags: std::collections::BTreeSet<_> = nodes.values().collect();
    assert_eq!(tags.len(), 4);
    assert!(nodes.keys().all(|name| name.ends_with("-FRA")));

    assert_eq!(header(&rig.seen(1, LOGO).await, "etag"), format!("W/\"{etag}\""));
    assert_eq!(header(&rig.seen(2, LOGO).await, "etag"), "");
    let date = |response: &reqwest::Response| {
        let date = header(response, "date").to_owned();
        jiff::fmt::rfc2822::parse(&date).unwrap().timestamp().as_second()
    };
    let (right, behind) = (rig.seen(2, LOGO).await, rig.seen(3, LOGO).await);
    assert!((298..=302).contains(&(date(&right) - date(&behind))));
    assert_eq!(header(&behind, "etag"), format!("\"{etag}\""));
}

#[tokio::test]
async fn a_soft_purge_is_told_as_each_vendor_tells_it() {
    let rig = playing(&fault("edge = \"*\"", "kind = \"soft\"\nafter = \"100ms\"")).await;
    rig.order_destroy().await;
    rig.local(Method::POST, "clock", json!({"freeze": true})).await;
    rig.local(Method::POST, "clock", json!({"advance": "5s"})).await;
    let stale = rig.seen(1, LOGO).await;
    assert_eq!((stale.status().as_u16(), header(&stale, "cf-cache-status")), (200, "UPDATING"));
    let stale = rig.seen(0, LOGO).await;
    assert_eq!((stale.status().as_u16(), header(&stale, "x-cache")), (200, "HIT"));
    assert!(header(&stale, "age").parse::<u64>().unwrap() > 5);
    rig.local(Method::POST, "clock", json!({"advance": "100ms"})).await;
    assert_eq!(rig.seen(0, LOGO).await.status(), 404);
    assert_eq!(rig.seen(1, LOGO).await.status(), 404);
}

impl Rig {
    async fn order_destroy(&self) {
        let params = [("public_id", "logo"), ("invalidate", "true")];
        assert_eq!(self.upload_call("image/destroy", &params).await.0, 200);
    }
}

#[tokio::test]
async fn calls_of_the_api_fail_hang_and_are_turned_away() {
    let rig = playing("").await;
    let add = |body: Value| rig.local(Method::POST, "fault", body);
    let clear = || rig.local(Method::DELETE, "fault", Value::Null);

    add(json!({"api": "admin", "kind": "unavailable", "status": 502, "retry_after": "7s", "count": 1})).await;
    let failed = rig.admin(Method::GET, "resources/image").send().await.unwrap();
    assert_eq!((failed.status().as_u16(), header(&failed, "retry-after")), (502, "7"));
    assert_eq!(failed.json::<Value>().await.unwrap()["error"]["message"], "Bad Gateway");
    assert_eq!(rig.get("resources/image").await.0, 200, "once");
    clear().await;

    add(json!({"api": "admin", "kind": "quota"})).await;
    let (status, answer) = rig.get("resources/image").await;
    assert_eq!(status, 420);
    assert!(
        answer["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("Rate Limit Exceeded. Limit of 2000")
    );
    assert_eq!(
        rig.upload_call("image/explicit", &[("public_id", "logo"), ("type", "upload")]).await.0,
        200
    );
    clear().await;

    add(json!({"api": "search", "kind": "throttled"})).await;
    assert_eq!(rig.get("resources/search?expression=logo").await.0, 429);
    assert_eq!(rig.get("resources/image").await.0, 200);
    clear().await;

    // the call is carried out, and its answer is lost
    add(json!({"api": "upload", "kind": "dead", "count": 1})).await;
    let call =
        || rig.http.post(rig.api("image/destroy")).form(&rig.signed(&[("public_id", "logo")]));
    assert!(call().send().await.is_err());
    assert_eq!(rig.get("resources/image/upload/logo").await.0, 200, "not carried out");
    clear().await;
    add(json!({"api": "upload", "kind": "hang", "count": 1, "delay": "1s", "carried_out": true}))
        .await;
    let begin = Instant::now();
    assert!(call().send().await.is_err());
    assert!(begin.elapsed() >= Duration::from_secs(1));
    assert_eq!(rig.get("resources/image/upload/logo").await.0, 404, "carried out");
    assert_eq!(told(call()).await.1["result"], "not found");
    clear().await;

    // a call that hangs is answered when the fault is taken away
    add(json!({"api": "admin", "kind": "hang"})).await;
    let waiting = rig.admin(Method::GET, "ping").send();
    let (answered, _) = tokio::join!(waiting, async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        clear().await
    });
    assert_eq!(answered.unwrap().status(), 200);

    add(json!({"api": "admin", "kind": "cut"})).await;
    let cut = rig.admin(Method::GET, "ping").send().await.unwrap();
    assert!(cut.bytes().await.is_err());
    clear().await;

    add(json!({"api": "*", "kind": "slow", "delay": "300ms"})).await;
    let begin = Instant::now();
    assert_eq!(rig.get("ping").await.0, 200);
    assert!(begin.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn edges_hang_and_fail_by_share_and_count() {
    let rig = playing("").await;
    let add = |body: Value| rig.local(Method::POST, "fault", body);
    add(json!({"edge": "FRA", "kind": "unavailable", "status": 504, "share": 0.5})).await;
    let mut failed = 0;
    for _ in 0..100 {
        failed += u32::from(rig.seen(0, LOGO).await.status() == 504);
    }
    assert!((30..70).contains(&failed), "{failed}");
    add(json!({"edge": "SIN", "kind": "hang", "count": 1, "delay": "500ms"})).await;
    let begin = Instant::now();
    assert_eq!(rig.seen(1, LOGO).await.status(), 200);
    assert!(begin.elapsed() >= Duration::from_millis(500));
    add(json!({"edge": "IAD", "kind": "dead", "count": 2})).await;
    let fresh = || Client::builder().no_proxy().build().unwrap().get(rig.edge(2, LOGO)).send();
    let mut resets = 0;
    for _ in 0..5 {
        resets += u32::from(fresh().await.is_err());
    }
    assert!((1..=2).contains(&resets), "a client may try again by itself: {resets}");
}

#[tokio::test]
async fn the_admin_api_tells_what_was_for_a_while() {
    let rig = playing(&fault("api = \"admin\"", "kind = \"lag\"\nlate = \"15s\"")).await;
    rig.local(Method::POST, "clock", json!({"freeze": true})).await;
    let listed = || async {
        let (_, answer) = rig.get("resources/image/upload?prefix=&max_results=500").await;
        let ids = answer["resources"].as_array().unwrap().iter();
        ids.map(|one| one["public_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let by_age = || async {
        let (_, answer) = rig.get("resources/image?max_results=500").await;
        let ids = answer["resources"].as_array().unwrap().iter();
        ids.map(|one| one["public_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (before, aged) = (listed().await, by_age().await);
    rig.order_destroy().await;
    let rename = [("from_public_id", "press/2026/hero"), ("to_public_id", "press/2026/anew")];
    let (status, renamed) = rig.upload_call("image/rename", &rename).await;
    assert_eq!((status.as_u16(), &renamed["public_id"]), (200, &json!("press/2026/anew")));
    // delivery tells the truth at once
    let origin = format!("{}/demo/image/upload/logo.png", rig.cloud.ready.origin);
    assert_eq!(rig.http.get(origin).send().await.unwrap().status(), 404);
    assert_eq!(rig.get("resources/image/upload/logo").await.0, 200);
    assert_eq!(rig.get("resources/image/upload/press/2026/hero").await.0, 200);
    assert_eq!(rig.get("resources/image/upload/press/2026/anew").await.0, 404);
    assert_eq!((listed().await, by_age().await), (before.clone(), aged.clone()));
    rig.local(Method::POST, "clock", json!({"advance": "15s"})).await;
    assert_eq!(rig.get("resources/image/upload/logo").await.0, 404);
    assert_eq!(rig.get("resources/image/upload/press/2026/anew").await.0, 200);
    let after = listed().await;
    assert_eq!(after.len(), before.len() - 1);
    assert!(after.contains(&"press/2026/anew".to_owned()) && !after.contains(&"logo".to_owned()));
    assert_eq!(by_age().await.len(), aged.len() - 1);
}
