//! From the journal to a watch, fresh or taken over; and what joins it later.

use std::collections::{HashMap, HashSet};

use super::super::labels;
use super::super::names::{Name, Since, Stage};
use super::super::rhythm::Rhythm;
use super::super::schedule::Pace;
use super::super::{Doctrine, Settled, names};
use super::{RESTART_DOUBT, Reference, Spot, Turns, Url, VARIANTS, Watch};
use crate::domain::account::Account;
use crate::domain::asset::AssetKey;
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::invalidation::{Invalidation, ItemState, WatchedName, WatchedUrl};
use crate::domain::propagation::Propagation;
use crate::domain::sighting::AcceptVariant;
use crate::domain::snapshot::{PlaceState, WatchSnapshot};
use crate::domain::time::{Moment, Timestamp};
use crate::domain::usual::Usual;
use crate::domain::verdict::Stored;
use crate::ports::journal::Lease;

/// What a watch begins with.
pub struct Start<'a> {
    pub lease: Lease,
    pub invalidation: Invalidation,
    pub by: String,
    /// The last picture of whoever tracked it before, if anybody did.
    pub before: Option<&'a WatchSnapshot>,
    /// Another process began it, or this one before a restart.
    pub taken_over: bool,
    pub account: &'a Account,
    pub doctrine: Doctrine,
    /// What earlier invalidations took.
    pub usual: Usual,
    pub now: Moment,
    pub wall: Timestamp,
}

impl Watch {
    #[must_use]
    pub fn load(start: Start<'_>) -> Self {
        let Start { lease, mut invalidation, by, before, taken_over, account, .. } = start;
        let Start { doctrine, usual, now, wall, .. } = start;
        let (names, urls) =
            (std::mem::take(&mut invalidation.names), std::mem::take(&mut invalidation.urls));
        let started = Since::of_wall(invalidation.operation.at, now, wall);
        let items_at = invalidation.items.iter().enumerate().map(|(at, item)| (item.id, at));
        let mut watch = Self {
            lease,
            by,
            items_at: items_at.collect(),
            names: Vec::with_capacity(names.len()),
            urls: Vec::with_capacity(urls.len()),
            references: Vec::new(),
            hosts: Vec::new(),
            reference_agendas: HashMap::new(),
            spots: Vec::new(),
            caches: HashMap::new(),
            grid: Propagation::new((doctrine.rule)(invalidation.terms.confidence)),
            doctrine,
            pace: Pace::new(invalidation.terms.loopback),
            rhythm: Rhythm::new(&usual),
            baseline: None,
            rechecks: std::collections::HashMap::new(),
            rechecked: std::collections::HashMap::new(),
            confirmed: std::collections::HashSet::new(),
            quiet_planned: None,
            quickened: now,
            started,
            doubt: if taken_over { RESTART_DOUBT } else { std::time::Duration::ZERO },
            clock_went_back: started.is_none(),
            places_known: false,
            places_trouble: None,
            in_flight: 0,
            turns: Turns::default(),
            without_history: Vec::new(),
            moved: Vec::new(),
            closing: None,
            rests: false,
            regressions: Vec::new(),
            timeline: Vec::new(),
            curve: Vec::new(),
            spent: 0,
            interrupted: false,
            was_stuck: false,
            withdrawn: false,
            purged_again: Vec::new(),
            purging_again: false,
            offered_since: None,
            again_not_before: Moment::default(),
            negative_cache_since: None,
            repinned_since: None,
            rows: Vec::new(),
            events: Vec::new(),
            names_changed: HashSet::new(),
            terms_changed: false,
            changed: true,
            looked: false,
            urgent: true,
            invalidation,
        };
        watch.add_names(names, now, wall);
        watch.add_urls(urls, account, now);
        watch.restore(before, taken_over, now, wall);
        watch
    }

    /// What the journal knows meanwhile: items settled by another process, names and URLs that were added.
    pub fn merge(
        &mut self,
        invalidation: Invalidation,
        account: &Account,
        now: Moment,
        wall: Timestamp,
    ) {
        let Invalidation { items, names, urls, not_covered, .. } = invalidation;
        let known = &mut self.invalidation.items;
        for item in items {
            match self.items_at.get(&item.id) {
                Some(at) if !known[*at].state.is_settled() => known[*at] = item,
                Some(_) => {}
                None => {
                    self.items_at.insert(item.id, known.len());
                    known.push(item);
                }
            }
        }
        self.invalidation.not_covered = not_covered;
        let known = self.names.iter().map(|known| (known.watched.item, &known.watched.key));
        let known = known.collect::<HashSet<_>>();
        let is_new = |name: &WatchedName| !known.contains(&(name.item, &name.key));
        let fresh = names.into_iter().filter(is_new).collect::<Vec<_>>();
        self.add_names(fresh, now, wall);
        let known = self.urls.iter().map(|known| &known.watched.url).collect::<HashSet<_>>();
        let is_new = |url: &WatchedUrl| !known.contains(&url.url);
        let fresh = urls.into_iter().filter(is_new).collect::<Vec<_>>();
        self.add_urls(fresh, account, now);
        self.start_settled(now, wall);
    }

    /// Calls that have their answers now.
    pub fn settle(&mut self, calls: &[Settled], now: Moment, wall: Timestamp) {
        let calls = calls.iter().map(|call| (call.item, call)).collect::<HashMap<_, _>>();
        let mut targets = HashMap::new();
        for item in &mut self.invalidation.items {
            let Some(call) = calls.get(&item.id) else { continue };
            item.state = call.state;
            item.sent_at = call.sent_at.or(item.sent_at);
            targets.insert(item.id, item.to.clone());
        }
        for (index, name) in self.names.iter_mut().enumerate() {
            let item = name.watched.item;
            let (Some(call), Some(to)) = (calls.get(&item), targets.get(&item)) else { continue };
            // the answer of a rename tells of the new name; the old one is empty by it
            let is_old = to.as_ref().is_some_and(|to| name.watched.key != *to);
            name.told = match (&call.now, is_old) {
                (Some(Stored::Holds(_)), true) => Some(Stored::Empty),
                (Some(Stored::Empty), true) => None,
                (now, _) => now.clone(),
            };
            // filed under another name than asked for: nothing is to come here
            if to.is_some() && !is_old && call.now == Some(Stored::Empty) {
                name.watched.must_live = false;
                self.names_changed.insert(index);
            }
        }
        self.start_settled(now, wall);
    }

    /// Names of settled items leave the state of execution: into the hold-back, or out of the watch.
    fn start_settled(&mut self, now: Moment, wall: Timestamp) {
        let items =
            self.invalidation.items.iter().map(|item| (item.id, (item.state, item.sent_at)));
        let items = items.collect::<HashMap<_, _>>();
        for index in 0..self.names.len() {
            if self.names[index].stage != Stage::Executing {
                continue;
            }
            let item = self.names[index].watched.item;
            let Some((state, sent_at)) = items.get(&item).copied() else { continue };
            match state {
                ItemState::Intended | ItemState::Sent => continue,
                ItemState::Accepted => self.start_name(index, sent_at, now, wall),
                ItemState::NotFound | ItemState::Failed | ItemState::Skipped => {
                    self.drop_name(index, now);
                }
            }
            self.quickened = now;
            self.turns.touch(index);
        }
        self.changed = true;
        self.urgent |= self.has_few_names() || !self.is_executing();
    }

    fn start_name(
        &mut self,
        index: usize,
        sent_at: Option<Timestamp>,
        now: Moment,
        wall: Timestamp,
    ) {
        let hold_back = self.terms().hold_back;
        let sent = sent_at.and_then(|at| Since::of_wall(at, now, wall));
        self.clock_went_back |= sent.is_none() && sent_at.is_some();
        let name = &mut self.names[index];
        name.sent = sent;
        // of a watch that was taken over much of the hold-back may be over already
        let held = if self.doubt.is_zero() { std::time::Duration::ZERO } else { self.doubt };
        let passed = sent.map_or(std::time::Duration::ZERO, |sent| sent.elapsed(now));
        let rest = if held.is_zero() { hold_back } else { hold_back.saturating_sub(passed) };
        name.hold_back(now + rest);
    }

    pub(super) fn drop_name(&mut self, index: usize, now: Moment) {
        self.names[index].stage = Stage::Dropped;
        self.rechecks.remove(&index);
        for url in &self.names[index].urls {
            self.grid.drop_url(*url, now);
        }
        self.turns.touch(index);
    }

    fn add_names(&mut self, names: Vec<WatchedName>, now: Moment, wall: Timestamp) {
        let verb = self.invalidation.operation.verb;
        for watched in names {
            let mut name = Name::new(watched, verb);
            name.told.clone_from(&name.watched.new);
            name.changed =
                name.watched.changed_at.and_then(|at| names::Since::of_wall(at, now, wall));
            let superseded = name.watched.superseded;
            self.names.push(name);
            if superseded {
                self.drop_name(self.names.len() - 1, now);
            }
        }
        self.start_settled(now, wall);
    }

    fn add_urls(&mut self, urls: Vec<WatchedUrl>, account: &Account, now: Moment) {
        let mut by_key: HashMap<&AssetKey, Vec<usize>> = HashMap::new();
        for (name, known) in self.names.iter().enumerate() {
            by_key.entry(&known.watched.key).or_default().push(name);
        }
        let name_of = |url: &WatchedUrl| {
            let of_key = by_key.get(&url.key)?;
            let same_item = |name: &&usize| self.names[**name].watched.item == url.item;
            of_key.iter().find(same_item).or(of_key.first()).copied()
        };
        // a URL without a name has no truth to be judged by
        let named = urls.into_iter().filter_map(|url| Some((name_of(&url)?, url)));
        for (name, watched) in named.collect::<Vec<_>>() {
            self.add_url(watched, name, account, now);
        }
        self.turns.touch_all();
    }

    fn add_url(&mut self, watched: WatchedUrl, name: usize, account: &Account, now: Moment) {
        let automatic = watched.url.has_automatic_format();
        let index = self.grid.add_url(name, automatic, now);
        self.names[name].urls.push(index);
        let mut refs = [None; VARIANTS];
        for variant in self.grid.variants(index) {
            refs[variant as usize] = Some(self.reference(&watched, name, variant));
        }
        let host = watched.url.host_name();
        if !self.hosts.contains(&host) {
            self.hosts.push(host.clone());
        }
        self.urls.push(Url {
            shown: labels::shown(&watched.url, account),
            short: labels::short(&watched.url),
            canonical: watched.url.canonical(),
            host,
            name,
            refs,
            truth: [const { None }; VARIANTS],
            watched,
        });
        for (place, spot) in self.spots.iter_mut().enumerate() {
            spot.cells.resize_with((index + 1) * VARIANTS, super::CellView::default);
            if !spot.serves(&self.urls[index]) {
                self.grid.serve(place, index, false, now);
            }
        }
        if self.names[name].is_dropped() {
            self.grid.drop_url(index, now);
        }
    }

    /// The reference read for a URL, shared by all that differ in their version only.
    pub(super) fn reference(
        &mut self,
        watched: &WatchedUrl,
        name: usize,
        variant: AcceptVariant,
    ) -> usize {
        let url: DeliveryUrl = watched.url.clone().without_version();
        let same = |known: &usize| {
            let known = &self.references[*known];
            known.variant == variant && known.url == url
        };
        let known = self.names[name].references.iter().copied().find(same);
        let index = known.unwrap_or_else(|| {
            self.names[name].references.push(self.references.len());
            self.references.push(Reference {
                host: url.host_name(),
                url,
                variant,
                name,
                derived: watched.derived,
                busy: false,
                tries: 0,
                answers: 0,
                wanted: false,
                answer: None,
                closing: false,
                generation: 0,
            });
            self.references.len() - 1
        });
        let name = &mut self.names[name];
        if !name.has_reference || (name.reference_is_derived && !watched.derived) {
            (name.has_reference, name.reference_is_derived) = (true, watched.derived);
            name.proof = Some(index); // of a URL's variants the plain one comes first
        }
        index
    }

    /// Takes over what the last picture shows, as far as it must not be lost.
    fn restore(
        &mut self,
        before: Option<&WatchSnapshot>,
        taken_over: bool,
        now: Moment,
        wall: Timestamp,
    ) {
        let Some(before) = before else {
            if taken_over {
                self.interrupted = true;
                self.say(wall, "taken up from the journal");
            }
            return;
        };
        self.regressions.clone_from(&before.regressions);
        self.timeline.clone_from(&before.timeline);
        self.curve.clone_from(&before.curve);
        self.spent = before.requests_spent;
        self.was_stuck = before.stuck;
        self.withdrawn = before.timeline.iter().any(|entry| entry.text.starts_with("withdrawn: "));
        self.interrupted = true;
        self.purged_again.clone_from(&before.purged_again);
        self.say(wall, "taken up from the journal; runs and quiet start again");
        if let Some(at) = self.purged_again.last().copied() {
            let sent = Since::of_wall(at, now, wall);
            for name in &mut self.names {
                name.sent = sent.or(name.sent);
            }
        }
        for row in &before.places {
            if row.state == PlaceState::Answering || row.saw_old {
                self.add_lost_spot(row, now);
            }
        }
    }
}

impl Spot {
    /// Whether the place delivers the URL's host, and may see the URL: what is not for everybody is never shown to
    /// a third party (design §8).
    pub(super) fn serves(&self, url: &Url) -> bool {
        let kept_back = self.place.vantage.is_for_public_urls() && url.watched.url.is_restricted();
        !kept_back && (self.lost || self.hosts.contains(&url.host))
    }
}
