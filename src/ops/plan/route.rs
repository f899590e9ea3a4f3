//! Which API carries an order out, and why.

use super::OpError;
use crate::domain::invalidation::{Outcome, Verb};
use crate::domain::purge::{ApiPath, DeleteApi, OrderTerms};
use crate::ops::context::Context;
use crate::ports::journal::{InvalidationRow, Reach};

/// Bulk deletes of the Admin API pay off above this many assets: fewer are one `destroy` each.
const ADMIN_BULK_ABOVE: usize = 100;
/// Assets in one Admin call.
const A_CALL: usize = 100;
/// Ended invalidations that are looked through for a bulk delete that was seen to reach caches.
const HISTORY: u32 = 500;

/// An API path and the reason for it.
pub(super) struct Route {
    pub api_path: ApiPath,
    /// One sentence.
    pub why: String,
}

impl Route {
    /// A path that has no alternative.
    pub fn of(api_path: ApiPath) -> Self {
        Self { api_path, why: api_path.why().to_owned() }
    }
}

/// Deletes go one by one through the Upload API, which invalidates on every account and costs no quota; in bulk
/// through the Admin API only where the profile says that this invalidates *and* one such delete was seen to (design
/// §2.4), or where nothing is to be invalidated, and only where the quota allows it.
///
/// # Errors
/// The operator wants the Admin API, and copies would stay in caches for good.
pub(super) async fn of_delete(
    context: &Context,
    assets: usize,
    terms: &OrderTerms,
) -> Result<Route, OpError> {
    let says = context.account.bulk_invalidation == Some(true);
    let calls = assets.div_ceil(A_CALL);
    match terms.api {
        Some(DeleteApi::Upload) => return Ok(upload("as asked for")),
        Some(DeleteApi::Admin) if terms.invalidate && !says => {
            return Err(OpError::Invalid {
                message: "Admin bulk deletes are not known to invalidate on this account: their copies would stay in caches".to_owned(),
                hint: "set `bulk_invalidation = true` in the profile once support has switched it on, or leave --api away".to_owned(),
            });
        }
        Some(DeleteApi::Admin) => return Ok(admin(context, calls, "as asked for")),
        None => {}
    }
    if assets <= ADMIN_BULK_ABOVE {
        return Ok(upload("so few need no bulk call"));
    }
    if terms.invalidate && !says {
        return Ok(upload(
            "Admin bulk deletes are not known to invalidate on this account (`bulk_invalidation` in the profile)",
        ));
    }
    if let Some(quota) = context.cloud.quota().filter(|quota| (quota.remaining as usize) < calls) {
        return Ok(upload(&format!(
            "{calls} Admin calls would not fit into the {} left this hour",
            quota.remaining
        )));
    }
    if terms.invalidate && !seen_to_work(context).await {
        return Ok(upload(
            "the profile says that Admin bulk deletes invalidate, and none was seen to: `rm … --api admin` of a few assets would show it",
        ));
    }
    Ok(admin(
        context,
        calls,
        if terms.invalidate {
            "this account invalidates in bulk, and such a delete was seen to reach its caches"
        } else {
            "nothing is to be invalidated"
        },
    ))
}

fn upload(because: &str) -> Route {
    let why = format!(
        "one Upload API call per asset, which invalidates on every account and is not counted against the Admin quota: {because}"
    );
    Route { api_path: ApiPath::Destroy, why }
}

fn admin(context: &Context, calls: usize, because: &str) -> Route {
    let alone = context.journal.reach() != Reach::Here && calls > 1;
    let calls = if calls == 1 { "1 call".to_owned() } else { format!("{calls} calls") };
    // a team's members help with everything else
    let calls = if alone { format!("{calls}, all of them from this process") } else { calls };
    let why = format!("Admin API, 100 assets a call, {calls}: {because}");
    Route { api_path: ApiPath::AdminBulk, why }
}

/// Whether the journal knows an Admin bulk delete of this cloud after which caches that had held old copies let go of
/// all of them.
async fn seen_to_work(context: &Context) -> bool {
    let ended = context.journal.ended(Some(&context.scope), HISTORY).await.unwrap_or_default();
    for row in ended.iter().filter(|row| let_go(row)) {
        let known = context.journal.invalidation(row.id).await;
        if known.is_ok_and(|known| known.terms.api_path == Some(ApiPath::AdminBulk)) {
            return true;
        }
    }
    false
}

/// Whether a delete ended all clear at places that were seen with the old copies.
fn let_go(row: &InvalidationRow) -> bool {
    let clear = row.ended.as_ref().is_some_and(|ending| {
        matches!(ending.outcome, Outcome::AllClear | Outcome::ClearExcept | Outcome::SampledClear)
    });
    let held = row
        .snapshot
        .as_ref()
        .is_some_and(|snapshot| snapshot.places.iter().any(|place| place.saw_old));
    row.operation.verb == Verb::Delete && clear && held
}
