//! Single assets that are renamed, overwritten, destroyed.

use serde_json::{Value, json};

use super::{PNG, Rig, header, message, path_of, told};

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
async fn renames_may_change_the_type_and_meet_every_conflict() {
    let rig = Rig::new().await;
    let rename = async |params: &[(&str, &str)]| rig.upload_call("image/rename", params).await;
    let (_, before) = rig.get("resources/image/upload/logo").await;
    let same = [("from_public_id", "logo"), ("to_public_id", "logo")];
    let (status, refused) = rename(&same).await;
    assert_eq!((status.as_u16(), message(&refused)), (400, "to_public_id logo already exists"));
    let (status, kept) = rename(&[same[0], same[1], ("overwrite", "true")]).await;
    assert_eq!((status.as_u16(), &kept["asset_id"]), (200, &before["asset_id"]));

    let (status, private) = rename(&[same[0], same[1], ("to_type", "private")]).await;
    assert_eq!((status.as_u16(), &private["type"]), (200, &json!("private")), "{private}");
    assert_eq!(private["asset_id"], before["asset_id"]);
    assert_eq!(rig.get("resources/image/upload/logo").await.0, 404);
    let (_, detail) = rig.get("resources/image/private/logo").await;
    assert_eq!(detail["derived"], json!([]), "derived assets are not carried over");
    let back = [
        ("from_public_id", "logo"),
        ("to_public_id", "l2"),
        ("type", "private"),
        ("to_type", "upload"),
    ];
    let (_, public) = rename(&back).await;
    assert_eq!((&public["type"], &public["public_id"]), (&json!("upload"), &json!("l2")));
    let (_, refused) =
        rename(&[("from_public_id", "l2"), ("to_public_id", "l3"), ("to_type", "fetch")]).await;
    assert_eq!(message(&refused), "Invalid type fetch");
    let (status, refused) =
        rename(&[("from_public_id", "l2"), ("to_public_id", "l3"), ("type", "private")]).await;
    assert_eq!((status.as_u16(), message(&refused)), (404, "Resource not found - l2"));
    let (_, refused) = rename(&[("from_public_id", "l2")]).await;
    assert_eq!(message(&refused), "Missing required parameter - to_public_id");
    let (status, _) =
        rig.upload_call("raw/rename", &[("from_public_id", "l2"), ("to_public_id", "l3")]).await;
    assert_eq!(status, 404, "the path decides the resource type");

    let given = [("command", "add"), ("context", "alt=x"), ("public_ids", "l2")];
    assert_eq!(rig.upload_call("image/context", &given).await.1, json!({"public_ids": ["l2"]}));
    let to = |to| [("from_public_id", "l2"), ("to_public_id", to), ("overwrite", "1")];
    assert_eq!(rename(&to("l2")).await.1["context"], Value::Null);
    let [a, b, c] = to("l2");
    assert_eq!(rename(&[a, b, c, ("context", "true")]).await.1["context"]["custom"]["alt"], "x");
}

#[tokio::test]
async fn tags_and_context_change_many_assets() {
    let rig = Rig::new().await;
    let call = async |path: &str, command: &str, tag: &str, ids: &[&str]| {
        let joined = ids.join(",");
        let name = if path.ends_with("tags") { "tag" } else { "context" };
        let mut fields = rig.signed(&[("command", command), (name, tag), ("public_ids", &joined)]);
        fields.retain(|(name, value)| name != "public_ids" && !value.is_empty());
        fields.extend(ids.iter().map(|id| ("public_ids[]".to_owned(), (*id).to_owned())));
        told(rig.http.post(rig.api(path)).form(&fields)).await
    };
    let tags =
        async |id: &str| rig.get(&format!("resources/image/upload/{id}")).await.1["tags"].clone();
    let tag =
        async |command: &str, tag: &str, ids: &[&str]| call("image/tags", command, tag, ids).await;
    let both = ["logo", "nope", "sample"];
    assert_eq!(tag("replace", "a,b", &both).await.1, json!({"public_ids": ["logo", "sample"]}));
    tag("add", "c", &["logo"]).await;
    tag("remove", "a", &["logo"]).await;
    assert_eq!((tags("logo").await, tags("sample").await), (json!(["b", "c"]), json!(["a", "b"])));
    tag("set_exclusive", "b", &["sample"]).await;
    assert_eq!((tags("logo").await, tags("sample").await), (json!(["c"]), json!(["a", "b"])));
    tag("remove_all", "", &["sample"]).await;
    assert_eq!(tags("sample").await, json!([]));
    assert_eq!(message(&tag("paint", "a", &both).await.1), "Invalid command paint");
    assert_eq!(message(&tag("add", "", &both).await.1), "Missing required parameter - tag");
    assert_eq!(message(&tag("add", "a", &[]).await.1), "Missing required parameter - public_ids");
    let many = vec!["x"; 1001];
    assert_eq!(
        message(&tag("add", "a", &many).await.1),
        "Too many public_ids: 1001, maximum is 1000"
    );

    call("image/context", "add", r"alt=1\|2|by=me", &both).await;
    let (_, logo) = rig.get("resources/image/upload/logo").await;
    assert_eq!(logo["context"]["custom"], json!({"alt": "1|2", "by": "me"}));
    call("image/context", "remove_all", "", &["logo"]).await;
    assert_eq!(rig.get("resources/image/upload/logo").await.1["context"], Value::Null);
    assert_eq!(
        message(&call("image/context", "add", "", &both).await.1),
        "Missing required parameter - context"
    );
}

#[tokio::test]
async fn explicit_changes_what_it_is_given_and_no_more() {
    let rig = Rig::new().await;
    let explicit = async |params: &[(&str, &str)]| {
        let mut all = vec![("public_id", "logo"), ("type", "upload")];
        all.extend_from_slice(params);
        rig.upload_call("image/explicit", &all).await.1
    };
    let before = explicit(&[]).await;
    assert!(!before["tags"].as_array().unwrap().is_empty(), "{before}");
    let changed =
        explicit(&[("display_name", "Mark"), ("context", "a=b"), ("eager", "w_33")]).await;
    assert_eq!((&changed["tags"], &changed["version"]), (&before["tags"], &before["version"]));
    assert_eq!(changed["eager"][0]["transformation"], "w_33");
    assert_eq!(changed["context"]["custom"]["a"], "b");
    let changed = explicit(&[("tags", "x"), ("asset_folder", "/elsewhere/")]).await;
    assert_eq!((&changed["tags"], &changed["display_name"]), (&json!(["x"]), &json!("Mark")));
    assert_eq!(changed["asset_folder"], "elsewhere");
    let untyped = rig.upload_call("image/explicit", &[("public_id", "logo")]).await.1;
    assert_eq!(message(&untyped), "Missing required parameter - type");

    let by_id = [("asset_id", before["asset_id"].as_str().unwrap())];
    let (_, gone) = rig.upload_call("asset/destroy", &by_id).await;
    assert_eq!(gone, json!({"result": "ok", "asset_folder": "elsewhere"}));
    assert_eq!(rig.upload_call("asset/destroy", &by_id).await.1, json!({"result": "not found"}));
    assert_eq!(
        rig.upload_call("asset/destroy", &[("asset_id", "x")]).await.1,
        json!({"result": "not found"})
    );
    let (_, refused) = rig.upload_call("image/destroy", &[("type", "upload")]).await;
    assert_eq!(message(&refused), "Missing required parameter - public_id");
}
