//! What people read: help, lists, one asset, an explanation, plans and outcomes.

use crate::support::cloud::CloudProcess;
use crate::support::home::Home;
use crate::support::scrub;

const HERO: &str = "press/2026/hero";

#[test]
fn help() {
    let home = Home::new("");
    insta::assert_snapshot!("help", home.run(&["--help"]).expect(0).stdout);
    insta::assert_snapshot!("help_rm", home.run(&["rm", "--help"]).expect(0).stdout);
    insta::assert_snapshot!("help_cloud", home.run(&["cloud", "--help"]).expect(0).stdout);
    let version = home.run(&["--version"]).expect(0).stdout;
    assert_eq!(version.trim(), concat!("allclear ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn typing_errors_get_a_suggestion() {
    let ran = Home::new("").run(&["renme", "a", "b"]).expect(2);
    assert!(ran.stderr.contains("rename"), "{}", ran.stderr);
}

#[test]
fn lists() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    insta::assert_snapshot!("ls", scrub::text(&home.run(&["ls"]).expect(0).stdout));
    insta::assert_snapshot!(
        "ls_columns",
        home.run(&["ls", "--columns", "id,tags", "--no-header", "--prefix", "press/"])
            .expect(0)
            .stdout
    );
    let tagged = home.run(&["ls", "--tag", "hero", "--columns", "id", "--no-header"]).expect(0);
    assert_eq!(tagged.stdout, "press/2026/hero\n");
    let nothing = home.run(&["ls", "--prefix", "nobody/"]).expect(0);
    assert_eq!((nothing.stdout.as_str(), nothing.stderr.as_str()), ("", "nothing matches\n"));
    let quiet = home.run(&["ls", "--prefix", "nobody/", "--quiet"]).expect(0);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn one_asset() {
    let cloud = CloudProcess::start(&[]);
    cloud.at_every_edge("/demo/image/upload/c_scale,w_120/press/2026/hero.jpg");
    let home = Home::new(cloud.url());
    let by_id = home.run(&["show", HERO]).expect(0).stdout;
    insta::assert_snapshot!("show", scrub::text(&by_id));
    let (_, edge) = cloud.edges().remove(1);
    for url in [
        format!("{edge}/demo/image/upload/v1/press/2026/hero.jpg"),
        "https://res.cloudinary.com/demo/image/upload/w_7/press/2026/hero.png".to_owned(),
    ] {
        assert_eq!(home.run(&["show", &url]).expect(0).stdout, by_id, "{url}");
    }
}

#[test]
fn an_explanation() {
    let home = Home::new("");
    let url = "https://res.cloudinary.com/acme/image/upload/v1700000000/press/hero.jpg";
    insta::assert_snapshot!(
        "explain",
        home.run(&["explain", url, "--mode", "legacy"]).expect(0).stdout
    );
    let ascii = home.run(&["explain", url, "--ascii"]).expect(0).stdout;
    assert!(ascii.is_ascii(), "{ascii}");
}

#[test]
fn a_plan_is_shown_and_nothing_is_sent() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let ran = home.run(&["rm", HERO, "press/2026/ceo-portrait", "--dry-run"]).expect(0);
    insta::assert_snapshot!("dry_run", scrub::text(&ran.stdout));
    home.run(&["show", HERO]).expect(0);
    assert_eq!(home.run(&["history", "--json"]).json()["invalidations"], serde_json::json!([]));
}

#[test]
fn an_outcome_in_words() {
    let cloud = CloudProcess::start(&[]);
    cloud.at_every_edge("/demo/image/upload/press/2026/hero.jpg");
    let home = Home::new(cloud.url());
    let ran = home.run(&["purge", HERO, "--yes"]).expect(0);
    assert!(ran.stdout.contains("all clear") && ran.stdout.contains("3 of 3"), "{}", ran.stdout);
    assert!(ran.stderr.contains("cells clear"), "{}", ran.stderr);
    assert!(
        !ran.stderr.contains('\u{1b}') && !ran.stdout.contains('\u{1b}'),
        "no animation off a terminal"
    );
    let quiet = home.run(&["purge", HERO, "--yes", "--quiet"]).expect(0);
    assert_eq!(quiet.stderr, "");
}

#[test]
fn looks() {
    let cloud = CloudProcess::start(&[]);
    let (_, edge) = cloud.edges().remove(0);
    let path = "/demo/image/upload/press/2026/hero.jpg";
    cloud.at_every_edge(path);
    let home = Home::new(cloud.url());
    let ran = home.run(&["probe", &format!("{edge}{path}")]).expect(0);
    assert_eq!(ran.stdout.lines().count(), 4, "{}", ran.stdout);
    let urls = format!(
        "{edge}{path}\nhttps://res.cloudinary.com/demo/image/upload/press/2026/ceo-portrait.jpg\n"
    );
    let many = home.run_with_input(&["probe", "--stdin", "--json"], &urls).expect(0);
    assert_eq!(many.stdout.lines().count(), 2);
}
