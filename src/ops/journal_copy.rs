//! Copies a journal into another one: page by page, so that a copy that was cut short goes on where it was, and
//! verified by counts and checksums of every table.

use sha2::{Digest, Sha256};

use crate::ports::journal::JournalError;
use crate::ports::journal_store::{Cell, JournalStore, Row, Table};

/// Rows of one page, and of one transaction.
const PAGE: usize = 500;
/// Sums of one table.
type Sum = (u64, String);

/// One table that was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    pub table: &'static str,
    pub rows: u64,
    /// Rows that this run wrote; the others were there.
    pub written: u64,
    /// SHA-256 of all rows in the order of their keys, in hexadecimal; the same on both sides.
    pub checksum: String,
}

/// Why a copy is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CopyError {
    #[error(transparent)]
    Journal(#[from] JournalError),
    #[error("{from} and {to} are one journal")]
    Same { from: String, to: String },
    /// Nothing was written.
    #[error("{to} holds what {from} does not: in `{table}`")]
    NotEmpty { from: String, to: String, table: &'static str },
    #[error("{to} differs from {from} in `{table}`: something writes to one of them")]
    Differs { from: String, to: String, table: &'static str },
}

/// Copies every row of `from` that `to` has not, and proves that both are the same then. `told` hears of each table.
///
/// # Errors
/// A target with rows of its own, one that differs in the end, the journals'.
pub async fn copy(
    from: &dyn JournalStore,
    to: &dyn JournalStore,
    mut told: impl FnMut(&Copied) + Send,
) -> Result<Vec<Copied>, CopyError> {
    let named = || (from.location(), to.location());
    let (source, target) = named();
    if source == target {
        return Err(CopyError::Same { from: source, to: target });
    }
    for table in from.tables() {
        if holds_more(from, to, table).await? {
            let (from, to) = named();
            return Err(CopyError::NotEmpty { from, to, table: table.name });
        }
    }
    let mut all = Vec::new();
    for table in from.tables() {
        let mut written = rows_after(from, to, table, last_key(to, table).await?).await?;
        let mut sums = (sum(from, table).await?, sum(to, table).await?);
        if sums.0 != sums.1 {
            // rows that were changed since a copy that was cut short
            written = rows_after(from, to, table, None).await?;
            sums = (sum(from, table).await?, sum(to, table).await?);
        }
        let ((rows, checksum), theirs) = sums;
        if (rows, &checksum) != (theirs.0, &theirs.1) {
            let (from, to) = named();
            return Err(CopyError::Differs { from, to, table: table.name });
        }
        let copied = Copied { table: table.name, rows, written, checksum };
        told(&copied);
        all.push(copied);
    }
    Ok(all)
}

fn key_of<'r>(table: &Table, row: &'r Row) -> &'r [Cell] {
    &row[..table.key]
}

/// Whether `to` has a row whose key `from` does not have: both are walked side by side.
async fn holds_more(
    from: &dyn JournalStore,
    to: &dyn JournalStore,
    table: &Table,
) -> Result<bool, JournalError> {
    let mut after: Option<Vec<Cell>> = None;
    loop {
        let theirs = to.page(table, after.as_deref(), PAGE).await?;
        let Some(last) = theirs.last().map(|row| key_of(table, row).to_vec()) else {
            return Ok(false);
        };
        // the rows of ours up to the same key, which are as many or more
        let mut ours = std::collections::BTreeSet::new();
        let mut at = after.clone();
        loop {
            let page = from.page(table, at.as_deref(), PAGE).await?;
            let Some(end) = page.last().map(|row| key_of(table, row).to_vec()) else { break };
            ours.extend(page.iter().map(|row| key_of(table, row).to_vec()));
            let enough = end >= last;
            at = Some(end);
            if enough {
                break;
            }
        }
        if theirs.iter().any(|row| !ours.contains(key_of(table, row))) {
            return Ok(true);
        }
        after = Some(last);
    }
}

/// The greatest key that is there.
async fn last_key(
    store: &dyn JournalStore,
    table: &Table,
) -> Result<Option<Vec<Cell>>, JournalError> {
    let mut after: Option<Vec<Cell>> = None;
    loop {
        let page = store.page(table, after.as_deref(), PAGE).await?;
        match page.last() {
            Some(row) => after = Some(key_of(table, row).to_vec()),
            None => return Ok(after),
        }
    }
}

/// Copies the rows after a key; how many there were.
async fn rows_after(
    from: &dyn JournalStore,
    to: &dyn JournalStore,
    table: &Table,
    mut after: Option<Vec<Cell>>,
) -> Result<u64, JournalError> {
    let mut written = 0;
    loop {
        let page = from.page(table, after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok(written) };
        after = Some(key_of(table, last).to_vec());
        to.put(table, &page).await?;
        written += page.len() as u64;
    }
}

/// Number and checksum of all rows.
async fn sum(store: &dyn JournalStore, table: &Table) -> Result<Sum, JournalError> {
    let (mut rows, mut hash) = (0, Sha256::new());
    let mut after: Option<Vec<Cell>> = None;
    loop {
        let page = store.page(table, after.as_deref(), PAGE).await?;
        let Some(last) = page.last() else { return Ok((rows, hex::encode(hash.finalize()))) };
        after = Some(key_of(table, last).to_vec());
        rows += page.len() as u64;
        page.iter().flatten().for_each(|cell| add(&mut hash, cell));
    }
}

/// Each value with its kind and length, so that no two rows look alike.
fn add(hash: &mut Sha256, cell: &Cell) {
    match cell {
        Cell::Null => hash.update([0]),
        Cell::Int(number) => {
            hash.update([1]);
            hash.update(number.to_be_bytes());
        }
        Cell::Text(text) => {
            hash.update([2]);
            hash.update((text.len() as u64).to_be_bytes());
            hash.update(text.as_bytes());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use async_trait::async_trait;

    use super::*;
    use crate::domain::time::Timestamp;
    use crate::ports::journal_store::{Checked, Kind, Pruned};

    static TABLES: &[Table] = &[
        Table { name: "one", columns: &[("id", Kind::Int), ("says", Kind::Text)], key: 1 },
        Table {
            name: "two",
            columns: &[("a", Kind::Text), ("b", Kind::Int), ("says", Kind::Text)],
            key: 2,
        },
    ];

    /// Tables in memory.
    #[derive(Default)]
    struct Store {
        name: &'static str,
        rows: Mutex<BTreeMap<&'static str, BTreeMap<Vec<Cell>, Row>>>,
        /// Writes that are still taken, where that is bounded.
        room: Option<AtomicUsize>,
    }

    impl Store {
        fn named(name: &'static str) -> Self {
            Self { name, ..Self::default() }
        }

        fn fill(&self, rows: i64) {
            let mut all = self.rows.lock().unwrap();
            for n in 0..rows {
                let says = Cell::Text(format!("row {n}"));
                let row = vec![Cell::Int(n), says.clone()];
                all.entry("one").or_default().insert(vec![Cell::Int(n)], row);
                let key = vec![Cell::Text(format!("{}", n % 3)), Cell::Int(n)];
                let row = [key.clone(), vec![if n % 2 == 0 { Cell::Null } else { says }]].concat();
                all.entry("two").or_default().insert(key, row);
            }
        }
    }

    #[async_trait]
    impl JournalStore for Store {
        fn location(&self) -> String {
            self.name.to_owned()
        }

        fn tables(&self) -> &'static [Table] {
            TABLES
        }

        async fn count(&self, table: &Table) -> Result<u64, JournalError> {
            Ok(self.rows.lock().unwrap().get(table.name).map_or(0, BTreeMap::len) as u64)
        }

        async fn page(
            &self,
            table: &Table,
            after: Option<&[Cell]>,
            limit: usize,
        ) -> Result<Vec<Row>, JournalError> {
            let all = self.rows.lock().unwrap();
            let rows = all.get(table.name).into_iter().flatten();
            let later = rows.filter(|(key, _)| after.is_none_or(|after| key.as_slice() > after));
            Ok(later.take(limit).map(|(_, row)| row.clone()).collect())
        }

        async fn put(&self, table: &Table, rows: &[Row]) -> Result<(), JournalError> {
            if let Some(room) = &self.room
                && room
                    .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |n| n.checked_sub(1))
                    .is_err()
            {
                return Err(JournalError::Write { detail: "full".to_owned() });
            }
            let mut all = self.rows.lock().unwrap();
            let of = all.entry(table.name).or_default();
            of.extend(rows.iter().map(|row| (key_of(table, row).to_vec(), row.clone())));
            Ok(())
        }

        async fn check(&self) -> Result<Checked, JournalError> {
            unreachable!("not asked here")
        }

        async fn prune(&self, _: Timestamp, _: bool) -> Result<Pruned, JournalError> {
            unreachable!("not asked here")
        }
    }

    #[tokio::test]
    async fn a_copy_that_was_cut_short_goes_on_where_it_was() {
        let (from, mut to) = (Store::named("a"), Store::named("b"));
        from.fill(1_300);
        to.room = Some(AtomicUsize::new(4));
        assert!(matches!(copy(&from, &to, |_| ()).await, Err(CopyError::Journal(_))));
        to.room = None;
        let copied = copy(&from, &to, |_| ()).await.unwrap();
        let counts = copied.iter().map(|it| (it.table, it.rows, it.written)).collect::<Vec<_>>();
        assert_eq!(counts, [("one", 1_300, 0), ("two", 1_300, 800)]);
        assert_eq!(*from.rows.lock().unwrap(), *to.rows.lock().unwrap());
        let again = copy(&from, &to, |_| ()).await.unwrap();
        assert!(again.iter().all(|it| it.written == 0), "{again:?}");
    }

    #[tokio::test]
    async fn what_was_changed_since_is_written_over() {
        let (from, to) = (Store::named("a"), Store::named("b"));
        from.fill(20);
        copy(&from, &to, |_| ()).await.unwrap();
        let changed = vec![Cell::Int(7), Cell::Text("another word".to_owned())];
        from.rows.lock().unwrap().get_mut("one").unwrap().insert(vec![Cell::Int(7)], changed);
        let copied = copy(&from, &to, |_| ()).await.unwrap();
        assert_eq!((copied[0].written, copied[1].written), (20, 0));
        assert_eq!(*from.rows.lock().unwrap(), *to.rows.lock().unwrap());
    }

    #[tokio::test]
    async fn two_journals_are_never_mixed() {
        let (from, to) = (Store::named("a"), Store::named("b"));
        from.fill(5);
        to.fill(6);
        let error = copy(&from, &to, |_| ()).await.unwrap_err();
        assert!(matches!(error, CopyError::NotEmpty { table: "one", .. }), "{error}");
        assert_eq!(to.count(&TABLES[0]).await, Ok(6));
        let same = copy(&from, &from, |_| ()).await.unwrap_err();
        assert!(matches!(same, CopyError::Same { .. }), "{same}");
    }
}
