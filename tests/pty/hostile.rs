//! Strings from outside that try to take over the terminal: in names, tags, context values, error texts, response
//! headers and configuration. Nothing of them reaches it raw, in the console or from any command.

use serde_json::json;

use super::terminal::Terminal;
use crate::support::home::Home;
use crate::support::proxy::{Fate, Forged, Proxy, Request};

/// Writes the clipboard, clears the screen, turns the text round, hides, and is a control sequence in one character.
const EVIL: &str = "EVIL\u{1b}]52;c;RVZJTA==\u{7}\u{1b}[2JWIPED\u{202e}\u{200b}\u{9b}31mRED\u{90}q";
/// The same as far as a public ID may hold it: one with control characters is left out of every list.
const EVIL_ID: &str = "press/EVIL\u{202e}\u{200b}\u{2066}gpj.id";
const WIDE: (u16, u16) = (120, 36);

fn asset() -> serde_json::Value {
    json!({
        "public_id": EVIL_ID, "resource_type": "image", "type": "upload", "format": EVIL, "version": 1,
        "bytes": 1234, "width": 10, "height": 10, "asset_id": EVIL, "etag": EVIL, "asset_folder": EVIL,
        "display_name": EVIL, "created_at": "2026-01-01T00:00:00Z", "tags": [EVIL, "plain"],
        "context": {"custom": {"alt": EVIL}}, "url": "http://x", "secure_url": format!("https://x/{EVIL}"),
        "derived": [{"id": EVIL, "transformation": format!("w_1{EVIL}"), "format": EVIL, "bytes": 1,
            "secure_url": format!("https://res.cloudinary.com/demo/image/upload/w_1/{EVIL}.jpg")}],
    })
}

/// A cloud that means ill: it answers, and everything that it says is hostile. `destroys` is how it takes deletes.
fn evil_cloud(address: &str, request: &Request) -> Fate {
    let path = request.path.split('?').next().unwrap_or_default();
    let forged = match (request.method.as_str(), path) {
        ("GET", "/_local/edges") => {
            let url = format!("http://{address}");
            let edge = json!({"pop": EVIL, "city": EVIL, "url": url});
            Forged::json(
                200,
                &json!({"api": url, "cloud_name": "demo", "api_key": "k", "api_secret": "s",
                "mode": "surrogate", "instance": "i", "origin": url, "edges": [edge]})
                .to_string(),
            )
        }
        ("POST", path) if path.ends_with("/search") => {
            Forged::json(200, &json!({"resources": [asset()], "total_count": 1}).to_string())
        }
        ("POST", path) if path.ends_with("/explicit") => Forged::json(200, &asset().to_string()),
        ("POST" | "DELETE", _) => refused(),
        (_, path) if path.ends_with("/resources/image/upload") => {
            Forged::json(200, &json!({"resources": [asset()], "next_cursor": EVIL}).to_string())
        }
        (_, path) if path.contains("/resources/image/upload/press/") => {
            Forged::json(200, &asset().to_string())
        }
        (_, path) if path.starts_with("/v1_1/") => refused(),
        _ => delivered(),
    };
    Fate::Instead(forged)
}

fn refused() -> Forged {
    let said = json!({"error": {"message": format!("cannot do that: {EVIL}")}});
    Forged::json(400, &said.to_string()).header("X-Cld-Error", header())
}

/// A delivered copy whose headers are hostile; bytes that no header may hold are not in it.
fn delivered() -> Forged {
    Forged { status: 200, headers: Vec::new(), body: b"picture".to_vec() }
        .header("ETag", [b"\"", header().as_slice(), b"\""].concat())
        .header("X-Cache", header())
        .header("X-Served-By", header())
        .header("Server", header())
        .header("Server-Timing", header())
        .header("Via", header())
        .header("CF-Ray", header())
        .header("X-Cld-Error", header())
        .header("Age", "1")
}

/// As far as HTTP lets it be sent: no C0, but C1, bidi and zero-width, in UTF-8 and raw.
fn header() -> Vec<u8> {
    let text = "EVIL\u{202e}\u{200b}\u{9b}31mRED".as_bytes();
    [text, b"\x9b2J\x90q\x9d52;c;RVZJTA==\x9c"].concat()
}

/// Fails where anything hostile is among `raw`.
fn harmless(raw: &[u8], whence: &str) {
    let text = std::str::from_utf8(raw).unwrap_or_else(|why| panic!("{whence}: no UTF-8: {why}"));
    let shown = || text.escape_debug().to_string();
    for evil in ["\u{1b}]52;c;RVZJTA", "\u{1b}[2JWIPED", "\u{1b}]52;c;RV"] {
        assert!(!text.contains(evil), "{whence}: {evil:?} in {}", shown());
    }
    let invisible = |c: char| matches!(c, '\u{80}'..='\u{9f}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    assert!(!text.contains(invisible), "{whence}: in {}", shown());
    assert!(!text.contains('\u{7}'), "{whence}: a bell in {}", shown());
}

struct Evil {
    proxy: Proxy,
    home: Home,
}

impl Evil {
    fn begin() -> Self {
        let address = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
        let own = std::sync::Arc::clone(&address);
        let proxy = Proxy::before("http://127.0.0.1:9", move |request| {
            evil_cloud(own.get().map_or("", String::as_str), request)
        });
        address.set(proxy.address.to_string()).expect("set once");
        let home = Home::new(&proxy.url("cloudinary://k:s@demo"));
        Self { proxy, home }
    }

    fn terminal(&self, arguments: &[&str]) -> Terminal {
        let environment = [("CLOUDINARY_URL", self.home.cloudinary_url.as_str())];
        Terminal::start(WIDE.0, WIDE.1, arguments, &environment, self.home.folder.path())
    }
}

#[test]
fn the_console_shows_hostile_strings_and_obeys_none() {
    let evil = Evil::begin();
    let mut terminal = evil.terminal(&[]);
    terminal.wait_for("press/EVIL");
    terminal.keys("\r");
    terminal.wait("the details", |screen| screen.contains("Delivery URLs"));
    terminal.insist("5", |screen| screen.contains("no preview for")); // no picture of a hostile kind
    terminal.keys("P"); // plan
    terminal.wait_for("Press y");
    terminal.keys("y"); // its calls, then its watch
    terminal.wait("the watch", |screen| screen.contains("Matrix") && screen.contains("EVIL"));
    for _ in 0..4 {
        let before = terminal.screen();
        terminal.insist("]", |screen| screen != before); // map, curve, timeline, not covered
    }
    terminal.insist("p", |screen| screen.contains(" ended") && screen.contains("EVIL"));
    terminal.keys("a");
    terminal.wait("the list", |screen| screen.contains("PUBLIC ID"));
    terminal.keys("d"); // a delete that is refused with a hostile sentence
    terminal.wait_for("Press y");
    terminal.keys("y");
    terminal.wait("the refusal", |screen| screen.contains("cannot do that"));
    terminal.keys("\x1b");
    terminal.wait("the list again", |screen| !screen.contains("cannot do that"));
    terminal.paste("https://res.cloudinary.com/other/image/upload/\u{202e}EVIL\u{9b}31m.jpg");
    terminal.wait("the answer to a hostile paste", |screen| screen.contains("other"));
    assert!(evil.proxy.asked(|request| request.is("explicit")) > 0);
    harmless(&terminal.raw(), "the console");
}

#[test]
fn commands_show_hostile_strings_and_obey_none() {
    let evil = Evil::begin();
    let commands: [&[&str]; 16] = [
        &["ls"],
        &["ls", "--columns", "id,format,folder,tags,etag,asset-id,url"],
        &["ls", "--search", "x"],
        &["ls", "--tag", "\u{1b}[2JWIPED\u{202e}"],
        &["show", EVIL_ID],
        &["explain", "https://res.cloudinary.com/demo/image/upload/\u{202e}EVIL\u{9b}x"],
        &["rm", EVIL_ID, "--dry-run"],
        &["rm", EVIL_ID, "--yes"],
        &["rm", "a\u{1b}]52;c;RVZJTA==\u{7}b", "--yes"],
        &["purge", EVIL_ID, "--yes", "--wait=2s"],
        &["purge", EVIL_ID, "--yes", "--wait=2s", "--json"],
        &["rename", EVIL_ID, "\u{202e}EVIL\u{9b}", "--yes", "--wait=1s"],
        &["probe", "https://res.cloudinary.com/demo/image/upload/x.jpg"],
        &["places"],
        &["pending"],
        &["restore", EVIL_ID, "--yes"],
    ];
    for command in commands {
        let mut terminal = evil.terminal(command);
        terminal.exit();
        terminal.drained();
        assert!(!terminal.raw().is_empty(), "{command:?} says something");
        harmless(&terminal.raw(), &format!("{command:?}"));
    }
    // what was kept is as harmless as what was shown
    let known = ["history", "pending"].map(|list| evil.home.run(&[list, "--json"]).json());
    let mut rows = known.iter().filter_map(|list| list["invalidations"].as_array()).flatten();
    let id =
        rows.next().and_then(|row| row["invalidation"].as_str()).expect("the purge").to_owned();
    for format in ["md", "json", "html"] {
        let told = evil.home.run(&["report", &id, "--format", format]).expect(0).stdout;
        assert!(told.contains("EVIL"), "{format} is about it");
        harmless(told.as_bytes(), format);
    }
    for command in [&["history"][..], &["pending"], &["watch", &id, "--timeout", "1s"]] {
        let mut terminal = evil.terminal(command);
        terminal.exit();
        terminal.drained();
        harmless(&terminal.raw(), &format!("{command:?}"));
    }
    for file in std::fs::read_dir(evil.home.folder.path().join("state")).expect("a folder") {
        let path = file.expect("an entry").path();
        if path.extension().is_some_and(|extension| extension == "log") {
            harmless(&std::fs::read(&path).expect("a log"), "the log");
        }
    }
}

#[test]
fn hostile_configuration_is_named_and_not_obeyed() {
    let home = Home::new("");
    let folder = home.folder.path().join(".config/allclear");
    std::fs::create_dir_all(&folder).expect("a folder");
    let quoted = "EVIL\\u001b]52;c;RVZJTA==\\u0007\\u001b[2JWIPED\\u202e\\u009b31m";
    let configs = [
        format!("profile = \"{quoted}\"\n"),
        format!("theme = \"{quoted}\"\n[profiles.a]\ncloudinary_url = \"cloudinary://k:s@demo\"\n"),
        format!(
            "[profiles.\"{quoted}\"]\ncloudinary_url = \"cloudinary://k:s@demo\"\nrisk = \"{quoted}\"\n"
        ),
        format!(
            "[profiles.a]\ncloud_name = \"{quoted}\"\napi_key = \"{quoted}\"\napi_secret = \"x\"\n"
        ),
        format!(
            "[profiles.a]\ncloudinary_url = \"cloudinary://k:s@demo\"\nhosts = [\"{quoted}\"]\n"
        ),
        format!(
            "[keys]\n\"{quoted}\" = \"x\"\n[profiles.a]\ncloudinary_url = \"cloudinary://k:s@demo\"\n"
        ),
        "[profiles.a]\nx = \"\u{202e}\u{9b}31m\n".to_owned(),
    ];
    for config in configs {
        std::fs::write(folder.join("config.toml"), &config).expect("a file");
        for command in
            [&["config", "check"][..], &["config", "show", "--origin"], &["ls"], &["places"]]
        {
            let mut terminal = Terminal::start(WIDE.0, WIDE.1, command, &[], home.folder.path());
            terminal.exit();
            terminal.drained();
            harmless(&terminal.raw(), &format!("{command:?} of {config:?}"));
        }
    }
}
