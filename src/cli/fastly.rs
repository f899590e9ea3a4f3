//! Fastly's own look at a URL in all of its PoPs: a second opinion beside the places of the profile, never a verdict.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::failure::Failure;
use super::look_from::Sources;
use super::output::{Output, Side, Table};
use super::probe::{beginning, validator};
use super::words;
use crate::adapters::fastly_check::{EdgeCheckError, PopSighting};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::invalidation::{Invalidation, WatchedName, WatchedUrl};
use crate::domain::pop;
use crate::domain::text::clean;
use crate::domain::verdict::{Expectation, Stored};

/// URLs that are asked about when a watch has ended: each check is one of 200 an hour.
const MOST_CHECKED: usize = 3;

/// Evidence beside a watch that ended clear: one of its URLs, and what Fastly's PoPs hold of it.
pub struct Evidence {
    /// Fit to be shown.
    url: String,
    checked: Checked,
    /// PoPs that hold what the URL served before the change.
    old_at: Vec<String>,
}

/// Asks about some URLs of a watch, each asset once, where there is a token and their hosts are Fastly's.
pub async fn evidence(sources: &Sources, invalidation: &Invalidation) -> Vec<Evidence> {
    let mut found = Vec::new();
    if sources.edge_check.is_none() {
        return found;
    }
    for name in invalidation.names.iter().filter(|name| !name.superseded) {
        let Some(watched) = invalidation.urls.iter().find(|watched| watched.key == name.key) else {
            continue;
        };
        if let Some(checked) = check(sources, &watched.url).await {
            let old_at = old_at(checked.pops.as_deref().unwrap_or_default(), name, watched);
            let url = clean(&watched.url.masked()).into_owned();
            found.push(Evidence { url, checked, old_at });
        }
        if found.len() == MOST_CHECKED {
            break;
        }
    }
    found
}

/// PoPs that serve what storage no longer holds.
fn old_at(pops: &[PopSighting], name: &WatchedName, watched: &WatchedUrl) -> Vec<String> {
    let old = match &name.old {
        _ if watched.derived => watched.old.as_ref(),
        Some(Stored::Holds(content)) => Some(content),
        _ => None,
    };
    let is_changed = !matches!(name.expectation(), Some(Expectation::Refetched) | None);
    let Some(old) = old.filter(|_| is_changed).and_then(|old| old.etag.clone()) else {
        return Vec::new();
    };
    let serves_old = |seen: &&PopSighting| {
        let answer = seen.answer.as_ref().ok();
        answer.filter(|answer| matches!(answer.status, 200 | 206)).is_some_and(|answer| {
            let tag = answer.etag.as_ref().filter(|etag| !etag.weak).map(|etag| &etag.tag);
            tag == Some(&old) || seen.md5.as_ref() == Some(&old)
        })
    };
    pops.iter().filter(serves_old).map(|seen| seen.pop.clone()).collect()
}

impl Evidence {
    /// As a line of a stream.
    pub fn value(&self) -> Value {
        let mut value = json(&self.checked);
        value["url"] = json!(self.url);
        value["old_at"] = json!(self.old_at);
        value
    }

    /// A section of its own, and a warning where an old copy is left.
    ///
    /// # Errors
    /// Only that nobody reads the output.
    pub fn show(&self, output: &Output, width: usize) -> Result<(), Failure> {
        show(output, &self.checked, width)?;
        output.line(&format!("about {}", self.url))?;
        self.warn(output);
        Ok(())
    }

    /// Says where an old copy is left.
    pub fn warn(&self, output: &Output) {
        if !self.old_at.is_empty() {
            output.warn(&format!(
                "warning: by Fastly's own check {} still {} an old copy of {}: purge again",
                self.old_at.join(", "),
                if self.old_at.len() == 1 { "holds" } else { "hold" },
                self.url
            ));
        }
    }
}

/// What came of asking.
pub struct Checked {
    pops: Result<Vec<PopSighting>, EdgeCheckError>,
    /// Checks left of this hour.
    left: usize,
}

/// Asks where there is a token and the URL's host is Fastly's; whatever goes wrong is part of the result.
pub async fn check(sources: &Sources, url: &DeliveryUrl) -> Option<Checked> {
    let check = sources.edge_check_of(&url.host_name())?;
    let pops = check.edge_check(&url.canonical()).await;
    Some(Checked { pops, left: check.left() })
}

/// Copies told apart, the most common one first: `A`, `B`, … by the hash of the body, else by entity tag.
fn copies(pops: &[PopSighting]) -> HashMap<String, String> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    pops.iter().filter_map(identity).for_each(|copy| *counts.entry(copy).or_default() += 1);
    let mut copies: Vec<(String, usize)> = counts.into_iter().collect();
    copies.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
    let name = |at: usize| match u8::try_from(at) {
        Ok(at) if at < 26 => char::from(b'A' + at).to_string(),
        _ => format!("#{}", at + 1),
    };
    copies.into_iter().enumerate().map(|(at, (copy, _))| (copy, name(at))).collect()
}

/// What tells a copy from another; a refusal is one by its status.
fn identity(seen: &PopSighting) -> Option<String> {
    let answer = seen.answer.as_ref().ok()?;
    if !matches!(answer.status, 200 | 206) {
        return Some(format!("status {}", answer.status));
    }
    let tag = || answer.etag.as_ref().map(|etag| format!("tag {}", etag.tag));
    seen.md5.as_ref().map(|md5| format!("md5 {md5}")).or_else(tag)
}

/// A section of its own: every PoP with the copy that it holds.
///
/// # Errors
/// Only that nobody reads the output.
pub fn show(output: &Output, checked: &Checked, width: usize) -> Result<(), Failure> {
    output.line("")?;
    let pops = match &checked.pops {
        Ok(pops) => pops,
        Err(why) => {
            output.line(&format!("Fastly's own check: {}", clean(&why.to_string())))?;
            return Ok(());
        }
    };
    let copies = copies(pops);
    let told = pops.iter().filter(|seen| seen.answer.is_ok()).count();
    let different = words::of(copies.len(), "copy", "different copies");
    output.line(&format!(
        "Fastly's own check: {told} of {} told, {different}",
        words::count(pops.len(), "PoP")
    ))?;
    let full = table(pops, &copies, true);
    output.table(&if full.width() <= width { full } else { table(pops, &copies, false) })?;
    output.say(&format!("{} of this hour left", words::count(checked.left, "edge check")));
    Ok(())
}

fn table(pops: &[PopSighting], copies: &HashMap<String, String>, full: bool) -> Table {
    let mut heads = vec![
        ("POP", Side::Left),
        ("COPY", Side::Left),
        ("CACHE", Side::Left),
        ("AGE", Side::Right),
        ("VALIDATOR", Side::Left),
        ("MD5", Side::Left),
        ("STATUS", Side::Right),
    ];
    if full {
        heads.push(("SERVER", Side::Left));
    }
    let mut table = Table::new(&heads, true);
    for seen in pops {
        let answer = seen.answer.as_ref().ok();
        let city = pop::locate(&seen.pop).map(|at| at.city).filter(|_| full);
        let mut row = vec![
            Some(city.map_or_else(|| seen.pop.clone(), |city| format!("{} {city}", seen.pop))),
            identity(seen).and_then(|copy| copies.get(&copy).cloned()),
            answer.map(|answer| answer.cache.as_str().to_owned()),
            answer.and_then(|answer| answer.age).map(|age| format!("{age} s")),
            answer.and_then(validator),
            seen.md5.as_deref().map(beginning),
            answer.map(|answer| answer.status.to_string()),
        ];
        if full {
            row.push(seen.server.clone());
        }
        table.row(row.into_iter().map(|cell| cell.unwrap_or_else(|| "-".to_owned())));
        if let Err(why) = &seen.answer {
            table.below(why);
        }
    }
    table
}

pub fn json(checked: &Checked) -> Value {
    let (pops, error) = match &checked.pops {
        Ok(pops) => (pops.as_slice(), None),
        Err(why) => (&[][..], Some(clean(&why.to_string()).into_owned())),
    };
    let copies = copies(pops);
    let row = |seen: &PopSighting| {
        let answer = seen.answer.as_ref().ok();
        json!({
            "pop": seen.pop,
            "city": pop::locate(&seen.pop).map(|at| at.city),
            "server": seen.server.as_deref().map(clean),
            "copy": identity(seen).and_then(|copy| copies.get(&copy).cloned()),
            "status": answer.map(|answer| answer.status),
            "cache": answer.map(|answer| answer.cache.as_str()),
            "age": answer.and_then(|answer| answer.age),
            "etag": answer.and_then(|answer| answer.etag.as_ref()).map(|etag| clean(&etag.tag)),
            "md5": seen.md5,
            "failure": seen.answer.as_ref().err().map(|why| clean(why)),
        })
    };
    json!({
        "pops": pops.iter().map(row).collect::<Vec<_>>(),
        "copies": copies.len(),
        "left": checked.left,
        "error": error,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::account::Account;
    use crate::domain::coverage::Coverage;
    use crate::domain::id::ItemId;
    use crate::domain::sighting::{Answer, Etag};
    use crate::domain::verdict::Content;
    use crate::ops::testing;
    use rstest::rstest;

    fn seen(pop: &str, status: u16, tag: &str, weak: bool, md5: Option<&str>) -> PopSighting {
        let etag = Some(Etag { weak, tag: tag.to_owned() });
        PopSighting {
            pop: pop.to_owned(),
            server: None,
            answer: Ok(Answer { status, etag, ..Answer::default() }),
            md5: md5.map(str::to_owned),
        }
    }

    fn held(etag: &str) -> Stored {
        Stored::Holds(Content { etag: Some(etag.to_owned()), ..Content::default() })
    }

    #[rstest]
    #[case::deleted(Some(held("old")), Some(Stored::Empty), &["AMS", "FRA"])]
    #[case::replaced(Some(held("old")), Some(held("new")), &["AMS", "FRA"])]
    #[case::purged(Some(held("old")), Some(held("old")), &[])]
    #[case::nothing_was_there(Some(Stored::Empty), Some(held("new")), &[])]
    #[case::not_known(None, Some(held("new")), &[])]
    fn an_old_copy_is_told_by_its_tag_or_its_bytes(
        #[case] old: Option<Stored>,
        #[case] new: Option<Stored>,
        #[case] expected: &[&str],
    ) {
        let pops = [
            seen("AMS", 200, "old", false, None),
            seen("FRA", 200, "own", false, Some("old")),
            seen("SIN", 200, "new", false, Some("new")),
            seen("IAD", 200, "old", true, None),
            seen("NRT", 404, "old", false, None),
        ];
        let (key, item) = (testing::image("press/hero"), ItemId::new());
        let name = WatchedName {
            item,
            key: key.clone(),
            must_live: false,
            old,
            new,
            changed_at: None,
            superseded: false,
        };
        let watched = WatchedUrl {
            url: DeliveryUrl::original(&Account::named("demo"), &key, Some("jpg")),
            coverage: Coverage::Covered,
            item,
            key,
            derived: false,
            old: None,
        };
        assert_eq!(old_at(&pops, &name, &watched), expected);
    }
}
