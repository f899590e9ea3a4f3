//! Following an invalidation: a line when something changes, and none when nothing does.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::super::failure::Failure;
use super::super::plan_text;
use super::super::watch::is_id;
use super::input::Typed;
use super::{Plain, is_number};
use crate::domain::id::InvalidationId;
use crate::domain::purge::OrderTerms;
use crate::domain::secrets::masked;
use crate::domain::snapshot::{Phase, PlaceRow, PlaceState, WatchSnapshot};
use crate::domain::text::clean;

/// Changes within this time are one line.
const GATHER: Duration = Duration::from_secs(1);
/// Names of places in one line; the rest is counted.
const NAMED: usize = 6;

impl Plain {
    /// Follows what is named: a number, an ID, a URL, or the newest.
    pub(super) async fn watch(&mut self, what: Option<&str>) -> Result<(), Failure> {
        let id = match what {
            Some(url) if !is_number(url) && !is_id(url) => {
                let terms = OrderTerms {
                    command_line: format!("allclear watch {}", masked(url)),
                    ..OrderTerms::default()
                };
                let engine = Arc::clone(&self.engine);
                let begun =
                    self.wait("reading what storage holds", engine.watch_url(url, None, &terms));
                match begun.await.transpose()? {
                    Some(id) => id,
                    None => return Ok(()),
                }
            }
            other => self.invalidation(other).await?,
        };
        self.follow(id).await
    }

    /// Says what changes until it has ended, or until the operator has seen enough: the watch itself goes on.
    pub(super) async fn follow(&mut self, id: InvalidationId) -> Result<(), Failure> {
        self.output
            .line("watching; enter or Ctrl-C goes back to the prompt, and the watch goes on")?;
        let engine = Arc::clone(&self.engine);
        let mut board = engine.tracker().board();
        let outcome = engine.tracker().outcome(id);
        tokio::pin!(outcome);
        let mut seen = Seen::default();
        loop {
            tokio::select! {
                biased;
                last = &mut outcome => {
                    let Some(last) = last else {
                        return Ok(self.output.line("nobody tracks it any more; the journal keeps it")?);
                    };
                    self.told.insert(id);
                    return self.over(&last);
                }
                typed = self.input.next() => {
                    if let Typed::End(signal) = typed {
                        self.ended = Some(signal);
                    }
                    return Ok(self.output.line("it goes on; `watch` comes back to it")?);
                }
                changed = board.changed() => {
                    if changed.is_err() {
                        return Ok(self.output.line("the tracker stopped; the journal keeps it")?);
                    }
                    let now = board.borrow_and_update().get(id).cloned();
                    for line in now.iter().flat_map(|now| seen.changes(now)) {
                        self.output.line(&line)?;
                    }
                    // what comes in the next moment is gathered into the line after
                    if now.is_some_and(|now| now.phase != Phase::Ended) {
                        tokio::time::sleep(GATHER).await;
                    }
                }
            }
        }
    }

    fn over(&self, last: &WatchSnapshot) -> Result<(), Failure> {
        let sentence =
            last.ended.as_ref().map_or(last.sentence.as_str(), |it| it.sentence.as_str());
        self.output.line(&clean(sentence))?;
        let left_out: Vec<&str> = last
            .places
            .iter()
            .filter(|place| matches!(place.state, PlaceState::Unreachable | PlaceState::Excluded))
            .map(|place| place.id.0.as_str())
            .collect();
        if !left_out.is_empty() {
            self.output.line(&format!("left out: {}", clean(&left_out.join(", "))))?;
        }
        for line in plan_text::not_covered(&last.not_covered) {
            self.output.line(&line)?;
        }
        Ok(())
    }

    /// Sends an invalidation again.
    pub(super) async fn again(&mut self, what: &str) -> Result<(), Failure> {
        let id = self.invalidation(Some(what)).await?;
        let yes = |typed: &str| matches!(typed, "y" | "yes" | "Yes");
        if self
            .ask("Send the invalidation again? Type yes, anything else leaves it: ", yes)
            .await?
            .is_none()
        {
            return Ok(self.output.line("nothing was sent")?);
        }
        let engine = Arc::clone(&self.engine);
        let sent = self.wait("sending it again", engine.tracker().purge_again(id)).await;
        match sent.transpose()? {
            Some(()) => Ok(self.output.line("sent again; the proof starts anew")?),
            None => Ok(()),
        }
    }

    /// Gives a watch up.
    pub(super) async fn abandon(&mut self, what: &str) -> Result<(), Failure> {
        let id = self.invalidation(Some(what)).await?;
        let yes = |typed: &str| matches!(typed, "y" | "yes" | "Yes");
        let question = "Give this watch up? It ends unproven. Type yes, anything else leaves it: ";
        if self.ask(question, yes).await?.is_none() {
            return Ok(self.output.line("it goes on")?);
        }
        let engine = Arc::clone(&self.engine);
        match self.wait("giving it up", engine.tracker().abandon(id)).await.transpose()? {
            Some(()) => Ok(self.output.line("given up")?),
            None => Ok(()),
        }
    }
}

/// What was said of a watch so far.
#[derive(Default)]
struct Seen {
    phase: Option<Phase>,
    stuck: bool,
    regressions: usize,
    /// Whether a place was clear.
    clear: BTreeMap<String, bool>,
}

impl Seen {
    /// Lines for what is new in a picture.
    fn changes(&mut self, now: &WatchSnapshot) -> Vec<String> {
        let mut lines = Vec::new();
        let is_clear = |place: &PlaceRow| place.cells > 0 && place.clear == place.cells;
        let answering = || now.places.iter().filter(|place| place.state == PlaceState::Answering);
        let mut turned: [Vec<String>; 2] = [Vec::new(), Vec::new()];
        for place in answering() {
            let name = named(place);
            let before = self.clear.insert(name.clone(), is_clear(place)).unwrap_or(false);
            if before != is_clear(place) {
                turned[usize::from(before)].push(name);
            }
        }
        let (all, done) =
            (answering().count(), answering().filter(|place| is_clear(place)).count());
        let [cleared, back] = turned;
        if !cleared.is_empty() {
            lines.push(format!("clear: {}; {done} of {all} places", listed(&cleared)));
        }
        if !back.is_empty() {
            lines.push(format!("not clear any more: {}; {done} of {all} places", listed(&back)));
        }
        for regression in now.regressions.iter().skip(self.regressions) {
            let (place, why) = (clean(&regression.place.0), clean(&regression.why));
            lines.push(format!("regression at {place}: {} ({why})", clean(&regression.url)));
        }
        self.regressions = now.regressions.len();
        let turned = self.phase != Some(now.phase) || self.stuck != now.stuck;
        if turned && now.phase != Phase::Ended {
            lines.push(clean(&now.state()).into_owned());
        }
        (self.phase, self.stuck) = (Some(now.phase), now.stuck);
        lines
    }
}

fn named(place: &PlaceRow) -> String {
    let city = place.city.as_deref().map(|city| format!(" ({})", clean(city)));
    format!("{}{}", clean(&place.id.0), city.unwrap_or_default())
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_of_places_are_counted() {
        let names: Vec<String> = (0..9).map(|n| format!("P{n}")).collect();
        assert_eq!(listed(&names[..2]), "P0, P1");
        assert_eq!(listed(&names), "P0, P1, P2, P3, P4, P5 and 3 more");
    }
}
