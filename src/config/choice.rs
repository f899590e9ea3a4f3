//! Which profile is meant, and its credentials.

use secrecy::{ExposeSecret as _, SecretString};
use toml::Spanned;

use super::credentials::{self, CldProfiles, Told};
use super::error::{ConfigError, nearest};
use super::file::ProfileFile;
use super::layers::{Layers, Origin};
use super::secret_command;
use crate::adapters::cloudinary::DEFAULT_API;
use crate::domain::text::clean;

/// Which profile is used, and who said so.
pub(super) struct Chosen<'a> {
    pub(super) name: String,
    pub(super) origin: Origin,
    pub(super) source: Source,
    /// Settings of our file that apply.
    pub(super) profile: Option<&'a ProfileFile>,
}

pub(super) enum Source {
    OurFile,
    /// A `cloudinary://` URL.
    Url {
        from: String,
        url: SecretString,
    },
    /// `CLOUDINARY_CLOUD_NAME` and its sisters.
    Variables,
}

impl Layers<'_> {
    fn profiles(&self) -> impl Iterator<Item = (&String, &ProfileFile)> {
        self.loaded.iter().flat_map(|loaded| &loaded.file.profiles)
    }

    /// Precedence: `--profile`, `ALLCLEAR_PROFILE`, `CLOUDINARY_CLOUD_NAME`, `CLOUDINARY_URL`, the file's own word,
    /// its only profile, the default of `cld`.
    pub(super) fn choose(
        &self,
        cld: &CldProfiles,
        warnings: &mut Vec<String>,
    ) -> Result<Chosen<'_>, ConfigError> {
        let named = match (&self.flags.profile, self.env.get("ALLCLEAR_PROFILE")) {
            (Some(name), _) => Some((name.as_str(), Origin::Flag("--profile"))),
            (None, Some(name)) => Some((name, Origin::Env("ALLCLEAR_PROFILE".to_owned()))),
            (None, None) => None,
        };
        if let Some((name, origin)) = named {
            let chosen = self.named(name, origin, cld)?;
            warnings.extend(self.overruled(&chosen));
            return Ok(chosen);
        }
        if let Some(chosen) = self.in_environment(warnings)? {
            return Ok(chosen);
        }
        if let Some(loaded) = &self.loaded {
            if let Some(default) = &loaded.file.profile {
                let line = loaded.line(default);
                let origin = Origin::File { path: loaded.path.clone(), line };
                return self.named(default.get_ref(), origin, cld);
            }
            let mut profiles = loaded.file.profiles.keys();
            match (profiles.next(), profiles.next()) {
                (Some(only), None) => return self.named(only, Origin::Default, cld),
                (Some(_), Some(_)) => {
                    return Err(ConfigError::NoProfileChosen {
                        config: loaded.path.clone(),
                        known: loaded.file.profiles.keys().cloned().collect(),
                    });
                }
                (None, _) => {}
            }
        }
        match &cld.default {
            Some(name) => self.named(name, Origin::Cld(cld.path.clone()), cld),
            None => Err(ConfigError::NothingConfigured { config: self.paths.config.clone() }),
        }
    }

    fn named(
        &self,
        name: &str,
        origin: Origin,
        cld: &CldProfiles,
    ) -> Result<Chosen<'_>, ConfigError> {
        if let Some((_, profile)) = self.profiles().find(|(known, _)| *known == name) {
            let source = Source::OurFile;
            return Ok(Chosen { name: name.to_owned(), origin, source, profile: Some(profile) });
        }
        if let Some(url) = cld.urls.get(name) {
            let from = format!("profile `{}` of {}", clean(name), cld.path.display());
            let source = Source::Url { from, url: url.clone() };
            return Ok(Chosen { name: name.to_owned(), origin, source, profile: None });
        }
        let known: Vec<String> =
            self.profiles().map(|(name, _)| name).chain(cld.urls.keys()).cloned().collect();
        Err(ConfigError::UnknownProfile {
            from: self.paths.config.display().to_string(),
            name: clean(name).into_owned(),
            suggestion: nearest(name, known.iter().map(String::as_str)),
            known,
        })
    }

    /// The cloud that the environment names; a profile of the same cloud lends its guards and settings.
    fn in_environment(
        &self,
        warnings: &mut Vec<String>,
    ) -> Result<Option<Chosen<'_>>, ConfigError> {
        let (source, origin, told) = if let Some(told) = credentials::from_variables(self.env)? {
            let ignored = self.env.get("CLOUDINARY_URL").map(SecretString::from);
            let other = ignored.and_then(|url| credentials::parse_url("", &url).ok()?.cloud_name);
            if other.is_some() && other != told.cloud_name {
                warnings.push(
                    "CLOUDINARY_CLOUD_NAME is set, so CLOUDINARY_URL, which names another cloud, is ignored"
                        .to_owned(),
                );
            }
            (Source::Variables, Origin::Env("CLOUDINARY_CLOUD_NAME".to_owned()), told)
        } else if let Some(url) = self.env.get("CLOUDINARY_URL") {
            let (from, url) = ("CLOUDINARY_URL".to_owned(), SecretString::from(url));
            let told = credentials::parse_url(&from, &url)?;
            if self.env.get("CLOUDINARY_UPLOAD_PREFIX").is_some() && told.api.is_none() {
                warnings.push(
                    "CLOUDINARY_UPLOAD_PREFIX is ignored beside CLOUDINARY_URL; write ?upload_prefix=… into the URL"
                        .to_owned(),
                );
            }
            (Source::Url { from: from.clone(), url }, Origin::Env(from), told)
        } else {
            return Ok(None);
        };
        let cloud = told.cloud_name.unwrap_or_default();
        let api = told.api.unwrap_or(DEFAULT_API.to_owned());
        let mut same = self.profiles().filter(|(_, profile)| {
            let (name, prefix) = self.identity(profile);
            name.as_deref() == Some(cloud.as_str()) && prefix == api
        });
        let (lender, another) = (same.next(), same.next());
        let (name, profile) = match (lender, another) {
            (Some((name, profile)), None) => {
                warnings.push(format!(
                    "{origin} names the cloud of profile `{name}`; its settings apply"
                ));
                (name.clone(), Some(profile))
            }
            _ => (cloud, None),
        };
        Ok(Some(Chosen { name, origin, source, profile }))
    }

    /// Cloud and API of a profile, as far as they can be told without asking for a secret.
    fn identity(&self, profile: &ProfileFile) -> (Option<String>, String) {
        let told = self
            .profile_url(profile)
            .and_then(|(from, url)| credentials::parse_url(&from, &url).ok())
            .unwrap_or_default();
        let own = profile.cloud_name.as_ref().map(|name| name.get_ref().clone());
        let api = profile.api.as_ref().map(|api| api.get_ref().trim_end_matches('/').to_owned());
        (own.or(told.cloud_name), api.or(told.api).unwrap_or(DEFAULT_API.to_owned()))
    }

    /// The URL of a profile, with a name for it.
    fn profile_url(&self, profile: &ProfileFile) -> Option<(String, SecretString)> {
        if let Some(url) = &profile.cloudinary_url {
            return Some((self.at("cloudinary_url", url), url.get_ref().clone()));
        }
        let variable = profile.cloudinary_url_env.as_ref()?.get_ref();
        Some((variable.clone(), SecretString::from(self.env.get(variable)?)))
    }

    /// Says that the environment names another cloud than the profile that was asked for.
    fn overruled(&self, chosen: &Chosen<'_>) -> Option<String> {
        let (variable, other) = if let Ok(Some(told)) = credentials::from_variables(self.env) {
            ("CLOUDINARY_CLOUD_NAME", told.cloud_name)
        } else {
            let url = SecretString::from(self.env.get("CLOUDINARY_URL")?);
            ("CLOUDINARY_URL", credentials::parse_url("", &url).ok()?.cloud_name)
        };
        let own = match &chosen.source {
            Source::Url { from, url } => credentials::parse_url(from, url).ok()?.cloud_name,
            _ => self.identity(chosen.profile?).0,
        };
        (own != other).then(|| {
            format!(
                "{} names profile `{}`; {variable} names the cloud `{}` and is ignored",
                chosen.origin,
                clean(&chosen.name),
                clean(&other.unwrap_or_default())
            )
        })
    }

    pub(super) fn credentials(&self, chosen: &Chosen<'_>) -> Result<Told, ConfigError> {
        match &chosen.source {
            Source::Url { from, url } => credentials::parse_url(from, url),
            Source::Variables => {
                Ok(credentials::from_variables(self.env)?.unwrap_or_default()) // it was set a moment ago
            }
            Source::OurFile => {
                chosen.profile.map_or(Ok(Told::default()), |it| self.of_profile(&chosen.name, it))
            }
        }
    }

    /// Credentials of a profile of our file: its URL, then what single keys say.
    fn of_profile(&self, name: &str, profile: &ProfileFile) -> Result<Told, ConfigError> {
        let mut told = match self.profile_url(profile) {
            Some((from, url)) => credentials::parse_url(&from, &url)?,
            None if profile.cloudinary_url_env.is_some() => {
                return Err(self.unset(profile.cloudinary_url_env.as_ref(), "cloudinary_url_env"));
            }
            None => Told::default(),
        };
        if let Some(command) = &profile.secret_command {
            if let Some(other) = &profile.api_secret {
                let what = "there is a secret_command too; keep one of them".to_owned();
                return Err(self.in_file(&format!("profiles.{name}.api_secret"), other, what));
            }
            let printed = secret_command::run(command.get_ref()).map_err(|detail| {
                ConfigError::SecretCommand {
                    profile: clean(name).into_owned(),
                    detail: clean(&detail).into_owned(),
                }
            })?;
            if printed.expose_secret().starts_with("cloudinary://") {
                told = credentials::parse_url(&self.at("secret_command", command), &printed)?;
            } else {
                told.api_secret = Some(printed);
            }
        }
        if let Some(cloud) = &profile.cloud_name {
            let checked = credentials::cloud_name(cloud.get_ref()).map_err(|why| {
                self.in_file(&format!("profiles.{name}.cloud_name"), cloud, why.to_owned())
            })?;
            told.cloud_name = Some(checked);
        }
        if let Some(key) =
            self.text(profile.api_key.as_ref(), profile.api_key_env.as_ref(), "api_key_env")?
        {
            told.api_key = Some(key);
        }
        let variable = profile.api_secret_env.as_ref();
        if let Some(secret) = &profile.api_secret {
            told.api_secret = Some(secret.get_ref().clone());
        } else if let Some(secret) = self.text(None, variable, "api_secret_env")? {
            told.api_secret = Some(SecretString::from(secret));
        }
        Ok(told)
    }

    /// A value, or that of the variable which holds it.
    fn text(
        &self,
        value: Option<&Spanned<String>>,
        variable: Option<&Spanned<String>>,
        key: &'static str,
    ) -> Result<Option<String>, ConfigError> {
        match (value, variable) {
            (Some(value), _) => Ok(Some(value.get_ref().clone())),
            (None, Some(name)) => match self.env.get(name.get_ref()) {
                Some(text) => Ok(Some(text.to_owned())),
                None => Err(self.unset(variable, key)),
            },
            (None, None) => Ok(None),
        }
    }

    fn unset(&self, variable: Option<&Spanned<String>>, key: &'static str) -> ConfigError {
        // a secret written here by mistake is not repeated
        let is_name = |b: u8| b.is_ascii_uppercase() || b.is_ascii_digit() || b == b'_';
        let name = variable.map(Spanned::get_ref).filter(|name| name.bytes().all(is_name));
        ConfigError::Missing {
            from: variable.map_or(key.to_owned(), |it| self.at(key, it)),
            missing: "value",
            next_step: match name {
                Some(name) => format!("set {name} in the environment"),
                None => "it must be the name of an environment variable that is set".to_owned(),
            },
        }
    }
}
