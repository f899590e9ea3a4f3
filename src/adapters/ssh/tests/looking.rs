use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use rstest::rstest;
use serde_json::{Value, json};
use tokio::io::{
    AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, DuplexStream, ReadHalf, WriteHalf,
};
use tokio::task::JoinHandle;

use super::super::{RemoteEnd, ServeError};
use crate::adapters::system_clock::SystemClock;
use crate::domain::sighting::{Answer, Etag, ProbeFailure, Sighting};
use crate::domain::time::{Moment, Timestamp};
use crate::ports::clock::Clock;
use crate::ports::prober::{Probe, Prober};

/// Takes 30 ms of paused time for each probe and remembers what it was asked.
#[derive(Default)]
struct Recording {
    asked: Mutex<Vec<(Probe, tokio::time::Instant)>>,
}

#[async_trait]
impl Prober for Recording {
    async fn probe(&self, probe: &Probe) -> Sighting {
        self.asked.lock().unwrap().push((probe.clone(), tokio::time::Instant::now()));
        let sent = Paused.moment();
        tokio::time::sleep(Duration::from_millis(30)).await;
        let answer = Answer {
            status: 206,
            etag: Some(Etag { weak: true, tag: "9e10".to_owned() }),
            age: Some(7),
            peer: probe.address.map(|address| address.ip()),
            ..Answer::default()
        };
        let dead = probe.path == "/dead";
        Sighting {
            variant: probe.variant,
            shape: probe.shape,
            sent,
            received: Paused.moment(),
            at: Paused.wall(),
            result: if dead { Err(ProbeFailure::Refused) } else { Ok(answer) },
        }
    }
}

/// Follows tokio's paused time.
struct Paused;

impl Clock for Paused {
    fn wall(&self) -> Timestamp {
        SystemClock.wall()
    }

    fn moment(&self) -> Moment {
        thread_local!(static ORIGIN: tokio::time::Instant = tokio::time::Instant::now());
        Moment::from_origin(ORIGIN.with(tokio::time::Instant::elapsed))
    }
}

struct Talk {
    prober: Arc<Recording>,
    to: WriteHalf<DuplexStream>,
    from: BufReader<ReadHalf<DuplexStream>>,
    served: JoinHandle<Result<(), ServeError>>,
}

const HELLO: &str = r#"{"schema":"allclear.probe/1","hello":{}}"#;
const LOCAL: &str = r#"{"schema":"allclear.probe/1","hello":{"local":true}}"#;

impl Talk {
    fn start(local: bool) -> Self {
        let prober = Arc::new(Recording::default());
        let end = RemoteEnd::new(Arc::clone(&prober) as Arc<dyn Prober>, Arc::new(Paused), local);
        let (ours, theirs) = tokio::io::duplex(1 << 16);
        let served = tokio::spawn(async move {
            let (input, output) = tokio::io::split(theirs);
            end.serve(input, output).await
        });
        let (from, to) = tokio::io::split(ours);
        Self { prober, to, from: BufReader::new(from), served }
    }

    /// Greeted, and the greeting taken.
    async fn greeted(hello: &str, local: bool) -> Self {
        let mut talk = Self::start(local);
        talk.say(hello).await;
        assert_eq!(talk.heard().await["schema"], "allclear.probe/1");
        talk
    }

    async fn say(&mut self, line: &str) {
        self.to.write_all(format!("{line}\n").as_bytes()).await.unwrap();
    }

    async fn ask(&mut self, request: &Value) -> Value {
        self.say(&request.to_string()).await;
        self.heard().await
    }

    async fn heard(&mut self) -> Value {
        let mut line = String::new();
        self.from.read_line(&mut line).await.unwrap();
        serde_json::from_str(&line).unwrap_or_else(|why| panic!("{why}: {line:?}"))
    }

    /// Closes its input and gives back everything that it still said.
    async fn end(mut self) -> (Vec<String>, Result<(), ServeError>) {
        self.to.shutdown().await.unwrap();
        let mut lines = Vec::new();
        while let Some(line) =
            tokio::io::AsyncBufReadExt::lines(&mut self.from).next_line().await.unwrap()
        {
            lines.push(line);
        }
        (lines, self.served.await.unwrap())
    }
}

fn probe_at(id: u64, address: &str) -> Value {
    json!({ "id": id, "probe": {
        "host": "res.cloudinary.com", "path": "/demo/a.jpg", "tls": true, "address": address, "timeout_ms": 5000,
    } })
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_answered_with_its_durations() {
    let mut talk = Talk::greeted(HELLO, false).await;
    let mut asked = probe_at(7, "192.0.2.7:443");
    asked["probe"]["variant"] = json!("avif");
    asked["probe"]["shape"] = json!("body");
    asked["probe"]["of_a_later_version"] = json!([1]);
    let reply = talk.ask(&asked).await;
    assert_eq!(
        reply,
        json!({
            "schema": "allclear.probe/1",
            "id": 7,
            "times": { "sent_ms": 0, "received_ms": 30, "done_ms": 30 },
            "answer": {
                "status": 206, "etag": "9e10", "weak": true, "age": 7, "cache": "unknown",
                "varies_by_accept": false, "peer": "192.0.2.7",
            },
        })
    );
    let asked = talk.prober.asked.lock().unwrap()[0].0.clone();
    assert_eq!(asked.address, Some("192.0.2.7:443".parse().unwrap()));
    assert_eq!((asked.variant.as_str(), asked.path.as_str()), ("avif", "/demo/a.jpg"));
    let (rest, served) = talk.end().await;
    assert!(rest.is_empty() && served.is_ok(), "{rest:?}");
}

#[tokio::test(start_paused = true)]
async fn failures_and_numeric_hosts() {
    let mut talk = Talk::greeted(HELLO, false).await;
    let mut dead = probe_at(1, "192.0.2.7:8443");
    dead["probe"]["path"] = json!("/dead");
    assert_eq!(talk.ask(&dead).await["failure"], json!({ "kind": "refused" }));
    let places = talk.ask(&json!({ "id": 2, "places": { "host": "[2001:db8::7]" } })).await;
    assert_eq!(places["addresses"], json!(["2001:db8::7"]));
    let mut own = probe_at(3, "192.0.2.7:443");
    own["probe"]["host"] = json!("198.51.100.7");
    own["probe"].as_object_mut().unwrap().remove("address");
    assert_eq!(talk.ask(&own).await["answer"]["peer"], "198.51.100.7");
    own["probe"]["tls"] = json!(false);
    assert_eq!(talk.ask(&own).await["answer"]["peer"], "198.51.100.7");
    let ports: Vec<u16> = {
        let asked = talk.prober.asked.lock().unwrap();
        asked.iter().map(|(probe, _)| probe.address.unwrap().port()).collect()
    };
    assert_eq!(ports, [8443, 443, 80], "its own resolver leads to the usual ports only");
}

#[rstest]
#[case::loopback("127.0.0.1:80")]
#[case::loopback_v6("[::1]:443")]
#[case::mapped("[::ffff:127.0.0.1]:443")]
#[case::private("10.1.2.3:443")]
#[case::metadata("169.254.169.254:80")]
#[tokio::test(start_paused = true)]
async fn its_own_network_is_looked_at_only_when_both_ends_say_local(#[case] address: &str) {
    for (hello, local) in [(HELLO, false), (LOCAL, false), (HELLO, true)] {
        let mut talk = Talk::greeted(hello, local).await;
        let reply = talk.ask(&probe_at(1, address)).await;
        assert_eq!(reply["failure"]["kind"], "not_allowed", "{reply}");
        let host = address.rsplit_once(':').unwrap().0;
        let reply = talk.ask(&json!({ "id": 2, "places": { "host": host } })).await;
        assert_eq!(reply["failure"]["kind"], "not_allowed", "{reply}");
        let mut named = probe_at(3, address);
        named["probe"]["host"] = json!(host);
        named["probe"].as_object_mut().unwrap().remove("address");
        assert_eq!(talk.ask(&named).await["failure"]["kind"], "not_allowed");
        assert!(talk.prober.asked.lock().unwrap().is_empty());
    }
    let mut talk = Talk::greeted(LOCAL, true).await;
    assert_eq!(talk.ask(&probe_at(1, address)).await["answer"]["status"], 206);
}

#[rstest]
#[case::port(json!({ "host": "res.cloudinary.com:22", "path": "/", "tls": true }))]
#[case::no_path(json!({ "host": "a.example", "path": "", "tls": true }))]
#[case::url(json!({ "host": "a.example", "path": "file:///etc/passwd", "tls": true }))]
#[case::shell(json!({ "host": "$(id).example", "path": "/", "tls": true }))]
#[case::break_in_host(json!({ "host": "a.example\r\nx: y", "path": "/", "tls": true }))]
#[case::long_host(json!({ "host": "a".repeat(300), "path": "/", "tls": false }))]
#[case::long_path(json!({ "host": "a.example", "path": format!("/{}", "a".repeat(9000)), "tls": false }))]
#[case::scheme(json!({ "host": "a.example", "path": "/", "tls": "ftp" }))]
#[case::variant(json!({ "host": "a.example", "path": "/", "tls": true, "variant": "*/*" }))]
#[case::nothing(json!({}))]
#[tokio::test(start_paused = true)]
async fn hostile_requests_are_refused_and_never_carried_out(#[case] probe: Value) {
    let mut talk = Talk::greeted(LOCAL, true).await;
    let mut asked = json!({ "id": 5, "probe": probe });
    asked["probe"]["timeout_ms"] = json!(1000);
    let reply = talk.ask(&asked).await;
    assert_eq!((&reply["id"], &reply["failure"]["kind"]), (&json!(5), &json!("bad_request")));
    assert!(talk.prober.asked.lock().unwrap().is_empty());
    // and the conversation goes on
    assert_eq!(talk.ask(&probe_at(6, "192.0.2.7:443")).await["id"], 6);
}

#[tokio::test(start_paused = true)]
async fn one_address_is_asked_once_a_second_and_others_at_once() {
    let mut talk = Talk::greeted(HELLO, false).await;
    for id in 1..=3 {
        talk.say(&probe_at(id, "192.0.2.7:443").to_string()).await;
    }
    for id in 4..=9 {
        talk.say(&probe_at(id, &format!("192.0.2.{id}0:443")).to_string()).await;
    }
    let mut order = Vec::new();
    for _ in 0..9 {
        order.push(talk.heard().await["id"].as_u64().unwrap());
    }
    assert_eq!(order[7..], [2, 3], "{order:?}");
    let asked = talk.prober.asked.lock().unwrap();
    let of_one =
        asked.iter().filter(|(probe, _)| probe.address.unwrap().ip().to_string() == "192.0.2.7");
    let at: Vec<_> = of_one.map(|(_, at)| *at).collect();
    assert!(at.windows(2).all(|two| two[1] - two[0] >= Duration::from_secs(1)), "{at:?}");
}

#[tokio::test(start_paused = true)]
async fn a_turn_that_does_not_come_in_time_is_told() {
    let mut talk = Talk::greeted(HELLO, false).await;
    for id in 1..=10 {
        let mut asked = probe_at(id, "192.0.2.7:443");
        asked["probe"]["timeout_ms"] = json!(2500);
        talk.say(&asked.to_string()).await;
    }
    let mut busy = 0;
    for _ in 0..10 {
        busy += usize::from(talk.heard().await["failure"]["kind"] == "busy");
    }
    assert_eq!((busy, talk.prober.asked.lock().unwrap().len()), (7, 3));
}

#[tokio::test(start_paused = true)]
async fn more_than_it_carries_at_a_time_waits_in_the_pipe() {
    let mut talk = Talk::greeted(HELLO, false).await;
    for id in 1..=100 {
        talk.say(&probe_at(id, &format!("198.51.100.{id}:443")).to_string()).await;
    }
    let mut most = 0;
    for _ in 0..100 {
        talk.heard().await;
        let asked = talk.prober.asked.lock().unwrap();
        most = most
            .max(asked.iter().filter(|(_, at)| at.elapsed() < Duration::from_millis(30)).count());
    }
    assert!((1..=32).contains(&most), "{most} at a time");
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_its_input_does() {
    let mut talk = Talk::greeted(HELLO, false).await;
    talk.say(&probe_at(1, "192.0.2.7:443").to_string()).await;
    talk.to.write_all(probe_at(2, "192.0.2.8:443").to_string().as_bytes()).await.unwrap();
    let prober = Arc::clone(&talk.prober);
    let (rest, served) = talk.end().await;
    assert!(served.is_ok());
    assert_eq!(rest.len(), 1, "what was under way is answered, half a request is none: {rest:?}");
    assert_eq!(prober.asked.lock().unwrap().len(), 1);
}

#[rstest]
#[case::newer(r#"{"schema":"allclear.probe/2","hello":{}}"#, "unknown_version")]
#[case::other(r#"{"schema":"allclear.ls/1","hello":{}}"#, "unknown_version")]
#[case::no_hello(r#"{"schema":"allclear.probe/1"}"#, "bad_greeting")]
#[case::no_json("{", "bad_greeting")]
#[case::a_request(r#"{"id":1,"places":{"host":"a"}}"#, "bad_greeting")]
#[case::nothing("", "bad_greeting")]
#[tokio::test(start_paused = true)]
async fn a_greeting_that_cannot_be_meant_is_answered_clearly(
    #[case] hello: &str,
    #[case] code: &str,
) {
    let mut talk = Talk::start(false);
    talk.say(hello).await;
    let (said, served) = talk.end().await;
    let said: Value = serde_json::from_str(&said[0]).unwrap();
    assert_eq!(
        (&said["schema"], &said["error"]["code"]),
        (&json!("allclear.probe/1"), &json!(code))
    );
    assert!(served.is_err());
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_for_a_greeting_for_ever() {
    let mut talk = Talk::start(false);
    assert_eq!(talk.heard().await["error"]["code"], "bad_greeting");
    assert!(talk.served.await.unwrap().is_err());
}

#[tokio::test(start_paused = true)]
async fn lines_that_are_no_request_are_told_and_not_listened_to_for_ever() {
    let mut talk = Talk::greeted(HELLO, false).await;
    let enormous = "x".repeat(20 << 10);
    for line in
        ["https://res.cloudinary.com/demo/a.jpg", "[]", r#"{"id":"1"}"#, &enormous, "\0\u{1b}"]
    {
        talk.say(line).await;
        let reply = talk.heard().await;
        assert_eq!(reply["error"]["code"], "bad_line", "{reply}");
    }
    assert_eq!(talk.ask(&probe_at(1, "192.0.2.7:443")).await["id"], 1);
    for _ in 0..15 {
        talk.say("rubbish").await;
    }
    let (_, served) = talk.end().await;
    assert!(matches!(served, Err(ServeError::Garbage)), "{served:?}");
}
