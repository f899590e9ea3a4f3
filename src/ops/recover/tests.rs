use std::sync::Arc;

use rstest::rstest;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::*;
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::{
    CloudScope, Invalidation, Member, Outcome, WatchTerms, WatchedName,
};
use crate::ops::jobs::Worker;
use crate::ops::plan::stored;
use crate::ops::testing::{FakeCloud, Script, context, image, item, member};
use crate::ops::tracker::Tracker;
use crate::ports::cloud::RenameCall;
use crate::ports::journal::Intent;

async fn recovering(context: &Context) -> Result<Vec<Recovered>, OpError> {
    recover(context, &Running::default()).await
}

/// A process that ordered something two minutes ago and was never heard of again.
struct Dead {
    context: Context,
    cloud: Arc<FakeCloud>,
    member: Member,
}

impl Dead {
    async fn leaving(cloud: Arc<FakeCloud>) -> Self {
        let context = context(Arc::clone(&cloud)).await;
        let member = member("ghost", 666);
        let then = context.clock.wall() - SignedDuration::from_secs(120);
        context.journal.join(&member, then).await.unwrap();
        Self { context, cloud, member }
    }

    fn operation(&self, verb: Verb) -> Operation {
        Operation {
            id: OperationId::new(),
            verb,
            scope: self.context.scope.clone(),
            member: self.member.id,
            at: self.context.clock.wall() - SignedDuration::from_secs(120),
            command_line: "allclear".to_owned(),
            note: None,
            invalidate: true,
        }
    }

    /// An order over names with OLD as storage has it now; nothing is recorded.
    fn order(&self, operation: Operation, public_ids: &[&str], to: Option<&str>) -> Invalidation {
        let mut items =
            public_ids.iter().map(|id| item(&operation, &image(id))).collect::<Vec<_>>();
        for item in &mut items {
            item.to = to.map(image);
        }
        let name = |item: &Item| WatchedName {
            item: item.id,
            key: item.key.clone(),
            must_live: false,
            old: Some(stored(self.cloud.asset(&item.key).as_ref())),
            new: None,
            changed_at: None,
            superseded: false,
        };
        let policy = &self.context.policy;
        Invalidation {
            id: InvalidationId::new(),
            terms: WatchTerms {
                confidence: policy.confidence,
                hold_back: policy.hold_back,
                give_up_after: policy.give_up_after,
                stuck_after: policy.stuck_after,
                loopback: true,
                sampled_of: None,
                sampled_urls: None,
                budget: None,
                purge_again: policy.purge_again,
                api_path: None,
                excluded: Vec::new(),
            },
            names: items.iter().map(name).collect(),
            urls: Vec::new(),
            not_covered: Vec::new(),
            ended: None,
            operation,
            items,
        }
    }

    async fn record(&self, order: &Invalidation) {
        let intent = Intent {
            operation: order.operation.clone(),
            items: order.items.clone(),
            invalidation: Some(order.clone()),
            job: None,
        };
        self.context.journal.record(&intent).await.unwrap();
    }

    /// Recorded, and no more.
    async fn intended(&self, verb: Verb, public_ids: &[&str]) -> Invalidation {
        let order = self.order(self.operation(verb), public_ids, None);
        self.record(&order).await;
        order
    }

    /// Recorded, and all calls marked as sent.
    async fn sent(&self, verb: Verb, public_ids: &[&str], to: Option<&str>) -> Invalidation {
        let order = self.order(self.operation(verb), public_ids, to);
        self.record(&order).await;
        let ids = order.items.iter().map(|item| item.id).collect::<Vec<_>>();
        self.context.journal.mark_sent(&ids, order.operation.at).await.unwrap();
        order
    }

    async fn recovered(&self) -> Vec<(String, ItemState)> {
        let recovered = recovering(&self.context).await.unwrap();
        recovered.into_iter().map(|one| (one.key.to_string(), one.state)).collect()
    }

    /// States and messages of an order's items, as the journal has them.
    async fn journaled(&self, of: &Invalidation) -> Vec<(ItemState, Option<String>)> {
        let read = self.context.journal.invalidation(of.id).await.unwrap();
        read.items.into_iter().map(|item| (item.state, item.message)).collect()
    }
}

fn told(key: &str, state: ItemState) -> (String, ItemState) {
    (key.to_owned(), state)
}

#[tokio::test(start_paused = true)]
async fn nothing_left_behind_asks_nobody() {
    let dead = Dead::leaving(FakeCloud::with(&["hero"])).await;
    assert_eq!(dead.recovered().await, []);
    assert_eq!(dead.cloud.calls(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn what_was_never_sent_is_given_up_and_stays_to_be_ordered_again() {
    let dead = Dead::leaving(FakeCloud::with(&["a", "b"])).await;
    let order = dead.intended(Verb::Delete, &["a", "b"]).await;
    let skipped = [told("a", ItemState::Skipped), told("b", ItemState::Skipped)];
    assert_eq!(dead.recovered().await, skipped);
    assert_eq!(dead.cloud.calls(), Vec::<String>::new());
    let why = "never sent: its process ended first; run it again";
    let expected = (ItemState::Skipped, Some(why.to_owned()));
    assert_eq!(dead.journaled(&order).await, [expected.clone(), expected]);
    assert_eq!(dead.recovered().await, [], "once is enough");
}

#[tokio::test(start_paused = true)]
async fn a_delete_is_settled_by_what_storage_holds() {
    let dead = Dead::leaving(FakeCloud::with(&["gone", "same", "newer"])).await;
    let order = dead.sent(Verb::Delete, &["gone", "same", "newer"], None).await;
    dead.cloud.take(&image("gone"));
    dead.cloud.put(&image("newer"));
    let expected = [
        told("gone", ItemState::Accepted),
        told("same", ItemState::Accepted),
        told("newer", ItemState::Failed),
    ];
    assert_eq!(dead.recovered().await, expected);
    assert_eq!(dead.cloud.changes(), ["destroy same invalidate"], "only the very same version");
    let journaled = dead.journaled(&order).await;
    let message = journaled[0].1.as_deref().unwrap();
    assert!(message.contains("before the answer came; settled by asking storage"), "{message}");
}

#[rstest]
#[case::carried_out(true, ItemState::Accepted)]
#[case::not_carried_out(false, ItemState::Failed)]
#[tokio::test(start_paused = true)]
async fn a_rename_is_looked_up_and_never_repeated(
    #[case] carried_out: bool,
    #[case] state: ItemState,
) {
    let dead = Dead::leaving(FakeCloud::with(&["hero"])).await;
    dead.sent(Verb::Rename, &["hero"], Some("star")).await;
    if carried_out {
        let (from, to) = (image("hero"), image("star"));
        let call = RenameCall { from, to, overwrite: false, invalidate: true };
        dead.context.cloud.rename(&call).await.unwrap();
    }
    assert_eq!(dead.recovered().await, [told("hero", state)]);
    let renames = dead.cloud.calls().iter().filter(|call| call.starts_with("rename")).count();
    assert_eq!(renames, usize::from(carried_out));
}

#[rstest]
#[case::carried_out(true, ItemState::Accepted)]
#[case::not_carried_out(false, ItemState::Failed)]
#[tokio::test(start_paused = true)]
async fn a_replacement_is_looked_up_and_never_repeated(
    #[case] carried_out: bool,
    #[case] state: ItemState,
) {
    let dead = Dead::leaving(FakeCloud::with(&["hero"])).await;
    dead.sent(Verb::Replace, &["hero"], None).await;
    if carried_out {
        dead.cloud.put(&image("hero"));
    }
    assert_eq!(dead.recovered().await, [told("hero", state)]);
    assert_eq!(dead.cloud.changes(), Vec::<String>::new());
}

#[rstest]
#[case::carried_out(true, ItemState::Accepted)]
#[case::not_carried_out(false, ItemState::Failed)]
#[tokio::test(start_paused = true)]
async fn a_restore_is_looked_up_and_never_repeated(
    #[case] carried_out: bool,
    #[case] state: ItemState,
) {
    let dead = Dead::leaving(FakeCloud::new()).await;
    dead.sent(Verb::Restore, &["hero"], None).await;
    if carried_out {
        dead.cloud.put(&image("hero"));
    }
    assert_eq!(dead.recovered().await, [told("hero", state)]);
    assert!(!dead.cloud.calls().iter().any(|call| call.starts_with("restore")));
}

#[tokio::test(start_paused = true)]
async fn a_purge_is_sent_again_because_that_is_harmless() {
    let dead = Dead::leaving(FakeCloud::with(&["a"])).await;
    let order = dead.sent(Verb::Purge, &["a"], None).await;
    assert_eq!(dead.recovered().await, [told("a", ItemState::Accepted)]);
    assert_eq!(dead.cloud.changes(), ["invalidate a"]);
    // The watch itself is still open, for the tracker to go on.
    let open = dead.context.journal.open(Some(&dead.context.scope)).await.unwrap();
    assert_eq!((open[0].id, &open[0].ended), (order.id, &None));
}

#[tokio::test(start_paused = true)]
async fn a_watch_sends_nothing_whatever_its_state() {
    let dead = Dead::leaving(FakeCloud::with(&["a", "b"])).await;
    dead.sent(Verb::Watch, &["a"], None).await;
    dead.intended(Verb::Watch, &["b"]).await;
    let accepted = [told("a", ItemState::Accepted), told("b", ItemState::Accepted)];
    assert_eq!(dead.recovered().await, accepted);
    assert_eq!(dead.cloud.calls(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn an_operation_without_invalidation_is_settled_too() {
    let dead = Dead::leaving(FakeCloud::with(&["kept"])).await;
    let operation = Operation { invalidate: false, ..dead.operation(Verb::Delete) };
    let items = vec![item(&operation, &image("gone")), item(&operation, &image("kept"))];
    let ids = [items[0].id, items[1].id];
    let intent = Intent { operation, items, invalidation: None, job: None };
    dead.context.journal.record(&intent).await.unwrap();
    dead.context.journal.mark_sent(&ids, intent.operation.at).await.unwrap();
    let settled = [told("gone", ItemState::Accepted), told("kept", ItemState::Failed)];
    assert_eq!(dead.recovered().await, settled);
    assert_eq!(dead.cloud.changes(), Vec::<String>::new(), "nothing tells that it is the same");
}

#[tokio::test(start_paused = true)]
async fn the_living_are_left_alone() {
    let dead = Dead::leaving(FakeCloud::with(&["a"])).await;
    dead.sent(Verb::Delete, &["a"], None).await;
    dead.context.journal.join(&dead.member, dead.context.clock.wall()).await.unwrap();
    assert_eq!(dead.recovered().await, []);
    tokio::time::sleep(Duration::from_secs(29)).await;
    assert_eq!(dead.recovered().await, []);
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(dead.recovered().await, [told("a", ItemState::Accepted)]);
}

#[tokio::test(start_paused = true)]
async fn ones_own_items_are_under_way_however_long_one_slept() {
    let mut own = Dead::leaving(FakeCloud::with(&["a"])).await;
    own.member = own.context.member.clone();
    own.sent(Verb::Delete, &["a"], None).await;
    own.intended(Verb::Delete, &["a"]).await;
    tokio::time::sleep(Duration::from_secs(3600)).await;
    assert_eq!(own.recovered().await, []);
}

#[tokio::test(start_paused = true)]
async fn a_cloud_that_does_not_answer_leaves_it_for_the_next_look() {
    let dead = Dead::leaving(FakeCloud::with(&["a", "b"])).await;
    let first = dead.sent(Verb::Delete, &["a"], None).await;
    dead.sent(Verb::Delete, &["b"], None).await;
    let (api, detail) = (FakeCloud::API.to_owned(), "connection refused".to_owned());
    dead.cloud.script("stat", Script::Refuse(CloudError::Unreachable { api, detail }));
    assert_eq!(dead.recovered().await, [told("a", ItemState::Sent)], "the second is not tried");
    assert_eq!(dead.journaled(&first).await, [(ItemState::Sent, None)]);
    let settled = [told("a", ItemState::Accepted), told("b", ItemState::Accepted)];
    assert_eq!(dead.recovered().await, settled);
}

#[tokio::test(start_paused = true)]
async fn a_read_only_profile_asks_nothing_that_could_repeat_a_call() {
    let mut dead = Dead::leaving(FakeCloud::with(&["a", "b"])).await;
    dead.context.policy.read_only = true;
    let order = dead.sent(Verb::Purge, &["a"], None).await;
    dead.intended(Verb::Purge, &["b"]).await;
    assert_eq!(dead.recovered().await, [told("b", ItemState::Skipped)]);
    assert_eq!(dead.cloud.calls(), Vec::<String>::new());
    assert_eq!(dead.journaled(&order).await, [(ItemState::Sent, None)]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_came_after_all_is_the_last_word() {
    let dead = Dead::leaving(FakeCloud::with(&["a"])).await;
    let order = dead.sent(Verb::Rename, &["a"], Some("b")).await;
    dead.cloud.script("stat", Script::Delay(Duration::from_secs(5)));
    let answer = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        let answer = (order.items[0].id, ItemState::Accepted, Some("at last".to_owned()));
        dead.context.journal.settle(&[answer]).await.unwrap();
    };
    let (recovered, ()) = tokio::join!(dead.recovered(), answer);
    assert_eq!(recovered, []);
    let last = (ItemState::Accepted, Some("at last".to_owned()));
    assert_eq!(dead.journaled(&order).await, [last]);
}

#[tokio::test(start_paused = true)]
async fn earlier_runs_of_a_local_cloud_end_and_later_deaths_are_noticed() {
    let dead = Dead::leaving(FakeCloud::with(&["a"])).await;
    let scope = CloudScope { instance: Some("run-0".to_owned()), ..dead.context.scope.clone() };
    let operation = Operation { scope, ..dead.operation(Verb::Delete) };
    let earlier = dead.order(operation, &["a"], None);
    dead.record(&earlier).await;
    let order = dead.intended(Verb::Delete, &["a"]).await;
    // Alive at the start, dead later.
    dead.context.journal.join(&dead.member, dead.context.clock.wall()).await.unwrap();

    let context = Arc::new(dead.context);
    let stop = CancellationToken::new();
    let worker = Worker {
        context: Arc::clone(&context),
        tracker: Tracker::idle(Arc::clone(&context)),
        running: Running::default(),
        tasks: TaskTracker::new(),
        stop: stop.clone(),
        lock: Arc::default(),
    };
    let keeping = tokio::spawn(worker.work(false));
    let state = async || context.journal.invalidation(order.id).await.unwrap().items[0].state;
    tokio::time::sleep(Duration::from_secs(10)).await;
    let ended = context.journal.ended(None, 10).await.unwrap();
    let outcomes: Vec<_> = ended.iter().map(|row| (row.id, row.ended.as_ref())).collect();
    let [(id, Some(ending))] = outcomes[..] else { panic!("{outcomes:?}") };
    assert_eq!((id, ending.outcome), (earlier.id, Outcome::CloudGone));
    assert_eq!(state().await, ItemState::Intended);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(state().await, ItemState::Skipped);
    stop.cancel();
    keeping.await.unwrap();
}
