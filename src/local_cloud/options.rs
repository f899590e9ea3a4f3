//! What a local cloud is started with, why it may not start, and what it says when it is ready.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};

use super::pops::POPS;
use super::scenario::Scenario;
use super::span::Propagation;
use super::world::Settings;
use super::world::fault::EdgeChoice;
use crate::domain::account::InvalidationKind;

/// The key and the secret that are used when none are given; they open nothing but this.
pub const DEFAULT_API_KEY: &str = "127000000000001";
pub const DEFAULT_API_SECRET: &str = "loopback-only-no-secret";

/// What `allclear cloud` can be told (design §5).
#[derive(Debug, Clone)]
pub struct Options {
    /// Address of the API; origin and edges listen on ports of their own at the same address.
    pub listen: SocketAddr,
    pub cloud_name: String,
    pub api_key: String,
    pub api_secret: SecretString,
    /// Opens authenticated assets by a token in the query, in hex; without it no token opens anything.
    pub auth_token_key: Option<SecretString>,
    /// How many assets there are at the start; 0 starts empty.
    pub assets: usize,
    pub edges: usize,
    pub seed: u64,
    /// How long an invalidation takes to an edge.
    pub propagation: Propagation,
    pub mode: InvalidationKind,
    /// Admin deletes with `invalidate` do invalidate.
    pub bulk_invalidation: bool,
    /// Every file is backed up.
    pub backups: bool,
    /// Admin and Search calls an hour.
    pub admin_quota: u32,
    /// How long search lags behind storage.
    pub search_lag: Duration,
    /// Looks of viewers a second, over all edges; 0 for none.
    pub traffic: f64,
    pub scenario: Option<Scenario>,
    /// Whether `/_local` offers more than its edges.
    pub control: bool,
    /// Whether `listen` may be an address that others can reach.
    pub allow_remote: bool,
}

impl Default for Options {
    /// What the command line says when nothing is said.
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            cloud_name: "demo".to_owned(),
            api_key: DEFAULT_API_KEY.to_owned(),
            api_secret: DEFAULT_API_SECRET.into(),
            auth_token_key: None,
            assets: 300,
            edges: 8,
            seed: 1,
            propagation: Propagation::default(),
            mode: InvalidationKind::Surrogate,
            bulk_invalidation: false,
            backups: false,
            admin_quota: 2000,
            search_lag: Duration::ZERO,
            traffic: 4.0,
            scenario: None,
            control: true,
            allow_remote: false,
        }
    }
}

/// Why a local cloud does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(
        "{listen} can be reached from other hosts, and this cloud is no safe thing to show them; add --allow-remote if you mean it"
    )]
    NotLoopback { listen: SocketAddr },
    #[error("cannot listen on {address} for the {what}: {source}")]
    Bind { what: String, address: SocketAddr, source: std::io::Error },
    #[error("a local cloud has 1 to {} edges, not {asked}", POPS.len())]
    Edges { asked: usize },
    #[error("the scenario speaks of edge {code}; this cloud has {}", .known.join(", "))]
    UnknownEdge { code: String, known: Vec<&'static str> },
    #[error("`{name}` is no cloud name; use letters, digits, `-` and `_`")]
    CloudName { name: String },
    #[error(
        "the API {what} may hold letters, digits, `-` and `_` only, because it travels in CLOUDINARY_URL"
    )]
    Credentials { what: &'static str },
    #[error("the key of access tokens is written in hexadecimal digits, two for each byte")]
    TokenKey,
    #[error(
        "a local cloud has to know how it invalidates: surrogate, legacy, legacy-unversioned or legacy-versioned"
    )]
    UnknownMode,
    #[error("the local cloud could not be filled with assets; this is a fault of the program")]
    World,
}

impl Options {
    /// The world that these options describe.
    ///
    /// # Errors
    /// The first option that cannot be.
    pub fn settings(&self) -> Result<Settings, StartError> {
        self.check()?;
        let scenario = self.scenario.clone().unwrap_or_default();
        let propagation = scenario.propagation.unwrap_or(self.propagation);
        Ok(Settings {
            cloud_name: self.cloud_name.clone(),
            api_secret: self.api_secret.clone(),
            auth_token_key: self.auth_token_key.clone(),
            assets: self.assets,
            edges: POPS[..self.edges].to_vec(),
            seed: scenario.seed.unwrap_or(self.seed),
            propagation: (propagation.min, propagation.max),
            mode: self.mode,
            bulk_invalidation: self.bulk_invalidation,
            backups: self.backups,
            admin_quota: self.admin_quota,
            search_lag: self.search_lag,
            traffic: self.traffic,
            faults: scenario.faults,
        })
    }

    fn check(&self) -> Result<(), StartError> {
        if !self.listen.ip().is_loopback() && !self.allow_remote {
            return Err(StartError::NotLoopback { listen: self.listen });
        }
        if !(1..=POPS.len()).contains(&self.edges) {
            return Err(StartError::Edges { asked: self.edges });
        }
        if !is_word(&self.cloud_name) {
            return Err(StartError::CloudName { name: self.cloud_name.clone() });
        }
        if !is_word(&self.api_key) {
            return Err(StartError::Credentials { what: "key" });
        }
        if !is_word(self.api_secret.expose_secret()) {
            return Err(StartError::Credentials { what: "secret" });
        }
        let is_key =
            |key: &SecretString| hex::decode(key.expose_secret()).is_ok_and(|k| !k.is_empty());
        if !self.auth_token_key.as_ref().is_none_or(is_key) {
            return Err(StartError::TokenKey);
        }
        if self.mode == InvalidationKind::Unknown {
            return Err(StartError::UnknownMode);
        }
        let known: Vec<&'static str> = POPS[..self.edges].iter().map(|pop| pop.code).collect();
        let faults = self.scenario.iter().flat_map(|scenario| &scenario.faults);
        for fault in faults {
            match &fault.edge {
                EdgeChoice::One(code) if !known.contains(&code.as_str()) => {
                    return Err(StartError::UnknownEdge { code: code.clone(), known });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

fn is_word(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !text.is_empty() && text.bytes().all(is_part)
}

/// The line that tells that the cloud is ready, and `/_local/edges` at any time later. Other programs read it:
/// fields are only ever added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// Prefix of the API: `http://127.0.0.1:P`.
    pub api: String,
    pub cloud_name: String,
    pub api_key: String,
    /// Told openly: it opens this cloud only, and only from this host.
    pub api_secret: String,
    pub cloudinary_url: String,
    pub mode: InvalidationKind,
    /// This run of the cloud; a restarted or reset one is another.
    pub instance: String,
    pub origin: String,
    pub edges: Vec<ReadyEdge>,
}

/// One edge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadyEdge {
    pub pop: String,
    pub city: String,
    /// `http://127.0.0.1:P1`.
    pub url: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ready_line_is_what_other_programs_read() {
        let ready = Ready {
            api: "http://127.0.0.1:1".into(),
            cloud_name: "demo".into(),
            api_key: "k".into(),
            api_secret: "s".into(),
            cloudinary_url: "cloudinary://k:s@demo?upload_prefix=http://127.0.0.1:1".into(),
            mode: InvalidationKind::LegacyUnversioned,
            instance: "i".into(),
            origin: "http://127.0.0.1:2".into(),
            edges: vec![ReadyEdge {
                pop: "FRA".into(),
                city: "Frankfurt".into(),
                url: "http://127.0.0.1:3".into(),
            }],
        };
        insta::assert_snapshot!(serde_json::to_string(&ready).unwrap(), @r#"{"api":"http://127.0.0.1:1","cloud_name":"demo","api_key":"k","api_secret":"s","cloudinary_url":"cloudinary://k:s@demo?upload_prefix=http://127.0.0.1:1","mode":"legacy-unversioned","instance":"i","origin":"http://127.0.0.1:2","edges":[{"pop":"FRA","city":"Frankfurt","url":"http://127.0.0.1:3"}]}"#);
    }

    #[test]
    fn impossible_options_are_refused() {
        let refused = |change: fn(&mut Options)| {
            let mut options = Options::default();
            change(&mut options);
            options.settings().err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(refused(|_| {}), "");
        assert!(refused(|o| o.listen = "192.0.2.1:0".parse().unwrap()).contains("--allow-remote"));
        assert!(refused(|o| o.listen = "0.0.0.0:0".parse().unwrap()).contains("--allow-remote"));
        assert!(refused(|o| o.edges = 0).contains("1 to"));
        assert!(refused(|o| o.edges = 1000).contains("not 1000"));
        assert!(refused(|o| o.cloud_name = "a/b".into()).contains("a/b"));
        assert!(refused(|o| o.api_secret = "a@b".into()).contains("secret"));
        assert!(refused(|o| o.auth_token_key = Some("xyz".into())).contains("hexadecimal"));
        assert!(refused(|o| o.mode = InvalidationKind::Unknown).contains("surrogate"));
        assert!(
            refused(|o| {
                let fault = "[[fault]]\nedge = \"LIM\"\nkind = \"dead\"";
                o.scenario = Some(Scenario::parse(fault, "x").unwrap());
            })
            .contains("LIM")
        );
    }
}
