//! Many assets deleted at once, and brought back.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Rig, calm, header, message, path_of, told};
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

#[tokio::test]
async fn deletes_take_what_they_name_and_leave_the_rest() {
    let rig = Rig::of(Options { bulk_invalidation: true, ..calm() }).await;
    let twice = json!({"public_ids": ["favicon", "favicon"]});
    let (_, answer) = rig.delete("resources/image/upload", twice).await;
    assert_eq!(answer["deleted"], json!({"favicon": "deleted"}));
    let derived = async |id: &str| {
        let (_, detail) = rig.get(&format!("resources/image/upload/{id}")).await;
        let rows = detail["derived"].as_array().unwrap().clone();
        rows.iter()
            .map(|one| one["transformation"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(derived("press/2026/hero").await, ["c_fill,h_90,w_120", "f_auto,q_auto,w_96"]);
    let one =
        json!({"public_ids": ["press/2026/hero"], "transformations": "c_fill,h_90,w_120|w_1"});
    let (_, answer) = rig.delete("resources/image/upload", one).await;
    assert_eq!(answer["deleted_counts"]["press/2026/hero"], json!({"original": 0, "derived": 1}));
    assert_eq!(derived("press/2026/hero").await, ["f_auto,q_auto,w_96"]);
    let rest =
        json!({"public_ids": ["press/2026/hero"], "keep_original": "true", "invalidate": true});
    rig.delete("resources/image/upload", rest).await;
    assert_eq!(derived("press/2026/hero").await, Vec::<String>::new());
    let told_of = rig.local(Method::GET, "invalidations", Value::Null).await;
    assert_eq!(told_of["invalidations"].as_array().unwrap().len(), 1);

    let (_, logo) = rig.get("resources/image/upload/logo").await;
    let id = logo["asset_id"].as_str().unwrap();
    let (_, answer) = rig.delete("resources", json!({"asset_ids": [id, "nope"]})).await;
    assert_eq!(answer["deleted"], json!({id: "deleted", "nope": "not_found"}));
    let (status, refused) = rig.delete("resources", json!({"asset_ids": []})).await;
    assert_eq!(
        (status.as_u16(), message(&refused)),
        (400, "Missing required parameter - asset_ids")
    );
    let (_, pressed) = rig.delete("resources/image/upload?prefix=press/", Value::Null).await;
    assert_eq!(
        pressed["deleted"]["press/2026/hero"], "deleted",
        "selectors may stand in the query"
    );
    let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
    for (path, name) in [
        ("resources", "asset_ids"),
        ("derived_resources", "derived_resource_ids"),
        ("derived_resources/invalidate_by_urls", "urls"),
    ] {
        let (status, refused) = rig.delete(path, json!({name: many})).await;
        let said = format!("Too many {name}: 101, maximum is 100");
        assert_eq!((status.as_u16(), message(&refused)), (400, said.as_str()));
    }
}

#[tokio::test]
async fn deleted_backups_are_gone_for_good() {
    let rig = Rig::of(Options { backups: true, ..calm() }).await;
    let (_, first) = rig.upload("raw/upload", &[("public_id", "n.txt")], "data:,1").await;
    let (_, second) = rig.upload("raw/upload", &[("public_id", "n.txt")], "data:,2").await;
    let id = first["asset_id"].as_str().unwrap();
    assert_eq!(second["asset_id"], id);
    let versions = async || {
        let (_, detail) = rig.get("resources/raw/upload/n.txt?versions=true").await;
        let versions = detail["versions"].as_array().cloned().unwrap_or_default();
        versions.iter().map(|one| one["version_id"].clone()).collect::<Vec<_>>()
    };
    assert_eq!(versions().await, [second["version_id"].clone(), first["version_id"].clone()]);
    let drop = async |ids: Value| {
        rig.delete(&format!("resources/backup/{id}"), json!({"version_ids": ids})).await
    };
    let (status, part) = drop(json!([first["version_id"], "nope"])).await;
    assert_eq!(status, 207);
    assert_eq!(
        (&part["deleted_version_ids"][0], &part["failed_version_ids"]),
        (&first["version_id"], &json!(["nope"]))
    );
    assert_eq!(versions().await, [second["version_id"].clone()]);
    rig.upload_call("raw/destroy", &[("public_id", "n.txt")]).await;
    assert_eq!(rig.get("resources/raw/upload/n.txt").await.1["placeholder"], true);
    let restore = json!({"asset_ids": [id], "versions": [first["version_id"]]});
    let (_, failed) = told(rig.admin(Method::POST, "resources/restore").json(&restore)).await;
    assert_eq!(failed[id], json!({"error": "failed"}));
    let (status, _) = drop(json!([second["version_id"]])).await;
    assert_eq!(status, 200);
    assert_eq!(rig.get("resources/raw/upload/n.txt").await.0, 404, "nothing is left");
    let restore = json!({"public_ids": ["n.txt"]});
    let (_, gone) =
        told(rig.admin(Method::POST, "resources/raw/upload/restore").json(&restore)).await;
    assert_eq!(gone, json!({"n.txt": {"error": "no_backup"}}));
}

#[tokio::test]
async fn private_assets_can_be_published() {
    let rig = Rig::new().await;
    let (_, secret) =
        rig.upload("raw/upload", &[("public_id", "s"), ("type", "private")], "data:,1").await;
    rig.upload("raw/upload", &[("public_id", "t"), ("type", "authenticated")], "data:,1").await;
    rig.upload("raw/upload", &[("public_id", "t")], "data:,2").await;
    let publish = async |body: Value| {
        told(rig.admin(Method::POST, "resources/raw/publish_resources").json(&body)).await
    };
    let (status, answer) = publish(json!({"public_ids": ["s", "t", "nope"]})).await;
    assert_eq!(status, 200);
    assert_eq!(answer["published"][0]["asset_id"], secret["asset_id"]);
    assert_eq!(answer["failed"], json!([{"public_id": "t"}]));
    assert_eq!(rig.seen(0, &path_of(&answer["published"][0]["secure_url"])).await.status(), 200);
    let (_, answer) = publish(json!({"prefix": "t", "overwrite": true})).await;
    assert_eq!(answer["published"][0]["public_id"], "t");
    assert_eq!(publish(json!({})).await.0, 400);
}
