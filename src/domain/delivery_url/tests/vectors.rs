//! The vectors of facts §4.4, built and read back.

use super::*;
use SignatureKind::{Sha1Short, Sha256Long, Sha256Short};

/// Builds as the vector says, and reads the vector back to the same URL.
#[track_caller]
fn assert_path(built: &DeliveryUrl, path: &str) {
    assert_eq!(built.path(), path);
    assert_eq!(parse(&format!("https://{}{path}", built.host_name())), *built);
}

#[rstest]
#[case(jpg("sample").with_forced_version(), "/acme-demo/image/upload/sample.jpg")]
#[case(hero(), "/acme-demo/image/upload/v1/press/kit/hero.jpg")]
#[case(jpg("press/kit/hero"), "/acme-demo/image/upload/press/kit/hero.jpg")]
#[case(
    jpg("press/kit/hero").with_version(VERSION).with_forced_version(),
    "/acme-demo/image/upload/v1767225600/press/kit/hero.jpg"
)]
#[case(hero().in_form(PathForm::Short), "/acme-demo/iu/v1/press/kit/hero.jpg")]
fn plain(#[case] built: DeliveryUrl, #[case] path: &str) {
    assert_path(&built, path);
}

#[rstest]
#[case(hero(), Sha1Short, "/acme-demo/image/upload/s--7q-7iA0T--/v1/press/kit/hero.jpg")]
#[case(
    hero().with_version(VERSION),
    Sha1Short,
    "/acme-demo/image/upload/s--7q-7iA0T--/v1767225600/press/kit/hero.jpg"
)]
#[case(hero(), Sha256Short, "/acme-demo/image/upload/s--1vjeV9VR--/v1/press/kit/hero.jpg")]
#[case(
    hero(),
    Sha256Long,
    "/acme-demo/image/upload/s--1vjeV9VRSNTULK3uheE9mJ0Rbi6sMjcX--/v1/press/kit/hero.jpg"
)]
#[case(
    hero().with_transformation("c_scale,w_300"),
    Sha1Short,
    "/acme-demo/image/upload/s--zE3ygRAk--/c_scale,w_300/v1/press/kit/hero.jpg"
)]
#[case(
    hero().with_transformation("c_scale,w_300"),
    Sha256Long,
    "/acme-demo/image/upload/s--XIYfTvrIp6Pwz6Wr7_HM2YEGQhb6ea_k--/c_scale,w_300/v1/press/kit/hero.jpg"
)]
#[case(
    jpg("été 2026/a&b").with_v1(),
    Sha1Short,
    "/acme-demo/image/upload/s--2fAqBWoI--/v1/%C3%A9t%C3%A9%202026/a%26b.jpg"
)]
#[case(
    DeliveryUrl::original(
        &account(),
        &key(ResourceType::Raw, DeliveryType::Authenticated, "doc.pdf"),
        None,
    )
    .with_forced_version(),
    Sha1Short,
    "/acme-demo/raw/authenticated/s--bRGEJCYR--/doc.pdf"
)]
fn signed(#[case] built: DeliveryUrl, #[case] kind: SignatureKind, #[case] path: &str) {
    let built = built.signed(&secret(), kind);
    assert_path(&built, path);
    assert!(built.verify(&secret()));
    assert!(!built.verify(&"another".to_owned().into()));
}

#[test]
fn seo_suffix_on_a_private_cdn() {
    let built = hero().at_host(DeliveryHost::Private).with_suffix("spring-launch").unwrap();
    let url = "https://acme-demo-res.cloudinary.com/images/v1/press/kit/hero/spring-launch.jpg";
    assert_eq!(built.canonical(), url);
    assert_eq!(parse(url), built);
    assert_eq!(built.to_sign(), "press/kit/hero.jpg");
}

#[test]
fn root_path_on_a_private_cdn() {
    let built = hero().at_host(DeliveryHost::Private).in_form(PathForm::Root);
    let url = "https://acme-demo-res.cloudinary.com/v1/press/kit/hero.jpg";
    assert_eq!(built.canonical(), url);
    assert_eq!(parse(url), built);
}

#[rstest]
#[case(false, "https://media.acme.test/image/upload/v1/press/kit/hero.jpg")]
#[case(true, "https://media.acme.test/acme-demo/image/upload/v1/press/kit/hero.jpg")]
fn own_host(#[case] cloud_in_path: bool, #[case] url: &str) {
    let host = DeliveryHost::Custom { host: "media.acme.test".into(), cloud_in_path };
    let built = hero().at_host(host);
    assert_eq!(built.canonical(), url);
    assert_eq!(parse(url), built);
}

#[test]
fn shard() {
    let built = jpg("press/kit/hero").with_v1().sharded();
    assert_eq!(built.host, DeliveryHost::Shard(1));
    assert_eq!(built.host_name(), "res-1.cloudinary.com");
}

#[test]
fn fetch() {
    let id = PublicId::of_fetch("http://example.com/a b?x=1").unwrap();
    let asset = AssetKey {
        resource_type: ResourceType::Image,
        delivery_type: DeliveryType::Fetch,
        public_id: id,
    };
    let built = DeliveryUrl::original(&account(), &asset, None).with_forced_version();
    assert_path(&built, "/acme-demo/image/fetch/http://example.com/a%20b%3Fx%3D1");
}
