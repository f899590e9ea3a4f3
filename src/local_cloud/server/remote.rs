//! Files that an upload names by URL: loaded from loopback only, so that a rehearsal reaches nothing else.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use axum::body::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::client::conn::http1;
use hyper::header::{HOST, LOCATION};
use hyper_util::rt::TokioIo;
use reqwest::Url;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::limits::{Limits, Share};
use super::reply::{Reply, bad};

/// Redirects that are followed, each to loopback only.
const MOST_REDIRECTS: usize = 3;

/// Whether the text given as a file is the address of one.
pub fn is_address(text: &str) -> bool {
    ["http://", "https://", "ftp://", "s3://", "gs://"].iter().any(|scheme| {
        text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
    })
}

/// Loads a file, with the last part of its path as its name.
///
/// # Errors
/// It could not be loaded; in the service's form (facts §2.7).
pub async fn load(
    address: &str,
    limits: &Limits,
    share: &mut Share,
) -> Result<(Option<String>, Bytes), Reply> {
    let loaded = tokio::time::timeout(limits.remote, followed(address, limits, share)).await;
    loaded.unwrap_or_else(|_| Err("Timed out".to_owned())).map_err(|reason| {
        let shown: String = address.chars().take(500).collect();
        bad(format!("Error in loading {shown} - {reason}"))
    })
}

async fn followed(
    address: &str,
    limits: &Limits,
    share: &mut Share,
) -> Result<(Option<String>, Bytes), String> {
    let mut url = Url::parse(address).map_err(|error| error.to_string())?;
    for _ in 0..=MOST_REDIRECTS {
        match asked(&url, limits, share).await? {
            Found::File(bytes) => {
                let name = url.path_segments().and_then(Iterator::last).unwrap_or_default();
                let name = super::params::unescape(name, false);
                return Ok((Some(name).filter(|name| !name.is_empty()), bytes));
            }
            Found::Elsewhere(location) => {
                url = url.join(&location).map_err(|error| error.to_string())?;
            }
        }
    }
    Err("Too many redirects".to_owned())
}

enum Found {
    File(Bytes),
    Elsewhere(String),
}

/// Where a URL is served on this host.
fn socket(url: &Url) -> Result<SocketAddr, String> {
    let refused = || "the local cloud loads http:// files from loopback addresses only".to_owned();
    if url.scheme() != "http" {
        return Err(refused());
    }
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
    let ip = match host.parse::<IpAddr>() {
        Ok(ip) => ip,
        // not asked of a resolver, which could say anything
        Err(_) if host == "localhost" => Ipv4Addr::LOCALHOST.into(),
        Err(_) => return Err(refused()),
    };
    if !ip.to_canonical().is_loopback() {
        return Err(refused());
    }
    Ok(SocketAddr::new(ip, url.port_or_known_default().unwrap_or(80)))
}

async fn asked(url: &Url, limits: &Limits, share: &mut Share) -> Result<Found, String> {
    let address = socket(url)?;
    let text = |error: &dyn std::fmt::Display| error.to_string();
    let stream = TcpStream::connect(address).await.map_err(|error| text(&error))?;
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| text(&error))?;
    // ends with this call
    let mut beside = JoinSet::new();
    beside.spawn(connection);
    let path = match url.query() {
        Some(query) => format!("{}?{query}", url.path()),
        None => url.path().to_owned(),
    };
    let request = hyper::Request::get(path)
        .header(HOST, address.to_string())
        .body(Empty::<Bytes>::new())
        .map_err(|error| text(&error))?;
    let response = sender.send_request(request).await.map_err(|error| text(&error))?;
    let status = response.status();
    if status.is_redirection() {
        let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
        return location
            .map(|location| Found::Elsewhere(location.to_owned()))
            .ok_or_else(|| status.to_string());
    }
    if !status.is_success() {
        return Err(status.to_string());
    }
    let (mut body, mut bytes) = (response.into_body(), Vec::new());
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|error| text(&error))?.into_data() else { continue };
        if bytes.len() + data.len() > limits.file {
            return Err(format!("File size too large. Maximum is {}.", limits.file));
        }
        share.grow(data.len()).map_err(|_| "too many uploads at a time".to_owned())?;
        bytes.extend_from_slice(&data);
    }
    Ok(Found::File(bytes.into()))
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn only_loopback_is_asked() {
        let at = |url: &str| socket(&Url::parse(url).unwrap()).ok().map(|at| at.to_string());
        assert_eq!(at("http://127.0.0.1:81/x").as_deref(), Some("127.0.0.1:81"));
        assert_eq!(at("http://[::1]/x").as_deref(), Some("[::1]:80"));
        assert_eq!(at("http://localhost:9/").as_deref(), Some("127.0.0.1:9"));
        for elsewhere in [
            "https://127.0.0.1/",
            "http://0.0.0.0/",
            "http://169.254.169.254/latest",
            "http://localhost.example/",
            "http://127.0.0.1.example/",
            "http://[::ffff:192.0.2.1]/",
            "ftp://127.0.0.1/",
        ] {
            assert_eq!(at(elsewhere), None, "{elsewhere}");
        }
        assert!(is_address("HTTP://x") && is_address("s3://b/k") && !is_address("data:,x"));
        assert!(!is_address("é") && !is_address("http:/x"));
    }
}
