//! What every screen may look at and leave its news in, whatever it shows.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::app::effect::TaskId;
use crate::app::lock::Lock;
use crate::app::msg::Failure;
use crate::domain::confidence::Confidence;
use crate::domain::purge::Risk;
use crate::domain::time::{Moment, Timestamp};
use crate::ports::cloud::Quota;
use crate::screens::assets::rows::PendingNames;

/// What stays the same while the console runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setup {
    pub profile: String,
    pub cloud_name: String,
    pub risk: Risk,
    pub read_only: bool,
    pub loopback: bool,
    pub confidence: Confidence,
    /// This process as the journal names whoever tracks: `user@host pid`.
    pub me: String,
    /// A line for the first look, e.g. the demo's hint.
    pub banner: Option<String>,
}

/// What kind of news a toast is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tone {
    Plain,
    Good,
    Bad,
}

/// A line of news above the footer, gone after a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Toast {
    pub tone: Tone,
    pub text: String,
    pub hint: String,
    pub since: Moment,
    pub until: Moment,
}

/// How long news stay.
const TOAST: Duration = Duration::from_secs(6);
const TOAST_BAD: Duration = Duration::from_secs(30);
/// How long they need to be read.
const READ: Duration = Duration::from_secs(3);

/// What every screen may look at: time, size, set-up; and where it leaves its news.
#[derive(Debug, Clone)]
pub struct Env {
    pub setup: Setup,
    pub now: Timestamp,
    pub moment: Moment,
    pub size: (u16, u16),
    pub pending: PendingNames,
    /// What is left of the calls that the cloud allows, as it said last.
    pub quota: Option<Quota>,
    pub toast: Option<Toast>,
    pub lock: Lock,
    /// What the header said of it last.
    pub lock_shown: Option<String>,
    tasks: u64,
}

impl Env {
    #[must_use]
    pub const fn new(setup: Setup, now: Timestamp, moment: Moment, size: (u16, u16)) -> Self {
        let pending = PendingNames(BTreeMap::new());
        let lock = Lock::of(setup.risk);
        let (quota, toast, lock_shown) = (None, None, None);
        Self { setup, now, moment, size, pending, quota, toast, lock, lock_shown, tasks: 0 }
    }

    /// Whether orders are refused now.
    #[must_use]
    pub fn is_locked(&self) -> bool {
        self.lock.is_locked(self.moment)
    }

    /// A new id for a task.
    pub const fn task(&mut self) -> TaskId {
        self.tasks += 1;
        TaskId(self.tasks)
    }

    /// A key was pressed: news that could be read by now have done their work.
    pub fn read_toast(&mut self) {
        let seen = |toast: &Toast| self.moment.since(toast.since) >= READ;
        if self.toast.as_ref().is_some_and(seen) {
            self.toast = None;
        }
    }

    fn toast(&mut self, tone: Tone, text: String, hint: String) {
        let stays = if tone == Tone::Bad { TOAST_BAD } else { TOAST };
        self.toast =
            Some(Toast { tone, text, hint, since: self.moment, until: self.moment + stays });
    }

    pub fn say(&mut self, text: impl Into<String>) {
        self.toast(Tone::Plain, text.into(), String::new());
    }

    pub fn good(&mut self, text: impl Into<String>, hint: impl Into<String>) {
        self.toast(Tone::Good, text.into(), hint.into());
    }

    pub fn bad(&mut self, text: impl Into<String>, hint: impl Into<String>) {
        self.toast(Tone::Bad, text.into(), hint.into());
    }

    pub fn failed(&mut self, failure: &Failure) {
        self.bad(failure.headline.clone(), failure.hint.clone());
    }
}
