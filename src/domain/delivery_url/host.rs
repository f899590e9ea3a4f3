//! Hosts that deliver a cloud (facts §4.1).

use super::{DeliveryHost, DeliveryUrl};
use crate::domain::account::Account;

const SHARED: &str = "res.cloudinary.com";
const DOMAIN: &str = ".cloudinary.com";
const VENDOR_PINNED: [&str; 3] = ["resa", "resc", "resf"];
const LEGACY_SHARED: [&str; 2] = ["cloudinary-a.akamaihd.net", "d3jpl91pxevbkh.cloudfront.net"];

/// What an authority turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Authority {
    /// The cloud's name is the first segment of the path.
    CloudInPath(DeliveryHost),
    /// The host names the cloud.
    CloudInHost {
        cloud: String,
        host: DeliveryHost,
    },
    /// A name of the customer's, with or without the cloud in the path.
    Own(String),
    Foreign,
}

/// Whether `authority` (`host` or `host:port`) is known to deliver `account`, or any cloud at all.
#[must_use]
pub fn is_delivery_authority(authority: &str, account: &Account) -> bool {
    classify(&authority.to_ascii_lowercase(), account) != Authority::Foreign
}

/// Whether `host` is one of the shared hosts that are pinned to one CDN vendor (facts §4.1).
#[must_use]
pub fn is_vendor_pinned(host: &str) -> bool {
    let name = host.strip_suffix(DOMAIN);
    name.is_some_and(|name| VENDOR_PINNED.contains(&name))
}

/// What the lower-case `authority` is for `account`.
pub(super) fn classify(authority: &str, account: &Account) -> Authority {
    if is_local(authority, account) {
        return Authority::CloudInPath(DeliveryHost::Shared);
    }
    let host = without_default_port(authority);
    if let Some(known) = well_known(host) {
        return known;
    }
    if is_own(host, account) || is_own(authority, account) {
        return Authority::Own(host.to_owned());
    }
    Authority::Foreign
}

fn is_local(authority: &str, account: &Account) -> bool {
    let numeric = authority.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    account.is_local_authority(authority)
        || numeric.is_some_and(|authority| account.is_local_authority(&authority))
}

/// What the host of a request is, for a server: as [`classify`], but whatever port it names, and every name outside
/// the service's domains is the customer's own. Addresses and `localhost` are the server's own name.
pub(super) fn classify_at_server(host: &str) -> Authority {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let name = name.to_ascii_lowercase();
    let is_address = name.starts_with('[') || name.parse::<std::net::IpAddr>().is_ok();
    if let Some(known) = well_known(&name) {
        known
    } else if is_address || name == "localhost" || name.is_empty() || name.ends_with(DOMAIN) {
        Authority::Foreign
    } else {
        Authority::Own(name)
    }
}

fn without_default_port(authority: &str) -> &str {
    authority.strip_suffix(":443").or_else(|| authority.strip_suffix(":80")).unwrap_or(authority)
}

/// Names under the service's own domains.
fn well_known(host: &str) -> Option<Authority> {
    if LEGACY_SHARED.contains(&host) {
        return Some(Authority::CloudInPath(DeliveryHost::LegacyShared(host.to_owned())));
    }
    let name = host.strip_suffix(DOMAIN)?;
    if name == "res" {
        return Some(Authority::CloudInPath(DeliveryHost::Shared));
    }
    if VENDOR_PINNED.contains(&name) {
        return Some(Authority::CloudInPath(DeliveryHost::VendorPinned(name.to_owned())));
    }
    if let Some(shard) = name.strip_prefix("res-").and_then(shard_number) {
        return Some(Authority::CloudInPath(DeliveryHost::Shard(shard)));
    }
    let private = |cloud: &str, host| {
        let cloud = cloud.to_owned();
        (!cloud.is_empty() && !cloud.contains('.'))
            .then_some(Authority::CloudInHost { cloud, host })
    };
    if let Some(cloud) = name.strip_suffix("-res") {
        return private(cloud, DeliveryHost::Private);
    }
    let (cloud, shard) = name.rsplit_once("-res-")?;
    private(cloud, DeliveryHost::PrivateShard(shard_number(shard)?))
}

fn shard_number(text: &str) -> Option<u8> {
    matches!(text, "1" | "2" | "3" | "4" | "5").then(|| text.as_bytes()[0] - b'0')
}

/// One of the account's own names, or its shard `a1.` to `a5.`.
fn is_own(host: &str, account: &Account) -> bool {
    let unsharded = host
        .split_once('.')
        .and_then(|(shard, rest)| shard_number(shard.strip_prefix('a')?).map(|_| rest));
    let is_listed = |host: &str| account.own_hosts.iter().any(|own| own.eq_ignore_ascii_case(host));
    is_listed(host) || unsharded.is_some_and(is_listed)
}

impl DeliveryHost {
    /// The host name for `cloud_name`; at a local cloud the name that probes send as `Host`.
    #[must_use]
    pub fn name(&self, cloud_name: &str) -> String {
        match self {
            Self::Shared => SHARED.to_owned(),
            Self::Shard(shard) => format!("res-{shard}{DOMAIN}"),
            Self::Private => format!("{cloud_name}-res{DOMAIN}"),
            Self::PrivateShard(shard) => format!("{cloud_name}-res-{shard}{DOMAIN}"),
            Self::VendorPinned(name) => format!("{name}{DOMAIN}"),
            Self::LegacyShared(host) | Self::Custom { host, .. } => host.clone(),
            Self::Web { authority, .. } => authority.clone(),
        }
    }

    /// Whether the path begins with the cloud's name.
    #[must_use]
    pub const fn has_cloud_in_path(&self) -> bool {
        match self {
            Self::Private | Self::PrivateShard(_) | Self::Web { .. } => false,
            Self::Custom { cloud_in_path, .. } => *cloud_in_path,
            Self::Shared | Self::Shard(_) | Self::VendorPinned(_) | Self::LegacyShared(_) => true,
        }
    }
}

impl DeliveryUrl {
    /// The host of the URL, as `Host` and SNI name it.
    #[must_use]
    pub fn host_name(&self) -> String {
        self.host.name(&self.cloud_name)
    }
}
