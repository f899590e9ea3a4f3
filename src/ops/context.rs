//! Everything a use case needs: the ports, the account and the policy. Built once, from the profile.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::account::Account;
use crate::domain::confidence::Confidence;
use crate::domain::invalidation::{CloudScope, Member};
use crate::domain::purge::Risk;
use crate::ports::clock::Clock;
use crate::ports::cloud::Cloud;
use crate::ports::journal::Journal;
use crate::ports::places::Places;
use crate::ports::prober::Prober;

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
    /// Above this many assets the count must be typed.
    pub confirm_above: usize,
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
            confirm_above: 10,
            concurrency: 30,
            verify_full_max: 500,
            loopback,
        }
    }
}
