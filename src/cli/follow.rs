//! Waiting for the outcome of an invalidation: progress on standard error, the outcome on standard output.
//!
//! Judges nothing: it shows what the tracker publishes. Leaving early gives nothing up; the journal keeps the
//! invalidation open and `allclear watch ID` goes on.

use std::time::{Duration, Instant};

use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::fastly;
use super::json;
use super::order::Events;
use super::output::{Output, Role, columns};
use super::plan_text;
use super::signals::{Caught, Stop};
use super::words::span;
use crate::adapters::globalping::QuotaNow;
use crate::domain::id::InvalidationId;
use crate::domain::invalidation::{Ending, NotCovered, Outcome};
use crate::domain::snapshot::{Offer, Phase, PlaceState, WatchSnapshot};
use crate::domain::text::clean;
use crate::domain::time::{Timestamp, duration_ms};
use crate::domain::verdict::Verdict;
use crate::ports::clock::Clock;

/// Off a terminal a line of progress comes this often, and when the phase changes.
pub const OFF_TERMINAL_PACE: Duration = Duration::from_secs(10);

/// On a terminal the line moves this often at least.
const ON_TERMINAL_PACE: Duration = Duration::from_secs(1);

/// Cells that are listed when time is up; the rest is counted.
const LISTED: usize = 20;

/// What is waited for, and what is known of it already.
pub struct Follow<'a> {
    pub session: &'a Session,
    pub id: Option<InvalidationId>,
    /// Known from the plan; a snapshot knows them as well.
    pub not_covered: &'a [NotCovered],
    /// Items of the order that failed.
    pub failed: usize,
    pub started: Instant,
}

/// Why waiting ended.
enum End {
    Ended(Box<WatchSnapshot>),
    TimedOut,
    Interrupted(Caught),
    /// The tracker stopped: nobody tells us any more.
    Lost,
}

impl Follow<'_> {
    /// Waits for the end of `id`, at most `limit`.
    ///
    /// # Errors
    /// Only that nobody reads the output.
    pub async fn to_the_end(
        &self,
        id: InvalidationId,
        limit: Option<Duration>,
        mut events: Events,
        mut stop: Stop,
    ) -> Result<Exit, Failure> {
        let tracker = self.session.engine.tracker();
        let mut board = tracker.board();
        let mut lines = Lines::new(&self.session.output, &*self.session.engine.context().clock);
        let outcome = tracker.outcome(id);
        let deadline = tokio::time::sleep(limit.unwrap_or(Duration::MAX / 4));
        let pace = if self.session.output.live { ON_TERMINAL_PACE } else { OFF_TERMINAL_PACE };
        let mut pace = tokio::time::interval(pace);
        pace.reset(); // the first line comes with the first picture
        tokio::pin!(outcome, deadline);
        let end = loop {
            tokio::select! {
                biased;
                caught = stop.next() => break End::Interrupted(caught),
                ended = &mut outcome => match ended {
                    Some(last) => break End::Ended(Box::new((*last).clone())),
                    None => break End::Lost,
                },
                seen = events.recv() => if let Ok(event) = seen {
                    lines.event(id, &event)?;
                },
                changed = board.changed() => {
                    if changed.is_err() {
                        break End::Lost;
                    }
                    let now = board.borrow_and_update().get(id).cloned();
                    if let Some(now) = now {
                        lines.picture(&now)?;
                    }
                }
                _ = pace.tick() => {
                    lines.pace();
                    lines.quota(self.quota().as_ref());
                }
                () = &mut deadline => break End::TimedOut,
            }
        };
        while let Ok(event) = events.try_recv() {
            lines.event(id, &event)?;
        }
        self.session.output.wipe();
        let now = tracker.board().borrow().get(id).cloned();
        match end {
            End::Ended(last) => self.ended_with_evidence(&last).await,
            End::TimedOut => self.timed_out(id, limit.unwrap_or_default(), now.as_deref()),
            End::Interrupted(caught) => self.interrupted_at(caught, now.as_deref()),
            End::Lost => self.lost(now.as_deref()),
        }
    }

    /// A clear ending is told with what Fastly itself sees, where a token lets us ask.
    async fn ended_with_evidence(&self, last: &WatchSnapshot) -> Result<Exit, Failure> {
        let Session { engine, sources, output, .. } = self.session;
        let outcome = last.ended.as_ref().map(|ending| ending.outcome);
        let is_clear = matches!(
            outcome,
            Some(Outcome::AllClear | Outcome::ClearExcept | Outcome::SampledClear)
        );
        let known = match &sources.edge_check {
            Some(_) if is_clear => engine.context().journal.invalidation(last.id).await.ok(),
            _ => None,
        };
        let evidence = match known {
            Some(known) => fastly::evidence(sources, &known).await,
            None => Vec::new(),
        };
        if output.style.json {
            for seen in &evidence {
                output.event("fastly", seen.value())?;
                seen.warn(output);
            }
            return self.ended(last);
        }
        let exit = self.ended(last)?;
        let width = columns(rustix::stdio::stdout()).unwrap_or(usize::MAX);
        for seen in &evidence {
            seen.show(output, width)?;
        }
        Ok(exit)
    }

    /// Tests of the Globalping network, where it looks for us.
    fn quota(&self) -> Option<QuotaNow> {
        self.session.sources.globalping.as_ref().and_then(|network| network.quota().now())
    }

    /// The outcome of an invalidation that has ended.
    ///
    /// # Errors
    /// Only that nobody reads the output.
    pub fn ended(&self, last: &WatchSnapshot) -> Result<Exit, Failure> {
        let (outcome, sentence) = last.ended.as_ref().map_or_else(
            || (Outcome::GaveUp, last.sentence.clone()),
            |ending| (ending.outcome, ending.sentence.clone()),
        );
        let exit = Exit::of(outcome).with_failed_items(self.failed);
        let output = &self.session.output;
        if output.style.json {
            self.outcome_line(outcome.as_str(), exit, &sentence, Some(last), false)?;
        } else {
            let role = match outcome {
                Outcome::AllClear => Role::Good,
                Outcome::ClearExcept | Outcome::SampledClear | Outcome::Superseded => Role::Doubt,
                _ => Role::Bad,
            };
            output.line(&output.paint(role, &clean(&sentence)))?;
            self.details(last, outcome)?;
        }
        Ok(exit)
    }

    /// The outcome of one that has ended and of which no picture is left.
    ///
    /// # Errors
    /// Only that nobody reads the output.
    pub fn ended_unseen(&self, ending: &Ending) -> Result<Exit, Failure> {
        let exit = Exit::of(ending.outcome);
        let output = &self.session.output;
        if output.style.json {
            self.outcome_line(ending.outcome.as_str(), exit, &ending.sentence, None, false)?;
        } else {
            output.line(&clean(&ending.sentence))?;
            self.not_covered_lines(self.not_covered)?;
        }
        Ok(exit)
    }

    /// Returns on acceptance: whoever holds the lease next goes on.
    ///
    /// # Errors
    /// Only that nobody reads the output.
    pub fn left_to_others(&self, summary: &str) -> Result<Exit, Failure> {
        let exit = Exit::Done.with_failed_items(self.failed);
        let output = &self.session.output;
        if output.style.json {
            self.outcome_line("accepted", exit, summary, None, true)?;
        } else {
            output.line(summary)?;
            if let Some(id) = self.id {
                output.line(&format!("invalidation {id}"))?;
                output.say(&format!("not waited for; follow it with: allclear watch {id}"));
            }
            self.not_covered_lines(self.not_covered)?;
        }
        Ok(exit)
    }

    /// The order is done and there is nothing to watch.
    ///
    /// # Errors
    /// Only that nobody reads the output.
    pub fn nothing_to_watch(&self, summary: &str, accepted: usize) -> Result<Exit, Failure> {
        let (outcome, exit) = match (accepted, self.failed) {
            (0, failed) if failed > 0 => ("failed", Exit::Failed),
            (_, failed) => ("done", Exit::Done.with_failed_items(failed)),
        };
        let output = &self.session.output;
        if output.style.json {
            self.outcome_line(outcome, exit, summary, None, false)?;
        } else {
            output.line(summary)?;
            output.say("no invalidation was sent: caches go on serving the copies they have, up to 30 days");
        }
        Ok(exit)
    }

    /// Stopped by a signal while calls were in flight.
    ///
    /// # Errors
    /// Only that nobody reads the output.
    pub fn interrupted(&self, caught: Caught) -> Result<Exit, Failure> {
        self.interrupted_at(caught, None)
    }

    fn interrupted_at(&self, caught: Caught, now: Option<&WatchSnapshot>) -> Result<Exit, Failure> {
        let (word, exit) = (caught.word(), caught.exit());
        let sentence = match self.id {
            Some(id) => {
                format!("{word}; the journal keeps it open, go on with: allclear watch {id}")
            }
            None => format!("{word}; nothing is left to watch"),
        };
        self.ended_early("interrupted", exit, &sentence, now)
    }

    /// Some of it was not sent: the journal keeps it, for whoever goes on with the job.
    ///
    /// # Errors
    /// Only that nobody reads the output.
    pub fn job_left(
        &self,
        outcome: &'static str,
        exit: Exit,
        sentence: &str,
    ) -> Result<Exit, Failure> {
        self.ended_early(outcome, exit, sentence, None)
    }

    fn ended_early(
        &self,
        outcome: &'static str,
        exit: Exit,
        sentence: &str,
        now: Option<&WatchSnapshot>,
    ) -> Result<Exit, Failure> {
        let output = &self.session.output;
        if output.style.json {
            self.outcome_line(outcome, exit, sentence, now, self.id.is_some())?;
        } else {
            output.warn(sentence);
        }
        Ok(exit)
    }

    fn timed_out(
        &self,
        id: InvalidationId,
        limit: Duration,
        now: Option<&WatchSnapshot>,
    ) -> Result<Exit, Failure> {
        let output = &self.session.output;
        let (clear, total) = now.map_or((0, 0), WatchSnapshot::clear_of_total);
        let sentence = format!(
            "not clear after {}: {clear} of {total} cells are clear; it stays open, go on with: allclear watch {id}",
            span(limit)
        );
        if output.style.json {
            self.outcome_line("gave_up", Exit::NotClear, &sentence, now, true)?;
        } else {
            output.line(&output.paint(Role::Bad, &sentence))?;
            if let Some(now) = now {
                for line in outstanding(now) {
                    output.line(&line)?;
                }
                self.details(now, Outcome::GaveUp)?;
            }
        }
        Ok(Exit::NotClear)
    }

    fn lost(&self, now: Option<&WatchSnapshot>) -> Result<Exit, Failure> {
        let output = &self.session.output;
        let id = self.id.map(|id| id.to_string()).unwrap_or_default();
        let trouble = self.session.engine.tracker().board().borrow().trouble.clone();
        let why = trouble.unwrap_or_else(|| "the tracker stopped".to_owned());
        let sentence = format!("{why}; the journal keeps it open, go on with: allclear watch {id}");
        if output.style.json {
            self.outcome_line("gave_up", Exit::NotClear, &sentence, now, true)?;
        } else {
            output.line(&clean(&sentence))?;
        }
        Ok(Exit::NotClear)
    }

    /// What there is to know beside the sentence.
    fn details(&self, last: &WatchSnapshot, outcome: Outcome) -> Result<(), Failure> {
        let output = &self.session.output;
        for (state, word) in [
            (PlaceState::Unreachable, "never answered, left out"),
            (PlaceState::Excluded, "left out by the operator"),
        ] {
            let places = json::in_state(last, state);
            if !places.is_empty() {
                output.line(&format!("{word}: {}", places.join(", ")))?;
            }
        }
        if let Some(quota) = self.quota() {
            output.say(&quota.to_string());
        }
        for back in &last.regressions {
            let why = clean(&back.why);
            output.line(&format!(
                "regression at {}: {} ({why})",
                clean(&back.place.0),
                clean(&back.url)
            ))?;
        }
        if let Some(Offer::PurgeAgain { why }) = &last.offer
            && outcome != Outcome::AllClear
        {
            output.line(&format!("purging again may help: {}", clean(why)))?;
        }
        self.not_covered_lines(&last.not_covered)
    }

    fn not_covered_lines(&self, urls: &[NotCovered]) -> Result<(), Failure> {
        let output = &self.session.output;
        for line in plan_text::not_covered(urls) {
            output.line(&line)?;
        }
        if let Some(text) = self.service_request(urls) {
            output.line("the request to the service's support, ready to copy:")?;
            for line in text.lines() {
                output.line(&format!("    {}", clean(line)))?;
            }
        }
        Ok(())
    }

    fn service_request(&self, urls: &[NotCovered]) -> Option<String> {
        plan_text::service_request(&self.session.engine.context().account, urls)
    }

    fn outcome_line(
        &self,
        outcome: &'static str,
        exit: Exit,
        sentence: &str,
        snapshot: Option<&WatchSnapshot>,
        open: bool,
    ) -> Result<(), Failure> {
        let not_covered = snapshot.map_or(self.not_covered, |it| it.not_covered.as_slice());
        let value = json::Outcome {
            invalidation: self.id,
            word: outcome,
            exit_code: exit.code(),
            sentence,
            snapshot,
            not_covered,
            service_request: self.service_request(not_covered),
            open,
            failed: self.failed,
            duration_ms: snapshot.map_or_else(
                || duration_ms(self.started.elapsed()),
                |it| duration_ms(it.elapsed()),
            ),
            quota: self.quota(),
        };
        Ok(self.session.output.event("outcome", value.value())?)
    }
}

/// The outcome line of a stream that watched nothing.
///
/// # Errors
/// Only that nobody reads the output.
pub fn unwatched_outcome(
    output: &Output,
    outcome: &'static str,
    exit: Exit,
    sentence: &str,
    not_covered: &[NotCovered],
) -> Result<(), Failure> {
    let value = json::Outcome {
        invalidation: None,
        word: outcome,
        exit_code: exit.code(),
        sentence,
        snapshot: None,
        not_covered,
        service_request: None,
        open: false,
        failed: 0,
        duration_ms: 0,
        quota: None,
    };
    Ok(output.event("outcome", value.value())?)
}

/// What keeps a watch from being clear, in words.
fn outstanding(snapshot: &WatchSnapshot) -> Vec<String> {
    let mut lines: Vec<String> = json::blocking(snapshot)
        .take(LISTED)
        .map(|(place, url, cell)| {
            let verdict = cell.verdict.map_or("unseen", Verdict::as_str);
            let why = if cell.why.is_empty() {
                String::new()
            } else {
                format!(" ({})", clean(&cell.why))
            };
            format!("{verdict} at {}: {}{why}", clean(place), clean(url))
        })
        .collect();
    let more = json::blocking(snapshot).count().saturating_sub(LISTED);
    if more > 0 {
        lines.push(format!("… and {more} more"));
    }
    lines
}

/// Progress as it goes by.
struct Lines<'a> {
    output: &'a Output,
    clock: &'a dyn Clock,
    last: Option<(Phase, usize, usize, usize, bool)>,
    said: Option<Said>,
    /// That the tests of the hour are used up was said.
    spent: bool,
}

impl<'a> Lines<'a> {
    const fn new(output: &'a Output, clock: &'a dyn Clock) -> Self {
        Self { output, clock, last: None, said: None, spent: false }
    }

    fn event(
        &self,
        id: InvalidationId,
        event: &crate::ops::tracker::TrackerEvent,
    ) -> Result<(), Failure> {
        let (of, name, fields) = json::tracked(event);
        if of != id {
            return Ok(());
        }
        if self.output.style.json {
            self.output.event(name, fields)?;
        } else if let crate::ops::tracker::TrackerEvent::Regression { place, url, why, .. } = event
        {
            let why = clean(why);
            self.output.say(&format!("regression at {}: {} ({why})", clean(&place.0), clean(url)));
        }
        Ok(())
    }

    fn picture(&mut self, now: &WatchSnapshot) -> Result<(), Failure> {
        let (clear, total) = now.clear_of_total();
        let seen = (now.phase, now.reached(), clear, total, now.stuck);
        if self.last == Some(seen) {
            return Ok(());
        }
        let turned = self.last.is_none_or(|last| last.0 != now.phase || last.4 != now.stuck);
        self.last = Some(seen);
        let ended = now.phase == Phase::Ended; // the outcome is said in its own place
        self.said = (!ended).then(|| Said::of(now));
        if self.output.style.json {
            self.output.event("progress", json::progress(now))?;
        } else if self.output.live || turned {
            self.show();
        }
        Ok(())
    }

    /// Time has passed: a terminal sees the seconds, everybody else a line.
    fn pace(&self) {
        if !self.output.style.json {
            self.show();
        }
    }

    /// Says once that no more is asked of the public network, and once that it is asked again.
    fn quota(&mut self, quota: Option<&QuotaNow>) {
        let Some(quota) = quota else { return };
        let spent = quota.is_spent();
        if spent != self.spent && !self.output.style.json {
            let what = if spent { "not asked until there are more" } else { "asked again" };
            self.output.say(&format!("{quota}: {what}"));
        }
        self.spent = spent;
    }

    fn show(&self) {
        if let Some(said) = &self.said {
            self.output.progress(&said.text(self.clock.wall()));
        }
    }
}

/// What the last picture said; how long it has been is told when it is shown.
struct Said {
    since: Timestamp,
    words: String,
}

impl Said {
    fn of(now: &WatchSnapshot) -> Self {
        Self { since: now.started_at, words: clean(&now.state()).into_owned() }
    }

    fn text(&self, now: Timestamp) -> String {
        let elapsed = Duration::try_from(now.duration_since(self.since)).unwrap_or_default();
        format!("{} · {}", span(Duration::from_secs(elapsed.as_secs())), self.words)
    }
}
