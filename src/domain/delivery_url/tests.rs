//! Delivery URLs as they are built; the other modules read them.

mod properties;
mod reading;
mod refusals;
mod vectors;

use proptest::prelude::*;
use rstest::rstest;
use secrecy::SecretString;

use super::*;
use crate::domain::account::{Account, LocalDelivery};
use crate::domain::asset::ResourceType;
use crate::domain::public_id::PublicId;

const VERSION: u64 = 1_767_225_600;

fn account() -> Account {
    Account { own_hosts: vec!["media.acme.test".into()], ..Account::named("acme-demo") }
}

fn local() -> Account {
    let local = LocalDelivery {
        instance: "one".into(),
        edges: vec!["127.0.0.1:4001".into(), "127.0.0.1:4002".into()],
        origin: "127.0.0.1:4000".into(),
    };
    Account { local: Some(local), ..Account::named("demo") }
}

fn secret() -> SecretString {
    "s3cr3t-acme".to_owned().into()
}

fn key(resource_type: ResourceType, delivery_type: DeliveryType, id: &str) -> AssetKey {
    AssetKey { resource_type, delivery_type, public_id: PublicId::from_cloud(id).unwrap() }
}

fn image(id: &str) -> AssetKey {
    key(ResourceType::Image, DeliveryType::Upload, id)
}

fn jpg(id: &str) -> DeliveryUrl {
    DeliveryUrl::original(&account(), &image(id), Some("jpg"))
}

fn hero() -> DeliveryUrl {
    jpg("press/kit/hero").with_forced_version()
}

fn parse(raw: &str) -> DeliveryUrl {
    DeliveryUrl::parse(raw, &account()).unwrap()
}

mod building {
    use super::*;

    #[rstest]
    #[case("sample", None)]
    #[case("press/hero", Some(1))]
    #[case("v12/hero", None)]
    #[case("v12hero/x", None)]
    #[case("vine/x", Some(1))]
    fn v1_is_forced_as_the_sdks_do(#[case] id: &str, #[case] version: Option<u64>) {
        assert_eq!(jpg(id).with_forced_version().version, version);
        assert_eq!(jpg(id).with_version(9).with_forced_version().version, Some(9));
    }

    #[test]
    fn raw_and_fetched_assets_have_no_extension_of_their_own() {
        let raw = key(ResourceType::Raw, DeliveryType::Upload, "doc.pdf");
        let url = DeliveryUrl::original(&account(), &raw, Some("pdf"));
        assert_eq!(url.path(), "/acme-demo/raw/upload/doc.pdf");
    }

    #[test]
    fn transformations_are_made_fit_for_the_wire() {
        let url = jpg("x").with_transformation("l_text:Arial_20:é ü/e_sepia");
        assert_eq!(
            url.path(),
            "/acme-demo/image/upload/l_text:Arial_20:%C3%A9%20%C3%BC/e_sepia/x.jpg"
        );
    }

    #[test]
    fn credentials_are_masked() {
        let url = jpg("x").signed(&secret(), SignatureKind::Sha256Long);
        let url = url.with_query("__cld_token__=exp=1~hmac=abc&_a=B");
        assert!(url.has_credentials() && url.is_restricted());
        assert!(!jpg("x").is_restricted());
        assert_eq!(
            url.masked(),
            "https://res.cloudinary.com/acme-demo/image/upload/s--********************************--/x.jpg?__cld_token__=***&_a=B"
        );
    }

    #[test]
    fn only_unsigned_urls_of_the_same_kind_pass_to_another_name() {
        let to = image("new");
        assert_eq!(hero().for_asset(&to).unwrap().path(), "/acme-demo/image/upload/v1/new.jpg");
        assert_eq!(hero().signed(&secret(), SignatureKind::Sha1Short).for_asset(&to), None);
        let private = key(ResourceType::Image, DeliveryType::Private, "new");
        assert_eq!(hero().in_form(PathForm::Root).for_asset(&private), None);
        assert!(hero().for_asset(&private).is_some());
        assert_eq!(hero().for_asset(&key(ResourceType::Raw, DeliveryType::Upload, "new")), None);
    }

    #[rstest]
    #[case("f_auto", true, true)]
    #[case("c_fill,f_auto:animated", true, true)]
    #[case("q_auto:best/w_300", true, false)]
    #[case("w_auto", true, false)]
    #[case("f_png,w_300", false, false)]
    fn automatic_parameters(#[case] chain: &str, #[case] automatic: bool, #[case] by_accept: bool) {
        let url = jpg("x").with_transformation(chain);
        assert_eq!((url.is_automatic(), url.has_automatic_format()), (automatic, by_accept));
    }

    #[test]
    fn tiny_versions_have_a_reference_too() {
        assert_eq!(reference_path(&hero(), 3, 77).version, Some(2));
        assert_eq!(reference_path(&hero(), 2, 77).version, Some(0));
    }
}
