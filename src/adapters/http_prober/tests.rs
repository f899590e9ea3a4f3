//! The prober against servers that answer byte by byte as a test says.

use std::time::Duration;

use rstest::rstest;
use rustls::RootCertStore;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use super::*;
use crate::adapters::system_clock::SystemClock;
use crate::domain::place::Vantage;
use crate::domain::sighting::{AcceptVariant, CacheStatus};

const CERTIFICATE: &[u8] = include_bytes!("testdata/edge-cert.pem");
const KEY: &[u8] = include_bytes!("testdata/edge-key.pem");

fn prober() -> HttpProber {
    HttpProber::new(Arc::new(SystemClock))
}

fn probe(address: SocketAddr) -> Probe {
    Probe {
        vantage: Vantage::Here,
        address: Some(address),
        tls: false,
        host: "res.cloudinary.com".to_owned(),
        path: "/demo/image/upload/v1/a.jpg".to_owned(),
        variant: AcceptVariant::None,
        shape: ProbeShape::OneByte,
        timeout: Duration::from_secs(10),
    }
}

/// Reads one request head.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> String {
    let mut read = Vec::new();
    while !read.ends_with(b"\r\n\r\n") && stream.read_buf(&mut read).await.unwrap_or(0) > 0 {}
    String::from_utf8(read).unwrap()
}

/// A server for one request: gives back its head, and whether the client closed the connection itself.
async fn serve(reply: impl Into<Vec<u8>>) -> (SocketAddr, JoinHandle<(String, bool)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, reply) = (listener.local_addr().unwrap(), reply.into());
    let served = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let asked = head(&mut stream).await;
        stream.write_all(&reply).await.ok();
        let mut rest = Vec::new();
        let closed = matches!(stream.read_buf(&mut rest).await, Ok(0) | Err(_));
        (asked, closed)
    });
    (address, served)
}

async fn answer_to(reply: &str, shape: ProbeShape) -> Result<Answer, ProbeFailure> {
    let (address, _served) = serve(reply).await;
    prober().probe(&Probe { shape, ..probe(address) }).await.result
}

#[rstest]
#[case(
    AcceptVariant::None,
    ProbeShape::OneByte,
    "accept-encoding: identity\r\nrange: bytes=0-0\r\n"
)]
#[case(AcceptVariant::None, ProbeShape::HeadersOnly, "accept-encoding: identity\r\n")]
#[case(
    AcceptVariant::Webp,
    ProbeShape::Body,
    "accept: image/webp\r\naccept-encoding: identity\r\n"
)]
#[case(
    AcceptVariant::Avif,
    ProbeShape::OneByte,
    "accept: image/avif,image/webp\r\naccept-encoding: identity\r\nrange: bytes=0-0\r\n"
)]
#[tokio::test]
async fn a_request_has_exactly_the_headers_it_means_to_have(
    #[case] variant: AcceptVariant,
    #[case] shape: ProbeShape,
    #[case] headers: &str,
) {
    let (address, served) =
        serve("HTTP/1.1 206 Partial Content\r\ncontent-length: 1\r\n\r\nx").await;
    let path = "/demo/image/upload/a%20b%2Fc/(d)'~!;=@,.jpg?x=1&y=%26".to_owned();
    let seen = prober().probe(&Probe { path, variant, shape, ..probe(address) }).await;
    assert_eq!(seen.result.unwrap().status, 206);
    assert_eq!((seen.variant, seen.shape), (variant, shape));
    let (asked, closed) = served.await.unwrap();
    assert_eq!(
        asked,
        format!(
            "GET /demo/image/upload/a%20b%2Fc/(d)'~!;=@,.jpg?x=1&y=%26 HTTP/1.1\r\n\
             host: res.cloudinary.com\r\nuser-agent: {}\r\n{headers}connection: close\r\n\r\n",
            crate::adapters::USER_AGENT
        )
    );
    assert!(closed);
}

#[rstest]
#[case("no/slash")]
#[case("/with space")]
#[case("/with#fragment")]
#[case("/line\r\nbreak: x")]
#[case("")]
#[tokio::test]
async fn a_path_that_would_be_sent_otherwise_is_not_sent(#[case] path: &str) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let probe = Probe { path: path.to_owned(), ..probe(listener.local_addr().unwrap()) };
    assert!(matches!(prober().probe(&probe).await.result, Err(ProbeFailure::Broken { .. })));
    let probe = Probe { path: "/a".to_owned(), host: "a\r\nb".to_owned(), ..probe };
    assert!(matches!(prober().probe(&probe).await.result, Err(ProbeFailure::Broken { .. })));
}

#[tokio::test]
async fn an_answer_is_read_and_timed() {
    let reply = "HTTP/1.1 206 Partial Content\r\nETag: \"9e10\"\r\nContent-Range: bytes 0-0/184233\r\n\
                 Age: 7\r\nX-Cache: MISS, HIT\r\nX-Served-By: cache-fra1-FRA\r\nContent-Length: 1\r\n\r\nx";
    let (address, _served) = serve(reply).await;
    let seen = prober().probe(&probe(address)).await;
    let answer = seen.result.unwrap();
    assert_eq!((answer.status, answer.total_length, answer.age), (206, Some(184_233), Some(7)));
    assert_eq!((answer.cache, answer.pop.as_deref()), (CacheStatus::Hit, Some("FRA")));
    assert_eq!((answer.etag.unwrap().tag.as_str(), answer.body_hash), ("9e10", None));
    assert!(seen.received >= seen.sent);
}

#[rstest]
#[case::one_byte(ProbeShape::OneByte)]
#[case::headers_only(ProbeShape::HeadersOnly)]
#[tokio::test]
async fn a_body_nobody_asked_for_is_not_waited_for(#[case] shape: ProbeShape) {
    let (address, served) = serve("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nxyz").await;
    let seen = prober().probe(&Probe { shape, ..probe(address) }).await;
    assert_eq!(seen.result.unwrap().total_length, Some(999_999_999));
    assert!(served.await.unwrap().1, "the connection is closed after the headers");
}

#[rstest]
#[case::redirect(
    "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
    302
)]
#[case::interim(
    "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    404
)]
#[case::old("HTTP/1.0 200 OK\r\n\r\nabc", 200)]
#[tokio::test]
async fn any_status_is_an_answer(#[case] reply: &str, #[case] status: u16) {
    assert_eq!(answer_to(reply, ProbeShape::OneByte).await.unwrap().status, status);
}

#[rstest]
#[case::length("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", Some(3))]
#[case::chunked(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    Some(3)
)]
#[case::partial(
    "HTTP/1.1 206 X\r\nContent-Range: bytes 0-2/9\r\nContent-Length: 3\r\n\r\nabc",
    Some(9)
)]
#[tokio::test]
async fn a_body_is_hashed(#[case] reply: &str, #[case] length: Option<u64>) {
    let answer = answer_to(reply, ProbeShape::Body).await.unwrap();
    let sha256_of_abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
    assert_eq!(answer.body_hash.as_deref(), Some(sha256_of_abc));
    assert_eq!(answer.total_length, length);
}

#[tokio::test]
async fn only_the_first_64_kib_are_read_and_hashed() {
    let body = "x".repeat(3 * MAX_BODY);
    let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\n{body}");
    let answer = answer_to(&reply, ProbeShape::Body).await.unwrap();
    assert_eq!(answer.body_hash, Some(hex::encode(Sha256::digest(&body[..MAX_BODY]))));
    assert_eq!(answer.total_length, Some(999_999_999));
}

#[tokio::test]
async fn an_encoded_body_has_neither_hash_nor_length() {
    let reply = "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc";
    let answer = answer_to(reply, ProbeShape::Body).await.unwrap();
    assert_eq!((answer.body_hash, answer.total_length), (None, None));
}

fn broken_with(detail: &str) -> ProbeFailure {
    ProbeFailure::Broken { detail: detail.to_owned() }
}

#[tokio::test]
async fn what_is_no_answer_is_told_apart() {
    let garbage = answer_to("SSH-2.0-OpenSSH_9\r\n\r\n", ProbeShape::OneByte).await;
    assert_eq!(garbage, Err(broken_with("what came is no HTTP answer")));
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(MAX_HEADERS + 1));
    assert_eq!(
        answer_to(&many, ProbeShape::OneByte).await,
        Err(broken_with("its headers are too large"))
    );
    let large = format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(2 * MAX_HEAD));
    assert_eq!(
        answer_to(&large, ProbeShape::OneByte).await,
        Err(broken_with("its headers are too large"))
    );
}

#[rstest]
#[case::nothing("", ProbeShape::OneByte)]
#[case::half_a_head("HTTP/1.1 200 OK\r\nCont", ProbeShape::OneByte)]
#[case::half_a_body("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc", ProbeShape::Body)]
#[tokio::test]
async fn a_connection_that_breaks_is_no_answer(
    #[case] reply: &'static str,
    #[case] shape: ProbeShape,
) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        head(&mut stream).await;
        stream.write_all(reply.as_bytes()).await.unwrap();
    });
    let seen = prober().probe(&Probe { shape, ..probe(address) }).await;
    assert_eq!(seen.result, Err(broken_with("closed before the answer was complete")));
}

#[tokio::test]
async fn a_dead_edge_refuses_and_a_silent_one_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let silent = listener.local_addr().unwrap();
    let timeout = Duration::from_millis(100);
    let seen = prober().probe(&Probe { timeout, ..probe(silent) }).await;
    assert_eq!(seen.result, Err(ProbeFailure::TimedOut));
    drop(listener);
    assert_eq!(prober().probe(&probe(silent)).await.result, Err(ProbeFailure::Refused));
}

#[tokio::test]
async fn every_probe_has_a_connection_of_its_own() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let served = tokio::spawn(async move {
        for _ in 0..3 {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            let reply = "HTTP/1.1 200 OK\r\nconnection: keep-alive\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(reply.as_bytes()).await.unwrap();
            assert_eq!(head(&mut stream).await, "", "a second request on one connection");
        }
    });
    let prober = prober();
    for _ in 0..3 {
        assert_eq!(prober.probe(&probe(address)).await.result.unwrap().status, 200);
    }
    served.await.unwrap();
}

#[rstest]
#[case("192.0.2.7:443", "192.0.2.7:443", true)]
#[case("192.0.2.7:443", "[::ffff:192.0.2.7]:443", true)]
#[case("192.0.2.7:443", "192.0.2.8:443", false)]
#[case("192.0.2.7:443", "192.0.2.7:8443", false)]
fn only_the_own_address_counts(#[case] expected: &str, #[case] peer: &str, #[case] same: bool) {
    let checked = check_peer(expected.parse().unwrap(), peer.parse().unwrap());
    assert_eq!(
        checked,
        if same { Ok(()) } else { Err(ProbeFailure::WrongPeer { peer: peer.to_owned() }) }
    );
}

mod over_tls {
    use super::*;

    #[rstest]
    #[case("res.cloudinary.com", true)]
    #[case("127.0.0.1:4001", true)]
    #[case("[::1]:443", true)]
    #[case("no host", false)]
    #[case("", false)]
    fn a_server_name_is_a_host_without_port(#[case] host: &str, #[case] fits: bool) {
        assert_eq!(server_name(host).is_ok(), fits);
    }

    /// A TLS edge for one request; gives back the name it was asked for and the head.
    async fn serve_tls() -> (SocketAddr, JoinHandle<Option<(String, String)>>) {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![CertificateDer::from_pem_slice(CERTIFICATE).unwrap()],
                PrivateKeyDer::from_pem_slice(KEY).unwrap(),
            )
            .unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
            let mut stream = acceptor.accept(stream).await.ok()?;
            let name = stream.get_ref().1.server_name().unwrap_or_default().to_owned();
            let asked = head(&mut stream).await;
            let reply = b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nabc";
            stream.write_all(reply).await.ok()?;
            stream.flush().await.ok()?;
            Some((name, asked))
        });
        (address, served)
    }

    fn trusting_the_edge() -> HttpProber {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        HttpProber::with_tls(Arc::new(SystemClock), config)
    }

    #[rstest]
    #[case("res.cloudinary.com")]
    #[case("res.cloudinary.com:8443")]
    #[tokio::test]
    async fn the_delivery_host_is_named_and_must_prove_itself(#[case] host: &str) {
        let (address, served) = serve_tls().await;
        let probe = Probe {
            tls: true,
            host: host.to_owned(),
            shape: ProbeShape::Body,
            ..super::probe(address)
        };
        let answer = trusting_the_edge().probe(&probe).await.result.unwrap();
        assert_eq!((answer.status, answer.total_length), (200, Some(3)));
        let (name, asked) = served.await.unwrap().unwrap();
        assert_eq!(name, "res.cloudinary.com");
        assert!(asked.contains(&format!("host: {host}\r\n")), "{asked}");
    }

    #[rstest]
    #[case::other_name(trusting_the_edge(), "media.acme.test")]
    #[case::unknown_issuer(prober(), "res.cloudinary.com")]
    #[tokio::test]
    async fn a_certificate_that_does_not_fit_is_a_failure(
        #[case] prober: HttpProber,
        #[case] host: &str,
    ) {
        let (address, _served) = serve_tls().await;
        let probe = Probe { tls: true, host: host.to_owned(), ..super::probe(address) };
        let failure = prober.probe(&probe).await.result.unwrap_err();
        assert!(
            matches!(&failure, ProbeFailure::Tls { detail } if !detail.is_empty()),
            "{failure}"
        );
    }

    /// A clock that has gone on for centuries.
    #[derive(Debug)]
    struct LongAfter;

    impl rustls::time_provider::TimeProvider for LongAfter {
        fn current_time(&self) -> Option<rustls::pki_types::UnixTime> {
            let year_4000 = Duration::from_secs(64_060_588_800);
            Some(rustls::pki_types::UnixTime::since_unix_epoch(year_4000))
        }
    }

    #[tokio::test]
    async fn an_expired_certificate_is_a_failure_that_says_so() {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(CERTIFICATE).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_details(provider, Arc::new(LongAfter))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let prober = HttpProber::with_tls(Arc::new(SystemClock), config);
        let (address, _served) = serve_tls().await;
        let failure = prober
            .probe(&Probe { tls: true, ..super::probe(address) })
            .await
            .result
            .unwrap_err()
            .to_string();
        assert!(failure.starts_with("TLS failed: ") && failure.contains("expired"), "{failure}");
    }

    #[tokio::test]
    async fn a_plain_server_is_a_tls_failure() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
            stream.read_to_end(&mut Vec::new()).await.ok();
        });
        let probe = Probe { tls: true, ..super::probe(address) };
        let failure = prober().probe(&probe).await.result.unwrap_err();
        assert!(matches!(failure, ProbeFailure::Tls { .. }), "{failure}");
    }
}

/// Edges that do everything wrong: a clear failure in time, and never a verdict from nothing.
mod bad_edges {
    use std::time::Instant;

    use super::*;
    use crate::domain::judge::{AgeTrust, Facts, judge};
    use crate::domain::verdict::{Content, Expectation, Verdict};

    const TIMEOUT: Duration = Duration::from_millis(400);
    /// Far above the timeout, far below a hang.
    const BOUND: Duration = Duration::from_secs(20);

    /// Sends `first`, then `more` again and again after a pause each, as long as anybody listens.
    async fn serve_on(first: &str, more: Vec<u8>, pause: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, first) = (listener.local_addr().unwrap(), first.to_owned());
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            head(&mut stream).await;
            stream.write_all(first.as_bytes()).await.ok();
            while stream.write_all(&more).await.is_ok() {
                tokio::time::sleep(pause).await;
            }
        });
        address
    }

    /// What the edge said, within bounds, and that it proves nothing whatever is hoped for.
    async fn look(address: SocketAddr, shape: ProbeShape) -> Sighting {
        let began = Instant::now();
        let seen = prober().probe(&Probe { shape, timeout: TIMEOUT, ..probe(address) }).await;
        assert!(began.elapsed() < BOUND, "{:?}", began.elapsed());
        seen
    }

    fn assert_unknown(seen: &Sighting) {
        let content = Content { etag: Some("9e10".into()), ..Content::default() };
        for expectation in
            [Expectation::Gone, Expectation::New, Expectation::Live, Expectation::Refetched]
        {
            let facts = Facts {
                expectation,
                public_id: "a",
                derived: false,
                old: None,
                new: (expectation != Expectation::Gone).then_some(&content),
                stored: None,
                earlier: &[],
                since_sent: Some(Duration::from_secs(10)),
                since_changed: Some(Duration::from_secs(9)),
                age: AgeTrust::Unproven,
                known_age: None,
                doubt: Duration::ZERO,
                reference: None,
                body: None,
                only_watching: false,
            };
            let judged = judge(seen, &facts);
            assert_eq!(judged.verdict, Verdict::Unknown, "{expectation:?} {seen:?}");
            assert!(!judged.reason.to_string().is_empty());
        }
    }

    #[rstest]
    #[case::head("HTTP/1.1 200 OK\r\na: ", ProbeShape::OneByte)]
    #[case::status("H", ProbeShape::HeadersOnly)]
    #[case::body("HTTP/1.1 200 OK\r\nContent-Length: 70000\r\n\r\n", ProbeShape::Body)]
    #[case::body_until_it_closes("HTTP/1.0 200 OK\r\n\r\n", ProbeShape::Body)]
    #[tokio::test]
    async fn what_trickles_is_left_in_time(#[case] first: &str, #[case] shape: ProbeShape) {
        let address = serve_on(first, b"T".to_vec(), Duration::from_millis(100)).await;
        let seen = look(address, shape).await;
        assert_eq!(seen.result, Err(ProbeFailure::TimedOut));
        assert_unknown(&seen);
    }

    #[tokio::test]
    async fn a_body_without_end_is_read_as_far_as_it_is_compared() {
        let chunk = [b"1000\r\n".to_vec(), vec![b'x'; 4096], b"\r\n".to_vec()].concat();
        let first = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        let address = serve_on(first, chunk, Duration::ZERO).await;
        let timeout = Duration::from_secs(10);
        let endless = Probe { shape: ProbeShape::Body, timeout, ..probe(address) };
        let answer = prober().probe(&endless).await.result.unwrap();
        assert_eq!(answer.body_hash, Some(hex::encode(Sha256::digest(vec![b'x'; MAX_BODY]))));
        assert_eq!(answer.total_length, None, "nobody knows its length");
    }

    #[rstest]
    #[case::one_of_a_megabyte(format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "b".repeat(1 << 20)))]
    #[case::thousands(format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(5_000)))]
    #[tokio::test]
    async fn headers_beyond_all_bounds_are_no_answer(#[case] reply: String) {
        let (address, _served) = serve(reply).await;
        let seen = look(address, ProbeShape::OneByte).await;
        assert_eq!(seen.result, Err(broken_with("its headers are too large")));
        assert_unknown(&seen);
    }

    #[tokio::test]
    async fn headers_without_end_are_no_answer() {
        let address =
            serve_on("HTTP/1.1 200 OK\r\n", b"a: b\r\n".repeat(20_000), Duration::ZERO).await;
        let seen = look(address, ProbeShape::OneByte).await;
        assert_eq!(seen.result, Err(broken_with("its headers are too large")));
    }

    #[rstest]
    #[case::two_lengths("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabc")]
    #[case::below_nothing("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")]
    #[case::no_number("HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")]
    #[case::bad_chunk("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")]
    #[case::no_status("HTTP/1.1\r\n\r\n")]
    #[case::odd_status("HTTP/1.1 99999 OK\r\n\r\n")]
    #[case::bytes("\u{0}\u{1}\u{2}\u{ff}\r\n\r\n")]
    #[case::another_protocol("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    #[tokio::test]
    async fn garbage_is_no_answer(#[case] reply: &str) {
        let (address, _served) = serve(reply).await;
        let seen = look(address, ProbeShape::Body).await;
        let said = seen.result.as_ref().unwrap_err().to_string();
        assert!(said.starts_with("connection broke: "), "{said}");
        assert_unknown(&seen);
    }

    #[rstest]
    #[case::to_itself("HTTP/1.1 301 Moved\r\nLocation: /demo/image/upload/v1/a.jpg\r\n\r\n")]
    #[case::away("HTTP/1.1 307 Moved\r\nLocation: http://192.0.2.1/\r\n\r\n")]
    #[case::not_modified("HTTP/1.1 304 Not Modified\r\nETag: \"9e10\"\r\n\r\n")]
    #[case::nothing_in_range("HTTP/1.1 416 X\r\nETag: \"9e10\"\r\nContent-Length: 0\r\n\r\n")]
    #[case::encoded_unasked(
        "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 3\r\n\r\nabc"
    )]
    #[case::overloaded("HTTP/1.1 429 X\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n")]
    #[tokio::test]
    async fn an_answer_about_something_else_proves_nothing(#[case] reply: &str) {
        let (address, _served) = serve(reply).await; // one connection: a second one would be refused
        let mut seen = look(address, ProbeShape::OneByte).await;
        let answer = seen.result.as_mut().unwrap();
        if answer.status == 200 {
            assert_eq!((answer.total_length, &answer.body_hash), (None, &None));
            answer.status = 0; // a copy that cannot be compared is Outdated where nothing may be served
        }
        assert_unknown(&seen);
    }
}

async fn fetched(reply: impl Into<Vec<u8>>, most: usize) -> Result<Vec<u8>, FetchFailure> {
    let (address, _served) = serve(reply).await;
    let probe = Probe { shape: ProbeShape::HeadersOnly, ..probe(address) };
    prober().fetch(&probe, most).await
}

#[tokio::test]
async fn a_whole_file_is_fetched_within_its_bounds() {
    let whole = "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\npicture";
    assert_eq!(fetched(whole, 7).await.unwrap(), b"picture");
    assert_eq!(fetched(whole, 6).await, Err(FetchFailure::TooLarge { most: 6 }));
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n7\r\npicture\r\n0\r\n\r\n";
    assert_eq!(fetched(chunked, 7).await.unwrap(), b"picture");
    assert_eq!(fetched(chunked, 6).await, Err(FetchFailure::TooLarge { most: 6 }));
    let cut = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npicture";
    let (address, served) = serve(cut).await;
    let quick = Duration::from_millis(300);
    let probe = Probe { shape: ProbeShape::HeadersOnly, timeout: quick, ..probe(address) };
    let why = prober().fetch(&probe, 99).await.unwrap_err();
    assert_eq!(why, FetchFailure::NoAnswer(ProbeFailure::TimedOut));
    let (asked, closed) = served.await.unwrap();
    assert!(closed && !asked.to_lowercase().contains("range"), "{asked}");
    for secret in ["authorization", "cookie", "if-none-match"] {
        assert!(!asked.to_lowercase().contains(secret), "{asked}");
    }
}

#[tokio::test]
async fn what_is_no_file_says_so() {
    let gone =
        "HTTP/1.1 404 Not Found\r\nX-Cld-Error: no \u{1b}[2Jsuch\r\nContent-Length: 0\r\n\r\n";
    let gone = gone.replace('\u{1b}', ""); // HTTP itself lets none through
    let why = fetched(gone, 9).await.unwrap_err();
    assert_eq!(why.to_string(), "status 404, no [2Jsuch");
    let moved = "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(fetched(moved, 9).await.unwrap_err().to_string(), "status 302");
    let squeezed = "HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 7\r\n\r\npicture";
    assert_eq!(fetched(squeezed, 9).await, Err(FetchFailure::Encoded));
    let elsewhere = Probe {
        vantage: Vantage::Globalping("fra".to_owned()),
        ..probe("127.0.0.1:9".parse().unwrap())
    };
    let routed = crate::adapters::vantage::RoutedProber::new(None, None, Arc::new(SystemClock));
    let why = routed.fetch(&elsewhere, 9).await.unwrap_err();
    assert_eq!(why.to_string(), "no file is loaded from globalping:fra");
}
