//! What the journal must do whatever database is behind it ([`suite`], over the port alone), and what SQLite and its
//! file, PostgreSQL and the way to it must do beside that.

/// Runs each behaviour on a journal in memory, on one in a file and on one on a server.
macro_rules! behaviours {
    ($($name:ident),* $(,)?) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $name() {
                super::$name(&super::super::in_memory().await).await;
            })*
        }
        mod in_file {
            $(#[tokio::test]
            async fn $name() {
                let (journal, _folder) = super::super::in_file().await;
                super::$name(&journal).await;
            })*
        }
        #[cfg(feature = "postgres")]
        mod on_a_server {
            $(#[tokio::test]
            async fn $name() {
                if let Some(journal) = super::super::server::fresh().await {
                    super::$name(&journal).await;
                    journal.close().await;
                }
            })*
        }
    };
}

mod bulk;
#[cfg(feature = "postgres")]
mod cluster;
mod errands;
mod file;
mod hands;
mod jobs;
mod make;
mod model;
mod round_trip;
#[cfg(feature = "postgres")]
mod server;
mod sightings;
mod store;
mod suite;

use super::{Processes, SqlJournal};

/// A journal in memory; every process lives.
async fn in_memory() -> SqlJournal {
    SqlJournal::in_memory(Processes::new("test", |_| true)).await.unwrap()
}

/// A journal in a new file, and the folder to keep until the end of the test.
async fn in_file() -> (SqlJournal, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    (open(&folder).await, folder)
}

/// One more journal over the file in `folder`.
async fn open(folder: &tempfile::TempDir) -> SqlJournal {
    let path = folder.path().join("journal.db");
    SqlJournal::open(path.to_str().unwrap(), Processes::new("test", |_| true)).await.unwrap()
}
