//! Scenario files: what a cloud is like, what goes wrong in it, and what that comes to.
//!
//! ```toml
//! seed = 7                     # settings of the cloud; flags of the command line beat them
//! propagation = "2s..20s"
//!
//! [[fault]]
//! edge = "SIN"                 # code of the PoP, a list, or "*"; or `shield = …`, or `api = …`
//! kind = "stuck"
//! at = "5s"                    # so long after the first invalidation; "start", "start+5s": after the start
//! for = "20s"                  # how long; without it, until the cloud stops
//!
//! [expect]
//! never = "SIN"                # what the first invalidation truly comes to
//! ```
//!
//! All keys are in [`keys`], all kinds of fault in [`KINDS`]; `docs/scenarios.md` tells
//! them, and `docs/scenario.schema.json` is made of them. Whatever is not in these tables is refused.

mod expect;
pub mod keys;
mod read;
mod schema;
mod tree;

#[cfg(test)]
mod docs;
#[cfg(test)]
mod stories;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::Path;
use std::time::Duration;

pub use self::expect::Expect;
use self::keys::{EDGE, EXPECT, FAULT, OF_KINDS, TOP};
pub use self::read::Mistake;
use self::read::{Mistakes, Section, code, nearest, suggestion};
pub use self::schema::schema;
use self::tree::{Table, Value};
use super::pops::{self, Pop};
use super::span::{Propagation, Spread};
use super::world::fault::{ApiPart, Begin, Codes, Fault, FaultKind, KINDS, Share, Site, SiteKind};
use super::world::network::{EdgeSettings, NodeBy};
use crate::domain::account::InvalidationKind;
use crate::domain::sighting::AcceptVariant;

/// Mistakes that an error shows at most.
const MOST_SHOWN: usize = 10;

/// A scenario that was read. What it leaves open is as the command line says.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Scenario {
    /// The file, or whatever it was read from.
    pub name: String,
    pub title: Option<String>,
    pub seed: Option<u64>,
    pub assets: Option<usize>,
    pub edges: Option<usize>,
    pub nodes: Option<usize>,
    pub node_by: Option<NodeBy>,
    pub shields: Option<Vec<Pop>>,
    pub propagation: Option<Propagation>,
    pub shield_propagation: Option<Propagation>,
    pub spread: Option<Spread>,
    pub mode: Option<InvalidationKind>,
    pub bulk_invalidation: Option<bool>,
    pub backups: Option<bool>,
    pub admin_quota: Option<u32>,
    pub search_lag: Option<Duration>,
    pub traffic: Option<f64>,
    /// What single edges have of their own.
    pub own: Vec<EdgeSettings>,
    pub faults: Vec<Fault>,
    pub expect: Option<Expect>,
    /// Every place that is named, to be compared with the cloud that plays it.
    mentions: Vec<Mention>,
}

/// A place that a scenario names.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mention {
    line: usize,
    key: String,
    site: SiteKind,
    code: Option<String>,
    /// From 0.
    node: Option<usize>,
}

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("cannot read scenario {path}: {source}")]
    Io { path: String, source: std::io::Error },
    #[error("{}", Told(.path, .mistakes))]
    Invalid {
        path: String,
        /// By line; never empty.
        mistakes: Vec<Mistake>,
    },
}

/// One line for each mistake.
struct Told<'a>(&'a str, &'a [Mistake]);

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(path, mistakes) = self;
        for (at, mistake) in mistakes.iter().take(MOST_SHOWN).enumerate() {
            let Mistake { line, key, message } = mistake;
            f.write_str(if at == 0 { "" } else { "\n" })?;
            match line {
                0 => write!(f, "{path}: ")?,
                _ => write!(f, "{path}:{line}: ")?,
            }
            if !key.is_empty() {
                write!(f, "`{key}`: ")?;
            }
            f.write_str(message)?;
        }
        match mistakes.len().saturating_sub(MOST_SHOWN) {
            0 => Ok(()),
            more => write!(f, "\n{path}: {more} more"),
        }
    }
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or its mistakes with line and key.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &name),
            Err(source) => Err(ScenarioError::Io { path: name, source }),
        }
    }

    /// Reads the text of a file called `name`.
    ///
    /// # Errors
    /// The mistakes with line and key.
    pub fn parse(text: &str, name: &str) -> Result<Self, ScenarioError> {
        let refused = |mistakes| ScenarioError::Invalid { path: name.to_owned(), mistakes };
        let table = tree::of_toml(text).map_err(|(line, message)| {
            refused(vec![Mistake { line, key: String::new(), message }])
        })?;
        let mistakes = Mistakes::default();
        let scenario = Self::of(&table, name, &mistakes);
        let mistakes = mistakes.sorted();
        if !mistakes.is_empty() {
            return Err(refused(mistakes));
        }
        if let Some(edges) = scenario.edges {
            let shields = scenario.shields.as_deref();
            scenario.check(&pops::POPS[..edges], shields, scenario.nodes.unwrap_or(1))?;
        }
        Ok(scenario)
    }

    fn of(table: &Table, name: &str, mistakes: &Mistakes) -> Self {
        let top = Section { path: String::new(), line: 1, table, keys: TOP, mistakes };
        top.check_names();
        let mut mentions = Vec::new();
        let word = |name: &str| top.word(name);
        let shields = shields(&top);
        let own = own(&top, &mut mentions);
        let faults = faults(&top, &mut mentions);
        let expect = top.section("expect", EXPECT).map(|section| expect(&section, &mut mentions));
        Self {
            name: name.to_owned(),
            title: top.text("title"),
            seed: top.integer("seed"),
            assets: top.integer("assets"),
            edges: top.integer("edges"),
            nodes: top.integer("nodes"),
            node_by: word("node_by").map(|word| match word.as_str() {
                "request" => NodeBy::Request,
                _ => NodeBy::Connection,
            }),
            shields,
            propagation: top.range("propagation"),
            shield_propagation: top.range("shield_propagation"),
            spread: word("spread").and_then(|word| {
                Spread::WORDS.iter().find(|(own, _)| *own == word).map(|(_, spread)| *spread)
            }),
            mode: word("mode").and_then(|word| word.parse().ok()),
            bulk_invalidation: top.switch("bulk_invalidation"),
            backups: top.switch("backups"),
            admin_quota: top.integer("admin_quota"),
            search_lag: top.duration("search_lag"),
            traffic: top.number("traffic"),
            own,
            faults,
            expect,
            mentions,
        }
    }

    /// Compares the places it names with a cloud of these `edges`; `shields` are open where they are `None`.
    ///
    /// # Errors
    /// Places that this cloud does not have.
    pub fn check(
        &self,
        edges: &[Pop],
        shields: Option<&[Pop]>,
        nodes: usize,
    ) -> Result<(), ScenarioError> {
        let nodes_of = |code: &str| {
            let own = self.own.iter().find(|own| own.code == code);
            own.and_then(|own| own.nodes).unwrap_or(nodes)
        };
        let mistakes: Vec<Mistake> = self
            .mentions
            .iter()
            .filter_map(|mention| {
                let message = mention.missing(edges, shields, &nodes_of)?;
                Some(Mistake { line: mention.line, key: mention.key.clone(), message })
            })
            .collect();
        if mistakes.is_empty() {
            return Ok(());
        }
        Err(ScenarioError::Invalid { path: self.name.clone(), mistakes })
    }
}

impl Mention {
    /// What a cloud lacks of it.
    fn missing(
        &self,
        edges: &[Pop],
        shields: Option<&[Pop]>,
        nodes_of: &dyn Fn(&str) -> usize,
    ) -> Option<String> {
        let (pops, what) = match self.site {
            SiteKind::Edge => (edges, "edges"),
            SiteKind::Shield => (shields?, "shields"),
            SiteKind::Api => return None,
        };
        let codes: Vec<&str> = pops.iter().map(|pop| pop.code).collect();
        if codes.is_empty() {
            return Some(format!("this cloud has no {what}"));
        }
        if let Some(code) = self.code.as_deref().filter(|code| !codes.contains(code)) {
            let meant = suggestion(nearest(code, codes.iter().copied()));
            let has = codes.join(", ");
            return Some(format!("this cloud has no {code} among its {what}: {has}{meant}"));
        }
        let node = self.node?;
        let most = match &self.code {
            Some(code) => nodes_of(code),
            None => codes.iter().map(|code| nodes_of(code)).max().unwrap_or(1),
        };
        (node >= most).then(|| format!("there is no node {}, there are {most}", node + 1))
    }
}

/// Reads one fault as the control surface takes it: `at` counts from now.
///
/// # Errors
/// Its mistakes.
pub fn fault_of_json(json: &serde_json::Value) -> Result<(Fault, Scenario), ScenarioError> {
    let refused = |mistakes| ScenarioError::Invalid { path: "fault".to_owned(), mistakes };
    let node = tree::of_json(json);
    let Value::Table(table) = &node.value else {
        let message = format!("a fault is a table, not {}", node.value.kind());
        return Err(refused(vec![Mistake { line: 0, key: String::new(), message }]));
    };
    let (mistakes, mut mentions) = (Mistakes::default(), Vec::new());
    let section = Section { path: String::new(), line: 0, table, keys: FAULT, mistakes: &mistakes };
    let read = fault(&section, &mut mentions);
    let mistakes = mistakes.sorted();
    match read.filter(|_| mistakes.is_empty()) {
        Some(mut fault) => {
            if let Begin::FirstInvalidation(after) = fault.begin {
                fault.begin = Begin::Start(after);
            }
            let name = "fault".to_owned();
            Ok((fault, Scenario { name, mentions, ..Scenario::default() }))
        }
        None => Err(refused(mistakes)),
    }
}

fn shields(top: &Section<'_>) -> Option<Vec<Pop>> {
    let (node, line) = top.get("shields")?;
    let most = pops::SHIELDS.len();
    let list = match &node.value {
        Value::Integer(count) => match usize::try_from(*count) {
            Ok(count) if count <= most => return Some(pops::shields(count)),
            _ => {
                top.wrong("shields", format!("takes 0 to {most}, or a list of codes, not {count}"));
                return None;
            }
        },
        Value::List(list) => list,
        other => {
            let kind = other.kind();
            top.wrong("shields", format!("takes a number or a list of codes, not {kind}"));
            return None;
        }
    };
    let mut shields: Vec<Pop> = Vec::new();
    for one in list {
        let read = match &one.value {
            Value::Text(text) => code(text),
            other => Err(format!("takes a list of codes, not of {}", other.kind())),
        };
        match read.map(|code| pops::find(&code)) {
            Ok(Some(pop)) if !shields.contains(&pop) => shields.push(pop),
            Ok(Some(pop)) => {
                top.mistakes.note(line, "shields", format!("{} is there twice", pop.code));
            }
            Ok(None) => {}
            Err(message) => top.mistakes.note(line, "shields", message),
        }
    }
    Some(shields)
}

fn own(top: &Section<'_>, mentions: &mut Vec<Mention>) -> Vec<EdgeSettings> {
    let Some((node, _)) = top.get("edge") else { return Vec::new() };
    let Value::Table(table) = &node.value else {
        let kind = node.value.kind();
        top.wrong("edge", format!("takes tables, each written `[edge.SIN]`, not {kind}"));
        return Vec::new();
    };
    let section = Section {
        path: "edge".to_owned(),
        line: node.line,
        table,
        keys: &[],
        mistakes: top.mistakes,
    };
    let mut all = Vec::new();
    for (name, line, _) in table {
        let code = match code(name) {
            Ok(code) => code,
            Err(message) => {
                top.mistakes.note(*line, section.key(name), message);
                continue;
            }
        };
        let Some(own) = section.section(name, EDGE) else { continue };
        own.check_names();
        let mention = |code: &str, site, key: &str| Mention {
            line: own.get(key).map_or(*line, |(_, line)| line),
            key: if key.is_empty() { own.path.clone() } else { own.key(key) },
            site,
            code: Some(code.to_owned()),
            node: None,
        };
        mentions.push(mention(&code, SiteKind::Edge, ""));
        let shield = own.code("shield");
        mentions.extend(shield.as_deref().map(|code| mention(code, SiteKind::Shield, "shield")));
        all.push(EdgeSettings {
            code,
            nodes: own.integer("nodes"),
            shield,
            propagation: own.range("propagation").map(|range| (range.min, range.max)),
        });
    }
    all
}

fn mention(
    section: &Section<'_>,
    site: SiteKind,
    name: &str,
    codes: &Codes,
    node: Option<usize>,
) -> Vec<Mention> {
    let line = section.get(name).map_or(section.line, |(_, line)| line);
    let one = |code: Option<&String>| Mention {
        line,
        key: section.key(name),
        site,
        code: code.cloned(),
        node,
    };
    match codes {
        Codes::All => vec![one(None)],
        Codes::These(codes) => codes.iter().map(|code| one(Some(code))).collect(),
    }
}

fn faults(top: &Section<'_>, mentions: &mut Vec<Mention>) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    for section in top.sections("fault", FAULT) {
        let Some(fault) = fault(&section, mentions) else { continue };
        if !fault.id.is_empty() && faults.iter().any(|other| other.id == fault.id) {
            section.wrong("id", format!("another fault is called `{}`", fault.id));
        }
        faults.push(fault);
    }
    faults
}

fn fault(section: &Section<'_>, mentions: &mut Vec<Mention>) -> Option<Fault> {
    section.check_names();
    let kind = kind(section);
    let site = site(section, mentions);
    if let Some(kind) = kind {
        check_keys(section, kind, site.as_ref());
    }
    // the other keys are read in any case, for their mistakes
    let is_one = site.is_some() && kind.is_some();
    let site = site.unwrap_or(Site::Api(ApiPart::All));
    let mut fault = Fault::new(site, kind.unwrap_or(FaultKind::Stuck));
    fault.id = section.text("id").unwrap_or_default();
    if section.has("id") && !is_id(&fault.id) {
        section.wrong("id", "an id has letters, digits, `-` and `_`");
    }
    fault.node = section.integer::<usize>("node").and_then(|node| node.checked_sub(1));
    fault.on = section.switch("on").unwrap_or(true);
    let after = section.duration("after_invalidation").map(Begin::EachInvalidation);
    fault.begin = after.or_else(|| section.begin("at")).unwrap_or(fault.begin);
    fault.lasts = section.duration("for");
    if let Some(part) = section.number("share") {
        match Share::of(part) {
            Some(share) => fault.share = share,
            None => {
                section.wrong("share", format!("takes a share above 0 and up to 1, not {part}"));
            }
        }
    }
    fault.count = section.integer("count").or(fault.count);
    fault.delay = section.duration("delay").unwrap_or(fault.delay);
    fault.late = section.duration("late").unwrap_or(fault.late);
    fault.after = section.duration("after").unwrap_or(fault.after);
    fault.ahead = section.signed_seconds("by").unwrap_or(fault.ahead);
    fault.status = section.integer("status").unwrap_or(fault.status);
    fault.retry_after =
        section.duration("retry_after").map(|span| span.as_secs()).or(fault.retry_after);
    let variant = section.word("variant");
    let class = |word: &String| {
        AcceptVariant::ALL.into_iter().find(|variant| variant.as_str() == word.as_str())
    };
    fault.variant = variant.as_ref().and_then(class).unwrap_or(fault.variant);
    fault.carried_out = section.switch("carried_out").unwrap_or(fault.carried_out);
    is_one.then_some(fault)
}

fn is_id(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.len() <= 64 && text.bytes().all(is_part)
}

fn kind(section: &Section<'_>) -> Option<FaultKind> {
    let Some((node, _)) = section.get("kind") else {
        section.mistakes.note(section.line, section.path.clone(), "a fault needs a `kind`");
        return None;
    };
    let Value::Text(word) = &node.value else {
        section.wrong("kind", format!("takes the name of a kind, not {}", node.value.kind()));
        return None;
    };
    let kind = FaultKind::read(word);
    if kind.is_none() {
        let words = || KINDS.iter().map(|spec| spec.word);
        let meant = nearest(word, words());
        let help = if meant.is_some() {
            suggestion(meant)
        } else {
            format!("; there are {}", words().collect::<Vec<_>>().join(", "))
        };
        section.wrong("kind", format!("there is no kind of fault `{word}`{help}"));
    }
    kind
}

fn site(section: &Section<'_>, mentions: &mut Vec<Mention>) -> Option<Site> {
    let given: Vec<SiteKind> =
        SiteKind::ALL.into_iter().filter(|site| section.has(site.word())).collect();
    let site = match given[..] {
        [site] => site,
        [] => {
            let message = "a fault needs an `edge`, a `shield` or an `api`";
            section.mistakes.note(section.line, section.path.clone(), message);
            return None;
        }
        [first, second, ..] => {
            let (first, second) = (first.word(), second.word());
            section.wrong(second, format!("a fault has one place: `{first}` or `{second}`"));
            return None;
        }
    };
    if site != SiteKind::Edge && section.has("node") {
        section.wrong("node", "only edges have nodes");
    }
    let node = section.get("node").and_then(|(node, _)| match node.value {
        Value::Integer(node) => usize::try_from(node - 1).ok(),
        _ => None,
    });
    let named = |mentions: &mut Vec<Mention>| {
        let codes = section.codes(site.word())?;
        mentions.extend(mention(section, site, site.word(), &codes, node));
        Some(codes)
    };
    match site {
        SiteKind::Edge => named(mentions).map(Site::Edge),
        SiteKind::Shield => named(mentions).map(Site::Shield),
        SiteKind::Api => {
            let word = section.word("api")?;
            let part = ApiPart::WORDS.iter().find(|(own, _)| *own == word);
            part.map(|(_, part)| Site::Api(*part))
        }
    }
}

/// Notes keys that say nothing to this kind or at this place, and keys that contradict each other.
fn check_keys(section: &Section<'_>, kind: FaultKind, site: Option<&Site>) {
    let spec = kind.spec();
    for (name, ..) in section.table {
        if OF_KINDS.contains(&name.as_str()) && !spec.keys.contains(&name.as_str()) {
            let takers = KINDS.iter().filter(|other| other.keys.contains(&name.as_str()));
            let takers: Vec<&str> = takers.map(|other| other.word).collect();
            let (word, takers) = (spec.word, takers.join(", "));
            section.wrong(name, format!("says nothing to `{word}`; it belongs to {takers}"));
        }
    }
    let Some(site) = site.map(Site::kind) else { return };
    if !spec.sites.contains(&site) {
        let sites: Vec<&str> = spec.sites.iter().map(|site| site.word()).collect();
        let message = format!("`{}` happens at {}, not here", spec.word, sites.join(" or "));
        section.wrong(site.word(), message);
    }
    if section.has("carried_out") && site != SiteKind::Api && spec.keys.contains(&"carried_out") {
        section.wrong("carried_out", "only calls of the API are carried out");
    }
    if kind == FaultKind::Slow && site == SiteKind::Api && section.has("late") {
        section.wrong("late", "no invalidation arrives at the API");
    }
    if kind == FaultKind::Lag
        && section.get("api").is_some_and(
            |(node, _)| !matches!(&node.value, Value::Text(part) if part == "admin" || part == "*"),
        )
    {
        section.wrong("api", "only `admin` lags; for search there is `search_lag`");
    }
    if kind == FaultKind::Quota
        && section
            .get("api")
            .is_some_and(|(node, _)| matches!(&node.value, Value::Text(part) if part == "upload"))
    {
        section.wrong("api", "only `admin` has a quota, and `search` uses the same");
    }
    if section.has("at") && section.has("after_invalidation") {
        section.wrong("after_invalidation", "a fault begins once: `at` or `after_invalidation`");
    }
}

fn expect(section: &Section<'_>, mentions: &mut Vec<Mention>) -> Expect {
    section.check_names();
    let usual = Expect::default();
    let mut codes = |name: &str, usual: Codes| {
        let Some(codes) = section.codes(name) else { return usual };
        mentions.extend(mention(section, SiteKind::Edge, name, &codes, None));
        codes
    };
    let later = codes("later", usual.later);
    let never = codes("never", usual.never);
    let regress = codes("regress", usual.regress);
    let within = section.duration("within");
    if section.has("later") && within.is_none() {
        section.wrong("later", "later than what? `within` is missing");
    }
    for code in later.written() {
        if never.written().contains(code) {
            section.wrong("never", format!("{code} cannot be clear later and never"));
        }
    }
    Expect { within, later, never, regress }
}
