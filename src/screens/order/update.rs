//! What happens in the dialog of an order.

use crate::app::action::{Action, Motion};
use crate::app::effect::{Effect, Lane, TaskId};
use crate::app::field;
use crate::app::key::Key;
use crate::app::msg::{Failure, FailureKind};
use crate::app::order::Request;
use crate::app::state::Env;
use crate::domain::confidence::Confidence;
use crate::domain::purge::{OrderTerms, Plan};

use super::state::{Form, OrderDialog, Stage, WordField};

/// What becomes of the dialog.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Stay,
    /// It stays and shows something else: keys wait until that was seen.
    Changed(Vec<Effect>),
    Close(Vec<Effect>),
    /// Confirmed: carry the plan out.
    Go {
        plan: Box<Plan>,
        terms: OrderTerms,
        typed: Option<String>,
    },
}

/// Begins: the plan at once, or the field.
pub fn begin(dialog: &mut OrderDialog, env: &mut Env) -> Vec<Effect> {
    if !dialog.is_complete() {
        dialog.stage = Stage::Form;
        return vec![];
    }
    plan(dialog, env)
}

fn plan(dialog: &mut OrderDialog, env: &mut Env) -> Vec<Effect> {
    let task = env.task();
    dialog.stage = Stage::Planning { task, since: env.moment };
    dialog.scroll = 0;
    vec![Effect::Plan { task, request: dialog.request.clone(), terms: dialog.terms() }]
}

/// Carries out an action of the dialog; `key` is what asked for it.
pub fn act(dialog: &mut OrderDialog, env: &mut Env, action: &Action, key: Option<Key>) -> Outcome {
    match action {
        Action::Back => back(dialog),
        Action::Move(motion) => {
            scroll(dialog, *motion);
            Outcome::Stay
        }
        Action::Submit => submit(dialog, env),
        Action::ToggleOverwrite => {
            if let Some(Form::Rename(form)) = &mut dialog.form {
                form.overwrite = !form.overwrite;
                form.failure = None;
            }
            Outcome::Stay
        }
        Action::ToggleInvalidate if !matches!(dialog.request, Request::Purge(_)) => {
            dialog.invalidate = !dialog.invalidate;
            Outcome::Changed(plan(dialog, env))
        }
        Action::ToggleInvalidate => {
            env.say("a purge without invalidation would do nothing");
            Outcome::Stay
        }
        Action::ToggleByUrl => {
            dialog.attempt_by_url = !dialog.attempt_by_url;
            Outcome::Changed(plan(dialog, env))
        }
        Action::NextConfidence => {
            let now = dialog.confidence.unwrap_or(env.setup.confidence);
            dialog.confidence = Some(match now {
                Confidence::Quick => Confidence::Normal,
                Confidence::Normal => Confidence::Strict,
                Confidence::Strict => Confidence::Quick,
            });
            Outcome::Changed(plan(dialog, env))
        }
        // A typed word is proof enough; a bare key must be another than the one that opened the dialog.
        Action::Confirm
            if key.is_some()
                && key == dialog.opened_by
                && matches!(dialog.stage, Stage::Review { word: None, .. }) =>
        {
            Outcome::Stay
        }
        Action::Confirm => confirm(dialog),
        _ => Outcome::Stay,
    }
}

/// A key that goes into the field.
pub fn edit(dialog: &mut OrderDialog, key: Key) {
    if let Some(input) = dialog.field()
        && field::edit(input, key)
    {
        edited(dialog);
    }
}

/// A paste that goes into the field; false where there is none.
pub fn paste(dialog: &mut OrderDialog, text: &str) -> bool {
    let Some(input) = dialog.field() else { return false };
    field::paste(input, text);
    edited(dialog);
    true
}

fn edited(dialog: &mut OrderDialog) {
    match (&mut dialog.stage, &mut dialog.form) {
        (Stage::Form, Some(form)) => form.edited(),
        (Stage::Review { word: Some(word), .. }, _) => word.wrong = false,
        _ => {}
    }
}

fn back(dialog: &mut OrderDialog) -> Outcome {
    let dropped = match dialog.stage {
        Stage::Planning { .. } => vec![Effect::Drop(Lane::Plan)],
        _ => vec![],
    };
    if dialog.form.is_some() && !matches!(dialog.stage, Stage::Form) {
        dialog.stage = Stage::Form;
        return Outcome::Changed(dropped);
    }
    Outcome::Close(dropped)
}

fn submit(dialog: &mut OrderDialog, env: &mut Env) -> Outcome {
    let ready = match (&mut dialog.request, &mut dialog.form) {
        (Request::Rename { to, overwrite, .. }, Some(Form::Rename(form))) => {
            form.check();
            *overwrite = form.overwrite;
            *to = Some(form.field.value().to_owned());
            form.problem.is_none()
        }
        (Request::Replace { file, .. }, Some(Form::Replace(form))) => {
            form.check();
            *file = Some(form.field.value().trim().into());
            form.problem.is_none()
        }
        _ => false,
    };
    if ready { Outcome::Changed(plan(dialog, env)) } else { Outcome::Stay }
}

fn confirm(dialog: &mut OrderDialog) -> Outcome {
    let terms = dialog.terms();
    let Stage::Review { plan, word } = &mut dialog.stage else { return Outcome::Stay };
    let typed = word.as_ref().map(|word| word.field.value().trim().to_owned());
    if plan.confirmation.is_given_by(typed.as_deref()) {
        return Outcome::Go { plan: plan.clone(), terms, typed };
    }
    if let Some(word) = word {
        word.wrong = true;
    }
    Outcome::Stay
}

fn scroll(dialog: &mut OrderDialog, motion: Motion) {
    let by = match motion {
        Motion::Top => return dialog.scroll = 0,
        Motion::Bottom => 10_000,
        Motion::Lines(n) => n,
        Motion::HalfPages(n) => n * 5,
        Motion::Pages(n) => n * 10,
    };
    dialog.scroll = dialog.scroll.saturating_add_signed(by as isize);
}

/// The plan came, or why there is none; whether the dialog shows something else now.
pub fn planned(dialog: &mut OrderDialog, task: TaskId, result: Result<Box<Plan>, Failure>) -> bool {
    if !matches!(dialog.stage, Stage::Planning { task: current, .. } if current == task) {
        return false;
    }
    dialog.scroll = 0;
    match (result, &mut dialog.form) {
        (Ok(plan), _) => {
            let word = plan.confirmation.word().map(|_| WordField::default());
            dialog.stage = Stage::Review { plan, word };
        }
        (Err(failure), Some(form)) => {
            if failure.kind == FailureKind::TargetExists
                && let Form::Rename(form) = form
            {
                form.target_exists = true;
            }
            form.refuse(failure);
            dialog.stage = Stage::Form;
        }
        (Err(failure), None) => dialog.stage = Stage::Refused(failure),
    }
    true
}
