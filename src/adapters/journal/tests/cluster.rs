//! A PostgreSQL server of our own: on a free loopback port, in a folder of its own, as a user that is not root. It is
//! stopped by its own process ID when whoever started it lets go of it or dies, however that happens.

use std::io::Write as _;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A server that is not up after this long will not be.
const PATIENCE: Duration = Duration::from_secs(60);
/// The role that owns everything, and its password, which nothing may ever show.
pub const ROLE: &str = "team";
pub const PASSWORD: &str = "hush-hush";

/// Runs a server until its standard input ends, then stops it and takes its folder away. `$1` the program, `$2` the
/// folder, `$3` the port.
const KEEPER: &str = r#"
"$1" -D "$2/data" -c listen_addresses=127.0.0.1 -c port="$3" -c unix_socket_directories= -c fsync=off \
  -c max_connections=200 -c shared_buffers=16MB -c log_min_messages=warning >"$2/log" 2>&1 </dev/null &
server=$!
echo "$server"
read -r _
kill -QUIT "$server" 2>/dev/null
wait "$server"
[ -e "$2/keep" ] || rm -rf "$2"
"#;

/// A server that runs.
pub struct Cluster {
    keeper: Child,
    folder: PathBuf,
    pid: i32,
    port: u16,
}

impl Cluster {
    /// Makes and starts one; `None` where PostgreSQL is not installed, which is said.
    pub fn start() -> Option<Self> {
        let programs = programs()?;
        let folder =
            std::env::temp_dir().join(format!("allclear-pg-{}", uuid::Uuid::now_v7().simple()));
        std::fs::create_dir(&folder).expect("a folder");
        let secret = folder.join("password");
        std::fs::write(&secret, PASSWORD).expect("our own folder");
        give(&[&folder, &secret]);
        let mut command = as_nobody(&programs.join("initdb"));
        command.arg("-D").arg(folder.join("data")).arg("--pwfile").arg(&secret);
        // texts sort as in a language here, so that nothing relies on their bytes by chance
        command.args([
            "-U",
            ROLE,
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--no-sync",
            "--locale=C.UTF-8",
        ]);
        command.args(["--locale-provider=icu", "--icu-locale=en"]);
        let made = command.output().expect("initdb runs");
        assert!(made.status.success(), "initdb: {}", String::from_utf8_lossy(&made.stderr));
        Some(Self::run(&programs, folder))
    }

    fn run(programs: &Path, folder: PathBuf) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").expect("loopback has room");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        Self::run_at(programs, folder, port)
    }

    fn run_at(programs: &Path, folder: PathBuf, port: u16) -> Self {
        let mut command = as_nobody(Path::new("/bin/sh"));
        command.args(["-c", KEEPER, "keeper"]).arg(programs.join("postgres")).arg(&folder);
        let mut keeper = command
            .arg(port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a shell runs");
        let mut told = std::io::BufReader::new(keeper.stdout.take().expect("piped"));
        let mut line = String::new();
        std::io::BufRead::read_line(&mut told, &mut line).expect("it tells a process ID");
        let pid = line.trim().parse().expect("a process ID");
        let cluster = Self { keeper, folder, pid, port };
        cluster.wait_until_up();
        cluster
    }

    fn wait_until_up(&self) {
        let (ready, since) = (programs().expect("it runs").join("pg_isready"), Instant::now());
        let port = self.port.to_string();
        loop {
            let asked = Command::new(&ready).args(["-q", "-h", "127.0.0.1", "-p", &port]).status();
            if asked.is_ok_and(|status| status.success()) {
                return;
            }
            let log = || std::fs::read_to_string(self.folder.join("log")).unwrap_or_default();
            assert!(since.elapsed() < PATIENCE, "PostgreSQL is not up: {}", log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// URL of a database of it, with the password.
    pub fn url(&self, database: &str) -> String {
        url_at(self.address(), database)
    }

    /// Makes an empty database.
    pub fn make(&self, database: &str) {
        self.ask("postgres", &format!("CREATE DATABASE {database}"));
    }

    /// What `psql` prints for a statement, without headings.
    pub fn ask(&self, database: &str, statement: &str) -> String {
        let asked = Command::new(programs().expect("it runs").join("psql"))
            .env("PGPASSWORD", PASSWORD)
            .args([
                "-q",
                "-h",
                "127.0.0.1",
                "-p",
                &self.port.to_string(),
                "-U",
                ROLE,
                "-d",
                database,
                "-At",
            ])
            .args(["-c", statement])
            .output()
            .expect("psql runs");
        assert!(asked.status.success(), "psql: {}", String::from_utf8_lossy(&asked.stderr));
        String::from_utf8_lossy(&asked.stdout).trim().to_owned()
    }

    /// A new empty database.
    pub fn fresh(&self) -> String {
        let database = format!("t{}", uuid::Uuid::now_v7().simple());
        self.make(&database);
        self.url(&database)
    }

    /// Has the server speak TLS with a certificate of its own, from the next connection on.
    #[allow(dead_code, reason = "not every suite needs it")]
    pub fn speak_tls(&mut self, certificate: &Path, key: &Path) {
        let data = self.folder.join("data");
        for (from, to) in [(certificate, "server.crt"), (key, "server.key")] {
            std::fs::copy(from, data.join(to)).expect("a file");
            give(&[&data.join(to)]);
        }
        self.ask("postgres", "ALTER SYSTEM SET ssl = on");
        self.ask("postgres", "SELECT pg_reload_conf()");
        let since = Instant::now();
        while self.ask("postgres", "SHOW ssl") != "on" {
            assert!(since.elapsed() < PATIENCE, "it does not speak TLS");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Kills the server as if its host had died, and waits until nobody answers.
    pub fn kill(&mut self) {
        std::fs::write(self.folder.join("keep"), "").expect("our own folder");
        let children = format!("/proc/{0}/task/{0}/children", self.pid);
        let children = std::fs::read_to_string(children).expect("it runs");
        let children = children.split_whitespace().map(|pid| pid.parse().expect("a process ID"));
        let all = std::iter::once(self.pid).chain(children).collect::<Vec<i32>>();
        for pid in &all {
            let pid = rustix::process::Pid::from_raw(*pid).expect("a process ID");
            rustix::process::kill_process(pid, rustix::process::Signal::KILL).ok(); // it may have ended
        }
        self.keeper.stdin.take();
        self.keeper.wait().expect("our own child");
        while all.iter().any(|pid| is_there(*pid)) {
            std::thread::sleep(Duration::from_millis(10)); // memory that they share keeps a new one from starting
        }
        while TcpStream::connect(self.address()).is_ok() {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Starts a killed server again, at the same address.
    pub fn revive(&mut self) {
        std::fs::remove_file(self.folder.join("keep")).expect("it was killed");
        std::fs::remove_file(self.folder.join("data/postmaster.pid")).ok();
        let again = Self::run_at(&programs().expect("it ran"), self.folder.clone(), self.port);
        let mut again = std::mem::ManuallyDrop::new(again);
        std::mem::swap(&mut self.keeper, &mut again.keeper); // the older one has ended
        self.pid = again.pid;
    }
}

/// Whether a process holds anything yet; one that only waits to be buried does not.
fn is_there(pid: i32) -> bool {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    let state = stat.rsplit_once(") ").and_then(|(_, rest)| rest.chars().next());
    state != Some('Z')
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(mut stdin) = self.keeper.stdin.take() {
            stdin.write_all(b"\n").ok(); // its end says the same
        }
        self.keeper.wait().ok();
    }
}

/// URL of a database behind `address`.
pub fn url_at(address: SocketAddr, database: &str) -> String {
    format!("postgres://{ROLE}:{PASSWORD}@{address}/{database}?sslmode=disable")
}

/// The folder with the programs of the newest version that is installed; says so where there is none.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found = versions
        .map(|version| version.path().join("bin"))
        .filter(|folder| folder.join("postgres").exists())
        .collect::<Vec<_>>();
    found.extend(["/usr/local/bin", "/usr/bin"].map(PathBuf::from));
    found.sort_by_key(|folder| {
        let version = folder.parent().and_then(Path::file_name).and_then(|it| it.to_str());
        version.and_then(|it| it.parse::<u32>().ok())
    });
    let all = ["postgres", "initdb", "psql", "pg_isready"];
    let whole = |folder: &PathBuf| all.iter().all(|program| folder.join(program).exists());
    if let Some(folder) = found.into_iter().rev().find(whole) {
        return Some(folder);
    }
    let advice = "install the Debian package postgresql";
    assert!(std::env::var_os("ALLCLEAR_REQUIRE_ALL").is_none(), "postgresql is required: {advice}");
    println!("without postgresql: {advice}");
    None
}

/// User and group that a server runs as: it refuses to be root's.
fn nobody() -> Option<(u32, u32)> {
    if !rustix::process::getuid().is_root() {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut numbers = line.split(':').skip(2).map(str::parse);
        Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
    };
    of("postgres").or_else(|| of("nobody"))
}

fn as_nobody(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
    if let Some((uid, gid)) = nobody() {
        command.uid(uid).gid(gid);
    }
    command
}

fn give(paths: &[&Path]) {
    for path in paths {
        let mode = if path.is_dir() { 0o700 } else { 0o600 };
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("our own");
        if let Some((uid, gid)) = nobody() {
            chown(path, Some(uid), Some(gid)).expect("root may");
        }
    }
}
