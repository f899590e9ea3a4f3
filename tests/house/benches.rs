//! The paired measurement works; what it measures is nobody's business here.

use std::process::Command;

#[test]
fn the_paired_measurement_measures() {
    let known = Command::new("python3").arg("--version").output().is_ok();
    if !known && std::env::var_os("ALLCLEAR_REQUIRE_ALL").is_none() {
        return;
    }
    let run = Command::new("benches/pair")
        .arg("--smoke")
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .env("ALLCLEAR", env!("CARGO_BIN_EXE_allclear"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&run.stdout).into_owned();
    assert!(run.status.success(), "{said}{}", String::from_utf8_lossy(&run.stderr));
    for line in ["first paint", "key to rest, p99", "bytes a key", "CPU for 1,000 keys"] {
        assert!(said.contains(line), "{line} is missing in {said}");
    }
}
