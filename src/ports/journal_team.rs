//! What processes that share a job ask the journal, and what it answers.

use crate::domain::id::ItemId;
use crate::domain::invalidation::{Item, ItemState};
use crate::domain::job::{JobWait, Wish};
use crate::domain::verdict::Stored;

/// What became of calls of a shared job, and what is asked for.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Turn {
    /// [`ItemState::Intended`] for a call that the cloud said it did not carry out: whoever is next sends it again.
    /// [`ItemState::Sent`] for one whose outcome is not waited for any more.
    pub outcomes: Vec<(ItemId, ItemState, Option<String>)>,
    /// Calls that can leave at once.
    pub most: usize,
    /// Calls of shared jobs of this cloud that may be under way at once, whoever makes them.
    pub cap: usize,
    /// The cloud wants fewer calls: everybody waits.
    pub wait: Option<JobWait>,
    /// Whatever else is marked as this one's was marked without its knowing, because the answer was lost: it never left,
    /// or its outcome is unknown, and whoever runs the job asks storage.
    pub renounces: bool,
    /// Nothing more is to be sent, and why: what waits is skipped, unless others send it.
    pub skip: Option<String>,
}

/// What a process was given.
#[derive(Debug, Clone, PartialEq)]
pub struct Dealt {
    /// What is wanted of the job; where that is not [`Wish::Run`] nothing was given.
    pub wish: Wish,
    /// Marked as sent: these calls leave now.
    pub taken: Vec<ItemId>,
    /// Of a hand: what they are about, and what storage held before. Whoever runs the job has read all of it.
    pub about: Vec<(Item, Option<Stored>)>,
    /// Calls that this process may have under way; `None` where it asked for nothing.
    pub share: Option<usize>,
    /// Whether more wait for their turn.
    pub rest: bool,
    /// Until when nobody sends.
    pub wait: Option<JobWait>,
    /// Processes that work on the job beside the one that runs it.
    pub hands: usize,
}

/// Who of those that work on a job is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RollCall {
    /// Somebody runs it.
    pub is_led: bool,
    /// Calls that were under way when their process died: the asker's now, which runs the job, to ask storage about.
    pub orphans: Vec<ItemId>,
}
