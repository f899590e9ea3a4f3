//! The local cloud over real HTTP on loopback, as SDKs and probes use it.

use std::time::Duration;

use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};
use sha1::{Digest as _, Sha1};

use super::start;
use crate::domain::account::InvalidationKind;
use crate::local_cloud::options::Options;
use crate::local_cloud::scenario::Scenario;
use crate::local_cloud::server::Running;

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
        // a second installation fails, which is as good
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none());
        Self { cloud: start(options).await.unwrap(), http: http.build().unwrap() }
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

#[tokio::test]
async fn the_ready_line_is_told_again_and_its_urls_work() {
    let rig = Rig::new().await;
    let ready = &rig.cloud.ready;
    let told = rig.local(Method::GET, "edges", Value::Null).await;
    assert_eq!(told, json!(ready));
    assert_eq!(
        ready.cloudinary_url,
        format!(
            "cloudinary://{}:{}@demo?upload_prefix={}",
            ready.api_key, ready.api_secret, ready.api
        )
    );
    let (status, detail) = rig.get("resources/image/upload/press/2026/hero").await;
    assert_eq!(status, 200);
    let url = detail["secure_url"].as_str().unwrap();
    assert!(url.starts_with(&format!("{}/demo/image/upload/v", ready.edges[0].url)), "{url}");
    let picture = rig.http.get(url).send().await.unwrap();
    assert_eq!(header(&picture, "etag"), format!("\"{}\"", detail["etag"].as_str().unwrap()));
    assert_eq!(header(&picture, "x-cache"), "HIT");
    let bytes = picture.bytes().await.unwrap();
    assert_eq!(json!(bytes.len()), detail["bytes"]);
    assert_eq!(hex::encode(<md5::Md5 as md5::Digest>::digest(&bytes)), detail["etag"]);
    let size = image::load_from_memory(&bytes).unwrap();
    assert_eq!(
        (json!(size.width()), json!(size.height())),
        (detail["width"].clone(), detail["height"].clone())
    );
    let derived: Vec<&str> = detail["derived"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["transformation"].as_str().unwrap())
        .collect();
    assert_eq!(derived, ["c_fill,h_90,w_120", "f_auto,q_auto,w_96"]);
    rig.cloud.stop().await;
}

#[tokio::test]
async fn calls_without_a_good_signature_are_refused_in_the_services_words() {
    let rig = Rig::new().await;
    let call =
        |params: Vec<(String, String)>| told(rig.http.post(rig.api("image/destroy")).form(&params));
    let message = |answer: &Value| answer["error"]["message"].as_str().unwrap().to_owned();

    let mut forged = rig.signed(&[("public_id", "logo")]);
    for (name, value) in &mut forged {
        if name == "signature" {
            *value = "0".repeat(40);
        }
    }
    let (status, answer) = call(forged).await;
    assert_eq!(status, 401);
    assert!(message(&answer).starts_with("Invalid Signature 0000"), "{answer}");
    assert!(message(&answer).contains("String to sign - 'public_id=logo&timestamp="));
    assert!(!message(&answer).contains(&rig.cloud.ready.api_secret));

    let (status, answer) = call(rig.signed_at("1700000000", &[("public_id", "logo")])).await;
    assert_eq!(status, 400);
    assert_eq!(
        message(&answer),
        "Stale request - reported time is 2023-11-14 22:13:20 UTC which is more than 1 hour ago"
    );

    let (status, answer) = call(vec![("public_id".into(), "logo".into())]).await;
    assert_eq!(
        (status.as_u16(), message(&answer).as_str()),
        (400, "Missing required parameter - api_key")
    );

    let upload = rig.http.post(rig.api("image/upload")).form(&[("file", PNG)]);
    let (status, answer) = told(upload).await;
    assert_eq!(status, 400);
    assert_eq!(message(&answer), "Upload preset must be specified when using unsigned upload");

    let ready = &rig.cloud.ready;
    let ping =
        |key: &str, secret: &str| told(rig.http.get(rig.api("ping")).basic_auth(key, Some(secret)));
    assert_eq!(ping(&ready.api_key, &ready.api_secret).await.1, json!({"status": "ok"}));
    let (status, answer) = ping(&ready.api_key, "wrong").await;
    assert_eq!((status.as_u16(), message(&answer).as_str()), (401, "api_secret mismatch"));
    let (status, answer) = ping("1", &ready.api_secret).await;
    assert_eq!((status.as_u16(), message(&answer).as_str()), (401, "unknown api_key"));
    let (status, _) = told(rig.http.get(rig.api("ping"))).await;
    assert_eq!(status, 401);
    let elsewhere = rig.api("ping").replace("/demo/", "/other/");
    let (status, answer) = told(rig.http.get(elsewhere)).await;
    assert_eq!((status.as_u16(), message(&answer).as_str()), (401, "cloud_name mismatch"));
    // nothing was deleted by all this
    assert_eq!(rig.get("resources/image/upload/logo").await.0, 200);
}

#[tokio::test]
async fn an_upload_by_multipart_form_or_json_is_stored_and_described() {
    let rig = Rig::new().await;
    let picture = base64::Engine::decode(
        &base64::engine::general_purpose::STANDARD,
        PNG.split_once(',').unwrap().1,
    )
    .unwrap();
    let mut form = reqwest::multipart::Form::new();
    for (name, value) in rig.signed(&[("public_id", "été 2026/a&b"), ("tags", "x,y")]) {
        form = form.text(name, value);
    }
    // `&` is not allowed in a name
    let part = || reqwest::multipart::Part::bytes(picture.clone()).file_name("dot.png");
    let (status, answer) =
        told(rig.http.post(rig.api("image/upload")).multipart(form.part("file", part()))).await;
    assert_eq!(status, 400, "{answer}");
    assert_eq!(answer["error"]["message"], "public_id (été 2026/a&b) is invalid");

    let mut form = reqwest::multipart::Form::new();
    for (name, value) in rig.signed(&[("public_id", "été 2026/dot"), ("tags", "x,y")]) {
        form = form.text(name, value);
    }
    let (status, answer) =
        told(rig.http.post(rig.api("image/upload")).multipart(form.part("file", part()))).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["etag"], hex::encode(<md5::Md5 as md5::Digest>::digest(&picture)));
    assert_eq!(
        (&answer["width"], &answer["format"], &answer["tags"]),
        (&json!(1), &json!("png"), &json!(["x", "y"]))
    );
    assert_eq!(answer["original_filename"], "dot");
    let served = rig.seen(2, &path_of(&answer["secure_url"])).await;
    assert_eq!(served.bytes().await.unwrap(), picture);

    let (status, again) =
        rig.upload_call("image/upload", &[("public_id", "dot2"), ("file", PNG)]).await;
    assert_eq!(status, 401, "the file is not signed, and here it was: {again}");

    let mut fields: serde_json::Map<String, Value> = rig
        .signed(&[("public_id", "dot2"), ("overwrite", "true")])
        .into_iter()
        .map(|(name, value)| (name, json!(value)))
        .collect();
    fields.insert("file".into(), json!(PNG));
    fields.insert("overwrite".into(), json!(true));
    let (status, answer) = told(rig.http.post(rig.api("auto/upload")).json(&fields)).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!((&answer["resource_type"], &answer["public_id"]), (&json!("image"), &json!("dot2")));

    let not_an_image = rig.signed(&[("public_id", "t")]);
    let call = rig.http.post(rig.api("image/upload")).form(
        &not_an_image
            .into_iter()
            .chain([("file".into(), "data:,hello".into())])
            .collect::<Vec<_>>(),
    );
    assert_eq!(told(call).await.1["error"]["message"], "Invalid image file");
}

#[tokio::test]
async fn a_large_file_may_come_in_pieces() {
    let rig = Rig::new().await;
    let bytes: Vec<u8> = (0..=255).cycle().take(10_000).collect();
    let mut last = Value::Null;
    for (at, piece) in bytes.chunks(4000).enumerate() {
        let mut form = reqwest::multipart::Form::new();
        for (name, value) in rig.signed(&[("public_id", "big.bin")]) {
            form = form.text(name, value);
        }
        let part = reqwest::multipart::Part::bytes(piece.to_vec()).file_name("big.bin");
        let (first, end) = (at * 4000, at * 4000 + piece.len() - 1);
        let call = rig
            .http
            .post(rig.api("raw/upload"))
            .header("X-Unique-Upload-Id", "u1")
            .header("Content-Range", format!("bytes {first}-{end}/10000"))
            .multipart(form.part("file", part));
        last = told(call).await.1;
        if end < 9_999 {
            assert_eq!(last["done"], false, "{last}");
        }
    }
    assert_eq!((&last["bytes"], &last["public_id"]), (&json!(10_000), &json!("big.bin")));
    let served = rig.seen(0, &path_of(&last["secure_url"])).await;
    assert_eq!(served.bytes().await.unwrap(), bytes);
}

#[tokio::test]
async fn destroy_and_rename_answer_as_the_service_does() {
    let rig = Rig::new().await;
    let (status, answer) = rig.upload_call("image/destroy", &[("public_id", "nope")]).await;
    assert_eq!((status.as_u16(), answer), (200, json!({"result": "not found"})));
    let (_, answer) = rig.upload_call("raw/destroy", &[("public_id", "logo")]).await;
    assert_eq!(answer, json!({"result": "not found"}), "another resource type");
    let (_, before) = rig.get("resources/image/upload/press/2026/hero").await;

    let taken = [("from_public_id", "press/2026/hero"), ("to_public_id", "logo")];
    let (status, answer) = rig.upload_call("image/rename", &taken).await;
    assert_eq!(status, 400);
    assert_eq!(answer["error"]["message"], "to_public_id logo already exists");
    let bad = [("from_public_id", "press/2026/hero"), ("to_public_id", "a?b")];
    let (status, answer) = rig.upload_call("image/rename", &bad).await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["message"]),
        (400, &json!("public_id (a?b) is invalid"))
    );
    let missing = [("from_public_id", "nope"), ("to_public_id", "x")];
    let (status, answer) = rig.upload_call("image/rename", &missing).await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["message"]),
        (404, &json!("Resource not found - nope"))
    );

    let renamed = [
        ("from_public_id", "press/2026/hero"),
        ("to_public_id", "press/2026/face"),
        ("invalidate", "True"),
    ];
    let (status, answer) = rig.upload_call("image/rename", &renamed).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&answer["asset_id"], &answer["version"]),
        (&before["asset_id"], &before["version"])
    );
    rig.cleared().await;
    for edge in 0..4 {
        let old = rig.seen(edge, &path_of(&before["secure_url"])).await;
        assert_eq!(old.status(), 404);
        assert_eq!(header(&old, "x-cld-error"), "Resource not found - press/2026/hero");
        assert_eq!(header(&old, "content-length"), "0");
        let new = rig.seen(edge, &path_of(&answer["secure_url"])).await;
        assert_eq!(header(&new, "etag"), format!("\"{}\"", before["etag"].as_str().unwrap()));
    }
    let overwrite =
        [("from_public_id", "press/2026/face"), ("to_public_id", "logo"), ("overwrite", "1")];
    assert_eq!(rig.upload_call("image/rename", &overwrite).await.1["asset_id"], before["asset_id"]);
    let (_, answer) =
        rig.upload_call("image/destroy", &[("public_id", "logo"), ("invalidate", "true")]).await;
    assert_eq!(answer, json!({"result": "ok"}));
    let (status, answer) = rig.get("resources/image/upload/logo").await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["message"]),
        (404, &json!("Resource not found - logo"))
    );
    let explicit = [("public_id", "logo"), ("type", "upload"), ("invalidate", "1")];
    assert_eq!(rig.upload_call("image/explicit", &explicit).await.0, 404);
}

#[tokio::test]
async fn without_invalidation_edges_serve_on_and_a_new_version_is_new_at_once() {
    let rig = Rig::new().await;
    let (_, before) = rig.get("resources/image/upload/press/2026/hero").await;
    let old = path_of(&before["secure_url"]);
    let mut fields = rig.signed(&[("public_id", "press/2026/hero")]);
    fields.push(("file".into(), PNG.into()));
    let (_, after) = told(rig.http.post(rig.api("image/upload")).form(&fields)).await;
    assert_eq!((&after["overwritten"], &after["asset_id"]), (&json!(true), &before["asset_id"]));
    assert!(after["version"].as_u64() > before["version"].as_u64());
    for edge in 0..4 {
        let seen = rig.seen(edge, &old).await;
        assert_eq!(header(&seen, "etag"), format!("\"{}\"", before["etag"].as_str().unwrap()));
        let new = rig.seen(edge, &path_of(&after["secure_url"])).await;
        assert_eq!(header(&new, "etag"), format!("\"{}\"", after["etag"].as_str().unwrap()));
    }
    let purge = [("public_id", "press/2026/hero"), ("type", "upload"), ("invalidate", "1")];
    let (status, purged) = rig.upload_call("image/explicit", &purge).await;
    assert_eq!((status.as_u16(), &purged["version"]), (200, &after["version"]));
    rig.cleared().await;
    for edge in 0..4 {
        let seen = rig.seen(edge, &old).await;
        assert_ne!(header(&seen, "etag"), format!("\"{}\"", before["etag"].as_str().unwrap()));
    }
}

#[tokio::test]
async fn listings_page_with_cursors_and_carry_the_quota() {
    let rig = Rig::of(Options { admin_quota: 50, ..calm() }).await;
    let first =
        rig.admin(Method::GET, "resources/image/upload?max_results=20").send().await.unwrap();
    assert_eq!(header(&first, "x-featureratelimit-limit"), "50");
    assert_eq!(header(&first, "x-featureratelimit-remaining"), "49");
    let reset = header(&first, "x-featureratelimit-reset");
    assert!(reset.ends_with(":00:00 GMT"), "{reset}");
    assert_eq!(header(&first, "x-request-id").len(), 32);
    let mut answer: Value = first.json().await.unwrap();
    let mut ids = Vec::new();
    loop {
        let page = answer["resources"].as_array().unwrap();
        ids.extend(page.iter().map(|one| one["public_id"].as_str().unwrap().to_owned()));
        let Some(cursor) = answer["next_cursor"].as_str() else { break };
        answer =
            rig.get(&format!("resources/image/upload?max_results=20&next_cursor={cursor}")).await.1;
    }
    let unlike: std::collections::BTreeSet<_> = ids.iter().collect();
    assert_eq!(unlike.len(), ids.len());
    let created: Vec<String> = {
        let (_, all) = rig.get("resources/image/upload?max_results=500").await;
        assert_eq!(all["resources"].as_array().unwrap().len(), ids.len());
        let all = all["resources"].as_array().unwrap().clone();
        all.iter().map(|one| one["created_at"].as_str().unwrap().to_owned()).collect()
    };
    assert!(created.is_sorted_by(|a, b| a >= b), "newest first");
    let (_, press) =
        rig.get("resources/image/upload?prefix=press/&max_results=500&tags=true").await;
    let press = press["resources"].as_array().unwrap();
    assert!(press.iter().all(|one| one["public_id"].as_str().unwrap().starts_with("press/")));
    assert!(press.iter().all(|one| one["tags"].is_array()));
    let (_, tagged) = rig.get("resources/image/tags/brand").await;
    assert_eq!(tagged["resources"].as_array().unwrap().len(), 5);
    let (_, two) = rig
        .get("resources/image/upload?public_ids[]=logo&public_ids[]=nope&public_ids[]=sample")
        .await;
    assert_eq!(two["resources"].as_array().unwrap().len(), 2);
    let (status, answer) = rig.get("resources/image/upload?next_cursor=zz").await;
    assert_eq!(status, 400, "{answer}");
    let (status, answer) = rig.get("transformations").await;
    assert_eq!(status, 404);
    assert!(answer["error"]["message"].as_str().unwrap().contains("transformations"));
}

#[tokio::test]
async fn an_empty_quota_is_told_with_when_it_is_full_again_and_uploads_go_on() {
    let rig = Rig::of(Options { admin_quota: 2, ..calm() }).await;
    assert_eq!(rig.get("ping").await.0, 200);
    assert_eq!(rig.get("ping").await.0, 200);
    let empty = rig.admin(Method::GET, "ping").send().await.unwrap();
    assert_eq!(empty.status().as_u16(), 420);
    assert_eq!(header(&empty, "x-featureratelimit-remaining"), "0");
    let message = empty.json::<Value>().await.unwrap()["error"]["message"].to_string();
    assert!(
        message.contains("Rate Limit Exceeded. Limit of 2 api operations reached. Try again on "),
        "{message}"
    );
    assert!(message.contains(":00:00 UTC"));
    let purge = [("public_id", "logo"), ("type", "upload"), ("invalidate", "1")];
    assert_eq!(rig.upload_call("image/explicit", &purge).await.0, 200);
}

#[tokio::test]
async fn bulk_deletes_are_partial_and_say_what_they_did() {
    let rig = Rig::of(Options { assets: 2000, edges: 1, ..calm() }).await;
    let (status, answer) = rig
        .delete(
            "resources/image/upload",
            json!({"public_ids": ["press/2026/hero", "nope"], "invalidate": true}),
        )
        .await;
    assert_eq!(status, 200);
    assert_eq!(answer["deleted"], json!({"press/2026/hero": "deleted", "nope": "not_found"}));
    assert_eq!(answer["deleted_counts"]["press/2026/hero"], json!({"original": 1, "derived": 2}));
    assert_eq!(answer["partial"], false);
    let told = rig.local(Method::GET, "invalidations", Value::Null).await;
    assert_eq!(told["invalidations"], json!([]), "bulk invalidation is off");

    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    assert_eq!(rig.delete("resources/image/upload", json!({"public_ids": many})).await.0, 400);
    assert_eq!(rig.delete("resources/image/upload", json!({})).await.0, 400);
    assert_eq!(rig.delete("resources/image/upload", json!({"prefix": ""})).await.0, 400);
    assert_eq!(
        rig.delete("resources/image/upload", json!({"prefix": "a", "all": true})).await.0,
        400
    );

    let (mut calls, mut deleted, mut body) = (0, 0, json!({"all": true}));
    loop {
        let (_, answer) = rig.delete("resources/image/upload", body).await;
        deleted += answer["deleted"].as_object().unwrap().len();
        calls += 1;
        let Some(cursor) = answer["next_cursor"].as_str() else { break };
        assert_eq!((&answer["partial"], deleted), (&json!(true), 1000));
        body = json!({"all": true, "next_cursor": cursor});
    }
    assert_eq!(calls, 2);
    let (_, left) = rig.get("resources/image/upload").await;
    assert_eq!(left["resources"], json!([]));
    let (_, usage) = rig.get("usage").await;
    assert!(usage["resources"].as_u64().unwrap() < 2000);
    assert!(deleted > 1500, "{deleted}");

    let (_, by_tag) = rig.delete("resources/raw/tags/docs", json!({"keep_original": true})).await;
    assert!(
        by_tag["deleted_counts"].as_object().unwrap().values().all(|count| count["original"] == 0)
    );
}

#[tokio::test]
async fn derived_assets_can_be_deleted_and_urls_be_dropped_by_name() {
    let rig = Rig::of(Options { bulk_invalidation: true, ..calm() }).await;
    let (_, detail) = rig.get("resources/image/upload/logo").await;
    let derived = detail["derived"][0].clone();
    let ids = json!([derived["id"], "00000000000000000000000000000000", "x"]);
    let (_, answer) = rig.delete("derived_resources", json!({"derived_resource_ids": ids})).await;
    assert_eq!(answer["deleted"][derived["id"].as_str().unwrap()], "deleted");
    assert_eq!(answer["deleted"]["x"], "not_found");
    let path = path_of(&derived["secure_url"]);
    assert_eq!(header(&rig.seen(1, &path).await, "cf-cache-status"), "HIT");
    let urls = json!({"urls": [derived["secure_url"]]});
    let (status, answer) = rig.delete("derived_resources/invalidate_by_urls", urls).await;
    assert_eq!(
        (status.as_u16(), &answer["invalidation"]["urls"][0]),
        (200, &derived["secure_url"])
    );
    rig.cleared().await;
    assert_eq!(header(&rig.seen(1, &path).await, "cf-cache-status"), "MISS");
    assert_eq!(
        header(&rig.seen(1, &path_of(&detail["secure_url"])).await, "cf-cache-status"),
        "HIT"
    );
}

#[tokio::test]
async fn backups_can_be_restored_and_nothing_else() {
    let rig = Rig::of(Options { backups: true, ..calm() }).await;
    let (_, before) = rig.get("resources/image/upload/logo?versions=true").await;
    assert_eq!(before["versions"][0]["restorable"], true);
    rig.upload_call("image/destroy", &[("public_id", "logo")]).await;
    let (status, gone) = rig.get("resources/image/upload/logo").await;
    assert_eq!(
        (status.as_u16(), &gone["bytes"], &gone["placeholder"]),
        (200, &json!(0), &json!(true))
    );
    let body = json!({"public_ids": ["logo", "nope"]});
    let (status, answer) =
        told(rig.admin(Method::POST, "resources/image/upload/restore").json(&body)).await;
    assert_eq!(status, 200);
    assert_eq!(
        (&answer["logo"]["asset_id"], &answer["nope"]),
        (&before["asset_id"], &json!({"error": "no_backup"}))
    );
    assert_eq!(rig.get("resources/image/upload/logo").await.1["etag"], before["etag"]);
}

#[tokio::test]
async fn search_finds_sorts_and_pages() {
    let rig = Rig::new().await;
    let search = |body: Value| told(rig.admin(Method::POST, "resources/search").json(&body));
    let (status, answer) = search(json!({
        "expression": "tags=brand AND resource_type:image", "sort_by": [{"public_id": "asc"}],
        "max_results": 2, "with_field": ["tags"],
    }))
    .await;
    assert_eq!((status.as_u16(), &answer["total_count"]), (200, &json!(5)));
    let ids = |answer: &Value| {
        let all = answer["resources"].as_array().unwrap().clone();
        all.iter().map(|one| one["public_id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids(&answer), ["brand/logo-dark", "brand/logo-light"]);
    assert_eq!(answer["resources"][0]["tags"], json!(["brand"]));
    let (_, next) = search(json!({
        "expression": "tags=brand AND resource_type:image", "sort_by": [{"public_id": "asc"}],
        "max_results": 2, "next_cursor": answer["next_cursor"],
    }))
    .await;
    assert_eq!(ids(&next), ["brand/mark(round)", "favicon"]);
    let (status, answer) = search(json!({"expression": "*hero"})).await;
    assert_eq!(status, 400);
    assert_eq!(answer["error"]["message"], "Query Error (at position 1) '*hero'");
    let (status, by_get) = rig.get("resources/search?expression=public_id%3Dlogo").await;
    assert_eq!((status.as_u16(), ids(&by_get)), (200, vec!["logo".to_owned()]));
    let (_, counted) = search(json!({"aggregate": ["resource_type"], "max_results": 1})).await;
    let counts = counted["aggregations"]["resource_type"].as_object().unwrap();
    assert_eq!(counts.values().filter_map(Value::as_u64).sum::<u64>(), 60);
}

#[tokio::test]
async fn folders_tags_and_updates() {
    let rig = Rig::new().await;
    let (_, root) = rig.get("folders").await;
    let names: Vec<&str> =
        root["folders"].as_array().unwrap().iter().map(|f| f["path"].as_str().unwrap()).collect();
    assert!(names.contains(&"press") && !names.contains(&"press/2026"), "{names:?}");
    let (status, answer) = rig.get("folders/mars").await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["message"]),
        (404, &json!("Can't find folder with path mars"))
    );
    assert_eq!(told(rig.admin(Method::POST, "folders/new/one")).await.1["success"], true);
    assert_eq!(
        rig.delete("folders/new", Value::Null).await.1["deleted"],
        json!(["new", "new/one"])
    );
    assert_eq!(rig.delete("folders/press", Value::Null).await.0, 400);

    let update = rig
        .admin(Method::POST, "resources/image/upload/logo")
        .json(&json!({"tags": "a,b", "display_name": "The mark"}));
    let (_, logo) = told(update).await;
    assert_eq!((&logo["tags"], &logo["display_name"]), (&json!(["a", "b"]), &json!("The mark")));
    let (_, tags) = rig.get("tags/image?max_results=500").await;
    assert!(tags["tags"].as_array().unwrap().contains(&json!("a")));
    let mut fields = rig.signed(&[("command", "add"), ("tag", "c"), ("public_ids", "logo")]);
    for (name, _) in &mut fields {
        if name == "public_ids" {
            "public_ids[]".clone_into(name);
        }
    }
    let (_, done) = told(rig.http.post(rig.api("image/tags")).form(&fields)).await;
    assert_eq!(done, json!({"public_ids": ["logo"]}));
    let by_id = rig.get(&format!("resources/{}", logo["asset_id"].as_str().unwrap())).await.1;
    assert_eq!((&by_id["public_id"], &by_id["tags"]), (&json!("logo"), &json!(["a", "b", "c"])));
}

#[tokio::test]
async fn one_byte_is_enough_to_see_everything_and_head_sees_it_too() {
    let rig = Rig::new().await;
    let (_, detail) = rig.get("resources/image/upload/sample").await;
    let url = rig.edge(0, &path_of(&detail["secure_url"]));
    let one = rig.http.get(&url).header("Range", "bytes=0-0").send().await.unwrap();
    assert_eq!(one.status(), 206);
    assert_eq!(header(&one, "content-range"), format!("bytes 0-0/{}", detail["bytes"]));
    assert_eq!(header(&one, "etag"), format!("\"{}\"", detail["etag"].as_str().unwrap()));
    assert!(header(&one, "age").parse::<u64>().unwrap() > 0);
    assert!(header(&one, "x-served-by").ends_with("-FRA"));
    assert!(header(&one, "server-timing").starts_with("cld-fastly;"), "{one:?}");
    assert!(header(&one, "server-timing").contains("obytes="), "{one:?}");
    assert_eq!(one.bytes().await.unwrap().len(), 1);
    let head = rig.http.head(&url).send().await.unwrap();
    assert_eq!(json!(header(&head, "content-length").parse::<u64>().unwrap()), detail["bytes"]);
    let far = rig.http.get(&url).header("Range", "bytes=99999999-").send().await.unwrap();
    assert_eq!(far.status(), 416);
    let same =
        rig.http.get(&url).header("If-None-Match", header(&head, "etag")).send().await.unwrap();
    assert_eq!(same.status(), 304);
    assert_eq!(rig.http.post(&url).send().await.unwrap().status(), 405);
    let cloudflare = rig.seen(1, &path_of(&detail["secure_url"])).await;
    assert!(header(&cloudflare, "cf-ray").ends_with("-SIN"));
    let akamai = rig.seen(2, &path_of(&detail["secure_url"])).await;
    assert!(header(&akamai, "x-cache").starts_with("TCP_MEM_HIT from "));
    assert!(header(&akamai, "server-timing").ends_with(",cdn-pop;desc=\"IAD\""));
    let origin = format!("{}{}", rig.cloud.ready.origin, path_of(&detail["secure_url"]));
    let origin = rig.http.get(origin).send().await.unwrap();
    assert_eq!((origin.status().as_u16(), header(&origin, "age")), (200, ""));
}

#[tokio::test]
async fn automatic_format_follows_accept_and_the_host_makes_no_difference() {
    let rig = Rig::new().await;
    let url = rig.edge(3, "/demo/image/upload/f_auto,w_50/v9/press/2026/hero.jpg");
    let call =
        &|accept| rig.http.get(&url).header("Accept", accept).header("Host", "res.cloudinary.com");
    let ask = |accept: &'static str| async move {
        let response = call(accept).send().await.unwrap();
        assert_eq!(header(&response, "vary"), "Accept");
        (header(&response, "content-type").to_owned(), header(&response, "x-cache").to_owned())
    };
    assert_eq!(ask("*/*").await, ("image/jpeg".to_owned(), "MISS".to_owned()));
    assert_eq!(ask("image/webp").await, ("image/webp".to_owned(), "MISS".to_owned()));
    assert_eq!(ask("image/avif,image/webp").await.1, "MISS");
    assert_eq!(ask("image/webp").await, ("image/webp".to_owned(), "HIT".to_owned()));
    let bad = rig.seen(0, "/demo/image/upload/w_abc/v1/press/2026/hero.jpg").await;
    assert_eq!(
        (bad.status().as_u16(), header(&bad, "x-cld-error")),
        (400, "Invalid width in transformation: abc")
    );
}

#[tokio::test]
async fn a_dead_edge_resets_new_and_open_connections() {
    let rig = Rig::new().await;
    assert_eq!(rig.seen(1, "/demo/image/upload/logo.png").await.status(), 200);
    let fault = json!({"edge": "SIN", "kind": "dead"});
    assert_eq!(rig.local(Method::POST, "fault", fault).await["faults"][0]["edge"], "SIN");
    let fresh = Client::builder().no_proxy().pool_max_idle_per_host(0).build().unwrap();
    for http in [&rig.http, &fresh] {
        let refused = http.get(rig.edge(1, "/demo/image/upload/logo.png")).send().await;
        assert!(refused.is_err());
    }
    assert_eq!(rig.seen(0, "/demo/image/upload/logo.png").await.status(), 200);
    rig.local(Method::DELETE, "fault", Value::Null).await;
    assert_eq!(rig.seen(1, "/demo/image/upload/logo.png").await.status(), 200);
    let unknown = rig.local(Method::POST, "fault", json!({"edge": "LIM", "kind": "dead"})).await;
    assert_eq!(unknown["error"]["message"], "There is no edge LIM");
    let odd =
        rig.local(Method::POST, "fault", json!({"edge": "SIN", "kind": "dead", "x": 1})).await;
    assert!(odd["error"]["message"].as_str().unwrap().contains("unknown field"), "{odd}");
}

#[tokio::test]
async fn a_scenario_decides_what_goes_wrong() {
    let text = "propagation = \"1ms..2ms\"\n[[fault]]\nedge = \"FRA\"\nkind = \"stuck\"";
    let scenario = Some(Scenario::parse(text, "x").unwrap());
    let rig = Rig::of(Options { scenario, mode: InvalidationKind::Legacy, ..calm() }).await;
    assert_eq!(rig.cloud.ready.mode, InvalidationKind::Legacy);
    assert_eq!(rig.seen(0, "/demo/image/upload/logo.png").await.status(), 200);
    rig.upload_call("image/destroy", &[("public_id", "logo"), ("invalidate", "true")]).await;
    // time is brought forward instead of waited for
    let clock = rig.local(Method::POST, "clock", json!({"advance": "1h"})).await;
    assert!(clock["now_ms"].as_u64().unwrap() >= 3_600_000);
    assert_eq!(rig.seen(0, "/demo/image/upload/logo.png").await.status(), 200);
    let cleared = rig.seen(1, "/demo/image/upload/logo.png").await;
    assert_eq!(cleared.status(), 404);
    let state =
        rig.local(Method::GET, "state?url=http://x/demo/image/upload/logo.png", Value::Null).await;
    assert_eq!(state["edges"][0]["copies"][0]["status"], 200);
    assert_eq!(state["edges"][1]["copies"][0]["status"], 404);
    let told = rig.local(Method::GET, "invalidations", Value::Null).await;
    let edges = &told["invalidations"][0]["edges"];
    assert!(edges[0]["cleared_at_ms"].is_null() && edges[1]["cleared_at_ms"].is_u64(), "{edges}");
}

#[tokio::test]
async fn a_reset_brings_everything_back_as_another_instance() {
    let rig = Rig::new().await;
    rig.upload_call("image/destroy", &[("public_id", "logo"), ("invalidate", "1")]).await;
    let ready = rig.local(Method::POST, "reset", Value::Null).await;
    assert_ne!(ready["instance"], json!(rig.cloud.ready.instance));
    assert_eq!(ready["edges"], json!(rig.cloud.ready.edges));
    assert_eq!(rig.get("resources/image/upload/logo").await.0, 200);
    assert_eq!(
        rig.local(Method::GET, "invalidations", Value::Null).await["invalidations"],
        json!([])
    );
}

#[tokio::test]
async fn the_control_surface_is_for_this_host_only_and_can_be_switched_off() {
    let rig = Rig::of(Options { control: false, ..calm() }).await;
    let local = |path: &str, host: &str| {
        let url = format!("{}/_local/{path}", rig.cloud.ready.api);
        rig.http.get(url).header("Host", host).send()
    };
    assert_eq!(local("edges", "127.0.0.1").await.unwrap().status(), 200);
    assert_eq!(local("edges", "rebound.example").await.unwrap().status(), 403);
    assert_eq!(local("state", "127.0.0.1").await.unwrap().status(), 404);
    let reset =
        rig.http.post(format!("{}/_local/reset", rig.cloud.ready.api)).send().await.unwrap();
    assert_eq!(reset.status(), 404);
}

#[tokio::test]
async fn it_ends_when_told_to_and_its_ports_are_free_again() {
    let rig = Rig::new().await;
    let api = rig.cloud.ready.api.clone();
    let held_open = rig.seen(0, "/demo/image/upload/logo.png").await;
    rig.cloud.stop().await;
    drop(held_open);
    assert!(rig.http.get(&api).send().await.is_err());
    let address = api.trim_start_matches("http://").parse().unwrap();
    let again = start(Options { listen: address, ..calm() }).await.unwrap();
    assert_eq!(again.ready.api, api);
    let taken = start(Options { listen: address, ..calm() }).await.err().unwrap();
    assert!(
        taken.to_string().starts_with(&format!("cannot listen on {address} for the API")),
        "{taken}"
    );
}
