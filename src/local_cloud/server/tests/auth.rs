//! Who may call.

use serde_json::{Value, json};

use super::{PNG, Rig, told};

#[tokio::test]
async fn calls_without_a_good_signature_are_refused_in_the_services_words() {
    let rig = Rig::new().await;
    let call =
        |params: Vec<(String, String)>| told(rig.http.post(rig.api("image/destroy")).form(&params));
    let message = |answer: &Value| answer["error"]["message"].as_str().unwrap().to_owned();

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
    assert_eq!(
        (status.as_u16(), message(&answer).as_str()),
        (400, "Missing required parameter - api_key")
    );

    let upload = rig.http.post(rig.api("image/upload")).form(&[("file", PNG)]);
    let (status, answer) = told(upload).await;
    assert_eq!(status, 400);
    assert_eq!(message(&answer), "Upload preset must be specified when using unsigned upload");

    let ready = &rig.cloud.ready;
    let ping =
        |key: &str, secret: &str| told(rig.http.get(rig.api("ping")).basic_auth(key, Some(secret)));
    assert_eq!(ping(&ready.api_key, &ready.api_secret).await.1, json!({"status": "ok"}));
    let (status, answer) = ping(&ready.api_key, "wrong").await;
    assert_eq!((status.as_u16(), message(&answer).as_str()), (401, "api_secret mismatch"));
    let (status, answer) = ping("1", &ready.api_secret).await;
    assert_eq!((status.as_u16(), message(&answer).as_str()), (401, "unknown api_key"));
    let (status, _) = told(rig.http.get(rig.api("ping"))).await;
    assert_eq!(status, 401);
    let elsewhere = rig.api("ping").replace("/demo/", "/other/");
    let (status, answer) = told(rig.http.get(elsewhere)).await;
    assert_eq!((status.as_u16(), message(&answer).as_str()), (401, "cloud_name mismatch"));
    // nothing was deleted by all this
    assert_eq!(rig.get("resources/image/upload/logo").await.0, 200);
}
