//! Puts the layers over each other and remembers where every value comes from.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};
use toml::Spanned;

use super::build::Build;
use super::credentials;
use super::error::ConfigError;
use super::file::{ColorWord, ConfigFile, Loaded, PicturesWord, ProfileFile, load};
use super::notify::NotifyFile;
use super::own::OwnFile;
use super::paths::{Env, Paths, expand_home};
use super::places::LookFrom;
use crate::adapters::cloudinary::Credentials;
use crate::adapters::is_loopback_url;
use crate::adapters::places::LocalReady;
use crate::domain::account::{Account, InvalidationKind};
use crate::domain::secrets::{carries_secret, masked as masked_url};
use crate::domain::text::clean;
use crate::ops::Policy;

/// What the command line says about configuration.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub profile: Option<String>,
    pub config: Option<PathBuf>,
    /// May hold a password.
    pub journal: Option<SecretString>,
    pub read_only: bool,
    pub invalidation: Option<InvalidationKind>,
}

/// Where a value comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    Default,
    File {
        path: PathBuf,
        line: usize,
    },
    /// An environment variable.
    Env(String),
    Flag(&'static str),
    /// A profile of the official `cld` tool.
    Cld(PathBuf),
    /// The local cloud told it.
    LocalCloud,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Env(name) => write!(f, "environment {name}"),
            Self::Flag(name) => f.write_str(name),
            Self::Cld(path) => write!(f, "{}", path.display()),
            Self::LocalCloud => f.write_str("local cloud"),
        }
    }
}

/// One value as it holds, for `config show`; secrets are masked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub key: &'static str,
    pub value: String,
    pub origin: Origin,
}

/// What holds without any cloud.
#[derive(Debug, Clone)]
pub struct Preferences {
    pub paths: Paths,
    /// A file or URL, as the journal takes it; may hold a password.
    pub journal: SecretString,
    /// What prints the password of a journal on a server, where its URL has none.
    journal_password: Option<Vec<String>>,
    /// Theme of the console, where somebody says which.
    pub theme: Option<String>,
    /// How pictures are drawn in the console, where somebody says so.
    pub pictures: Option<PicturesWord>,
    /// How many colours the console draws with, where somebody says so.
    pub color: Option<ColorWord>,
    /// ASCII alone, where somebody says whether.
    pub ascii: Option<bool>,
    /// The mouse, where somebody says whether.
    pub mouse: Option<bool>,
    /// Keys by command, as written; the key table judges them.
    pub keys: BTreeMap<String, Vec<String>>,
    /// Where each command's keys are written: file, line, column.
    pub key_places: BTreeMap<String, String>,
    /// Profiles of the file with a word about each: cloud and risk, as far as they are written there.
    pub profiles: Vec<(String, String)>,
    /// Whom to tell when something happened.
    pub notify: NotifyFile,
    /// Commands of the operator's own, by name.
    pub own: BTreeMap<String, OwnFile>,
    /// Faults of theme and keys: the console warns and opens, a headless command refuses.
    pub faults: Vec<ConfigError>,
    pub warnings: Vec<String>,
    pub settings: Vec<Setting>,
}

impl Preferences {
    /// Where the journal is, with the password that its command prints, where it is on a server and has none in its
    /// URL. Blocks while the command runs.
    ///
    /// # Errors
    /// The command fails.
    pub fn journal_with_password(&self) -> Result<SecretString, ConfigError> {
        let location = self.journal.expose_secret();
        let server = ["postgres://", "postgresql://"].iter().any(|it| location.starts_with(it));
        let url =
            reqwest::Url::parse(location).ok().filter(|url| server && url.password().is_none());
        let (Some(command), Some(mut url)) = (&self.journal_password, url) else {
            return Ok(self.journal.clone());
        };
        let printed = super::secret_command::run(command).map_err(|detail| {
            ConfigError::JournalPassword { detail: clean(&detail).into_owned() }
        })?;
        // as a parameter: a URL without a host, for a socket, can hold no password elsewhere
        url.query_pairs_mut().append_pair("password", printed.expose_secret());
        Ok(SecretString::from(String::from(url)))
    }
}

/// A profile with everything that the ports are built from.
#[derive(Debug, Clone)]
pub struct Resolved {
    pub profile: String,
    pub credentials: Credentials,
    /// Without slash at its end.
    pub api_prefix: String,
    pub account: Account,
    pub policy: Policy,
    /// Where we look from, unless the API is a local cloud.
    pub look_from: LookFrom,
    pub preferences: Preferences,
}

impl Resolved {
    /// Where the journal is, as it is configured; may hold a password.
    #[must_use]
    pub fn journal(&self) -> &str {
        self.preferences.journal.expose_secret()
    }

    #[must_use]
    pub fn warnings(&self) -> &[String] {
        &self.preferences.warnings
    }

    /// Whether the API is on this host, so that it may be a local cloud.
    #[must_use]
    pub fn may_be_local(&self) -> bool {
        is_loopback(&self.api_prefix)
    }

    /// Takes over what the API said to [`crate::adapters::places::fetch_local_edges`]: the edges of a local cloud
    /// and, where nobody else says, how it invalidates; without an answer ordinary limits hold.
    #[must_use]
    pub fn with_local(mut self, ready: Option<&LocalReady>) -> Self {
        self.account.local = ready.map(LocalReady::delivery);
        self.policy.loopback = ready.is_some();
        let setting = self.preferences.settings.iter_mut().find(|it| it.key == "invalidation");
        if let (Some(ready), Some(setting)) = (ready, setting)
            && setting.origin == Origin::Default
        {
            self.account.invalidation = ready.mode;
            setting.value = ready.mode.to_string();
            setting.origin = Origin::LocalCloud;
        }
        self
    }

    #[must_use]
    pub fn settings(&self) -> &[Setting] {
        &self.preferences.settings
    }
}

/// Everything that does not depend on a profile.
///
/// # Errors
/// A file that cannot be used, or no folder for the journal.
pub fn preferences(flags: &Flags, env: &Env) -> Result<Preferences, ConfigError> {
    Layers::read(flags, env).map(|(_, preferences)| preferences)
}

/// The profile to use. Runs its `secret_command`, if that is what it comes to; blocks meanwhile.
///
/// # Errors
/// The first fault, each with its next step.
pub fn resolve(flags: &Flags, env: &Env) -> Result<Resolved, ConfigError> {
    let (layers, mut preferences) = Layers::read(flags, env)?;
    let cld = credentials::cld_profiles(env, &mut preferences.warnings);
    let chosen = layers.choose(&cld, &mut preferences.warnings)?;
    let told = layers.credentials(&chosen)?;
    Build { layers: &layers, chosen: &chosen, preferences }.resolved(&told)
}

/// Names of all profiles, ours and those of `cld`, as far as their files can be read.
#[must_use]
pub fn profile_names(flags: &Flags, env: &Env) -> Vec<String> {
    let ours = Paths::find(flags, env).map(|paths| super::file::profile_names(&paths.config));
    let cld = credentials::cld_profiles(env, &mut Vec::new());
    ours.unwrap_or_default().into_iter().chain(cld.urls.into_keys()).collect()
}

/// A profile in a few words, without anything secret.
fn about((name, profile): (&String, &ProfileFile)) -> (String, String) {
    let cloud = profile.cloud_name.as_ref().map(|cloud| cloud.get_ref().clone());
    let risk = profile.risk.as_ref().map(|risk| risk.get_ref().as_str().to_owned());
    let read_only = profile.read_only.as_ref().filter(|it| *it.get_ref());
    let words = [cloud, risk, read_only.map(|_| "read-only".to_owned())];
    (name.clone(), words.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

/// The layers, read.
pub(super) struct Layers<'a> {
    pub(super) flags: &'a Flags,
    pub(super) env: &'a Env,
    pub(super) paths: Paths,
    pub(super) loaded: Option<Loaded>,
}

impl<'a> Layers<'a> {
    fn read(flags: &'a Flags, env: &'a Env) -> Result<(Self, Preferences), ConfigError> {
        let paths = Paths::find(flags, env)?;
        let loaded = load(&paths.config)?;
        if loaded.is_none() && paths.config_origin != Origin::Default {
            return Err(ConfigError::Unreadable {
                path: paths.config,
                detail: "no such file or folder".to_owned(),
            });
        }
        let mut settings = vec![Setting {
            key: "config",
            value: paths.config.display().to_string(),
            origin: paths.config_origin.clone(),
        }];
        let (journal, journal_origin) = journal(flags, env, &paths, loaded.as_ref());
        settings.push(Setting {
            key: "journal",
            value: without_password(journal.expose_secret()),
            origin: journal_origin,
        });
        let theme = loaded.as_ref().and_then(|loaded| {
            let (name, line) = loaded.theme.clone()?;
            let origin = Origin::File { path: loaded.path.clone(), line };
            settings.push(Setting { key: "theme", value: name.clone(), origin });
            Some(name)
        });
        let file = loaded.as_ref();
        let pictures = said(
            file,
            &mut settings,
            "pictures",
            |it| it.pictures.as_ref(),
            |it| it.as_str().to_owned(),
        );
        let color =
            said(file, &mut settings, "color", |it| it.color.as_ref(), |it| it.as_str().to_owned());
        let ascii = said(file, &mut settings, "ascii", |it| it.ascii.as_ref(), |it| it.to_string());
        let mouse = said(file, &mut settings, "mouse", |it| it.mouse.as_ref(), |it| it.to_string());
        let preferences = Preferences {
            journal,
            journal_password: loaded
                .as_ref()
                .and_then(|it| it.file.journal_password_command.as_ref())
                .map(|command| command.get_ref().clone()),
            theme,
            pictures,
            color,
            ascii,
            mouse,
            keys: loaded.as_ref().map(|loaded| loaded.keys.clone()).unwrap_or_default(),
            key_places: loaded.as_ref().map(Loaded::key_places).unwrap_or_default(),
            notify: loaded.as_ref().map(|loaded| loaded.file.notify.clone()).unwrap_or_default(),
            own: loaded.as_ref().map(|loaded| loaded.file.commands.clone()).unwrap_or_default(),
            profiles: loaded.iter().flat_map(|loaded| &loaded.file.profiles).map(about).collect(),
            faults: loaded.as_ref().map(|loaded| loaded.faults.clone()).unwrap_or_default(),
            warnings: loaded.iter().filter_map(readable_by_others).collect(),
            settings,
            paths: paths.clone(),
        };
        Ok((Self { flags, env, paths, loaded }, preferences))
    }

    /// `key` with file and line.
    pub(super) fn at<T>(&self, key: &str, value: &Spanned<T>) -> String {
        match &self.loaded {
            Some(loaded) => format!("{key} of {}:{}", loaded.path.display(), loaded.line(value)),
            None => key.to_owned(),
        }
    }

    pub(super) fn in_file<T>(&self, key: &str, value: &Spanned<T>, what: String) -> ConfigError {
        match &self.loaded {
            Some(loaded) => loaded.fault(clean(key).into_owned(), value, what),
            None => ConfigError::BadValue { from: key.to_owned(), what, expected: String::new() },
        }
    }

    pub(super) fn origin<T>(&self, value: &Spanned<T>) -> Origin {
        self.loaded.as_ref().map_or(Origin::Default, |loaded| Origin::File {
            path: loaded.path.clone(),
            line: loaded.line(value),
        })
    }
}

fn journal(
    flags: &Flags,
    env: &Env,
    paths: &Paths,
    loaded: Option<&Loaded>,
) -> (SecretString, Origin) {
    let expanded = |location: &str| {
        let path = expand_home(location, env);
        SecretString::from(path.to_str().unwrap_or(location))
    };
    if let Some(location) = &flags.journal {
        return (expanded(location.expose_secret()), Origin::Flag("--journal"));
    }
    if let Some(location) = env.get("ALLCLEAR_JOURNAL") {
        return (expanded(location), Origin::Env("ALLCLEAR_JOURNAL".to_owned()));
    }
    if let Some((loaded, journal)) = loaded.and_then(|it| Some((it, it.file.journal.as_ref()?))) {
        let origin = Origin::File { path: loaded.path.clone(), line: loaded.line(journal) };
        return (expanded(journal.get_ref().expose_secret()), origin);
    }
    (SecretString::from(paths.journal().to_string_lossy().into_owned()), Origin::Default)
}

/// A location that may be shown: a URL loses its password.
fn without_password(location: &str) -> String {
    let masked = reqwest::Url::parse(location).ok().filter(|url| url.password().is_some());
    let shown =
        masked.and_then(|mut url| url.set_password(Some("***")).ok().map(|()| url.to_string()));
    let shown = shown.as_deref().unwrap_or(location);
    let by_query = shown.split_once('?').is_some_and(|(_, query)| carries_secret("", Some(query)));
    clean(&if by_query { masked_url(shown) } else { shown.into() }).into_owned()
}

pub(super) fn is_loopback(api: &str) -> bool {
    reqwest::Url::parse(api).is_ok_and(|url| is_loopback_url(&url))
}

/// Warns of a file with secrets that others can read.
fn readable_by_others(loaded: &Loaded) -> Option<String> {
    let holds_secrets = loaded
        .file
        .profiles
        .values()
        .any(|profile| profile.api_secret.is_some() || profile.cloudinary_url.is_some())
        || loaded.file.journal.as_ref().is_some_and(|journal| {
            let location = journal.get_ref().expose_secret();
            without_password(location) != location
        });
    (holds_secrets && open_to_others(&loaded.path)).then(|| {
        format!("{} holds a secret and others can read it; chmod 600 it", loaded.path.display())
    })
}

#[cfg(unix)]
fn open_to_others(path: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::metadata(path).is_ok_and(|found| found.permissions().mode() & 0o077 != 0)
}

#[cfg(not(unix))]
fn open_to_others(_path: &Path) -> bool {
    false
}

/// What the file says for a key of the console; noted among the settings with its place.
fn said<T: Copy>(
    loaded: Option<&Loaded>,
    settings: &mut Vec<Setting>,
    key: &'static str,
    of: impl Fn(&ConfigFile) -> Option<&Spanned<T>>,
    word: impl Fn(T) -> String,
) -> Option<T> {
    let loaded = loaded?;
    let value = of(&loaded.file)?;
    let origin = Origin::File { path: loaded.path.clone(), line: loaded.line(value) };
    settings.push(Setting { key, value: word(*value.get_ref()), origin });
    Some(*value.get_ref())
}
