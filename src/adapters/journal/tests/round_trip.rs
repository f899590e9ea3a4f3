//! Whatever an invalidation may hold comes back as it went in.

use proptest::prelude::*;
use proptest::sample::select;

use super::in_memory;
use super::make::{at, intent, member};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::confidence::Confidence;
use crate::domain::coverage::{Coverage, CoverageReason};
use crate::domain::delivery_url::{DeliveryHost, PathForm};
use crate::domain::invalidation::{Invalidation, ItemState, Verb};
use crate::domain::public_id::PublicId;
use crate::domain::time::from_millis;
use crate::domain::verdict::{Content, Stored};
use crate::ports::journal::{Intent, Journal};

fn asset_key() -> impl Strategy<Value = AssetKey> {
    (select(&ResourceType::ALL[..]), select(&DeliveryType::ALL[..]), "[^\\p{Cc}]{1,40}").prop_map(
        |(resource_type, delivery_type, raw)| AssetKey {
            resource_type,
            delivery_type,
            public_id: PublicId::from_cloud(&raw).unwrap(),
        },
    )
}

fn content() -> impl Strategy<Value = Content> {
    (any::<Option<String>>(), any::<Option<u64>>(), any::<Option<String>>(), any::<Option<u64>>())
        .prop_map(|(asset_id, version, etag, bytes)| Content {
            body_hash: etag.clone(),
            last_modified: etag.clone(),
            asset_id,
            version,
            etag,
            bytes,
        })
}

fn stored() -> impl Strategy<Value = Option<Stored>> {
    prop_oneof![
        Just(None),
        Just(Some(Stored::Empty)),
        content().prop_map(|content| Some(Stored::Holds(content)))
    ]
}

fn time() -> impl Strategy<Value = i64> {
    0..4_000_000_000_000_i64
}

prop_compose! {
    fn any_intent()(
        verb in select(&Verb::ALL[..]),
        confidence in select(&Confidence::ALL[..]),
        keys in prop::collection::vec(
            (asset_key(), prop::option::of(asset_key()), select(&ItemState::ALL[..])), 1..5),
        names in prop::collection::vec((stored(), stored(), any::<bool>(), prop::option::of(time())), 5),
        urls in prop::collection::vec((
            any::<String>(), any::<Option<String>>(), any::<Option<u64>>(),
            prop::option::of(content()), any::<bool>(),
            (0..3_u8, select(&CoverageReason::ALL[..]))), 5),
        texts in (any::<String>(), any::<Option<String>>(), any::<String>()),
        ordered in time(),
        instance in prop::option::of("[a-z]{1,8}"),
    ) -> Intent {
        let mut made = intent(verb, &member("ana", 1), at(0), &["a"; 5][..keys.len()]);
        made.operation.at = from_millis(ordered);
        made.operation.command_line = texts.0;
        made.operation.note = texts.1;
        made.operation.scope.instance = instance;
        let watched = made.invalidation.as_mut().unwrap();
        watched.operation = made.operation.clone();
        watched.terms.confidence = confidence;
        watched.not_covered[0].next_step = texts.2;
        for (position, (key, to, state)) in keys.into_iter().enumerate() {
            let item = &mut made.items[position];
            (item.key, item.to, item.state) = (key.clone(), to, state);
            let name = &mut watched.names[position];
            name.key = key.clone();
            let (old, new, must_live, changed) = names[position].clone();
            (name.old, name.new, name.must_live) = (old, new, must_live);
            name.changed_at = changed.map(from_millis);
            let (text, optional, version, old, derived, (kind, reason)) = urls[position].clone();
            for url in &mut watched.urls[position * 2..=position * 2 + 1] {
                url.key = key.clone();
                url.url.asset = key.clone();
                url.url.transformations = vec![text.clone()];
                url.url.query.clone_from(&optional);
                (url.derived, url.old) = (derived, old.clone());
                (url.coverage, url.url.form) = match kind {
                    0 => (Coverage::Covered, PathForm::Seo),
                    1 => (Coverage::Uncertain(reason), PathForm::Root),
                    _ => (Coverage::NotCovered(reason), PathForm::Short),
                };
                url.url.host = DeliveryHost::Custom { host: text.clone(), cloud_in_path: derived };
            }
            watched.urls[position * 2].url.version = version;
            watched.urls[position * 2 + 1].url.version = version.map_or(Some(1), |_| None);
        }
        watched.items.clone_from(&made.items);
        made
    }
}

/// Names and URLs that were given twice are kept once: the last word on a name counts, on an address as well.
fn without_repeats(mut invalidation: Invalidation) -> Invalidation {
    let names = std::mem::take(&mut invalidation.names);
    for name in names {
        invalidation.names.retain(|known| known.key != name.key);
        invalidation.names.push(name);
    }
    let urls = std::mem::take(&mut invalidation.urls);
    for url in urls {
        invalidation.urls.retain(|known| known.url != url.url);
        invalidation.urls.push(url);
    }
    invalidation
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn an_invalidation_comes_back_as_it_went_in(made in any_intent()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let expected = without_repeats(made.invalidation.clone().unwrap());
        let read = runtime.block_on(async {
            let journal = in_memory().await;
            journal.record(&made).await.unwrap();
            journal.invalidation(expected.id).await.unwrap()
        });
        prop_assert_eq!(read, expected);
    }
}
