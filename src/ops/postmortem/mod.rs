//! What happened in one invalidation, for those who were not there: a document for the post-mortem.
//!
//! Made from the journal alone, so it can be had long after the end and from any process. The document is put
//! together once ([`PostMortem::document`]) and written as Markdown or as one HTML file that needs nothing beside it.
//! Everything in it comes cleaned and masked from the journal, and is escaped for its format.

use crate::domain::id::InvalidationId;
use crate::domain::invalidation::{Invalidation, Item, ItemState, Outcome};
use crate::domain::snapshot::{CurvePoint, PlaceState, WatchSnapshot};
use crate::domain::text::clean;
use crate::domain::time::Timestamp;
use crate::ports::journal::{InvalidationRow, Journal, JournalError};

mod document;
mod html;
mod markdown;
#[cfg(test)]
mod tests;

pub use document::{Block, Document, Section, Text};
pub use html::html;
pub use markdown::markdown;

/// Rows of items and cells that are written out; the rest is counted.
const WRITTEN_OUT: usize = 200;

/// Everything the journal knows of one invalidation.
#[derive(Debug, Clone, PartialEq)]
pub struct PostMortem {
    pub invalidation: Invalidation,
    pub row: InvalidationRow,
}

/// Reads what the journal knows.
///
/// # Errors
/// The journal's, also for an unknown ID.
pub async fn read(journal: &dyn Journal, id: InvalidationId) -> Result<PostMortem, JournalError> {
    let invalidation = journal.invalidation(id).await?;
    Ok(PostMortem { invalidation, row: journal.row(id).await? })
}

impl PostMortem {
    /// The last picture, where there is one.
    #[must_use]
    pub fn picture(&self) -> Option<&WatchSnapshot> {
        self.row.snapshot.as_ref()
    }

    /// How it ended, or that it has not.
    #[must_use]
    pub fn word(&self) -> &'static str {
        self.row.ended.as_ref().map_or("open", |ending| ending.outcome.as_str())
    }

    /// How it ended or stands, in one sentence.
    #[must_use]
    pub fn sentence(&self) -> String {
        let picture = || self.picture().map(WatchSnapshot::state);
        let ended = self.row.ended.as_ref().map(|ending| ending.sentence.clone());
        let sentence = ended.or_else(picture).unwrap_or_else(|| "not looked at yet".to_owned());
        clean(&sentence).into_owned()
    }

    /// The document, as of `now`.
    #[must_use]
    pub fn document(&self, now: Timestamp) -> Document {
        let verb = self.invalidation.operation.verb.as_str();
        let mut sections = vec![
            Section::new("Summary", self.summary(now)),
            Section::new("What was done", self.items()),
        ];
        if let Some(picture) = self.picture() {
            sections.push(Section::new("How it spread", spread(picture)));
            sections.push(Section::new("Caches", caches(picture)));
            sections.push(Section::new("Watched URLs", urls(picture)));
            sections.push(Section::new("Not clear", not_clear(picture)));
            sections.push(Section::new("Fell back after it was clear", regressions(picture)));
        }
        sections.push(Section::new("Not reached by the invalidation", self.not_covered()));
        sections.push(Section::new("Timeline", self.timeline()));
        sections.retain(|section| !section.blocks.is_empty());
        Document {
            title: format!(
                "{verb} of {}: {}",
                clean(&self.row.label),
                self.word().replace('_', " ")
            ),
            good: self.row.ended.as_ref().map(|ending| ending.outcome == Outcome::AllClear),
            lead: self.sentence(),
            sections,
        }
    }

    /// Who ordered it, and from where where that is known.
    fn orderer(&self) -> String {
        match &self.row.from {
            Some(from) => format!("{} from {from}", self.row.by),
            None => self.row.by.clone(),
        }
    }

    fn summary(&self, now: Timestamp) -> Vec<Block> {
        let operation = &self.invalidation.operation;
        let ended = self.row.ended.as_ref().map(|ending| ending.at);
        let took = ended.unwrap_or(now).duration_since(operation.at);
        let took = std::time::Duration::try_from(took).unwrap_or_default();
        let mut facts = vec![
            ("Invalidation", Text::code(&self.row.id.to_string())),
            ("Cloud", Text::plain(&operation.scope.cloud_name)),
            ("Ordered by", Text::plain(&self.orderer())),
            ("Command", Text::code(&operation.command_line)),
            ("Ordered at", Text::plain(&at(operation.at))),
            ("Ended at", Text::plain(&ended.map_or_else(|| "still open".to_owned(), at))),
            ("Took", Text::plain(&document::span(took))),
        ];
        if let Some(note) = &operation.note {
            facts.push(("Note", Text::plain(note)));
        }
        if let Some(picture) = self.picture() {
            facts.extend(seen(picture));
        }
        vec![Block::Facts(facts)]
    }

    fn items(&self) -> Vec<Block> {
        let items = &self.invalidation.items;
        let counts = ItemState::ALL.into_iter().filter_map(|state| {
            let count = items.iter().filter(|item| item.state == state).count();
            (count > 0).then(|| format!("{count} {}", state.as_str().replace('_', " ")))
        });
        let mut blocks = vec![Block::Paragraph(Text::plain(&format!(
            "{} in all: {}.",
            document::count(items.len(), "call"),
            counts.collect::<Vec<_>>().join(", ")
        )))];
        // what went wrong is what a post-mortem is read for
        let mut shown = items.iter().collect::<Vec<_>>();
        shown.sort_by_key(|item| item.state == ItemState::Accepted);
        let row = |item: &&Item| {
            let name = item
                .to
                .as_ref()
                .map_or_else(|| item.key.to_string(), |to| format!("{} to {}", item.key, to));
            vec![
                Text::code(&name),
                Text::plain(&item.state.as_str().replace('_', " ")),
                Text::plain(&item.sent_at.map(at).unwrap_or_default()),
                Text::plain(item.message.as_deref().unwrap_or_default()),
            ]
        };
        let rows = shown.iter().take(WRITTEN_OUT).map(row).collect();
        blocks.push(Block::table(["Asset", "Outcome", "Sent at", "Message"], rows));
        blocks.extend(and_more(items.len(), "call"));
        blocks
    }

    fn not_covered(&self) -> Vec<Block> {
        let not_covered = &self.invalidation.not_covered;
        let rows = not_covered.iter().take(WRITTEN_OUT).map(|url| {
            vec![
                Text::code(&url.url),
                Text::plain(&url.reason.replace('_', " ")),
                Text::plain(&url.next_step),
            ]
        });
        let mut blocks = Block::some_table(["URL", "Why", "Next step"], rows.collect());
        blocks.extend(and_more(not_covered.len(), "URL"));
        blocks
    }

    fn timeline(&self) -> Vec<Block> {
        let entries = self.picture().map(|picture| picture.timeline.as_slice()).unwrap_or_default();
        let rows =
            entries.iter().map(|entry| vec![Text::plain(&at(entry.at)), Text::plain(&entry.text)]);
        Block::some_table(["At", "What"], rows.collect())
    }
}

/// What was seen, as facts of the summary.
fn seen(picture: &WatchSnapshot) -> Vec<(&'static str, Text)> {
    let (clear, total) = picture.clear_of_total();
    let saw_old = picture.places.iter().filter(|place| place.saw_old).count();
    let named = |state: PlaceState| {
        let of_it = picture.places.iter().filter(|place| place.state == state);
        of_it.map(|place| place.id.0.clone()).collect::<Vec<_>>().join(", ")
    };
    let mut facts = vec![
        ("Confidence", Text::plain(picture.confidence.as_str())),
        ("Cells clear", Text::plain(&format!("{clear} of {total}"))),
        (
            "Places that answered",
            Text::plain(&format!("{} of {}", picture.reached(), picture.places.len())),
        ),
        ("Seen with the old copy", Text::plain(&document::count(saw_old, "place"))),
        (
            "Chance to have missed one stale node of four",
            Text::plain(&picture.miss_chance.at_length()),
        ),
        (
            "Requests",
            Text::plain(&format!(
                "{} spent, {} planned",
                picture.requests_spent, picture.requests_budget
            )),
        ),
    ];
    for (label, state) in
        [("Never answered", PlaceState::Unreachable), ("Left out by order", PlaceState::Excluded)]
    {
        let ids = named(state);
        if !ids.is_empty() {
            facts.push((label, Text::plain(&ids)));
        }
    }
    if !picture.purged_again.is_empty() {
        let times = picture.purged_again.iter().map(|time| at(*time)).collect::<Vec<_>>();
        facts.push(("Purged again at", Text::plain(&times.join(", "))));
    }
    if picture.interrupted {
        facts.push(("Interrupted", Text::plain("yes: runs and quiet started again")));
    }
    facts
}

/// Shares of the cells whose time is told.
const SHARES: [usize; 5] = [10, 50, 90, 99, 100];

fn spread(picture: &WatchSnapshot) -> Vec<Block> {
    if picture.curve.is_empty() {
        return Vec::new();
    }
    let rows = SHARES.into_iter().filter_map(|share| {
        let enough =
            |point: &&CurvePoint| point.total > 0 && point.clear * 100 >= point.total * share;
        let first = picture.curve.iter().find(enough)?;
        Some(vec![Text::plain(&format!("{share} %")), Text::plain(&document::span(first.after))])
    });
    let mut blocks = vec![Block::Curve(picture.curve.clone())];
    blocks.extend(Block::some_table(["Cells clear", "First after"], rows.collect()));
    blocks
}

fn caches(picture: &WatchSnapshot) -> Vec<Block> {
    let rows = picture.places.iter().map(|place| {
        let state = match place.state {
            PlaceState::Waiting => "not answered yet",
            PlaceState::Answering if place.clear == place.cells => "clear",
            PlaceState::Answering => "not clear",
            PlaceState::Unreachable => "never answered",
            PlaceState::Excluded => "left out by order",
        };
        let old = if place.saw_old { "yes" } else { "no" };
        let after = place.cleared_after.map(document::span).unwrap_or_default();
        vec![
            Text::code(&place.id.0),
            Text::plain(place.pop.as_deref().unwrap_or_default()),
            Text::plain(place.city.as_deref().unwrap_or_default()),
            Text::plain(state),
            Text::plain(&format!("{} of {}", place.clear, place.cells)),
            Text::plain(old),
            Text::plain(&after),
        ]
    });
    let head = ["Place", "PoP", "City", "State", "Cells clear", "Seen with the old copy", "After"];
    Block::some_table(head, rows.collect())
}

fn urls(picture: &WatchSnapshot) -> Vec<Block> {
    let rows = picture.urls.iter().take(WRITTEN_OUT).map(|url| {
        vec![
            Text::code(&url.url),
            Text::plain(if url.covered { "yes" } else { "uncertain" }),
            Text::plain(
                url.expectation.map_or("not known", crate::domain::verdict::Expectation::as_str),
            ),
        ]
    });
    let mut blocks = Block::some_table(["URL", "Covered", "Must show"], rows.collect());
    blocks.extend(and_more(picture.urls.len(), "URL"));
    blocks
}

fn not_clear(picture: &WatchSnapshot) -> Vec<Block> {
    let mut rows = Vec::new();
    let mut all = 0;
    for (place, at) in picture.places.iter().enumerate() {
        for (url, of) in picture.urls.iter().enumerate() {
            let Some(cell) = picture.cell(place, url) else { continue };
            if !cell.counted || cell.clear {
                continue;
            }
            all += 1;
            if rows.len() < WRITTEN_OUT {
                rows.push(vec![
                    Text::code(&at.id.0),
                    Text::code(&of.url),
                    Text::plain(
                        cell.verdict.map_or("not seen", crate::domain::verdict::Verdict::as_str),
                    ),
                    Text::plain(&cell.why),
                ]);
            }
        }
    }
    let mut blocks = Block::some_table(["Place", "URL", "Verdict", "Why"], rows);
    blocks.extend(and_more(all, "cell"));
    blocks
}

fn regressions(picture: &WatchSnapshot) -> Vec<Block> {
    let rows = picture.regressions.iter().map(|back| {
        vec![
            Text::plain(&at(back.at)),
            Text::code(&back.place.0),
            Text::code(&back.url),
            Text::plain(&back.why),
        ]
    });
    Block::some_table(["At", "Place", "URL", "Why"], rows.collect())
}

/// Says how many were not written out, if any.
fn and_more(all: usize, what: &str) -> Option<Block> {
    let more = all.checked_sub(WRITTEN_OUT).filter(|more| *more > 0)?;
    Some(Block::Paragraph(Text::plain(&format!("And {} more.", document::count(more, what)))))
}

fn at(time: Timestamp) -> String {
    time.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}
