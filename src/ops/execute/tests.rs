use std::collections::HashSet;
use std::sync::Arc;

use sqlx::{Connection as _, Executor as _};

use super::*;
use crate::adapters::journal::{Processes, SqlJournal};
use crate::domain::asset::AssetKey;
use crate::domain::job::{ActKind, ItemFilter, Slice, Wish};
use crate::domain::purge::{Order, Selection};
use crate::ops::testing::{FakeCloud, Script, context, image, member};
use crate::ports::cloud::CloudError;
use crate::ports::journal::{JobsOf, Journal as _, Step};

/// A process with a cloud of `assets`, about to delete them all without an invalidation.
struct Bench {
    context: Arc<Context>,
    cloud: Arc<FakeCloud>,
    running: Running,
    keys: Vec<AssetKey>,
    leave: CancellationToken,
    cancel: CancellationToken,
    /// Whether caches are watched.
    watches: bool,
}

impl Bench {
    async fn with(assets: usize) -> Self {
        let cloud = FakeCloud::new();
        let keys = (0..assets).map(|n| image(&format!("bulk/{n:04}"))).collect::<Vec<_>>();
        for key in &keys {
            cloud.put(key);
        }
        Self {
            context: Arc::new(context(Arc::clone(&cloud)).await),
            cloud,
            running: Running::default(),
            keys,
            leave: CancellationToken::new(),
            cancel: CancellationToken::new(),
            watches: false,
        }
    }

    fn terms() -> OrderTerms {
        OrderTerms { invalidate: false, ..OrderTerms::default() }
    }

    async fn plan(&self) -> Plan {
        let order = Order::Delete { what: Selection::Keys(self.keys.clone()) };
        plan::plan(&self.context, &order, &Self::terms()).await.unwrap()
    }

    /// Carries the order out; returns what it came to and what was told meanwhile.
    async fn executed(&self) -> (Result<Executed, OpError>, Vec<Execution>) {
        let plan = self.plan().await;
        let word = plan.confirmation.word();
        self.hearing(async |runner, events| {
            runner.execute(&plan, &Self::terms(), word.as_deref(), events, &self.cancel).await
        })
        .await
    }

    async fn gone_on(&self, operation: OperationId) -> (Result<Executed, OpError>, Vec<Execution>) {
        self.hearing(async |runner, events| runner.go_on(operation, events, &self.cancel).await)
            .await
    }

    async fn hearing(
        &self,
        work: impl AsyncFnOnce(Runner<'_>, &mpsc::Sender<Execution>) -> Result<Executed, OpError>,
    ) -> (Result<Executed, OpError>, Vec<Execution>) {
        let tracker = if self.watches { Tracker::start } else { Tracker::idle };
        let tracker = tracker(Arc::clone(&self.context));
        let runner = Runner {
            context: &self.context,
            tracker: &tracker,
            running: &self.running,
            leave: &self.leave,
        };
        let (events, mut heard) = mpsc::channel(16);
        let listening = async {
            let mut all = Vec::new();
            while let Some(event) = heard.recv().await {
                all.push(event);
            }
            all
        };
        let working = async {
            let done = work(runner, &events).await;
            drop(events);
            done
        };
        let done = tokio::join!(working, listening);
        tracker.shutdown().await;
        done
    }

    /// The only job that the journal has.
    async fn job(&self) -> Option<crate::domain::job::JobRow> {
        let jobs = self.context.journal.jobs(None, 10, self.context.clock.wall()).await.unwrap();
        jobs.into_iter().next()
    }

    async fn settled(&self) -> usize {
        self.job().await.map_or(0, |job| job.counts.settled())
    }

    /// Waits until so many items have their outcome.
    async fn until_settled(&self, items: usize) {
        while self.settled().await < items {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    fn destroyed(&self) -> Vec<String> {
        self.cloud.calls().into_iter().filter(|call| call.starts_with("destroy")).collect()
    }

    fn slow(&self, calls: usize) {
        for _ in 0..calls {
            self.cloud.script("destroy", Script::Delay(Duration::from_millis(200)));
        }
    }
}

/// A journal in a file that can be made to refuse what is written about items, as a full disk would.
struct Disk {
    folder: tempfile::TempDir,
}

impl Disk {
    async fn under(bench: &mut Bench) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let disk = Self { folder };
        let processes = Processes::new("test", |_| true);
        let journal = SqlJournal::open(&disk.path(), processes).await.unwrap();
        let context = Arc::get_mut(&mut bench.context).unwrap();
        journal.join(&context.member, context.clock.wall()).await.unwrap();
        context.journal = Arc::new(journal);
        disk
    }

    fn path(&self) -> String {
        self.folder.path().join("journal.db").display().to_string()
    }

    async fn run(&self, sql: &'static str) {
        let url = format!("sqlite://{}", self.path());
        let mut own = sqlx::AnyConnection::connect(&url).await.unwrap();
        own.execute("PRAGMA busy_timeout = 5000").await.unwrap();
        own.execute(sql).await.unwrap();
        own.close().await.unwrap();
    }

    async fn fill(&self) {
        self.run(
            "CREATE TRIGGER full BEFORE UPDATE OF state ON item BEGIN SELECT RAISE(FAIL, 'database or disk is full'); END",
        )
        .await;
    }

    async fn make_room(&self) {
        self.run("DROP TRIGGER full").await;
    }
}

fn too_many(retry_at: Option<crate::domain::time::Timestamp>) -> CloudError {
    CloudError::RateLimited { cloud: "demo".to_owned(), limit: 500, retry_at }
}

fn count(executed: &Result<Executed, OpError>, state: ItemState) -> usize {
    executed.as_ref().unwrap().count(state)
}

#[tokio::test(start_paused = true)]
async fn as_many_calls_as_the_profile_allows_are_in_flight_and_all_are_done() {
    let bench = Bench::with(100).await;
    bench.slow(100);
    let begun = tokio::time::Instant::now();
    let (executed, events) = bench.executed().await;
    assert_eq!(count(&executed, ItemState::Accepted), 100);
    assert_eq!(bench.destroyed().iter().collect::<HashSet<_>>().len(), 100);
    let took = begun.elapsed().as_millis();
    assert!((800..1_200).contains(&took), "100 calls of 200 ms, 30 at once, took {took} ms");
    let order = executed.unwrap().items.into_iter().map(|item| item.key).collect::<Vec<_>>();
    assert_eq!(order, bench.keys, "told in the order of the plan");
    assert!(matches!(events[0], Execution::Recorded { total: 100, .. }));
    let job = bench.job().await.unwrap();
    assert_eq!((job.state, job.counts.accepted, job.run_by), (JobState::Done, 100, None));
    assert!(job.ended_at.is_some());
}

#[tokio::test(start_paused = true)]
async fn a_window_does_not_wait_for_its_slowest_call() {
    let bench = Bench::with(100).await;
    bench.cloud.script("destroy", Script::Delay(Duration::from_secs(20)));
    let watching = async {
        bench.until_settled(99).await;
        assert_eq!(bench.settled().await, 99, "one is still under way");
    };
    let begun = tokio::time::Instant::now();
    let both = async { tokio::join!(bench.executed(), watching) };
    let ((executed, _), ()) = both.await;
    assert_eq!(count(&executed, ItemState::Accepted), 100);
    assert!(begun.elapsed() < Duration::from_secs(22));
}

#[tokio::test(start_paused = true)]
async fn a_used_up_quota_is_waited_for_visibly_and_nothing_fails() {
    let bench = Bench::with(40).await;
    let reset = bench.context.clock.wall() + Duration::from_secs(600);
    for _ in 0..7 {
        bench.cloud.script("destroy", Script::Refuse(too_many(Some(reset))));
    }
    let begun = tokio::time::Instant::now();
    let (executed, events) = bench.executed().await;
    assert_eq!(count(&executed, ItemState::Accepted), 40);
    assert_eq!(bench.destroyed().len(), 47, "only those that were refused are sent again");
    assert!(begun.elapsed() >= Duration::from_secs(599), "{:?}", begun.elapsed());
    let waits = events.iter().filter_map(|event| match event {
        Execution::Wait(wait) => Some(wait.as_ref().map(|wait| wait.until)),
        _ => None,
    });
    assert_eq!(waits.collect::<Vec<_>>(), [Some(reset), None]);
    assert!(
        !events
            .iter()
            .any(|event| matches!(event, Execution::Item { state: ItemState::Failed, .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn too_many_requests_are_tried_again_with_fewer_at_once() {
    let bench = Bench::with(60).await;
    let asked = |retry_after| CloudError::Unavailable {
        cloud: "demo".to_owned(),
        status: 429,
        message: "slow down".to_owned(),
        retry_after,
    };
    for n in 0..25 {
        let after = (n == 3).then(|| Duration::from_secs(7));
        bench.cloud.script("destroy", Script::Refuse(asked(after)));
    }
    let begun = tokio::time::Instant::now();
    let (executed, _) = bench.executed().await;
    assert_eq!(count(&executed, ItemState::Accepted), 60);
    assert!(begun.elapsed() >= Duration::from_secs(7), "Retry-After is kept to");
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_asked_for_until_storage_answers() {
    let bench = Bench::with(3).await;
    let plan = bench.plan().await; // its readings are not what is scripted
    bench.cloud.script("destroy", Script::lose());
    let down = || CloudError::Unreachable {
        api: FakeCloud::API.to_owned(),
        detail: "connection refused".to_owned(),
    };
    bench.cloud.script("stat", Script::Refuse(down()));
    bench.cloud.script("stat", Script::Refuse(down()));
    let (executed, _) = bench
        .hearing(async |runner, events| {
            runner.execute(&plan, &Bench::terms(), None, events, &bench.cancel).await
        })
        .await;
    assert_eq!(count(&executed, ItemState::Accepted), 3);
    assert_eq!(bench.destroyed().len(), 3, "what was carried out is not repeated");
    let message = executed.unwrap().items[0].message.clone().unwrap();
    assert!(message.contains("it is gone"), "{message}");
}

#[tokio::test(start_paused = true)]
async fn paused_nothing_leaves_and_resumed_it_goes_on() {
    let bench = Bench::with(100).await;
    bench.slow(100);
    let operating = async {
        bench.until_settled(20).await;
        let id = bench.job().await.unwrap().operation.id;
        crate::ops::jobs::wish(&bench.context, &bench.running, id, Wish::Pause).await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
        let paused = (bench.settled().await, bench.destroyed().len());
        assert_eq!(paused.0, paused.1, "calls in flight have settled");
        assert!(paused.0 < 100);
        tokio::time::sleep(Duration::from_secs(600)).await;
        assert_eq!((bench.settled().await, bench.destroyed().len()), paused);
        let job = bench.job().await.unwrap();
        assert_eq!(job.counts.sent, 0, "what was marked ahead is intended again");
        assert_eq!(
            (job.state, job.run_by.is_some()),
            (JobState::Paused, true),
            "its lease is kept"
        );
        crate::ops::jobs::wish(&bench.context, &bench.running, id, Wish::Run).await.unwrap();
    };
    let ((executed, events), ()) = tokio::join!(bench.executed(), operating);
    assert_eq!(count(&executed, ItemState::Accepted), 100);
    let states = events.iter().filter_map(|event| match event {
        Execution::State(state) => Some(*state),
        _ => None,
    });
    assert_eq!(states.collect::<Vec<_>>(), [JobState::Paused, JobState::Running]);
}

#[tokio::test(start_paused = true)]
async fn what_another_process_wishes_is_heeded_within_two_seconds() {
    let bench = Bench::with(30).await;
    for _ in 0..30 {
        bench.cloud.script("destroy", Script::Delay(Duration::from_secs(30)));
    }
    let other = member("ben", 77);
    let operating = async {
        tokio::time::sleep(Duration::from_secs(3)).await;
        let journal = &bench.context.journal;
        journal.join(&other, bench.context.clock.wall()).await.unwrap();
        let scope = &bench.context.scope;
        let now = bench.context.clock.wall();
        journal.wish(JobsOf::Cloud(scope), Wish::Hold, other.id, now).await.unwrap();
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(bench.destroyed().len(), 30);
        let now = bench.context.clock.wall();
        journal.wish(JobsOf::Cloud(scope), Wish::Run, other.id, now).await.unwrap();
    };
    let ((executed, events), ()) = tokio::join!(bench.executed(), operating);
    assert_eq!(count(&executed, ItemState::Accepted), 30);
    assert!(events.contains(&Execution::State(JobState::Held)), "{events:?}");
    let acts = bench.context.journal.acts(None, 9).await.unwrap();
    let told = acts.iter().map(|act| (act.kind, act.by.as_str())).collect::<Vec<_>>();
    assert_eq!(told, [(ActKind::Resume, "ben@desk"), (ActKind::Hold, "ben@desk")]);
}

#[tokio::test(start_paused = true)]
async fn cancelled_what_is_in_flight_settles_and_the_rest_is_skipped() {
    let bench = Bench::with(100).await;
    bench.slow(100);
    let operating = async {
        bench.until_settled(20).await;
        bench.cancel.cancel();
    };
    let ((executed, _), ()) = tokio::join!(bench.executed(), operating);
    let (accepted, skipped) =
        (count(&executed, ItemState::Accepted), count(&executed, ItemState::Skipped));
    assert_eq!((accepted, accepted + skipped), (bench.destroyed().len(), 100));
    assert!(skipped > 0);
    let job = bench.job().await.unwrap();
    assert_eq!((job.state, job.counts.skipped), (JobState::Cancelled, skipped));
}

#[tokio::test]
async fn a_cancel_while_something_is_being_written_waits_for_nobody() {
    for calls in 1..=8 {
        let mut bench = Bench::with(100).await;
        let _disk = Disk::under(&mut bench).await;
        let operating = async {
            while bench.destroyed().len() < calls {
                tokio::task::yield_now().await;
            }
            bench.cancel.cancel();
        };
        let both = async { tokio::join!(bench.executed(), operating).0 };
        let ended = tokio::time::timeout(Duration::from_secs(60), both).await;
        let (executed, _) = ended.expect("the write in flight goes on while the wish waits for it");
        assert_eq!(count(&executed, ItemState::Accepted), bench.destroyed().len());
        assert_eq!(bench.job().await.unwrap().state, JobState::Cancelled);
    }
}

#[tokio::test(start_paused = true)]
async fn a_job_that_somebody_else_took_up_sends_nothing_more_and_says_who_has_it() {
    let bench = Bench::with(100).await;
    bench.slow(100);
    let thief = member("eve", 77);
    let stealing = async {
        bench.until_settled(20).await;
        let journal = &bench.context.journal;
        journal.join(&thief, bench.context.clock.wall()).await.unwrap();
        let id = bench.job().await.unwrap().operation.id;
        // as after a suspend: the lease has run out
        let later = bench.context.clock.wall() + Duration::from_secs(20);
        let ttl = Duration::from_secs(60);
        journal.claim_job(id, thief.id, later, ttl).await.unwrap().unwrap();
        let counts = bench.job().await.unwrap().counts;
        (id, counts.sent + counts.accepted)
    };
    let ((executed, _), (operation, marked)) = tokio::join!(bench.executed(), stealing);
    let who = "eve@desk 77".to_owned();
    assert_eq!(executed.unwrap_err(), OpError::TakenOver { operation, who });
    assert!(bench.destroyed().len() <= marked, "what the journal had as sent, and no more");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_slept_takes_its_job_back_and_repeats_nothing() {
    let bench = Bench::with(100).await;
    bench.slow(100);
    let other = member("ben", 77);
    let settling = async {
        bench.until_settled(20).await;
        let journal = &bench.context.journal;
        journal.join(&other, bench.context.clock.wall()).await.unwrap();
        let id = bench.job().await.unwrap().operation.id;
        // the lease has run out: somebody settles what was in flight by asking storage, and gives the job back
        let later = bench.context.clock.wall() + Duration::from_secs(20);
        let ttl = Duration::from_secs(60);
        let lease = journal.claim_job(id, other.id, later, ttl).await.unwrap().unwrap();
        let sent = ItemFilter::In(ItemState::Sent);
        let sent = journal.job_items(id, sent, Slice::ALL).await.unwrap();
        assert!(!sent.is_empty());
        let said = Some("settled by asking storage".to_owned());
        let outcomes = sent.iter().map(|item| (item.id, ItemState::Accepted, said.clone()));
        let step = Step { outcomes: outcomes.collect(), leaving: Vec::new() };
        journal.advance(lease, &step, later).await.unwrap();
        tokio::time::sleep(Duration::from_secs(3)).await;
        journal.release_job(lease, later).await.unwrap();
        sent.len()
    };
    let ((executed, events), settled) = tokio::join!(bench.executed(), settling);
    assert_eq!(count(&executed, ItemState::Accepted), 100);
    let destroyed = bench.destroyed();
    assert_eq!(destroyed.iter().collect::<HashSet<_>>().len(), destroyed.len(), "none is repeated");
    assert_eq!(destroyed.len(), 100);
    let told = events.iter().filter(|event| {
        matches!(event, Execution::Item { message: Some(said), .. } if said.starts_with("settled by"))
    });
    assert_eq!(told.count(), settled, "what somebody else found out is told");
    assert_eq!(bench.job().await.unwrap().state, JobState::Done);
}

#[tokio::test(start_paused = true)]
async fn endless_refusals_stop_the_job_visibly_and_resumed_it_goes_on() {
    let bench = Bench::with(60).await;
    bench.slow(20);
    let plan = bench.plan().await;
    let busy = |status| CloudError::Unavailable {
        cloud: "demo".to_owned(),
        status,
        message: "slow down".to_owned(),
        retry_after: None,
    };
    for n in 0..4_000 {
        bench.cloud.script("destroy", Script::Refuse(busy([429, 503][n % 2])));
        bench.cloud.script("stat", Script::Refuse(busy(502)));
    }
    let word = plan.confirmation.word();
    let begun = tokio::time::Instant::now();
    let (executed, _) = bench
        .hearing(async |runner, events| {
            runner.execute(&plan, &Bench::terms(), word.as_deref(), events, &bench.cancel).await
        })
        .await;
    let took = begun.elapsed();
    assert!((15 * 60..20 * 60).contains(&took.as_secs()), "{took:?}");
    assert_eq!(count(&executed, ItemState::Accepted), 20);
    let why = executed.unwrap().stopped.expect("it was given up");
    assert!(why.starts_with("nothing got through for 15m"), "{why}");
    assert!(why.contains("slow down"), "{why}");
    let job = bench.job().await.unwrap();
    assert_eq!((job.state, job.stopped.as_deref()), (JobState::Paused, Some(why.as_str())));
    assert_eq!(
        (job.run_by, job.counts.failed, job.counts.skipped),
        (None, 0, 0),
        "nothing is lost"
    );
    let acts = bench.context.journal.acts(None, 9).await.unwrap();
    assert_eq!((acts[0].kind, acts[0].note.as_deref()), (ActKind::GiveUp, Some(why.as_str())));

    // nobody goes on with it by himself
    assert!(crate::ops::jobs::interrupted(&bench.context).await.unwrap().is_empty());
    bench.cloud.forget_scripts();
    let id = job.operation.id;
    crate::ops::jobs::wish(&bench.context, &bench.running, id, Wish::Run).await.unwrap();
    assert_eq!(bench.job().await.unwrap().stopped, None);
    let (executed, _) = bench.gone_on(id).await;
    assert_eq!(count(&executed, ItemState::Accepted), 60);
    assert_eq!(executed.unwrap().stopped, None);
}

#[tokio::test(start_paused = true)]
async fn a_success_now_and_then_and_a_quota_that_says_when_are_waited_for() {
    let mut bench = Bench::with(30).await;
    let context = Arc::get_mut(&mut bench.context).unwrap();
    context.policy.stop_after = Duration::from_secs(60);
    context.policy.concurrency = 1;
    let reset = bench.context.clock.wall() + Duration::from_secs(3600);
    bench.cloud.script("destroy", Script::Refuse(too_many(Some(reset))));
    let busy = CloudError::Unavailable {
        cloud: "demo".to_owned(),
        status: 429,
        message: "slow down".to_owned(),
        retry_after: Some(Duration::from_secs(50)),
    };
    for _ in 0..20 {
        bench.cloud.script("destroy", Script::Refuse(busy.clone()));
        bench.cloud.script("destroy", Script::Delay(Duration::from_millis(1)));
    }
    let (executed, _) = bench.executed().await;
    assert_eq!(count(&executed, ItemState::Accepted), 30);
    assert_eq!(executed.unwrap().stopped, None);
}

#[tokio::test(start_paused = true)]
async fn a_job_whose_process_died_is_gone_on_with() {
    let bench = Bench::with(40).await;
    let plan = bench.plan().await;
    let ghost = member("ghost", 666);
    let then = bench.context.clock.wall();
    bench.context.journal.join(&ghost, then).await.unwrap();
    // recorded by a process that then sent three calls: one was carried out, one was not, one was answered
    let mut intent = intent::of_plan(&bench.context, &plan, &Bench::terms()).await;
    intent.operation.member = ghost.id;
    bench.context.journal.record(&intent).await.unwrap();
    let id = intent.operation.id;
    let lease = JobLease::to_run(id, ghost.id, 1);
    let leaving = intent.items[..3].iter().map(|item| item.id).collect();
    let step = Step { outcomes: Vec::new(), leaving };
    bench.context.journal.advance(lease, &step, then).await.unwrap();
    bench.cloud.take(&bench.keys[0]);
    bench.cloud.take(&bench.keys[2]);
    let answered = vec![(intent.items[2].id, ItemState::Accepted, None)];
    let step = Step { outcomes: answered, leaving: Vec::new() };
    bench.context.journal.advance(lease, &step, then).await.unwrap();

    let (refused, _) = bench.gone_on(id).await;
    assert!(matches!(refused, Err(OpError::Invalid { .. })), "it is run: {refused:?}");
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(bench.job().await.unwrap().state, JobState::Interrupted);
    let (executed, _) = bench.gone_on(id).await;
    assert_eq!(count(&executed, ItemState::Accepted), 40);
    let destroyed = bench.destroyed();
    assert_eq!(destroyed.len(), 38, "neither what was answered nor what storage has no more");
    assert!(!destroyed.iter().any(|call| call.ends_with("/0000") || call.ends_with("/0002")));
    let items = bench.context.journal.job_items(id, ItemFilter::All, Slice::ALL).await.unwrap();
    let message = items[0].message.as_deref().unwrap();
    assert!(message.contains("its process ended before the answer came"), "{message}");
    let (over, _) = bench.gone_on(id).await;
    assert!(over.is_ok(), "once more changes nothing");
    assert_eq!(bench.destroyed().len(), 38);
}

#[tokio::test(start_paused = true)]
async fn a_process_that_leaves_settles_what_is_in_flight_and_leaves_the_rest() {
    let bench = Bench::with(100).await;
    bench.slow(100);
    let operating = async {
        bench.until_settled(20).await;
        bench.leave.cancel();
    };
    let ((executed, _), ()) = tokio::join!(bench.executed(), operating);
    let job = bench.job().await.unwrap();
    assert_eq!((job.state, job.counts.sent), (JobState::Interrupted, 0));
    assert_eq!(count(&executed, ItemState::Accepted), bench.destroyed().len());
    assert_eq!(job.counts.intended, 100 - bench.destroyed().len());
}

#[tokio::test]
async fn nothing_leaves_while_the_journal_cannot_be_written() {
    let mut bench = Bench::with(40).await;
    let disk = Disk::under(&mut bench).await;
    disk.fill().await;
    let (executed, _) = bench.executed().await;
    assert_eq!(bench.destroyed(), Vec::<String>::new());
    let items = executed.unwrap().items;
    assert!(items.iter().all(|item| item.state == ItemState::Skipped), "{items:?}");
    let why = items[0].message.as_deref().unwrap();
    assert!(why.starts_with("not sent, because the journal cannot be written: "), "{why}");
    let job = bench.job().await.unwrap();
    assert_eq!((job.state, job.counts.intended), (JobState::Interrupted, 40), "nothing is lost");
}

#[tokio::test]
async fn a_disk_that_fills_up_stops_the_job_and_a_later_start_settles_what_was_in_flight() {
    let mut bench = Bench::with(100).await;
    let disk = Disk::under(&mut bench).await;
    for _ in 0..100 {
        bench.cloud.script("destroy", Script::Delay(Duration::from_millis(30)));
    }
    let filling = async {
        bench.until_settled(10).await;
        disk.fill().await;
    };
    let ((executed, _), ()) = tokio::join!(bench.executed(), filling);
    let sent = bench.destroyed().len();
    assert!(sent < 100, "{sent}");
    let told = count(&executed, ItemState::Accepted);
    assert_eq!(told, sent, "what the cloud answered is told");
    let counts = bench.job().await.unwrap().counts;
    let marked = counts.sent + counts.accepted;
    assert!(marked >= sent, "some are marked ahead, none leaves without: {counts:?}, {sent} sent");
    assert!(counts.sent > 0 && marked + counts.intended == 100, "{counts:?}");

    disk.make_room().await;
    let id = bench.job().await.unwrap().operation.id;
    let (executed, _) = bench.gone_on(id).await;
    assert_eq!(count(&executed, ItemState::Accepted), 100);
    let destroyed = bench.destroyed();
    assert_eq!(destroyed.iter().collect::<HashSet<_>>().len(), destroyed.len(), "none is repeated");
    assert_eq!(destroyed.len(), 100);
}

/// A purge on an account whose URLs are not all reached, the rest to be named one by one.
async fn purge_by_url(bench: &mut Bench) -> (Plan, OrderTerms) {
    bench.watches = true;
    let context = Arc::get_mut(&mut bench.context).unwrap();
    context.account.invalidation = crate::domain::account::InvalidationKind::Legacy;
    let terms = OrderTerms { attempt_by_url: true, ..OrderTerms::default() };
    let order = Order::Purge { what: Selection::Keys(bench.keys.clone()) };
    let plan = plan::plan(&bench.context, &order, &terms).await.unwrap();
    assert!(!plan.by_url.is_empty());
    (plan, terms)
}

fn named(bench: &Bench) -> usize {
    bench.cloud.calls().iter().filter(|call| call.starts_with("invalidate_by_urls")).count()
}

#[tokio::test(start_paused = true)]
async fn urls_are_named_once_when_every_call_has_its_answer() {
    let mut bench = Bench::with(2).await;
    let (plan, terms) = purge_by_url(&mut bench).await;
    let (executed, events) = bench
        .hearing(async |runner, events| {
            runner.execute(&plan, &terms, None, events, &bench.cancel).await
        })
        .await;
    assert_eq!(count(&executed, ItemState::Accepted), 2);
    assert_eq!(named(&bench), 1);
    let urls = plan.by_url.len();
    let told = Execution::Named { urls, accepted: true, answer: "ok".to_owned() };
    assert!(events.contains(&told), "{events:?}");
    let job = bench.job().await.unwrap();
    assert_eq!((job.state, job.counts.to_name), (JobState::Done, 0));
}

#[tokio::test(start_paused = true)]
async fn the_wish_to_name_urls_survives_the_process() {
    let mut bench = Bench::with(2).await;
    let (plan, terms) = purge_by_url(&mut bench).await;
    let ghost = member("ghost", 666);
    let then = bench.context.clock.wall();
    bench.context.journal.join(&ghost, then).await.unwrap();
    let mut intent = intent::of_plan(&bench.context, &plan, &terms).await;
    intent.operation.member = ghost.id;
    if let Some(invalidation) = &mut intent.invalidation {
        invalidation.operation.member = ghost.id;
    }
    bench.context.journal.record(&intent).await.unwrap();
    // every call was answered, and the process died before it named the URLs
    let id = intent.operation.id;
    let lease = JobLease::to_run(id, ghost.id, 1);
    let leaving = intent.items.iter().map(|item| item.id).collect();
    let journal = &bench.context.journal;
    journal.advance(lease, &Step { outcomes: Vec::new(), leaving }, then).await.unwrap();
    let outcomes = intent.items.iter().map(|item| (item.id, ItemState::Accepted, None)).collect();
    journal.advance(lease, &Step { outcomes, leaving: Vec::new() }, then).await.unwrap();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let job = bench.job().await.unwrap();
    assert_eq!((job.state, job.counts.to_name), (JobState::Interrupted, plan.by_url.len()));
    let (executed, _) = bench.gone_on(id).await;
    assert_eq!(count(&executed, ItemState::Accepted), 2);
    assert_eq!(named(&bench), 1);
    assert_eq!(bench.job().await.unwrap().state, JobState::Done);
    bench.gone_on(id).await.0.unwrap();
    assert_eq!(named(&bench), 1, "once");
}
