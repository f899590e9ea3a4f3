//! What a plan costs: calls, requests and time.

use std::time::Duration;

use jiff::SignedDuration;

use super::Draft;
use crate::domain::confidence::Confidence;
use crate::domain::purge::ApiPath;
use crate::domain::time::Timestamp;
use crate::domain::usual::Usual;
use crate::ops::context::Context;
use crate::ports::cloud::Quota;

/// A round trip to the API, for estimates only.
const USUAL_CALL: Duration = Duration::from_millis(250);
/// Propagation is put at some seconds up to a few minutes (facts §1.1 row 3).
const USUAL_PROPAGATION: Duration = Duration::from_secs(60);
const USUAL_LOCAL_PROPAGATION: Duration = Duration::from_secs(20);

pub(super) struct Price {
    pub upload_calls: usize,
    pub admin_calls: usize,
    pub requests: u64,
    pub execution: Duration,
    pub verification: Duration,
}

/// When the last of `calls` Admin calls can leave, where the quota makes them wait: it is renewed every hour.
pub(super) fn paced_until(quota: Option<Quota>, calls: usize, now: Timestamp) -> Option<Timestamp> {
    let quota = quota?;
    let short = calls.checked_sub(quota.remaining as usize).filter(|short| *short > 0)?;
    let hours = short.div_ceil(quota.limit.max(1) as usize) - 1;
    let renewed = quota.reset_at.unwrap_or_else(|| now + SignedDuration::from_hours(1));
    renewed.checked_add(SignedDuration::from_hours(i64::try_from(hours).ok()?)).ok()
}

/// `variants` counts the watched URLs, those with automatic format once for each `Accept` variant.
pub(super) fn price(
    context: &Context,
    draft: &Draft,
    variants: usize,
    places: usize,
    confidence: Confidence,
    usual: &Usual,
) -> Price {
    let assets = draft.found.len();
    let (upload_calls, admin_calls) = match draft.api_path {
        ApiPath::Rename => (2 * assets, 0),
        ApiPath::Upload | ApiPath::Explicit | ApiPath::Destroy => (assets, 0),
        ApiPath::AdminBulk => (0, assets.div_ceil(100)),
        ApiPath::RestoreThenExplicit => (assets, assets.div_ceil(100)),
    };
    let rule = confidence.rule();
    let cells = variants * places;
    let requests = rule.requests(cells, places, context.policy.loopback);
    let rounds = upload_calls.div_ceil(context.policy.concurrency.max(1)) + admin_calls;
    let per_second = if context.policy.loopback { 500 } else { 1 };
    let probing = Duration::from_secs(requests.div_ceil(places.max(1) as u64 * per_second));
    let expected =
        if context.policy.loopback { USUAL_LOCAL_PROPAGATION } else { USUAL_PROPAGATION };
    let propagation = usual.half_and_most().map_or(expected, |(_, most)| most);
    let verification = if cells == 0 {
        Duration::ZERO
    } else {
        context.policy.hold_back + propagation.max(probing) + rule.t + rule.q
    };
    Price {
        upload_calls,
        admin_calls,
        requests,
        execution: USUAL_CALL * u32::try_from(rounds).unwrap_or(u32::MAX),
        verification,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(500, 500, None)]
    #[case(500, 501, Some("2026-11-21T13:00:00Z"))]
    #[case(0, 500, Some("2026-11-21T13:00:00Z"))]
    #[case(0, 501, Some("2026-11-21T14:00:00Z"))]
    #[case(100, 1600, Some("2026-11-21T15:00:00Z"))]
    fn calls_beyond_the_quota_wait_for_its_renewal(
        #[case] remaining: u32,
        #[case] calls: usize,
        #[case] until: Option<&str>,
    ) {
        let reset_at = "2026-11-21T13:00:00Z".parse().ok();
        let now = "2026-11-21T12:20:00Z".parse().unwrap();
        let quota = Quota { limit: 500, remaining, reset_at };
        assert_eq!(paced_until(Some(quota), calls, now), until.map(|at| at.parse().unwrap()));
        assert_eq!(paced_until(None, calls, now), None);
    }
}
