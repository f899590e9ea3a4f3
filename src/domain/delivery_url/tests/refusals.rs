//! Texts that are no delivery URL of the account.

use super::*;

#[rstest]
#[case("", "there is no URL")]
#[case("<>", "there is no URL")]
#[case("ftp://res.cloudinary.com/acme-demo/image/upload/x.jpg", "`ftp` is no web address")]
#[case("https://res.cloudinary.com/other/image/upload/x.jpg", "belongs to the cloud `other`")]
#[case("https://other-res.cloudinary.com/image/upload/x.jpg", "belongs to the cloud `other`")]
#[case("https://media.acme.test/other/image/upload/x.jpg", "belongs to the cloud `other`")]
#[case("https://cdn.example.com/acme-demo/image/upload/x.jpg", "add it to the profile's `hosts`")]
#[case("https://res-6.cloudinary.com/acme-demo/image/upload/x.jpg", "delivers no assets")]
#[case("https://console.cloudinary.com/console/c-1/media", "copy the asset's own link")]
#[case("https://res.cloudinary.com.evil.test/acme-demo/image/upload/x.jpg", "delivers nothing")]
#[case(
    "https://res.cloudinary.com@evil.test/acme-demo/image/upload/x.jpg",
    "remove what stands before `@`"
)]
#[case("https://res.cloudinary.com:8443/acme-demo/image/upload/x.jpg", "delivers no assets")]
#[case("https://res.cloudinary.com/image/upload/x.jpg", "the cloud's name is missing")]
#[case("https://res.cloudinary.com/", "the cloud's name is missing")]
#[case("https://res.cloudinary.com/acme-demo/imgae/upload/x.jpg", "`imgae` is no resource type")]
#[case("https://res.cloudinary.com/acme-demo/image/uplaod/x.jpg", "`uplaod` is no delivery type")]
#[case("https://res.cloudinary.com/acme-demo/image/upload/", "names no asset")]
#[case("https://res.cloudinary.com/acme-demo/image", "names no asset")]
#[case("https://res.cloudinary.com/acme-demo", "names no asset")]
#[case("https://res.cloudinary.com/acme-demo/image/upload/w_300/", "names no asset")]
#[case("https://res.cloudinary.com/acme-demo/image/upload/a/", "neither begins nor ends")]
#[case(
    "https://res.cloudinary.com/acme-demo/image/fetch/example.com/a.jpg",
    "address of the remote file"
)]
#[case("https://res.cloudinary.com/acme-demo/image/upload/%zz.jpg", "not percent-escaped")]
#[case("https://res.cloudinary.com/acme-demo/image/upload/%ff.jpg", "not percent-escaped")]
#[case("https://res.cloudinary.com/acme-demo/image/upload/a%0Ab.jpg", "no valid public ID")]
#[case("https://res.cloudinary.com/acme-demo/image/upload/a\nb.jpg", "in one piece")]
#[case("https://res.cloudinary.com/acme-demo/image/upload/a/../b.jpg", "without it")]
#[case("https://res.cloudinary.com/acme-demo/image/upload/a/%2e%2E/b.jpg", "without it")]
fn say_what_is_wrong_and_what_to_do(#[case] raw: &str, #[case] said: &str) {
    let message = DeliveryUrl::parse(raw, &account()).unwrap_err().to_string();
    assert!(message.contains(said), "{message}");
}

#[test]
fn another_cloud_is_named_with_both_names() {
    let error = DeliveryUrl::parse_path("/other/image/upload/x.jpg", Some("demo")).unwrap_err();
    let other = BadDeliveryUrl::OtherCloud { found: "other".into(), expected: "demo".into() };
    assert_eq!(error, other);
    assert!(DeliveryUrl::parse_path("/other/image/upload/x.jpg", None).is_ok());
}

#[test]
fn a_local_address_that_is_no_edge_may_be_an_elder_cloud() {
    let raw = "http://127.0.0.1:9999/demo/image/upload/x.jpg";
    let error = DeliveryUrl::parse(raw, &local()).unwrap_err();
    assert_eq!(error, BadDeliveryUrl::NotAnEdge { authority: "127.0.0.1:9999".into() });
}

#[test]
fn nothing_unsafe_is_repeated() {
    let error = DeliveryUrl::parse("https://ev\u{202e}il.test/x/image/upload/y", &account());
    assert!(!error.unwrap_err().to_string().contains('\u{202e}'));
}
