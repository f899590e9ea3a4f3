//! The local cloud as a client sees it that nobody here wrote.

use std::process::Command;

use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

/// Status and size of what curl gets, or why it is done without.
fn curl(arguments: &[&str]) -> Option<String> {
    let format = "%{http_code} %{size_download}";
    let ran =
        Command::new("curl").args(["-s", "-o", "/dev/null", "-w", format]).args(arguments).output();
    match ran {
        Ok(output) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        Err(cause) => {
            assert!(
                std::env::var_os("ALLCLEAR_REQUIRE_ALL").is_none(),
                "curl is required: {cause}"
            );
            println!("without curl: {cause}");
            None
        }
    }
}

#[test]
fn delivery_urls_work_with_curl() {
    let cloud = CloudProcess::start(&[]);
    let shown = Home::new(cloud.url()).run(&["show", "press/2026/hero", "--json"]).expect(0).json();
    let bytes = shown["asset"]["bytes"].as_u64().expect("a size");
    let url = shown["urls"][0]["url"].as_str().expect("a URL");
    let Some(whole) = curl(&[url]) else { return };
    assert_eq!(whole, format!("200 {bytes}"));
    assert_eq!(curl(&["-r", "0-0", url]).as_deref(), Some("206 1"));
    let missing = url.replace("hero", "nobody");
    assert_eq!(curl(&[missing.as_str()]).as_deref(), Some("404 0"));
}
