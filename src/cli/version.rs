//! `allclear --version`: one line, or with `--json` what a bug report needs.

use serde_json::{Value, json};

use crate::adapters::journal::known_schema;
use crate::report;

/// What this program is. No folder of the machine that built it is in it.
#[must_use]
pub fn json() -> Value {
    let commit = Some(env!("ALLCLEAR_BUILT_FROM")).filter(|commit| !commit.is_empty());
    json!({
        "version": env!("CARGO_PKG_VERSION"),
        "commit": commit,
        "features": features(),
        "journal_schema": known_schema(),
        "error_schema": report::SCHEMA,
        "target": env!("ALLCLEAR_TARGET"),
        "debug": cfg!(debug_assertions),
    })
}

/// Optional parts that were built in.
fn features() -> Vec<&'static str> {
    env!("ALLCLEAR_FEATURES").split(',').filter(|name| !name.is_empty()).collect()
}
