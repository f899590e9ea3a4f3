//! What to know before saying yes, one sentence each.

use super::{ADMIN_BULK_ABOVE, Draft};
use crate::domain::invalidation::Verb;
use crate::domain::purge::{ApiPath, Backup, OrderTerms, PlannedUrl, Verify};
use crate::domain::sample;
use crate::domain::usual::Usual;
use crate::ops::context::Context;

pub(super) fn notes(
    context: &Context,
    draft: &Draft,
    terms: &OrderTerms,
    places: usize,
) -> Vec<String> {
    let mut notes = Vec::new();
    if !terms.invalidate {
        notes.push("nothing is invalidated: caches may serve the old copies for up to 30 days, and nothing is watched".to_owned());
    } else if places == 0 {
        notes.push("no cache can be reached from here: the outcome will be `blind`".to_owned());
    }
    notes.extend(of_verb(draft.verb).iter().map(|note| (*note).to_owned()));
    if draft.verb == Verb::Delete {
        notes.push(backups(draft));
        let one_by_one = draft.api_path == ApiPath::Destroy && draft.found.len() > ADMIN_BULK_ABOVE;
        if one_by_one && context.account.bulk_invalidation != Some(true) {
            notes.push(
                "bulk invalidation is not known to be on for this account, so every asset gets an Upload API call of its own"
                    .to_owned(),
            );
        }
    }
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
