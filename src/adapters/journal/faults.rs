//! What the database says went wrong, in the words of the port.

use sqlx::migrate::MigrateError;

use crate::domain::text::clean;
use crate::ports::journal::JournalError;

/// Translates an error met while writing.
pub(super) fn writing(location: &str, error: &sqlx::Error) -> JournalError {
    known(location, error).unwrap_or_else(|| JournalError::Write { detail: words(error) })
}

/// Translates an error met while reading.
pub(super) fn reading(location: &str, error: &sqlx::Error) -> JournalError {
    known(location, error)
        .unwrap_or_else(|| JournalError::Open { path: location.to_owned(), detail: words(error) })
}

/// Translates an error of the migrations, other than a newer schema.
pub(super) fn migrating(location: &str, error: &MigrateError) -> JournalError {
    match error {
        MigrateError::Execute(error) | MigrateError::ExecuteMigration(error, _) => {
            reading(location, error)
        }
        MigrateError::VersionMismatch(version) => JournalError::Open {
            path: location.to_owned(),
            detail: format!("its schema {version} was made by a different build of allclear"),
        },
        other => JournalError::Open {
            path: location.to_owned(),
            detail: clean(&other.to_string()).into_owned(),
        },
    }
}

/// Something in the journal that this program could not have written.
pub(super) fn odd(what: &str, detail: impl std::fmt::Display) -> JournalError {
    JournalError::Damaged { detail: format!("{what}: {}", clean(&detail.to_string())) }
}

/// Errors that have a cause of their own (source: SQLite "Result and Error Codes", primary codes).
fn known(location: &str, error: &sqlx::Error) -> Option<JournalError> {
    let database = match error {
        sqlx::Error::Database(database) => database,
        #[cfg(feature = "postgres")]
        sqlx::Error::Io(_) | sqlx::Error::Tls(_) if distrust(error).is_some() => {
            return Some(JournalError::Open { path: location.to_owned(), detail: words(error) });
        }
        // a file has no such way to it
        #[cfg(feature = "postgres")]
        sqlx::Error::Io(_)
        | sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::PoolClosed => {
            return Some(JournalError::Gone { journal: location.to_owned(), detail: words(error) });
        }
        sqlx::Error::PoolTimedOut => {
            return Some(JournalError::Busy { detail: "every connection is in use".to_owned() });
        }
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => {
            return Some(odd(location, error));
        }
        _ => return None,
    };
    let code = database.code()?;
    #[cfg(feature = "postgres")]
    if database.try_downcast_ref::<sqlx::postgres::PgDatabaseError>().is_some() {
        return sql_state(location, &code, words(error));
    }
    meaning(location, code.parse().ok()?, words(error))
}

/// What a server's answer means; `None` for what says nothing about it (source: PostgreSQL "Error Codes").
#[cfg(feature = "postgres")]
fn sql_state(location: &str, code: &str, words: String) -> Option<JournalError> {
    let path = location.to_owned();
    Some(match (code.get(..2)?, code) {
        // connection lost, shutting down, starting up, no connection free
        ("08", _) | (_, "57P01" | "57P02" | "57P03" | "53300") => {
            JournalError::Gone { journal: path, detail: words }
        }
        // serialisation, deadlock, lock not to be had, statement took too long
        (_, "40001" | "40P01" | "55P03" | "57014") => JournalError::Busy { detail: words },
        // password, role, database, schema, rights
        ("28" | "3D" | "3F", _) | (_, "42501") => JournalError::Open { path, detail: words },
        (_, "25006") => JournalError::Write { detail: format!("{path} is read-only: {words}") },
        (_, "53100") => {
            JournalError::Write { detail: format!("the disk that holds {path} is full") }
        }
        ("XX", _) => JournalError::Damaged { detail: format!("{path}: {words}") },
        _ => return None,
    })
}

/// What an extended result code means; `None` for what says nothing about the file.
fn meaning(location: &str, code: i64, words: String) -> Option<JournalError> {
    /// The file was moved or deleted under an open connection.
    const MOVED: i64 = 8 | (4 << 8);
    let path = location.to_owned();
    Some(match (code & 0xff, code) {
        (3 | 14 | 23, _) => JournalError::Open { path, detail: words },
        (5 | 6 | 15, _) => JournalError::Busy { detail: words },
        (7, _) => JournalError::Write { detail: format!("{path}: this host is out of memory") },
        (8, MOVED) => JournalError::Write {
            detail: format!("{path} was moved or deleted while it was open; start again"),
        },
        (8, _) => JournalError::Write { detail: format!("{path} is read-only") },
        (10, _) => JournalError::Write { detail: format!("{path}: {words} ({code})") },
        (11 | 26, _) => JournalError::Damaged { detail: format!("{path}: {words}") },
        (13, _) => JournalError::Write { detail: format!("the disk that holds {path} is full") },
        _ => return None,
    })
}

/// Why a server that answers is not talked to, and what is to be done about it.
#[cfg(feature = "postgres")]
fn distrust(error: &sqlx::Error) -> Option<String> {
    use rustls::{CertificateError, Error};
    let broken = match error {
        sqlx::Error::Tls(why) if why.to_string() == "server does not support TLS" => {
            return Some(
                "it does not speak TLS: turn that on there (ssl = on), or say sslmode=disable where nobody else hears"
                    .to_owned(),
            );
        }
        sqlx::Error::Tls(why) => return Some(format!("TLS cannot be used: {why}")),
        sqlx::Error::Io(why) => why.get_ref()?.downcast_ref::<Error>()?,
        _ => return None,
    };
    Some(match broken {
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "nobody whom this host trusts has signed its certificate: name the file of its CA with sslrootcert=FILE in \
             the URL or PGSSLROOTCERT"
                .to_owned()
        }
        Error::InvalidCertificate(CertificateError::NotValidForNameContext {
            expected,
            presented,
        }) => format!(
            "its certificate is for {}, not for {}: reach it by a name that is in it, or have that one added",
            presented.join(", "),
            expected.to_str()
        ),
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "its certificate has run out: have it renewed, and look at the clock of this host".to_owned(),
        Error::InvalidCertificate(why) => format!("its certificate is not accepted: {why}"),
        other => format!("TLS failed: {other}"),
    })
}

/// The database's own words, cleaned and without the library's.
pub(super) fn words(error: &sqlx::Error) -> String {
    #[cfg(feature = "postgres")]
    if let Some(why) = distrust(error) {
        return clean(&why).into_owned();
    }
    let raw = match error {
        sqlx::Error::Database(database) => database.message().to_owned(),
        other => other.to_string(),
    };
    clean(&raw).into_owned()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::busy(5, "the journal is locked by another process: it says so")]
    #[case::busy_snapshot(517, "the journal is locked by another process: it says so")]
    #[case::log_protocol(15, "the journal is locked by another process: it says so")]
    #[case::read_only(8, "the journal cannot be written: /j is read-only")]
    #[case::moved(
        1032,
        "the journal cannot be written: /j was moved or deleted while it was open; start again"
    )]
    #[case::no_memory(7, "the journal cannot be written: /j: this host is out of memory")]
    #[case::write_failed(778, "the journal cannot be written: /j: it says so (778)")]
    #[case::full(13, "the journal cannot be written: the disk that holds /j is full")]
    #[case::damaged(11, "the journal is damaged: /j: it says so")]
    #[case::foreign(26, "the journal is damaged: /j: it says so")]
    #[case::cannot_open(14, "the journal /j cannot be opened: it says so")]
    #[case::not_permitted(3, "the journal /j cannot be opened: it says so")]
    fn codes_have_sentences(#[case] code: i64, #[case] sentence: &str) {
        let meant = meaning("/j", code, "it says so".to_owned()).unwrap();
        assert_eq!(meant.to_string(), sentence);
    }

    #[test]
    fn a_mistake_of_ours_is_no_fault_of_the_file() {
        assert_eq!(meaning("/j", 1, "syntax error".to_owned()), None);
        assert_eq!(meaning("/j", 19, "constraint failed".to_owned()), None);
    }
}
