//! The API's listener: takes a request apart, checks who calls, and hands it to the endpoint.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, Method, Response};

use super::auth::Account;
use super::body::Incoming;
use super::listen::Peer;
use super::params::{Params, strictly_unescaped};
use super::reply::{Reply, bad};
use super::upload::{self, Route};
use super::{Cloud, admin, control, trouble};

/// A call, taken apart.
pub struct Call {
    pub method: Method,
    pub headers: HeaderMap,
    /// Path behind the cloud's name, unescaped, slashes of public IDs included.
    pub path: Vec<String>,
    pub params: Params,
    pub from_this_host: bool,
}

impl Call {
    pub fn path(&self) -> Vec<&str> {
        self.path.iter().map(String::as_str).collect()
    }
}

pub fn service(cloud: Arc<Cloud>) -> Router {
    Router::new().fallback(move |ConnectInfo(peer): ConnectInfo<Peer>, request: Request| {
        let cloud = cloud.clone();
        async move { answered(cloud, &peer, request).await }
    })
}

async fn answered(cloud: Arc<Cloud>, peer: &Peer, request: Request) -> Response<Body> {
    let path = request.uri().path();
    let request_id = cloud.request_id();
    if path == "/_local" || path.starts_with("/_local/") {
        return control::answer(cloud, peer, request).await.send(&request_id);
    }
    let found = segments(&cloud, path).and_then(|path| {
        let words: Vec<&str> = path.iter().map(String::as_str).collect();
        let route = upload::route(request.method(), &words).transpose()?;
        Ok((path, route))
    });
    let reply = match found {
        Ok((path, route)) => {
            let part = trouble::part_of(route.is_some(), &path);
            let call = asked(cloud.clone(), peer, path, route, request);
            return trouble::endured(&cloud, peer, part, call, &request_id).await;
        }
        Err(reply) => {
            Incoming::new(request.into_body(), &cloud.limits).drain().await;
            reply
        }
    };
    reply.send(&request_id)
}

/// The path behind the cloud's name.
fn segments(cloud: &Cloud, path: &str) -> Result<Vec<String>, Reply> {
    let Some(rest) = path.strip_prefix("/v1_1/") else {
        return Err(Reply::no_such_endpoint(path));
    };
    // slashes come raw or escaped, and mean the same
    let plain = strictly_unescaped(rest, false)
        .ok_or_else(|| bad(format!("Invalid %-encoding ({rest})")))?;
    let mut segments = plain.split('/');
    if segments.next() != Some(&cloud.settings.cloud_name) {
        return Err(Reply::error(401, "cloud_name mismatch"));
    }
    Ok(segments.map(str::to_owned).collect())
}

async fn asked(
    cloud: Arc<Cloud>,
    peer: &Peer,
    path: Vec<String>,
    route: Option<Route>,
    request: Request,
) -> Reply {
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let takes_file = route.as_ref().is_some_and(Route::takes_file);
    let (params, mut share) = match Params::of(request, &cloud, takes_file).await {
        Ok(read) => read,
        Err(refused) => return refused,
    };
    let from_this_host = peer.address.ip().to_canonical().is_loopback();
    let mut call = Call { method, headers, path, params, from_this_host };
    if let Some(route) = &route {
        if let Err(refused) = upload::admit(route, &call, &account(&cloud), cloud.clock.wall()) {
            return refused;
        }
        if takes_file && let Err(refused) = upload::load_remote(&cloud, &mut call, &mut share).await
        {
            return refused;
        }
    }
    let carried_out = tokio::task::spawn_blocking(move || {
        let answered = match &route {
            Some(route) => upload::answer(&cloud, &call, route),
            None => admin::answer(&cloud, &call, &account(&cloud)),
        };
        drop(share);
        answered.unwrap_or_else(|refused| refused)
    });
    carried_out.await.unwrap_or_else(|_| Reply::error(500, "General Error"))
}

fn account(cloud: &Cloud) -> Account<'_> {
    Account { api_key: &cloud.options.api_key, api_secret: &cloud.settings.api_secret }
}
