//! All rows of a list: pages one behind the other.

use std::collections::HashSet;
use std::sync::Arc;

use super::chunk::Chunk;
use crate::domain::asset::{Asset, AssetKey};

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
