//! Bad input: each a clear sentence with the next step and the right exit code, in text and as JSON.

use crate::support::cloud::CloudProcess;
use crate::support::home::{Home, Ran};

const HERO: &str = "press/2026/hero";

/// The error line of a command, with the ports and keys of this run taken out.
fn refused(home: &Home, code: i32, arguments: &[&str]) -> Ran {
    let text = home.run(arguments).expect(code);
    assert!(text.stderr.starts_with("error: "), "{}", text.stderr);
    assert!(!text.stderr.contains("panicked"), "{}", text.stderr);
    let as_json = home.run(&[arguments, &["--json"]].concat()).expect(code);
    let error = as_json.error();
    assert_eq!(error["schema"], "allclear.error/1");
    assert_eq!(error["exit_code"], code);
    for field in ["code", "message", "asset", "hint"] {
        assert!(error.get(field).is_some(), "{field} in {error}");
    }
    assert!(text.stderr.contains(error["message"].as_str().expect("a message")), "{}", text.stderr);
    assert!(!error["hint"].as_str().unwrap_or_default().is_empty(), "a next step: {error}");
    text
}

#[test]
fn names_that_cannot_be_meant() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let unknown = refused(&home, 1, &["show", "press/nobody"]);
    assert!(unknown.stderr.contains("press/nobody"), "{}", unknown.stderr);
    let unknown = refused(&home, 1, &["rm", HERO, "press/nobody", "--yes"]);
    assert!(unknown.stderr.contains("press/nobody"), "{}", unknown.stderr);
    let forbidden = refused(&home, 2, &["rename", HERO, "press/a?b", "--yes"]);
    assert!(forbidden.stderr.contains('?'), "{}", forbidden.stderr);
    refused(&home, 2, &["show", "press/\u{1b}[31mred"]);
    let other = refused(&home, 2, &["show", "https://res.cloudinary.com/acme/image/upload/a.jpg"]);
    assert!(other.stderr.contains("acme"), "{}", other.stderr);
    refused(&home, 2, &["rm", "--prefix", "", "--yes"]);
    refused(&home, 1, &["rm", "--tag", "nobody-has-this", "--yes"]);
    let exists = refused(&home, 1, &["rename", HERO, "press/2026/ceo-portrait", "--yes"]);
    assert!(exists.stderr.contains("--overwrite"), "{}", exists.stderr);
    // nothing was changed by any of them
    home.run(&["show", HERO]).expect(0);
}

#[test]
fn a_listing_that_breaks_off_is_whole_json_and_a_failure() {
    let cloud = CloudProcess::start(&["--assets", "1600", "--admin-quota", "2"]);
    let home = Home::new(cloud.url());
    let listed = home.run(&["ls", "--limit", "5000", "--json"]).expect(1);
    let pages = listed.json();
    assert_eq!(pages["assets"].as_array().map(Vec::len), Some(1000), "two pages of 500");
    assert_eq!(pages["more"], true);
    assert!(listed.stderr.contains("rate_limited"), "{}", listed.stderr);
    let nothing = home.run(&["ls"]).expect(1);
    assert_eq!(nothing.stdout, "");
}

#[test]
fn not_confirmed() {
    let cloud = CloudProcess::start(&["--assets", "20"]);
    let home = Home::new(cloud.url());
    let missing = refused(&home, 2, &["rm", HERO]);
    assert!(missing.stderr.contains("--yes"), "{}", missing.stderr);
    let many =
        home.run(&["ls", "--columns", "id", "--no-header", "--limit", "12"]).expect(0).stdout;
    let list = home.file("names", many.as_bytes());
    let count = many.lines().count();
    assert!(count > 10);
    let word = refused(&home, 2, &["purge", "--from", &list, "--yes"]);
    assert!(word.stderr.contains(&format!("--confirm {count}")), "{}", word.stderr);
    let wrong = refused(&home, 2, &["purge", "--from", &list, "--confirm", "3"]);
    assert!(wrong.stderr.contains(&format!("--confirm {count}")), "{}", wrong.stderr);
    let confirm = count.to_string();
    let ran = home
        .run_with_input(&["purge", "--from", "-", "--confirm", &confirm, "--no-wait"], &many)
        .expect(0);
    assert!(ran.stdout.contains(&format!("purged {count} of {count} assets")), "{}", ran.stdout);
}

#[test]
fn read_only_profiles_change_nothing() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    refused(&home, 5, &["--read-only", "rm", HERO, "--yes"]);
    home.run(&["--read-only", "show", HERO]).expect(0);
}

#[test]
fn wrong_credentials_and_dead_apis() {
    let cloud = CloudProcess::start(&[]);
    let secret = cloud.text("api_secret");
    let wrong = Home::new(&cloud.url().replace(secret, "wrong-secret"));
    let said = refused(&wrong, 5, &["ls"]);
    assert!(
        !said.stderr.contains("wrong-secret") && !said.stderr.contains(secret),
        "{}",
        said.stderr
    );
    refused(&wrong, 5, &["rm", HERO, "--yes"]);
    let dead = Home::new(cloud.url());
    let api = cloud.api().to_owned();
    drop(cloud);
    let said = refused(&dead, 1, &["ls"]);
    assert!(said.stderr.contains(&api), "{}", said.stderr);
}

#[test]
fn an_exhausted_quota_says_when_it_is_over() {
    let cloud = CloudProcess::start(&["--admin-quota", "1"]);
    let home = Home::new(cloud.url());
    home.run(&["ls"]).expect(0);
    let said = refused(&home, 1, &["ls"]);
    assert!(said.stderr.contains("Admin API"), "{}", said.stderr);
}

#[test]
fn configuration_that_cannot_be_used() {
    let mut home = Home::new("");
    let nothing = refused(&home, 2, &["ls"]);
    assert!(nothing.stderr.contains("CLOUDINARY_URL"), "{}", nothing.stderr);
    home.cloudinary_url = "cloudinary://no-secret".to_owned();
    let malformed = refused(&home, 2, &["ls"]);
    assert!(malformed.stderr.contains("CLOUDINARY_URL"), "{}", malformed.stderr);
    let file = home.file("config.toml", b"[profiles.a]\nrisk = \"harmless\"\n");
    let broken = refused(&home, 2, &["ls", "--config", &file]);
    assert!(
        broken.stderr.contains("config.toml") && broken.stderr.contains('2'),
        "{}",
        broken.stderr
    );
    let file = home.file("broken.toml", b"[profiles\n");
    refused(&home, 2, &["ls", "--config", &file]);
    refused(&home, 2, &["ls", "--config", "does-not-exist.toml"]);
    refused(&home, 2, &["ls", "--profile", "nobody"]);
}

#[test]
fn usage() {
    let home = Home::new("");
    for arguments in [
        &["lst"][..],
        &["ls", "--limit", "0"],
        &["rm"],
        &["rm", "a", "--tag", "b"],
        &["rm", "a", "--wait=soon"],
        &["watch", "xyz", "--expect", "better"],
        &["purge", "a", "--no-invalidate", "--no-wait=1"],
    ] {
        let ran = home.run(arguments).expect(2);
        assert!(ran.stderr.contains("error: ") && ran.stdout.is_empty(), "{}", ran.stderr);
        let error = home.run(&[arguments, &["--json"]].concat()).expect(2).error();
        assert_eq!(
            (&error["schema"], &error["code"]),
            (&"allclear.error/1".into(), &"usage".into()),
            "{error}"
        );
    }
}

#[test]
fn nothing_to_open_a_console_in() {
    let ran = Home::new("").run(&[]).expect(2);
    assert!(
        ran.stderr.contains("allclear demo") && ran.stderr.contains("CLOUDINARY_URL"),
        "{}",
        ran.stderr
    );
}
