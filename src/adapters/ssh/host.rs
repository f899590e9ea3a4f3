//! The hosts that we may look from, and how they are called.

use std::ffi::OsString;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use super::link::Link;
use crate::ports::clock::Clock;

/// Longest name of a host.
const MAX_NAME: usize = 255;

/// A host as `ssh` is given it: `bastion.example`, `ops@bastion.example`, `ssh://ops@[2001:db8::7]:2222`, or an
/// alias of the operator's own ssh configuration.
///
/// Never begins with `-`, in neither of its parts, so that it cannot be an option; holds nothing that a shell
/// behind a `ProxyCommand` could take for more than a name.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SshHost(String);

/// Why a text names no host for `ssh`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadSshHost {
    #[error("a host for ssh needs a name of 1 to {MAX_NAME} characters")]
    Length,
    #[error("a host for ssh may not begin with `-`")]
    Option,
    #[error("{found:?} cannot be part of a host for ssh")]
    Forbidden { found: char },
}

impl SshHost {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SshHost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for SshHost {
    type Err = BadSshHost;

    /// # Errors
    /// The first rule that `raw` breaks.
    fn from_str(raw: &str) -> Result<Self, BadSshHost> {
        if !(1..=MAX_NAME).contains(&raw.len()) {
            return Err(BadSshHost::Length);
        }
        let bare = raw.strip_prefix("ssh://").unwrap_or(raw);
        if bare.split('@').any(|part| part.starts_with('-')) {
            return Err(BadSshHost::Option);
        }
        if bare.split('@').any(str::is_empty) {
            return Err(BadSshHost::Length);
        }
        match bare.chars().find(|c| !c.is_ascii_alphanumeric() && !"-._@:[]+".contains(*c)) {
            Some(found) => Err(BadSshHost::Forbidden { found }),
            None => Ok(Self(raw.to_owned())),
        }
    }
}

/// How hosts are reached and what is started there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SshOptions {
    /// The `ssh` program, by name or path.
    pub program: OsString,
    /// What is started on the host. `ssh` hands the words to the shell there, joined by spaces: it is the
    /// operator's own text, and nothing of a request is ever part of it.
    pub command: Vec<String>,
    /// How long a connection may take, as `ssh -o ConnectTimeout` counts it.
    pub connect_timeout: Duration,
    /// How long the other end may take to say its greeting once it could be connected, and to answer anything at
    /// all while requests wait.
    pub patience: Duration,
    /// The first pause after a connection was lost or refused; doubles up to `longest_pause`.
    pub first_pause: Duration,
    pub longest_pause: Duration,
    /// Ask for addresses of the host itself and its private network as well; the other end must be started with
    /// `--local` to agree.
    pub local: bool,
}

impl Default for SshOptions {
    fn default() -> Self {
        Self {
            program: "ssh".into(),
            command: ["allclear", "probe", "--json", "--stdin"].map(str::to_owned).to_vec(),
            connect_timeout: Duration::from_secs(10),
            patience: Duration::from_secs(30),
            first_pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
            local: false,
        }
    }
}

/// Every host of a profile, with one connection each, shared by [`super::SshProber`] and [`super::SshPlaces`].
///
/// Nothing is started before the first request to a host. When the last user is dropped the children are ended.
pub struct SshHosts {
    links: Vec<Link>,
}

impl SshHosts {
    /// Hosts named twice are one.
    #[must_use]
    pub fn new(hosts: Vec<SshHost>, options: SshOptions, clock: &Arc<dyn Clock>) -> Self {
        let options = Arc::new(options);
        let mut links: Vec<Link> = Vec::with_capacity(hosts.len());
        for host in hosts {
            if links.iter().all(|link| *link.host() != host) {
                links.push(Link::new(host, Arc::clone(&options), Arc::clone(clock)));
            }
        }
        Self { links }
    }

    pub fn hosts(&self) -> impl Iterator<Item = &SshHost> {
        self.links.iter().map(Link::host)
    }

    pub(super) fn links(&self) -> &[Link] {
        &self.links
    }

    /// Only hosts of the profile are ever connected to, whatever a journal names.
    pub(super) fn link(&self, host: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.host().as_str() == host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("bastion")]
    #[case("ops@bastion.example")]
    #[case("ssh://ops@[2001:db8::7]:2222")]
    #[case("eu-1_a.example")]
    fn a_host_is_taken_as_it_is(#[case] raw: &str) {
        assert_eq!(raw.parse::<SshHost>().unwrap().as_str(), raw);
    }

    #[rstest]
    #[case("", BadSshHost::Length)]
    #[case("ssh://", BadSshHost::Length)]
    #[case("ops@", BadSshHost::Length)]
    #[case("-oProxyCommand=x", BadSshHost::Option)]
    #[case("ops@-oProxyCommand=x", BadSshHost::Option)]
    #[case("ssh://-x", BadSshHost::Option)]
    #[case("two words", BadSshHost::Forbidden { found: ' ' })]
    #[case("a\nb", BadSshHost::Forbidden { found: '\n' })]
    #[case("a`id`", BadSshHost::Forbidden { found: '`' })]
    #[case("$(id)", BadSshHost::Forbidden { found: '$' })]
    #[case("a;b", BadSshHost::Forbidden { found: ';' })]
    #[case("b\u{e9}", BadSshHost::Forbidden { found: '\u{e9}' })]
    fn what_ssh_could_take_for_more_than_a_name_is_refused(
        #[case] raw: &str,
        #[case] why: BadSshHost,
    ) {
        assert_eq!(raw.parse::<SshHost>(), Err(why));
    }

    #[test]
    fn a_name_has_an_end() {
        assert_eq!("a".repeat(256).parse::<SshHost>(), Err(BadSshHost::Length));
    }
}
