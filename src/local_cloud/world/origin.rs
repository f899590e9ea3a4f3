//! Delivery from storage: what a request for a path is answered where no cache helps.

use std::sync::Arc;
use std::time::Duration;

use secrecy::SecretString;

use super::asset::{Derived, HexId, StoredAsset};
use super::storage::Storage;
use super::{Settings, tag_list, token, transformation};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::delivery_url::{BadDeliveryUrl, DeliveryUrl};
use crate::domain::sighting::AcceptVariant;
use crate::local_cloud::chance::{Chance, hash_bytes, hash_text};
use crate::local_cloud::content::{Content, Format};
use crate::local_cloud::remote::Remote;

/// Derived assets that storage knows of one original; the oldest is forgotten, and made anew when asked for.
const MOST_DERIVED: usize = 4096;

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
    /// Where edges keep it for another time than others.
    pub lifetime: Option<Duration>,
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
        let (content, original, lifetime) = (None, None, None);
        Self { status, content, error, varies: false, lifetime, created_at: 0, original, address }
    }

    /// Whether everything that is sent of it is known without work.
    #[must_use]
    pub fn is_at_hand(&self) -> bool {
        self.content.as_ref().is_none_or(|content| content.is_at_hand())
            && self.original.as_ref().is_none_or(|(original, _)| original.is_measured())
    }
}

/// What delivery needs to know besides storage.
pub struct Origin<'a> {
    pub cloud_name: &'a str,
    pub secret: &'a SecretString,
    /// Opens authenticated assets by token, where the account has such a key.
    pub token_key: Option<&'a SecretString>,
    pub chance: Chance,
    pub unix_now: i64,
}

impl Settings {
    /// Delivery as this cloud does it, at `unix_now`.
    #[must_use]
    pub fn origin(&self, chance: Chance, unix_now: i64) -> Origin<'_> {
        Origin {
            cloud_name: &self.cloud_name,
            secret: &self.api_secret,
            token_key: self.auth_token_key.as_ref(),
            chance,
            unix_now,
        }
    }
}

impl Origin<'_> {
    /// Answers a request for `path` (with query). Makes the derived asset where it does not exist yet.
    pub fn answer(&self, storage: &mut Storage, path: &str, accept: AcceptVariant) -> Answer {
        let readings = match DeliveryUrl::readings(path, Some(self.cloud_name)) {
            Ok(readings) => readings,
            Err(error) => return unreadable(&error),
        };
        let found = readings
            .iter()
            .find_map(|url| storage.get(&url.asset).map(|asset| (url.clone(), asset.clone())));
        let lifetime = match self.opened(found.as_ref().map(|(url, _)| url), &readings) {
            Ok(lifetime) => lifetime,
            Err(error) => {
                let names = readings.iter().map(|url| url.asset.clone()).collect();
                let address = Arc::new(Address { readings, names });
                return Answer::refusal(401, Some(error), address);
            }
        };
        if let Some((url, asset)) = found {
            let address = Arc::new(Address::of_asset(readings, asset.key.clone()));
            let answer = self.delivered(storage, &url, &asset, accept, address);
            return Answer { lifetime, ..answer };
        }
        if readings[0].asset.delivery_type == DeliveryType::List {
            return tag_list::answer(storage, readings, self.unix_now);
        }
        Self::stand_in(storage, &readings).unwrap_or_else(|| not_found(readings))
    }

    /// The remote file that `path` stands for, where storage has to be given it before it can answer: it is not
    /// there yet, or was ordered to be read anew. Only what lies on this host is ever read.
    #[must_use]
    pub fn wants(&self, storage: &Storage, path: &str) -> Option<(AssetKey, Remote)> {
        let readings = DeliveryUrl::readings(path, Some(self.cloud_name)).ok()?;
        let url = readings.first().filter(|url| url.asset.delivery_type == DeliveryType::Fetch)?;
        let is_here = storage.get(&url.asset).is_some() && !storage.is_outdated(&url.asset);
        if is_here || self.opened(Some(url), &readings).is_err() {
            return None;
        }
        Some((url.asset.clone(), Remote::on_this_host(url.asset.public_id.as_str())?))
    }

    /// Whether this may be delivered to whoever asks, and for how long edges may go on doing so where that is not as
    /// long as ever; by the reading that names a stored asset, or by all of them where none does.
    ///
    /// Private and authenticated assets need a signature or a token, lists of assets by their tag a signature
    /// (they are restricted by default, as on new accounts). A signature that is given has to be right, whatever
    /// it is for; it covers transformations and name as they are written, so another SDK's escaping has its own.
    fn opened(
        &self,
        found: Option<&DeliveryUrl>,
        readings: &[DeliveryUrl],
    ) -> Result<Option<Duration>, String> {
        use DeliveryType::{Authenticated, List, Private};
        let url = found.unwrap_or(&readings[0]);
        if url.signature.is_some() {
            let mut signed = found.map_or(readings, std::slice::from_ref).iter();
            let is_right = signed.any(|url| url.verify(self.secret));
            return is_right.then_some(None).ok_or_else(|| DENIED.to_owned());
        }
        match url.asset.delivery_type {
            List => Err(restricted(List)),
            Private | Authenticated => {
                let expires_at = self.token_of(url).ok_or_else(|| DENIED.to_owned())?;
                let left = u64::try_from(expires_at - self.unix_now).unwrap_or(0);
                Ok(Some(Duration::from_secs(left)))
            }
            _ => Ok(None),
        }
    }

    /// When the token ends that opens `url`, in UNIX seconds.
    fn token_of(&self, url: &DeliveryUrl) -> Option<i64> {
        let (token, key) = (token::of_query(url.query.as_deref()?)?, self.token_key?);
        let path = url.path();
        // hosts that name the cloud have paths without it
        let own = path.strip_prefix('/')?.strip_prefix(self.cloud_name)?;
        [&path, own].into_iter().find_map(|path| token::opens(token, path, key, self.unix_now))
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
                lifetime: None,
                created_at: asset.uploaded_at,
                original,
                address,
            };
        }
        let extension = url.extension.as_deref();
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
            lifetime: None,
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
            Arc::new(Content::derived(from, &chain, plan.drawing.clone()))
        };
        let extension = url.extension.as_deref().map(str::to_ascii_lowercase);
        // `jpg`, `jpeg` and no extension for a JPEG name one derived asset
        let kind = |extension: Option<&str>| match extension {
            Some(ext) => match Format::from_extension(ext) {
                Some(format) => format.as_str().to_owned(),
                None => ext.to_owned(),
            },
            None => asset.format().map_or("", Format::as_str).to_owned(),
        };
        let wanted = kind(extension.as_deref());
        let rows = storage.derived_mut(&asset.key);
        let row = rows
            .iter_mut()
            .find(|row| row.transformation == chain && kind(row.extension.as_deref()) == wanted);
        if let Some(row) = row {
            let format = Some(plan.drawing.format);
            let kept = row.contents.iter().find(|made| made.format() == format).cloned();
            let content = kept.unwrap_or_else(|| {
                let content = derive();
                row.contents.push(content.clone());
                content
            });
            return (content, row.created_at);
        }
        if rows.len() >= MOST_DERIVED {
            rows.remove(0);
        }
        let content = derive();
        let numbers =
            [hash_bytes(&asset.asset_id.0), asset.version, hash_text(&chain), hash_text(&wanted)];
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

const DENIED: &str = "deny or ACL failure";

fn restricted(kind: DeliveryType) -> String {
    format!("Images of type {kind} are restricted in this account")
}

fn unreadable(error: &BadDeliveryUrl) -> Answer {
    let (status, text) = match error {
        BadDeliveryUrl::OtherCloud { found, .. } => {
            (401, Some(format!("Unknown customer {found}")))
        }
        BadDeliveryUrl::Escape | BadDeliveryUrl::PublicId(_) | BadDeliveryUrl::DotSegment => {
            (400, Some("Invalid URL".to_owned()))
        }
        BadDeliveryUrl::TooLong { .. } => (414, None),
        _ => (404, None),
    };
    Answer::refusal(status, text, Arc::default())
}

fn not_found(readings: Vec<DeliveryUrl>) -> Answer {
    let AssetKey { delivery_type, public_id, .. } = &readings[0].asset;
    let is_abroad = || Remote::on_this_host(public_id.as_str()).is_none();
    let error = match delivery_type {
        DeliveryType::Fetch if is_abroad() => restricted(DeliveryType::Fetch),
        _ => format!("Resource not found - {public_id}"),
    };
    let mut names: Vec<AssetKey> = readings.iter().map(|url| url.asset.clone()).collect();
    names.sort();
    names.dedup();
    Answer::refusal(404, Some(error), Arc::new(Address { readings, names }))
}
