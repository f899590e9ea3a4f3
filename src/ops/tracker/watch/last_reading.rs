//! The last reading: everything is clear through the quiet, and what storage holds is read once more.

use super::super::truth::{content_of, is_same_body};
use super::{Url, Watch};
use crate::domain::asset::AssetKey;
use crate::domain::sighting::{AcceptVariant, Answer};
use crate::domain::time::Moment;
use crate::domain::verdict::{Expectation, Stored};

impl Watch {
    /// Begins the last reading of `names`: what proved each is read past the caches again, which asks nothing of the
    /// API. Storage itself is asked where no place can make such a read, on doubt, and about as many as places cannot
    /// read within seconds, unless that costs Admin quota. What derived copies are compared with is read again as well,
    /// where it may have been the content from before: delivery may lag behind storage.
    pub(super) fn read_for_the_last_time(&mut self, names: &[usize], now: Moment) {
        const SECONDS: usize = 10;
        let quick = if self.terms().loopback { usize::MAX } else { self.grid.reached() * SECONDS };
        for (position, name) in names.iter().enumerate() {
            let fits = position < quick || costs_admin_quota(&self.names[*name].watched.key);
            match self.proof_of(*name) {
                Some(proof) if fits && self.may_answer(proof) => self.read_once_more(proof, now),
                _ => self.recheck(*name, now),
            }
        }
        for url in 0..self.urls.len() {
            if !self.grid.is_open(url) || !self.may_be_as_before(url) {
                continue;
            }
            for variant in self.grid.variants(url) {
                if let Some(reference) = self.urls[url].refs[variant as usize] {
                    self.read_once_more(reference, now);
                }
            }
        }
    }

    /// Whether what a derived copy is compared with cannot be told from the content before a change.
    fn may_be_as_before(&self, url: usize) -> bool {
        let Url { watched, name, refs, .. } = &self.urls[url];
        let name = &self.names[*name].watched;
        let changed = matches!(name.expectation(), Some(Expectation::New | Expectation::Live))
            && matches!(name.new, Some(Stored::Holds(_)));
        let read = refs[AcceptVariant::None as usize]
            .and_then(|reference| self.references[reference].answer.as_ref())
            .and_then(content_of);
        let existed = matches!(name.old, Some(Stored::Holds(_)));
        changed
            && existed
            && watched.derived
            && read
                .is_some_and(|read| watched.old.as_ref().is_none_or(|old| is_same_body(old, &read)))
    }

    /// Names whose last reading has brought nothing and waits for nothing: storage is asked.
    pub(super) fn recheck_unread(&mut self, names: &[usize], now: Moment) {
        for name in names {
            let reads = |reference: &usize| self.references[*reference].closing;
            let is_read = self.names[*name].references.iter().any(reads);
            if !self.confirmed.contains(name) && !is_read {
                self.recheck(*name, now);
            }
        }
    }

    fn read_once_more(&mut self, index: usize, now: Moment) {
        self.references[index].closing = true;
        if !self.references[index].wanted {
            self.want_reference(index, now);
        }
    }

    /// Whether some read of the last reading has not come back.
    pub(super) fn reads_for_the_last_time(&self) -> bool {
        self.references.iter().any(|reference| reference.closing)
    }

    /// The end is off: reads that come back are like any other.
    pub(super) fn no_last_reading(&mut self) {
        self.references.iter_mut().for_each(|reference| reference.closing = false);
    }

    /// A read of the last reading came back. The same as before confirms; anything else is a doubt, and storage is
    /// asked; where delivery gives something else under the same storage, it had lagged, and copies are judged by what
    /// it gives now.
    pub(super) fn take_last_reading(
        &mut self,
        index: usize,
        sent: Moment,
        usable: Option<&Answer>,
        now: Moment,
    ) {
        let reference = &mut self.references[index];
        reference.wanted = false;
        let name = reference.name;
        self.turns.touch(name);
        self.changed = true;
        let is_late = self.closing.is_none_or(|since| sent < since);
        let is_proof = self.proof_of(name) == Some(index);
        let Some(answer) = usable.filter(|_| !is_late) else {
            self.references[index].tries += 1;
            if is_proof {
                self.recheck(name, now);
            } else if self.may_answer(index) && self.closing.is_some() {
                self.read_once_more(index, now);
            }
            return;
        };
        let agrees = match &self.references[index].answer {
            Some(before) => is_same_answer(before, answer),
            None => self.names[name].is_borne_out_by(answer),
        };
        if agrees {
            (self.references[index].tries, self.references[index].answer) =
                (0, Some(answer.clone()));
            if is_proof {
                self.confirmed.insert(name);
            }
            return;
        }
        self.confirmed.remove(&name);
        self.recheck(name, now);
        let reference = &mut self.references[index];
        let is_compared = reference.derived || reference.variant != AcceptVariant::None;
        if is_compared && content_of(answer).is_some() {
            (reference.answer, reference.answers) = (Some(answer.clone()), 0);
            for url in &self.names[name].urls {
                if self.urls[*url].refs.contains(&Some(index)) && self.grid.is_open(*url) {
                    self.grid.close_url(*url, now);
                }
            }
        }
    }
}

/// Whether asking storage about an asset counts against the hourly quota: `explicit` serves uploads only.
const fn costs_admin_quota(key: &AssetKey) -> bool {
    use crate::domain::asset::DeliveryType::{Authenticated, Private, Upload};
    !matches!(key.delivery_type, Upload | Private | Authenticated)
}

/// Whether two uncached reads got the same: the same content, or the same refusal.
fn is_same_answer(before: &Answer, now: &Answer) -> bool {
    match (content_of(before), content_of(now)) {
        (Some(before), Some(now)) => is_same_body(&before, &now),
        (None, None) => before.status == now.status && before.error == now.error,
        _ => false,
    }
}
