//! Where we can look: the edges of a local cloud, or every address that this host's resolver and the profile name.

use std::collections::{HashMap, HashSet};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::Url;
use serde::Deserialize;

use super::{USER_AGENT, deepest, io_in_words, is_loopback_url, tls};
use crate::domain::account::{InvalidationKind, LocalDelivery};
use crate::domain::place::{Place, PlaceId, Vantage};
use crate::domain::text::clean;
use crate::ports::places::{Places, PlacesError};

/// Host that a local cloud's edges are asked for, as any CDN serves many names at one address.
pub const SHARED_HOST: &str = "res.cloudinary.com";

/// Longest wait for a local cloud to name its edges.
const LOCAL_TIMEOUT: Duration = Duration::from_secs(3);
/// Longest wait for the resolver.
const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5);
/// Bytes of a ready line at most.
const MAX_READY: usize = 1 << 20;
/// Edges of a local cloud at most.
const MAX_EDGES: usize = 4096;
/// Addresses of one host at most.
const MAX_ADDRESSES: usize = 256;

/// What a local cloud tells of itself, every address on loopback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalReady {
    pub cloud_name: String,
    pub mode: InvalidationKind,
    /// Identity of this run; a restarted cloud is another one.
    pub instance: String,
    pub origin: SocketAddr,
    pub edges: Vec<LocalEdge>,
}

/// One edge of a local cloud.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalEdge {
    pub pop: Option<String>,
    pub city: Option<String>,
    pub address: SocketAddr,
}

impl LocalReady {
    /// The addresses that deliver this cloud.
    #[must_use]
    pub fn delivery(&self) -> LocalDelivery {
        LocalDelivery {
            instance: self.instance.clone(),
            edges: self.edges.iter().map(|edge| edge.address.to_string()).collect(),
            origin: self.origin.to_string(),
        }
    }
}

/// Asks the API of a loopback profile whether it is a local cloud, and where its edges are. `None`: it is not;
/// an API elsewhere is never asked.
///
/// # Errors
/// [`PlacesError::NoEdges`] when it does not answer, answers oddly, or names an address that is not on loopback.
pub async fn fetch_local_edges(api: &str) -> Result<Option<LocalReady>, PlacesError> {
    let api = api.trim_end_matches('/');
    let failed = |detail: String| PlacesError::NoEdges {
        api: clean(api).into_owned(),
        detail: clean(&detail).into_owned(),
    };
    let url = Url::parse(&format!("{api}/_local/edges")).map_err(|why| failed(why.to_string()))?;
    if !is_loopback_url(&url) {
        return Ok(None);
    }
    let client = client().map_err(|why| failed(in_words(&why)))?;
    let mut response = client.get(url).send().await.map_err(|why| failed(in_words(&why)))?;
    match response.status().as_u16() {
        200 => {}
        404 => return Ok(None),
        status => return Err(failed(format!("it answered with status {status}"))),
    }
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|why| failed(in_words(&why)))? {
        body.extend_from_slice(&chunk);
        if body.len() > MAX_READY {
            return Err(failed("its answer is too long".to_owned()));
        }
    }
    read_ready(&body).map(Some).map_err(failed)
}

fn client() -> reqwest::Result<reqwest::Client> {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls::plain_only())
        .user_agent(USER_AGENT)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .timeout(LOCAL_TIMEOUT)
        .build()
}

fn in_words(why: &reqwest::Error) -> String {
    if why.is_timeout() {
        return format!("no answer within {} s", LOCAL_TIMEOUT.as_secs());
    }
    let why = deepest(why);
    why.downcast_ref::<std::io::Error>().map_or_else(|| why.to_string(), io_in_words)
}

/// The ready line; its keys are left where they are.
#[derive(Deserialize)]
struct ReadyLine {
    cloud_name: String,
    mode: InvalidationKind,
    instance: String,
    origin: String,
    edges: Vec<ReadyEdge>,
}

#[derive(Deserialize)]
struct ReadyEdge {
    pop: Option<String>,
    city: Option<String>,
    url: String,
}

fn read_ready(body: &[u8]) -> Result<LocalReady, String> {
    let mut json = serde_json::Deserializer::from_slice(body);
    let line: ReadyLine = serde_path_to_error::deserialize(&mut json)
        .map_err(|why| format!("its answer is odd at `{}`: {}", why.path(), why.inner()))?;
    if line.edges.len() > MAX_EDGES {
        return Err(format!("it names {} edges", line.edges.len()));
    }
    Ok(LocalReady {
        cloud_name: line.cloud_name,
        mode: line.mode,
        instance: line.instance,
        origin: loopback_address(&line.origin)?,
        edges: line
            .edges
            .into_iter()
            .map(|edge| {
                Ok(LocalEdge {
                    pop: edge.pop.as_deref().and_then(shown),
                    city: edge.city.as_deref().and_then(shown),
                    address: loopback_address(&edge.url)?,
                })
            })
            .collect::<Result<_, String>>()?,
    })
}

/// The address of `http://<loopback>:<port>`; whoever answers on loopback must not send us elsewhere.
fn loopback_address(text: &str) -> Result<SocketAddr, String> {
    let odd = || format!("it names `{text}`, which is no http:// address on loopback");
    let url = Url::parse(text).map_err(|_| odd())?;
    let host = url.host_str().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let address: IpAddr = host.parse().map_err(|_| odd())?;
    match url.port_or_known_default() {
        Some(port) if url.scheme() == "http" && address.is_loopback() => {
            Ok(SocketAddr::new(address, port))
        }
        _ => Err(odd()),
    }
}

/// A short text that may be shown.
fn shown(text: &str) -> Option<String> {
    let text: String = clean(text.trim()).chars().take(40).collect();
    Some(text).filter(|text| !text.is_empty())
}

/// The edges of a local cloud: the same places whatever the delivery host.
#[derive(Debug, Clone)]
pub struct LoopbackPlaces {
    api: String,
    places: Vec<Place>,
}

impl LoopbackPlaces {
    /// The edges that the local cloud at `api` has named.
    #[must_use]
    pub fn new(api: &str, ready: &LocalReady) -> Self {
        let places = ready.edges.iter().map(|edge| Place {
            id: PlaceId(edge.pop.clone().unwrap_or_else(|| at(SHARED_HOST, edge.address, false))),
            pop: edge.pop.clone(),
            city: edge.city.clone(),
            provider: "local".to_owned(),
            vantage: Vantage::Here,
            address: Some(edge.address),
            tls: false,
            host: SHARED_HOST.to_owned(),
        });
        Self { api: api.to_owned(), places: told_apart(places.collect()) }
    }
}

#[async_trait]
impl Places for LoopbackPlaces {
    async fn places(&self, _host: &str) -> Result<Vec<Place>, PlacesError> {
        if self.places.is_empty() {
            return Err(PlacesError::NoEdges {
                api: self.api.clone(),
                detail: "it has none".to_owned(),
            });
        }
        Ok(self.places.clone())
    }
}

/// An address that the profile pins: asked for any delivery host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PinnedEdge {
    /// As the operator calls it; a `PoP` code is taken as one.
    pub name: String,
    pub address: SocketAddr,
    /// Whether to speak TLS to it: always, unless the profile says `http://`.
    pub tls: bool,
}

impl PinnedEdge {
    /// Reads `ADDRESS`, `ADDRESS:PORT`, and the same behind `https://` or `http://`, where nothing is encrypted.
    ///
    /// # Errors
    /// What is wrong with the text, in words.
    pub fn read(name: &str, text: &str) -> Result<Self, String> {
        let (tls, bare) = match text.strip_prefix("http://") {
            Some(bare) => (false, bare),
            None => (true, text.strip_prefix("https://").unwrap_or(text)),
        };
        let usual = if tls { 443 } else { 80 };
        let unbracketed =
            bare.strip_prefix('[').and_then(|it| it.strip_suffix(']')).unwrap_or(bare);
        let address = bare
            .parse()
            .or_else(|_| unbracketed.parse::<IpAddr>().map(|ip| SocketAddr::new(ip, usual)))
            .map_err(|_| {
                format!(
                    "`{}` is no address; give an IP address, with a port where it is not {usual}",
                    clean(text)
                )
            })?;
        Ok(Self { name: clean(name).into_owned(), address, tls })
    }
}

/// The pinned edges of a profile and every address that this host's resolver gives for the delivery host.
#[derive(Debug, Clone)]
pub struct ResolvedPlaces {
    pinned: Vec<PinnedEdge>,
    /// Ask this host's resolver.
    resolver: bool,
}

impl ResolvedPlaces {
    #[must_use]
    pub fn new(pinned: Vec<PinnedEdge>, resolver: bool) -> Self {
        Self { pinned, resolver }
    }

    fn pinned(&self, host: &str) -> Vec<Place> {
        let place = |edge: &PinnedEdge| Place {
            id: PlaceId(clean(&edge.name).into_owned()),
            pop: is_pop_code(&edge.name).then(|| edge.name.clone()),
            tls: edge.tls,
            ..place_of(host, edge.address)
        };
        self.pinned.iter().map(place).collect()
    }
}

#[async_trait]
impl Places for ResolvedPlaces {
    async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError> {
        let mut places = self.pinned(host);
        if !self.resolver {
            return Ok(told_apart(places));
        }
        match resolve(host).await {
            Ok(addresses) => {
                let known: HashSet<_> = places.iter().filter_map(|place| place.address).collect();
                places.extend(
                    addresses
                        .into_iter()
                        .filter(|address| !known.contains(address))
                        .map(|address| place_of(host, address)),
                );
            }
            Err(detail) if places.is_empty() => {
                let host = clean(host).into_owned();
                return Err(PlacesError::Unresolved { host, detail });
            }
            Err(detail) => tracing::warn!(host, detail, "only pinned edges are asked"),
        }
        Ok(told_apart(places))
    }
}

/// Every address of `host`, each once, in the resolver's order. `host` may carry a port.
async fn resolve(host: &str) -> Result<Vec<SocketAddr>, String> {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !name.ends_with(':') && port.parse::<u16>().is_ok() => {
            (name, port.parse().unwrap_or(443))
        }
        _ => (host, 443),
    };
    let name = name.trim_start_matches('[').trim_end_matches(']');
    let found = tokio::time::timeout(RESOLVE_TIMEOUT, tokio::net::lookup_host((name, port)))
        .await
        .map_err(|_| format!("the resolver did not answer within {} s", RESOLVE_TIMEOUT.as_secs()))?
        .map_err(|why| clean(&why.to_string()).into_owned())?;
    let mut seen = HashSet::new();
    let addresses: Vec<_> =
        found.filter(|address| seen.insert(*address)).take(MAX_ADDRESSES).collect();
    if addresses.is_empty() { Err("it has no address".to_owned()) } else { Ok(addresses) }
}

fn place_of(host: &str, address: SocketAddr) -> Place {
    Place {
        id: PlaceId(at(host, address, true)),
        pop: None,
        city: None,
        provider: provider_of(host),
        vantage: Vantage::Here,
        address: Some(address),
        tls: true,
        host: host.to_owned(),
    }
}

/// Who owns the caches behind a delivery host, as far as the name tells (facts: delivery URLs, "Host form"); for
/// a name that tells nothing, the name itself, so that its limits are its own.
pub(crate) fn provider_of(host: &str) -> String {
    let host = host.to_ascii_lowercase();
    let provider = match host.as_str() {
        "resa.cloudinary.com" => "akamai",
        "resc.cloudinary.com" => "cloudflare",
        "resf.cloudinary.com" => "fastly",
        _ if host.ends_with(".cloudinary.com") => "cloudinary",
        _ if host.ends_with(".akamaihd.net") => "akamai",
        _ if host.ends_with(".cloudfront.net") => "cloudfront",
        _ => &host,
    };
    provider.to_owned()
}

/// Whether a host is Fastly's own, as far as its name tells.
#[must_use]
pub fn is_fastly(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    provider_of(&host) == "fastly"
        || [".fastly.net", ".fastlylb.net", ".fastly-edge.com"]
            .iter()
            .any(|end| host.ends_with(end))
}

/// Three capital letters, as airports and `PoPs` have them.
fn is_pop_code(name: &str) -> bool {
    name.len() == 3 && name.bytes().all(|b| b.is_ascii_uppercase())
}

/// `name@address`, the port only where it says something.
fn at(name: &str, address: SocketAddr, tls: bool) -> String {
    let usual = if tls { 443 } else { 80 };
    let name = clean(name);
    if *name == address.to_string() || *name == address.ip().to_string() {
        return name.into_owned();
    }
    if address.port() == usual {
        format!("{name}@{}", address.ip())
    } else {
        format!("{name}@{address}")
    }
}

/// Gives every place whose ID another one has as well its address to it.
pub(super) fn told_apart(mut places: Vec<Place>) -> Vec<Place> {
    let mut count: HashMap<PlaceId, usize> = HashMap::new();
    for place in &places {
        *count.entry(place.id.clone()).or_default() += 1;
    }
    for place in &mut places {
        if count[&place.id] > 1 {
            let address = place.address;
            place.id.0 =
                address.map_or_else(|| place.id.0.clone(), |it| at(&place.id.0, it, place.tls));
        }
    }
    let mut seen = HashSet::new();
    places.retain(|place| seen.insert(place.id.clone())); // the same address named twice is one cache
    places
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use wiremock::matchers::path;
    use wiremock::{Mock, MockServer, ResponseTemplate};

    fn line(edges: &str) -> String {
        format!(
            r#"{{"api":"http://127.0.0.1:1","cloud_name":"demo","api_key":"k","api_secret":"s","mode":"legacy-versioned",
            "instance":"i1","origin":"http://127.0.0.1:4000","edges":[{edges}]}}"#
        )
    }

    async fn serving(reply: ResponseTemplate) -> MockServer {
        let server = MockServer::start().await;
        Mock::given(path("/_local/edges")).respond_with(reply).mount(&server).await;
        server
    }

    const FRA: &str = r#"{"pop":"FRA","city":"Frankfurt","url":"http://127.0.0.1:4001"}"#;

    #[tokio::test]
    async fn a_local_cloud_names_its_edges() {
        let other = r#"{"pop":"FRA","url":"http://127.0.0.1:4002/"},{"url":"http://[::1]:4003"}"#;
        let reply = ResponseTemplate::new(200).set_body_string(line(&format!("{FRA},{other}")));
        let server = serving(reply).await;
        let api = format!("{}/", server.uri());
        let ready = fetch_local_edges(&api).await.unwrap().unwrap();
        assert_eq!(
            (ready.mode, ready.cloud_name.as_str()),
            (InvalidationKind::LegacyVersioned, "demo")
        );
        assert_eq!(
            ready.delivery(),
            LocalDelivery {
                instance: "i1".to_owned(),
                edges: ["127.0.0.1:4001", "127.0.0.1:4002", "[::1]:4003"]
                    .map(str::to_owned)
                    .to_vec(),
                origin: "127.0.0.1:4000".to_owned(),
            }
        );
        let places = LoopbackPlaces::new(&api, &ready).places("media.acme.test").await.unwrap();
        let ids: Vec<_> = places.iter().map(|place| place.id.0.as_str()).collect();
        assert_eq!(
            ids,
            ["FRA@127.0.0.1:4001", "FRA@127.0.0.1:4002", "res.cloudinary.com@[::1]:4003"]
        );
        assert!(places.iter().all(|place| !place.tls && place.host == SHARED_HOST));
        assert_eq!(
            (places[0].city.as_deref(), places[0].provider.as_str()),
            (Some("Frankfurt"), "local")
        );
    }

    #[tokio::test]
    async fn another_server_on_loopback_is_no_local_cloud() {
        assert_eq!(
            fetch_local_edges(&serving(ResponseTemplate::new(404)).await.uri()).await,
            Ok(None)
        );
    }

    #[tokio::test]
    async fn an_api_elsewhere_is_not_asked() {
        assert_eq!(fetch_local_edges("https://api.cloudinary.com").await, Ok(None));
        assert_eq!(fetch_local_edges("http://192.0.2.1:80").await, Ok(None));
    }

    #[rstest]
    #[case::elsewhere(
        200,
        line(r#"{"pop":"FRA","url":"http://192.0.2.7:80"}"#),
        "it names `http://192.0.2.7:80`, which is no http:// address on loopback"
    )]
    #[case::by_name(
        200,
        line(r#"{"pop":"FRA","url":"http://localhost:80"}"#),
        "it names `http://localhost:80`, which is no http:// address on loopback"
    )]
    #[case::by_tls(
        200,
        line(r#"{"pop":"FRA","url":"https://127.0.0.1:80"}"#),
        "it names `https://127.0.0.1:80`, which is no http:// address on loopback"
    )]
    #[case::mapped(
        200,
        line(r#"{"url":"http://[::ffff:192.0.2.7]:80"}"#),
        "it names `http://[::ffff:192.0.2.7]:80`, which is no http:// address on loopback"
    )]
    #[case::no_json(200, "<html>".to_owned(), "its answer is odd at `.`: expected value at line 1 column 1")]
    #[case::odd(
        200,
        line("7"),
        "its answer is odd at `edges[0]`: invalid type: integer `7`, expected struct ReadyEdge at line 2 column 71"
    )]
    #[case::status(500, String::new(), "it answered with status 500")]
    #[case::redirect(302, String::new(), "it answered with status 302")]
    #[tokio::test]
    async fn odd_answers_are_refused(#[case] status: u16, #[case] body: String, #[case] why: &str) {
        let server = serving(ResponseTemplate::new(status).set_body_string(body)).await;
        let api = server.uri();
        assert_eq!(
            fetch_local_edges(&api).await,
            Err(PlacesError::NoEdges { api, detail: why.to_owned() })
        );
    }

    #[tokio::test]
    async fn a_dead_api_has_no_edges() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let api = format!("http://{}", listener.local_addr().unwrap());
        drop(listener);
        assert_eq!(
            fetch_local_edges(&api).await,
            Err(PlacesError::NoEdges { api, detail: "connection refused".to_owned() })
        );
    }

    #[tokio::test]
    async fn a_local_cloud_without_edges_has_no_places() {
        let ready = read_ready(line("").as_bytes()).unwrap();
        let places = LoopbackPlaces::new("http://127.0.0.1:1", &ready).places("any").await;
        assert!(matches!(places, Err(PlacesError::NoEdges { .. })));
    }

    fn pinned(name: &str, address: &str) -> PinnedEdge {
        PinnedEdge::read(name, address).unwrap()
    }

    #[tokio::test]
    async fn pinned_edges_and_addresses_are_places() {
        let pins = vec![
            pinned("FRA", "192.0.2.7:443"),
            pinned("FRA", "192.0.2.8:443"),
            pinned("office", "127.0.0.1:443"),
        ];
        let places = ResolvedPlaces::new(pins, true).places("localhost").await.unwrap();
        let names: Vec<_> =
            places.iter().map(|place| (place.id.0.as_str(), place.pop.as_deref())).collect();
        assert_eq!(
            names[..3],
            [("FRA@192.0.2.7", Some("FRA")), ("FRA@192.0.2.8", Some("FRA")), ("office", None)]
        );
        assert!(places.iter().all(|place| place.tls && place.host == "localhost"));
        assert_eq!(places.iter().filter(|place| place.address.unwrap().is_ipv4()).count(), 3);
    }

    #[rstest]
    #[case("192.0.2.7", Some(("192.0.2.7:443", true)))]
    #[case("192.0.2.7:8443", Some(("192.0.2.7:8443", true)))]
    #[case("https://192.0.2.7", Some(("192.0.2.7:443", true)))]
    #[case("http://127.0.10.1:18080", Some(("127.0.10.1:18080", false)))]
    #[case("http://[2001:db8::1]", Some(("[2001:db8::1]:80", false)))]
    #[case("2001:db8::1", Some(("[2001:db8::1]:443", true)))]
    #[case("http://edge.example", None)]
    #[case("ftp://192.0.2.7", None)]
    #[case("http://192.0.2.7/", None)]
    fn an_edge_is_pinned_by_its_address(#[case] text: &str, #[case] read: Option<(&str, bool)>) {
        let edge = PinnedEdge::read("FRA", text).map_err(drop).ok();
        let told = edge.map(|edge| (edge.address.to_string(), edge.tls));
        assert_eq!(told, read.map(|(address, tls)| (address.to_owned(), tls)));
    }

    #[tokio::test]
    async fn every_address_of_the_resolver_is_one_place() {
        let places = ResolvedPlaces::new(Vec::new(), true).places("localhost").await.unwrap();
        assert!(places.iter().any(|place| place.id.0 == "localhost@127.0.0.1"), "{places:?}");
        let places = ResolvedPlaces::new(Vec::new(), true).places("127.0.0.1:8443").await.unwrap();
        assert_eq!(places[0].address, "127.0.0.1:8443".parse().ok());
    }

    #[tokio::test]
    async fn a_name_that_does_not_resolve_is_named_unless_edges_are_pinned() {
        let host = "no such host.invalid";
        let error = ResolvedPlaces::new(Vec::new(), true).places(host).await.unwrap_err();
        assert!(matches!(&error, PlacesError::Unresolved { host: named, .. } if named == host));
        let pins = vec![pinned("FRA", "192.0.2.7:443")];
        assert_eq!(ResolvedPlaces::new(pins, true).places(host).await.unwrap().len(), 1);
    }

    #[rstest]
    #[case("res.cloudinary.com", "cloudinary")]
    #[case("acme-res.cloudinary.com", "cloudinary")]
    #[case("RESF.cloudinary.com", "fastly")]
    #[case("cloudinary-a.akamaihd.net", "akamai")]
    #[case("d3jpl91pxevbkh.cloudfront.net", "cloudfront")]
    #[case("media.acme.test", "media.acme.test")]
    fn providers_are_guessed_from_the_host(#[case] host: &str, #[case] provider: &str) {
        assert_eq!(provider_of(host), provider);
    }
}
