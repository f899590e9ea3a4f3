//! A journal on a PostgreSQL server, for a team: how it is reached, made ready, looked after while it is open. All that
//! is particular to PostgreSQL.
//!
//! Tables live in a schema of their own, `allclear`, so that a database can be shared with other programs. Passwords
//! come from the URL, `PGPASSWORD` or `~/.pgpass`, as `psql` takes them, and are never shown.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::postgres::PgListener;
use sqlx::{
    AnyConnection, AnyPool, AssertSqlSafe, ConnectOptions as _, Connection as _, Executor as _,
};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::faults;
use super::inspect::{Inspection, ServerSeen};
use super::link::{Link, Locks, Server, Ways};
use super::open::{APPLICATION_ID, options};
use super::presence::taking;
use super::processes::Processes;
use super::schema::{self, found_schema, known_schema};
use super::sql_journal::SqlJournal;
use crate::domain::text::clean;
use crate::domain::time::Timestamp;
use crate::ports::journal::JournalError;

/// Connections of one process. A server has a hundred for everybody unless it says otherwise.
const CONNECTIONS: u32 = 5;
/// Longest wait for a connection, for the answer to a question that costs nothing, and between such questions.
const CONNECT: Duration = Duration::from_secs(5);
/// Longest wait for a connection of the pool: as long as a statement may take. A server that is gone is noticed sooner.
const FREE: Duration = Duration::from_secs(30);
const PING: Duration = Duration::from_secs(3);
const PING_EVERY: Duration = Duration::from_secs(2);
/// Waits between attempts to reach a server that is gone: doubled from the first to the longest.
const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// What members say to each other when something was written; the channel is the database's.
const CHANNEL: &str = "allclear";

/// Every connection: our tables, nothing that waits for ever, and commits that are on disk when they return.
const SESSION: &str = "SET search_path TO allclear; SET statement_timeout = '30s'; SET lock_timeout = '5s'; \
    SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = warning; \
    SET application_name = 'allclear'; \
    SELECT set_config('synchronous_commit', 'on', false) \
    WHERE current_setting('synchronous_commit') IN ('off', 'local')";

/// Whether a location is that of a server.
pub(super) fn is_url(location: &str) -> bool {
    ["postgres://", "postgresql://"].iter().any(|scheme| location.starts_with(scheme))
}

/// A URL as it is used, and what of it may be shown: user, host, port and database.
struct Address {
    url: SecretString,
    shown: String,
}

impl Address {
    /// # Errors
    /// Words without anything of the URL.
    fn of(location: &str) -> Result<Self, JournalError> {
        let refused = |detail: &str| JournalError::Open {
            path: "postgres://…".to_owned(),
            detail: detail.to_owned(),
        };
        let mut url = Url::parse(location)
            .map_err(|why| refused(&format!("it is no URL: {}", clean(&why.to_string()))))?;
        if url.fragment().is_some() {
            return Err(refused("a # in user or password is written %23"));
        }
        let asked = |names: &[&str]| {
            url.query_pairs()
                .find(|(name, _)| names.contains(&&**name))
                .map(|(_, it)| it.into_owned())
        };
        let host = asked(&["host", "hostaddr"])
            .or_else(|| url.host_str().map(str::to_owned).filter(|host| !host.is_empty()));
        let host = host.or_else(|| std::env::var("PGHOST").ok());
        let shown = shown(&url, host.as_deref());
        let says =
            asked(&["sslmode", "ssl-mode"]).is_some() || std::env::var_os("PGSSLMODE").is_some();
        if !says && !host.as_deref().is_none_or(is_this_host) {
            url.query_pairs_mut().append_pair("sslmode", "verify-full");
        }
        Ok(Self { url: SecretString::from(String::from(url)), shown })
    }

    fn options(&self) -> Result<AnyConnectOptions, JournalError> {
        options(self.url.expose_secret(), &self.shown)
    }

    /// One connection, ready for our statements.
    async fn connect(&self) -> Result<AnyConnection, JournalError> {
        let options = self.options()?;
        let connected = timeout(CONNECT, async {
            let mut connection = options.connect().await?;
            connection.execute(SESSION).await?;
            Ok::<_, sqlx::Error>(connection)
        });
        match connected.await {
            Ok(connected) => connected.map_err(|error| {
                self.without_roots().unwrap_or_else(|| faults::reading(&self.shown, &error))
            }),
            Err(_) => Err(JournalError::Gone {
                journal: self.shown.clone(),
                detail: format!("no answer within {} s", CONNECT.as_secs()),
            }),
        }
    }

    /// That the file of roots to trust cannot be read, if so: the driver says no more than that some file is missing.
    fn without_roots(&self) -> Option<JournalError> {
        let url = Url::parse(self.url.expose_secret()).ok()?;
        let named = |name: &str| ["sslrootcert", "ssl-root-cert", "ssl-ca"].contains(&name);
        let given = url.query_pairs().find(|(name, _)| named(name)).map(|(_, it)| it.into_owned());
        let file = given.or_else(|| std::env::var("PGSSLROOTCERT").ok())?;
        let why = std::fs::File::open(&file).err().filter(|_| !file.contains("-----BEGIN"))?;
        Some(JournalError::Open {
            path: self.shown.clone(),
            detail: clean(&format!("sslrootcert {file} cannot be read: {why}")).into_owned(),
        })
    }

    /// Connections that are made when they are needed.
    fn pool(&self) -> Result<AnyPool, JournalError> {
        let pool = AnyPoolOptions::new()
            .max_connections(CONNECTIONS)
            .min_connections(0)
            .acquire_timeout(FREE)
            .idle_timeout(Duration::from_secs(300))
            .max_lifetime(None)
            .test_before_acquire(true) // an answer to one that was closed meanwhile would be none
            .after_connect(|connection, _| {
                Box::pin(async move { connection.execute(SESSION).await.map(drop) })
            });
        Ok(pool.connect_lazy_with(self.options()?))
    }
}

/// What of a URL may be shown.
fn shown(url: &Url, host: Option<&str>) -> String {
    let at = if url.username().is_empty() { "" } else { "@" };
    let host = host.unwrap_or("localhost");
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    clean(&format!("postgres://{}{at}{host}{port}{}", url.username(), url.path())).into_owned()
}

/// Whether nothing leaves this host: a socket, a loopback address.
fn is_this_host(host: &str) -> bool {
    host.starts_with('/')
        || host.starts_with("%2F")
        || host.starts_with("%2f")
        || host == "localhost"
        || host
            .trim_matches(['[', ']'])
            .parse::<std::net::IpAddr>()
            .is_ok_and(|it| it.is_loopback())
}

/// Opens the journal of a server, making its schema where it is missing. With `keeps_time` its clock counts.
///
/// # Errors
/// What keeps it from being used: unreachable, password, rights, a newer schema.
pub(super) async fn open(
    location: &str,
    processes: Processes,
    keeps_time: bool,
) -> Result<SqlJournal, JournalError> {
    let address = Address::of(location)?;
    let mut first = address.connect().await?;
    let made = set_up(&mut first, &address.shown).await;
    first.close().await.ok(); // what it did was committed
    made?;
    let me = uuid::Uuid::now_v7().simple().to_string();
    let ways = Ways {
        begin: "BEGIN",
        snapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        turn: None,
        values_at_once: 6000, // 65,535 is the most
        locks: Locks {
            share_job: " FOR SHARE OF j",
            share_hand: " FOR SHARE OF j, h",
            keep: " FOR NO KEY UPDATE",
            next: " FOR UPDATE SKIP LOCKED",
        },
        tell: Some(format!("NOTIFY {CHANNEL}, '{me}'")),
    };
    let server = Arc::new(Server::new(&address.shown, keeps_time));
    let stop = CancellationToken::new();
    let link =
        Link::to_server(address.pool()?, ways, Arc::clone(&server), stop.clone().drop_guard());
    let shown = address.shown.clone();
    let care = Care { address, server, pool: link.shared(), changes: link.changes(), me };
    tokio::spawn(stop.run_until_cancelled_owned(care.take()));
    Ok(SqlJournal::over(link, shown, Vec::new(), processes))
}

/// Makes or completes the schema, one process at a time.
async fn set_up(connection: &mut AnyConnection, shown: &str) -> Result<(), JournalError> {
    if !schema::is_behind(connection, shown).await? {
        return Ok(());
    }
    let writing = |error: sqlx::Error| faults::writing(shown, &error);
    let mut transaction = connection.begin_with("BEGIN").await.map_err(writing)?;
    let lock = format!("SELECT pg_advisory_xact_lock({APPLICATION_ID})");
    transaction.execute(AssertSqlSafe(lock)).await.map_err(writing)?;
    let there: i64 = sqlx::query_scalar(
        "SELECT COUNT(*) FROM pg_catalog.pg_namespace WHERE nspname = 'allclear'",
    )
    .fetch_one(&mut *transaction)
    .await
    .map_err(writing)?;
    if there == 0 {
        transaction.execute("CREATE SCHEMA allclear").await.map_err(writing)?;
    }
    schema::bring_up(&mut transaction, &schema::by_bytes(), shown).await?;
    transaction.commit().await.map_err(writing)
}

/// Looks at a journal without making, changing or migrating it.
///
/// # Errors
/// It cannot be reached or asked.
pub(super) async fn inspect(location: &str) -> Result<Inspection, JournalError> {
    let address = Address::of(location)?;
    let mut connection = address.connect().await?;
    let asked = async {
        let began = Instant::now();
        let version: String = sqlx::query_scalar("SELECT current_setting('server_version')")
            .fetch_one(&mut connection)
            .await?;
        let delay = began.elapsed();
        let encrypted: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM pg_catalog.pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl",
        )
        .fetch_one(&mut connection)
        .await?;
        let read_only: i64 =
            sqlx::query_scalar("SELECT CASE WHEN pg_is_in_recovery() THEN 1 ELSE 0 END::BIGINT")
                .fetch_one(&mut connection)
                .await?;
        let schema = found_schema(&mut connection).await?;
        Ok::<_, sqlx::Error>(Inspection {
            path: address.shown.clone(),
            exists: schema.is_some(),
            writable: read_only == 0,
            network: false,
            open_to_others: 0,
            foreign: false,
            schema,
            known_schema: known_schema(),
            mode: None,
            server: Some(ServerSeen {
                version: clean(&version).into_owned(),
                encrypted: encrypted > 0,
                delay,
            }),
        })
    };
    let asked = asked.await;
    connection.close().await.ok(); // it has written nothing
    asked.map_err(|error| faults::reading(&address.shown, &error))
}

impl SqlJournal {
    /// Reads the server's clock, when ours shows `now`.
    pub(super) async fn learn_clock(&self, now: Timestamp) -> Result<(), JournalError> {
        let asked = std::time::Instant::now();
        let there: i64 = sqlx::query_scalar(
            "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)",
        )
        .fetch_one(&self.link.pool())
        .await
        .map_err(|error| faults::reading(&self.location, &error))?;
        self.link.learn_clock(now, asked.elapsed(), there);
        Ok(())
    }
}

/// What looks after a server while its journal is open: hears of changes, measures its delay, notices when it is gone
/// and when it is back.
struct Care {
    address: Address,
    server: Arc<Server>,
    pool: Arc<RwLock<AnyPool>>,
    changes: watch::Sender<u64>,
    /// What we call ourselves when we tell of a change.
    me: String,
}

impl Care {
    async fn take(self) {
        let mut wait = FIRST_WAIT;
        loop {
            match self.listener().await {
                Ok(listener) => {
                    wait = FIRST_WAIT;
                    self.is_back();
                    let why = self.listen(listener).await;
                    tracing::info!(why, "the connection to the journal broke");
                }
                Err(why) => {
                    self.server.is_lost(why);
                    sleep(wait.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
                    wait = (wait * 2).min(LONGEST_WAIT);
                }
            }
        }
    }

    /// A connection of its own, so that busy ones are not taken for a server that is gone.
    async fn listener(&self) -> Result<PgListener, String> {
        let connected = timeout(CONNECT, async {
            let mut listener = PgListener::connect(self.address.url.expose_secret()).await?;
            listener.eager_reconnect(false);
            listener.listen(CHANNEL).await?;
            Ok::<_, sqlx::Error>(listener)
        });
        match connected.await {
            Ok(Ok(listener)) => Ok(listener),
            Ok(Err(error)) => Err(faults::words(&error)),
            Err(_) => Err(format!("no answer within {} s", CONNECT.as_secs())),
        }
    }

    /// After an outage with connections of which nobody knows whether they still are ones.
    fn is_back(&self) {
        if self.server.is_gone() {
            match self.address.pool() {
                Ok(fresh) => *self.pool.write().unwrap_or_else(PoisonError::into_inner) = fresh,
                Err(error) => tracing::warn!(%error, "no new connections"),
            }
        }
        self.server.answered(Duration::ZERO);
        self.changed(); // whatever was said meanwhile was not heard
    }

    fn changed(&self) {
        self.changes.send_modify(|number| *number += 1);
    }

    /// Says that a member is there, for as long as the connection is.
    async fn is_there(&self, listener: &mut PgListener, member: &str) -> Result<(), String> {
        let taken = listener.execute(AssertSqlSafe(taking(member)));
        match timeout(PING, taken).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(faults::words(&error)),
            Err(_) => Err(format!("no answer within {} s", PING.as_secs())),
        }
    }

    /// Until the connection breaks or does not answer; says why.
    async fn listen(&self, mut listener: PgListener) -> String {
        let mut joined = self.server.member.subscribe();
        joined.mark_changed(); // on every connection anew
        loop {
            let asked = Instant::now();
            match timeout(PING, (&mut listener).execute("SELECT 1")).await {
                Ok(Ok(_)) => self.server.answered(asked.elapsed()),
                Ok(Err(error)) => return faults::words(&error),
                Err(_) => return format!("no answer within {} s", PING.as_secs()),
            }
            let next = Instant::now() + PING_EVERY;
            loop {
                tokio::select! {
                    () = tokio::time::sleep_until(next) => break,
                    () = self.server.doubted.notified() => break,
                    Ok(()) = joined.changed() => {
                        let member = joined.borrow_and_update().clone();
                        if let Some(member) = member
                            && let Err(error) = self.is_there(&mut listener, &member).await
                        {
                            return error;
                        }
                    }
                    told = listener.try_recv() => match told {
                        Ok(Some(told)) if told.payload() == self.me => {} // counted when it was written
                        Ok(Some(_)) => self.changed(),
                        Ok(None) => return "the server closed the connection".to_owned(),
                        Err(error) => return faults::words(&error),
                    },
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("postgres://ana:hush@db.example/team", "postgres://ana@db.example/team", true)]
    #[case(
        "postgres://ana:hush@db.example:6000/team?password=hush&sslmode=require",
        "postgres://ana@db.example:6000/team",
        false
    )]
    #[case("postgresql://127.0.0.1:5433/team", "postgres://127.0.0.1:5433/team", false)]
    #[case("postgres://[::1]/team?user=ana", "postgres://[::1]/team", false)]
    #[case(
        "postgres:///team?host=/run/postgresql&password=hush",
        "postgres:///run/postgresql/team",
        false
    )]
    fn a_password_is_never_shown_and_the_way_is_encrypted(
        #[case] location: &str,
        #[case] shown: &str,
        #[case] verified: bool,
    ) {
        let address = Address::of(location).unwrap();
        assert_eq!(address.shown, shown);
        assert!(!address.shown.contains("hush"));
        assert_eq!(address.url.expose_secret().contains("sslmode=verify-full"), verified);
    }

    #[test]
    fn a_url_that_is_none_is_not_repeated() {
        let Err(error) = Address::of("postgres://ana:hush@[h/x") else { panic!("it is none") };
        assert!(!error.to_string().contains("hush"), "{error}");
    }
}
