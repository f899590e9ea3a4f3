//! What the console did last, for the debug overlay: what was asked of the world, how long answers took, what frames
//! cost.

use std::collections::VecDeque;
use std::time::Duration;

use super::effect::Effect;
use super::msg::Msg;
use crate::domain::time::{Moment, Timestamp};

/// So many entries are kept.
const KEPT: usize = 200;

/// Something asked of the world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    pub what: &'static str,
    pub at: Timestamp,
    since: Moment,
    pub took: Option<Duration>,
}

/// Facts of the last frames and requests.
#[derive(Debug, Clone, Default)]
pub struct DebugLog {
    /// Newest last.
    pub asked: VecDeque<Asked>,
    pub frames: u64,
    /// To build and hand over the last frame.
    pub frame_cost: Duration,
    pub frame_bytes: usize,
    pub messages: u64,
    /// Facts about the terminal and this program that do not change: name and value, cleaned.
    pub about: Vec<(&'static str, String)>,
}

impl DebugLog {
    /// Notes what is asked.
    pub fn ask(&mut self, effect: &Effect, at: Timestamp, since: Moment) {
        let Some(what) = name_of(effect) else { return };
        if self.asked.len() == KEPT {
            self.asked.pop_front();
        }
        self.asked.push_back(Asked { what, at, since, took: None });
    }

    /// Notes an answer: the eldest question of its kind is answered.
    pub fn answer(&mut self, msg: &Msg, now: Moment) {
        self.messages += 1;
        let what = questions_of(msg);
        let open = self.asked.iter_mut().find(|it| what.contains(&it.what) && it.took.is_none());
        if let Some(asked) = open {
            asked.took = Some(now.since(asked.since));
        }
    }

    /// Notes a frame.
    pub const fn frame(&mut self, cost: Duration, bytes: usize) {
        self.frames += 1;
        (self.frame_cost, self.frame_bytes) = (cost, bytes);
    }
}

const fn name_of(effect: &Effect) -> Option<&'static str> {
    Some(match effect {
        Effect::List { .. } => "list assets",
        Effect::Folders { .. } => "read folders",
        Effect::ReadCopy { .. } => "copy of the list",
        Effect::Arrange { .. } => "filter and sort",
        Effect::Show { .. } => "read an asset",
        Effect::Resolve { .. } => "resolve a name",
        Effect::Plan { .. } => "plan an order",
        Effect::Execute { .. } => "carry an order out",
        Effect::ReadJournal => "read invalidations",
        Effect::ReadActivity => "read the trail",
        Effect::ReadJobs => "read jobs",
        Effect::AssetHistory { .. } => "read an asset's history",
        Effect::Look { .. } => "look from every place",
        Effect::Picture { .. } | Effect::Compare { .. } => "load a picture",
        Effect::JobItems { .. } => "read what was not done",
        Effect::RetryJob(_) => "gather what was not done",
        Effect::Report(_) => "write a report",
        Effect::Undo(_) => "gather what undoes it",
        Effect::Evidence { .. } => "read sightings",
        Effect::WatchUrl { .. } => "begin a watch",
        Effect::Abandon(_) | Effect::Exclude { .. } | Effect::PurgeAgain(_) => "tell the tracker",
        _ => return None,
    })
}

/// What a message may be the answer to.
const fn questions_of(msg: &Msg) -> &'static [&'static str] {
    match msg {
        Msg::Listed { .. } => &["list assets"],
        Msg::Folders { .. } => &["read folders"],
        Msg::Copied { .. } => &["copy of the list"],
        Msg::Arranged { .. } => &["filter and sort"],
        Msg::Shown { .. } => &["read an asset"],
        Msg::Resolved { .. } => &["resolve a name"],
        Msg::Planned { .. } => &["plan an order"],
        Msg::Executed { .. } => &["carry an order out"],
        Msg::Journal { .. } => &["read invalidations"],
        Msg::Activity(_) => &["read the trail"],
        Msg::Jobs(_) => &["read jobs"],
        Msg::AssetHistory { .. } => &["read an asset's history"],
        Msg::Looked { .. } => &["look from every place"],
        Msg::Picture { .. } | Msg::Compared { .. } => &["load a picture"],
        Msg::JobItems { .. } => &["read what was not done"],
        Msg::Retry(_) => &["gather what was not done"],
        Msg::Undo(_) => &["gather what undoes it"],
        Msg::Evidence { .. } => &["read sightings"],
        Msg::Watching(_) => &["begin a watch"],
        Msg::Told { .. } => &["tell the tracker", "write a report"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_find_their_questions_and_the_log_is_bounded() {
        let mut log = DebugLog::default();
        let at = |secs| Moment::from_origin(Duration::from_secs(secs));
        let now = crate::screens::testing::noon();
        log.ask(&Effect::Report(crate::domain::id::InvalidationId::new()), now, at(1));
        log.answer(&Msg::Told { done: String::new(), result: Ok(()) }, at(2));
        assert_eq!(log.asked.pop_front().unwrap().took, Some(Duration::from_secs(1)));
        log.ask(&Effect::ReadActivity, now, at(1));
        log.answer(&Msg::Activity(Ok((Vec::new(), Vec::new()))), at(3));
        assert_eq!(log.asked[0].took, Some(Duration::from_secs(2)));
        for _ in 0..1_000 {
            log.ask(&Effect::ReadJournal, now, at(4));
        }
        assert_eq!(log.asked.len(), KEPT);
    }
}
