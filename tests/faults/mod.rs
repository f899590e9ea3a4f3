//! What goes wrong between the program and the cloud: nothing hangs, nothing is repeated that must not be, and the
//! sentence says what became of which asset. What truly happened is read in the local cloud's own books.

mod answers;
mod calls;

use serde_json::Value;

use crate::support::cloud::CloudProcess;
use crate::support::home::Home;
use crate::support::http;
use crate::support::proxy::{Fate, Proxy, Request};

const HERO: &str = "press/2026/hero";
const ORIGINAL: &str = "/demo/image/upload/press/2026/hero.jpg";

/// A local cloud with its books open, and an operator who reaches it through a proxy.
struct Line {
    cloud: CloudProcess,
    proxy: Proxy,
    home: Home,
}

impl Line {
    fn with(fate: impl Fn(&Request) -> Fate + Send + Sync + 'static) -> Self {
        let flags = ["--assets", "20", "--edges", "2", "--propagation", "0s..200ms"];
        let cloud = CloudProcess::with_control("", &flags);
        let proxy = Proxy::before(cloud.api(), fate);
        let home = Home::new(&proxy.url(cloud.url()));
        Self { cloud, proxy, home }
    }

    /// Invalidations that the cloud accepted, by the call that asked for them.
    fn invalidations(&self, call: &str) -> usize {
        let books = http::get(&format!("{}/_local/invalidations", self.cloud.api()));
        let books: Value = serde_json::from_slice(&books.body).expect("JSON");
        let all = books["invalidations"].as_array().expect("a list").clone();
        all.iter().filter(|one| one["call"] == call).count()
    }

    /// Whether storage holds an image.
    fn holds(&self, id: &str) -> bool {
        self.cloud.at_origin(&format!("/demo/image/upload/{id}.jpg")).status == 200
    }
}
