//! `allclear track`: no screen; tracks what is open and goes on with what was interrupted, until it is stopped.
//!
//! Any number of them share a journal: the lease of each invalidation and job says who has it. What it takes up, gives
//! back and ends is said line by line, for a log.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;

use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::json as shape;
use super::output::Output;
use super::signals::Stop;
use super::words::count;
use crate::domain::id::InvalidationId;
use crate::domain::purge::Risk;
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::text::clean;
use crate::ops::tracker::Board;
use crate::ports::journal::Reach;

#[derive(Debug, clap::Args)]
pub struct Track {
    /// Name of the cloud: goes on with interrupted jobs of a production profile as well
    #[arg(long, value_name = "WORD")]
    pub confirm: Option<String>,
}

/// Tracks until a signal says that it is enough; what is held then is given back, for others to take up at once.
///
/// # Errors
/// A word that is not the name of the cloud; nobody reads the output.
pub async fn run(session: &Session, args: &Track) -> Result<Exit, Failure> {
    let context = session.engine.context();
    let output = &session.output;
    match &args.confirm {
        Some(word) if word.trim() != context.account.cloud_name => {
            return Err(Failure::usage(
                "that is not the name of the cloud".to_owned(),
                "give --confirm with the name of the cloud, or leave it out: then jobs wait",
            ));
        }
        None if context.policy.risk == Risk::Production => {
            output
                .say("interrupted jobs wait: a production profile needs --confirm CLOUD for them");
        }
        _ => {}
    }
    let mut stop = Stop::listen();
    let mut board = session.engine.tracker().board();
    let mut told = Told { output, held: BTreeMap::new(), gone: false };
    told.start(&clean(&context.journal.location()), &context.account.cloud_name)?;
    let mut unlocked = tokio::time::interval(crate::ops::guard::UNLOCKED_FOR / 2);
    loop {
        let now = Arc::clone(&board.borrow_and_update());
        told.now(&now)?;
        tokio::select! {
            biased;
            caught = stop.next() => {
                told.end(caught.word())?;
                return Ok(Exit::Done);
            }
            changed = board.changed() => if changed.is_err() {
                return Err(Failure::failed("the tracker stopped".to_owned(), "the log has the details; start it again"));
            },
            _ = unlocked.tick() => if let Some(word) = &args.confirm {
                session.engine.unlock(word)?;
            },
        }
    }
}

/// What was said so far.
struct Told<'a> {
    output: &'a Output,
    /// What is held, with its label.
    held: BTreeMap<InvalidationId, String>,
    gone: bool,
}

impl Told<'_> {
    fn start(&self, journal: &str, cloud: &str) -> Result<(), Failure> {
        if self.output.style.json {
            self.output.event("tracking", json!({ "journal": journal, "cloud": clean(cloud) }))?;
        } else {
            self.output.line(&format!("tracks {} on {journal}", clean(cloud)))?;
        }
        Ok(())
    }

    /// Says what is new on the board.
    fn now(&mut self, board: &Board) -> Result<(), Failure> {
        let gone = match &board.reach {
            Reach::Gone { detail } => Some(clean(detail).into_owned()),
            Reach::Here | Reach::Reached { .. } => None,
        };
        if gone.is_some() != std::mem::replace(&mut self.gone, gone.is_some()) {
            self.output.warn(&match gone {
                Some(why) => format!(
                    "the journal is gone: {why}; nothing is probed or sent until it is back"
                ),
                None => "the journal is back".to_owned(),
            });
        }
        for id in &board.held {
            let Some(watch) = board.get(*id) else { continue };
            if !self.held.contains_key(id) {
                self.held.insert(*id, watch.label.clone());
                self.event(
                    "taken_up",
                    *id,
                    &watch.label,
                    &format!("{} by {}", watch.verb.as_str(), clean(&watch.by)),
                )?;
            }
        }
        let left = self.held.keys().filter(|id| !board.held.contains(id)).copied();
        for id in left.collect::<Vec<_>>() {
            let label = self.held.remove(&id).unwrap_or_default();
            match board.get(id).filter(|watch| watch.ended.is_some()) {
                Some(ended) => self.ended(ended)?,
                None => self.event("handed_over", id, &label, "another process tracks it now")?,
            }
        }
        Ok(())
    }

    fn ended(&self, watch: &WatchSnapshot) -> Result<(), Failure> {
        let word = watch.ended.as_ref().map_or("ended", |ending| ending.outcome.as_str());
        self.event("ended", watch.id, &watch.label, &format!("{word}: {}", watch.sentence))
    }

    fn event(
        &self,
        event: &str,
        id: InvalidationId,
        label: &str,
        words: &str,
    ) -> Result<(), Failure> {
        if self.output.style.json {
            let fields = json!({
                "at": shape::time(crate::ports::clock::Clock::wall(&crate::adapters::system_clock::SystemClock)),
                "invalidation": id.to_string(),
                "asset": label,
                "message": words,
                "held": self.held.len(),
            });
            self.output.event(event, fields)?;
        } else {
            let event = event.replace('_', " ");
            self.output.line(&format!("{event} {id} {label}: {words}"))?;
        }
        Ok(())
    }

    fn end(&self, why: &str) -> Result<(), Failure> {
        if self.output.style.json {
            self.output.event(
                "outcome",
                json!({ "reason": why, "held": self.held.len(), "exit_code": 0 }),
            )?;
        } else {
            self.output
                .line(&format!("{why}: gives {} back", count(self.held.len(), "invalidation")))?;
        }
        Ok(())
    }
}
