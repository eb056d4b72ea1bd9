//! What is read from the tables.

use std::{collections::BTreeMap, fmt, str::FromStr};

use cutover_domain::{Held, Percent, Phase, RouteState, Target};
use sqlx::{Row, SqliteConnection, sqlite::SqliteRow};

use crate::{Store, fault::Fault, record::Listing};

/// Everything that the control plane keeps in memory, read in one transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Random name of this store, given once when it was created.
    pub store_id: String,
    /// The head: the last revision recorded; 0 in a new store.
    pub revision: u64,
    /// Hash of the configuration last accepted; `None` before the first.
    pub config_hash: Option<String>,
    /// Every route ever seen, by id, also those no longer declared.
    pub routes: BTreeMap<String, RouteRecord>,
    /// Every token, expired ones included, by name.
    pub tokens: Vec<Token>,
}

/// What tells whether someone else wrote to the store: little, so that it can be read often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// The last revision recorded; 0 in a new store.
    pub revision: u64,
    /// As in [`Snapshot::tokens`].
    pub tokens: Vec<Token>,
}

/// Where a route is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RouteRecord {
    /// Phase, share, latch and last revision.
    pub state: RouteState,
    /// The file's value last taken note of; `None`: none was ever applied.
    pub declared: Option<Target>,
    /// When phase or share last changed, in milliseconds since 1970.
    pub changed_at_ms: u64,
}

/// One revision as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revision {
    /// Its number; rises store-wide.
    pub revision: u64,
    /// When, in milliseconds since 1970.
    pub at_ms: u64,
    /// Who: a token's name, or `file`, `legacy-all`, `cutover`.
    pub actor: String,
    /// Why, in the actor's words.
    pub reason: String,
    /// What set it off.
    pub trigger: Trigger,
    /// A phase was skipped on request.
    pub forced: bool,
    /// Hash of the configuration accepted with it; `None`: no files were.
    pub config_hash: Option<String>,
    /// Which routes came into the files or went from them with it; each part in order of ids.
    pub listing: Listing,
    /// What it did; empty where only the configuration changed.
    pub changes: Vec<RecordedChange>,
}

/// What a revision did to one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedChange {
    /// The route.
    pub route: String,
    /// Where it was.
    pub from: Target,
    /// Where it went; equal to `from` where only the latch moved.
    pub to: Target,
    /// What happened to its latch; `None`: nothing.
    pub latch: Option<LatchChange>,
}

/// What set a revision off. Closed, so that it can label metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Trigger {
    /// A file's value changed.
    File,
    /// A person or their script.
    Operator,
    /// The file `legacy-all`.
    KillSwitch,
    /// The proxy's own watch over new.
    Guard,
    /// The store had lost what the node still knew.
    Recovery,
    /// A page about the route, which lets pages roll it back.
    Alert,
}

/// What happened to a latch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum LatchChange {
    /// It was put on, or got another cause.
    Held,
    /// It was taken off.
    Released,
}

/// A credential of the admin API. Only its hash is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// Unique; the actor of what is done with it.
    pub name: String,
    /// Name of its role.
    pub role: String,
    /// SHA-256 of the token's text.
    pub sha256: [u8; 32],
    /// When it was made, in milliseconds since 1970.
    pub created_ms: u64,
    /// When it stops working; `None`: never.
    pub expires_ms: Option<u64>,
}

// === impl Store ===

impl Store {
    /// Reads everything, as of one moment.
    pub async fn snapshot(&self) -> Result<Snapshot, Fault> {
        const DOING: &str = "read the routes' states";
        self.check_present(DOING)?;
        self.read_snapshot().await.map_err(self.fault(DOING))
    }

    /// Reads what tells whether [`Store::snapshot`] has changed, as of one moment.
    pub async fn head(&self) -> Result<Head, Fault> {
        const DOING: &str = "read the last revision";
        self.check_present(DOING)?;
        self.read_head().await.map_err(self.fault(DOING))
    }

    async fn read_head(&self) -> Result<Head, sqlx::Error> {
        let mut read = self.pool.begin().await?;
        let revision = head_of(&mut read).await?;
        Ok(Head { revision, tokens: tokens_of(&mut read).await? })
    }

    async fn read_snapshot(&self) -> Result<Snapshot, sqlx::Error> {
        let mut read = self.pool.begin().await?;
        let store_id = sqlx::query_scalar("SELECT value FROM meta WHERE key = 'store_id'")
            .fetch_one(&mut *read)
            .await?;
        let revision = head_of(&mut read).await?;
        let config_hash = sqlx::query_scalar(
            "SELECT config_hash FROM revision WHERE config_hash IS NOT NULL ORDER BY rev DESC LIMIT 1",
        )
        .fetch_optional(&mut *read)
        .await?;
        let rows = sqlx::query("SELECT * FROM route_state").fetch_all(&mut *read).await?;
        let routes = rows.iter().map(route_of).collect::<Result<_, _>>()?;
        let tokens = tokens_of(&mut read).await?;
        Ok(Snapshot { store_id, revision, config_hash, routes, tokens })
    }

    /// Revisions, newest first: of `route` only (and of them only its own changes), older than
    /// `before` only, at most `limit`.
    pub async fn history(
        &self,
        route: Option<&str>,
        limit: u32,
        before: Option<u64>,
    ) -> Result<Vec<Revision>, Fault> {
        const DOING: &str = "read the history";
        self.check_present(DOING)?;
        let rows = sqlx::query(
            "SELECT r.*, c.route, c.from_phase, c.from_bp, c.to_phase, c.to_bp, c.latch
             FROM (SELECT * FROM revision
                   WHERE rev < ?1
                     AND (?2 IS NULL OR rev IN (SELECT rev FROM change WHERE route = ?2
                                            UNION SELECT rev FROM listing WHERE route = ?2))
                   ORDER BY rev DESC LIMIT ?3) r
             LEFT JOIN change c ON c.rev = r.rev AND (?2 IS NULL OR c.route = ?2)
             ORDER BY r.rev DESC, c.route",
        )
        .bind(before.map_or(i64::MAX, signed))
        .bind(route)
        .bind(limit)
        .fetch_all(&self.pool)
        .await
        .map_err(self.fault(DOING))?;
        let mut revisions = revisions_of(&rows).map_err(self.fault(DOING))?;
        self.read_listings(route, &mut revisions).await.map_err(self.fault(DOING))?;
        Ok(revisions)
    }

    /// Revisions are never changed, so they may be read one after the other.
    async fn read_listings(
        &self,
        route: Option<&str>,
        revisions: &mut [Revision],
    ) -> Result<(), sqlx::Error> {
        let (Some(newest), Some(oldest)) = (revisions.first(), revisions.last()) else {
            return Ok(());
        };
        let rows = sqlx::query(
            "SELECT rev, route, what FROM listing
             WHERE rev BETWEEN ?1 AND ?2 AND (?3 IS NULL OR route = ?3) ORDER BY rev, route",
        )
        .bind(signed(oldest.revision))
        .bind(signed(newest.revision))
        .bind(route)
        .fetch_all(&self.pool)
        .await?;
        for row in &rows {
            let number = unsigned(row.try_get("rev")?);
            let Some(of) = revisions.iter_mut().find(|of| of.revision == number) else { continue };
            let listing = match row.try_get("what")? {
                "added" => &mut of.listing.added,
                _ => &mut of.listing.removed,
            };
            listing.push(row.try_get("route")?);
        }
        Ok(())
    }
}

async fn head_of(read: &mut SqliteConnection) -> Result<u64, sqlx::Error> {
    let revision: i64 =
        sqlx::query_scalar("SELECT coalesce(max(rev), 0) FROM revision").fetch_one(read).await?;
    Ok(unsigned(revision))
}

async fn tokens_of(read: &mut SqliteConnection) -> Result<Vec<Token>, sqlx::Error> {
    let rows = sqlx::query("SELECT * FROM token ORDER BY name").fetch_all(read).await?;
    rows.iter().map(token_of).collect()
}

fn revisions_of(rows: &[SqliteRow]) -> Result<Vec<Revision>, sqlx::Error> {
    let mut revisions: Vec<Revision> = Vec::new();
    for row in rows {
        let number = unsigned(row.try_get("rev")?);
        if revisions.last().is_none_or(|last| last.revision != number) {
            revisions.push(revision_of(row)?);
        }
        if let Some(last) = revisions.last_mut()
            && row.try_get::<Option<&str>, _>("route")?.is_some()
        {
            last.changes.push(change_of(row)?);
        }
    }
    Ok(revisions)
}

fn revision_of(row: &SqliteRow) -> Result<Revision, sqlx::Error> {
    Ok(Revision {
        revision: unsigned(row.try_get("rev")?),
        at_ms: unsigned(row.try_get("at_ms")?),
        actor: row.try_get("actor")?,
        reason: row.try_get("reason")?,
        trigger: parsed(row.try_get("trigger")?)?,
        forced: row.try_get("forced")?,
        config_hash: row.try_get("config_hash")?,
        listing: Listing::default(),
        changes: Vec::new(),
    })
}

fn change_of(row: &SqliteRow) -> Result<RecordedChange, sqlx::Error> {
    let latch = match row.try_get("latch")? {
        Some("held") => Some(LatchChange::Held),
        Some(_) => Some(LatchChange::Released),
        None => None,
    };
    Ok(RecordedChange {
        route: row.try_get("route")?,
        from: target_of(row.try_get("from_phase")?, row.try_get("from_bp")?)?,
        to: target_of(row.try_get("to_phase")?, row.try_get("to_bp")?)?,
        latch,
    })
}

fn route_of(row: &SqliteRow) -> Result<(String, RouteRecord), sqlx::Error> {
    Ok((row.try_get("route")?, record_of(row)?))
}

pub(crate) fn record_of(row: &SqliteRow) -> Result<RouteRecord, sqlx::Error> {
    let target = target_of(row.try_get("phase")?, row.try_get("percent_bp")?)?;
    let declared: Option<&str> = row.try_get("declared_phase")?;
    let declared = match declared {
        Some(phase) => Some(target_of(phase, row.try_get("declared_bp")?)?),
        None => None,
    };
    let held: Option<String> = row.try_get("held_cause")?;
    let build = row.try_get("held_build")?;
    let state = RouteState {
        phase: target.phase,
        percent: target.percent,
        revision: unsigned(row.try_get("revision")?),
        shadowed: row.try_get("shadowed")?,
        held: held.map(|cause| Held { cause, build }),
    };
    Ok(RouteRecord { state, declared, changed_at_ms: unsigned(row.try_get("changed_at_ms")?) })
}

fn token_of(row: &SqliteRow) -> Result<Token, sqlx::Error> {
    let sha256: &[u8] = row.try_get("sha256")?;
    let expires: Option<i64> = row.try_get("expires_ms")?;
    Ok(Token {
        name: row.try_get("name")?,
        role: row.try_get("role")?,
        sha256: sha256.try_into().map_err(|_| damaged("a token's hash is not 32 bytes long"))?,
        created_ms: unsigned(row.try_get("created_ms")?),
        expires_ms: expires.map(unsigned),
    })
}

fn target_of(phase: &str, basis_points: i64) -> Result<Target, sqlx::Error> {
    let phase: Phase = parsed(phase)?;
    let percent = u16::try_from(basis_points).ok().and_then(Percent::from_basis_points);
    let percent = percent.ok_or_else(|| damaged("a share is not within 0 to 10,000"))?;
    Ok(Target { phase, percent })
}

fn parsed<T: FromStr>(text: &str) -> Result<T, sqlx::Error> {
    text.parse().map_err(|_| damaged("a column holds a word that this release does not know"))
}

pub(crate) fn damaged(what: &'static str) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}

/// SQLite has no unsigned integers; ours never reach 2^63.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// A negative number is no revision and no time of ours: it reads as 0.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

// === impl Trigger ===

impl Trigger {
    /// Every trigger.
    pub const ALL: [Trigger; 6] = [
        Trigger::File,
        Trigger::Operator,
        Trigger::KillSwitch,
        Trigger::Guard,
        Trigger::Recovery,
        Trigger::Alert,
    ];

    /// The name used in the store, the API and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Trigger::File => "file",
            Trigger::Operator => "operator",
            Trigger::KillSwitch => "kill_switch",
            Trigger::Guard => "guard",
            Trigger::Recovery => "recovery",
            Trigger::Alert => "alert",
        }
    }
}

impl fmt::Display for Trigger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Trigger {
    type Err = ();

    fn from_str(text: &str) -> Result<Trigger, ()> {
        Trigger::ALL.into_iter().find(|trigger| trigger.as_str() == text).ok_or(())
    }
}

// === impl LatchChange ===

impl LatchChange {
    /// The name used in the store and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            LatchChange::Held => "held",
            LatchChange::Released => "released",
        }
    }
}
