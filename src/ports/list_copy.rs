//! A list of assets as it was some time ago, kept on this machine, so that the console shows rows before the network
//! answers. Never the ground for a change: orders read storage.

use crate::domain::asset_rows::RowStore;
use crate::domain::time::Timestamp;
use crate::ports::cloud::ListQuery;

/// What was kept.
#[derive(Debug, Clone, PartialEq)]
pub struct ListCopy {
    pub rows: RowStore,
    /// When the server was asked.
    pub at: Timestamp,
    /// Rows in all, where `rows` are only the first of them.
    pub count: usize,
    /// Whether the server had no more.
    pub is_whole: bool,
}

/// Why a copy cannot be had or kept. None of them matters: the list is read from the cloud.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyFault {
    #[error("the copy of the list is damaged; it is made anew")]
    Damaged,
    #[error("the copy of the list is of another version of this program; it is made anew")]
    OtherVersion,
    #[error("the list is too long for a copy: {rows} rows")]
    TooLong { rows: usize },
    #[error("the copy of the list cannot be read or written: {0}")]
    Io(String),
}

/// Keeps lists of one profile. Blocking: files are small, or are read off the loop.
pub trait ListCopies: Send + Sync {
    /// The first rows, about a screen or two; `None` where nothing is kept of this list.
    ///
    /// # Errors
    /// A copy that cannot be read.
    fn beginning(&self, query: &ListQuery) -> Result<Option<ListCopy>, CopyFault>;

    /// All rows.
    ///
    /// # Errors
    /// A copy that cannot be read.
    fn read(&self, query: &ListQuery) -> Result<Option<ListCopy>, CopyFault>;

    /// Replaces what is kept of this list. Lists that are not the whole of one type are not kept.
    ///
    /// # Errors
    /// Too many rows, or the disk's.
    fn write(&self, query: &ListQuery, copy: &ListCopy) -> Result<(), CopyFault>;
}
