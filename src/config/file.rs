//! The configuration file as written; every fault with file, line, column, key and what was meant.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use secrecy::SecretString;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, IgnoredAny};
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, nearest};
use super::notify::NotifyFile;
use super::own::OwnFile;
use super::places::PlacesFile;
use crate::adapters::cloudinary::SignatureAlgorithm;
use crate::adapters::io_in_words;
use crate::domain::account::InvalidationKind;
use crate::domain::confidence::Confidence;
use crate::domain::invalidation::PurgeAgain;
use crate::domain::purge::Risk;
use crate::domain::text::clean;

/// Bytes of a configuration file at most.
const MAX_FILE: u64 = 1 << 20;

/// The file, key by key. `theme` and `keys` are read apart: a fault there must not keep the console shut.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConfigFile {
    /// Profile to use where nothing else says which.
    pub profile: Option<Spanned<String>>,
    pub journal: Option<Spanned<SecretString>>,
    /// Program and arguments, run without a shell; prints the password of a `postgres://` journal.
    pub journal_password_command: Option<Spanned<Vec<String>>>,
    theme: Option<IgnoredAny>,
    keys: Option<IgnoredAny>,
    /// How pictures are drawn in the console.
    pub pictures: Option<Spanned<PicturesWord>>,
    /// How many colours the console draws with.
    pub color: Option<Spanned<ColorWord>>,
    /// ASCII instead of special characters in the console.
    pub ascii: Option<Spanned<bool>>,
    /// Whether the console uses the mouse.
    pub mouse: Option<Spanned<bool>>,
    pub notify: NotifyFile,
    /// Commands of the operator's own, by name.
    pub commands: BTreeMap<String, OwnFile>,
    pub profiles: BTreeMap<String, ProfileFile>,
}

/// How pictures are drawn in the console.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PicturesWord {
    /// As the environment says that the terminal can.
    Auto,
    Kitty,
    Iterm2,
    Sixel,
    HalfBlocks,
    Off,
}

impl PicturesWord {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Kitty => "kitty",
            Self::Iterm2 => "iterm2",
            Self::Sixel => "sixel",
            Self::HalfBlocks => "half-blocks",
            Self::Off => "off",
        }
    }
}

/// How many colours the console draws with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ColorWord {
    /// As the environment says that the terminal can.
    #[serde(rename = "auto")]
    Auto,
    #[serde(rename = "none")]
    Without,
    #[serde(rename = "16")]
    Sixteen,
    #[serde(rename = "256")]
    Indexed,
    #[serde(rename = "true")]
    True,
}

impl ColorWord {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Without => "none",
            Self::Sixteen => "16",
            Self::Indexed => "256",
            Self::True => "true",
        }
    }
}

/// One `[profiles.NAME]`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ProfileFile {
    pub cloudinary_url: Option<Spanned<SecretString>>,
    /// Name of the environment variable that holds the URL.
    pub cloudinary_url_env: Option<Spanned<String>>,
    pub cloud_name: Option<Spanned<String>>,
    pub api_key: Option<Spanned<String>>,
    pub api_key_env: Option<Spanned<String>>,
    pub api_secret: Option<Spanned<SecretString>>,
    pub api_secret_env: Option<Spanned<String>>,
    /// Program and arguments, run without a shell; prints the secret or a `cloudinary://` URL.
    pub secret_command: Option<Spanned<Vec<String>>>,
    /// API prefix; `upload_prefix` of the SDKs.
    pub api: Option<Spanned<String>>,
    pub signature_algorithm: Option<Spanned<SignatureAlgorithm>>,
    pub risk: Option<Spanned<Risk>>,
    pub read_only: Option<Spanned<bool>>,
    pub invalidation: Option<Spanned<InvalidationKind>>,
    pub bulk_invalidation: Option<Spanned<bool>>,
    /// Own delivery hosts: private hosts and CNAMEs.
    pub hosts: Option<Spanned<Vec<String>>>,
    /// Pinned edges: name = address.
    pub edges: BTreeMap<String, Spanned<String>>,
    pub places: PlacesFile,
    pub confidence: Option<Spanned<Confidence>>,
    pub hold_back: Option<Spanned<Span>>,
    pub give_up_after: Option<Spanned<Span>>,
    pub stuck_after: Option<Spanned<Span>>,
    pub confirm_above: Option<Spanned<usize>>,
    /// Assets that one order may be about at most.
    pub max_items: Option<Spanned<usize>>,
    /// Between the confirmation of a large delete and its first call.
    pub start_delay: Option<Spanned<Span>>,
    /// A job that nothing gets through for is stopped after this long, to be resumed.
    pub stop_after: Option<Spanned<Span>>,
    pub concurrency: Option<Spanned<usize>>,
    pub verify_full_max: Option<Spanned<usize>>,
    /// Requests to caches that a watch makes at most.
    pub probe_budget: Option<Spanned<usize>>,
    pub purge_again: Option<Spanned<PurgeAgain>>,
}

/// A length of time as people write it: `5s`, `2h 30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span(pub Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse::<jiff::SignedDuration>()
            .ok()
            .and_then(|span| Duration::try_from(span).ok())
            .map(Self)
            .ok_or_else(|| {
                D::Error::custom(format!("`{text}` is no duration such as 5s, 10m or 1h"))
            })
    }
}

/// A file that was read, and what is needed to say where something is in it.
#[derive(Debug, Clone)]
pub struct Loaded {
    pub path: PathBuf,
    pub file: ConfigFile,
    pub theme: Option<(String, usize)>,
    /// Column of the theme's name, counted from 1.
    theme_column: usize,
    /// Line and column of every command's keys.
    key_places: BTreeMap<String, (usize, usize)>,
    /// Keys by command, as written; the key table judges them.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Faults that the console lives with and a headless command refuses.
    pub faults: Vec<ConfigError>,
    /// Byte at which every line begins.
    lines: Vec<usize>,
}

impl Loaded {
    /// Line of a value, counted from 1.
    #[must_use]
    pub fn line<T>(&self, value: &Spanned<T>) -> usize {
        position(&self.lines, value.span().start).0
    }

    /// The fault of a theme that is none of `known`, if it is so.
    #[must_use]
    pub fn unknown_theme<'a>(
        &self,
        known: impl IntoIterator<Item = &'a str>,
    ) -> Option<ConfigError> {
        let (name, line) = self.theme.as_ref()?;
        let known: Vec<&str> = known.into_iter().collect();
        (!known.contains(&name.as_str())).then(|| ConfigError::InFile {
            path: self.path.clone(),
            line: *line,
            column: self.theme_column,
            key: "theme".to_owned(),
            what: format!("there is no theme `{}`; known are {}", clean(name), known.join(", ")),
            suggestion: nearest(name, known.iter().copied()),
        })
    }

    /// Where each command's keys are written: file, line, column.
    #[must_use]
    pub fn key_places(&self) -> BTreeMap<String, String> {
        let place = |(line, column): &(usize, usize)| {
            clean(&format!("{}:{line}:{column}", self.path.display())).into_owned()
        };
        self.key_places.iter().map(|(id, at)| (id.clone(), place(at))).collect()
    }

    /// A complaint of the key table about the keys of `command`, with its place; `known` are the names of all commands.
    #[must_use]
    pub fn bad_key(&self, command: &str, complaint: &str, known: &[&str]) -> ConfigError {
        let (line, column) = self.key_places.get(command).copied().unwrap_or((1, 1));
        let unknown = !known.contains(&command);
        ConfigError::InFile {
            path: self.path.clone(),
            line,
            column,
            key: clean(&format!("keys.{command}")).into_owned(),
            what: clean(complaint.trim_start_matches("keys: ")).into_owned(),
            suggestion: nearest(command, known.iter().copied()).filter(|_| unknown),
        }
    }

    /// A fault at a value that serde could not see.
    pub(super) fn fault<T>(&self, key: String, value: &Spanned<T>, what: String) -> ConfigError {
        let (line, offset) = position(&self.lines, value.span().start);
        ConfigError::InFile {
            path: self.path.clone(),
            line,
            column: offset + 1,
            key,
            what,
            suggestion: None,
        }
    }
}

/// Reads `path`; `None` where there is no such file.
///
/// # Errors
/// The first fault, or that the file cannot be read.
pub fn load(path: &Path) -> Result<Option<Loaded>, ConfigError> {
    let unreadable = |detail: String| ConfigError::Unreadable { path: path.to_owned(), detail };
    let found = match std::fs::metadata(path) {
        Err(why) if why.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(|why| unreadable(io_in_words(&why)))?,
    };
    if found.is_dir() {
        return Err(unreadable("it is a folder".to_owned()));
    }
    if found.len() > MAX_FILE {
        return Err(unreadable(format!("it has {} bytes", found.len())));
    }
    let text = std::fs::read_to_string(path).map_err(|why| unreadable(io_in_words(&why)))?;
    parse(path, &text).map(Some)
}

/// Names of the profiles of a file, whatever else is wrong with it.
pub(super) fn profile_names(path: &Path) -> Vec<String> {
    let small =
        std::fs::metadata(path).is_ok_and(|found| found.is_file() && found.len() <= MAX_FILE);
    let text =
        if small { std::fs::read_to_string(path).unwrap_or_default() } else { String::new() };
    let Ok(whole) = DeTable::parse(&text) else { return Vec::new() };
    let Some(DeValue::Table(profiles)) = whole.get_ref().get("profiles").map(Spanned::get_ref)
    else {
        return Vec::new();
    };
    profiles.keys().map(|name| name.get_ref().to_string()).collect()
}

/// Reads the text of a configuration file.
pub(super) fn parse(path: &Path, text: &str) -> Result<Loaded, ConfigError> {
    let here = Source { path, text };
    let whole = DeTable::parse(text).map_err(|why| here.fault("", why.span(), why.message()))?;
    let document =
        toml::Deserializer::parse(text).map_err(|why| here.fault("", why.span(), why.message()))?;
    let file: ConfigFile = serde_path_to_error::deserialize(document).map_err(|why| {
        let key = key_of(&why.path().to_string());
        let why = why.into_inner();
        here.fault(&key, why.span(), why.message())
    })?;
    let mut faults = Vec::new();
    let theme = here.theme(whole.get_ref(), &mut faults);
    let theme_column = theme.as_ref().map_or(1, |(_, _, column)| *column);
    let theme = theme.map(|(name, line, _)| (name, line));
    let mut key_places = BTreeMap::new();
    let keys = here.keys(whole.get_ref(), &mut key_places, &mut faults);
    let lines = line_starts(text);
    Ok(Loaded { path: path.to_owned(), file, theme, theme_column, key_places, keys, faults, lines })
}

/// The file being read.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    fn fault(&self, key: &str, span: Option<Range<usize>>, message: &str) -> ConfigError {
        let start = span.map_or(0, |span| span.start.min(self.text.len()));
        let (line, _) = position(&line_starts(self.text), start);
        let before = self.text.get(..start).unwrap_or_default();
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        let (what, suggestion) = in_words(key, message);
        ConfigError::InFile {
            path: self.path.to_owned(),
            line,
            column,
            key: clean(key).into_owned(),
            what,
            suggestion,
        }
    }

    /// Name, line and column.
    fn theme(
        &self,
        whole: &DeTable<'_>,
        faults: &mut Vec<ConfigError>,
    ) -> Option<(String, usize, usize)> {
        let value = whole.get("theme")?;
        let Some(name) = value.get_ref().as_str() else {
            faults.push(self.fault("theme", Some(value.span()), "expected the name of a theme"));
            return None;
        };
        let (line, before) = position(&line_starts(self.text), value.span().start);
        Some((name.to_owned(), line, before + 1))
    }

    /// `"watch.abandon" = "x"` or `["x", "ctrl-x"]`; dots may also be written as tables.
    fn keys(
        &self,
        whole: &DeTable<'_>,
        places: &mut BTreeMap<String, (usize, usize)>,
        faults: &mut Vec<ConfigError>,
    ) -> BTreeMap<String, Vec<String>> {
        let mut keys = BTreeMap::new();
        let Some(value) = whole.get("keys") else { return keys };
        match value.get_ref() {
            DeValue::Table(table) => self.key_table("", table, &mut keys, places, faults),
            _ => faults.push(self.fault("keys", Some(value.span()), "expected a table: [keys]")),
        }
        keys
    }

    fn key_table(
        &self,
        prefix: &str,
        table: &DeTable<'_>,
        keys: &mut BTreeMap<String, Vec<String>>,
        places: &mut BTreeMap<String, (usize, usize)>,
        faults: &mut Vec<ConfigError>,
    ) {
        for (name, value) in table {
            let command = format!("{prefix}{}", name.get_ref());
            let list = match value.get_ref() {
                DeValue::Table(inner) => {
                    self.key_table(&format!("{command}."), inner, keys, places, faults);
                    continue;
                }
                DeValue::String(key) => Some(vec![key.to_string()]),
                DeValue::Array(list) => {
                    list.iter().map(|key| key.get_ref().as_str().map(str::to_owned)).collect()
                }
                _ => None,
            };
            match list {
                Some(list) => {
                    let (line, before) = position(&line_starts(self.text), name.span().start);
                    places.insert(command.clone(), (line, before + 1));
                    keys.insert(command, list);
                }
                None => faults.push(self.fault(
                    &format!("keys.{command}"),
                    Some(value.span()),
                    "expected a key such as \"ctrl-x\", or a list of keys",
                )),
            }
        }
    }
}

/// The dotted key of a path that serde was on, without the steps that only readers with places take.
fn key_of(path: &str) -> String {
    let steps: Vec<&str> =
        path.split('.').filter(|step| !step.is_empty() && !step.starts_with('$')).collect();
    steps.join(".")
}

/// A message of the TOML reader in our words, and what was probably meant.
fn in_words(key: &str, message: &str) -> (String, Option<String>) {
    let message = message.lines().next().unwrap_or_default();
    let last = key.rsplit('.').next().unwrap_or_default();
    if matches!(
        last,
        "cloudinary_url"
            | "api_secret"
            | "journal"
            | "secret_command"
            | "journal_password_command"
            | "webhook"
    ) {
        return ("expected a text in quotes".to_owned(), None); // whatever stands there may be a secret
    }
    if key == "profile" && message.contains("map") {
        let what = "expected the name of a profile; profiles are tables `[profiles.NAME]`";
        return (what.to_owned(), Some("profiles".to_owned()));
    }
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = message.starts_with("unknown field") || message.starts_with("unknown variant");
    match quoted.next() {
        Some(found) if unknown => {
            let known: Vec<&str> = quoted.collect();
            let suggestion = nearest(found, known.iter().copied());
            let found = clean(found);
            let what = if message.starts_with("unknown field") {
                format!("unknown key `{found}`; known are {}", known.join(", "))
            } else {
                format!("`{found}` is not one of {}", known.join(", "))
            };
            (what, suggestion)
        }
        _ => (clean(message).replace("expected usize", "expected a whole number"), None),
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    let ends = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(ends).collect()
}

/// Line, counted from 1, and bytes before `at` in it.
fn position(lines: &[usize], at: usize) -> (usize, usize) {
    let line = lines.partition_point(|start| *start <= at).max(1);
    (line, at - lines[line - 1].min(at))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn fault(text: &str) -> ConfigError {
        parse(Path::new("/c.toml"), text).unwrap_err()
    }

    #[rstest]
    #[case(
        "[profiles.prod]\nrsk = \"test\"",
        "/c.toml:2:1: profiles.prod.rsk: unknown key `rsk`; known are cloudinary_url, cloudinary_url_env, cloud_name, api_key, api_key_env, api_secret, api_secret_env, secret_command, api, signature_algorithm, risk, read_only, invalidation, bulk_invalidation, hosts, edges, places, confidence, hold_back, give_up_after, stuck_after, confirm_above, max_items, start_delay, stop_after, concurrency, verify_full_max, probe_budget, purge_again",
        Some("risk")
    )]
    #[case(
        "\n  thme = \"dark\"",
        "/c.toml:2:3: thme: unknown key `thme`; known are profile, journal, journal_password_command, theme, keys, pictures, color, ascii, mouse, notify, commands, profiles",
        Some("theme")
    )]
    #[case(
        "color = \"265\"",
        "/c.toml:1:9: color: `265` is not one of auto, none, 16, 256, true",
        Some("256")
    )]
    #[case(
        "[profiles.prod]\nrisk = \"prduction\"",
        "/c.toml:2:8: profiles.prod.risk: `prduction` is not one of local, test, production",
        Some("production")
    )]
    #[case(
        "[profiles.prod]\ninvalidation = \"legacy_versioned\"",
        "/c.toml:2:16: profiles.prod.invalidation: `legacy_versioned` is not one of surrogate, legacy, legacy-unversioned, legacy-versioned, unknown",
        Some("legacy-versioned")
    )]
    #[case(
        "[profiles.prod]\nhold_back = \"soon\"",
        "/c.toml:2:13: profiles.prod.hold_back: `soon` is no duration such as 5s, 10m or 1h",
        None
    )]
    #[case(
        "[profiles.prod]\nhold_back = \"-5s\"",
        "/c.toml:2:13: profiles.prod.hold_back: `-5s` is no duration such as 5s, 10m or 1h",
        None
    )]
    #[case(
        "[profiles.prod]\nread_only = \"yes\"",
        "/c.toml:2:13: profiles.prod.read_only: invalid type: string \"yes\", expected a boolean",
        None
    )]
    #[case(
        "[profiles.prod]\nconfirm_above = -1",
        "/c.toml:2:17: profiles.prod.confirm_above: invalid value: integer `-1`, expected a whole number",
        None
    )]
    #[case(
        "[profile.prod]\nrisk = \"test\"",
        "/c.toml:1:2: profile: expected the name of a profile; profiles are tables `[profiles.NAME]`",
        Some("profiles")
    )]
    #[case(
        "[profiles.prod]\napi_secret = 123456",
        "/c.toml:2:14: profiles.prod.api_secret: expected a text in quotes",
        None
    )]
    #[case("profile = \"é", "/c.toml:1:13: invalid basic string, expected `\"`", None)]
    #[case("[profiles.prod\n", "/c.toml:1:15: unclosed table, expected `]`", None)]
    #[case("journal = \"a\"\njournal = \"b\"", "/c.toml:2:1: duplicate key", None)]
    fn faults_are_named_with_their_place(
        #[case] text: &str,
        #[case] message: &str,
        #[case] meant: Option<&str>,
    ) {
        let fault = fault(text);
        assert_eq!(fault.to_string(), message);
        assert_eq!(fault.hint(), meant.map(|meant| format!("did you mean `{meant}`?")));
    }

    #[test]
    fn faults_of_theme_and_keys_are_kept_for_later() {
        let loaded = parse(
            Path::new("/c.toml"),
            "theme = 5\n[keys]\n\"watch.abandon\" = [\"ctrl-x\", \"X\"]\napp.help = \"f1\"\napp.quit = 7\n",
        )
        .unwrap();
        let faults: Vec<_> = loaded.faults.iter().map(ToString::to_string).collect();
        assert_eq!(
            faults,
            [
                "/c.toml:1:9: theme: expected the name of a theme",
                "/c.toml:5:12: keys.app.quit: expected a key such as \"ctrl-x\", or a list of keys",
            ]
        );
        assert_eq!(loaded.keys["watch.abandon"], ["ctrl-x", "X"]);
        assert_eq!(loaded.keys["app.help"], ["f1"]);
        let loaded = parse(Path::new("/c.toml"), "keys = 5").unwrap();
        assert_eq!(loaded.faults[0].to_string(), "/c.toml:1:8: keys: expected a table: [keys]");
    }

    #[test]
    fn values_know_their_line() {
        let text = "theme = \"dark\"\n\n[profiles.a]\ncloud_name = \"x\"\n\nread_only = true\n";
        let loaded = parse(Path::new("/c.toml"), text).unwrap();
        let profile = &loaded.file.profiles["a"];
        assert_eq!(loaded.line(profile.read_only.as_ref().unwrap()), 6);
        assert_eq!(loaded.theme, Some(("dark".to_owned(), 1)));
    }

    #[test]
    fn secrets_do_not_show() {
        let text = "journal = \"postgres://u:hush@h/d\"\n[profiles.a]\napi_secret = \"hush\"\ncloudinary_url = \"hush\"";
        assert!(!format!("{:?}", parse(Path::new("/c.toml"), text).unwrap()).contains("hush"));
    }

    #[test]
    fn a_file_that_is_not_there_is_none_and_a_folder_is_a_fault() {
        assert!(load(Path::new("/nowhere/c.toml")).unwrap().is_none());
        assert_eq!(load(Path::new("/")).unwrap_err().to_string(), "cannot read /: it is a folder");
    }

    #[test]
    fn the_example_is_valid_with_every_key_switched_on() {
        let on: String = super::super::EXAMPLE
            .lines()
            .map(|line| line.strip_prefix("#: ").unwrap_or(line).to_owned() + "\n")
            .collect();
        let loaded = parse(Path::new("example.toml"), &on).unwrap();
        assert_eq!(loaded.faults, []);
        let shown = loaded.file.profiles.len();
        assert!(shown >= 2 && !loaded.keys.is_empty() && loaded.theme.is_some());
        assert!(parse(Path::new("example.toml"), super::super::EXAMPLE).is_ok());
    }
}
