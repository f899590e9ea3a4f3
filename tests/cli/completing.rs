//! Completion scripts and manual: every shell that is here reads its script, and what fits is what there is.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::support::home::Home;

/// Shell, where its script is below a `share` folder, and how it reads a file without running it.
const SHELLS: &[(&str, &str, &[&str])] = &[
    ("bash", "bash-completion/completions/allclear", &["bash", "-n"]),
    ("zsh", "zsh/site-functions/_allclear", &["zsh", "-n"]),
    ("fish", "fish/vendor_completions.d/allclear.fish", &["fish", "--no-execute"]),
    ("elvish", "elvish/lib/allclear.elv", &["elvish", "-compileonly"]),
    (
        "powershell",
        "powershell/completions/allclear.ps1",
        &[
            "pwsh",
            "-NoProfile",
            "-Command",
            "[ScriptBlock]::Create((Get-Content -Raw $args[0])) > $null",
            "-args",
        ],
    ),
];

fn is_here(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

/// A configuration with two profiles in the place where it is looked for, and a theme.
fn with_profiles() -> Home {
    let home = Home::new("");
    let folder = home.folder.path().join(".config/allclear");
    std::fs::create_dir_all(folder.join("themes")).expect("a folder");
    let config = "[profiles.staging]\n[profiles.production]\nrsk = 1\n[profiles.\"a b\"]\n";
    std::fs::write(folder.join("config.toml"), config).expect("a file");
    std::fs::write(folder.join("themes/mine.toml"), "about = \"our own\"\n").expect("a file");
    home
}

/// What fits after these words, the last of which is being typed.
fn fitting(home: &Home, words: &[&str]) -> Vec<String> {
    let mut command = home.command(&[&["--", "allclear"], words].concat());
    command.env("_ALLCLEAR_COMPLETE", "bash").env("_CLAP_IFS", "\n");
    command.env("_CLAP_COMPLETE_INDEX", words.len().to_string());
    let output = command.output().expect("allclear");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8").lines().map(str::to_owned).collect()
}

#[test]
fn what_fits_is_what_there_is() {
    let home = with_profiles();
    assert_eq!(fitting(&home, &["ren"]), ["rename"]);
    // a file with a fault still names its profiles; a name that every shell quotes otherwise is left out
    assert_eq!(fitting(&home, &["ls", "--profile", ""]), ["production", "staging"]);
    assert_eq!(fitting(&home, &["--profile=st"]), ["--profile=staging"]);
    assert_eq!(fitting(&home, &["--theme", "m"]), ["mono", "mine"]);
    assert_eq!(fitting(&home, &["rm", "--confidence", "s"]), ["strict"]);
    assert_eq!(fitting(&home, &["completions", "p"]), ["powershell"]);
    let other = home.file("other.toml", b"[profiles.elsewhere]\n");
    assert_eq!(fitting(&home, &["--config", &other, "--profile", ""]), ["elsewhere"]);
}

#[test]
fn every_shell_reads_its_script() {
    let home = with_profiles();
    let share = home.folder.path().join("share");
    let wrote = home.run(&["man", "--dir", share.to_str().expect("UTF-8")]).expect(0).stdout;
    for (shell, file, reads) in SHELLS {
        let file = share.join(file);
        let path = file.to_str().expect("UTF-8");
        assert!(wrote.lines().any(|line| line == path), "{shell}:\n{wrote}");
        let script = std::fs::read_to_string(&file).expect("a script");
        assert!(
            !script.contains(env!("CARGO_MANIFEST_DIR")),
            "no folder of this machine: {script}"
        );
        let said = home.run(&["completions", shell]).expect(0);
        assert_eq!((said.stdout.as_str(), said.stderr.as_str()), (script.as_str(), ""), "{shell}");
        if !is_here(reads[0]) {
            println!("without {}: its script is not read", reads[0]);
            continue;
        }
        let read =
            Command::new(reads[0]).args(&reads[1..]).arg(&file).stdin(Stdio::null()).output();
        let read = read.expect("the shell");
        let said = String::from_utf8_lossy(&read.stderr);
        // elvish reads it, and then misses the editor that only a terminal gives it
        let read_by_elvish =
            *shell == "elvish" && said.contains("cannot find variable") && said.contains("edit:");
        let clean = read.status.success() && said.is_empty();
        assert!(clean || read_by_elvish, "{shell}: {read:?}");
    }
}

/// The line that a shell prints for a script, with the program on its path.
fn run_in(home: &Home, shell: &[&str], script: &str) -> String {
    let program = Path::new(env!("CARGO_BIN_EXE_allclear")).parent().expect("a folder");
    let path = format!("{}:/usr/local/bin:/usr/bin:/bin", program.display());
    let mut command = Command::new(shell[0]);
    command
        .args(&shell[1..])
        .arg(script)
        .env_clear()
        .env("PATH", path)
        .env("HOME", home.folder.path());
    let output = command.stdin(Stdio::null()).output().expect("the shell");
    assert!(output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).expect("UTF-8").trim().to_owned()
}

#[test]
fn shells_complete_with_it() {
    let home = with_profiles();
    if is_here("bash") {
        let script = "eval \"$(allclear completions bash)\"; COMP_WORDS=(allclear ls --profile s); COMP_CWORD=3; \
                      COMP_TYPE=9; _clap_complete_allclear allclear s --profile 2>/dev/null; echo \"${COMPREPLY[@]}\"";
        assert_eq!(run_in(&home, &["bash", "--norc", "-c"], script), "staging");
    }
    if is_here("fish") {
        let script = "allclear completions fish | source; complete -C 'allclear ls --profile s'";
        assert_eq!(run_in(&home, &["fish", "--no-config", "-c"], script), "staging");
    }
}

#[test]
fn the_manual_has_every_command() {
    let home = Home::new("");
    let share = home.folder.path().join("share");
    home.run(&["man", "--dir", share.to_str().expect("UTF-8")]).expect(0);
    let page = home.run(&["man"]).expect(0).stdout;
    let command = allclear::cli::help::command();
    let mut names = Vec::new();
    for inner in command.get_subcommands() {
        names.push(inner.get_name().to_owned());
        let below =
            inner.get_subcommands().map(|it| format!("{}-{}", inner.get_name(), it.get_name()));
        names.extend(below);
        assert!(
            page.contains(&format!("allclear\\-{}(1)", inner.get_name().replace('-', "\\-"))),
            "{page}"
        );
    }
    assert!(names.len() > 20, "{names:?}");
    let files = |name: &str| share.join(format!("man/man1/{name}.1"));
    for name in names.iter().map(|name| format!("allclear-{name}")).chain(["allclear".to_owned()]) {
        let file = files(&name);
        let text = std::fs::read_to_string(&file).expect("a page");
        assert!(text.contains(".SH EXAMPLES") && text.contains(".SH SYNOPSIS"), "{text}");
        if is_here("groff") {
            let set = Command::new("groff").args(["-man", "-ww", "-Tutf8"]).arg(&file).output();
            let set = set.expect("groff");
            assert!(set.status.success() && set.stderr.is_empty(), "{name}: {set:?}");
        }
        if is_here("lexgrog") {
            let read = Command::new("lexgrog").arg(&file).output().expect("lexgrog");
            assert!(read.status.success(), "{name}: {read:?}");
        }
    }
    let page = home.run(&["man", "config", "check"]).expect(0).stdout;
    assert!(
        page.contains("ALLCLEAR\\-CONFIG\\-CHECK") || page.contains("ALLCLEAR-CONFIG-CHECK"),
        "{page}"
    );
    let error = home.run(&["man", "renme", "--json"]).expect(2).error();
    assert!(error["hint"].as_str().expect("a hint").contains("`rename`"), "{error}");
}
