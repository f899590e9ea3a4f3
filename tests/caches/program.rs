//! Programs that others wrote: found, started in the foreground, remembered by process ID and ended by it.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// A program that is not up after this long will not be.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long a program may take to end by itself.
const GRACE: Duration = Duration::from_secs(3);

/// A part that may be missing on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    Nginx,
    Varnish,
    Squid,
    TrafficServer,
    Haproxy,
}

impl Part {
    pub const ALL: [Self; 5] =
        [Self::Nginx, Self::Varnish, Self::Squid, Self::TrafficServer, Self::Haproxy];

    const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Varnish => "varnish",
            Self::Squid => "squid",
            Self::TrafficServer => "trafficserver",
            Self::Haproxy => "haproxy",
        }
    }

    const fn program(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Varnish => "varnishd",
            Self::Squid => "squid",
            Self::TrafficServer => "traffic_server",
            Self::Haproxy => "haproxy",
        }
    }

    const fn packages(self) -> &'static str {
        match self {
            Self::Nginx => "nginx-light libnginx-mod-http-cache-purge",
            other => other.name(),
        }
    }

    fn path(self) -> Option<PathBuf> {
        let folders = ["/usr/sbin", "/usr/bin", "/usr/local/sbin", "/usr/local/bin"];
        let found = folders.iter().map(|folder| Path::new(folder).join(self.program()));
        let found = found.into_iter().find(|path| path.exists())?;
        let whole = self != Self::Nginx || Path::new(NGINX_PURGE_MODULE).exists();
        whole.then_some(found)
    }

    /// Whether it can be started here; says so where it cannot.
    pub fn is_there(self) -> bool {
        if self.path().is_some() {
            return true;
        }
        let (name, packages) = (self.name(), self.packages());
        let advice = format!("install the Debian packages {packages}");
        assert!(std::env::var_os("ALLCLEAR_REQUIRE_ALL").is_none(), "{name} is required: {advice}");
        println!("without {name}: {advice}");
        false
    }

    pub fn command(self) -> Command {
        let mut command = Command::new(self.path().expect("asked for before"));
        command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin"); // varnishd compiles with gcc
        command
    }
}

/// Purges that a request can ask for.
pub const NGINX_PURGE_MODULE: &str = "/usr/lib/nginx/modules/ngx_http_cache_purge_module.so";

/// A folder that every user may read, for one program.
pub fn lab() -> tempfile::TempDir {
    let folder = tempfile::Builder::new().prefix("allclear-").tempdir().expect("a folder");
    let readable = std::fs::Permissions::from_mode(0o755);
    std::fs::set_permissions(folder.path(), readable).expect("our own folder");
    folder
}

/// User and group of this name in the machine's list, where we may act as others.
pub fn user(name: &str) -> Option<(u32, u32)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
    let mut numbers = line.split(':').skip(2).map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

/// Gives a folder and all that is in it to a user.
pub fn give(folder: &Path, (uid, gid): (u32, u32)) {
    chown(folder, Some(uid), Some(gid)).expect("root may");
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            give(&path, (uid, gid));
        } else {
            chown(path, Some(uid), Some(gid)).expect("root may");
        }
    }
}

/// Addresses on loopback that nobody else in this or another process of ours has: `127.A.B.1` and on.
pub fn addresses(count: u8) -> Vec<SocketAddr> {
    static TAKEN: AtomicU16 = AtomicU16::new(0);
    let taken = TAKEN.fetch_add(1, Ordering::Relaxed);
    let process = u16::try_from(std::process::id() % 0x1000).expect("twelve bits");
    // four bits of the process are in the third byte, the other eight in the second
    let second = 16 + u8::try_from(process % 0x60).expect("under a byte");
    let third = u8::try_from((process / 0x60 * 32 + taken) % 256).expect("a byte");
    let ip = |n: u8| IpAddr::V4(Ipv4Addr::new(127, second, third, n));
    let probe = TcpListener::bind((ip(1), 0)).expect("loopback has room");
    let port = probe.local_addr().expect("an address").port();
    (1..=count).map(|n| SocketAddr::new(ip(n), port)).collect()
}

/// A program that runs; dropping it ends it.
pub struct Running {
    child: Child,
    what: String,
}

impl Running {
    /// Starts `command` as `user` and waits until all of `addresses` take connections.
    pub fn start(
        mut command: Command,
        user: Option<(u32, u32)>,
        log: &Path,
        addresses: &[SocketAddr],
    ) -> Self {
        if let Some((uid, gid)) = user {
            command.uid(uid).gid(gid);
        }
        let file = || {
            Stdio::from(
                std::fs::File::options().append(true).create(true).open(log).expect("a log"),
            )
        };
        command.stdin(Stdio::null()).stdout(file()).stderr(file());
        let what = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().unwrap_or_else(|why| panic!("{what}: {why}"));
        let mut running = Self { child, what };
        running.wait_for(addresses, log);
        running
    }

    fn wait_for(&mut self, addresses: &[SocketAddr], log: &Path) {
        let started = Instant::now();
        for address in addresses {
            while TcpStream::connect(address).is_err() {
                let said = || std::fs::read_to_string(log).unwrap_or_default();
                let ended = self.child.try_wait().expect("our own child");
                assert!(ended.is_none(), "{} ended with {ended:?}:\n{}", self.what, said());
                let late = started.elapsed() > PATIENCE;
                assert!(!late, "{} does not listen at {address}:\n{}", self.what, said());
                std::thread::sleep(Duration::from_millis(20));
            }
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether a process is there, and not only waits to be taken note of.
    pub fn lives(pid: u32) -> bool {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit(')')
            .next()
            .is_some_and(|rest| !rest.is_empty() && !rest.trim_start().starts_with(['Z', 'X']))
    }

    /// Processes that a process has started.
    pub fn children(pid: u32) -> Vec<u32> {
        let list = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
        list.unwrap_or_default().split_whitespace().filter_map(|pid| pid.parse().ok()).collect()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).ok();
        let asked = Instant::now();
        while asked.elapsed() < GRACE {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
