//! Callers who mean harm, or are merely broken, over real sockets: each gets an answer or a clean end, and the cloud
//! stays up with its memory bounded.

use std::time::Duration;

use axum::body::Bytes;
use base64::Engine as _;
use futures_util::{StreamExt as _, stream};
use reqwest::{Body, Method, multipart};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::{PNG, Rig, calm, message, told};
use crate::local_cloud::server::limits::Limits;

/// Longer than anything here takes: a test that gets here has failed.
const FOREVER: Duration = Duration::from_secs(60);

/// A connection on which anything can be said.
struct Line {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Line {
    async fn to(url: &str) -> Self {
        let address = url.trim_start_matches("http://");
        Self { stream: TcpStream::connect(address).await.unwrap(), read: Vec::new() }
    }

    async fn say(&mut self, text: impl AsRef<[u8]>) {
        self.stream.write_all(text.as_ref()).await.unwrap();
    }

    /// Reads on; false at the end, which may be a reset.
    async fn hear(&mut self) -> bool {
        let mut some = vec![0; 64 * 1024];
        let heard = tokio::time::timeout(FOREVER, self.stream.read(&mut some)).await;
        let count = heard.expect("an answer or an end").unwrap_or(0);
        self.read.extend_from_slice(&some[..count]);
        count > 0
    }

    /// The next answer: its status and body. Status 0 where the connection ended instead.
    async fn answer(&mut self) -> (u16, String) {
        loop {
            let text = String::from_utf8_lossy(&self.read).into_owned();
            if let Some((head, rest)) = text.split_once("\r\n\r\n") {
                let status = head.split(' ').nth(1).unwrap().parse().unwrap();
                let length = head
                    .lines()
                    .filter_map(|line| line.split_once(':'))
                    .find(|(name, _)| name.eq_ignore_ascii_case("content-length"))
                    .map_or(0, |(_, value)| value.trim().parse::<usize>().unwrap());
                if rest.len() >= length {
                    let body = rest[..length].to_owned();
                    self.read.drain(..head.len() + 4 + length);
                    return (status, body);
                }
            }
            if !self.hear().await {
                return (0, text);
            }
        }
    }

    /// Waits until the other side has ended the connection.
    async fn ended(&mut self) {
        while self.hear().await {}
    }
}

impl Rig {
    async fn line(&self) -> Line {
        Line::to(&self.cloud.ready.api).await
    }

    fn basic(&self) -> String {
        let plain = format!("{}:{}", self.cloud.ready.api_key, self.cloud.ready.api_secret);
        let encoded = base64::engine::general_purpose::STANDARD.encode(plain);
        format!("Authorization: Basic {encoded}\r\n")
    }

    /// The answer to a request for this target, with this after its first line.
    async fn raw(&self, method: &str, target: &str, rest: &str) -> (u16, String) {
        let mut line = self.line().await;
        line.say(format!("{method} {target} HTTP/1.1\r\nHost: x\r\n{}{rest}", self.basic())).await;
        line.answer().await
    }

    /// Fails unless the cloud is up and holds on to nothing.
    async fn stands(&self) {
        let give_back = async {
            while self.cloud.cloud.in_flight.taken() > 0 {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(FOREVER, give_back).await.expect("the memory in flight is given back");
        assert_eq!(self.get("ping").await.1, json!({"status": "ok"}));
    }
}

/// A file of `length` bytes that is made while it is sent.
fn endless(length: usize) -> multipart::Part {
    const CHUNK: usize = 256 * 1024;
    let chunk = Bytes::from(vec![b'x'; CHUNK]);
    let chunks = stream::iter(0..length.div_ceil(CHUNK))
        .map(move |at| Ok::<_, std::io::Error>(chunk.slice(..CHUNK.min(length - at * CHUNK))));
    multipart::Part::stream_with_length(Body::wrap_stream(chunks), length as u64)
        .file_name("big.bin")
}

fn form_of(rig: &Rig, file: multipart::Part) -> multipart::Form {
    let fields = rig.signed(&[("public_id", "big.bin")]);
    let form = fields
        .into_iter()
        .fold(multipart::Form::new(), |form, (name, value)| form.text(name, value));
    form.part("file", file)
}

#[tokio::test]
async fn ids_that_cannot_be_are_refused_and_never_found() {
    let rig = Rig::new().await;
    let long = "é".repeat(256);
    let odd = [
        "../../etc/passwd",
        "a/../b",
        "..",
        "a//b",
        "a\0b",
        "a\nb",
        "\u{1b}[31m",
        "a?b",
        "a#b",
        "a&b",
        "a%2Fb",
        "a<b>",
        "a\\b",
        "a+b",
        &long,
        " ",
        "/",
    ];
    for id in odd {
        let (status, answer) = rig.upload("image/upload", &[("public_id", id)], PNG).await;
        assert_eq!(
            (status.as_u16(), message(&answer)),
            (400, format!("public_id ({id}) is invalid").as_str())
        );
        let rename = [("from_public_id", "logo"), ("to_public_id", id)];
        assert_eq!(rig.upload_call("image/rename", &rename).await.0, 400, "{id:?}");
        let (_, gone) = rig.upload_call("image/destroy", &[("public_id", id)]).await;
        assert_eq!(gone, json!({"result": "not found"}), "{id:?}");
        let explicit = [("public_id", id), ("type", "upload")];
        assert_eq!(rig.upload_call("image/explicit", &explicit).await.0, 404, "{id:?}");
        let (_, many) = rig.delete("resources/image/upload", json!({"public_ids": [id]})).await;
        assert_eq!(many["deleted"], json!({id: "not_found"}));
    }
    let huge = "x".repeat(1_000_000);
    let (status, answer) = rig.upload("image/upload", &[("public_id", &huge)], PNG).await;
    assert_eq!(status, 400);
    assert!(message(&answer).len() < 5000, "an answer is not as long as what was asked");

    let there = "/v1_1/demo/resources/image/upload";
    for (target, status) in [
        ("/../../../../etc/passwd", 404),
        ("/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 404),
        ("/a%00b", 404),
        ("/%0d%0aX-Injected:%201", 404),
        ("/a%ff%fe", 400),
        ("/a%zz", 400),
        ("/a%", 400),
        ("?prefix=%c3%28", 400),
        ("?max_results=%31&max_results=-1", 400),
    ] {
        let (got, body) = rig.raw("GET", &format!("{there}{target}"), "\r\n").await;
        assert_eq!(got, status, "{target}: {body}");
        assert!(body.starts_with("{\"error\":{\"message\":"), "{target}: {body}");
    }
    assert_eq!(rig.get("resources/image/upload/logo").await.0, 200);
    rig.stands().await;
}

#[tokio::test]
async fn two_hundred_megabytes_are_refused_and_not_kept() {
    const SENT: usize = 200 * 1024 * 1024;
    let limits = Limits { file: 8 * 1024 * 1024, ..Limits::default() };
    let most = limits.file + 64 * 1024;
    let rig = Rig::within(calm(), limits).await;
    let cloud = rig.cloud.cloud.clone();
    let call = rig.http.post(rig.api("raw/upload")).multipart(form_of(&rig, endless(SENT)));
    let (mut highest, mut call) = (0, std::pin::pin!(told(call)));
    let (status, answer) = loop {
        tokio::select! {
            told = call.as_mut() => break told,
            () = tokio::time::sleep(Duration::from_millis(1)) => highest = highest.max(cloud.in_flight.taken()),
        }
    };
    assert_eq!(status, 400);
    assert_eq!(message(&answer), format!("File size too large. Got {SENT}. Maximum is 8388608."));
    assert!(highest <= most, "{highest} bytes were held");

    // as JSON and as a form, without a length, and where no file belongs
    for (path, kind) in [
        ("raw/upload", "application/json"),
        ("raw/upload", "application/x-www-form-urlencoded"),
        ("resources/search", "application/json"),
        ("no/such/thing", "application/octet-stream"),
    ] {
        let chunk = Bytes::from(vec![b' '; 256 * 1024]);
        let body = stream::iter(0..64).map(move |_| Ok::<_, std::io::Error>(chunk.clone()));
        let call = rig.admin(Method::POST, path).header("Content-Type", kind);
        let (status, answer) = told(call.body(Body::wrap_stream(body))).await;
        assert_eq!(status, 413, "{path}: {answer}");
    }
    rig.stands().await;
}

#[tokio::test]
async fn many_large_bodies_at_once_share_one_budget() {
    const FILE: usize = 3 * 1024 * 1024;
    let limits =
        Limits { in_flight: 10 * 1024 * 1024, stored: 8 * 1024 * 1024, ..Limits::default() };
    let rig = Rig::within(calm(), limits).await;
    let cloud = rig.cloud.cloud.clone();
    let calls = (0..12).map(|_| {
        told(rig.http.post(rig.api("raw/upload")).multipart(form_of(&rig, endless(FILE))))
    });
    let mut statuses: Vec<u16> = futures_util::future::join_all(calls)
        .await
        .iter()
        .map(|(status, _)| status.as_u16())
        .collect();
    statuses.sort_unstable();
    statuses.dedup();
    assert!(statuses.iter().all(|status| [200, 503, 507].contains(status)), "{statuses:?}");
    assert!(cloud.stored.taken() <= 8 * 1024 * 1024);
    rig.stands().await;
    // what is stored counts until nothing holds on to it
    let one = async |id: &str, letter: &str| {
        rig.upload("raw/upload", &[("public_id", id)], &format!("data:,{}", letter.repeat(FILE)))
            .await
    };
    assert_eq!(rig.upload_call("raw/destroy", &[("public_id", "big.bin")]).await.0, 200);
    assert_eq!(one("a", "a").await.0, 200);
    assert_eq!(one("b", "b").await.0, 200);
    let (status, full) = one("c", "c").await;
    assert_eq!(status, 507, "{full}");
    rig.upload_call("raw/destroy", &[("public_id", "a")]).await;
    assert_eq!(one("c", "c").await.0, 200);
    rig.stands().await;
}

#[tokio::test]
async fn slow_callers_are_cut_off() {
    let limits = Limits {
        head: Duration::from_millis(300),
        body: Duration::from_millis(300),
        pace: 1_000_000,
        ..Limits::default()
    };
    let rig = Rig::within(calm(), limits).await;
    let mut silent = rig.line().await;
    let mut half = rig.line().await;
    half.say("GET /v1_1/demo/ping HTTP/1.1\r\nHost: x\r\nX-A").await;
    // one byte of the head after the other
    let mut trickle = rig.line().await;
    for byte in "GET /v1_1/demo/ping HTTP/1.1\r\n".bytes().chain(std::iter::repeat_n(b'a', 2000)) {
        if trickle.stream.write_all(&[byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    for line in [&mut silent, &mut half, &mut trickle] {
        line.ended().await;
    }
    // a body that does not come, and one that comes byte by byte
    let head = format!(
        "POST /v1_1/demo/image/destroy HTTP/1.1\r\nHost: x\r\n{}Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{{",
        rig.basic()
    );
    let mut late = rig.line().await;
    late.say(&head).await;
    let (status, body) = late.answer().await;
    assert_eq!((status, body.as_str()), (408, r#"{"error":{"message":"Request Timeout"}}"#));
    late.ended().await;
    let mut drip = rig.line().await;
    drip.say(&head).await;
    let (mut reader, mut writer) = drip.stream.into_split();
    let dripping = async {
        while writer.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let mut answer = vec![0; 12];
    tokio::select! {
        read = reader.read_exact(&mut answer) => assert!(read.is_ok()),
        () = dripping => panic!("cut off without an answer"),
        () = tokio::time::sleep(FOREVER) => panic!("never cut off"),
    }
    assert_eq!(answer, b"HTTP/1.1 408");
    rig.stands().await;
}

#[tokio::test]
async fn connections_that_say_nothing_make_room_in_time() {
    let limits = Limits { connections: 4, head: Duration::from_millis(300), ..Limits::default() };
    let rig = Rig::within(calm(), limits).await;
    let mut silent = Vec::new();
    for _ in 0..12 {
        silent.push(rig.line().await);
    }
    let (status, _) = rig.raw("GET", "/v1_1/demo/ping", "\r\n").await;
    assert_eq!(status, 200);
    for line in &mut silent {
        line.ended().await;
    }
    rig.stands().await;
}

#[tokio::test]
async fn answers_that_nobody_reads_are_given_up() {
    let limits = Limits { stall: Duration::from_millis(300), ..Limits::default() };
    let rig = Rig::within(calm(), limits).await;
    let file = format!("data:,{}", "x".repeat(4 * 1024 * 1024));
    rig.upload("raw/upload", &[("public_id", "long")], &file).await;
    let mut line = Line::to(&rig.cloud.ready.edges[0].url).await;
    let asked = "GET /demo/raw/upload/long HTTP/1.1\r\nHost: x\r\n\r\n".repeat(32);
    line.say(asked).await;
    // nothing is read until the other side has given up, which a write notices
    let notice = async {
        while line.stream.write_all(b"\r\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(FOREVER, notice).await.expect("the connection ends");
    rig.stands().await;
}

#[tokio::test]
async fn half_closed_connections_get_their_answer() {
    let rig = Rig::new().await;
    let mut line = rig.line().await;
    let request = format!("GET /v1_1/demo/ping HTTP/1.1\r\nHost: x\r\n{}\r\n", rig.basic());
    line.say(request).await;
    line.stream.shutdown().await.unwrap();
    assert_eq!(line.answer().await, (200, r#"{"status":"ok"}"#.to_owned()));
    line.ended().await;
    // closed in the middle of a body, or of a head
    let mut line = rig.line().await;
    line.say("POST /v1_1/demo/image/destroy HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\nabc")
        .await;
    line.stream.shutdown().await.unwrap();
    let (status, _) = line.answer().await;
    assert!([0, 400].contains(&status), "{status}");
    let mut line = rig.line().await;
    line.say("POST /v1_1/demo").await;
    line.stream.shutdown().await.unwrap();
    line.ended().await;
    rig.stands().await;
}

#[tokio::test]
async fn parameters_and_json_beyond_measure_are_refused() {
    const FORM: &str = "application/x-www-form-urlencoded";
    const JSON: &str = "application/json";
    let rig = Rig::new().await;
    let post = async |kind: &str, body: String| {
        let call = rig.admin(Method::POST, "image/destroy").header("Content-Type", kind).body(body);
        let (status, answer) = told(call).await;
        (status.as_u16(), message(&answer).to_owned())
    };
    let many = (0..10_000).map(|n| format!("p{n}=1")).collect::<Vec<_>>().join("&");
    let refused = (400, "Too many parameters, maximum is 5000".to_owned());
    assert_eq!(post(FORM, many.clone()).await, refused);
    assert_eq!(post(FORM, "public_ids[]=a&".repeat(10_000)).await, refused);
    let (status, _) = rig.raw("GET", &format!("/v1_1/demo/resources/image?{many}"), "\r\n").await;
    // addresses end sooner than that
    assert!([400, 414].contains(&status), "{status}");
    let part = |n| format!("--b\r\nContent-Disposition: form-data; name=\"p{n}\"\r\n\r\n1\r\n");
    let parts = (0..10_000).map(part).collect::<Vec<_>>().concat();
    assert_eq!(post("multipart/form-data; boundary=b", parts + "--b--").await, refused);
    let refused = (400, "Too many values in request body, or too deeply nested".to_owned());
    assert_eq!(post(JSON, format!("{{\"a\":{}", "[".repeat(100_000))).await, refused);
    assert_eq!(post(JSON, format!("{{\"a\":[{}1]}}", "1,".repeat(1_000_000))).await, refused);
    for body in ["{", "[1]", "{\"a\":1}}", "\"\\ud800\"", "{\"a\":\"\u{0}\"}"] {
        assert_eq!(
            post(JSON, body.to_owned()).await,
            (400, "Invalid JSON in request body".to_owned())
        );
    }
    assert_eq!(post(FORM, "public_id=%ff".to_owned()).await.1, "Invalid %-encoding (%ff)");
    assert!(post("text/plain", "x".to_owned()).await.1.starts_with("Unsupported content type"));
    assert!(
        post("multipart/form-data", "x".to_owned()).await.1.starts_with("Invalid multipart body")
    );
    let cut = "--b\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\nabc".to_owned();
    assert_eq!(
        post("multipart/form-data; boundary=b", cut).await.1,
        "Invalid multipart body: it ends in the middle"
    );
    rig.stands().await;
}

#[tokio::test]
async fn what_is_no_http_is_refused_or_cut_off() {
    let rig = Rig::new().await;
    let post = |rest: &str| format!("POST /v1_1/demo/image/destroy HTTP/1.1\r\nHost: x\r\n{rest}");
    let many_headers = (0..500).map(|n| format!("X-{n}: 1\r\n")).collect::<Vec<_>>().concat();
    let json = "Content-Type: application/json\r\n";
    let cases: &[(String, &[u16])] = &[
        (format!("GET / HTTP/1.1\r\nX-A: {}\r\n\r\n", "a".repeat(300_000)), &[431]),
        (format!("GET / HTTP/1.1\r\n{many_headers}\r\n"), &[431]),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(300_000)), &[414, 431]),
        (post(&format!("{json}Transfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n")), &[400]),
        (post(&format!("{json}Transfer-Encoding: chunked\r\n\r\n-1\r\n")), &[400]),
        (post(&format!("{json}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n")), &[400]),
        (post("Content-Length: -1\r\n\r\n"), &[400]),
        (post("Content-Length: 1\r\nContent-Length: 2\r\n\r\nab"), &[400]),
        (post("Content-Length: 99999999999999999999\r\n\r\n"), &[400]),
        ("\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03\r\n\r\n".to_owned(), &[0, 400]),
        ("GET\r\n\r\n".to_owned(), &[0, 400]),
        ("GET / HTTP/9.9\r\n\r\n".to_owned(), &[0, 400, 505]),
        ("GET / HTTP/1.1\r\nA b: c\r\n\r\n".to_owned(), &[0, 400]),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned(), &[0, 400, 505]),
        ("GET http://elsewhere/v1_1/demo/ping HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &[401]),
        ("OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &[404]),
        ("CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &[404]),
        ("BREW /v1_1/demo/ping HTTP/1.1\r\nHost: x\r\n\r\n".to_owned(), &[401, 404, 405]),
    ];
    for (request, expected) in cases {
        let mut line = rig.line().await;
        // the other side may stop reading
        let _ = line.stream.write_all(request.as_bytes()).await;
        let (status, body) = line.answer().await;
        let shown: String = request.chars().take(90).collect();
        assert!(expected.contains(&status), "{shown}: {status} {body}");
        let said = body.clone();
        let is_ours = said.contains("error") && said.contains("message");
        assert!(!matches!(status, 400 | 414 | 431) || is_ours, "{shown}: {status} {said}");
    }
    // more than was announced is the next request, and none
    let mut line = rig.line().await;
    line.say(post("Content-Length: 2\r\nContent-Type: application/json\r\n\r\n{}garbage\r\n\r\n"))
        .await;
    assert_eq!(line.answer().await.0, 400);
    line.ended().await;
    rig.stands().await;
}

#[tokio::test]
async fn old_and_eager_clients_are_served() {
    let rig = Rig::new().await;
    let ping = |version: &str, rest: &str| {
        format!("GET /v1_1/demo/ping HTTP/{version}\r\n{}{rest}\r\n", rig.basic())
    };
    let mut old = rig.line().await;
    old.say(ping("1.0", "")).await;
    assert_eq!(old.answer().await.0, 200);
    old.ended().await;
    let mut pipelined = rig.line().await;
    let config = format!("GET /v1_1/demo/config HTTP/1.1\r\nHost: x\r\n{}\r\n", rig.basic());
    pipelined
        .say(
            ping("1.1", "Host: x\r\n") + &config + &ping("1.1", "Host: x\r\nConnection: close\r\n"),
        )
        .await;
    assert_eq!(pipelined.answer().await, (200, r#"{"status":"ok"}"#.to_owned()));
    assert!(pipelined.answer().await.1.contains("cloud_name"));
    assert_eq!(pipelined.answer().await, (200, r#"{"status":"ok"}"#.to_owned()));
    pipelined.ended().await;
    // a client that waits to be asked for its body
    let mut polite = rig.line().await;
    let body = r#"{"public_id":"nope"}"#;
    polite
        .say(format!(
            "POST /v1_1/demo/image/destroy HTTP/1.1\r\nHost: x\r\n{}Expect: 100-continue\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            rig.basic(),
            body.len()
        ))
        .await;
    assert_eq!(polite.answer().await.0, 100);
    polite.say(body).await;
    assert_eq!(polite.answer().await, (200, r#"{"result":"not found"}"#.to_owned()));
    rig.stands().await;
}

#[tokio::test]
async fn uploads_that_break_off_leave_nothing_behind() {
    let rig = Rig::new().await;
    let before = rig.get("usage").await.1["resources"].clone();
    for at in 0..40 {
        let mut line = rig.line().await;
        line.say(format!(
            "POST /v1_1/demo/raw/upload HTTP/1.1\r\nHost: x\r\n{}Content-Type: multipart/form-data; boundary=b\r\nContent-Length: 1000000\r\n\r\n\
             --b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\n{}",
            rig.basic(),
            "x".repeat(at * 1000)
        ))
        .await;
        if at % 2 == 0 {
            line.stream.set_zero_linger().unwrap();
        }
    }
    rig.stands().await;
    assert_eq!(rig.get("usage").await.1["resources"], before);
    assert_eq!(rig.cloud.cloud.stored.taken(), 0);
    let told = rig.local(Method::GET, "invalidations", Value::Null).await;
    assert_eq!(told["invalidations"], json!([]));
}
