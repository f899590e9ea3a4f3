//! The API, in terms of the console's port: what the real client makes of the real server's replies.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::cloud::{InProcess, wait};
use crate::domain::asset::{
    Asset, AssetDetail, AssetKey, BackupVersion, DeliveryType, DerivedAsset, ResourceType,
};
use crate::domain::public_id::PublicId;
use crate::domain::time::Timestamp;
use crate::local_cloud::content::{Content, Format, sniff};
use crate::local_cloud::world::World;
use crate::local_cloud::world::asset::StoredAsset;
use crate::local_cloud::world::backups::NotRestored;
use crate::local_cloud::world::changes::{Attributes, Rename, Upload};
use crate::local_cloud::world::fault::ApiPart;
use crate::local_cloud::world::listing::{ListOrder, Position, Selection};
use crate::local_cloud::world::quota::QuotaLeft;
use crate::local_cloud::world::refusal::Refusal;
use crate::local_cloud::world::removal::{Doomed, Removal};
use crate::local_cloud::world::search;
use crate::local_cloud::world::trouble::{BodyFate, Conditions};
use crate::ports::cloud::{
    BulkDeleted, Cloud, CloudError, Destroyed, ListQuery, Page, Quota, RenameCall, ReplaceCall,
    Restored,
};

const API: &str = "https://api.in-process.test";
/// Where `secure_url` points.
const DELIVERY: &str = "https://res.cloudinary.com";
/// Harmless calls are tried so often where they fail in passing, as the real client does.
const TRIES: u32 = 3;

impl InProcess {
    /// Makes a call of one part of the API, which may not be carried out twice.
    async fn call<T: Send>(
        &self,
        part: ApiPart,
        work: impl FnOnce(&mut World, Duration) -> Result<T, CloudError> + Send,
    ) -> Result<T, CloudError> {
        let made = tokio::time::timeout(self.travel().patience, self.carry(part, work)).await;
        made.unwrap_or_else(|_| Err(self.timed_out()))
    }

    /// Makes a call that may be made again.
    async fn harmless<T: Send>(
        &self,
        part: ApiPart,
        work: impl Fn(&mut World, Duration) -> Result<T, CloudError> + Send + Sync,
    ) -> Result<T, CloudError> {
        let mut tries = 1;
        loop {
            let answer = self.call(part, &work).await;
            let passes = answer.as_ref().is_err_and(|why| {
                matches!(why, CloudError::Unavailable { .. } | CloudError::Unreachable { .. })
            });
            if !passes || tries >= TRIES {
                return answer;
            }
            wait(Duration::from_millis(500 << tries)).await;
            tries += 1;
        }
    }

    async fn carry<T>(
        &self,
        part: ApiPart,
        work: impl FnOnce(&mut World, Duration) -> Result<T, CloudError>,
    ) -> Result<T, CloudError> {
        let way = self.between(self.travel().call);
        wait(way / 2).await;
        let suffered = self.with(|world, now| world.call(part, now));
        let spoilt = suffered.reset || suffered.hang.is_some() || suffered.refused.is_some();
        if spoilt && !suffered.carried_out {
            let Some(hang) = suffered.hang.filter(|_| !suffered.reset) else {
                return Err(self.spoilt(suffered));
            };
            self.over(hang).await;
        }
        self.diary(super::diary::Diary::called);
        let answer = self.with(work);
        if self.happens(self.travel().lost_calls) {
            std::future::pending::<()>().await;
        }
        wait(suffered.delay + way.mul_f64(0.5)).await;
        if spoilt && suffered.carried_out {
            if let Some(hang) = suffered.hang {
                self.over(hang).await;
            }
            return Err(self.spoilt(suffered));
        }
        if suffered.body == BodyFate::Whole {
            return answer;
        }
        let detail = "the answer broke off".to_owned();
        Err(CloudError::Malformed { api: API.to_owned(), detail })
    }

    fn spoilt(&self, suffered: Conditions) -> CloudError {
        match suffered.refused {
            Some((status, _)) => {
                let message = "General Error".to_owned();
                CloudError::Unavailable {
                    cloud: self.cloud_name().to_owned(),
                    status,
                    message,
                    retry_after: None,
                }
            }
            None if suffered.carried_out => self.timed_out(),
            None => {
                let detail = "connection reset".to_owned();
                CloudError::Unreachable { api: API.to_owned(), detail }
            }
        }
    }

    fn timed_out(&self) -> CloudError {
        CloudError::TimedOut { api: API.to_owned(), after: self.travel().patience }
    }

    fn refused(&self, why: &Refusal, key: &str) -> CloudError {
        let cloud = self.cloud_name().to_owned();
        match why {
            Refusal::NotFound { .. } => CloudError::NotFound { cloud, asset: key.to_owned() },
            Refusal::TargetExists { .. } | Refusal::Exists { .. } => {
                CloudError::Conflict { message: why.to_string() }
            }
            other => CloudError::Refused { cloud, message: other.to_string() },
        }
    }

    /// Takes one call of the Admin API out of the hour's pot.
    fn pay(&self, world: &mut World, now: Duration) -> Result<(), CloudError> {
        let limited = |left: QuotaLeft| CloudError::RateLimited {
            cloud: self.cloud_name().to_owned(),
            limit: left.limit,
            retry_at: Timestamp::from_second(left.reset_at).ok(),
        };
        world.take_quota(now).map(|_| ()).map_err(limited)
    }

    /// `explicit`: what storage holds, purged where asked for.
    fn explicit(
        &self,
        world: &mut World,
        now: Duration,
        key: &AssetKey,
        invalidate: bool,
    ) -> Result<Asset, CloudError> {
        let stored = world.explicit(key, Attributes::default(), invalidate, now);
        let stored = stored.map_err(|why| self.refused(&why, &key.to_string()))?;
        Ok(asset(world, &stored))
    }

    fn listed(
        &self,
        world: &mut World,
        now: Duration,
        order: &ListOrder,
    ) -> Result<Page, CloudError> {
        self.pay(world, now)?;
        let page = world.list(order, now);
        let assets = page.assets.iter().map(|stored| asset(world, stored)).collect();
        let next_cursor = page.next.map(|next| next.to_cursor());
        Ok(Page { assets, next_cursor, total: None })
    }

    fn found(
        &self,
        world: &mut World,
        now: Duration,
        query: &search::Query,
    ) -> Result<Page, CloudError> {
        self.pay(world, now)?;
        let found = world.search(query, now).map_err(|why| self.refused(&why, "the search"))?;
        let assets = found.page.iter().map(|stored| asset(world, stored)).collect();
        let next_cursor = found.next.map(|next| next.to_cursor());
        Ok(Page { assets, next_cursor, total: u64::try_from(found.total).ok() })
    }

    fn bad_cursor(&self) -> CloudError {
        let message = "Invalid value for parameter next_cursor".to_owned();
        CloudError::Refused { cloud: self.cloud_name().to_owned(), message }
    }
}

/// An asset as the API's replies tell of it.
fn asset(world: &World, stored: &Arc<StoredAsset>) -> Asset {
    let is_raw = stored.key.resource_type == ResourceType::Raw;
    let size = stored.content.size().filter(|_| !is_raw);
    Asset {
        key: stored.key.clone(),
        asset_id: Some(stored.asset_id.to_string()),
        version: stored.version,
        format: stored.format().map(|format| format.as_str().to_owned()),
        bytes: stored.content.length(),
        width: size.map(|(width, _)| width),
        height: size.map(|(_, height)| height),
        etag: Some(stored.content.etag().to_owned()),
        created_at: Timestamp::from_second(stored.created_at).ok(),
        asset_folder: Some(stored.asset_folder.to_string()),
        display_name: Some(stored.display_name.to_string()),
        tags: stored.tags.iter().map(ToString::to_string).collect(),
        secure_url: Some(format!("{DELIVERY}{}", world.original_path(stored))),
        placeholder: false,
    }
}

fn detailed(world: &mut World, key: &AssetKey, now: Duration) -> Result<AssetDetail, Refusal> {
    let detail = world.detail(key, now)?;
    let derived = detail.derived.iter().map(|row| {
        let content = row.content();
        DerivedAsset {
            id: row.id.to_string(),
            transformation: row.transformation.clone(),
            format: content.format().map(|format: Format| format.as_str().to_owned()),
            bytes: content.length(),
            secure_url: format!(
                "{DELIVERY}{}",
                world.derived_url(&detail.asset.key, detail.asset.version, row).path()
            ),
        }
    });
    let version = |kept: &Arc<StoredAsset>| BackupVersion {
        version_id: kept.version_id.to_string(),
        version: kept.version,
        bytes: kept.content.length(),
        restorable: true,
    };
    Ok(AssetDetail {
        derived: derived.collect(),
        derived_truncated: false,
        versions: detail.versions.iter().map(version).collect(),
        asset: Asset { placeholder: detail.placeholder, ..asset(world, &detail.asset) },
    })
}

#[async_trait]
impl Cloud for InProcess {
    fn cloud_name(&self) -> &str {
        &self.settings().cloud_name
    }

    fn api(&self) -> &str {
        API
    }

    fn quota(&self) -> Option<Quota> {
        let limit = self.settings().admin_quota;
        let used = self.with(|world, _| world.quota_used());
        Some(Quota { limit, remaining: limit.saturating_sub(used), reset_at: None })
    }

    async fn ping(&self) -> Result<(), CloudError> {
        self.harmless(ApiPart::Admin, |world, now| self.pay(world, now)).await
    }

    async fn list(
        &self,
        query: &ListQuery,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<Page, CloudError> {
        let limit = usize::from(limit.clamp(1, 500));
        let (resource_type, delivery_type, selection) = match query {
            ListQuery::Search { expression } => {
                let after = cursor.map(search::Position::from_cursor);
                let after =
                    after.map(|after| after.ok_or_else(|| self.bad_cursor())).transpose()?;
                let query = search::Query {
                    expression: expression.clone(),
                    limit,
                    after,
                    ..search::Query::default()
                };
                let found = |world: &mut World, now| self.found(world, now, &query);
                return self.harmless(ApiPart::Search, found).await;
            }
            ListQuery::Resources { resource_type, delivery_type, prefix } => {
                let selection = prefix.clone().map_or(Selection::All, Selection::Prefix);
                (Some(*resource_type), Some(*delivery_type), selection)
            }
            ListQuery::Tag { resource_type, tag } => {
                (Some(*resource_type), None, Selection::Tag(tag.clone()))
            }
            ListQuery::Folder { folder } => (None, None, Selection::Folder(folder.clone())),
        };
        let after = cursor.map(Position::from_cursor);
        let after = after.map(|after| after.ok_or_else(|| self.bad_cursor())).transpose()?;
        let order = ListOrder {
            resource_type,
            delivery_type,
            selection,
            oldest_first: false,
            start_at: None,
            limit,
            after,
        };
        self.harmless(ApiPart::Admin, |world, now| self.listed(world, now, &order)).await
    }

    async fn detail(&self, key: &AssetKey) -> Result<AssetDetail, CloudError> {
        let work = |world: &mut World, now| {
            self.pay(world, now)?;
            detailed(world, key, now).map_err(|why| self.refused(&why, &key.to_string()))
        };
        self.harmless(ApiPart::Admin, work).await
    }

    async fn stat(&self, key: &AssetKey) -> Result<Option<Asset>, CloudError> {
        let work = |world: &mut World, now| {
            self.diary(|diary| diary.read(key, now));
            self.explicit(world, now, key, false)
        };
        match self.harmless(ApiPart::Upload, work).await {
            Ok(asset) => Ok(Some(asset)),
            Err(CloudError::NotFound { .. }) => Ok(None),
            Err(why) => Err(why),
        }
    }

    async fn rename(&self, call: &RenameCall) -> Result<Asset, CloudError> {
        let RenameCall { from, to, overwrite, invalidate } = call.clone();
        let order = Rename { from, to, overwrite, invalidate };
        let work = |world: &mut World, now| {
            let stored = world.rename(&order, now);
            let stored = stored.map_err(|why| self.refused(&why, &order.from.to_string()))?;
            Ok(asset(world, &stored))
        };
        self.call(ApiPart::Upload, work).await
    }

    async fn destroy(&self, key: &AssetKey, invalidate: bool) -> Result<Destroyed, CloudError> {
        let work = |world: &mut World, now| {
            let found = world.destroy(key, invalidate, now);
            Ok(if found { Destroyed::Ok } else { Destroyed::NotFound })
        };
        self.call(ApiPart::Upload, work).await
    }

    async fn replace(&self, call: &ReplaceCall) -> Result<Asset, CloudError> {
        let unreadable = |why: std::io::Error| CloudError::File {
            path: call.file.display().to_string(),
            detail: why.to_string(),
        };
        let bytes = tokio::fs::read(&call.file).await.map_err(unreadable)?;
        let sniffed = sniff(&bytes);
        if call.key.resource_type == ResourceType::Image
            && !sniffed.is_some_and(|found| found.format.is_picture())
        {
            let why = Refusal::bad("Invalid image file");
            return Err(self.refused(&why, &call.key.to_string()));
        }
        let upload = Upload {
            key: call.key.clone(),
            content: Content::uploaded(bytes.into(), sniffed),
            original_filename: None,
            attributes: Attributes::default(),
            overwrite: true,
            invalidate: call.invalidate,
            backup: false,
        };
        let work = |world: &mut World, now| {
            let uploaded = world.upload(upload, now);
            Ok(asset(world, &uploaded.asset))
        };
        self.call(ApiPart::Upload, work).await
    }

    async fn invalidate(&self, key: &AssetKey) -> Result<Asset, CloudError> {
        let work = |world: &mut World, now| self.explicit(world, now, key, true);
        self.harmless(ApiPart::Upload, work).await
    }

    async fn restore(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
    ) -> Result<Vec<(String, Restored)>, CloudError> {
        let work = |world: &mut World, now| {
            self.pay(world, now)?;
            let one = |id: &String| {
                let key = PublicId::from_cloud(id).map(|public_id| AssetKey {
                    resource_type,
                    delivery_type,
                    public_id,
                });
                let restored =
                    key.map_or(Err(NotRestored::NoBackup), |key| world.restore(&key, None, now));
                let restored = match restored {
                    Ok(stored) => Restored::Ok(Box::new(asset(world, &stored))),
                    Err(NotRestored::NoBackup) => Restored::NoBackup,
                    Err(why) => Restored::Failed { message: why.as_str().to_owned() },
                };
                (id.clone(), restored)
            };
            Ok(public_ids.iter().map(one).collect())
        };
        self.call(ApiPart::Admin, work).await
    }

    async fn delete_many(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
        invalidate: bool,
    ) -> Result<BulkDeleted, CloudError> {
        let named = |id: &String| {
            let key = PublicId::from_cloud(id).ok();
            let key = key.map(|public_id| AssetKey { resource_type, delivery_type, public_id });
            (id.clone(), key)
        };
        let order = Removal {
            doomed: Doomed::Keys(public_ids.iter().map(named).collect()),
            keep_original: false,
            transformations: Vec::new(),
            invalidate,
            after: None,
        };
        let work = |world: &mut World, now| {
            self.pay(world, now)?;
            let done = world.remove_many(&order, now);
            let deleted = done.removed.into_iter().map(|one| (one.name, one.found)).collect();
            Ok(BulkDeleted { deleted, next_cursor: done.next })
        };
        self.call(ApiPart::Admin, work).await
    }

    async fn invalidate_by_urls(&self, urls: &[String]) -> Result<String, CloudError> {
        let path = |url: &String| {
            let rest = url.split_once("://").map_or(url.as_str(), |(_, rest)| rest);
            rest.find('/').map(|at| rest[at..].to_owned())
        };
        let paths: BTreeSet<String> = urls.iter().filter_map(path).collect();
        let work = |world: &mut World, now| {
            self.pay(world, now)?;
            world.invalidate_urls(paths, now);
            Ok("ok".to_owned())
        };
        self.call(ApiPart::Admin, work).await
    }
}
