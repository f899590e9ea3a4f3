//! One way for every command that changes the cloud: plan, confirm, carry out, wait.

use tokio::sync::{broadcast, mpsc};
use tokio_util::sync::CancellationToken;

use super::args::Change;
use super::confirm::confirm;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::follow::{self, Follow};
use super::json;
use super::output::Output;
use super::plan_text;
use super::resolve;
use super::signals::Stop;
use super::words;
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::ItemState;
use crate::domain::purge::{Order, OrderTerms, Plan};
use crate::domain::text::clean;
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
    let plan = session.engine.plan(order, terms).await?;
    if output.style.json {
        output.event("plan", json::plan(&plan))?;
    }
    if change.dry_run {
        return dry_run(output, &plan);
    }
    let typed = confirm(output, &plan, change, session.no_input)?;
    output.say(&plan_text::headline(&plan));
    tell_left_out(output, &plan)?;
    tell_delay(output, &plan);
    let mut stop = Stop::listen();

    let started = std::time::Instant::now();
    let mut events = session.engine.tracker().events();
    let cancel = CancellationToken::new();
    let (told, mut inbox) = mpsc::channel(256);
    let mut progress = Progress::new(output, &plan);
    let executed = {
        let work = session.engine.execute(&plan, terms, typed.as_deref(), &told, &cancel);
        tokio::pin!(work);
        loop {
            tokio::select! {
                biased;
                () = stop.next() => {
                    if cancel.is_cancelled() {
                        break None;
                    }
                    cancel.cancel();
                    output.warn("finishing the calls in flight; Ctrl-C again leaves them to the journal");
                }
                Some(event) = inbox.recv() => progress.told(&event)?,
                seen = events.recv() => progress.seen(seen.ok())?,
                executed = &mut work => break Some(executed?),
            }
        }
    };
    while let Ok(event) = inbox.try_recv() {
        progress.told(&event)?;
    }
    let Some(executed) = executed else {
        let id = progress.invalidation;
        return Follow { session, id, not_covered: &plan.not_covered, failed: 0, started }
            .interrupted();
    };
    let failed = failures(output, &executed);
    attempt_by_url(session, &plan, &executed).await?;
    let follow = Follow {
        session,
        id: executed.invalidation,
        not_covered: &plan.not_covered,
        failed,
        started,
    };
    if cancel.is_cancelled() {
        return follow.interrupted();
    }
    let accepted = executed.items.len() - failed;
    let follow = Follow { failed: failed + plan.refused.len(), ..follow };
    let summary = summary(&plan, &executed, accepted);
    match executed.invalidation {
        Some(_) if change.no_wait && accepted > 0 => follow.left_to_others(&summary),
        Some(id) => {
            output.say(&summary);
            follow.to_the_end(id, Some(change.wait), events, stop).await
        }
        None => follow.nothing_to_watch(&summary, accepted),
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

/// Says that there is time to call a large order off: a signal does, and nothing was sent then.
fn tell_delay(output: &Output, plan: &Plan) {
    if !plan.delay.is_zero() {
        let wait = words::span(plan.delay);
        output.warn(&format!("it starts in {wait}; Ctrl-C calls it off and nothing is sent"));
    }
}

/// Names to the cloud what the order does not reach, where the operator wants that: its answer is only shown.
async fn attempt_by_url(
    session: &Session,
    plan: &Plan,
    executed: &Executed,
) -> Result<(), Failure> {
    if plan.by_url.is_empty() || executed.count(ItemState::Accepted) == 0 {
        return Ok(());
    }
    let output = &session.output;
    let (answer, accepted) = match session.engine.attempt_by_url(plan).await {
        Ok(answer) => (answer, true),
        Err(why) => (why.to_string(), false),
    };
    if output.style.json {
        let fields = serde_json::json!({
            "urls": plan.by_url.len(),
            "answered": accepted,
            "answer": clean(&answer),
        });
        output.event("attempt_by_url", fields)?;
    } else {
        output.warn(&format!(
            "{} named by themselves; the cloud says: {}; only sightings count",
            words::count(plan.by_url.len(), "URL"),
            clean(&answer)
        ));
    }
    Ok(())
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
    invalidation: Option<InvalidationId>,
    shown: std::time::Instant,
}

impl<'a> Progress<'a> {
    fn new(output: &'a Output, plan: &Plan) -> Self {
        Self {
            output,
            total: plan.items.len(),
            invalidation: None,
            shown: std::time::Instant::now(),
        }
    }

    fn told(&mut self, event: &Execution) -> Result<(), Failure> {
        if let Execution::Recorded { invalidation, total, .. } = event {
            self.invalidation = *invalidation;
            self.total = *total;
        }
        if let Some(fields) = json::item(event, self.total)
            && self.output.style.json
        {
            self.output.event("item", fields)?;
        }
        if let Execution::Item { done, failed, .. } = event
            && self.total > 1
            && (self.output.live || self.shown.elapsed() >= follow::OFF_TERMINAL_PACE)
        {
            self.shown = std::time::Instant::now();
            self.output.progress(&format!("{done} of {} sent, {failed} failed", self.total));
        }
        Ok(())
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

/// Says which items failed, and counts them.
pub fn failures(output: &Output, executed: &Executed) -> usize {
    let mut failed = 0;
    for item in &executed.items {
        if item.state == ItemState::Accepted {
            continue;
        }
        failed += 1;
        let name = item.key.to_string();
        let message = item.message.as_deref().unwrap_or(match item.state {
            ItemState::NotFound => "does not exist any more",
            ItemState::Skipped => "was not sent",
            _ => "no answer",
        });
        output.warn(&format!("{}: {}: {}", item.state.as_str(), clean(&name), clean(message)));
    }
    failed
}

/// What was done, in a sentence.
pub fn summary(plan: &Plan, executed: &Executed, accepted: usize) -> String {
    let done = words::done(plan.verb);
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
