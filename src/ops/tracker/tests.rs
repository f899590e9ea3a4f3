//! Stories of whole watches: a cloud, a CDN and a journal in memory, time that only passes while nothing is done.

use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::domain::asset::AssetKey;
use crate::domain::confidence::Confidence;
use crate::domain::invalidation::Outcome;
use crate::domain::purge::{Order, OrderTerms, Selection};
use crate::domain::snapshot::{Offer, Phase, PlaceState};
use crate::domain::verdict::{Expectation, Verdict};
use crate::ops::testing::{self, FakeCloud, FakePlaces, PausedClock, Script, image};
use crate::ops::{execute, plan};
use cdn::{Cdn, Habit};

mod beat;
mod cdn;
mod lag;
mod limits;
mod policy;
mod restarts;
mod stories;
mod troubles;

const HERO: &str = "/demo/image/upload/press/hero.jpg";
const SMALL: &str = "/demo/image/upload/c_scale,w_300/press/hero.jpg";
const AUTO: &str = "/demo/image/upload/f_auto,w_300/press/hero.jpg";

/// One process over a shared world.
struct World {
    cloud: Arc<FakeCloud>,
    cdn: Arc<Cdn>,
    context: Arc<Context>,
    tracker: Tracker,
}

fn habits(delays: &[u64]) -> Vec<Habit> {
    let habit =
        |ms: &u64| Habit { delay: Duration::from_millis(*ms), ages: true, ..Habit::default() };
    delays.iter().map(habit).collect()
}

const POPS: [&str; 4] = ["FRA", "SIN", "IAD", "NRT"];

impl World {
    /// A cloud with `press/hero` and a derived copy, and edges that hold them all.
    async fn new(habits: &[Habit]) -> Self {
        Self::with(habits, |_| {}).await
    }

    async fn with(habits: &[Habit], change: impl FnOnce(&mut Context)) -> Self {
        fastrand::seed(11);
        let cloud = FakeCloud::with(&["press/hero", "press/logo"]);
        cloud.derive(&image("press/hero"), "c_scale,w_300");
        Self::over(cloud, habits, change).await
    }

    async fn over(
        cloud: Arc<FakeCloud>,
        habits: &[Habit],
        change: impl FnOnce(&mut Context),
    ) -> Self {
        let context = testing::context(Arc::clone(&cloud)).await;
        let clock = PausedClock::start();
        tokio::time::advance(cdn::START).await;
        let cdn = Cdn::new(Arc::clone(&cloud), clock.clone(), habits);
        let mut context = Context {
            prober: Arc::clone(&cdn) as Arc<dyn crate::ports::prober::Prober>,
            places: Arc::new(FakePlaces::local(&POPS[..habits.len()])),
            clock: Arc::new(clock),
            ..context
        };
        change(&mut context);
        let context = Arc::new(context);
        cdn.warm(&[HERO, SMALL]);
        let tracker = Tracker::start(Arc::clone(&context));
        Self { cloud, cdn, context, tracker }
    }

    async fn order(&self, order: Order) -> InvalidationId {
        self.order_with(order, &OrderTerms::default()).await
    }

    async fn order_with(&self, order: Order, terms: &OrderTerms) -> InvalidationId {
        let plan = plan::plan(&self.context, &order, terms).await.unwrap();
        let (events, mut heard) = mpsc::channel(64);
        let cancel = CancellationToken::new();
        let executed =
            execute::execute(&self.context, &self.tracker, &plan, terms, None, &events, &cancel);
        let executed = executed.await.unwrap();
        heard.close();
        executed.invalidation.unwrap()
    }

    async fn delete(&self) -> InvalidationId {
        self.order(delete("press/hero")).await
    }

    async fn replace(&self) -> InvalidationId {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(&file, b"another picture").unwrap();
        self.order(Order::Replace { key: image("press/hero"), file: file.path().to_owned() }).await
    }

    /// The picture of a watch, once it satisfies `wanted`.
    async fn until(
        &self,
        id: InvalidationId,
        wanted: impl Fn(&WatchSnapshot) -> bool,
    ) -> Arc<WatchSnapshot> {
        until(&self.tracker, id, wanted).await
    }

    async fn outcome(&self, id: InvalidationId) -> Arc<WatchSnapshot> {
        self.tracker.outcome(id).await.expect("the tracker runs")
    }

    /// Time since the clock's origin.
    fn now(&self) -> Duration {
        self.context.clock.moment().since_origin()
    }

    /// Another process over the same journal, cloud and CDN.
    fn second(&self, user: &str, pid: u32) -> (Arc<Context>, Tracker) {
        let Context { cloud, journal, prober, places, clock, account, scope, policy, .. } =
            &*self.context;
        let context = Arc::new(Context {
            cloud: Arc::clone(cloud),
            journal: Arc::clone(journal),
            prober: Arc::clone(prober),
            places: Arc::clone(places),
            clock: Arc::clone(clock),
            account: account.clone(),
            scope: scope.clone(),
            policy: policy.clone(),
            member: testing::member(user, pid),
        });
        (Arc::clone(&context), Tracker::start(context))
    }
}

async fn until(
    tracker: &Tracker,
    id: InvalidationId,
    wanted: impl Fn(&WatchSnapshot) -> bool,
) -> Arc<WatchSnapshot> {
    let mut board = tracker.board();
    let seen = board.wait_for(|board| board.get(id).is_some_and(|watch| wanted(watch)));
    let seen = tokio::time::timeout(Duration::from_secs(7200), seen).await;
    let last = tracker.board().borrow().get(id).cloned();
    let seen = seen.unwrap_or_else(|_| panic!("never seen; last: {last:#?}"));
    seen.unwrap().get(id).cloned().unwrap()
}

fn delete(public_id: &str) -> Order {
    Order::Delete { what: Selection::Keys(vec![image(public_id)]) }
}

fn purge(public_id: &str) -> Order {
    Order::Purge { what: Selection::Keys(vec![image(public_id)]) }
}

fn outcome_of(last: &Arc<WatchSnapshot>) -> Outcome {
    last.ended.as_ref().expect("it has ended").outcome
}

/// What a watch shows of a place; nothing before it is known.
fn place<T: Default>(
    watch: &WatchSnapshot,
    id: &str,
    show: impl Fn(&crate::domain::snapshot::PlaceRow) -> T,
) -> T {
    watch.places.iter().find(|place| place.id.0 == id).map(show).unwrap_or_default()
}

fn said(watch: &WatchSnapshot, words: &str) -> bool {
    watch.timeline.iter().any(|entry| entry.text.contains(words))
}
