//! `[profiles.NAME.places]`: where we look from, and at what (design §6).

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use secrecy::SecretString;
use serde::Deserialize;
use toml::Spanned;

use super::build::Build;
use super::error::ConfigError;
use crate::adapters::is_loopback_url;
use crate::adapters::places::PinnedEdge;
use crate::domain::text::clean;

/// The table as written.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlacesFile {
    /// This host and its resolver.
    pub here: Option<Spanned<bool>>,
    /// The hosts of the shared domain that are pinned to one CDN vendor each.
    pub vendors: Option<Spanned<bool>>,
    /// Resolvers to ask besides this host's.
    pub resolvers: Option<Spanned<Vec<String>>>,
    /// Networks to ask those resolvers on behalf of: name = network.
    pub subnets: BTreeMap<String, Spanned<String>>,
    /// Hosts with this program on them.
    pub ssh: Option<Spanned<Vec<String>>>,
    /// Locations to ask the Globalping network for.
    pub globalping: Option<Spanned<Vec<String>>>,
    /// Name of the environment variable that holds the token.
    pub globalping_token_env: Option<Spanned<String>>,
    /// Address of that network's API, where it is one of our own.
    pub globalping_api: Option<Spanned<String>>,
    /// Name of the environment variable that holds a Fastly API token.
    pub fastly_token_env: Option<Spanned<String>>,
    /// Hosts that Fastly delivers for the owner of that token, beside those whose name tells.
    pub fastly_hosts: Option<Spanned<Vec<String>>>,
    /// Address of Fastly's API, where it is reached otherwise.
    pub fastly_api: Option<Spanned<String>>,
}

/// A network that answers are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Network {
    /// Bits beyond the prefix are zero.
    pub address: IpAddr,
    pub prefix: u8,
}

/// Where a profile looks from.
#[derive(Debug, Clone)]
pub struct LookFrom {
    pub here: bool,
    pub pinned: Vec<PinnedEdge>,
    pub vendors: bool,
    pub resolvers: Vec<SocketAddr>,
    pub subnets: Vec<(String, Network)>,
    pub ssh: Vec<String>,
    /// Empty: the network is not asked.
    pub globalping: Vec<String>,
    pub globalping_token: Option<SecretString>,
    /// `None`: the public one.
    pub globalping_api: Option<String>,
    pub fastly_token: Option<SecretString>,
    /// In lower case.
    pub fastly_hosts: Vec<String>,
    /// `None`: the public one.
    pub fastly_api: Option<String>,
}

impl Default for LookFrom {
    /// This host and its resolver, as without any configuration.
    fn default() -> Self {
        Self {
            here: true,
            pinned: Vec::new(),
            vendors: false,
            resolvers: Vec::new(),
            subnets: Vec::new(),
            ssh: Vec::new(),
            globalping: Vec::new(),
            globalping_token: None,
            globalping_api: None,
            fastly_token: None,
            fastly_hosts: Vec::new(),
            fastly_api: None,
        }
    }
}

impl Build<'_> {
    /// Reads the table and the pinned edges.
    pub(super) fn look_from(
        &mut self,
        file: &PlacesFile,
        pinned: Vec<PinnedEdge>,
    ) -> Result<LookFrom, ConfigError> {
        let here = self.pick("places.here", file.here.as_ref(), true, bool::to_string);
        let vendors = self.pick("places.vendors", file.vendors.as_ref(), false, bool::to_string);
        let resolvers = self.list("resolvers", file.resolvers.as_ref(), |text| {
            let with_port = text.parse().ok();
            with_port.or_else(|| Some(SocketAddr::new(text.parse().ok()?, 53))).ok_or_else(|| {
                format!(
                    "`{text}` is no resolver; give an IP address, with a port where it is not 53"
                )
            })
        })?;
        let ssh = self.list("ssh", file.ssh.as_ref(), ssh_host)?;
        let globalping = self.list("globalping", file.globalping.as_ref(), location)?;
        let fastly_hosts = self.list("fastly_hosts", file.fastly_hosts.as_ref(), host_name)?;
        let mut subnets = Vec::new();
        for (name, written) in &file.subnets {
            let network = network(written.get_ref()).map_err(|what| {
                self.layers.in_file(&self.key(&format!("subnets.{name}")), written, what)
            })?;
            subnets.push((clean(name).into_owned(), network));
        }
        if let Some((written, first)) = file.subnets.values().next().zip(subnets.first()) {
            if resolvers.is_empty() {
                let what = "no resolver is asked on its behalf; name one under `resolvers`";
                let key = self.key(&format!("subnets.{}", first.0));
                return Err(self.layers.in_file(&key, written, what.to_owned()));
            }
            let names: Vec<_> = subnets.iter().map(|(name, _)| name.as_str()).collect();
            let (value, origin) = (names.join(", "), self.layers.origin(written));
            self.set("places.subnets", &value, origin);
        }
        Ok(LookFrom {
            here,
            pinned,
            vendors,
            resolvers,
            subnets,
            ssh,
            globalping,
            globalping_token: self
                .token("places.globalping_token", file.globalping_token_env.as_ref())?,
            globalping_api: self.address("places.globalping_api", file.globalping_api.as_ref())?,
            fastly_token: self.token("places.fastly_token", file.fastly_token_env.as_ref())?,
            fastly_hosts,
            fastly_api: self.address("places.fastly_api", file.fastly_api.as_ref())?,
        })
    }

    fn key(&self, key: &str) -> String {
        format!("profiles.{}.places.{key}", self.chosen.name)
    }

    fn list<T>(
        &mut self,
        key: &'static str,
        written: Option<&Spanned<Vec<String>>>,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Vec<T>, ConfigError> {
        let Some(list) = written else { return Ok(Vec::new()) };
        let origin = self.layers.origin(list);
        let shown = list.get_ref().join(", ");
        let read = list.get_ref().iter().map(|text| read(text)).collect::<Result<_, _>>();
        let read = read
            .map_err(|what| self.layers.in_file(&self.key(key), list, clean(&what).into_owned()))?;
        let key = match key {
            "resolvers" => "places.resolvers",
            "ssh" => "places.ssh",
            "fastly_hosts" => "places.fastly_hosts",
            _ => "places.globalping",
        };
        self.set(key, &shown, origin);
        Ok(read)
    }

    /// The address of an API: by TLS, or on this host.
    fn address(
        &mut self,
        key: &'static str,
        written: Option<&Spanned<String>>,
    ) -> Result<Option<String>, ConfigError> {
        let Some(written) = written else { return Ok(None) };
        let text = written.get_ref().trim_end_matches('/');
        let fits = reqwest::Url::parse(text).is_ok_and(|url| {
            let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback_url(&url));
            safe && url.username().is_empty() && url.password().is_none() && url.query().is_none()
        });
        if !fits {
            let what =
                format!("`{}` is no address of an API; it begins with https://", clean(text));
            return Err(self.layers.in_file(&self.key(&key[7..]), written, what));
        }
        self.set(key, text, self.layers.origin(written));
        Ok(Some(text.to_owned()))
    }

    /// The secret of the variable that the file names.
    fn token(
        &mut self,
        key: &'static str,
        variable: Option<&Spanned<String>>,
    ) -> Result<Option<SecretString>, ConfigError> {
        let Some(variable) = variable else { return Ok(None) };
        let name = variable.get_ref();
        let secret = self.layers.env.get(name).filter(|text| !text.trim().is_empty());
        let Some(secret) = secret else {
            let what = format!("the environment has no {}", clean(name));
            return Err(self.layers.in_file(
                &self.key(&format!("{}_env", &key[7..])),
                variable,
                what,
            ));
        };
        self.set(key, "***", super::layers::Origin::Env(name.clone()));
        Ok(Some(SecretString::from(secret)))
    }
}

/// A host for `ssh`: what could be taken for an option or split into several words is refused (design §8).
fn ssh_host(text: &str) -> Result<String, String> {
    let fit = !text.is_empty()
        && !text.starts_with('-')
        && text.chars().all(|c| c.is_ascii_alphanumeric() || "._-@:[]%".contains(c));
    fit.then(|| text.to_owned())
        .ok_or_else(|| format!("`{text}` is no host for ssh; give HOST or USER@HOST"))
}

fn host_name(text: &str) -> Result<String, String> {
    let fit = !text.is_empty()
        && text.len() <= 253
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b".-_".contains(&b));
    fit.then(|| text.to_ascii_lowercase())
        .ok_or_else(|| format!("`{text}` is no host name; give one such as media.example.com"))
}

/// A location in the words of the Globalping network: at most four conditions and 128 characters.
fn location(text: &str) -> Result<String, String> {
    let fit = !text.trim().is_empty()
        && text.chars().count() <= 128
        && text.split('+').count() <= 4
        && !text.chars().any(char::is_control);
    fit.then(|| text.trim().to_owned()).ok_or_else(|| {
        format!("`{text}` is no location; give up to four words joined by +, such as frankfurt+datacenter-network")
    })
}

fn network(text: &str) -> Result<Network, String> {
    let read = || {
        let (address, prefix) = text.split_once('/')?;
        let (address, prefix) = (address.parse::<IpAddr>().ok()?, prefix.parse::<u8>().ok()?);
        let masked = match address {
            IpAddr::V4(v4) if prefix <= 32 => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                IpAddr::from((u32::from(v4) & mask).to_be_bytes())
            }
            IpAddr::V6(v6) if prefix <= 128 => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                IpAddr::from((u128::from(v6) & mask).to_be_bytes())
            }
            _ => return None,
        };
        Some(Network { address: masked, prefix })
    };
    read().ok_or_else(|| format!("`{}` is no network; give one such as 192.0.2.0/24", clean(text)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("192.0.2.77/24", Some("192.0.2.0/24"))]
    #[case("192.0.2.77/0", Some("0.0.0.0/0"))]
    #[case("192.0.2.77/32", Some("192.0.2.77/32"))]
    #[case("2001:db8:1:2::9/56", Some("2001:db8:1::/56"))]
    #[case("192.0.2.0/33", None)]
    #[case("192.0.2.0", None)]
    #[case("example/24", None)]
    fn bits_beyond_the_prefix_are_dropped(#[case] text: &str, #[case] expected: Option<&str>) {
        let read = network(text).ok().map(|it| format!("{}/{}", it.address, it.prefix));
        assert_eq!(read.as_deref(), expected);
    }

    #[rstest]
    #[case("bastion.example", true)]
    #[case("ops@203.0.113.9", true)]
    #[case("-oProxyCommand=x", false)]
    #[case("a b", false)]
    #[case("a;b", false)]
    #[case("", false)]
    fn hosts_that_ssh_could_misread_are_refused(#[case] text: &str, #[case] fit: bool) {
        assert_eq!(ssh_host(text).is_ok(), fit);
    }

    #[rstest]
    #[case("frankfurt+datacenter-network", true)]
    #[case("a+b+c+d+e", false)]
    #[case(" ", false)]
    #[case("a\u{1b}b", false)]
    fn locations_are_checked(#[case] text: &str, #[case] fit: bool) {
        assert_eq!(location(text).is_ok(), fit);
    }
}
