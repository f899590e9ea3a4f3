//! Every form of text that is a delivery URL, and what it is read as.

use super::*;
use DeliveryHost::{LegacyShared, Private, PrivateShard, Shard, Shared, VendorPinned};

fn custom(host: &str, cloud_in_path: bool) -> DeliveryHost {
    DeliveryHost::Custom { host: host.into(), cloud_in_path }
}

#[rstest]
#[case("https://res.cloudinary.com/acme-demo", Shared)]
#[case("https://res-3.cloudinary.com/acme-demo", Shard(3))]
#[case("https://acme-demo-res.cloudinary.com", Private)]
#[case("https://ACME-demo-res.cloudinary.com:443", Private)]
#[case("https://acme-demo-res-5.cloudinary.com", PrivateShard(5))]
#[case("https://resa.cloudinary.com/acme-demo", VendorPinned("resa".into()))]
#[case("https://resc.cloudinary.com/acme-demo", VendorPinned("resc".into()))]
#[case("https://resf.cloudinary.com/acme-demo", VendorPinned("resf".into()))]
#[case(
    "https://cloudinary-a.akamaihd.net/acme-demo",
    LegacyShared("cloudinary-a.akamaihd.net".into())
)]
#[case(
    "https://d3jpl91pxevbkh.cloudfront.net/acme-demo",
    LegacyShared("d3jpl91pxevbkh.cloudfront.net".into())
)]
#[case("https://media.acme.test", custom("media.acme.test", false))]
#[case("https://media.acme.test/acme-demo", custom("media.acme.test", true))]
#[case("http://a2.media.acme.test", custom("a2.media.acme.test", false))]
fn every_host(#[case] front: &str, #[case] host: DeliveryHost) {
    let url = parse(&format!("{front}/image/upload/c_fill,w_10/v7/press/hero.png"));
    assert_eq!(url.host, host);
    assert_eq!(url.cloud_name, "acme-demo");
    assert_eq!(url.asset, image("press/hero"));
    assert_eq!(url.transformations, ["c_fill,w_10"]);
    assert_eq!((url.version, url.extension.as_deref()), (Some(7), Some("png")));
    assert_eq!(url.https, front.starts_with("https"));
}

/// Transformations, version, public ID and extension of the likeliest reading.
#[rstest]
#[case("sample.jpg", "", None, "sample", Some("jpg"))]
#[case("sample", "", None, "sample", None)]
#[case("v1/press/kit/hero.jpg", "", Some(1), "press/kit/hero", Some("jpg"))]
#[case("v0/x.jpg", "", Some(0), "x", Some("jpg"))]
#[case("w_300/v12/x.jpg", "w_300", Some(12), "x", Some("jpg"))]
// With a version, everything before it is transformations.
#[case("press/kit/v12/x.jpg", "press/kit", Some(12), "x", Some("jpg"))]
#[case("c_scale,w_300/e_sepia/x/y.jpg", "c_scale,w_300/e_sepia", None, "x/y", Some("jpg"))]
#[case("t_thumb/x.jpg", "t_thumb", None, "x", Some("jpg"))]
#[case("$w_100,$h_50/w_$w/x.jpg", "$w_100,$h_50/w_$w", None, "x", Some("jpg"))]
#[case("if_w_gt_100,w_100/x", "if_w_gt_100,w_100", None, "x", None)]
#[case("a_b/c.jpg", "a_b", None, "c", Some("jpg"))]
// No parameter is called `press`, and `v7` at the end is a name.
#[case("press_kit/hero.jpg", "", None, "press_kit/hero", Some("jpg"))]
#[case("w_300,press_kit/hero.jpg", "", None, "w_300,press_kit/hero", Some("jpg"))]
#[case("w_300", "", None, "w_300", None)]
#[case("v7", "", None, "v7", None)]
#[case("v7.jpg", "", None, "v7", Some("jpg"))]
#[case("vacation/x.jpg", "", None, "vacation/x", Some("jpg"))]
// An ending that is no format belongs to the name.
#[case("v1/photo.2026", "", Some(1), "photo.2026", None)]
#[case("photo.2026.JPG", "", None, "photo.2026", Some("JPG"))]
#[case("folder.jpg/x", "", None, "folder.jpg/x", None)]
#[case("%C3%A9t%C3%A9%202026/a%26b.jpg", "", None, "été 2026/a&b", Some("jpg"))]
#[case("été 2026/a.jpg", "", None, "été 2026/a", Some("jpg"))]
#[case("v99999999999999999999/x", "", None, "v99999999999999999999/x", None)]
fn plain_paths(
    #[case] path: &str,
    #[case] chain: &str,
    #[case] version: Option<u64>,
    #[case] id: &str,
    #[case] extension: Option<&str>,
) {
    let url = parse(&format!("https://res.cloudinary.com/acme-demo/image/upload/{path}"));
    assert_eq!(url.transformations.join("/"), chain);
    assert_eq!(url.version, version);
    assert_eq!(url.asset, image(id));
    assert_eq!(url.extension.as_deref(), extension);
}

#[rstest]
#[case("video/upload/v1/a/clip.mp4", ResourceType::Video, DeliveryType::Upload, "a/clip")]
#[case("video/upload/so_2/clip.jpg", ResourceType::Video, DeliveryType::Upload, "clip")]
#[case("raw/upload/v5/doc.pdf", ResourceType::Raw, DeliveryType::Upload, "doc.pdf")]
#[case(
    "raw/private/s--abcdefgh--/doc.tar.gz",
    ResourceType::Raw,
    DeliveryType::Private,
    "doc.tar.gz"
)]
#[case("image/private/v5/x.jpg", ResourceType::Image, DeliveryType::Private, "x")]
#[case("image/list/v5/tag.json", ResourceType::Image, DeliveryType::List, "tag")]
#[case("image/facebook/w_5/6564.jpg", ResourceType::Image, DeliveryType::Facebook, "6564")]
#[case("images/press/hero/launch.jpg", ResourceType::Image, DeliveryType::Upload, "press/hero")]
#[case("private_images/v5/hero/launch", ResourceType::Image, DeliveryType::Private, "hero")]
#[case(
    "authenticated_images/w_5/hero/x.png",
    ResourceType::Image,
    DeliveryType::Authenticated,
    "hero"
)]
#[case("videos/v1/a/clip/launch.mp4", ResourceType::Video, DeliveryType::Upload, "a/clip")]
#[case("files/doc.pdf/brochure", ResourceType::Raw, DeliveryType::Upload, "doc.pdf")]
#[case("files/v5/doc/brochure.pdf", ResourceType::Raw, DeliveryType::Upload, "doc.pdf")]
#[case("iu/w_5/hero.jpg", ResourceType::Image, DeliveryType::Upload, "hero")]
#[case("w_5/hero.jpg", ResourceType::Image, DeliveryType::Upload, "hero")]
#[case("s--abcdefgh--/v1/press/hero.jpg", ResourceType::Image, DeliveryType::Upload, "press/hero")]
#[case("images/hero.jpg", ResourceType::Image, DeliveryType::Upload, "images/hero")]
fn types_and_forms(
    #[case] path: &str,
    #[case] resource_type: ResourceType,
    #[case] delivery_type: DeliveryType,
    #[case] id: &str,
) {
    let url = parse(&format!("https://res.cloudinary.com/acme-demo/{path}"));
    assert_eq!(url.asset, key(resource_type, delivery_type, id));
    assert_eq!(url.path(), format!("/acme-demo/{path}"));
}

#[rstest]
#[case("http://example.com/a%20b%3Fx%3D1", "http://example.com/a b?x=1", "", None)]
#[case("https://example.com/a.jpg?x=1", "https://example.com/a.jpg", "", None)]
#[case(
    "w_9,c_fit/v3/https%3A%2F%2Fexample.com%2Fa.jpg",
    "https://example.com/a.jpg",
    "w_9,c_fit",
    Some(3)
)]
#[case(
    "f_auto/e_x/https://example.com/v5/w_1/a",
    "https://example.com/v5/w_1/a",
    "f_auto/e_x",
    None
)]
fn fetched(
    #[case] path: &str,
    #[case] remote: &str,
    #[case] chain: &str,
    #[case] version: Option<u64>,
) {
    let url = parse(&format!("https://res.cloudinary.com/acme-demo/image/fetch/{path}"));
    assert_eq!(url.asset.public_id.as_str(), remote);
    assert_eq!(url.asset.delivery_type, DeliveryType::Fetch);
    assert_eq!(url.transformations.join("/"), chain);
    assert_eq!((url.version, url.extension.as_deref()), (version, None));
    assert_eq!(url.path(), format!("/acme-demo/image/fetch/{path}"));
}

#[rstest]
#[case("  https://res.cloudinary.com/acme-demo/image/upload/x.jpg\n")]
#[case("<https://res.cloudinary.com/acme-demo/image/upload/x.jpg>,")]
#[case("\"https://res.cloudinary.com/acme-demo/image/upload/x.jpg\"")]
#[case("'https://res.cloudinary.com/acme-demo/image/upload/x.jpg';")]
#[case("(`https://res.cloudinary.com/acme-demo/image/upload/x.jpg`)")]
#[case("“https://res.cloudinary.com/acme-demo/image/upload/x.jpg”")]
#[case("res.cloudinary.com/acme-demo/image/upload/x.jpg")]
#[case("//res.cloudinary.com/acme-demo/image/upload/x.jpg")]
#[case("HTTPS://RES.Cloudinary.com:443/acme-demo/image/upload/x.jpg#top")]
fn as_pasted_from_a_ticket(#[case] raw: &str) {
    assert_eq!(parse(raw), jpg("x"));
    assert!(DeliveryUrl::looks_like_url(raw, &account()));
}

#[rstest]
#[case("press/hero")]
#[case("hero.jpg")]
#[case("media.acme.test")]
#[case("a b/c")]
fn public_ids_look_like_no_url(#[case] raw: &str) {
    assert!(!DeliveryUrl::looks_like_url(raw, &account()));
}

#[test]
fn another_sdks_escaping_is_another_cache_key() {
    let node = "https://res.cloudinary.com/acme-demo/image/upload/v1/press/a(b)'s.jpg";
    let python = "https://res.cloudinary.com/acme-demo/image/upload/v1/press/a%28b%29%27s.jpg";
    assert_eq!(parse(node).asset, parse(python).asset);
    assert_eq!((parse(node).canonical(), parse(python).canonical()), (node.into(), python.into()));
    assert_eq!(parse(node).with_version(9).path(), "/acme-demo/image/upload/v9/press/a(b)'s.jpg");
    assert_ne!(parse(node).to_sign(), parse(python).to_sign());
}

#[test]
fn leading_zeros_make_another_cache_key_than_v1() {
    let url = parse("https://res.cloudinary.com/acme-demo/image/upload/v01/press/x.jpg");
    assert_eq!(url.version, Some(1));
    assert!(!url.is_v1());
    assert_eq!(url.path(), "/acme-demo/image/upload/v01/press/x.jpg");
    assert!(url.with_v1().is_v1());
}

#[test]
fn a_server_is_offered_every_reading() {
    let ids = |path: &str| -> Vec<String> {
        let readings = DeliveryUrl::readings(path, Some("demo")).unwrap();
        assert!(readings.iter().all(|url| url.path() == path));
        readings.iter().map(|url| url.asset.public_id.to_string()).collect()
    };
    assert_eq!(ids("/demo/image/upload/a_b/c"), ["c", "a_b/c"]);
    assert_eq!(ids("/demo/image/upload/a_b/c.jpg"), ["c", "c.jpg", "a_b/c", "a_b/c.jpg"]);
    assert_eq!(ids("/demo/image/upload/kit/v2/x"), ["x", "kit/v2/x"]);
    assert_eq!(ids("/demo/raw/upload/w_5/doc.pdf"), ["doc.pdf", "w_5/doc.pdf"]);
    assert_eq!(ids("/demo/images/a/b"), ["a", "images/a/b"]);
    assert_eq!(ids("/demo/files/a/b.pdf")[..2], ["a.pdf", "a"]);
}

#[test]
fn a_known_asset_decides_between_readings() {
    let raw = "https://res.cloudinary.com/acme-demo/image/upload/a_b/c.jpg";
    let url = DeliveryUrl::parse_as(raw, &account(), &image("a_b/c")).unwrap();
    assert_eq!((url.asset, url.extension.as_deref()), (image("a_b/c"), Some("jpg")));
    let other = DeliveryUrl::parse_as(raw, &account(), &image("elsewhere")).unwrap();
    assert_eq!(other.asset, image("c"));
}

#[rstest]
#[case("http://127.0.0.1:4001")]
#[case("http://127.0.0.1:4002")]
#[case("http://127.0.0.1:4000")]
#[case("http://localhost:4002")]
#[case("127.0.0.1:4001")]
#[case("https://res.cloudinary.com")]
#[case("http://res.cloudinary.com")]
fn a_local_cloud_has_one_url_for_all_its_addresses(#[case] front: &str) {
    let url = DeliveryUrl::parse(&format!("{front}/demo/image/upload/v5/x.jpg"), &local());
    let url = url.unwrap();
    assert!(url.https);
    assert_eq!(url.host, Shared);
    assert_eq!(url.render(&local()), "http://127.0.0.1:4001/demo/image/upload/v5/x.jpg");
    assert_eq!(url.to_string(), "https://res.cloudinary.com/demo/image/upload/v5/x.jpg");
    assert_eq!(DeliveryUrl::parse(&url.to_string(), &local()), Ok(url));
}

#[rstest]
#[case("res.cloudinary.com", "/demo/image/upload/x.jpg", "/demo/image/upload/x.jpg")]
#[case("127.0.0.1:4001", "/demo/image/upload/x.jpg", "/demo/image/upload/x.jpg")]
#[case("localhost:4001", "/image/upload/x.jpg", "/image/upload/x.jpg")]
#[case("[::1]:4001", "/image/upload/x.jpg", "/image/upload/x.jpg")]
#[case("res-3.cloudinary.com", "/demo/image/upload/x.jpg", "/demo/image/upload/x.jpg")]
#[case("resf.cloudinary.com:4001", "/demo/v1/a/x.jpg", "/demo/v1/a/x.jpg")]
#[case("cloudinary-a.akamaihd.net", "/demo/iu/x.jpg", "/demo/iu/x.jpg")]
#[case("demo-res.cloudinary.com", "/v1/a/x.jpg?_a=1", "/demo/v1/a/x.jpg?_a=1")]
#[case("DEMO-res-5.cloudinary.com:80", "/images/a/x.jpg", "/demo/images/a/x.jpg")]
#[case("other-res.cloudinary.com", "/image/upload/x.jpg", "/other/image/upload/x.jpg")]
#[case("media.acme.test:8080", "/image/upload/x.jpg", "/demo/image/upload/x.jpg")]
#[case("media.acme.test", "/v1/a/x.jpg", "/demo/v1/a/x.jpg")]
#[case("a2.media.acme.test", "/demo/image/upload/x.jpg", "/demo/image/upload/x.jpg")]
#[case("media.acme.test", "/other/image/upload/x.jpg", "/other/image/upload/x.jpg")]
#[case("api.cloudinary.com", "/image/upload/x.jpg", "/image/upload/x.jpg")]
#[case("", "/x", "/x")]
fn a_server_reads_every_host_as_the_shared_one(
    #[case] host: &str,
    #[case] target: &str,
    #[case] read: &str,
) {
    assert_eq!(shared_target(host, target, "demo"), read);
}

#[test]
fn a_signature_is_hidden_wherever_it_stands() {
    let pasted =
        "https://res.cloudinary.com/acme-demo/image/upload/s--AbCdEfGh--/a/s--AbCdEfGh--/hero.jpg";
    let url = DeliveryUrl::parse(pasted, &account()).unwrap();
    assert!(url.signature.is_some());
    assert!(!url.masked().contains("AbCdEfGh"), "{}", url.masked());
}
