//! What must hold for every URL.

use super::*;

fn segment() -> impl Strategy<Value = String> {
    "[a-zA-Zéß0-9_.,()'!~*$&=:;@-][a-zA-Zéß 0-9_.,()'!~*$&=:;@-]{0,8}"
        .prop_filter("dots never reach a cache", |text| {
            !text.trim_end().trim_matches('.').is_empty()
        })
        .prop_filter("reads as a signature", |text| !text.starts_with("s--"))
}

fn public_id() -> impl Strategy<Value = String> {
    prop::collection::vec(segment(), 1..4)
        .prop_map(|segments| segments.join("/").trim_end().to_owned())
}

fn host() -> impl Strategy<Value = DeliveryHost> {
    let custom =
        |cloud_in_path| DeliveryHost::Custom { host: "media.acme.test".into(), cloud_in_path };
    prop_oneof![
        Just(DeliveryHost::Shared),
        (1..=5_u8).prop_map(DeliveryHost::Shard),
        Just(DeliveryHost::Private),
        (1..=5_u8).prop_map(DeliveryHost::PrivateShard),
        Just(DeliveryHost::VendorPinned("resf".into())),
        any::<bool>().prop_map(custom),
    ]
}

fn url() -> impl Strategy<Value = DeliveryUrl> {
    let types =
        (0..3_usize, prop::sample::select(vec![DeliveryType::Upload, DeliveryType::Private]));
    let chain = prop::collection::vec(
        prop::sample::select(vec!["w_300", "c_fill,g_auto", "t_thumb", "$w_1", "l_text:a_1:b%20c"]),
        0..3,
    );
    let version = prop::option::of(prop_oneof![Just(1), 2..2_000_000_000_u64]);
    let extension = prop::option::of(prop::sample::select(vec!["jpg", "png", "mp4"]));
    let rest = (host(), any::<bool>(), any::<bool>(), prop::option::of("[a-z_=&]{0,9}"));
    (types, public_id(), chain, version, extension, rest).prop_map(
        |((rt, dt), id, chain, version, extension, (host, https, sign, query))| {
            let asset = key(ResourceType::ALL[rt], dt, &id);
            let mut url = DeliveryUrl::original(&account(), &asset, extension).at_host(host);
            url = chain.iter().fold(url, |url, link| url.with_transformation(link));
            url = version.map_or(url.clone(), |version| url.with_version(version));
            url = query.map_or(url.clone(), |query| url.with_query(&query));
            url.https = https;
            if sign { url.signed(&secret(), SignatureKind::Sha1Short) } else { url }
        },
    )
}

proptest! {
    #[test]
    fn what_is_built_reads_back_the_same(url in url()) {
        let read = DeliveryUrl::parse_as(&url.canonical(), &account(), &url.asset).unwrap();
        prop_assert_eq!(read.canonical(), url.canonical());
        prop_assert_eq!(&read.asset, &url.asset);
        prop_assert_eq!(read.signature.is_some(), url.verify(&secret()));
    }

    #[test]
    fn every_reading_has_the_same_cache_key(url in url()) {
        for reading in DeliveryUrl::parse_all(&url.canonical(), &account()).unwrap() {
            prop_assert_eq!(reading.path(), url.path());
        }
    }

    #[test]
    fn the_serialised_form_is_lossless(url in url()) {
        let json = serde_json::to_string(&url).unwrap();
        prop_assert_eq!(serde_json::from_str::<DeliveryUrl>(&json).unwrap(), url);
    }

    #[test]
    fn the_text_form_is_lossless(raw in "/demo/(image/upload/|raw/private/|iu/|images/)?[ -~é]{0,40}") {
        if let Ok(url) = DeliveryUrl::parse_path(&raw, Some("demo")) {
            let text = url.to_string();
            let read = DeliveryUrl::parse_as(&text, &Account::named("demo"), &url.asset);
            prop_assert_eq!(read, Ok(url));
        }
    }

    #[test]
    fn nothing_panics(raw in any::<String>(), tail in "[ -~]{0,60}") {
        for text in [&raw, &format!("https://res.cloudinary.com/demo/{tail}"), &format!("127.0.0.1:4001{tail}")] {
            if let Ok(url) = DeliveryUrl::parse(text, &local()) {
                prop_assert!(url.path().starts_with('/') && url.path().is_ascii());
                prop_assert!(!url.masked().is_empty());
            }
            let _ = DeliveryUrl::readings(text, None);
            let _ = DeliveryUrl::looks_like_url(text, &local());
        }
    }

    #[test]
    fn references_are_new_keys_below_the_real_version(real in 1_300_000_000..2_000_000_000_u64, random: u64) {
        let reference = reference_path(&hero(), real, random);
        let version = reference.version.unwrap();
        prop_assert!(version > 1 && version < 1_000_000_000);
        prop_assert_eq!(reference.without_version(), hero().without_version());
    }
}
