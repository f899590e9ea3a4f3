use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;

use super::*;
use crate::domain::account::InvalidationKind;
use crate::domain::asset::{DeliveryType, ResourceType};
use crate::domain::purge::{DeleteApi, LeftOutReason, Named, Risk, Verify};
use crate::ops::testing::{FakeCloud, Script, context, image};
use crate::ports::cloud::CloudError;

fn delete(ids: &[&str]) -> Order {
    Order::Delete { what: Selection::Keys(ids.iter().map(|id| image(id)).collect()) }
}

fn prefix(prefix: &str) -> Selection {
    Selection::Prefix {
        resource_type: ResourceType::Image,
        delivery_type: DeliveryType::Upload,
        prefix: prefix.to_owned(),
    }
}

async fn surrogate(cloud: Arc<FakeCloud>) -> Context {
    let mut context = context(cloud).await;
    context.account.invalidation = InvalidationKind::Surrogate;
    context
}

#[tokio::test]
async fn a_delete_is_one_destroy_per_asset_and_changes_nothing_yet() {
    let cloud = FakeCloud::with(&["press/hero", "press/logo"]);
    cloud.derive(&image("press/hero"), "c_scale,w_300");
    let context = surrogate(Arc::clone(&cloud)).await;

    let plan = plan(&context, &delete(&["press/hero", "press/logo"]), &OrderTerms::default())
        .await
        .expect("both exist");

    assert_eq!((plan.api_path, plan.upload_calls, plan.admin_calls), (ApiPath::Destroy, 2, 0));
    assert_eq!(plan.derived(), (1, false));
    assert_eq!(plan.places, 2);
    assert!(plan.requests > 0 && !plan.verification.is_zero());
    assert_eq!(plan.confirmation, Confirmation::Yes);
    assert!(plan.items.iter().all(|item| matches!(item.old, Some(Stored::Holds(_)))));
    let shown = plan.watched.iter().map(|url| url.shown.as_str()).collect::<Vec<_>>();
    assert!(shown.iter().any(|url| url.ends_with("/image/upload/v1/press/hero.jpg")), "{shown:?}");
    assert!(shown.iter().any(|url| url.contains("c_scale,w_300")), "{shown:?}");
    assert_eq!(cloud.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn in_legacy_mode_the_plan_lists_what_is_not_reached_with_a_next_step() {
    let cloud = FakeCloud::with(&["press/hero"]);
    let mut context = context(cloud).await;
    context.account.invalidation = InvalidationKind::Legacy;

    let plan =
        plan(&context, &delete(&["press/hero"]), &OrderTerms::default()).await.expect("it exists");

    assert_eq!(plan.watched.len(), 1, "only the /v1/ form is reached: {:?}", plan.watched);
    assert!(plan.watched[0].shown.contains("/v1/"));
    assert!(plan.not_covered.len() >= 2, "{:?}", plan.not_covered);
    assert!(
        plan.not_covered
            .iter()
            .all(|entry| !entry.reason.is_empty() && !entry.next_step.is_empty())
    );
}

#[tokio::test]
async fn missing_names_are_found_before_anything_is_sent() {
    let cloud = FakeCloud::with(&["press/hero"]);
    let context = surrogate(Arc::clone(&cloud)).await;
    let failed =
        plan(&context, &delete(&["press/hero", "press/nope"]), &OrderTerms::default()).await;
    assert_eq!(
        failed,
        Err(OpError::Missing { cloud: "demo".to_owned(), assets: vec!["press/nope".to_owned()] })
    );
    assert_eq!(cloud.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn an_empty_prefix_is_refused_and_an_unmatched_one_is_said() {
    let context = surrogate(FakeCloud::with(&["press/hero"])).await;
    let terms = OrderTerms::default();
    let empty = plan(&context, &Order::Purge { what: prefix("") }, &terms).await;
    assert_eq!(empty, Err(OpError::EmptyPrefix { cloud: "demo".to_owned() }));
    let nothing = plan(&context, &Order::Purge { what: prefix("shop/") }, &terms).await;
    assert!(matches!(nothing, Err(OpError::NothingSelected { .. })), "{nothing:?}");
    let one = plan(&context, &Order::Purge { what: prefix("press/") }, &terms)
        .await
        .expect("one matches");
    assert_eq!(one.items.len(), 1);
}

#[rstest]
#[case(Risk::Local, 12, Confirmation::Count(12))]
#[case(Risk::Local, 3, Confirmation::Yes)]
#[case(Risk::Production, 1, Confirmation::CloudName("demo".to_owned()))]
#[tokio::test]
async fn the_confirmation_follows_the_profile_and_the_number(
    #[case] risk: Risk,
    #[case] assets: usize,
    #[case] needed: Confirmation,
) {
    let ids = (0..assets).map(|number| format!("press/{number}")).collect::<Vec<_>>();
    let ids = ids.iter().map(String::as_str).collect::<Vec<_>>();
    let mut context = surrogate(FakeCloud::with(&ids)).await;
    context.policy.risk = risk;
    let plan = plan(&context, &delete(&ids), &OrderTerms::default()).await.expect("all exist");
    assert_eq!(plan.confirmation, needed);
}

#[tokio::test]
async fn a_read_only_profile_refuses_every_order() {
    let mut context = surrogate(FakeCloud::with(&["press/hero"])).await;
    context.policy.read_only = true;
    let refused = plan(&context, &delete(&["press/hero"]), &OrderTerms::default()).await;
    assert_eq!(refused, Err(OpError::ReadOnly { profile: "test".to_owned(), verb: "delete" }));
}

#[tokio::test]
async fn a_rename_onto_an_existing_name_needs_overwrite() {
    let cloud = FakeCloud::with(&["press/hero", "press/logo"]);
    let context = surrogate(cloud).await;
    let order =
        |overwrite| Order::Rename { from: image("press/hero"), to: image("press/logo"), overwrite };
    let refused = plan(&context, &order(false), &OrderTerms::default()).await;
    assert!(matches!(refused, Err(OpError::TargetExists { .. })), "{refused:?}");
    let planned =
        plan(&context, &order(true), &OrderTerms::default()).await.expect("it may be overwritten");
    assert!(
        planned.watched.iter().any(|url| url.of_new_name && url.url.key == image("press/logo"))
    );
    let same =
        Order::Rename { from: image("press/hero"), to: image("press/hero"), overwrite: false };
    assert!(matches!(
        plan(&context, &same, &OrderTerms::default()).await,
        Err(OpError::Invalid { .. })
    ));
}

#[tokio::test]
async fn without_invalidation_nothing_is_watched_and_the_plan_says_so() {
    let context = surrogate(FakeCloud::with(&["press/hero"])).await;
    let terms = OrderTerms { invalidate: false, ..OrderTerms::default() };
    let plan = plan(&context, &delete(&["press/hero"]), &terms).await.expect("it exists");
    assert_eq!((plan.watched.len(), plan.requests), (0, 0));
    assert!(
        plan.notes.iter().any(|note| note.contains("nothing is invalidated")),
        "{:?}",
        plan.notes
    );
}

#[tokio::test]
async fn many_assets_are_read_without_spending_the_quota() {
    let ids = (0..60).map(|number| format!("press/{number}")).collect::<Vec<_>>();
    let ids = ids.iter().map(String::as_str).collect::<Vec<_>>();
    let cloud = FakeCloud::with(&ids);
    let context = surrogate(Arc::clone(&cloud)).await;
    let plan = plan(&context, &delete(&ids), &OrderTerms::default()).await.expect("all exist");
    assert!(cloud.calls().iter().all(|call| !call.starts_with("detail")), "{:?}", cloud.calls());
    assert_eq!(plan.derived(), (0, true), "derived copies were not read, and the plan knows it");
}

#[tokio::test]
async fn a_sample_is_drawn_only_when_asked_for_and_says_of_how_many() {
    let ids = (0..40).map(|number| format!("press/{number}")).collect::<Vec<_>>();
    let ids = ids.iter().map(String::as_str).collect::<Vec<_>>();
    let mut context = surrogate(FakeCloud::with(&ids)).await;
    context.policy.verify_full_max = 10;
    let full = plan(&context, &delete(&ids), &OrderTerms::default()).await.expect("all exist");
    assert_eq!(full.sampled_of, None);
    let terms = OrderTerms { verify: Verify::Sample, ..OrderTerms::default() };
    let sampled = plan(&context, &delete(&ids), &terms).await.expect("all exist");
    assert_eq!(sampled.watched.len(), 10);
    assert_eq!(sampled.sampled_of, Some(full.watched.len() * 2));
}

#[tokio::test]
async fn a_file_that_is_not_there_is_said_before_anything_is_sent() {
    let cloud = FakeCloud::with(&["press/hero"]);
    let context = surrogate(Arc::clone(&cloud)).await;
    let order = Order::Replace { key: image("press/hero"), file: "/no/such/file.jpg".into() };
    let failed = plan(&context, &order, &OrderTerms::default()).await;
    assert!(matches!(failed, Err(OpError::Invalid { .. })), "{failed:?}");
    assert_eq!(cloud.calls(), Vec::<String>::new());
}

fn many(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("press/{number}")).collect()
}

async fn planned(context: &Context, what: Selection, terms: &OrderTerms) -> Result<Plan, OpError> {
    plan(context, &Order::Delete { what }, terms).await
}

fn keys(ids: &[String]) -> Selection {
    Selection::Keys(ids.iter().map(|id| image(id)).collect())
}

#[tokio::test]
async fn names_given_twice_count_once_and_are_counted() {
    let context = surrogate(FakeCloud::with(&["a", "b"])).await;
    let what = Selection::Keys(["a", "b", "a", "a"].map(image).to_vec());
    let plan = planned(&context, what, &OrderTerms::default()).await.unwrap();
    assert_eq!((plan.items.len(), plan.duplicates), (2, 2));
    assert!(plan.notes.iter().any(|note| note.contains("named more than once")));
}

#[tokio::test]
async fn of_a_list_the_usable_names_are_taken_and_the_others_told_apart() {
    let context = surrogate(FakeCloud::with(&["a", "b/c"])).await;
    let named = |typed: &str| Named {
        typed: typed.to_owned(),
        meant: typed.parse().map(|id| vec![AssetKey::image(id)]).map_err(|_| "no".to_owned()),
    };
    let what = || Selection::Listed(["a", "nope", "b/c", "a", "what?"].map(named).to_vec());
    let plan = planned(&context, what(), &OrderTerms::default()).await.unwrap();
    let reasons = plan.left_out.iter().map(|left| (left.name.as_str(), left.reason));
    assert_eq!(
        reasons.collect::<Vec<_>>(),
        [("what?", LeftOutReason::Malformed), ("nope", LeftOutReason::Unknown)]
    );
    assert_eq!((plan.items.len(), plan.duplicates, plan.refused.len()), (2, 1, 2));
    // a URL has several readings: the one that storage holds is taken
    let meant = vec![image("b_c/a"), image("a")];
    let url = Named { typed: "https://x".to_owned(), meant: Ok(meant) };
    let plan = planned(&context, Selection::Listed(vec![url]), &OrderTerms::default()).await;
    assert_eq!(plan.unwrap().items[0].key, image("a"));
    let unusable = Selection::Listed(vec![named("what?")]);
    let refused = planned(&context, unusable, &OrderTerms::default()).await;
    assert!(matches!(refused, Err(OpError::Invalid { .. })), "{refused:?}");
}

#[tokio::test]
async fn what_a_search_finds_is_checked_against_storage_before_it_is_deleted() {
    let cloud = FakeCloud::with(&["x/kept", "x/gone", "x/changed"]);
    let context = surrogate(Arc::clone(&cloud)).await;
    cloud.freeze_index();
    cloud.take(&image("x/gone"));
    cloud.put(&image("x/changed"));
    let what = Selection::Search { expression: "x/".to_owned() };
    let plan = planned(&context, what.clone(), &OrderTerms::default()).await.unwrap();
    assert_eq!(plan.items.iter().map(|item| &item.key).collect::<Vec<_>>(), [&image("x/kept")]);
    let mut reasons = plan.left_out.iter().map(|left| left.reason.as_str()).collect::<Vec<_>>();
    reasons.sort_unstable();
    assert_eq!(reasons, ["changed", "vanished"]);
    assert_eq!(plan.refused.len(), 0, "the operator named none of them");
    // a purge harms nothing: what has changed is purged as it is
    let purge = super::plan(&context, &Order::Purge { what }, &OrderTerms::default()).await;
    assert_eq!(purge.unwrap().items.len(), 2);
}

#[rstest]
#[case(" ")]
#[case("/")]
#[case("//")]
#[case("*")]
#[tokio::test]
async fn nothing_selects_everything_by_mistake(#[case] text: &str) {
    let context = surrogate(FakeCloud::with(&["a"])).await;
    let tag = Selection::Tag { resource_type: ResourceType::Image, tag: text.to_owned() };
    for what in [prefix(text), tag, Selection::Search { expression: text.to_owned() }] {
        let refused = planned(&context, what.clone(), &OrderTerms::default()).await;
        assert!(
            matches!(refused, Err(OpError::EmptyPrefix { .. } | OpError::Invalid { .. })),
            "{what:?}: {refused:?}"
        );
    }
}

#[tokio::test]
async fn a_folder_without_its_slash_does_not_take_its_neighbours_along() {
    let context = surrogate(FakeCloud::with(&["press/a", "press/b", "press-kit", "shop/a"])).await;
    let terms = OrderTerms::default();
    let half = planned(&context, prefix("press"), &terms).await;
    assert!(matches!(&half, Err(OpError::Invalid { hint, .. }) if hint.contains("`press/`")));
    assert_eq!(planned(&context, prefix("press/"), &terms).await.unwrap().items.len(), 2);
    assert_eq!(planned(&context, prefix("press-"), &terms).await.unwrap().items.len(), 1);
    assert_eq!(planned(&context, prefix("shop"), &terms).await.unwrap().items.len(), 1);
}

#[tokio::test]
async fn an_order_is_about_no_more_assets_than_allowed() {
    let ids = many(12);
    let refs = ids.iter().map(String::as_str).collect::<Vec<_>>();
    let mut context = surrogate(FakeCloud::with(&refs)).await;
    context.policy.max_items = Some(10);
    let by_default = OrderTerms::default();
    for what in [keys(&ids), prefix("press/")] {
        let refused = planned(&context, what, &by_default).await;
        assert!(matches!(refused, Err(OpError::TooMany { most: 10, .. })), "{refused:?}");
    }
    let more = OrderTerms { max_items: Some(12), ..OrderTerms::default() };
    assert_eq!(planned(&context, keys(&ids), &more).await.unwrap().items.len(), 12);
}

#[tokio::test]
async fn a_large_delete_can_be_called_off_before_it_starts() {
    let ids = many(12);
    let refs = ids.iter().map(String::as_str).collect::<Vec<_>>();
    let mut context = surrogate(FakeCloud::with(&refs)).await;
    context.policy.start_delay = Duration::from_secs(5);
    let terms = OrderTerms::default();
    let large = planned(&context, keys(&ids), &terms).await.unwrap();
    assert_eq!(large.delay.as_secs(), 5);
    assert!(large.notes.iter().any(|note| note.contains("called off")), "{:?}", large.notes);
    assert!(planned(&context, keys(&ids[..3]), &terms).await.unwrap().delay.is_zero());
    let purge = super::plan(&context, &Order::Purge { what: keys(&ids) }, &terms).await.unwrap();
    assert!(purge.delay.is_zero(), "a purge takes nothing away");
}

#[tokio::test]
async fn bulk_deletes_go_one_by_one_until_the_admin_api_is_known_to_invalidate() {
    let ids = many(150);
    let refs = ids.iter().map(String::as_str).collect::<Vec<_>>();
    let cloud = FakeCloud::with(&refs);
    let mut context = surrogate(Arc::clone(&cloud)).await;
    let terms = OrderTerms::default();
    let unset = planned(&context, keys(&ids), &terms).await.unwrap();
    assert_eq!(unset.api_path, ApiPath::Destroy);
    assert!(unset.why.contains("not known to invalidate"), "{}", unset.why);
    let admin = OrderTerms { api: Some(DeleteApi::Admin), ..OrderTerms::default() };
    let refused = planned(&context, keys(&ids), &admin).await;
    assert!(matches!(refused, Err(OpError::Invalid { .. })), "{refused:?}");

    context.account.bulk_invalidation = Some(true);
    let unseen = planned(&context, keys(&ids), &terms).await.unwrap();
    assert_eq!(unseen.api_path, ApiPath::Destroy);
    assert!(unseen.why.contains("none was seen to"), "{}", unseen.why);
    assert_eq!(planned(&context, keys(&ids), &admin).await.unwrap().api_path, ApiPath::AdminBulk);
    let kept = OrderTerms { invalidate: false, ..OrderTerms::default() };
    let bulk = planned(&context, keys(&ids), &kept).await.unwrap();
    assert_eq!((bulk.api_path, bulk.admin_calls), (ApiPath::AdminBulk, 2));
    cloud.set_quota(500, 1);
    let short = planned(&context, keys(&ids), &kept).await.unwrap();
    assert_eq!(short.api_path, ApiPath::Destroy);
    assert!(short.why.contains("would not fit into the 1 left"), "{}", short.why);
}

#[tokio::test]
async fn many_names_are_read_by_a_hundred_where_the_quota_is_plenty() {
    let ids = many(250);
    let refs = ids.iter().map(String::as_str).collect::<Vec<_>>();
    let cloud = FakeCloud::with(&refs);
    let context = surrogate(Arc::clone(&cloud)).await;
    let stats = |cloud: &FakeCloud| cloud.calls().iter().filter(|c| c.starts_with("stat")).count();
    cloud.set_quota(2000, 1900);
    planned(&context, keys(&ids), &OrderTerms::default()).await.unwrap();
    assert_eq!(cloud.calls().iter().filter(|call| call.starts_with("by_ids")).count(), 3);
    cloud.set_quota(500, 55);
    let before = stats(&cloud);
    planned(&context, keys(&ids), &OrderTerms::default()).await.unwrap();
    assert_eq!(stats(&cloud) - before, 250, "the quota is for others");
}

#[tokio::test]
async fn urls_that_are_not_reached_can_be_named_by_themselves() {
    let mut context = context(FakeCloud::with(&["press/hero"])).await;
    context.account.invalidation = InvalidationKind::Legacy;
    let order = Order::Purge { what: Selection::Keys(vec![image("press/hero")]) };
    let usual = plan(&context, &order, &OrderTerms::default()).await.unwrap();
    assert!(usual.by_url.is_empty());
    assert!(usual.notes.iter().any(|note| note.contains("--attempt-by-url")), "{:?}", usual.notes);
    let terms = OrderTerms { attempt_by_url: true, ..OrderTerms::default() };
    let attempt = plan(&context, &order, &terms).await.unwrap();
    assert_eq!(attempt.by_url.len(), usual.not_covered.len());
    assert_eq!(attempt.watched.len(), usual.watched.len() + attempt.by_url.len());
    assert!(attempt.not_covered.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_meets_a_used_up_quota_goes_on_where_it_was() {
    let ids = many(700);
    let refs = ids.iter().map(String::as_str).collect::<Vec<_>>();
    let cloud = FakeCloud::with(&refs);
    let context = surrogate(Arc::clone(&cloud)).await;
    let reset = context.clock.wall() + Duration::from_secs(1800);
    let too_many =
        CloudError::RateLimited { cloud: "demo".to_owned(), limit: 500, retry_at: Some(reset) };
    // the first page comes, the second is refused
    cloud.script("list", Script::Delay(Duration::from_millis(1)));
    cloud.script("list", Script::Refuse(too_many.clone()));
    let what = Selection::Prefix {
        resource_type: ResourceType::Image,
        delivery_type: DeliveryType::Upload,
        prefix: ids[0].split('/').next().unwrap().to_owned() + "/",
    };
    let order = Order::Purge { what };
    let (waits, mut told) = tokio::sync::watch::channel(None);
    let begun = tokio::time::Instant::now();
    let looking = async {
        told.changed().await.unwrap();
        let wait: crate::domain::job::JobWait = told.borrow_and_update().clone().unwrap();
        assert_eq!(wait.until, reset);
        assert!(wait.because.contains("500 Admin API calls"), "{}", wait.because);
    };
    let terms = OrderTerms::default();
    let planning = plan_patiently(&context, &order, &terms, Patience::told_to(&waits));
    let (planned, ()) = tokio::join!(planning, looking);
    assert_eq!(planned.unwrap().items.len(), 700);
    assert!(begun.elapsed() >= Duration::from_secs(1800), "{:?}", begun.elapsed());
    let lists = cloud.calls().iter().filter(|call| call.starts_with("list")).count();
    assert_eq!(lists, 3, "no page twice");

    // where nobody sees it, it fails and says until when
    cloud.script("list", Script::Refuse(too_many.clone()));
    assert_eq!(plan(&context, &order, &terms).await.unwrap_err(), OpError::Cloud(too_many));
}
