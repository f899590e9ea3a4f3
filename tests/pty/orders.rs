//! The main job by keyboard alone.

use std::time::Duration;

use super::{HERO, at_every_edge, console, planned, says_all_clear};
use crate::support::cloud::CloudProcess;
use crate::support::home::Home;

#[test]
fn an_asset_is_deleted_and_every_edge_lets_go() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let (paths, _) = planned(&home, &["rm", HERO]);
    at_every_edge(&cloud, &paths, 200);

    let mut terminal = console(&home, 120, 36);
    terminal.keys("d");
    let plan = terminal.wait_for("Press y");
    assert!(plan.contains("cannot be undone"), "{plan}");
    terminal.keys("d");
    assert!(terminal.screen().contains("Press y"), "the opening key never confirms");
    terminal.keys("y");
    terminal.wait("all clear", says_all_clear);
    at_every_edge(&cloud, &paths, 404);
}

#[test]
fn an_asset_is_renamed_and_lives_under_its_new_name_only() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let (old, new) = planned(&home, &["rename", HERO, "press/2026/star"]);
    at_every_edge(&cloud, &old, 200);

    let mut terminal = console(&home, 80, 24);
    terminal.keys("r");
    terminal.wait_for("Rename");
    terminal.keys("\x15"); // clears the field
    terminal.keys("press/2026/st?");
    terminal.wait("the rule that the name breaks", |screen| screen.contains("not allowed"));
    terminal.keys("\x7far");
    terminal.wait("the whole name", |screen| screen.contains("press/2026/star"));
    // enter that comes with a burst of letters is taken for a paste and refused: fingers press it again
    while terminal
        .wait_for_at_most(Duration::from_millis(500), |screen| screen.contains("Press y"))
        .is_err()
    {
        terminal.keys("\r");
    }
    terminal.keys("y");
    terminal.wait("all clear", says_all_clear);
    at_every_edge(&cloud, &old, 404);
    at_every_edge(&cloud, &new, 200);
}

#[test]
fn marked_assets_are_purged_at_once() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 120, 36);
    for _ in 0..3 {
        terminal.keys(" "); // marks and goes on to the next row
    }
    terminal.wait_for("3 marked");
    terminal.keys("P");
    let plan = terminal.wait_for("Press y");
    assert!(plan.contains("3 assets"), "{plan}");
    terminal.keys("y");
    let screen = terminal.wait("all clear", says_all_clear);
    assert!(screen.contains("3 of 3 caches reached"), "{screen}");
}

#[test]
fn a_pasted_delivery_url_lands_on_its_asset() {
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let mut terminal = console(&home, 120, 36);
    terminal.paste("https://res.cloudinary.com/demo/image/upload/c_scale,w_300/v1/products/shoes/trail-runner.jpg");
    terminal.wait("the asset's details", |screen| {
        screen.contains("Delivery URLs") && screen.contains("trail-runner")
    });
    terminal.paste("https://res.cloudinary.com/other-cloud/image/upload/hero.jpg");
    terminal.wait_for("other-cloud");
}

/// What somebody who listens was sent: one request, whole.
fn listener() -> (u16, std::thread::JoinHandle<String>) {
    use std::io::{Read as _, Write as _};
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let heard = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody calls");
        let (mut heard, mut buffer) = (Vec::new(), [0; 4096]);
        while !heard.ends_with(b"}") && !heard.ends_with(b"}\n") {
            match stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(read) => heard.extend_from_slice(&buffer[..read]),
            }
        }
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").ok();
        String::from_utf8_lossy(&heard).into_owned()
    });
    (port, heard)
}

#[test]
fn hook_and_webhook_hear_of_the_end_and_of_no_secret() {
    const SECRET: &str = "canaryHookSecret91d3";
    const TOKEN: &str = "canaryWebhookToken55aa";
    let cloud = CloudProcess::start(&["--api-secret", SECRET]);
    let home = Home::new(cloud.url());
    let (port, heard) = listener();
    let folder = home.folder.path();
    let hook = "printf '%s\\n' \"$@\" > \"$0.args\"; tr '\\0' '\\n' < /proc/$$/environ > \"$0.environ\"; cat > \"$0.part\"; mv \"$0.part\" \"$0.stdin\"";
    let script = home.file("hook.sh", hook.as_bytes());
    let config = folder.join(".config/allclear");
    std::fs::create_dir_all(&config).expect("a folder");
    let text = format!(
        "[notify]\nafter = \"0s\"\nwebhook = \"http://127.0.0.1:{port}/hear?token={TOKEN}\"\n\
         [[notify.hooks]]\non = [\"all_clear\"]\ncommand = [\"sh\", \"{script}\", \"one\"]\n"
    );
    std::fs::write(config.join("config.toml"), text).expect("a file");

    let environment = [("CLOUDINARY_URL", home.cloudinary_url.as_str()), ("PATH", "/usr/bin:/bin")];
    let mut terminal = super::Terminal::start(120, 36, &["-vv"], &environment, folder);
    terminal.wait_for(HERO);
    terminal.keys("d");
    terminal.wait_for("Press y");
    terminal.keys("y");
    terminal.wait("all clear", says_all_clear);
    let sent = heard.join().expect("no panic");
    let stdin = folder.join("hook.sh.stdin");
    for _ in 0..1_000 {
        if stdin.exists() {
            break;
        }
        std::thread::sleep(Duration::from_millis(20)); // between two looks
    }
    assert!(sent.contains("allclear.notice/1"), "{sent}");
    assert!(sent.contains(TOKEN), "the webhook is called at its own address: {sent}");
    let of = |name: &str| std::fs::read_to_string(folder.join(name)).expect("the hook ran");
    let (args, environ, json) = (of("hook.sh.args"), of("hook.sh.environ"), of("hook.sh.stdin"));
    assert_eq!(args.trim(), "one");
    assert!(json.contains("all_clear") && environ.contains("PATH="), "{json}{environ}");
    let log = std::fs::read_to_string(folder.join("state/allclear.log")).expect("a log");
    let screen = terminal.screen();
    for said in [&args, &environ, &json, &log, &screen] {
        assert!(!said.contains(SECRET) && !said.contains(TOKEN), "{said}");
    }
    assert!(!sent.contains(SECRET), "{sent}");
}
