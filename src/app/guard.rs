//! The burst guard: keys that come faster than fingers are a paste without brackets, and never act as commands.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use super::key::Key;
use super::msg::Input;
use crate::domain::time::Moment;

/// Keys within this time belong together.
const WINDOW: Duration = Duration::from_millis(100);
/// So many characters at once are no fingers.
const BURST: usize = 6;
/// Fewer different characters than this are a key that is held down.
const DIFFERENT: usize = 3;

/// Remembers the last characters typed.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    recent: VecDeque<(Moment, char)>,
    swallowing: bool,
}

impl Guard {
    /// Notes a key. Call it for every key, in its order.
    pub fn saw(&mut self, key: Key, at: Moment) {
        self.forget(at);
        if let Some(c) = key.text() {
            if self.recent.len() == 64 {
                self.recent.pop_front();
            }
            self.recent.push_back((at, c));
        }
    }

    fn forget(&mut self, at: Moment) {
        while self.recent.front().is_some_and(|(then, _)| at.since(*then) > WINDOW) {
            self.recent.pop_front();
        }
        if self.recent.is_empty() {
            self.swallowing = false;
        }
    }

    /// Whether the characters just seen came faster than fingers.
    #[must_use]
    pub fn is_burst(&self) -> bool {
        is_burst(self.recent.iter().map(|(_, c)| *c))
    }

    /// Whether a command key may not act because a burst is going on, until there is quiet.
    pub fn swallows(&mut self, at: Moment) -> bool {
        self.forget(at);
        self.swallowing |= self.is_burst();
        self.swallowing
    }
}

/// The characters at the beginning of `rest`, where they came at once and are too many for fingers.
#[must_use]
pub fn burst_ahead(rest: &[Input]) -> Option<String> {
    let text: String = rest
        .iter()
        .map_while(|input| match input {
            Input::Key(key) => key.text(),
            _ => None,
        })
        .collect();
    is_burst(text.chars()).then_some(text)
}

fn is_burst(chars: impl Iterator<Item = char> + Clone) -> bool {
    chars.clone().count() >= BURST && chars.collect::<BTreeSet<_>>().len() >= DIFFERENT
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(text: &str) -> Vec<Input> {
        text.chars().map(|c| Input::Key(Key::char(c))).collect()
    }

    #[test]
    fn a_paste_without_brackets_is_seen_at_once() {
        assert_eq!(burst_ahead(&keys("rm -rf d")).as_deref(), Some("rm -rf d"));
        assert_eq!(burst_ahead(&keys("dy")), None);
        assert_eq!(burst_ahead(&keys("jjjjjjjjjjjj")), None, "a key held down");
    }

    #[test]
    fn a_burst_is_swallowed_until_there_is_quiet() {
        let mut guard = Guard::default();
        let at = |ms| Moment::from_origin(Duration::from_millis(ms));
        for (n, c) in "rdPuxq".chars().enumerate() {
            guard.saw(Key::char(c), at(10 * n as u64));
        }
        assert!(guard.swallows(at(60)));
        guard.saw(Key::char('y'), at(120));
        assert!(guard.swallows(at(120)));
        assert!(!guard.swallows(at(400)));
    }

    #[test]
    fn fingers_are_no_burst() {
        let mut guard = Guard::default();
        for n in 0..20_u64 {
            let at = Moment::from_origin(Duration::from_millis(60 * n));
            guard.saw(Key::char(char::from(b'a' + (n % 7) as u8)), at);
            assert!(!guard.swallows(at));
        }
    }
}
