//! Headers, ranges, conditional requests and methods, and how long refusals are kept.

use std::time::Duration;

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::{Rig, calm, header, path_of};
use crate::local_cloud::options::Options;

const LOGO: &str = "/demo/image/upload/logo.png";

async fn with(rig: &Rig, edge: usize, headers: &[(&str, &str)]) -> Response {
    let call = rig.http.get(rig.edge(edge, LOGO));
    headers
        .iter()
        .fold(call, |call, (name, value)| call.header(*name, *value))
        .send()
        .await
        .unwrap()
}

#[tokio::test]
async fn ranges_are_followed_as_the_standard_says() {
    let rig = Rig::new().await;
    let whole = with(&rig, 0, &[]).await;
    let (etag, date) =
        (header(&whole, "etag").to_owned(), header(&whole, "last-modified").to_owned());
    assert_eq!(header(&whole, "accept-ranges"), "bytes");
    let bytes = whole.bytes().await.unwrap();
    let length = bytes.len();
    for (range, from, to) in [
        ("bytes=0-9", 0, 10),
        ("bytes=5-", 5, length),
        ("bytes=-7", length - 7, length),
        ("bytes=0-999999999", 0, length),
    ] {
        let part = with(&rig, 0, &[("range", range)]).await;
        assert_eq!(part.status(), 206, "{range}");
        let last = to - 1;
        assert_eq!(header(&part, "content-range"), format!("bytes {from}-{last}/{length}"));
        assert_eq!(part.bytes().await.unwrap(), bytes[from..to]);
    }
    let behind = with(&rig, 0, &[("range", "bytes=999999999-")]).await;
    assert_eq!(behind.status(), 416);
    assert_eq!(header(&behind, "content-range"), format!("bytes */{length}"));
    for ignored in ["bytes=5-2", "bytes=0-1,4-5", "lines=1-2", "bytes=x"] {
        assert_eq!(with(&rig, 0, &[("range", ignored)]).await.status(), 200, "{ignored}");
    }
    let weak = format!("W/{etag}");
    for (if_range, status) in [
        (etag.as_str(), 206),
        (date.as_str(), 206),
        ("\"other\"", 200),
        (weak.as_str(), 200),
        ("Sun, 06 Nov 1994 08:49:37 GMT", 200),
    ] {
        let part = with(&rig, 0, &[("range", "bytes=0-0"), ("if-range", if_range)]).await;
        assert_eq!(part.status(), status, "{if_range}");
    }
    let head = rig.http.head(rig.edge(0, LOGO)).header("range", "bytes=0-0").send().await.unwrap();
    assert_eq!(
        (head.status().as_u16(), header(&head, "content-length")),
        (200, &*length.to_string())
    );
}

#[tokio::test]
async fn conditions_have_their_order() {
    let rig = Rig::new().await;
    let whole = with(&rig, 0, &[]).await;
    let etag = header(&whole, "etag").to_owned();
    let date = header(&whole, "last-modified").to_owned();
    let weak = format!("W/{etag}");
    let list = format!("\"a\", {etag}, \"b\"");
    let long_ago = "Sun, 06 Nov 1994 08:49:37 GMT";
    for (headers, status) in [
        (vec![("if-none-match", etag.as_str())], 304),
        (vec![("if-none-match", weak.as_str())], 304),
        (vec![("if-none-match", list.as_str())], 304),
        (vec![("if-none-match", "*")], 304),
        (vec![("if-none-match", "\"other\"")], 200),
        (vec![("if-modified-since", date.as_str())], 304),
        (vec![("if-modified-since", long_ago)], 200),
        (vec![("if-modified-since", "whenever")], 200),
        // a validator that differs beats a date that does not
        (vec![("if-none-match", "\"other\""), ("if-modified-since", date.as_str())], 200),
        (vec![("if-none-match", etag.as_str()), ("if-modified-since", long_ago)], 304),
        // what is known is not sent in part either
        (vec![("if-none-match", etag.as_str()), ("range", "bytes=0-0")], 304),
    ] {
        let seen = with(&rig, 0, &headers).await;
        assert_eq!(seen.status(), status, "{headers:?}");
        if status == 304 {
            assert_eq!(header(&seen, "etag"), etag);
            assert_ne!(header(&seen, "cache-control"), "");
            assert_eq!((header(&seen, "content-type"), header(&seen, "content-length")), ("", ""));
            assert!(seen.bytes().await.unwrap().is_empty());
        }
    }
}

#[tokio::test]
async fn methods_that_read_nothing_are_refused_and_pages_may_ask_first() {
    let rig = Rig::new().await;
    for method in [Method::POST, Method::PUT, Method::DELETE, Method::PATCH] {
        let refused = rig.http.request(method, rig.edge(0, LOGO)).send().await.unwrap();
        assert_eq!(
            (refused.status(), header(&refused, "allow")),
            (StatusCode::METHOD_NOT_ALLOWED, "GET, HEAD, OPTIONS")
        );
    }
    let asked = rig
        .http
        .request(Method::OPTIONS, rig.edge(0, LOGO))
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "range")
        .send()
        .await
        .unwrap();
    assert_eq!(asked.status(), 200);
    assert_eq!(header(&asked, "access-control-allow-origin"), "*");
    assert_eq!(header(&asked, "access-control-allow-headers"), "range");
    for method in [Method::GET, Method::HEAD] {
        let missing = rig
            .http
            .request(method, rig.edge(0, "/demo/image/upload/nope.png"))
            .send()
            .await
            .unwrap();
        assert_eq!((missing.status().as_u16(), header(&missing, "content-length")), (404, "0"));
    }
}

#[tokio::test]
async fn each_vendor_has_its_dialect() {
    let rig = Rig::new().await;
    let names = ["via", "x-served-by", "x-cache", "x-cache-hits", "x-timer", "cf-ray", "age"];
    let fresh = "/demo/image/upload/w_31/logo.png";
    let mut told = Vec::new();
    for edge in 0..3 {
        let miss = rig.seen(edge, fresh).await;
        assert_ne!(header(&miss, "x-request-id"), "");
        let timing = header(&miss, "server-timing").to_owned();
        assert!(timing.contains("desc=miss") && timing.contains("cloudinary;dur="), "{timing}");
        let hit = rig.seen(edge, fresh).await;
        assert_eq!(header(&hit, "x-request-id"), "");
        let timing = header(&hit, "server-timing").to_owned();
        assert!(timing.contains("desc=hit") && !timing.contains("cloudinary;dur="), "{timing}");
        for field in [
            "crt=",
            "ocrt=",
            "obytes=",
            "owidth=",
            "oheight=",
            "oformat=",
            "width=31,",
            "height=",
            "bytes=",
        ] {
            assert!(timing.contains(field), "{field} in {timing}");
        }
        told.push((timing, names.map(|name| !header(&hit, name).is_empty())));
    }
    let [fastly, cloudflare, akamai] = told.try_into().unwrap();
    assert!(fastly.0.starts_with("cld-fastly;") && fastly.0.contains(r#"format=\"png\""#));
    assert_eq!(fastly.1, [true, true, true, true, true, false, true]);
    // quotes inside quotes, as seen in the wild
    assert!(
        cloudflare.0.starts_with("cld-cloudflare;") && cloudflare.0.contains(r#"format="png""#)
    );
    assert_eq!(cloudflare.1, [false, false, false, false, false, true, true]);
    assert!(akamai.0.starts_with("cld-akam;") && akamai.0.contains(r#"format=\"png\""#));
    assert_eq!(akamai.1, [false, false, true, false, false, false, false]);
}

#[tokio::test]
async fn a_refusal_has_no_body_and_its_reason_twice() {
    let rig = Rig::new().await;
    let missing = rig.seen(0, "/demo/image/upload/nope/%C3%A9.png").await;
    let reason = String::from_utf8_lossy(missing.headers()["x-cld-error"].as_bytes()).into_owned();
    assert_eq!(reason, "Resource not found - nope/é");
    let timing =
        String::from_utf8_lossy(missing.headers()["server-timing"].as_bytes()).into_owned();
    assert!(timing.contains("cld-error;desc=\"Resource not found - nope/é\""), "{timing}");
    assert!(timing.contains("cld-id;desc="), "{timing}");
    for (name, value) in [
        ("cache-control", "private, no-transform, max-age=0, no-cache"),
        ("pragma", "no-cache"),
        ("vary", "Save-Data"),
        ("content-type", "image/gif"),
        ("content-length", "0"),
        ("access-control-allow-origin", "*"),
        ("etag", ""),
        ("last-modified", ""),
        ("accept-ranges", ""),
    ] {
        assert_eq!(header(&missing, name), value, "{name}");
    }
    assert!(missing.bytes().await.unwrap().is_empty());
}

/// `GET` at the first edge after the clock went on by `seconds`: whether it was a hit, and the status.
async fn later(rig: &Rig, seconds: u64, path: &str) -> (String, u16) {
    let advance = json!({"advance": format!("{seconds}s")});
    if seconds > 0 {
        rig.local(Method::POST, "clock", advance).await;
    }
    let response = rig.seen(0, path).await;
    (header(&response, "x-cache").to_owned(), response.status().as_u16())
}

#[tokio::test]
async fn refusals_are_kept_twice_as_long_each_time_for_each_url_apart() {
    let rig = Rig::new().await;
    let path = "/demo/image/upload/v7/soon.png";
    let miss = ("MISS".to_owned(), 404);
    let hit = ("HIT".to_owned(), 404);
    assert_eq!(later(&rig, 0, path).await, miss);
    let mut kept = Duration::from_secs(60);
    for _ in 0..13 {
        assert_eq!(later(&rig, kept.as_secs() - 3, path).await, hit, "{kept:?}");
        assert_eq!(later(&rig, 3, path).await, miss, "{kept:?}");
        kept = (kept * 2).min(Duration::from_hours(24));
    }
    assert_eq!(kept, Duration::from_hours(24));
    // the asset comes to be; only this exact URL goes on being refused
    rig.upload_call("image/rename", &[("from_public_id", "logo"), ("to_public_id", "soon")]).await;
    assert_eq!(later(&rig, 0, path).await, hit);
    for other in ["/demo/image/upload/v8/soon.png", "/demo/image/upload/v7/soon.png?x=1"] {
        assert_eq!(later(&rig, 0, other).await, ("MISS".to_owned(), 200), "{other}");
    }
    // `explicit` with `invalidate` is the remedy
    rig.upload_call(
        "image/explicit",
        &[("public_id", "soon"), ("type", "upload"), ("invalidate", "true")],
    )
    .await;
    rig.cleared().await;
    assert_eq!(later(&rig, 0, path).await, ("MISS".to_owned(), 200));
}

#[tokio::test]
async fn any_version_number_is_answered_with_the_newest_content() {
    let rig = Rig::new().await;
    let (_, detail) = rig.get("resources/image/upload/logo").await;
    let mut etags = std::collections::BTreeSet::new();
    for version in ["", "v1/", "v01/", "v5/", "v99999999999/"] {
        let seen = rig.seen(0, &format!("/demo/image/upload/{version}logo.png")).await;
        etags.insert(header(&seen, "etag").to_owned());
    }
    etags.insert(header(&rig.seen(0, &path_of(&detail["secure_url"])).await, "etag").to_owned());
    assert_eq!(
        etags.into_iter().collect::<Vec<_>>(),
        [format!("\"{}\"", detail["etag"].as_str().unwrap())]
    );
}

/// Sixteen at a time ask a cold edge for what has to be drawn, while others are served what is at hand.
#[tokio::test]
async fn drawing_does_not_hold_up_what_is_at_hand() {
    let rig = Rig::of(Options { edges: 1, ..calm() }).await;
    with(&rig, 0, &[]).await;
    let large = (0..16).map(|n| {
        rig.http
            .get(rig.edge(0, &format!("/demo/image/upload/c_scale,w_{},h_1500/logo.png", 1500 + n)))
            .send()
    });
    let large = futures_util::future::join_all(large);
    let small = async {
        for _ in 0..50 {
            assert_eq!(with(&rig, 0, &[]).await.status(), 200);
        }
    };
    tokio::select! {
        biased;
        () = small => {}
        _ = large => panic!("the large pictures were drawn before the small one was copied fifty times"),
    }
    assert_eq!(rig.local(Method::GET, "clock", Value::Null).await["error"], Value::Null);
}
