//! The journal as it lies on the disk while no process has it open.

use std::collections::BTreeMap;
use std::path::Path;

use sqlx::{Connection as _, Row as _};

/// State of every item, by public ID; of the newest operation where several are about it.
pub fn states(home: &Path) -> BTreeMap<String, String> {
    static DRIVERS: std::sync::Once = std::sync::Once::new();
    DRIVERS.call_once(sqlx::any::install_default_drivers);
    let file = home.join("state/journal.db");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(async {
        let url = format!("sqlite://{}", file.display());
        let mut journal = sqlx::AnyConnection::connect(&url).await.expect("a journal");
        let rows = sqlx::query("SELECT public_id, state FROM item ORDER BY operation, seq")
            .fetch_all(&mut journal)
            .await
            .expect("items");
        journal.close().await.expect("a journal");
        rows.iter().map(|row| (row.get("public_id"), row.get("state"))).collect()
    })
}
