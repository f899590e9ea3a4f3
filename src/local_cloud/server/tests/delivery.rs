//! Every form of delivery URL over HTTP: hosts, paths, signatures, tokens (facts §4).

use rstest::rstest;
use secrecy::SecretString;

use super::{PNG, Rig, calm, header, told};
use crate::local_cloud::options::Options;

/// The cloud of the vectors in facts §4.4, with the assets that they name.
pub(super) async fn acme() -> Rig {
    let rig = Rig::of(Options {
        cloud_name: "acme-demo".into(),
        api_secret: "s3cr3t-acme".into(),
        auth_token_key: Some("00112233ff99".into()),
        assets: 0,
        edges: 1,
        ..calm()
    })
    .await;
    for id in ["sample", "press/kit/hero", "a(b)", "kit/v2/x", "press/été 2026/a"] {
        store(&rig, "image", &[("public_id", id)], PNG).await;
    }
    store(&rig, "image", &[("public_id", "été 2026/ab"), ("type", "private")], PNG).await;
    store(&rig, "image", &[("public_id", "card"), ("type", "authenticated")], PNG).await;
    let text = "data:text/plain;base64,aGVsbG8=";
    store(&rig, "raw", &[("public_id", "doc.pdf"), ("type", "authenticated")], text).await;
    store(&rig, "raw", &[("public_id", "notes.txt")], text).await;
    rig
}

async fn store(rig: &Rig, kind: &str, params: &[(&str, &str)], file: &str) {
    let ready = &rig.cloud.ready;
    let mut fields = rig.signed(params);
    fields.push(("file".to_owned(), file.to_owned()));
    let call = format!("{}/v1_1/{}/{kind}/upload", ready.api, ready.cloud_name);
    let (status, answer) = told(rig.http.post(call).form(&fields)).await;
    assert_eq!(status, 200, "{answer}");
}

/// Status and reason of one URL at the first edge.
async fn seen(rig: &Rig, host: Option<&str>, path: &str) -> (u16, String) {
    let call = rig.http.get(rig.edge(0, path));
    let call = if let Some(host) = host { call.header("Host", host) } else { call };
    let response = call.send().await.unwrap();
    // names stand in it as they are
    let error = response.headers().get("x-cld-error").map_or(&b""[..], |value| value.as_bytes());
    (response.status().as_u16(), String::from_utf8_lossy(error).into_owned())
}

#[tokio::test]
async fn the_vectors_of_the_documentation_are_delivered() {
    let rig = acme().await;
    let image = "/acme-demo/image/upload";
    let vectors = [
        (None, format!("{image}/sample.jpg")),
        (None, format!("{image}/v1/press/kit/hero.jpg")),
        (None, format!("{image}/press/kit/hero.jpg")),
        (None, format!("{image}/v1767225600/press/kit/hero.jpg")),
        (None, format!("{image}/s--7q-7iA0T--/v1/press/kit/hero.jpg")),
        (None, format!("{image}/s--7q-7iA0T--/v1767225600/press/kit/hero.jpg")),
        (None, format!("{image}/s--1vjeV9VR--/v1/press/kit/hero.jpg")),
        (None, format!("{image}/s--1vjeV9VRSNTULK3uheE9mJ0Rbi6sMjcX--/v1/press/kit/hero.jpg")),
        (None, format!("{image}/s--zE3ygRAk--/c_scale,w_300/v1/press/kit/hero.jpg")),
        (
            None,
            format!(
                "{image}/s--XIYfTvrIp6Pwz6Wr7_HM2YEGQhb6ea_k--/c_scale,w_300/v1/press/kit/hero.jpg"
            ),
        ),
        (None, "/acme-demo/raw/authenticated/s--bRGEJCYR--/doc.pdf".to_owned()),
        (
            Some("acme-demo-res.cloudinary.com"),
            "/images/v1/press/kit/hero/spring-launch.jpg".to_owned(),
        ),
        (Some("acme-demo-res.cloudinary.com"), "/v1/press/kit/hero.jpg".to_owned()),
        (None, "/acme-demo/iu/v1/press/kit/hero.jpg".to_owned()),
        (Some("media.acme.test"), "/image/upload/v1/press/kit/hero.jpg".to_owned()),
        (Some("media.acme.test"), "/acme-demo/image/upload/v1/press/kit/hero.jpg".to_owned()),
        (Some("res-1.cloudinary.com"), format!("{image}/press/kit/hero.jpg")),
    ];
    for (host, path) in &vectors {
        assert_eq!(seen(&rig, *host, path).await, (200, String::new()), "{host:?} {path}");
    }
    let fetched = "/acme-demo/image/fetch/http://example.com/a%20b%3Fx%3D1";
    let restricted = "Images of type fetch are restricted in this account";
    assert_eq!(seen(&rig, None, fetched).await, (404, restricted.to_owned()));
    // the ID of this vector has `&`, which new names must not have: the signature is right, the asset is not there
    let old_name = "/acme-demo/image/upload/s--2fAqBWoI--/v1/%C3%A9t%C3%A9%202026/a%26b.jpg";
    let missing = (404, "Resource not found - été 2026/a&b".to_owned());
    assert_eq!(seen(&rig, None, old_name).await, missing);
}

#[tokio::test]
async fn a_wrong_signature_is_refused_whatever_it_is_for() {
    let rig = acme().await;
    let denied = (401, "deny or ACL failure".to_owned());
    for path in [
        "image/upload/s--7q-7iA0U--/v1/press/kit/hero.jpg",
        "image/upload/s--7q-7iA0T--/v1/press/kit/hero.png",
        "image/upload/s--7q-7iA0T--/w_10/v1/press/kit/hero.jpg",
        "image/upload/s--1vjeV9VRSNTULK3uheE9mJ0Rbi6sMjcY--/v1/press/kit/hero.jpg",
        "image/upload/s--7q-7iA0T--/v1/nowhere.jpg",
        "image/authenticated/card.png",
        "image/authenticated/nowhere.png",
        "image/authenticated/s--aaaaaaaa--/card.png",
        "image/private/v1/%C3%A9t%C3%A9%202026/ab.png",
        "private_images/v1/%C3%A9t%C3%A9%202026/ab/launch.png",
        "authenticated_images/card/launch.png",
        "raw/authenticated/doc.pdf",
        "image/authenticated/card.png?__cld_token__=exp=9999999999~acl=*~hmac=00",
    ] {
        assert_eq!(seen(&rig, None, &format!("/acme-demo/{path}")).await, denied, "{path}");
    }
}

#[tokio::test]
async fn what_is_signed_is_the_name_as_it_is_written() {
    use crate::domain::delivery_url::{SignatureKind, sign};
    let rig = acme().await;
    let secret: SecretString = "s3cr3t-acme".into();
    let signed = |to_sign: &str, kind| sign(to_sign, &secret, kind);
    // Python and Node escape differently and sign what they wrote
    for written in ["a(b).png", "a%28b%29.png"] {
        for kind in SignatureKind::ALL {
            let path = format!("/acme-demo/image/upload/s--{}--/{written}", signed(written, kind));
            assert_eq!(seen(&rig, None, &path).await.0, 200, "{path}");
        }
        let plain = format!("/acme-demo/image/upload/{written}");
        assert_eq!(seen(&rig, None, &plain).await.0, 200);
    }
    // the suffix is not signed, the version is not, and a folder that looks like one is
    let short = SignatureKind::Sha1Short;
    let card = signed("card.png", short);
    for path in [
        format!("image/authenticated/s--{card}--/card.png"),
        format!("image/authenticated/s--{card}--/v77/card.png"),
        format!("authenticated_images/s--{card}--/v1/card/summer.png"),
        format!("image/upload/s--{}--/kit/v2/x.png", signed("kit/v2/x.png", short)),
        format!("image/upload/s--{}--/v5/kit/v2/x.png", signed("kit/v2/x.png", short)),
        format!("image/upload/s--{}--/w_5/kit/v2/x.png", signed("w_5/kit/v2/x.png", short)),
    ] {
        assert_eq!(seen(&rig, None, &format!("/acme-demo/{path}")).await.0, 200, "{path}");
    }
}

#[tokio::test]
async fn a_token_opens_what_it_was_made_for() {
    let rig = acme().await;
    let key = "00112233ff99".to_owned().into();
    let path = "/acme-demo/image/authenticated/card.png";
    let exp = jiff::Timestamp::now().as_second() + 300;
    let token = |acl: &str, exp: i64| crate::local_cloud::world::token::made(acl, exp, &key);
    let ask =
        async |token: String| seen(&rig, None, &format!("{path}?__cld_token__={token}")).await.0;
    assert_eq!(ask(token("/acme-demo/image/authenticated/*", exp)).await, 200);
    // what an edge keeps ends with the token
    rig.local(reqwest::Method::POST, "clock", serde_json::json!({"advance": "301s"})).await;
    assert_eq!(ask(token("/acme-demo/image/authenticated/*", exp)).await, 401);
    let exp = exp + 600;
    assert_eq!(ask(token("/image/authenticated/*", exp)).await, 200, "as on a private host");
    assert_eq!(ask(token("/acme-demo/video/*", exp)).await, 401);
    assert_eq!(ask(token("/acme-demo/*", exp - 900)).await, 401);
}

#[rstest]
#[case::wrong_cloud(None, "/other/image/upload/sample.png", 401, "Unknown customer other")]
#[case::wrong_cloud_by_host(
    Some("other-res.cloudinary.com"),
    "/image/upload/sample.png",
    401,
    "Unknown customer other"
)]
#[case::root(None, "/", 404, "")]
#[case::missing(None, "/acme-demo/image/upload/nope.png", 404, "Resource not found - nope")]
#[case::social(None, "/acme-demo/image/facebook/zuck.jpg", 404, "Resource not found - zuck")]
#[case::no_cloud(None, "/image/upload/sample.png", 404, "")]
#[case::escape(None, "/acme-demo/image/upload/%ff.png", 400, "Invalid URL")]
#[case::component(
    None,
    "/acme-demo/image/upload/press/v1/sample.png",
    400,
    "Invalid transformation component - press"
)]
#[case::named(None, "/acme-demo/image/upload/t_x/sample.png", 400, "Unknown transformation t_x")]
#[case::format(
    None,
    "/acme-demo/image/upload/f_exe/sample.png",
    400,
    "Invalid format in transformation: exe"
)]
#[tokio::test]
async fn refusals_say_why(
    #[case] host: Option<&str>,
    #[case] path: &str,
    #[case] status: u16,
    #[case] error: &str,
) {
    let rig = acme().await;
    assert_eq!(seen(&rig, host, path).await, (status, error.to_owned()));
}

#[tokio::test]
async fn all_hosts_of_the_cloud_share_their_copies() {
    let rig = acme().await;
    let ask = async |host: Option<&str>, path: &str| {
        let call = rig.http.get(rig.edge(0, path));
        let call = if let Some(host) = host { call.header("Host", host) } else { call };
        let response = call.send().await.unwrap();
        assert_eq!(response.status(), 200, "{host:?} {path}");
        header(&response, "x-cache").to_owned()
    };
    let own = "/image/upload/v1/press/kit/hero.png";
    let shared = format!("/acme-demo{own}");
    assert_eq!(ask(None, &shared).await, "MISS");
    for host in [
        "res.cloudinary.com",
        "res-5.cloudinary.com",
        "resa.cloudinary.com",
        "resc.cloudinary.com",
        "resf.cloudinary.com:4001",
        "cloudinary-a.akamaihd.net",
        "d3jpl91pxevbkh.cloudfront.net",
        "media.acme.test",
    ] {
        assert_eq!(ask(Some(host), &shared).await, "HIT", "{host}");
    }
    for host in
        ["acme-demo-res.cloudinary.com", "acme-demo-res-3.cloudinary.com", "a2.media.acme.test"]
    {
        assert_eq!(ask(Some(host), own).await, "HIT", "{host}");
    }
    // forms of path and versions are copies of their own, all with the newest content
    for path in ["/v9/press/kit/hero.png", "/iu/press/kit/hero.png", "/files/notes.txt/readme"] {
        assert_eq!(ask(None, &format!("/acme-demo{path}")).await, "MISS", "{path}");
    }
    let folders = "/acme-demo/image/upload/press/%C3%A9t%C3%A9%202026/a.png";
    assert_eq!(ask(None, folders).await, "MISS");
}
