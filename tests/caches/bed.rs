//! A cloud, real caches in front of its origin, what purges them, and an operator whose places are these caches.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{BufRead as _, BufReader, Lines};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Child, ChildStdout};
use std::sync::{Arc, Mutex};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use serde_json::Value;
use sha1::{Digest as _, Sha1};

use super::cache::{ACCEPTS, Cache, HOST};
use super::fan_out::{Arrival, FanOut, Known, Purged};
use crate::support::cloud::CloudProcess;
use crate::support::home::{Home, Ran};
use crate::support::http::{self, Reply};

/// A cloud of which only storage, API and books are used: its own edge is looked at by nobody.
pub fn cloud(flags: &[&str]) -> CloudProcess {
    let usual = ["--edges", "1", "--propagation", "0s..0s", "--traffic", "0"];
    CloudProcess::with_control("", &[&usual[..], flags].concat())
}

/// Host and port of its origin.
pub fn origin(cloud: &CloudProcess) -> String {
    cloud.text("origin").strip_prefix("http://").expect("plain HTTP").to_owned()
}

/// A file that was uploaded for a test.
#[derive(Debug, Clone)]
pub struct Stored {
    pub id: String,
    /// The paths that deliver it: with its version, without, and with `v1`.
    pub paths: Vec<String>,
}

impl Stored {
    /// The path without a version.
    pub fn path(&self) -> &str {
        &self.paths[1]
    }
}

/// Everything that one test needs. What is dropped first ends first.
pub struct Bed {
    home: Home,
    config: String,
    fan_out: FanOut,
    known: Known,
    pub cloud: CloudProcess,
    caches: Vec<Cache>,
}

impl Bed {
    /// `places` are what allclear looks at, by name; `caches` what is purged and asked for the truth. An edge
    /// hears of invalidation N after `delays(edge, N)`, or never.
    pub fn new(
        cloud: CloudProcess,
        places: &[(String, String)],
        caches: Vec<Cache>,
        delays: impl Fn(&Cache, u64) -> Arrival + Send + Sync + 'static,
    ) -> Self {
        let home = Home::new("");
        let mut config = format!(
            "[profiles.bed]\ncloudinary_url = \"{}\"\nrisk = \"local\"\nconfirm_above = 100000\nverify_full_max = 60\n\n\
             [profiles.bed.places]\nhere = false\n\n[profiles.bed.edges]\n",
            cloud.url()
        );
        for (name, address) in places {
            let _ = writeln!(config, "{name} = \"{address}\"");
        }
        let file = home.file("config.toml", config.as_bytes());
        let ours = std::fs::Permissions::from_mode(0o600);
        std::fs::set_permissions(&file, ours).expect("our own file");
        let known: Known = Arc::new(Mutex::new(HashMap::new()));
        let fan_out = FanOut::start(cloud.api(), &caches, &known, Arc::new(delays));
        Self { home, config: file, fan_out, known, cloud, caches }
    }

    /// All caches are places, each under its code.
    pub fn of_caches(
        cloud: CloudProcess,
        caches: Vec<Cache>,
        delays: impl Fn(&Cache, u64) -> Arrival + Send + Sync + 'static,
    ) -> Self {
        let places: Vec<_> =
            caches.iter().map(|cache| (cache.pop.clone(), plain(cache.address))).collect();
        Self::new(cloud, &places, caches, delays)
    }

    /// Uploads a text file as any client would; the fan-out knows where it is delivered.
    pub fn upload(&self, id: &str, content: &str) -> Stored {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
        let signed = format!("public_id={id}&timestamp={now}{}", self.cloud.text("api_secret"));
        let signature = hex::encode(Sha1::digest(signed));
        let data = base64::engine::general_purpose::URL_SAFE.encode(content);
        let data = data.replace('-', "%2B").replace('_', "%2F").replace('=', "%3D");
        let key = self.cloud.text("api_key");
        let form = format!(
            "public_id={id}&timestamp={now}&api_key={key}&signature={signature}&file=data:text/plain;base64,{data}"
        );
        let api = self.cloud.api().strip_prefix("http://").expect("plain HTTP");
        let headers = [("Host", api), ("Content-Type", "application/x-www-form-urlencoded")];
        let reply =
            http::ask(api, "POST", "/v1_1/demo/raw/upload", &headers, &form).expect("an answer");
        let told: Value = serde_json::from_slice(&reply.body).expect("JSON");
        let version = told["version"].as_u64().unwrap_or_else(|| panic!("{told}"));
        let base = "/demo/raw/upload";
        let paths =
            [format!("{base}/v{version}/{id}"), format!("{base}/{id}"), format!("{base}/v1/{id}")];
        let stored = Stored { id: id.to_owned(), paths: paths.to_vec() };
        self.purges(id, &stored.paths);
        stored
    }

    /// The fan-out purges these paths when it hears of this asset.
    pub fn purges(&self, id: &str, paths: &[String]) {
        let mut known = self.known.lock().expect("no panic");
        known.entry(id.to_owned()).or_default().extend_from_slice(paths);
    }

    /// The paths under which the cloud delivers an asset of its library, for the fan-out as well.
    pub fn paths_of(&self, id: &str, kind: &str) -> Vec<String> {
        let shown = self.run(&["show", id, "--resource-type", kind, "--json"]).expect(0).json();
        let url =
            |shown: &Value| crate::support::cloud::path_of(shown["url"].as_str().expect("a URL"));
        let paths: Vec<_> = shown["urls"].as_array().expect("URLs").iter().map(url).collect();
        self.purges(id, &paths);
        paths
    }

    /// Viewers ask every cache for these paths, until each holds a copy.
    pub fn warm(&self, paths: &[String], accepts: &[&str]) {
        for cache in &self.caches {
            for path in paths {
                for accept in accepts {
                    cache.view(path, accept);
                    cache.view(path, accept);
                }
            }
        }
    }

    pub fn run(&self, arguments: &[&str]) -> Ran {
        self.home.run(&self.with_profile(arguments))
    }

    pub fn spawn(&self, arguments: &[&str]) -> Child {
        self.home.spawn(&self.with_profile(arguments))
    }

    fn with_profile<'a>(&'a self, arguments: &[&'a str]) -> Vec<&'a str> {
        let profile = ["--config", self.config.as_str(), "--profile", "bed"];
        arguments.iter().copied().chain(profile).collect()
    }

    /// `allclear replace` of an uploaded file.
    pub fn replace(&self, stored: &Stored, content: &str, more: &[&str]) -> Ran {
        let order = self.replacing(stored, content);
        let order: Vec<&str> =
            order.iter().map(String::as_str).chain(more.iter().copied()).collect();
        self.run(&order)
    }

    /// The words of [`Bed::replace`].
    pub fn replacing(&self, stored: &Stored, content: &str) -> Vec<String> {
        let file = self.home.file(&stored.id.replace('/', "-"), content.as_bytes());
        ["replace", &stored.id, &file, "--resource-type", "raw", "--yes", "--json"]
            .map(str::to_owned)
            .to_vec()
    }

    pub fn purge(&self, stored: &Stored, more: &[&str]) -> Ran {
        let order = ["purge", &stored.id, "--resource-type", "raw", "--yes", "--json"];
        self.run(&[&order[..], more].concat())
    }

    pub fn cache(&self, pop: &str) -> &Cache {
        self.caches.iter().find(|cache| cache.pop == pop).expect("a code of a cache")
    }

    /// What is in storage, past every cache.
    pub fn truth(&self, path: &str, accept: &str) -> Reply {
        let origin = origin(&self.cloud);
        http::ask(&origin, "GET", path, &[("Host", HOST), ("Accept", accept)], "")
            .expect("an answer")
    }

    /// Codes of the caches that serve something else than storage holds.
    pub fn outdated(&self, paths: &[String], accepts: &[&str]) -> Vec<String> {
        let mut found = Vec::new();
        for (path, accept) in
            paths.iter().flat_map(|path| accepts.iter().map(move |accept| (path, accept)))
        {
            let truth = self.truth(path, accept);
            for cache in &self.caches {
                let served = cache.view(path, accept);
                let same = served.status == truth.status
                    && (truth.status != 200 || served.body == truth.body);
                if !same && !found.contains(&cache.pop) {
                    found.push(cache.pop.clone());
                }
            }
        }
        found
    }

    /// An all clear that is true: every cache serves what storage holds, and was told before it was said.
    pub fn truly_clear(&self, ran: &Ran, paths: &[String]) {
        self.truly_clear_by(&ran.outcome(), paths);
    }

    /// As [`Bed::truly_clear`], of an outcome.
    pub fn truly_clear_by(&self, outcome: &Value, paths: &[String]) {
        let said = Instant::now();
        assert_eq!(outcome["outcome"], "all_clear", "{outcome}");
        assert_eq!(self.outdated(paths, &ACCEPTS), Vec::<String>::new(), "{outcome}");
        let late: Vec<_> = self.purged().into_iter().filter(|purged| purged.at > said).collect();
        assert!(late.is_empty(), "all clear was said before {late:?}");
    }

    /// What was purged so far.
    pub fn purged(&self) -> Vec<Purged> {
        self.fan_out.purged()
    }
}

/// A pinned edge without TLS, as a profile writes it.
pub fn plain(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// No all clear was said, and these places are named as the ones that are not clear.
pub fn not_clear_at(ran: &Ran, pops: &[&str]) {
    assert_eq!(ran.code, Some(3), "{}\n{}", ran.stdout, ran.stderr);
    assert!(!ran.stdout.contains("all_clear"), "{}", ran.stdout);
    let outcome = ran.outcome();
    let open = outcome["not_clear"].as_array().expect("a list").iter();
    let places: std::collections::BTreeSet<_> =
        open.map(|cell| cell["place"].as_str().expect("a name")).collect();
    assert_eq!(places.into_iter().collect::<Vec<_>>(), pops, "{outcome}");
}

/// Reasons that were given at a place, in their order, each once.
pub fn reasons(ran: &Ran, place: &str) -> Vec<String> {
    let mut reasons = Vec::new();
    for seen in ran.named("sighting").iter().filter(|seen| seen["place"] == place) {
        let reason = seen["reason"].as_str().expect("a word").to_owned();
        if !reasons.contains(&reason) {
            reasons.push(reason);
        }
    }
    reasons
}

/// A command that is followed while it runs.
pub struct Stream {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Stream {
    pub fn of(mut child: Child) -> Self {
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, lines }
    }

    /// The next event of this name that fits; it must come before the outcome, unless it is the outcome.
    pub fn next(&mut self, event: &str, fits: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.lines.next().expect("it goes on").expect("UTF-8");
            let told: Value = serde_json::from_str(&line).expect("JSON");
            if told["event"] == event && fits(&told) {
                return told;
            }
            assert_ne!(told["event"], "outcome", "no {event} came: {told}");
        }
    }

    /// As if the operator pressed Ctrl-C.
    pub fn interrupt(&self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it runs");
    }

    /// Its exit code, when it has ended by itself.
    pub fn code(mut self) -> Option<i32> {
        self.child.wait().expect("our child").code()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.child.kill().ok(); // it has ended, unless the test failed
        self.child.wait().ok();
    }
}
