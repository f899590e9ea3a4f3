//! Single assets that are renamed, overwritten, destroyed.

use serde_json::json;

use super::{PNG, Rig, header, path_of, told};

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
