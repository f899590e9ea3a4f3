//! Configuration and journal: what is on this host.

use secrecy::ExposeSecret as _;

use super::super::args::Globals;
use super::super::{connect, themes};
use super::{Finding, Findings};
use crate::adapters::journal::{Inspection, ServerSeen, inspect};
use crate::config::{self, Env, Flags};
use crate::report::Report;

/// The configuration file: found, in order, readable by others?
#[must_use]
pub fn config(globals: &Globals, env: &Env) -> Vec<Finding> {
    let mut part = Findings::of("config");
    let flags = connect::flags(globals);
    let preferences = match config::preferences(&flags, env) {
        Ok(preferences) => preferences,
        Err(fault) => {
            part.failed("file", &Report::from(&fault));
            return part.found();
        }
    };
    let file = preferences.paths.config.display();
    if preferences.paths.config.is_file() {
        part.ok("file", format!("{file} ({})", preferences.paths.config_origin));
    } else {
        part.ok(
            "file",
            format!("{file}: not there, defaults hold; `allclear config init` writes one"),
        );
    }
    for fault in &preferences.faults {
        part.failed("file", &Report::from(fault));
    }
    for warning in &preferences.warnings {
        let fix = warning.rsplit_once("; ").map_or("", |(_, fix)| fix);
        part.note("access", warning, fix);
    }
    let (known, complaints) = themes::all(globals, env);
    for complaint in complaints {
        part.note("themes", complaint, "correct it, or take the file away");
    }
    if let Some(theme) = globals.theme.as_ref().or(preferences.theme.as_ref())
        && !known.names().any(|name| name == theme)
    {
        part.note(
            "themes",
            format!("there is no theme `{theme}`"),
            "`allclear themes list` shows what there is",
        );
    }
    part.found()
}

/// The journal: where, on what, and whether it can be written. It is neither made nor migrated.
pub async fn journal(flags: &Flags, env: &Env) -> Vec<Finding> {
    let mut part = Findings::of("journal");
    let Ok(preferences) = config::preferences(flags, env) else { return part.found() };
    let location = match preferences.journal_with_password() {
        Ok(location) => location,
        Err(fault) => {
            part.failed("password", &Report::from(&fault));
            return part.found();
        }
    };
    match inspect(location.expose_secret()).await {
        Ok(seen) => tell(&seen, &mut part),
        Err(fault) => part.failed("file", &Report::from(&fault)),
    }
    part.found()
}

fn tell(seen: &Inspection, part: &mut Findings) {
    let path = &seen.path;
    if let Some(server) = &seen.server {
        tell_server(seen, server, part);
        return;
    }
    if !seen.writable {
        part.broken(
            "file",
            format!("{path} cannot be written: nothing can be changed or watched"),
            "make it writable, or name another with --journal or ALLCLEAR_STATE_DIR",
        );
    } else if seen.exists {
        part.ok("file", path);
    } else {
        part.ok("file", format!("{path}: not there yet; the first command makes it"));
    }
    if seen.open_to_others != 0 {
        part.note("access", "others can read it", &format!("chmod 600 {path}"));
    }
    if seen.network {
        part.note(
            "file_system",
            "on a network file system: it works without a write-ahead log, and processes wait for each other",
            "put it on a local disk: ALLCLEAR_STATE_DIR, or `journal` in the configuration",
        );
    } else {
        part.ok("file_system", "local");
    }
    if seen.foreign {
        part.broken(
            "schema",
            "it is a database of another program",
            "name another file with --journal",
        );
        return;
    }
    tell_schema(seen, part);
    match seen.mode.as_deref() {
        Some("wal") => part.ok("log", "write-ahead: readers and a writer do not meet"),
        Some(mode) if !seen.network => part.note(
            "log",
            format!("{mode}: processes wait for each other"),
            "put it where shared memory is to be had: most local disks",
        ),
        _ => {}
    }
}

/// A journal that a team shares.
fn tell_server(seen: &Inspection, server: &ServerSeen, part: &mut Findings) {
    part.ok(
        "server",
        format!(
            "{}, PostgreSQL {}, answers after {} ms",
            seen.path,
            server.version,
            server.delay.as_millis()
        ),
    );
    if !seen.writable {
        part.broken(
            "server",
            "it only takes reads: it is a standby".to_owned(),
            "name the primary in `journal`",
        );
    }
    if server.encrypted {
        part.ok("way", "encrypted");
    } else {
        part.note(
            "way",
            "not encrypted",
            "fine within this host; else add sslmode=verify-full to the URL",
        );
    }
    tell_schema(seen, part);
}

fn tell_schema(seen: &Inspection, part: &mut Findings) {
    match seen.schema {
        Some(found) if found > seen.known_schema => part.broken(
            "schema",
            format!("version {found}; this program knows {} and refuses it", seen.known_schema),
            "use the newer allclear that made it, or another journal",
        ),
        Some(found) if found < seen.known_schema => part.ok(
            "schema",
            format!("version {found}; the next command brings it to {}", seen.known_schema),
        ),
        Some(found) => part.ok("schema", format!("version {found}, as this program knows it")),
        None => part.ok("schema", format!("none yet; it will be version {}", seen.known_schema)),
    }
}

#[cfg(test)]
mod tests {
    use super::super::State;
    use super::*;
    use crate::adapters::journal::{Processes, SqlJournal, known_schema};

    #[tokio::test]
    async fn a_journal_is_looked_at_and_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("deep/journal.db");
        let location = file.to_str().unwrap();
        let none = inspect(location).await.unwrap();
        assert!(!none.exists && none.writable && none.schema.is_none() && !file.exists());
        SqlJournal::open(location, Processes::of_this_host()).await.unwrap().close().await;
        let made = inspect(location).await.unwrap();
        assert_eq!((made.schema, made.mode.as_deref()), (Some(known_schema()), Some("wal")));
        assert!(made.exists && !made.foreign && made.open_to_others == 0);

        let mut newer = made.clone();
        newer.schema = Some(known_schema() + 1);
        let mut part = Findings::of("journal");
        tell(&newer, &mut part);
        assert!(part.found().iter().any(|it| it.what == "schema" && it.state == State::Broken));

        std::fs::write(
            folder.path().join("other"),
            "no database at all, but long enough to be read",
        )
        .unwrap();
        let other = folder.path().join("other");
        assert!(inspect(other.to_str().unwrap()).await.is_err());
    }
}
