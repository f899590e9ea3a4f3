//! Who may call.

use reqwest::Method;
use serde_json::json;

use super::{PNG, Rig, header, message, told};

#[tokio::test]
async fn calls_without_a_good_signature_are_refused_in_the_services_words() {
    let rig = Rig::new().await;
    let call =
        |params: Vec<(String, String)>| told(rig.http.post(rig.api("image/destroy")).form(&params));

    let mut forged = rig.signed(&[("public_id", "logo")]);
    for (name, value) in &mut forged {
        if name == "signature" {
            *value = "0".repeat(40);
        }
    }
    let (status, answer) = call(forged).await;
    assert_eq!(status, 401);
    assert!(message(&answer).starts_with("Invalid Signature 0000"), "{answer}");
    assert!(message(&answer).contains("String to sign - 'public_id=logo&timestamp="));
    assert!(!message(&answer).contains(&rig.cloud.ready.api_secret));

    let (status, answer) = call(rig.signed_at("1700000000", &[("public_id", "logo")])).await;
    assert_eq!(status, 400);
    assert_eq!(
        message(&answer),
        "Stale request - reported time is 2023-11-14 22:13:20 UTC which is more than 1 hour ago"
    );

    let (status, answer) = call(vec![("public_id".into(), "logo".into())]).await;
    assert_eq!((status.as_u16(), message(&answer)), (400, "Missing required parameter - api_key"));

    let upload = rig.http.post(rig.api("image/upload")).form(&[("file", PNG)]);
    let (status, answer) = told(upload).await;
    assert_eq!(status, 400);
    assert_eq!(message(&answer), "Upload preset must be specified when using unsigned upload");

    let ready = &rig.cloud.ready;
    let ping =
        |key: &str, secret: &str| told(rig.http.get(rig.api("ping")).basic_auth(key, Some(secret)));
    assert_eq!(ping(&ready.api_key, &ready.api_secret).await.1, json!({"status": "ok"}));
    let (status, answer) = ping(&ready.api_key, "wrong").await;
    assert_eq!((status.as_u16(), message(&answer)), (401, "api_secret mismatch"));
    let (status, answer) = ping("1", &ready.api_secret).await;
    assert_eq!((status.as_u16(), message(&answer)), (401, "unknown api_key"));
    let (status, _) = told(rig.http.get(rig.api("ping"))).await;
    assert_eq!(status, 401);
    let elsewhere = rig.api("ping").replace("/demo/", "/other/");
    let (status, answer) = told(rig.http.get(elsewhere)).await;
    assert_eq!((status.as_u16(), message(&answer)), (401, "cloud_name mismatch"));
    // nothing was deleted by all this
    assert_eq!(rig.get("resources/image/upload/logo").await.0, 200);
}

#[tokio::test]
async fn either_hash_signs_for_an_hour_to_both_sides() {
    let rig = Rig::new().await;
    let now = jiff::Timestamp::now().as_second();
    let destroy = async |fields: &[(String, String)]| {
        told(rig.http.post(rig.api("image/destroy")).form(fields)).await
    };
    for (shift, status) in [(-3500, 200), (-3700, 400), (3500, 200), (3700, 400)] {
        let fields = rig.signed_at(&(now + shift).to_string(), &[("public_id", "nope")]);
        assert_eq!(destroy(&fields).await.0, status, "{shift}");
    }
    for odd in ["", "soon", "99999999999999999999", "-5"] {
        let (status, answer) = destroy(&rig.signed_at(odd, &[("public_id", "nope")])).await;
        assert!(status.is_client_error(), "{odd}: {answer}");
    }
    let text = format!("public_id=a&overwrite=1&timestamp={now}");
    let sign = |text: &str| {
        hex::encode(<sha2::Sha256 as sha2::Digest>::digest(format!(
            "{text}{}",
            rig.cloud.ready.api_secret
        )))
    };
    let fields = |id: &str, signature: String| {
        [
            ("public_id", id),
            ("timestamp", &now.to_string()),
            ("api_key", &rig.cloud.ready.api_key),
            ("signature", &signature),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
    };
    // version 1 lets one parameter pass for two; version 2 escapes
    assert_eq!(destroy(&fields("a&overwrite=1", sign(&text))).await.0, 200);
    let text = format!("public_id=a%26overwrite=1&timestamp={now}");
    assert_eq!(destroy(&fields("a&overwrite=1", sign(&text).to_uppercase())).await.0, 200);
    let (status, answer) = destroy(&fields("b", sign(&text))).await;
    assert_eq!(status, 401);
    assert!(
        message(&answer).ends_with(&format!("String to sign - 'public_id=b&timestamp={now}'."))
    );

    let (status, answer) = told(rig.http.get(rig.api("ping")).bearer_auth("x")).await;
    assert_eq!((status.as_u16(), message(&answer)), (401, "Invalid credentials"));
}

#[tokio::test]
async fn what_there_is_not_is_told_as_json_with_an_id() {
    let rig = Rig::new().await;
    for (method, path) in [
        (Method::GET, "image/upload"),
        (Method::PUT, "image/destroy"),
        (Method::DELETE, "asset/destroy"),
        (Method::POST, "image/generate_archive"),
        (Method::POST, "image/multi"),
        (Method::POST, "auto/paint"),
        (Method::PATCH, "delete_by_token"),
    ] {
        let answer = rig.admin(method.clone(), path).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{method} {path}");
        assert_eq!(header(&answer, "x-request-id").len(), 32);
        assert!(header(&answer, "content-type").starts_with("application/json"));
        assert!(message(&answer.json().await.unwrap()).contains(path));
    }
    let far = format!("{}/v2/anything", rig.cloud.ready.api);
    let answer = rig.http.get(far).send().await.unwrap();
    assert_eq!(answer.status(), 404);
    assert_eq!(header(&answer, "x-request-id").len(), 32);
    let refused = rig.http.get(rig.api("ping")).send().await.unwrap();
    assert_eq!(header(&refused, "x-request-id").len(), 32);
}
