//! What happens between a purge and the last cache, one test each.

mod content;
mod kinds;
mod purges;
mod shields;
mod trouble;
mod variants;

/// The codes of a fleet of 24.
const WORLD: [&str; 24] = [
    "AMS", "ATL", "BOM", "CDG", "DFW", "DUB", "EWR", "FRA", "GRU", "HKG", "IAD", "JNB", "LAX",
    "LHR", "MAD", "MIA", "MXP", "NRT", "ORD", "SEA", "SIN", "SYD", "VIE", "YYZ",
];

const OLD: &str = "the old copy\n";
const NEW: &str = "the new copy\n";
