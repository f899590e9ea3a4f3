//! The origin behind any web address, read past the caches: what storage is to a cloud's own URLs.
//!
//! Nobody promises that caches tell a URL with a fresh query parameter from the URL itself. So a read is asked twice,
//! each time under a parameter of its own, and is believed only where both answers say that they came past every
//! cache and both are the same.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::tracker::{content_of, probe_at};
use crate::domain::asset::{Asset, AssetDetail, AssetKey, DeliveryType, ResourceType};
use crate::domain::delivery_url::{DeliveryUrl, reference_path};
use crate::domain::invalidation::{Invalidation, same_content};
use crate::domain::place::{Place, Vantage};
use crate::domain::sighting::{AcceptVariant, Answer, ProbeShape};
use crate::domain::text::clean;
use crate::domain::verdict::{Content, Stored};
use crate::ports::cloud::{
    BulkDeleted, Cloud, CloudError, Destroyed, ListQuery, Page, Quota, RenameCall, ReplaceCall,
    Restored,
};
use crate::ports::places::Places;
use crate::ports::prober::Prober;

/// Places that are asked for a read before it is given up.
const MOST_PLACES: usize = 4;

/// What an operator says of a web address, where its own origin does not decide alone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Wanted {
    /// The origin is the truth, whatever it serves.
    #[default]
    AsServed,
    /// It is to be gone.
    Gone,
    /// It is to serve something, and something else than `not`.
    Served { not: Option<Content> },
    /// It is to serve what has this entity tag; the origin is not asked.
    Tagged { etag: String },
}

impl Wanted {
    /// What a watch of the journal was about.
    #[must_use]
    pub fn of(watch: &Invalidation) -> Self {
        let (Some(name), Some(url)) = (watch.names.first(), watch.urls.first()) else {
            return Self::default();
        };
        match (&name.new, url.derived) {
            (Some(Stored::Holds(Content { etag: Some(etag), .. })), false) => {
                Self::Tagged { etag: etag.clone() }
            }
            _ if name.must_live => Self::Served { not: url.old.clone() },
            (Some(Stored::Empty), _) => Self::Gone,
            _ => Self::AsServed,
        }
    }
}

/// Why no read past the caches can be had, or none that can be believed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoRead {
    #[error("no place answers ({why})")]
    NoAnswer { why: String },
    #[error("it gets status {status}")]
    Status { status: u16 },
    /// The query is not part of the key: a copy was served for a question that nobody ever asked.
    #[error("a cache answers it from a copy, so that it is no read past the caches")]
    FromCache,
    #[error("nothing in the answer tells whether it came from a cache")]
    NotTold,
    #[error("two such reads got different content")]
    Unsteady,
}

/// What one place says of `url` past the caches.
///
/// # Errors
/// [`NoRead`]; a refusal that may come from a cache is [`NoRead::FromCache`] as well.
pub(super) async fn read_at(
    prober: &dyn Prober,
    place: &Place,
    url: &DeliveryUrl,
    timeout: Duration,
) -> Result<Answer, NoRead> {
    let first = one_read(prober, place, url, timeout).await?;
    let second = one_read(prober, place, url, timeout).await?;
    let same = match (content_of(&first), content_of(&second)) {
        (Some(one), Some(other)) => {
            one.body_hash == other.body_hash
                && one.bytes == other.bytes
                && (one.etag.is_none() || one.etag == other.etag)
        }
        _ => (first.status, &first.error) == (second.status, &second.error),
    };
    if same { Ok(second) } else { Err(NoRead::Unsteady) }
}

async fn one_read(
    prober: &dyn Prober,
    place: &Place,
    url: &DeliveryUrl,
    timeout: Duration,
) -> Result<Answer, NoRead> {
    let fresh = reference_path(url, 0, fastrand::u64(..));
    let probe = probe_at(place, &fresh, AcceptVariant::None, ProbeShape::Body, timeout);
    let answer = match prober.probe(&probe).await.result {
        Ok(answer) => answer,
        Err(why) => return Err(NoRead::NoAnswer { why: clean(&why.to_string()).into_owned() }),
    };
    match (answer.status, answer.came_past_caches()) {
        // an error that nothing is told of comes from no cache that kept it
        (200 | 206, Some(true)) | (404 | 410, Some(true) | None) => Ok(answer),
        (200 | 206 | 404 | 410, Some(false)) => Err(NoRead::FromCache),
        (200 | 206, None) => Err(NoRead::NotTold),
        (status, _) => Err(NoRead::Status { status }),
    }
}

/// The first of `places` that can read `url` past the caches; this host's own ones first, third parties never.
///
/// # Errors
/// The reason of the first place that could not, or that there is none.
pub(super) async fn read(
    prober: &dyn Prober,
    places: &[Place],
    url: &DeliveryUrl,
    timeout: Duration,
) -> Result<(Place, Answer), NoRead> {
    let mut own: Vec<&Place> =
        places.iter().filter(|place| !place.vantage.is_third_party()).collect();
    own.sort_by_key(|place| place.vantage != Vantage::Here);
    let mut first = None;
    for place in own.into_iter().take(MOST_PLACES) {
        match read_at(prober, place, url, timeout).await {
            Ok(answer) => return Ok((place.clone(), answer)),
            Err(why) => {
                first.get_or_insert(why);
            }
        }
    }
    Err(first.unwrap_or_else(|| NoRead::NoAnswer { why: "there is none".to_owned() }))
}

/// A web address in the place of a cloud: storage is what its origin serves. Whatever would change something is
/// refused.
pub struct WebOrigin {
    url: DeliveryUrl,
    host: String,
    wanted: Wanted,
    places: Arc<dyn Places>,
    prober: Arc<dyn Prober>,
    timeout: Duration,
}

impl WebOrigin {
    #[must_use]
    pub fn new(
        url: DeliveryUrl,
        wanted: Wanted,
        places: Arc<dyn Places>,
        prober: Arc<dyn Prober>,
        loopback: bool,
    ) -> Self {
        let timeout = super::tracker::timeout_of(loopback);
        Self { host: url.host_name(), url, wanted, places, prober, timeout }
    }

    /// The caches of the host keep us from its origin.
    fn unread(&self, why: &NoRead) -> CloudError {
        let api = format!("a read past the caches of {}", clean(&self.host));
        CloudError::Unreachable { api, detail: why.to_string() }
    }

    fn contradicts(&self, what: &str) -> CloudError {
        CloudError::Conflict {
            message: format!("a read past the caches of {} {what}", clean(&self.host)),
        }
    }

    fn only_looked_at<T>(&self) -> Result<T, CloudError> {
        let cloud = clean(&self.host).into_owned();
        Err(CloudError::Forbidden { cloud, message: "it can only be looked at".to_owned() })
    }

    async fn read(&self) -> Result<Option<Content>, NoRead> {
        let places = self.places.places(&self.host).await;
        let places =
            places.map_err(|why| NoRead::NoAnswer { why: clean(&why.to_string()).into_owned() })?;
        let (_, answer) = read(&*self.prober, &places, &self.url, self.timeout).await?;
        Ok(content_of(&answer))
    }

    /// What is said to be served, as an asset: its tag stands for the content, whatever it was made from.
    fn asset(&self, content: &Content) -> Asset {
        let of_body = || content.body_hash.as_ref().map(|hash| format!("sha256-{hash}"));
        Asset {
            key: self.url.asset.clone(),
            asset_id: None,
            version: 0,
            format: None,
            bytes: content.bytes.unwrap_or_default(),
            width: None,
            height: None,
            etag: content.etag.clone().or_else(of_body),
            created_at: None,
            asset_folder: None,
            display_name: None,
            tags: Vec::new(),
            secure_url: None,
            placeholder: false,
        }
    }
}

#[async_trait]
impl Cloud for WebOrigin {
    fn cloud_name(&self) -> &str {
        &self.host
    }

    fn api(&self) -> &str {
        super::watch_url::WEB
    }

    fn quota(&self) -> Option<Quota> {
        None
    }

    async fn ping(&self) -> Result<(), CloudError> {
        Ok(())
    }

    async fn list(
        &self,
        _query: &ListQuery,
        _limit: u16,
        _cursor: Option<&str>,
    ) -> Result<Page, CloudError> {
        self.only_looked_at()
    }

    async fn detail(&self, _key: &AssetKey) -> Result<AssetDetail, CloudError> {
        self.only_looked_at()
    }

    /// What the origin serves. [`CloudError::Conflict`]: it contradicts what is wanted, so far;
    /// [`CloudError::Unreachable`]: it cannot be read.
    async fn stat(&self, key: &AssetKey) -> Result<Option<Asset>, CloudError> {
        if *key != self.url.asset {
            return self.only_looked_at();
        }
        let read = match &self.wanted {
            Wanted::Tagged { etag } => {
                let told = Content { etag: Some(etag.clone()), ..Content::default() };
                return Ok(Some(self.asset(&told)));
            }
            _ => self.read().await,
        };
        match (&self.wanted, read) {
            (Wanted::Gone, Ok(Some(_))) => Err(self.contradicts("still gets a copy")),
            // nobody but the places themselves can tell: each has to refuse
            (Wanted::Gone, Ok(None) | Err(_)) => Ok(None),
            (Wanted::Served { .. }, Ok(None)) => Err(self.contradicts("gets nothing")),
            (Wanted::Served { not: Some(old) }, Ok(Some(now))) if is_same(old, &now) => {
                Err(self.contradicts("still gets the old content"))
            }
            (_, Ok(now)) => Ok(now.map(|content| self.asset(&content))),
            (_, Err(why)) => Err(self.unread(&why)),
        }
    }

    async fn rename(&self, _call: &RenameCall) -> Result<Asset, CloudError> {
        self.only_looked_at()
    }

    async fn destroy(&self, _key: &AssetKey, _invalidate: bool) -> Result<Destroyed, CloudError> {
        self.only_looked_at()
    }

    async fn replace(&self, _call: &ReplaceCall) -> Result<Asset, CloudError> {
        self.only_looked_at()
    }

    async fn invalidate(&self, _key: &AssetKey) -> Result<Asset, CloudError> {
        self.only_looked_at()
    }

    async fn restore(
        &self,
        _resource_type: ResourceType,
        _delivery_type: DeliveryType,
        _public_ids: &[String],
    ) -> Result<Vec<(String, Restored)>, CloudError> {
        self.only_looked_at()
    }

    async fn delete_many(
        &self,
        _resource_type: ResourceType,
        _delivery_type: DeliveryType,
        _public_ids: &[String],
        _invalidate: bool,
    ) -> Result<BulkDeleted, CloudError> {
        self.only_looked_at()
    }

    async fn invalidate_by_urls(&self, _urls: &[String]) -> Result<String, CloudError> {
        self.only_looked_at()
    }
}

/// Whether two readings are of the same content, as far as their tags tell.
fn is_same(old: &Content, now: &Content) -> bool {
    old.etag.is_some() && now.etag.is_some() && same_content(old, now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::place::PlaceId;
    use crate::domain::sighting::{CacheStatus, Etag, ProbeFailure, Sighting};
    use crate::domain::time::{Moment, Timestamp};
    use crate::ports::places::PlacesError;
    use crate::ports::prober::Probe;
    use rstest::rstest;
    use std::sync::Mutex;

    /// Answers in turn; remembers what it was asked.
    struct Scripted {
        answers: Mutex<Vec<Result<Answer, ProbeFailure>>>,
        asked: Mutex<Vec<String>>,
    }

    #[async_trait]
    impl Prober for Scripted {
        async fn probe(&self, probe: &Probe) -> Sighting {
            self.asked.lock().unwrap().push(probe.path.clone());
            let mut answers = self.answers.lock().unwrap();
            let result = if answers.len() > 1 { answers.remove(0) } else { answers[0].clone() };
            let now = Moment::default();
            let at = Timestamp::UNIX_EPOCH;
            let (variant, shape) = (probe.variant, probe.shape);
            Sighting { variant, shape, sent: now, received: now, at, result }
        }
    }

    #[async_trait]
    impl Places for Scripted {
        async fn places(&self, host: &str) -> Result<Vec<Place>, PlacesError> {
            Ok(vec![Place {
                id: PlaceId("here".into()),
                pop: None,
                city: None,
                provider: "x".into(),
                vantage: Vantage::Here,
                address: "192.0.2.1:443".parse().ok(),
                tls: true,
                host: host.into(),
            }])
        }
    }

    fn answer(status: u16, tag: &str, cache: CacheStatus, age: Option<u64>) -> Answer {
        let etag = (!tag.is_empty()).then(|| Etag { weak: false, tag: tag.into() });
        let body_hash = Some(format!("hash of {tag}"));
        Answer { status, etag, age, cache, body_hash, ..Answer::default() }
    }

    fn origin(
        wanted: Wanted,
        answers: &[Result<Answer, ProbeFailure>],
    ) -> (WebOrigin, Arc<Scripted>) {
        let scripted =
            Arc::new(Scripted { answers: Mutex::new(answers.to_vec()), asked: Mutex::default() });
        let url = DeliveryUrl::of_web("https://m.example/a.jpg?x=1").unwrap();
        let (places, prober) = (Arc::clone(&scripted), Arc::clone(&scripted));
        (WebOrigin::new(url, wanted, places, prober, true), scripted)
    }

    async fn stat(
        wanted: Wanted,
        answers: &[Result<Answer, ProbeFailure>],
    ) -> Result<Option<String>, String> {
        let (origin, _) = origin(wanted, answers);
        let key = origin.url.asset.clone();
        let read = origin.stat(&key).await.map_err(|why| why.to_string())?;
        Ok(read.map(|asset| asset.etag.unwrap_or_default()))
    }

    use CacheStatus::{Hit, Miss, Negative, Unknown};

    #[rstest]
    #[case::fresh(&[(200, "a", Miss, None)], Ok(Some("a")))]
    #[case::of_a_second_ago(&[(206, "a", Miss, Some(1))], Ok(Some("a")))]
    #[case::no_tag(&[(200, "", Miss, None)], Ok(Some("sha256-hash of ")))]
    #[case::gone(&[(404, "", Miss, None)], Ok(None))]
    #[case::gone_without_a_word(&[(404, "", Unknown, None)], Ok(None))]
    #[case::from_a_copy(&[(200, "a", Hit, Some(0))], Err("from a copy"))]
    #[case::the_second_from_a_copy(&[(200, "a", Miss, None), (200, "a", Hit, None)], Err("from a copy"))]
    #[case::from_a_shield(&[(200, "a", Miss, Some(30))], Err("from a copy"))]
    #[case::gone_from_a_copy(&[(404, "", Negative, None)], Err("from a copy"))]
    #[case::not_told(&[(200, "a", Unknown, None)], Err("nothing in the answer"))]
    #[case::other_each_time(&[(200, "a", Miss, None), (200, "b", Miss, None)], Err("different"))]
    #[case::broken(&[(503, "", Miss, None)], Err("status 503"))]
    #[tokio::test]
    async fn only_what_surely_came_past_the_caches_is_believed(
        #[case] answers: &[(u16, &str, CacheStatus, Option<u64>)],
        #[case] expected: Result<Option<&str>, &str>,
    ) {
        let answers: Vec<_> = answers
            .iter()
            .map(|(status, tag, cache, age)| Ok(answer(*status, tag, *cache, *age)))
            .collect();
        let read = stat(Wanted::AsServed, &answers).await;
        match (read, expected) {
            (Ok(read), Ok(expected)) => assert_eq!(read.as_deref(), expected),
            (Err(why), Err(part)) => assert!(why.contains(part), "{why}"),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn each_read_asks_what_nobody_asked_before() {
        let (origin, asked) = origin(Wanted::AsServed, &[Ok(answer(200, "a", Miss, None))]);
        origin.stat(&origin.url.asset).await.unwrap();
        let asked = asked.asked.lock().unwrap().clone();
        assert!(asked.len() == 2 && asked[0] != asked[1], "{asked:?}");
        assert!(asked.iter().all(|path| path.starts_with("/a.jpg?x=1&allclear=")), "{asked:?}");
    }

    #[tokio::test]
    async fn what_contradicts_the_operator_is_never_the_truth() {
        let served = [Ok(answer(200, "a", Miss, None))];
        let refused = [Ok(answer(404, "", Miss, None))];
        let unread = [Err(ProbeFailure::Refused)];
        let gone = stat(Wanted::Gone, &served).await.unwrap_err();
        assert!(gone.contains("still gets a copy"), "{gone}");
        assert_eq!(stat(Wanted::Gone, &refused).await, Ok(None));
        assert_eq!(stat(Wanted::Gone, &unread).await, Ok(None), "the places alone tell");
        let old = |tag: &str| Wanted::Served {
            not: Some(Content { etag: Some(tag.into()), ..Content::default() }),
        };
        assert!(stat(old("a"), &served).await.unwrap_err().contains("old content"));
        assert_eq!(stat(old("b"), &served).await, Ok(Some("a".into())));
        assert!(stat(old("b"), &refused).await.is_err() && stat(old("b"), &unread).await.is_err());
        let told = Wanted::Tagged { etag: "new".into() };
        assert_eq!(stat(told, &unread).await, Ok(Some("new".into())));
    }

    #[tokio::test]
    async fn nothing_is_ever_changed() {
        let (origin, asked) = origin(Wanted::AsServed, &[Err(ProbeFailure::Refused)]);
        let key = origin.url.asset.clone();
        assert!(
            origin.destroy(&key, true).await.is_err() && origin.invalidate(&key).await.is_err()
        );
        assert!(asked.asked.lock().unwrap().is_empty());
    }
}
