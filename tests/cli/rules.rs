//! The rules of invalidation, proven from outside: what the program calls clear is fetched at every edge, and what
//! was not invalidated is still served.

use serde_json::Value;

use crate::support::cloud::{CloudProcess, path_of};
use crate::support::home::{Home, Ran};
use crate::support::http::Reply;

const HERO: &str = "press/2026/hero";
const ORIGINAL: &str = "/demo/image/upload/press/2026/hero.jpg";
const DERIVED: &str = "/demo/image/upload/c_scale,w_120/press/2026/hero.jpg";

/// A picture that is none of the cloud's own.
pub(super) fn new_picture() -> Vec<u8> {
    let mut bytes = Vec::new();
    let picture = image::RgbImage::from_pixel(40, 30, image::Rgb([200, 40, 90]));
    picture
        .write_to(&mut std::io::Cursor::new(&mut bytes), image::ImageFormat::Jpeg)
        .expect("a JPEG");
    bytes
}

/// A cloud whose edges hold original and derived copy, and an operator.
fn warm(flags: &[&str]) -> (CloudProcess, Home) {
    warm_with("", flags)
}

fn warm_with(scenario: &str, flags: &[&str]) -> (CloudProcess, Home) {
    let cloud = CloudProcess::with_scenario(scenario, flags);
    warm_up(&cloud, &[ORIGINAL, DERIVED]);
    let home = Home::new(cloud.url());
    (cloud, home)
}

fn warm_up(cloud: &CloudProcess, paths: &[&str]) -> Vec<Vec<u8>> {
    paths
        .iter()
        .map(|path| {
            let bodies: Vec<Vec<u8>> = cloud
                .at_every_edge(path)
                .into_iter()
                .map(|(pop, reply)| {
                    assert_eq!(reply.status, 200, "{path} at {pop}");
                    reply.body
                })
                .collect();
            bodies[0].clone()
        })
        .collect()
}

/// The URLs that a plan watches: of the old names, and of the new name of a rename.
fn watched(ran: &Ran) -> (Vec<String>, Vec<String>) {
    let plan = ran.named("plan").remove(0);
    let all = plan["watched"].as_array().expect("watched").clone();
    let (new, old): (Vec<Value>, Vec<Value>) =
        all.into_iter().partition(|url| url["of_new_name"] == true);
    let paths = |urls: Vec<Value>| {
        urls.iter().map(|url| path_of(url["url"].as_str().expect("a URL"))).collect::<Vec<_>>()
    };
    (paths(old), paths(new))
}

fn all_clear(ran: Ran) -> Ran {
    let ran = ran.expect(0);
    let outcome = ran.outcome();
    assert_eq!(outcome["outcome"], "all_clear", "{outcome}");
    assert_eq!(outcome["exit_code"], 0);
    assert_eq!(outcome["places"]["reached"], 3, "{outcome}");
    let (clear, total) = (&outcome["cells"]["clear"], &outcome["cells"]["total"]);
    assert!(clear == total && clear.as_u64() > Some(0), "{outcome}");
    ran
}

fn everywhere(cloud: &CloudProcess, paths: &[String], truth: impl Fn(&Reply) -> bool) {
    assert!(!paths.is_empty());
    for path in paths {
        for (pop, reply) in cloud.at_every_edge(path) {
            assert!(truth(&reply), "{path} at {pop}: {} {:?}", reply.status, reply.headers);
        }
    }
}

/// Every edge serves what the origin serves now.
fn as_at_the_origin(cloud: &CloudProcess, paths: &[String]) {
    for path in paths {
        let truth = cloud.at_origin(path);
        everywhere(cloud, std::slice::from_ref(path), |reply| {
            (reply.status, &reply.body) == (truth.status, &truth.body)
        });
    }
}

#[test]
fn a_renamed_asset_is_gone_under_its_old_name_and_there_under_the_new_one() {
    let (cloud, home) = warm(&[]);
    let ran = all_clear(home.run(&["rename", HERO, "press/2026/renamed", "--yes", "--json"]));
    let (old, new) = watched(&ran);
    assert!(old.contains(&ORIGINAL.to_owned()) && old.contains(&DERIVED.to_owned()), "{old:?}");
    everywhere(&cloud, &old, |reply| reply.status == 404);
    everywhere(&cloud, &new, |reply| reply.status == 200);
    as_at_the_origin(&cloud, &new);
}

#[test]
fn a_rename_that_the_cloud_files_under_another_name_says_so() {
    let (cloud, home) = warm(&[]);
    let asked = "press/2026/re\u{200b}named";
    let ran = all_clear(home.run(&["rename", HERO, asked, "--yes", "--json"]));
    let said = ran.named("item").pop().expect("an item")["message"].to_string();
    assert!(said.contains("filed it as press/2026/re_named"), "{said}");
    let (old, _) = watched(&ran);
    everywhere(&cloud, &old, |reply| reply.status == 404);
    let filed = "/demo/image/upload/press/2026/re_named.jpg".to_owned();
    everywhere(&cloud, &[filed], |reply| reply.status == 200);
}

#[test]
fn a_deleted_asset_is_gone_at_every_edge() {
    let (cloud, home) = warm(&[]);
    let ran = all_clear(home.run(&["rm", HERO, "--yes", "--json"]));
    let (old, _) = watched(&ran);
    assert!(old.contains(&ORIGINAL.to_owned()) && old.contains(&DERIVED.to_owned()), "{old:?}");
    everywhere(&cloud, &old, |reply| reply.status == 404);
}

#[test]
fn a_replaced_asset_is_served_new_at_every_edge() {
    let (cloud, home) = warm(&[]);
    let before = warm_up(&cloud, &[ORIGINAL, DERIVED]);
    let picture = new_picture();
    let file = home.file("new.jpg", &picture);
    let ran = all_clear(home.run(&["replace", HERO, &file, "--yes", "--json"]));
    let (old, _) = watched(&ran);
    assert!(old.contains(&ORIGINAL.to_owned()) && old.contains(&DERIVED.to_owned()), "{old:?}");
    as_at_the_origin(&cloud, &old);
    everywhere(&cloud, &[ORIGINAL.to_owned()], |reply| reply.body == picture);
    everywhere(&cloud, &[DERIVED.to_owned()], |reply| reply.body != before[1]);
}

#[test]
fn a_replacement_of_another_format_is_converted_under_the_old_extension() {
    let (cloud, home) = warm(&[]);
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(30, 20).write_to(&mut png, image::ImageFormat::Png).expect("a PNG");
    let file = home.file("new.png", png.get_ref());
    let ran = all_clear(home.run(&["replace", HERO, &file, "--yes", "--json"]));
    let (old, _) = watched(&ran);
    assert!(old.contains(&ORIGINAL.to_owned()), "{old:?}");
    as_at_the_origin(&cloud, &old);
}

#[test]
fn a_purged_asset_is_fetched_again_at_every_edge() {
    let (cloud, home) = warm(&[]);
    let ran = all_clear(home.run(&["purge", HERO, "--yes", "--json"]));
    let duration = ran.outcome()["duration_ms"].as_u64().expect("a duration");
    let (old, _) = watched(&ran);
    everywhere(&cloud, &old, |reply| {
        let age: u64 = reply.header("age").parse().unwrap_or(0);
        reply.status == 200 && age <= duration / 1000 + 1
    });
}

#[test]
fn what_was_not_invalidated_is_still_served() {
    for order in
        [&["rename", HERO, "press/2026/renamed"][..], &["rm", HERO], &["replace", HERO, "FILE"]]
    {
        let (cloud, home) = warm(&[]);
        let before = warm_up(&cloud, &[ORIGINAL, DERIVED]);
        let file = home.file("new.jpg", &new_picture());
        let order: Vec<&str> =
            order.iter().map(|word| if *word == "FILE" { &file } else { *word }).collect();
        let ran =
            home.run(&[&order[..], &["--no-invalidate", "--yes", "--json"]].concat()).expect(0);
        let outcome = ran.outcome();
        assert_eq!(outcome["outcome"], "done", "{outcome}");
        assert_eq!(outcome["invalidation"], Value::Null);
        for (path, old) in [ORIGINAL, DERIVED].into_iter().zip(&before) {
            everywhere(&cloud, &[path.to_owned()], |reply| {
                reply.status == 200 && reply.body == *old
            });
            let truth = cloud.at_origin(path);
            assert!(
                truth.status == 404 || truth.body != *old,
                "{order:?}: storage changed at once"
            );
        }
    }
}

#[test]
fn a_versioned_url_fetches_the_new_copy_at_once() {
    let (cloud, home) = warm(&[]);
    let picture = new_picture();
    let file = home.file("new.jpg", &picture);
    home.run(&["replace", HERO, &file, "--no-invalidate", "--yes"]).expect(0);
    let shown = home.run(&["show", HERO, "--json"]).expect(0).json();
    let version = shown["asset"]["version"].as_u64().expect("a version");
    let path = format!("/demo/image/upload/v{version}/press/2026/hero.jpg");
    everywhere(&cloud, &[path], |reply| reply.body == picture);
}

#[test]
fn a_stuck_edge_is_never_all_clear() {
    let scenario = "[[fault]]\nedge = \"POP\"\nkind = \"stuck\"\n";
    let (cloud, home) = warm_with(&scenario.replace("POP", &first_pop()), &[]);
    let ran = home.run(&["rm", HERO, "--yes", "--json", "--wait=8s"]).expect(3);
    let outcome = ran.outcome();
    assert_eq!(outcome["outcome"], "gave_up", "{outcome}");
    assert_eq!(outcome["open"], true);
    let blocking = outcome["not_clear"].as_array().expect("not_clear");
    assert!(!blocking.is_empty());
    for cell in blocking {
        assert_eq!(cell["verdict"], "outdated", "{cell}");
    }
    assert!(
        !ran.stdout.contains("all_clear") && !ran.stdout.contains("all clear"),
        "{}",
        ran.stdout
    );
    assert!(cloud.at_every_edge(ORIGINAL).iter().any(|(_, reply)| reply.status == 200));

    let id = outcome["invalidation"].as_str().expect("an ID").to_owned();
    let text = home.run(&["watch", &id, "--timeout", "6s"]).expect(3);
    assert!(text.stdout.contains("outdated at"), "{}", text.stdout);
    assert!(text.stdout.contains(&format!("allclear watch {id}")), "{}", text.stdout);
    let pending = home.run(&["pending", "--json"]);
    let rows = pending.json()["invalidations"].clone();
    assert_eq!(rows[0]["invalidation"], id.as_str());
    assert_eq!(rows[0]["ended"], Value::Null);
}

#[test]
fn an_edge_that_falls_back_is_a_regression() {
    let scenario = "[[fault]]\nedge = \"POP\"\nkind = \"regress\"\nafter = \"2s\"\n";
    let (_cloud, home) = warm_with(&scenario.replace("POP", &first_pop()), &[]);
    let ran = home.run(&["rm", HERO, "--yes", "--json", "--wait=9s"]).expect(3);
    let seen = ran.named("regression");
    assert!(!seen.is_empty(), "{}", ran.stdout);
    assert!(ran.outcome()["regressions"].as_u64() > Some(0));
}

#[test]
fn with_every_edge_dead_the_outcome_is_blind() {
    let cloud = CloudProcess::with_scenario("[[fault]]\nedge = \"*\"\nkind = \"dead\"\n", &[]);
    let home = Home::new(cloud.url());
    let ran = home.run(&["rm", HERO, "--yes", "--json"]).expect(3);
    let outcome = ran.outcome();
    assert_eq!(outcome["outcome"], "blind", "{outcome}");
    assert_eq!(outcome["places"]["reached"], 0);
    assert_eq!(outcome["places"]["unreachable"], 3);
}

#[test]
fn a_legacy_account_lists_what_it_does_not_reach_and_why() {
    let (cloud, home) = warm(&["--mode", "legacy"]);
    let before = warm_up(&cloud, &[ORIGINAL, "/demo/image/upload/v1/press/2026/hero.jpg"]);
    let picture = new_picture();
    let file = home.file("new.jpg", &picture);
    let ran = home.run(&["replace", HERO, &file, "--yes", "--json"]).expect(6);
    let outcome = ran.outcome();
    assert_eq!(outcome["outcome"], "clear_except", "{outcome}");
    let missed = outcome["not_covered"].as_array().expect("not_covered");
    let unversioned = missed
        .iter()
        .find(|url| path_of(url["url"].as_str().expect("a URL")) == ORIGINAL)
        .unwrap_or_else(|| panic!("{missed:?}"));
    assert!(!unversioned["reason"].as_str().expect("a word").is_empty());
    assert!(!unversioned["next_step"].as_str().expect("a step").is_empty());
    let request = outcome["service_request"].as_str().expect("a text for support");
    assert!(request.contains("Cloud name: demo"), "{request}");
    everywhere(&cloud, &[ORIGINAL.to_owned()], |reply| reply.body == before[0]);
    let (covered, _) = watched(&ran);
    assert!(covered.iter().any(|path| path.contains("/v1/")), "{covered:?}");
    everywhere(&cloud, &["/demo/image/upload/v1/press/2026/hero.jpg".to_owned()], |reply| {
        reply.body == picture
    });
}

#[test]
fn a_restored_asset_is_served_again() {
    let (cloud, home) = warm(&["--backups"]);
    let before = warm_up(&cloud, &[ORIGINAL]).remove(0);
    all_clear(home.run(&["rm", HERO, "--yes", "--json"]));
    let ran = all_clear(home.run(&["restore", HERO, "--yes", "--json"]));
    let (old, new) = watched(&ran);
    everywhere(&cloud, &[old, new].concat(), |reply| reply.status == 200);
    everywhere(&cloud, &[ORIGINAL.to_owned()], |reply| reply.body == before);
}

/// Code of the first edge of any local cloud.
fn first_pop() -> String {
    CloudProcess::start(&["--assets", "0", "--edges", "1"]).edges().remove(0).0
}
