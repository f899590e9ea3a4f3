//! The PoPs behind what was seen: which codes, where they are, and which nobody knows.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::{Value, json};

use super::words;
use crate::domain::pop;
use crate::domain::text::clean;
use crate::ops::engine::Look;

/// The PoP that answered; where no answer names one, the one that the place is known by.
pub fn of(look: &Look) -> Option<String> {
    let answer = look.sighting.result.as_ref().ok();
    let code = answer.and_then(|answer| answer.pop.clone()).or_else(|| look.place.pop.clone())?;
    Some(clean(&code).into_owned())
}

/// Distinct codes and how many places answered from each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pops(BTreeMap<String, usize>);

impl Pops {
    /// Of the places that answered.
    #[must_use]
    pub fn of(looks: &[Look]) -> Self {
        let answered = looks.iter().filter(|look| look.sighting.result.is_ok());
        Self::count(answered.filter_map(of))
    }

    /// Of these codes.
    pub fn count(codes: impl IntoIterator<Item = String>) -> Self {
        let mut counts = BTreeMap::new();
        codes.into_iter().for_each(|code| *counts.entry(code).or_default() += 1);
        Self(counts)
    }

    /// Codes that the table of places does not know.
    fn unknown(&self) -> Vec<&str> {
        let unknown = self.0.keys().filter(|code| pop::locate(code).is_none());
        unknown.map(String::as_str).collect()
    }

    pub fn json(&self) -> Value {
        let row = |(code, places): (&String, &usize)| {
            let at = pop::locate(code);
            json!({
                "code": code,
                "city": at.map(|at| at.city),
                "country": at.map(|at| at.country),
                "places": places,
            })
        };
        self.0.iter().map(row).collect()
    }
}

impl fmt::Display for Pops {
    /// `2 distinct PoPs seen; 1 unknown PoP code: DE1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} seen", words::count(self.0.len(), "distinct PoP"))?;
        let unknown = self.unknown();
        if unknown.is_empty() {
            return Ok(());
        }
        let codes = words::count(unknown.len(), "unknown PoP code");
        write!(f, "; {codes}: {}", unknown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_that_nobody_knows_are_shown_and_counted() {
        let pops = Pops::count(["FRA", "DE1", "FRA", "XQ9"].map(str::to_owned));
        assert_eq!(pops.to_string(), "3 distinct PoPs seen; 2 unknown PoP codes: DE1, XQ9");
        let fra = &pops.json()[1];
        assert_eq!((&fra["code"], &fra["places"]), (&json!("FRA"), &json!(2)));
        assert_eq!((&fra["city"], &fra["country"]), (&json!("Frankfurt"), &json!("DE")));
        assert!(pops.json()[0]["city"].is_null());
        assert_eq!(Pops::count(["FRA".to_owned()]).to_string(), "1 distinct PoP seen");
    }
}
