//! The one place below console and command line that keeps writes from where they may not go.
//!
//! [`guarded`] puts a gate before the API of a read-only profile, so that neither orders nor what follows them (repeated
//! purges, settling what is in doubt, jobs of other processes) changes anything. [`Lock`] keeps the console of a
//! production profile shut until somebody says that it is meant; headless, the confirmation takes its place.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::context::Context;
use crate::domain::asset::{Asset, AssetDetail, AssetKey, DeliveryType, ResourceType};
use crate::domain::time::Moment;
use crate::ports::cloud::{
    BulkDeleted, Cloud, CloudError, Destroyed, ListQuery, Page, Quota, RenameCall, ReplaceCall,
    Restored,
};

/// How long a profile stays unlocked.
pub const UNLOCKED_FOR: Duration = Duration::from_secs(15 * 60);

/// `context` with a cloud that changes nothing, where its profile is read-only.
#[must_use]
pub fn guarded(mut context: Context) -> Context {
    if context.policy.read_only {
        let profile = context.policy.profile.clone();
        context.cloud = Arc::new(Guarded { cloud: context.cloud, profile });
    }
    context
}

/// A cloud that can be read.
struct Guarded {
    cloud: Arc<dyn Cloud>,
    profile: String,
}

impl Guarded {
    fn refused<T>(&self, verb: &str) -> Result<T, CloudError> {
        Err(CloudError::Forbidden {
            cloud: self.cloud.cloud_name().to_owned(),
            message: format!("profile {} is read-only, {verb} was not sent", self.profile),
        })
    }
}

#[async_trait]
impl Cloud for Guarded {
    fn cloud_name(&self) -> &str {
        self.cloud.cloud_name()
    }

    fn api(&self) -> &str {
        self.cloud.api()
    }

    fn quota(&self) -> Option<Quota> {
        self.cloud.quota()
    }

    async fn ping(&self) -> Result<(), CloudError> {
        self.cloud.ping().await
    }

    async fn list(
        &self,
        query: &ListQuery,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<Page, CloudError> {
        self.cloud.list(query, limit, cursor).await
    }

    async fn folders(&self, path: &str) -> Result<Vec<String>, CloudError> {
        self.cloud.folders(path).await
    }

    async fn detail(&self, key: &AssetKey) -> Result<AssetDetail, CloudError> {
        self.cloud.detail(key).await
    }

    async fn by_ids(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
    ) -> Result<Vec<Asset>, CloudError> {
        self.cloud.by_ids(resource_type, delivery_type, public_ids).await
    }

    async fn stat(&self, key: &AssetKey) -> Result<Option<Asset>, CloudError> {
        self.cloud.stat(key).await
    }

    async fn rename(&self, _call: &RenameCall) -> Result<Asset, CloudError> {
        self.refused("rename")
    }

    async fn destroy(&self, _key: &AssetKey, _invalidate: bool) -> Result<Destroyed, CloudError> {
        self.refused("delete")
    }

    async fn replace(&self, _call: &ReplaceCall) -> Result<Asset, CloudError> {
        self.refused("replace")
    }

    async fn invalidate(&self, _key: &AssetKey) -> Result<Asset, CloudError> {
        self.refused("purge")
    }

    async fn restore(
        &self,
        _resource_type: ResourceType,
        _delivery_type: DeliveryType,
        _public_ids: &[String],
    ) -> Result<Vec<(String, Restored)>, CloudError> {
        self.refused("restore")
    }

    async fn delete_many(
        &self,
        _resource_type: ResourceType,
        _delivery_type: DeliveryType,
        _public_ids: &[String],
        _invalidate: bool,
    ) -> Result<BulkDeleted, CloudError> {
        self.refused("delete")
    }

    async fn invalidate_by_urls(&self, _urls: &[String]) -> Result<String, CloudError> {
        self.refused("purge by URL")
    }
}

/// Whether orders are taken. Open until somebody shuts it; opened again for a while.
#[derive(Debug, Default)]
pub struct Lock(Mutex<Door>);

#[derive(Debug, Clone, Copy, Default)]
enum Door {
    #[default]
    Open,
    Shut,
    OpenUntil(Moment),
}

impl Lock {
    fn set(&self, door: Door) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = door;
    }

    /// No order is taken until it is opened.
    pub fn shut(&self) {
        self.set(Door::Shut);
    }

    /// Orders are taken for a while.
    pub fn open_until(&self, until: Moment) {
        self.set(Door::OpenUntil(until));
    }

    /// Whether no order is taken at `now`.
    #[must_use]
    pub fn is_shut(&self, now: Moment) -> bool {
        match *self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Door::Open => false,
            Door::Shut => true,
            Door::OpenUntil(until) => now >= until,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::invalidation::Verb;
    use crate::ops::plan::refuse_on_read_only;
    use crate::ops::testing::{FakeCloud, context, image};

    #[tokio::test]
    async fn a_read_only_profile_refuses_every_write_whoever_asks() {
        let fake = FakeCloud::with(&["a"]);
        let mut open = context(Arc::clone(&fake)).await;
        open.policy.read_only = true;
        let guarded = guarded(open);
        let (cloud, key) = (&guarded.cloud, image("a"));
        let upload = DeliveryType::Upload;
        let ids = ["a".to_owned()];
        let rename =
            RenameCall { from: key.clone(), to: image("b"), overwrite: true, invalidate: true };
        let replace = ReplaceCall { key: key.clone(), file: "/x".into(), invalidate: true };
        let refused = [
            cloud.rename(&rename).await.err(),
            cloud.destroy(&key, true).await.err(),
            cloud.replace(&replace).await.err(),
            cloud.invalidate(&key).await.err(),
            cloud.restore(ResourceType::Image, upload, &ids).await.err(),
            cloud.delete_many(ResourceType::Image, upload, &ids, true).await.err(),
            cloud.invalidate_by_urls(&ids).await.err(),
        ];
        for error in refused {
            let error = error.expect("a write");
            assert!(matches!(error, CloudError::Forbidden { .. }), "{error}");
            assert!(error.to_string().contains("read-only"), "{error}");
        }
        assert_eq!(fake.changes(), Vec::<String>::new());
        assert!(cloud.stat(&key).await.unwrap().is_some(), "reads pass");
        assert!(cloud.by_ids(ResourceType::Image, upload, &ids).await.is_ok());
        assert!(refuse_on_read_only(&guarded, Verb::Delete).is_err());
    }

    #[test]
    fn a_lock_opens_for_a_while() {
        let (lock, at) = (Lock::default(), |s| Moment::from_origin(Duration::from_secs(s)));
        assert!(!lock.is_shut(at(0)), "open where nobody shuts it");
        lock.shut();
        assert!(lock.is_shut(at(0)));
        lock.open_until(at(900));
        assert!(!lock.is_shut(at(899)));
        assert!(lock.is_shut(at(900)));
        lock.shut();
        assert!(lock.is_shut(at(901)));
    }
}
