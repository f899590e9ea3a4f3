//! `allclear track`: no screen; tracks what is open and goes on with what was interrupted, until it is stopped.
//!
//! Any number of them share a journal: the lease of each invalidation and job says who has it. What it takes up, gives
//! back and ends is said line by line, for a log.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::json;
use tokio_util::sync::CancellationToken;

use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::json as shape;
use super::output::Output;
use super::signals::Stop;
use super::words::count;
use crate::adapters::http_prober::HttpProber;
use crate::adapters::team_places::Contribution;
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
    /// Look from this host on behalf of everybody, as the place of this name (letters, digits, `.`, `-`, `_`)
    #[arg(long, value_name = "NAME", value_parser = place_name)]
    pub place: Option<String>,
}

/// Longest name of a place.
const NAME: usize = 32;

fn place_name(typed: &str) -> Result<String, String> {
    let fits = typed.chars().all(|it| it.is_ascii_alphanumeric() || ".-_".contains(it));
    match typed.chars().count() {
        1..=NAME if fits => Ok(typed.to_owned()),
        _ => Err(format!("a name has 1 to {NAME} of letters, digits, `.`, `-` and `_`")),
    }
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
    let contribution = match &args.place {
        Some(name) => Some(contribute(session, name).await?),
        None => None,
    };
    let mut stop = Stop::listen();
    let mut board = session.engine.tracker().board();
    let mut told = Told { output, held: BTreeMap::new(), gone: false };
    let place = args.place.as_deref();
    told.start(&clean(&context.journal.location()), &context.account.cloud_name, place)?;
    let enough = CancellationToken::new();
    let looking = contribution.map(|looks| {
        let enough = enough.clone();
        tokio::spawn(async move { looks.serve(enough.cancelled_owned()).await })
    });
    let mut unlocked = tokio::time::interval(crate::ops::guard::UNLOCKED_FOR / 2);
    let ended = loop {
        let now = Arc::clone(&board.borrow_and_update());
        told.now(&now)?;
        tokio::select! {
            biased;
            caught = stop.next() => {
                told.end(caught.word())?;
                break Ok(Exit::Done);
            }
            changed = board.changed() => if changed.is_err() {
                break Err(Failure::failed("the tracker stopped".to_owned(), "the log has the details; start it again"));
            },
            _ = unlocked.tick() => if let Some(word) = &args.confirm {
                session.engine.unlock(word)?;
            },
        }
    };
    enough.cancel();
    if let Some(looking) = looking {
        looking.await.ok(); // it has said why
    }
    ended
}

/// Announces the place that this host is.
async fn contribute(session: &Session, name: &str) -> Result<Contribution, Failure> {
    let Some(team) = session.sources.team.clone() else {
        return Err(Failure::usage(
            "a place is looked from on behalf of a team, and this journal is a file".to_owned(),
            "give --journal postgres://…, or leave --place out: this host is looked from anyway",
        ));
    };
    let context = session.engine.context();
    let clock = Arc::clone(&team.clock);
    let prober = Arc::new(HttpProber::new(clock));
    let (member, local) = (context.member.id, context.policy.loopback);
    context.journal.join(&context.member, context.clock.wall()).await?;
    let looks = Contribution::new(team, name.to_owned(), member, prober, local);
    if looks.announce().await? {
        return Ok(looks);
    }
    Err(Failure::usage(
        format!("another worker looks from {name}"),
        "choose another name; one that is gone frees its name within seconds",
    ))
}

/// What was said so far.
struct Told<'a> {
    output: &'a Output,
    /// What is held, with its label.
    held: BTreeMap<InvalidationId, String>,
    gone: bool,
}

impl Told<'_> {
    fn start(&self, journal: &str, cloud: &str, place: Option<&str>) -> Result<(), Failure> {
        if self.output.style.json {
            let fields = json!({ "journal": journal, "cloud": clean(cloud), "place": place });
            self.output.event("tracking", fields)?;
        } else {
            let place = place.map(|name| format!(", and looks as {name}")).unwrap_or_default();
            self.output.line(&format!("tracks {} on {journal}{place}", clean(cloud)))?;
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
