//! The calls of a plan, each with an answer: what the cloud said, or what storage says where it said nothing.

use futures_util::future::join_all;

use crate::domain::asset::{Asset, AssetKey};
use crate::domain::id::ItemId;
use crate::domain::invalidation::{Item, ItemState};
use crate::domain::purge::{ApiPath, Plan};
use crate::domain::time::Timestamp;
use crate::domain::verdict::Stored;
use crate::ops::context::Context;
use crate::ops::in_doubt;
use crate::ops::plan::stored;
use crate::ports::cloud::{CloudError, Destroyed, RenameCall, ReplaceCall, Restored};

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
        }
    }

    pub fn skipped(item: &Item, why: &str) -> Self {
        Self { message: Some(why.to_owned()), ..Self::new(item, ItemState::Skipped) }
    }

    /// Not sent, and nothing after it can be.
    pub fn stopping(item: &Item, why: &str) -> Self {
        Self { message: Some(why.to_owned()), ends_all: true, ..Self::new(item, ItemState::Failed) }
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

    fn failed(item: &Item, error: &CloudError) -> Self {
        let ends_all = matches!(
            error,
            CloudError::Unauthorized { .. }
                | CloudError::Forbidden { .. }
                | CloudError::RateLimited { .. }
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

/// Sends the calls of one batch at once and waits for all of them.
pub(super) async fn batch(
    context: &Context,
    plan: &Plan,
    items: &[Item],
    sent_at: Timestamp,
) -> Vec<Answered> {
    let mut answers = match plan.api_path {
        ApiPath::AdminBulk => delete_many(context, plan, items).await,
        ApiPath::RestoreThenExplicit => restore_many(context, plan, items).await,
        _ => join_all(items.iter().map(|item| one(context, plan, item))).await,
    };
    for answer in &mut answers {
        answer.sent_at = Some(sent_at);
    }
    answers
}

/// One call for one asset; where no answer came, storage is asked what became of it.
async fn one(context: &Context, plan: &Plan, item: &Item) -> Answered {
    let answer = match plan.api_path {
        ApiPath::Rename => rename(context, plan, item).await,
        ApiPath::Upload => replace(context, plan, item).await,
        ApiPath::Explicit => context
            .cloud
            .invalidate(&item.key)
            .await
            .map(|asset| Answered::accepted(item, stored(Some(&asset)))),
        ApiPath::Destroy | ApiPath::AdminBulk | ApiPath::RestoreThenExplicit => {
            destroy(context, plan, item).await
        }
    };
    match answer {
        Ok(answer) => answer,
        Err(error) if error.is_in_doubt() => in_doubt(context, plan, item, &error).await,
        Err(error) => Answered::failed(item, &error),
    }
}

async fn destroy(context: &Context, plan: &Plan, item: &Item) -> Result<Answered, CloudError> {
    Ok(match context.cloud.destroy(&item.key, plan.invalidate).await? {
        Destroyed::Ok => Answered::accepted(item, Stored::Empty),
        Destroyed::NotFound => Answered {
            message: Some("the cloud has no such asset".to_owned()),
            now: Some(Stored::Empty),
            ..Answered::new(item, ItemState::NotFound)
        },
    })
}

/// Renames, then purges the new name: caches may hold a 404 from before it existed.
async fn rename(context: &Context, plan: &Plan, item: &Item) -> Result<Answered, CloudError> {
    let Some(to) = item.to.clone() else {
        return Ok(Answered::stopping(item, "the plan names no new name"));
    };
    let call = RenameCall {
        from: item.key.clone(),
        to: to.clone(),
        overwrite: plan.overwrite,
        invalidate: plan.invalidate,
    };
    let renamed = context.cloud.rename(&call).await?;
    let mut answer = Answered::accepted(item, stored(Some(&renamed)));
    if plan.invalidate {
        answer.message = follow_up(context, &to).await;
    }
    Ok(answer)
}

async fn replace(context: &Context, plan: &Plan, item: &Item) -> Result<Answered, CloudError> {
    let Some(file) = plan.file.clone() else {
        return Ok(Answered::stopping(item, "the plan names no file"));
    };
    let call = ReplaceCall { key: item.key.clone(), file, invalidate: plan.invalidate };
    let replaced = context.cloud.replace(&call).await?;
    let mut answer = Answered::accepted(item, stored(Some(&replaced)));
    if plan.invalidate {
        answer.message = follow_up_if_recently_gone(context, &item.key).await;
    }
    Ok(answer)
}

/// Purges a name that may have been asked for while it did not exist; a remark when that failed.
async fn follow_up(context: &Context, key: &AssetKey) -> Option<String> {
    let failed = context.cloud.invalidate(key).await.err()?;
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
async fn in_doubt(context: &Context, plan: &Plan, item: &Item, error: &CloudError) -> Answered {
    match in_doubt::ask_storage(context, plan.verb, plan.invalidate, item, plan_old(plan, item))
        .await
    {
        Ok(settled) => Answered {
            now: settled.now,
            message: Some(format!("{error}; {}", settled.message)),
            ..Answered::new(item, settled.state)
        },
        Err(unknown) => Answered {
            message: Some(format!("{error}; storage could not be asked either: {unknown}")),
            ..Answered::new(item, ItemState::Sent)
        },
    }
}

fn plan_old<'p>(plan: &'p Plan, item: &Item) -> Option<&'p Stored> {
    plan.items.iter().find(|planned| planned.key == item.key)?.old.as_ref()
}

/// Admin bulk delete: one call for assets of the same types.
async fn delete_many(context: &Context, plan: &Plan, items: &[Item]) -> Vec<Answered> {
    let mut answers = Vec::with_capacity(items.len());
    for group in same_types(items) {
        let Some(first) = group.first() else { continue };
        let ids = group.iter().map(|item| item.key.public_id.to_string()).collect::<Vec<_>>();
        let reply = context
            .cloud
            .delete_many(first.key.resource_type, first.key.delivery_type, &ids, plan.invalidate)
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
                    None => Answered {
                        message: Some(
                            "the reply does not name it; run the command again for it".to_owned(),
                        ),
                        ..Answered::new(item, ItemState::Failed)
                    },
                }
            })),
            Err(error) if error.is_in_doubt() => {
                answers.extend(
                    join_all(group.iter().map(|item| in_doubt(context, plan, item, &error))).await,
                );
            }
            Err(error) => answers.extend(group.iter().map(|item| Answered::failed(item, &error))),
        }
    }
    answers
}

/// Restores, then purges each restored name: restore invalidates nothing.
async fn restore_many(context: &Context, plan: &Plan, items: &[Item]) -> Vec<Answered> {
    let mut answers = Vec::with_capacity(items.len());
    for group in same_types(items) {
        let Some(first) = group.first() else { continue };
        let ids = group.iter().map(|item| item.key.public_id.to_string()).collect::<Vec<_>>();
        match context.cloud.restore(first.key.resource_type, first.key.delivery_type, &ids).await {
            Ok(replies) => {
                for item in group {
                    let told = replies.iter().find(|(id, _)| id == item.key.public_id.as_str());
                    answers.push(restored(context, plan, item, told.map(|(_, reply)| reply)).await);
                }
            }
            Err(error) => answers.extend(group.iter().map(|item| Answered::failed(item, &error))),
        }
    }
    answers
}

async fn restored(
    context: &Context,
    plan: &Plan,
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
            if plan.invalidate {
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
