//! `allclear probe`: one look at every place, without any change.

use serde_json::json;

use super::args::Probe;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Side, Table};
use super::{json, resolve};
use crate::domain::text::clean;
use crate::domain::time::duration_ms;
use crate::ops::engine::Look;

/// Looks at each URL at every place. No place answering is a blind look: [`Exit::NotClear`].
///
/// # Errors
/// A URL that is not this cloud's, no places, the cloud's.
pub async fn run(session: &Session, args: &Probe) -> Result<Exit, Failure> {
    let urls = match &args.url {
        Some(url) => vec![url.clone()],
        None => resolve::lines(std::io::stdin().lock()).map_err(|cause| Failure::File {
            path: "standard input".to_owned(),
            detail: cause.to_string(),
        })?,
    };
    let mut exit = Exit::Done;
    for url in &urls {
        let looks = session.engine.look(url).await?;
        exit = exit.worse(seen(session, url, &looks, urls.len() > 1)?);
    }
    Ok(exit)
}

fn seen(session: &Session, url: &str, looks: &[Look], many: bool) -> Result<Exit, Failure> {
    let output = &session.output;
    let answered = looks.iter().filter(|look| look.sighting.result.is_ok()).count();
    if output.style.json {
        output.json(json!({
            "url": clean(url),
            "places": { "reached": answered, "unreachable": looks.len() - answered },
            "looks": looks.iter().map(json::look).collect::<Vec<_>>(),
        }))?;
    } else {
        if many {
            output.line(&clean(url))?;
        }
        output.table(&table(looks))?;
        output.say(&format!("{answered} of {} places answered", looks.len()));
    }
    Ok(if answered == 0 { Exit::NotClear } else { Exit::Done })
}

fn table(looks: &[Look]) -> Table {
    let columns = [
        ("PLACE", Side::Left),
        ("VERDICT", Side::Left),
        ("STATUS", Side::Right),
        ("CACHE", Side::Left),
        ("AGE", Side::Right),
        ("RTT", Side::Right),
        ("WHY", Side::Left),
    ];
    let mut table = Table::new(&columns, true);
    for look in looks {
        let answer = look.sighting.result.as_ref().ok();
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        table.row([
            look.place.id.to_string(),
            look.judgement.verdict.as_str().to_owned(),
            or_dash(answer.map(|answer| answer.status.to_string())),
            or_dash(answer.map(|answer| answer.cache.as_str().to_owned())),
            or_dash(answer.and_then(|answer| answer.age).map(|age| format!("{age} s"))),
            format!("{} ms", duration_ms(look.sighting.received.since(look.sighting.sent))),
            look.judgement.reason.to_string(),
        ]);
    }
    table
}
