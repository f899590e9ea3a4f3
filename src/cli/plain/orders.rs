//! Orders: the console's plan in lines, a question that only what is typed after it answers, and the calls.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::super::args::{Change, Kind, Selector};
use super::super::failure::Failure;
use super::super::{order as orders, resolve};
use super::asked::Asked;
use super::input::Typed;
use super::jobs::waiting;
use super::{Plain, is_number};
use crate::domain::job::ActKind;
use crate::domain::purge::{Confirmation, Order, Plan, Selection};
use crate::domain::secrets::masked;
use crate::domain::text::clean;
use crate::ops::Context;
use crate::ops::engine::Execution;
use crate::screens::order::plan_text::plan_lines;

/// Calls are told this often at most.
const PACE: Duration = Duration::from_secs(10);

impl Plain {
    /// Plans what was asked for, has it confirmed, sends it and follows it.
    pub(super) async fn change(&mut self, asked: Asked, line: &str) -> Result<(), Failure> {
        let Some((order, change)) = self.order(asked).await? else { return Ok(()) };
        if change.yes || change.confirm.is_some() {
            return Err(Failure::usage(
                "--yes and --confirm are for scripts",
                "leave them out: here you are asked",
            ));
        }
        let terms = resolve::terms(&change, &format!("allclear {}", masked(line)));
        let engine = Arc::clone(&self.engine);
        let plan = self.wait("making the plan", engine.plan(&order, &terms)).await;
        let Some(plan) = plan.transpose()? else { return Ok(()) };
        self.say_plan(&plan)?;
        if change.dry_run {
            return Ok(self.output.line("dry run: nothing was sent")?);
        }
        let Some(typed) = self.confirmed(&plan).await? else {
            return Ok(self.output.line("nothing was sent")?);
        };

        let cancel = CancellationToken::new();
        let (told, mut inbox) = mpsc::channel(256);
        let mut said = Instant::now();
        let executed = {
            let confirmed = plan.confirmation.word().map(|_| typed.as_str());
            let work = engine.execute(&plan, &terms, confirmed, &told, &cancel);
            tokio::pin!(work);
            loop {
                tokio::select! {
                    biased;
                    typed = self.input.next() => match typed {
                        Typed::Line(_) => {} // nothing is asked at the moment
                        Typed::Interrupt | Typed::End(_) if cancel.is_cancelled() => break None,
                        other => {
                            if let Typed::End(signal) = other {
                                self.ended = Some(signal);
                            }
                            cancel.cancel();
                            self.output.line("finishing the calls in flight; Ctrl-C again leaves them to the journal")?;
                        }
                    },
                    Some(event) = inbox.recv() => {
                        if let Some(line) = progress(&event, plan.items.len(), &mut said, engine.context()) {
                            self.output.line(&line)?;
                        }
                    }
                    executed = &mut work => break Some(executed?),
                }
            }
        };
        let Some(executed) = executed else {
            return Ok(self
                .output
                .line("left to the journal; `pending` shows what is not settled")?);
        };
        let failed = orders::failures(&self.output, &executed);
        if let Some(why) = &executed.stopped {
            let (why, left) = (clean(why), orders::left(&executed));
            return Ok(self.output.line(&format!("stopped: {why}; {left}"))?);
        }
        self.output.line(&orders::summary(plan.verb, &executed, executed.items.len() - failed))?;
        match executed.invalidation {
            Some(id) if !change.no_wait && self.ended.is_none() => self.follow(id).await,
            Some(_) => Ok(self.output.line("not waited for; `watch` follows it")?),
            None => Ok(self
                .output
                .line("no invalidation was sent: caches keep the copies they have")?),
        }
    }

    /// What is meant, with numbers of the list as names. `None`: given up.
    async fn order(&mut self, asked: Asked) -> Result<Option<(Order, Change)>, Failure> {
        Ok(match asked {
            Asked::Rm(args) => {
                let what = self.selection(&args.selector).await?;
                what.map(|what| (Order::Delete { what }, args.change))
            }
            Asked::Purge(args) => {
                let what = self.selection(&args.selector).await?;
                what.map(|what| (Order::Purge { what }, args.change))
            }
            Asked::Restore(args) => {
                let keys = self.keys(&args.targets, args.kind).await?;
                keys.map(|keys| (Order::Restore { keys }, args.change))
            }
            Asked::Replace(args) => {
                let key = self.keys(&[args.target], args.kind).await?.and_then(only);
                key.map(|key| (Order::Replace { key, file: args.file }, args.change))
            }
            Asked::Rename(args) => {
                let Some(from) = self.keys(&[args.from], args.kind).await?.and_then(only) else {
                    return Ok(None);
                };
                if is_number(&args.to) {
                    return Err(Failure::usage(
                        "a new name of digits alone is not taken here",
                        "use `allclear rename`",
                    ));
                }
                let kind = Kind {
                    resource_type: Some(from.resource_type),
                    delivery_type: Some(args.to_type.unwrap_or(from.delivery_type)),
                };
                let to = self.keys(&[args.to], kind).await?.and_then(only);
                let overwrite = args.overwrite;
                to.map(|to| (Order::Rename { from, to, overwrite }, args.change))
            }
            _ => None, // reads and lists are answered elsewhere
        })
    }

    async fn selection(&mut self, selector: &Selector) -> Result<Option<Selection>, Failure> {
        if selector.targets.is_empty() {
            return resolve::selection(&self.engine, selector).await.map(Some);
        }
        Ok(self.keys(&selector.targets, selector.kind).await?.map(Selection::Keys))
    }

    /// The plan in the console's own words, a line each.
    fn say_plan(&self, plan: &Plan) -> Result<(), Failure> {
        self.output.line(&format!("Plan: {}", title(plan)))?;
        for line in plan_lines(plan) {
            let text = clean(&line.text);
            let said = if line.label.is_empty() {
                format!("  {text}")
            } else {
                format!("{}: {text}", line.label)
            };
            self.output.line(&said)?;
        }
        Ok(())
    }

    /// What was typed to confirm; anything but what was asked for is a no.
    async fn confirmed(&mut self, plan: &Plan) -> Result<Option<String>, Failure> {
        let question = match &plan.confirmation {
            Confirmation::Yes => {
                format!("Type yes to {}, anything else leaves it: ", plan.verb.as_str())
            }
            Confirmation::Count(count) => format!("Type the number of assets, {count}: "),
            Confirmation::CloudName(name) => {
                format!("Type the name of the cloud, {}: ", clean(name))
            }
        };
        let right = |typed: &str| match plan.confirmation.word() {
            Some(word) => typed == word,
            None => matches!(typed, "y" | "yes" | "Yes"),
        };
        self.ask(&question, right).await
    }

    /// Lets a locked profile take orders, once the name of its cloud was typed.
    pub(super) async fn unlock(&mut self) -> Result<(), Failure> {
        let cloud = self.engine.context().account.cloud_name.clone();
        let question = format!("Type the name of the cloud, {}: ", clean(&cloud));
        let Some(typed) = self.ask(&question, |typed| typed == cloud).await? else {
            return Ok(self.output.line("it stays as it is")?);
        };
        self.engine.unlock(&typed)?;
        self.engine.note(ActKind::Unlock).await?;
        Ok(self.output.line("unlocked for 15 minutes; `lock` ends that")?)
    }

    /// The answer to a question, if it is right. What was typed before it was asked is no answer.
    pub(super) async fn ask(
        &mut self,
        question: &str,
        right: impl Fn(&str) -> bool,
    ) -> Result<Option<String>, Failure> {
        self.input.forget();
        self.output.prompt(question)?;
        Ok(match self.input.next().await {
            Typed::Line(typed) if right(typed.trim()) => Some(typed.trim().to_owned()),
            Typed::Line(typed) => {
                if !typed.is_empty() {
                    self.output.line("that is not it")?;
                }
                None
            }
            Typed::Interrupt => {
                self.output.line("")?;
                None
            }
            Typed::End(signal) => {
                self.ended = Some(signal);
                None
            }
        })
    }
}

/// What is worth a line while calls are made: a wait, another's wish, and now and then how far it is.
fn progress(
    event: &Execution,
    total: usize,
    said: &mut Instant,
    context: &Context,
) -> Option<String> {
    match event {
        Execution::Wait(Some(wait)) => Some(waiting(wait, context.clock.wall())),
        Execution::Wait(None) => Some("going on".to_owned()),
        Execution::State(state) => Some(format!("the job is {}", state.as_str())),
        Execution::Named { urls, answer, .. } => {
            Some(format!("{urls} URLs named to the cloud: {}; only sightings count", clean(answer)))
        }
        Execution::Item { done, failed, .. } if said.elapsed() >= PACE => {
            *said = Instant::now();
            Some(format!("{done} of {total} sent, {failed} failed"))
        }
        _ => None,
    }
}

fn only<T>(mut all: Vec<T>) -> Option<T> {
    (all.len() == 1).then(|| all.remove(0))
}

/// `delete press/2026/hero in demo`.
fn title(plan: &Plan) -> String {
    let what = match plan.items.as_slice() {
        [one] => one.key.to_string(),
        many => format!("{} assets", many.len()),
    };
    format!("{} {} in {}", plan.verb.as_str(), clean(&what), clean(&plan.cloud_name))
}
