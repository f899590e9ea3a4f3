//! Makes a profile of a choice: the file's settings over the defaults, each with its origin.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use toml::Spanned;

use super::choice::{Chosen, Source};
use super::credentials::{self, Told};
use super::error::ConfigError;
use super::file::{ProfileFile, Span};
use super::layers::{Layers, Origin, Preferences, Resolved, Setting, is_loopback};
use crate::adapters::cloudinary::{Credentials, DEFAULT_API};
use crate::adapters::places::PinnedEdge;
use crate::domain::account::{Account, InvalidationKind};
use crate::domain::purge::Risk;
use crate::domain::text::clean;
use crate::ops::Policy;

/// Upload API calls in flight at once, at most: more gains nothing and is no longer polite.
const MAX_CONCURRENCY: usize = 64;
/// More assets than one order can be about.
const MAX_ITEMS: usize = 1_000_000;
/// More requests than any watch is worth.
const MAX_BUDGET: usize = 100_000_000;

/// The end of a key, by which its owner knows it.
fn last_four(key: &str) -> String {
    let shown = key.chars().count().checked_sub(4).filter(|hidden| *hidden >= 4);
    shown.map_or("***".to_owned(), |hidden| {
        format!("***{}", key.chars().skip(hidden).collect::<String>())
    })
}

/// Makes a [`Resolved`] of a choice.
pub(super) struct Build<'a> {
    pub(super) layers: &'a Layers<'a>,
    pub(super) chosen: &'a Chosen<'a>,
    pub(super) preferences: Preferences,
}

impl Build<'_> {
    pub(super) fn resolved(mut self, told: &Told) -> Result<Resolved, ConfigError> {
        let none = ProfileFile::default();
        let profile = self.chosen.profile.unwrap_or(&none);
        let name = clean(&self.chosen.name).into_owned();
        self.set("profile", &name, self.chosen.origin.clone());
        let api_prefix = self.api(profile, told)?;
        let loopback = is_loopback(&api_prefix);
        let account = self.account(profile, told)?;
        let credentials = self.credentials(profile, told, &account.cloud_name)?;
        let usual_risk = if loopback { Risk::Local } else { Risk::Production };
        let risk =
            self.pick("risk", profile.risk.as_ref(), usual_risk, |it| it.as_str().to_owned());
        if risk == Risk::Local && !loopback {
            self.warn(
                "risk is `local`, but the API is not on this host: few questions will be asked",
            );
        }
        let policy = self.policy(profile, Policy::new(&name, risk, loopback))?;
        let pinned = self.edges(profile)?;
        let look_from = self.look_from(&profile.places, pinned)?;
        Ok(Resolved {
            profile: name,
            credentials,
            api_prefix,
            account,
            policy,
            look_from,
            preferences: self.preferences,
        })
    }

    fn api(&mut self, profile: &ProfileFile, told: &Told) -> Result<String, ConfigError> {
        let (api, origin) = match (&profile.api, &told.api) {
            // what the environment names wins over settings that a profile lends
            (Some(api), told)
                if told.is_none() || matches!(self.chosen.source, Source::OurFile) =>
            {
                let from = self.layers.at("api", api);
                (credentials::api_prefix(&from, api.get_ref())?, self.layers.origin(api))
            }
            (_, Some(api)) => (api.clone(), self.chosen.origin.clone()),
            (_, None) => (DEFAULT_API.to_owned(), Origin::Default),
        };
        if api.starts_with("http://") && !is_loopback(&api) {
            self.warn("the API is asked by plain http: credentials travel unencrypted");
        }
        self.set("api", &api, origin);
        Ok(api)
    }

    fn credentials(
        &mut self,
        profile: &ProfileFile,
        told: &Told,
        cloud_name: &str,
    ) -> Result<Credentials, ConfigError> {
        let origin = self.chosen.origin.clone();
        let missing = |missing: &'static str, key: &str, variable: &str| {
            ConfigError::Missing {
            from: match self.chosen.source {
                Source::OurFile => format!("profile `{}`", clean(&self.chosen.name)),
                _ => origin.to_string(),
            },
            missing,
            next_step: match (&self.chosen.source, told.signed_in) {
                (_, true) => {
                    "it holds a sign-in of `cld login`, which cannot be used here: give key and secret".to_owned()
                }
                (Source::OurFile, _) => format!("write {key} into the profile"),
                (Source::Variables, _) => format!("set {variable}"),
                (Source::Url { .. }, _) => {
                    "expected cloudinary://<api_key>:<api_secret>@<cloud_name>".to_owned()
                }
            },
        }
        };
        let api_key = told
            .api_key
            .clone()
            .filter(|key| !key.trim().is_empty())
            .ok_or_else(|| missing("API key", "`api_key`", "CLOUDINARY_API_KEY"))?;
        let api_secret = told
            .api_secret
            .clone()
            .filter(|secret| !secret.expose_secret().trim().is_empty())
            .ok_or_else(|| {
                missing(
                    "API secret",
                    "`api_secret_env` or `secret_command`",
                    "CLOUDINARY_API_SECRET",
                )
            })?;
        let usual = told.signature.unwrap_or_default();
        let origin = if told.signature.is_some() { origin } else { Origin::Default };
        let signature = profile.signature_algorithm.as_ref();
        let (signature, origin) =
            signature.map_or((usual, origin), |it| (*it.get_ref(), self.layers.origin(it)));
        let [of_name, of_key, of_secret] = self.credential_origins(profile);
        self.set("cloud_name", cloud_name, of_name);
        self.set("api_key", &last_four(&api_key), of_key);
        self.set("api_secret", "***", of_secret);
        self.set("signature_algorithm", signature.as_str(), origin);
        Ok(Credentials { cloud_name: cloud_name.to_owned(), api_key, api_secret, signature })
    }

    /// Where cloud name, API key and secret were written.
    fn credential_origins(&self, profile: &ProfileFile) -> [Origin; 3] {
        if !matches!(self.chosen.source, Source::OurFile) {
            return [(); 3].map(|()| self.chosen.origin.clone());
        }
        let line = |it: Option<&Spanned<String>>| it.map(|it| self.layers.origin(it));
        let variable =
            |it: Option<&Spanned<String>>| it.map(|it| Origin::Env(it.get_ref().clone()));
        let command = profile.secret_command.as_ref().map(|it| self.layers.origin(it));
        let whole = (profile.cloudinary_url.as_ref().map(|it| self.layers.origin(it)))
            .or_else(|| variable(profile.cloudinary_url_env.as_ref()))
            .or_else(|| command.clone())
            .unwrap_or_else(|| self.chosen.origin.clone());
        let secret = (profile.api_secret.as_ref().map(|it| self.layers.origin(it)))
            .or_else(|| variable(profile.api_secret_env.as_ref()))
            .or(command);
        [
            line(profile.cloud_name.as_ref()),
            line(profile.api_key.as_ref()).or_else(|| variable(profile.api_key_env.as_ref())),
            secret,
        ]
        .map(|own| own.unwrap_or_else(|| whole.clone()))
    }

    fn account(&mut self, profile: &ProfileFile, told: &Told) -> Result<Account, ConfigError> {
        let name = told.cloud_name.clone().ok_or_else(|| ConfigError::Missing {
            from: format!("profile `{}`", clean(&self.chosen.name)),
            missing: "cloud name",
            next_step: "write `cloud_name` into the profile".to_owned(),
        })?;
        let mut account = Account::named(&name);
        account.invalidation = match self.layers.flags.invalidation {
            Some(kind) => {
                self.set("invalidation", kind.as_str(), Origin::Flag("--invalidation"));
                kind
            }
            None => self.pick(
                "invalidation",
                profile.invalidation.as_ref(),
                InvalidationKind::Unknown,
                InvalidationKind::to_string,
            ),
        };
        let bulk = profile.bulk_invalidation.as_ref();
        account.bulk_invalidation = bulk.map(|it| *it.get_ref());
        let origin = bulk.map_or(Origin::Default, |it| self.layers.origin(it));
        let word = account.bulk_invalidation.map_or("unset".to_owned(), |on| on.to_string());
        self.set("bulk_invalidation", &word, origin);
        account.own_hosts.clone_from(&told.own_hosts);
        let mut origin =
            if told.own_hosts.is_empty() { Origin::Default } else { self.chosen.origin.clone() };
        if let Some(hosts) = &profile.hosts {
            origin = self.layers.origin(hosts);
            for host in hosts.get_ref() {
                let key = format!("profiles.{}.hosts", self.chosen.name);
                let host = credentials::delivery_host(host)
                    .map_err(|what| self.layers.in_file(&key, hosts, what))?;
                if !account.own_hosts.contains(&host) {
                    account.own_hosts.push(host);
                }
            }
        }
        self.set("hosts", &account.own_hosts.join(", "), origin);
        Ok(account)
    }

    fn policy(&mut self, profile: &ProfileFile, usual: Policy) -> Result<Policy, ConfigError> {
        let span = |it: &Option<Spanned<Span>>| {
            it.as_ref().map(|it| Spanned::new(it.span(), it.get_ref().0))
        };
        let in_words = |it: &Duration| {
            jiff::SignedDuration::try_from(*it)
                .map_or_else(|_| format!("{it:?}"), |it| format!("{it:#}"))
        };
        let read_only = if self.layers.flags.read_only {
            self.set("read_only", "true", Origin::Flag("--read-only"));
            true
        } else {
            self.pick("read_only", profile.read_only.as_ref(), false, bool::to_string)
        };
        let confidence = profile.confidence.as_ref();
        let learns_stuck_after = profile.stuck_after.is_none();
        Ok(Policy {
            read_only,
            confidence: self
                .pick("confidence", confidence, usual.confidence, |it| it.as_str().to_owned()),
            hold_back: self.pick(
                "hold_back",
                span(&profile.hold_back).as_ref(),
                usual.hold_back,
                in_words,
            ),
            give_up_after: self.pick(
                "give_up_after",
                span(&profile.give_up_after).as_ref(),
                usual.give_up_after,
                in_words,
            ),
            stuck_after: self.pick(
                "stuck_after",
                span(&profile.stuck_after).as_ref(),
                usual.stuck_after,
                in_words,
            ),
            confirm_above: self.pick(
                "confirm_above",
                profile.confirm_above.as_ref(),
                usual.confirm_above,
                usize::to_string,
            ),
            max_items: self.max_items(profile, usual.max_items)?,
            start_delay: self.pick(
                "start_delay",
                span(&profile.start_delay).as_ref(),
                usual.start_delay,
                in_words,
            ),
            stop_after: self.pick(
                "stop_after",
                span(&profile.stop_after).as_ref(),
                usual.stop_after,
                in_words,
            ),
            concurrency: self.within(
                "concurrency",
                profile.concurrency.as_ref(),
                usual.concurrency,
                MAX_CONCURRENCY,
            )?,
            verify_full_max: self.within(
                "verify_full_max",
                profile.verify_full_max.as_ref(),
                usual.verify_full_max,
                1_000_000,
            )?,
            probe_budget: self.budget(profile)?,
            purge_again: self.pick(
                "purge_again",
                profile.purge_again.as_ref(),
                usual.purge_again,
                |it| it.as_str().to_owned(),
            ),
            learns_stuck_after,
            ..usual
        })
    }

    /// Assets that one order may be about; without a word as many as there are, on production a round number.
    fn max_items(
        &mut self,
        profile: &ProfileFile,
        usual: Option<usize>,
    ) -> Result<Option<usize>, ConfigError> {
        if profile.max_items.is_none() {
            let shown = usual.map_or("no bound".to_owned(), |most| most.to_string());
            self.set("max_items", &shown, Origin::Default);
            return Ok(usual);
        }
        let told = profile.max_items.as_ref();
        Ok(Some(self.within("max_items", told, usize::MAX, MAX_ITEMS)?))
    }

    /// The operator's own bound; without one it follows what each watch needs.
    fn budget(&mut self, profile: &ProfileFile) -> Result<Option<u64>, ConfigError> {
        let Some(told) = profile.probe_budget.as_ref() else {
            self.set("probe_budget", "ten times what a watch needs", Origin::Default);
            return Ok(None);
        };
        let told = self.within("probe_budget", Some(told), 0, MAX_BUDGET)?;
        Ok(u64::try_from(told).ok())
    }

    fn edges(&mut self, profile: &ProfileFile) -> Result<Vec<PinnedEdge>, ConfigError> {
        let mut pinned = Vec::new();
        for (name, address) in &profile.edges {
            let edge = PinnedEdge::read(name, address.get_ref()).map_err(|what| {
                let key = format!("profiles.{}.edges.{name}", self.chosen.name);
                self.layers.in_file(&key, address, what)
            })?;
            pinned.push(edge);
        }
        if let Some(first) = profile.edges.values().next() {
            let names: Vec<_> = pinned.iter().map(|edge| edge.name.as_str()).collect();
            let (value, origin) = (names.join(", "), self.layers.origin(first));
            self.set("edges", &value, origin);
        }
        Ok(pinned)
    }

    /// The file's value or the usual one, with its origin.
    pub(super) fn pick<T: Clone>(
        &mut self,
        key: &'static str,
        file: Option<&Spanned<T>>,
        usual: T,
        shown: impl Fn(&T) -> String,
    ) -> T {
        let (value, origin) = match file {
            Some(it) => (it.get_ref().clone(), self.layers.origin(it)),
            None => (usual, Origin::Default),
        };
        self.set(key, &shown(&value), origin);
        value
    }

    fn within(
        &mut self,
        key: &'static str,
        file: Option<&Spanned<usize>>,
        usual: usize,
        most: usize,
    ) -> Result<usize, ConfigError> {
        match file {
            Some(it) if !(1..=most).contains(it.get_ref()) => Err(self.layers.in_file(
                &format!("profiles.{}.{key}", self.chosen.name),
                it,
                format!("{} is not between 1 and {most}", it.get_ref()),
            )),
            _ => Ok(self.pick(key, file, usual, usize::to_string)),
        }
    }

    pub(super) fn set(&mut self, key: &'static str, value: &str, origin: Origin) {
        let value = clean(value).into_owned();
        self.preferences.settings.push(Setting { key, value, origin });
    }

    fn warn(&mut self, words: &str) {
        self.preferences.warnings.push(words.to_owned());
    }
}
