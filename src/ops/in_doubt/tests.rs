use std::sync::Arc;

use super::*;
use crate::domain::id::{ItemId, OperationId};
use crate::ops::testing::{FakeCloud, Script, context, image};

fn sent(id: &str, to: Option<&str>) -> Item {
    Item {
        id: ItemId::new(),
        operation: OperationId::new(),
        key: image(id),
        to: to.map(image),
        state: ItemState::Sent,
        sent_at: None,
        message: None,
    }
}

async fn ask(cloud: &Arc<FakeCloud>, verb: Verb, item: &Item, old: &Stored) -> Asked {
    let context = context(Arc::clone(cloud)).await;
    ask_storage(&context, verb, true, item, Some(old)).await.expect("storage answers")
}

fn held(cloud: &FakeCloud, id: &str) -> Stored {
    stored(cloud.asset(&image(id)).as_ref())
}

#[tokio::test]
async fn a_delete_that_was_carried_out_is_accepted_without_another_call() {
    let cloud = FakeCloud::with(&["hero"]);
    let old = held(&cloud, "hero");
    cloud.take(&image("hero"));
    let asked = ask(&cloud, Verb::Delete, &sent("hero", None), &old).await;
    assert_eq!((asked.state, asked.now), (ItemState::Accepted, Some(Stored::Empty)));
    assert_eq!(cloud.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_delete_that_never_arrived_is_repeated_for_the_same_version_only() {
    let cloud = FakeCloud::with(&["hero"]);
    let old = held(&cloud, "hero");
    let asked = ask(&cloud, Verb::Delete, &sent("hero", None), &old).await;
    assert_eq!(asked.state, ItemState::Accepted);
    assert_eq!(cloud.changes(), ["destroy hero invalidate"]);

    cloud.put(&image("hero"));
    let newer = ask(&cloud, Verb::Delete, &sent("hero", None), &old).await;
    assert_eq!(newer.state, ItemState::Failed, "somebody uploaded again: {}", newer.message);
    assert_eq!(
        cloud.changes(),
        ["destroy hero invalidate"],
        "what is new is never deleted blindly"
    );
}

#[tokio::test]
async fn a_rename_is_never_repeated() {
    let cloud = FakeCloud::with(&["hero"]);
    let old = held(&cloud, "hero");
    let item = sent("hero", Some("star"));
    let asked = ask(&cloud, Verb::Rename, &item, &old).await;
    assert_eq!(asked.state, ItemState::Failed, "{}", asked.message);
    assert_eq!(cloud.changes(), Vec::<String>::new());

    cloud.script("rename", Script::lose());
    let context = context(Arc::clone(&cloud)).await;
    let call = crate::ports::cloud::RenameCall {
        from: image("hero"),
        to: image("star"),
        overwrite: false,
        invalidate: true,
    };
    assert!(context.cloud.rename(&call).await.is_err_and(|error| error.is_in_doubt()));
    let asked = ask(&cloud, Verb::Rename, &item, &old).await;
    assert_eq!(asked.state, ItemState::Accepted, "{}", asked.message);
    assert_eq!(cloud.changes().last().map(String::as_str), Some("invalidate star"));
}

#[tokio::test]
async fn a_rename_that_left_neither_name_was_filed_elsewhere() {
    let cloud = FakeCloud::with(&["hero"]);
    let old = held(&cloud, "hero");
    context(Arc::clone(&cloud)).await.cloud.destroy(&image("hero"), false).await.unwrap();
    let asked = ask(&cloud, Verb::Rename, &sent("hero", Some("star")), &old).await;
    assert_eq!((asked.state, asked.now), (ItemState::Accepted, Some(Stored::Empty)));
    assert!(asked.message.contains("neither name"), "{}", asked.message);
    assert_eq!(cloud.changes(), ["destroy hero"], "it is not repeated");
}

#[tokio::test]
async fn a_replacement_counts_only_when_storage_holds_another_file() {
    let cloud = FakeCloud::with(&["hero"]);
    let old = held(&cloud, "hero");
    let unchanged = ask(&cloud, Verb::Replace, &sent("hero", None), &old).await;
    assert_eq!(unchanged.state, ItemState::Failed);
    cloud.put(&image("hero"));
    let changed = ask(&cloud, Verb::Replace, &sent("hero", None), &old).await;
    assert_eq!(changed.state, ItemState::Accepted);
    assert_eq!(cloud.changes(), Vec::<String>::new());
}

#[tokio::test]
async fn a_purge_is_sent_once_more_because_that_is_harmless() {
    let cloud = FakeCloud::with(&["hero"]);
    let old = held(&cloud, "hero");
    let asked = ask(&cloud, Verb::Purge, &sent("hero", None), &old).await;
    assert_eq!(asked.state, ItemState::Accepted);
    assert_eq!(cloud.changes(), ["invalidate hero"]);
}
