//! Reads remote files, from this host only: bounded in bytes, in time and in number, and never from the cloud's own
//! listeners, where a file could be asked for by way of itself.

use std::time::Duration;

use axum::body::Bytes;
use axum::http::{Request, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::Cloud;
use crate::local_cloud::remote::Remote;

/// Largest remote file, in bytes.
const MOST_BYTES: usize = 20 * 1024 * 1024;
/// How long one file may take, with all redirects.
const LONGEST: Duration = Duration::from_secs(10);
const MOST_REDIRECTS: usize = 3;

/// Files that are read at a time; more wait, no longer than their time.
static ROOM: Semaphore = Semaphore::const_new(16);

/// Why a remote file was not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FetchError {
    #[error("it is one of the cloud's own addresses")]
    Own,
    #[error("the server cannot be reached")]
    Unreachable,
    #[error("the server answered {status}")]
    Status { status: u16 },
    #[error("it redirects to where nothing is read")]
    Redirect,
    #[error("it is larger than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("it took too long")]
    TooLong,
}

/// The bytes of a remote file.
///
/// # Errors
/// As [`FetchError`] says.
pub async fn fetch(cloud: &Cloud, remote: Remote) -> Result<Bytes, FetchError> {
    let read = async {
        let _room = ROOM.acquire().await.map_err(|_| FetchError::TooLong)?;
        follow(cloud, remote).await
    };
    tokio::time::timeout(LONGEST, read).await.unwrap_or(Err(FetchError::TooLong))
}

async fn follow(cloud: &Cloud, mut remote: Remote) -> Result<Bytes, FetchError> {
    for _ in 0..=MOST_REDIRECTS {
        if is_own(cloud, &remote) {
            return Err(FetchError::Own);
        }
        match ask(&remote).await? {
            Asked::File(bytes) => return Ok(bytes),
            Asked::Elsewhere(location) => {
                remote = remote.redirected(&location).ok_or(FetchError::Redirect)?;
            }
        }
    }
    Err(FetchError::Redirect)
}

/// Whether the cloud itself listens there. Whatever loopback address is meant: the port decides.
fn is_own(cloud: &Cloud, remote: &Remote) -> bool {
    let ready = cloud.ready();
    let edges = ready.edges.iter().map(|edge| &edge.url);
    let own = [&ready.api, &ready.origin].into_iter().chain(edges);
    let port = |url: &String| url.rsplit_once(':').and_then(|(_, port)| port.parse::<u16>().ok());
    own.filter_map(port).any(|port| port == remote.address.port())
}

enum Asked {
    File(Bytes),
    Elsewhere(String),
}

/// One request on a connection of its own: no proxy, no cookie, no memory.
async fn ask(remote: &Remote) -> Result<Asked, FetchError> {
    let lost = |_| FetchError::Unreachable;
    let stream = TcpStream::connect(remote.address).await.map_err(|_| FetchError::Unreachable)?;
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(lost)?;
    let connection = tokio::spawn(connection);
    let request = Request::get(&remote.target)
        .header(header::HOST, &remote.authority)
        .header(header::USER_AGENT, "allclear local cloud")
        .header(header::ACCEPT, "*/*")
        .body(Empty::<Bytes>::new())
        .map_err(|_| FetchError::Unreachable)?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(lost)?;
        let status = response.status();
        if status.is_redirection() {
            let location = response.headers().get(header::LOCATION);
            let location = location.and_then(|location| location.to_str().ok());
            return location.map(|l| Asked::Elsewhere(l.to_owned())).ok_or(FetchError::Redirect);
        }
        if !status.is_success() {
            return Err(FetchError::Status { status: status.as_u16() });
        }
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        let body = body.map_err(|error| {
            if error.is::<http_body_util::LengthLimitError>() {
                FetchError::TooLarge
            } else {
                FetchError::Unreachable
            }
        })?;
        Ok(Asked::File(body.to_bytes()))
    }
    .await;
    connection.abort();
    answer
}
