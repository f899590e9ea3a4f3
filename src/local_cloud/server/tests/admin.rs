//! The Admin API as the reference describes it: forms of listings, moderation, folders, usage, quota and headers.

use reqwest::{Method, Response};
use serde_json::{Value, json};

use super::{Rig, calm, header, told};
use crate::local_cloud::options::Options;

fn ids(answer: &Value) -> Vec<String> {
    let all = answer["resources"].as_array().unwrap_or_else(|| panic!("a listing: {answer}"));
    all.iter().map(|one| one["public_id"].as_str().unwrap().to_owned()).collect()
}

async fn message(rig: &Rig, path: &str) -> (u16, String) {
    let (status, answer) = rig.get(path).await;
    (status.as_u16(), answer["error"]["message"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test]
async fn pages_hold_ten_unless_asked_and_never_more_than_five_hundred() {
    let rig = Rig::of(Options { assets: 900, ..calm() }).await;
    assert_eq!(ids(&rig.get("resources/image").await.1).len(), 10);
    assert_eq!(ids(&rig.get("resources/image/upload").await.1).len(), 10);
    assert_eq!(ids(&rig.get("resources/image?max_results=9999").await.1).len(), 500);
    for wrong in ["0", "-1", "many"] {
        let told = message(&rig, &format!("resources/image?max_results={wrong}")).await;
        assert_eq!(told, (400, format!("Invalid value for parameter max_results: {wrong}")));
    }
    let (_, page) = rig.get("resources/image?max_results=2").await;
    let cursor = page["next_cursor"].as_str().unwrap();
    // a cursor of another kind of listing would begin anew for ever
    let (status, _) =
        rig.get(&format!("resources/image/upload?prefix=press/&next_cursor={cursor}")).await;
    assert_eq!(status, 400);
    assert_eq!(rig.get(&format!("tags/image?next_cursor={cursor}")).await.0, 400);
}

#[tokio::test]
async fn types_names_and_times_come_in_the_path_or_as_parameters() {
    let rig = Rig::new().await;
    let in_path = rig.get("resources/image/upload?prefix=brand/&max_results=50").await.1;
    let as_parameter = rig.get("resources/image?type=upload&prefix=brand/&max_results=50").await.1;
    assert_eq!(ids(&in_path), ids(&as_parameter));
    let by_list = rig.get("resources/image/upload?public_ids[]=logo&public_ids[]=sample").await.1;
    let by_text = rig.get("resources/image?public_ids=logo,sample").await.1;
    assert_eq!((ids(&by_list).len(), ids(&by_list)), (2, ids(&by_text)));
    assert_eq!(message(&rig, "resources/image?prefix=brand/").await.0, 400);
    // slashes may be escaped, in the path's own words too
    assert_eq!(ids(&rig.get("resources%2Fimage%2Fupload?prefix=brand%2F").await.1), ids(&in_path));

    let newest = ids(&rig.get("resources/image?max_results=500").await.1);
    for since in [
        "2020-01-01",
        "2020-01-01%2000:00:00",
        "2020-01-01+00:00:00+UTC",
        "2020-01-01T00:00:00Z",
        "2020-01-01T02:00:00%2B02:00",
        "Wed,%2001%20Jan%202020%2000:00:00%20GMT",
    ] {
        let found = rig.get(&format!("resources/image?max_results=500&start_at={since}")).await.1;
        assert_eq!(ids(&found), newest, "{since}");
    }
    assert!(ids(&rig.get("resources/image?start_at=2999-01-01").await.1).is_empty());
    assert_eq!(message(&rig, "resources/image?start_at=soon").await.0, 400);

    let mut oldest = newest.clone();
    oldest.reverse();
    for (word, expected) in [("asc", &oldest), ("1", &oldest), ("desc", &newest), ("-1", &newest)] {
        let found = rig.get(&format!("resources/image?max_results=500&direction={word}")).await.1;
        assert_eq!(&ids(&found), expected, "{word}");
    }
    assert_eq!(message(&rig, "resources/image?direction=up").await.0, 400);
}

#[tokio::test]
async fn fields_and_switches_choose_what_an_item_shows() {
    let rig = Rig::new().await;
    let update = rig.admin(Method::POST, "resources/image/upload/logo");
    told(update.json(&json!({"tags": "a", "context": "k=v", "moderation_status": "approved"})))
        .await;
    let one = async |query: &str| {
        let (_, answer) = rig.get(&format!("resources/image?public_ids=logo&{query}")).await;
        answer["resources"][0].clone()
    };
    let bare = one("").await;
    for absent in ["tags", "context", "moderation"] {
        assert!(bare[absent].is_null(), "{absent}");
    }
    let full = one("tags=true&context=1&moderations=true").await;
    assert_eq!(full["tags"], json!(["a"]));
    assert_eq!(full["context"], json!({"custom": {"k": "v"}}));
    assert_eq!(full["moderation"], json!([{"kind": "manual", "status": "approved"}]));
    let few = one("fields=bytes,tags").await;
    let mut names: Vec<&String> = few.as_object().unwrap().keys().collect();
    names.sort();
    assert_eq!(names, ["asset_id", "bytes", "public_id", "resource_type", "tags", "type"]);
}

#[tokio::test]
async fn moderation_is_listed_by_kind_and_status() {
    let rig = Rig::new().await;
    let explicit = [("public_id", "logo"), ("type", "upload"), ("moderation", "manual")];
    let (status, answer) = rig.upload_call("image/explicit", &explicit).await;
    assert_eq!((status.as_u16(), &answer["moderation"][0]["status"]), (200, &json!("pending")));
    assert_eq!(ids(&rig.get("resources/image/moderations/manual/pending").await.1), ["logo"]);
    let reject = rig.admin(Method::POST, "resources/image/upload/logo");
    let (_, answer) = told(reject.json(&json!({"moderation_status": "rejected"}))).await;
    assert_eq!(answer["moderation"][0]["status"], "rejected");
    assert!(ids(&rig.get("resources/image/moderations/manual/pending").await.1).is_empty());
    assert_eq!(ids(&rig.get("resources/image/moderations/manual/rejected").await.1), ["logo"]);
    assert_eq!(message(&rig, "resources/image/moderations/manual/maybe").await.0, 404);

    let refused = async |kind: &str| {
        let order = [("public_id", "logo"), ("type", "upload"), ("moderation", kind)];
        let (status, answer) = rig.upload_call("image/explicit", &order).await;
        (status.as_u16(), answer["error"]["message"].as_str().unwrap().to_owned())
    };
    let add_on = refused("webpurify").await;
    assert_eq!(add_on, (420, "You don't have an active subscription for webpurify".to_owned()));
    let unknown = refused("horoscope").await;
    assert_eq!(unknown, (400, "Moderation horoscope moderation is not valid".to_owned()));
}

#[tokio::test]
async fn folders_come_in_pages_and_are_made_moved_and_removed() {
    let rig = Rig::of(Options { assets: 0, ..calm() }).await;
    let post = async |path: &str| told(rig.admin(Method::POST, path)).await;
    for name in ["a", "b", "c"] {
        assert_eq!(post(&format!("folders/top/{name}")).await.1["success"], true);
    }
    let (status, answer) = post("folders/top/a").await;
    assert_eq!(
        (status.as_u16(), &answer["error"]["message"]),
        (409, &json!("Folder top/a already exists"))
    );
    let names = |answer: &Value| -> Vec<String> {
        let all = answer["folders"].as_array().unwrap();
        all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
    };
    let (_, all) = rig.get("folders/top").await;
    assert_eq!(
        (names(&all), &all["total_count"]),
        (vec!["a".into(), "b".into(), "c".into()], &json!(3))
    );
    assert!(all["next_cursor"].is_null());
    let (_, two) = rig.get("folders/top?max_results=2").await;
    let cursor = two["next_cursor"].as_str().unwrap();
    let (_, rest) = rig.get(&format!("folders/top?max_results=2&next_cursor={cursor}")).await;
    assert_eq!((names(&two).len(), names(&rest)), (2, vec!["c".to_owned()]));
    let moved = rig.admin(Method::PUT, "folders/top/a").json(&json!({"to_folder": "top/d/e"}));
    let (_, moved) = told(moved).await;
    assert_eq!((&moved["from"]["path"], &moved["to"]["name"]), (&json!("top/a"), &json!("e")));
    let taken = rig.admin(Method::PUT, "folders/top/b").json(&json!({"to_folder": "top/c"}));
    assert_eq!(told(taken).await.0, 409);
    let removed = rig.delete("folders/top", Value::Null).await.1;
    assert_eq!(removed["deleted"], json!(["top", "top/b", "top/c", "top/d", "top/d/e"]));
    let gone = (404, "Can't find folder with path top".to_owned());
    assert_eq!(message(&rig, "folders/top").await, gone);
}

#[tokio::test]
async fn usage_is_told_for_today_and_for_days_on_which_nothing_was_used() {
    let rig = Rig::new().await;
    let (_, now) = rig.get("usage").await;
    assert_eq!(now["resources"], 60);
    assert!(now["date_requested"].is_null());
    let today = now["last_updated"].as_str().unwrap().to_owned();
    let (_, same) = rig.get(&format!("usage/{today}")).await;
    assert_eq!((&same["resources"], &same["last_updated"]), (&json!(60), &json!(today)));
    let (_, before) = rig.get("usage/2020-02-29").await;
    assert_eq!((&before["resources"], &before["storage"]["usage"]), (&json!(0), &json!(0)));
    for wrong in ["2999-01-01", "2021-02-29", "yesterday"] {
        assert_eq!(message(&rig, &format!("usage/{wrong}")).await.0, 400, "{wrong}");
    }
}

#[tokio::test]
async fn every_admin_and_search_reply_tells_the_quota_even_a_refusal() {
    let rig = Rig::of(Options { admin_quota: 4, ..calm() }).await;
    let left = |reply: &Response| header(reply, "x-featureratelimit-remaining").to_owned();
    let ok = rig.admin(Method::GET, "ping").send().await.unwrap();
    assert_eq!(header(&ok, "x-featureratelimit-limit"), "4");
    assert_eq!(header(&ok, "status"), "200 OK");
    assert_eq!(header(&ok, "cache-control"), "max-age=0, private, must-revalidate");
    assert_eq!(header(&ok, "server"), "cloudinary");
    assert!(header(&ok, "etag").contains('"'));
    assert_eq!(header(&ok, "x-request-id").len(), 32);
    let reset = header(&ok, "x-featureratelimit-reset").to_owned();
    let reset = jiff::fmt::rfc2822::parse(&reset).unwrap();
    assert_eq!((reset.minute(), reset.second()), (0, 0));

    let missing = rig.admin(Method::GET, "resources/image/upload/none").send().await.unwrap();
    assert_eq!((missing.status().as_u16(), left(&missing).as_str()), (404, "2"));
    let nothing = rig.admin(Method::GET, "triggers").send().await.unwrap();
    assert_eq!((nothing.status().as_u16(), left(&nothing).as_str()), (404, "1"));
    let stranger = rig.http.get(rig.api("ping")).basic_auth("nobody", Some("x"));
    let stranger = stranger.send().await.unwrap();
    assert_eq!((stranger.status().as_u16(), left(&stranger).as_str()), (401, ""));
    let search = rig.admin(Method::POST, "resources/search").json(&json!({}));
    assert_eq!(left(&search.send().await.unwrap()), "0");
    let spent = rig.admin(Method::GET, "resources/image").send().await.unwrap();
    assert_eq!((spent.status().as_u16(), left(&spent).as_str()), (420, "0"));
}

#[tokio::test]
async fn what_is_not_there_says_so_in_json() {
    let rig = Rig::new().await;
    for path in [
        "transformations",
        "transformations/t_x",
        "upload_presets",
        "upload_mappings",
        "streaming_profiles",
        "metadata_fields",
        "triggers",
        "resources/last_access_reports/x",
        "nonsense",
    ] {
        let (status, told) = message(&rig, path).await;
        assert_eq!(status, 404, "{path}");
        assert!(!told.is_empty(), "{path}");
    }
    let (status, answer) = told(rig.admin(Method::POST, "triggers").json(&json!({}))).await;
    assert_eq!(status, 404, "{answer}");
    assert_eq!(message(&rig, "resources/picture").await.0, 404);
    assert_eq!(message(&rig, "resources/image/nowhere").await.0, 404);
}

#[tokio::test]
async fn an_admin_call_may_be_signed() {
    let rig = Rig::new().await;
    let query = rig.signed(&[("max_results", "1")]);
    let address = rig.api("resources/image/upload");
    let (status, answer) = told(rig.http.get(&address).query(&query)).await;
    assert_eq!((status.as_u16(), ids(&answer).len()), (200, 1));
    let mut forged = query.clone();
    forged[0].1 = "2".to_owned();
    let (status, answer) = told(rig.http.get(&address).query(&forged)).await;
    let text = answer["error"]["message"].as_str().unwrap();
    assert_eq!(status, 401);
    assert!(text.contains("String to sign - 'max_results=2&timestamp="), "{text}");
}
