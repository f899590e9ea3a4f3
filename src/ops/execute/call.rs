//! The calls of a plan, each with an answer: what the cloud said, or what storage says where it said nothing.

use std::time::Duration;

use futures_util::future::join_all;

use super::work::Work;
use crate::domain::asset::{Asset, AssetKey};
use crate::domain::id::ItemId;
use crate::domain::invalidation::{Item, ItemState};
use crate::domain::purge::ApiPath;
use crate::domain::time::Timestamp;
use crate::domain::verdict::Stored;
use crate::ops::context::Context;
use crate::ops::in_doubt;
use crate::ops::plan::stored;
use crate::ports::cloud::{CloudError, Destroyed, RenameCall, ReplaceCall, Restored};

/// Where the cloud wants fewer calls, a purge that follows a call is tried again so often, after this where the cloud
/// does not say when, and never later than that.
const FOLLOW_UPS: u32 = 2;
const FOLLOW_UP: Duration = Duration::from_secs(1);
const FOLLOW_UP_AFTER: Duration = Duration::from_secs(10);

/// One call's answer.
pub(super) struct Answered {
    pub item: ItemId,
    pub key: AssetKey,
    pub to: Option<AssetKey>,
    pub state: ItemState,
    pub message: Option<String>,
    pub sent_at: Option<Timestamp>,
    /// What storage holds now, as far as the answer tells.
    pub now: Option<Stored>,
    /// Every further call would fail the same way.
    pub ends_all: bool,
    /// The cloud wants fewer calls, or does not answer: nothing is sent for a while.
    pub wait: Option<Wait>,
}

/// Why nothing is to be sent for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wait {
    /// What the cloud asks for; `None` where it does not say.
    pub asked: Option<Duration>,
    pub because: String,
    /// The cloud said so itself.
    pub is_overload: bool,
    /// The hourly quota is used up, and the cloud says until when.
    pub is_quota: bool,
}

impl Wait {
    fn of(error: &CloudError, now: Timestamp) -> Self {
        let asked = error.asks_to_wait(now);
        Self {
            asked: asked.flatten(),
            because: error.to_string(),
            is_quota: matches!(error, CloudError::RateLimited { retry_at: Some(_), .. }),
            is_overload: asked.is_some() || matches!(error, CloudError::Unavailable { .. }),
        }
    }
}

impl Answered {
    fn new(item: &Item, state: ItemState) -> Self {
        Self {
            item: item.id,
            key: item.key.clone(),
            to: item.to.clone(),
            state,
            message: None,
            sent_at: None,
            now: None,
            ends_all: false,
            wait: None,
        }
    }

    /// As the journal has it.
    pub fn of(item: &Item) -> Self {
        Self { message: item.message.clone(), sent_at: item.sent_at, ..Self::new(item, item.state) }
    }

    pub fn skipped(item: &Item, why: &str) -> Self {
        Self { message: Some(why.to_owned()), ..Self::new(item, ItemState::Skipped) }
    }

    /// Marked as sent, and not sent after all.
    pub fn not_sent(item: &Item) -> Self {
        Self::new(item, ItemState::Intended)
    }

    /// Not sent, and nothing after it can be.
    pub fn stopping(item: &Item, why: &str) -> Self {
        Self { message: Some(why.to_owned()), ends_all: true, ..Self::new(item, ItemState::Failed) }
    }

    /// Nothing more is to be learned of it here.
    pub fn left(item: &Item, why: &str) -> Self {
        Self { message: Some(why.to_owned()), ..Self::new(item, item.state) }
    }

    pub fn why_the_rest_is_skipped(&self) -> String {
        format!(
            "not sent, after {} failed: {}",
            self.key,
            self.message.as_deref().unwrap_or("no reason given")
        )
    }

    fn accepted(item: &Item, now: Stored) -> Self {
        Self { now: Some(now), ..Self::new(item, ItemState::Accepted) }
    }

    /// Not carried out, because there were too many calls: to be sent again when the cloud takes calls again.
    fn later(item: &Item, error: &CloudError, now: Timestamp) -> Self {
        Self { wait: Some(Wait::of(error, now)), ..Self::new(item, ItemState::Intended) }
    }

    /// A call that the cloud answered with an error, and that was not carried out.
    fn refused(item: &Item, error: &CloudError, now: Timestamp) -> Self {
        if error.asks_to_wait(now).is_some() {
            Self::later(item, error, now)
        } else {
            Self::failed(item, error)
        }
    }

    fn failed(item: &Item, error: &CloudError) -> Self {
        let ends_all = matches!(
            error,
            CloudError::Unauthorized { .. }
                | CloudError::Forbidden { .. }
                | CloudError::Unreachable { .. }
        );
        let state = if matches!(error, CloudError::NotFound { .. }) {
            ItemState::NotFound
        } else {
            ItemState::Failed
        };
        Self { message: Some(error.to_string()), ends_all, ..Self::new(item, state) }
    }
}

/// Sends one call and waits for what became of it; every item of it gets an answer.
pub(super) async fn unit(
    context: &Context,
    work: &Work,
    items: &[Item],
    sent_at: Timestamp,
) -> Vec<Answered> {
    let mut answers = match (work.api_path, items) {
        (ApiPath::AdminBulk, items) => delete_many(context, work, items).await,
        (ApiPath::RestoreThenExplicit, items) => restore_many(context, work, items).await,
        (_, [item]) => vec![one(context, work, item).await],
        (_, items) => join_all(items.iter().map(|item| one(context, work, item))).await,
    };
    for answer in &mut answers {
        answer.sent_at = Some(sent_at);
    }
    answers
}

/// What became of a call whose answer nobody saw, as storage tells.
pub(super) async fn ask(context: &Context, work: &Work, item: &Item, why: &str) -> Answered {
    let before = work.before.get(&item.id);
    let asked = in_doubt::ask_storage(context, work.verb(), work.invalidate(), item, before).await;
    let answer = match asked {
        Ok(settled) => Answered {
            now: settled.now,
            message: Some(format!("{why}; {}", settled.message)),
            ..Answered::new(item, settled.state)
        },
        Err(unknown) => Answered {
            message: Some(format!("{why}; storage could not be asked either: {unknown}")),
            wait: Some(Wait::of(&unknown, context.clock.wall())),
            ..Answered::new(item, ItemState::Sent)
        },
    };
    Answered { sent_at: item.sent_at, ..answer }
}

/// One call for one asset; where no answer came, storage is asked what became of it.
async fn one(context: &Context, work: &Work, item: &Item) -> Answered {
    let answer = match work.api_path {
        ApiPath::Rename => rename(context, work, item).await,
        ApiPath::Upload => replace(context, work, item).await,
        ApiPath::Explicit => context
            .cloud
            .invalidate(&item.key)
            .await
            .map(|asset| Answered::accepted(item, stored(Some(&asset)))),
        ApiPath::Destroy | ApiPath::AdminBulk | ApiPath::RestoreThenExplicit => {
            destroy(context, work, item).await
        }
    };
    let now = context.clock.wall();
    match answer {
        Ok(answer) => answer,
        Err(error) if error.asks_to_wait(now).is_some() => Answered::later(item, &error, now),
        Err(error) if error.is_in_doubt() => in_doubt(context, work, item, &error).await,
        Err(error) => Answered::failed(item, &error),
    }
}

async fn destroy(context: &Context, work: &Work, item: &Item) -> Result<Answered, CloudError> {
    Ok(match context.cloud.destroy(&item.key, work.invalidate()).await? {
        Destroyed::Ok => Answered::accepted(item, Stored::Empty),
        Destroyed::NotFound => Answered {
            message: Some("the cloud has no such asset".to_owned()),
            now: Some(Stored::Empty),
            ..Answered::new(item, ItemState::NotFound)
        },
    })
}

/// Renames, then purges the new name: caches may hold a 404 from before it existed.
async fn rename(context: &Context, work: &Work, item: &Item) -> Result<Answered, CloudError> {
    let Some(to) = item.to.clone() else {
        return Ok(Answered::stopping(item, "the plan names no new name"));
    };
    let call = RenameCall {
        from: item.key.clone(),
        to: to.clone(),
        overwrite: work.overwrite,
        invalidate: work.invalidate(),
    };
    let renamed = context.cloud.rename(&call).await?;
    let purged = if work.invalidate() { follow_up(context, &renamed.key).await } else { None };
    if renamed.key == to {
        let answer = Answered::accepted(item, stored(Some(&renamed)));
        return Ok(Answered { message: purged, ..answer });
    }
    let now = context.cloud.stat(&to).await.ok().map(|held| stored(held.as_ref()));
    let filed = format!(
        "the cloud filed it as {}, not as {to}: links need that name, and a purge of it has it watched",
        renamed.key
    );
    let message = purged.map_or_else(|| filed.clone(), |purged| format!("{filed}; {purged}"));
    Ok(Answered { message: Some(message), now, ..Answered::new(item, ItemState::Accepted) })
}

async fn replace(context: &Context, work: &Work, item: &Item) -> Result<Answered, CloudError> {
    let Some(file) = work.file.clone() else {
        return Ok(Answered::stopping(item, "the plan names no file"));
    };
    let call = ReplaceCall { key: item.key.clone(), file, invalidate: work.invalidate() };
    let replaced = context.cloud.replace(&call).await?;
    let mut answer = Answered::accepted(item, stored(Some(&replaced)));
    if work.invalidate() {
        answer.message = follow_up_if_recently_gone(context, &item.key).await;
    }
    Ok(answer)
}

/// Purges a name that may have been asked for while it did not exist; a remark when that failed.
async fn follow_up(context: &Context, key: &AssetKey) -> Option<String> {
    let mut failed = context.cloud.invalidate(key).await.err()?;
    for _ in 0..FOLLOW_UPS {
        let asked =
            failed.asks_to_wait(context.clock.wall()).map(|asked| asked.unwrap_or(FOLLOW_UP));
        let Some(pause) = asked.filter(|pause| *pause <= FOLLOW_UP_AFTER) else { break };
        tokio::time::sleep(pause).await;
        failed = context.cloud.invalidate(key).await.err()?;
    }
    Some(format!("the follow-up purge of {key} failed: {failed}; order `purge` for it"))
}

/// Names watched as gone stay known for 48 h: a cached 404 may outlive them. Where the journal cannot tell, the purge
/// goes out as well: it harms nothing.
async fn follow_up_if_recently_gone(context: &Context, key: &AssetKey) -> Option<String> {
    let since = context.clock.wall().checked_sub(jiff::SignedDuration::from_hours(48)).ok()?;
    match context.journal.recently_gone(&context.scope, key, since).await {
        Ok(false) => None,
        Ok(true) | Err(_) => follow_up(context, key).await,
    }
}

/// The call may have been carried out: storage tells, and what is harmless is sent once more.
async fn in_doubt(context: &Context, work: &Work, item: &Item, error: &CloudError) -> Answered {
    let now = context.clock.wall();
    let brake = Wait::of(error, now);
    let answer = ask(context, work, item, &error.to_string()).await;
    Answered { wait: answer.wait.or_else(|| brake.is_overload.then_some(brake)), ..answer }
}

/// Admin bulk delete: one call for assets of the same types.
async fn delete_many(context: &Context, work: &Work, items: &[Item]) -> Vec<Answered> {
    let now = || context.clock.wall();
    let mut answers = Vec::with_capacity(items.len());
    for group in same_types(items) {
        let Some(first) = group.first() else { continue };
        let ids = group.iter().map(|item| item.key.public_id.to_string()).collect::<Vec<_>>();
        let reply = context
            .cloud
            .delete_many(first.key.resource_type, first.key.delivery_type, &ids, work.invalidate())
            .await;
        match reply {
            Ok(reply) => answers.extend(group.iter().map(|item| {
                let told = reply.deleted.iter().find(|(id, _)| id == item.key.public_id.as_str());
                match told {
                    Some((_, true)) => Answered::accepted(item, Stored::Empty),
                    Some((_, false)) => Answered {
                        message: Some("the cloud has no such asset".to_owned()),
                        now: Some(Stored::Empty),
                        ..Answered::new(item, ItemState::NotFound)
                    },
                    // a partial reply: the rest is asked for again, as long as each reply gets on
                    None if !reply.deleted.is_empty() => Answered::new(item, ItemState::Intended),
                    None => Answered {
                        message: Some(
                            "the reply does not name it; run the command again for it".to_owned(),
                        ),
                        ..Answered::new(item, ItemState::Failed)
                    },
                }
            })),
            Err(error) if error.is_in_doubt() && error.asks_to_wait(now()).is_none() => {
                answers.extend(
                    join_all(group.iter().map(|item| in_doubt(context, work, item, &error))).await,
                );
            }
            Err(error) => {
                answers.extend(group.iter().map(|item| Answered::refused(item, &error, now())));
            }
        }
    }
    answers
}

/// Restores, then purges each restored name: restore invalidates nothing.
async fn restore_many(context: &Context, work: &Work, items: &[Item]) -> Vec<Answered> {
    let now = || context.clock.wall();
    let mut answers = Vec::with_capacity(items.len());
    for group in same_types(items) {
        let Some(first) = group.first() else { continue };
        let ids = group.iter().map(|item| item.key.public_id.to_string()).collect::<Vec<_>>();
        match context.cloud.restore(first.key.resource_type, first.key.delivery_type, &ids).await {
            Ok(replies) => {
                for item in group {
                    let told = replies.iter().find(|(id, _)| id == item.key.public_id.as_str());
                    answers.push(restored(context, work, item, told.map(|(_, reply)| reply)).await);
                }
            }
            Err(error) if error.is_in_doubt() && error.asks_to_wait(now()).is_none() => {
                answers.extend(
                    join_all(group.iter().map(|item| in_doubt(context, work, item, &error))).await,
                );
            }
            Err(error) => {
                answers.extend(group.iter().map(|item| Answered::refused(item, &error, now())));
            }
        }
    }
    answers
}

async fn restored(
    context: &Context,
    work: &Work,
    item: &Item,
    reply: Option<&Restored>,
) -> Answered {
    let failed = |why: &str| Answered {
        message: Some(why.to_owned()),
        ..Answered::new(item, ItemState::Failed)
    };
    match reply {
        Some(Restored::Ok(asset)) => {
            let mut answer = Answered::accepted(item, stored(Some(asset.as_ref() as &Asset)));
            if work.invalidate() {
                answer.message = follow_up(context, &item.key).await;
            }
            answer
        }
        Some(Restored::NoBackup) => failed("no backup is kept of it; upload the file again"),
        Some(Restored::Failed { message }) => failed(message),
        None => failed("the reply does not name it"),
    }
}

/// Runs of items with the same resource type and delivery type.
fn same_types(items: &[Item]) -> impl Iterator<Item = &[Item]> {
    items.chunk_by(|one, other| {
        one.key.resource_type == other.key.resource_type
            && one.key.delivery_type == other.key.delivery_type
    })
}
