//! From parts to text, and from one delivery URL of an asset to its sisters.

use super::escape::{smart_escape, unescape, wire_path, wire_query};
use super::path::seo_word;
use super::{DeliveryHost, DeliveryUrl, PathForm, Spelling};
use crate::domain::account::Account;
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::domain::secrets;

impl DeliveryUrl {
    /// The original of an asset at the shared host, without a version; raw assets have no `format` of their own.
    #[must_use]
    pub fn original(account: &Account, asset: &AssetKey, format: Option<&str>) -> Self {
        Self {
            https: true,
            host: DeliveryHost::Shared,
            cloud_name: account.cloud_name.clone(),
            form: PathForm::Plain,
            asset: asset.clone(),
            signature: None,
            transformations: Vec::new(),
            version: None,
            extension: None,
            suffix: None,
            query: None,
            spelling: Spelling::default(),
        }
        .with_extension(format)
    }

    #[must_use]
    pub fn with_version(mut self, version: u64) -> Self {
        self.version = Some(version);
        self.spelling.version = None;
        self
    }

    #[must_use]
    pub fn without_version(mut self) -> Self {
        self.version = None;
        self.spelling.version = None;
        self
    }

    /// With the literal `v1`, which only keeps the first folder from being read as something else.
    #[must_use]
    pub fn with_v1(self) -> Self {
        self.with_version(1)
    }

    /// As the SDKs build URLs by default (`force_version`): `v1` where no version is given, the ID has a slash, is
    /// no web address and does not begin with `v<digits>`.
    #[must_use]
    pub fn with_forced_version(self) -> Self {
        let name = self.escaped_name();
        let begins = |prefix: &str| name.starts_with(prefix);
        let like_version = name
            .strip_prefix('v')
            .is_some_and(|rest| rest.bytes().next().is_some_and(|byte| byte.is_ascii_digit()));
        let needs_one = self.version.is_none()
            && name.contains('/')
            && !(begins("http:/") || begins("https:/") || like_version);
        if needs_one { self.with_v1() } else { self }
    }

    /// With one more link of the chain, as written: `c_scale,w_300`.
    #[must_use]
    pub fn with_transformation(mut self, component: &str) -> Self {
        let links = component.split('/').filter(|link| !link.is_empty());
        self.transformations.extend(links.map(|link| wire_path(link).into_owned()));
        self
    }

    /// With another extension; raw assets keep theirs, which is a part of the ID, and fetched ones have none.
    #[must_use]
    pub fn with_extension(mut self, extension: Option<&str>) -> Self {
        if self.splits_extension() {
            self.extension = extension.filter(|text| !text.is_empty()).map(str::to_owned);
        }
        self
    }

    /// The URL of another asset written in the same way; `None` where that form does not exist for it, and for
    /// signed URLs, whose signature covers the name.
    #[must_use]
    pub fn for_asset(&self, asset: &AssetKey) -> Option<Self> {
        let types = (asset.resource_type, asset.delivery_type);
        let form_exists = match self.form {
            PathForm::Plain => true,
            PathForm::Root | PathForm::Short => {
                types == (ResourceType::Image, DeliveryType::Upload)
            }
            PathForm::Seo => seo_word(types.0, types.1).is_some() && types.0 != ResourceType::Raw,
        };
        (form_exists && self.signature.is_none() && types.0 == self.asset.resource_type).then(
            || {
                let spelling = Spelling { public_id: None, ..self.spelling.clone() };
                Self { asset: asset.clone(), spelling, ..self.clone() }
            },
        )
    }

    /// At another host of the same cloud.
    #[must_use]
    pub fn at_host(mut self, host: DeliveryHost) -> Self {
        self.host = host;
        self
    }

    /// In another form of path; for SEO forms there is [`DeliveryUrl::with_suffix`].
    #[must_use]
    pub const fn in_form(mut self, form: PathForm) -> Self {
        self.form = form;
        self
    }

    /// In the SEO form; `None` where `suffix` holds `.` or `/`, or assets of these types have no such form.
    #[must_use]
    pub fn with_suffix(mut self, suffix: &str) -> Option<Self> {
        seo_word(self.asset.resource_type, self.asset.delivery_type)?;
        self.form = PathForm::Seo;
        self.suffix = Some(smart_escape(suffix));
        (!suffix.is_empty() && !suffix.contains(['.', '/'])).then_some(self)
    }

    #[must_use]
    pub fn with_query(mut self, query: &str) -> Self {
        self.query = Some(wire_query(query).into_owned());
        self
    }

    /// Over plain HTTP.
    #[must_use]
    pub const fn over_http(mut self) -> Self {
        self.https = false;
        self
    }

    /// At the shard of its host that the SDKs choose (`cdn_subdomain`): CRC-32 of the name in the URL.
    #[must_use]
    pub fn sharded(mut self) -> Self {
        let shard = u8::try_from(crc32(self.written_name().as_bytes()) % 5).unwrap_or(0) + 1;
        self.host = match self.host {
            DeliveryHost::Shared | DeliveryHost::Shard(_) => DeliveryHost::Shard(shard),
            DeliveryHost::Private | DeliveryHost::PrivateShard(_) => {
                DeliveryHost::PrivateShard(shard)
            }
            other => other,
        };
        self
    }

    /// Path and query as sent and as a cache keys them, with the cloud's name where the host needs it.
    #[must_use]
    pub fn path(&self) -> String {
        self.path_with(self.signature.as_deref(), self.query.as_deref())
    }

    fn path_with(&self, signature: Option<&str>, query: Option<&str>) -> String {
        if let DeliveryHost::Web { path, .. } = &self.host {
            return web_path(path, query);
        }
        let mut path = String::with_capacity(96);
        let mut push = |segment: &str| {
            path.push('/');
            path.push_str(segment);
        };
        if self.host.has_cloud_in_path() {
            push(&self.cloud_name);
        }
        self.form_segments().iter().for_each(|segment| push(segment));
        if let Some(signature) = signature {
            push(&format!("s--{signature}--"));
        }
        self.transformations.iter().for_each(|component| push(component));
        if let Some(digits) = self.version_digits() {
            push(&format!("v{digits}"));
        }
        push(&self.written_name());
        if let Some(query) = query {
            path.push('?');
            path.push_str(query);
        }
        path
    }

    /// What stands for both types; forms that do not exist for them are written plain.
    fn form_segments(&self) -> Vec<&'static str> {
        let (resource_type, delivery_type) = (self.asset.resource_type, self.asset.delivery_type);
        match self.form {
            PathForm::Short => vec!["iu"],
            PathForm::Root => Vec::new(),
            PathForm::Seo if let Some(word) = seo_word(resource_type, delivery_type) => vec![word],
            PathForm::Seo | PathForm::Plain => {
                vec![resource_type.as_str(), delivery_type.as_str()]
            }
        }
    }

    /// The digits of the version, as written.
    pub(super) fn version_digits(&self) -> Option<String> {
        let number = self.version?;
        let written = self.spelling.version.as_ref();
        let is_same = |digits: &&String| digits.parse() == Ok(number);
        Some(written.filter(is_same).map_or_else(|| number.to_string(), String::clone))
    }

    /// The escaped name with extension and without suffix: what is signed.
    pub(super) fn escaped_name(&self) -> String {
        self.name_with("")
    }

    /// The escaped name as it stands in the path.
    fn written_name(&self) -> String {
        match &self.suffix {
            Some(suffix) => self.name_with(&format!("/{suffix}")),
            None => self.escaped_name(),
        }
    }

    fn name_with(&self, before_extension: &str) -> String {
        let stem = self.stem();
        let ours = || smart_escape(stem);
        let is_same = |written: &&String| unescape(written).as_deref() == Ok(stem);
        let written = self.spelling.public_id.as_ref().filter(is_same);
        let mut name = written.map_or_else(ours, String::clone);
        name.push_str(before_extension);
        if let Some(extension) = &self.extension {
            name.push('.');
            name.push_str(extension);
        }
        name
    }

    /// The public ID without what the extension repeats: only raw files behind an SEO suffix do.
    fn stem(&self) -> &str {
        let id = self.asset.public_id.as_str();
        match &self.extension {
            Some(extension) if self.asset.resource_type == ResourceType::Raw => id
                .strip_suffix(extension.as_str())
                .and_then(|stem| stem.strip_suffix('.'))
                .unwrap_or(id),
            _ => id,
        }
    }

    fn splits_extension(&self) -> bool {
        self.asset.resource_type != ResourceType::Raw
            && self.asset.delivery_type != DeliveryType::Fetch
    }

    /// The whole URL under the service's own name or the customer's; [`DeliveryUrl::parse`] reads it back.
    #[must_use]
    pub fn canonical(&self) -> String {
        format!("{}://{}{}", self.scheme(), self.host_name(), self.path())
    }

    /// The whole URL as it works from here: under the first edge of a local cloud, else [`DeliveryUrl::canonical`].
    #[must_use]
    pub fn render(&self, account: &Account) -> String {
        let edge = account.local.as_ref().and_then(|local| {
            let edge = local.edges.first().unwrap_or(&local.origin);
            (self.host == DeliveryHost::Shared && self.cloud_name == account.cloud_name)
                .then_some(edge)
        });
        edge.map_or_else(|| self.canonical(), |edge| format!("http://{edge}{}", self.path()))
    }

    /// The canonical URL with signature and access token hidden, for reports and shared views.
    #[must_use]
    pub fn masked(&self) -> String {
        if let DeliveryHost::Web { .. } = &self.host {
            return secrets::masked(&self.canonical()).into_owned();
        }
        let hidden = self.signature.as_ref().map(|signature| "*".repeat(signature.len()));
        let mut path = self.path_with(hidden.as_deref(), self.masked_query().as_deref());
        if let (Some(signature), Some(hidden)) = (&self.signature, &hidden) {
            path = path.replace(signature, hidden); // a URL pasted into another one has it twice
        }
        format!("{}://{}{path}", self.scheme(), self.host_name())
    }

    /// The query with an access token hidden.
    #[must_use]
    pub fn masked_query(&self) -> Option<String> {
        let hide = |pair: &str| match pair.split_once('=') {
            Some((key @ "__cld_token__", _)) => format!("{key}=***"),
            _ => pair.to_owned(),
        };
        let query = self.query.as_ref()?;
        Some(query.split('&').map(hide).collect::<Vec<_>>().join("&"))
    }

    const fn scheme(&self) -> &'static str {
        if self.https { "https" } else { "http" }
    }
}

fn web_path(path: &str, query: Option<&str>) -> String {
    query.map_or_else(|| path.to_owned(), |query| format!("{path}?{query}"))
}

/// The same URL under a version that was never delivered before, lower than the real one: a key that no cache can
/// hold, so the answer comes from storage (design §2.2).
///
/// The number is below 10⁹: as a time that is before the service existed, so no upload ever had it. `random` is the
/// caller's, fresh for each read. Assets have versions of some 10⁹; below 3 there is no lower number to choose from,
/// and `v0` is used.
///
/// A web address of no cloud has no version: it gets a query parameter that nobody ever asked for. Whether caches
/// key on it, only the answer can tell ([`crate::domain::sighting::Answer::came_past_caches`]).
#[must_use]
pub fn reference_path(url: &DeliveryUrl, real_version: u64, random: u64) -> DeliveryUrl {
    const BEFORE_ALL_UPLOADS: u64 = 1_000_000_000;
    const FIRST: u64 = 2; // v1 is in wide use
    if url.is_web() {
        let fresh = format!("allclear={random:016x}");
        let query = url.query.as_deref().filter(|query| !query.is_empty());
        let query = query.map_or_else(|| fresh.clone(), |query| format!("{query}&{fresh}"));
        return DeliveryUrl { query: Some(query), ..url.clone() };
    }
    let choices = real_version.min(BEFORE_ALL_UPLOADS).saturating_sub(FIRST);
    let version = random.checked_rem(choices).map_or(0, |chosen| FIRST + chosen);
    url.clone().with_version(version)
}

/// CRC-32 as in zlib, bit by bit: names are short.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

#[cfg(test)]
mod tests {
    use super::crc32;

    #[test]
    fn crc32_is_that_of_zlib() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(crc32(b""), 0);
    }
}
