//! Probes at the edges, and where these are.

use std::time::Duration;

use async_trait::async_trait;
use axum::http::{HeaderMap, Request, header};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;

use super::cloud::InProcess;
use crate::domain::place::{Place, PlaceId, Vantage};
use crate::domain::sighting::{Answer, ProbeFailure, ProbeShape, Sighting};
use crate::domain::time::Moment;
use crate::local_cloud::server::{Asked, Written};
use crate::local_cloud::world::trouble::BodyFate;
use crate::local_cloud::world::{CacheState, Response, Served};
use crate::ports::clock::Clock as _;
use crate::ports::places::{Places, PlacesError};
use crate::ports::prober::{Probe, Prober};

/// Bytes of a body that are hashed at most.
const MAX_BODY: usize = 64 << 10;

#[async_trait]
impl Prober for InProcess {
    async fn probe(&self, probe: &Probe) -> Sighting {
        let mut way = Way {
            sent: self.clock().moment(),
            ends: Instant::now() + probe.timeout,
            behind: Duration::ZERO,
        };
        let result = self.look(probe, &mut way).await;
        Sighting {
            variant: probe.variant,
            shape: probe.shape,
            sent: way.sent,
            received: self.clock().moment(),
            at: self.clock().wall(),
            result,
        }
    }
}

/// A request on its way. Times that follow one another are waited for at once: each wait is a timer.
struct Way {
    /// When the request left.
    sent: Moment,
    /// When nobody waits for the answer any more.
    ends: Instant,
    /// Waited for next.
    behind: Duration,
}

impl Way {
    /// Nothing happens for so long.
    fn takes(&mut self, time: Duration) {
        self.behind += time;
    }

    /// Waits for all of it.
    async fn pass(&mut self) -> Result<(), ProbeFailure> {
        let at = Instant::now() + std::mem::take(&mut self.behind);
        if at > self.ends {
            return Err(self.times_out().await);
        }
        if at > Instant::now() {
            tokio::time::sleep_until(at).await;
        }
        Ok(())
    }

    async fn times_out(&self) -> ProbeFailure {
        tokio::time::sleep_until(self.ends).await;
        ProbeFailure::TimedOut
    }
}

impl InProcess {
    /// Connects, asks and reads.
    async fn look(&self, probe: &Probe, way: &mut Way) -> Result<Answer, ProbeFailure> {
        let asked = asked(probe)?;
        let address = probe.address.ok_or_else(|| broken("no address to connect to"))?;
        let edge = self.edge_at(address).ok_or(ProbeFailure::Refused)?;
        let there_and_back = self.between(self.travel().probe);
        // it leaves when the connection stands; a sleep of the machine on the way makes that too early, never too late
        way.sent = way.sent + there_and_back;
        way.takes(there_and_back + there_and_back / 2);
        way.pass().await?;
        let lost = self.happens(self.travel().lost_probes);
        let result = self.ask(edge, probe, &asked, way).await;
        if lost {
            return Err(way.times_out().await);
        }
        way.takes(there_and_back / 2);
        way.pass().await?;
        let mut answer = result?;
        answer.peer = Some(address.ip());
        Ok(answer)
    }

    async fn ask(
        &self,
        edge: usize,
        probe: &Probe,
        asked: &Asked,
        way: &mut Way,
    ) -> Result<Answer, ProbeFailure> {
        let target = asked.target(&self.settings().cloud_name);
        let connection = Some(self.next_connection());
        self.diary(super::diary::Diary::probed);
        loop {
            let (response, unix_now, now) = self.with(|world, now| {
                let response = world.request_on(edge, connection, &target, asked.accept, now);
                (response, world.unix_now(), now)
            });
            match response {
                Response::Hang(hang) => {
                    tokio::time::timeout_at(way.ends, self.over(hang))
                        .await
                        .map_err(|_| ProbeFailure::TimedOut)?;
                }
                Response::Reset => return Err(broken("closed before the answer was complete")),
                Response::Refused { status, retry_after, delay } => {
                    way.takes(delay);
                    let mut headers = HeaderMap::new();
                    if let Some(seconds) = retry_after {
                        headers.insert(header::RETRY_AFTER, seconds.into());
                    }
                    return Ok((self.read)(status, &headers, self.clock().wall()));
                }
                Response::Served(served) => {
                    let from_storage = served.state == CacheState::Miss
                        && served.shield.is_none_or(|shield| shield.state == CacheState::Miss);
                    self.diary(|diary| {
                        diary.looked(edge, &target, asked.accept, now);
                        if from_storage && probe.shape == ProbeShape::Body {
                            served.answer.address.names.iter().for_each(|key| diary.read(key, now));
                        }
                    });
                    way.takes(served.delay);
                    let wants_body = probe.shape == ProbeShape::Body;
                    if wants_body && served.body != BodyFate::Whole {
                        return Err(broken("closed before the answer was complete"));
                    }
                    return Ok(self.written(edge, &served, asked, unix_now, wants_body));
                }
            }
        }
    }

    /// The answer of an edge, written as the server writes it and read again.
    fn written(
        &self,
        edge: usize,
        served: &Served,
        asked: &Asked,
        unix_now: i64,
        wants_body: bool,
    ) -> Answer {
        let content = served.answer.content.as_ref();
        let bytes =
            content.map(crate::local_cloud::content::Content::bytes_to_keep).unwrap_or_default();
        let place = (edge, self.settings().edges[edge]);
        let request_id = || format!("{:032x}", self.next_connection());
        let written = Written::of_edge(asked, served, bytes, place, unix_now, request_id);
        let status = written.status.as_u16();
        let mut answer = (self.read)(status, &written.headers, self.clock().wall());
        if wants_body {
            let read = &written.body[..written.body.len().min(MAX_BODY)];
            answer.body_hash = Some(hex::encode(Sha256::digest(read)));
        }
        answer
    }
}

/// The request that a prober sends.
fn asked(probe: &Probe) -> Result<Asked, ProbeFailure> {
    let mut request = Request::builder().uri(&probe.path).header(header::HOST, &probe.host);
    if let Some(accept) = probe.variant.header() {
        request = request.header(header::ACCEPT, accept);
    }
    if probe.shape == ProbeShape::OneByte {
        request = request.header(header::RANGE, "bytes=0-0");
    }
    request.body(()).map(Asked::of).map_err(|_| broken("this path cannot be sent"))
}

fn broken(detail: &str) -> ProbeFailure {
    ProbeFailure::Broken { detail: detail.to_owned() }
}

#[async_trait]
impl Places for InProcess {
    /// Every address of every edge, whatever the host.
    async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError> {
        let edges = self.settings().edges.iter().enumerate();
        let many = self.travel().addresses > 1;
        let places = edges.flat_map(|(edge, pop)| {
            let addresses = Self::addresses_of(self.travel(), edge);
            addresses.map(move |address| Place {
                id: PlaceId(if many {
                    format!("{}@{address}", pop.code)
                } else {
                    pop.code.to_owned()
                }),
                pop: Some(pop.code.to_owned()),
                city: Some(pop.city.to_owned()),
                provider: if self.travel().loopback { "local" } else { "simulated" }.to_owned(),
                vantage: Vantage::Here,
                address: Some(address),
                tls: !self.travel().loopback,
                host: host.to_owned(),
            })
        });
        Ok(places.collect())
    }
}
