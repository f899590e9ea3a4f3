//! The API's listener: takes a request apart, checks who calls, and hands it to the endpoint.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{HeaderMap, Method, Response};

use super::auth::Account;
use super::listen::Peer;
use super::params::{Params, unescape};
use super::reply::Reply;
use super::{Cloud, admin, control, trouble, upload};

/// A call, taken apart.
pub struct Call {
    pub method: Method,
    pub headers: HeaderMap,
    /// Path behind the cloud's name, unescaped, slashes of public IDs included.
    pub path: Vec<String>,
    pub params: Params,
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
    let path = request.uri().path().to_owned();
    let request_id = cloud.request_id();
    if path == "/_local" || path.starts_with("/_local/") {
        return control::answer(cloud, peer, request).await.send(&request_id);
    }
    let reply = match taken_apart(&cloud, &path, request).await {
        Ok(call) => return trouble::answered(cloud, peer, call, &request_id).await,
        Err(reply) => reply,
    };
    reply.send(&request_id)
}

/// Carries a call out, whatever becomes of its answer.
pub async fn carried_out(cloud: &Arc<Cloud>, call: Call) -> Reply {
    let cloud = cloud.clone();
    let done = tokio::task::spawn_blocking(move || at_endpoint(&cloud, &call)).await;
    done.unwrap_or_else(|_| Reply::error(500, "General Error"))
}

async fn taken_apart(cloud: &Cloud, path: &str, request: Request) -> Result<Call, Reply> {
    let Some(rest) = path.strip_prefix("/v1_1/") else {
        return Err(Reply::no_such_endpoint(path));
    };
    let mut segments = rest.split('/').map(|segment| unescape(segment, false));
    if segments.next().as_deref() != Some(&cloud.settings.cloud_name) {
        return Err(Reply::error(401, "cloud_name mismatch"));
    }
    let path = segments.collect();
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let params = Params::of(request).await?;
    Ok(Call { method, headers, path, params })
}

fn at_endpoint(cloud: &Cloud, call: &Call) -> Reply {
    let account =
        Account { api_key: &cloud.options.api_key, api_secret: &cloud.settings.api_secret };
    let answered = if call.method == Method::POST && upload::is_upload_call(&call.path()) {
        upload::answer(cloud, call, &account)
    } else {
        admin::answer(cloud, call, &account)
    };
    answered.unwrap_or_else(|refused| refused)
}
