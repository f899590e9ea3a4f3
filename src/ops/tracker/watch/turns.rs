//! Whose turn it is to move on: names that something happened to, and those that time moves. An order of many thousand
//! names must not be looked through whenever one of them has an answer.

use std::collections::BTreeSet;

use super::super::schedule::Agenda;
use crate::domain::time::Moment;

/// Names by what they wait for.
#[derive(Debug, Default)]
pub struct Turns {
    /// Something happened to each of them.
    all: bool,
    touched: BTreeSet<usize>,
    /// Time moves them on.
    waiting: Agenda,
    /// Storage is to be asked about them.
    asking: Agenda,
    /// Storage is to be asked once more about what is known of them.
    asking_again: Agenda,
}

impl Turns {
    /// Something happened that may concern every name.
    pub fn touch_all(&mut self) {
        self.all = true;
    }

    /// Something happened that may concern one name.
    pub fn touch(&mut self, name: usize) {
        if !self.all {
            self.touched.insert(name);
        }
    }

    /// When a name moves on by itself, and when storage is to be asked about it.
    pub fn plan(&mut self, name: usize, moves: Option<Moment>, asks: Option<Moment>) {
        self.waiting.set(name, moves);
        self.asking.set(name, asks);
    }

    /// When storage is to be asked about a known name again.
    pub fn ask_again(&mut self, name: usize, due: Option<Moment>) {
        self.asking_again.set(name, due);
    }

    /// Takes those of `count` names whose turn it is, in their order.
    pub fn take(&mut self, count: usize, now: Moment) -> Vec<usize> {
        while let Some(name) = self.waiting.take(now) {
            self.touch(name);
        }
        let touched = std::mem::take(&mut self.touched);
        if std::mem::take(&mut self.all) {
            return (0..count).collect();
        }
        touched.into_iter().collect()
    }

    /// Takes the next name that storage is to be asked about.
    pub fn take_asking(&mut self, now: Moment) -> Option<usize> {
        self.asking.take(now)
    }

    /// Takes the next known name that storage is to be asked about.
    pub fn take_asking_again(&mut self, now: Moment) -> Option<usize> {
        self.asking_again.take(now)
    }

    /// When something is to be done next.
    pub fn due(&mut self) -> Option<Moment> {
        if self.all || !self.touched.is_empty() {
            return Some(Moment::default());
        }
        [&mut self.waiting, &mut self.asking, &mut self.asking_again]
            .into_iter()
            .filter_map(Agenda::first)
            .map(|(due, _)| due)
            .min()
    }

    /// Whether some name may move on now.
    pub fn is_anybodys(&mut self, now: Moment) -> bool {
        let waits = self.waiting.first().is_some_and(|(due, _)| due <= now);
        self.all || !self.touched.is_empty() || waits
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn at(seconds: u64) -> Moment {
        Moment::default() + Duration::from_secs(seconds)
    }

    #[test]
    fn only_those_whose_turn_it_is_are_looked_at() {
        let mut turns = Turns::default();
        assert_eq!((turns.due(), turns.is_anybodys(at(9))), (None, false));
        turns.plan(2, Some(at(5)), None);
        turns.plan(3, Some(at(7)), None);
        turns.touch(900);
        assert_eq!(turns.due(), Some(at(0)));
        assert_eq!(turns.take(1000, at(1)), [900]);
        assert_eq!((turns.due(), turns.is_anybodys(at(4))), (Some(at(5)), false));
        assert_eq!(turns.take(1000, at(5)), [2]);
        turns.touch_all();
        turns.touch(1);
        assert_eq!(turns.take(4, at(6)), [0, 1, 2, 3]);
        assert_eq!(turns.take(4, at(6)), [0; 0]);
        assert_eq!(turns.take(4, at(7)), [3]);
    }

    #[test]
    fn a_name_waits_for_one_question_at_a_time() {
        let mut turns = Turns::default();
        turns.plan(1, None, Some(at(3)));
        turns.plan(1, None, Some(at(5)));
        turns.ask_again(7, Some(at(4)));
        assert_eq!((turns.take_asking(at(4)), turns.take_asking_again(at(4))), (None, Some(7)));
        assert!(!turns.is_anybodys(at(9)), "a question moves nobody");
        assert_eq!(turns.due(), Some(at(5)));
        assert_eq!((turns.take_asking(at(5)), turns.take_asking(at(9))), (Some(1), None));
        turns.ask_again(7, Some(at(8)));
        turns.ask_again(7, None);
        assert_eq!(turns.due(), None);
    }
}
