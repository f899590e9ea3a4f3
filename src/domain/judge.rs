//! The judgement of one sighting: facts in, verdict and reason out (design §2.2, in its order).
//!
//! Knows nothing of runs, places or quiet: [`super::propagation`] adds verdicts up. Hit or miss never decides,
//! because a miss can carry the old copy from a shield and a hit can be new.

use std::time::Duration;

use super::sighting::{Answer, Sighting};
use super::verdict::{Content, Expectation, Judgement, Reason, Verdict};

mod age;
#[cfg(test)]
mod tests;

pub use age::{AgeTrust, AgeWatch};

/// `Age` and our own clock both step in whole seconds, so nothing is concluded within this band.
const BAND: Duration = Duration::from_secs(2);

/// A body that was read at a place under some entity tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// SHA-256 of the first 64 KiB, in hex.
    pub hash: String,
    /// Length of the whole body in bytes.
    pub length: u64,
}

/// Everything beside the sighting itself that decides its verdict.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What storage says the URL must show.
    pub expectation: Expectation,
    /// Our asset's name, as `x-cld-error` would name it.
    pub public_id: &'a str,
    /// The URL serves a variant: `old` and `new` are reference reads, not what storage tells of the original.
    pub derived: bool,
    /// Content before the change.
    pub old: Option<&'a Content>,
    /// Content after the change; `None` when gone, or not known yet.
    pub new: Option<&'a Content>,
    /// NEW of an original as storage itself tells it: delivery may give it another tag. `None` for derived copies.
    pub stored: Option<&'a Content>,
    /// Further contents the journal knows this asset to have had.
    pub earlier: &'a [Content],
    /// S: from the call's leaving to the sighting's end; `None` when no call of ours is known.
    pub since_sent: Option<Duration>,
    /// N: from the first reading of storage as it is now to the sighting's start.
    pub since_changed: Option<Duration>,
    /// Whether `Age` means anything at this place.
    pub age: AgeTrust,
    /// How old the copy is at least at the sighting's end, by all looks at it; `None` where there was no `Age`.
    pub known_age: Option<Duration>,
    /// Doubt about S and N, e.g. after a restart; widens the band of 2 s.
    pub doubt: Duration,
    /// Answer of the reference read on this host, for refusals and stand-ins.
    pub reference: Option<&'a Answer>,
    /// What a full read under the sighting's own entity tag gave at this place.
    pub body: Option<&'a Body>,
    /// No operation of ours is behind the watch: storage is the truth and any difference is outdated.
    pub only_watching: bool,
}

/// Judges one sighting.
#[must_use]
pub fn judge(sighting: &Sighting, facts: &Facts<'_>) -> Judgement {
    let answer = match &sighting.result {
        Ok(answer) => answer,
        Err(failure) => return unknown(Reason::NoAnswer { detail: failure.to_string() }),
    };
    match (answer.status, facts.expectation) {
        (200 | 206, _) => delivered(answer, facts),
        (status, Expectation::Gone) if is_refusal(status) => refused_when_gone(answer, facts),
        (404 | 410, _) => unknown(Reason::NegativeCache),
        (status, _) => unknown(Reason::UnusableStatus { status }),
    }
}

/// Whether a judgement says nothing of the copy at all, for or against it: nobody answered, or a server spoke of its
/// own trouble. What is served and cannot be told apart does say something.
#[must_use]
pub const fn says_nothing(judgement: &Judgement) -> bool {
    matches!(
        judgement.reason,
        Reason::NoAnswer { .. }
            | Reason::UnusableStatus { status: 408 | 420 | 423 | 429 | 500..=599 }
    )
}

/// Whether another look at the same copy with its body could settle what its entity tag does not.
///
/// True where tags are missing, weak or not among the known ones (an edge may make tags of its own), unless the
/// body behind this very tag has been read. The caller asks once per new tag.
#[must_use]
pub fn wants_body(sighting: &Sighting, facts: &Facts<'_>) -> bool {
    let Ok(answer) = &sighting.result else { return false };
    let read = answer.body_hash.is_some() || facts.body.is_some();
    let served = matches!(answer.status, 200 | 206) && facts.expectation != Expectation::Gone;
    served
        && !read
        && facts.new.is_some_and(|new| new.body_hash.is_some())
        && compared_to_new(answer, facts) != Likeness::Equal
        && !is_earlier(answer, facts)
}

/// How a delivered body relates to a known content.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Likeness {
    Equal,
    Differs,
    /// Nothing to compare, or signs that contradict each other.
    Unclear,
}

/// What an answer shows of its content, as far as it can tell the known contents apart.
struct Signs<'a> {
    /// A strong tag.
    tag: Option<&'a str>,
    /// The tag is one of a known content: it decides, and the beginning of a body does not.
    tag_is_known: bool,
    hash: Option<&'a str>,
    length: Option<u64>,
    last_modified: Option<&'a str>,
}

impl<'a> Signs<'a> {
    /// A sign that NEW has in common with earlier content says nothing, and is left out.
    fn of(answer: &'a Answer, facts: &Facts<'a>) -> Self {
        let strong = answer.etag.as_ref().filter(|etag| !etag.weak).map(|etag| etag.tag.as_str());
        let tag = strong.filter(|tag| !is_common_tag(tag, facts));
        let wears = |content: &Content| tag.is_some() && content.etag.as_deref() == tag;
        let is_known = known_contents(facts).any(wears);
        // a tag under which nothing but NEW was read is NEW's own
        let mut worn = known_contents(facts).filter(|content| wears(content));
        let is_own = is_known && worn.all(|content| is_new(content, facts));
        let own = facts.new.and_then(|new| new.etag.as_deref()).filter(|_| is_own);
        let tag = own.or(tag);
        let hash = answer.body_hash.as_deref().or(facts.body.map(|body| body.hash.as_str()));
        Self {
            tag,
            tag_is_known: is_known || facts.new.is_some_and(wears),
            hash: hash.filter(|hash| !is_common_beginning(hash, facts)),
            length: answer.total_length.or(facts.body.map(|body| body.length)),
            last_modified: answer.last_modified.as_deref(),
        }
    }

    /// A known tag decides, then a body that was read, then an unknown tag; lengths alone can only tell a
    /// difference.
    fn likeness(&self, content: &Content) -> Likeness {
        let same_length = same(self.length, content.bytes);
        let same_hash = same(self.hash, content.body_hash.as_deref());
        let same_tag = same(self.tag, content.etag.as_deref());
        match (same_hash, same_tag, same_length) {
            (_, Some(false), _) if self.tag_is_known => Likeness::Differs,
            (Some(false), _, _)
            | (Some(true), _, Some(false))
            | (None, Some(false), _)
            | (None, None, Some(false)) => Likeness::Differs,
            (Some(true), _, Some(true)) | (_, Some(true), None | Some(true)) => Likeness::Equal,
            (Some(true), _, None) | (None, Some(true), Some(false)) | (None, None, _) => {
                Likeness::Unclear
            }
        }
    }
}

/// Whether two signs agree; `None` where one of them is missing.
fn same<T: PartialEq>(seen: Option<T>, known: Option<T>) -> Option<bool> {
    seen.zip(known).map(|(seen, known)| seen == known)
}

/// What the asset is known to have held before, but for what it holds now.
fn earlier_contents<'a>(facts: &Facts<'a>) -> impl Iterator<Item = &'a Content> {
    known_contents(facts).filter(|content| !is_new(content, facts))
}

fn known_contents<'a>(facts: &Facts<'a>) -> impl Iterator<Item = &'a Content> {
    facts.earlier.iter().chain(facts.old)
}

/// Whether a known content is NEW itself, read another time: nodes may make tags of their own, so the same body can
/// be known under several. Storage's own tag says so, or a whole body that was read.
fn is_new(content: &Content, facts: &Facts<'_>) -> bool {
    let Some(new) = facts.new else { return false };
    let stored = facts.stored.and_then(|stored| stored.etag.as_deref());
    let same_upload = same(content.etag.as_deref(), stored) == Some(true);
    let is_whole = new.bytes.is_some_and(|bytes| bytes <= READ);
    let same_body = same(content.bytes, new.bytes) == Some(true)
        && same(content.body_hash.as_deref(), new.body_hash.as_deref()) == Some(true);
    same_upload || (is_whole && same_body)
}

/// Bytes of a body that are hashed.
const READ: u64 = 64 << 10;

/// A tag that both NEW and a known other content wear: whoever makes it does not look at the bytes.
fn is_common_tag(tag: &str, facts: &Facts<'_>) -> bool {
    let wears = |content: &Content| content.etag.as_deref() == Some(tag);
    let Some(new) = facts.new.filter(|new| wears(new)) else { return false };
    let other = |content: &Content| {
        same(content.body_hash.as_deref(), new.body_hash.as_deref()) == Some(false)
            || same(content.bytes, new.bytes) == Some(false)
    };
    earlier_contents(facts).any(|content| wears(content) && other(content))
}

/// A hash of the first 64 KiB of NEW, where other content of the same length begins alike, or may.
fn is_common_beginning(hash: &str, facts: &Facts<'_>) -> bool {
    let is_begun = |new: &&Content| {
        new.body_hash.as_deref() == Some(hash) && new.bytes.is_some_and(|bytes| bytes > READ)
    };
    let Some(new) = facts.new.filter(is_begun) else { return false };
    earlier_contents(facts).any(|content| {
        same(content.etag.as_deref(), new.etag.as_deref()) == Some(false)
            && content.bytes == new.bytes
            && content.body_hash.as_deref().is_none_or(|known| known == hash)
    })
}

fn compared_to_new(answer: &Answer, facts: &Facts<'_>) -> Likeness {
    facts.new.map_or(Likeness::Unclear, |new| Signs::of(answer, facts).likeness(new))
}

/// Known earlier content. What equals NEW is never earlier: the asset may have had today's content before.
fn is_earlier(answer: &Answer, facts: &Facts<'_>) -> bool {
    let signs = Signs::of(answer, facts);
    let to_new = facts.new.map_or(Likeness::Unclear, |new| signs.likeness(new));
    to_new != Likeness::Equal
        && earlier_contents(facts).any(|content| match signs.likeness(content) {
            Likeness::Equal => true,
            Likeness::Unclear => is_as_old(&signs, content, facts.new),
            Likeness::Differs => false,
        })
}

/// Where nothing else compares, the date of a copy speaks against it, never for it.
fn is_as_old(signs: &Signs<'_>, content: &Content, new: Option<&Content>) -> bool {
    let modified = |content: &Content| same(signs.last_modified, content.last_modified.as_deref());
    modified(content) == Some(true) && new.and_then(modified) == Some(false)
}

/// A 200 or 206: something is served.
fn delivered(answer: &Answer, facts: &Facts<'_>) -> Judgement {
    if is_earlier(answer, facts) {
        return outdated(Reason::EarlierContent);
    }
    let placeholder = names_our_asset(answer, facts);
    match facts.expectation {
        Expectation::Gone if placeholder => cleared(Reason::Placeholder),
        Expectation::Gone => outdated(Reason::StillServed),
        Expectation::New | Expectation::Live => served_when_changed(answer, facts, placeholder),
        Expectation::Refetched => served_when_refetched(answer, facts, placeholder),
    }
}

fn served_when_changed(answer: &Answer, facts: &Facts<'_>, placeholder: bool) -> Judgement {
    match compared_to_new(answer, facts) {
        Likeness::Equal => cleared(Reason::EqualsNew),
        _ if placeholder => unknown(Reason::NegativeCache),
        Likeness::Differs if stands_in_for_old(answer, facts) => outdated(Reason::EarlierContent),
        Likeness::Differs => other(Reason::Unrecognised),
        Likeness::Unclear => not_comparable(answer, facts),
    }
}

fn served_when_refetched(answer: &Answer, facts: &Facts<'_>, placeholder: bool) -> Judgement {
    match compared_to_new(answer, facts) {
        Likeness::Equal => older_than_purge(answer, facts)
            .or_else(|| younger_than_change(answer, facts))
            .unwrap_or(Judgement { verdict: Verdict::Same, reason: Reason::SameBytes }),
        _ if placeholder => unknown(Reason::NegativeCache),
        Likeness::Differs if facts.only_watching => outdated(Reason::DiffersFromStorage),
        Likeness::Differs if stands_in_for_old(answer, facts) => outdated(Reason::EarlierContent),
        Likeness::Differs => {
            older_than_purge(answer, facts).unwrap_or_else(|| other(Reason::Unrecognised))
        }
        Likeness::Unclear => not_comparable(answer, facts),
    }
}

fn not_comparable(answer: &Answer, facts: &Facts<'_>) -> Judgement {
    if stands_in_for_old(answer, facts) {
        return outdated(Reason::EarlierContent);
    }
    older_than_purge(answer, facts).unwrap_or_else(|| unknown(Reason::NotComparable))
}

/// A refusal where storage is empty: proven by the cloud's own words about our asset, or by an uncached read of
/// the same host that is refused in the same way.
fn refused_when_gone(answer: &Answer, facts: &Facts<'_>) -> Judgement {
    let status = answer.status;
    if matches!(status, 404 | 410) && names_our_asset(answer, facts) {
        return cleared(Reason::NotFound);
    }
    match facts.reference {
        Some(reference) if reference.status == status && reference.error == answer.error => {
            cleared(Reason::SameRefusalAsReference { status })
        }
        _ => unknown(Reason::UnprovenRefusal { status }),
    }
}

/// Statuses by which a delivery is refused for good. 416, 420, 423 and 429 pass by and say nothing.
const fn is_refusal(status: u16) -> bool {
    matches!(status, 400..=407 | 409..=415 | 417 | 422 | 451)
}

/// The copy is older than our call. A first `Age` counts before it was seen growing: only what was seen standing
/// still is thrown away, so that a lone first sighting never passes an old copy.
fn older_than_purge(answer: &Answer, facts: &Facts<'_>) -> Option<Judgement> {
    let (age, since_purge) = (age_of(answer, facts)?, facts.since_sent?);
    let older = facts.age != AgeTrust::Disproved && age > since_purge.saturating_add(band(facts));
    older.then(|| outdated(Reason::OlderThanPurge { age, since_purge }))
}

/// The copy was made after storage had changed; needs an `Age` that was seen growing with our clock.
fn younger_than_change(answer: &Answer, facts: &Facts<'_>) -> Option<Judgement> {
    let (age, since_change) = (age_of(answer, facts)?, facts.since_changed?);
    let younger = facts.age == AgeTrust::Believed && age.saturating_add(band(facts)) < since_change;
    younger.then(|| cleared(Reason::YoungerThanChange { age, since_change }))
}

/// Once a copy is known to be older than our call it stays so, whatever its `Age` is rounded to.
fn age_of(answer: &Answer, facts: &Facts<'_>) -> Option<Duration> {
    let told = Duration::from_secs(answer.age?);
    Some(facts.known_age.map_or(told, |known| known.max(told)))
}

fn band(facts: &Facts<'_>) -> Duration {
    BAND.max(facts.doubt)
}

/// `crt` and `obytes` in place of a missing OLD of a derived copy: made before the upload of what storage holds,
/// or from an original of another size. Only server clocks are compared (a version is the upload's UNIX second), and
/// only where a copy that is known to be new bears out that they mean what they are taken for.
fn stands_in_for_old(answer: &Answer, facts: &Facts<'_>) -> bool {
    if !facts.derived || facts.old.is_some() {
        return false;
    }
    let Some(fresh) = facts.reference.filter(|fresh| matches!(fresh.status, 200 | 206)) else {
        return false;
    };
    let uploaded = facts.new.and_then(|new| new.version).and_then(|at| i64::try_from(at).ok());
    let made_before = |copy: &Answer| {
        copy.created.zip(uploaded).map(|(made, uploaded)| made.saturating_add(2) < uploaded)
    };
    let is_calibrated = made_before(fresh) == Some(false);
    let from_another = same(answer.original_bytes, fresh.original_bytes) == Some(false);
    (is_calibrated && made_before(answer) == Some(true)) || from_another
}

/// `x-cld-error` says "Resource not found" of our own asset (facts, cloudinary-api §5.3).
fn names_our_asset(answer: &Answer, facts: &Facts<'_>) -> bool {
    const NOT_FOUND: &str = "resource not found";
    let Some(error) = answer.error.as_deref().map(str::trim) else { return false };
    let Some((words, named)) = error.split_at_checked(NOT_FOUND.len()) else { return false };
    let named = named.trim_start().trim_start_matches('-').trim();
    words.eq_ignore_ascii_case(NOT_FOUND)
        && (named == facts.public_id || unescaped(named) == facts.public_id.as_bytes())
}

/// Percent-decoded; a header has no other way to carry a name that is not ASCII.
fn unescaped(raw: &str) -> Vec<u8> {
    let (mut bytes, mut rest) = (Vec::with_capacity(raw.len()), raw.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let escaped = (first == b'%')
            .then(|| after.get(..2).and_then(|two| std::str::from_utf8(two).ok()))
            .flatten()
            .and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(escaped.unwrap_or(first));
        rest = if escaped.is_some() { &after[2..] } else { after };
    }
    bytes
}

const fn cleared(reason: Reason) -> Judgement {
    Judgement { verdict: Verdict::Cleared, reason }
}

const fn outdated(reason: Reason) -> Judgement {
    Judgement { verdict: Verdict::Outdated, reason }
}

const fn other(reason: Reason) -> Judgement {
    Judgement { verdict: Verdict::Other, reason }
}

const fn unknown(reason: Reason) -> Judgement {
    Judgement { verdict: Verdict::Unknown, reason }
}
