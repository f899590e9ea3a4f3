//! Which call does what.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use reqwest::Method;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use super::Credentials;
use super::transport::{
    Call, ClientOptions, Params, Payload, Repeat, Transport, escape, file_name, unreadable,
};
use super::wire::{AssetReply, DeleteReply, DestroyReply, FoldersReply, ListReply, PingReply};
use crate::adapters::system_clock::SystemClock;
use crate::domain::asset::{Asset, AssetDetail, AssetKey, DeliveryType, ResourceType};
use crate::ports::clock::Clock;
use crate::ports::cloud::{
    BulkDeleted, Cloud, CloudError, Destroyed, ListQuery, MOST_FOLDERS, Page, Quota, RenameCall,
    ReplaceCall, Restored,
};

/// Most rows a page may have.
const MAX_PAGE: u16 = 500;
/// Most public IDs one bulk call may name.
const MAX_BULK: usize = 100;
/// Pages of derived copies read at most, 500 each.
const MAX_DERIVED_PAGES: usize = 20;

/// The API of one cloud, over one connection pool.
pub struct CloudinaryClient {
    transport: Transport,
}

impl CloudinaryClient {
    /// A client for the cloud of `credentials`; `api_prefix` is `upload_prefix`, see [`super::DEFAULT_API`].
    /// Connects to nothing yet.
    ///
    /// # Errors
    /// [`CloudError::Unreachable`] when the prefix is no `http` or `https` address.
    pub fn new(
        credentials: Credentials,
        api_prefix: &str,
        options: ClientOptions,
    ) -> Result<Self, CloudError> {
        let clock = Arc::new(SystemClock);
        Ok(Self { transport: Transport::new(credentials, api_prefix, options, clock)? })
    }

    /// The same client, signing by another clock.
    #[must_use]
    pub fn with_clock(self, clock: Arc<dyn Clock>) -> Self {
        Self { transport: self.transport.with_clock(clock) }
    }

    fn call<'a>(
        &self,
        method: Method,
        path: String,
        payload: Payload<'a>,
        repeat: Repeat,
        subject: &str,
    ) -> Call<'a> {
        let timeout = match payload {
            Payload::SignedFile { .. } | Payload::SignedPart { .. } => {
                self.transport.options.upload_timeout
            }
            _ => self.transport.options.timeout,
        };
        Call { method, path, payload, repeat, timeout, subject: subject.to_owned() }
    }

    fn get(&self, path: String, query: Params, subject: &str) -> Call<'static> {
        self.call(Method::GET, path, Payload::Query(query), Repeat::Harmless, subject)
    }

    /// One Upload API call about `key`.
    fn upload_api(
        &self,
        action: &str,
        key: &AssetKey,
        params: Params,
        repeat: Repeat,
    ) -> Call<'static> {
        let path = format!("{}/{action}", key.resource_type);
        self.call(Method::POST, path, Payload::Signed(params), repeat, &key.to_string())
    }

    /// The asset of a reply, which must be about one asset.
    fn asset(&self, reply: AssetReply, asked: &AssetKey) -> Result<Asset, CloudError> {
        reply
            .into_asset((asked.resource_type, asked.delivery_type))
            .map_err(|why| self.transport.malformed(&why.to_string()))
    }

    async fn explicit(&self, key: &AssetKey, invalidate: bool) -> Result<Asset, CloudError> {
        let mut params = named(key);
        if invalidate {
            params.push(("invalidate", "true".to_owned()));
        }
        let call = self.upload_api("explicit", key, params, Repeat::Harmless);
        self.asset(self.transport.json(&call).await?, key)
    }

    /// Admin detail of `key`, one page of derived copies.
    async fn detail_page(&self, key: &AssetKey, query: Params) -> Result<AssetReply, CloudError> {
        let path = format!(
            "resources/{}/{}/{}",
            key.resource_type,
            key.delivery_type,
            escape(key.public_id.as_str(), "/:")
        );
        self.transport.json(&self.get(path, query, &key.to_string())).await
    }

    /// Sends a file above the size of one request in parts; the last answer is the asset's.
    async fn replace_in_parts(
        &self,
        key: &AssetKey,
        params: Params,
        file: &Path,
        total: u64,
    ) -> Result<AssetReply, CloudError> {
        let failed = |why: std::io::Error| unreadable(file, &why);
        let mut opened = tokio::fs::File::open(file).await.map_err(failed)?;
        let (name, upload) = (file_name(file), uuid::Uuid::now_v7().simple().to_string());
        let size = self.transport.options.upload_part as u64;
        let mut from = 0;
        loop {
            let length = size.min(total - from);
            let mut part = Vec::new();
            opened.seek(std::io::SeekFrom::Start(from)).await.map_err(failed)?;
            (&mut opened).take(length).read_to_end(&mut part).await.map_err(failed)?;
            if (part.len() as u64) < length {
                let why = std::io::Error::other("it became shorter while it was sent");
                return Err(unreadable(file, &why));
            }
            let payload = Payload::SignedPart {
                params: params.clone(),
                name: &name,
                part,
                from,
                total,
                upload: &upload,
            };
            let call = self.call(
                Method::POST,
                format!("{}/upload", key.resource_type),
                payload,
                Repeat::OnlyUnsent,
                &key.to_string(),
            );
            let reply = self.transport.send(&call).await?;
            from += length;
            if from >= total {
                return self.transport.decode(&reply.body);
            }
        }
    }

    fn too_many(&self, count: usize) -> Result<(), CloudError> {
        if count <= MAX_BULK {
            return Ok(());
        }
        Err(CloudError::Refused {
            cloud: self.transport.cloud().to_owned(),
            message: format!("one call takes at most {MAX_BULK} public IDs, not {count}"),
        })
    }
}

#[async_trait]
impl Cloud for CloudinaryClient {
    fn cloud_name(&self) -> &str {
        self.transport.cloud()
    }

    fn api(&self) -> &str {
        self.transport.api()
    }

    fn quota(&self) -> Option<Quota> {
        self.transport.quota.get()
    }

    async fn ping(&self) -> Result<(), CloudError> {
        let reply: PingReply =
            self.transport.json(&self.get("ping".to_owned(), Vec::new(), "the API")).await?;
        match reply.status.as_deref() {
            Some("ok") => Ok(()),
            status => Err(self.transport.malformed(&format!(
                "`ping` answered {} instead of ok",
                status.unwrap_or("nothing")
            ))),
        }
    }

    async fn list(
        &self,
        query: &ListQuery,
        limit: u16,
        cursor: Option<&str>,
    ) -> Result<Page, CloudError> {
        let limit = limit.clamp(1, MAX_PAGE);
        let rows = |mut params: Params| {
            params.push(("max_results", limit.to_string()));
            params.push(("tags", "true".to_owned()));
            params.extend(cursor.map(|cursor| ("next_cursor", cursor.to_owned())));
            params
        };
        let (call, asked) = match query {
            ListQuery::Resources { resource_type, delivery_type, prefix } => {
                let path = format!("resources/{resource_type}/{delivery_type}");
                let prefix = prefix.clone().filter(|prefix| !prefix.is_empty());
                let params = prefix.map(|prefix| ("prefix", prefix)).into_iter().collect();
                let asked = (*resource_type, *delivery_type);
                (self.get(path, rows(params), "the listing"), asked)
            }
            ListQuery::Tag { resource_type, tag } => {
                let path = format!("resources/{resource_type}/tags/{}", escape(tag, ""));
                let asked = (*resource_type, DeliveryType::default());
                (self.get(path, rows(Vec::new()), &format!("tag {tag}")), asked)
            }
            ListQuery::Folder { folder } => {
                let mut params = rows(Vec::new());
                params.push(("asset_folder", folder.clone()));
                let subject = format!("folder {folder}");
                let call = self.get("resources/by_asset_folder".to_owned(), params, &subject);
                (call, Default::default())
            }
            ListQuery::Search { expression } => {
                // everything but the cursor must stay the same between pages
                let mut body = json!({
                    "expression": expression,
                    "sort_by": [{ "created_at": "desc" }],
                    "max_results": limit,
                    "with_field": ["tags"],
                });
                if let Some(cursor) = cursor {
                    body["next_cursor"] = json!(cursor);
                }
                let call = self.call(
                    Method::POST,
                    "resources/search".to_owned(),
                    Payload::Json(body),
                    Repeat::Harmless,
                    "the search",
                );
                (call, Default::default())
            }
        };
        let mut page: ListReply = self.transport.json(&call).await?;
        let next_cursor = page.next_cursor.take().filter(|next| !next.is_empty());
        Ok(Page { total: page.total_count, assets: page.into_assets(asked), next_cursor })
    }

    async fn folders(&self, path: &str) -> Result<Vec<String>, CloudError> {
        let below = if path.is_empty() { String::new() } else { format!("/{}", escape(path, "/")) };
        let (mut found, mut next) = (Vec::new(), None);
        while found.len() < MOST_FOLDERS {
            let mut params = vec![("max_results", MAX_PAGE.to_string())];
            params.extend(next.take().map(|cursor| ("next_cursor", cursor)));
            let call = self.get(format!("folders{below}"), params, &format!("folder {path}"));
            let page: FoldersReply = self.transport.json(&call).await?;
            let before = found.len();
            found.extend(page.folders.into_iter().map(|folder| folder.path));
            next = page.next_cursor.filter(|next| !next.is_empty());
            if next.is_none() || found.len() == before {
                break;
            }
        }
        Ok(found)
    }

    async fn detail(&self, key: &AssetKey) -> Result<AssetDetail, CloudError> {
        let query = |cursor: Option<String>| {
            let mut query = vec![
                ("max_results", MAX_PAGE.to_string()),
                ("versions", "true".to_owned()),
                ("tags", "true".to_owned()),
            ];
            query.extend(cursor.map(|cursor| ("derived_next_cursor", cursor)));
            query
        };
        let mut first = self.detail_page(key, query(None)).await?;
        let (mut derived, mut next) = first.take_derived();
        for _ in 1..MAX_DERIVED_PAGES {
            let Some(cursor) = next.take() else { break };
            let mut page = self.detail_page(key, query(Some(cursor.clone()))).await?;
            let (more, following) = page.take_derived();
            next = following.filter(|following| *following != cursor);
            derived.extend(more);
        }
        let versions = first.take_versions();
        Ok(AssetDetail {
            asset: self.asset(first, key)?,
            derived,
            derived_truncated: next.is_some(),
            versions,
        })
    }

    async fn by_ids(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
    ) -> Result<Vec<Asset>, CloudError> {
        self.too_many(public_ids.len())?;
        if public_ids.is_empty() {
            return Ok(Vec::new()); // a call without names would list everything
        }
        let mut query: Params = public_ids.iter().map(|id| ("public_ids[]", id.clone())).collect();
        query.push(("tags", "true".to_owned()));
        let path = format!("resources/{resource_type}/{delivery_type}");
        let page: ListReply = self.transport.json(&self.get(path, query, "the names")).await?;
        let asked: HashSet<&str> = public_ids.iter().map(String::as_str).collect();
        let mut assets = page.into_assets((resource_type, delivery_type));
        assets.retain(|asset| {
            !asset.placeholder
                && asset.key.resource_type == resource_type
                && asset.key.delivery_type == delivery_type
                && asked.contains(asset.key.public_id.as_str())
        });
        Ok(assets)
    }

    async fn stat(&self, key: &AssetKey) -> Result<Option<Asset>, CloudError> {
        let found = match key.delivery_type {
            DeliveryType::Upload | DeliveryType::Private | DeliveryType::Authenticated => {
                self.explicit(key, false).await
            }
            // `explicit` would fetch a remote file that is not stored yet
            _ => match self.detail_page(key, vec![("max_results", "1".to_owned())]).await {
                Ok(reply) => self.asset(reply, key),
                Err(why) => Err(why),
            },
        };
        match found {
            Ok(asset) if asset.placeholder => Ok(None),
            Ok(asset) => Ok(Some(asset)),
            Err(CloudError::NotFound { .. }) => Ok(None),
            Err(why) => Err(why),
        }
    }

    async fn rename(&self, rename: &RenameCall) -> Result<Asset, CloudError> {
        let (from, to) = (&rename.from, &rename.to);
        let mut params = vec![
            ("from_public_id", from.public_id.to_string()),
            ("to_public_id", to.public_id.to_string()),
            ("type", from.delivery_type.to_string()),
            ("overwrite", rename.overwrite.to_string()),
            ("invalidate", rename.invalidate.to_string()),
        ];
        if to.delivery_type != from.delivery_type {
            params.push(("to_type", to.delivery_type.to_string()));
        }
        let call = self.upload_api("rename", from, params, Repeat::OnlyUnsent);
        self.asset(self.transport.json(&call).await?, to)
    }

    async fn destroy(&self, key: &AssetKey, invalidate: bool) -> Result<Destroyed, CloudError> {
        let mut params = named(key);
        params.push(("invalidate", invalidate.to_string()));
        let call = self.upload_api("destroy", key, params, Repeat::OnlyUnsent);
        let reply: DestroyReply = self.transport.json(&call).await?;
        match reply.result.as_deref() {
            Some("ok") => Ok(Destroyed::Ok),
            Some("not found" | "not_found") => Ok(Destroyed::NotFound),
            other => Err(self.transport.malformed(&format!(
                "`destroy` answered `{}` instead of `ok`",
                other.unwrap_or("nothing")
            ))),
        }
    }

    async fn replace(&self, replace: &ReplaceCall) -> Result<Asset, CloudError> {
        let (key, file) = (&replace.key, replace.file.as_path());
        let mut params = named(key);
        params.push(("overwrite", "true".to_owned()));
        params.push(("invalidate", replace.invalidate.to_string()));
        let found = tokio::fs::metadata(file).await.map_err(|why| unreadable(file, &why))?;
        if !found.is_file() {
            return Err(unreadable(file, &std::io::Error::other("it is no regular file")));
        }
        let reply = if found.len() > self.transport.options.upload_whole {
            self.replace_in_parts(key, params, file, found.len()).await?
        } else {
            let call = self.call(
                Method::POST,
                format!("{}/upload", key.resource_type),
                Payload::SignedFile { params, file },
                Repeat::OnlyUnsent,
                &key.to_string(),
            );
            self.transport.json(&call).await?
        };
        self.asset(reply, key)
    }

    async fn invalidate(&self, key: &AssetKey) -> Result<Asset, CloudError> {
        self.explicit(key, true).await
    }

    async fn restore(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
    ) -> Result<Vec<(String, Restored)>, CloudError> {
        self.too_many(public_ids.len())?;
        if public_ids.is_empty() {
            return Ok(Vec::new());
        }
        let call = self.call(
            Method::POST,
            format!("resources/{resource_type}/{delivery_type}/restore"),
            Payload::Json(json!({ "public_ids": public_ids })),
            Repeat::OnlyUnsent,
            "the restore",
        );
        let mut reply: Map<String, Value> = self.transport.json(&call).await?;
        Ok(public_ids
            .iter()
            .map(|id| (id.clone(), self.restored((resource_type, delivery_type), reply.remove(id))))
            .collect())
    }

    async fn delete_many(
        &self,
        resource_type: ResourceType,
        delivery_type: DeliveryType,
        public_ids: &[String],
        invalidate: bool,
    ) -> Result<BulkDeleted, CloudError> {
        self.too_many(public_ids.len())?;
        if public_ids.is_empty() {
            return Ok(BulkDeleted::default()); // a call without a selector must never leave
        }
        let call = self.call(
            Method::DELETE,
            format!("resources/{resource_type}/{delivery_type}"),
            Payload::Json(json!({ "public_ids": public_ids, "invalidate": invalidate })),
            Repeat::OnlyUnsent,
            "the bulk delete",
        );
        let reply: DeleteReply = self.transport.json(&call).await?;
        let told = reply.deleted.unwrap_or_default();
        let deleted = public_ids
            .iter()
            .filter_map(|id| Some((id.clone(), told.get(id)?.as_str()? == "deleted")))
            .collect();
        let partial = reply.partial.unwrap_or_default();
        Ok(BulkDeleted { deleted, next_cursor: reply.next_cursor.filter(|_| partial) })
    }

    async fn invalidate_by_urls(&self, urls: &[String]) -> Result<String, CloudError> {
        let call = self.call(
            Method::DELETE,
            "derived_resources/invalidate_by_urls".to_owned(),
            Payload::Json(json!({ "urls": urls, "skip_reporting": false })),
            Repeat::OnlyUnsent,
            "the invalidation by URL",
        );
        let reply = self.transport.send(&call).await?;
        Ok(self.transport.tidy(&String::from_utf8_lossy(&reply.body)))
    }
}

impl CloudinaryClient {
    fn restored(&self, asked: (ResourceType, DeliveryType), entry: Option<Value>) -> Restored {
        let failed = |message: &str| Restored::Failed { message: self.transport.tidy(message) };
        match entry {
            None => failed("the reply does not name it"),
            Some(entry) => match entry.get("error").and_then(Value::as_str) {
                Some("no_backup") => Restored::NoBackup,
                Some(error) => failed(error),
                None => serde_json::from_value::<AssetReply>(entry)
                    .map_err(|why| why.to_string())
                    .and_then(|reply| reply.into_asset(asked).map_err(|why| why.to_string()))
                    .map_or_else(|why| failed(&why), |asset| Restored::Ok(Box::new(asset))),
            },
        }
    }
}

/// The parameters that name an asset; the resource type is in the path.
fn named(key: &AssetKey) -> Params {
    vec![("public_id", key.public_id.to_string()), ("type", key.delivery_type.to_string())]
}
