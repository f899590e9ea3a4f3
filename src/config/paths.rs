//! Where files are: `ALLCLEAR_CONFIG`, `ALLCLEAR_STATE_DIR`, the `XDG_*` variables on every platform, else what the
//! platform uses.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::error::ConfigError;
use super::layers::{Flags, Origin};

/// The environment of a process, and the folders of its platform, as they were when it was read.
#[derive(Clone, Default)]
pub struct Env {
    variables: BTreeMap<String, String>,
    home: Option<PathBuf>,
    config_dir: Option<PathBuf>,
    state_dir: Option<PathBuf>,
}

impl std::fmt::Debug for Env {
    /// Names alone: values may be secrets.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.variables.keys()).finish()
    }
}

impl Env {
    /// The environment of this process; variables that are no UTF-8 are left out.
    #[must_use]
    pub fn from_process() -> Self {
        let folders = directories::ProjectDirs::from("", "", "allclear");
        Self {
            variables: std::env::vars_os()
                .filter_map(|(name, value)| {
                    Some((name.into_string().ok()?, value.into_string().ok()?))
                })
                .collect(),
            home: directories::BaseDirs::new().map(|dirs| dirs.home_dir().to_owned()),
            config_dir: folders.as_ref().map(|dirs| dirs.config_dir().to_owned()),
            state_dir: folders
                .as_ref()
                .map(|dirs| dirs.state_dir().unwrap_or(dirs.data_local_dir()).to_owned()),
        }
    }

    /// An environment of these variables and nothing else.
    pub fn of<'a>(variables: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let variables: BTreeMap<_, _> = variables
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        let home = variables.get("HOME").map(PathBuf::from);
        Self { variables, home, config_dir: None, state_dir: None }
    }

    /// A variable that is set to something.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn home(&self) -> Option<&Path> {
        self.home.as_deref()
    }

    /// An absolute folder that a variable names (XDG Base Directory: relative ones are ignored).
    fn folder(&self, name: &str) -> Option<PathBuf> {
        self.get(name).map(PathBuf::from).filter(|path| path.is_absolute())
    }
}

/// The files and folders of one run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    pub config: PathBuf,
    /// Why it is this file; one named by flag or variable must exist.
    pub config_origin: Origin,
    /// Journal, logs, crash reports.
    pub state_dir: PathBuf,
}

impl Paths {
    /// Finds them; nothing is read or made.
    ///
    /// # Errors
    /// [`ConfigError::NoFolder`] where neither variables nor the platform tell.
    pub fn find(flags: &Flags, env: &Env) -> Result<Self, ConfigError> {
        let (config, config_origin) = config_file(flags, env)?;
        Ok(Self { config, config_origin, state_dir: state_dir(env)? })
    }

    /// Where the journal is unless somebody says otherwise.
    #[must_use]
    pub fn journal(&self) -> PathBuf {
        self.state_dir.join("journal.db")
    }

    /// Themes of the operator, beside the configuration.
    #[must_use]
    pub fn themes(&self) -> PathBuf {
        self.config.with_file_name("themes")
    }
}

fn config_file(flags: &Flags, env: &Env) -> Result<(PathBuf, Origin), ConfigError> {
    if let Some(file) = &flags.config {
        return Ok((file.clone(), Origin::Flag("--config")));
    }
    if let Some(file) = env.get("ALLCLEAR_CONFIG") {
        let file = expand_home(file, env);
        return Ok((file, Origin::Env("ALLCLEAR_CONFIG".to_owned())));
    }
    let missing = ConfigError::NoFolder { what: "the configuration", variable: "ALLCLEAR_CONFIG" };
    env.folder("XDG_CONFIG_HOME")
        .map(|dir| dir.join("allclear"))
        .or_else(|| env.config_dir.clone())
        .or_else(|| env.home().map(|home| home.join(".config/allclear")))
        .map(|dir| (dir.join("config.toml"), Origin::Default))
        .ok_or(missing)
}

fn state_dir(env: &Env) -> Result<PathBuf, ConfigError> {
    let missing = ConfigError::NoFolder { what: "the journal", variable: "ALLCLEAR_STATE_DIR" };
    env.get("ALLCLEAR_STATE_DIR")
        .map(|dir| expand_home(dir, env))
        .or_else(|| env.folder("XDG_STATE_HOME").map(|dir| dir.join("allclear")))
        .or_else(|| env.state_dir.clone())
        .or_else(|| env.home().map(|home| home.join(".local/state/allclear")))
        .ok_or(missing)
}

/// `~/…` as shells mean it; anything else as it is.
pub(super) fn expand_home(path: &str, env: &Env) -> PathBuf {
    match (path.strip_prefix("~/"), env.home()) {
        (Some(rest), Some(home)) => home.join(rest),
        _ => PathBuf::from(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&[("HOME", "/h")], "/h/.config/allclear/config.toml", "/h/.local/state/allclear")]
    #[case(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "/c"), ("XDG_STATE_HOME", "/s")], "/c/allclear/config.toml", "/s/allclear")]
    #[case(&[("HOME", "/h"), ("XDG_CONFIG_HOME", "c"), ("XDG_STATE_HOME", "")], "/h/.config/allclear/config.toml", "/h/.local/state/allclear")]
    #[case(&[("HOME", "/h"), ("ALLCLEAR_CONFIG", "~/a.toml"), ("ALLCLEAR_STATE_DIR", "here")], "/h/a.toml", "here")]
    fn folders_follow_the_environment(
        #[case] variables: &[(&str, &str)],
        #[case] config: &str,
        #[case] state_dir: &str,
    ) {
        let paths = Paths::find(&Flags::default(), &Env::of(variables.iter().copied())).unwrap();
        assert_eq!((paths.config, paths.state_dir), (config.into(), state_dir.into()));
    }

    #[test]
    fn a_flag_beats_the_environment() {
        let flags = Flags { config: Some("x.toml".into()), ..Flags::default() };
        let env = Env::of([("HOME", "/h"), ("ALLCLEAR_CONFIG", "/y.toml")]);
        let paths = Paths::find(&flags, &env).unwrap();
        assert_eq!(
            (paths.config, paths.config_origin),
            ("x.toml".into(), Origin::Flag("--config"))
        );
    }

    #[test]
    fn without_a_home_the_variable_to_set_is_named() {
        let error = Paths::find(&Flags::default(), &Env::of([])).unwrap_err();
        assert_eq!(error.to_string(), "no folder for the configuration can be found");
        assert_eq!(error.hint().as_deref(), Some("set HOME or ALLCLEAR_CONFIG"));
    }

    #[test]
    fn debug_shows_no_value() {
        assert_eq!(
            format!("{:?}", Env::of([("CLOUDINARY_URL", "secret")])),
            r#"{"CLOUDINARY_URL"}"#
        );
    }
}
