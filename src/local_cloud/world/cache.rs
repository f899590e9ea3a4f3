//! One cache: keyed by path and query, and by `Accept` class where the answer varies.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use super::CacheState;
use super::origin::{Address, Answer};
use super::purge::Target;
use crate::domain::asset::AssetKey;
use crate::domain::sighting::AcceptVariant;

/// How long a copy is kept (facts §1.1 row 1).
pub const TTL: Duration = Duration::from_hours(30 * 24);
/// How long a first refusal is kept; doubled each time up to [`LONGEST_NEGATIVE`] (facts §1.6).
const FIRST_NEGATIVE: Duration = Duration::from_mins(1);
const LONGEST_NEGATIVE: Duration = Duration::from_hours(24);
/// URLs that one cache holds at most; the oldest go first.
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
    /// It was put back and not asked for yet: the first answer counts as a miss.
    pub put_back: bool,
    /// The shield that it came through, and how that answered.
    pub through: Option<Through>,
    /// A soft purge has marked it.
    pub stale: Option<Stale>,
}

/// How a shield answered when a copy was fetched through it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Through {
    /// By position.
    pub shield: usize,
    pub state: CacheState,
    /// How often the shield had served its copy.
    pub hits: u64,
}

/// The mark of a soft purge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stale {
    /// The number of the invalidation.
    pub invalidation: u64,
    /// How long it is served after somebody asked.
    pub after: Duration,
    /// Somebody has asked.
    pub revalidating: bool,
}

/// What was fetched from behind a cache.
#[derive(Debug, Clone)]
pub struct Fetched {
    pub answer: Arc<Answer>,
    pub age: Duration,
    /// How long the cache behind keeps it; storage leaves that open.
    pub kept_for: Option<Duration>,
    pub through: Option<Through>,
}

impl Fetched {
    /// Fresh from storage.
    #[must_use]
    pub const fn from_storage(answer: Arc<Answer>) -> Self {
        Self { answer, age: Duration::ZERO, kept_for: None, through: None }
    }
}

/// Copies that are in a cache no more, by path.
pub type Gone = Vec<(Arc<str>, Copy)>;

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

/// A cache of its own.
#[derive(Debug, Default)]
pub struct Cache {
    entries: HashMap<Arc<str>, Entry>,
    by_asset: HashMap<AssetKey, BTreeSet<Arc<str>>>,
    /// Insertion order; may name paths that are gone.
    order: VecDeque<Arc<str>>,
}

impl Cache {
    /// The fresh copy that answers `path` for `variant`.
    pub fn find(&mut self, path: &str, variant: AcceptVariant, now: Duration) -> Option<&mut Copy> {
        self.entries
            .get_mut(path)?
            .copies
            .iter_mut()
            .find(|copy| copy.is_fresh(now) && copy.variant.is_none_or(|own| own == variant))
    }

    /// Keeps what was fetched; what it takes the place of is returned.
    pub fn store(
        &mut self,
        path: &Arc<str>,
        fetched: Fetched,
        variant: AcceptVariant,
        now: Duration,
    ) -> Gone {
        let Fetched { answer, age, kept_for, through } = fetched;
        let kept_for = kept_for.unwrap_or_else(|| {
            if answer.status < 400 {
                return answer.lifetime.unwrap_or(TTL).saturating_sub(age);
            }
            let refusals = self.entries.get(path).map_or(0, |entry| entry.refusals);
            FIRST_NEGATIVE.saturating_mul(1 << refusals.min(20)).min(LONGEST_NEGATIVE)
        });
        // a refusal says nothing of classes; where others have copies of their own, it is this one's
        let has_classes = |entry: &Entry| {
            entry.copies.iter().any(|copy| copy.variant.is_some() && copy.is_fresh(now))
        };
        let varies = answer.varies
            || answer.status >= 400 && self.entries.get(path).is_some_and(has_classes);
        let copy = Copy {
            variant: varies.then_some(variant),
            answer,
            stored_at: now,
            age_then: age,
            kept_for,
            hits: 0,
            put_back: false,
            through,
            stale: None,
        };
        self.put(path, copy)
    }

    /// Puts a copy in place of those it stands for, which are returned.
    pub fn put(&mut self, path: &Arc<str>, copy: Copy) -> Gone {
        let mut gone = Gone::new();
        let address = copy.answer.address.clone();
        if !self.entries.contains_key(path) {
            self.order.push_back(path.clone());
            self.make_room(&mut gone);
        }
        let entry = self.entries.entry(path.clone()).or_insert_with(|| Entry {
            address: address.clone(),
            copies: Vec::new(),
            refusals: 0,
        });
        entry.refusals =
            if copy.answer.status < 400 { 0 } else { entry.refusals.saturating_add(1) };
        let replaced = entry.copies.extract_if(.., |other| {
            copy.variant.is_none() || other.variant.is_none() || other.variant == copy.variant
        });
        gone.extend(replaced.map(|copy| (path.clone(), copy)));
        entry.copies.push(copy);
        let former = std::mem::replace(&mut entry.address, address.clone());
        if former.names != address.names {
            self.unlink(path, &former);
        }
        for name in &address.names {
            self.by_asset.entry(name.clone()).or_default().insert(path.clone());
        }
        gone
    }

    /// Drops every copy that `target` names, but those of the class `but`, and returns them sorted by path, with the
    /// number of those that stay.
    pub fn drop_copies(&mut self, target: &Target, but: Option<AcceptVariant>) -> (Gone, usize) {
        let (mut gone, mut stay) = (Gone::new(), 0);
        for path in self.named(target) {
            let Some(entry) = self.entries.get_mut(&path) else { continue };
            let survives = |copy: &Copy| but.is_some() && copy.variant == but;
            let dropped = entry.copies.extract_if(.., |copy| !survives(copy));
            gone.extend(dropped.map(|copy| (path.clone(), copy)));
            stay += entry.copies.len();
            if entry.copies.is_empty() {
                self.forget(&path);
            }
        }
        (gone, stay)
    }

    /// Marks every copy that `target` names as stale, and counts them.
    pub fn soften(&mut self, target: &Target, stale: Stale) -> usize {
        let paths = self.named(target);
        let mut count = 0;
        for path in paths {
            for copy in self.entries.get_mut(&path).into_iter().flat_map(|one| &mut one.copies) {
                if copy.stale.is_none() {
                    copy.stale = Some(stale);
                    count += 1;
                }
            }
        }
        count
    }

    /// Paths of which `target` names a copy, sorted.
    fn named(&self, target: &Target) -> Vec<Arc<str>> {
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
        let is_named = |path: &Arc<str>| {
            self.entries.get(path).is_some_and(|entry| target.names(path, &entry.address))
        };
        candidates.into_iter().filter(is_named).collect()
    }

    /// All copies, by path; for looking in from outside.
    pub fn copies(&self) -> impl Iterator<Item = (&str, &Copy)> {
        self.entries
            .iter()
            .flat_map(|(path, entry)| entry.copies.iter().map(move |copy| (&**path, copy)))
    }

    /// Paths and copies in all.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.values().map(|entry| entry.copies.len()).sum()
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

    fn make_room(&mut self, gone: &mut Gone) {
        while self.entries.len() >= MOST_URLS || self.order.len() > 2 * MOST_URLS {
            let Some(oldest) = self.order.pop_front() else { break };
            let copies = self.forget(&oldest).into_iter().flat_map(|entry| entry.copies);
            gone.extend(copies.map(|copy| (oldest.clone(), copy)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local_cloud::content::{Content, Format};

    fn answer(status: u16, name: Option<&str>) -> Fetched {
        let names = name.map(|id| AssetKey::image(id.parse().unwrap())).into_iter().collect();
        let address = Arc::new(Address { readings: Vec::new(), names });
        let content = (status == 200).then(|| Arc::new(Content::file(Format::Txt, 1, 10)));
        let answer = Answer { status, content, ..Answer::refusal(status, None, address) };
        Fetched::from_storage(Arc::new(answer))
    }

    const fn secs(n: u64) -> Duration {
        Duration::from_secs(n)
    }

    #[test]
    fn refusals_are_kept_for_a_minute_then_twice_as_long_each_time() {
        let mut cache = Cache::default();
        let path: Arc<str> = "/x".into();
        let mut now = secs(0);
        for minutes in [1, 2, 4, 8] {
            cache.store(&path, answer(404, Some("x")), AcceptVariant::None, now);
            let end = now + secs(60 * minutes);
            assert!(cache.find("/x", AcceptVariant::None, end.saturating_sub(secs(1))).is_some());
            assert!(cache.find("/x", AcceptVariant::None, end).is_none());
            now = end;
        }
        for _ in 0..12 {
            cache.store(&path, answer(404, Some("x")), AcceptVariant::None, now);
        }
        assert_eq!(cache.copies_of("/x")[0].kept_for, LONGEST_NEGATIVE);
        // a success ends the row, and so does a purge
        cache.store(&path, answer(200, Some("x")), AcceptVariant::None, now);
        cache.store(&path, answer(404, Some("x")), AcceptVariant::None, now);
        assert_eq!(cache.copies_of("/x")[0].kept_for, FIRST_NEGATIVE);
        cache.store(&path, answer(404, Some("x")), AcceptVariant::None, now);
        cache.drop_copies(&Target::Asset(AssetKey::image("x".parse().unwrap())), None);
        cache.store(&path, answer(404, Some("x")), AcceptVariant::None, now);
        assert_eq!(cache.copies_of("/x")[0].kept_for, FIRST_NEGATIVE);
    }

    #[test]
    fn a_copy_lives_thirty_days_from_when_it_left_storage() {
        let mut cache = Cache::default();
        cache.store(&"/x".into(), answer(200, Some("x")), AcceptVariant::None, secs(5));
        let day = 86_400;
        assert!(cache.find("/x", AcceptVariant::Webp, secs(30 * day)).is_some());
        assert!(cache.find("/x", AcceptVariant::Webp, secs(30 * day + 5)).is_none());
        assert_eq!(cache.copies_of("/x")[0].age(secs(65)), secs(60));
    }

    #[test]
    fn variants_are_apart_only_where_the_answer_varies() {
        let mut cache = Cache::default();
        let plain = answer(200, Some("x")).answer;
        let varying = Fetched::from_storage(Arc::new(Answer { varies: true, ..(*plain).clone() }));
        cache.store(&"/x".into(), varying.clone(), AcceptVariant::None, secs(0));
        assert!(cache.find("/x", AcceptVariant::Webp, secs(1)).is_none());
        cache.store(&"/x".into(), varying.clone(), AcceptVariant::Webp, secs(1));
        assert_eq!(cache.copies_of("/x").len(), 2);
        // a purge may miss one of them
        let all = Target::Asset(AssetKey::image("x".parse().unwrap()));
        let (gone, stay) = cache.drop_copies(&all, Some(AcceptVariant::Webp));
        assert_eq!((gone.len(), stay), (1, 1));
        assert_eq!(cache.copies_of("/x")[0].variant, Some(AcceptVariant::Webp));
        cache.store(&"/x".into(), varying, AcceptVariant::None, secs(1));
        cache.store(&"/x".into(), answer(200, Some("x")), AcceptVariant::None, secs(2));
        assert_eq!(cache.copies_of("/x").len(), 1);
    }

    #[test]
    fn a_cache_holds_no_more_than_its_limit() {
        let mut cache = Cache::default();
        for n in 0..MOST_URLS + 10 {
            cache.store(&format!("/{n}").into(), answer(404, None), AcceptVariant::None, secs(0));
        }
        assert_eq!(cache.entries.len(), MOST_URLS);
        assert!(cache.copies_of("/0").is_empty());
    }
}
