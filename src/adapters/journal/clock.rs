//! Times of a shared journal are those of its server's clock, so that no member's clock decides who was first: what is
//! written is moved there, what is read is moved here. With a file nothing is moved. Published pictures are kept as
//! they were drawn.

use super::link::moved;
use crate::domain::invalidation::{Ending, Invalidation, Item, Operation, WatchedName};
use crate::domain::job::{Act, ActRow, JobRow, JobTerms, JobWait};
use crate::domain::time::Timestamp;
use crate::domain::verdict::Stored;
use crate::ports::journal::{ActivityRow, Intent, InvalidationRow, JobIntent, JobWork};
use crate::ports::journal_team::{Dealt, Turn};

/// Something with times in it.
pub(super) trait Timed {
    /// Moves every time `by` milliseconds.
    fn shift(&mut self, by: i64);

    fn shifted(mut self, by: i64) -> Self
    where
        Self: Sized,
    {
        if by != 0 {
            self.shift(by);
        }
        self
    }
}

impl Timed for Timestamp {
    fn shift(&mut self, by: i64) {
        *self = moved(*self, by);
    }
}

impl<T: Timed> Timed for Option<T> {
    fn shift(&mut self, by: i64) {
        for timed in self.iter_mut() {
            timed.shift(by);
        }
    }
}

impl<T: Timed> Timed for Vec<T> {
    fn shift(&mut self, by: i64) {
        for timed in self.iter_mut() {
            timed.shift(by);
        }
    }
}

impl<T: Timed, U: Timed> Timed for (T, U) {
    fn shift(&mut self, by: i64) {
        self.0.shift(by);
        self.1.shift(by);
    }
}

/// What storage held says no time of ours.
impl Timed for Stored {
    fn shift(&mut self, _by: i64) {}
}

/// `shift` of fields, one after the other.
macro_rules! timed {
    ($($kind:ty: $($field:ident),+;)*) => {
        $(impl Timed for $kind {
            fn shift(&mut self, by: i64) {
                $(self.$field.shift(by);)+
            }
        })*
    };
}

timed! {
    Operation: at;
    Item: sent_at;
    WatchedName: changed_at;
    Ending: at;
    Invalidation: operation, items, names, ended;
    JobTerms: not_before;
    JobIntent: terms;
    Intent: operation, items, invalidation, job;
    JobWait: until;
    Turn: wait;
    Dealt: about, wait;
    JobWork: operation, terms, items;
    JobRow: operation, wished_at, not_before, wait, run_since, started_at, ended_at;
    Act: at;
    ActRow: at;
    InvalidationRow: operation, ended;
    ActivityRow: operation, ended;
}
