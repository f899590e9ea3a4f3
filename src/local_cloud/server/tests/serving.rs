//! What edges and the origin answer.

use reqwest::{Client, Method};
use serde_json::{Value, json};

use super::{Rig, header, path_of};

#[tokio::test]
async fn one_byte_is_enough_to_see_everything_and_head_sees_it_too() {
    let rig = Rig::new().await;
    let (_, detail) = rig.get("resources/image/upload/sample").await;
    let url = rig.edge(0, &path_of(&detail["secure_url"]));
    let one = rig.http.get(&url).header("Range", "bytes=0-0").send().await.unwrap();
    assert_eq!(one.status(), 206);
    assert_eq!(header(&one, "content-range"), format!("bytes 0-0/{}", detail["bytes"]));
    assert_eq!(header(&one, "etag"), format!("\"{}\"", detail["etag"].as_str().unwrap()));
    assert!(header(&one, "age").parse::<u64>().unwrap() > 0);
    assert!(header(&one, "x-served-by").ends_with("-FRA"));
    assert!(header(&one, "server-timing").starts_with("cld-fastly;"), "{one:?}");
    assert!(header(&one, "server-timing").contains("obytes="), "{one:?}");
    assert_eq!(one.bytes().await.unwrap().len(), 1);
    let head = rig.http.head(&url).send().await.unwrap();
    assert_eq!(json!(header(&head, "content-length").parse::<u64>().unwrap()), detail["bytes"]);
    let far = rig.http.get(&url).header("Range", "bytes=99999999-").send().await.unwrap();
    assert_eq!(far.status(), 416);
    let same =
        rig.http.get(&url).header("If-None-Match", header(&head, "etag")).send().await.unwrap();
    assert_eq!(same.status(), 304);
    assert_eq!(rig.http.post(&url).send().await.unwrap().status(), 405);
    let cloudflare = rig.seen(1, &path_of(&detail["secure_url"])).await;
    assert!(header(&cloudflare, "cf-ray").ends_with("-SIN"));
    let akamai = rig.seen(2, &path_of(&detail["secure_url"])).await;
    assert!(header(&akamai, "x-cache").starts_with("TCP_MEM_HIT from "));
    assert!(header(&akamai, "server-timing").ends_with(",cdn-pop;desc=\"IAD\""));
    let origin = format!("{}{}", rig.cloud.ready.origin, path_of(&detail["secure_url"]));
    let origin = rig.http.get(origin).send().await.unwrap();
    assert_eq!((origin.status().as_u16(), header(&origin, "age")), (200, ""));
}

#[tokio::test]
async fn automatic_format_follows_accept_and_the_host_makes_no_difference() {
    let rig = Rig::new().await;
    let url = rig.edge(3, "/demo/image/upload/f_auto,w_50/v9/press/2026/hero.jpg");
    let call =
        &|accept| rig.http.get(&url).header("Accept", accept).header("Host", "res.cloudinary.com");
    let ask = |accept: &'static str| async move {
        let response = call(accept).send().await.unwrap();
        assert_eq!(header(&response, "vary"), "Accept");
        (header(&response, "content-type").to_owned(), header(&response, "x-cache").to_owned())
    };
    assert_eq!(ask("*/*").await, ("image/jpeg".to_owned(), "MISS".to_owned()));
    assert_eq!(ask("image/webp").await, ("image/webp".to_owned(), "MISS".to_owned()));
    assert_eq!(ask("image/avif,image/webp").await.1, "MISS");
    assert_eq!(ask("image/webp").await, ("image/webp".to_owned(), "HIT".to_owned()));
    let bad = rig.seen(0, "/demo/image/upload/w_abc/v1/press/2026/hero.jpg").await;
    assert_eq!(
        (bad.status().as_u16(), header(&bad, "x-cld-error")),
        (400, "Invalid width in transformation: abc")
    );
}

#[tokio::test]
async fn a_dead_edge_resets_new_and_open_connections() {
    let rig = Rig::new().await;
    assert_eq!(rig.seen(1, "/demo/image/upload/logo.png").await.status(), 200);
    let fault = json!({"edge": "SIN", "kind": "dead"});
    assert_eq!(rig.local(Method::POST, "fault", fault).await["faults"][0]["edge"], "SIN");
    let fresh = Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    for http in [&rig.http, &fresh] {
        let refused = http.get(rig.edge(1, "/demo/image/upload/logo.png")).send().await;
        assert!(refused.is_err());
    }
    assert_eq!(rig.seen(0, "/demo/image/upload/logo.png").await.status(), 200);
    rig.local(Method::DELETE, "fault", Value::Null).await;
    assert_eq!(rig.seen(1, "/demo/image/upload/logo.png").await.status(), 200);
    let unknown = rig.local(Method::POST, "fault", json!({"edge": "LIM", "kind": "dead"})).await;
    let message = unknown["error"]["message"].as_str().unwrap();
    assert!(message.starts_with("fault: `edge`: this cloud has no LIM among its edges: FRA"));
    let odd =
        rig.local(Method::POST, "fault", json!({"edge": "SIN", "kind": "dead", "x": 1})).await;
    assert!(odd["error"]["message"].as_str().unwrap().contains("there is no such key"), "{odd}");
}
