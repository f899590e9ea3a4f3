//! The looking end: what `allclear probe --json --stdin` is when it is greeted.
//!
//! Needs no profile, no journal and no credentials: it resolves and probes, and nothing else. Whoever speaks to it
//! gets `GET` probes by way of [`Prober`] only, to public addresses (unless both ends say local), on port 80 or 443
//! where it resolves the host itself; at its own pace, and only as long as its input stays open.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout, timeout_at};

use super::lines::{Line, Lines};
use super::manners::Manners;
use super::wire::{
    Hello, Kind, MAX_REQUEST, PlacesAsk, ProbeAsk, Reply, Request, SCHEMA, Times, short,
};
use crate::adapters::USER_AGENT;
use crate::adapters::public_address::not_public;
use crate::domain::place::Vantage;
use crate::domain::sighting::Sighting;
use crate::domain::time::{Moment, duration_ms};
use crate::ports::clock::Clock;
use crate::ports::prober::{Probe, Prober};

/// Longest wait for the first line.
const MAX_SILENCE: Duration = Duration::from_secs(60);
/// Requests under way at a time; more stay in the pipe.
const MAX_UNDER_WAY: usize = 32;
/// Lines that are no request, in one conversation.
const MAX_BAD_LINES: usize = 20;
/// How long what is under way may take once the input has ended.
const FAREWELL: Duration = Duration::from_secs(5);
/// Longest wait for the resolver.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long what it said is good for.
const RESOLVED_FOR: Duration = Duration::from_secs(30);
/// Hosts whose addresses are kept at most.
const MAX_RESOLVED: usize = 256;
/// Addresses of one host at most.
const MAX_ADDRESSES: usize = 64;
/// Longest time that one probe may be given.
const MAX_TIMEOUT: Duration = Duration::from_secs(60);
/// Longest name of a host, and longest path.
const MAX_HOST: usize = 260;
const MAX_PATH: usize = 8 << 10;

/// Why a conversation ended early. Where there is somebody to be told, they were told.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("the greeting cannot be meant: {detail}")]
    Greeting { detail: String },
    #[error("the other end speaks {found}, this one {SCHEMA}")]
    Version { found: String },
    #[error("what came is no {SCHEMA}")]
    Garbage,
    #[error("the connection broke: {0}")]
    Io(#[from] io::Error),
}

/// The first line of the asking end.
#[derive(Deserialize)]
struct Greeting {
    schema: String,
    hello: Option<Hello>,
}

/// Looks on behalf of whoever speaks to it.
pub struct RemoteEnd {
    shared: Arc<Shared>,
    /// This end agrees to look at its own host and network.
    local: bool,
}

struct Shared {
    prober: Arc<dyn Prober>,
    clock: Arc<dyn Clock>,
    manners: Manners,
    resolved: Mutex<HashMap<String, (Instant, Resolved)>>,
}

type Resolved = Result<Vec<IpAddr>, String>;

impl RemoteEnd {
    /// `local`: agree to look at loopback and private addresses, where the other end asks for it as well.
    #[must_use]
    pub fn new(prober: Arc<dyn Prober>, clock: Arc<dyn Clock>, local: bool) -> Self {
        let manners = Manners::default();
        let shared = Shared { prober, clock, manners, resolved: Mutex::default() };
        Self { shared: Arc::new(shared), local }
    }

    /// Answers until the input ends.
    ///
    /// # Errors
    /// A greeting that cannot be meant, another version, nothing but garbage, a broken pipe.
    pub async fn serve(
        &self,
        input: impl AsyncRead + Unpin,
        mut output: impl AsyncWrite + Unpin,
    ) -> Result<(), ServeError> {
        let mut lines = Lines::new(input, MAX_REQUEST);
        let local = match self.greet(&mut lines).await {
            Ok(hello) => hello.local && self.local,
            Err(why) => {
                let code = match &why {
                    ServeError::Version { .. } => "unknown_version",
                    _ => "bad_greeting",
                };
                say(&mut output, &Reply::fault(code, why.to_string())).await?;
                return Err(why);
            }
        };
        let hello = Hello { program: USER_AGENT.to_owned(), local };
        say(&mut output, &Reply { hello: Some(hello), ..Reply::new() }).await?;
        self.answer(lines, output, local).await
    }

    /// The reply to one request, outside of any conversation.
    pub(super) async fn reply_to(&self, line: &[u8]) -> Reply {
        let read_at = self.shared.clock.moment();
        match request(line) {
            Ok(request) => {
                let shared = Arc::clone(&self.shared);
                let Done { mut reply, .. } = shared.carry_out(request, read_at, self.local).await;
                if let Some(times) = &mut reply.times {
                    times.done_ms = duration_ms(self.shared.clock.moment().since(read_at));
                }
                reply
            }
            Err(reply) => *reply,
        }
    }

    async fn greet(&self, lines: &mut Lines<impl AsyncRead + Unpin>) -> Result<Hello, ServeError> {
        let odd = |detail: &str| ServeError::Greeting { detail: detail.to_owned() };
        let until = Instant::now() + MAX_SILENCE;
        let line = loop {
            match timeout_at(until, lines.next()).await.map_err(|_| odd("none came in time"))?? {
                Line::Whole(line) if line.trim_ascii().is_empty() => {}
                Line::Whole(line) | Line::Half(line) => break line,
                Line::TooLong => return Err(odd("it is too long")),
                Line::End => return Err(odd("nothing came")),
            }
        };
        let greeting: Greeting = serde_json::from_slice(&line)
            .map_err(|_| odd(&format!(r#"it is no {{"schema":"{SCHEMA}","hello":{{}}}}"#)))?;
        if greeting.schema != SCHEMA {
            return Err(ServeError::Version { found: short(&greeting.schema) });
        }
        greeting.hello.ok_or_else(|| odd("it has no `hello`"))
    }

    async fn answer(
        &self,
        mut lines: Lines<impl AsyncRead + Unpin>,
        mut output: impl AsyncWrite + Unpin,
        local: bool,
    ) -> Result<(), ServeError> {
        let mut under_way = JoinSet::new();
        let mut bad = 0;
        loop {
            tokio::select! {
                line = lines.next(), if under_way.len() < MAX_UNDER_WAY => {
                    let read_at = self.shared.clock.moment();
                    let reply = match line? {
                        Line::Whole(line) if line.trim_ascii().is_empty() => continue,
                        Line::Whole(line) => match request(&line) {
                            Ok(request) => {
                                let shared = Arc::clone(&self.shared);
                                under_way.spawn(shared.carry_out(request, read_at, local));
                                continue;
                            }
                            Err(reply) => *reply,
                        },
                        Line::TooLong => {
                            Reply::fault("bad_line", format!("a line has at most {MAX_REQUEST} bytes"))
                        }
                        Line::Half(_) | Line::End => break, // half a request may mean anything
                    };
                    say(&mut output, &reply).await?;
                    bad += 1;
                    if bad >= MAX_BAD_LINES {
                        return Err(ServeError::Garbage);
                    }
                }
                Some(Ok(done)) = under_way.join_next() => self.tell(&mut output, done).await?,
            }
        }
        let rest = async {
            while let Some(done) = under_way.join_next().await {
                if let Ok(done) = done {
                    self.tell(&mut output, done).await?;
                }
            }
            Ok(())
        };
        timeout(FAREWELL, rest).await.unwrap_or(Ok(()))
    }

    /// Writes a reply, with the time at which it is written.
    async fn tell(
        &self,
        output: &mut (impl AsyncWrite + Unpin),
        done: Done,
    ) -> Result<(), ServeError> {
        let Done { mut reply, read_at } = done;
        if let Some(times) = &mut reply.times {
            times.done_ms = duration_ms(self.shared.clock.moment().since(read_at));
        }
        Ok(say(output, &reply).await?)
    }
}

async fn say(output: &mut (impl AsyncWrite + Unpin), reply: &Reply) -> io::Result<()> {
    let mut line = serde_json::to_vec(reply)?;
    line.push(b'\n');
    output.write_all(&line).await?;
    output.flush().await
}

/// A request, or what to say of a line that is none; with its ID where it has one.
fn request(line: &[u8]) -> Result<Request, Box<Reply>> {
    let json: serde_json::Value = serde_json::from_slice(line).map_err(|_| {
        Box::new(Reply::fault("bad_line", "a request is one JSON object on one line"))
    })?;
    let Some(id) = json.get("id").and_then(serde_json::Value::as_u64) else {
        return Err(Box::new(Reply::fault("bad_line", "a request has a number as `id`")));
    };
    serde_json::from_value(json)
        .map_err(|why| Box::new(Reply::failed(id, Kind::BadRequest, short(&why.to_string()))))
}

/// A reply to be written, and when its request was read.
struct Done {
    reply: Reply,
    read_at: Moment,
}

impl Shared {
    async fn carry_out(self: Arc<Self>, request: Request, read_at: Moment, local: bool) -> Done {
        let reply = match request {
            Request { id, probe: Some(ask), places: None } => match self.probe(ask, local).await {
                Ok(sighting) => seen(id, sighting, read_at),
                Err((kind, detail)) => Reply::failed(id, kind, detail),
            },
            Request { id, probe: None, places: Some(ask) } => {
                match self.places(&ask, local).await {
                    Ok(addresses) => Reply { addresses: Some(addresses), ..Reply::to(id) },
                    Err((kind, detail)) => Reply::failed(id, kind, detail),
                }
            }
            Request { id, .. } => {
                Reply::failed(id, Kind::BadRequest, "a request is one of `probe` and `places`")
            }
        };
        Done { reply, read_at }
    }

    async fn probe(&self, ask: ProbeAsk, local: bool) -> Result<Sighting, (Kind, String)> {
        if ask.path.len() > MAX_PATH || !ask.path.starts_with('/') || ask.host.len() > MAX_HOST {
            return Err((Kind::BadRequest, "this URL cannot be asked for".to_owned()));
        }
        let limit = Duration::from_millis(ask.timeout_ms.max(1)).min(MAX_TIMEOUT);
        let until = Instant::now() + limit;
        let late = || (Kind::Busy, "this address is asked more than once a second".to_owned());
        let address = match ask.address {
            Some(address) => allowed(address, local)?,
            None => self.resolved_address(&ask.host, ask.tls, local).await?,
        };
        let turn = timeout_at(until, self.manners.turn(address.ip())).await.map_err(|_| late())?;
        let left = until.saturating_duration_since(Instant::now());
        let probe = Probe {
            vantage: Vantage::Here,
            address: Some(address),
            tls: ask.tls,
            host: ask.host,
            path: ask.path,
            variant: ask.variant,
            shape: ask.shape,
            timeout: left,
        };
        let sighting = self.prober.probe(&probe).await;
        drop(turn);
        Ok(sighting)
    }

    /// The first address that may be looked at, on the port of the scheme and on no other.
    async fn resolved_address(
        &self,
        host: &str,
        tls: bool,
        local: bool,
    ) -> Result<SocketAddr, (Kind, String)> {
        let port = if tls { 443 } else { 80 };
        let name = host.strip_suffix(&format!(":{port}")).unwrap_or(host);
        let addresses = self.places(&PlacesAsk { host: name.to_owned() }, local).await?;
        let first = addresses
            .first()
            .ok_or_else(|| (Kind::Unresolved, format!("{} has no address here", short(name))))?;
        Ok(SocketAddr::new(*first, port))
    }

    /// The addresses of a host as this host's resolver sees them, without those that may not be looked at.
    async fn places(&self, ask: &PlacesAsk, local: bool) -> Result<Vec<IpAddr>, (Kind, String)> {
        let host = ask.host.trim_start_matches('[').trim_end_matches(']');
        let literal = host.parse::<IpAddr>().is_ok();
        let fits = (1..=MAX_HOST).contains(&host.len())
            && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        if !literal && !fits {
            return Err((Kind::BadRequest, "this is no name of a host".to_owned()));
        }
        let unresolved =
            |why: String| (Kind::Unresolved, format!("{host} does not resolve: {why}"));
        let all = self.resolve(host).await.map_err(unresolved)?;
        let may = |address: &IpAddr| local || not_public(*address).is_none();
        let open: Vec<IpAddr> = all.iter().copied().filter(may).collect();
        match (open.is_empty(), all.first()) {
            (true, Some(closed)) => Err(not_allowed(*closed)),
            _ => Ok(open),
        }
    }

    async fn resolve(&self, host: &str) -> Resolved {
        let host = host.to_ascii_lowercase();
        if let Some(resolved) = self.resolved_before(&host) {
            return resolved;
        }
        let found = timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((host.clone(), 0))).await;
        let resolved = match found {
            Err(_) => Err("the resolver did not answer in time".to_owned()),
            Ok(Err(why)) => Err(short(&why.to_string())),
            Ok(Ok(found)) => Ok(each_once(found.map(|address| address.ip()))),
        };
        let mut kept = self.resolved.lock().unwrap_or_else(PoisonError::into_inner);
        kept.retain(|_, (since, _)| since.elapsed() < RESOLVED_FOR);
        if kept.len() < MAX_RESOLVED {
            kept.insert(host, (Instant::now(), resolved.clone()));
        }
        resolved
    }

    fn resolved_before(&self, host: &str) -> Option<Resolved> {
        let kept = self.resolved.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, resolved) = kept.get(host)?;
        (since.elapsed() < RESOLVED_FOR).then(|| resolved.clone())
    }
}

fn each_once(found: impl Iterator<Item = IpAddr>) -> Vec<IpAddr> {
    let mut addresses = Vec::new();
    for address in found {
        if addresses.len() < MAX_ADDRESSES && !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}

fn allowed(address: SocketAddr, local: bool) -> Result<SocketAddr, (Kind, String)> {
    if !local && not_public(address.ip()).is_some() {
        return Err(not_allowed(address.ip()));
    }
    Ok(address)
}

fn not_allowed(address: IpAddr) -> (Kind, String) {
    let what = not_public(address).unwrap_or("an address like any other");
    let detail = format!("{address} is {what}, and not both ends say that they are local");
    (Kind::NotAllowed, detail)
}

/// The reply to a probe; `done_ms` is set when it is written.
fn seen(id: u64, sighting: Sighting, read_at: Moment) -> Reply {
    let received = sighting.received.since(read_at);
    let whole = duration_ms(received);
    let rounded_up = if Duration::from_millis(whole) < received { whole + 1 } else { whole };
    let times = Times {
        sent_ms: duration_ms(sighting.sent.since(read_at)),
        received_ms: rounded_up,
        done_ms: whole,
    };
    let reply = Reply { times: Some(times), ..Reply::to(id) };
    match sighting.result {
        Ok(answer) => Reply { answer: Some(answer.into()), ..reply },
        Err(failure) => Reply { failure: Some(failure.into()), ..reply },
    }
}
