//! What to know before saying yes, one sentence each.

use std::time::Duration;

use super::Draft;
use super::watched::Urls;
use crate::domain::invalidation::Verb;
use crate::domain::purge::{
    Backup, LeftOutReason, Onlooker, OnlookerRole, OrderTerms, PlannedUrl, Verify,
};
use crate::domain::sample;
use crate::domain::time::Timestamp;
use crate::domain::usual::Usual;
use crate::ops::context::Context;

pub(super) fn notes(draft: &Draft, terms: &OrderTerms, places: usize) -> Vec<String> {
    let mut notes = Vec::new();
    if !terms.invalidate {
        notes.push("nothing is invalidated: caches may serve the old copies for up to 30 days, and nothing is watched".to_owned());
    } else if places == 0 {
        notes.push("no cache can be reached from here: the outcome will be `blind`".to_owned());
    }
    notes.extend(of_verb(draft.verb).iter().map(|note| (*note).to_owned()));
    if draft.verb == Verb::Delete {
        notes.push(backups(draft));
    }
    notes.extend(overwritten(draft));
    notes.extend(left_out(draft));
    notes
}

/// That a sample would do, and what it could miss.
pub(super) fn offered_sample(
    context: &Context,
    watched: &[PlannedUrl],
    terms: &OrderTerms,
) -> Option<String> {
    let most = context.policy.verify_full_max;
    (terms.verify == Verify::Full && watched.len() > most).then(|| {
        format!(
            "{} URLs at each place take long to verify: `--verify sample` watches {most} of them; {}",
            watched.len(),
            sample::in_words(watched.len(), most)
        )
    })
}

/// What earlier invalidations of the cloud took, where enough are known.
pub(super) fn usually(usual: &Usual) -> Option<String> {
    let (half, most) = usual.half_and_most()?;
    Some(format!(
        "of the last {} invalidations of this cloud half had reached every place after {} s, nine of ten after {} s",
        usual.known_from(),
        half.as_secs_f64().ceil(),
        most.as_secs_f64().ceil()
    ))
}

const fn of_verb(verb: Verb) -> &'static [&'static str] {
    match verb {
        Verb::Rename => &[
            "the new name is purged as well, because caches may hold a 404 from before it existed",
            "derived copies are not carried over: they are made again on first delivery",
        ],
        Verb::Restore => {
            &["restore invalidates nothing by itself: each asset is purged afterwards"]
        }
        Verb::Replace => {
            &["browsers keep their copies for up to 30 days more: try a private window"]
        }
        Verb::Delete | Verb::Purge | Verb::Watch => &[],
    }
}

/// Whether what is overwritten could be brought back.
fn overwritten(draft: &Draft) -> Option<String> {
    let of = |backup| match backup {
        Backup::Kept => "backups of it are kept: `restore` can bring an earlier file back",
        Backup::None => "no backup of it is kept: the file that goes cannot be brought back",
        Backup::Unknown => {
            "whether a backup is kept was not asked: take it that this cannot be undone"
        }
    };
    match draft.verb {
        Verb::Replace => draft.found.first().map(|found| of(found.backup).to_owned()),
        Verb::Rename if draft.overwrite => {
            let (to, target) = draft.to.as_ref()?;
            target.as_ref().map(|_| format!("{to} is overwritten: {}", of(Backup::Unknown)))
        }
        _ => None,
    }
}

/// What is not part of the plan although it was named.
fn left_out(draft: &Draft) -> Vec<String> {
    let mut notes = Vec::new();
    if draft.duplicates > 0 {
        notes.push(format!(
            "{} named more than once: each counts once",
            things(draft.duplicates, "was", "were")
        ));
    }
    for (reason, why) in [
        (LeftOutReason::Malformed, "left out: no public ID and no delivery URL of this cloud"),
        (LeftOutReason::Unknown, "left out: storage has no such asset"),
        (LeftOutReason::Vanished, "left out: the search index lags, and storage has it no longer"),
        (
            LeftOutReason::Changed,
            "left out: the search index lags, and storage has changed it since",
        ),
    ] {
        let count = draft.left_out.iter().filter(|left| left.reason == reason).count();
        if count > 0 {
            notes.push(format!("{} {why}", things(count, "is", "are")));
        }
    }
    notes
}

/// `1 is`, `3 are`.
fn things(count: usize, one: &str, many: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { many })
}

/// That the quota makes the order wait.
pub(super) fn paced(until: Option<Timestamp>, calls: usize) -> Option<String> {
    let until = until?.strftime("%Y-%m-%d %H:%M UTC");
    Some(format!(
        "{calls} Admin calls are more than are left this hour: they are paced, and the last leaves about {until}"
    ))
}

/// That URLs which the order does not reach can be named one by one.
pub(super) fn by_url(urls: &Urls, terms: &OrderTerms) -> Option<String> {
    if terms.attempt_by_url {
        let named = urls.by_url.len();
        return (named > 0).then(|| {
            format!(
                "{named} URLs that this does not reach are named to the cloud by themselves: an attempt, known from an official client only; its answer is shown, and only sightings count"
            )
        });
    }
    let nameable = urls.nameable;
    (nameable > 0).then(|| {
        format!(
            "{nameable} of the URLs that are not reached can be named to the cloud by themselves with --attempt-by-url: known from an official client only, so only sightings count"
        )
    })
}

/// Who looks for us and sees the URLs.
pub(super) fn onlookers(seen_by: &[Onlooker]) -> Option<String> {
    let hosts = |role| {
        let of_role = seen_by.iter().filter(|one| one.role == role);
        let named =
            of_role.map(|one| format!("{} ({})", one.host, things(one.urls, "URL", "URLs")));
        named.collect::<Vec<_>>()
    };
    let (delivery, ssh, third) =
        (hosts(OnlookerRole::Delivery), hosts(OnlookerRole::Ssh), hosts(OnlookerRole::ThirdParty));
    let ssh = [ssh, hosts(OnlookerRole::Worker)].concat();
    if ssh.is_empty() && third.is_empty() {
        return None;
    }
    let mut said = format!("the URLs are asked for at {}", delivery.join(", "));
    if !ssh.is_empty() {
        said += "; looked at from ";
        said += &ssh.join(", ");
    }
    if !third.is_empty() {
        said += "; ";
        said += &third.join(", ");
        said +=
            ", a third party, sees them: signed, private and authenticated ones are kept from it";
    }
    Some(said)
}

/// That there is time to call it off.
pub(super) fn start_delay(delay: Duration) -> Option<String> {
    (!delay.is_zero()).then(|| {
        format!(
            "it starts {} s after it was confirmed: until then it can be called off",
            delay.as_secs_f64()
        )
    })
}

/// Whether a delete could be undone.
fn backups(draft: &Draft) -> String {
    let count = |backup| draft.found.iter().filter(|found| found.backup == backup).count();
    let (without, unknown) = (count(Backup::None), count(Backup::Unknown));
    match (without, unknown) {
        (0, 0) => "a backup exists: `restore` can bring it back".to_owned(),
        (0, _) => {
            "whether backups exist was not asked: take it that this cannot be undone".to_owned()
        }
        (without, _) if without == draft.found.len() => {
            "no backup exists: this cannot be undone".to_owned()
        }
        (without, _) => format!("{without} of them have no backup and cannot be restored"),
    }
}
