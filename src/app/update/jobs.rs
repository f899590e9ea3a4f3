//! Orders under way, and watches that end.

use std::sync::Arc;

use super::{on_screen, read_journal};
use crate::app::action::{Action, Screen};
use crate::app::effect::{Effect, JobId};
use crate::app::msg::Failure;
use crate::app::notice;
use crate::app::state::{App, Job, JobEnd, Overlay};
use crate::domain::asset::AssetKey;
use crate::domain::invalidation::{ItemState, Outcome, Verb};
use crate::domain::purge::{OrderTerms, Plan};
use crate::ops::engine::{Executed, Execution};
use crate::screens::assets;
use crate::ui::text;

/// A plan was confirmed: its calls are made from now on.
pub(super) fn execute(
    app: &mut App,
    label: String,
    plan: Box<Plan>,
    terms: OrderTerms,
    typed: Option<String>,
) -> Vec<Effect> {
    super::pausing::go_on(app); // whoever orders something wants to see it
    let job = JobId(app.env.task().0);
    let to =
        plan.items.iter().filter_map(|item| Some((item.key.clone(), item.to.clone()?))).collect();
    app.jobs.insert(
        job,
        Job {
            verb: plan.verb,
            label,
            total: plan.items.len(),
            done: 0,
            failed: 0,
            since: app.env.moment,
            cancelling: false,
            invalidation: None,
            to,
            failures: Vec::new(),
            ended: None,
        },
    );
    // Only what ended and is not on screen may go.
    while app.jobs.len() > 50 {
        let Some(oldest) = app.jobs.iter().find(|(_, job)| job.ended.is_some()).map(|(id, _)| *id)
        else {
            break;
        };
        app.jobs.remove(&oldest);
    }
    app.open_overlay(Overlay::Running(job));
    vec![Effect::Execute { job, plan, terms, typed }]
}

pub(super) fn execution(app: &mut App, id: JobId, event: Execution) -> Vec<Effect> {
    let Some(job) = app.jobs.get_mut(&id) else { return vec![] };
    match event {
        Execution::Recorded { invalidation, total, .. } => {
            job.invalidation = invalidation;
            job.total = total;
            if app.screen == Screen::Jobs { vec![Effect::ReadJobs] } else { vec![] }
        }
        Execution::Wait(_) | Execution::State(_) | Execution::Pace { .. } => vec![],
        Execution::Named { urls, answer, .. } => {
            let urls = text::plural(urls, "URL");
            let answer = text::shown(&answer).into_owned();
            app.env.good(format!("{urls} named to the cloud: {answer}"), "only sightings count");
            vec![]
        }
        Execution::Item { key, state, message, done, failed, .. } => {
            (job.done, job.failed) = (done, failed);
            if matches!(state, ItemState::Failed | ItemState::NotFound)
                && job.failures.len() < Job::LISTED
            {
                let why =
                    message.clone().unwrap_or_else(|| "the cloud has no such asset".to_owned());
                job.failures.push((
                    text::shown(&key.to_string()).into_owned(),
                    text::shown(&why).into_owned(),
                ));
            }
            let (verb, to) = (job.verb, job.to.get(&key).cloned());
            if state != ItemState::Accepted {
                return vec![];
            }
            if let Some(remark) = message {
                let headline = text::shown(&key.to_string()).into_owned();
                app.env.bad(headline, text::shown(&remark).into_owned());
            }
            own_write(app, verb, &key, to)
        }
    }
}

/// One of our own calls was accepted: the list shows it at once, and its mark is done with.
fn own_write(app: &mut App, verb: Verb, key: &AssetKey, to: Option<AssetKey>) -> Vec<Effect> {
    assets::update::done_with(&mut app.assets, key);
    match (verb, to) {
        (Verb::Delete, _) => assets::update::deleted(&mut app.assets, key),
        (Verb::Rename, Some(to)) => assets::update::renamed(&mut app.assets, key, &to),
        (Verb::Replace, _) => return assets::update::changed(&mut app.assets, &mut app.env, key),
        _ => {}
    }
    vec![]
}

pub(super) fn executed(app: &mut App, id: JobId, result: Result<Executed, Failure>) -> Vec<Effect> {
    let Some(job) = app.jobs.get_mut(&id) else { return vec![] };
    let open = matches!(app.overlay, Some(Overlay::Running(shown)) if shown == id);
    let mut effects = Vec::new();
    let verb = job.verb;
    match result {
        Err(failure) => {
            job.ended = Some(JobEnd::Refused(failure.clone()));
            if !open {
                app.env.failed(&failure);
            }
        }
        Ok(Executed { stopped: Some(why), .. }) => {
            let failure = Failure::new(
                format!("stopped: {}", text::shown(&why)),
                "nothing is lost: let it go on from Jobs when the cloud takes calls again",
            );
            job.ended = Some(JobEnd::Refused(failure.clone()));
            if !open {
                app.env.failed(&failure);
            }
        }
        Ok(executed) => {
            let count = |state| executed.items.iter().filter(|item| item.state == state).count();
            let end = JobEnd::Done {
                accepted: count(ItemState::Accepted),
                not_found: count(ItemState::NotFound),
                failed: count(ItemState::Failed),
                skipped: count(ItemState::Skipped),
            };
            job.invalidation = executed.invalidation.or(job.invalidation);
            job.done = job.total;
            job.ended = Some(end.clone());
            let JobEnd::Done { accepted, not_found, failed, skipped } = end else { return effects };
            let clean = not_found + failed + skipped == 0;
            let (label, took) = (job.label.clone(), app.env.moment.since(job.since));
            let summary =
                format!("{} accepted for {}", verb.as_str(), text::plural(accepted, "asset"));
            match (clean, job.invalidation) {
                (true, Some(watch)) if open => {
                    app.overlay = None;
                    app.env.good(summary, "");
                    effects.extend(on_screen(app, Action::Watch(Some(watch)), None));
                }
                (true, None) if open => {
                    app.overlay = None;
                    app.env.good(summary, "nothing is watched: caches keep their copies");
                }
                (true, Some(_)) => {
                    let key = app.keymap.shown("go.watch");
                    app.env.good(summary, format!("{key} shows its caches"));
                }
                (true, None) => app.env.good(summary, ""),
                (false, _) if !open => {
                    let text =
                        format!("{}: {} not done", verb.as_str(), not_found + failed + skipped);
                    app.env.bad(text, "the journal has each of them");
                }
                (false, _) => {}
            }
            let counts = [accepted, not_found, failed, skipped];
            let notice = notice::of_job(app, (verb.as_str(), &label), counts, took);
            effects.push(Effect::Notify(Box::new(notice)));
            if verb == Verb::Restore && accepted > 0 {
                effects.extend(assets::update::refresh(&mut app.assets, &mut app.env));
            }
        }
    }
    effects.extend(read_journal(app));
    effects
}

/// Says so when a watch of ours ends while the operator looks at something else.
pub(super) fn announce(app: &mut App) -> Vec<Effect> {
    let mut effects = notices(app);
    let ended: Vec<_> = app
        .board
        .watches
        .iter()
        .filter(|watch| watch.ended.is_some() && !app.announced.contains(&watch.id))
        .cloned()
        .collect();
    if ended.is_empty() {
        return effects;
    }
    for watch in &ended {
        app.announced.push(watch.id);
        let on_screen = app.screen == Screen::Watch && app.watch.id == Some(watch.id);
        if let (Some(ending), false) = (&watch.ended, on_screen) {
            let label = text::shown(&watch.label);
            let what =
                format!("{} {label}: {}", watch.verb.as_str(), outcome_words(ending.outcome));
            let sentence = text::shown(&ending.sentence).into_owned();
            match ending.outcome {
                Outcome::AllClear => app.env.good(what, sentence),
                _ => app.env.bad(what, sentence),
            }
        }
    }
    let excess = app.announced.len().saturating_sub(500);
    app.announced.drain(..excess);
    effects.extend(read_journal(app));
    effects
}

/// News for whoever looks at another window.
fn notices(app: &mut App) -> Vec<Effect> {
    let mut told = std::mem::take(&mut app.told);
    let board = Arc::clone(&app.board);
    told.retain(|id, _| board.get(*id).is_some());
    let news = board.watches.iter().filter_map(|watch| {
        let told = told.entry(watch.id).or_default();
        Some(Effect::Notify(Box::new(notice::of_watch(app, watch, told)?)))
    });
    let news: Vec<Effect> = news.collect();
    app.told = told;
    news
}

/// An outcome in words.
#[must_use]
pub const fn outcome_words(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::AllClear => "all clear",
        Outcome::ClearExcept => "clear except what is not covered",
        Outcome::SampledClear => "clear in a sample",
        Outcome::Superseded => "superseded",
        Outcome::GaveUp => "gave up",
        Outcome::Blind => "blind",
        Outcome::CloudGone => "cloud gone",
        Outcome::Failed => "failed",
        Outcome::Abandoned => "abandoned",
    }
}
