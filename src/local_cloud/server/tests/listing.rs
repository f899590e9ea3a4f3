//! Listings, search, folders, tags and the quota.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Rig, calm, header, told};
use crate::local_cloud::options::Options;

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
