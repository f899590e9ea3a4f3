//! `config`: shown with who said so, checked with line and column, begun without writing over anything.

use std::os::unix::fs::PermissionsExt as _;

use crate::support::home::Home;

const SECRET: &str = "s3cr3t-of-nobody";

fn text(value: &serde_json::Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[test]
fn every_value_tells_where_it_comes_from_and_no_secret_is_shown() {
    let home = Home::new("");
    let toml = format!(
        "theme = \"dark\"\n[profiles.staging]\ncloudinary_url = \"cloudinary://123456789012:{SECRET}@acme\"\n\
         read_only = true\nconfidence = \"strict\"\n[keys]\n\"app.help\" = \"f1\"\n"
    );
    let file = home.file("c.toml", toml.as_bytes());
    let run = |arguments: &[&str]| {
        let mut command = home.command(arguments);
        command.env("ALLCLEAR_JOURNAL", "/tmp/of-this-test.db");
        crate::support::home::Ran::of(&command.output().expect("allclear")).expect(0)
    };
    let shown = run(&["config", "show", "--json", "--config", &file, "--invalidation", "legacy"]);
    let object = shown.json();
    assert_eq!(
        (text(&object["schema"]), text(&object["profile"])),
        ("allclear.config/1", "staging")
    );
    let settings = object["settings"].as_array().expect("a list");
    let of = |key: &str| {
        let found = settings.iter().find(|it| it["key"] == key);
        let found = found.unwrap_or_else(|| panic!("{key} in {object}"));
        (text(&found["value"]).to_owned(), text(&found["origin"]).to_owned())
    };
    let expected = [
        ("journal", "/tmp/of-this-test.db", "environment ALLCLEAR_JOURNAL".to_owned()),
        ("theme", "dark", format!("{file}:1")),
        ("api_secret", "***", format!("{file}:3")),
        ("api_key", "***9012", format!("{file}:3")),
        ("read_only", "true", format!("{file}:4")),
        ("confidence", "strict", format!("{file}:5")),
        ("invalidation", "legacy", "--invalidation".to_owned()),
        ("hold_back", "5s", "default".to_owned()),
        ("config", file.as_str(), "--config".to_owned()),
        ("keys.app.help", "f1", file.clone()),
    ];
    for (key, value, origin) in expected {
        assert_eq!(of(key), (value.to_owned(), origin), "{key}");
    }
    let origins = run(&["config", "show", "--origin", "--config", &file]).stdout;
    assert!(origins.starts_with("KEY ") && origins.contains("FROM"), "{origins}");
    let plain = run(&["config", "show", "--config", &file]).stdout;
    assert!(!plain.contains("FROM") && plain.contains("read_only"), "{plain}");
    for said in [&shown.stdout, &origins, &plain, &shown.stderr] {
        assert!(!said.contains(SECRET) && !said.contains("123456789012"), "{said}");
    }
    // nothing configured is no fault: what holds is shown
    let nothing = Home::new("").run(&["config", "show"]).expect(0);
    assert!(
        nothing.stdout.contains("journal") && nothing.stderr.contains("--profile"),
        "{nothing:?}"
    );
}

#[test]
fn a_check_names_line_column_and_what_was_meant() {
    let home = Home::new("");
    for (content, place, hint) in [
        (
            "\n[profiles.a]\nrsk = \"test\"\n",
            ":3:1: profiles.a.rsk: unknown key `rsk`",
            "did you mean `risk`?",
        ),
        (
            "theme = \"drak\"\n",
            ":1:9: theme: there is no theme `drak`; known are auto, default, ",
            "did you mean `dark`?",
        ),
        (
            "[keys]\n\"app.hepl\" = \"f1\"\n",
            ":2:1: keys.app.hepl: no command `app.hepl`",
            "did you mean `app.help`?",
        ),
        ("[keys]\n\n\"app.help\" = \"hyper-x\"\n", ":3:1: keys.app.help: ", ""),
    ] {
        let file = home.file("c.toml", content.as_bytes());
        let error = home.run(&["config", "check", "--config", &file, "--json"]).expect(2).error();
        let message = text(&error["message"]);
        assert!(message.starts_with(&format!("{file}{place}")), "{message}");
        assert!(text(&error["hint"]).contains(hint), "{error}");
    }
    let two = home.file("two.toml", b"theme = \"drak\"\n[keys]\n\"app.hepl\" = \"f1\"\n");
    let said = home.run(&["config", "check", "--config", &two]).expect(2).stderr;
    assert!(said.contains("drak") && said.contains("app.hepl"), "all of them: {said}");
}

#[test]
fn a_file_to_begin_with() {
    let home = Home::new("");
    let path = home.folder.path().join(".config/allclear/config.toml");
    let shown = path.to_str().expect("UTF-8");
    assert_eq!(home.run(&["config", "init"]).expect(0).stdout.trim(), shown);
    let mode =
        |path: &std::path::Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
    home.run(&["config", "check"]).expect(0);
    std::fs::write(&path, "# mine\n").expect("a file");
    let error = home.run(&["config", "init", "--json"]).expect(2).error();
    assert!(text(&error["message"]).contains("is there already"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).expect("there"), "# mine\n");
    let other = home.folder.path().join("new/other.toml");
    let other = other.to_str().expect("UTF-8");
    let written = home.run(&["config", "init", "--config", other, "--json"]).expect(0).json();
    assert_eq!((&written["config"], &written["written"]), (&other.into(), &true.into()));
}
