//! Search: an index that lags behind storage, and the expressions it is asked with (facts §3.9).

mod expression;
mod fields;

use std::cmp::Ordering;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::World;
use super::asset::StoredAsset;
use super::refusal::Refusal;
use crate::domain::asset::AssetKey;
use crate::local_cloud::chance::hash_text;

pub use expression::{Expression, QueryError};
pub use fields::value_of;

/// Changes that the index has not seen yet at most; older ones are taken in early.
const MOST_PENDING: usize = 500_000;
/// Answers remembered for their next page.
const REMEMBERED: usize = 4;

/// What the index holds, where it lags behind storage; else storage itself is asked.
#[derive(Debug)]
pub struct SearchIndex {
    lag: Duration,
    view: BTreeMap<AssetKey, Arc<StoredAsset>>,
    pending: VecDeque<(Duration, AssetKey, Option<Arc<StoredAsset>>)>,
    answers: VecDeque<(u64, Arc<Vec<Arc<StoredAsset>>>)>,
}

/// A question.
#[derive(Debug, Clone, Default)]
pub struct Query {
    pub expression: String,
    /// Fields, each with whether the highest comes first.
    pub sort_by: Vec<(String, bool)>,
    pub limit: usize,
    /// Where the page before ended, with that question's fingerprint.
    pub after: Option<(u64, usize)>,
}

/// A page of matches.
#[derive(Debug)]
pub struct Found {
    pub all: Arc<Vec<Arc<StoredAsset>>>,
    pub page: Vec<Arc<StoredAsset>>,
    pub next: Option<(u64, usize)>,
}

impl SearchIndex {
    /// An index that follows storage after `lag`, and has seen what is there already.
    pub fn new<'a>(lag: Duration, stored: impl Iterator<Item = &'a Arc<StoredAsset>>) -> Self {
        let view = if lag.is_zero() {
            BTreeMap::new()
        } else {
            stored.map(|asset| (asset.key.clone(), asset.clone())).collect()
        };
        Self { lag, view, pending: VecDeque::new(), answers: VecDeque::new() }
    }

    /// Takes note of a change: `key` now is `asset`, or is gone.
    pub fn note(&mut self, now: Duration, key: &AssetKey, asset: Option<&Arc<StoredAsset>>) {
        if self.lag.is_zero() {
            return;
        }
        self.pending.push_back((now + self.lag, key.clone(), asset.cloned()));
        while self.pending.len() > MOST_PENDING {
            self.take_in();
        }
    }

    fn catch_up(&mut self, now: Duration) {
        while self.pending.front().is_some_and(|(due, ..)| *due <= now) {
            self.take_in();
        }
    }

    fn take_in(&mut self) {
        match self.pending.pop_front() {
            Some((_, key, Some(asset))) => {
                self.view.insert(key, asset);
            }
            Some((_, key, None)) => {
                self.view.remove(&key);
            }
            None => {}
        }
    }
}

impl World {
    /// One page of matches, as far as the index has heard.
    ///
    /// # Errors
    /// The expression cannot be read, or a field to sort by is none.
    pub fn search(&mut self, query: &Query, now: Duration) -> Result<Found, Refusal> {
        self.advance(now);
        self.search.catch_up(now);
        let fingerprint = hash_text(&format!("{}\n{:?}", query.expression, query.sort_by));
        let (skip, remembered) = match query.after {
            Some((of, skip)) if of == fingerprint => {
                (skip, self.search.answers.iter().find(|(of, _)| *of == fingerprint).cloned())
            }
            Some(_) => return Err(Refusal::bad("Invalid value for parameter next_cursor")),
            None => (0, None),
        };
        let all = match remembered {
            Some((_, all)) => all,
            None => Arc::new(self.matches(query)?),
        };
        self.search.answers.retain(|(of, _)| *of != fingerprint);
        self.search.answers.push_front((fingerprint, all.clone()));
        self.search.answers.truncate(REMEMBERED);
        let page: Vec<_> = all.iter().skip(skip).take(query.limit).cloned().collect();
        let end = skip + page.len();
        let next = (end < all.len()).then_some((fingerprint, end));
        Ok(Found { all, page, next })
    }

    fn matches(&self, query: &Query) -> Result<Vec<Arc<StoredAsset>>, Refusal> {
        let unix_now = self.unix_now();
        let expression = Expression::parse(&query.expression, unix_now)
            .map_err(|error| Refusal::bad(error.to_string()))?;
        for (field, _) in &query.sort_by {
            if !fields::is_sortable(field) {
                return Err(Refusal::bad(format!("Invalid value for parameter sort_by: {field}")));
            }
        }
        let holds = |asset: &&Arc<StoredAsset>| expression.holds(asset);
        let mut found: Vec<Arc<StoredAsset>> = if self.search.lag.is_zero() {
            self.storage.iter().filter(holds).cloned().collect()
        } else {
            self.search.view.values().filter(holds).cloned().collect()
        };
        sort(&mut found, &query.sort_by);
        Ok(found)
    }
}

/// Sorts as asked, then newest first, then by name.
fn sort(found: &mut [Arc<StoredAsset>], by: &[(String, bool)]) {
    found.sort_by(|a, b| {
        let asked = by.iter().map(|(field, highest_first)| {
            let order = fields::compare(field, a, b);
            if *highest_first { order.reverse() } else { order }
        });
        asked
            .into_iter()
            .find(|order| order.is_ne())
            .unwrap_or(Ordering::Equal)
            .then_with(|| (b.created_at, b.order).cmp(&(a.created_at, a.order)))
            .then_with(|| a.key.cmp(&b.key))
    });
}
