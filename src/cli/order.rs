//! One way for every command that changes the cloud: plan, confirm, carry out, wait.

use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use tokio::sync::{broadcast, mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::args::Change;
use super::confirm::confirm;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::follow::{self, Follow};
use super::jobs::Resume;
use super::json;
use super::output::Output;
use super::plan_text;
use super::resolve;
use super::results::Results;
use super::signals::{Caught, Stop};
use super::words;
use crate::domain::id::{InvalidationId, OperationId};
use crate::domain::invalidation::{ItemState, NotCovered, Verb};
use crate::domain::job::{JobState, JobWait};
use crate::domain::purge::{Order, OrderTerms, Plan};
use crate::domain::text::clean;
use crate::ops::OpError;
use crate::ops::engine::{Executed, Execution};
use crate::ops::tracker::TrackerEvent;

/// Plans `order`, has it confirmed, carries it out and waits for the outcome, as `change` says.
///
/// # Errors
/// Whatever keeps the order from being carried out; failures of single items are in the exit code.
pub async fn carry_out(session: &Session, order: &Order, change: &Change) -> Result<Exit, Failure> {
    let terms = resolve::terms(change, &session.command_line);
    carry_out_as(session, order, change, &terms).await
}

/// The same under terms that say more than `change`.
///
/// # Errors
/// As [`carry_out`].
pub async fn carry_out_as(
    session: &Session,
    order: &Order,
    change: &Change,
    terms: &OrderTerms,
) -> Result<Exit, Failure> {
    let output = &session.output;
    let plan = planned(session, order, terms).await?;
    if output.style.json {
        output.event("plan", json::plan(&plan))?;
    }
    if change.dry_run {
        return dry_run(output, &plan);
    }
    let typed = confirm(output, &plan, change, session.no_input)?;
    let results = change.results.as_deref().map(Results::create).transpose()?;
    output.say(&plan_text::headline(&plan));
    tell_left_out(output, &plan)?;
    let stop = Stop::listen();
    if !plan.delay.is_zero() {
        let delay = words::span(plan.delay);
        output.warn(&format!("it starts in {delay}; Ctrl-C calls it off and nothing is sent"));
    }
    let total = plan.items.len();
    let (told, inbox) = mpsc::channel(256);
    let cancel = CancellationToken::new();
    let work = session.engine.execute(&plan, terms, typed.as_deref(), &told, &cancel);
    let driven = drive(session, work.boxed(), inbox, (&cancel, stop), total).await?;
    let started = driven.started;
    let not_covered = plan.not_covered.as_slice();
    let Some(executed) = &driven.executed else {
        let id = driven.invalidation;
        let caught = driven.caught.unwrap_or(Caught::Interrupt);
        return Follow { session, id, not_covered, failed: 0, started }.interrupted(caught);
    };
    if let Some(results) = results {
        let refused = plan.refused.clone();
        results.write(&executed.items, &refused)?;
    }
    let refused = plan.refused.len();
    Outcome {
        plan_verb: plan.verb,
        not_covered,
        refused,
        wait: change.wait,
        no_wait: change.no_wait,
    }
    .told(session, driven)
    .await
}

/// The plan of an order; a quota that is used up is waited for, visibly.
async fn planned(session: &Session, order: &Order, terms: &OrderTerms) -> Result<Plan, Failure> {
    let output = &session.output;
    let (waits, mut told) = watch::channel(None);
    let planning = session.engine.plan_patiently(order, terms, &waits);
    tokio::pin!(planning);
    loop {
        tokio::select! {
            biased;
            plan = &mut planning => return Ok(plan?),
            Ok(()) = told.changed() => {
                let wait: Option<JobWait> = told.borrow_and_update().clone();
                if output.style.json {
                    let event = Execution::Wait(wait);
                    output.event("job", json::job(&event, None).unwrap_or_default())?;
                } else if let Some(wait) = wait {
                    let (until, because) = (words::time(wait.until), clean(&wait.because).into_owned());
                    output.say(&format!("waiting until {until} to make the plan: {because}"));
                } else {
                    output.say("going on");
                }
            }
        }
    }
}

/// Goes on with a job that nobody runs, and waits for the outcome, as `args` says.
///
/// # Errors
/// Whatever keeps it from being gone on with; failures of single items are in the exit code.
pub async fn go_on(session: &Session, job: OperationId, args: &Resume) -> Result<Exit, Failure> {
    let results = args.results.as_deref().map(Results::create).transpose()?;
    let row = session.engine.job(job).await?;
    session.output.say(&format!(
        "going on: {} {}, {} of {} left",
        row.operation.verb.as_str(),
        clean(&row.label),
        row.counts.unsettled(),
        words::count(row.counts.total(), "asset")
    ));
    let (told, inbox) = mpsc::channel(256);
    let cancel = CancellationToken::new();
    let work = session.engine.go_on(job, &told, &cancel);
    let stop = Stop::listen();
    let total = row.counts.total();
    let driven = drive(session, work.boxed(), inbox, (&cancel, stop), total).await?;
    let Some(executed) = &driven.executed else {
        let (id, started) = (driven.invalidation, driven.started);
        let caught = driven.caught.unwrap_or(Caught::Interrupt);
        return Follow { session, id, not_covered: &[], failed: 0, started }.interrupted(caught);
    };
    let journal = &session.engine.context().journal;
    if let Some(results) = results {
        results.write(&executed.items, &journal.job_work(job).await?.refused)?;
    }
    let not_covered = match executed.invalidation {
        Some(id) => journal.invalidation(id).await?.not_covered,
        None => Vec::new(),
    };
    let (wait, no_wait, refused) = (args.wait, args.no_wait, row.counts.refused);
    Outcome { plan_verb: row.operation.verb, not_covered: &not_covered, refused, wait, no_wait }
        .told(session, driven)
        .await
}

/// How calls went.
struct Driven {
    /// `None` where somebody did not wait for the calls in flight.
    executed: Option<Executed>,
    invalidation: Option<InvalidationId>,
    started: std::time::Instant,
    events: Events,
    stop: Stop,
    /// The signal that came, if one did.
    caught: Option<Caught>,
}

/// Carries `work` out and shows how it goes. INT cancels it; HUP and TERM let calls in flight settle and leave the rest
/// to whoever takes the job up. A second signal leaves everything to the journal at once.
async fn drive(
    session: &Session,
    mut work: BoxFuture<'_, Result<Executed, OpError>>,
    mut inbox: mpsc::Receiver<Execution>,
    (cancel, mut stop): (&CancellationToken, Stop),
    total: usize,
) -> Result<Driven, Failure> {
    let output = &session.output;
    let started = std::time::Instant::now();
    let mut events = session.engine.tracker().events();
    let mut progress = Progress::new(output, total);
    let mut caught = None;
    let executed = loop {
        tokio::select! {
            biased;
            signal = stop.next() => {
                if caught.replace(signal).is_some() {
                    break None;
                }
                if signal == Caught::Interrupt {
                    cancel.cancel();
                    output.warn("finishing the calls in flight; Ctrl-C again leaves them to the journal");
                } else {
                    session.engine.leave();
                    let how = signal.word();
                    output.warn(&format!("{how}: finishing the calls in flight, the rest is left to the journal"));
                }
            }
            Some(event) = inbox.recv() => progress.told(&event)?,
            seen = events.recv() => progress.seen(seen.ok())?,
            executed = &mut work => break Some(executed?),
        }
    };
    drop(work);
    while let Ok(event) = inbox.try_recv() {
        progress.told(&event)?;
    }
    let invalidation = progress.invalidation;
    Ok(Driven { executed, invalidation, started, events, stop, caught })
}

/// What is told when every call has its answer.
struct Outcome<'a> {
    plan_verb: Verb,
    not_covered: &'a [NotCovered],
    /// Names that were left out.
    refused: usize,
    wait: Duration,
    no_wait: bool,
}

impl Outcome<'_> {
    async fn told(&self, session: &Session, driven: Driven) -> Result<Exit, Failure> {
        let Driven { executed: Some(executed), started, events, stop, caught, .. } = driven else {
            return Ok(Exit::Interrupted);
        };
        let output = &session.output;
        let left = left(&executed);
        let undone = failures(output, &executed);
        let (id, not_covered) = (executed.invalidation, self.not_covered);
        let failed = undone + self.refused;
        let follow = Follow { session, id, not_covered, failed, started };
        match (&executed.stopped, caught) {
            (Some(why), _) => {
                let sentence = format!("stopped: {}; {left}", clean(why));
                return follow.job_left("stopped", Exit::NotClear, &sentence);
            }
            (None, Some(caught)) if caught != Caught::Interrupt && !left.is_empty() => {
                let sentence = format!("{}; {left}", caught.word());
                return follow.job_left("interrupted", caught.exit(), &sentence);
            }
            (None, Some(caught)) => return follow.interrupted(caught),
            (None, None) => {}
        }
        let accepted = executed.items.len() - undone;
        let summary = summary(self.plan_verb, &executed, accepted);
        match id {
            Some(_) if self.no_wait && accepted > 0 => follow.left_to_others(&summary),
            Some(id) => {
                output.say(&summary);
                follow.to_the_end(id, Some(self.wait), events, stop).await
            }
            None => follow.nothing_to_watch(&summary, accepted),
        }
    }
}

/// Names what is not part of the plan, each with its reason.
fn tell_left_out(output: &Output, plan: &Plan) -> Result<(), Failure> {
    for left in &plan.left_out {
        if output.style.json {
            output.event("item", json::left_out(left))?;
        } else {
            output.warn(&format!("left out: {}: {}", clean(&left.name), clean(&left.why)));
        }
    }
    Ok(())
}

/// What of a job is left to be gone on with, and how; nothing where everything has its outcome.
#[must_use]
pub fn left(executed: &Executed) -> String {
    let left = executed.items.iter().filter(|item| !item.state.is_settled()).count();
    if left == 0 {
        return String::new();
    }
    let (all, id) = (words::count(executed.items.len(), "asset"), executed.operation);
    format!("{left} of {all} are left and nothing is lost, go on with: allclear jobs resume {id}")
}

fn dry_run(output: &Output, plan: &Plan) -> Result<Exit, Failure> {
    if output.style.json {
        follow::unwatched_outcome(
            output,
            "planned",
            Exit::Done,
            &plan_text::headline(plan),
            &plan.not_covered,
        )?;
    } else {
        for line in plan_text::lines(plan) {
            output.line(&line)?;
        }
        output.say("dry run: nothing was sent");
    }
    Ok(Exit::Done)
}

/// Shows single calls as they are answered.
struct Progress<'a> {
    output: &'a Output,
    total: usize,
    operation: Option<OperationId>,
    invalidation: Option<InvalidationId>,
    counted: (usize, usize),
    pace: String,
    shown: std::time::Instant,
}

impl<'a> Progress<'a> {
    fn new(output: &'a Output, total: usize) -> Self {
        Self {
            output,
            total,
            operation: None,
            invalidation: None,
            counted: (0, 0),
            pace: String::new(),
            shown: std::time::Instant::now(),
        }
    }

    fn told(&mut self, event: &Execution) -> Result<(), Failure> {
        match event {
            Execution::Recorded { operation, invalidation, total } => {
                (self.operation, self.invalidation, self.total) =
                    (Some(*operation), *invalidation, *total);
            }
            Execution::Item { done, failed, .. } => {
                self.counted = (*done, *failed);
            }
            Execution::Pace { rate, eta } => {
                self.pace = format!(" · {rate:.0}/s · {} left", words::span(*eta));
            }
            Execution::Wait(Some(wait)) => {
                let until = words::time(wait.until);
                self.remark(&format!("waiting until {until}: {}", clean(&wait.because)));
            }
            Execution::Wait(None) => self.remark("going on"),
            Execution::State(state) => self.state(*state),
            Execution::Named { urls, accepted, answer } => self.named(*urls, *accepted, answer)?,
        }
        if self.output.style.json {
            if let Some(fields) = json::item(event, self.total) {
                self.output.event("item", fields)?;
            }
            let operation = self.operation.map(|operation| operation.to_string());
            if let Some(fields) = json::job(event, operation.as_deref()) {
                self.output.event("job", fields)?;
            }
        }
        if self.total > 1
            && self.counted.0 > 0
            && (self.output.live || self.shown.elapsed() >= follow::OFF_TERMINAL_PACE)
        {
            self.shown = std::time::Instant::now();
            let ((done, failed), total) = (self.counted, self.total);
            self.output.progress(&format!("{done} of {total} sent, {failed} failed{}", self.pace));
        }
        Ok(())
    }

    /// What the cloud said to the URLs that no call of the order reaches: it is only shown.
    fn named(&self, urls: usize, answered: bool, answer: &str) -> Result<(), Failure> {
        let answer = clean(answer);
        if self.output.style.json {
            let fields =
                serde_json::json!({ "urls": urls, "answered": answered, "answer": answer });
            return Ok(self.output.event("attempt_by_url", fields)?);
        }
        self.output.warn(&format!(
            "{} named by themselves; the cloud says: {answer}; only sightings count",
            words::count(urls, "URL")
        ));
        Ok(())
    }

    fn remark(&self, text: &str) {
        if !self.output.style.json {
            self.output.say(text);
        }
    }

    fn state(&mut self, state: JobState) {
        self.pace.clear();
        let id = self.operation.map(|operation| operation.to_string()).unwrap_or_default();
        match state {
            JobState::Paused | JobState::Held => {
                let word = state.as_str();
                self.remark(&format!("{word}; it goes on with: allclear jobs resume {id}"));
            }
            JobState::Running => self.remark("going on"),
            JobState::Cancelling => self.remark("cancelled: finishing the calls in flight"),
            _ => {}
        }
    }

    fn seen(&self, event: Option<TrackerEvent>) -> Result<(), Failure> {
        if self.output.style.json
            && let Some(event) = event
        {
            let (id, name, fields) = json::tracked(&event);
            if self.invalidation == Some(id) {
                self.output.event(name, fields)?;
            }
        }
        Ok(())
    }
}

/// Says which items failed, and counts them; what was carried out with a remark is told as well.
pub fn failures(output: &Output, executed: &Executed) -> usize {
    let mut failed = 0;
    for item in &executed.items {
        let name = item.key.to_string();
        if item.state == ItemState::Accepted {
            if let Some(remark) = &item.message {
                output.warn(&format!("{}: {}", clean(&name), clean(remark)));
            }
            continue;
        }
        // what is left intended is counted in the sentence about it
        if item.state == ItemState::Intended {
            continue;
        }
        failed += 1;
        let message = item.message.as_deref().unwrap_or(match item.state {
            ItemState::NotFound => "does not exist any more",
            ItemState::Skipped => "was not sent",
            _ => "no answer",
        });
        output.warn(&format!("{}: {}: {}", item.state.as_str(), clean(&name), clean(message)));
    }
    failed
}

pub fn summary(verb: Verb, executed: &Executed, accepted: usize) -> String {
    let done = words::done(verb);
    match executed.items.as_slice() {
        [only] if accepted == 1 => {
            let name = only.key.to_string();
            match &only.to {
                Some(to) => format!("{done} {} → {}", clean(&name), clean(&to.to_string())),
                None => format!("{done} {}", clean(&name)),
            }
        }
        items => format!("{done} {accepted} of {}", words::count(items.len(), "asset")),
    }
}

/// The receiver's type, for `follow`.
pub type Events = broadcast::Receiver<TrackerEvent>;
