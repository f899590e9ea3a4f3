//! Commands of the operator's own: rows of the same table as all others, each a program with arguments.
//!
//! What they are about is filled into the arguments, one word each, and told as JSON on their standard input. Those that
//! change something ask first, and are not run while the profile is locked or read-only.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};

use super::action::Screen;
use super::commands::{COMMANDS, Command, Run, Scope, Takes};
use super::state::App;
use crate::domain::asset::{Asset, AssetKey};
use crate::domain::secrets;

/// One command as configured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Own {
    /// After `:`; small letters, digits and `-`.
    pub name: String,
    pub scope: Scope,
    pub keys: Vec<String>,
    /// Program and arguments.
    pub command: Vec<String>,
    pub help: String,
    pub changes: bool,
    pub limit: Duration,
}

/// A program that is to be run.
#[derive(Debug, Clone, PartialEq)]
pub struct OwnRun {
    pub name: String,
    pub command: Vec<String>,
    /// For its standard input.
    pub input: Value,
    pub changes: bool,
    pub limit: Duration,
}

/// The table of commands with those of the operator behind it, and what cannot be used. A table lives as long as the
/// process; the same commands give the same one.
#[must_use]
pub fn table(own: &[Own]) -> (&'static [Command], Vec<String>) {
    static TABLES: Mutex<Vec<(Vec<Own>, &'static [Command])>> = Mutex::new(Vec::new());
    let warnings: Vec<String> = own.iter().filter_map(fault).collect();
    if own.is_empty() {
        return (COMMANDS, warnings);
    }
    let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, table)) = tables.iter().find(|(of, _)| of == own) {
        return (table, warnings);
    }
    let mut all = COMMANDS.to_vec();
    all.extend(own.iter().enumerate().filter(|(_, own)| fault(own).is_none()).map(row));
    let table: &'static [Command] = Vec::leak(all);
    tables.push((own.to_vec(), table));
    (table, warnings)
}

fn fault(own: &Own) -> Option<String> {
    let name = &own.name;
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    if name.is_empty() || !name.chars().all(good) {
        return Some(format!("commands.{name}: a name has small letters, digits and - alone"));
    }
    if COMMANDS.iter().any(|command| command.verbs.contains(&name.as_str())) {
        return Some(format!("commands.{name}: there is a command of that name already"));
    }
    if own.command.first().is_none_or(String::is_empty) {
        return Some(format!("commands.{name}: it names no program"));
    }
    None
}

fn row((at, own): (usize, &Own)) -> Command {
    let kept = |text: &str| -> &'static str { Box::leak(text.to_owned().into_boxed_str()) };
    let keys: Vec<&'static str> = own.keys.iter().map(|key| kept(key)).collect();
    let asks = if own.changes { " (asks)" } else { "" };
    Command {
        id: kept(&format!("own.{}", own.name)),
        scope: own.scope,
        keys: Vec::leak(keys),
        verbs: Vec::leak(vec![kept(&own.name)]),
        takes: Takes::Nothing,
        run: Run::Own { at, changes: own.changes },
        hint: (0, ""),
        help: kept(&format!("{}{asks}", own.help)),
    }
}

/// More assets than this are nothing for a program that changes something: there is no plan of what it does.
pub const MOST: usize = 10;

/// What a command is about.
#[derive(Debug, Default)]
pub struct About {
    pub assets: Vec<AssetKey>,
    /// What is known of each, by [`fact`].
    pub facts: Vec<Value>,
    pub invalidation: Option<String>,
    pub operation: Option<String>,
}

/// Where a command is run.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    pub profile: &'a str,
    pub cloud: &'a str,
    pub risk: &'a str,
    pub screen: &'a str,
}

/// What a program is told of an asset; rights of access are masked.
#[must_use]
pub fn fact(key: &AssetKey, asset: Option<&Asset>) -> Value {
    let url = asset.and_then(|asset| asset.secure_url.as_deref());
    json!({
        "public_id": key.public_id.as_str(),
        "resource_type": key.resource_type.as_str(),
        "type": key.delivery_type.as_str(),
        "version": asset.map(|asset| asset.version),
        "format": asset.and_then(|asset| asset.format.clone()),
        "bytes": asset.map(|asset| asset.bytes),
        "url": url.map(secrets::masked_words),
    })
}

impl App {
    /// What is marked, else what is under the cursor.
    fn about(&self) -> About {
        let context = self.context();
        let assets: Vec<AssetKey> = match (context.marked.is_empty(), &context.cursor) {
            (false, _) => context.marked.iter().cloned().collect(),
            (true, cursor) => cursor.iter().cloned().collect(),
        };
        let known = |key: &AssetKey| self.assets.rows.get(self.assets.rows.find(key)?);
        let facts = assets.iter().map(|key| fact(key, known(key).as_ref())).collect();
        let (invalidation, operation) = match self.screen {
            Screen::Assets => (None, None),
            Screen::Watch => (self.watch.id, None),
            Screen::Pending => (self.pending_row().map(|row| row.id), None),
            Screen::Jobs => {
                let row = self.job_list.current();
                (row.and_then(|row| row.invalidation), row.map(|row| row.operation.id))
            }
            Screen::Activity => {
                let row = self.activity.current();
                (row.and_then(|row| row.invalidation), row.map(|row| row.operation.id))
            }
        };
        About {
            assets,
            facts,
            invalidation: invalidation.map(|id| id.to_string()),
            operation: operation.map(|id| id.to_string()),
        }
    }

    /// The program with its arguments, for what is under the cursor, and how many assets it is about.
    ///
    /// # Errors
    /// What is missing or would be misunderstood, in one sentence.
    pub(super) fn own_run(&self, own: &Own) -> Result<(OwnRun, usize), String> {
        let setup = &self.env.setup;
        let place = Place {
            profile: &setup.profile,
            cloud: &setup.cloud_name,
            risk: setup.risk.as_str(),
            screen: &self.screen.title().to_lowercase(),
        };
        let about = self.about();
        run_of(own, &about, place).map(|run| (run, about.assets.len()))
    }
}

/// The program with its arguments.
///
/// # Errors
/// What is missing or would be misunderstood, in one sentence.
pub fn run_of(own: &Own, about: &About, place: Place<'_>) -> Result<OwnRun, String> {
    let one = |pick: fn(&AssetKey) -> String| match about.assets.as_slice() {
        [] => Err("no asset is under the cursor".to_owned()),
        [key] => Ok(pick(key)),
        many => Err(format!(
            "it takes one asset and {} are marked; {{public_ids}} takes all",
            many.len()
        )),
    };
    let there = |value: Option<String>, what: &str| {
        value.ok_or_else(|| format!("there is no {what} under the cursor"))
    };
    let only = |field: &str| match about.facts.as_slice() {
        [one] => one[field]
            .as_str()
            .map(str::to_owned)
            .or_else(|| one[field].as_u64().map(|number| number.to_string())),
        _ => None,
    };
    let value = |name: &str| {
        Some(match name {
            "public_id" => one(|key| key.public_id.to_string()),
            "resource_type" => one(|key| key.resource_type.to_string()),
            "type" => one(|key| key.delivery_type.to_string()),
            "version" => there(only("version"), "version"),
            "url" => there(only("url"), "URL"),
            "invalidation" => there(about.invalidation.clone(), "invalidation"),
            "operation" => there(about.operation.clone(), "operation"),
            "profile" => Ok(place.profile.to_owned()),
            "cloud" => Ok(place.cloud.to_owned()),
            _ => return None,
        })
    };
    let mut command = Vec::new();
    for (at, word) in own.command.iter().enumerate() {
        let words = if word == "{public_ids}" {
            if about.assets.is_empty() {
                return Err("no asset is under the cursor".to_owned());
            }
            about.assets.iter().map(|key| key.public_id.to_string()).collect()
        } else {
            vec![filled(word, value)?]
        };
        let guarded = command.iter().any(|earlier: &String| earlier == "--");
        let begins = at > 0 && word.starts_with('{') && !guarded;
        if let Some(flag) = words.iter().find(|word| begins && word.starts_with('-')) {
            return Err(format!("{flag} would be taken for a flag: put \"--\" before it"));
        }
        command.extend(words);
    }
    let input = json!({
        "schema": "allclear.own/1",
        "command": own.name,
        "profile": place.profile,
        "cloud": place.cloud,
        "risk": place.risk,
        "screen": place.screen,
        "assets": about.facts,
        "invalidation": about.invalidation,
        "operation": about.operation,
    });
    Ok(OwnRun { name: own.name.clone(), command, input, changes: own.changes, limit: own.limit })
}

/// A word with what its names in braces stand for; other braces stay.
fn filled(
    word: &str,
    value: impl Fn(&str) -> Option<Result<String, String>>,
) -> Result<String, String> {
    let (mut filled, mut rest) = (String::new(), word);
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let named = after.split_once('}').and_then(|(name, rest)| Some((value(name)?, rest)));
        if let Some((value, following)) = named {
            filled.push_str(&value?);
            rest = following;
        } else {
            filled.push('{');
            rest = after;
        }
    }
    Ok(filled + rest)
}
