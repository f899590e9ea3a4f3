//! A page of rows: its names in one text that is searched as it is, the rest as records.

use super::record::{self, Reader, Words};
use crate::domain::asset::{Asset, AssetKey, ResourceType};

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
    words: Words,
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
        let record = self.record(at)?;
        record.key(self.name(at)?)
    }

    /// Version and bytes of a row.
    #[must_use]
    pub fn version_and_bytes(&self, at: usize) -> Option<(u64, u64)> {
        self.record(at)?.version_and_bytes()
    }

    /// Kind and format of a row.
    #[must_use]
    pub fn kind(&self, at: usize) -> Option<(ResourceType, Option<&str>)> {
        let record = self.record(at)?;
        record.kind(&self.words)
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
        self.words.hold(part) || memchr::memmem::find(&self.records, part.as_bytes()).is_some()
    }

    pub fn assets(&self) -> impl Iterator<Item = Asset> {
        (0..self.len()).filter_map(|at| self.asset(at))
    }

    fn record(&self, at: usize) -> Option<Reader<'_>> {
        let start = usize::try_from(*self.offsets.get(at)?).ok()?;
        Some(Reader::of(self.records.get(start..)?))
    }

    fn push(&mut self, asset: &Asset) {
        self.offsets.push(u32::try_from(self.records.len()).unwrap_or(u32::MAX));
        self.names.push_str(asset.key.public_id.as_str());
        self.ends.push(u32::try_from(self.names.len()).unwrap_or(u32::MAX));
        self.names.push('\n');
        record::write(asset, &mut self.records, &mut self.words);
    }

    /// The asset of a row; `None` beyond the last, or where a copy from a disk was damaged.
    #[must_use]
    pub fn asset(&self, at: usize) -> Option<Asset> {
        self.record(at)?.asset(self.name(at)?, &self.words)
    }

    /// As bytes for a file of ours.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let numbers = |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect();
        let (ends, offsets): (Vec<u8>, Vec<u8>) = (numbers(&self.ends), numbers(&self.offsets));
        let words = self.words.to_bytes();
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
        let mut bytes = Reader::of(bytes);
        let mut part = || {
            let len = u64::from_le_bytes(bytes.array()?);
            bytes.take(usize::try_from(len).ok()?)
        };
        let names = std::str::from_utf8(part()?).ok()?.to_owned();
        let ends = numbers(part()?)?;
        let records = part()?.to_vec();
        let offsets = numbers(part()?)?;
        let words = Words::from_bytes(part()?)?;
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
