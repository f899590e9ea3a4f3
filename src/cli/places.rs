//! `allclear places`: where we can look from, and at; where that is known from, and how much of it is left.

use std::collections::HashSet;

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::args::Places;
use super::connect::Session;
use super::exit::Exit;
use super::failure::Failure;
use super::look_from::Sources;
use super::output::{Output, Side, Table, columns};
use super::pops::{self, Pops};
use super::{json, words};
use crate::adapters::discovery::{Row, Tag};
use crate::domain::place::Place;
use crate::domain::pop;
use crate::domain::text::clean;
use crate::ops::engine::Look;

/// Lists the places of the profile and its sources; with a URL, what answers there.
///
/// # Errors
/// No place can be found; a URL that is not this cloud's.
pub async fn run(session: &Session, args: &Places) -> Result<Exit, Failure> {
    let looks = match &args.url {
        Some(url) => session.engine.look(url).await?.looks,
        None => Vec::new(),
    };
    let places = if looks.is_empty() {
        session.engine.places().await?
    } else {
        looks.iter().map(|look| look.place.clone()).collect()
    };
    let host = places.first().map(|place| place.host.clone()).unwrap_or_default();
    let sources = told(&session.sources, &host).await;
    let seen = Listed { places, looks };
    let output = &session.output;
    if output.style.json {
        output.json(json!({
            "places": seen.places.iter().map(|place| seen.json(place)).collect::<Vec<_>>(),
            "sources": sources.iter().map(|source| source.json.clone()).collect::<Vec<_>>(),
            "addresses": seen.addresses(),
            "pops": seen.pops().json(),
        }))?;
        return Ok(Exit::Done);
    }
    let width = columns(rustix::stdio::stdout()).unwrap_or(usize::MAX);
    if args.columns.is_empty() {
        show(output, &seen, &sources, width, !args.no_header)?;
    } else {
        output.table(&seen.table(!args.no_header, true).only(&args.columns)?)?;
    }
    Ok(Exit::Done)
}

fn show(
    output: &Output,
    seen: &Listed,
    sources: &[Source],
    width: usize,
    header: bool,
) -> Result<(), Failure> {
    let full = seen.table(header, true);
    output.table(&if full.width() <= width { full } else { seen.table(header, false) })?;
    output.line("")?;
    output.table(&listed(sources, header, width))?;
    output.say(&seen.tally());
    Ok(())
}

/// Places, and what answered there if they were looked at.
struct Listed {
    places: Vec<Place>,
    looks: Vec<Look>,
}

impl Listed {
    /// The PoP of a place: the one that answered, else the one it is known by.
    fn pop(&self, place: &Place) -> Option<String> {
        let look = self.looks.iter().find(|look| look.place.id == place.id);
        look.and_then(pops::of)
            .or_else(|| place.pop.as_deref().map(|code| clean(code).into_owned()))
    }

    fn pops(&self) -> Pops {
        if self.looks.is_empty() {
            return Pops::count(self.places.iter().filter_map(|place| self.pop(place)));
        }
        Pops::of(&self.looks)
    }

    /// As a local cloud or the table of PoPs knows it.
    fn city(&self, place: &Place) -> Option<String> {
        let located = || Some(pop::locate(&self.pop(place)?)?.city.to_owned());
        place.city.clone().or_else(located)
    }

    fn addresses(&self) -> usize {
        self.places.iter().map(Place::limit_key).collect::<HashSet<_>>().len()
    }

    fn tally(&self) -> String {
        let addresses = words::of(self.addresses(), "address", "addresses");
        if self.looks.is_empty() {
            return format!(
                "{addresses} known; `allclear places URL` looks which PoPs answer there"
            );
        }
        format!("{addresses} tried, {}", self.pops())
    }

    fn json(&self, place: &Place) -> Value {
        let mut shown = json::place(place);
        let look = self.looks.iter().find(|look| look.place.id == place.id);
        if let Value::Object(fields) = &mut shown {
            fields.insert("city".to_owned(), json!(self.city(place).as_deref().map(clean)));
            fields.insert("pop_seen".to_owned(), json!(look.and_then(pops::of)));
            fields.insert(
                "failure".to_owned(),
                json!(
                    look.and_then(|look| look.sighting.result.as_ref().err())
                        .map(|why| clean(&why.to_string()).into_owned())
                ),
            );
        }
        shown
    }

    fn table(&self, header: bool, full: bool) -> Table {
        let mut heads = vec![("PLACE", Side::Left), ("POP", Side::Left), ("CITY", Side::Left)];
        if full {
            heads.push(("PROVIDER", Side::Left));
        }
        heads.extend([("FROM", Side::Left), ("ADDRESS", Side::Left)]);
        if full {
            heads.push(("HOST", Side::Left));
        }
        let mut table = Table::new(&heads, header);
        let or_dash = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        for place in &self.places {
            let mut row =
                vec![place.id.to_string(), or_dash(self.pop(place)), or_dash(self.city(place))];
            if full {
                row.push(place.provider.clone());
            }
            row.push(place.vantage.to_string());
            row.push(or_dash(place.address.map(|address| address.to_string())));
            if full {
                row.push(place.host.clone());
            }
            table.row(row);
            let look = self.looks.iter().find(|look| look.place.id == place.id);
            if let Some(Err(why)) = look.map(|look| &look.sighting.result) {
                table.below(&format!("no answer: {why}"));
            }
        }
        table
    }
}

/// One source of places, and how it is.
pub struct Source {
    pub kind: &'static str,
    pub what: String,
    pub state: String,
    json: Value,
}

impl Source {
    /// Whether it could not be asked, or knows nothing.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.json.get("failure").is_some_and(|why| !why.is_null())
    }

    fn new(kind: &'static str, what: &str, state: &str, more: &Value) -> Self {
        let (what, state) = (clean(what).into_owned(), clean(state).into_owned());
        let mut json = json!({ "kind": kind, "what": what, "state": state });
        if let (Value::Object(fields), Value::Object(more)) = (&mut json, more) {
            fields.extend(more.clone());
        }
        Self { kind, what, state, json }
    }
}

/// A state that is too long for its line stands below it.
fn listed(sources: &[Source], header: bool, width: usize) -> Table {
    const HEADS: [(&str, Side); 3] =
        [("SOURCE", Side::Left), ("WHAT", Side::Left), ("STATE", Side::Left)];
    let mut names = Table::new(&HEADS[..2], header);
    for source in sources {
        names.row([source.kind, &source.what]);
    }
    let left = width.saturating_sub(names.width() + 2);
    let mut table = Table::new(&HEADS, header);
    for source in sources {
        if source.state.width() <= left {
            table.row([source.kind, &source.what, &source.state]);
        } else {
            table.row([source.kind, &source.what, ""]);
            table.below(&source.state);
        }
    }
    table
}

/// Every source of the profile, asked how it is.
pub async fn told(sources: &Sources, host: &str) -> Vec<Source> {
    let mut told = Vec::new();
    let none = Value::Null;
    if sources.local {
        told.push(Source::new("local", "the edges of the local cloud", "as it told them", &none));
    }
    if sources.here {
        told.push(Source::new("here", "this host", "asks its own resolver", &none));
    }
    for edge in &sources.pinned {
        let at = pop::locate(&edge.name).map_or("no PoP that is known", |at| at.city);
        let address = edge.address.to_string();
        let more = json!({ "name": clean(&edge.name), "address": address });
        told.push(Source::new("pinned", &format!("{} at {address}", edge.name), at, &more));
    }
    if sources.vendors {
        let what = "the hosts pinned to one CDN vendor each";
        told.push(Source::new("vendors", what, "to compare vendors with", &none));
    }
    if let Some(discovery) = &sources.discovery {
        told.extend(discovery.look(host).await.rows.iter().map(resolver));
    }
    if let Some(ssh) = &sources.ssh {
        for state in ssh.states(host).await {
            let program = state.program.as_deref().unwrap_or("has not greeted");
            let known = |why: &str| match &state.program {
                Some(program) => format!("{program}: {why}"),
                None => why.to_owned(),
            };
            let (said, addresses, failure) = match &state.addresses {
                Ok(found) => (
                    format!("{program}, {}", words::of(found.len(), "address", "addresses")),
                    found.clone(),
                    None,
                ),
                Err(why) => (known(why), Vec::new(), Some(clean(why).into_owned())),
            };
            let more = json!({
                "program": state.program.as_deref().map(clean),
                "addresses": addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "failure": failure,
            });
            told.push(Source::new("ssh", state.host.as_str(), &said, &more));
        }
    }
    told.extend(globalping(sources).await);
    if let Some(check) = &sources.edge_check {
        let left = format!("{} of this hour left", words::count(check.left(), "edge check"));
        let more = json!({ "left": check.left() });
        told.push(Source::new("fastly", "Fastly's own PoPs, for `allclear probe`", &left, &more));
    }
    told
}

/// One question to a resolver, and what became of it.
fn resolver(row: &Row) -> Source {
    let family = if row.ipv6 { "IPv6" } else { "IPv4" };
    let subnet = row.subnet.as_ref().map(ToString::to_string);
    let what = match &subnet {
        Some(subnet) => format!("{} for {subnet}, {family}", row.resolver.name),
        None => format!("{}, {family}", row.resolver.name),
    };
    let (state, addresses, tag, failure) = match &row.outcome {
        Ok(found) => {
            let count = words::of(found.addresses.len(), "address", "addresses");
            let tailored = match found.tag {
                Tag::Plain => "",
                Tag::Tailored => ", for that network",
                Tag::NotTailored => ", the same for everybody",
                Tag::Ignored => ", the client subnet was ignored",
            };
            let refused =
                found.refused.first().map(|(address, why)| format!("; {address} is {why}"));
            let state = format!("{count}{tailored}{}", refused.unwrap_or_default());
            (state, found.addresses.clone(), Some(found.tag.as_str()), None)
        }
        Err(why) => (why.to_string(), Vec::new(), None, Some(clean(&why.to_string()).into_owned())),
    };
    let more = json!({
        "resolver": clean(&row.resolver.name),
        "subnet": subnet.as_deref().map(clean),
        "ipv6": row.ipv6,
        "tag": tag,
        "addresses": addresses.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "failure": failure,
    });
    Source::new("resolver", &what, &state, &more)
}

/// The public network: its locations, and the tests that are left.
async fn globalping(sources: &Sources) -> Option<Source> {
    let network = sources.globalping.as_ref()?;
    let asked = network.ask_quota().await;
    let quota = network.quota().now();
    let state = match (&asked, &quota) {
        (Err(why), _) => why.to_string(),
        (Ok(_), Some(quota)) if quota.is_spent() => {
            format!("{quota}: not asked until there are more")
        }
        (Ok(_), Some(quota)) => quota.to_string(),
        (Ok(_), None) => "it tells no limits".to_owned(),
    };
    let more = json!({
        "locations": sources.locations.iter().map(|it| clean(it)).collect::<Vec<_>>(),
        "quota": quota.as_ref().map(json::quota),
        "failure": asked.err().map(|why| clean(&why.to_string()).into_owned()),
    });
    Some(Source::new("globalping", &sources.locations.join(", "), &state, &more))
}
