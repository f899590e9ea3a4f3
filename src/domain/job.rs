//! Jobs: operations under way, what an operator wants of them, and how far they are.
//!
//! A job is an operation with calls to make. Whoever runs it holds a lease; what the operator wants ([`Wish`]) is kept
//! beside it, so that any process may ask and the one that runs it heeds.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::asset::AssetKey;
use super::id::{InvalidationId, MemberId, OperationId};
use super::invalidation::{ItemState, Operation};
use super::purge::{ApiPath, LeftOut, LeftOutReason};
use super::time::Timestamp;

/// What an operator wants of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Wish {
    /// Send what has not been sent.
    #[default]
    Run,
    /// Send nothing more for now.
    Pause,
    /// As [`Wish::Pause`], asked of all jobs of a profile at once.
    Hold,
    /// Send nothing more, ever. The last word: nothing follows it.
    Cancel,
}

impl Wish {
    pub const ALL: [Self; 4] = [Self::Run, Self::Pause, Self::Hold, Self::Cancel];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Pause => "pause",
            Self::Hold => "hold",
            Self::Cancel => "cancel",
        }
    }

    /// Whether calls may leave.
    #[must_use]
    pub const fn sends(self) -> bool {
        matches!(self, Self::Run)
    }
}

/// How a job stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum JobState {
    /// The delay before a large delete, in which it can be called off.
    Waiting,
    Running,
    /// By the operator.
    Paused,
    /// With all jobs of its profile.
    Held,
    /// Its process is gone; somebody has to take it up.
    Interrupted,
    /// Calls in flight settle, nothing more is sent.
    Cancelling,
    /// Every item has its outcome.
    Done,
    /// Every item has its outcome, and some were never sent because it was cancelled.
    Cancelled,
}

impl JobState {
    pub const ALL: [Self; 8] = [
        Self::Waiting,
        Self::Running,
        Self::Paused,
        Self::Held,
        Self::Interrupted,
        Self::Cancelling,
        Self::Done,
        Self::Cancelled,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Paused => "paused",
            Self::Held => "held",
            Self::Interrupted => "interrupted",
            Self::Cancelling => "cancelling",
            Self::Done => "done",
            Self::Cancelled => "cancelled",
        }
    }

    /// Whether nothing more will happen to it.
    #[must_use]
    pub const fn is_over(self) -> bool {
        matches!(self, Self::Done | Self::Cancelled)
    }

    /// How a job with these items stands. `is_run`: a living process holds its lease.
    #[must_use]
    pub fn of(
        counts: &JobCounts,
        wish: Wish,
        is_run: bool,
        not_before: Option<Timestamp>,
        now: Timestamp,
    ) -> Self {
        if counts.unsettled() == 0 && (counts.to_name == 0 || wish == Wish::Cancel) {
            let cancelled = wish == Wish::Cancel && counts.skipped > 0;
            return if cancelled { Self::Cancelled } else { Self::Done };
        }
        match (wish, is_run) {
            (Wish::Cancel, _) => Self::Cancelling,
            (Wish::Pause, _) => Self::Paused,
            (Wish::Hold, _) => Self::Held,
            (Wish::Run, false) => Self::Interrupted,
            (Wish::Run, true) if not_before.is_some_and(|at| at > now) => Self::Waiting,
            (Wish::Run, true) => Self::Running,
        }
    }
}

/// Items of a job by their state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JobCounts {
    pub intended: usize,
    pub sent: usize,
    pub accepted: usize,
    pub not_found: usize,
    pub failed: usize,
    pub skipped: usize,
    /// Named in the order and refused before anything was sent: no public ID, or no such asset.
    pub refused: usize,
    /// URLs that are still to be named to the cloud one by one, once every item has its outcome.
    #[serde(default)]
    pub to_name: usize,
}

impl JobCounts {
    /// Adds `items` of one state.
    pub const fn add(&mut self, state: ItemState, items: usize) {
        match state {
            ItemState::Intended => self.intended += items,
            ItemState::Sent => self.sent += items,
            ItemState::Accepted => self.accepted += items,
            ItemState::NotFound => self.not_found += items,
            ItemState::Failed => self.failed += items,
            ItemState::Skipped => self.skipped += items,
        }
    }

    /// Items of the job, without those that were refused.
    #[must_use]
    pub const fn total(&self) -> usize {
        self.unsettled() + self.settled()
    }

    /// Items whose outcome is not known yet.
    #[must_use]
    pub const fn unsettled(&self) -> usize {
        self.intended + self.sent
    }

    #[must_use]
    pub const fn settled(&self) -> usize {
        self.accepted + self.not_found + self.failed + self.skipped
    }

    /// What `retry-failed` takes: everything that was named and not done.
    #[must_use]
    pub const fn not_done(&self) -> usize {
        self.not_found + self.failed + self.skipped + self.refused
    }
}

/// Why a job sends nothing although it may.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobWait {
    pub until: Timestamp,
    /// Short, e.g. `all 500 Admin API calls of this hour are used`; cleaned.
    pub because: String,
}

/// A job as lists show it. Texts are cleaned.
#[derive(Debug, Clone, PartialEq)]
pub struct JobRow {
    pub operation: Operation,
    /// `user@host` of who ordered it.
    pub by: String,
    /// Address that the orderer's SSH session came from, if it was one.
    pub from: Option<String>,
    /// The asset, or the first of many and how many more.
    pub label: String,
    pub state: JobState,
    pub wish: Wish,
    /// `user@host` of whose wish it is, and since when; `None` while nobody has asked for anything.
    pub wished_by: Option<String>,
    pub wished_at: Option<Timestamp>,
    pub counts: JobCounts,
    /// Who runs it now, if anybody: `user@host pid`.
    pub run_by: Option<String>,
    /// Whether another process may take it up: false where its calls cannot be made from the journal alone.
    pub resumable: bool,
    /// Nothing is sent before this: the delay in which it can be called off.
    pub not_before: Option<Timestamp>,
    /// Why nothing is sent at the moment.
    pub wait: Option<JobWait>,
    /// Why its process stopped sending by itself: an operator has to let it go on.
    pub stopped: Option<String>,
    /// When the present run began (ordered, taken up or resumed), and what was settled then.
    pub run_since: Timestamp,
    pub settled_before: usize,
    /// When the first call left.
    pub started_at: Option<Timestamp>,
    /// When the last item was settled.
    pub ended_at: Option<Timestamp>,
    pub invalidation: Option<InvalidationId>,
}

impl JobRow {
    /// Items settled in a second of the present run; `None` before the first.
    #[must_use]
    pub fn rate(&self, now: Timestamp) -> Option<f64> {
        let until = self.ended_at.unwrap_or(now);
        rate(
            self.counts.settled().saturating_sub(self.settled_before),
            Duration::try_from(until.duration_since(self.run_since)).unwrap_or_default(),
        )
    }

    /// Time that the rest takes at the present rate, after any wait; `None` where it is not running or cannot be told.
    #[must_use]
    pub fn eta(&self, now: Timestamp) -> Option<Duration> {
        if self.state != JobState::Running {
            return None;
        }
        let wait = self.wait.as_ref().map_or(Duration::ZERO, |wait| {
            Duration::try_from(wait.until.duration_since(now)).unwrap_or_default()
        });
        Some(eta(self.counts.unsettled(), self.rate(now)?) + wait)
    }
}

/// Items in a second; `None` where nothing was settled or no time has passed.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a rate is shown with two digits")]
pub fn rate(settled: usize, within: Duration) -> Option<f64> {
    (settled > 0 && within > Duration::from_millis(50))
        .then(|| settled as f64 / within.as_secs_f64())
}

/// Time for `left` items at `rate` items in a second.
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
pub fn eta(left: usize, rate: f64) -> Duration {
    Duration::try_from_secs_f64(left as f64 / rate.max(1e-6)).unwrap_or(Duration::MAX)
}

/// Which items of a job are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ItemFilter {
    #[default]
    All,
    /// In one state.
    In(ItemState),
    /// Neither accepted nor under way: not found, failed, skipped.
    NotDone,
    /// Intended or sent.
    Unsettled,
}

impl ItemFilter {
    #[must_use]
    pub const fn takes(self, state: ItemState) -> bool {
        match self {
            Self::All => true,
            Self::In(only) => only as u8 == state as u8,
            Self::NotDone => {
                matches!(state, ItemState::NotFound | ItemState::Failed | ItemState::Skipped)
            }
            Self::Unsettled => !state.is_settled(),
        }
    }
}

/// Which part of a long list is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slice {
    pub offset: u32,
    pub limit: u32,
}

impl Slice {
    pub const ALL: Self = Self { offset: 0, limit: u32::MAX };
}

/// What an operation needs to be carried out from the journal alone; recorded with its intent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobTerms {
    pub api_path: ApiPath,
    pub overwrite: bool,
    /// Nothing is sent before this.
    #[serde(default)]
    pub not_before: Option<Timestamp>,
    /// False where something is needed that the journal does not keep, as the file of a replacement.
    pub resumable: bool,
    /// Whether several processes may make its calls at once.
    #[serde(default)]
    pub shared: bool,
}

/// A process that makes calls of the shared jobs of one cloud.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hand {
    /// Its calls under way.
    pub calls: usize,
    /// Whether its job sends at all: it is not paused.
    pub sends: bool,
}

/// A process's part of the calls that all of them may have under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Share {
    /// So many at once.
    pub most: usize,
    /// So many more may leave now: less than the rest of its part while others still have more than theirs.
    pub now: usize,
}

impl Share {
    /// The part of the hand at `mine` of `cap` calls at once. The parts of all that send differ by one at most and come
    /// to `cap`; what is under way and what leaves never comes to more.
    #[must_use]
    pub fn of(cap: usize, hands: &[Hand], mine: usize) -> Self {
        let Some(me) = hands.get(mine).filter(|me| me.sends) else { return Self::default() };
        let sending = hands.iter().filter(|hand| hand.sends).count();
        let before = hands[..mine].iter().filter(|hand| hand.sends).count();
        let most = cap / sending + usize::from(before < cap % sending);
        let under_way = hands.iter().map(|hand| hand.calls).sum::<usize>();
        Self { most, now: most.saturating_sub(me.calls).min(cap.saturating_sub(under_way)) }
    }
}

/// Something that an order named and that was refused before anything was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refused {
    /// As it was typed; not cleaned.
    pub typed: String,
    /// [`ItemState::NotFound`] where it names nothing in storage, else [`ItemState::Failed`].
    pub state: ItemState,
    /// One sentence.
    pub reason: String,
    /// Every asset it can mean, likeliest first: what is typed is masked and cannot always be read again.
    #[serde(default)]
    pub readings: Vec<AssetKey>,
}

impl Refused {
    /// What the operator named and a plan leaves out; `None` of what only a search index named: nothing failed there.
    #[must_use]
    pub fn of(left: &LeftOut) -> Option<Self> {
        let state = match left.reason {
            LeftOutReason::Malformed => ItemState::Failed,
            LeftOutReason::Unknown => ItemState::NotFound,
            LeftOutReason::Vanished | LeftOutReason::Changed => return None,
        };
        // the whole name of what a public ID alone does not tell
        let typed = left.key.as_ref().map_or_else(|| left.name.clone(), ToString::to_string);
        Some(Self { typed, state, reason: left.why.clone(), readings: left.readings.clone() })
    }
}

/// What somebody did to a job or a profile, beside ordering operations; kept for the audit trail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActKind {
    Pause,
    Resume,
    Cancel,
    /// Of all jobs of a profile.
    Hold,
    /// A process took an interrupted job up.
    TakeUp,
    /// A process stopped a job that nothing got through for.
    GiveUp,
    /// A locked profile was unlocked, or locked again.
    Unlock,
    Lock,
}

impl ActKind {
    pub const ALL: [Self; 8] = [
        Self::Pause,
        Self::Resume,
        Self::Cancel,
        Self::Hold,
        Self::TakeUp,
        Self::GiveUp,
        Self::Unlock,
        Self::Lock,
    ];

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pause => "pause",
            Self::Resume => "resume",
            Self::Cancel => "cancel",
            Self::Hold => "hold",
            Self::TakeUp => "take_up",
            Self::GiveUp => "give_up",
            Self::Unlock => "unlock",
            Self::Lock => "lock",
        }
    }

    /// What a wish is called in the audit trail.
    #[must_use]
    pub const fn of(wish: Wish) -> Self {
        match wish {
            Wish::Run => Self::Resume,
            Wish::Pause => Self::Pause,
            Wish::Hold => Self::Hold,
            Wish::Cancel => Self::Cancel,
        }
    }
}

/// One act, to be kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Act {
    pub kind: ActKind,
    pub by: MemberId,
    pub at: Timestamp,
    /// The job; `None` for acts on a profile.
    pub operation: Option<OperationId>,
    /// E.g. the name of the profile; without secrets.
    pub note: Option<String>,
}

/// One act as lists show it. Texts are cleaned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActRow {
    pub kind: ActKind,
    pub at: Timestamp,
    /// `user@host`.
    pub by: String,
    /// Address that their SSH session came from, if it was one.
    pub from: Option<String>,
    pub operation: Option<OperationId>,
    /// Of the job, where there is one.
    pub label: Option<String>,
    pub note: Option<String>,
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::time::from_millis;
    use super::*;

    fn counts(states: &[ItemState]) -> JobCounts {
        let mut counts = JobCounts::default();
        for state in states {
            counts.add(*state, 1);
        }
        counts
    }

    #[rstest]
    #[case(&[ItemState::Intended], Wish::Run, true, None, JobState::Running)]
    #[case(&[ItemState::Intended], Wish::Run, true, Some(9), JobState::Running)]
    #[case(&[ItemState::Intended], Wish::Run, true, Some(11), JobState::Waiting)]
    #[case(&[ItemState::Sent], Wish::Run, false, None, JobState::Interrupted)]
    #[case(&[ItemState::Sent], Wish::Pause, true, None, JobState::Paused)]
    #[case(&[ItemState::Sent], Wish::Hold, false, None, JobState::Held)]
    #[case(&[ItemState::Sent, ItemState::Skipped], Wish::Cancel, true, None, JobState::Cancelling)]
    #[case(&[ItemState::Accepted, ItemState::Skipped], Wish::Cancel, true, None, JobState::Cancelled)]
    #[case(&[ItemState::Accepted], Wish::Cancel, false, None, JobState::Done)]
    #[case(&[ItemState::Failed, ItemState::Skipped], Wish::Run, false, None, JobState::Done)]
    fn states_follow_from_items_wish_and_runner(
        #[case] items: &[ItemState],
        #[case] wish: Wish,
        #[case] is_run: bool,
        #[case] not_before: Option<i64>,
        #[case] expected: JobState,
    ) {
        let not_before = not_before.map(from_millis);
        let state = JobState::of(&counts(items), wish, is_run, not_before, from_millis(10));
        assert_eq!(state, expected);
    }

    #[test]
    fn a_rate_needs_something_settled_and_tells_when_the_rest_is_done() {
        assert_eq!(rate(0, Duration::from_secs(9)), None);
        assert_eq!(rate(9, Duration::ZERO), None);
        assert_eq!(rate(300, Duration::from_secs(10)), Some(30.0));
        assert_eq!(eta(600, 30.0), Duration::from_secs(20));
    }

    #[test]
    fn a_cap_is_shared_by_those_that_send() {
        let hand = |calls| Hand { calls, sends: true };
        let most = |hands: &[Hand]| {
            let each = (0..hands.len()).map(|mine| Share::of(8, hands, mine).most);
            each.collect::<Vec<_>>()
        };
        assert_eq!(most(&[hand(0)]), [8]);
        assert_eq!(most(&[hand(0); 3]), [3, 3, 2]);
        assert_eq!(most(&[hand(0); 10]).iter().sum::<usize>(), 8, "more hands than calls");
        let paused = Hand { calls: 3, sends: false };
        assert_eq!(most(&[hand(0), paused, hand(0)]), [4, 0, 4]);
        assert_eq!(Share::of(8, &[], 0), Share::default());
    }

    #[test]
    fn nothing_leaves_beyond_the_cap_while_others_have_more_than_their_part() {
        let hand = |calls| Hand { calls, sends: true };
        assert_eq!(Share::of(8, &[hand(8), hand(0)], 1), Share { most: 4, now: 0 });
        assert_eq!(Share::of(8, &[hand(5), hand(1)], 1), Share { most: 4, now: 2 });
        assert_eq!(Share::of(8, &[hand(5), hand(1)], 0), Share { most: 4, now: 0 });
        let leaving = Hand { calls: 3, sends: false };
        assert_eq!(Share::of(8, &[leaving, hand(4)], 1), Share { most: 8, now: 1 });
    }

    proptest::proptest! {
        #[test]
        fn whoever_takes_when_the_cap_holds(
            cap in 0..70_usize,
            turns in proptest::collection::vec((0..6_usize, 0..9_usize, proptest::bool::ANY), 0..200),
        ) {
            let mut hands = [Hand::default(); 6];
            for (who, ended, sends) in turns {
                hands[who].sends = sends;
                hands[who].calls = hands[who].calls.saturating_sub(ended);
                hands[who].calls += Share::of(cap, &hands, who).now;
                proptest::prop_assert!(hands.iter().map(|hand| hand.calls).sum::<usize>() <= cap);
            }
        }
    }

    #[test]
    fn what_was_not_done_can_be_tried_again() {
        let not_done = ItemState::ALL.into_iter().filter(|it| ItemFilter::NotDone.takes(*it));
        let expected = [ItemState::NotFound, ItemState::Failed, ItemState::Skipped];
        assert_eq!(not_done.collect::<Vec<_>>(), expected);
        assert!(ItemFilter::In(ItemState::Sent).takes(ItemState::Sent));
        assert!(!ItemFilter::In(ItemState::Sent).takes(ItemState::Failed));
    }
}
