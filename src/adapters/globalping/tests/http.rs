//! The same over loopback and HTTP: headers, compression, bounds. Real time, and little of it.

use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::mock::{Canned, serve};
use super::*;
use crate::adapters::globalping::transport::{
    Ask, Fault, HttpTransport, MAX_ANSWER, Transport as _,
};
use crate::adapters::system_clock::SystemClock;

const TOKEN: &str = "gp-s3cr3t-token";

#[tokio::test]
async fn a_probe_over_http_with_a_token() {
    let mut world = World::new();
    world.takes = Duration::from_millis(300);
    let world = world.shared();
    let address = serve(Arc::clone(&world)).await;
    let options = GlobalpingOptions {
        base_url: format!("http://{address}/"),
        token: Some(TOKEN.into()),
        ..options()
    };
    let network = Globalping::new(options, Arc::new(SystemClock)).unwrap();
    assert_eq!(tag(&look(&network.prober(), "tokyo").await), Some("9f1c"));
    let world = lock(&world);
    assert_eq!(world.rude, 0);
    for logged in &world.log {
        let header = |name: &str| logged.headers.get(name).unwrap().to_str().unwrap();
        assert_eq!(header("authorization"), format!("Bearer {TOKEN}"));
        assert_eq!(header("user-agent"), crate::adapters::USER_AGENT);
        assert!(header("accept-encoding").contains("gzip"));
    }
    let created = world.log.iter().find(|logged| logged.line.starts_with("POST")).unwrap();
    assert_eq!(created.headers["content-type"], "application/json");
}

#[tokio::test]
async fn redirects_are_not_followed_and_words_are_kept_apart() {
    let world = World::new().shared();
    let address = serve(Arc::clone(&world)).await;
    let moved = Canned::json(307, &json!({})).with("location", "http://127.0.0.1:1/");
    lock(&world).on_limits.push_back(moved);
    let options = GlobalpingOptions { base_url: format!("http://{address}"), ..options() };
    let network = Globalping::new(options, Arc::new(SystemClock)).unwrap();
    let said = network.ask_quota().await.unwrap_err().to_string();
    assert!(said.contains("status 307"), "{said}");
}

/// What the API may answer a creation or a reading with, over a real connection.
#[rstest::rstest]
#[case::no_probes(true, Canned::json(422, &json!({ "error": { "type": "no_probes_found" } })))]
#[case::spent(true, Canned::json(429, &json!({ "error": { "type": "rate_limit_exceeded" } })).with("x-ratelimit-reset", "120"))]
#[case::spent_until_nobody_knows(true, Canned::json(429, &json!({ "error": { "type": "rate_limit_exceeded" } })))]
#[case::down(true, Canned::text(503, "text/html", "<p>down</p>"))]
#[case::broken(true, Canned::text(500, "application/json", "{"))]
#[case::truncated(true, Canned::text(202, "application/json", "{\"id\":\"m0"))]
#[case::another_kind(true, Canned::json(202, &json!({ "id": { "is": 7 } })))]
#[case::a_list(true, Canned::json(202, &json!([1, 2, 3])))]
#[case::result_of_another_kind(false, Canned::json(200, &json!({ "status": "finished", "results": "none" })))]
#[case::headers_of_another_kind(false, Canned::json(200, &json!({ "status": "finished", "results": [
    { "result": { "status": "finished", "statusCode": "200", "headers": 7 } } ] })))]
#[case::status_of_another_kind(false, Canned::json(200, &json!({ "status": 7, "results": [] })))]
#[case::offline(false, Canned::json(200, &json!({ "status": "finished", "results": [
    { "result": { "status": "offline" } } ] })))]
#[case::huge(false, Canned::text(200, "application/json", Box::leak(format!("[{}]", "1,".repeat(5 << 20)).into_boxed_str())))]
#[tokio::test]
async fn whatever_the_api_says_is_a_clear_state(#[case] on_create: bool, #[case] says: Canned) {
    let mut world = World::new();
    world.takes = Duration::ZERO;
    let world = world.shared();
    {
        let mut world = lock(&world);
        let queue = if on_create { &mut world.on_create } else { &mut world.on_read };
        queue.extend(std::iter::repeat_n(says, 5));
    }
    let address = serve(Arc::clone(&world)).await;
    let options = GlobalpingOptions { base_url: format!("http://{address}"), ..options() };
    let network = Globalping::new(options, Arc::new(SystemClock)).unwrap();
    let began = std::time::Instant::now();
    let failure = look(&network.prober(), "tokyo").await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(14), "{:?}", began.elapsed());
    assert!(
        matches!(&failure, ProbeFailure::Vantage { detail } | ProbeFailure::NotAsked { detail }
            if detail.contains("Globalping") || detail.contains("probe") || detail.contains("tests")),
        "{failure:?}"
    );
}

/// Answers one request with `reply`, then keeps the connection open or sends `more` for ever.
async fn raw(reply: Vec<u8>, more: bool) -> HttpTransport {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut read = Vec::new();
        while !read.ends_with(b"\r\n\r\n") && stream.read_buf(&mut read).await.unwrap_or(0) > 0 {}
        stream.write_all(&reply).await.unwrap();
        while more && stream.write_all(&[b' '; 4096]).await.is_ok() {}
        let mut rest = Vec::new();
        while !more && stream.read_buf(&mut rest).await.unwrap_or(0) > 0 {}
    });
    HttpTransport::new(&format!("http://{address}"), None, Duration::from_millis(700)).unwrap()
}

async fn fault_of(reply: &str, more: bool) -> Fault {
    let transport = raw(reply.as_bytes().to_vec(), more).await;
    transport.exchange(Ask::get("/v1/limits")).await.unwrap_err()
}

#[tokio::test]
async fn an_answer_without_end_is_left() {
    let endless = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n{";
    assert_eq!(fault_of(endless, true).await, Fault::TooLong);
    let silent = "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\n{";
    assert_eq!(fault_of(silent, false).await, Fault::TimedOut);
    assert_eq!(fault_of("", false).await, Fault::TimedOut);
}

#[tokio::test]
async fn what_is_no_http_is_a_broken_connection() {
    assert!(matches!(fault_of("SSH-2.0-OpenSSH_9\r\n\r\n", false).await, Fault::Broken(_)));
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let transport =
        HttpTransport::new(&format!("http://{closed}"), None, Duration::from_secs(2)).unwrap();
    let refused = transport.exchange(Ask::get("/")).await.unwrap_err();
    assert!(matches!(refused, Fault::Unreachable(_)), "{refused:?}");
}

/// A gzip file with one stored block.
fn gzip(data: &[u8]) -> Vec<u8> {
    let mut crc = !0_u32;
    for byte in data {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
        }
    }
    let length = u16::try_from(data.len()).unwrap();
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    file.extend(length.to_le_bytes());
    file.extend((!length).to_le_bytes());
    file.extend(data);
    file.extend((!crc).to_le_bytes());
    file.extend(u32::from(length).to_le_bytes());
    file
}

#[tokio::test]
async fn a_compressed_answer_is_read() {
    let body = gzip(br#"{"id":"m1"}"#);
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-encoding: gzip\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let transport = raw([head.as_bytes(), &body].concat(), false).await;
    let reply = transport.exchange(Ask::get("/")).await.unwrap();
    assert_eq!((reply.status, reply.is_json(), reply.body.len() < MAX_ANSWER), (200, true, true));
    assert_eq!(reply.body, br#"{"id":"m1"}"#);
}
