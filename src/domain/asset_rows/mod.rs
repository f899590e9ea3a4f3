//! Many assets in little room: names in one text, the rest packed, about 80 bytes a row. Pages append, a change
//! copies one page, and a snapshot of everything is as cheap as the number of pages.

mod chunk;
mod record;
mod store;
#[cfg(test)]
mod tests;

pub use chunk::{Case, Chunk};
pub use store::RowStore;
