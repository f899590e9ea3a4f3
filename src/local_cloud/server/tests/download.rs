//! Files through the API, by signed links.

use serde_json::{Value, json};

use super::{Rig, calm, header, message};
use crate::local_cloud::options::Options;

#[tokio::test]
async fn signed_links_give_files_until_they_expire() {
    let rig = Rig::new().await;
    let (_, hero) = rig.get("resources/image/upload/press/2026/hero").await;
    let get = async |path: &str, params: &[(&str, &str)]| {
        rig.http.get(rig.api(path)).query(&rig.signed(params)).send().await.unwrap()
    };
    let id = ("public_id", "press/2026/hero");
    let plain = get("image/download", &[id]).await;
    assert_eq!(plain.status(), 200);
    assert_eq!(header(&plain, "content-type"), "image/jpeg");
    assert_eq!(header(&plain, "content-disposition"), "");
    assert_eq!(header(&plain, "x-request-id").len(), 32);
    let bytes = plain.bytes().await.unwrap();
    assert_eq!(hex::encode(<md5::Md5 as md5::Digest>::digest(&bytes)), hero["etag"]);
    let png = get("image/download", &[id, ("format", "png"), ("attachment", "true")]).await;
    assert_eq!(header(&png, "content-type"), "image/png");
    assert_eq!(header(&png, "content-disposition"), "attachment; filename=\"hero.png\"");
    let by_id = get("asset/download", &[("asset_id", hero["asset_id"].as_str().unwrap())]).await;
    assert_eq!(by_id.bytes().await.unwrap(), bytes);

    let refused = async |path: &str, params: &[(&str, &str)]| {
        let answer = get(path, params).await;
        let status = answer.status().as_u16();
        (status, message(&answer.json::<Value>().await.unwrap()).to_owned())
    };
    let missing = refused("image/download", &[("public_id", "nope")]).await;
    assert_eq!(missing, (404, "Resource not found - nope".to_owned()));
    assert_eq!(refused("image/download", &[id, ("format", "exe")]).await.0, 400);
    assert_eq!(refused("asset/download", &[("asset_id", "x")]).await.0, 404);
    let now = jiff::Timestamp::now().as_second();
    let late = refused("image/download", &[id, ("expires_at", &(now - 5).to_string())]).await;
    assert_eq!(late, (401, "The download link has expired".to_owned()));
    // a link that says until when may be older than an hour
    let old = (now - 7200).to_string();
    let until = (now + 60).to_string();
    let link = rig.signed_at(&old, &[id, ("expires_at", &until)]);
    let answer = rig.http.get(rig.api("image/download")).query(&link).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let mut forged = link;
    forged.retain(|(name, _)| name != "expires_at");
    forged.push(("expires_at".into(), (now + 6000).to_string()));
    let answer = rig.http.get(rig.api("image/download")).query(&forged).send().await.unwrap();
    assert_eq!(answer.status(), 401);
}

#[tokio::test]
async fn kept_versions_can_be_had_after_a_deletion() {
    let rig = Rig::of(Options { backups: true, ..calm() }).await;
    let (_, first) = rig.upload("raw/upload", &[("public_id", "n.txt")], "data:,one").await;
    rig.upload("raw/upload", &[("public_id", "n.txt")], "data:,two").await;
    rig.upload_call("raw/destroy", &[("public_id", "n.txt")]).await;
    let get = async |version: &str| {
        let asset_id = first["asset_id"].as_str().unwrap();
        let params = rig.signed(&[("asset_id", asset_id), ("version_id", version)]);
        rig.http.get(rig.api("download_backup")).query(&params).send().await.unwrap()
    };
    let kept = get(first["version_id"].as_str().unwrap()).await;
    assert_eq!((kept.status().as_u16(), kept.text().await.unwrap().as_str()), (200, "one"));
    let answer: Value = get("nope").await.json().await.unwrap();
    assert_eq!(answer, json!({"error": {"message": "Resource not found - nope"}}));
}
