//! The places and the prober of a profile, from where it looks.

use std::sync::Arc;

use super::failure::Failure;
use crate::adapters::discovery::{
    DiscoveredPlaces, Discovery, DiscoveryOptions, Resolver, Subnet, VendorPinnedPlaces,
};
use crate::adapters::fastly_check::{self, EdgeCheck};
use crate::adapters::globalping::{self, Globalping, GlobalpingOptions};
use crate::adapters::places::{LoopbackPlaces, PinnedEdge, ResolvedPlaces, is_fastly};
use crate::adapters::ssh::{SshHost, SshHosts, SshOptions, SshPlaces, SshProber};
use crate::adapters::team_places::Team;
use crate::adapters::vantage::{CombinedPlaces, RoutedProber};
use crate::config::LookFrom;
use crate::ports::clock::Clock;
use crate::ports::places::Places;

/// What a profile looks with.
pub struct Outlook {
    pub places: Arc<dyn Places>,
    pub prober: RoutedProber,
    pub sources: Sources,
}

/// Where the places of a profile come from, and whom else it can ask: for showing, and for a second opinion.
#[derive(Clone, Default)]
pub struct Sources {
    /// The edges of a local cloud, which names them by itself.
    pub local: bool,
    /// This host and its resolver.
    pub here: bool,
    pub pinned: Vec<PinnedEdge>,
    pub vendors: bool,
    pub discovery: Option<Arc<Discovery>>,
    pub ssh: Option<Arc<SshPlaces>>,
    pub globalping: Option<Globalping>,
    pub locations: Vec<String>,
    pub edge_check: Option<Arc<EdgeCheck>>,
    pub fastly_hosts: Vec<String>,
    /// The journal of a team, whose members can look as well.
    pub team: Option<Team>,
}

impl Sources {
    /// Fastly's own look at a host, where there is a token and the host is Fastly's.
    #[must_use]
    pub fn edge_check_of(&self, host: &str) -> Option<&EdgeCheck> {
        let bare = host.split(':').next().unwrap_or(host).to_ascii_lowercase();
        let theirs = is_fastly(&bare) || self.fastly_hosts.contains(&bare);
        self.edge_check.as_deref().filter(|_| theirs)
    }
}

/// Puts the vantage points of a profile together. Nothing is asked yet.
///
/// # Errors
/// A host, network or token that cannot be used.
pub fn outlook(look_from: LookFrom, clock: &Arc<dyn Clock>) -> Result<Outlook, Failure> {
    let unfit = |what: String| Failure::usage(&what, "change it under `places` of the profile");
    let mut finders: Vec<Arc<dyn Places>> = Vec::new();
    let mut sources = Sources {
        here: look_from.here,
        pinned: look_from.pinned.clone(),
        vendors: look_from.vendors,
        locations: look_from.globalping.clone(),
        fastly_hosts: look_from.fastly_hosts,
        ..Sources::default()
    };
    let resolved = Arc::new(ResolvedPlaces::new(look_from.pinned, look_from.here));
    if look_from.vendors {
        finders.push(Arc::new(VendorPinnedPlaces::new(Arc::clone(&resolved) as Arc<dyn Places>)));
    }
    finders.insert(0, resolved);
    if !look_from.resolvers.is_empty() {
        let name = |address: &std::net::SocketAddr| match address.port() {
            53 => address.ip().to_string(),
            _ => address.to_string(),
        };
        let resolvers = look_from.resolvers.iter().map(|it| Resolver::new(&name(it), *it));
        let subnets = look_from.subnets.iter().map(|(name, network)| {
            Subnet::new(name, network.address, network.prefix)
                .map_err(|why| unfit(format!("network {name}: {why}")))
        });
        let discovery = Arc::new(Discovery::new(
            resolvers.collect(),
            subnets.collect::<Result<_, _>>()?,
            DiscoveryOptions::default(),
            Arc::clone(clock),
        ));
        finders.push(Arc::new(DiscoveredPlaces::new(Arc::clone(&discovery))));
        sources.discovery = Some(discovery);
    }
    let mut ssh = None;
    if !look_from.ssh.is_empty() {
        let hosts = look_from.ssh.iter().map(|host| {
            host.parse::<SshHost>().map_err(|why| unfit(format!("ssh host `{host}`: {why}")))
        });
        let hosts = hosts.collect::<Result<_, _>>()?;
        let hosts = Arc::new(SshHosts::new(hosts, SshOptions::default(), clock));
        let places = Arc::new(SshPlaces::new(Arc::clone(&hosts), Arc::clone(clock)));
        finders.push(Arc::clone(&places) as Arc<dyn Places>);
        ssh = Some(SshProber::new(hosts, Arc::clone(clock)));
        sources.ssh = Some(places);
    }
    let mut globalping = None;
    if !look_from.globalping.is_empty() {
        let base = look_from.globalping_api.unwrap_or_else(|| globalping::DEFAULT_BASE.to_owned());
        let options = GlobalpingOptions {
            base_url: base,
            token: look_from.globalping_token,
            locations: look_from.globalping,
            ..GlobalpingOptions::default()
        };
        let network = Globalping::new(options, Arc::clone(clock))
            .map_err(|why| unfit(format!("Globalping: {why}")))?;
        finders.push(Arc::new(network.places()));
        globalping = Some(network.prober());
        sources.globalping = Some(network);
    }
    if let Some(token) = &look_from.fastly_token {
        let base = look_from.fastly_api.as_deref().unwrap_or(fastly_check::DEFAULT_BASE);
        let check = EdgeCheck::new(base, token, Arc::clone(clock))
            .map_err(|why| unfit(format!("Fastly: {why}")))?;
        sources.edge_check = Some(Arc::new(check));
    }
    let prober = RoutedProber::new(ssh, globalping, Arc::clone(clock));
    Ok(Outlook { places: Arc::new(CombinedPlaces::new(finders)), prober, sources })
}

/// Puts together what looks at a local cloud: its own edges, which stand for what this host's resolver says, and the
/// pinned caches of this host. Nothing else can reach it.
pub fn local_outlook(
    edges: LoopbackPlaces,
    look_from: LookFrom,
    clock: &Arc<dyn Clock>,
) -> Outlook {
    let (pinned, elsewhere): (Vec<_>, Vec<_>) =
        look_from.pinned.into_iter().partition(|edge| edge.address.ip().is_loopback());
    for edge in elsewhere {
        tracing::warn!(edge.name, address = %edge.address, "a local cloud is looked at on loopback only");
    }
    let mut finders: Vec<Arc<dyn Places>> = Vec::new();
    let local = look_from.here || pinned.is_empty();
    if local {
        finders.push(Arc::new(edges));
    }
    let sources = Sources { local, pinned: pinned.clone(), ..Sources::default() };
    finders.push(Arc::new(ResolvedPlaces::new(pinned, false)));
    let prober = RoutedProber::new(None, None, Arc::clone(clock));
    Outlook { places: Arc::new(CombinedPlaces::new(finders)), prober, sources }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::places::{LocalEdge, LocalReady, PinnedEdge};
    use crate::adapters::system_clock::SystemClock;
    use crate::domain::account::InvalidationKind;

    async fn looked_at(here: bool, pinned: &[(&str, &str)]) -> Vec<String> {
        let ready = LocalReady {
            cloud_name: "demo".to_owned(),
            mode: InvalidationKind::Surrogate,
            instance: "one".to_owned(),
            origin: "127.0.0.1:4000".parse().unwrap(),
            edges: vec![LocalEdge {
                pop: Some("FRA".to_owned()),
                city: None,
                address: "127.0.0.1:4001".parse().unwrap(),
            }],
        };
        let look_from = LookFrom {
            here,
            pinned: pinned.iter().map(|(name, at)| PinnedEdge::read(name, at).unwrap()).collect(),
            ..LookFrom::default()
        };
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let edges = LoopbackPlaces::new("http://127.0.0.1:1", &ready);
        let places = local_outlook(edges, look_from, &clock).places;
        let places = places.places("res.cloudinary.com").await.unwrap();
        assert!(places.iter().all(|place| !place.tls && place.host == "res.cloudinary.com"));
        places.into_iter().map(|place| place.id.0).collect()
    }

    #[tokio::test]
    async fn pinned_caches_of_this_host_join_the_edges_of_a_local_cloud_or_stand_for_them() {
        let own = ("AMS", "http://127.0.10.1:8080");
        assert_eq!(looked_at(true, &[own]).await, ["FRA", "AMS"]);
        assert_eq!(looked_at(false, &[own]).await, ["AMS"]);
        let elsewhere = ("SIN", "http://192.0.2.7");
        assert_eq!(looked_at(true, &[elsewhere]).await, ["FRA"]);
        assert_eq!(looked_at(false, &[elsewhere]).await, ["FRA"]);
    }
}
