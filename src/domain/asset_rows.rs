//! Many assets in little room: names in one text, the rest packed, about 80 bytes a row. Pages append, a change
//! copies one page, and a snapshot of everything is as cheap as the number of pages.

use std::collections::HashSet;
use std::sync::Arc;

use super::asset::{Asset, AssetKey, DeliveryType, ResourceType};
use super::public_id::PublicId;
use super::time::Timestamp;

/// Assets in the order in which the server sent them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RowStore {
    chunks: Vec<Arc<Chunk>>,
    /// Row number of each chunk's first row.
    starts: Vec<usize>,
    len: usize,
    /// Goes up with every change that is not an append.
    generation: u64,
}

impl RowStore {
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// A number that changes whenever rows that are there change; appending leaves it.
    #[must_use]
    pub const fn generation(&self) -> u64 {
        self.generation
    }

    /// Appends a page.
    pub fn push_page(&mut self, page: &[Asset]) {
        self.push_chunk(Arc::new(Chunk::of(page)));
    }

    /// Appends rows that are packed already.
    pub fn push_chunk(&mut self, chunk: Arc<Chunk>) {
        if !chunk.is_empty() {
            self.starts.push(self.len);
            self.len += chunk.len();
            self.chunks.push(chunk);
        }
    }

    /// The pages, each with the number of its first row.
    pub fn chunks(&self) -> impl Iterator<Item = (usize, &Arc<Chunk>)> {
        self.starts.iter().copied().zip(&self.chunks)
    }

    fn place(&self, row: usize) -> Option<(usize, usize)> {
        let chunk = self.starts.partition_point(|start| *start <= row).checked_sub(1)?;
        Some((chunk, row - self.starts[chunk]))
    }

    /// The page a row is in, and its number there.
    #[must_use]
    pub fn chunk_of(&self, row: usize) -> Option<(&Chunk, usize)> {
        let (chunk, at) = self.place(row)?;
        Some((&self.chunks[chunk], at))
    }

    /// The asset of a row.
    #[must_use]
    pub fn get(&self, row: usize) -> Option<Asset> {
        let (chunk, at) = self.chunk_of(row)?;
        chunk.asset(at)
    }

    /// The public ID of a row.
    #[must_use]
    pub fn name(&self, row: usize) -> Option<&str> {
        let (chunk, at) = self.chunk_of(row)?;
        chunk.name(at)
    }

    /// The identity of a row.
    #[must_use]
    pub fn key(&self, row: usize) -> Option<AssetKey> {
        let (chunk, at) = self.chunk_of(row)?;
        chunk.key(at)
    }

    /// All public IDs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.chunks.iter().flat_map(|chunk| chunk.names())
    }

    /// Row of an asset, if it is loaded.
    #[must_use]
    pub fn find(&self, key: &AssetKey) -> Option<usize> {
        self.chunks().find_map(|(start, chunk)| Some(start + chunk.find(key)?))
    }

    /// Puts `asset` in the place of a row.
    pub fn replace(&mut self, row: usize, asset: Asset) {
        let Some((chunk, at)) = self.place(row) else { return };
        let mut assets: Vec<Asset> = self.chunks[chunk].assets().collect();
        if assets.len() == self.chunks[chunk].len()
            && let Some(old) = assets.get_mut(at)
        {
            *old = asset;
            self.chunks[chunk] = Arc::new(Chunk::of(&assets));
            self.generation += 1;
        }
    }

    /// Takes rows out; row numbers change.
    pub fn remove(&mut self, keys: &HashSet<AssetKey>) {
        let names: HashSet<&str> = keys.iter().map(|key| key.public_id.as_str()).collect();
        let chunks = std::mem::take(&mut self.chunks);
        (self.starts, self.len) = (Vec::new(), 0);
        self.generation += 1;
        for chunk in chunks {
            if chunk.names().any(|name| names.contains(name)) {
                let kept: Vec<Asset> =
                    chunk.assets().filter(|asset| !keys.contains(&asset.key)).collect();
                self.push_page(&kept);
            } else {
                self.push_chunk(chunk);
            }
        }
    }
}

/// One page of rows. It never changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chunk {
    /// Public IDs, each with a line feed behind it; no public ID holds one.
    names: String,
    /// Where each name ends in `names`.
    ends: Vec<u32>,
    /// Everything else, row after row.
    records: Vec<u8>,
    /// Where each row begins in `records`.
    offsets: Vec<u32>,
    /// Words that many rows share: formats, folders, beginnings of URLs.
    words: Vec<Box<str>>,
    case: Case,
}

/// What letters the names of a page have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Case {
    /// ASCII without capitals: letter case never matters.
    #[default]
    Lower,
    Ascii,
    Unicode,
}

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

impl Chunk {
    /// Packs assets.
    #[must_use]
    pub fn of<'a>(assets: impl IntoIterator<Item = &'a Asset>) -> Self {
        let mut chunk = Self::default();
        for asset in assets {
            chunk.push(asset);
        }
        chunk.names.shrink_to_fit();
        chunk.records.shrink_to_fit();
        chunk.ends.shrink_to_fit();
        chunk.offsets.shrink_to_fit();
        chunk.case = case_of(&chunk.names);
        chunk
    }

    #[must_use]
    pub const fn len(&self) -> usize {
        self.ends.len()
    }

    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// All names, each with a line feed behind it.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.names
    }

    /// Where each name ends in [`Chunk::text`].
    #[must_use]
    pub fn ends(&self) -> &[u32] {
        &self.ends
    }

    #[must_use]
    pub const fn case(&self) -> Case {
        self.case
    }

    /// Where a name is in [`Chunk::text`].
    #[must_use]
    pub fn span(&self, at: usize) -> Option<std::ops::Range<usize>> {
        let end = usize::try_from(*self.ends.get(at)?).ok()?;
        let start = match at.checked_sub(1) {
            Some(before) => usize::try_from(*self.ends.get(before)?).ok()? + 1,
            None => 0,
        };
        Some(start..end)
    }

    #[must_use]
    pub fn name(&self, at: usize) -> Option<&str> {
        self.names.get(self.span(at)?)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.names.split_terminator('\n')
    }

    #[must_use]
    pub fn key(&self, at: usize) -> Option<AssetKey> {
        let mut record = self.record(at)?;
        let (_, _, flags, types) =
            (record.number()?, record.number()?, record.number()?, record.byte()?);
        let _ = flags;
        key_of(types, self.name(at)?)
    }

    /// Version and bytes of a row.
    #[must_use]
    pub fn version_and_bytes(&self, at: usize) -> Option<(u64, u64)> {
        let mut record = self.record(at)?;
        Some((record.number()?, record.number()?))
    }

    /// Kind and format of a row.
    #[must_use]
    pub fn kind(&self, at: usize) -> Option<(ResourceType, Option<&str>)> {
        let mut record = self.record(at)?;
        record.number()?;
        record.number()?;
        let flags = u32::try_from(record.number()?).ok()?;
        let kind = *ResourceType::ALL.get(usize::from(record.byte()? & 3))?;
        let format = (flags & has::FORMAT != 0).then(|| self.word(&mut record));
        Some((kind, format.flatten()))
    }

    /// Where an asset is on this page.
    #[must_use]
    pub fn find(&self, key: &AssetKey) -> Option<usize> {
        let wanted = key.public_id.as_str();
        let finder = memchr::memmem::Finder::new(wanted);
        let mut from = 0;
        while let Some(hit) = finder.find(self.names.as_bytes().get(from..)?) {
            let hit = from + hit;
            let at = self.ends.partition_point(|end| usize::try_from(*end).unwrap_or(0) < hit);
            let span = self.span(at)?;
            if span == (hit..hit + wanted.len()) && self.key(at)? == *key {
                return Some(at);
            }
            from = span.end + 1;
        }
        None
    }

    /// Whether some field beside the names may hold `part`; quick, and never no where one does.
    #[must_use]
    pub fn may_hold(&self, part: &str) -> bool {
        self.words.iter().any(|word| word.contains(part))
            || memchr::memmem::find(&self.records, part.as_bytes()).is_some()
    }

    pub fn assets(&self) -> impl Iterator<Item = Asset> {
        (0..self.len()).filter_map(|at| self.asset(at))
    }

    fn record(&self, at: usize) -> Option<Reader<'_>> {
        let start = usize::try_from(*self.offsets.get(at)?).ok()?;
        Some(Reader(self.records.get(start..)?))
    }

    fn word(&self, record: &mut Reader<'_>) -> Option<&str> {
        self.words.get(usize::try_from(record.number()?).ok()?).map(AsRef::as_ref)
    }

    fn number_of(&mut self, word: &str) -> u64 {
        let at = self.words.iter().position(|known| **known == *word).unwrap_or_else(|| {
            self.words.push(word.into());
            self.words.len() - 1
        });
        u64::try_from(at).unwrap_or_default()
    }

    fn push(&mut self, asset: &Asset) {
        let name = asset.key.public_id.as_str();
        self.offsets.push(u32::try_from(self.records.len()).unwrap_or(u32::MAX));
        self.names.push_str(name);
        self.ends.push(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push('\n');

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

        let mut out = std::mem::take(&mut self.records);
        put(&mut out, asset.version);
        put(&mut out, asset.bytes);
        put(&mut out, u64::from(flags));
        let delivery = DeliveryType::ALL.iter().position(|it| *it == asset.key.delivery_type);
        let kind = ResourceType::ALL.iter().position(|it| *it == asset.key.resource_type);
        let types = kind.unwrap_or(0) | delivery.unwrap_or(0) << 2;
        out.push(u8::try_from(types).unwrap_or(0));
        if let Some(format) = &asset.format {
            put(&mut out, self.number_of(format));
        }
        for side in [asset.width, asset.height].into_iter().flatten() {
            put(&mut out, u64::from(side));
        }
        for id in [&asset.asset_id, &asset.etag].into_iter().flatten() {
            put_id(&mut out, id);
        }
        if let Some(at) = asset.created_at.filter(|at| !is_version(*at, asset)) {
            out.extend(at.as_second().to_le_bytes());
            out.extend(at.subsec_nanosecond().to_le_bytes());
        }
        if let Some(named) = asset.asset_folder.as_deref().filter(|named| *named != folder) {
            put(&mut out, self.number_of(named));
        }
        if let Some(named) = asset.display_name.as_deref().filter(|named| *named != title) {
            put_text(&mut out, named);
        }
        if !asset.tags.is_empty() {
            put(&mut out, u64::try_from(asset.tags.len()).unwrap_or_default());
            for tag in &asset.tags {
                put(&mut out, self.number_of(tag));
            }
        }
        match (prefix, &asset.secure_url) {
            (Some(prefix), _) => put(&mut out, self.number_of(prefix)),
            (None, Some(url)) => put_text(&mut out, url),
            (None, None) => {}
        }
        self.records = out;
    }

    /// The asset of a row; `None` beyond the last, or where a copy from a disk was damaged.
    #[must_use]
    pub fn asset(&self, at: usize) -> Option<Asset> {
        let name = self.name(at)?;
        let mut record = self.record(at)?;
        let (version, bytes) = (record.number()?, record.number()?);
        let flags = u32::try_from(record.number()?).ok()?;
        let has = |flag| flags & flag != 0;
        let key = key_of(record.byte()?, name)?;
        let (folder, title) = name.rsplit_once('/').unwrap_or(("", name));
        let word = |record: &mut Reader<'_>| self.word(record).map(str::to_owned);

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

    /// As bytes for a file of ours.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let words: Vec<&str> = self.words.iter().map(AsRef::as_ref).collect();
        let (ends, offsets): (Vec<u8>, Vec<u8>) = (numbers(&self.ends), numbers(&self.offsets));
        let words = serde_json::to_vec(&words).unwrap_or_default();
        let mut out =
            Vec::with_capacity(self.names.len() + self.records.len() + ends.len() * 2 + 64);
        for part in [self.names.as_bytes(), &ends, &self.records, &offsets, &words] {
            out.extend(u64::try_from(part.len()).unwrap_or_default().to_le_bytes());
            out.extend(part);
        }
        out
    }

    /// What [`Chunk::to_bytes`] made; `None` for anything else.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut bytes = Reader(bytes);
        let mut part = || {
            let len = u64::from_le_bytes(bytes.array()?);
            bytes.take(usize::try_from(len).ok()?)
        };
        let names = std::str::from_utf8(part()?).ok()?.to_owned();
        let ends = numbers(part()?)?;
        let records = part()?.to_vec();
        let offsets = numbers(part()?)?;
        let words: Vec<Box<str>> = serde_json::from_slice(part()?).ok()?;
        let in_order = ends.windows(2).all(|pair| pair[0] < pair[1])
            && offsets.windows(2).all(|pair| pair[0] < pair[1]);
        let ends_well = ends.iter().all(|end| {
            usize::try_from(*end).is_ok_and(|end| names.as_bytes().get(end) == Some(&b'\n'))
        });
        let whole = memchr::memchr_iter(b'\n', names.as_bytes()).count() == ends.len();
        let case = case_of(&names);
        (in_order && ends_well && whole && ends.len() == offsets.len()).then_some(Self {
            names,
            ends,
            records,
            offsets,
            words,
            case,
        })
    }
}

fn numbers(bytes: &[u8]) -> Option<Vec<u32>> {
    let (numbers, rest) = bytes.as_chunks::<4>();
    rest.is_empty().then(|| numbers.iter().map(|n| u32::from_le_bytes(*n)).collect())
}

fn case_of(names: &str) -> Case {
    if !names.is_ascii() {
        Case::Unicode
    } else if names.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Case::Ascii
    } else {
        Case::Lower
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
fn url_tail(asset: &Asset) -> String {
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
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
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
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text() -> impl Strategy<Value = String> {
        prop_oneof!["[a-z]{1,8}", "[A-Za-z0-9é漢 ]{0,12}"]
    }

    prop_compose! {
        fn asset()(
            name in "[a-zA-Zé漢]{1,6}(/[a-z0-9_-]{1,12}){0,3}",
            kind in 0_usize..3,
            delivery in 0_usize..14,
            version in prop_oneof![0_u64..10, 1_500_000_000_u64..1_900_000_000, Just(u64::MAX)],
            bytes in any::<u64>(),
            ids in (prop::option::of("[0-9a-f]{32}"), prop::option::of(prop_oneof!["[0-9a-f]{32}", "[A-F]{1,40}"])),
            format in prop::option::of("jpg|png|webp"),
            sides in (prop::option::of(any::<u32>()), prop::option::of(any::<u32>())),
            created in prop_oneof![Just(None), Just(Some(None)), (0_i64..2_000_000_000, 0_i32..1_000_000_000).prop_map(|at| Some(Some(at)))],
            folder in prop_oneof![Just(None), Just(Some(None)), text().prop_map(|it| Some(Some(it)))],
            title in prop_oneof![Just(None), Just(Some(None)), text().prop_map(|it| Some(Some(it)))],
            tags in prop::collection::vec(text(), 0..4),
            url in prop_oneof![Just(None), Just(Some(None)), text().prop_map(|it| Some(Some(it)))],
            placeholder in any::<bool>(),
        ) -> Asset {
            let (above, last) = name.rsplit_once('/').unwrap_or(("", &name));
            let mut asset = Asset {
                key: AssetKey {
                    resource_type: ResourceType::ALL[kind],
                    delivery_type: DeliveryType::ALL[delivery],
                    public_id: PublicId::from_cloud(&name).unwrap(),
                },
                asset_id: ids.0,
                version,
                format,
                bytes,
                width: sides.0,
                height: sides.1,
                etag: ids.1,
                created_at: created.map(|at| match at {
                    Some((second, nanos)) => Timestamp::new(second, nanos).unwrap(),
                    None => Timestamp::from_second(i64::try_from(version).unwrap_or(5).min(2_000_000_000)).unwrap(),
                }),
                asset_folder: folder.map(|it| it.unwrap_or_else(|| above.to_owned())),
                display_name: title.map(|it| it.unwrap_or_else(|| last.to_owned())),
                tags,
                secure_url: None,
                placeholder,
            };
            asset.secure_url = url.map(|it| it.unwrap_or_else(|| format!("https://h/c/image/upload/{}", url_tail(&asset))));
            asset
        }
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_as_it_was(assets in prop::collection::vec(asset(), 0..30)) {
            let chunk = Chunk::of(&assets);
            let copy = Chunk::from_bytes(&chunk.to_bytes()).unwrap();
            prop_assert_eq!(&copy, &chunk);
            let unpacked: Vec<Asset> = copy.assets().collect();
            prop_assert_eq!(&unpacked, &assets);
            for (at, asset) in assets.iter().enumerate() {
                prop_assert_eq!(chunk.name(at), Some(asset.key.public_id.as_str()));
                prop_assert_eq!(chunk.key(at), Some(asset.key.clone()));
                prop_assert_eq!(chunk.version_and_bytes(at), Some((asset.version, asset.bytes)));
                prop_assert_eq!(chunk.kind(at), Some((asset.key.resource_type, asset.format.as_deref())));
                let first = assets.iter().position(|other| other.key == asset.key);
                prop_assert_eq!(chunk.find(&asset.key), first);
            }
        }

        #[test]
        fn damaged_bytes_are_refused_or_read_without_harm(
            assets in prop::collection::vec(asset(), 1..8),
            at in any::<prop::sample::Index>(),
            byte in any::<u8>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = Chunk::of(&assets).to_bytes();
            let len = bytes.len();
            bytes[at.index(len)] = byte;
            if byte.is_multiple_of(4) {
                bytes.truncate(cut.index(len));
            }
            if let Some(chunk) = Chunk::from_bytes(&bytes) {
                let _ = chunk.assets().count();
                let _ = (0..chunk.len()).filter_map(|at| chunk.kind(at)).count();
            }
        }
    }

    #[test]
    fn a_row_takes_about_eighty_bytes() {
        let assets: Vec<Asset> = (0..500)
            .map(|n| {
                let name = format!("marketing/2026/autumn/packshot-{n:06}");
                let mut asset = Asset {
                    key: AssetKey::image(name.parse().unwrap()),
                    asset_id: Some(format!("{n:032x}")),
                    version: 1_700_000_000 + n,
                    format: Some("jpg".into()),
                    bytes: 300_000 + n,
                    width: Some(1600),
                    height: Some(900),
                    etag: None,
                    created_at: Some(
                        Timestamp::from_second(1_700_000_000 + i64::try_from(n).unwrap()).unwrap(),
                    ),
                    asset_folder: Some("marketing/2026/autumn".into()),
                    display_name: Some(format!("packshot-{n:06}")),
                    tags: Vec::new(),
                    secure_url: None,
                    placeholder: false,
                };
                asset.secure_url =
                    Some(format!("https://res/demo/image/upload/{}", url_tail(&asset)));
                asset
            })
            .collect();
        let bytes = Chunk::of(&assets).to_bytes().len() / 500;
        assert!(bytes <= 84, "{bytes} bytes a row");
    }
}
