//! Any number of nginx edges in one process, each with a cache, an address and a code of its own.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use super::cache::{Cache, Manner};
use super::program::{NGINX_PURGE_MODULE, Part, Running, addresses, lab};

/// How one edge differs from the others.
#[derive(Debug, Clone)]
pub struct Edge {
    pop: &'static str,
    node: u8,
    /// Directives of its server.
    server: String,
    /// Directives of its location.
    location: String,
    upstream: &'static str,
}

impl Edge {
    pub fn new(pop: &'static str) -> Self {
        Self { pop, node: 1, server: String::new(), location: String::new(), upstream: "$origin" }
    }

    /// One of several nodes of a `PoP`.
    pub fn node(mut self, node: u8) -> Self {
        self.node = node;
        self
    }

    /// Takes copies from elsewhere than the origin: `$origin`, `$shield` or a variable of `server` directives.
    pub fn behind(mut self, upstream: &'static str) -> Self {
        self.upstream = upstream;
        self
    }

    pub fn server(mut self, directives: &str) -> Self {
        self.server += directives;
        self
    }

    pub fn location(mut self, directives: &str) -> Self {
        self.location += directives;
        self
    }
}

/// Edges in one process.
pub struct Nginx {
    running: Running,
    /// In the order of the edges.
    pub caches: Vec<Cache>,
    lab: tempfile::TempDir,
}

impl Nginx {
    /// `shield` is the edge whose address `$shield` stands for; `front` are the nodes (by position) that one more
    /// server hands its requests to at random, each time another.
    pub fn start(
        origin: &str,
        edges: &[Edge],
        shield: Option<usize>,
        front: &[usize],
    ) -> (Self, Option<SocketAddr>) {
        let count = u8::try_from(edges.len() + 1).expect("few edges");
        let mut addresses = addresses(count);
        let door = addresses.pop().filter(|_| !front.is_empty());
        let folder = lab();
        let shield = shield.map_or_else(|| origin.to_owned(), |at| addresses[at].to_string());
        let mut config = head(folder.path(), origin, &shield);
        for (edge, address) in edges.iter().zip(&addresses) {
            config += &server(folder.path(), edge, *address);
        }
        if let Some(door) = door {
            let nodes: String = front.iter().fold(String::new(), |mut nodes, at| {
                let _ = write!(nodes, "server {}; ", addresses[*at]);
                nodes
            });
            let _ = writeln!(
                config,
                "upstream nodes {{ random; {nodes}}}\nserver {{ listen {door}; location / {{ \
                 proxy_pass http://nodes; proxy_http_version 1.1; proxy_set_header Host $host; }} }}"
            );
        }
        config += "}\n";
        let file = folder.path().join("nginx.conf");
        std::fs::write(&file, config).expect("a file");
        std::fs::create_dir(folder.path().join("tmp")).expect("a folder");
        let mut command = Part::Nginx.command();
        command.arg("-p").arg(folder.path()).arg("-c").arg(&file);
        let listening: Vec<_> = addresses.iter().copied().chain(door).collect();
        let running = Running::start(command, None, &folder.path().join("out.log"), &listening);
        let cache =
            |(edge, address): (&Edge, &SocketAddr)| Cache::new(edge.pop, *address, Manner::Purge);
        let caches = edges.iter().zip(&addresses).map(cache).collect();
        (Self { running, caches, lab: folder }, door)
    }

    /// Edges that differ in nothing but their code.
    pub fn fleet(origin: &str, pops: &[&'static str]) -> Self {
        let edges: Vec<_> = pops.iter().map(|pop| Edge::new(pop)).collect();
        Self::start(origin, &edges, None, &[]).0
    }

    /// A switch that `server` directives can ask for with `-f $lab/NAME`.
    pub fn switch(&self, name: &str) -> PathBuf {
        self.lab.path().join(name)
    }

    /// Seconds at which allclear looked at the edge of a code, in order.
    pub fn looks(&self, pop: &str) -> Vec<f64> {
        self.seen(pop).into_iter().map(|(_, at)| at).collect()
    }

    /// Statuses with which the edge of a code answered allclear.
    pub fn answers(&self, pop: &str) -> Vec<u16> {
        self.seen(pop).into_iter().map(|(status, _)| status).collect()
    }

    fn seen(&self, pop: &str) -> Vec<(u16, f64)> {
        let log = std::fs::read_to_string(self.lab.path().join(format!("{pop}.log")));
        let line = |line: &str| {
            let mut words = line.split(' ');
            let (status, at, client) = (words.next()?, words.next()?, words.next()?);
            client.starts_with("allclear/").then_some((status.parse().ok()?, at.parse().ok()?))
        };
        log.expect("a log").lines().filter_map(line).collect()
    }

    pub fn id(&self) -> u32 {
        self.running.id()
    }
}

fn head(lab: &Path, origin: &str, shield: &str) -> String {
    let lab = lab.display();
    format!(
        r#"load_module {NGINX_PURGE_MODULE};
daemon off; master_process off; pid {lab}/nginx.pid; error_log {lab}/error.log warn;
events {{ worker_connections 2048; }}
http {{
  log_format short '$status $msec $http_user_agent';
  client_body_temp_path {lab}/tmp/b; proxy_temp_path {lab}/tmp/p;
  fastcgi_temp_path {lab}/tmp/f; uwsgi_temp_path {lab}/tmp/u; scgi_temp_path {lab}/tmp/s;
  map $http_accept $kind {{ default ""; "~image/avif" "|avif"; "~image/webp" "|webp"; }}
  map $request_method $is_head {{ default 0; HEAD 1; }}
  map $upstream_http_etag $bare_etag {{ default ""; "~^\"(?<tag>.*)\"$" $tag; }}
  map "" $origin {{ default "{origin}"; }}
  map "" $shield {{ default "{shield}"; }}
  map "" $lab {{ default "{lab}"; }}
"#
    )
}

fn server(lab: &Path, edge: &Edge, address: SocketAddr) -> String {
    let Edge { pop, node, server, location, upstream } = edge;
    let (lab, lower) = (lab.display(), pop.to_ascii_lowercase());
    let zone = format!("{lower}{node}");
    // the purge module crashes in its form for one and the same location; `$1` would be lost when `$kind` is looked up
    format!(
        r#"
  proxy_cache_path {lab}/{zone} levels=1:2 keys_zone={zone}:256k max_size=64m inactive=1h use_temp_path=off;
  server {{
    listen {address};
    access_log {lab}/{pop}.log short;
    {server}
    if ($request_method = PURGE) {{ rewrite ^(.*)$ /__purge$1 last; }}
    location / {{
      proxy_pass http://{upstream}; proxy_http_version 1.1; proxy_set_header Host $host;
      proxy_cache {zone}; proxy_cache_key $uri$is_args$args$kind;
      proxy_ignore_headers Cache-Control Expires Vary;
      proxy_cache_valid 200 301 302 1h; proxy_cache_valid 404 10m;
      add_header X-Cache $upstream_cache_status always;
      add_header X-Served-By "cache-{lower}{node:04}-{pop}" always;
      {location}
    }}
    location ~ ^/__purge(?<purged>/.*)$ {{
      internal; allow 127.0.0.0/8; deny all; proxy_cache_purge {zone} $purged$is_args$args$kind;
    }}
  }}
"#
    )
}
