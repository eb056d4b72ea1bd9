//! Recording a revision: compare, set, all or nothing.

use cutover_domain::{Phase, RouteState, Target};
use sqlx::SqliteConnection;

use crate::{
    Store,
    fault::RecordError,
    rows::{LatchChange, RouteRecord, Trigger, record_of, signed, unsigned},
};

/// A revision to be recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewRevision {
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
    /// The new revision's number will be above this one, whatever the store's head is. For a node
    /// that went on numbering while the store was away; else 0.
    pub above: u64,
    /// Hash of the configuration accepted with it; `None`: no files were.
    pub config_hash: Option<String>,
    /// Which routes came into the files or went from them with that configuration.
    pub listing: Listing,
    /// One per route, each route at most once. May be empty: the configuration alone changed.
    pub changes: Vec<Change>,
}

/// What a configuration did to the list of routes, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Listing {
    /// Routes that the configuration before did not declare.
    pub added: Vec<String>,
    /// Routes that it no longer declares; their requests go to the default upstream.
    pub removed: Vec<String>,
}

/// What a revision shall do to one route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The route.
    pub route: String,
    /// The revision that the decision was based on; 0: a route never seen.
    pub expected: u64,
    /// Where it goes. Its `revision` is not read: the new number takes its place.
    pub after: RouteState,
    /// The file's value that is taken note of; `None` leaves the one recorded.
    pub declared: Option<Target>,
}

// === impl Store ===

impl Store {
    /// Records `revision` if every route still is where its change expects, and gives its number,
    /// which is above every number before. Durable when it returns.
    pub async fn record(&self, revision: &NewRevision) -> Result<u64, RecordError> {
        const DOING: &str = "record a revision";
        self.check_present(DOING)?;
        let fault = self.fault(DOING);
        let mut write = self.pool.begin_with("BEGIN IMMEDIATE").await.map_err(&fault)?;
        let number = insert(&mut write, revision).await.map_err(&fault)?;
        list(&mut write, number, &revision.listing).await.map_err(&fault)?;
        for change in &revision.changes {
            let present = present(&mut write, &change.route).await.map_err(&fault)?;
            check_expected(change, present.as_ref())?;
            let change = Settled { change, number, at_ms: revision.at_ms, before: present };
            change.put(&mut write).await.map_err(&fault)?;
        }
        write.commit().await.map_err(&fault)?;
        Ok(number)
    }
}

/// A change whose expectation held.
struct Settled<'a> {
    change: &'a Change,
    number: u64,
    at_ms: u64,
    before: Option<RouteRecord>,
}

async fn insert(write: &mut SqliteConnection, new: &NewRevision) -> Result<u64, sqlx::Error> {
    let number: i64 = sqlx::query_scalar(
        "INSERT INTO revision (rev, at_ms, actor, reason, trigger, forced, config_hash)
         VALUES (1 + max(?1, (SELECT coalesce(max(rev), 0) FROM revision)), ?2, ?3, ?4, ?5, ?6, ?7)
         RETURNING rev",
    )
    .bind(signed(new.above))
    .bind(signed(new.at_ms))
    .bind(&new.actor)
    .bind(&new.reason)
    .bind(new.trigger.as_str())
    .bind(new.forced)
    .bind(&new.config_hash)
    .fetch_one(write)
    .await?;
    Ok(unsigned(number))
}

async fn list(
    write: &mut SqliteConnection,
    number: u64,
    listing: &Listing,
) -> Result<(), sqlx::Error> {
    let added = listing.added.iter().map(|route| (route, "added"));
    let removed = listing.removed.iter().map(|route| (route, "removed"));
    for (route, what) in added.chain(removed) {
        sqlx::query("INSERT INTO listing (rev, route, what) VALUES (?, ?, ?)")
            .bind(signed(number))
            .bind(route)
            .bind(what)
            .execute(&mut *write)
            .await?;
    }
    Ok(())
}

async fn present(
    write: &mut SqliteConnection,
    route: &str,
) -> Result<Option<RouteRecord>, sqlx::Error> {
    let row = sqlx::query("SELECT * FROM route_state WHERE route = ?")
        .bind(route)
        .fetch_optional(write)
        .await?;
    row.as_ref().map(record_of).transpose()
}

fn check_expected(change: &Change, present: Option<&RouteRecord>) -> Result<(), RecordError> {
    let found = present.map_or(0, |present| present.state.revision);
    if found == change.expected {
        return Ok(());
    }
    let (route, expected) = (change.route.clone(), change.expected);
    Err(RecordError::Stale { route, expected, found, present: present.cloned().map(Box::new) })
}

// === impl Settled ===

impl Settled<'_> {
    async fn put(&self, write: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        self.put_change(write).await?;
        self.put_state(write).await
    }

    async fn put_change(&self, write: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let from = self.from();
        let to = self.change.after.target();
        sqlx::query(
            "INSERT INTO change (rev, route, from_phase, from_bp, to_phase, to_bp, latch)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(signed(self.number))
        .bind(&self.change.route)
        .bind(from.phase.as_str())
        .bind(from.percent.basis_points())
        .bind(to.phase.as_str())
        .bind(to.percent.basis_points())
        .bind(self.latch().map(LatchChange::as_str))
        .execute(write)
        .await
        .map(drop)
    }

    async fn put_state(&self, write: &mut SqliteConnection) -> Result<(), sqlx::Error> {
        let after = &self.change.after;
        let declared = self.change.declared.or(self.before.as_ref().and_then(|b| b.declared));
        let held = after.held.as_ref().map(|held| held.cause.as_str());
        sqlx::query(
            "INSERT INTO route_state (route, phase, percent_bp, revision, changed_at_ms, shadowed,
                                      held_cause, held_revision, declared_phase, declared_bp,
                                      held_build)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
             ON CONFLICT (route) DO UPDATE SET
                 phase = ?2, percent_bp = ?3, revision = ?4, changed_at_ms = ?5, shadowed = ?6,
                 held_revision = CASE WHEN held_cause IS ?7 AND held_build IS ?11
                                 THEN held_revision ELSE ?8 END,
                 held_cause = ?7, declared_phase = ?9, declared_bp = ?10, held_build = ?11",
        )
        .bind(&self.change.route)
        .bind(after.phase.as_str())
        .bind(after.percent.basis_points())
        .bind(signed(self.number))
        .bind(signed(self.changed_at_ms()))
        .bind(after.shadowed)
        .bind(held)
        .bind(held.map(|_| signed(self.number)))
        .bind(declared.map(|declared| declared.phase.as_str()))
        .bind(declared.map(|declared| declared.percent.basis_points()))
        .bind(after.held.as_ref().and_then(|held| held.build.as_deref()))
        .execute(write)
        .await
        .map(drop)
    }

    /// A route never seen comes from `legacy`: that is where its requests went.
    fn from(&self) -> Target {
        let legacy = Target::phase(Phase::Legacy);
        self.before.as_ref().map_or(legacy, |before| before.state.target())
    }

    fn changed_at_ms(&self) -> u64 {
        match &self.before {
            Some(before) if before.state.target() == self.change.after.target() => {
                before.changed_at_ms
            }
            _ => self.at_ms,
        }
    }

    fn latch(&self) -> Option<LatchChange> {
        let before = self.before.as_ref().and_then(|before| before.state.held.as_ref());
        match (before, &self.change.after.held) {
            (Some(_), None) => Some(LatchChange::Released),
            (before, Some(after)) if before != Some(after) => Some(LatchChange::Held),
            _ => None,
        }
    }
}
