//! Manners of the command line: help, slips of the fingers, and what is said about them.

use crate::support::home::Home;

/// Message and hint of the JSON error line of a command that is not understood.
fn refused(home: &Home, arguments: &[&str]) -> (String, String) {
    let ran = home.run(&[arguments, &["--json"]].concat()).expect(2);
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.stderr.lines().count(), 1, "one line and no other: {}", ran.stderr);
    let error = ran.error();
    let names: Vec<&str> =
        error.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(names, ["schema", "code", "message", "asset", "hint", "exit_code", "docs"]);
    let text = |name: &str| error[name].as_str().unwrap_or_default().to_owned();
    (text("message"), text("hint"))
}

#[test]
fn short_help_is_for_a_glance_and_long_help_for_reading() {
    let home = Home::new("");
    for arguments in [&["-h"][..], &["rm", "-h"], &["config", "check", "-h"]] {
        let short = home.run(arguments).expect(0).stdout;
        let long: Vec<&str> =
            arguments.iter().map(|word| if *word == "-h" { "--help" } else { word }).collect();
        let long = home.run(&long).expect(0).stdout;
        assert!(short.lines().count() < 60, "{short}");
        assert!(short.lines().count() < long.lines().count(), "{short}\n{long}");
        for text in [&short, &long] {
            let examples = text.find("Examples:").expect("examples");
            assert!(examples < text.find("Usage:").expect("usage"), "examples come first: {text}");
        }
        assert!(short.contains(" --help\n"), "{short}");
    }
    insta::assert_snapshot!("help_rm_short", home.run(&["rm", "-h"]).expect(0).stdout);
}

#[test]
fn slips_of_the_fingers_get_a_suggestion() {
    let home = Home::new("");
    for (arguments, suggestion) in [
        (&["renme", "a", "b"][..], "'rename'"),
        (&["ls", "--prefx", "a"], "'--prefix'"),
        (&["rm", "a", "--confidence", "norml"], "'normal'"),
        (&["rm", "a", "--verify", "ful"], "'full'"),
        (&["show", "a", "--resource-type", "vidoe"], "'video'"),
        (&["show", "a", "--type", "autenticated"], "'authenticated'"),
        (&["watch", "https://x.example/a", "--expect", "refeched"], "'refetched'"),
        (&["explain", "https://x.example/a", "--mode", "legcy"], "'legacy'"),
        (&["cloud", "--mode", "legacy-versiond"], "'legacy-versioned'"),
        (&["ls", "--columns", "id,formt"], "'format'"),
        (&["report", "0199a3", "--format", "mdd"], "'md'"),
        (&["config", "chek"], "'check'"),
        (&["themes", "lst"], "'list'"),
    ] {
        let (message, hint) = refused(&home, arguments);
        assert!(hint.contains(suggestion), "{arguments:?}: {message}; {hint}");
        let text = home.run(arguments).expect(2).stderr;
        assert!(text.contains(suggestion), "{text}");
    }
    // what is missing is named in the one line that there is
    let (message, _) = refused(&home, &["replace", "a"]);
    assert!(message.contains("<FILE>"), "{message}");
    let (message, _) = refused(&home, &["rm", "a", "--confidence", "much"]);
    assert!(message.contains("quick, normal, strict"), "{message}");
}

#[test]
fn unknown_names_come_with_those_there_are() {
    let home = Home::new("");
    let file = home.file(
        "c.toml",
        b"[profiles.staging]\ncloud_name = \"a\"\n[profiles.production]\ncloud_name = \"b\"\n",
    );
    let (message, hint) = refused(&home, &["ls", "--config", &file, "--profile", "stagng"]);
    assert!(message.contains("`stagng`"), "{message}");
    assert_eq!(hint, "did you mean `staging`? there are production, staging");
    let (_, hint) = refused(&home, &["ls", "--config", &file, "--profile", "other"]);
    assert_eq!(hint, "there are production, staging");
    let (message, hint) =
        refused(&home, &["--config", &file, "--profile", "staging", "--theme", "drak"]);
    assert_eq!(message, "there is no theme `drak`");
    assert!(hint.starts_with("did you mean `dark`? there are auto, default, "), "{hint}");
}
