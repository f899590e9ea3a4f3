//! Everything a use case needs: the ports, the account and the policy. Built once, from the profile.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::account::Account;
use crate::domain::confidence::Confidence;
use crate::domain::invalidation::{CloudScope, Member, PurgeAgain};
use crate::domain::purge::Risk;
use crate::domain::usual::Usual;
use crate::ports::clock::Clock;
use crate::ports::cloud::Cloud;
use crate::ports::journal::Journal;
use crate::ports::places::Places;
use crate::ports::prober::Prober;

/// Assets that one order of a production profile may be about, unless the profile or the operator says otherwise.
const MAX_ITEMS_IN_PRODUCTION: usize = 10_000;
/// Long enough to see what one has done.
const START_DELAY: Duration = Duration::from_secs(5);

/// Ports, account and policy of one profile.
pub struct Context {
    pub cloud: Arc<dyn Cloud>,
    pub journal: Arc<dyn Journal>,
    pub prober: Arc<dyn Prober>,
    pub places: Arc<dyn Places>,
    pub clock: Arc<dyn Clock>,
    pub account: Account,
    pub scope: CloudScope,
    pub member: Member,
    pub policy: Policy,
}

/// What the profile allows and prefers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    pub profile: String,
    pub risk: Risk,
    pub read_only: bool,
    pub confidence: Confidence,
    /// No edge probe before this has passed since a call.
    pub hold_back: Duration,
    /// Give up a watch after this long; its state is kept.
    pub give_up_after: Duration,
    /// A watch that is not clear after this long is marked stuck.
    pub stuck_after: Duration,
    /// The operator has not said when: it follows what earlier invalidations took.
    pub learns_stuck_after: bool,
    /// Requests to caches that a watch makes at most, where the operator says so.
    pub probe_budget: Option<u64>,
    /// Who sends an invalidation again that did not reach every cache.
    pub purge_again: PurgeAgain,
    /// Above this many assets the count must be typed.
    pub confirm_above: usize,
    /// Assets that one order may be about at most.
    pub max_items: Option<usize>,
    /// Between the confirmation of a delete of more than `confirm_above` assets and its first call.
    pub start_delay: Duration,
    /// A job that nothing gets through for (refused, overloaded, no answer) is stopped after this long, to be resumed.
    pub stop_after: Duration,
    /// Calls to the Upload API in flight at once.
    pub concurrency: usize,
    /// Cells per place above which a sample is offered.
    pub verify_full_max: usize,
    /// Every place is on loopback: local limits apply.
    pub loopback: bool,
}

impl Policy {
    /// Defaults of a profile (design §2.2, §2.3): quick and without hold-back on loopback.
    #[must_use]
    pub fn new(profile: &str, risk: Risk, loopback: bool) -> Self {
        Self {
            profile: profile.to_owned(),
            risk,
            read_only: false,
            confidence: if loopback { Confidence::Quick } else { Confidence::Normal },
            hold_back: if loopback { Duration::ZERO } else { Duration::from_secs(5) },
            give_up_after: Duration::from_secs(60 * 60),
            stuck_after: if loopback {
                Duration::from_secs(60)
            } else {
                Duration::from_secs(10 * 60)
            },
            learns_stuck_after: true,
            probe_budget: None,
            purge_again: PurgeAgain::Offer,
            confirm_above: 10,
            max_items: (risk == Risk::Production).then_some(MAX_ITEMS_IN_PRODUCTION),
            start_delay: if risk == Risk::Local { Duration::ZERO } else { START_DELAY },
            stop_after: Duration::from_secs(15 * 60),
            concurrency: 30,
            verify_full_max: 500,
            loopback,
        }
    }
    /// Requests to caches that a watch makes at most, where one without trouble needs `needed`: as many as the
    /// operator says, else ten times what it needs and never less than what an hour of slow looks takes.
    #[must_use]
    pub fn budget(&self, needed: u64) -> u64 {
        let (times, least) = if self.loopback { (100, 100_000) } else { (10, 1_000) };
        self.probe_budget.unwrap_or_else(|| needed.saturating_mul(times).max(least))
    }

    /// When a watch is stuck, given what earlier ones took.
    #[must_use]
    pub fn stuck_after(&self, usual: &Usual) -> Duration {
        let learned = usual.late_after().filter(|_| self.learns_stuck_after);
        learned.unwrap_or(self.stuck_after)
    }
}
