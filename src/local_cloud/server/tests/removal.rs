//! Many assets deleted at once, and brought back.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Rig, calm, header, path_of, told};
use crate::local_cloud::options::Options;

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
