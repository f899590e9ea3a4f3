//! The control surface as `docs/control.md` tells it: its examples are carried out, by a shell and curl.

use std::process::Command;

use serde_json::Value;

use crate::support::cloud::CloudProcess;

const DOCS: &str = include_str!("../../docs/control.md");

/// Blocks of the documentation, with the language that they are marked with.
fn blocks() -> Vec<(&'static str, &'static str)> {
    let mut found = Vec::new();
    let mut rest = DOCS;
    while let Some((_, begin)) = rest.split_once("\n```") {
        let (language, body) = begin.split_once('\n').expect("a block");
        let (block, after) = body.split_once("\n```").expect("its end");
        found.push((language, block));
        rest = after;
    }
    found
}

fn has_curl() -> bool {
    let there = Command::new("curl").arg("--version").output().is_ok();
    assert!(there || std::env::var_os("ALLCLEAR_REQUIRE_ALL").is_none(), "curl is required");
    if !there {
        println!("without curl: the examples of docs/control.md");
    }
    there
}

/// What a shell prints that carries `script` out against `cloud`.
fn carried_out(cloud: &CloudProcess, script: &str) -> String {
    let mut shell = Command::new("sh");
    shell.arg("-ec").arg(script).env("API", cloud.api()).env("SECRET", cloud.text("api_secret"));
    let ran = shell.env("no_proxy", "*").output().expect("a shell");
    let told = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(ran.status.success(), "{script}\n{}{}", told(&ran.stdout), told(&ran.stderr));
    told(&ran.stdout)
}

/// Every key that the documentation shows is in the answer, at the same place and of the same sort.
fn shows(shown: &Value, real: &Value, at: &str) {
    match (shown, real) {
        (Value::Object(shown), Value::Object(real)) => {
            for (key, value) in shown {
                let found = real.get(key).unwrap_or_else(|| panic!("no {at}/{key}"));
                shows(value, found, &format!("{at}/{key}"));
            }
        }
        (Value::Array(shown), Value::Array(real)) => {
            for value in shown {
                let first = real.first().unwrap_or_else(|| panic!("{at} is empty"));
                shows(value, first, &format!("{at}/0"));
            }
        }
        (Value::Null, _) | (_, Value::Null) => {}
        (shown, real) => assert_eq!(
            std::mem::discriminant(shown),
            std::mem::discriminant(real),
            "{at}: {shown} and {real}"
        ),
    }
}

#[test]
fn every_example_of_the_documentation_works_and_shows_what_comes() {
    if !has_curl() {
        return;
    }
    let blocks = blocks();
    let start = blocks.iter().find(|(language, _)| language.is_empty()).expect("how it is started");
    let flags: Vec<&str> = start.1.trim().split(' ').skip(2).collect();
    let cloud = CloudProcess::with_control("", &flags);
    let (mut examples, mut printed) = (0, String::new());
    for (language, block) in blocks {
        match language {
            "sh" => {
                printed = carried_out(&cloud, block);
                examples += 1;
            }
            "json" => {
                let shown: Value =
                    serde_json::from_str(block).unwrap_or_else(|why| panic!("{why}: {block}"));
                // curl prints one answer after the other; the last one is shown
                let answers = serde_json::Deserializer::from_str(&printed).into_iter::<Value>();
                let last = answers.last().expect("an answer").expect("JSON");
                shows(&shown, &last, "");
            }
            _ => {}
        }
    }
    assert!(examples >= 15, "{examples}");
}

#[test]
fn every_call_has_an_example() {
    let cloud = CloudProcess::with_control("", &["--assets", "1", "--edges", "1"]);
    let listed = crate::support::http::get(&format!("{}/_local", cloud.api()));
    let listed: Value = serde_json::from_slice(&listed.body).expect("JSON");
    for call in listed["calls"].as_array().expect("calls") {
        let path = call["path"].as_str().expect("a path");
        let short = path.split(['?', '[']).next().unwrap_or(path).replace("/ID", "/gone");
        assert!(DOCS.contains(&format!("$API{short}")), "{path}");
    }
}

#[test]
fn without_control_only_the_edges_are_told() {
    let cloud = CloudProcess::start(&[]);
    let status = |path: &str| crate::support::http::get(&format!("{}{path}", cloud.api())).status;
    assert_eq!(["/_local/edges", "/_local", "/_local/state"].map(status), [200, 404, 404]);
}
