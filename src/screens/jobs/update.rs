//! What happens on the Jobs screen.

use std::sync::Arc;

use super::state::JobsState;
use crate::app::action::Motion;
use crate::app::effect::{Effect, JobAct, TaskId};
use crate::app::key::Key;
use crate::app::msg::Failure;
use crate::app::order::{Request, Target, Targets, Wish};
use crate::app::state::Env;
use crate::domain::asset::AssetKey;
use crate::domain::invalidation::Item;
use crate::domain::job::{JobRow, JobState};
use crate::domain::purge::{Order, Selection};
use crate::screens::ask::Question;
use crate::screens::assets::update::moved;
use crate::ui::{layout, text};

/// Moves the cursor.
pub fn step(state: &mut JobsState, env: &mut Env, motion: Motion) -> Vec<Effect> {
    let height = layout::list_height(env.size);
    let shown = state.shown();
    let at = moved(state.position(), shown.len(), height, motion);
    state.at = shown.get(at).map(|row| row.operation.id);
    read_items(state, env)
}

/// The list came, or did not.
pub fn read(
    state: &mut JobsState,
    env: &mut Env,
    result: Result<Vec<JobRow>, Failure>,
) -> Vec<Effect> {
    state.is_read = true;
    match result {
        Ok(mut rows) => {
            rows.sort_by_key(|row| row.state.is_over()); // stable: newest first within
            (state.rows, state.failure) = (rows, None);
            read_items(state, env)
        }
        Err(failure) => {
            state.failure = Some(failure);
            vec![]
        }
    }
}

/// Asks for what the job under the cursor did not get done, where that is not known.
pub fn read_items(state: &mut JobsState, env: &mut Env) -> Vec<Effect> {
    let Some(row) = state.current() else { return vec![] };
    let (job, not_done) = (row.operation.id, row.counts.not_done());
    let known = matches!(&state.items, Some((of, count, _)) if (*of, *count) == (job, not_done));
    let asked = matches!(state.reading, Some((_, of, count)) if (of, count) == (job, not_done));
    if not_done == 0 || known || asked {
        return vec![];
    }
    let task = env.task();
    state.reading = Some((task, job, not_done));
    vec![Effect::JobItems { task, job }]
}

/// Items that were not done.
pub fn items(state: &mut JobsState, task: TaskId, result: Result<Arc<Vec<Item>>, Failure>) {
    if let Some((_, job, not_done)) = state.reading.take_if(|(current, ..)| *current == task) {
        state.items = Some((job, not_done, result));
    }
}

/// Pauses what runs, lets go on what does not; or why not.
pub fn pause_or_go_on(row: &JobRow) -> Result<Effect, &'static str> {
    let act = match row.state {
        JobState::Running | JobState::Waiting => JobAct::Pause,
        JobState::Paused | JobState::Held => JobAct::Resume,
        JobState::Interrupted if row.resumable => JobAct::Resume,
        JobState::Interrupted => {
            return Err("it needs something that the journal does not keep: give the order again");
        }
        JobState::Cancelling => return Err("it is being cancelled"),
        JobState::Done | JobState::Cancelled => return Err("it is over"),
    };
    Ok(Effect::Job { job: row.operation.id, act })
}

/// The question before a job is cancelled for good.
pub fn cancel(row: &JobRow, opened_by: Option<Key>) -> Result<Question, &'static str> {
    if row.state.is_over() {
        return Err("it is over");
    }
    let left = text::plural(row.counts.intended, "call");
    Ok(Question {
        title: "Cancel this job?".to_owned(),
        text: vec![
            format!("{} {}", row.operation.verb.as_str(), text::shown(&row.label)),
            format!(
                "{left} not sent yet will never be; calls in flight settle, and what was accepted stays."
            ),
        ],
        yes: "cancel it",
        effects: vec![Effect::Job { job: row.operation.id, act: JobAct::Cancel }],
        opened_by,
    })
}

/// What a retry asks for, as a dialog takes it.
#[must_use]
pub fn wish_of(order: Order, invalidate: bool) -> Wish {
    let targets = |what| match what {
        Selection::Keys(keys) => Targets::These(keys.into_iter().map(Target::Key).collect()),
        other => Targets::Selection(other),
    };
    let these = |keys: Vec<AssetKey>| Targets::These(keys.into_iter().map(Target::Key).collect());
    let request = match order {
        Order::Rename { from, to, overwrite } => Request::Rename {
            from: Target::Key(from),
            to: Some(to.public_id.to_string()),
            overwrite,
        },
        Order::Delete { what } => Request::Delete(targets(what)),
        Order::Purge { what } => Request::Purge(targets(what)),
        Order::Replace { key, file } => {
            Request::Replace { key: Target::Key(key), file: Some(file) }
        }
        Order::Restore { keys } => Request::Restore(these(keys)),
    };
    Wish { request, invalidate }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::purge::Named;

    #[test]
    fn a_retry_takes_what_was_refused_along() {
        let named = |typed: &str, meant| Named { typed: typed.to_owned(), meant };
        let key = AssetKey::image("a".parse().unwrap());
        let list = vec![named("a", Ok(vec![key])), named("what?", Err("no public ID".to_owned()))];
        let order = Order::Delete { what: Selection::Listed(list.clone()) };
        let Request::Delete(Targets::Selection(Selection::Listed(kept))) =
            wish_of(order, true).request
        else {
            panic!("a list stays a list");
        };
        assert_eq!(kept, list);
    }
}
