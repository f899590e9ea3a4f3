//! Files that are sent, and what becomes of them.

use reqwest::Method;
use serde_json::{Value, json};

use super::{PNG, Rig, calm, message, path_of, told};
use crate::local_cloud::server::limits::Limits;

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
    let rig = Rig::within(calm(), Limits { least_piece: 4000, ..Limits::default() }).await;
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

#[tokio::test]
async fn pieces_without_a_name_get_one_with_the_first_and_small_ones_are_refused() {
    let rig = Rig::within(calm(), Limits { least_piece: 100, ..Limits::default() }).await;
    let piece = |id: &'static str, range: &'static str, bytes: Vec<u8>, params: &[(&str, &str)]| {
        let mut form = reqwest::multipart::Form::new();
        for (name, value) in rig.signed(params) {
            form = form.text(name, value);
        }
        let part = reqwest::multipart::Part::bytes(bytes).file_name("film.bin");
        told(
            rig.http
                .post(rig.api("raw/upload_chunked"))
                .header("X-Unique-Upload-Id", id)
                .header("Content-Range", range)
                .multipart(form.part("file", part)),
        )
    };
    let (status, first) = piece("u", "bytes 0-99/-1", vec![1; 100], &[]).await;
    assert_eq!((status.as_u16(), &first["done"]), (200, &json!(false)), "{first}");
    assert_eq!((&first["bytes"], &first["kind"]), (&json!(100), &json!("upload")));
    let id = first["public_id"].as_str().unwrap();
    assert!(id.len() == 24 && id.strip_suffix(".bin").is_some(), "{id}");
    // the same piece once more, as after a lost answer
    assert_eq!(piece("u", "bytes 0-99/-1", vec![1; 100], &[]).await.1, first);
    let named = [("public_id", id)];
    let (_, last) = piece("u", "bytes 100-104/105", vec![2; 5], &named).await;
    assert_eq!((&last["public_id"], &last["bytes"]), (&json!(id), &json!(105)));
    assert_eq!(rig.cloud.cloud.in_flight.taken(), 0);

    let (status, small) = piece("v", "bytes 0-98/-1", vec![1; 99], &[]).await;
    assert_eq!(status, 400);
    assert_eq!(message(&small), "All parts except EOF-chunk must be larger than 5mb");
    let (_, gap) = piece("v", "bytes 100-199/300", vec![1; 100], &[]).await;
    assert!(message(&gap).contains("is missing"), "{gap}");
    let (_, odd) = piece("v", "bytes x-y/z", vec![1; 100], &[]).await;
    assert_eq!(message(&odd), "Invalid Content-Range bytes x-y/z");
    let (_, long) = piece("v", "bytes 0-199/-1", vec![1; 100], &[]).await;
    assert!(message(&long).contains("200 bytes were announced, 100 came"), "{long}");
}

#[tokio::test]
async fn json_may_carry_its_signature_in_the_query() {
    let rig = Rig::new().await;
    let signed = rig.signed(&[("public_id", "by/json"), ("tags", "a,b"), ("overwrite", "true")]);
    let (query, body): (Vec<_>, Vec<_>) = signed
        .into_iter()
        .partition(|(name, _)| ["api_key", "signature", "timestamp"].contains(&name.as_str()));
    assert_eq!(body.len(), 3);
    let body = json!({
        "public_id": "by/json", "tags": ["a", "b"], "overwrite": true, "file": PNG, "context": null,
    });
    let call = rig.http.post(rig.api("image/upload")).query(&query).json(&body);
    let (status, answer) = told(call).await;
    assert_eq!((status.as_u16(), &answer["tags"]), (200, &json!(["a", "b"])), "{answer}");
    assert_eq!(answer["asset_folder"], "by");
    // without a resource type, and with Basic in place of a signature
    let call =
        rig.admin(Method::POST, "upload").json(&json!({"public_id": "x", "file": "data:,hi"}));
    let (_, answer) = told(call).await;
    assert_eq!(
        (&answer["resource_type"], &answer["bytes"]),
        (&json!("raw"), &json!(2)),
        "{answer}"
    );
}

#[tokio::test]
async fn names_of_multipart_fields_must_be_quoted() {
    let rig = Rig::new().await;
    let body = |quote: &str| {
        let mut body = String::new();
        let mut fields = rig.signed(&[("public_id", "quoted")]);
        fields.push(("file".into(), PNG.into()));
        for (name, value) in fields {
            let name = format!("{quote}{name}{quote}");
            let head = format!("--b\r\nContent-Disposition: form-data; name={name}\r\n\r\n");
            body += &[&head, &value, "\r\n"].concat();
        }
        body + "--b--\r\n"
    };
    let send = |body: String| {
        let call = rig.http.post(rig.api("image/upload")).body(body);
        told(call.header("Content-Type", "multipart/form-data; boundary=b"))
    };
    assert_eq!(send(body("\"")).await.0, 200);
    let (status, answer) = send(body("")).await;
    assert_eq!(status, 400);
    assert_eq!(message(&answer), "Upload preset must be specified when using unsigned upload");
}

#[tokio::test]
async fn uploads_are_named_as_they_ask_to_be() {
    let rig = Rig::new().await;
    let id = |answer: &Value| answer["public_id"].as_str().unwrap_or_default().to_owned();
    let raw = async |params: &[(&str, &str)]| rig.upload("raw/upload", params, "data:,x").await.1;

    let random = id(&rig.upload("image/upload", &[], PNG).await.1);
    assert_eq!(random.len(), 20);
    let named = raw(&[("public_id", " /a/b.txt/ ")]).await;
    assert_eq!((id(&named).as_str(), &named["asset_folder"]), ("a/b.txt", &json!("a")));
    let by_file = [("use_filename", "1"), ("filename_override", "dir/my file?.txt")];
    let unique = id(&raw(&by_file).await);
    assert!(unique.starts_with("my_file__") && unique.strip_suffix(".txt").is_some(), "{unique}");
    let plain = raw(&[by_file[0], by_file[1], ("unique_filename", "false")]).await;
    assert_eq!(
        (id(&plain).as_str(), &plain["original_filename"]),
        ("my_file_.txt", &json!("my file?"))
    );
    let kept = [by_file[0], by_file[1], ("unique_filename", "0"), ("overwrite", "0")];
    let again = raw(&kept).await;
    assert_eq!((&again["existing"], &again["version"]), (&json!(true), &plain["version"]));
    let without =
        [("public_id", "w"), ("filename_override", "n.txt"), ("discard_original_filename", "1")];
    assert_eq!(raw(&without).await["original_filename"], Value::Null);

    let folder = raw(&[("public_id", "x"), ("folder", "/f/")]).await;
    assert_eq!((id(&folder).as_str(), &folder["asset_folder"]), ("f/x", &json!("f")));
    let prefix = raw(&[("public_id", "x"), ("public_id_prefix", "p"), ("asset_folder", "q")]).await;
    assert_eq!((id(&prefix).as_str(), &prefix["asset_folder"]), ("p/x", &json!("q")));
    let by_folder = [
        ("public_id", "y"),
        ("asset_folder", "q/r"),
        ("use_asset_folder_as_public_id_prefix", "true"),
        ("filename_override", "The name.txt"),
        ("use_filename_as_display_name", "true"),
        ("unique_display_name", "true"),
    ];
    let shown = raw(&by_folder).await;
    assert_eq!((id(&shown).as_str(), &shown["display_name"]), ("q/r/y", &json!("The name")));
    assert_eq!(id(&raw(&by_folder).await), "q/r/y", "its own name is no conflict");
    let mut other = by_folder;
    other[0].1 = "z";
    assert_eq!(message(&raw(&other).await), "Display name The name already exists in folder q/r");

    for (given, shown) in [("a\u{a0}b", "a_b"), ("é 1", "é 1")] {
        assert_eq!(id(&raw(&[("public_id", given)]).await), shown);
    }
    assert_eq!(message(&raw(&[("type", "fetch")]).await), "Invalid type fetch");
    let private = raw(&[("public_id", "s"), ("type", "private")]).await;
    assert!(private["secure_url"].as_str().unwrap().contains("/raw/private/s--"), "{private}");
}

#[tokio::test]
async fn uploads_carry_attributes_checks_and_what_is_made_of_them() {
    let rig = Rig::new().await;
    let png = async |params: &[(&str, &str)]| rig.upload("image/upload", params, PNG).await;
    let (status, all) = png(&[
        ("public_id", "all"),
        ("context", r"alt=a\=b\|c|caption=d"),
        ("metadata", "sku=1"),
        ("access_control", r#"[{"access_type":"token"},{"access_type":"anonymous","start":"2030-01-01T00:00:00Z"}]"#),
        ("backup", "1"),
        ("eager", "c_scale,w_2|c_fill,h_3,w_3/jpg"),
        ("allowed_formats", "jpg,png"),
        ("return_delete_token", "true"),
        ("notification_url", ""),
    ])
    .await;
    assert_eq!(status, 200, "{all}");
    assert_eq!(all["context"]["custom"], json!({"alt": "a=b|c", "caption": "d"}));
    assert_eq!(all["metadata"], json!({"sku": "1"}));
    assert_eq!(all["access_control"][1]["start"], "2030-01-01T00:00:00Z");
    let made: Vec<_> = all["eager"].as_array().unwrap().iter().map(|one| &one["format"]).collect();
    assert_eq!(made, ["png", "jpg"]);
    let served = rig.seen(0, &path_of(&all["eager"][0]["secure_url"])).await;
    assert_ne!(served.status(), 404);
    let (_, detail) = rig.get("resources/image/upload/all?versions=1").await;
    assert_eq!(detail["derived"].as_array().unwrap().len(), 2);
    assert_eq!(detail["versions"][0]["restorable"], true);
    assert_eq!(detail["access_control"], all["access_control"]);

    let (status, refused) = png(&[("allowed_formats", "jpg,webp")]).await;
    assert_eq!((status.as_u16(), message(&refused)), (400, "Image file format png not allowed"));
    let (status, refused) = png(&[("public_id", "no"), ("eager", "w_abc")]).await;
    assert_eq!((status.as_u16(), message(&refused)), (400, "Invalid width in transformation: abc"));
    assert_eq!(rig.get("resources/image/upload/no").await.0, 404, "nothing was stored");
    let (_, refused) = png(&[("moderation", "psychic")]).await;
    assert_eq!(message(&refused), "Moderation psychic moderation is not valid");
    let (_, refused) = png(&[("access_control", "[{}]")]).await;
    assert_eq!(message(&refused), "Invalid value for parameter access_control");
    let (_, refused) = png(&[("upload_preset", "p")]).await;
    assert_eq!(message(&refused), "Upload preset not found");

    let (_, later) = png(&[("public_id", "later"), ("eager", "w_2"), ("eager_async", "1")]).await;
    assert_eq!(later["eager"][0]["status"], "processing");
    assert_eq!(later["eager"][0]["batch_id"].as_str().unwrap().len(), 64);
    let (_, pending) = png(&[("public_id", "later2"), ("async", "1")]).await;
    assert_eq!((&pending["status"], &pending["type"]), (&json!("pending"), &json!("upload")));
    assert_eq!((&pending["public_id"], &pending["etag"]), (&json!("later2"), &Value::Null));
    assert_eq!(rig.get("resources/image/upload/later2").await.0, 200);

    // the token needs no signature, works once, and not after ten minutes
    let delete = async |token: &Value, path: &str| {
        told(rig.http.post(rig.api(path)).form(&[("token", token.as_str().unwrap())])).await
    };
    let (_, done) = delete(&all["delete_token"], "delete_by_token").await;
    assert_eq!(done, json!({"result": "ok"}));
    assert_eq!(delete(&all["delete_token"], "delete_by_token").await.0, 400);
    let (_, late) = png(&[("public_id", "late"), ("return_delete_token", "1")]).await;
    rig.local(Method::POST, "clock", json!({"advance": "601s"})).await;
    let (status, refused) = delete(&late["delete_token"], "image/delete_by_token").await;
    assert_eq!((status.as_u16(), message(&refused)), (400, "Invalid or expired token"));
    assert_eq!(rig.get("resources/image/upload/late").await.0, 200);
}

#[tokio::test]
async fn files_are_loaded_from_loopback_and_nowhere_else() {
    let rig = Rig::new().await;
    let (_, logo) = rig.get("resources/image/upload/logo").await;
    let here = format!("{}{}", rig.cloud.ready.origin, path_of(&logo["secure_url"]));
    let (status, copied) =
        rig.upload("image/upload", &[("public_id", "copied"), ("use_filename", "1")], &here).await;
    assert_eq!((status.as_u16(), &copied["etag"]), (200, &logo["etag"]), "{copied}");
    assert_eq!(copied["original_filename"], "logo");
    for (url, reason) in [
        ("http://192.0.2.1/x.png", "loopback addresses only"),
        ("https://127.0.0.1/x.png", "loopback addresses only"),
        ("s3://bucket/x.png", "loopback addresses only"),
        ("http://127.0.0.1:1/x.png", "refused"),
    ] {
        let (status, answer) = rig.upload("image/upload", &[], url).await;
        assert_eq!(status, 400);
        assert!(message(&answer).starts_with(&format!("Error in loading {url} - ")), "{answer}");
        assert!(message(&answer).contains(reason), "{answer}");
    }
    let gone = format!("{}/demo/image/upload/nope.png", rig.cloud.ready.origin);
    let (_, answer) = rig.upload("image/upload", &[], &gone).await;
    assert!(message(&answer).ends_with("404 Not Found"), "{answer}");
    let unsigned = rig.http.post(rig.api("image/upload")).form(&[("file", &here)]);
    assert_eq!(told(unsigned).await.0, 400, "nothing is loaded for strangers");
}
