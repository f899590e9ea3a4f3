//! Canaries in every place where a secret can enter; then a search of everything that was said, written and started.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::support::cloud::CloudProcess;
use crate::support::home::{Home, Ran};

const OF_URL: &str = "canaryUrlSecret7f3a91";
const OF_VARIABLE: &str = "canaryVariableSecret51c0de";
const OF_FILE: &str = "canaryFileSecret8812ab";
const OF_COMMAND: &str = "canaryCommandSecret0bb1f7";
const OF_GLOBALPING: &str = "canaryGlobalpingToken99e2";
const OF_FASTLY: &str = "canaryFastlyToken447d1c";
const OF_SIGNATURE: &str = "cAnarySi";
const OF_TOKEN: &str = "canaryCldTokenHmac6a6a";
const OF_JOURNAL: &str = "canaryJournalPassword3c3c";
const OF_WEBHOOK: &str = "canaryWebhookToken7b7b21";
const OF_USER: &str = "canaryUrlUserinfo2d2d";
/// Secrets that are wrong, to be refused with.
const WRONG: &str = "canaryWrongSecret5e5e5e";

const ALL: [&str; 12] = [
    OF_URL,
    OF_VARIABLE,
    OF_FILE,
    OF_COMMAND,
    OF_GLOBALPING,
    OF_FASTLY,
    OF_SIGNATURE,
    OF_TOKEN,
    OF_JOURNAL,
    OF_WEBHOOK,
    OF_USER,
    WRONG,
];

/// Everything that was said, by what said it.
#[derive(Default)]
struct Said(BTreeMap<String, Vec<u8>>);

impl Said {
    fn heard(&mut self, whence: &str, ran: &Ran) {
        let entry = self.0.entry(whence.to_owned()).or_default();
        entry.extend_from_slice(ran.stdout.as_bytes());
        entry.extend_from_slice(ran.stderr.as_bytes());
    }

    /// Every file below a folder, whatever it is: journal, write-ahead log, logs, reports.
    fn files(&mut self, folder: &Path, but: &[&str]) {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            if path.is_dir() {
                self.files(&path, but);
            } else if !but.contains(&name.as_str()) {
                let mut bytes = Vec::new();
                std::fs::File::open(&path)
                    .and_then(|mut it| it.read_to_end(&mut bytes))
                    .expect("a file");
                self.0.insert(path.display().to_string(), bytes);
            }
        }
    }

    /// Where canaries were found, in whatever form they travel.
    fn found(&self) -> Vec<(String, String)> {
        let mut found = Vec::new();
        for canary in ALL {
            for form in forms(canary) {
                for (whence, bytes) in &self.0 {
                    if contains(bytes, form.as_bytes()) {
                        found.push((canary.to_owned(), whence.clone()));
                    }
                }
            }
        }
        found
    }
}

/// As it is, in hexadecimal, in base64 (whatever stands before it), backwards.
fn forms(canary: &str) -> Vec<String> {
    let hex = canary.bytes().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"));
    let mut forms = vec![canary.to_owned(), hex, canary.chars().rev().collect()];
    for pad in 0..3 {
        let padded = [&b"\0\0\0"[..pad], canary.as_bytes()].concat();
        let text = base64(&padded);
        // the first characters depend on what stands before, the last on what follows
        let middle = &text[4..text.len() - 4];
        // a few letters are found by chance
        if middle.len() >= 12 {
            forms.push(middle.to_owned());
        }
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let all = three
            .iter()
            .chain([&0, &0])
            .take(3)
            .fold(0_u32, |all, byte| all << 8 | u32::from(*byte));
        for at in (0..4).rev() {
            text.push(char::from(DIGITS[(all >> (6 * at)) as usize & 63]));
        }
    }
    text
}

fn contains(bytes: &[u8], wanted: &[u8]) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted)
}

fn config(home: &Home, text: &str) {
    let folder = home.folder.path().join(".config/allclear");
    std::fs::create_dir_all(&folder).expect("a folder");
    std::fs::write(folder.join("config.toml"), text).expect("a file");
}

/// A broad set of what people do, with `-vv`.
fn everything(home: &Home, said: &mut Said, first: &[&str], edge: &str) {
    let signed = format!("{edge}/demo/image/authenticated/s--{OF_SIGNATURE}--/v1/private/x.jpg");
    let public = format!(
        "https://res.cloudinary.com/demo/image/upload/s--{OF_SIGNATURE}--/press/2026/hero.jpg"
    );
    let token =
        format!("{edge}/demo/image/upload/press/2026/hero.jpg?__cld_token__=exp=1~hmac={OF_TOKEN}");
    let user = format!("https://me:{OF_USER}@media.example.test/x.jpg");
    let list = home.file("names.txt", format!("{signed}\n{public}\n{token}\nwhat?\n").as_bytes());
    let commands: Vec<Vec<&str>> = vec![
        vec!["ls"],
        vec!["ls", "--json"],
        vec!["show", "press/2026/hero"],
        vec!["show", &public],
        vec!["explain", &signed],
        vec!["explain", &token],
        vec!["explain", &user],
        vec!["purge", "press/2026/hero", "--dry-run", "--json"],
        vec!["purge", &public, "--yes", "--json", "--wait=20s"],
        vec!["purge", &token, "--yes", "--wait=20s", "--note", &token],
        vec!["purge", "--from", &list, "--yes", "--json", "--wait=5s"],
        vec!["rm", &signed, "--yes"],
        vec!["probe", &token],
        vec!["probe", &signed, "--json"],
        vec!["probe", &user],
        vec!["watch", &public, "--timeout", "2s"],
        vec!["watch", &signed, "--timeout", "1s", "--json"],
        vec!["rename", "products/shoes/trail-runner", "press/2026/works", "--yes", "--wait=20s"],
        vec!["places"],
        vec!["pending", "--json"],
        vec!["history", "--json"],
        vec!["config", "path"],
        vec!["config", "show", "--origin"],
        vec!["config", "check"],
        vec!["no-such-command", &token],
        vec!["purge", &token, "--no-such-flag"],
    ];
    for command in commands {
        let ran = home.run(&[first, &["-vv"], &command].concat());
        said.heard(&format!("{first:?} {command:?}"), &ran);
    }
    let history = home.run(&[first, &["history", "--json"]].concat());
    let ended = history.json()["invalidations"].as_array().cloned().unwrap_or_default();
    for id in ended.iter().filter_map(|row| row["invalidation"].as_str()) {
        for format in ["md", "json", "html"] {
            let ran = home.run(&[first, &["report", id, "--format", format]].concat());
            said.heard(&format!("report {format}"), &ran);
        }
    }
}

#[test]
fn no_secret_is_said_written_or_handed_on() {
    let cloud = CloudProcess::start(&["--api-secret", OF_URL]);
    let edge = cloud.edges()[0].1.clone();
    let mut said = Said::default();

    // by CLOUDINARY_URL alone
    let home = Home::new(cloud.url());
    everything(&home, &mut said, &[], &edge);

    // from a file, from the environment by name, and from a command; with tokens
    let of = |secret: &str| CloudProcess::start(&["--api-secret", secret]);
    let (of_file, of_variable, of_command) = (of(OF_FILE), of(OF_VARIABLE), of(OF_COMMAND));
    let others = Home::new("");
    let script = others.file(
        "secret.sh",
        format!("tr '\\0' ' ' < /proc/$$/cmdline > \"$0.args\"; echo {OF_COMMAND}").as_bytes(),
    );
    let profile = |name: &str, cloud: &CloudProcess, secret: &str| {
        format!(
            "[profiles.{name}]\ncloud_name = \"demo\"\napi_key = \"{}\"\napi = \"{}\"\n{secret}\n",
            cloud.text("api_key"),
            cloud.api()
        )
    };
    let text = [
        format!("journal = \"{}\"\n", others.folder.path().join("state/other.db").display()),
        profile("file", &of_file, &format!("api_secret = \"{OF_FILE}\"")),
        profile("variable", &of_variable, "api_secret_env = \"IT_SECRET\""),
        "[profiles.variable.places]\nglobalping_token_env = \"IT_GLOBALPING\"\nfastly_token_env = \"IT_FASTLY\"\n".to_owned(),
        profile("command", &of_command, &format!("secret_command = [\"sh\", \"{script}\"]")),
    ];
    config(&others, &text.concat());
    for (name, cloud) in [("file", &of_file), ("variable", &of_variable), ("command", &of_command)]
    {
        let edge = cloud.edges()[0].1.clone();
        let first = ["--profile", name];
        with_tokens(&others, &mut said, &first, &edge);
    }

    // what fails: a wrong secret, a dead server, a database that is not there
    let wrong = Home::new(&cloud.url().replace(OF_URL, WRONG));
    let dead = Home::new(&format!("cloudinary://k:{WRONG}@demo?upload_prefix=http://127.0.0.1:9"));
    let broken = Home::new(&format!("cloudinary://k:{WRONG}@demo@demo:{WRONG}"));
    let database = format!("postgres://u:{OF_JOURNAL}@127.0.0.1:9/db?password={OF_JOURNAL}");
    for (home, more) in
        [(&wrong, &[][..]), (&dead, &[]), (&broken, &[]), (&home, &["--journal", &database])]
    {
        for command in [
            &["ls"][..],
            &["purge", "a", "--yes", "--json"],
            &["pending"],
            &["config", "show", "--origin"],
        ] {
            said.heard("failures", &home.run(&[more, &["-vv"], command].concat()));
        }
    }

    for home in [&home, &others, &wrong, &dead, &broken] {
        // inputs of the test itself
        said.files(home.folder.path(), &["config.toml", "names.txt", "secret.sh"]);
    }
    assert!(said.0.keys().any(|file| file.ends_with("allclear.log")), "logs were searched");
    assert!(said.0.keys().any(|file| file.contains(".db")), "the journal was searched");
    assert!(
        said.0.keys().any(|file| file.contains(".args")),
        "the child of secret_command was seen"
    );
    assert_eq!(said.found(), Vec::new());

    // the search finds what is there, in every form
    for leak in forms(OF_COMMAND) {
        let mut leaking = Said::default();
        leaking.0.insert("on purpose".to_owned(), format!("Authorization: {leak}").into_bytes());
        let found = leaking.found();
        assert!(found.contains(&(OF_COMMAND.to_owned(), "on purpose".to_owned())), "{leak}");
    }
}

/// As [`everything`], with tokens in the environment that the profile names.
fn with_tokens(home: &Home, said: &mut Said, first: &[&str], edge: &str) {
    let variables =
        [("IT_SECRET", OF_VARIABLE), ("IT_GLOBALPING", OF_GLOBALPING), ("IT_FASTLY", OF_FASTLY)];
    let public = format!(
        "https://res.cloudinary.com/demo/image/upload/s--{OF_SIGNATURE}--/press/2026/hero.jpg"
    );
    let token =
        format!("{edge}/demo/image/upload/press/2026/hero.jpg?__cld_token__=exp=1~hmac={OF_TOKEN}");
    let commands: [&[&str]; 8] = [
        &["ls"],
        &["purge", &public, "--yes", "--json", "--wait=20s"],
        &["purge", &token, "--dry-run"],
        &["places"],
        &["probe", &token],
        &["history", "--json"],
        &["config", "show", "--origin"],
        &["config", "check"],
    ];
    for command in commands {
        let mut process = home.command(&[first, &["-vv"], command].concat());
        let child = process.envs(variables).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
        let ended = child.and_then(std::process::Child::wait_with_output).expect("allclear runs");
        said.heard(&format!("{first:?} {command:?}"), &Ran::of(&ended));
    }
}

/// What a child of ours was started with: its arguments and its environment go into files beside it.
fn spy(home: &Home, name: &str, then: &str) -> String {
    let text = format!(
        "#!/bin/sh\nprintf '%s\\n' \"$@\" >> \"$0.args\"\ntr '\\0' '\\n' < /proc/$$/environ >> \"$0.environ\"\n{then}\n"
    );
    let path = home.file(name, text.as_bytes());
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
    std::fs::set_permissions(&path, mode).expect("ours");
    path
}

#[test]
fn children_that_look_from_elsewhere_are_handed_no_secret() {
    let home = Home::new(&format!("cloudinary://123456789012:{OF_URL}@acme"));
    spy(&home, "ssh", "exit 255");
    // asked for by a name that this host knows by itself, so that nobody else is
    config(
        &home,
        "[profiles.far]\ncloudinary_url_env = \"CLOUDINARY_URL\"\nhosts = [\"localhost\"]\n\
         [profiles.far.places]\nssh = [\"ops@far.example.test\"]\n",
    );
    let mut process = home.command(&["--profile", "far", "-vv", "places", "--json"]);
    let path = format!("{}:/usr/bin:/bin", home.folder.path().display());
    process.env("PATH", path).env("ALLCLEAR_IT_TOKEN", OF_GLOBALPING);
    let child = process.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let ended = child.and_then(std::process::Child::wait_with_output).expect("allclear runs");
    let mut said = Said::default();
    said.heard("places", &Ran::of(&ended));
    said.files(home.folder.path(), &["config.toml"]);
    for (kind, word) in [("ssh.args", "ops@far.example.test"), ("ssh.environ", "PATH=")] {
        let seen = said.0.iter().find(|(file, _)| file.ends_with(kind)).map(|(_, bytes)| bytes);
        assert!(
            seen.is_some_and(|bytes| contains(bytes, word.as_bytes())),
            "{kind}: {said}",
            said = String::from_utf8_lossy(&said.0["places"])
        );
    }
    assert_eq!(said.found(), Vec::new());
    // the same search finds a child that is handed one
    let url = format!("CLOUDINARY_URL={}", home.cloudinary_url);
    said.0.insert("ssh.environ".to_owned(), url.into_bytes());
    assert_eq!(said.found(), [(OF_URL.to_owned(), "ssh.environ".to_owned())]);
}

#[test]
fn processes_that_run_show_no_secret_in_their_arguments() {
    let cloud = CloudProcess::start(&["--propagation", "5s..6s"]);
    let home = Home::new(cloud.url());
    config(&home, "");
    let secret = cloud.text("api_secret").to_owned();
    let mut child = home.spawn(&["purge", "press/2026/hero", "--yes", "--json"]);
    let begun = Instant::now();
    let mut seen = 0;
    while child.try_wait().expect("our own child").is_none()
        && begun.elapsed() < Duration::from_secs(3)
    {
        for pid in with_children(child.id()) {
            let arguments = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            seen += usize::from(!arguments.is_empty());
            assert!(!contains(&arguments, secret.as_bytes()), "{pid}");
        }
        std::thread::sleep(Duration::from_millis(20)); // between two looks
    }
    child.kill().ok();
    child.wait().expect("our own child");
    assert!(seen > 0);
}

/// A process and those that it started.
fn with_children(pid: u32) -> Vec<u32> {
    let listed = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"));
    let children = listed.unwrap_or_default();
    std::iter::once(pid)
        .chain(children.split_whitespace().filter_map(|it| it.parse().ok()))
        .collect()
}

#[test]
fn files_are_for_their_owner_alone_and_a_readable_configuration_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let cloud = CloudProcess::start(&[]);
    let home = Home::new("");
    config(&home, &format!("[profiles.a]\ncloudinary_url = \"{}\"\n", cloud.url()));
    let file = home.folder.path().join(".config/allclear/config.toml");
    let mode = |mode| {
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).expect("ours");
    };
    mode(0o644);
    let warned = home.run(&["purge", "press/2026/hero", "--yes"]).expect(0);
    assert!(warned.stderr.contains("chmod 600"), "{}", warned.stderr);
    mode(0o600);
    assert!(!home.run(&["ls"]).expect(0).stderr.contains("chmod"));
    let state = home.folder.path().join("state");
    let of = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(of(&state), 0o700);
    let mut files = 0;
    for entry in std::fs::read_dir(&state).expect("a folder") {
        let path = entry.expect("an entry").path();
        assert_eq!(of(&path) & 0o077, 0, "{}", path.display());
        files += 1;
    }
    assert!(files >= 2, "log and journal");
}
