//! A stand-in for the network's API, strict where the real one is: what may be asked, how often a measurement may
//! be read, how tests are counted, which probes answer again. Pure: the time is passed in.
//!
//! Reached over memory with tokio's paused time ([`Memory`]), or over loopback ([`serve`]).

use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{Request, Response};
use hyper::HeaderMap;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::adapters::globalping::transport::{Ask, Fault, Reply, Transport};

/// The API counts tests by the hour, from the first one on.
const HOUR: Duration = Duration::from_secs(3600);
/// Reads of one measurement that may come within [`READ_WINDOW`]; then it is closed for [`READ_BLOCK`].
const READS: usize = 5;
const READ_WINDOW: Duration = Duration::from_secs(2);
const READ_BLOCK: Duration = Duration::from_secs(5);

/// A probe of the network.
#[derive(Clone)]
pub struct MockProbe {
    /// Free text that finds it, one condition each.
    pub words: &'static [&'static str],
    pub info: Value,
    pub online: bool,
    /// What it sees: the `result` of a measurement.
    pub sees: Value,
}

/// What a server says instead of what it should.
#[derive(Clone)]
pub enum Canned {
    Reply {
        status: u16,
        headers: Vec<(&'static str, &'static str)>,
        body: String,
    },
    Fault(Fault),
    /// Never.
    Silence,
}

impl Canned {
    pub fn json(status: u16, body: &Value) -> Self {
        let headers = vec![("content-type", "application/json; charset=utf-8")];
        Self::Reply { status, headers, body: body.to_string() }
    }

    pub fn text(status: u16, kind: &'static str, body: &str) -> Self {
        Self::Reply { status, headers: vec![("content-type", kind)], body: body.to_owned() }
    }

    pub fn with(self, name: &'static str, value: &'static str) -> Self {
        match self {
            Self::Reply { status, mut headers, body } => {
                headers.push((name, value));
                Self::Reply { status, headers, body }
            }
            other => other,
        }
    }
}

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Logged {
    pub at: Duration,
    pub line: String,
    pub body: Value,
    pub headers: HeaderMap,
}

struct Measurement {
    created: Duration,
    updated: Duration,
    probe: usize,
    expired: bool,
    /// Of a probe that was gone when it was asked again.
    offline: bool,
    sees: Value,
    reads: VecDeque<Duration>,
    closed_until: Duration,
}

pub struct World {
    pub probes: Vec<MockProbe>,
    pub limit: u64,
    pub used: u64,
    hour: Option<Duration>,
    pub credits: u64,
    /// Time that a test takes.
    pub takes: Duration,
    pub on_create: VecDeque<Canned>,
    pub on_read: VecDeque<Canned>,
    pub on_limits: VecDeque<Canned>,
    measurements: HashMap<String, Measurement>,
    pub log: Vec<Logged>,
    /// Reads that came too often.
    pub rude: u32,
    pub not_modified: u32,
}

/// A result as a well-behaved probe gives it.
pub fn seen(status: u16, headers: &Value) -> Value {
    json!({
        "status": "finished", "resolvedAddress": "203.0.114.7", "statusCode": status,
        "statusCodeName": "OK", "headers": headers, "rawHeaders": "", "rawBody": "x", "truncated": false,
        "rawOutput": "never read", "timings": { "total": 212, "dns": null },
        "tls": { "authorized": true, "protocol": "TLSv1.3", "subject": { "CN": "*" } },
    })
}

/// The result of an edge that serves `tag`.
pub fn serving(tag: &str, pop: &str) -> Value {
    seen(
        206,
        &json!({
            "etag": format!("\"{tag}\""), "age": "12", "x-cache": ["MISS", "HIT"],
            "x-served-by": format!("cache-{pop}1-{pop}"), "content-range": "bytes 0-0/184233",
        }),
    )
}

fn probe(
    words: &'static [&'static str],
    city: &str,
    country: &str,
    net: &str,
    sees: Value,
) -> MockProbe {
    let info = json!({
        "continent": "EU", "region": "Western Europe", "country": country, "state": null, "city": city,
        "asn": 64_500, "network": net, "latitude": 50.1, "longitude": 8.7, "tags": [], "resolvers": ["private"],
    });
    MockProbe { words, info, online: true, sees }
}

impl World {
    /// Two probes in Frankfurt, one in Tokyo.
    pub fn new() -> Self {
        Self {
            probes: vec![
                probe(
                    &["frankfurt", "de", "datacenter-network"],
                    "Frankfurt",
                    "DE",
                    "Alpha Net",
                    serving("9f1c", "FRA"),
                ),
                probe(
                    &["frankfurt", "de", "eyeball-network"],
                    "Frankfurt",
                    "DE",
                    "Beta Net",
                    serving("9f1c", "FRA"),
                ),
                probe(&["tokyo", "jp"], "Tokyo", "JP", "Gamma Net", serving("9f1c", "NRT")),
            ],
            limit: 250,
            used: 0,
            hour: None,
            credits: 0,
            takes: Duration::from_millis(1200),
            on_create: VecDeque::new(),
            on_read: VecDeque::new(),
            on_limits: VecDeque::new(),
            measurements: HashMap::new(),
            log: Vec::new(),
            rude: 0,
            not_modified: 0,
        }
    }

    pub fn shared(self) -> Shared {
        Arc::new(Mutex::new(self))
    }

    /// Every measurement so far is too old to be known.
    pub fn expire(&mut self) {
        self.measurements.values_mut().for_each(|measurement| measurement.expired = true);
    }

    /// Bodies of the creations so far.
    pub fn created(&self) -> Vec<Value> {
        let is_creation = |logged: &&Logged| logged.line == "POST /v1/measurements";
        self.log.iter().filter(is_creation).map(|logged| logged.body.clone()).collect()
    }

    fn answer(&mut self, now: Duration, line: &str, headers: &HeaderMap, body: &[u8]) -> Canned {
        let body = serde_json::from_slice(body).unwrap_or(Value::Null);
        let logged =
            Logged { at: now, line: line.to_owned(), body: body.clone(), headers: headers.clone() };
        self.log.push(logged);
        if line == "POST /v1/measurements" {
            return self.on_create.pop_front().unwrap_or_else(|| self.create(now, &body));
        }
        if line == "GET /v1/limits" {
            return self.on_limits.pop_front().unwrap_or_else(|| self.limits(now));
        }
        match line.strip_prefix("GET /v1/measurements/") {
            Some(id) => {
                if let Some(refused) = self.read_too_often(now, id) {
                    return refused;
                }
                self.on_read.pop_front().unwrap_or_else(|| self.read(now, id, headers))
            }
            None => refused(404, "not_found", "Not Found."),
        }
    }

    fn create(&mut self, now: Duration, body: &Value) -> Canned {
        if let Err((param, why)) = check(body) {
            let error = json!({ "type": "validation_error", "message": "Parameter validation failed.",
                "params": { param: why } });
            return Canned::json(
                400,
                &json!({ "error": error, "links": { "documentation": "-" } }),
            );
        }
        let (remaining, reset) = self.left(now);
        let (probe, offline) = match &body["locations"] {
            Value::String(id) => match self.measurements.get(id.as_str()) {
                Some(earlier) if !earlier.expired => {
                    (earlier.probe, !self.probes[earlier.probe].online)
                }
                _ => return refused(422, "no_probes_found", "No suitable probes found."),
            },
            locations => {
                let magic = locations[0]["magic"].as_str().unwrap_or_default().to_lowercase();
                let fits = |probe: &MockProbe| {
                    probe.online && magic.split('+').all(|word| probe.words.contains(&word.trim()))
                };
                match self.probes.iter().position(fits) {
                    Some(probe) => (probe, false),
                    None => return refused(422, "no_probes_found", "No suitable probes found."),
                }
            }
        };
        if remaining == 0 && self.credits == 0 {
            let error = refused(429, "rate_limit_exceeded", "API rate limit exceeded.");
            return with_limits(error, self.limit, 0, reset);
        }
        if remaining == 0 {
            self.credits -= 1;
        } else {
            self.used += 1;
            self.hour.get_or_insert(now);
        }
        let id = format!("m{:03}", self.measurements.len());
        let measurement = Measurement {
            created: now,
            updated: now,
            probe,
            expired: false,
            offline,
            sees: self.probes[probe].sees.clone(),
            reads: VecDeque::new(),
            closed_until: Duration::ZERO,
        };
        self.measurements.insert(id.clone(), measurement);
        let reply = Canned::json(202, &json!({ "id": id, "probesCount": 1 }));
        let (remaining, reset) = self.left(now);
        with_limits(reply, self.limit, remaining, reset)
    }

    /// Tests left, and seconds until all are.
    fn left(&mut self, now: Duration) -> (u64, u64) {
        if self.hour.is_some_and(|hour| now >= hour + HOUR) {
            (self.hour, self.used) = (None, 0);
        }
        let reset = self.hour.map_or(0, |hour| (hour + HOUR).saturating_sub(now).as_secs());
        (self.limit.saturating_sub(self.used), reset)
    }

    fn limits(&mut self, now: Duration) -> Canned {
        let (remaining, reset) = self.left(now);
        let create =
            json!({ "type": "ip", "limit": self.limit, "remaining": remaining, "reset": reset });
        Canned::json(
            200,
            &json!({ "rateLimit": { "measurements": { "create": create } },
                "credits": { "remaining": self.credits } }),
        )
    }

    fn read_too_often(&mut self, now: Duration, id: &str) -> Option<Canned> {
        let measurement = self.measurements.get_mut(id)?;
        let closed = measurement.closed_until > now;
        measurement.reads.retain(|at| *at + READ_WINDOW > now);
        measurement.reads.push_back(now);
        if !closed && measurement.reads.len() <= READS {
            return None;
        }
        if !closed {
            measurement.closed_until = now + READ_BLOCK;
        }
        self.rude += 1;
        let reply = refused(429, "too_many_requests", "Too many requests.");
        Some(reply.with("retry-after", "5"))
    }

    fn read(&mut self, now: Duration, id: &str, headers: &HeaderMap) -> Canned {
        let probes = &self.probes;
        let Some(measurement) = self.measurements.get_mut(id).filter(|found| !found.expired) else {
            return refused(404, "not_found", "Couldn't find the requested measurement.");
        };
        let over = measurement.offline || now >= measurement.created + self.takes;
        let result = match (over, measurement.offline) {
            (_, true) => {
                json!({ "status": "offline", "rawOutput": "This probe is currently offline." })
            }
            (true, _) => measurement.sees.clone(),
            (false, _) => json!({ "status": "in-progress", "rawOutput": "" }),
        };
        if over && measurement.updated == measurement.created {
            measurement.updated = measurement.created + self.takes;
        }
        let etag = format!("W/\"{id}-{}\"", measurement.updated.as_millis());
        if headers.get("if-none-match").is_some_and(|tag| tag == etag.as_str()) {
            self.not_modified += 1;
            return Canned::Reply { status: 304, headers: Vec::new(), body: String::new() };
        }
        let status = if over { "finished" } else { "in-progress" };
        let probe = &probes[measurement.probe].info;
        let reply = Canned::json(
            200,
            &json!({
                "id": id, "type": "http", "status": status, "probesCount": 1, "target": "x",
                "createdAt": "2026-11-21T10:00:00.000Z", "updatedAt": "2026-11-21T10:00:01.100Z",
                "results": [{ "probe": probe, "result": result }],
            }),
        );
        reply.with("etag", String::leak(etag))
    }
}

fn refused(status: u16, kind: &str, message: &str) -> Canned {
    Canned::json(status, &json!({ "error": { "type": kind, "message": message } }))
}

fn with_limits(reply: Canned, limit: u64, remaining: u64, reset: u64) -> Canned {
    let text = |n: u64| -> &'static str { String::leak(n.to_string()) };
    reply
        .with("x-ratelimit-limit", text(limit))
        .with("x-ratelimit-remaining", text(remaining))
        .with("x-ratelimit-consumed", "1")
        .with("x-ratelimit-reset", text(reset))
        .with("x-request-cost", "1")
}

/// What the schema of a creation demands; the parameter that breaks it, and why.
fn check(body: &Value) -> Result<(), (&'static str, &'static str)> {
    const KEYS: [&str; 6] =
        ["type", "target", "locations", "timeout", "inProgressUpdates", "measurementOptions"];
    let known =
        body.as_object().is_some_and(|all| all.keys().all(|key| KEYS.contains(&key.as_str())));
    let target = body["target"].as_str().unwrap_or_default();
    let request = &body["measurementOptions"]["request"];
    let path = request["path"].as_str().unwrap_or_default();
    let is_address = target.parse::<std::net::IpAddr>().is_ok();
    let locations = match &body["locations"] {
        Value::String(_) => true,
        Value::Array(all) => all.len() == 1 && all[0]["limit"] == 1 && all[0]["magic"].is_string(),
        _ => false,
    };
    let rules = [
        (known, "body", "unknown key"),
        (body["type"] == "http", "type", "must be http"),
        (
            !target.is_empty() && !target.starts_with("127."),
            "target",
            "Private hostnames are not allowed.",
        ),
        (locations, "locations", "must be an array or an ID"),
        (
            body["timeout"].as_u64().is_some_and(|s| (5..=30).contains(&s)),
            "timeout",
            "must be 5 to 30",
        ),
        (request["method"] == "GET", "measurementOptions.request.method", "must be GET"),
        (
            path.starts_with('/') && !path.contains('?'),
            "measurementOptions.request.path",
            "no path",
        ),
        (
            is_address == body["measurementOptions"]["ipVersion"].is_null(),
            "measurementOptions.ipVersion",
            "only for names",
        ),
    ];
    rules.into_iter().find(|rule| !rule.0).map_or(Ok(()), |(_, param, why)| Err((param, why)))
}

pub type Shared = Arc<Mutex<World>>;

pub fn lock(world: &Shared) -> MutexGuard<'_, World> {
    world.lock().unwrap()
}

/// The API over memory: a tenth of a second there and back, on tokio's clock.
pub struct Memory {
    pub world: Shared,
    pub origin: Instant,
}

const WAY: Duration = Duration::from_millis(50);

#[async_trait]
impl Transport for Memory {
    async fn exchange(&self, ask: Ask) -> Result<Reply, Fault> {
        tokio::time::sleep(WAY).await;
        let mut headers = HeaderMap::new();
        if let Some(etag) = ask.etag {
            headers.insert("if-none-match", etag);
        }
        let line = format!("{} {}", ask.method, ask.path);
        let now = self.origin.elapsed();
        let canned = lock(&self.world).answer(now, &line, &headers, &ask.body.unwrap_or_default());
        tokio::time::sleep(WAY).await;
        match canned {
            Canned::Silence => std::future::pending().await,
            Canned::Fault(fault) => Err(fault),
            Canned::Reply { status, headers, body } => {
                let headers = headers
                    .into_iter()
                    .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
                Ok(Reply { status, headers: headers.collect(), body: body.into_bytes() })
            }
        }
    }
}

/// The API on a free port of loopback, for as long as the test runs.
pub async fn serve(world: Shared) -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new().fallback(handle).with_state((world, Instant::now()));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn handle(
    State((world, origin)): State<(Shared, Instant)>,
    request: Request<Body>,
) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let line = format!("{} {}", parts.method, parts.uri);
    let canned = lock(&world).answer(origin.elapsed(), &line, &parts.headers, &body);
    let Canned::Reply { status, headers, body } = canned else { std::future::pending().await };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Body::from(body)).unwrap()
}
