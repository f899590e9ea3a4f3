//! The local cloud over real HTTP on loopback, as SDKs and probes use it.

mod admin;
mod auth;
mod changes;
mod conditions;
mod delivery;
mod download;
mod hostile;
mod life;
mod listing;
mod pictures;
mod removal;
mod search;
mod serving;
mod upload;

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use sha1::{Digest as _, Sha1};

use crate::local_cloud::clock::MachineClock;
use crate::local_cloud::options::Options;
use crate::local_cloud::server::limits::Limits;
use crate::local_cloud::server::{Running, start, start_within};

/// A cloud that is up, and somebody who calls it.
struct Rig {
    cloud: Running,
    http: Client,
}

/// No viewers, so that nothing moves by itself; invalidations arrive within a tenth of a second.
fn calm() -> Options {
    Options {
        assets: 60,
        edges: 4,
        traffic: 0.0,
        propagation: "10ms..100ms".parse().unwrap(),
        ..Options::default()
    }
}

impl Rig {
    async fn of(options: Options) -> Self {
        Self { cloud: start(options).await.unwrap(), http: client() }
    }

    /// Whose callers may take up so much.
    async fn within(options: Options, limits: Limits) -> Self {
        let clock = Arc::new(MachineClock::start());
        Self { cloud: start_within(options, clock, limits).await.unwrap(), http: client() }
    }

    async fn new() -> Self {
        Self::of(calm()).await
    }

    fn api(&self, path: &str) -> String {
        format!("{}/v1_1/demo/{path}", self.cloud.ready.api)
    }

    fn edge(&self, edge: usize, path: &str) -> String {
        format!("{}{path}", self.cloud.ready.edges[edge].url)
    }

    /// Parameters with key, time and signature, as SDKs send them.
    fn signed<'a>(&self, params: &[(&'a str, &'a str)]) -> Vec<(String, String)> {
        let now = jiff::Timestamp::now().as_second().to_string();
        self.signed_at(&now, params)
    }

    fn signed_at(&self, now: &str, params: &[(&str, &str)]) -> Vec<(String, String)> {
        let mut params: Vec<(String, String)> =
            params.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        params.push(("timestamp".to_owned(), now.to_owned()));
        params.retain(|(_, value)| !value.is_empty());
        params.sort();
        let pairs: Vec<String> =
            params.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let text = pairs.join("&") + &self.cloud.ready.api_secret;
        params.push(("signature".to_owned(), hex::encode(Sha1::digest(text))));
        params.push(("api_key".to_owned(), self.cloud.ready.api_key.clone()));
        params
    }

    async fn upload_call(&self, path: &str, params: &[(&str, &str)]) -> (StatusCode, Value) {
        told(self.http.post(self.api(path)).form(&self.signed(params))).await
    }

    /// An upload to the resource type of `path`, with a file that is given as text.
    async fn upload(&self, path: &str, params: &[(&str, &str)], file: &str) -> (StatusCode, Value) {
        let mut fields = self.signed(params);
        fields.push(("file".to_owned(), file.to_owned()));
        told(self.http.post(self.api(path)).form(&fields)).await
    }

    fn admin(&self, method: Method, path: &str) -> RequestBuilder {
        let ready = &self.cloud.ready;
        self.http
            .request(method, self.api(path))
            .basic_auth(&ready.api_key, Some(&ready.api_secret))
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        told(self.admin(Method::GET, path)).await
    }

    async fn delete(&self, path: &str, body: Value) -> (StatusCode, Value) {
        told(self.admin(Method::DELETE, path).json(&body)).await
    }

    async fn local(&self, method: Method, path: &str, body: Value) -> Value {
        let url = format!("{}/_local/{path}", self.cloud.ready.api);
        let call = self.http.request(method, url);
        let call = if body.is_null() { call } else { call.json(&body) };
        told(call).await.1
    }

    async fn seen(&self, edge: usize, path: &str) -> Response {
        self.http.get(self.edge(edge, path)).send().await.unwrap()
    }

    /// Waits until every edge has carried out every invalidation.
    async fn cleared(&self) {
        for _ in 0..500 {
            let told = self.local(Method::GET, "invalidations", Value::Null).await;
            let all = told["invalidations"].as_array().unwrap();
            let open = all.iter().flat_map(|one| one["edges"].as_array().unwrap());
            if open.clone().all(|edge| !edge["cleared_at_ms"].is_null()) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("some edge never cleared");
    }
}

/// A client that goes nowhere but where it is sent.
fn client() -> Client {
    // a second installation fails, which is as good
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
    http.build().unwrap()
}

/// What a refusal says.
fn message(answer: &Value) -> &str {
    answer["error"]["message"].as_str().unwrap_or_else(|| panic!("no refusal: {answer}"))
}

async fn told(call: RequestBuilder) -> (StatusCode, Value) {
    let response = call.send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap())
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().unwrap())
}

fn path_of(url: &Value) -> String {
    let url = url.as_str().unwrap();
    url[url.find("/demo/").unwrap()..].to_owned()
}

const PNG: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
