//! The client against odd and ordinary replies. That the two ends agree is tested against the local cloud.

use std::io::Write as _;
use std::time::Duration;

use rstest::rstest;
use secrecy::SecretString;
use serde_json::{Value, json};
use wiremock::matchers::{body_json, method, path, query_param, query_param_is_missing};
use wiremock::{Match, Mock, MockServer, Request, ResponseTemplate};

use super::*;
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;
use crate::domain::time::{Moment, Timestamp};
use crate::ports::clock::Clock;
use crate::ports::cloud::{
    BulkDeleted, Cloud, CloudError, Destroyed, ListQuery, Quota, RenameCall, ReplaceCall, Restored,
};

struct NewYear;

impl Clock for NewYear {
    fn wall(&self) -> Timestamp {
        Timestamp::from_second(1_767_225_600).unwrap()
    }

    fn moment(&self) -> Moment {
        Moment::default()
    }
}

/// Quick repeats and short patience.
fn options() -> ClientOptions {
    ClientOptions {
        pause: Duration::from_millis(1),
        timeout: Duration::from_secs(5),
        ..ClientOptions::default()
    }
}

fn client_of(api: &str, options: ClientOptions) -> CloudinaryClient {
    let credentials = Credentials {
        cloud_name: "acme-demo".to_owned(),
        api_key: "123456789012345".to_owned(),
        api_secret: SecretString::from("s3cr3t-acme"),
        signature: SignatureAlgorithm::Sha1,
    };
    CloudinaryClient::new(credentials, api, options)
        .unwrap()
        .with_clock(std::sync::Arc::new(NewYear))
}

fn client(server: &MockServer) -> CloudinaryClient {
    client_of(&server.uri(), options())
}

fn key(id: &str) -> AssetKey {
    AssetKey::image(id.parse().unwrap())
}

fn hero() -> AssetKey {
    key("press/kit/hero")
}

fn hero_json() -> Value {
    json!({
        "asset_id": "5f0c1d2e3a4b5c6d7e8f901234567890", "public_id": "press/kit/hero",
        "version": 1_767_225_600, "bytes": 184_233, "format": "jpg", "resource_type": "image",
        "type": "upload", "etag": "9e107d9d372bb6826bd81d3542a419d6",
    })
}

fn ok(body: &Value) -> ResponseTemplate {
    ResponseTemplate::new(200).set_body_json(body)
}

fn refusal(status: u16, message: &str) -> ResponseTemplate {
    ResponseTemplate::new(status).set_body_json(json!({ "error": { "message": message } }))
}

/// The form fields of a signed call, in the order of the wire.
fn form(request: &Request) -> Vec<(String, String)> {
    let url = format!("http://form/?{}", String::from_utf8_lossy(&request.body));
    reqwest::Url::parse(&url).unwrap().query_pairs().into_owned().collect()
}

/// Matches a form that has at least these fields.
struct Fields(&'static [(&'static str, &'static str)]);

impl Match for Fields {
    fn matches(&self, request: &Request) -> bool {
        let sent = form(request);
        self.0.iter().all(|(name, value)| sent.iter().any(|(n, v)| n == name && v == value))
    }
}

async fn serve(mock: Mock) -> MockServer {
    let server = MockServer::start().await;
    mock.mount(&server).await;
    server
}

async fn answering(reply: ResponseTemplate) -> MockServer {
    serve(Mock::given(wiremock::matchers::any()).respond_with(reply)).await
}

async fn calls(server: &MockServer) -> usize {
    server.received_requests().await.unwrap().len()
}

mod reads {
    use super::*;

    #[tokio::test]
    async fn stat_is_an_explicit_that_changes_nothing_and_is_signed() {
        let server = serve(
            Mock::given(method("POST"))
                .and(path("/v1_1/acme-demo/image/explicit"))
                .respond_with(ok(&hero_json())),
        )
        .await;
        let asset = client(&server).stat(&hero()).await.unwrap().unwrap();
        assert_eq!((asset.key, asset.version), (hero(), 1_767_225_600));
        let request = &server.received_requests().await.unwrap()[0];
        let expected = [
            ("public_id", "press/kit/hero"),
            ("type", "upload"),
            ("timestamp", "1767225600"),
            ("api_key", "123456789012345"),
        ];
        let mut sent = form(request);
        let signature = sent.pop().unwrap();
        assert_eq!(sent, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!((signature.0.as_str(), signature.1.len()), ("signature", 40));
        assert!(request.headers.get("authorization").is_none());
        assert_eq!(request.headers["user-agent"], crate::adapters::USER_AGENT);
    }

    #[tokio::test]
    async fn stat_tells_missing_and_deleted_but_backed_up_assets_as_none() {
        let missing = answering(refusal(404, "Resource not found - press/kit/hero")).await;
        assert_eq!(client(&missing).stat(&hero()).await, Ok(None));
        let mut deleted = hero_json();
        deleted["placeholder"] = json!(true);
        let deleted = answering(ok(&deleted)).await;
        assert_eq!(client(&deleted).stat(&hero()).await, Ok(None));
    }

    #[rstest]
    #[case::proxy(ResponseTemplate::new(404).set_body_string("<html>Resource not found</html>"))]
    #[case::bare(ResponseTemplate::new(404))]
    #[case::route(refusal(404, "unknown cloud_name"))]
    #[tokio::test]
    async fn only_the_words_of_the_api_prove_that_an_asset_is_missing(
        #[case] reply: ResponseTemplate,
    ) {
        let server = answering(reply).await;
        assert!(client(&server).stat(&hero()).await.is_err());
    }

    #[tokio::test]
    async fn stat_of_a_fetched_file_never_makes_the_cloud_fetch_it() {
        let mut fetched = hero_json();
        fetched["type"] = json!("fetch");
        fetched["public_id"] = json!("http://example.com/a b?x=1");
        let server = serve(Mock::given(method("GET")).respond_with(ok(&fetched))).await;
        let fetched = AssetKey {
            resource_type: ResourceType::Image,
            delivery_type: DeliveryType::Fetch,
            public_id: PublicId::of_fetch("http://example.com/a b?x=1").unwrap(),
        };
        assert!(client(&server).stat(&fetched).await.unwrap().is_some());
        let sent = &server.received_requests().await.unwrap()[0];
        assert_eq!(
            sent.url.path(),
            "/v1_1/acme-demo/resources/image/fetch/http://example.com/a%20b%3Fx%3D1"
        );
    }

    #[tokio::test]
    async fn a_listing_goes_on_where_the_cursor_says_and_proves_who_we_are() {
        let server = serve(
            Mock::given(path("/v1_1/acme-demo/resources/video/private"))
                .and(query_param("prefix", "press/"))
                .and(query_param("max_results", "500"))
                .and(query_param("next_cursor", "c1"))
                .and(wiremock::matchers::header(
                    "authorization",
                    "Basic MTIzNDU2Nzg5MDEyMzQ1OnMzY3IzdC1hY21l",
                ))
                .respond_with(ok(&json!({ "resources": [hero_json()], "next_cursor": null }))),
        )
        .await;
        let query = ListQuery::Resources {
            resource_type: ResourceType::Video,
            delivery_type: DeliveryType::Private,
            prefix: Some("press/".to_owned()),
        };
        let page = client(&server).list(&query, 9_999, Some("c1")).await.unwrap();
        assert_eq!((page.assets.len(), page.next_cursor, page.total), (1, None, None));
    }

    #[tokio::test]
    async fn a_tag_is_listed_and_a_search_posted() {
        let server = MockServer::start().await;
        Mock::given(path("/v1_1/acme-demo/resources/image/tags/a%2Fb"))
            .and(query_param_is_missing("next_cursor"))
            .respond_with(ok(&json!({ "resources": [] })))
            .mount(&server)
            .await;
        Mock::given(method("POST"))
            .and(path("/v1_1/acme-demo/resources/search"))
            .and(body_json(json!({
                "expression": "tags=press", "sort_by": [{ "created_at": "desc" }],
                "max_results": 50, "with_field": ["tags"], "next_cursor": "n",
            })))
            .respond_with(ok(
                &json!({ "total_count": 7, "resources": [hero_json()], "next_cursor": "m" }),
            ))
            .mount(&server)
            .await;
        let cloud = client(&server);
        let tag = ListQuery::Tag { resource_type: ResourceType::Image, tag: "a/b".to_owned() };
        assert_eq!(cloud.list(&tag, 10, None).await.unwrap().assets, []);
        let search = ListQuery::Search { expression: "tags=press".to_owned() };
        let page = cloud.list(&search, 50, Some("n")).await.unwrap();
        assert_eq!((page.total, page.next_cursor.as_deref()), (Some(7), Some("m")));
    }

    #[tokio::test]
    async fn detail_pages_through_derived_copies_and_keeps_the_placeholder() {
        let server = MockServer::start().await;
        let page = |id: &str, next: Option<&str>| {
            let mut body = hero_json();
            body["placeholder"] = json!(true);
            body["derived"] = json!([{ "id": id, "transformation": "w_1", "bytes": 1, "secure_url": "https://r/x" }]);
            body["versions"] = json!([{ "version_id": "v9", "version": 1, "size": 5, "time": "x", "restorable": true }]);
            body["next_cursor"] = json!(next);
            ok(&body)
        };
        let at = "/v1_1/acme-demo/resources/image/upload/press/kit/hero";
        Mock::given(path(at))
            .and(query_param_is_missing("derived_next_cursor"))
            .and(query_param("max_results", "500"))
            .and(query_param("versions", "true"))
            .respond_with(page("d1", Some("c2")))
            .mount(&server)
            .await;
        Mock::given(path(at))
            .and(query_param("derived_next_cursor", "c2"))
            .respond_with(page("d2", None))
            .mount(&server)
            .await;
        let detail = client(&server).detail(&hero()).await.unwrap();
        let ids: Vec<_> = detail.derived.iter().map(|derived| derived.id.as_str()).collect();
        assert_eq!(ids, ["d1", "d2"]);
        assert!(detail.asset.placeholder && !detail.derived_truncated);
        assert_eq!((detail.versions.len(), detail.versions[0].restorable), (1, true));
    }

    #[tokio::test]
    async fn a_cursor_that_never_ends_is_followed_a_bounded_number_of_times() {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(|request: &Request| {
                let mut body = hero_json();
                let at = request.url.query_pairs().find(|(name, _)| name == "derived_next_cursor");
                body["next_cursor"] =
                    json!(format!("{}x", at.map_or(String::new(), |(_, at)| at.into_owned())));
                ResponseTemplate::new(200).set_body_json(body)
            })
            .mount(&server)
            .await;
        let detail = client(&server).detail(&hero()).await.unwrap();
        assert!(detail.derived_truncated);
        assert_eq!(calls(&server).await, 20);
    }

    #[tokio::test]
    async fn quota_is_read_from_good_and_bad_replies() {
        let server = answering(
            refusal(420, "Rate Limit Exceeded. Limit of 500 api operations reached.")
                .insert_header("X-FeatureRateLimit-Limit", "500")
                .insert_header("X-FeatureRateLimit-Remaining", "0")
                .insert_header("X-FeatureRateLimit-Reset", "Thu, 01 Jan 2026 01:00:00 GMT"),
        )
        .await;
        let cloud = client(&server);
        assert_eq!(cloud.quota(), None);
        let reset = Some("2026-01-01T01:00:00Z".parse().unwrap());
        assert_eq!(
            cloud.ping().await,
            Err(CloudError::RateLimited {
                cloud: "acme-demo".to_owned(),
                limit: 500,
                retry_at: reset
            })
        );
        assert_eq!(cloud.quota(), Some(Quota { limit: 500, remaining: 0, reset_at: reset }));
        assert_eq!(calls(&server).await, 1, "a spent quota is no reason to ask again");
    }
}

mod writes {
    use super::*;

    #[tokio::test]
    async fn rename_sends_both_names_and_the_type_only_where_it_changes() {
        let server = serve(
            Mock::given(path("/v1_1/acme-demo/image/rename"))
                .and(Fields(&[
                    ("from_public_id", "press/kit/hero"),
                    ("to_public_id", "a&b"),
                    ("overwrite", "false"),
                    ("invalidate", "true"),
                    ("to_type", "private"),
                ]))
                .respond_with(ok(&hero_json())),
        )
        .await;
        let to = AssetKey {
            delivery_type: DeliveryType::Private,
            public_id: PublicId::from_cloud("a&b").unwrap(),
            ..hero()
        };
        let call = RenameCall { from: hero(), to, overwrite: false, invalidate: true };
        client(&server).rename(&call).await.unwrap();
        let call = RenameCall { to: key("plain"), ..call };
        assert!(client(&server).rename(&call).await.is_err(), "no to_type, so no mock fits");
    }

    #[tokio::test]
    async fn a_rename_onto_an_existing_name_is_a_conflict_and_is_not_repeated() {
        let server = answering(refusal(400, "to_public_id taken already exists")).await;
        let call =
            RenameCall { from: hero(), to: key("taken"), overwrite: false, invalidate: true };
        assert_eq!(
            client(&server).rename(&call).await,
            Err(CloudError::Conflict { message: "to_public_id taken already exists".to_owned() })
        );
        assert_eq!(calls(&server).await, 1);
    }

    #[rstest]
    #[case(json!({ "result": "ok" }), Some(Destroyed::Ok))]
    #[case(json!({ "result": "not found" }), Some(Destroyed::NotFound))]
    #[case(json!({ "result": "maybe" }), None)]
    #[case(json!({}), None)]
    #[tokio::test]
    async fn destroy_tells_what_became_of_it(
        #[case] body: Value,
        #[case] expected: Option<Destroyed>,
    ) {
        let server = answering(ok(&body)).await;
        let answer = client(&server).destroy(&hero(), true).await;
        assert!(expected.is_some() || answer.as_ref().unwrap_err().is_in_doubt());
        assert_eq!(answer.ok(), expected);
    }

    #[tokio::test]
    async fn a_purge_is_an_explicit_with_invalidate() {
        let server = serve(
            Mock::given(path("/v1_1/acme-demo/image/explicit"))
                .and(Fields(&[("invalidate", "true"), ("type", "upload")]))
                .respond_with(ok(&hero_json())),
        )
        .await;
        assert_eq!(client(&server).invalidate(&hero()).await.unwrap().key, hero());
    }

    #[tokio::test]
    async fn a_replacement_streams_the_file_in_a_signed_form() {
        let server =
            serve(Mock::given(path("/v1_1/acme-demo/image/upload")).respond_with(ok(&hero_json())))
                .await;
        let mut file = tempfile::NamedTempFile::with_suffix("-é.png").unwrap();
        file.write_all(b"new picture").unwrap();
        let call = ReplaceCall { key: hero(), file: file.path().to_owned(), invalidate: true };
        client(&server).replace(&call).await.unwrap();
        let request = &server.received_requests().await.unwrap()[0];
        let body = String::from_utf8_lossy(&request.body);
        for part in [
            "name=\"public_id\"\r\n\r\npress/kit/hero\r\n",
            "name=\"overwrite\"\r\n\r\ntrue\r\n",
            "name=\"invalidate\"\r\n\r\ntrue\r\n",
            "name=\"signature\"\r\n\r\n",
            "\r\n\r\nnew picture\r\n",
        ] {
            assert!(body.contains(part), "{part:?} is missing in {body}");
        }
        assert!(!body.contains('é'));
    }

    #[tokio::test]
    async fn a_large_file_goes_in_parts_of_one_upload() {
        let server = serve(Mock::given(method("POST")).respond_with(|request: &Request| {
            let range = request.headers["content-range"].to_str().unwrap();
            if range.ends_with("24/25") && range.contains("20-") {
                ok(&hero_json())
            } else {
                ok(&json!({ "done": false }))
            }
        }))
        .await;
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(&[b'x'; 25]).unwrap();
        let cloud = client_of(
            &server.uri(),
            ClientOptions { upload_whole: 20, upload_part: 10, ..options() },
        );
        let call = ReplaceCall { key: hero(), file: file.path().to_owned(), invalidate: false };
        assert_eq!(cloud.replace(&call).await.unwrap().key, hero());
        let requests = server.received_requests().await.unwrap();
        let header = |name: &str| -> Vec<String> {
            requests.iter().map(|r| r.headers[name].to_str().unwrap().to_owned()).collect()
        };
        assert_eq!(header("content-range"), ["bytes 0-9/25", "bytes 10-19/25", "bytes 20-24/25"]);
        let upload = header("x-unique-upload-id");
        assert!(upload.iter().all(|id| *id == upload[0] && !id.is_empty()));
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_named_and_nothing_is_sent() {
        let server = answering(ok(&hero_json())).await;
        for file in ["/nowhere/at/all.png", "/"] {
            let call = ReplaceCall { key: hero(), file: file.into(), invalidate: true };
            let error = client(&server).replace(&call).await.unwrap_err();
            assert!(matches!(&error, CloudError::File { path, .. } if path == file), "{error}");
        }
        assert_eq!(calls(&server).await, 0);
    }

    #[tokio::test]
    async fn a_bulk_delete_carries_a_body_and_follows_partial() {
        let server = serve(
            Mock::given(method("DELETE"))
                .and(path("/v1_1/acme-demo/resources/image/upload"))
                .and(body_json(json!({ "public_ids": ["b", "a", "x"], "invalidate": true })))
                .respond_with(ok(&json!({
                    "deleted": { "a": "not_found", "b": "deleted" }, "partial": true, "next_cursor": "n",
                }))),
        )
        .await;
        let ids = ["b", "a", "x"].map(str::to_owned);
        let (image, upload) = (ResourceType::Image, DeliveryType::Upload);
        assert_eq!(
            client(&server).delete_many(image, upload, &ids, true).await,
            Ok(BulkDeleted {
                deleted: vec![("b".to_owned(), true), ("a".to_owned(), false)],
                next_cursor: Some("n".to_owned()),
            })
        );
        let none = client(&server).delete_many(image, upload, &[], true).await;
        assert_eq!((none, calls(&server).await), (Ok(BulkDeleted::default()), 1));
        let many = vec!["a".to_owned(); 101];
        assert!(client(&server).delete_many(image, upload, &many, true).await.is_err());
    }

    #[tokio::test]
    async fn a_restore_answers_for_every_name_in_order() {
        let server = answering(ok(&json!({
            "press/kit/hero": hero_json(), "a": { "error": "no_backup" }, "b": { "error": "unauthorized" },
        })))
        .await;
        let ids = ["b", "press/kit/hero", "a", "c"].map(str::to_owned);
        let restored =
            client(&server).restore(ResourceType::Image, DeliveryType::Upload, &ids).await.unwrap();
        let words: Vec<_> = restored
            .iter()
            .map(|(id, what)| match what {
                Restored::Ok(asset) => format!("{id} {}", asset.version),
                Restored::NoBackup => format!("{id} no backup"),
                Restored::Failed { message } => format!("{id} failed: {message}"),
            })
            .collect();
        assert_eq!(
            words,
            [
                "b failed: unauthorized",
                "press/kit/hero 1767225600",
                "a no backup",
                "c failed: the reply does not name it",
            ]
        );
    }

    #[tokio::test]
    async fn an_invalidation_by_urls_is_an_attempt_whose_answer_is_shown() {
        let server = serve(
            Mock::given(method("DELETE"))
                .and(path("/v1_1/acme-demo/derived_resources/invalidate_by_urls"))
                .respond_with(ok(&json!({ "status": "accepted" }))),
        )
        .await;
        let answer = client(&server).invalidate_by_urls(&["https://r/x".to_owned()]).await;
        assert_eq!(answer.as_deref(), Ok(r#"{"status":"accepted"}"#));
    }
}

mod odd_answers {
    use super::*;

    #[rstest]
    #[case::html(
        "<html><body>hi</body></html>",
        "an HTML page instead of JSON, as a proxy, a login page or a wrong upload_prefix gives"
    )]
    #[case::empty("", "an empty answer")]
    #[case::text("OK", "text instead of JSON: OK")]
    #[case::cut_off(
        r#"{"public_id":"a","bytes":"#,
        "broken JSON: EOF while parsing a value at line 1 column 25"
    )]
    #[case::wrong_shape(
        r#"{"public_id":"a","bytes":[1]}"#,
        "at `bytes`: invalid type: sequence, expected a whole number, not negative at line 1 column 26"
    )]
    #[case::no_id(r#"{"version":1}"#, "at `.`: missing field `public_id` at line 1 column 13")]
    #[case::bad_id(
        r#"{"public_id":"a\u0000"}"#,
        "`public_id` is unusable: `\\u{0}` is not allowed in a public ID; none of ? & # \\ % < > + and no control character is"
    )]
    #[case::new_type(
        r#"{"public_id":"a","type":"hologram"}"#,
        "`hologram` is no delivery type; use one of upload, private, authenticated, fetch, list, facebook, twitter, gravatar, youtube, vimeo, hulu, animoto, worldstarhiphop, dailymotion"
    )]
    #[tokio::test]
    async fn a_reply_that_is_no_answer_is_explained(#[case] body: &str, #[case] detail: &str) {
        let server = answering(ResponseTemplate::new(200).set_body_string(body)).await;
        assert_eq!(
            client(&server).stat(&hero()).await,
            Err(CloudError::Malformed { api: server.uri(), detail: detail.to_owned() })
        );
    }

    #[tokio::test]
    async fn the_odd_field_of_a_page_is_named() {
        let server =
            answering(ok(&json!({ "resources": [hero_json(), { "public_id": 5 }] }))).await;
        let query = ListQuery::Search { expression: String::new() };
        let error = client(&server).list(&query, 10, None).await.unwrap_err();
        assert!(error.to_string().contains("at `resources[1].public_id`: invalid type"), "{error}");
    }

    #[tokio::test]
    async fn an_error_in_a_good_status_is_an_error() {
        let server = answering(refusal(200, "not today")).await;
        assert_eq!(
            client(&server).stat(&hero()).await,
            Err(CloudError::Refused { cloud: "acme-demo".into(), message: "not today".into() })
        );
    }

    #[tokio::test]
    async fn an_endless_answer_is_cut() {
        let server = answering(ResponseTemplate::new(200).set_body_string("x".repeat(4096))).await;
        let cloud = client_of(&server.uri(), ClientOptions { max_answer: 1000, ..options() });
        let error = cloud.ping().await.unwrap_err();
        assert!(error.to_string().ends_with("an answer of more than 1000 bytes"), "{error}");
    }

    #[tokio::test]
    async fn a_redirect_is_not_followed() {
        let elsewhere = answering(ok(&json!({ "status": "ok" }))).await;
        let server = answering(
            ResponseTemplate::new(302).insert_header("location", elsewhere.uri().as_str()),
        )
        .await;
        let error = client(&server).ping().await.unwrap_err();
        assert!(error.to_string().contains("it redirects to 127.0.0.1"), "{error}");
        assert_eq!(calls(&elsewhere).await, 0);
    }

    #[tokio::test]
    async fn an_id_that_an_address_cannot_carry_is_refused_before_anything_is_sent() {
        let server = answering(ok(&hero_json())).await;
        for id in ["a/../b", "..", "a/./b"] {
            let error = client(&server).detail(&key(id)).await.unwrap_err();
            assert!(matches!(error, CloudError::Refused { .. }), "{error}");
        }
        assert_eq!(calls(&server).await, 0);
    }

    #[rstest]
    #[case("ftp://api.example.com")]
    #[case("api.example.com")]
    #[case("https://user:pw@api.example.com")]
    #[case("https://api.example.com?x=1")]
    #[case("")]
    fn a_prefix_that_is_no_address_is_refused(#[case] api: &str) {
        let credentials = Credentials {
            cloud_name: "acme-demo".to_owned(),
            api_key: "1".to_owned(),
            api_secret: SecretString::from("s3cr3t-acme"),
            signature: SignatureAlgorithm::Sha256,
        };
        assert!(!format!("{credentials:?}").contains("s3cr3t"));
        let error = CloudinaryClient::new(credentials, api, options()).err().unwrap();
        assert!(!error.to_string().contains("pw"), "{error}");
    }
}

mod repeats {
    use super::*;

    /// A port of this host that nothing listens on.
    fn dead_api() -> String {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        format!("http://{}", listener.local_addr().unwrap())
    }

    /// A server that takes every connection, reads something and closes it; counts connections.
    async fn hanging_up() -> (String, std::sync::Arc<std::sync::atomic::AtomicUsize>) {
        use tokio::io::AsyncReadExt as _;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let api = format!("http://{}", listener.local_addr().unwrap());
        let seen = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counter = std::sync::Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counter.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                let _ = stream.read(&mut [0; 64]).await;
            }
        });
        (api, seen)
    }

    #[tokio::test]
    async fn a_read_is_repeated_until_the_cloud_recovers() {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(refusal(503, "busy").insert_header("retry-after", "0"))
            .up_to_n_times(2)
            .mount(&server)
            .await;
        Mock::given(method("GET"))
            .respond_with(ok(&json!({ "status": "ok" })))
            .mount(&server)
            .await;
        assert_eq!(client(&server).ping().await, Ok(()));
        assert_eq!(calls(&server).await, 3);
    }

    #[tokio::test]
    async fn a_read_is_repeated_a_bounded_number_of_times() {
        let server = answering(refusal(500, "General Error")).await;
        let error = client(&server).stat(&hero()).await.unwrap_err();
        assert!(matches!(error, CloudError::Unavailable { status: 500, .. }), "{error}");
        assert_eq!(calls(&server).await, 3);
    }

    #[tokio::test]
    async fn a_long_retry_after_is_left_to_the_caller() {
        let server = answering(refusal(503, "busy").insert_header("retry-after", "3600")).await;
        assert!(client(&server).ping().await.is_err());
        assert_eq!(calls(&server).await, 1);
    }

    #[tokio::test]
    async fn a_change_that_may_have_arrived_is_never_repeated() {
        let server = answering(refusal(503, "busy")).await;
        let cloud = client(&server);
        let call = RenameCall { from: hero(), to: key("b"), overwrite: false, invalidate: true };
        assert!(cloud.rename(&call).await.unwrap_err().is_in_doubt());
        assert!(cloud.destroy(&hero(), true).await.unwrap_err().is_in_doubt());
        assert_eq!(calls(&server).await, 2);
        let (api, seen) = hanging_up().await;
        let error = client_of(&api, options()).destroy(&hero(), true).await.unwrap_err();
        assert!(error.is_in_doubt(), "{error}");
        assert_eq!(seen.load(std::sync::atomic::Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_read_over_a_broken_connection_is_repeated() {
        let (api, seen) = hanging_up().await;
        let error = client_of(&api, options()).stat(&hero()).await.unwrap_err();
        assert!(error.to_string().contains("the connection broke"), "{error}");
        assert_eq!(seen.load(std::sync::atomic::Ordering::SeqCst), 3);
    }

    #[tokio::test]
    async fn a_dead_api_is_unreachable_and_certainly_unchanged() {
        let api = dead_api();
        let error = client_of(&api, options()).destroy(&hero(), true).await.unwrap_err();
        assert!(!error.is_in_doubt());
        assert_eq!(error, CloudError::Unreachable { api, detail: "connection refused".to_owned() });
    }

    #[tokio::test]
    async fn an_api_that_cannot_prove_itself_is_told_nothing() {
        let (api, _) = hanging_up().await;
        let api = api.replace("http://", "https://");
        let error = client_of(&api, options()).destroy(&hero(), true).await.unwrap_err();
        assert!(matches!(error, CloudError::Unreachable { .. }), "{error}");
    }

    #[tokio::test]
    async fn silence_is_a_time_out_in_doubt() {
        let server =
            answering(ok(&json!({ "result": "ok" })).set_delay(Duration::from_mins(1))).await;
        let patience = ClientOptions { timeout: Duration::from_millis(200), ..options() };
        let error = client_of(&server.uri(), patience).destroy(&hero(), true).await.unwrap_err();
        assert!(matches!(error, CloudError::TimedOut { .. }) && error.is_in_doubt(), "{error}");
        assert_eq!(calls(&server).await, 1);
    }
}
