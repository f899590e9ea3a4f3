//! One request to one cache, over a bare HTTP/1.1 connection of its own.
//!
//! Sends exactly the headers that it means to send: no client library adds any. Follows no redirect, keeps no
//! cookie, knows no proxy and asks no resolver. Bounded in time, headers and body.

mod fetch;
pub(super) mod headers;

#[cfg(test)]
mod tests;

use std::future::{Future, poll_fn};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use async_trait::async_trait;
use http_body_util::{BodyExt as _, Empty};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, CONNECTION, HOST, HeaderName, HeaderValue, RANGE, USER_AGENT,
};
use hyper::{Method, Request, Response, Uri};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::{deepest, tls};
use crate::domain::sighting::{Answer, ProbeFailure, ProbeShape, Sighting};
use crate::domain::text::clean;
use crate::domain::time::Moment;
use crate::ports::clock::Clock;
use crate::ports::prober::{FetchFailure, Probe, Prober};

pub use headers::answer as read_head;

/// Header lines that an answer may have.
const MAX_HEADERS: usize = 128;
/// Bytes that the head of an answer may have.
const MAX_HEAD: usize = 64 << 10;
/// Bytes of a body that are read and hashed at most.
const MAX_BODY: usize = 64 << 10;

/// Looks at caches over HTTP/1.1, with or without TLS.
pub struct HttpProber {
    clock: Arc<dyn Clock>,
    /// Read when the first probe needs it.
    tls: OnceLock<Arc<ClientConfig>>,
}

impl HttpProber {
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, tls: OnceLock::new() }
    }

    /// A prober that trusts whom `config` trusts, and not the platform's roots.
    #[must_use]
    pub fn with_tls(clock: Arc<dyn Clock>, config: ClientConfig) -> Self {
        Self { clock, tls: OnceLock::from(Arc::new(config)) }
    }

    fn tls(&self) -> Arc<ClientConfig> {
        Arc::clone(self.tls.get_or_init(|| {
            let mut config = tls::client_config();
            config.alpn_protocols = vec![b"http/1.1".to_vec()];
            Arc::new(config)
        }))
    }

    /// Connects, asks and reads; `times` are set as soon as the request leaves and its headers are in.
    async fn look(&self, probe: &Probe, times: &mut Times) -> Result<Answer, ProbeFailure> {
        let request = request(probe)?;
        let stream = self.connect(probe).await?;
        self.ask(stream, request, probe, times).await
    }

    /// A connection of its own to the place itself.
    async fn connect(&self, probe: &Probe) -> Result<Box<dyn Io>, ProbeFailure> {
        let unfit = || ProbeFailure::Broken { detail: "no address to connect to".to_owned() };
        let address = probe.address.ok_or_else(unfit)?;
        let stream = TcpStream::connect(address).await.map_err(|why| io_failure(&why))?;
        check_peer(address, stream.peer_addr().map_err(|why| io_failure(&why))?)?;
        stream.set_nodelay(true).ok(); // slower without, never wrong
        if !probe.tls {
            return Ok(Box::new(stream));
        }
        let stream = TlsConnector::from(self.tls())
            .connect(server_name(&probe.host)?, stream)
            .await
            .map_err(|why| ProbeFailure::Tls { detail: bottom(&why) })?;
        Ok(Box::new(stream))
    }

    async fn ask(
        &self,
        stream: Box<dyn Io>,
        request: Request<Empty<Bytes>>,
        probe: &Probe,
        times: &mut Times,
    ) -> Result<Answer, ProbeFailure> {
        let (mut sender, connection) = sender(stream).await?;
        let asked = async {
            times.sent = self.clock.moment();
            let response = sender.send_request(request).await.map_err(|why| broken(&why))?;
            times.received = Some(self.clock.moment());
            let mut answer =
                headers::answer(response.status().as_u16(), response.headers(), self.clock.wall());
            answer.peer = probe.address.map(|address| address.ip());
            if probe.shape == ProbeShape::Body {
                add_body(&mut answer, response).await?;
            }
            Ok(answer)
        };
        alongside(connection, asked).await // then both are dropped, and the connection with them
    }
}

/// A connection, with or without TLS.
trait Io: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Io for S {}

type Sender = http1::SendRequest<Empty<Bytes>>;
type Connection = http1::Connection<TokioIo<Box<dyn Io>>, Empty<Bytes>>;

/// HTTP over a connection, with our bounds.
async fn sender(stream: Box<dyn Io>) -> Result<(Sender, Connection), ProbeFailure> {
    http1::Builder::new()
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|why| broken(&why))
}

/// When a request left and when its answer was in.
struct Times {
    sent: Moment,
    received: Option<Moment>,
}

#[async_trait]
impl Prober for HttpProber {
    async fn probe(&self, probe: &Probe) -> Sighting {
        let mut times = Times { sent: self.clock.moment(), received: None };
        let result = tokio::time::timeout(probe.timeout, self.look(probe, &mut times))
            .await
            .unwrap_or(Err(ProbeFailure::TimedOut));
        Sighting {
            variant: probe.variant,
            shape: probe.shape,
            sent: times.sent,
            received: times.received.unwrap_or_else(|| self.clock.moment()),
            at: self.clock.wall(),
            result,
        }
    }

    async fn fetch(&self, probe: &Probe, most: usize) -> Result<Vec<u8>, FetchFailure> {
        fetch::fetch(self, probe, most).await
    }
}

/// The request, with every header it has.
fn request(probe: &Probe) -> Result<Request<Empty<Bytes>>, ProbeFailure> {
    let unfit = |what: &str| ProbeFailure::Broken { detail: format!("{what} cannot be sent") };
    let uri: Uri = probe.path.parse().map_err(|_| unfit("this path"))?;
    if !probe.path.starts_with('/') || uri.to_string() != probe.path {
        return Err(unfit("this path"));
    }
    let mut request = Request::new(Empty::new());
    *request.method_mut() = Method::GET;
    *request.uri_mut() = uri;
    let mut header = |name: HeaderName, value: &str| {
        let value = HeaderValue::from_str(value).map_err(|_| unfit("this host name"))?;
        request.headers_mut().insert(name, value);
        Ok(())
    };
    header(HOST, &probe.host)?;
    header(USER_AGENT, super::USER_AGENT)?;
    if let Some(accept) = probe.variant.header() {
        header(ACCEPT, accept)?;
    }
    header(ACCEPT_ENCODING, "identity")?;
    if probe.shape == ProbeShape::OneByte {
        header(RANGE, "bytes=0-0")?;
    }
    header(CONNECTION, "close")?;
    Ok(request)
}

/// Reads at most [`MAX_BODY`] bytes, hashes them, and learns the length of a body that ends before.
async fn add_body(answer: &mut Answer, response: Response<Incoming>) -> Result<(), ProbeFailure> {
    let identity = headers::is_identity(response.headers());
    let (mut body, mut hash, mut read) = (response.into_body(), Sha256::new(), 0);
    while read < MAX_BODY {
        let Some(frame) = body.frame().await else { break };
        let frame = frame.map_err(|why| broken(&why))?;
        let Some(data) = frame.data_ref() else { continue };
        let taken = &data[..data.len().min(MAX_BODY - read)];
        hash.update(taken);
        read += taken.len();
    }
    if identity {
        answer.body_hash = Some(hex::encode(hash.finalize()));
        if answer.status == 200 && answer.total_length.is_none() && read < MAX_BODY {
            answer.total_length = Some(read as u64);
        }
    }
    Ok(())
}

/// An answer counts only when it comes from the place's own address.
fn check_peer(expected: SocketAddr, peer: SocketAddr) -> Result<(), ProbeFailure> {
    let same =
        expected.ip().to_canonical() == peer.ip().to_canonical() && expected.port() == peer.port();
    if same { Ok(()) } else { Err(ProbeFailure::WrongPeer { peer: peer.to_string() }) }
}

/// The name for SNI and the certificate: the host without port.
fn server_name(host: &str) -> Result<ServerName<'static>, ProbeFailure> {
    let bare = match host.rsplit_once(':') {
        Some((bare, port)) if port.bytes().all(|b| b.is_ascii_digit()) => bare,
        _ => host,
    };
    ServerName::try_from(bare.trim_start_matches('[').trim_end_matches(']').to_owned())
        .map_err(|_| ProbeFailure::Tls { detail: format!("`{}` is no host name", clean(host)) })
}

fn io_failure(why: &std::io::Error) -> ProbeFailure {
    match why.kind() {
        std::io::ErrorKind::ConnectionRefused => ProbeFailure::Refused,
        std::io::ErrorKind::TimedOut => ProbeFailure::TimedOut,
        kind => ProbeFailure::Broken { detail: kind.to_string() },
    }
}

fn broken(why: &hyper::Error) -> ProbeFailure {
    use std::io::ErrorKind::{BrokenPipe, ConnectionReset, UnexpectedEof};
    let cut_off = why.is_incomplete_message()
        || why.is_canceled()
        || why.is_closed()
        || deepest(why)
            .downcast_ref::<std::io::Error>()
            .is_some_and(|io| matches!(io.kind(), BrokenPipe | ConnectionReset | UnexpectedEof));
    let detail = if why.is_parse_too_large() {
        "its headers are too large".to_owned()
    } else if why.is_parse() {
        "what came is no HTTP answer".to_owned()
    } else if cut_off {
        "closed before the answer was complete".to_owned()
    } else {
        bottom(why)
    };
    ProbeFailure::Broken { detail }
}

/// What lies at the bottom of an error, in words.
fn bottom(why: &(dyn std::error::Error + 'static)) -> String {
    clean(&deepest(why).to_string()).into_owned()
}

/// Runs `work` to its end and `connection` as long as `work` needs it, as one task: dropping it drops both.
async fn alongside<W: Future>(connection: impl Future, work: W) -> W::Output {
    let (mut connection, mut work, mut open) = (pin!(connection), pin!(work), true);
    poll_fn(|cx| {
        if let Poll::Ready(output) = work.as_mut().poll(cx) {
            return Poll::Ready(output);
        }
        if open && connection.as_mut().poll(cx).is_ready() {
            open = false;
            return work.as_mut().poll(cx); // whatever the connection had to say, it has said
        }
        Poll::Pending
    })
    .await
}
