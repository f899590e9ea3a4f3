//! Delivery from storage: what a request for a path is answered where no cache helps.

use std::sync::Arc;

use secrecy::SecretString;

use super::asset::{Derived, HexId, StoredAsset};
use super::storage::Storage;
use super::transformation;
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::delivery_url::{BadDeliveryUrl, DeliveryUrl};
use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::chance::{Chance, hash_bytes, hash_text};
use crate::local_cloud::content::{Content, Format};

/// What a path stands for; the tag that its copies carry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Address {
    /// Every way to read it, best first.
    pub readings: Vec<DeliveryUrl>,
    /// The asset that answered, or all that might have.
    pub names: Vec<AssetKey>,
}

impl Address {
    /// A path that `asset` answers.
    #[must_use]
    pub fn of_asset(readings: Vec<DeliveryUrl>, asset: AssetKey) -> Self {
        Self { readings, names: vec![asset] }
    }
}

/// What storage answers to a delivery request. Cached as it is.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub content: Option<Arc<Content>>,
    /// `x-cld-error`.
    pub error: Option<String>,
    /// Another `Accept` class gets another answer.
    pub varies: bool,
    /// UNIX seconds: when the delivered copy was made (`crt`, `Last-Modified`).
    pub created_at: i64,
    /// The original behind it, and when its file was uploaded (`ocrt`).
    pub original: Option<(Arc<Content>, i64)>,
    pub address: Arc<Address>,
}

impl Answer {
    /// An answer without content.
    #[must_use]
    pub const fn refusal(status: u16, error: Option<String>, address: Arc<Address>) -> Self {
        let (content, original) = (None, None);
        Self { status, content, error, varies: false, created_at: 0, original, address }
    }
}

/// What delivery needs to know besides storage.
pub struct Origin<'a> {
    pub cloud_name: &'a str,
    pub secret: &'a SecretString,
    pub chance: Chance,
    pub unix_now: i64,
}

impl Origin<'_> {
    /// Answers a request for `path` (with query). Makes the derived asset where it does not exist yet.
    pub fn answer(&self, storage: &mut Storage, path: &str, accept: AcceptVariant) -> Answer {
        let readings = match DeliveryUrl::readings(path, Some(self.cloud_name)) {
            Ok(readings) => readings,
            Err(error) => return unreadable(&error),
        };
        if let Some(error) = self.denied(&readings[0]) {
            let names = readings.iter().map(|url| url.asset.clone()).collect();
            let address = Arc::new(Address { readings, names });
            return Answer::refusal(401, Some(error), address);
        }
        let found = readings
            .iter()
            .find_map(|url| storage.get(&url.asset).map(|asset| (url.clone(), asset.clone())));
        match found {
            Some((url, asset)) => {
                let address = Arc::new(Address::of_asset(readings, asset.key.clone()));
                self.delivered(storage, &url, &asset, accept, address)
            }
            None => Self::stand_in(storage, &readings).unwrap_or_else(|| not_found(readings)),
        }
    }

    /// Why this URL may not be delivered to whoever asks.
    fn denied(&self, url: &DeliveryUrl) -> Option<String> {
        use DeliveryType::{Authenticated, Private};
        let needs_signature = matches!(url.asset.delivery_type, Private | Authenticated);
        let refused = match &url.signature {
            None => needs_signature,
            Some(_) => !url.verify(self.secret),
        };
        refused.then(|| "deny or ACL failure".to_owned())
    }

    /// The picture that is shown where there is none (`d_<id>` in the chain), which exists; the reason is told all
    /// the same (facts §5.3).
    fn stand_in(storage: &Storage, readings: &[DeliveryUrl]) -> Option<Answer> {
        let mut parts = readings[0].transformations.iter().flat_map(|link| link.split(','));
        let file = parts.find_map(|part| part.strip_prefix("d_"))?.replace(':', "/");
        let id = file.rsplit_once('.').map_or(file.as_str(), |(id, _)| id);
        let key = AssetKey::image(id.parse().ok()?);
        let asset = storage.get(&key)?;
        let refused = not_found(readings.to_vec());
        let names = refused.address.names.iter().cloned().chain([key]).collect();
        Some(Answer {
            status: 200,
            content: Some(asset.content.clone()),
            created_at: asset.uploaded_at,
            address: Arc::new(Address { readings: readings.to_vec(), names }),
            ..refused
        })
    }

    fn delivered(
        &self,
        storage: &mut Storage,
        url: &DeliveryUrl,
        asset: &Arc<StoredAsset>,
        accept: AcceptVariant,
        address: Arc<Address>,
    ) -> Answer {
        let original = Some((asset.content.clone(), asset.uploaded_at));
        if !is_derived(url, asset) {
            return Answer {
                status: 200,
                content: Some(asset.content.clone()),
                error: None,
                varies: false,
                created_at: asset.uploaded_at,
                original,
                address,
            };
        }
        let extension = url.extension.as_deref();
        if let Some(unknown) = extension.filter(|ext| Format::from_extension(ext).is_none()) {
            let error = format!("Invalid image format in transformation: {unknown}");
            return Answer::refusal(400, Some(error), address);
        }
        let plan = transformation::plan(&url.transformations, &asset.content, extension, accept);
        let plan = match plan {
            Ok(plan) => plan,
            Err(problem) => return Answer::refusal(400, Some(problem), address),
        };
        let (content, created_at) = self.made(storage, url, asset, &plan);
        Answer {
            status: 200,
            content: Some(content),
            error: None,
            varies: plan.varies,
            created_at,
            original,
            address,
        }
    }

    /// The derived asset that `url` names, made now where nobody asked for it before.
    fn made(
        &self,
        storage: &mut Storage,
        url: &DeliveryUrl,
        asset: &StoredAsset,
        plan: &transformation::Plan,
    ) -> (Arc<Content>, i64) {
        let chain = url.transformations.join("/");
        let derive = || {
            let from = asset.content.clone();
            Arc::new(Content::derived(from, &chain, plan.frames.clone(), plan.format))
        };
        let extension = url.extension.as_deref().map(str::to_ascii_lowercase);
        // `jpg`, `jpeg` and no extension for a JPEG name one derived asset
        let format = |ext: Option<&str>| ext.and_then(Format::from_extension).or(asset.format());
        let wanted = format(extension.as_deref());
        let rows = storage.derived_mut(&asset.key);
        let row = rows
            .iter_mut()
            .find(|row| row.transformation == chain && format(row.extension.as_deref()) == wanted);
        if let Some(row) = row {
            let kept = row.contents.iter().find(|made| made.format() == Some(plan.format)).cloned();
            let content = kept.unwrap_or_else(|| {
                let content = derive();
                row.contents.push(content.clone());
                content
            });
            return (content, row.created_at);
        }
        let content = derive();
        let numbers = [
            hash_bytes(&asset.asset_id.0),
            asset.version,
            hash_text(&chain),
            hash_text(wanted.map_or("", Format::as_str)),
        ];
        rows.push(Derived {
            id: HexId(self.chance.id("derived", &numbers)),
            transformation: chain,
            extension,
            contents: vec![content.clone()],
            created_at: self.unix_now,
        });
        (content, self.unix_now)
    }
}

/// Whether the URL asks for something else than the stored file. Raw files are always delivered as they are.
fn is_derived(url: &DeliveryUrl, asset: &StoredAsset) -> bool {
    if asset.key.resource_type == ResourceType::Raw {
        return false;
    }
    let written = url.extension.as_deref();
    let same_format = asset.format().is_none()
        || written.is_none_or(|ext| {
            Format::from_extension(ext).is_some() && Format::from_extension(ext) == asset.format()
        });
    !url.transformations.is_empty() || !same_format
}

fn unreadable(error: &BadDeliveryUrl) -> Answer {
    let nowhere = Arc::new(Address::default());
    match error {
        BadDeliveryUrl::OtherCloud { found, .. } => {
            Answer::refusal(401, Some(format!("Unknown customer {found}")), nowhere)
        }
        _ => Answer::refusal(404, None, nowhere),
    }
}

fn not_found(readings: Vec<DeliveryUrl>) -> Answer {
    let error = match readings[0].asset.delivery_type {
        DeliveryType::Fetch => "Images of type fetch are restricted in this account".to_owned(),
        _ => format!("Resource not found - {}", readings[0].asset.public_id),
    };
    let mut names: Vec<AssetKey> = readings.iter().map(|url| url.asset.clone()).collect();
    names.sort();
    names.dedup();
    Answer::refusal(404, Some(error), Arc::new(Address { readings, names }))
}
