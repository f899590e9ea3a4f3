//! How old is what the screen shows: live, read at a time, or held still; and when the journal is asked again.
//!
//! Times of day stand still where ages would tick: a console that has nothing new to say writes nothing. Only what is
//! getting old says its age, in steps that grow.

use std::time::Duration;

use super::action::Screen;
use super::msg::Failure;
use super::state::{App, Tracked};
use crate::domain::job::{ActRow, JobRow};
use crate::domain::time::Timestamp;
use crate::ports::journal::ActivityRow;
use crate::ui::text;

/// Whether something happened in the journal is asked this often, where it is on screen and somebody looks.
pub(super) const PULSE_EVERY: Duration = Duration::from_secs(5);

/// Ages that are told; younger ones are not.
const STEPS: [u64; 10] = [5, 10, 15, 30, 60, 2 * 60, 4 * 60, 8 * 60, 12 * 60, 24 * 60];
/// From this age on, what is shown may mislead.
const OLD: Duration = Duration::from_secs(15 * 60);

/// How old is what the screen shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Freshness {
    /// Nothing is shown whose age matters.
    Nothing,
    /// It follows what happens.
    Live,
    ReadAt(Timestamp),
    /// Held still by the operator since then.
    Paused(Timestamp),
}

/// Orders, and what was done to jobs and profiles beside them.
type Trail = (Vec<ActivityRow>, Vec<ActRow>);

/// What is live stands still; what comes meanwhile is kept for later.
#[derive(Debug, Clone)]
pub struct Pause {
    pub since: Timestamp,
    pub(super) activity: Option<Result<Trail, Failure>>,
    pub(super) jobs: Option<Result<Vec<JobRow>, Failure>>,
}

impl Pause {
    /// From `now` on.
    #[must_use]
    pub const fn from(now: Timestamp) -> Self {
        Self { since: now, activity: None, jobs: None }
    }
}

impl Freshness {
    /// In words, and whether they are a warning; nothing where there is nothing to say.
    #[must_use]
    pub fn words(self, now: Timestamp) -> Option<(String, bool)> {
        match self {
            Self::Nothing => None,
            Self::Live => Some(("live".to_owned(), false)),
            Self::Paused(at) => Some((format!("paused {}", clock(at, now)), true)),
            Self::ReadAt(at) => {
                let age = age(at, now);
                let told = step_of(age).map(|step| format!(", {} old", text::age(step)));
                let words = format!("read {}{}", clock(at, now), told.unwrap_or_default());
                Some((words, age >= OLD))
            }
        }
    }

    /// When the words change by themselves.
    #[must_use]
    pub fn changes_in(self, now: Timestamp) -> Option<Duration> {
        let Self::ReadAt(at) = self else { return None };
        let age = age(at, now);
        let next = STEPS.into_iter().map(minutes).find(|step| *step > age);
        Some(next.unwrap_or(age + minutes(24 * 60)).saturating_sub(age))
    }
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

fn age(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(now.duration_since(at)).unwrap_or_default()
}

/// The age as it is told.
fn step_of(age: Duration) -> Option<Duration> {
    let last = *STEPS.last()?;
    if age >= minutes(last) {
        return Some(minutes(last * (age.as_secs() / (60 * last))));
    }
    STEPS.into_iter().rev().map(minutes).find(|step| *step <= age)
}

/// The time of day, with the date where it was another day; UTC as everywhere.
fn clock(at: Timestamp, now: Timestamp) -> String {
    let same_day = at.strftime("%F").to_string() == now.strftime("%F").to_string();
    at.strftime(if same_day { "%H:%M:%S" } else { "%b %d %H:%M" }).to_string()
}

impl App {
    /// How old is what the screen shows.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        let is_live = !matches!(self.screen, Screen::Assets);
        if let (Some(pause), true) = (&self.pause, is_live) {
            return Freshness::Paused(pause.since);
        }
        match self.screen {
            Screen::Assets if self.assets.rows.is_empty() => Freshness::Nothing,
            Screen::Assets => self
                .assets
                .copied_at
                .or(self.assets.loaded_at)
                .map_or(Freshness::Nothing, Freshness::ReadAt),
            Screen::Watch => match self.watched() {
                Some(tracked) if tracked.ended.is_some() => Freshness::Nothing,
                Some(tracked) if self.board.get(tracked.id).is_some() => Freshness::Live,
                Some(_) => self.of_the_journal(),
                None => Freshness::Nothing,
            },
            Screen::Pending | Screen::Jobs | Screen::Activity => self.of_the_journal(),
        }
    }

    fn of_the_journal(&self) -> Freshness {
        match self.journal_at {
            Some(_) if self.follows_the_journal() => Freshness::Live,
            Some(at) => Freshness::ReadAt(at),
            None => Freshness::Nothing,
        }
    }

    /// Whether the journal answers, and is asked: not while the window is known to be out of focus.
    fn follows_the_journal(&self) -> bool {
        self.focused != Some(false) && self.journal_failure.is_none()
    }

    /// Now, or when what is shown was held still.
    #[must_use]
    pub fn shown_now(&self) -> Timestamp {
        self.pause.as_ref().map_or(self.env.now, |pause| pause.since)
    }

    /// The invalidation on the Watch screen.
    #[must_use]
    pub fn watched(&self) -> Option<&Tracked> {
        self.watch.id.and_then(|id| self.tracked.iter().find(|tracked| tracked.id == id))
    }

    /// Whether the Watch screen shows what another process tracks: its pictures come through the journal.
    #[must_use]
    pub(super) fn watches_anothers(&self) -> bool {
        let elsewhere = |it: &Tracked| it.ended.is_none() && self.board.get(it.id).is_none();
        self.screen == Screen::Watch && self.watched().is_some_and(elsewhere)
    }

    /// When the journal is to be asked again because others work on it as well.
    pub(super) fn asks_the_journal_in(&self) -> Option<Duration> {
        if self.pause.is_some() {
            return None;
        }
        let since =
            |at: Option<crate::domain::time::Moment>| self.env.moment.since(at.unwrap_or_default());
        let read = since(self.journal_read_at);
        let unsettled = self.screen == Screen::Activity && self.activity.is_unsettled(self.env.now);
        if unsettled {
            return Some(super::update::JOURNAL_EVERY.saturating_sub(read));
        }
        let listed = matches!(self.screen, Screen::Pending | Screen::Jobs | Screen::Activity);
        (listed && self.focused != Some(false) && !self.board.listens)
            .then(|| PULSE_EVERY.saturating_sub(read.min(since(self.pulse_asked_at))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_795_348_800 + 60 * minutes).unwrap()
    }

    #[test]
    fn a_fresh_list_says_when_and_an_old_one_how_old() {
        let said = |now| Freshness::ReadAt(at(0)).words(at(now)).unwrap();
        let clock = at(0).strftime("%H:%M:%S").to_string();
        assert_eq!(said(0), (format!("read {clock}"), false));
        assert_eq!(said(4), (format!("read {clock}"), false));
        assert_eq!(said(7), (format!("read {clock}, 5 min old"), false));
        assert_eq!(said(16), (format!("read {clock}, 15 min old"), true));
        assert_eq!(Freshness::Live.words(at(0)), Some(("live".to_owned(), false)));
        assert_eq!(Freshness::Nothing.words(at(0)), None);
        assert!(Freshness::ReadAt(at(0)).words(at(3 * 24 * 60)).unwrap().0.ends_with("3 d old"));
    }

    #[test]
    fn words_change_rarely() {
        let next = |now| Freshness::ReadAt(at(0)).changes_in(at(now)).unwrap();
        assert_eq!(next(0), minutes(5));
        assert_eq!(next(5), minutes(5));
        assert_eq!(next(31), minutes(29));
        assert!(next(3 * 24 * 60) >= minutes(60));
        assert_eq!(Freshness::Live.changes_in(at(0)), None);
        assert_eq!(Freshness::Paused(at(0)).changes_in(at(0)), None);
    }
}
