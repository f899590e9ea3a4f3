//! Files that are sent, and what becomes of them.

use serde_json::{Value, json};

use super::{PNG, Rig, path_of, told};

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
