//! Where a profile looks from, as it says: the public network and its quota, Fastly's own check, resolvers, ssh
//! hosts. All of them are stand-ins on loopback, and no test asks anybody else.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::support::home::{Home, Ran};

/// A request: its first line, its headers and its body.
#[derive(Debug, Clone)]
struct Asked {
    line: String,
    headers: String,
    body: String,
}

/// A server on loopback that answers as a function says: status, further headers, body.
struct Api {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Api {
    fn start(answer: impl Fn(&Asked) -> (u16, String, String) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let asked = Arc::<Mutex<Vec<Asked>>>::default();
        let (log, answer) = (Arc::clone(&asked), Arc::new(answer));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                std::thread::spawn(move || serve(stream, &log, &*answer));
            }
        });
        Self { address, asked }
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    fn of(&self, method: &str) -> Vec<Asked> {
        let all = self.asked.lock().expect("the log");
        all.iter().filter(|asked| asked.line.starts_with(method)).cloned().collect()
    }
}

fn serve(
    stream: TcpStream,
    log: &Mutex<Vec<Asked>>,
    answer: &dyn Fn(&Asked) -> (u16, String, String),
) {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        if !reader.read_line(&mut line).is_ok_and(|read| read > 0) {
            return;
        }
        let (mut headers, mut length) = (String::new(), 0);
        loop {
            let mut header = String::new();
            if !reader.read_line(&mut header).is_ok_and(|read| read > 2) {
                break;
            }
            let header = header.to_ascii_lowercase();
            if let Some(told) = header.strip_prefix("content-length:") {
                length = told.trim().parse().unwrap_or(0);
            }
            headers.push_str(&header);
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok();
        let body = String::from_utf8_lossy(&body).into_owned();
        let asked = Asked { line: line.trim().to_owned(), headers, body };
        log.lock().expect("the log").push(asked.clone());
        let (status, more, body) = answer(&asked);
        let length = body.len();
        let reply = format!(
            "HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n{more}\r\n{body}"
        );
        if reader.get_mut().write_all(reply.as_bytes()).is_err() {
            return;
        }
    }
}

/// The public network, with so many tests left of 250.
fn network(remaining: u32) -> Api {
    Api::start(move |asked| {
        let path = asked.line.split(' ').nth(1).unwrap_or_default();
        if path == "/v1/limits" {
            let create =
                json!({ "type": "ip", "limit": 250, "remaining": remaining, "reset": 900 });
            let limits = json!({ "rateLimit": { "measurements": { "create": create } } });
            return (200, String::new(), limits.to_string());
        }
        if asked.line.starts_with("POST") {
            let left = remaining.saturating_sub(1);
            let told = format!(
                "X-RateLimit-Limit: 250\r\nX-RateLimit-Remaining: {left}\r\nX-RateLimit-Reset: 900\r\n"
            );
            return (202, told, json!({ "id": "Ab12", "probesCount": 1 }).to_string());
        }
        let probe = json!({
            "continent": "AS", "region": "Eastern Asia", "country": "JP", "state": null, "city": "Tokyo",
            "asn": 2516, "network": "Example Net", "latitude": 35.69, "longitude": 139.69,
            "tags": ["datacenter-network"], "resolvers": ["private"],
        });
        let result = json!({
            "status": "finished", "resolvedAddress": "203.0.114.7", "statusCode": 206, "statusCodeName": "x",
            "headers": { "etag": "\"9f1c\"", "age": "12", "x-cache": "HIT", "x-served-by": "cache-nrt1001-NRT" },
            "rawHeaders": "", "rawBody": "x", "truncated": false, "rawOutput": "",
            "timings": { "total": 12 }, "tls": { "authorized": true },
        });
        let measurement = json!({
            "id": "Ab12", "type": "http", "status": "finished", "probesCount": 1,
            "createdAt": "2026-11-21T10:00:00.000Z", "updatedAt": "2026-11-21T10:00:01.100Z",
            "target": "x", "results": [{ "probe": probe, "result": result }],
        });
        (200, String::new(), measurement.to_string())
    })
}

/// An operator with this `places` table; nothing is looked at from here.
struct Operator {
    home: Home,
    file: String,
}

impl Operator {
    fn new(profile: &str, places: &str) -> Self {
        let home = Home::new("");
        let text = format!(
            "[profiles.p]\ncloudinary_url_env = \"P_URL\"\n{profile}\n[profiles.p.places]\nhere = false\n{places}\n"
        );
        let file = home.file("config.toml", text.as_bytes());
        Self { home, file }
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        self.run_with(arguments, &[])
    }

    fn run_with(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Ran {
        let mut command = self.home.command(&[arguments, &["--config", &self.file]].concat());
        command.env("P_URL", "cloudinary://key:secret@acme").env("FASTLY_TOKEN", "fastly-hush");
        command.envs(variables.iter().copied());
        Ran::of(&command.output().expect("allclear runs"))
    }
}

const FOREIGN: &str = "https://media.acme-shop.com/a/b.jpg";

#[test]
fn the_public_network_looks_and_its_quota_is_shown() {
    let api = network(180);
    let places = format!("globalping = [\"JP\"]\nglobalping_api = \"{}\"", api.url());
    let operator = Operator::new("", &places);
    let seen = operator.run(&["probe", FOREIGN, "--json"]).expect(0).json();
    let look = &seen["looks"][0];
    assert_eq!(
        (&look["place"], &look["status"], &look["cache"]),
        (&json!("GP JP"), &json!(206), &json!("hit"))
    );
    assert_eq!((&look["pop_seen"], &look["pop_city"]), (&json!("NRT"), &json!("Tokyo")));
    assert_eq!(
        (&look["verdict"], &look["reason"]),
        (&json!("unknown"), &json!("nothing_to_compare"))
    );
    let quota = &seen["globalping"];
    assert_eq!((&quota["limit"], &quota["remaining"]), (&json!(250), &json!(179)), "{quota}");
    let created: Value = serde_json::from_str(&api.of("POST")[0].body).expect("JSON");
    assert_eq!(
        created["target"], "media.acme-shop.com",
        "a third party makes no read past the caches"
    );
    assert_eq!(api.of("POST").len(), 1);
    let text = operator.run(&["probe", FOREIGN]).expect(0);
    assert!(
        text.stderr.contains("Globalping: 179 of 250 tests left, resets in 15 min"),
        "{}",
        text.stderr
    );
}

#[test]
fn a_quota_that_is_used_up_is_said_and_nothing_is_asked() {
    let api = network(0);
    let places =
        format!("globalping = [\"JP\", \"frankfurt\"]\nglobalping_api = \"{}\"", api.url());
    let operator = Operator::new("", &places);
    let seen = operator.run(&["probe", FOREIGN, "--json"]).expect(3).json();
    for look in seen["looks"].as_array().expect("looks") {
        let why = look["failure"].as_str().unwrap_or_default();
        assert!(
            why.starts_with("all 250 Globalping tests of this hour are spent; more in"),
            "{look}"
        );
    }
    let told = operator.run(&["places"]).expect(0);
    assert!(told.stdout.contains("Globalping: 0 of 250 tests left"), "{}", told.stdout);
    assert!(told.stdout.contains("not asked until there are more"), "{}", told.stdout);
    // a watch says it as well, and clears nothing
    let watch = ["watch", FOREIGN, "--etag", "9f1c", "--timeout", "3s"];
    let watched = operator.run(&watch).expect(3);
    assert!(watched.stderr.contains("Globalping: 0 of 250 tests left"), "{}", watched.stderr);
    assert!(!watched.stdout.contains("all clear"), "{}", watched.stdout);
    assert!(api.of("POST").is_empty(), "{:?}", api.of("POST"));
}

#[test]
fn what_grants_access_is_shown_to_no_third_party() {
    let (api, fastly) = (network(180), Api::start(|_| (200, String::new(), "[]".to_owned())));
    let places = format!(
        "globalping = [\"JP\"]\nglobalping_api = \"{}\"\nfastly_token_env = \"FASTLY_TOKEN\"\n\
         fastly_hosts = [\"media.acme-shop.com\"]\nfastly_api = \"{}\"",
        api.url(),
        fastly.url()
    );
    let operator = Operator::new("", &places);
    let url = format!("{FOREIGN}?X-Amz-Signature=hush-hush");
    let ran = operator.run(&["probe", &url, "--json"]).expect(3);
    let seen = ran.json();
    let why = seen["looks"][0]["failure"].as_str().unwrap_or_default();
    assert!(why.contains("not asked of Globalping"), "{seen}");
    assert!(
        seen["fastly"]["error"].as_str().is_some_and(|why| why.contains("not asked of Fastly")),
        "{seen}"
    );
    assert_eq!(seen["url"], format!("{FOREIGN}?X-Amz-Signature=***"));
    assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hush"), "{}", ran.stdout);
    assert!(api.of("POST").is_empty() && fastly.of("GET").is_empty());
}

#[test]
fn fastlys_own_check_stands_beside_the_places() {
    let entry = |pop: &str, hash: &str, tag: &str| {
        json!({
            "pop": pop, "server": format!("cache-{pop}1234"), "hash": hash,
            "request": {}, "response": { "status": 200, "headers": {
                "ETag": format!("\"{tag}\""), "Age": "7", "X-Cache": "HIT",
            } },
        })
    };
    let (new, old) = ("a".repeat(32), "b".repeat(32));
    let told = json!([
        entry("fra", &new, "n"), entry("sin", &old, "o"), entry("iad", &new, "n"),
        { "pop": "xqz", "server": "cache-xqz1", "hash": "error-timeout-xqz" },
    ]);
    let api = Api::start(move |_| (200, String::new(), told.to_string()));
    let edge = Api::start(|_| {
        (200, "X-Cache: MISS\r\nETag: \"n\"\r\nConnection: close\r\n".to_owned(), "x".to_owned())
    });
    let places = |api: &Api| {
        format!(
            "fastly_token_env = \"FASTLY_TOKEN\"\nfastly_hosts = [\"media.acme-shop.com\"]\nfastly_api = \"{}\"",
            api.url()
        )
    };
    let operator = Operator::new("", &places(&api));
    let url = "http://media.acme-shop.com/a/b.jpg";
    let at = format!("FRA={}", edge.address);
    let seen = operator.run(&["probe", url, "--edge", &at, "--json"]).expect(0).json();
    assert_eq!(seen["looks"][0]["verdict"], "same", "{seen}");
    let fastly = &seen["fastly"];
    insta::assert_json_snapshot!("probe_fastly", fastly);
    assert!(api.of("GET")[0].headers.contains("fastly-key: fastly-hush"));
    assert!(api.of("GET")[0].line.contains("url=http%3A%2F%2Fmedia.acme-shop.com%2Fa%2Fb.jpg"));
    let text = operator.run(&["probe", url, "--edge", &at]).expect(0);
    insta::assert_snapshot!("probe_fastly_text", section(&text.stdout));
    assert!(!format!("{}{}", text.stdout, text.stderr).contains("fastly-hush"));
    // of a host that is not Fastly's nobody is asked
    let other = operator
        .run(&["probe", "http://media.other-shop.com/a", "--edge", &at, "--json"])
        .expect(0);
    assert!(other.json()["fastly"].is_null());
    // its troubles are told and break nothing
    for (status, body, part) in [
        (401, "{}", "Fastly refused the token"),
        (500, "{}", "status 500"),
        (200, "[{\"pop\":", "cannot be read"),
    ] {
        let api = Api::start(move |_| (status, String::new(), body.to_owned()));
        let operator = Operator::new("", &places(&api));
        let text = operator.run(&["probe", url, "--edge", &at]).expect(0);
        assert!(
            text.stdout.contains("Fastly's own check: ") && text.stdout.contains(part),
            "{}",
            text.stdout
        );
    }
}

/// What stands behind the empty line.
fn section(text: &str) -> String {
    text.split_once("\n\n").map(|(_, section)| section.to_owned()).unwrap_or_default()
}

/// A resolver that echoes the question without the client subnet, and answers with an address of this host, which
/// nobody believes.
fn resolver() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
    let address = socket.local_addr().expect("an address");
    std::thread::spawn(move || {
        let mut query = [0; 1500];
        while let Ok((length, from)) = socket.recv_from(&mut query) {
            let mut end = 12;
            while end < length && query[end] != 0 {
                end += usize::from(query[end]) + 1;
            }
            end += 5;
            let is_v4 = query[end - 4..end - 2] == [0, 1];
            let mut reply = query[..end].to_vec();
            reply[2..12].copy_from_slice(&[0x81, 0x80, 0, 1, 0, u8::from(is_v4), 0, 0, 0, 0]);
            if is_v4 {
                reply.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 127, 0, 0, 9]);
            }
            socket.send_to(&reply, from).ok();
        }
    });
    address
}

#[test]
fn every_source_of_places_is_listed_with_its_state() {
    let resolver = resolver();
    let places = format!(
        "resolvers = [\"{resolver}\"]\nssh = [\"good\", \"denied\"]\nfastly_token_env = \"FASTLY_TOKEN\"\n\
         [profiles.p.places.subnets]\ntokyo = \"198.51.100.0/24\"\n\
         [profiles.p.edges]\nFRA = \"127.0.0.1:9\"\nDE1 = \"127.0.0.1:10\""
    );
    // asked for by a name that this host knows by itself, so that nobody else is
    let operator = Operator::new("hosts = [\"localhost\"]", &places);
    let programs = operator.home.folder.path().join("bin");
    std::fs::create_dir(&programs).expect("a folder");
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    let link = |from: &Path, name: &str| {
        std::os::unix::fs::symlink(from, programs.join(name)).expect("a link");
    };
    link(&manifest.join("src/adapters/ssh/testdata/fake-ssh"), "ssh");
    link(Path::new(env!("CARGO_BIN_EXE_allclear")), "allclear");
    let path = format!("{}:/usr/bin:/bin", programs.display());
    let variables = [("PATH", path.as_str())];
    let listed = operator.run_with(&["places", "--json"], &variables).expect(0).json();
    let of = |kind: &str| -> Vec<Value> {
        let sources = listed["sources"].as_array().expect("sources");
        sources.iter().filter(|source| source["kind"] == kind).cloned().collect()
    };
    assert_eq!(of("pinned").len(), 2);
    assert!(of("pinned").iter().any(|edge| edge["name"] == "FRA" && edge["state"] == "Frankfurt"));
    assert!(
        of("pinned")
            .iter()
            .any(|edge| edge["name"] == "DE1" && edge["state"] == "no PoP that is known")
    );
    let resolvers = of("resolver");
    assert_eq!(resolvers.len(), 4, "{resolvers:?}");
    let plain = &resolvers[0];
    assert_eq!((&plain["tag"], &plain["subnet"]), (&json!("plain"), &Value::Null));
    let ignored = resolvers
        .iter()
        .find(|row| row["subnet"] == "tokyo (198.51.100.0/24)" && row["ipv6"] == false);
    let ignored = ignored.expect("a row");
    assert_eq!(ignored["tag"], "ignored");
    let state = ignored["state"].as_str().unwrap_or_default();
    assert!(
        state.contains("the client subnet was ignored") && state.contains("127.0.0.9"),
        "{state}"
    );
    let (good, denied) = (&of("ssh")[0], &of("ssh")[1]);
    assert_eq!(good["program"], format!("allclear/{}", env!("CARGO_PKG_VERSION")), "{good}");
    assert!(
        denied["failure"].as_str().is_some_and(|why| why.contains("Permission denied")),
        "{denied}"
    );
    assert_eq!(of("fastly")[0]["left"], 180);
    let fra = &listed["places"].as_array().expect("places")[1];
    assert_eq!((&fra["id"], &fra["city"]), (&json!("FRA"), &json!("Frankfurt")), "{listed}");
    let text = operator.run_with(&["places"], &variables).expect(0);
    assert!(text.stdout.contains("SOURCE"), "{}", text.stdout);
    assert!(text.stdout.contains("for tokyo (198.51.100.0/24), IPv4"), "{}", text.stdout);
    assert!(text.stderr.contains("known; `allclear places URL`"), "{}", text.stderr);
}
