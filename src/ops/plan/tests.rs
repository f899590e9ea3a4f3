use std::sync::Arc;

use rstest::rstest;

use super::*;
use crate::domain::account::InvalidationKind;
use crate::domain::asset::{DeliveryType, ResourceType};
use crate::domain::purge::{Risk, Verify};
use crate::ops::testing::{FakeCloud, context, image};

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
