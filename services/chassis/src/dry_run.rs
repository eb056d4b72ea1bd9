//! Dry runs: what a write would have answered and changed, without changing anything.
//!
//! The proxy sends a new service copies of writes that legacy serves, marked `Cutover-Shadow: 1`,
//! to see whether the service would answer as legacy does. Such a copy is handled like any request
//! but for one thing: its transaction is rolled back where it would have been committed, and the
//! answer says in [`EFFECT`] what the commit would have changed. Ids, versions and refusals are
//! those that the real request would get, since the database made them.
//!
//! A service cannot forget it. Handlers are given a [`PublicDatabase`], which only reads; the one
//! way to write is the extractor [`Write`], whose [`Tx`] knows what kind of request it serves. The
//! effect is not what the handler claims: it is what SQLite reports row by row (its update hook).
//! And a `COMMIT` in a dry run's own SQL is refused by SQLite itself (its commit hook).
//!
//! **Who may ask for it.** Whoever can send the mark can make a write look done that is not, and is
//! told rows as they are stored. So it is honoured only on listeners that stand behind the proxy
//! ([`Honours`]), which takes every `Cutover-*` field off what clients send; by default those on
//! loopback. Elsewhere a marked write is refused with 501 rather than done: it may be a copy of
//! one that legacy has done already. A mark other than `1` is refused too. Marked reads are
//! answered as ever.
//!
//! **What a dry run leaves.** Nothing in the database, ids included. A line in the access log that
//! ends in ` shadow`; a duration in `http_server_shadow_request_duration_seconds`, and none in the
//! metric of real requests.
//!
//! **What it cannot see.** Constraints declared `DEFERRABLE INITIALLY DEFERRED`, which only a
//! commit checks; and what a commit itself meets, such as a full disk. While it runs it holds the
//! one writing connection, as long as the real request would, less the time of the disk.

use std::net::IpAddr;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::extract::{FromRef, FromRequestParts};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use sqlx::sqlite::SqlitePool;
use sqlx::{Sqlite, SqliteConnection, Transaction};

use crate::Database;
use crate::problem::Problem;
use effect::{Change, Effect};

mod effect;

pub use effect::EFFECT_BYTES_MAX;

/// Marks a request as a copy, by the value `1`.
pub const SHADOW: HeaderName = HeaderName::from_static("cutover-shadow");

/// What a dry run would have changed: a field of its answer, and of no other.
///
/// There on every marked request whose method is not safe (RFC 9110 §9.2.1), and on one that wrote
/// all the same. Visible ASCII: a JSON array without white space, one object per row, in the order
/// in which rows were first touched, keys sorted, other characters as `\uXXXX`:
///
/// ```json
/// [{"id":43,"op":"insert","row":{"id":43,"name":"Lamp","version":1},"table":"devices"},
///  {"id":7,"op":"delete","table":"devices"}]
/// ```
///
/// *op* is `insert`, `update` or `delete`, from before the transaction to its end: a row inserted
/// and deleted again is not told. *id* is SQLite's rowid. *row* has every column as it would be
/// after the commit: integers, reals and text as such, bytes as `{"hex":"0aff"}`. `[]`: nothing
/// would have changed.
///
/// Longer than [`EFFECT_BYTES_MAX`]: `{"bytes":5120,"xxh3":"<32 hex digits>"}`, its length and the
/// xxh3-128 of it.
///
/// SQLite does not report rows of tables `WITHOUT ROWID`, nor that a `REPLACE` took a row away
/// before it put the new one: such a row is told as `insert`.
pub const EFFECT: HeaderName = HeaderName::from_static("cutover-effect");

/// On which public listeners the mark [`SHADOW`] is honoured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Honours {
    /// On loopback, where only the machine's own processes connect.
    #[default]
    Loopback,
    /// Everywhere: nothing but the proxy reaches the listener.
    Always,
    /// Nowhere: marked writes are refused.
    Never,
}

/// A database as handlers of public requests may use it: to read. They write by [`Write`].
///
/// ```compile_fail
/// async fn handler(database: chassis::dry_run::PublicDatabase) {
///     let tx = database.write().await; // no such method: a dry run would commit
/// }
/// ```
#[derive(Clone, Debug)]
pub struct PublicDatabase(Database);

/// The right of one request to write, in one transaction. An extractor; the handler's state gives
/// the [`PublicDatabase`].
///
/// # Errors
/// Rejects with 501 `dry_run_refused` where the request is marked but the mark is not honoured, and
/// with 500 `dry_run_unknown` where the request did not come in by a [`crate::Server`]'s public
/// listener, so that nobody can say whether it is a dry run.
#[derive(Debug)]
pub struct Write {
    database: Database,
    dry: Option<Intent>,
}

/// A write transaction: committed for a real request, rolled back for a dry run.
///
/// Dropped without [`Tx::commit`], it is rolled back for either and has no effect to tell.
pub struct Tx {
    inner: Transaction<'static, Sqlite>,
    dry: Option<Rehearsal>,
}

/// How a public request is to be handled; one of its extensions.
#[derive(Clone, Debug)]
pub(crate) enum Mode {
    Real,
    Dry(Intent),
    /// Marked, but not to be believed.
    Refused,
}

/// What the request's transaction would have changed; `None`: it was not committed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Intent(Arc<Mutex<Option<Effect>>>);

/// A dry run's transaction under way.
struct Rehearsal {
    intent: Intent,
    /// While this lives, the connection notes its changes and refuses to commit.
    changes: Arc<Mutex<Vec<Change>>>,
}

// === impl Honours ===

impl Honours {
    pub(crate) fn on(self, listener: IpAddr) -> bool {
        match self {
            Honours::Loopback => listener.to_canonical().is_loopback(),
            Honours::Always => true,
            Honours::Never => false,
        }
    }
}

// === impl PublicDatabase ===

impl PublicDatabase {
    /// See [`Database::read`].
    pub fn read(&self) -> &SqlitePool {
        self.0.read()
    }

    /// See [`Database::snapshot`].
    pub async fn snapshot(&self) -> sqlx::Result<Transaction<'static, Sqlite>> {
        self.0.snapshot().await
    }
}

impl From<Database> for PublicDatabase {
    fn from(database: Database) -> PublicDatabase {
        PublicDatabase(database)
    }
}

// === impl Write ===

impl<S: Send + Sync> FromRequestParts<S> for Write
where
    PublicDatabase: FromRef<S>,
{
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Write, Problem> {
        let PublicDatabase(database) = PublicDatabase::from_ref(state);
        match parts.extensions.get::<Mode>() {
            Some(Mode::Real) => Ok(Write { database, dry: None }),
            Some(Mode::Dry(intent)) => Ok(Write { database, dry: Some(intent.clone()) }),
            Some(Mode::Refused) => Err(refused()),
            None => Err(unknown()),
        }
    }
}

impl Write {
    /// Begins the transaction. Read the request's body before: it holds the one writing connection.
    pub async fn begin(self) -> sqlx::Result<Tx> {
        let mut inner = self.database.write().await?;
        let dry = match self.dry {
            Some(intent) => Some(Rehearsal::begin(intent, &mut inner).await?),
            None => None,
        };
        Ok(Tx { inner, dry })
    }
}

fn refused() -> Problem {
    let detail = "this is marked as a copy (Cutover-Shadow), and this listener does not honour the mark, so nothing was done; if only the proxy can reach it, start the service with --dry-run always";
    Problem::new(StatusCode::NOT_IMPLEMENTED, "dry_run_refused", detail)
}

fn unknown() -> Problem {
    let detail = "nobody noted whether this request is a dry run, so nothing was done; serve the routes by chassis::Server and keep the request's extensions";
    Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "dry_run_unknown", detail)
}

// === impl Tx ===

impl Tx {
    /// Makes the changes last; in a dry run notes them as the request's effect and undoes them.
    pub async fn commit(mut self) -> sqlx::Result<()> {
        let Some(rehearsal) = self.dry.take() else { return self.inner.commit().await };
        let changes = std::mem::take(&mut *lock(&rehearsal.changes));
        let effect = Effect::read(&mut self.inner, changes).await?;
        self.inner.rollback().await?;
        *lock(&rehearsal.intent.0) = Some(effect);
        Ok(())
    }
}

impl Deref for Tx {
    type Target = SqliteConnection;

    fn deref(&self) -> &SqliteConnection {
        &self.inner
    }
}

impl DerefMut for Tx {
    fn deref_mut(&mut self) -> &mut SqliteConnection {
        &mut self.inner
    }
}

// === impl Rehearsal ===

impl Rehearsal {
    /// The hooks stay on the connection when the request is over, and do nothing any more: nobody
    /// could take them off where a client leaves in the middle.
    async fn begin(intent: Intent, connection: &mut SqliteConnection) -> sqlx::Result<Rehearsal> {
        let changes = Arc::new(Mutex::new(Vec::new()));
        let (noted, alive) = (Arc::downgrade(&changes), Arc::downgrade(&changes));
        let mut handle = connection.lock_handle().await?;
        handle.set_update_hook(move |change| {
            if let Some(noted) = noted.upgrade() {
                lock(&noted).extend(Change::of(&change));
            }
        });
        handle.set_commit_hook(move || alive.strong_count() == 0);
        Ok(Rehearsal { intent, changes })
    }
}

// === impl Mode ===

impl Mode {
    /// `honours`: whether the listener stands behind the proxy.
    pub(crate) fn of(headers: &HeaderMap, honours: bool) -> Mode {
        let mut marks = headers.get_all(SHADOW).iter();
        match (marks.next(), marks.next()) {
            (None, _) => Mode::Real,
            (Some(mark), None) if honours && mark == "1" => Mode::Dry(Intent::default()),
            _ => Mode::Refused,
        }
    }

    pub(crate) fn is_dry(&self) -> bool {
        matches!(self, Mode::Dry(_))
    }

    /// Puts the effect of a dry run into its answer.
    pub(crate) fn tell<B>(&self, method: &Method, response: &mut Response<B>) {
        let Mode::Dry(intent) = self else { return };
        let effect = lock(&intent.0).take();
        if effect.is_some() || !method.is_safe() {
            let value: HeaderValue = effect.unwrap_or_default().to_header();
            response.headers_mut().insert(EFFECT, value);
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
