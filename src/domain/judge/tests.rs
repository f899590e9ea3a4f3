//! Every rule of design §2.2 and every class of status, as tables.

use std::time::Duration;

use proptest::prelude::*;
use rstest::rstest;

use super::*;
use crate::domain::sighting::{AcceptVariant, Etag, ProbeFailure, ProbeShape};
use crate::domain::time::{Moment, Timestamp};

mod properties;
mod rules;
mod signs;

const ID: &str = "press/2026/hero";
const OURS: &str = "Resource not found - press/2026/hero";

fn tagged(tag: &str) -> Content {
    Content { etag: Some(tag.into()), bytes: Some(1000), ..Content::default() }
}

fn hashed(tag: Option<&str>, hash: &str, bytes: u64) -> Content {
    Content {
        etag: tag.map(str::to_owned),
        bytes: Some(bytes),
        body_hash: Some(hash.into()),
        ..Content::default()
    }
}

fn facts(expectation: Expectation) -> Facts<'static> {
    Facts {
        expectation,
        public_id: ID,
        derived: false,
        old: None,
        new: None,
        stored: None,
        earlier: &[],
        since_sent: Some(Duration::from_secs(38)),
        since_changed: Some(Duration::from_secs(36)),
        age: AgeTrust::Unproven,
        known_age: None,
        doubt: Duration::ZERO,
        reference: None,
        body: None,
        only_watching: false,
    }
}

fn answer(status: u16) -> Answer {
    Answer { status, total_length: Some(1000), ..Answer::default() }
}

fn served(tag: &str) -> Answer {
    Answer { etag: Some(Etag { weak: false, tag: tag.into() }), ..answer(206) }
}

fn weakly(tag: &str) -> Answer {
    Answer { etag: Some(Etag { weak: true, tag: tag.into() }), ..answer(206) }
}

fn refused(status: u16, error: Option<&str>) -> Answer {
    Answer { status, error: error.map(str::to_owned), ..Answer::default() }
}

fn aged(age: u64, answer: Answer) -> Answer {
    Answer { age: Some(age), ..answer }
}

fn sighting(result: Result<Answer, ProbeFailure>) -> Sighting {
    Sighting {
        variant: AcceptVariant::None,
        shape: ProbeShape::OneByte,
        sent: Moment::default(),
        received: Moment::default(),
        at: Timestamp::UNIX_EPOCH,
        result,
    }
}

/// Verdict and word of the reason.
fn verdict(answer: Answer, facts: &Facts<'_>) -> (Verdict, &'static str) {
    let judged = judge(&sighting(Ok(answer)), facts);
    (judged.verdict, judged.reason.word())
}

const ALL: [Expectation; 4] =
    [Expectation::Gone, Expectation::New, Expectation::Refetched, Expectation::Live];
