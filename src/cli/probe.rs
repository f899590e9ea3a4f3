//! `allclear probe`: one look at every place, without any change; and the looking end of an ssh place.

use std::collections::HashSet;
use std::io::{self, BufRead};
use std::sync::Arc;

use serde_json::{Value, json};
use unicode_segmentation::UnicodeSegmentation as _;

use super::args::{At, Globals, Probe};
use super::exit::Exit;
use super::failure::Failure;
use super::fastly::{self, Checked};
use super::look_from::Sources;
use super::output::{Output, Side, Table, columns};
use super::pops::{self, Pops};
use super::web::{self, Around, Meant};
use super::{connect, json, resolve, words};
use crate::adapters::globalping::QuotaNow;
use crate::adapters::http_prober::HttpProber;
use crate::adapters::ssh::{RemoteEnd, ServeError};
use crate::adapters::system_clock::SystemClock;
use crate::config::Env;
use crate::domain::account::Account;
use crate::domain::coverage::{COPY_LIFE, Call, Coverage, CoverageFacts, coverage};
use crate::domain::delivery_url::DeliveryUrl;
use crate::domain::pop;
use crate::domain::secrets::masked;
use crate::domain::sighting::{Answer, Etag};
use crate::domain::text::clean;
use crate::domain::time::duration_ms;
use crate::ops::Engine;
use crate::ops::engine::{Look, Looked, Lookout, Truth};
use crate::ports::clock::Clock;

/// Looks at each URL at every place. No place answering is a blind look: [`Exit::NotClear`].
///
/// # Errors
/// What is no URL (before anything is asked), no places, the cloud's.
pub async fn run(
    globals: &Globals,
    env: &Env,
    output: &Output,
    args: &Probe,
) -> Result<Exit, Failure> {
    let urls = if args.stdin {
        resolve::lines(io::stdin().lock()).map_err(|cause| unreadable(&cause))?
    } else {
        args.urls.clone()
    };
    let around = Around::find(globals, env).await?;
    let meant = urls.iter().map(|url| around.meant(url)).collect::<Result<Vec<_>, _>>()?;
    let mut eyes =
        Eyes { globals, env, output, at: &args.at, around: &around, own: None, web: None };
    let mut exit = Exit::Done;
    for (url, meant) in urls.iter().zip(&meant) {
        let seen = eyes.look(url, meant).await?;
        exit = exit.worse(show(output, &seen, urls.len() > 1, &args.columns)?);
    }
    eyes.close().await;
    Ok(exit)
}

/// What URLs are looked at with, opened when the first one needs it.
struct Eyes<'a> {
    globals: &'a Globals,
    env: &'a Env,
    output: &'a Output,
    at: &'a At,
    around: &'a Around,
    own: Option<(Engine, Sources)>,
    web: Option<(Lookout, Sources)>,
}

/// One URL, seen.
struct Seen {
    /// Fit to be shown.
    url: String,
    looked: Looked,
    /// What Fastly's own PoPs hold, where they were asked.
    fastly: Option<Checked>,
    quota: Option<QuotaNow>,
}

impl Eyes<'_> {
    async fn look(&mut self, typed: &str, meant: &Meant) -> Result<Seen, Failure> {
        let url = clean(&masked(typed)).into_owned();
        let (looked, sources, full) = match meant {
            Meant::Ours => {
                let output = self.output;
                let (engine, sources) = self.own().await?;
                let account = &engine.context().account;
                let read = DeliveryUrl::parse(typed, account).ok();
                if let Some(warning) = read.as_ref().and_then(|url| planting(account, url)) {
                    output.warn(&warning);
                }
                (engine.look(typed).await?, sources, read)
            }
            Meant::Web(url) => {
                let (lookout, sources) = self.web()?;
                (lookout.look(url).await?, sources, Some((**url).clone()))
            }
        };
        let fastly = match full.filter(|_| !looked.looks.is_empty()) {
            Some(url) => fastly::check(sources, &url).await,
            None => None,
        };
        let quota = sources.globalping.as_ref().and_then(|network| network.quota().now());
        Ok(Seen { url, looked, fastly, quota })
    }

    async fn own(&mut self) -> Result<&(Engine, Sources), Failure> {
        if self.own.is_none() {
            let resolved = self.around.profile(self.globals, self.env, self.output)?;
            let found = connect::find(resolved, self.output).await?;
            web::refuse_edges(self.at, found.local.is_some())?;
            let (mut context, sources) = found.equipped()?;
            if let Some(pinned) = web::pinned(self.at) {
                context.places = pinned;
            }
            self.own = Some((Engine::for_reading(context), sources));
        }
        self.own.as_ref().ok_or(Failure::Gone) // it is there
    }

    fn web(&mut self) -> Result<&(Lookout, Sources), Failure> {
        if self.web.is_none() {
            self.web = Some(self.around.outlook(self.at)?);
        }
        self.web.as_ref().ok_or(Failure::Gone) // it is there
    }

    async fn close(self) {
        if let Some((engine, _)) = self.own {
            engine.shutdown().await;
        }
    }
}

/// What a look does to caches that no invalidation reaches, in words; `None` where one does, or may.
#[must_use]
pub fn planting(account: &Account, url: &DeliveryUrl) -> Option<String> {
    let asset = CoverageFacts::unchanged(&url.asset, None);
    let Coverage::NotCovered(why) = coverage(url, &asset, account, Call::Explicit) else {
        return None;
    };
    Some(format!(
        "warning: a look leaves a fresh copy, for up to {} days, wherever there is none, and no invalidation reaches \
         this URL: {why}",
        COPY_LIFE.as_secs() / 86_400
    ))
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

fn show(output: &Output, seen: &Seen, many: bool, wanted: &[String]) -> Result<Exit, Failure> {
    let looks = &seen.looked.looks;
    let answered = looks.iter().filter(|look| look.sighting.result.is_ok()).count();
    if output.style.json {
        output.json(as_json(seen, answered))?;
    } else {
        if many {
            output.line(&seen.url)?;
        }
        let width = columns(rustix::stdio::stdout()).unwrap_or(usize::MAX);
        let room = if wanted.is_empty() { width } else { usize::MAX };
        output.table(&fitting(looks, room).only(wanted)?)?;
        if let Some(checked) = &seen.fastly {
            fastly::show(output, checked, width)?;
        }
        output.say(&tally(looks, answered));
        if answered == 0 {
            output.say("blind: no place answered, so nothing is known of the copies of this URL");
        }
        if let Truth::Nothing { why } = &seen.looked.truth {
            output.say(&format!("no verdict: a read past the caches is not possible ({why})"));
        }
        if let Some(quota) = &seen.quota {
            output.say(&quota.to_string());
        }
    }
    Ok(if answered == 0 { Exit::NotClear } else { Exit::Done })
}

fn as_json(seen: &Seen, answered: usize) -> Value {
    let looks = &seen.looked.looks;
    let pops = Pops::of(looks);
    json!({
        "url": seen.url,
        "places": { "reached": answered, "unreachable": looks.len() - answered },
        "blind": answered == 0,
        "looks": looks.iter().map(json::look).collect::<Vec<_>>(),
        "truth": match &seen.looked.truth {
            Truth::Storage => "storage",
            Truth::Read => "read",
            Truth::Nothing { .. } => "none",
        },
        "truth_why": match &seen.looked.truth {
            Truth::Nothing { why } => Some(why.to_string()),
            _ => None,
        },
        "addresses": addresses(looks),
        "pops": pops.json(),
        "fastly": seen.fastly.as_ref().map(fastly::json),
        "globalping": seen.quota.as_ref().map(json::quota),
    })
}

/// Addresses that were tried, each once; a place that only its vantage point can resolve counts for one.
fn addresses(looks: &[Look]) -> usize {
    looks.iter().map(|look| look.place.limit_key()).collect::<HashSet<_>>().len()
}

/// `3 of 4 places answered: 4 addresses tried, 2 distinct PoPs seen; 1 unknown PoP code: DE1`.
fn tally(looks: &[Look], answered: usize) -> String {
    let tried = words::of(addresses(looks), "address", "addresses");
    format!(
        "{answered} of {} answered: {tried} tried, {}",
        words::count(looks.len(), "place"),
        Pops::of(looks)
    )
}

/// The widest table that fits; what leaves first is what tells least. A reason without a column stands below.
fn fitting(looks: &[Look], width: usize) -> Table {
    const WIDE: [Column; 9] = [
        Column::Place,
        Column::Pop,
        Column::Cache,
        Column::Age,
        Column::Validator,
        Column::Verdict,
        Column::Status,
        Column::Rtt,
        Column::Why,
    ];
    let layouts: [(&[Column], Detail); 4] = [
        (&WIDE, Detail::City),
        (&WIDE, Detail::Code),
        (&WIDE[..8], Detail::City),
        (&WIDE[..7], Detail::Code),
    ];
    let mut table = Table::default();
    for (shown, detail) in layouts {
        table = self::table(looks, shown, detail);
        if table.width() <= width {
            return table;
        }
    }
    if looks.iter().any(|look| look.place.id.0.len() > 30) {
        // long names get a line of their own
        return self::table(looks, &WIDE[1..7], Detail::Named);
    }
    table
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Place,
    Pop,
    Cache,
    Age,
    Validator,
    Verdict,
    Status,
    Rtt,
    Why,
}

/// How much a PoP is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Detail {
    /// With its city.
    City,
    Code,
    /// The code, and the place on the line below with the reason.
    Named,
}

impl Column {
    const fn head(self) -> (&'static str, Side) {
        match self {
            Self::Place => ("PLACE", Side::Left),
            Self::Pop => ("POP", Side::Left),
            Self::Cache => ("CACHE", Side::Left),
            Self::Age => ("AGE", Side::Right),
            Self::Validator => ("VALIDATOR", Side::Left),
            Self::Verdict => ("VERDICT", Side::Left),
            Self::Status => ("STATUS", Side::Right),
            Self::Rtt => ("RTT", Side::Right),
            Self::Why => ("WHY", Side::Left),
        }
    }

    fn cell(self, look: &Look, detail: Detail) -> String {
        let answer = look.sighting.result.as_ref().ok();
        let told = match self {
            Self::Place => Some(look.place.id.to_string()),
            Self::Pop => pops::of(look).map(|code| match (detail, pop::locate(&code)) {
                (Detail::City, Some(at)) => format!("{code} {}", at.city),
                _ => code,
            }),
            Self::Cache => answer.map(|answer| answer.cache.as_str().to_owned()),
            Self::Age => answer.and_then(|answer| answer.age).map(|age| format!("{age} s")),
            Self::Validator => answer.and_then(validator),
            Self::Verdict => Some(look.judgement.verdict.as_str().to_owned()),
            Self::Status => answer.map(|answer| answer.status.to_string()),
            Self::Rtt => {
                let rtt = look.sighting.received.since(look.sighting.sent);
                Some(format!("{} ms", duration_ms(rtt)))
            }
            Self::Why => Some(look.judgement.reason.to_string()),
        };
        told.unwrap_or_else(|| "-".to_owned())
    }
}

fn table(looks: &[Look], shown: &[Column], detail: Detail) -> Table {
    let heads: Vec<_> = shown.iter().map(|column| column.head()).collect();
    let mut table = Table::new(&heads, true);
    for look in looks {
        table.row(shown.iter().map(|column| column.cell(look, detail)));
        if detail == Detail::Named {
            table.below(&look.place.id.to_string());
        }
        if !shown.contains(&Column::Why) {
            table.below(&look.judgement.reason.to_string());
        }
    }
    table
}

/// What identifies the copy, in a few characters: its entity tag, else when it was last modified.
pub fn validator(answer: &Answer) -> Option<String> {
    let tag =
        |etag: &Etag| format!("{}{}", if etag.weak { "W/" } else { "" }, beginning(&etag.tag));
    let modified = || answer.last_modified.as_deref().map(day);
    answer.etag.as_ref().map(tag).or_else(modified)
}

/// The first characters of a tag, enough to tell copies apart by eye.
pub fn beginning(tag: &str) -> String {
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
    fn a_look_where_no_invalidation_reaches_is_warned_of() {
        use crate::domain::account::InvalidationKind;
        let warned = |invalidation, url: &str| {
            let account = Account { invalidation, ..Account::named("demo") };
            let url = DeliveryUrl::parse(url, &account).unwrap();
            planting(&account, &url)
        };
        let versioned = "https://res.cloudinary.com/demo/image/upload/v1700000000/hero.jpg";
        let plain = "https://res.cloudinary.com/demo/image/upload/hero.jpg";
        let told = warned(InvalidationKind::LegacyUnversioned, versioned).unwrap();
        assert!(told.contains("30 days") && told.contains("no invalidation reaches"), "{told}");
        assert_eq!(warned(InvalidationKind::LegacyUnversioned, plain), None);
        assert_eq!(warned(InvalidationKind::Surrogate, versioned), None);
        assert_eq!(warned(InvalidationKind::Unknown, versioned), None);
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
