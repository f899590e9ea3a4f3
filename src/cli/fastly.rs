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
use crate::domain::pop;
use crate::domain::text::clean;

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
