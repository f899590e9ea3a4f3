use insta::assert_snapshot;
use rstest::rstest;

use super::*;
use crate::domain::account::InvalidationKind;
use crate::domain::asset::ResourceType;
use crate::domain::coverage::COPY_LIFE;
use crate::domain::public_id::PublicId;

const VERSION: u64 = 1_767_225_600;

fn account(invalidation: InvalidationKind) -> Account {
    Account { invalidation, ..Account::named("demo") }
}

fn key(id: &str) -> AssetKey {
    AssetKey::image(PublicId::from_cloud(id).unwrap())
}

fn asset(id: &str) -> Asset {
    Asset {
        key: key(id),
        asset_id: None,
        version: VERSION,
        format: Some("jpg".into()),
        bytes: 9,
        width: None,
        height: None,
        etag: None,
        created_at: None,
        asset_folder: None,
        display_name: None,
        tags: Vec::new(),
        secure_url: Some(format!(
            "https://res.cloudinary.com/demo/image/upload/v{VERSION}/{id}.jpg"
        )),
        placeholder: false,
    }
}

fn derived(id: &str, transformation: &str) -> DerivedAsset {
    DerivedAsset {
        id: "0".repeat(32),
        transformation: transformation.into(),
        format: Some("png".into()),
        bytes: 5,
        secure_url: format!(
            "https://res.cloudinary.com/demo/image/upload/{transformation}/v{VERSION}/{id}.png"
        ),
    }
}

fn subject<'a>(
    asset: &'a Asset,
    derived: &'a [DerivedAsset],
    account: &'a Account,
    call: Call<'a>,
) -> Subject<'a> {
    Subject { asset, derived, extra: &[], account, call, copy_life: COPY_LIFE }
}

/// One line a URL: coverage, path, transformation, `new` for the new name.
fn lines(list: &[ListedUrl]) -> String {
    let line = |listed: &ListedUrl| {
        let reason = listed.coverage.reason().map_or("", |reason| reason.word());
        let derived = listed.derived.as_deref().unwrap_or("-");
        let name = if listed.of_new_name { " new" } else { "" };
        let coverage = format!("{} {reason}", listed.coverage.as_str());
        format!("{:<30} {} {derived}{name}", coverage, listed.url.path())
    };
    list.iter().map(line).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_deleted_asset_in_a_folder() {
    let (asset, derived) = (asset("press/hero"), [derived("press/hero", "c_fill,w_9")]);
    let account = account(InvalidationKind::Surrogate);
    let list = subject(&asset, &derived, &account, Call::Destroy).watch_list();
    assert_snapshot!(lines(&list), @r"
    covered                        /demo/image/upload/v1767225600/press/hero.jpg -
    covered                        /demo/image/upload/press/hero.jpg -
    covered                        /demo/image/upload/v1/press/hero.jpg -
    covered                        /demo/image/upload/c_fill,w_9/v1767225600/press/hero.png c_fill,w_9
    covered                        /demo/image/upload/c_fill,w_9/press/hero.png c_fill,w_9
    covered                        /demo/image/upload/c_fill,w_9/v1/press/hero.png c_fill,w_9
    ");
}

#[test]
fn a_replaced_asset_at_the_root_of_a_legacy_account() {
    let (asset, derived) = (asset("hero"), [derived("hero", "f_auto")]);
    let account = account(InvalidationKind::LegacyVersioned);
    let list = subject(&asset, &derived, &account, Call::Upload).watch_list();
    assert_snapshot!(lines(&list), @r"
    uncertain replaced_version     /demo/image/upload/v1767225600/hero.jpg -
    not_covered unversioned        /demo/image/upload/hero.jpg -
    uncertain replaced_version     /demo/image/upload/f_auto/v1767225600/hero.png f_auto
    not_covered unversioned        /demo/image/upload/f_auto/hero.png f_auto
    ");
}

#[test]
fn a_rename_lists_the_new_name_without_its_version() {
    let (asset, derived) = (asset("hero"), [derived("hero", "w_9")]);
    let (account, to) = (account(InvalidationKind::Surrogate), key("press/hero"));
    let call = Call::Rename { to: &to, overwritten: false };
    assert_snapshot!(lines(&subject(&asset, &derived, &account, call).watch_list()), @r"
    covered                        /demo/image/upload/v1767225600/hero.jpg -
    covered                        /demo/image/upload/hero.jpg -
    covered                        /demo/image/upload/w_9/v1767225600/hero.png w_9
    covered                        /demo/image/upload/w_9/hero.png w_9
    covered                        /demo/image/upload/press/hero.jpg - new
    covered                        /demo/image/upload/v1/press/hero.jpg - new
    covered                        /demo/image/upload/w_9/press/hero.png w_9 new
    covered                        /demo/image/upload/w_9/v1/press/hero.png w_9 new
    ");
    let call = Call::Rename { to: &to, overwritten: true };
    let list = subject(&asset, &derived, &account, call).watch_list();
    let doubted = |listed: &ListedUrl| {
        listed.coverage == Coverage::Uncertain(CoverageReason::OverwrittenTarget)
    };
    assert!(list.iter().all(|listed| listed.of_new_name == doubted(listed)));
}

#[test]
fn what_the_api_does_not_tell_is_built() {
    let mut asset = asset("a_b/c");
    asset.secure_url = None;
    let mut copy = derived("elsewhere", "w_9,h_9");
    copy.format = None;
    let derived = [copy];
    let account = account(InvalidationKind::Surrogate);
    let list = subject(&asset, &derived, &account, Call::Explicit).watch_list();
    assert_snapshot!(lines(&list), @r"
    covered                        /demo/image/upload/v1767225600/a_b/c.jpg -
    covered                        /demo/image/upload/a_b/c.jpg -
    covered                        /demo/image/upload/v1/a_b/c.jpg -
    covered                        /demo/image/upload/w_9,h_9/v1767225600/a_b/c.jpg w_9,h_9
    covered                        /demo/image/upload/w_9,h_9/a_b/c.jpg w_9,h_9
    covered                        /demo/image/upload/w_9,h_9/v1/a_b/c.jpg w_9,h_9
    ");
    assert!(list.iter().all(|listed| listed.url.asset == asset.key));
}

#[test]
fn operators_add_urls_and_none_is_listed_twice() {
    let asset = asset("hero");
    let account = account(InvalidationKind::Surrogate);
    let read = |url: &str| DeliveryUrl::parse_as(url, &account, &asset.key).unwrap();
    let extra = [
        read("https://res.cloudinary.com/demo/image/upload/hero.jpg"),
        read("https://res.cloudinary.com/demo/image/upload/e_sepia/hero.jpg?_a=B"),
        read("https://res.cloudinary.com/demo/image/upload/hero.png"),
        read("https://res.cloudinary.com/demo/image/upload/another.png"),
        read("https://demo-res.cloudinary.com/images/hero/launch.jpg"),
    ];
    let subject = Subject { extra: &extra, ..subject(&asset, &[], &account, Call::Explicit) };
    assert_snapshot!(lines(&subject.watch_list()), @r"
    covered                        /demo/image/upload/v1767225600/hero.jpg -
    covered                        /demo/image/upload/hero.jpg -
    covered                        /demo/image/upload/e_sepia/hero.jpg?_a=B e_sepia
    covered                        /demo/image/upload/hero.png f_png
    uncertain other_host           /images/hero/launch.jpg -
    ");
}

#[test]
fn remote_files_have_no_v1_form() {
    let mut asset = asset("x");
    asset.key.delivery_type = DeliveryType::Fetch;
    asset.key.public_id = PublicId::of_fetch("https://example.com/a b.jpg?x").unwrap();
    asset.secure_url = None;
    let account = account(InvalidationKind::Surrogate);
    let list = subject(&asset, &[], &account, Call::Explicit).watch_list();
    assert_snapshot!(lines(&list), @r"
    covered                        /demo/image/fetch/v1767225600/https://example.com/a%20b.jpg%3Fx -
    covered                        /demo/image/fetch/https://example.com/a%20b.jpg%3Fx -
    ");
}

#[test]
fn signed_urls_stay_signed_and_do_not_pass_to_the_new_name() {
    let mut asset = asset("hero");
    asset.key.delivery_type = DeliveryType::Authenticated;
    asset.secure_url = Some(format!(
        "https://res.cloudinary.com/demo/image/authenticated/s--abcdefgh--/v{VERSION}/hero.jpg"
    ));
    let to = AssetKey { public_id: PublicId::from_cloud("new").unwrap(), ..asset.key.clone() };
    let account = account(InvalidationKind::Legacy);
    let call = Call::Rename { to: &to, overwritten: false };
    assert_snapshot!(lines(&subject(&asset, &[], &account, call).watch_list()), @r"
    not_covered signed             /demo/image/authenticated/s--abcdefgh--/v1767225600/hero.jpg -
    not_covered signed             /demo/image/authenticated/s--abcdefgh--/hero.jpg -
    ");
}

#[rstest]
#[case(
    Call::Explicit,
    "link to https://res.cloudinary.com/demo/image/upload/v1767225600/press/hero.jpg instead"
)]
#[case(Call::Destroy, "ask the service's support")]
fn what_is_not_covered_is_listed_with_reason_and_next_step(
    #[case] call: Call<'static>,
    #[case] next_step: &str,
) {
    let (asset, account) = (asset("press/hero"), account(InvalidationKind::Legacy));
    let subject = subject(&asset, &[], &account, call);
    let missed: Vec<_> =
        subject.watch_list().iter().filter_map(|listed| subject.not_covered(listed)).collect();
    let reasons: Vec<_> = missed.iter().map(|entry| entry.reason.as_str()).collect();
    assert_eq!(reasons, ["not_v1", "unversioned"]);
    assert!(missed[1].next_step.starts_with(next_step), "{}", missed[1].next_step);
}

#[test]
fn raw_assets_keep_their_extension() {
    let mut asset = asset("docs/a.pdf");
    asset.key.resource_type = ResourceType::Raw;
    (asset.format, asset.secure_url) = (None, None);
    let account = account(InvalidationKind::Unknown);
    let list = subject(&asset, &[], &account, Call::Destroy).watch_list();
    assert_snapshot!(lines(&list), @r"
    uncertain unknown_kind         /demo/raw/upload/v1767225600/docs/a.pdf -
    uncertain unknown_kind         /demo/raw/upload/docs/a.pdf -
    uncertain unknown_kind         /demo/raw/upload/v1/docs/a.pdf -
    ");
}
