//! Search over HTTP: bodies and queries, replies, folders, and signed URLs at the edges.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use serde_json::json;
use sha2::Sha256;

use super::*;

async fn search(rig: &Rig, body: Value) -> (StatusCode, Value) {
    told(rig.admin(Method::POST, "resources/search").json(&body)).await
}

fn ids(answer: &Value) -> Vec<&str> {
    let all = answer["resources"].as_array().unwrap();
    all.iter().map(|one| one["public_id"].as_str().unwrap()).collect()
}

fn names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_match_has_the_documented_fields() {
    let rig = Rig::new().await;
    let (_, answer) = search(&rig, json!({"expression": "public_id=logo"})).await;
    assert_eq!(names(&answer), ["total_count", "time", "resources"]);
    assert!(answer["time"].is_u64());
    let logo = &answer["resources"][0];
    assert_eq!(
        names(logo),
        [
            "asset_id",
            "public_id",
            "asset_folder",
            "filename",
            "display_name",
            "format",
            "version",
            "resource_type",
            "type",
            "created_at",
            "uploaded_at",
            "bytes",
            "backup_bytes",
            "width",
            "height",
            "aspect_ratio",
            "pixels",
            "url",
            "secure_url",
            "status",
            "access_mode",
            "access_control",
            "etag",
        ]
    );
    assert!(logo["created_at"].as_str().unwrap().ends_with("+00:00"));
    let (_, answer) = search(
        &rig,
        json!({"expression": "public_id=logo", "with_field": ["tags", "context", "image_metadata"]}),
    )
    .await;
    let logo = &answer["resources"][0];
    assert_eq!(logo["tags"], json!(["brand"]));
    assert!(logo.get("context").is_some() && logo.get("metadata").is_none());
    let (_, answer) = search(
        &rig,
        json!({"expression": "public_id=logo", "fields": ["bytes", "tags"], "with_field": ["context"]}),
    )
    .await;
    let mut shown = names(&answer["resources"][0]);
    shown.sort_unstable();
    assert_eq!(
        shown,
        [
            "asset_folder",
            "asset_id",
            "bytes",
            "created_at",
            "public_id",
            "resource_type",
            "status",
            "tags",
            "type",
        ]
    );
}

#[tokio::test]
async fn a_question_is_understood_as_json_as_a_form_and_as_a_query() {
    let rig = Rig::new().await;
    let (_, expected) = search(
        &rig,
        json!({
            "expression": "tags=brand AND type:upload",
            "sort_by": [{"format": "desc"}, {"public_id": "asc"}],
            "max_results": "2", "aggregate": ["format"], "fields": "public_id,tags",
        }),
    )
    .await;
    assert_eq!(ids(&expected), ["brand/mark(round)", "brand/logo-dark"]);
    assert_eq!(expected["aggregations"], json!({"format": {"png": 4, "webp": 1}}));
    let same = |answer: &Value| {
        answer["resources"] == expected["resources"]
            && answer["aggregations"] == expected["aggregations"]
            && answer["total_count"] == json!(5)
    };
    let nested = [
        ("expression", "tags=brand AND type:upload"),
        ("sort_by[1][public_id]", "asc"),
        ("sort_by[0][format]", "desc"),
        ("max_results", "2"),
        ("aggregate[]", "format"),
        ("fields[]", "public_id"),
        ("fields[]", "tags"),
    ];
    let (_, form) = told(rig.admin(Method::POST, "resources/search").form(&nested)).await;
    assert!(same(&form), "{form}");
    let flat = [
        ("expression", "tags=brand AND type:upload"),
        ("sort_by", r#"[{"format":"desc"},{"public_id":"asc"}]"#),
        ("max_results", "2"),
        ("aggregate", "format"),
        ("fields", "public_id,tags"),
    ];
    let (_, query) = told(rig.admin(Method::GET, "resources/search").query(&flat)).await;
    assert!(same(&query), "{query}");
    let objects = [("sort_by[]", r#"{"format":"desc"}"#), ("sort_by[]", r#"{"public_id":"asc"}"#)];
    let call = rig.admin(Method::GET, "resources/search").query(&flat[..1]).query(&objects);
    assert_eq!(ids(&told(call).await.1)[..2], ids(&expected)[..]);

    let (_, all) = search(&rig, Value::Null).await;
    assert_eq!((all["total_count"].as_u64(), ids(&all).len()), (Some(60), 50), "fifty by default");
}

#[tokio::test]
async fn what_is_wrong_with_a_question_is_said() {
    let rig = Rig::new().await;
    let (_, first) = search(&rig, json!({"expression": "tags:press", "max_results": 1})).await;
    let cursor = &first["next_cursor"];
    for (body, message) in [
        (json!({"expression": "*hero"}), "Query Error (at position 1) '*hero'"),
        (json!({"expression": "a AND (b"}), "Query Error (at position 9) ''"),
        (json!({"expression": ["a"]}), "Invalid value for parameter expression"),
        (json!({"sort_by": [{"tags": "asc"}]}), "Invalid value for parameter sort_by: tags"),
        (json!({"sort_by": [{"bytes": "up"}]}), "Invalid value for parameter sort_by: \"up\""),
        (
            json!({"sort_by": [{"bytes": "asc", "width": "asc"}]}),
            r#"Invalid value for parameter sort_by: {"bytes":"asc","width":"asc"}"#,
        ),
        (json!({"sort_by": ["tags:asc"]}), "Invalid value for parameter sort_by: tags"),
        (json!({"sort_by": ["bytes:up"]}), "Invalid value for parameter sort_by: \"up\""),
        (json!({"sort_by": [["bytes"]]}), "Invalid value for parameter sort_by: [\"bytes\"]"),
        (json!({"max_results": 0}), "Invalid value for parameter max_results: 0"),
        (json!({"max_results": "many"}), "Invalid value for parameter max_results: many"),
        (json!({"next_cursor": "abc"}), "Invalid value for parameter next_cursor"),
        (
            json!({"expression": "tags:brand", "next_cursor": cursor}),
            "Invalid value for parameter next_cursor",
        ),
        (json!({"with_field": ["nothing"]}), "Invalid value for parameter with_field: nothing"),
        (json!({"aggregate": ["bytes"]}), "Invalid value for parameter aggregate: bytes"),
        (
            json!({"aggregate": [{"type": "bytes"}]}),
            r#"Invalid value for parameter aggregate: {"type":"bytes"}"#,
        ),
    ] {
        let (status, answer) = search(&rig, body.clone()).await;
        assert_eq!(
            (status.as_u16(), answer["error"]["message"].as_str()),
            (400, Some(message)),
            "{body}"
        );
    }
    let (_, ranges) = search(
        &rig,
        json!({"max_results": 1, "aggregate": [
            {"type": "bytes", "ranges": [{"key": "none", "to": 1}, {"key": "all", "from": 1}]},
        ]}),
    )
    .await;
    assert_eq!(ranges["aggregations"], json!({"bytes": {"none": 0, "all": 60}}));
    for path in ["resources/visual_search", "resources/visual_search?text=x"] {
        let (status, answer) = rig.get(path).await;
        assert_eq!(status, 404);
        assert!(answer["error"]["message"].as_str().unwrap().contains("visual_search"), "{answer}");
    }
}

#[tokio::test]
async fn the_index_lags_and_listings_do_not() {
    let rig = Rig::of(Options { search_lag: Duration::from_secs(3600), ..calm() }).await;
    let renamed = [("from_public_id", "logo"), ("to_public_id", "mark")];
    assert_eq!(rig.upload_call("image/rename", &renamed).await.0, 200);
    let either = json!({"expression": "public_id=logo OR public_id=mark"});
    assert_eq!(ids(&search(&rig, either.clone()).await.1), ["logo"]);
    assert_eq!(ids(&rig.get("resources/image/upload?prefix=mark").await.1), ["mark"]);
    rig.local(Method::POST, "clock", json!({"advance": "1h"})).await;
    assert_eq!(ids(&search(&rig, either).await.1), ["mark"]);
}

#[tokio::test]
async fn folders_are_searched_too() {
    let rig = Rig::new().await;
    let body =
        json!({"expression": "path:press/*", "sort_by": [{"name": "desc"}], "max_results": 1});
    let (status, first) = told(rig.admin(Method::POST, "folders/search").json(&body)).await;
    assert_eq!((status.as_u16(), &first["total_count"]), (200, &json!(2)), "{first}");
    let folder = &first["folders"][0];
    assert_eq!((&folder["name"], &folder["path"]), (&json!("2026"), &json!("press/2026")));
    assert_eq!(names(folder), ["name", "path", "created_at", "external_id"]);
    let query = [
        ("expression", "path:press/*"),
        ("sort_by", r#"[{"name":"desc"}]"#),
        ("next_cursor", first["next_cursor"].as_str().unwrap()),
    ];
    let (_, second) = told(rig.admin(Method::GET, "folders/search").query(&query)).await;
    assert_eq!(second["folders"][0]["path"], "press/2025");
    assert_eq!(second.get("next_cursor"), None);
    let (status, _) = rig.get("folders/search?sort_by=%7B%22bytes%22%3A%22asc%22%7D").await;
    assert_eq!(status, 400);
}

/// A signed path, as SDKs make it.
fn signed_path(rig: &Rig, query: &Value, ttl: u64) -> String {
    let query = URL_SAFE.encode(query.to_string());
    let text = format!("{ttl}{query}{}", rig.cloud.ready.api_secret);
    format!("/demo/search/{}/{ttl}/{query}", hex::encode(Sha256::digest(text)))
}

#[tokio::test]
async fn signed_searches_are_answered_and_kept_at_the_edges() {
    let rig = Rig::new().await;
    let query = json!({
        "expression": "public_id=logo OR public_id=sample", "max_results": 1,
        "sort_by": [{"public_id": "asc"}],
    });
    let path = signed_path(&rig, &query, 300);
    let answer = rig.seen(0, &path).await;
    assert_eq!((answer.status().as_u16(), header(&answer, "x-cache")), (200, "MISS"));
    assert_eq!(header(&answer, "cache-control"), "public, max-age=300");
    assert!(header(&answer, "content-type").starts_with("application/json"));
    let first: Value = answer.json().await.unwrap();
    assert_eq!((ids(&first), &first["total_count"]), (vec!["logo"], &json!(2)));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second: Value = rig.seen(0, &format!("{path}/{cursor}")).await.json().await.unwrap();
    assert_eq!(ids(&second), ["sample"]);

    rig.upload_call("image/destroy", &[("public_id", "logo")]).await;
    rig.local(Method::POST, "clock", json!({"advance": "299s"})).await;
    let kept = rig.seen(0, &path).await;
    assert_eq!((header(&kept, "x-cache"), header(&kept, "age")), ("HIT", "299"));
    assert_eq!(ids(&kept.json().await.unwrap()), ["logo"], "as it was");
    let elsewhere = rig.seen(1, &path).await;
    assert_eq!(header(&elsewhere, "x-cache"), "MISS", "each edge has its own copies");
    assert_eq!(ids(&elsewhere.json().await.unwrap()), ["sample"]);
    let origin = rig.http.get(format!("{}{path}", rig.cloud.ready.origin)).send().await.unwrap();
    assert_eq!((header(&origin, "x-cache"), header(&origin, "age")), ("", ""));
    assert_eq!(ids(&origin.json().await.unwrap()), ["sample"]);
    rig.local(Method::POST, "clock", json!({"advance": "2s"})).await;
    let fresh = rig.seen(0, &path).await;
    assert_eq!(header(&fresh, "x-cache"), "MISS", "the time is over");
    assert_eq!(ids(&fresh.json().await.unwrap()), ["sample"]);

    let head = rig.http.head(rig.edge(0, &path)).send().await.unwrap();
    assert_eq!((head.status().as_u16(), header(&head, "x-cache")), (200, "HIT"));
    let never = signed_path(&rig, &query, 0);
    for _ in 0..2 {
        assert_eq!(header(&rig.seen(0, &never).await, "x-cache"), "MISS");
    }
}

#[tokio::test]
async fn signed_searches_are_refused_where_something_is_wrong() {
    let rig = Rig::new().await;
    let path = signed_path(&rig, &json!({"expression": "logo"}), 300);
    let other = path.replace("/300/", "/301/");
    for wrong in [&other, &path.replace("/search/", "/search/0"), "/demo/search/x/300/e30"] {
        for answer in [
            rig.seen(0, wrong).await,
            rig.http.get(format!("{}{wrong}", rig.cloud.ready.origin)).send().await.unwrap(),
        ] {
            assert_eq!(answer.status(), 401, "{wrong}");
            assert!(header(&answer, "x-cld-error").starts_with("Invalid Signature"));
            assert!(header(&answer, "cache-control").contains("no-cache"));
        }
    }
    for (query, error) in [
        (json!({"expression": "*logo"}), "Query Error (at position 1) '*logo'"),
        (json!("logo"), "Invalid JSON in request body"),
        (json!({"sort_by": [{"tags": "asc"}]}), "Invalid value for parameter sort_by: tags"),
    ] {
        let answer = rig.seen(0, &signed_path(&rig, &query, 300)).await;
        assert_eq!((answer.status().as_u16(), header(&answer, "x-cld-error")), (400, error));
    }
    let posted = rig.http.post(rig.edge(0, &path)).send().await.unwrap();
    assert_eq!(posted.status(), 405);
    rig.local(Method::POST, "fault", json!({"edge": "*", "kind": "unavailable"})).await;
    assert_eq!(rig.seen(0, &path).await.status(), 503);
}
