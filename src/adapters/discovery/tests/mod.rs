//! Discovery against a resolver of our own on loopback that behaves and misbehaves. No real network.

mod resolving;
mod server;

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;

use super::*;
use crate::adapters::system_clock::SystemClock;
use crate::domain::place::{Place, Vantage};
use crate::domain::time::{Moment, Timestamp};
use crate::ports::clock::Clock;
use crate::ports::places::{Places, PlacesError};
use server::{Server, Way, reply_to};

const HOST: &str = "res.cloudinary.com";

fn options() -> DiscoveryOptions {
    // long enough for a busy machine wherever an answer is expected
    DiscoveryOptions { patience: Duration::from_secs(10), ..DiscoveryOptions::default() }
}

fn impatient() -> DiscoveryOptions {
    DiscoveryOptions { patience: Duration::from_millis(500), ..options() }
}

fn asking(servers: &[&Server], subnets: &[Subnet], options: DiscoveryOptions) -> Discovery {
    let resolvers = servers.iter().enumerate();
    let resolvers = resolvers.map(|(n, it)| Resolver::new(&format!("r{n}"), it.address)).collect();
    Discovery::new(resolvers, subnets.to_vec(), options, Arc::new(SystemClock))
}

fn tokyo() -> Subnet {
    Subnet::parse("Tokyo", "198.51.100.77/24").unwrap()
}

fn ips(found: &[IpAddr]) -> Vec<String> {
    found.iter().map(ToString::to_string).collect()
}

/// A clock that stands until it is moved.
#[derive(Default)]
struct Standing(AtomicU64);

impl Standing {
    fn pass(&self, seconds: u64) {
        self.0.fetch_add(seconds, Ordering::Relaxed);
    }
}

impl Clock for Standing {
    fn wall(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn moment(&self) -> Moment {
        Moment::from_origin(Duration::from_secs(1000 + self.0.load(Ordering::Relaxed)))
    }
}

/// Named by subnet: 192.0.2.1 plainly, 192.0.2.2 for Tokyo; 2001:db8::1 for everybody.
async fn mapping() -> Server {
    Server::start(|asked, _| {
        let subnet = server::subnet_of(asked);
        let mut reply = reply_to(asked, subnet.map(|it| (it, 24)));
        let v4 = if subnet.is_some() { "192.0.2.2" } else { "192.0.2.1" };
        server::add(&mut reply, HOST, 300, v4);
        server::add(&mut reply, HOST, 300, "2001:db8::1");
        vec![reply.to_vec().unwrap()]
    })
    .await
}

#[tokio::test]
async fn every_address_is_a_place_and_says_who_named_it() {
    let (first, second) = (mapping().await, mapping().await);
    let discovery = asking(&[&first, &second], &[tokyo()], options());
    let listing = discovery.look(HOST).await;
    assert_eq!(listing.rows.len(), 8);
    let places: Vec<_> = listing
        .places
        .iter()
        .map(|found| (found.place.id.0.as_str(), found.sources.join("; ")))
        .collect();
    let tokyo = "r0 for Tokyo (198.51.100.0/24); r1 for Tokyo (198.51.100.0/24)";
    assert_eq!(
        places,
        [
            ("res.cloudinary.com@192.0.2.1", "r0; r1".to_owned()),
            ("res.cloudinary.com@2001:db8::1", format!("r0; r1; {tokyo}")),
            ("res.cloudinary.com@192.0.2.2", tokyo.to_owned()),
        ]
    );
    assert_eq!(listing.tailored_of_answered(), (4, 4));
    let place = &listing.places[1].place;
    assert_eq!(place.address, Some("[2001:db8::1]:443".parse().unwrap()));
    assert_eq!((place.vantage.clone(), place.tls, place.pop.clone()), (Vantage::Here, true, None));
    assert_eq!((place.host.as_str(), place.provider.as_str()), (HOST, "cloudinary"));
}

#[tokio::test]
async fn resolvers_that_fail_are_rows_and_the_rest_goes_on() {
    let good = mapping().await;
    let silent = Server::start(|_, _| Vec::new()).await;
    let garbage = Server::start(|_, _| vec![b"HTTP/1.1 400 Bad Request".to_vec()]).await;
    let listing = asking(&[&silent, &garbage, &good], &[], impatient()).look(HOST).await;
    let outcomes: Vec<_> = listing
        .rows
        .iter()
        .map(|row| row.outcome.as_ref().map(|found| ips(&found.addresses)))
        .collect();
    assert_eq!(outcomes[0], Err(&Trouble::TimedOut));
    // its bytes have no ID of ours, so that they may be anybody's
    assert_eq!(outcomes[2], Err(&Trouble::WrongId));
    assert_eq!(outcomes[4], Ok(vec!["192.0.2.1".to_owned()]));
    assert_eq!(listing.places.len(), 2);
}

#[tokio::test]
async fn an_address_of_our_own_network_is_refused_with_the_reason() {
    let liar = Server::start(|asked, _| {
        let mut reply = reply_to(asked, None);
        for address in
            ["127.0.0.1", "10.0.0.7", "169.254.169.254", "224.0.0.1", "192.0.2.9", "10.0.0.7"]
        {
            server::add(&mut reply, HOST, 60, address);
        }
        server::add(&mut reply, HOST, 60, "::1");
        vec![reply.to_vec().unwrap()]
    })
    .await;
    let listing = asking(&[&liar], &[], options()).look(HOST).await;
    let found = listing.rows[0].outcome.as_ref().unwrap();
    assert_eq!(ips(&found.addresses), ["192.0.2.9"]);
    let refused: Vec<_> = found.refused.iter().map(|(ip, why)| format!("{ip} is {why}")).collect();
    assert_eq!(
        refused,
        [
            "127.0.0.1 is a loopback address",
            "10.0.0.7 is a private address",
            "169.254.169.254 is a link-local address",
            "224.0.0.1 is a multicast address",
        ]
    );
    assert_eq!(listing.rows[1].outcome.as_ref().unwrap().refused[0].1, "a loopback address");
    assert_eq!(listing.places.len(), 1);
    let local = DiscoveryOptions { local: true, ..options() };
    assert_eq!(asking(&[&liar], &[], local).look(HOST).await.places.len(), 6);
}

#[tokio::test]
async fn without_any_address_there_is_a_reason() {
    let private = Server::start(|asked, _| {
        let mut reply = reply_to(asked, None);
        server::add(&mut reply, "intern.acme.test", 60, "192.168.0.1");
        vec![reply.to_vec().unwrap()]
    })
    .await;
    let places = |servers: &[&Server], options| {
        DiscoveredPlaces::new(Arc::new(asking(servers, &[], options)))
    };
    let why = places(&[&private], options()).places("intern.acme.test").await.unwrap_err();
    let detail = "r0: 192.168.0.1 is a private address".to_owned();
    assert_eq!(why, PlacesError::Unresolved { host: "intern.acme.test".to_owned(), detail });
    let why = places(&[], options()).places(HOST).await.unwrap_err().to_string();
    assert!(why.ends_with("no resolver is configured"), "{why}");
    let silent = Server::start(|_, _| Vec::new()).await;
    let why = places(&[&silent], impatient()).places(HOST).await.unwrap_err().to_string();
    assert!(why.ends_with("r0: no answer in time"), "{why}");
    let why = places(&[&private], options()).places("a b\u{1b}").await.unwrap_err().to_string();
    assert!(why.contains('\u{fffd}') && why.ends_with("this host cannot be asked for"), "{why}");
    let found =
        places(&[&mapping().await], options()).places("RES.cloudinary.com:8443").await.unwrap();
    assert_eq!(found[0].address, Some("192.0.2.1:8443".parse().unwrap()));
}

#[tokio::test]
async fn what_was_said_is_kept_for_its_time_within_bounds() {
    for (ttl, kept) in [(0, 30), (300, 300), (86_400, 3600)] {
        let server = Server::start(move |asked, _| {
            let mut reply = reply_to(asked, None);
            server::add(&mut reply, HOST, ttl, "192.0.2.1");
            vec![reply.to_vec().unwrap()]
        })
        .await;
        let clock = Arc::new(Standing::default());
        let resolvers = vec![Resolver::new("r", server.address)];
        let discovery = Discovery::new(resolvers, vec![], options(), Arc::clone(&clock) as _);
        let look = || async {
            // AAAA is answered without an address: only the other question says how long it holds
            let listing = discovery.look(HOST).await;
            assert!(listing.rows[0].outcome.is_ok());
            server.asked_for(hickory_proto::rr::RecordType::A)
        };
        assert_eq!((look().await, look().await), (1, 1), "TTL {ttl}");
        clock.pass(kept - 1);
        assert_eq!(look().await, 1, "TTL {ttl}");
        clock.pass(1);
        assert_eq!(look().await, 2, "TTL {ttl}");
    }
}

#[tokio::test]
async fn trouble_is_not_asked_for_again_at_once() {
    let refusing = Server::start(|asked, _| {
        vec![server::code(asked, hickory_proto::op::ResponseCode::Refused).to_vec().unwrap()]
    })
    .await;
    let discovery = asking(&[&refusing], &[], options());
    let first = discovery.look(HOST).await;
    assert_eq!(first.rows[0].outcome, Err(Trouble::Code { code: "REFUSED".to_owned() }));
    assert_eq!(discovery.look(HOST).await, first);
    assert_eq!(refusing.asked(), 2);
}

#[tokio::test]
async fn resolvers_are_asked_a_few_dozen_questions_a_minute() {
    let server = mapping().await;
    let subnets: Vec<Subnet> =
        (0..20).map(|n| format!("198.51.{n}.0/24").parse().unwrap()).collect();
    let clock = Arc::new(Standing::default());
    let resolvers = vec![Resolver::new("r", server.address)];
    let few = DiscoveryOptions { per_minute: 30, ..options() };
    let discovery = Discovery::new(resolvers, subnets, few, Arc::clone(&clock) as _);
    let unasked = |listing: &Listing| {
        let not_asked = Err(Trouble::NotAsked { limit: 30 });
        listing.rows.iter().filter(|row| row.outcome == not_asked).count()
    };
    assert_eq!(unasked(&discovery.look(HOST).await), 12);
    assert_eq!((unasked(&discovery.look(HOST).await), server.asked()), (12, 30));
    clock.pass(60);
    assert_eq!((unasked(&discovery.look(HOST).await), server.asked()), (0, 42));
}

/// Finds one place for any host and remembers the hosts.
#[derive(Default)]
struct AnyHost(Mutex<Vec<String>>);

#[async_trait]
impl Places for AnyHost {
    async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError> {
        self.0.lock().unwrap().push(host.to_owned());
        if host.starts_with("resc") {
            return Err(PlacesError::Unresolved { host: host.to_owned(), detail: String::new() });
        }
        let place = serde_json::json!({
            "id": format!("{host}@192.0.2.1"), "pop": null, "city": null, "provider": "any", "vantage": "here",
            "address": "192.0.2.1:443", "tls": true, "host": host,
        });
        Ok(vec![serde_json::from_value(place).unwrap()])
    }
}

#[tokio::test]
async fn the_shared_host_has_vendor_pinned_ones_to_compare_with() {
    let inner = Arc::new(AnyHost::default());
    let places = VendorPinnedPlaces::new(Arc::clone(&inner) as _);
    let found = places.places(HOST).await.unwrap();
    let named: Vec<_> =
        found.iter().map(|place| (place.id.0.as_str(), place.host.as_str())).collect();
    assert_eq!(
        named,
        [
            ("diagnostic resa.cloudinary.com@192.0.2.1", "resa.cloudinary.com"),
            ("diagnostic resf.cloudinary.com@192.0.2.1", "resf.cloudinary.com"),
        ]
    );
    assert_eq!(inner.0.lock().unwrap().len(), 3, "one that does not resolve is no error");
    assert_eq!(diagnostic(found[0].clone()), found[0]);
    for other in ["resa.cloudinary.com", "media.acme.test", "acme-res.cloudinary.com"] {
        assert_eq!(places.places(other).await, Ok(vec![]), "{other}");
    }
    assert_eq!(pinned_hosts("RES.cloudinary.com:443").len(), 3);
}
