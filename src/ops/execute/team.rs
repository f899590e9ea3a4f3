//! The others that make calls of the same job, each from its own host.
//!
//! Nobody tells anybody anything but through the journal: calls are taken there in turn, and what became of them is
//! read there. Whoever runs the job beside that asks storage about the calls of those that died, and waits until every
//! item has its outcome; hands that help leave when nothing waits any more, or when nobody runs the job, to do so
//! themselves.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::work::Work;
use crate::domain::id::ItemId;
use crate::domain::invalidation::Item;
use crate::domain::job::{ItemFilter, Slice, Wish};
use crate::domain::time::{Moment, Timestamp};
use crate::ops::context::Context;
use crate::ports::journal::{JobLease, JournalError, Step};
use crate::ports::journal_team::{Dealt, RollCall, Turn};

/// Between two looks who is there.
const ROLL: Duration = Duration::from_secs(1);
/// Between two readings of what others did; they take at most this part of the time.
const READ: Duration = Duration::from_secs(1);
const READING_SHARE: u32 = 20;
/// Where others have more under way than their part, and where nothing is left to take, it is asked again after this.
const AGAIN: Duration = Duration::from_millis(50);
const NOTHING: Duration = Duration::from_millis(500);

/// What a run knows of the others.
pub(super) struct Team {
    lease: JobLease,
    at: HashMap<ItemId, usize>,
    /// Of a hand: positions whose items have their outcome, for those that come next.
    free: Vec<usize>,
    /// Taken here and not settled yet.
    mine: HashSet<usize>,
    /// Sent, and nobody waits for what becomes of it.
    left: HashSet<usize>,
    /// Calls that may be under way here.
    share: usize,
    /// More waited for their turn the last time.
    rest: bool,
    /// Somebody else has worked on it.
    is_met: bool,
    ask_at: Moment,
    roll_at: Option<Moment>,
    read_at: Option<Moment>,
    /// Looks under way.
    looks: JoinSet<Look>,
}

/// What a look at the journal showed.
pub(super) enum Look {
    Roll(Result<RollCall, JournalError>),
    Read { items: Result<Vec<Item>, JournalError>, took: Duration },
}

/// A write: what leaves is named, or is what comes next.
pub(super) enum Page {
    Step(Step),
    Turn(Turn),
}

impl Page {
    pub async fn write(
        &self,
        context: &Context,
        lease: JobLease,
        at: Timestamp,
    ) -> Result<(Wish, Option<Dealt>), JournalError> {
        match self {
            Self::Step(step) => Ok((context.journal.advance(lease, step, at).await?, None)),
            Self::Turn(turn) => {
                let dealt = context.journal.deal(lease, turn, at).await?;
                Ok((dealt.wish, Some(dealt)))
            }
        }
    }
}

impl Team {
    pub fn of(work: &Work, lease: JobLease, cap: usize, now: Moment) -> Self {
        Self {
            lease,
            at: work.items.iter().enumerate().map(|(at, item)| (item.id, at)).collect(),
            free: Vec::new(),
            mine: HashSet::new(),
            left: HashSet::new(),
            share: cap,
            rest: true,
            is_met: lease.is_hand,
            ask_at: now,
            roll_at: Some(now),
            read_at: Some(now + READ),
            looks: JoinSet::new(),
        }
    }

    pub const fn is_hand(&self) -> bool {
        self.lease.is_hand
    }

    /// Calls that may be under way here; one is asked for where there are more processes than calls.
    pub fn most(&self) -> usize {
        self.share.max(1)
    }

    /// Whether more is to be asked for now.
    pub fn asks(&self, now: Moment) -> bool {
        (self.rest || !self.is_hand()) && self.ask_at <= now
    }

    /// Whether nothing of it is left to do here, with `settled` of all items.
    pub fn is_through(&self, settled: usize) -> bool {
        if self.is_hand() { !self.rest } else { settled + self.left.len() >= self.at.len() }
    }

    /// Positions of the calls that leave now, in the order of the plan, of those that were asked for.
    pub fn take(&mut self, dealt: &Dealt, asked: usize, now: Moment) -> Vec<usize> {
        let taken = dealt.taken.iter().filter_map(|item| self.at.get(item).copied());
        let mut taken = taken.collect::<Vec<_>>();
        taken.sort_unstable();
        self.mine.extend(&taken);
        (self.rest, self.is_met) = (dealt.rest, self.is_met || dealt.hands > 0);
        if let Some(share) = dealt.share {
            self.share = share;
        }
        if taken.len() < asked {
            self.ask_at = now + if dealt.rest { AGAIN } else { NOTHING };
        }
        taken
    }

    /// Where a hand keeps an item that it is given; `end`: after all that it has.
    pub fn place_of(&mut self, item: ItemId, end: usize) -> usize {
        let position = self.free.pop().unwrap_or(end);
        self.at.insert(item, position);
        position
    }

    /// A hand keeps what it works on, and nothing else.
    pub fn forget(&mut self, position: usize, item: ItemId) {
        if self.is_hand() && self.at.remove(&item).is_some() {
            self.left.remove(&position);
            self.free.push(position);
        }
    }

    /// Whoever runs the job asks about it.
    pub fn renounce(&mut self, position: usize, item: ItemId) {
        self.mine.remove(&position);
        self.forget(position, item);
    }

    /// A call is to be made again, by whoever is next.
    pub fn put_back(&mut self, position: usize, now: Moment) {
        self.mine.remove(&position);
        (self.rest, self.ask_at) = (true, now);
    }

    /// Nothing waits any more.
    pub fn take_nothing(&mut self) {
        self.rest = false;
    }

    pub fn settle(&mut self, position: usize) {
        self.mine.remove(&position);
    }

    /// Nobody waits for this one any more.
    pub fn leave(&mut self, position: usize) {
        self.mine.remove(&position);
        self.left.insert(position);
    }

    /// Takes over calls of those that died; their positions.
    pub fn inherit(&mut self, roll: &RollCall) -> Vec<usize> {
        let found = roll.orphans.iter().filter_map(|item| self.at.get(item).copied());
        let found = found.collect::<Vec<_>>();
        for position in &found {
            self.left.remove(position);
        }
        self.mine.extend(&found);
        found
    }

    /// What others have settled, as far as it is `news`, with positions.
    pub fn news(&self, items: Vec<Item>, news: impl Fn(usize) -> bool) -> Vec<(usize, Item)> {
        let settled = items.into_iter().filter(|item| item.state.is_settled());
        let known = settled.filter_map(|item| Some((*self.at.get(&item.id)?, item)));
        known.filter(|(at, _)| !self.mine.contains(at) && news(*at)).collect()
    }

    /// Begins the looks that are due; `idles`: nothing is under way here.
    pub fn look(&mut self, context: &Arc<Context>, idles: bool, now: Moment) {
        let lease = self.lease;
        if self.roll_at.is_some_and(|due| due <= now) {
            self.roll_at = None;
            let context = Arc::clone(context);
            self.looks.spawn(async move {
                Look::Roll(context.journal.call_roll(lease, context.clock.wall()).await)
            });
        }
        let reads = !self.is_hand() && (self.is_met || idles);
        if reads && self.read_at.is_some_and(|due| due <= now) {
            self.read_at = None;
            let context = Arc::clone(context);
            self.looks.spawn(async move {
                let began = context.clock.moment();
                let of = lease.operation;
                let items = context.journal.job_items(of, ItemFilter::All, Slice::ALL).await;
                Look::Read { items, took: context.clock.moment().since(began) }
            });
        }
    }

    /// A look that has ended; never, where none is under way.
    pub async fn looked(team: &mut Option<Self>) -> Look {
        loop {
            let Some(team) = team else { return std::future::pending().await };
            match team.looks.join_next().await {
                Some(Ok(look)) => return look,
                Some(Err(broken)) => tracing::error!(%broken, "a look at a shared job broke"),
                None => return std::future::pending().await,
            }
        }
    }

    /// Plans the next look of this kind.
    pub fn plan(&mut self, look: &Look, idles: bool, now: Moment) {
        match look {
            Look::Roll(_) => self.roll_at = Some(now + ROLL),
            Look::Read { took, .. } => {
                let pause = if idles { AGAIN.max(*took) } else { READ.max(*took * READING_SHARE) };
                self.read_at = Some(now + pause);
            }
        }
    }

    /// When something is due here.
    pub fn wake(&self, may_send: bool, idles: bool) -> Option<Moment> {
        let ask = (may_send && (self.rest || !self.is_hand())).then_some(self.ask_at);
        let reads = !self.is_hand() && (self.is_met || idles);
        [ask, self.roll_at, self.read_at.filter(|_| reads)].into_iter().flatten().min()
    }
}
