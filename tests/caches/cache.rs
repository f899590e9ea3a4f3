//! One real cache, as a purger and an eye-witness know it.

use std::net::SocketAddr;

use crate::support::http::{self, Reply};

/// The delivery host that every cache is asked for, as allclear asks it.
pub const HOST: &str = "res.cloudinary.com";
/// The headers that caches key variants by: none, `WebP`, `AVIF`.
pub const ACCEPTS: [&str; 3] = ["", "image/webp", "image/avif,image/webp"];

/// How a cache lets go of a copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// `PURGE`, for each kind of `Accept`.
    Purge,
    /// One `PURGE`, by somebody who knows nothing of variants.
    Bare,
    /// `PURGE` that only marks the copy as stale: it is served once more while a new one is fetched.
    Soft,
    /// `BAN` of everything that begins with the path.
    Ban,
    /// `PURGE` under another host name, which is carried out and answered with 200, and changes nothing.
    WrongHost,
    /// `PURGE` is sent, and the cache does not know it.
    Never,
}

/// A cache at an address of its own.
#[derive(Debug, Clone)]
pub struct Cache {
    /// Code of the `PoP` that it says it is.
    pub pop: String,
    pub address: SocketAddr,
    pub manner: Manner,
}

impl Cache {
    pub fn new(pop: &str, address: SocketAddr, manner: Manner) -> Self {
        Self { pop: pop.to_owned(), address, manner }
    }

    pub fn with(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }

    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Reply {
        self.try_ask(method, path, headers)
            .unwrap_or_else(|why| panic!("{method} {path} at {}: {why}", self.pop))
    }

    fn try_ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> std::io::Result<Reply> {
        let host = headers.iter().all(|(name, _)| *name != "Host").then_some(("Host", HOST));
        let headers: Vec<_> = host.into_iter().chain(headers.iter().copied()).collect();
        http::ask(&self.address.to_string(), method, path, &headers, "")
    }

    /// What a viewer with this `Accept` gets.
    pub fn view(&self, path: &str, accept: &str) -> Reply {
        if accept.is_empty() {
            self.ask("GET", path, &[])
        } else {
            self.ask("GET", path, &[("Accept", accept)])
        }
    }

    /// Tells it to let go of a path, in its manner. Answers are only looked at where they must be 200.
    pub fn purge(&self, path: &str) {
        let answers: Vec<Reply> = match self.manner {
            Manner::Purge | Manner::Never => {
                let purge = |accept: &&str| self.ask("PURGE", path, &[("Accept", accept)]);
                ACCEPTS.iter().map(purge).collect()
            }
            Manner::Bare => vec![self.ask("PURGE", path, &[])],
            Manner::Soft => vec![self.ask("PURGE", path, &[("X-Soft", "1")])],
            Manner::Ban => vec![self.ask("BAN", path, &[("X-Ban-Prefix", path)])],
            Manner::WrongHost => vec![self.ask("PURGE", path, &[("Host", "media.example")])],
        };
        for answer in answers {
            let fits = match self.manner {
                Manner::Never => answer.status == 405,
                Manner::Ban => answer.status == 200,
                // 404: there was nothing to purge
                Manner::Purge | Manner::Bare | Manner::Soft | Manner::WrongHost => {
                    matches!(answer.status, 200 | 404)
                }
            };
            assert!(fits, "{:?} of {path} at {}: {answer:?}", self.manner, self.pop);
        }
    }
}
