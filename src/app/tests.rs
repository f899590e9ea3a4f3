//! Keys in, effects out: the flows and the guards of the console.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use rstest::rstest;

use super::action::Screen;
use super::commands::Scope;
use super::effect::{Effect, JobId};
use super::key::Key;
use super::msg::{Failure, FailureKind, Input, Msg};
use super::order::{Request, Target, Targets};
use super::state::{JobEnd, Overlay};
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, ItemId, OperationId};
use crate::domain::invalidation::{ItemState, Outcome, Verb};
use crate::domain::purge::Confirmation;
use crate::ops::engine::{Executed, ExecutedItem, Execution};
use crate::ops::tracker::Board;
use crate::ports::cloud::ListQuery;
use crate::screens::assets::rows::tests::image;
use crate::screens::testing::{Console, ended, key, plan, plan_task, press_assets, shown, watch};
use crate::ui::theme::{Depth, Ground};

mod finding;
mod guards;
mod lists;
/// How fresh a screen is, the server's folders, views that are kept, commands of one's own.
mod living;
mod moving;
mod orders;

fn keys(text: &str) -> Vec<Input> {
    text.chars().map(|c| Input::Key(Key::char(c))).collect()
}

fn current(console: &Console) -> String {
    console.app.assets.current().map(|asset| asset.key.to_string()).unwrap_or_default()
}

fn toast(console: &Console) -> String {
    console.app.env.toast.as_ref().map(|toast| toast.text.clone()).unwrap_or_default()
}

/// The console with a confirmed order under way.
fn running(verb: Verb, opener: &str, ids: &[&str]) -> (Console, JobId) {
    let mut console = Console::with_assets(80, 24);
    let task = plan_task(&console.press(opener));
    let plan = plan(verb, ids, Confirmation::Yes);
    console.tell(Msg::Planned { task, result: Ok(Box::new(plan)) });
    let effects = console.press("y");
    let [Effect::Execute { job, .. }] = effects.as_slice() else { panic!("{effects:?}") };
    (console, *job)
}

fn item(id: &str, state: ItemState, done: usize, failed: usize) -> Execution {
    let message = (state == ItemState::Failed).then(|| "the cloud said no".to_owned());
    Execution::Item { item: ItemId::new(), key: key(id), state, message, done, failed }
}

fn executed(ids: &[(&str, ItemState)], invalidation: Option<InvalidationId>) -> Executed {
    Executed {
        operation: OperationId::new(),
        invalidation,
        stopped: None,
        items: ids
            .iter()
            .map(|(id, state)| ExecutedItem {
                key: key(id),
                to: None,
                state: *state,
                message: None,
            })
            .collect(),
    }
}
