//! The way to a team's journal over TLS: trusted by its certificate, refused with a sentence that says what to do; and
//! every way to give a password.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use super::cluster::{Cluster, PASSWORD, ROLE};
use crate::support::cloud::CloudProcess;
use crate::support::home::{Home, Ran};

/// A certificate authority, and a server's certificate of it for `localhost` alone.
struct Papers {
    folder: tempfile::TempDir,
}

fn openssl(folder: &Path, arguments: &[&str]) {
    let ran = Command::new("openssl").args(arguments).current_dir(folder).output();
    let ran = ran.expect("openssl runs");
    assert!(ran.status.success(), "openssl: {}", String::from_utf8_lossy(&ran.stderr));
}

/// Whether certificates can be made; says so where they cannot.
fn has_openssl() -> bool {
    let has = Command::new("openssl").arg("version").output().is_ok();
    let advice = "install the Debian package openssl";
    assert!(
        has || std::env::var_os("ALLCLEAR_REQUIRE_ALL").is_none(),
        "openssl is required: {advice}"
    );
    if !has {
        println!("without openssl: {advice}");
    }
    has
}

impl Papers {
    fn made() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let at = folder.path();
        for name in ["ca", "stranger"] {
            let (key, file) = (format!("{name}.key"), format!("{name}.crt"));
            let subject = format!("/CN={name} of a test");
            let made =
                ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", &subject];
            openssl(at, &[&made[..], &["-keyout", &key, "-out", &file]].concat());
        }
        let asks = ["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"];
        openssl(at, &[&asks[..], &["-keyout", "server.key", "-out", "server.csr"]].concat());
        std::fs::write(
            at.join("names"),
            "subjectAltName=DNS:localhost\nbasicConstraints=CA:FALSE\n",
        )
        .expect("our own folder");
        let signs = ["x509", "-req", "-in", "server.csr", "-CA", "ca.crt", "-CAkey", "ca.key"];
        let signed = ["-CAcreateserial", "-days", "2", "-extfile", "names", "-out", "server.crt"];
        openssl(at, &[&signs[..], &signed].concat());
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).to_str().expect("UTF-8").to_owned()
    }
}

/// What `allclear pending` says with this journal and these variables.
fn asked(home: &Home, journal: &str, environment: &[(&str, &str)]) -> Ran {
    let mut command = home.command(&["--journal", journal, "pending", "--json"]);
    let ended = command.envs(environment.iter().copied()).output().expect("it ends");
    let ran = Ran::of(&ended);
    assert!(!ran.stdout.contains(PASSWORD) && !ran.stderr.contains(PASSWORD), "{}", ran.stderr);
    ran
}

#[test]
fn a_server_is_trusted_by_its_certificate_alone() {
    let Some(mut cluster) = Cluster::start() else { return };
    if !has_openssl() {
        return;
    }
    let papers = Papers::made();
    let database = cluster.fresh();
    let database = database.rsplit('/').next().and_then(|it| it.split('?').next()).expect("a name");
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    let port = cluster.address().port();
    let at = |host: &str, more: &str| {
        format!("postgres://{ROLE}:{PASSWORD}@{host}:{port}/{database}?{more}")
    };
    let refused = |journal: &str, environment: &[(&str, &str)], says: &str| {
        let ran = asked(&home, journal, environment).expect(1);
        assert_eq!(ran.error()["code"], "journal_unusable", "{}", ran.stderr);
        assert!(ran.stderr.contains(says), "{says}: {}", ran.stderr);
    };
    refused(
        &at("localhost", "sslmode=verify-full"),
        &[],
        "it does not speak TLS: turn that on there",
    );
    cluster.speak_tls(
        &papers.folder.path().join("server.crt"),
        &papers.folder.path().join("server.key"),
    );
    let (ca, stranger) = (papers.path("ca.crt"), papers.path("stranger.crt"));
    let trusted = at("localhost", &format!("sslmode=verify-full&sslrootcert={ca}"));
    asked(&home, &trusted, &[]).expect(0);
    // by variables as well
    let plain = at("localhost", "");
    asked(&home, &plain, &[("PGSSLMODE", "verify-full"), ("PGSSLROOTCERT", &ca)]).expect(0);
    let doctor = home.run(&["--journal", &trusted, "doctor", "--json"]);
    assert!(doctor.stdout.contains("encrypted"), "{}", doctor.stdout);

    let unknown = "nobody whom this host trusts has signed its certificate: name the file of its CA with sslrootcert=FILE";
    refused(&at("localhost", "sslmode=verify-full"), &[], unknown);
    let wrong = format!("sslmode=verify-full&sslrootcert={stranger}");
    refused(&at("localhost", &wrong), &[], unknown);
    let named = format!("sslmode=verify-full&sslrootcert={ca}");
    refused(&at("127.0.0.1", &named), &[], "not for 127.0.0.1: reach it by a name that is in it");
    let missing = "sslmode=verify-full&sslrootcert=/nowhere/ca.crt";
    refused(&at("localhost", missing), &[], "sslrootcert /nowhere/ca.crt cannot be read");
    // who signed it counts, its name does not
    let by_ca = format!("sslmode=verify-ca&sslrootcert={ca}");
    asked(&home, &at("127.0.0.1", &by_ca), &[]).expect(0);
}

#[test]
fn a_password_comes_from_wherever_it_is_kept() {
    let Some(cluster) = Cluster::start() else { return };
    let database = cluster.fresh();
    let without = database.replace(&format!(":{PASSWORD}@"), "@");
    let cloud = CloudProcess::start(&[]);
    let home = Home::new(cloud.url());
    asked(&home, &without, &[("PGPASSWORD", PASSWORD)]).expect(0);
    let line = format!("127.0.0.1:*:*:{ROLE}:{PASSWORD}\n");
    let kept = home.file("kept", line.as_bytes());
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).expect("our own");
    asked(&home, &without, &[("PGPASSFILE", &kept)]).expect(0);
    let config = format!(
        "journal = \"{without}\"\njournal_password_command = [\"printf\", \"%s\", \"{PASSWORD}\"]\n"
    );
    let config = home.file("team.toml", config.as_bytes());
    std::fs::set_permissions(&config, std::fs::Permissions::from_mode(0o600)).expect("our own");
    let ran = home.run(&["--config", &config, "pending", "--json"]).expect(0);
    assert!(!ran.stdout.contains(PASSWORD) && !ran.stderr.contains(PASSWORD));
    // where none is given, and where it is a wrong one
    for wrong in [vec![], vec![("PGPASSWORD", "guessed")]] {
        let ran = asked(&home, &without, &wrong).expect(1);
        assert_eq!(ran.error()["code"], "journal_unusable", "{}", ran.stderr);
        assert!(ran.stderr.contains("password"), "{}", ran.stderr);
    }
}
