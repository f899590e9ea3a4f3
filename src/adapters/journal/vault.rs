//! Keeps rights of access out of the journal: URLs with a signature or a token are written sealed, and made whole
//! again when they are read, by the process that knew them or by whoever can sign them anew.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, OnceLock, PoisonError};

use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::invalidation::{Invalidation, NotCovered, WatchedUrl};
use crate::ports::journal::{ByUrl, Intent, SightingRow};

/// The URL as it can be signed by the owner of the account, in every way that signatures are made.
pub type Signer = Box<dyn Fn(&DeliveryUrl) -> Vec<DeliveryUrl> + Send + Sync>;

/// What this process knows of sealed URLs.
#[derive(Default)]
pub(super) struct Vault {
    /// Whole URLs by their sealed form.
    whole: Mutex<HashMap<DeliveryUrl, DeliveryUrl>>,
    signer: OnceLock<Signer>,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault")
    }
}

impl Vault {
    /// Lets URLs be signed anew that another process sealed. The first signer stays.
    pub fn sign_with(&self, signer: Signer) {
        self.signer.set(signer).ok();
    }

    fn seal(&self, url: &DeliveryUrl) -> Option<DeliveryUrl> {
        let sealed = url.sealed()?;
        let mut whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        whole.insert(sealed.clone(), url.clone());
        Some(sealed)
    }

    fn open(&self, sealed: &DeliveryUrl) -> Option<DeliveryUrl> {
        let known = self.whole.lock().unwrap_or_else(PoisonError::into_inner).get(sealed).cloned();
        known.or_else(|| {
            let signed = self.signer.get()?(sealed);
            signed.into_iter().find(|url| url.sealed().as_ref() == Some(sealed))
        })
    }

    /// The URLs as they are written.
    pub fn sealed(&self, urls: &[WatchedUrl]) -> Vec<WatchedUrl> {
        urls.iter()
            .map(|watched| {
                let url = self.seal(&watched.url).unwrap_or_else(|| watched.url.clone());
                WatchedUrl { url, ..watched.clone() }
            })
            .collect()
    }

    /// An intent as it is written; `None` where nothing of it is to be sealed.
    pub fn sealed_intent(&self, intent: &Intent) -> Option<Intent> {
        let watched =
            intent.invalidation.iter().flat_map(|of| &of.urls).map(|watched| &watched.url);
        let named = intent.job.iter().flat_map(|job| &job.by_url);
        if !watched.chain(named).any(|url| url.sealed().is_some()) {
            return None;
        }
        let mut sealed = intent.clone();
        if let Some(invalidation) = &mut sealed.invalidation {
            invalidation.urls = self.sealed(&invalidation.urls);
        }
        for url in sealed.job.iter_mut().flat_map(|job| &mut job.by_url) {
            if let Some(sealed) = self.seal(url) {
                *url = sealed;
            }
        }
        Some(sealed)
    }

    /// Sightings as they are written; `None` where nothing of them is to be sealed.
    pub fn sealed_sightings(&self, rows: &[SightingRow]) -> Option<Vec<SightingRow>> {
        let whole = self.whole.lock().unwrap_or_else(PoisonError::into_inner);
        if whole.is_empty() {
            return None;
        }
        let sealed: HashMap<String, String> =
            whole.iter().map(|(sealed, url)| (url.canonical(), sealed.canonical())).collect();
        let row = |row: &SightingRow| {
            let url = sealed.get(&row.url).unwrap_or(&row.url).clone();
            SightingRow { url, ..row.clone() }
        };
        Some(rows.iter().map(row).collect())
    }

    /// URLs of a job, whole again as far as that can be.
    pub fn opened_urls(&self, urls: Vec<DeliveryUrl>) -> ByUrl {
        let mut opened = ByUrl::default();
        for url in urls {
            let whole = if url.is_sealed() { self.open(&url) } else { Some(url) };
            match whole {
                Some(url) => opened.urls.push(url),
                None => opened.lost += 1,
            }
        }
        opened
    }

    /// What was read, with its URLs whole again. One that nobody can open any more is not asked for: with a mark
    /// instead of its signature it would be refused everywhere, which must not look like an answer.
    pub fn opened(&self, mut read: Invalidation) -> Invalidation {
        let urls = std::mem::take(&mut read.urls);
        for watched in urls {
            if !watched.url.is_sealed() {
                read.urls.push(watched);
            } else if let Some(url) = self.open(&watched.url) {
                read.urls.push(WatchedUrl { url, ..watched });
            } else {
                read.not_covered.push(NotCovered {
                    url: watched.url.masked(),
                    reason: "right_not_kept".to_owned(),
                    next_step: "its signature or token is not kept in the journal: watch the whole URL again".to_owned(),
                });
            }
        }
        read
    }
}
