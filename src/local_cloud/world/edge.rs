//! One edge: an independent cache, keyed by path and query, and by `Accept` class where the answer varies.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::origin::{Address, Answer};
use super::purge::Target;
use crate::domain::asset::AssetKey;
use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::pops::Pop;

/// How long a copy is kept (facts §1.1 row 1).
pub const TTL: Duration = Duration::from_hours(30 * 24);
/// How long a first refusal is kept; doubled each time up to [`LONGEST_NEGATIVE`] (facts §1.6).
const FIRST_NEGATIVE: Duration = Duration::from_mins(1);
const LONGEST_NEGATIVE: Duration = Duration::from_hours(24);
/// URLs that one edge holds at most; the oldest go first.
const MOST_URLS: usize = 65_536;

/// A copy in a cache.
#[derive(Debug, Clone)]
pub struct Copy {
    /// The `Accept` class it was made for, where the answer varies.
    pub variant: Option<AcceptVariant>,
    pub answer: Arc<Answer>,
    pub stored_at: Duration,
    /// How old it was when it was stored.
    pub age_then: Duration,
    /// From [`Self::stored_at`] on.
    pub kept_for: Duration,
    pub hits: u64,
    /// It came from a shield and was not asked for yet: the first answer counts as a miss.
    pub from_shield: bool,
}

impl Copy {
    /// How old the answer is, since it left storage.
    #[must_use]
    pub fn age(&self, now: Duration) -> Duration {
        self.age_then + now.saturating_sub(self.stored_at)
    }

    #[must_use]
    pub fn is_fresh(&self, now: Duration) -> bool {
        now < self.stored_at.saturating_add(self.kept_for)
    }
}

#[derive(Debug)]
struct Entry {
    address: Arc<Address>,
    copies: Vec<Copy>,
    /// Refusals in a row, for their growing lifetime.
    refusals: u32,
}

/// A cache of its own at one location.
#[derive(Debug)]
pub struct Edge {
    pub pop: Pop,
    entries: HashMap<Arc<str>, Entry>,
    by_asset: HashMap<AssetKey, HashSet<Arc<str>>>,
    /// Insertion order; may name paths that are gone.
    order: VecDeque<Arc<str>>,
}

impl Edge {
    #[must_use]
    pub fn new(pop: Pop) -> Self {
        Self { pop, entries: HashMap::new(), by_asset: HashMap::new(), order: VecDeque::new() }
    }

    /// The fresh copy that answers `path` for `variant`.
    pub fn find(&mut self, path: &str, variant: AcceptVariant, now: Duration) -> Option<&mut Copy> {
        self.entries
            .get_mut(path)?
            .copies
            .iter_mut()
            .find(|copy| copy.is_fresh(now) && copy.variant.is_none_or(|own| own == variant))
    }

    /// Keeps what storage answered, and says for how long.
    pub fn store(
        &mut self,
        path: &Arc<str>,
        answer: Arc<Answer>,
        variant: AcceptVariant,
        now: Duration,
    ) {
        let kept_for = if answer.status < 400 {
            answer.lifetime.unwrap_or(TTL)
        } else {
            let refusals = self.entries.get(path).map_or(0, |entry| entry.refusals);
            FIRST_NEGATIVE.saturating_mul(1 << refusals.min(20)).min(LONGEST_NEGATIVE)
        };
        let variant = answer.varies.then_some(variant);
        self.put(
            path,
            Copy {
                variant,
                answer,
                stored_at: now,
                age_then: Duration::ZERO,
                kept_for,
                hits: 0,
                from_shield: false,
            },
        );
    }

    /// Puts a copy in place of those it stands for.
    pub fn put(&mut self, path: &Arc<str>, copy: Copy) {
        let address = copy.answer.address.clone();
        if !self.entries.contains_key(path) {
            self.order.push_back(path.clone());
            self.make_room();
        }
        let entry = self.entries.entry(path.clone()).or_insert_with(|| Entry {
            address: address.clone(),
            copies: Vec::new(),
            refusals: 0,
        });
        entry.refusals =
            if copy.answer.status < 400 { 0 } else { entry.refusals.saturating_add(1) };
        entry.copies.retain(|other| {
            copy.variant.is_some() && other.variant.is_some() && other.variant != copy.variant
        });
        entry.copies.push(copy);
        let former = std::mem::replace(&mut entry.address, address.clone());
        if former.names != address.names {
            self.unlink(path, &former);
        }
        for name in &address.names {
            self.by_asset.entry(name.clone()).or_default().insert(path.clone());
        }
    }

    /// Drops every copy that `target` names and returns them.
    pub fn drop_copies(&mut self, target: &Target) -> Vec<(Arc<str>, Vec<Copy>)> {
        let candidates: Vec<Arc<str>> = match target {
            Target::Urls(urls) => urls
                .iter()
                .filter_map(|url| self.entries.get_key_value(url.as_str()))
                .map(|(path, _)| path.clone())
                .collect(),
            Target::Asset(asset) | Target::Pattern { asset, .. } => {
                self.by_asset.get(asset).into_iter().flatten().cloned().collect()
            }
        };
        let mut dropped = Vec::new();
        for path in candidates {
            let named = self.entries.get(&path).is_some_and(|e| target.names(&path, &e.address));
            if named && let Some(entry) = self.forget(&path) {
                dropped.push((path, entry.copies));
            }
        }
        dropped.sort_by(|a, b| a.0.cmp(&b.0));
        dropped
    }

    /// All copies, by path; for looking in from outside.
    pub fn copies(&self) -> impl Iterator<Item = (&str, &Copy)> {
        self.entries
            .iter()
            .flat_map(|(path, entry)| entry.copies.iter().map(move |copy| (&**path, copy)))
    }

    /// The copies under one path.
    #[must_use]
    pub fn copies_of(&self, path: &str) -> &[Copy] {
        self.entries.get(path).map_or(&[], |entry| &entry.copies)
    }

    fn forget(&mut self, path: &str) -> Option<Entry> {
        let entry = self.entries.remove(path)?;
        self.unlink(path, &entry.address.clone());
        Some(entry)
    }

    fn unlink(&mut self, path: &str, address: &Address) {
        for name in &address.names {
            if let Some(paths) = self.by_asset.get_mut(name) {
                paths.remove(path);
                if paths.is_empty() {
                    self.by_asset.remove(name);
                }
            }
        }
    }

    fn make_room(&mut self) {
        while self.entries.len() >= MOST_URLS || self.order.len() > 2 * MOST_URLS {
            let Some(oldest) = self.order.pop_front() else { break };
            self.forget(&oldest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local_cloud::content::{Content, Format};
    use crate::local_cloud::pops::POPS;

    fn answer(status: u16, name: Option<&str>) -> Arc<Answer> {
        let names = name.map(|id| AssetKey::image(id.parse().unwrap())).into_iter().collect();
        let address = Arc::new(Address { readings: Vec::new(), names });
        let content = (status == 200).then(|| Arc::new(Content::file(Format::Txt, 1, 10)));
        Arc::new(Answer { status, content, ..Answer::refusal(status, None, address) })
    }

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn refusals_are_kept_for_a_minute_then_twice_as_long_each_time() {
        let mut edge = Edge::new(POPS[0]);
        let path: Arc<str> = "/x".into();
        let mut now = secs(0);
        for minutes in [1, 2, 4, 8] {
            edge.store(&path, answer(404, Some("x")), AcceptVariant::None, now);
            let end = now + secs(60 * minutes);
            assert!(edge.find("/x", AcceptVariant::None, end.saturating_sub(secs(1))).is_some());
            assert!(edge.find("/x", AcceptVariant::None, end).is_none());
            now = end;
        }
        for _ in 0..12 {
            edge.store(&path, answer(404, Some("x")), AcceptVariant::None, now);
        }
        assert_eq!(edge.copies_of("/x")[0].kept_for, LONGEST_NEGATIVE);
        // a success ends the row, and so does a purge
        edge.store(&path, answer(200, Some("x")), AcceptVariant::None, now);
        edge.store(&path, answer(404, Some("x")), AcceptVariant::None, now);
        assert_eq!(edge.copies_of("/x")[0].kept_for, FIRST_NEGATIVE);
        edge.store(&path, answer(404, Some("x")), AcceptVariant::None, now);
        edge.drop_copies(&Target::Asset(AssetKey::image("x".parse().unwrap())));
        edge.store(&path, answer(404, Some("x")), AcceptVariant::None, now);
        assert_eq!(edge.copies_of("/x")[0].kept_for, FIRST_NEGATIVE);
    }

    #[test]
    fn a_copy_lives_thirty_days_from_when_it_left_storage() {
        let mut edge = Edge::new(POPS[0]);
        edge.store(&"/x".into(), answer(200, Some("x")), AcceptVariant::None, secs(5));
        let day = 86_400;
        assert!(edge.find("/x", AcceptVariant::Webp, secs(30 * day)).is_some());
        assert!(edge.find("/x", AcceptVariant::Webp, secs(30 * day + 5)).is_none());
        assert_eq!(edge.copies_of("/x")[0].age(secs(65)), secs(60));
    }

    #[test]
    fn variants_are_apart_only_where_the_answer_varies() {
        let mut edge = Edge::new(POPS[0]);
        let varying = Arc::new(Answer { varies: true, ..(*answer(200, Some("x"))).clone() });
        edge.store(&"/x".into(), varying.clone(), AcceptVariant::None, secs(0));
        assert!(edge.find("/x", AcceptVariant::Webp, secs(1)).is_none());
        edge.store(&"/x".into(), varying, AcceptVariant::Webp, secs(1));
        assert_eq!(edge.copies_of("/x").len(), 2);
        edge.store(&"/x".into(), answer(200, Some("x")), AcceptVariant::None, secs(2));
        assert_eq!(edge.copies_of("/x").len(), 1);
    }

    #[test]
    fn an_edge_holds_no_more_than_its_limit() {
        let mut edge = Edge::new(POPS[0]);
        for n in 0..MOST_URLS + 10 {
            edge.store(&format!("/{n}").into(), answer(404, None), AcceptVariant::None, secs(0));
        }
        assert_eq!(edge.entries.len(), MOST_URLS);
        assert!(edge.copies_of("/0").is_empty());
    }
}
