//! `doctor`: what is in order, what is broken, what would mend it, and never a secret.

use std::io::Write as _;
use std::net::TcpListener;

use serde_json::Value;

use crate::support::cloud::CloudProcess;
use crate::support::home::{Home, Ran};

fn finding<'v>(told: &'v Value, part: &str, what: &str) -> &'v Value {
    let all = told["findings"].as_array().expect("findings");
    let found = all.iter().find(|it| it["part"] == part && it["what"] == what);
    found.unwrap_or_else(|| panic!("{part} {what} in {told:#}"))
}

fn state(told: &Value, part: &str, what: &str) -> String {
    finding(told, part, what)["state"].as_str().expect("a word").to_owned()
}

/// Everything broken comes with what would mend it.
fn mended(told: &Value) {
    for finding in told["findings"].as_array().expect("findings") {
        if finding["state"] == "broken" {
            assert!(finding["fix"].as_str().is_some_and(|fix| !fix.is_empty()), "{finding}");
        }
    }
}

fn no_secret(ran: &Ran, secret: &str) {
    assert!(!ran.stdout.contains(secret) && !ran.stderr.contains(secret), "{ran:?}");
}

#[test]
fn a_profile_that_works() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let ran = home.run(&["doctor", "--json"]).expect(0);
    let told = ran.json();
    assert_eq!((&told["healthy"], &told["broken"]), (&true.into(), &0.into()), "{told:#}");
    for (part, what) in [
        ("config", "file"),
        ("journal", "file"),
        ("journal", "schema"),
        ("cloud", "reached"),
        ("cloud", "clock"),
        ("cloud", "credentials"),
        ("cloud", "quota"),
        ("places", "caches"),
    ] {
        assert_eq!(state(&told, part, what), "ok", "{part} {what}: {told:#}");
    }
    no_secret(&ran, cloud.text("api_secret"));
    assert!(!home.folder.path().join("state/journal.db").exists(), "it looks and makes nothing");
    let text = home.run(&["doctor"]).expect(0);
    assert!(
        text.stdout.contains("terminal\n") && text.stdout.contains("3 addresses"),
        "{}",
        text.stdout
    );
    no_secret(&text, cloud.text("api_secret"));
}

#[test]
fn what_is_broken_is_named_and_exits_with_1() {
    let cloud = CloudProcess::start(&[]);
    let secret = cloud.text("api_secret").to_owned();
    let wrong = Home::new(&cloud.url().replace(&secret, "wrong-secret"));
    let ran = wrong.run(&["doctor", "--json"]).expect(1);
    assert_eq!(state(&ran.json(), "cloud", "credentials"), "broken");
    mended(&ran.json());
    no_secret(&ran, "wrong-secret");
    let dead = Home::new(cloud.url());
    drop(cloud);
    let ran = dead.run(&["doctor", "--json"]).expect(1);
    assert_eq!(state(&ran.json(), "cloud", "reached"), "broken");
    mended(&ran.json());
    no_secret(&ran, &secret);
    // without the network nobody minds
    dead.run(&["doctor", "--offline", "--json"]).expect(0);
    let file = dead.file("c.toml", b"[profiles.a]\nrsk = 1\n");
    let told = dead.run(&["doctor", "--offline", "--config", &file, "--json"]).expect(1).json();
    assert!(
        finding(&told, "config", "file")["fix"].as_str().expect("a fix").contains("risk"),
        "{told}"
    );
    let other =
        dead.file("other.db", b"no journal, but a file all the same, and longer than a header");
    let told = dead.run(&["doctor", "--offline", "--journal", &other, "--json"]).expect(1).json();
    assert_eq!(state(&told, "journal", "file"), "broken");
    let nothing = Home::new("").run(&["doctor", "--json"]).expect(0).json();
    assert_eq!(state(&nothing, "cloud", "profile"), "note");
}

/// An API that tells a time of its own, and then nothing.
#[test]
fn a_clock_that_differs_is_seen() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let api = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let answer = "HTTP/1.1 404 Not Found\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nContent-Length: 0\r\n\
                          Connection: close\r\n\r\n";
            let mut request = [0; 4096];
            std::io::Read::read(&mut stream, &mut request).ok();
            stream.write_all(answer.as_bytes()).ok();
        }
    });
    let home = Home::new(&format!("cloudinary://key:hush-hush@acme?upload_prefix=http://{api}"));
    let ran = home.run(&["doctor", "--json"]).expect(1);
    let told = ran.json();
    let clock = finding(&told, "cloud", "clock");
    assert_eq!(clock["state"], "broken", "{told:#}");
    assert!(clock["said"].as_str().expect("words").contains("ahead of"), "{clock}");
    no_secret(&ran, "hush-hush");
}

#[test]
fn the_version_is_a_line_or_an_object() {
    let home = Home::new("");
    for flag in ["-V", "--version"] {
        let line = home.run(&[flag]).expect(0).stdout;
        assert_eq!(line, concat!("allclear ", env!("CARGO_PKG_VERSION"), "\n"));
    }
    let ran = home.run(&["--version", "--json"]).expect(0);
    let told = ran.json();
    assert_eq!(told["schema"], "allclear.version/1");
    assert_eq!(told["version"], env!("CARGO_PKG_VERSION"));
    for field in ["commit", "features", "journal_schema", "target", "debug"] {
        assert!(told.get(field).is_some(), "{field} in {told}");
    }
    assert!(told["target"].as_str().is_some_and(|target| target.contains('-')), "{told}");
    assert!(
        !ran.stdout.contains('/') || !ran.stdout.contains(env!("CARGO_MANIFEST_DIR")),
        "{told}"
    );
    assert!(!home.folder.path().join("state").exists(), "nothing is opened for it");
}
