//! The console line by line, without redraws: for screen readers, for plain terminals, for logs of a session.
//!
//! A front end over the same engine as the console; plans are told in the console's own words. The terminal edits
//! and echoes lines by itself, nothing is ever written over, and what happens meanwhile is said before the next
//! prompt. Judges nothing.

mod asked;
mod input;
mod jobs;
mod list;
mod orders;
mod own;
mod watching;

use std::collections::BTreeSet;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use super::args::{Globals, Kind, Report, ReportFormat};
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Gone, Output, Style};
use super::words::count;
use super::{report, show};
use crate::config::Env;
use crate::domain::asset::AssetKey;
use crate::domain::id::{InvalidationId, OperationId};
use crate::domain::job::ActKind;
use crate::domain::snapshot::WatchSnapshot;
use crate::domain::text::clean;
use crate::ops::{Context, Engine};
use crate::ports::cloud::ListQuery;
use asked::{Asked, Refusal};
use input::{Input, Typed};
use list::List;
pub use own::OwnCommands;

/// Assets that one question to the cloud brings.
const PAGE: u16 = 500;
/// Ended invalidations that are listed.
const HISTORY: u32 = 20;
/// The tracker gets this long to write what it knows and to release its leases.
const FAREWELL: Duration = Duration::from_secs(5);

/// Why the console goes line by line; `None`: it is drawn.
#[must_use]
pub fn wanted(globals: &Globals, env: &Env) -> Option<&'static str> {
    if globals.plain {
        return Some("line by line, as asked for");
    }
    if env.get("ACCESSIBLE").is_some_and(|value| value != "0") {
        return Some("line by line, because ACCESSIBLE is set");
    }
    (env.get("TERM") == Some("dumb"))
        .then_some("line by line, because TERM is dumb; set TERM to what your terminal is for the drawn console")
}

/// The console of one profile, line by line.
struct Plain {
    engine: Arc<Engine>,
    output: Output,
    input: Input,
    list: List,
    /// What `pending` said last; a row's number is its place here, from 1.
    numbered: Vec<InvalidationId>,
    /// What `jobs` said last, likewise.
    jobs: Vec<OperationId>,
    /// Ended watches that were told, or were over before we came.
    told: BTreeSet<InvalidationId>,
    own: OwnCommands,
    /// A signal, or the end of the input: everything ends.
    ended: Option<Exit>,
}

/// Whether the prompt comes again.
type Next = Result<bool, Failure>;

/// Runs the console until the operator has had enough.
///
/// # Errors
/// Signals cannot be listened to.
pub async fn run(
    context: Context,
    globals: &Globals,
    own: OwnCommands,
    (why, banner): (&str, Option<&str>),
) -> Result<Exit, Failure> {
    let style = Style { json: false, quiet: false, color: false, ascii: globals.ascii };
    let mut output = Output::new("console", style);
    output.live = false; // no line is ever written over
    let input = Input::listen().map_err(|cause| {
        Failure::failed(format!("cannot listen to signals: {cause}"), "use the commands instead")
    })?;
    let engine = Arc::new(Engine::start_working(context));
    let mut plain = Plain {
        engine: Arc::clone(&engine),
        output,
        input,
        list: List::resources(crate::domain::asset::ResourceType::default(), None),
        numbered: Vec::new(),
        jobs: Vec::new(),
        told: BTreeSet::new(),
        own,
        ended: None,
    };
    let result = Box::pin(plain.talk(why, banner)).await;
    if tokio::time::timeout(FAREWELL, engine.shutdown()).await.is_err() {
        tracing::warn!("the tracker did not end in time; its leases run out by themselves");
    }
    result
}

impl Plain {
    async fn talk(&mut self, why: &str, banner: Option<&str>) -> Result<Exit, Failure> {
        let context = self.engine.context();
        let policy = &context.policy;
        let read_only = if policy.read_only { ", read-only" } else { "" };
        let hello = format!(
            "allclear, {why}. Profile {}, cloud {}, risk {}{read_only}.",
            clean(&policy.profile),
            clean(&context.scope.cloud_name),
            policy.risk.as_str(),
        );
        self.output.line(&hello)?;
        if let Some(banner) = banner {
            self.output.line(&clean(banner))?;
        }
        let pending = self.engine.pending().await?;
        if !pending.is_empty() {
            self.output.line(&format!(
                "{} pending; `pending` lists what is not clear yet.",
                pending.len()
            ))?;
        }
        self.output.line("Type help for the commands, quit to leave.")?;
        let mut interrupted = false;
        loop {
            self.news()?;
            if let Some(exit) = self.ended {
                return Ok(exit);
            }
            self.output.prompt("allclear> ")?;
            match self.input.next().await {
                Typed::Line(line) => {
                    interrupted = false;
                    match Box::pin(self.answer(&line)).await {
                        Ok(true) => {}
                        Ok(false) => return Ok(Exit::Done),
                        Err(Failure::Gone) => return Err(Failure::Gone),
                        Err(failure) => self.trouble(&failure)?,
                    }
                }
                Typed::Interrupt if interrupted => return Ok(Exit::Interrupted),
                Typed::Interrupt => {
                    interrupted = true;
                    self.output.line("")?;
                    self.output
                        .line("Ctrl-C again, or quit, leaves; watches go on at the next start.")?;
                }
                Typed::End(signal) => {
                    self.ended = Some(signal);
                    let _ = self.output.line(""); // the terminal may be gone
                }
            }
        }
    }

    /// What went wrong, with the next step.
    fn trouble(&self, failure: &Failure) -> Result<(), Gone> {
        let Some(report) = failure.report() else { return Ok(()) };
        report.to_string().lines().try_for_each(|line| self.output.line(line))
    }

    /// Watches that have ended since the last prompt.
    fn news(&mut self) -> Result<(), Gone> {
        let board = self.engine.tracker().board().borrow().clone();
        for watch in &board.watches {
            if let Some(ending) = &watch.ended
                && self.told.insert(watch.id)
            {
                let what = format!("{} {}", watch.verb.as_str(), clean(&watch.label));
                self.output.line(&format!("News: {what}: {}", clean(&ending.sentence)))?;
            }
        }
        Ok(())
    }

    /// Waits, and says so where it takes long; `None`: the operator gave it up, or everything ends.
    async fn wait<T>(&mut self, what: &str, work: impl Future<Output = T>) -> Option<T> {
        let Self { input, output, ended, .. } = self;
        input.wait(output, what, ended, work).await
    }

    async fn answer(&mut self, line: &str) -> Next {
        let words = crate::app::commands::words(line).unwrap_or_default();
        if let Some((first, rest)) = words.split_first()
            && !asked::is_known(first)
            && let Some(own) = self.own(first)
        {
            Box::pin(self.run_own(&own, rest)).await?;
            return Ok(true);
        }
        let asked = match asked::read(line) {
            Ok(Some(asked)) => asked,
            Ok(None) => return Ok(true),
            Err(Refusal::Help(text)) => {
                text.lines().try_for_each(|line| self.output.line(line))?;
                return Ok(true);
            }
            Err(Refusal::Mistake(what, next)) => {
                self.output.line(&format!("error: {}", clean(&what)))?;
                self.output.line(&format!("hint: {}", clean(&next)))?;
                return Ok(true);
            }
        };
        match asked {
            Asked::Quit => return Ok(false),
            Asked::Help { command } => {
                let mut lines = asked::help(command.as_deref());
                if command.is_none() {
                    let last = lines.len().saturating_sub(1); // the last line is about all of them
                    lines.splice(last..last, self.own_help());
                }
                lines.iter().try_for_each(|line| self.output.line(&clean(line)))?;
            }
            Asked::List { prefix } => {
                self.read(List::resources(self.list.resource_type(), prefix)).await?;
            }
            Asked::Type { resource_type } => {
                self.read(List::resources(resource_type, None)).await?;
            }
            Asked::Tag { tag } => {
                let resource_type = self.list.resource_type();
                self.read(List::of(ListQuery::Tag { resource_type, tag })).await?;
            }
            Asked::Search { expression } => {
                let expression = expression.join(" ");
                self.read(List::of(ListQuery::Search { expression })).await?;
            }
            Asked::Filter { text } => {
                self.list.filter(&text.join(" "));
                self.say_list()?;
            }
            Asked::More => self.more().await?,
            Asked::Refresh => self.read(List::of(self.list.query.clone())).await?,
            Asked::Open { what } => self.open(&what).await?,
            Asked::Pending => self.pending().await?,
            Asked::History => self.history().await?,
            Asked::Report { what } => {
                let id = self.invalidation(Some(&what)).await?;
                let args = Report {
                    id: id.to_string(),
                    format: ReportFormat::Md,
                    output: None,
                    columns: Vec::new(),
                };
                let context = self.engine.context();
                report::run(&self.output, &*context.journal, context.clock.wall(), &args).await?;
            }
            Asked::Watch { what } => self.watch(what.as_deref()).await?,
            Asked::Unlock => self.unlock().await?,
            Asked::Lock => {
                self.engine.lock();
                self.engine.note(ActKind::Lock).await?;
                self.output.line("locked: no order is taken until `unlock`")?;
            }
            Asked::Jobs => self.jobs().await?,
            Asked::Pause { what } => self.pause(&what).await?,
            Asked::Resume { what } => self.resume(&what).await?,
            Asked::Cancel { what } => self.cancel(&what).await?,
            Asked::Again { what } => self.again(&what).await?,
            Asked::Abandon { what } => self.abandon(&what).await?,
            change => Box::pin(self.change(change, line)).await?,
        }
        Ok(true)
    }

    /// Reads the first page of a list and says its first rows.
    async fn read(&mut self, list: List) -> Result<(), Failure> {
        let engine = Arc::clone(&self.engine);
        let query = list.query.clone();
        let page = self.wait("reading the list", engine.list(&query, PAGE, None)).await;
        let Some(page) = page.transpose()? else { return Ok(()) };
        self.list = list;
        self.list.add(page.assets, page.next_cursor);
        self.say_list()
    }

    async fn more(&mut self) -> Result<(), Failure> {
        if !self.list.has_unsaid()
            && let Some(cursor) = self.list.cursor.clone()
        {
            let (engine, query) = (Arc::clone(&self.engine), self.list.query.clone());
            let page = self.wait("reading the next page", engine.list(&query, PAGE, Some(&cursor)));
            let Some(page) = page.await.transpose()? else { return Ok(()) };
            self.list.add(page.assets, page.next_cursor);
        }
        self.say_list()
    }

    fn say_list(&mut self) -> Result<(), Failure> {
        for line in self.list.next_lines() {
            self.output.line(&line)?;
        }
        Ok(())
    }

    async fn open(&mut self, what: &str) -> Result<(), Failure> {
        let Some(keys) = self.keys(&[what.to_owned()], Kind::default()).await? else {
            return Ok(());
        };
        let engine = Arc::clone(&self.engine);
        for key in keys {
            let shown = self.wait("reading the asset", engine.show(&key)).await;
            let Some(shown) = shown.transpose()? else { return Ok(()) };
            show::text(&self.output, &shown)?;
        }
        Ok(())
    }

    /// The assets that words mean: numbers of the list, names, URLs. `None`: given up.
    async fn keys(
        &mut self,
        words: &[String],
        kind: Kind,
    ) -> Result<Option<Vec<AssetKey>>, Failure> {
        let engine = Arc::clone(&self.engine);
        let mut keys: Vec<AssetKey> = Vec::new();
        for word in words {
            let found = if let Some(rows) = self.list.numbered(word) {
                rows
            } else if is_number(word) {
                return Err(Failure::usage(
                    format!("the list has no row {word}"),
                    "`list` says the rows with their numbers; a name of digits alone is given as a URL",
                ));
            } else {
                let located = engine.locate(word, kind.resource_type, kind.delivery_type);
                match self.wait("looking the name up", located).await.transpose()? {
                    Some(key) => vec![key],
                    None => return Ok(None),
                }
            };
            for key in found {
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
        }
        Ok(Some(keys))
    }

    async fn pending(&mut self) -> Result<(), Failure> {
        let rows = self.engine.pending().await?;
        self.numbered = rows.iter().map(|row| row.id).collect();
        for (at, row) in rows.iter().enumerate() {
            let state =
                row.snapshot.as_ref().map_or("not looked at yet".to_owned(), WatchSnapshot::state);
            let what = format!("{} {}", row.operation.verb.as_str(), row.label);
            self.output.line(&format!("{}. {}: {}", at + 1, clean(&what), clean(&state)))?;
        }
        let tally = match rows.len() {
            0 => "nothing is pending".to_owned(),
            many => format!("{} pending; `watch N` follows one", count(many, "invalidation")),
        };
        Ok(self.output.line(&tally)?)
    }

    async fn history(&mut self) -> Result<(), Failure> {
        let rows = self.engine.history(HISTORY).await?;
        self.numbered = rows.iter().map(|row| row.id).collect();
        for (at, row) in rows.iter().enumerate() {
            let sentence = row.ended.as_ref().map_or("", |ended| ended.sentence.as_str());
            let what = format!("{} {}", row.operation.verb.as_str(), row.label);
            self.output.line(&format!("{}. {}: {}", at + 1, clean(&what), clean(sentence)))?;
        }
        if rows.is_empty() {
            self.output.line("nothing has ended yet")?;
        }
        Ok(())
    }

    /// The invalidation that a word means: a number said last, an ID, or without a word the newest that is open.
    async fn invalidation(&self, word: Option<&str>) -> Result<InvalidationId, Failure> {
        let Some(word) = word else {
            let newest = self.engine.pending().await?.iter().map(|row| row.id).max();
            return newest
                .ok_or_else(|| Failure::usage("nothing is pending", "name an ID or a URL"));
        };
        if is_number(word) && word.len() < 6 {
            let row =
                word.parse::<usize>().ok().and_then(|row| self.numbered.get(row.checked_sub(1)?));
            return row.copied().ok_or_else(|| {
                Failure::usage(
                    format!("there is no row {word}"),
                    "`pending` and `history` say rows with their numbers",
                )
            });
        }
        Ok(self.engine.context().journal.find(word).await?)
    }
}

/// `3` or `2-5`: meant as a number, whether there is such a row or not.
fn is_number(word: &str) -> bool {
    !word.is_empty()
        && word.bytes().all(|b| b.is_ascii_digit() || b == b'-')
        && !word.starts_with('-')
}
