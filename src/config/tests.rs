//! The layers over each other.

use std::path::PathBuf;

use rstest::rstest;
use secrecy::ExposeSecret as _;
use tempfile::TempDir;

use super::*;
use crate::adapters::cloudinary::SignatureAlgorithm;
use crate::adapters::places::{LocalEdge, LocalReady};
use crate::domain::account::InvalidationKind;
use crate::domain::confidence::Confidence;
use crate::domain::purge::Risk;

/// A home folder with a configuration file.
struct Home {
    dir: TempDir,
}

impl Home {
    fn with(config: &str) -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap() };
        home.write(".config/allclear/config.toml", config);
        home
    }

    fn empty() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    fn write(&self, file: &str, text: &str) {
        let path = self.path(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    fn path(&self, file: &str) -> PathBuf {
        self.dir.path().join(file)
    }

    fn env(&self, more: &[(&str, &str)]) -> Env {
        let home = self.dir.path().to_str().unwrap();
        Env::of(more.iter().copied().chain([("HOME", home)]))
    }

    fn resolve(&self, flags: &Flags, more: &[(&str, &str)]) -> Result<Resolved, ConfigError> {
        resolve(flags, &self.env(more))
    }

    fn resolved(&self, more: &[(&str, &str)]) -> Resolved {
        self.resolve(&Flags::default(), more).unwrap()
    }

    fn error(&self, more: &[(&str, &str)]) -> String {
        let error = self.resolve(&Flags::default(), more).unwrap_err();
        error.to_string().replace(self.dir.path().to_str().unwrap(), "~")
    }
}

const URL: &str = "cloudinary://key:hush@acme";

const TWO: &str = r#"
[profiles.prod]
cloud_name = "acme"
api_key = "1"
api_secret_env = "PROD_SECRET"
read_only = true
confidence = "strict"

[profiles.stage]
cloudinary_url_env = "STAGE_URL"
risk = "test"
"#;

#[test]
fn cloudinary_url_alone_is_enough() {
    let resolved = Home::empty().resolved(&[("CLOUDINARY_URL", URL)]);
    assert_eq!((resolved.profile.as_str(), resolved.account.cloud_name.as_str()), ("acme", "acme"));
    assert_eq!(resolved.api_prefix, "https://api.cloudinary.com");
    assert_eq!(resolved.credentials.api_secret.expose_secret(), "hush");
    assert_eq!(resolved.credentials.signature, SignatureAlgorithm::Sha1);
    assert_eq!((resolved.policy.risk, resolved.policy.loopback), (Risk::Production, false));
    assert_eq!(resolved.account.invalidation, InvalidationKind::Unknown);
    assert!(resolved.warnings().is_empty(), "{:?}", resolved.warnings());
    assert!(resolved.journal().ends_with(".local/state/allclear/journal.db"));
    assert!(!format!("{resolved:?}").contains("hush"));
}

#[test]
fn an_api_on_loopback_is_local_until_somebody_says_otherwise() {
    let url = "cloudinary://k:s@demo?upload_prefix=http://127.0.0.1:8080";
    let resolved = Home::empty().resolved(&[("CLOUDINARY_URL", url)]);
    assert!(resolved.may_be_local());
    assert_eq!(resolved.policy.risk, Risk::Local);
    assert_eq!(
        (resolved.policy.confidence, resolved.policy.hold_back.is_zero()),
        (Confidence::Quick, true)
    );
    let ready = LocalReady {
        cloud_name: "demo".to_owned(),
        mode: InvalidationKind::Legacy,
        instance: "i".to_owned(),
        origin: "127.0.0.1:1".parse().unwrap(),
        edges: vec![LocalEdge { pop: None, city: None, address: "127.0.0.1:2".parse().unwrap() }],
    };
    let local = resolved.clone().with_local(Some(&ready));
    assert_eq!(local.account.invalidation, InvalidationKind::Legacy);
    assert_eq!(local.account.local.unwrap().edges, ["127.0.0.1:2"]);
    let plain = resolved.with_local(None);
    assert_eq!((plain.account.local, plain.policy.loopback), (None, false));
    let flags = Flags { invalidation: Some(InvalidationKind::Surrogate), ..Flags::default() };
    let told = Home::empty().resolve(&flags, &[("CLOUDINARY_URL", url)]).unwrap();
    assert_eq!(told.with_local(Some(&ready)).account.invalidation, InvalidationKind::Surrogate);
}

#[test]
fn the_official_variables_beat_the_url() {
    let resolved = Home::empty().resolved(&[
        ("CLOUDINARY_CLOUD_NAME", "other"),
        ("CLOUDINARY_API_KEY", "2"),
        ("CLOUDINARY_API_SECRET", "t"),
        ("CLOUDINARY_SIGNATURE_ALGORITHM", "sha256"),
        ("CLOUDINARY_URL", URL),
    ]);
    assert_eq!((resolved.profile.as_str(), resolved.credentials.api_key.as_str()), ("other", "2"));
    assert_eq!(resolved.credentials.signature, SignatureAlgorithm::Sha256);
    assert_eq!(resolved.warnings().len(), 1);
}

#[test]
fn profiles_are_chosen_by_flag_then_environment_then_file() {
    let home = Home::with(&format!("profile = \"stage\"\n{TWO}"));
    let env = [("STAGE_URL", "cloudinary://k:s@stage"), ("PROD_SECRET", "p")];
    assert_eq!(home.resolved(&env).profile, "stage");
    let mut with_url = env.to_vec();
    with_url.push(("CLOUDINARY_URL", "cloudinary://k:s@third"));
    assert_eq!(home.resolved(&with_url).profile, "third");
    with_url.push(("ALLCLEAR_PROFILE", "stage"));
    let resolved = home.resolved(&with_url);
    assert_eq!((resolved.profile.as_str(), resolved.policy.risk), ("stage", Risk::Test));
    assert_eq!(
        resolved.warnings(),
        [
            "environment ALLCLEAR_PROFILE names profile `stage`; CLOUDINARY_URL names the cloud `third` and is ignored"
        ]
    );
    let flags = Flags { profile: Some("prod".to_owned()), ..Flags::default() };
    let resolved = home.resolve(&flags, &with_url).unwrap();
    assert_eq!((resolved.profile.as_str(), resolved.policy.read_only), ("prod", true));
    assert_eq!(resolved.credentials.api_secret.expose_secret(), "p");
}

#[test]
fn the_environment_borrows_the_guards_of_the_profile_of_the_same_cloud() {
    let resolved = Home::with(TWO).resolved(&[("CLOUDINARY_URL", URL)]);
    assert_eq!((resolved.profile.as_str(), resolved.policy.read_only), ("prod", true));
    assert_eq!(resolved.policy.confidence, Confidence::Strict);
    assert_eq!(resolved.credentials.api_key, "key");
    assert_eq!(
        resolved.warnings(),
        ["environment CLOUDINARY_URL names the cloud of profile `prod`; its settings apply"]
    );
    let local = format!("{URL}?upload_prefix=http://127.0.0.1:9");
    let resolved = Home::with(TWO).resolved(&[("CLOUDINARY_URL", &local)]);
    assert_eq!((resolved.profile.as_str(), resolved.policy.read_only), ("acme", false));
}

#[test]
fn the_only_profile_needs_no_word_and_two_do() {
    let one = "[profiles.solo]\ncloudinary_url = \"cloudinary://k:s@solo\"\n";
    assert_eq!(Home::with(one).resolved(&[]).profile, "solo");
    let home = Home::with(TWO);
    assert_eq!(
        home.error(&[]),
        "~/.config/allclear/config.toml has several profiles and says not which one to use"
    );
}

#[test]
fn profiles_of_the_official_tool_are_offered_last() {
    let home = Home::empty();
    home.write(
        ".cloudinary-cli/config.json",
        r#"{"theirs":"cloudinary://k:s@theirs","login":"cloudinary://theirs?oauth_token=t","__default__":"theirs"}"#,
    );
    let resolved = home.resolved(&[]);
    assert_eq!((resolved.profile.as_str(), resolved.policy.risk), ("theirs", Risk::Production));
    assert_eq!(home.resolved(&[("CLOUDINARY_URL", URL)]).profile, "acme");
    let error = home
        .resolve(&Flags { profile: Some("login".to_owned()), ..Flags::default() }, &[])
        .unwrap_err();
    assert_eq!(error.to_string(), "--profile gives no API key");
    assert!(error.hint().unwrap().contains("cld login"));
}

#[rstest]
#[case("", &[], "no cloud is configured", "set CLOUDINARY_URL, write a profile into ~/.config/allclear/config.toml, or try `allclear demo`")]
#[case("", &[("CLOUDINARY_URL", "https://hush")], "CLOUDINARY_URL is no cloudinary:// URL: it does not begin with cloudinary://", "expected cloudinary://<api_key>:<api_secret>@<cloud_name>, as the console of the cloud shows it")]
#[case("", &[("CLOUDINARY_URL", "cloudinary://key@acme")], "environment CLOUDINARY_URL gives no API secret", "expected cloudinary://<api_key>:<api_secret>@<cloud_name>")]
#[case("", &[("CLOUDINARY_CLOUD_NAME", "acme")], "environment CLOUDINARY_CLOUD_NAME gives no API key", "set CLOUDINARY_API_KEY")]
#[case("", &[("ALLCLEAR_CONFIG", "/nowhere.toml")], "cannot read /nowhere.toml: no such file or folder", "make /nowhere.toml readable, or name another file with --config")]
#[case("", &[("ALLCLEAR_PROFILE", "prod")], "~/.config/allclear/config.toml has no profile `prod`", "it has none; write one as `[profiles.NAME]`")]
#[case(TWO, &[("ALLCLEAR_PROFILE", "prd")], "~/.config/allclear/config.toml has no profile `prd`", "did you mean `prod`? there are prod, stage")]
#[case(TWO, &[("ALLCLEAR_PROFILE", "prod")], "api_secret_env of ~/.config/allclear/config.toml:5 gives no value", "set PROD_SECRET in the environment")]
#[case(TWO, &[("ALLCLEAR_PROFILE", "stage")], "cloudinary_url_env of ~/.config/allclear/config.toml:10 gives no value", "set STAGE_URL in the environment")]
#[case(TWO, &[("ALLCLEAR_PROFILE", "stage"), ("STAGE_URL", "hush")], "STAGE_URL is no cloudinary:// URL: it does not begin with cloudinary://", "expected cloudinary://<api_key>:<api_secret>@<cloud_name>, as the console of the cloud shows it")]
#[case("[profiles.a]\ncloud_name = \"a\"", &[], "profile `a` gives no API key", "write `api_key` into the profile")]
#[case("[profiles.a]\ncloud_name = \"a\"\napi_key = \"1\"", &[], "profile `a` gives no API secret", "write `api_secret_env` or `secret_command` into the profile")]
#[case("[profiles.a]\napi_key = \"1\"", &[], "profile `a` gives no cloud name", "write `cloud_name` into the profile")]
#[case("[profiles.a]\nsecret_command = [\"false\"]", &[], "the secret_command of profile `a` failed: false ended with exit status: 1", "run the command by hand; it must print the API secret alone and exit with 0")]
fn what_is_missing_is_said_with_the_next_step(
    #[case] config: &str,
    #[case] variables: &[(&str, &str)],
    #[case] message: &str,
    #[case] next_step: &str,
) {
    let home = if config.is_empty() { Home::empty() } else { Home::with(config) };
    let error = home.resolve(&Flags::default(), variables).unwrap_err();
    let plain = |text: String| text.replace(home.dir.path().to_str().unwrap(), "~");
    assert_eq!(plain(error.to_string()), message);
    assert_eq!(error.hint().map(plain).as_deref(), Some(next_step));
    assert!(!format!("{error:?}").contains("hush"));
}

#[rstest]
#[case(
    "cloud_name = \"a b\"",
    "2:14: profiles.p.cloud_name: the cloud name has other characters than letters, digits, - and _"
)]
#[case("concurrency = 0", "2:15: profiles.p.concurrency: 0 is not between 1 and 64")]
#[case(
    "hosts = [\"https://x\"]",
    "2:9: profiles.p.hosts: `https://x` is no host name; give it without https:// and path"
)]
#[case(
    "places.ssh = [\"-x\"]",
    "2:14: profiles.p.places.ssh: `-x` is no host for ssh; give HOST or USER@HOST"
)]
#[case(
    "places.subnets.tokyo = \"192.0.2.0/24\"",
    "2:24: profiles.p.places.subnets.tokyo: no resolver is asked on its behalf; name one under `resolvers`"
)]
#[case(
    "places.globalping_token_env = \"NO_SUCH\"",
    "2:31: profiles.p.places.globalping_token_env: the environment has no NO_SUCH"
)]
#[case(
    "edges.FRA = \"fra.example.com\"",
    "2:13: profiles.p.edges.FRA: `fra.example.com` is no address; give an IP address, with a port where it is not 443"
)]
#[case(
    "api_secret = \"s\"\nsecret_command = [\"true\"]",
    "2:14: profiles.p.api_secret: there is a secret_command too; keep one of them"
)]
fn values_that_cannot_be_meant_are_named(#[case] line: &str, #[case] message: &str) {
    let rest = "cloudinary_url = \"cloudinary://k:s@acme\"";
    let home = Home::with(&format!("[profiles.p]\n{line}\n{rest}\n"));
    assert_eq!(home.error(&[]), format!("~/.config/allclear/config.toml:{message}"));
}

#[test]
fn a_full_profile_is_read_with_the_origin_of_every_value() {
    let home = Home::with(
        r#"journal = "~/shared/j.db"
theme = "light"
keys.app.help = "f1"
[profiles.p]
cloud_name = "acme"
api_key = "1"
secret_command = ["printf", "s3"]
api = "https://api-eu.cloudinary.com/"
signature_algorithm = "sha256"
risk = "test"
invalidation = "legacy"
bulk_invalidation = true
hosts = ["Media.acme.test"]
hold_back = "7s"
give_up_after = "2h 30m"
confirm_above = 3
[profiles.p.edges]
FRA = "192.0.2.7"
SIN = "[2001:db8::1]:8443"
"#,
    );
    let flags = Flags { read_only: true, ..Flags::default() };
    let resolved = home.resolve(&flags, &[]).unwrap();
    assert_eq!(resolved.credentials.api_secret.expose_secret(), "s3");
    assert_eq!(resolved.account.own_hosts, ["media.acme.test"]);
    assert_eq!(resolved.account.bulk_invalidation, Some(true));
    assert_eq!(resolved.policy.give_up_after.as_secs(), 9000);
    let edges: Vec<_> = resolved.look_from.pinned.iter().map(|it| it.address.to_string()).collect();
    assert_eq!(edges, ["192.0.2.7:443", "[2001:db8::1]:8443"]);
    assert_eq!(resolved.preferences.theme.as_deref(), Some("light"));
    assert_eq!(resolved.preferences.keys["app.help"], ["f1"]);
    let shown: Vec<_> = resolved
        .settings()
        .iter()
        .map(|it| format!("{} = {} ({})", it.key, it.value, it.origin))
        .map(|line| line.replace(home.dir.path().to_str().unwrap(), "~"))
        .map(|line| line.replace("~/.config/allclear/config.toml:", "line "))
        .collect();
    assert_eq!(
        shown,
        [
            "config = ~/.config/allclear/config.toml (default)",
            "journal = ~/shared/j.db (line 1)",
            "theme = light (line 2)",
            "profile = p (default)",
            "api = https://api-eu.cloudinary.com (line 8)",
            "invalidation = legacy (line 11)",
            "bulk_invalidation = true (line 12)",
            "hosts = media.acme.test (line 13)",
            "cloud_name = acme (line 5)",
            "api_key = *** (line 6)",
            "api_secret = *** (line 7)",
            "signature_algorithm = sha256 (line 9)",
            "risk = test (line 10)",
            "read_only = true (--read-only)",
            "confidence = normal (default)",
            "hold_back = 7s (line 14)",
            "give_up_after = 2h 30m (line 15)",
            "stuck_after = 10m (default)",
            "confirm_above = 3 (line 16)",
            "max_items = no bound (default)",
            "start_delay = 5s (default)",
            "stop_after = 15m (default)",
            "concurrency = 30 (default)",
            "verify_full_max = 500 (default)",
            "probe_budget = ten times what a watch needs (default)",
            "purge_again = offer (default)",
            "edges = FRA, SIN (line 18)",
            "places.here = true (default)",
            "places.vendors = false (default)",
        ]
    );
}

#[test]
fn the_journal_follows_flag_environment_file_and_default() {
    let home = Home::with("journal = \"from-file.db\"");
    let place = |flags: &Flags, more: &[(&str, &str)]| {
        let preferences = preferences(flags, &home.env(more)).unwrap();
        let setting = preferences.settings.into_iter().find(|it| it.key == "journal").unwrap();
        (preferences.journal.expose_secret().to_owned(), setting.value)
    };
    let env = [("ALLCLEAR_JOURNAL", "postgres://u:hush@h/d")];
    let flags = Flags { journal: Some("~/flag.db".into()), ..Flags::default() };
    assert_eq!(place(&Flags::default(), &[]).0, "from-file.db");
    let (location, shown) = place(&Flags::default(), &env);
    assert_eq!(
        (location.as_str(), shown.as_str()),
        ("postgres://u:hush@h/d", "postgres://u:***@h/d")
    );
    assert_eq!(place(&flags, &env).0, home.path("flag.db").to_str().unwrap());
}

#[test]
fn the_password_of_a_journal_on_a_server_is_what_its_command_prints() {
    let with = |journal: &str, printed: &str| {
        let command = format!("journal_password_command = [\"printf\", \"{printed}\"]");
        let home = Home::with(&format!("journal = \"{journal}\"\n{command}"));
        let preferences = preferences(&Flags::default(), &home.env(&[])).unwrap();
        assert!(!format!("{preferences:?}").contains("hush"));
        preferences.journal_with_password().map(|it| it.expose_secret().to_owned())
    };
    let asked = "postgres://ana@db/team?sslmode=require&password=hu%26sh";
    assert_eq!(with("postgres://ana@db/team?sslmode=require", "hu&sh").unwrap(), asked);
    let own = "postgres://ana:hush@db/team";
    assert_eq!(with(own, "other").unwrap(), own, "what the URL says is narrower");
    assert_eq!(with("j.db", "other").unwrap(), "j.db", "a file has none");
    let failed = with("postgres://db/team", "").unwrap_err();
    assert_eq!(failed.to_string(), "the journal_password_command failed: printf printed nothing");
}

#[cfg(unix)]
#[test]
fn a_file_with_a_secret_that_others_can_read_is_warned_of() {
    use std::os::unix::fs::PermissionsExt as _;
    let home = Home::with(&format!("[profiles.a]\ncloudinary_url = \"{URL}\""));
    let file = home.path(".config/allclear/config.toml");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    assert!(home.resolved(&[]).warnings()[0].ends_with("others can read it; chmod 600 it"));
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    assert!(home.resolved(&[]).warnings().is_empty());
}

#[test]
fn a_secret_command_may_print_the_whole_url() {
    let home = Home::with("[profiles.a]\nsecret_command = [\"echo\", \"cloudinary://k:s@vault\"]");
    let resolved = home.resolved(&[]);
    assert_eq!((resolved.account.cloud_name.as_str(), resolved.profile.as_str()), ("vault", "a"));
}

#[rstest]
#[case(
    "cloudinary://k:s@a?upload_prefix=http://api.acme.test",
    "the API is asked by plain http: credentials travel unencrypted"
)]
fn doubtful_settings_are_warned_of(#[case] url: &str, #[case] warning: &str) {
    assert_eq!(Home::empty().resolved(&[("CLOUDINARY_URL", url)]).warnings(), [warning]);
}
