//! Carries effects out. The only place of the console that spawns: each effect becomes a task, each task sends
//! messages and touches no state.

use std::collections::HashMap;
use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::event_loop::Carry;
use super::terminal::panic_words;
use super::{history, pictures, report};
use crate::app::Effect;
use crate::app::effect::{JobAct, JobId, Lane};
use crate::app::msg::{Failure, FailureKind, Msg};
use crate::app::order::{Request, Target, Targets};
use crate::domain::asset::AssetKey;
use crate::domain::job::{ItemFilter, Slice};
use crate::domain::public_id::PublicId;
use crate::domain::purge::{Order, OrderTerms, Plan, Selection};
use crate::ops::engine::Resumed;
use crate::ops::{Engine, OpError};
use crate::ports::cloud::{CloudError, Quota};
use crate::ports::list_copy::ListCopies;
use crate::ports::notifier::Notifier;
use crate::ports::programs::Programs;
use crate::report::Report;
use crate::screens::assets::rows::arrange_within;
use crate::ui::text::shown;

/// Assets a page; the most the cloud gives.
const PAGE: u16 = 500;
/// Ended invalidations read for the Pending screen.
const HISTORY: u32 = 500;
/// Jobs read for the Jobs screen, and items of one that were not done.
const JOBS: u32 = 300;
const ITEMS: u32 = 200;
/// Orders read for the Activity screen.
const TRAIL: u32 = 1000;
/// A cursor that moves on within this time asks for nothing.
const SETTLED: Duration = Duration::from_millis(120);

/// Tasks by lane and by job.
pub struct Executor {
    /// `None` until it is there; what needs it waits.
    engine: Option<Arc<Engine>>,
    waiting: Vec<Effect>,
    inbox: mpsc::Sender<Msg>,
    tasks: TaskTracker,
    lanes: HashMap<Lane, CancellationToken>,
    jobs: HashMap<JobId, JobTokens>,
    quota: Arc<Mutex<Option<Quota>>>,
    notifier: Option<Arc<dyn Notifier>>,
    programs: Option<Arc<dyn Programs>>,
    copies: Option<Arc<dyn ListCopies>>,
    /// Where lines of the command line are kept.
    history: Option<PathBuf>,
    stop: CancellationToken,
}

/// To stop an order, and to see that it has ended.
struct JobTokens {
    cancel: CancellationToken,
    done: CancellationToken,
}

impl Executor {
    #[must_use]
    pub fn new(inbox: mpsc::Sender<Msg>) -> Self {
        Self {
            engine: None,
            waiting: Vec::new(),
            inbox,
            tasks: TaskTracker::new(),
            lanes: HashMap::new(),
            jobs: HashMap::new(),
            quota: Arc::default(),
            notifier: None,
            programs: None,
            copies: None,
            history: None,
            stop: CancellationToken::new(),
        }
    }

    /// What it works with, if that is there yet.
    #[must_use]
    pub fn engine(&self) -> Option<Arc<Engine>> {
        self.engine.clone()
    }

    /// Whom to tell outside.
    #[must_use]
    pub fn telling(mut self, notifier: Option<Arc<dyn Notifier>>) -> Self {
        self.notifier = notifier;
        self
    }

    /// Who runs commands of the operator's own.
    #[must_use]
    pub fn running(mut self, programs: Option<Arc<dyn Programs>>) -> Self {
        self.programs = programs;
        self
    }

    /// Where lists are kept.
    #[must_use]
    pub fn copying(mut self, copies: Option<Arc<dyn ListCopies>>) -> Self {
        self.copies = copies;
        self
    }

    /// Where lines of the command line are kept for the next start.
    #[must_use]
    pub fn remembering(mut self, history: Option<PathBuf>) -> Self {
        self.history = history;
        self
    }

    /// Ends every read, tells orders to stop, and waits for them, at most for `limit`.
    pub async fn settle(&mut self, limit: Duration) {
        self.stop_jobs();
        for token in self.lanes.values() {
            token.cancel();
        }
        self.tasks.close();
        let _ = tokio::time::timeout(limit, self.tasks.wait()).await;
        self.stop.cancel();
    }

    /// A task whose answer replaces those of its lane.
    fn in_lane(&mut self, lane: Lane, task: impl Future<Output = Msg> + Send + 'static) {
        let token = self.stop.child_token();
        if let Some(older) = self.lanes.insert(lane, token.clone()) {
            older.cancel(); // a newer question makes the elder answer worthless
        }
        let done = token.clone();
        self.spawn(async move {
            let answer = token.run_until_cancelled_owned(task).await;
            done.cancel(); // the lane is free
            answer
        });
    }

    /// Whether a task of this lane has not answered yet.
    fn is_busy(&self, lane: Lane) -> bool {
        self.lanes.get(&lane).is_some_and(|token| !token.is_cancelled())
    }

    fn spawn(&self, task: impl Future<Output = Option<Msg>> + Send + 'static) {
        let (inbox, engine, quota) =
            (self.inbox.clone(), self.engine.clone(), Arc::clone(&self.quota));
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            let answer = AssertUnwindSafe(task)
                .catch_unwind()
                .await
                .unwrap_or_else(|panic| Some(Msg::TaskFailed(panic_text(panic.as_ref()))));
            let now = engine.and_then(|engine| engine.context().cloud.quota());
            let changed = {
                let mut known = quota.lock().unwrap_or_else(PoisonError::into_inner);
                std::mem::replace(&mut *known, now) != now
            };
            // A full inbox makes us wait; a loop that has ended does not.
            let tell = async {
                for msg in answer.into_iter().chain(changed.then_some(Msg::Quota(now))) {
                    if inbox.send(msg).await.is_err() {
                        return;
                    }
                }
            };
            stop.run_until_cancelled(tell).await;
        });
    }

    fn execute(
        &mut self,
        engine: Arc<Engine>,
        (job, plan): (JobId, Box<Plan>),
        terms: OrderTerms,
        typed: Option<String>,
    ) {
        let (cancel, done) = (CancellationToken::new(), CancellationToken::new());
        self.jobs.retain(|_, tokens| !tokens.done.is_cancelled());
        self.jobs.insert(job, JobTokens { cancel: cancel.clone(), done: done.clone() });
        let inbox = self.inbox.clone();
        self.spawn(async move {
            let (events, mut happened) = mpsc::channel(64);
            let forward = async {
                while let Some(event) = happened.recv().await {
                    inbox.send(Msg::Execution { job, event }).await.ok();
                }
            };
            let work = async {
                let events = events; // dropped at the end, so that forwarding ends
                let run = engine.execute(&plan, &terms, typed.as_deref(), &events, &cancel);
                AssertUnwindSafe(run).catch_unwind().await
            };
            let (result, ()) = tokio::join!(work, forward);
            done.cancel();
            let result = match result {
                Ok(result) => result.map_err(|why| failure(&why)),
                Err(panic) => Err(Failure::new(
                    format!(
                        "the order failed on a mistake of this program: {}",
                        panic_text(panic.as_ref())
                    ),
                    "the journal has what was accepted; look at Pending",
                )),
            };
            Some(Msg::Executed { job, result })
        });
    }

    fn told(
        &self,
        done: &'static str,
        task: impl Future<Output = Result<(), OpError>> + Send + 'static,
    ) {
        self.spawn(async move {
            let result = task.await.map_err(|why| failure(&why));
            Some(Msg::Told { done: done.to_owned(), result })
        });
    }
}

impl Executor {
    /// Carries out what needs no engine; answers what does.
    fn carry_alone(&mut self, effect: Effect) -> Option<Effect> {
        match effect {
            Effect::Arrange { task, rows, within, filter, sort, pending } => {
                let unwanted = CancellationToken::new();
                let until_dropped = unwanted.clone().drop_guard();
                self.in_lane(Lane::Arrange, async move {
                    let work = move || {
                        let stop = || unwanted.is_cancelled();
                        arrange_within(&rows, within.as_deref(), &filter, sort, &pending, &stop)
                    };
                    let result = tokio::task::spawn_blocking(work).await;
                    drop(until_dropped); // a newer question drops it with this task
                    match result {
                        Ok(rows) => Msg::Arranged { task, rows: rows.unwrap_or_default() },
                        Err(why) => Msg::TaskFailed(why.to_string()),
                    }
                });
            }
            Effect::Drop(lane) => {
                if let Some(token) = self.lanes.remove(&lane) {
                    token.cancel();
                }
            }
            Effect::Remember(line) => {
                if let Some(path) = self.history.clone() {
                    self.spawn(async move {
                        let kept = move || history::append(&path, &line);
                        if let Ok(Err(why)) = tokio::task::spawn_blocking(kept).await {
                            tracing::warn!(%why, "the command line is not kept");
                        }
                        None
                    });
                }
            }
            other => return Some(other),
        }
        None
    }
}

impl Carry for Executor {
    fn arrive(&mut self, engine: &Arc<Engine>) {
        self.engine = Some(Arc::clone(engine));
        for effect in std::mem::take(&mut self.waiting) {
            self.carry(effect);
        }
    }

    fn carry(&mut self, effect: Effect) {
        let Some(effect) = self.carry_alone(effect) else { return };
        let Some(engine) = self.engine.clone() else { return self.waiting.push(effect) };
        match effect {
            Effect::List { task, query, cursor } => self.in_lane(Lane::List, async move {
                let result = engine.list(&query, PAGE, cursor.as_deref()).await;
                Msg::Listed { task, result: result.map_err(|why| failure(&why)) }
            }),
            Effect::Folders { path } => self.spawn(async move {
                let result = engine.folders(&path).await.map_err(|why| failure(&why));
                Some(Msg::Folders { path, result })
            }),
            Effect::ReadCopy { query } => {
                let Some(copies) = self.copies.clone() else { return };
                self.spawn(async move {
                    let read = tokio::task::spawn_blocking(move || (copies.read(&query), query));
                    match read.await {
                        Ok((Ok(copy), query)) => {
                            copy.map(|copy| Msg::Copied { query, copy: Box::new(copy) })
                        }
                        Ok((Err(why), _)) => {
                            tracing::info!(%why, "no copy of the list");
                            None
                        }
                        Err(why) => Some(Msg::TaskFailed(why.to_string())),
                    }
                });
            }
            Effect::Show { task, key } => {
                let hurried = self.is_busy(Lane::Show);
                self.in_lane(Lane::Show, async move {
                    if hurried {
                        tokio::time::sleep(SETTLED).await;
                    }
                    let result = engine.show(&key).await;
                    let result = result.map(Arc::new).map_err(|why| failure(&why));
                    Msg::Shown { task, key, result }
                });
            }
            Effect::Resolve { typed } => self.in_lane(Lane::Resolve, async move {
                let result = engine.locate(&typed, None, None).await.map_err(|why| failure(&why));
                Msg::Resolved { typed, result }
            }),
            Effect::Plan { task, request, terms } => self.in_lane(Lane::Plan, async move {
                let result = match order(&engine, request) {
                    Ok(order) => engine.plan(&order, &terms).await,
                    Err(why) => Err(why),
                };
                Msg::Planned { task, result: result.map(Box::new).map_err(|why| failure(&why)) }
            }),
            Effect::Execute { job, plan, terms, typed } => {
                self.execute(engine, (job, plan), terms, typed);
            }
            Effect::CancelJob(job) => {
                if let Some(tokens) = self.jobs.get(&job) {
                    tokens.cancel.cancel();
                }
            }
            Effect::ReadJournal => self.in_lane(Lane::Journal, async move {
                let open = engine.pending().await.map_err(|why| failure(&why));
                let ended = engine.history(HISTORY).await.unwrap_or_default();
                Msg::Journal { open, ended }
            }),
            Effect::CheckJournal => self.in_lane(Lane::Pulse, async move {
                Msg::Pulse(engine.pulse().await.map_err(|why| failure(&why)))
            }),
            Effect::ReadActivity => self.in_lane(Lane::Activity, async move {
                let trail =
                    async { Ok((engine.activity(TRAIL).await?, engine.acts(TRAIL).await?)) };
                Msg::Activity(trail.await.map_err(|why: OpError| failure(&why)))
            }),
            Effect::AssetHistory { task, key } => self.in_lane(Lane::AssetHistory, async move {
                let result = engine.activity_of(&key, ITEMS).await;
                Msg::AssetHistory { task, result: result.map_err(|why| failure(&why)) }
            }),
            Effect::Look { task, url } => self.in_lane(Lane::Look, async move {
                // its probes borrow from one another: no task that moves between threads can hold them
                let here = tokio::runtime::Handle::current();
                let work = move || here.block_on(engine.look(&url));
                match tokio::task::spawn_blocking(work).await {
                    Ok(result) => {
                        let result = result.map(Arc::new).map_err(|why| failure(&why));
                        Msg::Looked { task, result }
                    }
                    Err(why) => Msg::TaskFailed(why.to_string()),
                }
            }),
            Effect::Picture { task, shown, insisted, way } => {
                let hurried = self.is_busy(Lane::Picture);
                self.in_lane(Lane::Picture, async move {
                    if hurried {
                        tokio::time::sleep(SETTLED).await;
                    }
                    let result = pictures::load(&engine, &shown, insisted, way).await;
                    let result = result.map(Box::new).map_err(|why| failure(&why));
                    Msg::Picture { task, result }
                });
            }
            Effect::Compare { task, watch, place, url, way } => {
                self.in_lane(Lane::Picture, async move {
                    let result = pictures::compare(&engine, watch, &place, &url, way).await;
                    let result = result.map(Box::new).map_err(|why| failure(&why));
                    Msg::Compared { task, result }
                });
            }
            Effect::ReadJobs => self.in_lane(Lane::Jobs, async move {
                Msg::Jobs(engine.jobs(JOBS).await.map_err(|why| failure(&why)))
            }),
            Effect::JobItems { task, job } => self.in_lane(Lane::JobItems, async move {
                let slice = Slice { offset: 0, limit: ITEMS };
                let result = engine.job_items(job, ItemFilter::NotDone, slice).await;
                let result = result.map(Arc::new).map_err(|why| failure(&why));
                Msg::JobItems { task, result }
            }),
            Effect::Job { job, act } => match act {
                JobAct::Pause => {
                    self.told("the job is paused; calls in flight settle", async move {
                        engine.pause(job).await.map(|_| ())
                    });
                }
                JobAct::Cancel => {
                    self.told("the job is cancelled; calls in flight settle", async move {
                        engine.cancel(job).await.map(|_| ())
                    });
                }
                JobAct::Resume => self.told("the job goes on", async move {
                    if matches!(engine.resume(job).await?, Resumed::Nobody) {
                        engine.take_up(job);
                    }
                    Ok(())
                }),
            },
            Effect::RetryJob(job) => self.in_lane(Lane::Retry, async move {
                let retry = engine.retry_failed(job).await;
                let retry = retry.map(|retry| Box::new((retry.order, retry.invalidate)));
                Msg::Retry(retry.map_err(|why| failure(&why)))
            }),
            Effect::Undo(operation) => self.in_lane(Lane::Retry, async move {
                let undo = engine.undo(operation).await;
                Msg::Undo(undo.map(Box::new).map_err(|why| failure(&why)))
            }),
            Effect::HoldAll => self.told("all jobs of this profile are held", async move {
                engine.hold_all().await.map(|_| ())
            }),
            Effect::ResumeAll => self.told("all jobs that were held go on", async move {
                for job in engine.resume_all().await? {
                    if engine.job(job).await?.run_by.is_none() {
                        engine.take_up(job);
                    }
                }
                Ok(())
            }),
            Effect::Evidence { task, watch, place, url } => {
                self.in_lane(Lane::Evidence, async move {
                    let result = engine.evidence(watch, &place, &url).await;
                    let result = result.map(Arc::new).map_err(|why| failure(&why));
                    Msg::Evidence { task, result }
                });
            }
            Effect::WatchUrl { url } => self.spawn(async move {
                let terms = OrderTerms {
                    command_line: format!("allclear watch {url}"),
                    ..OrderTerms::default()
                };
                let result = engine.watch_url(&url, None, &terms).await;
                Some(Msg::Watching(result.map_err(|why| failure(&why))))
            }),
            Effect::Abandon(id) => self
                .told("the watch is given up", async move { engine.tracker().abandon(id).await }),
            Effect::Exclude { watch, place } => self.told("the place is left out", async move {
                engine.tracker().exclude(watch, &place).await
            }),
            Effect::PurgeAgain(id) => {
                let sent = async move { engine.purge_again(id).await };
                self.told("the invalidation was sent again", sent);
            }
            Effect::Report(id) => self.spawn(async move {
                let done = report::write(&engine, id).await;
                let (done, result) = match done {
                    Ok(path) => (format!("the report is in {}", shown(&path)), Ok(())),
                    Err(why) => (String::new(), Err(why)),
                };
                Some(Msg::Told { done, result })
            }),
            Effect::SavePlan { text } => self.spawn(async move {
                let (done, result) = match report::save_plan(text).await {
                    Ok(name) => (
                        format!(
                            "the names are in {}; its second line is the command",
                            shown(&name)
                        ),
                        Ok(()),
                    ),
                    Err(why) => (String::new(), Err(why)),
                };
                Some(Msg::Told { done, result })
            }),
            Effect::Notify(notice) => {
                if let Some(notifier) = self.notifier.clone() {
                    self.spawn(async move {
                        let json = notice.json.to_string();
                        let problems = notifier.tell(notice.event.as_str(), &json).await;
                        (!problems.is_empty()).then_some(Msg::NotTold(problems))
                    });
                }
            }
            Effect::RunOwn(run) => {
                let Some(programs) = self.programs.clone() else { return };
                self.spawn(async move {
                    if run.changes
                        && let Err(why) = engine.refuse_changes()
                    {
                        let (done, result) = (String::new(), Err(failure(&why)));
                        return Some(Msg::Told { done, result });
                    }
                    tracing::info!(command = ?run.command, "a command of the operator's own");
                    let said = programs.run(&run.command, &run.input.to_string(), run.limit).await;
                    let name = &run.name;
                    Some(match said {
                        Ok(line) if line.is_empty() => {
                            Msg::Told { done: format!("{name}: done"), result: Ok(()) }
                        }
                        Ok(line) => {
                            Msg::Told { done: format!("{name}: {}", shown(&line)), result: Ok(()) }
                        }
                        Err(why) => {
                            let headline = format!("{name} {}", shown(&why));
                            Msg::Told {
                                done: String::new(),
                                result: Err(Failure::new(headline, "")),
                            }
                        }
                    })
                });
            }
            Effect::Lock => engine.lock(),
            Effect::Unlock(typed) => {
                if let Err(why) = engine.unlock(&typed) {
                    tracing::warn!(%why, "not unlocked");
                }
            }
            // These are the loop's own, or carried out already.
            Effect::Arrange { .. }
            | Effect::Drop(_)
            | Effect::Remember(_)
            | Effect::Copy(_)
            | Effect::Suspend
            | Effect::SwitchProfile(_)
            | Effect::Mouse(_)
            | Effect::Redraw
            | Effect::Quit => {}
        }
    }

    fn stop_jobs(&mut self) -> bool {
        let running = self.jobs_running();
        for tokens in self.jobs.values() {
            tokens.cancel.cancel();
        }
        running
    }

    fn jobs_running(&self) -> bool {
        self.jobs.values().any(|tokens| !tokens.done.is_cancelled())
    }
}

/// Resolves the names of a request.
fn order(engine: &Engine, request: Request) -> Result<Order, OpError> {
    let key = |target: Target| match target {
        Target::Key(key) => Ok(key),
        Target::Typed { text, resource_type, delivery_type } => {
            engine.resolve(&text, resource_type, delivery_type)
        }
    };
    let keys = |targets: Vec<Target>| targets.into_iter().map(key).collect::<Result<Vec<_>, _>>();
    let selection = |targets: Targets| match targets {
        Targets::These(targets) => keys(targets).map(Selection::Keys),
        Targets::Selection(selection) => Ok(selection),
    };
    Ok(match request {
        Request::Rename { from, to, overwrite } => {
            let from = key(from)?;
            let typed = to.unwrap_or_default();
            let public_id = typed.parse::<PublicId>().map_err(|why| OpError::BadName {
                typed,
                message: why.to_string(),
                hint: "type another name".to_owned(),
            })?;
            let to = AssetKey { public_id, ..from.clone() };
            Order::Rename { from, to, overwrite }
        }
        Request::Delete(what) => Order::Delete { what: selection(what)? },
        Request::Purge(what) => Order::Purge { what: selection(what)? },
        Request::Replace { key: target, file } => {
            Order::Replace { key: key(target)?, file: at_home(&file.unwrap_or_default()) }
        }
        Request::Restore(what) => match selection(what)? {
            Selection::Keys(keys) => Order::Restore { keys },
            _ => {
                return Err(OpError::Invalid {
                    message: "restore takes names".to_owned(),
                    hint: "name the assets to bring back".to_owned(),
                });
            }
        },
    })
}

/// `~/` at the beginning of a typed path is the operator's home.
fn at_home(path: &Path) -> PathBuf {
    match (path.strip_prefix("~"), std::env::home_dir()) {
        (Ok(rest), Some(home)) => home.join(rest),
        _ => path.to_owned(),
    }
}

/// An error in the operator's words.
fn failure(error: &OpError) -> Failure {
    let kind = match error {
        OpError::TargetExists { .. } => FailureKind::TargetExists,
        OpError::Missing { .. } | OpError::Cloud(CloudError::NotFound { .. }) => {
            FailureKind::Missing
        }
        _ => FailureKind::Other,
    };
    let report = Report::from(error);
    let because = report.causes.into_iter().map(|cause| format!(": {cause}"));
    Failure {
        headline: shown(&because.fold(report.message, |text, cause| text + &cause)).into_owned(),
        hint: shown(&report.hint.unwrap_or_default()).into_owned(),
        kind,
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .map_or_else(|| "no reason given".to_owned(), |said| panic_words(&said))
}
