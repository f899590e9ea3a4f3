//! Who sees the URLs of a plan while they are verified (design §8).

use std::collections::BTreeMap;

use crate::domain::account::Account;
use crate::domain::place::{Place, Vantage};
use crate::domain::purge::{Onlooker, OnlookerRole, PlannedUrl};
use crate::domain::text::clean;

/// The hosts that deliver `urls`, and those that look for us.
pub(super) fn of(account: &Account, urls: &[PlannedUrl], places: &[Place]) -> Vec<Onlooker> {
    if urls.is_empty() {
        return Vec::new();
    }
    // what is not for everybody is shown to no third party
    let public = urls.iter().filter(|url| !url.url.url.is_restricted()).count();
    let mut seen = BTreeMap::<(OnlookerRole, String), usize>::new();
    for url in urls {
        let host = match &account.local {
            Some(_) => "the local cloud".to_owned(),
            None => clean(&url.url.url.host_name()).into_owned(),
        };
        *seen.entry((OnlookerRole::Delivery, host)).or_default() += 1;
    }
    for place in places {
        let onlooker = match &place.vantage {
            Vantage::Here => continue,
            Vantage::Ssh(host) => (OnlookerRole::Ssh, clean(host).into_owned(), urls.len()),
            // hosts of the team, which has the journal anyway
            Vantage::Worker(name) => (OnlookerRole::Worker, clean(name).into_owned(), public),
            Vantage::Globalping(_) => {
                (OnlookerRole::ThirdParty, "the Globalping network".to_owned(), public)
            }
        };
        seen.insert((onlooker.0, onlooker.1), onlooker.2);
    }
    seen.into_iter().map(|((role, host), urls)| Onlooker { host, role, urls }).collect()
}
