//! One question carried through all assets: how many match, and which come first.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use super::expression::Expression;
use super::fields::{Field, Nature, Searched};
use super::order::{Position, Rank, Sort, compare};
use crate::domain::asset::AssetKey;
use crate::local_cloud::chance::hash_text;
use crate::local_cloud::world::World;
use crate::local_cloud::world::asset::StoredAsset;
use crate::local_cloud::world::refusal::Refusal;

/// Assets that are looked at in one step.
const STEP: usize = 10_000;
/// The same where the bytes of each have to be drawn.
const COSTLY_STEP: usize = 50;
/// Matches that are kept for the pages after the one that was asked for.
const AHEAD: usize = 10_000;
/// Answers that are remembered for their next pages, as long as nothing changes.
const REMEMBERED: usize = 4;

/// A question.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub expression: String,
    /// Without any, the newest come first.
    pub sort_by: Vec<Sort>,
    pub limit: usize,
    /// Where the page before ended.
    pub after: Option<Position>,
    pub counts: Vec<Aggregate>,
}

/// What matches are counted by.
#[derive(Debug, Clone, PartialEq)]
pub struct Aggregate {
    /// As it was asked for.
    pub name: String,
    by: By,
}

#[derive(Debug, Clone, PartialEq)]
enum By {
    Word(Field),
    Ranges(Field, Vec<Range>),
}

/// A span of numbers: `from` is in it, `to` is not; without them it is open.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    pub key: String,
    pub from: Option<f64>,
    pub to: Option<f64>,
}

impl Aggregate {
    /// Counts by `format`, `resource_type` or `type`; none for any other field.
    #[must_use]
    pub fn by_word(name: &str) -> Option<Self> {
        let field = Field::named(name);
        let countable = matches!(field, Field::Format | Field::ResourceType | Field::Type);
        countable.then(|| Self { name: name.to_owned(), by: By::Word(field) })
    }

    /// Counts in spans of a field of numbers; none for any other field.
    #[must_use]
    pub fn by_ranges(name: &str, ranges: Vec<Range>) -> Option<Self> {
        let field = Field::named(name);
        let countable = matches!(field.nature(), Nature::Number | Nature::Size | Nature::Ratio);
        countable.then(|| Self { name: name.to_owned(), by: By::Ranges(field, ranges) })
    }

    fn start(&self) -> Vec<(String, u64)> {
        match &self.by {
            By::Word(_) => Vec::new(),
            By::Ranges(_, ranges) => ranges.iter().map(|range| (range.key.clone(), 0)).collect(),
        }
    }

    fn count(&self, asset: &StoredAsset, counts: &mut Vec<(String, u64)>) {
        match &self.by {
            By::Word(field) => {
                let super::order::SortValue::Text(word) = asset.sort_value(field) else { return };
                match counts.iter_mut().find(|(known, _)| known == word) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((word.to_owned(), 1)),
                }
            }
            By::Ranges(field, ranges) => {
                let Some(own) = asset.number(field) else { return };
                for (range, (_, count)) in ranges.iter().zip(counts) {
                    let inside = range.from.is_none_or(|from| own >= from)
                        && range.to.is_none_or(|to| own < to);
                    *count += u64::from(inside);
                }
            }
        }
    }
}

/// A page of matches.
#[derive(Debug)]
pub struct Found {
    /// Matches on all pages.
    pub total: usize,
    pub page: Vec<Arc<StoredAsset>>,
    /// Where the next page begins, where there is one.
    pub next: Option<Position>,
    /// What was counted, in the order it was asked for.
    pub counts: Vec<Vec<(String, u64)>>,
}

/// A search under way.
#[derive(Debug)]
pub struct Sweep {
    expression: Expression,
    sort_by: Vec<Sort>,
    limit: usize,
    asked_at: i64,
    after: Option<Rank>,
    /// The last asset that was looked at.
    seen: Option<AssetKey>,
    done: bool,
    answer: Answer,
}

/// What is known of the matches of a question.
#[derive(Debug, Clone)]
struct Answer {
    of: u64,
    revision: (u64, u64),
    total: usize,
    counted_by: Vec<Aggregate>,
    counts: Vec<Vec<(String, u64)>>,
    /// The first matches after some place, in no order while they are gathered.
    first: Vec<Arc<StoredAsset>>,
    /// The last of those that are kept, once there are more.
    worst: Option<Arc<StoredAsset>>,
}

impl Answer {
    /// Where the matches after `rank` begin, once they are in order.
    fn start_after(&self, sort_by: &[Sort], rank: &Rank) -> usize {
        self.first.partition_point(|one| !rank.is_before(sort_by, &**one))
    }
}

/// Answers that serve further pages while nothing changes.
#[derive(Debug, Default)]
pub(super) struct Answers(VecDeque<Answer>);

impl Answers {
    fn remember(&mut self, answer: Answer) {
        self.0.retain(|known| known.of != answer.of);
        self.0.push_front(answer);
        self.0.truncate(REMEMBERED);
    }
}

impl World {
    /// Begins to search, as far as the index has heard.
    ///
    /// # Errors
    /// The expression cannot be read, or the page before belongs to another question.
    pub fn begin_search(&mut self, query: &Query, now: Duration) -> Result<Sweep, Refusal> {
        self.advance(now);
        self.search.catch_up(self.now);
        let question = format!("{}\n{:?}", query.expression, query.sort_by);
        let asked_at = query.after.as_ref().map_or(self.unix_now(), |after| after.asked_at);
        let of = hash_text(&question);
        if query.after.as_ref().is_some_and(|after| after.of != of) {
            return Err(Refusal::bad("Invalid value for parameter next_cursor"));
        }
        let expression = Expression::parse(&query.expression, asked_at)
            .map_err(|error| Refusal::bad(error.to_string()))?;
        let mut sweep = Sweep {
            expression,
            sort_by: query.sort_by.clone(),
            limit: query.limit,
            asked_at,
            after: query.after.as_ref().map(|after| after.rank.clone()),
            seen: None,
            done: false,
            answer: Answer {
                of,
                revision: self.search.revision(&self.storage),
                total: 0,
                counted_by: query.counts.clone(),
                counts: query.counts.iter().map(Aggregate::start).collect(),
                first: Vec::new(),
                worst: None,
            },
        };
        sweep.take_up(&mut self.search.answers);
        Ok(sweep)
    }

    /// Looks at some thousand assets more; true when all were looked at.
    ///
    /// What is stored or removed between two steps may or may not be found, and everything else is found once.
    pub fn go_on(&self, sweep: &mut Sweep) -> bool {
        if sweep.done {
            return true;
        }
        let step = if sweep.expression.is_costly() { COSTLY_STEP } else { STEP };
        let (seen, mut last) = (sweep.seen.take(), None);
        let view = self.search.view(&self.storage, seen.as_ref());
        for (at, asset) in view.enumerate() {
            if at == step {
                sweep.seen = last;
                return false;
            }
            sweep.look_at(asset);
            if at + 1 == step {
                last = Some(asset.key.clone());
            }
        }
        sweep.settle();
        true
    }

    /// The page that a search has found, once it has looked at everything.
    pub fn end_search(&mut self, sweep: Sweep) -> Found {
        let Sweep { sort_by, limit, asked_at, after, answer, .. } = sweep;
        let start = after.map_or(0, |rank| answer.start_after(&sort_by, &rank));
        let rest = &answer.first[start..];
        let page = rest[..limit.min(rest.len())].to_vec();
        let more = answer.worst.is_some() || page.len() < rest.len();
        let next = page.last().filter(|_| more).map(|last| Position {
            of: answer.of,
            asked_at,
            rank: Rank::of(&sort_by, &**last),
        });
        let found = Found { total: answer.total, page, next, counts: answer.counts.clone() };
        if found.next.is_some() {
            self.search.answers.remember(answer);
        }
        found
    }

    /// One page of matches, in one go.
    ///
    /// # Errors
    /// As [`World::begin_search`].
    pub fn search(&mut self, query: &Query, now: Duration) -> Result<Found, Refusal> {
        let mut sweep = self.begin_search(query, now)?;
        while !self.go_on(&mut sweep) {}
        Ok(self.end_search(sweep))
    }
}

impl Sweep {
    /// Goes on with what an earlier page has found out, where nothing has changed since.
    fn take_up(&mut self, answers: &mut Answers) {
        let Some(after) = &self.after else { return };
        let serves = |known: &Answer| {
            // the page before must have ended among the matches that were kept, and so must this one
            let start = known.start_after(&self.sort_by, after);
            known.of == self.answer.of
                && known.revision == self.answer.revision
                && known.counted_by == self.answer.counted_by
                && start > 0
                && (known.worst.is_none() || known.first.len() - start > self.limit)
        };
        let known = answers.0.iter().position(serves).and_then(|at| answers.0.remove(at));
        if let Some(known) = known {
            self.answer = known;
            self.done = true;
        }
    }

    fn look_at(&mut self, asset: &Arc<StoredAsset>) {
        if !self.expression.holds(&**asset) {
            return;
        }
        let Answer { total, counted_by, counts, first, worst, .. } = &mut self.answer;
        *total += 1;
        for (by, counts) in counted_by.iter().zip(counts) {
            by.count(asset, counts);
        }
        let comes_before = self.after.as_ref().is_some_and(|rank| {
            // the pages before have told of it
            !rank.is_before(&self.sort_by, &**asset)
        });
        let comes_behind =
            worst.as_ref().is_some_and(|worst| compare(&self.sort_by, &**worst, &**asset).is_lt());
        if comes_before || comes_behind {
            return;
        }
        first.push(asset.clone());
        if first.len() >= 2 * self.kept() {
            self.narrow();
        }
    }

    fn kept(&self) -> usize {
        AHEAD.max(self.limit) + 1
    }

    /// Keeps the matches that come first.
    fn narrow(&mut self) {
        let (kept, sort_by) = (self.kept(), &self.sort_by);
        let Answer { first, worst, .. } = &mut self.answer;
        if first.len() > kept {
            first.select_nth_unstable_by(kept - 1, |a, b| compare(sort_by, &**a, &**b));
            first.truncate(kept);
            *worst = first.last().cloned();
        }
    }

    fn settle(&mut self) {
        self.narrow();
        let (sort_by, answer) = (&self.sort_by, &mut self.answer);
        answer.first.sort_unstable_by(|a, b| compare(sort_by, &**a, &**b));
        for (by, counts) in answer.counted_by.iter().zip(&mut answer.counts) {
            if matches!(by.by, By::Word(_)) {
                // the most frequent first
                counts.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
            }
        }
        self.done = true;
    }
}
