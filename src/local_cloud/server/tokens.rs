//! Delete tokens: whoever uploaded a file may delete it again for ten minutes, without a signature (facts §2.5).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::local_cloud::world::asset::HexId;

/// How long a token is good for.
const GOOD_FOR: Duration = Duration::from_secs(600);
/// Tokens that are remembered; the oldest are forgotten first.
const MOST: usize = 10_000;

/// The tokens that were given out: which asset each deletes, whatever its name is by then, and until when.
#[derive(Debug, Default)]
pub struct DeleteTokens(Mutex<HashMap<String, (HexId, Duration)>>);

impl DeleteTokens {
    fn all(&self) -> MutexGuard<'_, HashMap<String, (HexId, Duration)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn clear(&self) {
        self.all().clear();
    }

    /// Remembers `token`, which nobody can guess.
    pub fn give(&self, token: String, asset: HexId, now: Duration) {
        let mut all = self.all();
        if all.len() >= MOST {
            all.retain(|_, (_, until)| *until > now);
        }
        if all.len() >= MOST
            && let Some(oldest) = all.iter().min_by_key(|(_, (_, until))| *until)
        {
            let oldest = oldest.0.clone();
            all.remove(&oldest);
        }
        all.insert(token, (asset, now + GOOD_FOR));
    }

    /// Takes a token, which is good once; `None` where there is none, or it has expired.
    pub fn take(&self, token: &str, now: Duration) -> Option<HexId> {
        let (asset, until) = self.all().remove(token)?;
        (until > now).then_some(asset)
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn a_token_is_good_once_and_for_ten_minutes() {
        let (tokens, asset) = (DeleteTokens::default(), HexId([1; 16]));
        let at = Duration::from_secs;
        tokens.give("x".into(), asset, at(0));
        tokens.give("y".into(), asset, at(1));
        assert_eq!(tokens.take("x", at(599)), Some(asset));
        assert_eq!(tokens.take("x", at(599)), None);
        assert_eq!(tokens.take("y", at(601)), None);
        for n in 0..=MOST {
            tokens.give(n.to_string(), asset, at(n as u64 / 1000));
        }
        assert_eq!(tokens.all().len(), MOST);
    }
}
