//! Every row of design §2.1 for every kind of account.

use rstest::rstest;

use super::*;
use crate::domain::account::LocalDelivery;
use crate::domain::asset::{DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;
use CoverageReason as Why;

const CURRENT: u64 = 1_767_225_600;
const EARLIER: u64 = 1_700_000_000;

fn account(kind: InvalidationKind) -> Account {
    let own_hosts = vec!["media.acme.test".to_owned()];
    Account { invalidation: kind, own_hosts, ..Account::named("acme-demo") }
}

fn image(id: &str) -> AssetKey {
    AssetKey::image(PublicId::from_cloud(id).unwrap())
}

fn read(url: &str) -> DeliveryUrl {
    let url = url.replace("SHARED", "https://res.cloudinary.com/acme-demo");
    DeliveryUrl::parse(&url, &account(InvalidationKind::Unknown)).unwrap()
}

/// The verdict of a purge in short: `+` covered, `- reason` not covered, `? reason` uncertain.
fn short(reached: &Coverage) -> String {
    match reached {
        Coverage::Covered => "+".to_owned(),
        Coverage::NotCovered(reason) => format!("- {}", reason.word()),
        Coverage::Uncertain(reason) => format!("? {}", reason.word()),
    }
}

fn purge(kind: InvalidationKind, url: &DeliveryUrl) -> String {
    let facts = CoverageFacts::unchanged(&url.asset, Some(CURRENT));
    short(&coverage(url, &facts, &account(kind), Call::Explicit))
}

/// One URL, and the verdicts of the four known kinds: surrogate, legacy, legacy-unversioned, legacy-versioned.
#[rstest]
// Originals by version, without and with a slash.
#[case("SHARED/image/upload/sample.jpg", ["+", "+", "+", "- unversioned"])]
#[case("SHARED/image/upload/v1/sample.jpg", ["+", "- versioned", "- versioned", "- v1"])]
#[case("SHARED/image/upload/v1767225600/sample.jpg", ["+", "- versioned", "- versioned", "+"])]
#[case("SHARED/image/upload/v1700000000/sample.jpg", ["+", "- versioned", "- versioned", "- earlier_version"])]
#[case("SHARED/image/upload/press/hero.jpg", ["+", "- unversioned", "+", "- unversioned"])]
#[case("SHARED/image/upload/v1/press/hero.jpg", ["+", "+", "- versioned", "- v1"])]
#[case("SHARED/image/upload/v01/press/hero.jpg", ["+", "- not_v1", "- versioned", "- earlier_version"])]
#[case("SHARED/image/upload/v1767225600/press/hero.jpg", ["+", "- not_v1", "- versioned", "+"])]
#[case("SHARED/image/upload/v1700000000/press/hero.jpg", ["+", "- not_v1", "- versioned", "- earlier_version"])]
// Derived copies follow the same rows.
#[case("SHARED/image/upload/c_fill,w_9/sample.jpg", ["+", "+", "+", "- unversioned"])]
#[case("SHARED/image/upload/c_fill,w_9/v1/press/hero.jpg", ["+", "+", "- versioned", "- v1"])]
#[case("SHARED/image/upload/w_9/v1767225600/sample.jpg", ["+", "- versioned", "- versioned", "+"])]
#[case("SHARED/video/upload/clip.mp4", ["+", "+", "+", "- unversioned"])]
#[case("SHARED/raw/upload/v1/docs/a.pdf", ["+", "+", "- versioned", "- v1"])]
// Signed.
#[case("SHARED/image/upload/s--abcdefgh--/sample.jpg", ["? signed", "- signed", "- signed", "- signed"])]
#[case("SHARED/image/private/s--abcdefgh--/v1767225600/a/b.jpg", ["? signed", "- signed", "- signed", "- signed"])]
#[case("SHARED/image/upload/sample.jpg?__cld_token__=exp=1~hmac=a", ["? token", "? token", "? token", "- unversioned"])]
// Other hosts.
#[case("https://res-2.cloudinary.com/acme-demo/image/upload/sample.jpg", ["? other_host", "? other_host", "? other_host", "- unversioned"])]
#[case("https://acme-demo-res.cloudinary.com/image/upload/sample.jpg", ["? other_host", "? other_host", "? other_host", "- unversioned"])]
#[case("https://acme-demo-res-4.cloudinary.com/image/upload/v1/a/b.jpg", ["? other_host", "? other_host", "- versioned", "- v1"])]
#[case("https://media.acme.test/image/upload/v1767225600/sample.jpg", ["? other_host", "- versioned", "- versioned", "? other_host"])]
#[case("https://resc.cloudinary.com/acme-demo/image/upload/sample.jpg", ["? other_host", "? other_host", "? other_host", "- unversioned"])]
#[case("https://cloudinary-a.akamaihd.net/acme-demo/image/upload/sample.jpg", ["? other_host", "? other_host", "? other_host", "- unversioned"])]
#[case("http://res.cloudinary.com/acme-demo/image/upload/sample.jpg", ["? plain_http", "? plain_http", "? plain_http", "- unversioned"])]
// Other forms of the path.
#[case("SHARED/images/hero/launch.jpg", ["? path_form", "? path_form", "? path_form", "- unversioned"])]
#[case("SHARED/v1767225600/sample.jpg", ["? path_form", "- versioned", "- versioned", "? path_form"])]
#[case("SHARED/sample.jpg", ["? path_form", "? path_form", "? path_form", "- unversioned"])]
#[case("SHARED/iu/v1/press/hero.jpg", ["? path_form", "? path_form", "- versioned", "- v1"])]
// Queries and variants trouble rules, not surrogate keys.
#[case("SHARED/image/upload/sample.jpg?_a=BAT", ["+", "? query", "? query", "- unversioned"])]
#[case("SHARED/image/upload/f_auto/sample.jpg", ["+", "? automatic", "? automatic", "- unversioned"])]
#[case("SHARED/image/upload/c_fill,q_auto/v1767225600/sample.jpg", ["+", "- versioned", "- versioned", "? automatic"])]
#[case("SHARED/image/upload/t_thumb/v1/press/hero.jpg", ["+", "? named_transformation", "- versioned", "- v1"])]
// The slashes of a remote address.
#[case("SHARED/image/fetch/https://example.com/a.jpg", ["+", "? remote_file", "+", "- unversioned"])]
#[case("SHARED/image/fetch/v1/https://example.com/a.jpg", ["+", "+", "- versioned", "- v1"])]
fn every_row_of_the_table(#[case] url: &str, #[case] verdicts: [&str; 4]) {
    let url = read(url);
    let kinds = &InvalidationKind::ALL[..4];
    assert_eq!(kinds.iter().map(|kind| purge(*kind, &url)).collect::<Vec<_>>(), verdicts);
    // Of these four, no URL is treated alike by all: without the kind nothing is certain.
    assert_eq!(purge(InvalidationKind::Unknown, &url), "? unknown_kind");
}

#[rstest]
#[case(Some(CURRENT), None, CURRENT, "+")]
#[case(Some(CURRENT), None, EARLIER, "- earlier_version")]
#[case(Some(CURRENT), None, CURRENT + 1, "- earlier_version")]
// A replacement: whether the rule means the new or the replaced version is not documented.
#[case(None, Some(EARLIER), EARLIER, "? replaced_version")]
#[case(Some(CURRENT), Some(EARLIER), EARLIER, "? replaced_version")]
#[case(Some(CURRENT), Some(EARLIER), CURRENT, "+")]
#[case(Some(CURRENT), Some(EARLIER), EARLIER - 1, "- earlier_version")]
#[case(None, Some(EARLIER), EARLIER - 1, "- earlier_version")]
#[case(None, Some(EARLIER), CURRENT, "? version_unknown")]
#[case(None, None, CURRENT, "? version_unknown")]
fn most_recent_version(
    #[case] current_version: Option<u64>,
    #[case] replaced_version: Option<u64>,
    #[case] in_url: u64,
    #[case] verdict: &str,
) {
    let url = read("SHARED/image/upload/sample.jpg").with_version(in_url);
    let facts = CoverageFacts { key: &url.asset, current_version, replaced_version };
    let account = account(InvalidationKind::LegacyVersioned);
    assert_eq!(short(&coverage(&url, &facts, &account, Call::Upload)), verdict);
}

#[rstest]
fn what_no_kind_of_account_reaches(
    #[values(
        InvalidationKind::Surrogate,
        InvalidationKind::Legacy,
        InvalidationKind::LegacyUnversioned,
        InvalidationKind::LegacyVersioned,
        InvalidationKind::Unknown
    )]
    kind: InvalidationKind,
) {
    let (old, new) = (image("old"), image("new"));
    let account = account(kind);
    let url = |key| DeliveryUrl::original(&account, key, Some("jpg"));
    let facts = CoverageFacts::unchanged(&old, Some(CURRENT));
    let reached = |key, call| coverage(&url(key), &facts, &account, call);
    let rename = |overwritten| Call::Rename { to: &new, overwritten };

    assert_eq!(reached(&old, Call::Restore), Coverage::NotCovered(Why::Restored));
    assert_eq!(reached(&new, rename(false)), Coverage::NotCovered(Why::NewName));
    assert_eq!(reached(&new, Call::Destroy), Coverage::NotCovered(Why::OtherAsset));
    assert_eq!(reached(&old, Call::AdminBulk), Coverage::NotCovered(Why::BulkInvalidationOff));
    // The old name of a rename and everything else goes by the account's kind.
    for call in [rename(false), rename(true), Call::Destroy, Call::Upload] {
        assert_eq!(reached(&old, call), reached(&old, Call::Explicit));
    }
}

#[rstest]
#[case(InvalidationKind::Surrogate, "? overwritten_target")]
#[case(InvalidationKind::Legacy, "? overwritten_target")]
#[case(InvalidationKind::LegacyUnversioned, "? overwritten_target")]
#[case(InvalidationKind::LegacyVersioned, "- unversioned")]
#[case(InvalidationKind::Unknown, "? unknown_kind")]
fn an_overwritten_target_is_never_certain(#[case] kind: InvalidationKind, #[case] verdict: &str) {
    let (old, new) = (image("old"), image("new"));
    let url = DeliveryUrl::original(&account(kind), &new, None);
    let facts = CoverageFacts::unchanged(&old, Some(CURRENT));
    let call = Call::Rename { to: &new, overwritten: true };
    assert_eq!(short(&coverage(&url, &facts, &account(kind), call)), verdict);
}

#[rstest]
#[case(None, "- bulk_invalidation_off")]
#[case(Some(false), "- bulk_invalidation_off")]
#[case(Some(true), "+")]
fn bulk_deletes_reach_copies_only_where_that_is_switched_on(
    #[case] bulk_invalidation: Option<bool>,
    #[case] verdict: &str,
) {
    let url = read("SHARED/image/upload/sample.jpg");
    let account = Account { bulk_invalidation, ..account(InvalidationKind::Surrogate) };
    let facts = CoverageFacts::unchanged(&url.asset, Some(CURRENT));
    assert_eq!(short(&coverage(&url, &facts, &account, Call::AdminBulk)), verdict);
}

#[test]
fn addresses_of_a_local_cloud_count_as_the_shared_host() {
    let local = LocalDelivery {
        instance: "one".into(),
        edges: vec!["127.0.0.1:4001".into()],
        origin: "127.0.0.1:4000".into(),
    };
    let account = Account { local: Some(local), ..account(InvalidationKind::Surrogate) };
    for front in ["http://127.0.0.1:4001", "http://127.0.0.1:4000", "http://res.cloudinary.com"] {
        let url = format!("{front}/acme-demo/image/upload/v5/a.jpg");
        let url = DeliveryUrl::parse(&url, &account).unwrap();
        let facts = CoverageFacts::unchanged(&url.asset, Some(CURRENT));
        assert_eq!(coverage(&url, &facts, &account, Call::Explicit), Coverage::Covered);
    }
}

#[test]
fn an_api_path_becomes_the_call_that_invalidates() {
    let to = image("new");
    let of = |path| Call::of(path, Some(&to), false);
    assert_eq!(of(ApiPath::Rename), Call::Rename { to: &to, overwritten: false });
    assert_eq!(of(ApiPath::RestoreThenExplicit), Call::Explicit);
    assert_eq!(of(ApiPath::AdminBulk), Call::AdminBulk);
    assert_eq!(of(ApiPath::Destroy), Call::Destroy);
    assert_eq!(of(ApiPath::Upload), Call::Upload);
}

mod advice {
    use super::*;

    fn steps(kind: InvalidationKind, url: &DeliveryUrl, call: Call<'_>) -> Vec<NextStep> {
        let account = account(kind);
        let asset = CoverageFacts::unchanged(&url.asset, Some(CURRENT));
        let reached = coverage(url, &asset, &account, call);
        let circumstances = Circumstances { asset, account: &account, call, copy_life: COPY_LIFE };
        next_steps(url, &reached, &circumstances)
    }

    #[test]
    fn a_living_asset_has_a_url_that_passes_by_the_caches() {
        let url = read("SHARED/image/upload/w_9/press/hero.jpg");
        let steps = steps(InvalidationKind::Legacy, &url, Call::Explicit);
        let fresh =
            "https://res.cloudinary.com/acme-demo/image/upload/w_9/v1767225600/press/hero.jpg";
        let [NextStep::UseVersionedUrl { url, .. }, request, wait] = steps.as_slice() else {
            panic!("{steps:?}")
        };
        assert_eq!(url, fresh);
        assert!(
            request.to_copy().unwrap().contains(
                "  https://res.cloudinary.com/acme-demo/image/upload/w_9/press/hero.jpg\n"
            )
        );
        assert_eq!(
            wait.to_string(),
            "wait: a copy lives for up to 30 days at the CDN, and as long again in browsers"
        );
    }

    #[test]
    fn a_deleted_asset_has_none() {
        let url = read("SHARED/image/upload/press/hero.jpg");
        let steps = steps(InvalidationKind::Legacy, &url, Call::Destroy);
        assert!(matches!(steps[0], NextStep::ServiceRequest { .. }));
        assert_eq!(steps[1], NextStep::WaitOut { at_most_days: 30 });
    }

    #[test]
    fn signatures_are_shown_to_nobody_but_the_clipboard() {
        let url = read("SHARED/image/upload/s--abcdefgh--/press/hero.jpg");
        let step = &steps(InvalidationKind::Legacy, &url, Call::Explicit)[0];
        assert!(step.to_string().contains("s--********--/v1767225600/press/hero.jpg"), "{step}");
        assert!(step.to_copy().unwrap().contains("s--abcdefgh--"));
    }

    #[test]
    fn what_is_uncertain_is_watched() {
        let url = read("SHARED/images/hero/launch.jpg");
        let certain_kind = steps(InvalidationKind::Surrogate, &url, Call::Explicit);
        assert!(matches!(
            certain_kind.as_slice(),
            [NextStep::Watch, NextStep::ServiceRequest { .. }]
        ));
        let unknown_kind = steps(InvalidationKind::Unknown, &url, Call::Explicit);
        assert_eq!(unknown_kind, [NextStep::Watch, NextStep::SayKind]);
        let covered = read("SHARED/image/upload/hero.jpg");
        assert_eq!(steps(InvalidationKind::Surrogate, &covered, Call::Explicit), []);
    }

    #[rstest]
    #[case(None, 1)]
    #[case(Some(60), 1)]
    #[case(Some(86_400), 1)]
    #[case(Some(86_401), 2)]
    fn waiting_is_told_in_whole_days_never_too_few(
        #[case] seconds: Option<u64>,
        #[case] days: u64,
    ) {
        let url = read("SHARED/image/upload/v5/hero.jpg");
        let account = account(InvalidationKind::Legacy);
        let asset = CoverageFacts::unchanged(&url.asset, None);
        let copy_life = std::time::Duration::from_secs(seconds.unwrap_or(0));
        let call = Call::Destroy;
        let circumstances = Circumstances { asset, account: &account, call, copy_life };
        let reached = Coverage::NotCovered(Why::Versioned);
        let steps = next_steps(&url, &reached, &circumstances);
        assert_eq!(steps[1], NextStep::WaitOut { at_most_days: days });
    }

    #[test]
    fn a_service_request_lists_every_url() {
        let urls = [read("SHARED/image/upload/v5/a.jpg"), read("SHARED/raw/upload/v5/b.pdf")];
        let text = service_request(&account(InvalidationKind::Legacy), &urls);
        insta::assert_snapshot!(text, @r"
        Please invalidate the CDN copies of the URLs below. The API's own invalidation does not reach them.

        Cloud name: acme-demo
        URLs:
          https://res.cloudinary.com/acme-demo/image/upload/v5/a.jpg
          https://res.cloudinary.com/acme-demo/raw/upload/v5/b.pdf
        ");
    }

    #[test]
    fn notes_of_an_account() {
        let words = |account: &Account, bulk| -> Vec<&str> {
            account_notes(account, bulk).iter().map(|note| note.reason.word()).collect()
        };
        let unknown = account(InvalidationKind::Unknown);
        assert_eq!(
            words(&unknown, true),
            ["bulk_invalidation_off", "unknown_kind", "front_cdn", "browser"]
        );
        let known = Account { bulk_invalidation: Some(true), ..account(InvalidationKind::Legacy) };
        assert_eq!(words(&known, true), ["front_cdn", "browser"]);
        let front = account_notes(&known, false)[0].to_string();
        assert!(
            front.ends_with(
                "purge what stands in front of media.acme.test with its own tools as well"
            ),
            "{front}"
        );
    }
}

#[test]
fn words_are_those_of_serde_and_all_differ() {
    let mut seen = std::collections::BTreeSet::new();
    for reason in Why::ALL {
        assert_eq!(serde_json::to_value(reason).unwrap(), reason.word());
        assert!(seen.insert(reason.word()));
        assert!(!reason.sentence().ends_with('.'));
    }
}

#[test]
fn journaled_forms_are_stable() {
    let json = |reached: &Coverage| serde_json::to_string(reached).unwrap();
    assert_eq!(json(&Coverage::Covered), r#""covered""#);
    assert_eq!(json(&Coverage::NotCovered(Why::Versioned)), r#"{"not_covered":"versioned"}"#);
    assert_eq!(json(&Coverage::Uncertain(Why::OtherHost)), r#"{"uncertain":"other_host"}"#);
}

#[test]
fn types_of_assets_are_kept_apart() {
    let image = image("a");
    let video = AssetKey { resource_type: ResourceType::Video, ..image.clone() };
    let private = AssetKey { delivery_type: DeliveryType::Private, ..image.clone() };
    let account = account(InvalidationKind::Surrogate);
    for other in [video, private] {
        let url = DeliveryUrl::original(&account, &other, None);
        let facts = CoverageFacts::unchanged(&image, None);
        assert_eq!(
            coverage(&url, &facts, &account, Call::Explicit),
            Coverage::NotCovered(Why::OtherAsset)
        );
    }
}
