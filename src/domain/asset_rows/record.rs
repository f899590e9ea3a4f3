//! One row as bytes: what it has, then that, names of its own left out where they follow from the public ID.

use crate::domain::asset::{Asset, AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;
use crate::domain::time::Timestamp;

/// What a row has beyond its first fields.
mod has {
    pub const ASSET_ID: u32 = 1;
    pub const ASSET_ID_HEX: u32 = 1 << 1;
    pub const FORMAT: u32 = 1 << 2;
    pub const WIDTH: u32 = 1 << 3;
    pub const HEIGHT: u32 = 1 << 4;
    pub const ETAG: u32 = 1 << 5;
    pub const ETAG_HEX: u32 = 1 << 6;
    pub const CREATED: u32 = 1 << 7;
    /// At the very second of the version.
    pub const CREATED_AS_VERSION: u32 = 1 << 8;
    pub const FOLDER: u32 = 1 << 9;
    /// The folder of the public ID.
    pub const FOLDER_AS_NAMED: u32 = 1 << 10;
    pub const TITLE: u32 = 1 << 11;
    /// The last part of the public ID.
    pub const TITLE_AS_NAMED: u32 = 1 << 12;
    pub const TAGS: u32 = 1 << 13;
    pub const URL: u32 = 1 << 14;
    /// A shared beginning, then version, public ID and format.
    pub const URL_AS_NAMED: u32 = 1 << 15;
    pub const PLACEHOLDER: u32 = 1 << 16;
}

/// Words that many rows share: formats, folders, tags, beginnings of URLs.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Words(Vec<Box<str>>);

impl Words {
    fn number_of(&mut self, word: &str) -> u64 {
        let at = self.0.iter().position(|known| **known == *word).unwrap_or_else(|| {
            self.0.push(word.into());
            self.0.len() - 1
        });
        u64::try_from(at).unwrap_or_default()
    }

    /// Whether `part` is in any of them.
    pub fn hold(&self, part: &str) -> bool {
        self.0.iter().any(|word| word.contains(part))
    }

    pub fn to_bytes(&self) -> Vec<u8> {
        let words: Vec<&str> = self.0.iter().map(AsRef::as_ref).collect();
        serde_json::to_vec(&words).unwrap_or_default()
    }

    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        Some(Self(serde_json::from_slice(bytes).ok()?))
    }
}

/// Packs an asset, but for its name.
pub fn write(asset: &Asset, out: &mut Vec<u8>, words: &mut Words) {
    let name = asset.key.public_id.as_str();
    let (folder, title) = name.rsplit_once('/').unwrap_or(("", name));
    let tail = url_tail(asset);
    let prefix = asset.secure_url.as_deref().and_then(|url| url.strip_suffix(tail.as_str()));
    let mut flags = 0;
    let mut set = |flag, on| flags |= if on { flag } else { 0 };
    set(has::ASSET_ID, asset.asset_id.is_some());
    set(has::ASSET_ID_HEX, asset.asset_id.as_deref().is_some_and(is_hex));
    set(has::FORMAT, asset.format.is_some());
    set(has::WIDTH, asset.width.is_some());
    set(has::HEIGHT, asset.height.is_some());
    set(has::ETAG, asset.etag.is_some());
    set(has::ETAG_HEX, asset.etag.as_deref().is_some_and(is_hex));
    set(has::CREATED, asset.created_at.is_some());
    set(has::CREATED_AS_VERSION, asset.created_at.is_some_and(|at| is_version(at, asset)));
    set(has::FOLDER, asset.asset_folder.is_some());
    set(has::FOLDER_AS_NAMED, asset.asset_folder.as_deref() == Some(folder));
    set(has::TITLE, asset.display_name.is_some());
    set(has::TITLE_AS_NAMED, asset.display_name.as_deref() == Some(title));
    set(has::TAGS, !asset.tags.is_empty());
    set(has::URL, asset.secure_url.is_some());
    set(has::URL_AS_NAMED, prefix.is_some());
    set(has::PLACEHOLDER, asset.placeholder);

    put(out, asset.version);
    put(out, asset.bytes);
    put(out, u64::from(flags));
    let delivery = DeliveryType::ALL.iter().position(|it| *it == asset.key.delivery_type);
    let kind = ResourceType::ALL.iter().position(|it| *it == asset.key.resource_type);
    let types = kind.unwrap_or(0) | delivery.unwrap_or(0) << 2;
    out.push(u8::try_from(types).unwrap_or(0));
    if let Some(format) = &asset.format {
        put(out, words.number_of(format));
    }
    for side in [asset.width, asset.height].into_iter().flatten() {
        put(out, u64::from(side));
    }
    for id in [&asset.asset_id, &asset.etag].into_iter().flatten() {
        put_id(out, id);
    }
    if let Some(at) = asset.created_at.filter(|at| !is_version(*at, asset)) {
        out.extend(at.as_second().to_le_bytes());
        out.extend(at.subsec_nanosecond().to_le_bytes());
    }
    if let Some(named) = asset.asset_folder.as_deref().filter(|named| *named != folder) {
        put(out, words.number_of(named));
    }
    if let Some(named) = asset.display_name.as_deref().filter(|named| *named != title) {
        put_text(out, named);
    }
    if !asset.tags.is_empty() {
        put(out, u64::try_from(asset.tags.len()).unwrap_or_default());
        for tag in &asset.tags {
            put(out, words.number_of(tag));
        }
    }
    match (prefix, &asset.secure_url) {
        (Some(prefix), _) => put(out, words.number_of(prefix)),
        (None, Some(url)) => put_text(out, url),
        (None, None) => {}
    }
}

fn key_of(types: u8, name: &str) -> Option<AssetKey> {
    Some(AssetKey {
        resource_type: *ResourceType::ALL.get(usize::from(types & 3))?,
        delivery_type: *DeliveryType::ALL.get(usize::from(types >> 2))?,
        public_id: PublicId::from_cloud(name).ok()?,
    })
}

/// How a delivery URL ends when it is made from the other fields.
pub fn url_tail(asset: &Asset) -> String {
    let dot = if asset.format.is_some() { "." } else { "" };
    let format = asset.format.as_deref().unwrap_or_default();
    format!("v{}/{}{dot}{format}", asset.version, asset.key.public_id.as_str())
}

fn is_version(at: Timestamp, asset: &Asset) -> bool {
    at.subsec_nanosecond() == 0 && u64::try_from(at.as_second()) == Ok(asset.version)
}

/// 32 hexadecimal digits as the cloud writes them.
fn is_hex(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Seven bits a byte, the lowest first.
fn put(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push(u8::try_from(number & 0x7f).unwrap_or(0) | 0x80);
        number >>= 7;
    }
    out.push(u8::try_from(number).unwrap_or(0));
}

fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, u64::try_from(text.len()).unwrap_or_default());
    out.extend(text.as_bytes());
}

fn put_id(out: &mut Vec<u8>, id: &str) {
    let mut raw = [0; 16];
    if is_hex(id) && hex::decode_to_slice(id, &mut raw).is_ok() {
        out.extend(raw);
    } else {
        put_text(out, id);
    }
}

/// Reads what was put, and never beyond it.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub const fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn byte(&mut self) -> Option<u8> {
        self.array::<1>().map(|[byte]| byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn text(&mut self) -> Option<String> {
        let len = usize::try_from(self.number()?).ok()?;
        Some(std::str::from_utf8(self.take(len)?).ok()?.to_owned())
    }

    fn id(&mut self, is_hex: bool) -> Option<String> {
        if is_hex { Some(hex::encode(self.array::<16>()?)) } else { self.text() }
    }

    fn word<'w>(&mut self, words: &'w Words) -> Option<&'w str> {
        words.0.get(usize::try_from(self.number()?).ok()?).map(AsRef::as_ref)
    }

    /// The identity of the row that is named so.
    pub fn key(mut self, name: &str) -> Option<AssetKey> {
        for _version_bytes_flags in 0..3 {
            self.number()?;
        }
        key_of(self.byte()?, name)
    }

    /// Version and bytes of the row.
    pub fn version_and_bytes(mut self) -> Option<(u64, u64)> {
        Some((self.number()?, self.number()?))
    }

    /// Kind and format of the row.
    pub fn kind(mut self, words: &Words) -> Option<(ResourceType, Option<&str>)> {
        self.number()?;
        self.number()?;
        let flags = u32::try_from(self.number()?).ok()?;
        let kind = *ResourceType::ALL.get(usize::from(self.byte()? & 3))?;
        let format = (flags & has::FORMAT != 0).then(|| self.word(words));
        Some((kind, format.flatten()))
    }

    /// The asset of the row that is named so.
    pub fn asset(self, name: &str, words: &Words) -> Option<Asset> {
        let mut record = self;
        let (version, bytes) = (record.number()?, record.number()?);
        let flags = u32::try_from(record.number()?).ok()?;
        let has = |flag| flags & flag != 0;
        let key = key_of(record.byte()?, name)?;
        let (folder, title) = name.rsplit_once('/').unwrap_or(("", name));
        let word = |record: &mut Reader<'_>| record.word(words).map(str::to_owned);

        let format = if has(has::FORMAT) { Some(word(&mut record)?) } else { None };
        let mut side = |flag| -> Option<Option<u32>> {
            Some(if has(flag) { Some(u32::try_from(record.number()?).ok()?) } else { None })
        };
        let (width, height) = (side(has::WIDTH)?, side(has::HEIGHT)?);
        let mut id = |flag, hex| -> Option<Option<String>> {
            Some(if has(flag) { Some(record.id(has(hex))?) } else { None })
        };
        let asset_id = id(has::ASSET_ID, has::ASSET_ID_HEX)?;
        let etag = id(has::ETAG, has::ETAG_HEX)?;
        let created_at = match (has(has::CREATED), has(has::CREATED_AS_VERSION)) {
            (false, _) => None,
            (true, true) => Some(Timestamp::from_second(i64::try_from(version).ok()?).ok()?),
            (true, false) => {
                let second = i64::from_le_bytes(record.array()?);
                Some(Timestamp::new(second, i32::from_le_bytes(record.array()?)).ok()?)
            }
        };
        let asset_folder = match (has(has::FOLDER), has(has::FOLDER_AS_NAMED)) {
            (false, _) => None,
            (true, true) => Some(folder.to_owned()),
            (true, false) => Some(word(&mut record)?),
        };
        let display_name = match (has(has::TITLE), has(has::TITLE_AS_NAMED)) {
            (false, _) => None,
            (true, true) => Some(title.to_owned()),
            (true, false) => Some(record.text()?),
        };
        let mut tags = Vec::new();
        if has(has::TAGS) {
            for _ in 0..record.number()? {
                tags.push(word(&mut record)?);
            }
        }
        let mut asset = Asset {
            key,
            asset_id,
            version,
            format,
            bytes,
            width,
            height,
            etag,
            created_at,
            asset_folder,
            display_name,
            tags,
            secure_url: None,
            placeholder: has(has::PLACEHOLDER),
        };
        asset.secure_url = match (has(has::URL), has(has::URL_AS_NAMED)) {
            (false, _) => None,
            (true, true) => Some(word(&mut record)? + &url_tail(&asset)),
            (true, false) => Some(record.text()?),
        };
        Some(asset)
    }
}
