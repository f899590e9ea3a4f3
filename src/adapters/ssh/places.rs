//! What other hosts can look at: the addresses that their own resolvers give.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::join_all;

use super::host::{SshHost, SshHosts};
use super::link::{Ask, Link};
use super::wire::PlacesAsk;
use crate::adapters::places::provider_of;
use crate::domain::place::{Place, PlaceId, Vantage};
use crate::domain::text::clean;
use crate::domain::time::Moment;
use crate::ports::clock::Clock;
use crate::ports::places::{Places, PlacesError};

/// Longest wait for one host's addresses, connecting included.
const LIMIT: Duration = Duration::from_secs(15);
/// How long addresses are good for.
const KEPT: Duration = Duration::from_secs(60);
/// Addresses of one delivery host at one host at most.
const MAX_ADDRESSES: usize = 32;
/// Answers that are kept at most.
const MAX_KEPT: usize = 1024;

/// What was told and when, by ssh host and delivery host.
type Kept = HashMap<(SshHost, String), (Moment, Vec<IpAddr>)>;

/// The places of every ssh host of a profile: one for each address that it resolves the delivery host to.
///
/// Never fails for a host: one that cannot be reached is a single place without an address, whose probes say why
/// and which its own resolver will answer for once it is back.
pub struct SshPlaces {
    hosts: Arc<SshHosts>,
    clock: Arc<dyn Clock>,
    kept: Mutex<Kept>,
    /// Instead of asking: the edges of a local cloud, the same for every host.
    edges: Option<Vec<Place>>,
}

impl SshPlaces {
    #[must_use]
    pub fn new(hosts: Arc<SshHosts>, clock: Arc<dyn Clock>) -> Self {
        Self { hosts, clock, kept: Mutex::default(), edges: None }
    }

    /// Looks at these places from each host, and asks no resolver: for a local cloud and for pinned edges.
    #[must_use]
    pub fn at_edges(hosts: Arc<SshHosts>, clock: Arc<dyn Clock>, edges: Vec<Place>) -> Self {
        Self { edges: Some(edges), ..Self::new(hosts, clock) }
    }

    async fn from(&self, link: &Link, host: &str) -> Vec<Place> {
        match self.addresses(link, host).await {
            Ok(addresses) => {
                addresses.into_iter().map(|it| place(link.host(), host, Some(it))).collect()
            }
            Err(why) => {
                tracing::warn!(ssh = %link.host(), host, why, "an ssh place cannot be asked");
                vec![place(link.host(), host, None)]
            }
        }
    }

    async fn addresses(&self, link: &Link, host: &str) -> Result<Vec<IpAddr>, String> {
        let (key, now) = ((link.host().clone(), host.to_owned()), self.clock.moment());
        if let Some((since, addresses)) = self.kept().get(&key)
            && now.since(*since) < KEPT
        {
            return Ok(addresses.clone());
        }
        let (name, _) = name_and_port(host);
        let ask = Ask::Places(PlacesAsk { host: name.to_owned() });
        let replied = link.ask(ask, LIMIT).await?.ok_or("no answer in time")?;
        if let Some(failure) = replied.reply.failure {
            return Err(failure.seen_from(link.host().as_str()).to_string());
        }
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in replied.reply.addresses.unwrap_or_default() {
            if !addresses.contains(&address) && addresses.len() < MAX_ADDRESSES {
                addresses.push(address);
            }
        }
        if addresses.is_empty() {
            return Err("it has no address over there".to_owned());
        }
        let mut kept = self.kept();
        kept.retain(|_, (since, _)| now.since(*since) < KEPT);
        if kept.len() < MAX_KEPT {
            kept.insert(key, (now, addresses.clone()));
        }
        Ok(addresses)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Places for SshPlaces {
    /// Every address each host sees; never an error.
    async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError> {
        if let Some(edges) = &self.edges {
            let from = |ssh| edges.iter().map(move |edge| seen_from(ssh, edge));
            return Ok(self.hosts.hosts().flat_map(from).collect());
        }
        let found = join_all(self.hosts.links().iter().map(|link| self.from(link, host))).await;
        Ok(found.concat())
    }
}

/// An ssh host, and whether it can look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshState {
    pub host: SshHost,
    /// Name and version of the program there, as far as it greeted.
    pub program: Option<String>,
    /// Addresses that it resolves the delivery host to; or why it cannot be asked.
    pub addresses: Result<Vec<IpAddr>, String>,
}

impl SshPlaces {
    /// What each host says of itself and of `host`; asks those that were not asked a moment ago.
    pub async fn states(&self, host: &str) -> Vec<SshState> {
        join_all(self.hosts.links().iter().map(|link| async move {
            let addresses = self.addresses(link, host).await;
            SshState { host: link.host().clone(), program: link.program(), addresses }
        }))
        .await
    }
}

/// `place` as the host looks at it: the same address, another vantage point, a name of its own.
#[must_use]
pub fn seen_from(ssh: &SshHost, place: &Place) -> Place {
    Place {
        id: PlaceId(format!("{ssh}/{}", place.id)),
        // the same address can be another cache from over there: only its own answers tell
        pop: None,
        city: None,
        vantage: Vantage::Ssh(ssh.to_string()),
        ..place.clone()
    }
}

fn place(ssh: &SshHost, host: &str, address: Option<IpAddr>) -> Place {
    let (_, port) = name_and_port(host);
    let id = match address {
        Some(address) => format!("{ssh}/{}@{address}", clean(host)),
        None => format!("{ssh}/{}", clean(host)),
    };
    Place {
        id: PlaceId(id),
        pop: None,
        city: None,
        provider: provider_of(host),
        vantage: Vantage::Ssh(ssh.to_string()),
        address: address.map(|address| SocketAddr::new(address, port)),
        tls: true,
        host: host.to_owned(),
    }
}

/// A delivery host may carry a port.
fn name_and_port(host: &str) -> (&str, u16) {
    let port = |text: &str| text.parse().ok();
    match host.rsplit_once(':').and_then(|(name, text)| Some((name, port(text)?))) {
        Some((name, port)) if !name.is_empty() && !name.ends_with(':') => (name, port),
        _ => (host, 443),
    }
}
