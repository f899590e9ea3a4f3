//! The Admin API quota as the last reply told it, readable from everywhere without waiting.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use jiff::fmt::rfc2822;
use reqwest::header::HeaderMap;

use crate::domain::time::Timestamp;
use crate::ports::cloud::Quota;

/// Never told.
const NONE: u64 = u64::MAX;
/// The reply named no time of reset.
const NO_RESET: i64 = i64::MIN;

/// The latest [`Quota`]; a reader may see the time of reset of the reply before, never half a count.
#[derive(Debug)]
pub(super) struct QuotaCell {
    /// Limit in the upper, remaining in the lower half.
    counts: AtomicU64,
    /// UNIX seconds.
    reset: AtomicI64,
}

impl Default for QuotaCell {
    fn default() -> Self {
        Self { counts: AtomicU64::new(NONE), reset: AtomicI64::new(NO_RESET) }
    }
}

impl QuotaCell {
    pub(super) fn set(&self, quota: Quota) {
        self.reset
            .store(quota.reset_at.map_or(NO_RESET, jiff::Timestamp::as_second), Ordering::Release);
        self.counts
            .store((u64::from(quota.limit) << 32) | u64::from(quota.remaining), Ordering::Release);
    }

    pub(super) fn get(&self) -> Option<Quota> {
        let counts = self.counts.load(Ordering::Acquire);
        (counts != NONE).then(|| Quota {
            limit: u32::try_from(counts >> 32).unwrap_or(u32::MAX),
            remaining: u32::try_from(counts & u64::from(u32::MAX)).unwrap_or(u32::MAX),
            reset_at: Timestamp::from_second(self.reset.load(Ordering::Acquire)).ok(),
        })
    }
}

/// Reads `X-FeatureRateLimit-*` (facts: Admin API, "Rate limits"); `None` where a count is missing or odd.
pub(super) fn read(headers: &HeaderMap) -> Option<Quota> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    Some(Quota {
        limit: text("x-featureratelimit-limit")?.parse().ok()?,
        remaining: text("x-featureratelimit-remaining")?.parse().ok()?,
        reset_at: text("x-featureratelimit-reset").and_then(http_date),
    })
}

/// A date as HTTP headers carry it: `Wed, 01 Jun 2016 20:00:00 GMT`.
fn http_date(text: &str) -> Option<Timestamp> {
    rfc2822::DateTimeParser::new().parse_timestamp(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
    }

    #[test]
    fn the_three_headers_become_a_quota_and_survive_the_cell() {
        let told = read(&headers(&[
            ("X-FeatureRateLimit-Limit", "500"),
            ("X-FeatureRateLimit-Remaining", "499"),
            ("X-FeatureRateLimit-Reset", "Wed, 01 Jun 2016 20:00:00 GMT"),
        ]))
        .unwrap();
        let cell = QuotaCell::default();
        assert_eq!(cell.get(), None);
        cell.set(told);
        assert_eq!(
            cell.get(),
            Some(Quota {
                limit: 500,
                remaining: 499,
                reset_at: Some("2016-06-01T20:00:00Z".parse().unwrap())
            })
        );
    }

    #[rstest]
    #[case::absent(&[])]
    #[case::half(&[("X-FeatureRateLimit-Limit", "500")])]
    #[case::not_a_number(&[("X-FeatureRateLimit-Limit", "many"), ("X-FeatureRateLimit-Remaining", "1")])]
    #[case::negative(&[("X-FeatureRateLimit-Limit", "500"), ("X-FeatureRateLimit-Remaining", "-1")])]
    fn odd_headers_are_no_quota(#[case] pairs: &[(&'static str, &str)]) {
        assert_eq!(read(&headers(pairs)), None);
    }

    #[test]
    fn an_odd_date_leaves_the_counts() {
        let told = read(&headers(&[
            ("X-FeatureRateLimit-Limit", "500"),
            ("X-FeatureRateLimit-Remaining", "0"),
            ("X-FeatureRateLimit-Reset", "soon"),
        ]));
        assert_eq!(told, Some(Quota { limit: 500, remaining: 0, reset_at: None }));
    }
}
