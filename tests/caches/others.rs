//! Varnish, Squid, Traffic Server and HAProxy, one cache in one process each.

use std::net::SocketAddr;

use super::cache::{Cache, Manner};
use super::program::{Part, Running, addresses, give, lab, user};

/// A cache that has a process to itself.
pub struct Alone {
    running: Option<Running>,
    pub cache: Cache,
    /// Files in shared memory that it may leave behind.
    shared: Option<String>,
    _lab: tempfile::TempDir,
}

impl Alone {
    fn new(running: Running, cache: Cache, lab: tempfile::TempDir) -> Self {
        Self { running: Some(running), cache, shared: None, _lab: lab }
    }

    pub fn id(&self) -> u32 {
        self.running.as_ref().expect("it runs").id()
    }
}

impl Drop for Alone {
    fn drop(&mut self) {
        drop(self.running.take());
        let Some(prefix) = &self.shared else { return };
        for entry in std::fs::read_dir("/dev/shm").into_iter().flatten().flatten() {
            if entry.file_name().to_string_lossy().starts_with(prefix.as_str()) {
                std::fs::remove_file(entry.path()).ok();
            }
        }
    }
}

fn one_address() -> SocketAddr {
    addresses(1)[0]
}

/// Varnish in front of `behind`: an origin, or a shield.
pub fn varnish(pop: &str, behind: &str) -> Alone {
    let (address, folder) = (one_address(), lab());
    let (host, port) = behind.rsplit_once(':').expect("a port");
    let lower = pop.to_ascii_lowercase();
    let vcl = format!(
        r#"vcl 4.1;
import std;
import purge;
backend behind {{ .host = "{host}"; .port = "{port}"; .connect_timeout = 2s; .first_byte_timeout = 20s; }}
sub vcl_recv {{
  if (req.method == "PURGE") {{ return (hash); }}
  if (req.method == "BAN") {{
    if (std.ban("obj.http.x-host == " + req.http.host + " && obj.http.x-url ~ ^" + req.http.X-Ban-Prefix)) {{
      return (synth(200, "Ban added"));
    }}
    return (synth(400, std.ban_error()));
  }}
}}
sub let_go {{
  if (req.http.X-Soft) {{ set req.http.X-Purged = purge.soft(0s); }} else {{ set req.http.X-Purged = purge.hard(); }}
}}
sub vcl_hit {{ if (req.method == "PURGE") {{ call let_go; return (synth(200, req.http.X-Purged)); }} }}
sub vcl_miss {{ if (req.method == "PURGE") {{ call let_go; return (synth(200, req.http.X-Purged)); }} }}
sub vcl_backend_response {{
  set beresp.http.x-url = bereq.url; set beresp.http.x-host = bereq.http.host;
  set beresp.ttl = 1h; set beresp.grace = 1h;
  return (deliver);
}}
sub vcl_deliver {{
  unset resp.http.x-url; unset resp.http.x-host;
  if (obj.hits > 0) {{ set resp.http.X-Cache = "HIT"; }} else {{ set resp.http.X-Cache = "MISS"; }}
  set resp.http.X-Served-By = "cache-{lower}0001-{pop}";
}}
"#
    );
    let file = folder.path().join("edge.vcl");
    std::fs::write(&file, vcl).expect("a file");
    let mut command = Part::Varnish.command();
    command.arg("-F").arg("-n").arg(folder.path().join("state")).arg("-f").arg(&file);
    command.args(["-a", &address.to_string(), "-s", "mem=malloc,16M"]);
    let running = Running::start(command, None, &folder.path().join("out.log"), &[address]);
    Alone::new(running, Cache::new(pop, address, Manner::Purge), folder)
}

/// Squid as an accelerator. It purges one variant at a time.
pub fn squid(pop: &str, origin: &str) -> Alone {
    let (address, folder) = (one_address(), lab());
    let (host, port) = origin.rsplit_once(':').expect("a port");
    let (lower, lab) = (pop.to_ascii_lowercase(), folder.path().display());
    let who = user("proxy");
    let effective = who.map_or("", |_| "cache_effective_user proxy");
    let config = format!(
        "http_port {address} accel defaultsite=res.cloudinary.com no-vhost
cache_peer {host} parent {port} 0 no-query originserver name=origin
acl PURGE method PURGE
acl here src 127.0.0.0/8
http_access allow PURGE here
http_access deny PURGE
http_access allow here
http_access deny all
never_direct allow all
visible_hostname squid-{lower}
pinger_enable off
cache_mem 16 MB
pid_filename none
access_log none
cache_store_log none
netdb_filename none
cache_log {lab}/cache.log
coredump_dir {lab}
shutdown_lifetime 0 seconds
{effective}
reply_header_access X-Served-By deny all
reply_header_add X-Served-By cache-{lower}0001-{pop}
"
    );
    let file = folder.path().join("squid.conf");
    std::fs::write(&file, config).expect("a file");
    if let Some(who) = who {
        give(folder.path(), who);
    }
    // the name keeps apart what several of them share in memory
    let name = format!("allclear{}p{}", std::process::id(), address.port());
    let mut command = Part::Squid.command();
    command.args(["-N", "-n", &name, "-f"]).arg(&file);
    let running = Running::start(command, None, &folder.path().join("out.log"), &[address]);
    let cache = Cache::new(pop, address, Manner::Purge);
    let mut squid = Alone::new(running, cache, folder);
    squid.shared = Some(name);
    squid
}

/// Traffic Server, which refuses to run as root.
pub fn traffic_server(pop: &str, origin: &str) -> Alone {
    let (address, folder) = (one_address(), lab());
    let lab = folder.path();
    for name in ["etc", "log", "run", "cache"] {
        std::fs::create_dir(lab.join(name)).expect("a folder");
    }
    let at = lab.display();
    let root = format!(
        "prefix: {at}\nexec_prefix: /usr\nbindir: /usr/bin\nsbindir: /usr/sbin\nsysconfdir: {at}/etc\n\
         datadir: {at}/cache\nincludedir: /usr/include\nlibdir: /usr/lib/trafficserver\n\
         libexecdir: /usr/lib/trafficserver/modules\nlocalstatedir: {at}/run\nruntimedir: {at}/run\n\
         logdir: {at}/log\ncachedir: {at}/cache\n"
    );
    let records = format!(
        "CONFIG proxy.config.http.server_ports STRING {port}:ip-in={ip}
CONFIG proxy.config.http.insert_response_via_str INT 2
CONFIG proxy.config.url_remap.pristine_host_hdr INT 1
CONFIG proxy.config.url_remap.remap_required INT 1
CONFIG proxy.config.reverse_proxy.enabled INT 1
CONFIG proxy.config.log.logging_enabled INT 0
CONFIG proxy.config.cache.ram_cache.size INT 8388608
CONFIG proxy.config.exec_thread.autoconfig INT 0
CONFIG proxy.config.exec_thread.limit INT 1
CONFIG proxy.config.crash_log_helper STRING NULL
CONFIG proxy.config.body_factory.template_sets_dir STRING /etc/trafficserver/body_factory
",
        port = address.port(),
        ip = address.ip(),
    );
    let here = "ip_allow:\n  - apply: in\n    ip_addrs: 127.0.0.0/8\n    action: allow\n    methods: ALL\n";
    let empty =
        ["plugin", "cache", "hosting", "volume", "parent", "splitdns", "ssl_multicert", "socks"];
    let empty = empty.iter().map(|name| (format!("etc/{name}.config"), String::new()));
    let files = [
        ("runroot.yaml", root),
        ("etc/records.config", records),
        ("etc/ip_allow.yaml", here.to_owned()),
        ("etc/remap.config", format!("map / http://{origin}/\n")),
        ("etc/storage.config", format!("{at}/cache 16M\n")),
    ];
    for (name, content) in
        files.map(|(name, content)| (name.to_owned(), content)).into_iter().chain(empty)
    {
        std::fs::write(lab.join(name), content).expect("a file");
    }
    let who = user("trafficserver");
    if let Some(who) = who {
        give(lab, who);
    }
    let mut command = Part::TrafficServer.command();
    command.arg(format!("--run-root={at}/runroot.yaml")).current_dir(lab);
    let running = Running::start(command, who, &lab.join("out.log"), &[address]);
    Alone::new(running, Cache::new(pop, address, Manner::Purge), folder)
}

/// HAProxy, which cannot purge: a copy stays for its time.
pub fn haproxy(pop: &str, origin: &str, seconds: u32) -> Alone {
    let (address, folder) = (one_address(), lab());
    let lower = pop.to_ascii_lowercase();
    let config = format!(
        "global
  maxconn 500
defaults
  mode http
  timeout connect 5s
  timeout client 20s
  timeout server 20s
cache edge
  total-max-size 16
  max-object-size 1000000
  max-age {seconds}
  process-vary on
frontend edge
  bind {address}
  http-request cache-use edge
  http-response cache-store edge
  http-response set-header X-Served-By cache-{lower}0001-{pop}
  default_backend origin
backend origin
  server origin {origin}
"
    );
    let file = folder.path().join("haproxy.cfg");
    std::fs::write(&file, config).expect("a file");
    let mut command = Part::Haproxy.command();
    command.arg("-db").arg("-f").arg(&file);
    let running = Running::start(command, None, &folder.path().join("out.log"), &[address]);
    Alone::new(running, Cache::new(pop, address, Manner::Never), folder)
}
