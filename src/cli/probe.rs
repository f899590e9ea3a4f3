//! `allclear probe`: one look at every place, without any change; and the looking end of an ssh place.

use std::io::{self, BufRead};
use std::sync::Arc;

use serde_json::json;
use unicode_segmentation::UnicodeSegmentation as _;

use super::args::Probe;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::output::{Output, Side, Table, columns};
use super::{json, resolve};
use crate::adapters::http_prober::HttpProber;
use crate::adapters::ssh::{RemoteEnd, ServeError};
use crate::adapters::system_clock::SystemClock;
use crate::domain::sighting::{Answer, Etag};
use crate::domain::text::clean;
use crate::domain::time::duration_ms;
use crate::ops::engine::Look;
use crate::ports::clock::Clock;

/// Looks at each URL at every place. No place answering is a blind look: [`Exit::NotClear`].
///
/// # Errors
/// A URL that is not this cloud's, no places, the cloud's.
pub async fn run(session: &Session, args: &Probe) -> Result<Exit, Failure> {
    let urls = match &args.url {
        Some(url) => vec![url.clone()],
        None => resolve::lines(io::stdin().lock()).map_err(|cause| unreadable(&cause))?,
    };
    let mut exit = Exit::Done;
    for url in &urls {
        let looks = session.engine.look(url).await?;
        exit = exit.worse(seen(session, url, &looks, urls.len() > 1)?);
    }
    Ok(exit)
}

/// Whether another allclear speaks to us: its first line is an object, which no URL is. Takes nothing from standard
/// input but empty lines.
///
/// # Errors
/// Standard input that cannot be read; a greeting where text is expected.
pub fn is_greeted(output: &Output, args: &Probe) -> Result<bool, Failure> {
    if !args.stdin {
        return Ok(false);
    }
    let greeted = begins_with_object(io::stdin().lock()).map_err(|cause| unreadable(&cause))?;
    if greeted && !output.style.json {
        let hint = "allclear probe --json --stdin speaks it";
        return Err(Failure::usage("standard input holds the line protocol, no URLs", hint));
    }
    Ok(greeted)
}

fn unreadable(cause: &io::Error) -> Failure {
    Failure::File { path: "standard input".to_owned(), detail: cause.to_string() }
}

/// Looks ahead past white space.
fn begins_with_object(mut input: impl BufRead) -> io::Result<bool> {
    loop {
        let ahead = input.fill_buf()?;
        let Some(at) = ahead.iter().position(|byte| !byte.is_ascii_whitespace()) else {
            let blank = ahead.len();
            if blank == 0 {
                return Ok(false);
            }
            input.consume(blank);
            continue;
        };
        return Ok(ahead[at] == b'{');
    }
}

/// Probes on behalf of the allclear that greeted us, until it closes our input. Needs no profile, journal or
/// credentials.
///
/// # Errors
/// None: whoever speaks to us was told.
pub async fn serve(args: &Probe) -> Result<Exit, Failure> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let prober = Arc::new(HttpProber::new(Arc::clone(&clock)));
    let served = RemoteEnd::new(prober, clock, args.local)
        .serve(tokio::io::stdin(), tokio::io::stdout())
        .await;
    match served {
        Ok(()) => Ok(Exit::Done),
        Err(ServeError::Io(_)) => Err(Failure::Gone),
        Err(why) => {
            tracing::warn!(%why, "a conversation ended");
            Ok(Exit::Usage)
        }
    }
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
        let width = columns(rustix::stdio::stdout()).unwrap_or(usize::MAX);
        let wide = table(looks, true);
        if wide.width() <= width {
            output.table(&wide)?;
        } else {
            narrow(output, looks)?;
        }
        output.say(&format!("{answered} of {} places answered", looks.len()));
    }
    Ok(if answered == 0 { Exit::NotClear } else { Exit::Done })
}

/// Every reason on a line of its own, below its place.
fn narrow(output: &Output, looks: &[Look]) -> Result<(), Failure> {
    let text = table(looks, false).text();
    let mut lines = text.lines();
    if let Some(header) = lines.next() {
        output.line(header)?;
    }
    for (line, look) in lines.zip(looks) {
        output.line(line)?;
        output.line(&format!("  {}", clean(&look.judgement.reason.to_string())))?;
    }
    Ok(())
}

/// Place and `PoP`, what the cache says of its copy, our verdict; the reason and the times where there is room.
fn table(looks: &[Look], wide: bool) -> Table {
    const COLUMNS: [(&str, Side); 9] = [
        ("PLACE", Side::Left),
        ("POP", Side::Left),
        ("CACHE", Side::Left),
        ("AGE", Side::Right),
        ("VALIDATOR", Side::Left),
        ("VERDICT", Side::Left),
        ("STATUS", Side::Right),
        ("RTT", Side::Right),
        ("WHY", Side::Left),
    ];
    /// Without the last two.
    const NARROW: usize = 7;
    let shown = if wide { COLUMNS.len() } else { NARROW };
    let mut table = Table::new(&COLUMNS[..shown], true);
    for look in looks {
        let answer = look.sighting.result.as_ref().ok();
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        let pop = answer.and_then(|answer| answer.pop.clone()).or_else(|| look.place.pop.clone());
        let cells = [
            look.place.id.to_string(),
            or_dash(pop),
            or_dash(answer.map(|answer| answer.cache.as_str().to_owned())),
            or_dash(answer.and_then(|answer| answer.age).map(|age| format!("{age} s"))),
            or_dash(answer.and_then(validator)),
            look.judgement.verdict.as_str().to_owned(),
            or_dash(answer.map(|answer| answer.status.to_string())),
            format!("{} ms", duration_ms(look.sighting.received.since(look.sighting.sent))),
            look.judgement.reason.to_string(),
        ];
        table.row(&cells[..shown]);
    }
    table
}

/// What identifies the copy, in a few characters: its entity tag, else when it was last modified.
fn validator(answer: &Answer) -> Option<String> {
    let tag =
        |etag: &Etag| format!("{}{}", if etag.weak { "W/" } else { "" }, beginning(&etag.tag));
    let modified = || answer.last_modified.as_deref().map(day);
    answer.etag.as_ref().map(tag).or_else(modified)
}

/// The first characters of a tag, enough to tell copies apart by eye.
fn beginning(tag: &str) -> String {
    tag.graphemes(true).take(10).collect()
}

/// The day and time of a `Last-Modified`, as far as it can be read.
fn day(last_modified: &str) -> String {
    jiff::fmt::rfc2822::parse(last_modified).map_or_else(
        |_| beginning(last_modified),
        |at| format!("{:.0}", at.timestamp()).replace('T', " ").trim_end_matches('Z').to_owned(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_greets_and_a_url_does_not() {
        let ahead = |text: &str| begins_with_object(text.as_bytes()).unwrap();
        assert!(ahead("{\"schema\":1}\n") && ahead("\n \n{"));
        assert!(!ahead("https://x/y\n{}\n") && !ahead("") && !ahead(" \n\n"));
    }

    #[test]
    fn a_validator_is_short() {
        let tagged = |tag: &str, weak| Answer {
            etag: Some(Etag { weak, tag: tag.to_owned() }),
            ..Answer::default()
        };
        let shown = |answer: &Answer| validator(answer).unwrap();
        assert_eq!(shown(&tagged("9e10", false)), "9e10");
        assert_eq!(shown(&tagged("a0559e7581295244e29c", true)), "W/a0559e7581");
        let dated =
            |text: &str| Answer { last_modified: Some(text.to_owned()), ..Answer::default() };
        assert_eq!(shown(&dated("Wed, 21 Oct 2026 07:28:00 GMT")), "2026-10-21 07:28:00");
        assert_eq!(shown(&dated("yesterday or so")), "yesterday ");
        assert_eq!(validator(&Answer::default()), None);
    }
}
